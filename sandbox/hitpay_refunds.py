"""HitPay's charges and refunds (apis/payment-request/refund, openapi.json).

A charge is the money that one payment request took: an entry of its ``payments``.
"""

import re
import uuid
from decimal import Decimal
from typing import Any

from flask import Blueprint
from sqlalchemy import func, select

from . import clock
from .background import commit
from .hitpay import NAME, Refused, answer_error, authenticate, count_foreign, sent_fields
from .hitpay_shapes import charge_shown, json_number, local_time, minor_units, number
from .hitpay_webhooks import tell_refund
from .models import Payment, Refund, db

bp = Blueprint("hitpay_refunds", __name__, url_prefix="/hitpay/v1")
bp.before_request(authenticate)
bp.register_error_handler(Refused, answer_error)


@bp.post("/refund")
def refund_charge() -> dict[str, Any]:
    """Give back ``amount`` of the charge ``payment_id``, from a form or JSON.

    There is no idempotency key: the same call again is another refund. Errors: 401, 404, 422.
    """
    sent = sent_fields()
    payment, charge = _charge(str(sent.get("payment_id", "")))
    amount = _amount(sent.get("amount"))
    if charge["status"] not in ("succeeded", "partially_refunded"):
        raise _wrong("payment_id", f"A charge that is {charge['status']} cannot be refunded.")
    if amount > minor_units(charge["amount"]) - minor_units(charge["refunded_amount"]):
        raise _wrong("amount", "The amount is more than remains to be refunded.")

    reply = refund(payment, charge, amount)
    commit()
    return reply


@bp.get("/refund/<reference>")
def get_refund(reference: str) -> dict[str, Any]:
    """One refund, as it was answered. Errors: 401, 404."""
    refund = db.session.scalar(select(Refund).where(Refund.external_id == reference))
    if refund is None:
        raise Refused(404, f"No query results for model [App\\Business\\Refund] {reference}")
    return refund.reply


@bp.get("/charges/<reference>")
def get_charge(reference: str) -> dict[str, Any]:
    """One charge. Errors: 401, 404."""
    return charge_shown(*_charge(reference))


def refund(payment: Payment, charge: dict[str, Any], amount: int) -> dict[str, Any]:
    """Money of a charge goes back, and the shop is told. The caller commits."""
    whole = minor_units(charge["amount"])
    refunded = minor_units(charge["refunded_amount"]) + amount
    changed = charge | {
        "status": "refunded" if refunded == whole else "partially_refunded",
        "refunded_amount": number(refunded),
        "refunded_at": clock.timestamp(),
        "updated_at": local_time(),
    }
    payment.details["payments"] = [
        changed if each["id"] == charge["id"] else each for each in payment.details["payments"]
    ]
    if charge["currency"] == payment.currency.lower():
        payment.refunded += amount
    else:
        count_foreign(payment, charge["currency"], -amount)
    reply = {
        "id": str(uuid.uuid4()),
        "refunded_by": None,
        "payment_id": charge["id"],
        "amount_refunded": json_number(amount),
        "total_amount": json_number(whole),
        "currency": charge["currency"],
        "status": "succeeded",
        "payment_method": charge["payment_type"],
        "provider_fee": None,
        "provider_fee_currency": None,
        "refunded_at": clock.timestamp(),
        "created_at": local_time(),
    }
    db.session.add(
        Refund(
            payment_id=payment.id,
            external_id=reply["id"],
            amount=amount,
            reply=reply,
            request="",  # no call is ever a repetition
        )
    )
    tell_refund(payment, changed)
    return reply


def _charge(reference: str) -> tuple[Payment, dict[str, Any]]:
    """The charge with its payment request.

    :raise Refused: 404.
    """
    entries = func.json_each(Payment.details, "$.payments").table_valued("value")
    payment = db.session.scalar(
        select(Payment)
        .join(entries, func.json_extract(entries.c.value, "$.id") == reference)
        .where(Payment.provider == NAME)
    )
    if payment is None:
        raise Refused(404, f"No query results for model [App\\Business\\Charge] {reference}")
    return payment, next(each for each in payment.details["payments"] if each["id"] == reference)


def _amount(value: object) -> int:
    """Minor units.

    :raise Refused: 422.
    """
    if value in (None, ""):
        raise _wrong("amount", "The amount field is required.")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", str(value)) or not Decimal(str(value)):
        raise _wrong("amount", "The amount must be a number above zero.")
    return minor_units(str(value))


def _wrong(field: str, sentence: str) -> Refused:
    return Refused(422, sentence, {field: [sentence]})
