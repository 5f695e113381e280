"""What a paid order sets in motion: a parcel, downloads, store credit, a receipt.

Each effect runs in the transaction that marks its outbox task done, so it happens once however
often the worker dies. Only the sending of mail leaves the database, and has a task of its own.
"""

import logging
import smtplib
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template
from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.orm import Session

from catalogue.books import chapters, file_of
from config import Settings
from database import database_clock, db, now, transaction, update_one
from models import Credit, CreditEntry, Download, Mail, Order, OutboxTask, Parcel, Product
from providers.deadline import Deadline

DOWNLOAD_DAYS = 7
#: So often, over some ten minutes, the letter is tried with its files; then without: a server may
#: hang up at their size.
TRIES_WITH_FILES = 6
#: No line of a letter is longer than servers take, and none needs 8 bits (RFC 5321, 4.5.3.1.6).
SEVEN_BITS = policy.default.clone(cte_type="7bit")
#: How a server refuses the sender, the recipient or the letter itself.
REFUSALS = (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)
#: ``Product.fulfilment``, how a product reaches the shopper -> the kind of task.
TASK_FOR = {"ship": "parcel", "download": "download", "credit": "credit"}
#: The kinds of task that bring a shopper something.
GOODS = (*TASK_FOR.values(), "receipt")
#: Letters about a subscription -> the subject, with the order's number.
NOTICES = {
    "past_due": "We could not charge your card: order {}",
    "cancelled": "Your subscription is cancelled: order {}",
}

log = logging.getLogger(__name__)


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
        for line in sorted(lines, key=attrgetter("product_id")):  # no deadlocks
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
    """A link for each digital product, good for a week and a few downloads.

    Once: the receipt, which may be written first, opens it, too.
    """
    known = {each.product_id for each in order.downloads}
    for line in order.lines:
        if line.fulfilment == "download" and line.product_id not in known:
            session.add(
                Download(
                    order_id=order.id,
                    product_id=line.product_id,
                    slug=session.get_one(Product, line.product_id).slug,
                    name=line.name,
                    expires_at=now() + timedelta(days=DOWNLOAD_DAYS),
                )
            )
    session.flush()
    session.expire(order, ["downloads"])


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
    """Store the letter and, with SMTP configured, the task of sending it.

    At the till an address may be typed before this or later, or never: until then there is no
    letter. Each time after that it is a further one, with a task of its own.
    """
    settings = cast(Settings, current_app.extensions["settings"])
    base, kinds = settings.base_url, tasks_for(order)
    address = lock_address(session, order.id)
    if not address:
        return
    earlier = and_(Mail.order_id == order.id, Mail.kind.startswith("receipt"))
    count = session.scalar(select(func.count(Mail.id)).where(earlier)) or 0
    further = f":{count + 1}" if count else ""
    if "credit" in kinds:
        add_credit(session, order)
    if "download" in kinds:
        open_downloads(session, order)
    named = {"order": order, "base_url": base, "order_url": f"{base}/orders/{order.id}"}
    named |= {"downloads": order.downloads if "download" in kinds else [], "chapters": chapters}
    session.add(
        Mail(
            order_id=order.id,
            kind=f"receipt{further}",
            to=address,
            subject=f"Thank you: your order {order.number}",
            text=render_template("mail/receipt.txt", **named),
            html=render_template("mail/receipt.html", **named),
        )
    )
    if settings.smtp_url:
        session.add(OutboxTask(order_id=order.id, kind=f"send_receipt{further}"))


def lock_address(session: Session, order_id: str) -> str:
    """Where the receipt goes; blank: nowhere yet.

    Locked: an address that is typed meanwhile waits, and then finds the receipt's task done.
    """
    lock = select(Order.email).where(Order.id == order_id).with_for_update()
    return session.scalars(lock).one()


def write_notice(kind: str, session: Session, order: Order) -> None:
    """A letter about a subscription: a key of ``NOTICES``, and its text in templates/mail/."""
    settings = cast(Settings, current_app.extensions["settings"])
    url = f"{settings.base_url}/orders/{order.id}"
    text = render_template(f"mail/{kind}.txt", order=order, order_url=url)
    subject = NOTICES[kind].format(order.number)
    session.add(Mail(order_id=order.id, kind=kind, to=order.email, subject=subject, text=text))
    if settings.smtp_url:
        session.add(OutboxTask(order_id=order.id, kind=f"send_notice:{kind}"))


