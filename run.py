"""Start everything and stop it together: shop, sandbox, worker. Called by ``make run``.

Settings come from the environment and ``.env``; ``config.py`` lists them all.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import config
from migrate import CannotMigrate, prepare_database

ROOT = Path(__file__).parent
START_WITHIN = 30  # seconds
#: Seconds for a request that has begun: more than a provider is waited for (``providers/http.py``).
FINISH_WITHIN = 30
STOP_WITHIN = FINISH_WITHIN + 5  # seconds for each process to end by itself

#: The command that works off what is owed.
WORKER = [sys.executable, "-m", "flask", "--app", "app", "worker"]

Children = dict[str, subprocess.Popen[bytes]]


class CannotStart(Exception):
    """The text is one sentence for whoever typed the command."""


def main() -> int:
    argparse.ArgumentParser(
        description="Run the shop, the sandbox of payment providers, and the worker, until Ctrl-C.",
        epilog="Settings are read from the environment and .env; see .env.example.",
    ).parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's "&" would have us ignore SIGINT
        signal.signal(number, _interrupt)
    children: Children = {}
    try:
        settings = config.load()
        _check_ports(settings)
        _prepare_folder(settings)
        prepare_database(settings)
        if settings.environment == "sandbox":
            children["sandbox"] = start(server("sandbox.app", settings.sandbox_url, workers=1))
        children["shop"] = start(server("app", settings.base_url, workers=2))
        children["worker"] = start(WORKER)
        _wait_until_ready(settings, children)
        _say_where_to_look(settings)
        return _wait_for_an_end(children)
    except (CannotStart, CannotMigrate, config.SettingsError) as problem:
        print(f"Cannot start: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("\nStopping.")  # noqa: T201
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop(children)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check_ports(settings: config.Settings) -> None:
    """:raise CannotStart: somebody listens there already."""
    wanted = {"BASE_URL": settings.base_url}
    if settings.environment == "sandbox":
        wanted["SANDBOX_URL"] = settings.sandbox_url
    for name, url in wanted.items():
        host, port = _address(url)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CannotStart(
                    f"port {port} on {host} cannot be used ({error.strerror}). Stop what runs "
                    f"there, or choose another: {name}=http://{host}:{port + 100} make run"
                ) from error


def _prepare_folder(settings: config.Settings) -> None:
    """:raise CannotStart: a folder of an SQLite file cannot be written to."""
    for secret in (settings.database_url, settings.jobs_url):
        url = secret.get_secret_value()
        if not url.startswith("sqlite:///"):
            continue
        path = Path(url.removeprefix("sqlite:///"))
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        # A folder must be writable too: SQLite puts its journal beside the database.
        if not (path.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise CannotStart(
                f"no permission to write {path}, where the database belongs. Make its folder "
                "yours (chown), or set DATABASE_URL and JOBS_URL to another place."
            )


#: How the shop is served; the sandbox shares nothing with it, not even these.
OUR_CLASSES = ("--worker-class", "server.Worker", "--logger-class", "server.Logger")


def server(module: str, url: str, workers: int) -> list[str]:
    """The command that serves an app at this address, by gunicorn."""
    host, port = _address(url)
    return [
        *(sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8"),
        *("--workers", str(workers), "--bind", f"{host}:{port}", "--log-level", "warning"),
        *("--graceful-timeout", str(FINISH_WITHIN)),
        *("--forwarded-allow-ips", ""),  # whom to believe is TRUSTED_PROXIES' to say
        *(OUR_CLASSES if module == "app" else ()),
        *("--worker-tmp-dir", "/dev/shm") * Path("/dev/shm").is_dir(),  # noqa: S108
        f"{module}:create_app()",
    ]


def free_port() -> int:
    """A port that nobody listens on, for now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _address(url: str) -> tuple[str, int]:
    """Where to listen for this address: this machine only, unless a proxy is in front."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost")
    return "127.0.0.1", (parts.port or 80) if local else 5000


def start(command: list[str], log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C reaches this process only, which stops the others in order.

    What it says goes to ``log``, or where ours goes.
    """
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, start_new_session=True, stdout=log, stderr=log
    )


def _wait_until_ready(settings: config.Settings, children: Children) -> None:
    """:raise CannotStart: a process ended, or does not answer."""
    urls = [settings.base_url] + [settings.sandbox_url] * ("sandbox" in children)
    ends = time.monotonic() + START_WITHIN
    for url in urls:
        while not answers(url):
            _check_alive(children)
            if time.monotonic() > ends:
                raise CannotStart(f"{url} does not answer after {START_WITHIN} seconds.")
            time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether the server at this address is up."""
    host, port = _address(url)
    # By the name that the shop is known by: to any other it answers nothing.
    question = Request(f"http://{host}:{port}/healthz", headers={"Host": urlsplit(url).netloc})
    try:
        with urlopen(question, timeout=1) as answer:  # noqa: S310 - http, as it says above
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _check_alive(children: Children) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise CannotStart(f"the {name} ended by itself (code {child.returncode}), see above.")


def _say_where_to_look(settings: config.Settings) -> None:
    lines = [
        "",
        f"  Shop      {settings.base_url}",
        f"  Console   {settings.base_url}/console    orders, mail, webhooks",
    ]
    if settings.environment == "sandbox":
        lines += [
            f"  Sandbox   {settings.sandbox_url}    the providers imitated; faults on request",
            "",
            "  Pay with  MintCash and 5519 2838 1203 0000, any expiry to come, any CVV",
        ]
    print("\n".join([*lines, "", "  Ctrl-C stops everything.", ""]), flush=True)  # noqa: T201


def _wait_for_an_end(children: Children) -> int:
    while True:
        _check_alive(children)
        time.sleep(0.5)


def stop(children: Children) -> None:
    """Ask each to finish what it has begun; insist after a while."""
    for child in children.values():
        child.terminate()
    for child in children.values():
        try:
            child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
