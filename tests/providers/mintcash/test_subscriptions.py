"""MintCash's subscriptions: what is asked, and what its answers and webhooks mean.

docs/api/subscriptions, docs/concepts/{subscriptions,retries}, docs/guides/set-up-subscription.
"""

import json
from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import mintcash
from providers.contract import Malformed, News, Redirect, Rejected, Unreachable
from providers.optional import Subscribes
from providers.period import Period

from ..contract import URLS
from .case import ACCOUNT, PAYMENT, changed
from .reading import read

API = "https://sandbox.mintcash.me/subscriptions"
START, END = 1_779_460_319, 1_782_052_319  # 30 days apart
RESOURCE = {
    "id": "sub_1",
    "externalId": "sub-a1b2c3d4e5f60718",
    "status": "active",
    "amount": 18.0,
    "currency": "USD",
    "billingIntervalDays": 30,
    "currentPeriodStart": "2026-05-22T14:31:59.000Z",
    "currentPeriodEnd": "2026-06-21T14:31:59.000Z",
    "redirectUrl": "https://pay.example/sub_1",
    "createdAt": "2026-05-22T14:31:00.000Z",
}
MONTHLY = replace(
    PAYMENT, reference="a1b2c3d4e5f60718", provider_reference="sub_1", amount=1800, every_days=30
)


def told(word: str, **data: Any) -> News:
    """The webhook ``subscription.<word>``, read."""
    event = {"event": f"subscription.{word}", "type": "subscription", "data": RESOURCE | data}
    (news,) = read(changed(**event))
    assert isinstance(news, News)
    return news


def fetched(**data: Any) -> News:
    with responses.RequestsMock() as mock:
        mock.get(f"{API}/sub_1", json=RESOURCE | data)
        (news,) = mintcash.fetch_subscription(ACCOUNT, MONTHLY)
        return news


def test_it_offers_all_of_the_ability() -> None:
    assert isinstance(mintcash, Subscribes)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RESOURCE, id="flat"),
        pytest.param({"subscription": RESOURCE, "redirectUrl": RESOURCE["redirectUrl"]}, id="wrap"),
        pytest.param({**RESOURCE, "subscription": RESOURCE}, id="both"),
    ],
)
@responses.activate
def test_it_is_asked_for_like_a_payment_with_an_interval(answer: dict[str, Any]) -> None:
    """Both shapes of the answer are read: docs/api/subscriptions, guides/set-up-subscription."""
    responses.post(API, json=answer)

    checkout = mintcash.start_subscription(ACCOUNT, MONTHLY, URLS)

    sent = json.loads(responses.calls[0].request.body or "")
    assert checkout.provider_reference == "sub_1"
    assert checkout.next_action == Redirect("https://pay.example/sub_1")
    assert (sent["amount"], sent["billingIntervalDays"]) == (1800, 30)
    assert sent["externalId"] == "sub-a1b2c3d4e5f60718"


@responses.activate
def test_an_answer_about_two_is_no_answer() -> None:
    responses.post(API, json={"id": "sub_2", "subscription": RESOURCE})

    with pytest.raises(Unreachable, match="not one subscription"):
        mintcash.start_subscription(ACCOUNT, MONTHLY, URLS)


@pytest.mark.parametrize("word", ["succeeded", "payment_succeeded"])
@pytest.mark.parametrize("status", ["active", "succeeded", None])
def test_a_charge_says_its_sum_and_its_period(word: str, status: str | None) -> None:
    """docs/concepts/webhooks/event-types and docs/concepts/retries call it by two names."""
    news = told(word, status=status)

    assert (news.status, news.amount, news.currency) == ("succeeded", 1800, "USD")
    assert (news.provider_reference, news.reference) == ("sub_1", "a1b2c3d4e5f60718")
    assert news.period == Period("active", START, END)


@pytest.mark.parametrize("word", ["failed", "payment_failed"])
@pytest.mark.parametrize("status", ["past_due", "failed", "active", None])
def test_a_failed_charge_is_asked_about(word: str, status: str | None) -> None:
    """It may be old, and whether its period is the last one or the next is not documented."""
    news = told(word, status=status)

    assert (news.status, news.period, news.check) == (None, None, True)


