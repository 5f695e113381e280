"""HitPay, as tests and demo ask about it; ``tests/providers/case.py`` says what each part is."""

import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from providers import hitpay
from providers.contract import Customer, PaymentRequest

from ..case import Case, HostedPage, Message, Reply, Scenario
from ..proofs import Delivery, InForm, InHeader

if TYPE_CHECKING:
    from tools.demo.buyer import Buyer

FIXTURES = Path(__file__).parent
SALT, WEBHOOK_SALT, KEY = "sandbox-salt-0001", "endpoint-salt-0002", "test_key_1"
API = "https://api.sandbox.hit-pay.com/v1/payment-requests"
REQUEST_ID = "9ef68e2e-3569-4f69-9f68-04c7e4bb007c"

#: Version 1: the fields of HitPay's sample, with signatures that three other verifiers accepted.
FORM = {
    "payment_id": "92965a2d-ece3-4ace-1245-494050c9a3c1",
    "payment_request_id": "92965a20-dae5-4d89-a452-5fdfa382dbe1",
    "reference_number": "ABC123",
    "phone": "",
    "amount": "599.00",
    "currency": "SGD",
    "status": "completed",
}
FORM_HMAC = "ea39204a62984c7dd3ffd4de26fc0b1ed16eb75c20f8075bfadc0351d948b471"
REFUND_API = "https://api.sandbox.hit-pay.com/v1/refund"
CHARGE_ID = FORM["payment_id"]
REFUND_REPLY = {"id": "9f0a1b2c-0000-4000-8000-000000000001", "status": "succeeded"}
#: Version 2.
VECTOR = (FIXTURES / "signed_vector_v2.json").read_bytes()
VECTOR_SIGNATURE = "1ea6f23da259015a45f81e4bd8050869dc3a5b6cdd8a22c78b55989b789c6714"

ACCOUNT = hitpay.Account(
    base_url="https://api.sandbox.hit-pay.com",
    origins=("https://securecheckout.sandbox.hit-pay.com",),
    currencies=("SGD", "USD"),
    payment_methods=("card", "paynow_online"),
    page_minutes=60,
    qr_minutes=5,
    drop_in="",
    default_link="",
    api_key=KEY,
    salts=(SALT,),
    webhook_salts=(WEBHOOK_SALT,),
)
PAYMENT = PaymentRequest(
    reference="ABC123",
    provider_reference=REQUEST_ID,
    amount=59900,
    currency="SGD",
    description="Order 1",
    customer=Customer("customer-1", "Ann D'Souza", "ann@example.com"),
    address=None,
)


def fixture(name: str, **changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data | changes


def sign(signed: bytes, salt: str) -> str:
    return hmac.new(salt.encode(), signed, hashlib.sha256).hexdigest()


def form(signature: str | None = None, /, **changes: str) -> bytes:
    """A version 1 delivery, correctly signed unless a signature is given."""
    fields = FORM | changes
    joined = "".join(name + fields[name] for name in sorted(fields))
    return urlencode(fields | {"hmac": signature or sign(joined.encode(), SALT)}).encode()


def completed(**changes: Any) -> bytes:
    """A version 2 body that says paid."""
    paid: dict[str, Any] = {
        "status": "completed",
        "currency": "SGD",
        "payments": [fixture("payment.json")],
    }
    return json.dumps(fixture("created.json") | paid | changes).encode()


def in_two_versions() -> tuple[Message, Message]:
    """The form of version 1, signed with the salt of the key, and the event of version 2."""

    def as_form() -> Delivery:
        return {}, form(payment_request_id=REQUEST_ID)

    def as_event() -> Delivery:
        body = completed(payments=[fixture("payment.json", currency="SGD")])
        signature = sign(body, WEBHOOK_SALT)
        return {"hitpay-event-object": "payment_request", "hitpay-signature": signature}, body

    return (
        Message(
            "hitpay_form",
            InForm(),
            SALT,
            as_form,
            less=(b"599.00", b"598.99"),
            other_currency=(b"SGD", b"TTD"),
        ),
        Message(
            "hitpay_event",
            InHeader("hitpay-signature"),
            WEBHOOK_SALT,
            as_event,
            amount_field="amount",
            less=(b'"amount": "599.00"', b'"amount": "0.01"'),
            other_currency=(b'"SGD"', b'"TTD"'),
            of_no_use=(b'"status": "completed"', b'"status": "reviewed"'),
        ),
    )


def pay_one_page_twice(buyer: "Buyer") -> str:
    """As a shopper does who scans a drawn code twice: the second charge is refunded."""
    page = buyer.check_out("hitpay").url
    buyer.pay(page, "hitpay", **CARD)
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "paid")
    buyer.let_happen("pay_again")
    buyer.wait_until(lambda: buyer.payment()["refunded"] > 0)
    paid = buyer.payment()
    if paid["taken"] - paid["refunded"] != paid["amount"]:
        return "kept twice"
    # A column of the refunds in the console.
    is_shown = "Because" in buyer.get(buyer.console(order)).text
    return "" if is_shown else "unnoticed"


def pay_a_page_that_is_over(buyer: "Buyer") -> str:
    """As a shopper does who goes back: allow_repeated_payments is off, so one charge is made."""
    page = buyer.check_out("hitpay").url
    for _ in range(2):
        buyer.pay(page, "hitpay", **CARD)
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "paid")
    paid = buyer.payment()
    return "" if paid["taken"] == paid["amount"] else "paid twice"


CARD = {
    "number": "4242 4242 4242 4242",
    "expiry": "03/31",
    "cvc": "123",
    "holder": "Ann Example",
    "method": "card",
}

CASE = Case(
    provider=hitpay,
    account=ACCOUNT,
    payment=PAYMENT,
    secrets=(SALT, WEBHOOK_SALT, KEY),
    created=Reply(API, fixture("created.json")),
    found=Reply(f"{API}/{REQUEST_ID}", json.loads(completed()), method="GET"),
    messages=in_two_versions(),
    fresh_reference=lambda: str(uuid.uuid4()),
    page=HostedPage(
        pays=CARD,
        declines=CARD | {"fault": "decline"},
        after_decline="waiting",
        buttons=("Pay USD",),
        cancel_button="Cancel and return to the shop",
        after_cancel="left",
    ),
    live={
        "hitpay_api_key": "9f" * 32,
        "hitpay_salt": "salt_of_a_real_account",
        "hitpay_webhook_salt": "salt_of_a_real_endpoint",
    },
    embedded={"hitpay_drop_in": "true"},
    scenarios=(
        Scenario("charged in another currency", "held", CARD, fault="other_currency"),
        Scenario(
            "refund overtakes the success",
            "refunded",
            CARD,
            fault="close_tab",
            webhook="overtaken",
            happens="refund",
        ),
        Scenario("one page paid twice", "paid", play=pay_one_page_twice),
        Scenario("gone back to a paid page", "paid", play=pay_a_page_that_is_over),
    ),
)
