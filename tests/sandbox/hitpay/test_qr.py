"""HitPay's QR codes: made with a payment request, paid by the shopper who scans them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ..driver import HitPay, Receiver


def test_a_qr_code_is_told_once_beside_the_page(hitpay: HitPay) -> None:
    made = hitpay.qr_payment()

    data = made.pop("qr_code_data")
    assert list(data) == ["qr_code", "qr_code_expiry", "qr_image_mime"]
    assert data["qr_code"].startswith(f"http://localhost/hitpay/mock-payment/{made['id']}?")
    assert data["qr_image_mime"] is None
    local = datetime.fromisoformat(f"{made['expiry_date']}+08:00")
    assert datetime.fromisoformat(data["qr_code_expiry"]) == local
    assert hitpay.fetch(made) == made


def test_a_request_without_an_end_has_a_code_without_one(hitpay: HitPay) -> None:
    assert hitpay.qr_payment(expires_after=None)["qr_code_data"]["qr_code_expiry"] is None


@pytest.mark.parametrize("word", ["true", "1", True])
def test_json_asks_for_one_too(hitpay: HitPay, word: Any) -> None:
    body = {"amount": 5, "currency": "SGD", "payment_methods": ["paynow_online"]}

    assert "qr_code_data" in hitpay.call("POST", json=body | {"generate_qr": word}).json
    assert "qr_code_data" not in hitpay.call("POST", json=body | {"generate_qr": False}).json


@pytest.mark.parametrize("methods", [["card"], ["card", "paynow_online"], None])
def test_a_code_is_of_exactly_one_method_that_has_them(hitpay: HitPay, methods: Any) -> None:
    reply = hitpay.create(**{"payment_methods[]": methods, "generate_qr": "true"})

    assert (reply.status_code, list(reply.json["errors"])) == (422, ["generate_qr"])


def test_a_scanned_code_is_paid_and_reported_to_the_shop(hitpay: HitPay, shop: Receiver) -> None:
    made = hitpay.qr_payment(webhook=shop.url)

    assert "Pay SGD 49.99" in hitpay.scan(made).text
    assert hitpay.fetch(made)["status"] == "pending", "to look is not to pay"
    answer = hitpay.pay_by_qr(made)
    hitpay.work()

    assert answer.location == made["qr_code_data"]["qr_code"]
    assert "Payment sent" in hitpay.scan(made).text
    found = hitpay.fetch(made)
    assert (found["status"], found["payments"][0]["payment_type"]) == ("completed", "paynow_online")
    assert b"status=completed" in shop.received[0].body
    assert shop.received[1].event["status"] == "completed"


def test_the_page_of_the_request_scans_it_by_a_button(hitpay: HitPay) -> None:
    made = hitpay.qr_payment()

    assert "Scan the QR code" in hitpay.page(made).text
    assert hitpay.pay(made, method="paynow_online").location.endswith("status=completed")


def test_the_front_page_leads_to_where_a_phone_would_go(hitpay: HitPay) -> None:
    made = hitpay.qr_payment()
    hitpay.payment()

    page = hitpay.http.get("/").text

    assert page.count("Scan the QR code") == 1
    assert made["qr_code_data"]["qr_code"] in page


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_code_that_was_made_up_is_none(hitpay: HitPay, signature: str) -> None:
    made = hitpay.qr_payment()
    path = f"/hitpay/mock-payment/{made['id']}?signature={signature}"

    assert hitpay.http.get(path).status_code == 404
    assert hitpay.http.post(path).status_code == 404
    assert hitpay.fetch(made)["status"] == "pending"


def test_a_code_expires_with_its_request(hitpay: HitPay) -> None:
    made = hitpay.qr_payment(expires_after="5 mins")
    assert timedelta(minutes=4) < datetime.fromisoformat(
        made["qr_code_data"]["qr_code_expiry"]
    ) - datetime.fromisoformat(f"{made['created_at']}+08:00")

    hitpay.set_clock(advance=300)
    hitpay.work()
    hitpay.pay_by_qr(made)

    assert hitpay.fetch(made)["status"] == "expired"
    assert "This QR code has expired" in hitpay.scan(made).text


def test_a_code_outlives_its_request_that_was_deleted(hitpay: HitPay, shop: Receiver) -> None:
    """B14: a shopper who has it on screen may still pay."""
    made = hitpay.qr_payment(webhook=shop.url, expires_after="5 mins")
    hitpay.call("DELETE", f"/{made['id']}")

    hitpay.pay_by_qr(made)
    hitpay.work()

    assert hitpay.fetch(made)["status"] == "completed"
    assert len(shop.received) == 2


def test_a_deleted_code_expires_all_the_same(hitpay: HitPay) -> None:
    made = hitpay.qr_payment(expires_after="5 mins")
    hitpay.call("DELETE", f"/{made['id']}")
    hitpay.set_clock(advance=300)

    hitpay.pay_by_qr(made)

    assert hitpay.fetch(made)["status"] == "canceled"


def test_a_code_is_paid_once(hitpay: HitPay) -> None:
    made = hitpay.qr_payment()
    hitpay.pay_by_qr(made)
    hitpay.pay_by_qr(made)

    assert len(hitpay.fetch(made)["payments"]) == 1


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("decline", "pending", "Your bank refused the payment"),
        ("expire", "expired", "This QR code has expired"),
        ("pay_late", "expired", "This QR code has expired"),
    ],
)
def test_the_faults_of_the_page_are_offered_here_too(
    hitpay: HitPay, fault: str, status: str, words: str
) -> None:
    made = hitpay.qr_payment()

    hitpay.pay_by_qr(made, fault=fault)

    assert hitpay.fetch(made)["status"] == status
    assert words in hitpay.scan(made).text
    hitpay.set_clock(advance=20)
    hitpay.work()
    if fault == "pay_late":
        (entry,) = hitpay.fetch(made)["payments"]
        assert entry["payment_type"] == "paynow_online"
