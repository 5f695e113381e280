"""CPU time and statements of a request, in this process: what noise on the machine hardly moves."""

import gzip
import io
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from tests.queries import statements_of

from .ceilings import create_app as create_bare_app
from .rows import Row, Sent, WrongAnswer

WARM = 20  # requests before the clock runs
ROUNDS = 5  # of which the fastest counts

Environ = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """``times_bare``: CPU time beside the bare route's. ``statements``: of one request."""

    times_bare: float
    statements: int


def measure(shop: Flask, row: Row, count: int = 100) -> Cost:
    """:raise WrongAnswer: an answer was not as the row says."""
    sent = row.make(shop, WARM + ROUNDS * count if row.writes else 1)
    requests = [environ_of(each, shop.extensions["settings"].base_url) for each in sent]
    if not row.writes:
        requests *= WARM + ROUNDS * count
    for each in requests[:WARM]:
        _check(row, *call(shop.wsgi_app, each))
    bare = create_bare_app().wsgi_app
    plain = environ_of(Sent("GET", "/", {}), "http://127.0.0.1")
    ours, theirs = [], []
    for number in range(ROUNDS):
        part = requests[WARM + number * count :][:count]
        with statements_of(shop) as statements:
            ours.append(_time(shop.wsgi_app, part))
        theirs.append(_time(bare, [plain] * count))
    return Cost(min(ours) / min(theirs), round(len(statements) / count))


def environ_of(sent: Sent, base_url: str) -> Environ:
    """A request as the server hands it to the app."""
    where = urlsplit(base_url)
    path, _, query = sent.path.partition("?")
    headers = {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in sent.headers.items()}
    kind = headers.pop("HTTP_CONTENT_TYPE", "")
    return {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": where.hostname,
        "SERVER_PORT": str(where.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": where.netloc,
        "HTTP_ACCEPT_ENCODING": "gzip",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(sent.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": where.scheme,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "body": sent.body,
        **headers,
    }


def call(
    app: Callable[..., Iterable[bytes]], environ: Environ
) -> tuple[int, dict[str, str], bytes]:
    """One request: status, headers, body."""
    said: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        said[:] = [int(status[:3]), dict(headers)]

    found = app({**environ, "wsgi.input": io.BytesIO(environ["body"])}, start_response)
    body = b"".join(found)
    if hasattr(found, "close"):
        found.close()
    return said[0], said[1], body


def _time(app: Callable[..., Iterable[bytes]], requests: list[Environ]) -> float:
    began = time.process_time()
    for each in requests:
        call(app, each)
    return time.process_time() - began


def _check(row: Row, status: int, headers: dict[str, str], body: bytes) -> None:
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if status != row.status or row.holds.encode() not in body:
        raise WrongAnswer(f"{row.name}: {status} {body[:300]!r}")
