"""Request Network's page and webhooks: paid at once, in parts, late, twice, or never."""

import hashlib
import hmac
import threading
from typing import Any

import pytest

from ..conftest import StartSandbox
from ..driver import RETURN_URL, Receiver, RequestNetwork
from .test_api import SEPOLIA

SECRET = "6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"
WEEK = 7 * 86400


def paid(request_network: RequestNetwork, fault: str = "none", **faults: str) -> Any:
    """A payment in full, under faults of the drawer."""
    request_network.set_faults(payment_fault=fault, **faults)
    payment = request_network.payment()
    request_network.pay(payment)
    request_network.work()
    return payment


# ------------------------------------------------------------------ the page


def test_a_wallet_is_connected_then_approves_then_pays(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    first = request_network.page(payment).text
    request_network.press(payment, "connect")
    second = request_network.page(payment).text
    request_network.press(payment, "approve", way="BASE USDC", amount="49.99", settles="now")
    third = request_network.page(payment).text
    answer = request_network.press(payment, "pay")
    last = request_network.page(payment).text
    request_network.work()

    assert "Pay Kiln &amp; Kettle" in first
    assert "$49.99" in first
    assert "Connect wallet" in first
    assert "USDC on Base: $2,500.00" in " ".join(second.split())
    assert 'value="49.99"' in second
    assert "Pay $49.99" in third
    assert answer.location == f"/request_network/?token={payment['token']}"
    assert "Payment successful" in last
    assert f'<a class="button" href="{RETURN_URL}">Back to the shop</a>' in last
    assert shop.events == ["payment.confirmed"]


def test_the_page_runs_no_scripts_and_shows_only_faults_that_apply(
    request_network: RequestNetwork,
) -> None:
    page = request_network.page(request_network.payment())

    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert 'value="pay_twice"' in page.text
    assert 'value="decline"' not in page.text
    assert 'value="wrong_environment"' not in page.text


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"redirectLabel": None}, ["Go Back and Close"]),
        ({"redirectUrl": None, "redirectLabel": None}, []),
    ],
)
def test_the_button_has_its_usual_label_or_is_not_there(
    request_network: RequestNetwork, changes: dict[str, Any], shown: list[str]
) -> None:
    payment = request_network.payment(**changes)

    request_network.pay(payment)

    text = request_network.page(payment).text
    assert ("Go Back and Close" in text) is bool(shown)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"way": "MOON USDC"}, "Choose what to pay with."),
        ({"way": "SEPOLIA FAU"}, "Choose what to pay with."),
        ({"amount": ""}, "Enter an amount"),
        ({"amount": "0.00"}, "Enter an amount"),
        ({"amount": "1e1"}, "Enter an amount"),
        ({"amount": "-1"}, "Enter an amount"),
        ({"amount": "50"}, "This is more than what is left to pay."),
        ({"way": "ETHEREUM USDT"}, "There is not enough of this coin"),
        ({"way": "POLYGON USDC", "amount": "1"}, "pay more than 1.00"),
        ({"settles": "never"}, "goes over a bridge"),
        ({"settles": "tomorrow"}, "goes over a bridge"),
    ],
)
def test_what_the_wallet_cannot_pay_changes_nothing(
    request_network: RequestNetwork, shop: Receiver, form: dict[str, str], words: str
) -> None:
    payment = request_network.payment()

    answer = request_network.pay(payment, **form)
    request_network.work()

    assert answer.status_code == 422
    assert words in answer.text
    assert "-error" in answer.text
    assert shop.received == []


def test_an_approval_can_be_taken_back(request_network: RequestNetwork, shop: Receiver) -> None:
    payment = request_network.payment()
    request_network.press(payment, "connect")
    request_network.press(payment, "approve", way="BASE USDC", amount="49.99", settles="now")

    request_network.press(payment, "change")
    request_network.press(payment, "pay")
    request_network.work()

    assert "Approve" in request_network.page(payment).text
    assert shop.received == []


