"""The same purchase with each of the other providers, whose pages and proofs all differ.

What happens when their webhooks are lost, doubled or forged is walked by ``make demo``.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from .world import Customer

PAID = "Thank you. Your order is paid."


def pay_hitpay(page: Page | FrameLocator) -> None:
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Expiry").fill("03/31")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay USD").click()


def pay_wipay(page: Page) -> None:
    fill_in_wipay(page, "4111 1111 1111 1111")
    page.get_by_role("button", name="Pay $").click()


def fill_in_wipay(page: Page, number: str) -> None:
    page.locator("input[name=network]").first.check()
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("03/31")
    page.get_by_label("CVV").fill("123")
    page.get_by_label("Name on card").fill("Ann Example")


def pay_handcash(page: Page) -> None:
    page.get_by_label("Your handle").fill("$ann")
    page.get_by_role("button", name="Pay $").click()


def pay_request_network(page: Page) -> None:
    page.get_by_role("button", name="Connect wallet").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Pay $").click()
    back = page.get_by_role("link", name="Back to the shop")
    expect(back).to_be_visible()
    if page.get_by_text("Imagine the tab was closed").count() == 0:
        back.click()


PAY = {
    "hitpay": pay_hitpay,
    "wipay": pay_wipay,
    "handcash": pay_handcash,
    "request_network": pay_request_network,
}

each = pytest.mark.parametrize(
    ("provider", "pay"), [pytest.param(name, pay, id=name) for name, pay in PAY.items()]
)


@each
def test_a_purchase_ends_with_a_paid_order(
    customer: Customer, provider: str, pay: Callable[[Page], None]
) -> None:
    customer.check_out("candle", provider)

    pay(customer.page)

    customer.sees(PAID)
    expect(customer.page.locator(".step").last).to_contain_text(": done")
    (payment,) = customer.world.ledger(customer.order_url)
    assert payment["amount"] == 2800
    assert customer.world.mails_about(customer.order_url) == 1


def test_what_is_paid_in_part_can_be_paid_in_full(customer: Customer) -> None:
    """B11: two payments of one request, 8.00 and the rest."""
    customer.check_out("candle", "request_network")
    page = customer.page
    page.get_by_role("button", name="Connect wallet").click()
    page.get_by_label("Amount").fill("8")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Pay $").click()
    orders = page.context.new_page()
    orders.goto(f"{customer.world.shop}/console")
    newest = orders.locator("a[href^='/console/orders/']").first.get_attribute("href") or ""

    page.goto(customer.world.shop + newest.removeprefix("/console"))
    customer.sees("Part of the payment has arrived")
    expect(page.locator("main")).to_contain_text("US$8.00 of it is here, US$20.00 is still open.")

    page.get_by_role("link", name="Pay the rest at Request Network").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Pay $20.00").click()
    page.get_by_role("link", name="Back to the shop").click()
    customer.sees(PAID)


def test_whoever_cancels_at_hitpay_can_pay_another_way(customer: Customer) -> None:
    customer.check_out("candle", "hitpay")

    customer.page.get_by_role("button", name="Cancel and return to the shop").click()

    customer.sees("You came back without paying?")
    customer.page.locator("label[for=provider-handcash]").click()
    customer.leave_to_pay("handcash")
    pay_handcash(customer.page)
    customer.sees(PAID)


def test_a_card_declined_at_wipay_says_so(customer: Customer) -> None:
    customer.check_out("candle", "wipay")
    fill_in_wipay(customer.page, "4111 1111 1111 3333")

    customer.page.get_by_role("button", name="Pay $").click()

    customer.sees("The payment did not go through")


def test_a_poll_does_not_undo_what_was_just_chosen(customer: Customer) -> None:
    customer.check_out("candle", "hitpay")
    page = customer.page
    page.get_by_role("button", name="Cancel and return to the shop").click()
    customer.sees("You came back without paying?")

    with page.expect_response("**/status?**"):
        page.locator("label[for=provider-handcash]").click()
    with page.expect_response("**/status?**"):
        pass

    expect(page.locator("#provider-handcash")).to_be_checked()
