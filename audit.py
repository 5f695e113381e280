"""Do the books agree? What the providers took, what the shop believes, and what it gave for it.

Reads only. Each rule is a function that names what breaks it; ``make soak`` asks them all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models import (
    Credit,
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

#: The shop says that the whole of it was taken.
BELIEVED = ("succeeded", "partially_refunded", "refunded")
GIVEN_BACK = ("refunded", "voided")


@dataclass(frozen=True)
class Books:
    """Both sides, as they are when everything is at rest.

    ``ledger``: the payments of the sandbox's ``/ledger.json``. ``stock``: product id -> how many
    there were at the start. ``letters``: order id -> how often its receipt reached the mail server.
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
    mails: list[Mail] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)

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
    """All that :class:`Books` wants of the shop's database, while nobody writes to it."""
    tables = {
        "orders": Order,
        "lines": OrderLine,
        "payments": Payment,
        "tasks": OutboxTask,
        "parcels": Parcel,
        "downloads": Download,
        "credits": Credit,
        "mails": Mail,
        "deliveries": Delivery,
        "products": Product,
    }
    with Session(engine) as session:
        found = {name: list(session.scalars(select(table))) for name, table in tables.items()}
        session.expunge_all()
    return found


@dataclass(frozen=True)
class Violation:
    """``rule`` is the function that found it; ``about`` an order's number or a payment's id."""

    rule: str
    about: str
    reason: str


def audit(books: Books) -> list[Violation]:
    """Every rule that is broken, and by what."""
    return [
        Violation(rule.__name__, about, reason) for rule in RULES for about, reason in rule(books)
    ]


Found = Iterator[tuple[str, str]]


# ------------------------------------------------------------------ the money


def every_payment_taken_is_accounted_for(books: Books) -> Found:
    """It paid its order, or the order is held, or it is noted or given back as one too many.

    Money of no known payment must stand in the console as parked news: where a provider's answer
    was lost, and its webhook does not carry our reference, nobody can tell what it was for.
    """
    parked = {
        (each.provider, each.provider_reference)
        for each in books.deliveries
        if each.verdict == "parked"
    }
    for taken in books.taken:
        payment = books.known.get((taken["provider"], taken["id"]))
        if payment is None:
            if (taken["provider"], taken["id"]) not in parked:
                yield taken["id"], f"{_money(taken)} was taken, and the shop has never heard of it"
            continue
        order = books.order[payment.order_id]
        paid_it = order.paid_by == payment.id and order.status in ("paid", "held")
        held_for_it = order.status == "held" and order.paid_by is None
        one_too_many = payment.problem is not None or payment.status in GIVEN_BACK
        if payment.status not in (*BELIEVED, *GIVEN_BACK):
            yield order.number, f"{_money(taken)} was taken, and the shop says {payment.status}"
        elif not (paid_it or held_for_it or one_too_many):
            yield order.number, f"{_money(taken)} was taken on top, and nobody is told"


def no_part_of_the_money_is_overlooked(books: Books) -> Found:
    """Where less was taken than was asked for, the shop knows that something has come."""
    for part in books.ledger:
        payment = books.known.get((part["provider"], part["id"]))
        seen = payment and (payment.received or payment.problem)
        if 0 < part["taken"] < part["amount"] and not seen:
            yield part["id"], f"{part['provider']} took {part['taken']} of {part['amount']}, unseen"


def no_order_is_paid_without_money(books: Books) -> Found:
    """One payment of this order paid it, and the provider took at least its total."""
    for order in books.orders:
        if order.status != "paid" and order.paid_by is None:
            continue
        taken = books.proven.get(order.paid_by or "")
        payment = next((each for each in books.payments if each.id == order.paid_by), None)
        if payment is None or payment.order_id != order.id:
            yield order.number, "is paid by no payment of its own"
        elif taken is None:
            yield order.number, f"is paid, and {payment.provider} took nothing"
        elif taken["currency"] != order.currency or taken["amount"] < order.total:
            yield order.number, f"is paid by {_money(taken)}, which is not its total"


def no_payment_is_believed_that_was_not_taken(books: Books) -> Found:
    """What the shop calls succeeded has succeeded at the provider."""
    for payment in books.payments:
        if payment.status in BELIEVED and payment.id not in books.proven:
            number = books.order[payment.order_id].number
            yield number, f"{payment.provider} took nothing, and the shop says {payment.status}"


def no_money_lies_beside_a_paid_order(books: Books) -> Found:
    """What came for it in another payment, too little or in part, is somebody's: it is noted."""
    for payment in books.payments:
        order = books.order[payment.order_id]
        beside = order.paid_by not in (None, payment.id) and payment.received > payment.refunded
        if beside and payment.problem is None:
            yield order.number, f"{payment.provider} has {payment.received} of it, unnoticed"


