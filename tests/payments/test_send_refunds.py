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
from ..sandboxed import HANDCASH, HITPAY, MINTCASH, SANDBOX_URL, WIPAY, ShopAndSandbox
from ..shopper import BASE_URL

#: One database will do: the race between two tabs is in test_refund_races.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

#: What is typed on each page, and the call that gives money back.
TYPED = {"mintcash": MINTCASH, "hitpay": HITPAY, "wipay": WIPAY, "handcash": HANDCASH}
CALL = re.compile(r"POST /(mintcash/payments/[^/]+|hitpay/v1|wipay/wapi/transactions/[^/]+)/refund")
WHOLE = 1200  # the e-book

in_parts = pytest.mark.parametrize("provider", ["mintcash", "hitpay"])


def buy(shop: ShopAndSandbox, provider: str) -> None:
    """An e-book for 12 dollars, paid and fulfilled."""
    shop.check_out(provider)
    shop.press(shop.url, **TYPED[provider])
    shop.work()
    assert shop.state == "paid"


def asked(shop: ShopAndSandbox) -> int:
    """How often a provider was asked to give money back."""
    return sum(bool(CALL.fullmatch(call)) for call in shop.calls)


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
def test_all_of_it_is_given_back(shop: ShopAndSandbox, provider: str) -> None:
    buy(shop, provider)

    answer = shop.refund("12.00")
    assert (answer.status_code, asked(shop)) == (303, 0)
    assert shop.refunds == [(WHOLE, "open")]
    shop.work()

    assert shop.refunds == [(WHOLE, "done")]
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("refunded", WHOLE)
    assert asked(shop) == 1
    assert shop.state == "refunded"
    assert "refund of this payment" not in shop.console


@in_parts
def test_parts_add_up(shop: ShopAndSandbox, provider: str) -> None:
    buy(shop, provider)

    shop.refund("5")
    shop.work()
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("partially_refunded", 500)
    assert shop.state == "paid"
    assert "<p>US$5.00 was given back.</p>" in shop.order_page
    assert "US$5.00" in shop.shopper.get(f"/orders/{shop.books.order.id}/receipt").text
    assert "up to US$7.00" in shop.console

    shop.refund("7.00")
    shop.work()
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("refunded", WHOLE)
    assert shop.refunds == [(500, "done"), (700, "done")]
    assert asked(shop) == 2


@in_parts
def test_more_than_is_left_is_refused(shop: ShopAndSandbox, provider: str) -> None:
    """D5."""
    buy(shop, provider)

    answer = shop.refund("12.01")
    assert answer.status_code == 422
    assert "Of this payment US$12.00 can be given back, no more." in answer.text

    shop.refund("5")
    shop.work()
    answer = shop.refund("7.01")
    assert answer.status_code == 422
    assert "Of this payment US$7.00 can be given back, no more." in answer.text
    assert shop.refunds == [(500, "done")]


def test_what_is_no_amount_is_said(shop: ShopAndSandbox) -> None:
    buy(shop, "mintcash")

    for typed in ("", " ", "12,5", "1e3", "-1", "+1", "0", "0.00", "1.005", "US$5", "１２", "NaN"):
        answer = shop.refund(typed)
        assert answer.status_code == 422, typed
        assert "Please type the amount like 12.50." in answer.text, typed

    assert shop.refunds == []


# ------------------------------------------------------------------ pressed twice


def test_a_form_that_is_sent_twice_asks_once(shop: ShopAndSandbox) -> None:
    """J3."""
    buy(shop, "hitpay")
    form = shop.refund_form()

    answers = [shop.refund("5", **form) for _ in range(2)]
    shop.work()
    answers.append(shop.refund("5", **form))
    shop.work()

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert shop.refunds == [(500, "done")]
    assert (asked(shop), shop.books.payment.refunded) == (1, 500)


def test_while_one_is_on_its_way_no_other_is_begun(shop: ShopAndSandbox) -> None:
    """J3: the form of another tab."""
    buy(shop, "hitpay")
    shop.refund("5")

    answer = shop.refund("5")

    assert answer.status_code == 422
    assert "A refund of this payment is on its way. Wait until it is through." in answer.text
    shop.work()
    assert shop.refunds == [(500, "done")]


# ------------------------------------------------------------------ no, and no answer


@in_parts
def test_what_the_provider_refuses_is_shown_and_may_be_asked_anew(
    shop: ShopAndSandbox, provider: str
) -> None:
    buy(shop, provider)
    shop.instead = answering(422, {"message": "not enough on the account"})

    shop.refund("5")
    shop.work()
    assert shop.refunds == [(500, "refused")]
    assert shop.books.payment.refund_asked == 0
    assert "not enough on the account" in shop.console

    shop.instead = nothing
    assert shop.refund("5").status_code == 303
    shop.work()
    assert shop.refunds == [(500, "refused"), (500, "done")]
    assert shop.books.payment.refunded == 500


