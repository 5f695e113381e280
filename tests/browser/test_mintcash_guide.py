"""The five tests that MintCash's own guide asks for (docs/guides/accept-one-time-payment).

Shop, sandbox and worker run as separate processes; the customer sits before a real browser.
"""

from .customer import FAILING, SUCCESS, SUCCESS_3DS, Customer


def test_guide_1_the_success_card_ends_in_payment_succeeded(customer: Customer) -> None:
    customer.check_out("candle")

    customer.pay(SUCCESS)

    customer.sees("Thank you. Your order is paid.")
    (payment,) = customer.site.ledger(customer.order_url)
    assert (payment["status"], payment["amount"], payment["currency"]) == ("succeeded", 2800, "USD")
    assert "payment.succeeded" in customer.site.console(customer.order_url)


def test_guide_2_the_failing_card_ends_in_payment_failed(customer: Customer) -> None:
    customer.check_out("candle")

    customer.pay(FAILING, expiry="05/29")
    customer.page.get_by_role("link", name="Back to the shop").click()

    customer.sees("The payment did not go through")
    assert "There is not enough money on this card." in customer.page.content()
    (payment,) = customer.site.ledger(customer.order_url)
    assert payment["status"] == "failed"


def test_guide_3_the_3ds_card_shows_a_challenge_and_the_browser_comes_back(
    customer: Customer,
) -> None:
    customer.check_out("candle")

    customer.pay(SUCCESS_3DS)
    customer.page.get_by_label("Code from your phone").fill("123456")
    customer.page.get_by_role("button", name="Confirm payment").click()

    customer.sees("Thank you. Your order is paid.")
    assert "payment.pending" in customer.site.console(customer.order_url)


def test_guide_4_a_duplicate_external_id_gives_the_same_payment_record(customer: Customer) -> None:
    customer.check_out("candle")
    first = customer.page.url

    customer.fill_in_checkout()
    customer.leave_to_pay()

    assert customer.page.url == first
    customer.pay(SUCCESS)
    customer.sees("Thank you. Your order is paid.")
    assert len(customer.site.ledger(customer.order_url)) == 1


def test_guide_5_a_tampered_webhook_is_401_and_fulfils_nothing(customer: Customer) -> None:
    before = customer.site.refusals()
    customer.check_out("candle")

    # The tab is closed, so that no return makes the shop ask MintCash itself.
    customer.pay(SUCCESS, fault="close_tab", delivery_fault="tamper")

    back = customer.page.get_by_role("link", name="Back to the shop").get_attribute("href") or ""
    order_url = back.partition("/return/")[0]
    customer.site.wait_for_refusals(before + 2)  # pending and succeeded
    sandbox = customer.page.request.get(customer.site.sandbox).text()
    assert "401" in sandbox
    console = customer.site.console(order_url)
    assert "parcel" not in console
    assert customer.page.request.get(order_url).text().count('data-state="waiting"') == 1
