"""Orders that replaced one another: the shopper pressed "Pay" and then changed the cart.

They share a ``chain_id``. One of them is paid; money for another is a second payment.
"""

from sqlalchemy import ColumnElement, and_, func, or_, select

from database import db, transaction, update_one
from models import Order, Payment

from . import credit


def join_chain(before: str, order_id: str) -> None:
    """``order_id`` takes the place of ``before``, unless that one is paid or held already."""
    with transaction():
        still_open = and_(Order.id == before, Order.status == "open")
        first = update_one(Order, still_open, chain_id=func.coalesce(Order.chain_id, Order.id))
        if first:
            alone = and_(Order.id == order_id, Order.chain_id.is_(None), Order.status == "open")
            update_one(Order, alone, chain_id=first.chain_id)
            if first.credit:
                credit.free(before)


def paid_instead(order: Order) -> str | None:
    """The number of the order that was paid in place of this one, if there is one."""
    if order.chain_id is None or order.paid_at:
        return None
    return paid_rival(order)


def hold_if_paid_instead(order: Order) -> bool:
    """Hold an order that was just paid, if another one of its chain was paid before."""
    number = wait_for_rival(order)
    if number is None:
        return False
    update_one(
        Order,
        Order.id == order.id,
        status="held",
        paid_by=None,
        paid_at=None,
        held_code="replaced",
        held_reason=reason(number),
    )
    if order.credit:
        credit.free(order.id)
    return True


def wait_for_rival(order: Order) -> str | None:
    """The number of the order that was paid in place of this one; None where there is no chain.

    Money may come for two of them at once: each waits here for the first order of the chain, so
    that one sees the other.
    """
    if order.chain_id is None:
        return None
    first = select(Order.id).where(Order.id == order.chain_id).with_for_update()
    db.session.execute(first).all()
    return paid_rival(order)


def reason(number: str) -> str:
    """Why money for an order is a second payment."""
    return f"the shopper changed the cart after this order, and paid {number}"


def of_order_or_its_chain(order_id: str) -> ColumnElement[bool]:
    """Payments of this order, and of those that it replaced or that replaced it."""
    chain = select(Order.chain_id).where(Order.id == order_id).scalar_subquery()
    others = select(Order.id).where(Order.chain_id == chain)
    return or_(Payment.order_id == order_id, Payment.order_id.in_(others))


def paid_rival(order: Order) -> str | None:
    """The number of another order of this one's chain that is paid."""
    rivals = (Order.chain_id == order.chain_id, Order.id != order.id, Order.paid_at.is_not(None))
    return db.session.scalar(select(Order.number).where(*rivals).limit(1))
