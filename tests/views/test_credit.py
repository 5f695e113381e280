"""The code of a gift card at the checkout: what is shown beside the button is what is charged."""

import pytest
from flask import Flask
from sqlalchemy import select

import payments
from database import db, transaction
from models import Credit, Order
from ops import limits
from tools.shopper import filled

from .. import mintcash
from ..books import Books
from ..gift_cards import WORTH, balance, buy_card, check_out_with, use_card
from ..mintcash import event
from ..purchases import one_database
from ..shopper import ANN, Shopper


@pytest.fixture
def code(app: Flask, books: Books) -> str:
    return buy_card(app, books)


@one_database
def test_a_card_pays_a_part_and_the_provider_is_asked_for_the_rest(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    shopper.add("bud-vase")

    page = use_card(shopper, code)
    answer = check_out_with(shopper, code)

    assert page.status_code == 200
    assert "−US$25.00" in page.text
    assert "Pay US$7.00" in page.text
    assert answer.status_code == 303
    assert mintcash_api.newest["amount"] == 7_00
    assert balance(books, code) == 0


@one_database
def test_a_card_that_covers_all_asks_no_provider(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    shopper.add("cookbook")

    page = use_card(shopper, code)
    answer = check_out_with(shopper, code, provider="")
    books.work()

    assert "Pay with the gift card" in page.text
    assert 'name="provider"' not in page.text
    assert answer.status_code == 303
    assert not mintcash_api.payments
    shown = shopper.get(answer.location).text
    assert 'data-state="paid"' in shown
    assert "Download" in shown
    assert balance(books, code) == WORTH - 12_00
    assert "Gift card" in shopper.get(f"{answer.location}/receipt").text


@one_database
def test_a_code_that_was_only_typed_is_shown_before_it_is_charged(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    """The page said 32 dollars, and the card pays a part: the new sum is shown first."""
    shopper.add("bud-vase")

    answer = shopper.check_out(credit_code=code)

    assert answer.status_code == 409
    assert "Pay US$7.00" in answer.text
    assert not mintcash_api.payments
    shown = filled(answer.text, "/checkout")["shown"]
    again = shopper.post("/checkout", {"shown": shown, **ANN, "credit_code": code.lower()})
    assert again.status_code == 303


@one_database
@pytest.mark.parametrize(
    ("typed", "status", "sentence"),
    [
        ("", 422, "Please type the code of your gift card."),
        ("2222-3333-4444-5555-6666", 404, "We know no gift card with this code."),
        ("x", 404, "We know no gift card with this code."),
        ("O" * 59, 404, "We know no gift card with this code."),
    ],
)
def test_a_code_that_is_no_card_s_gets_a_sentence(
    shopper: Shopper, typed: str, status: int, sentence: str
) -> None:
    shopper.add("bud-vase")

    answer = use_card(shopper, typed)

    assert answer.status_code == status
    assert sentence in answer.text
    assert "Pay US$32.00" in answer.text


@one_database
def test_a_card_in_another_currency_or_with_nothing_left_gets_a_sentence(
    shopper: Shopper, books: Books, code: str
) -> None:
    shopper.add("bud-vase")
    shopper.post("/currency", {"currency": "SGD"})
    assert "This card is in US$; your cart is in SGD." in use_card(shopper, code).text

    shopper.post("/currency", {"currency": "USD"})
    with books.open(), transaction() as session:
        session.scalars(select(Credit)).one().balance = 0
    assert "Nothing is left on this gift card." in use_card(shopper, code).text


@one_database
def test_a_code_is_not_guessed(shopper: Shopper, code: str) -> None:
    """As wrong pairs of number and address are limited; a right code costs nothing."""
    shopper.add("bud-vase")
    allowed = int(limits.WRONG_CODES.partition("/")[0])

    answers = [use_card(shopper, f"wrong {number}").status_code for number in range(allowed + 1)]

    assert answers == [404] * allowed + [429]


@one_database
def test_two_presses_of_the_button_make_one_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    """The second press finds nothing left on the card, and the order that took it."""
    shopper.add("bud-vase")
    shown = filled(use_card(shopper, code).text, "/checkout")["shown"]
    form = {"shown": shown, **ANN, "credit_code": code}
    with shopper.client.session_transaction() as session:
        before = dict(session)

    first = shopper.post("/checkout", form)
    with shopper.client.session_transaction() as session:
        session.clear()
        session.update(before)
    second = shopper.post("/checkout", form)

    assert first.location == second.location
    with books.open():
        credits = db.session.scalars(select(Order.credit).where(Order.credit > 0)).all()
    assert credits == [WORTH]


@one_database
def test_a_changed_cart_takes_the_card_along(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    """The earlier order of this session gives way: what it reserved is free for the new one."""
    shopper.add("bud-vase")
    check_out_with(shopper, code)
    early = mintcash_api.newest
    shopper.add("candle")

    answer = check_out_with(shopper, code)

    assert answer.status_code == 303
    assert mintcash_api.newest is not early
    assert balance(books, code) == 0
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert balance(books, code) == 0


@one_database
def test_an_order_whose_card_was_spent_elsewhere_says_so(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, code: str
) -> None:
    shopper.add("bud-vase")
    check_out_with(shopper, code)
    with books.open(), transaction() as session:
        order = session.scalars(select(Order).where(Order.credit > 0)).one()
        order_id = order.id
        payments.free(order_id)
        session.scalars(select(Credit)).one().balance = 0

    answer = shopper.post(f"/orders/{order_id}/payments", {"provider": "mintcash"})

    assert answer.status_code == 409
    assert "no longer covers" in answer.text
