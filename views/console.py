"""The console of the shop's staff: orders, refunds, jobs, mail, webhook deliveries."""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response as AnyResponse

import jobs
import payments
from config import CREDIT_CODE
from database import db
from models import (
    Delivery,
    Mail,
    Order,
    OutboxTask,
    Payment,
    Refund,
    Subscription,
    payment_reference,
)
from ops.clients import is_own_machine
from providers import money
from providers.optional import Subscribes
from providers.text import printable

bp = Blueprint("console", __name__, url_prefix="/console")

PAGE = 50
REFUND_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
HIGHEST_ID = 2**31 - 1


@bp.before_request
def guard() -> Response | None:
    """Sandbox: this machine only. Elsewhere: by password, and 404 while none is set."""
    settings = payments.settings()
    if settings.environment == "sandbox":
        return None if is_own_machine(request) else abort(403)
    if not settings.console_password or not settings.console_password.get_secret_value():
        abort(404)
    expected = settings.console_password.get_secret_value().encode()
    given = request.authorization
    if given and given.type == "basic" and given.username == "console":
        password = (given.password or "").encode()
        if hmac.compare_digest(password, expected):
            return None
    return Response(
        "Sign in as “console” with the CONSOLE_PASSWORD of this shop.",
        401,
        {"WWW-Authenticate": 'Basic realm="console", charset="UTF-8"'},
    )


@bp.get("")
def orders() -> str:
    query = select(Order).options(selectinload(Order.payments))
    before = request.args.get("before", "")
    if before:
        # By the key of the last row, not by offset: page 1,000 costs what page 1 does.
        last = db.session.get(Order, before) or abort(404)
        query = query.where(tuple_(Order.created_at, Order.id) < (last.created_at, last.id))
    found = _page(query.order_by(Order.created_at.desc(), Order.id.desc()))
    older = url_for("console.orders", before=found[-1].id) if len(found) == PAGE else None
    warnings = [
        sentence
        for each in payments.providers().values()
        if hasattr(each.module, "warnings")
        for sentence in each.module.warnings(each.account)
    ]
    names = [
        name for name, each in payments.providers().items() if isinstance(each.module, Subscribes)
    ]
    parked = (Delivery.provider.in_(names), Delivery.verdict == "parked")  # by an index
    unknown = Delivery.reason == payments.NO_SUBSCRIPTION
    if db.session.scalar(select(Delivery.id).where(*parked, unknown).limit(1)):
        warnings.append("A subscription that this shop does not know was charged: see Webhooks.")
    late = jobs.late_for()
    if late:
        minutes = late // timedelta(minutes=1)
        sentence = f"No worker has taken work for {minutes} minutes: is “flask worker” running?"
        warnings.insert(0, sentence)
    return render_template("console/orders.html", orders=found, older=older, warnings=warnings)


@bp.get("/orders/<order_id>")
def order(order_id: str, problem: str | None = None) -> str:
    found = db.session.get(Order, order_id) or abort(404)
    deliveries = db.session.scalars(
        select(Delivery)
        .join(Payment, Payment.id == Delivery.payment_id)
        .where(Payment.order_id == order_id)
        .order_by(Delivery.id)
    ).all()
    mine = select(Refund).join(Payment).where(Payment.order_id == order_id)
    return render_template(
        "console/order.html",
        order=found,
        card=payments.card_of(order_id) if found.credit else None,
        deliveries=deliveries,
        refundable=[_refundable(each) for each in found.payments if each.received > each.refunded],
        refunds=db.session.scalars(mine.order_by(Refund.created_at)).all(),
        problem=problem,
    )


@dataclass(frozen=True)
class Refundable:
    """A payment in the refund form. ``sentence`` says why it cannot be refunded here."""

    payment_id: str
    refund_id: str  # made with the form: a second press asks for the same refund
    label: str
    currency: str
    left: int  # minor units
    left_typed: str
    whole_only: bool
    sentence: str


def _refundable(payment: Payment) -> Refundable:
    configured = payments.providers().get(payment.provider)
    capabilities = configured.capabilities if configured else None
    label = capabilities.label if capabilities else payment.provider
    left = payments.left_to_refund(payment)
    sentence = ""
    if payment.is_periodic:
        sentence = "a subscription’s charge is refunded there, on the dashboard."
    elif capabilities is None or not capabilities.refunds:
        sentence = "makes no refunds; send the money back another way."
    elif payment.dispute not in (None, "won"):
        sentence = "its money is in doubt, gone or disputed: nothing can be refunded now."
    elif not left:
        sentence = "all of it has been refunded, or is on its way."
    return Refundable(
        payment.id,
        payment_reference(),
        label,
        payment.currency,
        left,
        str(money.to_major(left, payment.currency)),
        bool(capabilities and capabilities.refunds == "full"),
        sentence,
    )


