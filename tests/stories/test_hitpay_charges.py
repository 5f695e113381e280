"""What other shops reported of providers such as HitPay, each bought in this shop, end to end.

``P…`` and ``T…`` name the reports; each story names its source.
"""

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
import responses
from flask import Flask
from sqlalchemy import select

from database import db, transaction
from models import Order, Payment, Refund

from ..books import Books
from ..shopper import BASE_URL

SALT, WEBHOOK_SALT = "salt_test_kiln_and_kettle", "webhook_salt_test_kiln_and_kettle"
API = "http://127.0.0.1:5001/hitpay/v1"
C1, C2 = "92965a2d-0000-4000-8000-000000000001", "92965a2d-0000-4000-8000-000000000002"
PRICE, TEXT = 2800, "28.00"  # of a candle


def charge(charge_id: str = C1, **changes: Any) -> dict[str, Any]:
    return {"id": charge_id, "status": "succeeded", "amount": TEXT, "currency": "usd"} | changes


REFUNDED = {"status": "refunded", "refunded_amount": TEXT}


@dataclass
class HitPay:
    """HitPay as the shop sees it: what it tells, and what it answers when asked."""

    app: Flask
    books: Books
    #: Of the payment request, as ``GET`` shows them; None: it does not answer.
    charges: list[dict[str, Any]] | None = None
    reference: str = field(init=False)

    def __post_init__(self) -> None:
        self.reference = self.place()

    def place(self) -> str:
        """An order for a candle whose shopper is on HitPay's page; the payment request's id."""
        (known,) = self.books.place_order({"candle": 1}, provider="hitpay")
        reference = str(uuid.uuid4())
        with self.books.open(), transaction() as session:
            session.get_one(Payment, known["externalId"]).provider_reference = reference
        return reference

    def payment(self, reference: str | None = None) -> Payment:
        known = Payment.provider_reference == (reference or self.reference)
        with self.books.open():
            payment = db.session.scalars(select(Payment).where(known)).one()
            db.session.expunge(payment)
            return payment

    def order(self, reference: str | None = None) -> Order:
        with self.books.open():
            order = db.session.get_one(Order, self.payment(reference).order_id)
            db.session.expunge(order)
            return order

    def tells(self, *charges: dict[str, Any]) -> None:
        """Version 2, ``payment_request.completed``."""
        self.event("payment_request", self.shown(list(charges)))

    def tells_of(self, one: dict[str, Any], *, named: bool = True) -> None:
        """Version 2, ``charge.*``; not ``named``: without its payment request."""
        beside: dict[str, Any] = {"payment_request": {"id": self.reference}}
        self.event("charge", one | (beside if named else {"order": {"id": "o1"}}))

    def event(self, entity: str, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        signature = hmac.new(WEBHOOK_SALT.encode(), body, hashlib.sha256).hexdigest()
        headers = {"hitpay-event-object": entity, "hitpay-signature": signature}
        assert self.post(body, headers) == 200

    def tells_by_form(self, charge_id: str, **changes: str) -> None:
        """Version 1."""
        assert self.post(*self.form(charge_id, **changes)) == 200

    def form(self, charge_id: str, **changes: str) -> tuple[bytes, dict[str, str]]:
        fields = {
            "payment_id": charge_id,
            "payment_request_id": self.reference,
            "reference_number": "",
            "phone": "",
            "amount": TEXT,
            "currency": "USD",
            "status": "completed",
        } | changes
        signed = "".join(name + fields[name] for name in sorted(fields)).encode()
        signature = hmac.new(SALT.encode(), signed, hashlib.sha256).hexdigest()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return urlencode(fields | {"hmac": signature}).encode(), kind

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        client = self.app.test_client()
        path = "/webhooks/hitpay"
        return client.post(path, base_url=BASE_URL, data=body, headers=headers).status_code

    def shown(self, charges: list[dict[str, Any]]) -> dict[str, Any]:
        asked = {"id": self.reference, "status": "completed", "amount": TEXT, "currency": "usd"}
        return asked | ({"payments": charges} if charges else {})

    def is_asked(self) -> None:
        """The worker asks about each payment whose time has come, which it knows by itself."""
        self.books.sweep()

    def answer(self, _: Any) -> tuple[int, dict[str, str], str]:
        if self.charges is None:
            return 503, {}, "{}"
        return 200, {}, json.dumps(self.shown(self.charges))

    @property
    def refunds(self) -> list[tuple[str, int]]:
        with self.books.open():
            found = db.session.execute(select(Refund.payment_id, Refund.amount))
            return [(payment_id, amount) for payment_id, amount in found]


@pytest.fixture
def hitpay(app: Flask, books: Books) -> Iterator[HitPay]:
    hitpay = HitPay(app, books)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, re.compile(f"{API}/payment-requests/.*"), hitpay.answer)
        yield hitpay


