"""What a gift card pays of an order: reserved, freed, spent, returned, and never spent twice."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import payments
from database import db, transaction
from models import Credit, CreditUse, Order, Payment
from payments import credit

from .. import mintcash
from ..books import Books
from ..gift_cards import (
    WORTH,
    balance,
    buy_card,
    check_out_with,
    entries,
    order_with,
    use_of,
)
from ..mintcash import event
from ..purchases import check_now, one_database
from ..queries import statements_of
from ..races import Barrier, assert_one_was_locked_out, at_once, check_then_act, read_before_writing
from ..shopper import Shopper

VASE_LEFT = 7_00  # of a vase for 32 dollars, a card pays 25


@pytest.fixture
def code(app: Flask, books: Books) -> str:
    return buy_card(app, books)


@pytest.fixture
def away(shopper: Shopper, mintcash_api: mintcash.Api, code: str) -> dict[str, Any]:
    """A shopper has left to pay the rest of a vase. The payment as MintCash has it."""
    shopper.add("bud-vase")
    assert check_out_with(shopper, code).status_code == 303
    return mintcash_api.newest


def succeeded(payment: dict[str, Any], **changes: Any) -> mintcash.Delivery:
    return event({**payment, "amount": VASE_LEFT}, "succeeded", **changes)


def spend_elsewhere(books: Books, code: str) -> None:
    """Another order takes all that is left of the card."""
    (known,) = books.place_order({"cookbook": 1})
    with books.open(), transaction() as session:
        card = session.scalars(select(Credit).where(Credit.code == code)).one()
        order = session.get_one(Payment, known["externalId"]).order
        order.credit = min(order.total, card.balance)
        credit.reserve(order, card.id)


def test_what_is_reserved_is_spent_when_the_order_is_paid(
    shopper: Shopper, books: Books, away: dict[str, Any], code: str
) -> None:
    shopper.deliver(*succeeded(away))
    shopper.deliver(*succeeded(away, event_id="told again"))
    books.work()

    order = order_with(books, away)
    assert (order.status, order.must_keep, use_of(books, order.id)) == ("paid", 7_00, "spent")
    assert balance(books, code) == 0
    assert entries(books, code) == [
        *(("issued", WORTH), ("reserved", -WORTH)),
        *(("freed", WORTH), ("spent", -WORTH)),
    ]


@one_database
def test_what_waits_in_vain_is_freed(
    books: Books, away: dict[str, Any], code: str, clock: time_machine.Traveller
) -> None:
    """The payment expires; a minute later the credit can be spent elsewhere."""
    books.sweep()
    assert balance(books, code) == 0

    clock.shift(timedelta(hours=3))
    check_now(books)
    books.sweep()

    assert use_of(books, order_with(books, away).id) == "freed"
    assert balance(books, code) == WORTH


def test_money_that_comes_late_takes_the_credit_again(
    shopper: Shopper, books: Books, away: dict[str, Any], code: str
) -> None:
    order_id = order_with(books, away).id
    with books.open(), transaction():
        credit.free(order_id)

    shopper.deliver(*succeeded(away))

    assert order_with(books, away).status == "paid"
    assert balance(books, code) == 0
    assert entries(books, code)[-1] == ("spent", -WORTH)


def test_money_that_comes_when_the_credit_is_gone_holds_the_order(
    shopper: Shopper, books: Books, away: dict[str, Any], code: str
) -> None:
    """It is never sent for less than it costs; a person reads why."""
    order_id = order_with(books, away).id
    with books.open(), transaction():
        credit.free(order_id)
    spend_elsewhere(books, code)

    shopper.deliver(*succeeded(away))
    shopper.deliver(*succeeded(away, event_id="told again"))
    books.work()

    order = order_with(books, away)
    assert (order.status, order.held_code, order.paid_by) == ("held", "credit", None)
    assert order.held_reason == (
        f"US$7.00 came after its credit was freed, and …{code[-4:]} no longer has US$25.00"
    )
    with books.open(), pytest.raises(payments.CannotRelease, match="no longer has"):
        payments.release_order(order_id)
    assert order_with(books, away).held_reason == order.held_reason
    assert balance(books, code) == WORTH - 12_00


@one_database
def test_a_held_order_is_released_once_the_credit_is_there_again(
    shopper: Shopper, books: Books, away: dict[str, Any], code: str
) -> None:
    order_id = order_with(books, away).id
    with books.open(), transaction():
        credit.free(order_id)
    spend_elsewhere(books, code)
    shopper.deliver(*succeeded(away))
    with books.open(), transaction() as session:
        others = session.scalars(select(CreditUse.order_id).where(CreditUse.order_id != order_id))
        credit.free(others.one())

    with books.open():
        payments.release_order(order_id)

    assert order_with(books, away).status == "paid"
    assert balance(books, code) == 0


@one_database
@pytest.mark.parametrize("failure", ["canceled", "card_declined"])
def test_an_order_that_is_left_keeps_its_credit_for_a_while(
    shopper: Shopper,
    books: Books,
    away: dict[str, Any],
    code: str,
    clock: time_machine.Traveller,
    failure: str,
) -> None:
    """A shopper who pays another way within minutes does not lose it; then it is free."""
    shopper.deliver(*event({**away, "amount": VASE_LEFT}, "failed", failureCode=failure))
    books.sweep()
    assert balance(books, code) == 0

    clock.shift(credit.IDLE + timedelta(seconds=1))
    books.sweep()
    assert balance(books, code) == WORTH

    order_id = order_with(books, away).id
    assert shopper.post(f"/orders/{order_id}/payments", {"provider": "mintcash"}).status_code == 303
    assert balance(books, code) == 0, "reserved again"


def taking(order_id: str, code: str) -> Callable[[], str]:
    """Reserve 20 dollars of the card for an order; what came of it."""

    def take() -> str:
        try:
            with vars(credit)["transaction"]() as session:
                card = session.scalars(select(Credit.id).where(Credit.code == code)).one()
                order = session.get_one(Order, order_id)
                order.credit = 20_00
                credit.reserve(order, card)
        except credit.CreditGone:
            return "gone"
        return "reserved"

    return take


def two_orders(books: Books) -> list[str]:
    return [order_with(books, books.place_order({"candle": 1})[0]).id for _ in range(2)]


def test_two_orders_at_once_with_one_code(app: Flask, books: Books, code: str) -> None:
    """C10; guard: one conditional UPDATE of the balance."""
    answers = at_once(app, *(taking(each, code) for each in two_orders(books)))

    assert sorted(answers) == ["gone", "reserved"]
    assert balance(books, code) == WORTH - 20_00


def test_without_the_condition_one_code_is_spent_twice(
    app: Flask, books: Books, code: str, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """C10, the twin; on PostgreSQL the last net, the constraint, refuses the second."""
    barrier = Barrier()
    orders = two_orders(books)
    if on_sqlite:
        read_before_writing(monkeypatch, credit, barrier)
        assert_one_was_locked_out(at_once(app, *(taking(each, code) for each in orders)))
        return
    with books.open(), transaction() as session:
        session.connection().exec_driver_sql(
            "ALTER TABLE credits DROP CONSTRAINT ck_credits_balance_not_negative"
        )
    check_then_act(monkeypatch, credit, Credit, barrier)

    assert at_once(app, *(taking(each, code) for each in orders)) == ["reserved", "reserved"]
    assert balance(books, code) == WORTH - 2 * 20_00


STEPS = ("reserve", "reserve again", "free", "spend", "give back")


@one_database
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(STEPS)), max_size=25))
def test_any_steps_keep_the_sum_and_spend_nothing_twice(
    app: Flask, books: Books, steps: list[tuple[int, str]]
) -> None:
    """C10: whatever three orders do with one card, in any order."""
    code = buy_card(app, books)
    orders = [order_with(books, books.place_order({"candle": 1})[0]).id for _ in range(3)]

    for number, step in steps:
        take_step(books, orders[number], code, step)

        left = balance(books, code)
        taken = uses(books, orders)
        assert 0 <= left == WORTH - sum(taken.get(each, 0) for each in ("reserved", "spent"))


def take_step(books: Books, order_id: str, code: str, step: str) -> None:
    """One step, where it is possible; a refused one changes nothing."""
    with books.open():
        known = db.session.get(CreditUse, order_id) is not None
        try:
            with transaction() as session:
                order = session.get_one(Order, order_id)
                if step == "reserve" and not known:
                    order.credit = 11_00
                    card = session.scalars(select(Credit.id).where(Credit.code == code)).one()
                    credit.reserve(order, card)
                elif not known:
                    return
                elif step == "reserve again":
                    credit.reserve_again(order)
                elif step == "free":
                    credit.free(order_id)
                elif step == "spend":
                    credit.spend(order)
                elif step == "give back":
                    credit.give_back(order_id)
        except credit.CreditGone:
            pass


def uses(books: Books, orders: list[str]) -> dict[str, int]:
    """Status -> how much of the card has it."""
    found: dict[str, int] = {}
    with books.open():
        for use in db.session.scalars(select(CreditUse).where(CreditUse.order_id.in_(orders))):
            found[use.status] = found.get(use.status, 0) + use.amount
    return found


TABLES_OF_CREDIT = re.compile(r"\b(credits|credit_uses|credit_entries)\b")


def test_an_order_without_a_gift_card_costs_no_query_about_credit(
    app: Flask, shopper: Shopper, books: Books, mintcash_api: mintcash.Api, code: str
) -> None:
    """Neither its webhooks, its page's question for its status, nor a check ask a table of credit.

    An order that a card pays in part is counted alike, and does.
    """
    with_card = {"candle": False, "bud-vase": True}
    for slug, uses_card in with_card.items():
        shopper.add(slug)
        if uses_card:
            check_out_with(shopper, code)
        else:
            shopper.check_out()
        payment = mintcash_api.newest
        order = order_with(books, payment)

        with statements_of(app) as asked:
            books.make_checks_due()
            with books.open():
                payments.check_payment(payment["externalId"])
            for word in ("pending", "succeeded", "succeeded"):
                shopper.deliver(*event(payment, word, amount=order.to_pay / 100))
                shopper.get(f"/orders/{order.id}/status")

        assert order_with(books, payment).status == "paid"
        about_credit = [each for each in asked if TABLES_OF_CREDIT.search(each)]
        assert bool(about_credit) is uses_card, about_credit
