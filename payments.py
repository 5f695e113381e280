"""What happens to an order when the shopper pays, and when a provider speaks.

One payment, one direction: a status only climbs the ladder, by one conditional UPDATE, so repeated,
late and reordered news all end in the same place. An order becomes paid once, in the transaction
that records the news, takes the stock and writes what is owed to the outbox.

Calls to a provider are never made inside a transaction: commit the intent, call, record.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

import money
from config import Settings, origin
from fulfilment import tasks_for
from models import Delivery, Order, OutboxTask, Payment, Product, db, now, transaction
from providers.base import (
    LADDER,
    Address,
    Checkout,
    Configured,
    Customer,
    PaymentRequest,
    PaymentUpdate,
    ReferenceTaken,
    Rejected,
    Unreachable,
    Urls,
)

#: The shopper may still be on the provider's page.
OPEN = ("created", "pending")
#: The provider says that money moved.
MONEY = ("partially_paid", "succeeded", "partially_refunded", "refunded")
#: The order may be paid by it.
PAID = ("succeeded", "partially_refunded")
#: The provider will not change its mind by itself, so it need not be asked again.
FINAL = ("failed", "canceled", "succeeded", "partially_refunded", "refunded", "voided")

FIRST_LOOK = timedelta(seconds=60)  # after leaving for the page: the shopper is typing
LOOK_AFTER_RETURN = timedelta(seconds=3)  # a webhook usually arrives within half a second
LONGEST_PAUSE = timedelta(hours=1)
STOP_LOOKING = timedelta(hours=24)  # after this even the slowest provider has given up

#: No spaces, no control characters: browsers and parsers differ in what they make of those.
PLAIN_URL = re.compile(r"[!-~]+", re.ASCII)
#: Header names whose values never reach the database.
SECRET_HEADERS = ("signature", "authorization", "cookie", "key", "secret", "token", "hmac", "hash")

log = logging.getLogger(__name__)


class OrderClosed(Exception):
    """The order needs no payment: it is paid, or a person is looking at it."""


# ------------------------------------------------------------------ the shopper leaves to pay


def start(order_id: str, provider: str) -> str:
    """The address of the provider's page for this order; pressing twice gives the same page.

    :raise OrderClosed: nothing to pay.
    :raise ProviderError: no page; ``error.shopper`` is the sentence to show.
    """
    configured = providers()[provider]
    try:
        return _start_attempt(order_id, configured)
    except ReferenceTaken:
        # Sent before with another payload (a corrected e-mail, say) and the answer was lost.
        # Nobody has the page of that payment; one new attempt, with a new reference.
        return _start_attempt(order_id, configured)


def _start_attempt(order_id: str, configured: Configured) -> str:
    request, page_url = _open_attempt(order_id, configured.capabilities.name)
    if page_url:
        return page_url
    urls = urls_for(order_id, configured.capabilities.name)
    try:
        checkout = configured.module.start_checkout(configured.account, request, urls)
    except Rejected as error:
        log.error("payment %s: %s", request.reference, error)
        code = "reference_taken" if isinstance(error, ReferenceTaken) else "rejected"
        _close_attempt(request.reference, code, str(error))
        raise
    except Unreachable as error:
        # It may exist there all the same: the attempt stays open and is repeated as it is.
        log.warning("payment %s: %s", request.reference, error)
        raise
    return _record_page(request.reference, configured, checkout)


def _open_attempt(order_id: str, provider: str) -> tuple[PaymentRequest, str | None]:
    """The order's open payment at this provider, or a new one, committed before any call.

    Returns what the provider is to be asked, and the page if it has answered already.
    """
    with transaction() as session:
        order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
        if order is None or order.status != "open":
            raise OrderClosed(order_id)
        attempts = session.scalars(
            select(Payment).where(Payment.order_id == order_id).order_by(Payment.attempt.desc())
        ).all()
        for payment in attempts:
            if (
                payment.provider == provider
                and payment.status in OPEN
                and payment.hint != "failed"
                and payment.expires_at > now()
            ):
                return request_for(payment), payment.page_url
        payment = Payment(
            order=order,
            attempt=len(attempts) + 1,
            provider=provider,
            amount=order.total,
            currency=order.currency,
            expires_at=now() + timedelta(minutes=settings().payment_minutes),
            next_look_at=now() + FIRST_LOOK,
        )
        session.add(payment)
        session.flush()
        return request_for(payment), None


def _record_page(payment_id: str, configured: Configured, checkout: Checkout) -> str:
    """Store what the provider answered, and apply news that overtook the answer."""
    url, reference = checkout.way.url, checkout.provider_reference
    known = configured.module.page_origins(configured.account)
    words = None
    with transaction() as session:
        if not _bind(payment_id, reference):
            words = f"answered with {reference!r}, a second payment under our reference"
        elif origin(url) not in known or not PLAIN_URL.fullmatch(url):
            words = f"sent the shopper to {origin(url)[:100]!r}, which is none of {known}"
        else:
            session.execute(update(Payment).where(Payment.id == payment_id).values(page_url=url))
        _apply_parked(session.get_one(Payment, payment_id))
    if words:
        log.error("%s payment %s: %s", configured.capabilities.name, payment_id, words)
        _close_attempt(payment_id, "foreign_page", words)
        raise Rejected(words)
    return url


def _close_attempt(payment_id: str, code: str, words: str) -> None:
    with transaction():
        _climb(payment_id, "failed", failure_code=code, failure_message=words, next_look_at=None)


def record_return(order_id: str, provider: str, args: Mapping[str, str]) -> str | None:
    """The shopper is back: a reason to ask the provider soon, or proof where the return is signed.

    ``args``: the query string. Returns the id of the payment to look at, if one is undecided.
    """
    configured = providers()[provider]
    with transaction() as session:
        attempts = session.scalars(
            select(Payment)
            .where(Payment.order_id == order_id, Payment.provider == provider)
            .order_by(Payment.attempt.desc())
        ).all()
        hint = None
        for payment in attempts:
            news = configured.module.read_return(configured.account, request_for(payment), args)
            if isinstance(news, PaymentUpdate):
                # Through the inbox like all news: the same return, opened again, is a repeat.
                key = f"return:{news.provider_reference}:{news.status}"
                _record(provider, replace(news, event_key=key), headers={}, body=None)
            elif hint is None:
                hint = news.status
        undecided = [payment for payment in attempts if payment.next_look_at]
        if not undecided:
            return None
        newest = undecided[0]
        newest.hint = hint
        if newest.returned_at is None:
            newest.returned_at = now()
            newest.looks = 0
        soon = now() + LOOK_AFTER_RETURN
        newest.next_look_at = min(newest.next_look_at or soon, soon)
        return newest.id


# ------------------------------------------------------------------ the provider speaks


def receive(provider: str, headers: Mapping[str, str], body: bytes) -> str:
    """One webhook delivery: verify, record, apply, in one transaction; then it may be acknowledged.

    Returns the verdict: ``applied``, ``ignored``, ``parked`` (no such payment yet) or ``repeat``.

    :raise WebhookRefused: nothing was changed.
    """
    configured = providers()[provider]
    news = configured.module.read_webhook(configured.account, headers, body)
    kept = configured.module.keep_body(configured.account, body)
    verdict = "ignored"
    with transaction():
        for each in news:
            verdict = _record(provider, each, masked(headers), kept)
    return verdict


def record_refusal(provider: str, reason: str) -> None:
    """An audit line for the console: no body, no key, so that it cannot hide the true delivery."""
    with transaction() as session:
        session.add(Delivery(provider=provider, verdict="refused", reason=reason))


def _record(provider: str, news: PaymentUpdate, headers: dict[str, str], body: str | None) -> str:
    session = db.session
    delivery = Delivery(
        provider=provider,
        event_key=news.event_key,
        event=news.word,
        verdict="ignored",
        provider_reference=news.provider_reference,
        headers=headers,
        body=body,
        news=asdict(news),
    )
    try:
        with session.begin_nested():
            session.add(delivery)
    except IntegrityError:
        session.execute(
            update(Delivery)
            .where(Delivery.provider == provider, Delivery.event_key == news.event_key)
            .values(seen=Delivery.seen + 1)
        )
        return "repeat"
    payment = _find_payment(provider, news)
    if payment:
        delivery.payment_id = payment.id
        delivery.verdict, delivery.reason = _judge(payment, news)
    elif news.status is None:
        delivery.reason = "an event that this shop does not use"
    else:
        delivery.verdict = "parked"
        delivery.reason = "no payment with this reference yet"
    return delivery.verdict


def _find_payment(provider: str, news: PaymentUpdate) -> Payment | None:
    """By the provider's reference; by ours only while the provider's is not known yet.

    Never by anything that travels outside the signed news: a true delivery about order A, sent to
    the address of order B, is still about order A.
    """
    mine = Payment.provider == provider
    payment = db.session.scalar(
        select(Payment).where(mine, Payment.provider_reference == news.provider_reference)
    )
    if payment or not (news.reference or "").isalnum():  # ours are hexadecimal
        return payment
    payment = db.session.get(Payment, news.reference, populate_existing=True)
    if payment and payment.provider == provider and _bind(payment.id, news.provider_reference):
        db.session.refresh(payment)
        _apply_parked(payment)
        return payment
    return None


def _bind(payment_id: str, reference: str) -> bool:
    """Store the provider's reference, once; False when there is another, or another has it."""
    payment = and_(
        Payment.id == payment_id,
        or_(Payment.provider_reference.is_(None), Payment.provider_reference == reference),
    )
    try:
        with db.session.begin_nested():
            return _update(Payment, payment, provider_reference=reference)
    except IntegrityError:
        return False


