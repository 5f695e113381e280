"""What wakes the workers: short messages, and lanes that keep slow work apart.

The database holds the work that is owed. A message only wakes a worker: a lost one costs a minute.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from huey import Huey

import payments

from .engines import QUEUE_ERRORS, one_line

QUIET = 10.0  # seconds without another message to a queue that did not answer

log = logging.getLogger(__name__)


@dataclass
class Queue:
    """The engine, and the messages it carries; their arguments are ids."""

    engine: Huey
    fulfil: Any
    check: Any
    sweep: Any
    sending: threading.Lock = field(default_factory=threading.Lock)
    lanes: dict[str, "Lane"] = field(default_factory=lambda: defaultdict(Lane))
    stopping: threading.Event = field(default_factory=threading.Event)
    quiet_until: float = 0.0  # by ``time.monotonic``


def wake_fulfilment(delay: float = 0) -> None:
    """Say that the outbox has work, due in ``delay`` seconds."""
    _send("fulfil", (), delay)


def wake_check(payment_id: str, delay: float) -> None:
    """Say that a payment is to be checked in ``delay`` seconds."""
    _send("check", (payment_id,), delay)


def wake_checks(order_id: str) -> None:
    """Say that pages of this order are to be closed, or its payments to be checked now."""
    for payment_id in payments.payments_to_wake(order_id):
        wake_check(payment_id, 0)


def _send(message: str, args: tuple[str, ...], delay: float) -> None:
    queue = the_queue()
    with queue.sending:  # while a queue hangs, one request tries, and the others skip it
        if time.monotonic() < queue.quiet_until:
            return
        try:
            getattr(queue, message).schedule(args=args, delay=max(0.0, delay))
        except QUEUE_ERRORS as error:
            # The row is committed, and the next sweep finds it: do not fail the request.
            log.warning("queue does not take %s: %s", message, one_line(error))
            queue.quiet_until = time.monotonic() + QUIET


class Lane:
    """Calls to one slow server (a provider, the mail server), by one thread of a process at a time.

    A thread that finds another one in the lane leaves its work to that one, which reads from the
    database what is due.
    """

    def __init__(self) -> None:
        self._taken = threading.Lock()
        self._wanted = False

    def run(self, work: Callable[[], None]) -> None:
        """``work`` does what is due; it runs again if another thread came meanwhile."""
        self._wanted = True
        while self._wanted and not the_queue().stopping.is_set() and self._taken.acquire(False):
            try:
                self._wanted = False
                work()
            finally:
                self._taken.release()


def the_queue() -> Queue:
    queue: Queue = current_app.extensions["queue"]
    return queue


def time_is_over(ends: float) -> bool:
    return time.monotonic() > ends or the_queue().stopping.is_set()
