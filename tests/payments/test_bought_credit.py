"""Credit goes where its money went: back to a card, or away with what paid for the card."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import payments
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


@pytest.mark.parametrize(
    ("news", "left"),
    [
        pytest.param({"refunded": 12_00}, WORTH, id="the other line"),
        pytest.param({"refunded": 12_01}, 0, id="more than the other line"),
        pytest.param({"refunded": WORTH}, 0, id="the card"),
        pytest.param(
            {"amount": 74_00, "refunded": 37_00}, WORTH, id="a second payment of the page"
        ),
        pytest.param({"amount": 74_00, "refunded": 49_01}, 0, id="that, and more"),
    ],
)
def test_a_partial_refund_withdraws_a_card_once_it_is_more_than_the_other_lines_cost(
    app: Flask, books: Books, news: dict[str, Any], left: int
) -> None:
    """Of a card for 25 dollars and a cookbook for 12; a repeat changes nothing."""
    (payment,) = books.place_order({"gift-card": 1, "cookbook": 1})
    pay(app, payment)
    books.work()
    with books.open():
        code = db.session.scalars(select(Credit.code)).one()

    for _ in range(2):
        tell(books, payment, **{"status": "partially_refunded", "amount": 37_00, **news})

    assert balance(books, code) == left


def test_what_was_spent_of_a_card_that_a_partial_refund_withdraws_is_shown_to_a_person(
    app: Flask, books: Books, shopper: Shopper, mintcash_api: mintcash.Api, code: str
) -> None:
    """Nothing of it is left to take back."""
    bought = books.payment
    shopper.add("bud-vase")
    check_out_with(shopper, code)
    shopper.deliver(*event({**mintcash_api.newest, "amount": 7_00}, "succeeded"))

    told = {"id": bought.provider_reference, "externalId": bought.id}
    tell(books, told, status="partially_refunded", amount=WORTH, refunded=5_00)

    (problem,) = (each.problem for each in books.payments if each.id == bought.id)
    assert f"of the gift card …{code[-4:]} that it bought, US$25.00 was spent" in str(problem)


def test_a_card_that_a_person_let_go_for_less_is_not_withdrawn_by_a_repeat(
    app: Flask, books: Books, shopper: Shopper
) -> None:
    """Held for a cent too little, and released: nothing has gone away since."""
    (payment,) = books.place_order({"gift-card": 1})
    shopper.deliver(*event(payment, "succeeded", amount=24.99))
    with books.open():
        payments.release_order(books.order.id)
    books.work()
    with books.open():
        code = db.session.scalars(select(Credit.code)).one()

    shopper.deliver(*event(payment, "succeeded", amount=24.99))

    assert balance(books, code) == WORTH
