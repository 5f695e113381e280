"""The shop as in production, on a free port and fresh databases, with the bare route beside it."""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import text

import config
from database import db
from tools import postgres, run
from tools.migrate import prepare_database

from .shop import PROVIDER_URL, SETTINGS, create_app

READY_WITHIN = 30.0  # seconds
WORKER = [sys.executable, "-m", "flask", "--app", "tools.bench.shop", "worker"]
WORKERS = 2  # processes, of eight threads each


class CannotStart(Exception):
    """The text says which server does not answer."""


@dataclass(frozen=True)
class Served:
    """``shop`` is the same app in this process, on the same database."""

    shop: Flask
    url: str
    bare_url: str
    database_url: str

    def settle(self) -> None:
        """PostgreSQL knows how much there is, as it does by itself after a while."""
        if not self.database_url.startswith("postgresql"):
            return
        with self.shop.app_context(), db.engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()


@contextmanager
def served(database: str, worker: bool = False) -> Iterator[Served]:
    """``database``: "sqlite" or "postgresql"; ``worker``: with the worker process beside it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        server = (
            stack.enter_context(postgres.server(durable=True)) if database == "postgresql" else None
        )
        bare_url = f"http://127.0.0.1:{run.free_port()}"
        provider_url = f"http://127.0.0.1:{run.free_port()}"
        os.environ.update(
            SETTINGS,
            BASE_URL=f"http://127.0.0.1:{run.free_port()}",
            DATABASE_URL=server.url if server else config.sqlite_url(folder / "shop.db"),
            JOBS_URL=config.sqlite_url(folder / "jobs.db"),
        )
        os.environ[PROVIDER_URL] = provider_url
        settings = config.load()
        prepare_database(settings)
        log = stack.enter_context((folder / "log").open("wb"))
        children: run.Children = {}
        stack.callback(run.stop, children)
        for name, url in (
            ("shop", settings.base_url),
            ("ceilings", bare_url),
            ("provider", provider_url),
        ):
            workers = 1 if name == "provider" else WORKERS
            command = run.server(f"tools.bench.{name}", url, workers=workers)
            children[name] = run.start(command, log)
        if worker:
            children["worker"] = run.start(WORKER, log)
        for url in (settings.base_url, bare_url, provider_url):
            _wait_for(url)
        shop = create_app()
        logging.getLogger().setLevel(logging.ERROR)  # of this process; the servers log as ever
        yield Served(shop, settings.base_url, bare_url, os.environ["DATABASE_URL"])
        with shop.app_context():
            db.engine.dispose()
        shop.extensions["queue"].engine.storage.close()


def _wait_for(url: str) -> None:
    """:raise CannotStart: it does not answer."""
    ends = time.monotonic() + READY_WITHIN
    while not run.answers(url):
        if time.monotonic() > ends:
            raise CannotStart(f"{url} does not answer after {READY_WITHIN:.0f} seconds")
        time.sleep(0.05)
