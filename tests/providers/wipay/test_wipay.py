"""The WiPay adapter against its documentation: what it sends, what it believes."""

import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses
import time_machine

from providers import wipay
from providers.contract import (
    Address,
    Customer,
    FormPost,
    Malformed,
    News,
    PaymentRequest,
    ProviderError,
    Redirect,
    Rejected,
    Unproven,
    Unreachable,
    WebhookRefused,
    WrongEnvironment,
)
from providers.optional import Hint, Refunded, RefundRequest, Refunds, SavesCards
from providers.wipay import api as wipay_api

from ..contract import URLS
from .case import (
    ACCOUNT,
    BY_FORM,
    CARD,
    CHARGE_URL,
    FORMED,
    LOOKUP_URL,
    NOW,
    PAYMENT,
    REFUND_URL,
    REQUEST_URL,
    SECRET,
    TIMESTAMPED,
    TRANSACTION,
    UNNAMED,
    VECTOR_HASH,
    changed,
    fixture,
    headers_of,
    md5,
    sign,
)
from .reading import came_back, read

# ------------------------------------------------------------------ the return


def test_the_documented_vector_proves_success_over_the_total_that_was_asked_for() -> None:
    news = came_back()

    assert isinstance(news, News)
    assert (news.status, news.amount, news.currency) == ("succeeded", 1000, "USD")
    assert news.provider_reference == TRANSACTION
    assert news.event_key is None


def test_what_was_debited_is_kept_for_the_record() -> None:
    """Fees and conversion change the total; the hash covers neither."""
    news = came_back(total="1.77", currency="TTD")

    assert isinstance(news, News)
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
    """A12: WiPay does not sign failures, so anyone can type one."""
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
    """A4: anyone can compute the MD5 of what stands in the address."""
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

    with pytest.raises(Unproven):
        wipay.read_webhook(TIMESTAMPED, headers_of(body, moment, "body"), body)
    with pytest.raises(Unproven):
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
def test_five_minutes_in_either_direction_are_now(age: int) -> None:
    """A21, where the time stamp is signed."""
    body = changed()

    with time_machine.travel(NOW, tick=False):
        assert wipay.read_webhook(TIMESTAMPED, headers_of(body, NOW - age, "timestamp.body"), body)


@pytest.mark.parametrize("age", [-86400, -301, 301, 86400, NOW])
def test_a_second_more_is_stale(age: int) -> None:
    """A21, where the time stamp is signed."""
    body = changed()

    with time_machine.travel(NOW, tick=False), pytest.raises(Unproven, match="seconds ago"):
        wipay.read_webhook(TIMESTAMPED, headers_of(body, NOW - age, "timestamp.body"), body)


@pytest.mark.parametrize("stamp", [NOW + 86400, NOW - 301, NOW - 86400, 0, "", "now", "-1"])
def test_an_age_that_is_not_signed_is_not_judged(stamp: object) -> None:
    """T15: it stops no replay, and a retry after an outage may carry the stamp of the first."""
    body = changed()
    headers = headers_of(body, NOW) | {"x-wipay-webhook-timestamp": str(stamp)}

    with time_machine.travel(NOW, tick=False):
        (news,) = wipay.read_webhook(ACCOUNT, headers, body)

    assert news.status == "succeeded"
    assert news.event_key == fixture("event.json")["id"], "this is what a replay is known by"


def test_a_delivery_without_a_time_stamp_is_one_where_none_is_signed() -> None:
    """T15."""
    headers = headers_of(changed(), NOW)
    del headers["x-wipay-webhook-timestamp"]

    assert wipay.read_webhook(ACCOUNT, headers, changed())
    with pytest.raises(Unproven, match="time stamp"):
        wipay.read_webhook(TIMESTAMPED, headers, changed())


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
    """A21, A15, where it is signed."""
    with pytest.raises(Unproven, match="time stamp"):
        read(changed(), TIMESTAMPED, timestamp=moment)


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
    with pytest.raises(Unproven):
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
    with pytest.raises(Unproven):
        read(spoil(changed()), signature=sign(changed()))


