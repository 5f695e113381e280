"""The WiPay adapter against its documentation: what it sends, what it believes."""

import re
from dataclasses import replace
from typing import Literal
from urllib.parse import parse_qsl

import pytest
import responses

from providers import wipay
from providers.contract import (
    Customer,
    FormPost,
    Malformed,
    News,
    ProviderError,
    Redirect,
    Rejected,
    Unreachable,
    WebhookRefused,
    WrongEnvironment,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    BY_FORM,
    LOOKUP_URL,
    PAYMENT,
    REQUEST_URL,
    TRANSACTION,
    changed,
    fixture,
    md5,
)
from .reading import came_back, read, sent_form


def test_a_success_is_bound_to_the_stored_request_and_not_to_its_total() -> None:
    (news,) = read(changed())

    assert (news.provider_reference, news.reference) == (TRANSACTION, None)
    assert (news.status, news.amount, news.currency) == ("succeeded", None, None)
    assert news.event_key == "0b6c7c1e-6f5f-4f0e-9d3b-2a4f7c1d8e90"


@pytest.mark.parametrize("event", wipay.EVENTS)
def test_every_documented_event_is_read_and_wins_over_the_status(event: str) -> None:
    (news,) = read(changed({"status": "incomplete"}, event=event))

    assert news.status == wipay.EVENTS[event]
    assert (news.word, news.provider_reference) == (event, TRANSACTION)
    assert (news.problem, news.check) == (None, False)


def test_a_refund_is_of_all_of_it() -> None:
    """P7, P8: there are no partial refunds."""
    (news,) = read(changed(event="payment.refunded"))

    assert (news.status, news.refunded) == ("refunded", None)


@pytest.mark.parametrize("name", ["total", "currency", "order_id", "date", "card", "message"])
def test_in_json_mode_an_odd_field_spoils_nothing(api: responses.RequestsMock, name: str) -> None:
    """P16: the proof is bound to what was asked for."""
    for odd in (None, "24,00", ["x"]):
        answer = fixture("transaction.json")
        answer["data"][name] = odd
        api.get(LOOKUP_URL, json=answer)

        (told,) = read(changed({name: odd}))
        (found,) = wipay.fetch_payment(ACCOUNT, PAYMENT)

        for news in (told, found):
            assert news is not None
            assert (news.status, news.amount, news.problem) == ("succeeded", None, None)


def test_an_error_is_unknown_and_not_failed() -> None:
    """WiPay may still learn of a success for 240 minutes."""
    (news,) = read(changed(event="payment.error"))

    assert (news.status, news.failure_message) == ("pending", None)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("[2-R2]: Transaction is declined.", "2-R2"),
        ("[3-RA9]: 3DS authentication failed.", "3-RA9"),
        ("[N-R00]: No.", "N-R00"),
        ("No.", None),
        (None, None),
        (7, None),
    ],
)
def test_a_decline_keeps_its_code_and_words_whatever_they_look_like(
    message: object, code: str | None
) -> None:
    (news,) = read(changed({"message": message}, event="payment.failed"))

    assert (news.status, news.failure_code) == ("failed", code)
    assert news.failure_message == (message if isinstance(message, str) else None)


@pytest.mark.parametrize("event", ["payment.of_the_future", "withdrawal.paid", "webhook.test"])
def test_an_unknown_event_is_kept_and_changes_nothing(event: str) -> None:
    """D7: also without a transaction."""
    (news,) = read(changed({"transaction_id": None}, event=event))

    assert news.status is None
    assert news.word == event


def test_live_does_not_take_sandbox_events_nor_the_reverse() -> None:
    """A11, B19: anyone can make them with the public account 1234567890."""
    live = replace(ACCOUNT, environment="live")
    live_id = changed({"transaction_id": TRANSACTION.removeprefix("SB-")})

    assert read(live_id, live)
    for account, body in ((live, changed()), (ACCOUNT, live_id)):
        with pytest.raises(WrongEnvironment) as refused:
            read(body, account)
        assert refused.value.http_status == 400


