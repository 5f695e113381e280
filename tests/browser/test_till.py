"""The till in a real browser: the shop's person at one screen, the shopper's phone beside it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .customer import FAILING, SUCCESS, Customer

AXE = Path(__file__).parent / "axe" / "axe.min.js"
RUN_AXE = "async () => (await axe.run()).violations.map(rule => rule.id)"
NO_JAVASCRIPT = pytest.mark.parametrize(
    "customer", [{"java_script_enabled": False}], indirect=True, ids=["no_javascript"]
)


@pytest.fixture
def phone(customer: Customer) -> Iterator[Customer]:
    """The shopper's: it knows nothing but what the code says."""
    browser = customer.page.context.browser
    assert browser
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(20_000)
    yield Customer(customer.site, context.new_page())
    context.close()


def sell(till: Customer, amount: str = "12,50", way: str = "MintCash") -> Page:
    page = till.page
    page.goto(f"{till.site.shop}/console/till?currency=USD")
    page.get_by_label("Amount").fill(amount)
    page.get_by_label("Note").fill("Two bowls")
    page.get_by_role("button", name=way).click()
    expect(page.locator("#sale")).to_have_attribute("data-state", "code")
    return page


def scan(till: Customer, phone: Customer) -> None:
    """What the code says is also the address of the link beside it."""
    phone.page.goto(str(till.page.locator("#page").get_attribute("href")))


def state_is(till: Customer, state: str) -> None:
    expect(till.page.locator("#sale")).to_have_attribute("data-state", state, timeout=30_000)


def test_an_amount_is_typed_scanned_and_paid_without_a_reload(
    customer: Customer, phone: Customer
) -> None:
    page = sell(customer)
    expect(page.locator("#sale-amount")).to_have_text("US$12.50")
    expect(page.get_by_role("img", name="QR code to pay US$12.50")).to_be_visible()
    page.evaluate("window.untouched = true")

    scan(customer, phone)
    phone.pay(SUCCESS)

    state_is(customer, "paid")
    expect(page.locator("#sale-state")).to_have_text("Paid")
    expect(page.locator("#announcement[role=status]")).to_have_text("Paid: US$12.50")
    expect(page).to_have_title("Paid: US$12.50, till")
    assert page.evaluate("window.untouched"), "no page was reloaded"
    phone.sees("Thank you. Your order is paid.")

    page.get_by_label("E-mail for the receipt").fill("ann@example.com")
    page.get_by_role("button", name="Send it").click()
    expect(page.locator("#sale")).to_contain_text("Receipt for ann@example.com", timeout=30_000)
    page.get_by_role("link", name="Receipt to print").click()
    expect(page.locator(".paper")).to_contain_text("Two bowls")
    page.get_by_role("link", name="go back to the sale").click()
    page.get_by_role("link", name="Today’s sales").click()
    expect(page.locator("main")).to_contain_text(re.compile("paid in USD"))


def test_on_paper_the_receipt_stands_alone(customer: Customer, phone: Customer) -> None:
    page = sell(customer)
    scan(customer, phone)
    phone.pay(SUCCESS)
    state_is(customer, "paid")
    page.get_by_role("link", name="Receipt to print").click()

    page.emulate_media(media="print")

    expect(page.locator(".paper")).to_be_visible()
    expect(page.get_by_role("link", name="go back to the sale")).to_be_hidden()
    expect(page.locator(".masthead")).to_be_hidden()


def test_a_declined_card_is_said_in_place_and_another_code_is_made(
    customer: Customer, phone: Customer
) -> None:
    page = sell(customer)
    scan(customer, phone)
    phone.pay(FAILING)
    state_is(customer, "failed")

    page.get_by_role("button", name="HandCash").click()

    state_is(customer, "code")
    expect(page.get_by_role("img", name="QR code to pay US$12.50")).to_be_visible()


def test_pressing_twice_makes_one_sale(customer: Customer) -> None:
    page = customer.page
    page.goto(f"{customer.site.shop}/console/till?currency=USD")
    page.get_by_label("Amount").fill("7")

    page.get_by_role("button", name="MintCash").dblclick(no_wait_after=True)

    state_is(customer, "code")
    order_id = page.url.rpartition("/")[2]
    assert len(customer.site.ledger(f"{customer.site.shop}/orders/{order_id}")) == 1


def test_a_poll_leaves_the_focus_where_it_is(customer: Customer) -> None:
    page = sell(customer)
    cancel = page.get_by_role("button", name="Cancel this sale")
    cancel.focus()

    for _ in range(2):
        with page.expect_response(lambda answer: "/status?" in answer.url):
            pass

    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    state_is(customer, "closing")


@NO_JAVASCRIPT
def test_it_works_without_javascript(customer: Customer, phone: Customer) -> None:
    page = sell(customer)
    scan(customer, phone)
    phone.pay(SUCCESS)

    paid = page.locator("#sale[data-state=paid]")
    for _ in range(30):
        if paid.count():
            break
        page.get_by_role("link", name="Look again").click()
        page.wait_for_timeout(500)

    expect(paid).to_be_visible()


@pytest.mark.parametrize("width", [390, 820])
def test_axe_finds_nothing_and_nothing_is_cut_off(customer: Customer, width: int) -> None:
    page = customer.page
    page.set_viewport_size({"width": width, "height": 900})

    sell(customer, amount="1,000,000.00")

    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(RUN_AXE) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
