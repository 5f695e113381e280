"""One way to call a provider: bounded in time and size, no redirects, repeated where it is safe."""

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from threading import BoundedSemaphore
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from .base import Unreachable

CONNECT_TIMEOUT = 3.0  # seconds
READ_TIMEOUT = 4.0  # seconds between two bytes
DEADLINE = 10.0  # seconds for the body of an answer, however it drips
IN_FLIGHT = 3  # calls to one host at once, in one process
TURN = 1.0  # seconds to wait for a turn
MAX_BODY = 1_000_000  # bytes; the longest documented answer is a few kB

#: Repeated up to twice more, POST included: such a call carries our own reference, which the
#: provider uses to do the work once. 502 and 503 mean "no answer from further inside".
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


class _Unusable(requests.RequestException):
    """An answer that we stop reading."""


@dataclass(frozen=True)
class Reply:
    """An answer: HTTP status and the parsed JSON body (numbers with a point are ``Decimal``)."""

    status: int
    data: Any


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
    """Send a request (``payload`` as JSON, or ``form``) and read a JSON answer of any status.

    An empty answer is ``Reply.data`` None. ``repeat=False`` sends once only: for calls that carry
    nothing by which the provider would know a repetition.

    :raise Unreachable: no connection, too slow, too large, or not JSON; or too many calls to this
        host are waiting already: one provider that hangs must not take every thread of the shop.
    """
    turn = _turns(urlsplit(url).netloc)
    if not turn.acquire(timeout=TURN):
        raise Unreachable(f"{method} {url}: {IN_FLIGHT} calls to this host are waiting already")
    try:
        with requests.Session() as session:
            adapter = HTTPAdapter(max_retries=RETRY if repeat else 0)
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
    except (requests.RequestException, HTTPError) as error:
        raise Unreachable(f"{method} {url}: {_short(error)}") from error
    finally:
        turn.release()
    try:
        return Reply(response.status_code, parse_json(body) if body else None)
    except ValueError as error:
        raise Unreachable(f"{method} {url}: HTTP {response.status_code}, {error}") from error


@cache
def _turns(host: str) -> BoundedSemaphore:
    return BoundedSemaphore(IN_FLIGHT)


def parse_json(body: bytes) -> Any:
    """Strict JSON: UTF-8, no duplicate keys, no NaN, decimals as ``Decimal``.

    :raise ValueError: anything else, however deep or long.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _read(response: requests.Response) -> bytes:
    ends, body = time.monotonic() + DEADLINE, b""
    while chunk := response.raw.read1(8192, decode_content=True):  # returns with what has come
        body += chunk
        if len(body) > MAX_BODY:
            raise _Unusable("answer is too large")
        if time.monotonic() > ends:
            raise _Unusable("answer is too slow")
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
    if isinstance(error, _Unusable):
        return str(error)
    return type(error).__name__
