"""How the browser goes on where it is not redirected: a form, a drop-in, a code, a saved card."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from providers.optional import SavesCards
from tests.providers.case import Case

from .conftest import running
from .customer import Customer
from .hosted_page import pay, press
from .site import Site
from .test_providers import CASES, PAID, each

each_by_form = each([case for case in CASES if case.by_form])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        name.upper(): value
        for case in CASES
        for name, value in {**case.by_form, **case.embedded}.items()
    }
    with running(tmp_path_factory.mktemp("next-actions"), **settings) as site:
        yield site


def check_out_here(customer: Customer, provider: str) -> None:
    """From the shelf to the page of ours that leads on."""
    customer.add("cookbook")
    customer.fill_in_checkout(provider)
    customer.page.get_by_role("button", name="Pay US$").click()
    customer.page.wait_for_url(f"{customer.site.shop}/orders/*/pay")


@each([case for case in CASES if case.code])
def test_a_code_is_scanned_and_the_page_follows(customer: Customer, case: Case) -> None:
    page, code = customer.page, case.code
    assert code
    currency = code.currencies[0]
    page.goto(f"{customer.site.shop}/products/cookbook")
    with page.expect_navigation():
        page.get_by_label("Currency").select_option(currency)
    customer.add("cookbook")
    customer.fill_in_checkout(f"{case.name}-{code.key}")
    page.get_by_role("button", name=f"Pay {currency}").click()
    expect(page.get_by_role("img", name=f"QR code to pay {currency}")).to_be_visible()
    expect(page.locator("time[data-countdown]")).to_have_text(
        re.compile(r"Good for another [0-4]:[0-5]\d")
    )
    page.evaluate("window.untouched = true")

    # What was chosen meanwhile survives the polls, and opens nothing by itself.
    page.get_by_text("Pay another way").click()
    enabled = page.locator("input[name=provider]:enabled:not(:checked)").last
    other = enabled.get_attribute("id")
    with page.expect_response("**/status?**"):
        page.locator(f"label[for={other}]").click()
    expect(page.locator(f"#{other}")).to_be_checked()

    phone = page.context.new_page()
    phone.goto(customer.site.sandbox)
    phone.get_by_role("link", name="Scan the QR code").first.click()
    phone.get_by_role("button", name=f"Pay {currency}").click()
    expect(phone.get_by_text("Payment sent")).to_be_visible()

    customer.sees(PAID)
    assert page.evaluate("window.untouched"), "no page was reloaded"


@each_by_form
def test_a_form_leads_to_the_provider_and_back(customer: Customer, case: Case) -> None:
    check_out_here(customer, case.name)

    customer.page.get_by_role("button", name=f"Go on to {case.capabilities.label}").click()
    pay(customer.page, case.page)

    customer.sees(PAID)


@each_by_form
def test_a_shopper_who_finds_a_form_can_still_pay_another_way(
    customer: Customer, case: Case
) -> None:
    check_out_here(customer, case.name)
    other = next(each.name for each in CASES if each.name != case.name and not each.embedded)

    customer.page.get_by_role("link", name="Pay another way").click()
    customer.page.locator(f"label[for=provider-{other}]").click()
    customer.leave_to_pay(other)


@each([case for case in CASES if case.embedded])
def test_the_drop_in_takes_the_payment_over_our_page(customer: Customer, case: Case) -> None:
    """The page's own policy lets the script and frame in; ``customer`` sees to the rest."""
    check_out_here(customer, case.name)

    pay(customer.page.frame_locator("iframe"), case.page)

    customer.sees(PAID)
    expect(customer.page.locator("iframe")).to_have_count(0)


@each([case for case in CASES if isinstance(case.provider, SavesCards)])
def test_a_card_is_saved_verified_and_charged(customer: Customer, case: Case) -> None:
    page, site = customer.page, customer.site
    page.goto(f"{site.shop}/cards")
    page.get_by_role("button", name=f"Save a card with {case.capabilities.label}").click()
    press(page, ("Save",), case.page.pays)
    page.wait_for_url(f"{site.shop}/cards/*/verify")
    statement = page.context.new_page()
    statement.goto(f"{site.sandbox}{case.page.statement}")
    amount = re.search(r"[0-9]+\.[0-9]{2}", statement.content())
    assert amount
    page.locator("input[name=amount]").fill(amount[0])
    page.get_by_role("button", name="Verify").click()
    card = f"ending {case.page.pays['number'][-4:]}"
    expect(page.get_by_text(f"{card} is verified.")).to_be_visible()

    customer.add("cookbook")
    customer.fill_in_checkout()
    page.get_by_role("radio", name=card).check(force=True)
    customer.leave_to_pay(case.name)
    press(page, case.page.buttons, {})

    customer.sees(PAID)
