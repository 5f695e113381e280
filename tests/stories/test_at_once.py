"""Two at the same moment, from the shopper's buttons to the goods; each guard has a twin."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask

import jobs
from database import transaction
from models import Customer, Order
from providers import mintcash as provider
from views import checkout

from .. import mintcash, postgres
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, ONE_OF_EACH
from ..races import Barrier, at_once, before, read_before_writing
from ..shopper import ANN, Shopper

# ------------------------------------------------------------------ "Pay", pressed twice


@pytest.fixture
def two_presses(
    app: Flask,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Callable[[], Any]]:
    """One session in two tabs, both about to press "Pay" with the same cart.

    Ann has bought here before: for a new customer her unique address would be a guard of its own.
    The imitated MintCash answers one call at a time, as it would with a lock of its own.
    """
    with books.open(), transaction() as session:
        session.add(Customer(email=ANN["email"]))
    one_at_a_time, start_checkout = threading.Lock(), provider.start_checkout

    def start_alone(*args: Any) -> Any:
        with one_at_a_time:
            return start_checkout(*args)

    monkeypatch.setattr(provider, "start_checkout", start_alone)
    shopper.add("candle")
    cookie = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert cookie
    tabs = [Shopper(app, token=shopper.token) for _ in range(2)]
    for tab in tabs:
        tab.client.set_cookie("shop", cookie.value, domain="127.0.0.1")
    return [tab.check_out for tab in tabs]


def test_pay_pressed_twice_at_once_makes_one_order_and_one_payment(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    mintcash_api: mintcash.Api,
    two_presses: list[Callable[[], Any]],
) -> None:
    """C6; guards: the cart's key is unique among orders, and the order is locked for an attempt."""
    barrier = Barrier(expected=not on_sqlite)
    before(monkeypatch, checkout, "find_or_add_customer", barrier)

    first, second = at_once(app, *two_presses)

    assert barrier.passed is not on_sqlite
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location == mintcash_api.newest["redirectUrl"]
    assert books.payment.order_id == books.order.id
    assert len(mintcash_api.payments) == 1


@contextmanager
def constraint_dropped(database_url: str, table: str, name: str, columns: str) -> Iterator[None]:
    """PostgreSQL's database is shared by all tests of a session: the constraint comes back."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
        try:
            yield
        finally:
            postgres.restore(database_url)
            statement = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})"
            connection.execute(statement.encode())


def test_a_cart_that_is_read_and_then_ordered_is_ordered_twice(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    database_url: str,
    two_presses: list[Callable[[], Any]],
) -> None:
    """C6, the twin of the unique key.

    PostgreSQL: without the constraint there are two orders. SQLite: without BEGIN IMMEDIATE one
    press is locked out, and answered with 503.
    """
    barrier = Barrier()
    if on_sqlite:
        read_before_writing(monkeypatch, checkout, barrier)
        answers = at_once(app, *two_presses)
        assert sorted(answer.status_code for answer in answers) == [303, 503]
    else:
        before(monkeypatch, checkout, "find_or_add_customer", barrier)
        with constraint_dropped(database_url, "orders", "uq_orders_cart_key", "cart_key"):
            first, second = at_once(app, *two_presses)
            assert first.location != second.location
            assert books.count(Order) == 2
    assert barrier.passed


def test_two_shoppers_with_one_new_address_at_once_both_get_to_pay(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, mintcash_api: mintcash.Api
) -> None:
    """C11: a phone and a laptop, one person, the first order of each."""
    barrier, shoppers = Barrier(expected=False), [Shopper(app), Shopper(app)]
    for each in shoppers:
        each.add("candle")
    before(monkeypatch, checkout, "find_or_add_customer", barrier)

    answers = at_once(app, *[each.check_out for each in shoppers])

    assert [answer.status_code for answer in answers] == [303, 303]
    assert books.count(Order) == 2
    assert books.count(Customer) == 1


# ------------------------------------------------------------------ all of them together


def test_webhook_return_worker_and_order_page_in_the_same_instant_fulfil_once(
    app: Flask, books: Books, mintcash_api: mintcash.Api
) -> None:
    """C4."""
    (payment,) = books.place_order(ONE_OF_EACH)
    mintcash_api.payments[payment["id"]] = {**payment, "status": "succeeded"}
    books.make_checks_due()
    order_id, payment_id = books.order.id, payment["externalId"]
    delivery = event(payment, "succeeded")
    webhook, back, page = (Shopper(app) for _ in range(3))

    answers = at_once(
        app,
        lambda: webhook.deliver(*delivery).status_code,
        lambda: back.get(f"/orders/{order_id}/return/mintcash").status_code,
        lambda: page.get(f"/orders/{order_id}/status").status_code,
        lambda: jobs.check(payment_id),
        lambda: jobs.sweep(),
    )

    assert answers == [200, 303, 200, None, None]
    assert books.order.status == "paid"
    assert books.stock("bud-vase") == 2
    books.work()
    assert books.fulfilled() == ALL_EFFECTS
