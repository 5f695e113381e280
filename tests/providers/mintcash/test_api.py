"""How MintCash is called, and what its answers mean when they are no success."""

from typing import Any

import pytest
import requests
import responses

from providers import mintcash
from providers.contract import (
    ProviderError,
    ReferenceTaken,
    Rejected,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    PAYMENT,
    fixture,
)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (409, ReferenceTaken),
        (499, Rejected),
        (500, Unreachable),
        (301, Unreachable),
    ],
)
def test_an_error_is_one_sentence_for_the_shopper_and_exact_words_for_the_log(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    api.post("https://sandbox.mintcash.me/payments", json=fixture("error.json"), status=status)

    with pytest.raises(problem) as raised:
        mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert type(raised.value) is problem
    assert "currency is not supported (requestId req_81k2)" in str(raised.value)
    assert "req_81k2" not in raised.value.shopper
    assert "Nothing was charged" in raised.value.shopper
    assert "sk_test_1" not in repr(raised.value) + str(raised.value)


@pytest.mark.parametrize("status", [502, 503])
def test_502_and_503_are_repeated_with_the_same_external_id(
    api: responses.RequestsMock, status: int
) -> None:
    api.post("https://sandbox.mintcash.me/payments", json={}, status=status)
    api.post("https://sandbox.mintcash.me/payments", json={}, status=status)
    api.post("https://sandbox.mintcash.me/payments", json=fixture("created_flat.json"))

    mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    bodies = {call.request.body for call in api.calls}
    assert len(api.calls) == 3
    assert len(bodies) == 1, "every retry is the same request"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>Bad gateway</html>"}, id="html"),
        pytest.param({"body": '{"id": "pmt_1"'}, id="truncated"),
        pytest.param({"json": []}, id="list"),
        pytest.param({"json": {"id": "pmt_1", "redirectUrl": None}}, id="no_page"),
        pytest.param({"json": {"payment": "x", "redirectUrl": "https://pay.example"}}, id="no_id"),
        pytest.param({"body": b'"' + b"x" * 1_100_000 + b'"'}, id="too_large"),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_answer(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """E4: unknown is not refused; the same reference may be sent again."""
    api.post("https://sandbox.mintcash.me/payments", **answer)

    with pytest.raises(Unreachable):
        mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)
