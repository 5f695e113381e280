"""Bring the database to this version of the shop, or say in a sentence why that cannot be.

No advice here costs data: what is in the way is named, and stays where it is.
"""

from pathlib import Path

from alembic import command
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

import config
from app import create_app
from catalogue import fill_shelf
from database import db
from ops.health import REVISIONS

#: What SQLite says -> what it means, and what to do.
SQLITE_SAYS = {
    "file is not a database": "{place} is no SQLite database. Set DATABASE_URL to another file",
    "malformed": "{place} is damaged. Copy it with its -wal file before anything else, then "
    "restore a backup, or save what can be read: sqlite3 FILE .recover",
    "locked": "{place} is being written to by another process. Stop the other shop, or wait",
    "readonly": "{place} cannot be written to. Make it and its folder yours (chown)",
    "unable to open": "{place} cannot be opened. Make it and its folder yours (chown)",
    "full": "the disk of {place} is full. Free some space",
}
BACKUP = "docs/runbook.md, “Backup and restore”"


class CannotMigrate(Exception):
    """The text is one sentence or two for the operator; it holds no secret."""


def prepare_database(settings: config.Settings) -> None:
    """Migrate and fill the shelf.

    :raise CannotMigrate: the database is not ours, made by a newer version, or out of reach. It is
        as it was before.
    """
    app = create_app(settings)
    with app.app_context():
        try:
            with db.engine.connect() as connection:
                _check_whose(connection, settings)
            _upgrade()
            fill_shelf()
        except SQLAlchemyError as error:
            raise CannotMigrate(_explain(error, settings)) from error
        finally:
            db.engine.dispose()  # the processes that are started have their own


def _check_whose(connection: Connection, settings: config.Settings) -> None:
    """:raise CannotMigrate: the tables are of a newer version, or of something else."""
    found = {name for name in inspect(connection).get_table_names() if not name.startswith("huey_")}
    revision = None
    if "alembic_version" in found:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if revision in REVISIONS:
        return
    if revision is not None:
        raise CannotMigrate(
            f"{place(settings)} was made by a newer version of this shop (its migration is "
            f"{str(revision)[:40]!r}, the newest here is {REVISIONS[0]!r}). Run that version, or "
            f"restore a backup from before it ({BACKUP}). Nothing was changed."
        )
    if tables := sorted(found - {"alembic_version"}):
        raise CannotMigrate(
            f"{place(settings)} holds tables that this shop did not make "
            f"({', '.join(tables[:3])}). Set DATABASE_URL to a database of its own. Nothing was "
            "changed."
        )


def _upgrade() -> None:
    """:raise CannotMigrate: a migration failed; it was undone with all others of this run."""
    try:
        command.upgrade(current_app.extensions["migrate"].migrate.get_config(), "head")
    except CommandError as error:
        raise CannotMigrate(
            f"a migration failed and was undone: {error}. The database is as it was; the version "
            f"that made it still runs on it. Before you try again, copy it ({BACKUP})."
        ) from error


def _explain(error: SQLAlchemyError, settings: config.Settings) -> str:
    """What the database says, and what to do about it."""
    words = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    if settings.database_url.get_secret_value().startswith("sqlite"):
        for said, meaning in SQLITE_SAYS.items():
            if said in words:
                return f"{meaning.format(place=place(settings))}. Nothing was changed."
    elif getattr(error, "connection_invalidated", False) or "connection" in words:
        return (
            f"{place(settings)} does not answer: {words}. Check DATABASE_URL, and that the server "
            "runs and knows that user and database."
        )
    return (
        f"{place(settings)} says: {words}. What was begun was undone; before you try again, copy "
        f"the database ({BACKUP})."
    )


def place(settings: config.Settings) -> str:
    """The database in words, without its password."""
    url = make_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite":
        return str(Path(url.database or ""))
    return f"the database {url.database} on {url.host or 'this machine'}"
