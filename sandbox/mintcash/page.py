"""MintCash's hosted page: card form, 3-D Secure challenge, result.

The page's look, its lifetime, canceling and a failed challenge are not documented; see
``settings.py``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from .. import faults
from ..kit import Answer, commit, extended, onward, show, submit
from ..kit.cards import filled
from ..models import Payment
from . import cards, move, provider

page = provider.pages("/pay/<reference>")


@page.get("")
def show_page(payment: Payment) -> Answer:
    """The card form; the challenge or the result once the payment has got that far.

    ``?fill=<card key>&expiry=<MM/YY>`` fills in a test card.
    """
    if payment.details["step"] == "form":
        values = filled(cards.CARDS, request.args.get("fill"))
        if values and "expiry" in request.args:
            values["expiry"] = request.args["expiry"]
        return _form(payment, values, {})
    if payment.details["step"] == "challenge":
        return redirect(url_for(".challenge", reference=payment.reference), 303)
    reason = cards.REASONS.get(payment.details["failureCode"])
    return show("result.html", payment, reason=reason, return_url=_return_url(payment))


@page.post("")
def pay(payment: Payment) -> Answer:
    """Take the card form; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    if payment.details["step"] != "form":
        return _onward(payment)
    if errors := submit(payment, read=_read, settle=_settle_card):
        return _form(payment, request.form, errors), 422
    return _onward(payment)


@page.post("/cancel")
def cancel(payment: Payment) -> Answer:
    """The customer gives up; the card form comes along, and only its faults are read."""
    if payment.details["step"] != "form":
        return _onward(payment)
    faults.choose(payment)
    move(payment, "failed", failure_code="canceled")
    commit()
    return redirect(_return_url(payment), 303)


@page.get("/challenge")
def challenge(payment: Payment) -> Answer:
    """The page of "your bank": 3-D Secure."""
    if payment.details["step"] != "challenge":
        return _onward(payment)
    return show("challenge.html", payment)


@page.post("/challenge")
def answer_challenge(payment: Payment) -> Answer:
    """``answer=confirm`` with any six digits as ``code``, or ``answer=fail``."""
    if payment.details["step"] != "challenge":
        return _onward(payment)
    if request.form.get("answer") == "fail":
        _settle(payment, "client_auth_failed")
    elif re.fullmatch(r"[0-9]{6}", request.form.get("code", "").strip()):
        _settle(payment, payment.details["outcome"])
    else:
        return show("challenge.html", payment, error="Enter the six digits of the code."), 422
    commit()
    return _onward(payment)


def _read(payment: Payment) -> dict[str, str]:
    entered, errors = cards.read(request.form, datetime.now(UTC).date())
    if entered:
        payment.details |= {
            "card": entered.kept(),
            "outcome": entered.outcome,
            "challenged": entered.card.three_d_secure,
        }
    return errors


def _settle_card(payment: Payment) -> None:
    details = payment.details
    if payment.status == "created":
        move(payment, "pending")
    if payment.fault == "decline":
        details["outcome"] = "declined"
    if details["outcome"] == cards.PENDING:
        details["step"], payment.timer = "done", None
    elif details["challenged"] or payment.fault == "three_d_secure":
        details["step"] = "challenge"
    else:
        _settle(payment, details["outcome"])


def _settle(payment: Payment, outcome: str) -> None:
    """Success, or a decline: final once the page has taken as many cards as it accepts."""
    details = payment.details
    if outcome == cards.SUCCEEDED:
        provider.pay(payment)
        return
    details["attempts"] += 1
    details["declined"] = outcome
    if details["attempts"] < provider.settings.sandbox_mintcash_attempts:
        details["step"], details["card"] = "form", None
    else:
        move(payment, "failed", failure_code=outcome)


def _onward(payment: Payment) -> Response:
    return onward(payment, _return_url(payment) if payment.status == "succeeded" else None)


def _return_url(payment: Payment) -> str:
    """The shop's ``returnUrl``, with what a setting appends to it."""
    if provider.settings.sandbox_mintcash_return_query == "none":
        return payment.return_url
    transaction = payment.details["providerTransactionId"]
    query = {"transaction_id": transaction, "msid": payment.external_id}
    return extended(payment.return_url, query)


def _form(payment: Payment, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return show(
        "pay.html",
        payment,
        values=values,
        errors=errors,
        declined=cards.REASONS.get(payment.details["declined"]),
        cards=cards.CARDS,
        declines=cards.DECLINES,
        stays_pending=cards.STAYS_PENDING,
    )
