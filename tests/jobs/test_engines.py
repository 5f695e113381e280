"""The queue on its three engines, with real workers: what they carry, and what if they are away.

SQLite stands beside an SQLite shop; PostgreSQL, in the shop's own database, and Redis beside a
PostgreSQL one.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import check
from huey.storage import PostgresStorage
from sqlalchemy import make_url, select, update

import config
import jobs
from app import create_app
from database import database_now, db, transaction
from jobs import engines as queues
from models import Order, OutboxTask

from .. import children
from ..books import Books
from ..breakable import Breakable, BreakableConnection, BreakableFile
from ..conftest import close, fresh_database
from ..mintcash import event
from ..purchases import make_tasks_due, pay
from ..shopper import Shopper

SOON = 45.0  # seconds: below the minute in which a sweep would find it
CANDLE = {"candle": 1}
EFFECTS = {"parcel": 1, "mail": 1}


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_database("sqlite" if engine == "sqlite" else "postgresql", request, tmp_path)


@pytest.fixture
def jobs_url(engine: str, database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty queue."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    url: str = database_url if engine == "postgresql" else request.getfixturevalue("redis_url")
    queue = queues.create_engine(url)
    queue.flush()
    queue.storage.close()
    return url


@contextmanager
def workers(settings: config.Settings, folder: Path, *works: Callable[..., None]) -> Iterator[None]:
    """Processes that work until the end of the block, and must have lived so long."""
    log = folder / "workers"
    started = [children.start(settings, log, work) for work in works]
    try:
        yield
    finally:
        for child in started:
            child.terminate()
        for child in started:
            child.join(30)
    assert [child.exitcode for child in started] == [0] * len(started), log.read_text()


def wait_until(came: Callable[[], object]) -> None:
    ends = time.monotonic() + SOON
    while not came():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.02)


def fulfilled(books: Books, orders: int) -> Callable[[], bool]:
    return lambda: books.fulfilled() == {name: count * orders for name, count in EFFECTS.items()}


# ------------------------------------------------------------------ what they carry


def test_workers_on_two_machines_share_what_is_told_now_and_what_is_told_for_later(
    app: Flask, settings: config.Settings, tmp_path: Path, shopper: Shopper, books: Books
) -> None:
    """F8."""
    (first,) = books.place_order(CANDLE)
    shopper.deliver(*event(first, "succeeded"))
    with workers(settings, tmp_path, children.work, children.work):
        wait_until(fulfilled(books, 1))  # by the first sweep; the next is a minute away

        for _ in range(5):
            (payment,) = books.place_order(CANDLE)
            shopper.deliver(*event(payment, "succeeded"))
        wait_until(fulfilled(books, 6))

        (payment,) = books.place_order(CANDLE)
        pay(app, payment)  # without a word to the queue
        with books.open():
            with transaction() as session:
                later = database_now() + timedelta(seconds=1)
                waiting = update(OutboxTask).where(OutboxTask.done_at.is_(None))
                session.execute(waiting.values(due_at=later))
            jobs.wake_fulfilment(1)
        wait_until(fulfilled(books, 7))

    assert {task.attempts for task in books.tasks} == {1}


def test_what_a_killed_worker_had_begun_is_taken_up_by_the_sweep_of_another(
    settings: config.Settings, tmp_path: Path, shopper: Shopper, books: Books
) -> None:
    """F6, F8, N4: its message died with it."""
    (payment,) = books.place_order(CANDLE)
    shopper.deliver(*event(payment, "succeeded"))
    children.run_until_killed(
        settings, tmp_path, children.die_in_a_task, "before the commit", "parcel", children.work
    )
    assert books.tasks[0].attempts == 1
    assert "parcel" not in books.fulfilled()
    make_tasks_due(books)

    with workers(settings, tmp_path, children.work_hastily):
        wait_until(fulfilled(books, 1))

    assert books.tasks[0].attempts == 2


# ------------------------------------------------------------------ when they are away


@pytest.fixture
def connection(jobs_url: str) -> Iterator[Breakable]:
    """What leads to the queue, interrupted."""
    if jobs_url.startswith("sqlite"):
        file = BreakableFile(jobs_url.removeprefix("sqlite:///"))
        file.interrupt()
        yield file
        file.restore()
        return
    address = make_url(jobs_url)
    assert address.host
    assert address.port
    connection = BreakableConnection((address.host, address.port))
    connection.restore()
    connection.interrupt()
    yield connection
    connection.interrupt()


@pytest.fixture
def distant(settings: config.Settings, jobs_url: str, connection: Breakable) -> Iterator[Flask]:
    """A shop that reaches its queue over it; it starts while the queue is away."""
    if isinstance(connection, BreakableConnection):
        url = make_url(jobs_url).set(host="127.0.0.1", port=connection.port)
        jobs_url = url.render_as_string(hide_password=False)
    app = create_app(config.load(database_url=settings.database_url, jobs_url=jobs_url))
    yield app
    close(app)


def test_a_queue_that_goes_away_and_comes_back_fails_no_request_and_ends_no_worker(
    distant: Flask, connection: Breakable, tmp_path: Path
) -> None:
    """F8, F10: while it is away, the worker sweeps without it."""
    books, shopper = Books(distant), Shopper(distant)
    queue: jobs.Queue = distant.extensions["queue"]

    def buy() -> None:
        (payment,) = books.place_order(CANDLE)
        assert shopper.deliver(*event(payment, "succeeded")).status_code == 200

    def takes_a_message() -> bool:
        queue.quiet_until = 0  # as if it had been left alone for long enough
        with distant.app_context():
            jobs.wake_fulfilment()
        return not queue.quiet_until

    buy()
    with workers(distant.extensions["settings"], tmp_path, children.work_hastily):
        wait_until(fulfilled(books, 1))
        connection.restore()
        wait_until(takes_a_message)
        wait_until(lambda: queue.engine.pending_count() == 0)

        connection.interrupt()
        buy()
        wait_until(fulfilled(books, 2))
        connection.restore()
        wait_until(takes_a_message)
        wait_until(lambda: queue.engine.pending_count() == 0)


def test_a_queue_that_accepts_connections_and_says_nothing_delays_one_request(
    distant: Flask, connection: Breakable
) -> None:
    """F10: one request waits for it, and the others see that."""
    books = Books(distant)
    payments_ = [books.place_order(CANDLE)[0] for _ in range(8)]
    answers: list[int] = []

    def deliver(payment: dict[str, Any]) -> None:
        answers.append(Shopper(distant).deliver(*event(payment, "succeeded")).status_code)

    deaf = socket.create_server(("127.0.0.1", getattr(connection, "port", 0)))
    with deaf:
        threads = [threading.Thread(target=deliver, args=(each,)) for each in payments_]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began

    assert answers == [200] * 8
    assert books.read(lambda: set(db.session.scalars(select(Order.status)))) == {"paid"}
    assert took < 3 * queues.WAIT


def test_a_mistake_of_our_own_is_not_taken_for_a_queue_that_is_away(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mistaken:
        def schedule(self, **_: object) -> None:
            raise TypeError("two arguments too many")

    monkeypatch.setattr(app.extensions["queue"], "fulfil", Mistaken())

    with app.app_context(), pytest.raises(TypeError, match="too many"):
        jobs.wake_fulfilment()


# ------------------------------------------------------------------ tables in the shop's database


only_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def make_tables_at_once(jobs_url: str, storage: type[PostgresStorage]) -> list[psycopg.Error]:
    """Four processes meet a database without the queue's tables; what went wrong?"""
    with psycopg.connect(jobs_url) as connection:
        for table in ("kv", "schedule", "task", "counter"):
            connection.execute(f"DROP TABLE IF EXISTS huey_{table}".encode())
    together, errors = threading.Barrier(4), []

    def meet() -> None:
        together.wait()
        try:
            made = storage(dsn=jobs_url, create_tables=storage is PostgresStorage)
            made.queue_size()
            made.close()
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@only_postgresql
def test_processes_that_start_at_once_do_not_trip_over_each_other_s_tables(jobs_url: str) -> None:
    for _ in range(10):
        assert make_tables_at_once(jobs_url, queues.Postgres) == []


@only_postgresql
def test_without_the_lock_processes_trip_over_each_other_s_tables(jobs_url: str) -> None:
    """The guard off: as huey itself makes its tables."""
    assert any(make_tables_at_once(jobs_url, PostgresStorage) for _ in range(100))
    assert make_tables_at_once(jobs_url, queues.Postgres) == []


@only_postgresql
def test_migrations_leave_the_tables_of_the_queue_alone(app: Flask, jobs_url: str) -> None:
    assert make_tables_at_once(jobs_url, queues.Postgres) == []

    with app.app_context():
        check()  # ends by an error if a migration were to drop them
