"""What happens to a payment and its order. Read ladder.py first; these are the doors."""

from .attempts import OrderClosed, start
from .closing import close_other_payments, payments_to_wake, replace_order
from .gateway import providers, settings
from .inbox import Received, receive, record_refusal
from .pings import forget_early_pings, settle_early_pings
from .reconcile import check_payment, payments_to_check, providers_to_check
from .refunds import CannotRefund, left_to_refund
from .release import CannotRelease, release_order
from .replaced import paid_instead
from .returns import record_return
from .reversals import MoneyIsGone, accept_what_is_here, money_is_here
from .send_refunds import refund, retry_silent_refunds, send_refund
from .surplus import refund_other_payments
from .timing import CHECK_AFTER_RETURN

__all__ = [
    "CHECK_AFTER_RETURN",
    "CannotRefund",
    "CannotRelease",
    "MoneyIsGone",
    "OrderClosed",
    "Received",
    "accept_what_is_here",
    "check_payment",
    "close_other_payments",
    "forget_early_pings",
    "left_to_refund",
    "money_is_here",
    "paid_instead",
    "payments_to_check",
    "payments_to_wake",
    "providers",
    "providers_to_check",
    "receive",
    "record_refusal",
    "record_return",
    "refund",
    "refund_other_payments",
    "release_order",
    "replace_order",
    "retry_silent_refunds",
    "send_refund",
    "settings",
    "settle_early_pings",
    "start",
]
