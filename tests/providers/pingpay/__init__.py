"""Pingpay: a provider that exists in tests only, of the kind that the five others are not.

Its webhook is a form with an id, ``id=tr_1``, and proves nothing: the shop must ask. And it calls
one payment by two names: the id, and that of the charge, which closes and refunds it and may change
with every try.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

from providers import http
from providers.contract import (
    Capabilities,
    Checkout,
    Configured,
    Malformed,
    News,
    PaymentRequest,
    Ping,
    Redirect,
    Rejected,
    Urls,
)
from providers.optional import Refunded, RefundRequest

API = "http://127.0.0.1:5001/pingpay"
ERRORS: http.Errors = dict.fromkeys(range(400, 500), (Rejected, None))


@dataclass(frozen=True)
class Account:
    base_url: str = API


def configured(base_url: str = API) -> Configured:
    import sys

    return Configured(sys.modules[__name__], Account(base_url))


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="pingpay",
        label="Pingpay",
        takes="Cards",
        note="Visa and Mastercard",
        currencies=("USD",),
        page_origins=("http://127.0.0.1:5001",),
        failed="The card was declined.",
        refunds="part",
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    sent = {"reference": payment.reference, "amount": payment.amount, "currency": payment.currency}
    found = _call(account, "POST", "/payments", sent)
    return Checkout(found["id"], Redirect(found["url"]), provider_state=found["charge"])


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[Ping]:
    ids = parse_qs(body.decode("ascii", "replace")).get("id", [])
    if len(ids) != 1:
        raise Malformed("not one id")
    return [Ping(ids[0])]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    if payment.provider_reference is None:
        return []
    found = _call(account, "GET", f"/payments/{payment.provider_reference}")
    return [
        News(
            provider_reference=payment.provider_reference,
            reference=None,
            status=found["status"],
            word=f"GET: {found['status']}",
            amount=found["amount"],
            currency=found["currency"],
            refunded=found["refunded"],
            provider_state=found["charge"],
        )
    ]


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    _call(account, "GET", f"/charges/{payment.provider_state}")
    return "open"


def cancel(account: Account, payment: PaymentRequest) -> None:
    _call(account, "DELETE", f"/charges/{payment.provider_state}")


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    sent = {"reference": refund.reference, "amount": refund.amount}
    _call(account, "POST", f"/charges/{payment.provider_state}/refunds", sent)
    return Refunded(None, done=True)


def _call(
    account: Account, method: str, path: str, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    reply = http.call(method, account.base_url + path, payload=payload)
    return http.answer(reply, ERRORS, f"{method} {path}: HTTP {reply.status}")
