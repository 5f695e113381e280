"""How HandCash is called, and what its answers mean when they are no success."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from providers import handcash
from providers.contract import (
    Rejected,
    Unreachable,
)
from providers.handcash.api import json_number

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    PAYMENT,
    REQUEST_ID,
    SECRET,
    fixture,
)


@pytest.mark.parametrize(
    ("minor", "written"),
    [
        (1, b"0.01"),
        (10, b"0.1"),
        (2400, b"24.0"),
        (4999, b"49.99"),
        (999999999999, b"9999999999.99"),
    ],
)
def test_an_amount_is_written_as_a_plain_json_number(
    api: responses.RequestsMock, minor: int, written: bytes
) -> None:
    api.post(CREATE, json=fixture("created.json"))

    handcash.start_checkout(ACCOUNT, replace(PAYMENT, amount=minor), URLS)

    body = api.calls[0].request.body
    assert isinstance(body, bytes)
    assert b'"sendAmount": ' + written + b"," in body


@pytest.mark.parametrize(
    ("minor", "currency", "price"),
    [
        (1200, "JPY", 1200),
        (1, "KWD", 0.001),
        (1234, "KWD", 1.234),
        (10**10, "BSV", 0.00000001),
        (12345 * 10**10, "BSV", 0.00012345),
        (21 * 10**24, "BSV", 21_000_000),
        (123456789012345 * 10**10, "BSV", 1234567.89012345),
    ],
)
def test_a_price_has_the_decimals_of_its_currency(
    api: responses.RequestsMock, minor: int, currency: str, price: float
) -> None:
    api.post(CREATE, json=fixture("created.json"))

    handcash.start_checkout(ACCOUNT, replace(PAYMENT, amount=minor, currency=currency), URLS)

    sent = json.loads(api.calls[0].request.body or "", parse_float=Decimal)
    assert sent["receivers"][0]["sendAmount"] == Decimal(str(price))
    assert sent.get("denominationCurrencyCode", "BSV") == currency


@pytest.mark.parametrize("minor", [1, 10**10 - 1, 10**10 + 1, 12345678901234567 * 10**10])
def test_what_cannot_be_written_exactly_is_refused_before_it_is_sent(
    api: responses.RequestsMock, minor: int
) -> None:
    """Of a coin, ninth decimals are none; of more than 15 digits a JSON number loses some."""
    with pytest.raises(Rejected, match="cannot be written as a price"):
        handcash.start_checkout(ACCOUNT, replace(PAYMENT, amount=minor, currency="BSV"), URLS)

    assert len(api.calls) == 0


@given(satoshis=st.integers(1, 10**15 - 1))
def test_no_price_in_the_coin_loses_or_gains_a_satoshi_on_the_wire(satoshis: int) -> None:
    written = json.dumps(json_number(satoshis * 10**10, "BSV"))

    assert json.loads(written, parse_float=Decimal) * 10**8 == satoshis


@given(minor=st.integers(1, 10**14))
def test_no_amount_loses_or_gains_a_cent_on_the_wire(minor: int) -> None:
    written = json.dumps(json_number(minor, "USD"))

    assert json.loads(written, parse_float=Decimal) * 100 == minor
    assert "e" not in written


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 450])
def test_an_error_is_one_sentence_for_the_shopper_and_exact_words_for_the_log(
    api: responses.RequestsMock, status: int
) -> None:
    api.post(CREATE, json=fixture("error.json"), status=status)

    with pytest.raises(Rejected) as raised:
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert f'HTTP {status} "instrumentCurrencyCode" must be one of' in str(raised.value)
    assert "Nothing was charged" in raised.value.shopper
    assert SECRET not in repr(raised.value) + str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"json": {}, "status": 500}, id="500"),
        pytest.param({"json": {}, "status": 502}, id="502"),
        pytest.param({"json": {}, "status": 503}, id="503"),
        pytest.param({"json": {}, "status": 301}, id="redirect"),
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon"}, id="html"),
        pytest.param({"body": '{"id": "66a2'}, id="truncated"),
        pytest.param({"body": ""}, id="empty"),
        pytest.param({"json": []}, id="list"),
        pytest.param({"json": {"id": REQUEST_ID, "paymentRequestUrl": None}}, id="no_page"),
        pytest.param({"json": {"paymentRequestUrl": "https://pay.handcash.io/1"}}, id="no_id"),
    ],
)
def test_no_usable_answer_leaves_open_what_happened_and_is_never_repeated(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """C7, E4: there is no idempotency key, so a second call would be a second request."""
    api.post(CREATE, **answer)

    with pytest.raises(Unreachable):
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1
