"""How long after the news the shopper's page shows it; and the same where the webhook is lost.

Each shopper's page polls as the browser would, at the pace that the page itself names. The webhook
comes at a random moment of the wait, and the time counts from the shop's answer to it. A lost one
never comes: the shopper returns from the provider's page, and the time counts from there.
"""

import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import unescape

from tests.providers import cases
from tests.usual import PROVIDER
from tools.shopper import direct_session

from .books import place
from .rows import Sent, news_of
from .served import Served

STATE = re.compile(r'data-state="(\w+)"')
NEXT = re.compile(r'hx-get="([^"]+)" hx-trigger="every (\d+)s"')
LONGEST_WAIT = 12.0  # seconds until the webhook comes: most come at once, some late
PATIENCE = 60.0
AT_ONCE = 32  # shoppers who wait at the same time


class NeverShown(Exception):
    """The text says for how long the page of a paid order did not show it."""


def measure(here: Served, purchases: int, seed: int = 1) -> dict[str, list[float]]:
    """Seconds of each purchase, sorted: ``told`` by webhook, and ``lost``.

    :raise NeverShown: within a minute.
    """
    chance = random.Random(seed)  # noqa: S311
    with here.shop.app_context():
        placed = place(cases()[PROVIDER], 2 * purchases)
    told, lost = placed[:purchases], placed[purchases:]
    moments = [chance.uniform(0, LONGEST_WAIT) for _ in told]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        news = [news_of(cases()[PROVIDER], each.reference) for each in told]
        by_webhook = pool.map(
            partial(_told, here.url), [each.order_id for each in told], news, moments
        )
        found = {"told": sorted(by_webhook)}
        found["lost"] = sorted(pool.map(partial(_lost, here.url), [e.order_id for e in lost]))
    return found


def _told(shop: str, order_id: str, news: Sent, moment: float) -> float:
    answered: list[float] = []
    sender = threading.Timer(moment, _send, (shop, news, answered))
    sender.start()
    seen = _wait_until_paid(f"{shop}/orders/{order_id}", shop)
    sender.join()
    return max(0.0, seen - answered[0])


def _lost(shop: str, order_id: str) -> float:
    returned = time.monotonic()
    return _wait_until_paid(f"{shop}/orders/{order_id}/return/{PROVIDER}", shop) - returned


def _wait_until_paid(url: str, shop: str) -> float:
    """Poll as the page does; the moment at which it shows the news."""
    with direct_session() as session:
        page = session.get(url, timeout=20).text
        ends = time.monotonic() + PATIENCE
        while STATE.findall(page)[0] != "paid":
            if time.monotonic() > ends:
                raise NeverShown(f"{url} does not show it after {PATIENCE:.0f} seconds")
            path, pause = NEXT.findall(page)[0]
            time.sleep(int(pause))
            answer = session.get(shop + unescape(path), timeout=20)
            page = page if answer.status_code == 204 else answer.text
        return time.monotonic()


def _send(shop: str, news: Sent, answered: list[float]) -> None:
    with direct_session() as session:
        session.post(
            shop + news.path, news.body, headers=news.headers, timeout=20
        ).raise_for_status()
    answered.append(time.monotonic())
