"""What a phone finds behind one of HitPay's QR codes: in its test system, a pretended payment.

It stands for the bank's app, so it leads nowhere: the page that shows the code waits for the news.
"""

import hmac
from decimal import Decimal

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from . import clock, faults
from .background import commit
from .hitpay import PAYNOW, decline, succeed
from .hitpay_page import fault_choices, find, was_ended_by_fault
from .hitpay_shapes import qr_signature
from .models import Payment
from .old import settings

bp = Blueprint("hitpay_qr", __name__, url_prefix="/hitpay/mock-payment/<reference>")


@bp.get("")
def scan(reference: str) -> str:
    """Whom to pay how much; afterwards, what came of it.

    :raise 404: not a code that HitPay has made.
    """
    payment = _scanned(reference)
    return render_template(
        "hitpay/scan.html",
        payment=payment,
        payable=_is_payable(payment),
        amount=f"{Decimal(payment.amount).scaleb(-2):,}",
        merchant=settings().sandbox_merchant_name,
        address=payment.details["qr_code"],
        **fault_choices(),
    )


@bp.post("")
def pay(reference: str) -> Response:
    """Pay; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    payment = _scanned(reference)
    if _is_payable(payment):
        faults.choose(payment)
        if payment.fault == "decline":
            decline(payment, PAYNOW)
        elif not was_ended_by_fault(payment):
            succeed(payment, PAYNOW)
        commit()
    return redirect(payment.details["qr_code"], 303)


def _scanned(reference: str) -> Payment:
    payment, given = find(reference), request.args.get("signature", "")
    signed = hmac.compare_digest(given.encode(), qr_signature(reference).encode())
    return payment if signed and payment.details["qr_code"] else abort(404)


def _is_payable(payment: Payment) -> bool:
    """A QR code lives on when its payment request is deleted (embedded-qr-code-payments)."""
    ends = payment.details["qr_ends"]
    return payment.status in ("pending", "canceled") and (ends is None or clock.now() < ends)
