"""Pingpay's API, answered inside the test process."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import responses

from . import API

Answer = tuple[int, dict[str, str], str]


@dataclass
class Api:
    """Its payments by id, and what the shop asked: "GET /payments/tr_1"."""

    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    charge: str | None = None  # of payments that are made from now on
    #: Called with the payment's id, before the create call is answered.
    before_reply: Callable[[str], None] = lambda _: None
    #: Called with the payment's id, when a look-up was read and is not answered yet.
    before_answer: Callable[[str], None] = lambda _: None

    def answer(self, request: requests.PreparedRequest) -> Answer:
        path = str(request.url).removeprefix(API)
        self.calls.append(f"{request.method} {path}")
        if (request.method, path) == ("POST", "/payments"):
            return self._create(json.loads(request.body or b"{}"))
        if path.startswith("/payments/"):
            shown = json.dumps(self.payments[path.removeprefix("/payments/")])
            self.before_answer(path.removeprefix("/payments/"))
            return 200, {}, shown
        return 200, {}, "{}"

    def _create(self, sent: dict[str, Any]) -> Answer:
        number = len(self.payments) + 1
        payment = {
            **{"id": f"tr_{number}", "status": "created", "refunded": 0, "charge": self.charge},
            **{"amount": sent["amount"], "currency": sent["currency"]},
            "url": f"http://127.0.0.1:5001/pingpay/pay/{number}",
        }
        self.payments[payment["id"]] = payment
        self.before_reply(payment["id"])
        return 200, {}, json.dumps(payment)

    def add(self, payment: dict[str, Any]) -> dict[str, Any]:
        """A payment that the test placed, as ``Books.place_order`` tells of it."""
        known = {
            **{"id": payment["id"], "status": "created", "refunded": 0, "charge": None},
            **{"amount": payment["amount"], "currency": payment["currency"]},
        }
        self.payments[payment["id"]] = known
        return known


@contextmanager
def api() -> Iterator[Api]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        fake = Api()
        for method in (responses.POST, responses.GET, responses.DELETE):
            mock.add_callback(method, re.compile(f"{API}/.*"), fake.answer)
        yield fake
