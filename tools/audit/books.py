"""Both sides of the books, read once and compared by the rules beside this module."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models import (
    Credit,
    CreditEntry,
    CreditUse,
    Delivery,
    Download,
    Mail,
    Order,
    OrderLine,
    OutboxTask,
    Parcel,
    Payment,
    Product,
    Subscription,
)

#: What a rule finds: an order's number or a payment's id, and what is wrong with it.
Found = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Books:
    """Both sides, as they are when everything is at rest.

    ``ledger``: the payments of the sandbox's ``/ledger.json``. ``stock``: product id -> how many
    there were at the start. ``letters``: order id -> how often its receipt reached the mail server;
    "<order id>/<kind>" for another letter.
    """

    ledger: list[dict[str, Any]] = field(default_factory=list)
    stock: Mapping[int, int | None] = field(default_factory=dict)
    letters: Counter[str] = field(default_factory=Counter)
    orders: list[Order] = field(default_factory=list)
    lines: list[OrderLine] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    tasks: list[OutboxTask] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    entries: list[CreditEntry] = field(default_factory=list)
    uses: list[CreditUse] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)

    @cached_property
    def order(self) -> dict[str, Order]:
        return {order.id: order for order in self.orders}

    @cached_property
    def taken(self) -> list[dict[str, Any]]:
        """The payments of the ledger whose money was taken, all of it."""
        return [each for each in self.ledger if each["taken"] >= each["amount"]]

    @cached_property
    def known(self) -> dict[tuple[str, str | None], Payment]:
        """The shop's payments by provider and the provider's id."""
        known = [each for each in self.payments if each.provider_reference]
        return {(each.provider, each.provider_reference): each for each in known}

    @cached_property
    def proven(self) -> dict[str, dict[str, Any]]:
        """The shop's payment id -> the line of the ledger that says its money was taken."""
        found = ((self.known.get((each["provider"], each["id"])), each) for each in self.taken)
        return {payment.id: each for payment, each in found if payment}

    @cached_property
    def bought(self) -> dict[tuple[str, str], list[OrderLine]]:
        """Order id and way of fulfilment -> the lines."""
        found: dict[tuple[str, str], list[OrderLine]] = defaultdict(list)
        for line in self.lines:
            found[line.order_id, line.fulfilment].append(line)
        return found


def read_shop(engine: Engine) -> dict[str, list[Any]]:
    """All that :class:`Books` wants of the shop's database, while no process writes to it."""
    tables = {
        "orders": Order,
        "lines": OrderLine,
        "payments": Payment,
        "tasks": OutboxTask,
        "parcels": Parcel,
        "downloads": Download,
        "credits": Credit,
        "entries": CreditEntry,
        "uses": CreditUse,
        "mails": Mail,
        "deliveries": Delivery,
        "products": Product,
        "subscriptions": Subscription,
    }
    with Session(engine) as session:
        found = {name: list(session.scalars(select(table))) for name, table in tables.items()}
        session.expunge_all()
    return found
