"""WiPay (Caribbean): hosted card page, a return that proves success, webhooks, status by id.

Documentation (docs.wipayfinancial.com, read 2026-11): payments-api/payment-request (v1.0.11),
payments-api/transaction-response (v1.0.9), hosted-checkout-flows, webhooks/payments-api, wapi; and
the PDF "Payments API Documentation" v1.0.8 (2024-12-23) for the return's ``hash``.
How money is proven: the return's ``hash``, a webhook, or the answer to ``GET /wapi/transactions``.

The ``total`` of all three is what was debited in the end, fees and conversion included. So it is
never compared with what was asked for: the transaction id stands for that, since we store it before
the shopper leaves, and WiPay keeps the total that was asked for with it.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from money import to_major

from .base import (
    BadSignature,
    Capabilities,
    Checkout,
    Hint,
    Malformed,
    PaymentRequest,
    PaymentUpdate,
    Redirect,
    Rejected,
    Unreachable,
    Urls,
    WrongEnvironment,
    printable,
)
from .http import Reply, call, parse_json

#: platforms-and-environments: country -> host of each environment.
HOSTS = {
    code: {
        "live": f"https://{code.lower()}.wipayfinancial.com",
        "sandbox": f"https://{code.lower()}sb.wipayfinancial.com",
    }
    for code in ("BB", "GD", "GY", "JM", "TT")
}
#: Country -> what its accounts take, as far as documented and known to ``money.py`` (JMD is not).
CURRENCIES = {
    "BB": ("USD",),
    "GD": ("USD",),
    "GY": ("USD",),
    "JM": ("USD",),
    "TT": ("TTD", "USD"),
}

#: webhooks/payments-api: event -> our status; None is kept and shown, and changes nothing.
EVENTS = {
    "payment.created": "created",
    "payment.success": "succeeded",
    "payment.failed": "failed",
    "payment.error": "pending",  # "no definitive outcome": a late success is possible
    "payment.refund_requested": None,
    "payment.refunded": "refunded",  # there are no partial refunds
    "payment.refund_rejected": None,
    "payment.chargeback_pending": None,  # disputes are for a person to handle
    "payment.chargeback_processed": None,
    "payment.chargeback_released": None,
    "payment.fraud_confirmed": None,
}
#: wapi/transactions/retrieve: their status -> ours. Unknown words change nothing.
STATUSES = {
    "success": "succeeded",
    "failed": "failed",
    "incomplete": "pending",
    "error": "pending",
}

TOLERANCE = 300  # seconds between X-WiPay-Webhook-Timestamp and our clock

REFUSED = "WiPay cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "WiPay is closed in this shop right now. Nothing was charged. Please pay another way."
LONG_EMAIL = "WiPay takes e-mail addresses of up to 50 characters. Please pay another way."
#: Which status belongs to which error is not documented. These say who we are, not what we asked.
CLOSED_STATUSES = (401, 403)
#: No answer to what we asked: too slow, too many.
TRY_AGAIN_STATUSES = (408, 429)

ORIGIN, VERSION = "kiln-and-kettle", "1.0.0"  # who calls, for WiPay's support

#: "SB-12-1-order-20210616024001": not to be taken apart, since the order in it may hold dashes.
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
EVENT_ID = re.compile(r"[!-~]{1,100}", re.ASCII)
UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
#: "[2-R2]: Transaction is declined.", also with letters and leading zeros.
REASON = re.compile(r"\[(\w{1,10}-\w{1,10})\]", re.ASCII)


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
    signs: str  # what webhooks sign, both are documented: "body" or "timestamp.body"
    api_key: str = field(repr=False)  # is never sent; only proves returns
    webhook_secrets: tuple[str, ...] = field(repr=False)  # none without an endpoint at WiPay
    wapi_key: str = field(repr=False)  # "" for accounts that have none: then nobody can be asked


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="wipay",
        label="WiPay",
        takes="Cards",
        note="Visa and Mastercard, from the Caribbean",
        currencies=account.currencies,
    )


def page_origins(account: Account) -> tuple[str, ...]:
    return account.origins


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /plugins/payments/request`` in JSON mode (payments-api/payment-request).

    Never repeated by itself, since each call makes another transaction. Asking again after a lost
    answer costs nothing: nobody has the page of the first.

    :raise Unreachable: time-out, 5xx, or no page in the answer.
    :raise Rejected: every 4xx, or an answer of the other environment.
    """
    if len(payment.customer.email) > 50:
        raise Rejected("email is longer than 50 characters", LONG_EMAIL)
    form = [
        ("account_number", account.account_number),
        ("country_code", account.country_code),
        ("currency", payment.currency),
        ("environment", account.environment),
        ("fee_structure", account.fee_structure),
        ("method", "credit_card_co"),
        ("order_id", payment.reference[:16]),  # hex digits: within WiPay's pattern and length
        ("origin", ORIGIN),
        ("response_url", urls.return_url),
        ("total", _total(payment)),
        ("email", payment.customer.email),
        ("name", payment.customer.name[:60]),
        ("version", VERSION),
    ]
    reply = _call(account, "POST", "/plugins/payments/request", form=form)
    url, transaction_id = reply.get("url"), reply.get("transaction_id")
    if not isinstance(url, str):
        raise Unreachable("POST request: the answer holds no url")
    if not isinstance(transaction_id, str) or not SAFE_ID.fullmatch(transaction_id):
        raise Unreachable("POST request: the answer holds no usable transaction_id")
    if _environment(transaction_id) != account.environment:
        raise Rejected(f"{transaction_id} is not {account.environment!r}", CLOSED)
    return Checkout(transaction_id, Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[PaymentUpdate]:
    """Check ``X-WiPay-Webhook-Signature``, then its age, then read the envelope.

    One page of the documentation signs the body alone, which leaves the time stamp open to anybody;
    what keeps a replay from counting twice is the event's id inside the body.

    :raise BadSignature: no secret, header missing or different, or older than five minutes.
    :raise WrongEnvironment: the transaction is not of this account's environment.
    :raise Malformed: signed, but not the documented envelope.
    """
    timestamp = headers.get("x-wipay-webhook-timestamp", "")
    if not UNIX_SECONDS.fullmatch(timestamp):
        raise BadSignature("time stamp is missing or no number")
    signed = body if account.signs == "body" else timestamp.encode() + b"." + body
    signature = headers.get("x-wipay-webhook-signature", "").encode()
    expected = [
        f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}".encode()
        for secret in account.webhook_secrets
    ]
    if not any([hmac.compare_digest(signature, each) for each in expected]):
        raise BadSignature("signature is missing" if not signature else "signature differs")
    age = int(time.time()) - int(timestamp)
    if abs(age) > TOLERANCE:
        raise BadSignature(f"signed {age} seconds ago")
    try:
        event = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise Malformed("no event with data")
    name, key, data = event.get("event"), event.get("id"), event["data"]
    if not isinstance(name, str) or not isinstance(key, str) or not EVENT_ID.fullmatch(key):
        raise Malformed("no event or id")
    if headers.get("x-wipay-webhook-id", key) != key:
        raise Malformed("the header and the body have different ids")
    if name not in EVENTS:
        # Withdrawals, webhook.test, and whatever is added later: kept, not acted on.
        reference = printable(data.get("transaction_id") or "", 100)
        return [PaymentUpdate(reference, None, None, word=printable(name, 100), event_key=key)]
    news = _update(data, EVENTS[name], name, key)
    if _environment(news.provider_reference) != account.environment:
        raise WrongEnvironment(f"{news.provider_reference} is not {account.environment!r}")
    return [news]


