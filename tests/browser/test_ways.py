"""Ways to pay beside a plain page, in a shop that leaves them to the browser where it can."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from .conftest import running
from .test_providers import PAID, fill_in_wipay, pay_hitpay, pay_wipay
from .world import Customer, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ways")
    with running(folder, WIPAY_MODE="form", HITPAY_DROP_IN="true") as world:
        yield world


def check_out_here(customer: Customer, provider: str) -> None:
    """From the shelf to the page of ours that leads on."""
    customer.add("cookbook")
    customer.fill_in_checkout(provider)
    customer.page.get_by_role("button", name="Pay US$").click()
    customer.page.wait_for_url(f"{customer.world.shop}/orders/*/pay")


def test_a_code_is_scanned_and_the_page_follows(customer: Customer) -> None:
    page = customer.page
    page.goto(f"{customer.world.shop}/products/cookbook")
    with page.expect_navigation():
        page.get_by_label("Currency").select_option("SGD")
    customer.add("cookbook")
    customer.fill_in_checkout("hitpay-qr")
    page.get_by_role("button", name="Pay SGD").click()
    expect(page.get_by_role("img", name="QR code to pay SGD")).to_be_visible()
    expect(page.locator("time[data-countdown]")).to_have_text(
        re.compile(r"Good for another [0-4]:[0-5]\d")
    )
    page.evaluate("window.untouched = true")

    # What was chosen meanwhile survives the polls, and opens nothing by itself.
    page.get_by_text("Pay another way").click()
    with page.expect_response("**/status?**"):
        page.locator("label[for=provider-handcash]").click()
    expect(page.locator("#provider-handcash")).to_be_checked()

    phone = page.context.new_page()
    phone.goto(customer.world.sandbox)
    phone.get_by_role("link", name="Scan the QR code").first.click()
    phone.get_by_role("button", name="Pay SGD").click()
    expect(phone.get_by_text("Payment sent")).to_be_visible()

    customer.sees(PAID)
    assert page.evaluate("window.untouched"), "no page was reloaded"


def test_a_form_leads_to_wipay_and_back(customer: Customer) -> None:
    check_out_here(customer, "wipay")

    customer.page.get_by_role("button", name="Go on to WiPay").click()
    pay_wipay(customer.page)

    customer.sees(PAID)


def test_whoever_finds_a_form_can_still_pay_another_way(customer: Customer) -> None:
    check_out_here(customer, "wipay")

    customer.page.get_by_role("link", name="Pay another way").click()
    customer.page.locator("label[for=provider-mintcash]").click()
    customer.leave_to_pay("mintcash")


def test_the_drop_in_takes_the_payment_over_our_page(customer: Customer) -> None:
    """The page's own policy lets HitPay's script and frame in; ``customer`` sees to the rest."""
    check_out_here(customer, "hitpay")

    pay_hitpay(customer.page.frame_locator("iframe"))

    customer.sees(PAID)
    expect(customer.page.locator("iframe")).to_have_count(0)


def test_a_card_is_saved_verified_and_charged(customer: Customer) -> None:
    page, world = customer.page, customer.world
    page.goto(f"{world.shop}/cards")
    page.get_by_role("button", name="Save a card with WiPay").click()
    fill_in_wipay(page, "4111 1111 1111 1111")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"{world.shop}/cards/*/verify")
    statement = page.context.new_page()
    statement.goto(f"{world.sandbox}/wipay/merchant")
    amount = re.search(r"[0-9]+\.[0-9]{2}", statement.content())
    assert amount
    page.locator("input[name=amount]").fill(amount[0])
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("Visa ending 1111 is verified.")).to_be_visible()

    customer.add("cookbook")
    customer.fill_in_checkout()
    page.get_by_role("radio", name="Visa ending 1111").check(force=True)
    customer.leave_to_pay("wipay")
    page.get_by_role("button", name="Pay $").click()

    customer.sees(PAID)
