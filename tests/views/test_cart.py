"""What was shown is what is ordered, and what was paid leaves the cart, in whatever browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, update

from database import db, transaction
from models import Order, Price, Product
from providers import money

from .. import mintcash
from ..books import Books
from ..queries import statements_of
from ..shopper import ANN, BASE_URL, Shopper

#: One database will do: the guards against two presses at once are in test_at_once.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Change = Callable[[Shopper, Books], object]


def set_price(amount: int, currency: str = "USD") -> Change:
    def change(shopper: Shopper, books: Books) -> None:
        with books.open(), transaction() as session:
            candle = select(Product.id).where(Product.slug == "candle").scalar_subquery()
            price = update(Price).where(Price.product_id == candle, Price.currency == currency)
            session.execute(price.values(amount=amount))

    return change


def set_product(**values: object) -> Change:
    def change(shopper: Shopper, books: Books) -> None:
        with books.open(), transaction() as session:
            session.execute(update(Product).where(Product.slug == "candle").values(**values))

    return change


def in_another_tab(path: str, **form: str) -> Change:
    return lambda shopper, books: shopper.post(path, form)


# ------------------------------------------------------------------ what was shown is ordered

CHANGES: dict[str, tuple[Change, str]] = {
    "other goods": (in_another_tab("/cart/items", slug="kettle", quantity="1"), "US$107.00"),
    "more of it": (in_another_tab("/cart/items", slug="candle", quantity="5"), "US$168.00"),
    "another currency": (in_another_tab("/currency", currency="EUR"), "€26.00"),
    "dearer": (set_price(9900), "US$99.00"),
    "cheaper": (set_price(100), "US$1.00"),
    "renamed": (set_product(name="A brick"), "US$28.00"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("pressed_before", [False, True], ids=["first_press", "second_press"])
def test_a_cart_that_changed_under_the_open_page_is_shown_again_and_not_ordered(
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    name: str,
    pressed_before: bool,
) -> None:
    """S01; PrestaShop/PrestaShop#9632, #26082, craftcms/commerce#947."""
    change, total = CHANGES[name]
    shopper.add("candle")
    shown = shopper.shown()
    if pressed_before:
        shopper.check_out()
    orders, calls = books.count(Order), len(mintcash_api.calls)
    change(shopper, books)

    answer = shopper.check_out(shown=shown, name="Zoe Typed")

    assert answer.status_code == 409
    assert f"has changed since this page was opened: the total is now {total}." in answer.text
    assert 'value="Zoe Typed"' in answer.text, "nothing typed is lost"
    assert (books.count(Order), len(mintcash_api.calls)) == (orders, calls)

    assert shopper.check_out().status_code == 303
    asked = mintcash_api.newest
    assert money.show(asked["amount"], asked["currency"]) == total


@pytest.mark.parametrize("stock", [0, 1])
def test_what_sold_out_under_the_open_page_is_said_there_and_nothing_typed_is_lost(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, stock: int
) -> None:
    """S01."""
    shopper.add("candle", 2)
    shown = shopper.shown()
    set_product(stock=stock)(shopper, books)

    answer = shopper.check_out(shown=shown)

    assert answer.status_code == 409
    assert "Please change the cart where it is marked." in answer.text
    assert ("Only 1 left." if stock else "is sold out") in answer.text
    assert f'value="{ANN["name"]}"' in answer.text
    assert (books.count(Order), mintcash_api.calls) == (0, [])


@pytest.mark.parametrize("shown", ["", "0" * 64, "2800", "\u00e4\0"])
def test_a_page_that_does_not_say_what_it_showed_is_shown_again(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, shown: str
) -> None:
    """S01: and a made-up word gains nothing, as prices come from the database."""
    shopper.add("candle")

    assert shopper.check_out(shown=shown).status_code == 409
    assert shopper.post("/checkout", dict(ANN)).status_code == 409
    assert books.count(Order) == 0


