"""HitPay's hosted page: cards, PayNow, cancel, expiry, faults, and what is kept."""

import re
from pathlib import Path
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import RETURN_URL, HitPay, Receiver

DECLINE = "4000 0000 0000 0002"


def test_the_page_shows_who_is_paid_how_much_for_what_and_how(hitpay: HitPay) -> None:
    page = hitpay.page(hitpay.payment())

    assert page.status_code == 200
    for words in ("Kiln &amp; Kettle", "Pay SGD 49.99", "order 1", "4242 4242 4242 4242", "PayNow"):
        assert words in page.text
    assert 'value="pay_late"' in page.text
    assert 'value="three_d_secure"' not in page.text
    assert 'value="wrong_environment"' not in page.text


def test_the_page_may_send_the_browser_to_the_shop_and_runs_no_scripts(hitpay: HitPay) -> None:
    policy = hitpay.page(hitpay.payment()).headers["Content-Security-Policy"]

    assert "form-action 'self' http://shop.example" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_only_the_methods_of_the_payment_request_are_offered(hitpay: HitPay) -> None:
    payment = hitpay.payment(**{"payment_methods[]": "paynow_online"})

    page = hitpay.page(payment).text

    assert "Pay with the app" in page
    assert "Card number" not in page
    assert hitpay.pay(payment).status_code == 400
    assert hitpay.fetch(payment)["status"] == "pending"


def test_the_page_offers_the_named_methods_in_their_order(hitpay: HitPay) -> None:
    named = ["shopee_pay", "card", "paynow_online", "grabpay_direct", "card"]
    payment = hitpay.payment(**{"payment_methods[]": named})

    page = hitpay.page(payment).text

    shown = re.findall(r"<summary>(?!Sandbox|What)(.+?)</summary>", page)
    assert shown == ["ShopeePay", "Card", "PayNow", "GrabPay"]
    assert hitpay.fetch(payment)["payment_methods"] == named[:4]


def test_a_shopper_pays_by_the_method_she_chose(hitpay: HitPay) -> None:
    payment = hitpay.payment(**{"payment_methods[]": ["card", "shopee_pay"], "currency": "USD"})

    hitpay.pay(payment, method="shopee_pay")

    assert hitpay.fetch(payment)["payments"][0]["payment_type"] == "shopee_pay"


def test_a_method_that_is_not_offered_leaves_no_trace(hitpay: HitPay) -> None:
    payment = hitpay.payment(**{"payment_methods[]": ["shopee_pay", "card"]})

    assert hitpay.pay(payment, method="paynow_online").status_code == 400
    assert "<details open" in hitpay.page(payment).text
    assert hitpay.fetch(payment) == payment


# Repeated payments


def test_a_page_for_repeated_payments_takes_money_until_it_expires(
    hitpay: HitPay, shop: Receiver
) -> None:
    payment = hitpay.payment(allow_repeated_payments="true")

    for _ in range(3):
        assert hitpay.pay(payment).location.endswith("status=completed")
    found = hitpay.fetch(payment)
    hitpay.set_clock(advance=3600)
    hitpay.work()
    hitpay.pay(payment)

    assert (found["status"], len(found["payments"])) == ("completed", 3)
    assert len({each["id"] for each in found["payments"]}) == 3
    assert hitpay.fetch(payment)["status"] == "completed"
    assert len(hitpay.fetch(payment)["payments"]) == 3
    assert [len(each.event["payments"]) for each in shop.received] == [1, 2, 3]
    assert "Payment received" in hitpay.page(payment).text


def test_declines_do_not_undo_what_a_repeated_page_took(hitpay: HitPay) -> None:
    payment = hitpay.payment(allow_repeated_payments="1")
    hitpay.pay(payment)

    for _ in range(4):
        hitpay.pay(payment, number=DECLINE)
    hitpay.pay(payment)

    found = hitpay.fetch(payment)
    assert found["status"] == "completed"
    assert [each["status"] for each in found["payments"]].count("succeeded") == 2


@pytest.mark.parametrize("change", [{"allow_repeated_payments": "true"}, {}])
def test_a_page_that_was_paid_is_neither_changed_nor_deleted(
    hitpay: HitPay, change: dict[str, str]
) -> None:
    payment = hitpay.payment(**change)
    hitpay.pay(payment)
    path = f"/payment-requests/{payment['id']}"

    assert hitpay.v1("PUT", path, data={"amount": "1", "currency": "SGD"}).status_code == 422
    assert hitpay.v1("DELETE", path).status_code == 422


@pytest.mark.parametrize("key", ["success", "decline"])
def test_a_test_card_can_be_filled_in_by_a_link(hitpay: HitPay, key: str) -> None:
    page = hitpay.page(hitpay.payment(), f"?fill={key}")

    assert f'value="{"4242 4242 4242 4242" if key == "success" else DECLINE}"' in page.text


@pytest.mark.parametrize("method", ["card", "paynow_online"])
def test_a_success_leads_back_with_reference_and_status(hitpay: HitPay, method: str) -> None:
    payment = hitpay.payment()

    answer = hitpay.pay(payment, method=method)

    assert answer.status_code == 303
    assert answer.location == f"{RETURN_URL}?reference={payment['id']}&status=completed"
    found = hitpay.fetch(payment)
    assert found["status"] == "completed"
    assert found["payments"][0]["payment_type"] == method


def test_what_comes_back_is_merged_with_a_query_that_is_there(hitpay: HitPay) -> None:
    payment = hitpay.payment(redirect_url=f"{RETURN_URL}?lang=en#top")

    location = hitpay.pay(payment).location

    assert location == f"{RETURN_URL}?lang=en&reference={payment['id']}&status=completed#top"


