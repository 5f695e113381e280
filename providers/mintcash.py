"""MintCash: hosted card page, signed webhook, status by id, refunds.

Documentation (www.mintcash.me, read 2026-05 to 2026-07): docs/api/{payments,refunds},
docs/guides/{accept-one-time-payment,issue-refund}, docs/concepts/{payments,idempotency,errors},
docs/concepts/webhooks/{overview,payload-reference,event-types,signature-verification}.
How money is proven: the webhook, or the answer to ``GET /payments/{id}``. Never the return.

What a webhook may say, and what makes it the same news (``event_key``): always ``eventId``, which
stands in the signed body, is unique for an event and the same on its retries (payload-reference).

=====================================  ==========================================================
``payment.created … succeeded``        the payment's status, and its amount
``payment.failed``                     declined, or by ``failureCode`` expired or canceled
``payment.partially_refunded``         the running total refunded, ``amountRefunded``
``payment.refunded``                   all of it, also where ``amountRefunded`` is null
``payment.voided``                     all of it is gone
``payment.refund_failed``              a refund of ours is refused; the payment is as it was
anything else                          kept, and changes nothing
one that does not say how much         kept, and MintCash is asked
one whose parts contradict each other  kept, a person is told, and MintCash is asked
one without a payment's id             400: whose money it is about, nothing says
=====================================  ==========================================================
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from money import NotMoney, read

from .base import (
    Address,
    BadSignature,
    Capabilities,
    Checkout,
    Customer,
    Hint,
    Malformed,
    PaymentRequest,
    PaymentUpdate,
    Redirect,
    ReferenceTaken,
    Refunded,
    RefundRequest,
    Rejected,
    Unreachable,
    Urls,
    WrongEnvironment,
    printable,
)
from .http import Reply, call, parse_json

#: docs/concepts/payments: their status -> ours. Unknown words change nothing.
STATUSES = {
    "created": "created",
    "pending": "pending",
    "authorized": "authorized",
    "succeeded": "succeeded",
    "failed": "failed",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "voided",
}
#: Seen in sandbox webhooks: an abandoned page ends in ``failed`` with this ``failureCode``.
FAILURES = {"expired": "expired", "canceled": "canceled"}
#: Under these an amount must be named; under others an odd one is no reason to refuse the news.
MONEY = ("succeeded", "partially_refunded", "refunded")

REFUSED = "MintCash cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "MintCash is closed in this shop right now. Nothing was charged. Please pay another way."
#: docs/concepts/errors: HTTP status -> what it means for the same request sent again, and the
#: sentence for the shopper. What is not listed (500, 502, 503 …) is no answer: ``Unreachable``.
ERRORS: dict[int, tuple[type[Rejected], str]] = {
    400: (Rejected, REFUSED),  # invalid_argument
    401: (Rejected, CLOSED),  # unauthenticated: our keys
    403: (Rejected, CLOSED),  # permission_denied: IP allow list, or not a merchant
    404: (Rejected, REFUSED),  # not_found
    409: (ReferenceTaken, REFUSED),  # already_exists: same externalId, different payload
    422: (Rejected, REFUSED),  # docs/api/refunds: more than remains
    499: (Rejected, "Your bank said no. Nothing was charged. Please pay another way."),  # aborted
}

#: docs/concepts/cascading names some of the reasons; the words for the shopper are ours.
REASONS = {
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

#: Ids are opaque ("pmt_…" in the guides, a bare UUID in the sandbox) and travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
EVENT_ID = re.compile(r"[!-~]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One MintCash merchant in one environment (docs/api/authentication)."""

    base_url: str  # https://sandbox.mintcash.me or https://api.mintcash.me
    environment: str  # "test" or "live", as webhooks spell it
    origins: tuple[str, ...]  # of the hosted page; not documented, so a setting
    currencies: tuple[str, ...]  # list not documented, so a setting
    public_key: str
    secret_key: str = field(repr=False)
    signing_secrets: tuple[str, ...] = field(repr=False)  # two while one is being replaced


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="mintcash",
        label="MintCash",
        takes="Cards",
        note="Visa and Mastercard",
        currencies=account.currencies,
        refunds="part",
    )


