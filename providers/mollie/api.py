"""How Mollie is called (docs.mollie.com: authentication, handling-errors, api-idempotency)."""

import re
from dataclasses import dataclass, field
from typing import Any

from ..contract import ReferenceTaken, Rejected, Unreachable
from ..http import Errors, answer, call
from ..money import read_currency, to_major, to_minor
from ..text import printable

REFUSED = "Mollie cannot take this payment. Nothing was charged. Please pay another way."
#: 400: the key was used with another payload. 409, as much was refunded within the hour or the
#: first call is under way, passes: it is not listed, so it is no answer.
ERRORS: Errors = dict.fromkeys((401, 403, 404, 405, 410, 415, 422), (Rejected, REFUSED)) | {
    400: (ReferenceTaken, REFUSED)
}


@dataclass(frozen=True)
class Account:
    base_url: str  # of test and live: the key says which
    origins: tuple[str, ...]  # of the hosted pages
    currencies: tuple[str, ...]
    api_key: str = field(repr=False)


def call_api(account: Account, method: str, path: str, payload: Any = None) -> dict[str, Any]:
    """What is made bears our reference as ``metadata``; it is the Idempotency-Key, too."""
    headers = {"Authorization": f"Bearer {account.api_key}"}
    if payload:
        headers["Idempotency-Key"] = payload["metadata"]
    reply = call(method, account.base_url + path, headers=headers, payload=payload)
    words = f"{method} {path}: HTTP {reply.status} {reply.said('detail')} ({reply.said('field')})"
    return answer(reply, ERRORS, printable(words))


def fetch(account: Account, reference: str | None) -> dict[str, Any]:
    """A payment; ``refunds`` and ``chargebacks`` are lists beside its own fields."""
    found = call_api(account, "GET", f"/v2/payments/{reference}?embed=refunds,chargebacks")
    if found.get("id") != reference:
        raise Unreachable("GET /v2/payments: the answer is about another payment")
    return {"refunds": [], "chargebacks": []} | found | (found.get("_embedded") or {})


def read_id(data: dict[str, Any]) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]{1,100}", data["id"]):  # opaque, and travels in our URLs
        raise ValueError("no usable id")
    return str(data["id"])


def read_amount(amount: dict[str, Any]) -> tuple[int, str]:
    return to_minor(amount["value"], read_currency(amount["currency"])), amount["currency"]


def write_amount(amount: int, currency: str) -> dict[str, str]:
    return {"currency": currency, "value": str(to_major(amount, currency))}  # "49.99"; JPY: "1200"
