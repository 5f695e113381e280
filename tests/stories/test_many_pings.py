"""Many pings at once, genuine and forged: each is cheap, and none holds up the shop."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

import jobs
import payments
from database import db
from models import EarlyPing
from payments import pings
from payments.timing import PING_PAUSE

from ..books import Books
from ..browser.site import eventually
from ..pings import ShopAtPingpay, shop_at_pingpay
from ..providers import pingpay
from ..queries import statements_of
from ..shopper import BASE_URL


@pytest.fixture
def pinged(app: Flask, books: Books) -> Iterator[ShopAtPingpay]:
    with shop_at_pingpay(app, books) as shop:
        yield shop


# ------------------------------------------------------------------ what a flood costs


def test_unknown_ids_cause_no_call_and_are_forgotten_after_an_hour(pinged: ShopAtPingpay) -> None:
    for number in range(20):
        assert pinged.ping(f"tr_{number}").status_code == 200

    assert (pinged.pingpay.calls, pinged.messages) == ([], [])
    assert pinged.books.count(EarlyPing) == 20

    pinged.wait(timedelta(minutes=59))
    pinged.books.sweep()
    assert pinged.books.count(EarlyPing) == 20
    pinged.wait(timedelta(minutes=2))
    pinged.books.sweep()
    assert pinged.books.count(EarlyPing) == 0
    assert pinged.pingpay.calls == []


def test_forged_ids_do_not_fill_the_disk(
    pinged: ShopAtPingpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pings, "KEPT", 5)
    for number in range(12):
        pinged.wait(timedelta(seconds=1))
        pinged.ping(f"tr_{number}")

    pinged.books.sweep()

    newest = select(EarlyPing.reference).order_by(EarlyPing.received_at)
    kept = pinged.books.read(lambda: list(db.session.scalars(newest)))
    assert kept == ["tr_7", "tr_8", "tr_9", "tr_10", "tr_11"]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_ping_that_is_repeated_only_reads(pinged: ShopAtPingpay, known: bool) -> None:
    """A read needs no lock: on SQLite, a flood of writes would keep real news waiting."""
    reference = pinged.place() if known else "tr_forged"
    pinged.ping(reference)

    with statements_of(pinged.app) as asked:
        for _ in range(100):
            assert pinged.ping(reference).status_code == 200

    assert [each.split()[0] for each in asked] == ["SELECT"] * (100 if known else 200)
    assert pinged.books.count(EarlyPing) == (0 if known else 1)
    assert len(pinged.messages) == (1 if known else 0)


def test_a_known_id_that_is_pinged_without_end_is_asked_about_every_few_seconds(
    pinged: ShopAtPingpay,
) -> None:
    reference = pinged.place()
    seconds = 30

    for _ in range(seconds):
        for _ in range(5):
            pinged.ping(reference)
        pinged.work()
        pinged.wait(timedelta(seconds=1))

    assert 2 <= pinged.calls(reference) <= seconds / PING_PAUSE.total_seconds() + 1


@pytest.mark.parametrize(
    "body", [b"", b"id=", b"id=a&id=b", b"id=%00", b"id=a%20b", b"id=%C3%A9", b"id=" + b"x" * 101]
)
def test_a_ping_that_names_no_usable_id_is_refused(pinged: ShopAtPingpay, body: bytes) -> None:
    """A15: neither database has to take what a stranger writes."""
    answer = pinged.app.test_client().post(
        "/webhooks/pingpay",
        base_url=BASE_URL,
        data=body,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 400
    assert pinged.books.count(EarlyPing) == 0


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


def in_worker(pinged: ShopAtPingpay) -> None:
    """What a thread of the worker does with a message."""
    with pinged.app.app_context():
        jobs.check(pinged.books.payment.id)
        db.session.remove()


def test_forty_pings_at_once_of_a_provider_that_hangs_hold_nothing_up(
    pinged: ShopAtPingpay, hanging: Hanging
) -> None:
    """N7: while one call hangs, all pings are answered, and so is every other page."""
    reference = pinged.place()
    pinged.pay(reference)
    pinged.ping(reference)
    with ThreadPoolExecutor(42) as pool:
        workers = [pool.submit(in_worker, pinged) for _ in range(2)]
        eventually(lambda: hanging.waiting == 1, "the worker asks")

        ids = [reference if number % 2 else f"tr_{number}" for number in range(40)]
        answers = [each.result(60) for each in [pool.submit(pinged.ping, each) for each in ids]]
        shelf = pinged.app.test_client().get("/", base_url=BASE_URL)

        assert [each.status_code for each in answers] == [200] * 40
        assert shelf.status_code == 200
        assert hanging.waiting == 1, "all of it while the call hangs"
        hanging.over.set()
        for each in workers:
            each.result(60)

    assert pinged.books.order.status == "paid"
    assert hanging.most == 1, "one check at a time"
    assert pinged.calls(reference) <= 2


def test_if_the_request_asked_by_itself_it_would_hang_with_the_provider(
    pinged: ShopAtPingpay, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: this is what the worker is for."""
    monkeypatch.setattr(jobs, "wake_check", lambda found, _: payments.check_payment(found))
    reference = pinged.place()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(pinged.ping, reference)

        eventually(lambda: hanging.waiting == 1, "the request asks")

        assert not answer.done()
        hanging.over.set()
        assert answer.result(60).status_code == 200


def test_early_pings_are_counted_by_the_database(pinged: ShopAtPingpay) -> None:
    """Pings of one unknown id at once are one row."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(pinged.ping, ["tr_1"] * 16))

    assert [each.status_code for each in answers] == [200] * 16
    count = select(func.count()).select_from(EarlyPing)
    assert pinged.books.read(lambda: db.session.scalar(count)) == 1
