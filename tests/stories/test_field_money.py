"""What went wrong with money in other shops, by the case's id: paid exactly when it is here."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import jobs
import payments
from database import db, now, transaction
from jobs import outbox
from models import Order, Payment
from payments import (
    attempts,
    inbox,
    ladder,
    refunds,
    release,
    replaced,
    reversals,
    send_refunds,
    timing,
)
from providers import mintcash as provider
from providers import money
from providers.contract import Checkout, News, Redirect, Unreachable

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..shopper import Shopper
from .test_races import Meeting, assert_one_was_locked_out, at_once, before, read_before_writing

ONE_OF_EACH = {"bud-vase": 1, "cookbook": 1, "gift-card": 1}
TOTAL = 69_00
ALL_EFFECTS = {"parcel": 1, "download": 1, "credit": 1, "mail": 1}


@pytest.fixture
def on_sqlite(database_url: str) -> bool:
    return database_url.startswith("sqlite")


def tell(books: Books, payment: dict[str, Any], **news: Any) -> None:
    """News of this payment in our own words, as an adapter would report it."""
    known = {"provider_reference": payment["id"], "reference": None, "word": "news", "status": None}
    with books.open(), transaction() as session:
        found = session.get_one(Payment, payment["externalId"])
        ladder.apply_news(found, News(**{**known, **news}))


def left_to_refund(books: Books) -> int:
    return int(
        books.read(lambda: payments.left_to_refund(db.session.scalars(select(Payment)).one()))
    )


# ------------------------------------------------------------------ the sum, not the word


@pytest.mark.parametrize(
    "news",
    [
        pytest.param({"status": "refunded", "amountRefunded": 69}, id="refunded"),
        pytest.param({"status": "partially_refunded", "amountRefunded": 69}, id="in_parts"),
        pytest.param({"status": "succeeded", "amountRefunded": 69}, id="succeeded"),
        pytest.param({"status": "voided", "amountRefunded": 0}, id="voided"),
    ],
)
def test_money_that_is_all_given_back_never_pays(
    shopper: Shopper, books: Books, news: dict[str, Any]
) -> None:
    """P2, razorpay/razorpay-woocommerce#664, mollie/WooCommerce#1252, polarsource/polar#9630."""
    (payment,) = books.place_order(ONE_OF_EACH)

    shopper.deliver(*event(payment, **news))
    shopper.deliver(*event(payment, "succeeded"))
    books.work()

    assert books.order.status != "paid"
    assert books.fulfilled() == {}
    assert left_to_refund(books) == 0


def test_a_part_that_was_refunded_before_the_success_holds_the_order(
    shopper: Shopper, books: Books
) -> None:
    """P2: what is left does not cover what was asked, and a person decides."""
    (payment,) = books.place_order(ONE_OF_EACH)

    shopper.deliver(*event(payment, "partially_refunded", amountRefunded=5))
    shopper.deliver(*event(payment, "succeeded"))

    assert (books.order.status, books.order.held_code) == ("held", "amount")
    assert "US$69.00 of US$69.00, of which US$5.00 was refunded" in str(books.order.held_reason)
    with books.open():
        payments.release_order(books.order.id)
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


MONEY_WORDS = ("succeeded", "partially_refunded", "refunded")


@st.composite
def tellings(draw: st.DrawFn) -> dict[str, Any]:
    """One piece of MintCash's news: any word, sum, currency and JSON type of the sums.

    Sums that contradict each other or the word are another case (T18).
    """
    word = draw(st.sampled_from((*MONEY_WORDS, "pending", "authorized", "failed", "voided")))
    currency = draw(st.sampled_from(("USD", "usd", "USD", "JPY", "KWD", "CAD")))
    code = currency.upper()
    near = st.sampled_from((0, 1, TOTAL - 1, TOTAL, TOTAL + 1, 2 * TOTAL))
    amount = draw(near)
    refunded = draw(near.filter(lambda sum_: sum_ <= amount))
    if word in ("partially_refunded", "refunded"):
        assume(refunded > 0)
    written = draw(st.sampled_from((float, str, Decimal)))
    as_written = {"amount": amount, "amountRefunded": refunded}
    for name, minor in as_written.items():
        major = money.to_major(minor, code)
        as_written[name] = float(major) if written is float else f"{major:f}"  # type: ignore[assignment]
    return {"status": word, "currency": currency, **as_written, "minor": (amount, refunded)}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(tellings(), min_size=1, max_size=5))
