"""Shop, job workers, sandbox, mail server and database, with what can be done to them."""

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, func, select, update

import config
from models import OutboxTask, Payment, Product
from tools import postgres, run
from tools.audit import Books, read_shop
from tools.migrate import prepare_database
from tools.shopper import direct_session
from tools.soak.mail import PostOffice
from tools.soak.plan import Purchase

JOB_WORKERS = 2


class Processes:
    """Shop, job workers, sandbox, mail server and database, with what can be done to them."""

    def __init__(
        self, settings: config.Settings, server: postgres.Server | None, log: IO[bytes]
    ) -> None:
        self.settings, self.server, self.log = settings, server, log
        self.post_office = PostOffice()
        self.engine = create_engine(settings.database_url.get_secret_value(), pool_pre_ping=True)
        self.stock: dict[int, int | None] = {}
        self.workers = [f"worker {number}" for number in range(1, JOB_WORKERS + 1)]
        self.commands = {
            "sandbox": run.server("sandbox.app", settings.sandbox_url, workers=1),
            "shop": run.server("app", settings.base_url, workers=2),
            **dict.fromkeys(self.workers, run.WORKER),
        }
        self.children: run.Children = {}
        self.http = direct_session()
        self.targets = [
            "shop worker",
            "shop",
            "job worker",
            "sandbox",
            *["database"] * bool(server),
        ]

    def start(self, *names: str) -> None:
        for name in names:
            self.children[name] = run.start(self.commands[name], self.log)

    def stop(self, *names: str) -> None:
        run.stop({name: self.children[name] for name in names})

    def ended_by_themselves(self) -> list[str]:
        """The processes that should be running, and are not."""
        return [name for name, child in self.children.items() if child.poll() is not None]

    def wait_until_it_answers(self) -> None:
        ends = time.monotonic() + run.START_WITHIN
        for url in (self.settings.sandbox_url, self.settings.base_url):
            while not run.answers(url):
                if time.monotonic() > ends:
                    raise SystemExit(f"{url} does not answer; {self.log.name} may say why.")
                time.sleep(0.05)

    def kill(self, target: str, chance: random.Random) -> None:
        """By SIGKILL, and start it again after a moment; the database is restarted."""
        if target == "database" and self.server:
            self.server.restart(chance.choice(("fast", "immediate")))
            return
        pids = _children_of(self.children["shop"].pid)
        if target == "shop worker" and pids:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)
            return  # its master starts another
        name = {"shop worker": "shop", "job worker": chance.choice(self.workers)}.get(
            target, target
        )
        self.children[name].kill()
        time.sleep(chance.uniform(0, 1.5))
        with suppress(ProcessLookupError):  # what is left of it, as an init system would
            os.killpg(self.children[name].pid, signal.SIGKILL)
        self.children[name].wait()
        self.start(name)

    def restock(self, plan: list[Purchase]) -> None:
        """Twice what is planned of everything, so that only the vases run out."""
        wanted: Counter[str] = Counter()
        for purchase in plan:
            wanted.update(purchase.cart)
        with self.engine.begin() as connection:
            for slug in wanted:
                stock = wanted[slug] // 2 if slug == "bud-vase" else 2 * wanted[slug]
                limited = (Product.slug == slug, Product.stock.is_not(None))
                connection.execute(update(Product).where(*limited).values(stock=stock))
            rows = connection.execute(select(Product.id, Product.stock))
            self.stock = {product_id: stock for product_id, stock in rows}

    def come_to_rest(self, patience: float) -> float | None:
        """No more faults; skip the waiting, let everything be done, and stop.

        Returns the seconds it took, None when ``patience`` was not enough. What is skipped is time
        only: the sandbox's clock is put forward, and what the shop has booked for later is due.
        """
        started = time.monotonic()
        self.post_office.fails = False
        self.wait_until_it_answers()
        sandbox = self.settings.sandbox_url
        self.http.post(f"{sandbox}/control/faults", json={"create_fault": "none"}, timeout=20)
        while self._ledger_page(0)["waiting"]:
            self.http.post(f"{sandbox}/control/clock", json={"advance": 100_000}, timeout=20)
            time.sleep(0.2)
            if time.monotonic() - started > patience:
                return None
        self.stop(*self.workers)
        everything = datetime.now(UTC)
        with self.engine.begin() as connection:
            checks = update(Payment).where(Payment.next_check_at.is_not(None))
            connection.execute(checks.values(next_check_at=everything))
        while self._undone(everything):
            with self.engine.begin() as connection:
                tasks = update(OutboxTask).where(OutboxTask.done_at.is_(None))
                connection.execute(tasks.values(due_at=everything))
            self.start(*self.workers)  # each begins with a sweep
            soon = time.monotonic() + 10
            while self._undone(everything) and time.monotonic() < soon:
                time.sleep(0.1)
            self.stop(*self.workers)  # each finishes what it has begun
            if time.monotonic() - started > patience:
                return None
        self.stop("shop")
        return time.monotonic() - started

    def _undone(self, since: datetime) -> int:
        """How many payments are still to be checked, and tasks to be done."""
        checks = select(func.count(Payment.id)).where(Payment.next_check_at <= since)
        waiting = (OutboxTask.done_at.is_(None), OutboxTask.parked.is_(False))
        tasks = select(func.count(OutboxTask.id)).where(*waiting)
        with self.engine.connect() as connection:
            return (connection.scalar(checks) or 0) + (connection.scalar(tasks) or 0)

    def books(self) -> Books:
        return Books(self._ledger(), self.stock, self.post_office.letters, **read_shop(self.engine))

    def _ledger(self) -> list[dict[str, Any]]:
        found, after = [], 0
        while after is not None:
            page = self._ledger_page(after)
            found += page["payments"]
            after = page["next"]
        return found

    def _ledger_page(self, after: int) -> dict[str, Any]:
        url = f"{self.settings.sandbox_url}/ledger.json"
        answer: dict[str, Any] = self.http.get(url, params={"after": after}, timeout=20).json()
        return answer


@contextmanager
def running(database: str, log: Path) -> Iterator[Processes]:
    """Everything on free ports with fresh databases, running; all of it ends with the context."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(postgres.server()) if database == "postgresql" else None
        smtp = run.free_port()
        os.environ.update(
            PAYMENT_ENVIRONMENT="sandbox",
            BASE_URL=f"http://127.0.0.1:{run.free_port()}",
            SANDBOX_URL=f"http://127.0.0.1:{run.free_port()}",
            DATABASE_URL=server.url if server else config.sqlite_url(Path(folder) / "shop.db"),
            JOBS_URL=config.sqlite_url(Path(folder) / "jobs.db"),
            SANDBOX_DATABASE_URL=config.sqlite_url(Path(folder) / "sandbox.db"),
            SMTP_URL=f"smtp://127.0.0.1:{smtp}",
            PAYMENT_MINUTES="1",
            LEASE_SECONDS="5",
            SANDBOX_CLOCK_SPEED="20",
            SANDBOX_HANG_SECONDS="6",
        )
        settings = config.load()
        prepare_database(settings)
        processes = Processes(settings, server, stack.enter_context(log.open("wb")))
        stack.callback(processes.engine.dispose)
        controller = Controller(processes.post_office, hostname="127.0.0.1", port=smtp)
        controller.start()
        stack.callback(controller.stop)
        stack.callback(lambda: processes.stop(*processes.children))
        processes.start(*processes.commands)
        processes.wait_until_it_answers()
        yield processes


def _children_of(pid: int) -> list[int]:
    """The processes that this one has started, as Linux tells them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = stat.read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(stat.parent.name))
    return found
