"""A webhook that proves nothing books a check, answers at once, and costs next to nothing.

On both databases, at a provider whose webhook is an id (``tests/providers/pingpay``). Mollie's
documentation asks for that: "call our API to get the status" (docs.mollie.com/reference/webhooks).
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

import jobs
import payments
from database import db, now
from models import EarlyPing
from payments import pages, pings, reconcile, timing
from payments.timing import PING_PAUSE, STOP_CHECKING
from providers.contract import Checkout, Redirect, Unreachable

from ..books import Books
from ..browser.world import eventually
from ..providers import pingpay
from ..providers.pingpay.api import Api, api
from ..shopper import BASE_URL, Shopper

EBOOK = {"cookbook": 1}


@dataclass(frozen=True)
class Line:
    """Between Pingpay and a shop that offers it, whose clock stands still."""

    app: Flask
    books: Books
    there: Api
    clock: time_machine.Traveller

    def ping(self, reference: str) -> TestResponse:
        return self.app.test_client().post(
            "/webhooks/pingpay", base_url=BASE_URL, data={"id": reference}
        )

    def place(self) -> str:
        """An order whose shopper is on the page; the payment's id at Pingpay."""
        (payment,) = self.books.place_order(EBOOK, provider="pingpay")
        self.there.add(payment)
        return str(payment["id"])

    def pay(self, reference: str) -> None:
        self.there.payments[reference]["status"] = "succeeded"

    @property
    def messages(self) -> list[str]:
        """The payments that the worker is woken for."""
        pending = self.app.extensions["queue"].engine.pending()
        return [task.args[0] for task in pending if task.name == "check"]

    def work(self) -> None:
        """The worker takes every message that is due."""
        engine = self.app.extensions["queue"].engine
        for task in engine.pending():
            if task.name == "check" and engine.ready_to_run(task):
                with self.app.app_context():
                    jobs.check(*task.args)

    def wait(self, pause: timedelta) -> None:
        self.clock.shift(pause)

    def calls(self, reference: str) -> int:
        return self.there.calls.count(f"GET /payments/{reference}")


@pytest.fixture
def line(app: Flask, books: Books) -> Iterator[Line]:
    app.extensions["providers"]["pingpay"] = pingpay.configured()
    with api() as there, time_machine.travel(now(), tick=False) as clock:
        yield Line(app, books, there, clock)


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What the shop asks of its database."""
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement.split()[0])

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


# ------------------------------------------------------------------ it is a reason to ask


def test_a_ping_pays_an_order_by_asking(line: Line) -> None:
    reference = line.place()
    line.pay(reference)

    answer = line.ping(reference)

    assert (answer.status_code, line.books.order.status) == (200, "open")
    assert line.there.calls == [], "the request itself asks nobody"
    assert line.messages == [line.books.payment.id]

    line.work()

    assert line.there.calls == [f"GET /payments/{reference}"]
    assert line.books.order.status == "paid"
    assert line.books.fulfilled() == {"download": 1, "mail": 1}
    assert line.books.payment.next_check_at is None


def test_a_ping_whose_message_is_lost_is_found_by_the_next_sweep(line: Line) -> None:
    reference = line.place()
    line.pay(reference)
    line.ping(reference)

    line.books.sweep()

    assert line.books.order.status == "paid"


def test_a_forged_ping_pays_nothing(line: Line) -> None:
    """Anyone may send one: it only says when to ask."""
    reference = line.place()

    line.ping(reference)
    line.work()

    assert line.calls(reference) == 1
    assert (line.books.order.status, line.books.payment.status) == ("open", "created")
    assert line.books.payment.next_check_at is not None


def test_a_ping_of_a_paid_payment_learns_what_went_back(line: Line) -> None:
    """Money that leaves on the provider's dashboard is pinged like any news, months later, too."""
    reference = line.place()
    line.pay(reference)
    line.ping(reference)
    line.work()
    line.wait(timedelta(days=60))
    line.there.payments[reference]["refunded"] = 500
    line.there.payments[reference]["status"] = "partially_refunded"

    line.ping(reference)
    line.work()

    assert (line.books.payment.status, line.books.payment.refunded) == ("partially_refunded", 500)
    assert line.books.payment.next_check_at is None