def send_receipt(order_id: str, money_is_here: bool, number: str = "") -> None:
    """Send the receipt, or with a ``number`` a further one; see ``send_mail``."""
    send_mail(order_id, f"receipt:{number}" if number else "receipt", money_is_here)


def send_mail(order_id: str, kind: str, money_is_here: bool) -> None:
    """Send a letter to the mail server: at least once, always with the same Message-ID.

    Small files that were bought go with it, if the money for them is here; a server that does not
    take them gets the letter alone. It ends within half its lease, so no other worker sends the
    same letter meanwhile.

    :raise OSError: no connection (smtplib's own errors are OSErrors too); try again later.
    """
    settings = cast(Settings, current_app.extensions["settings"])
    our_name, seconds = urlsplit(settings.base_url).hostname or "", settings.lease_seconds // 2
    mail = db.session.scalar(select(Mail).where(Mail.order_id == order_id, Mail.kind == kind))
    if mail is None or mail.sent_at or settings.smtp_url is None:
        return
    letters = [write_letter(mail, settings.mail_from, our_name, [])]
    files = small_files(order_id, settings.mail_attach_bytes) if money_is_here else []
    if files:
        letters.insert(0, write_letter(mail, settings.mail_from, our_name, files))
    mail_id = mail.id
    db.session.rollback()  # close the transaction before the slow SMTP call
    send_letter(settings.smtp_url.get_secret_value(), our_name, letters, seconds)
    with transaction() as session:
        session.execute(update(Mail).where(Mail.id == mail_id).values(sent_at=now()))


def small_files(order_id: str, at_most: int) -> list[Path]:
    """Of the files that this order may fetch, those that fit into so many bytes together."""
    mine = select(OutboxTask.attempts).where(OutboxTask.order_id == order_id)
    tries = db.session.scalar(mine.where(OutboxTask.kind == "send_receipt"))
    if tries is not None and tries > TRIES_WITH_FILES:
        return []
    rights = select(Download.slug).where(Download.order_id == order_id, Download.expires_at > now())
    found = []
    for slug in db.session.scalars(rights.order_by(Download.id)):
        file = file_of(slug)
        size = file.stat().st_size if file.is_file() else at_most + 1
        if size <= at_most:
            at_most -= size
            found.append(file)
    return found


def write_letter(mail: Mail, sender: str, our_name: str, files: Sequence[Path]) -> EmailMessage:
    """The letter to send: written again, it is the same to the last byte."""
    message = EmailMessage(SEVEN_BITS)
    message["From"], message["To"], message["Subject"] = sender, mail.to, mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.kind.replace(':', '.')}.{mail.order_id}@{our_name}>"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for file in files:
        content = file.read_bytes()
        message.add_attachment(content, maintype="application", subtype="pdf", filename=file.name)
    parts = [part for part in message.walk() if part.is_multipart()]
    for number, part in enumerate(parts):
        part.set_boundary(f"=_{number}_{mail.order_id}")
    return message


class _Mail(smtplib.SMTP):
    """smtplib's, where ``timeout`` is the :class:`Deadline` of the whole sending."""

    def _get_socket(self, host: str, port: int, timeout: Any) -> Any:
        return timeout.connect(host, port)


class _SecureMail(smtplib.SMTP_SSL, _Mail):
    """The same, with TLS from the start."""


def send_letter(
    smtp_url: str, our_name: str, letters: Sequence[EmailMessage], seconds: int
) -> None:
    """Send the first of these letters; the next one if the server refuses it for good.

    ``our_name`` is how we greet: smtplib would ask the DNS for it, without any bound.
    """
    first, *others = letters
    parts = urlsplit(smtp_url)
    kind: Any = _SecureMail if parts.scheme == "smtps" else _Mail
    address = (parts.hostname or "", parts.port or 0, our_name)
    with Deadline(seconds) as deadline, closing(kind(*address, timeout=deadline)) as server:
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        try:
            server.send_message(first)
        except REFUSALS as refusal:  # perhaps of its size (RFC 1870), in one of three places
            if not others or not _is_for_good(refusal):
                raise
            log.warning("mail server refuses a letter with files, and gets it without")
            server.send_message(others[0])
        with suppress(OSError):  # the server has accepted the letter already
            server.quit()


def _is_for_good(refusal: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> bool:
    """By its code, 5xx; 4xx asks to try again later."""
    if isinstance(refusal, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in refusal.recipients.values())
    return refusal.smtp_code >= 500
