"""What happens to an order when the shopper pays, and when a provider speaks.

One payment, one direction: a status only climbs the ladder, by one conditional UPDATE, so repeated,
late and reordered news all end in the same place. An order becomes paid once, in the transaction
that records the news, takes the stock and writes what is owed to the outbox.

Calls to a provider are never made inside a transaction: commit the intent, call, record.
"""

import logging
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from flask import current_app
from sqlalchemy import ColumnElement, and_, case, func, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

import logs
import metrics
import money
import refunds
from config import Settings, origin
from database import database_clock, database_now, db, insert_into, now, transaction, update_one
from fulfilment import tasks_for
from models import Delivery, Order, OutboxTask, Payment, PaymentPart, Product, Refund
from providers.base import (
    LADDER,
    Address,
    Cancels,
    Checkout,
    Configured,
    Customer,
    Embed,
    FormPost,
    Line,
    PaymentRequest,
    PaymentUpdate,
    ProviderError,
    Qr,
    Redirect,
    ReferenceTaken,
    RefundRequest,
    Refunds,
    Rejected,
    Resumes,
    Unreachable,
    Urls,
)

#: The shopper may still be on the provider's page.
OPEN = ("created", "pending")
#: The provider says that money moved.
MONEY = ("partially_paid", "succeeded", "partially_refunded", "refunded")
#: The provider says that no money moved, or not yet.
NO_MONEY = LADDER[: LADDER.index("partially_paid")]
#: A dispute only moves on, like a status: it has begun, took the money, or was turned down.
DISPUTES = ("opened", "lost", "won")
#: An order that waits for these reasons is paid as soon as the money is proven.
WAITS_FOR_MONEY = ("amount", "currency", "unclear")
#: The provider will not change its mind by itself, so it need not be asked again.
FINAL = ("failed", "canceled", "succeeded", "partially_refunded", "refunded", "voided")

FIRST_LOOK = timedelta(seconds=60)  # after leaving for the page: the shopper is typing
LOOK_AFTER_RETURN = timedelta(seconds=3)  # a webhook usually arrives within half a second
LONGEST_PAUSE = timedelta(hours=1)
SILENT_REFUND = timedelta(hours=1)
STOP_LOOKING = timedelta(hours=24)  # after it expired; even the slowest provider has given up
ASKING = timedelta(seconds=12)  # longer than any call for a page takes (providers/http.py)
OTHER_PRESS = timedelta(seconds=2)  # that a press waits for the answer to another
PAUSE = 0.05  # seconds between two looks for that answer


#: No spaces, no control characters: browsers and parsers differ in what they make of those.
PLAIN_URL = re.compile(r"[!-~]+", re.ASCII)
#: Header names whose values never reach the database.
SECRET_HEADERS = ("signature", "authorization", "cookie", "key", "secret", "token", "hmac", "hash")

log = logging.getLogger(__name__)


class MoneyIsGone(Exception):
    """Goods are held back: what paid for them was refunded, voided or is disputed."""


class OrderClosed(Exception):
    """The order needs no payment: it is paid, or a person is looking at it."""


# ------------------------------------------------------------------ the shopper leaves to pay


def start(order_id: str, provider: str, method: str = "") -> str | None:
    """The address of the provider's page for this order; pressing twice gives the same page.

    ``method`` as in ``PaymentRequest``. None: the shopper pays on a page of ours.

    :raise OrderClosed: nothing to pay.
    :raise ProviderError: no page; ``error.shopper`` is the sentence to show.
    """
    configured = providers()[provider]
    try:
        return _start_attempt(order_id, configured, method)
    except ReferenceTaken:
        # Sent before with another payload (a corrected e-mail, say) and the answer was lost.
        # Nobody has the page of that payment; one new attempt, with a new reference.
        return _start_attempt(order_id, configured, method)


def _start_attempt(order_id: str, configured: Configured, method: str) -> str | None:
    request, page = _open_attempt(order_id, configured, method)
    if page == "asked for" and not _page_came(request.reference):
        request, page = _open_attempt(order_id, configured, method)
    if page == "known" and not _is_open(order_id, configured, request):
        request, page = _open_attempt(order_id, configured, method)
    provider = configured.capabilities.name
    logs.about(order_id=order_id, payment_id=request.reference, provider=provider)
    if page == "known":
        _go_back_to(request.reference)
    elif page == "wanted":
        _ask_for_page(order_id, configured, request)
    abandon(order_id, but=request.reference)
    return _page_of(request.reference)


def _go_back_to(payment_id: str) -> None:
    """This payment is in use again: what came of the last visit to its page is over.

    In a transaction of its own, for the reason that ``abandon`` gives.
    """
    with transaction():
        still_open = and_(Payment.id == payment_id, Payment.status.in_(OPEN))
        update_one(Payment, still_open, abandoned=False, hint=None, returned_at=None)


def _ask_for_page(order_id: str, configured: Configured, request: PaymentRequest) -> None:
    urls = urls_for(order_id, configured.capabilities.name)
    try:
        checkout = configured.module.start_checkout(configured.account, request, urls)
    except Rejected as error:
        log.error("payment %s: %s", request.reference, error)
        code = "reference_taken" if isinstance(error, ReferenceTaken) else "rejected"
        _close_attempt(request.reference, "failed", code, str(error))
        raise
    except Unreachable as error:
        # It may exist there all the same: the attempt stays open and is repeated as it is.
        log.warning("payment %s: %s", request.reference, error)
        _let_another_press_ask(request.reference)
        raise
    except BaseException:
        _let_another_press_ask(request.reference)
        raise
    _record_page(request.reference, configured, checkout)