def test_pay_pressed_many_times_at_once_pays_once(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment, hands = request_network.payment(), 5
    request_network.press(payment, "connect")
    request_network.press(payment, "approve", way="BASE USDC", amount="49.99", settles="now")
    start = threading.Barrier(hands)

    def press() -> None:
        start.wait()
        RequestNetwork(request_network.app).press(payment, "pay")

    threads = [threading.Thread(target=press) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    request_network.work()

    assert len(shop.received) == 1


@pytest.mark.parametrize("part", ["", "connect", "approve", "change", "pay"])
def test_an_unknown_token_is_not_found(request_network: RequestNetwork, part: str) -> None:
    unknown = {"token": "0" * 26}

    reply = request_network.press(unknown, part) if part else request_network.page(unknown)

    assert reply.status_code == 404


def test_a_fault_that_does_not_exist_is_refused(request_network: RequestNetwork) -> None:
    payment = request_network.payment()

    assert request_network.press(payment, "connect", fault="earthquake").status_code == 400


def test_on_sepolia_only_its_own_coin_is_there(start_sandbox: StartSandbox, shop: Receiver) -> None:
    request_network = RequestNetwork(start_sandbox(request_network_destination_id=SEPOLIA).app)
    payment = request_network.payment()

    assert request_network.pay(payment).status_code == 422
    request_network.pay(payment, way="SEPOLIA FAU")
    request_network.work()

    assert shop.received[0].event["currency"] == "FAU"


# ------------------------------------------------------------------ parts, bridges, time


def test_parts_add_up_until_the_sum_is_complete(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    request_network.pay(payment, amount="20")
    request_network.work()
    page = request_network.page(payment).text
    request_network.pay(payment, amount="29.99", way="OPTIMISM USDC")
    request_network.work()

    assert "left of $49.99" in page
    assert 'value="29.99"' in page
    assert shop.events == ["payment.partial", "payment.confirmed"]
    amounts = ("amount", "totalAmountPaid", "expectedAmount")
    assert [[each.event[name] for name in amounts] for each in shop.received] == [
        ["20.0", "20.0", "49.99"],
        ["29.99", "49.99", "49.99"],
    ]


def test_a_late_confirmation_comes_a_while_after_the_payment(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    request_network.pay(payment, settles="later")
    request_network.work()
    assert "Your payment is on its way" in request_network.page(payment).text
    request_network.pay(payment)
    request_network.work()
    assert shop.received == []
    request_network.set_clock(advance=20)
    request_network.work()

    assert shop.events == ["payment.confirmed"]


def test_a_bridge_that_fails_is_told_and_the_page_can_still_be_paid(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    request_network.pay(payment, way="POLYGON USDC", settles="never")
    page = request_network.page(payment).text
    request_network.pay(payment)
    request_network.work()

    assert "lost at a bridge" in page
    assert shop.events == ["payment.failed", "payment.confirmed"]
    assert list(shop.received[0].event) == [
        "event",
        "requestId",
        "requestID",
        "paymentReference",
        "subStatus",
        "paymentProcessor",
    ]


def test_a_link_expires_after_a_week_and_that_is_not_reported(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    request_network.set_clock(advance=WEEK - 1)
    request_network.work()
    assert "Connect wallet" in request_network.page(payment).text
    request_network.set_clock(advance=1)
    request_network.work()

    assert "This link has expired" in request_network.page(payment).text
    request_network.pay(payment)
    request_network.work()
    assert shop.received == []


def test_a_link_paid_in_part_expires_all_the_same(request_network: RequestNetwork) -> None:
    payment = request_network.payment()
    request_network.pay(payment, amount="20")

    request_network.set_clock(advance=WEEK)
    request_network.work()

    assert "This link has expired" in request_network.page(payment).text
    assert request_network.fetch(payment)["status"] == "partially_paid"


# ------------------------------------------------------------------ the webhook


def test_the_webhook_is_signed_over_its_raw_body(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = paid(request_network)

    webhook = shop.received[0]
    headers = webhook.headers
    expected = hmac.new(SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
    assert headers["x-request-network-signature"] == expected
    assert len(headers["x-request-network-delivery"]) == 26
    assert headers["x-request-network-retry-count"] == "0"
    assert "x-request-network-test" not in headers
    event = webhook.event
    assert event["requestId"] == event["requestID"] == payment["requestIds"][0]
    assert (event["currency"], event["network"]) == ("USDC", "base")
    assert "reference" not in event


def test_a_failed_webhook_is_repeated_three_times_and_keeps_its_id(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    shop.answers = [(500, "")] * 9
    paid(request_network)

    for number, pause in enumerate((1, 5, 15), 1):
        request_network.set_clock(advance=pause - 0.5)
        request_network.work()
        assert len(shop.received) == number, f"repetition {number} came too early"
        request_network.set_clock(advance=0.5)
        request_network.work()
        assert len(shop.received) == number + 1, f"repetition {number} did not come"
    request_network.set_clock(advance=86400)
    request_network.work()

    assert len(shop.received) == 4
    assert len({each.body for each in shop.received}) == 1
    assert len({each.headers["x-request-network-delivery"] for each in shop.received}) == 1
    counts = [each.headers["x-request-network-retry-count"] for each in shop.received]
    assert counts == ["0", "1", "2", "3"]
    assert len({each.headers["x-request-network-signature"] for each in shop.received}) == 1


# ------------------------------------------------------------------ several requests in one link


def batch(request_network: RequestNetwork) -> Any:
    """Three requests, 49.99 together."""
    amounts = ("20", "9.99", "20")
    return request_network.payment(requests=[{"amount": amount} for amount in amounts])


def told(shop: Receiver) -> list[Any]:
    """What the webhooks say: event, request, amount, total and what was expected."""
    names = ("event", "requestId", "amount", "totalAmountPaid", "expectedAmount")
    return [[each.event[name] for name in names] for each in shop.received]


def test_the_page_shows_what_is_asked_for(request_network: RequestNetwork) -> None:
    payment = batch(request_network)

    request_network.pay(payment, amount="25")
    page = " ".join(request_network.page(payment).text.split())

    assert "left of $49.99" in page
    assert "<li> $20.00 <small>paid</small> </li>" in page
    assert "<li> $9.99 <small>$4.99 left</small> </li>" in page
    assert "<li> $20.00 </li>" in page


def test_each_request_is_told_by_a_webhook_of_its_own(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = batch(request_network)
    first, second, third = payment["requestIds"]

    request_network.pay(payment)
    request_network.work()

    assert told(shop) == [
        ["payment.confirmed", first, "20.0", "20.0", "20.0"],
        ["payment.confirmed", second, "9.99", "9.99", "9.99"],
        ["payment.confirmed", third, "20.0", "20.0", "20.0"],
    ]
    assert len({each.headers["x-request-network-delivery"] for each in shop.received}) == 3
    assert len({each.event["txHash"] for each in shop.received}) == 1
    assert request_network.page(payment).text.count("<code>0x") == 1


def test_what_is_paid_in_part_fills_one_request_after_the_other(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = batch(request_network)
    first, second, third = payment["requestIds"]

    for amount in ("25", "24.99"):
        request_network.pay(payment, amount=amount)
        request_network.work()

    assert told(shop) == [
        ["payment.confirmed", first, "20.0", "20.0", "20.0"],
        ["payment.partial", second, "5.0", "5.0", "9.99"],
        ["payment.confirmed", second, "4.99", "9.99", "9.99"],
        ["payment.confirmed", third, "20.0", "20.0", "20.0"],
    ]
    state = request_network.call("GET", f"/request/{second}").json
    assert state["conversionBreakdown"] == {"paidAmount": "9.99", "remainingAmount": "0.0"}


def test_a_bridge_that_fails_is_told_for_each_request(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = batch(request_network)

    request_network.pay(payment, way="POLYGON USDC", amount="25", settles="never")
    request_network.work()

    assert shop.events == ["payment.failed"] * 2
    assert [each.event["requestId"] for each in shop.received] == payment["requestIds"][:2]


def test_a_paid_link_names_each_of_its_requests(request_network: RequestNetwork) -> None:
    payment = batch(request_network)
    request_network.pay(payment)

    reply = request_network.call("GET", f"/secure-payments/{payment['token']}")

    assert reply.status_code == 409
    statuses = reply.json["requestStatuses"]
    assert [each["requestId"] for each in statuses] == payment["requestIds"]
    assert all(each["hasBeenPaid"] for each in statuses)


def test_reorder_sends_the_last_request_first(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    request_network.set_faults(delivery_fault="reorder")
    payment = batch(request_network)

    request_network.pay(payment)
    request_network.work()

    last, *others = [each.event["requestId"] for each in shop.received]
    assert last == payment["requestIds"][2]
    assert others == payment["requestIds"][:2]


def test_a_safe_pays_when_its_owners_have_signed(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    request_network.pay(payment, settles="safe")
    request_network.work()
    assert "have yet to sign" in request_network.page(payment).text
    assert shop.received == []
    request_network.set_clock(advance=20)
    request_network.work()

    assert shop.events == ["payment.confirmed"]


# ------------------------------------------------------------------ faults


def test_close_tab_pays_but_offers_no_button(request_network: RequestNetwork) -> None:
    payment = paid(request_network, "close_tab")

    assert "Imagine the tab was closed here" in request_network.page(payment).text
    assert request_network.fetch(payment)["hasBeenPaid"] is True


def test_a_fault_chosen_on_the_page_stays_until_pay_is_pressed(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = request_network.payment()

    request_network.press(payment, "connect", fault="expire")
    request_network.pay(payment)
    request_network.work()

    assert "This link has expired" in request_network.page(payment).text
    assert shop.received == []


def test_pay_late_expires_first_and_pays_later(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = paid(request_network, "pay_late")
    assert "This link has expired" in request_network.page(payment).text
    assert shop.received == []

    request_network.set_clock(advance=20)
    request_network.work()

    assert shop.events == ["payment.confirmed"]
    assert request_network.fetch(payment)["hasBeenPaid"] is True


def test_pay_twice_tells_one_payment_twice(request_network: RequestNetwork, shop: Receiver) -> None:
    paid(request_network, "pay_twice")

    assert shop.events == ["payment.confirmed"] * 2
    assert len({each.headers["x-request-network-delivery"] for each in shop.received}) == 2


def test_delay_sends_nothing_until_a_while_later(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    paid(request_network, delivery_fault="delay")
    assert shop.received == []

    request_network.set_clock(advance=20)
    request_network.work()

    assert len(shop.received) == 1


def test_drop_sends_nothing_but_the_status_tells_the_truth(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    payment = paid(request_network, delivery_fault="drop")

    assert shop.received == []
    assert request_network.fetch(payment)["hasBeenPaid"] is True


def test_duplicate_sends_the_same_delivery_twice(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    paid(request_network, delivery_fault="duplicate")

    assert len(shop.received) == 2
    assert len({each.headers["x-request-network-delivery"] for each in shop.received}) == 1


def test_reorder_sends_the_part_after_the_whole(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    request_network.set_faults(delivery_fault="reorder")
    payment = request_network.payment()

    for amount in ("20", "29.99"):
        request_network.pay(payment, amount=amount)
        request_network.work()

    assert shop.events == ["payment.confirmed", "payment.partial"]


def test_tamper_breaks_the_signature_only(request_network: RequestNetwork, shop: Receiver) -> None:
    paid(request_network, delivery_fault="tamper")

    webhook = shop.received[0]
    expected = hmac.new(SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
    assert webhook.headers["x-request-network-signature"] != expected
    assert webhook.event["event"] == "payment.confirmed"


@pytest.mark.parametrize(
    ("fault", "name", "value"),
    [
        ("wrong_amount", "totalAmountPaid", "0.01"),
        ("wrong_currency", "currency", "WETH"),
        ("replay_other_order", "reference", "order-2"),
    ],
)
def test_a_webhook_may_be_correctly_signed_and_wrong(
    request_network: RequestNetwork, shop: Receiver, fault: str, name: str, value: str
) -> None:
    request_network.payment(reference="order-2")
    payment = paid(request_network, delivery_fault=fault)

    webhook = shop.received[0]
    expected = hmac.new(SECRET.encode(), webhook.body, hashlib.sha256).hexdigest()
    assert webhook.headers["x-request-network-signature"] == expected
    assert webhook.event["requestId"] == payment["requestIds"][0]
    assert webhook.event[name] == value
