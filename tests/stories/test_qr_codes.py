"""A shopper pays by a QR code on the order's page: HitPay's PayNow."""

import re
from datetime import timedelta

import pytest
import time_machine

from database import now
from providers.money import show

from ..purchases import EBOOK_PRICE, one_database
from ..sandboxed import HITPAY, ShopAndSandbox
from ..shopper import BASE_URL

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database


@pytest.fixture
def scanning(shop: ShopAndSandbox) -> ShopAndSandbox:
    """The shopper sees a QR code for the e-book."""
    shop.shopper.post("/currency", {"currency": "SGD"})
    shop.check_out("hitpay/qr")
    assert shop.state == "scan"
    return shop


def test_the_code_is_drawn_with_its_amount_and_its_end(scanning: ShopAndSandbox) -> None:
    page = scanning.order_page
    payment = scanning.books.payment

    assert scanning.url == f"{BASE_URL}/orders/{payment.order_id}"
    asked = show(EBOOK_PRICE["SGD"], "SGD")
    assert f"Scan to pay {asked}" in page
    assert re.search(rf'role="img"\s+aria-label="QR code to pay {asked}"', page)
    assert re.search(r"<svg[^>]*>\s*<path", page)
    left = payment.page_expires_at - now()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)
    assert f'datetime="{payment.page_expires_at.isoformat()}"' in page
    assert f'href="{payment.page_url}"' in page
    assert "hx-get" in page
    assert 'hx-post="/orders/' not in page
    assert re.search(r"(?s)<details[^>]*hx-preserve.*<summary>Pay another way</summary>", page)


def poll(shop: ShopAndSandbox) -> str:
    """What the page gets when it asks again."""
    return shop.shopper.get(f"/orders/{shop.books.order.id}/status?was=scan").text


def test_the_code_is_scanned_and_the_page_follows(scanning: ShopAndSandbox) -> None:
    assert 'data-state="scan"' in poll(scanning)

    scanning.press(scanning.code)
    scanning.deliver()
    scanning.books.work()

    assert 'data-state="paid"' in poll(scanning)
    assert scanning.books.payment.received == EBOOK_PRICE["SGD"]
    assert scanning.books.fulfilled() == {"download": 1, "mail": 1}


def test_a_code_whose_webhook_is_lost_is_found_without_a_return(scanning: ShopAndSandbox) -> None:
    """E2."""
    scanning.press(scanning.code, delivery_fault="drop")

    scanning.check_payments()

    assert scanning.state == "paid"


def test_a_shopper_who_paid_on_the_page_beside_the_code_is_told_to_wait(
    scanning: ShopAndSandbox,
) -> None:
    """The code is of no more use, and must not invite to pay again."""
    page = str(scanning.books.payment.page_url)

    scanning.press(page, **HITPAY | {"method": "paynow_online"}, delivery_fault="drop")

    assert scanning.state == "waiting"
    scanning.check_payments()
    assert scanning.state == "paid"


def test_an_expired_code_is_renewed_by_itself_three_times_and_then_by_a_button(
    scanning: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    for attempt in range(1, 5):
        clock.move_to(scanning.books.payments[-1].page_expires_at + timedelta(seconds=1))
        page = poll(scanning)
        assert 'data-state="code_expired"' in page
        assert "Show a new code" in page
        assert ('hx-post="/orders/' in page) is (attempt <= 3)
        scanning.choose("hitpay/qr")  # by htmx, by the button, or by hand: the same form
        assert scanning.state == "scan"

    assert (
        len({each.next_action["payload"] for each in scanning.books.payments if each.next_action})
        == 5
    )


def test_an_expired_code_still_asks_for_news(
    scanning: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """A shopper may have scanned it in the last second."""
    clock.shift(timedelta(minutes=6))

    assert "hx-get" in poll(scanning)


def test_money_for_a_code_that_was_replaced_is_money(
    scanning: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """B14: scanned in the last second, and the bank took its time."""
    first = scanning.code
    clock.shift(timedelta(minutes=5, seconds=1))
    scanning.choose("hitpay/qr")
    scanning.check_payments()
    old, new = scanning.books.payments
    assert (old.status, new.status) == ("canceled", "pending")

    scanning.press(first)
    scanning.work()

    old, new = scanning.books.payments
    assert (old.status, new.status) == ("succeeded", "canceled")
    assert scanning.books.order.paid_by == old.id
    assert scanning.state == "paid"


def test_pressing_again_shows_the_same_code(scanning: ShopAndSandbox) -> None:
    """C6."""
    before = scanning.code

    scanning.choose("hitpay/qr")

    assert (scanning.code, len(scanning.books.payments)) == (before, 1)


def test_a_code_is_shown_again_to_a_shopper_who_turned_back_on_the_page_beside_it(
    scanning: ShopAndSandbox,
) -> None:
    scanning.press(f"{scanning.books.payment.page_url}/cancel")
    assert scanning.state == "left"

    scanning.choose("hitpay/qr")

    assert scanning.state == "scan"
    assert len(scanning.books.payments) == 1


def test_a_code_is_offered_in_singapore_dollars_only(shop: ShopAndSandbox) -> None:
    shop.shopper.add("cookbook")
    assert 'value="hitpay/qr"' in shop.shopper.get("/checkout").text

    answer = shop.shopper.check_out(provider="hitpay/qr")

    assert answer.status_code == 422
    assert "PayNow takes SGD, not USD." in shop.shopper.get("/checkout").text
