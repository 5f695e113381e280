"""Ways to pay beside a plain page: a form, a drop-in, a picture, a saved card."""

import re

import pytest
from sqlalchemy import select

from database import db
from models import SavedCard

from ..conftest import OpenShop
from ..purchases import EBOOK_PRICE, one_database
from ..sandboxed import HITPAY, MINTCASH, SANDBOX_URL, WIPAY, ShopAndSandbox
from ..shopper import BASE_URL
from ..wipay_form import check_out_by_form, post_form, the_form

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database

# ------------------------------------------------------------------ a form: WiPay by the browser


@pytest.fixture
def form_shop(open_shop: OpenShop) -> ShopAndSandbox:
    return check_out_by_form(open_shop)


def policy(shop: ShopAndSandbox, path: str) -> dict[str, str]:
    """The Content-Security-Policy of a page, by directive."""
    header = shop.shopper.get(path).headers["Content-Security-Policy"]
    return dict(each.partition(" ")[::2] for each in header.split("; "))


def test_the_form_says_what_wipay_wants_and_nothing_else(form_shop: ShopAndSandbox) -> None:
    action, fields = the_form(form_shop)
    payment = form_shop.books.payment

    assert action == f"{SANDBOX_URL}/wipay/plugins/payments/request"
    assert fields == {
        "account_number": "1234567890",
        "country_code": "TT",
        "currency": "USD",
        "email": "ann@example.com",
        "environment": "sandbox",
        "fee_structure": "merchant_absorb",
        "method": "credit_card_co",
        "name": "Ann Example",
        "order_id": payment.id,
        "origin": "kiln-and-kettle",
        "response_url": f"{BASE_URL}/orders/{payment.order_id}/return/wipay",
        "total": "12.00",
        "version": "1.0.0",
    }
    assert form_shop.calls == []
    policies = policy(form_shop, f"/orders/{payment.order_id}/pay")
    assert SANDBOX_URL in policies["form-action"].split()
    assert policies["script-src"] == "'self'"


def test_a_form_is_posted_and_paid(form_shop: ShopAndSandbox) -> None:
    page = post_form(form_shop)

    form_shop.press(page, **WIPAY)
    assert (form_shop.state, form_shop.books.payment.status) == ("waiting", "pending")
    form_shop.work()

    assert form_shop.state == "paid"
    assert form_shop.books.payment.received == EBOOK_PRICE["USD"]


def test_a_form_whose_webhook_is_lost_is_found_by_asking_after_the_return(
    form_shop: ShopAndSandbox,
) -> None:
    form_shop.press(post_form(form_shop), **WIPAY, delivery_fault="drop")

    form_shop.check_payments()

    assert form_shop.state == "paid"


def test_a_total_that_the_browser_changed_pays_nothing(form_shop: ShopAndSandbox) -> None:
    """CVE-2026-9189: everything is correctly signed, and about one dollar."""
    page = post_form(form_shop, total="1.00")

    form_shop.press(page, **WIPAY)
    assert form_shop.books.order.status == "open"
    form_shop.work()

    assert form_shop.books.order.status == "held"
    assert "US$1.00 of US$12.00" in str(form_shop.books.order.held_reason)
    assert form_shop.books.fulfilled() == {}


def test_another_currency_from_the_browser_pays_nothing(form_shop: ShopAndSandbox) -> None:
    """The return's hash does not cover it: 12 TTD are worth less than two dollars."""
    form_shop.press(post_form(form_shop, currency="TTD"), **WIPAY)
    assert form_shop.books.order.status == "open"

    form_shop.work()

    assert (form_shop.books.order.status, form_shop.books.payment.received) == ("held", 0)
    assert "TTD" in str(form_shop.books.payment.problem)


def test_a_shopper_who_has_paid_finds_no_form_any_more(form_shop: ShopAndSandbox) -> None:
    form_shop.press(post_form(form_shop), **WIPAY)
    form_shop.work()

    answer = form_shop.visit(f"{BASE_URL}/orders/{form_shop.books.order.id}/pay")

    assert form_shop.url == f"{BASE_URL}/orders/{form_shop.books.order.id}"
    assert 'data-state="paid"' in answer.text


