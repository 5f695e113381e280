"""One world in one process: shop, sandbox, mail server and clock, which move only when told."""

import copy
import hashlib
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import requests
import time_machine
from aiosmtpd.controller import Controller
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import bindparam, func, select

import config
import database
import fulfilment
import jobs
from app import create_app
from catalogue import fill_shelf
from database import db
from models import OutboxTask, Payment, Product
from payments import attempts
from providers import EXAMPLES
from sandbox import config as sandbox_config
from sandbox import deliveries
from sandbox.app import create_app as create_sandbox
from sandbox.models import db as sandbox_db
from tools import run
from tools.audit import Books, read_shop
from tools.explore.browser import Browser
from tools.explore.chance import Chance
from tools.explore.databases import Connections, Database, Sqlite
from tools.explore.memory import no_settings_of_this_machine, start_process
from tools.explore.points import Killed, acting, reach
from tools.explore.wire import SANDBOX, SHOP, Wire
from tools.soak.mail import PostOffice

BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
#: So long after the last move every check has been made, and every page is over.
IN_THE_END = timedelta(hours=30)


@dataclass
class Snapshot:
    """All that outlives a process, at one moment."""

    shop: Any
    sandbox: bytes
    moment: float
    chance: object
    letters: Counter[str]
    notes: dict[str, Any]


