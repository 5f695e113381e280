"""Mollie: hosted page, a webhook that proves nothing, status by id, refunds. An example to copy.

docs.mollie.com (read 2026-11): create-payment, get-payment, handling-payment-status, webhooks,
cancel-payment. The webhook is ``id=tr_…``, unsigned and always the same: a ``Ping``.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from ..contract import Capabilities, Checkout, Malformed, News, PaymentRequest, Ping, Redirect, Urls
from ..http import documented
from ..optional import status_after_refunds
from ..proof import by_answer
from ..text import optional_text, printable, usable_id, usable_text
from .api import Account as Account
from .api import call_api, fetch, read_amount, read_refunds, write_amount
from .api import refund as refund

SAME = ("pending", "authorized", "canceled", "expired", "failed")  # their words are ours
STATUSES = {"open": "created", "paid": "succeeded", **dict(zip(SAME, SAME, strict=True))}
FAILURES = {  # two of get-payment's ``details.failureReason``
    "card_expired": "This card has expired.",
    "insufficient_funds": "There is not enough money on this card.",
}


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="mollie",
        label="Mollie",
        takes="Cards, iDEAL and more",
        note="What your country pays with",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The payment failed.",
        failures=FAILURES,
        refunds="part",
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v2/payments``. Within an hour a retry is the same payment, by its Idempotency-Key;
    later it is another, and the first expires: no shopper has its page.
    """
    payload = {
        "amount": write_amount(payment.amount, payment.currency),
        "description": payment.description,
        "redirectUrl": urls.return_url,  # Mollie appends nothing
        "webhookUrl": urls.webhook_url,  # 422 when Mollie cannot reach it
        "metadata": payment.reference,
    }
    made = call_api(account, "POST", "/v2/payments", payload)
    with documented("POST /v2/payments"):
        url = usable_text(made["_links"]["checkout"], "href")
        return Checkout(usable_id(made, "id"), Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[Ping]:
    """``id=tr_…``: anyone may send it, so it only says whom to ask about."""
    ids = parse_qs(body.decode("ascii", "replace")).get("id", [])
    if len(ids) != 1:
        raise Malformed("not one id")
    return [Ping(ids[0])]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v2/payments/{id}``: our refunds that failed; then the payment, ``paid`` for good."""
    if payment.provider_reference is None:
        return []
    found = fetch(account, payment.provider_reference)
    with documented("GET /v2/payments"):
        word, reason = found["status"], (found.get("details") or {}).get("failureReason")
        amount, currency = read_amount(found["amount"])
        refunded, refused = read_refunds(found)
        back = status_after_refunds(amount, refunded) if word == "paid" else None
        news = News(found["id"], None, back or STATUSES.get(word), f"GET: {printable(word, 40)}")
        news = replace(
            news,
            amount=amount,
            currency=currency,
            refunded=refunded,
            failure_code=optional_text(reason, 60),
            dispute="lost" if "amountChargedBack" in found else None,
        )
    proof = by_answer(f"/v2/payments/{payment.provider_reference}")
    return [replace(each, proof=proof) for each in (*refused, news)]


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``DELETE /v2/payments/{id}``; 422 unless ``isCancelable``: the page then just expires."""
    call_api(account, "DELETE", f"/v2/payments/{payment.provider_reference}")
