"""One request for each line, told as one payment."""

import json
from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import request_network
from providers.contract import (
    Line,
    Part,
    Unreachable,
)
from providers.request_network import parts

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    DESTINATION,
    PAYMENT,
    REQUEST_ID,
    SECOND_ID,
    STATUS,
    TRON,
    fixture,
)


def lines(*amounts: int) -> tuple[Line, ...]:
    return tuple(Line(f"Thing {number}", amount) for number, amount in enumerate(amounts, 1))


ITEMIZED = replace(ACCOUNT, itemized=True)


def test_each_line_is_asked_for_by_a_request_of_its_own(api: responses.RequestsMock) -> None:
    answer = fixture("created.json") | {"requestIds": [REQUEST_ID, SECOND_ID]}
    api.post(CREATE, json=answer, status=201)
    account = replace(ITEMIZED, destination_id=DESTINATION)

    checkout = request_network.start_checkout(
        account, replace(PAYMENT, lines=lines(4000, 999)), URLS
    )

    assert checkout.provider_reference == REQUEST_ID
    assert checkout.parts == (Part(REQUEST_ID, 4000), Part(SECOND_ID, 999))
    assert json.loads(api.calls[0].request.body or "")["requests"] == [
        {"amount": "40.00", "destinationId": DESTINATION},
        {"amount": "9.99", "destinationId": DESTINATION},
    ]


@pytest.mark.parametrize(
    ("account", "parts"),
    [
        pytest.param(ACCOUNT, lines(4000, 999), id="not_wanted"),
        pytest.param(ITEMIZED, (), id="no_lines"),
        pytest.param(ITEMIZED, lines(4999), id="one_line"),
        pytest.param(ITEMIZED, lines(4000, 998), id="not_the_sum"),
        pytest.param(ITEMIZED, lines(5099, -100), id="discount"),
        pytest.param(ITEMIZED, lines(4999, 0), id="gift"),
        pytest.param(ITEMIZED, lines(*[1] * 200, 4799), id="too_many"),
        pytest.param(replace(ITEMIZED, destination_id=TRON), lines(4000, 999), id="tron"),
    ],
)
def test_otherwise_there_is_one_request_for_all(
    api: responses.RequestsMock, account: Any, parts: tuple[Line, ...]
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)

    checkout = request_network.start_checkout(account, replace(PAYMENT, lines=parts), URLS)

    assert checkout.parts == ()
    (wanted,) = json.loads(api.calls[0].request.body or "")["requests"]
    assert wanted["amount"] == "49.99"


@pytest.mark.parametrize(
    "ids",
    [[REQUEST_ID], [REQUEST_ID, REQUEST_ID], [REQUEST_ID, SECOND_ID, "01ab"], [REQUEST_ID, 1]],
)
def test_an_answer_without_an_id_for_each_line_is_no_answer(
    api: responses.RequestsMock, ids: list[object]
) -> None:
    api.post(CREATE, json=fixture("created.json") | {"requestIds": ids}, status=201)

    with pytest.raises(Unreachable):
        request_network.start_checkout(ITEMIZED, replace(PAYMENT, lines=lines(4000, 999)), URLS)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pause between calls, which takes no time here."""
    waited: list[float] = []
    monkeypatch.setattr("providers.request_network.parts.time.sleep", waited.append)
    return waited


@pytest.mark.parametrize(
    ("first", "second", "status", "word", "amount"),
    [
        ("paid", "paid", "succeeded", "GET: 2 of 2 paid", 9998),
        ("paid", "partial", "partially_paid", "GET: 1 of 2 paid", 6999),
        ("paid", "unpaid", "partially_paid", "GET: 1 of 2 paid", 4999),
        ("unpaid", "paid", "partially_paid", "GET: 1 of 2 paid", 4999),
        ("partial", "unpaid", "partially_paid", "GET: 0 of 2 paid", 2000),
        ("unpaid", "unpaid", "created", "GET: 0 of 2 paid", None),
        ("paid", "untold", "succeeded", "GET: 2 of 2 paid", None),
        ("untold", "unpaid", None, "GET: 1 of 2 paid", None),
    ],
)
def test_the_parts_of_a_link_are_told_as_one_sum(
    api: responses.RequestsMock,
    pauses: list[float],
    first: str,
    second: str,
    status: str | None,
    word: str,
    amount: int | None,
) -> None:
    answers = {
        "paid": fixture("request_paid.json"),
        "partial": fixture("request_partial.json"),
        "unpaid": fixture("request_paid.json") | {"hasBeenPaid": False},
        "untold": fixture("request_paid.json") | {"requestAmount": None},
    }
    api.get(STATUS, json=answers[first])
    api.get(STATUS.replace(REQUEST_ID, SECOND_ID), json=answers[second] | {"requestId": SECOND_ID})

    (news,) = request_network.fetch_payment(
        ACCOUNT, replace(PAYMENT, parts=(REQUEST_ID, SECOND_ID))
    )

    assert news is not None
    assert (news.status, news.word, news.amount) == (status, word, amount)
    assert news.provider_reference == REQUEST_ID
    assert news.currency == (None if status == "created" else "USD")
    assert bool(news.problem) is (status is None)
    assert pauses == [parts.PAUSE]


def test_parts_paid_in_different_coins_are_left_to_a_person(
    api: responses.RequestsMock, pauses: list[float]
) -> None:
    paid = fixture("request_paid.json")
    api.get(STATUS, json=paid)
    other = paid | {"requestId": SECOND_ID, "invoiceCurrency": "WETH"}
    api.get(STATUS.replace(REQUEST_ID, SECOND_ID), json=other)

    (news,) = request_network.fetch_payment(
        ACCOUNT, replace(PAYMENT, parts=(REQUEST_ID, SECOND_ID))
    )

    assert news is not None
    assert (news.status, news.amount) == (None, None)
    assert news.problem == "Request Network says that parts were paid in USD and WETH"


def test_without_an_answer_about_one_part_nothing_is_known(
    api: responses.RequestsMock, pauses: list[float]
) -> None:
    api.get(STATUS, json=fixture("request_paid.json"))
    api.get(STATUS.replace(REQUEST_ID, SECOND_ID), json={}, status=429)

    with pytest.raises(Unreachable):
        request_network.fetch_payment(ACCOUNT, replace(PAYMENT, parts=(REQUEST_ID, SECOND_ID)))
