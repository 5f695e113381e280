"""Which payment is this news about? References are claimed once, and parts are added up."""

import re

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from database import db, transaction
from models import PaymentPart
from payments import inbox
from providers.contract import News
from providers.money import to_major

from .. import mintcash
from ..books import Books
from ..conftest import OpenShop
from ..mintcash import event
from ..purchases import EBOOK_PRICE, ONE_OF_EACH, TOTAL, one_database, tell
from ..request_network import pay_link, send_event
from ..sandboxed import WIPAY, WIPAY_DECLINED, ShopAndSandbox
from ..shopper import Shopper
from ..wipay_form import check_out_by_form, post_form

# ------------------------------------------------------------------ by which reference


def test_a_signed_delivery_about_one_order_says_nothing_about_another(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B3: what is paid is what the signed reference names."""
    first = mintcash_api.newest
    shopper.add("candle")
    shopper.check_out()
    second = mintcash_api.newest
    assert first["id"] != second["id"]

    shopper.deliver(*event(first, "succeeded"))

    by_reference = {p.provider_reference: p.status for p in books.payments}
    assert by_reference == {first["id"]: "succeeded", second["id"]: "created"}


def test_an_event_with_our_reference_but_another_payment_id_is_parked(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B3: the provider's own id was stored when the page was made, and binds."""
    answer = shopper.deliver(*event(mintcash_api.newest, "succeeded", id="of-another-shop"))

    assert answer.status_code == 200
    assert books.order.status == "open"
    assert [d.verdict for d in books.deliveries] == ["parked"]


def test_parked_news_that_does_not_say_all_has_the_provider_asked(books: Books) -> None:
    """D2: the final news that names the payment must not make it forgotten."""
    (payment,) = books.place_order(ONE_OF_EACH)
    early = News("c1", None, None, "charge.refunded", "k1", check=True)
    final = News(payment["id"], None, "succeeded", "paid", "k2", transaction_id="c1")

    for news in (early, final):
        with books.open(), transaction():
            inbox.store_and_apply("mintcash", news, {}, "")

    assert books.payment.status == "succeeded"
    assert books.payment.next_check_at is not None


def test_news_of_a_charge_is_joined_by_what_moved_the_money(books: Books) -> None:
    """P13, Sylius/StripePlugin#101, woocommerce/woocommerce-gateway-stripe#5478."""
    (payment,) = books.place_order(ONE_OF_EACH)
    tell(books, payment, status="succeeded", transaction_id="c1")
    charge = News("c1", None, "refunded", "charge", "k1", refunded=TOTAL, currency="USD")

    with books.open(), transaction():
        delivery = inbox.store_and_apply("mintcash", charge, {}, None)
        assert (delivery.verdict, delivery.payment_id) == ("applied", payment["externalId"])

    assert books.payment.refunded == TOTAL


# ------------------------------------------------------------------ a form that is posted twice


@pytest.fixture
def form_shop(open_shop: OpenShop) -> ShopAndSandbox:
    return check_out_by_form(open_shop)


@one_database
def test_a_form_that_is_posted_twice_is_paid_once(form_shop: ShopAndSandbox) -> None:
    first, second = post_form(form_shop), post_form(form_shop)
    assert first != second

    form_shop.press(second, **WIPAY)
    form_shop.work()

    assert form_shop.state == "paid"
    assert len(form_shop.books.payments) == 1
    assert form_shop.books.payment.problem is None


@one_database
def test_a_payment_declined_first_and_then_paid_by_the_same_form_is_paid(
    form_shop: ShopAndSandbox,
) -> None:
    """Back, and once more: the second transaction is another, of the same payment."""
    first, second = post_form(form_shop), post_form(form_shop)

    form_shop.press(first, **WIPAY_DECLINED)
    form_shop.work()
    assert form_shop.state == "left"
    form_shop.press(second, **WIPAY)
    form_shop.work()

    assert form_shop.state == "paid"
    assert form_shop.books.payment.received == EBOOK_PRICE["USD"]
    assert form_shop.books.fulfilled() == {"download": 1, "mail": 1}


@one_database
def test_a_form_that_is_paid_twice_is_shown_to_a_person(form_shop: ShopAndSandbox) -> None:
    """B21."""
    first, second = post_form(form_shop), post_form(form_shop)

    form_shop.press(first, **WIPAY)
    form_shop.work()
    form_shop.press(second, **WIPAY)
    form_shop.work()

    assert form_shop.state == "paid"
    payment = form_shop.books.payment
    assert payment.received == EBOOK_PRICE["USD"]
    assert re.fullmatch(r"paid a second time, as SB-.*: refund it", str(payment.problem))
    assert form_shop.books.fulfilled() == {"download": 1, "mail": 1}


# ------------------------------------------------------------------ a request for each line


@pytest.fixture
def itemized(open_shop: OpenShop) -> ShopAndSandbox:
    """One link that collects a request for each line: the candle's, and the e-book's."""
    shop = open_shop(request_network_itemized=True)
    shop.shopper.add("candle")
    shop.check_out("request_network")
    return shop


def parts(shop: ShopAndSandbox) -> dict[str, str]:
    """Request id -> what it asks for."""
    with shop.books.open():
        found = db.session.execute(select(PaymentPart.provider_reference, PaymentPart.amount))
        return {reference: str(to_major(amount, "USD")) for reference, amount in found}


@one_database
@pytest.mark.parametrize("backwards", [False, True])
def test_a_link_is_paid_when_each_of_its_parts_is(
    itemized: ShopAndSandbox, backwards: bool
) -> None:
    (first, one), (second, other) = sorted(parts(itemized).items(), reverse=backwards)

    for _ in range(2):
        send_event(itemized, first, "payment.confirmed", one)
        send_event(itemized, first, "payment.confirmed", one, delivery="again")
        if itemized.books.payment.status != "succeeded":
            assert itemized.state == "partial"
            assert itemized.books.order.status == "open"
        send_event(itemized, second, "payment.confirmed", other)
        assert itemized.books.order.status == "paid"

    payment = itemized.books.payment
    assert (payment.status, payment.received, payment.problem) == ("succeeded", 4000, None)
    itemized.books.work()
    assert itemized.books.fulfilled() == {"parcel": 1, "download": 1, "mail": 1}


@one_database
def test_totals_of_one_part_add_up_to_its_highest(itemized: ShopAndSandbox) -> None:
    """B11, in one of two parts."""
    totals = {amount: reference for reference, amount in parts(itemized).items()}
    candle, ebook = totals["28.00"], totals["12.00"]

    send_event(itemized, candle, "payment.partial", "20")
    send_event(itemized, candle, "payment.partial", "8", delivery="2")
    assert itemized.books.payment.received == 2000
    send_event(itemized, ebook, "payment.confirmed", "12")
    assert (itemized.books.payment.received, itemized.state) == (3200, "partial")
    send_event(itemized, candle, "payment.confirmed", "28", delivery="3")

    assert (itemized.books.payment.received, itemized.state) == (4000, "paid")


@one_database
@pytest.mark.parametrize("failure_first", [False, True])
def test_one_part_that_fails_leaves_the_other_paid(
    itemized: ShopAndSandbox, failure_first: bool
) -> None:
    (first, one), (second, other) = parts(itemized).items()

    if failure_first:
        send_event(itemized, second, "payment.failed", subStatus="insufficient_funds")
        assert itemized.state == "failed"
    send_event(itemized, first, "payment.confirmed", one)
    if not failure_first:
        send_event(itemized, second, "payment.failed", subStatus="insufficient_funds")
    assert (itemized.books.payment.status, itemized.state) == ("partially_paid", "partial")

    send_event(itemized, second, "payment.confirmed", other, delivery="2")
    assert itemized.state == "paid"


@one_database
def test_parts_whose_webhooks_are_lost_are_found_by_asking(itemized: ShopAndSandbox) -> None:
    """E1."""
    pay_link(itemized, "28", delivery_fault="drop")
    itemized.check_payments()
    assert itemized.books.payment.received == 2800
    assert itemized.state == "partial"

    pay_link(itemized, "12", delivery_fault="drop")
    itemized.check_payments()
    assert itemized.state == "paid"