def test_a_missing_signature_is_refused() -> None:
    """A1."""
    with pytest.raises(Unproven, match="missing"):
        read(changed(), signature="")


def test_while_a_secret_is_being_replaced_either_signs() -> None:
    """A6."""
    both = replace(ACCOUNT, webhook_secrets=("new", SECRET))

    for secret in ("new", SECRET):
        assert read(changed(), both, signature=sign(changed(), secret))
    with pytest.raises(Unproven):
        read(changed(), replace(ACCOUNT, webhook_secrets=("new",)))


def test_a_shop_without_an_endpoint_at_wipay_believes_no_webhook() -> None:
    """A4: never an HMAC with an empty key."""
    without_secret = replace(ACCOUNT, webhook_secrets=())

    with pytest.raises(Unproven):
        read(changed(), without_secret, signature=sign(changed(), ""))


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
    assert (news.problem, news.check) == (None, False)


@pytest.mark.parametrize(
    ("event", "dispute"),
    [
        ("payment.chargeback_pending", "opened"),
        ("payment.chargeback_processed", "lost"),
        ("payment.chargeback_released", "won"),
        ("payment.fraud_confirmed", "opened"),
        ("payment.success", None),
        ("payment.refunded", None),
        ("payment.refund_requested", None),
    ],
)
@pytest.mark.parametrize("account", [ACCOUNT, BY_FORM], ids=["json", "form"])
def test_money_that_the_bank_wants_back_is_a_dispute(
    account: wipay.Account, event: str, dispute: str | None
) -> None:
    """P7: a person is told."""
    (news,) = read(changed(event=event), account)

    assert news.dispute == dispute
    assert news.status is None or dispute is None


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


# ------------------------------------------------------------------ POST /plugins/payments/request


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
    """A retry would make another transaction."""
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
    """B19: its hash would be made with a public key."""
    api.post(REQUEST_URL, json=fixture("created.json"))

    with pytest.raises(Rejected, match="is not 'live'"):
        wipay.start_checkout(replace(ACCOUNT, environment="live"), PAYMENT, URLS)


def test_the_address_is_checked_where_that_is_set(api: responses.RequestsMock) -> None:
    api.post(REQUEST_URL, json=fixture("created.json"))
    checked = replace(ACCOUNT, avs=True)

    wipay.start_checkout(checked, PAYMENT, URLS)

    assert dict(parse_qsl(str(api.calls[0].request.body)))["avs"] == "1"
    assert wipay.capabilities(checked).page_minutes == 5
    assert wipay.capabilities(ACCOUNT).page_minutes == 3


ADDRESS = Address("1 Frederick Street", "Flat 2", "Port of Spain", "100123", "TT", "Couva")


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        (
            ADDRESS,
            {
                "addr1": "1 Frederick Street",
                "addr2": "Flat 2",
                "city": "Port of Spain",
                "zipcode": "100123",
                "country": "TT",
            },
        ),
        (
            Address("1 Main St", "", "Reno", "89501-1234", "US", "nv"),
            {
                "addr1": "1 Main St",
                "city": "Reno",
                "zipcode": "895011234",
                "state": "NV",
                "country": "US",
            },
        ),
        (
            Address("Straße 1", "", "Zürich", "", "CH", "ZH"),
            {"addr1": "Straße 1", "city": "Zürich", "country": "CH"},
        ),
        (
            Address("a" * 51, "Flat 2", "c" * 31, "SW1A 1AA", "GB", "Greater London"),
            {"zipcode": "SW1A1AA", "country": "GB"},
        ),
        (
            Address("a" * 50, "b" * 51, "c" * 30, "100/123", "JP", ""),
            {"addr1": "a" * 50, "city": "c" * 30, "country": "JP"},
        ),
        (
            Address("1 Main St", "", "Reno", "8" * 11, "US", "Nevada"),
            {
                "addr1": "1 Main St",
                "city": "Reno",
                "country": "US",
            },
        ),
        (None, {}),
    ],
)
def test_the_orders_address_fills_in_the_form_where_it_keeps_to_wipays_rules(
    api: responses.RequestsMock, address: Address | None, fields: dict[str, str]
) -> None:
    """T16: a field that breaks a rule is left out, or WiPay would refuse the whole request."""
    payment = replace(PAYMENT, address=address)
    plain = sent_form(api, payment)
    api.post(REQUEST_URL, json=fixture("created.json"))

    wipay.start_checkout(replace(ACCOUNT, avs=True), payment, URLS)

    assert "addr1" not in plain
    form = dict(parse_qsl(str(api.calls[-1].request.body)))
    assert form == plain | {"avs": "1"} | fields


