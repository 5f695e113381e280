"""Gift cards for tests: bought, used at the checkout, and their ledger compared."""

from typing import Any

from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from database import db
from models import Credit, CreditEntry, CreditUse, Order
from tools.shopper import filled

from .books import Books
from .purchases import pay
from .shopper import ANN, Shopper

WORTH = 25_00  # of one card, in minor units of any currency


def buy_card(app: Flask, books: Books) -> str:
    """The code of a card over 25 dollars, bought and paid by another shopper."""
    (payment,) = books.place_order({"gift-card": 1})
    pay(app, payment)
    books.work()
    with books.open():
        order = select(Credit.code).join(Order).order_by(Credit.id.desc()).limit(1)
        return str(db.session.scalars(order).one())


def use_card(shopper: Shopper, code: str) -> TestResponse:
    """Type the code, and press "Use this card"."""
    shown = shopper.shown()
    return shopper.post(
        "/checkout", {"shown": shown, **ANN, "credit_code": code, "use_credit": "1"}
    )


def check_out_with(shopper: Shopper, code: str, **changes: str) -> TestResponse:
    """Use the card, then press the button that says what is left to pay."""
    shown = filled(use_card(shopper, code).text, "/checkout")["shown"]
    return shopper.post("/checkout", {"shown": shown, **ANN, "credit_code": code, **changes})


def balance(books: Books, code: str) -> int:
    """What is left of the card; its entries say the same."""
    with books.open():
        card = db.session.scalars(select(Credit).where(Credit.code == code)).one()
        mine = CreditEntry.credit_id == card.id
        written = db.session.scalar(select(func.sum(CreditEntry.amount)).where(mine))
        assert written == card.balance
        return card.balance


def entries(books: Books, code: str) -> list[tuple[str, int]]:
    """The movements of the card, oldest first."""
    with books.open():
        mine = select(CreditEntry).join(Credit).where(Credit.code == code).order_by(CreditEntry.id)
        return [(each.kind, each.amount) for each in db.session.scalars(mine)]


def use_of(books: Books, order_id: str) -> str:
    """The status of what a card pays of this order."""
    with books.open():
        return db.session.get_one(CreditUse, order_id).status


def order_with(books: Books, payment: dict[str, Any]) -> Order:
    """The order that this payment is for."""
    with books.open():
        query = select(Order).where(Order.payments.any(id=payment["externalId"]))
        found = db.session.scalars(query).one()
        db.session.expunge(found)
        return found
