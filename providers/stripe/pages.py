"""Stripe's pages once they are made: closed, or left (docs.stripe.com, read 2026-11)."""

from collections.abc import Mapping

from ..contract import PaymentRequest
from ..optional import Hint
from .api import Account, call_api


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``POST …/expire`` (api/checkout/sessions/expire): 400 where it was paid, or is over."""
    if payment.provider_reference is not None:  # without one, no shopper has its page
        call_api(account, "POST", f"/v1/checkout/sessions/{payment.provider_reference}/expire")


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """Our ``cancel_url`` says that the shopper left; Stripe tells no one, and its page stays."""
    return Hint("left", "canceled") if "left" in args else Hint()
