"""A person has looked at a held order, and decides that it is fulfilled with what is here."""

from sqlalchemy import select

from database import db, transaction
from fulfilment import owe_goods
from models import Order, Payment

from . import credit
from .ladder import mark_paid
from .paid_by_credit import mark_paid_by_credit
from .refunds import left_to_refund
from .replaced import hold_if_paid_instead
from .reversals import is_here
from .surplus import tasks_about_others


class CannotRelease(Exception):
    """The text is a sentence for the person who pressed the button."""


def release_order(order_id: str) -> None:
    """Refunds that were asked for count as gone; what is gone from the shelf holds the order again.

    An order that is not held stays as it is.

    :raise CannotRelease: nothing of its money is here, or another order was paid in its place.
    """
    with transaction():
        if _paid_by_credit(order_id):
            return
        mine = select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)
        here = [each for each in db.session.scalars(mine.with_for_update()) if is_here(each)]
        if not here:
            raise CannotRelease("No money is here for this order: it was refunded or never came.")
        best = max(here, key=lambda each: (left_to_refund(each), -each.attempt))
        order = mark_paid(best, Order.status == "held", must_keep=left_to_refund(best))
        if order and order.chain_id and hold_if_paid_instead(order):
            raise CannotRelease(f"Refund this one: {order.held_reason}.")
        if order and order.credit and credit.hold_without(order):
            raise CannotRelease(f"Refund it, or wait: {order.held_reason}.")
        if order:
            owe_goods(order, tasks_about_others(order))


def _paid_by_credit(order_id: str) -> bool:
    try:
        return mark_paid_by_credit(order_id, Order.status == "held") is not None
    except credit.CreditGone:
        raise CannotRelease("Its credit is on the gift card again, or spent elsewhere.") from None
