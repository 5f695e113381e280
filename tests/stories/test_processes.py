"""Many processes: the shop under its production server, several job workers, both databases.

The races inside one process stand beside the modules, each with its twin. Here nothing is patched:
what is shown is that the guards hold between processes, and that SQLite's lock is waited for.
"""

import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from html import unescape
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import requests
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

import config
from app import create_app
from database import db
from models import Credit, Delivery, Download, Mail, Order, OutboxTask, Parcel, Payment, Product
from tools import run
from tools.migrate import prepare_database
from tools.shopper import Shopper
from tools.soak.mail import PostOffice

from .. import children, mintcash, postgres
from ..books import Books
from ..conftest import close
from ..mintcash import event
from ..providers import case_of

ONE_OF_EACH = {"coffee-bag": 1, "cookbook": 1, "gift-card": 1}


@dataclass(frozen=True)
class Ending:
    """What came of one order."""

    status: str
    fulfilled: tuple[int, ...]  # parcels, downloads, credits, receipts
    letters: int  # at the mail server


PAID_ONCE = Ending("paid", (1, 1, 1, 1), 1)


@dataclass(frozen=True)
class Servers:
    """Where everything runs, and the shop's books beside it."""

    shop: str
    sandbox: str
    books: Books
    post_office: PostOffice

    def order_of(self, payment: dict[str, Any]) -> str:
        query = select(Payment.order_id).where(Payment.id == payment["externalId"])
        found: str = self.books.read(lambda: db.session.scalar(query))
        return found

    def newest_orders(self, count: int) -> list[str]:
        query = select(Order.id).order_by(Order.created_at.desc()).limit(count)
        return list(self.books.read(lambda: db.session.scalars(query).all()))

    def ending(self, order_id: str) -> Ending:
        """When the workers have nothing left to do for it."""
        waiting = select(func.count(OutboxTask.id)).where(
            OutboxTask.order_id == order_id, OutboxTask.done_at.is_(None)
        )
        eventually(lambda: self._status(order_id) != "open", "the order is paid")
        eventually(lambda: self.books.read(lambda: db.session.scalar(waiting)) == 0, "all is done")
        return Ending(
            self._status(order_id),
            tuple(self._count(table, order_id) for table in (Parcel, Download, Credit, Mail)),
            self.post_office.letters[order_id],
        )

    def problems(self, order_id: str) -> list[str | None]:
        query = select(Payment.problem).where(Payment.order_id == order_id)
        return list(self.books.read(lambda: db.session.scalars(query).all()))

    def stock(self, slug: str) -> int:
        query = select(Product.stock).where(Product.slug == slug)
        return int(self.books.read(lambda: db.session.scalar(query)))

    def _status(self, order_id: str) -> str:
        query = select(Order.status).where(Order.id == order_id)
        found: str = self.books.read(lambda: db.session.scalar(query))
        return found

    def _count(self, table: Any, order_id: str) -> int:
        query = select(func.count()).select_from(table).where(table.order_id == order_id)
        return int(self.books.read(lambda: db.session.scalar(query)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """Two workers of the shop with eight threads each, two job workers, sandbox and mail server."""
    folder = tmp_path_factory.mktemp("processes")
    with ExitStack() as stack:
        database_url = f"sqlite:///{folder}/shop.db"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            name = f"processes_{uuid.uuid4().hex[:8]}"
            database_url = stack.enter_context(postgres.database(server, name))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        smtp = run.free_port()
        environment = {
            "BASE_URL": f"http://127.0.0.1:{run.free_port()}",
            "SANDBOX_URL": f"http://127.0.0.1:{run.free_port()}",
            "DATABASE_URL": database_url,
            "JOBS_URL": f"sqlite:///{folder}/jobs.db",
            "SANDBOX_DATABASE_URL": f"sqlite:///{folder}/sandbox.db",
            "SMTP_URL": f"smtp://127.0.0.1:{smtp}",
        }
        for setting, value in environment.items():
            patch.setenv(setting, value)
        settings = config.load()
        prepare_database(settings)
        post_office = PostOffice(fails=False)
        controller = Controller(post_office, hostname="127.0.0.1", port=smtp)
        controller.start()
        stack.callback(controller.stop)
        app = create_app(settings)
        stack.callback(close, app)
        log = folder / "log"
        for command in (
            run.server("sandbox.app", settings.sandbox_url, workers=1),
            run.server("app", settings.base_url, workers=2),
            run.WORKER,
            run.WORKER,
        ):
            stack.callback(stop, children.run(command, environment, log))
        for url in (settings.sandbox_url, settings.base_url):
            eventually(partial(run.answers, url), f"{url} answers")
        yield Servers(settings.base_url, settings.sandbox_url, Books(app), post_office)
        assert_nothing_broke(log)


def stop(process: ForkServerProcess) -> None:
    process.terminate()
    process.join(run.STOP_WITHIN)
    assert process.exitcode == 0


def assert_nothing_broke(log: Path) -> None:
    said = log.read_text()
    assert "Traceback" not in said, said
    assert "locked" not in said, said


def eventually(is_so: Callable[[], Any], what: str) -> None:
    """Poll for a condition; long enough for a webhook that timed out to be found by a sweep."""
    ends = time.monotonic() + 180
    while not is_so():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def at_once(works: list[Callable[[], requests.Response]]) -> list[int]:
    """Each in a thread of its own, let go together; the HTTP status of each, in their order."""
    gate = threading.Barrier(len(works))

    def run_one(work: Callable[[], requests.Response]) -> int:
        gate.wait(20)
        return work().status_code

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run_one, works))


