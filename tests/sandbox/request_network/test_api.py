"""Request Network's API: who may call it, what it accepts, how it refuses, what it answers."""

import re
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import RETURN_URL, Receiver, RequestNetwork

UNKNOWN = "01KJRA0M9QG8MA4X887908T8A4"
SEPOLIA = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:11155111#E636C26B"
    ":0x370DE27fdb7D1Ff1e1BaA7D11c5820a324Cf623C"
)
BASE = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:8453#ABCD1234"
    ":0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
)
EXPIRED = {"statusCode": 403, "message": "Secure payment has expired", "error": "Forbidden"}


def ledger(request_network: RequestNetwork) -> list[dict[str, Any]]:
    return list(request_network.http.get("/ledger.json").json["payments"])


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no_key"),
        pytest.param({"x-api-key": "rn_test_kiln_and_kettle2"}, id="wrong_key"),
        pytest.param({"x-api-key": "\xe9"}, id="not_ascii"),
        pytest.param({"x-client-id": ""}, id="empty_client_id"),
        pytest.param({"x-client-id": "cli_1"}, id="unknown_client_id"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/secure-payments"),
        ("GET", f"/secure-payments/{UNKNOWN}"),
        ("GET", f"/secure-payments/{UNKNOWN}/pay"),
        ("POST", f"/secure-payments/{UNKNOWN}/intent"),
        ("GET", "/request/01ab"),
    ],
)
def test_calls_without_a_key_are_refused(
    request_network: RequestNetwork, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = request_network.call(method, path, headers=headers)

    assert reply.status_code == 401
    assert reply.json == {
        "statusCode": 401,
        "message": "Unauthorized",
        "error": "Unauthorized",
    }


@pytest.mark.parametrize(
    ("keys", "headers", "statuses"),
    [
        ("client_id", {"x-client-id": "cli_test_kiln_and_kettle"}, [201, 200, 200, 200]),
        ("client_id", {"x-api-key": "rn_test_kiln_and_kettle"}, [201, 200, 401, 401]),
        ("both", {"x-api-key": "rn_test_kiln_and_kettle"}, [201, 200, 200, 200]),
    ],
)
def test_a_client_id_opens_everything_and_an_api_key_not_the_pages_own_calls(
    start_sandbox: StartSandbox, keys: str, headers: dict[str, str], statuses: list[int]
) -> None:
    request_network = RequestNetwork(start_sandbox(sandbox_request_network_page_keys=keys).app)
    body = {"requests": [{"amount": "1"}]}

    made = request_network.call("POST", "/secure-payments", json=body, headers=headers)
    replies = [
        request_network.call("GET", path, headers=headers)
        for path in (
            f"/request/{made.json['requestIds'][0]}",
            f"/secure-payments/{made.json['token']}",
            f"/secure-payments/{made.json['token']}/pay",
        )
    ]

    assert [made.status_code, *(reply.status_code for reply in replies)] == statuses


# ------------------------------------------------------------------ POST /v2/secure-payments


def test_a_page_is_made_for_one_request(request_network: RequestNetwork) -> None:
    reply = request_network.create()

    assert reply.status_code == 201
    made = reply.json
    assert list(made) == ["requestIds", "securePaymentUrl", "token", "feePlan"]
    assert re.fullmatch("01[0-9a-f]{64}", made["requestIds"][0])
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", made["token"])
    assert made["securePaymentUrl"] == f"http://localhost/request_network/?token={made['token']}"
    assert request_network.http.get(made["securePaymentUrl"]).status_code == 200


def test_equal_calls_make_two_requests(request_network: RequestNetwork) -> None:
    """There is no idempotency key."""
    first, second = request_network.payment(), request_network.payment()

    ids = [first["requestIds"][0], second["requestIds"][0]]
    assert [each["id"] for each in ledger(request_network)] == ids
    assert len(set(ids)) == 2


@pytest.mark.parametrize(("written", "minor"), [("1", 100), ("49.9", 4990), ("24.00", 2400)])
def test_an_amount_is_a_decimal(request_network: RequestNetwork, written: str, minor: int) -> None:
    payment = request_network.payment(requests=[{"amount": written}])

    assert ledger(request_network)[0]["amount"] == minor
    assert request_network.fetch(payment)["requestAmount"] == written


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"requests": None}, ["requests"], "Required"),
        ({"requests": []}, ["requests"], "Array must contain 1 to 200 element(s)"),
        ({"requests": {}}, ["requests"], "Array must contain 1 to 200 element(s)"),
        (
            {"requests": [{"amount": "1"}] * 201},
            ["requests"],
            "Array must contain 1 to 200 element(s)",
        ),
        ({"requests": ["1"]}, ["requests", 0], "Expected object"),
        ({"requests": [{}]}, ["requests", 0, "amount"], "Amount must be a decimal string"),
        (
            {"requests": [{"amount": 49.99}]},
            ["requests", 0, "amount"],
            "Amount must be a decimal string",
        ),
        (
            {"requests": [{"amount": "1e3"}]},
            ["requests", 0, "amount"],
            "Amount must be a decimal string",
        ),
        (
            {"requests": [{"amount": "0.00"}]},
            ["requests", 0, "amount"],
            "Amount must be greater than 0",
        ),
        (
            {"requests": [{"amount": "1", "destinationId": "0x1"}]},
            ["requests", 0, "destinationId"],
            "Invalid destination ID format",
        ),
        (
            {"requests": [{"amount": "1", "feePercentage": "1"}]},
            ["requests", 0, "feePercentage"],
            "Unrecognized key",
        ),
        ({"expiresAt": "x"}, ["expiresAt"], "Unrecognized key"),
        ({"reference": ""}, ["reference"], "String must contain 1 to 255 character(s)"),
        ({"reference": "x" * 256}, ["reference"], "String must contain 1 to 255 character(s)"),
        ({"redirectLabel": "Kiln & Kettle"}, ["redirectLabel"], "Invalid"),
        (
            {"redirectUrl": "javascript:alert(1)"},
            ["redirectUrl"],
            "redirectUrl must be a safe http(s) URL with no script/HTML payload",
        ),
        (
            {"redirectUrl": "http://shop.example/<b>"},
            ["redirectUrl"],
            "redirectUrl must be a safe http(s) URL with no script/HTML payload",
        ),
        (
            {"redirectUrl": "http://["},
            ["redirectUrl"],
            "redirectUrl must be a safe http(s) URL with no script/HTML payload",
        ),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(
    request_network: RequestNetwork, changes: dict[str, Any], path: list[Any], message: str
) -> None:
    reply = request_network.create(**changes)

    assert reply.status_code == 400
    assert reply.json == {
        "statusCode": 400,
        "message": [{"code": "custom", "path": path, "message": message}],
        "error": "Bad Request",
    }
    assert ledger(request_network) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}'])
