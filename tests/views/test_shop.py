"""Shelf, product, currency and cart, from outside and without JavaScript or with htmx."""

import re
from html import unescape

import pytest
from sqlalchemy import update

from database import transaction
from models import Product

from ..books import Books
from ..shopper import BASE_URL, Shopper

HTMX = {"HX-Request": "true"}


def test_the_shelf_shows_fourteen_products_with_pictures_in_two_sizes(shopper: Shopper) -> None:
    page = shopper.get("/").text

    pictures = re.findall(r"(?s)<picture>.*?</picture>", page)
    assert len([p for p in pictures if "/products/" in p]) == 14
    for picture in pictures:
        assert "-480.avif 480w" in picture
        assert "-900.avif 900w" in picture
        assert re.search(r'<img [^>]*src="[^"]+-900\.webp"', picture), "for older browsers"
        assert 'width="900"' in picture
        assert 'height="900"' in picture
        assert re.search(r'alt="[A-Z][^"]{10,}"', picture)
    assert "US$24.00" in page


@pytest.mark.parametrize(
    ("currency", "price"),
    [("USD", "US$28.00"), ("EUR", "€26.00"), ("SGD", "38.00"), ("TTD", "190.00")],
)
def test_every_price_follows_the_currency_of_the_header(
    shopper: Shopper, currency: str, price: str
) -> None:
    answer = shopper.post("/currency", {"currency": currency, "next": "/products/candle"})

    assert (answer.status_code, answer.location) == (303, "/products/candle")
    assert price in shopper.get("/products/candle").text


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "x"]
)
def test_changing_the_currency_leads_to_no_other_site(shopper: Shopper, target: str) -> None:
    answer = shopper.post("/currency", {"currency": "EUR", "next": target})

    assert answer.location == "/"


def test_after_a_form_with_errors_a_new_currency_or_theme_leads_back_to_the_form(
    shopper: Shopper,
) -> None:
    page = shopper.post(
        "/cart/items",
        {"slug": "candle", "quantity": "many"},
        headers={"Referer": f"{BASE_URL}/products/candle"},
    )

    assert page.status_code == 422
    assert re.findall('name="next" value="(.*?)"', page.text) == ["/products/candle"] * 2


def test_an_unknown_currency_is_refused(shopper: Shopper) -> None:
    assert shopper.post("/currency", {"currency": "BTC"}).status_code == 400


def test_with_htmx_a_new_currency_reloads_the_page(shopper: Shopper) -> None:
    answer = shopper.post("/currency", {"currency": "EUR"}, headers=HTMX)

    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


def test_low_stock_is_shown_and_gone_is_gone(shopper: Shopper, books: Books) -> None:
    assert "3 left" in shopper.get("/products/bud-vase").text

    with books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=0))

    page = shopper.get("/products/bud-vase").text
    assert "Sold out" in page
    assert 'action="/cart/items"' not in page


def test_the_cart_without_javascript(shopper: Shopper) -> None:
    assert shopper.add("candle", 2).location == "/cart"
    assert "US$56.00" in shopper.get("/cart").text

    assert shopper.post("/cart/items/candle", {"quantity": "3"}).location == "/cart"
    assert "US$84.00" in shopper.get("/cart").text

    assert shopper.post("/cart/items/candle/remove").location == "/cart"
    assert "$" not in re.sub(r"(?s)<head>.*</head>", "", shopper.get("/cart").text)


def test_with_htmx_line_total_and_badge_come_back_in_one_answer(shopper: Shopper) -> None:
    shopper.add("candle")

    answer = shopper.post("/cart/items/candle", {"quantity": "4"}, headers=HTMX)

    assert "<html" not in answer.text
    assert 'id="cart"' in answer.text
    assert "US$112.00" in answer.text
    badge = re.search(r'(?s)<a[^>]*id="cart-badge".*?</a>', answer.text)
    assert badge
    assert "hx-swap-oob" in badge.group()
    assert "4" in badge.group()


def test_adding_with_htmx_answers_with_a_note_and_the_badge(shopper: Shopper) -> None:
    answer = shopper.post("/cart/items", {"slug": "candle", "quantity": 2}, headers=HTMX)

    assert "<html" not in answer.text
    assert "Kiln candle" in answer.text
    assert 'id="cart-badge"' in answer.text


