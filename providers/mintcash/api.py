"""How MintCash is called: one merchant's account, and what each HTTP status means.

Documentation (www.mintcash.me, read 2026-05 to 2026-07): docs/api/authentication,
docs/concepts/errors.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from ..contract import Malformed, ReferenceTaken, Rejected
from ..http import Errors, Reply, answer, call, read_object
from ..money import NotMoney, read
from ..text import printable

REFUSED = "MintCash cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "MintCash is closed in this shop right now. Nothing was charged. Please pay another way."
#: docs/concepts/errors. What is not listed (500, 502, 503 …) is no answer: ``Unreachable``.
ERRORS: Errors = {
    400: (Rejected, REFUSED),  # invalid_argument
    401: (Rejected, CLOSED),  # unauthenticated: our keys
    403: (Rejected, CLOSED),  # permission_denied: IP allow list, or not a merchant
    404: (Rejected, REFUSED),  # not_found
    409: (ReferenceTaken, REFUSED),  # already_exists: same externalId, different payload
    422: (Rejected, REFUSED),  # docs/api/refunds: more than remains
    499: (Rejected, "Your bank said no. Nothing was charged. Please pay another way."),  # aborted
}

EVENT_ID = re.compile(r"[!-~]{1,100}", re.ASCII)
#: Under these words an amount must be readable; under others an odd one is left out.
MONEY = ("succeeded", "partially_refunded", "refunded")


@dataclass(frozen=True)
class Account:
    """One MintCash merchant in one environment."""

    base_url: str  # https://sandbox.mintcash.me or https://api.mintcash.me
    environment: str  # "test" or "live", as webhooks spell it
    origins: tuple[str, ...]  # of the hosted page; not documented, so a setting
    currencies: tuple[str, ...]  # list not documented, so a setting
    public_key: str
    secret_key: str = field(repr=False)
    signing_secrets: tuple[str, ...] = field(repr=False)  # two while one is being replaced


def call_api(
    account: Account,
    method: str,
    path: str,
    payload: dict[str, Any] | None = None,
    may_be_empty: bool = False,
) -> dict[str, Any]:
    """HTTP Basic with public and secret key.

    Safe to retry: what makes something carries our ``externalId`` (docs/concepts/idempotency).

    :raise ProviderError: see :data:`ERRORS`.
    """
    auth = (account.public_key, account.secret_key)
    reply = call(method, account.base_url + path, auth=auth, payload=payload)
    return answer(reply, ERRORS, f"{method} {path}: {_words(reply)}", may_be_empty)


def read_event(body: bytes) -> dict[str, Any]:
    """The envelope of a webhook (payload-reference), with ``event``, ``eventId`` and ``data``.

    :raise Malformed: one of them is missing, or not usable.
    """
    event = read_object(body)
    name, key = event.get("event"), event.get("eventId")
    if not isinstance(event.get("data"), dict):
        raise Malformed("no event with data")
    if not isinstance(name, str) or not isinstance(key, str) or not EVENT_ID.fullmatch(key):
        raise Malformed("no event or eventId")
    return event


def read_money(
    data: dict[str, Any], word: str, is_webhook: bool
) -> tuple[int | None, int | None, str | None]:
    """``amount``, ``amountRefunded`` and their currency; both are JSON numbers in *major* units.

    ``amountRefundable`` is not read: it is the full amount even on a failed payment. Returns minor
    units; None for what is not said.

    :raise Malformed: about money with an amount that is none.
    """
    currency, is_money = data.get("currency"), word in MONEY
    if not isinstance(currency, str | None):
        raise Malformed(f"amount: not a currency: {printable(currency, 20)!r}")
    amount, symbol = _read(data.get("amount"), currency, must_be_read=is_money)
    refunded, _ = _read(data.get("amountRefunded"), currency, is_money and is_webhook)
    return amount, refunded, symbol


def _read(amount: object, currency: object, must_be_read: bool) -> tuple[int | None, str | None]:
    """
    :raise Malformed: it must be read and cannot.
    """
    try:
        return read(amount, currency)
    except NotMoney as error:
        if must_be_read:
            raise Malformed(f"amount: {error}") from error
        return None, None


def _words(reply: Reply) -> str:
    """``{"code", "message", "details": {"requestId"}}`` on one line."""
    data = reply.data if isinstance(reply.data, dict) else {}
    details = data.get("details")
    request_id = details.get("requestId") if isinstance(details, dict) else None
    said = f"{data.get('code')}: {data.get('message')} (requestId {request_id})"
    return printable(f"HTTP {reply.status} {said}")
