"""Two tabs of the console that give the same money back at once, with the guard and without."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import payments
from database import update_one
from models import Refund
from payments import refunds, send_refunds

from ..payments.test_send_refunds import buy
from ..sandboxed import ShopAndSandbox
from .test_races import (
    Meeting,
    assert_one_was_locked_out,
    at_once,
    before_insert,
    errors_of,
    read_before_writing,
)


@pytest.fixture
def on_sqlite(database_url: str) -> bool:
    return database_url.startswith("sqlite")


def two_tabs(shop: ShopAndSandbox, amount: int) -> list[Callable[[], Any]]:
    """Two forms of the console, each with an id of its own."""
    payment_id = shop.books.payment.id

    def press(refund_id: str) -> Any:
        try:
            return payments.refund(payment_id, refund_id, amount, "broken")
        except payments.CannotRefund as error:
            return str(error)

    return [lambda: press("a" * 16), lambda: press("b" * 16)]


def test_two_tabs_at_once_give_back_once(shop: ShopAndSandbox) -> None:
    """J3; guard: the payment is locked while a refund of it is asked for."""
    buy(shop, "mintcash")
    meeting = Meeting(expected=False)

    with before_insert(Refund, meeting):
        answers = at_once(shop.app, *two_tabs(shop, 500))

    assert not meeting.happened
    assert sorted(answers, key=str) == [
        "A refund of this payment is on its way. Wait until it is through.",
        True,
    ]
    assert shop.refunds == [(500, "open")]


def test_without_the_lock_two_tabs_both_ask(
    shop: ShopAndSandbox, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """J3, the twin.

    PostgreSQL: both find no open refund, and only the unique index stops the second. SQLite:
    without BEGIN IMMEDIATE one of them is locked out.
    """
    buy(shop, "mintcash")
    meeting, get_one = Meeting(), Session.get_one

    def get_without_lock(*args: Any, with_for_update: bool = False, **options: Any) -> Any:
        return get_one(*args, **options)

    monkeypatch.setattr(Session, "get_one", get_without_lock)
    if on_sqlite:
        read_before_writing(monkeypatch, send_refunds, meeting)
    else:
        ask = update_one

        def meet_and_ask(*args: Any, **values: Any) -> Any:
            meeting()
            return ask(*args, **values)

        monkeypatch.setattr(refunds, "update_one", meet_and_ask)

    answers = at_once(shop.app, *two_tabs(shop, 500))

    assert meeting.happened
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "uq_refunds_open" in str(error)
