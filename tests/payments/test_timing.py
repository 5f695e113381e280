"""When a provider is asked by itself, and for how long."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from database import now
from payments import timing
from payments.reversals import UNDONE
from providers.contract import LADDER

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ONE_OF_EACH, tell
from ..shopper import Shopper


@pytest.fixture
def payment(books: Books, clock: time_machine.Traveller) -> dict[str, Any]:
    """Its first check is a minute away."""
    (known,) = books.place_order({"candle": 1})
    return known


@pytest.mark.usefixtures("clock")
def test_a_payment_is_checked_a_minute_after_the_shopper_left(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api
) -> None:
    shopper.add("candle")
    shopper.check_out()

    assert books.payment.next_check_at == now() + timing.FIRST_CHECK


@pytest.mark.parametrize("status", timing.FINAL)
def test_final_news_ends_the_checks(books: Books, payment: dict[str, Any], status: str) -> None:
    tell(books, payment, status=status, amount=payment["amount"], currency="USD")

    assert books.payment.next_check_at is None


@pytest.mark.parametrize("status", sorted(set(LADDER) - {*timing.FINAL, "partially_paid"}))
def test_other_news_leaves_the_next_check_where_it_is(
    books: Books, payment: dict[str, Any], status: str
) -> None:
    tell(books, payment, status=status)

    assert books.payment.next_check_at == now() + timedelta(minutes=1)


def test_news_that_does_not_say_all_is_checked_at_once(
    books: Books, payment: dict[str, Any]
) -> None:
    tell(books, payment, check=True)

    assert books.payment.next_check_at == now()


def test_a_part_that_comes_after_a_failure_is_checked_again(
    books: Books, payment: dict[str, Any]
) -> None:
    """Final news had ended the checks; the rest may still come."""
    tell(books, payment, status="failed")
    tell(books, payment, status="partially_paid", amount=1, currency="USD")

    assert books.payment.next_check_at == now() + timing.FIRST_CHECK


def test_a_failure_that_overtook_its_success_is_found_by_asking(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api
) -> None:
    """A reorganised chain, told the other way round: only the provider knows which came last."""
    (payment,) = books.place_order(ONE_OF_EACH)
    mintcash_api.payments[payment["id"]] = {**payment, "status": "failed"}

    shopper.deliver(*event(payment, "failed"))
    shopper.deliver(*event(payment, "succeeded"))
    books.sweep()

    assert (books.order.status, books.payment.status) == ("paid", "succeeded")
    assert str(books.payment.problem).splitlines() == [
        UNDONE,
        "mintcash says failed, after it had said that money came",
    ]
    assert books.payment.next_check_at is None
