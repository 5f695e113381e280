"""The worker asks the provider for each refund, as often as it takes, and once for each."""

import re
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine

import jobs
from database import now

from ..purchases import buy, one_database
from ..refunding import (
    CALL,
    WHOLE,
    answering,
    in_parts,
    nothing,
    on_the_dashboard,
    refund_calls,
    refunded_there,
)
from ..sandboxed import SANDBOX_URL, ShopAndSandbox

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database

# ------------------------------------------------------------------ all of it, and parts


@in_parts
def test_a_whole_payment_is_refunded(shop: ShopAndSandbox, provider: str) -> None:
    buy(shop, provider)

    answer = shop.refund("12.00")
    assert (answer.status_code, refund_calls(shop)) == (303, 0)
    assert shop.refunds == [(WHOLE, "open")]
    shop.work()

    assert shop.refunds == [(WHOLE, "done")]
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("refunded", WHOLE)
    assert refund_calls(shop) == 1
    assert shop.state == "refunded"
    assert "refund of this payment" not in shop.console


@in_parts
def test_two_refunds_in_part_add_up_to_the_payment(shop: ShopAndSandbox, provider: str) -> None:
    buy(shop, provider)

    shop.refund("5")
    shop.work()
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("partially_refunded", 500)
    assert shop.state == "paid"
    assert "<p>You got US$5.00 back.</p>" in shop.order_page
    assert "US$5.00" in shop.shopper.get(f"/orders/{shop.books.order.id}/receipt").text
    assert "up to US$7.00" in shop.console

    shop.refund("7.00")
    shop.work()
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("refunded", WHOLE)
    assert shop.refunds == [(500, "done"), (700, "done")]
    assert refund_calls(shop) == 2


# ------------------------------------------------------------------ no answer, or one that is lost


@in_parts
def test_a_provider_out_of_reach_is_asked_less_and_less_often_and_refunds_once(
    shop: ShopAndSandbox, clock: time_machine.Traveller, provider: str
) -> None:
    """E4."""
    buy(shop, provider)
    shop.instead = answering(500, {})
    shop.refund("5")
    pauses = []

    for _ in range(3):
        shop.books.work()
        task = shop.books.tasks[-1]
        assert (task.status, shop.refunds) == ("waiting", [(500, "open")])
        pauses.append((task.due_at - now()).total_seconds())
        shop.books.work()  # not due
        clock.move_to(task.due_at)
    assert pauses == [10, 20, 40]
    assert refund_calls(shop) == 3

    shop.instead = nothing
    shop.books.work()

    assert shop.refunds == [(500, "done")]
    assert shop.books.payment.refunded == 500


