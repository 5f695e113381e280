"""WiPay's hosted page and the way back: cards, 3-D Secure, the end of a session, the hash."""

import hashlib
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.wipay import hash_of
from sandbox.wipay.gateways import FAC, FGB, NETWORKS

from ..conftest import StartSandbox
from ..driver import RETURN_URL, Receiver, WiPay


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_page_shows_who_is_paid_how_much_and_every_card_and_fault(wipay: WiPay) -> None:
    page = wipay.page(wipay.payment())

    assert page.status_code == 200
    for words in ("Pay Kiln &amp; Kettle", "10.00", "2.05", "$12.05 TTD", "4111 1111 1111 3333"):
        assert words in page.text
    assert 'value="pay_late"' in page.text
    assert 'value="wrong_environment"' in page.text


def test_the_page_may_send_the_browser_to_the_shop_and_runs_no_scripts(wipay: WiPay) -> None:
    policy = wipay.page(wipay.payment()).headers["Content-Security-Policy"]

    assert "form-action 'self' http://shop.example" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("data", ["", "?_data=", "?_data=x", "?_data=é", "?_data=_____w==", "?a=b"])
def test_the_page_of_an_unknown_transaction_is_not_found(wipay: WiPay, data: str) -> None:
    assert wipay.http.get(f"/wipay/checkout/payment{data}").status_code == 404


def test_a_test_card_can_be_filled_in_by_a_link(wipay: WiPay) -> None:
    page = wipay.page(wipay.payment(), "&fill=5111111111113333")

    assert 'value="5111 1111 1111 3333"' in page.text
    assert page.text.count("checked") == 1


# Success


def test_an_approved_card_leads_back_with_the_documented_parameters(
    wipay: WiPay, shop: Receiver
) -> None:
    payment = wipay.payment(data='"test"')

    answer = wipay.pay(payment)
    wipay.work()

    assert answer.status_code == 303
    assert answer.location.startswith(f"{RETURN_URL}?")
    returned = query(answer.location)
    moment = datetime.fromisoformat(returned.pop("date") + "-04:00")
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert returned == {
        "card": "XXXXXXXXXXXX1111",
        "currency": "TTD",
        "customer_email": "mia@example.org",
        "customer_name": "Mia Pötter",
        "data": '"test"',
        "hash": hash_of(payment["transaction_id"], "10.00", "123"),
        "message": "[1-R1]: Transaction is approved.",
        "order_id": "0123456789abcdef",
        "status": "success",
        "total": "12.05",
        "transaction_id": payment["transaction_id"],
    }
    assert shop.events == ["payment.created", "payment.success"]


def test_the_hash_is_the_documented_one() -> None:
    transaction_id = "SB-12-1-oid_123-aBc-20210616024001"

    assert hash_of(transaction_id, "10.00", "123") == "3d34d20260f7433ceee277e9ed9166a3"


def test_the_hash_is_made_with_the_key_and_the_total_that_was_asked_for(
    start_sandbox: StartSandbox,
) -> None:
    wipay = WiPay(start_sandbox(wipay_api_key="another").app)
    payment = wipay.payment()

    returned = query(wipay.pay(payment).location)

    text = f"{payment['transaction_id']}10.00another"
    assert returned["hash"] == hashlib.md5(text.encode()).hexdigest()


def test_a_query_of_the_response_url_is_kept(wipay: WiPay) -> None:
    payment = wipay.payment(response_url=f"{RETURN_URL}?order_id=7")

    assert wipay.pay(payment).location.startswith(f"{RETURN_URL}?order_id=7&card=")


@pytest.mark.parametrize(
    "number", ["4999 9999 9999 9999", "4111111111112222", "4111-1111-1111-1112"]
)
def test_numbers_that_are_not_listed_are_approved_without_luhn(wipay: WiPay, number: str) -> None:
    assert query(wipay.pay(wipay.payment(), number=number).location)["status"] == "success"


# Failure


@pytest.mark.parametrize("card", FAC.cards, ids=lambda card: f"{card.number}")
def test_listed_cards_do_what_they_say(wipay: WiPay, shop: Receiver, card: Any) -> None:
    answer = wipay.pay(wipay.payment(), network=card.brand, number=card.number)
    wipay.work()

    status = "success" if card.succeeds else "failed"
    assert query(answer.location)["status"] == status
    assert shop.events[-1] == f"payment.{status}"


