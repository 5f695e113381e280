"""MintCash's refunds and voids, by API or by the merchant on the dashboard.

Documentation: docs/api/refunds, docs/guides/issue-refund, docs/concepts/payments.
"""

import uuid
from typing import Any

from ..clock import timestamp
from ..kit import Action, Refused, commit, number, refunds
from ..models import Payment
from . import AMOUNT, TEXT, api, move, payload_sent, payment_called, provider

REFUND = {"externalId!": TEXT, "amount": lambda value: "" if value is None else AMOUNT(value)}


@api.post("/payments/<reference>/refund")
def refund_payment(reference: str) -> dict[str, Any]:
    """Refund ``amount`` minor units; without it, all that remains.

    ``externalId`` is unique per payment: a repetition is answered as the first time. Errors: 400,
    401, 404, 409, 422.
    """
    payload = payload_sent(REFUND)
    payment, external_id = payment_called(reference), payload["externalId"]
    conflict = Refused(409, "externalId was used for another refund.", code="already_exists")
    if first := refunds.repeated(payment, external_id, payload, conflict):
        return first
    remains = payment.amount - payment.refunded
    amount = remains if payload.get("amount") is None else payload["amount"]
    if payment.status not in ("succeeded", "partially_refunded"):
        raise _impossible(409, f"A {payment.status} payment has no refunds.")
    if amount > remains:
        raise _impossible(422, "amount is more than remains to be refunded.")
    made = refund(payment, amount, external_id, payload)
    commit()
    return made


def refund(
    payment: Payment, amount: int, external_id: str | None = None, payload: Any = None
) -> dict[str, Any]:
    """Money goes back, and the shop is told. The caller commits.

    ``external_id`` and ``payload`` are the call's; None on the dashboard.
    """
    payment.refunded += amount
    made = {
        "id": str(uuid.uuid4()),
        "paymentId": payment.reference,
        "externalId": external_id,
        "status": "succeeded",
        "amount": number(amount),
        "currency": payment.currency,
        "providerRefundId": f"cpr_{uuid.uuid4().hex[:16]}",
        "failureCode": None,
        "failureMessage": None,
        "paymentAmountRefunded": number(payment.refunded),
        "paymentAmountRefundable": number(payment.amount - payment.refunded),
        "createdAt": timestamp(),
    }
    refunds.keep(payment, amount, made, external_id or "", payload)
    is_whole = payment.refunded == payment.amount
    move(payment, "refunded" if is_whole else "partially_refunded", refund=made)
    return made


def _impossible(status: int, message: str) -> Refused:
    return Refused(status, message, code="failed_precondition")


def _remains(payment: Payment) -> int:
    """Minor units that were taken and have not gone back; how a subscription's go is not known."""
    is_there = payment.status in ("succeeded", "partially_refunded")
    is_there = is_there and "subscription" not in payment.details
    return payment.amount - payment.refunded if is_there else 0


def _void(payment: Payment, amount: int) -> None:
    """All that is left goes back without a refund."""
    payment.details["voided"] = amount
    move(payment, "voided")


provider.actions = (
    Action(
        "refund",
        "Refund on the dashboard",
        "Told as payment.partially_refunded or payment.refunded.",
        _remains,
        refund,
        in_part=True,
    ),
    Action("void", "Void", "After it succeeded; told as payment.voided.", _remains, _void),
)
