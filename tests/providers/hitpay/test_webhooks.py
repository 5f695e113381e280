"""What HitPay's news says of a payment: charges and their money, keys, forms that have one reading.

``P…`` and ``T…`` are cases that other shops reported; each names its source where it was found.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import responses
from hypothesis import example, given
from hypothesis import strategies as st

from providers import hitpay
from providers.contract import Malformed, News, Rejected, Unreachable
from providers.optional import RefundRequest

from .case import (
    ACCOUNT,
    API,
    FORM,
    PAYMENT,
    REFUND_API,
    REFUND_REPLY,
    REQUEST_ID,
    SALT,
    form,
    sign,
)
from .reading import read_event, read_form

C1, C2 = FORM["payment_id"], "92965a2d-0000-4000-8000-000000000002"
OTHER_REQUEST = "92965a20-0000-4000-8000-000000000003"


def charge(**changes: Any) -> dict[str, Any]:
    """SGD 24.00, as an entry of ``payments``."""
    taken = {"id": C1, "status": "succeeded", "currency": "sgd", "amount": "24.00"}
    return taken | {"refunded_amount": "0.00"} | changes


def request(*charges: dict[str, Any], **changes: Any) -> dict[str, Any]:
    asked = {"id": REQUEST_ID, "status": "completed", "currency": "sgd", "amount": "24.00"}
    return asked | ({"payments": list(charges)} if charges else {}) | changes


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


# ------------------------------------------------------------------ each charge has its currency

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


# ------------------------------------------------------------------ money that goes away again


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


# ------------------------------------------------------------------ a key for each fact


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


# ------------------------------------------------------------------ refunds in the right currency


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


# ------------------------------------------------------------------ forms have one reading


def signed(fields: dict[str, str]) -> bytes:
    return form_with(fields, sign(joined(fields).encode(), SALT))


def joined(fields: dict[str, str]) -> str:
    return "".join(name + fields[name] for name in sorted(fields))


def form_with(fields: dict[str, str], signature: str) -> bytes:
    return urlencode(fields | {"hmac": signature}).encode()


def is_believed(fields: dict[str, str], signature: str) -> bool:
    try:
        read_form(form_with(fields, signature))
    except Malformed:
        return False
    return True


NAMES = sorted([*FORM, "error_message"])


def cuts(text: str, names: list[str]) -> Iterator[dict[str, str]]:
    """Each way in which a signed text can be cut at documented names, which must be sorted."""
    if not text:
        yield {}
    for number, name in enumerate(names):
        if text.startswith(name):
            rest = text[len(name) :]
            for end in range(len(rest) + 1):
                for others in cuts(rest[end:], names[number + 1 :]):
                    yield {name: rest[:end]} | others


VICTIM = f"payment_request_id{OTHER_REQUEST}"
PIECES = [*NAMES, VICTIM, f"payment_id{C2}", C1, "completed", "599.00", "SGD", "A", "+65", "é"]
PIECES += ["reference_numbe", "eference_number", "statu", "tatus", "phon", "hone"]
texts = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)


@example(phone=f"{VICTIM}phone", reference="ABC123", error=None)
@example(phone="reference_numbe", reference="A", error=None)
@example(phone="", reference="Astatu", error=None)
@example(phone=f"payment_id{C2}{VICTIM}phone", reference="A", error="declined")
@given(texts, texts, st.none() | texts)
def test_a_signed_form_can_be_cut_into_other_fields_but_is_believed_as_one(
    phone: str, reference: str, error: str | None
) -> None:
    """T01: names and values are joined without a boundary, so the ``hmac`` covers every cut."""
    fields = FORM | {"phone": phone, "reference_number": reference}
    fields |= {} if error is None else {"error_message": error}
    signature = sign(joined(fields).encode(), SALT)

    believed = [cut for cut in cuts(joined(fields), NAMES) if is_believed(cut, signature)]

    assert believed in ([], [fields])


def test_the_cut_that_pays_another_order_is_refused() -> None:
    """T01: the payer's phone number names the payment request of another order."""
    genuine = FORM | {"phone": f"{VICTIM}phone"}
    swallowed = f"{C1}payment_request_id{FORM['payment_request_id']}phone"
    cut = FORM | {"payment_id": swallowed, "payment_request_id": OTHER_REQUEST}
    assert joined(cut) == joined(genuine), "the same hmac"

    with pytest.raises(Malformed, match="payment_id"):
        read_form(signed(cut))


@given(st.data())
def test_a_genuine_form_cut_anywhere_is_refused(data: st.DataObject) -> None:
    """T01: into names that are not documented, too."""
    text = joined(FORM)
    places = st.lists(st.integers(1, len(text) - 1), min_size=1, max_size=15, unique=True)
    ends = [0, *sorted(data.draw(places)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(ends)]
    pieces += [""] * (len(pieces) % 2)
    cut = dict(zip(pieces[::2], pieces[1::2], strict=True))

    if cut != FORM and joined(cut) == text:
        assert not is_believed(cut, sign(text.encode(), SALT))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"payment_id": "c1"}, id="payment_id"),
        pytest.param({"payment_id": C1.upper()}, id="payment_id_in_capitals"),
        pytest.param({"payment_id": f"{C1}\n"}, id="payment_id_with_line_end"),
        pytest.param({"payment_id": "x" * 95}, id="payment_id_of_95"),
        pytest.param({"payment_request_id": ""}, id="no_request"),
        pytest.param({"payment_request_id": "../../v1/charges"}, id="path"),
        pytest.param({"payment_request_id": REQUEST_ID.replace("-", "")}, id="without_dashes"),
        pytest.param({"amount": "599.00currencySGD"}, id="amount_and_currency"),
        pytest.param({"amount": "599.00 "}, id="amount_with_blank"),
        pytest.param({"currency": "SGDX"}, id="four_letters"),
        pytest.param({"currency": "S$D"}, id="no_letters"),
        pytest.param({"status": "completed\n"}, id="status_with_line_end"),
        pytest.param({"status": ""}, id="no_status"),
        pytest.param({"status": "x" * 41}, id="long_status"),
        pytest.param({"phone": "0" * 256}, id="long_phone"),
        pytest.param({"phone": "my phone"}, id="phone_holds_a_name"),
        pytest.param({"reference_number": "paid, status"}, id="reference_holds_a_name"),
        pytest.param({"error_message": f"no{VICTIM}"}, id="error_holds_a_name"),
        pytest.param({"buyer_name": "Ann"}, id="field_that_is_not_documented"),
        pytest.param({"": "x"}, id="field_without_a_name"),
    ],
)
def test_a_form_that_is_not_as_documented_is_refused(changes: dict[str, str]) -> None:
    """T01, A15."""
    with pytest.raises(Malformed) as refused:
        read_form(signed(FORM | changes))
    assert refused.value.http_status == 400


@pytest.mark.parametrize("name", FORM)
def test_a_form_that_lacks_a_field_is_refused(name: str) -> None:
    """T01."""
    with pytest.raises(Malformed, match="not the documented fields"):
        read_form(signed({each: value for each, value in FORM.items() if each != name}))