def _let_another_press_ask(payment_id: str) -> None:
    with transaction():
        update_one(Payment, Payment.id == payment_id, page_asked_at=None)


def _page_came(payment_id: str) -> bool:
    """Another press of the button is asking the provider: wait for its answer, for a moment.

    False when that press failed; True also when it takes longer than a shopper is kept waiting,
    who then goes to the order's page.
    """
    ends = time.monotonic() + OTHER_PRESS.total_seconds()
    while time.monotonic() < ends:
        db.session.rollback()
        payment = db.session.get_one(Payment, payment_id, populate_existing=True)
        if payment.page_url or payment.status not in OPEN:
            return True
        if payment.page_asked_at is None:
            return False
        db.session.rollback()
        time.sleep(PAUSE)
    return True


def _open_attempt(
    order_id: str, configured: Configured, method: str = ""
) -> tuple[PaymentRequest, Literal["known", "wanted", "asked for"]]:
    """The order's open payment at this provider, or a new one, committed before any call.

    Returns what the provider is to be asked, and whether its page is known, is to be asked for by
    this press of the button, or is being asked for by another one.
    """
    can = configured.capabilities
    with transaction() as session:
        order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
        if order is None or order.status != "open" or paid_instead(order):
            raise OrderClosed(order_id)
        attempts = session.scalars(
            select(Payment).where(Payment.order_id == order_id).order_by(Payment.attempt.desc())
        ).all()
        for payment in attempts:
            if (
                payment.provider == can.name
                and payment.method == method
                and payment.status in OPEN
                and payment.hint != "failed"
                and not (payment.abandoned and isinstance(configured.module, Cancels))
                and payment.page_expires_at > now()
            ):
                if payment.page_url is not None:
                    return request_for(payment), "known"
                asked = payment.page_asked_at
                if asked and asked > database_now() - ASKING:
                    return request_for(payment), "asked for"
                payment.page_asked_at = database_now()
                return request_for(payment), "wanted"
        waits, moment = settings().payment_minutes, database_now()
        payment = Payment(
            order=order,
            attempt=len(attempts) + 1,
            provider=can.name,
            method=method,
            amount=order.total,
            currency=order.currency,
            page_expires_at=now() + timedelta(minutes=can.page_minutes or waits),
            expires_at=now() + timedelta(minutes=can.silent_minutes or waits),
            next_look_at=moment + FIRST_LOOK,
            page_asked_at=moment,
        )
        session.add(payment)
        session.flush()
        return request_for(payment), "wanted"


def abandon(order_id: str, but: str = "") -> None:
    """The shopper pays another way, or has paid: nobody shall pay on these pages by mistake.

    The worker asks how they stand, and closes those that are not paid, where that can be done. In
    a transaction of its own: news holds a payment and waits for its order, so nobody may hold both
    the other way round.
    """
    others = select(Payment).where(_of_order_or_its_chain(order_id), Payment.id != but)
    others = others.where(Payment.status.in_(OPEN), Payment.abandoned.is_(False))
    with transaction() as session:
        for payment in session.scalars(others.order_by(Payment.id).with_for_update()):
            configured = providers().get(payment.provider)
            payment.abandoned = True
            if payment.page_url and configured and isinstance(configured.module, Cancels):
                payment.next_look_at = database_now()


def abandoned(order_id: str) -> list[str]:
    """The payments of an order that the worker is to ask about now, and to close."""
    mine = select(Payment.id).where(_of_order_or_its_chain(order_id), Payment.abandoned.is_(True))
    return list(db.session.scalars(mine.where(Payment.status.in_(OPEN))))


def _of_order_or_its_chain(order_id: str) -> ColumnElement[bool]:
    """Payments of this order, and of those that it replaced or that replaced it."""
    chain = select(Order.chain_id).where(Order.id == order_id).scalar_subquery()
    mates = select(Order.id).where(Order.chain_id == chain)
    return or_(Payment.order_id == order_id, Payment.order_id.in_(mates))


def replace_order(before: str, order_id: str) -> None:
    """The shopper changed the basket after "Pay": ``order_id`` takes the place of ``before``.

    Of orders that replaced one another one is paid; money for another is a second payment.
    """
    with transaction() as session:
        chain_id = session.scalar(
            update(Order)
            .where(Order.id == before, Order.status == "open")
            .values(chain_id=func.coalesce(Order.chain_id, Order.id))
            .returning(Order.chain_id)
            .execution_options(synchronize_session=False)
        )
        if chain_id:
            alone = and_(Order.id == order_id, Order.chain_id.is_(None), Order.status == "open")
            update_one(Order, alone, chain_id=chain_id)
    abandon(before)


def paid_instead(order: Order) -> str | None:
    """The number of an order that was paid in place of this one, if there is one."""
    if order.chain_id is None or order.paid_by:
        return None
    mates = (Order.chain_id == order.chain_id, Order.id != order.id, Order.paid_by.is_not(None))
    return db.session.scalar(select(Order.number).where(*mates).limit(1))


def _is_open(order_id: str, configured: Configured, request: PaymentRequest) -> bool:
    """Ask about a page that was made before, where that can be done; False when it is closed.

    :raise OrderClosed: it was paid, or is being paid.
    """
    if not isinstance(configured.module, Resumes):
        return True
    urls = urls_for(order_id, configured.capabilities.name)
    try:
        state = configured.module.resume_checkout(configured.account, request, urls)
    except ProviderError as error:
        log.warning("payment %s: %s", request.reference, error)
        return True  # not known: the shopper will see
    if state == "done":
        with transaction() as session:
            payment = session.get_one(Payment, request.reference)
            payment.returned_at = payment.returned_at or now()
            payment.hint = None
            payment.next_look_at = payment.next_look_at and database_now()
        look(request.reference)
        raise OrderClosed(order_id)
    if state == "closed":
        _close_attempt(request.reference, "expired", "page_closed", "the page takes no money now")
    return state == "open"


