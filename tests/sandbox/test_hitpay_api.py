"""HitPay's API: who may call it, what it accepts, what it answers."""

import re
import uuid
from typing import Any

import pytest

from .conftest import StartSandbox
from .driver import RETURN_URL, HitPay, Receiver, hitpay_fields


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param("test_wrong", id="wrong"),
        pytest.param("TEST_KILN_AND_KETTLE", id="upper_case"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", "/any"), ("DELETE", "/any")])
def test_calls_without_the_key_are_refused(
    hitpay: HitPay, key: str | None, method: str, path: str
) -> None:
    reply = hitpay.call(method, path, key, data=hitpay_fields())

    assert (reply.status_code, reply.json) == (401, {"message": "Invalid Business API Key"})


def test_a_payment_request_is_made_with_a_hosted_page(hitpay: HitPay) -> None:
    reply = hitpay.create()

    assert reply.status_code == 200
    assert list(reply.json) == [
        "id",
        "name",
        "email",
        "phone",
        "amount",
        "currency",
        "is_currency_editable",
        "status",
        "purpose",
        "reference_number",
        "payment_methods",
        "url",
        "redirect_url",
        "webhook",
        "send_sms",
        "send_email",
        "sms_status",
        "email_status",
        "allow_repeated_payments",
        "expiry_date",
        "line_items",
        "executor_id",
        "created_at",
        "updated_at",
        "staff_id",
        "business_location_id",
        "metadata",
    ]
    made = reply.json
    assert uuid.UUID(made["id"]).version == 4
    assert (made["status"], made["amount"], made["currency"]) == ("pending", "49.99", "sgd")
    assert (made["phone"], made["webhook"]) == (None, None)
    assert made["payment_methods"] == ["card", "paynow_online"]
    assert made["url"] == (
        f"http://localhost/hitpay/payment-request/@kiln-and-kettle/{made['id']}/checkout"
    )
    assert hitpay.fetch(made) == made


def test_times_are_singapores_without_an_offset(hitpay: HitPay) -> None:
    made = hitpay.payment(expires_after="1 hours")

    for field in ("created_at", "updated_at", "expiry_date"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", made[field])
    assert made["expiry_date"] > made["created_at"]


def test_json_is_taken_like_a_form(hitpay: HitPay) -> None:
    sent = hitpay_fields(amount=49.99, currency="sgd") | {"payment_methods": ["card"]}
    del sent["payment_methods[]"]

    made = hitpay.call("POST", json=sent).json

    assert (made["amount"], made["currency"], made["payment_methods"]) == ("49.99", "sgd", ["card"])


def test_numbered_arrays_are_taken_as_the_php_sdk_sends_them(hitpay: HitPay) -> None:
    made = hitpay.payment(**{"payment_methods[]": None, "payment_methods[0]": "paynow_online"})

    assert made["payment_methods"] == ["paynow_online"]


def test_without_methods_all_are_offered_that_take_the_currency(hitpay: HitPay) -> None:
    in_sgd = hitpay.payment(**{"payment_methods[]": None})
    in_usd = hitpay.payment(**{"payment_methods[]": None, "currency": "USD"})

    assert in_sgd["payment_methods"] == ["card", "paynow_online"]
    assert in_usd["payment_methods"] == ["card"]


@pytest.mark.parametrize(
    ("amount", "shown"), [("0.3", "0.30"), ("49", "49.00"), ("900000", "900000.00"), (1.5, "1.50")]
)
def test_amounts_are_text_with_two_decimals(hitpay: HitPay, amount: Any, shown: str) -> None:
    assert hitpay.payment(amount=amount)["amount"] == shown


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"amount": None}, "amount", "The amount field is required."),
        ({"amount": "0.29"}, "amount", "The amount must be between 0.3 and 999999999.99."),
        ({"amount": "1000000000"}, "amount", "The amount must be between 0.3 and 999999999.99."),
        ({"amount": "-5"}, "amount", "The amount must be a number."),
        ({"amount": "4,999.00"}, "amount", "The amount must be a number."),
        ({"amount": "1.005"}, "amount", "The amount must be a number."),
        ({"amount": "NaN"}, "amount", "The amount must be a number."),
        ({"currency": None}, "currency", "The currency field is required."),
        ({"currency": "XXX"}, "currency", "The selected currency is invalid."),
        (
            {"payment_methods[]": ["shopee_pay"]},
            "payment_methods",
            "The selected payment methods is invalid.",
        ),
        (
            {"payment_methods[]": ["paynow_online"], "currency": "USD"},
            "payment_methods",
            "The selected payment methods is invalid.",
        ),
        ({"email": "mia"}, "email", "The email must be a valid email address."),
        ({"email": ""}, "email", "The email must be a valid email address."),
        ({"name": ""}, "name", "The name is invalid."),
        ({"purpose": "x" * 256}, "purpose", "The purpose is invalid."),
        ({"reference_number": "x" * 256}, "reference_number", "The reference number is invalid."),
        ({"redirect_url": "/orders"}, "redirect_url", "The redirect url must be a valid URL."),
        ({"redirect_url": "javascript:1"}, "redirect_url", "The redirect url must be a valid URL."),
        ({"webhook": "http://a b/"}, "webhook", "The webhook must be a valid URL."),
        ({"webhook": "http://me@evil/"}, "webhook", "The webhook must be a valid URL."),
        ({"expires_after": "soon"}, "expires_after", "The expires after is invalid."),
    ],
)
def test_what_breaks_a_rule_is_answered_field_by_field(
    hitpay: HitPay, changes: dict[str, Any], field: str, sentence: str
) -> None:
    reply = hitpay.create(**changes)

    assert reply.status_code == 422
    assert reply.json == {"message": sentence, "errors": {field: [sentence]}}
    assert hitpay.http.get("/ledger.json").json["payments"] == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"amount": NaN, "currency": ["SGD"]}', id="odd_types"),
        pytest.param(b'{"amount": 5, "currency": "SGD", "name": "\\ud800"}', id="half_a_character"),
        pytest.param(b'{"amount": true, "currency": "SGD", "payment_methods": 7}', id="numbers"),
    ],
)
def test_no_json_whatever_is_more_than_refused(hitpay: HitPay, body: bytes) -> None:
    reply = hitpay.call("POST", data=body, content_type="application/json")

    assert reply.status_code == 422
    assert reply.json["errors"]


