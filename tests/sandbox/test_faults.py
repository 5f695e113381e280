"""Each fault does what its sentence on the page says."""

import re
import threading
import time
from typing import Any

import pytest

from sandbox.kit import hmac_sha256

from .conftest import StartSandbox
from .driver import RETURN_URL, Received, Receiver, Sandbox, wait_for

SECRET = "whsec_test_kiln_and_kettle"


def is_correctly_signed(webhook: Received) -> bool:
    return hmac_sha256(SECRET, webhook.body) == webhook.headers["x-signature"]


# Faults of a payment


def test_decline_declines_the_card_that_succeeds(sandbox: Sandbox) -> None:
    payment = sandbox.payment()

    sandbox.pay(payment, fault="decline")

    assert sandbox.fetch(payment)["failureCode"] == "declined"


def test_three_d_secure_challenges_any_card(sandbox: Sandbox) -> None:
    payment = sandbox.payment()

    page = sandbox.http.get(
        sandbox.pay(payment, fault="three_d_secure").location, follow_redirects=True
    )
    sandbox.challenge(payment, answer="confirm", code="123456")

    assert "Is this you?" in page.text
    assert sandbox.fetch(payment)["status"] == "succeeded"


def test_close_tab_pays_but_does_not_lead_back(sandbox: Sandbox) -> None:
    payment = sandbox.payment()

    page = sandbox.http.get(sandbox.pay(payment, fault="close_tab").location)

    assert sandbox.fetch(payment)["status"] == "succeeded"
    assert "Imagine the tab was closed here" in page.text
    assert f'href="{RETURN_URL}"' in page.text


