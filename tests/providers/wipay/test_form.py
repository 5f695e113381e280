"""The form that the shopper's browser posts to WiPay."""

from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import wipay
from providers.contract import (
    FormPost,
    Malformed,
    News,
)
from providers.optional import Hint

from ..contract import URLS
from .case import (
    ACCOUNT,
    BY_FORM,
    FORMED,
    LOOKUP_URL,
    PAYMENT,
    REQUEST_URL,
    UNNAMED,
    changed,
    fixture,
    md5,
)
from .reading import read, returned_by_form, sent_form


def by_form_event(event: str = "payment.success", **data: Any) -> bytes:
    ours = {"transaction_id": FORMED, "order_id": PAYMENT.reference, "total": "10.00"}
    return changed({**ours, "currency": "USD", **data}, event=event)


def test_in_form_mode_no_call_is_made_and_the_fields_are_the_same(
    api: responses.RequestsMock,
) -> None:
    form = sent_form(api, PAYMENT) | {"fee_structure": "merchant_absorb"}

    checkout = wipay.start_checkout(BY_FORM, UNNAMED, URLS)

    assert checkout.provider_reference is None
    assert isinstance(checkout.next_action, FormPost)
    assert checkout.next_action.url == REQUEST_URL
    assert dict(checkout.next_action.fields) == form
    assert len(api.calls) == 1


def test_a_form_that_wipay_refuses_comes_back_as_a_failure() -> None:
    args = {"status": "error", "message": "The total field is invalid.", "order_id": "x"}

    assert wipay.read_return(BY_FORM, UNNAMED, args) == Hint("return: error", "failed")


def test_a_true_return_names_our_payment_and_leaves_the_money_to_wipay() -> None:
    """10.00 TTD make the same hash as 10.00 USD, and the form lay open to be changed."""
    for currency in ("USD", "TTD"):
        news = wipay.read_return(BY_FORM, UNNAMED, returned_by_form(currency=currency))

        assert isinstance(news, News)
        assert (news.provider_reference, news.reference) == (FORMED, PAYMENT.reference)
        assert (news.status, news.amount, news.currency) == ("pending", None, None)


def test_the_same_return_opened_again_proves_no_more() -> None:
    known = replace(PAYMENT, provider_reference=FORMED)

    news = wipay.read_return(BY_FORM, known, returned_by_form())

    assert isinstance(news, News)
    assert (news.status, news.amount) == ("pending", None)


def test_a_changed_total_does_not_come_back_as_ours() -> None:
    """B1: asked for 1.00 and paid it, with a true hash."""
    args = returned_by_form(total="1.00", hash=md5(f"{FORMED}1.00123"))

    assert isinstance(wipay.read_return(BY_FORM, UNNAMED, args), Hint)


@pytest.mark.parametrize(
    "transaction_id",
    [
        pytest.param("SB-12-30105-fedcba9876543210-20261121034501", id="another_order"),
        pytest.param("SB-12-30105-0123456789abcdeF-20261121034501", id="upper_case"),
        pytest.param("SB-12-30105-x-0123456789abcdef-20261121034501", id="longer_order"),
        pytest.param("SB-12-0123456789abcdef-20261121034501", id="no_merchant"),
        pytest.param("SB-0-30105-0123456789abcdef-20261121034501", id="number_0"),
        pytest.param("SB-100-30105-0123456789abcdef-20261121034501", id="number_100"),
        pytest.param("SB-12-30105-0123456789abcdef-2026112103450", id="short_time"),
        pytest.param("SB-12-30105-0123456789abcdef-20261121034501\n", id="line_feed"),
        pytest.param("SB-12-３０-0123456789abcdef-20261121034501", id="wide_digits"),
        pytest.param("12-30105-0123456789abcdef-20261121034501", id="live"),
        pytest.param("", id="none"),
    ],
)
def test_the_whole_id_must_be_the_documented_one_with_our_order_in_it(transaction_id: str) -> None:
    """B4: each of them has a true hash."""
    proof = {"transaction_id": transaction_id, "hash": md5(f"{transaction_id}10.00123")}

    assert isinstance(wipay.read_return(BY_FORM, UNNAMED, returned_by_form(**proof)), Hint)


def test_an_order_is_matched_as_text_and_not_as_a_pattern() -> None:
    odd = replace(UNNAMED, reference=".*")

    assert isinstance(wipay.read_return(BY_FORM, odd, returned_by_form()), Hint)


