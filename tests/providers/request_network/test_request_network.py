"""The Request Network adapter against its documentation: what it sends, what it believes."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest
import responses

from providers import request_network
from providers.contract import (
    Malformed,
    Redirect,
    Unproven,
)
from providers.optional import ReadsReturns

from ..contract import URLS, explain
from .case import (
    ACCOUNT,
    API_KEY,
    CASE,
    CREATE,
    DELIVERY,
    FIXTURES,
    PAYMENT,
    REQUEST_ID,
    SECOND_ID,
    SECRET,
    TOKEN,
    changed,
    fixture,
    signed,
)
from .reading import read


@pytest.mark.parametrize(
    ("name", "signature", "status"),
    [
        (
            "vector_confirmed.json",
            "eccab0ab95cb0a7ee985a7138deb2dcd9de15dee68b537309fa97c0fa1e3648c",
            "succeeded",
        ),
        (
            "vector_partial.json",
            "c1addd9845663b8db05b1bcc2b0917e8acdd0967ce6cf89caa28a0d74357ce71",
            "partially_paid",
        ),
        (
            "vector_failed.json",
            "7f196e11640e017f13befca14d8ddd3f99255843cf9ed519185f71ec33a8cbe1",
            "failed",
        ),
    ],
)
def test_what_openssl_signed_is_believed(name: str, signature: str, status: str) -> None:
    headers = {"x-request-network-signature": signature, "x-request-network-delivery": DELIVERY}

    (news,) = request_network.read_webhook(ACCOUNT, headers, (FIXTURES / name).read_bytes())

    assert (news.provider_reference, news.status) == (REQUEST_ID, status)


def test_the_raw_bytes_are_signed() -> None:
    """openssl, too: spaces and a letter that is not ASCII. It fails later, at what is missing."""
    body = '{ "event": "payment.confirmed", "note": "café" }'.encode()
    signature = "86c8c7af12f1b110c1dd3b332612c05960d71aa048d16229aeded10ed7842c57"
    headers = {"x-request-network-signature": signature, "x-request-network-delivery": DELIVERY}

    with pytest.raises(Malformed):
        request_network.read_webhook(ACCOUNT, headers, body)
    with pytest.raises(Unproven):
        request_network.read_webhook(ACCOUNT, headers, json.dumps(json.loads(body)).encode())


SIGNATURE = signed(changed())[0]["x-request-network-signature"]


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param("0" * 64, id="another"),
        pytest.param(SIGNATURE.upper(), id="upper_case"),
        pytest.param(f"sha256={SIGNATURE}", id="prefix"),
        pytest.param(SIGNATURE[:-1], id="short"),
        pytest.param(f"{SIGNATURE} ", id="white_space"),
        pytest.param("é" * 64, id="not_ascii"),
        pytest.param(
            hmac.new(bytes.fromhex(SECRET), changed(), hashlib.sha256).hexdigest(),
            id="secret_decoded",
        ),
    ],
)
def test_any_other_signature_is_refused(signature: str) -> None:
    """A1, A2."""
    with pytest.raises(Unproven) as refused:
        read(changed(), **{"x-request-network-signature": signature})

    assert refused.value.http_status == 401


def test_while_a_secret_is_being_replaced_either_is_accepted() -> None:
    """A6."""
    both = replace(ACCOUNT, webhook_secrets=("new", SECRET))

    assert request_network.read_webhook(both, *CASE.paid)
    with pytest.raises(Unproven):
        request_network.read_webhook(replace(ACCOUNT, webhook_secrets=("new",)), *CASE.paid)


@pytest.mark.parametrize("ours", [(), ("",)])
def test_an_account_without_a_secret_believes_nothing(ours: tuple[str, ...]) -> None:
    """A4."""
    account, body = replace(ACCOUNT, webhook_secrets=ours), changed()
    signature = hmac.new(b"", body, hashlib.sha256).hexdigest()

    with pytest.raises(Unproven):
        request_network.read_webhook(account, {"x-request-network-signature": signature}, body)


def test_the_documented_event_is_read() -> None:
    news = read(changed())

    assert (news.provider_reference, news.reference) == (REQUEST_ID, None)
    assert (news.status, news.word) == ("succeeded", "payment.confirmed")
    assert (news.amount, news.currency) == (4999, "USD")
    assert str(news.event_key).startswith(f"{DELIVERY}:")
    assert news.failure_code is None


@pytest.mark.parametrize("missing", ["requestId", "requestID"])
def test_either_spelling_of_the_id_will_do(missing: str) -> None:
    assert read(changed(**{missing: ...})).provider_reference == REQUEST_ID


def test_a_part_is_told_as_the_sum_so_far() -> None:
    news = read(changed(event="payment.partial", amount="5.0", totalAmountPaid="20.0"))

    assert (news.status, news.amount, news.currency) == ("partially_paid", 2000, "USD")


@pytest.mark.parametrize(
    ("reason", "code"), [("insufficient_funds", "insufficient_funds"), ("", None), (..., None)]
)
def test_a_failure_names_its_reason_or_none(reason: object, code: str | None) -> None:
    news = read(changed(event="payment.failed", subStatus=reason, totalAmountPaid=...))

    assert (news.status, news.amount, news.currency) == ("failed", None, None)
    assert news.failure_code == code


def test_a_reason_that_we_know_has_its_own_sentence() -> None:
    assert "wallet" in explain(request_network, ACCOUNT, "insufficient_funds")


@pytest.mark.parametrize("event", ["payment.confirmed", "payment.partial"])
@pytest.mark.parametrize("total", [None, ...])
def test_money_without_a_sum_is_asked_about(event: str, total: object) -> None:
    """P9, koala73/worldmonitor#7238: 400 would be repeated for 21 seconds, and then no more."""
    news = read(changed(event=event, totalAmountPaid=total))

    assert (news.status, news.check, news.problem) == (None, True, None)
    assert news.provider_reference == REQUEST_ID