def test_in_form_mode_the_browser_takes_the_address_along() -> None:
    """T16."""
    checked = replace(BY_FORM, avs=True)

    checkout = wipay.start_checkout(checked, replace(UNNAMED, address=ADDRESS), URLS)

    assert isinstance(checkout.next_action, FormPost)
    assert ("addr1", "1 Frederick Street") in checkout.next_action.fields


def test_a_saved_card_is_charged_without_an_address(api: responses.RequestsMock) -> None:
    """T16: the charge call knows no such fields."""
    api.post(CHARGE_URL, json=fixture("created.json"))
    payment = replace(UNNAMED, method=f"card:{CARD}", address=ADDRESS)

    wipay.start_checkout(replace(ACCOUNT, avs=True), payment, URLS)

    form = dict(parse_qsl(str(api.calls[-1].request.body)))
    assert not {"avs", "addr1", "country"} & form.keys()


def test_a_return_has_room_in_its_key_for_the_longest_transaction() -> None:
    """P3: a key has 100 characters."""
    longest = f"SB-99-{'9' * 20}-{PAYMENT.reference}-20261121034501"

    assert wipay_api.SAFE_ID.fullmatch(longest)
    assert not wipay_api.SAFE_ID.fullmatch("a" * (101 - len("return::succeeded")))


def test_unknown_is_not_failed_for_four_hours() -> None:
    """E9."""
    assert wipay.capabilities(ACCOUNT).silent_minutes == 240


def test_there_is_a_host_for_every_country_and_environment() -> None:
    assert wipay_api.HOSTS.keys() == wipay_api.CURRENCIES.keys() == {"BB", "GD", "GY", "JM", "TT"}
    assert wipay_api.HOSTS["JM"] == {
        "live": "https://jm.wipayfinancial.com",
        "sandbox": "https://jmsb.wipayfinancial.com",
    }


# ------------------------------------------------------------------ sent by the shopper's browser


def returned_by_form(**changes: str) -> dict[str, str]:
    """A true return of the form's transaction."""
    proof = {"transaction_id": FORMED, "hash": md5(f"{FORMED}10.00123"), "total": "10.00"}
    return fixture("return_documented.json") | proof | changes


def by_form_event(event: str = "payment.success", **data: Any) -> bytes:
    ours = {"transaction_id": FORMED, "order_id": PAYMENT.reference, "total": "10.00"}
    return changed({**ours, "currency": "USD", **data}, event=event)


def test_in_form_mode_no_call_is_made_and_the_fields_are_the_same(
    api: responses.RequestsMock,
) -> None:
    form = sent_form(api, PAYMENT) | {"fee_structure": "merchant_absorb"}

    checkout = wipay.start_checkout(BY_FORM, UNNAMED, URLS)

    assert checkout.provider_reference is None
    assert isinstance(checkout.next_action, FormPost)
    assert checkout.next_action.url == REQUEST_URL
    assert dict(checkout.next_action.fields) == form
    assert len(api.calls) == 1


def test_a_form_that_wipay_refuses_comes_back_as_a_failure() -> None:
    args = {"status": "error", "message": "The total field is invalid.", "order_id": "x"}

    assert wipay.read_return(BY_FORM, UNNAMED, args) == Hint("return: error", "failed")


def test_a_true_return_names_our_payment_and_leaves_the_money_to_wipay() -> None:
    """10.00 TTD make the same hash as 10.00 USD, and the form lay open to be changed."""
    for currency in ("USD", "TTD"):
        news = wipay.read_return(BY_FORM, UNNAMED, returned_by_form(currency=currency))

        assert isinstance(news, News)
        assert (news.provider_reference, news.reference) == (FORMED, PAYMENT.reference)
        assert (news.status, news.amount, news.currency) == ("pending", None, None)


