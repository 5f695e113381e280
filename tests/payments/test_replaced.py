"""Orders that replaced one another: one of them is paid, money for another is a second payment."""

from typing import Any

import pytest
from flask import Flask

import payments
from database import db
from models import Order, Payment
from payments import inbox, ladder, replaced, surplus

from ..books import Books
from ..mintcash import event
from ..purchases import receive
from ..races import Barrier, after, assert_one_was_locked_out, at_once, before, read_before_writing
from ..shopper import Shopper


def order_of(payment: dict[str, Any]) -> str:
    return db.session.get_one(Payment, payment["externalId"]).order_id


def two_in_a_chain(books: Books) -> list[dict[str, Any]]:
    """The shopper pressed "Pay", changed the cart, and pressed it again."""
    (first,) = books.place_order({"candle": 1})
    (second,) = books.place_order({"candle": 1, "cookbook": 1})
    with books.open():
        orders = [order_of(each) for each in (first, second)]
        payments.replace_order(*orders)
    return [first, second]


def found_of(books: Books, payment: dict[str, Any]) -> tuple[Order, Payment]:
    with books.open():
        found = db.session.get_one(Payment, payment["externalId"])
        order = found.order
        db.session.expunge_all()
        return order, found


@pytest.mark.parametrize("paid_first", [0, 1], ids=["the_old_one_first", "the_new_one_first"])
def test_of_two_orders_of_one_cart_one_is_fulfilled(
    shopper: Shopper, books: Books, paid_first: int
) -> None:
    """S05, craftcms/commerce#3705, thelia/thelia#2324, mollie/WooCommerce#1204."""
    chain = two_in_a_chain(books)
    paid, late = chain[paid_first], chain[1 - paid_first]

    shopper.deliver(*event(paid, "succeeded"))
    shopper.deliver(*event(late, "succeeded"))
    shopper.deliver(*event(late, "succeeded", event_id="told again"))

    order, _ = found_of(books, paid)
    assert order.status == "paid"
    other, payment = found_of(books, late)
    assert (other.status, other.held_code, other.paid_by) == ("held", "replaced", None)
    assert order.number in str(other.held_reason)
    assert f"paid {order.number}): see its refund" in str(payment.problem)
    assert payment.refund_asked == payment.received
    with books.open(), pytest.raises(payments.CannotRelease):
        payments.release_order(other.id)
    page = shopper.get(f"/orders/{other.id}").text
    assert 'data-state="twice"' in page
    assert f"Order {order.number} took the place of this one" in page


@pytest.mark.parametrize("short_first", [True, False], ids=["short_first", "short_last"])
def test_too_little_for_an_order_that_was_replaced_is_refunded(
    shopper: Shopper, books: Books, short_first: bool
) -> None:
    """S05: it is held for its amount, and money beside the order that was paid."""
    first, second = two_in_a_chain(books)
    deliveries = [event(first, "succeeded", amount=1), event(second, "succeeded")]

    for each in deliveries if short_first else reversed(deliveries):
        shopper.deliver(*each)
    books.work()

    order, payment = found_of(books, first)
    paid, _ = found_of(books, second)
    assert (paid.status, order.status, order.paid_by) == ("paid", "held", None)
    assert f"paid {paid.number}): see its refund" in str(payment.problem)
    assert payment.refund_asked == payment.received > 0


