"""One deadline over a whole exchange; a slow provider delays only what waits for it (N7, E5).

What a provider can do to be slow is played by servers on this machine, byte by byte.
"""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

import pytest

import config
from providers import http, slots
from providers.contract import Unreachable
from tools.shopper import Shopper

from ..processes import running_shop
from ..slow_servers import drip, say_nothing, server

OK = b"HTTP/1.1 200 OK\r\n"
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
def black_hole() -> Iterator[str]:
    """The address of a server that takes every connection and says nothing."""
    with server(say_nothing) as address:
        yield address


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for a whole call."""
    monkeypatch.setattr(http, "DEADLINE", 1.0)


def ask(address: str, retry: bool = True) -> str:
    """What is said of a call that gets no answer."""
    with pytest.raises(Unreachable) as raised:
        http.call("POST", address, payload={}, retry=retry)
    return str(raised.value)


# ------------------------------------------------------------------ one deadline


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


# ------------------------------------------------------------------ how many at once


def words_of(addresses: list[str]) -> Iterator[str]:
    """What is said of each of these calls, made at once, in the order in which they end."""
    with ThreadPoolExecutor(len(addresses)) as pool:
        for each in as_completed([pool.submit(ask, address, False) for address in addresses]):
            yield each.result()


def test_a_call_that_finds_too_many_waiting_fails_before_they_do(
    black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E5, T07: a cap on calls in flight for each host."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 2.0)

    *refused, _, _, last = words_of([black_hole] * 12)

    assert len(refused) == 12 - slots.IN_FLIGHT
    assert all("are waiting already" in words for words in refused)
    assert last.endswith("timed out")


def test_a_later_call_fails_without_any_wait(
    black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T07: waiting for a slot would hold a thread; here it would do so for a minute."""
    monkeypatch.setattr(slots, "SLOT_WAIT", 60.0)
    monkeypatch.setattr(http, "READ_TIMEOUT", 3.0)
    with ThreadPoolExecutor(slots.IN_FLIGHT) as pool:
        waiting = [pool.submit(ask, black_hole, False) for _ in range(slots.IN_FLIGHT)]
        time.sleep(2 * slots.QUICK)

        assert "are waiting already" in ask(black_hole)
        assert not any(each.done() for each in waiting)


def test_five_providers_that_hang_leave_threads_for_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T07: a cap on calls to all hosts together, well below the eight threads of a process."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 2.0)
    with ExitStack() as stack:
        holes = [stack.enter_context(server(say_nothing)) for _ in range(5)]

        said = list(words_of(holes * 4))

    assert sum(words.endswith("timed out") for words in said) == slots.IN_FLIGHT_TOGETHER < 8


def test_without_the_caps_every_call_waits_for_the_time_out(
    black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: this is what they are for."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 1.0)
    monkeypatch.setattr(slots, "IN_FLIGHT", 100)
    monkeypatch.setattr(slots, "IN_FLIGHT_TOGETHER", 100)

    assert all(words.endswith("timed out") for words in words_of([black_hole] * 12))


def test_a_host_that_answers_is_waited_for() -> None:
    """However many shoppers press "Pay" at once: each finds a slot after those before."""

    def answer(line: socket.socket) -> None:
        line.recv(65536)
        time.sleep(0.01)
        line.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    with server(answer) as address, ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: http.call("GET", address), range(16)))

    assert all(reply.data == {} for reply in replies)


def test_a_host_that_was_silent_is_asked_by_one_at_a_time_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T07: so that two that hang leave slots for the third."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 1.0)
    awake = threading.Event()

    def answer_when_awake(line: socket.socket) -> None:
        line.recv(65536)
        if awake.is_set():
            line.sendall(OK + b"Content-Length: 2\r\n\r\n{}")
        else:
            say_nothing(line)

    with server(answer_when_awake) as address:
        ask(address, retry=False)
        assert sum(words.endswith("timed out") for words in words_of([address] * 6)) == 1
        awake.set()
        assert http.call("GET", address).data == {}
        awake.clear()
        said = list(words_of([address] * 6))

    assert sum(words.endswith("timed out") for words in said) == slots.IN_FLIGHT


# ------------------------------------------------------------------ the whole shop


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_provider_that_hangs_leaves_the_shop_open_for_other_shoppers(
    settings: config.Settings, tmp_path: Path, black_hole: str
) -> None:
    """N7: more shoppers than threads try it; each gets an honest page, and the shelf stays open."""
    with running_shop(settings, tmp_path, MINTCASH_BASE_URL=black_hole) as server:
        customers = [Shopper(server.url, server.url) for _ in range(12)]
        for each in customers:
            each.add("candle")
        with ThreadPoolExecutor(len(customers)) as pool:
            answers = [pool.submit(each.check_out, "mintcash") for each in customers]
            seen = 0
            while not all(each.done() for each in answers):
                visitor = Shopper(server.url, server.url)
                assert visitor.get(server.url).status_code == 200
                seen += not all(each.done() for each in answers)
                time.sleep(0.05)

    assert seen, "the shelf was shown while some of them were still waiting"
    for answer in (each.result() for each in answers):
        assert answer.status_code == 502
        assert "The payment page does not answer right now. Nothing was charged." in answer.text
