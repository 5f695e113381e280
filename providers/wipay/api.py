"""How WiPay is called: its hosts, one merchant's account, and what each HTTP status means.

Documentation (docs.wipayfinancial.com, read 2026-11): platforms-and-environments, wapi (v2.0.2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import http, proof
from ..contract import (
    Malformed,
    PaymentRequest,
    Rejected,
    Unreachable,
    WrongEnvironment,
)
from ..money import to_major
from ..text import printable

#: platforms-and-environments: country -> host of each environment.
HOSTS = {
    code: {
        "live": f"https://{code.lower()}.wipayfinancial.com",
        "sandbox": f"https://{code.lower()}sb.wipayfinancial.com",
    }
    for code in ("BB", "GD", "GY", "JM", "TT")
}
#: Country -> what its accounts take, as far as that is documented.
CURRENCIES = {
    "BB": ("USD",),
    "GD": ("USD",),
    "GY": ("USD",),
    "JM": ("JMD", "USD"),
    "TT": ("TTD", "USD"),
}

REFUSED = "WiPay cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "WiPay is closed in this shop right now. Nothing was charged. Please pay another way."
#: Which status belongs to which error is not documented. 401 and 403 are about who we are, not what
#: we asked; 408 and 429 (too slow, too many) are no answer, and neither is what is not listed.
ERRORS: http.Errors = {
    **dict.fromkeys(range(400, 500), (Rejected, REFUSED)),
    **dict.fromkeys((401, 403), (Rejected, CLOSED)),
    **dict.fromkeys((408, 429), (Unreachable, None)),
}

#: ``fee_structure``: what of WiPay's fee the shopper sees on its page.
FEES = {
    "merchant_absorb": "",
    "customer_pay": ". WiPay adds its fee to the total",
    "split": ". WiPay adds half of its fee to the total",
}
LONGEST_EMAIL = 50  # payments-api/payment-request
LONG_EMAIL = "WiPay takes e-mail addresses of up to 50 characters. Please pay another way."

#: "[2-R2]: Transaction is declined.", also with letters and leading zeros.
REASON = re.compile(r"\[(\w{1,10}-\w{1,10})\]", re.ASCII)

#: "SB-12-1-order-20210616024001": not to be taken apart, since the order in it may hold dashes.
#: With our orders of 16 digits it has 58 characters at most; it is part of a key of 100.
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
EVENT_ID = re.compile(r"[!-~]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One WiPay merchant in one environment."""

    base_url: str  # one of HOSTS
    environment: str  # "sandbox" or "live", as requests spell it
    origins: tuple[str, ...]  # of the hosted page
    currencies: tuple[str, ...]
    account_number: str
    country_code: str
    fee_structure: str  # who pays WiPay's fee: customer_pay, merchant_absorb or split
    mode: Literal["json", "form"]  # who sends the request: this shop, or the shopper's browser
    sends_email: bool  # required by v1.0.11 of the API, optional in v1.0.8 and v1.0.9
    card_type: str  # mastercard or visa: the page does not ask which; "": it does
    avs: bool  # the page asks for the card's billing address, too
    signs: str  # what webhooks sign, both are documented: "body" or "timestamp.body"
    api_key: str = field(repr=False)  # is never sent; only proves returns
    webhook_secrets: tuple[str, ...] = field(repr=False)  # none without an endpoint at WiPay
    wapi_key: str = field(repr=False)  # "" for accounts that have none: no WAPI then


def environment_of(transaction_id: str) -> str:
    """Only the ids of the test system begin with "SB-"."""
    return "sandbox" if transaction_id.startswith("SB-") else "live"


def total_of(payment: PaymentRequest) -> str:
    """What is sent and what is hashed must be one text: "10" and "10.0" have other digests."""
    return f"{to_major(payment.amount, payment.currency):.2f}"


def usable_id(data: dict[str, Any], problem: type[Exception]) -> str:
    found = data.get("transaction_id")
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem("no usable transaction_id")
    return found


