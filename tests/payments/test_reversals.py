"""Money that goes away again is shown to a person, and goods leave only while it is here."""

from typing import Any

import pytest
import time_machine
from sqlalchemy import select

import jobs
import payments
from database import db, now
from jobs import outbox
from models import Credit
from payments import reversals

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, COOKBOOK, ONE_OF_EACH, TOTAL, left_to_refund, receive, tell
from ..races import before
from ..shopper import Shopper

# ------------------------------------------------------------------ money that goes away


@pytest.mark.parametrize(
    ("news", "words"),
    [
        pytest.param({"status": "voided"}, "voided this payment", id="void"),
        pytest.param({"status": "refunded", "refunded": TOTAL}, "refunded US$69.00", id="refund"),
        pytest.param({"dispute": "opened"}, "disputes this payment", id="dispute"),
        pytest.param({"dispute": "lost"}, "took this payment back", id="chargeback"),
    ],
)
def test_money_that_goes_away_is_shown_and_cannot_be_refunded(
    shopper: Shopper, books: Books, news: dict[str, Any], words: str
) -> None:
    """P7, woocommerce-gateway-stripe#1378, woocommerce-paypal-payments#712."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))

    tell(books, payment, **news)
    tell(books, payment, **news)

    assert books.order.status == "paid"
    assert words in str(books.payment.problem)
    assert len(str(books.payment.problem).splitlines()) == 1
    assert left_to_refund(books) == 0
    with books.open(), pytest.raises(payments.CannotRefund):
        payments.refund(books.payment.id, "a" * 16, 1, "broken")
    page = shopper.get(f"/console/orders/{books.order.id}").text
    assert words in page
    assert "up to US$" not in page


def test_a_failure_after_the_money_had_come_is_shown_to_a_person(
    shopper: Shopper, books: Books
) -> None:
    """A reorganised chain, btcpayserver/btcpayserver#1375: the order stays paid (D2)."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))

    shopper.deliver(*event(payment, "failed"))

    assert (books.order.status, books.payment.status) == ("paid", "succeeded")
    assert "says failed, after it had said that money came" in str(books.payment.problem)


# ------------------------------------------------------------------ goods leave while it is here


def test_goods_are_held_back_when_the_money_went_away(shopper: Shopper, books: Books) -> None:
    """T02's kind: asked again when a parcel is packed, a download opened, a credit granted."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    shopper.deliver(*event(payment, "refunded", amountRefunded=69))

    books.work()

    assert books.fulfilled() == {}
    assert {(task.kind, task.status) for task in books.tasks} == {
        (kind, "parked") for kind in ("parcel", "download", "credit", "receipt")
    }
    assert all("MoneyIsGone" in str(task.last_error) for task in books.tasks)


def test_goods_that_wait_for_a_dispute_leave_when_it_is_won(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    tell(books, payment, dispute="opened")
    books.work()
    assert books.fulfilled() == {}

    tell(books, payment, dispute="won")
    tell(books, payment, dispute="opened")  # told late, it is old news
    books.work()

    assert books.fulfilled() == ALL_EFFECTS


def test_goods_that_wait_for_the_rest_of_the_money_leave_when_it_is_told(
    shopper: Shopper, books: Books
) -> None:
    """P3's kind: a second payment's refund is told before that payment."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    shopper.deliver(*event(payment, "partially_refunded", amountRefunded=69))
    books.work()
    assert books.fulfilled() == {}

    shopper.deliver(*event(payment, "partially_refunded", amount=138, amountRefunded=69))
    books.work()

    assert books.fulfilled() == ALL_EFFECTS


