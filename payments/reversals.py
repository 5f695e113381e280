"""Money that goes away again, and goods that leave only while it is here.

A void, a dispute or a refund on the provider's side is shown to a person, always.
"""

from sqlalchemy import and_, or_, update

from database import database_now, db, transaction, update_one
from models import Order, OutboxTask, Payment
from providers import money
from providers.contract import News

from . import credit
from .refunds import left_to_refund
from .review import flag_for_review
from .timing import IN_DOUBT

#: A dispute only moves on, like a status: it has begun, took the money, or was turned down.
DISPUTES = {
    "opened": "the payer's bank disputes this payment: answer it at {provider}",
    "lost": "the payer's bank took this payment back: its money is gone",
    "won": "the dispute is over, and the money stays here",
}
UNDONE = "its money is no longer there: goods that have not left are held back"


class MoneyIsGone(Exception):
    """Goods are held back: what paid for them was refunded, reversed or is disputed."""


def mark_dispute(payment_id: str, dispute: str) -> None:
    """A mark beside the status, since a dispute may end with the money still here."""
    marks = [*IN_DOUBT, *DISPUTES]
    earlier = marks[: marks.index(dispute)]
    moves_on = or_(Payment.dispute.is_(None), Payment.dispute.in_(earlier))
    update_one(Payment, and_(Payment.id == payment_id, moves_on), dispute=dispute)


def follow_answer(payment: Payment, undone: bool) -> None:
    """What the provider answers about money that paid: a chain may undo it, and it may come again.

    Inside a transaction that has locked the payment.
    """
    if undone:
        _mark(payment.id, "undone")
        flag_for_review(payment.id, UNDONE)
        return
    if payment.dispute in IN_DOUBT:
        update_one(Payment, Payment.id == payment.id, dispute=None)
        if UNDONE in (payment.problem or ""):
            flag_for_review(payment.id, "its money is there again")
        _try_goods_again(payment.order_id)


def _mark(payment_id: str, dispute: str) -> None:
    """A mark of the payer's bank is not replaced; nor is "undone", except by an answer."""
    free = or_(Payment.dispute.is_(None), Payment.dispute == "doubted")
    update_one(Payment, and_(Payment.id == payment_id, free), dispute=dispute)


def flag_reversal(payment: Payment, news: News, received_before: int, kept_before: int) -> None:
    """Tell a person when money goes away that this shop did not send back itself."""
    if payment.status == "voided":
        if payment.received:
            flag_for_review(
                payment.id, f"{payment.provider} voided this payment: its money is gone"
            )
    elif payment.refunded > payment.refund_asked:
        amount = money.show(payment.refunded - payment.refund_asked, payment.currency)
        problem = f"{payment.provider} refunded {amount} that this shop had not asked for"
        flag_for_review(payment.id, problem)
    if news.dispute:
        flag_for_review(payment.id, DISPUTES[news.dispute].format(provider=payment.provider))
    if news.status == "failed" and received_before:
        problem = f"{payment.provider} says failed, after it had said that money came"
        flag_for_review(payment.id, problem)
        if news.event_key:  # until the provider has answered, which may be in a moment
            _mark(payment.id, "doubted")
    if received_before and kept_before < payment.kept:
        _try_goods_again(payment.order_id)


def money_is_here(order: Order) -> bool:
    """Whether what paid this order may still pay for goods that leave now.

    Asked inside the transaction in which they leave: a refund that is asked for meanwhile waits.
    """
    if order.paid_by is None:
        if order.credit:
            return credit.is_spent(order.id)
        return order.must_keep == 0  # nothing is known that could have gone away
    payment = db.session.get_one(
        Payment, order.paid_by, with_for_update=True, populate_existing=True
    )
    return still_pays(payment, order)


def still_pays(payment: Payment, order: Order) -> bool:
    """The same of a payment as it was read, without a lock: for a page that says how it stands."""
    return is_here(payment) and left_to_refund(payment) >= order.must_keep


def is_here(payment: Payment) -> bool:
    """Some of this payment's money is neither refunded, nor asked back, voided or disputed."""
    if payment.received:
        return payment.dispute != "doubted" and left_to_refund(payment) > 0
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
        update_one(
            Payment, and_(Payment.id == payment.id, Payment.dispute == "doubted"), dispute=None
        )
        left = left_to_refund(payment)
        if is_here(payment):
            update_one(Order, and_(Order.id == order_id, Order.must_keep > left), must_keep=left)


def _try_goods_again(order_id: str) -> None:
    """More money is here than before: goods that were held back are due once more."""
    db.session.execute(
        update(OutboxTask)
        .where(OutboxTask.order_id == order_id, OutboxTask.parked.is_(True))
        .where(OutboxTask.last_error.startswith(MoneyIsGone.__name__))
        .values(parked=False, due_at=database_now())
        .execution_options(synchronize_session=False)
    )
