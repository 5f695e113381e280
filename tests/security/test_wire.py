"""What only a real server shows: bytes on the wire that no client library would send.

gunicorn as ``tools/run.py`` starts it, on one port, with a database of its own.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import mintcash
from tools import run
from tools.run import free_port


@dataclass(frozen=True)
class Server:
    """The shop as a process."""

    host: str
    pid: int

    def connect(self) -> socket.socket:
        name, _, port = self.host.partition(":")
        return socket.create_connection((name, int(port)), timeout=10)

    def send(self, *parts: bytes) -> tuple[int, bytes]:
        """Raw bytes; the answer's status, or 0 where the line was cut, and all of its bytes."""
        with self.connect() as line:
            with contextlib.suppress(OSError):  # it may have answered before it was told all
                for part in parts:
                    line.sendall(part)
            answer = b""
            with contextlib.suppress(OSError):
                while chunk := line.recv(65_536):
                    answer += chunk
        found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
        return int(found[1]) if found else 0, answer

    def request(self, first: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
        lines = [first, f"Host: {self.host}", "Connection: close", *headers, "", ""]
        return self.send("\r\n".join(lines).encode("latin-1") + body)

    def is_well(self) -> bool:
        return self.request("GET /healthz HTTP/1.1")[0] == 200

    def memory(self) -> int:
        """Bytes in use by the server and its workers."""
        family = [self.pid, *map(int, children(self.pid))]
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture(scope="module")
def server(_migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("wire")
    shutil.copy(_migrated_sqlite, folder / "shop.db")
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        "PATH": os.environ["PATH"],
        "BASE_URL": url,
        "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "JOBS_URL": f"sqlite:///{folder}/jobs.db",
    }
    process = subprocess.Popen(
        run.server("app", url, workers=1), cwd=run.ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    found = Server(url.removeprefix("http://"), process.pid)
    ends = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            if found.is_well():
                break
        assert time.monotonic() < ends, "the server does not answer"
        time.sleep(0.05)
    yield found
    process.terminate()
    process.wait(20)


def news() -> mintcash.Delivery:
    """A true delivery about a payment that this shop has never heard of."""
    payment = {"id": "pmt_wire", "externalId": "none", "amount": 2800, "currency": "USD"}
    return mintcash.event(payment, "succeeded")


def signature(body: bytes) -> str:
    return f"X-Signature: {mintcash.sign(body)}"


def chunked(body: bytes, size: int = 50) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


POST = "POST /webhooks/mintcash HTTP/1.1"


def test_a_true_delivery_may_come_in_chunks(server: Server) -> None:
    """A17: without a length; the bytes that are signed are those within the chunks."""
    body = news().body

    status, _ = server.request(
        POST, "Transfer-Encoding: chunked", signature(body), body=chunked(body)
    )

    assert status == 200


@pytest.mark.parametrize("megabytes", [1, 20])
def test_chunks_without_end_are_cut_off(server: Server, megabytes: int) -> None:
    """G19, ASVS 15.2.2: told in advance or not, what is too much is not kept."""
    before = server.memory()
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"

    status, _ = server.send(
        f"{POST}\r\nHost: {server.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        *[piece] * (16 * megabytes),
        b"0\r\n\r\n",
    )

    assert status in (0, 413)
    assert server.memory() - before < 20_000_000
    assert server.is_well()


def test_a_length_of_gigabytes_is_not_waited_for(server: Server) -> None:
    """G19."""
    started = time.monotonic()

    status, _ = server.request(POST, "Content-Length: 9999999999", body=b"{}")

    assert status == 413
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 2", "Transfer-Encoding: chunked"),
        ("Content-Length: 2", "Content-Length: 40"),
        ("Content-Length: -1",),
        ("Content-Length: +2",),
        ("Content-Length: 0x2",),
        ("Content-Length: 2, 2",),
        ("Transfer-Encoding: gzip, chunked, x",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding: xchunked",),
        (" Transfer-Encoding: chunked",),
    ],
)
def test_a_second_request_cannot_be_hidden_in_the_first(
    server: Server, headers: tuple[str, ...]
) -> None:
    """Request smuggling: lengths that contradict each other are refused, and the line is cut."""
    hidden = f"0\r\n\r\nGET /console HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()

    status, answer = server.request(POST, *headers, body=hidden)

    assert 400 <= status <= 501
    assert b"Orders" not in answer
    assert answer.count(b"HTTP/1.1 200") == 0


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(lambda true: (true, true), id="twice"),
        pytest.param(lambda true: (true, "X-Signature: forged"), id="true_then_forged"),
        pytest.param(lambda true: ("X-Signature: forged", true), id="forged_then_true"),
        pytest.param(lambda true: (true.replace("X-S", "X_S"),), id="underscore"),
        pytest.param(lambda true: (true.replace("X-S", "X-S "),), id="space_in_the_name"),
        pytest.param(lambda true: (true.replace(": ", ":\r\n "),), id="folded"),
        pytest.param(lambda true: (f"{true}\0",), id="nul"),
    ],
)
def test_a_signature_header_counts_once_and_as_it_is_spelled(
    server: Server, lines: Callable[[str], tuple[str, ...]]
) -> None:
    """A1, A3."""
    body = news().body

    status, _ = server.request(
        POST, f"Content-Length: {len(body)}", *lines(signature(body)), body=body
    )

    assert 400 <= status < 500


