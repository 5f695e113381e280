"""The outbox: what paid orders are owed. A task is claimed under a lease, retried, then parked.

The row is the truth about work that is owed. Several workers may run at once, on as many machines
as the database serves: every piece of work is claimed first, by the database's clock.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import func, not_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, joinedload

import logs
import payments
from database import database_now, db, now, transaction
from fulfilment import (
    NOTICES,
    add_credit,
    open_downloads,
    pack_parcel,
    send_mail,
    send_receipt,
    write_notice,
    write_receipt,
)
from models import Order, OutboxTask
from ops import metrics

from .queue import the_queue, time_is_over, wake_checks, wake_fulfilment

MAX_ATTEMPTS = 12  # over some five hours, with the pauses below; then a person is asked
LONGEST_PAUSE = timedelta(hours=1)
LANE_WITHIN = 30.0  # seconds that a thread stays in one lane; the next sweep goes on from there
LATE = timedelta(minutes=2)  # a sweep runs each minute; later than this, no worker is running
#: The lanes of the outbox, by the kind that each task in it begins with; "": all other kinds.
OWN, REFUNDS, CANCELS, MAIL = "", "refund:", "end_subscription:", "send_"
SLOW = (REFUNDS, CANCELS, MAIL)  # which wait for other servers

log = logging.getLogger(__name__)


def work_off_outbox() -> None:
    """Do what is due in the outbox: our own work, then what waits for others, mail last."""
    work_off_lane(OWN)
    for lane in SLOW:
        the_queue().lanes[lane].run(partial(work_off_lane, lane))


def work_off_lane(lane: str) -> None:
    """Do what is due in a lane; in a lane that waits for other servers, for ``LANE_WITHIN``."""
    ends = time.monotonic() + LANE_WITHIN
    while claimed := claim_task(lane):
        do_task(*claimed)
        if lane != OWN and time_is_over(ends):
            break


def claim_task(lane: str = OWN) -> tuple[int, int] | None:
    """Take the longest-waiting task of a lane under a lease, or None when there is none.

    Returns (id, attempt). One UPDATE; on PostgreSQL rivals skip the row instead of waiting.
    """
    lease = timedelta(seconds=payments.settings().lease_seconds)
    slow = [OutboxTask.kind.startswith(each, autoescape=True) for each in SLOW]
    mine = OutboxTask.kind.startswith(lane, autoescape=True) if lane else not_(or_(*slow))
    with transaction() as session:
        moment = database_now()
        due = (
            select(OutboxTask.id)
            .where(OutboxTask.done_at.is_(None), OutboxTask.parked.is_(False), mine)
            .where(OutboxTask.due_at <= moment)
            .order_by(OutboxTask.due_at, OutboxTask.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        claimed = session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == due.scalar_subquery())
            .values(due_at=moment + lease, attempts=OutboxTask.attempts + 1)
            .returning(OutboxTask.id, OutboxTask.attempts)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    return (claimed.id, claimed.attempts) if claimed else None


def _close_pages(order_id: str, _: str) -> None:
    payments.close_other_payments(order_id)
    wake_checks(order_id)


def _send_receipt(order_id: str, number: str) -> None:
    """Its files leave as other goods do: only while the money is here."""
    order = db.session.get_one(Order, order_id)
    send_receipt(order_id, payments.money_is_here(order), number)


class Kind(NamedTuple):
    """What a task of one kind does: inside our database, or outside it."""

    #: In the transaction that marks the task done: it happens once, however often a worker dies.
    inside: Callable[[Session, Order], None] | None = None
    #: Before that transaction, so that nothing is locked while another server answers: it happens
    #: at least once. Its arguments: the order's id, and what stands after the kind's colon.
    outside: Callable[[str, str], None] | None = None
    #: Whether it is only done while the money is here.
    for_money: bool = True


KINDS = {
    "parcel": Kind(inside=pack_parcel),
    "download": Kind(inside=open_downloads),
    "credit": Kind(inside=add_credit),
    "receipt": Kind(inside=write_receipt),
    **{kind: Kind(inside=partial(write_notice, kind), for_money=False) for kind in NOTICES},
    "send_receipt": Kind(outside=_send_receipt),
    "send_receipt:": Kind(outside=_send_receipt),  # a further one
    "send_notice:": Kind(outside=lambda order_id, kind: send_mail(order_id, kind, False)),
    CANCELS: Kind(outside=lambda _, payment_id: payments.end_subscription(payment_id)),
    REFUNDS: Kind(outside=lambda _, refund_id: payments.send_refund(refund_id)),
    "close_pages": Kind(outside=_close_pages),
    "give_back": Kind(outside=lambda order_id, _: payments.refund_other_payments(order_id)),
}


def do_task(task_id: int, attempt: int) -> None:
    """Do one claimed task; a failure is written down and tried again later, then parked."""
    task = db.session.get_one(OutboxTask, task_id)
    order_id, kind = task.order_id, task.kind
    logs.begin(task=kind, order_id=order_id)
    word, colon, detail = kind.partition(":")
    inside, outside, for_money = KINDS.get(word + colon, Kind())
    try:
        if not (inside or outside):
            raise UnknownKind(f"this worker's code knows no task of kind {kind!r}")
        if outside:
            outside(order_id, detail)
        with transaction() as session:
            if inside:
                order = session.get_one(Order, order_id)
                if for_money and not payments.money_is_here(order):
                    raise payments.MoneyIsGone("refunded, reversed or disputed since it was paid")
                inside(session, order)
            if kind == "receipt":  # which every paid order is owed once
                metrics.observe_confirmation(session.get_one(Order, order_id))
            if not _finish(task_id, attempt):
                raise LeaseLost
        log.info("order %s: %s done", order_id, kind)
    except LeaseLost:
        log.warning("order %s: %s was taken over by another worker", order_id, kind)
    except Exception as error:
        log.exception("order %s: %s failed", order_id, kind)
        postpone(task_id, attempt, error)


class UnknownKind(Exception):
    """A task of another release: that one's workers do it, or a person sees it parked."""