def test_news_of_two_requests_at_once_is_for_a_person() -> None:
    """T18."""
    news = read(changed(requestID=SECOND_ID))

    assert (news.status, news.check) == (None, True)
    assert news.problem == "Request Network says payment.confirmed of two requests at once"


def test_money_that_went_back_by_no_call_of_ours_is_told_to_a_person() -> None:
    """P7."""
    news = read(changed(event="payment.refunded", refundAmount="24.0"))

    assert (news.provider_reference, news.status) == (REQUEST_ID, None)
    assert news.problem == "Request Network says that it refunded 24.0 USDC"


def test_a_delivery_id_does_not_hide_what_another_body_says() -> None:
    """P3: it is a header, and not signed. A retry is the same body under the same id."""
    part = changed(event="payment.partial", totalAmountPaid="20.0")
    more = changed(event="payment.partial", totalAmountPaid="30.0")

    keys = [read(body).event_key for body in (part, more, changed(), changed())]

    assert len(set(keys)) == 3
    assert all(len(key) <= 100 for key in keys)


def test_the_mark_of_a_test_does_not_hide_the_same_body_without_it() -> None:
    """P3: this header is not signed either."""
    marked = read(changed(), **{"x-request-network-test": "true"})

    assert marked.event_key != read(changed()).event_key


def test_two_failures_in_the_same_words_are_two() -> None:
    """P3: their bodies hold no time; the second may be a reorganisation after success."""
    failed = changed(event="payment.failed", totalAmountPaid=...)

    assert read(failed).event_key != (
        read(failed, **{"x-request-network-delivery": "0" * 26}).event_key
    )


def test_a_test_delivery_is_acknowledged_and_changes_nothing() -> None:
    news = read(changed(totalAmountPaid="made up"), **{"x-request-network-test": "true"})

    assert (news.status, news.word) == (None, "test: payment.confirmed")