@pytest.mark.parametrize(
    "request_line",
    [
        "GET http://evil.example/ HTTP/1.1",
        "GET / HTTP/1.1\r\nHost: evil.example",
        "GET //evil.example/%2f.. HTTP/1.1",
        "GET /\\evil.example HTTP/1.1",
        "GET /products/candle\r\nX: /evil HTTP/1.1",
        "GET / HTTP/1.1\r\nX-Forwarded-Host: evil.example",
        "GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /evil",
        "GET / HTTP/1.1\r\nSCRIPT_NAME: /evil",
        "GET / HTTP/1.1\r\nScript-Name: /evil",
        "GET / HTTP/1.1\r\nPATH_INFO: /console",
        "CONNECT evil.example:443 HTTP/1.1",
        "GET /evil HTTP/9.9",
        "evil",
    ],
)
def test_no_first_line_leads_elsewhere(server: Server, request_line: str) -> None:
    """A20, Host-header poisoning: no foreign address in any part of the answer."""
    _, answer = server.request(request_line)
    head, _, page = answer.partition(b"\r\n\r\n")

    assert b"evil" not in head
    linked = re.findall(rb'(?:href|action|src)="([^"]*)"', page)
    assert not [address for address in linked if b"evil" in address]
    assert b"Orders:" not in page
    assert server.is_well()


def test_a_proxy_that_is_not_configured_is_not_believed(server: Server) -> None:
    """A20, ASVS 4.1.3: gunicorn by itself would believe any process on this machine.

    Over what seems to be https, Flask-WTF asks for a Referer, and would answer 400 without.
    """
    _, page = server.request("GET /products/candle HTTP/1.1")
    token = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', page)
    cookie = re.search(rb"Set-Cookie: (shop=[^;]+)", page)
    assert token
    assert cookie
    body = b"currency=EUR&csrf_token=" + token[1]
    headers = [
        f"Cookie: {cookie[1].decode()}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Ssl: on",
        "X-Forwarded-Protocol: ssl",
    ]

    status, answer = server.request("POST /currency HTTP/1.1", *headers, body=body)

    assert status == 303
    assert b"Strict-Transport-Security" not in answer


@pytest.mark.parametrize(
    "headers",
    [
        ["X-Long: " + "x" * 100_000],
        [f"X-{number}: 1" for number in range(500)],
        ["Cookie: shop=" + "x" * 7_000],
        ["X-Nothing"],
        [": nameless"],
    ],
)
def test_headers_that_are_too_much_are_refused(server: Server, headers: list[str]) -> None:
    """ASVS 4.2: the cookie of 7 kB is only a cookie that does not verify."""
    status, _ = server.request("GET / HTTP/1.1", *headers)

    assert status == (200 if headers[0].startswith("Cookie") else 431) or status == 400
    assert server.is_well()


def test_who_sends_slowly_does_not_keep_the_others_out(server: Server) -> None:
    """G19: seven of the eight threads wait for bodies that never come; the eighth serves."""
    head = f"{POST}\r\nHost: {server.host}\r\nContent-Length: 500\r\n\r\n".encode()
    with contextlib.ExitStack() as lines:
        for _ in range(7):
            line = lines.enter_context(server.connect())
            line.sendall(head + b"{")

        started = time.monotonic()
        assert all(server.is_well() for _ in range(5))
        assert time.monotonic() - started < 5
