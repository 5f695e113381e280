"""All webhooks are lost, or come very late: the worker finds the payment in the sandbox."""

from datetime import timedelta

import time_machine
from pydantic import SecretStr

from ..conftest import OpenShop
from ..purchases import one_database
from ..request_network import pay_link
from ..sandboxed import WIPAY, ShopAndSandbox

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database


def test_a_payment_whose_four_webhooks_met_a_shop_that_was_down_is_found_by_asking(
    shop: ShopAndSandbox,
) -> None:
    """E3, H2: all within 21 seconds; after that it stays silent."""
    shop.check_out("request_network")
    shop.unanswered = 0
    pay_link(shop, "12", fault="close_tab")
    for _ in range(5):
        shop.deliver()
        shop.wait(seconds=60)
    assert shop.unanswered == 4

    shop.unanswered = None
    shop.wait(hours=1)
    shop.deliver()
    assert shop.state == "waiting"
    shop.check_payments()

    assert shop.state == "paid"


def test_silence_from_wipay_is_unknown_for_four_hours(
    open_shop: OpenShop, clock: time_machine.Traveller
) -> None:
    """E9: without a WAPI key WiPay cannot be asked, and the tab was closed."""
    shop = open_shop(wipay_wapi_key=SecretStr(""))
    shop.check_out("wipay")
    page = shop.url
    shop.press(page, **WIPAY, fault="close_tab", delivery_fault="drop")

    assert shop.state == "waiting"
    clock.shift(timedelta(minutes=3, seconds=1))
    assert shop.state == "closed"
    assert "If you did, just wait" in shop.order_page
    clock.move_to(shop.books.payment.created_at + timedelta(minutes=239))
    shop.check_payments()
    assert (shop.state, shop.books.payment.status) == ("closed", "created")

    clock.shift(timedelta(minutes=2))
    shop.check_payments()
    assert (shop.state, shop.books.payment.status) == ("expired", "expired")


def test_a_late_success_at_wipay_is_taken(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """WiPay learns after half an hour that the bank took the money."""
    shop.check_out("wipay")
    shop.press(shop.url, **WIPAY, fault="pay_late")
    shop.work()
    assert shop.books.order.status == "open"

    clock.shift(timedelta(minutes=31))
    shop.wait(minutes=31)
    shop.deliver()

    assert shop.state == "paid"
