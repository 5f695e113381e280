"""Slow clients hold up no others: what ``ops.server.Worker`` is for, by the real server (N7)."""

import itertools
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

import config
from ops.server import MAX_BODY, Arrival
from tools import run
from tools.shopper import Shopper

from ..processes import Running, running_shop

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GET = b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: "
POST = b"POST /webhooks/mintcash HTTP/1.1\r\nHost: HOST\r\n"
#: What is sent on each line, before its client falls silent.
SILENT = {
    "nothing": b"",
    "part of a head": POST[:30],
    "part of a body": POST + b"Content-Length: 500\r\n\r\n{",
    "part of a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n1f4\r\n{",
    "a request whose answer ends the line": GET + b"close\r\n\r\n",
    "a request whose answer does not": GET + b"keep-alive\r\n\r\n",
}
LINES = 16  # twice as many as there are threads


@contextmanager
def lines(server: Running, sent: bytes) -> Iterator[list[socket.socket]]:
    """So many clients that have sent this, read no answer and do not hang up."""
    host = server.url.removeprefix("http://")
    name, _, port = host.partition(":")
    with ExitStack() as stack:
        found = [
            stack.enter_context(socket.create_connection((name, int(port)), 30))
            for _ in range(LINES)
        ]
        for line in found:
            line.sendall(sent.replace(b"HOST", host.encode()))
        time.sleep(0.3)  # so that they are all there
        yield found


def visit(server: Running, patience: float) -> None:
    """Five pages, each on a line of its own."""
    for _ in range(5):
        assert requests.get(f"{server.url}/", timeout=patience).status_code == 200


@pytest.fixture
def ours(settings: config.Settings, tmp_path: Path) -> Iterator[Running]:
    with running_shop(settings, tmp_path) as server:
        yield server


@pytest.fixture
def plain(settings: config.Settings, tmp_path: Path) -> Iterator[Running]:
    """gunicorn's own worker, with our logger."""
    with running_shop(settings, tmp_path, classes=run.OUR_CLASSES[2:]) as server:
        yield server


@only_sqlite
@pytest.mark.parametrize("what", SILENT)
def test_connections_that_are_left_open_hold_up_no_other_request(ours: Running, what: str) -> None:
    """T06, slowloris: before, within and after a request."""
    with lines(ours, SILENT[what]):
        started = time.monotonic()
        visit(ours, patience=60)
        assert time.monotonic() - started < 5


@only_sqlite
@pytest.mark.parametrize("what", ["part of a head", "a request whose answer ends the line"])
def test_a_plain_worker_waits_for_those_clients(plain: Running, what: str) -> None:
    """The twin: for a head without end, and for a line that is not hung up, two seconds each."""
    with lines(plain, SILENT[what]), pytest.raises(requests.Timeout):
        visit(plain, patience=0.5)


@only_sqlite
def test_who_sends_a_byte_at_a_time_is_answered(ours: Running) -> None:
    host = ours.url.removeprefix("http://")
    request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), 30) as line:
        for byte in request:
            line.sendall(bytes([byte]))
            time.sleep(0.001)
        assert line.recv(1000).startswith(b"HTTP/1.1 200")


@only_sqlite
def test_requests_that_come_in_one_piece_are_answered_one_after_the_other(ours: Running) -> None:
    """The second is not on the line any more when its turn comes, but in what was read before."""
    host = ours.url.removeprefix("http://")
    one = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), 30) as line:
        line.sendall(one * 3 + one[:20])
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 3:
            answers += line.recv(10_000)
        line.sendall(one[20:])
        while answers.count(b"HTTP/1.1 200") < 4:
            answers += line.recv(10_000)


@only_sqlite
def test_a_request_that_never_ends_is_cut_off(ours: Running) -> None:
    """Bounded, however slowly it drips: a line is a file, of which there are only so many."""
    with lines(ours, SILENT["part of a head"]) as found:
        for line in found:
            assert line.recv(100) == b""