class World:
    """The shop on ``database``, and everything that it talks to.

    ``notes``: what scenarios remember between their moves; the browser keeps its cookies there.
    """

    def __init__(self, database_: Database, folder: Path, stack: ExitStack) -> None:
        self.database, self.sandbox_file = database_, Sqlite(folder / "sandbox.db")
        self.notes: dict[str, Any] = {}
        self.post_office = PostOffice(fails=False)
        self.dead, self.killed, self.shopper_saw_it = False, 0, False
        self.when_killed: Callable[[], None] = lambda: None
        self.when_restarted: Callable[[], None] = lambda: None
        self.errors: list[str] = []  # answers 500, and what a worker could not do
        #: Answers that must not come; on PostgreSQL two that wait for each other end with 503.
        self.broken = (500, 503) if isinstance(database_, Sqlite) else (500,)
        self._thread = threading.local()
        stack.enter_context(no_settings_of_this_machine())
        self.chance = Chance("explore")
        stack.enter_context(self.chance.everywhere())
        self.clock = stack.enter_context(time_machine.travel(BEGINNING, tick=False))
        told = bindparam("told", callable_=database.now, type_=database.UtcDateTime())
        stack.enter_context(patch.dict(database.CLOCKS, sqlite=told, postgresql=told))
        for module in (attempts, deliveries):
            stack.enter_context(patch.object(module, "time", self._patient_time()))
        stack.enter_context(patch.object(fulfilment, "send_letter", self._send_letter))
        smtp = run.free_port()
        mail = Controller(self.post_office, hostname="127.0.0.1", port=smtp)
        mail.start()
        stack.callback(mail.stop)
        self.shop = self._open_shop(folder, smtp, stack)
        self._configured = self.shop.extensions["providers"]
        self.sandbox = self._open_sandbox()
        wire = Wire(self._passes)
        wire.apps = {SHOP: self.shop, SANDBOX: self.sandbox}
        stack.enter_context(patch.object(requests.Session, "get_adapter", lambda *_, **__: wire))
        self.browser = Browser(self)
        with self.shop.app_context():
            self.connections = Connections(db.engine, lambda: self.dead)
        self.count_stock()

    # ------------------------------------------------------------------ opened once

    def _open_shop(self, folder: Path, smtp: int, stack: ExitStack) -> Flask:
        settings = config.load(
            payment_environment="sandbox",
            base_url=SHOP,
            sandbox_url=SANDBOX,
            database_url=self.database.url,
            jobs_url=f"sqlite:///{folder}/jobs.db",
            smtp_url=f"smtp://127.0.0.1:{smtp}",
            providers_extra=",".join(EXAMPLES),
        )
        shop = create_app(settings)
        with shop.app_context():
            upgrade()
            fill_shelf()
        logging.disable(logging.CRITICAL)  # it would say of each death that something is wrong
        stack.callback(logging.disable, logging.NOTSET)
        stack.callback(setattr, sys, "excepthook", sys.__excepthook__)  # see logs.py
        start_process(shop)
        return shop

    def _open_sandbox(self) -> Flask:
        settings = sandbox_config.load(
            base_url=SHOP,
            sandbox_url=SANDBOX,
            sandbox_database_url=self.sandbox_file.url,
            sandbox_deliver=False,
            sandbox_hang_seconds=0,
        )
        return create_sandbox(settings)

    # ------------------------------------------------------------------ remembered, put back

    def remember(self) -> Snapshot:
        return Snapshot(
            self.database.snapshot(),
            self.sandbox_file.snapshot(),
            database.now().timestamp(),
            self.chance.state,
            Counter(self.post_office.letters),
            copy.deepcopy(self.notes),
        )

    def put_back(self, memory: Snapshot) -> None:
        self.restart()
        with self.sandbox.app_context():
            sandbox_db.engine.dispose()
        self.database.restore(memory.shop)
        self.sandbox_file.restore(memory.sandbox)
        self.clock.move_to(memory.moment)
        self.chance.state = memory.chance
        self.post_office.letters.clear()
        self.post_office.letters.update(memory.letters)
        self.notes = copy.deepcopy(memory.notes)
        self.configure()
        self.errors, self.killed, self.shopper_saw_it = [], 0, False

    def fingerprint(self) -> str:
        """Of all that outlives a process: equal where the same must follow."""
        known = (
            self.database.rows(),
            self.sandbox_file.rows(),
            sorted(self.post_office.letters.items()),
            sorted((key, repr(value)) for key, value in self.notes.items()),
        )
        return hashlib.sha256(repr(known).encode()).hexdigest()

    # ------------------------------------------------------------------ killed, started again

    def kill(self) -> None:
        """The shop's process is gone, and with it its connections; nothing is rolled back by us.

        :raise Killed: always.
        """
        self.dead = True
        self.killed += 1
        self.connections.drop()
        self.when_killed()
        raise Killed

    def restart(self) -> None:
        """A new process of the shop."""
        with acting(None), self.shop.app_context():
            self.connections.drop()
            db.engine.dispose()
        start_process(self.shop)
        self.dead = False

    # ------------------------------------------------------------------ moves

    def work(self, task: Callable[[], object] = jobs.sweep) -> None:
        """A worker of the shop's: by default all that is due now, as each minute."""
        try:
            with self._runs("work"), self.shop.app_context():
                task()
                reach("answer", "the worker rests")
        except Exception as error:  # noqa: BLE001  # shown as a violation
            if not self.dead:
                self.errors.append(f"{type(error).__name__}: {error}")
        except Killed:
            pass
        if self.dead:
            self.restart()
            self.when_restarted()

    def deliver(self, at_most: int = 1000) -> None:
        """The sandbox sends what it has to say, and what is due in it happens."""
        for _ in range(at_most):
            if not self.sandbox.extensions["background"].work():
                break

    def configure(self) -> None:
        """The providers' accounts, with the changes that ``notes["accounts"]`` names; the mail."""
        self.post_office.takes_files = "no files by mail" not in self.notes
        changes = self.notes.get("accounts", {})
        self.shop.extensions["providers"] = {
            name: replace(each, account=replace(each.account, **changes.get(name, {})))
            for name, each in self._configured.items()
        }

    def wait(self, **time: float) -> None:
        self.clock.shift(timedelta(**time))

    def settle(self) -> None:
        """Time passes until nothing is due: webhooks, pauses, leases, checks, pages."""
        with acting(None):
            self.deliver()
            self.work()
            for pause in (timedelta(minutes=2), timedelta(hours=2), IN_THE_END, IN_THE_END):
                self.clock.shift(pause)
                for _ in range(20):
                    self.deliver()
                    self.work()
                    if not self._is_due():
                        break
                    self.clock.shift(timedelta(minutes=2))

    def _is_due(self) -> bool:
        """Work of the shop's that a sweep could do within the next minutes."""
        soon = database.now() + timedelta(minutes=2)
        with self.shop.app_context():
            tasks = select(func.count(OutboxTask.id)).where(
                OutboxTask.done_at.is_(None), OutboxTask.parked.is_(False)
            )
            checks = select(func.count(Payment.id)).where(Payment.next_check_at <= soon)
            return bool(db.session.scalar(tasks)) or bool(db.session.scalar(checks))

    def books(self) -> Books:
        with acting(None), self.shop.app_context():
            shop = read_shop(db.engine)
        return Books(self.ledger(), self.notes["stock"], self.post_office.letters, **shop)

    def ledger(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.browser.get(f"{SANDBOX}/ledger.json?after={after}").json()
            found, after = found + page["payments"], page["next"]
        return found

    def count_stock(self) -> None:
        """Of each product: the audit compares what is sold with what was there."""
        with self.shop.app_context():
            found = db.session.execute(select(Product.id, Product.stock))
            self.notes["stock"] = {product_id: stock for product_id, stock in found}

    # ------------------------------------------------------------------ what the shop reaches

    def _passes(self, name: str, call: str, answer: Callable[[], Any]) -> Any:
        if name == "shop":
            return self._visited(call, answer)
        return self._asked(call, answer) if self.under_way else answer()

    @property
    def under_way(self) -> list[str]:
        """What the shop does in this thread; a request can make another one come."""
        found: list[str] = self._thread.__dict__.setdefault("under_way", [])
        return found

    @contextmanager
    def _runs(self, what: str) -> Iterator[None]:
        self.under_way.append(what)
        try:
            yield
        finally:
            self.under_way.pop()

    def _asked(self, call: str, answer: Callable[[], Any]) -> Any:
        reach("call", call)
        if self.notes.get("providers are away"):
            raise requests.ConnectionError("no connection")
        found = answer()
        if self.dead:
            raise Killed
        lost = self.notes.get("lost answer")
        if lost and lost in call:
            del self.notes["lost answer"]
            raise requests.ConnectionError("the answer is lost")
        return found

    def _visited(self, call: str, answer: Callable[[], Any]) -> Any:
        try:
            with self._runs(call):
                found = answer()
                reach("answer", f"the answer to {call}")
            if found.status_code in self.broken and not self.dead:
                self.errors.append(f"{call} was answered {found.status_code}")
        except Killed:
            pass
        if self.dead:
            if not self.under_way:
                self.restart()
                self.when_restarted()
            raise requests.ConnectionError("the shop was killed")
        return found

    def _send_letter(self, *arguments: Any) -> None:
        reach("letter", "the letter")
        _SEND_LETTER(*arguments)

    def _patient_time(self) -> Any:
        """For the one place where a request waits for another: time passes when told."""

        def sleep(seconds: float) -> None:
            reach("sleep", f"a pause of {seconds} s")
            self.clock.shift(timedelta(seconds=seconds))

        return SimpleNamespace(monotonic=lambda: database.now().timestamp(), sleep=sleep)


_SEND_LETTER = fulfilment.send_letter
