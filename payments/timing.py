"""When a provider is asked by itself, and for how long."""

from datetime import timedelta

from database import database_now
from models import Payment
from providers.contract import News

FIRST_CHECK = timedelta(seconds=60)  # after leaving for the page: the shopper is typing
CHECK_AFTER_RETURN = timedelta(seconds=3)  # a webhook usually arrives within half a second
LONGEST_PAUSE = timedelta(hours=1)
STOP_CHECKING = timedelta(hours=24)  # after it expired; even the slowest provider has given up
LATE_CHARGE = timedelta(hours=1)  # after a period of a subscription: its webhook may be lost
WHILE_PAST_DUE = timedelta(days=1)  # between two questions, while the provider tries again
SILENT_REFUND = timedelta(hours=1)
PING_PAUSE = timedelta(seconds=3)  # between the beginnings of two checks that pings ask for

#: Marks in ``Payment.dispute`` that the provider's next answer sets or removes.
IN_DOUBT = ("doubted", "undone")

#: The provider will not change its mind by itself, so it need not be asked again.
FINAL = ("failed", "canceled", "succeeded", "partially_refunded", "refunded", "voided")


def is_pinged(payment: Payment) -> bool:
    """Whether a ping came since the last check began: the next check is still to come."""
    pinged_at, checked_at = payment.pinged_at, payment.checked_at
    return pinged_at is not None and (checked_at is None or pinged_at > checked_at)


def book_check(payment: Payment, news: News, status_before: str) -> None:
    """When the provider is to be asked next, after this news; never again after final news.

    Unless a ping has booked a check: it may be about what came after this news. What is to come of
    a subscription is booked by subscriptions.py.
    """
    if news.period:
        return
    if news.status in FINAL and not is_pinged(payment):
        payment.next_check_at = None
    if payment.status == "partially_paid" and payment.next_check_at is None:
        # Keep asking until it is complete, or held for review.
        payment.next_check_at = database_now() + FIRST_CHECK
    # After a failure, a success is a second try, or old news of what a chain has undone.
    second_try = status_before in ("failed", "partially_paid") and payment.status == "succeeded"
    # Told of a failure after money, or of anything after that: only its answer says what is there.
    doubted = (news.status == "failed" and payment.received > 0) or payment.dispute in IN_DOUBT
    if news.check or second_try or (doubted and news.event_key):
        payment.next_check_at = database_now()