def test_an_order_is_paid_exactly_when_the_money_is_here(
    books: Books, history: list[dict[str, Any]]
) -> None:
    """P1, P2, P4, P14, P15: any sum, currency, type and order of news."""
    (payment,) = books.place_order(ONE_OF_EACH)
    received = refunded = 0
    voided = paid = False
    for telling in history:
        said_received, said_refunded = telling["minor"]
        word = telling["status"]
        if word in MONEY_WORDS and telling["currency"].upper() == "USD":
            received, refunded = max(received, said_received), max(refunded, said_refunded)
        voided = voided or word == "voided"
        paid = paid or (received - refunded >= TOTAL and not voided)
        delivery = event(payment, **{k: v for k, v in telling.items() if k != "minor"})
        with books.open():
            payments.receive("mintcash", delivery.headers, delivery.body)
    with books.open():
        found = db.session.get_one(Payment, payment["externalId"])
        assert (found.order.paid_by is not None) == paid
        assert found.received == received
        kept = 0 if voided else max(received - refunded, 0)
        assert found.kept == kept
        assert payments.left_to_refund(found) == min(kept, received - found.refund_asked)


# ------------------------------------------------------------------ money that goes away again


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


def test_a_failure_that_overtook_its_success_is_found_by_asking(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api
) -> None:
    """The same, told the other way round: only the provider knows which came last."""
    (payment,) = books.place_order(ONE_OF_EACH)
    mintcash_api.payments[payment["id"]] = {**payment, "status": "failed"}

    shopper.deliver(*event(payment, "failed"))
    shopper.deliver(*event(payment, "succeeded"))
    books.sweep()

    assert (books.order.status, books.payment.status) == ("paid", "succeeded")
    assert books.payment.problem == "mintcash says failed, after it had said that money came"
    assert books.payment.next_check_at is None


