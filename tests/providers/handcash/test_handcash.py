"""The HandCash adapter against its documentation: what it sends, what it believes."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from providers import handcash
from providers.contract import (
    Malformed,
    Redirect,
    Rejected,
    Unproven,
    Unreachable,
    Urls,
)
from providers.handcash.api import json_number
from providers.optional import Hint

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    FIXTURES,
    PAYMENT,
    PRIVATE,
    PUBLIC,
    REQUEST_ID,
    SECRET,
    TRANSACTION_ID,
    changed,
    fixture,
)
from .reading import read

# ------------------------------------------------------------------ appSecret


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(..., id="missing"),
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param([SECRET], id="list"),
        pytest.param({"appSecret": SECRET}, id="object"),
        pytest.param(1, id="number"),
        pytest.param(True, id="boolean"),
        pytest.param("another", id="another"),
        pytest.param(SECRET + "1", id="longer_with_ours_as_prefix"),
        pytest.param(SECRET[:-1], id="prefix_of_ours"),
        pytest.param(SECRET.upper(), id="upper_case"),
        pytest.param(f" {SECRET}", id="white_space"),
        pytest.param("é" * 12, id="not_ascii"),
        pytest.param("\ud800", id="half_a_character"),
    ],
)
def test_a_body_that_does_not_hold_our_secret_is_refused(given: object) -> None:
    """A13: 401, and nothing raises but :class:`Unproven`."""
    with pytest.raises(Unproven) as refused:
        read(changed(appSecret=given))

    assert refused.value.http_status == 401
    assert SECRET not in str(refused.value)


def test_the_secret_counts_in_the_body_only() -> None:
    with pytest.raises(Unproven):
        handcash.read_webhook(ACCOUNT, {"app-secret": SECRET}, changed(appSecret=...))


def test_the_secret_counts_at_the_top_only() -> None:
    with pytest.raises(Unproven):
        read(changed(appSecret=..., customParameters={"appSecret": SECRET}))


def test_while_a_secret_is_being_replaced_either_is_accepted() -> None:
    """A6."""
    both = replace(ACCOUNT, app_secrets=("new", SECRET))

    for secret in ("new", SECRET):
        assert handcash.read_webhook(both, {}, changed(appSecret=secret))
    with pytest.raises(Unproven):
        handcash.read_webhook(replace(ACCOUNT, app_secrets=("new",)), {}, changed())


@pytest.mark.parametrize("given", ["", None, ..., SECRET])
@pytest.mark.parametrize("ours", [(), ("",)])
def test_an_account_without_a_secret_believes_nothing(ours: tuple[str, ...], given: object) -> None:
    """A4."""
    with pytest.raises(Unproven):
        handcash.read_webhook(replace(ACCOUNT, app_secrets=ours), {}, changed(appSecret=given))


# ------------------------------------------------------------------ deliveries


@pytest.mark.parametrize("name", ["completed_documented.json", "completed_newer.json"])
def test_a_delivery_of_either_age_is_read(name: str) -> None:
    news = read((FIXTURES / name).read_bytes())

    assert (news.provider_reference, news.reference) == (REQUEST_ID, "order-1")
    assert news.event_key == f"{REQUEST_ID}:{TRANSACTION_ID}"
    assert news.status == "succeeded"


def test_the_amount_is_not_in_the_news_but_bound_to_the_request() -> None:
    """H5: whatever a body says about money is not read."""
    news = read(changed(amount=0.01, currency="EUR", paymentAmount={"amount": 0.01}))

    assert (news.amount, news.currency) == (None, None)


def test_two_transactions_of_one_request_are_two_pieces_of_news() -> None:
    """B21: two payers race."""
    first, second = read(changed()), read(changed(transactionId="ab" * 32))

    assert first.event_key != second.event_key
    assert first.transaction_id != second.transaction_id
    assert first.provider_reference == second.provider_reference


@pytest.mark.parametrize(
    ("parameters", "reference"),
    [
        ({"payment": "order-2"}, "order-2"),
        ({"payment": 2}, None),
        ({"payment": None}, None),
        ({"payment": "\ud800\x00"}, "  "),
        ({}, None),
        ([], None),
        (None, None),
        (..., None),
    ],
)
def test_our_reference_is_information_and_may_be_missing(
    parameters: object, reference: str | None
) -> None:
    """B9: the news is about the request whose id it names."""
    news = read(changed(customParameters=parameters))

    assert (news.provider_reference, news.reference) == (REQUEST_ID, reference)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not_json"),
        pytest.param(b"[]", id="list"),
        pytest.param(f'"{SECRET}"'.encode(), id="string"),
        pytest.param(changed().decode().encode("utf-16"), id="utf_16"),
        pytest.param(b'{"appSecret": "\xff"}', id="invalid_utf_8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(changed(amount=float("nan")), id="nan"),
        pytest.param(changed(amount=1).replace(b"1}", b"9" * 5000 + b"}"), id="5000_digits"),
        pytest.param(b'{"appSecret": "x",' + changed()[1:], id="two_secrets"),
        pytest.param(changed(paymentRequestId=...), id="no_request"),
        pytest.param(changed(paymentRequestId=None), id="request_null"),
        pytest.param(changed(paymentRequestId="../../v3/x"), id="odd_request"),
        pytest.param(changed(paymentRequestId="a" * 33), id="long_request"),
        pytest.param(changed(transactionId=...), id="no_transaction"),
        pytest.param(changed(transactionId=["x"]), id="transaction_list"),
        pytest.param(changed(transactionId=""), id="transaction_empty"),
        pytest.param(changed(transactionId="a" * 65), id="long_transaction"),
        pytest.param(changed(transactionId="a b"), id="odd_transaction"),
    ],
)
def test_a_body_that_is_not_a_delivery_is_refused(body: bytes) -> None:
    """A15, G7."""
    with pytest.raises(Malformed) as refused:
        read(body)

    assert refused.value.http_status == 400


def test_what_is_kept_is_the_delivery_without_the_secret() -> None:
    """H5."""
    kept = handcash.keep_body(ACCOUNT, changed(note="é\x00\ud800", rate=1.5))

    event = fixture("completed_documented.json") | {"note": "é\x00\ud800", "rate": "1.5"}
    del event["appSecret"]
    assert json.loads(kept) == event
    assert kept.isascii()
    assert kept.isprintable()


# ------------------------------------------------------------------ POST /v3/paymentRequests


def test_a_request_is_made_in_major_units_with_the_keys_in_headers(
    api: responses.RequestsMock,
) -> None:
    api.post(CREATE, json=fixture("created.json"))

    checkout = handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == REQUEST_ID
    assert checkout.next_action.url == f"https://pay.handcash.io/{REQUEST_ID}"
    (sent,) = api.calls
    assert sent.request.headers["app-id"] == "0123456789abcdef01234567"
    assert sent.request.headers["app-secret"] == SECRET
    assert sent.request.headers["content-type"] == "application/json"
    assert json.loads(sent.request.body or "") == {
        "product": {"name": "Order 1", "description": "Payment order-1"},
        "instrumentCurrencyCode": "BSV",
        "denominationCurrencyCode": "USD",
        "receivers": [{"sendAmount": 49.99, "destination": "kilnandkettle"}],
        "notifications": {
            "webhook": {
                "webhookUrl": "https://shop.example/webhooks",
                "customParameters": {"payment": "order-1"},
            }
        },
        "redirectUrl": "https://shop.example/orders/1/return",
        "expirationType": "onPaymentCompleted",
        "expirationInSeconds": 3600,
    }


@pytest.mark.parametrize(
    ("minor", "written"),
    [
        (1, b"0.01"),
        (10, b"0.1"),
        (2400, b"24.0"),
        (4999, b"49.99"),
        (999999999999, b"9999999999.99"),
    ],
)
def test_an_amount_is_written_as_a_plain_json_number(
    api: responses.RequestsMock, minor: int, written: bytes
) -> None:
    api.post(CREATE, json=fixture("created.json"))

    handcash.start_checkout(ACCOUNT, replace(PAYMENT, amount=minor), URLS)

    body = api.calls[0].request.body
    assert isinstance(body, bytes)
    assert b'"sendAmount": ' + written + b"," in body


@given(minor=st.integers(1, 10**14))
def test_no_amount_loses_or_gains_a_cent_on_the_wire(minor: int) -> None:
    written = json.dumps(json_number(minor, "USD"))

    assert json.loads(written, parse_float=Decimal) * 100 == minor
    assert "e" not in written


def test_of_several_secrets_the_first_is_sent(api: responses.RequestsMock) -> None:
    api.post(CREATE, json=fixture("created.json"))

    handcash.start_checkout(replace(ACCOUNT, app_secrets=("new", SECRET)), PAYMENT, URLS)

    assert api.calls[0].request.headers["app-secret"] == "new"


def test_the_address_of_the_page_is_used_as_it_is(api: responses.RequestsMock) -> None:
    api.post(CREATE, json=fixture("created_newer_page.json"))

    checkout = handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert (
        checkout.next_action.url == f"https://handcash.io/payment-request/{REQUEST_ID}?sid=ZYbgBA"
    )


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (f"https://pay.handcash.io/api/paymentPreview/qr/{REQUEST_ID}", True),
        ("http://127.0.0.1:5001/handcash/qr.png?x=1", True),
        ("javascript:alert(1)", False),
        ("data:image/png;base64,AAAA", False),
        ("//pay.handcash.io/qr", False),
        ("https://user@pay.handcash.io/qr", False),
        ("https://pay.handcash.io/a qr", False),
        ("https://pay.handcash.io/qr\n", False),
        (["https://pay.handcash.io/qr"], False),
        (None, False),
    ],
)
def test_a_picture_of_the_address_is_taken_where_it_is_a_plain_address(
    api: responses.RequestsMock, image: object, shown: bool
) -> None:
    api.post(CREATE, json=fixture("created.json") | {"paymentRequestQrCodeUrl": image})

    way = handcash.start_checkout(ACCOUNT, PAYMENT, URLS).next_action

    assert isinstance(way, Redirect)
    assert way.qr_image == (image if shown else None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 450])
def test_an_error_is_one_sentence_for_the_shopper_and_exact_words_for_the_log(
    api: responses.RequestsMock, status: int
) -> None:
    api.post(CREATE, json=fixture("error.json"), status=status)

    with pytest.raises(Rejected) as raised:
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert f'HTTP {status} "instrumentCurrencyCode" must be one of' in str(raised.value)
    assert "Nothing was charged" in raised.value.shopper
    assert SECRET not in repr(raised.value) + str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"json": {}, "status": 500}, id="500"),
        pytest.param({"json": {}, "status": 502}, id="502"),
        pytest.param({"json": {}, "status": 503}, id="503"),
        pytest.param({"json": {}, "status": 301}, id="redirect"),
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon"}, id="html"),
        pytest.param({"body": '{"id": "66a2'}, id="truncated"),
        pytest.param({"body": ""}, id="empty"),
        pytest.param({"json": []}, id="list"),
        pytest.param({"json": {"id": REQUEST_ID, "paymentRequestUrl": None}}, id="no_page"),
        pytest.param({"json": {"paymentRequestUrl": "https://pay.handcash.io/1"}}, id="no_id"),
    ],
)
def test_no_usable_answer_leaves_open_what_happened_and_is_never_repeated(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """C7, E4: there is no idempotency key, so a second call would be a second request."""
    api.post(CREATE, **answer)

    with pytest.raises(Unreachable):
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1


NOT_ALLOWED = "denominationCurrencyCode is not allowed"


@pytest.mark.parametrize(
    "message",
    [
        NOT_ALLOWED,
        '"denominationCurrencyCode" is not allowed',
        'Validation failed: "denominationCurrencyCode" is not allowed',
        '"currency" is required',
        '"currency" is required. "denominationCurrencyCode" is not allowed',
    ],
)
def test_a_price_field_that_is_refused_by_name_is_sent_under_the_other(
    api: responses.RequestsMock, message: str
) -> None:
    """T17: HandCash's own sources disagree on it; the refused call has made nothing."""
    api.post(CREATE, json={"message": message}, status=400)
    api.post(CREATE, json=fixture("created.json"))

    checkout = handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == REQUEST_ID
    first, second = (json.loads(call.request.body or "") for call in api.calls)
    assert first.pop("denominationCurrencyCode") == second.pop("currency") == "USD"
    assert first == second


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, '"instrumentCurrencyCode" must be one of [MNEE, BSV]'),
        (400, '"receivers[0].currencyCode" is not allowed'),
        (400, '"receivers[0].currency" is required'),
        (400, '"denominationCurrencyCode" must be one of [USD, EUR]'),
        (400, '"instrumentCurrency" is required'),
        (401, NOT_ALLOWED),
        (409, NOT_ALLOWED),
    ],
)
def test_whatever_else_is_refused_is_sent_once(
    api: responses.RequestsMock, status: int, message: str
) -> None:
    """T17: exactly that 400."""
    api.post(CREATE, json={"message": message}, status=status)

    with pytest.raises(Rejected):
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"json": {"message": '"currency" is not allowed'}, "status": 400}, Rejected),
        ({"json": {"message": NOT_ALLOWED}, "status": 400}, Rejected),
        ({"json": {}, "status": 503}, Unreachable),
        ({"body": requests.ReadTimeout()}, Unreachable),
    ],
)
def test_there_is_no_third_call(
    api: responses.RequestsMock, answer: dict[str, Any], problem: type[Exception]
) -> None:
    """T17: the second may have made a request."""
    api.post(CREATE, json={"message": NOT_ALLOWED}, status=400)
    api.post(CREATE, **answer)

    with pytest.raises(problem):
        handcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 2


