"""One deadline over a whole exchange, whatever is slow in it (T08, E5).

What a provider can do to be slow is played by servers on this machine, byte by byte.
"""

import socket
import threading
import time

import pytest

from providers import http
from providers.contract import Unreachable

from ..slow_servers import OK, ask, drip, server

DRIPPING = {
    "head": drip(OK, b"X-Drop: 1\r\n"),
    "status line": drip(b"HTTP/1.1 200 ", b"O"),
    "interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body with a length": drip(OK + b"Content-Length: 999999\r\n\r\n{", b" "),
    "body without a length": drip(OK + b"\r\n{}", b" "),
    "chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "body of an error that is retried": drip(b"HTTP/1.1 503 No\r\n\r\n{", b" "),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for a whole call."""
    monkeypatch.setattr(http, "DEADLINE", 1.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("what", DRIPPING)
def test_an_answer_that_drips_ends_at_the_deadline(what: str) -> None:
    """T08, E5: whatever it is that drips, for a minute and more; no thread is left behind."""
    with server(DRIPPING[what]) as address:
        threads = threading.active_count()
        started = time.monotonic()
        words = ask(address)
        took = time.monotonic() - started
        assert threading.active_count() <= threads + 2, "those of the server's own connections"

    assert words.endswith("timed out")
    assert took < 10


def test_without_the_deadline_a_dripping_head_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The twin: between two bytes no time-out is ever reached, until the provider hangs up."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.5)

    def head_of_two_seconds(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(OK)
        for _ in range(10):
            time.sleep(0.2)
            line.sendall(b"X-Drop: 1\r\n")
        line.sendall(b"Content-Length: 2\r\n\r\n{}")

    with server(head_of_two_seconds) as address:
        assert http.call("GET", address).data == {}


@pytest.mark.usefixtures("impatient")
def test_a_handshake_that_hangs_ends_at_the_deadline(black_hole: str) -> None:
    """T08: TLS begins, and the other side says nothing."""
    assert ask(black_hole.replace("http:", "https:")).endswith("timed out")


@pytest.mark.usefixtures("impatient")
def test_a_request_that_is_not_taken_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """T08: a body larger than the buffers, of which nothing is read."""
    gate = threading.Event()
    monkeypatch.setattr(http, "READ_TIMEOUT", 60.0)

    def take_nothing(_: socket.socket) -> None:
        gate.wait(60)

    with server(take_nothing) as address:
        try:
            with pytest.raises(Unreachable, match="timed out"):
                http.call("POST", address, payload={"much": "x" * 30_000_000}, retry=False)
        finally:
            gate.set()


@pytest.mark.usefixtures("impatient")
def test_a_name_that_resolves_without_end_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T08: a resolver cannot be called off; however many ask, one thread waits for it."""
    gate, asked = threading.Event(), []
    real = socket.getaddrinfo

    def hang(host: str, *arguments: object, **options: object) -> object:
        asked.append(host)
        gate.wait(60)
        return real("127.0.0.1", *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        assert [ask("http://slow.example/").rpartition(" ")[2] for _ in range(2)] == ["out"] * 2
        assert asked == ["slow.example"]
    finally:
        gate.set()
