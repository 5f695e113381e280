"""A provider that accepts and never answers must not take the whole shop with it (N7, E5)."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import pytest

import config
from providers import http
from providers.base import Unreachable
from shopper import Shopper

from .test_stop import shop


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that takes every connection and says nothing."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in taken:
        connection.close()


def first_words(address: str, calls: int) -> list[str]:
    """What is said by those calls that end first, of as many at once."""

    def ask() -> str:
        with pytest.raises(Unreachable) as raised:
            http.call("POST", address, payload={}, repeat=False)
        return str(raised.value)

    with ThreadPoolExecutor(calls) as pool:
        asked = [pool.submit(ask) for _ in range(calls)]
        ended, _ = wait(asked, return_when=FIRST_COMPLETED)
        return [each.result() for each in ended]


def test_who_finds_too_many_waiting_is_told_at_once(
    black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E5: a cap on calls in flight for each host."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 1.5)
    monkeypatch.setattr(http, "TURN", 0.2)

    for words in first_words(black_hole, http.IN_FLIGHT + 1):
        assert "are waiting already" in words


def test_without_the_cap_everybody_waits_for_the_time_out(
    black_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: this is what the cap is for."""
    monkeypatch.setattr(http, "READ_TIMEOUT", 1.0)
    monkeypatch.setattr(http, "_turns", lambda host: threading.BoundedSemaphore(100))

    for words in first_words(black_hole, http.IN_FLIGHT + 1):
        assert "timed out" in words


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_provider_that_hangs_leaves_the_shop_open_for_everybody_else(
    settings: config.Settings, tmp_path: Path, black_hole: str
) -> None:
    """N7: more shoppers than threads try it; each gets an honest page, and the shelf stays open."""
    with shop(settings, tmp_path, MINTCASH_BASE_URL=black_hole) as server:
        customers = [Shopper(server.url, server.url) for _ in range(12)]
        for each in customers:
            each.add("candle")
        with ThreadPoolExecutor(len(customers)) as pool:
            answers = [pool.submit(each.check_out, "mintcash") for each in customers]
            seen = 0
            while not all(each.done() for each in answers):
                if not any(each.done() for each in answers):
                    visitor = Shopper(server.url, server.url)
                    assert visitor.get(server.url).status_code == 200
                    seen += not any(each.done() for each in answers)
                time.sleep(0.05)

    assert seen, "the shelf was shown while all of them were still waiting"
    for answer in (each.result() for each in answers):
        assert answer.status_code == 502
        assert "The payment page does not answer right now. Nothing was charged." in answer.text
