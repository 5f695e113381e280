"""An order that a gift card pays whole: no provider is asked, so ``paid_by`` stays None."""

from sqlalchemy import ColumnElement, and_

from database import db, now, transaction, update_one
from fulfilment import owe_goods
from models import Order

from . import credit
from .bought_credit import withdraw
from .refunds import CannotRefund
from .replaced import hold_if_paid_instead
from .surplus import tasks_about_others


def pay_with_credit(order_id: str) -> None:
    """Make an open order paid whose gift card covers all of it; a second press changes nothing.

    :raise CreditGone: its credit was freed, and is not there any more.
    """
    with transaction():
        if not mark_paid_by_credit(order_id, Order.status == "open"):
            order = db.session.get_one(Order, order_id)
            if order.status == "open":
                raise credit.CreditGone


def mark_paid_by_credit(order_id: str, payable: ColumnElement[bool]) -> Order | None:
    """Pay, spend and owe the goods, inside a transaction; None where that cannot be.

    :raise CreditGone: the credit is not there any more.
    """
    covered = and_(Order.id == order_id, Order.credit == Order.total, payable)
    paid = {"status": "paid", "paid_at": now(), "held_code": None, "held_reason": None}
    order = update_one(Order, covered, **paid)
    if order is None or (order.chain_id and hold_if_paid_instead(order)):
        return None
    if not credit.spend(order):
        raise credit.CreditGone
    owe_goods(order, tasks_about_others(order))
    return order


def refund_credit(order_id: str) -> None:
    """Put what an order spent back on its gift card, where that paid all of it.

    :raise CannotRefund: a sentence for the person who pressed the button.
    """
    with transaction() as session:
        order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
        if order.paid_at is None or order.credit != order.total:
            raise CannotRefund("No gift card paid all of this order: refund its payment.")
        if not credit.give_back(order_id):
            raise CannotRefund("It is on the gift card again already.")
        spent = withdraw(order_id)
        if spent:
            raise CannotRefund(f"It bought credit: {'; '.join(spent)}.")
