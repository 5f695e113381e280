"""How long the shop takes to acknowledge true webhooks that come steadily, many a second.

Usage: make pace

The shop runs as in production, with two processes of eight threads, and a job worker beside it;
once on SQLite, once on PostgreSQL. Each webhook pays an order of its own. The times count from the
moment at which a webhook was due, so that one that had to wait for the ones before it shows. They
are to be read, not judged: what is judged is that every order is paid.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import config  # noqa: E402
from app import create_app  # noqa: E402
from database import db  # noqa: E402
from models import Order  # noqa: E402
from tests.books import Books  # noqa: E402
from tests.usual import PROVIDER, Delivery, event  # noqa: E402
from tools import postgres, run  # noqa: E402
from tools.migrate import prepare_database  # noqa: E402
from tools.shopper import direct_session  # noqa: E402

SENDERS = 64  # who may wait for an answer at the same time


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--rate", type=int, default=50, help="webhooks a second (default: 50)")
    add("--seconds", type=int, default=60, help="for so long (default: 60)")
    add("--database", choices=("sqlite", "postgresql"), help="default: one after the other")
    arguments = parser.parse_args()
    databases = [arguments.database] if arguments.database else ["sqlite", "postgresql"]
    return max([measure(each, arguments.rate, arguments.seconds) for each in databases])


def measure(database: str, rate: int, seconds: int) -> int:
    """Print what came of it; 0 when every webhook was acknowledged and every order is paid."""
    with shop(database) as (settings, books):
        print(f"{database}: placing {rate * seconds} orders …", flush=True)  # noqa: T201
        orders = [books.place_order({"cookbook": 1})[0] for _ in range(rate * seconds)]
        deliveries = [event(each, "succeeded") for each in orders]
        print(f"{database}: {rate} webhooks a second for {seconds} s …", flush=True)  # noqa: T201
        send = partial(
            _send, f"{settings.base_url}/webhooks/{PROVIDER}", time.monotonic() + 1, rate
        )
        with ThreadPoolExecutor(SENDERS) as pool:
            answers = list(pool.map(send, range(len(deliveries)), deliveries))
        unpaid = select(func.count(Order.id)).where(Order.status != "paid")
        left = books.read(lambda: db.session.scalar(unpaid))
    times = sorted(took for _, took in answers)
    refused = sum(status != 200 for status, _ in answers)
    print(  # noqa: T201
        f"{database}: half within {_milliseconds(times, 0.5)}, 99 of 100 within "
        f"{_milliseconds(times, 0.99)}, the slowest {_milliseconds(times, 1)}; "
        f"{refused} not acknowledged, {left} orders not paid"
    )
    return 1 if refused or left else 0


def _send(url: str, begin: float, rate: int, number: int, delivery: Delivery) -> tuple[int, float]:
    """At its moment: the HTTP status, and the seconds since then."""
    due = begin + number / rate
    time.sleep(max(0.0, due - time.monotonic()))
    headers = {**delivery.headers, "Content-Type": "application/json"}
    with direct_session() as session:
        answer = session.post(url, delivery.body, headers=headers, timeout=60)
    return answer.status_code, time.monotonic() - due


def _milliseconds(times: list[float], share: float) -> str:
    return f"{1000 * times[min(int(share * len(times)), len(times) - 1)]:.0f} ms"


@contextmanager
def shop(database: str) -> Iterator[tuple[config.Settings, Books]]:
    """As in production, on a free port, with fresh databases; and its books beside it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres.server()) if database == "postgresql" else None
        os.environ.update(
            PAYMENT_ENVIRONMENT="sandbox",
            BASE_URL=f"http://127.0.0.1:{run.free_port()}",
            DATABASE_URL=server.url if server else config.sqlite_url(Path(folder) / "shop.db"),
            JOBS_URL=config.sqlite_url(Path(folder) / "jobs.db"),
        )
        settings = config.load()
        prepare_database(settings)
        app = create_app(settings)
        log = stack.enter_context((folder / "log").open("wb"))
        children: run.Children = {}
        stack.callback(run.stop, children)
        children["shop"] = run.start(run.server("app", settings.base_url, workers=2), log)
        children["worker"] = run.start(run.WORKER, log)
        while not run.answers(settings.base_url):
            time.sleep(0.05)
        yield settings, Books(app)
        with app.app_context():
            db.engine.dispose()
        app.extensions["queue"].engine.storage.close()


if __name__ == "__main__":
    sys.exit(main())
