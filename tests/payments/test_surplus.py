"""Too little money, too much, or another currency: it never pays by mistake, and is never lost."""

from datetime import timedelta

import pytest
import time_machine
from werkzeug.test import TestResponse

import payments
from database import transaction
from models import Payment
from payments import ladder
from providers.contract import News

from .. import mintcash
from ..abilities import NO_REFUNDS, REFUND_IN_PARTS, another, each, typed
from ..books import Books
from ..mintcash import event
from ..providers import case_of
from ..purchases import ALL_EFFECTS, ONE_OF_EACH, one_database
from ..refunding import WHOLE, refund_calls
from ..request_network import pay_link, send_event
from ..sandboxed import ShopAndSandbox
from ..shopper import BASE_URL, Shopper

# ------------------------------------------------------------------ too little


def test_one_cent_paid_for_sixty_nine_dollars_holds_the_order(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B1, CVE-2026-9189, nopSolutions/nopCommerce#1089."""
    answer = shopper.deliver(*event(mintcash_api.newest, "succeeded", amount=0.01))

    assert answer.status_code == 200
    assert books.order.status == "held"
    assert "US$0.01 of US$69.00" in str(books.order.held_reason)
    books.work()
    assert books.fulfilled() == {}
    assert books.stock("bud-vase") == 3


def test_partial_refunds_in_any_order_add_up_to_the_larger_total(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D5: the provider's total is a running maximum; what is left does not cover the order."""
    shopper.deliver(*event(mintcash_api.newest, "partially_refunded", amountRefunded=20))
    shopper.deliver(*event(mintcash_api.newest, "partially_refunded", amountRefunded=5.5))

    assert books.payment.refunded == 2000
    assert books.payment.received == 6900
    assert books.order.status == "held"
    assert "US$20.00 was refunded" in str(books.order.held_reason)


def test_a_part_that_was_refunded_before_the_success_holds_the_order(
    shopper: Shopper, books: Books
) -> None:
    """P2: what is left does not cover what was asked, and a person decides."""
    (payment,) = books.place_order(ONE_OF_EACH)

    shopper.deliver(*event(payment, "partially_refunded", amountRefunded=5))
    shopper.deliver(*event(payment, "succeeded"))

    assert (books.order.status, books.order.held_code) == ("held", "amount")
    assert "US$69.00 of US$69.00, of which US$5.00 was refunded" in str(books.order.held_reason)
    with books.open():
        payments.release_order(books.order.id)
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


@one_database
@pytest.mark.parametrize("failed_before", [False, True])
def test_too_little_when_the_link_expires_holds_the_order_until_the_rest_comes(
    shop: ShopAndSandbox, clock: time_machine.Traveller, failed_before: bool
) -> None:
    """B12."""
    shop.check_out("request_network")
    reference = str(shop.books.payment.provider_reference)
    if failed_before:
        send_event(shop, reference, "payment.failed")
        assert shop.state == "failed"
    pay_link(shop, "11.99")
    shop.deliver()
    assert shop.state == "partial"
    assert "US$11.99 of it is here, US$0.01 is still open." in shop.order_page

    clock.shift(timedelta(days=7, minutes=1))
    shop.check_payments()
    assert (shop.books.order.status, shop.state) == ("held", "short")
    assert "US$11.99 of it is here, US$0.01 did not come in time." in shop.order_page
    assert "request_network took US$11.99 of US$12.00" in shop.console
    assert shop.books.fulfilled() == {}

    send_event(shop, reference, "payment.confirmed", "12", delivery="late")
    assert (shop.books.order.status, shop.state) == ("paid", "paid")


# ------------------------------------------------------------------ another currency


def test_the_right_number_in_another_currency_holds_the_order(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B2, nopSolutions/nopCommerce#2709."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded", currency="TTD"))

    assert books.order.status == "held"
    assert "TTD\N{NO-BREAK SPACE}69.00" in str(books.order.held_reason)
    assert books.payment.received == 0


# ------------------------------------------------------------------ too much


def test_an_overpaid_order_is_paid_and_the_surplus_is_shown(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B13, blockonomics/woocommerce-plugin#16."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded", amount=70))

    assert books.order.status == "paid"
    assert "US$1.00 more" in str(books.payment.problem)


def test_two_payers_of_one_handcash_request_fulfil_once_and_are_shown_to_a_person(
    shopper: Shopper, books: Books
) -> None:
    """B21: one request, two transactions; only one of them was asked for."""
    (payment,) = books.place_order({"bud-vase": 1}, provider="handcash")
    transactions = ["a" * 64, "a" * 64, "b" * 64]

    for moved in transactions:
        body = {
            "appSecret": "app_secret_test_kiln_and_kettle",
            "paymentRequestId": payment["id"],
            "transactionId": moved,
        }
        answer = shopper.client.post("/webhooks/handcash", base_url=BASE_URL, json=body)
        assert answer.status_code == 200
    books.work()

    assert books.fulfilled() == {"parcel": 1, "mail": 1}
    assert books.payment.received == payment["amount"]
    assert f"paid a second time, by {'b' * 64}" in str(books.payment.problem)
    assert [(each.seen, each.verdict) for each in books.deliveries] == [
        (2, "applied"),
        (1, "ignored"),
    ]
    assert not any("app_secret_test" in str(each.body) for each in books.deliveries)


# ------------------------------------------------------------------ a second payment for one order


def test_two_payments_for_one_order_fulfil_once_and_the_second_is_shown(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B20: went back, paid again, and the first payment came through after all."""
    first = mintcash_api.newest
    shopper.deliver(*event(first, "failed", failureCode="expired"))
    shopper.post(f"/orders/{books.order.id}/payments", {"provider": "mintcash"})
    second = mintcash_api.newest

    shopper.deliver(*event(second, "succeeded"))
    shopper.deliver(*event(first, "succeeded"))
    books.work()

    assert books.fulfilled() == ALL_EFFECTS
    assert books.stock("bud-vase") == 2
    late, paying = books.payments
    assert books.order.paid_by == paying.id
    assert "second payment" in str(late.problem)


def test_too_little_for_an_order_that_another_payment_has_paid_is_shown(
    shopper: Shopper, books: Books
) -> None:
    """B20: it pays nothing and holds nothing, but it is a shopper's money."""
    first, second = books.place_order({"candle": 1}, attempts=2)

    shopper.deliver(*event(first, "succeeded"))
    shopper.deliver(*event(second, "succeeded", amount=0.01))

    assert books.order.status == "paid"
    assert [payment.problem for payment in books.payments] == [
        None,
        f"second payment for one order (paid by {first['externalId']}): see its refund",
    ]


def test_too_little_for_an_order_that_another_payment_pays_later_is_shown(
    shopper: Shopper, books: Books
) -> None:
    """B20: the order is held no more, and with that the reason why it was would be lost."""
    first, second = books.place_order({"candle": 1}, attempts=2)

    shopper.deliver(*event(first, "succeeded", amount=0.01))
    shopper.deliver(*event(second, "succeeded"))
    books.work()

    assert (books.order.status, books.order.paid_by) == ("paid", second["externalId"])
    assert [payment.problem for payment in books.payments] == [
        f"second payment for one order (paid by {second['externalId']}): see its refund",
        None,
    ]


def test_a_part_for_an_order_that_another_payment_has_paid_is_shown(books: Books) -> None:
    """B20: the shopper has what was ordered, and might not ask for it."""
    first, second = books.place_order({"candle": 1}, attempts=2)

    with books.open(), transaction() as session:
        for known, status, amount in (
            (first, "succeeded", first["amount"]),
            (second, "partially_paid", 500),
        ):
            news = News(known["id"], None, status, status, amount=amount, currency="USD")
            ladder.apply_news(session.get_one(Payment, known["externalId"]), news)

    assert books.order.status == "paid"
    assert "second payment" in str(books.payments[1].problem)


def pay_twice(shop: ShopAndSandbox, first: str, second: str) -> None:
    """Two pages of one order, in two tabs, paid both before the worker closes the first."""
    shop.check_out(first)
    pages = {first: shop.url}
    shop.choose(second)
    pages[second] = shop.url
    for provider in (second, first):
        home, _, token = pages[provider].partition("?")
        forms = case_of(provider).page.forms
        for page in [f"{home}{form}?{token}" for form in forms] or [pages[provider]]:
            shop.press(page, **typed(provider), amount="12")  # where a page lets one type it
        shop.deliver()


@one_database
@each(REFUND_IN_PARTS, "first")
def test_a_second_payment_is_refunded_by_itself(shop: ShopAndSandbox, first: str) -> None:
    """B20."""
    pay_twice(shop, first, another(first, NO_REFUNDS))
    shop.work()

    second, paying = shop.books.payments
    assert shop.books.order.paid_by == paying.id
    assert (second.status, second.refunded, paying.refunded) == ("refunded", WHOLE, 0)
    assert str(second.problem).endswith("see its refund")
    assert shop.refunds == [(WHOLE, "done")]
    assert shop.state == "paid"
    assert "You paid a second time, US$12.00 with" in shop.order_page
    assert "you got that back." in shop.order_page
    assert shop.books.fulfilled() == {"download": 1, "mail": 1}
    shop.work()
    assert refund_calls(shop) == 1


@one_database
@each(NO_REFUNDS, "first")
def test_a_second_payment_at_a_provider_without_refunds_is_for_a_person(
    shop: ShopAndSandbox, first: str
) -> None:
    """B20."""
    pay_twice(shop, first, "mintcash")
    shop.work()

    second, paying = shop.books.payments
    assert shop.books.order.paid_by == paying.id
    assert (second.status, second.received) == ("succeeded", WHOLE)
    assert str(second.problem).endswith("refund it")
    assert str(second.problem) in shop.console
    assert "you get that back." in shop.order_page
    assert shop.refunds == []