def test_a_decline_leads_back_without_a_hash(wipay: WiPay) -> None:
    returned = query(wipay.pay(wipay.payment(), number="4111111111113333").location)

    assert returned["message"] == "[2-R2]: Transaction is declined."
    assert returned["card"] == "XXXXXXXXXXXX3333"
    assert "hash" not in returned


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"network": ""}, "Choose the network", id="no_network"),
        pytest.param({"network": "Amex"}, "Choose the network", id="other_network"),
        pytest.param({"number": ""}, "Enter the 16 digits", id="no_number"),
        pytest.param(
            {"number": "４１１１１１１１１１１１１１１１"}, "Enter the 16 digits", id="wide_digits"
        ),
        pytest.param({"number": "5111111111111111"}, "of a Visa card", id="of_the_other_network"),
        pytest.param({"expiry": "13/31"}, "Enter month and year", id="no_such_month"),
        pytest.param({"cvv": "1234"}, "Enter the 3 digits", id="cvv_too_long"),
        pytest.param({"holder": " "}, "name on the card", id="no_name"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_changes_nothing(
    wipay: WiPay, changes: dict[str, Any], sentence: str
) -> None:
    payment = wipay.payment()

    answer = wipay.pay(payment, **changes)

    field = next(iter(changes))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'aria-describedby="{field}-error"' in answer.text
    assert wipay.fetch(payment)["status"] == "incomplete"


# 3-D Secure


@pytest.mark.parametrize(
    ("network", "number", "password"),
    [
        ("Visa", "4111111111111111", "Secret!33"),
        ("Mastercard", "5111111111111111", "Secret!23"),
    ],
)
def test_the_personal_message_is_the_password(
    wipay: WiPay, network: str, number: str, password: str
) -> None:
    payment = wipay.payment()

    sent_to = wipay.pay(payment, network=network, number=number, fault="three_d_secure").location
    assert password in wipay.http.get(sent_to).text
    answer = wipay.challenge(payment, password=password)

    assert query(answer.location)["status"] == "success"


def test_another_password_ends_the_payment(wipay: WiPay) -> None:
    payment = wipay.payment()
    wipay.pay(payment, fault="three_d_secure")

    returned = query(wipay.challenge(payment, password="Secret!23").location)

    assert returned["status"] == "failed"
    assert returned["message"] == "[3-RA9]: 3DS authentication failed."


def test_a_declined_card_is_declined_after_the_challenge(wipay: WiPay) -> None:
    payment = wipay.payment()
    wipay.pay(payment, number="4111111111113333", fault="three_d_secure")

    answer = wipay.challenge(payment, password="Secret!33")

    assert query(answer.location)["message"] == "[2-R2]: Transaction is declined."


def test_an_answer_to_no_challenge_pays_nothing(wipay: WiPay) -> None:
    payment = wipay.payment()

    assert wipay.challenge(payment, password="").location == payment["url"]
    assert wipay.fetch(payment)["status"] == "incomplete"


# The end of a session


@pytest.mark.parametrize(("avs", "lifetime"), [(None, 180), ("0", 180), ("1", 300), ("true", 300)])
def test_a_session_ends_and_is_closed_half_a_minute_later(
    wipay: WiPay, shop: Receiver, avs: Any, lifetime: int
) -> None:
    payment = wipay.payment(avs=avs)

    wipay.set_clock(advance=lifetime - 1)
    wipay.work()
    assert "Card number" in wipay.page(payment).text
    wipay.set_clock(advance=1)
    wipay.work()
    expired = wipay.page(payment).text
    assert "Your session has expired" in expired
    assert f'href="{RETURN_URL}"' in expired
    assert wipay.pay(payment).location == payment["url"]
    wipay.set_clock(advance=29)
    wipay.work()
    assert wipay.fetch(payment)["status"] == "incomplete"
    wipay.set_clock(advance=1)
    wipay.work()

    assert wipay.fetch(payment)["status"] == "error"
    assert "This transaction has timed out" in wipay.page(payment).text
    assert shop.events == ["payment.created", "payment.error"]


ADDRESS = {
    "addr1": "1 Frederick Street",
    "city": "Port of Spain",
    "zipcode": "100123",
    "country": "TT",
}


def test_with_avs_the_page_takes_the_billing_address(wipay: WiPay) -> None:
    payment = wipay.payment(avs="1")
    assert "Billing address" in wipay.page(payment).text

    incomplete = wipay.pay(payment, **ADDRESS | {"city": " "})
    returned = query(wipay.pay(payment, **ADDRESS).location)

    assert incomplete.status_code == 422
    assert 'aria-describedby="city-error"' in incomplete.text
    address = "1 Frederick Street, Port of Spain, 100123, TT"
    assert returned["customer_address"] == address
    assert wipay.fetch(payment)["customer_address"] == address


def test_without_avs_the_page_takes_no_address(wipay: WiPay) -> None:
    payment = wipay.payment()

    assert "Billing address" not in wipay.page(payment).text
    assert "customer_address" not in wipay.pay(payment, **ADDRESS).location


def test_an_abandoned_challenge_ends_too(wipay: WiPay) -> None:
    payment = wipay.payment()
    wipay.pay(payment, fault="three_d_secure")

    wipay.set_clock(advance=180)
    wipay.work()

    assert "Your session has expired" in wipay.page(payment).text


def test_a_time_out_can_be_told_as_a_failure(start_sandbox: StartSandbox) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_timeout_status="failed").app)
    payment = wipay.payment()

    wipay.pay(payment, fault="expire")
    wipay.set_clock(advance=30)
    wipay.work()

    assert wipay.fetch(payment)["status"] == "failed"
    assert wipay.fetch(payment)["message"] == "[3-R3]: Transaction timed out."


