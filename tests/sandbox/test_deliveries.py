"""Deliveries: the retry schedule, what counts as delivered, and the threads that send."""

from typing import Any

import pytest

from sandbox import deliveries
from sandbox.registry import PROVIDERS

from .conftest import StartSandbox
from .driver import Receiver, RequestNetwork, Sandbox, wait_for

SCHEDULE = [30, 120, 600, 3600, 21600]  # sandbox seconds between the attempts


def test_a_failed_delivery_is_repeated_on_the_documented_schedule(
    sandbox: Sandbox, shop: Receiver
) -> None:
    shop.answers = [(500, "")] * 7
    sandbox.cancel(sandbox.payment())
    sandbox.work()
    assert len(shop.received) == 1

    for number, wait in enumerate(SCHEDULE, start=1):
        sandbox.set_clock(advance=wait - 1)
        sandbox.work()
        assert len(shop.received) == number, f"attempt {number + 1} came too early"
        sandbox.set_clock(advance=1)
        sandbox.work()
        assert len(shop.received) == number + 1, f"attempt {number + 1} did not come"

    sandbox.set_clock(advance=86400)
    sandbox.work()
    assert len(shop.received) == 6
    assert "given up" in sandbox.http.get("/").text


def test_every_attempt_carries_the_same_bytes_and_signature(
    sandbox: Sandbox, shop: Receiver
) -> None:
    shop.answers = [(503, ""), (401, "")]
    sandbox.cancel(sandbox.payment())

    for _ in range(3):
        sandbox.work()
        sandbox.set_clock(advance=120)

    assert len(shop.received) == 3
    assert len({webhook.body for webhook in shop.received}) == 1
    assert len({webhook.headers["x-signature"] for webhook in shop.received}) == 1


@pytest.mark.parametrize("spoiled", [False, True], ids=["as it should be", "tampered with"])
def test_where_the_time_is_signed_each_attempt_is_signed_by_itself(
    sandbox: Sandbox, shop: Receiver, monkeypatch: pytest.MonkeyPatch, spoiled: bool
) -> None:
    """docs.stripe.com/webhooks: a retry has a new time. What was spoiled must not become right."""
    monkeypatch.setattr(PROVIDERS["mintcash"], "sign_again", lambda body: {"x-signature": "later"})
    shop.answers = [(503, "")]
    if spoiled:
        sandbox.set_faults(delivery_fault="tamper")
    sandbox.cancel(sandbox.payment())

    for _ in range(2):
        sandbox.work()
        sandbox.set_clock(advance=120)

    first, second = shop.received
    assert first.body == second.body
    assert first.headers["x-signature"] != "later"
    assert (second.headers["x-signature"] == "later") is not spoiled


@pytest.mark.parametrize(("status", "delivered"), [(200, True), (204, True), (302, False)])
def test_only_2xx_is_delivered_and_redirects_are_not_followed(
    sandbox: Sandbox, shop: Receiver, status: Any, delivered: bool
) -> None:
    shop.answers = [(status, "")]
    sandbox.cancel(sandbox.payment())

    sandbox.work()
    sandbox.set_clock(advance=30)
    sandbox.work()

    assert len(shop.received) == (1 if delivered else 2)


def test_an_answer_that_takes_too_long_is_a_failure(
    sandbox: Sandbox, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "TIMEOUT", 0.1)
    shop.gate.clear()
    sandbox.cancel(sandbox.payment())

    sandbox.work()

    assert "timed out" in sandbox.http.get("/").text


def test_a_shop_that_does_not_run_is_tried_again(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(mintcash_webhook_url="http://127.0.0.1:9/webhooks/mintcash")
    sandbox.cancel(sandbox.payment())

    sandbox.work()

    assert "no answer (ConnectionError)" in sandbox.http.get("/").text
    assert "waiting, due in 30 s" in sandbox.http.get("/").text


def test_attempts_are_kept_with_the_start_of_their_answer(sandbox: Sandbox, shop: Receiver) -> None:
    shop.answers = [(200, "é" * 300)]
    sandbox.cancel(sandbox.payment())

    sandbox.work()

    page = sandbox.http.get("/").text
    assert "é" * 200 in page
    assert "é" * 201 not in page


def test_a_delivery_can_be_sent_again_by_hand(sandbox: Sandbox, shop: Receiver) -> None:
    sandbox.cancel(sandbox.payment())
    sandbox.work()

    answer = sandbox.http.post("/deliveries/1/send")
    sandbox.work()

    assert (answer.status_code, answer.location) == (303, "/")
    assert shop.received[0].body == shop.received[1].body
    assert sandbox.http.post("/deliveries/99/send").status_code == 404


def test_what_is_sent_again_by_hand_is_no_repetition(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    """Where a header counts them: it says how many attempts had failed."""
    shop.answers = [(500, "")]
    request_network.pay(request_network.payment())
    request_network.work()
    request_network.set_clock(advance=1)
    request_network.work()

    request_network.http.post("/deliveries/1/send")
    request_network.work()

    counts = [each.headers["x-request-network-retry-count"] for each in shop.received]
    assert counts == ["0", "1", "1"]


def test_threads_deliver_at_once_and_a_slow_shop_does_not_hold_up_the_rest(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    sandbox = start_sandbox(sandbox_deliver=True, sandbox_clock_speed=1)
    shop.gate.clear()

    sandbox.pay(sandbox.payment())

    wait_for(lambda: len(shop.received) == 2, "both webhooks, though none is answered")
    assert sorted(shop.events) == ["payment.pending", "payment.succeeded"]
    shop.gate.set()
    wait_for(lambda: sandbox.http.get("/").text.count(">delivered") == 2, "both delivered")


def test_a_fast_clock_brings_the_retries_sooner(
    start_sandbox: StartSandbox, shop: Receiver
) -> None:
    sandbox = start_sandbox(sandbox_deliver=True, sandbox_clock_speed=50_000)
    shop.answers = [(500, "")] * 4

    sandbox.cancel(sandbox.payment())

    wait_for(lambda: len(shop.received) == 5, "four retries, an hour and more of sandbox time")


def test_what_a_killed_sandbox_was_sending_is_sent_by_the_next_one(
    start_sandbox: StartSandbox, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_sandbox()
    first.cancel(first.payment())

    def be_killed(*_webhook: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "post", be_killed)
        with pytest.raises(KeyboardInterrupt):
            first.work()
    start_sandbox().work()

    assert shop.events == ["payment.failed"]
