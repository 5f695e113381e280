"""The sweep: once a minute, a worker does everything that is due, whether or not it was woken."""

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
    """Do everything that is due. Runs each minute.

    Our own work first, mail last. A lane is left after a while, and skipped while another thread
    is in it.
    """
    work_off_lane(OWN)
    payments.retry_silent_refunds()
    forget_old_refusals()
    payments.free_idle()
    payments.forget_early_pings()
    payments.settle_early_pings()
    for provider in payments.providers_to_check():
        _check_due(provider)
    work_off_outbox()


def check(payment_id: str) -> None:
    """Check one payment, and the others that are due at its provider."""
    payment = db.session.get(Payment, payment_id)
    if payment:
        _check_due(payment.provider)
    work_off_outbox()


def _check_due(provider: str) -> None:
    """Check the payments that are due at a provider, in its lane, longest waiting first."""

    def check_all() -> None:
        ends = time.monotonic() + LANE_WITHIN
        for payment_id in payments.payments_to_check(CHECKS_PER_SWEEP, provider):
            if time_is_over(ends):
                break
            try:
                _check_one(payment_id)
            except Exception:  # must not stop the sweep; the next check is already booked
                log.exception("payment %s: check failed", payment_id)

    the_queue().lanes[provider].run(check_all)


def _check_one(payment_id: str) -> None:
    """Check one payment, do the work that the answer sets off, and book a message for next time."""
    logs.begin(task="check", payment_id=payment_id)
    next_check_at = payments.check_payment(payment_id)
    if next_check_at:
        wake_check(payment_id, (next_check_at - database_now()).total_seconds())
    work_off_lane(OWN)


def forget_old_refusals() -> None:
    """Delete all but the newest refused deliveries, so that forged ones cannot fill the disk."""
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