def _page_of(payment_id: str) -> str | None:
    """Where the shopper goes; None where the way leads over a page of ours."""
    payment = db.session.get_one(Payment, payment_id, populate_existing=True)
    return None if payment.way and payment.way["kind"] != "redirect" else payment.page_url


def _record_page(payment_id: str, configured: Configured, checkout: Checkout) -> None:
    """Store what the provider answered, and apply news that overtook the answer."""
    url, reference = checkout.way.url, checkout.provider_reference
    known = configured.module.page_origins(configured.account)
    words = None
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.page_url:
            # Pressed twice, and the other press was faster. Nobody has the page of this answer.
            log.warning("payment %s: has a page already", payment_id)
            return
        if reference and not _bind(payment_id, reference):
            words = f"answered with {reference!r}, a second payment under our reference"
        elif origin(url) not in known or not PLAIN_URL.fullmatch(url):
            words = f"sent the shopper to {origin(url)[:100]!r}, which is none of {known}"
        else:
            payment.page_url, payment.page_token = url, checkout.page_token
            payment.way = _stored(checkout.way, known)
            payment.abandoned = False  # by a rival press: this one is in use now
            if isinstance(checkout.way, Qr):
                payment.page_expires_at = checkout.way.expires_at
            if not payment.parts and len(checkout.parts) > 1:
                payment.parts = [
                    PaymentPart(
                        position=position,
                        provider=payment.provider,
                        provider_reference=part.provider_reference,
                        amount=part.amount,
                    )
                    for position, part in enumerate(checkout.parts)
                ]
            session.flush()
        session.refresh(payment)
        _apply_parked(payment)
    if words:
        log.error("%s payment %s: %s", configured.capabilities.name, payment_id, words)
        _close_attempt(payment_id, "failed", "foreign_page", words)
        raise Rejected(words)


def _stored(way: Redirect | FormPost | Embed | Qr, known: tuple[str, ...]) -> dict[str, Any] | None:
    """A way as ``Payment.way`` keeps it."""
    match way:
        case Redirect(qr_image=image):
            own = image and origin(image) in known
            return {"kind": "redirect", "qr_image": image} if own else None
        case FormPost(fields=fields):
            return {"kind": "form", "fields": fields}
        case Embed(script=script, options=options):
            return {"kind": "embed", "script": script, "options": dict(options)}
        case Qr(payload=payload):
            return {"kind": "qr", "payload": payload}


def _close_attempt(payment_id: str, status: str, code: str, words: str) -> None:
    words = settings().mask(words)  # a provider may quote the key that it does not like
    over = {"next_look_at": None} if status == "failed" else {}
    with transaction():
        _climb(payment_id, status, failure_code=code, failure_message=words, **over)


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
        soon = database_now() + LOOK_AFTER_RETURN
        newest.next_look_at = min(newest.next_look_at or soon, soon)
        return newest.id


# ------------------------------------------------------------------ the provider speaks


@dataclass(frozen=True)
class Received:
    """What came of a delivery.

    ``verdict``: ``applied``, ``ignored``, ``parked`` (no such payment yet) or ``repeat``.
    ``checks``: payments that the provider is to be asked about now.
    """

    verdict: str
    checks: tuple[str, ...]


def receive(provider: str, headers: Mapping[str, str], body: bytes) -> Received:
    """One webhook delivery: verify, record, apply, in one transaction; then it may be acknowledged.

    :raise WebhookRefused: nothing was changed.
    """
    configured = providers()[provider]
    news = configured.module.read_webhook(configured.account, headers, body)
    kept = configured.module.keep_body(configured.account, body)
    verdict, checks = "ignored", []
    with transaction():
        for each in news:
            delivery = _record(provider, each, masked(headers), kept)
            verdict = "repeat" if delivery.seen > 1 else delivery.verdict
            if each.check and delivery.payment_id and verdict == "applied":
                checks.append(delivery.payment_id)
    return Received(verdict, tuple(checks))


def record_refusal(provider: str, reason: str) -> None:
    """An audit line for the console: no body, no key, so that it cannot hide the true delivery."""
    with transaction() as session:
        session.add(Delivery(provider=provider, verdict="refused", reason=reason))
        metrics.count("webhooks_refused", provider, reason.partition(":")[0])


def _record(
    provider: str, news: PaymentUpdate, headers: dict[str, str], body: str | None
) -> Delivery:
    delivery = _keep(
        provider=provider,
        event_key=news.event_key,
        event=news.word,
        verdict="ignored",
        provider_reference=news.provider_reference,
        headers=headers,
        body=body,
        news=asdict(news),
    )
    if delivery.seen > 1:
        return delivery
    payment = _find_payment(provider, news)
    if payment:
        _apply_parked(payment, news.transaction_id)
        delivery.verdict, delivery.reason = _judge(payment, news)
        delivery.payment_id = payment.id
    elif news.status or news.check or news.dispute or news.problem:
        delivery.verdict = "parked"
        delivery.reason = "no payment with this reference yet"
    else:
        delivery.reason = "an event that this shop does not use"
    return delivery


