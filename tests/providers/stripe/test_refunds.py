"""Stripe's refunds and disputes, which name the intent only."""

from urllib.parse import parse_qsl

import pytest
import responses

from providers import stripe
from providers.contract import Rejected, Unreachable
from providers.optional import Refunded, RefundRequest

from .case import ACCOUNT, API, INTENT, PAYMENT, event, fixture
from .reading import read

REFUNDS = f"{API}/v1/refunds"
WANTED = RefundRequest("refund-1", amount=1500, refunded_before=0)


def listed(*refunds: object) -> dict[str, object]:
    return {"object": "list", "data": [*refunds], "has_more": False}


def test_a_refund_is_asked_for_by_the_intent(api: responses.RequestsMock) -> None:
    """docs.stripe.com/api/refunds/create."""
    api.get(f"{REFUNDS}?payment_intent={INTENT}&limit=100", json=listed())
    api.post(REFUNDS, json=fixture("refund.json"))

    done = stripe.refund(ACCOUNT, PAYMENT, WANTED)

    sent = api.calls[1].request
    assert dict(parse_qsl(str(sent.body))) == {
        "payment_intent": INTENT,
        "amount": "1500",
        "metadata[reference]": "refund-1",
    }
    assert sent.headers["Idempotency-Key"] == "refund-1"
    assert done == Refunded("re_1Pgc72B7WZ01zgkWqPvrRrPE", done=True)


@pytest.mark.parametrize(
    ("status", "done"), [("succeeded", True), ("pending", False), ("requires_action", False)]
)
def test_a_refund_that_is_there_is_not_made_again(
    api: responses.RequestsMock, status: str, done: bool
) -> None:
    """Stripe forgets a key after a day, and a worker may try for longer."""
    api.get(REFUNDS, json=listed(fixture("refund.json") | {"status": status}))

    assert stripe.refund(ACCOUNT, PAYMENT, WANTED).done is done
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_failed_is_refused_with_its_reason(
    api: responses.RequestsMock, status: str
) -> None:
    failed = fixture("refund.json") | {"status": status, "failure_reason": "insufficient_funds"}
    api.get(REFUNDS, json=listed(failed))

    with pytest.raises(Rejected, match="insufficient_funds"):
        stripe.refund(ACCOUNT, PAYMENT, WANTED)


@pytest.mark.parametrize("metadata", [None, {}, {"reference": "refund-0"}])
def test_the_refund_of_another_is_not_ours(api: responses.RequestsMock, metadata: object) -> None:
    """The dashboard's have no metadata."""
    api.get(REFUNDS, json=listed(fixture("refund.json") | {"metadata": metadata}))
    api.post(REFUNDS, json=fixture("refund.json"))

    assert stripe.refund(ACCOUNT, PAYMENT, WANTED).done
    assert len(api.calls) == 2


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": 7}])
def test_a_list_that_is_none_makes_no_refund(
    api: responses.RequestsMock, body: dict[str, object]
) -> None:
    api.get(REFUNDS, json=body)

    with pytest.raises(Unreachable):
        stripe.refund(ACCOUNT, PAYMENT, WANTED)


def test_a_charge_that_was_refunded_is_asked_about() -> None:
    """The answer counts every refund (test_stripe.py)."""
    news = read(event("charge_refunded.json"))

    assert (news.provider_reference, news.reference) == (INTENT, None)
    assert (news.status, news.check) == (None, True)


def test_a_refund_that_fails_after_it_succeeded_is_refused_with_its_reason() -> None:
    """docs.stripe.com/testing, card 4000 0000 0000 5126."""
    news = read(event("refund_failed.json"))

    assert (news.provider_reference, news.status) == (INTENT, None)
    assert news.refund_refused == "expired_or_canceled_card"
    assert news.refund_reference == "refund-1"


@pytest.mark.parametrize("metadata", [None, {}, {"theirs": "x"}])
def test_a_refund_that_was_made_elsewhere_bears_no_reference_of_ours(metadata: object) -> None:
    assert read(event("refund_failed.json", metadata=metadata)).refund_reference is None


@pytest.mark.parametrize(
    ("name", "status", "dispute"),
    [
        ("created", "needs_response", "opened"),
        ("created", "warning_needs_response", None),
        ("closed", "lost", "lost"),
        ("closed", "won", "won"),
        ("closed", "warning_closed", None),
        ("closed", "what is added later", None),
        ("updated", "under_review", None),
    ],
)
def test_a_dispute_begins_and_ends(name: str, status: str, dispute: str | None) -> None:
    """docs.stripe.com/api/disputes/object; no money moves for an inquiry ("warning")."""
    body = event("dispute_created.json", status=status)

    news = read(body.replace(b"dispute.created", f"dispute.{name}".encode()))

    assert (news.provider_reference, news.status, news.dispute) == (INTENT, None, dispute)
