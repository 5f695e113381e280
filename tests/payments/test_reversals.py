"""Money that goes away again is shown to a person, and goods leave only while it is here."""

from typing import Any

import pytest
import time_machine

import jobs
import payments
from database import now
from jobs import outbox

from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, ONE_OF_EACH, TOTAL, left_to_refund, tell
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
