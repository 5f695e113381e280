"""Money goes back: the provider is asked as often as it takes, and once for each refund."""

import logging

from sqlalchemy import and_, select

from database import database_now, db, transaction, update_one
from models import OutboxTask, Payment, Refund
from providers.contract import News, Rejected
from providers.optional import RefundRequest, Refunds

from .gateway import providers, refunds_of, request_for, settings
from .ladder import apply_news
from .refunds import CannotRefund, ask_for_refund, refuse_refund
from .timing import SILENT_REFUND

log = logging.getLogger(__name__)


def refund(payment_id: str, refund_id: str, amount: int, reason: str) -> bool:
    """Ask for a refund, in minor units; False when this ``refund_id`` was asked for before.

    :raise CannotRefund: a sentence for the person who pressed the button.
    """
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        configured = providers().get(payment.provider)
        label = configured.capabilities.label if configured else payment.provider
        refunds = refunds_of(payment)
        if payment.is_periodic:
            raise CannotRefund(f"A subscription’s charge is refunded at {label}, on its dashboard.")
        if not refunds:
            raise CannotRefund(f"{label} makes no refunds: send the money back another way.")
        if refunds == "full" and amount != payment.received:
            raise CannotRefund(f"{label} refunds whole payments only.")
        return ask_for_refund(payment, refund_id, amount, reason)


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
            refuse_refund(payment.id, "this shop cannot reach the provider any more")
        return
    request = request_for(payment)
    wanted = RefundRequest(refund_id, asked.amount, asked.refunded_before)
    db.session.rollback()
    try:
        answer = configured.module.refund(configured.account, request, wanted)
    except Rejected as error:
        log.error("refund %s: %s", refund_id, error)
        with transaction() as session:
            if session.get_one(Refund, refund_id).status == "open":  # or it was settled meanwhile
                refuse_refund(request.reference, settings().mask(str(error)))
        return
    with transaction() as session:
        if answer.provider_reference:
            found = session.get_one(Refund, refund_id)
            found.provider_reference = answer.provider_reference
        if answer.done:
            payment = session.get_one(Payment, request.reference, with_for_update=True)
            refunded = max(wanted.refunded_before + wanted.amount, payment.refunded)
            whole = refunded >= payment.received
            news = News(
                provider_reference=payment.provider_reference or "",
                reference=payment.id,
                status="refunded" if whole else "partially_refunded",
                word="refund",
                amount=payment.received,
                currency=payment.currency,
                refunded=refunded,
            )
            apply_news(payment, news)


def retry_silent_refunds() -> None:
    """Ask once more about refunds that a provider accepted an hour ago and has not reported since.

    The same reference is sent, so it is the same refund (see ``RefundRequest``).
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
