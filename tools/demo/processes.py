"""Shop, sandbox and worker for the demo, as ``make run`` starts them."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import config
from providers import EXAMPLES
from tools.run import ROOT, free_port


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """On free ports, with fresh databases; yields the addresses of shop and sandbox."""
    shop, sandbox = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PAYMENT_ENVIRONMENT": "sandbox",
            "PROVIDERS_EXTRA": ",".join(EXAMPLES),
            "BASE_URL": shop,
            "SANDBOX_URL": sandbox,
            "DATABASE_URL": config.sqlite_url(Path(folder) / "shop.db"),
            "JOBS_URL": config.sqlite_url(Path(folder) / "jobs.db"),
            "SANDBOX_DATABASE_URL": config.sqlite_url(Path(folder) / "sandbox.db"),
            "SANDBOX_CLOCK_SPEED": "10",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            with process.stdout or sys.stdin as said:
                if not any("Ctrl-C" in line for line in said):
                    raise SystemExit("The shop does not start. `make run` says why.")
                yield shop, sandbox
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
