"""The database: one session, one way to write, one clock, and what SQLite needs to be told."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Engine,
    MetaData,
    TypeDecorator,
    event,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, Session, registry


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on every database; SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UtcDateTime, dict[str, Any]: JSON},
    )


db = SQLAlchemy(model_class=Base)


def now() -> datetime:
    return datetime.now(UTC)


#: How each database is asked for the present moment; SQLite answers in the form that it stores.
CLOCKS: dict[str, ColumnElement[Any]] = {
    "sqlite": func.strftime("%Y-%m-%d %H:%M:%f000", "now"),
    "postgresql": func.clock_timestamp(),
}


def database_clock() -> ColumnElement[datetime]:
    """The database's clock, to be read within a statement."""
    return type_coerce(CLOCKS[db.engine.dialect.name], UtcDateTime)


def database_now() -> datetime:
    """The present by the database's clock, for moments that one machine sets and another compares.

    Machines disagree about the time; leases and due times must not.
    """
    return db.session.execute(select(database_clock())).scalar_one()


@contextmanager
def transaction() -> Iterator[Session]:
    """One write transaction: all of it at the end, or nothing of it after an exception.

    What was read before is forgotten, so that everything inside is decided on fresh rows. On
    SQLite it takes the write lock at once (``BEGIN IMMEDIATE``): a transaction that starts by
    reading and then wants to write would otherwise fail instead of waiting its turn.

    :raise RuntimeError: inside another one, whose writes the rollback would throw away.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("transaction() inside transaction(): leave the outer one first")
    session.rollback()
    session.connection(execution_options={"begin_immediate": True})
    session.info["in_transaction"] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["in_transaction"] = False


Row = TypeVar("Row", bound=Base)


def insert_into(table: type[Base]) -> Any:
    """``INSERT`` as this database has it, with ``on_conflict_do_update``."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[db.engine.dialect.name](table)


def update_one(table: type[Row], which: ColumnElement[bool], **values: Any) -> Row | None:
    """One conditional UPDATE: the row as it is now, or None when none was changed.

    It is the guard against every race: a rival waits for it, and then finds the condition untrue.
    """
    statement = update(table).where(which).values(**values).returning(table)
    options = {"synchronize_session": False, "populate_existing": True}
    return db.session.scalars(statement, execution_options=options).one_or_none()


def insert_or_add(table: type[Base], *, value: int, **key: Any) -> None:
    """A new row with this ``value``, or as much more in the row that has this key."""
    statement = insert_into(table).values(**key, value=value)
    more = {"value": table.__table__.c.value + value}
    db.session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=more))


def prepare_sqlite(engine: Engine) -> None:
    """Money is on disk before the 200: WAL with ``synchronous=FULL``; wait for locks, not fail."""

    @event.listens_for(engine, "do_connect")
    def connecting(dialect: Dialect, record: object, arguments: list[Any], options: Any) -> None:
        create_private(arguments[0])

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # the driver must not say BEGIN: ``begun`` does
        for pragma in (
            "busy_timeout=10000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("begin_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def create_private(path: str | Path) -> None:
    """An empty file that only its owner can read, where there is none yet; else nothing happens.

    SQLite gives a database's -wal and -shm files the same permissions as the database.
    """
    with suppress(OSError):  # SQLite says better what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
