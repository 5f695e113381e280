"""What goes back at Mollie: refunds, made or failed a while later, and chargebacks."""

import secrets
from typing import Any

from flask import request

from .. import clock
from ..kit import Action, Refused, commit, minor
from ..kit.refunds import keep, repeated
from ..models import Payment
from . import api, body, call_webhook, expire, find, money, provider, read_amount

HOUR = 3600


@api.post("/<reference>/refunds")
def create_refund(reference: str) -> Any:
    """create-refund: 409 for as much again within the hour, 422 for more than remains."""
    payment, sent = find(reference), body()
    key = request.headers.get("Idempotency-Key", secrets.token_hex())
    used = Refused(400, "This Idempotency-Key has already been used.")
    if first := repeated(payment, key, sent, used):
        return first, 201
    amount = read_amount(sent)
    if amount > _remains(payment):
        raise Refused(422, "The specified amount cannot be refunded", field="amount.value")
    since = clock.now() - HOUR
    if any(e["at"] > since and minor(e["amount"]["value"]) == amount for e in _refunds(payment)):
        raise Refused(409, "A duplicate refund has been detected")
    made = refund(payment, amount, sent.get("metadata"))
    keep(payment, amount, made, key, sent)
    commit()
    return made, 201


def refund(payment: Payment, amount: int, metadata: Any = None) -> dict[str, Any]:
    """It is made when the timer rings. The caller commits."""
    made = {
        "resource": "refund",
        "id": f"re_{secrets.token_hex(5)}",
        "amount": money(amount, payment),
        "status": "pending",
        "metadata": metadata,
        "paymentId": payment.reference,
        "at": clock.now(),
    }
    _keep(payment, refunds=[*_refunds(payment), made])
    payment.timer = clock.now() + provider.settings.sandbox_mollie_refund_seconds
    return made


@provider.rings
def ring(payment: Payment) -> None:
    """The page is over; or the refunds under way are made."""
    if payment.status == "open":
        expire(payment)
    else:
        _end_refunds(payment, "refunded")


def _end_refunds(payment: Payment, status: str) -> None:
    """Those under way; a webhook says so, with the payment's id (webhooks)."""
    ended = [e | {"status": status} if e["status"] == "pending" else e for e in _refunds(payment)]
    _keep(payment, refunds=ended)
    payment.refunded, payment.timer = _sum(payment, "refunded"), None
    call_webhook(payment, goes_back=True)


def _refunds(payment: Payment) -> list[dict[str, Any]]:
    return list(payment.details["embedded"]["refunds"])


def _keep(payment: Payment, **embedded: list[dict[str, Any]]) -> None:
    payment.details["embedded"] = payment.details["embedded"] | embedded


def _sum(payment: Payment, *statuses: str) -> int:
    return sum(minor(e["amount"]["value"]) for e in _refunds(payment) if e["status"] in statuses)


def _remains(payment: Payment) -> int:
    is_paid = payment.status == "paid"
    return payment.amount - _sum(payment, "pending", "refunded") if is_paid else 0


def _charge_back(payment: Payment, amount: int) -> None:
    """get-chargeback: the first time the money goes, the second time it comes back."""
    is_over = payment.details.get("dispute") == "lost"
    made = {"resource": "chargeback", "amount": money(amount, payment)}
    _keep(payment, chargebacks=[made | {"reversedAt": clock.timestamp() if is_over else None}])
    payment.details["dispute"] = "won" if is_over else "lost"
    call_webhook(payment, goes_back=True)


def _disputable(payment: Payment) -> int:
    is_new = payment.details.get("dispute") != "won"
    return payment.amount if payment.status == "paid" and is_new else 0


provider.actions = (
    Action("refund", "Refund on the dashboard", "Made later.", _remains, refund, in_part=True),
    Action(
        "refund_fails",
        "Refunds fail",
        "Those under way end as failed.",
        lambda payment: _sum(payment, "pending"),
        lambda payment, _amount: _end_refunds(payment, "failed"),
    ),
    Action(
        "charge_back",
        "Chargeback, or its reversal",
        "All of it goes to the payer; pressed again, it comes back.",
        _disputable,
        _charge_back,
    ),
)
