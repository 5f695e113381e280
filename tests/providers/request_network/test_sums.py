"""What an answer of Request Network says came in."""

from typing import Any

import pytest
import responses

from providers import request_network

from .case import (
    ACCOUNT,
    API_KEY,
    PAYMENT,
    STATUS,
    fixture,
)


@pytest.mark.parametrize(
    ("name", "changes", "status", "word", "amount", "currency"),
    [
        ("request_paid.json", {}, "succeeded", "GET: paid", 4999, "USD"),
        ("request_paid.json", {"requestAmount": None}, "succeeded", "GET: paid", None, "USD"),
        ("request_paid.json", {"requestAmount": "24,00"}, "succeeded", "GET: paid", None, "USD"),
        ("request_paid.json", {"requestAmount": "-1"}, "succeeded", "GET: paid", None, "USD"),
        ("request_paid.json", {"requestAmount": 49.99}, "succeeded", "GET: paid", 4999, "USD"),
        ("request_paid.json", {"requestAmount": 24}, "succeeded", "GET: paid", 2400, "USD"),
        ("request_paid.json", {"invoiceCurrency": None}, "succeeded", "GET: paid", 4999, None),
        (
            "request_paid.json",
            {"conversionBreakdown": {"paidAmount": ["1"]}},
            "succeeded",
            "GET: paid",
            4999,
            "USD",
        ),
        (
            "request_paid.json",
            {"conversionBreakdown": {"paidAmount": 20, "paidCurrency": "EURC"}},
            "succeeded",
            "GET: paid",
            2000,
            "EUR",
        ),
        ("request_paid.json", {"status": "new"}, "succeeded", "GET: new", 4999, "USD"),
        (
            "request_paid.json",
            {"invoiceCurrency": "WETH"},
            "succeeded",
            "GET: paid",
            4999 * 10**16,
            "WETH",
        ),
        (
            "request_paid.json",
            {"conversionBreakdown": {"paidAmount": "50.5"}},
            "succeeded",
            "GET: paid",
            5050,
            "USD",
        ),
        ("request_paid.json", {"hasBeenPaid": False}, "created", "GET: not paid", None, None),
        (
            "request_partial.json",
            {},
            "partially_paid",
            "GET: partially_paid",
            2000,
            "USD",
        ),
        (
            "request_partial.json",
            {"conversionBreakdown": {"paidAmount": 20}},
            "partially_paid",
            "GET: partially_paid",
            2000,
            "USD",
        ),
        ("request_partial.json", {"status": "new"}, "created", "GET: new", None, None),
    ],
)
def test_the_status_is_told_with_the_amount_where_it_is_given(
    api: responses.RequestsMock,
    name: str,
    changes: dict[str, Any],
    status: str,
    word: str,
    amount: int | None,
    currency: str | None,
) -> None:
    """D7, P1, P9, P16: of a request that is ours and paid in full, the amount is a comparison."""
    api.get(STATUS, json={**fixture(name), **changes})

    (news,) = request_network.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.word) == (status, word)
    assert (news.amount, news.currency, news.event_key) == (amount, currency, None)
    assert api.calls[0].request.headers["x-api-key"] == API_KEY


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        (
            "request_partial.json",
            {"conversionBreakdown": None},
            "Request Network says that a part is paid, and not how much",
        ),
        (
            "request_partial.json",
            {"conversionBreakdown": {"paidAmount": "24,00"}},
            "Request Network says that a part is paid, and not how much",
        ),
        (
            "request_paid.json",
            {"status": "partially_paid"},
            "Request Network says that a request is paid, and that a part of it is",
        ),
    ],
)
def test_an_answer_that_leaves_open_how_much_came_is_for_a_person(
    api: responses.RequestsMock, name: str, changes: dict[str, Any], problem: str
) -> None:
    """P9, T18."""
    api.get(STATUS, json={**fixture(name), **changes})

    (news,) = request_network.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.problem) == (None, None, problem)
