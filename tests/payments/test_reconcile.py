"""The webhook never comes: the provider is asked, less and less often, until it is decided."""

from datetime import timedelta
from typing import Any

import pytest
import responses
import time_machine
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

import payments
from database import now, transaction
from models import Payment
from payments import reconcile, timing
from providers import mintcash as provider
from providers.contract import News, Unreachable

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, ONE_OF_EACH, pay, tell
from ..races import (
    Barrier,
    after,
    assert_one_was_locked_out,
    at_once,
    before,
    check_then_act,
    read_before_writing,
)
from ..shopper import Shopper

# ------------------------------------------------------------------ found by asking


def test_a_paid_payment_without_webhook_or_return_is_found_within_two_minutes(
    books: Books, clock: time_machine.Traveller, away: dict[str, Any]
) -> None:
    """E2, N5."""
    away["status"] = "succeeded"

    for _ in range(2):
        clock.shift(60)
        books.sweep()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


UNUSABLE = [
    (500, '{"code": "internal", "message": "", "details": {}}'),
    (429, "slow down"),
    (401, '{"code": "unauthenticated", "message": "", "details": {}}'),
    (404, '{"code": "not_found", "message": "", "details": {}}'),
    (200, "<html>we are having a break</html>"),
    (200, '{"id": "ID", "status": "succ'),
    (200, "[]"),
    (200, "{}"),
    (200, '{"id": "another", "status": "succeeded", "amount": 28, "currency": "USD"}'),
    (200, '{"id": "ID", "status": "succeeded", "amount": "much", "currency": "USD"}'),
    (200, '{"id": "ID", "status": "succeeded", "amount": null, "currency": "USD"}'),
    (200, '{"id": "ID", "status": "failed", "amount": 28, "currency": 840}'),
    (200, '{"id": "ID", "status": "teleported", "amount": 28, "currency": "USD"}'),
    (200, '{"id": "ID", "status": ["succeeded"], "amount": 28, "currency": "USD"}'),
]


def test_an_unusable_answer_says_nothing_about_the_payment(
    books: Books, away: dict[str, Any]
) -> None:
    """E4: it is neither paid nor failed, and is asked for again."""
    url = f"{mintcash.API}/payments/{away['id']}"
    before = books.snapshot()

    for status, body in UNUSABLE:
        books.make_checks_due()
        with responses.RequestsMock() as broken:
            broken.get(url, status=status, body=body.replace("ID", away["id"]))
            books.sweep()
            assert len(broken.calls) == 1
        assert books.snapshot() == before, body

    away["status"] = "succeeded"
    books.make_checks_due()
    books.sweep()
    assert books.order.status == "paid"


@pytest.mark.parametrize(
    ("change", "code"), [({"amount": 1}, "amount"), ({"currency": "TTD"}, "currency")]
)
def test_an_answer_about_other_money_holds_the_order(
    books: Books,
    clock: time_machine.Traveller,
    away: dict[str, Any],
    change: dict[str, Any],
    code: str,
) -> None:
    """E6; as B1 and B2."""
    away.update(change, status="succeeded")

    clock.shift(timing.FIRST_CHECK)
    books.sweep()

    assert (books.order.status, books.order.held_code) == ("held", code)
    assert books.fulfilled() == {}
    assert books.stock("bud-vase") == 3


# ------------------------------------------------------------------ how often


@pytest.fixture
def expired(
    books: Books, clock: time_machine.Traveller, mintcash_api: mintcash.Api, away: dict[str, Any]
) -> dict[str, Any]:
    """The same payment, still pending at MintCash an hour later."""
    away["status"] = "pending"
    clock.shift(timedelta(minutes=61))
    books.sweep()
    assert mintcash_api.fetches == 1, "asked one last time before it is given up"
    assert books.payment.status == "expired"
    assert books.order.status == "open"
    return away


