"""The tables."""

import secrets
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from addresses.countries import COUNTRIES
from database import Base, database_now, now
from providers.proven import Proof

#: An amount in minor units: 64 bits, whatever a provider claims.
Minor = Annotated[int, mapped_column(BigInteger)]


def random_id() -> str:
    """128 random bits: an order's address cannot be guessed."""
    return secrets.token_hex(16)


def payment_reference() -> str:
    """64 random bits in 16 digits: the longest reference that every provider takes."""
    return secrets.token_hex(8)


def order_number() -> str:
    """For people to read to each other: no 0/O, 1/I/L."""
    letters = "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(8))
    return f"KK-{letters[:4]}-{letters[4:]}"


def credit_code() -> str:
    """The code of a gift card, 99 random bits, without 0/O, 1/I/L; see ``config.CREDIT_CODE``."""
    letters = "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(20))
    return "-".join(letters[start : start + 4] for start in range(0, 20, 4))


class Product(Base):
    """Something on the shelf. ``stock`` None is without limit."""

    __tablename__ = "products"
    __table_args__ = (CheckConstraint("stock >= 0", name="stock_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    fulfilment: Mapped[str] = mapped_column(String(20))  # ship, download, credit
    blurb: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    picture: Mapped[str] = mapped_column(String(80))
    alt: Mapped[str] = mapped_column(String(200))
    stock: Mapped[int | None]
    every_days: Mapped[int | None]  # charged again so often, until it is cancelled; None: once
    prices: Mapped[list["Price"]] = relationship(lazy="selectin")


class Price(Base):
    """What a product costs in one currency, in minor units."""

    __tablename__ = "prices"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    amount: Mapped[Minor]


class Customer(Base):
    """One e-mail address; ``id`` is what providers know the customer by."""

    __tablename__ = "customers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=random_id)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # emails.customer_key


class Order(Base):
    """What a shopper wants to buy: a snapshot, whatever the shelf or the cart do later.

    ``status``: ``open`` until proven paid, then ``paid`` for good; ``held`` when money came that a
    person must look at, with ``held_code`` (``amount``, ``currency``, ``stock``, ``replaced``,
    ``credit``, ``cancelled``, ``unclear``) and the reason.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'paid', 'held')", name="status"),
        CheckConstraint("total > 0", name="total_positive"),
        Index("ix_orders_newest", "created_at", "id"),
        Index(
            "ix_orders_held",
            "held_code",
            sqlite_where=text("held_code IS NOT NULL"),
            postgresql_where=text("held_code IS NOT NULL"),
        ),
        Index(
            "ix_orders_chain",
            "chain_id",
            sqlite_where=text("chain_id IS NOT NULL"),
            postgresql_where=text("chain_id IS NOT NULL"),
        ),
        Index(
            "uq_orders_period",
            "subscription_id",
            "period_start",
            unique=True,
            sqlite_where=text("subscription_id IS NOT NULL"),
            postgresql_where=text("subscription_id IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=random_id)
    number: Mapped[str] = mapped_column(String(12), unique=True, default=order_number)
    #: The cart it was made from: two presses of "Pay" find one order.
    cart_key: Mapped[str] = mapped_column(String(40), unique=True)
    #: Sold at the till: no name is asked, and no e-mail address unless a receipt is to be sent.
    at_till: Mapped[bool] = mapped_column(default=False)
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id"))
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    line1: Mapped[str] = mapped_column(String(120), default="")
    line2: Mapped[str] = mapped_column(String(120), default="")
    city: Mapped[str] = mapped_column(String(80), default="")
    region: Mapped[str] = mapped_column(String(80), default="")  # state, province, where used
    postal_code: Mapped[str] = mapped_column(String(20), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[Minor]
    #: What of the total a gift card pays; how that stands is in ``CreditUse``.
    credit: Mapped[Minor] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(String(10), default="open")
    held_code: Mapped[str | None] = mapped_column(String(20))
    held_reason: Mapped[str | None] = mapped_column(Text)
    paid_by: Mapped[str | None] = mapped_column(String(32))  # the payment that paid it
    #: Of that payment, what must not be refunded or disputed when goods leave; minor units.
    must_keep: Mapped[Minor] = mapped_column(default=0)
    #: The first of a row of orders that replaced one another; of those, one is paid.
    chain_id: Mapped[str | None] = mapped_column(String(32))
    #: The first order of the subscription that it belongs to, or it is; see ``Subscription``.
    subscription_id: Mapped[str | None] = mapped_column(String(32))
    period_start: Mapped[datetime | None]  # of the period of that subscription that it is for
    created_at: Mapped[datetime] = mapped_column(default=now)
    paid_at: Mapped[datetime | None]
    lines: Mapped[list["OrderLine"]] = relationship(
        back_populates="order", order_by="OrderLine.id", lazy="selectin"
    )
    payments: Mapped[list["Payment"]] = relationship(
        back_populates="order", order_by="Payment.attempt"
    )
    tasks: Mapped[list["OutboxTask"]] = relationship(order_by="OutboxTask.id", viewonly=True)
    parcels: Mapped[list["Parcel"]] = relationship(viewonly=True)
    downloads: Mapped[list["Download"]] = relationship(order_by="Download.id", viewonly=True)
    credit_use: Mapped["CreditUse"] = relationship(viewonly=True)
    credits: Mapped[list["Credit"]] = relationship(order_by="Credit.id", viewonly=True)
    subscription: Mapped["Subscription | None"] = relationship(
        primaryjoin="foreign(Order.subscription_id) == Subscription.order_id", viewonly=True
    )

    @property
    def begins_subscription(self) -> bool:
        """Its payment stands for the whole subscription at the provider."""
        return self.subscription_id is not None and self.subscription_id == self.id

    @property
    def to_pay(self) -> int:
        """What a provider is to take: the total, less what a gift card pays."""
        return self.total - self.credit

    @property
    def credit_is_back(self) -> bool:
        """Refunded, to the gift card that paid for it."""
        return bool(self.credit) and self.credit_use.status == "returned"

    @property
    def needs_shipping(self) -> bool:
        return any(line.fulfilment == "ship" for line in self.lines)

    @property
    def address_lines(self) -> list[str]:
        """Where the parcel goes, without the name, as it is written on the parcel."""
        place = f"{self.postal_code} {self.city}".strip()
        country = COUNTRIES.get(self.country, self.country)
        return list(filter(None, (self.line1, self.line2, place, self.region, country)))


class OrderLine(Base):
    """One product of an order, with the price it had when the order was made.

    At the till an amount is typed, and there is no product: ``name`` is the note beside it.
    """

    __tablename__ = "order_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str] = mapped_column(String(120))
    fulfilment: Mapped[str] = mapped_column(String(20))  # of the product; "till" without one
    unit_price: Mapped[Minor]  # of the order's currency
    quantity: Mapped[int]
    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[Product | None] = relationship()

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


class Subscription(Base):
    """Goods that are charged for again each period; ``order_id`` is that of the first order.

    ``status``: ``created`` until the first charge, ``active``, ``past_due`` while the provider
    tries a later charge again, ``cancelled`` for good. See payments/subscriptions.py.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("every_days > 0", name="every_days_positive"),
        CheckConstraint("status IN ('created', 'active', 'past_due', 'cancelled')", name="status"),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(10), default="created")
    every_days: Mapped[int]
    period_end: Mapped[datetime | None]  # of the newest period that was charged; only grows
    cancel_asked_at: Mapped[datetime | None]  # by the shopper or a person
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    first_order: Mapped[Order] = relationship(viewonly=True)

    @property
    def can_be_cancelled(self) -> bool:
        return self.status in ("active", "past_due") and self.cancel_asked_at is None


#: Of a payment's statuses, those in which the shopper may still be on the provider's page.
OPEN = ("created", "pending")


class Payment(Base):
    """One attempt at one provider to take the money of one order.

    ``id`` is also the merchant reference that the provider is given: unique, and never used again.
    ``status`` is a rung of ``providers.contract.LADDER``; ``received`` and ``refunded`` only grow.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("order_id", "attempt"),
        UniqueConstraint("provider", "provider_reference"),
        Index("ix_payments_due", "next_look_at", "provider"),
        Index("ix_payments_begun", "created_at", "provider", "status"),
        Index("ix_payments_outcome", "status", "provider"),
        Index("ix_payments_transaction", "provider", "transaction_id"),
        Index(
            "ix_payments_problem",
            "provider",
            sqlite_where=text("problem IS NOT NULL"),
            postgresql_where=text("problem IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=payment_reference)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    attempt: Mapped[int]
    provider: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(60), default="")  # see PaymentRequest
    provider_reference: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20), default="created")
    amount: Mapped[Minor]  # asked for
    currency: Mapped[str] = mapped_column(String(3))
    received: Mapped[Minor] = mapped_column(default=0)  # proven, in ``currency``
    refunded: Mapped[Minor] = mapped_column(default=0)  # proven, in ``currency``
    refund_asked: Mapped[Minor] = mapped_column(default=0)  # by us, and not refused
    transaction_id: Mapped[str | None] = mapped_column(String(100))  # see News
    failure_code: Mapped[str | None] = mapped_column(String(60))
    failure_message: Mapped[str | None] = mapped_column(Text)
    #: "opened", "lost" or "won": the payer's bank wants the money back. "doubted": told of a
    #: failure after money, so the provider is asked; "undone": it says the money is gone. No rung.
    dispute: Mapped[str | None] = mapped_column(String(10))
    #: Why a person should look at this payment, a line each; shown in the console.
    problem: Mapped[str | None] = mapped_column(Text)
    #: When the provider was last asked for a page; two presses at once ask once.
    page_asked_at: Mapped[datetime | None]
    page_url: Mapped[str | None] = mapped_column(Text)
    page_token: Mapped[str | None] = mapped_column(String(100))
    provider_state: Mapped[str | None] = mapped_column(Text)  # the provider's own; see Checkout
    #: How the shopper pays where it is no plain redirect: the fields of ``FormPost``, ``Embed`` or
    #: ``Qr``, and ``kind`` ("form", "embed", "qr"); or ``qr_image`` of a redirect.
    next_action: Mapped[dict[str, Any] | None] = mapped_column("way")
    #: What the return said without proof: "canceled" or "failed". Never changes ``status``.
    hint: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(default=now)
    returned_at: Mapped[datetime | None]
    page_expires_at: Mapped[datetime]  # we stop sending shoppers to the page after this
    expires_at: Mapped[datetime]
    #: The shopper pays another way, or has paid: its page is to be closed, where that can be done.
    abandoned: Mapped[bool] = mapped_column(default=False)
    #: When to ask the provider next; None when its news is final.
    next_check_at: Mapped[datetime | None] = mapped_column("next_look_at")
    checks: Mapped[int] = mapped_column("looks", default=0)
    #: When the last ping came and when the last check began, by the database's clock; see pings.py.
    pinged_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship(back_populates="payments")
    deliveries: Mapped[list["Delivery"]] = relationship(order_by="Delivery.id", viewonly=True)
    parts: Mapped[list["PaymentPart"]] = relationship(order_by="PaymentPart.position")
    refunds: Mapped[list["Refund"]] = relationship(order_by="Refund.created_at", viewonly=True)

    @property
    def is_periodic(self) -> bool:
        """A charge of a subscription: its first, or a later one, made without the shopper."""
        return self.order.begins_subscription or "@" in (self.provider_reference or "")

    @property
    def kept(self) -> int:
        """What was received and is still here: not refunded, undone, or with the payer's bank."""
        if self.dispute in ("opened", "lost", "undone"):
            return 0
        return max(self.received - self.refunded, 0)


class PaymentPart(Base):
    """One of several requests that one page collects (Request Network), with its own news."""

    __tablename__ = "payment_parts"
    __table_args__ = (UniqueConstraint("provider", "provider_reference"),)

    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    provider_reference: Mapped[str] = mapped_column(String(100))
    amount: Mapped[Minor]  # asked for
    received: Mapped[Minor] = mapped_column(default=0)  # proven; only grows


class Refund(Base):
    """A refund. ``status``: ``open`` until it is ``done`` or ``refused``.

    ``id`` is also the reference that the provider is given. One at a time is open for a payment:
    a provider that is asked how much it refunded must not answer about another one.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status IN ('open', 'done', 'refused')", name="status"),
        Index(
            "uq_refunds_open",
            "payment_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    amount: Mapped[Minor]  # of the payment's currency
    #: How much of the payment was refunded already when this was asked for.
    refunded_before: Mapped[Minor] = mapped_column("before")
    reason: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(10), default="open")
    provider_reference: Mapped[str | None] = mapped_column(String(100))
    problem: Mapped[str | None] = mapped_column(Text)  # why it was refused
    created_at: Mapped[datetime] = mapped_column(default=now)
    payment: Mapped[Payment] = relationship(viewonly=True)


class SavedCard(Base):
    """A card that a provider keeps, and that this device may pay with.

    ``device`` is a digest of the device's cookie. ``card_id`` is the provider's, None until the
    shopper is back from the page on which the card was typed.
    """

    __tablename__ = "saved_cards"
    __table_args__ = (
        UniqueConstraint("provider", "card_id"),
        UniqueConstraint("provider", "transaction_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=random_id)
    device: Mapped[str] = mapped_column(String(64), index=True)
    provider: Mapped[str] = mapped_column(String(20))
    transaction_id: Mapped[str] = mapped_column(String(100))
    card_id: Mapped[str | None] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(80), default="")
    verified: Mapped[bool] = mapped_column(default=False)
    verify_by: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Delivery(Base):
    """The inbox: one row for each piece of a provider's news, however often it is delivered.

    Only a verified delivery has an ``event_key``; a refused one keeps neither body nor key, so it
    cannot block the correctly signed one.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("provider", "event_key"),
        Index("ix_deliveries_verdict", "verdict", "provider"),
        Index("ix_deliveries_received", "received_at", "provider", "verdict"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    event_key: Mapped[str | None] = mapped_column(String(100))
    event: Mapped[str] = mapped_column(String(100), default="")
    verdict: Mapped[str] = mapped_column(String(10))  # applied, ignored, parked, refused
    reason: Mapped[str] = mapped_column(Text, default="")
    provider_reference: Mapped[str | None] = mapped_column(String(100), index=True)
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payments.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(default=now)
    seen: Mapped[int] = mapped_column(default=1)
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)  # secrets masked
    body: Mapped[str | None] = mapped_column(Text)
    news: Mapped[dict[str, Any] | None]  # the verified ``News``, for news that is parked
    proof: Mapped[dict[str, Any] | None]  # its ``Proof``; None: refused, or older than the column

    @property
    def proven_by(self) -> str:
        """ "x-signature, HMAC-SHA256 over the raw body"; blank where that is not known."""
        return str(Proof(**self.proof)) if self.proof else ""


class EarlyPing(Base):
    """A ping of an id that is no payment's yet: perhaps its create call is still on its way."""

    __tablename__ = "early_pings"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    reference: Mapped[str] = mapped_column(String(100), primary_key=True)  # the provider's
    received_at: Mapped[datetime] = mapped_column(index=True)  # by the database's clock


class OutboxTask(Base):
    """Work that a paid order is owed; written in the transaction that made it paid.

    Claimed under a lease: when a worker dies, another takes over at the end of it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("order_id", "kind"),
        Index("ix_outbox_due", "done_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str] = mapped_column(String(40))  # see ``jobs.outbox.KINDS``
    due_at: Mapped[datetime] = mapped_column(default=database_now)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    parked: Mapped[bool] = mapped_column(default=False)  # given up; waits for a person
    done_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship(viewonly=True)

    @property
    def status(self) -> str:
        return "done" if self.done_at else "parked" if self.parked else "waiting"


class Parcel(Base):
    """Something to pack: the physical goods of one order."""

    __tablename__ = "parcels"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    contents: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Download(Base):
    """The right to fetch one digital product a few times, for a while."""

    __tablename__ = "downloads"
    __table_args__ = (UniqueConstraint("order_id", "product_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    slug: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120))
    token: Mapped[str] = mapped_column(String(32), unique=True, default=random_id)
    downloads_left: Mapped[int] = mapped_column("left", default=5)
    expires_at: Mapped[datetime]


class DownloadUse(Base):
    """Who has fetched a file: fetching it again from the same place costs nothing.

    ``client`` is a digest of the address that asked, of one day.
    """

    __tablename__ = "download_uses"

    download_id: Mapped[int] = mapped_column(ForeignKey("downloads.id"), primary_key=True)
    client: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(default=now)


class Credit(Base):
    """A gift card: its code spends the credit; amounts in minor units.

    ``balance`` is what is left of ``amount``: the sum of its entries, changed by one conditional
    UPDATE in the transaction that writes the entry. See payments/credit.py.
    """

    __tablename__ = "credits"
    __table_args__ = (
        UniqueConstraint("order_id", "product_id"),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    code: Mapped[str] = mapped_column(String(24), unique=True, default=credit_code)
    amount: Mapped[Minor]
    balance: Mapped[Minor]
    currency: Mapped[str] = mapped_column(String(3))
    #: What paid for it was refunded or is disputed: nothing more is taken from it.
    withdrawn: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def last_four(self) -> str:
        """What of the code may stand where others read it."""
        return f"…{self.code[-4:]}"


class CreditUse(Base):
    """How it stands with what a gift card pays of one order; ``amount`` is ``Order.credit``.

    ``status``: ``reserved`` while the order waits for its payment, ``freed`` when it waited in
    vain, ``spent`` once it is paid, ``returned`` when it was refunded.
    """

    __tablename__ = "credit_uses"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status IN ('reserved', 'freed', 'spent', 'returned')", name="status"),
        Index(
            "ix_credit_uses_reserved",
            "reserved_at",
            sqlite_where=text("status = 'reserved'"),
            postgresql_where=text("status = 'reserved'"),
        ),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    credit_id: Mapped[int] = mapped_column(ForeignKey("credits.id"), index=True)
    amount: Mapped[Minor]
    status: Mapped[str] = mapped_column(String(10), default="reserved")
    reserved_at: Mapped[datetime]  # by the database's clock
    card: Mapped[Credit] = relationship(viewonly=True)


class CreditEntry(Base):
    """One movement of a gift card's credit; written once, never changed.

    ``amount`` has a sign: what it adds to the balance, in minor units. ``order_id``: the order
    that moved it.
    """

    __tablename__ = "credit_entries"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('issued', 'reserved', 'freed', 'spent', 'returned', 'withdrawn', 'restored')",
            name="kind",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    credit_id: Mapped[int] = mapped_column(ForeignKey("credits.id"), index=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    amount: Mapped[Minor]
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Mail(Base):
    """A letter to a shopper, kept whether or not it is also sent by SMTP."""

    __tablename__ = "mails"
    __table_args__ = (UniqueConstraint("order_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str] = mapped_column(String(20))
    to: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class Counter(Base):
    """What only grows, for ``/metrics``: of what is not kept, or too much to count each time."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    label: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