def test_the_same_return_opened_again_proves_no_more() -> None:
    known = replace(PAYMENT, provider_reference=FORMED)

    news = wipay.read_return(BY_FORM, known, returned_by_form())

    assert isinstance(news, News)
    assert (news.status, news.amount) == ("pending", None)


def test_a_changed_total_does_not_come_back_as_ours() -> None:
    """B1: asked for 1.00 and paid it, with a true hash."""
    args = returned_by_form(total="1.00", hash=md5(f"{FORMED}1.00123"))

    assert isinstance(wipay.read_return(BY_FORM, UNNAMED, args), Hint)


@pytest.mark.parametrize(
    "transaction_id",
    [
        pytest.param("SB-12-30105-fedcba9876543210-20261121034501", id="another_order"),
        pytest.param("SB-12-30105-0123456789abcdeF-20261121034501", id="upper_case"),
        pytest.param("SB-12-30105-x-0123456789abcdef-20261121034501", id="longer_order"),
        pytest.param("SB-12-0123456789abcdef-20261121034501", id="no_merchant"),
        pytest.param("SB-0-30105-0123456789abcdef-20261121034501", id="number_0"),
        pytest.param("SB-100-30105-0123456789abcdef-20261121034501", id="number_100"),
        pytest.param("SB-12-30105-0123456789abcdef-2026112103450", id="short_time"),
        pytest.param("SB-12-30105-0123456789abcdef-20261121034501\n", id="line_feed"),
        pytest.param("SB-12-３０-0123456789abcdef-20261121034501", id="wide_digits"),
        pytest.param("12-30105-0123456789abcdef-20261121034501", id="live"),
        pytest.param("", id="none"),
    ],
)
def test_the_whole_id_must_be_the_documented_one_with_our_order_in_it(transaction_id: str) -> None:
    """B4: each of them has a true hash."""
    proof = {"transaction_id": transaction_id, "hash": md5(f"{transaction_id}10.00123")}

    assert isinstance(wipay.read_return(BY_FORM, UNNAMED, returned_by_form(**proof)), Hint)


def test_an_order_is_matched_as_text_and_not_as_a_pattern() -> None:
    odd = replace(UNNAMED, reference=".*")

    assert isinstance(wipay.read_return(BY_FORM, odd, returned_by_form()), Hint)


def test_an_id_by_pattern_is_for_form_mode_only() -> None:
    assert isinstance(wipay.read_return(ACCOUNT, UNNAMED, returned_by_form()), Hint)


@pytest.mark.parametrize(
    ("data", "amount", "currency"),
    [
        ({}, 1000, "USD"),
        ({"total": "0.01"}, 1, "USD"),
        ({"currency": "TTD"}, 1000, "TTD"),
        ({"currency": "JMD", "total": "10.00"}, 1000, "JMD"),
        ({"currency": "usd", "total": 10}, 1000, "USD"),
        ({"currency": "GYD", "total": 2088.5}, 208850, "GYD"),
        ({"currency": "JPY", "total": "3648.00"}, 3648, "JPY"),
        ({"total": 9.950000000000001}, 995, "USD"),
        ({"total": "10"}, 1000, "USD"),
    ],
)
def test_in_form_mode_a_success_says_for_which_order_and_how_much(
    data: dict[str, Any], amount: int, currency: str
) -> None:
    """B1, B2: what was changed in the form shows. P4, P14, P15: however it is written."""
    (news,) = read(by_form_event(**data), BY_FORM)

    assert (news.status, news.reference) == ("succeeded", PAYMENT.reference)
    assert (news.amount, news.currency) == (amount, currency)


def test_in_json_mode_the_order_that_a_transaction_names_is_not_believed() -> None:
    """B3: anyone can open one that names our account and any order."""
    (news,) = read(by_form_event(total="0.01"))

    assert (news.provider_reference, news.reference) == (FORMED, None)


