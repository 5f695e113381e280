"""A person has looked at a held order, and decides that it is fulfilled with what is here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

import payments
from database import db, transaction
from models import Payment, Product
from payments import refunds, release, reversals, send_refunds

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ONE_OF_EACH, one_database
from ..races import Barrier, assert_one_was_locked_out, at_once, read_before_writing
from ..request_network import pay_link
from ..sandboxed import MINTCASH, ShopAndSandbox
from ..shopper import Shopper


def held(shop: ShopAndSandbox, fault: str) -> None:
    """An order whose money differs from what was asked for."""
    shop.check_out("mintcash", "bud-vase")
    shop.press(shop.url, **MINTCASH, fault="close_tab", delivery_fault=fault)
    shop.deliver()
    assert shop.state == "held"


def press_release(shop: ShopAndSandbox) -> int:
    path = f"/console/orders/{shop.books.order.id}/release"
    return shop.shopper.post(path).status_code


@one_database
@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
def test_a_held_order_is_fulfilled_when_a_person_says_so(shop: ShopAndSandbox, fault: str) -> None:
    held(shop, fault)
    assert "Fulfil it anyway" in shop.console

    assert press_release(shop) == 303
    assert press_release(shop) == 303
    shop.work()

    assert shop.books.order.status == "paid"
    assert shop.books.order.paid_by == shop.books.payment.id
    assert shop.books.order.held_reason is None
    assert shop.books.fulfilled() == {"parcel": 1, "mail": 1}
    assert shop.books.stock("bud-vase") == 2
    assert "Fulfil it anyway" not in shop.console


def stock(shop: ShopAndSandbox, count: int) -> None:
    with shop.books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=count))


@one_database
def test_a_product_that_is_still_sold_out_holds_the_order_again(shop: ShopAndSandbox) -> None:
    """C9."""
    stock(shop, 0)
    (payment,) = shop.books.place_order({"bud-vase": 1})
    shop.shopper.deliver(*mintcash.event(payment, "succeeded"))
    assert shop.books.order.held_code == "stock"

    press_release(shop)
    assert (shop.books.order.status, shop.books.order.held_code) == ("held", "stock")
    assert shop.books.fulfilled() == {}

    stock(shop, 1)
    press_release(shop)
    shop.books.work()
    assert shop.books.order.status == "paid"
    assert shop.books.fulfilled() == {"parcel": 1, "mail": 1}
    assert shop.books.stock("bud-vase") == 0


@one_database
def test_an_order_that_is_not_held_is_not_released(shop: ShopAndSandbox) -> None:
    shop.check_out("mintcash")

    press_release(shop)

    assert shop.books.order.status == "open"
    assert shop.books.fulfilled() == {}


@one_database
def test_a_held_order_whose_money_was_refunded_stays_held(shop: ShopAndSandbox) -> None:
    """It is over: one press too many ships no goods for nothing."""
    held(shop, "wrong_amount")
    shop.refund("0.01")
    shop.work()
    assert shop.refunds == [(1, "done")]

    press_release(shop)

    assert shop.books.order.status == "held"
    assert shop.books.fulfilled() == {}
    assert shop.state == "refunded"


@one_database
def test_a_person_may_release_an_order_whose_money_is_short(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    shop.check_out("request_network")
    pay_link(shop, "11.99")
    shop.deliver()
    clock.shift(timedelta(days=7, minutes=1))
    shop.check_payments()

    press_release(shop)
    shop.books.work()

    assert shop.state == "paid"
    assert shop.books.fulfilled() == {"download": 1, "mail": 1}


# ------------------------------------------------------------------ a refund at the same moment


def hold_short(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded", amount=68.99))
    assert books.order.status == "held"


def test_a_held_order_whose_refund_is_asked_for_is_not_released(
    shopper: Shopper, books: Books
) -> None:
    """T02: the provider has not done it yet, and the money is as good as gone."""
    hold_short(shopper, books)
    with books.open():
        payments.refund(books.payment.id, "a" * 16, 6899, "too little")

    with books.open(), pytest.raises(payments.CannotRelease):
        payments.release_order(books.order.id)
    answer = shopper.post(f"/console/orders/{books.order.id}/release")

    assert answer.status_code == 422
    assert "No money is here for this order" in answer.text
    assert (books.order.status, books.fulfilled()) == ("held", {})


def refund_and_release(books: Books) -> list[Callable[[], Any]]:
    payment_id, order_id = books.payment.id, books.order.id

    def refund() -> Any:
        try:
            return payments.refund(payment_id, "a" * 16, 6899, "too little")
        except payments.CannotRefund as error:
            return str(error)

    def release() -> Any:
        try:
            return payments.release_order(order_id)
        except payments.CannotRelease as error:
            return str(error)

    return [refund, release]


def test_a_refund_and_a_release_at_once_never_both_take_the_money(
    app: Flask, shopper: Shopper, books: Books
) -> None:
    """T02; guard: both lock the payment first, and goods ask once more."""
    hold_short(shopper, books)

    at_once(app, *refund_and_release(books))
    books.work()

    (asked,) = books.read(lambda: list(db.session.scalars(select(Payment.refund_asked))))
    assert not (asked and books.fulfilled())


def test_without_the_lock_a_release_does_not_see_the_refund(
    app: Flask,
    shopper: Shopper,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
) -> None:
    """T02, the twin: both find the money, and only the question at packing keeps the goods."""
    hold_short(shopper, books)
    barrier = Barrier()
    if on_sqlite:
        read_before_writing(monkeypatch, send_refunds, barrier)
        read_before_writing(monkeypatch, release, barrier)
        assert_one_was_locked_out(at_once(app, *refund_and_release(books)))
        return
    left = refunds.left_to_refund

    def stale(payment: Payment) -> int:
        found = left(payment)
        barrier()
        return found

    monkeypatch.setattr(refunds, "left_to_refund", stale)
    monkeypatch.setattr(reversals, "left_to_refund", stale)
    monkeypatch.setattr(Payment.__table__.select().__class__, "with_for_update", lambda self: self)
    at_once(app, *refund_and_release(books))
    assert barrier.passed
    assert books.payment.refund_asked == 6899
    assert books.order.status == "paid"
