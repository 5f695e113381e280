"""Mollie: hosted page, a webhook that proves nothing, status by id. An example to copy.

docs.mollie.com (read 2026-11): create-payment, get-payment, handling-payment-status, webhooks. The
webhook is ``id=tr_…``, unsigned and always the same: a ``Ping``. Only the answer to ``GET`` counts.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs

from ..contract import Capabilities, Checkout, Malformed, News, PaymentRequest, Ping, Redirect, Urls
from ..http import documented
from ..text import optional_text, printable
from .api import Account as Account
from .api import call_api, fetch, read_amount, read_id, write_amount
from .pages import cancel as cancel
from .refunds import read_reversals
from .refunds import refund as refund

#: Their word: ours. ``paid`` is final; what goes back stands beside it (``refunds.py``).
STATUSES = {"open": "created", "paid": "succeeded"} | {
    same: same for same in ("pending", "authorized", "canceled", "expired", "failed")
}
#: Some of get-payment's ``details.failureReason``.
FAILURES = {
    "authentication_failed": "Your bank could not confirm that it was you.",
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
        return Checkout(read_id(made), Redirect(str(made["_links"]["checkout"]["href"])))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[Ping]:
    """``id=tr_…``: anyone may send it, so it only says whom to ask about."""
    ids = parse_qs(body.decode("ascii", "replace")).get("id", [])
    if len(ids) != 1:
        raise Malformed("not one id")
    return [Ping(ids[0])]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v2/payments/{id}``: refunds of ours that failed, then the payment itself."""
    if payment.provider_reference is None:
        return []
    found = fetch(account, payment.provider_reference)
    with documented("GET /v2/payments"):
        word, reason = found["status"], (found.get("details") or {}).get("failureReason")
        amount, currency = read_amount(found["amount"])
        refused, refunded, dispute = read_reversals(found)
        status = STATUSES.get(word)
        if word == "paid" and refunded:
            status = "refunded" if refunded >= amount else "partially_refunded"
    news = News(
        provider_reference=payment.provider_reference,
        reference=None,
        status=status,
        word=f"GET: {printable(word, 40)}",
        amount=amount,
        currency=currency,
        refunded=refunded,
        failure_code=optional_text(reason, 60),
        dispute=dispute,
    )
    return [*refused, news]
