"""Charges of HitPay: each in its own currency, with a key for each fact."""

import json
from typing import Any

import pytest
import responses

from providers import hitpay
from providers.contract import Malformed, News, Unreachable

from .case import (
    ACCOUNT,
    API,
    PAYMENT,
    REQUEST_ID,
    form,
)
from .reading import C1, C2, OTHER_REQUEST, charge, read_event, read_form, request


def read_request(data: dict[str, Any]) -> News:
    return read_event(json.dumps(data).encode())


def read_charge(**changes: Any) -> News:
    """A ``charge.*`` event of the payment request: amounts are numbers."""
    data = charge(amount=24, refunded_amount=0, payment_request={"id": REQUEST_ID}) | changes
    return read_event(json.dumps(data).encode(), entity="charge")


def fetch(api: responses.RequestsMock, data: dict[str, Any]) -> News:
    api.get(f"{API}/{REQUEST_ID}", json=data)
    (news,) = hitpay.fetch_payment(ACCOUNT, PAYMENT)
    assert news is not None
    return news


def sums(news: News) -> tuple[object, ...]:
    return news.status, news.amount, news.currency, news.refunded


CHARGES = [
    pytest.param([charge()], ("succeeded", 2400, "SGD", 0), id="the_requests"),
    pytest.param([charge(currency=None)], ("succeeded", 2400, "SGD", 0), id="not_named"),
    pytest.param([charge(currency="myr")], ("succeeded", 2400, "MYR", 0), id="another"),
    pytest.param(
        [charge(currency="JPY", amount="3,648", refunded_amount=None)],
        ("succeeded", 3648, "JPY", 0),
        id="without_cents",
    ),
    pytest.param([charge(currency="kwd", amount=8.125)], ("succeeded", 8125, "KWD", 0), id="mils"),
    pytest.param(
        [charge(currency="myr", amount="100.00", refunded_amount=25, status="partially_refunded")],
        ("partially_refunded", 10000, "MYR", 2500),
        id="refunded_in_its_own",
    ),
    pytest.param(
        [charge(), charge(id=C2)], ("succeeded", 4800, "SGD", 0), id="two_of_one_currency"
    ),
    pytest.param(
        [charge(currency="myr"), charge(id=C2, currency="MYR")],
        ("succeeded", 4800, "MYR", 0),
        id="two_of_another",
    ),
    pytest.param(
        [charge(), charge(id=C2, currency="myr")],
        ("succeeded", None, "MYR/SGD", None),
        id="two_currencies",
    ),
    pytest.param(
        [charge(qr_amount="80.00", qr_currency="myr", fx_rate="3.33", fees="1.00")],
        ("succeeded", 2400, "SGD", 0),
        id="what_the_payer_and_the_fees_are_counted_in",
    ),
    pytest.param([charge(amount=None)], ("succeeded", 2400, "SGD", 0), id="amount_left_out"),
    pytest.param([charge(amount=0)], ("succeeded", 0, "SGD", 0), id="zero_is_not_null"),
]


@pytest.mark.parametrize(("charges", "expected"), CHARGES)
def test_what_a_charge_took_is_in_its_own_currency(
    api: responses.RequestsMock, charges: list[dict[str, Any]], expected: tuple[object, ...]
) -> None:
    """P1, komoju/komoju-woocommerce#78: the payer's bank may convert."""
    assert sums(read_request(request(*charges))) == expected
    assert sums(fetch(api, request(*charges))) == expected


def test_a_charge_event_is_in_its_own_currency_too() -> None:
    """P1."""
    assert sums(read_charge(currency="jpy", amount=3648)) == ("succeeded", 3648, "JPY", 0)


def test_charges_with_sums_need_none_of_the_request(api: responses.RequestsMock) -> None:
    """P16: one field that is null does not throw away a clear answer."""
    told = request(charge(), amount=None, currency=None)

    assert sums(read_request(told)) == ("succeeded", 2400, "SGD", 0)
    assert fetch(api, request(status="expired", amount=None)).status == "expired"


