"""The till: an amount that the shop's people type, a code that the shopper scans, then "Paid".

A sale is an order like any other, of one line without a product: webhooks, refunds, expiry, second
payments and money that does not fit are handled where they are for every order.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from wtforms import StringField
from wtforms.validators import Length, Optional, ValidationError

import jobs
import payments
from addresses import emails
from config import origin
from database import db, now, transaction
from fulfilment import write_receipt
from models import Mail, Order, OrderLine, Payment, random_id
from providers import money
from providers.contract import ProviderError

from .checkout import ONE_LINE, find_or_add_customer
from .choices import Choice, ways
from .console import PAGE, guard
from .order_status import choice_of
from .orders import paper
from .polling import next_poll, still_true
from .shop import CURRENCIES, current_currency
from .till_status import View, describe

bp = Blueprint("till", __name__, url_prefix="/console/till")
bp.before_request(guard)

MOST = 10**8  # minor units; more than that is a slip of the finger
NO_NOTE = "Sale at the till"
NO_LETTER = (
    "Some of the money was refunded or is disputed, so no receipt is sent. The one to print says "
    "what was refunded."
)
FORM_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)  # see models.random_id


def amount_of(typed: str, currency: str) -> int:
    """What a person typed, in minor units.

    :raise ValidationError: with a sentence for beside the field.
    """
    example = money.to_major(12 * 10 ** money.digits(currency) + 50, currency)
    try:
        amount = money.read_typed(typed, currency)
    except money.NotMoney:
        raise ValidationError(f"Please type an amount in {currency} like {example}.") from None
    if not amount:
        raise ValidationError("Please type an amount above zero.")
    if amount > MOST:
        raise ValidationError(f"The till takes up to {money.show(MOST, currency)} at once.")
    return amount


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Where the receipt goes, where one is wanted by e-mail."""

    email = StringField("E-mail for the receipt", [Optional(), Length(max=254)])

    def validate_email(self, field: StringField) -> None:
        """:raise ValidationError: undeliverable."""
        try:
            field.data = emails.deliverable(field.data)
        except emails.Undeliverable as error:
            raise ValidationError(str(error)) from None


class SaleForm(AddressForm):
    """What is sold: an amount and a note."""

    amount = StringField("Amount")
    note = StringField("Note", [Optional(), Length(max=100), ONE_LINE])
    minor = 0  # the amount in minor units, once it was read

    def validate_amount(self, field: StringField) -> None:
        """:raise ValidationError: no amount that can be sold."""
        self.minor = amount_of(field.data or "", request.form["currency"])


@bp.get("")
def show() -> str:
    currency = request.args.get("currency", "")
    return _form_page(SaleForm(), currency if currency in CURRENCIES else current_currency())


@bp.post("")
def sell() -> ResponseReturnValue:
    """Make the sale once, however often the button is pressed, and show its code."""
    currency, key = request.form.get("currency", ""), request.form.get("key", "")
    if currency not in CURRENCIES or not FORM_KEY.fullmatch(key):
        abort(400)
    form, way = SaleForm(), request.form.get("way", "")
    if not form.validate():
        return _form_page(form, currency, key), 422
    if way not in [each.value for each in _ways(currency)]:
        return _form_page(form, currency, key, "Please choose how it is paid."), 422
    return _ask_for_code(_place(form, currency, key), way)


def _place(form: SaleForm, currency: str, key: str) -> str:
    """The sale of this form: a new one, or the one that an earlier press made."""
    note = (form.note.data or "").strip() or NO_NOTE
    facts = f"till.{key}.{currency}.{form.minor}.{note}"
    cart_key = hashlib.sha256(facts.encode()).hexdigest()[:40]
    known = select(Order.id).where(Order.cart_key == cart_key)
    line = OrderLine(name=note, fulfilment="till", unit_price=form.minor, quantity=1)
    try:
        with transaction() as session:
            order_id = session.scalar(known)
            if order_id is None:
                order = Order(
                    cart_key=cart_key,
                    at_till=True,
                    customer_id=_customer_id(form.email.data),
                    name="",
                    email=form.email.data or "",
                    status="open",
                    currency=currency,
                    total=form.minor,
                    lines=[line],
                )
                session.add(order)
                session.flush()
                order_id = order.id
            return order_id
    except IntegrityError:  # a concurrent press inserted it first
        order_id = db.session.scalar(known)
        if order_id is None:
            raise
        return order_id


