"""Machines whose clocks disagree: leases and due times go by the database's clock alone.

Everywhere else in the tests the database takes the time from Python, which may be moved; here it
has its own again, and only the process is wrong.
"""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

import database
from database import now, transaction
from jobs import outbox
from models import Payment

from .. import mintcash
from ..books import Books
from ..conftest import REAL_CLOCKS
from ..purchases import ALL_EFFECTS, ONE_OF_EACH, pay

MINUTES = timedelta(minutes=10)
LEASE = timedelta(seconds=60)
A_MOMENT = timedelta(seconds=5)

#: How wrong the clock of this process is, while the database's is right.
wrong = pytest.mark.parametrize(
    "wrong", [pytest.param(MINUTES, id="fast"), pytest.param(-MINUTES, id="slow")]
)


@pytest.fixture
def _own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for dialect, clock in REAL_CLOCKS.items():
        monkeypatch.setitem(database.CLOCKS, dialect, clock)


own_clock = pytest.mark.usefixtures("_own_clock")


@own_clock
def test_the_database_says_its_own_time(books: Books) -> None:
    before = now()
    with time_machine.travel(now() + MINUTES):
        moment = books.read(database.database_now)
    after = now()

    assert before - A_MOMENT < moment < after + A_MOMENT
    assert moment.utcoffset() is not None


@own_clock
@wrong
def test_a_lease_ends_by_the_database_however_wrong_its_worker_s_clock_is(
    books: Books, paid: dict[str, Any], wrong: timedelta
) -> None:
    """E10."""
    with time_machine.travel(now() + wrong), books.open():
        claimed = outbox.claim_task()

    task = books.tasks[0]
    assert claimed == (task.id, 1)
    assert abs(task.due_at - now() - LEASE) < A_MOMENT


def take_over(books: Books, wrong: timedelta) -> bool:
    """One worker claims a task; does another, whose clock is wrong, take it away at once?"""
    with books.open():
        claimed = outbox.claim_task()
        assert claimed
        with time_machine.travel(now() + wrong):
            rest = [outbox.claim_task() for _ in books.tasks]
    return claimed[0] in [each[0] for each in rest if each]


@own_clock
@wrong
def test_a_worker_with_a_wrong_clock_takes_no_task_under_lease(
    books: Books, paid: dict[str, Any], wrong: timedelta
) -> None:
    """E10."""
    assert not take_over(books, wrong)


def test_by_the_clock_of_the_process_a_task_under_lease_is_taken_away(
    books: Books, paid: dict[str, Any]
) -> None:
    """E10, with the guard off."""
    assert take_over(books, MINUTES)


@own_clock
@wrong
def test_what_a_shop_with_a_wrong_clock_owes_is_due_at_once(
    app: Flask, books: Books, wrong: timedelta
) -> None:
    """E10."""
    (payment,) = books.place_order(ONE_OF_EACH)
    with time_machine.travel(now() + wrong):
        pay(app, payment)

    books.work()

    assert books.fulfilled() == ALL_EFFECTS


@own_clock
@wrong
def test_a_failure_on_a_machine_with_a_wrong_clock_is_tried_again_when_it_should(
    books: Books, paid: dict[str, Any], monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    """E10, F9."""

    def fail(*_: object) -> None:
        raise RuntimeError("no cardboard left")

    monkeypatch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fail))
    with time_machine.travel(now() + wrong):
        books.work()

    assert abs(books.tasks[0].due_at - now() - timedelta(seconds=10)) < A_MOMENT


def sweep_on_three_machines(books: Books, api: mintcash.Api) -> int:
    """A payment falls due; machines that are right, fast and slow sweep: how often is it asked?"""
    (payment,) = books.place_order({"candle": 1})
    api.payments[payment["id"]] = {**payment, "status": "pending"}
    with books.open(), transaction() as session:
        moment = database.database_now() - timedelta(seconds=1)
        # After five checks the next slot is 160 seconds away: who asks again does so in this one.
        session.execute(update(Payment).values(next_check_at=moment, checks=5))
    for error in (-MINUTES, timedelta(0), MINUTES):
        with time_machine.travel(now() + error):
            books.sweep()
    return api.fetches


@own_clock
def test_a_payment_is_asked_about_once_in_a_slot_by_workers_whose_clocks_disagree(
    books: Books, mintcash_api: mintcash.Api
) -> None:
    """E10."""
    assert sweep_on_three_machines(books, mintcash_api) == 1


def test_by_the_clocks_of_the_processes_a_payment_is_asked_about_again(
    books: Books, mintcash_api: mintcash.Api
) -> None:
    """E10, with the guard off: for the fast clock the next slot has begun."""
    assert sweep_on_three_machines(books, mintcash_api) == 2
