"""A gift card at the checkout: what its code pays of the cart, or why it pays nothing."""

import hashlib
import re
from dataclasses import dataclass

from babel.numbers import get_currency_symbol
from flask import session
from sqlalchemy import func, select

from database import db
from models import Credit, CreditUse, Order

from .cart import Cart

EMPTY = "Please type the code of your gift card."
UNKNOWN = "We know no gift card with this code. Please check it against the receipt."
NOT_AGAIN = "A gift card cannot pay for what is charged again each month."
USED_UP = "Nothing is left on this gift card."
CODE_LENGTH = 20  # without what stands between the groups; see models.credit_code


@dataclass(frozen=True)
class Share:
    """What a gift card pays of a cart, in minor units of the cart's currency.

    ``problem``: a sentence for the shopper; ``guessed``: there is no card with such a code.
    """

    cart: Cart
    credit_id: int = 0
    amount: int = 0
    problem: str = ""
    guessed: bool = False

    @property
    def to_pay(self) -> int:
        return self.cart.total - self.amount

    @property
    def shown(self) -> str:
        """What the page shows; see ``Cart.fingerprint``."""
        return f"{self.cart.fingerprint}.{self.amount}" if self.amount else self.cart.fingerprint

    @property
    def key(self) -> str:
        """``Cart.key``, another one for another card or another sum of it."""
        return _key(self.cart, self.credit_id, self.amount) if self.amount else self.cart.key


def share_of(cart: Cart, typed: str, shown: str = "") -> Share:
    """What the card with the typed code pays of this cart; ``shown`` as the page said it.

    What the session's earlier order has reserved of the card counts as left: that order gives way.
    """
    letters = re.sub(r"[^0-9A-Z]", "", typed.upper())
    if not typed.strip():
        return Share(cart)
    if cart.every_days:
        return Share(cart, problem=NOT_AGAIN)
    code = "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
    card = None
    if len(letters) == CODE_LENGTH:
        card = db.session.scalar(select(Credit).where(Credit.code == code))
    if card is None:
        return Share(cart, problem=UNKNOWN, guessed=True)
    if card.currency != cart.currency:
        has, wants = (_symbol(each) for each in (card.currency, cart.currency))
        return Share(cart, problem=f"This card is in {has}; your cart is in {wants}.")
    pressed = shown.rpartition(".")[2]
    if pressed.isascii() and pressed.isdigit() and len(pressed) < 16:
        before = Share(cart, card.id, int(pressed))
        known = select(Order.id).where(Order.cart_key == before.key)
        if before.amount and db.session.scalar(known):  # another press of the same button
            return before
    left = 0 if card.withdrawn else card.balance + _reserved_here(card.id)
    if left <= 0:
        return Share(cart, problem=USED_UP)
    return Share(cart, card.id, min(left, cart.total))


def _reserved_here(credit_id: int) -> int:
    mine = select(func.coalesce(func.sum(CreditUse.amount), 0)).where(
        CreditUse.order_id == session.get("order_id", ""),
        CreditUse.credit_id == credit_id,
        CreditUse.status == "reserved",
    )
    return int(db.session.scalars(mine).one())


def _key(cart: Cart, credit_id: int, amount: int) -> str:
    return hashlib.sha256(f"{cart.key}.{credit_id}.{amount}".encode()).hexdigest()[:40]


def _symbol(currency: str) -> str:
    return str(get_currency_symbol(currency, locale="en_001"))