@in_parts
def test_a_provider_out_of_reach_is_asked_again_ever_more_rarely_and_gives_back_once(
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
    assert asked(shop) == 3

    shop.instead = nothing
    shop.books.work()

    assert shop.refunds == [(500, "done")]
    assert shop.books.payment.refunded == 500


def test_a_refund_that_the_worker_has_given_up_waits_for_a_person(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """F9: meanwhile no other can be asked for, since nobody knows how this one stands."""
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
def test_a_lost_answer_gives_nothing_back_twice(shop: ShopAndSandbox, provider: str) -> None:
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
    assert given_back(shop) == 500


class Killed(BaseException):
    """As by ``kill -9``: nothing that follows is done, no lease is given back."""


@in_parts
def test_killed_between_the_answer_and_its_record_gives_back_once(
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
    assert given_back(shop) == 500


def test_hitpay_is_asked_for_its_total_before_each_refund(shop: ShopAndSandbox) -> None:
    """It knows no idempotency key: the same call again would be another refund."""
    buy(shop, "hitpay")
    shop.calls.clear()

    shop.refund("5")
    shop.books.work()

    reference = shop.books.payment.provider_reference
    assert shop.calls == [f"GET /hitpay/v1/payment-requests/{reference}", "POST /hitpay/v1/refund"]


def given_back(shop: ShopAndSandbox) -> int:
    """What the providers have given back, in minor units."""
    ledger = shop.pages.get("/ledger.json", base_url=SANDBOX_URL).get_json()
    return sum(each["refunded"] for each in ledger["payments"])


# ------------------------------------------------------------------ the provider's own news


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
def test_a_late_no_to_a_refund_that_is_through_does_not_touch_the_next(
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


@in_parts
def test_news_that_comes_late_and_twice_changes_nothing(
    shop: ShopAndSandbox, provider: str
) -> None:
    buy(shop, provider)
    shop.refund("5")
    shop.books.work()
    before = shop.books.snapshot()

    shop.deliver()
    shop.deliver_again()

    assert shop.books.snapshot() == before
    assert shop.refunds == [(500, "done")]
    assert shop.books.payment.refunded == 500


def on_the_dashboard(shop: ShopAndSandbox, provider: str, amount: int) -> None:
    """Somebody gives money back there, and not here."""
    reference = shop.books.payment.provider_reference
    if provider == "mintcash":
        answer = shop.pages.post(
            f"/mintcash/payments/{reference}/refund",
            base_url=SANDBOX_URL,
            auth=("pk_test_kiln_and_kettle", "sk_test_kiln_and_kettle"),
            json={"externalId": "dashboard", "amount": amount},
        )
    else:
        key = {"X-BUSINESS-API-KEY": "test_kiln_and_kettle"}
        path = f"/hitpay/v1/payment-requests/{reference}"
        shown = shop.pages.get(path, base_url=SANDBOX_URL, headers=key).get_json()
        form = {"payment_id": shown["payments"][0]["id"], "amount": f"{amount / 100:.2f}"}
        answer = shop.pages.post("/hitpay/v1/refund", base_url=SANDBOX_URL, headers=key, data=form)
    assert answer.status_code == 200, answer.text
    shop.deliver()


@in_parts
def test_what_was_given_back_on_the_dashboard_counts(shop: ShopAndSandbox, provider: str) -> None:
    buy(shop, provider)

    on_the_dashboard(shop, provider, 500)

    assert shop.books.payment.refunded == 500
    assert "up to US$7.00" in shop.console
    assert shop.refund("7.01").status_code == 422
    assert shop.refund("7").status_code == 303
    shop.work()
    assert (shop.books.payment.status, shop.books.payment.refunded) == ("refunded", WHOLE)
    assert given_back(shop) == WHOLE


def test_a_refund_that_fails_later_is_refused_or_told_to_a_person(shop: ShopAndSandbox) -> None:
    """MintCash: ``payment.refund_failed``, before it was said to be done and after."""
    buy(shop, "mintcash")
    payment = {
        "id": shop.books.payment.provider_reference,
        "externalId": shop.books.payment.id,
        "amount": WHOLE,
        "currency": "USD",
    }
    shop.instead = answering(200, {"id": "ref_1", "status": "pending"})

    shop.refund("5")
    shop.books.work()
    assert shop.refunds == [(500, "open")]
    failed = event(payment, "refund_failed", failureCode="account_closed")
    shop.shopper.deliver(*failed)
    assert shop.refunds == [(500, "refused")]
    assert shop.books.payment.refund_asked == 0

    shop.instead = nothing
    shop.refund("5")
    shop.work()
    shop.shopper.deliver(*event(payment, "refund_failed", failureCode="account_closed"))
    assert shop.refunds == [(500, "refused"), (500, "done")]
    assert "a refund was not made after all: account_closed" in shop.console


def test_a_provider_that_stays_silent_is_asked_again_each_hour(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    buy(shop, "mintcash")
    shop.instead = answering(200, {"id": "ref_1", "status": "pending"})
    shop.refund("5")

    for times in (1, 1, 2):
        shop.books.sweep()
        shop.books.sweep()  # the minute after: what the first has found due is done
        assert asked(shop) == times
        clock.shift(timedelta(minutes=50))
    shop.instead = nothing
    clock.shift(timedelta(minutes=50))
    shop.books.sweep()
    shop.books.sweep()

    assert shop.refunds == [(500, "done")]


# ------------------------------------------------------------------ whole payments only: WiPay


def decide(shop: ShopAndSandbox, verdict: str, reason: str = "") -> None:
    """Somebody at WiPay decides, and says so."""
    page = shop.pages.get("/wipay/merchant", base_url=SANDBOX_URL).text
    found = re.findall(r'action="(/wipay/merchant/refunds/\d+)"', page)
    shop.press(SANDBOX_URL + found[0], verdict=verdict, reason=reason)
    shop.deliver()


def test_wipay_gives_back_whole_payments_only(shop: ShopAndSandbox) -> None:
    buy(shop, "wipay")

    answer = shop.refund("5")

    assert answer.status_code == 422
    assert "WiPay gives back whole payments only." in answer.text
    assert shop.refunds == []


def test_wipay_decides_later(shop: ShopAndSandbox) -> None:
    buy(shop, "wipay")

    shop.refund("12.00")
    shop.work()
    assert (shop.refunds, shop.state) == ([(WHOLE, "open")], "paid")
    assert "all of it has been given back, or is on its way" in shop.console

    decide(shop, "grant")
    assert shop.refunds == [(WHOLE, "done")]
    assert (shop.books.payment.status, shop.state) == ("refunded", "refunded")


def test_wipay_says_no_and_can_be_asked_anew(shop: ShopAndSandbox) -> None:
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

    assert asked(shop) == 3
    assert shop.refunds == [(WHOLE, "open")]
    decide(shop, "grant")
    assert shop.refunds == [(WHOLE, "done")]


# ------------------------------------------------------------------ no refunds at all


def test_a_provider_without_refunds_says_so_kindly(shop: ShopAndSandbox) -> None:
    buy(shop, "handcash")
    assert "HandCash: has no refunds by itself" in shop.console

    answer = shop.refund("12.00", payment=shop.books.payment.id, refund="0" * 16)

    assert answer.status_code == 422
    assert "HandCash gives no money back by itself: send it another way." in answer.text
    assert shop.refunds == []


# ------------------------------------------------------------------ two payments for one order


def pay_twice(shop: ShopAndSandbox, first: str, second: str) -> None:
    """Two pages of one order, in two tabs, paid both before anybody closes the first."""
    shop.check_out(first)
    pages = {first: shop.url}
    shop.choose(second)
    pages[second] = shop.url
    for provider in (second, first):
        if provider == "request_network":
            for step in ("connect", "approve", "pay"):
                home, _, token = pages[provider].partition("?")
                shop.press(f"{home}{step}?{token}", way="BASE USDC", amount="12", settles="now")
        else:
            shop.press(pages[provider], **TYPED[provider])
        shop.deliver()


@pytest.mark.parametrize("first", ["mintcash", "hitpay"])
def test_a_second_payment_is_given_back_by_itself(shop: ShopAndSandbox, first: str) -> None:
    """B20."""
    pay_twice(shop, first, "handcash")
    shop.work()

    second, paying = shop.books.payments
    assert shop.books.order.paid_by == paying.id
    assert (second.status, second.refunded, paying.refunded) == ("refunded", WHOLE, 0)
    assert str(second.problem).endswith("see its refund")
    assert shop.refunds == [(WHOLE, "done")]
    assert shop.state == "paid"
    assert "You paid a second time, US$12.00 with" in shop.order_page
    assert "that was given back." in shop.order_page
    assert shop.books.fulfilled() == {"download": 1, "mail": 1}
    shop.work()
    assert asked(shop) == 1


@pytest.mark.parametrize("first", ["handcash", "request_network"])
def test_a_second_payment_that_nobody_can_give_back_is_for_a_person(
    shop: ShopAndSandbox, first: str
) -> None:
    """B20."""
    pay_twice(shop, first, "mintcash")
    shop.work()

    second, paying = shop.books.payments
    assert shop.books.order.paid_by == paying.id
    assert (second.status, second.received) == ("succeeded", WHOLE)
    assert str(second.problem).endswith("give it back")
    assert str(second.problem) in shop.console
    assert "you get that given back." in shop.order_page
    assert shop.refunds == []


# ------------------------------------------------------------------ who may ask


def test_a_form_without_its_token_gives_nothing_back(shop: ShopAndSandbox) -> None:
    """G10."""
    buy(shop, "mintcash")

    answers = [
        shop.refund("5", csrf_token=""),
        shop.refund("5", csrf_token="forged"),
        shop.shopper.client.post(
            f"/console/orders/{shop.books.order.id}/release", base_url=BASE_URL
        ),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert shop.refunds == []


def test_a_payment_of_another_order_and_a_made_up_id_are_not_found(shop: ShopAndSandbox) -> None:
    buy(shop, "mintcash")
    first = shop.refund_form()

    answers = [
        shop.refund("5", payment="0" * 16),
        shop.refund("5", refund="../../etc"),
        shop.refund("5", refund=""),
        shop.shopper.client.post(
            f"/console/orders/{'0' * 32}/refunds", base_url=BASE_URL, data={**first, "amount": "5"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert shop.refunds == []


def test_from_another_machine_nothing_is_given_back(shop: ShopAndSandbox) -> None:
    buy(shop, "mintcash")

    answer = shop.shopper.client.post(
        f"/console/orders/{shop.books.order.id}/refunds",
        base_url=BASE_URL,
        data={**shop.refund_form(), "amount": "5"},
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )

    assert answer.status_code == 403
    assert shop.refunds == []


# ------------------------------------------------------------------ held orders, let go


def release(shop: ShopAndSandbox) -> int:
    path = f"/console/orders/{shop.books.order.id}/release"
    return shop.shopper.post(path).status_code


def held(shop: ShopAndSandbox, fault: str) -> None:
    """An order whose money differs from what was asked for."""
    shop.check_out("mintcash", "bud-vase")
    shop.press(shop.url, **MINTCASH, fault="close_tab", delivery_fault=fault)
    shop.deliver()
    assert shop.state == "held"


@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
def test_a_held_order_is_fulfilled_when_a_person_says_so(shop: ShopAndSandbox, fault: str) -> None:
    held(shop, fault)
    assert "Fulfil it all the same" in shop.console

    assert release(shop) == 303
    assert release(shop) == 303
    shop.work()

    assert shop.books.order.status == "paid"
    assert shop.books.order.paid_by == shop.books.payment.id
    assert shop.books.order.held_reason is None
    assert shop.books.fulfilled() == {"parcel": 1, "mail": 1}
    assert shop.books.stock("bud-vase") == 2
    assert "Fulfil it all the same" not in shop.console


def test_what_is_still_gone_holds_the_order_again(shop: ShopAndSandbox) -> None:
    """C9."""
    stock(shop, 0)
    (payment,) = shop.books.place_order({"bud-vase": 1})
    shop.shopper.deliver(*mintcash.event(payment, "succeeded"))
    assert shop.books.order.held_code == "stock"

    release(shop)
    assert (shop.books.order.status, shop.books.order.held_code) == ("held", "stock")
    assert shop.books.fulfilled() == {}

    stock(shop, 1)
    release(shop)
    shop.books.work()
    assert shop.books.order.status == "paid"
    assert shop.books.fulfilled() == {"parcel": 1, "mail": 1}
    assert shop.books.stock("bud-vase") == 0


def stock(shop: ShopAndSandbox, count: int) -> None:
    with shop.books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=count))


def test_an_order_that_is_not_held_is_not_let_go(shop: ShopAndSandbox) -> None:
    shop.check_out("mintcash")

    release(shop)

    assert shop.books.order.status == "open"
    assert shop.books.fulfilled() == {}


def test_a_held_order_whose_money_was_given_back_stays_held(shop: ShopAndSandbox) -> None:
    """It is over: nobody gets the goods for nothing by a press too many."""
    held(shop, "wrong_amount")
    shop.refund("0.01")
    shop.work()
    assert shop.refunds == [(1, "done")]

    release(shop)

    assert shop.books.order.status == "held"
    assert shop.books.fulfilled() == {}
    assert shop.state == "refunded"
