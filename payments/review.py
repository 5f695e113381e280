"""What a person must look at: a line beside the payment, an order that is held."""

import logging

from sqlalchemy import and_, case, not_, or_

from database import update_one
from models import Order, Payment

log = logging.getLogger(__name__)


def flag_for_review(payment_id: str, problem: str) -> None:
    """Add this line to what the console says about the payment, once."""
    known = Payment.problem.contains(problem, autoescape=True)
    new = and_(Payment.id == payment_id, or_(Payment.problem.is_(None), not_(known)))
    lines = case((Payment.problem.is_(None), problem), else_=Payment.problem + "\n" + problem)
    if update_one(Payment, new, problem=lines):
        log.error("payment %s: %s", payment_id, problem)


def hold(order_id: str, code: str, reason: str) -> None:
    """Keep an open order from being paid until a person, or clearer news, decides."""
    waiting = and_(Order.id == order_id, Order.status == "open")
    update_one(Order, waiting, status="held", held_code=code, held_reason=reason)