def every_held_order_says_why(books: Books) -> Found:
    """A person who is to look at it must know what for."""
    for order in books.orders:
        if order.status == "held" and not (order.held_code and order.held_reason):
            yield order.number, "is held, and nobody knows why"


# ------------------------------------------------------------------ what is given for it


def nothing_is_fulfilled_unpaid(books: Books) -> Found:
    """Neither parcel, download nor credit, nor a receipt, written or sent."""
    given = {
        "a parcel": [each.order_id for each in books.parcels],
        "a download": [each.order_id for each in books.downloads],
        "credit": [each.order_id for each in books.credits],
        "a letter": [each.order_id for each in books.mails],
        "a letter sent": list(books.letters),
        "something in the outbox": [each.order_id for each in books.tasks],
    }
    for what, order_ids in given.items():
        for order_id in order_ids:
            order = books.order.get(order_id)
            if order is None or order.status != "paid":
                yield order.number if order else order_id, f"is not paid, and has {what}"


def everything_paid_is_fulfilled_once(books: Books) -> Found:
    """A parcel if goods are shipped, each download, each credit, a receipt; and each only once."""
    given = {
        "parcels": Counter(each.order_id for each in books.parcels),
        "downloads": Counter(each.order_id for each in books.downloads),
        "credits": Counter(each.order_id for each in books.credits),
        "receipts": Counter(each.order_id for each in books.mails),
    }
    credit: Counter[str] = Counter()
    for each in books.credits:
        credit[each.order_id] += each.amount
    for order in books.orders:
        if order.status != "paid":
            continue
        owed = {
            "parcels": min(1, len(books.bought[order.id, "ship"])),
            "downloads": len(books.bought[order.id, "download"]),
            "credits": len(books.bought[order.id, "credit"]),
            "receipts": 1,
        }
        for what, count in owed.items():
            if given[what][order.id] != count:
                yield order.number, f"is owed {count} {what}, and has {given[what][order.id]}"
        paid_for = sum(line.total for line in books.bought[order.id, "credit"])
        if credit[order.id] != paid_for:
            yield order.number, f"is owed {paid_for} of credit, and has {credit[order.id]}"


def every_receipt_is_sent_and_marked(books: Books) -> Found:
    """At least once; a mark without a letter, or a letter without a mark, is a lie."""
    for mail in books.mails:
        number = books.order[mail.order_id].number
        if not books.letters[mail.order_id]:
            marked = "is marked as sent" if mail.sent_at else "is still to be sent"
            yield number, f"its receipt {marked}, and no mail server has seen it"
        elif mail.sent_at is None:
            yield number, "its receipt was sent, and is not marked"


def the_stock_is_what_was_not_sold(books: Books) -> Found:
    """At the start, less what paid orders hold."""
    sold: Counter[int] = Counter()
    for line in books.lines:
        if books.order[line.order_id].status == "paid":
            sold[line.product_id] += line.quantity
    for product in books.products:
        before = books.stock[product.id]
        if before is not None and product.stock != before - sold[product.id]:
            yield (
                product.slug,
                f"{before} there were, {sold[product.id]} are sold, and {product.stock} are left",
            )


# ------------------------------------------------------------------ what is still waiting


def the_outbox_is_empty(books: Books) -> Found:
    """Nothing waits; what was given up says why."""
    for task in books.tasks:
        number = books.order[task.order_id].number
        if task.status == "waiting":
            yield number, f"{task.kind} is still waiting, after {task.attempts} attempts"
        elif task.status == "parked" and not task.last_error:
            yield number, f"{task.kind} was given up, and nobody knows why"


def no_delivery_waits_for_a_payment_that_is_there(books: Books) -> Found:
    """Parked news is applied as soon as its payment is known."""
    for delivery in books.deliveries:
        payment = books.known.get((delivery.provider, delivery.provider_reference))
        if delivery.verdict == "parked" and payment:
            number = books.order[payment.order_id].number
            yield number, f"{delivery.event} has come, and is applied to nothing"


RULES: tuple[Callable[[Books], Found], ...] = (
    every_payment_taken_is_accounted_for,
    no_part_of_the_money_is_overlooked,
    no_order_is_paid_without_money,
    no_payment_is_believed_that_was_not_taken,
    no_money_lies_beside_a_paid_order,
    every_held_order_says_why,
    nothing_is_fulfilled_unpaid,
    everything_paid_is_fulfilled_once,
    every_receipt_is_sent_and_marked,
    the_stock_is_what_was_not_sold,
    the_outbox_is_empty,
    no_delivery_waits_for_a_payment_that_is_there,
)


def _money(taken: dict[str, Any]) -> str:
    return f"{taken['provider']}: {taken['amount']} minor units of {taken['currency']}"
