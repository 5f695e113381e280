"""HandCash's hosted page: what is to be paid, a wallet to pay it with, and what came of it.

The real page shows a QR code for the wallet app, or opens it; here the wallet is part of the page,
and the QR code leads back to it.
How the page looks once it is closed is not documented. Nothing here needs JavaScript.
"""

import re
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from . import clock, faults
from .background import commit
from .handcash import NAME, complete, expire, qr_content
from .models import Payment, db
from .old import settings

Answer = str | Response | tuple[str, int]

#: The others make no sense for a wallet, or for a webhook that names neither amount nor event.
PAYMENT_FAULTS = ("none", "close_tab", "expire", "pay_late", "pay_twice")
QR_SCALE = 4  # pixels
DELIVERY_FAULTS = ("none", "delay", "drop", "duplicate", "tamper", "replay_other_order")

bp = Blueprint("handcash_page", __name__, url_prefix="/handcash")


@bp.get("/pay/<reference>")
def show(reference: str) -> str:
    """The wallet while the request can be paid; then what came of it.

    :raise 404: unknown request.
    """
    payment = _payment(reference)
    return _wallet(payment) if payment.status == "pending" else _page("result.html", payment)


@bp.get("/pay/api/paymentPreview/qr/<reference>")
def show_qr(reference: str) -> Response:
    """The picture of :func:`qr_content`, as PNG.

    :raise 404: unknown request.
    """
    picture = BytesIO()
    code = segno.make(qr_content(_payment(reference)), error="m", micro=False)
    code.save(picture, kind="png", scale=QR_SCALE)
    return Response(picture.getvalue(), mimetype="image/png")


@bp.get("/merchant/invoice/<reference>")
def follow_qr(reference: str) -> Response:
    """Where the QR code leads."""
    return redirect(url_for(".show", reference=reference), 303)


@bp.post("/pay/<reference>")
def pay(reference: str) -> Answer:
    """Pay with ``handle``; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    payment = _payment(reference)
    if payment.status != "pending":
        return _onward(payment)
    faults.choose(payment)
    handle = request.form.get("handle", "").strip().removeprefix("$")
    if payment.fault == "expire":
        expire(payment)
    elif not re.fullmatch(r"[A-Za-z0-9_.-]{1,50}", handle):
        commit()
        return _wallet(payment, handle, "Enter a handle, such as $mia."), 422
    elif payment.fault == "pay_late":
        expire(payment)
        payment.details["late"] = handle
        payment.timer = clock.now() + settings().sandbox_delay_seconds
    else:
        complete(payment, handle)
    commit()
    return _onward(payment)


def _payment(reference: str) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    return payment or abort(404)


def _onward(payment: Payment) -> Response:
    """Where the browser goes next: to the shop after a payment, else to this request's page."""
    back = _return_url(payment)
    if payment.details["transactions"] and back and payment.fault != "close_tab":
        return redirect(back, 303)
    return redirect(url_for(".show", reference=payment.reference), 303)


def _return_url(payment: Payment) -> str:
    """``redirectUrl`` with the ``transactionId`` appended (handcash-pay/create-payment-request)."""
    transactions = payment.details["transactions"]
    if not payment.return_url or not transactions:
        return payment.return_url
    parts = urlsplit(payment.return_url)
    query = urlencode({"transactionId": transactions[-1]["id"]})
    return parts._replace(query=f"{parts.query}&{query}".lstrip("&")).geturl()


def _wallet(payment: Payment, handle: str = "", error: str = "") -> str:
    return _page(
        "pay.html",
        payment,
        handle=handle,
        error=error,
        qr_content=qr_content(payment),
        payment_faults=[each for each in faults.of_kind("payment") if each.key in PAYMENT_FAULTS],
        delivery_faults=[
            each for each in faults.of_kind("delivery") if each.key in DELIVERY_FAULTS
        ],
    )


def _page(template: str, payment: Payment, **values: Any) -> str:
    """A page of this request, whose form may lead to the shop's origin (see ``app.py``)."""
    parts, sent = urlsplit(payment.return_url), payment.details["request"]
    g.form_target = f"{parts.scheme}://{parts.netloc}" if payment.return_url else ""
    return render_template(
        f"handcash/{template}",
        payment=payment,
        product=sent["product"],
        sold_out=sent["expirationType"] == "limit" and payment.fault != "close_tab",
        return_url=_return_url(payment),
        merchant=settings().sandbox_merchant_name,
        **values,
    )