def test_pauses_grow_from_five_seconds_to_an_hour_and_end_after_a_day(
    books: Books, clock: time_machine.Traveller, mintcash_api: mintcash.Api, away: dict[str, Any]
) -> None:
    """E11: a payment that stays silent costs a few dozen questions, not thousands."""
    away["status"] = "pending"
    left_at, pauses = now(), []

    while due_at := books.payment.next_check_at:
        pauses.append((due_at - now()).total_seconds())
        clock.move_to(due_at)
        books.sweep()

    assert pauses[0] == 60
    assert pauses[1:11] == [5 * 2**n for n in range(10)]
    assert set(pauses[11:]) == {3600}
    assert timedelta(hours=25) < now() - left_at <= timedelta(hours=26)
    assert mintcash_api.fetches == len(pauses)
    assert books.payment.status == "expired"


@pytest.fixture
def silent_payment(books: Books, mintcash_api: mintcash.Api) -> str:
    """A payment whose check is due; MintCash would say that it is pending."""
    (payment,) = books.place_order({"candle": 1})
    mintcash_api.payments[payment["id"]] = {**payment, "status": "pending"}
    books.make_checks_due()
    return str(payment["externalId"])


def test_two_workers_that_check_one_payment_at_once_ask_once(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    mintcash_api: mintcash.Api,
    silent_payment: str,
) -> None:
    """E10; guard: the slot is taken by a conditional UPDATE before the provider is asked."""
    barrier = Barrier(expected=not on_sqlite)
    before(monkeypatch, reconcile, "update_one", barrier)

    answers = at_once(app, *[lambda: payments.check_payment(silent_payment)] * 2)

    assert barrier.passed is not on_sqlite
    assert mintcash_api.fetches == 1
    assert sorted(answer is None for answer in answers) == [False, True]
    assert (books.payment.status, books.payment.checks) == ("pending", 1)


def test_a_slot_that_is_checked_and_then_taken_is_taken_twice(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    mintcash_api: mintcash.Api,
    silent_payment: str,
) -> None:
    """E10, the twin.

    PostgreSQL: both workers ask. SQLite: without BEGIN IMMEDIATE one of them is locked out.
    """
    barrier = Barrier()
    check_then_act(monkeypatch, reconcile, Payment, barrier)
    if on_sqlite:
        read_before_writing(monkeypatch, reconcile, barrier)

    answers = at_once(app, *[lambda: payments.check_payment(silent_payment)] * 2)

    assert barrier.passed
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        assert mintcash_api.fetches == 2


# ------------------------------------------------------------------ expired, and paid later


def test_a_payment_that_was_paid_at_the_last_moment_does_not_expire(
    books: Books, clock: time_machine.Traveller, away: dict[str, Any]
) -> None:
    """E7."""
    away["status"] = "succeeded"

    clock.shift(timedelta(minutes=61))
    books.sweep()

    assert books.payment.status == "succeeded"
    assert books.order.status == "paid"


def test_money_that_comes_by_webhook_after_the_payment_expired_is_taken(
    books: Books, shopper: Shopper, expired: dict[str, Any]
) -> None:
    """B14, E7."""
    shopper.deliver(*event(expired, "succeeded"))
    books.work()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_money_that_is_found_after_the_payment_expired_is_taken(
    books: Books, clock: time_machine.Traveller, expired: dict[str, Any]
) -> None:
    """B14, E7: for a day the payment is still asked about."""
    expired["status"] = "succeeded"

    clock.shift(timedelta(hours=2))
    books.sweep()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_after_its_payment_expired_an_order_can_be_paid_again(
    books: Books, shopper: Shopper, mintcash_api: mintcash.Api, expired: dict[str, Any]
) -> None:
    """E7."""
    again = shopper.post(f"/orders/{books.order.id}/payments", {"provider": "mintcash"})

    assert mintcash_api.newest["id"] != expired["id"]
    assert again.location == mintcash_api.newest["redirectUrl"]
    assert [payment.status for payment in books.payments] == ["expired", "created"]


