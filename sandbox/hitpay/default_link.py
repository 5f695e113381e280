"""HitPay's default link: the account's own page, on which a shopper says how much she pays.

It is what the drop-in is begun with (hit-pay/hitpay-js-example): without a payment request the
drop-in opens this page, and each payment made on it gets a request of its own.
"""

from collections.abc import Mapping
from typing import Any

from flask import g, redirect, render_template, request, url_for

from ..kit import Answer, Refused, commit, origin, settings
from . import fields, make, provider
from .shapes import MERCHANT

link = provider.blueprint("link", f"/payment-request/@{MERCHANT}")


@link.get("")
def show_link() -> Answer:
    """The form; ``amount`` fills it in, ``currency`` is the account's first unless named."""
    return _form(request.args, {})


@link.post("")
def begin() -> Answer:
    """Make a payment request of that amount, and go to its page."""
    sent = {"currency": fields.CURRENCIES[0], **request.form.to_dict()}
    try:
        wanted = fields.read({name: sent.get(name) for name in ("amount", "currency")})
    except Refused as refused:
        return _form(sent, refused.more["errors"]), 422
    payment = make(wanted)
    commit()
    kept: dict[str, Any] = {
        name: request.args[name] for name in ("drop_in", "method") if name in request.args
    }
    page = url_for("hitpay_page.show_page", reference=payment.reference, **kept)
    return redirect(page, 303)


def _form(values: Mapping[str, str], errors: Mapping[str, list[str]]) -> str:
    if "drop_in" in request.args:
        g.framed_by = origin(provider.settings.base_url)
    return render_template(
        "hitpay/link.html",
        merchant=settings().sandbox_merchant_name,
        currency=values.get("currency", fields.CURRENCIES[0]),
        values=values,
        errors={name: sentences[0] for name, sentences in errors.items()},
        action=request.full_path.rstrip("?"),
    )
