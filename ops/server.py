"""Gunicorn as the shop is served by it: ``tools/run.py`` names both classes on its command line.

In plain gunicorn a thread waits while a client sends its request slowly, and the main thread waits
while a client leaves an answered line open. Here both wait in the poller: a thread begins when the
request is here, and ends with its answer.
"""

import re
import socket
import time
from collections import deque
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.glogging import Logger as PlainLogger
from gunicorn.workers.gthread import TConn, ThreadWorker

import config
import logs

ARRIVE_WITHIN = 10.0  # seconds for a whole request
LINGER = 2.0  # seconds for a client to hang up after its answer (RFC 9112, 9.6)
MAX_HEAD = 200_000  # bytes; gunicorn refuses most of that
MAX_BODY = 250_000  # bytes that are waited for; of more, the app reads nothing (MAX_CONTENT_LENGTH)

#: What a provider may be asked for while a shopper waits.
MAY_WAIT = re.compile(rb"POST (?!/webhooks/)")
OTHERS = 2  # threads that such requests leave to pages and webhooks

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.I)
CHUNK = re.compile(rb"([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n", re.I)


class Arrival:
    """The bytes of a request, as they come, and whether they are all here.

    Only when is decided here, not what they mean: what makes no sense is here at once, for gunicorn
    to refuse.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_here = False
        self._body = 0  # where the body begins; 0: the head is not here yet
        self._next = 0  # where the next chunk begins, in a body of chunks
        self._end: int | None = None  # where a body of a known length ends

    def add(self, more: bytes) -> None:
        before = len(self.data)
        self.data += more
        if not self._body:
            self._find_head(max(before - 3, 0))
        if self._body:
            self._find_end()

    @property
    def is_too_much(self) -> bool:
        return not self._body and len(self.data) > MAX_HEAD

    def _find_head(self, start: int) -> None:
        end = self.data.find(b"\r\n\r\n", start)
        if end >= 0:
            self._body = self._next = end + 4
            head = bytes(self.data[: end + 2])
            length = LENGTH.search(head)
            if not CHUNKED.search(head):
                self._end = self._body + (int(length[1]) if length else 0)

    def _find_end(self) -> None:
        if self._end is not None:
            too_long = self._end - self._body > MAX_BODY
            self.is_here = too_long or len(self.data) >= self._end
        elif len(self.data) - self._body > MAX_BODY:
            self.is_here = True
        else:
            self._follow_chunks()

    def _follow_chunks(self) -> None:
        while self._next < len(self.data):
            chunk = CHUNK.match(self.data, self._next)
            if not chunk:
                self.is_here = self.data.find(b"\r\n", self._next) >= 0
                return
            size = int(chunk[1], 16)
            if size == 0:
                self.is_here = self.data.find(b"\r\n\r\n", self._next) >= 0
                return
            self._next = chunk.end() + size + 2


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads that wait for no client, and a stop that drops no connection that was accepted.

    Plain, a worker that finishes what it has begun leaves its socket open: late connections are
    accepted by the kernel, and dropped at the end.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.arriving: deque[TConn] = deque()  # both in the order of their ``timeout``
        self.parting: deque[TConn] = deque()
        self.waiting: deque[TConn] = deque()  # for one of the threads for what may wait
        self.nr_waiting = 0  # of those threads, how many are in use

    # -------------------------------------------------------------- a request arrives

    def enqueue_req(self, conn: TConn) -> None:
        """gunicorn calls this when there may be a request: a thread is for what is here."""
        conn.arrival = Arrival()
        if conn.parser:
            conn.arrival.add(conn.parser.unreader.take_buffered())  # sent with the one before
        if conn.arrival.is_here:
            self._begin(conn)
        else:
            self._wait(conn, self.arriving, ARRIVE_WITHIN, self._take_in)

    def _take_in(self, conn: TConn, _: object) -> None:
        more = _receive(conn.sock)
        if more is None:
            return
        conn.arrival.add(more)
        if conn.arrival.is_here or (not more and conn.arrival.data):
            self._wait_no_longer(conn, self.arriving)
            self._begin(conn)
        elif not more or conn.arrival.is_too_much:
            self._wait_no_longer(conn, self.arriving)
            self._close(conn)

    def _begin(self, conn: TConn) -> None:
        """Those that a provider may keep waiting never take all threads, however many come."""
        conn.may_wait = bool(MAY_WAIT.match(conn.arrival.data))
        if conn.may_wait:
            self.waiting.append(conn)
            self._begin_waiting()
        else:
            super().enqueue_req(conn)

    def _begin_waiting(self) -> None:
        while self.waiting and self.nr_waiting < max(1, self.cfg.threads - OTHERS):
            self.nr_waiting += 1
            super().enqueue_req(self.waiting.popleft())

    def handle(self, conn: TConn) -> Any:
        """In a thread."""
        conn.data_ready = True
        conn.init()
        conn.parser.unreader.unread(bytes(conn.arrival.data))
        return super().handle(conn)

    # -------------------------------------------------------------- a line is closed

    def finish_request(self, conn: TConn, future: Any) -> None:
        """gunicorn calls this after each answer."""
        if conn.may_wait:
            self.nr_waiting -= 1
            self._begin_waiting()
        if future.cancelled() or future.exception() or future.result():
            super().finish_request(conn, future)
            return
        with suppress(OSError):  # the client was faster
            conn.sock.shutdown(socket.SHUT_WR)
        conn.drained = 0
        self._wait(conn, self.parting, LINGER, self._drain)

    def _drain(self, conn: TConn, _: object) -> None:
        """To hang up on what was not read could cost the client the end of its answer."""
        more = _receive(conn.sock)
        if more is None:
            return
        conn.drained += len(more)
        if not more or conn.drained > MAX_BODY:
            self._wait_no_longer(conn, self.parting)
            self._close(conn)

    # -------------------------------------------------------------- both

    def _wait(self, conn: TConn, others: deque[TConn], seconds: float, act: Any) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + seconds
        others.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(act, conn))

    def _wait_no_longer(self, conn: TConn, others: deque[TConn]) -> None:
        others.remove(conn)
        self.poller.unregister(conn.sock)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """gunicorn calls this each second, and after each event."""
        super().murder_pending()
        for others in (self.parting, self.arriving):
            while others and (self._is_full() or others[0].timeout <= time.monotonic()):
                conn = others[0]
                self._wait_no_longer(conn, others)
                self._close(conn)

    def _is_full(self) -> bool:
        return bool(self.nr_conns >= self.worker_connections)

    # -------------------------------------------------------------- the worker stops

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        while not (enabled or self.alive) and self.sockets:
            listener = self.sockets.pop()
            self._let_in_who_waits(listener)
            listener.close()  # at a reload the new workers, who share it, keep theirs

    def _cap_keepalive(self, deadline: float) -> None:
        """gunicorn calls this when it stops: who has not sent a request soon has none."""
        super()._cap_keepalive(deadline)
        for conn in self.arriving:
            conn.timeout = min(conn.timeout, deadline)

    def _let_in_who_waits(self, listener: socket.socket) -> None:
        before = -1
        while before != self.nr_conns:
            before = self.nr_conns
            self.accept(listener)


def _receive(line: socket.socket) -> bytes | None:
    """What has come; empty at the end, None when nothing has."""
    try:
        return line.recv(65_536)
    except BlockingIOError:
        return None
    except OSError:
        return b""


class Logger(PlainLogger):  # type: ignore[misc]
    """Gunicorn's own lines, in the same format as all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logs.configure(config.load())
        self.error_log.handlers.clear()
        self.error_log.propagate = True
