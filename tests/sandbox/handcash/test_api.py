"""HandCash's API: who may call it, what it accepts, in which words it refuses, what it answers."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.handcash.prices import CURRENCIES

from ..conftest import StartSandbox
from ..driver import RETURN_URL, HandCash, Receiver, Sandbox, handcash_request

UNKNOWN = "0" * 24


@pytest.fixture
def handcash(sandbox: Sandbox, shop: Receiver) -> HandCash:
    return HandCash(sandbox.app, shop.url)


def ledger(handcash: HandCash) -> list[dict[str, Any]]:
    return list(handcash.http.get("/ledger.json").json["payments"])


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"app-id": ""}, id="no_id"),
        pytest.param({"app-secret": ""}, id="no_secret"),
        pytest.param({"app-id": "f" * 24}, id="wrong_id"),
        pytest.param({"app-secret": "app_secret_test_kiln_and_kettle2"}, id="wrong_secret"),
        pytest.param({"app-secret": "\xe9"}, id="not_ascii"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", ""),
        ("GET", f"/{UNKNOWN}"),
        ("PUT", f"/{UNKNOWN}"),
        ("DELETE", f"/{UNKNOWN}"),
    ],
)
def test_calls_without_the_keys_are_refused(
    handcash: HandCash, method: str, path: str, changes: Any
) -> None:
    reply = handcash.call(method, path, headers=HandCash.KEYS | changes)

    assert (reply.status_code, reply.json) == (401, {"message": "Unauthorized"})


def test_slash_header_case_and_content_type_do_not_matter(
    handcash: HandCash, shop: Receiver
) -> None:
    headers = {"App-Id": HandCash.KEYS["app-id"], "APP-SECRET": HandCash.KEYS["app-secret"]}
    body = json.dumps(handcash_request(shop.url))

    made = handcash.call("POST", "/", data=body, headers=headers, content_type="text/plain")

    assert made.status_code == 200
    assert handcash.call("GET", f"/{made.json['id']}/").json == made.json


def test_of_several_secrets_the_first_counts(start_sandbox: StartSandbox, shop: Receiver) -> None:
    app = start_sandbox(handcash_app_secret="new, old").app

    statuses = [
        HandCash(app, shop.url).call("GET", headers=HandCash.KEYS | {"app-secret": secret})
        for secret in ("new", "old")
    ]

    assert [reply.status_code for reply in statuses] == [200, 401]


# ------------------------------------------------------------------ POST


def test_a_request_is_made_with_a_hosted_page(handcash: HandCash) -> None:
    reply = handcash.create()

    assert reply.status_code == 200
    made = reply.json
    assert list(made) == [
        "id",
        "paymentRequestUrl",
        "paymentRequestQrCodeUrl",
        "isEnabled",
        "product",
        "currencyCode",
        "receivers",
        "paymentAmount",
        "totalUnits",
        "remainingUnits",
        "notifications",
        "redirectUrl",
        "expirationType",
        "expiresAt",
        "createdAt",
        "enabledAt",
    ]
    assert re.fullmatch("[0-9a-f]{24}", made["id"])
    assert made["paymentRequestUrl"] == f"http://localhost/handcash/pay/{made['id']}"
    assert made["receivers"] == [{"sendAmount": 49.99, "destination": "kilnandkettle"}]
    assert made["paymentAmount"] == {
        "currencyCode": "USD",
        "amount": 49.99,
        "denominatedIn": "USD",
    }
    assert (made["currencyCode"], made["isEnabled"], made["remainingUnits"]) == ("BSV", True, 1)
    ends, begins = (datetime.fromisoformat(made[name]) for name in ("expiresAt", "createdAt"))
    assert ends - begins == timedelta(hours=1)
    assert HandCash.KEYS["app-secret"] not in reply.text


def test_equal_calls_make_two_requests(handcash: HandCash) -> None:
    """There is no idempotency key."""
    first, second = handcash.payment(), handcash.payment()

    assert first["id"] != second["id"]
    assert [each["id"] for each in ledger(handcash)] == [first["id"], second["id"]]
    assert [each["externalId"] for each in ledger(handcash)] == ["order-1", "order-1"]


@pytest.mark.parametrize(
    ("amounts", "minor", "written"),
    [
        ([0.01], 1, "0.01"),
        ([24.0], 2400, "24"),
        ([49.99], 4999, "49.99"),
        ([0.1, 0.2], 30, "0.3"),
        ([1, 2.5], 350, "3.5"),
        ([99999999.99], 9999999999, "99999999.99"),
    ],
)
def test_the_amount_is_the_exact_sum_of_all_receivers(
    handcash: HandCash, amounts: list[float], minor: int, written: str
) -> None:
    receivers = [{"sendAmount": amount, "destination": "someone"} for amount in amounts]

    reply = handcash.create(receivers=receivers)

    assert f'"amount":{written},' in reply.text
    assert ledger(handcash)[0]["amount"] == minor


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"product": None}, '"product" is required'),
        ({"product": {}}, '"product.name" is required'),
        ({"product": {"name": ""}}, '"product.name" is not allowed to be empty'),
        ({"product": {"name": 1}}, '"product.name" must be a string'),
        ({"product": []}, '"product" must be of type object'),
        (
            {"product": {"name": "x", "imageUrl": "x.png"}},
            '"product.imageUrl" must be a valid uri',
        ),
        (
            {"instrumentCurrencyCode": "USD"},
            '"instrumentCurrencyCode" must be one of [MNEE, BSV]',
        ),
        ({"instrumentCurrencyCode": None}, '"instrumentCurrencyCode" is required'),
        ({"instrumentCurrencyCode": "MNEE"}, '"denominationCurrencyCode" is not allowed'),
        (
            {"denominationCurrencyCode": "usd"},
            f'"denominationCurrencyCode" must be one of [{", ".join(CURRENCIES)}]',
        ),
        ({"currency": "USD"}, '"currency" is not allowed'),
        ({"receivers": []}, '"receivers" must contain at least 1 items'),
        ({"receivers": {}}, '"receivers" must be an array'),
        ({"redirectUrl": "/orders/1"}, '"redirectUrl" must be a valid uri'),
        ({"redirectUrl": "javascript:alert(1)"}, '"redirectUrl" must be a valid uri'),
        ({"redirectUrl": "http://["}, '"redirectUrl" must be a valid uri'),
        (
            {"notifications": {"webhook": {}}},
            '"notifications.webhook.webhookUrl" is required',
        ),
        ({"expirationType": None}, '"expirationType" is required'),
        (
            {"expirationType": "onPayment"},
            '"expirationType" must be one of [never, limit, onPaymentCompleted]',
        ),
        ({"expirationType": "limit"}, '"totalUnits" is required'),
        ({"expirationInSeconds": 1.5}, '"expirationInSeconds" must be a positive integer'),
        ({"expirationInSeconds": True}, '"expirationInSeconds" must be a positive integer'),
        (
            {"requestedUserData": ["name"]},
            '"requestedUserData[0]" must be one of [paymail, email, phoneNumber]',
        ),
        ({"decreaseRemainingUnits": 1}, '"decreaseRemainingUnits" is not allowed'),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_in_the_words_of_joi(
    handcash: HandCash, changes: dict[str, Any], message: str
) -> None:
    reply = handcash.create(**changes)

    assert (reply.status_code, reply.json) == (400, {"message": message})
    assert ledger(handcash) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sendAmount": ...}, '"receivers[0].sendAmount" is required'),
        ({"sendAmount": "49.99"}, '"receivers[0].sendAmount" must be a number'),
        ({"sendAmount": True}, '"receivers[0].sendAmount" must be a number'),
        ({"sendAmount": 0}, '"receivers[0].sendAmount" must be a positive number'),
        ({"sendAmount": -1}, '"receivers[0].sendAmount" must be a positive number'),
        ({"sendAmount": 10**9}, '"receivers[0].sendAmount" must be a positive number'),
        (
            {"sendAmount": 0.001},
            '"receivers[0].sendAmount" must have no more than 2 decimal places',
        ),
        ({"destination": ""}, '"receivers[0].destination" is not allowed to be empty'),
        ({"currencyCode": "USD"}, '"receivers[0].currencyCode" is not allowed'),
    ],
)
def test_a_receiver_that_breaks_a_rule_is_named(
    handcash: HandCash, changes: dict[str, Any], message: str
) -> None:
    receiver = {"sendAmount": 49.99, "destination": "someone"} | changes

    reply = handcash.create(
        receivers=[{name: receiver[name] for name in receiver if receiver[name] is not ...}]
    )

    assert reply.json == {"message": message}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"product": NaN}', id="not_a_number"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe", id="not_utf8"),
    ],
)
def test_a_body_that_is_no_usable_json_is_refused(handcash: HandCash, body: Any) -> None:
    assert handcash.call("POST", data=body).status_code == 400


def test_the_price_may_be_in_the_coin_itself(handcash: HandCash) -> None:
    made = handcash.payment(instrumentCurrencyCode="MNEE", denominationCurrencyCode=None)

    assert made["paymentAmount"]["currencyCode"] == "MNEE"
    assert "MNEE" in handcash.page(made).text


def test_the_other_dialect_calls_the_prices_currency_currency(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    app = start_sandbox(sandbox_handcash_price_field="currency").app
    handcash = HandCash(app, shop.url)

    assert handcash.create().json == {"message": '"denominationCurrencyCode" is not allowed'}
    made = handcash.payment(denominationCurrencyCode=None, currency="EUR")
    assert made["paymentAmount"]["currencyCode"] == "EUR"


@pytest.mark.parametrize(
    ("currency", "amount", "minor", "written"),
    [
        ("JPY", 1200, 1200, "1200"),
        ("KWD", 1.234, 1234, "1.234"),
        ("CAD", 0.1, 10, "0.1"),
        ("BSV", 0.00012345, 12345, "0.00012345"),
        ("BSV", 0.00000001, 1, "1e-08"),
    ],
)
def test_a_price_has_the_decimals_of_its_currency(
    handcash: HandCash, currency: str, amount: float, minor: int, written: str
) -> None:
    receivers = [{"sendAmount": amount, "destination": "someone"}]
    priced = None if currency == "BSV" else currency

    reply = handcash.create(receivers=receivers, denominationCurrencyCode=priced)

    assert f'"amount":{written},' in reply.text
    assert reply.json["paymentAmount"]["currencyCode"] == currency
    assert ledger(handcash)[0]["amount"] == minor
    assert handcash.page(reply.json).status_code == 200


@pytest.mark.parametrize(
    ("currency", "amount", "decimals"),
    [("JPY", 0.5, 0), ("KWD", 0.0001, 3), ("BSV", 0.000000001, 8)],
)
def test_a_price_that_is_finer_than_its_currency_is_refused(
    handcash: HandCash, currency: str, amount: float, decimals: int
) -> None:
    receivers = [{"sendAmount": amount, "destination": "someone"}]
    priced = None if currency == "BSV" else currency

    reply = handcash.create(receivers=receivers, denominationCurrencyCode=priced)

    words = f"must have no more than {decimals} decimal places"
    assert reply.json == {"message": f'"receivers[0].sendAmount" {words}'}


# ------------------------------------------------------------------ version 2


def in_v2(handcash: HandCash, *receivers: dict[str, Any], **changes: Any) -> Any:
    """As HandCash's Flask demo sends it: no currency but the receivers' own."""
    body = handcash_request(
        handcash.webhook_url,
        instrumentCurrencyCode=None,
        denominationCurrencyCode=None,
        receivers=receivers or [{"sendAmount": 2.0, "currencyCode": "EUR", "destination": "o"}],
        **changes,
    )
    return handcash.http.post("/handcash/v2/paymentRequests", json=body, headers=HandCash.KEYS)


def test_version_2_makes_shows_and_deletes_the_same_requests(
    handcash: HandCash, shop: Receiver
) -> None:
    """github.com/HandCash/handcash-pay-demo-flask."""
    made = in_v2(handcash, expirationType="never", expirationInSeconds=None).json

    assert made["receivers"] == [{"sendAmount": 2, "destination": "o", "currencyCode": "EUR"}]
    assert made["paymentAmount"]["currencyCode"] == "EUR"
    collection = "/handcash/v2/paymentRequests"
    listed = handcash.http.get(collection, headers=HandCash.KEYS).json
    assert listed == {"items": [made]}
    one = f"{collection}/{made['id']}"
    assert handcash.http.get(one, headers=HandCash.KEYS).json == made
    assert handcash.call("GET", f"/{made['id']}").json["paymentAmount"] == made["paymentAmount"]
    handcash.pay(made)
    handcash.work()
    assert [each.event["paymentRequestId"] for each in shop.received] == [made["id"]]
    assert handcash.http.delete(one, headers=HandCash.KEYS).status_code == 200
    assert handcash.http.get(one, headers=HandCash.KEYS).status_code == 404


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_version_2_wants_the_keys_as_well(handcash: HandCash, method: str) -> None:
    path = "/handcash/v2/paymentRequests" + (f"/{UNKNOWN}" if method == "delete" else "")

    assert getattr(handcash.http, method)(path, json={}).status_code == 401


@pytest.mark.parametrize(
    ("receivers", "message"),
    [
        ([{"sendAmount": 1, "destination": "o"}], '"receivers[0].currencyCode" is required'),
        (
            [
                {"sendAmount": 1, "currencyCode": "EUR", "destination": "o"},
                {"sendAmount": 1, "currencyCode": "USD", "destination": "o"},
            ],
            '"receivers[1].currencyCode" must be [EUR]',
        ),
        (
            [{"sendAmount": 0.001, "currencyCode": "EUR", "destination": "o"}],
            '"receivers[0].sendAmount" must have no more than 2 decimal places',
        ),
    ],
)
def test_version_2_refuses_in_the_same_words(
    handcash: HandCash, receivers: list[dict[str, Any]], message: str
) -> None:
    assert in_v2(handcash, *receivers).json == {"message": message}


def test_what_version_3_asks_for_is_not_allowed_in_version_2(handcash: HandCash) -> None:
    reply = in_v2(handcash, priceBeforeDiscount=1)
    assert reply.status_code == 200

    body = handcash_request(handcash.webhook_url)
    answer = handcash.http.post("/handcash/v2/paymentRequests", json=body, headers=HandCash.KEYS)

    assert answer.status_code == 400
    assert "is required" in answer.json["message"] or "is not allowed" in answer.json["message"]


def test_version_2_takes_prices_in_the_coin(handcash: HandCash) -> None:
    receiver = {"sendAmount": 0.00001, "currencyCode": "BSV", "destination": "o"}

    made = in_v2(handcash, receiver).json

    assert made["paymentAmount"]["currencyCode"] == "BSV"
    assert ledger(handcash)[0]["amount"] == 1000


# ------------------------------------------------------------------ GET, PUT, DELETE


def test_requests_are_listed(handcash: HandCash) -> None:
    made = [handcash.payment(), handcash.payment()]

    assert handcash.call("GET", "?status=pending").json == {"items": made}


def test_the_public_status_does_not_show_who_is_paid(handcash: HandCash) -> None:
    payment = handcash.payment()

    reply = handcash.call("GET", f"/public/{payment['id']}?referenceId=ZYbgBA", headers={})

    assert list(reply.json) == [
        "id",
        "paymentRequestUrl",
        "paymentRequestQrCodeUrl",
        "status",
        "redirectUrl",
        "expiresAt",
        "enabledAt",
        "product",
        "paymentAmount",
        "paymentsCount",
        "totalUnits",
        "remainingUnits",
    ]
    assert reply.json["status"] == "pending"
    assert "kilnandkettle" not in reply.text


def test_a_payment_shows_in_the_public_status_and_the_statistics(
    handcash: HandCash, shop: Receiver
) -> None:
    payment = handcash.payment()
    handcash.pay(payment)
    handcash.work()

    public = handcash.fetch(payment)
    stats = handcash.call("GET", f"/public/stats/{payment['id']}", headers={})

    assert (public["status"], public["paymentsCount"]) == ("completed", 1)
    assert public["transactionId"] == shop.received[0].event["transactionId"]
    assert stats.json == {"totalPayments": 1, "totalVolume": 49.99, "uniqueUsers": 1}
    assert handcash.call("GET", f"/{payment['id']}").json["isEnabled"] is False


def test_the_words_of_the_status_can_be_those_of_withdrawn_pages(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    handcash = HandCash(start_sandbox(sandbox_handcash_status_words="upper").app, shop.url)
    payment = handcash.payment()
    assert handcash.fetch(payment)["status"] == "PENDING"

    handcash.pay(payment)

    assert handcash.fetch(payment)["status"] == "PAID"


def test_a_request_can_be_changed_in_part(handcash: HandCash) -> None:
    payment = handcash.payment()
    changes = {"product": {"name": "Kettle"}, "expirationInSeconds": 60}

    changed = handcash.call("PUT", f"/{payment['id']}", json=changes).json

    assert changed["product"] == {"name": "Kettle", "description": "Payment order-1"}
    assert changed["notifications"] == payment["notifications"]
    handcash.set_clock(advance=60)
    handcash.work()
    assert handcash.fetch(payment)["status"] == "expired"


def test_where_a_request_leads_can_be_changed(handcash: HandCash, shop: Receiver) -> None:
    payment = handcash.payment(notifications={"webhook": {"webhookUrl": "http://old.example/"}})
    webhook = {"webhookUrl": shop.url, "customParameters": {"payment": "order-1"}}
    changes = {"redirectUrl": "http://new.example/", "notifications": {"webhook": webhook}}

    handcash.call("PUT", f"/{payment['id']}", json=changes)
    answer = handcash.pay(payment)
    handcash.work()

    assert answer.location.startswith("http://new.example/?transactionId=")
    assert shop.received[0].event["customParameters"] == {"payment": "order-1"}


def test_what_is_not_used_is_changed_all_the_same(handcash: HandCash) -> None:
    payment = handcash.payment(priceBeforeDiscount=60)
    changes = {"expiresAt": "2030-01-01T00:00:00.000Z", "priceBeforeDiscount": None}

    changed = handcash.call("PUT", f"/{payment['id']}", json=changes).json

    assert changed["expiresAt"] == "2030-01-01T00:00:00.000Z"
    assert changed["priceBeforeDiscount"] is None


def test_the_price_cannot_be_changed(handcash: HandCash) -> None:
    payment = handcash.payment()

    reply = handcash.call("PUT", f"/{payment['id']}", json={"receivers": []})

    assert reply.json == {"message": '"receivers" is not allowed'}


def test_units_are_taken_away_only_where_they_are_counted(handcash: HandCash) -> None:
    path = f"/{handcash.payment()['id']}"

    reply = handcash.call("PUT", path, json={"decreaseRemainingUnits": 1})

    assert reply.json == {"message": '"decreaseRemainingUnits" is not allowed'}


def test_units_can_be_taken_away_down_to_none(handcash: HandCash) -> None:
    payment = handcash.payment(expirationType="limit", totalUnits=3)
    path = f"/{payment['id']}"

    left = [handcash.call("PUT", path, json={"decreaseRemainingUnits": n}) for n in (1, 3, 2)]

    assert [reply.status_code for reply in left] == [200, 400, 200]
    assert left[0].json["remainingUnits"] == 2
    assert left[2].json["isEnabled"] is False


def test_a_deleted_request_is_gone_and_cannot_be_paid(handcash: HandCash, shop: Receiver) -> None:
    payment = handcash.payment()

    reply = handcash.call("DELETE", f"/{payment['id']}")
    handcash.pay(payment)
    handcash.work()

    assert (reply.status_code, reply.data) == (200, b"")
    assert "Content-Type" not in reply.headers
    assert handcash.call("GET", f"/{payment['id']}").status_code == 404
    assert handcash.call("GET").json == {"items": []}
    assert "was withdrawn" in handcash.page(payment).text
    assert shop.received == []


@pytest.mark.parametrize(
    ("reference", "status", "message"),
    [
        (UNKNOWN, 404, "Payment request not found"),
        ("nonsense", 400, '"id" must be a valid MongoDB ObjectId'),
    ],
)
@pytest.mark.parametrize("path", ["", "/public", "/public/stats"])
def test_an_id_that_is_unknown_or_none(
    handcash: HandCash, path: str, reference: str, status: int, message: str
) -> None:
    reply = handcash.call("GET", f"{path}/{reference}")

    assert (reply.status_code, reply.json) == (status, {"message": message})


@pytest.mark.parametrize("status", [400, 404, 410])
def test_how_an_unknown_request_is_answered_is_a_setting(
    start_sandbox: StartSandbox, shop: Receiver, status: int
) -> None:
    app = start_sandbox(sandbox_handcash_unknown_status=str(status)).app

    for method in ("GET", "DELETE"):
        assert HandCash(app, shop.url).call(method, f"/{UNKNOWN}").status_code == status


def test_how_wrong_keys_are_answered_is_a_setting(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    app = start_sandbox(sandbox_handcash_auth_status="403").app

    reply = HandCash(app, shop.url).call("GET", headers={})

    assert (reply.status_code, reply.json) == (403, {"message": "Forbidden"})


# ------------------------------------------------------------------ faults of the API


@pytest.mark.parametrize("fault", ["401", "500", "502", "503"])
def test_an_error_in_place_of_a_request(handcash: HandCash, fault: str) -> None:
    handcash.set_faults(create_fault=fault)

    reply = handcash.create()

    assert reply.status_code == int(fault)
    assert list(reply.json) == ["message"]
    assert ledger(handcash) == []


@pytest.mark.parametrize(("fault", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_call_that_hangs_has_made_a_request_or_not(
    handcash: HandCash, fault: str, made: int
) -> None:
    handcash.set_faults(create_fault=fault)

    handcash.create()

    assert len(ledger(handcash)) == made


def test_html_in_place_of_json(handcash: HandCash) -> None:
    handcash.set_faults(create_fault="html")

    assert handcash.create().mimetype == "text/html"


def test_a_foreign_page_is_named_once_only(handcash: HandCash) -> None:
    handcash.set_faults(create_fault="foreign_redirect")

    payment = handcash.payment()

    assert payment["paymentRequestUrl"].startswith("https://pay.example.invalid/")
    again = handcash.call("GET", f"/{payment['id']}").json
    assert again["paymentRequestUrl"].startswith("http://localhost/handcash/pay/")


def test_an_early_webhook_is_there_before_the_answer(handcash: HandCash, shop: Receiver) -> None:
    handcash.set_faults(create_fault="early_webhook")

    payment = handcash.payment()

    assert shop.received[0].event["paymentRequestId"] == payment["id"]
    assert handcash.fetch(payment)["status"] == "completed"
    assert handcash.pay(payment).location.startswith(f"{RETURN_URL}?transactionId=")
