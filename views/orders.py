"""The order: waiting for the payment, thank-you, paying again, the receipt.

An order is reached by its unguessable id; a missing one is answered 404.
"""

from collections.abc import Sequence

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Row, or_, select
from wtforms import StringField
from wtforms.validators import DataRequired

import jobs
import payments
from addresses.emails import customer_key
from config import origin
from database import db
from models import Customer, Order, OrderLine, Payment, Product
from providers.contract import ProviderError

from .cart import take_out
from .checkout import leave_to_pay, pay_with_credit
from .choices import Choice, choices
from .order_status import View, choice_of, describe, label_of, state_of
from .polling import next_poll, still_true

bp = Blueprint("orders", __name__)


@bp.get("/orders/<order_id>")
def show(order_id: str) -> str:
    order, payment = _find(order_id)
    if order.status != "open":
        take_out(order.id)
    if payment and payment.next_action and payment.next_action.get("qr_image"):
        g.csp_images = origin(payment.next_action["qr_image"])
    return _page(order, payment)


@bp.get("/orders/<order_id>/pay")
def pay_here(order_id: str) -> ResponseReturnValue:
    """Our page that hands over to the provider: a form to post, or its drop-in."""
    order, payment = _find(order_id)
    next_action = payment.next_action if payment else None
    if payment is None or next_action is None or next_action["kind"] not in ("form", "embed"):
        return redirect(url_for("orders.show", order_id=order_id), code=303)
    if state_of(order, payment) != "waiting" or payment.returned_at:
        return redirect(url_for("orders.show", order_id=order_id), code=303)
    if next_action["kind"] == "embed":
        # Only this page may run the provider's script, and only from that host.
        g.csp_scripts = origin(next_action["script"])
    return render_template(
        "orders/pay_here.html",
        order=order,
        payment=payment,
        next_action=next_action,
        provider_label=label_of(payment),
    )


@bp.get("/orders/<order_id>/status")
def status(order_id: str) -> ResponseReturnValue:
    """The part of the page that polls; 204 while what the page shows is true, after one read.

    ``opened``: when the page was. ``was``: the state that it shows. ``seen``: its mark.
    """
    if "seen" in request.args and still_true(order_id):
        return "", 204
    order, payment = _find(order_id)
    if order.status != "open":
        take_out(order.id)
    view = describe(order, payment)
    announce = view.state != request.args.get("was", "waiting")
    return render_template(
        "orders/_payment.html", is_poll=True, announce=announce, **_context(order, payment, view)
    )


@bp.get("/orders/<order_id>/return/<provider>")
def return_from_provider(order_id: str, provider: str) -> ResponseReturnValue:
    """The shopper is back: ask the provider soon. Proves nothing unless the return is signed."""
    if provider not in payments.providers():
        abort(404)
    _find(order_id)
    payment_id = payments.record_return(order_id, provider, request.args)
    if payment_id:
        jobs.wake_check(payment_id, payments.CHECK_AFTER_RETURN.total_seconds())
    jobs.wake_fulfilment()  # a signed return may just have paid the order
    return redirect(url_for("orders.show", order_id=order_id), code=303)


@bp.post("/orders/<order_id>/payments")
def pay(order_id: str) -> ResponseReturnValue:
    """Another attempt for the same order, with the same provider or another."""
    order, payment = _find(order_id)
    provider = request.form.get("provider", "")
    if order.status == "open" and not order.to_pay:
        return _pay_with_credit(order)
    if provider not in [each.value for each in _choices(order) if each.available]:
        return _page(order, payment, problem="Please choose how to pay."), 422
    try:
        return leave_to_pay(order_id, provider)
    except payments.CreditGone as error:
        order, payment = _find(order_id)
        return _page(order, payment, problem=str(error)), 409
    except ProviderError as error:
        order, payment = _find(order_id)
        return _page(order, payment, problem=error.shopper), 502


