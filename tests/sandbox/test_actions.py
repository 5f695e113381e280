"""What happens at a provider without the shop asking: told, shown on request, in the ledger."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from .conftest import StartSandbox
from .driver import HandCash, HitPay, Receiver, RequestNetwork, Sandbox, WiPay


def version_2(shop: Receiver) -> list[dict[str, Any]]:
    """HitPay's JSON webhooks, without the forms of version 1."""
    return [each.event for each in shop.received if "hitpay-signature" in each.headers]


def form_of(shop: Receiver) -> dict[str, str]:
    """HitPay's webhook of version 1, which is sent first."""
    return dict(parse_qsl(shop.received[0].body.decode(), keep_blank_values=True))


def gone(sandbox: Sandbox) -> dict[str, Any]:
    """What the ledger says of the one payment's money."""
    (line,) = sandbox.ledger
    return {key: line[key] for key in ("taken", "refunded", "voided", "dispute")}


# MintCash


def test_mintcash_refunds_in_part_and_then_the_rest(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment)

    sandbox.act("refund", amount="15.00")
    sandbox.act("refund")
    sandbox.work()

    assert shop.events[2:] == ["payment.partially_refunded", "payment.refunded"]
    part, rest = (each.event["data"] for each in shop.received[2:])
    assert (part["amountRefunded"], part["refund"]["amount"]) == (15, 15)
    assert part["refund"]["externalId"] is None
    assert rest["amountRefunded"] == sandbox.fetch(payment)["amountRefunded"] == 49.99
    assert gone(sandbox) == {"taken": 4999, "refunded": 4999, "voided": 0, "dispute": None}


def test_mintcash_voids_after_success(sandbox: Sandbox, shop: Receiver) -> None:
    """P7: its table of statuses leads from succeeded to voided."""
    payment = sandbox.payment()
    sandbox.pay(payment)

    sandbox.act("void")
    sandbox.work()

    assert shop.events[-1] == "payment.voided"
    assert sandbox.fetch(payment)["status"] == "voided"
    assert gone(sandbox) == {"taken": 4999, "refunded": 0, "voided": 4999, "dispute": None}
    assert sandbox.refund(payment, externalId="r").status_code == 409


# HitPay


def test_hitpay_refunds_the_newest_charge_first(hitpay: HitPay, shop: Receiver) -> None:
    payment = hitpay.payment()
    hitpay.pay(payment, fault="pay_twice")

    hitpay.act("refund", amount="59.99")
    hitpay.work()

    charges = hitpay.fetch(payment)["payments"]
    assert [(each["status"], each["refunded_amount"]) for each in charges] == [
        ("partially_refunded", "10.00"),
        ("refunded", "49.99"),
    ]
    told = [each["id"] for each in version_2(shop)[2:]]
    assert told == [charges[1]["id"], charges[0]["id"]]
    assert gone(hitpay) == {"taken": 9998, "refunded": 5999, "voided": 0, "dispute": None}


def test_hitpay_takes_a_second_charge_on_one_request(hitpay: HitPay, shop: Receiver) -> None:
    """P3: both webhooks say completed; only the charges inside tell them apart."""
    payment = hitpay.payment()
    hitpay.pay(payment)

    hitpay.act("pay_again")
    hitpay.work()

    first, second = version_2(shop)
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert [len(each["payments"]) for each in (first, second)] == [1, 2]
    assert second["payments"] == hitpay.fetch(payment)["payments"]
    assert len({each["id"] for each in second["payments"]}) == 2
    assert gone(hitpay)["taken"] == 9998


def test_hitpay_charges_in_another_currency(hitpay: HitPay, shop: Receiver) -> None:
    """P1: the request stays in its currency; the charge inside, and version 1, name their own."""
    payment = hitpay.payment(amount="10.00", webhook=shop.url)
    hitpay.pay(payment, fault="other_currency")
    hitpay.work()

    (event,) = version_2(shop)
    form = form_of(shop)
    (charge,) = hitpay.fetch(payment)["payments"]
    assert (event["amount"], event["currency"]) == ("10.00", "SGD")
    assert event["payments"] == [charge]
    assert (charge["amount"], charge["currency"]) == ("42.00", "myr")
    assert (form["amount"], form["currency"]) == ("42.00", "MYR")
    assert (hitpay.ledger[0]["taken"], hitpay.ledger[0]["foreign"]) == (0, {"MYR": 4200})

    hitpay.refund_charge(payment, "42.00")

    assert (hitpay.ledger[0]["refunded"], hitpay.ledger[0]["foreign"]) == (0, {"MYR": 0})