def keep_body(account: Account, body: bytes) -> str:
    """WiPay's events hold no secret; the signature travels in a header."""
    return body.decode()


def read_return(
    account: Account, payment: PaymentRequest, args: Mapping[str, str]
) -> PaymentUpdate | Hint:
    """A true ``hash`` proves success; whatever else comes back proves nothing, failure included.

    ``hash`` is the MD5 of transaction id, the total *that was asked for* and the API key, so it
    would also fit another payment of the same price: ours must be the id that it names.
    """
    ours, status = payment.provider_reference, args.get("status", "")
    given = args.get("hash", "").encode("utf-8", "replace")
    word = printable(f"return: {status}", 40)
    if (
        not ours
        or not account.api_key  # or anybody could make the hash
        or args.get("transaction_id") != ours
        or status != "success"
        or not hmac.compare_digest(given, _hash(account, payment).encode())
    ):
        return Hint(word, "failed" if status in ("failed", "error") else None)
    debited = printable(f"{args.get('total', '?')} {args.get('currency', '?')}", 40)
    return PaymentUpdate(
        provider_reference=ours,
        reference=None,
        status="succeeded",
        word=f"{word}, {debited} with fees",
        amount=payment.amount,
        currency=payment.currency,
    )


def explain_failure(code: str | None) -> str:
    """One sentence for every reason: their codes are many, and documented for no shopper."""
    return "The card was declined."