def test_money_that_comes_back_while_goods_are_being_held_back_is_not_missed(
    shopper: Shopper, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispute is won between the question and the parking of the task."""
    (payment,) = books.place_order({"cookbook": 1})
    shopper.deliver(*event(payment, "succeeded"))
    tell(books, payment, dispute="opened")
    won: list[bool] = []

    def win() -> None:
        if not won:
            won.append(True)
            tell(books, payment, dispute="won")

    before(monkeypatch, outbox, "postpone", win)
    books.work()
    with time_machine.travel(now() + outbox.LONGEST_PAUSE):
        books.work()

    assert won
    assert all(task.status == "done" for task in books.tasks)
    assert books.fulfilled() == {"download": 1, "mail": 1}


def test_a_person_may_let_goods_leave_for_what_is_left(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    shopper.deliver(*event(payment, "partially_refunded", amountRefunded=20))
    books.work()
    assert books.fulfilled() == {}

    with books.open():
        for task in books.tasks:
            jobs.retry_parked(task.id)
        jobs.work_off_outbox()

    assert books.fulfilled() == ALL_EFFECTS


# ------------------------------------------------------------------ money in doubt


@pytest.fixture
def doubted(shopper: Shopper, books: Books, mintcash_api: mintcash.Api) -> dict[str, Any]:
    """Paid, then told as failed, and MintCash is not asked yet: change what it will answer."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    shopper.deliver(*event(payment, "failed"))
    assert books.payment.dispute == "doubted"
    mintcash_api.payments[payment["id"]] = {**payment, "status": "failed"}
    return mintcash_api.newest


def ask(books: Books) -> None:
    with books.open():
        payments.check_payment(books.payment.id)


@pytest.mark.parametrize(
    ("answer", "mark", "effects"),
    [
        pytest.param({"status": "succeeded"}, None, ALL_EFFECTS, id="it was old news"),
        pytest.param({"status": "failed"}, "undone", {}, id="failed"),
        pytest.param({"status": "pending"}, "undone", {}, id="not yet"),
        pytest.param({"status": "succeeded", "amount": 1}, "undone", {}, id="a part is left"),
        pytest.param({"status": "voided"}, None, {}, id="voided"),
        pytest.param({"id": "unknown"}, "doubted", {}, id="no answer"),
    ],
)
def test_goods_wait_until_the_provider_has_answered_and_its_answer_decides(
    books: Books,
    doubted: dict[str, Any],
    answer: dict[str, Any],
    mark: str | None,
    effects: dict[str, int],
) -> None:
    """Neither parcel, download, credit nor receipt; and what was received never falls."""
    books.work()
    assert books.fulfilled() == {}

    doubted.update(answer)
    ask(books)
    books.work()

    assert (books.payment.dispute, books.fulfilled()) == (mark, effects)
    assert (books.order.status, books.payment.received) == ("paid", TOTAL)


def test_a_dispute_that_opens_while_money_is_doubted_is_not_ended_by_an_answer(
    books: Books, doubted: dict[str, Any]
) -> None:
    """The bank's mark replaces the doubt."""
    doubted["status"] = "succeeded"

    tell(books, doubted, dispute="opened")
    ask(books)
    books.work()

    assert books.payment.dispute == "opened"
    assert books.fulfilled() == {}


def test_a_failure_told_after_a_dispute_leaves_the_mark_of_the_dispute(
    shopper: Shopper, books: Books
) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    tell(books, payment, dispute="opened")
    tell(books, payment, dispute="won")

    shopper.deliver(*event(payment, "failed"))

    assert books.payment.dispute == "won"


def test_a_person_may_end_a_doubt_that_no_answer_ends(
    shopper: Shopper, books: Books, doubted: dict[str, Any]
) -> None:
    """The provider does not answer: a person has looked there, and tries the goods again."""
    doubted["id"] = "unknown"
    books.work()
    ask(books)
    assert "in doubt" in shopper.get(f"/console/orders/{books.order.id}").text

    with books.open():
        for task in books.tasks:
            jobs.retry_parked(task.id)
        jobs.work_off_outbox()

    assert books.fulfilled() == ALL_EFFECTS


def test_a_person_cannot_let_goods_leave_for_money_that_the_provider_says_is_gone(
    shopper: Shopper, books: Books, doubted: dict[str, Any]
) -> None:
    ask(books)
    books.work()
    page = shopper.get(f"/console/orders/{books.order.id}").text
    assert reversals.UNDONE in page
    assert "money gone" in page

    with books.open():
        for task in books.tasks:
            jobs.retry_parked(task.id)
        jobs.work_off_outbox()

    assert books.fulfilled() == {}


def test_a_gift_card_goes_with_the_money_that_bought_it_and_comes_with_it(
    books: Books, doubted: dict[str, Any]
) -> None:
    doubted["status"] = "succeeded"
    ask(books)
    books.work()

    for status, balance in (("pending", 0), ("succeeded", 25_00)):
        doubted["status"] = status
        tell(books, doubted, check=True)
        ask(books)
        assert books.read(lambda: db.session.scalars(select(Credit.balance)).one()) == balance


def test_goods_that_are_just_leaving_wait_for_the_failure_that_is_being_told(
    shopper: Shopper, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told between the claim of a task and its transaction; guard: asked inside it, row locked."""
    (payment,) = books.place_order(COOKBOOK)
    shopper.deliver(*event(payment, "succeeded"))
    failure = [event(payment, "failed")]

    def fail() -> None:
        if failure:
            receive(failure.pop())()

    before(monkeypatch, outbox, "do_task", fail)
    books.work()

    assert books.fulfilled() == {}