# ------------------------------------------------------------------ money of another currency


@pytest.mark.parametrize("other", [("28.00", "myr"), ("4256", "jpy"), (28, "MYR"), ("28", "USDC")])
@pytest.mark.parametrize("heard", ["told", "told_of_charge", "asked"])
def test_a_charge_in_another_currency_holds_the_order(
    hitpay: HitPay, other: tuple[object, str], heard: str
) -> None:
    """P1, komoju/komoju-woocommerce#78: 28 ringgit are not US$28.00."""
    amount, currency = other
    converted = charge(amount=amount, currency=currency)

    if heard == "told":
        hitpay.tells(converted)
    elif heard == "told_of_charge":
        hitpay.tells_of(converted)
    else:
        hitpay.charges = [converted]
        hitpay.books.make_checks_due()
        hitpay.is_asked()

    assert (hitpay.order().status, hitpay.order().held_code) == ("held", "currency")
    assert hitpay.payment().received == 0
    hitpay.books.work()
    assert hitpay.books.fulfilled() == {}


def test_charges_in_two_currencies_are_never_added_up(hitpay: HitPay) -> None:
    """P1."""
    hitpay.tells(charge(), charge(C2, currency="myr"))

    assert (hitpay.order().status, hitpay.payment().received) == ("held", 0)
    assert "MYR/USD" in str(hitpay.payment().problem)


# ------------------------------------------------------------------ money that goes away again


@pytest.mark.parametrize(
    "sums", [{"refunded_amount": TEXT}, {"refunded_amount": None}, {}], ids=["sum", "null", "none"]
)
def test_a_full_refund_that_overtakes_the_success_ships_nothing(
    hitpay: HitPay, sums: dict[str, Any]
) -> None:
    """P2, razorpay/razorpay-woocommerce#664; P8 where the sum is null or left out."""
    hitpay.tells_of(charge(status="refunded") | sums)
    hitpay.tells(charge())

    assert hitpay.order().status == "open"
    assert (hitpay.payment().received, hitpay.payment().refunded) == (PRICE, PRICE)
    hitpay.books.work()
    assert hitpay.books.fulfilled() == {}


def test_a_refunded_second_charge_leaves_the_first_one_paying(hitpay: HitPay) -> None:
    """P2, P3: the event is about one charge of two."""
    hitpay.tells(charge(), charge(C2))

    hitpay.tells_of(charge(C2, **REFUNDED))
    hitpay.charges = [charge(), charge(C2, **REFUNDED)]
    hitpay.is_asked()

    payment = hitpay.payment()
    assert (payment.received, payment.refunded) == (2 * PRICE, PRICE)
    assert payment.status != "refunded"
    assert hitpay.order().status == "paid"


def test_refunds_of_two_charges_add_up_once_hitpay_is_asked(hitpay: HitPay) -> None:
    """P2: each event knows one charge only."""
    part = {"status": "partially_refunded", "refunded_amount": "5.00"}
    hitpay.tells(charge(), charge(C2))

    hitpay.tells_of(charge(**part))
    hitpay.tells_of(charge(C2, **part))
    assert hitpay.payment().refunded == 500
    hitpay.charges = [charge(**part), charge(C2, **part)]
    hitpay.is_asked()

    assert hitpay.payment().refunded == 1000


