"""What guards against two at once, with real threads on real databases.

Every guard has a twin with that guard switched off, which must see the race: otherwise the test
with the guard proves nothing. On PostgreSQL the guard is a constraint, a lock or a conditional
UPDATE, and a :class:`Meeting` brings both threads to the moment between check and act. SQLite lets
only one transaction write at a time (``BEGIN IMMEDIATE``), so nobody ever meets there; without it,
the second transaction finds that what it read is out of date: ``database is locked``.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

import fulfilment
import jobs
import payments
from database import db, now, transaction, update_one
from jobs import outbox
from models import Customer, Order, OutboxTask, Payment, Product
from payments import attempts, inbox, ladder, reconcile
from providers import mintcash as provider
from providers.contract import News
from views import checkout

from .. import mintcash, postgres
from ..books import Books
from ..mintcash import event
from ..shopper import ANN, Shopper

ONE_OF_EACH = {"bud-vase": 1, "cookbook": 1, "gift-card": 1}
ALL_EFFECTS = {"parcel": 1, "download": 1, "credit": 1, "mail": 1}


class Meeting:
    """Threads wait here for each other, once; who has waited long enough goes on alone.

    Where a guard keeps the others out, no meeting is ``expected``, and the wait is short.
    """

    def __init__(self, threads: int = 2, expected: bool = True) -> None:
        self.barrier = threading.Barrier(threads)
        self.patience = 20.0 if expected else 0.3
        self.happened = False

    def __call__(self) -> None:
        if self.happened:
            return
        with suppress(threading.BrokenBarrierError):  # and it stays broken: the next may pass
            self.barrier.wait(self.patience)
            self.happened = True


def before(patch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], None]) -> None:
    """Do ``act`` each time just before ``module.name`` runs."""
    original = getattr(module, name)

    def run(*args: Any, **options: Any) -> Any:
        act()
        return original(*args, **options)

    patch.setattr(module, name, run)


def at_once(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """Each in a thread and an app context of its own, let go together.

    What each returned, or the database's error, in their order.
    """
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            gate.wait(10)
            try:
                return work()
            except DBAPIError as error:
                return error
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def receive(delivery: mintcash.Delivery) -> Callable[[], str]:
    return lambda: payments.receive("mintcash", delivery.headers, delivery.body).verdict


def check_then_act(
    patch: pytest.MonkeyPatch, module: Any, guarded: Any, between: Callable[[], None]
) -> None:
    """``update_one`` as it is often written: look first, then write whatever was found."""
    original = update_one

    def unguarded(table: Any, which: Any, **values: Any) -> Any:
        if table is not guarded:
            return original(table, which, **values)
        found = db.session.scalar(select(table.id).where(which))
        between()
        return found and original(table, table.id == found, **values)

    patch.setattr(module, "update_one", unguarded)


def read_before_writing(patch: pytest.MonkeyPatch, module: Any, between: Meeting) -> None:
    """``transaction`` without ``BEGIN IMMEDIATE``, in which something is looked up first."""

    @contextmanager
    def deferred() -> Iterator[Session]:
        db.session.rollback()
        db.session.execute(select(Order.id).limit(1)).all()
        between()
        try:
            yield db.session()
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise

    patch.setattr(module, "transaction", deferred)


def errors_of(answers: list[Any]) -> list[DBAPIError]:
    return [answer for answer in answers if isinstance(answer, DBAPIError)]


def assert_one_was_locked_out(answers: list[Any]) -> None:
    (error,) = errors_of(answers)
    assert isinstance(error, OperationalError)
    assert "database is locked" in str(error)


@pytest.fixture
def on_sqlite(database_url: str) -> bool:
    return database_url.startswith("sqlite")


# ------------------------------------------------------------------ the same news, many times


@pytest.mark.parametrize("round_", range(3))
def test_the_same_delivery_many_times_at_once_is_applied_once(
    app: Flask, books: Books, round_: int
) -> None:
    """C2, N1; guard: the inbox key is unique."""
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")

    verdicts = at_once(app, *[receive(delivery)] * 16)

    assert Counter(verdicts) == {"applied": 1, "repeat": 15}
    (row,) = books.deliveries
    assert (row.verdict, row.seen) == ("applied", 16)
    assert books.order.status == "paid"
    assert books.stock("bud-vase") == 2
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_without_a_key_the_same_delivery_is_taken_for_new_each_time(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C2, the twin. The order is still paid once: that is another guard, tested below."""
    read = provider.read_webhook

    def read_without_key(*args: Any) -> list[News]:
        return [replace(news, event_key=None) for news in read(*args)]

    monkeypatch.setattr(provider, "read_webhook", read_without_key)
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")

    verdicts = at_once(app, *[receive(delivery)] * 16)

    assert len(books.deliveries) == 16
    assert "repeat" not in verdicts


