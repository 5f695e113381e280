"""Stripe, as tests and demo ask about it; ``tests/providers/case.py`` says what each part is."""

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers import stripe
from providers.contract import Customer, PaymentRequest

from ..case import Case, HostedPage, Message, Reply, Scenario
from ..proofs import Delivery

FIXTURES = Path(__file__).parent
SECRET = "whsec_example_0001"
API = "https://api.stripe.com"
SESSION = "cs_test_a1YS1URlnyQCN5fUUduORoQ7Pw41PJqDWkIVQCpJPqkfIhd6tVY8XB1OLY"
INTENT = "pi_1PgafyB7WZ01zgkWSjxsAJo3"

ACCOUNT = stripe.Account(
    base_url=API,
    live=False,
    origins=("https://checkout.stripe.com",),
    currencies=("USD", "EUR"),
    secret_key="sk_test_example",
    webhook_secrets=(SECRET,),
)
PAYMENT = PaymentRequest(
    reference="order-1",
    provider_reference=SESSION,
    amount=4999,
    currency="USD",
    description="Order 1",
    customer=Customer("customer-1", "Ann Example", "ann@example.com"),
    address=None,
    provider_state=INTENT,
)


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


def sign(body: bytes, secret: str = SECRET, at: int | None = None) -> str:
    """``Stripe-Signature``: now, unless said otherwise."""
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def event(name: str, **changes: Any) -> bytes:
    """A fixture's event with some of its object changed, ready to be signed."""
    said = fixture(name)
    said["data"]["object"] |= changes
    return json.dumps(said).encode()


@dataclass(frozen=True)
class Timed:
    """HMAC-SHA256 over time stamp, dot and body, beside the time stamp."""

    name: str = "stripe-signature"

    def read(self, delivery: Delivery) -> str:
        return delivery[0][self.name]

    def put(self, delivery: Delivery, proof: str | None) -> Delivery:
        headers = {name: value for name, value in delivery[0].items() if name != self.name}
        return (headers if proof is None else {**headers, self.name: proof}), delivery[1]

    def seal(self, delivery: Delivery, secret: str) -> Delivery:
        return self.put(delivery, sign(delivery[1], secret))


CARD = {"ending": "paid"}
DEBIT = {"ending": "debited"}
DECLINED = {"ending": "open"}

CASE = Case(
    provider=stripe,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(SECRET, "sk_test_example"),
    created=Reply(f"{API}/v1/checkout/sessions", fixture("created.json")),
    found=Reply(
        f"{API}/v1/checkout/sessions/{SESSION}", fixture("fetched_paid.json"), method="GET"
    ),
    messages=(
        Message(
            "stripe",
            Timed(),
            SECRET,
            lambda: ({"stripe-signature": sign(event("completed.json"))}, event("completed.json")),
            amount_field="amount_total",
            less=(b'"amount_total": 4999', b'"amount_total": 4998'),
            other_currency=(b'"usd"', b'"gbp"'),
            other_environment=(b'"livemode": false', b'"livemode": true'),
            of_no_use=(b'"status": "complete"', b'"status": "reviewed"'),
        ),
    ),
    fresh_reference=lambda: f"cs_test_{uuid.uuid4().hex}",
    page=HostedPage(
        pays=CARD,
        declines=DECLINED,
        buttons=("Pay",),
        after_decline="waiting",
        after_expiry="expired",
    ),
    live={
        "stripe_secret_key": "sk_live_1",
        "stripe_webhook_secret": "whsec_live_1",
    },
    scenarios=(Scenario("bank debit, decided later", "paid", DEBIT, skip=61),),
)