def _pay_with_credit(order: Order) -> ResponseReturnValue:
    try:
        return pay_with_credit(order.id)
    except payments.CreditGone as error:
        order, payment = _find(order.id)
        return _page(order, payment, problem=str(error)), 409


@bp.post("/orders/<order_id>/cancel-subscription")
def cancel_subscription(order_id: str) -> ResponseReturnValue:
    """End the subscription that this order belongs to, at once; a second press changes nothing."""
    order, _ = _find(order_id)
    payments.cancel_subscription(order.subscription_id or abort(404))
    jobs.wake_fulfilment()
    url = url_for("orders.show", order_id=order_id, _anchor="subscription")
    return redirect(url, code=303)


class FindForm(FlaskForm):  # type: ignore[misc]
    """What a shopper knows who has lost the address of the order's page."""

    number = StringField(
        "Order number",
        [DataRequired("Please give the order’s number; it stands in the receipt.")],
        filters=[lambda typed: (typed or "").strip().upper()],
    )
    email = StringField(
        "E-mail",
        [DataRequired("Please give the e-mail address of the order.")],
        filters=[lambda typed: (typed or "").strip()],
    )


@bp.route("/orders/find", methods=["GET", "POST"])
def find() -> ResponseReturnValue:
    """Find the order by number and e-mail; every wrong pair gets the same answer."""
    form, problem, status = FindForm(), None, 200
    if request.method == "POST":
        status = 422
        if form.validate():
            mine = (
                Order.number == form.number.data,
                Customer.email == customer_key(form.email.data),
            )
            order_id = db.session.scalar(select(Order.id).join(Customer).where(*mine))
            if order_id:
                return redirect(url_for("orders.show", order_id=order_id), code=303)
            problem, status = "There is no order with this number and this e-mail address.", 404
    return render_template("orders/find.html", form=form, problem=problem), status


@bp.get("/orders/<order_id>/receipt")
def receipt(order_id: str) -> str:
    """The receipt as a page to print.

    :raise 404: no such order, or it is not paid.
    """
    order, payment = _find(order_id)
    return paper(order, payment, url_for("orders.show", order_id=order_id))


def paper(order: Order, payment: Payment | None, back: str) -> str:
    """The receipt; ``back``: the address of the page that leads here.

    :raise 404: the order is not paid.
    """
    if order.status != "paid":
        abort(404)
    return render_template(
        "orders/receipt.html",
        order=order,
        back=back,
        provider_label=label_of(payment),
        refunded=payment.refunded if payment else 0,
    )


def _find(order_id: str) -> tuple[Order, Payment | None]:
    """The order, and the payment to show: the one that paid it, else the one in use.

    :raise 404: no such order.
    """
    query = (
        select(Order, Payment)
        .outerjoin(Payment, Payment.order_id == Order.id)
        .where(Order.id == order_id)
        .where(or_(Order.paid_by.is_(None), Payment.id == Order.paid_by))
        .order_by(Payment.abandoned, Payment.attempt.desc())
        .limit(1)
    )
    order, payment = db.session.execute(query).one_or_none() or abort(404)
    return order, payment


def _page(order: Order, payment: Payment | None, problem: str | None = None) -> str:
    context = _context(order, payment, describe(order, payment))
    return render_template("orders/show.html", problem=problem, **context)


def _context(order: Order, payment: Payment | None, view: View) -> dict[str, object]:
    return {
        "order": order,
        "view": view,
        "poll": None if view.is_final else next_poll(order, payment),
        "bought": _bought(order) if view.state == "paid" else [],
        "providers": _choices(order) if view.can_retry or view.can_change else [],
        "chosen": choice_of(payment) if payment else None,
    }


def _choices(order: Order) -> list[Choice]:
    """The ways to pay it; a month that was missed is paid once, like any order."""
    return choices(order.currency, again=order.begins_subscription)


def _bought(order: Order) -> Sequence[Row[str, str]]:
    """Name and picture of each product of the order, as the order lists them."""
    lines = select(OrderLine.name, Product.picture).join(OrderLine.product)
    return db.session.execute(
        lines.where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    ).all()