# ------------------------------------------------------------------ two payments, one order


def test_two_payments_of_one_order_that_succeed_at_once_fulfil_it_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """B20; guard: the conditional UPDATE of the order."""
    meeting = Meeting(expected=not on_sqlite)
    before(monkeypatch, ladder, "pay_or_hold", meeting)
    first, second = books.place_order(ONE_OF_EACH, attempts=2)

    verdicts = at_once(app, receive(event(first, "succeeded")), receive(event(second, "succeeded")))

    assert verdicts == ["applied", "applied"]
    assert meeting.happened is not on_sqlite
    order = books.order
    assert order.status == "paid"
    problems = {payment.id: payment.problem for payment in books.payments}
    assert problems.pop(str(order.paid_by)) is None
    (problem,) = problems.values()
    assert problem == f"second payment for one order (paid by {order.paid_by}): see its refund"
    assert books.stock("bud-vase") == 2
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_an_order_that_is_checked_and_then_paid_is_paid_twice(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """B20, the twin.

    PostgreSQL: both payments find an open order and write down what is owed; only the unique
    outbox stops the second. SQLite: without BEGIN IMMEDIATE one of them is locked out.
    """
    meeting, owed = Meeting(), []
    check_then_act(monkeypatch, ladder, Order, meeting)
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, meeting)
    before(monkeypatch, ladder, "owe_goods", lambda: owed.append(threading.get_ident()))
    first, second = books.place_order(ONE_OF_EACH, attempts=2)

    answers = at_once(app, receive(event(first, "succeeded")), receive(event(second, "succeeded")))

    assert meeting.happened
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        assert len(owed) == 2
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "uq_outbox_order_id_kind" in str(error)


# ------------------------------------------------------------------ one vase, two orders


@pytest.fixture
def two_orders_for_the_last_vase(books: Books) -> list[dict[str, Any]]:
    with books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=1))
    return [*books.place_order({"bud-vase": 1}), *books.place_order({"bud-vase": 1, "candle": 1})]


def test_the_last_vase_bought_twice_at_once_is_sold_once(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    two_orders_for_the_last_vase: list[dict[str, Any]],
) -> None:
    """C9; guard: the conditional UPDATE of the stock."""
    meeting = Meeting(expected=not on_sqlite)
    before(monkeypatch, fulfilment, "take_stock", meeting)

    verdicts = at_once(
        app, *[receive(event(each, "succeeded")) for each in two_orders_for_the_last_vase]
    )

    assert verdicts == ["applied", "applied"]
    assert meeting.happened is not on_sqlite
    query = select(Order.status, Order.held_code)
    states = books.read(lambda: db.session.execute(query).all())
    assert set(map(tuple, states)) == {("paid", None), ("held", "stock")}
    assert books.stock("bud-vase") == 0
    books.work()
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_stock_that_is_checked_and_then_taken_is_sold_twice(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    two_orders_for_the_last_vase: list[dict[str, Any]],
) -> None:
    """C9, the twin.

    PostgreSQL: both find a vase, and only the CHECK constraint keeps the stock from going below
    zero. SQLite: without BEGIN IMMEDIATE one of them is locked out.
    """
    meeting = Meeting()
    check_then_act(monkeypatch, fulfilment, Product, meeting)
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, meeting)

    answers = at_once(
        app, *[receive(event(each, "succeeded")) for each in two_orders_for_the_last_vase]
    )

    assert meeting.happened
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "ck_products_stock_not_negative" in str(error)


# ------------------------------------------------------------------ four workers, one outbox


def claims_of_workers(
    app: Flask, books: Books, patch: pytest.MonkeyPatch, workers: int
) -> list[tuple[int, int]]:
    """Five paid orders and so many workers at once: (task, attempt) of all that was claimed.

    Nobody starts before everybody has claimed something.
    """
    for _ in range(5):
        (payment,) = books.place_order({"candle": 1, "cookbook": 1, "gift-card": 1})
        at_once(app, receive(event(payment, "succeeded")))
    meeting, claims, do_task = Meeting(workers), [], outbox.do_task

    def note_and_do(task_id: int, attempt: int) -> None:
        claims.append((task_id, attempt))
        meeting()
        do_task(task_id, attempt)

    patch.setattr(outbox, "do_task", note_and_do)
    assert at_once(app, *[jobs.work_off_outbox] * workers) == [None] * workers
    assert meeting.happened
    return claims


