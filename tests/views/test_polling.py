"""The page that waits asks for news, and learns with little work that there is none."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from database import now, transaction
from models import Order, Payment
from views.polling import SEEN, UNSEEN

from ..books import Books
from ..mintcash import event
from ..purchases import one_database
from ..queries import statements_of
from ..shopper import Shopper

pytestmark = one_database


@pytest.fixture
def order_id(books: Books) -> str:
    books.place_order({"candle": 1})
    return books.order.id


def poll_of(page: str) -> str:
    """The address that this page asks."""
    (path,) = re.findall(r'hx-get="(/orders/[^"]+/status[^"]*)"', page)
    return unescape(path)


def change(table: Any, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(table).values(**values))


def test_a_poll_that_brings_no_news_costs_one_read(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    path = poll_of(shopper.get(f"/orders/{order_id}").text)

    with statements_of(books.app) as asked:
        answer = shopper.get(path)

    assert (answer.status_code, answer.data) == (204, b"")
    assert [each.split()[0] for each in asked] == ["SELECT"]


#: Another value than the one of a payment that waits, by the kind of column.
OTHER = {str: "succeeded", int: 7, bool: True, object: datetime(2020, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("name", [each.key for each in SEEN if each.key not in ("id", "order_id")])
def test_whatever_else_a_payment_is_the_page_is_drawn_again(
    shopper: Shopper, order_id: str, books: Books, name: str
) -> None:
    path = poll_of(shopper.get(f"/orders/{order_id}").text)
    column = getattr(Payment, name)
    kind = column.type.python_type if name != "next_action" else dict
    value = {"kind": "form"} if kind is dict else OTHER[kind]
    with books.open():
        change(Payment, **{name: value})

    assert shopper.get(path).status_code == 200


@pytest.mark.parametrize("name", sorted(UNSEEN - {"checks"}))
def test_what_no_page_shows_draws_no_page(
    shopper: Shopper, order_id: str, books: Books, name: str
) -> None:
    path = poll_of(shopper.get(f"/orders/{order_id}").text)
    with books.open():
        change(Payment, **{name: now() + timedelta(hours=3)})

    assert shopper.get(path).status_code == 204


@pytest.mark.parametrize(
    "values",
    [
        {"status": "held", "held_code": "amount", "held_reason": "too little"},
        {"status": "paid"},
        {"chain_id": "another"},
    ],
    ids=["held", "paid", "replaced"],
)
def test_whatever_else_becomes_of_the_order_the_page_is_drawn_again(
    shopper: Shopper, order_id: str, books: Books, values: dict[str, Any]
) -> None:
    path = poll_of(shopper.get(f"/orders/{order_id}").text)
    with books.open():
        change(Order, **values)

    assert shopper.get(path).status_code == 200
    assert shopper.get(path).status_code == 200


def test_time_alone_changes_what_the_page_shows(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    """J1: after thirty seconds a kind word; and an expired page is no longer offered."""
    shopper.get(f"/orders/{order_id}/return/mintcash")
    path = poll_of(shopper.get(f"/orders/{order_id}").text)

    with time_machine.travel(now() + timedelta(seconds=32)):
        slow = shopper.get(path)
        assert shopper.get(poll_of(slow.text)).status_code == 204
    with time_machine.travel(now() + timedelta(hours=2)):
        over = shopper.get(poll_of(slow.text))

    assert "has not confirmed yet" in slow.text
    assert over.status_code == 200


def test_the_waiting_page_asks_quickly_at_first_and_slower_later(
    shopper: Shopper, order_id: str
) -> None:
    page = shopper.get(f"/orders/{order_id}").text
    path, paces = poll_of(page), re.findall(r'hx-trigger="every (\d+)s"', page)

    for seconds in (14, 16, 59, 61, 299, 301, 3000):
        with time_machine.travel(now() + timedelta(seconds=seconds)):
            answer = shopper.get(path)
            if answer.status_code == 200:
                paces += re.findall(r'hx-trigger="every (\d+)s"', answer.text)
                path = poll_of(answer.text)

    assert [int(each) for each in dict.fromkeys(paces)] == [1, 2, 5, 13]


@pytest.mark.parametrize("opened", ["-1", "0", "9" * 400, "tomorrow", "1e3", "²"])
def test_a_nonsense_moment_draws_the_page(shopper: Shopper, order_id: str, opened: str) -> None:
    answer = shopper.get(f"/orders/{order_id}/status?opened={opened}&seen=0123456789abcdef")

    assert answer.status_code == 200
    assert 'data-state="waiting"' in answer.text


def test_news_is_announced_after_polls_that_brought_none(shopper: Shopper, books: Books) -> None:
    (placed,) = books.place_order({"candle": 1})
    path = poll_of(shopper.get(f"/orders/{books.order.id}").text)
    assert shopper.get(path).status_code == 204

    shopper.deliver(*event(placed, "succeeded"))
    fragment = shopper.get(path).text

    assert 'data-state="paid"' in fragment
    assert 'id="announcement"' in fragment
