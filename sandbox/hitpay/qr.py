"""What a phone finds behind one of HitPay's QR codes: in its test system, a pretended payment.

It stands for the bank's app, so it leads nowhere: the page that shows the code waits for the news.
"""

from decimal import Decimal

from flask import abort, redirect, request
from werkzeug.wrappers import Response

from .. import clock
from ..kit import is_secret, show, submit
from ..models import Payment
from . import decline, provider, succeed
from .fields import PAYNOW
from .shapes import qr_signature

qr = provider.blueprint("qr", "/mock-payment/<reference>")


@qr.get("")
def scan(reference: str) -> str:
    """Whom to pay how much; afterwards, what came of it.

    :raise 404: not a code that HitPay has made.
    """
    payment = _scanned(reference)
    return show(
        "scan.html",
        payment,
        payable=_is_payable(payment),
        amount=f"{Decimal(payment.amount).scaleb(-2):,}",
        address=payment.details["qr_code"],
    )


@qr.post("")
def pay(reference: str) -> Response:
    """Pay; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    payment = _scanned(reference)
    if _is_payable(payment):
        payment.details["method"] = PAYNOW
        submit(payment, read=lambda _payment: {}, settle=_settle)
    return redirect(payment.details["qr_code"], 303)


def _settle(payment: Payment) -> None:
    if payment.fault == "decline":
        decline(payment)
    else:
        succeed(payment)


def _scanned(reference: str) -> Payment:
    payment = provider.find(reference)
    is_signed = is_secret(request.args.get("signature", ""), qr_signature(reference))
    return payment if payment and is_signed and payment.details["qr_code"] else abort(404)


def _is_payable(payment: Payment) -> bool:
    """A QR code lives on when its payment request is deleted (embedded-qr-code-payments)."""
    ends = payment.details["qr_ends"]
    return payment.status in ("pending", "canceled") and (ends is None or clock.now() < ends)
