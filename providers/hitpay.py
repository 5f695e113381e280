"""HitPay: hosted page, drop-in or QR code; two kinds of signed webhook, status by id, refunds.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07):
apis/payment-request/{create-request,get-payment-status,refund},
apis/guide/{online-payments,embedded-qr-code-payments,events,sandbox}, docs/webhooks, openapi.json.
How money is proven: a webhook, or the answer to ``GET /v1/payment-requests/{id}``. Never the return
or what the drop-in says. HitPay does not say in its messages whether they come from the test
system: the host, the key and the salts decide that.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from money import NotMoney, to_major, to_minor

from .base import (
    LADDER,
    BadSignature,
    Capabilities,
    Checkout,
    Embed,
    Hint,
    Malformed,
    Method,
    PaymentRequest,
    PaymentUpdate,
    Qr,
    Redirect,
    Refunded,
    RefundRequest,
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
#: ``status`` of a charge (an entry in ``payments``) that took money -> ours. It may be ahead of the
#: request's own, which was seen to say ``pending`` for a while (hit-pay/mpp-samples, 06-bridge-in).
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

PAYNOW = "paynow_online"
QR = Method(
    key="qr",
    label="PayNow",
    takes="PayNow by QR code",
    note="Scan with your bank’s app",
    currencies=("SGD",),
    mark="code",
)

#: The only ``status_reason_code`` that is documented; the words for the shopper are ours.
REASONS = {"withdrawal_count_limit_exceeded": "This card was used too often."}

#: Ids are UUIDs, and travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
#: An amount is text; one documented example groups the thousands: "900,000.00".
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)

MAX_FIELDS = 50  # of a version 1 webhook; eight are documented
MAX_QR = 2000  # bytes; a QR code holds no more than 2,953

SINGAPORE = timezone(timedelta(hours=8))  # HitPay's times without an offset are Singapore's


class _Missing(Rejected):
    """404: HitPay has no such payment request (any more)."""


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


def capabilities(account: Account) -> Capabilities:
    takes_paynow = not account.payment_methods or PAYNOW in account.payment_methods
    return Capabilities(
        name="hitpay",
        label="HitPay",
        takes="Cards and PayNow",
        note="Visa and Mastercard; PayNow in SGD",
        currencies=account.currencies,
        methods=(QR,) if takes_paynow and "SGD" in account.currencies else (),
        refunds="part",
    )


def page_origins(account: Account) -> tuple[str, ...]:
    return account.origins


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v1/payment-requests``, as a form: for the page, the drop-in over ours, or a QR code.

    Sent once: HitPay knows no idempotency key, and a repetition is a second payment request. When
    no answer comes, nobody has the address of the first one's page, and it expires unpaid.

    :raise Unreachable: time-out, 429, 5xx, or an answer without a page or QR code.
    :raise Rejected: 422 with the fields' messages in ``str(error)``, and the other errors.
    """
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=account.qr_minutes)
    form = _qr_form(payment, urls, ends) if payment.method else _page_form(account, payment, urls)
    resource = _call(account, "POST", "/v1/payment-requests", form)
    reference, url = _id(resource, "id", Unreachable), resource.get("url")
    if not isinstance(url, str):
        raise Unreachable("POST /v1/payment-requests: the answer holds no url")
    if payment.method:
        return Checkout(reference, _qr(resource, url, ends))
    if account.drop_in:
        return Checkout(reference, _drop_in(account, reference, url, urls))
    return Checkout(reference, Redirect(url))


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
    resource = _fetch(account, payment.provider_reference)
    word = printable(resource.get("status"), 40)
    with _no_answer():
        return _update(resource, STATUSES.get(word), f"GET: {word}", None)


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    """Asks, and brings the page up to date by ``PUT /v1/payment-requests/{id}`` (openapi.json).

    A QR code is what it is once it is drawn: its payment request is only asked about.

    :raise ProviderError: not known, or the page is open but does not take the change.
    """
    try:
        found = fetch_payment(account, payment)
        if found is None or found.status in ("failed", "expired", "canceled"):
            return "closed"
        if found.status is None:
            raise Unreachable(f"GET /v1/payment-requests: {found.word} means nothing to us")
        if found.status != "pending":
            return "done"
        if not payment.method:
            path = f"/v1/payment-requests/{payment.provider_reference}"
            _call(account, "PUT", path, _page_form(account, payment, urls))
        return "open"
    except _Missing:
        return "closed"


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``DELETE /v1/payment-requests/{id}``; one that is gone already is fine.

    Its QR code may be paid all the same (guide/embedded-qr-code-payments): that is news like any.

    :raise Rejected: too late; what the answer then is, is not documented.
    :raise Unreachable: not known whether it is closed.
    """
    if payment.provider_reference is not None:  # without one, nobody has its page
        with suppress(_Missing):
            _call(account, "DELETE", f"/v1/payment-requests/{payment.provider_reference}")


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /v1/refund`` (payment-request/refund): by the id of the charge, which ``GET`` tells.

    Sent once, for want of an idempotency key; so before each call the total is compared with what
    it will be after it. ``charge.updated``, and ``GET``, tell of it as well.

    :raise Rejected: no charge holds that much, or HitPay's answer, whose words for it are not
        documented, is in ``str(error)``.
    :raise Unreachable: not known: call again.
    """
    if payment.provider_reference is None:
        raise Rejected("HitPay has never named this payment")
    with _no_answer():
        charges = _charges(_fetch(account, payment.provider_reference))
    if sum(each.refunded for each in charges) >= refund.before + refund.amount:
        return Refunded(None, done=True)
    charge = next((each for each in charges if each.amount - each.refunded >= refund.amount), None)
    if charge is None:
        raise Rejected("POST /v1/refund: no charge holds that much")
    form = [("payment_id", charge.id), ("amount", _major(refund.amount, payment.currency))]
    resource = _call(account, "POST", "/v1/refund", form)
    return Refunded(_id(resource, "id", Unreachable), done=resource.get("status") == "succeeded")


