"""How many calls a process makes at once: a slow provider delays only what waits for it (T07)."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack

import pytest

from providers import http, slots

from ..slow_servers import OK, ask, say_nothing, server


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
