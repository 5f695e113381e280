"""Refunds at WiPay: asked for once, told apart, refused with a reason."""

from dataclasses import replace

import pytest
import responses

from providers import wipay
from providers.contract import (
    ProviderError,
    Rejected,
    Unreachable,
)
from providers.optional import Refunded, RefundRequest, Refunds, SavesCards

from .case import (
    ACCOUNT,
    PAYMENT,
    REFUND_URL,
    UNNAMED,
    changed,
)
from .reading import read

WHOLE = RefundRequest("refund-1", amount=1000, refunded_before=0)


def test_refunds_and_cards_are_there_with_a_wapi_key_only() -> None:
    module: Refunds = wipay
    keeper: SavesCards = wipay

    for key, refunds, cards in (("wapi_test_example", "full", True), ("", "", False)):
        can = wipay.capabilities(replace(ACCOUNT, wapi_key=key))
        assert (can.refunds, can.saves_cards) == (refunds, cards)
    assert isinstance(module, Refunds)
    assert isinstance(keeper, SavesCards)


def test_a_refund_is_asked_for_and_not_done_yet(api: responses.RequestsMock) -> None:
    api.post(REFUND_URL, json={"message": "Refund request successfully created."}, status=201)

    assert wipay.refund(ACCOUNT, PAYMENT, WHOLE) == Refunded(None, done=False)

    assert api.calls[0].request.headers["X-WAPI-Key"] == "wapi_test_example"
    assert not api.calls[0].request.body


@pytest.mark.parametrize(
    ("message", "done"),
    [
        ("The selected transaction id has an existing refund request.", False),
        ("The selected transaction id has already been refunded.", True),
    ],
)
def test_asking_again_makes_no_second_refund(
    api: responses.RequestsMock, message: str, done: bool
) -> None:
    api.post(REFUND_URL, json={"message": message}, status=400)

    assert wipay.refund(ACCOUNT, PAYMENT, WHOLE) == Refunded(None, done)


@pytest.mark.parametrize(
    ("status", "message", "problem"),
    [
        (400, "The selected transaction id has invalid status.", Rejected),
        (400, "The selected transaction id cannot be refunded.", Rejected),
        (403, "Insufficient funds on WiPay account to request refund.", Rejected),
        (429, "Too Many Requests", Unreachable),
        (500, "Internal Server Error", Unreachable),
    ],
)
def test_a_refund_that_is_refused_says_why(
    api: responses.RequestsMock, status: int, message: str, problem: type[ProviderError]
) -> None:
    api.post(REFUND_URL, json={"message": message}, status=status)

    with pytest.raises(problem, match=message):
        wipay.refund(ACCOUNT, PAYMENT, WHOLE)


@pytest.mark.parametrize("amount", [1, 999, 1001])
def test_a_part_cannot_be_given_back(amount: int) -> None:
    with pytest.raises(Rejected, match="whole payments only"):
        wipay.refund(ACCOUNT, PAYMENT, replace(WHOLE, amount=amount))


def test_what_wipay_has_not_named_cannot_be_given_back() -> None:
    with pytest.raises(Rejected):
        wipay.refund(ACCOUNT, UNNAMED, WHOLE)


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"reason": "Goods were delivered."}, "Goods were delivered."),
        ({}, "WiPay gave no reason."),
        ({"reason": None}, "WiPay gave no reason."),
        ([], "WiPay gave no reason."),
    ],
)
def test_a_refund_that_will_not_be_made_is_news_with_a_reason(meta: object, reason: str) -> None:
    (news,) = read(changed(event="payment.refund_rejected", meta=meta))

    assert (news.status, news.refund_refused) == (None, reason)
    assert read(changed())[0].refund_refused is None