def _page_form(account: Account, payment: PaymentRequest, urls: Urls) -> list[tuple[str, str]]:
    """What the hosted page is made, or brought up to date, with."""
    return [
        *_form(payment, urls),
        *(("payment_methods[]", method) for method in account.payment_methods),
        ("expires_after", f"{account.page_minutes} mins"),
    ]


def _qr_form(payment: PaymentRequest, urls: Urls, ends: datetime) -> list[tuple[str, str]]:
    """A QR code is of exactly one method (guide/embedded-qr-code-payments)."""
    return [
        *_form(payment, urls),
        ("payment_methods[]", PAYNOW),
        ("generate_qr", "true"),
        ("expiry_date", f"{ends.astimezone(SINGAPORE):%Y-%m-%d %H:%M:%S}"),
    ]


def _form(payment: PaymentRequest, urls: Urls) -> list[tuple[str, str]]:
    """``amount`` is major units: "49.99"."""
    form = [
        ("amount", _major(payment.amount, payment.currency)),
        ("currency", payment.currency),
        ("email", payment.customer.email),
        ("name", payment.customer.name),
        ("purpose", payment.description[:255]),
        ("reference_number", payment.reference),
        ("redirect_url", urls.return_url),
        ("webhook", urls.webhook_url),
        ("allow_repeated_payments", "false"),
        ("send_email", "false"),
        ("send_sms", "false"),
    ]
    return [(name, value) for name, value in form if value]  # an empty name is refused


