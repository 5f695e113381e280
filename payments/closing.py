"""Pages that the shopper left for another way to pay are closed, so that no one pays on them."""

import logging

from sqlalchemy import ColumnElement, and_, or_, select

from database import database_clock, database_now, db, transaction
from models import OPEN, Payment
from providers.contract import Configured, PaymentRequest, ProviderError
from providers.optional import Cancels

from .gateway import providers
from .ladder import climb
from .replaced import join_chain, of_order_or_its_chain

log = logging.getLogger(__name__)


def close_other_payments(order_id: str, keep: str = "") -> None:
    """The shopper pays another way, or has paid: no other page must be paid on by mistake.

    The worker checks those payments, and closes the pages that are not paid, where that can be
    done. In a transaction of its own: news locks a payment and then its order, so a transaction
    that holds the order must not wait for a payment.
    """
    _abandon(and_(of_order_or_its_chain(order_id), Payment.id != keep))


def replace_order(before: str, order_id: str) -> None:
    """The shopper changed the cart after "Pay": the pages of the earlier order are to be closed.

    ``order_id`` takes its place, unless the earlier one is paid or held already. Of orders that
    replaced one another one is paid; money for another is a second payment.
    """
    join_chain(before, order_id)
    _abandon(and_(of_order_or_its_chain(order_id), Payment.order_id != order_id))


def _abandon(others: ColumnElement[bool]) -> None:
    unpaid = and_(others, Payment.status.in_(OPEN), Payment.abandoned.is_(False))
    locked = select(Payment).where(unpaid).order_by(Payment.id).with_for_update()
    with transaction() as session:
        for payment in session.scalars(locked):
            configured = providers().get(payment.provider)
            payment.abandoned = True
            if payment.page_url and configured and isinstance(configured.module, Cancels):
                payment.next_check_at = database_now()


def payments_to_wake(order_id: str) -> list[str]:
    """The payments of an order whose pages are to be closed, or that are due to be checked."""
    to_close = and_(Payment.abandoned.is_(True), Payment.status.in_(OPEN))
    due = or_(to_close, Payment.next_check_at <= database_clock())
    return list(db.session.scalars(select(Payment.id).where(of_order_or_its_chain(order_id), due)))


def close_page(configured: Configured, request: PaymentRequest) -> None:
    """Close an abandoned page. If it was paid first, the provider's report still counts."""
    if not isinstance(configured.module, Cancels):
        return
    try:
        if request.provider_reference is not None:  # without one, no shopper has its page
            configured.module.cancel(configured.account, request)
    except ProviderError as error:
        log.warning("payment %s: not closed: %s", request.reference, error)
        return
    with transaction():
        climb(request.reference, "canceled", failure_code="abandoned")