# WiPay


def test_wipay_refunds_without_being_asked(wipay: WiPay, shop: Receiver) -> None:
    payment = wipay.payment()
    wipay.pay(payment)

    wipay.act("refund")
    wipay.work()

    assert shop.events[-1] == "payment.refunded"
    assert wipay.fetch(payment)["status_desc"] == "Refunded"
    assert gone(wipay) == {"taken": 1000, "refunded": 1000, "voided": 0, "dispute": None}


@pytest.mark.parametrize(
    ("verdict", "event", "words"),
    [
        ("lost", "payment.chargeback_processed", "Chargeback Processed"),
        ("won", "payment.chargeback_released", "Chargeback Released"),
    ],
)
def test_a_chargeback_at_wipay_is_opened_and_decided(
    wipay: WiPay, shop: Receiver, verdict: str, event: str, words: str
) -> None:
    payment = wipay.payment()
    wipay.pay(payment)

    wipay.act("chargeback_open")
    opened = wipay.fetch(payment)["status_desc"]
    wipay.act(f"chargeback_{verdict}")
    wipay.work()

    assert shop.events[-2:] == ["payment.chargeback_pending", event]
    assert (opened, wipay.fetch(payment)["status_desc"]) == ("Chargeback Pending", words)
    assert gone(wipay) == {"taken": 1000, "refunded": 0, "voided": 0, "dispute": verdict}
    assert wipay.act("chargeback_open").status_code == 400


# Request Network


