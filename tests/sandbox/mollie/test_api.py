"""Mollie's API: payments made, shown, canceled, and how it words an error."""

from typing import Any

import pytest

from .merchant import Merchant


def test_a_payment_is_made_open_and_has_a_page(mollie: Merchant) -> None:
    """create-payment: 201."""
    reply = mollie.create()

    assert reply.status_code == 201
    assert reply.json["status"] == "open"
    assert reply.json["id"].startswith("tr_")
    page = mollie.http.get(reply.json["_links"]["checkout"]["href"])
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "12.00"}, "amount"),
        ({"amount": {"value": "12.00"}}, "amount.currency"),
        ({"amount": {"value": "12", "currency": "EUR"}}, "amount.value"),
        ({"amount": {"value": 12.5, "currency": "EUR"}}, "amount.value"),
        ({"description": ""}, "description"),
        ({"redirectUrl": None}, "redirectUrl"),
        ({"webhookUrl": "x"}, "webhookUrl"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    mollie: Merchant, changes: dict[str, Any], field: str
) -> None:
    """handling-errors: 422."""
    reply = mollie.create(**changes)

    assert (reply.status_code, reply.json["field"]) == (422, field)


@pytest.mark.parametrize("sent", [[], "x", 1, None])
def test_a_body_that_is_no_object_lacks_everything(mollie: Merchant, sent: Any) -> None:
    assert mollie.call("POST", "", sent).status_code in (400, 422)


def test_without_the_key_nothing_is_said(mollie: Merchant) -> None:
    reply = mollie.http.get("/mollie/v2/payments/tr_1", headers={"Authorization": "Bearer live_x"})

    assert (reply.status_code, reply.json["detail"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("status", "detail"), [(404, "Not Found"), (503, "Service Unavailable"), (500, "Internal")]
)
def test_an_error_names_its_status(mollie: Merchant, status: int, detail: str) -> None:
    if status == 404:
        reply = mollie.call("GET", "/tr_unknown")
    else:
        mollie.sandbox.set_faults(create_fault=str(status))
        reply = mollie.create()

    assert (reply.status_code, reply.json["status"]) == (status, status)
    assert reply.json["detail"].startswith(detail)


def test_a_key_makes_one_payment(mollie: Merchant) -> None:
    """api-idempotency: 400 for another payload."""
    first, again = mollie.create("key-1"), mollie.create("key-1")

    assert first.json["id"] == again.json["id"]
    assert mollie.create("key-1", description="Another").status_code == 400


def test_a_payment_is_canceled_once(mollie: Merchant) -> None:
    """cancel-payment: 422 otherwise."""
    reference = str(mollie.create().json["id"])

    assert mollie.call("DELETE", f"/{reference}").json["status"] == "canceled"
    assert mollie.call("DELETE", f"/{reference}").status_code == 422
