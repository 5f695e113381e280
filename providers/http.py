"""The one way to call a provider: bounded in time, size and number, no redirects, safe retries.

:func:`answer` maps the status of an answer, :func:`read_object` reads a delivery.
"""

import json
import socket
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn
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

from .contract import Malformed, ProviderError, Rejected, Unreachable
from .deadline import Deadline
from .slots import Slots
from .text import printable

CONNECT_TIMEOUT = 3.0  # seconds, for each address of a host
READ_TIMEOUT = 4.0  # seconds between two bytes
DEADLINE = 10.0  # seconds for a whole call: DNS, connection, TLS, request, answer, retries
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
    """Makes requests use the connections above."""

    def __init__(self, deadline: Deadline, max_retries: Retry | int) -> None:
        super().__init__(max_retries=max_retries)
        self.deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)  # noqa: S101
        pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
        pool.conn_kw["deadline"] = self.deadline
        return pool


_call_slots = Slots()


class _Unusable(requests.RequestException):
    """An answer that we stop reading."""


@dataclass(frozen=True)
class Reply:
    """An answer: HTTP status and the parsed JSON body (numbers with a point are ``Decimal``).

    ``data`` is None where the body is empty, or no JSON: the status counts all the same.
    """

    status: int
    data: Any

    def said(self, *names: str) -> Any:
        """A field of the object, or of one inside it; None where there is none."""
        found = self.data
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found

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
    retry: bool = True,
) -> Reply:
    """Send a request (``payload`` as JSON, or ``form``) and read an answer of any status.

    ``retry=False`` sends once: for calls without a reference that lets the provider recognise a
    retry.

    :raise Unreachable: no connection, an answer that is too large or too slow (see
        :data:`DEADLINE`), or no free slot: one provider that hangs must not take every thread.
    """
    deadline = Deadline(DEADLINE)
    try:
        with _call_slots.one(urlsplit(url).netloc), deadline, requests.Session() as session:
            adapter = _Adapter(deadline, max_retries=RETRY if retry else 0)
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
        why = "timed out" if deadline.is_over else _failure_kind(error)
        raise Unreachable(f"{method} {url}: {why}") from error
    return Reply(response.status_code, _json_or_none(body))


#: HTTP status -> what it means for the same request sent again, and the sentence for the shopper
#: (None: the exception's own).
Errors = Mapping[int, tuple[type[ProviderError], str | None]]


def refusals(label: str, *statuses: int) -> dict[int, tuple[type[ProviderError], str | None]]:
    """The rows of :data:`Errors` for what this provider refuses, and would refuse again."""
    words = f"{label} cannot take this payment. Nothing was charged. Please pay another way."
    return dict.fromkeys(statuses, (Rejected, words))


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


def with_id(reference: str | None, found: dict[str, Any]) -> dict[str, Any]:
    """What was found by this id, as it is.

    :raise Unreachable: it names another id, or none.
    """
    if not reference or found.get("id") != reference:
        raise Unreachable(f"asked for {reference}: the answer is about another payment")
    return found


@contextmanager
def documented(words: str, problem: type[Exception] = Unreachable) -> Iterator[None]:
    """Read a success in here: what is not there, or makes no sense, is no answer.

    :param problem: ``Malformed`` to read a delivery, which is refused then.
    :raise problem: in place of what a look-up or a conversion raises; begins with ``words``.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise problem(f"{words}: not as documented: {printable(error, 100)}") from error


def failure(reply: Reply, errors: Errors, words: str) -> ProviderError:
    """The exception for an answer that is no success."""
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


def _failure_kind(error: Exception) -> str:
    """The failure in a few words; a library's own text may quote headers."""
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, _Unusable | Unreachable):
        return str(error)
    return type(error).__name__
