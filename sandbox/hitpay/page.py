"""HitPay's hosted page: pay by card or with PayNow, cancel, result.

The page's look, what Cancel does and what comes back of an expired page are not documented; see
``settings.py``. Inside the drop-in's frame (``?drop_in``) a script tells the shop's page how it
ended.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import abort, g, redirect, request, url_for
from werkzeug.wrappers import Response

from .. import faults, kit
from ..kit import Answer, cards, commit, extended, onward, origin, submit
from ..kit.cards import Card
from ..models import Payment
from . import decline, is_payable, provider, succeed
from .fields import METHODS, PAYNOW
from .shapes import MERCHANT

#: Any expiry to come, any three digits. The first is of guide/sandbox, the second of
#: hit-pay/claude-code-plugin.
CARDS = (
    Card("success", "4242424242424242", "Visa", "Succeeds."),
    Card(
        "decline", "4000000000000002", "Visa", "Is declined; another may be tried.", succeeds=False
    ),
)

page = provider.pages(f"/payment-request/@{MERCHANT}/<reference>/checkout")


@page.url_defaults
def stay_in_the_frame(endpoint: str, values: dict[str, Any]) -> None:
    """What was opened by the drop-in leads to pages that know it."""
    if "drop_in" in request.args:
        values["drop_in"] = 1


@page.get("")
def show_page(payment: Payment) -> Answer:
    """The ways to pay, or the result. ``?fill=<card key>`` fills in a test card."""
    if is_payable(payment):
        return _form(payment, cards.filled(CARDS, request.args.get("fill"), "cvc"), {})
    tell = "success" if payment.status == "completed" else "error"
    if payment.fault == "close_tab":
        tell = ""  # the shop's page is closed, too
    return show("result.html", payment, tell=tell)


@page.post("")
def pay(payment: Payment) -> Answer:
    """Pay by ``method``; ``fault`` and ``delivery_fault`` are the sandbox's own fields.

    :raise 400: a method that this payment request does not offer.
    """
    if is_payable(payment) and (errors := submit(payment, read=_read, settle=settle)):
        return _form(payment, request.form, errors), 422
    return _onward(payment)


@page.post("/cancel")
def cancel(payment: Payment) -> Answer:
    """Back to the shop; the payment request stays as it is. The form's faults come along."""
    if payment.status == "pending":
        faults.choose(payment)
        commit()
    if "drop_in" in request.args:
        return show("result.html", payment, tell="toggle")
    return redirect(_return_url(payment, "canceled"), 303)


def _read(payment: Payment) -> dict[str, str]:
    method = request.form.get("method", "card")
    if method not in payment.details["payment_methods"]:
        abort(400, "this payment request does not offer that method")
    payment.details["method"] = method
    if method != "card":
        return {}
    errors = cards.errors(request.form, datetime.now(UTC).date(), code="cvc")
    errors.pop("holder", None)  # HitPay does not ask for it
    if cards.find(CARDS, request.form) is None:
        errors["number"] = cards.NOT_LISTED
    return errors


def settle(payment: Payment) -> None:
    card = cards.find(CARDS, request.form) if payment.details["method"] == "card" else None
    if payment.fault == "decline" or (card and not card.succeeds):
        decline(payment)
    else:
        succeed(payment)


def _onward(payment: Payment) -> Response:
    """Inside the drop-in always to this payment's page, which tells the shop's."""
    is_left = payment.status == "completed" and payment.return_url and "drop_in" not in request.args
    return onward(payment, _return_url(payment, "completed") if is_left else None)


def _return_url(payment: Payment, status: str) -> str:
    """The shop's ``redirect_url`` with ``reference`` and ``status``; failing it, this page."""
    if not payment.return_url:
        return url_for(".show_page", reference=payment.reference)
    return extended(payment.return_url, {"reference": payment.reference, "status": status})


def _form(payment: Payment, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return show(
        "pay.html",
        payment,
        values=values,
        errors=errors,
        methods={code: METHODS[code] for code in payment.details["payment_methods"]},
        opened=_opened(payment, values),
        paynow=PAYNOW,
        cards=CARDS,
    )


def _opened(payment: Payment, values: Mapping[str, str]) -> str:
    """The method whose part of the page is open: a card that was typed, else the one that the
    drop-in was asked for (``?method=``), else the one tried last.
    """
    offered = payment.details["payment_methods"]
    tried = request.args.get("method") or payment.details["method"]
    wanted = "card" if values.get("number") else tried
    return str(wanted if wanted in offered else offered[0])


def show(template: str, payment: Payment, **values: Any) -> str:
    if "drop_in" in request.args:
        g.framed_by = origin(provider.settings.base_url)
    return kit.show(
        template,
        payment,
        amount=f"{Decimal(payment.amount).scaleb(-2):,}",
        return_url=_return_url(payment, payment.status),
        shop=g.get("framed_by"),
        **values,
    )
