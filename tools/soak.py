"""Killed anywhere: many purchases, with everything going wrong, and then an audit: ``make soak``.

Runs shop, job workers and sandbox as processes of their own and lets shoppers buy from all
providers over real HTTP, while webhooks are lost, doubled, delayed, reordered and forged, providers
fail and hang, money leaves again at their side, and processes are killed by SIGKILL. In the end
nothing fails any more; when all has come to rest, ``audit`` compares the sandbox's ledger with the
shop's books.
"""

import argparse
import json
import logging
import os
import random
import re
import secrets
import signal
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any

import requests
from aiosmtpd.controller import Controller
from requests.adapters import HTTPAdapter
from sqlalchemy import create_engine, func, select, update
from urllib3.util import Retry

import config
from catalogue import PRODUCTS
from models import OutboxTask, Payment, Product
from providers import configured_providers
from tests.providers import case_of
from tools import postgres, run
from tools.audit import Books, Violation, audit, read_shop
from tools.merchant import Merchant
from tools.migrate import prepare_database
from tools.shopper import Shopper, direct_session
from views.shop import CURRENCIES

SHOPPERS = 12  # at once
JOB_WORKERS = 2
BETWEEN_KILLS = 6.0  # seconds, on average; less in a run of less than half a minute
PATIENCE = 120.0  # seconds for everything to come to rest, and more where there was much to do

#: How people behave, and how many of a hundred.
HABITS = {
    "pays": 34,
    "closes the tab": 12,
    "presses twice": 10,
    "comes back twice": 8,
    "pays elsewhere after leaving": 8,
    "pays on two pages": 6,
    "changes the cart": 6,
    "pays in two parts": 4,
    "card is declined": 5,
    "cancels": 4,
    "abandons": 3,
}

#: What is set on the provider's page, and how often. See sandbox/faults.py.
PAYMENT_FAULTS = {
    "none": 72,
    "three_d_secure": 6,
    "pay_late": 8,
    "pay_twice": 6,
    "expire": 4,
    "other_currency": 4,
}
DELIVERY_FAULTS = {
    "none": 30,
    "overtaken": 4,
    "no_amount": 3,
    "null_amount": 3,
    "drop": 14,
    "duplicate": 10,
    "delay": 10,
    "reorder": 8,
    "tamper": 8,
    "replay_other_order": 4,
    "wrong_environment": 2,
    "wrong_amount": 2,
    "wrong_currency": 2,
}
CREATE_FAULTS = {
    "none": 72,
    "early_webhook": 6,
    "timeout_after": 4,
    "timeout_before": 3,
    "500": 3,
    "502": 3,
    "503": 3,
    "html": 3,
    "401": 1,
    "foreign_redirect": 2,
}


