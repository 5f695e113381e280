"""The tables, shared by all providers.

Every transaction is opened with ``BEGIN IMMEDIATE``, so two never run at once: what one has read
stays true until it commits. None is kept open while the sandbox waits for a caller or a shop.
"""

import os
import sqlite3
from contextlib import suppress
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship


class Base(DeclarativeBase):
    registry = registry(
        type_annotation_map={dict[str, Any]: JSON, dict[str, str]: JSON, list[int]: JSON}
    )


db = SQLAlchemy(model_class=Base)


class Payment(Base):
    """One payment at one provider."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        CheckConstraint("refunded >= 0"),  # what was paid twice can be refunded twice
        Index("payments_by_timer", "timer"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    reference: Mapped[str]  # the provider's id of it
    external_id: Mapped[str | None]  # the merchant's id of it
    amount: Mapped[int]  # minor units
    currency: Mapped[str]
    refunded: Mapped[int] = mapped_column(default=0)  # minor units
    status: Mapped[str]  # the provider's own word
    return_url: Mapped[str]
    created_at: Mapped[str]  # ISO 8601, as clock.timestamp() writes it
    timer: Mapped[float | None]  # clock.now() at which something happens by itself
    fault: Mapped[str]  # of the kind "payment", see faults.py
    delivery_fault: Mapped[str]  # of the kind "delivery"
    #: The provider's own. The ledger reads of it: ``voided``, minor units that went back without a
    #: refund; ``dispute``, "opened", "lost" or "won"; ``foreign``, currency -> minor units that
    #: came in another one, less what of it was refunded. The front page links to ``qr_code``.
    #: ``recurs``: its timer rings again and again, so that nothing is waited for.
    #: ``pays_late``: when the timer rings, money comes (see kit/provider.py).
    details: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON))

    deliveries: Mapped[list["Delivery"]] = relationship(order_by="Delivery.id")


class IdempotencyKey(Base):
    """A key of the caller's, by which a repeated call finds the payment that the first one made."""

    __tablename__ = "idempotency_keys"

    provider: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]  # what must be equal for a call to be a repetition
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    reply: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # the first, where it is kept

    payment: Mapped[Payment] = relationship()


class Refund(Base):
    """Money refunded, in full or in part."""

    __tablename__ = "refunds"
    __table_args__ = (UniqueConstraint("payment_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    external_id: Mapped[str]
    amount: Mapped[int]  # minor units
    reply: Mapped[dict[str, Any]]  # what a repeated call is answered with
    request: Mapped[str]  # what must be equal for a call to be a repetition


class Endpoint(Base):
    """An address that a provider delivers webhooks to, as registered by its API.

    ``details`` are the provider's own. A deleted one stays, so that its id is not used again.
    """

    __tablename__ = "endpoints"
    __table_args__ = (UniqueConstraint("provider", "reference"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    reference: Mapped[str]  # the provider's id of it
    url: Mapped[str]
    secret: Mapped[str]  # signs what is sent there
    created_at: Mapped[str]  # ISO 8601, as clock.timestamp() writes it
    is_deleted: Mapped[bool] = mapped_column(default=False)
    details: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON))


class Delivery(Base):
    """One webhook, with the exact bytes that are sent, again and again if need be.

    ``state``: ``waiting`` → ``sending`` → ``delivered``, back to ``waiting``, or ``given_up``;
    ``held`` until the event that it follows is known; ``dropped`` by a fault.
    """

    __tablename__ = "deliveries"
    __table_args__ = (Index("deliveries_by_due", "state", "due"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    event: Mapped[str]
    url: Mapped[str]
    headers: Mapped[dict[str, str]]
    body: Mapped[bytes]
    state: Mapped[str]
    due: Mapped[float]  # clock.now()
    retry_after: Mapped[list[int]]  # sandbox seconds before each further attempt
    after_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))  # to be tried first

    attempts: Mapped[list["Attempt"]] = relationship(order_by="Attempt.id")


class Attempt(Base):
    """One try at a delivery. ``status`` is None when no answer came; ``answer`` then says why."""

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id"), index=True)
    started_at: Mapped[str]  # ISO 8601
    status: Mapped[int | None]  # HTTP
    answer: Mapped[str]  # its first 200 characters
    seconds: Mapped[float]  # real ones


class Control(Base):
    """One row: what the front page sets for everything that follows."""

    __tablename__ = "control"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_fault: Mapped[str] = mapped_column(default="none")
    delivery_fault: Mapped[str] = mapped_column(default="none")
    create_fault: Mapped[str] = mapped_column(default="none")
    create_calls: Mapped[int] = mapped_column(default=0)  # that the create fault still applies to
    clock_speed: Mapped[float]  # sandbox seconds in a real second
    clock_base: Mapped[float] = mapped_column(default=0.0)  # sandbox seconds at clock_since
    clock_since: Mapped[float]  # real seconds, time.time()


def control() -> Control:
    """The one row of :class:`Control`."""
    return db.session.get_one(Control, 1)


def prepare(engine: Engine) -> None:
    """Set up what SQLite needs on every connection (see the head of this module)."""

    @event.listens_for(engine, "do_connect")
    def _before_connect(_dialect: object, _record: object, arguments: Any, _options: Any) -> None:
        """Only its owner reads the file, and what SQLite puts beside it."""
        with suppress(OSError):  # SQLite says better what is wrong
            os.close(os.open(arguments[0], os.O_CREAT | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver starts no transactions of its own
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # a lost test payment is no loss
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
