"""A gift card pays a part of an order, or all of it: what that does to the credit that is left.

    reserved   in the transaction that writes the order
    freed      the order waited in vain, or another one took its place
    spent      in the transaction that makes the order paid, from the reservation or, where that
               was freed meanwhile, from what is left
    returned   the order was refunded whole
    withdrawn  of the card's own order, more was refunded than its other lines cost, or it is
               disputed; see bought_credit.py

The balance changes by one conditional UPDATE, which writes its entry beside it: the sum of a
card's entries is its balance, always. Every function belongs inside a transaction. Rows are locked
in one order: payment, order, use, card.
"""

from datetime import timedelta

from sqlalchemy import and_, not_, select

from database import database_now, db, transaction, update_one
from models import OPEN, Credit, CreditEntry, CreditUse, Order, Payment
from providers import money

#: How long an order keeps its credit without a payment that may still come.
IDLE = timedelta(minutes=10)
#: Payments whose money may still come without the shopper doing anything more.
COMING = (*OPEN, "authorized", "partially_paid")


class CreditGone(Exception):
    """The gift card no longer covers what it was to pay; the text is a sentence for the shopper."""

    def __init__(self) -> None:
        super().__init__(
            "Your gift card no longer covers its part of this order. Please go back to your cart "
            "and check out again."
        )


def reserve(order: Order, credit_id: int) -> None:
    """Reserve ``order.credit`` of this card for a new order.

    :raise CreditGone: so much is not left.
    """
    if not move(credit_id, -order.credit, "reserved", order.id):
        raise CreditGone
    use = {"order_id": order.id, "credit_id": credit_id, "amount": order.credit}
    db.session.add(CreditUse(**use, reserved_at=database_now()))
    db.session.flush()


def reserve_again(order: Order) -> None:
    """The shopper goes on to pay: what was freed meanwhile is reserved again, or kept for longer.

    :raise CreditGone: it was freed, and spent elsewhere.
    """
    if not (_enter(order.id, "reserved", "reserved") or _claim(order.id, "reserved")):
        raise CreditGone


def free(order_id: str) -> None:
    """Free what is reserved for an order that is not paid; what is spent stays so."""
    use = _enter(order_id, "reserved", "freed")
    if use:
        _put_back(use, "freed")


def free_idle() -> None:
    """Free the credit of open orders to which no payment may come without another press.

    Runs with each sweep, in transactions of its own.
    """
    coming = select(Payment.id).where(
        Payment.order_id == CreditUse.order_id, Payment.status.in_(COMING)
    )
    idle = select(CreditUse.order_id).join(Order, Order.id == CreditUse.order_id)
    idle = idle.where(CreditUse.status == "reserved", Order.status == "open", ~coming.exists())
    idle = idle.where(CreditUse.reserved_at < database_now() - IDLE)
    for order_id in db.session.scalars(idle).all():
        with transaction():
            # Asked once more: the shopper may have pressed "Pay" meanwhile, which waits here.
            until = CreditUse.reserved_at < database_now() - IDLE
            use = _enter(order_id, "reserved", "freed", and_(until, ~coming.exists()))
            if use:
                _put_back(use, "freed")


def spend(order: Order) -> bool:
    """The order was just paid: spend its credit, in the same transaction; once.

    False when it was freed, and is not there any more: then nothing has changed.
    """
    use = _enter(order.id, "reserved", "spent")
    if use:  # the balance stays: what was reserved is spent
        _write(use.credit_id, use.amount, "freed", order.id, order.currency)
        _write(use.credit_id, -use.amount, "spent", order.id, order.currency)
        return True
    return _claim(order.id, "spent")


def hold_without(order: Order) -> bool:
    """Spend the credit of an order that was just paid; hold the order where it is not there."""
    if spend(order):
        return False
    reason = f"{money.show(order.to_pay, order.currency)} came after its credit was freed, and "
    reason += (
        f"{card_of(order.id).last_four} no longer has {money.show(order.credit, order.currency)}"
    )
    unpaid = {"status": "held", "paid_by": None, "paid_at": None}
    update_one(Order, Order.id == order.id, **unpaid, held_code="credit", held_reason=reason)
    return True


def give_back(order_id: str) -> bool:
    """The order was refunded whole: what it spent is on the card again. False for a repeat."""
    use = _enter(order_id, "spent", "returned")
    if use:
        _put_back(use, "returned")
    return use is not None


def is_spent(order_id: str) -> bool:
    """Whether the credit of this order is spent, and not returned; locked until the commit."""
    use = db.session.get(CreditUse, order_id, with_for_update=True, populate_existing=True)
    return use is not None and use.status == "spent"


def card_of(order_id: str) -> Credit:
    """The card that pays, or paid, a part of this order."""
    mine = select(Credit).join(CreditUse).where(CreditUse.order_id == order_id)
    return db.session.scalars(mine).one()


def _claim(order_id: str, status: str) -> bool:
    """From ``freed`` to ``status``, if so much is left; True where it has that status already."""
    use = _enter(order_id, "freed", status)
    if use is None:
        return db.session.get_one(CreditUse, order_id, populate_existing=True).status == status
    if move(use.credit_id, -use.amount, status, order_id):
        return True
    _enter(order_id, status, "freed")
    return False


def _enter(order_id: str, before: str, status: str, *more: object) -> CreditUse | None:
    """One conditional UPDATE: of two at once, one finds the use in its earlier status."""
    which = and_(CreditUse.order_id == order_id, CreditUse.status == before, *more)  # type: ignore[arg-type]
    moment = {"reserved_at": database_now()} if status == "reserved" else {}
    return update_one(CreditUse, which, status=status, **moment)


def _put_back(use: CreditUse, kind: str) -> None:
    """More is left of the card; of a card that was withdrawn, that is withdrawn, too."""
    card = move(use.credit_id, use.amount, kind, use.order_id)
    if card and card.withdrawn:
        move(card.id, -use.amount, "withdrawn", use.order_id)


def move(credit_id: int, amount: int, kind: str, order_id: str) -> Credit | None:
    """Change the balance, if enough is left; the entry is written beside it. The card, or None."""
    if amount == 0:
        return None
    which = and_(Credit.id == credit_id, Credit.balance + amount >= 0)
    if kind in ("reserved", "spent"):
        which = and_(which, not_(Credit.withdrawn))
    card = update_one(Credit, which, balance=Credit.balance + amount)
    if card:
        _write(card.id, amount, kind, order_id, card.currency)
    return card


def _write(credit_id: int, amount: int, kind: str, order_id: str, currency: str) -> None:
    """One row of the ledger."""
    which = {"credit_id": credit_id, "order_id": order_id, "currency": currency}
    db.session.add(CreditEntry(**which, kind=kind, amount=amount))
