"""A subscription: one paid order for each period that is charged, none lost, none twice."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from database import db, now
from models import Delivery, Mail, Order, Payment, Price, Product, Subscription

from .. import mintcash
from ..books import Books
from ..purchases import one_database
from ..sandboxed import MINTCASH, ShopAndSandbox
from ..shopper import Shopper
from ..subscribing import (
    PRICE,
    SLUG,
    a_month_later,
    act,
    begin,
    charged,
    charges,
    orders,
    page_of,
    state_of,
    statuses,
    subscribe,
    subscription,
    tasks,
    webhooks,
)

pytestmark = one_database


def parcels(shop: ShopAndSandbox) -> int:
    return int(shop.books.fulfilled().get("parcel", 0))


def letters(shop: ShopAndSandbox) -> list[str]:
    with shop.books.open():
        return list(db.session.scalars(select(Mail.kind).order_by(Mail.id)))


def test_the_first_charge_is_made_on_the_hosted_page(shop: ShopAndSandbox) -> None:
    subscribe(shop)

    (order,), (payment,) = orders(shop), charges(shop)
    assert (order.status, order.paid_by, payment.received) == ("paid", payment.id, PRICE)
    assert subscription(shop).status == "active"
    assert "The next charge, US$15.00, is due on" in page_of(shop, order)
    assert shop.asked("POST /mintcash/subscriptions") == 1
    assert shop.asked("POST /mintcash/payments") == 0


def test_each_renewal_makes_a_paid_order_of_its_own(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    a_month_later(shop)
    a_month_later(shop)

    first, second, third = orders(shop)
    assert statuses(shop) == ["paid"] * 3
    assert parcels(shop) == 3
    assert letters(shop) == ["receipt"] * 3
    assert [each.received for each in charges(shop)] == [PRICE] * 3
    for later in (second, third):
        assert (later.subscription_id, later.total, later.email) == (first.id, PRICE, first.email)
        assert later.address_lines == first.address_lines
        assert [line.name for line in later.lines] == [line.name for line in first.lines]
    assert third.period_start
    assert second.period_start
    assert (third.period_start - second.period_start).days == 30


def test_a_renewal_keeps_the_price_of_the_first_order(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    with shop.books.open():
        price = db.session.scalars(select(Price).join(Product).where(Product.slug == SLUG)).first()
        assert price
        price.amount = 99_00
        db.session.commit()
    a_month_later(shop)

    assert [each.total for each in orders(shop)] == [PRICE, PRICE]


@pytest.mark.parametrize("fault", ["duplicate", "delay"])
def test_a_renewal_told_twice_or_late_is_one_order(shop: ShopAndSandbox, fault: str) -> None:
    subscribe(shop)
    a_month_later(shop, delivery_fault=fault)
    shop.wait(hours=3)
    shop.work()
    shop.deliver_again()
    shop.work()

    assert statuses(shop) == ["paid", "paid"]
    assert parcels(shop) == 2


@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
def test_a_renewal_of_another_sum_or_currency_is_held(shop: ShopAndSandbox, fault: str) -> None:
    """The news is correctly signed, and its order is not paid by it."""
    subscribe(shop)
    a_month_later(shop, delivery_fault=fault)

    assert statuses(shop)[0] == "paid"
    assert statuses(shop)[1] in ("held: amount", "held: currency", "open")
    assert parcels(shop) == 1


@pytest.mark.parametrize("fault", ["tamper", "wrong_environment"])
def test_a_renewal_that_is_not_proven_or_of_live_changes_nothing(
    shop: ShopAndSandbox, fault: str
) -> None:
    subscribe(shop)
    a_month_later(shop, delivery_fault=fault)

    assert statuses(shop) == ["paid"]
    assert shop.books.deliveries[-1].verdict == "refused"


def test_a_renewal_whose_webhook_is_lost_is_found_by_asking(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    a_month_later(shop, delivery_fault="drop")
    assert statuses(shop) == ["paid"]

    shop.work()
    shop.work()

    assert statuses(shop) == ["paid", "paid"]
    assert parcels(shop) == 2


def test_the_provider_is_asked_when_the_period_is_over_and_not_before(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    subscribe(shop)
    (payment,) = charges(shop)
    end = subscription(shop).period_end
    assert end
    assert payment.next_check_at == end + timedelta(hours=1)
    asked = len(shop.calls)

    clock.shift(timedelta(days=29))
    shop.books.sweep()
    assert len(shop.calls) == asked

    shop.control("faults", delivery_fault="drop")
    clock.shift(timedelta(days=1, hours=2))
    shop.wait(days=30)
    shop.deliver()
    shop.books.sweep()

    assert statuses(shop) == ["paid", "paid"]


def test_months_without_news_are_each_accounted_for(shop: ShopAndSandbox) -> None:
    """GET shows the current period only: what was charged before it, a person has to see."""
    subscribe(shop)
    shop.control("faults", delivery_fault="drop")
    for _ in range(3):
        a_month_later(shop)
    shop.work()
    shop.work()

    assert statuses(shop) == ["paid", "held: unclear", "held: unclear", "paid"]
    assert "told of no charge for this one" in (orders(shop)[1].held_reason or "")
    assert parcels(shop) == 2

    shop.deliver_again()
    shop.work()
    assert statuses(shop) == ["paid"] * 4, "late webhooks say what each of them was charged"
    assert parcels(shop) == 4


def test_months_are_accounted_for_where_even_the_first_was_not_told_of(
    shop: ShopAndSandbox,
) -> None:
    """Found by the soak: the shop was away, and all that MintCash says of it is the last month."""
    shop.control("faults", delivery_fault="drop")
    shop.check_out("mintcash", SLUG)
    shop.press(shop.url, **MINTCASH)
    for _ in range(3):
        act(shop, "renew")
    shop.work()
    shop.work()

    assert statuses(shop) == [*3 * ["held: unclear"], "paid"]
    shop.deliver_again()
    shop.work()
    assert statuses(shop) == ["paid"] * 4
    assert parcels(shop) == 4


def test_a_declined_renewal_is_past_due_with_a_letter_and_a_way_to_pay(
    shop: ShopAndSandbox,
) -> None:
    subscribe(shop)
    act(shop, "decline")
    a_month_later(shop)
    shop.work()
    shop.work()

    _, missed = orders(shop)
    assert (subscription(shop).status, missed.status) == ("past_due", "open")
    assert letters(shop) == ["receipt", "past_due"]
    assert state_of(shop, missed) == "failed"
    assert f'action="/orders/{missed.id}/payments"' in page_of(shop, missed)
    assert 'value="hitpay"' in page_of(shop, missed), "any way to pay will do for one month"
    assert parcels(shop) == 1


def test_a_retry_that_succeeds_pays_the_month_that_was_missed(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    act(shop, "decline")
    a_month_later(shop)
    shop.work()
    act(shop, "accept")
    shop.wait(days=1)
    shop.work()
    shop.work()

    assert statuses(shop) == ["paid", "paid"]
    assert subscription(shop).status == "active"
    assert letters(shop).count("past_due") == 1
    a_month_later(shop)
    assert statuses(shop) == ["paid"] * 3


def test_a_missed_month_paid_another_way_counts_once(shop: ShopAndSandbox) -> None:
    """MintCash tries again all the same: what it takes then is one payment too many."""
    subscribe(shop)
    act(shop, "decline")
    a_month_later(shop)
    shop.work()
    _, missed = orders(shop)
    path = f"/orders/{missed.id}/payments"
    shop.follow("http://127.0.0.1:5000", shop.shopper.post(path, {"provider": "mintcash"}))
    shop.press(shop.url, **MINTCASH)
    shop.work()
    assert shop.asked("POST /mintcash/payments") == 1
    assert statuses(shop) == ["paid", "paid"]

    act(shop, "accept")
    shop.wait(days=1)
    shop.work()
    shop.work()

    assert statuses(shop) == ["paid", "paid"]
    assert parcels(shop) == 2
    charge = next(each for each in charges(shop) if "@" in (each.provider_reference or ""))
    assert (charge.received, charge.status) == (PRICE, "succeeded")
    assert "second payment for one order" in (charge.problem or "")
    assert subscription(shop).status == "active"
    assert tasks(shop, "end_subscription") == []


def test_after_the_fourth_retry_it_is_cancelled_with_a_letter(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    act(shop, "decline")
    for days in (30, 1, 3, 5, 7):
        shop.wait(days=days)
        shop.work()
        shop.work()

    assert subscription(shop).status == "cancelled"
    assert letters(shop) == ["receipt", "past_due", "cancelled"]
    assert statuses(shop) == ["paid", "open"]


def test_a_failure_told_late_changes_nothing(shop: ShopAndSandbox) -> None:
    """The retry has succeeded since: MintCash is asked, and says active."""
    subscribe(shop)
    for action in ("decline", "renew", "accept", "renew"):
        act(shop, action)
    failed, succeeded = webhooks(shop)[-2:]

    shop.shopper.deliver(*succeeded)
    shop.shopper.deliver(*failed)
    shop.work()
    shop.work()

    assert statuses(shop) == ["paid", "paid"]
    assert subscription(shop).status == "active"
    assert "past_due" not in letters(shop)


def test_a_card_declined_on_the_page_can_be_tried_again(shop: ShopAndSandbox) -> None:
    """The first subscription is over at MintCash: another attempt begins another one."""
    shop.check_out("mintcash", SLUG)
    shop.press(shop.url, **MINTCASH | {"number": "4302 9128 3702 0000", "expiry": "05/29"})
    shop.work()
    assert state_of(shop, orders(shop)[0]) == "failed"
    assert 'value="hitpay"' not in page_of(shop, orders(shop)[0])

    shop.choose("mintcash")
    shop.press(shop.url, **MINTCASH)
    shop.work()
    a_month_later(shop)

    assert statuses(shop) == ["paid", "paid"]


def test_two_subscriptions_for_one_order_leave_one(shop: ShopAndSandbox) -> None:
    """The first page was given up, and is paid after all: that subscription is cancelled."""
    shop.check_out("mintcash", SLUG)
    first = shop.url
    shop.press(first, **MINTCASH, fault="expire")
    shop.work()
    shop.choose("mintcash")
    shop.press(shop.url, **MINTCASH)
    shop.work()
    (paying,) = [each for each in charges(shop) if each.received]
    other = next(each for each in charges(shop) if each.id != paying.id)

    start = other.created_at
    late = charged(other.provider_reference, start, start + timedelta(days=30))
    shop.shopper.deliver(*late)

    found = next(each for each in charges(shop) if each.id == other.id)
    assert "second payment for one order" in (found.problem or "")
    assert [each.kind for each in tasks(shop, "end_subscription")] == [
        f"end_subscription:{other.id}"
    ]
    assert subscription(shop).status == "active"


def test_a_renewal_of_an_unknown_subscription_waits_for_a_person(shop: ShopAndSandbox) -> None:
    subscribe(shop)
    a_month_later(shop)
    body, _ = webhooks(shop)[-1]
    known = charges(shop)[0].provider_reference or ""
    strange = body.replace(known.encode(), b"sub_unknown").replace(b'"sub-', b'"sub-x')
    strange = strange.replace(b'"eventId":"', b'"eventId":"x')

    answer = shop.shopper.deliver(*mintcash.signed(strange))

    assert answer.status_code == 200
    with shop.books.open():
        last = db.session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
        assert last
        assert (last.verdict, last.payment_id) == ("parked", None)
    assert "A subscription that this shop does not know" in shop.shopper.get("/console").text
    assert len(orders(shop)) == 2


@dataclass(frozen=True)
class Told:
    """Of which month MintCash tells, and whether it is one event once more."""

    month: int
    copy: int


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    told=st.permutations([Told(month, 0) for month in range(4)]),
    more=st.lists(st.builds(Told, st.integers(0, 3), st.integers(0, 1)), max_size=4),
)
def test_in_any_order_and_however_often_each_month_is_one_paid_order(
    shopper: Shopper, books: Books, told: list[Told], more: list[Told]
) -> None:
    """Late, repeated, out of order: the same months end up paid, and are owed one parcel each."""
    first = begin(books)
    start = now()

    for each in [*told, *more]:
        begins = start + timedelta(days=30 * each.month)
        body, headers = charged(
            first["id"], begins, begins + timedelta(days=30), f"{first['id']} {each}"
        )
        assert shopper.deliver(body, headers).status_code == 200

    with books.open():
        mine = Order.subscription_id == db.session.get_one(Payment, first["externalId"]).order_id
        found = db.session.scalars(select(Order).where(mine).order_by(Order.period_start)).all()
        assert [each.status for each in found] == ["paid"] * 4
        assert [[p.received for p in each.payments] for each in found] == [[PRICE]] * 4
        kinds = [sorted(task.kind for task in each.tasks) for each in found]
        assert kinds == [["parcel", "receipt"]] * 4
        end = db.session.get_one(Subscription, found[0].id).period_end
        assert end
        assert abs(end - start - timedelta(days=120)) < timedelta(seconds=1)


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:])
def test_three_months_told_in_another_order(shop: ShopAndSandbox, order: tuple[int, ...]) -> None:
    shop.check_out("mintcash", SLUG)
    shop.press(shop.url, **MINTCASH)
    act(shop, "renew")
    act(shop, "renew")
    told = webhooks(shop)

    for each in order:
        assert shop.shopper.deliver(*told[each]).status_code == 200
    for _ in range(2):
        shop.make_due()
        shop.check_payments()

    assert statuses(shop) == ["paid"] * 3
    assert [each.received for each in charges(shop)] == [PRICE] * 3
    assert parcels(shop) == 3