def test_a_replay_under_another_id_is_refused() -> None:
    """The header is not signed; the body is."""
    with pytest.raises(Malformed, match="different ids"):
        read(changed(), id="00000000-0000-4000-8000-000000000001")


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
        pytest.param(changed().replace(b'"12.05"', b"NaN"), id="nan"),
        pytest.param(changed().replace(b'"event"', b'"id"'), id="repeated_key"),
        pytest.param(changed(event=None), id="no_event"),
        pytest.param(changed(event=["payment.success"]), id="event_list"),
        pytest.param(changed(id="a b"), id="odd_event_id"),
        pytest.param(changed(id=7), id="event_id_number"),
        pytest.param(changed({"transaction_id": None}), id="no_transaction"),
        pytest.param(changed({"transaction_id": "SB-1/../x"}), id="odd_transaction"),
        pytest.param(changed().replace(b'"data"', b'"date"'), id="no_data"),
    ],
)
def test_a_correctly_signed_body_that_is_not_an_event_is_refused(body: bytes) -> None:
    """A15, G7."""
    with pytest.raises(WebhookRefused) as refused:
        read(body)

    assert refused.value.http_status == 400
    assert isinstance(refused.value, Malformed)


def test_a_page_is_asked_for_in_json_mode_without_any_key(api: responses.RequestsMock) -> None:
    api.post(REQUEST_URL, json=fixture("created.json"))

    checkout = wipay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == TRANSACTION
    assert checkout.next_action == Redirect(fixture("created.json")["url"])
    (sent,) = api.calls
    assert sent.request.headers["Accept"] == "application/json"
    assert sent.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert not {"Authorization", "X-WAPI-Key"} & sent.request.headers.keys()
    assert dict(parse_qsl(str(sent.request.body), strict_parsing=True)) == {
        "account_number": "1234567890",
        "country_code": "TT",
        "currency": "USD",
        "environment": "sandbox",
        "fee_structure": "customer_pay",
        "method": "credit_card_co",
        "order_id": "0123456789abcdef",
        "origin": "kiln-and-kettle",
        "response_url": URLS.return_url,
        "total": "10.00",
        "email": "john.doe@example.com",
        "name": "John Doe",
        "version": "1.0.0",
    }


@pytest.mark.parametrize(
    ("amount", "currency", "total"),
    [
        (1000, "USD", "10.00"),
        (1050, "TTD", "10.50"),
        (5, "USD", "0.05"),
        (100_000_000, "TTD", "1000000.00"),
    ],
)
def test_the_total_has_two_decimals_and_is_what_the_hash_is_made_of(
    api: responses.RequestsMock, amount: int, currency: str, total: str
) -> None:
    payment = replace(PAYMENT, amount=amount, currency=currency)

    assert sent_form(api, payment)["total"] == total
    assert isinstance(came_back(payment, hash=md5(f"{TRANSACTION}{total}123")), News)


def test_order_id_and_origin_keep_to_the_documented_pattern(api: responses.RequestsMock) -> None:
    pattern = re.compile(r"^(?![_-])[a-zA-Z0-9_-]+(?<![_-])$")

    form = sent_form(api, PAYMENT)

    assert pattern.fullmatch(form["order_id"])
    assert len(form["order_id"]) == 16
    assert pattern.fullmatch(form["origin"])
    assert len(form["origin"]) <= 32


def test_a_long_name_is_cut_and_a_long_address_is_not(api: responses.RequestsMock) -> None:
    """An e-mail address that is cut off is another person's."""
    long_name = replace(PAYMENT, customer=Customer("c", "n" * 61, "a@example.com"))
    long_email = replace(PAYMENT, customer=Customer("c", "Ann", f"{'a' * 50}@example.com"))

    assert sent_form(api, long_name)["name"] == "n" * 60
    with pytest.raises(Rejected, match="50 characters"):
        wipay.start_checkout(ACCOUNT, long_email, URLS)


