"""What happens to an order when the shopper pays, and when a provider speaks.

One payment, one direction: a status only climbs the ladder, by one conditional UPDATE, so repeated,
late and reordered news all end in the same place. An order becomes paid once, in the transaction
that records the news, takes the stock and writes what is owed to the outbox.

Calls to a provider are never made inside a transaction: commit the intent, call, record.
"""

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import and_, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

import logs
import metrics
import money
import refunds
from config import Settings, origin
from fulfilment import tasks_for
from models import (
    Delivery,
    Order,
    OutboxTask,
    Payment,
    PaymentPart,
    Product,
    Refund,
    database_clock,
    database_now,
    db,
    insert_into,
    now,
    transaction,
    update_one,
)
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
#: The order may be paid by it.
PAID = ("succeeded", "partially_refunded")
#: The provider will not change its mind by itself, so it need not be asked again.
FINAL = ("failed", "canceled", "succeeded", "partially_refunded", "refunded", "voided")

FIRST_LOOK = timedelta(seconds=60)  # after leaving for the page: the shopper is typing
LOOK_AFTER_RETURN = timedelta(seconds=3)  # a webhook usually arrives within half a second
LONGEST_PAUSE = timedelta(hours=1)
SILENT_REFUND = timedelta(hours=1)
STOP_LOOKING = timedelta(hours=24)  # after it expired; even the slowest provider has given up

#: No spaces, no control characters: browsers and parsers differ in what they make of those.
PLAIN_URL = re.compile(r"[!-~]+", re.ASCII)
#: Header names whose values never reach the database.
SECRET_HEADERS = ("signature", "authorization", "cookie", "key", "secret", "token", "hmac", "hash")

log = logging.getLogger(__name__)


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
    request, page_known = _open_attempt(order_id, configured, method)
    if page_known and not _is_open(order_id, configured, request):
        request, page_known = _open_attempt(order_id, configured, method)
    provider = configured.capabilities.name
    logs.about(order_id=order_id, payment_id=request.reference, provider=provider)
    if page_known:
        _go_back_to(request.reference)
    else:
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
        raise
    _record_page(request.reference, configured, checkout)


def _open_attempt(
    order_id: str, configured: Configured, method: str = ""
) -> tuple[PaymentRequest, bool]:
    """The order's open payment at this provider, or a new one, committed before any call.

    Returns what the provider is to be asked, and whether it has answered with a page already.
    """
    can = configured.capabilities
    with transaction() as session:
        order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
        if order is None or order.status != "open":
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
                return request_for(payment), payment.page_url is not None
        waits = settings().payment_minutes
        payment = Payment(
            order=order,
            attempt=len(attempts) + 1,
            provider=can.name,
            method=method,
            amount=order.total,
            currency=order.currency,
            page_expires_at=now() + timedelta(minutes=can.page_minutes or waits),
            expires_at=now() + timedelta(minutes=can.silent_minutes or waits),
            next_look_at=database_now() + FIRST_LOOK,
        )
        session.add(payment)
        session.flush()
        return request_for(payment), False


def abandon(order_id: str, but: str = "") -> None:
    """The shopper pays another way, or has paid: nobody shall pay on these pages by mistake.

    The worker asks how they stand, and closes those that are not paid, where that can be done. In
    a transaction of its own: news holds a payment and waits for its order, so nobody may hold both
    the other way round.
    """
    others = select(Payment).where(Payment.order_id == order_id, Payment.id != but)
    others = others.where(Payment.status.in_(OPEN), Payment.abandoned.is_(False))
    with transaction() as session:
        for payment in session.scalars(others.order_by(Payment.id).with_for_update()):
            configured = providers().get(payment.provider)
            payment.abandoned = True
            if payment.page_url and configured and isinstance(configured.module, Cancels):
                payment.next_look_at = database_now()


def abandoned(order_id: str) -> list[str]:
    """The payments of an order that the worker is to ask about now, and to close."""
    mine = select(Payment.id).where(Payment.order_id == order_id, Payment.abandoned.is_(True))
    return list(db.session.scalars(mine.where(Payment.status.in_(OPEN))))


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
        metrics.count("webhooks_refused", provider, reason.partition(":")[0])


def _record(provider: str, news: PaymentUpdate, headers: dict[str, str], body: str | None) -> str:
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
        return "repeat"
    payment = _find_payment(provider, news)
    if payment:
        _apply_parked(payment)
        delivery.verdict, delivery.reason = _judge(payment, news)
        delivery.payment_id = payment.id
    elif news.status is None:
        delivery.reason = "an event that this shop does not use"
    else:
        delivery.verdict = "parked"
        delivery.reason = "no payment with this reference yet"
    return delivery.verdict


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
    """By the provider's reference; by ours only while the provider's is not known yet.

    Never by anything that travels outside the signed news: a true delivery about order A, sent to
    the address of order B, is still about order A.
    """
    theirs = news.provider_reference
    known = (Payment.provider == provider, Payment.provider_reference == theirs)
    with_parts = select(Payment).where(*known).options(joinedload(Payment.parts))
    payment = db.session.scalars(with_parts).unique().one_or_none()
    if payment is None and theirs:
        part = (PaymentPart.provider == provider, PaymentPart.provider_reference == theirs)
        payment = db.session.scalar(select(Payment).join(PaymentPart).where(*part))
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


