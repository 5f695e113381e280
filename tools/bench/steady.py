"""How long the shop takes to acknowledge true webhooks that come steadily, many a second.

The worker runs beside it. Each webhook pays an order of its own. The times count from the moment at
which a webhook was due, so that one that had to wait for the ones before it shows. What is judged
is that every order is paid.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import func, select

from database import db
from models import Order
from tests.providers import cases
from tests.usual import PROVIDER
from tools.shopper import direct_session

from .books import place
from .rows import Sent, news_of
from .served import Served

SENDERS = 64  # who may wait for an answer at the same time


class NotPaid(Exception):
    """The text says how many webhooks were not acknowledged, and how many orders are not paid."""


def measure(here: Served, rate: int = 50, seconds: int = 60) -> list[float]:
    """Seconds that each webhook waited for its answer, sorted.

    :raise NotPaid: one was not acknowledged, or its order is not paid.
    """
    with here.shop.app_context():
        placed = place(cases()[PROVIDER], rate * seconds)
    news = [news_of(cases()[PROVIDER], each.reference) for each in placed]
    send = partial(_send, here.url, time.monotonic() + 1, rate)
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(send, range(len(news)), news))
    refused = sum(status != 200 for status, _ in answers)
    mine = Order.id.in_([each.order_id for each in placed])
    with here.shop.app_context():
        unpaid = select(func.count(Order.id)).where(Order.status != "paid", mine)
        left = db.session.scalar(unpaid)
    if refused or left:
        raise NotPaid(f"{refused} not acknowledged, {left} orders not paid")
    return sorted(took for _, took in answers)


def _send(url: str, begin: float, rate: int, number: int, news: Sent) -> tuple[int, float]:
    """At its moment: the HTTP status, and the seconds since then."""
    due = begin + number / rate
    time.sleep(max(0.0, due - time.monotonic()))
    with direct_session() as session:
        answer = session.post(url + news.path, news.body, headers=news.headers, timeout=60)
    return answer.status_code, time.monotonic() - due
