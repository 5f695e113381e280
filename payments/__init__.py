"""What happens to a payment and its order. Read ladder.py first; these are the doors."""

from .attempts import OrderClosed, start
from .cancelling import cancel_subscription, end_subscription
from .closing import close_other_payments, payments_to_wake, replace_order
from .credit import CreditGone, card_of, free, free_idle, reserve
from .gateway import providers, settings
from .inbox import NO_SUBSCRIPTION, Received, receive, record_refusal
from .paid_by_credit import pay_with_credit, refund_credit
from .pings import forget_early_pings, settle_early_pings
from .reconcile import check_payment, payments_to_check, providers_to_check
from .refunds import CannotRefund, left_to_refund
from .release import CannotRelease, release_order
from .replaced import paid_instead
from .returns import record_return
from .reversals import MoneyIsGone, accept_what_is_here, money_is_here, still_pays
from .send_refunds import refund, retry_silent_refunds, send_refund
from .surplus import refund_other_payments
from .timing import CHECK_AFTER_RETURN

__all__ = [
    "CHECK_AFTER_RETURN",
    "NO_SUBSCRIPTION",
    "CannotRefund",
    "CannotRelease",
    "CreditGone",
    "MoneyIsGone",
    "OrderClosed",
    "Received",
    "accept_what_is_here",
    "cancel_subscription",
    "card_of",
    "check_payment",
    "close_other_payments",
    "end_subscription",
    "forget_early_pings",
    "free",
    "free_idle",
    "left_to_refund",
    "money_is_here",
    "paid_instead",
    "pay_with_credit",
    "payments_to_check",
    "payments_to_wake",
    "providers",
    "providers_to_check",
    "receive",
    "record_refusal",
    "record_return",
    "refund",
    "refund_credit",
    "refund_other_payments",
    "release_order",
    "replace_order",
    "reserve",
    "retry_silent_refunds",
    "send_refund",
    "settings",
    "settle_early_pings",
    "start",
    "still_pays",
]
