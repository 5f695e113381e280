"""The sandbox as a test drives it: from outside, with a shop that receives its webhooks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flask import Flask

PUBLIC_KEY, SECRET_KEY = "pk_test_kiln_and_kettle", "sk_test_kiln_and_kettle"
RETURN_URL = "http://shop.example/orders/1/return"
Reply = Any  # a test client's response; its json is there, or the test fails
LIMIT = 10.0  # seconds for a condition to come true


@dataclass(frozen=True)
class Received:
    """A webhook, as the shop got it."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Receiver:
    """The shop's webhook endpoint. ``answers`` are used up first, then it is 200 "ok"."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)  # answers wait for it

    @property
    def events(self) -> list[str]:
        return [each.event["event"] for each in self.received]


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            shop.received.append(Received(headers, body))
            shop.gate.wait(LIMIT)
            status, text = shop.answers.pop(0) if shop.answers else (200, "ok")
            try:
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(text.encode())
            except ConnectionError:
                pass  # the sandbox has given up waiting

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop = Receiver(f"http://127.0.0.1:{server.server_port}/webhooks/mintcash")
        shop.gate.set()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield shop
        finally:
            shop.gate.set()
            server.shutdown()
            thread.join()


def wait_for(condition: Callable[[], Any], what: str) -> None:
    ends = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < ends, f"in vain waited for: {what}"
        time.sleep(0.01)


class Sandbox:
    """A client of the sandbox: an API caller, a browser, and whoever turns its clock."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.http: Any = app.test_client()

    def create_raw(self, body: bytes | str, auth: Any = (PUBLIC_KEY, SECRET_KEY)) -> Reply:
        return self.app.test_client().post("/mintcash/payments", data=body, auth=auth)

    def create(self, **changes: Any) -> Reply:
        return self.create_raw(json.dumps(payload(**changes)))

    def payment(self, **changes: Any) -> dict[str, Any]:
        """A new payment, as the API shows it."""
        reply = self.create(**changes)
        assert reply.status_code == 200, reply.text
        return dict(reply.json)

    def api(self, method: str, path: str, **options: Any) -> Reply:
        options.setdefault("auth", (PUBLIC_KEY, SECRET_KEY))
        return self.http.open(f"/mintcash{path}", method=method, **options)

    def fetch(self, payment: dict[str, Any]) -> dict[str, Any]:
        return dict(self.api("GET", f"/payments/{payment['id']}").json)

    def refund(self, payment: dict[str, Any], **body: Any) -> Reply:
        return self.api("POST", f"/payments/{payment['id']}/refund", json=body)

    def page(self, payment: dict[str, Any], part: str = "") -> Reply:
        return self.http.get(f"/mintcash/pay/{payment['id']}{part}")

    def pay(self, payment: dict[str, Any], **changes: str) -> Reply:
        """Fill in the card form and press Pay; without changes, with the card that succeeds."""
        form = {
            "number": "5519 2838 1203 0000",
            "expiry": "03/31",
            "cvv": "123",
            "holder": "Mia Potter",
        }
        return self.http.post(f"/mintcash/pay/{payment['id']}", data=form | changes)

    def cancel(self, payment: dict[str, Any]) -> Reply:
        return self.http.post(f"/mintcash/pay/{payment['id']}/cancel")

    def challenge(self, payment: dict[str, Any], **form: str) -> Reply:
        return self.http.post(f"/mintcash/pay/{payment['id']}/challenge", data=form)

    def set_faults(self, **faults: Any) -> Reply:
        return self.http.post("/control/faults", json=faults)

    def set_clock(self, **numbers: float) -> Reply:
        return self.http.post("/control/clock", json=numbers)

    def work(self) -> None:
        """Do what the threads would do, until nothing is due."""
        while self.app.extensions["background"].work():
            pass


def payload(**changes: Any) -> dict[str, Any]:
    """A create call that is accepted; a change to None leaves the field out."""
    body = {
        "amount": 4999,
        "currency": "USD",
        "externalId": "order-1",
        "returnUrl": RETURN_URL,
        "customer": {"externalId": "c-1", "email": "mia@example.org", "name": "Mia Pötter"},
        "billing": {"country": "SG", "postalCode": "018956"},
    } | changes
    return {field: value for field, value in body.items() if value is not None}
