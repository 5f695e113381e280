"""MintCash's hosted page: each test card, 3-D Secure, cancel, expiry, and what is kept."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.mintcash.cards import CARDS, DECLINES, read

from ..conftest import StartSandbox
from ..driver import RETURN_URL, Receiver, Sandbox

SUCCESS, SUCCESS_3DS, DECLINE, DECLINE_3DS = (
    "5519283812030000",
    "5123817234060000",
    "4302912837020000",
    "4412397212080000",
)


def test_the_page_shows_who_is_paid_how_much_and_every_card_and_fault(sandbox: Sandbox) -> None:
    page = sandbox.page(sandbox.payment())

    assert page.status_code == 200
    for words in ("Pay Kiln &amp; Kettle", "$49.99", "5519 2838 1203 0000", "insufficient_funds"):
        assert words in page.text
    assert 'value="pay_late"' in page.text
    assert 'value="wrong_environment"' in page.text


def test_the_page_may_send_the_browser_to_the_shop_and_runs_no_scripts(sandbox: Sandbox) -> None:
    policy = sandbox.page(sandbox.payment()).headers["Content-Security-Policy"]

    assert "form-action 'self' http://shop.example" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_test_card_can_be_filled_in_by_a_link(sandbox: Sandbox) -> None:
    page = sandbox.page(sandbox.payment(), "?fill=decline&expiry=05/29")

    assert 'value="4302 9128 3702 0000"' in page.text
    assert 'value="05/29"' in page.text


def test_the_success_card_leads_back_to_the_shop(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()

    answer = sandbox.pay(payment)
    sandbox.work()

    assert (answer.status_code, answer.location) == (303, RETURN_URL)
    assert sandbox.fetch(payment)["status"] == "succeeded"
    assert shop.events == ["payment.pending", "payment.succeeded"]


def test_a_query_is_appended_to_the_return_url_when_asked_for(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(sandbox_mintcash_return_query="corefy")
    payment = sandbox.payment(returnUrl=f"{RETURN_URL}?lang=en")

    answer = sandbox.pay(payment)

    transaction = payment["providerTransactionId"]
    assert answer.location == f"{RETURN_URL}?lang=en&transaction_id={transaction}&msid=order-1"


def test_the_3ds_card_succeeds_after_the_challenge(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()

    sent_to = sandbox.pay(payment, number=SUCCESS_3DS).location
    assert "Is this you?" in sandbox.http.get(sent_to, follow_redirects=True).text
    assert sandbox.fetch(payment)["status"] == "pending"
    wrong = sandbox.challenge(payment, answer="confirm", code="12345")
    right = sandbox.challenge(payment, answer="confirm", code="123456")
    sandbox.work()

    assert wrong.status_code == 422
    assert "Enter the six digits" in wrong.text
    assert right.location == RETURN_URL
    assert shop.events == ["payment.pending", "payment.succeeded"]


def test_a_failed_challenge_fails_the_payment(sandbox: Sandbox) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment, number=SUCCESS_3DS)

    sandbox.challenge(payment, answer="fail")

    assert sandbox.fetch(payment)["failureCode"] == "client_auth_failed"
    assert "Your card was declined" in sandbox.page(payment).text


@pytest.mark.parametrize(
    ("number", "expiry", "code"),
    [(DECLINE, "05/29", "insufficient_funds"), (DECLINE, "03/35", "general_fatal_error")],
)
def test_a_failing_card_is_declined_with_the_reason_of_its_expiry(
    sandbox: Sandbox, shop: Receiver, number: str, expiry: str, code: str
) -> None:
    payment = sandbox.payment()

    page = sandbox.http.get(sandbox.pay(payment, number=number, expiry=expiry).location)
    sandbox.work()

    assert "Your card was declined" in page.text
    assert f'href="{RETURN_URL}"' in page.text
    assert shop.events == ["payment.pending", "payment.failed"]
    assert shop.received[-1].event["data"]["failureCode"] == code
    assert shop.received[-1].event["data"]["failureMessage"] is None


def test_the_failing_3ds_card_fails_after_the_challenge(sandbox: Sandbox) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment, number=DECLINE_3DS, expiry="10/34")

    sandbox.challenge(payment, answer="confirm", code="123456")

    assert sandbox.fetch(payment)["failureCode"] == "lost_or_stolen_card"


@pytest.mark.parametrize(("expiry", "code"), [(expiry, code) for expiry, code, _ in DECLINES])
def test_every_listed_expiry_stands_for_its_reason_even_when_past(expiry: str, code: str) -> None:
    form = {"number": DECLINE, "expiry": expiry, "cvv": "123", "holder": "Mia"}

    entered, _ = read(form, datetime(2060, 1, 1, tzinfo=UTC).date())

    assert entered is not None
    assert entered.outcome == code


@pytest.mark.parametrize("number", [SUCCESS, SUCCESS_3DS])
def test_a_success_card_with_expiry_07_77_stays_pending(
    sandbox: Sandbox, shop: Receiver, number: str
) -> None:
    payment = sandbox.payment()

    page = sandbox.http.get(sandbox.pay(payment, number=number, expiry="07/77").location)
    sandbox.set_clock(advance=7 * 86400)
    sandbox.work()

    assert "Your bank has not answered yet" in page.text
    assert sandbox.fetch(payment)["status"] == "pending"
    assert shop.events == ["payment.pending"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"number": "4111 1111 1111 1111"}, "test cards only", id="unlisted_number"),
        pytest.param({"number": "5519 2838 1203 0001"}, "not a card number", id="fails_luhn"),
        pytest.param({"number": ""}, "not a card number", id="no_number"),
        pytest.param({"expiry": "13/31"}, "Enter month and year", id="no_such_month"),
        pytest.param({"expiry": "2031-03"}, "Enter month and year", id="other_format"),
        pytest.param({"expiry": "01/20"}, "has expired", id="expired"),
        pytest.param({"cvv": "12"}, "3 or 4 digits", id="cvv_too_short"),
        pytest.param({"cvv": "12345"}, "3 or 4 digits", id="cvv_too_long"),
        pytest.param({"holder": " "}, "name on the card", id="no_name"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_changes_nothing(
    sandbox: Sandbox, shop: Receiver, changes: dict[str, Any], sentence: str
) -> None:
    payment = sandbox.payment()

    answer = sandbox.pay(payment, **changes)
    sandbox.work()

    field = next(iter(changes))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'aria-describedby="{field}-error"' in answer.text
    assert sandbox.fetch(payment) == payment
    assert shop.received == []


def test_the_four_cards_pass_luhn_so_that_other_forms_accept_them_too() -> None:
    for card in CARDS:
        digits = [int(digit) for digit in reversed(card.number)]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0


def test_a_number_that_is_one_digit_off_is_never_accepted() -> None:
    form = {"number": SUCCESS[:-1] + "7", "expiry": "03/31", "cvv": "123", "holder": "Mia"}

    entered, errors = read(form, datetime(2026, 1, 1, tzinfo=UTC).date())

    assert entered is None
    assert list(errors) == ["number"]


def test_canceling_fails_the_payment_and_returns_to_the_shop(
    sandbox: Sandbox, shop: Receiver
) -> None:
    payment = sandbox.payment()

    answer = sandbox.cancel(payment)
    sandbox.work()

    assert (answer.status_code, answer.location) == (303, RETURN_URL)
    assert shop.received[-1].event["data"]["failureCode"] == "canceled"
    assert "The payment was canceled" in sandbox.page(payment).text


def test_an_abandoned_page_expires_after_its_lifetime(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()

    sandbox.set_clock(advance=3599)
    sandbox.work()
    assert sandbox.fetch(payment)["status"] == "created"
    sandbox.set_clock(advance=1)
    sandbox.work()

    assert "This payment page has expired" in sandbox.page(payment).text
    data = shop.received[-1].event["data"]
    assert (data["status"], data["failureCode"], data["card"]) == ("failed", "expired", None)


def test_an_abandoned_challenge_expires_too(sandbox: Sandbox) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment, number=SUCCESS_3DS)

    sandbox.set_clock(advance=3600)
    sandbox.work()

    assert sandbox.fetch(payment)["failureCode"] == "expired"


def test_a_finished_page_takes_no_second_card(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment)

    again = sandbox.pay(payment)
    canceled = sandbox.cancel(payment)
    sandbox.work()

    assert again.location == canceled.location == RETURN_URL
    assert "This payment is finished" in sandbox.page(payment).text
    assert shop.events == ["payment.pending", "payment.succeeded"]


def test_pay_pressed_many_times_at_once_pays_once(sandbox: Sandbox, shop: Receiver) -> None:
    payment, hands = sandbox.payment(), 5
    start = threading.Barrier(hands)

    def press() -> None:
        start.wait()
        Sandbox(sandbox.app).pay(payment)

    threads = [threading.Thread(target=press) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sandbox.work()

    assert shop.events == ["payment.pending", "payment.succeeded"]


def test_with_more_attempts_a_decline_lets_another_card_be_tried(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    sandbox = start_sandbox(sandbox_mintcash_attempts=2)
    payment = sandbox.payment()

    page = sandbox.http.get(sandbox.pay(payment, number=DECLINE, expiry="05/29").location)
    assert "There is not enough money" in page.text
    assert "another card" in page.text
    sandbox.pay(payment)
    sandbox.work()

    assert shop.events == ["payment.pending", "payment.succeeded"]


def test_the_page_of_an_unknown_payment_is_not_found(sandbox: Sandbox) -> None:
    assert sandbox.page({"id": "unknown"}).status_code == 404


def test_the_whole_card_number_is_kept_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment)

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sandbox.db*"))

    assert b"551928******0000" in stored
    assert SUCCESS.encode() not in stored
    assert b"5519 2838 1203 0000" not in stored