def test_a_refund_in_an_answer_with_a_smaller_total_is_counted(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api
) -> None:
    """A smaller total is shown to a person; what else the answer says still counts."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded", amount=70))
    known = {**payment, "status": "partially_refunded", "amountRefunded": 20}
    mintcash_api.payments[payment["id"]] = known
    tell(books, payment, check=True)
    books.sweep()

    assert books.payment.refunded == 2000
    assert "after it had said that more money came" in str(books.payment.problem)
    assert books.payment.next_check_at is None


def test_a_payment_in_parts_that_shrinks_is_asked_about_until_the_rest_has_come(
    books: Books, mintcash_api: mintcash.Api
) -> None:
    """A part that fell out of the chain is told to a person, and does not end the asking."""
    (payment,) = books.place_order(ONE_OF_EACH)
    tell(books, payment, status="partially_paid", amount=4000, currency="USD")
    mintcash_api.payments[payment["id"]] = {**payment, "status": "pending"}
    books.make_looks_due()
    books.sweep()

    assert "after it had said that more money came" in str(books.payment.problem)
    assert books.payment.next_check_at is not None


def test_each_thing_that_a_person_should_know_is_a_line(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded", amount=70))

    for _ in range(2):
        shopper.deliver(*event(payment, "partially_refunded", amount=70, amountRefunded=5.5))
        tell(books, payment, dispute="opened")

    assert str(books.payment.problem).splitlines() == [
        "US$1.00 more than the US$69.00 that was asked for",
        "mintcash refunded US$5.50 that this shop had not asked for",
        "the payer's bank disputes this payment: answer it at mintcash",
    ]


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


def test_what_a_person_refunds_on_purpose_holds_nothing_back(
    shopper: Shopper, books: Books
) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))

    with books.open():
        payments.refund(books.payment.id, "a" * 16, 500, "a scratch")
        order = db.session.get_one(Order, books.order.id)
        assert payments.money_is_here(order)
        db.session.rollback()


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


# ------------------------------------------------------------------ held, refunded, then released


def hold_short(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded", amount=68.99))
    assert books.order.status == "held"


def test_a_held_order_whose_refund_is_asked_for_is_not_released(
    shopper: Shopper, books: Books
) -> None:
    """T02: the provider has not done it yet, and the money is as good as gone."""
    hold_short(shopper, books)
    with books.open():
        payments.refund(books.payment.id, "a" * 16, 6899, "too little")

    with books.open(), pytest.raises(payments.CannotRelease):
        payments.release_order(books.order.id)
    answer = shopper.post(f"/console/orders/{books.order.id}/release")

    assert answer.status_code == 422
    assert "No money is here for this order" in answer.text
    assert (books.order.status, books.fulfilled()) == ("held", {})


def refund_and_release(books: Books) -> list[Callable[[], Any]]:
    payment_id, order_id = books.payment.id, books.order.id

    def refund() -> Any:
        try:
            return payments.refund(payment_id, "a" * 16, 6899, "too little")
        except payments.CannotRefund as error:
            return str(error)

    def release() -> Any:
        try:
            return payments.release_order(order_id)
        except payments.CannotRelease as error:
            return str(error)

    return [refund, release]


def test_a_refund_and_a_release_at_once_never_both_take_the_money(
    app: Flask, shopper: Shopper, books: Books
) -> None:
    """T02; guard: both lock the payment first, and goods ask once more."""
    hold_short(shopper, books)

    at_once(app, *refund_and_release(books))
    books.work()

    (asked,) = books.read(lambda: list(db.session.scalars(select(Payment.refund_asked))))
    assert not (asked and books.fulfilled())


def test_without_the_lock_a_release_does_not_see_the_refund(
    app: Flask,
    shopper: Shopper,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
) -> None:
    """T02, the twin: both find the money, and only the question at packing keeps the goods."""
    hold_short(shopper, books)
    meeting = Meeting()
    if on_sqlite:
        read_before_writing(monkeypatch, send_refunds, meeting)
        read_before_writing(monkeypatch, release, meeting)
        assert_one_was_locked_out(at_once(app, *refund_and_release(books)))
        return
    left = refunds.left_to_refund

    def stale(payment: Payment) -> int:
        found = left(payment)
        meeting()
        return found

    monkeypatch.setattr(refunds, "left_to_refund", stale)
    monkeypatch.setattr(reversals, "left_to_refund", stale)
    monkeypatch.setattr(Payment.__table__.select().__class__, "with_for_update", lambda self: self)
    at_once(app, *refund_and_release(books))
    assert meeting.happened
    assert books.payment.refund_asked == 6899
    assert books.order.status == "paid"


# ------------------------------------------------------------------ one order in place of another


def two_in_a_row(books: Books) -> list[dict[str, Any]]:
    """The shopper pressed "Pay", changed the cart, and pressed it again."""
    (first,) = books.place_order({"candle": 1})
    (second,) = books.place_order({"candle": 1, "cookbook": 1})
    with books.open():
        orders = [order_of(each) for each in (first, second)]
        payments.replace_order(*orders)
    return [first, second]


def order_of(payment: dict[str, Any]) -> str:
    return db.session.get_one(Payment, payment["externalId"]).order_id


def found_of(books: Books, payment: dict[str, Any]) -> tuple[Order, Payment]:
    with books.open():
        found = db.session.get_one(Payment, payment["externalId"])
        order = found.order
        db.session.expunge_all()
        return order, found


@pytest.mark.parametrize("paid_first", [0, 1], ids=["the_old_one_first", "the_new_one_first"])
def test_of_two_orders_of_one_cart_one_is_fulfilled(
    shopper: Shopper, books: Books, paid_first: int
) -> None:
    """S05, craftcms/commerce#3705, thelia/thelia#2324, mollie/WooCommerce#1204."""
    row = two_in_a_row(books)
    paid, late = row[paid_first], row[1 - paid_first]

    shopper.deliver(*event(paid, "succeeded"))
    shopper.deliver(*event(late, "succeeded"))
    shopper.deliver(*event(late, "succeeded", event_id="told again"))

    order, _ = found_of(books, paid)
    assert order.status == "paid"
    other, payment = found_of(books, late)
    assert (other.status, other.held_code, other.paid_by) == ("held", "replaced", None)
    assert order.number in str(other.held_reason)
    assert f"paid {order.number}): see its refund" in str(payment.problem)
    assert payment.refund_asked == payment.received
    with books.open(), pytest.raises(payments.CannotRelease):
        payments.release_order(other.id)
    page = shopper.get(f"/orders/{other.id}").text
    assert 'data-state="twice"' in page
    assert f"Order {order.number} took the place of this one" in page


