"""The same purchase with each of the providers, whose pages and proofs all differ.

What is typed on a page is what the provider's case says. What happens when webhooks are lost,
doubled or forged is walked by ``make demo``.
"""

import pytest
from playwright.sync_api import expect

from providers import money
from tests.providers import cases
from tests.providers.case import Case
from tools.demo.plays import another

from .customer import Customer
from .hosted_page import pay, press

PAID = "Thank you. Your order is paid."


def each(chosen: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in chosen])


CASES = list(cases().values())
#: A page of several forms stays, for another try.
each_that_declines = each(
    [
        case
        for case in CASES
        if case.page.declines and case.page.after_decline == "failed" and not case.page.forms
    ]
)
each_that_takes_a_part = each([case for case in CASES if case.page.pays_a_part])
#: Where the browser's return says that the shopper left, and the provider reports nothing.
each_that_is_left = each([case for case in CASES if case.page.after_cancel == "left"])


@each(CASES)
def test_a_purchase_ends_with_a_paid_order(customer: Customer, case: Case) -> None:
    customer.check_out("candle", case.name)

    pay(customer.page, case.page)

    customer.sees(PAID)
    expect(customer.page.locator(".step").last).to_contain_text(": done")
    (payment,) = customer.site.ledger(customer.order_url)
    assert payment["amount"] == 2800
    assert customer.site.mails_about(customer.order_url) == 1


@each_that_takes_a_part
def test_what_is_paid_in_part_can_be_paid_in_full(customer: Customer, case: Case) -> None:
    """B11: two payments of one request, a part and the rest."""
    customer.check_out("candle", case.name)
    page, part = customer.page, case.page.pays_a_part or {}
    press(page, case.page.buttons, part)
    orders = page.context.new_page()
    orders.goto(f"{customer.site.shop}/console")
    newest = orders.locator("a[href^='/console/orders/']").first.get_attribute("href") or ""

    page.goto(customer.site.shop + newest.removeprefix("/console"))
    customer.sees("Part of the payment has arrived")
    paid = money.to_minor(part["amount"], "USD")
    here, rest = money.show(paid, "USD"), money.show(2800 - paid, "USD")
    expect(page.locator("main")).to_contain_text(f"{here} of it is here, {rest} is still open.")

    page.get_by_role("link", name=f"Pay the rest at {case.capabilities.label}").click()
    press(page, case.page.buttons[1:], {})
    page.get_by_role("link", name=case.page.back_link).click()
    customer.sees(PAID)


@each_that_is_left
def test_a_shopper_who_cancels_can_pay_another_way(customer: Customer, case: Case) -> None:
    customer.check_out("candle", case.name)

    customer.page.get_by_role("button", name=case.page.cancel_button).click()

    customer.sees("You came back without paying?")
    other = another(case)
    customer.page.locator(f"label[for=provider-{other.name}]").click()
    customer.leave_to_pay(other.name)
    pay(customer.page, other.page)
    customer.sees(PAID)


@each_that_declines
def test_a_payment_that_is_declined_says_so(customer: Customer, case: Case) -> None:
    customer.check_out("candle", case.name)

    press(customer.page, case.page.buttons, case.page.declines or {})

    back = customer.page.get_by_role("link", name="Back to the shop")
    expect(back.or_(customer.page.locator("#payment-headline"))).to_be_visible()
    if back.count():
        back.click()
    customer.sees("The payment did not go through")


@each_that_is_left
def test_a_poll_does_not_undo_what_was_just_chosen(customer: Customer, case: Case) -> None:
    customer.check_out("candle", case.name)
    page, other = customer.page, another(case).name
    page.get_by_role("button", name=case.page.cancel_button).click()
    customer.sees("You came back without paying?")

    with page.expect_response("**/status?**"):
        page.locator(f"label[for=provider-{other}]").click()
    with page.expect_response("**/status?**"):
        pass

    expect(page.locator(f"#provider-{other}")).to_be_checked()
