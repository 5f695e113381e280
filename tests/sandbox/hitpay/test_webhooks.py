"""HitPay's webhooks: two versions, two salts, each signed in its own way."""

import subprocess
from typing import Any
from urllib.parse import parse_qsl

import pytest

from sandbox.hitpay.webhooks import joined
from sandbox.kit import hmac_sha256

from ..conftest import StartSandbox
from ..driver import HitPay, Received, Receiver

SALT, WEBHOOK_SALT = "salt_test_kiln_and_kettle", "webhook_salt_test_kiln_and_kettle"


def form_of(webhook: Received) -> dict[str, str]:
    return dict(parse_qsl(webhook.body.decode(), keep_blank_values=True, strict_parsing=True))


def is_version_2(webhook: Received) -> bool:
    return "hitpay-signature" in webhook.headers


def openssl(signed: bytes, salt: str) -> str:
    command = ["openssl", "dgst", "-sha256", "-hmac", salt, "-r"]
    done = subprocess.run(command, input=signed, capture_output=True, check=True)
    return done.stdout.split()[0].decode()


def is_correctly_signed(webhook: Received) -> bool:
    if is_version_2(webhook):
        return openssl(webhook.body, WEBHOOK_SALT) == webhook.headers["hitpay-signature"]
    fields = form_of(webhook)
    given = fields.pop("hmac")
    signed = "".join(name + value for name, value in sorted(fields.items()))
    return openssl(signed.encode(), SALT) == given


def test_the_signatures_match_vectors_made_elsewhere() -> None:
    fields = {
        "payment_id": "92965a2d-ece3-4ace-1245-494050c9a3c1",
        "payment_request_id": "92965a20-dae5-4d89-a452-5fdfa382dbe1",
        "phone": "",
        "amount": "599.00",
        "currency": "SGD",
        "status": "completed",
        "reference_number": "ABC123",
    }
    body = (
        b'{"id":"9ef68e2e-3569-4f69-9f68-04c7e4bb007c","status":"completed","amount":"599.00",'
        b'"currency":"SGD","reference_number":"ABC123"}'
    )

    assert hmac_sha256("sandbox-salt-0001", joined(fields)) == (
        "ea39204a62984c7dd3ffd4de26fc0b1ed16eb75c20f8075bfadc0351d948b471"
    )
    assert hmac_sha256("endpoint-salt-0002", body) == (
        "1ea6f23da259015a45f81e4bd8050869dc3a5b6cdd8a22c78b55989b789c6714"
    )


def test_both_versions_tell_of_a_success(hitpay: HitPay, shop: Receiver) -> None:
    payment = hitpay.payment(webhook=shop.url, reference_number="Order #7 + café %41")
    hitpay.pay(payment)
    hitpay.work()

    first, second = shop.received
    assert is_correctly_signed(first)
    assert is_correctly_signed(second)
    entry = hitpay.fetch(payment)["payments"][0]
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = form_of(first)
    assert fields.pop("hmac")
    assert fields == {
        "payment_id": entry["id"],
        "payment_request_id": payment["id"],
        "reference_number": "Order #7 + café %41",
        "phone": "",
        "amount": "49.99",
        "currency": "SGD",
        "status": "completed",
    }
    assert second.headers["user-agent"] == "HitPay v2.0"
    assert second.headers["content-type"] == "application/json"
    assert second.headers["hitpay-event-type"] == "completed"
    assert second.headers["hitpay-event-object"] == "payment_request"
    assert second.event == hitpay.fetch(payment) | {"currency": "SGD"}


