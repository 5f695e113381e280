"""Other processes of this shop, for tests that kill, stop or race them.

They are forked from a process that has imported shop and sandbox once, which saves a second or two
for each. They start as they really do, each importing for itself, in the tests of tools/ and behind
the browser.
"""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

import config
import jobs
import payments
import sandbox.config
from app import create_app
from database import db
from jobs import outbox, worker
from payments import inbox

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__, "sandbox.app", "flask.cli", "gunicorn.app.wsgiapp"])


def run(command: list[str], environment: dict[str, str], log: Path) -> ForkServerProcess:
    """``python -m module …``, in this environment only; what it says is added to ``log``."""
    _, dash_m, module, *arguments = command
    assert dash_m == "-m"
    return _start(environment, log, _run, module, arguments)


def start(
    settings: config.Settings, log: Path, work: Callable[..., None], *arguments: Any
) -> ForkServerProcess:
    """Do ``work(app, *arguments)`` on these databases; what it says is added to ``log``."""
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "JOBS_URL": settings.jobs_url.get_secret_value(),
    }
    return _start(environment, log, _work, work, arguments)


def run_until_killed(
    settings: config.Settings, folder: Path, work: Callable[..., None], *arguments: Any
) -> None:
    """Let a child do this work on the same databases, and kill itself as by ``kill -9``."""
    log = folder / "killed"
    child = start(settings, log, work, *arguments)
    child.join(30)
    assert child.exitcode == -signal.SIGKILL, log.read_text()


def _start(environment: dict[str, str], log: Path, *main: Any) -> ForkServerProcess:
    child = _forks.Process(target=_main, args=(environment, log, *main))
    child.start()
    return child


def _main(
    environment: dict[str, str], log: Path, main: Callable[..., None], *arguments: Any
) -> None:
    with log.open("ab") as said:
        os.dup2(said.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    for module in (config, sandbox.config):  # a developer's .env must not change the outcome
        module.Settings.model_config["env_file"] = None
    main(*arguments)


def _run(module: str, arguments: list[str]) -> None:
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _work(work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    work(create_app(), *arguments)


# ------------------------------------------------------------------ what they can do


def work(app: Flask) -> None:
    """What ``flask --app app worker`` does, until SIGTERM."""
    jobs.run_worker(app)


def work_hastily(app: Flask) -> None:
    """The same, sweeping each second instead of each minute."""
    worker.SweepEvenWithoutQueue.periodic_task_seconds = 1
    jobs.run_worker(app)


def die_in_a_webhook(app: Flask, point: str, body: bytes, headers: dict[str, str]) -> None:
    """Take one delivery of MintCash, and die at that point of it as by ``kill -9``."""
    inbox.store_and_apply = _dying(inbox.store_and_apply, point)
    with app.app_context():
        payments.receive("mintcash", headers, body)


def die_in_a_task(app: Flask, point: str, kind: str, do: Callable[[Flask], None]) -> None:
    """Work off the outbox, and die at that point of the first task of this kind."""
    effect = outbox.KINDS[kind].inside
    assert effect is not None
    outbox.KINDS[kind] = outbox.Kind(inside=_dying(effect, point))
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
        event.listen(db.engine, "commit", _die)  # all statements are sent, COMMIT is not
    elif point == "after the commit":
        event.listen(db.session(), "after_transaction_end", _die_if_outermost)
    else:
        raise ValueError(point)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_if_outermost(_: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _die()
