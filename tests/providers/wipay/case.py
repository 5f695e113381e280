"""WiPay, as tests and demo ask about it; ``tests/providers/case.py`` says what each part is."""

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from providers import wipay
from providers.contract import Customer, PaymentRequest
from providers.wipay import api as wipay_api

from ..case import Case, HostedPage, Message, Reply, Scenario, SignedReturn, json_id
from ..proofs import Delivery, InHeader

FIXTURES = Path(__file__).parent
SECRET = "wipay_webhook_test_example"
REQUEST_URL = "https://ttsb.wipayfinancial.com/plugins/payments/request"
TRANSACTION = "SB-12-1-oid_123-aBc-20210616024001"
LOOKUP_URL = f"https://ttsb.wipayfinancial.com/wapi/transactions/{TRANSACTION}"
VECTOR_HASH = "3d34d20260f7433ceee277e9ed9166a3"
NOW = 1_776_438_243  # 2026-04-17T15:04:03Z

ACCOUNT = wipay.Account(
    base_url=wipay_api.HOSTS["TT"]["sandbox"],
    environment="sandbox",
    origins=("https://ttsb.wipayfinancial.com",),
    currencies=wipay_api.CURRENCIES["TT"],
    account_number="1234567890",
    country_code="TT",
    fee_structure="customer_pay",
    mode="json",
    sends_email=True,
    card_type="",
    avs=False,
    signs="body",
    api_key="123",
    webhook_secrets=(SECRET,),
    wapi_key="wapi_test_example",
)
REFUND_URL = f"{LOOKUP_URL}/refund"
CARD = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
CHARGE_URL = f"https://ttsb.wipayfinancial.com/wapi/trusted-cards/{CARD}/charge"
TIMESTAMPED = replace(ACCOUNT, signs="timestamp.body")
PAYMENT = PaymentRequest(
    reference="0123456789abcdef",
    provider_reference=TRANSACTION,
    amount=1000,
    currency="USD",
    description="Order 1",
    customer=Customer("customer-1", "John Doe", "john.doe@example.com"),
    address=None,
)
#: In form mode the order's number is all that WiPay's messages and we have in common.
BY_FORM = replace(ACCOUNT, mode="form", fee_structure="merchant_absorb")
UNNAMED = replace(PAYMENT, provider_reference=None)
FORMED = f"SB-12-30105-{PAYMENT.reference}-20261121034501"


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


def changed(data: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """The success event with some of its envelope or ``data`` changed, ready to be signed."""
    event = fixture("event.json")
    return json.dumps({**event, **changes, "data": {**event["data"], **(data or {})}}).encode()


def sign(signed: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers_of(body: bytes, moment: int, signs: str = "body") -> dict[str, str]:
    signed = body if signs == "body" else f"{moment}.".encode() + body
    return {
        "x-wipay-webhook-id": fixture("event.json")["id"],
        "x-wipay-webhook-signature": sign(signed),
        "x-wipay-webhook-timestamp": str(moment),
    }


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def signed_now(signs: str = "body") -> Delivery:
    """A delivery is stale after five minutes, so it is made when it is asked for."""
    body = changed()
    return headers_of(body, int(time.time()), signs), body


VISA = {
    "number": "4111 1111 1111 1111",
    "expiry": "03/31",
    "cvv": "123",
    "holder": "Ann Example",
    "network": "Visa",
}

CASE = Case(
    provider=wipay,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(SECRET, "wapi_test_example"),
    created=Reply(REQUEST_URL, fixture("created.json")),
    found=Reply(LOOKUP_URL, fixture("transaction.json"), method="GET"),
    messages=(
        Message(
            "wipay",
            InHeader("x-wipay-webhook-signature", "sha256="),
            SECRET,
            signed_now,
            headers_of_another=lambda body, reference: {"x-wipay-webhook-id": json_id(body)},
            other_environment=(b'"SB-', b'"'),
            of_no_use=(b"payment.success", b"webhook.test"),
        ),
    ),
    fresh_reference=lambda: f"SB-{uuid.uuid4().hex[:24]}",
    page=HostedPage(
        pays=VISA,
        declines=VISA | {"number": "4111 1111 1111 3333"},
        challenge={"password": "Secret!33"},
        statement="/wipay/merchant",
    ),
    live={
        "wipay_account_number": "4830019275",
        "wipay_api_key": "k3yOfARealAccount",
        "wipay_webhook_secret": "secret_of_a_real_endpoint",
        "wipay_wapi_key": "wapi_of_a_real_account",
    },
    by_form={"wipay_mode": "form"},
    signed_return=SignedReturn(
        lambda reference, total, key: {
            "status": "success",
            "transaction_id": reference,
            "hash": md5(f"{reference}{total}{key}"),
        },
        proof="hash",
        total="10.00",
        key="123",
    ),
    scenarios=(Scenario("half an hour late", "paid", VISA, fault="pay_late", skip=30 * 60),),
)