@only_sqlite
def test_silent_lines_do_not_keep_a_server_from_stopping(ours: Running) -> None:
    with lines(ours, SILENT["nothing"]), lines(ours, SILENT["part of a body"]):
        ours.process.terminate()
        assert ours.has_ended_well()


# ------------------------------------------------------------------ threads for other requests


@contextmanager
def checkouts_that_hang(
    server: Running, settings: config.Settings
) -> Iterator[list[Future[requests.Response]]]:
    """More of them than there are threads: another process writes to the database meanwhile."""
    file = settings.database_url.get_secret_value().removeprefix("sqlite:///")
    shoppers = [Shopper(server.url, server.url) for _ in range(LINES)]
    for each in shoppers:
        each.add("candle")
    rival = sqlite3.connect(file, isolation_level=None)
    with closing(rival), ThreadPoolExecutor(LINES) as pool:
        rival.execute("BEGIN IMMEDIATE")
        pressed = [pool.submit(each.check_out, "mintcash") for each in shoppers]
        time.sleep(0.5)  # so that they are all there
        yield pressed
        rival.execute("ROLLBACK")


@only_sqlite
def test_pages_and_webhooks_find_a_thread_however_many_shoppers_wait(
    ours: Running, settings: config.Settings
) -> None:
    """T07."""
    with checkouts_that_hang(ours, settings) as pressed:
        visit(ours, patience=60)
        webhook = requests.post(f"{ours.url}/webhooks/of-another", b"{}", timeout=60)
        assert webhook.status_code == 404, "which it says without a word to the database"
        assert not any(each.done() for each in pressed)


@only_sqlite
def test_with_a_plain_worker_they_wait_with_them(plain: Running, settings: config.Settings) -> None:
    """The twin."""
    with checkouts_that_hang(plain, settings), pytest.raises(requests.Timeout):
        visit(plain, patience=1)


# ------------------------------------------------------------------ when a request is here

CHUNKS = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  5 \r\nX: 1\r\n\r\nab\r\nc",
    "no length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "chunks": CHUNKS + b"2\r\nab\r\nA;x=1\r\n0\r\n\r\n12345\r\n0\r\n\r\n",
    "trailers": CHUNKS + b"1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\n",
}
each_whole = pytest.mark.parametrize("request_", WHOLE.values(), ids=WHOLE)


@each_whole
def test_a_request_is_here_with_its_last_byte(request_: bytes) -> None:
    arrival = Arrival()
    for number, byte in enumerate(request_, start=1):
        arrival.add(bytes([byte]))
        assert arrival.is_here == (number == len(request_))


@given(cuts=st.lists(st.integers(0, 120), max_size=6), whole=st.sampled_from(list(WHOLE.values())))
def test_it_makes_no_difference_in_which_pieces_it_comes(cuts: list[int], whole: bytes) -> None:
    arrival, places = Arrival(), [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    for start, end in itertools.pairwise(places):
        assert not arrival.is_here or start == len(whole)
        arrival.add(whole[start:end])
    assert arrival.is_here
    assert arrival.data == whole


@each_whole
def test_what_comes_with_it_is_not_waited_for(request_: bytes) -> None:
    """The beginning of the next request."""
    arrival = Arrival()
    arrival.add(request_ + b"GET / HTT")

    assert arrival.is_here


NONSENSE = {
    "a length that is none": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "more than is read": f"POST / HTTP/1.1\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode(),
    "a chunk without a size": CHUNKS + b"xyz\r\n",
    "chunks without end": CHUNKS + b"1000\r\n%s\r\n" % (4096 * b"a") * 70,
}


@pytest.mark.parametrize("request_", NONSENSE.values(), ids=NONSENSE)
def test_what_makes_no_sense_is_not_waited_for(request_: bytes) -> None:
    """gunicorn or the app refuses it."""
    arrival = Arrival()
    arrival.add(request_)

    assert arrival.is_here
