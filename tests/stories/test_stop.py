"""SIGTERM: what has begun is finished, by the real server and the real worker. F11."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from aiosmtpd.controller import Controller
from flask import Flask

import config
import payments
from providers import http
from tools import run
from tools.run import free_port

from ..books import Books
from ..browser.site import eventually
from ..mintcash import event
from ..processes import Running, running, running_shop
from ..shopper import ANN

GATE = 30.0  # seconds after which a provider or mail server here stops waiting


@dataclass
class Provider:
    """MintCash, which answers when it is let."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            slow.asked.append(sent)
            slow.gate.wait(GATE)
            known = {"id": "theirs", "externalId": sent["externalId"], "status": "created"}
            money = {"amount": sent["amount"] / 100, "currency": sent["currency"]}
            page = {"redirectUrl": f"{slow.url}/pay/theirs"}
            body = json.dumps(known | money | page).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        slow = Provider(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield slow
        slow.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def press_pay(server: Running, provider: Provider, pool: ThreadPoolExecutor) -> Future[Any]:
    """A checkout that has begun: the provider is asked, and has not answered."""
    shopper = requests.Session()
    page = shopper.get(f"{server.url}/products/candle", timeout=10).text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    form = {"csrf_token": found.group(1), "slug": "candle", "quantity": "1", **ANN}
    shopper.post(f"{server.url}/cart/items", form, timeout=10).raise_for_status()
    page = shopper.get(f"{server.url}/checkout", timeout=10).text
    found = re.search(r'name="shown"[^>]*value="([^"]+)"', page)
    assert found
    form["shown"] = found.group(1)
    pressed = pool.submit(
        shopper.post, f"{server.url}/checkout", form, timeout=60, allow_redirects=False
    )
    eventually(lambda: bool(provider.asked), "the provider is asked")
    return pressed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_checkout_whose_provider_takes_its_time_is_finished(
    settings: config.Settings,
    books: Books,
    provider: Provider,
    pool: ThreadPoolExecutor,
    tmp_path: Path,
) -> None:
    page_url = f"{provider.url}/pay/theirs"
    with running_shop(settings, tmp_path, MINTCASH_BASE_URL=provider.url) as server:
        pressed = press_pay(server, provider, pool)

        server.process.terminate()
        eventually(lambda: not server.is_listening(), "no new connection is accepted")
        provider.gate.set()

        answer = pressed.result()
        assert (answer.status_code, answer.headers["Location"]) == (303, page_url)
        assert server.has_ended_well()
    assert {sent["externalId"] for sent in provider.asked} == {books.payment.id}
    assert books.payment.page_url == page_url
    statuses = [line["status"] for line in server.lines() if line.get("route") == "/checkout"]
    assert statuses == [200, 303]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_plain_worker_would_accept_late_connections_and_drop_them(
    settings: config.Settings, provider: Provider, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Without ``ops.server.Worker``, a late connection is accepted and never answered."""
    plain, url = run.OUR_CLASSES[2:], provider.url
    with running_shop(settings, tmp_path, classes=plain, MINTCASH_BASE_URL=url) as server:
        pressed = press_pay(server, provider, pool)

        server.process.terminate()
        eventually(lambda: not run.answers(server.url), "no new request is answered")
        assert server.is_listening()
        late = pool.submit(ask, server.url)
        provider.gate.set()

        assert pressed.result().status_code == 303
        assert "answered" != late.result() != "refused"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_webhook_that_waits_for_the_database_is_finished(
    settings: config.Settings, books: Books, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    (payment,) = books.place_order({"candle": 1})
    delivery = event(payment, "succeeded")
    plain_url = settings.database_url.get_secret_value().replace("+psycopg", "")
    with running_shop(settings, tmp_path) as server, psycopg.connect(plain_url) as rival:
        rival.execute("LOCK TABLE payments")
        answer = pool.submit(
            requests.post,
            f"{server.url}/webhooks/mintcash",
            delivery.body,
            headers=delivery.headers,
            timeout=60,
        )
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        eventually(lambda: rival.execute(waiting).fetchone() == (1,), "the webhook has begun")

        server.process.terminate()
        eventually(lambda: not server.is_listening(), "no new connection is accepted")
        rival.rollback()

        assert answer.result().status_code == 200
        assert server.has_ended_well()
    assert books.order.status == "paid"


def ask(url: str) -> str:
    try:
        answer = requests.get(f"{url}/", timeout=30)
    except requests.ConnectionError as error:
        reason = getattr(error.args[0], "reason", error)
        return "refused" if "refused" in str(reason) else repr(error)
    return "answered" if answer.status_code == 200 and "</html>" in answer.text else answer.text


@contextmanager
def load(server: Running, pool: ThreadPoolExecutor) -> Iterator[list[str]]:
    """Four shoppers, busy from before to after; in the end, how each of their requests ended."""
    outcomes: list[str] = []
    stopped = threading.Event()

    def keep_asking() -> None:
        while not stopped.is_set():
            outcomes.append(ask(server.url))

    askers = [pool.submit(keep_asking) for _ in range(4)]
    eventually(lambda: len(outcomes) > 50, "the shop is busy")
    yield outcomes
    stopped.set()
    for asker in askers:
        asker.result()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stop_under_load_answers_every_request_that_was_accepted(
    settings: config.Settings, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """A connection that is refused is one that a proxy, or a provider, makes elsewhere or again."""
    with running_shop(settings, tmp_path, workers=2) as server, load(server, pool) as outcomes:
        server.process.terminate()
        assert server.has_ended_well()
        eventually(lambda: outcomes[-1] == "refused", "the door is closed")

    assert set(outcomes) == {"answered", "refused"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_reload_under_load_answers_every_request(
    settings: config.Settings, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """F12: how new code is put to work, see docs/runbook.md."""
    with running_shop(settings, tmp_path) as server:
        master = server.process.pid
        assert master
        (before,) = workers_of(master)
        with load(server, pool) as outcomes:
            os.kill(master, signal.SIGHUP)
            eventually(lambda: before not in workers_of(master), "the old worker is gone")
            asked = len(outcomes)
            eventually(lambda: len(outcomes) > asked + 20, "the new worker answers")
        server.process.terminate()
        assert server.has_ended_well()

    assert set(outcomes) == {"answered"}


def workers_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listed.split()]


class SlowMailServer:
    """A mail server that takes a letter when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gate = threading.Event()
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.asked.set()
        await asyncio.get_running_loop().run_in_executor(None, self.gate.wait, GATE)
        self.letters.append(envelope.content)
        return "250 OK"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_finishes_the_letter_that_it_has_begun(
    app: Flask, settings: config.Settings, books: Books, tmp_path: Path
) -> None:
    mail, port = SlowMailServer(), free_port()
    controller = Controller(mail, hostname="127.0.0.1", port=port)
    controller.start()
    (payment,) = books.place_order({"candle": 1})
    delivery = event(payment, "succeeded")
    with app.app_context():
        payments.receive("mintcash", delivery.headers, delivery.body)
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    smtp_url = f"smtp://127.0.0.1:{port}"
    try:
        with running(command, settings, tmp_path, SMTP_URL=smtp_url) as worker:
            assert mail.asked.wait(GATE)

            worker.process.terminate()
            mail.gate.set()

            assert worker.has_ended_well()
            done = [line["task"] for line in worker.lines() if line["event"].endswith(" done")]
    finally:
        mail.gate.set()
        controller.stop()
    assert sorted(done) == ["parcel", "receipt", "send_receipt"]
    assert len(mail.letters) == 1
    assert [(task.status, task.attempts) for task in books.tasks] == [("done", 1)] * 3


def test_a_provider_is_waited_for_less_long_than_a_request_is_given_to_finish() -> None:
    assert http.DEADLINE < run.FINISH_WITHIN < run.STOP_WITHIN


# ------------------------------------------------------------------ around it


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_shop_with_a_public_name_is_found_ready_and_its_servers_lines_are_like_all_others(
    settings: config.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers to that name only, on this machine too. I4: also for what is no request at all."""
    address = ("127.0.0.1", free_port())
    command = run.server("app", f"http://127.0.0.1:{address[1]}", 1)
    monkeypatch.setattr(run, "_address", lambda url: address)
    public = {
        "PAYMENT_ENVIRONMENT": "test",
        "SECRET_KEY": "0123456789abcdef-0123456789abcdef",
        "BASE_URL": "https://shop.example",
    }
    with running(command, settings, tmp_path, **public) as server:
        eventually(lambda: run.answers("https://shop.example"), "the shop answers")
        assert not run.answers("https://other.example")

        with socket.create_connection(address, 10) as client:
            client.sendall(b'{"event":"forged"}\n\x1b[31m\r\n\r\n')
            assert b"400" in client.recv(1000)

        eventually(lambda: bool(server.lines()), "the server says so")
        (line,) = (line for line in server.lines() if line["logger"] == "gunicorn.error")
    assert line["level"] == "warning"
