"""What a process of the shop holds in its memory, and loses when it is killed."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from flask import Flask

import config
import jobs
from providers import http
from providers.slots import Slots
from tools.explore.points import actor, reach


@contextmanager
def no_settings_of_this_machine() -> Iterator[None]:
    """A developer's environment and .env must not change what is found."""
    names = {name.upper() for name in config.Settings.model_fields}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in names and not name.startswith("SANDBOX_")
    }
    with (
        patch.dict(os.environ, kept, clear=True),
        patch.dict(config.Settings.model_config, env_file=None),
    ):
        yield


def start_process(shop: Flask) -> None:
    """As it is when a process starts: no limit reached, no lane taken, no call under way."""
    queue = shop.extensions["queue"]
    messages: dict[str, Any] = {name: Message(name) for name in ("fulfil", "check", "sweep")}
    sending: Any = SeenLock()
    shop.extensions["queue"] = jobs.Queue(queue.engine, **messages, sending=sending)
    for limiter in shop.extensions["limiter"]:
        limiter.reset()
    http._call_slots = Slots()


@dataclass(frozen=True)
class Message:
    """A queue that loses every message: the next sweep finds the work."""

    name: str

    def schedule(self, args: object, delay: float) -> None:
        reach("message", f"the message {self.name}")


class SeenLock:
    """A lock of one process: an actor that waits for it lets another one move."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        while not self._lock.acquire(blocking=False):
            who = actor()
            if who is None:
                raise RuntimeError("a lock is held, and no actor can let it go")
            who.wait("another thread of the process")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
