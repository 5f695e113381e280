"""What a merchant decides at WiPay, and what a card's holder reads on the bank statement.

Neither page is documented: a person at WiPay decides on refunds, and a bank writes the statement.
"""

from flask import abort, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from .. import clock
from ..front import refuse_foreign_forms
from ..kit import commit, major
from ..models import Payment, db
from . import provider
from .cards import Card, amounts
from .refunds import decide_refund

NEWEST = 25  # transactions, and cards, on the page

merchant = provider.blueprint("merchant", "/merchant", login=refuse_foreign_forms)


@merchant.get("")
def show_dashboard() -> str:
    """Refund requests, and what was debited to check each saved card."""
    refunds = db.session.scalars(
        select(Payment)
        .where(
            Payment.provider == provider.name, Payment.details["refund"].as_string().is_not(None)
        )
        .order_by(Payment.id.desc())
        .limit(NEWEST)
    ).all()
    cards = db.session.scalars(
        select(Card).options(joinedload(Card.debit)).order_by(Card.payment_id.desc()).limit(NEWEST)
    ).all()
    return render_template(
        "wipay/merchant.html",
        refunds=refunds,
        cards=[(card, *map(major, amounts(card))) for card in cards],
        now=clock.now(),
    )


@merchant.post("/refunds/<int:payment_id>")
def decide(payment_id: int) -> Response:
    """``verdict``: ``grant`` or ``reject``, with a ``reason``; one decided already stays so.

    :raise 404: no such transaction.
    """
    payment = db.get_or_404(Payment, payment_id)
    if payment.provider != provider.name or request.form.get("verdict") not in ("grant", "reject"):
        abort(404)
    if payment.details.get("refund") == "requested":
        granted = request.form["verdict"] == "grant"
        decide_refund(payment, granted, request.form.get("reason", "").strip()[:200])
        commit()
    return redirect(url_for(".show_dashboard"), 303)
