"""Beyond one machine, with what one machine has: ``make scale``.

Two groups of shop processes and two workers on one PostgreSQL and one Redis. Each group listens on
a port of its own, as on a machine of its own; senders go to one and, where it does not answer, to
the other, as a load balancer does. Each group and each worker is killed in turn while webhooks come
as fast as they are taken. At the end every order must be paid and fulfilled, once.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import requests
from flask import Flask
from sqlalchemy import func, select

import config
from database import db
from models import Download, Mail, Order, OutboxTask
from tests import redis_server
from tests.providers import cases
from tests.usual import PROVIDER
from tools import postgres, run
from tools.migrate import prepare_database
from tools.shopper import direct_session

from .books import place
from .rows import Sent, news_of
from .served import WORKER
from .shop import SETTINGS, create_app

GROUPS, WORKERS = ("group 1", "group 2"), ("worker 1", "worker 2")
SENDERS = 16
PATIENCE = 120.0  # seconds until what is owed must be done
FASTEST = 400  # webhooks a second: so many orders are placed


@dataclass
class Machines:
    """The processes, by name; ``ports`` of the groups."""

    commands: run.Commands
    ports: dict[str, int]
    log: IO[bytes]
    children: run.Children = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)

    def kill(self, name: str) -> None:
        """All of it at once by SIGKILL, and start it again."""
        os.killpg(self.children[name].pid, signal.SIGKILL)
        self.children[name].wait()
        self.killed[name] += 1
        self.start(name)

    def start(self, name: str) -> None:
        self.children[name] = run.start(self.commands[name], self.log)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.scale", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=int, default=40, help="for so long webhooks come (default: 40)")
    add("--kill-every", type=float, default=4.0, help="seconds (default: 4; 0: nothing is killed)")
    wanted = parser.parse_args()
    with _started() as (machines, shop):
        print(f"{wanted.seconds} s of webhooks …", flush=True)  # noqa: T201
        sent, taken = _send_all(machines, shop, wanted.seconds, wanted.kill_every)
        missing = _wait_for_all(shop, sent)
    rate = len(sent) / wanted.seconds
    print(f"{len(sent)} webhooks acknowledged, {rate:.0f} a second; {_shown(taken)}")  # noqa: T201
    print(f"killed: {_shown(machines.killed) or 'nothing'}")  # noqa: T201
    print(f"lost or doubled: {_shown(missing) or 'nothing'}")  # noqa: T201
    return 1 if missing else 0


def _shown(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


@contextmanager
def _started() -> Iterator[tuple[Machines, Flask]]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server(durable=True))
        queue = stack.enter_context(redis_server.server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
        log = stack.enter_context((folder / "log").open("wb"))
        os.environ.update(
            SETTINGS,
            BASE_URL=f"http://127.0.0.1:{run.free_port()}",
            DATABASE_URL=server.url,
            JOBS_URL=queue,
            LEASE_SECONDS="60",
        )
        settings = config.load()
        prepare_database(settings)
        ports = {name: run.free_port() for name in GROUPS}
        commands = {
            name: run.server("tools.bench.shop", settings.base_url, workers=2, port=port)
            for name, port in ports.items()
        }
        machines = Machines({**commands, **dict.fromkeys(WORKERS, WORKER)}, ports, log)
        stack.callback(run.stop, machines.children)
        for name in machines.commands:
            machines.start(name)
        for port in ports.values():
            while not run.answers(settings.base_url, port):
                time.sleep(0.05)
        shop = create_app()
        yield machines, shop
        with shop.app_context():
            db.engine.dispose()


def _send_all(
    machines: Machines, shop: Flask, seconds: int, kill_every: float
) -> tuple[list[str], Counter[str]]:
    """The orders whose webhook was acknowledged, and by which group."""
    with shop.app_context():
        placed = place(cases()[PROVIDER], FASTEST * seconds)
    waiting = iter(placed)
    lock, acknowledged, taken = threading.Lock(), list[str](), Counter[str]()
    host = urlsplit(shop.extensions["settings"].base_url).netloc
    ends = time.monotonic() + seconds

    def work(number: int) -> None:
        groups = cycle(GROUPS if number % 2 else GROUPS[::-1])
        while time.monotonic() < ends:
            with lock:
                order = next(waiting, None)
            if order is None:
                return
            news = news_of(cases()[PROVIDER], order.reference)
            group = _send(machines, groups, news, host)
            with lock:
                acknowledged.append(order.order_id)
                taken[group] += 1

    with ThreadPoolExecutor(SENDERS + 1) as pool:
        killing = pool.submit(_kill_in_turn, machines, ends, kill_every)
        list(pool.map(work, range(SENDERS)))
        killing.result()
    return acknowledged, taken


def _send(machines: Machines, groups: Iterator[str], news: Sent, host: str) -> str:
    """Until one takes it, as a provider does that delivers again; the group that took it."""
    while True:
        group = next(groups)
        url = f"http://127.0.0.1:{machines.ports[group]}{news.path}"
        try:
            with direct_session() as session:
                headers = {**news.headers, "Host": host}
                if session.post(url, news.body, headers=headers, timeout=20).ok:
                    return group
        except requests.RequestException:
            time.sleep(0.05)


def _kill_in_turn(machines: Machines, ends: float, every: float) -> None:
    for name in cycle((GROUPS[0], WORKERS[0], GROUPS[1], WORKERS[1])):
        if not every or time.monotonic() + every > ends:
            return
        time.sleep(every)
        machines.kill(name)


def _wait_for_all(shop: Flask, order_ids: list[str]) -> Counter[str]:
    """What is missing or double after a while, by what it is."""
    ends = time.monotonic() + PATIENCE
    while True:
        missing = _missing(shop, order_ids)
        if not missing or time.monotonic() > ends:
            return missing
        time.sleep(0.5)


def _missing(shop: Flask, order_ids: list[str]) -> Counter[str]:
    """Of the orders whose webhook was acknowledged: each has its money, file and letter, once."""
    with shop.app_context():
        paid = set(db.session.scalars(select(Order.id).where(Order.status == "paid")))
        found = {"unpaid": len(set(order_ids) - paid)}
        for name, table in (("file", Download), ("letter", Mail)):
            each = dict(
                db.session.execute(
                    select(table.order_id, func.count()).group_by(table.order_id)
                ).all()
            )
            found[f"{name} missing"] = sum(order not in each for order in order_ids)
            found[f"{name} twice"] = sum(count > 1 for count in each.values())
        undone = select(func.count()).where(OutboxTask.done_at.is_(None))
        found["task undone"] = db.session.scalar(undone) or 0
    return Counter({name: count for name, count in found.items() if count})


if __name__ == "__main__":
    sys.exit(main())