def test_unknown_is_not_failed_for_four_hours() -> None:
    """E9."""
    assert wipay.capabilities(ACCOUNT).silent_minutes == 240


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("success", "succeeded"),
        ("failed", "failed"),
        ("incomplete", "pending"),
        ("error", "pending"),
        ("new_word", None),
        (None, None),
    ],
)
def test_a_transaction_is_asked_for_with_the_wapi_key(
    api: responses.RequestsMock, word: str | None, status: str | None
) -> None:
    answer = fixture("transaction.json")
    answer["data"]["status"] = word
    api.get(LOOKUP_URL, json=answer)

    (news,) = wipay.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.event_key) == (status, None, None)
    assert api.calls[0].request.headers["X-WAPI-Key"] == "wapi_test_example"


@pytest.mark.parametrize(
    ("state", "status", "dispute"),
    [
        ("Normal", "succeeded", None),
        (None, "succeeded", None),
        ("Of the future", "succeeded", None),
        ("Refunded", "refunded", None),
        ("Chargeback Pending", "succeeded", "opened"),
        ("CHARGEBACK PROCESSED", "succeeded", "lost"),
        ("Chargeback Released", "succeeded", "won"),
    ],
)
def test_a_success_whose_money_went_back_is_told_so(
    api: responses.RequestsMock, state: str | None, status: str, dispute: str | None
) -> None:
    """P2: the word stays "success", and what is looked up may be all that is ever heard."""
    answer = fixture("transaction.json")
    answer["data"]["status_desc"] = state
    api.get(LOOKUP_URL, json=answer)

    (news,) = wipay.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.dispute) == (status, dispute)


def test_without_a_wapi_key_wipay_cannot_be_asked() -> None:
    assert wipay.fetch_payment(replace(ACCOUNT, wapi_key=""), PAYMENT) == []


@pytest.mark.parametrize(
    "data", [None, [], {"status": "success"}, {"transaction_id": "SB-1", "status": "success"}]
)
def test_an_answer_about_another_payment_is_not_believed(
    api: responses.RequestsMock, data: object
) -> None:
    api.get(LOOKUP_URL, json={"message": "OK", "data": data})

    with pytest.raises(Unreachable, match="another payment"):
        wipay.fetch_payment(ACCOUNT, PAYMENT)


@pytest.mark.parametrize(("status", "problem"), [(401, Rejected), (429, Unreachable)])
def test_an_error_says_nothing_about_the_payment(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    api.get(LOOKUP_URL, json={"message": "Unauthorized"}, status=status)

    with pytest.raises(problem, match="Unauthorized") as raised:
        wipay.fetch_payment(ACCOUNT, PAYMENT)

    assert "wapi_test_example" not in str(raised.value)


# ------------------------------------------------------------------ what the request may leave out


@pytest.mark.parametrize("length", [5, 50, 51, 254])
def test_without_email_wipay_is_sent_none_however_long_it_is(
    api: responses.RequestsMock, length: int
) -> None:
    """S16: optional in v1.0.8 and v1.0.9, so its limit is no reason to refuse a shopper."""
    account = replace(ACCOUNT, sends_email=False)
    address = "a@b.c".rjust(length, "a")
    api.post(REQUEST_URL, json=fixture("created.json"))
    payment = replace(PAYMENT, customer=replace(PAYMENT.customer, email=address))

    wipay.start_checkout(account, payment, URLS)

    assert "email" not in dict(parse_qsl(str(api.calls[0].request.body)))
    assert wipay.capabilities(account).longest_email is None
    assert wipay.capabilities(ACCOUNT).longest_email == 50


@pytest.mark.parametrize("card_type", ["", "mastercard", "visa"])
@pytest.mark.parametrize("mode", ["json", "form"])
def test_a_card_type_is_named_where_it_is_set(
    api: responses.RequestsMock, card_type: str, mode: Literal["json", "form"]
) -> None:
    account = replace(BY_FORM if mode == "form" else ACCOUNT, card_type=card_type)
    if mode == "json":
        api.post(REQUEST_URL, json=fixture("created.json"))

    checkout = wipay.start_checkout(account, replace(PAYMENT, provider_reference=None), URLS)

    if isinstance(checkout.next_action, FormPost):
        sent = dict(checkout.next_action.fields)
    else:
        sent = dict(parse_qsl(str(api.calls[0].request.body)))
    assert sent.get("card_type", "") == card_type
