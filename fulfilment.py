"""What a paid order sets in motion: a parcel, downloads, store credit, a receipt.

Each effect runs in the transaction that marks its outbox task done, so it happens once however
often the worker dies. Only the sending of mail leaves the database, and has a task of its own.
"""

import smtplib
from contextlib import closing, suppress
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template
from sqlalchemy import and_, insert, select, update
from sqlalchemy.orm import Session

from config import Settings
from database import database_clock, db, now, transaction, update_one
from models import Credit, CreditEntry, Download, Mail, Order, OutboxTask, Parcel, Product
from providers.deadline import Deadline

DOWNLOAD_DAYS = 7
#: ``Product.fulfilment``, how a product reaches the shopper -> the kind of task.
TASK_FOR = {"ship": "parcel", "download": "download", "credit": "credit"}
#: The kinds of task that bring a shopper something.
GOODS = (*TASK_FOR.values(), "receipt")


def owe_goods(order: Order, more_tasks: list[str]) -> None:
    """The order was just paid: take its stock and write down what is owed, or hold it.

    Inside the transaction that made it paid. ``more_tasks``: further kinds of task.
    """
    kinds = [*tasks_for(order), *more_tasks]
    # Last, because other buyers of the same product wait for this row lock until the commit.
    gone = take_stock(order)
    if gone:
        order.status, order.held_code = "held", "stock"
        order.held_reason = f"paid, but gone from the shelf: {', '.join(gone)}"
        return
    tasks = [{"order_id": order.id, "kind": kind} for kind in kinds]
    db.session.execute(insert(OutboxTask).values(due_at=database_clock()), tasks)


def take_stock(order: Order) -> list[str]:
    """All lines or none; returns the names of what is gone."""
    # Unlimited products are not updated, so their rows are never locked.
    products = [line.product_id for line in order.lines]
    counted = set(
        db.session.scalars(
            select(Product.id).where(Product.id.in_(products), Product.stock.is_not(None))
        )
    )
    lines = [line for line in order.lines if line.product_id in counted]
    if not lines:
        return []
    gone = []
    with db.session.begin_nested() as savepoint:
        for line in sorted(lines, key=lambda line: line.product_id):  # no deadlocks
            product = and_(Product.id == line.product_id, Product.stock >= line.quantity)
            if not update_one(Product, product, stock=Product.stock - line.quantity):
                gone.append(line.name)
        if gone:
            savepoint.rollback()
    return gone


def tasks_for(order: Order) -> list[str]:
    """The kinds of outbox task that a paid order is owed."""
    wanted = {line.fulfilment for line in order.lines}
    return [task for each, task in TASK_FOR.items() if each in wanted] + ["receipt"]


def pack_parcel(session: Session, order: Order) -> None:
    """A row for the person who packs: where to, and what."""
    contents = [
        f"{line.quantity} × {line.name}" for line in order.lines if line.fulfilment == "ship"
    ]
    session.add(
        Parcel(
            order_id=order.id,
            address="\n".join([order.name, *order.address_lines]),
            contents="\n".join(contents),
        )
    )


def open_downloads(session: Session, order: Order) -> None:
    """A link for each digital product, good for a week and a few downloads."""
    for line in order.lines:
        if line.fulfilment == "download":
            session.add(
                Download(
                    order_id=order.id,
                    product_id=line.product_id,
                    slug=line.product.slug,
                    name=line.name,
                    expires_at=now() + timedelta(days=DOWNLOAD_DAYS),
                )
            )


def add_credit(session: Session, order: Order) -> None:
    """A gift card, worth what was paid for it; its code is in the receipt and on the order's page.

    Once: the receipt, which may be written first, adds it, too.
    """
    known = {card.product_id for card in order.credits}
    for line in order.lines:
        if line.fulfilment == "credit" and line.product_id not in known:
            card = Credit(
                order_id=order.id,
                product_id=line.product_id,
                customer_id=order.customer_id,
                amount=line.total,
                balance=line.total,
                currency=order.currency,
            )
            session.add(card)
            session.flush()
            issued = {"kind": "issued", "amount": card.amount, "currency": card.currency}
            session.add(CreditEntry(credit_id=card.id, order_id=order.id, **issued))
    session.flush()
    session.expire(order, ["credits"])


def write_receipt(session: Session, order: Order) -> None:
    """Store the letter and, with SMTP configured, the task of sending it."""
    settings = cast(Settings, current_app.extensions["settings"])
    url = f"{settings.base_url}/orders/{order.id}"
    if "credit" in tasks_for(order):
        add_credit(session, order)
    session.add(
        Mail(
            order_id=order.id,
            kind="receipt",
            to=order.email,
            subject=f"Thank you: your order {order.number}",
            text=render_template("mail/receipt.txt", order=order, order_url=url),
            html=render_template("mail/receipt.html", order=order, order_url=url),
        )
    )
    if settings.smtp_url:
        session.add(OutboxTask(order_id=order.id, kind="send_receipt"))


def send_receipt(order_id: str) -> None:
    """Send the receipt to the mail server: at least once, always with the same Message-ID.

    It ends within half its lease, so no other worker sends the same letter meanwhile.

    :raise OSError: no connection (smtplib's own errors are OSErrors too); try again later.
    """
    settings = cast(Settings, current_app.extensions["settings"])
    our_name, seconds = urlsplit(settings.base_url).hostname or "", settings.lease_seconds // 2
    mail = db.session.scalar(select(Mail).where(Mail.order_id == order_id, Mail.kind == "receipt"))
    if mail is None or mail.sent_at or settings.smtp_url is None:
        return
    mail_id, message = mail.id, EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, mail.to, mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<receipt.{order_id}@{our_name}>"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
        message.set_boundary(f"=_{order_id}")  # sent again, the letter is the same to the last byte
    db.session.rollback()  # close the transaction before the slow SMTP call
    send_letter(settings.smtp_url.get_secret_value(), our_name, message, seconds)
    with transaction() as session:
        session.execute(update(Mail).where(Mail.id == mail_id).values(sent_at=now()))


class _Mail(smtplib.SMTP):
    """smtplib's, where ``timeout`` is the :class:`Deadline` of the whole sending."""

    def _get_socket(self, host: str, port: int, timeout: Any) -> Any:
        return timeout.connect(host, port)


class _SecureMail(smtplib.SMTP_SSL, _Mail):
    """The same, with TLS from the start."""


def send_letter(smtp_url: str, our_name: str, message: EmailMessage, seconds: int) -> None:
    """``our_name`` is how we greet: smtplib would ask the DNS for it, without any bound."""
    parts = urlsplit(smtp_url)
    kind: Any = _SecureMail if parts.scheme == "smtps" else _Mail
    address = (parts.hostname or "", parts.port or 0, our_name)
    with Deadline(seconds) as deadline, closing(kind(*address, timeout=deadline)) as server:
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
        with suppress(OSError):  # the server has accepted the letter already
            server.quit()
