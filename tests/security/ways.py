"""The six ways in which five providers prove a delivery, each to be spoiled by an attacker.

A delivery is (headers in lower case, raw body). What signs here are the builders of
``tests/providers``, which are checked against the vectors of the documentation and ``openssl``.
"""

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

import pytest

from providers.contract import Configured
from tests.providers import (
    test_handcash,
    test_hitpay,
    test_mintcash,
    test_request_network,
    test_wipay,
)
from tests.providers.contract import Case

Delivery = tuple[dict[str, str], bytes]


class Proof(Protocol):
    """Where a delivery carries its proof."""

    def read(self, delivery: Delivery) -> str:
        """The proof of a true delivery."""

    def put(self, delivery: Delivery, proof: str | None) -> Delivery:
        """The same delivery with another proof; None leaves it out."""

    def seal(self, delivery: Delivery, secret: str) -> Delivery:
        """The delivery proven again, with another ``secret``."""


@dataclass(frozen=True)
class InHeader:
    """HMAC-SHA256 over the raw body, in hexadecimal digits."""

    name: str
    prefix: str = ""

    def read(self, delivery: Delivery) -> str:
        return delivery[0][self.name]

    def put(self, delivery: Delivery, proof: str | None) -> Delivery:
        headers = {name: value for name, value in delivery[0].items() if name != self.name}
        return (headers if proof is None else {**headers, self.name: proof}), delivery[1]

    def seal(self, delivery: Delivery, secret: str) -> Delivery:
        digest = hmac.new(secret.encode(), delivery[1], hashlib.sha256).hexdigest()
        return self.put(delivery, self.prefix + digest)


@dataclass(frozen=True)
class InForm:
    """HMAC-SHA256 over the sorted fields, as a field of its own."""

    def read(self, delivery: Delivery) -> str:
        return dict(parse_qsl(delivery[1].decode()))["hmac"]

    def put(self, delivery: Delivery, proof: str | None) -> Delivery:
        rest = re.sub(rb"(^|&)hmac=[^&]*", b"", delivery[1])
        return delivery[0], rest if proof is None else rest + f"&hmac={quote(proof)}".encode()

    def seal(self, delivery: Delivery, secret: str) -> Delivery:
        _, rest = self.put(delivery, None)
        fields = dict(parse_qsl(rest.decode("utf-8", "replace"), keep_blank_values=True))
        joined = "".join(name + fields[name] for name in sorted(fields))
        return self.put(delivery, hmac.new(secret.encode(), joined.encode(), "sha256").hexdigest())


@dataclass(frozen=True)
class InBody:
    """The secret itself, in a field of the JSON body."""

    name: str

    def read(self, delivery: Delivery) -> str:
        return str(json.loads(delivery[1])[self.name])

    def put(self, delivery: Delivery, proof: str | None) -> Delivery:
        event = json.loads(delivery[1])
        del event[self.name]
        return delivery[0], json.dumps(
            event if proof is None else {**event, self.name: proof}
        ).encode()

    def seal(self, delivery: Delivery, secret: str) -> Delivery:
        """Nothing is signed: whoever knows the secret writes it into an object, where there is one.

        As text, since many a body of an attacker is no JSON.
        """
        headers, body = delivery
        word = json.dumps(self.name).encode() + b": " + json.dumps(secret).encode()
        return headers, re.sub(rb'"appSecret": *"[^"]*"', lambda _: word, body, count=1)


