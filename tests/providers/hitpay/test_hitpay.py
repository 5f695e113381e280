"""The HitPay adapter against its documentation: what it sends, what it believes."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses

from providers import hitpay
from providers.contract import (
    Customer,
    Malformed,
    News,
    Redirect,
    Rejected,
    Unproven,
    Unreachable,
    WebhookRefused,
)
from providers.proven import Proof

from ..contract import URLS, explain
from .case import (
    ACCOUNT,
    API,
    FORM_HMAC,
    KEY,
    PAYMENT,
    REQUEST_ID,
    SALT,
    VECTOR,
    VECTOR_SIGNATURE,
    WEBHOOK_SALT,
    completed,
    fixture,
    form,
    sign,
)
from .reading import (
    read_event,
    read_form,
)


def test_the_vector_of_version_2_is_accepted() -> None:
    news = read_event(VECTOR, VECTOR_SIGNATURE)

    assert news == News(
        provider_reference=REQUEST_ID,
        reference="ABC123",
        status="succeeded",
        word="completed",
        event_key=news.event_key,
        amount=59900,
        currency="SGD",
        proof=Proof("Hitpay-Signature", "HMAC-SHA256", "the raw body"),
    )


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param(VECTOR_SIGNATURE.upper(), id="upper_case"),
        pytest.param(f"sha256={VECTOR_SIGNATURE}", id="prefixed"),
        pytest.param(VECTOR_SIGNATURE[1:], id="truncated"),
        pytest.param(sign(VECTOR, ""), id="empty_salt"),
        pytest.param("é" * 64, id="not_ascii"),
    ],
)
def test_a_spoiled_signature_is_refused(signature: str) -> None:
    """A1, A3."""
    with pytest.raises(Unproven, match="Hitpay-Signature"):
        read_event(VECTOR, signature)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(VECTOR + b" ", id="white_space_at_the_end"),
        pytest.param(json.dumps(json.loads(VECTOR)).encode(), id="re_serialised"),
        pytest.param(VECTOR.replace(b"599.00", b"599.01"), id="amount"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_changed_event_is_refused(body: bytes) -> None:
    """A2."""
    with pytest.raises(Unproven):
        read_event(body, VECTOR_SIGNATURE)


def test_neither_salt_signs_for_the_other_version() -> None:
    """A7: the salt of the key is for forms, the salt of the endpoint for events."""
    swapped = replace(ACCOUNT, salts=(WEBHOOK_SALT,), webhook_salts=(SALT,))

    with pytest.raises(Unproven):
        read_form(form(), swapped)
    with pytest.raises(Unproven):
        read_event(VECTOR, sign(VECTOR, SALT))


def test_a_signature_in_the_header_leaves_the_one_in_the_form_unread() -> None:
    """The header alone decides, whatever Content-Type says."""
    with pytest.raises(Unproven, match="Hitpay-Signature differs"):
        read_event(form(), FORM_HMAC)
    with pytest.raises(Malformed):
        read_event(form())


def test_while_a_salt_is_being_replaced_either_signs() -> None:
    """A6."""
    both = replace(ACCOUNT, salts=("new", SALT), webhook_salts=("newer", WEBHOOK_SALT))

    assert read_form(form(), both).status == "succeeded"
    headers = {"hitpay-signature": VECTOR_SIGNATURE, "hitpay-event-object": "payment_request"}
    assert hitpay.read_webhook(both, headers, VECTOR)


def test_an_account_without_a_salt_believes_nothing() -> None:
    """A4: never an HMAC with an empty key."""
    without_salts = replace(ACCOUNT, salts=(), webhook_salts=())
    headers = {"hitpay-signature": sign(VECTOR, "")}

    with pytest.raises(Unproven):
        hitpay.read_webhook(without_salts, headers, VECTOR)
    with pytest.raises(Unproven):
        read_form(form(), without_salts)


def test_both_versions_tell_the_same_news() -> None:
    """Their keys differ; what they say of the payment does not, so one of them changes nothing."""
    first = read_form(form(payment_request_id=REQUEST_ID))
    second = read_event(completed())

    told = [(n.provider_reference, n.reference, n.status, n.amount) for n in (first, second)]
    assert told == [(REQUEST_ID, "ABC123", "succeeded", 59900)] * 2
    assert first.event_key != second.event_key


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", "succeeded"),
        ("pending", "pending"),
        ("failed", "pending"),
        ("canceled", "canceled"),
        ("null", None),
        ("of_the_future", None),
    ],
)
def test_a_word_is_one_status_in_both_versions(word: str, status: str | None) -> None:
    """D7. A ``failed`` may be one declined card of a page that takes the next."""
    assert read_form(form(status=word)).status == status
    assert read_event(json.dumps(fixture("created.json", status=word)).encode()).status == status


def test_a_failed_event_holds_its_reason() -> None:
    news = read_event(json.dumps(fixture("failed_v2.json")).encode())

    assert (news.status, news.word) == ("pending", "failed")
    assert news.failure_code == "withdrawal_count_limit_exceeded"
    assert news.failure_message == "Card declined"
    assert explain(hitpay, ACCOUNT, news.failure_code) == "This card was used too often."


@pytest.mark.parametrize("entity", ["order", "payout", "Charge", "Payment_Request", ""])
def test_other_events_are_kept_and_change_nothing(entity: str) -> None:
    """D7."""
    news = read_event(json.dumps(fixture("charge_created_v2.json")).encode(), entity=entity)

    assert news.status is None
    assert news.word == f"{entity}: succeeded"


def test_a_charge_that_is_passed_off_as_a_payment_request_pays_nothing() -> None:
    """The header is not signed: a reader of a genuine delivery may change it."""
    news = read_event(json.dumps(fixture("charge_created_v2.json")).encode())

    assert news.status is None


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("599.00", 59900), ("900,000.00", 90000000), ("1,234,567.80", 123456780), ("5", 500)],
)
def test_amounts_are_text_in_major_units_perhaps_grouped(amount: str, minor: int) -> None:
    assert read_form(form(amount=amount)).amount == minor
    entry = fixture("payment.json", amount=amount)
    assert read_event(completed(amount=amount, payments=[entry])).amount == minor


def test_the_currency_is_read_in_any_case() -> None:
    assert read_event(completed(currency="sgd")).currency == "SGD"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"amount": "1,00.00"}, id="odd_group"),
        pytest.param({"amount": ",599.00"}, id="leading_comma"),
        pytest.param({"amount": "599,00"}, id="decimal_comma"),
        pytest.param({"amount": "-599.00"}, id="negative"),
        pytest.param({"amount": "599.001"}, id="finer_than_a_cent"),
        pytest.param({"amount": "5.99e2"}, id="exponent"),
        pytest.param({"amount": " 599.00"}, id="blank"),
        pytest.param({"amount": "٥٩٩"}, id="other_digits"),
        pytest.param({"amount": "NaN"}, id="nan"),
        pytest.param({"amount": "9" * 5000}, id="5000_digits"),
        pytest.param({"amount": ""}, id="no_amount"),
        pytest.param({"currency": "ſgd"}, id="long_s"),
        pytest.param({"currency": ""}, id="no_currency"),
    ],
)
def test_correctly_signed_odd_money_is_refused(changes: dict[str, str]) -> None:
    """A15, B17: 400, in either version."""
    for read, body in ((read_form, form(**changes)), (read_event, completed(**changes))):
        with pytest.raises(Malformed) as refused:
            read(body)
        assert refused.value.http_status == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not_json"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="nothing_in_it"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(VECTOR.replace(b'"599.00"', b"NaN"), id="nan"),
        pytest.param(VECTOR.replace(b'"599.00"', b"true"), id="bool"),
        pytest.param(VECTOR.replace(b'"599.00"', b"[599]"), id="amount_list"),
        pytest.param(VECTOR.replace(b'"SGD"', b'"S$"'), id="no_currency"),
        pytest.param(VECTOR.replace(b'{"id"', b'{"id":"x","id"'), id="repeated_key"),
        pytest.param(VECTOR.replace(REQUEST_ID.encode(), b"/../x"), id="odd_id"),
        pytest.param(VECTOR.replace(b"}", b',"payments":"none"}'), id="payments_text"),
        pytest.param(VECTOR.replace(b"}", b',"payments":[7]}'), id="payments_numbers"),
    ],
)
def test_a_correctly_signed_body_that_is_no_payment_request_is_refused(body: bytes) -> None:
    """A15, B17, G7: nothing raises but :class:`WebhookRefused`."""
    with pytest.raises(WebhookRefused) as refused:
        read_event(body)

    assert refused.value.http_status == 400


def test_a_payment_request_is_asked_for_as_a_form_in_major_units(
    api: responses.RequestsMock,
) -> None:
    api.post(API, json=fixture("created.json"))

    checkout = hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == REQUEST_ID
    assert checkout.next_action == Redirect(fixture("created.json")["url"])
    (sent,) = api.calls
    assert sent.request.headers["X-BUSINESS-API-KEY"] == KEY
    assert sent.request.headers["X-Requested-With"] == "XMLHttpRequest"
    assert sent.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(str(sent.request.body), strict_parsing=True) == [
        ("amount", "599.00"),
        ("currency", "SGD"),
        ("email", "ann@example.com"),
        ("name", "Ann D'Souza"),
        ("purpose", "Order 1"),
        ("reference_number", "ABC123"),
        ("redirect_url", URLS.return_url),
        ("webhook", URLS.webhook_url),
        ("allow_repeated_payments", "false"),
        ("send_email", "false"),
        ("send_sms", "false"),
        ("payment_methods[]", "card"),
        ("payment_methods[]", "paynow_online"),
        ("expires_after", "60 mins"),
    ]


def test_what_is_empty_is_not_sent(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json"), status=201)
    nameless = replace(PAYMENT, customer=Customer("customer-1", "", "ann@example.com"))

    hitpay.start_checkout(replace(ACCOUNT, payment_methods=()), nameless, URLS)

    sent = dict(parse_qsl(str(api.calls[0].request.body), keep_blank_values=True))
    assert "name" not in sent
    assert "payment_methods[]" not in sent


def fetch(api: responses.RequestsMock, **changes: Any) -> News:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json", **changes))
    (news,) = hitpay.fetch_payment(ACCOUNT, PAYMENT)
    assert news is not None
    return news


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", "pending"),
        ("completed", "succeeded"),
        ("failed", "failed"),
        ("expired", "expired"),
        ("canceled", "canceled"),
        ("inactive", "canceled"),
        ("new_word", None),
        (None, None),
    ],
)
def test_a_fetched_payment_request_is_the_truth(
    api: responses.RequestsMock, word: str | None, status: str | None
) -> None:
    news = fetch(api, status=word)

    assert (news.status, news.amount, news.currency) == (status, 59900, "SGD")
    assert news.event_key is None
    assert api.calls[0].request.headers["X-BUSINESS-API-KEY"] == KEY


@pytest.mark.parametrize("word", ["pending", "failed", "expired", "canceled"])
def test_a_payment_that_succeeded_counts_though_the_request_lags_behind(
    api: responses.RequestsMock, word: str
) -> None:
    failed = fixture("payment.json", status="failed", status_reason_code="do_not_honor")

    news = fetch(api, status=word, payments=[failed, fixture("payment.json")])

    assert (news.status, news.refunded) == ("succeeded", 0)


@pytest.mark.parametrize(
    ("word", "refunded", "minor"),
    [("partially_refunded", "99.50", 9950), ("refunded", "599.00", 59900)],
)
def test_what_was_given_back_is_read_from_the_payment(
    api: responses.RequestsMock, word: str, refunded: str, minor: int
) -> None:
    entry = fixture("payment.json", status=word, refunded_amount=refunded)

    news = fetch(api, status="completed", payments=[entry])

    assert (news.status, news.refunded) == (word, minor)


def test_of_two_payments_the_one_that_was_kept_counts(api: responses.RequestsMock) -> None:
    given_back = fixture("payment.json", status="refunded", refunded_amount="599.00")

    news = fetch(api, status="completed", payments=[given_back, fixture("payment.json")])

    assert news.status == "succeeded"


@pytest.mark.parametrize("status", [None, 7, ["succeeded"], "requires_customer_action"])
def test_a_payment_that_is_under_way_pays_nothing(
    api: responses.RequestsMock, status: object
) -> None:
    assert fetch(api, payments=[fixture("payment.json", status=status)]).status == "pending"


def test_502_is_asked_again_where_it_does_no_harm(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json={}, status=502)

    assert fetch(api).status == "pending"
    assert len(api.calls) == 2


def test_an_answer_about_another_payment_is_not_believed(api: responses.RequestsMock) -> None:
    with pytest.raises(Unreachable, match="another payment"):
        fetch(api, id="9ef68e2e-0000-4000-8000-000000000000", status="completed")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None, "status": "completed"},
        {"amount": "1e3"},
        {"currency": "X$"},
        {"payments": "x"},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    api: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    with pytest.raises(Unreachable):
        fetch(api, **changes)


def test_an_unknown_payment_request_leaves_the_payment_as_it_is(
    api: responses.RequestsMock,
) -> None:
    words = f"No query results for model [App\\Business\\PaymentRequest] {REQUEST_ID}"
    api.get(f"{API}/{REQUEST_ID}", json={"message": words}, status=404)

    with pytest.raises(Rejected, match="No query results"):
        hitpay.fetch_payment(ACCOUNT, PAYMENT)


def test_a_payment_without_an_id_cannot_be_fetched() -> None:
    assert hitpay.fetch_payment(ACCOUNT, replace(PAYMENT, provider_reference=None)) == []
