"""The processes of a shop as ``tools/run.py`` starts them: to stop, to reload, to load."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

import config
from tools import run
from tools.run import free_port

from . import children
from .browser.site import eventually


@dataclass
class Running:
    """One of them: its log, and where it listens."""

    process: ForkServerProcess
    log: Path
    url: str = ""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def has_ended_well(self) -> bool:
        self.process.join(30)
        return self.process.exitcode == 0

    def is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), 1).close()
        except ConnectionRefusedError:
            return False
        return True


@contextmanager
def running(
    command: list[str], settings: config.Settings, folder: Path, **more: str
) -> Iterator[Running]:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "JOBS_URL": settings.jobs_url.get_secret_value(),
        "LOG_FORMAT": "json",
        **more,
    }
    log = folder / "log"
    process = children.run(command, environment, log)
    try:
        yield Running(process, log, more.get("BASE_URL", ""))
    finally:
        process.kill()
        process.join()


@contextmanager
def running_shop(
    settings: config.Settings,
    folder: Path,
    workers: int = 1,
    classes: tuple[str, ...] = run.OUR_CLASSES,
    **more: str,
) -> Iterator[Running]:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "OUR_CLASSES", classes)
        command = run.server("app", url, workers)
    with running(command, settings, folder, BASE_URL=url, **more) as server:
        eventually(lambda: run.answers(url), "the shop answers")
        yield server
