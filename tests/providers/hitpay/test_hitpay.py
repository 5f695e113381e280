"""The HitPay adapter against its documentation: what it sends, what it believes."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
import requests
import responses

from providers import hitpay
from providers.contract import (
    Customer,
    Embed,
    Malformed,
    News,
    PaymentRequest,
    ProviderError,
    Qr,
    Redirect,
    Rejected,
    Unproven,
    Unreachable,
    WebhookRefused,
)
from providers.optional import Hint, Refunded, RefundRequest

from ..contract import URLS, explain
from .case import (
    ACCOUNT,
    API,
    CHARGE_ID,
    FORM,
    FORM_HMAC,
    KEY,
    PAYMENT,
    REFUND_API,
    REFUND_REPLY,
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
from .reading import read_event, read_form

# ------------------------------------------------------------------ version 1: signatures


@pytest.mark.parametrize(
    ("changes", "signature"),
    [
        pytest.param({}, FORM_HMAC, id="sample"),
        pytest.param(
            {"reference_number": "Order #7 + café", "phone": "+6591234567"},
            "8f2d899f7900ce4dc95584e84155d26b9161653ec22a6c62b2174817427da9d4",
            id="decoded",
        ),
        pytest.param(
            {"payment_id": "", "status": "failed", "error_message": "Card declined"},
            "2efbcf79c69a17d759d73492df58cd6061a3e601d75cd957f0e1d21aa7b0d7b8",
            id="field_added",
        ),
        pytest.param(
            {"reference_number": "", "phone": "0"},
            "1330e5cc1e02b3a8200d3c8c8629bfbaab1778cdcad37990986a510227d07b68",
            id="empty_and_zero",
        ),
    ],
)
def test_the_vectors_that_three_other_verifiers_accept(
    changes: dict[str, str], signature: str
) -> None:
    news = read_form(form(signature, **changes))

    assert (news.amount, news.currency) == (59900, "SGD")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(
            "aad6274492e534fad65818dc6cef8069c8681fa58f3cab4be7be674ecaafcbbe", id="empty_left_out"
        ),
        pytest.param(
            "e5e01b6c76ee82b4d44d2ec10ea0e2e43ba18a8f7e7feccc28352141528fb1fe", id="values_only"
        ),
        pytest.param(FORM_HMAC.upper(), id="upper_case"),
        pytest.param(FORM_HMAC[:-1], id="truncated"),
        pytest.param(f"sha256={FORM_HMAC}", id="prefixed"),
        pytest.param("é" * 64, id="not_ascii"),
        pytest.param(" ", id="blank"),
    ],
)
def test_a_form_signed_in_another_way_is_refused(signature: str) -> None:
    """A1, A3."""
    with pytest.raises(Unproven, match="hmac differs"):
        read_form(form(signature))


@pytest.mark.parametrize(
    "value",
    ["D'Souza", "O\u2019Brien & Söhne", "1+1=2", "100 %41", "a&b=c;d", "雅婷", "\r\n", "%"],
)
def test_a_form_signed_by_openssl_is_accepted_whatever_is_in_it(value: str) -> None:
    """What is signed are the values as they were before any encoding."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of every system that these tests run on"
    fields = FORM | {"reference_number": value}
    joined = "".join(name + value for name, value in sorted(fields.items()))
    made = subprocess.run(
        [openssl, "dgst", "-sha256", "-hmac", SALT, "-r"],
        input=joined.encode(),
        capture_output=True,
        check=True,
    )

    for quoting in (urlencode(fields), urlencode(fields, quote_via=quote)):
        body = f"{quoting}&hmac={made.stdout.split()[0].decode()}".encode()
        assert read_form(body).status == "succeeded"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda b: b.replace(b"599.00", b"599.01"), id="amount"),
        pytest.param(lambda b: b + b"&extra=", id="field_added"),
        pytest.param(lambda b: b.replace(b"&phone=", b""), id="empty_field_removed"),
        pytest.param(lambda b: b.replace(b"&reference_number=ABC123", b""), id="field_removed"),
        pytest.param(lambda b: b + b"&amount=599.00", id="field_repeated"),
        pytest.param(lambda b: b + b"&hmac=" + FORM_HMAC.encode(), id="hmac_repeated"),
        pytest.param(lambda b: b.replace(b"hmac=", b"signature="), id="hmac_renamed"),
        pytest.param(lambda b: b.replace(b"SGD", b"%FF"), id="invalid_utf_8"),
        pytest.param(lambda b: b.replace(b"SGD", b"\xff"), id="raw_invalid_utf_8"),
        pytest.param(lambda b: b + b"".join(b"&a%d=" % n for n in range(60)), id="many_fields"),
        pytest.param(lambda b: json.dumps(dict(parse_qsl(b.decode()))).encode(), id="as_json"),
        pytest.param(lambda b: b"", id="empty"),
    ],
)
def test_a_changed_form_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """A2."""
    with pytest.raises(Unproven):
        read_form(spoil(form()))


