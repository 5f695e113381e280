"""A connection to a server on this machine, or a file, that a test takes away and brings back."""

import contextlib
import socket
import sqlite3
import threading
from dataclasses import dataclass, field
from typing import Protocol


class Breakable(Protocol):
    def interrupt(self) -> None: ...
    def restore(self) -> None: ...


@dataclass
class BreakableConnection:
    """Forwards a free port of this machine to the address of ``server``."""

    server: tuple[str, int]
    port: int = 0
    listener: socket.socket | None = None
    sockets: list[socket.socket] = field(default_factory=list)

    def restore(self) -> None:
        """Connections are accepted, always on the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def interrupt(self) -> None:
        """Every connection breaks, and new ones are refused."""
        for each in [self.listener, *self.sockets]:
            if each:
                _close(each)
        self.sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.server)
                self.sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_forward, args=ends, daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _close(source)
    _close(target)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@dataclass
class BreakableFile:
    """An SQLite file that another connection keeps locked."""

    path: str
    holder: sqlite3.Connection | None = None

    def interrupt(self) -> None:
        self.holder = sqlite3.connect(self.path, isolation_level=None)
        self.holder.execute("BEGIN EXCLUSIVE")

    def restore(self) -> None:
        if self.holder:
            self.holder.close()
            self.holder = None