NOT_SAID = [
    pytest.param(request(charge(currency="myr", amount=None)), id="amount_in_another_currency"),
    pytest.param(request(charge(currency=None), currency=None), id="no_currency_anywhere"),
    pytest.param(request(amount=None), id="paid_without_amount"),
    pytest.param(request(currency=None), id="paid_without_currency"),
    pytest.param(request(charge(status="failed")), id="completed_though_its_charge_failed"),
    pytest.param(request(charge(status="pending")), id="completed_before_its_charge"),
    pytest.param(
        request(charge(status="partially_refunded", refunded_amount=None)), id="part_without_sum"
    ),
    pytest.param(request(charge(status="refunded")), id="refunded_nothing"),
]


@pytest.mark.parametrize("told", NOT_SAID)
def test_a_sum_that_is_not_said_is_asked_for(
    api: responses.RequestsMock, told: dict[str, Any]
) -> None:
    """P1, P8: neither 400 nor zero; ``GET``, which must know, then has no answer."""
    news = read_request(told)

    assert (news.provider_reference, news.status, news.check) == (REQUEST_ID, None, True)
    with pytest.raises(Unreachable):
        fetch(api, told)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"currency": None},
        {"status": "partially_refunded", "refunded_amount": None},
        {"status": "refunded", "refunded_amount": None, "amount": None},
    ],
)
def test_a_charge_event_without_a_sum_asks_about_its_request(changes: dict[str, Any]) -> None:
    """P8."""
    news = read_charge(**changes)

    assert (news.provider_reference, news.status, news.check) == (REQUEST_ID, None, True)


@pytest.mark.parametrize(
    "sum_", ["24,00", "-1", "1_000", "1e3", "", True, [24], {}, "24.005", 24.005]
)
@pytest.mark.parametrize("field", ["amount", "refunded_amount"])
def test_what_is_no_money_is_refused_wherever_it_stands(field: str, sum_: object) -> None:
    """A15."""
    with pytest.raises(Malformed):
        read_request(request(charge(**{field: sum_})))
    with pytest.raises(Malformed):
        read_charge(**{field: sum_})


def test_float_noise_is_the_cent_beside_it() -> None:
    """P14, unzerdev/shopware6#9: HitPay is written in PHP and sends numbers."""
    news = read_charge(amount=24.000000000000004, refunded_amount=9.949999999999999)

    assert (news.amount, news.refunded) == (2400, 995)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "refunded", "refunded_amount": "24.00"}, ("refunded", 2400, 2400)),
        ({"status": "refunded", "refunded_amount": None}, ("refunded", 2400, 2400)),
        ({"status": "void"}, ("voided", 2400, 2400)),
        ({"status": "void", "refunded_amount": None}, ("voided", 2400, 2400)),
        ({"status": "succeeded", "refunded_amount": None}, ("succeeded", 2400, 0)),
    ],
)
def test_null_is_all_of_a_refunded_charge_and_nothing_of_a_kept_one(
    api: responses.RequestsMock, changes: dict[str, Any], expected: tuple[object, ...]
) -> None:
    """P8, bchavez/Coinbase.Commerce#3; a void takes back all of it (P7)."""
    for news in (read_request(request(charge(**changes))), fetch(api, request(charge(**changes)))):
        assert (news.status, news.amount, news.refunded) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "refunded", "refunded_amount": 24},
        {"status": "refunded", "refunded_amount": None},
        {"status": "void"},
        {"status": "succeeded", "refunded_amount": 24},
    ],
)
def test_a_refunded_charge_is_told_with_its_sums_and_the_totals_are_asked_for(
    changes: dict[str, Any],
) -> None:
    """P2, razorpay/razorpay-woocommerce#664. Another charge may still pay: never "refunded"."""
    news = read_charge(**changes)

    assert sums(news) == ("partially_refunded", 2400, "SGD", 2400)
    assert (news.provider_reference, news.check, news.transaction_id) == (REQUEST_ID, True, None)


@pytest.mark.parametrize("status", ["succeeded", "succeeded_manually"])
def test_a_charge_that_was_made_proves_itself_and_names_a_second_payment(status: str) -> None:
    """P3: of c2 it says that c2 took money, which is no total."""
    news = read_charge(id=C2, status=status)

    assert sums(news) == ("succeeded", 2400, "SGD", 0)
    assert (news.provider_reference, news.check, news.transaction_id) == (REQUEST_ID, True, C2)


@pytest.mark.parametrize("status", ["failed", "pending", "canceled", "completed", None, ["void"]])
def test_a_charge_that_took_nothing_changes_nothing(status: object) -> None:
    news = read_charge(status=status)

    assert (news.status, news.check) == (None, False)


