"""Addresses of databases, queues and mail servers, as they may be written in the settings.

Each reader returns one spelling, and raises ``ValueError`` with what to write instead; the text
never quotes the address, which may hold a password.
"""

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from providers.urls import canonical_host


def database(url: str, folder: Path) -> str:
    """SQLAlchemy's address. ``postgres://`` and ``postgresql://``, as hosting panels print them,
    mean psycopg 3; a relative path of SQLite begins in ``folder``.
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        return sqlite(url, folder)
    if scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError("is neither sqlite:///file nor postgresql://user@host/name")
    return database_server(url, "postgresql+psycopg")


def queue(url: str, folder: Path) -> str:
    """The address of the queue's engine."""
    scheme = url.partition("://")[0].removesuffix("+psycopg")
    if url.startswith("sqlite:///"):
        return sqlite(url, folder)
    if scheme == "postgres":
        scheme = "postgresql"
    if scheme not in ("postgresql", "redis", "rediss"):
        raise ValueError(
            "is none of sqlite:///file, postgresql://user@host/name, redis://host, rediss://host"
        )
    return database_server(url, scheme)


def rate_limits(url: str) -> str:
    """Where requests are counted."""
    scheme = urlsplit(url).scheme
    if scheme not in ("memory", "redis", "rediss"):
        raise ValueError("is neither memory:// nor redis://host:6379")
    if scheme != "memory":
        server(url, ("redis", "rediss"), "redis://host:6379")
    return url


def mail(url: str) -> str:
    """The address of the mail server: no path, no query."""
    example = "smtp://user:password@host:587"
    parts = server(url, ("smtp", "smtps"), example)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"must end after host and port, as in {example}")
    return url


def server(url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The address of a server that speaks another protocol than http; it may hold a password.

    :raise ValueError: none of these schemes, no host, or a port that is none.
    """
    wrong = f"is not an address like {example}: write signs in a password as %XX"
    if not url.isprintable() or re.search(r"\s", url):
        raise ValueError(wrong)
    try:
        parts = urlsplit(url)
        canonical_host(parts.hostname or "")
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in schemes or port == 0:
        raise ValueError(wrong)
    return parts


def sqlite_url(path: Path) -> str:
    """The address of an SQLite file, whatever its folders are called."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def sqlite(url: str, folder: Path) -> str:
    """One spelling; a relative path begins in ``folder``, whatever process reads it.

    :raise ValueError: it names no file.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = URL.create("sqlite")
    if address.database in (None, "", ":memory:"):
        raise ValueError("names no file: write sqlite:///path/to/file.db")
    return address.set(database=str(folder.joinpath(address.database))).render_as_string()


def database_server(url: str, scheme: str) -> str:
    """One spelling.

    :raise ValueError: it cannot be read; the text does not quote it.
    """
    try:
        return make_url(url).set(drivername=scheme).render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        name = scheme.partition("+")[0]
        raise ValueError(f"is no {name}:// address: write signs in a password as %XX") from None
