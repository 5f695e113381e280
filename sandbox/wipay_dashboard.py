"""What happens at WiPay besides: refunds on the dashboard, and chargebacks.

Documentation: webhooks/payments-api.
"""

from collections.abc import Callable

from .actions import Action
from .models import Payment
from .wipay import decide_refund, notify


def refundable(payment: Payment) -> int:
    """WiPay refunds whole transactions; one that the shop asked for waits in ``wipay_merchant``."""
    is_free = payment.details.get("refund") not in ("requested", "refunded")
    return payment.amount if _is_sale(payment) and is_free else 0


def refund(payment: Payment, amount: int) -> None:
    decide_refund(payment, granted=True)


def in_dispute(state: str | None) -> Callable[[Payment], int]:
    """What a chargeback that has got as far as ``state`` is about: always all of it."""
    return lambda payment: (
        payment.amount if _is_sale(payment) and payment.details.get("dispute") == state else 0
    )


def dispute(state: str, event: str) -> Callable[[Payment, int], None]:
    def move(payment: Payment, amount: int) -> None:
        payment.details["dispute"] = state
        notify(payment, event)

    return move


def _is_sale(payment: Payment) -> bool:
    return payment.status == "success" and not payment.details.get("saves_card")


ACTIONS = (
    Action(
        "refund",
        "Refund on the dashboard",
        "All of it; told as payment.refunded.",
        refundable,
        refund,
    ),
    Action(
        "chargeback_open",
        "Chargeback: opened",
        "The payer's bank wants the money back; told as payment.chargeback_pending.",
        in_dispute(None),
        dispute("opened", "payment.chargeback_pending"),
    ),
    Action(
        "chargeback_lost",
        "Chargeback: lost",
        "The payer's bank gets the money; told as payment.chargeback_processed.",
        in_dispute("opened"),
        dispute("lost", "payment.chargeback_processed"),
    ),
    Action(
        "chargeback_won",
        "Chargeback: won",
        "The money stays; told as payment.chargeback_released.",
        in_dispute("opened"),
        dispute("won", "payment.chargeback_released"),
    ),
)
