"""MintCash, as tests and demo ask about it; ``tests/providers/case.py`` says what each part is."""

import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

from providers import mintcash
from providers.contract import Customer, PaymentRequest

from ..case import Case, HostedPage, Message, Reply, Scenario
from ..proofs import InHeader

FIXTURES = Path(__file__).parent
VECTOR = (FIXTURES / "signed_vector.json").read_bytes()
VECTOR_SECRET = "whsec_test_example"
VECTOR_SIGNATURE = "3bba2d33bdd2c9af6a31e757804f0508271ef3022d743a82fd8c4e72196b65cf"

ACCOUNT = mintcash.Account(
    base_url="https://sandbox.mintcash.me",
    environment="test",
    origins=("https://pay.example",),
    currencies=("USD", "EUR"),
    public_key="pk_test_1",
    secret_key="sk_test_1",
    signing_secrets=(VECTOR_SECRET,),
)
PAYMENT = PaymentRequest(
    reference="order-1",
    provider_reference="pmt_7Hq2mZ0c",
    amount=4999,
    currency="USD",
    description="Order 1",
    customer=Customer("customer-1", "Ann Example", "ann@example.com"),
    address=None,
)


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


def sign(body: bytes, secret: str = VECTOR_SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def changed(**changes: Any) -> bytes:
    """The documented success event with some of its envelope changed, ready to be signed."""
    return json.dumps({**fixture("succeeded_documented.json"), **changes}).encode()


CARD = {"number": "5519 2838 1203 0000", "expiry": "03/31", "cvv": "123", "holder": "Ann Example"}
CHALLENGED = CARD | {"number": "5123 8172 3406 0000"}
FAILS = CARD | {"number": "4302 9128 3702 0000", "expiry": "05/29"}

CASE = Case(
    provider=mintcash,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(VECTOR_SECRET, "sk_test_1"),
    created=Reply("https://sandbox.mintcash.me/payments", fixture("created_flat.json")),
    found=Reply(
        f"https://sandbox.mintcash.me/payments/{PAYMENT.provider_reference}",
        fixture("succeeded_documented.json")["data"],
        method="GET",
    ),
    messages=(
        Message(
            "mintcash",
            InHeader("x-signature"),
            VECTOR_SECRET,
            lambda: ({"x-signature": sign(changed())}, changed()),
            amount_field="amount",
            less=(b'"amount": 49.99', b'"amount": 49.98'),
            other_currency=(b'"USD"', b'"GBP"'),
            other_environment=(b'"environment": "test"', b'"environment": "live"'),
            of_no_use=(b"payment.succeeded", b"subscription.renewed"),
        ),
    ),
    fresh_reference=lambda: uuid.uuid4().hex[:24],
    page=HostedPage(
        pays=CARD,
        declines=FAILS,
        challenge={"code": "123456", "answer": "confirm"},
        cancel_button="Cancel and return to the shop",
        after_cancel="canceled",
        after_expiry="expired",
    ),
    live={
        "mintcash_public_key": "pk_live_1",
        "mintcash_secret_key": "sk_live_1",
        "mintcash_signing_secret": "whsec_live_1",
        "mintcash_page_origins": "https://pay.example",
    },
    scenarios=(
        Scenario("3-D Secure", "paid", CHALLENGED),
        Scenario("expires, then pays late", "paid", CARD, fault="pay_late"),
        Scenario("two success events", "paid", CARD, fault="pay_twice"),
        Scenario("webhooks out of order", "paid", CARD, webhook="reorder"),
        Scenario("HTML for JSON", "no page", create="html"),
        Scenario("page on a foreign host", "no page", create="foreign_redirect"),
    ),
)
