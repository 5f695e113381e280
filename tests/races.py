"""Two things at the same moment: threads that wait for each other, and guards switched off.

Every guard has a twin with that guard switched off, which must see the race: otherwise the test
with the guard proves nothing. On PostgreSQL the guard is a constraint, a lock or a conditional
UPDATE, and a :class:`Barrier` brings both threads to the moment between check and act. SQLite lets
only one transaction write at a time (``BEGIN IMMEDIATE``), so no two threads reach that moment;
without it, the second transaction finds that what it read is out of date: ``database is locked``.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from database import db, update_one
from models import Order


class Barrier:
    """Threads wait here for each other, once; a thread that has waited long enough goes on alone.

    Where a guard keeps the others out, they are not ``expected``, and the wait is short.
    """

    def __init__(self, threads: int = 2, expected: bool = True) -> None:
        self.barrier = threading.Barrier(threads)
        self.patience = 20.0 if expected else 0.3
        self.passed = False  # by all of them together

    def __call__(self) -> None:
        if self.passed:
            return
        with suppress(threading.BrokenBarrierError):  # and it stays broken: the next may pass
            self.barrier.wait(self.patience)
            self.passed = True


def at_once(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """Each in a thread and an app context of its own, started together.

    What each returned, or the database's error, in their order.
    """
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            start.wait(10)
            try:
                return work()
            except DBAPIError as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def before(patch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], None]) -> None:
    """Do ``act`` each time just before ``module.name`` runs."""
    original = getattr(module, name)

    def run(*args: Any, **options: Any) -> Any:
        act()
        return original(*args, **options)

    patch.setattr(module, name, run)


def after(patch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], None]) -> None:
    """Do ``act`` each time just after ``module.name`` ran, before its caller goes on."""
    original = getattr(module, name)

    def run(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        act()
        return result

    patch.setattr(module, name, run)


@contextmanager
def before_insert(table: Any, act: Callable[[], None]) -> Iterator[None]:
    """Do ``act`` each time just before a row of ``table`` is inserted."""

    def listener(*_: object) -> None:
        act()

    event.listen(table, "before_insert", listener)
    try:
        yield
    finally:
        event.remove(table, "before_insert", listener)


def check_then_act(
    patch: pytest.MonkeyPatch, module: Any, guarded: Any, between: Callable[[], None]
) -> None:
    """``update_one`` as it is often written: read first, then write whatever was found."""
    original = update_one

    def unguarded(table: Any, which: Any, **values: Any) -> Any:
        if table is not guarded:
            return original(table, which, **values)
        found = db.session.scalar(select(table.id).where(which))
        between()
        return found and original(table, table.id == found, **values)

    patch.setattr(module, "update_one", unguarded)


def read_before_writing(
    patch: pytest.MonkeyPatch, module: Any, between: Callable[[], None]
) -> None:
    """``transaction`` without ``BEGIN IMMEDIATE``, in which something is read first."""

    @contextmanager
    def deferred() -> Iterator[Session]:
        db.session.rollback()
        db.session.execute(select(Order.id).limit(1)).all()
        between()
        try:
            yield db.session()
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise

    patch.setattr(module, "transaction", deferred)


def errors_of(answers: list[Any]) -> list[DBAPIError]:
    return [answer for answer in answers if isinstance(answer, DBAPIError)]


def assert_one_was_locked_out(answers: list[Any]) -> None:
    (error,) = errors_of(answers)
    assert isinstance(error, OperationalError)
    assert "database is locked" in str(error)
