"""The shop that is attacked: with one provider's case, and an unpaid order."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from database import db, transaction
from models import Order, Payment
from tests.books import Books
from tests.providers.proofs import Delivery
from tests.shopper import BASE_URL

from .senders import Sender


@dataclass
class AttackedShop:
    """The shop speaks to the case's provider; :attr:`order_id` is the order that its news pays."""

    app: Flask
    sender: Sender
    books: Books = field(init=False)
    order_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.app.extensions["providers"][self.sender.provider] = self.sender.configured
        self.books = Books(self.app)
        self.order_id = self.place(self.sender.case.payment.provider_reference or "")

    def place(self, provider_reference: str) -> str:
        """An order of the case's price whose shopper is on the provider's page; its id."""
        (known,) = self.books.place_order({"candle": 1}, provider=self.sender.provider)
        asked = self.sender.case.payment
        with self.books.open(), transaction() as session:
            payment = session.get_one(Payment, known["externalId"])
            payment.provider_reference = provider_reference
            payment.amount, payment.currency = asked.amount, asked.currency
            session.execute(
                update(Order)
                .where(Order.id == payment.order_id)
                .values(total=asked.amount, currency=asked.currency)
            )
            return payment.order_id

    def status(self, order_id: str) -> str:
        with self.books.open():
            return db.session.get_one(Order, order_id).status

    def deliver(self, delivery: Delivery, path: str | None = None, **options: Any) -> TestResponse:
        """Send a delivery to the webhook's address; no browser does, so without cookies."""
        headers, body = delivery
        return self.app.test_client(use_cookies=False).open(
            **{
                "method": "POST",
                "path": path or f"/webhooks/{self.sender.provider}",
                "base_url": BASE_URL,
                "data": body,
                "headers": headers,
                **options,
            }
        )

    @contextmanager
    def nothing_changes(self, audit: int | None = None) -> Iterator[None]:
        """All tables stay as they are, but for ``audit`` lines that a delivery was refused.

        Such a line holds neither body nor key, so that it cannot stand in the way of a true one.
        """
        before, seen = self.books.snapshot(), len(self.books.deliveries)
        yield
        assert self.books.snapshot() == before
        new = self.books.deliveries[seen:]
        kept = [(line.verdict, line.body, line.event_key, line.headers) for line in new]
        if audit is None:
            assert all(verdict != "applied" for verdict, *_ in kept)
        else:
            assert kept == [("refused", None, None, {})] * audit
