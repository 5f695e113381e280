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
from werkzeug.serving import make_server

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


@contextmanager
def served(address: str, app: Flask) -> Iterator[None]:
    """An app over real HTTP at ``http://127.0.0.1:<port>``."""
    server = make_server("127.0.0.1", int(address.rpartition(":")[2]), app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for(condition: Callable[[], Any], what: str) -> None:
    ends = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < ends, f"in vain waited for: {what}"
        time.sleep(0.01)


class Sandbox:
    """A client of the sandbox: an API caller, a browser, and the person who turns its clock."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.http: Any = app.test_client()

    def create_raw(self, body: bytes | str, auth: Any = (PUBLIC_KEY, SECRET_KEY)) -> Reply:
        return self.app.test_client().post("/mintcash/payments", data=body, auth=auth)

    def create(self, **changes: Any) -> Reply:
        return self.create_raw(json.dumps(payload(**changes)))

    def payment(self, **changes: Any) -> dict[str, Any]:
        """A new payment, as the API shows it; not what MintCash's answer repeats of it."""
        reply = self.create(**changes)
        assert reply.status_code == 200, reply.text
        return {name: value for name, value in reply.json.items() if name != "payment"}

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

    def act(self, action: str, number: int = 1, **fields: Any) -> Reply:
        """What happens to a payment at its provider without the shop."""
        return self.http.post(f"/control/payments/{number}", json={"action": action, **fields})

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return list(self.http.get("/ledger.json").json["payments"])

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


class HitPay(Sandbox):
    """The same for HitPay; :class:`Sandbox` itself speaks to MintCash."""

    KEY = "test_kiln_and_kettle"

    def call(self, method: str, path: str = "", key: str | None = KEY, **options: Any) -> Reply:
        return self.v1(method, f"/payment-requests{path}", key, **options)

    def v1(self, method: str, path: str, key: str | None = KEY, **options: Any) -> Reply:
        headers = {"X-BUSINESS-API-KEY": key} if key is not None else {}
        path = f"/hitpay/v1{path}"
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def create(self, **changes: Any) -> Reply:
        """As a form; a change to None leaves the field out."""
        return self.call("POST", data=hitpay_fields(**changes))

    def fetch(self, payment: dict[str, Any]) -> dict[str, Any]:
        return dict(self.call("GET", f"/{payment['id']}").json)

    def page(self, payment: dict[str, Any], part: str = "") -> Reply:
        path = f"/hitpay/payment-request/@kiln-and-kettle/{payment['id']}/checkout"
        return self.http.get(path + part)

    def pay(self, payment: dict[str, Any], **changes: str) -> Reply:
        """Fill in the card form and press Pay; without changes, with the card that succeeds."""
        form = {"method": "card", "number": "4242 4242 4242 4242", "expiry": "03/31", "cvc": "123"}
        path = f"/hitpay/payment-request/@kiln-and-kettle/{payment['id']}/checkout"
        return self.http.post(path, data=form | changes)

    def cancel(self, payment: dict[str, Any], **form: str) -> Reply:
        path = f"/hitpay/payment-request/@kiln-and-kettle/{payment['id']}/checkout/cancel"
        return self.http.post(path, data=form)

    def qr_payment(self, **changes: Any) -> dict[str, Any]:
        """A payment request with a QR code."""
        return self.payment(
            **{"payment_methods[]": "paynow_online", "generate_qr": "true"} | changes
        )

    def scan(self, payment: dict[str, Any]) -> Reply:
        return self.http.get(payment["qr_code_data"]["qr_code"])

    def pay_by_qr(self, payment: dict[str, Any], **form: str) -> Reply:
        """Scan the code and press Pay."""
        return self.http.post(payment["qr_code_data"]["qr_code"], data=form)

    def refund_charge(self, payment: dict[str, Any], amount: str, charge: int = 0) -> Reply:
        """Refund one of the request's charges."""
        charge_id = self.fetch(payment)["payments"][charge]["id"]
        return self.v1("POST", "/refund", data={"payment_id": charge_id, "amount": amount})


def hitpay_fields(**changes: Any) -> dict[str, Any]:
    fields = {
        "amount": "49.99",
        "currency": "SGD",
        "payment_methods[]": ["card", "paynow_online"],
        "email": "mia@example.org",
        "name": "Mia D'Souza",
        "purpose": "Kiln & Kettle, order 1",
        "reference_number": "order-1",
        "redirect_url": RETURN_URL,
        "allow_repeated_payments": "false",
        "expires_after": "60 mins",
    } | changes
    return {field: value for field, value in fields.items() if value is not None}


class HandCash(Sandbox):
    """The same for HandCash, which is told with each request where its webhook goes."""

    KEYS = {  # noqa: RUF012
        "app-id": "0123456789abcdef01234567",
        "app-secret": "app_secret_test_kiln_and_kettle",
    }

    def __init__(self, app: Flask, webhook_url: str) -> None:
        super().__init__(app)
        self.webhook_url = webhook_url

    def call(self, method: str, path: str = "", **options: Any) -> Reply:
        options.setdefault("headers", self.KEYS)
        path = f"/handcash/v3/paymentRequests{path}"
        return self.app.test_client().open(path, method=method, **options)

    def create(self, **changes: Any) -> Reply:
        """A change to None leaves the field out."""
        return self.call("POST", json=handcash_request(self.webhook_url, **changes))

    def fetch(self, payment: dict[str, Any]) -> dict[str, Any]:
        """The public status: the private shape has no status."""
        return dict(self.call("GET", f"/public/{payment['id']}", headers={}).json)

    def page(self, payment: dict[str, Any], part: str = "") -> Reply:
        return self.http.get(f"/handcash/pay/{payment['id']}{part}")

    def pay(self, payment: dict[str, Any], **changes: str) -> Reply:
        """Enter a handle and press Pay."""
        return self.http.post(f"/handcash/pay/{payment['id']}", data={"handle": "$mia"} | changes)


def handcash_request(webhook_url: str, **changes: Any) -> dict[str, Any]:
    body = {
        "product": {"name": "Kiln & Kettle, order 1", "description": "Payment order-1"},
        "instrumentCurrencyCode": "BSV",
        "denominationCurrencyCode": "USD",
        "receivers": [{"sendAmount": 49.99, "destination": "kilnandkettle"}],
        "notifications": {
            "webhook": {"webhookUrl": webhook_url, "customParameters": {"payment": "order-1"}}
        },
        "redirectUrl": RETURN_URL,
        "expirationType": "onPaymentCompleted",
        "expirationInSeconds": 3600,
    } | changes
    return {field: value for field, value in body.items() if value is not None}


class WiPay(Sandbox):
    """The same for WiPay, where a payment is what the create call answered."""

    KEY = "wapi_test_kiln_and_kettle"

    def request(self, accept: str | None = "application/json", **changes: Any) -> Reply:
        """A change to None leaves the field out."""
        headers = {"Accept": accept} if accept else {}
        return self.app.test_client().post(
            "/wipay/plugins/payments/request", data=wipay_form(**changes), headers=headers
        )

    def payment(self, **changes: Any) -> dict[str, Any]:
        reply = self.request(**changes)
        assert reply.status_code == 200, reply.text
        return dict(reply.json)

    def lookup(self, transaction_id: str, **headers: str) -> Reply:
        path = f"/wipay/wapi/transactions/{transaction_id}"
        return self.http.get(path, headers=headers or {"X-WAPI-Key": self.KEY})

    def fetch(self, payment: dict[str, Any]) -> dict[str, Any]:
        return dict(self.lookup(payment["transaction_id"]).json["data"])

    def page(self, payment: dict[str, Any], part: str = "") -> Reply:
        return self.http.get(payment["url"] + part)

    def pay(self, payment: dict[str, Any], **changes: str) -> Reply:
        """Fill in the card form and press Pay; without changes, with a card that is approved."""
        form = {
            "network": "Visa",
            "number": "4111 1111 1111 1111",
            "expiry": "03/31",
            "cvv": "123",
            "holder": "Mia Potter",
        }
        return self.http.post(payment["url"], data=form | changes)

    def challenge(self, payment: dict[str, Any], **form: str) -> Reply:
        return self.http.post(payment["url"].replace("/payment?", "/challenge?"), data=form)


def wipay_form(**changes: Any) -> dict[str, Any]:
    form = {
        "account_number": "1234567890",
        "country_code": "TT",
        "currency": "TTD",
        "environment": "sandbox",
        "fee_structure": "customer_pay",
        "method": "credit_card_co",
        "order_id": "0123456789abcdef",
        "origin": "kiln-and-kettle",
        "response_url": RETURN_URL,
        "total": "10.00",
        "email": "mia@example.org",
        "name": "Mia Pötter",
    } | changes
    return {field: value for field, value in form.items() if value is not None}


class RequestNetwork(Sandbox):
    """The same for Request Network, where a payment is what the create call answered."""

    KEYS = {"x-client-id": "cli_test_kiln_and_kettle"}  # noqa: RUF012

    def call(self, method: str, path: str, **options: Any) -> Reply:
        options.setdefault("headers", self.KEYS)
        return self.app.test_client().open(f"/request_network/v2{path}", method=method, **options)

    def create(self, **changes: Any) -> Reply:
        """A change to None leaves the field out."""
        return self.call("POST", "/secure-payments", json=request_network_body(**changes))

    def payment(self, **changes: Any) -> dict[str, Any]:
        reply = self.create(**changes)
        assert reply.status_code == 201, reply.text
        return dict(reply.json)

    def fetch(self, payment: dict[str, Any]) -> dict[str, Any]:
        return dict(self.call("GET", f"/request/{payment['requestIds'][0]}").json)

    def page(self, payment: dict[str, Any], part: str = "") -> Reply:
        return self.http.get(f"/request_network/{part}?token={payment['token']}")

    def press(self, payment: dict[str, Any], part: str, **form: str) -> Reply:
        return self.http.post(f"/request_network/{part}?token={payment['token']}", data=form)

    def pay(self, payment: dict[str, Any], **changes: str) -> Reply:
        """Connect the wallet, approve, pay; without changes, all of it with USDC on Base."""
        self.press(payment, "connect")
        form = {"way": "BASE USDC", "amount": "49.99", "settles": "now"} | changes
        approved = self.press(payment, "approve", **form)
        return self.press(payment, "pay") if approved.status_code == 303 else approved


def request_network_body(**changes: Any) -> dict[str, Any]:
    body = {
        "requests": [{"amount": "49.99"}],
        "reference": "order-1",
        "redirectUrl": RETURN_URL,
        "redirectLabel": "Back to the shop",
    } | changes
    return {field: value for field, value in body.items() if value is not None}