def test_a_body_that_is_not_json_is_refused(request_network: RequestNetwork, body: bytes) -> None:
    reply = request_network.call("POST", "/secure-payments", data=body)

    assert (reply.status_code, reply.json["message"]) == (400, "Request body is not valid JSON")


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        (
            {"redirectUrl": None},
            400,
            "redirectLabel cannot be provided without redirectUrl",
        ),
        (
            {"requests": [{"amount": "1", "destinationId": SEPOLIA}]},
            403,
            "Destination does not match the configured payment destination.",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_a_sentence(
    request_network: RequestNetwork, changes: dict[str, Any], status: int, message: str
) -> None:
    reply = request_network.create(**changes)

    assert (reply.status_code, reply.json["message"]) == (status, message)


def test_the_destination_may_be_named_if_it_is_the_configured_one(
    start_sandbox: StartSandbox,
) -> None:
    app = start_sandbox(request_network_destination_id=SEPOLIA).app
    request_network = RequestNetwork(app)

    payment = request_network.payment(requests=[{"amount": "1", "destinationId": SEPOLIA}])

    assert request_network.fetch(payment)["network"] == "sepolia"
    assert request_network.fetch(payment)["invoiceCurrency"] == "FAU"


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        (BASE.replace("8453", "999"), "No active payment destination"),
        (BASE.replace("02913", "00000"), "Unsupported payment currency"),
    ],
)
def test_a_destination_that_is_not_imitated_is_refused(
    start_sandbox: StartSandbox, destination: str, message: str
) -> None:
    app = start_sandbox(request_network_destination_id=destination).app

    reply = RequestNetwork(app).create()

    assert (reply.status_code, reply.json["message"]) == (400, message)


# ------------------------------------------------------------------ several requests in one link


