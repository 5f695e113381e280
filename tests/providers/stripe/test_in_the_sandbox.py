"""A shop that offers Stripe, with the imitation behind it: from the button to the bank's answer."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.purchases import one_database
from tests.sandboxed import SANDBOX_URL, ShopAndSandbox
from tests.shopper import BASE_URL, Shopper

from .case import CARD, DEBIT, DECLINED

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database


@pytest.fixture
def shop(open_shop: Callable[..., ShopAndSandbox]) -> ShopAndSandbox:
    return open_shop(providers_extra=("stripe",))


def buy(shop: ShopAndSandbox, card: dict[str, str] = CARD) -> None:
    shop.check_out("stripe")
    shop.press(shop.url, **card)
    shop.deliver()


def act(shop: ShopAndSandbox, action: str) -> None:
    """What happens at Stripe without the shop."""
    ledger: Any = shop.pages.get("/ledger.json", base_url=SANDBOX_URL).json
    path = f"/control/payments/{ledger['payments'][-1]['number']}"
    answer = shop.pages.post(path, base_url=SANDBOX_URL, json={"action": action})
    assert answer.status_code == 200, answer.text
    shop.deliver()


def test_it_is_offered_only_where_it_is_asked_for(shop: ShopAndSandbox, shopper: Shopper) -> None:
    for each, there in ((shop.shopper, True), (shopper, False)):
        each.add("cookbook")
        assert ('value="stripe"' in each.get("/checkout").text) is there


def test_it_has_no_address_where_it_is_off(shopper: Shopper) -> None:
    answer = shopper.client.post("/webhooks/stripe", base_url=BASE_URL, data=b"{}")

    assert answer.status_code == 404


def test_a_declined_card_leaves_the_page_open_for_another(shop: ShopAndSandbox) -> None:
    buy(shop, DECLINED)
    assert shop.state == "waiting"

    shop.press(shop.url, **CARD)
    shop.deliver()

    assert shop.state == "paid"


def test_a_bank_debit_is_paid_when_the_bank_has_decided(shop: ShopAndSandbox) -> None:
    buy(shop, DEBIT)
    assert (shop.books.payment.status, shop.state) == ("pending", "waiting")

    shop.wait(minutes=2)
    shop.deliver()

    assert shop.state == "paid"


def test_both_names_of_a_payment_are_kept(shop: ShopAndSandbox) -> None:
    buy(shop)

    payment = shop.books.payment
    assert str(payment.provider_reference).startswith("cs_test_")
    assert str(payment.transaction_id).startswith("pi_")
    assert payment.provider_state == payment.transaction_id


def test_a_lost_webhook_is_found_by_asking(shop: ShopAndSandbox) -> None:
    shop.check_out("stripe")
    shop.press(shop.url, **CARD, delivery_fault="drop")
    assert shop.state == "waiting"

    shop.check_payments()

    assert shop.state == "paid"


def test_what_was_refunded_before_it_was_asked_about_counts(shop: ShopAndSandbox) -> None:
    """Both webhooks are lost; goods must not leave for money that is gone."""
    shop.check_out("stripe")
    shop.press(shop.url, **CARD, delivery_fault="drop")
    act(shop, "refund")

    shop.check_payments()

    assert (shop.books.payment.status, shop.books.payment.kept) == ("refunded", 0)
    assert shop.state != "paid"


def test_news_of_a_refund_that_comes_first_waits_for_the_payment(shop: ShopAndSandbox) -> None:
    """It names the intent, which the shop does not know yet."""
    shop.check_out("stripe")
    shop.press(shop.url, **CARD, delivery_fault="overtaken")
    act(shop, "refund")

    shop.work()

    assert (shop.books.payment.status, shop.state) == ("refunded", "refunded")
    assert shop.books.deliveries[0].event == "charge.refunded"


def test_a_webhook_that_is_retried_an_hour_later_is_no_stale_one(shop: ShopAndSandbox) -> None:
    shop.unanswered = 0
    buy(shop)
    assert (shop.unanswered, shop.state) == (1, "waiting")

    shop.unanswered = None
    shop.wait(hours=1)
    shop.deliver()

    assert shop.state == "paid"


def test_refunds_in_parts_are_made_once_each(shop: ShopAndSandbox) -> None:
    buy(shop)

    for amount in ("5", "7"):
        shop.refund(amount)
        shop.work()

    assert shop.refunds == [(500, "done"), (700, "done")]
    assert (shop.books.payment.status, shop.state) == ("refunded", "refunded")
    assert shop.asked("POST /stripe/v1/refunds") == 2


def test_a_page_that_was_left_is_closed_when_another_is_paid(shop: ShopAndSandbox) -> None:
    shop.check_out("stripe")
    left = shop.url

    shop.choose("mintcash")
    shop.work()

    page: Any = shop.visit(left)
    assert "This payment is over: expired" in page.text