def test_a_ping_while_the_provider_is_away_is_answered_when_it_is_back(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long after the payment was over, when it is not asked about by itself any more."""
    reference = line.place()
    line.pay(reference)
    line.wait(timedelta(days=60))

    def away(*_: object) -> None:
        raise Unreachable("GET /payments: no connection")

    with monkeypatch.context() as patch:
        patch.setattr(pingpay, "fetch_payment", away)
        line.ping(reference)
        line.work()
    line.wait(timedelta(hours=1))
    line.books.sweep()

    assert line.books.order.status == "paid"


def test_a_provider_that_stays_away_after_a_ping_is_not_asked_for_ever(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11: a person is told, once."""
    reference = line.place()
    line.wait(timedelta(days=60))

    def away(*_: object) -> None:
        raise Unreachable("GET /payments: no connection")

    monkeypatch.setattr(pingpay, "fetch_payment", away)
    line.ping(reference)
    line.books.sweep()
    assert line.books.payment.next_check_at is not None

    line.wait(STOP_CHECKING + timedelta(hours=1))
    line.books.sweep()

    assert line.books.payment.next_check_at is None
    assert line.books.payment.problem == "pingpay has not answered in time: look for it there"


def test_the_reference_of_another_provider_is_unknown(line: Line) -> None:
    (payment,) = line.books.place_order(EBOOK, provider="mintcash")

    line.ping(payment["id"])

    assert line.messages == []
    assert line.books.count(EarlyPing) == 1


# ------------------------------------------------------------------ none is lost


def refund_during_a_check(line: Line) -> tuple[str, int]:
    """The answer is read, then money goes back, and its ping is here before the answer is."""
    reference = line.place()
    line.pay(reference)

    def refund(_: str) -> None:
        line.there.before_answer = lambda _: None
        line.there.payments[reference] |= {"status": "partially_refunded", "refunded": 500}
        line.wait(timedelta(milliseconds=5))
        line.ping(reference)

    line.there.before_answer = refund
    line.ping(reference)
    line.work()
    assert line.books.payment.status == "succeeded"
    line.wait(PING_PAUSE)
    line.work()
    return line.books.payment.status, line.books.payment.refunded


def test_what_a_ping_during_a_check_is_about_the_next_check_learns(line: Line) -> None:
    assert refund_during_a_check(line) == ("partially_refunded", 500)


def test_without_the_guard_that_ping_is_lost(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: final news ends the asking, and what the ping has booked with it."""
    monkeypatch.setattr(reconcile, "is_pinged", lambda _: False)
    monkeypatch.setattr(timing, "is_pinged", lambda _: False)

    assert refund_during_a_check(line) == ("succeeded", 0)


def test_a_ping_after_the_attempt_was_closed_books_a_check_again(line: Line) -> None:
    """What another ping had booked was called off with the attempt."""
    reference = line.place()
    line.ping(reference)
    with line.books.open():
        pages.close_attempt(line.books.payment.id, "failed", "rejected", "no")
    assert line.books.payment.next_check_at is None
    line.pay(reference)

    line.ping(reference)
    line.work()

    assert line.books.order.status == "paid"


def test_a_ping_that_overtakes_our_create_call_is_answered_with_the_page(
    line: Line, shopper: Shopper
) -> None:
    """D8: a webhook before our create reply still ends paid at once."""

    def pay_at_once(reference: str) -> None:
        line.pay(reference)
        assert line.ping(reference).status_code == 200

    line.there.before_reply = pay_at_once
    shopper.add("cookbook")

    shopper.check_out(provider="pingpay")

    assert line.messages == [line.books.payment.id]
    assert line.books.count(EarlyPing) == 0
    line.work()
    assert line.books.order.status == "paid"
    assert line.calls("tr_1") == 1


def between(
    module: Any, name: str, act: Callable[[], object], patch: pytest.MonkeyPatch, before: bool
) -> None:
    """Let something happen once, right before or after this step."""
    step = getattr(module, name)

    def both(*arguments: Any) -> Any:
        patch.setattr(module, name, step)
        if before:
            act()
        found = step(*arguments)
        if not before:
            act()
        return found

    patch.setattr(module, name, both)


def claim(line: Line, reference: str) -> Callable[[], object]:
    """The answer to the create call is stored."""
    configured = pingpay.configured()
    checkout = Checkout(reference, Redirect("http://127.0.0.1:5001/pingpay/pay/1"))
    return lambda: pages.record_page(line.books.payment.id, configured, checkout)


@pytest.mark.parametrize("before", [True, False], ids=["before_it", "after_it"])
def test_a_ping_and_the_answer_at_the_same_moment_find_each_other(
    line: Line, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ping looked for the payment, and its reference is stored while the ping is written."""
    line.books.place_order(EBOOK, provider="pingpay", page_known=False)
    between(pings, "_remember", claim(line, "tr_1"), monkeypatch, before)

    line.ping("tr_1")

    assert line.books.payment.pinged_at is not None
    assert line.books.payment.next_check_at == now()


def test_if_each_looked_only_once_the_ping_would_wait_for_the_sweep(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin; and the sweep, which finds it all the same."""
    line.books.place_order(EBOOK, provider="pingpay", page_known=False)
    remember = pings._remember

    def look_once(*arguments: str) -> bool:
        claim(line, "tr_1")()
        remember(*arguments)
        return False

    monkeypatch.setattr(pings, "_remember", look_once)
    line.ping("tr_1")
    assert line.books.payment.pinged_at is None

    line.there.payments["tr_1"] = {
        **{"id": "tr_1", "status": "succeeded", "refunded": 0, "charge": None},
        **{"amount": line.books.payment.amount, "currency": "USD"},
    }
    line.books.sweep()

    assert line.books.order.status == "paid"
    assert line.books.count(EarlyPing) == 0


# ------------------------------------------------------------------ what a flood costs


def test_unknown_ids_cause_no_call_and_are_forgotten_after_an_hour(line: Line) -> None:
    for number in range(20):
        assert line.ping(f"tr_{number}").status_code == 200

    assert (line.there.calls, line.messages) == ([], [])
    assert line.books.count(EarlyPing) == 20

    line.wait(timedelta(minutes=59))
    line.books.sweep()
    assert line.books.count(EarlyPing) == 20
    line.wait(timedelta(minutes=2))
    line.books.sweep()
    assert line.books.count(EarlyPing) == 0
    assert line.there.calls == []


def test_forged_ids_do_not_fill_the_disk(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pings, "KEPT", 5)
    for number in range(12):
        line.wait(timedelta(seconds=1))
        line.ping(f"tr_{number}")

    line.books.sweep()

    newest = select(EarlyPing.reference).order_by(EarlyPing.received_at)
    kept = line.books.read(lambda: list(db.session.scalars(newest)))
    assert kept == ["tr_7", "tr_8", "tr_9", "tr_10", "tr_11"]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_ping_that_is_repeated_only_reads(line: Line, known: bool) -> None:
    """A read needs no lock: on SQLite, a flood of writes would keep real news waiting."""
    reference = line.place() if known else "tr_forged"
    line.ping(reference)

    with statements(line.app) as asked:
        for _ in range(100):
            assert line.ping(reference).status_code == 200

    reads = [each for each in asked if each != "BEGIN"]
    assert reads == ["SELECT"] * (100 if known else 200)
    assert line.books.count(EarlyPing) == (0 if known else 1)
    assert len(line.messages) == (1 if known else 0)


def test_a_known_id_that_is_pinged_without_end_is_asked_about_every_few_seconds(
    line: Line,
) -> None:
    reference = line.place()
    seconds = 30

    for _ in range(seconds):
        for _ in range(5):
            line.ping(reference)
        line.work()
        line.wait(timedelta(seconds=1))

    assert 2 <= line.calls(reference) <= seconds / PING_PAUSE.total_seconds() + 1


@pytest.mark.parametrize(
    "body", [b"", b"id=", b"id=a&id=b", b"id=%00", b"id=a%20b", b"id=%C3%A9", b"id=" + b"x" * 101]
)
def test_a_ping_that_names_no_usable_id_is_refused(line: Line, body: bytes) -> None:
    """A15: neither database has to take what a stranger writes."""
    answer = line.app.test_client().post(
        "/webhooks/pingpay",
        base_url=BASE_URL,
        data=body,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 400
    assert line.books.count(EarlyPing) == 0


# ------------------------------------------------------------------ a provider that hangs


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator["Hanging"]:
    hanging = Hanging()
    fetch = pingpay.fetch_payment

    def wait(*arguments: Any) -> Any:
        hanging()
        return fetch(*arguments)

    monkeypatch.setattr(pingpay, "fetch_payment", wait)
    yield hanging
    hanging.over.set()


class Hanging:
    """A call that hangs until the test ends it, so that nothing is measured."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.waiting = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self.over.wait(60)
        with self._lock:
            self.waiting -= 1


def in_worker(line: Line) -> None:
    """What a thread of the worker does with a message."""
    with line.app.app_context():
        jobs.check(line.books.payment.id)
        db.session.remove()


def test_forty_pings_at_once_of_a_provider_that_hangs_hold_nothing_up(
    line: Line, hanging: Hanging
) -> None:
    """N7: while one call hangs, all pings are answered, and so is every other page."""
    reference = line.place()
    line.pay(reference)
    line.ping(reference)
    with ThreadPoolExecutor(42) as pool:
        workers = [pool.submit(in_worker, line) for _ in range(2)]
        eventually(lambda: hanging.waiting == 1, "the worker asks")

        ids = [reference if number % 2 else f"tr_{number}" for number in range(40)]
        answers = [each.result(60) for each in [pool.submit(line.ping, each) for each in ids]]
        shelf = line.app.test_client().get("/", base_url=BASE_URL)

        assert [each.status_code for each in answers] == [200] * 40
        assert shelf.status_code == 200
        assert hanging.waiting == 1, "all of it while the call hangs"
        hanging.over.set()
        for each in workers:
            each.result(60)

    assert line.books.order.status == "paid"
    assert hanging.most == 1, "one check at a time"
    assert line.calls(reference) <= 2


def test_if_the_request_asked_by_itself_it_would_hang_with_the_provider(
    line: Line, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: this is what the worker is for."""
    monkeypatch.setattr(jobs, "wake_check", lambda found, _: payments.check_payment(found))
    reference = line.place()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(line.ping, reference)

        eventually(lambda: hanging.waiting == 1, "the request asks")

        assert not answer.done()
        hanging.over.set()
        assert answer.result(60).status_code == 200


def test_early_pings_are_counted_by_the_database(line: Line) -> None:
    """Pings of one unknown id at once are one row."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(line.ping, ["tr_1"] * 16))

    assert [each.status_code for each in answers] == [200] * 16
    count = select(func.count()).select_from(EarlyPing)
    assert line.books.read(lambda: db.session.scalar(count)) == 1
