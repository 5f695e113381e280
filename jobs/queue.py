"""What wakes the workers: messages of an id at most, and lanes that keep slow work apart.

What is owed stands in the database; a message that is lost costs a minute, never work.
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

QUIET = 10.0  # seconds that a queue which did not answer is left alone

log = logging.getLogger(__name__)


@dataclass
class Queue:
    """The engine, and the messages it carries: ids at most."""

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


def wake_closing(order_id: str) -> None:
    """Say that pages of this order are to be closed."""
    for payment_id in payments.payments_to_close(order_id):
        wake_check(payment_id, 0)


def _send(message: str, args: tuple[str, ...], delay: float) -> None:
    queue = the_queue()
    with queue.sending:  # while a queue hangs, one request tries, and the others skip it
        if time.monotonic() < queue.quiet_until:
            return
        try:
            getattr(queue, message).schedule(args=args, delay=max(0.0, delay))
        except QUEUE_ERRORS as error:
            # The row is committed and the sweep will find it: no reason to fail a request.
            log.warning("queue does not take %s: %s", message, one_line(error))
            queue.quiet_until = time.monotonic() + QUIET


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
