"""What the order page says in every state, and that none of them leaves the shopper stuck."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from database import now, transaction
from models import Order, OutboxTask, Payment
from providers.contract import LADDER
from views.order_status import describe

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..shopper import Shopper

#: What is said here is the same on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MINUTE = timedelta(minutes=1)
QR = {"kind": "qr", "payload": "00020101021226370009SG.PAYNOW0102"}


@pytest.fixture
def page(app: Flask) -> Iterator[None]:
    """Where addresses can be made."""
    with app.test_request_context():
        yield


def a_payment(**fields: Any) -> Payment:
    """MintCash's page, open for an hour; the shopper has left for it."""
    usual: dict[str, Any] = {
        "id": "0" * 16,
        "order_id": "0" * 32,
        "attempt": 1,
        "provider": "mintcash",
        "status": "created",
        "amount": 2800,
        "currency": "USD",
        "received": 0,
        "refunded": 0,
        "checks": 0,
        "page_url": "http://127.0.0.1:5001/page/1",
        "created_at": now(),
        "page_expires_at": now() + 60 * MINUTE,
    }
    return Payment(**usual | fields)


def an_order(status: str = "open") -> Order:
    return Order(
        id="0" * 32,
        number="KK-2222-2222",
        status=status,
        currency="USD",
        total=3200,
        credit=0,
        must_keep=0,
    )


RETURNS: list[dict[str, Any]] = [
    {"checks": 0},
    {"checks": 5},
    {"returned_at": now() - MINUTE, "checks": 0},
    {"returned_at": now() - MINUTE, "checks": 5},
]
PAGES: list[dict[str, Any]] = [
    {"page_url": None},
    {"page_url": "http://127.0.0.1:5001/page/1"},
    {"page_url": "http://127.0.0.1:5001/page/1", "next_action": QR},
]


@pytest.mark.parametrize("status", LADDER)
@pytest.mark.usefixtures("page")
def test_an_open_order_is_never_a_dead_end(status: str) -> None:
    """T10: it updates by itself, or the shopper can go on; once the page is over, she always can.

    With some of the money here, a person decides, and the page says how to reach one.
    """
    money = {"partially_paid": {"received": 800}, "refunded": {"received": 2800, "refunded": 2800}}
    for is_over, hint, page, came_back in product(
        (False, True), (None, "canceled", "failed"), PAGES, RETURNS
    ):
        ends = now() + (-MINUTE if is_over else MINUTE)
        looks = {**money.get(status, {}), **page, **came_back}
        payment = a_payment(status=status, hint=hint, page_expires_at=ends, **looks)
        view = describe(an_order(), payment)
        offers = view.can_retry or view.can_change
        told_whom_to_ask = "write to us" in view.sentence
        where = f"{view.state}: over {is_over}, {hint}, {page}, {came_back}"

        assert offers or told_whom_to_ask or not view.is_final, where
        assert offers or told_whom_to_ask or not is_over, where
        said = view.sentence + (view.slow_sentence if view.is_waiting else "")
        assert not (offers and "do not pay again" in said), where


@pytest.mark.parametrize("order_status", ["open", "held", "paid"])
@pytest.mark.parametrize("status", LADDER)
@pytest.mark.usefixtures("page")
def test_what_is_final_says_how_to_go_on(order_status: str, status: str) -> None:
    """T10: by another payment, by the goods, or by writing to a person."""
    for received, refunded in ((0, 0), (800, 0), (2800, 0), (2800, 800), (2800, 2800)):
        payment = a_payment(status=status, received=received, refunded=refunded)
        view = describe(an_order(order_status), payment)

        goes_on = view.can_retry or view.state == "paid" or "write to us" in view.sentence
        assert goes_on or not view.is_final, view.state


@pytest.mark.usefixtures("page")
def test_an_order_without_a_payment_can_be_paid() -> None:
    view = describe(an_order(), None)

    assert (view.state, view.can_retry, view.is_final) == ("unpaid", True, True)


# ------------------------------------------------------------------ back without a result


@pytest.fixture
def order_id(shopper: Shopper, mintcash_api: mintcash.Api, books: Books) -> str:
    """A candle, checked out: the shopper is on the payment page."""
    shopper.add("candle")
    shopper.check_out()
    return books.order.id


def state(page: str) -> str:
    found = re.search(r'data-state="(\w+)"', page)
    assert found
    return found.group(1)


@pytest.mark.parametrize(("provider", "minutes"), [("wipay", 3), ("hitpay", 60), ("mintcash", 60)])
def test_back_from_a_page_that_is_over_the_shopper_pays_again(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api, provider: str, minutes: int
) -> None:
    """T10: WiPay is unknown for 240 minutes, but its page closes after 3."""
    books.place_order({"candle": 1}, provider=provider)
    order_id = books.order.id
    with books.open(), transaction() as session:
        session.execute(update(Payment).values(page_expires_at=now() + minutes * MINUTE))
    shopper.get(f"/orders/{order_id}/return/{provider}")

    with time_machine.travel(now() + (minutes + 1) * MINUTE):
        page = shopper.get(f"/orders/{order_id}").text
        answer = shopper.post(f"/orders/{order_id}/payments", {"provider": "mintcash"})

    assert state(page) == "closed"
    assert "If you did, just wait" in page
    assert "do not pay again" not in page
    assert f'action="/orders/{order_id}/payments"' in page
    assert answer.location == mintcash_api.newest["redirectUrl"]
    assert len(books.payments) == 2


