"""A webhook that proves nothing books a check, answers at once, and costs next to nothing.

On both databases, at a provider whose webhook is an id (``tests/providers/pingpay``). Mollie's
documentation asks for that: "call our API to get the status" (docs.mollie.com/reference/webhooks).
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from database import now
from models import EarlyPing
from payments import pages, pings, reconcile, timing
from payments.timing import PING_PAUSE, STOP_CHECKING
from providers.contract import Checkout, Redirect, Unreachable

from ..books import Books
from ..pings import ShopAtPingpay, shop_at_pingpay
from ..providers import pingpay
from ..purchases import COOKBOOK
from ..shopper import Shopper


@pytest.fixture
def pinged(app: Flask, books: Books) -> Iterator[ShopAtPingpay]:
    with shop_at_pingpay(app, books) as shop:
        yield shop


# ------------------------------------------------------------------ it is a reason to ask


def test_a_ping_pays_an_order_by_asking(pinged: ShopAtPingpay) -> None:
    reference = pinged.place()
    pinged.pay(reference)

    answer = pinged.ping(reference)

    assert (answer.status_code, pinged.books.order.status) == (200, "open")
    assert pinged.pingpay.calls == [], "the request itself calls no provider"
    assert pinged.messages == [pinged.books.payment.id]

    pinged.work()

    assert pinged.pingpay.calls == [f"GET /payments/{reference}"]
    assert pinged.books.order.status == "paid"
    assert pinged.books.fulfilled() == {"download": 1, "mail": 1}
    assert pinged.books.payment.next_check_at is None


def test_a_ping_whose_message_is_lost_is_found_by_the_next_sweep(pinged: ShopAtPingpay) -> None:
    reference = pinged.place()
    pinged.pay(reference)
    pinged.ping(reference)

    pinged.books.sweep()

    assert pinged.books.order.status == "paid"


def test_a_forged_ping_pays_nothing(pinged: ShopAtPingpay) -> None:
    """Anyone may send one: it only says when to ask."""
    reference = pinged.place()

    pinged.ping(reference)
    pinged.work()

    assert pinged.calls(reference) == 1
    assert (pinged.books.order.status, pinged.books.payment.status) == ("open", "created")
    assert pinged.books.payment.next_check_at is not None


def test_a_ping_of_a_paid_payment_learns_what_went_back(pinged: ShopAtPingpay) -> None:
    """Money that leaves on the provider's dashboard is pinged like any news, months later, too."""
    reference = pinged.place()
    pinged.pay(reference)
    pinged.ping(reference)
    pinged.work()
    pinged.wait(timedelta(days=60))
    pinged.pingpay.payments[reference]["refunded"] = 500
    pinged.pingpay.payments[reference]["status"] = "partially_refunded"

    pinged.ping(reference)
    pinged.work()

    assert (pinged.books.payment.status, pinged.books.payment.refunded) == (
        "partially_refunded",
        500,
    )
    assert pinged.books.payment.next_check_at is None


