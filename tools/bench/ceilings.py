"""The least that the stack can do: a Flask route that does nothing, and durable commits.

Every ratio is to one of these, measured between our own rounds on the same machine.
"""

import time
import uuid

from flask import Flask, Response, jsonify
from sqlalchemy import Column, MetaData, String, Table, create_engine, event

SECONDS = 2.0

NEWS = Table("bench", MetaData(), Column("id", String(32), primary_key=True))


def create_app() -> Flask:
    """A Flask app with one route, which answers JSON."""
    bare = Flask(__name__, static_folder=None)

    @bare.get("/")
    def hello() -> Response:
        return jsonify(hello="world")

    @bare.get("/healthz")
    def healthz() -> str:
        return "ok"

    return bare


def durable_commits(database_url: str) -> float:
    """How many a second, of one row each, one after the other, on this database.

    The database is left with an empty table more.
    """
    engine = create_engine(database_url)
    if engine.dialect.name == "sqlite":
        _as_durable_as_the_shop(engine)
    NEWS.create(engine, checkfirst=True)
    with engine.connect() as connection:
        count, ends = 0, time.monotonic() + SECONDS
        while time.monotonic() < ends:
            connection.execute(NEWS.insert(), {"id": uuid.uuid4().hex})
            connection.commit()
            count += 1
        connection.execute(NEWS.delete())
        connection.commit()
    engine.dispose()
    return count / SECONDS


def _as_durable_as_the_shop(engine: object) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: object, record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]
