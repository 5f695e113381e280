"""The order of one period: found by its start, or near it, and made once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from database import db, now
from models import Order, Payment, Product
from payments import inbox, subscriptions

from ..books import Books
from ..purchases import one_database, receive
from ..races import Barrier, assert_one_was_locked_out, at_once, before, read_before_writing
from ..shopper import Shopper
from ..subscribing import PRICE, SLUG, begin, charged

MONTH = timedelta(days=30)


@pytest.fixture
def first(shopper: Shopper, books: Books) -> dict[str, Any]:
    """A subscription whose first month is charged."""
    payment, start = begin(books), now()
    shopper.deliver(*charged(payment["id"], start, start + MONTH))
    return {**payment, "start": start}


def periods(books: Books) -> list[tuple[str, int]]:
    """Status and what was received, of each order."""
    with books.open():
        found = db.session.scalars(select(Order).order_by(Order.period_start)).all()
        return [(each.status, sum(one.received for one in each.payments)) for each in found]


@one_database
@pytest.mark.parametrize("off", [timedelta(seconds=1), timedelta(hours=-3), timedelta(days=2)])
def test_starts_that_differ_a_little_are_one_period(
    shopper: Shopper, books: Books, first: dict[str, Any], off: timedelta
) -> None:
    start: datetime = first["start"] + MONTH
    shopper.deliver(*charged(first["id"], start, start + MONTH))
    shopper.deliver(*charged(first["id"], start + off, start + off + MONTH))

    assert periods(books) == [("paid", PRICE)] * 2


@one_database
def test_goods_that_are_gone_hold_the_renewal(
    shopper: Shopper, books: Books, first: dict[str, Any]
) -> None:
    """Stock is taken as for any order."""
    with books.open():
        db.session.execute(update(Product).where(Product.slug == SLUG).values(stock=0))
        db.session.commit()
    start = first["start"] + MONTH
    shopper.deliver(*charged(first["id"], start, start + MONTH))

    with books.open():
        renewal = db.session.scalars(select(Order).order_by(Order.period_start.desc())).first()
        assert renewal
        assert (renewal.status, renewal.held_code) == ("held", "stock")


def two_tellings(first: dict[str, Any]) -> list[Any]:
    """Two events about the same charge, as a webhook and an answer might meet."""
    start = first["start"] + MONTH
    both = [charged(first["id"], start, start + MONTH) for _ in range(2)]
    return [receive(each) for each in both]


def test_two_who_tell_of_one_charge_at_once_make_one_order(
    app: Flask,
    books: Books,
    first: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Guards: the first payment and the subscription are locked; an order a period is unique."""
    barrier = Barrier(expected=False)
    before(monkeypatch, subscriptions, "new_order", barrier)

    assert sorted(at_once(app, *two_tellings(first))) == ["applied", "ignored"]

    assert not barrier.passed
    assert periods(books) == [("paid", PRICE)] * 2


def test_without_the_locks_the_database_refuses_the_second_order(
    app: Flask,
    books: Books,
    first: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
) -> None:
    """The twin: the race is there, and the last guard is the constraint."""
    barrier = Barrier()
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, barrier)
        assert_one_was_locked_out(at_once(app, *two_tellings(first)))
        return
    get_one = Session.get_one

    def unlocked(self: Session, *args: Any, with_for_update: bool = False, **more: Any) -> Any:
        return get_one(self, *args, **more)

    def find(provider: str, news: Any) -> Any:
        mine = Payment.provider_reference == news.provider_reference
        return db.session.scalar(select(Payment).where(mine))

    monkeypatch.setattr(Session, "get_one", unlocked)
    monkeypatch.setattr(inbox, "find_payment", find)
    before(monkeypatch, subscriptions, "new_order", barrier)

    answers = at_once(app, *two_tellings(first))

    assert barrier.passed
    assert sorted(isinstance(each, IntegrityError) for each in answers) == [False, True]
    assert periods(books) == [("paid", PRICE)] * 2
