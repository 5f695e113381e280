"""Mollie's page in test mode: the shopper picks how the payment is to end (testing)."""

from flask import abort, redirect, request

from ..kit import Answer, show, submit
from ..models import Payment
from . import move, pay, provider

page = provider.blueprint("page", "/checkout")
ENDS = ("paid", "failed", "canceled", "expired", "open")
#: get-payment, ``details.failureReason``: some of them.
REASONS = ("card_declined", "insufficient_funds", "card_expired", "authentication_failed")


@page.get("/<reference>")
def show_page(reference: str) -> Answer:
    """:raise 404: unknown payment."""
    payment = provider.find(reference) or abort(404)
    return show("pay.html", payment, ends=ENDS, reasons=REASONS)


@page.post("/<reference>")
def choose(reference: str) -> Answer:
    """Form: ``status``, and ``reason`` of a failure; ``fault`` and ``delivery_fault`` are ours."""
    payment = provider.find(reference) or abort(404)
    if payment.status == "open":
        submit(payment, read=lambda _payment: {}, settle=_settle)
    if payment.fault == "close_tab":
        return redirect(request.path, 303)
    return redirect(payment.return_url, 303)


def _settle(payment: Payment) -> None:
    status = "failed" if payment.fault == "decline" else request.form.get("status")
    if status == "paid":
        pay(payment)
    elif status in ("failed", "canceled", "expired"):
        reason = request.form.get("reason", REASONS[0])
        payment.details["reason"] = reason if status == "failed" else None
        move(payment, status)
