"""The shop as it is often written: without one of its guards. Used by the table in guards.py."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import insert, select

import fulfilment
from database import database_clock, db, now, transaction, update_one
from models import Delivery, Order, OutboxTask, Payment
from payments import (
    attempts,
    closing,
    inbox,
    ladder,
    matching,
    pages,
    pings,
    replaced,
    returns,
)
from providers import mintcash
from providers.contract import News
from tools.explore.world import World

Off = Callable[[World], AbstractContextManager[Any]]


def patched(*places: tuple[Any, str, Any]) -> Off:
    """Other functions in place of the shop's."""

    @contextmanager
    def off(_: World) -> Iterator[None]:
        with all_of(patch.object(module, name, new) for module, name, new in places):
            yield

    return off


@contextmanager
def all_of(contexts: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for each in contexts:
            stack.enter_context(each)
        yield


# ------------------------------------------------------------------ what proves payment


def believe_the_return(order_id: str, provider: str, args: Any) -> str | None:
    """As shops do that take "success" in an address for a payment."""
    if args.get("status") == "success":
        with transaction():
            payment = db.session.scalars(select(Payment).where(Payment.order_id == order_id)).one()
            reference = payment.provider_reference or ""
            ladder.apply_news(payment, News(reference, None, "succeeded", word="return"))
    return returns.record_return(order_id, provider, args)


def mark_seen_first(provider: str, headers: Any, body: bytes) -> Any:
    """As shops do that look for repeats before they check the signature."""
    key = json.loads(body).get("eventId")
    with transaction() as session:
        known = session.scalar(select(Delivery).where(Delivery.event_key == key))
        if known is None:
            session.add(Delivery(provider=provider, event_key=key, verdict="ignored", event="seen"))
    return inbox.receive(provider, headers, body)


def key_of_the_payment(account: Any, headers: Any, body: bytes) -> Any:
    news = _READ_WEBHOOK(account, headers, body)
    return [replace(each, event_key=each.provider_reference) for each in news]


_READ_WEBHOOK = mintcash.read_webhook


# ------------------------------------------------------------------ the ladder


def climb_anywhere(payment_id: str, status: str, **values: Any) -> bool:
    return update_one(Payment, Payment.id == payment_id, status=status, **values) is not None


def set_to(payment_id: str, column: Any, amount: int) -> None:
    update_one(Payment, Payment.id == payment_id, **{column.key: amount})


def take_any_amount(payment: Payment, news: News) -> None:
    ladder.raise_to(payment.id, Payment.received, payment.amount)


def take_any_currency(payment: Payment, news: News) -> None:
    _COUNT_MONEY(payment, replace(news, currency=None))


_COUNT_MONEY = ladder.count_money


def pay_again(payment: Payment, payable: Any, must_keep: int) -> Order | None:
    paid = {"status": "paid", "paid_by": payment.id, "paid_at": now(), "must_keep": must_keep}
    return update_one(Order, Order.id == payment.order_id, **paid, held_code=None)


def find_by_ours(provider: str, news: News) -> Payment | None:
    named = db.session.get(Payment, news.reference) if news.reference else None
    return named or matching.find_payment(provider, news)


# ------------------------------------------------------------------ transactions


@contextmanager
def owe_after_the_commit(_: World) -> Iterator[None]:
    """As shops do that start the work once the order is saved."""
    owed: list[dict[str, str]] = []

    def owe(order: Order, more: list[str]) -> None:
        fulfilment.take_stock(order)
        owed.extend({"order_id": order.id, "kind": each} for each in fulfilment.tasks_for(order))

    @contextmanager
    def then_owe() -> Iterator[Any]:
        owed.clear()
        with transaction() as session:
            yield session
        if owed:
            with transaction() as session:
                session.execute(insert(OutboxTask).values(due_at=database_clock()), owed)

    with patch.object(ladder, "owe_goods", owe), patch.object(inbox, "transaction", then_owe):
        yield


@contextmanager
def call_inside(_: World) -> Iterator[None]:
    """As shops do that ask for the page before they commit the payment."""

    @contextmanager
    def joined() -> Iterator[Any]:
        session: Any = db.session()
        if session.info.get("in_transaction"):
            yield session
            session.flush()
        else:
            with transaction() as session:
                yield session

    def start(*args: Any) -> Any:
        with joined():
            return _START_ATTEMPT(*args)

    modules = (attempts, pages, closing, pings)
    with (
        all_of(patch.object(module, "transaction", joined) for module in modules),
        patch.object(attempts, "_start_attempt", start),
    ):
        yield


_START_ATTEMPT = attempts._start_attempt


@contextmanager
def without_immediate(world: World) -> Iterator[None]:
    world.connections.is_immediate = False
    yield
    world.connections.is_immediate = True


# ------------------------------------------------------------------ goods and refunds


def sell_what_is_gone(table: Any, which: Any, **values: Any) -> Any:
    product_only = which.clauses[0] if table.__tablename__ == "products" else which
    return update_one(table, product_only, **values)


def without_lock(order: Order) -> str | None:
    return replaced.paid_rival(order) if order.chain_id else None


@contextmanager
def another_reference(_: World) -> Iterator[None]:
    """As shops do that make up an idempotency key for each call."""
    count = iter(range(1000))

    def refund(account: Any, payment: Any, wanted: Any) -> Any:
        return _REFUND(
            account, payment, replace(wanted, reference=f"{wanted.reference}{next(count)}")
        )

    with patch.object(mintcash, "refund", refund):
        yield


_REFUND = mintcash.refund