@pytest.mark.parametrize(
    "event",
    [
        "payment.confirmed.client_id",
        "payment.processing",
        "request.recurring",
        "secure_payment.user_event",
        "kyt.screening.completed",
        "new_word",
    ],
)
@pytest.mark.parametrize("request_id", [REQUEST_ID, None, ...])
def test_other_events_change_nothing(event: str, request_id: object) -> None:
    """D7."""
    news = read(changed(event=event, requestId=request_id, requestID=...))

    assert (news.status, news.word, news.check, news.problem) == (None, event, False, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not_json"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(changed().decode().encode("utf-16"), id="utf_16"),
        pytest.param(b'{"event": "x",' + changed()[1:], id="two_events"),
        pytest.param(changed(event=...), id="no_event"),
        pytest.param(changed(event=["payment.confirmed"]), id="event_list"),
        pytest.param(changed(requestId=..., requestID=...), id="no_id"),
        pytest.param(changed(requestId=1), id="number_as_id"),
        pytest.param(changed(requestId="../payments"), id="odd_id"),
        pytest.param(changed(requestId="a" * 101), id="long_id"),
        pytest.param(changed(totalAmountPaid="-49.99"), id="negative"),
        pytest.param(changed(totalAmountPaid="1e3"), id="exponent"),
        pytest.param(changed(totalAmountPaid="1,000"), id="thousands_mark"),
        pytest.param(changed(totalAmountPaid="NaN"), id="nan"),
        pytest.param(changed(totalAmountPaid="４９"), id="other_digits"),
        pytest.param(changed(totalAmountPaid="49.99\n"), id="newline"),
        pytest.param(changed(totalAmountPaid=""), id="empty_total"),
        pytest.param(changed(totalAmountPaid=["49.99"]), id="total_list"),
        pytest.param(changed(totalAmountPaid=True), id="boolean"),
        pytest.param(changed(requestId=[REQUEST_ID]), id="id_list"),
        pytest.param(changed(totalAmountPaid="1" * 13), id="too_much"),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    """A15, G7."""
    with pytest.raises(Malformed) as refused:
        read(body)

    assert refused.value.http_status == 400


@pytest.mark.parametrize("key", ["", "a b", "x" * 41, "é"])
def test_a_delivery_without_its_id_is_refused(key: str) -> None:
    with pytest.raises(Malformed):
        read(changed(), **{"x-request-network-delivery": key})


def test_one_request_is_made_in_decimals_with_the_key_in_a_header(
    api: responses.RequestsMock,
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)

    checkout = request_network.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == REQUEST_ID
    assert (checkout.parts, checkout.page_token) == ((), TOKEN)
    assert checkout.next_action == Redirect(
        "https://pay.request.network/?token=01KJRA0M9QG8MA4X887908T8A4"
    )
    (sent,) = api.calls
    assert sent.request.headers["x-api-key"] == API_KEY
    assert "x-client-id" not in sent.request.headers
    assert json.loads(sent.request.body or "") == {
        "requests": [{"amount": "49.99"}],
        "reference": "order-1",
        "redirectUrl": "https://shop.example/orders/1/return",
        "redirectLabel": "Back to the shop",
    }


@pytest.mark.parametrize(
    ("minor", "written"), [(1, "0.01"), (2400, "24.00"), (10**9, "10000000.00")]
)
def test_an_amount_is_a_plain_decimal(
    api: responses.RequestsMock, minor: int, written: str
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)

    request_network.start_checkout(ACCOUNT, replace(PAYMENT, amount=minor), URLS)

    body = json.loads(api.calls[0].request.body or "")
    assert body["requests"] == [{"amount": written}]


def test_the_return_says_nothing() -> None:
    """The page has a button to ``redirectUrl``, and appends nothing."""
    assert not isinstance(request_network, ReadsReturns)