@pytest.mark.parametrize(
    "event", sorted(set(wipay.EVENTS) - {"payment.success", "payment.refunded"})
)
def test_in_form_mode_only_money_names_our_payment(event: str) -> None:
    """The same form, sent twice, makes two transactions: the one that was left is not ours."""
    (news,) = read(by_form_event(event), BY_FORM)

    assert (news.reference, news.amount) == (None, None)


@pytest.mark.parametrize(
    "data",
    [
        {"total": "-10.00"},
        {"total": "1e3"},
        {"total": "１０.00"},
        {"total": "24,00"},
        {"total": "10.001"},
        {"total": ["10.00"]},
        {"currency": ["USD"]},
        {"currency": ""},
    ],
)
def test_in_form_mode_a_success_with_an_amount_that_is_none_is_refused(
    data: dict[str, Any],
) -> None:
    with pytest.raises(Malformed, match="total"):
        read(by_form_event(**data), BY_FORM)


@pytest.mark.parametrize("name", ["total", "currency"])
@pytest.mark.parametrize("event", ["payment.success", "payment.refunded"])
def test_in_form_mode_money_without_a_sum_is_asked_about(event: str, name: str) -> None:
    """P4, P9; without WAPI a person is told."""
    (news,) = read(by_form_event(event, **{name: None}), BY_FORM)
    (told,) = read(by_form_event(event, **{name: None}), replace(BY_FORM, wapi_key=""))

    assert (news.status, news.check, news.problem) == (None, True, None)
    assert news.reference == PAYMENT.reference
    assert (told.status, told.check) == (None, False)
    assert told.problem == f"WiPay says {event}, and not how much"


def test_in_form_mode_the_looked_up_transaction_says_how_much(api: responses.RequestsMock) -> None:
    answer = fixture("transaction.json")
    answer["data"] |= {"order_id": PAYMENT.reference, "total": "1.00"}
    api.get(LOOKUP_URL, json=answer)

    (news,) = wipay.fetch_payment(BY_FORM, PAYMENT)

    assert news is not None
    assert (news.status, news.reference) == ("succeeded", PAYMENT.reference)
    assert (news.amount, news.currency) == (100, "TTD")


@pytest.mark.parametrize("name", ["total", "currency"])
@pytest.mark.parametrize("odd", [None, "24,00", ["x"]])
def test_in_form_mode_an_answer_without_an_amount_is_for_a_person(
    api: responses.RequestsMock, name: str, odd: object
) -> None:
    """P16: asked again it would say the same."""
    answer = fixture("transaction.json")
    answer["data"][name] = odd
    api.get(LOOKUP_URL, json=answer)

    (news,) = wipay.fetch_payment(BY_FORM, PAYMENT)

    assert news is not None
    assert (news.status, news.amount, news.check) == (None, None, False)
    assert news.problem == "WiPay says success, and not how much"


# ------------------------------------------------------------------ with a saved card


@pytest.mark.parametrize("account", [ACCOUNT, BY_FORM], ids=["json", "form"])
def test_a_saved_card_is_charged_on_a_page_of_its_own(
    api: responses.RequestsMock, account: wipay.Account
) -> None:
    api.post(CHARGE_URL, json=fixture("created.json"))

    checkout = wipay.start_checkout(account, replace(UNNAMED, method=f"card:{CARD}"), URLS)

    assert checkout.provider_reference == TRANSACTION
    assert checkout.next_action == Redirect(fixture("created.json")["url"])
    (sent,) = api.calls
    assert sent.request.headers["X-WAPI-Key"] == "wapi_test_example"
    assert dict(parse_qsl(str(sent.request.body), strict_parsing=True)) == {
        "country_code": "TT",
        "currency": "USD",
        "environment": "sandbox",
        "fee_structure": account.fee_structure,
        "order_id": "0123456789abcdef",
        "origin": "kiln-and-kettle",
        "response_url": URLS.return_url,
        "total": "10.00",
    }


@pytest.mark.parametrize("account", [ACCOUNT, BY_FORM], ids=["json", "form"])
def test_the_return_of_a_charge_proves_it_for_we_asked_ourselves(
    account: wipay.Account,
) -> None:
    charged = replace(PAYMENT, method=f"card:{CARD}")
    unnamed = replace(charged, provider_reference=None)

    news = wipay.read_return(account, charged, fixture("return_documented.json"))

    assert isinstance(news, News)
    assert (news.status, news.amount, news.currency) == ("succeeded", 1000, "USD")
    assert isinstance(wipay.read_return(account, unnamed, returned_by_form()), Hint)


