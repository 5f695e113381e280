"""``make run`` wherever it is typed; and when something is in the way: one clear sentence, exit 1.

The plain way is walked by every browser test: they start the shop with ``make run``.
"""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from config import sqlite_url
from tools import run as run_module
from tools.run import CannotGoOn, _address, _keep_running, answers, free_port, start, stop
from tools.shopper import direct_session

from ..sandbox.driver import wait_for
from .test_migrate import fill, migrate, shop_at

ROOT = Path(__file__).parent.parent.parent


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """``python -m tools.run`` in a world of its own; a shop that starts ends by the time-out."""
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
        [sys.executable, "-m", "tools.run", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@dataclass
class Started:
    """A run that is ready; ``lines`` is what it has said since."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def child(self, pattern: str) -> int | None:
        """The process whose command looks so, by its number."""
        listed = subprocess.run(
            ["ps", "-eww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        )
        for line in listed.stdout.splitlines():
            pid, parent, command = line.split(maxsplit=2)
            if int(parent) == self.process.pid and re.search(pattern, command):
                return int(pid)
        return None

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@contextmanager
def started(folder: Path, *, root: Path = ROOT, **changes: str) -> Iterator[Started]:
    """``python -m tools.run``, ready to buy something; ended by SIGTERM."""
    environment = {
        "PATH": os.environ["PATH"],
        "BASE_URL": f"http://127.0.0.1:{free_port()}",
        "SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
        "DATABASE_URL": sqlite_url(folder / "shop.db"),
        "JOBS_URL": sqlite_url(folder / "jobs.db"),
        "SANDBOX_DATABASE_URL": sqlite_url(folder / "sandbox.db"),
        **changes,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.run"],
        cwd=root,
        env={name: value for name, value in environment.items() if value},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    run = Started(process)
    try:
        for line in process.stdout:
            run.lines.append(line)
            if "Ctrl-C" in line:
                break
        assert run.said("Ctrl-C"), "".join(run.lines)
        reader = threading.Thread(target=lambda: run.lines.extend(process.stdout or []))
        reader.start()
        yield run
    finally:
        process.terminate()
        process.wait(60)
    reader.join()
    process.stdout.close()


def child_of(run: Started, pattern: str) -> int:
    pid = run.child(pattern)
    assert pid is not None, pattern
    return pid


def front_page(url: str, name: str) -> str:
    """The shelf, asked for by the address that a browser would resolve ``url`` to."""
    with direct_session() as session:
        answer = session.get(url, headers={"Host": name}, timeout=30)
    assert answer.status_code == 200
    return answer.text


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


# ------------------------------------------------------------------ wherever it is typed


def test_behind_a_proxy_our_own_machine_is_asked_directly(tmp_path: Path) -> None:
    """S13: a proxy does not know what runs here; this one is not even there."""
    proxy = f"http://127.0.0.1:{free_port()}"
    url = f"http://127.0.0.1:{free_port()}"

    with started(tmp_path, BASE_URL=url, HTTP_PROXY=proxy, http_proxy=proxy, ALL_PROXY=proxy):
        assert "Kiln candle" in front_page(url, urlsplit(url).netloc)


@pytest.mark.parametrize("name", ["100%25 done", "a#b?c%20d ü", "50% & more; it's"])
def test_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """S19: the databases are in it, with nothing set but the ports."""
    folder = tmp_path / name
    shutil.copytree(
        ROOT,
        folder,
        ignore=shutil.ignore_patterns(".venv", ".git", ".env", "tests", "var", "build", "docs"),
    )
    url = f"http://127.0.0.1:{free_port()}"

    blank = {"DATABASE_URL": "", "JOBS_URL": "", "SANDBOX_DATABASE_URL": ""}
    with started(tmp_path, root=folder, BASE_URL=url, **blank) as run:
        assert "Kiln candle" in front_page(url, urlsplit(url).netloc)
        assert run.process.poll() is None

    kept = {each.name for each in (folder / "var").iterdir()}
    assert {"shop.db", "jobs.db", "sandbox.db"} <= kept
    assert [each.name for each in tmp_path.iterdir()] == [name], "no stray file beside it"


@pytest.mark.parametrize(
    ("base", "asked", "known_as"),
    [
        ("http://[::1]:{port}", "http://[::1]:{port}", "[::1]:{port}"),
        ("http://LocalHost:{port}", "http://127.0.0.1:{port}", "localhost:{port}"),
        ("HTTP://127.0.0.1:{port}/", "http://127.0.0.1:{port}", "127.0.0.1:{port}"),
        (
            "http://магазин.localhost:{port}",
            "http://127.0.0.1:{port}",
            "xn--80aairftm.localhost:{port}",
        ),
    ],
    ids=["ipv6", "capitals", "slash", "idn"],
)
def test_an_address_of_this_machine_may_be_spelled_otherwise(
    tmp_path: Path, base: str, asked: str, known_as: str
) -> None:
    """S20: listens there, knows itself by the name that browsers send, and takes webhooks."""
    port = str(free_port())
    base, asked, known_as = (each.format(port=port) for each in (base, asked, known_as))

    with started(tmp_path, BASE_URL=base) as run:
        assert run.said(f"http://{known_as}\n")
        page = front_page(asked, known_as)
        assert "Kiln candle" in page
        with direct_session() as session:
            webhook = session.post(
                f"{asked}/webhooks/mintcash", b"{}", headers={"Host": known_as}, timeout=30
            )
            strange = session.get(asked, headers={"Host": f"x.{known_as}"}, timeout=30)
        assert webhook.status_code == 401, "refused for its signature, not for the name"
        assert strange.status_code == 400


def test_the_port_is_a_setting_of_its_own(tmp_path: Path) -> None:
    """S20: where the public address is a proxy's."""
    port = free_port()

    with started(tmp_path, BASE_URL="http://shop.example", PORT=str(port)):
        assert "Kiln candle" in front_page(f"http://127.0.0.1:{port}", "shop.example")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://127.0.0.1:5000", ("127.0.0.1", 5000)),
        ("http://127.0.0.1", ("127.0.0.1", 80)),
        ("https://localhost", ("127.0.0.1", 443)),
        ("http://kiln.localhost:5022", ("127.0.0.1", 5022)),
        ("http://127.0.0.7:5022", ("127.0.0.7", 5022)),
        ("http://[::1]:5016", ("::1", 5016)),
        ("https://shop.example", ("127.0.0.1", 5000)),
        ("https://shop.example:8443", ("127.0.0.1", 5000)),
        ("http://192.168.1.5:8000", ("127.0.0.1", 5000)),
        ("http://notlocalhost:5022", ("127.0.0.1", 5000)),
    ],
)
def test_where_it_listens(url: str, where: tuple[str, int]) -> None:
    """S20."""
    assert _address(url) == where