def _apply_parked(payment: Payment) -> None:
    """News that was here before the payment's reference was."""
    session = db.session
    parked = select(Delivery).where(
        Delivery.provider == payment.provider,
        Delivery.provider_reference == payment.provider_reference,
        Delivery.verdict == "parked",
    )
    for delivery in session.scalars(parked.order_by(Delivery.id)).all():
        delivery.payment_id = payment.id
        delivery.verdict, delivery.reason = _judge(payment, PaymentUpdate(**delivery.news or {}))


def _judge(payment: Payment, news: PaymentUpdate) -> tuple[str, str]:
    """Apply news and say what came of it: (verdict, reason)."""
    if news.status is None:
        return "ignored", "an event that this shop does not use"
    before = (payment.status, payment.received, payment.refunded)
    apply_news(payment, news)
    if (payment.status, payment.received, payment.refunded) == before:
        return "ignored", f"payment is already {payment.status}"
    return "applied", f"{before[0]} → {payment.status}"


# ------------------------------------------------------------------ one payment, one direction


def apply_news(payment: Payment, news: PaymentUpdate) -> None:
    """Lift the payment, and the order with it. Inside a transaction; a repeat changes nothing."""
    assert news.status is not None  # noqa: S101
    if news.status in MONEY:
        if news.currency in (payment.currency, None):
            # Some proofs name no amount: they are bound to the one that was asked for.
            whole = payment.amount if news.status != "partially_paid" else 0
            given_back = payment.amount if news.status == "refunded" else 0
            _raise_to(payment.id, Payment.received, _or(news.amount, whole))
            _raise_to(payment.id, Payment.refunded, _or(news.refunded, given_back))
        else:
            _note(
                payment.id,
                f"asked for {money.show(payment.amount, payment.currency)}, "
                f"the news is about {news.amount} minor units of {news.currency}",
            )
    if news.transaction_id and not _name_transaction(payment.id, news.transaction_id):
        _note(payment.id, f"paid a second time, by {news.transaction_id}: give it back")
    _climb(
        payment.id,
        news.status,
        failure_code=news.failure_code,
        failure_message=news.failure_message,
    )
    db.session.refresh(payment)
    if news.status in FINAL:
        payment.next_look_at = None
    if payment.status in PAID:
        _settle(payment, news)


