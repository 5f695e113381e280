"""Where a message carries its proof, so that tests can take it off, change it and put it back.

A delivery is (headers in lower case, raw body). What proves it here is written apart from the
shop's own verifiers, and checked against the vectors of the documentation and ``openssl``.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, quote

Delivery = tuple[dict[str, str], bytes]


class Proof(Protocol):
    """Where a delivery carries its proof."""

    def read(self, delivery: Delivery) -> str:
        """The proof of a correctly signed delivery."""

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
    """HMAC-SHA256 over the sorted fields, as the field ``hmac``."""

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
    """The secret itself, in a field of the JSON body: nothing is signed."""

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
        """Works on the text, since many a body of an attacker is no JSON."""
        headers, body = delivery
        name = re.escape(json.dumps(self.name)).encode()
        word = json.dumps(self.name).encode() + b": " + json.dumps(secret).encode()
        return headers, re.sub(name + rb': *"[^"]*"', lambda _: word, body, count=1)
