"""Runs migrations on the shop's database; called by ``flask db …`` (Flask-Migrate)."""

from typing import Any

from alembic import context
from flask import current_app

from models import UtcDateTime, db


def render_item(kind: str, item: Any, autogen: Any) -> Any:
    """Migrations stand alone: our column type is written as the type that it stores."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """The queue may live in the same database; its tables are none of ours."""
    return kind != "table" or not (name or "").startswith("huey_")


with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_item=render_item,
        include_name=include_name,
        **current_app.extensions["migrate"].configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
