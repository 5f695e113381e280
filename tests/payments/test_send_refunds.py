"""Money given back: asked for in the console, made by the worker once, done when it is said to be.

The same for each provider that can; what the others are told. And held orders that a person lets
go.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from sqlalchemy import update

import jobs
from database import now, transaction
from models import Product

from .. import mintcash
from ..mintcash import event
from ..sandboxed import HANDCASH, HITPAY, MINTCASH, SANDBOX_URL, WIPAY, World
from ..shopper import BASE_URL

#: One database will do: the race between two tabs is in test_refund_races.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

#: What is typed on each page, and the call that gives money back.
TYPED = {"mintcash": MINTCASH, "hitpay": HITPAY, "wipay": WIPAY, "handcash": HANDCASH}
CALL = re.compile(r"POST /(mintcash/payments/[^/]+|hitpay/v1|wipay/wapi/transactions/[^/]+)/refund")
WHOLE = 1200  # the e-book

in_parts = pytest.mark.parametrize("provider", ["mintcash", "hitpay"])


def buy(world: World, provider: str) -> None:
    """An e-book for 12 dollars, paid and fulfilled."""
    world.check_out(provider)
    world.press(world.url, **TYPED[provider])
    world.work()
    assert world.state == "paid"


def asked(world: World) -> int:
    """How often a provider was asked to give money back."""
    return sum(bool(CALL.fullmatch(call)) for call in world.calls)


def answering(status: int, body: dict[str, Any]) -> Callable[[str], Any]:
    """A provider that answers this to each such call, and does nothing."""
    answer = (status, {"Content-Type": "application/json"}, json.dumps(body))
    return lambda call: answer if CALL.fullmatch(call) else None


def nothing(call: str) -> None:
    """The sandbox answers again."""


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


# ------------------------------------------------------------------ all of it, and parts


@in_parts
def test_all_of_it_is_given_back(world: World, provider: str) -> None:
    buy(world, provider)

    answer = world.refund("12.00")
    assert (answer.status_code, asked(world)) == (303, 0)
    assert world.refunds == [(WHOLE, "open")]
    world.work()

    assert world.refunds == [(WHOLE, "done")]
    assert (world.books.payment.status, world.books.payment.refunded) == ("refunded", WHOLE)
    assert asked(world) == 1
    assert world.state == "refunded"
    assert "refund of this payment" not in world.console


@in_parts
def test_parts_add_up(world: World, provider: str) -> None:
    buy(world, provider)

    world.refund("5")
    world.work()
    assert (world.books.payment.status, world.books.payment.refunded) == ("partially_refunded", 500)
    assert world.state == "paid"
    assert "<p>US$5.00 was given back.</p>" in world.order_page
    assert "US$5.00" in world.shopper.get(f"/orders/{world.books.order.id}/receipt").text
    assert "up to US$7.00" in world.console

    world.refund("7.00")
    world.work()
    assert (world.books.payment.status, world.books.payment.refunded) == ("refunded", WHOLE)
    assert world.refunds == [(500, "done"), (700, "done")]
    assert asked(world) == 2


@in_parts
def test_more_than_is_left_is_refused(world: World, provider: str) -> None:
    """D5."""
    buy(world, provider)

    answer = world.refund("12.01")
    assert answer.status_code == 422
    assert "Of this payment US$12.00 can be given back, no more." in answer.text

    world.refund("5")
    world.work()
    answer = world.refund("7.01")
    assert answer.status_code == 422
    assert "Of this payment US$7.00 can be given back, no more." in answer.text
    assert world.refunds == [(500, "done")]


def test_what_is_no_amount_is_said(world: World) -> None:
    buy(world, "mintcash")

    for typed in ("", " ", "12,5", "1e3", "-1", "+1", "0", "0.00", "1.005", "US$5", "１２", "NaN"):
        answer = world.refund(typed)
        assert answer.status_code == 422, typed
        assert "Please type the amount like 12.50." in answer.text, typed

    assert world.refunds == []


# ------------------------------------------------------------------ pressed twice


def test_a_form_that_is_sent_twice_asks_once(world: World) -> None:
    """J3."""
    buy(world, "hitpay")
    form = world.refund_form()

    answers = [world.refund("5", **form) for _ in range(2)]
    world.work()
    answers.append(world.refund("5", **form))
    world.work()

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert world.refunds == [(500, "done")]
    assert (asked(world), world.books.payment.refunded) == (1, 500)


def test_while_one_is_on_its_way_no_other_is_begun(world: World) -> None:
    """J3: the form of another tab."""
    buy(world, "hitpay")
    world.refund("5")

    answer = world.refund("5")

    assert answer.status_code == 422
    assert "A refund of this payment is on its way. Wait until it is through." in answer.text
    world.work()
    assert world.refunds == [(500, "done")]


# ------------------------------------------------------------------ no, and no answer


@in_parts
def test_what_the_provider_refuses_is_shown_and_may_be_asked_anew(
    world: World, provider: str
) -> None:
    buy(world, provider)
    world.instead = answering(422, {"message": "not enough on the account"})

    world.refund("5")
    world.work()
    assert world.refunds == [(500, "refused")]
    assert world.books.payment.refund_asked == 0
    assert "not enough on the account" in world.console

    world.instead = nothing
    assert world.refund("5").status_code == 303
    world.work()
    assert world.refunds == [(500, "refused"), (500, "done")]
    assert world.books.payment.refunded == 500


@in_parts
def test_a_provider_out_of_reach_is_asked_again_ever_more_rarely_and_gives_back_once(
    world: World, clock: time_machine.Traveller, provider: str
) -> None:
    """E4."""
    buy(world, provider)
    world.instead = answering(500, {})
    world.refund("5")
    pauses = []

    for _ in range(3):
        world.books.work()
        task = world.books.tasks[-1]
        assert (task.status, world.refunds) == ("waiting", [(500, "open")])
        pauses.append((task.due_at - now()).total_seconds())
        world.books.work()  # not due
        clock.move_to(task.due_at)
    assert pauses == [10, 20, 40]
    assert asked(world) == 3

    world.instead = nothing
    world.books.work()

    assert world.refunds == [(500, "done")]
    assert world.books.payment.refunded == 500


def test_a_refund_that_the_worker_has_given_up_waits_for_a_person(
    world: World, clock: time_machine.Traveller
) -> None:
    """F9: meanwhile no other can be asked for, since nobody knows how this one stands."""
    buy(world, "mintcash")
    world.instead = answering(500, {})
    world.refund("5")
    while (task := world.books.tasks[-1]).status == "waiting":
        clock.move_to(task.due_at)
        world.books.work()
    assert (task.status, world.refunds) == ("parked", [(500, "open")])
    assert world.refund("5").status_code == 422

    world.instead = nothing
    with world.books.open():
        jobs.retry_parked(task.id)
    world.books.work()

    assert world.refunds == [(500, "done")]


@in_parts
def test_a_lost_answer_gives_nothing_back_twice(world: World, provider: str) -> None:
    """C7. MintCash knows the reference again; HitPay is asked for its total first."""
    buy(world, provider)

    def lose(call: str) -> None:
        if CALL.fullmatch(call):
            raise requests.ReadTimeout("too late")

    world.answered = lose
    world.refund("5")
    world.books.work()
    assert world.refunds == [(500, "open")]
    world.answered = nothing
    world.work()
    world.work()

    assert world.refunds == [(500, "done")]
    assert given_back(world) == 500


class Killed(BaseException):
    """As by ``kill -9``: nothing that follows is done, no lease is given back."""


@in_parts
def test_killed_between_the_answer_and_its_record_gives_back_once(
    world: World, provider: str
) -> None:
    """F4, N4."""
    buy(world, provider)

    def kill(call: str) -> None:
        if CALL.fullmatch(call):
            raise Killed

    world.answered = kill
    world.refund("5")
    with pytest.raises(Killed):
        world.books.work()
    assert world.refunds == [(500, "open")]

    world.answered = nothing
    world.make_due()
    world.books.work()

    assert world.refunds == [(500, "done")]
    assert given_back(world) == 500


def test_hitpay_is_asked_for_its_total_before_each_refund(world: World) -> None:
    """It knows no idempotency key: the same call again would be another refund."""
    buy(world, "hitpay")
    world.calls.clear()

    world.refund("5")
    world.books.work()

    reference = world.books.payment.provider_reference
    assert world.calls == [f"GET /hitpay/v1/payment-requests/{reference}", "POST /hitpay/v1/refund"]


def given_back(world: World) -> int:
    """What the providers have given back, in minor units."""
    ledger = world.pages.get("/ledger.json", base_url=SANDBOX_URL).get_json()
    return sum(each["refunded"] for each in ledger["payments"])


# ------------------------------------------------------------------ the provider's own news


@in_parts
def test_news_that_is_faster_than_the_answer_is_the_same_refund(
    world: World, provider: str
) -> None:
    buy(world, provider)
    world.answered = lambda call: world.deliver() if CALL.fullmatch(call) else None

    world.refund("5")
    world.work()

    assert world.refunds == [(500, "done")]
    assert (world.books.payment.status, world.books.payment.refunded) == ("partially_refunded", 500)


@in_parts
def test_a_late_no_to_a_refund_that_is_through_does_not_touch_the_next(
    world: World, provider: str
) -> None:
    """The worker waits for an answer; meanwhile news says done, and more is asked for."""
    buy(world, provider)

    def the_next_is_asked_for(call: str) -> Any:
        if not CALL.fullmatch(call):
            return None
        world.instead = nothing
        on_the_dashboard(world, provider, 500)
        assert world.refund("3").status_code == 303
        return 422, {}, "{}"

    world.refund("5")
    world.instead = the_next_is_asked_for
    world.work()

    assert world.refunds == [(500, "done"), (300, "done")]
    assert world.books.payment.refunded == 800


@in_parts
def test_news_that_comes_late_and_twice_changes_nothing(world: World, provider: str) -> None:
    buy(world, provider)
    world.refund("5")
    world.books.work()
    before = world.books.snapshot()

    world.deliver()
    world.deliver_again()

    assert world.books.snapshot() == before
    assert world.refunds == [(500, "done")]
    assert world.books.payment.refunded == 500


def on_the_dashboard(world: World, provider: str, amount: int) -> None:
    """Somebody gives money back there, and not here."""
    reference = world.books.payment.provider_reference
    if provider == "mintcash":
        answer = world.pages.post(
            f"/mintcash/payments/{reference}/refund",
            base_url=SANDBOX_URL,
            auth=("pk_test_kiln_and_kettle", "sk_test_kiln_and_kettle"),
            json={"externalId": "dashboard", "amount": amount},
        )
    else:
        key = {"X-BUSINESS-API-KEY": "test_kiln_and_kettle"}
        path = f"/hitpay/v1/payment-requests/{reference}"
        shown = world.pages.get(path, base_url=SANDBOX_URL, headers=key).get_json()
        form = {"payment_id": shown["payments"][0]["id"], "amount": f"{amount / 100:.2f}"}
        answer = world.pages.post("/hitpay/v1/refund", base_url=SANDBOX_URL, headers=key, data=form)
    assert answer.status_code == 200, answer.text
    world.deliver()


@in_parts
def test_what_was_given_back_on_the_dashboard_counts(world: World, provider: str) -> None:
    buy(world, provider)

    on_the_dashboard(world, provider, 500)

    assert world.books.payment.refunded == 500
    assert "up to US$7.00" in world.console
    assert world.refund("7.01").status_code == 422
    assert world.refund("7").status_code == 303
    world.work()
    assert (world.books.payment.status, world.books.payment.refunded) == ("refunded", WHOLE)
    assert given_back(world) == WHOLE


def test_a_refund_that_fails_later_is_refused_or_told_to_a_person(world: World) -> None:
    """MintCash: ``payment.refund_failed``, before it was said to be done and after."""
    buy(world, "mintcash")
    payment = {
        "id": world.books.payment.provider_reference,
        "externalId": world.books.payment.id,
        "amount": WHOLE,
        "currency": "USD",
    }
    world.instead = answering(200, {"id": "ref_1", "status": "pending"})

    world.refund("5")
    world.books.work()
    assert world.refunds == [(500, "open")]
    failed = event(payment, "refund_failed", failureCode="account_closed")
    world.shopper.deliver(*failed)
    assert world.refunds == [(500, "refused")]
    assert world.books.payment.refund_asked == 0

    world.instead = nothing
    world.refund("5")
    world.work()
    world.shopper.deliver(*event(payment, "refund_failed", failureCode="account_closed"))
    assert world.refunds == [(500, "refused"), (500, "done")]
    assert "a refund was not made after all: account_closed" in world.console


def test_a_provider_that_stays_silent_is_asked_again_each_hour(
    world: World, clock: time_machine.Traveller
) -> None:
    buy(world, "mintcash")
    world.instead = answering(200, {"id": "ref_1", "status": "pending"})
    world.refund("5")

    for times in (1, 1, 2):
        world.books.sweep()
        world.books.sweep()  # the minute after: what the first has found due is done
        assert asked(world) == times
        clock.shift(timedelta(minutes=50))
    world.instead = nothing
    clock.shift(timedelta(minutes=50))
    world.books.sweep()
    world.books.sweep()

    assert world.refunds == [(500, "done")]


# ------------------------------------------------------------------ whole payments only: WiPay


def decide(world: World, verdict: str, reason: str = "") -> None:
    """Somebody at WiPay decides, and says so."""
    page = world.pages.get("/wipay/merchant", base_url=SANDBOX_URL).text
    found = re.findall(r'action="(/wipay/merchant/refunds/\d+)"', page)
    world.press(SANDBOX_URL + found[0], verdict=verdict, reason=reason)
    world.deliver()


def test_wipay_gives_back_whole_payments_only(world: World) -> None:
    buy(world, "wipay")

    answer = world.refund("5")

    assert answer.status_code == 422
    assert "WiPay gives back whole payments only." in answer.text
    assert world.refunds == []


def test_wipay_decides_later(world: World) -> None:
    buy(world, "wipay")

    world.refund("12.00")
    world.work()
    assert (world.refunds, world.state) == ([(WHOLE, "open")], "paid")
    assert "all of it has been given back, or is on its way" in world.console

    decide(world, "grant")
    assert world.refunds == [(WHOLE, "done")]
    assert (world.books.payment.status, world.state) == ("refunded", "refunded")


def test_wipay_says_no_and_can_be_asked_anew(world: World) -> None:
    buy(world, "wipay")
    world.refund("12.00")
    world.work()

    decide(world, "reject", "The money was paid out.")
    assert world.refunds == [(WHOLE, "refused")]
    assert "The money was paid out." in world.console
    assert world.state == "paid"

    assert world.refund("12.00").status_code == 303
    world.work()
    decide(world, "grant")
    assert world.refunds == [(WHOLE, "refused"), (WHOLE, "done")]


def test_wipay_is_asked_again_about_a_refund_without_a_second_request(
    world: World, clock: time_machine.Traveller
) -> None:
    buy(world, "wipay")
    world.refund("12.00")

    for _ in range(3):
        world.books.sweep()
        world.books.sweep()  # the minute after: what the first has found due is done
        clock.shift(timedelta(hours=2))

    assert asked(world) == 3
    assert world.refunds == [(WHOLE, "open")]
    decide(world, "grant")
    assert world.refunds == [(WHOLE, "done")]


# ------------------------------------------------------------------ no refunds at all


def test_a_provider_without_refunds_says_so_kindly(world: World) -> None:
    buy(world, "handcash")
    assert "HandCash: has no refunds by itself" in world.console

    answer = world.refund("12.00", payment=world.books.payment.id, refund="0" * 16)

    assert answer.status_code == 422
    assert "HandCash gives no money back by itself: send it another way." in answer.text
    assert world.refunds == []


# ------------------------------------------------------------------ two payments for one order


def pay_twice(world: World, first: str, second: str) -> None:
    """Two pages of one order, in two tabs, paid both before anybody closes the first."""
    world.check_out(first)
    pages = {first: world.url}
    world.choose(second)
    pages[second] = world.url
    for provider in (second, first):
        if provider == "request_network":
            for step in ("connect", "approve", "pay"):
                home, _, token = pages[provider].partition("?")
                world.press(f"{home}{step}?{token}", way="BASE USDC", amount="12", settles="now")
        else:
            world.press(pages[provider], **TYPED[provider])
        world.deliver()


@pytest.mark.parametrize("first", ["mintcash", "hitpay"])
def test_a_second_payment_is_given_back_by_itself(world: World, first: str) -> None:
    """B20."""
    pay_twice(world, first, "handcash")
    world.work()

    second, paying = world.books.payments
    assert world.books.order.paid_by == paying.id
    assert (second.status, second.refunded, paying.refunded) == ("refunded", WHOLE, 0)
    assert str(second.problem).endswith("see its refund")
    assert world.refunds == [(WHOLE, "done")]
    assert world.state == "paid"
    assert "You paid a second time, US$12.00 with" in world.order_page
    assert "that was given back." in world.order_page
    assert world.books.fulfilled() == {"download": 1, "mail": 1}
    world.work()
    assert asked(world) == 1


@pytest.mark.parametrize("first", ["handcash", "request_network"])
def test_a_second_payment_that_nobody_can_give_back_is_for_a_person(
    world: World, first: str
) -> None:
    """B20."""
    pay_twice(world, first, "mintcash")
    world.work()

    second, paying = world.books.payments
    assert world.books.order.paid_by == paying.id
    assert (second.status, second.received) == ("succeeded", WHOLE)
    assert str(second.problem).endswith("give it back")
    assert str(second.problem) in world.console
    assert "you get that given back." in world.order_page
    assert world.refunds == []


# ------------------------------------------------------------------ who may ask


def test_a_form_without_its_token_gives_nothing_back(world: World) -> None:
    """G10."""
    buy(world, "mintcash")

    answers = [
        world.refund("5", csrf_token=""),
        world.refund("5", csrf_token="forged"),
        world.shopper.client.post(
            f"/console/orders/{world.books.order.id}/release", base_url=BASE_URL
        ),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert world.refunds == []


def test_a_payment_of_another_order_and_a_made_up_id_are_not_found(world: World) -> None:
    buy(world, "mintcash")
    first = world.refund_form()

    answers = [
        world.refund("5", payment="0" * 16),
        world.refund("5", refund="../../etc"),
        world.refund("5", refund=""),
        world.shopper.client.post(
            f"/console/orders/{'0' * 32}/refunds", base_url=BASE_URL, data={**first, "amount": "5"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert world.refunds == []


def test_from_another_machine_nothing_is_given_back(world: World) -> None:
    buy(world, "mintcash")

    answer = world.shopper.client.post(
        f"/console/orders/{world.books.order.id}/refunds",
        base_url=BASE_URL,
        data={**world.refund_form(), "amount": "5"},
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )

    assert answer.status_code == 403
    assert world.refunds == []


# ------------------------------------------------------------------ held orders, let go


def release(world: World) -> int:
    path = f"/console/orders/{world.books.order.id}/release"
    return world.shopper.post(path).status_code


def held(world: World, fault: str) -> None:
    """An order whose money differs from what was asked for."""
    world.check_out("mintcash", "bud-vase")
    world.press(world.url, **MINTCASH, fault="close_tab", delivery_fault=fault)
    world.deliver()
    assert world.state == "held"


@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
def test_a_held_order_is_fulfilled_when_a_person_says_so(world: World, fault: str) -> None:
    held(world, fault)
    assert "Fulfil it all the same" in world.console

    assert release(world) == 303
    assert release(world) == 303
    world.work()

    assert world.books.order.status == "paid"
    assert world.books.order.paid_by == world.books.payment.id
    assert world.books.order.held_reason is None
    assert world.books.fulfilled() == {"parcel": 1, "mail": 1}
    assert world.books.stock("bud-vase") == 2
    assert "Fulfil it all the same" not in world.console


def test_what_is_still_gone_holds_the_order_again(world: World) -> None:
    """C9."""
    stock(world, 0)
    (payment,) = world.books.place_order({"bud-vase": 1})
    world.shopper.deliver(*mintcash.event(payment, "succeeded"))
    assert world.books.order.held_code == "stock"

    release(world)
    assert (world.books.order.status, world.books.order.held_code) == ("held", "stock")
    assert world.books.fulfilled() == {}

    stock(world, 1)
    release(world)
    world.books.work()
    assert world.books.order.status == "paid"
    assert world.books.fulfilled() == {"parcel": 1, "mail": 1}
    assert world.books.stock("bud-vase") == 0


def stock(world: World, count: int) -> None:
    with world.books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=count))


def test_an_order_that_is_not_held_is_not_let_go(world: World) -> None:
    world.check_out("mintcash")

    release(world)

    assert world.books.order.status == "open"
    assert world.books.fulfilled() == {}


def test_a_held_order_whose_money_was_given_back_stays_held(world: World) -> None:
    """It is over: nobody gets the goods for nothing by a press too many."""
    held(world, "wrong_amount")
    world.refund("0.01")
    world.work()
    assert world.refunds == [(1, "done")]

    release(world)

    assert world.books.order.status == "held"
    assert world.books.fulfilled() == {}
    assert world.state == "refunded"
