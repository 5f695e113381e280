"""What the shop says about its own work: one line for each event, on standard error.

JSON for machines or text for people (``LOG_FORMAT``). Modules say ``logging.getLogger(__name__)``
as ever. What a line is about (request, order, payment) is bound once, by :func:`begin` and
:func:`about`, and stands in every line until the next piece of work begins.

Secrets are masked twice: by the name of the field, and by their value wherever it occurs.
"""

import logging
import re
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Any
from uuid import uuid4

import structlog
from flask import Response, g, has_request_context, request
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

import config
from config import MASK, SHORTEST

#: A field with such a word in its name is masked, whatever it holds; case, - and _ do not matter.
SECRET_WORDS = (
    *("authorization", "apikey", "secret", "hmac", "hash", "signature"),
    *("cookie", "token", "password", "salt"),
)
#: ``hash=…`` in an address, and ``"appSecret": "…"`` in JSON or a printed dictionary.
NAMED = re.compile(
    rf"((?:{'|'.join(SECRET_WORDS).replace('apikey', 'api[-_]?key')})[\w-]{{0,20}}"
    r"""(?:=|["']\s?:\s?["']?))[^\s"'&,;]+""",
    re.IGNORECASE,
)
LONGEST = 10_000  # characters of one field, so that one line cannot fill the disk

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Requested all day by machines; logged at DEBUG. So is a poll that brings no news.
QUIET = ("static", "healthz", "readyz", "metrics")
NO_NEWS = ("orders.status", 204)

log = logging.getLogger(__name__)


def configure(settings: config.Settings) -> None:
    """From here on every line of this process is in our format, whichever library writes it."""
    as_json = settings.logs_as_json(is_terminal=sys.stderr.isatty())
    output = Output()
    output.setFormatter(_formatter(as_json, settings))
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, Output)] + [output]
    # Warnings and up in a terminal; INFO and up in JSON logs.
    root.setLevel(logging.INFO if as_json else logging.WARNING)
    for name in ("huey", "alembic"):  # a line for each message that is passed
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught


class Output(logging.Handler):
    """Writes a whole line at once to what ``sys.stderr`` is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - what could not be formatted may be a secret
            line = f'{{"level": "error", "event": "log line lost: {type(error).__name__}"}}'
        with suppress(OSError, ValueError):  # standard error is closed: no reason to fail a request
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


# ------------------------------------------------------------------ what a line is about


def begin(**fields: object) -> None:
    """Start a new piece of work: drop the fields of the one before."""
    clear_contextvars()
    about(**fields)


def about(**fields: object) -> None:
    """Add these fields to every line of this piece of work."""
    bind_contextvars(**fields)


def begin_request() -> None:
    """A ``before_request``: the first, so that all that follows has a request id."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
    g.began = time.perf_counter()
    begin(
        request_id=g.request_id,
        method=request.method,
        # The rule, not the path: a download's path is the key to it.
        route=request.url_rule.rule if request.url_rule else None,
    )
    parts = request.view_args or {}
    about(**{name: parts[name] for name in ("order_id", "provider") if name in parts})


def finish_request(response: Response) -> Response:
    """The ``after_request`` that belongs to it: logs status and duration, and sends the id."""
    response.headers["X-Request-ID"] = g.request_id
    asked = request.endpoint
    is_quiet = asked in QUIET or (asked, response.status_code) == NO_NEWS
    log.log(
        logging.DEBUG if is_quiet else logging.INFO,
        "request",
        extra={
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.began) * 1000, 1),
        },
    )
    return response


# ------------------------------------------------------------------ from a record to a line


def _formatter(as_json: bool, settings: config.Settings) -> logging.Formatter:
    render: tuple[Processor, ...] = (structlog.processors.JSONRenderer(),)
    if not as_json:
        render = (_human_readable, structlog.dev.ConsoleRenderer(pad_event_to=0, colors=False))
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper("iso" if as_json else "%H:%M:%S", utc=as_json),
            _name_the_logger,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Redactor(settings),
            *render,
        ],
    )


def _name_the_logger(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    line["logger"] = line["_record"].name
    line.pop("message", None)  # the event again, left on the record by another handler
    return line


class Redactor:
    """Masks secrets in a line: nothing but plain, bounded values comes out of it."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings

    def __call__(self, logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        keys = _keys_in_the_path()
        return {
            self._text(name, keys): self._plain(value, keys, name) for name, value in line.items()
        }

    def _plain(self, value: object, keys: list[str], name: str = "") -> Any:
        if value is None or isinstance(value, bool):
            return value
        if _is_secret(name):
            return MASK
        if isinstance(value, int | float):
            return value
        if isinstance(value, dict):
            return {
                self._text(key, keys): self._plain(each, keys, str(key))
                for key, each in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._plain(each, keys) for each in value]
        return self._text(value, keys)

    def _text(self, value: object, keys: list[str]) -> str:
        text = self.settings.mask(value if isinstance(value, str) else repr(value))
        text = NAMED.sub(rf"\1{MASK}", text)
        for key in keys:
            text = text.replace(key, MASK)
        return text[:LONGEST]


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "")
    return any(word in plain for word in SECRET_WORDS)


def _keys_in_the_path() -> list[str]:
    """Parts of this request's path that open something: ``/downloads/<token>``."""
    parts = (request.view_args or {}) if has_request_context() else {}
    return [str(each) for name, each in parts.items() if _is_secret(name) and len(each) >= SHORTEST]


def _human_readable(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Shorter, and with control characters escaped: input cannot begin or colour a line."""

    def shown(text: str, kept: str) -> str:
        return "".join(
            each if each.isprintable() or each in kept else repr(each)[1:-1] for each in text
        )

    return {
        name: shown(value, "\n" if name == "exception" else "") if isinstance(value, str) else value
        for name, value in line.items()
        if name not in ("request_id", "method", "route")
    }


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """``sys.excepthook``: the traceback that ends a process is redacted, too."""
    if isinstance(error, KeyboardInterrupt):
        return
    log.critical("ended by an error", exc_info=(kind, error, traceback))
