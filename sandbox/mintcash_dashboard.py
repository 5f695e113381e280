"""What a merchant does on MintCash's dashboard: refunds and voids (docs/concepts/payments)."""

from .actions import Action
from .mintcash import move, refund
from .models import Payment


def remainder(payment: Payment) -> int:
    """Minor units that were taken and have not gone back."""
    is_there = payment.status in ("succeeded", "partially_refunded")
    return payment.amount - payment.refunded if is_there else 0


def void(payment: Payment, amount: int) -> None:
    """All that is left goes back without a refund."""
    payment.details["voided"] = amount
    move(payment, "voided")


ACTIONS = (
    Action(
        "refund",
        "Refund on the dashboard",
        "Told as payment.partially_refunded or payment.refunded.",
        remainder,
        refund,
        in_part=True,
    ),
    Action("void", "Void", "After it succeeded; told as payment.voided.", remainder, void),
)
