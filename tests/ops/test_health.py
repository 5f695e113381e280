"""/healthz and /readyz answer with a short reason, within seconds (F10)."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

import config
from app import create_app
from database import transaction
from ops import health

from ..conftest import close
from ..shopper import Shopper

BOUND = 6.0  # seconds; a load balancer's patience


def ready(app: Flask) -> tuple[int, str]:
    began = time.monotonic()
    answer = Shopper(app).get("/readyz")
    assert time.monotonic() - began < BOUND
    return answer.status_code, answer.text


def set_revision(app: Flask, revision: str) -> None:
    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revision})


@pytest.fixture
def other_app(tmp_path: Path) -> Iterator[list[Flask]]:
    """Apps that a test makes for itself are closed after it."""
    apps: list[Flask] = []
    yield apps
    for app in apps:
        close(app)


def test_a_shop_that_can_work_is_ready(app: Flask) -> None:
    assert ready(app) == (200, "ok")


def test_a_shop_is_alive_whatever_its_database_does(app: Flask, tmp_path: Path) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/nowhere/shop.db"

    answer = Shopper(app).get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok")


def test_pending_migrations_are_said_and_newer_tables_are_no_reason(app: Flask) -> None:
    """F12: a deploy begins with tables that the running code does not know yet."""
    newest, *_, oldest = health.REVISIONS
    try:
        set_revision(app, oldest)
        assert ready(app) == (503, "migrations are pending")
        set_revision(app, "from_the_future")
        assert ready(app) == (200, "ok")
    finally:
        set_revision(app, newest)


def test_a_database_without_tables_has_all_migrations_pending(
    tmp_path: Path, other_app: list[Flask]
) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    settings = config.load(
        database_url=f"sqlite:///{tmp_path}/empty.db", jobs_url=f"sqlite:///{tmp_path}/jobs.db"
    )
    other_app.append(create_app(settings))

    assert ready(other_app[0]) == (503, "migrations are pending")
    with other_app[0].app_context():
        upgrade()
    assert ready(other_app[0]) == (200, "ok")


# ------------------------------------------------------------------ SQLite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_is_gone_is_said_and_not_made_anew(app: Flask, file: Path) -> None:
    assert ready(app) == (200, "ok")
    file.rename(file.with_suffix(".away"))

    assert ready(app) == (503, "database does not answer")
    assert not file.exists()

    file.with_suffix(".away").rename(file)
    assert ready(app) == (200, "ok")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_cannot_be_written_is_said(app: Flask, file: Path) -> None:
    """By a mark in the file's head, since nothing is read-only to root: "for newer SQLite"."""
    close(app)
    with file.open("r+b") as content:
        content.seek(18)
        content.write(b"\x03")

    assert ready(app) == (503, "database is read-only")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_locked_file_is_said_in_time(app: Flask, file: Path) -> None:
    with sqlite3.connect(file, isolation_level=None) as rival:
        rival.execute("BEGIN IMMEDIATE")
        assert ready(app) == (503, "database does not answer")
    rival.close()

    assert ready(app) == (200, "ok")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_said(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LEAST_SPACE", 10**18)

    assert ready(app) == (503, "disk is full")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_to_ask_changes_nothing(app: Flask, file: Path) -> None:
    before = file.read_bytes()

    assert ready(app) == (200, "ok")

    assert file.read_bytes() == before


# ------------------------------------------------------------------ PostgreSQL


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_standby_is_said(app: Flask, database_url: str) -> None:
    name = database_url.rpartition("/")[2].partition("?")[0]
    switch = f'ALTER DATABASE "{name}" SET default_transaction_read_only = '
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"{switch} on".encode())
        try:
            assert ready(app) == (503, "database is read-only")
        finally:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(f"{switch} off".encode())
    assert ready(app) == (200, "ok")


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "hangs"])
def test_a_server_that_is_gone_or_hangs_is_said_in_time(
    tmp_path: Path, other_app: list[Flask], silent: bool
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if silent:
            listener.listen()
        settings = config.load(
            database_url=f"postgresql://shop:secret@127.0.0.1:{listener.getsockname()[1]}/shop",
            jobs_url=f"sqlite:///{tmp_path}/jobs.db",
        )
        other_app.append(create_app(settings))

        assert ready(other_app[0]) == (503, "database does not answer")
