"""HitPay's endpoints, registered by API: each has a salt of its own, and is told what it named."""

import re
from typing import Any

import pytest

from sandbox.kit import hmac_sha256

from ..conftest import StartSandbox
from ..driver import HitPay, Receiver

EVENTS = ["payment_request.completed", "charge.updated"]


def register(hitpay: HitPay, url: str, *events: str, **changes: Any) -> dict[str, Any]:
    body = {"name": "Shop", "url": url, "event_types": list(events or EVENTS)} | changes
    reply = hitpay.v1("POST", "/webhook-events", json=body)
    assert reply.status_code == 201, reply.text
    return dict(reply.json)


def forget_the_dashboards(hitpay: HitPay) -> None:
    (dashboards,) = hitpay.v1("GET", "/webhook-events").json
    assert hitpay.v1("DELETE", f"/webhook-events/{dashboards['id']}").status_code == 204


def test_the_salt_is_told_once(hitpay: HitPay) -> None:
    made = register(hitpay, "https://shop.example/webhooks/hitpay")

    salt = made.pop("salt")
    assert re.fullmatch("[0-9a-f]{64}", salt)
    assert list(made) == [
        *("id", "business_id", "name", "url", "event_types", "created_at", "updated_at")
    ]
    assert made["created_at"].endswith("+08:00")
    assert hitpay.v1("GET", f"/webhook-events/{made['id']}").json == made
    dashboards, listed = hitpay.v1("GET", "/webhook-events").json
    assert listed == made
    assert dashboards.keys() == made.keys()
    assert salt not in hitpay.http.get("/").text


def test_a_form_registers_as_well_as_json_does(hitpay: HitPay) -> None:
    form = {"name": "Shop", "url": "https://shop.example/", "event_types[]": EVENTS}

    made = hitpay.v1("POST", "/webhook-events", data=form).json

    assert made["event_types"] == EVENTS


def test_what_is_registered_is_told_with_its_own_salt(hitpay: HitPay, shop: Receiver) -> None:
    forget_the_dashboards(hitpay)
    salts = {register(hitpay, f"{shop.url}/{each}")["salt"] for each in "ab"}

    hitpay.pay(hitpay.payment())
    hitpay.work()

    assert len(shop.received) == 2
    signed = {each.headers["hitpay-signature"] for each in shop.received}
    assert signed == {hmac_sha256(salt, shop.received[0].body) for salt in salts}


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["payment_request.completed"], ["payment_request completed"]),
        (["charge.created", "charge.updated"], ["charge created", "charge updated"]),
        (["charge.failed"], ["charge failed"]),
        (["payout.created", "recurring_billing.method_attached"], []),
    ],
)
def test_an_endpoint_is_told_what_it_named(
    hitpay: HitPay, shop: Receiver, events: list[str], told: list[str]
) -> None:
    forget_the_dashboards(hitpay)
    register(hitpay, shop.url, *events)

    payment = hitpay.payment()
    hitpay.pay(payment, fault="decline")
    hitpay.pay(payment, fault="none")
    hitpay.refund_charge(payment, "10.00", charge=1)
    hitpay.work()

    assert told == [
        f"{each.headers['hitpay-event-object']} {each.headers['hitpay-event-type']}"
        for each in shop.received
    ]


def test_a_deleted_endpoint_is_told_nothing_more(hitpay: HitPay, shop: Receiver) -> None:
    forget_the_dashboards(hitpay)
    path = f"/webhook-events/{register(hitpay, shop.url)['id']}"

    assert hitpay.v1("DELETE", path).status_code == 204
    hitpay.pay(hitpay.payment())
    hitpay.work()

    assert shop.received == []
    gone = hitpay.v1("DELETE", path)
    assert gone.status_code == 404
    assert "App\\Business\\Webhook" in gone.json["message"]
    assert hitpay.v1("GET", "/webhook-events").json == []


def test_a_changed_endpoint_keeps_its_salt(hitpay: HitPay, shop: Receiver) -> None:
    forget_the_dashboards(hitpay)
    made = register(hitpay, "https://shop.example/")
    changed = {"name": "Shop", "url": shop.url, "event_types": ["charge.created"]}

    shown = hitpay.v1("PUT", f"/webhook-events/{made['id']}", json=changed).json
    hitpay.pay(hitpay.payment())
    hitpay.work()

    assert (shown["url"], shown["event_types"]) == (shop.url, ["charge.created"])
    (told,) = shop.received
    assert told.headers["hitpay-signature"] == hmac_sha256(made["salt"], told.body)


def test_endpoints_outlive_a_restart(start_sandbox: StartSandbox, shop: Receiver) -> None:
    made = register(HitPay(start_sandbox().app), shop.url)

    ids = [each["id"] for each in HitPay(start_sandbox().app).v1("GET", "/webhook-events").json]

    assert ids[1:] == [made["id"]]


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": None}, "name", "The name field is required."),
        ({"name": "x" * 256}, "name", "The name is invalid."),
        ({"url": ""}, "url", "The url field is required."),
        ({"url": "shop.example"}, "url", "The url must be a valid URL."),
        ({"url": ["https://shop.example"]}, "url", "The url must be a valid URL."),
        ({"url": "http://shop.example/"}, "url", "The url must start with https://."),
        ({"url": "http://127.0.0.1.evil.example/"}, "url", "The url must start with https://."),
        ({"event_types": []}, "event_types", "The event types field is required."),
        ({"event_types": ["charge.eaten"]}, "event_types", "The selected event types is invalid."),
        ({"event_types": "charge.created"}, "event_types", "The selected event types is invalid."),
    ],
)
def test_what_cannot_be_registered_is_answered_field_by_field(
    hitpay: HitPay, changes: dict[str, Any], field: str, sentence: str
) -> None:
    body = {"name": "Shop", "url": "https://shop.example/", "event_types": EVENTS} | changes

    reply = hitpay.v1("POST", "/webhook-events", json=body)

    assert reply.status_code == 422
    assert reply.json["errors"] == {field: [sentence]}
    assert len(hitpay.v1("GET", "/webhook-events").json) == 1