def test_the_order_of_the_fields_does_not_matter() -> None:
    pairs = reversed(parse_qsl(form().decode(), keep_blank_values=True))

    assert read_form(urlencode(list(pairs)).encode()) == read_form(form())


# ------------------------------------------------------------------ version 2: signatures


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


# ------------------------------------------------------------------ two versions, two salts


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


# ------------------------------------------------------------------ what the news says


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


def test_a_failed_form_holds_its_message() -> None:
    news = read_form(form(status="failed", payment_id="", error_message="Card\ndeclined"))

    assert (news.status, news.failure_message) == ("pending", "Card declined")


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


def test_version_1_names_the_charge_so_that_a_second_one_is_noticed() -> None:
    assert read_form(form()).transaction_id == FORM["payment_id"]
    assert read_form(form(status="failed", payment_id="")).transaction_id is None


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


def test_what_is_kept_does_not_hold_the_signature() -> None:
    kept = hitpay.keep_body(ACCOUNT, form())

    assert FORM_HMAC not in kept
    assert "reference_number=ABC123" in kept
    assert hitpay.keep_body(ACCOUNT, VECTOR) == VECTOR.decode()


@pytest.mark.parametrize("status", ["completed", "canceled", "failed", "", "\x00"])
def test_a_return_is_a_hint_whatever_it_says(status: str) -> None:
    """G1."""
    args = {"reference": REQUEST_ID, "status": status}

    assert isinstance(hitpay.read_return(ACCOUNT, PAYMENT, args), Hint)


# ------------------------------------------------------------------ POST /v1/payment-requests


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


def test_what_is_wrong_with_the_fields_stands_in_the_log(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("invalid.json"), status=422)

    with pytest.raises(Rejected) as raised:
        hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert "amount: ['The amount must be between 0.3" in str(raised.value)
    assert "payment_methods: ['The selected payment methods is invalid.']" in str(raised.value)
    assert "0.3" not in raised.value.shopper


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (422, Rejected),
        (429, Unreachable),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
        (301, Unreachable),
    ],
)
@pytest.mark.parametrize("body", ["{}", '{"message": "no"}', '{"errors": "no"}', "[]", ""])
def test_an_error_is_asked_about_once_and_told_in_a_sentence(
    api: responses.RequestsMock, status: int, problem: type[ProviderError], body: str
) -> None:
    """No idempotency key: a call that is repeated makes a second payment request."""
    api.post(API, body=body, status=status)

    with pytest.raises(ProviderError) as raised:
        hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert isinstance(raised.value, problem)
    assert len(api.calls) == 1
    assert "Nothing was charged" in raised.value.shopper
    assert KEY not in repr(raised.value) + str(raised.value)


def test_a_call_whose_answer_is_lost_is_not_sent_again() -> None:
    """Over a real connection: the server reads the request and hangs up."""
    heard: list[bytes] = []

    def hang_up() -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536))
                if heard[-1] == b"stop":
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up)
        thread.start()
        address = server.getsockname()
        nearby = replace(ACCOUNT, base_url=f"http://127.0.0.1:{address[1]}")
        with pytest.raises(Unreachable):
            hitpay.start_checkout(nearby, PAYMENT, URLS)
        with socket.create_connection(address) as last:
            last.sendall(b"stop")
        thread.join()

    assert len(heard) == 2
    assert heard[0].startswith(b"POST /v1/payment-requests ")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon</html>"}, id="html"),
        pytest.param({"body": '{"id": "1"'}, id="truncated"),
        pytest.param({"json": []}, id="list"),
        pytest.param({"json": {"id": "1", "url": None}}, id="no_page"),
        pytest.param({"json": {"id": "../1", "url": "https://pay.example"}}, id="odd_id"),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_answer(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """E4."""
    api.post(API, **answer)

    with pytest.raises(Unreachable):
        hitpay.start_checkout(ACCOUNT, PAYMENT, URLS)


# ------------------------------------------------------------------ QR codes and the drop-in

BY_QR = replace(PAYMENT, method="qr")
PAYLOAD = "00020101021226370009SG.PAYNOW0101202101234567890"


def start_qr(api: responses.RequestsMock, data: Any) -> Any:
    changes = {"qr_code_data": data, "payment_methods": ["paynow_online"]}
    api.post(API, json=fixture("created.json", **changes))
    return hitpay.start_checkout(ACCOUNT, BY_QR, URLS).next_action


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({}, True),
        ({"payment_methods": ()}, True),
        ({"payment_methods": ("card",)}, False),
        ({"currencies": ("USD",)}, False),
    ],
)
def test_paynow_is_a_way_of_its_own_where_the_account_has_it(
    changes: dict[str, Any], offered: bool
) -> None:
    methods = hitpay.capabilities(replace(ACCOUNT, **changes)).methods

    assert [(each.key, each.currencies) for each in methods] == [("qr", ("SGD",))] * offered