# ------------------------------------------------------------------ the return


def test_the_return_is_a_hint_with_the_transaction() -> None:
    args = {"transactionId": TRANSACTION_ID}

    assert handcash.read_return(ACCOUNT, PAYMENT, args) == Hint(TRANSACTION_ID)


# ------------------------------------------------------------------ GET …/public/{id}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", "created"),
        ("completed", "succeeded"),
        ("PAID", "succeeded"),
        ("EXPIRED", "expired"),
        ("CANCELLED", None),
        ("FAILED", None),
        ("new_word", None),
        (None, None),
    ],
)
def test_a_status_word_is_believed_or_kept(
    api: responses.RequestsMock, word: str | None, status: str | None
) -> None:
    """D7."""
    api.get(PUBLIC, json={**fixture("public.json"), "status": word})

    (news,) = handcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.word) == (status, f"GET: {word}")
    assert (news.amount, news.currency, news.event_key) == (4999, "USD", None)


def test_asking_sends_no_keys_and_is_repeated(api: responses.RequestsMock) -> None:
    api.get(PUBLIC, json={}, status=503)
    api.get(PUBLIC, json=fixture("public.json"))

    assert handcash.fetch_payment(ACCOUNT, PAYMENT)

    assert not any("app-secret" in each.request.headers for each in api.calls)


