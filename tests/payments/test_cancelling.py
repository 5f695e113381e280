"""A subscription is cancelled, at once: by the shopper, a person or MintCash; no money back."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import payments
from database import db, now, update_one
from models import Mail, Order, Subscription
from payments import cancelling

from ..books import Books
from ..purchases import one_database
from ..races import (
    Barrier,
    assert_one_was_locked_out,
    at_once,
    read_before_writing,
)
from ..sandboxed import ShopAndSandbox
from ..shopper import Shopper
from ..subscribing import (
    a_month_later,
    act,
    begin,
    charged,
    charges,
    orders,
    page_of,
    statuses,
    subscribe,
    subscription,
    tasks,
    told,
    webhooks,
)


def cancel(shop: ShopAndSandbox) -> None:
    """By the form of the order's page."""
    order_id = orders(shop)[0].id
    answer = shop.shopper.post(f"/orders/{order_id}/cancel-subscription")
    assert answer.status_code == 303


def finish(shop: ShopAndSandbox) -> None:
    for _ in range(2):
        shop.make_due()
        shop.books.work()
        shop.deliver()


@one_database
def test_cancelled_on_the_orders_page_it_is_never_charged_again(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    assert "Yes, cancel it now" in page_of(shop, orders(shop)[0])

    cancel(shop)
    assert "is being cancelled" in page_of(shop, orders(shop)[0])
    finish(shop)
    a_month_later(shop)

    assert subscription(shop).status == "cancelled"
    assert "This subscription is cancelled" in page_of(shop, orders(shop)[0])
    assert statuses(shop) == ["paid"]
    assert [each.refunded for each in charges(shop)] == [0]
    with shop.books.open():
        assert sorted(db.session.scalars(select(Mail.kind))) == ["cancelled", "receipt"]


@one_database
def test_cancelled_twice_mintcash_is_told_once(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    cancel(shop)
    cancel(shop)
    finish(shop)
    cancel(shop)
    finish(shop)

    assert shop.asked("DELETE /mintcash/subscriptions") == 1
    assert len(tasks(shop, "cancelled")) == 1


@one_database
def test_while_mintcash_does_not_answer_it_is_tried_again(shop: ShopAndSandbox) -> None:
    """The intent is committed first; the call may come late, and is never forgotten."""
    subscribe(shop)
    shop.instead = lambda call: (503, {}, "{}") if call.startswith("DELETE") else None
    cancel(shop)
    finish(shop)
    assert subscription(shop).status == "active"
    assert "Unreachable" in (tasks(shop, "end_subscription")[0].last_error or "")

    shop.instead = lambda call: None
    finish(shop)

    assert subscription(shop).status == "cancelled"


@one_database
def test_a_lost_answer_is_no_second_cancellation(shop: ShopAndSandbox) -> None:
    """MintCash did it; asked again, it says 409, and that it is cancelled."""
    subscribe(shop)
    lost: list[str] = []

    def lose(call: str) -> Any:
        if call.startswith("GET") and not lost:
            lost.append(call)
            return 503, {}, "{}"
        return None

    shop.instead = lose
    cancel(shop)
    finish(shop)
    finish(shop)

    assert lost
    assert subscription(shop).status == "cancelled"
    assert [each.status for each in tasks(shop, "end_subscription")] == ["done"]


@one_database
def test_cancelled_on_mintcashs_side_it_is_cancelled_here(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    act(shop, "cancel_subscription")
    shop.work()
    shop.work()

    assert subscription(shop).status == "cancelled"
    assert "Yes, cancel it now" not in page_of(shop, orders(shop)[0])


@one_database
def test_a_renewal_after_the_end_is_held_for_a_person(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    shop.control("faults", delivery_fault="drop")
    act(shop, "renew")
    (lost,) = [each for each in webhooks(shop)[1:]]
    act(shop, "cancel_subscription")
    end = subscription(shop).period_end
    assert end
    reference = charges(shop)[0].provider_reference
    data = {"id": reference, "status": "cancelled", "currentPeriodEnd": end.isoformat()}
    shop.shopper.deliver(*told("cancelled", data))

    shop.shopper.deliver(*lost)
    shop.shopper.deliver(*lost)
    finish(shop)

    assert statuses(shop) == ["paid", "held: cancelled"]
    assert "refund it there" in (orders(shop)[1].held_reason or "")
    assert shop.books.fulfilled()["parcel"] == 1
    with shop.books.open():
        payments.release_order(orders(shop)[1].id)
    assert statuses(shop) == ["paid", "paid"], "a person may send it all the same"


@one_database
def test_a_renewal_that_meets_the_wish_to_cancel_is_held(
    shopper: Shopper, books: Books, app: Flask
) -> None:
    first, start, month = begin(books), now(), timedelta(days=30)
    shopper.deliver(*charged(first["id"], start, start + month))
    with books.open():
        order_id = db.session.scalars(select(Order.id)).one()
        assert payments.cancel_subscription(order_id)

    shopper.deliver(*charged(first["id"], start + month, start + 2 * month))
    shopper.deliver(*charged(first["id"], start, start + month, "the first once more"))

    with books.open():
        found = db.session.scalars(select(Order).order_by(Order.period_start)).all()
        assert [(each.status, each.held_code) for each in found] == [
            ("paid", None),
            ("held", "cancelled"),
        ]


@one_database
def test_a_month_that_was_running_at_the_end_and_never_told_of_is_held(
    shopper: Shopper, books: Books
) -> None:
    first, start, month = begin(books), now(), timedelta(days=30)
    shopper.deliver(*charged(first["id"], start, start + month))
    period = {"currentPeriodStart": (start + month).isoformat()}
    period |= {"currentPeriodEnd": (start + 2 * month).isoformat()}

    shopper.deliver(*told("cancelled", {"id": first["id"], "status": "cancelled", **period}))

    with books.open():
        found = db.session.scalars(select(Order).order_by(Order.period_start)).all()
        assert [each.held_code for each in found] == [None, "unclear"]
        db.session.rollback()
    shopper.deliver(*charged(first["id"], start + month, start + 2 * month))
    with books.open():
        found = db.session.scalars(select(Order).order_by(Order.period_start)).all()
        assert [each.held_code for each in found] == [None, "cancelled"]
        assert db.session.scalars(select(Subscription)).one().status == "cancelled"


@one_database
def test_a_person_cancels_in_the_console(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    order = orders(shop)[0]
    assert order.number in shop.shopper.get("/console/subscriptions").text
    assert order.number in shop.shopper.get("/console/subscriptions?status=active").text
    assert order.number not in shop.shopper.get("/console/subscriptions?status=cancelled").text

    shop.shopper.post(f"/console/subscriptions/{order.id}/cancel")
    finish(shop)

    assert order.number in shop.shopper.get("/console/subscriptions?status=cancelled").text


@pytest.fixture
def two_presses(shopper: Shopper, books: Books) -> Any:
    first, start = begin(books), now()
    shopper.deliver(*charged(first["id"], start, start + timedelta(days=30)))
    with books.open():
        order_id = db.session.scalars(select(Order.id)).one()
    return lambda: payments.cancel_subscription(order_id)


def test_two_who_cancel_at_once_write_one_task(app: Flask, books: Books, two_presses: Any) -> None:
    """Guard: one conditional UPDATE of ``cancel_asked_at``."""
    assert sorted(at_once(app, two_presses, two_presses)) == [False, True]
    assert [each.kind.partition(":")[0] for each in books.tasks].count("end_subscription") == 1


def test_without_its_guard_both_would_cancel(
    app: Flask, books: Books, two_presses: Any, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """The twin."""
    barrier = Barrier()
    if on_sqlite:
        read_before_writing(monkeypatch, cancelling, barrier)
        assert_one_was_locked_out(at_once(app, two_presses, two_presses))
        return

    def read_then_write(table: Any, which: Any, **values: Any) -> Any:
        found = db.session.scalar(select(Subscription).where(which))
        barrier()
        return found and update_one(table, Subscription.order_id == found.order_id, **values)

    monkeypatch.setattr(cancelling, "update_one", read_then_write)
    answers = at_once(app, two_presses, two_presses)

    assert barrier.passed
    assert answers == [True, True], "both believe that they were the first"
