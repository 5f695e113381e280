"""HitPay's charges and account, as its own clients ask for them (openapi.json)."""

import base64
from typing import Any

from flask import request
from sqlalchemy import func, select, tuple_

from ..kit import settings
from ..models import Delivery, Payment, db
from . import api, fields, provider
from .refunds import charge_called
from .shapes import charge_shown

MOST = 100  # on a page
FILTERS = ("payment_request_id", "status")


@api.get("/charges")
def list_charges() -> dict[str, Any]:
    """The newest first, declined ones included: ``per_page`` (10), ``cursor``, and filters.

    A cursor is the place of the last charge of the page before. Errors: 401, 422.
    """
    size = min(max(request.args.get("per_page", 10, type=int), 1), MOST)
    entries = func.json_each(Payment.details, "$.payments").table_valued("key", "value")
    status = func.json_extract(entries.c.value, "$.status")
    place = (Payment.id, entries.c.key)
    query = select(*place).join(entries, Payment.id > 0).where(Payment.provider == provider.name)
    if wanted := request.args.get("payment_request_id"):
        query = query.where(Payment.reference == wanted)
    if wanted := request.args.get("status"):
        query = query.where(status == wanted)
    if cursor := request.args.get("cursor"):
        query = query.where(tuple_(*place) < tuple_(*_place(cursor)))
    query = query.order_by(*(each.desc() for each in place)).limit(size + 1)
    found = [tuple(each) for each in db.session.execute(query)]
    after = _cursor(*found[size - 1]) if len(found) > size else None
    path = f"{settings().sandbox_url}{request.path}"
    return {
        "data": [_shown(*each) for each in found[:size]],
        "links": {
            **dict.fromkeys(("first", "last", "prev")),
            "next": f"{path}?cursor={after}" if after else None,
        },
        "meta": {"path": path, "per_page": size, "next_cursor": after, "prev_cursor": None},
    }


@api.get("/charges/<reference>")
def get_charge(reference: str) -> dict[str, Any]:
    """One charge. Errors: 401, 404."""
    payment, charge = charge_called(reference)
    return charge_shown(payment, charge) | _delivered(payment)


@api.get("/account-status")
def account_status() -> dict[str, Any]:
    """Whether the account may take money: here it may. Errors: 401."""
    return {
        "bank_account_status": "verified",
        "verification": {"status": "verified"},
        "payment_providers": {code: {"setup_status": "completed"} for code in fields.ENABLED},
    }


def _shown(payment_id: int, number: int) -> dict[str, Any]:
    payment = db.session.get_one(Payment, payment_id)
    return charge_shown(payment, payment.details["payments"][number]) | _delivered(payment)


def _delivered(payment: Payment) -> dict[str, Any]:
    """``webhook_status``: whether the shop has taken all that it was told of the payment."""
    left = select(func.count()).where(
        Delivery.payment_id == payment.id, Delivery.state != "delivered"
    )
    return {"webhook_status": not db.session.scalar(left), "webhook_logs": []}


def _cursor(payment_id: int, number: int) -> str:
    return base64.urlsafe_b64encode(f"{payment_id}.{number}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[int, int]:
    """:raise Refused: 422, it is none of ours."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        payment_id, number = text.split(".")
        return int(payment_id), int(number)
    except ValueError:
        raise fields.wrong({"cursor": "The cursor is invalid."}) from None
