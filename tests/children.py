"""Other processes of this shop, for tests that kill, stop or race them.

They are forked from a process that has imported the shop once, which saves a second for each; the
commands by which they really start are in the tests of run.py, of the demo and of the soak.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

import config
import fulfilment
import jobs
import payments
from app import create_app
from models import db

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


def start(
    settings: config.Settings, log: Path, work: Callable[..., None], *arguments: Any
) -> ForkServerProcess:
    """Do ``work(app, *arguments)`` on these databases; what it says is added to ``log``."""
    child = _forks.Process(
        target=_main, args=(settings.database_url, settings.jobs_url, log, work, *arguments)
    )
    child.start()
    return child


def _main(
    database_url: Any, jobs_url: Any, log: Path, work: Callable[..., None], *arguments: Any
) -> None:
    with log.open("ab") as said:
        os.dup2(said.fileno(), 2)
    for name in config.Settings.model_fields:
        os.environ.pop(name.upper(), None)
    config.Settings.model_config["env_file"] = None
    work(create_app(config.load(database_url=database_url, jobs_url=jobs_url)), *arguments)


# ------------------------------------------------------------------ what they can do


def work(app: Flask) -> None:
    """What ``flask --app app worker`` does, until SIGTERM."""
    jobs.run_worker(app)


def work_hastily(app: Flask) -> None:
    """The same, with a minute that takes a second."""
    jobs.Minute.periodic_task_seconds = 1
    jobs.run_worker(app)


def die_in_a_webhook(app: Flask, point: str, body: bytes, headers: dict[str, str]) -> None:
    """Take one delivery of MintCash, and die at that point of it as by ``kill -9``."""
    payments._record = _dying(payments._record, point)
    with app.app_context():
        payments.receive("mintcash", headers, body)


def die_in_a_task(app: Flask, point: str, kind: str, do: Callable[[Flask], None]) -> None:
    """Work off the outbox, and die at that point of the first task of this kind."""
    fulfilment.EFFECTS[kind] = _dying(fulfilment.EFFECTS[kind], point)
    do(app)


def work_off_outbox(app: Flask) -> None:
    with app.app_context():
        jobs.work_off_outbox()


def _dying(work: Callable[..., Any], point: str) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        _arm(point)
        return work(*args)

    return run


def _arm(point: str) -> None:
    """Called when the work begins, inside its transaction."""
    if point == "before the work":
        _die()
    elif point == "before the commit":
        event.listen(db.engine, "commit", _die)  # everything is sent, COMMIT is not
    elif point == "after the commit":
        event.listen(db.session(), "after_transaction_end", _die_if_outermost)
    else:
        raise ValueError(point)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_if_outermost(_: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _die()
