"""The front page: payments, their webhooks, the clock and the faults; and the same for programs."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from pydantic.fields import FieldInfo
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from . import clock, deliveries, faults
from .actions import Action
from .background import commit
from .kit import Provider, provider_of
from .models import Delivery, Payment, control, db
from .settings import Settings, settings

PAGE_SIZE = 25  # payments on one front page
LEDGER_PAGE = 100  # payments in one answer of the ledger

bp = Blueprint("front", __name__)


@bp.before_request
def refuse_foreign_forms() -> None:
    """Another site must not drive the sandbox through a visitor's browser.

    :raise 403: the request changes something and comes from a page of another origin.
    """
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin != settings().sandbox_url:
        abort(403)


@bp.get("/")
def index() -> str:
    """The newest payments; ``?before=<number>`` shows the older ones."""
    before = request.args.get("before", type=int)
    query = (
        select(Payment)
        .options(selectinload(Payment.deliveries).selectinload(Delivery.attempts))
        .order_by(Payment.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        query = query.where(Payment.id < before)
    payments = db.session.scalars(query).all()
    return render_template(
        "front.html",
        payments=payments[:PAGE_SIZE],
        older=payments[PAGE_SIZE - 1].id if len(payments) > PAGE_SIZE else None,
        before=before,
        now=clock.now(),
        control=control(),
        faults=faults,
        providers=current_app.extensions["providers"],
        possible=_possible,
        settings=_shared_settings(),
        settings_of=_settings_of,
    )


@bp.post("/deliveries/<int:delivery_id>/send")
def send_again(delivery_id: int) -> Response:
    """Send a delivery once more.

    :raise 404: there is no such delivery.
    """
    deliveries.send_again(db.get_or_404(Delivery, delivery_id))
    commit()
    return redirect(url_for(".index"), 303)


@bp.post("/control/faults")
def set_faults() -> Any:
    """Faults of what comes next, as form or JSON; what is left out stays as it is.

    ``payment_fault`` and ``delivery_fault`` are preselected for new payments; ``create_fault``
    strikes the next ``create_calls`` API calls that make a payment (1 when left out).

    :raise 400: a fault that does not exist, or no whole number of calls.
    """
    sent, row = _sent(), control()
    try:
        for kind in ("payment", "delivery", "create"):
            if f"{kind}_fault" in sent:
                key = faults.check(kind, str(sent[f"{kind}_fault"]))
                setattr(row, f"{kind}_fault", key)
        if "create_fault" in sent:
            calls = int(sent.get("create_calls", 1))
            row.create_calls = 0 if row.create_fault == "none" else max(calls, 0)
    except (TypeError, ValueError) as error:
        abort(400, str(error))
    return _changed()


@bp.post("/control/clock")
def set_clock() -> Any:
    """The clock, as form or JSON: ``speed`` (0 stops it), and seconds to ``advance`` it by.

    :raise 400: not a number, or out of range.
    """
    sent = _sent()
    try:
        speed = float(sent.get("speed", control().clock_speed))
        advance = float(sent.get("advance", 0))
    except (TypeError, ValueError) as error:
        abort(400, str(error))
    if not (0 <= speed <= 100_000 and 0 <= advance <= 10_000_000):
        abort(400, "speed is 0 to 100000, advance 0 to 10000000 seconds")
    clock.set_speed(speed)
    clock.advance(advance)
    return _changed()


@bp.post("/control/payments/<int:number>")
def act(number: int) -> Any:
    """Do something to a payment at its provider, as form or JSON: the key of an ``action``.

    ``number`` and the actions that are possible stand in the ledger. ``amount``, for an action that
    takes a part, is text in major units such as "5.00"; left out or blank, it is all of it.

    :raise 400: an action or amount that is not possible now.
    :raise 404: there is no such payment.
    """
    payment, sent = db.get_or_404(Payment, number), _sent()
    action = next((each for each in _possible(payment) if each.key == sent.get("action")), None)
    if action is None:
        abort(400, f"{sent.get('action')!r} is not possible with this payment now")
    at_most = action.at_most(payment)
    text = str(sent.get("amount") or "").strip()
    amount = _minor_units(text) if text else at_most
    if not (0 < amount <= at_most and (action.in_part or amount == at_most)):
        abort(400, f"{text} is not possible, but {at_most} minor units are")
    action.do(payment, amount)
    commit()
    return _in_ledger(payment) if request.is_json else redirect(url_for(".index"), 303)


@bp.get("/ledger.json")
def ledger() -> dict[str, Any]:
    """All payments, oldest first; ``?after=<number>`` goes on where ``next`` of an answer stands.

    Amounts are minor units. ``taken`` is all that came in the payment's currency, whatever went
    back since: ``refunded``, or without a refund, ``voided``. ``foreign``: currency -> what is
    there in another. ``dispute``: of all that was taken, "opened", "lost" or "won". ``actions``:
    what ``/control/payments/<number>`` can do. ``told``: whether the shop has taken every webhook,
    and none of them was wrong. ``next`` is null on the last page. ``waiting`` counts what is still
    to come, in all: webhooks to be sent, and payments on which the clock will change something; not
    what is charged again for as long as it runs.
    """
    once = Payment.details["recurs"].as_string().is_(None)
    unsent = Delivery.state.in_(("waiting", "sending"))
    after = request.args.get("after", 0, type=int)
    payments = db.session.scalars(
        select(Payment)
        .options(selectinload(Payment.deliveries).load_only(Delivery.state))
        .where(Payment.id > after)
        .order_by(Payment.id)
        .limit(LEDGER_PAGE + 1)
    ).all()
    page = payments[:LEDGER_PAGE]
    return {
        "payments": [_in_ledger(payment) | {"told": _is_told(payment)} for payment in page],
        "next": page[-1].id if len(payments) > LEDGER_PAGE else None,
        "waiting": _count(Delivery.id, unsent)
        + _count(Payment.id, Payment.timer.is_not(None) & once),
    }


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """200 while the database answers."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ok"}


