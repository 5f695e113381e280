"""A subscription: one order for each period that the provider charges, paid like any other.

    created     its first order waits for its payment
    active      charged until ``period_end``
    past_due    a later charge failed; the provider tries again, the shopper may pay another way
    cancelled   by the shopper, by a person or by the provider, for good

The payment of the first order stands for the subscription at the provider: news of each later
charge comes by its reference. ``charge_of`` finds the order of the period that the news is about,
or makes it, in the transaction that stores the news; then the ladder pays that order. So sums,
stock, holds, receipt and goods go their usual way. ``period_end`` only grows, by one conditional
UPDATE: late and repeated news changes nothing.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select

from database import database_now, db, now, update_one
from models import OPEN, Order, OutboxTask, Payment, Subscription
from providers.contract import News

from .periods import half, new_order, order_of, payment_of
from .review import flag_for_review, hold
from .timing import LATE_CHARGE, STOP_CHECKING, WHILE_PAST_DUE

SILENT = "{} says that a later month is running, and told of no charge for this one: look there"
AFTER_THE_END = "the subscription was cancelled, and {} charged for another month: refund it there"
SECOND = "a second subscription was paid for one order, and {} charged it again: refund it there"


def charge_of(payment: Payment, news: News) -> Payment:
    """The payment that news is about: for a later period of a subscription, one of its own.

    Moves the subscription, too. ``payment``, by whose reference the news came, is locked.
    """
    period = news.period
    if period is None or not payment.order.begins_subscription:
        return payment
    subscription = db.session.get_one(
        Subscription, payment.order_id, with_for_update=True, populate_existing=True
    )
    db.session.refresh(payment.order)  # a rival may have paid it while this one waited
    start, end = _moment(period.start), _moment(period.end)
    if period.status == "active" and start and end:
        return _charged(subscription, payment, start, end)
    if period.status == "past_due" and start and end and not _is_second(payment):
        _fall_behind(subscription, payment, end if end <= now() else start, end, news)
    if period.status == "cancelled" and not _is_second(payment):
        _end(subscription, payment, end)
    if period.status in ("cancelled", "failed"):
        payment.next_check_at = None
    return payment


def end_surplus(payment: Payment) -> None:
    """The order was paid another way: the subscription that this payment began must not go on."""
    if payment.order.begins_subscription:
        owe(payment.order_id, f"end_subscription:{payment.id}")


def owe(order_id: str, kind: str) -> None:
    """A task, once. Inside a transaction that has locked what it is about."""
    known = (OutboxTask.order_id == order_id, OutboxTask.kind == kind)
    if db.session.scalar(select(OutboxTask.id).where(*known)) is None:
        db.session.add(OutboxTask(order_id=order_id, kind=kind))
        db.session.flush()


def _charged(
    subscription: Subscription, payment: Payment, start: datetime, end: datetime
) -> Payment:
    """The provider charged for the period from ``start`` to ``end``: once more, or as we know."""
    first, charge = payment.order, payment
    if start < payment.created_at + half(subscription):
        update_one(Order, and_(Order.id == first.id, Order.status == "open"), period_start=start)
    else:
        order = order_of(subscription, start) or new_order(subscription, first, start)
        charge = payment_of(order, payment, start)
        ended = subscription.status == "cancelled" or subscription.cancel_asked_at
        known_end = subscription.period_end
        if _is_second(payment):
            _hold_unwanted(order, SECOND.format(payment.provider))
            end_surplus(payment)
        elif ended and known_end and start + half(subscription) > known_end:
            _hold_unwanted(order, AFTER_THE_END.format(payment.provider))
        else:
            _account_for_silence(subscription, payment, start)
    if not _is_second(payment):
        newer = or_(Subscription.period_end.is_(None), Subscription.period_end < end)
        runs = and_(_is(subscription), Subscription.status != "cancelled", newer)
        update_one(Subscription, runs, status="active", period_end=end)
        _book_next_charge(subscription, payment)
    return charge


def _fall_behind(
    subscription: Subscription, payment: Payment, missed: datetime, end: datetime, news: News
) -> None:
    """A charge failed: for the period that begins at ``end`` where the current one is paid for."""
    known_end = subscription.period_end
    if known_end is None:  # nor was the first charge told of
        _account_for_silence(subscription, payment, missed)
        return
    if known_end + half(subscription) > end:
        missed = end
    _account_for_silence(subscription, payment, missed)
    behind = Subscription.period_end < missed + half(subscription)
    active = and_(_is(subscription), Subscription.status == "active", behind)
    if update_one(Subscription, active, status="past_due"):
        order = order_of(subscription, missed) or new_order(subscription, payment.order, missed)
        charge = payment_of(order, payment, missed)
        words = {"failure_code": news.failure_code, "failure_message": news.failure_message}
        waiting = and_(Payment.id == charge.id, Payment.status.in_(OPEN))
        update_one(Payment, waiting, status="failed", **words)
        owe(order.id, "past_due")
    payment.expires_at = payment.next_check_at = database_now() + WHILE_PAST_DUE


def _end(subscription: Subscription, payment: Payment, end: datetime | None) -> None:
    """It is over; a month that was running and was never told of is for a person."""
    paid = subscription.period_end is not None
    if end and subscription.status != "cancelled":
        _account_for_silence(subscription, payment, end)
    runs = and_(_is(subscription), Subscription.status != "cancelled")
    if (paid or end) and update_one(Subscription, runs, status="cancelled") and paid:
        owe(subscription.order_id, "cancelled")


def _account_for_silence(subscription: Subscription, payment: Payment, until: datetime) -> None:
    """No period before ``until`` is lost: one without any news gets an order, which is held."""
    reason, every = SILENT.format(payment.provider), timedelta(days=subscription.every_days)
    if subscription.period_end is None:
        _hold_unproven(payment, reason)
    known_end = subscription.period_end or payment.created_at + every
    silent = []
    while (until := until - every) + half(subscription) > known_end:
        silent.append(until)
    for start in reversed(silent):
        if order_of(subscription, start) is None:
            order = new_order(subscription, payment.order, start)
            _hold_unproven(payment_of(order, payment, start), reason)


def _hold_unproven(charge: Payment, reason: str) -> None:
    """It was charged, as it seems, and no sum is proven: a person may release it, news may pay."""
    unproven = and_(Payment.received == 0, Payment.status.not_in(("refunded", "voided")))
    update_one(Payment, and_(Payment.id == charge.id, unproven), status="succeeded")
    flag_for_review(charge.id, reason)
    hold(charge.order_id, "unclear", reason)


def _hold_unwanted(order: Order, reason: str) -> None:
    """Money came that was not wanted any more: proof of it does not pay, a person decides."""
    unclear = and_(Order.status == "held", Order.held_code == "unclear")
    unpaid = and_(Order.id == order.id, or_(Order.status == "open", unclear))
    update_one(Order, unpaid, status="held", held_code="cancelled", held_reason=reason)


def _book_next_charge(subscription: Subscription, payment: Payment) -> None:
    """Its webhook may be lost: when the period is over, the provider is asked for a day."""
    if subscription.status == "cancelled" or subscription.period_end is None:
        payment.next_check_at = None
        return
    due, moment = subscription.period_end + LATE_CHARGE, database_now()
    payment.expires_at, payment.checks = due, 0
    payment.next_check_at = max(due, moment + LATE_CHARGE)
    if due + STOP_CHECKING < moment:
        flag_for_review(payment.id, f"{payment.provider} has not charged for the next month")


def _is_second(payment: Payment) -> bool:
    """Another payment paid the first order: this one began a subscription too many."""
    return payment.order.paid_by not in (None, payment.id)


def _is(subscription: Subscription) -> ColumnElement[bool]:
    return Subscription.order_id == subscription.order_id


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