def test_four_workers_do_every_task_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6, E10; guard: a task is found and leased by one statement."""
    claims = claims_of_workers(app, books, monkeypatch, workers=4)

    assert sorted(claims) == [(task.id, 1) for task in books.tasks]
    assert len(claims) == 20
    assert all(task.status == "done" for task in books.tasks)
    assert books.fulfilled() == {name: 5 * count for name, count in ALL_EFFECTS.items()}


def test_a_task_that_is_found_and_then_leased_is_claimed_twice(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6, the twin. Each effect still happens once: the lease is checked again at the end."""
    meeting = Meeting()

    def find_then_lease(lane: str) -> tuple[int, int] | None:
        due = select(OutboxTask.id).where(OutboxTask.done_at.is_(None), OutboxTask.due_at <= now())
        found = db.session.scalar(due.order_by(OutboxTask.due_at, OutboxTask.id).limit(1))
        db.session.rollback()
        meeting()
        if found is None:
            return None
        with transaction() as session:
            task = session.get_one(OutboxTask, found, with_for_update=True)
            task.due_at, task.attempts = now() + timedelta(hours=1), task.attempts + 1
            return task.id, task.attempts

    monkeypatch.setattr(outbox, "claim_task", find_then_lease)

    claims = claims_of_workers(app, books, monkeypatch, workers=2)

    times = Counter(task_id for task_id, _ in claims)
    assert max(times.values()) == 2
    assert books.fulfilled() == {name: 5 * count for name, count in ALL_EFFECTS.items()}


# ------------------------------------------------------------------ "Pay", pressed twice


@pytest.fixture
def two_presses(
    app: Flask,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Callable[[], Any]]:
    """One session in two tabs, both about to press "Pay" with the same cart.

    Ann has bought here before: for a new customer her unique address would be a guard of its own.
    The imitated MintCash answers one call at a time, as it would with a lock of its own.
    """
    with books.open(), transaction() as session:
        session.add(Customer(email=ANN["email"]))
    one_at_a_time, start_checkout = threading.Lock(), provider.start_checkout

    def start_alone(*args: Any) -> Any:
        with one_at_a_time:
            return start_checkout(*args)

    monkeypatch.setattr(provider, "start_checkout", start_alone)
    shopper.add("candle")
    cookie = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert cookie
    tabs = [Shopper(app, token=shopper.token) for _ in range(2)]
    for tab in tabs:
        tab.client.set_cookie("shop", cookie.value, domain="127.0.0.1")
    return [tab.check_out for tab in tabs]


def test_pay_pressed_twice_at_once_makes_one_order_and_one_payment(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    mintcash_api: mintcash.Api,
    two_presses: list[Callable[[], Any]],
) -> None:
    """C6; guards: the cart's key is unique among orders, and the order is locked for an attempt."""
    meeting = Meeting(expected=not on_sqlite)
    before(monkeypatch, checkout, "find_or_add_customer", meeting)

    first, second = at_once(app, *two_presses)

    assert meeting.happened is not on_sqlite
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location == mintcash_api.newest["redirectUrl"]
    assert books.payment.order_id == books.order.id
    assert len(mintcash_api.payments) == 1