def test_an_order_whose_cart_was_paid_otherwise_takes_no_money(
    shopper: Shopper, books: Books
) -> None:
    """S05: its page says so, and no press of "Pay" leads to a provider."""
    first, second = two_in_a_row(books)
    shopper.deliver(*event(first, "succeeded"))
    order, _ = found_of(books, second)

    page = shopper.get(f"/orders/{order.id}").text
    answer = shopper.post(f"/orders/{order.id}/payments", {"provider": "mintcash"})

    assert 'data-state="replaced"' in page
    assert "Nothing was charged for this one" in page
    assert answer.location.endswith(f"/orders/{order.id}")


def test_a_third_order_of_the_row_is_no_exception(shopper: Shopper, books: Books) -> None:
    """S05."""
    _, second = two_in_a_row(books)
    (third,) = books.place_order({"cookbook": 1})
    with books.open():
        payments.replace_order(order_of(second), order_of(third))

    shopper.deliver(*event(third, "succeeded"))
    shopper.deliver(*event(second, "succeeded"))

    assert found_of(books, third)[0].status == "paid"
    assert found_of(books, second)[0].held_code == "replaced"


def test_an_order_that_is_paid_already_is_not_replaced(shopper: Shopper, books: Books) -> None:
    """Who buys once more after paying buys twice, and gets both."""
    (first,) = books.place_order({"candle": 1})
    shopper.deliver(*event(first, "succeeded"))
    (second,) = books.place_order({"candle": 1})
    with books.open():
        payments.replace_order(order_of(first), order_of(second))

    shopper.deliver(*event(second, "succeeded"))

    assert found_of(books, second)[0].status == "paid"


def receive(payment: dict[str, Any]) -> Callable[[], str]:
    delivery = event(payment, "succeeded")
    return lambda: payments.receive("mintcash", delivery.headers, delivery.body).verdict


def test_two_orders_of_one_cart_that_are_paid_at_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """S05; guard: both wait for the first order of the row before they look at each other."""
    row = two_in_a_row(books)
    meeting = Meeting(expected=not on_sqlite)
    before(monkeypatch, ladder, "mark_paid", meeting)

    assert at_once(app, *map(receive, row)) == ["applied", "applied"]

    assert sorted(found_of(books, each)[0].status for each in row) == ["held", "paid"]


def test_without_the_wait_both_orders_of_one_cart_are_paid(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """S05, the twin."""
    row = two_in_a_row(books)
    meeting = Meeting()
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, meeting)
        assert_one_was_locked_out(at_once(app, *map(receive, row)))
        return

    def look_without_waiting(order: Order) -> bool:
        meeting()
        return replaced.paid_rival(order) is not None

    monkeypatch.setattr(replaced, "hold_if_paid_instead", look_without_waiting)
    at_once(app, *map(receive, row))
    assert [found_of(books, each)[0].status for each in row] == ["paid", "paid"]