def test_the_port_alone_is_enough(tmp_path: Path) -> None:
    """As hosting panels set it: shop and sandbox both know the address that follows from it."""
    port = free_port()

    with started(tmp_path, BASE_URL="", PORT=str(port)) as run:
        assert run.said(f"http://127.0.0.1:{port}\n")
        assert "Kiln candle" in front_page(f"http://127.0.0.1:{port}", f"127.0.0.1:{port}")


def test_a_taken_port_that_was_chosen_is_named_by_its_setting(
    tmp_path: Path, taken_port: int
) -> None:
    ended = run(tmp_path, BASE_URL="http://shop.example", PORT=str(taken_port))

    assert f"choose another: PORT={taken_port + 100} make run" in one_sentence(ended)


def test_databases_are_for_their_owner_only(tmp_path: Path) -> None:
    """S23: names and addresses must stay private, in every file that SQLite makes."""
    url = f"http://127.0.0.1:{free_port()}"

    with started(tmp_path, BASE_URL=url):
        front_page(url, urlsplit(url).netloc)
        found = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}

    assert {"shop.db", "jobs.db", "sandbox.db", "shop.db-wal", "shop.db-shm"} <= set(found)
    assert set(found.values()) == {0o600}


def test_a_database_that_others_may_read_is_left_so(tmp_path: Path) -> None:
    """S23: who shared it had a reason; it works as before."""
    (tmp_path / "shop.db").touch(mode=0o644)
    (tmp_path / "shop.db").chmod(0o644)
    url = f"http://127.0.0.1:{free_port()}"

    with started(tmp_path, BASE_URL=url):
        assert "Kiln candle" in front_page(url, urlsplit(url).netloc)

    assert (tmp_path / "shop.db").stat().st_mode & 0o777 == 0o644


# ------------------------------------------------------------------ when a process ends


SHOP = r" app:create_app"


@pytest.mark.parametrize(
    ("name", "command"),
    [("sandbox", r" sandbox\.app:create_app"), ("worker", r" app worker"), ("shop", SHOP)],
    ids=["sandbox", "worker", "shop"],
)
def test_a_process_that_dies_is_started_again_and_the_others_go_on(
    tmp_path: Path, name: str, command: str
) -> None:
    """The shop must bear it, so it must be seen to."""
    url, sandbox = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with started(tmp_path, BASE_URL=url, SANDBOX_URL=sandbox) as run:
        before, shop = child_of(run, command), child_of(run, SHOP)

        os.killpg(before, signal.SIGKILL)

        wait_for(lambda: run.said(f"The {name} ended by itself, killed by signal 9"), "it is said")
        if name != "shop":
            assert "Kiln candle" in front_page(url, urlsplit(url).netloc)
            assert child_of(run, SHOP) == shop
        wait_for(lambda: run.child(command) not in (None, before), "another is started")
        wait_for(lambda: answers(sandbox) and answers(url), "both answer")
        assert run.process.poll() is None


def test_what_ends_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_module, "FIRST_PAUSE", 0.01)
    commands = {
        "shop": [sys.executable, "-c", "import time; time.sleep(600)"],
        "sandbox": [sys.executable, "-c", "raise SystemExit(3)"],
    }
    children = {name: start(command) for name, command in commands.items()}
    shop = children["shop"]

    with pytest.raises(CannotGoOn) as given_up:
        _keep_running(commands, children)

    assert str(given_up.value) == (
        "the sandbox ended 5 times within 60 seconds, at last with code 3. What it said stands "
        "above."
    )
    assert children["shop"] is shop
    assert shop.poll() is None
    said = capsys.readouterr().out.splitlines()
    assert [line.rpartition("again in ")[2] for line in said] == [
        *("0.01 s.", "0.02 s.", "0.04 s.", "0.08 s.")
    ]
    stop(children)


def test_help_says_what_it_does(tmp_path: Path) -> None:
    ended = run(tmp_path, "--help")

    assert ended.returncode == 0
    assert "Run the shop, the sandbox of payment providers, and the worker" in ended.stdout
