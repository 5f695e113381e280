"""HitPay's API: who may call it, what it accepts, what it answers."""

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import RETURN_URL, HitPay, Receiver, hitpay_fields


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param("test_wrong", id="wrong"),
        pytest.param("TEST_KILN_AND_KETTLE", id="upper_case"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/payment-requests"),
        ("GET", "/payment-requests"),
        ("GET", "/payment-requests/any"),
        ("PUT", "/payment-requests/any"),
        ("DELETE", "/payment-requests/any"),
        ("POST", "/refund"),
        ("GET", "/refund/any"),
        ("GET", "/charges"),
        ("GET", "/charges/any"),
        ("GET", "/account-status"),
        ("POST", "/webhook-events"),
        ("GET", "/webhook-events"),
        ("GET", "/webhook-events/any"),
        ("PUT", "/webhook-events/any"),
        ("DELETE", "/webhook-events/any"),
    ],
)
def test_calls_without_the_key_are_refused(
    hitpay: HitPay, key: str | None, method: str, path: str
) -> None:
    reply = hitpay.v1(method, path, key, data=hitpay_fields())

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


def test_an_expiry_date_is_singapores_time(hitpay: HitPay) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=10)
    local = ends.astimezone(timezone(timedelta(hours=8)))

    made = hitpay.payment(expires_after=None, expiry_date=f"{local:%Y-%m-%d %H:%M:%S}")

    told = datetime.fromisoformat(f"{made['expiry_date']}+08:00")
    assert abs(told - ends) < timedelta(seconds=3)
    hitpay.set_clock(advance=590)
    hitpay.work()
    assert hitpay.fetch(made)["status"] == "pending"
    hitpay.set_clock(advance=11)
    hitpay.work()
    assert hitpay.fetch(made)["status"] == "expired"


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
            {"payment_methods[]": ["card", "sea_shells"]},
            "payment_methods",
            "The selected payment methods is invalid.",
        ),
        (
            {"payment_methods[]": ["paynow_online"], "currency": "USD"},
            "payment_methods",
            "The selected payment methods is invalid.",
        ),
        (
            {f"metadata[{number}]": "x" for number in range(51)},
            "metadata",
            "The metadata may not have more than 50 items.",
        ),
        (
            {"metadata[size]": "x" * 501},
            "metadata",
            "The metadata must be texts of at most 500 characters.",
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
        (
            {"expires_after": None, "expiry_date": "2031-05-21T16:57:25"},
            "expiry_date",
            "The expiry date does not match the format Y-m-d H:i:s.",
        ),
        (
            {"expires_after": None, "expiry_date": "2020-05-21 16:57:25"},
            "expiry_date",
            "The expiry date must be a date after now.",
        ),
        (
            {"generate_qr": "true"},
            "generate_qr",
            "A QR code needs exactly one payment method that has them.",
        ),
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


def test_an_open_payment_request_can_be_changed(hitpay: HitPay, shop: Receiver) -> None:
    made = hitpay.payment()
    changes = {"amount": "20", "currency": "SGD", "email": "ann@example.org", "webhook": shop.url}

    changed = hitpay.call("PUT", f"/{made['id']}", data=changes)

    assert changed.status_code == 200
    found = hitpay.fetch(made)
    assert changed.json == found
    assert found == made | changes | {
        "amount": "20.00",
        "currency": "sgd",
        "updated_at": found["updated_at"],
    }
    hitpay.pay(made)
    hitpay.work()
    assert b"amount=20.00" in shop.received[0].body


def test_a_page_that_is_changed_can_be_given_more_time(hitpay: HitPay) -> None:
    made = hitpay.payment(expires_after="60 mins")
    hitpay.set_clock(advance=3000)

    again = {"amount": "49.99", "currency": "SGD", "expires_after": "60 mins"}
    hitpay.call("PUT", f"/{made['id']}", data=again)

    hitpay.set_clock(advance=3000)
    hitpay.work()
    assert hitpay.fetch(made)["status"] == "pending"


def test_a_change_is_checked_like_a_new_one(hitpay: HitPay) -> None:
    made = hitpay.payment()

    reply = hitpay.call("PUT", f"/{made['id']}", data={"email": "x"})

    assert reply.status_code == 422
    assert set(reply.json["errors"]) == {"amount", "currency", "email"}
    assert hitpay.fetch(made) == made


def test_a_payment_request_that_is_over_cannot_be_changed(hitpay: HitPay) -> None:
    made = hitpay.payment()
    hitpay.pay(made)

    assert hitpay.call("PUT", f"/{made['id']}", data=hitpay_fields()).status_code == 422
    assert hitpay.call("PUT", "/unknown", data=hitpay_fields()).status_code == 404


@pytest.mark.parametrize("as_json", [False, True])
def test_metadata_and_whether_to_mail_are_kept_and_shown(hitpay: HitPay, as_json: bool) -> None:
    if as_json:
        sent = {"amount": 49.99, "currency": "sgd", "metadata": {"size": "L"}, "send_email": "true"}
        made = hitpay.v1("POST", "/payment-requests", json=sent).json
    else:
        made = hitpay.payment(**{"metadata[size]": "L", "send_email": "true"})

    for shown in (made, hitpay.fetch(made)):
        assert (shown["metadata"], shown["send_email"], shown["send_sms"]) == (
            {"size": "L"},
            True,
            False,
        )


def test_metadata_is_not_changed_by_put(hitpay: HitPay) -> None:
    made = hitpay.payment(**{"metadata[size]": "L"})
    changed = {"amount": "20", "currency": "SGD", "metadata[size]": "S", "send_email": "true"}

    shown = hitpay.v1("PUT", f"/payment-requests/{made['id']}", data=changed).json

    assert (shown["metadata"], shown["send_email"]) == ({"size": "L"}, True)


def test_payment_requests_are_listed_newest_first_and_by_pages(hitpay: HitPay) -> None:
    made = [hitpay.payment(reference_number=f"order-{number}") for number in range(12)]

    first = hitpay.call("GET").json
    second = hitpay.call("GET", "?current_page=2").json

    assert [each["id"] for each in first["data"] + second["data"]] == [
        each["id"] for each in reversed(made)
    ]
    assert first["meta"] == {
        "current_page": 1,
        "from": 1,
        "last_page": 2,
        "path": "http://localhost/hitpay/v1/payment-requests",
        "per_page": 10,
        "to": 10,
        "total": 12,
    }
    assert (first["links"]["prev"], second["links"]["next"]) == (None, None)
    followed = hitpay.call("GET", "?" + first["links"]["next"].partition("?")[2]).json
    assert followed == second


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("search=order-7", 1),
        ("search=mia@", 2),
        ("search=%25", 0),
        ("search=missing", 0),
        ("per_page=1", 1),
        ("per_page=0", 1),
        ("per_page=many&current_page=-1", 2),
        ("current_page=9", 0),
    ],
)
def test_a_list_can_be_searched(hitpay: HitPay, query: str, count: int) -> None:
    hitpay.payment(reference_number="order-6")
    hitpay.payment(reference_number="order-7")

    assert len(hitpay.call("GET", f"?{query}").json["data"]) == count


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
