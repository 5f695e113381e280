"""The engine of the queue: huey on SQLite, PostgreSQL or Redis, as ``JOBS_URL`` says.

An engine connects when it is first used and gives up waiting soon, since a web request waits with
it: the shop starts, and sells, while its queue is away.
"""

import logging
import sqlite3
from typing import Any

import psycopg
import redis
from huey import Huey
from huey.storage import PostgresStorage, RedisStorage, SqliteStorage
from sqlalchemy import make_url

from database import create_private

WAIT = 2  # seconds: for a connection, a lock, an answer

#: What an engine raises when it is down, locked or full.
QUEUE_ERRORS = (sqlite3.Error, psycopg.Error, redis.RedisError)


def create_engine(url: str) -> Huey:
    """``sqlite:///file`` serves one machine; ``postgresql://…`` and ``redis[s]://…`` serve many.

    ``url``: as :class:`config.Settings` has checked it.
    """
    if url.startswith("sqlite:///"):
        file = make_url(url).database
        storage: dict[str, Any] = {"storage_class": Sqlite, "filename": file, "timeout": WAIT}
    elif url.startswith("postgresql://"):
        storage = {
            "storage_class": Postgres,
            "dsn": url,
            "connect_timeout": WAIT,
            "tcp_user_timeout": 1000 * WAIT,  # milliseconds: a host that is gone says nothing
        }
    else:
        pool = redis.ConnectionPool.from_url(
            url, socket_connect_timeout=WAIT, socket_timeout=WAIT, health_check_interval=30
        )
        return Huey("shop", results=False, storage_class=RedisStorage, connection_pool=pool)
    return Huey("shop", results=False, create_tables=False, **storage)


def one_line(error: object) -> str:
    """What an engine says, without its advice on the lines below."""
    return str(error).partition("\n")[0]


def shorten(record: logging.LogRecord) -> bool:
    """A filter for huey's log: an engine that does not answer is one line for each try."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, QUEUE_ERRORS):
        record.msg, record.args = f"{record.getMessage()} {one_line(error)}", ()
        record.exc_info = None
    return True


class Sqlite(SqliteStorage):  # type: ignore[misc]
    """huey's, but its tables are made when it connects, not when the shop starts."""

    def _create_connection(self) -> sqlite3.Connection:
        create_private(self.filename)
        connection: sqlite3.Connection = super()._create_connection()
        try:
            for statement in self.ddl:
                connection.execute(statement)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


class Postgres(PostgresStorage):  # type: ignore[misc]
    """huey's, but its tables are made when it connects, and by one process at a time."""

    def _create_connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = super()._create_connection()
        try:
            connection.execute(f"SET statement_timeout = '{WAIT}s'")
            # IF NOT EXISTS is no help when two processes make the same table at once.
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self.channel])
                found = connection.execute("SELECT to_regclass(%s)", [self.table_counter])
                if found.fetchone() == (None,):
                    for statement in self.ddl:
                        connection.execute(statement)
        except psycopg.Error:
            connection.close()
            raise
        return connection
