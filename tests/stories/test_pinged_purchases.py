"""Purchases at Mollie, whose webhooks prove nothing: what is believed is what the shop asks for.

Mollie is an example, off by default. Wire facts: docs.mollie.com (webhooks, create-refund,
handling-payment-status, cancel-payment), read 2026-11.
"""

from datetime import timedelta

import pytest
import requests
import time_machine

from ..conftest import OpenShop
from ..purchases import one_database
from ..sandboxed import MINTCASH, SANDBOX_URL, ShopAndSandbox
from ..shopper import BASE_URL

#: One database will do: tests/payments/test_pings.py has both.
pytestmark = one_database

PAID = {"ending": "paid"}


@pytest.fixture
def shop(open_shop: OpenShop) -> ShopAndSandbox:
    return open_shop(providers_extra=("mollie",))


def pay(shop: ShopAndSandbox, **typed: str) -> None:
    """On Mollie's test page; its webhook has come, and the worker has done nothing yet."""
    shop.check_out("mollie")
    shop.press(shop.url, **{**PAID, **typed})
    shop.deliver()


def buy(shop: ShopAndSandbox) -> None:
    """An e-book for 12 dollars, paid and fulfilled."""
    pay(shop)
    shop.work()
    assert shop.state == "paid"


def happen(shop: ShopAndSandbox, action: str, **values: str) -> None:
    """At Mollie, without the shop asking; its webhook comes, and the worker looks."""
    path = f"{SANDBOX_URL}/control/payments/1"
    assert shop.pages.post(path, json={"action": action, **values}).status_code == 200
    shop.work()


def pass_refund_time(shop: ShopAndSandbox) -> None:
    """Mollie makes its refunds, and says so."""
    shop.wait(minutes=5)
    shop.work()


@pytest.mark.parametrize(("extra", "offered"), [((), False), (("mollie",), True)])
def test_it_is_offered_only_where_the_shop_wants_it(
    open_shop: OpenShop, extra: tuple[str, ...], offered: bool
) -> None:
    shop = open_shop(providers_extra=extra)
    shop.shopper.add("cookbook")

    checkout = shop.shopper.get("/checkout").text
    webhook = shop.press(f"{BASE_URL}/webhooks/mollie", id="tr_1")

    assert ('value="mollie"' in checkout) is offered
    assert webhook.status_code == (200 if offered else 404)


def test_a_ping_has_the_shop_ask_and_the_order_is_paid(shop: ShopAndSandbox) -> None:
    pay(shop)
    assert (shop.state, shop.asked("GET /mollie")) == ("waiting", 0), "the webhook proves nothing"

    shop.books.sweep()

    assert shop.state == "paid"
    assert shop.asked("GET /mollie") == 1
    assert shop.books.payment.received == 12_00


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        ({"ending": "canceled"}, "canceled"),
        ({"ending": "expired"}, "expired"),
        ({"ending": "failed"}, "failed"),
        ({"fault": "decline"}, "failed"),
        ({"fault": "expire"}, "expired"),
    ],
)
def test_what_is_chosen_on_the_page_is_what_the_order_shows(
    shop: ShopAndSandbox, typed: dict[str, str], state: str
) -> None:
    pay(shop, **typed)

    shop.books.sweep()

    assert shop.state == state
    assert shop.books.order.status == "open"


def test_a_failure_is_explained_in_a_sentence(shop: ShopAndSandbox) -> None:
    pay(shop, ending="failed")
    shop.books.sweep()

    assert "There is not enough money on this card." in shop.order_page


def test_a_page_that_the_shopper_leaves_open_expires_by_itself(shop: ShopAndSandbox) -> None:
    pay(shop, ending="")
    shop.books.sweep()
    assert shop.state == "waiting"

    shop.wait(minutes=16)
    shop.work()

    assert shop.state == "expired"


def test_a_lost_webhook_is_found_by_asking(shop: ShopAndSandbox) -> None:
    """E3."""
    pay(shop, fault="close_tab", delivery_fault="drop")
    shop.books.sweep()
    assert shop.state == "waiting"

    shop.check_payments()

    assert shop.state == "paid"


def test_a_webhook_that_a_shop_was_away_for_is_sent_again(shop: ShopAndSandbox) -> None:
    """Ten attempts in 26 hours (webhooks)."""
    shop.unanswered = 0
    pay(shop, fault="close_tab")
    for _ in range(10):
        shop.wait(hours=23)
        shop.deliver()
    assert shop.unanswered == 10


def test_a_forged_webhook_causes_no_call(shop: ShopAndSandbox) -> None:
    """A1: the id is of no payment."""
    pay(shop, fault="close_tab", delivery_fault="tamper")

    shop.books.sweep()

    assert shop.state == "waiting"
    assert shop.asked("GET /mollie") == 0


