"""A subscription is cancelled, at once: commit the intent, call the provider, record its answer."""

from sqlalchemy import and_, select

from database import database_now, db, transaction, update_one
from models import Payment, Subscription
from providers.contract import Rejected
from providers.optional import Subscribes

from .gateway import providers, request_for
from .ladder import NO_MONEY, apply_news
from .subscriptions import charge_of, owe


def cancel_subscription(order_id: str) -> bool:
    """Write down that it is to end; the worker then tells the provider. False for a second press.

    ``order_id``: of its first order.
    """
    runs = and_(
        Subscription.order_id == order_id,
        Subscription.status.in_(("active", "past_due")),
        Subscription.cancel_asked_at.is_(None),
    )
    with transaction() as session:
        if update_one(Subscription, runs, cancel_asked_at=database_now()) is None:
            return False
        charged = Payment.status.not_in(NO_MONEY)
        mine = select(Payment.id).where(Payment.order_id == order_id, charged)
        for payment_id in session.scalars(mine.order_by(Payment.id)):
            owe(order_id, f"end_subscription:{payment_id}")
        return True


def end_subscription(payment_id: str) -> None:
    """Tell the provider, as often as it takes, to end what this payment began.

    :raise ProviderError: it goes on, or that is not known: try again later.
    """
    payment = db.session.get_one(Payment, payment_id)
    configured, request = providers().get(payment.provider), request_for(payment)
    db.session.rollback()
    if configured is None or not isinstance(configured.module, Subscribes):
        raise Rejected("this shop cannot reach the provider any more")
    found = configured.module.cancel_subscription(configured.account, request)
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        for news in found:
            charge = charge_of(payment, news)
            if news.status:
                apply_news(charge, news)
