"""WiPay's API: what it accepts, what it answers in either mode, its fees, and look-ups."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.wipay import hash_of
from sandbox.wipay.fees import fee
from sandbox.wipay.rules import STATE

from ..conftest import StartSandbox
from ..driver import RETURN_URL, Receiver, WiPay, wipay_form


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# Requests


def test_a_transaction_is_made_with_a_hosted_page(wipay: WiPay) -> None:
    reply = wipay.request()

    assert reply.status_code == 200
    assert list(reply.json) == ["url", "message", "transaction_id"]
    assert reply.json["url"].startswith("http://localhost/wipay/checkout/payment?_data=")
    assert reply.json["message"] == "OK"


def test_the_transaction_id_has_the_documented_parts(wipay: WiPay) -> None:
    made = re.fullmatch(
        r"SB-([1-9][0-9]?)-1-oid_123-aBc-([0-9]{14})",
        wipay.payment(order_id="oid_123-aBc")["transaction_id"],
    )

    assert made
    moment = datetime.strptime(made[2] + "-0400", "%Y%m%d%H%M%S%z")
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_a_repeated_request_makes_another_transaction(wipay: WiPay) -> None:
    made = {wipay.payment()["transaction_id"] for _ in range(20)}

    assert len(made) == 20
    assert len(wipay.http.get("/ledger.json").json["payments"]) == 20


@pytest.mark.parametrize("accept", ["*/*", None, "text/html,*/*;q=0.8"])
def test_a_form_posted_by_a_browser_is_sent_to_the_page(wipay: WiPay, accept: str | None) -> None:
    answer = wipay.request(accept=accept)

    assert answer.status_code == 303
    assert answer.location.startswith("http://localhost/wipay/checkout/payment?_data=")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"account_number": "1234567891"}, id="unknown_merchant"),
        pytest.param({"country_code": "US"}, id="another_country"),
        pytest.param({"currency": "EUR"}, id="currency_unsupported"),
        pytest.param({"currency": "ttd"}, id="currency_lower_case"),
        pytest.param({"environment": "live"}, id="live"),
        pytest.param({"fee_structure": "no_one_pays"}, id="fee_structure"),
        pytest.param({"total": "10"}, id="total_without_decimals"),
        pytest.param({"total": "10.0"}, id="total_with_one_decimal"),
        pytest.param({"total": "10,00"}, id="total_with_a_comma"),
        pytest.param({"total": "-10.00"}, id="total_negative"),
        pytest.param({"total": "1e3"}, id="total_exponent"),
        pytest.param({"total": "4.99"}, id="total_too_small"),
        pytest.param({"total": "20400.01"}, id="total_too_large"),
        pytest.param({"method": "voucher"}, id="method"),
        pytest.param({"order_id": "-a"}, id="order_id_begins_with_a_dash"),
        pytest.param({"order_id": "a_"}, id="order_id_ends_with_an_underscore"),
        pytest.param({"order_id": "a b"}, id="order_id_with_a_space"),
        pytest.param({"order_id": "a\n"}, id="order_id_with_a_line"),
        pytest.param({"order_id": "x" * 49}, id="order_id_too_long"),
        pytest.param({"origin": "MyApp-v1.0"}, id="origin_with_a_dot"),
        pytest.param({"origin": "x" * 33}, id="origin_too_long"),
        pytest.param({"email": "not-an-address"}, id="email"),
        pytest.param({"email": f"{'a' * 50}@example.org"}, id="email_too_long"),
        pytest.param({"name": "n" * 61}, id="name_too_long"),
        pytest.param({"data": "d" * 4097}, id="data_too_long"),
        pytest.param({"version": "1.0.0-beta.12345678"}, id="version_too_long"),
        pytest.param({"avs": "yes"}, id="avs"),
        pytest.param({"card_type": "amex"}, id="card_type"),
        pytest.param({"card_type": "Visa"}, id="card_type_in_capitals"),
        pytest.param({"fname": "f" * 31}, id="fname_too_long"),
        pytest.param({"lname": "l" * 31, "fname": "Mia"}, id="lname_too_long"),
        pytest.param({"addr1": "a" * 51}, id="addr1_too_long"),
        pytest.param({"addr2": "a" * 51, "addr1": "1 Road"}, id="addr2_too_long"),
        pytest.param({"city": "c" * 31}, id="city_too_long"),
        pytest.param({"state": "Nevada"}, id="state_is_no_code"),
        pytest.param({"country": "tt"}, id="country_lower_case"),
        pytest.param({"phone": "1" * 21}, id="phone_too_long"),
        pytest.param({"phone": "call me"}, id="phone_without_digits"),
        pytest.param({"zipcode": "SW1A 1AA"}, id="zipcode_with_a_space"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(wipay: WiPay, changes: dict[str, Any]) -> None:
    field = next(iter(changes))

    reply = wipay.request(**changes)

    assert reply.status_code == 400
    assert reply.json["message"] == f"The {field} field is invalid."
    assert reply.json["url"].startswith(f"{RETURN_URL}?status=error&")
    assert query(reply.json["url"])["message"] == reply.json["message"]
    assert "transaction_id" not in reply.json
    assert wipay.http.get("/ledger.json").json["payments"] == []


@pytest.mark.parametrize(
    "field",
    ["account_number", "currency", "environment", "total", "method", "order_id", "origin", "email"],
)
def test_a_field_that_is_missing_is_named(wipay: WiPay, field: str) -> None:
    assert wipay.request(**{field: None}).json["message"] == f"The {field} field is required."


def test_a_browser_is_sent_back_to_the_shop_with_the_error(wipay: WiPay) -> None:
    answer = wipay.request(accept="*/*", total="1.00")

    assert answer.status_code == 303
    assert answer.location.startswith(RETURN_URL)
    assert query(answer.location)["status"] == "error"
    assert query(answer.location)["order_id"] == "0123456789abcdef"
    assert "hash" not in answer.location


@pytest.mark.parametrize(
    "response_url",
    ["/orders/1", "javascript:alert(1)", "http://a b/", "http://[", f"http://a/{'x' * 255}"],
)
@pytest.mark.parametrize("accept", ["application/json", "*/*"])
def test_a_shopper_is_not_sent_to_what_is_no_web_address(
    wipay: WiPay, response_url: str, accept: str
) -> None:
    reply = wipay.request(accept=accept, response_url=response_url)

    assert reply.status_code == 400
    assert reply.json == {"message": "The response_url field is invalid."}


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "credit_card"},
        {"currency": "USD", "total": "0.74"},
        {"total": "20400.00"},
        {"name": None},
        {"data": '{"cart": 1}'},
        {"order_id": "x" * 48},
    ],
)
def test_what_is_within_the_rules_is_accepted(wipay: WiPay, changes: dict[str, Any]) -> None:
    assert wipay.request(**changes).status_code == 200


# Fees


@pytest.mark.parametrize(
    ("amount", "currency", "country", "plan", "expected"),
    [
        (1000, "TTD", "TT", "free", 205),  # the PDF's example: 12.05
        (1500, "TTD", "TT", "paid", 215),  # the PDF's picture: 17.15
        (10000, "USD", "TT", "free", 375),  # the worked example of payments-api/fee-rates
        (10000, "TTD", "TT", "free", 520),
        (10000, "TTD", "TT", "paid", 470),
        (10000, "USD", "JM", "free", 483),
        (10000, "USD", "BB", "free", 437),
        (10000, "USD", "BB", "paid", 437),
        (10000, "USD", "GD", "paid", 437),
        (10000, "USD", "GY", "free", 483),
    ],
)
def test_fees_are_the_documented_ones(
    amount: int, currency: str, country: str, plan: str, expected: int
) -> None:
    assert fee(amount, currency, country, plan) == expected


@pytest.mark.parametrize(
    ("structure", "total", "credited"),
    [
        ("customer_pay", "103.75", "100.00"),
        ("split", "101.88", "98.13"),
        ("merchant_absorb", "100.00", "96.25"),
    ],
)
def test_the_fee_structure_says_who_pays_them(
    wipay: WiPay, structure: str, total: str, credited: str
) -> None:
    payment = wipay.payment(total="100.00", currency="USD", fee_structure=structure)

    returned = query(wipay.pay(payment).location)

    assert returned["total"] == total
    assert wipay.fetch(payment)["total"] == total
    assert wipay.fetch(payment)["total_credited"] == credited
    assert returned["hash"] == hash_of(payment["transaction_id"], "100.00", "123")


# Look-ups


def test_an_open_transaction_is_shown_as_incomplete(wipay: WiPay) -> None:
    payment = wipay.payment()

    data = wipay.fetch(payment)

    assert (data["status"], data["status_desc"]) == ("incomplete", "Transaction Incomplete")
    assert data["transaction_id"] == payment["transaction_id"]
    assert not {"card", "customer_email", "hash", "message", "total_credited"} & data.keys()


def test_a_finished_transaction_is_shown_as_documented(wipay: WiPay) -> None:
    payment = wipay.payment(data='{"cart": 1}')
    wipay.pay(payment)

    data = wipay.fetch(payment)

    assert list(data) == sorted(data)
    assert datetime.fromisoformat(data["date"]).utcoffset() == timedelta(0)
    assert len(data["hash"]) == 64
    assert data | {"date": "", "hash": ""} == {
        "card": "XXXXXXXXXXXX1111",
        "currency": "TTD",
        "currency_credited": "TTD",
        "customer_address": None,
        "customer_email": "mia@example.org",
        "customer_name": "Mia Pötter",
        "customer_phone": None,
        "data": '{"cart": 1}',
        "date": "",
        "fee_structure": "Customer Pay",
        "hash": "",
        "message": "[1-R1]: Transaction is approved.",
        "order_id": "0123456789abcdef",
        "origin": "Payment made through the plugin: kiln-and-kettle",
        "receiver": "Kiln & Kettle",
        "status": "success",
        "status_desc": "Normal",
        "total": "12.05",
        "total_credited": "10.00",
        "transaction_id": payment["transaction_id"],
    }


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Accept": "application/json"}, id="missing"),
        pytest.param({"X-WAPI-Key": "wapi_live_kiln_and_kettle"}, id="wrong"),
        pytest.param({"X-WAPI-Key": ""}, id="empty"),
        pytest.param({"X-WAPI-Key": "é"}, id="not_ascii"),
        pytest.param({"X-WAPI-Key": WiPay.KEY, "Authorization": "Bearer x"}, id="both_ways"),
    ],
)
def test_look_ups_need_the_key_and_nothing_else(wipay: WiPay, headers: dict[str, str]) -> None:
    reply = wipay.lookup(wipay.payment()["transaction_id"], **headers)

    assert (reply.status_code, reply.json) == (401, {"message": "Unauthorized"})


def test_an_unknown_transaction_is_invalid(wipay: WiPay) -> None:
    reply = wipay.lookup("SB-1-1-x-20260101000000")

    assert reply.status_code == 400
    assert reply.json == {"message": "The selected transaction id is invalid."}


def test_without_a_key_in_the_settings_every_look_up_is_refused(
    start_sandbox: StartSandbox,
) -> None:
    wipay = WiPay(start_sandbox(wipay_wapi_key="").app)

    assert wipay.lookup("SB-1", **{"X-WAPI-Key": ""}).status_code == 401


# Faults of the API


@pytest.mark.parametrize("fault", ["401", "500", "502", "503"])
def test_an_error_in_place_of_a_page(wipay: WiPay, fault: str) -> None:
    wipay.set_faults(create_fault=fault)

    reply = wipay.request()

    assert reply.status_code == int(fault)
    assert list(reply.json) == ["url", "message"]
    assert wipay.http.get("/ledger.json").json["payments"] == []
    assert wipay.request().status_code == 200


@pytest.mark.parametrize(("fault", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_call_that_hangs(wipay: WiPay, fault: str, made: int) -> None:
    wipay.set_faults(create_fault=fault)

    wipay.request()

    assert len(wipay.http.get("/ledger.json").json["payments"]) == made


def test_html_in_place_of_json(wipay: WiPay) -> None:
    wipay.set_faults(create_fault="html")

    assert wipay.request().mimetype == "text/html"


def test_a_foreign_page(wipay: WiPay) -> None:
    wipay.set_faults(create_fault="foreign_redirect")

    assert wipay.payment()["url"].startswith("https://pay.example.invalid/")


def test_an_early_webhook_arrives_before_the_answer(wipay: WiPay, shop: Receiver) -> None:
    wipay.set_faults(create_fault="early_webhook")

    payment = wipay.payment()

    assert shop.events == ["payment.success"]
    assert wipay.fetch(payment)["status"] == "success"


# Five countries, JSON, and what may be left out


@pytest.mark.parametrize(
    ("country", "currency"),
    [("BB", "USD"), ("GD", "USD"), ("GY", "USD"), ("JM", "JMD"), ("JM", "USD"), ("TT", "TTD")],
)
def test_the_public_account_is_at_home_in_all_five_countries(
    wipay: WiPay, country: str, currency: str
) -> None:
    """Each has fees of its own: the percentage, and the tax on it."""
    payment = wipay.payment(country_code=country, currency=currency, total="500.00")

    found = wipay.fetch(payment)

    assert found["currency"] == currency
    assert found["total"] == f"{(50000 + fee(50000, currency, country)) / 100:.2f}"


@pytest.mark.parametrize(
    ("country", "currency"), [("TT", "JMD"), ("JM", "TTD"), ("BB", "BBD"), ("GY", "GYD")]
)
def test_a_currency_of_another_country_is_refused(
    wipay: WiPay, country: str, currency: str
) -> None:
    reply = wipay.request(country_code=country, currency=currency, total="500.00")

    assert reply.json["message"] == "The currency field is invalid."


def test_another_account_is_at_home_in_its_own_country_only(start_sandbox: StartSandbox) -> None:
    wipay = WiPay(start_sandbox(wipay_account_number="4830019275", wipay_country_code="BB").app)
    ours = {"account_number": "4830019275", "currency": "USD"}

    assert wipay.request(**ours, country_code="BB").status_code == 200
    reply = wipay.request(**ours, country_code="TT")
    assert reply.json["message"] == "The country_code field is invalid."


def test_without_an_email_a_request_is_taken_where_that_is_set(start_sandbox: StartSandbox) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_email="optional").app)

    payment = wipay.payment(email=None)

    assert "customer_email" not in query(wipay.pay(payment).location)
    assert wipay.request(email="not-an-address").status_code == 400, "one that is there is checked"


def post_json(wipay: WiPay, body: Any) -> Any:
    return wipay.app.test_client().post(
        "/wipay/plugins/payments/request", json=body, headers={"Accept": "application/json"}
    )


@pytest.mark.parametrize("total", ["10.00", 10, 10.0])
@pytest.mark.parametrize("account", ["1234567890", 1234567890])
def test_a_request_may_be_json(wipay: WiPay, total: object, account: object) -> None:
    """Shown with version 1.0.11; the hash is of the total with two decimals."""
    payment = post_json(wipay, wipay_form(total=total, account_number=account, avs=True)).json

    assert 'name="addr1"' in wipay.page(payment).text
    typed = {"addr1": "1 Road", "city": "Arima", "zipcode": "1", "country": "TT"}
    returned = query(wipay.pay(payment, **typed).location)
    assert returned["hash"] == hash_of(payment["transaction_id"], "10.00", "123")


@pytest.mark.parametrize("total", [10.001, "10", -10, True, None, [10], {"USD": 10}, 1e30, 1e300])
def test_a_total_that_is_none_is_refused_in_json_too(wipay: WiPay, total: object) -> None:
    reply = post_json(wipay, wipay_form() | {"total": total})

    assert reply.status_code == 400
    assert reply.json["message"].startswith("The total field is ")


@pytest.mark.parametrize("body", [[], "text", 7, False])
def test_json_that_is_no_object_is_refused(wipay: WiPay, body: object) -> None:
    reply = post_json(wipay, body)

    assert (reply.status_code, reply.json) == (400, {"message": "The body is invalid."})


# Helpers


@pytest.mark.parametrize(
    ("country", "code", "name"),
    [("TT", "POS", "Port of Spain"), ("JM", "01", "Kingston"), ("US", "NV", "Nevada")],
)
def test_the_states_of_a_country_are_listed_by_their_code(
    wipay: WiPay, country: str, code: str, name: str
) -> None:
    states = wipay.http.get(f"/wipay/plugins/get/states?country_code={country}").json

    assert states[code] == name
    assert all(STATE.fullmatch(each) for each in states)


def test_a_country_that_the_sandbox_does_not_know_has_no_states(wipay: WiPay) -> None:
    assert wipay.http.get("/wipay/plugins/get/states?country_code=CH").json == {}


@pytest.mark.parametrize("country", ["", "tt", "TTO", "T\n", "é"])
@pytest.mark.parametrize("helper", ["states", "currencies"])
def test_what_is_no_country_is_refused(wipay: WiPay, helper: str, country: str) -> None:
    reply = wipay.http.get(f"/wipay/plugins/get/{helper}", query_string={"country_code": country})

    assert reply.status_code == 400
    assert reply.json["message"] == "The country_code field is invalid."


def test_the_other_helpers_say_what_a_request_may_name(wipay: WiPay) -> None:
    def get(helper: str) -> Any:
        return wipay.http.get(f"/wipay/plugins/get/{helper}").json

    assert get("currencies") == ["JMD", "TTD", "USD"]
    assert get("currencies?country_code=JM") == ["JMD", "USD"]
    assert get("environments") == ["live", "sandbox"]
    assert sorted(get("fee_structures")) == ["customer_pay", "merchant_absorb", "split"]