@pytest.mark.parametrize(
    "missing", ["amount", "currency", "currentPeriodStart", "currentPeriodEnd"]
)
def test_a_charge_that_does_not_say_all_is_asked_about(missing: str) -> None:
    """P4, P8: null is neither zero nor what was asked for."""
    news = told("succeeded", **{missing: None})

    assert (news.status, news.period, news.check) == (None, None, True)


@pytest.mark.parametrize(
    "start", ["9999-01-01T00:00:00Z", "2026-05-22T14:31:59", "soon", 1_779_460_319, ["2026"]]
)
def test_a_start_that_is_no_moment_of_these_years_is_asked_about(start: object) -> None:
    """B17: nothing raises, and no list of months grows without end."""
    news = told("succeeded", currentPeriodStart=start)

    assert (news.status, news.period, news.check) == (None, None, True)


@pytest.mark.parametrize("status", ["past_due", "cancelled", "failed", ["active"], 7])
def test_a_charge_that_contradicts_itself_is_for_a_person(status: object) -> None:
    """T18."""
    news = told("succeeded", status=status)

    assert (news.status, news.period, news.check) == (None, None, True)
    assert "MintCash says subscription.succeeded" in (news.problem or "")


def test_its_end_is_told_with_the_period_that_was_running() -> None:
    news = told("cancelled", status="cancelled")

    assert (news.status, news.check) == (None, False)
    assert news.period == Period("cancelled", START, END)


@pytest.mark.parametrize("amount", ["18,00", -18, [18], True])
def test_money_that_is_none_is_refused(amount: object) -> None:
    """P16."""
    with pytest.raises(Malformed):
        told("succeeded", amount=amount)


@pytest.mark.parametrize(
    ("data", "status", "amount", "state"),
    [
        ({}, "succeeded", 1800, "active"),
        ({"status": "created", "currentPeriodStart": None}, "pending", None, "pending"),
        ({"status": "pending"}, "pending", None, "pending"),
        ({"status": "past_due"}, None, None, "past_due"),
        ({"status": "failed", "failureCode": "declined"}, "failed", None, "failed"),
        ({"status": "cancelled"}, None, None, "cancelled"),
        ({"status": "cancelled", "currentPeriodStart": None}, "canceled", None, "cancelled"),
    ],
)
def test_the_answer_says_how_it_stands(
    data: dict[str, Any], status: str | None, amount: int | None, state: str
) -> None:
    news = fetched(**data)

    assert (news.status, news.amount) == (status, amount)
    assert news.period
    assert news.period.status == state


def test_a_state_that_is_not_documented_means_nothing() -> None:
    news = fetched(status="paused")

    assert (news.status, news.period) == (None, None)


@pytest.mark.parametrize("missing", ["amount", "currentPeriodStart", "currentPeriodEnd", "id"])
def test_an_answer_that_does_not_say_all_is_no_answer(missing: str) -> None:
    with pytest.raises(Unreachable):
        fetched(**{missing: None})


def test_before_it_is_known_there_is_nothing_to_ask() -> None:
    assert mintcash.fetch_subscription(ACCOUNT, replace(MONTHLY, provider_reference=None)) == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"json": RESOURCE}, id="the_subscription"),
        pytest.param({"status": 204}, id="nothing"),
        pytest.param({"status": 404, "json": {}}, id="gone_already"),
        pytest.param({"status": 409, "json": {}}, id="over_already"),
    ],
)
@responses.activate
def test_cancelled_is_what_the_next_answer_says(answer: dict[str, Any]) -> None:
    """What DELETE answers is not documented."""
    responses.delete(f"{API}/sub_1", **answer)
    responses.get(f"{API}/sub_1", json=RESOURCE | {"status": "cancelled"})

    (news,) = mintcash.cancel_subscription(ACCOUNT, MONTHLY)

    assert news.period == Period("cancelled", START, END)


@pytest.mark.parametrize(
    ("status", "problem"), [(200, Unreachable), (403, Rejected), (503, Unreachable)]
)
@responses.activate
def test_what_still_runs_is_not_cancelled(status: int, problem: type[Exception]) -> None:
    responses.delete(f"{API}/sub_1", status=status, json={})
    responses.get(f"{API}/sub_1", json=RESOURCE)

    with pytest.raises(problem):
        mintcash.cancel_subscription(ACCOUNT, MONTHLY)