def test_the_same_cart_filled_in_another_order_is_no_change(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    shopper.add("candle")
    shopper.add("kettle")
    shown = shopper.shown()
    shopper.post("/cart/items/candle/remove")
    shopper.add("candle")

    assert shopper.check_out(shown=shown).status_code == 303


def test_the_page_shown_again_can_be_ordered_from(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """S01: it carries what it shows, not what the old page showed."""
    shopper.add("candle")
    shown = shopper.shown()
    shopper.add("kettle")

    again = shopper.check_out(shown=shown).text

    assert f'name="shown" value="{shown}"' not in again
    assert f'name="shown" value="{shopper.shown()}"' in again


# ------------------------------------------------------------------ what was paid leaves the cart


def paid(shopper: Shopper, payment: dict[str, object]) -> None:
    """The provider says so; the shopper comes back in another browser, or not at all."""
    answer = Shopper(shopper.app).deliver(*mintcash.event(payment, "succeeded"))
    assert answer.status_code == 200


def cart_page(shopper: Shopper) -> str:
    """The lines of the cart page, and what its badge says."""
    page = shopper.get("/cart").text
    return page.partition('id="cart-badge"')[2]


@pytest.mark.parametrize("path", ["/", "/products/kettle", "/cart", "/cards", "/orders/find"])
def test_what_was_paid_in_another_browser_leaves_the_cart_and_its_badge(
    shopper: Shopper, mintcash_api: mintcash.Api, path: str
) -> None:
    """S04 (a); woocommerce-gateway-stripe#5854, odoo#101169."""
    shopper.add("candle", 2)
    shopper.check_out()
    assert ", 2 things in it" in shopper.get(path).text

    paid(shopper, mintcash_api.newest)

    assert ", empty" in shopper.get(path).text
    assert "Kiln candle" not in cart_page(shopper)
    assert shopper.get("/checkout").location == "/cart"


def test_what_was_paid_is_not_ordered_again_with_what_was_added(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """S04 (a)."""
    shopper.add("candle")
    shopper.check_out()
    paid(shopper, mintcash_api.newest)

    shopper.add("tea-tin")
    shopper.check_out()

    assert mintcash_api.newest["amount"] == 1900


@pytest.mark.parametrize("page", ["show", "status", "none"])
def test_what_was_added_after_pay_stays(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, page: str
) -> None:
    """S04 (b): more of the same, too."""
    shopper.add("candle", 2)
    shopper.check_out()
    shopper.add("tea-tin")
    shopper.add("candle", 3)
    paid(shopper, mintcash_api.newest)

    if page == "show":
        assert ", 4 things in it" in shopper.get(f"/orders/{books.order.id}").text
    elif page == "status":
        shopper.get(f"/orders/{books.order.id}/status")

    for _ in range(2):  # and it is taken out once
        assert ", 4 things in it" in cart_page(shopper)
        assert "US$103.00" in cart_page(shopper)  # three candles at 28, a tin at 19


def test_less_than_was_ordered_is_taken_out_as_far_as_it_is_there(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """S04: one was put back before the payment; what is added after that is new."""
    shopper.add("candle", 3)
    shopper.check_out()
    shopper.post("/cart/items/candle", {"quantity": "1"})
    shopper.add("candle", 4)
    paid(shopper, mintcash_api.newest)

    assert ", 4 things in it" in cart_page(shopper)


def test_two_paid_orders_of_one_cart_take_out_what_each_of_them_added(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S04: the cart was changed after "Pay", and both pages are paid."""
    shopper.add("candle")
    shopper.check_out()
    shopper.add("tea-tin")
    shopper.check_out()
    first, second = mintcash_api.payments.values()
    shopper.add("kettle")

    paid(shopper, second)
    assert "Kiln candle" not in cart_page(shopper)
    shopper.add("candle")
    paid(shopper, first)

    assert ", 2 things in it" in cart_page(shopper), "the kettle, and the candle that came later"


def test_a_paid_order_in_another_currency_empties_the_cart(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """S04."""
    shopper.add("candle")
    shopper.check_out()
    shopper.post("/currency", {"currency": "EUR"})
    shopper.check_out()
    first, _ = mintcash_api.payments.values()

    paid(shopper, first)

    assert ", empty" in cart_page(shopper)


def test_a_paid_order_of_another_cart_takes_nothing_out(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S04: its page is opened by someone with the same goods in the cart."""
    shopper.add("candle")
    shopper.check_out()
    paid(shopper, mintcash_api.newest)
    other = Shopper(app)
    other.add("candle")

    other.get(f"/orders/{books.order.id}")
    other.get(f"/orders/{books.order.id}/status")

    assert ", 1 thing in it" in cart_page(other)


def test_money_that_a_person_looks_at_has_left_the_cart_too(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """S04: the page says "please do not pay again", and the cart must not offer it."""
    shopper.add("candle")
    shopper.check_out()
    short = mintcash.event(mintcash_api.newest, "succeeded", amount=0.01)
    Shopper(shopper.app).deliver(*short)

    assert ", empty" in cart_page(shopper)


def test_pay_pressed_on_a_page_whose_cart_was_paid_elsewhere_leads_to_the_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S04."""
    shopper.add("candle")
    shown = shopper.shown()
    shopper.check_out()
    paid(shopper, mintcash_api.newest)

    for _ in range(2):
        answer = shopper.post("/checkout", {"shown": shown, **ANN})
        assert answer.location == f"/orders/{books.order.id}"
    assert len(mintcash_api.payments) == 1


def test_the_cart_remembers_a_few_orders_and_its_cookie_stays_small(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S04: the whole shelf ordered again and again; browsers take 4,096 bytes."""
    with books.open():
        once = Product.every_days.is_(None)
        slugs = list(db.session.scalars(select(Product.slug).where(once)))
    for round_ in range(8):
        for slug in slugs if round_ == 0 else ["candle"]:
            shopper.add(slug)
        assert shopper.check_out().status_code == 303

    cookie = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert cookie
    assert len(cookie.value) < 3000
    paid(shopper, mintcash_api.newest)
    assert ", empty" in cart_page(shopper)


@pytest.mark.parametrize("path", ["/products/candle", "/cart"])
def test_a_page_costs_one_more_read_while_an_order_waits_and_none_otherwise(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api, path: str
) -> None:
    """S04."""

    def queries() -> list[str]:
        with statements_of(app) as asked:
            shopper.client.get(path, base_url=BASE_URL)
        return [each for each in asked if "FROM orders" in each]

    shopper.add("candle")
    assert queries() == []

    shopper.check_out()
    assert len(queries()) == 1

    paid(shopper, mintcash_api.newest)
    assert len(queries()) == 1
    assert queries() == []
