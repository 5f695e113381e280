"""Everything that is due, whether or not a message said so: each minute, and after a message."""

import logging
import time

from sqlalchemy import delete, select

import logs
import payments
from database import database_now, db, transaction
from models import Delivery, Payment

from .outbox import LANE_WITHIN, OWN, work_off_lane, work_off_outbox
from .queue import the_queue, time_is_over, wake_check

CHECKS_PER_SWEEP = 200  # at each provider
KEPT_REFUSALS = 500

log = logging.getLogger(__name__)


def sweep() -> None:
    """Everything that is due, whether or not a message said so. Runs each minute.

    Our own work first, mail last; each lane is left in time, or left out while a thread is in it.
    """
    work_off_lane(OWN)
    payments.retry_silent_refunds()
    forget_old_refusals()
    for provider in payments.providers_to_check():
        _check_due(provider)
    work_off_outbox()


def check(payment_id: str) -> None:
    """Ask the provider about one payment, and about others of its that are due."""
    payment = db.session.get(Payment, payment_id)
    if payment:
        _check_due(payment.provider)
    work_off_outbox()


def _check_due(provider: str) -> None:
    """In the lane of this provider: what is due there, longest waiting first."""

    def check_all() -> None:
        ends = time.monotonic() + LANE_WITHIN
        for payment_id in payments.payments_to_check(CHECKS_PER_SWEEP, provider):
            if time_is_over(ends):
                break
            try:
                _check_one(payment_id)
            except Exception:  # the others must not wait; its next slot is booked
                log.exception("payment %s: check failed", payment_id)

    the_queue().lanes[provider].run(check_all)


def _check_one(payment_id: str) -> None:
    """Ask, do what was set off by the answer, and come back when it is next due."""
    logs.begin(task="check", payment_id=payment_id)
    next_check_at = payments.check_payment(payment_id)
    if next_check_at:
        wake_check(payment_id, (next_check_at - database_now()).total_seconds())
    work_off_lane(OWN)


def forget_old_refusals() -> None:
    """Keep the newest refused deliveries only, so that forged ones cannot fill the disk."""
    newest = (
        select(Delivery.id)
        .where(Delivery.verdict == "refused")
        .order_by(Delivery.id.desc())
        .offset(KEPT_REFUSALS)
        .limit(1)
        .scalar_subquery()
    )
    with transaction() as session:
        session.execute(
            delete(Delivery)
            .where(Delivery.verdict == "refused", Delivery.id <= newest)
            .execution_options(synchronize_session=False)
        )
