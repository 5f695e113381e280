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


def test_a_database_from_another_version_is_said(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('from_the_future')")
    database.close()

    ended = run(tmp_path)

    assert "made by another version of this shop" in one_sentence(ended)
    assert f"Move {tmp_path}/shop.db away" in ended.stderr


def test_a_database_of_something_else_is_said(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE orders (id TEXT)")
    database.close()

    assert "table orders already exists" in one_sentence(run(tmp_path))


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("shopping list: eggs, milk, flour\n" * 100)

    assert "file is not a database" in one_sentence(run(tmp_path))


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    ended = run(tmp_path, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")

    assert "Check DATABASE_URL" in one_sentence(ended)


def test_a_setting_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    ended = run(tmp_path, PAYMENT_ENVIRONMENT="live")

    assert "SECRET_KEY is not set" in one_sentence(ended)


def test_help_says_what_it_does(tmp_path: Path) -> None:
    ended = run(tmp_path, "--help")

    assert ended.returncode == 0
    assert "Run the shop, the sandbox of payment providers, and the worker" in ended.stdout
