"""Liveness and readiness, for load balancers and for the person on call."""

import shutil
import sqlite3
from pathlib import Path
from urllib.parse import quote

import psycopg
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import URL, make_url

from config import ROOT

WITHIN = 2  # seconds for each question to the database
LEAST_SPACE = 50_000_000  # bytes left on the disk of an SQLite file

REVISION = "SELECT version_num FROM alembic_version"

#: The migrations that this code came with, newest first. Read now: a deploy puts others there.
REVISIONS = tuple(
    each.revision for each in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()
)


class NotReady(Exception):
    """The text is a short reason."""


def healthz() -> str:
    """The process answers."""
    return "ok"


def readyz() -> tuple[str, int]:
    """The process can do its work. If not: 503 with a short reason, within a few seconds."""
    url = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    ask = _ask_sqlite if url.get_backend_name() == "sqlite" else _ask_postgresql
    try:
        revision = ask(url)
        if revision is None or revision in REVISIONS[1:]:
            raise NotReady("migrations are pending")
    except NotReady as why:
        return str(why), 503
    # Newer tables than this code knows are fine: a deploy migrates first.
    return "ok", 200


# Both open a connection of their own: a pooled one may hold a deleted file, or be one that requests
# are waiting for.


def _ask_sqlite(url: URL) -> str | None:
    """The revision of the tables.

    :raise NotReady: the database does not answer, is read-only or full.
    """
    path = Path(url.database or "")
    try:
        # mode=rw: to open must not make an empty database in place of one that is gone.
        database = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", WITHIN, uri=True)
        try:
            found = database.execute(REVISION).fetchone()
            database.execute("UPDATE alembic_version SET version_num = version_num")  # no commit
        finally:
            database.close()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None
        if "readonly" in str(error):
            raise NotReady("database is read-only") from error
        raise NotReady("database does not answer") from error
    if shutil.disk_usage(path.parent).free < LEAST_SPACE:
        raise NotReady("disk is full")
    return found[0] if found else None


def _ask_postgresql(url: URL) -> str | None:
    """The revision of the tables.

    :raise NotReady: the database does not answer, is read-only or full.
    """
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    limit = f"-c statement_timeout={WITHIN}s"
    try:
        with psycopg.connect(address, connect_timeout=WITHIN, options=limit) as database:
            (read_only,) = database.execute("SHOW transaction_read_only").fetchone() or ("on",)
            found = database.execute(REVISION).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.Error as error:
        raise NotReady("database does not answer") from error
    if read_only == "on":  # a standby, or a disk that filled up
        raise NotReady("database is read-only")
    return found[0] if found else None
