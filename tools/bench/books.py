"""Orders in any number, by a few statements: some wait for their money, most are history."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Table, insert, select

from database import db, now, transaction
from models import (
    Customer,
    Delivery,
    Download,
    Mail,
    Order,
    OrderLine,
    OutboxTask,
    Payment,
    Product,
    order_number,
    random_id,
)
from tests.providers.case import Case
from tools.shopper import ANN

#: By the names of its columns.
PAYMENTS = cast(Table, Payment.__table__)
Rows = Sequence[Mapping[str, Any]]
AT_ONCE = 5_000  # rows of a statement


@dataclass(frozen=True)
class Placed:
    """An order whose shopper is on the provider's page, or who has paid."""

    order_id: str
    payment_id: str
    reference: str  # the provider's


def place(case: Case, count: int, paid: bool = False) -> list[Placed]:
    """Orders of one cookbook at this provider, in an app context.

    With ``paid`` they are old: paid, fulfilled, and their news is in the inbox.
    """
    product = db.session.scalars(select(Product).where(Product.slug == "cookbook")).one()
    product_id, name, slug = product.id, product.name, product.slug
    payment = case.payment
    made = []
    for size in _portions(count):
        moment = now() - timedelta(days=30 if paid else 0)
        customers = [{"id": random_id(), "email": f"{uuid.uuid4().hex}@example.com"} for _ in size]
        orders: list[dict[str, Any]] = [
            {
                "id": random_id(),
                "number": order_number(),
                "cart_key": uuid.uuid4().hex,
                "customer_id": each["id"],
                "name": ANN["name"],
                "email": each["email"],
                "currency": payment.currency,
                "total": payment.amount,
                "status": "paid" if paid else "open",
                "created_at": moment,
            }
            for each in customers
        ]
        payments = [
            {
                "id": uuid.uuid4().hex[:16],
                "order_id": each["id"],
                "attempt": 1,
                "provider": case.name,
                "provider_reference": case.fresh_reference(),
                "status": "succeeded" if paid else "created",
                "amount": payment.amount,
                "currency": payment.currency,
                "received": payment.amount if paid else 0,
                "page_url": "http://127.0.0.1:5001/page",
                "created_at": moment,
                "returned_at": moment,
                "page_expires_at": now() + timedelta(hours=1),
                "expires_at": now() + timedelta(hours=1),
                "next_look_at": None if paid else now() + timedelta(hours=1),
            }
            for each in orders
        ]
        lines = [
            {
                "order_id": each["id"],
                "product_id": product_id,
                "name": name,
                "fulfilment": "download",
                "unit_price": payment.amount,
                "quantity": 1,
            }
            for each in orders
        ]
        with transaction() as session:
            session.execute(insert(Customer), customers)
            if paid:
                for order, each in zip(orders, payments, strict=True):
                    order |= {"paid_by": each["id"], "paid_at": moment, "must_keep": payment.amount}
            session.execute(insert(Order), orders)
            session.execute(insert(PAYMENTS), payments)
            session.execute(insert(OrderLine), lines)
        made += [
            Placed(str(each["order_id"]), str(each["id"]), str(each["provider_reference"]))
            for each in payments
        ]
        if paid:
            _fulfil(orders, payments, product_id, name, slug)
    return made


def _fulfil(
    orders: Rows,
    payments: Rows,
    product_id: int,
    name: str,
    slug: str,
) -> None:
    """What an order leaves behind that was paid and fulfilled."""
    with transaction() as session:
        session.execute(
            insert(Delivery),
            [
                {
                    "provider": each["provider"],
                    "event_key": uuid.uuid4().hex,
                    "event": "payment.succeeded",
                    "verdict": "applied",
                    "provider_reference": each["provider_reference"],
                    "payment_id": each["id"],
                    "received_at": each["created_at"],
                    "headers": {},
                    "body": "{}" + " " * 600,
                }
                for each in payments
            ],
        )
        session.execute(
            insert(OutboxTask),
            [
                {
                    "order_id": each["id"],
                    "kind": kind,
                    "due_at": each["created_at"],
                    "done_at": each["created_at"],
                    "attempts": 1,
                }
                for each in orders
                for kind in ("download", "receipt")
            ],
        )
        session.execute(
            insert(Download),
            [
                {
                    "token": uuid.uuid4().hex,
                    "order_id": each["id"],
                    "product_id": product_id,
                    "slug": slug,
                    "name": name,
                    "expires_at": now() + timedelta(days=7),
                }
                for each in orders
            ],
        )
        session.execute(
            insert(Mail),
            [
                {
                    "order_id": each["id"],
                    "kind": "receipt",
                    "to": each["email"],
                    "subject": "Thank you",
                    "text": "Thank you. " * 60,
                    "created_at": each["created_at"],
                }
                for each in orders
            ],
        )


def _portions(count: int) -> Iterator[range]:
    for start in range(0, count, AT_ONCE):
        yield range(min(AT_ONCE, count - start))
