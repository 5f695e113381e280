"""What happens on the chain besides: a reorganisation, in which a transaction falls out of it."""

from typing import Any

from ..kit import Action
from ..models import Payment
from . import provider
from .transfers import missing
from .webhooks import notify


def _newest(payment: Payment) -> list[dict[str, Any]]:
    """What the newest transaction paid, of one request or several; they are filled in turn."""
    paid = [each for wanted in payment.details["requests"] for each in wanted["payments"]]
    return [each for each in paid if each["txHash"] == paid[-1]["txHash"]]


def _sum_of_newest(payment: Payment) -> int:
    """Minor units; a transaction that is not confirmed has nothing to fall out of."""
    return 0 if payment.details["coming"] else sum(each["cents"] for each in _newest(payment))


def _reorganise(payment: Payment, cents: int) -> None:
    """The newest transaction never was; what it paid is to be paid once more."""
    details, before, newest = payment.details, payment.details["requests"], _newest(payment)
    details["requests"] = [
        wanted | {"payments": [each for each in wanted["payments"] if each not in newest]}
        for wanted in before
    ]
    details["voided"] = details.get("voided", 0) + cents
    if payment.status != "expired":
        payment.status = "pending" if missing(payment) == payment.amount else "partially_paid"
        payment.timer = details["ends"]
    for index, wanted in enumerate(details["requests"]):
        if wanted != before[index]:
            notify(payment, index, "payment.failed")


provider.actions = (
    Action(
        "reorganise",
        "Reorganise the chain",
        "The newest transaction falls out of it; told as payment.failed.",
        _sum_of_newest,
        _reorganise,
    ),
)
