"""One way to call a provider: bounded in time, size and number, no redirects, safe retries.

And one way to read what comes back: :func:`answer` for its status, :func:`read_object` for a
delivery.
"""

import json
import socket
import time
from codecs import BOM_UTF8
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from threading import Condition, Lock, Thread, Timer
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util import Retry

from .contract import Malformed, ProviderError, Unreachable

CONNECT_TIMEOUT = 3.0  # seconds, for each address of a host
READ_TIMEOUT = 4.0  # seconds between two bytes
DEADLINE = 10.0  # seconds for a whole call: DNS, connection, TLS, request, answer, retries
IN_FLIGHT = 3  # calls to one host at once, in one process
IN_FLIGHT_TOGETHER = 5  # calls to all hosts: fewer than a server has threads, which is 8
QUICK = 0.3  # seconds within which a host is expected to answer while others wait for a slot
SLOT_WAIT = 1.0  # seconds to wait for a slot, while all calls in flight are as quick as that
MAX_BODY = 1_000_000  # bytes; the longest documented answer is a few kB

#: Retried up to twice, POST included: such a call carries our own reference, which the provider
#: uses to do the work once. 502 and 503 mean "no answer from further inside".
RETRY = Retry(
    total=2,
    connect=1,
    read=1,
    status_forcelist=(502, 503),
    allowed_methods=None,
    backoff_factor=0.2,
    backoff_jitter=0.2,
    redirect=False,
    respect_retry_after_header=False,  # a shopper is waiting
    raise_on_status=False,
)


class Deadline:
    """The moment at which an exchange ends, from the look-up of the host's name to the last byte.

    A context manager. ``connect`` opens the lines of the exchange; at the deadline they are shut
    down, which wakes whatever waits on them: a time-out of a socket would only count from the last
    byte, and begin again with each that drips in.
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
    except (OSError, UnicodeError) as error:  # handed to those who wait
        found.set_exception(error)
    finally:
        with _lookups_lock:
            del _lookups[host, port]


class _TooLate(HTTPError):
    """The deadline is over; unlike a time-out of one attempt this is not retried."""


class _Connection(HTTPConnection):
    """urllib3's, ended by the deadline of the call."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self.deadline = deadline

    def _new_conn(self) -> socket.socket:
        try:
            return self.deadline.connect(self._dns_host, self.port or 0, CONNECT_TIMEOUT)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            if self.deadline.is_over:
                raise _TooLate("timed out") from error
            raise ConnectTimeoutError(self, "timed out") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error


class _SecureConnection(_Connection, HTTPSConnection):
    """The same, with TLS."""


class _Adapter(HTTPAdapter):
    """requests' way to the connections above."""

    def __init__(self, deadline: Deadline, max_retries: Retry | int) -> None:
        super().__init__(max_retries=max_retries)
        self.deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)  # noqa: S101
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
        pool.conn_kw["deadline"] = self.deadline
        return pool


# ------------------------------------------------------------------ how many at once


