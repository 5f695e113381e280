"""Stripe Checkout: hosted page, signed webhook, status by id, refunds. An example to copy.

docs.stripe.com (read 2026-11): api/checkout/sessions, api/events/types, webhooks. A payment has two
names: its session ``cs_…`` and, once the shopper tries to pay, its intent ``pi_…``, the only one in
news of refunds and disputes. So the intent is both ``transaction_id``, which finds the payment, and
``provider_state``, which refunds it. A webhook's ``event_key`` is its ``id``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contract import Capabilities, Checkout, Malformed, News, PaymentRequest, Redirect, Urls
from ..http import documented, read_object, with_id
from ..money import read_minor
from ..optional import status_after_refunds
from ..proof import by_answer, check_environment, check_timed_hmac
from ..text import optional_text, printable, usable_id, usable_text
from .api import Account as Account
from .api import call_api
from .api import refund as refund

STATUSES = {"open unpaid": "created", "complete unpaid": "pending", "expired unpaid": "expired"}
DISPUTES: dict[str, Any] = {"needs_response": "opened", "lost": "lost", "won": "won"}
ODD = ("ISK", "MGA", "STD", "UGX")  # currencies: Stripe's minor units are not ISO 4217's


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="stripe",
        label="Stripe",
        takes="Cards",
        note="and what else the account takes",
        currencies=tuple(each for each in account.currencies if each not in ODD),
        page_origins=account.origins,
        failed="The payment was declined.",
        refunds="part",
        page_minutes=24 * 60,
        silent_minutes=24 * 60,
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v1/checkout/sessions``, as a form; its Idempotency-Key makes a retry the same."""
    price = "line_items[0][price_data]"
    form = {
        "mode": "payment",
        "metadata[reference]": payment.reference,
        "line_items[0][quantity]": "1",
        f"{price}[currency]": payment.currency.lower(),
        f"{price}[unit_amount]": str(payment.amount),
        f"{price}[product_data][name]": payment.description,
        "success_url": urls.return_url,
    }
    made = call_api(account, "POST", "/v1/checkout/sessions", form)
    with documented("POST /v1/checkout/sessions"):
        return Checkout(usable_id(made, "id"), Redirect(usable_text(made, "url")))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """``Stripe-Signature`` (webhooks): a time, and an HMAC over it and the raw bytes."""
    given = headers.get("stripe-signature", "")
    proof = check_timed_hmac("Stripe-Signature", given, body, account.webhook_secrets)
    event = read_object(body)
    check_environment("livemode", event.get("livemode"), account.live)
    with documented("event", Malformed):
        name, data = usable_text(event, "type"), event["data"]["object"]
        news = _session(data) if data["object"] == "checkout.session" else _of_intent(name, data)
        if name == "checkout.session.async_payment_failed":  # a bank debit, days later
            news = replace(news, status="failed")
        key, word = usable_id(event, "id"), printable(name, 100)
        return [replace(news, word=word, event_key=key, check=news.status is None, proof=proof)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v1/checkout/sessions/{id}``, with its charge inside, which counts refunds."""
    if payment.provider_reference is None:
        return []
    path = f"/v1/checkout/sessions/{payment.provider_reference}"
    told = call_api(account, "GET", f"{path}?expand[]=payment_intent.latest_charge")
    with documented("GET /v1/checkout/sessions"):
        return [replace(_session(with_id(payment.provider_reference, told)), proof=by_answer(path))]


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``POST …/expire`` (api/checkout/sessions/expire): 400 where it was paid, or is over."""
    call_api(account, "POST", f"/v1/checkout/sessions/{payment.provider_reference}/expire")


def _session(data: dict[str, Any]) -> News:
    """Of a webhook or ``GET`` (checkout/fulfillment); no status where it does not say how much."""
    word = f"{data['status']} {data['payment_status']}"
    intent, ours = data["payment_intent"], optional_text(data["metadata"].get("reference"), 100)
    inside = intent if isinstance(intent, dict) else {"id": intent}  # ``GET`` shows all of it
    pi = usable_id(inside, "id") if intent else None
    news = News(usable_id(data, "id"), ours, None, word, transaction_id=pi, provider_state=pi)
    if word != "complete paid":
        return replace(news, status=STATUSES.get(word))
    charge = inside.get("latest_charge") or {"amount_refunded": 0}
    amount, currency = read_minor(data.get("amount_total"), data.get("currency"))
    back = read_minor(charge["amount_refunded"], currency)[0]
    status = status_after_refunds(amount, back)
    return replace(news, status=status, amount=amount, currency=currency, refunded=back)


def _of_intent(name: str, data: dict[str, Any]) -> News:
    """Refunds and disputes (api/refunds, api/disputes/object). Stripe is asked how much is left."""
    news = News(optional_text(data.get("payment_intent"), 100) or "", None, None, name)
    if name == "refund.failed":  # maybe days after it had succeeded (testing)
        why = optional_text(data.get("failure_reason"), 100) or "no reason was given"
        ours = (data["metadata"] or {}).get("reference")
        return replace(news, refund_refused=why, refund_reference=ours)
    return replace(news, dispute=DISPUTES.get(data["status"])) if "dispute" in name else news
