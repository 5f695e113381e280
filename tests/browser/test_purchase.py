"""A purchase in a real browser: with and without JavaScript, and when things go wrong."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from catalogue.books import chapters

from .customer import SUCCESS, Customer
from .site import eventually

AXE = Path(__file__).parent / "axe" / "axe.min.js"
RUN_AXE = "async () => (await axe.run()).violations.map(rule => rule.id)"
NO_JAVASCRIPT = pytest.mark.parametrize(
    "customer", [{"java_script_enabled": False}], indirect=True, ids=["no_javascript"]
)


def test_the_cart_changes_in_place(customer: Customer) -> None:
    customer.add("candle")
    page = customer.page
    page.goto(f"{customer.site.shop}/cart")
    page.evaluate("window.untouched = true")

    page.get_by_label(re.compile("Quantity|How many")).fill("3")
    page.keyboard.press("Tab")

    expect(page.locator("#cart-total")).to_contain_text("US$84.00")
    expect(page.locator("#cart-badge")).to_contain_text("3")
    page.get_by_role("button", name="Remove Kiln candle").click()
    expect(page.locator("#cart-badge")).not_to_contain_text("3")
    assert page.evaluate("window.untouched"), "no page was reloaded"


def test_the_currency_changes_every_price(customer: Customer) -> None:
    customer.page.goto(f"{customer.site.shop}/products/candle")

    customer.page.get_by_label("Currency").select_option("EUR")

    expect(customer.page.locator("main")).to_contain_text("€26.00")


def test_the_wait_ends_in_place_and_is_announced(customer: Customer) -> None:
    """The webhook is slow; the shopper touches nothing."""
    customer.check_out("cookbook")
    customer.pay(SUCCESS, delivery_fault="drop")
    page = customer.page
    page.wait_for_url(f"{customer.site.shop}/orders/*")
    page.evaluate("window.untouched = true")

    customer.sees("Thank you. Your order is paid.")

    expect(page.locator("#cart-badge")).not_to_contain_text("1")
    expect(page.locator("#announcement[role=status]")).to_have_text(
        "Thank you. Your order is paid."
    )
    link = page.get_by_role("link", name="Download Slow Mornings")
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "cookbook.pdf"
    assert page.evaluate("window.untouched"), "no page was reloaded"


def test_cancel_and_try_again(customer: Customer) -> None:
    customer.check_out("candle")

    customer.page.get_by_role("button", name="Cancel and return to the shop").click()

    customer.sees("The payment was canceled")
    expect(customer.page.locator("#cart-badge")).to_contain_text("1")
    expect(customer.page.get_by_role("radio", name="MintCash")).to_be_checked()
    customer.leave_to_pay()
    customer.pay(SUCCESS)
    customer.sees("Thank you. Your order is paid.")
    statuses = {each["status"] for each in customer.site.ledger(customer.order_url)}
    assert statuses == {"failed", "succeeded"}
    expect(customer.page.locator("#cart-badge")).not_to_contain_text("1")


@NO_JAVASCRIPT
def test_everything_works_without_javascript(customer: Customer) -> None:
    page = customer.page
    page.goto(f"{customer.site.shop}/products/candle")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart")
    page.get_by_label(re.compile("Quantity|How many")).fill("2")
    page.get_by_role("button", name="Update").click()
    expect(page.locator("#cart-total")).to_contain_text("US$56.00")
    customer.fill_in_checkout()
    customer.leave_to_pay()

    customer.pay(SUCCESS)

    page.wait_for_url(f"{customer.site.shop}/orders/*")
    paid = page.get_by_text("Thank you. Your order is paid.")
    for _ in range(30):
        if paid.count():
            break
        page.get_by_role("link", name="Refresh").click()
        page.wait_for_timeout(500)
    expect(paid).to_be_visible()


@pytest.mark.parametrize(
    "customer", [{}, {"java_script_enabled": False}], indirect=True, ids=["", "no_javascript"]
)
def test_a_bought_book_is_read_from_the_first_chapter_to_the_last(customer: Customer) -> None:
    """Printed, a chapter stands alone."""
    page = customer.page
    page.goto(f"{customer.site.shop}/products/cookbook")
    page.get_by_role("link", name="Read the first chapter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Oats on low heat")
    page.get_by_role("link", name="Get the book, US$12.00").click()
    customer.check_out("cookbook")
    customer.pay(SUCCESS)
    page.wait_for_url(f"{customer.site.shop}/orders/*")
    link = page.get_by_role("link", name="Read it online")
    for _ in range(60):
        if link.count():
            break
        page.wait_for_timeout(500)
        page.reload()

    link.click()
    first, *others = [each.title.unescape() for each in chapters("cookbook")]
    page.get_by_role("link", name=first).click()
    for title in (first, *others):
        if title != first:
            page.get_by_role("link", name=f"Next {title}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)

    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Chapters")).to_be_hidden()
    expect(page.get_by_role("article")).to_be_visible()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="The end").click()
    page.wait_for_url(f"{customer.site.shop}/orders/*")


SEND_A_FORM = """target => {
  const form = document.createElement("form");
  form.action = target;
  document.body.append(form);
  form.submit();
}"""


def test_a_form_leads_to_known_payment_pages(customer: Customer) -> None:
    """G11."""
    customer.page.goto(f"{customer.site.shop}/about")

    customer.page.evaluate(SEND_A_FORM, customer.site.sandbox)

    customer.page.wait_for_url(f"{customer.site.sandbox}/**")


def test_a_form_leads_nowhere_else(customer: Customer) -> None:
    """G11: a form that an attacker gets into the page leads no shopper out of it."""
    page = customer.page
    page.goto(f"{customer.site.shop}/about")

    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.evaluate(SEND_A_FORM, "http://127.0.0.1:9")

    assert page.url == f"{customer.site.shop}/about"
    customer.complaints.clear()


def test_pressing_pay_twice_makes_one_payment(customer: Customer) -> None:
    customer.add("candle")
    customer.fill_in_checkout()

    customer.page.get_by_role("button", name="Pay US$").dblclick(no_wait_after=True)
    customer.page.wait_for_url(f"{customer.site.sandbox}/mintcash/pay/*")

    customer.pay(SUCCESS)
    customer.sees("Thank you. Your order is paid.")
    assert len(customer.site.ledger(customer.order_url)) == 1


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("503", "does not answer right now. Nothing was charged."),
        ("401", "MintCash is closed in this shop right now."),
    ],
)
def test_a_provider_in_trouble_is_said_and_what_was_typed_is_kept(
    customer: Customer, fault: str, sentence: str
) -> None:
    customer.add("candle")
    customer.fill_in_checkout()
    customer.site.fault(create_fault=fault, create_calls="3")

    customer.page.get_by_role("button", name="Pay US$").click()

    expect(customer.page.locator("main")).to_contain_text(sentence)
    expect(customer.page.get_by_label("E-mail")).to_have_value("ann@example.com")
    customer.site.fault(create_fault="none", create_calls="0")
    customer.leave_to_pay()
    customer.pay(SUCCESS)
    customer.sees("Thank you. Your order is paid.")


def test_the_webhook_before_the_page_leads_straight_to_the_paid_order(customer: Customer) -> None:
    """D8."""
    customer.add("candle")
    customer.fill_in_checkout()
    customer.site.fault(create_fault="early_webhook", create_calls="1")

    customer.page.get_by_role("button", name="Pay US$").click()
    customer.page.wait_for_url(f"{customer.site.sandbox}/mintcash/pay/*")

    customer.page.get_by_role("link", name="Back to the shop").click()
    customer.sees("Thank you. Your order is paid.")


def test_a_gift_card_is_bought_and_pays_for_another_order(customer: Customer) -> None:
    """C10's page: part of a vase by card, the rest with MintCash."""
    customer.check_out("gift-card")
    customer.pay(SUCCESS)
    page = customer.page
    page.wait_for_url(f"{customer.site.shop}/orders/*")
    customer.sees("Thank you. Your order is paid.")
    code = page.locator("code.card-code").inner_text(timeout=30_000)
    customer.add("bud-vase")
    customer.fill_in_checkout()

    page.get_by_text("Use a gift card").click()
    page.get_by_label("Gift card code").fill(code.lower())
    page.get_by_role("button", name="Use this card").click()

    expect(page.locator(".order-summary")).to_contain_text("Left to pay")
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(RUN_AXE) == []
    page.locator("label[for=provider-mintcash]").click()
    page.get_by_role("button", name="Pay US$7.00").click()
    customer.pay(SUCCESS)
    page.wait_for_url(f"{customer.site.shop}/orders/*")
    customer.sees("Thank you. Your order is paid.")
    expect(page.locator(".receipt")).to_contain_text("Of which by gift card")


def test_a_subscription_is_paid_charged_again_and_cancelled(customer: Customer) -> None:
    """A month passes at the provider by the sandbox's button."""
    page, shop = customer.page, customer.site.shop
    customer.check_out("monthly-coffee")
    customer.pay(SUCCESS)
    page.wait_for_url(f"{shop}/orders/*")
    customer.sees("Thank you. Your order is paid.")
    order, subscription = customer.order_url, page.locator("#subscription")
    page.goto(order)
    expect(subscription).to_contain_text("The next charge, US$")
    first = subscription.inner_text()

    page.goto(customer.site.sandbox)
    page.get_by_text("At MintCash, without the shop").first.click()
    page.get_by_role("button", name="A month later").first.click()

    def charged_again() -> bool:
        page.goto(order)
        return subscription.inner_text() != first

    eventually(charged_again, "the next charge is due a month later")

    subscription.get_by_text("Cancel the subscription").click()
    subscription.get_by_role("button", name="Yes, cancel it now").click()

    def cancelled() -> bool:
        page.goto(order)
        return "This subscription is cancelled" in subscription.inner_text()

    eventually(cancelled, "the provider was told")