def _keep(**delivery: Any) -> Delivery:
    """A new row of the inbox, or the one that is there, seen once more.

    One statement, so that of two deliveries at once one waits here for what comes of the other.
    """
    statement = insert_into(Delivery).values(**delivery)
    statement = statement.on_conflict_do_update(
        index_elements=(Delivery.provider, Delivery.event_key), set_={"seen": Delivery.seen + 1}
    )
    kept: Delivery = db.session.scalars(
        statement.returning(Delivery), execution_options={"populate_existing": True}
    ).one()
    return kept


def _find_payment(provider: str, news: PaymentUpdate) -> Payment | None:
    """By the provider's reference, of the payment, a part of it, or the movement of its money.

    By ours only while the provider's is not known yet. Never by anything that travels outside the
    signed news: a true delivery about order A, sent to the address of order B, is about order A.
    """
    theirs = news.provider_reference
    known = (Payment.provider == provider, Payment.provider_reference == theirs)
    with_parts = select(Payment).where(*known).options(joinedload(Payment.parts))
    payment = db.session.scalars(with_parts).unique().one_or_none()
    if payment is None and theirs:
        part = (PaymentPart.provider == provider, PaymentPart.provider_reference == theirs)
        payment = db.session.scalar(select(Payment).join(PaymentPart).where(*part))
    if payment is None and theirs:
        moved = (Payment.provider == provider, Payment.transaction_id == theirs)
        payment = db.session.scalar(select(Payment).where(*moved).order_by(Payment.id).limit(1))
    if payment or not (news.reference or "").isalnum():  # ours are hexadecimal
        return payment
    payment = db.session.get(Payment, news.reference, populate_existing=True)
    if payment is None or payment.provider != provider:
        return None
    if _bind(payment.id, theirs) or _bind_anew(payment, news):
        db.session.refresh(payment)
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
            return update_one(Payment, payment, provider_reference=reference)
    except IntegrityError:
        return False


def _bind_anew(payment: Payment, news: PaymentUpdate) -> bool:
    """A form of ours can be posted twice: declined first, then paid, under another id each.

    Money binds it anew while there is none; a second time it is for a person to give back.
    """
    if not payment.way or payment.way["kind"] != "form" or news.status not in MONEY:
        return False
    unpaid = and_(Payment.id == payment.id, Payment.status.not_in((*MONEY, "voided")))
    if update_one(Payment, unpaid, provider_reference=news.provider_reference):
        return True
    _note(payment.id, f"paid a second time, as {news.provider_reference}: give it back")
    return False


def _apply_parked(payment: Payment, transaction_id: str | None = None) -> None:
    """News that was here before the payment's reference was, or the name of its transaction.

    With any later news, too: on PostgreSQL the two may be stored at once, unseen by each other.
    """
    session = db.session
    references = [payment.provider_reference, payment.transaction_id, transaction_id]
    references += [part.provider_reference for part in payment.parts]
    parked = select(Delivery).where(
        Delivery.provider == payment.provider,
        Delivery.provider_reference.in_(references),
        Delivery.verdict == "parked",
    )
    for delivery in session.scalars(parked.order_by(Delivery.id)).all():
        delivery.payment_id = payment.id
        delivery.verdict, delivery.reason = _judge(payment, PaymentUpdate(**delivery.news or {}))


def _judge(payment: Payment, news: PaymentUpdate) -> tuple[str, str]:
    """Apply news and say what came of it: (verdict, reason)."""
    logs.about(order_id=payment.order_id, payment_id=payment.id)
    if news.refund_refused:
        if not refunds.refuse(payment.id, news.refund_refused):
            _note(payment.id, f"a refund was not made after all: {news.refund_refused}")
        return "applied", "the refund was refused"
    if not (news.status or news.check or news.dispute or news.problem):
        return "ignored", "an event that this shop does not use"
    before = (payment.status, payment.received, payment.refunded, payment.dispute)
    apply_news(payment, _whole(payment, news) if payment.parts else news)
    if news.problem:
        return "applied", news.problem
    if news.check:
        return "applied", "it does not say all: the provider is asked"
    if (payment.status, payment.received, payment.refunded, payment.dispute) == before:
        return "ignored", f"payment is already {payment.status}"
    if news.dispute:
        return "applied", f"dispute {payment.dispute}"
    return "applied", f"{before[0]} → {payment.status}"


def _whole(payment: Payment, news: PaymentUpdate) -> PaymentUpdate:
    """News of one part, as news of all: paid when every part is."""
    session = db.session
    mine = PaymentPart.provider_reference == news.provider_reference
    part = next((p for p in payment.parts if p.provider_reference == news.provider_reference), None)
    if part is None or news.status is None or news.currency not in (payment.currency, None):
        return news  # of all of it, or of money that a person must look at
    if news.status in MONEY:
        whole = part.amount if news.status != "partially_paid" else 0
        paid = whole if news.amount is None else news.amount
        mine = and_(PaymentPart.payment_id == payment.id, mine, PaymentPart.received < paid)
        update_one(PaymentPart, mine, received=paid)
        session.refresh(part)
    received = sum(each.received for each in payment.parts)
    if news.status not in MONEY:
        return replace(news, status="partially_paid", amount=received) if received else news
    complete = all(each.received >= each.amount for each in payment.parts)
    status = news.status if complete else "partially_paid"
    return replace(news, status=status, amount=received)


# ------------------------------------------------------------------ one payment, one direction