def test_a_finished_page_takes_no_second_card(wipay: WiPay, shop: Receiver) -> None:
    payment = wipay.payment()
    first = wipay.pay(payment)

    again = wipay.pay(payment, number="4111111111113333")
    wipay.work()

    assert again.location == first.location
    assert "This payment is finished" in wipay.page(payment).text
    assert shop.events == ["payment.created", "payment.success"]


def test_pay_pressed_many_times_at_once_pays_once(wipay: WiPay, shop: Receiver) -> None:
    payment, hands = wipay.payment(), 5
    start = threading.Barrier(hands)

    def press() -> None:
        start.wait()
        WiPay(wipay.app).pay(payment)

    threads = [threading.Thread(target=press) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wipay.work()

    assert shop.events == ["payment.created", "payment.success"]


def test_the_whole_card_number_is_kept_nowhere(wipay: WiPay, tmp_path: Path) -> None:
    wipay.pay(wipay.payment(), number="4999 8888 7777 6666", cvv="987")

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sandbox.db*"))

    assert b"XXXXXXXXXXXX6666" in stored
    assert b"499988887777" not in stored
    assert b"4999 8888" not in stored


# Faults


def test_decline_declines_a_card_that_is_approved(wipay: WiPay) -> None:
    assert query(wipay.pay(wipay.payment(), fault="decline").location)["status"] == "failed"


def test_close_tab_pays_but_does_not_lead_back(wipay: WiPay) -> None:
    payment = wipay.payment()

    page = wipay.http.get(wipay.pay(payment, fault="close_tab").location)

    assert wipay.fetch(payment)["status"] == "success"
    assert "Imagine the tab was closed here" in page.text
    assert "hash=" in page.text


def test_expire_ends_the_session_whatever_stands_in_the_form(wipay: WiPay) -> None:
    payment = wipay.payment()

    page = wipay.http.get(wipay.pay(payment, number="", fault="expire").location)

    assert "Your session has expired" in page.text


def test_pay_late_expires_first_and_succeeds_later(wipay: WiPay, shop: Receiver) -> None:
    payment = wipay.payment()

    page = wipay.http.get(wipay.pay(payment, fault="pay_late").location)
    wipay.set_clock(advance=1799)
    wipay.work()
    assert wipay.fetch(payment)["status"] == "incomplete"
    wipay.set_clock(advance=1)
    wipay.work()

    assert "Your session has expired" in page.text
    assert wipay.fetch(payment)["status"] == "success"
    assert shop.events == ["payment.created", "payment.success"]


def test_a_fault_that_does_not_exist_is_refused(wipay: WiPay) -> None:
    payment = wipay.payment()

    assert wipay.pay(payment, fault="explode").status_code == 400
    assert wipay.pay(payment, delivery_fault="decline").status_code == 400
    assert wipay.fetch(payment)["status"] == "incomplete"


# What the request says of the payer, and of the card


PAYER = {
    "fname": "Mia",
    "lname": "Potter",
    "phone": "+1 868 555 0100",
    "addr1": "1 Frederick Street",
    "addr2": "Flat 2",
    "city": "Port of Spain",
    "state": "POS",
    "zipcode": "100123",
    "country": "TT",
}
COMES_BACK = "1 Frederick Street, Flat 2, Port of Spain, POS 100123, TT"


def test_the_address_check_is_filled_in_from_the_request_and_comes_back(wipay: WiPay) -> None:
    """T16."""
    payment = wipay.payment(avs="1", name=None, **PAYER)

    page = wipay.page(payment).text

    typed = {name: PAYER[name] for name in PAYER if name not in ("fname", "lname")}
    for name, value in typed.items():
        (field,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
        assert f'value="{value}"' in field
    returned = query(wipay.pay(payment, **typed).location)
    assert returned["customer_name"] == "Mia Potter"
    assert returned["customer_phone"] == "+1 868 555 0100"
    assert returned["customer_address"] == COMES_BACK


def test_what_is_typed_on_the_page_wins_over_the_request(wipay: WiPay) -> None:
    payment = wipay.payment(avs="1", **PAYER)
    typed = PAYER | {"addr1": "2 Other Road", "addr2": "", "state": "", "phone": ""}

    returned = query(wipay.pay(payment, **typed).location)

    assert returned["customer_address"] == "2 Other Road, Port of Spain, 100123, TT"
    assert "customer_phone" not in returned


def test_without_the_address_check_the_requests_own_comes_back(wipay: WiPay) -> None:
    payment = wipay.payment(**PAYER)

    assert 'name="addr1"' not in wipay.page(payment).text
    assert query(wipay.pay(payment).location)["customer_address"] == COMES_BACK


@pytest.mark.parametrize("first", ["fname", "addr1"])
def test_a_second_half_wants_its_first(wipay: WiPay, first: str) -> None:
    reply = wipay.request(**PAYER | {first: None})

    assert reply.json["message"] == f"The {first} field is required."


@pytest.mark.parametrize(("card_type", "other"), [("visa", "Mastercard"), ("mastercard", "Visa")])
def test_a_card_type_that_was_named_is_not_asked_for(
    wipay: WiPay, card_type: str, other: str
) -> None:
    payment = wipay.payment(card_type=card_type)
    numbers = {"visa": "4111 1111 1111 1111", "mastercard": "5111 1111 1111 1111"}

    page = wipay.page(payment).text

    assert 'name="network"' not in page
    assert f"{card_type.capitalize()} only" in page
    wrong = wipay.pay(payment, number=numbers[other.lower()], network=other)
    assert wrong.status_code == 422
    assert wipay.pay(payment, number=numbers[card_type], network=other).status_code == 303


# Jamaica's gateway


@pytest.mark.parametrize("card", FGB.cards, ids=lambda card: f"{card.number}")
def test_jamaicas_page_approves_the_listed_cards(wipay: WiPay, card: Any) -> None:
    payment = wipay.payment(country_code="JM", currency="JMD", total="1500.00")

    answer = wipay.pay(payment, number=card.grouped, network=card.brand)
    if card.three_d_secure:
        answer = wipay.challenge(payment, password=NETWORKS[card.brand][1])

    returned = query(answer.location)
    assert returned["status"] == "success"
    assert returned["message"].startswith("[Y-")
    assert returned["hash"] == hash_of(payment["transaction_id"], "1500.00", "123")


def test_jamaicas_page_declines_every_other_card(wipay: WiPay) -> None:
    payment = wipay.payment(country_code="JM", currency="USD")

    assert "other numbers are declined" in " ".join(wipay.page(payment).text.split())
    returned = query(wipay.pay(payment, number="4111 1111 1111 1111").location)
    assert returned["status"] == "failed"
    assert returned["message"].startswith("[N-")
    assert "hash" not in returned


def test_a_wrong_password_ends_jamaicas_payment_in_the_documented_words(wipay: WiPay) -> None:
    payment = wipay.payment(country_code="JM", currency="USD")
    wipay.pay(payment, number="4035 8740 0042 4977")

    returned = query(wipay.challenge(payment, password="guessed").location)

    assert returned["status"] == "failed"
    assert returned["message"].startswith("[N-R5101]: 3D Secure authentication failed.")