def _qr(resource: dict[str, Any], url: str, ends: datetime) -> Qr:
    """``qr_code_data``: an object, in one example a bare string. In the test system the code is the
    address of a pretended payment. ``ends`` is what we asked for.
    """
    data = resource.get("qr_code_data")
    code = data if isinstance(data, dict) else {"qr_code": data}
    payload = code.get("qr_code") or code.get("qr_contents")
    if not isinstance(payload, str) or not payload.isprintable() or not payload:
        raise Unreachable("POST /v1/payment-requests: the answer holds no QR code")
    if payload.startswith("iVBOR") or len(payload.encode()) > MAX_QR:
        raise Unreachable("POST /v1/payment-requests: the QR code is a picture, not a text")
    try:  # the form of a time is not documented, and null was seen
        told = datetime.fromisoformat(code.get("qr_code_expiry"))  # type: ignore[arg-type]
        ends = (told if told.tzinfo else told.replace(tzinfo=SINGAPORE)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    return Qr(url, payload, ends)


def _drop_in(account: Account, reference: str, url: str, urls: Urls) -> Embed:
    """What ``HitPay.init`` and ``HitPay.toggle`` are given (hit-pay/hitpay-js-example).

    The script frames ``<scheme>://<domain><path>/hitpay-iframe.html``.
    """
    place = urlsplit(account.drop_in)
    options = (
        ("request", reference),
        ("link", account.default_link or url),
        ("return", urls.return_url),
        ("scheme", place.scheme),
        ("domain", place.netloc),
        ("api-domain", place.netloc),
        ("path", place.path),
    )
    return Embed(url, f"{account.drop_in}/hitpay.js", options)


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
        transaction_id=payment_id if payment_id and NEWS.get(word) == "succeeded" else None,
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
    if entity == "payment_request":
        return _update(data, NEWS.get(word), word, f"{_id(data, 'id', Malformed)}:{word}")
    key, word = hashlib.sha256(body).hexdigest(), f"{printable(entity, 60)}: {word}"
    request = data.get("payment_request")
    if entity == "charge" and isinstance(request, dict) and data.get("refunded_amount"):
        return _read_refund(data, request, word, key)
    # A charge that was made is the same money again, under an id of its own. That, a payout or an
    # invoice, and whatever is added later: kept, not acted on.
    return PaymentUpdate(printable(data.get("id", ""), 100), None, None, word=word, event_key=key)


def _read_refund(
    charge: dict[str, Any], request: dict[str, Any], word: str, key: str
) -> PaymentUpdate:
    """``charge.updated``: some or all of one charge was given back, by us or on the dashboard.

    Of the payment request that is a part at least: another charge may have paid it, too.
    """
    amount, currency = _money(charge)
    refunded = _minor(charge["refunded_amount"], currency)
    return PaymentUpdate(
        provider_reference=_id(request, "id", Malformed),
        reference=None,
        status="partially_refunded",
        word=word,
        event_key=key,
        amount=amount,
        currency=currency,
        refunded=refunded,
    )


def _check(name: str, signature: str, signed: bytes, salts: tuple[str, ...]) -> None:
    """Lower-case hex HMAC-SHA256, made with one of the salts.

    :raise BadSignature: it is not.
    """
    expected = [
        hmac.new(salt.encode(), signed, hashlib.sha256).hexdigest().encode() for salt in salts
    ]
    if not any([hmac.compare_digest(signature.encode(), each) for each in expected]):
        raise BadSignature(f"{name} differs" if signature else f"{name} is missing")


@dataclass(frozen=True)
class _Charge:
    """Money that one payment request took; of one page there may be two. Minor units."""

    id: str
    status: str  # ours
    amount: int
    refunded: int


def _update(data: dict[str, Any], status: str | None, word: str, key: str | None) -> PaymentUpdate:
    """A payment request as version 2 webhooks and ``GET`` show it, with its ``payments``."""
    amount, currency = _money(data)
    charges = _charges(data)
    if charges:  # of two, one may have been given back: the other still pays
        status = min((each.status for each in charges), key=LADDER.index)
        amount = sum(each.amount for each in charges)
    failed = [each for each in _entries(data) if each.get("status") == "failed"]
    code = failed[-1].get("status_reason_code") if failed else None
    message = failed[-1].get("status_reason") if failed else None
    reference = data.get("reference_number")
    return PaymentUpdate(
        provider_reference=_id(data, "id", Malformed),
        reference=reference if isinstance(reference, str) else None,
        status=status,
        word=word,
        event_key=key,
        amount=amount,
        currency=currency,
        refunded=sum(each.refunded for each in charges),
        failure_code=printable(code, 60) if code is not None else None,
        failure_message=printable(message) if message is not None else None,
    )


def _charges(data: dict[str, Any]) -> list[_Charge]:
    """Those of its ``payments`` that took money; an amount that is left out is the request's."""
    amount, currency = _money(data)
    return [
        _Charge(
            id=printable(each.get("id"), 100),
            status=PAID[str(each.get("status"))],
            amount=_minor(each["amount"], currency) if each.get("amount") else amount,
            refunded=_minor(each.get("refunded_amount") or 0, currency),
        )
        for each in _entries(data)
        if str(each.get("status")) in PAID
    ]


def _entries(data: dict[str, Any]) -> list[dict[str, Any]]:
    entries = data.get("payments") or []
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Malformed("payments is no list of payments")
    return entries


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


def _major(amount: int, currency: str) -> str:
    return str(to_major(amount, currency))


def _id(data: Mapping[str, Any], name: str, problem: type[Exception]) -> str:
    found = data.get(name)
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem(f"no usable {name}")
    return found


def _fetch(account: Account, reference: str) -> dict[str, Any]:
    resource = _call(account, "GET", f"/v1/payment-requests/{reference}")
    if _id(resource, "id", Unreachable) != reference:
        raise Unreachable("GET /v1/payment-requests: the answer is about another payment")
    return resource


@contextmanager
def _no_answer() -> Iterator[None]:
    """An answer that makes no sense is none."""
    try:
        yield
    except Malformed as error:
        raise Unreachable(f"GET /v1/payment-requests: {error}") from error


def _call(
    account: Account, method: str, path: str, form: list[tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Key in a header; ``X-Requested-With`` has errors answered as JSON (create-request).

    Repeated where that does no harm. What is no object (a DELETE may be answered with nothing) is
    an empty one.
    """
    headers = {"X-BUSINESS-API-KEY": account.api_key, "X-Requested-With": "XMLHttpRequest"}
    repeat = method != "POST"
    reply = call(method, account.base_url + path, headers=headers, form=form, repeat=repeat)
    if reply.status in (200, 201, 204):
        return reply.data if isinstance(reply.data, dict) else {}
    words = f"{method} {path}: {_words(reply)}"
    if reply.status in ERRORS:
        problem = _Missing if reply.status == 404 else Rejected
        raise problem(words, ERRORS[reply.status])
    raise Unreachable(words)


def _words(reply: Reply) -> str:
    """``{"message", "errors": {field: [text, …]}}`` on one line."""
    data = reply.data if isinstance(reply.data, dict) else {}
    errors = data.get("errors")
    fields = errors.items() if isinstance(errors, dict) else ()
    said = "".join(f"; {name}: {texts}" for name, texts in fields)
    return printable(f"HTTP {reply.status} {data.get('message')}{said}")