def test_a_shopper_who_left_the_form_can_go_on_there_or_pay_another_way(
    form_shop: ShopAndSandbox,
) -> None:
    assert f'href="/orders/{form_shop.books.order.id}/pay"' in form_shop.order_page
    assert "<summary>Pay another way</summary>" in form_shop.order_page

    form_shop.choose("mintcash")

    form_shop.press(form_shop.url, **MINTCASH)
    form_shop.work()
    assert form_shop.state == "paid"


# ------------------------------------------------------------------ HitPay's drop-in


@pytest.fixture
def drop_in(open_shop: OpenShop) -> ShopAndSandbox:
    shop = open_shop(hitpay_drop_in=True)
    shop.check_out("hitpay")
    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}/pay"
    return shop


def test_the_foreign_script_is_let_in_on_that_page_only(drop_in: ShopAndSandbox) -> None:
    order = f"/orders/{drop_in.books.order.id}"
    page = drop_in.shopper.get(f"{order}/pay").text

    open_to = policy(drop_in, f"{order}/pay")
    assert open_to["script-src"] == f"'self' {SANDBOX_URL}"
    assert open_to["frame-src"] == SANDBOX_URL
    assert open_to["default-src"] == "'none'"
    assert f'src="{SANDBOX_URL}/hitpay/hitpay.js"' in page
    for path in ("/", "/checkout", order, f"{order}/status"):
        elsewhere = policy(drop_in, path)
        assert elsewhere["script-src"] == "'self'"
        assert "frame-src" not in elsewhere


def test_without_javascript_there_is_a_plain_link(drop_in: ShopAndSandbox) -> None:
    page = drop_in.shopper.get(f"/orders/{drop_in.books.order.id}/pay").text
    url = drop_in.books.payment.page_url
    assert re.search(rf'<a class="button[^"]*"\s+href="{url}">Pay with HitPay</a>', page)

    drop_in.press(str(url), **HITPAY)
    drop_in.work()

    assert drop_in.state == "paid"


def test_the_drop_in_opens_again_for_a_shopper_who_canceled(drop_in: ShopAndSandbox) -> None:
    """What the last visit came to must not keep the page closed."""
    drop_in.press(f"{drop_in.books.payment.page_url}/cancel")
    assert drop_in.state == "left"

    answer = drop_in.choose("hitpay")

    assert drop_in.url.endswith("/pay")
    assert 'id="drop-in"' in answer.text


# ------------------------------------------------------------------ HandCash's picture


def test_handcashs_picture_stands_beside_its_link(shop: ShopAndSandbox) -> None:
    shop.check_out("handcash")
    page = shop.url
    order = f"/orders/{shop.books.order.id}"

    picture = re.search(r'<img class="scan-code"\s+src="([^"]+)"', shop.order_page)
    assert picture
    answer = shop.pages.get(picture[1], base_url=SANDBOX_URL)

    assert answer.mimetype == "image/png"
    assert f'href="{page}"' in shop.order_page
    assert policy(shop, order)["img-src"] == f"'self' data: {SANDBOX_URL}"
    for path in ("/", "/cart", "/checkout"):
        assert policy(shop, path)["img-src"] == "'self' data:"


# ------------------------------------------------------------------ a saved card: WiPay


def save_card(shop: ShopAndSandbox) -> str:
    """Save and verify a card by the pages, as a shopper does."""
    shop.follow(BASE_URL, shop.shopper.post("/cards/wipay"))
    shop.press(shop.url, **WIPAY)
    verify = shop.url.removeprefix(BASE_URL)
    statement = shop.pages.get("/wipay/merchant", base_url=SANDBOX_URL).text
    amount = re.search(r"([0-9]+\.[0-9]{2})", statement)
    assert amount
    assert shop.shopper.post(verify, {"amount": amount[1]}).status_code == 303
    with shop.books.open():
        return str(db.session.scalars(select(SavedCard.card_id)).one())


def test_a_saved_card_is_charged(shop: ShopAndSandbox) -> None:
    card_id = save_card(shop)
    shop.shopper.add("cookbook")
    page = shop.shopper.get("/checkout").text
    assert f'value="wipay/card:{card_id}"' in page
    assert "Visa ending 1111" in page

    shop.follow(BASE_URL, shop.shopper.check_out(provider=f"wipay/card:{card_id}"))
    shop.press(shop.url)  # no card is typed: WiPay only asks for a nod
    shop.work()

    assert shop.state == "paid"
    assert shop.asked("POST /wipay/wapi/trusted-cards/") == 2  # verified, then charged
    assert shop.asked("POST /wipay/plugins") == 0