def test_one_link_may_collect_several_requests(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "40"}, {"amount": "9.99"}])

    first, second = payment["requestIds"]
    states = [request_network.call("GET", f"/request/{each}").json for each in (first, second)]
    assert [each["requestId"] for each in states] == [first, second]
    assert [each["requestAmount"] for each in states] == ["40", "9.99"]
    assert [each["hasBeenPaid"] for each in states] == [False, False]
    assert [(each["id"], each["amount"]) for each in ledger(request_network)] == [(first, 4999)]


def test_a_link_of_several_requests_is_described_in_lists(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "40"}, {"amount": "9.99"}])

    shown = request_network.call("GET", f"/secure-payments/{payment['token']}").json
    signs = request_network.call("GET", f"/secure-payments/{payment['token']}/pay").json

    assert (shown["paymentType"], shown["amounts"]) == ("batch", ["40", "9.99"])
    assert shown["requestIds"] == payment["requestIds"]
    assert shown["paymentCurrencies"] == ["USDC-base"] * 2
    assert [each["destinationId"] for each in shown["destinations"]] == [BASE] * 2
    assert "amount" not in shown
    assert set(signs) >= {"ERC20ApprovalTransactions", "batchPaymentTransaction"}


# ------------------------------------------------------------------ the guide's form

GUIDE = {
    "payee": "0x742d35Cc6634C0532925a3b844Bc454e4438f44e",
    "invoiceCurrency": "USD",
    "paymentCurrency": "USDCn-optimism",
}


def test_a_payee_is_paid_as_the_guide_shows(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "1", **GUIDE}])

    state = request_network.fetch(payment)
    shown = request_network.call("GET", f"/secure-payments/{payment['token']}").json
    assert (state["payee"], state["network"]) == (GUIDE["payee"], "optimism")
    assert (state["invoiceCurrency"], state["paymentCurrency"]) == ("USD", "USDC")
    assert (shown["paymentCurrency"], shown["destination"]) == ("USDCn-optimism", None)


def test_a_payee_may_be_ignored(start_sandbox: StartSandbox) -> None:
    app = start_sandbox(sandbox_request_network_payee_form="ignored").app
    request_network = RequestNetwork(app)

    payment = request_network.payment(requests=[{"amount": "1", **GUIDE}])

    assert request_network.fetch(payment)["payee"] == BASE.partition("@")[0]


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"payee": "T1"}, "payee", "Invalid Ethereum address"),
        ({"payee": None}, "payee", "Required"),
        ({"invoiceCurrency": "EUR"}, "invoiceCurrency", "Unknown currency"),
        ({"paymentCurrency": "USD"}, "paymentCurrency", "Unknown currency"),
        ({"paymentCurrency": "USDC-optimism"}, "paymentCurrency", "Unknown currency"),
        ({"paymentCurrency": ["USDC-base"]}, "paymentCurrency", "Required"),
        ({"destinationId": BASE}, "destinationId", "payee and destinationId exclude each other"),
    ],
)
def test_a_payee_that_cannot_be_paid_is_refused(
    request_network: RequestNetwork, changes: dict[str, Any], name: str, message: str
) -> None:
    reply = request_network.create(requests=[{"amount": "1", **GUIDE, **changes}])

    assert reply.status_code == 400
    assert reply.json["message"] == [
        {"code": "custom", "path": ["requests", 0, name], "message": message}
    ]


def test_a_payee_may_be_refused_as_the_reference_knows_none(start_sandbox: StartSandbox) -> None:
    app = start_sandbox(sandbox_request_network_payee_form="refused").app

    reply = RequestNetwork(app).create(requests=[{"amount": "1", **GUIDE}])

    assert reply.status_code == 400
    assert {each["message"] for each in reply.json["message"]} == {"Unrecognized key"}


def test_all_requests_of_a_link_have_one_destination(request_network: RequestNetwork) -> None:
    requests = [{"amount": "1"}, {"amount": "1", **GUIDE}]

    reply = request_network.create(requests=requests)

    assert reply.status_code == 400
    assert reply.json["message"] == "All requests must have the same destination"


# ------------------------------------------------------------------ deprecated, or not applied

WALLET = "0x" + "a" * 40
POLICY = {
    "mode": "kyt_all_wallets",
    "screeningProvider": "merklescience",
    "hideUntilApproved": True,
    "hidePayeeAddress": False,
    "allowedPayerAddresses": [WALLET],
}


