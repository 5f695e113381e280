"""HitPay's refunds: by the charge, in part or in full, never more than was paid."""

import threading
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import HitPay, Receiver


@pytest.fixture
def paid(hitpay: HitPay, shop: Receiver) -> dict[str, Any]:
    payment = hitpay.payment()
    hitpay.pay(payment)
    hitpay.work()
    shop.received.clear()
    return payment


def test_a_refund_in_full(hitpay: HitPay, paid: dict[str, Any]) -> None:
    reply = hitpay.refund_charge(paid, "49.99")

    assert reply.status_code == 200
    assert list(reply.json) == [
        "id",
        "refunded_by",
        "payment_id",
        "amount_refunded",
        "total_amount",
        "currency",
        "status",
        "payment_method",
        "provider_fee",
        "provider_fee_currency",
        "refunded_at",
        "created_at",
    ]
    (entry,) = hitpay.fetch(paid)["payments"]
    assert (entry["status"], entry["refunded_amount"]) == ("refunded", "49.99")
    assert reply.json["payment_id"] == entry["id"]
    assert (reply.json["amount_refunded"], reply.json["total_amount"]) == (49.99, 49.99)
    assert hitpay.fetch(paid)["status"] == "completed"
    assert hitpay.v1("GET", f"/refund/{reply.json['id']}").json == reply.json


def test_parts_add_up_to_the_whole_and_not_further(hitpay: HitPay, paid: dict[str, Any]) -> None:
    hitpay.refund_charge(paid, "20")
    assert hitpay.fetch(paid)["payments"][0]["status"] == "partially_refunded"
    too_much = hitpay.refund_charge(paid, "30.00")
    hitpay.refund_charge(paid, "29.99")

    assert too_much.status_code == 422
    assert list(too_much.json["errors"]) == ["amount"]
    (entry,) = hitpay.fetch(paid)["payments"]
    assert (entry["status"], entry["refunded_amount"]) == ("refunded", "49.99")
    (ledger,) = hitpay.http.get("/ledger.json").json["payments"]
    assert ledger["refunded"] == 4999
    assert hitpay.refund_charge(paid, "0.01").status_code == 422


def test_each_refund_is_told_as_a_charge_that_was_updated(
    hitpay: HitPay, shop: Receiver, paid: dict[str, Any]
) -> None:
    hitpay.refund_charge(paid, "20")
    hitpay.work()

    (told,) = shop.received
    assert told.headers["hitpay-event-object"] == "charge"
    assert told.headers["hitpay-event-type"] == "updated"
    event = told.event
    assert (event["status"], event["amount"], event["refunded_amount"]) == (
        "partially_refunded",
        49.99,
        20.0,
    )
    assert event["payment_request"]["id"] == paid["id"]
    assert hitpay.v1("GET", f"/charges/{event['id']}").json.items() >= event.items()


def test_version_1_knows_no_refunds(start_sandbox: StartSandbox, shop: Receiver) -> None:
    hitpay = HitPay(start_sandbox(sandbox_hitpay_webhooks="v1").app)
    payment = hitpay.payment()
    hitpay.pay(payment)

    hitpay.refund_charge(payment, "20")
    hitpay.work()

    assert shop.received == []


def test_what_was_paid_twice_can_be_given_back_twice(hitpay: HitPay) -> None:
    payment = hitpay.payment()
    hitpay.pay(payment, fault="pay_twice")

    assert hitpay.refund_charge(payment, "49.99", charge=1).status_code == 200
    assert hitpay.refund_charge(payment, "49.99", charge=0).status_code == 200
    assert [each["status"] for each in hitpay.fetch(payment)["payments"]] == ["refunded"] * 2


def test_many_refunds_at_once_never_refund_more_than_was_paid(
    hitpay: HitPay, paid: dict[str, Any]
) -> None:
    start, replies = threading.Barrier(5), []

    def refund() -> None:
        start.wait()
        replies.append(HitPay(hitpay.app).refund_charge(paid, "20"))

    threads = [threading.Thread(target=refund) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(reply.status_code for reply in replies) == [200, 200, 422, 422, 422]
    assert hitpay.fetch(paid)["payments"][0]["refunded_amount"] == "40.00"


def test_a_charge_that_failed_has_nothing_to_refund(hitpay: HitPay) -> None:
    payment = hitpay.payment()
    hitpay.pay(payment, fault="decline")

    reply = hitpay.refund_charge(payment, "1")

    assert (reply.status_code, list(reply.json["errors"])) == (422, ["payment_id"])


@pytest.mark.parametrize("amount", ["", "0", "0.00", "-1", "1.005", "NaN", "1,000.00"])
def test_an_amount_that_is_none_is_refused(
    hitpay: HitPay, paid: dict[str, Any], amount: str
) -> None:
    assert hitpay.refund_charge(paid, amount).status_code == 422


def test_a_refund_is_taken_as_json_too(hitpay: HitPay, paid: dict[str, Any]) -> None:
    charge_id = hitpay.fetch(paid)["payments"][0]["id"]

    reply = hitpay.v1("POST", "/refund", json={"payment_id": charge_id, "amount": 1.5})

    assert reply.json["amount_refunded"] == 1.5


def test_an_unknown_charge_or_refund_is_not_found(hitpay: HitPay, paid: dict[str, Any]) -> None:
    """The id of the payment request is none of a charge."""
    body = {"payment_id": paid["id"], "amount": "1"}

    assert hitpay.v1("POST", "/refund", data=body).status_code == 404
    assert hitpay.v1("POST", "/refund", data={"amount": "1"}).status_code == 404
    assert hitpay.v1("GET", "/charges/unknown").status_code == 404
    assert hitpay.v1("GET", "/refund/unknown").status_code == 404
