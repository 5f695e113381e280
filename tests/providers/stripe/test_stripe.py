"""The lesson against Stripe's documentation: what it sends, what it believes."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses

from providers import proof, stripe
from providers.contract import (
    Malformed,
    Redirect,
    ReferenceTaken,
    Unproven,
    Unreachable,
    WrongEnvironment,
)

from ..contract import URLS
from .case import ACCOUNT, API, INTENT, PAYMENT, SESSION, event, fixture, sign
from .reading import read

FETCH = f"{API}/v1/checkout/sessions/{SESSION}"
CREATE = f"{API}/v1/checkout/sessions"


# ------------------------------------------------------------------ the page


def test_a_session_is_asked_for_as_documented(api: responses.RequestsMock) -> None:
    """docs.stripe.com/api/checkout/sessions/create, /api/idempotent_requests, /api/versioning."""
    api.post(CREATE, json=fixture("created.json"))

    checkout = stripe.start_checkout(ACCOUNT, PAYMENT, URLS)

    sent = api.calls[0].request
    assert dict(parse_qsl(str(sent.body))) == {
        "mode": "payment",
        "metadata[reference]": "order-1",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "4999",
        "line_items[0][price_data][product_data][name]": "Order 1",
        "success_url": URLS.return_url,
    }
    assert sent.headers["Idempotency-Key"] == "order-1"
    assert sent.headers["Stripe-Version"] == "2026-06-24.dahlia"
    assert sent.headers["Authorization"].startswith("Basic ")
    assert checkout.provider_reference == SESSION
    assert isinstance(checkout.next_action, Redirect)
    assert checkout.next_action.url.endswith("#fid2cGd2ZndsdXFsamtQa2x0cGBr"), "needed by the page"


def test_a_retry_is_the_same_request(api: responses.RequestsMock) -> None:
    """Anything that changes with time would make it another one, which Stripe refuses."""
    for _ in range(2):
        api.post(CREATE, json=fixture("created.json"))
        stripe.start_checkout(ACCOUNT, PAYMENT, URLS)

    first, second = (each.request for each in api.calls)
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_a_key_that_was_sent_with_another_form_is_taken(api: responses.RequestsMock) -> None:
    """docs.stripe.com/api/idempotent_requests."""
    error = {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests …"}}
    api.post(CREATE, json=error, status=400)

    with pytest.raises(ReferenceTaken):
        stripe.start_checkout(ACCOUNT, PAYMENT, URLS)


@pytest.mark.parametrize("missing", ["id", "url"])
def test_a_session_without_id_or_page_is_no_answer(
    api: responses.RequestsMock, missing: str
) -> None:
    api.post(CREATE, json=fixture("created.json") | {missing: None})

    with pytest.raises(Unreachable):
        stripe.start_checkout(ACCOUNT, PAYMENT, URLS)


# ------------------------------------------------------------------ signatures

VECTOR = b'{"id":"evt_1","object":"event","type":"checkout.session.completed"}'
V1 = {
    "whsec_sandbox_0001": "e4257082eb885984a31a3bd2de9d686dad3309eb52aecb3dd1a41f0cfb2c7c04",
    "whsec_sandbox_0002": "1664c2d632de23b4acfd9a1caf311bb8333a5fdd80e5a04a5d5b3131b6ca6fd9",
}
FIRST, SECOND = V1.values()
FOR_EVER = 10**10  # seconds: the vectors are of 2023


@pytest.mark.parametrize(
    "header",
    [f"t=1700000000,v1={FIRST}", f"t=1700000000,v1={SECOND},v1={FIRST},v0=abc"],
    ids=["one", "while a secret is rolled"],
)
def test_what_stripes_own_library_accepts_is_accepted(header: str) -> None:
    proof.check_timed_hmac("Stripe-Signature", header, VECTOR, ["whsec_sandbox_0001"], FOR_EVER)


@pytest.mark.parametrize("header", [f"t=1700000001,v1={FIRST}", f"t=1700000000,v0={FIRST}"])
def test_what_stripes_own_library_refuses_is_refused(header: str) -> None:
    with pytest.raises(Unproven):
        proof.check_timed_hmac("Stripe-Signature", header, VECTOR, [*V1][:1], FOR_EVER)


def test_a_delivery_from_long_ago_is_refused() -> None:
    body = event("completed.json")

    with pytest.raises(Unproven, match="signed"):
        stripe.read_webhook(ACCOUNT, {"stripe-signature": sign(body, at=1700000000)}, body)


@pytest.mark.parametrize("account_is_live", [False, True])
def test_an_event_of_the_other_mode_is_refused(account_is_live: bool) -> None:
    account = replace(ACCOUNT, live=account_is_live)
    body = event("completed.json").replace(
        b'"livemode": false', f'"livemode": {str(not account_is_live).lower()}'.encode()
    )

    with pytest.raises(WrongEnvironment):
        stripe.read_webhook(account, {"stripe-signature": sign(body)}, body)


# ------------------------------------------------------------------ sessions


def test_a_completed_session_names_both_ids() -> None:
    news = read(event("completed.json"))

    assert (news.provider_reference, news.reference) == (SESSION, "order-1")
    assert (news.status, news.amount, news.currency) == ("succeeded", 4999, "USD")
    assert news.transaction_id == news.provider_state == INTENT
    assert news.event_key == "evt_1Pgc76B7WZ01zgkWwyRHS12y"


@pytest.mark.parametrize(
    ("name", "status", "payment_status", "ours"),
    [
        ("completed", "complete", "paid", "succeeded"),
        ("completed", "complete", "unpaid", "pending"),
        ("async_payment_succeeded", "complete", "paid", "succeeded"),
        ("async_payment_failed", "complete", "unpaid", "failed"),
        ("expired", "expired", "unpaid", "expired"),
    ],
)
def test_each_event_of_a_session_has_its_status(
    name: str, status: str, payment_status: str, ours: str
) -> None:
    """docs.stripe.com/checkout/fulfillment."""
    body = event("completed.json", status=status, payment_status=payment_status)

    news = read(body.replace(b"session.completed", f"session.{name}".encode()))

    assert (news.status, news.check) == (ours, False)


def test_an_unknown_pair_of_words_is_asked_about() -> None:
    news = read(event("completed.json", payment_status="no_payment_required"))

    assert (news.status, news.check) == (None, True)


@pytest.mark.parametrize("name", ["amount_total", "currency"])
def test_a_session_that_does_not_say_how_much_is_asked_about(name: str) -> None:
    """P8, P9."""
    news = read(event("completed.json", **{name: None}))

    assert (news.status, news.check) == (None, True)


def test_an_event_that_is_not_used_changes_nothing() -> None:
    body = event("completed.json").replace(b"checkout.session.completed", b"customer.created")

    news = read(body.replace(b"checkout.session", b"customer"))

    assert (news.status, news.amount, news.word) == (None, None, "customer.created")


@pytest.mark.parametrize(
    "spoiled", [{"id": None}, {"id": "evt 1"}, {"type": 7}, {"data": []}, {"data": {"object": 7}}]
)
def test_an_event_without_its_envelope_is_malformed(spoiled: dict[str, Any]) -> None:
    """A15."""
    with pytest.raises(Malformed):
        read(json.dumps(fixture("completed.json") | spoiled).encode())


@pytest.mark.parametrize("said", [True, "4999", -1, 10**30, [], {}])
def test_a_sum_that_is_no_integer_is_malformed(said: object) -> None:
    """B17."""
    with pytest.raises(Malformed):
        read(event("completed.json", amount_total=said))


def test_a_currency_that_stripe_counts_otherwise_is_not_offered() -> None:
    """docs.stripe.com/currencies: 5 ISK are 500 there."""
    account = replace(ACCOUNT, currencies=("ISK", "JPY", "KWD", "MGA", "UGX", "USD"))

    assert stripe.capabilities(account).currencies == ("JPY", "KWD", "USD")


# ------------------------------------------------------------------ asked


def test_the_answer_counts_what_was_refunded(api: responses.RequestsMock) -> None:
    """docs.stripe.com/expand."""
    api.get(f"{FETCH}?expand[]=payment_intent.latest_charge", json=fixture("fetched_paid.json"))

    (news,) = stripe.fetch_payment(ACCOUNT, PAYMENT)

    assert (news.status, news.amount, news.refunded) == ("partially_refunded", 4999, 1500)
    assert news.transaction_id == news.provider_state == INTENT


@pytest.mark.parametrize(
    ("refunded", "status"), [(0, "succeeded"), (1, "partially_refunded"), (4999, "refunded")]
)
def test_what_was_refunded_is_the_running_total(
    api: responses.RequestsMock, refunded: int, status: str
) -> None:
    session = fixture("fetched_paid.json")
    session["payment_intent"]["latest_charge"]["amount_refunded"] = refunded
    api.get(FETCH, json=session)

    (news,) = stripe.fetch_payment(ACCOUNT, PAYMENT)

    assert (news.status, news.refunded) == (status, refunded)


def test_a_page_is_closed_by_expiring_its_session(api: responses.RequestsMock) -> None:
    """docs.stripe.com/api/checkout/sessions/expire."""
    api.post(f"{FETCH}/expire", json=fixture("created.json") | {"status": "expired"})

    stripe.cancel(ACCOUNT, PAYMENT)


def test_an_open_session_is_not_paid(api: responses.RequestsMock) -> None:
    api.get(FETCH, json=fixture("created.json"))

    (news,) = stripe.fetch_payment(ACCOUNT, PAYMENT)

    assert (news.status, news.amount, news.transaction_id) == ("created", None, None)


@pytest.mark.parametrize(
    "changes", [{"id": "cs_test_other"}, {"id": None}, {"payment_intent": {"id": 7}}]
)
def test_an_answer_that_makes_no_sense_is_none(
    api: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    api.get(FETCH, json=fixture("fetched_paid.json") | changes)

    with pytest.raises(Unreachable):
        stripe.fetch_payment(ACCOUNT, PAYMENT)


@pytest.mark.parametrize("name", ["amount_total", "amount_refunded"])
def test_an_answer_without_a_sum_moves_nothing_and_is_not_asked_for_at_once(
    api: responses.RequestsMock, name: str
) -> None:
    session = fixture("fetched_paid.json")
    charge = session["payment_intent"]["latest_charge"]
    (session if name in session else charge)[name] = None
    api.get(FETCH, json=session)

    (news,) = stripe.fetch_payment(ACCOUNT, PAYMENT)

    assert (news.status, news.check) == (None, False)
