"""How long after a webhook's answer the shopper's page shows that the order is paid.

Usage: make truth

The shop runs as in production, with two processes of eight threads, and a job worker beside it.
Each shopper's page polls as the browser would, at the pauses that the page itself names; the
webhook comes at a random moment of the wait. The time counts from the moment at which the shop has
answered the webhook to that at which a poll has brought the news.
"""

import argparse
import random
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.measure_webhooks import shop
from tests.usual import PROVIDER, Delivery, event
from tools.shopper import direct_session

STATE = re.compile(r'data-state="(\w+)"')
NEXT = re.compile(r'hx-get="([^"]+)" hx-trigger="every (\d+)s')
LONGEST_WAIT = 12.0  # seconds until the webhook comes: most come at once, some late
PATIENCE = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--purchases", type=int, default=100, help="how many (default: 100)")
    add("--at-once", type=int, default=8, help="shoppers who wait at the same time (default: 8)")
    add("--seed", type=int, default=1, help="of the moments at which webhooks come (default: 1)")
    add("--database", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311
    with shop(arguments.database) as (settings, books):
        placed = [books.place_order({"cookbook": 1})[0] for _ in range(arguments.purchases)]
        orders = {each.id: each.order_id for each in books.payments}
        moments = [chance.uniform(0, LONGEST_WAIT) for _ in placed]
        print(f"{len(placed)} purchases, {arguments.at_once} at once …", flush=True)  # noqa: T201
        wait = partial(_purchase, settings.base_url)
        with ThreadPoolExecutor(arguments.at_once) as pool:
            pages = [orders[each["externalId"]] for each in placed]
            deliveries = [event(each, "succeeded") for each in placed]
            found = list(pool.map(wait, pages, deliveries, moments))
    late = sorted(seconds for seconds, _ in found)
    polls = [count for _, count in found]
    print(  # noqa: T201
        f"from the webhook's answer to the page: half within {late[len(late) // 2]:.1f} s, "
        f"99 of 100 within {late[int(len(late) * 0.99) - 1]:.1f} s, the slowest {late[-1]:.1f} s; "
        f"{sum(polls) / len(polls):.1f} polls a purchase"
    )
    return 0


def _purchase(shop_url: str, order_id: str, delivery: Delivery, moment: float) -> tuple[float, int]:
    """Poll until the page says so: seconds since the webhook's answer, and how many polls."""
    answered: list[float] = []
    sender = threading.Timer(moment, _send, (shop_url, delivery, answered))
    sender.start()
    with direct_session() as session:
        page = session.get(f"{shop_url}/orders/{order_id}", timeout=20).text
        ends, polls = time.monotonic() + PATIENCE, 0
        while STATE.findall(page)[0] != "paid" and time.monotonic() < ends:
            path, pause = NEXT.findall(page)[0]
            time.sleep(int(pause))
            answer = session.get(shop_url + path.replace("&amp;", "&"), timeout=20)
            page = page if answer.status_code == 204 else answer.text
            polls += 1
        seen = time.monotonic()
    sender.join()
    return seen - answered[0], polls


def _send(shop_url: str, delivery: Delivery, answered: list[float]) -> None:
    headers = {**delivery.headers, "Content-Type": "application/json"}
    with direct_session() as session:
        answer = session.post(
            f"{shop_url}/webhooks/{PROVIDER}", delivery.body, headers=headers, timeout=20
        )
    answer.raise_for_status()
    answered.append(time.monotonic())


if __name__ == "__main__":
    sys.exit(main())
