"""How HitPay is called, and what its answers mean when they are no success."""

import socket
import threading
from dataclasses import replace
from typing import Any

import pytest
import requests
import responses

from providers import hitpay
from providers.contract import (
    ProviderError,
    Rejected,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    API,
    KEY,
    PAYMENT,
    fixture,
)


def test_what_is_wrong_with_the_fields_stands_in_the_log(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("invalid.json"), status=422)

    with pytest.raises(Rejected) as raised:
        hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert "amount: ['The amount must be between 0.3" in str(raised.value)
    assert "payment_methods: ['The selected payment methods is invalid.']" in str(raised.value)
    assert "0.3" not in raised.value.shopper


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (422, Rejected),
        (429, Unreachable),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
        (301, Unreachable),
    ],
)
@pytest.mark.parametrize("body", ["{}", '{"message": "no"}', '{"errors": "no"}', "[]", ""])
def test_an_error_is_asked_about_once_and_told_in_a_sentence(
    api: responses.RequestsMock, status: int, problem: type[ProviderError], body: str
) -> None:
    """No idempotency key: a call that is repeated makes a second payment request."""
    api.post(API, body=body, status=status)

    with pytest.raises(ProviderError) as raised:
        hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert isinstance(raised.value, problem)
    assert len(api.calls) == 1
    assert "Nothing was charged" in raised.value.shopper
    assert KEY not in repr(raised.value) + str(raised.value)


def test_a_call_whose_answer_is_lost_is_not_sent_again() -> None:
    """Over a real connection: the server reads the request and hangs up."""
    heard: list[bytes] = []

    def hang_up() -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536))
                if heard[-1] == b"stop":
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up)
        thread.start()
        address = server.getsockname()
        nearby = replace(ACCOUNT, base_url=f"http://127.0.0.1:{address[1]}")
        with pytest.raises(Unreachable):
            hitpay.start_checkout(nearby, PAYMENT, URLS)
        with socket.create_connection(address) as last:
            last.sendall(b"stop")
        thread.join()

    assert len(heard) == 2
    assert heard[0].startswith(b"POST /v1/payment-requests ")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon</html>"}, id="html"),
        pytest.param({"body": '{"id": "1"'}, id="truncated"),
        pytest.param({"json": []}, id="list"),
        pytest.param({"json": {"id": "1", "url": None}}, id="no_page"),
        pytest.param({"json": {"id": "../1", "url": "https://pay.example"}}, id="odd_id"),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_answer(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """E4."""
    api.post(API, **answer)

    with pytest.raises(Unreachable):
        hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)