def _climb(payment_id: str, status: str, **values: Any) -> bool:
    """Enter ``status`` if it is higher on the ladder; False when the news is late or a repeat."""
    lower = LADDER[: LADDER.index(status)]
    payment = and_(Payment.id == payment_id, Payment.status.in_(lower))
    return _update(Payment, payment, status=status, **values)


def _name_transaction(payment_id: str, transaction_id: str) -> bool:
    """Store what moved the money, once; False when it was something else before."""
    unnamed = or_(Payment.transaction_id.is_(None), Payment.transaction_id == transaction_id)
    return _update(Payment, and_(Payment.id == payment_id, unnamed), transaction_id=transaction_id)


def _raise_to(payment_id: str, column: Any, amount: int) -> bool:
    """Proven money is a running maximum: repeats and old totals change nothing."""
    return _update(Payment, and_(Payment.id == payment_id, column < amount), **{column.key: amount})


def _or(amount: int | None, otherwise: int) -> int:
    return otherwise if amount is None else amount


def _settle(payment: Payment, news: PaymentUpdate) -> None:
    """The provider says this payment succeeded: pay the order with it, or hold the order."""
    asked = money.show(payment.amount, payment.currency)
    if payment.received < payment.amount:
        received = money.show(payment.received, payment.currency)
        code = "amount" if news.currency in (payment.currency, None) else "currency"
        reason = f"{payment.provider} took {received} of {asked}. {payment.problem or ''}".strip()
        waiting = and_(Order.id == payment.order_id, Order.status == "open")
        _update(Order, waiting, status="held", held_code=code, held_reason=reason)
        return
    if payment.received > payment.amount:
        surplus = money.show(payment.received - payment.amount, payment.currency)
        _note(payment.id, f"{surplus} more than the {asked} that was asked for")
    unpaid = and_(
        Order.id == payment.order_id,
        or_(
            Order.status == "open",
            and_(Order.status == "held", Order.held_code.in_(("amount", "currency"))),
        ),
    )
    if _update(
        Order,
        unpaid,
        status="paid",
        paid_by=payment.id,
        paid_at=now(),
        held_code=None,
        held_reason=None,
    ):
        _owe(payment.order_id)
        return
    paid_by = db.session.scalar(select(Order.paid_by).where(Order.id == payment.order_id))
    if paid_by != payment.id:
        _note(payment.id, f"second payment for one order (paid by {paid_by}): give it back")


