"""What happens at HitPay besides: refunds on the dashboard, and a code that is paid once more."""

from typing import Any

from .actions import Action
from .hitpay import add_charge
from .hitpay_refunds import refund
from .hitpay_shapes import minor_units
from .models import Payment


def remainder(payment: Payment) -> int:
    """Minor units of all charges that were not refunded, each in its own currency."""
    return sum(_left(charge) for charge in payment.details["payments"])


def refund_newest(payment: Payment, amount: int) -> None:
    """The newest charges first, each told by a webhook of its own."""
    for charge in reversed(payment.details["payments"]):
        part = min(amount, _left(charge))
        if part:
            refund(payment, charge, part)
            amount -= part


def payable_again(payment: Payment) -> int:
    return payment.amount if payment.status == "completed" else 0


def pay_again(payment: Payment, amount: int) -> None:
    add_charge(payment, payment.details["payments"][-1]["payment_type"])


def _left(charge: dict[str, Any]) -> int:
    if charge["status"] not in ("succeeded", "partially_refunded"):
        return 0
    return minor_units(charge["amount"]) - minor_units(charge["refunded_amount"])


ACTIONS = (
    Action(
        "refund",
        "Refund on the dashboard",
        "The newest charge first; told as charge.updated.",
        remainder,
        refund_newest,
        in_part=True,
    ),
    Action(
        "pay_again",
        "Pay once more",
        "A drawn QR code cannot be cancelled: another charge, told as completed.",
        payable_again,
        pay_again,
    ),
)
