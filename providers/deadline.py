"""An exchange over the network, bounded in time from the look-up of a name to the last byte."""

import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock, Thread, Timer
from typing import Any, Self


class Deadline:
    """The moment at which an exchange ends, from the look-up of the host's name to the last byte.

    A context manager. ``connect`` opens the sockets of the exchange; at the deadline they are shut
    down, which wakes the thread that waits on them. A socket's own time-out restarts with every
    byte.
    """

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._lock = Lock()
        self._lines: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._timer = Timer(max(self._ends - time.monotonic(), 0.0), self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        for line in self._lines:
            line.close()

    def connect(self, host: str, port: int, patience: float = 60.0) -> socket.socket:
        """A connection to the first address of ``host`` that answers within ``patience`` seconds.

        :raise socket.gaierror: the name has no address.
        :raise OSError: none of them takes connections; TimeoutError when it took too long.
        """
        problem: OSError = TimeoutError("the deadline is over")
        for family, kind, protocol, _, address in _resolve(host, port, self._left()):
            line = socket.socket(family, kind, protocol)
            try:
                line.settimeout(min(patience, self._left()))
                line.connect(address)
                self._watch(line)
            except OSError as error:
                line.close()
                problem = error
            else:
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return line
        raise problem

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left

    def _watch(self, line: socket.socket) -> None:
        with self._lock:
            self._left()
            self._lines.append(line.dup())  # TLS takes the line over; a duplicate still ends it

    def _cut(self) -> None:
        with self._lock:
            for line in self._lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)


#: Host names that a thread is looking up. A look-up cannot be cancelled, so calls to the same host
#: wait for that thread.
_lookups: dict[tuple[str, int], Future[list[Any]]] = {}
_lookups_lock = Lock()


def _resolve(host: str, port: int, seconds: float) -> list[Any]:
    """``socket.getaddrinfo``, bounded in time: by itself it may take half a minute."""
    with _lookups_lock:
        found = _lookups.get((host, port))
        if found is None:
            found = _lookups[host, port] = Future()
            Thread(target=_look_up, args=(host, port, found), daemon=True).start()
    return found.result(seconds)


def _look_up(host: str, port: int, found: Future[list[Any]]) -> None:
    try:
        found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:  # raised in the threads that wait
        found.set_exception(error)
    finally:
        with _lookups_lock:
            del _lookups[host, port]
