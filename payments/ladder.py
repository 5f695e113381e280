"""The idea of this shop: news can lift a payment, never lower it, and the money decides.

A provider's news comes late, twice, out of order, and in two threads at once. So a status is never
read first and written later. It climbs, by one conditional UPDATE:

    UPDATE payments SET status = 'succeeded'
     WHERE id = :payment AND status IN ('created', 'pending', …)    -- the lower rungs only

What comes second, or late, finds no row and changes nothing; every order of the same news ends on
the same rung. Money received and refunded only grow, by the same kind of UPDATE. When what was
received and is still here covers what was asked for, the order is paid, once:

    UPDATE orders SET status = 'paid', paid_by = :payment WHERE id = :order AND status = 'open'

All of it happens in the transaction that stores the news, takes the stock and writes what is owed
to the outbox: a crash leaves all of that or nothing.
"""

import logging
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from database import now, update_one
from fulfilment import owe_goods
from models import Order, Payment
from providers.contract import News

from . import credit, replaced, reversals, surplus
from .refunds import settle_refunds
from .review import flag_for_review, hold
from .timing import book_check

LADDER = (
    "created",  # written down here; the provider may or may not know it yet
    "pending",  # the provider is working on it: 3-D Secure, say
    "authorized",  # reserved, not taken: nothing is shipped
    "expired",  # no money within the time; a later success is still money, and is taken
    "canceled",  # by the shopper, or by us: likewise
    "failed",  # declined: likewise
    "partially_paid",  # some of the money is here
    "succeeded",  # the money is here
    "partially_refunded",  # some of it went back
    "refunded",  # all of it went back
    "voided",  # taken back by the provider as if it had never been
)
#: The provider says that money moved.
MONEY = ("partially_paid", "succeeded", "partially_refunded", "refunded")
#: No money moved, or not yet.
NO_MONEY = LADDER[: LADDER.index("partially_paid")]
#: An order that is held for these reasons is paid as soon as the money is proven.
WAITS_FOR_MONEY = ("amount", "currency", "unclear")

log = logging.getLogger(__name__)


def apply_news(payment: Payment, news: News) -> None:
    """Lift a payment that this transaction has locked, and its order with it.

    A repeat changes nothing. News without a status may still open a dispute, ask for a check, or
    say that it contradicts itself.
    """
    before = payment.status, payment.received, payment.kept
    if news.status in MONEY:
        count_money(payment, news)
    if news.transaction_id:
        surplus.name_transaction(payment.id, news.transaction_id)
    if news.dispute:
        reversals.mark_dispute(payment.id, news.dispute)
    state = {"provider_state": news.provider_state} if news.provider_state else {}
    if news.status:
        words = {"failure_code": news.failure_code, "failure_message": news.failure_message}
        climb(payment.id, news.status, **words, **state)
    if state:  # late news must not replace the state of newer news
        update_one(
            Payment, and_(Payment.id == payment.id, Payment.provider_state.is_(None)), **state
        )
    if payment.status == "voided":
        raise_to(payment.id, Payment.refunded, payment.received)
    settle_refunds(payment)
    reversals.flag_reversal(payment, news, *before[1:])
    book_check(payment, news, status_before=before[0])
    if news.problem:
        flag_for_review(payment.id, news.problem)
        hold(payment.order_id, "unclear", news.problem)
    pay_or_hold(payment, news)


def count_money(payment: Payment, news: News) -> None:
    """What was received and refunded so far, if it is in the currency that was asked for."""
    if news.currency not in (payment.currency, None):
        surplus.flag_other_currency(payment, news)
        return
    received, refunded = news.amount, news.refunded
    if received is None:  # the proof is bound to what was asked for
        received = payment.amount if news.status != "partially_paid" else 0
    if refunded is None:
        refunded = max(received, payment.amount) if news.status == "refunded" else 0
    raise_to(payment.id, Payment.received, received)
    raise_to(payment.id, Payment.refunded, refunded)


def raise_to(payment_id: str, column: Any, amount: int) -> None:
    """Proven money is a running maximum: repeats and old totals change nothing."""
    update_one(Payment, and_(Payment.id == payment_id, column < amount), **{column.key: amount})


def climb(payment_id: str, status: str, **values: Any) -> bool:
    """Enter ``status`` if it is higher on the ladder; False when the news is late or a repeat."""
    lower = LADDER[: LADDER.index(status)]
    below = and_(Payment.id == payment_id, Payment.status.in_(lower))
    if update_one(Payment, below, status=status, **values) is None:
        return False
    log.info("payment %s: %s", payment_id, status)
    return True


def pay_or_hold(payment: Payment, news: News) -> None:
    """Pay the order if the money is here; hold it if some is here, and no more is to come."""
    if payment.kept < payment.amount:
        surplus.hold_short(payment, news)
        surplus.refund_if_second(payment)
        return
    payable = or_(
        Order.status == "open",
        and_(Order.status == "held", Order.held_code.in_(WAITS_FOR_MONEY)),
    )
    order = mark_paid(payment, payable, must_keep=payment.amount)
    if order and order.chain_id and replaced.hold_if_paid_instead(order):
        order = None
    if order and order.credit and credit.hold_without(order):
        order = None
    surplus.refund_surplus(payment)
    if order:
        owe_goods(order, surplus.tasks_about_others(order))
    else:
        surplus.refund_if_second(payment)


def mark_paid(payment: Payment, payable: ColumnElement[bool], must_keep: int) -> Order | None:
    """The one UPDATE that makes an order paid; None when it is paid, or held for another reason.

    ``must_keep``: what of the payment must still be here when goods leave, in minor units.
    """
    paid = {"status": "paid", "paid_by": payment.id, "paid_at": now(), "must_keep": must_keep}
    which = and_(Order.id == payment.order_id, payable)
    return update_one(Order, which, **paid, held_code=None, held_reason=None)