def _customer_id(email: str | None) -> str | None:
    return find_or_add_customer(email) if email else None


def _ask_for_code(order_id: str, way: str) -> ResponseReturnValue:
    """Have the provider make its page or code, and show it; 502 when it does not."""
    provider, _, method = way.partition("/")
    problem = None
    try:
        payments.start(order_id, provider, method)
    except payments.OrderClosed:
        pass  # it is paid, or held: its page says so
    except ProviderError as error:
        problem = error.shopper
    jobs.wake_fulfilment()  # news that came before the page may have paid it
    jobs.wake_checks(order_id)
    if problem:
        return _sale_page(*_find(order_id), problem=problem), 502
    return redirect(url_for("till.sale", order_id=order_id), code=303)


@bp.get("/sales/<order_id>")
def sale(order_id: str) -> str:
    return _sale_page(*_find(order_id))


@bp.get("/sales/<order_id>/status")
def status(order_id: str) -> ResponseReturnValue:
    """The part of the page that polls, as on the shopper's page; see ``orders.status``."""
    if "seen" in request.args and still_true(order_id):
        return "", 204
    order, payment = _find(order_id)
    view = describe(order, payment)
    announce = view.state != request.args.get("was", "")
    context = _context(order, payment, view, None)
    return render_template("till/_sale.html", is_poll=True, announce=announce, **context)


@bp.post("/sales/<order_id>/payments")
def pay(order_id: str) -> ResponseReturnValue:
    """Another code for the same sale: another way to pay, or a new one of the same way."""
    order, payment = _find(order_id)
    way = request.form.get("way", "")
    if way not in [each.value for each in _ways(order.currency)]:
        return _sale_page(order, payment, problem="Please choose how it is paid."), 422
    return _ask_for_code(order_id, way)


@bp.post("/sales/<order_id>/cancel")
def cancel(order_id: str) -> ResponseReturnValue:
    """Close the provider's page where that can be done. What is paid all the same is shown."""
    _find(order_id)
    payments.close_other_payments(order_id)
    jobs.wake_checks(order_id)
    return redirect(url_for("till.sale", order_id=order_id), code=303)


@bp.post("/sales/<order_id>/letter")
def letter(order_id: str) -> ResponseReturnValue:
    """Send the receipt to this address: once it is paid, and again when asked again.

    409 when some of the money went back: the letter would say more than what is here.
    """
    order, payment = _find(order_id)
    form = AddressForm()
    if not form.validate() or not form.email.data:
        form.email.errors = form.email.errors or ["Please type an e-mail address."]
        return _sale_page(order, payment, form=form), 422
    with transaction() as session:
        # It locks the payment, so it comes before the order, as when news comes.
        is_here = payments.money_is_here(session.get_one(Order, order_id))
        order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
        order.email, order.customer_id = form.email.data, _customer_id(form.email.data)
        session.flush()
        if is_here and any(task.kind == "receipt" and task.done_at for task in order.tasks):
            write_receipt(session, order)
    if not is_here:
        return _sale_page(*_find(order_id), problem=NO_LETTER), 409
    jobs.wake_fulfilment()
    return redirect(url_for("till.sale", order_id=order_id, _anchor="letter"), code=303)


@bp.get("/sales/<order_id>/receipt")
def receipt(order_id: str) -> str:
    """The receipt to print.

    :raise 404: no such sale, or it is not paid.
    """
    order, payment = _find(order_id)
    return paper(order, payment, url_for("till.sale", order_id=order_id))