def apply_news(payment: Payment, news: PaymentUpdate) -> None:
    """Lift the payment, and the order with it. Inside a transaction; a repeat changes nothing.

    What decides is the money that is here, not the word for it: what was received and neither
    refunded, voided nor disputed. So a refund that overtakes its payment pays for nothing.
    """
    before, was_failed = (payment.received, payment.kept), payment.status == "failed"
    if news.status in MONEY:
        _count_money(payment, news)
    if news.transaction_id and not _name_transaction(payment.id, news.transaction_id):
        _note(payment.id, f"paid a second time, by {news.transaction_id}: give it back")
    if news.dispute:
        earlier = DISPUTES[: DISPUTES.index(news.dispute)]
        moves_on = or_(Payment.dispute.is_(None), Payment.dispute.in_(earlier))
        update_one(Payment, and_(Payment.id == payment.id, moves_on), dispute=news.dispute)
    if news.status:
        _climb(
            payment.id,
            news.status,
            failure_code=news.failure_code,
            failure_message=news.failure_message,
        )
    db.session.refresh(payment)
    if payment.status == "voided" and _raise_to(payment.id, Payment.refunded, payment.received):
        db.session.refresh(payment)
    if payment.refunded:
        refunds.settle(payment)
    _note_what_went_away(payment, news, came_before=before[0] > 0)
    if before[0] > 0 and before[1] < payment.kept:
        resume_held_back_tasks(payment.order_id)
    if news.status in FINAL:
        payment.next_look_at = None
    if payment.status == "partially_paid" and payment.next_look_at is None:
        # Until all of it is here, or a person knows.
        payment.next_look_at = database_now() + FIRST_LOOK
    # After a failure, success is a second try, or the first of two that a chain has undone.
    undone = was_failed and payment.status == "succeeded"
    if news.check or undone:
        payment.next_look_at = database_now()
    if news.problem:
        _hold_unclear(payment, news.problem)
    _settle(payment, news)


def _count_money(payment: Payment, news: PaymentUpdate) -> None:
    """What has come and what was refunded, if it is in the currency that was asked for."""
    if news.currency not in (payment.currency, None):
        said = f"money in {news.currency}"
        if news.amount is not None and money.SYMBOL.fullmatch(news.currency):
            said = money.show(news.amount, news.currency)
        asked = money.show(payment.amount, payment.currency)
        _note(payment.id, f"asked for {asked}, the news is about {said}")
        return
    # Some proofs name no amount: they are bound to the one that was asked for.
    received = news.amount
    if received is None:
        received = payment.amount if news.status != "partially_paid" else 0
    refunded = news.refunded
    if refunded is None:
        refunded = max(received, payment.amount) if news.status == "refunded" else 0
    _raise_to(payment.id, Payment.received, received)
    _raise_to(payment.id, Payment.refunded, refunded)


def _note_what_went_away(payment: Payment, news: PaymentUpdate, came_before: bool) -> None:
    """Tell a person when money goes away that this shop did not send back itself."""
    if payment.status == "voided":
        if payment.received:
            _note(payment.id, f"{payment.provider} voided this payment: its money is gone")
    elif payment.refunded > payment.refund_asked:
        unasked = money.show(payment.refunded - payment.refund_asked, payment.currency)
        _note(payment.id, f"{payment.provider} refunded {unasked} that this shop had not asked for")
    if news.dispute:
        _note(payment.id, DISPUTE_NOTES[news.dispute].format(provider=payment.provider))
    if news.status == "failed" and came_before:
        _note(payment.id, f"{payment.provider} says failed, after it had said that money came")


DISPUTE_NOTES = {
    "opened": "the payer's bank disputes this payment: answer it at {provider}",
    "lost": "the payer's bank took this payment back: its money is gone",
    "won": "the dispute is over, and the money stays here",
}


def _hold_unclear(payment: Payment, problem: str) -> None:
    _note(payment.id, problem)
    waiting = and_(Order.id == payment.order_id, Order.status == "open")
    update_one(Order, waiting, status="held", held_code="unclear", held_reason=problem)


def _climb(payment_id: str, status: str, **values: Any) -> bool:
    """Enter ``status`` if it is higher on the ladder; False when the news is late or a repeat."""
    lower = LADDER[: LADDER.index(status)]
    payment = and_(Payment.id == payment_id, Payment.status.in_(lower))
    climbed = update_one(Payment, payment, status=status, **values)
    if climbed:
        log.info("payment %s: %s", payment_id, status)
    return climbed


def _name_transaction(payment_id: str, transaction_id: str) -> bool:
    """Store what moved the money, once; False when it was something else before."""
    unnamed = or_(Payment.transaction_id.is_(None), Payment.transaction_id == transaction_id)
    return update_one(
        Payment, and_(Payment.id == payment_id, unnamed), transaction_id=transaction_id
    )


def _raise_to(payment_id: str, column: Any, amount: int) -> bool:
    """Proven money is a running maximum: repeats and old totals change nothing."""
    return amount > 0 and update_one(
        Payment, and_(Payment.id == payment_id, column < amount), **{column.key: amount}
    )


def _settle(payment: Payment, news: PaymentUpdate) -> None:
    """Pay the order if the money for it is here; hold it if some is, and no more is to come."""
    if payment.kept >= payment.amount:
        _pay_order(payment)
    elif payment.status in ("succeeded", "partially_refunded", "refunded"):
        nothing_counts = payment.received == 0 and payment.status != "refunded"
        if payment.received > payment.refunded or nothing_counts:
            _hold_short(payment, news)
        _note_if_second(payment)
    elif payment.received:
        _note_if_second(payment)