def test_a_held_order_is_not_released_beside_the_one_that_replaced_it(
    shopper: Shopper, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S05: where the provider cannot be asked for a refund, a person must refund the money."""
    monkeypatch.setattr(surplus, "refunds_of", lambda provider: "")
    first, second = two_in_a_chain(books)
    shopper.deliver(*event(first, "succeeded", amount=1))
    shopper.deliver(*event(second, "succeeded"))
    books.work()
    order, payment = found_of(books, first)
    paid, _ = found_of(books, second)

    with books.open(), pytest.raises(payments.CannotRelease, match=f"paid {paid.number}"):
        payments.release_order(order.id)

    order, payment = found_of(books, first)
    assert (order.status, order.held_code, order.paid_by) == ("held", "amount", None)
    assert str(payment.problem).endswith("refund it")


def test_an_order_whose_cart_was_paid_otherwise_takes_no_money(
    shopper: Shopper, books: Books
) -> None:
    """S05: its page says so, and no press of "Pay" leads to a provider."""
    first, second = two_in_a_chain(books)
    shopper.deliver(*event(first, "succeeded"))
    order, _ = found_of(books, second)

    page = shopper.get(f"/orders/{order.id}").text
    answer = shopper.post(f"/orders/{order.id}/payments", {"provider": "mintcash"})

    assert 'data-state="replaced"' in page
    assert "Nothing was charged for this one" in page
    assert answer.location.endswith(f"/orders/{order.id}")


def test_a_third_order_in_the_chain_is_no_exception(shopper: Shopper, books: Books) -> None:
    """S05."""
    _, second = two_in_a_chain(books)
    (third,) = books.place_order({"cookbook": 1})
    with books.open():
        payments.replace_order(order_of(second), order_of(third))

    shopper.deliver(*event(third, "succeeded"))
    shopper.deliver(*event(second, "succeeded"))

    assert found_of(books, third)[0].status == "paid"
    assert found_of(books, second)[0].held_code == "replaced"


def test_an_order_that_is_paid_already_is_not_replaced(shopper: Shopper, books: Books) -> None:
    """Who buys once more after paying buys twice, and gets both."""
    (first,) = books.place_order({"candle": 1})
    shopper.deliver(*event(first, "succeeded"))
    (second,) = books.place_order({"candle": 1})
    with books.open():
        payments.replace_order(order_of(first), order_of(second))

    shopper.deliver(*event(second, "succeeded"))

    assert found_of(books, second)[0].status == "paid"


def test_two_orders_of_one_cart_that_are_paid_at_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """S05; guard: both wait for the first order of the chain before they read each other."""
    chain = two_in_a_chain(books)
    news = [event(each, "succeeded") for each in chain]
    barrier = Barrier(expected=not on_sqlite)
    before(monkeypatch, ladder, "mark_paid", barrier)

    assert at_once(app, *map(receive, news)) == ["applied", "applied"]

    assert sorted(found_of(books, each)[0].status for each in chain) == ["held", "paid"]


def test_without_the_wait_both_orders_of_one_cart_are_paid(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """S05, the twin."""
    chain = two_in_a_chain(books)
    news = [event(each, "succeeded") for each in chain]
    barrier = Barrier()
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, barrier)
        assert_one_was_locked_out(at_once(app, *map(receive, news)))
        return

    def read_without_waiting(order: Order) -> bool:
        rival = replaced.paid_rival(order)
        barrier()  # both have read before one commits
        return rival is not None

    monkeypatch.setattr(replaced, "hold_if_paid_instead", read_without_waiting)
    at_once(app, *map(receive, news))
    assert [found_of(books, each)[0].status for each in chain] == ["paid", "paid"]


def short_and_paid_at_once(books: Books) -> list[dict[str, Any]]:
    """The second and third order of a chain, of which the first is not paid at all."""
    _, second = two_in_a_chain(books)
    (third,) = books.place_order({"cookbook": 1})
    with books.open():
        payments.replace_order(order_of(second), order_of(third))
    return [second, third]


def test_too_little_for_one_order_and_the_money_for_another_at_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """S05; guard: both wait for the first order of the chain before they read each other."""
    short, paid = short_and_paid_at_once(books)
    news = [event(short, "succeeded", amount=1), event(paid, "succeeded")]
    barrier = Barrier(expected=not on_sqlite)
    before(monkeypatch, surplus, "wait_for_rival", barrier)
    before(monkeypatch, replaced, "wait_for_rival", barrier)

    assert at_once(app, *map(receive, news)) == ["applied", "applied"]
    books.work()

    _, payment = found_of(books, short)
    assert "second payment for one order" in str(payment.problem)
    assert payment.refund_asked == payment.received > 0


def test_without_the_wait_money_beside_a_paid_order_is_overlooked(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """S05, the twin."""
    short, paid = short_and_paid_at_once(books)
    news = [event(short, "succeeded", amount=1), event(paid, "succeeded")]
    barrier = Barrier()
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, barrier)
        assert_one_was_locked_out(at_once(app, *map(receive, news)))
        return

    monkeypatch.setattr(replaced, "wait_for_rival", replaced.paid_rival)
    monkeypatch.setattr(surplus, "wait_for_rival", replaced.paid_rival)
    after(monkeypatch, surplus, "wait_for_rival", barrier)
    after(monkeypatch, surplus, "tasks_about_others", barrier)  # both have read before one commits
    at_once(app, *map(receive, news))
    books.work()

    assert found_of(books, short)[1].problem is None
