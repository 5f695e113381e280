"""``make run`` when something is in the way: one clear sentence, exit 1, nothing left running.

The happy way is walked by every browser test: they start the shop with ``run.py``.
"""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from run import free_port

from .test_migrations import fill, migrate, shop_at

ROOT = Path(__file__).parent.parent


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """``python run.py`` in a world of its own; whoever starts for real fails by the time-out."""
    environment = {
        "PATH": os.environ["PATH"],
        "BASE_URL": f"http://127.0.0.1:{free_port()}",
        "SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
        "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "JOBS_URL": f"sqlite:///{folder}/jobs.db",
        "SANDBOX_DATABASE_URL": f"sqlite:///{folder}/sandbox.db",
        **changes,
    }
    return subprocess.run(
        [sys.executable, ROOT / "run.py", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def one_sentence(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("Cannot start: ")]
    assert len(lines) == 1, ended.stderr
    return lines[0]


@pytest.mark.parametrize("name", ["BASE_URL", "SANDBOX_URL"])
def test_a_taken_port_is_named_with_a_way_out(tmp_path: Path, taken_port: int, name: str) -> None:
    ended = run(tmp_path, **{name: f"http://127.0.0.1:{taken_port}"})

    assert f"port {taken_port} on 127.0.0.1 cannot be used" in one_sentence(ended)
    assert f"{name}=http://127.0.0.1:{taken_port + 100} make run" in ended.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = run(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/file/shop.db")

    assert f"no permission to write {tmp_path}/file/shop.db" in one_sentence(ended)


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (
            [
                "CREATE TABLE alembic_version (version_num TEXT)",
                "INSERT INTO alembic_version VALUES ('9999')",
            ],
            "was made by a newer version of this shop (its migration is '9999'",
        ),
        (["CREATE TABLE orders (id TEXT)"], "holds tables that this shop did not make (orders)"),
        (
            ["CREATE TABLE recipes (id TEXT)", "CREATE TABLE alembic_version (version_num TEXT)"],
            "holds tables that this shop did not make (recipes)",
        ),
    ],
    ids=["newer", "same_names", "another_alembic"],
)
def test_a_database_that_is_not_this_versions_is_said_and_left_alone(
    tmp_path: Path, statements: list[str], sentence: str
) -> None:
    """T03: and no advice that would cost the data in it."""
    with sqlite3.connect(tmp_path / "shop.db") as database:
        for statement in statements:
            database.execute(statement)
        before = database.execute("SELECT * FROM sqlite_schema").fetchall()
    database.close()

    said = one_sentence(run(tmp_path))

    assert said.startswith(f"Cannot start: {tmp_path}/shop.db {sentence}")
    assert "Nothing was changed." in said
    assert "away" not in said
    database = sqlite3.connect(tmp_path / "shop.db")
    assert database.execute("SELECT * FROM sqlite_schema").fetchall() == before
    database.close()


def test_a_migration_that_fails_is_said_with_how_to_keep_the_data(tmp_path: Path) -> None:
    """T03: a row whose parent was lost, long ago, by other hands."""
    with shop_at(f"sqlite:///{tmp_path}/shop.db", tmp_path):
        migrate("0001")
        fill()
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("DELETE FROM payments WHERE id = 'paid-2'")
    database.close()

    said = one_sentence(run(tmp_path))

    assert "a migration failed and was undone" in said
    assert "1 of deliveries point at payments" in said
    assert "Before you try again, copy it (docs/runbook.md" in said
    with sqlite3.connect(tmp_path / "shop.db") as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    database.close()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    words = "shopping list: eggs, milk, flour\n" * 100
    (tmp_path / "shop.db").write_text(words)

    said = one_sentence(run(tmp_path))

    assert f"{tmp_path}/shop.db is no SQLite database. Set DATABASE_URL to another file" in said
    assert (tmp_path / "shop.db").read_text() == words


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    ended = run(tmp_path, DATABASE_URL=f"postgresql://nobody:canary@127.0.0.1:{free_port()}/none")

    said = one_sentence(ended)

    assert "the database none on 127.0.0.1 does not answer" in said
    assert "Check DATABASE_URL" in said
    assert "canary" not in ended.stderr


def test_a_setting_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    ended = run(tmp_path, PAYMENT_ENVIRONMENT="live")

    assert "SECRET_KEY is not set" in one_sentence(ended)


def test_help_says_what_it_does(tmp_path: Path) -> None:
    ended = run(tmp_path, "--help")

    assert ended.returncode == 0
    assert "Run the shop, the sandbox of payment providers, and the worker" in ended.stdout
