"""MintCash's hosted page: card form, 3-D Secure challenge, result.

The page's look, its lifetime, canceling and a failed challenge are not documented; see the settings
``SANDBOX_MINTCASH_…`` and ``mintcash.ASSUMPTIONS``. Nothing here needs JavaScript.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from . import clock, faults, mintcash_cards
from .background import commit
from .config import settings
from .mintcash import NAME, move, succeed
from .models import Payment, db

Answer = str | Response | tuple[str, int]

bp = Blueprint("mintcash_page", __name__, url_prefix="/mintcash/pay")


@bp.get("/<reference>")
def show(reference: str) -> Answer:
    """The card form; the challenge or the result once the payment has got that far.

    ``?fill=<card key>&expiry=<MM/YY>`` fills in a test card.

    :raise 404: unknown payment.
    """
    payment = _payment(reference)
    if payment.details["step"] == "form":
        return _form(payment, _filled(request.args.get("fill"), request.args.get("expiry")))
    if payment.details["step"] == "challenge":
        return redirect(url_for(".challenge", reference=reference), 303)
    return _result(payment)


@bp.post("/<reference>")
def pay(reference: str) -> Answer:
    """Take the card form; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    payment = _payment(reference)
    if payment.details["step"] != "form":
        return _onward(payment)
    faults.choose(payment)
    if payment.fault == "expire":
        move(payment, "failed", failure_code="expired")
        commit()
        return _onward(payment)
    try:
        entered = mintcash_cards.read(request.form, datetime.now(UTC).date())
    except mintcash_cards.NotAccepted as error:
        commit()
        return _form(payment, request.form, error.errors), 422

    if payment.fault == "pay_late":
        move(payment, "failed", failure_code="expired")
        payment.details["card"] = entered.kept()
        payment.timer = clock.now() + settings().sandbox_delay_seconds
        commit()
        return _onward(payment)

    payment.details["card"] = entered.kept()
    if payment.status == "created":
        move(payment, "pending")
    outcome = "declined" if payment.fault == "decline" else entered.outcome
    if outcome == mintcash_cards.PENDING:
        payment.details["step"] = "done"
        payment.timer = None
    elif payment.fault == "three_d_secure" or entered.card.three_d_secure:
        payment.details["step"] = "challenge"
        payment.details["outcome"] = outcome
    else:
        _settle(payment, outcome)
    commit()
    return _onward(payment)


@bp.post("/<reference>/cancel")
def cancel(reference: str) -> Answer:
    """The customer gives up; the card form comes along, and only its faults are read."""
    payment = _payment(reference)
    if payment.details["step"] != "form":
        return _onward(payment)
    faults.choose(payment)
    move(payment, "failed", failure_code="canceled")
    commit()
    return redirect(_return_url(payment), 303)


@bp.get("/<reference>/challenge")
def challenge(reference: str) -> Answer:
    """The page of "your bank": 3-D Secure."""
    payment = _payment(reference)
    if payment.details["step"] != "challenge":
        return _onward(payment)
    return _page("challenge.html", payment)


@bp.post("/<reference>/challenge")
def answer_challenge(reference: str) -> Answer:
    """``answer=confirm`` with any six digits as ``code``, or ``answer=fail``."""
    payment = _payment(reference)
    if payment.details["step"] != "challenge":
        return _onward(payment)
    if request.form.get("answer") == "fail":
        _settle(payment, "client_auth_failed")
    elif re.fullmatch(r"[0-9]{6}", request.form.get("code", "").strip()):
        _settle(payment, payment.details["outcome"])
    else:
        return _page("challenge.html", payment, error="Enter the six digits of the code."), 422
    commit()
    return _onward(payment)


def _payment(reference: str) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    return payment or abort(404)


def _settle(payment: Payment, outcome: str) -> None:
    """Success, or a decline: final once the page has taken as many cards as it accepts."""
    details = payment.details
    if outcome == mintcash_cards.SUCCEEDED:
        succeed(payment)
        return
    details["attempts"] += 1
    details["declined"] = outcome
    if details["attempts"] < settings().sandbox_mintcash_attempts:
        details["step"] = "form"
        details["card"] = None
    else:
        move(payment, "failed", failure_code=outcome)


def _onward(payment: Payment) -> Response:
    """Where the browser goes next: to the shop after a success, else to this payment's page."""
    if payment.status == "succeeded" and payment.fault != "close_tab":
        return redirect(_return_url(payment), 303)
    return redirect(url_for(".show", reference=payment.reference), 303)


def _return_url(payment: Payment) -> str:
    """The shop's ``returnUrl``, with what a setting appends to it."""
    if settings().sandbox_mintcash_return_query == "none":
        return payment.return_url
    query = {
        "transaction_id": payment.details["providerTransactionId"],
        "msid": payment.external_id,
    }
    separator = "&" if urlsplit(payment.return_url).query else "?"
    return payment.return_url + separator + urlencode(query)


def _filled(key: str | None, expiry: str | None) -> dict[str, str]:
    """A test card as if it had been typed in; nothing when there is no such card."""
    card = next((each for each in mintcash_cards.CARDS if each.key == key), None)
    if card is None:
        return {}
    grouped = " ".join(re.findall("....", card.number))
    return {"number": grouped, "expiry": expiry or "12/34", "cvv": "123", "holder": "Mia Potter"}


def _form(
    payment: Payment, values: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    return _page(
        "pay.html",
        payment,
        values=values,
        errors=errors or {},
        declined=mintcash_cards.REASONS.get(payment.details["declined"]),
        cards=mintcash_cards.CARDS,
        declines=mintcash_cards.DECLINES,
        stays_pending=mintcash_cards.STAYS_PENDING,
        payment_faults=faults.of_kind("payment", NAME),
        delivery_faults=faults.of_kind("delivery", NAME),
    )


def _result(payment: Payment) -> str:
    """The end of the page, in words."""
    return _page(
        "result.html", payment, reason=mintcash_cards.REASONS.get(payment.details["failureCode"])
    )


def _page(template: str, payment: Payment, **values: Any) -> str:
    """A page of this payment, whose forms may lead to the shop's origin (see ``app.py``)."""
    parts = urlsplit(payment.return_url)
    g.form_target = f"{parts.scheme}://{parts.netloc}"
    return render_template(
        f"mintcash/{template}",
        payment=payment,
        return_url=_return_url(payment),
        merchant=settings().sandbox_merchant_name,
        **values,
    )
