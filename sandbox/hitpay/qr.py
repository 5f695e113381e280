"""What a phone finds behind one of HitPay's QR codes: in its test system, a pretended payment.

It stands for the bank's app, so it leads nowhere: the page that shows the code waits for the news.
"""

from typing import Any

from flask import redirect, request
from werkzeug.wrappers import Response

from .. import clock
from ..kit import is_secret, submit
from ..models import Payment
from . import provider
from .fields import PAYNOW
from .page import settle, show
from .shapes import qr_signature


def _scanned(values: dict[str, Any]) -> Payment | None:
    """None: not a code that HitPay has made."""
    reference = values.pop("reference")
    payment = provider.find(reference)
    is_signed = is_secret(request.args.get("signature", ""), qr_signature(reference))
    return payment if payment and is_signed and payment.details["qr_code"] else None


qr = provider.pages("/mock-payment/<reference>", _scanned, part="qr")


@qr.get("")
def scan(payment: Payment) -> str:
    """Whom to pay how much; afterwards, what came of it."""
    address = payment.details["qr_code"]
    return show("scan.html", payment, payable=_is_payable(payment), address=address)


@qr.post("")
def pay(payment: Payment) -> Response:
    """Pay; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    if _is_payable(payment):
        payment.details["method"] = PAYNOW
        submit(payment, read=lambda _payment: {}, settle=settle)
    return redirect(payment.details["qr_code"], 303)


def _is_payable(payment: Payment) -> bool:
    """A QR code lives on when its payment request is deleted (embedded-qr-code-payments)."""
    ends = payment.details["qr_ends"]
    return payment.status in ("pending", "canceled") and (ends is None or clock.now() < ends)