def main() -> int:
    arguments = _arguments()
    # That processes are gone for a while is what this is about; the progress stays readable.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    print(f"Seed {arguments.seed}: the same one plans the same purchases and kills.")  # noqa: T201
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        report = soak(arguments)
    except KeyboardInterrupt:
        print("\nStopped before the audit.", file=sys.stderr)  # noqa: T201
        return 130
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    _say(report)
    print(f"Written to {arguments.report}")  # noqa: T201
    return 1 if report["violations"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="A seed decides what every shopper does, every fault, and who is killed when; how "
        "the processes interleave is up to the machine, so two runs with one seed are alike, not "
        "equal. Ctrl-C stops the shoppers; what was done by then is audited.",
    )
    add = parser.add_argument
    add("--purchases", type=int, default=300, help="how many (default: 300)")
    add("--minutes", type=float, default=3, help="to spread them over, at least (default: 3)")
    add("--seed", type=int, default=secrets.randbelow(10**6), help="default: a random one")
    add("--database", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    add("--report", type=Path, default=Path("build/soak.json"), help="default: build/soak.json")
    return parser.parse_args()


def soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """All of it; returns the report."""
    log = arguments.report.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with _world(arguments.database, log) as world:
        plan = make_plan(arguments.seed, arguments.purchases, world.settings)
        world.restock(plan)
        rush = Rush(world, plan, arguments.seed, arguments.minutes * 60)
        rush.start()
        ended = world.ended_by_themselves()
        print("Everybody has shopped. Now all that is owed is done …", flush=True)  # noqa: T201
        rested_after = world.come_to_rest(PATIENCE + len(plan) / 20)
        books = world.books()
        return {
            "seed": arguments.seed,
            "database": arguments.database,
            "purchases": rush.done,
            "seconds": round(rush.seconds, 1),
            "purchases_per_second": round(rush.done / rush.seconds, 2),
            "rested_after_seconds": rested_after and round(rested_after, 1),
            "orders": outcomes(books),
            "without_order": dict(rush.without_order),
            "kills": dict(rush.kills),
            "happenings": dict(rush.merchant.happened),
            "faults": dict(sorted(rush.faults.items())),
            "payments": {
                "taken": len(books.taken),
                "noted for a person": sum(bool(payment.problem) for payment in books.payments),
                "given back": sum(payment.refunded > 0 for payment in books.payments),
            },
            "receipts": {
                "sent": len(books.letters),
                "sent again": books.letters.total() - len(books.letters),
            },
            "answers_500": dict(rush.answers_500),
            "violations": [asdict(each) for each in _judge(books, rested_after, ended)],
        }


def _judge(books: Books, rested_after: float | None, ended: list[str]) -> list[Violation]:
    found = audit(books)
    if rested_after is None:
        found.append(Violation("everything_comes_to_rest", "the shop", "is still at work"))
    found += [Violation("nothing_ends_by_itself", name, "ended, see the log") for name in ended]
    return found


# ------------------------------------------------------------------ the plan


@dataclass(frozen=True)
class Purchase:
    """What one shopper will do; ``starts`` is a share of the whole time."""

    number: int
    starts: float
    currency: str
    cart: dict[str, int]
    provider: str
    other: str  # a second provider, for those who change their minds
    habit: str
    fault: str
    delivery_fault: str
    create_fault: str


def make_plan(seed: int, purchases: int, settings: config.Settings) -> list[Purchase]:
    """The same for the same seed."""
    takes = {
        name: each.capabilities.currencies for name, each in configured_providers(settings).items()
    }
    goods = [each["slug"] for each in json.loads(PRODUCTS.read_text("utf-8"))["products"]]
    chance = random.Random(seed)  # noqa: S311  # nothing here is a secret

    def one_of(weights: dict[str, int]) -> str:
        return chance.choices(list(weights), list(weights.values()))[0]

    starts = sorted(chance.random() for _ in range(purchases))
    plan = []
    for number, start in enumerate(starts, 1):
        provider = chance.choice(list(takes))
        currency = chance.choice([each for each in takes[provider] if each in CURRENCIES])
        fault = one_of(PAYMENT_FAULTS)
        plan.append(
            Purchase(
                number,
                start,
                currency,
                {slug: chance.randint(1, 2) for slug in chance.sample(goods, chance.randint(1, 3))},
                provider,
                chance.choice([name for name in takes if currency in takes[name]]),
                one_of(HABITS),
                fault,
                one_of(DELIVERY_FAULTS),
                one_of(CREATE_FAULTS),
            )
        )
    return plan


@dataclass(frozen=True)
class Kill:
    """Who is killed ``pause`` seconds after the last; ``chance`` decides the rest."""

    pause: float
    target: str
    chance: random.Random


def plan_of_kills(seed: int, targets: list[str], between: float) -> Iterator[Kill]:
    """Without end; each target once in every round."""
    chance = random.Random(f"kills {seed}")  # noqa: S311
    while True:
        for target in chance.sample(targets, len(targets)):
            pause = chance.uniform(0.5, 1.5) * between
            yield Kill(pause, target, random.Random(chance.random()))  # noqa: S311


# ------------------------------------------------------------------ the shoppers


class Customer(Shopper):
    """Somebody who does what is planned, and is not put off by a shop that does not answer."""

    def __init__(self, world: "World", purchase: Purchase, pause: float) -> None:
        super().__init__(world.settings.base_url, world.settings.sandbox_url)
        self.purchase, self.pause = purchase, pause
        self.answers_500: Counter[str] = Counter()
        self.chance = random.Random(f"{purchase}")  # noqa: S311
        again = Retry(
            total=8,
            status_forcelist=(503,),
            allowed_methods=None,  # who presses a button and sees an error presses it again
            backoff_factor=0.1,
            backoff_max=2,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        self.http.mount("http://", HTTPAdapter(max_retries=again))
        self.http.hooks["response"].append(self._count)

    def shop_around(self) -> str | None:
        """Buy, or not; returns why there was nothing to pay, if so."""
        purchase = self.purchase
        self.fill_in(f"{self.shop}/", "/currency", currency=purchase.currency)
        added = []
        for slug, quantity in purchase.cart.items():
            self.think()
            added.append(self.add(slug, quantity).status_code)
        if 200 not in added:
            return "sold out"
        if purchase.create_fault != "none":  # it strikes whoever asks for a page next
            faults = f"{self.sandbox}/control/faults"
            self.post(faults, create_fault=purchase.create_fault, create_calls="1")
        self.think()
        page = self.leave_to_pay(purchase.provider)
        if page is None:
            return "no page"
        self.think()
        self.behave(page)
        return None

    def leave_to_pay(self, provider: str) -> str | None:
        """The provider's page; None when there is none, although asked for twice."""
        for _ in range(2):
            answer = self.check_out(provider, email=f"shopper-{self.purchase.number}@example.com")
            if answer.status_code == 200:
                return answer.url if answer.url.startswith(self.sandbox) else None
            self.think()
        return None

    def behave(self, page: str) -> None:
        """On the page: what the habit says."""
        purchase = self.purchase
        provider, other = purchase.provider, purchase.other
        part = case_of(provider).page.pays_a_part
        match purchase.habit:
            case "abandons":
                self.get(page)
            case "cancels":
                self.cancel(page)
            case "card is declined":
                self.pay_there(page, provider, declined=True)
            case "closes the tab":
                self.pay_there(page, provider, fault="close_tab")
            case "presses twice":
                with ThreadPoolExecutor(2) as hands:
                    list(hands.map(lambda _: self.pay_there(page, provider), range(2)))
            case "comes back twice":
                answer = self.pay_there(page, provider)
                came_by = [each.url for each in answer.history if "/return/" in each.url]
                for url in came_by * 2:
                    self.get(url)
            case "pays elsewhere after leaving":
                self.leave_and_pay_elsewhere(other)
            case "pays on two pages":
                self.leave_and_pay_elsewhere(other)
                self.pay_there(page, provider)
            case "changes the cart":
                self.change_cart_and_pay(page)
            case "pays in two parts" if part:
                self.pay_there(page, provider, False, **part)
                self.think()
                self.pay_there(page, provider)
            case _:
                self.pay_there(page, provider)

    def leave_and_pay_elsewhere(self, provider: str) -> None:
        """Back to the checkout, and another card is chosen: the same order, another payment."""
        page = self.leave_to_pay(provider)
        if page:
            self.pay_there(page, provider)

    def change_cart_and_pay(self, page: str) -> None:
        """The new cart's page is paid, and half the time the old one's as well, in any order."""
        self.add("cookbook")
        new = self.leave_to_pay(self.purchase.other)
        pages = [(new, self.purchase.other)]
        if self.chance.random() < 0.5:
            pages.insert(self.chance.randint(0, 1), (page, self.purchase.provider))
        for each, provider in pages:
            if each:
                self.pay_there(each, provider)

    def pay_there(
        self, page: str, provider: str, declined: bool = False, **typed: str
    ) -> requests.Response:
        hosted = case_of(provider).page
        usual = (hosted.declines if declined else None) or hosted.pays
        faults = {"fault": self.purchase.fault, "delivery_fault": self.purchase.delivery_fault}
        return self.pay(page, provider, **{**faults, **usual, **typed})

    def think(self) -> None:
        time.sleep(self.chance.uniform(0, self.pause))

    def _count(self, response: requests.Response, *_: object, **__: object) -> None:
        if response.status_code == 500:
            self.answers_500[f"{response.request.method} {response.url}"] += 1


class Rush:
    """All shoppers, and the killer among the processes."""

    def __init__(self, world: "World", plan: list[Purchase], seed: int, seconds: float) -> None:
        self.world, self.plan, self.planned_seconds = world, plan, seconds
        between = min(BETWEEN_KILLS, seconds / (2 * len(world.targets)))
        self.kills_to_come = plan_of_kills(seed, world.targets, between)
        #: Shoppers think as long as there is time for.
        self.pause = min(1.0, 4 * seconds / max(1, len(plan)))
        self.merchant = Merchant(world.settings.sandbox_url, seed)
        self.over, self.interrupted = threading.Event(), False
        self.lock = threading.Lock()
        self.seconds, self.done = 0.0, 0
        self.answers_500: Counter[str] = Counter()
        self.without_order: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def start(self) -> None:
        """Until everybody has shopped; Ctrl-C ends it earlier."""
        self.started = time.monotonic()
        killer = threading.Thread(target=self._kill_now_and_then)
        merchant = threading.Thread(target=self.merchant.work, args=(self.over,))
        for thread in (killer, merchant):
            thread.start()
        with ThreadPoolExecutor(SHOPPERS) as pool:
            futures = [pool.submit(self._shop, purchase) for purchase in self.plan]
            with self._noting_interrupts():
                self._show_progress(futures)
            if self.interrupted:
                print("\nStopping; what was done so far is audited.")  # noqa: T201
                pool.shutdown(cancel_futures=True, wait=False)
            self.over.set()
        self.seconds = time.monotonic() - self.started
        for thread in (killer, merchant):
            thread.join()
        for future in futures:
            if not future.cancelled():
                future.result()

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Ctrl-C is noted, not raised: raised while locks of futures are held, it keeps them."""

        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True

        before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _shop(self, purchase: Purchase) -> None:
        starts = purchase.starts * self.planned_seconds
        if self.over.wait(max(0.0, starts - (time.monotonic() - self.started))):
            return
        customer = Customer(self.world, purchase, self.pause)
        try:
            went_without = customer.shop_around()
        except requests.RequestException as error:
            went_without = f"gave up: {type(error).__name__}"
        with self.lock:
            self.done += 1
            self.answers_500 += customer.answers_500
            if went_without:
                self.without_order[went_without] += 1
            for kind in ("fault", "delivery_fault", "create_fault"):
                if getattr(purchase, kind) != "none":
                    self.faults[getattr(purchase, kind)] += 1

    def _kill_now_and_then(self) -> None:
        for number, kill in enumerate(self.kills_to_come):
            over = self.over.wait(kill.pause)
            if over and (self.interrupted or number >= len(self.world.targets)):
                return  # but even in a short run each is killed once
            self.world.kill(kill.target, kill.chance)
            self.kills[kill.target] += 1
            self.world.wait_until_it_answers()  # or a slow machine would never sell anything

    def _show_progress(self, futures: list[Future[None]]) -> None:
        """One line that is written over, or on no terminal a line now and then."""
        every, end = (0.2, "\r") if sys.stdout.isatty() else (5.0, "\n")
        shown = -every
        while not self.interrupted and not all(future.done() for future in futures):
            time.sleep(0.1)
            if time.monotonic() - self.started - shown < every:
                continue
            shown = time.monotonic() - self.started
            part = self.done / len(self.plan)
            bar = "#" * int(30 * part)
            seconds = int(time.monotonic() - self.started)
            counts = f"{self.done}/{len(self.plan)} purchases, {self.kills.total()} kills"
            line = f"[{bar:<30}] {counts}, {seconds // 60}:{seconds % 60:02}  "
            print(line, end=end, flush=True)  # noqa: T201
        print()  # noqa: T201


# ------------------------------------------------------------------ the processes


@dataclass
class PostOffice:
    """A mail server that counts what it takes; now and then it is too busy to say so."""

    letters: Counter[str] = field(default_factory=Counter)
    fails: bool = True

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        found = re.search(rb"Message-ID: <receipt\.([0-9a-f]+)@", envelope.content)
        self.letters[found[1].decode() if found else "unknown"] += 1
        lost = self.fails and self.letters.total() % 10 == 0  # it is taken, and nobody knows
        return "451 busy" if lost else "250 taken"


class World:
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
        """Whoever should be running, and is not."""
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
def _world(database: str, log: Path) -> Iterator[World]:
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
        world = World(settings, server, stack.enter_context(log.open("wb")))
        stack.callback(world.engine.dispose)
        controller = Controller(world.post_office, hostname="127.0.0.1", port=smtp)
        controller.start()
        stack.callback(controller.stop)
        stack.callback(lambda: world.stop(*world.children))
        world.start(*world.commands)
        world.wait_until_it_answers()
        yield world


def _children_of(pid: int) -> list[int]:
    """The processes that this one has started, as Linux tells them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = stat.read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(stat.parent.name))
    return found


# ------------------------------------------------------------------ the report


def outcomes(books: Books) -> dict[str, dict[str, int]]:
    """By provider: how many orders ended in which way."""
    found: dict[str, Counter[str]] = {}
    attempts: dict[str, list[Payment]] = {order.id: [] for order in books.orders}
    for each in sorted(books.payments, key=lambda payment: payment.attempt):
        attempts[each.order_id].append(each)
    for order in books.orders:
        last = attempts[order.id][-1] if attempts[order.id] else None
        payment = next((each for each in attempts[order.id] if each.id == order.paid_by), last)
        word = order.status
        if order.status == "held":
            word = f"held for {order.held_code}"
        elif order.status == "open" and payment:
            word = payment.status
        found.setdefault(payment.provider if payment else "none", Counter())[word] += 1
    return {name: dict(counts) for name, counts in sorted(found.items())}


def _say(report: dict[str, Any]) -> None:
    rest = report["rested_after_seconds"]
    print(  # noqa: T201
        f"\n{report['purchases']} purchases in {report['seconds']} s, "
        f"{report['purchases_per_second']} a second, on {report['database']}; "
        f"{f'at rest after {rest} s more' if rest else 'and never at rest'}\n"
    )
    for name, counts in report["orders"].items():
        _say_counts(name, counts)
    for title in (
        "payments",
        "without_order",
        "kills",
        "happenings",
        "faults",
        "receipts",
        "answers_500",
    ):
        _say_counts(title.replace("_", " "), report[title])
    violations = report["violations"]
    for each in violations:
        print(f"  {each['rule']}: {each['about']} {each['reason']}")  # noqa: T201
    print(f"\n{len(violations)} violations, seed {report['seed']}.")  # noqa: T201


def _say_counts(title: str, counts: dict[str, int]) -> None:
    """The most frequent first, on as many lines as it takes."""
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    words = ", ".join(
        f"{count} {name}".replace(" ", "\N{NO-BREAK SPACE}") for name, count in ordered
    )
    indent = " " * 18
    text = textwrap.fill(words or "none", 96, initial_indent=indent, subsequent_indent=indent)
    print(f"  {title:<16}{text[18:]}".replace("\N{NO-BREAK SPACE}", " "))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
