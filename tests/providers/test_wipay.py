"""The WiPay adapter against its documentation: what it sends, what it believes."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses
import time_machine

from providers import wipay
from providers.base import (
    BadSignature,
    Customer,
    Hint,
    Malformed,
    PaymentRequest,
    PaymentUpdate,
    ProviderError,
    Redirect,
    Rejected,
    Unreachable,
    WebhookRefused,
    WrongEnvironment,
)

from .contract import URLS, Case

FIXTURES = Path(__file__).parent / "wipay"
SECRET = "wipay_webhook_test_example"
REQUEST_URL = "https://ttsb.wipayfinancial.com/plugins/payments/request"
TRANSACTION = "SB-12-1-oid_123-aBc-20210616024001"
LOOKUP_URL = f"https://ttsb.wipayfinancial.com/wapi/transactions/{TRANSACTION}"
VECTOR_HASH = "3d34d20260f7433ceee277e9ed9166a3"
NOW = 1_776_438_243  # 2026-04-17T15:04:03Z

ACCOUNT = wipay.Account(
    base_url=wipay.HOSTS["TT"]["sandbox"],
    environment="sandbox",
    origins=("https://ttsb.wipayfinancial.com",),
    currencies=wipay.CURRENCIES["TT"],
    account_number="1234567890",
    country_code="TT",
    fee_structure="customer_pay",
    signs="body",
    api_key="123",
    webhook_secrets=(SECRET,),
    wapi_key="wapi_test_example",
)
TIMESTAMPED = replace(ACCOUNT, signs="timestamp.body")
PAYMENT = PaymentRequest(
    reference="0123456789abcdef0123456789abcdef",
    provider_reference=TRANSACTION,
    amount=1000,
    currency="USD",
    description="Order 1",
    customer=Customer("customer-1", "John Doe", "john.doe@example.com"),
    address=None,
)


def fixture(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FIXTURES / name).read_bytes())
    return data


def changed(data: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """The success event with some of its envelope or ``data`` changed, ready to be signed."""
    event = fixture("event.json")
    return json.dumps({**event, **changes, "data": {**event["data"], **(data or {})}}).encode()


def sign(signed: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers_of(body: bytes, moment: int, signs: str = "body") -> dict[str, str]:
    signed = body if signs == "body" else f"{moment}.".encode() + body
    return {
        "x-wipay-webhook-id": fixture("event.json")["id"],
        "x-wipay-webhook-signature": sign(signed),
        "x-wipay-webhook-timestamp": str(moment),
    }


def read(body: bytes, account: wipay.Account = ACCOUNT, **headers: str) -> Any:
    """A delivery that is signed now, but for the ``headers`` that say otherwise."""
    sent = headers_of(body, int(time.time()), account.signs)
    sent |= {f"x-wipay-webhook-{name}": value for name, value in headers.items()}
    return wipay.read_webhook(account, sent, body)


def came_back(payment: PaymentRequest = PAYMENT, **changes: str) -> PaymentUpdate | Hint:
    """The documented return with some of its parameters changed."""
    return wipay.read_return(ACCOUNT, payment, fixture("return_documented.json") | changes)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class SignedWhenAsked(Case):
    """A delivery is stale after five minutes, and a run of all tests may take longer."""

    @property
    def paid(self) -> tuple[dict[str, str], bytes]:
        return headers_of(changed(), int(time.time())), changed()

    @paid.setter
    def paid(self, value: object) -> None:
        """A dataclass sets all its fields."""


CASE = SignedWhenAsked(
    provider=wipay,
    account=ACCOUNT,
    payment=PAYMENT,
    answer=lambda mock: mock.post(REQUEST_URL, json=fixture("created.json")),
    paid=({}, b""),
    secrets=(SECRET, "wapi_test_example"),
)


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


# ------------------------------------------------------------------ the return


def test_the_documented_vector_proves_success_over_the_total_that_was_asked_for() -> None:
    news = came_back()

    assert isinstance(news, PaymentUpdate)
    assert (news.status, news.amount, news.currency) == ("succeeded", 1000, "USD")
    assert news.provider_reference == TRANSACTION
    assert news.event_key is None


def test_what_was_debited_is_kept_for_the_record() -> None:
    """Fees and conversion change the total; the hash covers neither."""
    news = came_back(total="1.77", currency="TTD")

    assert isinstance(news, PaymentUpdate)
    assert news.word == "return: success, 1.77 TTD with fees"
    assert (news.amount, news.currency) == (1000, "USD")


def test_the_vector_is_what_openssl_makes_of_it() -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of every system that these tests run on"
    made = subprocess.run(
        [openssl, "md5", "-r"],
        input=f"{TRANSACTION}10.00123".encode(),
        capture_output=True,
        check=True,
    )

    assert made.stdout.split()[0].decode() == VECTOR_HASH


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="empty"),
        pytest.param(md5(f"{TRANSACTION}12.05123"), id="total_of_the_return"),
        pytest.param("ea90f3629171349a15c7a39496b9a242", id="total_of_the_return_as_published"),
        pytest.param(md5(f"{TRANSACTION}10123"), id="without_decimals"),
        pytest.param(md5(f"{TRANSACTION}10.0123"), id="one_decimal"),
        pytest.param(md5(f"{TRANSACTION}10.00"), id="without_the_key"),
        pytest.param(md5(f"{TRANSACTION}10.00124"), id="another_key"),
        pytest.param(md5(f"{TRANSACTION}1000123"), id="minor_units"),
        pytest.param(VECTOR_HASH.upper(), id="upper_case"),
        pytest.param(VECTOR_HASH[:-1], id="truncated"),
        pytest.param(VECTOR_HASH + "0", id="too_long"),
        pytest.param(hashlib.sha256(b"x").hexdigest(), id="the_other_hash_of_wapi"),
        pytest.param("é" * 32, id="not_ascii"),
        pytest.param("\ud800", id="half_a_character"),
    ],
)
def test_success_with_another_hash_proves_nothing(given: str) -> None:
    """A12."""
    assert came_back(hash=given) == Hint("return: success")


def test_success_without_a_hash_proves_nothing() -> None:
    """A12."""
    args = fixture("return_documented.json")
    del args["hash"]

    assert wipay.read_return(ACCOUNT, PAYMENT, args) == Hint("return: success")


def test_a_true_return_does_not_fit_another_order_of_the_same_price() -> None:
    """B4: same total, same key, their own transaction."""
    other = "SB-77-1-fedcba9876543210-20210616024001"
    theirs = replace(PAYMENT, provider_reference=other)

    assert isinstance(came_back(theirs), Hint)
    assert isinstance(came_back(theirs, transaction_id=other), Hint)
    assert isinstance(came_back(transaction_id=other, hash=md5(f"{other}10.00123")), Hint)


def test_a_true_return_does_not_fit_another_total() -> None:
    assert isinstance(came_back(replace(PAYMENT, amount=1001)), Hint)


@pytest.mark.parametrize("status", ["failed", "error", "cancelled", "SUCCESS", "success ", ""])
def test_whatever_is_no_success_is_a_hint_with_any_hash(status: str) -> None:
    """A12: WiPay does not sign failures, so anybody can type one."""
    assert isinstance(came_back(status=status), Hint)


def test_the_documented_failure_is_a_hint() -> None:
    args = fixture("return_failed.json")
    payment = replace(PAYMENT, provider_reference=args["transaction_id"])

    assert wipay.read_return(ACCOUNT, payment, args) == Hint("return: failed", "failed")


def test_nothing_is_proven_before_there_is_a_transaction() -> None:
    unnamed = replace(PAYMENT, provider_reference=None)

    assert isinstance(came_back(unnamed, transaction_id="", hash=md5("10.00123")), Hint)
    assert isinstance(came_back(unnamed, transaction_id="None", hash=md5("None10.00123")), Hint)


def test_nothing_is_proven_without_a_key() -> None:
    """A4: everybody can compute the MD5 of what stands in the address."""
    keyless = replace(ACCOUNT, api_key="")
    args = fixture("return_documented.json") | {"hash": md5(f"{TRANSACTION}10.00")}

    assert isinstance(wipay.read_return(keyless, PAYMENT, args), Hint)


# ------------------------------------------------------------------ signatures of webhooks


def test_either_documented_way_of_signing_is_accepted_where_it_is_set() -> None:
    for account in (ACCOUNT, TIMESTAMPED):
        (news,) = read(changed(), account)

        assert news.status == "succeeded"


def test_the_way_of_signing_is_pinned() -> None:
    body = changed()
    moment = int(time.time())

    with pytest.raises(BadSignature):
        wipay.read_webhook(TIMESTAMPED, headers_of(body, moment, "body"), body)
    with pytest.raises(BadSignature):
        wipay.read_webhook(ACCOUNT, headers_of(body, moment, "timestamp.body"), body)


def test_a_signature_made_by_openssl_is_accepted() -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of every system that these tests run on"
    body = changed(meta={"é": "—"}).replace(b"\\u00e9", "é".encode())
    made = subprocess.run(
        [openssl, "dgst", "-sha256", "-hmac", SECRET, "-r"],
        input=body,
        capture_output=True,
        check=True,
    )

    (news,) = read(body, signature=f"sha256={made.stdout.split()[0].decode()}")

    assert news.status == "succeeded"


@pytest.mark.parametrize("age", [-300, -299, 0, 299, 300])
@pytest.mark.parametrize("account", [ACCOUNT, TIMESTAMPED], ids=["body", "timestamp.body"])
def test_five_minutes_in_either_direction_are_now(account: wipay.Account, age: int) -> None:
    """A21."""
    body = changed()

    with time_machine.travel(NOW, tick=False):
        assert wipay.read_webhook(account, headers_of(body, NOW - age, account.signs), body)


@pytest.mark.parametrize("age", [-86400, -301, 301, 86400, NOW])
@pytest.mark.parametrize("account", [ACCOUNT, TIMESTAMPED], ids=["body", "timestamp.body"])
def test_a_second_more_is_stale(account: wipay.Account, age: int) -> None:
    """A21."""
    body = changed()

    with time_machine.travel(NOW, tick=False), pytest.raises(BadSignature, match="seconds ago"):
        wipay.read_webhook(account, headers_of(body, NOW - age, account.signs), body)


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "now",
        "-1",
        "1e9",
        " 1776438243",
        "１７",
        "é",
        pytest.param("9" * 5000, id="5000_digits"),
    ],
)
def test_a_time_stamp_that_is_no_number_is_refused(moment: str) -> None:
    """A21, A15."""
    with pytest.raises(BadSignature, match="time stamp"):
        read(changed(), timestamp=moment)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda s: "", id="empty"),
        pytest.param(lambda s: s.upper(), id="upper_case"),
        pytest.param(lambda s: s.removeprefix("sha256="), id="without_prefix"),
        pytest.param(lambda s: s.replace("sha256", "sha512"), id="another_prefix"),
        pytest.param(lambda s: s[:-1], id="truncated"),
        pytest.param(lambda s: s + "0", id="too_long"),
        pytest.param(lambda s: f"{s}, {s}", id="two_of_them"),
        pytest.param(lambda s: sign(changed(), "another"), id="wrong_secret"),
        pytest.param(lambda s: sign(changed(), "123"), id="the_api_key"),
        pytest.param(lambda s: sign(changed(), ""), id="empty_secret"),
        pytest.param(lambda s: "é" * 64, id="not_ascii"),
    ],
)
def test_a_spoiled_signature_is_refused(spoil: Callable[[str], str]) -> None:
    """A1, A3."""
    with pytest.raises(BadSignature):
        read(changed(), signature=spoil(sign(changed())))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda b: b.replace(b"oid_123", b"oid_124"), id="order"),
        pytest.param(lambda b: b + b" ", id="white_space_at_the_end"),
        pytest.param(lambda b: json.dumps(json.loads(b), indent=1).encode(), id="re_serialised"),
        pytest.param(lambda b: b"", id="empty"),
    ],
)
def test_a_changed_body_is_refused_though_it_may_mean_the_same(
    spoil: Callable[[bytes], bytes],
) -> None:
    """A2."""
    with pytest.raises(BadSignature):
        read(spoil(changed()), signature=sign(changed()))


def test_a_missing_signature_is_refused() -> None:
    """A1."""
    with pytest.raises(BadSignature, match="missing"):
        read(changed(), signature="")


def test_while_a_secret_is_being_replaced_either_signs() -> None:
    """A6."""
    both = replace(ACCOUNT, webhook_secrets=("new", SECRET))

    for secret in ("new", SECRET):
        assert read(changed(), both, signature=sign(changed(), secret))
    with pytest.raises(BadSignature):
        read(changed(), replace(ACCOUNT, webhook_secrets=("new",)))


def test_a_shop_without_an_endpoint_at_wipay_believes_no_webhook() -> None:
    """A4: never an HMAC with an empty key."""
    nobody = replace(ACCOUNT, webhook_secrets=())

    with pytest.raises(BadSignature):
        read(changed(), nobody, signature=sign(changed(), ""))


# ------------------------------------------------------------------ events


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
    """A11, B19: anybody can make them with the public account 1234567890."""
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
def test_a_truly_signed_body_that_is_not_an_event_is_refused(body: bytes) -> None:
    """A15, G7."""
    with pytest.raises(WebhookRefused) as refused:
        read(body)

    assert refused.value.http_status == 400
    assert isinstance(refused.value, Malformed)


# ------------------------------------------------------------------ POST /plugins/payments/request


def test_a_page_is_asked_for_in_json_mode_without_any_key(api: responses.RequestsMock) -> None:
    api.post(REQUEST_URL, json=fixture("created.json"))

    checkout = wipay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == TRANSACTION
    assert checkout.way == Redirect(fixture("created.json")["url"])
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


def sent_form(api: responses.RequestsMock, payment: PaymentRequest) -> dict[str, str]:
    api.post(REQUEST_URL, json=fixture("created.json"))
    wipay.start_checkout(ACCOUNT, payment, URLS)
    return dict(parse_qsl(str(api.calls[-1].request.body)))


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
    assert isinstance(came_back(payment, hash=md5(f"{TRANSACTION}{total}123")), PaymentUpdate)


def test_order_id_and_origin_keep_to_the_documented_pattern(api: responses.RequestsMock) -> None:
    pattern = re.compile(r"^(?![_-])[a-zA-Z0-9_-]+(?<![_-])$")

    form = sent_form(api, PAYMENT)

    assert pattern.fullmatch(form["order_id"])
    assert len(form["order_id"]) == 16
    assert pattern.fullmatch(form["origin"])
    assert len(form["origin"]) <= 32


def test_a_long_name_is_cut_and_a_long_address_is_not(api: responses.RequestsMock) -> None:
    """A part of an e-mail address is somebody else's."""
    long_name = replace(PAYMENT, customer=Customer("c", "n" * 61, "a@example.com"))
    long_email = replace(PAYMENT, customer=Customer("c", "Ann", f"{'a' * 50}@example.com"))

    assert sent_form(api, long_name)["name"] == "n" * 60
    with pytest.raises(Rejected, match="50 characters"):
        wipay.start_checkout(ACCOUNT, long_email, URLS)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (408, Unreachable),
        (422, Rejected),
        (429, Unreachable),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
    ],
)
def test_an_error_is_one_sentence_for_the_shopper_and_is_not_sent_again(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    """A repetition would make another transaction."""
    api.post(REQUEST_URL, json=fixture("error.json"), status=status)

    with pytest.raises(problem) as raised:
        wipay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert type(raised.value) is problem
    assert "The total is below the minimum." in str(raised.value)
    assert "minimum" not in raised.value.shopper
    assert "Nothing was charged" in raised.value.shopper
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": requests.ConnectionError()}, id="no_connection"),
        pytest.param({"body": requests.ReadTimeout()}, id="timed_out"),
        pytest.param({"body": "<html>We are back soon.</html>"}, id="html"),
        pytest.param({"json": []}, id="list"),
        pytest.param({"json": {"transaction_id": TRANSACTION}}, id="no_page"),
        pytest.param({"json": {"url": "https://ttsb.wipayfinancial.com"}}, id="no_id"),
        pytest.param({"json": fixture("created.json") | {"transaction_id": "a/b"}}, id="odd_id"),
    ],
)
def test_an_answer_that_cannot_be_used_is_no_answer(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    """E4."""
    api.post(REQUEST_URL, **answer)

    with pytest.raises(Unreachable):
        wipay.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert len(api.calls) == 1


def test_live_does_not_go_on_with_a_sandbox_transaction(api: responses.RequestsMock) -> None:
    """B19: its hash would be made with a key that everybody knows."""
    api.post(REQUEST_URL, json=fixture("created.json"))

    with pytest.raises(Rejected, match="is not 'live'"):
        wipay.start_checkout(replace(ACCOUNT, environment="live"), PAYMENT, URLS)


def test_there_is_a_host_for_every_country_and_environment() -> None:
    assert wipay.HOSTS.keys() == wipay.CURRENCIES.keys() == {"BB", "GD", "GY", "JM", "TT"}
    assert wipay.HOSTS["JM"] == {
        "live": "https://jm.wipayfinancial.com",
        "sandbox": "https://jmsb.wipayfinancial.com",
    }


# ------------------------------------------------------------------ GET /wapi/transactions/{id}


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

    news = wipay.fetch_payment(ACCOUNT, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.event_key) == (status, None, None)
    assert api.calls[0].request.headers["X-WAPI-Key"] == "wapi_test_example"


def test_without_a_wapi_key_nobody_can_be_asked() -> None:
    assert wipay.fetch_payment(replace(ACCOUNT, wapi_key=""), PAYMENT) is None


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


def test_the_account_does_not_show_its_secrets() -> None:
    """I1."""
    shown = repr(replace(ACCOUNT, api_key="api_key_example"))

    for secret in (SECRET, "api_key_example", "wapi_test_example"):
        assert secret not in shown
