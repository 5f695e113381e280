"""The MintCash adapter against its documentation: what it sends, what it believes."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import mintcash
from providers.contract import (
    Malformed,
    Redirect,
    Unreachable,
    WebhookRefused,
    WrongEnvironment,
)

from ..contract import URLS, explain
from .case import (
    ACCOUNT,
    FIXTURES,
    PAYMENT,
    VECTOR,
    VECTOR_SIGNATURE,
    changed,
    fixture,
)
from .reading import read


def test_the_documented_event_is_read() -> None:
    (news,) = read(changed())

    assert news.provider_reference == "pmt_7Hq2mZ0c"
    assert (news.status, news.amount, news.refunded) == ("succeeded", 4999, 0)


def test_the_observed_expiry_is_read_as_expired_not_as_declined() -> None:
    """``amountRefundable`` is the full amount on a failed payment, and must not look like money."""
    (news,) = read((FIXTURES / "failed_observed.json").read_bytes())

    assert (news.status, news.failure_code, news.failure_message) == ("expired", "expired", None)
    assert news.amount == 2500
    assert (
        explain(mintcash, ACCOUNT, news.failure_code) == "The payment page was open for too long."
    )


@pytest.mark.parametrize(
    "event",
    ["payment.of_the_future", "subscription.renewed", "nonsense"],
)
def test_an_unknown_event_is_kept_and_changes_nothing(event: str) -> None:
    """D7."""
    (news,) = read(changed(event=event))

    assert news.status is None
    assert news.word == event


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            {
                "id": "pmt_7Hq2mZ0c",
                "failureCode": None,
                "refund": {
                    "id": "rf_1",
                    "paymentId": "pmt_7Hq2mZ0c",
                    "failureCode": "card_closed",
                    "failureMessage": "The card\nis closed.",
                },
            },
            id="payment_with_its_refund",
        ),
        pytest.param(
            {
                "id": "rf_1",
                "paymentId": "pmt_7Hq2mZ0c",
                "failureCode": "card_closed",
                "failureMessage": "The card is closed.",
            },
            id="refund_alone",
        ),
    ],
)
def test_a_refund_that_failed_is_told_with_its_reason(data: dict[str, Any]) -> None:
    """The payment itself is as it was."""
    (news,) = read(changed(event="payment.refund_failed", data=data))

    assert (news.provider_reference, news.status) == ("pmt_7Hq2mZ0c", None)
    assert news.refund_refused == "card_closed: The card is closed."


@pytest.mark.parametrize("data", [{}, {"id": 7, "refund": "x"}, {"failureCode": ["x"]}])
def test_a_refund_that_failed_without_a_word_is_told_all_the_same(data: dict[str, Any]) -> None:
    (news,) = read(changed(event="payment.refund_failed", data=data))

    assert news.status is None
    assert news.refund_refused


def about(word: str = "succeeded", **data: Any) -> Any:
    """The event ``payment.<word>`` with some of its payment changed, read."""
    payment = fixture("succeeded_documented.json")["data"]
    (news,) = read(changed(event=f"payment.{word}", data={**payment, "status": word, **data}))
    return news


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "code"),
    [
        (33.1, "CAD", 3310, "CAD"),
        ("33.10", "cad", 3310, "CAD"),
        (24, "usd", 2400, "USD"),
        (3648, "Jpy", 3648, "JPY"),
        (1.234, "KWD", 1234, "KWD"),
        (24.000000000000004, "USD", 2400, "USD"),
        ("24.000000000", "USD", 2400, "USD"),
        (24, "USDC", 24 * 10**18, "USDC"),
    ],
)
def test_money_is_told_in_the_currency_it_came_in(
    amount: object, currency: str, minor: int, code: str
) -> None:
    """P4, P14, P15: what this shop sells in is not for the adapter to know."""
    news = about(amount=amount, currency=currency)

    assert (news.status, news.amount, news.currency) == ("succeeded", minor, code)


@pytest.mark.parametrize("word", ["succeeded", "partially_refunded", "refunded"])
@pytest.mark.parametrize("name", ["amount", "currency"])
def test_money_without_a_sum_is_asked_about(word: str, name: str) -> None:
    """P4, P8: null is not zero, and not what was asked for either."""
    news = about(word, amountRefunded=1, **{name: None})

    assert (news.status, news.check, news.problem) == (None, True, None)
    assert news.provider_reference == "pmt_7Hq2mZ0c"


@pytest.mark.parametrize(
    ("said", "refunded"), [(None, None), (0.0, 0), (9.949999999999999, 995), ("12.50", 1250)]
)
def test_what_was_refunded_is_said_or_not_said(said: object, refunded: int | None) -> None:
    """P8, bchavez/Coinbase.Commerce#3; P14."""
    assert about("succeeded", amountRefunded=said).refunded == refunded


