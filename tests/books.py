"""What stands in the database, for tests that check what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select, update

import jobs
from models import (
    Credit,
    Delivery,
    Download,
    Mail,
    Order,
    OutboxTask,
    Parcel,
    Payment,
    Product,
    db,
    now,
    transaction,
)


@dataclass(frozen=True)
class Books:
    app: Flask

    @contextmanager
    def open(self) -> Iterator[None]:
        with self.app.app_context():
            yield
            db.session.rollback()

    def read(self, query: Callable[[], Any]) -> Any:
        with self.open():
            return query()

    def count(self, table: Any) -> int:
        return int(self.read(lambda: db.session.scalar(select(func.count()).select_from(table))))

    @property
    def order(self) -> Order:
        """The only order there is."""
        with self.open():
            order = db.session.scalars(select(Order)).one()
            db.session.expunge(order)
            return order

    @property
    def payments(self) -> list[Payment]:
        with self.open():
            found = list(db.session.scalars(select(Payment).order_by(Payment.attempt)))
            db.session.expunge_all()
            return found

    @property
    def payment(self) -> Payment:
        (only,) = self.payments
        return only

    @property
    def deliveries(self) -> list[Delivery]:
        with self.open():
            found = list(db.session.scalars(select(Delivery).order_by(Delivery.id)))
            db.session.expunge_all()
            return found

    def stock(self, slug: str) -> int | None:
        query = select(Product.stock).where(Product.slug == slug)
        found: int | None = self.read(lambda: db.session.scalar(query))
        return found

    def fulfilled(self) -> dict[str, int]:
        """How many of each effect there are."""
        tables = {"parcel": Parcel, "download": Download, "credit": Credit, "mail": Mail}
        return {name: count for name, table in tables.items() if (count := self.count(table))}

    def snapshot(self) -> list[Any]:
        """Everything that a refused delivery must leave alone."""
        orders = select(Order.id, Order.status, Order.held_reason)
        payments = select(Payment.id, Payment.status, Payment.received, Payment.provider_reference)
        with self.open():
            return [
                db.session.execute(query).all()
                for query in (
                    orders,
                    payments,
                    select(Product.slug, Product.stock).order_by(Product.slug),
                    select(OutboxTask.id, OutboxTask.done_at),
                    select(Mail.id),
                )
            ]

    def work(self) -> None:
        """What the worker does when it is woken."""
        with self.open():
            jobs.work_off_outbox()

    def sweep(self) -> None:
        """What the worker does each minute."""
        with self.open():
            jobs.sweep()

    def make_looks_due(self) -> None:
        """As if the pause before the next look had passed."""
        with self.open(), transaction() as session:
            session.execute(
                update(Payment)
                .where(Payment.next_look_at.is_not(None))
                .values(next_look_at=now() - timedelta(seconds=1))
            )