def test_a_reorganisation_takes_the_newest_transaction_away(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()
    request_network.pay(payment, amount="20.00")
    request_network.pay(payment, amount="29.99")

    request_network.act("reorganise")
    request_network.work()

    assert shop.events == ["payment.partial", "payment.confirmed", "payment.failed"]
    assert shop.received[-1].event["requestId"] == payment["requestIds"][0]
    shown = request_network.fetch(payment)
    assert (shown["hasBeenPaid"], shown["status"]) == (False, "partially_paid")
    assert gone(request_network) == {
        "taken": 4999,
        "refunded": 0,
        "voided": 2999,
        "dispute": None,
    }


def test_after_a_reorganisation_the_page_can_be_paid_once_more(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment(requests=[{"amount": "30.00"}, {"amount": "19.99"}])
    request_network.pay(payment)
    request_network.act("reorganise")

    request_network.pay(payment)
    request_network.work()

    confirmed, failed = ["payment.confirmed"] * 2, ["payment.failed"] * 2  # one of each request
    assert shop.events == confirmed + failed + confirmed
    assert request_network.fetch(payment)["hasBeenPaid"]
    assert gone(request_network)["taken"] - gone(request_network)["voided"] == 4999


# All of them


def test_money_that_went_back_can_overtake_the_success(sandbox: Sandbox, shop: Receiver) -> None:
    """P2: the fault "overtaken" keeps the success back until the refund is told."""
    sandbox.pay(sandbox.payment(), delivery_fault="overtaken")
    sandbox.work()
    assert shop.received == []

    sandbox.act("refund")
    sandbox.work()

    assert shop.events == ["payment.refunded", "payment.pending", "payment.succeeded"]


def test_a_refund_at_hitpay_overtakes_as_well(hitpay: HitPay, shop: Receiver) -> None:
    payment = hitpay.payment()
    hitpay.pay(payment, delivery_fault="overtaken")

    hitpay.act("refund")
    hitpay.work()

    assert version_2(shop)[0]["payment_request"]["id"] == payment["id"]
    assert version_2(shop)[0]["status"] == "refunded"
    assert version_2(shop)[1]["status"] == "completed"


#: The fields that hold amounts, of all webhooks.
AMOUNTS = {
    *("amount", "amountRefunded", "amountRefundable", "refunded_amount"),
    *("total", "total_credited", "totalAmountPaid", "expectedAmount"),
}


def amounts_in(said: Any) -> list[Any]:
    """Every amount that a webhook names, at any depth."""
    if isinstance(said, list):
        return [found for each in said for found in amounts_in(each)]
    if not isinstance(said, dict):
        return []
    inside = [found for each in said.values() for found in amounts_in(each)]
    return inside + [each for name, each in said.items() if name in AMOUNTS]


@pytest.mark.parametrize(("fault", "is_named"), [("no_amount", False), ("null_amount", True)])
def test_webhooks_without_amounts(
    start_sandbox: StartSandbox, shop: Receiver, fault: str, is_named: bool
) -> None:
    """P8 and P9: no amount anywhere; the API still tells the truth."""
    app = start_sandbox().app
    mintcash = Sandbox(app)
    for provider in (mintcash, HitPay(app), WiPay(app), RequestNetwork(app)):
        payment = provider.payment()
        mintcash.work()
        shop.received.clear()
        provider.pay(payment, delivery_fault=fault)
        mintcash.work()

        said = [amounts_in(each.event) for each in shop.received]
        assert said
        for amounts in said:
            assert set(amounts) == ({None} if is_named else set())

    assert mintcash.fetch({"id": mintcash.ledger[0]["id"]})["amount"] == 49.99


@pytest.mark.parametrize(("fault", "amount"), [("no_amount", None), ("null_amount", "")])
def test_forms_without_amounts(
    hitpay: HitPay, shop: Receiver, fault: str, amount: str | None
) -> None:
    hitpay.pay(hitpay.payment(webhook=shop.url), delivery_fault=fault)
    hitpay.work()

    assert form_of(shop).get("amount") == amount


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"action": "explode"}, "not possible", id="no_such_action"),
        pytest.param({"action": "chargeback_open"}, "not possible", id="of_another_provider"),
        pytest.param({"action": "refund", "amount": "50.00"}, "4999 minor", id="too_much"),
        pytest.param({"action": "refund", "amount": "0"}, "4999 minor", id="nothing"),
        pytest.param({"action": "refund", "amount": "-1"}, "4999 minor", id="less_than_nothing"),
        pytest.param({"action": "refund", "amount": "a lot"}, "4999 minor", id="no_amount"),
        pytest.param({"action": "void", "amount": "1.00"}, "4999 minor", id="void_in_part"),
    ],
)
def test_what_is_not_possible_is_refused(
    sandbox: Sandbox, shop: Receiver, fields: dict[str, str], words: str
) -> None:
    sandbox.pay(sandbox.payment())

    reply = sandbox.http.post("/control/payments/1", json=fields)

    assert reply.status_code == 400
    assert words in reply.text
    assert gone(sandbox) == {"taken": 4999, "refunded": 0, "voided": 0, "dispute": None}


def test_nothing_can_happen_before_the_money_is_there(start_sandbox: StartSandbox) -> None:
    app = start_sandbox().app
    for provider in (Sandbox(app), HitPay(app), WiPay(app), RequestNetwork(app)):
        provider.payment()

    assert [each["actions"] for each in Sandbox(app).ledger] == [[], [], [], []]


def test_a_payment_at_handcash_is_final(start_sandbox: StartSandbox, shop: Receiver) -> None:
    handcash = HandCash(start_sandbox().app, shop.url)
    handcash.pay(handcash.payment())

    assert handcash.ledger[0]["actions"] == []


def test_the_front_page_offers_what_is_possible(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment())
    page = sandbox.http.get("/").text
    assert "Refund on the dashboard" in page
    assert "Chargeback: opened" not in page

    answer = sandbox.http.post("/control/payments/1", data={"action": "refund", "amount": "5.00"})
    sandbox.http.post("/control/payments/1", data={"action": "void", "amount": ""})

    assert (answer.status_code, answer.location) == (303, "/")
    page = sandbox.http.get("/").text
    assert "refunded $5.00" in page
    assert "voided $44.99" in page
    assert "Refund on the dashboard" not in page


def test_an_unknown_payment_is_not_found(sandbox: Sandbox) -> None:
    assert sandbox.act("refund", number=7).status_code == 404
