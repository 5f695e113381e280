"""Refunds at HitPay: asked for once, told apart, refused with a reason."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from providers import hitpay
from providers.contract import (
    ProviderError,
    Rejected,
    Unreachable,
)
from providers.optional import Refunded, RefundRequest

from .case import (
    ACCOUNT,
    API,
    CHARGE_ID,
    PAYMENT,
    REFUND_API,
    REFUND_REPLY,
    REQUEST_ID,
)
from .reading import C2, charge, paid, request


def ask_for_refund(amount: int = 5000, before: int = 0) -> Refunded:
    return hitpay.refund(ACCOUNT, PAYMENT, RefundRequest("refund-1", amount, before))


def test_a_refund_names_the_charge_in_major_units(api: responses.RequestsMock) -> None:
    paid(api, {"id": "failed-one", "status": "failed"}, {})
    api.post(REFUND_API, json=REFUND_REPLY)

    assert ask_for_refund() == Refunded(REFUND_REPLY["id"], done=True)

    assert dict(parse_qsl(str(api.calls[1].request.body))) == {
        "payment_id": CHARGE_ID,
        "amount": "50.00",
    }


def test_a_refund_that_is_under_way_is_not_done(api: responses.RequestsMock) -> None:
    paid(api)
    api.post(REFUND_API, json=REFUND_REPLY | {"status": "pending"})

    assert not ask_for_refund().done


@pytest.mark.parametrize(("before", "total"), [(0, "50.00"), (2000, "70.00"), (0, "599.00")])
def test_a_refund_that_was_made_already_is_not_made_again(
    api: responses.RequestsMock, before: int, total: str
) -> None:
    """The answer to the first call was lost."""
    paid(api, {"status": "partially_refunded", "refunded_amount": total})

    assert ask_for_refund(before=before) == Refunded(None, done=True)
    assert len(api.calls) == 1


def test_a_second_part_is_given_back_beside_the_first(api: responses.RequestsMock) -> None:
    paid(api, {"status": "partially_refunded", "refunded_amount": "50.00"})
    api.post(REFUND_API, json=REFUND_REPLY)

    assert ask_for_refund(before=5000).done


def test_of_two_charges_the_one_that_was_kept_is_given_back(api: responses.RequestsMock) -> None:
    paid(
        api,
        {"status": "refunded", "refunded_amount": "599.00"},
        {"id": "92965a2d-0000-4000-8000-000000000002"},
    )
    api.post(REFUND_API, json=REFUND_REPLY)

    ask_for_refund(59900, before=59900)

    sent = dict(parse_qsl(str(api.calls[1].request.body)))
    assert sent["payment_id"] == "92965a2d-0000-4000-8000-000000000002"


def test_more_than_a_charge_holds_is_not_asked_for(api: responses.RequestsMock) -> None:
    paid(api, {"status": "partially_refunded", "refunded_amount": "50.00"})

    with pytest.raises(Rejected, match="no charge holds that much"):
        ask_for_refund(59900, before=5000)

    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("status", "problem"),
    [(422, Rejected), (400, Rejected), (429, Unreachable), (500, Unreachable)],
)
def test_a_refund_that_is_refused_is_asked_for_once(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    paid(api)
    api.post(REFUND_API, json={"message": "Insufficient balance"}, status=status)

    with pytest.raises(problem, match="Insufficient balance"):
        ask_for_refund()

    assert len(api.calls) == 2


@pytest.mark.parametrize("answer", [{"body": requests.ReadTimeout()}, {"json": {}}, {"body": ""}])
def test_a_refund_without_an_answer_may_have_been_made(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    paid(api)
    api.post(REFUND_API, **answer)

    with pytest.raises(Unreachable):
        ask_for_refund()


def test_an_answer_that_makes_no_sense_refunds_nothing(api: responses.RequestsMock) -> None:
    paid(api, {"refunded_amount": "much"})

    with pytest.raises(Unreachable):
        ask_for_refund()


def test_what_hitpay_never_named_cannot_be_given_back() -> None:
    with pytest.raises(Rejected):
        hitpay.refund(
            ACCOUNT, replace(PAYMENT, provider_reference=None), RefundRequest("refund-1", 5, 0)
        )


def refund(
    api: responses.RequestsMock, *charges: dict[str, Any], before: int = 0
) -> dict[str, str]:
    """What HitPay is sent to refund SGD 5.00."""
    api.get(f"{API}/{REQUEST_ID}", json=request(*charges))
    api.post(REFUND_API, json=REFUND_REPLY)
    hitpay.refund(ACCOUNT, PAYMENT, RefundRequest("refund-1", 500, before))
    sent: Any = api.calls[-1].request.body
    return dict(each.split("=") for each in str(sent).split("&"))


def test_a_refund_names_a_charge_of_the_payments_currency(api: responses.RequestsMock) -> None:
    """P1: RM 5.00 are not SGD 5.00."""
    sent = refund(api, charge(currency="myr"), charge(id=C2))

    assert sent == {"payment_id": C2, "amount": "5.00"}


def test_what_was_refunded_in_another_currency_is_not_this_refund(
    api: responses.RequestsMock,
) -> None:
    """P1: taken for the lost answer, it would never be made."""
    ringgit = charge(currency="myr", status="partially_refunded", refunded_amount="5.00")

    assert refund(api, ringgit, charge(id=C2))["payment_id"] == C2


@pytest.mark.parametrize(
    "only",
    [charge(currency="myr"), charge(id="../x"), charge(status="void"), charge(amount="4.99")],
)
def test_no_other_charge_is_refunded_instead(
    api: responses.RequestsMock, only: dict[str, Any]
) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=request(only))

    with pytest.raises(Rejected, match="no charge holds that much"):
        hitpay.refund(ACCOUNT, PAYMENT, RefundRequest("refund-1", 500, refunded_before=2400))


def test_how_much_was_refunded_must_be_known_before_more_is(api: responses.RequestsMock) -> None:
    """P8."""
    unsaid = charge(status="partially_refunded", refunded_amount=None)
    api.get(f"{API}/{REQUEST_ID}", json=request(unsaid))

    with pytest.raises(Unreachable):
        hitpay.refund(ACCOUNT, PAYMENT, RefundRequest("refund-1", 500, 0))