def test_a_ping_while_the_provider_is_away_is_answered_when_it_is_back(
    pinged: ShopAtPingpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long after the payment was over, when it is not asked about by itself any more."""
    reference = pinged.place()
    pinged.pay(reference)
    pinged.wait(timedelta(days=60))

    def away(*_: object) -> None:
        raise Unreachable("GET /payments: no connection")

    with monkeypatch.context() as patch:
        patch.setattr(pingpay, "fetch_payment", away)
        pinged.ping(reference)
        pinged.work()
    pinged.wait(timedelta(hours=1))
    pinged.books.sweep()

    assert pinged.books.order.status == "paid"


def test_a_provider_that_stays_away_after_a_ping_is_not_asked_without_end(
    pinged: ShopAtPingpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11: a person is told, once."""
    reference = pinged.place()
    pinged.wait(timedelta(days=60))

    def away(*_: object) -> None:
        raise Unreachable("GET /payments: no connection")

    monkeypatch.setattr(pingpay, "fetch_payment", away)
    pinged.ping(reference)
    pinged.books.sweep()
    assert pinged.books.payment.next_check_at is not None

    pinged.wait(STOP_CHECKING + timedelta(hours=1))
    pinged.books.sweep()

    assert pinged.books.payment.next_check_at is None
    assert pinged.books.payment.problem == "pingpay has not answered in time: look for it there"


def test_the_reference_of_another_provider_is_unknown(pinged: ShopAtPingpay) -> None:
    (payment,) = pinged.books.place_order(COOKBOOK, provider="mintcash")

    pinged.ping(payment["id"])

    assert pinged.messages == []
    assert pinged.books.count(EarlyPing) == 1


# ------------------------------------------------------------------ none is lost


def refund_during_a_check(pinged: ShopAtPingpay) -> tuple[str, int]:
    """The answer is read, then money goes back, and its ping is here before the answer is."""
    reference = pinged.place()
    pinged.pay(reference)

    def refund(_: str) -> None:
        pinged.pingpay.before_answer = lambda _: None
        pinged.pingpay.payments[reference] |= {"status": "partially_refunded", "refunded": 500}
        pinged.wait(timedelta(milliseconds=5))
        pinged.ping(reference)

    pinged.pingpay.before_answer = refund
    pinged.ping(reference)
    pinged.work()
    assert pinged.books.payment.status == "succeeded"
    pinged.wait(PING_PAUSE)
    pinged.work()
    return pinged.books.payment.status, pinged.books.payment.refunded


def test_what_a_ping_during_a_check_is_about_the_next_check_learns(pinged: ShopAtPingpay) -> None:
    assert refund_during_a_check(pinged) == ("partially_refunded", 500)


def test_without_the_guard_that_ping_is_lost(
    pinged: ShopAtPingpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: final news ends the asking, and what the ping has booked with it."""
    monkeypatch.setattr(reconcile, "is_pinged", lambda _: False)
    monkeypatch.setattr(timing, "is_pinged", lambda _: False)

    assert refund_during_a_check(pinged) == ("succeeded", 0)


def test_a_ping_after_the_attempt_was_closed_books_a_check_again(pinged: ShopAtPingpay) -> None:
    """What another ping had booked was called off with the attempt."""
    reference = pinged.place()
    pinged.ping(reference)
    with pinged.books.open():
        pages.close_attempt(pinged.books.payment.id, "failed", "rejected", "no")
    assert pinged.books.payment.next_check_at is None
    pinged.pay(reference)

    pinged.ping(reference)
    pinged.work()

    assert pinged.books.order.status == "paid"


def test_a_ping_that_overtakes_our_create_call_is_answered_with_the_page(
    pinged: ShopAtPingpay, shopper: Shopper
) -> None:
    """D8: a webhook before our create reply still ends paid at once."""

    def pay_at_once(reference: str) -> None:
        pinged.pay(reference)
        assert pinged.ping(reference).status_code == 200

    pinged.pingpay.before_reply = pay_at_once
    shopper.add("cookbook")

    shopper.check_out(provider="pingpay")

    assert pinged.messages == [pinged.books.payment.id]
    assert pinged.books.count(EarlyPing) == 0
    pinged.work()
    assert pinged.books.order.status == "paid"
    assert pinged.calls("tr_1") == 1


def between(
    module: Any, name: str, act: Callable[[], object], patch: pytest.MonkeyPatch, before: bool
) -> None:
    """Let something happen once, right before or after this step."""
    step = getattr(module, name)

    def both(*arguments: Any) -> Any:
        patch.setattr(module, name, step)
        if before:
            act()
        found = step(*arguments)
        if not before:
            act()
        return found

    patch.setattr(module, name, both)


def claim(pinged: ShopAtPingpay, reference: str) -> Callable[[], object]:
    """The answer to the create call is stored."""
    configured = pingpay.configured()
    checkout = Checkout(reference, Redirect("http://127.0.0.1:5001/pingpay/pay/1"))
    return lambda: pages.record_page(pinged.books.payment.id, configured, checkout)


@pytest.mark.parametrize("before", [True, False], ids=["before_it", "after_it"])
def test_a_ping_and_the_answer_at_the_same_moment_find_each_other(
    pinged: ShopAtPingpay, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ping has not found the payment, and its reference is stored while the ping is written."""
    pinged.books.place_order(COOKBOOK, provider="pingpay", page_known=False)
    between(pings, "remember", claim(pinged, "tr_1"), monkeypatch, before)

    pinged.ping("tr_1")

    assert pinged.books.payment.pinged_at is not None
    assert pinged.books.payment.next_check_at == now()


def test_if_each_read_only_once_the_ping_would_wait_for_the_sweep(
    pinged: ShopAtPingpay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin; and the sweep, which finds it all the same."""
    pinged.books.place_order(COOKBOOK, provider="pingpay", page_known=False)
    remember = pings.remember

    def read_once(*arguments: str) -> bool:
        claim(pinged, "tr_1")()
        remember(*arguments)
        return False

    monkeypatch.setattr(pings, "remember", read_once)
    pinged.ping("tr_1")
    assert pinged.books.payment.pinged_at is None

    pinged.pingpay.payments["tr_1"] = {
        **{"id": "tr_1", "status": "succeeded", "refunded": 0, "charge": None},
        **{"amount": pinged.books.payment.amount, "currency": "USD"},
    }
    pinged.books.sweep()

    assert pinged.books.order.status == "paid"
    assert pinged.books.count(EarlyPing) == 0
