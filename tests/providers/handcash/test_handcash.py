"""The HandCash adapter against its documentation: what it sends, what it believes."""

import json
from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import handcash
from providers.contract import (
    Malformed,
    Redirect,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    FIXTURES,
    IN_BSV,
    PAYMENT,
    PUBLIC,
    REQUEST_ID,
    SECRET,
    TRANSACTION_ID,
    changed,
    fixture,
)
from .reading import read


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


@pytest.mark.parametrize(
    ("asked", "amount", "currency"),
    [
        ({"currencyCode": "BSV", "amount": 0.00012345}, IN_BSV.amount, "BSV"),
        ({"currencyCode": "BSV", "amount": "0.00012344"}, 12344 * 10**10, "BSV"),
        ({"currencyCode": "USD", "amount": 0.01}, 1, "USD"),
        ({"currencyCode": "MNEE", "amount": 0.01}, None, None),
        ({"currencyCode": "BSV", "amount": None}, None, None),
        ({"currencyCode": "BSV", "amount": -1}, None, None),
    ],
)
def test_a_price_in_the_coin_is_compared_where_ours_was_in_it(
    api: responses.RequestsMock, asked: dict[str, Any], amount: int | None, currency: str | None
) -> None:
    """B1, B2: less coins, or another currency, is not what was asked for."""
    api.get(PUBLIC, json={**fixture("public.json"), "paymentAmount": asked})

    (news,) = handcash.fetch_payment(ACCOUNT, IN_BSV)

    assert (news.status, news.amount, news.currency) == ("succeeded", amount, currency)
