"""Refunds at MintCash: asked for once, told apart, refused with a reason."""

import json
from typing import Any

import pytest
import requests
import responses

from providers import mintcash
from providers.contract import (
    ProviderError,
    Rejected,
    Unreachable,
)
from providers.optional import Refunded, RefundRequest

from .case import (
    ACCOUNT,
    PAYMENT,
    fixture,
)

REFUND_API = "https://sandbox.mintcash.me/payments/pmt_7Hq2mZ0c/refund"
REFUND_REPLY = {
    "id": "rf_1",
    "paymentId": "pmt_7Hq2mZ0c",
    "externalId": "refund-1",
    "status": "succeeded",
    "amount": 15,
    "currency": "USD",
    "providerRefundId": "cpr_1",
    "failureCode": None,
    "failureMessage": None,
    "paymentAmountRefunded": 15,
    "paymentAmountRefundable": 34.99,
    "createdAt": "2026-05-22T14:32:08.412Z",
}


def ask_for_refund(amount: int = 1500) -> Refunded:
    return mintcash.refund(ACCOUNT, PAYMENT, RefundRequest("refund-1", amount, refunded_before=0))


def test_a_refund_is_asked_for_in_minor_units_with_our_reference(
    api: responses.RequestsMock,
) -> None:
    api.post(REFUND_API, json=REFUND_REPLY)

    assert ask_for_refund() == Refunded("rf_1", done=True)

    assert json.loads(api.calls[0].request.body or "") == {"externalId": "refund-1", "amount": 1500}


def test_a_refund_without_an_answer_is_asked_for_again_as_it_was(
    api: responses.RequestsMock,
) -> None:
    api.post(REFUND_API, json={}, status=502)
    api.post(REFUND_API, json=REFUND_REPLY)

    assert ask_for_refund().done
    assert len({call.request.body for call in api.calls}) == 1


@pytest.mark.parametrize("status", ["pending", "processing", None])
def test_a_refund_under_way_is_not_done(api: responses.RequestsMock, status: str | None) -> None:
    api.post(REFUND_API, json=REFUND_REPLY | {"status": status})

    assert ask_for_refund() == Refunded("rf_1", done=False)


def test_a_refund_that_fails_at_once_is_refused_with_its_reason(
    api: responses.RequestsMock,
) -> None:
    api.post(REFUND_API, json=REFUND_REPLY | {"status": "failed", "failureCode": "card_closed"})

    with pytest.raises(Rejected, match="card_closed"):
        ask_for_refund()


@pytest.mark.parametrize(
    ("status", "problem"),
    [(400, Rejected), (404, Rejected), (409, Rejected), (422, Rejected), (500, Unreachable)],
)
def test_a_refund_that_is_refused_holds_the_exact_words(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    """What 409 and 422 are called is not documented: the status decides."""
    api.post(REFUND_API, json=fixture("error.json"), status=status)

    with pytest.raises(problem, match="requestId req_81k2"):
        ask_for_refund()


@pytest.mark.parametrize("answer", [{"json": {}}, {"json": []}, {"body": requests.ReadTimeout()}])
def test_a_refund_with_an_odd_answer_may_have_been_made(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    api.post(REFUND_API, **answer)

    with pytest.raises(Unreachable):
        ask_for_refund()
