"""Requests a second, by ``wrk``: each answer is looked at, and a fast error is a failure."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .rows import Row, Sent, WrongAnswer

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Measured:
    """``rate``: answers a second. ``p99``: milliseconds within which 99 of 100 came."""

    answers: int
    rate: float
    p99: float


def send(url: str, row: Row, requests: list[Sent], seconds: float) -> Measured:
    """Send these for so long, or until each was sent once where they write.

    :raise WrongAnswer: an answer was not as the row says, or there was none.
    """
    with tempfile.NamedTemporaryFile() as file:
        for each in requests:
            raw = _raw(urlsplit(url).netloc, each)
            file.write(b"%d\n%s" % (len(raw), raw))
        file.flush()
        how = ("--threads", "1", "--connections", str(row.clients), "--duration", f"{seconds:.0f}s")
        expected = (str(row.status), row.holds, "once" if row.writes else "again")
        said = subprocess.run(  # noqa: S603
            ["wrk", *how, "--script", SCRIPT, url, "--", file.name, *expected],  # noqa: S607
            capture_output=True,
            text=True,
        ).stdout
    results = re.findall(r"RESULT (.*)", said)
    if not results:
        raise WrongAnswer(f"{row.name}: {said.strip()}")
    found = json.loads(results[0])
    # When all were sent once, what is under way is cut.
    allowed = row.clients if row.writes else 0
    if found["wrong"] or found["lost"] > allowed or not found["answers"]:
        raise WrongAnswer(f"{row.name}: {found}")
    return Measured(found["answers"], found["answers"] / found["seconds"], found["p99_ms"])


def _raw(host: str, sent: Sent) -> bytes:
    """A request as it goes over the line."""
    headers = {"Host": host, "Content-Length": str(len(sent.body)), **sent.headers}
    if sent.method == "GET":
        del headers["Content-Length"]
    lines = [f"{sent.method} {sent.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + sent.body
