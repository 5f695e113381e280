"""Mollie's pages, closed where that can be done (docs.mollie.com, read 2026-11: cancel-payment)."""

from ..contract import PaymentRequest
from .api import Account, call_api


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``DELETE /v2/payments/{id}``; 422 unless ``isCancelable``: the page then just expires."""
    if payment.provider_reference is not None:  # without one, no shopper has its page
        call_api(account, "DELETE", f"/v2/payments/{payment.provider_reference}")
