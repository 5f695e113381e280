"""MintCash's API: who may call it, what it accepts, what it answers, and once only."""

import base64
import json
import threading
import uuid
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import PUBLIC_KEY, SECRET_KEY, Sandbox, payload


@pytest.mark.parametrize(
    "auth",
    [
        pytest.param(None, id="missing"),
        pytest.param((PUBLIC_KEY, "sk_test_wrong"), id="wrong_secret"),
        pytest.param(("pk_test_wrong", SECRET_KEY), id="wrong_public_key"),
        pytest.param((SECRET_KEY, PUBLIC_KEY), id="swapped"),
        pytest.param(("", ""), id="empty"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/payments"),
        ("GET", "/payments/any"),
        ("POST", "/payments/any/refund"),
        ("GET", "/merchant/api-keys"),
    ],
)
def test_calls_without_the_keys_are_refused(
    sandbox: Sandbox, auth: Any, method: str, path: Any
) -> None:
    reply = sandbox.api(method, path, auth=auth, json=payload() if method == "POST" else None)

    assert reply.status_code == 401
    assert reply.json["code"] == "unauthenticated"
    assert reply.json["details"]["requestId"].startswith("req_")


def test_a_bearer_token_is_no_basic_login(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}

    reply = sandbox.http.post("/mintcash/payments", json=payload(), headers=headers)

    assert reply.status_code == 401


def test_a_payment_is_made_with_a_hosted_page(sandbox: Sandbox) -> None:
    reply = sandbox.create()

    assert reply.status_code == 200
    flat = {name: value for name, value in reply.json.items() if name != "payment"}
    assert list(flat) == [
        "id",
        "externalId",
        "status",
        "amount",
        "currency",
        "amountRefunded",
        "amountRefundable",
        "providerTransactionId",
        "redirectUrl",
        "createdAt",
    ]
    assert uuid.UUID(reply.json["id"]).version == 4
    assert reply.json["status"] == "created"
    assert reply.json["redirectUrl"] == f"http://localhost/mintcash/pay/{reply.json['id']}"
    assert reply.json["providerTransactionId"].startswith("cpi_")
    assert sandbox.fetch(reply.json) == flat
    assert reply.json["payment"] == flat, "the same once more, as the guides have it"


def test_the_flat_shape_is_the_one_of_the_reference(start_sandbox: StartSandbox) -> None:
    reply = start_sandbox(sandbox_mintcash_reply_shape="flat").create()

    assert "payment" not in reply.json
    assert reply.json["redirectUrl"].endswith(reply.json["id"])


def test_the_wrapped_shape_is_the_one_of_the_guides(start_sandbox: StartSandbox) -> None:
    reply = start_sandbox(sandbox_mintcash_reply_shape="wrapped").create()

    assert list(reply.json) == ["payment", "redirectUrl"]
    assert reply.json["redirectUrl"].endswith(reply.json["payment"]["id"])


@pytest.mark.parametrize(
    ("minor", "written"),
    [
        (1, "0.01"),
        (10, "0.1"),
        (125, "1.25"),
        (2500, "25"),
        (4999, "49.99"),
        (999999999, "9999999.99"),
        (9999999999, "99999999.99"),
    ],
)
def test_amounts_go_in_as_minor_units_and_come_out_as_major_units(
    sandbox: Sandbox, minor: int, written: str
) -> None:
    reply = sandbox.create(amount=minor)

    assert f'"amount":{written},' in reply.text


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        pytest.param({"amount": 0}, "invalidAmount", id="amount_zero"),
        pytest.param({"amount": -1}, "invalidAmount", id="amount_negative"),
        pytest.param({"amount": 49.99}, "invalidAmount", id="amount_finer_than_a_cent"),
        pytest.param({"amount": "4999"}, "invalidAmount", id="amount_text"),
        pytest.param({"amount": True}, "invalidAmount", id="amount_boolean"),
        pytest.param({"amount": None}, "invalidAmount", id="amount_missing"),
        pytest.param({"amount": 10**12}, "invalidAmount", id="amount_too_large"),
        pytest.param({"currency": "JPY"}, "invalidCurrency", id="currency_unsupported"),
        pytest.param({"currency": "usd"}, "invalidCurrency", id="currency_lower_case"),
        pytest.param({"currency": ["USD"]}, "invalidCurrency", id="currency_list"),
        pytest.param({"currency": None}, "invalidCurrency", id="currency_missing"),
        pytest.param({"externalId": None}, "externalId", id="external_id_missing"),
        pytest.param({"externalId": ""}, "externalId", id="external_id_empty"),
        pytest.param({"externalId": 7}, "externalId", id="external_id_number"),
        pytest.param({"externalId": "x" * 256}, "externalId", id="external_id_too_long"),
        pytest.param({"externalId": "\ud800"}, "externalId", id="external_id_half_a_character"),
        pytest.param({"customer": None}, "customer", id="customer_missing"),
        pytest.param({"customer": {"externalId": "c"}}, "email", id="customer_without_email"),
        pytest.param({"returnUrl": None}, "missingReturnUrl", id="return_url_missing"),
        pytest.param({"returnUrl": "/orders/1"}, "returnUrl", id="return_url_relative"),
        pytest.param({"returnUrl": "javascript:alert(1)"}, "returnUrl", id="return_url_script"),
        pytest.param({"returnUrl": "http://a b/"}, "returnUrl", id="return_url_with_a_space"),
        pytest.param({"cardToken": "tok_1"}, "invalidCardToken", id="card_token_unknown"),
        pytest.param({"billing": "Singapore"}, "billing", id="billing_text"),
    ],
)
def test_a_payload_that_breaks_a_rule_is_refused(
    sandbox: Sandbox, changes: dict[str, Any], cause: str
) -> None:
    reply = sandbox.create(**changes)

    assert reply.status_code == 400
    assert reply.json["code"] == "invalid_argument"
    assert cause in reply.json["message"]
    assert sandbox.http.get("/ledger.json").json["payments"] == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"amount": NaN}', id="not_a_number"),
        pytest.param(b'{"amount": 1e999999999}', id="huge_exponent"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe", id="not_utf8"),
    ],
)
def test_a_body_that_is_no_usable_json_is_refused(sandbox: Sandbox, body: Any) -> None:
    assert sandbox.create_raw(body).status_code == 400


