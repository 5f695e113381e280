"""The order of one period of a subscription, and the charge that is to pay it.

Two starts are of one period when less than half of it lies between them.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from database import db, now
from models import Order, OrderLine, Payment, Subscription

#: What each order takes over from the first.
COPIED = (
    *("customer_id", "name", "email", "line1", "line2", "city", "region", "postal_code"),
    *("country", "currency", "total"),
)


def half(subscription: Subscription) -> timedelta:
    return timedelta(hours=12 * subscription.every_days)


def order_of(subscription: Subscription, start: datetime) -> Order | None:
    """The order of the period that begins at ``start``, or near it."""
    reach = half(subscription)
    mine = (Order.subscription_id == subscription.order_id, Order.id != subscription.order_id)
    near = (Order.period_start > start - reach, Order.period_start < start + reach)
    return db.session.scalar(select(Order).where(*mine, *near).limit(1))


def new_order(subscription: Subscription, first: Order, start: datetime) -> Order:
    """The first order once more, at the price that it had."""
    order = Order(
        **{name: getattr(first, name) for name in COPIED},
        cart_key=f"{first.id}@{start:%y%m%d}",
        subscription_id=subscription.order_id,
        period_start=start,
        lines=[
            OrderLine(
                product_id=line.product_id,
                name=line.name,
                fulfilment=line.fulfilment,
                unit_price=line.unit_price,
                quantity=line.quantity,
            )
            for line in first.lines
        ],
    )
    db.session.add(order)
    db.session.flush()
    return order


def payment_of(order: Order, payment: Payment, start: datetime) -> Payment:
    """The charge of that subscription for this order; its reference here is ours."""
    for known in order.payments:
        if (known.provider_reference or "").startswith(f"{payment.provider_reference}@"):
            return known
    charge = Payment(
        order=order,
        attempt=len(order.payments) + 1,
        provider=payment.provider,
        provider_reference=f"{payment.provider_reference}@{int(start.timestamp())}",
        amount=order.to_pay,
        currency=order.currency,
        page_expires_at=now(),
        expires_at=now(),
    )
    db.session.add(charge)
    db.session.flush()
    return charge
