"""MintCash: hosted card page, signed webhook, status by id.

Refunds are in ``refunds.py``, what is charged each month in ``subscriptions.py``.

Documentation (www.mintcash.me, read 2026-05 to 2026-07): docs/{api,guides,concepts}. Money is
proven by the webhook or the answer to ``GET /payments/{id}``, never by the return. A webhook's
``event_key`` is its ``eventId``: it is signed, and the same on every retry of an event.

=====================================  ==========================================================
``payment.created … succeeded``        the payment's status, and its amount
``payment.failed``                     declined, or by ``failureCode`` expired or canceled
refunded, voided, refund_failed        see ``refunds.py``
``subscription.…``                     see ``subscriptions.py``
anything else                          kept, and changes nothing
one that does not say how much         kept, and MintCash is asked
one that contradicts itself            the same, and a person is told
one without a payment's id             400: it does not say whose money it is about
=====================================  ==========================================================
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contract import (
    Capabilities,
    Checkout,
    Malformed,
    News,
    PaymentRequest,
    Unreachable,
    Urls,
)
from ..http import with_id
from ..proof import by_answer, check_environment, check_hmac
from ..text import optional_text, printable, usable_id
from .api import Account as Account
from .api import call_api, read_event, read_money
from .pages import page_payload, read_page
from .refunds import REFUNDED, check_totals, read_refund_failed
from .refunds import refund as refund
from .subscriptions import SUBSCRIPTION_EVENTS, read_subscription
from .subscriptions import cancel_subscription as cancel_subscription
from .subscriptions import fetch_subscription as fetch_subscription
from .subscriptions import start_subscription as start_subscription

#: docs/concepts/payments: their words for a status are ours, too. Unknown ones change nothing.
STATUSES = ("created", "pending", "authorized", "succeeded", "failed", *REFUNDED)
#: Seen in sandbox webhooks: an abandoned page ends in ``failed`` with this ``failureCode``.
ABANDONED = ("expired", "canceled")
#: docs/concepts/cascading names some ``failureCode``; the words for the shopper are ours.
FAILURES = {
    "insufficient_funds": "There is not enough money on this card.",
    "card_expired": "This card has expired.",
    "invalid_cvv": "The security code did not match this card.",
    "invalid_pan": "This card number is not valid.",
    "lost_or_stolen_card": "This card cannot be used.",
    "limit_violation": "This payment is above the card’s limit.",
    "client_auth_failed": "Your bank could not confirm that it was you.",
    "invalid_3ds_code": "Your bank could not confirm that it was you.",
    "expired": "The payment page was open for too long.",
    "canceled": "The payment was canceled on MintCash’s page.",
}


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="mintcash",
        label="MintCash",
        takes="Cards",
        note="Visa and Mastercard",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The card was declined.",
        failures=FAILURES,
        refunds="part",
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /payments`` (docs/api/payments), with the fields of ``pages.page_payload``.

    Safe to retry: ``externalId`` makes one payment; with another payload, ``ReferenceTaken``.
    """
    reply = call_api(account, "POST", "/payments", page_payload(payment, urls))
    return read_page(reply, "payment")


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Check ``x-signature`` over the raw bytes, then read the envelope."""
    signature = headers.get("x-signature", "")
    proof = check_hmac("x-signature", signature, body, account.signing_secrets)
    event = read_event(body)
    name, key, data = event["event"], event["eventId"], event["data"]
    check_environment("environment", event.get("environment"), account.environment)
    entity, _, word = name.partition(".")
    if name == "payment.refund_failed":
        news = read_refund_failed(data, name, key)
    elif entity == "subscription" and word in SUBSCRIPTION_EVENTS:
        news = read_subscription(data, word, name, key)
    elif entity != "payment" or word not in STATUSES:  # what is added later
        reference = printable(data.get("id") or "", 100)
        news = News(reference, None, None, word=printable(name, 100), event_key=key)
    else:
        news, said = _news(data, word, name, key), data.get("status")
        if said not in (None, word, *(ABANDONED if word == "failed" else ())):
            problem = f"MintCash says {name}, and that the status is {printable(said, 40)!r}"
            news = replace(news, status=None, problem=problem, check=True)
    return [replace(news, proof=proof)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /payments/{id}``: by MintCash's id only, so none before we have it."""
    if payment.provider_reference is None:
        return []
    path = f"/payments/{payment.provider_reference}"
    resource = with_id(payment.provider_reference, call_api(account, "GET", path))
    word = printable(resource.get("status"), 40)
    try:
        news = _news(resource, word, f"GET: {word}", None)
    except Malformed as error:
        raise Unreachable(f"GET /payments: {error}") from error
    return [replace(news, proof=by_answer(path))]


def _news(data: dict[str, Any], word: str, event: str, key: str | None) -> News:
    """A payment as webhooks (with a ``key``) and ``GET`` (without) show it."""
    amount, refunded, currency = read_money(data, word, is_webhook=key is not None)
    reference, code = data.get("externalId"), data.get("failureCode")
    status = code if word == "failed" and code in ABANDONED else word
    news = News(
        provider_reference=usable_id(data, "id", Malformed),
        reference=printable(reference, 100) if isinstance(reference, str) else None,
        status=status if word in STATUSES else None,
        word=event,
        event_key=key,
        amount=amount,
        currency=currency,
        refunded=refunded,
        failure_code=optional_text(code, 60),
        failure_message=optional_text(data.get("failureMessage")),
    )
    return check_totals(news, word, data)