@pytest.mark.parametrize(
    "quantity", ["-1", "0", "21", "1e9", "1.5", "", "x", "９", "99999999999999999999"]
)
def test_a_quantity_that_cannot_be_is_answered_with_a_sentence(
    shopper: Shopper, quantity: str
) -> None:
    """B15."""
    answer = shopper.post("/cart/items", {"slug": "candle", "quantity": quantity})

    assert answer.status_code == 422
    assert re.search(r"whole number from 1 to 20|At most 20", answer.text)
    assert "Kiln candle" not in shopper.get("/cart").text


def test_a_changed_quantity_that_cannot_be_leaves_the_cart_as_it_was(shopper: Shopper) -> None:
    shopper.add("candle", 2)

    answer = shopper.post("/cart/items/candle", {"quantity": "-5"})

    assert answer.status_code == 422
    assert "whole number from 0 to 20" in answer.text
    assert "US$56.00" in shopper.get("/cart").text


def test_more_than_there_is_cannot_be_ordered(shopper: Shopper) -> None:
    shopper.add("bud-vase", 2)

    again = shopper.add("bud-vase", 2)

    assert again.status_code == 422
    assert "Only 3 left" in again.text
    assert "2 in your cart already" in again.text


def test_what_sold_out_meanwhile_keeps_the_cart_from_checkout(
    shopper: Shopper, books: Books
) -> None:
    shopper.add("bud-vase", 2)
    with books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=1))

    assert shopper.get("/checkout").location == "/cart"
    assert "Only 1 left" in shopper.get("/cart").text


def test_an_unknown_product_is_not_found(shopper: Shopper) -> None:
    assert shopper.get("/products/unicorn").status_code == 404
    assert shopper.add("unicorn").status_code == 404


def test_a_forged_session_is_ignored(shopper: Shopper) -> None:
    """G21."""
    shopper.add("candle")
    cookie = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert cookie
    shopper.client.set_cookie("shop", cookie.value[:-3] + "xxx", domain="127.0.0.1")

    assert "Kiln candle" not in shopper.get("/cart").text


def names(page: str) -> list[str]:
    return re.findall(r'class="good-name">([^<]+)<', page)


def test_the_shelf_shows_one_kind_of_goods_when_asked_to(shopper: Shopper) -> None:
    coffee = names(shopper.get("/?kind=coffee").text)

    assert 0 < len(coffee) < len(names(shopper.get("/").text))
    assert all("mug" not in name for name in coffee)


def sort_link(page: str, label: str) -> str:
    """The address behind this label above the shelf."""
    found = re.search(rf'href="([^"]+)"[^>]*>{label}<', page)
    assert found, label
    return unescape(found.group(1))


def test_the_shelf_is_sorted_by_price_and_name(shopper: Shopper) -> None:
    page = shopper.get("/").text
    high_to_low = names(shopper.get(sort_link(page, "Price: high to low")).text)

    assert high_to_low == names(shopper.get(sort_link(page, "Price: low to high")).text)[::-1]
    assert names(shopper.get(sort_link(page, "Name")).text) == sorted(high_to_low)
    assert names(shopper.get(sort_link(page, "Featured")).text) == names(page)


@pytest.mark.parametrize("query", ["kind=unicorns", "sort=stock", "kind=<script>&sort=%00"])
def test_an_unknown_filter_shows_everything(shopper: Shopper, query: str) -> None:
    assert names(shopper.get(f"/?{query}").text) == names(shopper.get("/").text)


def test_a_product_is_shown_with_others_of_its_kind_and_never_itself(shopper: Shopper) -> None:
    beside = names(shopper.get("/products/speckled-mug").text)

    assert beside == ["Two mugs, sea and clay", "Nest of three bowls", "Bud vase"]


def test_the_about_page_names_every_way_to_pay(shopper: Shopper) -> None:
    page = shopper.get("/about").text

    for label in ("MintCash", "HitPay", "WiPay", "HandCash", "Request Network"):
        assert label in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_said_by_the_page_itself(shopper: Shopper, theme: str) -> None:
    answer = shopper.post("/theme", {"theme": theme, "next": "/cart"})

    assert (answer.status_code, answer.location) == (303, "/cart")
    assert f'<html lang="en" data-theme="{theme}">' in shopper.get("/").text
    shopper.post("/theme", {"theme": ""})
    assert '<html lang="en" data-theme="">' in shopper.get("/").text


def test_an_unknown_theme_is_refused_and_a_forged_one_ignored(shopper: Shopper) -> None:
    assert shopper.post("/theme", {"theme": "neon"}).status_code == 400

    shopper.client.set_cookie("theme", '"><script>', domain="127.0.0.1")

    assert 'data-theme=""' in shopper.get("/").text