def test_a_qr_code_is_asked_for_with_one_method_and_singapores_time(
    api: responses.RequestsMock,
) -> None:
    before = datetime.now(UTC)

    way = start_qr(api, {"qr_code": PAYLOAD, "qr_code_expiry": None, "qr_image_mime": None})

    sent = parse_qsl(str(api.calls[0].request.body), strict_parsing=True)
    assert [value for name, value in sent if name == "payment_methods[]"] == ["paynow_online"]
    assert ("generate_qr", "true") in sent
    assert "expires_after" not in dict(sent)
    asked = datetime.strptime(dict(sent)["expiry_date"] + " +0800", "%Y-%m-%d %H:%M:%S %z")
    assert abs(asked - before - timedelta(minutes=5)) < timedelta(seconds=5)
    assert way == Qr(fixture("created.json")["url"], PAYLOAD, asked)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2030-05-21T09:02:25Z", datetime(2030, 5, 21, 9, 2, 25, tzinfo=UTC)),
        ("2030-05-21T17:02:25", datetime(2030, 5, 21, 9, 2, 25, tzinfo=UTC)),
        ("2030-05-21 17:02:25", datetime(2030, 5, 21, 9, 2, 25, tzinfo=UTC)),
    ],
)
def test_a_qr_code_ends_when_hitpay_says_so(
    api: responses.RequestsMock, told: str, expected: datetime
) -> None:
    way = start_qr(api, {"qr_code": PAYLOAD, "qr_code_expiry": told})

    assert (way.expires_at, way.expires_at.tzinfo) == (expected, UTC)


@pytest.mark.parametrize("told", [None, "", "soon", 5, "0001-01-01T00:00:00+08:00", ["x"]])
def test_a_time_that_cannot_be_read_is_the_one_we_asked_for(
    api: responses.RequestsMock, told: object
) -> None:
    way = start_qr(api, {"qr_code": PAYLOAD, "qr_code_expiry": told})

    left = way.expires_at - datetime.now(UTC)
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


@pytest.mark.parametrize("data", [PAYLOAD, {"qr_contents": PAYLOAD}])
def test_a_qr_code_may_be_told_in_other_shapes(api: responses.RequestsMock, data: object) -> None:
    assert start_qr(api, data).payload == PAYLOAD


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="empty"),
        pytest.param({"qr_code": None}, id="null"),
        pytest.param({"qr_code": 7}, id="number"),
        pytest.param({"qr_code": "iVBORw0KGgo="}, id="picture"),
        pytest.param("iVBORw0KGgo=", id="bare_picture"),
        pytest.param({"qr_code": "x" * 2001}, id="too_long_to_draw"),
        pytest.param({"qr_code": "\ud800"}, id="half_a_character"),
        pytest.param([PAYLOAD], id="list"),
    ],
)
def test_an_answer_without_a_code_to_draw_is_no_answer(
    api: responses.RequestsMock, data: object
) -> None:
    with pytest.raises(Unreachable, match="QR code"):
        start_qr(api, data)


