"""HitPay: hosted page by redirect, two kinds of signed webhook, status by id.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): apis/payment-request/create-request,
apis/payment-request/get-payment-status, apis/guide/{online-payments,events,sandbox}, docs/webhooks,
openapi.json. How money is proven: a webhook, or the answer to ``GET /v1/payment-requests/{id}``.
Never the return. HitPay does not say in its messages whether they come from the test system: the
host, the key and the salts decide that.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from money import NotMoney, to_major, to_minor

from .base import (
    LADDER,
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
    printable,
)
from .http import Reply, call, parse_json

#: openapi.json, ``status`` of a payment request -> ours. Unknown words change nothing.
STATUSES = {
    "pending": "pending",
    "completed": "succeeded",
    "failed": "failed",
    "expired": "expired",
    "canceled": "canceled",  # by hand, or by HitPay
    "inactive": "canceled",  # switched off by the merchant
}
#: What webhooks say. ``failed`` may be one declined card while the page takes the next; whether the
#: request is over is not documented, so only ``GET`` can say that (docs/webhooks, guide/events).
NEWS = STATUSES | {"failed": "pending"}
#: ``status`` of an entry in ``payments`` -> ours. It may be ahead of the request's own, which was
#: seen to say ``pending`` for a while (hit-pay/mpp-samples, 06-bridge-in).
PAID = {
    "succeeded": "succeeded",
    "succeeded_manually": "succeeded",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
}

REFUSED = "HitPay cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "HitPay is closed in this shop right now. Nothing was charged. Please pay another way."
#: openapi.json and the older docs.html: HTTP status -> the sentence for the shopper. The same
#: request will be refused again. What is not listed (429, 500, 502 …) is no answer.
ERRORS = {
    400: REFUSED,
    401: CLOSED,  # our key
    403: CLOSED,
    404: REFUSED,
    422: REFUSED,  # names each field that is wrong
}

#: The only ``status_reason_code`` that is documented; the words for the shopper are ours.
REASONS = {"withdrawal_count_limit_exceeded": "This card was used too often."}

#: Ids are UUIDs, and travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
#: An amount is text; one documented example groups the thousands: "900,000.00".
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)

MAX_FIELDS = 50  # of a version 1 webhook; eight are documented


@dataclass(frozen=True)
class Account:
    """One HitPay account. A test account is another account on another host."""

    base_url: str  # https://api.sandbox.hit-pay.com or https://api.hit-pay.com
    origins: tuple[str, ...]  # of the hosted page: https://securecheckout.sandbox.hit-pay.com
    currencies: tuple[str, ...]  # list not documented, so a setting
    payment_methods: tuple[str, ...]  # "card", "paynow_online" …; none: all the account has
    page_minutes: int  # how long the hosted page can be paid on
    api_key: str = field(repr=False)
    salts: tuple[str, ...] = field(repr=False)  # of the API key: version 1 webhooks
    webhook_salts: tuple[str, ...] = field(repr=False)  # of the endpoint: version 2 webhooks


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="hitpay",
        label="HitPay",
        takes="Cards and PayNow",
        note="Visa and Mastercard; PayNow in SGD",
        currencies=account.currencies,
    )


def page_origins(account: Account) -> tuple[str, ...]:
    return account.origins


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v1/payment-requests``, as a form. ``amount`` is major units: "49.99".

    Sent once: HitPay knows no idempotency key, and a repetition is a second payment request. When
    no answer comes, nobody has the address of the first one's page, and it expires unpaid.

    :raise Unreachable: time-out, 429, 5xx, or an answer without a page.
    :raise Rejected: 422 with the fields' messages in ``str(error)``, and the other errors.
    """
    form = [
        ("amount", str(to_major(payment.amount, payment.currency))),
        ("currency", payment.currency),
        *(("payment_methods[]", method) for method in account.payment_methods),
        ("email", payment.customer.email),
        ("name", payment.customer.name),
        ("purpose", payment.description[:255]),
        ("reference_number", payment.reference),
        ("redirect_url", urls.return_url),
        ("webhook", urls.webhook_url),
        ("allow_repeated_payments", "false"),
        ("send_email", "false"),
        ("send_sms", "false"),
        ("expires_after", f"{account.page_minutes} mins"),
    ]
    filled_in = [(name, value) for name, value in form if value]  # an empty name is refused
    resource = _call(account, "POST", "/v1/payment-requests", filled_in)
    url = resource.get("url")
    if not isinstance(url, str):
        raise Unreachable("POST /v1/payment-requests: the answer holds no url")
    return Checkout(_id(resource, "id", Unreachable), Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[PaymentUpdate]:
    """Version 2 has its signature in a header, version 1 in the form: that tells them apart.

    Version 1 goes to the address of the create call, version 2 to an endpoint that is registered by
    hand. Both may be on: they tell the same news, and the second to arrive changes nothing.

    :raise BadSignature: missing, or not made with a salt of that version.
    :raise Malformed: signed, but not what the documentation shows.
    """
    signature = headers.get("hitpay-signature")
    if signature is None:
        return [_read_form(account, body)]
    return [_read_event(account, signature, headers.get("hitpay-event-object", ""), body)]


def keep_body(account: Account, body: bytes) -> str:
    """Without the signature of version 1; that of version 2 travels in a header."""
    return re.sub(r"(^|&)hmac=[^&]*", r"\1hmac=…", body.decode())


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """``reference`` and ``status`` are not signed; "canceled" may come with a paid request, too."""
    word = printable(args.get("status", ""), 20)
    return Hint(word, "canceled" if word == "canceled" else None)


def explain_failure(code: str | None) -> str:
    """A sentence for the shopper; most reasons are nobody's business but the bank's."""
    return REASONS.get(code or "", "The payment was declined.")


def fetch_payment(account: Account, payment: PaymentRequest) -> PaymentUpdate | None:
    """``GET /v1/payment-requests/{id}``: by HitPay's id only, so None before we have it.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if payment.provider_reference is None:
        return None
    resource = _call(account, "GET", f"/v1/payment-requests/{payment.provider_reference}")
    word = printable(resource.get("status"), 40)
    try:
        update = _update(resource, STATUSES.get(word), f"GET: {word}", None)
    except Malformed as error:
        raise Unreachable(f"GET /v1/payment-requests: {error}") from error
    if update.provider_reference != payment.provider_reference:
        raise Unreachable("GET /v1/payment-requests: the answer is about another payment")
    return update


def _read_form(account: Account, body: bytes) -> PaymentUpdate:
    """Version 1 (docs/webhooks): ``hmac`` is over all other fields, those of the future included.

    Sorted by name, name and value of each in one string, nothing between; empty ones stay.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadSignature("neither Hitpay-Signature nor a form") from error
    fields = dict(pairs)
    signature = fields.pop("hmac", "")
    if len(fields) + 1 < len(pairs):
        raise BadSignature("a field is repeated, so what was signed is not known")
    signed = "".join(name + fields[name] for name in sorted(fields))
    _check("hmac", signature, signed.encode(), account.salts)
    word = printable(fields.get("status"), 40)
    payment_id = fields.get("payment_id")  # empty when the payment failed
    if payment_id is None or (payment_id and not SAFE_ID.fullmatch(payment_id)):
        raise Malformed("no usable payment_id")
    reference = _id(fields, "payment_request_id", Malformed)
    amount, currency = _money(fields)
    return PaymentUpdate(
        provider_reference=reference,
        reference=fields.get("reference_number") or None,
        status=NEWS.get(word),
        word=word,
        event_key=f"{reference}:{payment_id}:{word}",
        amount=amount,
        currency=currency,
        failure_message=printable(fields["error_message"]) if "error_message" in fields else None,
    )


def _read_event(account: Account, signature: str, entity: str, body: bytes) -> PaymentUpdate:
    """Version 2 (guide/events): the signature is over the raw bytes.

    The headers are not signed. They may only make news be left alone: what it says is in the body,
    which is the payment request as ``GET`` shows it.
    """
    _check("Hitpay-Signature", signature, body, account.webhook_salts)
    try:
        data = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(data, dict):
        raise Malformed("no object")
    word = printable(data.get("status"), 40)
    if entity != "payment_request":
        # A charge, payout or invoice, or whatever is added later: kept, not acted on. A charge
        # is the same money again, under an id of its own.
        key = hashlib.sha256(body).hexdigest()
        theirs = printable(data.get("id", ""), 100)
        return PaymentUpdate(
            theirs, None, None, word=f"{printable(entity, 60)}: {word}", event_key=key
        )
    return _update(data, NEWS.get(word), word, f"{_id(data, 'id', Malformed)}:{word}")


def _check(name: str, signature: str, signed: bytes, salts: tuple[str, ...]) -> None:
    """Lower-case hex HMAC-SHA256, made with one of the salts.

    :raise BadSignature: it is not.
    """
    expected = [
        hmac.new(salt.encode(), signed, hashlib.sha256).hexdigest().encode() for salt in salts
    ]
    if not any([hmac.compare_digest(signature.encode(), each) for each in expected]):
        raise BadSignature(f"{name} differs" if signature else f"{name} is missing")


def _update(data: dict[str, Any], status: str | None, word: str, key: str | None) -> PaymentUpdate:
    """A payment request as version 2 webhooks and ``GET`` show it, with its ``payments``."""
    amount, currency = _money(data)
    entries = data.get("payments") or []
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Malformed("payments is no list of payments")
    paid, refunded, code, message = [], 0, None, None
    for entry in entries:
        said = str(entry.get("status"))
        if said in PAID:
            paid.append(PAID[said])
            refunded += _minor(entry.get("refunded_amount") or 0, currency)
        elif said == "failed":
            code, message = entry.get("status_reason_code"), entry.get("status_reason")
    if paid:  # of two, one may have been given back: the other still pays
        status = min(paid, key=LADDER.index)
    reference = data.get("reference_number")
    return PaymentUpdate(
        provider_reference=_id(data, "id", Malformed),
        reference=reference if isinstance(reference, str) else None,
        status=status,
        word=word,
        event_key=key,
        amount=amount,
        currency=currency,
        refunded=refunded,
        failure_code=printable(code, 60) if code is not None else None,
        failure_message=printable(message) if message is not None else None,
    )


def _money(data: Mapping[str, Any]) -> tuple[int, str]:
    """``amount`` and ``currency``; webhooks spell the currency in capitals, ``GET`` does not."""
    currency = data.get("currency")
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        raise Malformed("no currency")
    return _minor(data.get("amount", ""), currency.upper()), currency.upper()


def _minor(amount: Any, currency: str) -> int:
    if isinstance(amount, str) and GROUPED.fullmatch(amount):
        amount = amount.replace(",", "")
    try:
        return to_minor(amount, currency)
    except NotMoney as error:
        raise Malformed(f"amount: {error}") from error


def _id(data: Mapping[str, Any], name: str, problem: type[Exception]) -> str:
    found = data.get(name)
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem(f"no usable {name}")
    return found


def _call(
    account: Account, method: str, path: str, form: list[tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Key in a header; ``X-Requested-With`` has errors answered as JSON (create-request).

    Only what changes nothing is repeated.
    """
    headers = {"X-BUSINESS-API-KEY": account.api_key, "X-Requested-With": "XMLHttpRequest"}
    repeat = method == "GET"
    reply = call(method, account.base_url + path, headers=headers, form=form, repeat=repeat)
    if reply.status in (200, 201) and isinstance(reply.data, dict):
        return reply.data
    words = f"{method} {path}: {_words(reply)}"
    if reply.status in ERRORS:
        raise Rejected(words, ERRORS[reply.status])
    raise Unreachable(words)


def _words(reply: Reply) -> str:
    """``{"message", "errors": {field: [text, …]}}`` on one line."""
    data = reply.data if isinstance(reply.data, dict) else {}
    errors = data.get("errors")
    fields = errors.items() if isinstance(errors, dict) else ()
    said = "".join(f"; {name}: {texts}" for name, texts in fields)
    return printable(f"HTTP {reply.status} {data.get('message')}{said}")
