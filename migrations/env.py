"""Runs migrations on the shop's database; called by ``flask db …`` (Flask-Migrate)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy.engine import Connection

from database import UtcDateTime, db


def render_item(kind: str, item: Any, autogen: Any) -> Any:
    """Migrations stand alone: our column type is written as the type that it stores."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """The queue may live in the same database; its tables are none of ours."""
    return kind != "table" or not (name or "").startswith("huey_")


@contextmanager
def no_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by building it again, which rows that point at the old one forbid.

    The switch does nothing inside a transaction (sqlite.org/pragma.html#pragma_foreign_keys), so it
    is set on the driver's connection, where SQLAlchemy begins none.
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def check_foreign_keys(connection: Connection) -> None:
    """What SQLite has not watched meanwhile.

    :raise CommandError: a row points at a row that is not there.
    """
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        places = Counter(f"{table} point at {parent}" for table, _, parent, _ in broken)
        raise CommandError(
            "rows would point at rows that are not there: "
            + ", ".join(f"{count} of {place}" for place, count in sorted(places.items()))
        )


# All migrations in one transaction: one that fails leaves the database as it was. On SQLite it
# takes the write lock at once, so that two processes that migrate do it one after the other.
with (
    db.engine.connect().execution_options(begin_immediate=True) as connection,
    no_foreign_keys(connection),
    connection.begin(),
):
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_item=render_item,
        include_name=include_name,
        **current_app.extensions["migrate"].configure_args,
    )
    before = context.get_context().get_current_heads()
    context.run_migrations()
    if context.get_context().get_current_heads() != before:
        check_foreign_keys(connection)