@bp.get("/sales")
def day() -> str:
    """The sales that were begun on one day, in UTC as everywhere in the console; newest first."""
    try:
        chosen = date.fromisoformat(request.args["day"]) if "day" in request.args else now().date()
        start = datetime.combine(chosen, time(), UTC)
        end = start + timedelta(days=1)
        before_that = chosen - timedelta(days=1)
    except (ValueError, OverflowError):
        abort(404)
    of_day = (Order.at_till, Order.created_at >= start, Order.created_at < end)
    query = _sales().where(*of_day)
    before = request.args.get("before", "")
    if before:
        last = db.session.get(Order, before) or abort(404)
        query = query.where(tuple_(Order.created_at, Order.id) < (last.created_at, last.id))
    found = db.session.execute(
        query.order_by(Order.created_at.desc(), Order.id.desc()).limit(PAGE)
    ).all()
    older = None
    if len(found) == PAGE:
        older = url_for("till.day", day=chosen.isoformat(), before=found[-1][0].id)
    return render_template(
        "till/day.html",
        day=chosen,
        is_today=chosen >= now().date(),
        earlier=before_that,
        later=end.date(),
        sales=[(order, describe(order, payment)) for order, payment in found],
        sums=_sums(*of_day),
        older=older,
    )


def _sums(*of_day: object) -> Sequence[Row[str, int, int, int]]:
    """Of each currency: how many sales were paid, what came, and what of it was refunded."""
    query = (
        select(
            Order.currency,
            func.count(),
            func.sum(Payment.received),
            func.sum(Payment.refunded),
        )
        .join(Payment, Payment.id == Order.paid_by)
        .where(*of_day, Order.status == "paid")  # type: ignore[arg-type]
    )
    return db.session.execute(query.group_by(Order.currency).order_by(Order.currency)).all()


def _sales() -> Select[Order, Payment]:
    """Each sale with the payment to show: the one that paid it, else the one in use."""
    attempt = aliased(Payment)
    in_use = (
        select(attempt.id)
        .where(attempt.order_id == Order.id)
        .order_by(attempt.abandoned, attempt.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    shown = Payment.id == func.coalesce(Order.paid_by, in_use)
    return select(Order, Payment).outerjoin(Payment, shown).where(Order.at_till)


def _find(order_id: str) -> tuple[Order, Payment | None]:
    """:raise 404: no such order, or it was not sold here."""
    found = db.session.execute(_sales().where(Order.id == order_id)).one_or_none() or abort(404)
    return found[0], found[1]


def _ways(currency: str) -> list[Choice]:
    return [each for each in ways(currency) if each.available]


def _form_page(
    form: SaleForm, currency: str, key: str | None = None, problem: str | None = None
) -> str:
    return render_template(
        "till/show.html",
        form=form,
        selling_in=currency,
        key=key or random_id(),
        ways=_ways(currency),
        problem=problem,
    )


def _sale_page(
    order: Order, payment: Payment | None, problem: str | None = None, form: Any = None
) -> str:
    view = describe(order, payment)
    if view.qr_image:
        g.csp_images = origin(view.qr_image)
    return render_template(
        "till/sale.html", problem=problem, **_context(order, payment, view, form)
    )


def _context(order: Order, payment: Payment | None, view: View, form: Any) -> dict[str, Any]:
    letters = select(Mail).where(Mail.order_id == order.id).order_by(Mail.id)
    return {
        "order": order,
        "view": view,
        "poll": None if view.is_final else next_poll(order, payment),
        "form": form or AddressForm(formdata=None),
        "ways": _ways(order.currency) if order.status == "open" else [],
        "chosen": choice_of(payment) if payment else "",
        "letters": db.session.scalars(letters).all() if view.state == "paid" else [],
    }
