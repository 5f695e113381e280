"""What the shop's own settings must look like, beyond the kinds in ``providers/settings.py``."""

import re
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from limits import parse_many
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from providers.settings import canonical_host

MAILBOX = re.compile(r"[^\s@<>,;:]+@[^\s@<>,;:]+")


def limit(value: str) -> str:
    """How many in which time, "30/minute;300/hour"; blank stands for the default.

    :raise ValueError: it is none.
    """
    try:
        wanted = parse_many(value or "1/minute")
    except ValueError:
        raise ValueError("is no limit like 30/minute;300/hour") from None
    if any(each.amount < 1 or each.multiples < 1 for each in wanted):
        raise ValueError("is a limit of nothing: write one like 30/minute;300/hour")
    return value


def sender(text: str) -> str:
    """One mailbox, with or without a name before it: "Shop <shop@example.com>".

    :raise ValueError: it is none.
    """
    found = [address for _, address in getaddresses([text])]
    try:
        # What is read must stand there: the parser leaves out what it does not understand.
        if not text.isprintable() or len(found) != 1 or found[0] not in text:
            raise ValueError
        if not MAILBOX.fullmatch(found[0]):
            raise ValueError
        canonical_host(found[0].rpartition("@")[2])
    except ValueError:
        raise ValueError("is no sender like Kiln & Kettle <shop@example.com>") from None
    return text


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