def test_a_webhook_before_our_create_reply_ends_paid(shop: ShopAndSandbox) -> None:
    """D8."""
    shop.control("faults", create_fault="early_webhook")
    shop.check_out("mollie")

    shop.books.sweep()

    assert shop.state == "paid"


def test_a_create_call_that_hangs_is_retried_as_the_same_payment(shop: ShopAndSandbox) -> None:
    """C1: the Idempotency-Key is our reference."""

    def lose(_: str) -> None:
        shop.answered = lambda _: None
        raise requests.ConnectionError("the answer is lost")

    shop.answered = lose
    assert shop.check_out("mollie").status_code == 502

    shop.choose("mollie")

    assert "ending" in shop.visit(shop.url).text
    ledger = shop.pages.get("/ledger.json", base_url=SANDBOX_URL).json
    assert ledger
    assert len(ledger["payments"]) == len(shop.books.payments) == 1


def test_a_page_that_was_left_is_closed_where_that_can_be_done(shop: ShopAndSandbox) -> None:
    shop.check_out("mollie")
    left = shop.url
    shop.choose("mintcash")

    shop.work()

    assert shop.asked("DELETE /mollie") == 1
    assert "This payment is over: canceled" in shop.visit(left).text


def test_a_page_that_cannot_be_closed_stays_open(shop: ShopAndSandbox) -> None:
    """``isCancelable`` is false for most open payments: the second payment is refunded."""
    no = '{"detail": "The payment cannot be cancelled"}'
    shop.instead = lambda call: (422, {}, no) if call.startswith("DELETE") else None
    shop.check_out("mollie")
    left = shop.url
    shop.choose("mintcash")
    shop.press(shop.url, **MINTCASH)
    shop.work()

    shop.press(left, **PAID)
    shop.work()
    pass_refund_time(shop)

    assert shop.asked("DELETE /mollie") >= 1
    assert shop.state == "paid"
    assert shop.refunds == [(12_00, "done")]


# ------------------------------------------------------------------ money that goes back


def test_money_goes_back_in_two_parts(shop: ShopAndSandbox) -> None:
    buy(shop)

    shop.refund("5.00")
    shop.work()
    assert shop.refunds == [(5_00, "open")], "it is pending at Mollie"
    pass_refund_time(shop)
    assert (shop.refunds, shop.books.payment.status) == ([(5_00, "done")], "partially_refunded")
    shop.refund("7.00")
    shop.work()
    pass_refund_time(shop)

    assert shop.refunds == [(5_00, "done"), (7_00, "done")]
    assert (shop.state, shop.books.payment.refunded) == ("refunded", 12_00)


@pytest.mark.parametrize(("ends", "status"), [("", "done"), ("refund_fails", "refused")])
def test_how_a_refund_ended_is_found_though_its_webhook_is_lost(
    shop: ShopAndSandbox, clock: time_machine.Traveller, ends: str, status: str
) -> None:
    """The same refund is asked for again: it is found there, and not made twice."""
    pay(shop, delivery_fault="drop")
    shop.work()
    shop.refund("5.00")
    shop.work()
    if ends:
        happen(shop, ends)
    shop.wait(minutes=5)
    shop.deliver()

    for _ in range(2):
        clock.shift(timedelta(hours=1, minutes=1))
        shop.books.sweep()

    assert shop.refunds == [(5_00, status)]
    assert shop.asked("POST /mollie/v2/payments/tr_") == 1


def test_a_refund_that_fails_later_is_refused_and_can_be_asked_for_again(
    shop: ShopAndSandbox,
) -> None:
    buy(shop)
    shop.refund("5.00")
    shop.work()

    happen(shop, "refund_fails")

    assert shop.refunds == [(5_00, "refused")]
    assert shop.books.payment.refund_asked == 0
    shop.refund("12.00")
    shop.work()
    pass_refund_time(shop)
    assert shop.refunds == [(5_00, "refused"), (12_00, "done")], "the first is not told again"
    assert shop.state == "refunded"


def test_as_much_again_within_the_hour_is_made_after_it(shop: ShopAndSandbox) -> None:
    """create-refund: 409, which passes."""
    buy(shop)
    twice = '{"detail": "A duplicate refund has been detected"}'
    shop.instead = lambda call: (409, {}, twice) if call.startswith("POST /mollie") else None
    shop.refund("5.00")
    shop.work()
    assert shop.refunds == [(5_00, "open")]

    shop.instead = lambda _call: None
    shop.wait(hours=1)
    shop.work()
    pass_refund_time(shop)

    assert shop.refunds == [(5_00, "done")]


def test_a_refund_on_the_dashboard_is_shown_to_a_person(shop: ShopAndSandbox) -> None:
    buy(shop)

    happen(shop, "refund", amount="5.00")
    assert shop.books.payment.refunded == 0, "it may still fail"
    pass_refund_time(shop)

    assert shop.books.payment.refunded == 5_00
    assert "that this shop had not asked for" in str(shop.books.payment.problem)
