"""The shop's database in the explorer: remembered, put back, dropped as by a kill, watched."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event, make_url

from database import db
from tools.explore.points import Actor, Killed, actor, reach

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+\"?([a-z_]+)", re.IGNORECASE)
#: Opening a transaction for reading, and giving one up, changes nothing outside.
UNSEEN = ("BEGIN", "ROLLBACK")


@cache
def words_of(statement: str) -> str:
    """A statement in two words: "UPDATE payments"."""
    verb = " ".join(statement.split()[:1]).upper()
    table = TABLE.search(statement)
    if verb in ("BEGIN", "SAVEPOINT", "RELEASE"):
        return " ".join(statement.split()[:2]).upper()
    locks = ", locked" if "FOR UPDATE" in statement else ""
    return f"{verb} {table[1] if table else ''}{locks}".strip()


class Connections:
    """Every connection of the shop's process, with a point before each statement and COMMIT."""

    def __init__(self, engine: Engine, is_dead: Callable[[], bool]) -> None:
        self.is_dead = is_dead
        self.is_immediate = True  # or else BEGIN takes no lock on SQLite: see guards.py
        self._open: list[Any] = []
        self.deadlocks = 0
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "handle_error", self._failed)
        event.listen(engine, "do_execute", self._execute)
        event.listen(engine, "do_executemany", self._execute_many)
        self._commit, self._rollback = engine.dialect.do_commit, engine.dialect.do_rollback
        dialect: Any = engine.dialect
        dialect.do_commit, dialect.do_rollback = self.commit, self.rollback
        self.engine = engine

    def _failed(self, context: Any) -> None:
        self.deadlocks += isinstance(context.original_exception, psycopg.errors.DeadlockDetected)

    def drop(self) -> None:
        """As a kill does: the server rolls back whatever was under way."""
        for connection in self._open:
            with suppress(Exception):
                connection.close()
        self._open.clear()

    def commit(self, connection: Any) -> None:
        reach("commit", "COMMIT", writes=True)
        self._commit(connection)
        self._released()

    def rollback(self, connection: Any) -> None:
        if self.is_dead():
            return
        self._rollback(connection)
        self._released()

    def _released(self) -> None:
        who = actor()
        if who:
            who.holds_the_lock = False

    def _connected(self, connection: Any, _record: object) -> None:
        self._open.append(connection)
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA busy_timeout=0")  # see _when_free

    def _execute(self, cursor: Any, statement: str, parameters: Any, _context: object) -> bool:
        self._announce(statement)
        if statement == "BEGIN IMMEDIATE" and not self.is_immediate:
            statement = "BEGIN"
        who = actor()
        if who and isinstance(cursor, psycopg.Cursor):
            who.server_process = cursor.connection.info.backend_pid
        self._when_free(lambda: cursor.execute(statement, parameters))
        self._took_the_lock(statement)
        return True

    def _execute_many(self, cursor: Any, statement: str, parameters: Any, _: object) -> bool:
        self._announce(statement)
        self._when_free(lambda: cursor.executemany(statement, parameters))
        return True

    def _announce(self, statement: str) -> None:
        if statement not in UNSEEN:
            reach("statement", words_of(statement), writes=bool(WRITES.match(statement)))
        elif self.is_dead():
            raise Killed

    def _when_free(self, execute: Callable[[], object]) -> None:
        """SQLite waits for its one writer by sleeping; here the others move meanwhile.

        :raise sqlite3.OperationalError: what was read before is out of date, so waiting is no help.
        """
        while True:
            try:
                execute()
            except sqlite3.OperationalError as error:
                who = actor()
                if who is None or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                who.wait("the write lock")
            else:
                return

    def _took_the_lock(self, statement: str) -> None:
        who = actor()
        if who and statement == "BEGIN IMMEDIATE":
            who.holds_the_lock = True


class Sqlite:
    """A database file, remembered as its bytes."""

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"sqlite:///{path}"

    def snapshot(self) -> bytes:
        with _closing(self.path) as connection:
            return connection.serialize()

    def restore(self, snapshot: bytes) -> None:
        """While no connection is open."""
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self.path.write_bytes(snapshot)

    def waits(self, who: Actor) -> bool:
        """Never: see :meth:`Connections._when_free`."""
        return False

    def rows(self) -> list[Any]:
        with _closing(self.path) as connection:
            named = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            tables = [name for (name,) in connection.execute(named)]
            return [connection.execute(f'SELECT * FROM "{each}"').fetchall() for each in tables]  # noqa: S608


@contextmanager
def _closing(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    try:
        yield connection
    finally:
        connection.close()


class Postgres:
    """A database on a server, remembered as the rows of its tables."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.watcher = psycopg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False),
            autocommit=True,
        )
        #: Two that wait for each other are told so soon, and not after a second.
        self.watcher.execute("ALTER SYSTEM SET deadlock_timeout = '30ms'")
        self.watcher.execute("SELECT pg_reload_conf()")

    def snapshot(self) -> "Rows":
        query = "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences"
        counters: dict[str, int | None] = dict(self.watcher.execute(query).fetchall())
        tables = [(each, self._copied(each)) for each in self._tables()]
        return [(table, rows) for table, rows in tables if rows], counters

    def restore(self, snapshot: "Rows") -> None:
        tables, counters = snapshot
        empty = "; ".join(f"DELETE FROM {each}" for each in reversed(self._tables()))  # noqa: S608
        # So that a new row has the same number each time.
        count = "SELECT setval(name, value, used) FROM unnest(%s, %s, %s) AS t(name, value, used)"
        values = [last or 1 for last in counters.values()]
        used = [last is not None for last in counters.values()]
        with self.watcher.transaction():
            self.watcher.execute(empty.encode())
            for table, rows in tables:
                with self.watcher.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    copy.write(rows)
            self.watcher.execute(
                count.replace("unnest(%s", "unnest(%s::text[]"), [[*counters], values, used]
            )

    def rows(self) -> list[Any]:
        return self.snapshot()[0]

    def waits(self, who: Actor) -> bool:
        """Whether the server lets this actor's statement wait for a lock."""
        query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        found = self.watcher.execute(query, [who.server_process]).fetchone()
        return bool(found and found[0])

    def _copied(self, table: str) -> bytes:
        with self.watcher.cursor().copy(
            f"COPY (SELECT * FROM {table} ORDER BY 1) TO STDOUT".encode()  # noqa: S608
        ) as copy:
            return b"".join(bytes(part) for part in copy)

    @staticmethod
    def _tables() -> list[str]:
        return [table.name for table in db.metadata.sorted_tables]


Rows = tuple[list[tuple[str, bytes]], dict[str, int | None]]  # by table, and by sequence
Database = Sqlite | Postgres
