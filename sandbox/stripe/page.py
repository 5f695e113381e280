"""Stripe's hosted page: a card, 3-D Secure, the way back. Cards: docs.stripe.com/testing."""

from datetime import UTC, datetime

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import faults
from ..kit import Answer, cards, commit, show, submit
from ..kit.cards import Card
from ..models import Payment
from . import provider, succeed
from .refunds import dispute

CARDS = (
    Card("success", "4242424242424242", "Visa", "Succeeds."),
    Card("three_ds", "4000002760003184", "Visa", "Asks for 3-D Secure.", three_d_secure=True),
    Card("generic_decline", "4000000000000002", "Visa", "Is declined.", succeeds=False),
    Card("insufficient_funds", "4000000000009995", "Visa", "Holds too little.", succeeds=False),
    Card("expired_card", "4000000000000069", "Visa", "Has expired.", succeeds=False),
    Card("incorrect_cvc", "4000000000000127", "Visa", "Has another code.", succeeds=False),
    Card("refund_pends", "4000000000007726", "Visa", "Its refund is pending at first."),
    Card("refund_fails", "4000000000005126", "Visa", "Its refund succeeds, then fails."),
    Card("needs_response", "4000000000000259", "Visa", "Is disputed at once."),
    Card("warning_needs_response", "4000000000001976", "Visa", "Is asked about at once."),
)
page = provider.blueprint("page", "/c/pay")


@page.get("/<reference>")
def show_page(reference: str) -> Answer:
    """The card form, or the result. ``?fill=<card key>`` fills in a test card."""
    payment = _find(reference)
    if payment.status == "open":
        return _form(payment, cards.filled(CARDS, request.args.get("fill"), "cvc"), {})
    return show("result.html", payment)


@page.post("/<reference>")
def pay(reference: str) -> Answer:
    """Take the card; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    payment = _find(reference)
    if payment.status == "open" and (errors := submit(payment, read=_read, settle=_settle)):
        return _form(payment, request.form, errors), 422
    if payment.status == "open" and payment.details["declined"] == "challenge":
        return show("challenge.html", payment)
    return _onward(payment)


@page.post("/<reference>/challenge")
def answer_challenge(reference: str) -> Answer:
    """``answer=confirm``, or any other."""
    payment = _find(reference)
    if payment.status == "open" and request.form.get("answer") == "confirm":
        _pay(payment)
    elif payment.status == "open":
        payment.details["declined"] = "authentication_required"
    commit()
    return _onward(payment)


@page.post("/<reference>/cancel")
def cancel(reference: str) -> Answer:
    """Back by the link: the session stays open, and no webhook is sent."""
    payment = _find(reference)
    faults.choose(payment)
    commit()
    return redirect(payment.details["form"]["cancel_url"], 303)


def _find(reference: str) -> Payment:
    return provider.find(reference) or abort(404)


def _read(payment: Payment) -> dict[str, str]:
    errors = cards.errors(request.form, datetime.now(UTC).date(), code="cvc")
    errors.pop("holder", None)
    if cards.find(CARDS, request.form) is None:
        errors["number"] = "This page takes test cards only. They are listed under “Sandbox”."
    return errors


def _settle(payment: Payment) -> None:
    card = cards.find(CARDS, request.form) or CARDS[0]
    payment.details |= {"card": card.key, "declined": ""}
    payment.details["intent"] = payment.reference.replace("cs_test_", "pi_")
    if payment.fault == "decline" or not card.succeeds:
        payment.details["declined"] = card.key
    elif payment.fault == "three_d_secure" or card.three_d_secure:
        payment.details["declined"] = "challenge"  # until it is answered
    else:
        _pay(payment)


def _pay(payment: Payment) -> None:
    succeed(payment)
    if payment.details["card"].endswith("needs_response"):
        dispute(payment, "opened", payment.details["card"])


def _onward(payment: Payment) -> Response:
    if payment.status == "complete" and payment.fault != "close_tab":
        return redirect(payment.return_url, 303)
    return redirect(url_for(".show_page", reference=payment.reference), 303)


def _form(payment: Payment, values: object, errors: dict[str, str]) -> str:
    return show("pay.html", payment, values=values, errors=errors, cards=CARDS)