def deliver(servers: Servers, delivery: mintcash.Delivery) -> Callable[[], requests.Response]:
    headers = {**delivery.headers, "Content-Type": "application/json"}
    url = f"{servers.shop}/webhooks/mintcash"
    return partial(requests.post, url, delivery.body, headers=headers, timeout=60)


def test_the_same_webhook_fifty_times_at_once_pays_once(servers: Servers) -> None:
    (payment,) = servers.books.place_order(ONE_OF_EACH)
    before = servers.stock("coffee-bag")

    statuses = at_once([deliver(servers, event(payment, "succeeded"))] * 50)

    assert statuses == [200] * 50
    assert servers.ending(servers.order_of(payment)) == PAID_ONCE
    assert servers.stock("coffee-bag") == before - 1
    seen = select(Delivery.verdict, Delivery.seen).where(
        Delivery.provider_reference == payment["id"]
    )
    assert servers.books.read(lambda: db.session.execute(seen).all()) == [("applied", 50)]


def test_twenty_orders_paid_at_once_wait_for_each_other(servers: Servers) -> None:
    """On SQLite one writes at a time: the others wait, and none is refused."""
    payments = [servers.books.place_order(ONE_OF_EACH)[0] for _ in range(20)]
    before = servers.stock("coffee-bag")

    statuses = at_once([deliver(servers, event(each, "succeeded")) for each in payments])

    assert statuses == [200] * 20
    endings = {servers.ending(servers.order_of(payment)) for payment in payments}
    assert endings == {PAID_ONCE}
    assert servers.stock("coffee-bag") == before - 20


def test_two_payments_of_one_order_at_once_pay_it_once_and_the_second_is_noted(
    servers: Servers,
) -> None:
    first, second = servers.books.place_order(ONE_OF_EACH, attempts=2)
    news = [event(first, "succeeded"), event(second, "succeeded")]
    before = servers.stock("coffee-bag")

    statuses = at_once([deliver(servers, each) for each in news * 10])

    assert statuses == [200] * 20
    order_id = servers.order_of(first)
    assert servers.ending(order_id) == PAID_ONCE
    assert servers.stock("coffee-bag") == before - 1
    noted = [problem for problem in servers.problems(order_id) if problem]
    assert len(noted) == 1
    assert "second payment for one order" in noted[0]


def test_the_signed_return_and_the_webhook_at_once_pay_once(servers: Servers) -> None:
    """WiPay's return is a proof like the webhook; both are held back until they can race."""
    shopper = Shopper(servers.shop, servers.sandbox)
    for slug in ONE_OF_EACH:
        shopper.add(slug)
    page = shopper.check_out("wipay").url
    typed = case_of("wipay").page.pays
    result = shopper.pay(page, "wipay", **typed, fault="close_tab", delivery_fault="drop")
    back = re.search(rf'href="({servers.shop}/orders/[^"]+)"', result.text)
    front = requests.get(servers.sandbox, timeout=20).text
    newest = max(int(each) for each in re.findall(r"/deliveries/(\d+)/send", front))
    assert back

    webhook = f"{servers.sandbox}/deliveries/{newest}/send"
    come_back = partial(requests.get, unescape(back.group(1)), timeout=60)
    statuses = at_once([partial(requests.post, webhook, timeout=60), *[come_back] * 10])

    assert statuses == [200] * 11
    (order_id,) = servers.newest_orders(1)
    assert servers.ending(order_id) == PAID_ONCE
    assert servers.problems(order_id) == [None]


@pytest.mark.parametrize("provider", ["mintcash", "request_network"])
def test_a_webhook_before_the_reply_to_our_call_is_stored_pays_once(
    servers: Servers, provider: str
) -> None:
    """MintCash's webhook names our reference; Request Network's is parked until theirs is known.

    Whichever process takes the webhook while the other, or the same, still waits for the reply.
    """
    shoppers = [Shopper(servers.shop, servers.sandbox) for _ in range(8)]
    for shopper in shoppers:
        for slug in ONE_OF_EACH:
            shopper.add(slug)
    faults = f"{servers.sandbox}/control/faults"
    requests.post(faults, json={"create_fault": "early_webhook", "create_calls": 8}, timeout=20)

    statuses = at_once([partial(press_until_it_works, each, provider) for each in shoppers])

    assert statuses == [200] * 8
    endings = {servers.ending(order_id) for order_id in servers.newest_orders(8)}
    assert endings == {PAID_ONCE}


def press_until_it_works(shopper: Shopper, provider: str) -> requests.Response:
    """One process lets three calls to a provider wait; a fourth shopper is asked to try again."""
    for _ in range(20):
        answer = shopper.check_out(provider)
        if answer.status_code != 502:
            break
    return answer


def test_webhooks_that_come_steadily_are_all_acknowledged_and_their_orders_paid() -> None:
    """N6, for a moment; how fast is for ``make bench`` to say."""
    options = ["--rows", "steady", "--database", "sqlite", "--rate", "20", "--steady-seconds", "2"]

    ended = subprocess.run(
        [sys.executable, "-m", "tools.bench", *options], capture_output=True, text=True, timeout=110
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "99 of 100 within" in ended.stdout
