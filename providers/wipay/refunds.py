"""WiPay's refunds: whole payments, on which WiPay decides later. They want a WAPI key.

Documentation (docs.wipayfinancial.com, read 2026-11): wapi/transactions, webhooks/payments-api.
"""

from ..contract import PaymentRequest, Rejected
from ..optional import Refunded, RefundRequest
from ..text import printable
from .api import Account, call_api

#: webhooks/payments-api: event -> our status; None is kept and shown, and changes nothing.
REFUND_EVENTS = {
    "payment.refund_requested": None,
    "payment.refunded": "refunded",  # all of it: there are no partial refunds
    "payment.refund_rejected": None,  # a refund of ours is refused
}


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /wapi/transactions/{transaction_id}/refund``: a request, on which WiPay decides later.

    Whole transactions only: there is no amount in it. One request at a time is open, so a retry
    makes no second. A webhook says how it ends.

    :raise Rejected: a part, or WiPay's reason: not paid, too little on the account.
    :raise Unreachable: not known: call again.
    """
    if refund.amount != payment.amount or payment.provider_reference is None:
        raise Rejected("WiPay refunds whole payments only")
    try:
        call_api(account, "POST", f"/wapi/transactions/{payment.provider_reference}/refund")
    except Rejected as error:
        if "already been refunded" in str(error):
            return Refunded(None, done=True)
        if "existing refund request" not in str(error):
            raise
    return Refunded(None, done=False)


def read_refusal(meta: object) -> str:
    """Why a refund is refused (webhooks/payments-api, ``meta.reason``)."""
    reason = meta.get("reason") if isinstance(meta, dict) else None
    return printable(reason or "WiPay gave no reason.")
