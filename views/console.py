"""A plain console for the shop's people: orders, mail, webhook deliveries."""

import hmac
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for
from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import selectinload

import payments
from models import Delivery, Mail, Order, Payment, db

bp = Blueprint("console", __name__, url_prefix="/console")

PAGE = 50
LOOPBACK = ("127.0.0.1", "::1")
HIGHEST_ID = 2**31 - 1


@bp.before_request
def guard() -> Response | None:
    """In the sandbox for this machine only; elsewhere by password, and closed without one."""
    settings = payments.settings()
    if settings.environment == "sandbox":
        # Behind a proxy that TRUSTED_PROXIES does not count, everybody seems to be here.
        forwarded = "X-Forwarded-For" in request.headers and not settings.trusted_proxies
        return None if request.remote_addr in LOOPBACK and not forwarded else abort(403)
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


@bp.after_request
def keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("")
def orders() -> str:
    query = select(Order).options(selectinload(Order.payments))
    before = request.args.get("before", "")
    if before:
        # The key of the last row shown: as fast on page 1,000 as on page 1.
        last = db.session.get(Order, before) or abort(404)
        query = query.where(tuple_(Order.created_at, Order.id) < (last.created_at, last.id))
    found = _page(query.order_by(Order.created_at.desc(), Order.id.desc()))
    older = url_for("console.orders", before=found[-1].id) if len(found) == PAGE else None
    return render_template("console/orders.html", orders=found, older=older)


@bp.get("/orders/<order_id>")
def order(order_id: str) -> str:
    found = db.session.get(Order, order_id) or abort(404)
    deliveries = db.session.scalars(
        select(Delivery)
        .join(Payment, Payment.id == Delivery.payment_id)
        .where(Payment.order_id == order_id)
        .order_by(Delivery.id)
    ).all()
    return render_template("console/order.html", order=found, deliveries=deliveries)


@bp.get("/mail")
def mail() -> str:
    found = _page(_before(select(Mail), Mail.id))
    older = url_for("console.mail", before=found[-1].id) if len(found) == PAGE else None
    return render_template("console/mail.html", mails=found, older=older)


@bp.get(f"/mail/<int(max={HIGHEST_ID}):mail_id>")
def mail_show(mail_id: int) -> str:
    found = db.session.get(Mail, mail_id) or abort(404)
    return render_template("console/mail_show.html", mail=found)


@bp.get("/webhooks")
def webhooks() -> str:
    found = _page(_before(select(Delivery), Delivery.id))
    older = url_for("console.webhooks", before=found[-1].id) if len(found) == PAGE else None
    return render_template("console/webhooks.html", deliveries=found, older=older)


def _before(query: Select[Any], key: Any) -> Select[Any]:
    """Newest first, from the key that the last page ended with."""
    before = request.args.get("before", HIGHEST_ID, type=int)
    return query.where(key < min(max(before, 0), HIGHEST_ID)).order_by(key.desc())


def _page(query: Select[Any]) -> list[Any]:
    return list(db.session.scalars(query.limit(PAGE)))