@contextmanager
def constraint_dropped(database_url: str, table: str, name: str, columns: str) -> Iterator[None]:
    """PostgreSQL's database is shared by all tests of a session: the constraint comes back."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
        try:
            yield
        finally:
            postgres.restore(database_url)
            statement = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})"
            connection.execute(statement.encode())


def test_a_cart_that_is_looked_up_and_then_ordered_is_ordered_twice(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    database_url: str,
    two_presses: list[Callable[[], Any]],
) -> None:
    """C6, the twin of the unique key.

    PostgreSQL: without the constraint there are two orders. SQLite: without BEGIN IMMEDIATE one
    press is locked out, and answered with 503.
    """
    meeting = Meeting()
    if on_sqlite:
        read_before_writing(monkeypatch, checkout, meeting)
        answers = at_once(app, *two_presses)
        assert sorted(answer.status_code for answer in answers) == [303, 503]
    else:
        before(monkeypatch, checkout, "find_or_add_customer", meeting)
        with constraint_dropped(database_url, "orders", "uq_orders_cart_key", "cart_key"):
            first, second = at_once(app, *two_presses)
            assert first.location != second.location
            assert books.count(Order) == 2
    assert meeting.happened


@contextmanager
def before_insert(table: Any, act: Callable[[], None]) -> Iterator[None]:
    def listener(*_: object) -> None:
        act()

    sqlalchemy_event.listen(table, "before_insert", listener)
    try:
        yield
    finally:
        sqlalchemy_event.remove(table, "before_insert", listener)


def test_an_order_that_is_not_locked_gets_the_same_attempt_twice(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
) -> None:
    """C6, the twin of the lock.

    PostgreSQL: without FOR UPDATE both presses find no attempt and make the first; only the unique
    number of the attempt stops one. SQLite: without BEGIN IMMEDIATE one is locked out.
    """
    meeting, get = Meeting(), Session.get
    books.place_order({"candle": 1}, attempts=0)
    order_id = books.order.id

    def get_without_lock(*args: Any, with_for_update: bool = False, **options: Any) -> Any:
        return get(*args, **options)

    monkeypatch.setattr(Session, "get", get_without_lock)
    if on_sqlite:
        read_before_writing(monkeypatch, attempts, meeting)

    with before_insert(Payment, meeting):
        answers = at_once(
            app,
            *[lambda: attempts.open_attempt(order_id, payments.providers()["mintcash"], "")] * 2,
        )

    assert meeting.happened
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "uq_payments_order_id_attempt" in str(error)


def test_two_attempts_at_once_are_one_attempt(app: Flask, books: Books) -> None:
    """C6; guard: the order is locked while an attempt is looked for."""
    books.place_order({"candle": 1}, attempts=0)
    order_id = books.order.id

    answers = at_once(
        app, *[lambda: attempts.open_attempt(order_id, payments.providers()["mintcash"], "")] * 8
    )

    assert {request.reference for request, _ in answers} == {books.payment.id}


# ------------------------------------------------------------------ two look at one payment


def asked(api: mintcash.Api) -> int:
    return sum(call.request.method == "GET" for call in api.mock.calls)


@pytest.fixture
def silent_payment(books: Books, mintcash_api: mintcash.Api) -> str:
    """A payment that is due for a look; MintCash would say that it is pending."""
    (payment,) = books.place_order({"candle": 1})
    mintcash_api.payments[payment["id"]] = {**payment, "status": "pending"}
    books.make_looks_due()
    return str(payment["externalId"])


def test_two_workers_who_look_at_one_payment_at_once_ask_once(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    mintcash_api: mintcash.Api,
    silent_payment: str,
) -> None:
    """E10; guard: the slot is taken by a conditional UPDATE before the provider is asked."""
    meeting = Meeting(expected=not on_sqlite)
    before(monkeypatch, reconcile, "update_one", meeting)

    answers = at_once(app, *[lambda: payments.check_payment(silent_payment)] * 2)

    assert meeting.happened is not on_sqlite
    assert asked(mintcash_api) == 1
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
    meeting = Meeting()
    check_then_act(monkeypatch, reconcile, Payment, meeting)
    if on_sqlite:
        read_before_writing(monkeypatch, reconcile, meeting)

    answers = at_once(app, *[lambda: payments.check_payment(silent_payment)] * 2)

    assert meeting.happened
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        assert asked(mintcash_api) == 2


# ------------------------------------------------------------------ everybody


def test_webhook_return_worker_and_order_page_in_the_same_instant_fulfil_once(
    app: Flask, books: Books, mintcash_api: mintcash.Api
) -> None:
    """C4."""
    (payment,) = books.place_order(ONE_OF_EACH)
    mintcash_api.payments[payment["id"]] = {**payment, "status": "succeeded"}
    books.make_looks_due()
    order_id, payment_id = books.order.id, payment["externalId"]
    delivery = event(payment, "succeeded")
    webhook, back, page = (Shopper(app) for _ in range(3))

    answers = at_once(
        app,
        lambda: webhook.deliver(*delivery).status_code,
        lambda: back.get(f"/orders/{order_id}/return/mintcash").status_code,
        lambda: page.get(f"/orders/{order_id}/status").status_code,
        lambda: jobs.check(payment_id),
        lambda: jobs.sweep(),
    )

    assert answers == [200, 303, 200, None, None]
    assert books.order.status == "paid"
    assert books.stock("bud-vase") == 2
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_two_shoppers_with_one_new_address_at_once_both_get_to_pay(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, mintcash_api: mintcash.Api
) -> None:
    """C11: a phone and a laptop, one person, the first order of each."""
    meeting, shoppers = Meeting(expected=False), [Shopper(app), Shopper(app)]
    for each in shoppers:
        each.add("candle")
    before(monkeypatch, checkout, "find_or_add_customer", meeting)

    answers = at_once(app, *[each.check_out for each in shoppers])

    assert [answer.status_code for answer in answers] == [303, 303]
    assert books.count(Order) == 2
    assert books.count(Customer) == 1
