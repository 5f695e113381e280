"""The rows of refunds: asked for once, never more than came, done when the provider says so."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import payments
from database import database_now, db, transaction, update_one
from models import Order, Payment, Refund
from payments import refunds, send_refunds
from providers import mintcash
from providers.contract import News

from ..books import Books
from ..mintcash import event
from ..purchases import ONE_OF_EACH, buy, one_database
from ..races import (
    Barrier,
    assert_one_was_locked_out,
    at_once,
    before_insert,
    errors_of,
    read_before_writing,
)
from ..refunding import (
    WHOLE,
    answering,
    in_parts,
    nothing,
    on_the_dashboard,
    refund_calls,
    refunded_there,
)
from ..sandboxed import ShopAndSandbox
from ..shopper import Shopper

# ------------------------------------------------------------------ never more than is left


@one_database
@in_parts
def test_a_refund_of_more_than_is_left_is_refused(shop: ShopAndSandbox, provider: str) -> None:
    """D5."""
    buy(shop, provider)

    answer = shop.refund("12.01")
    assert answer.status_code == 422
    assert "Of this payment US$12.00 can be refunded, no more." in answer.text

    shop.refund("5")
    shop.work()
    answer = shop.refund("7.01")
    assert answer.status_code == 422
    assert "Of this payment US$7.00 can be refunded, no more." in answer.text
    assert shop.refunds == [(500, "done")]


@one_database
@in_parts
def test_a_refund_on_the_dashboard_leaves_less_to_refund(
    shop: ShopAndSandbox, provider: str
) -> None:
    buy(shop, provider)

    on_the_dashboard(shop, provider, 500)

    assert shop.books.payment.refunded == 500
    assert "up to US$7.00" in shop.console
    assert shop.refund("7.01").status_code == 422
    assert shop.refund("7").status_code == 303
    shop.work()
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("refunded", WHOLE)
    assert refunded_there(shop) == WHOLE


# ------------------------------------------------------------------ asked for once


@one_database
def test_a_refund_form_that_is_sent_twice_asks_once(shop: ShopAndSandbox) -> None:
    """J3."""
    buy(shop, "hitpay")
    form = shop.refund_form()

    answers = [shop.refund("5", **form) for _ in range(2)]
    shop.work()
    answers.append(shop.refund("5", **form))
    shop.work()

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert shop.refunds == [(500, "done")]
    assert (refund_calls(shop), shop.books.payment.refunded) == (1, 500)


@one_database
def test_while_a_refund_is_on_its_way_no_other_is_begun(shop: ShopAndSandbox) -> None:
    """J3: the form of another tab."""
    buy(shop, "hitpay")
    shop.refund("5")

    answer = shop.refund("5")

    assert answer.status_code == 422
    assert "A refund of this payment is on its way. Wait until it is through." in answer.text
    shop.work()
    assert shop.refunds == [(500, "done")]


def two_tabs(shop: ShopAndSandbox, amount: int) -> list[Callable[[], Any]]:
    """Two forms of the console, each with an id of its own."""
    payment_id = shop.books.payment.id

    def press(refund_id: str) -> Any:
        try:
            return payments.refund(payment_id, refund_id, amount, "broken")
        except payments.CannotRefund as error:
            return str(error)

    return [lambda: press("a" * 16), lambda: press("b" * 16)]


def test_two_tabs_at_once_ask_for_one_refund(shop: ShopAndSandbox) -> None:
    """J3; guard: the payment is locked while a refund of it is asked for."""
    buy(shop, "mintcash")
    barrier = Barrier(expected=False)

    with before_insert(Refund, barrier):
        answers = at_once(shop.app, *two_tabs(shop, 500))

    assert not barrier.passed
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
    barrier, get_one = Barrier(), Session.get_one

    def get_without_lock(*args: Any, with_for_update: bool = False, **options: Any) -> Any:
        return get_one(*args, **options)

    monkeypatch.setattr(Session, "get_one", get_without_lock)
    if on_sqlite:
        read_before_writing(monkeypatch, send_refunds, barrier)
    else:
        ask = update_one

        def meet_and_ask(*args: Any, **values: Any) -> Any:
            barrier()
            return ask(*args, **values)

        monkeypatch.setattr(refunds, "update_one", meet_and_ask)

    answers = at_once(shop.app, *two_tabs(shop, 500))

    assert barrier.passed
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "uq_refunds_open" in str(error)


# ------------------------------------------------------------------ refused, or done


@one_database
@in_parts
def test_a_refund_that_the_provider_refuses_is_shown_and_may_be_asked_for_again(
    shop: ShopAndSandbox, provider: str
) -> None:
    buy(shop, provider)
    shop.instead = answering(422, {"message": "not enough on the account"})

    shop.refund("5")
    shop.work()
    assert shop.refunds == [(500, "refused")]
    assert shop.books.payment.refund_asked == 0
    assert "not enough on the account" in shop.console

    shop.instead = nothing
    assert shop.refund("5").status_code == 303
    shop.work()
    assert shop.refunds == [(500, "refused"), (500, "done")]
    assert shop.books.payment.refunded == 500


@one_database
@in_parts
def test_news_of_a_refund_that_comes_late_and_twice_changes_nothing(
    shop: ShopAndSandbox, provider: str
) -> None:
    buy(shop, provider)
    shop.refund("5")
    shop.books.work()
    before = shop.books.snapshot()

    shop.deliver()
    shop.deliver_again()

    assert shop.books.snapshot() == before
    assert shop.refunds == [(500, "done")]
    assert shop.books.payment.refunded == 500


@one_database
def test_a_refund_that_fails_later_is_refused_or_shown_to_a_person(shop: ShopAndSandbox) -> None:
    """MintCash: ``payment.refund_failed``, before it was said to be done and after."""
    buy(shop, "mintcash")
    payment = {
        "id": shop.books.payment.provider_reference,
        "externalId": shop.books.payment.id,
        "amount": WHOLE,
        "currency": "USD",
    }
    shop.instead = answering(200, {"id": "ref_1", "status": "pending"})

    shop.refund("5")
    shop.books.work()
    assert shop.refunds == [(500, "open")]
    failed = event(payment, "refund_failed", failureCode="account_closed")
    shop.shopper.deliver(*failed)
    assert shop.refunds == [(500, "refused")]
    assert shop.books.payment.refund_asked == 0

    shop.instead = nothing
    shop.refund("5")
    shop.work()
    shop.shopper.deliver(*event(payment, "refund_failed", failureCode="account_closed"))
    assert shop.refunds == [(500, "refused"), (500, "done")]
    assert "a refund was not made after all: account_closed" in shop.console


def test_a_refund_that_a_person_asks_for_holds_no_goods_back(
    shopper: Shopper, books: Books
) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))

    with books.open():
        payments.refund(books.payment.id, "a" * 16, 500, "a scratch")
        order = db.session.get_one(Order, books.order.id)
        assert payments.money_is_here(order)
        db.session.rollback()


# ------------------------------------------------------------------ refused, found by asking


def refused(books: Books, reference: str | None) -> None:
    """The provider's answer to a question about the payment: this refund will not be made."""
    said = News("", None, None, "GET", refund_refused="no", refund_reference=reference)
    with books.open(), transaction() as session:
        refunds.report_refused(session.get_one(Payment, books.payment.id), said)


