"""MintCash's subscriptions: a first charge on the page, later ones by the clock, retries, the end.

Documentation: docs/api/subscriptions, docs/concepts/{subscriptions,retries}.
"""

import json
from datetime import datetime
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import Receiver, Sandbox, payload

DAY = 86400  # seconds


def create(sandbox: Sandbox, **changes: Any) -> Any:
    body = json.dumps(payload(billingIntervalDays=30, **changes))
    return sandbox.api("POST", "/subscriptions", data=body)


def fetch(sandbox: Sandbox, made: dict[str, Any]) -> dict[str, Any]:
    return dict(sandbox.api("GET", f"/subscriptions/{made['id']}").json)


def cancel(sandbox: Sandbox, made: dict[str, Any]) -> Any:
    return sandbox.api("DELETE", f"/subscriptions/{made['id']}")


@pytest.fixture
def made(sandbox: Sandbox) -> dict[str, Any]:
    return dict(create(sandbox).json)


@pytest.fixture
def active(sandbox: Sandbox, shop: Receiver, made: dict[str, Any]) -> dict[str, Any]:
    sandbox.pay(made)
    sandbox.work()
    assert shop.events == ["subscription.succeeded"]
    shop.received.clear()
    return fetch(sandbox, made)


def pass_days(sandbox: Sandbox, days: int) -> None:
    sandbox.set_clock(advance=days * DAY)
    sandbox.work()


@pytest.mark.parametrize("shape", ["flat", "wrapped", "both"])
def test_the_answer_has_the_shape_that_is_set(start_sandbox: StartSandbox, shape: str) -> None:
    """docs/api/subscriptions shows the fields, docs/guides/set-up-subscription wraps them."""
    reply = create(start_sandbox(sandbox_mintcash_reply_shape=shape)).json

    fields = {"id", "externalId", "status", "amount", "currency", "billingIntervalDays"}
    fields |= {"currentPeriodStart", "currentPeriodEnd", "redirectUrl", "createdAt"}
    wrapped = {"subscription", "redirectUrl"}
    assert (set(reply) == fields | wrapped) if shape == "both" else True
    assert set(reply.get("subscription", reply)) - {"subscription"} == fields
    assert (set(reply) == wrapped) == (shape == "wrapped")


def test_a_new_one_waits_for_its_page(sandbox: Sandbox, made: dict[str, Any]) -> None:
    assert (made["status"], made["amount"], made["currentPeriodStart"]) == ("created", 49.99, None)
    assert "Then every 30 days" in sandbox.page(made).text
    assert sandbox.api("GET", f"/payments/{made['id']}").status_code == 404
    assert sandbox.refund(made, externalId="r").status_code == 404


def test_the_first_charge_begins_the_first_period(sandbox: Sandbox, active: dict[str, Any]) -> None:
    start, end = (datetime.fromisoformat(active[f"currentPeriod{it}"]) for it in ("Start", "End"))

    assert active["status"] == "active"
    assert (end - start).days == 30


def test_a_month_later_it_is_charged_again(
    sandbox: Sandbox, shop: Receiver, active: dict[str, Any]
) -> None:
    pass_days(sandbox, 29)
    assert shop.events == []
    pass_days(sandbox, 2)

    (told,) = shop.received
    data = told.event["data"]
    assert (told.event["event"], told.event["type"]) == ("subscription.succeeded", "subscription")
    assert data == fetch(sandbox, active)
    assert data["currentPeriodStart"] == active["currentPeriodEnd"]
    assert [each["taken"] for each in sandbox.ledger] == [4999, 4999]


def test_months_that_pass_at_once_are_charged_one_by_one(
    sandbox: Sandbox, shop: Receiver, active: dict[str, Any]
) -> None:
    pass_days(sandbox, 95)

    starts = [each.event["data"]["currentPeriodStart"] for each in shop.received]
    assert len(set(starts)) == 3
    assert [each["taken"] for each in sandbox.ledger] == [4999] * 4


def test_the_button_lets_a_month_pass_for_one(
    sandbox: Sandbox, shop: Receiver, active: dict[str, Any]
) -> None:
    assert "A month later" in sandbox.http.get("/").text

    sandbox.act("renew")
    sandbox.act("renew")
    sandbox.work()

    assert shop.events == ["subscription.succeeded"] * 2
    assert len({each["id"] for each in sandbox.ledger}) == 3