def fetch_payment(account: Account, payment: PaymentRequest) -> PaymentUpdate | None:
    """``GET /wapi/transactions/{transaction_id}``, for accounts that have a WAPI key.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if not account.wapi_key or payment.provider_reference is None:
        return None
    reply = _call(account, "GET", f"/wapi/transactions/{payment.provider_reference}")
    data = reply.get("data")
    if not isinstance(data, dict) or data.get("transaction_id") != payment.provider_reference:
        raise Unreachable("GET transaction: the answer is about another payment")
    word = printable(data.get("status"), 40)
    return _update(data, STATUSES.get(word), f"GET: {word}", None)


def _total(payment: PaymentRequest) -> str:
    """What is sent and what is hashed must be one text: "10" and "10.0" have other digests."""
    return f"{to_major(payment.amount, payment.currency):.2f}"


def _hash(account: Account, payment: PaymentRequest) -> str:
    """MD5 is WiPay's choice; the key at its end is what nobody else knows."""
    text = f"{payment.provider_reference}{_total(payment)}{account.api_key}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _environment(transaction_id: str) -> str:
    """Only the ids of the test system begin with "SB-"."""
    return "sandbox" if transaction_id.startswith("SB-") else "live"


def _update(data: dict[str, Any], status: str | None, word: str, key: str | None) -> PaymentUpdate:
    """A transaction as webhooks and WAPI show it.

    No amount: see the head of this module. No reference: ``order_id`` is only a part of ours.
    """
    transaction_id, message = data.get("transaction_id"), data.get("message")
    if not isinstance(transaction_id, str) or not SAFE_ID.fullmatch(transaction_id):
        raise Malformed("no usable transaction_id")
    said = message if status == "failed" and isinstance(message, str) else ""
    reason = REASON.search(said)
    return PaymentUpdate(
        provider_reference=transaction_id,
        reference=None,
        status=status,
        word=word,
        event_key=key,
        failure_code=reason[1] if reason else None,
        failure_message=printable(said) or None,
    )


def _call(
    account: Account, method: str, path: str, form: list[tuple[str, str]] | None = None
) -> dict[str, Any]:
    """JSON mode. Only WAPI wants a key; a request is known by its ``account_number``."""
    headers = {"Accept": "application/json"}
    if path.startswith("/wapi/"):
        headers["X-WAPI-Key"] = account.wapi_key
    url = account.base_url + path
    reply = call(method, url, headers=headers, form=form, repeat=method == "GET")
    if 200 <= reply.status < 400 and isinstance(reply.data, dict):  # "200-class or 300-class"
        return reply.data
    words = f"{method} {path}: {_words(reply)}"
    if not 400 <= reply.status < 500 or reply.status in TRY_AGAIN_STATUSES:
        raise Unreachable(words)
    raise Rejected(words, CLOSED if reply.status in CLOSED_STATUSES else REFUSED)


def _words(reply: Reply) -> str:
    """``{"message"}`` on one line; the ``url`` beside it only repeats ours."""
    message = reply.data.get("message") if isinstance(reply.data, dict) else None
    return printable(f"HTTP {reply.status} {message}")