def test_back_from_a_page_on_which_the_provider_has_seen_no_payment_another_way_is_on_offer(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    """T10: MintCash was asked after the return, and still waits for the shopper."""
    shopper.get(f"/orders/{order_id}/return/mintcash")
    form = f'action="/orders/{order_id}/payments"'
    assert form not in shopper.get(f"/orders/{order_id}").text, "a moment for the webhook"

    books.make_checks_due()
    books.sweep()
    with time_machine.travel(now() + MINUTE):
        page = shopper.get(f"/orders/{order_id}").text

    assert state(page) == "waiting"
    assert "hx-get" in page
    assert "Not paid yet? Pay another way" in page
    assert form in page
    assert "do not pay again" not in page
    assert "comes back to you" in page


def test_what_is_authorized_is_not_told_to_pay_again_before_its_page_is_over(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    """T10: reserved money is not "no payment"; the page says to wait, and looks go on."""
    with books.open(), transaction() as session:
        looks = {"status": "authorized", "returned_at": now(), "checks": 4}
        session.execute(update(Payment).values(**looks))

    with time_machine.travel(now() + MINUTE):
        page = shopper.get(f"/orders/{order_id}").text

    assert "Please do not pay again" in page
    assert "/payments" not in page


# ------------------------------------------------------------------ words


def test_a_step_is_in_the_past_tense_once_it_is_true(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Seen by eye: "Confirmed by MintCash: now" stood there before MintCash had said a word."""

    def steps() -> list[str]:
        page = shopper.get(f"/orders/{order_id}").text
        page = page[page.index('class="steps"') :]
        labels = re.findall(
            r'(?s)<span>([^<>]+)</span>\s*<span class="visually-hidden">(.*?)<', page
        )
        return ["".join(each) for each in labels]

    away = steps()
    shopper.get(f"/orders/{order_id}/return/mintcash")
    waiting = steps()
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    paid = steps()
    books.work()

    left = "Left for the payment page: done"
    assert away == [
        *(left, "Paying at MintCash: now"),
        *("Confirming with MintCash: not yet", "Being packed: not yet"),
    ]
    assert waiting == [
        *(left, "Back with us: done"),
        *("Confirming with MintCash: now", "Being packed: not yet"),
    ]
    done = [left, "Back with us: done", "Confirmed by MintCash: done"]
    assert paid == [*done, "Being packed: now"]
    assert steps() == [*done, "Packed: done"]


def test_the_title_says_how_things_stand_and_follows_each_poll(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    """A tab in the background shows no more than its title."""

    def title(path: str) -> str:
        (found,) = re.findall(r"(?s)<title>(.*?)</title>", shopper.get(path).text)
        return str(found).strip()

    assert title(f"/orders/{order_id}").startswith("Confirming your payment: order KK-")

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert title(f"/orders/{order_id}/status").startswith("Paid: order KK-")
    assert title(f"/orders/{order_id}/status") == title(f"/orders/{order_id}")


def test_a_paid_order_shows_what_was_bought(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Seen by eye: whatever was bought, two mugs were shown."""
    shopper.add("candle")
    shopper.add("cookbook")
    shopper.check_out()
    path = f"/orders/{books.order.id}"
    assert 'id="bought"' not in shopper.get(path).text

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    (bought,) = re.findall(r'(?s)<ul[^>]*id="bought".*?</ul>', shopper.get(path).text)

    assert re.findall(r"products/([\w-]+)-900.webp\"", bought) == ["candle", "cookbook"]
    assert "Kiln candle" in bought
    assert "Slow Mornings" in bought


# ------------------------------------------------------------------ no worker


def wait_for_nothing(books: Books) -> None:
    """As if no worker had taken what is owed for three minutes."""
    with books.open(), transaction() as session:
        undone = update(OutboxTask).where(OutboxTask.done_at.is_(None))
        session.execute(undone.values(due_at=now() - 3 * MINUTE))


def test_without_a_worker_the_paid_page_says_that_it_takes_longer(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S28: the page said "Ready for you: now" with no download and no word."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert "longer than usual" not in shopper.get(f"/orders/{order_id}").text

    wait_for_nothing(books)
    late = shopper.get(f"/orders/{order_id}/status?was=paid").text
    books.work()
    done = shopper.get(f"/orders/{order_id}/status?was=paid").text

    assert "Your payment is safe. Preparing your order takes longer than usual" in late
    assert "hx-get" in late, "it updates by itself"
    assert "longer than usual" not in done


def test_work_that_was_given_up_takes_longer_too(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S28."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    with books.open(), transaction() as session:
        session.execute(update(OutboxTask).values(parked=True))

    assert "longer than usual" in shopper.get(f"/orders/{order_id}").text


def test_an_order_whose_money_is_disputed_is_not_called_safe(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S28, P7."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    wait_for_nothing(books)
    with books.open(), transaction() as session:
        session.execute(update(Payment).values(dispute="opened"))

    page = shopper.get(f"/orders/{order_id}").text

    assert "safe" not in page
    assert "a person looks at your order" in page


def test_a_letter_that_the_mail_server_does_not_take_leaves_the_order_ready(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S28: the goods are there, so the page is not late and stops asking."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()
    with books.open(), transaction() as session:
        order = session.scalars(select(Order.id)).one()
        due = now() - 60 * MINUTE
        session.add(OutboxTask(order_id=order, kind="send_receipt", due_at=due))

    page = shopper.get(f"/orders/{order_id}").text

    assert "longer than usual" not in page
    assert "hx-get" not in page[page.index('id="payment"') :][:400]