def test_refunded_without_a_sum_means_all_of_it() -> None:
    """P8, saleor/saleor#14108."""
    news = about("refunded", amountRefunded=None)

    assert (news.status, news.amount, news.refunded, news.check) == ("refunded", 4999, None, False)


def test_refunded_in_part_without_a_sum_is_asked_about() -> None:
    """P8: neither nothing nor all."""
    news = about("partially_refunded", amountRefunded=None)

    assert (news.status, news.check) == (None, True)


@pytest.mark.parametrize("word", ["created", "pending", "authorized", "failed", "voided"])
@pytest.mark.parametrize("amount", [None, "24,00", -1, ["24"]])
def test_an_odd_amount_does_not_spoil_news_that_is_not_about_money(
    word: str, amount: object
) -> None:
    """P16."""
    news = about(word, amount=amount, amountRefunded=amount)

    assert (news.status, news.amount, news.refunded, news.check) == (word, None, None, False)


@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("succeeded", {"status": "failed"}),
        ("succeeded", {"status": "pending"}),
        ("succeeded", {"status": ["succeeded"]}),
        ("failed", {"status": "succeeded"}),
        ("refunded", {"status": "succeeded", "amountRefunded": 49.99}),
        ("voided", {"status": "succeeded"}),
        ("pending", {"status": "succeeded"}),
        ("succeeded", {"amountRefunded": 50}),
        ("partially_refunded", {"amountRefunded": 50}),
        ("partially_refunded", {"amountRefunded": 0}),
        ("refunded", {"amountRefunded": 0}),
    ],
)
def test_news_that_contradicts_itself_is_for_a_person_and_asked_about(
    word: str, data: dict[str, Any]
) -> None:
    """T18: no page says which of the two rules."""
    news = about(word, **data)

    assert (news.status, news.check) == (None, True)
    assert str(news.problem).startswith("MintCash says ")


@pytest.mark.parametrize(
    ("word", "status"),
    [("failed", "expired"), ("failed", "canceled"), ("failed", None), ("succeeded", None)],
)
def test_news_that_says_the_same_in_other_words_is_believed(word: str, status: object) -> None:
    news = about(word, status=status)

    assert (news.status, news.problem) == (word, None)


@pytest.mark.parametrize("environment", ["live", "sandbox", "", None, ["test"]])
def test_the_wrong_environment_is_refused(environment: object) -> None:
    """A11."""
    with pytest.raises(WrongEnvironment) as refused:
        read(changed(environment=environment))

    assert refused.value.http_status == 400


def test_live_does_not_take_test_events() -> None:
    """A11, B19."""
    live = replace(ACCOUNT, environment="live")

    with pytest.raises(WrongEnvironment):
        mintcash.read_webhook(live, {"x-signature": VECTOR_SIGNATURE}, VECTOR)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not_json"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="utf_16"),
        pytest.param(b'{"a": "\xff"}', id="invalid_utf_8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(VECTOR.replace(b"49.99", b"NaN"), id="nan"),
        pytest.param(VECTOR.replace(b"49.99", b"1e400"), id="exponent"),
        pytest.param(VECTOR.replace(b"49.99", b"9" * 5000), id="5000_digits"),
        pytest.param(VECTOR.replace(b"49.99", b"-49.99"), id="negative"),
        pytest.param(VECTOR.replace(b"49.99", b"49.999"), id="finer_than_a_cent"),
        pytest.param(VECTOR.replace(b"49.99", b"true"), id="bool"),
        pytest.param(VECTOR.replace(b"49.99", b'"49,99"'), id="comma"),
        pytest.param(VECTOR.replace(b"49.99", b"49.9900001"), id="more_than_noise"),
        pytest.param(VECTOR.replace(b'"USD"', b'"C$"'), id="no_currency"),
        pytest.param(changed(data={}), id="no_data"),
        pytest.param(
            VECTOR.replace(b'"amount":49.99', b'"amount":49.99,"amount":0.01'), id="repeated_key"
        ),
        pytest.param(VECTOR.replace(b"-0000-4000-8000-000000000002", b"/../x"), id="odd_id"),
        pytest.param(VECTOR.replace(b'"eventId"', b'"id"'), id="no_event_id"),
    ],
)
def test_a_correctly_signed_body_that_is_not_an_event_is_refused(body: bytes) -> None:
    """A15, B17, G7: 400, whatever is in it; nothing raises but :class:`WebhookRefused`."""
    with pytest.raises(WebhookRefused) as refused:
        read(body)

    assert refused.value.http_status == 400
    assert isinstance(refused.value, Malformed | WrongEnvironment)


