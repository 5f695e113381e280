"""Servers on this machine that are slow or silent, byte by byte."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from providers import http
from providers.contract import Unreachable

Script = Callable[[socket.socket], None]

#: How an answer of the servers here begins.
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(script: Script) -> Iterator[str]:
    """The address of a server that does this with each connection, in a thread of its own."""
    lines: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def play(line: socket.socket) -> None:
        with suppress(OSError):
            script(line)

    def take(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                lines.append(listener.accept()[0])
                threads.append(threading.Thread(target=play, args=(lines[-1],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        thread = threading.Thread(target=take, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for line in lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
                line.close()
            for each in threads:
                each.join()


def say_nothing(line: socket.socket) -> None:
    while line.recv(65536):
        pass


def drip(head: bytes, piece: bytes) -> Script:
    """``head`` at once, then ``piece`` again and again, often enough for any time-out of a read."""

    def script(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(head)
        while True:
            time.sleep(0.05)
            line.sendall(piece)

    return script


def ask(address: str, retry: bool = True) -> str:
    """What is said of a call that gets no answer."""
    with pytest.raises(Unreachable) as raised:
        http.call("POST", address, payload={}, retry=retry)
    return str(raised.value)