@pytest.mark.parametrize("name", ["redirectUrl", "expiresAt", "product", "paymentsCount"])
def test_no_other_field_of_the_answer_matters(api: responses.RequestsMock, name: str) -> None:
    """P16."""
    api.get(PUBLIC, json={**fixture("public.json"), name: None})

    (news,) = handcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount) == ("succeeded", 4999)


@pytest.mark.parametrize("transaction", [None, "", ..., ["x"], 7, "a b"])
def test_success_without_a_transaction_is_not_believed(
    api: responses.RequestsMock, transaction: object
) -> None:
    answer = {**fixture("public.json"), "transactionId": transaction}
    api.get(PUBLIC, json={name: answer[name] for name in answer if answer[name] is not ...})

    (news,) = handcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert news.status is None


@pytest.mark.parametrize(
    ("asked", "amount", "currency"),
    [
        ({"currencyCode": "USD", "amount": 49.9}, 4990, "USD"),
        ({"currencyCode": "EUR", "amount": 49.99}, 4999, "EUR"),
        ({"currencyCode": "usd", "amount": "49.99"}, 4999, "USD"),
        ({"currencyCode": "CAD", "amount": 49.989999999999995}, 4999, "CAD"),
        ({"currencyCode": "JPY", "amount": 3648}, 3648, "JPY"),
        ({"currencyCode": "BSV", "amount": 1.12345678, "denominatedIn": "USD"}, None, None),
        ({"currencyCode": "USD", "amount": None}, None, None),
        ({"currencyCode": "USD", "amount": "24,00"}, None, None),
        ({"currencyCode": "USD", "amount": 49.999}, None, None),
        ({"currencyCode": "USD", "amount": -1}, None, None),
        ({"currencyCode": "USD", "amount": True}, None, None),
        ({"currencyCode": "USD"}, None, None),
        ({"currencyCode": None, "amount": 49.99}, None, None),
        ({"currencyCode": ["USD"], "amount": 49.99}, None, None),
        ({"amount": 49.99}, None, None),
        ("49.99", None, None),
        (None, None, None),
    ],
)
def test_the_price_is_compared_where_it_is_said_and_spoils_nothing_where_it_is_not(
    api: responses.RequestsMock, asked: object, amount: int | None, currency: str | None
) -> None:
    """P4, P14, P15, P16: completed, with its transaction, is the news."""
    api.get(PUBLIC, json={**fixture("public.json"), "paymentAmount": asked})

    (news,) = handcash.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.amount, news.currency) == (amount, currency)
    assert (news.status, news.transaction_id) == ("succeeded", TRANSACTION_ID)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"id": "507f1f77bcf86cd799439011"}, id="another_request"),
        pytest.param({"id": None}, id="no_id"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    api: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    api.get(PUBLIC, json={**fixture("public.json"), **changes})

    with pytest.raises(Unreachable):
        handcash.fetch_payment(ACCOUNT, PAYMENT)


# ------------------------------------------------------------------ PUT, and DELETE


def pending(api: responses.RequestsMock, **changes: Any) -> None:
    """The public answer about a request that is not paid yet."""
    api.get(PUBLIC, json=fixture("public.json") | {"status": "pending"} | changes)


def test_a_page_that_is_gone_back_to_leads_to_where_the_shop_is_now(
    api: responses.RequestsMock,
) -> None:
    """A new tunnel is a new BASE_URL."""
    pending(api)
    api.put(PRIVATE, json=fixture("created.json"))
    urls = Urls("https://new.example/orders/1/return", "https://new.example/webhooks")

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, urls) == "open"

    sent = api.calls[1].request
    assert sent.headers["app-secret"] == SECRET
    assert json.loads(sent.body or "") == {
        "product": {"name": "Order 1", "description": "Payment order-1"},
        "notifications": {
            "webhook": {
                "webhookUrl": "https://new.example/webhooks",
                "customParameters": {"payment": "order-1"},
            }
        },
        "redirectUrl": "https://new.example/orders/1/return",
    }