def _in_ledger(payment: Payment) -> dict[str, Any]:
    return {
        "number": payment.id,
        "provider": payment.provider,
        "id": payment.reference,
        "externalId": payment.external_id,
        "status": payment.status,
        "amount": payment.amount,
        "currency": payment.currency,
        "taken": provider_of(payment).taken(payment),
        "refunded": payment.refunded,
        "voided": payment.details.get("voided", 0),
        "foreign": payment.details.get("foreign", {}),
        "dispute": payment.details.get("dispute"),
        "actions": [each.key for each in _possible(payment)],
    }


def _is_told(payment: Payment) -> bool:
    all_taken = all(each.state == "delivered" for each in payment.deliveries)
    return all_taken and payment.delivery_fault not in faults.LIES


def _possible(payment: Payment) -> list[Action]:
    """What can be done to a payment at its provider now."""
    return [each for each in provider_of(payment).actions if each.at_most(payment) > 0]


def _minor_units(text: str) -> int:
    """ "5.00" is 500; -1 for what is no amount."""
    if not re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,2})?", text):
        return -1
    return int(Decimal(text).scaleb(2))


def _count(column: Any, which: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count(column)).where(which)) or 0


def _sent() -> dict[str, Any]:
    sent = request.get_json() if request.is_json else request.form.to_dict()
    return sent if isinstance(sent, dict) else abort(400, "not a JSON object")


def _changed() -> Any:
    """Commit; a program is told what now applies, a person sees the front page."""
    commit()
    if not request.is_json:
        return redirect(url_for(".index"), 303)
    row = control()
    return {
        "payment_fault": row.payment_fault,
        "delivery_fault": row.delivery_fault,
        "create_fault": row.create_fault,
        "create_calls": row.create_calls,
        "speed": row.clock_speed,
        "now": clock.now(),
    }


def _shared_settings() -> list[tuple[str, str, str]]:
    return _shown(Settings.model_fields)


def _settings_of(provider: Provider[Any]) -> list[tuple[str, str, str]]:
    """Those that only this provider has."""
    own = provider.settings_type.model_fields
    return _shown({name: own[name] for name in own if name not in Settings.model_fields})


def _shown(fields: Mapping[str, FieldInfo]) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each setting; secrets are masked by their type."""
    now = settings()
    return [
        (name.upper(), str(getattr(now, name)), field.description or "")
        for name, field in fields.items()
    ]