def test_a_decline_may_be_told_as_failed_though_the_request_stays_open(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    hitpay = HitPay(start_sandbox(sandbox_hitpay_send_declines=True).app)
    payment = hitpay.payment(webhook=shop.url)
    hitpay.pay(payment, fault="decline")
    hitpay.work()

    first, second = shop.received
    fields = form_of(first)
    assert (fields["status"], fields["payment_id"]) == ("failed", "")
    assert fields["error_message"] == "Card declined"
    assert (second.event["status"], second.headers["hitpay-event-type"]) == ("failed", "failed")
    assert second.event["payments"][0]["status_reason_code"] == "card_declined"
    assert is_correctly_signed(first)
    assert hitpay.fetch(payment)["status"] == "pending"


@pytest.mark.parametrize(
    ("settings", "versions"),
    [
        ({"sandbox_hitpay_webhooks": "v1"}, [False]),
        ({"sandbox_hitpay_webhooks": "v2"}, [True]),
        ({"sandbox_hitpay_webhooks": "both"}, [False, True]),
    ],
)
def test_either_version_can_be_switched_off(
    start_sandbox: StartSandbox, shop: Receiver, settings: Any, versions: list[bool]
) -> None:
    hitpay = HitPay(start_sandbox(**settings).app)
    hitpay.pay(hitpay.payment(webhook=shop.url))
    hitpay.work()

    assert [is_version_2(each) for each in shop.received] == versions


def test_a_decline_is_not_told_while_the_page_takes_another_card(
    hitpay: HitPay, shop: Receiver
) -> None:
    hitpay.pay(hitpay.payment(webhook=shop.url), fault="decline")
    hitpay.work()

    assert shop.received == []


def test_of_several_salts_the_first_signs(start_sandbox: StartSandbox, shop: Receiver) -> None:
    salts = {"hitpay_salt": "new, old", "hitpay_webhook_salt": "ne,wer, older"}
    hitpay = HitPay(start_sandbox(**salts).app)
    hitpay.pay(hitpay.payment(webhook=shop.url))
    hitpay.work()

    fields = form_of(shop.received[0])
    assert fields.pop("hmac") == hmac_sha256("new", joined(fields))
    assert shop.received[1].headers["hitpay-signature"] == hmac_sha256(
        "ne,wer", shop.received[1].body
    )


def test_a_failed_delivery_is_repeated_with_the_same_bytes(hitpay: HitPay, shop: Receiver) -> None:
    shop.answers = [(500, "out of tea")]
    hitpay.pay(hitpay.payment())
    hitpay.work()
    hitpay.set_clock(advance=60)
    hitpay.work()

    assert len(shop.received) == 2
    assert shop.received[0].body == shop.received[1].body


# Faults


def test_pay_twice_tells_of_two_payments_of_one_request(hitpay: HitPay, shop: Receiver) -> None:
    payment = hitpay.payment(webhook=shop.url)
    hitpay.pay(payment, fault="pay_twice")
    hitpay.work()

    forms = [form_of(each) for each in shop.received if not is_version_2(each)]
    assert len({each["payment_id"] for each in forms}) == 2
    assert {each["payment_request_id"] for each in forms} == {payment["id"]}


def test_tamper_raises_the_amount_after_signing(hitpay: HitPay, shop: Receiver) -> None:
    hitpay.pay(hitpay.payment(webhook=shop.url), delivery_fault="tamper")
    hitpay.work()

    assert form_of(shop.received[0])["amount"] == "149.99"
    assert shop.received[1].event["amount"] == "149.99"
    assert not any(is_correctly_signed(each) for each in shop.received)


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        ("wrong_amount", "amount", "0.01"),
        ("wrong_currency", "currency", "USD"),
        ("replay_other_order", "reference_number", "order-other"),
    ],
)
def test_a_correctly_signed_webhook_says_something_wrong(
    hitpay: HitPay, shop: Receiver, fault: str, field: str, value: str
) -> None:
    hitpay.payment(reference_number="order-other")
    payment = hitpay.payment(webhook=shop.url)

    hitpay.pay(payment, delivery_fault=fault)
    hitpay.work()

    assert form_of(shop.received[0])[field] == value
    assert shop.received[1].event[field] == value
    assert all(is_correctly_signed(each) for each in shop.received)
    if fault != "replay_other_order":
        (entry,) = shop.received[1].event["payments"]
        assert entry[field] == value.lower()
    assert hitpay.fetch(payment)["amount"] == "49.99"


def test_reorder_sends_the_final_news_before_an_earlier_decline(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    hitpay = HitPay(start_sandbox(sandbox_hitpay_send_declines=True).app)
    payment = hitpay.payment()

    hitpay.pay(payment, number="4000000000000002", delivery_fault="reorder")
    hitpay.work()
    assert shop.received == []
    hitpay.pay(payment)
    hitpay.work()

    assert [each.event["status"] for each in shop.received] == ["completed", "failed"]


@pytest.mark.parametrize(("fault", "count"), [("drop", 0), ("duplicate", 4), ("delay", 2)])
def test_drop_duplicate_and_delay(hitpay: HitPay, shop: Receiver, fault: str, count: int) -> None:
    hitpay.pay(hitpay.payment(webhook=shop.url), delivery_fault=fault)
    if fault == "delay":
        hitpay.work()
        assert shop.received == []
        hitpay.set_clock(advance=20)
    hitpay.work()

    assert len(shop.received) == count
