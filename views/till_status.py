"""What the till's page says of a sale, to the person behind it. till.py has the routes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for

import payments
from models import OPEN, Order, Payment
from providers import money

from .order_status import draw_qr, failure_of, label_of, state_of

#: For each state the headline, which also stands in the day's list, and a sentence.
WORDS = {
    "code": ("Waiting", "The shopper scans this code and pays with {provider}."),
    "confirming": (
        "Confirming",
        "The shopper is back from the payment page. {provider} has not confirmed it yet: wait for "
        "“Paid” before you hand anything over.",
    ),
    "left": (
        "Waiting",
        "{provider} says that the shopper came back without paying, and has not confirmed it yet.",
    ),
    "closed": (
        "Waiting",
        "The payment page has closed, and {provider} has not told us of a payment. Wait a moment "
        "if the shopper did pay; if not, make a new code.",
    ),
    "code_expired": (
        "Waiting",
        "This code has expired. Wait a moment if the shopper has just paid with it; if not, make "
        "a new one.",
    ),
    "partial": ("Partly paid", "{received} of it is here. The rest is paid on the same page."),
    "paid": ("Paid", "The money is here."),
    "held": ("Look at this", "Money came that does not fit: {held}. Hand nothing over yet."),
    "short": ("Partly paid", "{received} of it is here, and the rest did not come in time."),
    "stopped": (
        "Some went back",
        "Since it was paid, {refunded} of {received} was refunded. What is disputed or on its way "
        "back stands on the order’s page.",
    ),
    "refunded": ("Refunded", "The money goes back the way it came."),
    "unpaid": ("Not paid", "Nothing was charged. Choose how it is paid."),
    "failed": ("Declined", "{reason} Nothing was charged."),
    "canceled": ("Canceled", "Nothing was charged."),
    "closing": (
        "Canceled",
        "{provider}’s page may still be open on the shopper’s phone. What is paid there all the "
        "same is shown here, and can be refunded.",
    ),
    "expired": ("Expired", "No payment came in time. Nothing was charged."),
}

#: States in which the shopper can pay with the code on the page.
WITH_CODE = ("code", "partial")
FINAL = ("paid", "stopped", "held", "short", "refunded", "failed", "canceled", "expired", "unpaid")


@dataclass(frozen=True)
class View:
    """What the page and the day's list say of a sale."""

    state: str  # a key of WORDS
    headline: str
    sentence: str
    provider_label: str
    page_url: str | None  # the provider's page, for a shopper without a camera
    payload: str | None  # what the code says that we draw
    qr_image: str | None  # URL of the provider's own code
    is_final: bool  # nothing changes by itself: the page stops polling
    can_cancel: bool

    @property
    def qr_svg(self) -> str:
        return draw_qr(self.payload or "")


def describe(order: Order, payment: Payment | None) -> View:
    state = _state(order, payment)
    headline, sentence = WORDS[state]
    label = label_of(payment)
    action = (payment and payment.next_action) or {}
    page_url = _page_url(payment, action) if payment and state in WITH_CODE else None
    return View(
        state=state,
        headline=headline,
        sentence=sentence.format(
            provider=label,
            reason=failure_of(payment),
            held=order.held_reason,
            refunded=money.show(payment.refunded if payment else 0, order.currency),
            received=money.show(payment.received if payment else 0, order.currency),
        ),
        provider_label=label,
        page_url=page_url,
        payload=action.get("payload", page_url),
        qr_image=action.get("qr_image") if page_url else None,
        is_final=state in FINAL,
        can_cancel=state not in FINAL and state != "closing",
    )


def _state(order: Order, payment: Payment | None) -> str:
    """That of the shopper's page, in the words of the till."""
    state = state_of(order, payment)
    if payment and order.status == "open" and payment.abandoned and payment.status in OPEN:
        return "closing"
    if state == "waiting":
        return "confirming" if payment and payment.returned_at else "code"
    return "code" if state == "scan" else state


def _page_url(payment: Payment, action: Mapping[str, Any]) -> str | None:
    """Where a camera leads: the provider's page, or ours where that is posted or embedded."""
    if action.get("kind") in ("form", "embed"):
        return payments.settings().base_url + url_for("orders.pay_here", order_id=payment.order_id)
    return payment.page_url
