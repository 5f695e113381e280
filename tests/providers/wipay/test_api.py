"""How WiPay is called, and what its answers mean when they are no success."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
import responses
import time_machine

from providers import wipay
from providers.contract import (
    ProviderError,
    Rejected,
    Unproven,
    Unreachable,
)
from providers.wipay import api as wipay_api

from ..contract import URLS
from .case import (
    ACCOUNT,
    NOW,
    PAYMENT,
    REQUEST_URL,
    SECRET,
    TIMESTAMPED,
    TRANSACTION,
    changed,
    fixture,
    headers_of,
    sign,
)
from .reading import read


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


def test_there_is_a_host_for_every_country_and_environment() -> None:
    assert wipay_api.HOSTS.keys() == wipay_api.CURRENCIES.keys() == {"BB", "GD", "GY", "JM", "TT"}
    assert wipay_api.HOSTS["JM"] == {
        "live": "https://jm.wipayfinancial.com",
        "sandbox": "https://jmsb.wipayfinancial.com",
    }
