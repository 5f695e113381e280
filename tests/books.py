"""Reads the shop's tables, places orders and runs the worker, for tests."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select, update

import jobs
from database import db, now, transaction
from models import (
    Credit,
    Customer,
    Delivery,
    Download,
    Mail,
    Order,
    OrderLine,
    OutboxTask,
    Parcel,
    Payment,
    Product,
)
from tools.shopper import ANN


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

    @property
    def tasks(self) -> list[OutboxTask]:
        with self.open():
            found = list(db.session.scalars(select(OutboxTask).order_by(OutboxTask.id)))
            db.session.expunge_all()
            return found

    def place_order(
        self,
        items: Mapping[str, int],
        *,
        attempts: int = 1,
        page_known: bool = True,
        provider: str = "mintcash",
    ) -> list[dict[str, Any]]:
        """An order whose shopper is on the payment page; its payments, as the provider knows them.

        ``page_known=False``: its answer, and with it the reference, is still on its way.
        """
        with self.open(), transaction() as session:
            customer = Customer(email=f"{uuid.uuid4().hex}@example.com")
            session.add(customer)
            session.flush()
            products = session.scalars(select(Product).where(Product.slug.in_(items))).all()
            lines = [_line(product, items[product.slug]) for product in products]
            order = Order(
                cart_key=uuid.uuid4().hex,
                customer_id=customer.id,
                name=ANN["name"],
                email=customer.email,
                line1=ANN["line1"],
                city=ANN["city"],
                postal_code=ANN["postal_code"],
                country=ANN["country"],
                currency="USD",
                total=sum(line.total for line in lines),
                lines=lines,
            )
            order.payments = [
                Payment(
                    attempt=attempt,
                    provider=provider,
                    amount=order.total,
                    currency=order.currency,
                    page_expires_at=now() + timedelta(hours=1),
                    expires_at=now() + timedelta(hours=1),
                    next_check_at=now() + timedelta(minutes=1),
                )
                for attempt in range(1, attempts + 1)
            ]
            session.add(order)
            session.flush()
            known = []
            for payment in order.payments:
                theirs = uuid.uuid4().hex[:24]  # short enough for every provider
                if page_known:
                    payment.provider_reference = theirs
                    payment.page_url = f"http://127.0.0.1:5001/page/{theirs}"
                known.append(
                    {
                        "id": theirs,
                        "externalId": payment.id,
                        "amount": payment.amount,
                        "currency": payment.currency,
                        "redirectUrl": payment.page_url,
                    }
                )
            return known

    def stock(self, slug: str) -> int | None:
        query = select(Product.stock).where(Product.slug == slug)
        found: int | None = self.read(lambda: db.session.scalar(query))
        return found

    def fulfilled(self) -> dict[str, int]:
        """How many of each effect there are."""
        tables = {"parcel": Parcel, "download": Download, "credit": Credit, "mail": Mail}
        return {name: count for name, table in tables.items() if (count := self.count(table))}

    def snapshot(self) -> dict[str, list[str]]:
        """What a refused delivery must not change: every row but those of the inbox and counters.

        Left out is when a payment is checked next: any return of a shopper may bring that forward.
        """
        asking = ("looks", "next_look_at", "checked_at", "returned_at", "hint")  # names of columns
        with self.open():
            return {
                table.name: sorted(
                    str(row)
                    for row in db.session.execute(
                        select(*(column for column in table.c if column.name not in asking))
                    )
                )
                for table in db.metadata.sorted_tables
                if table.name not in ("deliveries", "counters")
            }

    def work(self) -> None:
        """Work off the outbox, as the worker does when it is woken."""
        with self.open():
            jobs.work_off_outbox()

    def sweep(self) -> None:
        """Sweep, as the worker does each minute."""
        with self.open():
            jobs.sweep()

    def make_checks_due(self) -> None:
        """As if the pause before the next check had passed."""
        with self.open(), transaction() as session:
            session.execute(
                update(Payment)
                .where(Payment.next_check_at.is_not(None))
                .values(next_check_at=now() - timedelta(seconds=1))
            )


def _line(product: Product, quantity: int) -> OrderLine:
    (price,) = (price.amount for price in product.prices if price.currency == "USD")
    return OrderLine(
        product_id=product.id,
        name=product.name,
        fulfilment=product.fulfilment,
        unit_price=price,
        quantity=quantity,
    )
