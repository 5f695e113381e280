"""Our own work waits for no provider and no mail server: each is waited for in a lane of its own.

What hangs here hangs at a gate until the test opens it, so nothing is measured.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

import config
import fulfilment
import jobs
import jobs.queue
import payments
from jobs import outbox, worker
from models import Download, Mail
from providers.deadline import Deadline
from tools import run

from ..books import Books
from ..browser.world import eventually
from ..mintcash import event
from ..stories.test_hanging import drip, say_nothing, server
from ..stories.test_stop import running

EBOOK = {"cookbook": 1}


class Gate:
    """Stands in for a call that hangs, and counts who waits at it and who came through."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.waiting = 0
        self.passed = 0
        self._lock = threading.Lock()

    def __call__(self, *_: object) -> None:
        with self._lock:
            self.waiting += 1
        self.opened.wait(60)
        with self._lock:
            self.waiting -= 1
            self.passed += 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def pool(gate: Gate) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool
        gate.opened.set()


def buy(app: Flask, books: Books) -> None:
    """An e-book that is paid, and that no worker knows of yet."""
    (payment,) = books.place_order(EBOOK)
    delivery = event(payment, "succeeded")
    with app.app_context():
        payments.receive("mintcash", delivery.headers, delivery.body)


def start(
    pool: ThreadPoolExecutor, app: Flask, work: Callable[..., Any], *args: Any
) -> Future[Any]:
    """In another thread of the worker."""

    def do() -> None:
        with app.app_context():
            work(*args)

    return pool.submit(do)


def with_mail_server(app: Flask, **changes: Any) -> None:
    settings: config.Settings = app.extensions["settings"]
    url = SecretStr("smtp://mail.example:25")
    app.extensions["settings"] = settings.model_copy(update={"smtp_url": url} | changes)


# ------------------------------------------------------------------ who waits, waits alone


