"""The work that waits: fulfil, send, look a payment up.

What is owed stands in the database: outbox rows and ``payments.next_look_at``. The queue (huey)
only says "look now", so that nobody waits; a message that is lost costs a minute, never work: a
sweep finds the row. Several workers may run at once, on as many machines as the queue's engine
serves: every piece of work is claimed first, by the database's clock.

Our own work waits for nobody else's: what needs a provider or a mail server is done in a lane for
each of them, by one thread at a time, and a worker has more threads than lanes.
"""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Flask, current_app
from huey import Huey, crontab
from huey.consumer import Consumer, Scheduler
from sqlalchemy import delete, func, not_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import joinedload

import logs
import payments
from database import database_now, db, now, transaction
from fulfilment import EFFECTS, send_receipt
from models import Delivery, Order, OutboxTask, Payment
from ops import metrics
from queues import AWAY, create_engine, one_line, shorten

MOST_ATTEMPTS = 12  # with the pauses below: some five hours, then a person is asked
LONGEST_PAUSE = timedelta(hours=1)
LOOKS_IN_A_SWEEP = 200  # at each provider
LANE_WITHIN = 30.0  # seconds that a thread stays in one lane; the next sweep goes on from there
KEPT_REFUSALS = 500
LATE = timedelta(minutes=2)  # a sweep should have found it: is there a worker?
#: Where processors are short, webhooks go first: a provider gives up on them after seconds, and a
#: parcel can wait.
NICENESS = 10
QUIET = 10.0  # seconds that a queue which did not answer is left alone

log = logging.getLogger(__name__)


@dataclass
class Queue:
    """The engine, and the messages it carries: ids at most."""

    engine: Huey
    fulfil: Any
    look: Any
    sweep: Any
    sending: threading.Lock = field(default_factory=threading.Lock)
    lanes: dict[str, "Lane"] = field(default_factory=lambda: defaultdict(Lane))
    stopping: threading.Event = field(default_factory=threading.Event)
    quiet_until: float = 0.0  # by ``time.monotonic``


def create_queue(app: Flask, jobs_url: str) -> Queue:
    """The queue at ``JOBS_URL``; it need not be there yet."""
    engine = create_engine(jobs_url)

    def in_app(work: Callable[..., None]) -> Callable[..., None]:
        def run(*args: str) -> None:
            with app.app_context():
                work(*args)

        return run

    return Queue(
        engine,
        fulfil=engine.task(name="fulfil")(in_app(work_off_outbox)),
        look=engine.task(name="look")(in_app(look)),
        sweep=engine.periodic_task(crontab(minute="*"), name="sweep")(in_app(sweep)),
    )


def run_worker(app: Flask) -> None:
    """Work until SIGTERM or SIGINT; what a dead worker left is found by the first sweep.

    A queue that is away does not end it: it sweeps all the same, and takes messages again when
    they come.
    """
    os.nice(NICENESS)
    queue: Queue = app.extensions["queue"]
    lanes = [*app.extensions["providers"], REFUNDS, MAIL]
    for part in ("Scheduler", "Worker"):
        logging.getLogger(f"huey.consumer.{part}").addFilter(shorten)
    worker = Worker(queue.engine, workers=len(lanes) + 2, max_delay=1.0, graceful_signal="TERM")
    queue.stopping = worker.stop_flag
    worker.run()


class Minute(Scheduler):  # type: ignore[misc]
    """huey's, but what a minute asks for is done here when the queue does not take the message."""

    def enqueue_periodic_tasks(self, now: datetime | None) -> None:
        for task in self.huey.read_periodic(now):
            try:
                self.huey.enqueue(task)
            except AWAY as error:
                log.warning("queue does not take %s, done without: %s", task.name, one_line(error))
                try:
                    task.execute()
                except Exception:  # this thread must live on: the next minute may do better
                    log.exception("%s failed", task.name)


class Worker(Consumer):  # type: ignore[misc]
    scheduler_class = Minute


# ------------------------------------------------------------------ messages


def wake_fulfilment(delay: float = 0) -> None:
    """Say that the outbox has work, due in ``delay`` seconds."""
    _send("fulfil", (), delay)


def wake_look(payment_id: str, delay: float) -> None:
    """Say that a payment wants a look in ``delay`` seconds."""
    _send("look", (payment_id,), delay)


def wake_abandoned(order_id: str) -> None:
    """Say that pages of this order are to be closed."""
    for payment_id in payments.payments_to_close(order_id):
        wake_look(payment_id, 0)


def _send(message: str, args: tuple[str, ...], delay: float) -> None:
    queue = _queue()
    with queue.sending:  # while a queue hangs, one request tries, and the others skip it
        if time.monotonic() < queue.quiet_until:
            return
        try:
            getattr(queue, message).schedule(args=args, delay=max(0.0, delay))
        except AWAY as error:
            # The row is committed and the sweep will find it: no reason to fail a request.
            log.warning("queue does not take %s: %s", message, one_line(error))
            queue.quiet_until = time.monotonic() + QUIET


# ------------------------------------------------------------------ lanes


class Lane:
    """The way to one slow other, with one thread of this process on it at a time.

    Who finds another thread there leaves the work to it: what is due stands in the database.
    """

    def __init__(self) -> None:
        self._taken = threading.Lock()
        self._wanted = False

    def run(self, work: Callable[[], None]) -> None:
        """``work`` does what is due; it is run again when another thread came meanwhile."""
        self._wanted = True
        while self._wanted and not _queue().stopping.is_set() and self._taken.acquire(False):
            try:
                self._wanted = False
                work()
            finally:
                self._taken.release()


