"""HitPay: hosted page, drop-in or QR code; two kinds of signed webhook, status by id, refunds.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07):
apis/payment-request/{create-request,get-payment-status,refund},
apis/guide/{online-payments,embedded-qr-code-payments,events,sandbox}, docs/webhooks, openapi.json.
What its webhooks and payment requests say is read in ``webhooks.py``.
How money is proven: a webhook, or the answer to ``GET /v1/payment-requests/{id}``. Never the return
or what the drop-in says. HitPay does not say in its messages whether they come from the test
system: the host, the key and the salts decide that.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import urlsplit

from ..contract import (
    Capabilities,
    Checkout,
    Embed,
    Malformed,
    Method,
    News,
    PaymentRequest,
    Qr,
    Redirect,
    Rejected,
    Unreachable,
    Urls,
    printable,
)
from ..money import to_major
from ..optional import Hint, Refunded, RefundRequest
from ..proof import check_hmac
from .api import Account as Account
from .api import Missing, call_api, usable_id
from .webhooks import (
    STATUSES,
    parse_form,
    read_charges,
    read_event,
    read_form,
    read_request,
    signed_text,
)

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

MAX_QR = 2000  # bytes; a QR code holds no more than 2,953

SINGAPORE = timezone(timedelta(hours=8))  # HitPay's times without an offset are Singapore's


def capabilities(account: Account) -> Capabilities:
    takes_paynow = not account.payment_methods or PAYNOW in account.payment_methods
    return Capabilities(
        name="hitpay",
        label="HitPay",
        takes="Cards and PayNow",
        note="Visa and Mastercard; PayNow in SGD",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The payment was declined.",
        failures=REASONS,
        methods=(QR,) if takes_paynow and "SGD" in account.currencies else (),
        refunds="part",
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v1/payment-requests``, as a form: for the page, the drop-in over ours, or a QR code.

    Sent once: HitPay knows no idempotency key, and a repetition is a second payment request. When
    no answer comes, nobody has the address of the first one's page, and it expires unpaid.

    :raise Unreachable: time-out, 429, 5xx, or an answer without a page or QR code.
    :raise Rejected: 422 with the fields' messages in ``str(error)``, and the other errors.
    """
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=account.qr_minutes)
    form = _qr_form(payment, urls, ends) if payment.method else _page_form(account, payment, urls)
    resource = call_api(account, "POST", "/v1/payment-requests", form)
    reference, url = usable_id(resource, "id", Unreachable), resource.get("url")
    if not isinstance(url, str):
        raise Unreachable("POST /v1/payment-requests: the answer holds no url")
    if payment.method:
        return Checkout(reference, _qr(resource, url, ends))
    if account.drop_in:
        return Checkout(reference, _drop_in(account, reference, url, urls))
    return Checkout(reference, Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Version 2 has its signature in a header, version 1 in the form: that tells them apart.

    Version 1 goes to the address of the create call, version 2 to an endpoint that is registered by
    hand. Both may be on: they tell the same news, and the second to arrive changes nothing.

    :raise BadSignature: missing, or not made with a salt of that version.
    :raise Malformed: signed, but not what the documentation shows.
    """
    signature = headers.get("hitpay-signature")
    if signature is None:
        fields = parse_form(body)
        check_hmac("hmac", fields.pop("hmac", ""), signed_text(fields).encode(), account.salts)
        return [read_form(fields)]
    check_hmac("Hitpay-Signature", signature, body, account.webhook_salts)
    return [read_event(headers.get("hitpay-event-object", ""), body)]


def keep_body(account: Account, body: bytes) -> str:
    """Without the signature of version 1; that of version 2 travels in a header."""
    return re.sub(r"(^|&)hmac=[^&]*", r"\1hmac=…", body.decode())


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """``reference`` and ``status`` are not signed; "canceled" may come with a paid request, too."""
    word = printable(args.get("status", ""), 20)
    return Hint(word, "canceled" if word == "canceled" else None)


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v1/payment-requests/{id}``: by HitPay's id only, so None before we have it.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if payment.provider_reference is None:
        return []
    resource = _fetch(account, payment.provider_reference)
    with _no_answer():
        news = read_request(resource, STATUSES)
    return [replace(news, word=f"GET: {news.word}")]


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    """Asks, and brings the page up to date by ``PUT /v1/payment-requests/{id}`` (openapi.json).

    A QR code is what it is once it is drawn: its payment request is only asked about.

    :raise ProviderError: not known, or the page is open but does not take the change.
    """
    try:
        found = next(iter(fetch_payment(account, payment)), None)
        if found is None or found.status in ("failed", "expired", "canceled"):
            return "closed"
        if found.status is None:
            raise Unreachable(f"GET /v1/payment-requests: {found.word} means nothing to us")
        if found.status != "pending":
            return "done"
        if not payment.method:
            path = f"/v1/payment-requests/{payment.provider_reference}"
            call_api(account, "PUT", path, _page_form(account, payment, urls))
        return "open"
    except Missing:
        return "closed"


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``DELETE /v1/payment-requests/{id}``; one that is gone already is fine.

    Its QR code may be paid all the same (guide/embedded-qr-code-payments): that is news like any.

    :raise Rejected: too late; what the answer then is, is not documented.
    :raise Unreachable: not known whether it is closed.
    """
    if payment.provider_reference is not None:  # without one, nobody has its page
        with suppress(Missing):
            call_api(account, "DELETE", f"/v1/payment-requests/{payment.provider_reference}")


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /v1/refund`` (payment-request/refund): by the id of the charge, which ``GET`` tells.

    Sent once, because HitPay has no idempotency key: before each call the total is compared with
    what it will be after it. Only charges in the payment's currency count. ``charge.updated``, and
    ``GET``, tell of it as well.

    :raise Rejected: no charge holds that much, or HitPay's answer, whose words for it are not
        documented, is in ``str(error)``.
    :raise Unreachable: not known: call again.
    """
    if payment.provider_reference is None:
        raise Rejected("HitPay has never named this payment")
    with _no_answer():
        charges = read_charges(_fetch(account, payment.provider_reference))
    charges = [each for each in charges if each.currency == payment.currency]
    if sum(each.refunded for each in charges) >= refund.before + refund.amount:
        return Refunded(None, done=True)
    enough = (each.id for each in charges if each.amount - each.refunded >= refund.amount)
    charge_id = next(filter(None, enough), None)
    if charge_id is None:
        raise Rejected("POST /v1/refund: no charge holds that much")
    form = [("payment_id", charge_id), ("amount", _major(refund.amount, payment.currency))]
    resource = call_api(account, "POST", "/v1/refund", form)
    theirs = usable_id(resource, "id", Unreachable)
    return Refunded(theirs, done=resource.get("status") == "succeeded")


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


def _major(amount: int, currency: str) -> str:
    return str(to_major(amount, currency))


def _fetch(account: Account, reference: str) -> dict[str, Any]:
    resource = call_api(account, "GET", f"/v1/payment-requests/{reference}")
    if usable_id(resource, "id", Unreachable) != reference:
        raise Unreachable("GET /v1/payment-requests: the answer is about another payment")
    return resource


@contextmanager
def _no_answer() -> Iterator[None]:
    """An answer that makes no sense is none."""
    try:
        yield
    except Malformed as error:
        raise Unreachable(f"GET /v1/payment-requests: {error}") from error
