"""MintCash's webhooks: shape, units, signature."""

import subprocess
import uuid
from typing import Any

import pytest

from sandbox.kit import hmac_sha256

from ..conftest import StartSandbox
from ..driver import Receiver, Sandbox

SECRET = "whsec_test_kiln_and_kettle"


def test_the_signature_matches_a_vector_made_elsewhere() -> None:
    body = (
        b'{"eventId":"00000000-0000-4000-8000-000000000001","event":"payment.succeeded",'
        b'"type":"payment","apiVersion":"2026-05-01","environment":"test",'
        b'"createdAt":"2026-05-22T14:32:08.412Z","data":{"id":"00000000-0000-4000-8000-'
        b'000000000002","externalId":"order-1","status":"succeeded","amount":49.99,'
        b'"currency":"USD"}}'
    )

    assert len(body) == 310
    assert (
        hmac_sha256("whsec_test_example", body)
        == "3bba2d33bdd2c9af6a31e757804f0508271ef3022d743a82fd8c4e72196b65cf"
    )


def test_the_signature_matches_rfc_4231_case_2() -> None:
    assert (
        hmac_sha256("Jefe", b"what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_what_arrives_is_signed_as_openssl_signs_it(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment())
    sandbox.work()

    for webhook in shop.received:
        command = ["openssl", "dgst", "-sha256", "-hmac", SECRET]
        done = subprocess.run(command, input=webhook.body, capture_output=True, check=True)
        assert done.stdout.decode().split()[-1] == webhook.headers["x-signature"]


def test_of_several_signing_secrets_the_first_signs(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    sandbox = start_sandbox(mintcash_signing_secret="whsec_new, whsec_old")

    sandbox.cancel(sandbox.payment())
    sandbox.work()

    assert shop.received[0].headers["x-signature"] == hmac_sha256(
        "whsec_new", shop.received[0].body
    )


def test_the_envelope_has_the_keys_and_the_order_of_real_events(
    sandbox: Sandbox, shop: Receiver
) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment)
    sandbox.work()

    webhook = shop.received[-1]
    event, data = webhook.event, webhook.event["data"]
    assert list(event) == [
        "eventId",
        "event",
        "type",
        "apiVersion",
        "environment",
        "createdAt",
        "data",
    ]
    assert list(data) == [
        "id",
        "externalId",
        "status",
        "amount",
        "currency",
        "providerTransactionId",
        "failureCode",
        "failureMessage",
        "amountRefunded",
        "amountRefundable",
        "customer",
        "billingAddress",
        "card",
    ]
    assert uuid.UUID(event["eventId"]).version == 4
    assert (event["type"], event["apiVersion"]) == ("payment", "2026-05-01")
    assert event["environment"] == "test"
    assert (data["id"], data["externalId"]) == (payment["id"], "order-1")
    assert list(data["customer"]) == ["id", "externalId", "email", "name", "phone"]
    assert data["billingAddress"]["country"] == "SG"
    assert data["billingAddress"]["city"] is None


def test_the_body_is_compact_utf8_with_amounts_in_major_units(
    sandbox: Sandbox, shop: Receiver
) -> None:
    sandbox.pay(sandbox.payment())
    sandbox.work()

    webhook = shop.received[-1]
    assert webhook.headers["content-type"] == "application/json"
    assert b'"amount":49.99,"currency":"USD",' in webhook.body
    assert b'"amountRefunded":0,"amountRefundable":49.99,' in webhook.body
    assert '"name":"Mia Pötter"'.encode() in webhook.body


def test_each_event_has_an_id_of_its_own(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment())
    sandbox.work()

    assert len({webhook.event["eventId"] for webhook in shop.received}) == 2


@pytest.mark.parametrize(
    ("shape", "card"),
    [
        (
            "observed",
            {
                "brand": "Mastercard",
                "first6": "551928",
                "last4": "0000",
                "mask": "551928******0000",
                "expMonth": "03",
                "expYear": "31",
            },
        ),
        (
            "documented",
            {"brand": "Mastercard", "last4": "0000", "expMonth": 3, "expYear": 2031},
        ),
    ],
)
def test_the_card_is_shown_as_observed_or_as_documented(
    start_sandbox: StartSandbox, shop: Receiver, shape: str, card: dict[str, Any]
) -> None:
    sandbox = start_sandbox(sandbox_mintcash_card_shape=shape)

    sandbox.pay(sandbox.payment())
    sandbox.work()

    assert shop.received[-1].event["data"]["card"] == card


def test_payment_created_is_sent_when_asked_for(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    sandbox = start_sandbox(sandbox_mintcash_send_created=True)

    sandbox.payment()
    sandbox.work()

    assert shop.events == ["payment.created"]
