"""An order that a gift card pays whole: paid at once, fulfilled like any other, refunded to it."""

import pytest
from flask import Flask
from sqlalchemy import select

import payments
from database import db
from models import Order

from .. import mintcash
from ..books import Books
from ..gift_cards import WORTH, balance, buy_card, check_out_with, use_of
from ..purchases import make_tasks_due
from ..shopper import Shopper


@pytest.fixture
def code(app: Flask, books: Books) -> str:
    return buy_card(app, books)


def the_order(books: Books) -> Order:
    """The one that is paid with credit."""
    with books.open():
        found = db.session.scalars(select(Order).where(Order.credit > 0)).one()
        db.session.expunge(found)
        return found


@pytest.fixture
def order_id(shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str) -> str:
    """An e-book, paid with a card; no worker knows of it yet."""
    shopper.add("cookbook")
    check_out_with(shopper, code, provider="")
    order = the_order(books)
    assert (order.status, order.paid_by, order.must_keep) == ("paid", None, 0)
    return order.id


def test_it_is_fulfilled_like_any_other(books: Books, order_id: str, code: str) -> None:
    books.work()

    assert books.fulfilled() == {"download": 1, "credit": 1, "mail": 2}
    assert (use_of(books, order_id), balance(books, code)) == ("spent", WORTH - 12_00)


def test_it_is_refunded_to_its_card_in_the_console(
    shopper: Shopper, books: Books, order_id: str, code: str
) -> None:
    """What has not left by then stays here."""
    path = f"/console/orders/{order_id}"
    assert "Put US$12.00 back on the gift card" in shopper.get(path).text

    first = shopper.post(f"{path}/refund-credit")
    second = shopper.post(f"{path}/refund-credit")
    for _ in range(13):
        make_tasks_due(books)
        books.work()

    assert (first.status_code, second.status_code) == (303, 422)
    assert "on the gift card again already" in second.text
    assert balance(books, code) == WORTH
    assert books.fulfilled() == {"credit": 1, "mail": 1}, "of the order that bought the card"
    page = shopper.get(f"/orders/{order_id}").text
    assert "back on your gift card" in page
    assert 'data-state="refunded"' in page


def test_an_order_that_a_provider_was_paid_for_is_not_refunded_so(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    shopper.add("bud-vase")
    check_out_with(shopper, code)

    answer = shopper.post(f"/console/orders/{the_order(books).id}/refund-credit")

    assert answer.status_code == 422
    assert "refund its payment" in answer.text


def test_it_is_released_once_the_shelf_is_full_again(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    """Sold out between checkout and payment: held for stock, its credit spent meanwhile."""
    shopper.add("cookbook")
    check_out_with(shopper, code, provider="")
    order = the_order(books)
    with books.open(), db.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE orders SET status = 'held', held_code = 'stock' WHERE id = '{order.id}'"
        )
        connection.exec_driver_sql(f"DELETE FROM outbox WHERE order_id = '{order.id}'")

    with books.open():
        payments.release_order(order.id)
    books.work()

    assert the_order(books).status == "paid"
    assert books.fulfilled()["download"] == 1
    assert balance(books, code) == WORTH - 12_00