def test_the_drop_in_is_given_what_its_script_needs(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json"))
    url = fixture("created.json")["url"]

    way = hitpay.start_checkout(
        replace(ACCOUNT, drop_in="https://sandbox.hit-pay.com"), PAYMENT, URLS
    ).next_action

    assert way == Embed(
        url,
        "https://sandbox.hit-pay.com/hitpay.js",
        (
            ("request", REQUEST_ID),
            ("link", url),
            ("return", URLS.return_url),
            ("scheme", "https"),
            ("domain", "sandbox.hit-pay.com"),
            ("api-domain", "sandbox.hit-pay.com"),
            ("path", ""),
        ),
    )


def test_a_default_link_goes_before_the_requests_own(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json"))
    link = "https://securecheckout.sandbox.hit-pay.com/payment-request/@kiln/"
    account = replace(ACCOUNT, drop_in="http://127.0.0.1:5001/hitpay", default_link=link)

    way = hitpay.start_checkout(account, PAYMENT, URLS).next_action

    assert isinstance(way, Embed)
    assert way.script == "http://127.0.0.1:5001/hitpay/hitpay.js"
    options = dict(way.options)
    assert options["link"] == link
    assert (options["scheme"], options["domain"], options["path"]) == (
        "http",
        "127.0.0.1:5001",
        "/hitpay",
    )


def test_a_qr_code_needs_no_drop_in(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json", qr_code_data=PAYLOAD))

    way = hitpay.start_checkout(
        replace(ACCOUNT, drop_in="https://hit-pay.com"), BY_QR, URLS
    ).next_action

    assert isinstance(way, Qr)


# ------------------------------------------------------------------ a page that was made before


def resume(payment: PaymentRequest = PAYMENT) -> str:
    return hitpay.resume_checkout(ACCOUNT, payment, URLS)


def test_an_open_page_is_brought_up_to_date(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json"))
    api.put(f"{API}/{REQUEST_ID}", body="")
    corrected = replace(PAYMENT, customer=Customer("customer-1", "Ann", "ann@example.org"))

    assert resume(corrected) == "open"

    sent = dict(parse_qsl(str(api.calls[1].request.body), strict_parsing=True))
    assert (sent["email"], sent["webhook"]) == ("ann@example.org", URLS.webhook_url)
    assert (sent["amount"], sent["currency"]) == ("599.00", "SGD")
    assert sent["expires_after"] == "60 mins"


def test_an_open_qr_code_is_left_as_it_was_drawn(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json"))

    assert resume(BY_QR) == "open"
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("completed", "done"),
        ("expired", "closed"),
        ("canceled", "closed"),
        ("failed", "closed"),
        ("inactive", "closed"),
    ],
)
def test_a_page_that_is_over_is_not_gone_back_to(
    api: responses.RequestsMock, word: str, expected: str
) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json", status=word))

    assert resume() == expected


def test_a_request_that_lags_behind_its_charge_is_done(api: responses.RequestsMock) -> None:
    paid = fixture("created.json", payments=[fixture("payment.json")])
    api.get(f"{API}/{REQUEST_ID}", json=paid)

    assert resume() == "done"


def test_a_page_that_hitpay_does_not_know_is_closed(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json={"message": "No query results"}, status=404)

    assert resume() == "closed"


def test_a_page_that_goes_while_it_is_changed_is_closed(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json"))
    api.put(f"{API}/{REQUEST_ID}", json={"message": "No query results"}, status=404)

    assert resume() == "closed"


def test_a_page_that_was_never_named_is_closed() -> None:
    assert resume(replace(PAYMENT, provider_reference=None)) == "closed"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"json": {}, "status": 500}, Unreachable),
        ({"json": {}, "status": 401}, Rejected),
        (
            {"json": {"id": REQUEST_ID, "status": "new", "amount": "1", "currency": "sgd"}},
            Unreachable,
        ),
        ({"json": {"id": REQUEST_ID}}, Unreachable),
    ],
)
def test_what_is_not_known_of_a_page_is_not_guessed(
    api: responses.RequestsMock, answer: dict[str, Any], problem: type[ProviderError]
) -> None:
    api.get(f"{API}/{REQUEST_ID}", **answer)

    with pytest.raises(problem):
        resume()


