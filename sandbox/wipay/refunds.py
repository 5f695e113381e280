"""Money that goes back at WiPay: refunds, decided on the dashboard or by a timer, and chargebacks.

Documentation: wapi/transactions/createRefundRequest, webhooks/payments-api.
"""

from typing import Any

from .. import clock
from ..kit import Action, Refused, commit
from ..models import Payment
from . import expire, finish, provider
from .wapi import find, wapi
from .webhooks import CHARGEBACKS, notify

DECIDED_AFTER = 20  # seconds


@wapi.post("/transactions/<transaction_id>/refund")
def request_refund(transaction_id: str) -> Any:
    """Ask for all of a transaction back. It is decided on the dashboard, or by a timer."""
    payment, ours = find(transaction_id), provider.settings
    refusals = {
        "has invalid status": payment.status != "success",
        "cannot be refunded": payment.details["saves_card"],
        "has an existing refund request": payment.details["refund"] == "requested",
        "has already been refunded": payment.details["refund"] == "refunded",
    }
    for words, holds in refusals.items():
        if holds:
            raise Refused(400, f"The selected transaction id {words}.")
    if ours.sandbox_wipay_balance == "short":
        raise Refused(403, "Insufficient funds on WiPay account to request refund.")
    payment.details["refund"] = "requested"
    if ours.sandbox_wipay_refunds != "by_hand":
        payment.timer = clock.now() + DECIDED_AFTER
    notify(payment, "payment.refund_requested")
    commit()
    return {"message": "Refund request successfully created."}, 201


def decide_refund(payment: Payment, granted: bool, reason: str = "") -> None:
    """End a refund request and tell the shop. The caller commits."""
    payment.timer = None
    if granted:
        payment.details["refund"] = "refunded"
        payment.refunded = payment.amount
        notify(payment, "payment.refunded")
    else:
        payment.details["refund"] = "rejected"
        meta = {"reason": reason or "The refund was not approved."}
        notify(payment, "payment.refund_rejected", meta)


@provider.rings
def ring(payment: Payment) -> None:
    """WiPay decides on a refund, ends a session, or looks after one that has ended."""
    ours = provider.settings
    if payment.details["refund"] == "requested":
        decide_refund(payment, ours.sandbox_wipay_refunds == "granted")
    elif payment.details["step"] == "expired":
        finish(payment, ours.sandbox_wipay_timeout_status, "[3-R3]: Transaction timed out.")
    else:
        expire(payment)


def _is_sale(payment: Payment) -> bool:
    return payment.status == "success" and not payment.details["saves_card"]


def _refundable(payment: Payment) -> int:
    """WiPay refunds whole transactions; one that the shop asked for waits on the dashboard."""
    is_free = payment.details["refund"] not in ("requested", "refunded")
    return payment.amount if _is_sale(payment) and is_free else 0


#: Key, what happens, and the dispute before and after it.
DISPUTES = (
    ("open", "The payer's bank wants the money back", None, "opened"),
    ("lost", "The payer's bank gets the money", "opened", "lost"),
    ("won", "The money stays", "opened", "won"),
)


def _chargeback(key: str, sentence: str, before: str | None, after: str) -> Action:
    event = f"payment.chargeback_{CHARGEBACKS[after]}"

    def disputed(payment: Payment) -> int:
        """Always all of it."""
        is_there = _is_sale(payment) and payment.details.get("dispute") == before
        return payment.amount if is_there else 0

    def move(payment: Payment, _amount: int) -> None:
        payment.details["dispute"] = after
        notify(payment, event)

    told = f"{sentence}; told as {event}."
    return Action(f"chargeback_{key}", f"Chargeback: {after}", told, disputed, move)


provider.actions = (
    Action(
        "refund",
        "Refund on the dashboard",
        "All of it; told as payment.refunded.",
        _refundable,
        lambda payment, _amount: decide_refund(payment, granted=True),
    ),
    *(_chargeback(*row) for row in DISPUTES),
)
