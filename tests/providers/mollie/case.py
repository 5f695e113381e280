"""Mollie, as tests and demo ask about it; ``tests/providers/case.py`` says what each part is."""

import json
import secrets
from pathlib import Path
from typing import Any

from providers import mollie
from providers.contract import Customer, PaymentRequest

from ..case import Case, HostedPage, Reply, Scenario

FIXTURES = Path(__file__).parent
API = "https://api.mollie.com/v2/payments"
ID = "tr_5B8cwPMGnU6qLbRvo7qEZo"
FORM = {"content-type": "application/x-www-form-urlencoded"}

ACCOUNT = mollie.Account(
    base_url="https://api.mollie.com",
    origins=("https://www.mollie.com",),
    currencies=("EUR", "USD"),
    api_key="test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM",
)
PAYMENT = PaymentRequest(
    reference="order-1",
    provider_reference=ID,
    amount=4999,
    currency="EUR",
    description="Order 1",
    customer=Customer("customer-1", "Ann Example", "ann@example.com"),
    address=None,
)


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


PAYS = {"ending": "paid"}

CASE = Case(
    provider=mollie,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(ACCOUNT.api_key,),
    created=Reply(API, fixture("created.json"), status=201),
    found=Reply(f"{API}/{ID}", fixture("paid.json"), method="GET"),
    messages=(),
    ping=lambda reference: (FORM, f"id={reference}".encode()),
    fresh_reference=lambda: f"tr_{secrets.token_hex(11)}",
    page=HostedPage(
        pays=PAYS,
        declines={"ending": "failed"},
        buttons=("Pay",),
        after_expiry="expired",
    ),
    live={
        "mollie_api_key": "live_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM",
        "mollie_currencies": "EUR,USD",
    },
    scenarios=(
        Scenario("canceled by the shopper", "canceled", {"ending": "canceled"}),
        Scenario("expires, then pays late", "paid", PAYS, fault="pay_late"),
        Scenario("webhook of another payment", "paid", PAYS, webhook="replay_other_order"),
        Scenario("key refused", "no page", create="401"),
    ),
)
