"""A line to a server on this machine, or to a file, that can be cut and mended."""

import contextlib
import socket
import sqlite3
import threading
from dataclasses import dataclass, field
from typing import Protocol


class Line(Protocol):
    def cut(self) -> None: ...
    def mend(self) -> None: ...


@dataclass
class Cable:
    """Forwards a free port of this machine to another, ``there``."""

    there: tuple[str, int]
    port: int = 0
    listener: socket.socket | None = None
    ends: list[socket.socket] = field(default_factory=list)

    def mend(self) -> None:
        """Connections are taken, always on the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._take, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks, and new ones are refused."""
        for each in [self.listener, *self.ends]:
            if each:
                _hang_up(each)
        self.ends.clear()

    def _take(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(self.there)
                self.ends += [here, there]
                for way in ((here, there), (there, here)):
                    threading.Thread(target=_carry, args=way, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _hang_up(source)
    _hang_up(target)


def _hang_up(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@dataclass
class Lock:
    """An SQLite file that somebody else keeps to himself."""

    file: str
    holder: sqlite3.Connection | None = None

    def cut(self) -> None:
        self.holder = sqlite3.connect(self.file, isolation_level=None)
        self.holder.execute("BEGIN EXCLUSIVE")

    def mend(self) -> None:
        if self.holder:
            self.holder.close()
            self.holder = None
