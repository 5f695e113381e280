"""HitPay's hosted page: pay by card or with PayNow, cancel, result.

The page's look, what Cancel does and what comes back of an expired page are not documented; see the
settings ``SANDBOX_HITPAY_…`` and ``hitpay.ASSUMPTIONS``. Nothing here needs JavaScript, except
inside the drop-in's frame (``?drop_in``): there a script tells the shop's page how it ended.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from . import clock, faults
from .background import commit
from .hitpay import NAME, PAYNOW, decline, end, succeed
from .hitpay_shapes import MERCHANT
from .kit.cards import read_expiry
from .models import Payment, db
from .old import settings

Answer = str | Response | tuple[str, int]

#: Faults that HitPay cannot suffer: its page asks for no 3-D Secure, its messages name no
#: environment.
IMPOSSIBLE = ("three_d_secure", "wrong_environment")

bp = Blueprint(
    "hitpay_page", __name__, url_prefix=f"/hitpay/payment-request/@{MERCHANT}/<reference>/checkout"
)


@dataclass(frozen=True)
class Card:
    """A number the page takes, with any expiry to come and any three digits."""

    key: str
    number: str
    succeeds: bool
    sentence: str


#: The first is of guide/sandbox, the second of hit-pay/claude-code-plugin.
CARDS = (
    Card("success", "4242 4242 4242 4242", True, "Succeeds."),
    Card("decline", "4000 0000 0000 0002", False, "Is declined; another may be tried."),
)


@bp.url_defaults
def stay_in_the_frame(endpoint: str, values: dict[str, Any]) -> None:
    """What was opened by the drop-in leads to pages that know it."""
    if "drop_in" in request.args:
        values["drop_in"] = 1


@bp.get("")
def show(reference: str) -> Answer:
    """The ways to pay, or the result. ``?fill=<card key>`` fills in a test card.

    :raise 404: unknown payment request.
    """
    payment = find(reference)
    if payment.status != "pending":
        return _result(payment)
    return _form(payment, _filled(request.args.get("fill")))


@bp.post("")
def pay(reference: str) -> Answer:
    """Pay by ``method``; ``fault`` and ``delivery_fault`` are the sandbox's own fields.

    :raise 400: a method that this payment request does not offer.
    """
    payment = find(reference)
    if payment.status != "pending":
        return _onward(payment)
    faults.choose(payment)
    if was_ended_by_fault(payment):
        commit()
        return _onward(payment)
    method = request.form.get("method", "card")
    if method not in payment.details["payment_methods"]:
        abort(400, "this payment request does not offer that method")
    accepted = True
    if method == "card":
        card, errors = _read_card(request.form, datetime.now(UTC).date())
        if errors or card is None:
            commit()
            return _form(payment, request.form, errors), 422
        accepted = card.succeeds
    if accepted and payment.fault != "decline":
        succeed(payment, method)
    else:
        decline(payment, method)
    commit()
    return _onward(payment)


@bp.post("/cancel")
def cancel(reference: str) -> Answer:
    """Back to the shop; the payment request stays as it is. The form's faults come along."""
    payment = find(reference)
    if payment.status == "pending":
        faults.choose(payment)
        commit()
    if "drop_in" in request.args:
        return _page("result.html", payment, tell="toggle")
    return redirect(_return_url(payment, "canceled"), 303)


def find(reference: str) -> Payment:
    """:raise 404: unknown payment request."""
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    return payment or abort(404)


def was_ended_by_fault(payment: Payment) -> bool:
    """The faults "expire" and "pay late" end the page at this moment; the caller commits."""
    if payment.fault not in ("expire", "pay_late"):
        return False
    end(payment, "expired")
    if payment.fault == "pay_late":
        payment.timer = clock.now() + settings().sandbox_delay_seconds
    return True


def fault_choices() -> dict[str, Any]:
    """What the drawer offers."""
    return {
        f"{kind}_faults": [each for each in faults.of_kind(kind) if each.key not in IMPOSSIBLE]
        for kind in ("payment", "delivery")
    }


def shop_origin() -> str:
    """The only origin that the drop-in may stand in."""
    parts = urlsplit(settings().base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _read_card(form: Mapping[str, str], today: date) -> tuple[Card | None, dict[str, str]]:
    """The test card that was typed in, and a sentence for each field that is wrong."""
    number = re.sub(r"[ -]", "", form.get("number", ""))
    card = next((each for each in CARDS if each.number.replace(" ", "") == number), None)
    expiry = read_expiry(form.get("expiry", ""))
    errors = {}
    if card is None:
        errors["number"] = "This page takes test cards only. They are listed under “Sandbox”."
    if not expiry:
        errors["expiry"] = "Enter month and year, like 04/30."
    elif (2000 + int(expiry[3:]), int(expiry[:2])) < (today.year, today.month):
        errors["expiry"] = "This card has expired."
    if not re.fullmatch(r"[0-9]{3}", form.get("cvc", "")):
        errors["cvc"] = "Enter 3 digits."
    return card, errors


def _onward(payment: Payment) -> Response:
    """Where the browser goes next: to the shop after a success, else to this payment's page.

    Inside the drop-in always to this payment's page, which tells the shop's.
    """
    paid = payment.status == "completed" and payment.fault != "close_tab"
    if paid and payment.return_url and "drop_in" not in request.args:
        return redirect(_return_url(payment, "completed"), 303)
    return redirect(url_for(".show", reference=payment.reference), 303)


def _return_url(payment: Payment, status: str) -> str:
    """The shop's ``redirect_url`` with ``reference`` and ``status``, merged with what it has.

    Without one, this payment's page.
    """
    if not payment.return_url:
        return url_for(".show", reference=payment.reference)
    parts = urlsplit(payment.return_url)
    added = urlencode({"reference": payment.reference, "status": status})
    return parts._replace(query=f"{parts.query}&{added}" if parts.query else added).geturl()


def _filled(key: str | None) -> dict[str, str]:
    """A test card as if it had been typed in; nothing when there is no such card."""
    card = next((each for each in CARDS if each.key == key), None)
    return {"number": card.number, "expiry": "12/34", "cvc": "123"} if card else {}


def _form(
    payment: Payment, values: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    return _page(
        "pay.html",
        payment,
        values=values,
        errors=errors or {},
        takes_cards="card" in payment.details["payment_methods"],
        takes_paynow=PAYNOW in payment.details["payment_methods"],
        cards=CARDS,
        **fault_choices(),
    )


def _result(payment: Payment) -> str:
    tell = "success" if payment.status == "completed" else "error"
    if payment.fault == "close_tab":
        tell = ""  # nobody is there to be told
    return _page("result.html", payment, tell=tell)


def _page(template: str, payment: Payment, **values: Any) -> str:
    """A page of this payment, whose forms may lead to the shop's origin (see ``app.py``)."""
    if payment.return_url:
        parts = urlsplit(payment.return_url)
        g.form_target = f"{parts.scheme}://{parts.netloc}"
    if "drop_in" in request.args:
        g.framed_by = shop_origin()
    return render_template(
        f"hitpay/{template}",
        payment=payment,
        amount=f"{Decimal(payment.amount).scaleb(-2):,}",
        return_url=_return_url(payment, payment.status),
        merchant=settings().sandbox_merchant_name,
        shop=g.get("framed_by"),
        **values,
    )