def test_a_payment_that_the_provider_does_not_know_is_not_checked_without_end(
    books: Books, mintcash_api: mintcash.Api
) -> None:
    """E7: 404 is an answer, unlike silence; after a day it is believed."""
    books.place_order({"candle": 1})

    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(26):
            clock.shift(timedelta(hours=1))
            books.sweep()

    assert books.payment.next_check_at is None
    assert books.payment.status == "expired"


def test_the_sweep_that_expires_silent_payments_leaves_a_paid_order_alone(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """E7, woocommerce/woocommerce-gateway-stripe#5485, #5486, #5759; mollie/magento2#1015."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    with books.open(), transaction() as session:  # as if the lost update had happened
        session.execute(update(Payment).values(expires_at=now(), next_check_at=now()))

    books.sweep()

    assert (books.order.status, books.payment.status) == ("paid", "succeeded")
    assert books.fulfilled() == ALL_EFFECTS


def test_a_provider_that_never_answers_is_not_asked_without_end(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11, juspay/hyperswitch#3675."""

    def silence(*call: Any) -> News:
        raise Unreachable("no answer")

    monkeypatch.setattr(provider, "fetch_payment", silence)
    books.place_order({"candle": 1})
    long_after = now() + 2 * timing.STOP_CHECKING

    with time_machine.travel(now()):
        books.make_checks_due()
        books.sweep()
        assert (books.payment.status, books.payment.next_check_at is None) == ("created", False)
    with time_machine.travel(long_after):
        books.make_checks_due()
        books.sweep()

    assert (books.payment.status, books.payment.next_check_at) == ("expired", None)
    assert "has not answered in time: look for it there" in str(books.payment.problem)


# ------------------------------------------------------------------ less than before


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
    books.make_checks_due()
    books.sweep()

    assert "after it had said that more money came" in str(books.payment.problem)
    assert books.payment.next_check_at is not None


# ------------------------------------------------------------------ told while it is asked


@pytest.fixture
def paid_while_asked(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    mintcash_api: mintcash.Api,
    silent_payment: str,
) -> None:
    """MintCash answers "pending"; before the answer is read, the payment succeeds and is told."""
    after(monkeypatch, provider, "fetch_payment", lambda: pay(app, mintcash_api.newest))


def test_an_answer_that_is_older_than_the_money_takes_nothing_back(
    books: Books, paid_while_asked: None
) -> None:
    """B13's kind: the answer was on its way when the webhook came."""
    books.sweep()
    books.work()

    assert (books.order.status, books.payment.problem, books.payment.dispute) == (
        "paid",
        None,
        None,
    )
    assert books.payment.next_check_at is None
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_an_older_answer_that_is_believed_takes_back_what_is_here(
    books: Books, monkeypatch: pytest.MonkeyPatch, paid_while_asked: None
) -> None:
    """The twin: without the comparison, goods that are paid for would be held back."""
    monkeypatch.setattr(reconcile, "_is_late", lambda here, asked: False)

    books.sweep()
    books.work()

    assert books.payment.dispute == "undone"
    assert books.fulfilled() == {}


def test_a_doubt_that_arises_while_it_is_asked_is_asked_about_again(
    books: Books,
    shopper: Shopper,
    monkeypatch: pytest.MonkeyPatch,
    mintcash_api: mintcash.Api,
) -> None:
    """The answer "succeeded" is older than the failure, and proves nothing about it."""
    (payment,) = books.place_order({"candle": 1})
    mintcash_api.payments[payment["id"]] = {**payment, "status": "succeeded"}
    shopper.deliver(*event(payment, "failed"))
    shopper.deliver(*event(payment, "succeeded"))
    failure = [event(payment, "failed")]

    def fail_once() -> None:
        if failure:
            payments.receive("mintcash", failure[0].headers, failure.pop().body)

    after(monkeypatch, provider, "fetch_payment", fail_once)

    with books.open():
        payments.check_payment(payment["externalId"])
    assert books.payment.dispute == "doubted"
    assert books.payment.next_check_at is not None

    books.make_checks_due()
    with books.open():
        payments.check_payment(payment["externalId"])
    assert books.payment.dispute is None
