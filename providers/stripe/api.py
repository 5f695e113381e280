"""How Stripe is called: one account, what each HTTP status means, and how it counts money.

Documentation (docs.stripe.com, read 2026-11): api/errors, api/idempotent_requests, currencies.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..contract import Malformed, ReferenceTaken, Rejected, WrongEnvironment
from ..http import Errors, answer, call, read_object
from ..money import NotMoney, digits, read, to_major, to_minor
from ..text import printable

VERSION = "2026-06-24.dahlia"  # api/versioning; without it, whichever the account began with
REFUSED = "Stripe cannot take this payment. Nothing was charged. Please pay another way."
#: What is not listed (409, 429, 500 …) is no answer: ``Unreachable``.
ERRORS: Errors = dict.fromkeys((400, 401, 402, 403, 404), (Rejected, REFUSED))
#: currencies: digits after the point where they are not ISO 4217's.
ZERO = ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV")
DIGITS = dict.fromkeys((*ZERO, "XAF", "XOF", "XPF"), 0)
DIGITS |= {"ISK": 2, "UGX": 2}  # whole ones only, and counted in hundredths
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One Stripe account, in test or live mode; both have one address."""

    base_url: str
    live: bool  # ``livemode`` of its events
    origins: tuple[str, ...]
    currencies: tuple[str, ...]
    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)  # two while one is being rolled


def call_api(
    account: Account, method: str, path: str, form: dict[str, str] | None = None, key: str = ""
) -> dict[str, Any]:
    """HTTP Basic, with the secret key as user. ``key`` makes a POST safe to retry for a day.

    :raise ProviderError: see :data:`ERRORS`; ``ReferenceTaken`` for a key sent with another form.
    """
    auth, headers = (account.secret_key, ""), {"Stripe-Version": VERSION}
    headers |= {"Idempotency-Key": key} if key else {}
    fields = [*form.items()] if form else None
    reply = call(method, account.base_url + path, auth=auth, headers=headers, form=fields)
    said = reply.said("error")
    kind, message = (said.get("type"), said.get("message")) if isinstance(said, dict) else ("", "")
    words = printable(f"{method} {path}: HTTP {reply.status} {kind}: {message}")
    if reply.status == 400 and kind == "idempotency_error":
        raise ReferenceTaken(words, REFUSED)
    return answer(reply, ERRORS, words)


def read_event(body: bytes, live: bool) -> tuple[str, str, dict[str, Any]]:
    """Type, id and object of a webhook (api/events/object).

    :raise WebhookRefused: one of them is missing, or it comes from the other mode.
    """
    event = read_object(body)
    name, key = (read_word(event, each, Malformed) for each in ("type", "id"))
    data = event.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
        raise Malformed("no object in data")
    if event.get("livemode") is not live:
        raise WrongEnvironment(f"livemode is {printable(event.get('livemode'), 20)}")
    return name, key, data["object"]


def read_word(data: dict[str, Any], name: str, problem: type[Exception]) -> str:
    """An id, or an event's type: fits in a path, and in a column."""
    found = data.get(name)
    if not isinstance(found, str) or not WORD.fullmatch(found):
        raise problem(f"no usable {name}")
    return found


def to_stripe(amount: int, currency: str) -> str:
    """Our minor units as Stripe's; where there are three digits, the last is 0.

    :raise Rejected: the amount is finer.
    """
    exact = to_major(amount, currency).scaleb(DIGITS.get(currency, digits(currency)))
    if exact % (10 if digits(currency) == 3 else 1):
        raise Rejected(f"Stripe takes no such fraction of {currency}", REFUSED)
    return str(int(exact))


def read_money(data: dict[str, Any], name: str, problem: type[Exception]) -> dict[str, Any]:
    """Stripe's integer as our minor units, with its currency; None for what is not said."""
    try:
        amount, currency = data.get(name), read(None, data.get("currency"))[1]
        if currency and amount is not None:
            if type(amount) is not int:
                raise NotMoney(f"not an integer: {printable(amount, 20)}")
            exact = Decimal(amount).scaleb(-DIGITS.get(currency, digits(currency)))
            amount = to_minor(exact, currency)
    except NotMoney as error:
        raise problem(f"{name}: {error}") from error
    return {"amount": amount if currency else None, "currency": currency}