def _queue() -> Queue:
    queue: Queue = current_app.extensions["queue"]
    return queue


def _time_is_over(ends: float) -> bool:
    return time.monotonic() > ends or _queue().stopping.is_set()


# ------------------------------------------------------------------ tasks


def sweep() -> None:
    """Everything that is due, whether or not a message said so. Runs each minute.

    Our own work first, mail last; each lane is left in time, or left out while a thread is in it.
    """
    work_off_lane(OWN)
    payments.retry_silent_refunds()
    forget_old_refusals()
    for provider in payments.providers_to_check():
        _look_at(provider)
    work_off_outbox()


def look(payment_id: str) -> None:
    """Ask the provider about one payment, and about others of its that are due."""
    payment = db.session.get(Payment, payment_id)
    if payment:
        _look_at(payment.provider)
    work_off_outbox()


def _look_at(provider: str) -> None:
    """In the lane of this provider: what is due there, longest waiting first."""

    def look_at_all() -> None:
        ends = time.monotonic() + LANE_WITHIN
        for payment_id in payments.payments_to_check(LOOKS_IN_A_SWEEP, provider):
            if _time_is_over(ends):
                break
            try:
                _look_at_one(payment_id)
            except Exception:  # the others must not wait; its next slot is booked
                log.exception("payment %s: look-up failed", payment_id)

    _queue().lanes[provider].run(look_at_all)


def _look_at_one(payment_id: str) -> None:
    """Ask, do what was set off by the answer, and come back when it is next due."""
    logs.begin(task="look", payment_id=payment_id)
    next_look_at = payments.check_payment(payment_id)
    if next_look_at:
        wake_look(payment_id, (next_look_at - database_now()).total_seconds())
    work_off_lane(OWN)


#: The lanes of the outbox, by the kind that each task in it begins with; "": all other kinds.
OWN, REFUNDS, MAIL = "", "refund:", "send_receipt"


def work_off_outbox() -> None:
    """Do what is due in the outbox: our own work, then what waits for others, mail last."""
    work_off_lane(OWN)
    for lane in (REFUNDS, MAIL):
        _queue().lanes[lane].run(partial(work_off_lane, lane))


def work_off_lane(lane: str) -> None:
    """Do what is due in a lane until nothing is; where that waits for others, for a while."""
    ends = time.monotonic() + LANE_WITHIN
    while claimed := claim_task(lane):
        do_task(*claimed)
        if lane != OWN and _time_is_over(ends):
            break


def claim_task(lane: str = OWN) -> tuple[int, int] | None:
    """Take the longest-waiting task of a lane under a lease, or None when there is none.

    Returns (id, attempt). One UPDATE; on PostgreSQL rivals skip the row instead of waiting.
    """
    lease = timedelta(seconds=payments.settings().lease_seconds)
    slow = [OutboxTask.kind.startswith(each, autoescape=True) for each in (REFUNDS, MAIL)]
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
    wake_abandoned(order_id)


#: What a task does before it is marked done, outside any transaction: a kind, or what stands before
#: the colon of one -> a function of the order's id and of what stands after it. All other kinds
#: are in :data:`fulfilment.EFFECTS`, done in the transaction that marks the task.
STEPS: dict[str, Callable[[str, str], None]] = {
    MAIL: lambda order_id, _: send_receipt(order_id),
    REFUNDS: lambda _, refund_id: payments.send_refund(refund_id),
    "close_pages": _close_pages,
    "give_back": lambda order_id, _: payments.refund_other_payments(order_id),
}


def do_task(task_id: int, attempt: int) -> None:
    """Do one claimed task; a failure is written down and tried again later, then parked."""
    task = db.session.get_one(OutboxTask, task_id)
    order_id, kind = task.order_id, task.kind
    logs.begin(task=kind, order_id=order_id)
    word, colon, detail = kind.partition(":")
    step, effect = STEPS.get(word + colon), EFFECTS.get(kind)
    try:
        if step:
            step(order_id, detail)
        elif effect is None:
            raise UnknownKind(f"this worker's code knows no task of kind {kind!r}")
        with transaction() as session:
            if effect:
                order = session.get_one(Order, order_id)
                if not payments.money_is_here(order):
                    raise payments.MoneyIsGone("refunded, voided or disputed since it was paid")
                effect(session, order)
            if kind == "receipt":  # which every paid order is owed once
                metrics.observe_confirmation(session.get_one(Order, order_id))
            if not _finish(task_id, attempt):
                raise LeaseLost
        log.info("order %s: %s done", order_id, kind)
    except LeaseLost:
        log.warning("order %s: %s was taken over by another worker", order_id, kind)
    except Exception as error:
        log.exception("order %s: %s failed", order_id, kind)
        _postpone(task_id, attempt, error)


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


def _postpone(task_id: int, attempt: int, error: Exception) -> None:
    pause = min(timedelta(seconds=5 * 2 ** min(attempt, 20)), LONGEST_PAUSE)
    # Money that went away does not come back by trying; news of it lets the task go on.
    parked = attempt >= MOST_ATTEMPTS or isinstance(error, payments.MoneyIsGone)
    with transaction() as session:
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


# ------------------------------------------------------------------ for the console


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


# ------------------------------------------------------------------ tidying up


def forget_old_refusals() -> None:
    """Refused deliveries are shown for a while; nobody may fill the disk with them."""
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
