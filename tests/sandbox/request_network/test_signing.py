"""``GET /v2/secure-payments/{token}/pay``: what a wallet is asked to sign, decoded by hand."""

import time
from typing import Any

import pytest

from sandbox.request_network.signing import BATCH, FEE_PROXY, QUOTE_SECONDS, SPOKE_POOL

from ..conftest import StartSandbox
from ..driver import Receiver, Reply, RequestNetwork
from .test_api import BASE, SEPOLIA

WALLET = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
PAYEE, USDC = "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7", BASE.rpartition(":")[2]
POLYGON_USDC = "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"
BNB_USDT = "0x55d398326f99059ff775485246999027b3197955"


def ask(request_network: RequestNetwork, payment: dict[str, Any], query: str = "") -> Reply:
    return request_network.call("GET", f"/secure-payments/{payment['token']}/pay{query}")


def words(data: str, selector: str) -> list[int]:
    """The arguments of a call, each of 32 bytes."""
    assert data[:10] == selector
    assert len(data[10:]) % 64 == 0
    return [int(data[at : at + 64], 16) for at in range(10, len(data), 64)]


def number(address: str) -> int:
    return int(address, 16)


def reference_of(request_network: RequestNetwork, request_id: str) -> str:
    reply = request_network.call("GET", f"/request/{request_id}").json
    return str(reply["paymentReference"])


def test_without_a_route_the_destinations_coin_is_approved_then_paid(
    request_network: RequestNetwork,
) -> None:
    payment = request_network.payment()

    reply = ask(request_network, payment, f"?wallet={WALLET}").json

    approval, paying = reply["transactions"]
    assert (approval["to"], approval["value"]) == (USDC, 0)
    assert words(approval["data"], "0x095ea7b3") == [number(FEE_PROXY), 49_990_000]
    assert (paying["to"], paying["value"]) == (FEE_PROXY, 0)
    token, payee, amount, place, fee, fee_address, length, reference = words(
        paying["data"], "0xc219a14d"
    )
    assert (token, payee, amount) == (number(USDC), number(PAYEE), 49_990_000)
    assert (place, fee, fee_address, length) == (6 * 32, 0, 0, 8)
    written = reference_of(request_network, payment["requestIds"][0])
    assert reference == number(written) << 192 == number(reply["paymentReference"]) << 192
    assert reply["metadata"] == {
        "stepsRequired": 2,
        "needsApproval": True,
        "approvalTransactionIndex": 0,
        "paymentTransactionIndex": 1,
        "hasEnoughBalance": True,
        "hasEnoughGas": True,
    }


def test_from_another_chain_the_bridges_fee_comes_on_top(request_network: RequestNetwork) -> None:
    payment, before = request_network.payment(requests=[{"amount": "10"}]), int(time.time())

    reply = ask(request_network, payment, f"?wallet={WALLET}&chain=POLYGON&token=USDC").json

    approval, route = reply["transactions"]
    assert (approval["to"], approval["value"]) == (POLYGON_USDC, "0x0")
    assert words(approval["data"], "0x095ea7b3") == [number(SPOKE_POOL), 10_020_000]
    assert (route["to"], route["value"]) == (SPOKE_POOL, "0x0")
    deposit = words(route["data"], "0x7b939232")
    assert deposit[:4] == [number(each) for each in (WALLET, PAYEE, POLYGON_USDC, USDC)]
    assert deposit[4:7] == [10_020_000, 10_000_000, 8453]
    metadata = reply["metadata"]
    assert (metadata["routeType"], metadata["sourceAmount"]) == ("crosschain", "10.02")
    assert before <= metadata["quoteExpiresAt"] - QUOTE_SECONDS <= time.time()
    assert metadata["quoteExpiresAt"] == deposit[9]


def test_a_coin_is_counted_in_the_decimals_of_its_chain(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "10"}])

    reply = ask(request_network, payment, "?chain=BNB&token=USDT").json

    approval, route = reply["transactions"]
    assert approval["to"] == BNB_USDT
    assert words(approval["data"], "0x095ea7b3")[1] == 10_020_000_000_000_000_000
    assert words(route["data"], "0x7b939232")[4:6] == [10_020_000_000_000_000_000, 10_000_000]


@pytest.mark.parametrize("token", ["USDC", "USDT"])
def test_a_named_route_on_the_same_chain_costs_no_bridge(
    request_network: RequestNetwork, token: str
) -> None:
    reply = ask(request_network, request_network.payment(), f"?chain=BASE&token={token}").json

    assert (reply["metadata"]["routeType"], reply["metadata"]["sourceAmount"]) == (
        "samechain",
        "49.99",
    )


def test_on_sepolia_a_coin_of_18_decimals_is_signed(start_sandbox: StartSandbox) -> None:
    request_network = RequestNetwork(start_sandbox(request_network_destination_id=SEPOLIA).app)

    approval, paying = ask(request_network, request_network.payment()).json["transactions"]

    assert approval["to"] == SEPOLIA.rpartition(":")[2]
    assert words(approval["data"], "0x095ea7b3")[1] == 4999 * 10**16
    assert words(paying["data"], "0xc219a14d")[2] == 4999 * 10**16


