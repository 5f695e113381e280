"""HandCash, as tests and demo ask about it; ``tests/providers/case.py`` says what each part is."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from providers import handcash
from providers.contract import Customer, PaymentRequest

from ..case import Case, HostedPage, Message, Reply
from ..proofs import InBody

FIXTURES = Path(__file__).parent
SECRET = "app_secret_1"
REQUEST_ID = "66a2a051d2f2ae72b1f9dd89"
TRANSACTION_ID = "cc066a86e48f9f5715ba12f37c2cee0f525daf310eada76217b41771d6e67e66"
CREATE = "https://cloud.handcash.io/v3/paymentRequests"
PUBLIC = f"{CREATE}/public/{REQUEST_ID}"
PRIVATE = f"{CREATE}/{REQUEST_ID}"

ACCOUNT = handcash.Account(
    base_url="https://cloud.handcash.io",
    origins=("https://pay.handcash.io", "https://handcash.io"),
    currencies=("USD", "EUR"),
    app_id="0123456789abcdef01234567",
    app_secrets=(SECRET,),
    destination="kilnandkettle",
    minutes=60,
)
PAYMENT = PaymentRequest(
    reference="order-1",
    provider_reference=REQUEST_ID,
    amount=4999,
    currency="USD",
    description="Order 1",
    customer=Customer("customer-1", "Ann Example", "ann@example.com"),
    address=None,
)


#: The shop counts a coin in units of 18 decimals.
IN_BSV = replace(PAYMENT, amount=12345 * 10**10, currency="BSV")


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


def changed(**changes: Any) -> bytes:
    """The documented delivery with some fields changed; a change to ``...`` leaves one out."""
    event = {**fixture("completed_documented.json"), **changes}
    return json.dumps({name: event[name] for name in event if event[name] is not ...}).encode()


CASE = Case(
    provider=handcash,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(SECRET,),
    created=Reply(CREATE, fixture("created.json")),
    found=Reply(PUBLIC, fixture("public.json"), method="GET"),
    messages=(
        Message(
            "handcash",
            InBody("appSecret"),
            SECRET,
            lambda: ({}, changed()),
            naming=lambda body, reference: json.dumps(
                json.loads(body) | {"customParameters": {"payment": reference}}
            ).encode(),
        ),
    ),
    fresh_reference=lambda: uuid.uuid4().hex[:24],
    page=HostedPage(pays={"handle": "$ann"}),
    live={
        "handcash_app_id": "66a2a051d2f2ae72b1f9dd89",
        "handcash_app_secret": "secret_of_a_real_app",
        "handcash_destination": "apottery",
    },
)
