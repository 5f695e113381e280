"""Gunicorn as the shop is served by it: ``run.py`` names both classes on its command line."""

import socket
from typing import Any

from gunicorn.glogging import Logger as PlainLogger
from gunicorn.workers.gthread import ThreadWorker

import config
import logs


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads, and a stop that keeps nobody waiting in vain.

    Plain, a worker that finishes what it has begun leaves the door open behind it: whoever connects
    meanwhile is let in by the kernel, waits, and is thrown out at the end.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        while not (enabled or self.alive) and self.sockets:
            listener = self.sockets.pop()
            self._let_in_who_waits(listener)
            listener.close()  # at a reload the new workers, who share it, keep theirs

    def _let_in_who_waits(self, listener: socket.socket) -> None:
        before = -1
        while before != self.nr_conns:
            before = self.nr_conns
            self.accept(listener)


class Logger(PlainLogger):  # type: ignore[misc]
    """Gunicorn's own lines, in the same format as all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logs.configure(config.load())
        self.error_log.handlers.clear()
        self.error_log.propagate = True