def _hold_short(payment: Payment, news: PaymentUpdate) -> None:
    """Less is here than was asked for, or money that cannot be compared with it."""
    reason = f"{payment.provider} took {money.show(payment.received, payment.currency)}"
    reason += f" of {money.show(payment.amount, payment.currency)}"
    if payment.refunded:
        reason += f", of which {money.show(payment.refunded, payment.currency)} was refunded"
    if payment.dispute in ("opened", "lost"):
        reason += ", and the payer's bank disputes it"
    code = "amount" if news.currency in (payment.currency, None) else "currency"
    waiting = and_(Order.id == payment.order_id, Order.status == "open")
    reason = f"{reason}. {payment.problem or ''}".strip()
    update_one(Order, waiting, status="held", held_code=code, held_reason=reason)


def _pay_order(payment: Payment) -> None:
    """The money is here: the order is paid by it once, or this is a second payment."""
    payable = and_(
        Order.id == payment.order_id,
        or_(
            Order.status == "open",
            and_(Order.status == "held", Order.held_code.in_(WAITS_FOR_MONEY)),
        ),
    )
    if not update_one(
        Order,
        payable,
        status="paid",
        paid_by=payment.id,
        paid_at=now(),
        must_keep=payment.amount,
        held_code=None,
        held_reason=None,
    ):
        _note_surplus(payment)
        _note_if_second(payment)
        return
    order = _with_lines(payment.order_id)
    if order.chain_id and (number := _paid_in_place_of(order.id, order.chain_id)):
        order.status, order.paid_by, order.paid_at = "held", None, None
        order.held_code = "replaced"
        order.held_reason = f"the shopper changed the basket after this order, and paid {number}"
        db.session.flush()
        _note_if_second(payment)
        return
    _note_surplus(payment)
    _owe(order)


def _with_lines(order_id: str) -> Order:
    return db.session.get_one(
        Order, order_id, options=[joinedload(Order.lines)], populate_existing=True
    )


def _paid_in_place_of(order_id: str, chain_id: str) -> str | None:
    """The number of the order that was paid, of those that replaced one another.

    Two of them may be paid at once: each then waits here for the first of the row, so that one
    sees the other.
    """
    session = db.session
    session.execute(select(Order.id).where(Order.id == chain_id).with_for_update())
    rivals = (Order.chain_id == chain_id, Order.id != order_id, Order.paid_by.is_not(None))
    return session.scalar(select(Order.number).where(*rivals).limit(1))


def _note_surplus(payment: Payment) -> None:
    """More came than was asked for; the whole of a second payment of one page is refunded."""
    surplus = payment.kept - payment.amount
    if surplus <= 0:
        return
    paid_by = db.session.scalar(select(Order.paid_by).where(Order.id == payment.order_id))
    if paid_by != payment.id:
        return
    shown = money.show(surplus, payment.currency)
    asked = money.show(payment.amount, payment.currency)
    _note(payment.id, f"{shown} more than the {asked} that was asked for")
    configured = providers().get(payment.provider)
    left = refunds.left(payment) - payment.amount
    if left >= payment.amount and configured and configured.capabilities.refunds == "part":
        with suppress(refunds.CannotRefund):  # one is on its way already
            refund_id = f"{payment.id}{payment.received:x}"
            refunds.ask(payment, refund_id, left, "the page was paid a second time")


def _note_if_second(payment: Payment) -> None:
    """The order, or one in its place, is paid already: this money, all or little, is too much."""
    order = db.session.execute(
        select(Order.paid_by, Order.held_code, Order.held_reason).where(
            Order.id == payment.order_id
        )
    ).one()
    replaced = order.held_code == "replaced"
    if payment.received and (replaced or order.paid_by not in (None, payment.id)):
        told = "see its refund" if _give_back(payment) else "give it back"
        paid = order.held_reason if replaced else f"paid by {order.paid_by}"
        _note(payment.id, f"second payment for one order ({paid}): {told}")


def _give_back(payment: Payment) -> bool:
    """All of a second payment; False where the provider cannot, and a person has to."""
    configured = providers().get(payment.provider)
    if configured is None or not configured.capabilities.refunds:
        return False
    left = refunds.left(payment)
    if left > 0:
        with suppress(refunds.CannotRefund):  # one is on its way already
            refunds.ask(payment, payment.id, left, "second payment for one order")
    return True


def give_back_the_rest(order_id: str) -> None:
    """What came for a paid order before, and did not pay it: too little of it, or in part.

    In a transaction of its own, for the same reason as in :func:`abandon`.
    """
    money = select(Payment).where(Payment.order_id == order_id, Payment.received > Payment.refunded)
    with transaction() as session:
        for payment in session.scalars(money.order_by(Payment.id).with_for_update()):
            _note_if_second(payment)


class CannotRelease(Exception):
    """The text is a sentence for whoever pressed the button."""


def release(order_id: str) -> None:
    """A person has looked at a held order, and decides that it is fulfilled with what is here.

    Refunds that were asked for count as gone. What is gone from the shelf holds the order again.

    An order that is not held stays as it is.

    :raise CannotRelease: nothing of its money is here.
    """
    with transaction() as session:
        mine = select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)
        here = [each for each in session.scalars(mine.with_for_update()) if _is_here(each)]
        if not here:
            raise CannotRelease("No money is here for this order: it was refunded or never came.")
        best = max(here, key=lambda each: (refunds.left(each), -each.attempt))
        held = and_(Order.id == order_id, Order.status == "held")
        if update_one(
            Order,
            held,
            status="paid",
            paid_by=best.id,
            paid_at=now(),
            must_keep=refunds.left(best),
            held_code=None,
            held_reason=None,
        ):
            _owe(_with_lines(order_id))


