"""Refunds at MintCash: in part, in full, once, and never more than was paid."""

import threading
from typing import Any

import pytest

from ..driver import Receiver, Sandbox


@pytest.fixture
def paid(sandbox: Sandbox, shop: Receiver) -> dict[str, Any]:
    payment = sandbox.payment()
    sandbox.pay(payment)
    sandbox.work()
    shop.received.clear()
    return payment


def test_a_full_refund_needs_no_amount(
    sandbox: Sandbox, shop: Receiver, paid: dict[str, Any]
) -> None:
    reply = sandbox.refund(paid, externalId="refund-1", reason="customer_request")
    sandbox.work()

    assert list(reply.json) == [
        "id",
        "paymentId",
        "externalId",
        "status",
        "amount",
        "currency",
        "providerRefundId",
        "failureCode",
        "failureMessage",
        "paymentAmountRefunded",
        "paymentAmountRefundable",
        "createdAt",
    ]
    assert (reply.json["amount"], reply.json["paymentAmountRefundable"]) == (49.99, 0)
    assert sandbox.fetch(paid)["status"] == "refunded"
    assert shop.events == ["payment.refunded"]
    assert shop.received[0].event["type"] == "payment"
    assert shop.received[0].event["data"]["amountRefunded"] == 49.99
    assert shop.received[0].event["data"]["refund"] == reply.json


def test_parts_add_up_to_the_whole(sandbox: Sandbox, shop: Receiver, paid: dict[str, Any]) -> None:
    sandbox.refund(paid, externalId="refund-1", amount=1500)
    assert sandbox.fetch(paid)["status"] == "partially_refunded"
    sandbox.refund(paid, externalId="refund-2", amount=3499)
    sandbox.work()

    assert sandbox.fetch(paid)["status"] == "refunded"
    assert shop.events == ["payment.partially_refunded", "payment.refunded"]


def test_the_same_refund_again_is_answered_as_the_first_time(
    sandbox: Sandbox, shop: Receiver, paid: dict[str, Any]
) -> None:
    first = sandbox.refund(paid, externalId="refund-1", amount=1500)

    again = sandbox.refund(paid, externalId="refund-1", amount=1500)
    other = sandbox.refund(paid, externalId="refund-1", amount=1600)
    sandbox.work()

    assert again.json == first.json
    assert (other.status_code, other.json["code"]) == (409, "already_exists")
    assert shop.events == ["payment.partially_refunded"]


def test_more_than_remains_is_refused(sandbox: Sandbox, paid: dict[str, Any]) -> None:
    sandbox.refund(paid, externalId="refund-1", amount=4000)

    reply = sandbox.refund(paid, externalId="refund-2", amount=1000)

    assert reply.status_code == 422
    assert sandbox.fetch(paid)["amountRefunded"] == 40


def test_many_refunds_at_once_never_refund_more_than_was_paid(
    sandbox: Sandbox, paid: dict[str, Any]
) -> None:
    start, replies = threading.Barrier(5), []

    def refund(number: int) -> None:
        start.wait()
        replies.append(Sandbox(sandbox.app).refund(paid, externalId=f"r-{number}", amount=2000))

    threads = [threading.Thread(target=refund, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(reply.status_code for reply in replies) == [200, 200, 422, 422, 422]
    assert sandbox.fetch(paid)["amountRefunded"] == 40


@pytest.mark.parametrize("status", ["created", "failed", "refunded"])
def test_what_is_not_paid_is_not_refunded(sandbox: Sandbox, status: Any) -> None:
    payment = sandbox.payment()
    if status == "failed":
        sandbox.cancel(payment)
    if status == "refunded":
        sandbox.pay(payment)
        sandbox.refund(payment, externalId="refund-1")

    assert sandbox.refund(payment, externalId="refund-2", amount=1).status_code == 409


@pytest.mark.parametrize(
    "body",
    [{}, {"externalId": ""}, {"externalId": "r", "amount": 0}, {"externalId": "r", "amount": 0.5}],
)
def test_a_refund_that_breaks_a_rule_is_refused(
    sandbox: Sandbox, paid: dict[str, Any], body: Any
) -> None:
    assert sandbox.refund(paid, **body).status_code == 400


def test_a_refund_of_an_unknown_payment_is_not_found(sandbox: Sandbox) -> None:
    assert sandbox.refund({"id": "unknown"}, externalId="r").status_code == 404