def page_origins(account: Account) -> tuple[str, ...]:
    return account.origins


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /payments`` (docs/api/payments). ``amount`` is minor units: 4999 is 49.99.

    Safe to repeat: the same ``externalId`` with the same payload answers with the first payment
    (docs/concepts/idempotency).

    :raise Unreachable: time-out, 502, 503 and other 5xx, even after repeating.
    :raise ReferenceTaken: 409, the ``externalId`` was used with another payload.
    :raise Rejected: every other error of docs/concepts/errors.
    """
    payload: dict[str, Any] = {
        "amount": payment.amount,
        "currency": payment.currency,
        "externalId": payment.reference,
        "description": payment.description,
        "returnUrl": urls.return_url,
        "customer": _customer(payment.customer),
    }
    if payment.address and payment.address.postal_code:  # probably required within billing
        payload["billing"] = _billing(payment.address)
    reply = _call(account, "POST", "/payments", payload)
    resource = reply.get("payment", reply)  # the guides wrap what the reference shows flat
    if not isinstance(resource, dict):
        raise Unreachable("POST /payments: the answer holds no payment")
    url = reply.get("redirectUrl") or resource.get("redirectUrl")
    if not isinstance(url, str):
        raise Unreachable("POST /payments: the answer holds no redirectUrl")
    return Checkout(_id(resource, Unreachable), Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[PaymentUpdate]:
    """Check ``x-signature`` over the raw bytes, then read the envelope.

    Order of checks as in docs/concepts/webhooks/signature-verification and docs/guides/going-live.

    :raise BadSignature: header missing, or not the lower-case hex HMAC-SHA256 of the body.
    :raise WrongEnvironment: ``environment`` is not this account's.
    :raise Malformed: signed, but not the documented envelope.
    """
    signature = headers.get("x-signature", "").encode()
    expected = [
        hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        for secret in account.signing_secrets
    ]
    if not any([hmac.compare_digest(signature, each) for each in expected]):
        raise BadSignature("x-signature is missing" if not signature else "x-signature differs")
    try:
        event = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise Malformed("no event with data")
    if event.get("environment") != account.environment:
        theirs = printable(event.get("environment"), 20)
        raise WrongEnvironment(f"environment is {theirs!r}, ours is {account.environment!r}")
    name, key = event.get("event"), event.get("eventId")
    if not isinstance(name, str) or not isinstance(key, str) or not EVENT_ID.fullmatch(key):
        raise Malformed("no event or eventId")
    entity, _, word = name.partition(".")
    if name == "payment.refund_failed":
        return [_refund_failed(event["data"], name, key)]
    if entity != "payment" or word not in STATUSES:
        # Subscriptions, and whatever is added later: kept, not acted on.
        reference = printable(event["data"].get("id") or "", 100)
        return [PaymentUpdate(reference, None, None, word=printable(name, 100), event_key=key)]
    news = _update(event["data"], word, name, key)
    said = event["data"].get("status")
    agreeing = (word, *FAILURES) if word == "failed" else (word,)
    if said is not None and said not in agreeing:
        problem = f"MintCash says {name}, and that the status is {printable(said, 40)!r}"
        return [replace(news, status=None, problem=problem, check=True)]
    return [news]


def keep_body(account: Account, body: bytes) -> str:
    """MintCash's events hold no secret; the signature travels in a header."""
    return body.decode()


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """What MintCash appends to ``returnUrl`` is not documented: a hint that someone came back."""
    return Hint()


def explain_failure(code: str | None) -> str:
    """A sentence for the shopper; most reasons are nobody's business but the bank's."""
    return REASONS.get(code or "", "The card was declined.")


def fetch_payment(account: Account, payment: PaymentRequest) -> PaymentUpdate | None:
    """``GET /payments/{id}`` (docs/api/payments): by MintCash's id only, so None before we have it.

    An odd or missing amount makes the answer none only where it says that money was paid.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if payment.provider_reference is None:
        return None
    resource = _call(account, "GET", f"/payments/{payment.provider_reference}")
    if resource.get("id") != payment.provider_reference:
        raise Unreachable("GET /payments: the answer is about another payment")
    status = printable(resource.get("status"), 40)
    try:
        return _update(resource, status, f"GET: {status}", None)
    except Malformed as error:
        raise Unreachable(f"GET /payments: {error}") from error


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /payments/{id}/refund`` (docs/api/refunds). ``amount`` is minor units: 1500 is 15.00.

    Safe to repeat: ``externalId`` is unique per payment, and the same one the same refund
    (docs/guides/issue-refund). The values of ``status`` are not documented; "succeeded" and
    "failed" are a payment's own words.

    :raise Rejected: 409 for a payment that is not paid, or while another refund is under way; 422
        for more than remains; a refund that failed.
    :raise Unreachable: not known: call again.
    """
    payload = {"externalId": refund.reference, "amount": refund.amount}
    resource = _call(account, "POST", f"/payments/{payment.provider_reference}/refund", payload)
    if resource.get("status") == "failed":
        raise Rejected(f"POST /payments/…/refund: {_reason(resource)}")
    return Refunded(_id(resource, Unreachable), done=resource.get("status") == "succeeded")