@pytest.mark.parametrize(
    ("status", "found"),
    [("completed", "done"), ("PAID", "done"), ("expired", "closed"), ("EXPIRED", "closed")],
)
def test_a_page_that_has_ended_is_not_touched(
    api: responses.RequestsMock, status: str, found: str
) -> None:
    pending(api, status=status, transactionId=None)

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == found


@pytest.mark.parametrize("status", ["CANCELLED", "new_word", None])
def test_a_word_that_we_do_not_know_ends_nothing(
    api: responses.RequestsMock, status: str | None
) -> None:
    pending(api, status=status)
    api.put(PRIVATE, json=fixture("created.json"))

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "open"


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_request_that_handcash_does_not_know_is_closed(
    api: responses.RequestsMock, status: int
) -> None:
    """Which of them it is, is not documented."""
    api.get(PUBLIC, json={"message": "Payment request not found"}, status=status)

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "closed"


@pytest.mark.parametrize("status", [404, 410])
def test_a_request_that_is_deleted_meanwhile_is_closed(
    api: responses.RequestsMock, status: int
) -> None:
    pending(api)
    api.put(PRIVATE, json={"message": "Payment request not found"}, status=status)

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "closed"


@pytest.mark.parametrize("status", [400, 401, 403, 409])
def test_a_change_that_is_refused_does_not_say_that_the_page_is_closed(
    api: responses.RequestsMock, status: int
) -> None:
    """A second request beside an open one could be paid twice."""
    pending(api)
    api.put(PRIVATE, json=fixture("error.json"), status=status)

    with pytest.raises(Rejected):
        handcash.resume_checkout(ACCOUNT, PAYMENT, URLS)