def money_is_here(order: Order) -> bool:
    """Whether what paid this order may still pay for goods that leave now.

    Asked inside the transaction in which they leave: a refund that is asked for meanwhile waits.
    """
    if order.paid_by is None:
        return order.must_keep == 0  # nothing is known that could have gone away
    payment = db.session.get_one(
        Payment, order.paid_by, with_for_update=True, populate_existing=True
    )
    return _is_here(payment) and refunds.left(payment) >= order.must_keep


def _is_here(payment: Payment) -> bool:
    """Some of this payment's money is neither refunded, nor asked back, voided or disputed."""
    if payment.received:
        return refunds.left(payment) > 0
    # Money in another currency, of which a person knows what it is worth.
    return payment.dispute in (None, "won") and payment.status in (
        "partially_paid",
        "succeeded",
        "partially_refunded",
    )


def accept_what_is_here(order_id: str) -> None:
    """A person has looked at goods that were held back: what is left of the money will do."""
    with transaction() as session:
        order = session.get_one(Order, order_id)
        if order.paid_by is None:
            return
        payment = session.get_one(Payment, order.paid_by, with_for_update=True)
        if _is_here(payment):
            less = and_(Order.id == order_id, Order.must_keep > refunds.left(payment))
            update_one(Order, less, must_keep=refunds.left(payment))


def resume_held_back_tasks(order_id: str) -> None:
    """More money is here again: goods that were held back are tried once more. In a transaction."""
    db.session.execute(
        update(OutboxTask)
        .where(OutboxTask.order_id == order_id, OutboxTask.parked.is_(True))
        .where(OutboxTask.last_error.startswith(MoneyIsGone.__name__))
        .values(parked=False, due_at=database_now())
        .execution_options(synchronize_session=False)
    )


def _owe(order: Order) -> None:
    """The order was just paid: take its stock and write down what is owed, or hold it."""
    session = db.session
    kinds = tasks_for(order)
    others = session.execute(
        select(Payment.status, Payment.page_url, Payment.received, Payment.refunded).where(
            Payment.order_id == order.id, Payment.id != order.paid_by
        )
    ).all()
    if order.chain_id or any(each.page_url and each.status in OPEN for each in others):
        kinds.append("close_pages")
    if any(each.received > each.refunded for each in others):
        kinds.append("give_back")
    # As late as can be: everybody who buys the same waits from here to the commit.
    gone = _take_stock(order)
    if gone:
        order.status, order.held_code = "held", "stock"
        order.held_reason = f"paid, but gone from the shelf: {', '.join(gone)}"
        return
    tasks = [{"order_id": order.id, "kind": kind} for kind in kinds]
    session.execute(insert(OutboxTask).values(due_at=database_clock()), tasks)


def _take_stock(order: Order) -> list[str]:
    """All lines or none; returns the names of what is gone."""
    # What is never gone is not written to, so that nobody waits for it.
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


def _note(payment_id: str, problem: str) -> None:
    """Tell a person, once, by one line more."""
    known = Payment.problem.contains(problem, autoescape=True)
    new = and_(Payment.id == payment_id, or_(Payment.problem.is_(None), not_(known)))
    lines = case((Payment.problem.is_(None), problem), else_=Payment.problem + "\n" + problem)
    if update_one(Payment, new, problem=lines):
        log.error("payment %s: %s", payment_id, problem)


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
    news, gone = None, False
    if configured:
        try:
            news = configured.module.fetch_payment(configured.account, request)
        except Unreachable as error:
            log.warning("payment %s: %s", payment_id, error)
            # Unknown is not failed, and does not expire; but it is not asked about for ever.
            return None if _stop_asking(payment_id) else next_look_at
        except Rejected as error:
            log.error("payment %s: %s", payment_id, error)
            gone = True
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        _apply_parked(payment, news.transaction_id if news else None)
        if news and news.status in NO_MONEY and payment.received:
            _note(payment_id, f"{provider} says {news.word}, after it had said that money came")
            payment.next_look_at = None
        elif news and (news.status or news.dispute or news.problem):
            apply_news(payment, news)
        if payment.next_look_at and payment.expires_at < now():
            # Expired for us: the shopper may pay anew. Late money is still looked for, and taken.
            _climb(payment_id, "expired")
            _hold_what_came(payment)
            if payment.expires_at + STOP_LOOKING < now():
                payment.next_look_at = None
        if payment.abandoned and payment.status == "canceled" and gone:
            payment.next_look_at = None  # the page was closed, and money would have been seen
        to_close = payment.abandoned and payment.status in OPEN
        next_slot = payment.next_look_at
    if to_close and configured:
        _close_page(configured, request)
    return next_slot


def _stop_asking(payment_id: str) -> bool:
    """The provider has not answered for so long that a person must look there."""
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        if payment.expires_at + STOP_LOOKING > now():
            return False
        _climb(payment_id, "expired")
        update_one(Payment, Payment.id == payment_id, next_look_at=None)
        if payment.page_url:
            _note(payment_id, f"{payment.provider} has not answered in time: look for it there")
        return True


def _hold_what_came(payment: Payment) -> None:
    """Some of the money came, the rest did not: a person decides. The rest is still welcome."""
    if payment.status != "partially_paid":
        return
    received = money.show(payment.received, payment.currency)
    asked = money.show(payment.amount, payment.currency)
    reason = f"{payment.provider} took {received} of {asked}, and no more came in time"
    waiting = and_(Order.id == payment.order_id, Order.status == "open")
    update_one(Order, waiting, status="held", held_code="amount", held_reason=reason)