@dataclass(frozen=True)
class Way:
    """A provider's case, how its deliveries are proven, and with which secret."""

    name: str
    case: Case
    proof: Proof
    secret: str
    build: Callable[[], Delivery]

    @property
    def provider(self) -> str:
        return self.case.provider.capabilities(self.case.account).name

    @property
    def configured(self) -> Configured:
        return Configured(self.case.provider, self.case.account)

    @property
    def is_json(self) -> bool:
        return not isinstance(self.proof, InForm)

    @property
    def signs(self) -> bool:
        """Whether the body is covered: HandCash's is not, by anything."""
        return not isinstance(self.proof, InBody)

    def paid(self) -> Delivery:
        """A true delivery that says: ``case.payment`` is paid in full."""
        headers, body = self.build()
        kind = "application/json" if self.is_json else "application/x-www-form-urlencoded"
        return {"content-type": kind, **headers}, body

    def sealed(self, body: bytes) -> Delivery:
        """Another body, truly proven."""
        return self.proof.seal((self.paid()[0], body), self.secret)

    def fresh_reference(self) -> str:
        """An id as the provider might give to its next payment."""
        if self.provider == "hitpay":
            return str(uuid.uuid4())
        return f"{'SB-' if self.provider == 'wipay' else ''}{uuid.uuid4().hex[:24]}"

    def of_another_payment(self, reference: str) -> Delivery:
        """A true delivery about the payment that the provider knows by ``reference``."""
        ours = self.case.payment.provider_reference or ""
        headers, body = self.paid()
        if "x-request-network-delivery" in headers:
            headers["x-request-network-delivery"] = reference[:40]
        body = body.replace(ours.encode(), reference.encode())
        name = rf'"(eventId|id)": "(?!{reference}")([0-9a-f-]{{36}}|[0-9A-Z]{{26}})"'.encode()
        body = re.sub(name, rf'"\1": "event-of-{reference}"'.encode(), body)
        if "x-wipay-webhook-id" in headers:
            headers["x-wipay-webhook-id"] = json.loads(body)["id"]
        return self.proof.seal((headers, body), self.secret)


def _version_2() -> Delivery:
    charge = test_hitpay.fixture("payment.json", currency="SGD")
    body = test_hitpay.completed(payments=[charge])
    signature = test_hitpay.sign(body, test_hitpay.WEBHOOK_SALT)
    return {"hitpay-event-object": "payment_request", "hitpay-signature": signature}, body


def _wipay(signs: str) -> Callable[[], Delivery]:
    def build() -> Delivery:
        body = test_wipay.changed()
        return test_wipay.headers_of(body, int(time.time()), signs), body

    return build


WAYS = (
    Way(
        "mintcash",
        test_mintcash.CASE,
        InHeader("x-signature"),
        test_mintcash.VECTOR_SECRET,
        lambda: test_mintcash.CASE.paid,
    ),
    Way(
        "hitpay_form",
        test_hitpay.CASE,
        InForm(),
        test_hitpay.SALT,
        lambda: test_hitpay.CASE.paid,
    ),
    Way(
        "hitpay_event",
        replace(test_hitpay.CASE, paid=_version_2()),
        InHeader("hitpay-signature"),
        test_hitpay.WEBHOOK_SALT,
        _version_2,
    ),
    Way(
        "wipay",
        test_wipay.CASE,
        InHeader("x-wipay-webhook-signature", "sha256="),
        test_wipay.SECRET,
        _wipay("body"),
    ),
    Way(
        "handcash",
        test_handcash.CASE,
        InBody("appSecret"),
        test_handcash.SECRET,
        lambda: test_handcash.CASE.paid,
    ),
    Way(
        "request_network",
        test_request_network.CASE,
        InHeader("x-request-network-signature"),
        test_request_network.SECRET,
        lambda: test_request_network.CASE.paid,
    ),
)

each_way = pytest.mark.parametrize("way", [pytest.param(way, id=way.name) for way in WAYS])
each_signed_json = pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.name) for way in WAYS if way.is_json and way.signs]
)
#: One way for each provider.
each_provider = pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.provider) for way in WAYS if way.name != "hitpay_event"]
)


def as_base64(proof: str) -> str:
    """The same digest in the other usual spelling."""
    digits = proof.removeprefix("sha256=")
    try:
        return base64.b64encode(bytes.fromhex(digits)).decode()
    except ValueError:
        return base64.b64encode(proof.encode()).decode()


def by(algorithm: str, way: Way, delivery: Delivery, secret: str) -> str:
    """A digest of the body made in another way."""
    prefix: Any = getattr(way.proof, "prefix", "")
    return str(prefix + hmac.new(secret.encode(), delivery[1], algorithm).hexdigest())