def test_while_a_letter_hangs_everything_else_goes_on_and_then_each_letter_is_sent_once(
    app: Flask, books: Books, pool: ThreadPoolExecutor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S08: seven e-books, bought one after the other."""
    with_mail_server(app)
    monkeypatch.setattr(fulfilment, "send_letter", gate)
    buy(app, books)
    first = start(pool, app, jobs.work_off_outbox)
    eventually(lambda: gate.waiting == 1, "the first letter hangs")

    for bought in range(2, 8):
        buy(app, books)
        books.work()
        assert books.fulfilled() == {"download": bought, "mail": bought}
    books.sweep()
    assert not first.done()
    assert (gate.waiting, gate.passed) == (1, 0)

    gate.opened.set()
    first.result(60)
    assert gate.passed == 7, "the thread in the lane has done what was left to it"
    assert {task.status for task in books.tasks} == {"done"}


def test_without_the_lane_every_thread_of_the_worker_ends_at_the_mail_server(
    app: Flask, books: Books, pool: ThreadPoolExecutor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin."""
    with_mail_server(app)
    monkeypatch.setattr(fulfilment, "send_letter", gate)
    monkeypatch.setattr(jobs.queue.Lane, "run", lambda _, work: work())
    for _ in range(3):
        buy(app, books)

    threads = [start(pool, app, jobs.work_off_outbox) for _ in range(3)]

    eventually(lambda: gate.waiting == 3, "all three hang")
    assert not any(each.done() for each in threads)


def test_look_ups_that_hang_stop_neither_fulfilment_nor_the_sweep_nor_each_other(
    app: Flask, books: Books, pool: ThreadPoolExecutor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T08: three of one provider, of which one thread takes care."""
    provider = app.extensions["providers"]["mintcash"].module
    monkeypatch.setattr(provider, "fetch_payment", gate)
    ids = [books.place_order(EBOOK)[0]["externalId"] for _ in range(3)]
    books.make_looks_due()

    threads = [start(pool, app, jobs.check, each) for each in ids]
    eventually(lambda: sum(each.done() for each in threads) == 2, "two leave it to the third")
    assert gate.waiting == 1
    buy(app, books)
    books.sweep()
    assert books.fulfilled() == {"download": 1, "mail": 1}

    gate.opened.set()
    for each in threads:
        each.result(60)
    assert gate.passed == 3


def test_a_worker_has_more_threads_than_lanes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """T08: five providers and a mail server that hang do not share the last thread."""
    started: list[int] = []
    monkeypatch.setattr(os, "nice", lambda _: None)
    monkeypatch.setattr(worker.Worker, "run", lambda worker: started.append(worker.workers))

    jobs.run_worker(app)

    (threads,) = started
    assert threads > len([*app.extensions["providers"], outbox.REFUNDS, outbox.MAIL])


def has_downloads(books: Books, count: int) -> bool:
    return books.count(Download) == count


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_real_worker_opens_downloads_while_mail_server_and_provider_hang(
    app: Flask, settings: config.Settings, books: Books, tmp_path: Path
) -> None:
    """S08, T08: the lease is long, so that everything hangs from before to after."""
    with server(say_nothing) as hole, server(drip(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n")) as dripping:
        more = {
            "SMTP_URL": hole.replace("http:", "smtp:"),
            "MINTCASH_BASE_URL": dripping,
            "LEASE_SECONDS": "600",
        }
        for _ in range(4):
            books.place_order(EBOOK)
        books.make_looks_due()
        with running(run.WORKER, settings, tmp_path, **more):
            for bought in range(1, 8):
                buy(app, books)
                with app.app_context():
                    jobs.wake_fulfilment()
                eventually(partial(has_downloads, books, bought), "the download is open")

            letters = [task for task in books.tasks if task.kind == "send_receipt"]
            assert {task.last_error for task in letters} == {None}, "the first still hangs"


# ------------------------------------------------------------------ one deadline for a letter


def slowly(pause: float) -> Callable[[socket.socket], None]:
    """A mail server that answers each command after ``pause`` seconds, and takes the letter."""

    def script(line: socket.socket) -> None:
        time.sleep(pause)
        line.sendall(b"220 slow.example\r\n")
        lines = line.makefile("rb")
        for command in lines:
            time.sleep(pause)
            if command.upper().startswith(b"DATA"):
                line.sendall(b"354 go on\r\n")
                for text in lines:
                    if text == b".\r\n":
                        break
                time.sleep(pause)
            line.sendall(b"250 yes\r\n")

    return script


def a_greeting_without_end(line: socket.socket) -> None:
    while True:
        line.sendall(b"220-wait\r\n")
        time.sleep(0.05)


def a_greeting_and_then_nothing(line: socket.socket) -> None:
    line.sendall(b"220 silent.example\r\n")
    say_nothing(line)


HANGING = {
    "accepts and says nothing": say_nothing,
    "drips its greeting": a_greeting_without_end,
    "greets and says nothing": a_greeting_and_then_nothing,
    "answers each command slowly": slowly(0.6),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("how", HANGING)
def test_a_letter_to_a_server_that_hangs_is_put_off_within_half_its_lease(
    app: Flask, books: Books, how: str, scheme: str
) -> None:
    """S08: so no other worker takes it up while it is being sent, and it is sent once."""
    with server(HANGING[how]) as address:
        url = SecretStr(address.replace("http:", f"{scheme}:"))
        with_mail_server(app, smtp_url=url, lease_seconds=4)
        buy(app, books)

        books.work()

    letter = books.tasks[-1]
    assert (letter.kind, letter.status, letter.attempts) == ("send_receipt", "waiting", 1)
    assert letter.last_error


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_the_deadline_the_slow_server_takes_longer_than_the_lease(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: each answer comes within any time-out, and the letter goes after its lease."""

    class Patient(Deadline):
        def __init__(self, seconds: float) -> None:
            super().__init__(60)

    monkeypatch.setattr(fulfilment, "Deadline", Patient)
    with server(slowly(0.6)) as address:
        url = SecretStr(address.replace("http:", "smtp:"))
        with_mail_server(app, smtp_url=url, lease_seconds=2)
        buy(app, books)
        started = time.monotonic()
        books.work()
        assert time.monotonic() - started > 2

    assert books.count(Mail) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_is_slow_within_the_deadline_takes_the_letter_once(
    app: Flask, books: Books
) -> None:
    """S08."""
    with server(slowly(0.05)) as address:
        with_mail_server(app, smtp_url=SecretStr(address.replace("http:", "smtp:")))
        buy(app, books)
        books.work()
        books.work()

    assert [(task.status, task.attempts) for task in books.tasks] == [("done", 1)] * 3