@pytest.mark.parametrize("beside", [{}, {"order": {"id": "o1"}}, {"payment_request": None}])
def test_a_refund_that_names_only_its_charge_is_found_by_that(beside: dict[str, Any]) -> None:
    """P13, Sylius/StripePlugin#101."""
    refunded = charge(status="refunded", refunded_amount=24) | beside
    kept = charge() | beside

    news = read_event(json.dumps(refunded).encode(), entity="charge")

    assert (news.provider_reference, news.check) == (C1, True)
    assert sums(news) == ("partially_refunded", 2400, "SGD", 2400)
    same_money = read_event(json.dumps(kept).encode(), entity="charge")
    assert (same_money.status, same_money.check) == (None, False), "each sale would be parked"


def test_a_charge_may_name_its_request_by_the_id_alone() -> None:
    data = charge(status="refunded", refunded_amount=24, payment_request_id=REQUEST_ID)

    assert read_event(json.dumps(data).encode(), entity="charge").provider_reference == REQUEST_ID


@pytest.mark.parametrize(
    "changes", [{"payment_request": {"id": "../x"}}, {"payment_request": None, "id": "../x"}]
)
def test_a_charge_with_an_odd_id_is_refused(changes: dict[str, Any]) -> None:
    """A15."""
    with pytest.raises(Malformed):
        read_charge(**({"status": "refunded", "refunded_amount": 24} | changes))


def test_the_charge_is_named_while_there_is_one(api: responses.RequestsMock) -> None:
    """P13: later news of that charge is joined by it."""
    assert read_request(request(charge())).transaction_id == C1
    assert read_request(request(charge(), charge(id=C2))).transaction_id is None
    assert read_request(request(charge(id="x" * 101))).transaction_id is None
    assert fetch(api, request(charge(), charge(id=C2, status="failed"))).transaction_id == C1


REQUESTS = [
    request(),
    request(status="pending"),
    request(amount="24.01"),
    request(currency="usd"),
    request(id=OTHER_REQUEST),
    request(charge()),
    request(charge(id=C2)),
    request(charge(), charge(id=C2)),
    request(charge(currency="myr")),
    request(charge(amount="12.00"), charge(id=C2, amount="12.00")),
    request(charge(amount="10.00"), charge(id=C2, amount="14.00")),
    request(charge(status="partially_refunded", refunded_amount="5.00")),
    request(charge(status="partially_refunded", refunded_amount="10.00")),
    request(charge(status="refunded", refunded_amount="24.00")),
    request(charge(status="failed"), status="failed"),
    request(charge(status="failed"), charge(id=C2, status="failed"), status="failed"),
]


def test_each_fact_has_a_key_of_its_own() -> None:
    """P3, btcpayserver/btcpayserver#1828: two facts never share one key."""
    forms: list[dict[str, str]] = [
        {},
        {"payment_id": C2},
        {"payment_request_id": OTHER_REQUEST},
        {"status": "pending"},
        {"amount": "599.01"},
        {"currency": "USD"},
    ]
    charges: list[dict[str, Any]] = [
        {},
        {"id": C2},
        {"payment_request": {"id": OTHER_REQUEST}},
        {"amount": 25},
        {"currency": "myr"},
        {"status": "partially_refunded", "refunded_amount": 5},
        {"status": "partially_refunded", "refunded_amount": 10},
        {"status": "refunded", "refunded_amount": 24},
        {"status": "void"},
        {"status": "failed"},
    ]
    news = [read_request(each) for each in REQUESTS]
    news += [read_form(form(**each)) for each in forms] + [read_charge(**each) for each in charges]

    keys = [each.event_key for each in news]
    assert len(set(keys)) == len(REQUESTS) + len(forms) + len(charges)
    assert all(key and len(key) <= 100 for key in keys)


def test_a_retry_has_the_same_key_though_its_bytes_differ() -> None:
    """C1."""
    told = request(charge(), charge(id=C2))
    other_bytes = request(
        charge(id=C2, amount="24.0", currency="SGD", fees="0.50"),
        charge(amount=24, updated_at="2026-05-21T16:58:41"),
        updated_at="2026-05-21T16:58:41",
    )

    assert read_request(told).event_key == read_request(other_bytes).event_key
    assert read_charge().event_key == read_charge(amount="24.00", channel="x").event_key
    assert read_form(form()).event_key == read_form(form(phone="+6591234567")).event_key