def test_a_payment_is_asked_for_in_minor_units_with_basic_auth(
    api: responses.RequestsMock,
) -> None:
    api.post("https://sandbox.mintcash.me/payments", json=fixture("created_flat.json"))

    checkout = mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == "pmt_7Hq2mZ0c"
    assert checkout.next_action == Redirect("https://pay.example/pmt_7Hq2mZ0c")
    (sent,) = api.calls
    credentials = base64.b64encode(b"pk_test_1:sk_test_1").decode()
    assert sent.request.headers["Authorization"] == f"Basic {credentials}"
    assert json.loads(sent.request.body or "") == {
        "amount": 4999,
        "currency": "USD",
        "externalId": "order-1",
        "description": "Order 1",
        "returnUrl": URLS.return_url,
        "customer": {
            "externalId": "customer-1",
            "email": "ann@example.com",
            "name": "Ann Example",
        },
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [("created", "created"), ("succeeded", "succeeded"), ("failed", "failed"), ("new_word", None)],
)
def test_a_fetched_payment_is_read_in_major_units(
    api: responses.RequestsMock, word: str, status: str | None
) -> None:
    answer = {**fixture("created_flat.json"), "status": word}
    api.get("https://sandbox.mintcash.me/payments/pmt_7Hq2mZ0c", json=answer)

    (news,) = mintcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.event_key) == (status, 4999, None)


@pytest.mark.parametrize("odd", [None, "24,00", "x", -1, ["24"]])
@pytest.mark.parametrize(
    ("word", "name", "status"),
    [
        ("pending", "amount", "pending"),
        ("failed", "amount", "failed"),
        ("voided", "amount", "voided"),
        ("succeeded", "amountRefunded", "succeeded"),
        ("refunded", "amountRefunded", "refunded"),
        ("succeeded", "failureMessage", "succeeded"),
        ("failed", "failureCode", "failed"),
        ("succeeded", "externalId", "succeeded"),
    ],
)
def test_an_odd_field_does_not_throw_a_clear_answer_away(
    api: responses.RequestsMock, word: str, name: str, status: str, odd: object
) -> None:
    """P16, bchavez/Coinbase.Commerce#3."""
    answer = {**fixture("created_flat.json"), "status": word, name: odd}
    api.get("https://sandbox.mintcash.me/payments/pmt_7Hq2mZ0c", json=answer)

    (news,) = mintcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.problem, news.check) == (status, None, False)


@pytest.mark.parametrize("name", ["amount", "currency"])
@pytest.mark.parametrize("odd", [None, "24,00", ["24"], -1, True])
def test_money_with_a_sum_that_is_none_is_no_answer(
    api: responses.RequestsMock, name: str, odd: object
) -> None:
    """E4: it is asked about again, and a person is told in the end."""
    answer = {**fixture("created_flat.json"), "status": "succeeded", name: odd}
    api.get("https://sandbox.mintcash.me/payments/pmt_7Hq2mZ0c", json=answer)

    with pytest.raises(Unreachable, match="amount"):
        mintcash.fetch_payment(ACCOUNT, PAYMENT)


def test_a_fetched_payment_in_another_currency_is_told_in_it(api: responses.RequestsMock) -> None:
    """P4: once "no answer" each time."""
    answer = {**fixture("created_flat.json"), "status": "succeeded", "amount": 33.1}
    api.get("https://sandbox.mintcash.me/payments/pmt_7Hq2mZ0c", json=answer | {"currency": "cad"})

    (news,) = mintcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.currency) == ("succeeded", 3310, "CAD")


def test_an_answer_about_another_payment_is_not_believed(api: responses.RequestsMock) -> None:
    answer = {**fixture("created_flat.json"), "id": "pmt_other", "status": "succeeded"}
    api.get("https://sandbox.mintcash.me/payments/pmt_7Hq2mZ0c", json=answer)

    with pytest.raises(Unreachable, match="another payment"):
        mintcash.fetch_payment(ACCOUNT, PAYMENT)


def test_a_payment_without_an_id_cannot_be_fetched() -> None:
    """MintCash has no look-up by ``externalId``."""
    assert mintcash.fetch_payment(ACCOUNT, replace(PAYMENT, provider_reference=None)) == []