class LeaseLost(Exception):
    """Another worker has the task: what this one did is rolled back."""


def _finish(task_id: int, attempt: int) -> bool:
    """Mark done, if the lease is still ours."""
    result = db.session.execute(
        update(OutboxTask)
        .where(OutboxTask.id == task_id, OutboxTask.attempts == attempt)
        .where(OutboxTask.done_at.is_(None))
        .values(done_at=now(), last_error=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount == 1


def postpone(task_id: int, attempt: int, error: Exception) -> None:
    """Write the failure down, and try again after a longer pause each time; in the end, park."""
    pause = min(timedelta(seconds=5 * 2 ** min(attempt, 20)), LONGEST_PAUSE)
    parked = attempt >= MAX_ATTEMPTS
    with transaction() as session:
        if isinstance(error, payments.MoneyIsGone):
            # It does not come back by trying; news of it lets a parked task go on. News that came
            # since the question found nothing parked, so the question is asked once more.
            order = session.get_one(OutboxTask, task_id).order
            parked = parked or not payments.money_is_here(order)
        session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task_id, OutboxTask.attempts == attempt)
            .values(
                due_at=database_now() + pause,
                parked=parked,
                last_error=payments.settings().mask(f"{type(error).__name__}: {error}")[:500],
            )
        )
    if not parked:
        wake_fulfilment(pause.total_seconds())


def backlog() -> dict[str, int]:
    """How many tasks are ``waiting``, how many of those are ``late``, and how many ``parked``."""
    waiting = (OutboxTask.done_at.is_(None), OutboxTask.parked.is_(False))
    late = (*waiting, OutboxTask.due_at < database_now() - LATE)
    parked = (OutboxTask.done_at.is_(None), OutboxTask.parked.is_(True))
    return {
        word: db.session.scalar(select(func.count()).select_from(OutboxTask).where(*which)) or 0
        for word, which in (("waiting", waiting), ("late", late), ("parked", parked))
    }


def late_for() -> timedelta | None:
    """For how long no worker has taken the work that waits longest; None when none is late."""
    moment = database_now()
    due = db.session.scalar(
        select(func.min(OutboxTask.due_at)).where(
            OutboxTask.done_at.is_(None), OutboxTask.parked.is_(False)
        )
    )
    return moment - due if due and moment - due > LATE else None


def parked_tasks(limit: int) -> Sequence[OutboxTask]:
    """Work that was given up, longest parked first."""
    parked = select(OutboxTask).where(OutboxTask.done_at.is_(None), OutboxTask.parked.is_(True))
    return db.session.scalars(
        parked.options(joinedload(OutboxTask.order)).order_by(OutboxTask.due_at).limit(limit)
    ).all()


def retry_parked(task_id: int) -> None:
    """Give one more attempt to what was given up; if that fails it is parked again.

    A person decides so: goods that were held back leave for what is left of the money.
    """
    payments.accept_what_is_here(db.session.get_one(OutboxTask, task_id).order_id)
    with transaction() as session:
        session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task_id, OutboxTask.parked.is_(True))
            .values(parked=False, due_at=database_now())
        )
    wake_fulfilment()
