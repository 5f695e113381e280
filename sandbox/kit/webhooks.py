"""A provider's webhooks: written, spoiled where a fault says so, signed, and sent.

A fault that is correctly signed is applied before signing, "tamper" after it.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr
from sqlalchemy import select

from .. import deliveries
from ..models import Delivery, Payment, db
from .provider import provider_of

#: A field of the body, as in ``data.amount``; ``*`` is each item of a list. One that is not there
#: stays away.
Path = str
#: What it says: a value, or a function of the payment and the newest other one.
Lie = Any


def json_bytes(said: Mapping[str, Any]) -> bytes:
    """JSON without spaces. It can name characters that UTF-8 cannot write: they become "?"."""
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def form_bytes(said: Mapping[str, Any]) -> bytes:
    """A form; what is None is blank."""
    fields = {name: "" if value is None else value for name, value in said.items()}
    return urlencode(fields, errors="replace").encode()


@dataclass(frozen=True)
class Webhooks:
    """How a provider's webhooks are written and repeated, and where the faults lie in them."""

    #: Sandbox seconds from each failed attempt to the next; then it is given up.
    retry_after: Sequence[int]
    #: The names of the fields that hold amounts, at any depth: "no_amount", "null_amount".
    amounts: Sequence[str] = ()
    #: Fault -> what it makes which field say: "wrong_amount", "wrong_currency",
    #: "wrong_environment", "replay_other_order"; "tamper" where nothing is signed.
    lies: Mapping[str, Mapping[Path, Lie]] = field(default_factory=dict)
    #: What "tamper" looks for in the signed body, and what it writes behind it.
    tamper: tuple[bytes, bytes] | None = None
    encode: Callable[[Mapping[str, Any]], bytes] = json_bytes

    def send(
        self,
        payment: Payment,
        event: str,
        said: dict[str, Any],
        *,
        url: str,
        headers: Callable[[bytes], dict[str, str]] = lambda _body: {},
        final: bool = True,
        goes_back: bool = False,
    ) -> list[Delivery]:
        """Store a webhook, to be sent when the caller commits.

        :param said: the body, as it should be.
        :param headers: makes those that sign it, of the bytes of the body.
        :param final: whether this event settles the payment; "reorder" sends it first.
        :param goes_back: whether it says that money went back; "overtaken" sends it first.
        """
        body = self.encode(self._spoiled(payment, said))
        kind = "x-www-form-urlencoded" if self.encode is form_bytes else "json"
        made = {"Content-Type": f"application/{kind}"} | headers(body)
        if payment.delivery_fault == "tamper" and self.tamper:
            pattern, added = self.tamper
            body = re.sub(pattern, lambda found: found[0] + added, body, count=1)
        return deliveries.enqueue(
            payment,
            event,
            url=url,
            headers=made,
            body=body,
            retry_after=self.retry_after,
            last_word=final,
            goes_back=goes_back,
        )

    def _spoiled(self, payment: Payment, said: dict[str, Any]) -> dict[str, Any]:
        lies = self.lies.get(payment.delivery_fault, {})
        for path, lie in lies.items():
            says = lie(payment, newest_other(payment)) if callable(lie) else lie
            said = _replaced(said, path.split("."), says)
        if payment.delivery_fault in ("no_amount", "null_amount"):
            said = self._without_amounts(said, payment.delivery_fault == "null_amount")
        return said

    def _without_amounts(self, said: Any, is_named: bool) -> Any:
        if isinstance(said, list):
            return [self._without_amounts(each, is_named) for each in said]
        if not isinstance(said, dict):
            return said
        return {
            name: None if name in self.amounts else self._without_amounts(value, is_named)
            for name, value in said.items()
            if name not in self.amounts or is_named
        }


def _replaced(said: Any, path: list[str], says: Any) -> Any:
    """A copy of what is said in which the field at the path, if it is there, says otherwise."""
    if not path:
        return says
    first, *rest = path
    if first == "*" and isinstance(said, list):
        return [_replaced(each, rest, says) for each in said]
    if isinstance(said, dict) and first in said:
        return said | {first: _replaced(said[first], rest, says)}
    return said


def another_currency(*two: str) -> Lie:
    """A lie about the currency: the first of two, unless it is the payment's."""
    return lambda payment, _other: two[0] if payment.currency != two[0] else two[1]


def of_other_order(_payment: Payment, other: Payment) -> str | None:
    """A lie about whose payment it is: the merchant's id of another one."""
    return other.external_id


def newest_other(payment: Payment) -> Payment:
    """The newest other payment that is still open; failing that any other, or the same."""
    open_first = Payment.status.in_(provider_of(payment).open_in).desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == payment.provider, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return other or payment


def hmac_sha256(secret: str, signed: bytes) -> str:
    """Lower-case hex of HMAC-SHA256; the secret is a text."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def timed_hmac(secret: str, body: bytes) -> str:
    """``t=<Unix seconds>,v1=<hex>``: over the time of sending, a dot and the body."""
    stamp = str(int(time.time()))
    return f"t={stamp},v1={hmac_sha256(secret, f'{stamp}.'.encode() + body)}"


def first_of(secrets: SecretStr) -> str:
    """Of a comma-separated list, the first: what signs while secrets are exchanged."""
    return secrets.get_secret_value().split(",")[0].strip()
