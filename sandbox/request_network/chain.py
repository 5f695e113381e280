"""What happens on the chain besides: a reorganisation, in which a transaction falls out of it."""

from typing import Any

from ..kit import Action
from ..models import Payment
from . import provider
from .transfers import missing
from .webhooks import notify


def _newest_transaction(payment: Payment) -> int:
    """The minor units that it moved, to all requests of the link together."""
    if payment.details["coming"]:
        return 0  # a transaction that is not confirmed has nothing to fall out of
    requests = payment.details["requests"]
    return sum(paid["cents"] for each in requests for paid in _of_newest(payment, each))


def _reorganise(payment: Payment, cents: int) -> None:
    """The newest transaction never was; what it paid is to be paid once more."""
    details = payment.details
    without = [
        each
        | {"payments": [paid for paid in each["payments"] if paid not in _of_newest(payment, each)]}
        for each in details["requests"]
    ]
    changed = [
        index
        for index, (before, after) in enumerate(zip(details["requests"], without, strict=True))
        if before != after
    ]
    details["requests"] = without
    details["voided"] = details.get("voided", 0) + cents
    if payment.status != "expired":
        payment.status = "pending" if missing(payment) == payment.amount else "partially_paid"
        payment.timer = details["ends"]
    for index in changed:
        notify(payment, index, "payment.failed")


def _of_newest(payment: Payment, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """What the newest transaction paid of one request; transactions fill them one after another."""
    paid = [each for every in payment.details["requests"] for each in every["payments"]]
    return [each for each in wanted["payments"] if each["txHash"] == paid[-1]["txHash"]]


provider.actions = (
    Action(
        "reorganise",
        "Reorganise the chain",
        "The newest transaction falls out of it; told as payment.failed.",
        _newest_transaction,
        _reorganise,
    ),
)