def read_failure(data: dict[str, Any]) -> tuple[str | None, str | None]:
    """Code and words of a declined card: "2-R2", "[2-R2]: Transaction is declined."."""
    message = data.get("message")
    said = message if isinstance(message, str) else ""
    reason = REASON.search(said)
    return reason[1] if reason else None, printable(said) or None


def open_page(account: Account, path: str, form: list[tuple[str, str]]) -> tuple[str, str]:
    """Ask for a hosted page: its transaction's id and its address.

    Sent once, since each call makes another transaction. After a lost answer a new call does no
    harm: no shopper has the first page.

    :raise Unreachable: time-out, 5xx, or no page in the answer.
    :raise Rejected: every 4xx, or an answer of the other environment.
    """
    reply = call_api(account, "POST", path, form, retry=False)
    url, transaction_id = reply.get("url"), reply.get("transaction_id")
    if not isinstance(url, str):
        raise Unreachable(f"POST {path}: the answer holds no url")
    if not isinstance(transaction_id, str) or not SAFE_ID.fullmatch(transaction_id):
        raise Unreachable(f"POST {path}: the answer holds no usable transaction_id")
    if environment_of(transaction_id) != account.environment:
        raise Rejected(f"{transaction_id} is not {account.environment!r}", CLOSED)
    return transaction_id, url


def call_api(
    account: Account,
    method: str,
    path: str,
    form: list[tuple[str, str]] | None = None,
    retry: bool = True,
) -> dict[str, Any]:
    """JSON mode. Only WAPI wants a key; a payment's request is known by its ``account_number``.

    :raise Unreachable: time-out, 3xx (documented as success, without an example), 5xx, or no JSON
        object.
    :raise Rejected: every other 4xx; ``str(error)`` ends with WiPay's message.
    """
    headers = {"Accept": "application/json"}
    if path.startswith("/wapi/"):
        headers["X-WAPI-Key"] = account.wapi_key
    url = account.base_url + path
    reply = http.call(method, url, headers=headers, form=form, retry=retry)
    words = f"{method} {path}: {_words(reply)}"
    return http.answer(reply, ERRORS, words, may_be_empty=method == "DELETE")


def signed_part(account: Account, headers: Mapping[str, str], body: bytes) -> tuple[bytes, str]:
    """What a webhook's signature covers, the body or time stamp and body, and that in words.

    :raise Unproven: the time stamp is signed, and missing or no number.
    """
    if account.signs == "body":
        return body, proof.RAW_BODY
    signed = proof.with_time(headers.get("x-wipay-webhook-timestamp", ""), body)
    return signed, proof.TIME_AND_BODY


def check_age(account: Account, headers: Mapping[str, str]) -> None:
    """Where the time stamp is signed, a delivery older than five minutes is refused.

    Where the body is signed alone, the time stamp proves nothing, and a retry may carry that of the
    first. In both ways, the event's id inside the body keeps a replay from counting twice.

    :raise Unproven: too old, or from the future.
    """
    if account.signs != "body":
        proof.check_age(headers["x-wipay-webhook-timestamp"])


def read_event(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The envelope of a webhook, with ``event``, ``id`` and ``data``.

    :raise Malformed: one of them is missing, or not usable.
    """
    event = http.read_object(body)
    name, key = event.get("event"), event.get("id")
    if not isinstance(event.get("data"), dict):
        raise Malformed("no event with data")
    if not isinstance(name, str) or not isinstance(key, str) or not EVENT_ID.fullmatch(key):
        raise Malformed("no event or id")
    if headers.get("x-wipay-webhook-id", key) != key:
        raise Malformed("the header and the body have different ids")
    return event


def check_environment(account: Account, transaction_id: str) -> None:
    """
    :raise WrongEnvironment: it is not the account's.
    """
    if environment_of(transaction_id) != account.environment:
        raise WrongEnvironment(f"{transaction_id} is not {account.environment!r}")


def _words(reply: http.Reply) -> str:
    """``{"message"}`` on one line; the ``url`` beside it only repeats ours."""
    message = reply.data.get("message") if isinstance(reply.data, dict) else None
    return printable(f"HTTP {reply.status} {message}")
