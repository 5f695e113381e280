"""Stripe Checkout, an example to copy: hosted page, signed webhook, status by id, refunds.

Documentation (docs.stripe.com, read 2026-11): api/checkout/sessions, webhooks, api/events/types.
A payment has two names: its session ``cs_…``, and once the shopper tries to pay, its intent
``pi_…``, the only one in news of refunds and disputes (``refunds.py``). So the intent is both
``transaction_id``, which finds the payment, and ``provider_state``, which refunds it. A webhook's
``event_key`` is its ``id``. What does not say how much is kept, and Stripe is asked.
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
from ..proof import check_timed_hmac
from ..text import printable
from .api import Account as Account
from .api import call_api, read_event, read_money, read_word, to_stripe
from .pages import cancel as cancel
from .pages import read_return as read_return
from .refunds import count_refunds, read_news_of_intent
from .refunds import refund as refund

#: checkout/fulfillment: ``status`` and ``payment_status`` -> ours. Other pairs change nothing.
STATUSES = {
    "open unpaid": "created",  # also after a declined card: the page takes another
    "complete paid": "succeeded",
    "complete unpaid": "pending",  # a bank debit, decided days later
    "expired unpaid": "expired",
}
DAY = 24 * 60  # minutes; an ``expires_at`` of ours would not be the same in a retry


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="stripe",
        label="Stripe",
        takes="Cards",
        note="and what else the account takes",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The payment was declined.",
        refunds="part",
        page_minutes=DAY,
        silent_minutes=DAY,
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v1/checkout/sessions``, as a form (api/checkout/sessions/create).

    Safe to retry: ``Idempotency-Key`` makes one session; with other fields, ``ReferenceTaken``.
    """
    form = {
        "mode": "payment",
        "client_reference_id": payment.reference,
        "customer_email": payment.customer.email,
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": payment.currency.lower(),
        "line_items[0][price_data][unit_amount]": to_stripe(payment.amount, payment.currency),
        "line_items[0][price_data][product_data][name]": payment.description,
        "success_url": urls.return_url,
        "cancel_url": f"{urls.return_url}?left=1",
    }
    session = call_api(account, "POST", "/v1/checkout/sessions", form, key=payment.reference)
    if not isinstance(session.get("url"), str):
        raise Unreachable("POST /v1/checkout/sessions: the answer holds no url")
    return Checkout(read_word(session, "id", Unreachable), Redirect(session["url"]))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """``Stripe-Signature`` (webhooks): a time, and an HMAC over it and the raw bytes."""
    given = headers.get("stripe-signature", "")
    check_timed_hmac("Stripe-Signature", given, body, account.webhook_secrets)
    name, key, data = read_event(body, account.live)
    if not name.startswith("checkout.session."):
        return [replace(read_news_of_intent(name, data), word=name, event_key=key)]
    news = _session(data, Malformed)
    status = "failed" if name.endswith("async_payment_failed") else news.status
    return [replace(news, status=status, word=name, event_key=key, check=status is None)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v1/checkout/sessions/{id}``, with its charge inside, which counts refunds."""
    if payment.provider_reference is None:
        return []
    path = f"/v1/checkout/sessions/{payment.provider_reference}"
    session = call_api(account, "GET", f"{path}?expand%5B%5D=payment_intent.latest_charge")
    if session.get("id") != payment.provider_reference:
        raise Unreachable("GET /v1/checkout/sessions: the answer is about another payment")
    return [_session(session, Unreachable)]


def _session(data: dict[str, Any], problem: type[Exception]) -> News:
    """A session, of a webhook or ``GET``; no status where it is paid and does not say how much."""
    word = printable(f"{data.get('status')} {data.get('payment_status')}", 60)
    intent, ours = data.get("payment_intent"), data.get("client_reference_id")
    inside = intent if isinstance(intent, dict) else {"id": intent}
    intent_id = read_word(inside, "id", problem) if intent else None
    news = News(
        provider_reference=read_word(data, "id", problem),
        reference=printable(ours, 100) if isinstance(ours, str) else None,
        status=STATUSES.get(word),
        word=word,
        transaction_id=intent_id,
        provider_state=intent_id,
    )
    if news.status != "succeeded":
        return news
    if isinstance(charge := inside.get("latest_charge"), dict):
        return count_refunds(news, charge, problem)
    taken = read_money(data, "amount_total", problem)
    return replace(news, status=news.status if taken["amount"] is not None else None, **taken)