def _refund_failed(data: dict[str, Any], event: str, key: str) -> PaymentUpdate:
    """``payment.refund_failed``: the payment is as it was (docs/concepts/webhooks/event-types).

    Where the refund stands inside ``data`` is not documented: as ``refund``, or all of it.
    """
    refund = data.get("refund")
    refund = refund if isinstance(refund, dict) else data
    return PaymentUpdate(
        provider_reference=printable(refund.get("paymentId") or data.get("id") or "", 100),
        reference=None,
        status=None,
        word=event,
        event_key=key,
        refund_refused=_reason(refund),
    )


def _reason(refund: dict[str, Any]) -> str:
    """Why a refund failed, in MintCash's words."""
    said = [refund.get("failureCode"), refund.get("failureMessage")]
    return printable(": ".join(str(each) for each in said if each)) or "no reason was given"


def _customer(customer: Customer) -> dict[str, str]:
    return {"externalId": customer.reference, "email": customer.email, "name": customer.name}


def _billing(address: Address) -> dict[str, str]:
    """The two fields that every observed event had filled in."""
    return {"country": address.country, "postalCode": address.postal_code}


def _update(data: dict[str, Any], word: str, event: str, key: str | None) -> PaymentUpdate:
    """A payment as webhooks (with a ``key``) and ``GET`` (without) show it.

    Amounts are JSON numbers in *major* units. ``amountRefundable`` is not read: it is the full
    amount even on a failed payment.

    :raise Malformed: without a usable id, or about money with an amount that is none.
    """
    status, currency = STATUSES.get(word), data.get("currency")
    is_money, is_webhook = status in MONEY, key is not None
    if not isinstance(currency, str | None):
        raise Malformed(f"amount: not a currency: {printable(currency, 20)!r}")
    amount, symbol = _money(data.get("amount"), currency, must_be_read=is_money)
    refunded, _ = _money(data.get("amountRefunded"), currency, is_money and is_webhook)
    code = data.get("failureCode")
    if status == "failed" and isinstance(code, str):
        status = FAILURES.get(code, status)
    reference, message = data.get("externalId"), data.get("failureMessage")
    news = PaymentUpdate(
        provider_reference=_id(data, Malformed),
        reference=printable(reference, 100) if isinstance(reference, str) else None,
        status=status,
        word=event,
        event_key=key,
        amount=amount,
        currency=symbol,
        refunded=refunded,
        failure_code=printable(code, 60) if code is not None else None,
        failure_message=printable(message) if message is not None else None,
    )
    if status not in MONEY:
        return news
    if amount is None or (status == "partially_refunded" and refunded is None):
        if key is not None:
            return replace(news, status=None, check=True)
        raise Malformed(f"amount: MintCash says {word}, and not how much")
    if _contradicts(word, amount, refunded):
        problem = f"MintCash says {word}, and that {data['amountRefunded']} of {data['amount']}"
        problem = printable(f"{problem} {symbol} was refunded")
        return replace(news, status=None, problem=problem, check=key is not None)
    return news


def _money(amount: object, currency: object, must_be_read: bool) -> tuple[int | None, str | None]:
    """
    :raise Malformed: it must be read and cannot.
    """
    try:
        return read(amount, currency)
    except NotMoney as error:
        if must_be_read:
            raise Malformed(f"amount: {error}") from error
        return None, None


def _contradicts(word: str, amount: int, refunded: int | None) -> bool:
    """Whether more was refunded than was paid, or nothing where the word says that some was."""
    if refunded is None:
        return False
    return refunded > amount or (refunded == 0 and word != "succeeded")


def _id(data: dict[str, Any], problem: type[Exception]) -> str:
    found = data.get("id")
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem("no usable payment id")
    return found


def _call(
    account: Account, method: str, path: str, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    """HTTP Basic with public and secret key (docs/api/authentication); errors by status."""
    auth = (account.public_key, account.secret_key)
    reply = call(method, account.base_url + path, auth=auth, payload=payload)
    if reply.ok and isinstance(reply.data, dict):
        return reply.data
    words = f"{method} {path}: {_words(reply)}"
    if reply.status in ERRORS:
        problem, sentence = ERRORS[reply.status]
        raise problem(words, sentence)
    raise Unreachable(words)


def _words(reply: Reply) -> str:
    """``{"code", "message", "details": {"requestId"}}`` (docs/concepts/errors) on one line."""
    data = reply.data if isinstance(reply.data, dict) else {}
    details = data.get("details")
    request_id = details.get("requestId") if isinstance(details, dict) else None
    said = f"{data.get('code')}: {data.get('message')} (requestId {request_id})"
    return printable(f"HTTP {reply.status} {said}")
