"""``POST /v2/secure-payments/{token}/intent``: a transaction is announced, and what comes of it."""

from typing import Any

import pytest

from ..driver import Receiver, Reply, RequestNetwork
from .test_api import UNKNOWN

HASH, OTHER = "0x" + "1" * 64, "0x" + "2" * 64
WALLET = "0x" + "a" * 40
DELAY = 20  # sandbox seconds, as the driver sets them
WEEK = 7 * 86400


def announce(request_network: RequestNetwork, payment: dict[str, Any], **changes: Any) -> Reply:
    """A change to ``...`` leaves the field out."""
    intent = {"txHash": HASH, "chain": "BASE", "token": "USDC"} | changes
    body = {name: intent[name] for name in intent if intent[name] is not ...}
    path = f"/secure-payments/{payment['token']}/intent"
    return request_network.call("POST", path, json=body)


def wait(request_network: RequestNetwork, seconds: float = DELAY) -> None:
    request_network.set_clock(advance=seconds)
    request_network.work()


def test_an_announced_transaction_arrives_after_the_delay(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    reply = announce(request_network, payment, payerAddress=WALLET)
    meanwhile = request_network.fetch(payment)
    wait(request_network, DELAY - 1)
    early = [*shop.events]
    wait(request_network, 1)

    assert reply.status_code == 200
    assert reply.json == {
        "intentId": reply.json["intentId"],
        "paymentReference": meanwhile["paymentReference"],
        "txHash": HASH,
        "isListening": True,
        "payerAddress": WALLET,
    }
    assert len(reply.json["intentId"]) == 26
    assert (meanwhile["hasBeenPaid"], early, shop.events) == (False, [], ["payment.confirmed"])
    event = shop.received[0].event
    assert (event["txHash"], event["payerAddress"]) == (HASH, WALLET)
    paid = request_network.fetch(payment)
    assert (paid["hasBeenPaid"], paid["txHash"]) == (True, HASH)
    assert paid["payments"][0]["payerAddress"] == WALLET


def test_a_safes_transaction_arrives_when_its_owners_have_signed(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()
    path = f"/secure-payments/{payment['token']}"

    reply = announce(
        request_network, payment, txHash=..., safeTxHash=HASH, safePaymentDeadline=1_900_000_000
    )
    meanwhile = request_network.call("GET", path)
    wait(request_network)

    assert (reply.json["safeTxHash"], "txHash" in reply.json) == (HASH, False)
    assert meanwhile.status_code == 423
    (status,) = meanwhile.json["requestStatuses"]
    assert (status["safeTxHash"], status["safePaymentDeadline"]) == (HASH, 1_900_000_000)
    assert shop.events == ["payment.confirmed"]
    assert shop.received[0].event["txHash"] != HASH  # the Safe's hash is of no block


def test_one_that_comes_from_another_chain_is_told_as_such(request_network: RequestNetwork) -> None:
    payment = request_network.payment()

    announce(request_network, payment, chain="POLYGON")
    wait(request_network)

    (arrived,) = request_network.fetch(payment)["payments"]
    assert (arrived["sourceNetwork"], arrived["type"]) == ("matic", "crosschain")


def test_an_announcement_pays_each_request_of_a_link(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment(requests=[{"amount": "40"}, {"amount": "9.99"}])

    announce(request_network, payment)
    wait(request_network)

    assert [each.event["requestId"] for each in shop.received] == payment["requestIds"]


# ------------------------------------------------------------------ what else may come of it


@pytest.mark.parametrize("kind", ["txHash", "safeTxHash"])
def test_one_that_fails_is_told_and_the_page_can_be_paid_again(
    request_network: RequestNetwork, shop: Receiver, kind: str
) -> None:
    request_network.set_faults(payment_fault="transfer_fails")
    payment = request_network.payment()

    announce(request_network, payment, **{"txHash": ..., kind: HASH})
    before = [*shop.events]
    wait(request_network)
    request_network.press(payment, "connect", fault="none")
    page = request_network.page(payment).text
    announce(request_network, payment, txHash=OTHER)
    wait(request_network)

    assert before == []
    assert shop.events == ["payment.failed", "payment.confirmed"]
    assert "lost at a bridge" in page


def test_of_one_that_is_never_mined_nothing_is_told_and_the_page_can_be_paid_again(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    request_network.set_faults(payment_fault="never_mined")
    payment = request_network.payment()

    announce(request_network, payment)
    on_its_way = request_network.page(payment).text
    wait(request_network)
    request_network.press(payment, "connect", fault="none")
    page = request_network.page(payment).text
    unpaid, events = request_network.fetch(payment), [*shop.events]
    request_network.pay(payment)
    request_network.work()

    assert "Your payment is on its way" in on_its_way
    assert (unpaid["hasBeenPaid"], unpaid["isListening"], events) == (False, True, [])
    assert "No block has taken the last payment in" in page
    assert shop.events == ["payment.confirmed"]


@pytest.mark.parametrize(
    ("fault", "events"), [("transfer_fails", ["payment.failed"]), ("never_mined", [])]
)
def test_the_drawer_of_the_page_chooses_the_same_for_what_the_page_sends(
    request_network: RequestNetwork, shop: Receiver, fault: str, events: list[str]
) -> None:
    payment = request_network.payment()
    assert f'value="{fault}"' in request_network.page(payment).text

    request_network.press(payment, "connect", fault=fault)
    request_network.pay(payment)
    assert "Your payment is on its way" in request_network.page(payment).text
    wait(request_network)

    assert shop.events == events
    assert request_network.fetch(payment)["hasBeenPaid"] is False


def test_one_that_is_never_mined_does_not_keep_the_link_from_ending(
    request_network: RequestNetwork,
) -> None:
    request_network.set_faults(payment_fault="never_mined")
    payment = request_network.payment()

    announce(request_network, payment)
    wait(request_network)
    wait(request_network, WEEK)

    assert "This link has expired" in request_network.page(payment).text


# ------------------------------------------------------------------ repeated, forged, too late


def test_announced_again_it_is_answered_as_before_and_pays_once(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    """The first answer may have been lost."""
    payment = request_network.payment()

    first = announce(request_network, payment)
    again = announce(request_network, payment, txHash=HASH.upper().replace("X", "x"))
    wait(request_network)
    paid = announce(request_network, payment)

    assert again.json == first.json
    assert shop.events == ["payment.confirmed"]
    assert (paid.status_code, paid.json["status"]) == (409, "completed")


def test_one_that_failed_does_not_fail_twice(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    request_network.set_faults(payment_fault="transfer_fails")
    payment = request_network.payment()

    for _ in range(2):
        announce(request_network, payment)
        wait(request_network)

    assert shop.events == ["payment.failed"]


def test_a_second_transaction_waits_for_the_first(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()
    announce(request_network, payment)

    second = announce(request_network, payment, txHash=OTHER)
    wait(request_network)

    assert (second.status_code, second.json["message"]) == (
        409,
        "Another transaction is on its way",
    )
    assert shop.events == ["payment.confirmed"]


def test_one_transaction_does_not_pay_two_links(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    first, second = request_network.payment(), request_network.payment()
    announce(request_network, first)

    borrowed = announce(request_network, second)
    wait(request_network)

    assert borrowed.status_code == 409
    assert [each.event["requestId"] for each in shop.received] == first["requestIds"]


def test_a_page_that_is_unknown_expired_or_paid_takes_no_announcement(
    request_network: RequestNetwork,
) -> None:
    paid, expired = request_network.payment(), request_network.payment()
    request_network.pay(paid)
    wait(request_network, WEEK)

    replies = [
        announce(request_network, each, txHash=OTHER)
        for each in ({"token": UNKNOWN}, expired, paid)
    ]

    assert [reply.status_code for reply in replies] == [404, 403, 409]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"txHash": ...}, ["txHash"]),
        ({"safeTxHash": OTHER}, ["safeTxHash"]),
        ({"txHash": None}, ["txHash"]),
        ({"txHash": None, "safeTxHash": HASH}, ["txHash"]),
        ({"txHash": 7}, ["txHash"]),
        ({"txHash": [HASH]}, ["txHash"]),
        ({"txHash": "0x1"}, ["txHash"]),
        ({"txHash": "1" * 66}, ["txHash"]),
        ({"txHash": HASH + "1"}, ["txHash"]),
        ({"txHash": HASH + "\n"}, ["txHash"]),
        ({"txHash": "0x" + "１" * 64}, ["txHash"]),
        ({"txHash": ..., "safeTxHash": "0x"}, ["safeTxHash"]),
        ({"chain": ...}, ["chain"]),
        ({"chain": 8453}, ["chain"]),
        ({"chain": "base"}, ["chain"]),
        ({"chain": "SEPOLIA"}, ["chain"]),
        ({"token": ...}, ["token"]),
        ({"token": None}, ["token"]),
        ({"token": "FAU"}, ["token"]),
        ({"payerAddress": "0x1"}, ["payerAddress"]),
        ({"payerAddress": None}, ["payerAddress"]),
        ({"safePaymentDeadline": 1_900_000_000}, ["safePaymentDeadline"]),
        (
            {"txHash": ..., "safeTxHash": HASH, "safePaymentDeadline": "soon"},
            ["safePaymentDeadline"],
        ),
        (
            {"txHash": ..., "safeTxHash": HASH, "safePaymentDeadline": True},
            ["safePaymentDeadline"],
        ),
        ({"txHash": ..., "safeTxHash": HASH, "safePaymentDeadline": -1}, ["safePaymentDeadline"]),
        ({"sourceAmount": 10}, ["sourceAmount"]),
    ],
)
def test_an_announcement_that_breaks_a_rule_is_refused_and_pays_nothing(
    request_network: RequestNetwork, shop: Receiver, changes: dict[str, Any], path: list[str]
) -> None:
    payment = request_network.payment()

    reply = announce(request_network, payment, **changes)
    wait(request_network)

    assert reply.status_code == 400
    assert [each["path"] for each in reply.json["message"]] == [path]
    assert shop.events == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"txHash=0x1"])
def test_an_announcement_that_is_no_json_object_is_refused(
    request_network: RequestNetwork, body: bytes
) -> None:
    path = f"/secure-payments/{request_network.payment()['token']}/intent"

    assert request_network.call("POST", path, data=body).status_code == 400


def test_what_the_page_says_besides_is_taken(request_network: RequestNetwork) -> None:
    reply = announce(
        request_network,
        request_network.payment(),
        payerEoaAddress=WALLET,
        executionKind="eoa",
        sourceNetwork="base",
        sourceToken="USDC",
        sourceAmount="49.99",
        routeKind="samechain",
        bridgeTool="across",
        somethingNew={},
    )

    assert reply.status_code == 200
