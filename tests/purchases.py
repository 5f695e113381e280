"""Orders that are paid, in the ways that several tests need, and news of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

import payments
from database import db, now, transaction
from models import OutboxTask, Payment
from payments import ladder
from providers.contract import News

from . import mintcash
from .abilities import typed
from .books import Books
from .mintcash import event
from .sandboxed import ShopAndSandbox
from .shopper import BASE_URL, Shopper

#: One database will do for a test that passes no guard against two at once.
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ONE_OF_EACH = {"bud-vase": 1, "cookbook": 1, "gift-card": 1}
TOTAL = 69_00  # what one of each costs, in US cents
COOKBOOK = {"cookbook": 1}
EBOOK_PRICE = {"USD": 12_00, "SGD": 16_00}  # of that cookbook, a download
#: The tasks that one of each is owed, and what is there once they are done.
TASKS = ["parcel", "download", "credit", "receipt"]
ALL_EFFECTS = {"parcel": 1, "download": 1, "credit": 1, "mail": 1}


# ------------------------------------------------------------------ by webhooks alone


def receive(delivery: mintcash.Delivery) -> Callable[[], str]:
    """The handling of a delivery, to be called in an app context; it returns the verdict."""
    return lambda: payments.receive("mintcash", delivery.headers, delivery.body).verdict


def pay(app: Flask, payment: dict[str, Any]) -> None:
    """MintCash's webhook arrives and is applied; no message wakes a worker."""
    with app.app_context():
        assert receive(event(payment, "succeeded"))() == "applied"


def pay_for_e_book(app: Flask, books: Books) -> None:
    """An e-book that is paid, and that no worker knows of yet."""
    (payment,) = books.place_order(COOKBOOK)
    pay(app, payment)


def tell(books: Books, payment: dict[str, Any], **news: Any) -> None:
    """News of this payment in our own words, as an adapter would report it."""
    known = {"provider_reference": payment["id"], "reference": None, "word": "news", "status": None}
    with books.open(), transaction() as session:
        found = session.get_one(Payment, payment["externalId"])
        ladder.apply_news(found, News(**{**known, **news}))


def deliver_to(
    shopper: Shopper, provider: str, body: bytes, headers: dict[str, str]
) -> TestResponse:
    """One webhook delivery of this provider."""
    return shopper.client.post(
        f"/webhooks/{provider}",
        base_url=BASE_URL,
        data=body,
        headers=headers,
        content_type="application/json",
    )


def left_to_refund(books: Books) -> int:
    """What can be refunded of the only payment there is."""
    query = select(Payment)
    return int(books.read(lambda: payments.left_to_refund(db.session.scalars(query).one())))


# ------------------------------------------------------------------ by the worker


def make_tasks_due(books: Books) -> None:
    """As if every lease and pause of the outbox had passed."""
    with books.open(), transaction() as session:
        session.execute(update(OutboxTask).values(due_at=now() - timedelta(seconds=1)))


def check_now(books: Books) -> None:
    """The worker checks every undecided payment."""
    books.make_checks_due()
    books.sweep()


# ------------------------------------------------------------------ in the sandbox


def buy(shop: ShopAndSandbox, provider: str) -> None:
    """An e-book for 12 dollars, paid and fulfilled."""
    shop.check_out(provider)
    shop.press(shop.url, **typed(provider))
    shop.work()
    assert shop.state == "paid"
