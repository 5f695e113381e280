"""The sandbox as Mollie: its API, its test page, its webhook, its refunds."""

from typing import Any

import pytest

from .conftest import StartSandbox
from .driver import Receiver, Reply, Sandbox

KEY = {"Authorization": "Bearer test_kiln_and_kettle"}
HOUR = 3600


class Mollie:
    """A merchant's program, and a shopper on the test page."""

    def __init__(self, sandbox: Sandbox, shop: Receiver) -> None:
        self.sandbox, self.http, self.shop = sandbox, sandbox.http, shop

    def call(self, method: str, path: str = "", sent: Any = None, key: str = "") -> Reply:
        headers = {**KEY, "Idempotency-Key": key} if key else KEY
        return self.http.open(
            f"/mollie/v2/payments{path}", method=method, json=sent, headers=headers
        )

    def create(self, key: str = "", **changes: Any) -> Reply:
        return self.call("POST", "", {**self.payload(), **changes}, key)

    def payload(self) -> dict[str, Any]:
        return {
            "amount": {"value": "12.00", "currency": "EUR"},
            "description": "Order 1",
            "redirectUrl": "http://shop.example/orders/1/return",
            "webhookUrl": self.shop.url,
            "metadata": "order-1",
        }

    def pay(self, status: str = "paid", **fields: str) -> str:
        """A new payment that ends so; its id."""
        reference = str(self.create().json["id"])
        self.http.post(f"/mollie/checkout/{reference}", data={"status": status, **fields})
        return reference

    def get(self, reference: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/{reference}?embed=refunds,chargebacks").json)

    def refund(self, reference: str, value: str, key: str = "") -> Reply:
        amount = {"value": value, "currency": "EUR"}
        return self.call("POST", f"/{reference}/refunds", {"amount": amount}, key)


@pytest.fixture
def mollie(sandbox: Sandbox, shop: Receiver) -> Mollie:
    return Mollie(sandbox, shop)


def test_a_payment_is_made_open_and_has_a_page(mollie: Mollie) -> None:
    """create-payment: 201."""
    reply = mollie.create()

    assert reply.status_code == 201
    assert (reply.json["resource"], reply.json["status"]) == ("payment", "open")
    assert reply.json["id"].startswith("tr_")
    page = mollie.http.get(reply.json["_links"]["checkout"]["href"])
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "12.00"}, "amount.currency"),
        ({"amount": {"value": "12", "currency": "EUR"}}, "amount.value"),
        ({"amount": {"value": 12.5, "currency": "EUR"}}, "amount.value"),
        ({"description": ""}, "description"),
        ({"redirectUrl": None}, "redirectUrl"),
        ({"webhookUrl": "x"}, "webhookUrl"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    mollie: Mollie, changes: dict[str, Any], field: str
) -> None:
    """handling-errors: 422."""
    reply = mollie.create(**changes)

    assert (reply.status_code, reply.json["field"]) == (422, field)
    assert reply.json["title"] == "Unprocessable Entity"


@pytest.mark.parametrize("sent", [[], "x", 1, None])
def test_a_body_that_is_no_object_lacks_everything(mollie: Mollie, sent: Any) -> None:
    assert mollie.call("POST", "", sent).status_code in (400, 422)


def test_without_the_key_nothing_is_said(mollie: Mollie) -> None:
    reply = mollie.http.get("/mollie/v2/payments/tr_1", headers={"Authorization": "Bearer live_x"})

    assert (reply.status_code, reply.json["title"]) == (401, "Unauthorized Request")


@pytest.mark.parametrize(
    ("status", "title"), [(404, "Not Found"), (503, "Service Unavailable"), (500, "Internal")]
)
def test_an_error_has_the_title_of_its_status(mollie: Mollie, status: int, title: str) -> None:
    if status == 404:
        reply = mollie.call("GET", "/tr_unknown")
    else:
        mollie.sandbox.set_faults(create_fault=str(status))
        reply = mollie.create()

    assert (reply.status_code, reply.json["status"]) == (status, status)
    assert reply.json["title"].startswith(title)


def test_a_key_makes_one_payment(mollie: Mollie) -> None:
    """api-idempotency: 400 for another payload."""
    first, again = mollie.create("key-1"), mollie.create("key-1")

    assert first.json["id"] == again.json["id"]
    assert mollie.create("key-1", description="Another").status_code == 400


@pytest.mark.parametrize("status", ["paid", "failed", "canceled", "expired"])
def test_the_status_that_is_chosen_is_told_by_a_form_with_the_id(
    mollie: Mollie, status: str
) -> None:
    """testing, webhooks: no signature, and nothing but the id."""
    reference = mollie.pay(status, reason="card_expired")
    mollie.sandbox.work()

    assert mollie.get(reference)["status"] == status
    (received,) = mollie.shop.received
    assert received.body == f"id={reference}".encode()
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    reason = mollie.get(reference).get("details", {}).get("failureReason")
    assert reason == ("card_expired" if status == "failed" else None)


def test_a_payment_that_stays_open_expires(mollie: Mollie) -> None:
    reference = mollie.pay("open")
    assert mollie.get(reference)["status"] == "open"

    mollie.sandbox.set_clock(advance=15 * 60)
    mollie.sandbox.work()

    assert mollie.get(reference)["status"] == "expired"
    assert "checkout" not in mollie.get(reference)["_links"]


def test_a_webhook_is_sent_ten_times_in_26_hours(mollie: Mollie) -> None:
    mollie.shop.answers[:] = [(500, "")] * 20
    mollie.pay()

    for _ in range(15):
        mollie.sandbox.work()
        mollie.sandbox.set_clock(advance=22 * HOUR)

    assert len(mollie.shop.received) == 10


def test_a_payment_is_canceled_where_that_can_be_done(
    mollie: Mollie, start_sandbox: StartSandbox
) -> None:
    """cancel-payment: 422 otherwise."""
    reference = str(mollie.create().json["id"])
    assert mollie.call("DELETE", f"/{reference}").json["status"] == "canceled"
    assert mollie.call("DELETE", f"/{reference}").status_code == 422

    other = Mollie(start_sandbox(sandbox_mollie_cancelable=False), mollie.shop)
    reference = str(other.create().json["id"])
    assert other.call("DELETE", f"/{reference}").status_code == 422


def test_a_refund_is_pending_and_then_made(mollie: Mollie) -> None:
    reference = mollie.pay()

    made = mollie.refund(reference, "5.00", "key-1")
    assert (made.status_code, made.json["status"]) == (201, "pending")
    assert mollie.refund(reference, "5.00", "key-1").json == made.json
    mollie.sandbox.set_clock(advance=20)
    mollie.sandbox.work()

    (refund,) = mollie.get(reference)["_embedded"]["refunds"]
    assert (refund["id"], refund["status"]) == (made.json["id"], "refunded")
    assert [each.body for each in mollie.shop.received] == [f"id={reference}".encode()] * 2


def test_as_much_again_within_the_hour_is_a_duplicate(mollie: Mollie) -> None:
    """create-refund: 409; more than remains is 422."""
    reference = mollie.pay()
    assert mollie.refund(reference, "5.00").status_code == 201

    assert mollie.refund(reference, "5.00").status_code == 409
    assert mollie.refund(reference, "7.01").json["field"] == "amount.value"
    mollie.sandbox.set_clock(advance=HOUR + 1)
    assert mollie.refund(reference, "5.00").status_code == 201
