"""Credit goes where its money went: back to a card, or away with what paid for the card."""

from sqlalchemy import func, select

from database import db, update_one
from models import Credit, CreditEntry, Order, Payment
from providers import money

from .credit import free, give_back, move
from .review import flag_for_review


def follow_money(payment: Payment, order: Order) -> None:
    """Credit goes where the money of its order went: asked when news of money does not pay."""
    if order.credit and 0 < payment.received <= payment.refunded:
        if order.paid_by == payment.id:
            give_back(order.id)
        elif order.status == "held":
            free(order.id)
    cards = sum(line.total for line in order.lines if line.fulfilment == "credit")
    if order.paid_by == payment.id and cards:
        # What goes back is for the other lines first; beyond what they cost, the cards go with it.
        gone = min(payment.received, payment.amount) - payment.kept
        if payment.kept and gone <= order.total - cards:
            restore(order.id)
            return
        for problem in withdraw(order.id):
            flag_for_review(payment.id, problem)


def withdraw(order_id: str) -> list[str]:
    """Take back what is left of the cards that this order bought.

    Returns a sentence for a person about each that was spent, or is reserved.
    """
    told = []
    for card in _bought_by(order_id, withdrawn=False):
        left, gone = card.balance, card.amount - card.balance
        update_one(Credit, Credit.id == card.id, withdrawn=True)
        move(card.id, -left, "withdrawn", order_id)
        if gone:
            shown = money.show(gone, card.currency)
            told.append(f"of the gift card {card.last_four} that it bought, {shown} was spent")
    return told


def restore(order_id: str) -> None:
    """The money for the cards that this order bought stays here after all: a dispute was won."""
    entries = select(func.coalesce(func.sum(CreditEntry.amount), 0))
    for card in _bought_by(order_id, withdrawn=True):
        taken = entries.where(
            CreditEntry.credit_id == card.id, CreditEntry.kind.in_(("withdrawn", "restored"))
        )
        update_one(Credit, Credit.id == card.id, withdrawn=False)
        move(card.id, -int(db.session.scalars(taken).one()), "restored", order_id)


def _bought_by(order_id: str, withdrawn: bool) -> list[Credit]:
    mine = select(Credit).where(Credit.order_id == order_id, Credit.withdrawn.is_(withdrawn))
    return list(db.session.scalars(mine.order_by(Credit.id).with_for_update()))