def test_the_same_reference_again_is_another_payment_request(hitpay: HitPay) -> None:
    first, second = hitpay.payment(), hitpay.payment()

    assert first["id"] != second["id"]
    assert first["reference_number"] == second["reference_number"]


def test_an_unknown_payment_request_is_not_found(hitpay: HitPay) -> None:
    reply = hitpay.call("GET", "/9ef68e2e-3569-4f69-9f68-04c7e4bb007c")

    assert reply.status_code == 404
    assert reply.json == {
        "message": "No query results for model [App\\Business\\PaymentRequest] "
        "9ef68e2e-3569-4f69-9f68-04c7e4bb007c"
    }


def test_a_pending_payment_request_can_be_deleted_and_then_not_be_paid(hitpay: HitPay) -> None:
    made = hitpay.payment()

    deleted = hitpay.call("DELETE", f"/{made['id']}")
    hitpay.pay(made)

    assert (deleted.status_code, deleted.json) == (200, {"success": True})
    assert hitpay.fetch(made)["status"] == "canceled"
    assert "This payment was canceled" in hitpay.page(made).text
    assert hitpay.call("DELETE", f"/{made['id']}").status_code == 422


def test_a_completed_payment_request_shows_its_payment(hitpay: HitPay) -> None:
    made = hitpay.payment()
    hitpay.pay(made)

    found = hitpay.fetch(made)

    (entry,) = found["payments"]
    assert found["status"] == "completed"
    assert (entry["status"], entry["payment_type"]) == ("succeeded", "card")
    assert (entry["amount"], entry["currency"], entry["refunded_amount"]) == (
        "49.99",
        "sgd",
        "0.00",
    )


@pytest.mark.parametrize("fault", ["401", "500", "502", "503"])
def test_an_error_in_place_of_a_payment_request(hitpay: HitPay, fault: str) -> None:
    hitpay.set_faults(create_fault=fault)

    reply = hitpay.create()

    assert reply.status_code == int(fault)
    assert list(reply.json) == ["message"]
    assert hitpay.http.get("/ledger.json").json["payments"] == []


@pytest.mark.parametrize(("fault", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_after_a_call_that_hung_another_makes_another(
    hitpay: HitPay, fault: str, made: int
) -> None:
    hitpay.set_faults(create_fault=fault)

    hitpay.create()
    hitpay.payment()

    assert len(hitpay.http.get("/ledger.json").json["payments"]) == made + 1


def test_html_and_a_foreign_page(hitpay: HitPay) -> None:
    hitpay.set_faults(create_fault="html")
    assert hitpay.create().mimetype == "text/html"

    hitpay.set_faults(create_fault="foreign_redirect")
    assert hitpay.payment()["url"].startswith("https://pay.example.invalid/")


def test_an_early_webhook_arrives_before_the_answer(hitpay: HitPay, shop: Receiver) -> None:
    hitpay.set_faults(create_fault="early_webhook")

    made = hitpay.payment(webhook=shop.url)

    assert len(shop.received) == 2
    assert made["status"] == "pending"
    assert hitpay.fetch(made)["status"] == "completed"


def test_the_front_page_names_what_was_chosen(start_sandbox: StartSandbox) -> None:
    page = start_sandbox().http.get("/").text

    assert "HitPay: where the documentation is silent, we chose" in page
    assert "SANDBOX_HITPAY_WEBHOOKS" in page
    assert "salt_test_kiln_and_kettle" not in page


def test_the_return_address_may_be_left_out(hitpay: HitPay) -> None:
    made = hitpay.payment(redirect_url=None)

    page = hitpay.http.get(hitpay.pay(made).location)

    assert "Payment received" in page.text
    assert RETURN_URL not in page.text
