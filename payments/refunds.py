"""The rows of refunds: asked for once, never more than came, done when the provider says so."""

from sqlalchemy import and_, func, or_, select, update

from database import db, update_one
from models import Order, OutboxTask, Payment, Refund
from providers import money
from providers.contract import News

from .review import flag_for_review


class CannotRefund(Exception):
    """The text is a sentence for the person who pressed the button."""


def ask_for_refund(payment: Payment, refund_id: str, amount: int, reason: str) -> bool:
    """Write down that money is to be refunded; the worker then asks the provider.

    Inside a transaction. ``refund_id`` comes with the form, so that a second press finds the first:
    then False. ``amount``: minor units of the payment's currency.

    :raise CannotRefund: more than is left, or another refund of this payment is on its way.
    """
    session = db.session
    if session.get(Refund, refund_id):
        return False
    if _open_refund(payment.id):
        raise CannotRefund("A refund of this payment is on its way. Wait until it is through.")
    left = left_to_refund(payment)
    enough = and_(
        Payment.id == payment.id,
        or_(Payment.dispute.is_(None), Payment.dispute == "won"),
        Payment.refunded + amount <= Payment.received,
        Payment.refund_asked + amount <= Payment.received,
    )
    before = max(payment.refunded, payment.refund_asked)
    if not 0 < amount <= left or not update_one(
        Payment, enough, refund_asked=Payment.refund_asked + amount
    ):
        shown = money.show(left, payment.currency)
        raise CannotRefund(f"Of this payment {shown} can be refunded, no more.")
    # What a person refunds on purpose holds no goods back.
    paid_by_it = and_(Order.paid_by == payment.id, Order.must_keep > left - amount)
    update_one(Order, paid_by_it, must_keep=left - amount)
    session.add(
        Refund(
            id=refund_id,
            payment_id=payment.id,
            amount=amount,
            refunded_before=before,
            reason=reason,
        )
    )
    session.flush()
    session.add(OutboxTask(order_id=payment.order_id, kind=f"refund:{refund_id}"))
    return True


def left_to_refund(payment: Payment) -> int:
    """What can be refunded, or paid for goods: received, still here, and not asked back."""
    asked = db.session.scalar(
        select(func.max(Refund.refunded_before + Refund.amount)).where(
            Refund.payment_id == payment.id, Refund.status == "open"
        )
    )
    return min(payment.kept, max(payment.received - max(payment.refund_asked, asked or 0), 0))


def refuse_refund(payment_id: str, problem: str, refund_id: str | None = None) -> bool:
    """The provider will not do it, so the money may be asked back again. Inside a transaction.

    ``refund_id`` is for news that is told more than once; without it, the open one is meant. False
    when there is no such refund of this payment, or it was done.
    """
    refund = db.session.get(Refund, refund_id) if refund_id else _open_refund(payment_id)
    if refund is None or refund.payment_id != payment_id or refund.status == "done":
        return False
    still_open = and_(Refund.id == refund.id, Refund.status == "open")
    if update_one(Refund, still_open, status="refused", problem=problem):
        left = Payment.refund_asked - refund.amount
        update_one(Payment, Payment.id == payment_id, refund_asked=left)
    return True


def report_refused(payment: Payment, news: News) -> None:
    """News that a refund will not be made. Inside a transaction."""
    if not refuse_refund(payment.id, news.refund_refused or "", news.refund_reference):
        flag_for_review(payment.id, f"a refund was not made after all: {news.refund_refused}")


def settle_refunds(payment: Payment) -> None:
    """The provider says how much was refunded: what was asked for may be done by that."""
    if payment.refunded:
        db.session.execute(
            update(Refund)
            .where(Refund.payment_id == payment.id, Refund.status == "open")
            .where(Refund.refunded_before + Refund.amount <= payment.refunded)
            .values(status="done")
            .execution_options(synchronize_session=False)
        )


def _open_refund(payment_id: str) -> Refund | None:
    mine = select(Refund).where(Refund.payment_id == payment_id, Refund.status == "open")
    return db.session.scalar(mine)
