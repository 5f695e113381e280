"""Money that does not fit: too little, too much, in another currency, or for an order that is paid.

It never pays, and is never lost: the order is held for a person, or the money is refunded, where
the provider can be asked to; and the console says why.
"""

from contextlib import suppress

from sqlalchemy import and_, or_, select

from database import db, transaction, update_one
from models import OPEN, Order, Payment
from providers import money
from providers.contract import News

from .bought_credit import follow_money
from .gateway import refunds_of
from .refunds import CannotRefund, ask_for_refund, left_to_refund
from .replaced import of_order_or_its_chain, reason, wait_for_rival
from .review import flag_for_review, hold
from .subscriptions import end_surplus


def flag_other_currency(payment: Payment, news: News) -> None:
    """Money that cannot be compared with what was asked for; a person knows what it is worth."""
    told = f"money in {news.currency}"
    if news.amount is not None and money.SYMBOL.fullmatch(str(news.currency)):
        told = money.show(news.amount, str(news.currency))
    asked = money.show(payment.amount, payment.currency)
    flag_for_review(payment.id, f"asked for {asked}, the news is about {told}")


def name_transaction(payment_id: str, transaction_id: str) -> None:
    """Store what moved the money, once; a second transaction paid the same page again."""
    unnamed = or_(Payment.transaction_id.is_(None), Payment.transaction_id == transaction_id)
    which = and_(Payment.id == payment_id, unnamed)
    if update_one(Payment, which, transaction_id=transaction_id) is None:
        flag_for_review(payment_id, f"paid a second time, by {transaction_id}: refund it")


def hold_short(payment: Payment, news: News) -> None:
    """Less is here than was asked for, and the provider says that this is all: hold the order."""
    is_over = payment.status in ("succeeded", "partially_refunded", "refunded")
    all_refunded = payment.received == payment.refunded and payment.received > 0
    nothing_came = payment.received == 0 and payment.status == "refunded"
    if not is_over or all_refunded or nothing_came:
        return
    reason = f"{payment.provider} took {money.show(payment.received, payment.currency)}"
    reason += f" of {money.show(payment.amount, payment.currency)}"
    if payment.refunded:
        reason += f", of which {money.show(payment.refunded, payment.currency)} was refunded"
    if payment.dispute in ("opened", "lost"):
        reason += ", and the payer's bank disputes it"
    code = "amount" if news.currency in (payment.currency, None) else "currency"
    hold(payment.order_id, code, f"{reason}. {payment.problem or ''}".strip())


def hold_partial(payment: Payment) -> None:
    """Some of the money came, the rest did not in time: a person decides; the rest may follow."""
    if payment.status == "partially_paid":
        received = money.show(payment.received, payment.currency)
        asked = money.show(payment.amount, payment.currency)
        reason = f"{payment.provider} took {received} of {asked}, and no more came in time"
        hold(payment.order_id, "amount", reason)


def refund_surplus(payment: Payment) -> None:
    """More came than was asked for: say so, and refund a whole second payment of one page."""
    surplus = payment.kept - payment.amount
    if surplus <= 0:
        return
    paid_by = db.session.scalar(select(Order.paid_by).where(Order.id == payment.order_id))
    if paid_by != payment.id:
        return
    asked = money.show(payment.amount, payment.currency)
    shown = money.show(surplus, payment.currency)
    flag_for_review(payment.id, f"{shown} more than the {asked} that was asked for")
    left = left_to_refund(payment) - payment.amount
    if left >= payment.amount and refunds_of(payment) == "part":
        refund_id = f"{payment.id}{payment.received:x}"
        with suppress(CannotRefund):  # one is on its way already
            ask_for_refund(payment, refund_id, left, "the page was paid a second time")


def refund_if_second(payment: Payment) -> None:
    """The order, or one in its place, is paid already: all of this money is too much.

    The order is read here in any case, so what its credit has to do with the money is seen to.
    """
    if not payment.received:
        return
    order = db.session.get_one(Order, payment.order_id, populate_existing=True)
    follow_money(payment, order)
    if order.paid_by == payment.id:
        return
    rival = None if order.paid_by else wait_for_rival(order)
    if order.paid_by or rival:
        end_surplus(payment)
        told = "see its refund" if _refund_all(payment) else "refund it"
        paid = reason(rival) if rival else f"paid by {order.paid_by}"
        flag_for_review(payment.id, f"second payment for one order ({paid}): {told}")


def refund_other_payments(order_id: str) -> None:
    """What came before for a paid order, or for one that it replaced, and did not pay it.

    In a transaction of its own, for the reason that ``close_other_payments`` gives.
    """
    mine = of_order_or_its_chain(order_id)
    paid = select(Payment).where(mine, Payment.received > Payment.refunded)
    with transaction() as session:
        for payment in session.scalars(paid.order_by(Payment.id).with_for_update()):
            refund_if_second(payment)


def tasks_about_others(order: Order) -> list[str]:
    """The kinds of task that a paid order is owed because of its other payments."""
    query = select(Payment.status, Payment.page_url, Payment.received, Payment.refunded)
    mine = of_order_or_its_chain(order.id) if order.chain_id else Payment.order_id == order.id
    others = db.session.execute(query.where(mine, Payment.id.is_distinct_from(order.paid_by))).all()
    kinds = []
    if order.chain_id or any(each.page_url and each.status in OPEN for each in others):
        kinds.append("close_pages")
    if any(each.received > each.refunded for each in others):
        kinds.append("give_back")
    return kinds


def _refund_all(payment: Payment) -> bool:
    """False where the provider cannot refund, and a person has to."""
    if not refunds_of(payment):
        return False
    left = left_to_refund(payment)
    if left > 0:
        with suppress(CannotRefund):  # one is on its way already
            ask_for_refund(payment, payment.id, left, "second payment for one order")
    return True
