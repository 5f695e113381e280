"""The shopper is back, which proves nothing: the provider is asked soon."""

from datetime import timedelta
from typing import Any

import time_machine
from flask import Flask
from werkzeug.test import TestResponse

import payments
from database import now

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..shopper import Shopper


def test_a_return_address_typed_by_hand_shows_no_success(
    bought: TestResponse, shopper: Shopper, books: Books
) -> None:
    """G1."""
    order_id = books.order.id

    back = shopper.get(
        f"/orders/{order_id}/return/mintcash?status=success&paid=1", follow_redirects=True
    )

    assert "Thanks, we are confirming your payment" in back.text
    assert "Your order is paid" not in back.text
    assert books.order.status == "open"


def test_a_paid_payment_without_a_webhook_is_found_soon_after_the_return(
    books: Books, clock: time_machine.Traveller, shopper: Shopper, away: dict[str, Any]
) -> None:
    """E1, N5."""
    away["status"] = "succeeded"
    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    assert books.order.status == "open"
    due_at = books.payment.next_check_at
    assert due_at
    assert due_at <= now() + timedelta(seconds=15)

    clock.move_to(due_at)
    books.sweep()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}
    assert books.payment.next_check_at is None


def test_the_return_sends_a_message_that_finds_the_payment_without_a_sweep(
    app: Flask,
    books: Books,
    clock: time_machine.Traveller,
    shopper: Shopper,
    away: dict[str, Any],
) -> None:
    """E1."""
    engine = app.extensions["queue"].engine
    engine.flush()
    away["status"] = "succeeded"
    shopper.get(f"/orders/{books.order.id}/return/mintcash")

    clock.shift(payments.CHECK_AFTER_RETURN)
    engine.execute(engine.dequeue())

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_a_second_return_does_not_start_the_pauses_again(
    books: Books, clock: time_machine.Traveller, shopper: Shopper, away: dict[str, Any]
) -> None:
    """A page that is loaded again and again asks the provider no more often."""
    away["status"] = "pending"
    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    first = books.payment.returned_at
    clock.shift(payments.CHECK_AFTER_RETURN)
    books.sweep()
    assert books.payment.checks == 1

    shopper.get(f"/orders/{books.order.id}/return/mintcash")

    assert (books.payment.checks, books.payment.returned_at) == (1, first)


def test_a_return_to_a_paid_order_asks_for_no_check(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    with books.open():
        assert payments.record_return(books.order.id, "mintcash", {}) is None

    assert books.payment.next_check_at is None