def test_a_declined_card_may_be_followed_by_another(hitpay: HitPay) -> None:
    payment = hitpay.payment()

    page = hitpay.http.get(hitpay.pay(payment, number=DECLINE).location)

    assert "Your card was declined" in page.text
    assert hitpay.fetch(payment)["status"] == "pending"
    assert hitpay.pay(payment).location.endswith("status=completed")
    entries = hitpay.fetch(payment)["payments"]
    assert [each["status"] for each in entries] == ["failed", "succeeded"]


def test_as_many_declines_as_the_setting_says_end_the_request(
    start_sandbox: StartSandbox,
) -> None:
    hitpay = HitPay(start_sandbox(sandbox_hitpay_attempts=1).app)
    payment = hitpay.payment()

    page = hitpay.http.get(hitpay.pay(payment, number=DECLINE).location)

    assert hitpay.fetch(payment)["status"] == "failed"
    assert "No other card is taken" in page.text
    assert f"reference={payment['id']}&amp;status=failed" in page.text


def test_canceling_leads_back_and_leaves_the_request_payable(
    hitpay: HitPay, shop: Receiver
) -> None:
    payment = hitpay.payment(webhook=shop.url)

    answer = hitpay.cancel(payment)
    hitpay.work()

    assert answer.location == f"{RETURN_URL}?reference={payment['id']}&status=canceled"
    assert shop.received == []
    assert hitpay.fetch(payment)["status"] == "pending"
    assert hitpay.pay(payment).location.endswith("status=completed")


def test_an_abandoned_page_expires_after_its_lifetime(hitpay: HitPay, shop: Receiver) -> None:
    payment = hitpay.payment(expires_after="60 mins")

    hitpay.set_clock(advance=3599)
    hitpay.work()
    assert hitpay.fetch(payment)["status"] == "pending"
    hitpay.set_clock(advance=1)
    hitpay.work()

    assert hitpay.fetch(payment)["status"] == "expired"
    assert "This payment page has expired" in hitpay.page(payment).text
    assert shop.received == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"number": "4111 1111 1111 1111"}, "test cards only", id="unlisted_number"),
        pytest.param({"number": ""}, "test cards only", id="no_number"),
        pytest.param({"expiry": "13/31"}, "Enter month and year", id="no_such_month"),
        pytest.param({"expiry": "01/20"}, "has expired", id="expired"),
        pytest.param({"cvc": "12"}, "Enter 3 digits", id="cvc_too_short"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_changes_nothing(
    hitpay: HitPay, changes: dict[str, Any], sentence: str
) -> None:
    payment = hitpay.payment()

    answer = hitpay.pay(payment, **changes)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'aria-describedby="{next(iter(changes))}-error"' in answer.text
    assert hitpay.fetch(payment) == payment


def test_a_finished_page_takes_no_second_card(hitpay: HitPay) -> None:
    payment = hitpay.payment()
    hitpay.pay(payment)

    again = hitpay.pay(payment)

    assert again.location.endswith("status=completed")
    assert "Payment received" in hitpay.page(payment).text
    assert len(hitpay.fetch(payment)["payments"]) == 1


def test_the_page_of_an_unknown_payment_request_is_not_found(hitpay: HitPay) -> None:
    assert hitpay.page({"id": "unknown"}).status_code == 404


def test_the_card_number_is_kept_nowhere(hitpay: HitPay, tmp_path: Path) -> None:
    hitpay.pay(hitpay.payment())

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sandbox.db*"))

    assert b"Souza" in stored
    assert b"4242" not in stored


# Faults


def test_decline_declines_the_card_that_succeeds(hitpay: HitPay) -> None:
    payment = hitpay.payment()

    hitpay.pay(payment, fault="decline")

    assert hitpay.fetch(payment)["payments"][0]["status"] == "failed"


def test_close_tab_pays_but_does_not_lead_back(hitpay: HitPay) -> None:
    payment = hitpay.payment()

    page = hitpay.http.get(hitpay.pay(payment, fault="close_tab").location)

    assert hitpay.fetch(payment)["status"] == "completed"
    assert "Imagine the tab was closed here" in page.text


def test_expire_ends_the_page_whatever_stands_in_the_form(hitpay: HitPay) -> None:
    payment = hitpay.payment()

    hitpay.pay(payment, number="", fault="expire")

    assert hitpay.fetch(payment)["status"] == "expired"
    assert f"reference={payment['id']}&amp;status=expired" in hitpay.page(payment).text


def test_pay_late_expires_first_and_succeeds_later(hitpay: HitPay, shop: Receiver) -> None:
    payment = hitpay.payment()

    hitpay.pay(payment, fault="pay_late")
    hitpay.work()
    assert hitpay.fetch(payment)["status"] == "expired"
    hitpay.set_clock(advance=20)
    hitpay.work()

    assert hitpay.fetch(payment)["status"] == "completed"
    assert [each.event["status"] for each in shop.received] == ["completed"]


def test_an_unknown_fault_is_refused(hitpay: HitPay) -> None:
    payment = hitpay.payment()

    assert hitpay.pay(payment, fault="explode").status_code == 400
    assert hitpay.cancel(payment, delivery_fault="decline").status_code == 400


def test_a_field_that_the_form_does_not_have_is_passed_over(hitpay: HitPay) -> None:
    payment = hitpay.payment()

    assert hitpay.pay(payment, holder="Ann Potter").status_code == 303
    assert hitpay.fetch(payment)["status"] == "completed"