def test_a_refund_that_the_worker_has_given_up_waits_for_a_person(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """F9: meanwhile no other can be asked for, since it is not known how this one stands."""
    buy(shop, "mintcash")
    shop.instead = answering(500, {})
    shop.refund("5")
    while (task := shop.books.tasks[-1]).status == "waiting":
        clock.move_to(task.due_at)
        shop.books.work()
    assert (task.status, shop.refunds) == ("parked", [(500, "open")])
    assert shop.refund("5").status_code == 422

    shop.instead = nothing
    with shop.books.open():
        jobs.retry_parked(task.id)
    shop.books.work()

    assert shop.refunds == [(500, "done")]


@in_parts
def test_a_refund_whose_answer_is_lost_is_made_once(shop: ShopAndSandbox, provider: str) -> None:
    """C7. MintCash knows the reference again; HitPay is asked for its total first."""
    buy(shop, provider)

    def lose(call: str) -> None:
        if CALL.fullmatch(call):
            raise requests.ReadTimeout("too late")

    shop.answered = lose
    shop.refund("5")
    shop.books.work()
    assert shop.refunds == [(500, "open")]
    shop.answered = nothing
    shop.work()
    shop.work()

    assert shop.refunds == [(500, "done")]
    assert refunded_there(shop) == 500


class Killed(BaseException):
    """As by ``kill -9``: nothing that follows is done, no lease is released."""


@in_parts
def test_a_worker_killed_between_the_answer_and_its_record_refunds_once(
    shop: ShopAndSandbox, provider: str
) -> None:
    """F4, N4."""
    buy(shop, provider)

    def kill(call: str) -> None:
        if CALL.fullmatch(call):
            raise Killed

    shop.answered = kill
    shop.refund("5")
    with pytest.raises(Killed):
        shop.books.work()
    assert shop.refunds == [(500, "open")]

    shop.answered = nothing
    shop.make_due()
    shop.books.work()

    assert shop.refunds == [(500, "done")]
    assert refunded_there(shop) == 500


def test_hitpay_is_asked_for_its_total_before_each_refund(shop: ShopAndSandbox) -> None:
    """It knows no idempotency key: the same call again would be another refund."""
    buy(shop, "hitpay")
    shop.calls.clear()

    shop.refund("5")
    shop.books.work()

    reference = shop.books.payment.provider_reference
    assert shop.calls == [f"GET /hitpay/v1/payment-requests/{reference}", "POST /hitpay/v1/refund"]


def test_a_provider_that_stays_silent_is_asked_again_each_hour(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    buy(shop, "mintcash")
    shop.instead = answering(200, {"id": "ref_1", "status": "pending"})
    shop.refund("5")

    for times in (1, 1, 2):
        shop.books.sweep()
        shop.books.sweep()  # the minute after: what the first has found due is done
        assert refund_calls(shop) == times
        clock.shift(timedelta(minutes=50))
    shop.instead = nothing
    clock.shift(timedelta(minutes=50))
    shop.books.sweep()
    shop.books.sweep()

    assert shop.refunds == [(500, "done")]


# ------------------------------------------------------------------ news faster than the answer


@in_parts
def test_news_that_is_faster_than_the_answer_is_the_same_refund(
    shop: ShopAndSandbox, provider: str
) -> None:
    buy(shop, provider)
    shop.answered = lambda call: shop.deliver() if CALL.fullmatch(call) else None

    shop.refund("5")
    shop.work()

    assert shop.refunds == [(500, "done")]
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("partially_refunded", 500)


@in_parts
def test_a_late_refusal_of_a_refund_that_is_done_does_not_touch_the_next(
    shop: ShopAndSandbox, provider: str
) -> None:
    """The worker waits for an answer; meanwhile news says done, and more is asked for."""
    buy(shop, provider)

    def the_next_is_asked_for(call: str) -> Any:
        if not CALL.fullmatch(call):
            return None
        shop.instead = nothing
        on_the_dashboard(shop, provider, 500)
        assert shop.refund("3").status_code == 303
        return 422, {}, "{}"

    shop.refund("5")
    shop.instead = the_next_is_asked_for
    shop.work()

    assert shop.refunds == [(500, "done"), (300, "done")]
    assert shop.books.payment.refunded == 800


# ------------------------------------------------------------------ whole payments only: WiPay


def test_wipay_refunds_whole_payments_only(shop: ShopAndSandbox) -> None:
    buy(shop, "wipay")

    answer = shop.refund("5")

    assert answer.status_code == 422
    assert "WiPay refunds whole payments only." in answer.text
    assert shop.refunds == []


def decide(shop: ShopAndSandbox, verdict: str, reason: str = "") -> None:
    """A person at WiPay decides, and WiPay tells the shop."""
    page = shop.pages.get("/wipay/merchant", base_url=SANDBOX_URL).text
    found = re.findall(r'action="(/wipay/merchant/refunds/\d+)"', page)
    shop.press(SANDBOX_URL + found[0], verdict=verdict, reason=reason)
    shop.deliver()


def test_wipay_decides_about_a_refund_later(shop: ShopAndSandbox) -> None:
    buy(shop, "wipay")

    shop.refund("12.00")
    shop.work()
    assert (shop.refunds, shop.state) == ([(WHOLE, "open")], "stopped")
    assert "We have asked for your money to be sent back to you." in shop.order_page
    assert "all of it has been refunded, or is on its way" in shop.console

    decide(shop, "grant")
    assert shop.refunds == [(WHOLE, "done")]
    assert (shop.books.payment.status, shop.state) == ("refunded", "refunded")


def test_wipay_refuses_a_refund_and_can_be_asked_again(shop: ShopAndSandbox) -> None:
    buy(shop, "wipay")
    shop.refund("12.00")
    shop.work()

    decide(shop, "reject", "The money was paid out.")
    assert shop.refunds == [(WHOLE, "refused")]
    assert "The money was paid out." in shop.console
    assert shop.state == "paid"

    assert shop.refund("12.00").status_code == 303
    shop.work()
    decide(shop, "grant")
    assert shop.refunds == [(WHOLE, "refused"), (WHOLE, "done")]


def test_wipay_is_asked_again_about_a_refund_without_a_second_request(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    buy(shop, "wipay")
    shop.refund("12.00")

    for _ in range(3):
        shop.books.sweep()
        shop.books.sweep()  # the minute after: what the first has found due is done
        clock.shift(timedelta(hours=2))

    assert refund_calls(shop) == 3
    assert shop.refunds == [(WHOLE, "open")]
    decide(shop, "grant")
    assert shop.refunds == [(WHOLE, "done")]


# ------------------------------------------------------------------ no refunds at all


def test_a_person_is_told_that_a_provider_makes_no_refunds(shop: ShopAndSandbox) -> None:
    buy(shop, "handcash")
    assert "HandCash: makes no refunds" in shop.console

    answer = shop.refund("12.00", payment=shop.books.payment.id, refund="0" * 16)

    assert answer.status_code == 422
    assert "HandCash makes no refunds: send the money back another way." in answer.text
    assert shop.refunds == []