def test_a_declined_renewal_is_tried_four_times_more_and_then_cancelled(
    sandbox: Sandbox, shop: Receiver, active: dict[str, Any]
) -> None:
    """docs/concepts/retries: +1, +3, +5, +7 days, each from the attempt before."""
    sandbox.act("decline")
    told = []
    for days in (30, 1, 3, 5, 7):
        pass_days(sandbox, days)
        told.append((len(shop.received), fetch(sandbox, active)["status"]))

    assert told == [*((count, "past_due") for count in (1, 2, 3, 4)), (5, "cancelled")]
    assert shop.events == ["subscription.failed"] * 4 + ["subscription.cancelled"]
    assert len(sandbox.ledger) == 1


def test_a_retry_that_succeeds_pays_for_the_month_that_was_missed(
    sandbox: Sandbox, shop: Receiver, active: dict[str, Any]
) -> None:
    sandbox.act("decline")
    pass_days(sandbox, 30)
    assert fetch(sandbox, active)["currentPeriodStart"] == active["currentPeriodStart"]
    sandbox.act("accept")
    pass_days(sandbox, 1)

    now = fetch(sandbox, active)
    assert (now["status"], now["currentPeriodStart"]) == ("active", active["currentPeriodEnd"])
    assert "failureCode" not in now


def test_a_card_that_has_expired_meanwhile_is_declined(
    sandbox: Sandbox, shop: Receiver, made: dict[str, Any]
) -> None:
    sandbox.pay(made, expiry=f"{datetime.now():%m/%y}")  # noqa: DTZ005 - as on a card
    pass_days(sandbox, 32)

    now = fetch(sandbox, made)
    assert (now["status"], now["failureCode"]) == ("past_due", "card_expired")


def test_cancelled_means_at_once_and_for_good(
    sandbox: Sandbox, shop: Receiver, active: dict[str, Any]
) -> None:
    reply = cancel(sandbox, active)
    pass_days(sandbox, 60)

    assert (reply.status_code, reply.json["status"]) == (200, "cancelled")
    assert shop.events == ["subscription.cancelled"]
    assert cancel(sandbox, active).status_code == 409
    assert fetch(sandbox, active)["status"] == "cancelled"


def test_a_decline_on_the_page_is_the_end_of_it(
    sandbox: Sandbox, shop: Receiver, made: dict[str, Any]
) -> None:
    sandbox.pay(made, number="4302 9128 3702 0000", expiry="05/29")
    sandbox.work()

    assert fetch(sandbox, made)["status"] == "failed"
    assert shop.events == ["subscription.failed"]
    assert shop.received[0].event["data"]["failureCode"] == "insufficient_funds"


def test_cancelled_before_it_is_paid_its_page_is_closed(
    sandbox: Sandbox, made: dict[str, Any]
) -> None:
    cancel(sandbox, made)

    sandbox.pay(made)

    assert [each["taken"] for each in sandbox.ledger] == [0]


def test_the_same_call_again_makes_no_second_one(sandbox: Sandbox, made: dict[str, Any]) -> None:
    assert create(sandbox).json["id"] == made["id"]
    other = create(sandbox, amount=1)
    assert (other.status_code, other.json["code"]) == (409, "already_exists")


def test_the_other_names_of_its_events_can_be_chosen(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    sandbox = start_sandbox(sandbox_mintcash_subscription_events="long")
    sandbox.pay(create(sandbox).json)
    sandbox.act("decline")
    sandbox.act("renew")
    sandbox.work()

    assert shop.events == ["subscription.payment_succeeded", "subscription.payment_failed"]


@pytest.mark.parametrize("days", [None, 0, -1, 1.5, "30", True])
def test_an_interval_is_whole_days(sandbox: Sandbox, days: Any) -> None:
    body = {k: v for k, v in payload().items()} | {"billingIntervalDays": days}
    reply = sandbox.api("POST", "/subscriptions", json=body)

    assert (reply.status_code, reply.json["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_one_is_not_found(sandbox: Sandbox, method: str) -> None:
    payment = sandbox.payment()
    for reference in ("unknown", payment["id"]):
        assert sandbox.api(method, f"/subscriptions/{reference}").status_code == 404