def test_a_change_is_repeated_when_there_is_no_answer(api: responses.RequestsMock) -> None:
    pending(api)
    api.put(PRIVATE, json={}, status=503)
    api.put(PRIVATE, json=fixture("created.json"))

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "open"


def test_a_request_is_withdrawn_with_our_keys(api: responses.RequestsMock) -> None:
    pending(api)
    api.delete(PRIVATE, body="")

    handcash.cancel(ACCOUNT, PAYMENT)

    sent = api.calls[1].request
    assert (sent.headers["app-id"], sent.headers["app-secret"]) == (ACCOUNT.app_id, SECRET)
    assert sent.body is None


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_request_that_is_gone_already_is_fine(api: responses.RequestsMock, status: int) -> None:
    pending(api)
    api.delete(PRIVATE, json={"message": "Payment request not found"}, status=status)

    handcash.cancel(ACCOUNT, PAYMENT)


def test_what_was_never_made_has_no_page_and_need_not_be_withdrawn() -> None:
    unnamed = replace(PAYMENT, provider_reference=None)

    handcash.cancel(ACCOUNT, unnamed)
    assert handcash.resume_checkout(ACCOUNT, unnamed, URLS) == "closed"


def test_an_unknown_request_need_not_be_withdrawn(api: responses.RequestsMock) -> None:
    api.get(PUBLIC, json={"message": "Payment request not found"}, status=404)

    handcash.cancel(ACCOUNT, PAYMENT)


def test_a_paid_request_is_not_withdrawn(api: responses.RequestsMock) -> None:
    """Its record is what we ask for the truth."""
    pending(api, status="completed")

    with pytest.raises(Rejected, match="is paid"):
        handcash.cancel(ACCOUNT, PAYMENT)


@pytest.mark.parametrize("status", [401, 403, 409, 450])
def test_a_withdrawal_may_be_refused(api: responses.RequestsMock, status: int) -> None:
    pending(api)
    api.delete(PRIVATE, json=fixture("error.json"), status=status)

    with pytest.raises(Rejected):
        handcash.cancel(ACCOUNT, PAYMENT)


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": requests.ReadTimeout()}])
def test_without_an_answer_it_is_unknown_whether_it_is_withdrawn(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    pending(api)
    api.delete(PRIVATE, **answer)

    with pytest.raises(Unreachable):
        handcash.cancel(ACCOUNT, PAYMENT)