def test_expire_ends_the_page_whatever_stands_in_the_form(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()

    page = sandbox.http.get(sandbox.pay(payment, number="", fault="expire").location)
    sandbox.work()

    assert "This payment page has expired" in page.text
    assert shop.events == ["payment.failed"]
    assert shop.received[0].event["data"]["failureCode"] == "expired"
    assert shop.received[0].event["data"]["card"] is None


def test_pay_late_expires_first_and_succeeds_later(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()

    sandbox.pay(payment, fault="pay_late")
    sandbox.work()
    assert sandbox.fetch(payment)["failureCode"] == "expired"
    sandbox.set_clock(advance=20)
    sandbox.work()

    assert sandbox.fetch(payment)["status"] == "succeeded"
    assert shop.events == ["payment.failed", "payment.succeeded"]
    assert shop.received[1].event["data"]["failureCode"] is None


def test_pay_twice_reports_one_payment_as_two_events(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment(), fault="pay_twice")
    sandbox.work()

    assert shop.events == ["payment.pending", "payment.succeeded", "payment.succeeded"]
    assert len({webhook.event["eventId"] for webhook in shop.received}) == 3
    assert len({webhook.event["data"]["id"] for webhook in shop.received}) == 1


# Faults of its webhooks


def test_delay_sends_nothing_until_a_while_later(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment(), delivery_fault="delay")

    sandbox.set_clock(advance=19)
    sandbox.work()
    assert shop.received == []
    sandbox.set_clock(advance=1)
    sandbox.work()

    assert shop.events == ["payment.pending", "payment.succeeded"]


def test_drop_sends_nothing_ever_but_the_api_tells_the_truth(
    sandbox: Sandbox, shop: Receiver
) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment, delivery_fault="drop")

    sandbox.set_clock(advance=86400)
    sandbox.work()

    assert shop.received == []
    assert sandbox.fetch(payment)["status"] == "succeeded"


def test_what_was_dropped_can_still_be_sent_by_hand(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment(), delivery_fault="drop")

    sandbox.http.post("/deliveries/2/send")
    sandbox.work()

    assert shop.events == ["payment.succeeded"]


def test_duplicate_sends_every_webhook_twice(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment(), delivery_fault="duplicate")
    sandbox.work()

    assert shop.events == ["payment.pending"] * 2 + ["payment.succeeded"] * 2
    assert shop.received[2].body == shop.received[3].body


def test_reorder_sends_the_final_webhook_first(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment(), delivery_fault="reorder")
    sandbox.work()

    assert shop.events == ["payment.succeeded", "payment.pending"]
    assert shop.received[1].event["createdAt"] <= shop.received[0].event["createdAt"]


def test_reorder_waits_for_the_challenge(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()
    sandbox.pay(payment, fault="three_d_secure", delivery_fault="reorder")
    sandbox.work()
    assert shop.received == []

    sandbox.challenge(payment, answer="fail")
    sandbox.work()

    assert shop.events == ["payment.failed", "payment.pending"]


def test_tamper_raises_the_amount_after_signing(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.pay(sandbox.payment(), delivery_fault="tamper")
    sandbox.work()

    assert shop.received[-1].event["data"]["amount"] == 149.99
    assert not is_correctly_signed(shop.received[-1])


@pytest.mark.parametrize(
    ("fault", "path", "value"),
    [
        ("wrong_environment", ("environment",), "live"),
        ("wrong_amount", ("data", "amount"), 0.01),
        ("wrong_currency", ("data", "currency"), "EUR"),
        ("replay_other_order", ("data", "externalId"), "order-other"),
    ],
)
def test_a_correctly_signed_webhook_says_something_wrong(
    sandbox: Sandbox, shop: Receiver, fault: str, path: Any, value: Any
) -> None:
    sandbox.payment(externalId="order-other")
    payment = sandbox.payment()

    sandbox.pay(payment, delivery_fault=fault)
    sandbox.work()

    said = shop.received[-1].event
    for key in path:
        said = said[key]
    assert said == value
    assert is_correctly_signed(shop.received[-1])
    assert shop.received[-1].event["data"]["id"] == payment["id"]
    assert sandbox.fetch(payment)["externalId"] == "order-1"
    assert sandbox.fetch(payment)["amount"] == 49.99


def test_replay_prefers_another_order_that_is_still_open(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.payment(externalId="order-open")
    sandbox.cancel(sandbox.payment(externalId="order-closed"))

    sandbox.pay(sandbox.payment(), delivery_fault="replay_other_order")
    sandbox.work()

    assert shop.received[-1].event["data"]["externalId"] == "order-open"


def test_faults_of_the_webhooks_apply_to_cancel_as_well(sandbox: Sandbox, shop: Receiver) -> None:
    payment = sandbox.payment()

    sandbox.http.post(f"/mintcash/pay/{payment['id']}/cancel", data={"delivery_fault": "duplicate"})
    sandbox.work()

    assert shop.events == ["payment.failed"] * 2


# Faults of the API


def test_faults_of_the_api_strike_as_many_calls_as_ordered(sandbox: Sandbox) -> None:
    sandbox.set_faults(create_fault="502", create_calls=2)

    statuses = [sandbox.create().status_code for _ in range(3)]

    assert statuses == [502, 502, 200]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("401", 401, "unauthenticated"),
        ("500", 500, "internal"),
        ("502", 502, "unavailable"),
        ("503", 503, "unavailable"),
    ],
)
def test_an_error_in_place_of_a_payment(
    sandbox: Sandbox, fault: str, status: Any, code: str
) -> None:
    sandbox.set_faults(create_fault=fault)

    reply = sandbox.create()

    assert (reply.status_code, reply.json["code"]) == (status, code)
    assert sandbox.http.get("/ledger.json").json["payments"] == []


@pytest.mark.parametrize(("fault", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_call_that_hangs(start_sandbox: StartSandbox, fault: str, made: int) -> None:
    sandbox = start_sandbox(sandbox_hang_seconds=0.2)
    sandbox.set_faults(create_fault=fault)
    started = time.monotonic()

    sandbox.create()

    assert time.monotonic() - started >= 0.2
    assert len(sandbox.http.get("/ledger.json").json["payments"]) == made
    assert sandbox.create().status_code == 200
    assert len(sandbox.http.get("/ledger.json").json["payments"]) == 1


def test_a_call_that_hangs_holds_up_no_other(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(sandbox_hang_seconds=1)
    sandbox.set_faults(create_fault="timeout_after")
    hanging = threading.Thread(target=sandbox.create)
    hanging.start()

    wait_for(lambda: sandbox.http.get("/ledger.json").json["payments"], "the payment")
    again = sandbox.create()

    assert again.status_code == 200
    assert hanging.is_alive()
    hanging.join()


def test_html_in_place_of_json(sandbox: Sandbox) -> None:
    sandbox.set_faults(create_fault="html")

    reply = sandbox.create()

    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    assert sandbox.http.get("/ledger.json").json["payments"] == []


def test_a_foreign_page(sandbox: Sandbox) -> None:
    sandbox.set_faults(create_fault="foreign_redirect")

    assert sandbox.payment()["redirectUrl"].startswith("https://pay.example.invalid/")


def test_an_early_webhook_arrives_before_the_answer(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.set_faults(create_fault="early_webhook")

    reply = sandbox.payment()

    assert shop.events == ["payment.succeeded"]
    assert shop.received[0].event["data"]["id"] == reply["id"]
    assert reply["status"] == "created"
    assert sandbox.fetch(reply)["status"] == "succeeded"


# Choosing them


def test_faults_can_be_preselected_for_new_payments(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.set_faults(payment_fault="decline", delivery_fault="duplicate")
    payment = sandbox.payment()

    assert re.search(r'<option value="decline"\s+selected', sandbox.page(payment).text)
    sandbox.pay(payment)
    sandbox.work()

    assert shop.events == ["payment.pending"] * 2 + ["payment.failed"] * 2


def test_what_the_drawer_says_wins_over_what_was_preselected(sandbox: Sandbox) -> None:
    sandbox.set_faults(payment_fault="decline")
    payment = sandbox.payment()

    sandbox.pay(payment, fault="none")

    assert sandbox.fetch(payment)["status"] == "succeeded"


def test_a_fault_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    payment = sandbox.payment()

    assert sandbox.pay(payment, fault="explode").status_code == 400
    assert sandbox.pay(payment, delivery_fault="decline").status_code == 400
    assert sandbox.set_faults(create_fault="explode").status_code == 400
    assert sandbox.set_faults(create_fault="502", create_calls="many").status_code == 400
    assert sandbox.fetch(payment) == payment