class _Slots:
    """How many calls this process makes at once: each holds a thread that pages need as well.

    A host that left us waiting is called by one at a time until it answers again.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._began: dict[str, list[float]] = defaultdict(list)  # host -> its calls in flight
        self._silent: set[str] = set()

    @contextmanager
    def one(self, host: str) -> Iterator[None]:
        """A slot for one call; what raises inside counts as no answer.

        :raise Unreachable: none is free, and those that wait for this host, or for all of them,
            wait already longer than QUICK.
        """
        began = self._take(host)
        try:
            yield
        except BaseException:
            if time.monotonic() - began > QUICK:
                self._silent.add(host)
            raise
        else:
            self._silent.discard(host)
        finally:
            with self._changed:
                self._began[host].remove(began)
                self._changed.notify_all()

    def _take(self, host: str) -> float:
        gives_up = time.monotonic() + SLOT_WAIT
        with self._changed:
            while rivals := self._rivals(host):
                patience = min(gives_up, min(rivals) + QUICK) - time.monotonic()
                if patience <= 0:
                    raise Unreachable(f"{len(rivals)} calls are waiting already")
                self._changed.wait(patience)
            began = time.monotonic()
            self._began[host].append(began)
        return began

    def _rivals(self, host: str) -> list[float]:
        """When those calls began that leave no slot; none, if there is one."""
        mine = self._began[host]
        everyone = [each for calls in self._began.values() for each in calls]
        if len(mine) >= (1 if host in self._silent else IN_FLIGHT):
            return mine
        return everyone if len(everyone) >= IN_FLIGHT_TOGETHER else []


_slots = _Slots()


# ------------------------------------------------------------------ one call


class _Unusable(requests.RequestException):
    """An answer that we stop reading."""


@dataclass(frozen=True)
class Reply:
    """An answer: HTTP status and the parsed JSON body (numbers with a point are ``Decimal``).

    ``data`` is None where the body is empty, or no JSON: the status counts all the same.
    """

    status: int
    data: Any

    @property
    def ok(self) -> bool:
        """The call did what it was to do: any 2xx, whichever of them is documented."""
        return 200 <= self.status < 300


def call(
    method: str,
    url: str,
    *,
    auth: tuple[str, str] | None = None,
    headers: dict[str, str] | None = None,
    payload: dict[str, Any] | None = None,
    form: list[tuple[str, str]] | None = None,
    repeat: bool = True,
) -> Reply:
    """Send a request (``payload`` as JSON, or ``form``) and read an answer of any status.

    ``repeat=False`` sends once only: for calls that carry nothing by which the provider would know
    a retry.

    :raise Unreachable: no connection, too large, or too slow (see :data:`DEADLINE`); or too many
        calls are waiting already: one provider that hangs must not take every thread of the shop.
    """
    deadline = Deadline(DEADLINE)
    try:
        with _slots.one(urlsplit(url).netloc), deadline, requests.Session() as session:
            adapter = _Adapter(deadline, max_retries=RETRY if repeat else 0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            session.trust_env = False  # a stray ~/.netrc must not replace our credentials
            with session.request(
                method,
                url,
                auth=auth,
                headers=headers,
                json=payload,
                data=form,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read(response)
            if deadline.is_over:  # a body without a length ends where the line was cut
                raise _TooLate("timed out")
    except (requests.RequestException, HTTPError, Unreachable) as error:
        why = "timed out" if deadline.is_over else _short(error)
        raise Unreachable(f"{method} {url}: {why}") from error
    return Reply(response.status_code, _json_or_none(body))


#: HTTP status -> what it means for the same request sent again, and the sentence for the shopper
#: (None: the exception's own).
Errors = Mapping[int, tuple[type[ProviderError], str | None]]


def answer(reply: Reply, errors: Errors, words: str, may_be_empty: bool = False) -> dict[str, Any]:
    """The JSON object that a call succeeded with; ``{}`` where it ``may_be_empty``.

    ``words``: the provider's own about an error, for the log.

    :raise ProviderError: as ``errors`` says for this status. What is not listed there is no answer:
        :class:`Unreachable`; so is a success without an object.
    """
    if reply.ok and isinstance(reply.data, dict):
        return reply.data
    if reply.ok and may_be_empty:
        return {}
    raise failure(reply, errors, words)


def failure(reply: Reply, errors: Errors, words: str) -> ProviderError:
    """What an answer means that is not a success, to be raised."""
    problem, sentence = errors.get(reply.status, (Unreachable, None))
    return problem(words, sentence)


def _json_or_none(body: bytes) -> Any:
    try:
        return parse_json(body) if body else None
    except ValueError:
        return None


def parse_json(body: bytes) -> Any:
    """Strict JSON: UTF-8, no duplicate keys, no NaN, decimals as ``Decimal``.

    One byte order mark before it is ignored (RFC 8259 8.1).

    :raise ValueError: anything else, however deep or long.
    """
    try:
        return json.loads(
            body.removeprefix(BOM_UTF8).decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def read_object(body: bytes) -> dict[str, Any]:
    """A delivery's body as a JSON object.

    :raise Malformed: it is none.
    """
    try:
        found = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(found, dict):
        raise Malformed("the body is no object")
    return found


def _read(response: requests.Response) -> bytes:
    body = b""
    while chunk := response.raw.read1(8192, decode_content=True):  # returns with what has come
        body += chunk
        if len(body) > MAX_BODY:
            raise _Unusable("answer is too large")
    return body


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("JSON repeats a key")
    return data


def _short(error: Exception) -> str:
    """The kind of failure; a library's whole text may quote headers."""
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, _Unusable | Unreachable):
        return str(error)
    return type(error).__name__