@pytest.fixture
def asked(books: Books, shopper: Shopper) -> list[str]:
    """The ids of two refunds of one payment: the first was refused, the second is under way."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    ids = ["a" * 16, "b" * 16]
    for each in ids:
        with books.open():
            payments.refund(books.payment.id, each, 500, "a scratch")
        if each == ids[0]:
            refused(books, each)
    return ids


def statuses(books: Books) -> list[str]:
    query = select(Refund.status).order_by(Refund.id)
    return list(books.read(lambda: list(db.session.scalars(query))))


def test_a_refusal_that_is_told_with_every_answer_counts_once(
    books: Books, asked: list[str]
) -> None:
    """A provider that is asked lists all refunds each time; an old refusal is not of a new one."""
    for _ in range(2):
        refused(books, asked[0])

    assert statuses(books) == ["refused", "open"]
    assert (books.payment.refund_asked, books.payment.problem) == (500, None)


def test_a_refusal_that_names_no_refund_is_of_the_one_under_way(
    books: Books, asked: list[str]
) -> None:
    refused(books, None)

    assert statuses(books) == ["refused", "refused"]
    assert books.payment.refund_asked == 0


def test_a_refusal_of_a_refund_that_this_shop_did_not_ask_for_is_told_to_a_person(
    books: Books, asked: list[str]
) -> None:
    refused(books, "c" * 16)

    assert statuses(books) == ["refused", "open"]
    assert books.payment.problem == "a refund was not made after all: no"


def test_the_worker_that_asks_learns_of_a_refusal(
    books: Books, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from webhooks only: some providers send none, and some webhooks are lost."""
    told = News("", None, None, "GET", refund_refused="no", refund_reference=asked[1])
    monkeypatch.setattr(mintcash, "fetch_payment", lambda *_: [told])
    with books.open(), transaction():
        update_one(Payment, Payment.id == books.payment.id, next_check_at=database_now())

    with books.open():
        payments.check_payment(books.payment.id)

    assert statuses(books) == ["refused", "refused"]
