"""Credit goes where its money went: back to a card, or away with what paid for the card."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from database import db, transaction
from models import Credit, Order
from payments import credit

from .. import mintcash
from ..books import Books
from ..gift_cards import WORTH, balance, buy_card, check_out_with, entries, order_with, use_of
from ..mintcash import event
from ..purchases import pay, tell
from ..shopper import Shopper


@pytest.fixture
def code(app: Flask, books: Books) -> str:
    return buy_card(app, books)


@pytest.fixture
def paid_with_card(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> dict[str, Any]:
    """A vase, 25 dollars by card and 7 by MintCash."""
    shopper.add("bud-vase")
    check_out_with(shopper, code)
    payment = {**mintcash_api.newest, "amount": 7_00}
    shopper.deliver(*event(payment, "succeeded"))
    return payment


def test_a_full_refund_gives_the_credit_back_once(
    shopper: Shopper, books: Books, code: str, paid_with_card: dict[str, Any]
) -> None:
    for _ in range(2):
        tell(books, paid_with_card, status="refunded", amount=7_00, refunded=7_00)

    order = order_with(books, paid_with_card)
    assert use_of(books, order.id) == "returned"
    assert balance(books, code) == WORTH
    page = shopper.get(f"/orders/{order.id}").text
    assert "back on your gift card" in page


def test_a_partial_refund_and_a_dispute_of_the_rest_leave_the_credit_spent(
    books: Books, code: str, paid_with_card: dict[str, Any]
) -> None:
    tell(books, paid_with_card, status="partially_refunded", amount=7_00, refunded=3_00)
    tell(books, paid_with_card, dispute="opened")

    assert use_of(books, order_with(books, paid_with_card).id) == "spent"
    assert balance(books, code) == 0


@pytest.mark.parametrize(
    "gone",
    [{"status": "refunded", "amount": WORTH, "refunded": WORTH}, {"dispute": "opened"}],
    ids=["refunded", "disputed"],
)
def test_a_card_whose_own_money_goes_is_withdrawn(
    app: Flask, books: Books, gone: dict[str, Any]
) -> None:
    """What was spent already is shown to a person."""
    (payment,) = books.place_order({"gift-card": 1})
    pay(app, payment)
    books.work()
    with books.open(), transaction() as session:
        code, card_id = session.execute(select(Credit.code, Credit.id)).one()
    (other,) = books.place_order({"candle": 1})
    order_id = order_with(books, other).id
    with books.open(), transaction() as session:
        order = session.get_one(Order, order_id)
        order.credit = 10_00
        credit.reserve(order, card_id)

    for _ in range(2):
        tell(books, payment, **gone)

    assert balance(books, code) == 0
    assert entries(books, code)[-1] == ("withdrawn", -15_00)
    (problem,) = (each.problem for each in books.payments if each.id == payment["externalId"])
    assert f"of the gift card …{code[-4:]} that it bought, US$10.00 was spent" in str(problem)

    with books.open(), transaction():  # what comes back to it is withdrawn, too
        credit.free(order_id)
    assert balance(books, code) == 0
    if "dispute" in gone:
        tell(books, payment, dispute="won")
        assert balance(books, code) == WORTH
        with books.open():
            assert not db.session.scalars(select(Credit)).one().withdrawn