def _owe(order_id: str) -> None:
    """The order was just paid: take its stock and write down what is owed, or hold it."""
    session = db.session
    order = session.get_one(Order, order_id, populate_existing=True)
    gone = _take_stock(order)
    if gone:
        order.status, order.held_code = "held", "stock"
        order.held_reason = f"paid, but gone from the shelf: {', '.join(gone)}"
        return
    session.add_all(OutboxTask(order_id=order.id, kind=kind) for kind in tasks_for(order))


def _take_stock(order: Order) -> list[str]:
    """All lines or none; returns the names of what is gone."""
    gone = []
    with db.session.begin_nested() as savepoint:
        for line in sorted(order.lines, key=lambda line: line.product_id):  # no deadlocks
            enough = or_(Product.stock.is_(None), Product.stock >= line.quantity)
            product = and_(Product.id == line.product_id, enough)
            if not _update(Product, product, stock=Product.stock - line.quantity):
                gone.append(line.name)
        if gone:
            savepoint.rollback()
    return gone


def _note(payment_id: str, problem: str) -> None:
    """Tell a person; the first problem is kept."""
    unnoted = and_(Payment.id == payment_id, Payment.problem.is_(None))
    if _update(Payment, unnoted, problem=problem):
        log.error("payment %s: %s", payment_id, problem)


