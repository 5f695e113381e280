"""How Request Network is called, and what its answers mean when they are no success."""

from typing import Any

import pytest
import requests
import responses

from providers import request_network
from providers.contract import (
    Rejected,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    PAYMENT,
    STATUS,
    fixture,
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error_text.json", "Destination does not match the configured payment destination."),
        ("error_list.json", "requests.0.amount: Required"),
        ("error_fields.json", "Validation failed; redirectUrl: Invalid url"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_error_is_one_sentence_for_the_shopper_and_exact_words_for_the_log(
    api: responses.RequestsMock, status: int, name: str, words: str
) -> None:
    api.post(CREATE, json=fixture(name), status=status)

    with pytest.raises(Rejected) as raised:
        request_network.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert str(raised.value) == f"POST /v2/secure-payments: HTTP {status} {words}"
    assert "Nothing was charged" in raised.value.shopper


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"json": {}, "status": 429}, id="429"),
        pytest.param({"json": {}, "status": 500}, id="500"),
        pytest.param({"json": {}, "status": 502}, id="502"),
        pytest.param({"json": {}, "status": 503}, id="503"),
        pytest.param({"json": {}, "status": 301}, id="redirect"),
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon"}, id="html"),
        pytest.param({"body": ""}, id="empty"),
        pytest.param({"json": []}, id="list"),
        pytest.param(
            {"json": {"message": ["x", {"path": 1}], "errors": 1}, "status": 500}, id="odd"
        ),
        pytest.param({"json": fixture("created.json") | {"securePaymentUrl": None}}, id="no_page"),
        pytest.param({"json": fixture("created.json") | {"requestIds": None}}, id="no_ids"),
        pytest.param({"json": fixture("created.json") | {"requestIds": []}}, id="empty_ids"),
        pytest.param({"json": fixture("created.json") | {"requestIds": ["a", "b"]}}, id="two_ids"),
        pytest.param({"json": fixture("created.json") | {"requestIds": ["../x"]}}, id="odd_id"),
        pytest.param({"json": fixture("created.json") | {"requestIds": [1]}}, id="number_id"),
    ],
)
def test_no_usable_answer_leaves_open_what_happened_and_is_never_repeated(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """C7, E4: there is no idempotency key, so a second call would be a second request."""
    api.post(CREATE, **answer)

    with pytest.raises(Unreachable):
        request_network.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1


def test_asking_is_repeated(api: responses.RequestsMock) -> None:
    api.get(STATUS, json={}, status=503)
    api.get(STATUS, json=fixture("request_paid.json"))

    assert request_network.fetch_payment(ACCOUNT, PAYMENT)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"requestId": "01ab"}, id="another_request"),
        pytest.param({"requestId": None}, id="no_id"),
        pytest.param({"hasBeenPaid": None}, id="does_not_say"),
        pytest.param({"hasBeenPaid": "true"}, id="text"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    api: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    api.get(STATUS, json={**fixture("request_paid.json"), **changes})

    with pytest.raises(Unreachable):
        request_network.fetch_payment(ACCOUNT, PAYMENT)
