"""The shopper leaves to pay, comes back to the page, presses "Pay" more than once."""

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import payments
from models import Payment
from payments import attempts
from providers import mintcash as provider
from providers.contract import Checkout, Redirect

from .. import mintcash
from ..abilities import BROUGHT_UP_TO_DATE, each, typed
from ..books import Books
from ..purchases import one_database
from ..races import (
    Barrier,
    assert_one_was_locked_out,
    at_once,
    before_insert,
    errors_of,
    read_before_writing,
)
from ..request_network import pay_link
from ..sandboxed import HANDCASH, MINTCASH, ShopAndSandbox
from ..shopper import BASE_URL, Shopper

# ------------------------------------------------------------------ going back to a page


@one_database
@each(BROUGHT_UP_TO_DATE)
def test_a_page_that_the_shopper_goes_back_to_is_brought_up_to_date(
    shop: ShopAndSandbox, provider: str
) -> None:
    shop.check_out(provider)
    page = shop.url

    shop.choose(provider)

    assert (shop.url, len(shop.books.payments)) == (page, 1)
    assert shop.asked("PUT") == 1


@one_database
@each(BROUGHT_UP_TO_DATE)
def test_a_page_that_was_paid_meanwhile_is_not_opened_again(
    shop: ShopAndSandbox, provider: str
) -> None:
    """The webhook is lost, the tab was closed; then "Pay" once more."""
    shop.check_out(provider)
    shop.press(shop.url, **typed(provider), fault="close_tab", delivery_fault="drop")

    shop.choose(provider)

    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}"
    assert shop.state == "paid"
    assert shop.asked("PUT") == 0


@one_database
def test_a_page_that_has_closed_is_replaced(shop: ShopAndSandbox) -> None:
    shop.check_out("handcash")
    first = shop.url
    shop.press(first, **HANDCASH, fault="expire")

    shop.choose("handcash")

    old, new = shop.books.payments
    assert (old.status, old.failure_code) == ("expired", "page_closed")
    assert shop.url == new.page_url != first


@one_database
def test_a_provider_that_does_not_say_how_its_page_stands_keeps_no_shopper_away(
    shop: ShopAndSandbox,
) -> None:
    shop.check_out("hitpay")
    page = shop.url
    shop.instead = lambda call: (500, {}, "{}")

    shop.choose("hitpay")

    assert shop.url == page


@one_database
def test_the_order_page_speaks_of_the_payment_page_in_use(shop: ShopAndSandbox) -> None:
    """Away to HandCash and back to MintCash: the order's page speaks of MintCash."""
    shop.check_out("mintcash")
    page = shop.url
    shop.choose("handcash")
    shop.choose("mintcash")
    assert shop.url == page
    shop.check_payments()

    shop.press(page, **MINTCASH, delivery_fault="drop")
    assert shop.state == "waiting"
    assert "MintCash" in shop.order_page
    assert "The payment was canceled" not in shop.order_page

    shop.check_payments()
    assert shop.state == "paid"


@one_database
def test_after_three_minutes_another_page_of_wipay_is_opened(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    shop.check_out("wipay")
    first = shop.url
    shop.choose("wipay")
    assert shop.url == first

    clock.shift(timedelta(minutes=3, seconds=1))
    shop.choose("wipay")

    assert shop.url != first
    assert len(shop.books.payments) == 2


@one_database
@pytest.mark.parametrize("status", [403, 404])
def test_a_link_that_takes_no_money_is_replaced(shop: ShopAndSandbox, status: int) -> None:
    shop.check_out("request_network")
    first = shop.url
    shop.instead = lambda call: (
        (status, {}, json.dumps({"message": "no"})) if "GET" in call else None
    )

    shop.choose("request_network")

    old, new = shop.books.payments
    assert (old.failure_code, old.order_id) == ("page_closed", new.order_id)
    assert shop.url == new.page_url != first


@one_database
def test_a_link_that_is_paid_leads_to_the_paid_order(shop: ShopAndSandbox) -> None:
    """409: and the webhook was lost."""
    shop.check_out("request_network")
    pay_link(shop, "12", delivery_fault="drop", fault="close_tab")

    shop.choose("request_network")

    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}"
    assert shop.state == "paid"
    assert len(shop.books.payments) == 1


