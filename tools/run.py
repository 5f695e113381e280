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
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from sqlalchemy import make_url

import config
from database import create_private
from tools.migrate import CannotMigrate, prepare_database

ROOT = Path(__file__).parent.parent
START_WITHIN = 30  # seconds
#: Seconds for a request that has begun: more than a provider is waited for (``providers/http.py``).
FINISH_WITHIN = 30
STOP_WITHIN = FINISH_WITHIN + 5  # seconds for each process to end by itself

#: The command that works off what is owed.
WORKER = [sys.executable, "-m", "flask", "--app", "app", "worker"]

#: Seconds before a process that ended is started again: twice as long after each death.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
MOST_DEATHS, WITHIN = 5, 60.0  # so many within so many seconds, and there is no point in a next

#: Whatever HTTP_PROXY says: a proxy does not reach this machine's own addresses.
DIRECTLY = build_opener(ProxyHandler({}))

Children = dict[str, subprocess.Popen[bytes]]
Commands = dict[str, list[str]]


class CannotStart(Exception):
    """The text is one sentence for the person at the terminal."""


class CannotGoOn(Exception):
    """The same, when all had been running."""


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
        commands = _commands(settings)
        for name, command in commands.items():
            children[name] = start(command)
        _wait_until_ready(settings, children)
        _say_where_to_look(settings)
        _keep_running(commands, children)
    except (CannotStart, CannotMigrate, config.SettingsError) as problem:
        print(f"Cannot start: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    except CannotGoOn as problem:
        print(f"Stopping: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("\nStopping.")  # noqa: T201
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop(children)


def _commands(settings: config.Settings) -> Commands:
    """What runs, in the order in which it is started."""
    shop = server("app", settings.base_url, workers=2, port=settings.port)
    sandbox = server("sandbox.app", settings.sandbox_url, workers=1)
    ours = {"shop": shop, "worker": WORKER}
    return {"sandbox": sandbox, **ours} if settings.environment == "sandbox" else ours


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check_ports(settings: config.Settings) -> None:
    """:raise CannotStart: another program listens there already."""
    wanted = {"BASE_URL": (settings.base_url, settings.port)}
    if settings.environment == "sandbox":
        wanted["SANDBOX_URL"] = (settings.sandbox_url, None)
    for name, (url, chosen) in wanted.items():
        host, port = _address(url)
        port = chosen or port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            another = port + 100 if port < 65000 else port - 100
            if chosen or not _is_here(url):
                advice = f"PORT={another}"
            else:
                parts = urlsplit(url)
                advice = f"{name}={parts.scheme}://{_name(parts.hostname)}:{another}"
            raise CannotStart(
                f"port {port} on {host} cannot be used ({error.strerror}). Stop what runs "
                f"there, or choose another: {advice} make run"
            ) from error


def _prepare_folder(settings: config.Settings) -> None:
    """:raise CannotStart: a folder of an SQLite file cannot be written to."""
    for secret in (settings.database_url, settings.jobs_url):
        url = make_url(secret.get_secret_value())
        if url.get_backend_name() != "sqlite":
            continue
        path = Path(url.database or "")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            create_private(path)
        # A folder must be writable too: SQLite puts its journal beside the database.
        if not (path.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise CannotStart(
                f"no permission to write {path}, where the database belongs. Make its folder "
                "yours (chown), or set DATABASE_URL and JOBS_URL to another place."
            )


#: How the shop is served; the sandbox shares nothing with it, not even these.
OUR_CLASSES = ("--worker-class", "ops.server.Worker", "--logger-class", "ops.server.Logger")


def server(module: str, url: str, workers: int, port: int | None = None) -> list[str]:
    """The command that serves an app at this address, by gunicorn; ``port``: on another one."""
    host, usual = _address(url)
    return [
        *(sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8"),
        *(
            "--workers",
            str(workers),
            "--bind",
            f"{_name(host)}:{port or usual}",
            "--log-level",
            "warning",
        ),
        *("--graceful-timeout", str(FINISH_WITHIN)),
        *("--forwarded-allow-ips", ""),  # whom to believe is TRUSTED_PROXIES' to say
        *(() if module == "sandbox.app" else OUR_CLASSES),
        *("--worker-tmp-dir", "/dev/shm") * Path("/dev/shm").is_dir(),  # noqa: S108
        f"{module}:create_app()",
    ]


def free_port() -> int:
    """A port that no program listens on, for now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _address(url: str) -> tuple[str, int]:
    """Where to listen for this address: on this machine only; a public one is a proxy's."""
    parts = urlsplit(url)
    if not _is_here(url):
        return "127.0.0.1", 5000
    host = parts.hostname or ""
    default = {"http": 80, "https": 443}[parts.scheme]
    return "127.0.0.1" if host.endswith("localhost") else host, parts.port or default


def _is_here(url: str) -> bool:
    """Whether a browser that is given this address asks this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _name(host: str | None) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in (host or "") else str(host)


def start(command: list[str], log: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C reaches this process only, which stops the others in order.

    What it says goes to ``log``, or where ours goes.
    """
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, start_new_session=True, stdout=log, stderr=log
    )


def _wait_until_ready(settings: config.Settings, children: Children) -> None:
    """:raise CannotStart: a process ended, or does not answer."""
    servers: list[tuple[str, int | None]] = [(settings.base_url, settings.port)]
    if "sandbox" in children:
        servers.append((settings.sandbox_url, None))
    ends = time.monotonic() + START_WITHIN
    for url, port in servers:
        while not answers(url, port):
            _check_alive(children)
            if time.monotonic() > ends:
                raise CannotStart(f"{url} does not answer after {START_WITHIN} seconds.")
            time.sleep(0.05)


def answers(url: str, port: int | None = None) -> bool:
    """Whether the server that :func:`server` starts for this address is up."""
    host, usual = _address(url)
    # By the name that the shop is known by: to any other it answers nothing.
    name = {"Host": urlsplit(url).netloc}
    question = Request(f"http://{_name(host)}:{port or usual}/healthz", headers=name)
    try:
        with DIRECTLY.open(question, timeout=1) as answer:
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


def _keep_running(commands: Commands, children: Children) -> NoReturn:
    """Start again what ends by itself, until Ctrl-C; the other processes go on meanwhile.

    All in the same way: the shop bears a provider and a worker that are away, and a shop that was
    killed has nothing in memory that it would miss. Gunicorn replaces its own children by itself.

    :raise CannotGoOn: one of them ends again and again.
    """
    deaths: dict[str, list[float]] = {name: [] for name in commands}
    due: dict[str, float] = {}
    while True:
        for name, command in commands.items():
            now = time.monotonic()
            if name in due and now >= due[name]:
                del due[name]
                with contextlib.suppress(ProcessLookupError):  # what it left may hold its port
                    os.killpg(children[name].pid, signal.SIGKILL)
                children[name] = start(command)
            elif name not in due and (code := children[name].poll()) is not None:
                deaths[name] = [*(each for each in deaths[name] if now - each < WITHIN), now]
                count = len(deaths[name])
                how = f"killed by signal {-code}" if code < 0 else f"with code {code}"
                if count >= MOST_DEATHS:
                    raise CannotGoOn(
                        f"the {name} ended {count} times within {WITHIN:.0f} seconds, at last "
                        f"{how}. What it said stands above."
                    )
                pause = min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE)
                due[name] = now + pause
                print(  # noqa: T201
                    f"The {name} ended by itself, {how}; it starts again in {pause:g} s.",
                    flush=True,
                )
        time.sleep(0.1)


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
