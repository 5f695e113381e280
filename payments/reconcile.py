"""The webhook never comes: ask the provider, less and less often, until it is decided or over."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select

import logs
from database import database_now, db, now, transaction, update_one
from models import OPEN, Order, Payment
from providers.contract import News, PaymentRequest, Rejected, Unreachable

from .closing import close_page
from .gateway import fetch, providers, request_for
from .inbox import apply_parked
from .ladder import MONEY, NO_MONEY, apply_news, climb
from .refunds import report_refused
from .reversals import follow_answer
from .review import flag_for_review
from .subscriptions import charge_of
from .surplus import hold_partial
from .timing import IN_DOUBT, LONGEST_PAUSE, STOP_CHECKING, is_pinged

MOST_DUE = 100_000  # payments whose time has come, of which the providers are read

log = logging.getLogger(__name__)


def check_payment(payment_id: str) -> datetime | None:
    """Ask the provider about an undecided payment whose time has come; several may try at once.

    Returns when to ask again; None when there is nothing more to learn, or another process asks.
    """
    claimed = _claim_check(payment_id)
    if claimed is None:
        return None
    request, provider, next_check_at, received = claimed
    configured = providers().get(provider)
    found: list[News] = []
    gone = False
    if configured:
        try:
            found = fetch(configured, request)
        except Unreachable as error:
            log.warning("payment %s: %s", payment_id, error)
            # Unknown is not failed, and does not expire; but it is not asked about for ever.
            return None if _stop_checking(payment_id) else next_check_at
        except Rejected as error:
            log.error("payment %s: %s", payment_id, error)
            gone = True
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        booked = payment.next_check_at
        apply_parked(payment, *(news.transaction_id for news in found))
        late = _is_late((booked, payment.received), (next_check_at, received))
        for news in found:
            charge = charge_of(payment, news)
            takes_back = not late and _takes_back(charge, news)
            undone = not late and _is_undone(charge, news)
            if news.status and not late:
                follow_answer(charge, undone)
            if news.refund_refused:
                report_refused(payment, news)
            elif news.status or news.dispute or news.problem or news.provider_state:
                apply_news(charge, news)
            if takes_back:
                problem = f"{provider} says {news.word}, after it had said that more money came"
                flag_for_review(charge.id, problem)
                if payment.status != "partially_paid" and not undone:  # they may still come
                    payment.next_check_at = None
        if not found and not gone:  # it cannot be asked
            follow_answer(payment, undone=False)
        if late and payment.dispute in IN_DOUBT:
            payment.next_check_at = booked
        if payment.next_check_at and payment.expires_at < now():
            # Expired for us: the shopper may pay again. Late money is still asked for, and taken.
            climb(payment_id, "expired")
            hold_partial(payment)
            if payment.expires_at + STOP_CHECKING < now():
                payment.next_check_at = None
        if payment.abandoned and payment.status == "canceled" and gone:
            payment.next_check_at = None  # the page was closed, and money would have been seen
        if is_pinged(payment):  # since this check began: what it means, the next one learns
            payment.next_check_at = booked
        to_close = payment.abandoned and payment.status in OPEN
        request = replace(request, provider_state=payment.provider_state)
        next_slot = payment.next_check_at
    if to_close and configured:
        close_page(configured, request)
    return next_slot


def _is_late(here: tuple[object, int], asked: tuple[object, int]) -> bool:
    """Whether news came while the provider was asked: its answer may be older, and proves no loss.

    Compares the next slot and the sum received with those when the question was sent.
    """
    return here != asked


def _takes_back(payment: Payment, news: News) -> bool:
    """Whether the provider's total is less than what it had said to be here.

    Of a failure, ``apply_news`` tells by itself.
    """
    return news.status != "failed" and _is_below(payment.received, payment, news)


def _is_undone(payment: Payment, news: News) -> bool:
    """Whether what paid the order, or some of it, is no longer at the provider."""
    if not _is_below(min(payment.received, payment.amount), payment, news):
        return False
    return db.session.get_one(Order, payment.order_id).paid_by == payment.id


def _is_below(total: int, payment: Payment, news: News) -> bool:
    """Whether the provider says that less than ``total``, in minor units, was received."""
    if news.status in NO_MONEY:
        return total > 0
    same = news.status in MONEY and news.currency == payment.currency
    return same and news.amount is not None and news.amount < total


def _stop_checking(payment_id: str) -> bool:
    """The provider has not answered for so long that a person must look there."""
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        if max(payment.expires_at, payment.pinged_at or payment.expires_at) + STOP_CHECKING > now():
            return False
        climb(payment_id, "expired")
        update_one(Payment, Payment.id == payment_id, next_check_at=None)
        if payment.page_url:
            flag_for_review(
                payment_id, f"{payment.provider} has not answered in time: look for it there"
            )
        return True


def _claim_check(payment_id: str) -> tuple[PaymentRequest, str, datetime, int] | None:
    """Take this slot and book the next: 5 s, 10 s, 20 s … at most an hour apart.

    Returns what to ask, whom, the next slot, and what was received before; None when nothing is
    due or another was faster.
    """
    with transaction() as session:
        payment = session.get(Payment, payment_id)
        if payment is None:
            return None
        pause = min(timedelta(seconds=5 * 2 ** min(payment.checks, 20)), LONGEST_PAUSE)
        moment = database_now()
        next_check_at = moment + pause
        due = and_(
            Payment.id == payment.id,
            Payment.checks == payment.checks,
            Payment.next_check_at <= moment,
        )
        booked = {"next_check_at": next_check_at, "checked_at": moment}
        if not update_one(Payment, due, **booked, checks=Payment.checks + 1):
            return None
        logs.about(order_id=payment.order_id, payment_id=payment.id, provider=payment.provider)
        return request_for(payment), payment.provider, next_check_at, payment.received


def providers_to_check() -> list[str]:
    """The providers of undecided payments whose time has come, longest waiting first."""
    due = select(Payment.provider, Payment.next_check_at.label("since"))
    due = due.where(Payment.next_check_at <= database_now())
    # The limit keeps SQLite at the index of what is due: it would read all to group them.
    found = due.order_by(Payment.next_check_at).limit(MOST_DUE).subquery()
    longest = func.min(found.c.since)
    return list(
        db.session.scalars(select(found.c.provider).group_by(found.c.provider).order_by(longest))
    )


def payments_to_check(limit: int, provider: str | None = None) -> list[str]:
    """Undecided payments whose time has come, of one provider or of all, longest waiting first."""
    due = select(Payment.id).where(Payment.next_check_at <= database_now())
    if provider is not None:
        due = due.where(Payment.provider == provider)
    return list(db.session.scalars(due.order_by(Payment.next_check_at).limit(limit)))
