"""The field of the price, which the documentation names in two ways."""

import json
from typing import Any

import pytest
import requests
import responses

from providers import handcash
from providers.contract import (
    Rejected,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    IN_BSV,
    PAYMENT,
    REQUEST_ID,
    fixture,
)

NOT_ALLOWED = "denominationCurrencyCode is not allowed"


@pytest.mark.parametrize(
    "message",
    [
        NOT_ALLOWED,
        '"denominationCurrencyCode" is not allowed',
        'Validation failed: "denominationCurrencyCode" is not allowed',
        '"currency" is required',
        '"currency" is required. "denominationCurrencyCode" is not allowed',
    ],
)
def test_a_price_field_that_is_refused_by_name_is_sent_under_the_other(
    api: responses.RequestsMock, message: str
) -> None:
    """T17: HandCash's own sources disagree on it; the refused call has made nothing."""
    api.post(CREATE, json={"message": message}, status=400)
    api.post(CREATE, json=fixture("created.json"))

    checkout = handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == REQUEST_ID
    first, second = (json.loads(call.request.body or "") for call in api.calls)
    assert first.pop("denominationCurrencyCode") == second.pop("currency") == "USD"
    assert first == second


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, '"instrumentCurrencyCode" must be one of [MNEE, BSV]'),
        (400, '"receivers[0].currencyCode" is not allowed'),
        (400, '"receivers[0].currency" is required'),
        (400, '"denominationCurrencyCode" must be one of [USD, EUR]'),
        (400, '"instrumentCurrency" is required'),
        (400, '"instrument currency" is required'),
        (400, '"receivers[0].denominationCurrencyCode" is not allowed'),
        (400, '"denominationCurrencyCodes" is not allowed'),
        (400, '"currency" is not allowed'),
        (400, '"currency" must be a string'),
        (401, NOT_ALLOWED),
        (409, NOT_ALLOWED),
    ],
)
def test_whatever_else_is_refused_is_sent_once(
    api: responses.RequestsMock, status: int, message: str
) -> None:
    """T17: exactly that 400."""
    api.post(CREATE, json={"message": message}, status=status)

    with pytest.raises(Rejected):
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"json": {"message": '"currency" is not allowed'}, "status": 400}, Rejected),
        ({"json": {"message": NOT_ALLOWED}, "status": 400}, Rejected),
        ({"json": {}, "status": 503}, Unreachable),
        ({"body": requests.ReadTimeout()}, Unreachable),
    ],
)
def test_there_is_no_third_call(
    api: responses.RequestsMock, answer: dict[str, Any], problem: type[Exception]
) -> None:
    """T17: the second may have made a request."""
    api.post(CREATE, json={"message": NOT_ALLOWED}, status=400)
    api.post(CREATE, **answer)

    with pytest.raises(problem):
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 2


@pytest.mark.parametrize("message", [NOT_ALLOWED, '"currency" is required'])
def test_a_price_in_the_coin_has_no_such_field_and_is_sent_once(
    api: responses.RequestsMock, message: str
) -> None:
    """T17: nothing of it was refused, whatever the answer says."""
    api.post(CREATE, json={"message": message}, status=400)

    with pytest.raises(Rejected):
        handcash.start_checkout(ACCOUNT, IN_BSV, URLS)

    assert len(api.calls) == 1
    sent = json.loads(api.calls[0].request.body or "")
    assert not {"currency", "denominationCurrencyCode"} & sent.keys()
    assert sent["instrumentCurrencyCode"] == "BSV"
    assert sent["receivers"][0]["sendAmount"] == 0.00012345
