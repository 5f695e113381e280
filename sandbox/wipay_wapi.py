"""WiPay's WAPI v2.0.2: its key, look-ups and refunds (docs.wipayfinancial.com/wapi)."""

import hmac
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from sqlalchemy import func, select

from . import clock
from .background import commit
from .models import Payment, db
from .old import settings
from .wipay import (
    FEE_STRUCTURES,
    LIMITS,
    NAME,
    TOTAL_PATTERN,
    Refused,
    fee,
    half_up,
    keep_to,
    major,
    minor,
    notify,
    shown,
)

bp = Blueprint("wipay_wapi", __name__, url_prefix="/wipay/wapi")


@bp.before_request
def authenticate() -> None:
    """Exactly one of a key and a token; tokens are not imitated, so none is valid (wapi/keys).

    :raise Refused: 401.
    """
    expected = settings().wipay_wapi_key.get_secret_value()
    given = request.headers.get("X-WAPI-Key", "")
    is_one_way = "Authorization" not in request.headers
    if not (expected and is_one_way and hmac.compare_digest(given.encode(), expected.encode())):
        raise Refused(401, "Unauthorized")


@bp.errorhandler(Refused)
def answer_error(error: Refused) -> Any:
    """Every answer is JSON with at least a message."""
    db.session.rollback()
    return {"message": error.message}, error.status


def sent() -> dict[str, str]:
    """The body: form fields, or JSON, whose numbers are written with two decimals.

    :raise Refused: 400, neither.
    """
    if not request.is_json:
        return request.form.to_dict()
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refused(400, "The body is invalid.")
    return {
        name: f"{Decimal(str(value)):.2f}" if type(value) in (int, float) else str(value)
        for name, value in body.items()
        if value is not None
    }


# --- wapi/transactions --------------------------------------------------------------------------


@bp.get("/transactions")
def list_transactions() -> Any:
    """The history, newest first (wapi/transactions/getTransactionHistory)."""
    if request.args.get("environment") not in ("live", "sandbox"):
        raise Refused(400, "The environment field is invalid.")
    page, size = _number("page", 1, 10**6), _number("page_size", 15, 100)
    mine = select(Payment).where(Payment.provider == NAME)
    if request.args["environment"] == "live":
        mine = mine.where(Payment.id < 0)  # there is no such thing here
    total = db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    found = db.session.scalars(
        mine.order_by(Payment.id.desc()).limit(size).offset((page - 1) * size)
    ).all()
    last = max(1, -(-total // size))
    first_row = (page - 1) * size + 1 if found else None
    return {
        "message": "OK",
        "data": [shown(payment) for payment in found],
        "links": {
            "first": _link(1),
            "last": _link(last),
            "prev": _link(page - 1) if page > 1 else None,
            "next": _link(page + 1) if page < last else None,
        },
        "meta": {
            "current_page": page,
            "from": first_row,
            "last_page": last,
            "path": _path(),
            "per_page": size,
            "to": first_row and first_row + len(found) - 1,
            "total": total,
        },
    }


@bp.get("/transactions/meta")
def show_meta() -> Any:
    """What a request may ask for (wapi/transactions/getTransactionMeta)."""
    return {
        "message": "OK",
        "data": {
            "currencies": list(settings().sandbox_wipay_currencies),
            "environments": ["live", "sandbox"],
            "fee_structures": FEE_STRUCTURES,
            "totals": {
                currency: {"minimum": float(major(smallest)), "maximum": float(major(largest))}
                for currency, (smallest, largest) in LIMITS.items()
                if currency in settings().sandbox_wipay_currencies
            },
        },
    }


@bp.get("/transactions/fees")
def show_fees() -> Any:
    """Who would pay what of an amount (wapi/transactions/getTransactionFees)."""
    asked = request.args
    currency, structure = asked.get("currency", ""), asked.get("fee_structure", "")
    try:
        amount = f"{Decimal(asked.get('amount', '')):.2f}"
    except InvalidOperation:
        amount = ""
    rules = {
        "fee_structure": structure in FEE_STRUCTURES,
        "currency": currency in settings().sandbox_wipay_currencies,
        "amount": bool(TOTAL_PATTERN.fullmatch(amount)),
    }
    keep_to(rules, asked)
    whole = fee(
        minor(amount), currency, settings().wipay_country_code, settings().sandbox_wipay_fee_plan
    )
    shares = {"customer_pay": whole, "merchant_absorb": 0, "split": half_up(Decimal(whole) / 2)}
    customers = shares[structure]
    return {
        "message": "OK",
        "data": {
            "org_t": float(amount),
            "cus_t": float(major(minor(amount) + customers)),
            "cus_t_fee": float(major(customers)),
            "mer_t": float(major(minor(amount) + customers - whole)),
            "mer_t_fee": float(major(whole - customers)),
            "fee_name": "Processing fee",
            "type": structure,
            "cus_desc": f"You pay {major(customers)} {currency} of the fee.",
            "mer_desc": f"The merchant pays {major(whole - customers)} {currency} of the fee.",
        },
    }


@bp.get("/transactions/<transaction_id>")
def retrieve_transaction(transaction_id: str) -> Any:
    """One transaction (wapi/transactions/retrieveTransaction)."""
    return {"message": "OK", "data": shown(_transaction(transaction_id))}


@bp.post("/transactions/<transaction_id>/refund")
def request_refund(transaction_id: str) -> Any:
    """Ask for all of a transaction back (wapi/transactions/createRefundRequest).

    It is decided on the dashboard (``wipay_merchant.py``), or by a timer.
    """
    payment = _transaction(transaction_id)
    refusals = {
        "has invalid status": payment.status != "success",
        "cannot be refunded": payment.details.get("saves_card", False),
        "has an existing refund request": payment.details.get("refund") == "requested",
        "has already been refunded": payment.details.get("refund") == "refunded",
    }
    for words, holds in refusals.items():
        if holds:
            raise Refused(400, f"The selected transaction id {words}.")
    if settings().sandbox_wipay_balance == "short":
        raise Refused(403, "Insufficient funds on WiPay account to request refund.")
    payment.details["refund"] = "requested"
    if settings().sandbox_wipay_refunds != "by_hand":
        payment.timer = clock.now() + settings().sandbox_wipay_refund_seconds
    notify(payment, "payment.refund_requested")
    commit()
    return {"message": "Refund request successfully created."}, 201


def _transaction(transaction_id: str) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == transaction_id)
    )
    if payment is None:
        raise Refused(400, "The selected transaction id is invalid.")
    return payment


def _number(name: str, usual: int, largest: int) -> int:
    number = request.args.get(name, usual, type=int)
    if not 1 <= number <= largest:
        raise Refused(400, f"The {name} field is invalid.")
    return number


def _path() -> str:
    return f"{settings().sandbox_url}/wipay/wapi/transactions"


def _link(page: int) -> str:
    return f"{_path()}?{urlencode({**request.args.to_dict(), 'page': page})}"