def test_an_id_by_pattern_is_for_form_mode_only() -> None:
    assert isinstance(wipay.read_return(ACCOUNT, UNNAMED, returned_by_form()), Hint)


@pytest.mark.parametrize(
    ("data", "amount", "currency"),
    [
        ({}, 1000, "USD"),
        ({"total": "0.01"}, 1, "USD"),
        ({"currency": "TTD"}, 1000, "TTD"),
        ({"currency": "JMD", "total": "10.00"}, 1000, "JMD"),
        ({"currency": "usd", "total": 10}, 1000, "USD"),
        ({"currency": "GYD", "total": 2088.5}, 208850, "GYD"),
        ({"currency": "JPY", "total": "3648.00"}, 3648, "JPY"),
        ({"total": 9.950000000000001}, 995, "USD"),
        ({"total": "10"}, 1000, "USD"),
    ],
)
def test_in_form_mode_a_success_says_for_which_order_and_how_much(
    data: dict[str, Any], amount: int, currency: str
) -> None:
    """B1, B2: what was changed in the form shows. P4, P14, P15: however it is written."""
    (news,) = read(by_form_event(**data), BY_FORM)

    assert (news.status, news.reference) == ("succeeded", PAYMENT.reference)
    assert (news.amount, news.currency) == (amount, currency)


def test_in_json_mode_the_order_that_a_transaction_names_is_not_believed() -> None:
    """B3: anyone can open one that names our account and any order."""
    (news,) = read(by_form_event(total="0.01"))

    assert (news.provider_reference, news.reference) == (FORMED, None)


@pytest.mark.parametrize(
    "event", sorted(set(wipay.EVENTS) - {"payment.success", "payment.refunded"})
)
def test_in_form_mode_only_money_names_our_payment(event: str) -> None:
    """The same form, sent twice, makes two transactions: the one that was left is not ours."""
    (news,) = read(by_form_event(event), BY_FORM)

    assert (news.reference, news.amount) == (None, None)


@pytest.mark.parametrize(
    "data",
    [
        {"total": "-10.00"},
        {"total": "1e3"},
        {"total": "１０.00"},
        {"total": "24,00"},
        {"total": "10.001"},
        {"total": ["10.00"]},
        {"currency": ["USD"]},
        {"currency": ""},
    ],
)
def test_in_form_mode_a_success_with_an_amount_that_is_none_is_refused(
    data: dict[str, Any],
) -> None:
    with pytest.raises(Malformed, match="total"):
        read(by_form_event(**data), BY_FORM)


@pytest.mark.parametrize("name", ["total", "currency"])
@pytest.mark.parametrize("event", ["payment.success", "payment.refunded"])
def test_in_form_mode_money_without_a_sum_is_asked_about(event: str, name: str) -> None:
    """P4, P9; without WAPI a person is told."""
    (news,) = read(by_form_event(event, **{name: None}), BY_FORM)
    (told,) = read(by_form_event(event, **{name: None}), replace(BY_FORM, wapi_key=""))

    assert (news.status, news.check, news.problem) == (None, True, None)
    assert news.reference == PAYMENT.reference
    assert (told.status, told.check) == (None, False)
    assert told.problem == f"WiPay says {event}, and not how much"


def test_in_form_mode_the_looked_up_transaction_says_how_much(api: responses.RequestsMock) -> None:
    answer = fixture("transaction.json")
    answer["data"] |= {"order_id": PAYMENT.reference, "total": "1.00"}
    api.get(LOOKUP_URL, json=answer)

    (news,) = wipay.fetch_payment(BY_FORM, PAYMENT)

    assert news is not None
    assert (news.status, news.reference) == ("succeeded", PAYMENT.reference)
    assert (news.amount, news.currency) == (100, "TTD")


@pytest.mark.parametrize("name", ["total", "currency"])
@pytest.mark.parametrize("odd", [None, "24,00", ["x"]])
def test_in_form_mode_an_answer_without_an_amount_is_for_a_person(
    api: responses.RequestsMock, name: str, odd: object
) -> None:
    """P16: asked again it would say the same."""
    answer = fixture("transaction.json")
    answer["data"][name] = odd
    api.get(LOOKUP_URL, json=answer)

    (news,) = wipay.fetch_payment(BY_FORM, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.check) == (None, None, False)
    assert news.problem == "WiPay says success, and not how much"