def _close_page(configured: Configured, request: PaymentRequest) -> None:
    """Nobody needs this page any more. Money that was faster is news, as ever."""
    if not isinstance(configured.module, Cancels):
        return
    try:
        configured.module.cancel(configured.account, request)
    except ProviderError as error:
        log.warning("payment %s: not closed: %s", request.reference, error)
        return
    with transaction():
        _climb(request.reference, "canceled", failure_code="abandoned")


def _claim_look(payment_id: str) -> tuple[PaymentRequest, str, datetime] | None:
    """Take this slot and book the next: 5 s, 10 s, 20 s … at most an hour apart.

    Returns what to ask, whom, and the next slot; None when nothing is due or another was faster.
    """
    with transaction() as session:
        payment = session.get(Payment, payment_id)
        if payment is None:
            return None
        pause = min(timedelta(seconds=5 * 2 ** min(payment.looks, 20)), LONGEST_PAUSE)
        moment = database_now()
        next_look_at = moment + pause
        due = and_(
            Payment.id == payment.id,
            Payment.looks == payment.looks,
            Payment.next_look_at <= moment,
        )
        if not update_one(Payment, due, next_look_at=next_look_at, looks=Payment.looks + 1):
            return None
        logs.about(order_id=payment.order_id, payment_id=payment.id, provider=payment.provider)
        return request_for(payment), payment.provider, next_look_at


def due_for_looks() -> list[str]:
    """The providers of undecided payments whose time has come, longest waiting first."""
    due = select(Payment.provider).where(Payment.next_look_at <= database_now())
    longest = func.min(Payment.next_look_at)
    return list(db.session.scalars(due.group_by(Payment.provider).order_by(longest)))


def due_for_a_look(limit: int, provider: str | None = None) -> list[str]:
    """Undecided payments whose time has come, of one provider or of all, longest waiting first."""
    due = select(Payment.id).where(Payment.next_look_at <= database_now())
    if provider is not None:
        due = due.where(Payment.provider == provider)
    return list(db.session.scalars(due.order_by(Payment.next_look_at).limit(limit)))


# ------------------------------------------------------------------ money goes back


def refund(payment_id: str, refund_id: str, amount: int, reason: str) -> bool:
    """Ask for a refund, in minor units; False when this ``refund_id`` was asked for before.

    :raise refunds.CannotRefund: a sentence for whoever pressed the button.
    """
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        configured = providers().get(payment.provider)
        can = configured.capabilities if configured else None
        if can is None or not can.refunds:
            label = can.label if can else payment.provider
            raise refunds.CannotRefund(
                f"{label} gives no money back by itself: send it another way."
            )
        if can.refunds == "full" and amount != payment.received:
            raise refunds.CannotRefund(f"{can.label} gives back whole payments only.")
        return refunds.ask(payment, refund_id, amount, reason)


def send_refund(refund_id: str) -> None:
    """Ask the provider, as often as it takes; what it refuses is written down.

    :raise Unreachable: not known whether it is done: try again later.
    """
    asked = db.session.get_one(Refund, refund_id)
    payment = asked.payment
    configured = providers().get(payment.provider)
    if asked.status != "open":
        return
    if configured is None or not isinstance(configured.module, Refunds):
        with transaction():
            refunds.refuse(payment.id, "this shop cannot reach the provider any more")
        return
    request, wanted = request_for(payment), RefundRequest(refund_id, asked.amount, asked.before)
    db.session.rollback()
    try:
        answer = configured.module.refund(configured.account, request, wanted)
    except Rejected as error:
        log.error("refund %s: %s", refund_id, error)
        with transaction() as session:
            if session.get_one(Refund, refund_id).status == "open":  # or it was settled meanwhile
                refunds.refuse(request.reference, settings().mask(str(error)))
        return
    with transaction() as session:
        if answer.provider_reference:
            found = session.get_one(Refund, refund_id)
            found.provider_reference = answer.provider_reference
        if answer.done:
            payment = session.get_one(Payment, request.reference)
            given_back = max(wanted.before + wanted.amount, payment.refunded)
            whole = given_back >= payment.received
            news = PaymentUpdate(
                provider_reference=payment.provider_reference or "",
                reference=payment.id,
                status="refunded" if whole else "partially_refunded",
                word="refund",
                amount=payment.received,
                currency=payment.currency,
                refunded=given_back,
            )
            apply_news(payment, news)


def ask_again_about_refunds() -> None:
    """A refund that a provider has accepted and then kept silent about: its news may be lost.

    Asked once more, the provider says how it stands (see ``RefundRequest``).
    """
    silent = database_now() - SILENT_REFUND
    query = select(Refund.id, Payment.order_id).join(Payment, Payment.id == Refund.payment_id)
    query = query.where(Refund.status == "open", Refund.created_at < silent)
    with transaction() as session:
        for refund_id, order_id in session.execute(query).all():
            task = and_(
                OutboxTask.order_id == order_id,
                OutboxTask.kind == f"refund:{refund_id}",
                OutboxTask.done_at < silent,
            )
            update_one(OutboxTask, task, done_at=None, due_at=database_now())


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
        address = Address(
            order.line1, order.line2, order.city, order.postal_code, order.country, order.region
        )
    return PaymentRequest(
        reference=payment.id,
        provider_reference=payment.provider_reference,
        amount=payment.amount,
        currency=payment.currency,
        description=f"Kiln & Kettle, order {order.number}",
        customer=Customer(order.customer_id, order.name, order.email),
        address=address,
        method=payment.method,
        lines=tuple(Line(f"{each.quantity} × {each.name}", each.total) for each in order.lines),
        parts=tuple(each.provider_reference for each in payment.parts),
        page_token=payment.page_token,
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