@pytest.mark.parametrize("method", ["card:", "card:../x", "card:" + CARD.upper(), "alipay"])
def test_nothing_is_called_for_what_is_no_card(method: str) -> None:
    with pytest.raises(Rejected):
        wipay.start_checkout(ACCOUNT, replace(PAYMENT, method=method), URLS)


# ------------------------------------------------------------------ POST .../refund

WHOLE = RefundRequest("refund-1", amount=1000, refunded_before=0)


def test_refunds_and_cards_are_there_with_a_wapi_key_only() -> None:
    module: Refunds = wipay
    keeper: SavesCards = wipay

    for key, refunds, cards in (("wapi_test_example", "full", True), ("", "", False)):
        can = wipay.capabilities(replace(ACCOUNT, wapi_key=key))
        assert (can.refunds, can.saves_cards) == (refunds, cards)
    assert isinstance(module, Refunds)
    assert isinstance(keeper, SavesCards)


def test_a_refund_is_asked_for_and_not_done_yet(api: responses.RequestsMock) -> None:
    api.post(REFUND_URL, json={"message": "Refund request successfully created."}, status=201)

    assert wipay.refund(ACCOUNT, PAYMENT, WHOLE) == Refunded(None, done=False)

    assert api.calls[0].request.headers["X-WAPI-Key"] == "wapi_test_example"
    assert not api.calls[0].request.body


@pytest.mark.parametrize(
    ("message", "done"),
    [
        ("The selected transaction id has an existing refund request.", False),
        ("The selected transaction id has already been refunded.", True),
    ],
)
def test_asking_again_makes_no_second_refund(
    api: responses.RequestsMock, message: str, done: bool
) -> None:
    api.post(REFUND_URL, json={"message": message}, status=400)

    assert wipay.refund(ACCOUNT, PAYMENT, WHOLE) == Refunded(None, done)


@pytest.mark.parametrize(
    ("status", "message", "problem"),
    [
        (400, "The selected transaction id has invalid status.", Rejected),
        (400, "The selected transaction id cannot be refunded.", Rejected),
        (403, "Insufficient funds on WiPay account to request refund.", Rejected),
        (429, "Too Many Requests", Unreachable),
        (500, "Internal Server Error", Unreachable),
    ],
)
def test_a_refund_that_is_refused_says_why(
    api: responses.RequestsMock, status: int, message: str, problem: type[ProviderError]
) -> None:
    api.post(REFUND_URL, json={"message": message}, status=status)

    with pytest.raises(problem, match=message):
        wipay.refund(ACCOUNT, PAYMENT, WHOLE)


@pytest.mark.parametrize("amount", [1, 999, 1001])
def test_a_part_cannot_be_given_back(amount: int) -> None:
    with pytest.raises(Rejected, match="whole payments only"):
        wipay.refund(ACCOUNT, PAYMENT, replace(WHOLE, amount=amount))


def test_what_wipay_has_not_named_cannot_be_given_back() -> None:
    with pytest.raises(Rejected):
        wipay.refund(ACCOUNT, UNNAMED, WHOLE)


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"reason": "Goods were delivered."}, "Goods were delivered."),
        ({}, "WiPay gave no reason."),
        ({"reason": None}, "WiPay gave no reason."),
        ([], "WiPay gave no reason."),
    ],
)
def test_a_refund_that_will_not_be_made_is_news_with_a_reason(meta: object, reason: str) -> None:
    (news,) = read(changed(event="payment.refund_rejected", meta=meta))

    assert (news.status, news.refund_refused) == (None, reason)
    assert read(changed())[0].refund_refused is None


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


def test_the_account_does_not_show_its_secrets() -> None:
    """I1."""
    shown = repr(replace(ACCOUNT, api_key="api_key_example"))

    for secret in (SECRET, "api_key_example", "wapi_test_example"):
        assert secret not in shown
