"""Request Network, as tests and demo ask about it; see ``tests/providers/case.py``."""

import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from providers import request_network
from providers.contract import Customer, PaymentRequest

from ..case import Case, HostedPage, Message, Reply, Scenario
from ..proofs import InHeader

if TYPE_CHECKING:
    from tools.demo.buyer import Buyer

FIXTURES = Path(__file__).parent
#: The documentation's sample: 64 hexadecimal digits, used as text.
SECRET = "f3c189a4b5e6d7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e1f2"
API_KEY = "rn_key_1"
REQUEST_ID = "01e273ecc29d4b526df3a0f1f05ffc59372af8752c2b678096e49ac270416a7cdb"
DELIVERY = "01KJRA0M9QG8MA4X887908T8A4"
CREATE = "https://api.request.network/v2/secure-payments"
STATUS = f"https://api.request.network/v2/request/{REQUEST_ID}"
SECOND_ID = "01" + "5" * 64
TOKEN = "01KJRA0M9QG8MA4X887908T8A4"
PAGE = f"{CREATE}/{TOKEN}"
DESTINATION = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:8453#ABCD1234"
    ":0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
)
TRON = (
    "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8@eip155:728126428#5F89A3B2"
    ":TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
)
#: The form of the integration guide.
GUIDE: dict[str, Any] = {
    "payee": "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7",
    "invoice_currency": "USD",
    "payment_currency": "USDC-base",
}

ACCOUNT = request_network.Account(
    base_url="https://api.request.network",
    environment="test",
    origins=("https://pay.request.network", "https://secure.request.network"),
    currencies=("USD",),
    api_key=API_KEY,
    client_id="",
    webhook_secrets=(SECRET,),
    destination_id="",
    payee="",
    invoice_currency="",
    payment_currency="",
    itemized=False,
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


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


def changed(**changes: Any) -> bytes:
    """The documented event with some fields changed; a change to ``...`` leaves one out."""
    event = {**fixture("confirmed.json"), **changes}
    return json.dumps({name: event[name] for name in event if event[name] is not ...}).encode()


def signed(body: bytes, **headers: str) -> tuple[dict[str, str], bytes]:
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "x-request-network-signature": signature,
        "x-request-network-delivery": DELIVERY,
        "x-request-network-retry-count": "0",
        **headers,
    }, body


def undo_and_pay_again(buyer: "Buyer") -> str:
    """The chain is reorganised after "confirmed"; a person reads it, and the link is paid again."""
    page = buyer.check_out("request_network").url
    buyer.pay_by_default(page)
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "paid")
    buyer.let_happen("reorganise")

    def is_told(sentence: str) -> bool:
        buyer.wait_until(lambda: sentence in buyer.get(buyer.console(order)).text)
        return sentence in buyer.get(buyer.console(order)).text

    if not is_told("its money is no longer there"):
        return "unnoticed"
    buyer.pay_by_default(page)
    return "" if is_told("its money is there again") else "not found"


WALLET = {"way": "BASE USDC", "settles": "now"}

CASE = Case(
    provider=request_network,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(SECRET, API_KEY),
    created=Reply(CREATE, fixture("created.json"), 201),
    found=Reply(STATUS, fixture("request_paid.json"), method="GET"),
    messages=(
        Message(
            "request_network",
            InHeader("x-request-network-signature"),
            SECRET,
            lambda: signed(changed()),
            headers_of_another=lambda body, reference: {
                "x-request-network-delivery": reference[:40]
            },
            unsigned_id_header="x-request-network-delivery",
            amount_field="totalAmountPaid",
            fine_amounts=('"49.999"',),  # a coin divides further than a cent: the rest is cut off
            less=(b'"49.99"', b'"49.98"'),
            other_currency=(b'"USDC"', b'"ETH"'),
            of_no_use=(b"payment.confirmed", b"request.recurring"),
        ),
    ),
    fresh_reference=lambda: uuid.uuid4().hex[:24],
    page=HostedPage(
        pays=WALLET,
        declines={"way": "OPTIMISM USDC", "settles": "never"},
        pays_a_part=WALLET | {"amount": "4.00"},
        buttons=("Connect wallet", "Approve", "Pay $"),
        forms=("connect", "approve", "pay"),
        back_link="Back to the shop",
    ),
    live={
        "request_network_api_key": "key_of_a_real_account",
        "request_network_webhook_secret": "ab" * 32,
    },
    scenarios=(
        Scenario("from another chain", "paid", WALLET | {"way": "POLYGON USDC"}),
        Scenario("transaction never mined", "waiting", WALLET, fault="never_mined"),
        Scenario("chain reorganised, paid again", "paid", play=undo_and_pay_again),
    ),
)