@pytest.mark.parametrize(
    "changes",
    [
        {"feePercentage": "2.5", "feeAddress": WALLET},
        {"feePercentage": "0"},
        {"feePercentage": "100", "feeAddress": WALLET},
        {"feeAddress": WALLET},
        {"payerIdentifier": "customer-1"},
        {"accessPolicy": {}},
        {"accessPolicy": POLICY},
        {"accessPolicy": {"mode": "inherit", "screeningProvider": None}},
        {"accessPolicy": {"allowedPayerAddresses": []}},
    ],
)
def test_what_is_deprecated_or_not_applied_is_taken_and_changes_nothing(
    request_network: RequestNetwork, changes: dict[str, Any]
) -> None:
    payment = request_network.payment(**changes)
    request_network.pay(payment)

    state = request_network.fetch(payment)
    assert (state["requestAmount"], state["hasBeenPaid"]) == ("49.99", True)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"feePercentage": 2.5}, ["feePercentage"]),
        ({"feePercentage": "101"}, ["feePercentage"]),
        ({"feePercentage": "100.1"}, ["feePercentage"]),
        ({"feePercentage": "-1"}, ["feePercentage"]),
        ({"feePercentage": "1e1"}, ["feePercentage"]),
        ({"feePercentage": ""}, ["feePercentage"]),
        ({"feeAddress": "0x1"}, ["feeAddress"]),
        ({"feeAddress": 1}, ["feeAddress"]),
        ({"payerIdentifier": 7}, ["payerIdentifier"]),
        ({"accessPolicy": "off"}, ["accessPolicy"]),
        ({"accessPolicy": []}, ["accessPolicy"]),
        ({"accessPolicy": {"mode": "OFF"}}, ["accessPolicy", "mode"]),
        ({"accessPolicy": {"mode": None}}, ["accessPolicy", "mode"]),
        ({"accessPolicy": {"screeningProvider": ["x"]}}, ["accessPolicy", "screeningProvider"]),
        ({"accessPolicy": {"hidePayeeAddress": "true"}}, ["accessPolicy", "hidePayeeAddress"]),
        ({"accessPolicy": {"hideUntilApproved": 1}}, ["accessPolicy", "hideUntilApproved"]),
        (
            {"accessPolicy": {"allowedPayerAddresses": WALLET}},
            ["accessPolicy", "allowedPayerAddresses"],
        ),
        (
            {"accessPolicy": {"allowedPayerAddresses": [WALLET, "T1"]}},
            ["accessPolicy", "allowedPayerAddresses", 1],
        ),
        ({"accessPolicy": {"unknown": True}}, ["accessPolicy", "unknown"]),
    ],
)
def test_what_is_not_applied_must_be_well_formed_all_the_same(
    request_network: RequestNetwork, changes: dict[str, Any], path: list[Any]
) -> None:
    reply = request_network.create(**changes)

    assert reply.status_code == 400
    assert [each["path"] for each in reply.json["message"]] == [path]
    assert ledger(request_network) == []


# ------------------------------------------------------------------ the page's own calls


def test_the_page_is_described(request_network: RequestNetwork) -> None:
    payment = request_network.payment()

    shown = request_network.call("GET", f"/secure-payments/{payment['token']}").json

    assert (shown["paymentType"], shown["status"], shown["amount"]) == (
        "single",
        "pending",
        "49.99",
    )
    assert (shown["network"], shown["paymentCurrency"]) == ("base", "USDC-base")
    assert shown["destination"]["destinationId"] == BASE
    assert shown["reference"] == "order-1"
    assert (shown["redirectUrl"], shown["redirectLabel"]) == (RETURN_URL, "Back to the shop")
    assert "paymentOptions" not in shown


def test_a_wallet_is_told_what_it_can_pay_with(request_network: RequestNetwork) -> None:
    payment = request_network.payment()

    path = f"/secure-payments/{payment['token']}?wallet=0x{'1' * 40}"
    options = request_network.call("GET", path).json["paymentOptions"]

    assert options["BASE"]["USDC"] == {
        "balance": "2500.0",
        "hasEnoughBalance": True,
        "neededAmount": "49.99",
    }
    assert options["ETHEREUM"]["USDT"]["hasEnoughBalance"] is False
    assert "SEPOLIA" not in options


@pytest.mark.parametrize(("method", "part"), [("GET", ""), ("GET", "/pay"), ("POST", "/intent")])
def test_a_page_that_is_unknown_expired_or_paid_is_not_described(
    request_network: RequestNetwork, method: str, part: str
) -> None:
    paid, expired = request_network.payment(), request_network.payment()
    request_network.pay(paid)
    request_network.set_clock(advance=7 * 86400)
    request_network.work()

    replies = [
        request_network.call(method, f"/secure-payments/{token}{part}")
        for token in (UNKNOWN, expired["token"], paid["token"])
    ]

    assert [reply.status_code for reply in replies] == [404, 403, 409]
    assert replies[1].json == EXPIRED
    assert replies[2].json["status"] == "completed"
    assert replies[2].json["requestStatuses"][0]["requestId"] == paid["requestIds"][0]