def _apply_parked(payment: Payment) -> None:
    """News that was here before the payment's reference was.

    With any later news, too: on PostgreSQL the two may be stored at once, unseen by each other.
    """
    session = db.session
    references = [payment.provider_reference, *(part.provider_reference for part in payment.parts)]
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
    if news.status is None:
        return "ignored", "an event that this shop does not use"
    before = (payment.status, payment.received, payment.refunded)
    apply_news(payment, _whole(payment, news) if payment.parts else news)
    if (payment.status, payment.received, payment.refunded) == before:
        return "ignored", f"payment is already {payment.status}"
    return "applied", f"{before[0]} → {payment.status}"


def _whole(payment: Payment, news: PaymentUpdate) -> PaymentUpdate:
    """News of one part, as news of all: paid when every part is."""
    session = db.session
    mine = PaymentPart.provider_reference == news.provider_reference
    part = next((p for p in payment.parts if p.provider_reference == news.provider_reference), None)
    if part is None or news.currency not in (payment.currency, None):
        return news  # of all of it, or of money that a person must look at
    if news.status in MONEY:
        paid = _or(news.amount, part.amount if news.status != "partially_paid" else 0)
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
    """Lift the payment, and the order with it. Inside a transaction; a repeat changes nothing."""
    status = news.status
    assert status is not None  # noqa: S101
    if status in MONEY:
        if news.currency in (payment.currency, None):
            # Some proofs name no amount: they are bound to the one that was asked for.
            whole = payment.amount if status != "partially_paid" else 0
            given_back = payment.amount if status == "refunded" else 0
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
        status,
        failure_code=news.failure_code,
        failure_message=news.failure_message,
    )
    db.session.refresh(payment)
    if payment.refunded:
        refunds.settle(payment)
    if status in FINAL:
        payment.next_look_at = None
    if payment.status == "partially_paid" and payment.next_look_at is None:
        # Until all of it is here, or a person knows.
        payment.next_look_at = database_now() + FIRST_LOOK
    if payment.status in PAID:
        _settle(payment, news)
    elif payment.status == "partially_paid":
        _note_if_second(payment)


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
        update_one(Order, waiting, status="held", held_code=code, held_reason=reason)
        _note_if_second(payment)
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
    if update_one(
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
    _note_if_second(payment)


def _note_if_second(payment: Payment) -> None:
    """The order is paid by another payment already: this money, all or little, is too much."""
    paid_by = db.session.scalar(select(Order.paid_by).where(Order.id == payment.order_id))
    if paid_by not in (None, payment.id):
        told = "see its refund" if _give_back(payment) else "give it back"
        _note(payment.id, f"second payment for one order (paid by {paid_by}): {told}")


def _give_back(payment: Payment) -> bool:
    """All of a second payment; False where the provider cannot, and a person has to."""
    configured = providers().get(payment.provider)
    if configured is None or not configured.capabilities.refunds:
        return False
    left = payment.received - max(payment.refunded, payment.refund_asked)
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


def release(order_id: str) -> bool:
    """A person has looked at a held order: it shall be fulfilled. False when it is not held.

    What is gone from the shelf holds it again, and an order whose money was given back stays held.
    """
    with transaction() as session:
        held = and_(Order.id == order_id, Order.status == "held")
        kept = select(Payment.id).where(Payment.order_id == order_id)
        kept = kept.where(Payment.status.in_(("partially_paid", *PAID)))
        most = (Payment.received - Payment.refund_asked).desc()
        paid_by = session.scalar(kept.order_by(most, Payment.attempt).limit(1))
        if paid_by is None or not update_one(
            Order,
            held,
            status="paid",
            paid_by=paid_by,
            paid_at=now(),
            held_code=None,
            held_reason=None,
        ):
            return False
        _owe(order_id)
        return True


def _owe(order_id: str) -> None:
    """The order was just paid: take its stock and write down what is owed, or hold it."""
    session = db.session
    order = session.get_one(
        Order, order_id, options=[joinedload(Order.lines)], populate_existing=True
    )
    kinds = tasks_for(order)
    others = session.execute(
        select(Payment.status, Payment.page_url, Payment.received, Payment.refunded).where(
            Payment.order_id == order.id, Payment.id != order.paid_by
        )
    ).all()
    if any(each.page_url and each.status in OPEN for each in others):
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
    """Tell a person; the first problem is kept."""
    unnoted = and_(Payment.id == payment_id, Payment.problem.is_(None))
    if update_one(Payment, unnoted, problem=problem):
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
            return next_look_at  # unknown is not failed, and does not expire
        except Rejected as error:
            log.error("payment %s: %s", payment_id, error)
            gone = True
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        _apply_parked(payment)
        if news and news.status:
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


def due_for_a_look(limit: int) -> list[str]:
    """Undecided payments whose time has come, longest waiting first."""
    due = select(Payment.id).where(Payment.next_look_at <= database_now())
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
        address = Address(order.line1, order.line2, order.city, order.postal_code, order.country)
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