@one_database
def test_a_link_whose_owners_are_signing_is_waited_for(shop: ShopAndSandbox) -> None:
    """423: a Safe wallet; no other wallet may pay meanwhile."""
    shop.check_out("request_network")
    pay_link(shop, "12", settles="safe")

    shop.choose("request_network")
    assert (shop.state, len(shop.books.payments)) == ("waiting", 1)
    assert "How would you like to pay?" not in shop.order_page

    assert "Pay another way" not in shop.order_page

    shop.wait(seconds=30)
    shop.work()
    assert shop.state == "paid"


# ------------------------------------------------------------------ pressed more than once


def test_two_presses_of_pay_make_one_order_and_one_payment(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C6, own-pay/OwnPay#280."""
    shopper.add("candle")

    first, second = shopper.check_out(), shopper.check_out()

    assert first.location == second.location
    assert len(mintcash_api.payments) == 1
    assert books.order.status == books.payment.status.replace("created", "open")


@one_database
def test_pay_pressed_twice_at_once_leads_to_one_page(shop: ShopAndSandbox) -> None:
    """C6: HitPay knows no idempotency key, and makes two payment requests."""
    shop.books.place_order({"cookbook": 1}, attempts=0)
    order_id = shop.books.order.id

    def press() -> str | None:
        return payments.start(order_id, "hitpay")

    first, second = at_once(shop.app, press, press)

    assert first == second == shop.books.payment.page_url
    assert shop.books.payment.status == "created"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the provider was asked for, by a call that takes a while."""
    calls: list[str] = []
    lock = threading.Lock()

    def start_checkout(account: Any, payment: Any, urls: Any) -> Checkout:
        with lock:
            calls.append(payment.reference)
            number = len(calls)
        time.sleep(0.3)
        return Checkout(f"p{number}", Redirect(f"{mintcash.PAGE}/p{number}"))

    monkeypatch.setattr(provider, "start_checkout", start_checkout)
    return calls


def test_four_presses_at_once_ask_the_provider_once(
    app: Flask, books: Books, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T13; guard: the press that asks says so in the payment's row."""
    monkeypatch.setattr(attempts, "OTHER_PRESS", 10 * attempts.OTHER_PRESS)  # a busy machine
    books.place_order({"candle": 1}, attempts=0)

    pages = at_once(app, *[lambda: payments.start(books.order.id, "mintcash")] * 4)

    assert len(asked) == 1
    assert set(pages) == {f"{mintcash.PAGE}/p1"}


def test_without_the_mark_of_who_asks_each_press_asks(
    app: Flask, books: Books, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T13, the twin: three requests stay open at a provider that knows no idempotency key."""
    monkeypatch.setattr(attempts, "ASKING", -attempts.ASKING)
    books.place_order({"candle": 1}, attempts=0)

    at_once(app, *[lambda: payments.start(books.order.id, "mintcash")] * 4)

    assert len(asked) > 1


def test_two_attempts_at_once_are_one_attempt(app: Flask, books: Books) -> None:
    """C6; guard: the order is locked while its attempts are read."""
    books.place_order({"candle": 1}, attempts=0)
    order_id = books.order.id

    answers = at_once(
        app, *[lambda: attempts.open_attempt(order_id, payments.providers()["mintcash"], "")] * 8
    )

    assert {request.reference for request, _ in answers} == {books.payment.id}


def test_an_order_that_is_not_locked_gets_the_same_attempt_twice(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
) -> None:
    """C6, the twin of the lock.

    PostgreSQL: without FOR UPDATE both presses find no attempt and make the first; only the unique
    number of the attempt stops one. SQLite: without BEGIN IMMEDIATE one is locked out.
    """
    barrier, get = Barrier(), Session.get
    books.place_order({"candle": 1}, attempts=0)
    order_id = books.order.id

    def get_without_lock(*args: Any, with_for_update: bool = False, **options: Any) -> Any:
        return get(*args, **options)

    monkeypatch.setattr(Session, "get", get_without_lock)
    if on_sqlite:
        read_before_writing(monkeypatch, attempts, barrier)

    with before_insert(Payment, barrier):
        answers = at_once(
            app,
            *[lambda: attempts.open_attempt(order_id, payments.providers()["mintcash"], "")] * 2,
        )

    assert barrier.passed
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "uq_payments_order_id_attempt" in str(error)
