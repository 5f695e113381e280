"""A monthly coffee, from the cart to its end: what the shopper is told, and what she can do."""

import pytest
from sqlalchemy import select

from database import db
from models import Mail, Order

from ..abilities import another
from ..books import Books
from ..gift_cards import buy_card, use_card
from ..providers import cases
from ..purchases import one_database
from ..sandboxed import MINTCASH, ShopAndSandbox
from ..shopper import BASE_URL, Shopper
from ..subscribing import (
    SLUG,
    a_month_later,
    act,
    charges,
    orders,
    page_of,
    statuses,
    subscribe,
    subscription,
)


def test_a_year_with_a_month_missed_and_a_month_lost(shop: ShopAndSandbox) -> None:
    """On both databases: every month is paid once and packed once, until it is cancelled."""
    subscribe(shop)
    a_month_later(shop)
    act(shop, "decline")
    a_month_later(shop)
    shop.work()
    act(shop, "accept")
    shop.wait(days=1)
    shop.work()
    shop.control("faults", delivery_fault="drop")
    a_month_later(shop)
    shop.control("faults", delivery_fault="none")
    shop.work()
    a_month_later(shop)
    shop.deliver_again()
    shop.work()

    assert statuses(shop) == ["paid"] * 5
    assert shop.books.fulfilled()["parcel"] == 5
    assert len({each.number for each in orders(shop)}) == 5

    shop.shopper.post(f"/orders/{orders(shop)[0].id}/cancel-subscription")
    for _ in range(2):
        shop.work()
    a_month_later(shop)
    assert (subscription(shop).status, len(orders(shop))) == ("cancelled", 5)


@one_database
@pytest.mark.parametrize("first", [SLUG, "candle"])
def test_a_cart_holds_a_subscription_or_other_goods(shopper: Shopper, first: str) -> None:
    shopper.add(first)
    shopper.add("candle" if first == SLUG else SLUG)

    cart = shopper.get("/cart").text

    assert "is charged every 30 days, so it is ordered on its own" in cart
    assert "Check out" not in cart
    assert shopper.get("/checkout").status_code == 302
    shopper.post("/cart/items/candle/remove")
    assert "Check out" in shopper.get("/cart").text


@one_database
def test_the_checkout_says_what_is_charged_now_and_then(shopper: Shopper, books: Books) -> None:
    code = buy_card(books.app, books)
    shopper.add(SLUG, 2)

    page = " ".join(shopper.get("/checkout").text.split())

    assert "Charged now: US$30.00. Then US$30.00 every 30 days, until you cancel" in page
    assert "A gift card cannot pay for what is charged again each month." in page
    assert "Use this card" not in page
    assert use_card(shopper, code).status_code == 422


@one_database
def test_only_who_charges_again_by_itself_is_offered(shopper: Shopper) -> None:
    shopper.add(SLUG)

    page = shopper.get("/checkout").text

    assert 'value="mintcash"' in page
    for name in cases():
        if name != "mintcash":
            assert f'value="{name}' not in page
    other = another("mintcash", ["mintcash", "hitpay"])
    assert shopper.check_out(provider=other).status_code == 422


@one_database
def test_it_is_not_sold_where_no_one_can_charge_it(shopper: Shopper) -> None:
    shopper.post("/currency", {"currency": "SGD"})

    assert shopper.get(f"/products/{SLUG}").status_code == 404


@one_database
def test_an_order_that_is_bought_once_has_nothing_to_cancel(shopper: Shopper, books: Books) -> None:
    books.place_order({"candle": 1})

    assert "subscription" not in shopper.get(f"/orders/{books.order.id}").text
    path = f"/orders/{books.order.id}/cancel-subscription"
    assert shopper.post(path).status_code == 404
    assert shopper.post(f"/console/subscriptions/{books.order.id}/cancel").status_code == 404


@one_database
def test_what_is_not_paid_yet_cannot_be_cancelled(shop: ShopAndSandbox) -> None:
    shop.check_out("mintcash", SLUG)
    (order,) = orders(shop)

    shop.shopper.post(f"/orders/{order.id}/cancel-subscription")

    assert "It begins with the first payment." in page_of(shop, order)
    assert subscription(shop).cancel_asked_at is None


@one_database
def test_the_letter_about_a_missed_month_leads_to_the_page_that_pays_it(
    shop: ShopAndSandbox,
) -> None:
    subscribe(shop)
    act(shop, "decline")
    a_month_later(shop)
    shop.work()
    shop.work()

    _, missed = orders(shop)
    with shop.books.open():
        letter = db.session.scalars(select(Mail).where(Mail.kind == "past_due")).one()
        text = " ".join(letter.text.split())
        assert f"{BASE_URL}/orders/{missed.id}" in text
        assert "nothing is lost" in text
        assert (letter.to, missed.number in letter.subject) == (missed.email, True)
    assert "Its first order, where you can cancel it" in page_of(shop, missed)


@one_database
def test_a_charge_is_refunded_on_the_dashboard(shop: ShopAndSandbox) -> None:
    """No call is documented for it: the console says so, and makes none."""
    subscribe(shop)

    page = shop.shopper.get(f"/console/orders/{orders(shop)[0].id}").text

    assert "a subscription’s charge is refunded there, on the dashboard." in page
    assert 'name="amount"' not in page


@one_database
def test_pay_pressed_twice_begins_one_subscription(shop: ShopAndSandbox) -> None:
    """The same cart and the same order: the same page."""
    shop.check_out("mintcash", SLUG)
    first = shop.url
    shop.follow(BASE_URL, shop.shopper.check_out(provider="mintcash"))

    assert shop.url == first
    shop.press(first, **MINTCASH)
    shop.work()
    assert [each.status for each in charges(shop)] == ["succeeded"]
    with shop.books.open():
        assert db.session.scalars(select(Order)).one().status == "paid"