def test_several_requests_are_paid_by_one_call(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "40"}, {"amount": "9.99"}])

    reply = ask(request_network, payment).json

    (approval,), paying = reply["ERC20ApprovalTransactions"], reply["batchPaymentTransaction"]
    assert words(approval["data"], "0x095ea7b3") == [number(BATCH), 49_990_000]
    assert paying["to"] == BATCH
    token, *places, _fee_address = (arguments := words(paying["data"], "0xc6e6d98b"))[:6]
    recipients, amounts = (arguments[at // 32 : at // 32 + 3] for at in places[:2])
    assert token == number(USDC)
    assert recipients == [2, number(PAYEE), number(PAYEE)]
    assert amounts == [2, 40_000_000, 9_990_000]
    for request_id in payment["requestIds"]:
        assert reference_of(request_network, request_id)[2:] in paying["data"]
    assert reply["metadata"] == {"hasEnoughBalance": True, "hasEnoughGas": True}


def test_what_is_left_after_a_part_is_signed(request_network: RequestNetwork) -> None:
    payment = request_network.payment()
    request_network.pay(payment, amount="20")

    approval, _ = ask(request_network, payment).json["transactions"]

    assert words(approval["data"], "0x095ea7b3")[1] == 29_990_000


def test_a_wallet_that_does_not_hold_enough_is_told_so(request_network: RequestNetwork) -> None:
    """BNB's wallet holds 200.00: enough for the sum, and not for the bridge's fee."""
    payment = request_network.payment(requests=[{"amount": "199.99"}])

    reply = ask(request_network, payment, "?chain=BNB&token=USDC").json
    pressed = request_network.pay(payment, way="BNB USDC", amount="199.99")

    assert reply["metadata"]["hasEnoughBalance"] is False
    assert "There is not enough of this coin in the wallet." in pressed.text


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("?chain=BASE", ["token"]),
        ("?token=USDC", ["chain"]),
        ("?chain=&token=", ["chain"]),
        ("?chain=BASE&token=", ["token"]),
        ("?chain=base&token=USDC", ["chain"]),
        ("?chain=8453&token=USDC", ["chain"]),
        ("?chain=MOON&token=USDC", ["chain"]),
        ("?chain=SEPOLIA&token=FAU", ["chain"]),
        ("?chain=BASE&token=usdc", ["token"]),
        ("?chain=POLYGON&token=USDT", ["token"]),
        (f"?chain=BASE&token={USDC}", ["token"]),
        ("?chain=BASE&chain=BNB&token=USDC", ["chain"]),
        ("?chain[]=BASE&token=USDC", ["chain"]),
        ("?wallet=", ["wallet"]),
        ("?wallet=0x1", ["wallet"]),
        ("?wallet=T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", ["wallet"]),
        (f"?wallet={WALLET}&wallet={WALLET}", ["wallet"]),
        (f"?wallet={WALLET}%0a", ["wallet"]),
    ],
)
@pytest.mark.parametrize("part", ["", "/pay"])
def test_a_route_that_is_unknown_or_named_by_half_is_refused(
    request_network: RequestNetwork, query: str, path: list[str], part: str
) -> None:
    payment = request_network.payment()

    reply = request_network.call("GET", f"/secure-payments/{payment['token']}{part}{query}")

    assert reply.status_code == 400
    assert [each["path"] for each in reply.json["message"]] == [path]


def test_a_dollar_does_not_cross_a_bridge(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "1"}])

    assert ask(request_network, payment, "?chain=POLYGON&token=USDC").status_code == 400
    assert ask(request_network, payment, "?chain=BASE&token=USDC").status_code == 200


def test_while_the_owners_of_a_safe_are_signing_nothing_more_is_signed(
    request_network: RequestNetwork,
) -> None:
    payment = request_network.payment()
    request_network.pay(payment, settles="safe")

    assert ask(request_network, payment).status_code == 423


@pytest.mark.parametrize("requests", [["49.99"], ["40", "9.99"]])
def test_the_page_shows_what_the_call_answers(
    request_network: RequestNetwork, shop: Receiver, requests: list[str]
) -> None:
    payment = request_network.payment(requests=[{"amount": each} for each in requests])
    asked = ask(request_network, payment).json
    calls = asked.get("transactions") or [
        *asked["ERC20ApprovalTransactions"],
        asked["batchPaymentTransaction"],
    ]

    request_network.press(payment, "connect")
    request_network.press(payment, "approve", way="BASE USDC", amount="49.99", settles="now")
    page = request_network.page(payment).text

    for each in calls:
        assert f"<code>{each['to']}</code>" in page
        assert f"<code>{each['data']}</code>" in page


def test_the_page_says_what_the_bridge_takes(request_network: RequestNetwork) -> None:
    payment = request_network.payment(requests=[{"amount": "10"}])

    request_network.press(payment, "connect")
    request_network.press(payment, "approve", way="POLYGON USDC", amount="10", settles="now")
    page = " ".join(request_network.page(payment).text.split())

    assert "Your wallet has approved $10.02 in USDC" in page
    assert "The bridge takes $0.02 of it." in page
