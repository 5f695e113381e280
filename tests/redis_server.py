"""A Redis server for the tests: the one that is named, or one of their own on a free port."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from sqlalchemy import make_url

from tools.run import free_port


@contextmanager
def server() -> Iterator[str]:
    """Yields a ``redis://`` URL; what is kept there may be thrown away."""
    named = os.environ.get("TEST_REDIS_URL")
    if named:
        # Tests that run side by side have a database each.
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield make_url(named).set(database=number).render_as_string(hide_password=False)
        return
    program = shutil.which("redis-server")
    if not program:
        raise RuntimeError(
            "These tests need Redis: install redis-server (Debian: apt-get install redis-server), "
            "or set TEST_REDIS_URL to a server whose data may be thrown away."
        )
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="shop-redis-") as folder:
        process = subprocess.Popen(
            [
                *(program, "--bind", "127.0.0.1", "--port", str(port), "--dir", folder),
                *("--save", "", "--appendonly", "no"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 30
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.02)
