"""HitPay: hosted page, signed webhook, status by id.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): apis/payment-request,
apis/guide/{online-payments,events}, openapi.json. Money is proven by a webhook or the answer to
``GET /v1/payment-requests/{id}``, never by the return. No message says whether it is a test: the
host, the key and the salts decide that. ``event_key`` is a digest of the reported facts.

============================  ==================================================================
``payment_request.*``         running totals of all charges
``charge.*``                  see ``charges.py``
a form                        version 1: see ``webhook_v1.py``
with a sum that is null       kept, and HitPay is asked
anything else                 kept, and changes nothing
============================  ==================================================================
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
    Redirect,
    Unreachable,
    Urls,
)
from ..http import read_object
from ..money import to_major
from ..proof import by_answer, check_hmac
from ..text import printable, usable_id
from . import charges, drop_in, methods, pages, qr, webhook_v1
from .api import Account as Account
from .api import call_api, digest, fetch_request, read_money
from .pages import cancel as cancel
from .pages import resume_checkout as resume_checkout
from .refunds import refund as refund
from .returns import read_return as read_return
from .webhook_events import delete_webhook as delete_webhook
from .webhook_events import find_webhooks as find_webhooks
from .webhook_events import register_webhook as register_webhook
from .webhook_v1 import keep_body as keep_body

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
SAID = STATUSES | {"failed": "pending"}


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="hitpay",
        label="HitPay",
        takes=methods.takes(account),
        note=methods.note(account),
        currencies=methods.currencies(account),
        page_origins=account.origins,
        failed="The payment was declined.",
        failures=charges.FAILURES,
        methods=qr.methods(account),
        refunds="part",
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v1/payment-requests``, as a form (create-request).

    Sent once: HitPay has no idempotency key. When the answer is lost, no shopper has the page's
    address, and it expires unpaid.
    """
    ends = qr.end_of_code(account)
    form = base_form(payment, urls)
    form += qr.qr_fields(ends) if payment.method else pages.page_fields(account)
    resource = call_api(account, "POST", "/v1/payment-requests", form)
    reference, url = usable_id(resource, "id", Unreachable), resource.get("url")
    if not isinstance(url, str):
        raise Unreachable("POST /v1/payment-requests: the answer holds no url")
    if payment.method:
        return Checkout(reference, qr.read_qr(resource, url, ends))
    if account.drop_in:
        return Checkout(reference, drop_in.embed(account, reference, url, urls))
    return Checkout(reference, Redirect(url))


def base_form(payment: PaymentRequest, urls: Urls) -> list[tuple[str, str]]:
    """The fields that ask for a page or a QR code. ``amount`` is major units: "49.99"."""
    form = [
        ("amount", str(to_major(payment.amount, payment.currency))),
        ("currency", payment.currency),
        ("email", payment.customer.email),
        ("name", payment.customer.name),
        ("purpose", payment.description[:255]),
        ("reference_number", payment.reference),
        ("redirect_url", urls.return_url),
        ("webhook", urls.webhook_url),
        *((no, "false") for no in ("allow_repeated_payments", "send_email", "send_sms")),
    ]
    return [(name, value) for name, value in form if value]  # an empty name is refused


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Version 2 (guide/events) has its signature in a header, version 1 in its form."""
    signature = headers.get("hitpay-signature")
    if signature is None:
        return [webhook_v1.read_form(account, body)]
    proof = check_hmac("Hitpay-Signature", signature, body, account.webhook_salts)
    data = read_object(body)
    # Not signed: it can only cause an event to be ignored, as charges have another word for "paid".
    entity = headers.get("hitpay-event-object", "")
    word = printable(data.get("status"), 40)
    if entity != "payment_request":
        word = f"{printable(entity, 50)}: {word}"
    news = News(printable(data.get("id", ""), 100), None, None, word, digest(entity, body))
    try:
        if entity == "payment_request":
            said = _news(data, SAID)
            news = replace(said, event_key=charges.request_key(said, data))
        elif entity == "charge":
            news = charges.read_charge(data, word) or news
    except charges.NotSaid:
        news = replace(news, provider_reference=charges.request_id_of(data), check=True)
    return [replace(news, proof=proof)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v1/payment-requests/{id}``: by HitPay's id only, so none before we have it."""
    if payment.provider_reference is None:
        return []
    resource = fetch_request(account, payment.provider_reference)
    try:
        news = _news(resource, STATUSES)
    except Malformed as error:
        raise Unreachable(f"GET /v1/payment-requests: {error}") from error
    proof = by_answer(f"/v1/payment-requests/{payment.provider_reference}")
    return [replace(news, word=f"GET: {news.word}", proof=proof)]


def _news(data: dict[str, Any], statuses: Mapping[str, str]) -> News:
    """A payment request as version 2 webhooks and ``GET`` show it, with its ``payments``.

    :raise NotSaid: it was paid, and a sum is null.
    """
    word, reference = printable(data.get("status"), 40), data.get("reference_number")
    amount, currency = read_money(data.get("amount"), data)
    taken, tries = charges.read_charges(data), charges.entries_of(data)
    news = News(
        provider_reference=usable_id(data, "id", Malformed),
        reference=reference if isinstance(reference, str) else None,
        status=statuses.get(word),
        word=word,
        amount=amount,
        currency=currency,
        **charges.last_failure(data),
    )
    if not taken and news.status == "succeeded" and (amount is None or tries):
        raise charges.NotSaid("paid, but not by what")
    return replace(news, **charges.add_up(taken)) if taken else news
