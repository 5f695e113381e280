"""A provider speaks: verify, store, apply, in one transaction; then it may be acknowledged."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

import logs
from database import database_now, db, insert_into, insert_or_add, now, transaction
from models import Counter, Delivery, Payment
from providers.contract import News, Ping
from providers.optional import HidesSecrets
from providers.period import Period

from .gateway import masked, providers
from .ladder import apply_news
from .matching import combine_parts, find_payment
from .pings import take_ping
from .refunds import report_refused
from .subscriptions import charge_of
from .timing import IN_DOUBT

NO_PAYMENT = "no payment with this reference yet"
NO_SUBSCRIPTION = "no subscription with this reference: if it stays so, look for it there"


@dataclass(frozen=True)
class Received:
    """What came of a delivery.

    ``verdict``: ``applied``, ``ignored``, ``parked`` (no such payment yet), ``repeat`` or
    ``pinged``. ``checks``: payments that the provider is to be asked about, and how soon.
    """

    verdict: str
    checks: tuple[tuple[str, timedelta], ...]


def receive(provider: str, headers: Mapping[str, str], body: bytes) -> Received:
    """One webhook delivery: verify, record, apply, in one transaction; then it may be acknowledged.

    What it costs where it proves nothing: see ``pings.py``.

    :raise WebhookRefused: nothing was changed.
    """
    configured = providers()[provider]
    told = configured.module.read_webhook(configured.account, headers, body)
    pings = [take_ping(provider, each.reference) for each in told if isinstance(each, Ping)]
    checks = [each for each in pings if each]
    news = [each for each in told if isinstance(each, News)]
    if pings and not news:
        return Received("pinged", tuple(checks))
    kept = body.decode()
    if isinstance(configured.module, HidesSecrets):
        kept = configured.module.keep_body(configured.account, body)
    verdict = "ignored"
    with transaction() as session:
        for each in news:
            delivery = store_and_apply(provider, each, masked(headers), kept)
            verdict = "repeat" if delivery.seen > 1 else delivery.verdict
            payment = delivery.payment_id and session.get(Payment, delivery.payment_id)
            due = payment.next_check_at if payment else None
            if verdict == "applied" and due and due <= now():
                checks.append((delivery.payment_id or "", timedelta()))
    return Received(verdict, tuple(checks))


def record_refusal(provider: str, reason: str) -> None:
    """An audit line for the console: no body, no key, so that it cannot hide the true delivery."""
    with transaction() as session:
        session.add(Delivery(provider=provider, verdict="refused", reason=reason))
        label = reason.partition(":")[0]
        insert_or_add(Counter, name="webhooks_refused", provider=provider, label=label, value=1)


def store_and_apply(
    provider: str, news: News, headers: dict[str, str], body: str | None
) -> Delivery:
    """One piece of proven news. Inside a transaction; the second time it is told it only counts."""
    told = asdict(news)
    delivery = _store_delivery(
        provider=provider,
        event_key=news.event_key,
        event=news.word,
        verdict="ignored",
        provider_reference=news.provider_reference,
        headers=headers,
        body=body,
        proof=told.pop("proof"),  # of the delivery: the news itself is applied later without it
        news=told,
    )
    if delivery.seen > 1:
        return delivery
    payment = find_payment(provider, news)
    if payment:
        asks = apply_parked(payment, news.transaction_id)
        charge = charge_of(payment, news)
        delivery.verdict, delivery.reason = _apply_and_explain(charge, news)
        delivery.payment_id = charge.id
        if asks:  # final news, too, may be older than what was parked
            payment.next_check_at = database_now()
    elif _matters(news):
        delivery.verdict = "parked"
        delivery.reason = NO_PAYMENT if news.period is None else NO_SUBSCRIPTION
    else:
        delivery.reason = "an event that this shop does not use"
    return delivery


def _matters(news: News) -> bool:
    """Whether it says something about a payment; other events are only kept."""
    marks = (news.check, news.dispute, news.problem, news.provider_state, news.period)
    return news.status is not None or any(marks)


def _store_delivery(**delivery: Any) -> Delivery:
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


def apply_parked(payment: Payment, *transaction_ids: str | None) -> bool:
    """News that was here before the payment's reference was, or the name of a transaction.

    With any later news, too: on PostgreSQL the two may be stored at once, unseen by each other.
    Says whether some of it did not say all, so that the provider is to be asked.
    """
    session = db.session
    references = [payment.provider_reference, payment.transaction_id, *transaction_ids]
    references += [part.provider_reference for part in payment.parts]
    parked = select(Delivery).where(
        Delivery.provider == payment.provider,
        Delivery.provider_reference.in_(references),
        Delivery.verdict == "parked",
    )
    asks = False
    for delivery in session.scalars(parked.order_by(Delivery.id)).all():
        news = _read_back(delivery.news or {})
        charge = charge_of(payment, news)
        delivery.payment_id = charge.id
        delivery.verdict, delivery.reason = _apply_and_explain(charge, news)
        asks = asks or news.check
    if asks:
        payment.next_check_at = database_now()
    return asks


def _read_back(kept: dict[str, Any]) -> News:
    """News as the inbox keeps it."""
    period = kept.get("period")
    return News(**{**kept, "period": Period(**period) if period else None})


def _apply_and_explain(payment: Payment, news: News) -> tuple[str, str]:
    """Apply news and say what came of it: (verdict, reason)."""
    logs.about(order_id=payment.order_id, payment_id=payment.id)
    if news.refund_refused:
        report_refused(payment, news)
        return "applied", "the refund was refused"
    if not _matters(news):
        return "ignored", "an event that this shop does not use"
    before = (payment.status, payment.received, payment.refunded, payment.dispute)
    apply_news(payment, combine_parts(payment, news) if payment.parts else news)
    if news.problem:
        return "applied", news.problem
    if news.period and news.status is None:
        return "applied", f"the subscription is {news.period.status}"
    if news.check:
        return "applied", "it does not say all: the provider is asked"
    after = (payment.status, payment.received, payment.refunded, payment.dispute)
    if after[:3] == before[:3] and payment.dispute in IN_DOUBT:
        return "applied", "it contradicts what was said before: the provider is asked"
    if after == before:
        return "ignored", f"payment is already {payment.status}"
    if news.dispute:
        return "applied", f"dispute {payment.dispute}"
    return "applied", f"{before[0]} → {payment.status}"
