"""HitPay's pages once they are made: asked about, brought up to date, closed.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): openapi.json.
"""

from contextlib import suppress
from typing import Literal

from .. import hitpay
from ..contract import PaymentRequest, Unreachable, Urls
from .api import Account, Missing, call_api


def page_fields(account: Account) -> list[tuple[str, str]]:
    """Which methods the page offers, and for how long; may be changed as long as it is open."""
    return [
        *(("payment_methods[]", method) for method in account.payment_methods),
        ("expires_after", f"{account.page_minutes} mins"),
    ]


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    """Asks, and brings the page up to date by ``PUT /v1/payment-requests/{id}`` (openapi.json).

    A QR code cannot be changed once it is drawn, so its payment request is only fetched.

    :raise ProviderError: not known, or the page is open but does not take the change.
    """
    try:
        found = next(iter(hitpay.fetch_payment(account, payment)), None)
        if found is None or found.status in ("failed", "expired", "canceled"):
            return "closed"
        if found.status is None:
            raise Unreachable(f"GET /v1/payment-requests: {found.word} means nothing to us")
        if found.status != "pending":
            return "done"
        if not payment.method:
            form = hitpay.base_form(payment, urls) + page_fields(account)
            path = f"/v1/payment-requests/{payment.provider_reference}"
            call_api(account, "PUT", path, form)
        return "open"
    except Missing:
        return "closed"


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``DELETE /v1/payment-requests/{id}``; one that is gone already is fine.

    Its QR code may be paid all the same (guide/embedded-qr-code-payments): that is news like any.

    :raise Rejected: too late; what the answer then is, is not documented.
    :raise Unreachable: not known whether it is closed.
    """
    with suppress(Missing):
        call_api(account, "DELETE", f"/v1/payment-requests/{payment.provider_reference}")