# ------------------------------------------------------------------ pressed four times at once


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the provider was asked for, by a call that takes a while."""
    calls: list[str] = []
    lock = threading.Lock()

    def start_checkout(account: Any, payment: Any, urls: Any) -> Checkout:
        with lock:
            calls.append(payment.reference)
            number = len(calls)
        time.sleep(0.3)
        return Checkout(f"p{number}", Redirect(f"{mintcash.PAGE}/p{number}"))

    monkeypatch.setattr(provider, "start_checkout", start_checkout)
    return calls


def test_pressed_four_times_at_once_the_provider_is_asked_once(
    app: Flask, books: Books, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T13; guard: the press that asks says so in the payment's row."""
    monkeypatch.setattr(attempts, "OTHER_PRESS", 10 * attempts.OTHER_PRESS)  # a busy machine
    books.place_order({"candle": 1}, attempts=0)

    pages = at_once(app, *[lambda: payments.start(books.order.id, "mintcash")] * 4)

    assert len(asked) == 1
    assert set(pages) == {f"{mintcash.PAGE}/p1"}


def test_without_that_mark_each_press_asks(
    app: Flask, books: Books, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T13, the twin: three requests stay open at a provider that knows no idempotency key."""
    monkeypatch.setattr(attempts, "ASKING", -attempts.ASKING)
    books.place_order({"candle": 1}, attempts=0)

    at_once(app, *[lambda: payments.start(books.order.id, "mintcash")] * 4)

    assert len(asked) > 1


def test_a_press_that_fails_lets_the_next_one_ask(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """T13."""
    answer = provider.start_checkout

    def fail_once(*call: Any) -> Checkout:
        if not asked:
            asked.append("in vain")
            raise Unreachable("no answer")
        return answer(*call)

    monkeypatch.setattr(provider, "start_checkout", fail_once)
    books.place_order({"candle": 1}, attempts=0)
    with books.open(), pytest.raises(Unreachable):
        payments.start(books.order.id, "mintcash")

    with books.open():
        assert payments.start(books.order.id, "mintcash") == f"{mintcash.PAGE}/p2"


# ------------------------------------------------------------------ silence ends some day


def test_a_provider_that_never_answers_is_not_asked_for_ever(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11, juspay/hyperswitch#3675."""

    def silence(*call: Any) -> News:
        raise Unreachable("no answer")

    monkeypatch.setattr(provider, "fetch_payment", silence)
    books.place_order({"candle": 1})
    long_after = now() + 2 * timing.STOP_CHECKING

    with time_machine.travel(now()):
        books.make_looks_due()
        books.sweep()
        assert (books.payment.status, books.payment.next_check_at is None) == ("created", False)
    with time_machine.travel(long_after):
        books.make_looks_due()
        books.sweep()

    assert (books.payment.status, books.payment.next_check_at) == ("expired", None)
    assert "has not answered in time: look for it there" in str(books.payment.problem)


# ------------------------------------------------------------------ news that is not clear


def test_news_that_contradicts_itself_holds_the_order_until_it_is_clear(
    shopper: Shopper, books: Books
) -> None:
    """T18."""
    (payment,) = books.place_order(ONE_OF_EACH)

    tell(books, payment, problem="says succeeded and failed at once", check=True)

    assert (books.order.status, books.order.held_code) == ("held", "unclear")
    assert books.payment.problem == "says succeeded and failed at once"
    assert books.payment.next_check_at is not None
    shopper.deliver(*event(payment, "succeeded"))
    assert books.order.status == "paid"


def test_news_of_a_charge_is_joined_by_what_moved_the_money(books: Books) -> None:
    """P13, Sylius/StripePlugin#101, woocommerce/woocommerce-gateway-stripe#5478."""
    (payment,) = books.place_order(ONE_OF_EACH)
    tell(books, payment, status="succeeded", transaction_id="c1")
    charge = News("c1", None, "refunded", "charge", "k1", refunded=TOTAL, currency="USD")

    with books.open(), transaction():
        delivery = inbox.store_and_apply("mintcash", charge, {}, None)
        assert (delivery.verdict, delivery.payment_id) == ("applied", payment["externalId"])

    assert books.payment.refunded == TOTAL
