"""Messages wake the workers, and lanes keep slow providers and mail servers apart.

What hangs here hangs until the test releases it, so nothing is measured.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

import fulfilment
import jobs
import jobs.queue

from ..books import Books
from ..browser.site import eventually
from ..mail_servers import with_mail_server
from ..mintcash import event
from ..purchases import ALL_EFFECTS, COOKBOOK, ONE_OF_EACH, pay_for_e_book
from ..shopper import Shopper

# ------------------------------------------------------------------ messages


def test_a_delivery_wakes_the_worker(app: Flask, shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    engine = app.extensions["queue"].engine
    assert books.fulfilled() == {}

    engine.execute(engine.dequeue())

    assert books.fulfilled() == ALL_EFFECTS


def test_a_queue_that_cannot_be_written_fails_no_request(
    app: Flask, shopper: Shopper, books: Books
) -> None:
    """F8, F10: what is owed is committed; the message was only to save a minute."""
    (payment,) = books.place_order(ONE_OF_EACH)
    engine = app.extensions["queue"].engine
    engine.storage.sql("DROP TABLE schedule", commit=True)
    engine.storage.sql("DROP TABLE task", commit=True)

    answer = shopper.deliver(*event(payment, "succeeded"))
    books.sweep()

    assert answer.status_code == 200
    assert books.fulfilled() == ALL_EFFECTS


# ------------------------------------------------------------------ lanes


class HangingCall:
    """Hangs until it is released; counts the threads that wait in it, and those that came out."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.waiting = 0
        self.passed = 0
        self._lock = threading.Lock()

    def __call__(self, *_: object) -> None:
        with self._lock:
            self.waiting += 1
        self.released.wait(60)
        with self._lock:
            self.waiting -= 1
            self.passed += 1


@pytest.fixture
def hanging() -> Iterator[HangingCall]:
    hanging = HangingCall()
    yield hanging
    hanging.released.set()


@pytest.fixture
def pool(hanging: HangingCall) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool
        hanging.released.set()


def start(
    pool: ThreadPoolExecutor, app: Flask, work: Callable[..., Any], *args: Any
) -> Future[Any]:
    """In another thread of the worker."""

    def do() -> None:
        with app.app_context():
            work(*args)

    return pool.submit(do)


def test_while_a_letter_hangs_everything_else_goes_on_and_then_each_letter_is_sent_once(
    app: Flask,
    books: Books,
    pool: ThreadPoolExecutor,
    hanging: HangingCall,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S08: seven e-books, bought one after the other."""
    with_mail_server(app)
    monkeypatch.setattr(fulfilment, "send_letter", hanging)
    pay_for_e_book(app, books)
    first = start(pool, app, jobs.work_off_outbox)
    eventually(lambda: hanging.waiting == 1, "the first letter hangs")

    for bought in range(2, 8):
        pay_for_e_book(app, books)
        books.work()
        assert books.fulfilled() == {"download": bought, "mail": bought}
    books.sweep()
    assert not first.done()
    assert (hanging.waiting, hanging.passed) == (1, 0)

    hanging.released.set()
    first.result(60)
    assert hanging.passed == 7, "the thread in the lane has done what was left to it"
    assert {task.status for task in books.tasks} == {"done"}


def test_without_the_lane_every_thread_of_the_worker_ends_at_the_mail_server(
    app: Flask,
    books: Books,
    pool: ThreadPoolExecutor,
    hanging: HangingCall,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The twin."""
    with_mail_server(app)
    monkeypatch.setattr(fulfilment, "send_letter", hanging)
    monkeypatch.setattr(jobs.queue.Lane, "run", lambda _, work: work())
    for _ in range(3):
        pay_for_e_book(app, books)

    threads = [start(pool, app, jobs.work_off_outbox) for _ in range(3)]

    eventually(lambda: hanging.waiting == 3, "all three hang")
    assert not any(each.done() for each in threads)


def test_checks_that_hang_stop_neither_fulfilment_nor_the_sweep_nor_each_other(
    app: Flask,
    books: Books,
    pool: ThreadPoolExecutor,
    hanging: HangingCall,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T08: three of one provider, of which one thread takes care."""
    provider = app.extensions["providers"]["mintcash"].module
    monkeypatch.setattr(provider, "fetch_payment", hanging)
    ids = [books.place_order(COOKBOOK)[0]["externalId"] for _ in range(3)]
    books.make_checks_due()

    threads = [start(pool, app, jobs.check, each) for each in ids]
    eventually(lambda: sum(each.done() for each in threads) == 2, "two leave it to the third")
    assert hanging.waiting == 1
    pay_for_e_book(app, books)
    books.sweep()
    assert books.fulfilled() == {"download": 1, "mail": 1}

    hanging.released.set()
    for each in threads:
        each.result(60)
    assert hanging.passed == 3