def cancel(api: responses.RequestsMock, **answer: Any) -> None:
    api.delete(f"{API}/{REQUEST_ID}", **answer)
    hitpay.cancel(ACCOUNT, PAYMENT)


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"success": True}},
        {"body": "", "status": 204},
        {"json": {"message": "No query results"}, "status": 404},
    ],
)
def test_a_page_is_closed_whichever_answer_says_so(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    cancel(api, **answer)

    assert api.calls[0].request.headers["X-BUSINESS-API-KEY"] == KEY


@pytest.mark.parametrize(("status", "problem"), [(422, Rejected), (400, Rejected)])
def test_a_page_that_was_paid_cannot_be_closed(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    with pytest.raises(problem, match="too late"):
        cancel(api, json={"message": "too late"}, status=status)


def test_whether_a_page_is_closed_may_not_be_known(api: responses.RequestsMock) -> None:
    with pytest.raises(Unreachable):
        cancel(api, body=requests.ReadTimeout())


# ------------------------------------------------------------------ POST /v1/refund


def give_back(amount: int = 5000, before: int = 0) -> Refunded:
    return hitpay.refund(ACCOUNT, PAYMENT, RefundRequest("refund-1", amount, before))


def paid(api: responses.RequestsMock, *entries: dict[str, Any]) -> None:
    payments = [fixture("payment.json") | each for each in entries or ({},)]
    answer = fixture("created.json", status="completed", payments=payments)
    api.get(f"{API}/{REQUEST_ID}", json=answer)


def test_a_refund_names_the_charge_in_major_units(api: responses.RequestsMock) -> None:
    paid(api, {"id": "failed-one", "status": "failed"}, {})
    api.post(REFUND_API, json=REFUND_REPLY)

    assert give_back() == Refunded(REFUND_REPLY["id"], done=True)

    assert dict(parse_qsl(str(api.calls[1].request.body))) == {
        "payment_id": CHARGE_ID,
        "amount": "50.00",
    }


def test_a_refund_that_is_under_way_is_not_done(api: responses.RequestsMock) -> None:
    paid(api)
    api.post(REFUND_API, json=REFUND_REPLY | {"status": "pending"})

    assert not give_back().done


@pytest.mark.parametrize(("before", "total"), [(0, "50.00"), (2000, "70.00"), (0, "599.00")])
def test_a_refund_that_was_made_already_is_not_made_again(
    api: responses.RequestsMock, before: int, total: str
) -> None:
    """The answer to the first call was lost."""
    paid(api, {"status": "partially_refunded", "refunded_amount": total})

    assert give_back(before=before) == Refunded(None, done=True)
    assert len(api.calls) == 1


def test_a_second_part_is_given_back_beside_the_first(api: responses.RequestsMock) -> None:
    paid(api, {"status": "partially_refunded", "refunded_amount": "50.00"})
    api.post(REFUND_API, json=REFUND_REPLY)

    assert give_back(before=5000).done


def test_of_two_charges_the_one_that_was_kept_is_given_back(api: responses.RequestsMock) -> None:
    paid(
        api,
        {"status": "refunded", "refunded_amount": "599.00"},
        {"id": "92965a2d-0000-4000-8000-000000000002"},
    )
    api.post(REFUND_API, json=REFUND_REPLY)

    give_back(59900, before=59900)

    sent = dict(parse_qsl(str(api.calls[1].request.body)))
    assert sent["payment_id"] == "92965a2d-0000-4000-8000-000000000002"


def test_more_than_a_charge_holds_is_not_asked_for(api: responses.RequestsMock) -> None:
    paid(api, {"status": "partially_refunded", "refunded_amount": "50.00"})

    with pytest.raises(Rejected, match="no charge holds that much"):
        give_back(59900, before=5000)

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
        give_back()

    assert len(api.calls) == 2


@pytest.mark.parametrize("answer", [{"body": requests.ReadTimeout()}, {"json": {}}, {"body": ""}])
def test_a_refund_without_an_answer_may_have_been_made(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    paid(api)
    api.post(REFUND_API, **answer)

    with pytest.raises(Unreachable):
        give_back()


def test_an_answer_that_makes_no_sense_refunds_nothing(api: responses.RequestsMock) -> None:
    paid(api, {"refunded_amount": "much"})

    with pytest.raises(Unreachable):
        give_back()


def test_what_hitpay_never_named_cannot_be_given_back() -> None:
    with pytest.raises(Rejected):
        hitpay.refund(
            ACCOUNT, replace(PAYMENT, provider_reference=None), RefundRequest("refund-1", 5, 0)
        )


# ------------------------------------------------------------------ GET /v1/payment-requests/{id}


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


def test_the_account_does_not_show_its_secrets() -> None:
    """I1."""
    assert not any(secret in repr(ACCOUNT) for secret in (KEY, SALT, WEBHOOK_SALT))
