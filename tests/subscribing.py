"""Subscriptions for tests: begun on MintCash's page in the sandbox, renewed by its clock."""

import json
import re
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select

from database import db, transaction
from models import Order, OutboxTask, Payment, Subscription
from sandbox.models import Delivery
from sandbox.models import db as sandbox_db

from . import mintcash
from .books import Books
from .sandboxed import MINTCASH, SANDBOX_URL, ShopAndSandbox

SLUG = "monthly-coffee"
PRICE = 15_00  # US cents
MONTH = 30  # days


def subscribe(shop: ShopAndSandbox, **typed: str) -> None:
    """From the shelf to the first coffee, paid and packed."""
    shop.check_out("mintcash", SLUG)
    shop.press(shop.url, **MINTCASH | typed)
    shop.work()
    shop.work()


def a_month_later(shop: ShopAndSandbox, **faults: str) -> None:
    """The next charge is due, and the worker does what follows."""
    if faults:
        shop.control("faults", **faults)
    shop.wait(days=MONTH)
    shop.deliver()
    shop.make_due()
    shop.books.work()


def act(shop: ShopAndSandbox, action: str) -> None:
    """What happens to the first subscription at MintCash without the shop."""
    url = f"{SANDBOX_URL}/control/payments/1"
    answer = shop.pages.post(url, base_url=SANDBOX_URL, json={"action": action})
    assert answer.status_code == 200, answer.text


def webhooks(shop: ShopAndSandbox) -> list[tuple[bytes, dict[str, str]]]:
    """Bodies and headers of all that MintCash has sent, oldest first."""
    with shop.sandbox.app_context():
        found = sandbox_db.session.scalars(select(Delivery).order_by(Delivery.id)).all()
        return [(each.body, each.headers) for each in found]


def orders(shop: ShopAndSandbox) -> list[Order]:
    """One for each period, oldest first."""
    with shop.books.open():
        found = list(db.session.scalars(select(Order).order_by(Order.period_start)))
        for each in found:
            assert each.lines  # so that they are known outside, too
        db.session.expunge_all()
        return found


def subscription(shop: ShopAndSandbox) -> Subscription:
    with shop.books.open():
        found = db.session.scalars(select(Subscription)).one()
        db.session.expunge(found)
        return found


def statuses(shop: ShopAndSandbox) -> list[str]:
    """Of the orders, a held one with its code: "held: cancelled"."""
    return [f"{each.status}: {each.held_code or ''}".rstrip(": ") for each in orders(shop)]


def charges(shop: ShopAndSandbox) -> list[Payment]:
    """Every payment there is, in the order of the periods."""
    query = select(Payment).join(Order).order_by(Order.period_start, Payment.attempt)
    with shop.books.open():
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        return found


def tasks(shop: ShopAndSandbox, kind: str) -> list[OutboxTask]:
    return [each for each in shop.books.tasks if each.kind.partition(":")[0] == kind]


def page_of(shop: ShopAndSandbox, order: Order) -> str:
    return shop.shopper.get(f"/orders/{order.id}").text


def state_of(shop: ShopAndSandbox, order: Order) -> str:
    found = re.search(r'data-state="(\w+)"', page_of(shop, order))
    return found[1] if found else ""


# ------------------------------------------------------------------ without the sandbox


def begin(books: Books) -> dict[str, Any]:
    """A subscription whose shopper is on MintCash's page; its payment as MintCash has it."""
    (payment,) = books.place_order({SLUG: 1})
    with books.open(), transaction() as session:
        order = session.get_one(Payment, payment["externalId"]).order
        order.subscription_id, order.period_start = order.id, order.created_at
        session.add(Subscription(order_id=order.id, every_days=MONTH))
    return payment


def charged(
    reference: str | None, start: datetime, end: datetime, event_id: str = "", **changes: Any
) -> mintcash.Delivery:
    """MintCash says that it charged for this period, correctly signed."""
    data = {
        "id": reference,
        "status": "active",
        "amount": PRICE / 100,
        "currency": "USD",
        "currentPeriodStart": start.isoformat(),
        "currentPeriodEnd": end.isoformat(),
        **changes,
    }
    return told("succeeded", data, event_id)


def told(word: str, data: dict[str, Any], event_id: str = "") -> mintcash.Delivery:
    """``subscription.<word>``, correctly signed."""
    event = {
        "eventId": re.sub("[^a-z0-9-]", "-", event_id) or str(uuid.uuid4()),
        "event": f"subscription.{word}",
        "type": "subscription",
        "environment": "test",
        "data": data,
    }
    return mintcash.signed(json.dumps(event).encode())
