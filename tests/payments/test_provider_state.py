"""``provider_state``: what a provider notes about a payment comes back with every later call.

On both databases, at a provider that calls one payment by two names (``tests/providers/pingpay``).
"""

from collections.abc import Iterator
from itertools import permutations

import pytest
from flask import Flask

import payments
from database import db, transaction
from models import Order, Payment
from payments import inbox, ladder
from providers.contract import News

from ..books import Books
from ..providers import pingpay
from ..providers.pingpay.api import Api, api
from ..shopper import Shopper

CANDLE = {"candle": 1}


@pytest.fixture
def pingpay_api(app: Flask) -> Iterator[Api]:
    """Pingpay's API, and a shop that offers it."""
    app.extensions["providers"]["pingpay"] = pingpay.configured()
    with api() as found:
        yield found


def place(books: Books, pingpay_api: Api) -> str:
    """A payment whose shopper is on the page; its id at Pingpay."""
    (payment,) = books.place_order(CANDLE, provider="pingpay")
    pingpay_api.add(payment)
    return str(payment["id"])


def news(status: str | None, state: str | None) -> News:
    return News("tr_1", None, status, word=str(status), provider_state=state)


def ask(books: Books) -> None:
    books.make_checks_due()
    books.sweep()


def test_the_state_of_a_checkout_is_handed_to_the_next_call(
    shopper: Shopper, books: Books, pingpay_api: Api
) -> None:
    pingpay_api.charge = "ch_1"
    shopper.add("candle")
    shopper.check_out(provider="pingpay")

    shopper.check_out(provider="pingpay")

    assert books.payment.provider_state == "ch_1"
    assert pingpay_api.calls == ["POST /payments", "GET /charges/ch_1"]


def test_the_state_of_news_is_handed_to_the_refund(books: Books, pingpay_api: Api) -> None:
    known = pingpay_api.payments[place(books, pingpay_api)]
    known |= {"status": "pending", "charge": "ch_1"}
    ask(books)
    known |= {"status": "succeeded", "charge": "ch_2"}
    ask(books)

    with books.open():
        payments.refund(books.payment.id, "refund-1", 500, "cracked")
    books.work()

    assert pingpay_api.calls[-1] == "POST /charges/ch_2/refunds"
    assert books.payment.refunded == 500


def test_a_page_is_closed_by_the_state_that_the_same_check_has_told(
    books: Books, pingpay_api: Api
) -> None:
    reference = place(books, pingpay_api)
    pingpay_api.payments[reference] |= {"status": "pending", "charge": "ch_9"}
    with books.open():
        payments.close_other_payments(books.order.id)

    books.sweep()

    assert pingpay_api.calls == [f"GET /payments/{reference}", "DELETE /charges/ch_9"]


def test_news_that_overtakes_the_checkout_keeps_its_state(
    shopper: Shopper, books: Books, pingpay_api: Api
) -> None:
    """D8: the answer to the create call is older than the news, though it comes later."""

    def tell(reference: str) -> None:
        told = News(reference, books.payment.id, "pending", "pending", provider_state="ch_2")
        with transaction():
            inbox.store_and_apply("pingpay", told, headers={}, body=None)

    pingpay_api.charge, pingpay_api.before_reply = "ch_1", tell
    shopper.add("candle")

    shopper.check_out(provider="pingpay")

    assert books.payment.provider_state == "ch_2"


THREE = [news("pending", "ch_1"), news("failed", "ch_2"), news("succeeded", "ch_3")]


@pytest.mark.parametrize(
    "order", list(permutations(THREE)), ids=lambda o: "_".join(n.word for n in o)
)
def test_in_whatever_order_news_comes_the_state_is_that_of_the_highest(
    books: Books, pingpay_api: Api, order: tuple[News, ...]
) -> None:
    """D3: stored in the UPDATE that lifts the payment, and by that alone."""
    place(books, pingpay_api)

    for each in order:
        with books.open(), transaction() as session:
            payment = session.get_one(Payment, books.payment.id, with_for_update=True)
            ladder.apply_news(payment, each)

    assert (books.payment.status, books.payment.provider_state) == ("succeeded", "ch_3")


@pytest.mark.parametrize("late", [news("created", "ch_1"), news(None, "ch_1"), news("failed", "x")])
def test_late_news_tells_a_state_only_where_none_is_known(
    books: Books, pingpay_api: Api, late: News
) -> None:
    place(books, pingpay_api)
    for each, known in ((late, late.provider_state), (news("succeeded", "ch_3"), "ch_3")):
        with books.open(), transaction() as session:
            payment = session.get_one(Payment, books.payment.id, with_for_update=True)
            ladder.apply_news(payment, each)
            assert payment.provider_state == known

    with books.open(), transaction() as session:
        payment = session.get_one(Payment, books.payment.id, with_for_update=True)
        ladder.apply_news(payment, late)
        ladder.apply_news(payment, news("succeeded", None))

    assert books.payment.provider_state == "ch_3"


def test_news_of_a_state_alone_is_kept_for_the_payment(books: Books, pingpay_api: Api) -> None:
    reference = place(books, pingpay_api)
    told = News(reference, None, None, "charge.created", "evt_1", provider_state="ch_1")

    with books.open(), transaction():
        inbox.store_and_apply("pingpay", told, headers={}, body=None)

    assert (books.payment.status, books.payment.provider_state) == ("created", "ch_1")


def test_a_payment_without_a_state_has_none(books: Books, pingpay_api: Api) -> None:
    place(books, pingpay_api)

    ask(books)

    assert books.payment.provider_state is None
    with books.open():
        assert db.session.get_one(Order, books.order.id).status == "open"
