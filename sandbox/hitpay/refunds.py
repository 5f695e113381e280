"""HitPay's charges and refunds (apis/payment-request/refund, openapi.json), and what happens there
without the shop asking.

A charge is the money that one payment request took: an entry of its ``payments``.
"""

import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from .. import clock
from ..kit import Action, commit, major, minor, refunds
from ..kit.fields import in_turn, must
from ..models import Payment, Refund, db
from . import add_charge, api, count_foreign, provider, unknown
from .fields import AMOUNT_IS_GIVEN, is_amount, problems, sent, wrong
from .shapes import local_time
from .webhooks import tell_refund

ABOVE_ZERO = must(
    lambda it: is_amount(it) and Decimal(str(it)), "The amount must be a number above zero."
)


@api.post("/refund")
def refund_charge() -> dict[str, Any]:
    """Refund ``amount`` of the charge ``payment_id``, from a form or JSON.

    There is no idempotency key: the same call again is another refund. Errors: 401, 404, 422.
    """
    fields = sent()
    payment, charge = charge_called(str(fields.get("payment_id", "")))
    if errors := problems(fields, {"amount!": in_turn(AMOUNT_IS_GIVEN, ABOVE_ZERO)}):
        raise wrong(errors)
    amount = minor(str(fields["amount"]))
    if charge["status"] not in ("succeeded", "partially_refunded"):
        raise wrong({"payment_id": f"A charge that is {charge['status']} cannot be refunded."})
    if amount > _left(charge):
        raise wrong({"amount": "The amount is more than remains to be refunded."})

    reply = refund(payment, charge, amount)
    commit()
    return reply


@api.get("/refund/<reference>")
def get_refund(reference: str) -> dict[str, Any]:
    """One refund, as it was answered. Errors: 401, 404."""
    made = db.session.scalar(select(Refund).where(Refund.external_id == reference))
    if made is None:
        raise unknown("Refund", reference)
    return made.reply


def refund(payment: Payment, charge: dict[str, Any], amount: int) -> dict[str, Any]:
    """Money of a charge goes back, and the shop is told. The caller commits."""
    refunded = minor(charge["refunded_amount"]) + amount
    is_whole = refunded == minor(charge["amount"])
    changed = charge | {
        "status": "refunded" if is_whole else "partially_refunded",
        "refunded_amount": major(refunded),
        "refunded_at": clock.timestamp(),
        "updated_at": local_time(),
    }
    payment.details["payments"] = [
        changed if each["id"] == charge["id"] else each for each in payment.details["payments"]
    ]
    if charge["currency"] == payment.currency.lower():
        payment.refunded += amount
    count_foreign(payment, charge["currency"], -amount)
    reply = {
        "id": str(uuid.uuid4()),
        "refunded_by": None,
        "payment_id": charge["id"],
        "amount_refunded": float(major(amount)),
        "total_amount": float(charge["amount"]),
        "currency": charge["currency"],
        "status": "succeeded",
        "payment_method": charge["payment_type"],
        "provider_fee": None,
        "provider_fee_currency": None,
        "refunded_at": clock.timestamp(),
        "created_at": local_time(),
    }
    refunds.keep(payment, amount, reply)
    tell_refund(payment, changed)
    return reply


def charge_called(reference: str) -> tuple[Payment, dict[str, Any]]:
    """The charge with its payment request.

    :raise Refused: 404.
    """
    entries = func.json_each(Payment.details, "$.payments").table_valued("value")
    payment = db.session.scalar(
        select(Payment)
        .join(entries, func.json_extract(entries.c.value, "$.id") == reference)
        .where(Payment.provider == provider.name)
    )
    if payment is None:
        raise unknown("Charge", reference)
    return payment, next(each for each in payment.details["payments"] if each["id"] == reference)


def _left(charge: dict[str, Any]) -> int:
    """Minor units of a charge that were not refunded."""
    if charge["status"] not in ("succeeded", "partially_refunded"):
        return 0
    return minor(charge["amount"]) - minor(charge["refunded_amount"])


def _all_left(payment: Payment) -> int:
    """Of all charges, each in its own currency."""
    return sum(map(_left, payment.details["payments"]))


def _refund_newest(payment: Payment, amount: int) -> None:
    """The newest charges first, each told by a webhook of its own."""
    for charge in reversed(payment.details["payments"]):
        part = min(amount, _left(charge))
        if part:
            refund(payment, charge, part)
            amount -= part


provider.actions = (
    Action(
        "refund",
        "Refund on the dashboard",
        "The newest charge first; told as charge.updated.",
        _all_left,
        _refund_newest,
        in_part=True,
    ),
    Action(
        "pay_again",
        "Pay once more",
        "A drawn QR code cannot be cancelled: another charge, told as completed.",
        lambda payment: payment.amount if payment.status == "completed" else 0,
        lambda payment, _amount: add_charge(payment),
    ),
)