def test_a_whole_amount_may_be_written_with_a_point(sandbox: Sandbox) -> None:
    body = json.dumps(payload()).replace("4999", "4999.0")

    assert sandbox.create_raw(body).json["amount"] == 49.99


def test_trailing_slashes_and_header_case_do_not_matter(sandbox: Sandbox) -> None:
    keys = base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
    sent = {"aUtHoRiZaTiOn": f"basic {keys}", "cOnTeNt-TyPe": "application/json"}

    made = sandbox.http.post("/mintcash/payments/", json=payload(), headers=sent)

    assert made.status_code == 200
    assert sandbox.api("GET", f"/payments/{made.json['id']}/").status_code == 200


def test_the_same_payload_again_is_answered_with_the_first_payment(sandbox: Sandbox) -> None:
    first = sandbox.create()

    again = sandbox.create()

    assert again.status_code == 200
    assert again.json == first.json


def test_a_repetition_shows_the_payment_as_it_is_now(sandbox: Sandbox) -> None:
    first = sandbox.payment()
    sandbox.pay(first)

    again = sandbox.payment()

    assert (again["id"], again["status"]) == (first["id"], "succeeded")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 5000},
        {"currency": "EUR"},
        {"returnUrl": "http://shop.example/other"},
        {"customer": {"externalId": "c-2", "email": "ben@example.org", "name": "Ben"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_payload_with_the_same_external_id_is_a_conflict(
    sandbox: Sandbox, changes: dict[str, Any]
) -> None:
    first = sandbox.payment()

    reply = sandbox.create(**changes)

    assert (reply.status_code, reply.json["code"]) == (409, "already_exists")
    assert sandbox.fetch(first) == first


def test_the_same_call_many_times_at_once_makes_one_payment(sandbox: Sandbox) -> None:
    callers = 6
    start, replies = threading.Barrier(callers), []

    def call() -> None:
        start.wait()
        replies.append(sandbox.create())

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [reply.status_code for reply in replies] == [200] * callers
    assert len({reply.json["id"] for reply in replies}) == 1
    assert len(sandbox.http.get("/ledger.json").json["payments"]) == 1


def test_an_unknown_payment_is_not_found(sandbox: Sandbox) -> None:
    reply = sandbox.api("GET", f"/payments/{uuid.uuid4()}")

    assert (reply.status_code, reply.json["code"]) == (404, "not_found")


def test_the_merchants_keys_are_listed_without_the_secret(sandbox: Sandbox) -> None:
    reply = sandbox.api("GET", "/merchant/api-keys")

    assert reply.json["apiKeys"][0]["publicKey"] == PUBLIC_KEY
    assert reply.json["apiKeys"][0]["environment"] == "test"
    assert SECRET_KEY not in reply.text
