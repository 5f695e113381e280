"""A database that is locked, in a deadlock, read-only or gone: 503, so the provider retries.

Nothing half-written stays, and the shop recovers without help. C12, C13, F10.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import make_url
from werkzeug.test import TestResponse

import config
from app import create_app
from database import db, transaction
from models import Delivery

from .books import Books
from .breakable import BreakableConnection
from .conftest import close
from .mintcash import event
from .sandbox.driver import wait_for
from .shopper import Shopper

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def payment(books: Books) -> dict[str, Any]:
    """One that waits for the provider's report."""
    (found,) = books.place_order({"candle": 1})
    return found


def says_later(answer: TestResponse) -> bool:
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0


@pytest.fixture
def impatient(app: Flask) -> None:
    """Waits for a lock for a tenth of a second instead of ten seconds."""

    def hurry(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA busy_timeout=100")

    with app.app_context():
        db.engine.dispose()
        sqlalchemy_event.listen(db.engine, "connect", hurry)


@only_sqlite
@pytest.mark.usefixtures("impatient")
def test_while_the_file_is_locked_the_provider_is_told_to_retry(
    shopper: Shopper, books: Books, payment: dict[str, Any], tmp_path: Path
) -> None:
    """C12."""
    before = books.snapshot()
    rival = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")

    assert says_later(shopper.deliver(*event(payment, "succeeded")))
    assert books.snapshot() == before

    rival.close()
    assert shopper.deliver(*event(payment, "succeeded")).status_code == 200
    assert books.order.status == "paid"


@pytest.fixture
def gives_way(app: Flask) -> None:
    """PostgreSQL ends the session that detects a deadlock first: the shop's, after five seconds."""

    def look(connection: psycopg.Connection, record: object) -> None:
        connection.execute("SET deadlock_timeout = '5s'")
        connection.commit()

    with app.app_context():
        db.engine.dispose()
        sqlalchemy_event.listen(db.engine, "connect", look)


@only_postgresql
@pytest.mark.usefixtures("gives_way")
def test_a_delivery_that_is_caught_in_a_deadlock_is_taken_at_its_retry(
    shopper: Shopper, books: Books, payment: dict[str, Any], database_url: str
) -> None:
    """C13: a delivery locks payment, then order; another transaction locks them the other way."""
    before = books.snapshot()
    answers: list[TestResponse] = []
    delivery = threading.Thread(
        target=lambda: answers.append(shopper.deliver(*event(payment, "succeeded")))
    )
    with psycopg.connect(database_url) as rival, psycopg.connect(database_url) as witness:
        rival.execute("SET deadlock_timeout = '1min'")
        rival.execute("SELECT id FROM orders FOR UPDATE")
        delivery.start()

        def is_waiting() -> bool:
            found = witness.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall()
            witness.rollback()
            return bool(found)

        wait_for(is_waiting, "the delivery to stand before the order")
        rival.execute("UPDATE payments SET looks = looks")
        delivery.join()
        rival.rollback()

    assert says_later(answers[0])
    assert books.snapshot() == before
    assert shopper.deliver(*event(payment, "succeeded")).status_code == 200
    assert books.order.status == "paid"


@only_postgresql
def test_an_unlimited_product_is_sold_while_its_row_is_locked(
    shopper: Shopper, books: Books, database_url: str
) -> None:
    """N6: otherwise payments for the same e-book would wait for each other."""
    (payment,) = books.place_order({"cookbook": 1})

    with psycopg.connect(database_url) as rival:
        rival.execute("SELECT stock FROM products WHERE slug = 'cookbook' FOR UPDATE")
        answer = shopper.deliver(*event(payment, "succeeded"))

    assert answer.status_code == 200
    assert books.order.status == "paid"


@contextmanager
def read_only(app: Flask, database_url: str) -> Iterator[None]:
    """As a PostgreSQL standby, or an SQLite file on a read-only disk."""
    if database_url.startswith("sqlite"):
        with app.app_context():
            sqlalchemy_event.listen(db.engine, "connect", only_questions)
            db.engine.dispose()
            try:
                yield
            finally:
                sqlalchemy_event.remove(db.engine, "connect", only_questions)
                db.engine.dispose()
        return
    switch = f'ALTER DATABASE "{make_url(database_url).database}" SET default_transaction_read_only'
    with psycopg.connect(database_url, autocommit=True) as admin, app.app_context():
        admin.execute(f"{switch} = on".encode())
        db.engine.dispose()
        try:
            yield
        finally:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(f"{switch} = off".encode())
            db.engine.dispose()


def only_questions(connection: sqlite3.Connection, record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def test_while_the_database_is_read_only_the_provider_is_told_to_retry(
    app: Flask, shopper: Shopper, books: Books, payment: dict[str, Any], database_url: str
) -> None:
    """F10."""
    before = books.snapshot()

    with read_only(app, database_url):
        assert says_later(shopper.deliver(*event(payment, "succeeded")))

    assert books.snapshot() == before
    assert shopper.deliver(*event(payment, "succeeded")).status_code == 200
    assert books.order.status == "paid"


@only_postgresql
def test_while_the_database_is_gone_the_provider_is_told_to_retry(
    settings: config.Settings, database_url: str, books: Books, payment: dict[str, Any]
) -> None:
    """F10: and the shop works again without a restart when it is back."""
    address = make_url(database_url)
    connection = BreakableConnection((str(address.host), int(address.port or 5432)))
    connection.restore()
    distant = address.set(host="127.0.0.1", port=connection.port)
    url = distant.render_as_string(hide_password=False)
    app = create_app(config.load(database_url=url, jobs_url=settings.jobs_url))
    shopper = Shopper(app)
    assert shopper.get("/").status_code == 200

    connection.interrupt()
    assert says_later(shopper.deliver(*event(payment, "succeeded")))
    assert says_later(shopper.get("/"))

    connection.restore()
    assert shopper.deliver(*event(payment, "succeeded")).status_code == 200
    assert books.order.status == "paid"
    close(app)
    connection.interrupt()


# ------------------------------------------------------------------ one within another


def test_a_transaction_inside_another_is_refused_and_takes_nothing_with_it(books: Books) -> None:
    """T05: it began with a rollback, which discarded the outer one's writes silently."""
    refusal = Delivery(provider="mintcash", verdict="refused")
    with books.open(), transaction() as session:
        session.add(refusal)
        session.flush()
        with pytest.raises(RuntimeError, match="leave the outer one first"), transaction():
            pass
    assert books.count(Delivery) == 1


def test_after_a_transaction_that_failed_the_next_may_begin(books: Books) -> None:
    """T05: whether it failed in its own work or because another began inside it."""

    def nest() -> None:
        with transaction() as session:
            session.add(Delivery(provider="mintcash", verdict="refused"))
            with transaction():
                pass

    with books.open():
        with pytest.raises(RuntimeError):
            nest()
        with transaction() as session:
            session.add(Delivery(provider="mintcash", verdict="ignored"))

    assert [each.verdict for each in books.deliveries] == ["ignored"]


def test_without_the_guard_the_inner_one_throws_the_outer_ones_writes_away(books: Books) -> None:
    """The twin."""
    with books.open(), transaction() as session:
        session.add(Delivery(provider="mintcash", verdict="refused"))
        session.flush()
        session.info.clear()
        with transaction():
            pass

    assert books.count(Delivery) == 0