def test_while_the_owners_of_a_safe_are_signing_the_page_is_in_progress(
    request_network: RequestNetwork,
) -> None:
    payment = request_network.payment()
    path = f"/secure-payments/{payment['token']}"

    request_network.pay(payment, settles="safe")
    meanwhile = request_network.call("GET", path)
    request_network.set_clock(advance=20)
    request_network.work()

    assert meanwhile.status_code == 423
    assert request_network.call("GET", path).status_code == 409
    assert (meanwhile.json["status"], meanwhile.json["message"]) == (
        "pending",
        "Secure payment is in progress",
    )
    (status,) = meanwhile.json["requestStatuses"]
    assert list(status) == [
        "requestId",
        "hasBeenPaid",
        "safeTxHash",
        "chainId",
        "safePaymentDeadline",
    ]
    assert (status["hasBeenPaid"], status["chainId"]) == (False, 8453)


def test_an_ordinary_payment_on_its_way_does_not_close_the_page(
    request_network: RequestNetwork,
) -> None:
    payment = request_network.payment()

    request_network.pay(payment, settles="later")

    reply = request_network.call("GET", f"/secure-payments/{payment['token']}")
    assert (reply.status_code, reply.json["status"]) == (200, "pending")


# ------------------------------------------------------------------ GET /v2/request/{id}


def test_a_request_is_unpaid_then_paid_in_part_then_in_full(
    request_network: RequestNetwork,
) -> None:
    payment = request_network.payment()
    unpaid = request_network.fetch(payment)
    request_network.pay(payment, amount="20")
    part = request_network.fetch(payment)
    request_network.pay(payment, amount="29.99")
    paid = request_network.fetch(payment)

    assert (unpaid["hasBeenPaid"], unpaid["txHash"]) == (False, None)
    assert "status" not in unpaid
    assert (part["hasBeenPaid"], part["status"]) == (False, "partially_paid")
    assert part["conversionBreakdown"] == {"paidAmount": "20.0", "remainingAmount": "29.99"}
    assert (paid["hasBeenPaid"], paid["isListening"]) == (True, False)
    assert paid["conversionBreakdown"] == {"paidAmount": "49.99", "remainingAmount": "0.0"}
    assert [each["amount"] for each in paid["payments"]] == ["20.0", "29.99"]


def test_an_unknown_request_is_not_found(request_network: RequestNetwork) -> None:
    reply = request_network.call("GET", "/request/01ab")

    assert reply.status_code == 404
    assert reply.json == {
        "statusCode": 404,
        "message": "Request not found",
        "error": "Not Found",
    }


# ------------------------------------------------------------------ faults of the API


@pytest.mark.parametrize("fault", ["401", "500", "502", "503"])
def test_an_error_in_place_of_a_page(request_network: RequestNetwork, fault: str) -> None:
    request_network.set_faults(create_fault=fault)

    reply = request_network.create()

    assert reply.status_code == reply.json["statusCode"] == int(fault)
    assert ledger(request_network) == []


@pytest.mark.parametrize(("fault", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_call_that_hangs_has_made_a_page_or_not(
    request_network: RequestNetwork, fault: str, made: int
) -> None:
    request_network.set_faults(create_fault=fault)

    request_network.create()

    assert len(ledger(request_network)) == made


def test_html_in_place_of_json(request_network: RequestNetwork) -> None:
    request_network.set_faults(create_fault="html")

    assert request_network.create().mimetype == "text/html"


def test_a_foreign_page_is_named(request_network: RequestNetwork) -> None:
    request_network.set_faults(create_fault="foreign_redirect")

    payment = request_network.payment()

    assert payment["securePaymentUrl"].startswith("https://pay.example.invalid/")
    assert request_network.page(payment).status_code == 200


def test_an_early_webhook_is_there_before_the_answer(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    request_network.set_faults(create_fault="early_webhook")

    payment = request_network.payment()

    assert shop.received[0].event["requestId"] == payment["requestIds"][0]
    assert request_network.fetch(payment)["hasBeenPaid"] is True
