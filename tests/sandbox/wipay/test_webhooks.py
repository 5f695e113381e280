"""WiPay's webhooks: shape, signature in either documented way, and their faults."""

import subprocess
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.wipay.webhooks import sign

from ..conftest import StartSandbox
from ..driver import Received, Receiver, WiPay

SECRET = "wipay_webhook_test_kiln_and_kettle"


def is_correctly_signed(webhook: Received, signs: str = "body", secret: str = SECRET) -> bool:
    timestamp = webhook.headers["x-wipay-webhook-timestamp"]
    signature = webhook.headers["x-wipay-webhook-signature"]
    return sign(webhook.body, timestamp, secret, signs) == signature


def test_the_signature_matches_rfc_4231_case_2() -> None:
    known = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert sign(b"what do ya want for nothing?", "0", "Jefe", "body") == known
    assert sign(b" ya want for nothing?", "what do", "Jefe", "timestamp.body") != known


@pytest.mark.parametrize("signs", ["body", "timestamp.body"])
def test_what_arrives_is_signed_as_openssl_signs_it(
    start_sandbox: StartSandbox, shop: Receiver, signs: str
) -> None:
    wipay = WiPay(start_sandbox(sandbox_wipay_signs=signs).app)
    wipay.pay(wipay.payment())
    wipay.work()

    for webhook in shop.received:
        timestamp = webhook.headers["x-wipay-webhook-timestamp"]
        signed = webhook.body if signs == "body" else timestamp.encode() + b"." + webhook.body
        command = ["openssl", "dgst", "-sha256", "-hmac", SECRET]
        done = subprocess.run(command, input=signed, capture_output=True, check=True)
        digest = done.stdout.decode().split()[-1]
        assert webhook.headers["x-wipay-webhook-signature"] == f"sha256={digest}"


def test_the_headers_and_the_envelope_are_the_documented_ones(wipay: WiPay, shop: Receiver) -> None:
    payment = wipay.payment()
    wipay.pay(payment)
    wipay.work()

    headers, event = shop.received[-1].headers, shop.received[-1].event
    assert list(event) == ["id", "api_family", "event", "occurred_at", "data", "meta"]
    assert uuid.UUID(event["id"]).version == 4
    assert event["id"] == headers["x-wipay-webhook-id"]
    assert event["api_family"] == "payments_api"
    assert event["event"] == headers["x-wipay-webhook-event"] == "payment.success"
    assert datetime.fromisoformat(event["occurred_at"]).utcoffset() == timedelta(0)
    assert event["data"] == wipay.fetch(payment)
    assert headers["x-wipay-webhook-version"] == "v1"
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["x-wipay-webhook-timestamp"]) - time.time()) < 60


def test_without_an_endpoint_there_are_no_webhooks(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    wipay = WiPay(start_sandbox(wipay_webhook_secret="").app)

    assert "hash=" in wipay.pay(wipay.payment()).location
    wipay.work()

    assert shop.received == []


def test_of_several_secrets_the_first_signs(start_sandbox: StartSandbox, shop: Receiver) -> None:
    wipay = WiPay(start_sandbox(wipay_webhook_secret="new, old").app)

    wipay.payment()
    wipay.work()

    assert is_correctly_signed(shop.received[0], secret="new")


def test_a_failed_delivery_is_repeated_while_its_time_stamp_is_fresh(
    wipay: WiPay, shop: Receiver
) -> None:
    shop.answers = [(500, "")] * 9
    wipay.payment()
    wipay.work()

    for wait in (10, 30, 60, 120, 86400):
        wipay.set_clock(advance=wait)
        wipay.work()

    created = [each for each in shop.received if each.event["event"] == "payment.created"]
    assert len(created) == 5
    assert len({webhook.headers["x-wipay-webhook-id"] for webhook in created}) == 1


# Faults


def test_pay_twice_reports_one_payment_as_two_events(wipay: WiPay, shop: Receiver) -> None:
    wipay.pay(wipay.payment(), fault="pay_twice")
    wipay.work()

    assert shop.events == ["payment.created", "payment.success", "payment.success"]
    assert len({webhook.event["id"] for webhook in shop.received}) == 3


def test_drop_sends_nothing_more_but_the_return_proves_it(wipay: WiPay, shop: Receiver) -> None:
    answer = wipay.pay(wipay.payment(), delivery_fault="drop")
    wipay.set_clock(advance=86400)
    wipay.work()

    assert shop.events == ["payment.created"]
    assert "hash=" in answer.location


def test_duplicate_sends_the_webhook_twice(wipay: WiPay, shop: Receiver) -> None:
    wipay.pay(wipay.payment(), delivery_fault="duplicate")
    wipay.work()

    assert shop.events == ["payment.created"] + ["payment.success"] * 2
    assert shop.received[1].body == shop.received[2].body


def test_reorder_sends_the_final_webhook_first(wipay: WiPay, shop: Receiver) -> None:
    wipay.set_faults(delivery_fault="reorder")

    wipay.pay(wipay.payment())
    wipay.work()

    assert shop.events == ["payment.success", "payment.created"]


def test_tamper_raises_the_amount_after_signing(wipay: WiPay, shop: Receiver) -> None:
    wipay.pay(wipay.payment(), delivery_fault="tamper")
    wipay.work()

    assert shop.received[-1].event["data"]["total"] == "112.05"
    assert not is_correctly_signed(shop.received[-1])


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        ("wrong_amount", "total", "0.01"),
        ("wrong_currency", "currency", "USD"),
        ("replay_other_order", "order_id", "other"),
    ],
)
def test_a_correctly_signed_webhook_says_something_wrong(
    wipay: WiPay, shop: Receiver, fault: str, field: str, value: Any
) -> None:
    wipay.payment(order_id="other")
    payment = wipay.payment()

    wipay.pay(payment, delivery_fault=fault)
    wipay.work()

    said = shop.received[-1]
    assert said.event["data"] == wipay.fetch(payment) | {field: value}
    assert is_correctly_signed(said)


def test_the_wrong_environment_shows_in_the_transaction_id(wipay: WiPay, shop: Receiver) -> None:
    payment = wipay.payment()

    wipay.pay(payment, delivery_fault="wrong_environment")
    wipay.work()

    said = shop.received[-1].event["data"]["transaction_id"]
    assert f"SB-{said}" == payment["transaction_id"]
    assert is_correctly_signed(shop.received[-1])
