"""The page that waits asks for news; the answer is 204 while what it shows is still true.

That answer takes one indexed read of a row, no entity and no template, so a page may ask each
second. A page carries a mark, a digest of all that it depends on, and each poll brings it back:
nothing is remembered here that could be out of date.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import bindparam, inspect, select

from database import db
from models import Order, Payment

from .order_status import is_over, is_slow, was_seen_unpaid

#: Until a page is so old, in seconds, it asks so often: quick at first, then slower.
PACES = {15: 1, 60: 2, 300: 5}
SLOWEST = 13  # seconds

#: Attributes of a payment that change without the page showing it.
UNSEEN = {"next_check_at", "checks", "pinged_at", "checked_at"}
SEEN = [each for each in inspect(Payment).column_attrs if each.key not in UNSEEN]

ORDERS, PAYMENTS = Order.__table__, Payment.__table__
WATCHED = (
    select(
        ORDERS.c.status.label("order_status"),
        ORDERS.c.chain_id,
        ORDERS.c.credit,
        PAYMENTS.c.looks.label("checks"),
        *(each.columns[0].label(each.key) for each in SEEN),
    )
    .join_from(ORDERS, PAYMENTS, ORDERS.c.id == PAYMENTS.c.order_id)
    .where(ORDERS.c.id == bindparam("order_id"))
    .order_by(PAYMENTS.c.abandoned, PAYMENTS.c.attempt.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Poll:
    """How a page asks: ``opened`` is when the page was, in Unix seconds."""

    opened: int
    mark: str = ""

    @property
    def pace(self) -> int:
        """Seconds until the next poll."""
        age = time.time() - self.opened
        return next((pace for until, pace in PACES.items() if age < until), SLOWEST)


def next_poll(order: Order, payment: Payment | None) -> Poll:
    """For the page that shows these, opened now or, when it polls, when it says."""
    opened = _opened() or int(time.time())
    chained = bool(order.chain_id or order.credit)
    return Poll(opened, _mark(payment, order.status, chained, opened))


def still_true(order_id: str) -> bool:
    """Whether what the page shows that sends this poll is what it would show now."""
    row = db.session.execute(WATCHED, {"order_id": order_id}).one_or_none()
    if row is None:
        return False
    mark = _mark(row, row.order_status, bool(row.chain_id or row.credit), _opened())
    return bool(mark) and mark == request.args.get("seen")


def _mark(payment: Any, order_status: str, chained: bool, opened: int) -> str:
    """Of the payment, or of its row.

    Blank where the page depends on more than that: the order is not open, a gift card pays a part
    of it, or another order may take its place.
    """
    if payment is None or order_status != "open" or chained:
        return ""
    shown = [getattr(payment, each.key) for each in SEEN]
    by_now = (is_over(payment), was_seen_unpaid(payment), is_slow(payment), Poll(opened).pace)
    return hashlib.blake2b(repr((shown, by_now)).encode(), digest_size=8).hexdigest()


def _opened() -> int:
    return max(0, min(request.args.get("opened", 0, type=int), int(time.time())))
