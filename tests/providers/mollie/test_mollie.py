"""The lesson: what is asked of Mollie, and how its answers become news."""

import json
from dataclasses import replace
from typing import Any

import pytest
import responses
from responses import matchers

from providers import mollie
from providers.contract import Malformed, Ping, Redirect, Rejected, Unreachable

from ..contract import URLS, answer, explain
from .case import ACCOUNT, API, CASE, ID, PAYMENT, fixture

KEY = {"Authorization": f"Bearer {ACCOUNT.api_key}"}


def fetch(api: responses.RequestsMock, **changes: Any) -> Any:
    """Mollie is asked about a payment that is paid, but for these changes; the last news."""
    api.get(
        f"{API}/{ID}",
        json={**fixture("paid.json"), **changes},
        match=[
            matchers.header_matcher(KEY),
            matchers.query_param_matcher({"embed": "refunds"}),
        ],
    )
    return mollie.fetch_payment(ACCOUNT, PAYMENT)[-1]


# ------------------------------------------------------------------ a page is asked for


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [(4999, "EUR", "49.99"), (1000, "USD", "10.00"), (5, "GBP", "0.05"), (1200, "JPY", "1200")],
)
def test_a_payment_is_asked_for_by_our_reference(
    api: responses.RequestsMock, amount: int, currency: str, value: str
) -> None:
    """create-payment: ``amount.value`` is text with exactly the currency's decimals."""
    answer(api, CASE.created)

    checkout = mollie.start_checkout(
        ACCOUNT, replace(PAYMENT, amount=amount, currency=currency), URLS
    )

    sent = api.calls[0].request
    assert json.loads(sent.body or b"") == {
        "amount": {"value": value, "currency": currency},
        "description": "Order 1",
        "redirectUrl": URLS.return_url,
        "webhookUrl": URLS.webhook_url,
        "metadata": "order-1",
    }
    assert (sent.headers["Authorization"], sent.headers["Idempotency-Key"]) == (
        KEY["Authorization"],
        "order-1",
    )
    page = "https://www.mollie.com/checkout/select-method/5B8cwPMGnU6qLbRvo7qEZo"
    assert (checkout.provider_reference, checkout.next_action) == (ID, Redirect(page))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"id": None},
        {"id": "../refunds"},
        {"id": ["tr_1"]},
        {"_links": None},
        {"_links": {}},
        {"_links": {"checkout": None}},
        {"_links": {"checkout": {"href": None}}},
        {"_links": []},
    ],
)
def test_an_answer_without_a_page_or_an_id_is_none(
    api: responses.RequestsMock, spoiled: dict[str, Any]
) -> None:
    """A payment that is over has no ``_links.checkout``."""
    api.post(API, json={**fixture("created.json"), **spoiled}, status=201)

    with pytest.raises(Unreachable, match="not as documented"):
        mollie.start_checkout(ACCOUNT, PAYMENT, URLS)


# ------------------------------------------------------------------ the webhook


def test_a_webhook_names_a_payment_and_says_nothing_else() -> None:
    """webhooks: "id" is all there is; what a stranger adds is not read."""
    assert mollie.read_webhook(ACCOUNT, {}, b"id=tr_1&status=paid&amount=0.01") == [Ping("tr_1")]


@pytest.mark.parametrize("body", [b"", b"id=", b"id=a&id=b", b'{"id": "tr_1"}', b"id=%00", b"\xff"])
def test_a_webhook_without_one_usable_id_is_refused(body: bytes) -> None:
    """A15."""
    with pytest.raises(Malformed):
        mollie.read_webhook(ACCOUNT, {}, body)


# ------------------------------------------------------------------ the truth on request


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("open", "created"),
        ("pending", "pending"),
        ("authorized", "authorized"),
        ("paid", "succeeded"),
        ("canceled", "canceled"),
        ("expired", "expired"),
        ("failed", "failed"),
        ("of_the_future", None),
    ],
)
def test_each_of_their_words_has_one_of_ours(
    api: responses.RequestsMock, word: str, status: str | None
) -> None:
    """handling-payment-status; an unknown word changes nothing (D7)."""
    news = fetch(api, status=word)

    assert (news.status, news.word) == (status, f"GET: {word}")
    assert (news.amount, news.currency, news.refunded) == (4999, "EUR", 0)
    assert news.provider_reference == ID


@pytest.mark.parametrize(
    ("details", "code", "sentence"),
    [
        ({"failureReason": "insufficient_funds"}, "insufficient_funds", "There is not enough"),
        ({"failureReason": "possible_fraud"}, "possible_fraud", "The payment failed."),
        ({}, None, "The payment failed."),
        (None, None, "The payment failed."),
    ],
)
def test_a_failure_is_told_with_its_reason(
    api: responses.RequestsMock, details: object, code: str | None, sentence: str
) -> None:
    """get-payment: ``details`` is null, left out, or an object."""
    news = fetch(api, status="failed", details=details)

    assert news.failure_code == code
    assert explain(mollie, ACCOUNT, code).startswith(sentence)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"amount": None},
        {"amount": {"value": "much", "currency": "EUR"}},
        {"amount": {"value": "49.99", "currency": None}},
        {"amount": {"value": 49.999, "currency": "EUR"}},
        {"status": ["paid"]},
        {"_embedded": {"refunds": ["x"]}},
        {"_embedded": {"refunds": [{"status": "refunded", "amount": None}]}},
        {"_embedded": {"refunds": None}},
        {"details": "declined"},
    ],
)
def test_an_answer_that_makes_no_sense_is_none(
    api: responses.RequestsMock, spoiled: dict[str, Any]
) -> None:
    with pytest.raises(Unreachable, match="not as documented"):
        fetch(api, **spoiled)


def test_an_answer_about_another_payment_is_none(api: responses.RequestsMock) -> None:
    with pytest.raises(Unreachable, match="about another payment"):
        fetch(api, id="tr_another")


@pytest.mark.parametrize("embedded", [None, {}, {"refunds": []}])
def test_what_is_not_embedded_has_not_happened(
    api: responses.RequestsMock, embedded: object
) -> None:
    news = fetch(api, _embedded=embedded)

    assert (news.status, news.refunded, news.dispute) == ("succeeded", 0, None)


def test_a_chargeback_takes_the_money_of_a_payment_that_stays_paid(
    api: responses.RequestsMock,
) -> None:
    """get-payment: ``amountChargedBack`` is there once there is a chargeback."""
    news = fetch(api, amountChargedBack={"value": "49.99", "currency": "EUR"})

    assert (news.status, news.dispute) == ("succeeded", "lost")


# ------------------------------------------------------------------ a page that the shopper left


def test_a_page_is_closed_by_its_id(api: responses.RequestsMock) -> None:
    api.delete(f"{API}/{ID}", json={**fixture("created.json"), "status": "canceled"})

    mollie.cancel(ACCOUNT, PAYMENT)

    assert "Idempotency-Key" not in api.calls[0].request.headers


def test_a_page_that_is_not_cancelable_stays_open(api: responses.RequestsMock) -> None:
    """cancel-payment: 422, without a field."""
    api.delete(f"{API}/{ID}", json={"detail": "The payment cannot be cancelled"}, status=422)

    with pytest.raises(Rejected, match="cannot be cancelled"):
        mollie.cancel(ACCOUNT, PAYMENT)