@pytest.mark.parametrize("paid_by", ["form", "event"])
def test_a_refund_that_names_only_the_charge_is_counted(hitpay: HitPay, paid_by: str) -> None:
    """P13, Sylius/StripePlugin#101: joined by the id of the charge that paid."""
    if paid_by == "form":
        hitpay.tells_by_form(C1)
    else:
        hitpay.tells(charge())
    hitpay.tells_of(charge(), named=False)
    assert hitpay.payment().received == PRICE

    hitpay.tells_of(charge(**REFUNDED), named=False)

    assert hitpay.payment().refunded == PRICE
    assert "had not asked for" in str(hitpay.payment().problem)


def test_a_refund_of_an_unknown_charge_is_parked_and_a_sale_is_not(hitpay: HitPay) -> None:
    """P13: each sale of a terminal is told to the same address."""
    hitpay.tells_of(charge(C2), named=False)
    hitpay.tells_of(charge(C2, **REFUNDED), named=False)

    assert [each.verdict for each in hitpay.books.deliveries] == ["ignored", "parked"]


@pytest.mark.parametrize("paid_by", ["form", "event", "answer"])
def test_a_refund_that_names_only_the_charge_may_come_first(hitpay: HitPay, paid_by: str) -> None:
    """P2, P13: it waits for news that names its charge, and then goods do not leave."""
    hitpay.tells_of(charge(**REFUNDED), named=False)

    if paid_by == "form":
        hitpay.tells_by_form(C1)
    elif paid_by == "event":
        hitpay.tells(charge())
    else:
        hitpay.charges = [charge()]
        hitpay.books.make_checks_due()
        hitpay.is_asked()

    assert (hitpay.payment().received, hitpay.payment().refunded) == (PRICE, PRICE)
    assert hitpay.order().status == "open"


# ------------------------------------------------------------------ a second payment of one page


def test_a_second_payment_of_one_page_is_seen_and_refunded(hitpay: HitPay) -> None:
    """P3, btcpayserver/btcpayserver#1828: a drawn QR code cannot be cancelled."""
    hitpay.tells(charge())
    hitpay.tells(charge(), charge(C2))

    assert hitpay.payment().received == 2 * PRICE
    assert "US$28.00 more" in str(hitpay.payment().problem)
    assert hitpay.refunds == [(hitpay.payment().id, PRICE)]


def test_a_second_payment_that_only_its_charge_tells_of_is_asked_about(hitpay: HitPay) -> None:
    """P3: ``charge.created`` proves its own charge, which is no total."""
    hitpay.tells(charge())
    hitpay.charges = [charge(), charge(C2)]

    hitpay.tells_of(charge())
    assert (hitpay.payment().received, hitpay.payment().problem) == (PRICE, None)
    hitpay.tells_of(charge(C2))
    hitpay.is_asked()

    assert hitpay.payment().received == 2 * PRICE
    assert hitpay.refunds == [(hitpay.payment().id, PRICE)]


def test_a_sum_that_is_null_is_asked_for(hitpay: HitPay) -> None:
    """P8: neither refused nor believed."""
    hitpay.tells(charge(status="partially_refunded", refunded_amount=None))
    assert hitpay.order().status == "open"

    hitpay.charges = [charge(status="partially_refunded", refunded_amount="5.00")]
    hitpay.is_asked()

    assert (hitpay.payment().received, hitpay.payment().refunded) == (PRICE, 500)


# ------------------------------------------------------------------ forms that can be cut elsewhere


def test_a_genuine_form_cut_elsewhere_pays_no_other_order(hitpay: HitPay) -> None:
    """T01: the payer of one order names another in the phone number, and cuts the form."""
    victim = hitpay.place()
    body, kind = hitpay.form(C1, phone=f"payment_request_id{victim}phone")
    swallowed = f"{C1}payment_request_id{hitpay.reference}phone"
    cut, _ = hitpay.form(swallowed, payment_request_id=victim)
    assert cut.rpartition(b"hmac=")[2] == body.rpartition(b"hmac=")[2]

    assert hitpay.post(cut, kind) == 400
    assert hitpay.post(body, kind) == 400, "it has a second reading"
    hitpay.tells_by_form(C1)

    assert (hitpay.order().status, hitpay.order(victim).status) == ("paid", "open")
