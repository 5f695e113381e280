"""The rules about subscriptions: an order for each period, none twice and none left out."""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

from models import Order

from .books import Books, Found


def no_period_has_two_orders(books: Books) -> Found:
    """What was charged once is sent once."""
    for subscription in books.subscriptions:
        least = timedelta(hours=12 * subscription.every_days)
        for before, after in pairwise(_orders(books)[subscription.order_id]):
            if _between(before, after) < least:
                yield after.number, f"is for the same period as {before.number}"


def no_period_is_left_out(books: Books) -> Found:
    """Between the first that was charged and the newest; one without news is held."""
    for subscription in books.subscriptions:
        most = timedelta(hours=36 * subscription.every_days)
        for before, after in pairwise(_orders(books)[subscription.order_id]):
            if _between(before, after) > most:
                yield after.number, f"leaves out a period after {before.number}"


def what_is_cancelled_was_told(books: Books) -> Found:
    """A wish to cancel has reached the provider, or a person sees why it has not."""
    owed = {task.order_id for task in books.tasks if task.kind.startswith("end_subscription:")}
    for each in books.subscriptions:
        if each.cancel_asked_at and each.order_id not in owed:
            yield books.order[each.order_id].number, "is to be cancelled, and no task says so"


def _orders(books: Books) -> dict[str, list[Order]]:
    found: dict[str, list[Order]] = defaultdict(list)
    for order in books.orders:
        if order.subscription_id and order.period_start:
            found[order.subscription_id].append(order)
    for orders in found.values():
        orders.sort(key=lambda each: (each.period_start, each.id))
    return found


def _between(before: Order, after: Order) -> timedelta:
    assert before.period_start  # noqa: S101 - sorted out above
    assert after.period_start  # noqa: S101
    return after.period_start - before.period_start


RULES = (no_period_has_two_orders, no_period_is_left_out, what_is_cancelled_was_told)