@bp.post("/orders/<order_id>/refunds")
def refund(order_id: str) -> ResponseReturnValue:
    """Refund some or all of one payment; a second press of the same form changes nothing."""
    payment = db.session.get(Payment, request.form.get("payment", "")) or abort(404)
    refund_id = request.form.get("refund", "")
    if payment.order_id != order_id or not REFUND_ID.fullmatch(refund_id):
        abort(404)
    reason = printable(request.form.get("reason", "").strip() or "no reason given", 200)
    try:
        amount = money.to_minor(request.form.get("amount", "").strip(), payment.currency)
        if not amount:
            raise money.NotMoney("zero")
        payments.refund(payment.id, refund_id, amount, reason)
    except money.NotMoney:
        return order(order_id, "Please type the amount like 12.50."), 422
    except payments.CannotRefund as error:
        return order(order_id, str(error)), 422
    jobs.wake_fulfilment()
    return redirect(url_for("console.order", order_id=order_id) + "#refund", code=303)


@bp.post("/orders/<order_id>/refund-credit")
def refund_credit(order_id: str) -> ResponseReturnValue:
    """Put what a gift card paid back on it, where it paid all of the order."""
    _ = db.session.get(Order, order_id) or abort(404)
    try:
        payments.refund_credit(order_id)
    except payments.CannotRefund as error:
        return order(order_id, str(error)), 422
    return redirect(url_for("console.order", order_id=order_id) + "#refund-credit", code=303)


@bp.post("/orders/<order_id>/release")
def release(order_id: str) -> ResponseReturnValue:
    """Fulfil a held order, after a person has checked it."""
    _ = db.session.get(Order, order_id) or abort(404)
    try:
        payments.release_order(order_id)
    except payments.CannotRelease as problem:
        return order(order_id, str(problem)), 422
    jobs.wake_fulfilment()
    return redirect(url_for("console.order", order_id=order_id), code=303)


STATUSES = ("created", "active", "past_due", "cancelled")


@bp.get("/subscriptions")
def subscriptions() -> str:
    """All subscriptions, or those with one ``status``, newest first."""
    chosen = request.args.get("status", "")
    query = select(Subscription).options(joinedload(Subscription.first_order))
    if chosen in STATUSES:
        query = query.where(Subscription.status == chosen)
    before = request.args.get("before", "")
    key = tuple_(Subscription.created_at, Subscription.order_id)
    if before:
        last = db.session.get(Subscription, before) or abort(404)
        query = query.where(key < (last.created_at, last.order_id))
    found = _page(query.order_by(Subscription.created_at.desc(), Subscription.order_id.desc()))
    more = {"before": found[-1].order_id, "status": chosen} if len(found) == PAGE else None
    return render_template(
        "console/subscriptions.html",
        subscriptions=found,
        statuses=("", *STATUSES),
        chosen=chosen,
        older=url_for("console.subscriptions", **more) if more else None,
    )


@bp.post("/subscriptions/<order_id>/cancel")
def cancel_subscription(order_id: str) -> AnyResponse:
    """End it at once, without money back; a second press changes nothing."""
    _ = db.session.get(Subscription, order_id) or abort(404)
    payments.cancel_subscription(order_id)
    jobs.wake_fulfilment()
    return redirect(url_for("console.subscriptions"), code=303)


@bp.get("/jobs")
def work() -> str:
    parked = jobs.parked_tasks(PAGE)
    return render_template("console/jobs.html", backlog=jobs.backlog(), parked=parked)


@bp.post("/tasks/<int:task_id>/retry")
def retry(task_id: int) -> AnyResponse:
    """Retry a parked task; a second press changes nothing."""
    task = db.session.get(OutboxTask, task_id) or abort(404)
    order_id = task.order_id
    jobs.retry_parked(task_id)
    if request.form.get("back") == "jobs":
        return redirect(url_for("console.work"), code=303)
    return redirect(url_for("console.order", order_id=order_id, _anchor="work"), code=303)


@bp.get("/mail")
def mail() -> str:
    found = _page(_before(select(Mail), Mail.id))
    older = url_for("console.mail", before=found[-1].id) if len(found) == PAGE else None
    return render_template("console/mail.html", mails=found, older=older)


@bp.get(f"/mail/<int(max={HIGHEST_ID}):mail_id>")
def mail_show(mail_id: int) -> str:
    found = db.session.get(Mail, mail_id) or abort(404)
    letter = CREDIT_CODE.sub(r"…\1", found.text)
    return render_template("console/mail_show.html", mail=found, letter=letter)


@bp.get("/webhooks")
def webhooks() -> str:
    found = _page(_before(select(Delivery), Delivery.id))
    older = url_for("console.webhooks", before=found[-1].id) if len(found) == PAGE else None
    return render_template("console/webhooks.html", deliveries=found, older=older)


def _before(query: Select[Any], key: Any) -> Select[Any]:
    """Newest first, from the key with which the page before ended."""
    before = request.args.get("before", HIGHEST_ID, type=int)
    return query.where(key < min(max(before, 0), HIGHEST_ID)).order_by(key.desc())


def _page(query: Select[Any]) -> list[Any]:
    return list(db.session.scalars(query.limit(PAGE)))
