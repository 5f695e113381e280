"""MintCash for tests: correctly signed deliveries, and its API answered inside the process.

The signer here is checked against the vectors in ``providers/mintcash`` and against ``openssl``,
never against the shop's own verifier.
"""

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import responses

SECRET = "whsec_test_kiln_and_kettle"
API = "http://127.0.0.1:5001/mintcash"
PAGE = "http://127.0.0.1:5001/mintcash/pay"


@dataclass(frozen=True)
class Delivery:
    """One webhook delivery, as it arrives."""

    body: bytes
    headers: dict[str, str]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.body, self.headers))


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes, secret: str = SECRET) -> Delivery:
    return Delivery(body, {"x-signature": sign(body, secret)})


def event(
    payment: dict[str, Any],
    status: str,
    *,
    event_id: str | None = None,
    environment: str = "test",
    **changes: Any,
) -> Delivery:
    """A correctly signed event about a payment of :class:`Api`, in the shape the sandbox has."""
    data = {
        "id": payment["id"],
        "externalId": payment["externalId"],
        "status": status,
        "amount": payment["amount"] / 100,  # JSON numbers in major units, as on the wire
        "currency": payment["currency"],
        "providerTransactionId": "cpi_1234567890abcdef",
        "failureCode": None,
        "failureMessage": None,
        "amountRefunded": 0,
        "amountRefundable": payment["amount"] / 100,
        "card": None,
        **changes,
    }
    envelope = {
        "eventId": event_id or str(uuid.uuid4()),
        "event": f"payment.{status}",
        "type": "payment",
        "apiVersion": "2026-05-01",
        "environment": environment,
        "createdAt": "2026-05-22T14:32:08.412Z",
        "data": data,
    }
    return signed(json.dumps(envelope, separators=(",", ":")).encode())


@dataclass
class Api:
    """MintCash's API, answered inside the test process; ``calls`` is what the shop sent."""

    mock: responses.RequestsMock
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    before_reply: Any = None  # called with the payment, before the create call is answered

    def create(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        sent = json.loads(request.body or b"{}")
        self.calls.append(sent)
        known = [p for p in self.payments.values() if p["externalId"] == sent["externalId"]]
        payment = known[0] if known else self._new(sent)
        if payment["sent"] != sent:
            body = {"code": "already_exists", "message": "different payload", "details": {}}
            return 409, {}, json.dumps(body)
        if self.before_reply:
            self.before_reply(payment)
        return 200, {}, json.dumps(self._shown(payment) | {"redirectUrl": payment["redirectUrl"]})

    def fetch(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        payment = self.payments.get(str(request.url).rpartition("/")[2])
        if payment is None:
            return 404, {}, json.dumps({"code": "not_found", "message": "", "details": {}})
        return 200, {}, json.dumps(self._shown(payment))

    def _new(self, sent: dict[str, Any]) -> dict[str, Any]:
        payment_id = str(uuid.uuid4())
        self.payments[payment_id] = {
            "id": payment_id,
            "externalId": sent["externalId"],
            "amount": sent["amount"],
            "currency": sent["currency"],
            "status": "created",
            "redirectUrl": f"{PAGE}/{payment_id}",
            "sent": sent,
        }
        return self.payments[payment_id]

    def _shown(self, payment: dict[str, Any]) -> dict[str, Any]:
        shown = {k: payment[k] for k in ("id", "externalId", "status", "currency")}
        refunded = payment.get("amountRefunded", 0)
        return {**shown, "amount": payment["amount"] / 100, "amountRefunded": refunded}

    @property
    def fetches(self) -> int:
        """How often the shop has asked how a payment stands."""
        return sum(call.request.method == "GET" for call in self.mock.calls)

    @property
    def newest(self) -> dict[str, Any]:
        return list(self.payments.values())[-1]


@contextmanager
def api() -> Iterator[Api]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        fake = Api(mock)
        mock.add_callback(responses.POST, f"{API}/payments", fake.create)
        mock.add_callback(responses.GET, re.compile(rf"{API}/payments/[^/]+"), fake.fetch)
        yield fake