def _update(table: Any, which: ColumnElement[bool], **values: Any) -> bool:
    """One conditional UPDATE: True when it changed the row. What guards against every race."""
    statement = update(table).where(which).values(**values)
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount == 1


# ------------------------------------------------------------------ the webhook never comes


def look(payment_id: str) -> datetime | None:
    """Ask the provider about an undecided payment whose time has come; several may try at once.

    Returns when to look again; None when there is nothing more to learn, or another one looks.
    """
    claimed = _claim_look(payment_id)
    if claimed is None:
        return None
    request, provider, next_look_at = claimed
    configured = providers().get(provider)
    news = None
    if configured:
        try:
            news = configured.module.fetch_payment(configured.account, request)
        except Unreachable as error:
            log.warning("payment %s: %s", payment_id, error)
            return next_look_at  # unknown is not failed, and does not expire
        except Rejected as error:
            log.error("payment %s: %s", payment_id, error)
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        _apply_parked(payment)
        if news and news.status:
            apply_news(payment, news)
        if payment.next_look_at and payment.expires_at < now():
            # Expired for us: the shopper may pay anew. Late money is still looked for, and taken.
            _climb(payment_id, "expired")
            if payment.created_at + STOP_LOOKING < now():
                payment.next_look_at = None
        return payment.next_look_at


def _claim_look(payment_id: str) -> tuple[PaymentRequest, str, datetime] | None:
    """Take this slot and book the next: 5 s, 10 s, 20 s … at most an hour apart.

    Returns what to ask, whom, and the next slot; None when nothing is due or another was faster.
    """
    with transaction() as session:
        payment = session.get(Payment, payment_id)
        if payment is None:
            return None
        pause = min(timedelta(seconds=5 * 2 ** min(payment.looks, 20)), LONGEST_PAUSE)
        next_look_at = now() + pause
        due = and_(
            Payment.id == payment.id,
            Payment.looks == payment.looks,
            Payment.next_look_at <= now(),
        )
        if not _update(Payment, due, next_look_at=next_look_at, looks=Payment.looks + 1):
            return None
        return request_for(payment), payment.provider, next_look_at


def due_for_a_look(limit: int) -> list[str]:
    """Undecided payments whose time has come, longest waiting first."""
    due = select(Payment.id).where(Payment.next_look_at <= now())
    return list(db.session.scalars(due.order_by(Payment.next_look_at).limit(limit)))


# ------------------------------------------------------------------ small things


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def providers() -> dict[str, Configured]:
    """The providers that this shop is configured for, by name."""
    found: dict[str, Configured] = current_app.extensions["providers"]
    return found


def request_for(payment: Payment) -> PaymentRequest:
    """A payment as a provider is told about it."""
    order = payment.order
    address = None
    if order.needs_shipping:
        address = Address(order.line1, order.line2, order.city, order.postal_code, order.country)
    return PaymentRequest(
        reference=payment.id,
        provider_reference=payment.provider_reference,
        amount=payment.amount,
        currency=payment.currency,
        description=f"Kiln & Kettle, order {order.number}",
        customer=Customer(order.customer_id, order.name, order.email),
        address=address,
    )


def urls_for(order_id: str, provider: str) -> Urls:
    base = settings().base_url
    return Urls(
        return_url=f"{base}/orders/{order_id}/return/{provider}",
        webhook_url=f"{base}/webhooks/{provider}",
    )


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may be kept: of a secret one at most the last four characters."""

    def kept(name: str, value: str) -> str:
        if any(word in name.lower() for word in SECRET_HEADERS):
            return f"…{value[-4:]}" if len(value) > 16 else "…"
        return value

    return {name: kept(name, value) for name, value in headers.items()}
