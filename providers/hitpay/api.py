"""How HitPay is called: one account, and what each HTTP status means.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): apis/guide/sandbox, openapi.json, and
the older docs.html.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contract import Malformed, Rejected
from ..http import Errors, Reply, answer, call, failure, with_id
from ..money import NotMoney, read
from ..text import printable


class Missing(Rejected):
    """404: HitPay has no such payment request (any more)."""


REFUSED = "HitPay cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "HitPay is closed in this shop right now. Nothing was charged. Please pay another way."
#: openapi.json, docs.html. What is not listed (429, 500, 502 …) is no answer: ``Unreachable``.
ERRORS: Errors = {
    400: (Rejected, REFUSED),
    401: (Rejected, CLOSED),  # our key
    403: (Rejected, CLOSED),
    404: (Missing, REFUSED),
    422: (Rejected, REFUSED),  # names each field that is wrong
}

#: An amount is text; one documented example groups the thousands: "900,000.00".
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One HitPay account. A test account is another account on another host."""

    base_url: str  # https://api.sandbox.hit-pay.com or https://api.hit-pay.com
    origins: tuple[str, ...]  # of the hosted page: https://securecheckout.sandbox.hit-pay.com
    currencies: tuple[str, ...]  # list not documented, so a setting
    payment_methods: tuple[str, ...]  # "card", "paynow_online" …; none: all the account has
    page_minutes: int  # how long the hosted page can be paid on
    qr_minutes: int  # how long a QR code can be paid
    drop_in: str  # where hitpay.js is, https://hit-pay.com; blank: shoppers leave for the page
    default_link: str  # for the drop-in; blank: the address of each payment request
    api_key: str = field(repr=False)
    salts: tuple[str, ...] = field(repr=False)  # of the API key: version 1 webhooks
    webhook_salts: tuple[str, ...] = field(repr=False)  # of the endpoint: version 2 webhooks


def call_api(
    account: Account, method: str, path: str, form: list[tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Key in a header; ``X-Requested-With`` makes HitPay answer errors as JSON (create-request).

    A POST is sent once, because HitPay has no idempotency key; other calls are retried. The answer
    to a PUT or DELETE may be empty.

    :raise ProviderError: see :data:`ERRORS`.
    """
    reply = _reply(account, method, path, form)
    words = f"{method} {path}: {_words(reply)}"
    return answer(reply, ERRORS, words, may_be_empty=method in ("PUT", "DELETE"))


def call_list(account: Account, path: str) -> list[dict[str, Any]]:
    """``GET`` of what is answered as a plain list of objects.

    :raise ProviderError: see :data:`ERRORS`; ``Unreachable``, too, when it is no such list.
    """
    reply = _reply(account, "GET", path)
    if reply.ok and isinstance(reply.data, list) and all(isinstance(x, dict) for x in reply.data):
        return reply.data
    raise failure(reply, ERRORS, f"GET {path}: {_words(reply)}")


def _reply(
    account: Account, method: str, path: str, form: list[tuple[str, str]] | None = None
) -> Reply:
    headers = {"X-BUSINESS-API-KEY": account.api_key, "X-Requested-With": "XMLHttpRequest"}
    url, may_retry = account.base_url + path, method != "POST"
    return call(method, url, headers=headers, form=form, retry=may_retry)


def fetch_request(account: Account, reference: str) -> dict[str, Any]:
    """``GET /v1/payment-requests/{id}``.

    :raise ProviderError: no usable answer.
    """
    path = f"/v1/payment-requests/{reference}"
    return with_id(reference, call_api(account, "GET", path))


def read_money(amount: object, named: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """In the ``currency`` of ``named``: webhooks spell it in capitals, ``GET`` does not."""
    if isinstance(amount, str) and GROUPED.fullmatch(amount):
        amount = amount.replace(",", "")
    try:
        return read(amount, named.get("currency"))
    except NotMoney as error:
        raise Malformed(f"amount: {error}") from error


def digest(*facts: object) -> str:
    """An event's key: short enough for any id, and equal for the same facts in other bytes."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _words(reply: Reply) -> str:
    """``{"message", "errors": {field: [text, …]}}`` on one line."""
    data = reply.data if isinstance(reply.data, dict) else {}
    errors = data.get("errors")
    fields = errors.items() if isinstance(errors, dict) else ()
    said = "".join(f"; {name}: {texts}" for name, texts in fields)
    return printable(f"HTTP {reply.status} {data.get('message')}{said}")
