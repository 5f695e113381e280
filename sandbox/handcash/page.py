"""HandCash's hosted page: what is to be paid, a wallet to pay it with, and what came of it.

The real page shows a QR code for the wallet app, or opens it; here the wallet is part of the page,
and the QR code leads back to it. How the page looks once it is closed is not documented.
"""

import re
from io import BytesIO
from typing import Any
from urllib.parse import quote

import segno
from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from .. import kit
from ..kit import Answer, extended, onward, submit
from ..models import Payment
from . import complete, provider

QR_SCALE = 4  # pixels

page = provider.pages("")


@page.get("/pay/<reference>")
def show_page(payment: Payment) -> str:
    """The wallet while the request can be paid; then what came of it."""
    return _wallet(payment) if payment.status == "pending" else show("result.html", payment)


@page.get("/pay/api/paymentPreview/qr/<reference>")
def show_qr(payment: Payment) -> Response:
    """The picture of :func:`qr_content`, as PNG."""
    picture = BytesIO()
    code = segno.make(qr_content(payment), error="m", micro=False)
    code.save(picture, kind="png", scale=QR_SCALE)
    return Response(picture.getvalue(), mimetype="image/png")


@page.get("/merchant/invoice/<reference>")
def follow_qr(payment: Payment) -> Response:
    """Where the QR code leads."""
    return redirect(url_for(".show_page", reference=payment.reference), 303)


@page.post("/pay/<reference>")
def pay(payment: Payment) -> Answer:
    """Pay with ``handle``; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    if payment.status == "pending" and (errors := submit(payment, read=_read, settle=complete)):
        return _wallet(payment, _handle(), errors["handle"]), 422
    return onward(payment, _return_url(payment) if payment.details["transactions"] else None)


def _handle() -> str:
    return request.form.get("handle", "").strip().removeprefix("$")


def _read(payment: Payment) -> dict[str, str]:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,50}", _handle()):
        return {"handle": "Enter a handle, such as $mia."}
    payment.details["handle"] = _handle()
    return {}


def _return_url(payment: Payment) -> str:
    """``redirectUrl`` with the ``transactionId`` appended (handcash-pay/create-payment-request)."""
    transactions = payment.details["transactions"]
    if not payment.return_url or not transactions:
        return payment.return_url
    return extended(payment.return_url, {"transactionId": transactions[-1]["id"]})


def qr_content(payment: Payment) -> str:
    """What a wallet reads from the QR code, as decoded from a picture in the documentation."""
    invoice = f"{provider.settings.sandbox_url}/handcash/merchant/invoice/{payment.reference}"
    where = f"{invoice}?referenceId={payment.reference[-6:]}"
    return f"pay:?r={quote(where, safe='')}&p=1"


def _wallet(payment: Payment, handle: str = "", error: str = "") -> str:
    return show("pay.html", payment, handle=handle, error=error, qr_content=qr_content(payment))


def show(template: str, payment: Payment, **values: Any) -> str:
    sent = payment.details["request"]
    return kit.show(
        template,
        payment,
        product=sent["product"],
        sold_out=sent["expirationType"] == "limit" and payment.fault != "close_tab",
        return_url=_return_url(payment),
        **values,
    )
