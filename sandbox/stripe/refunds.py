"""Stripe's charges once they are paid: refunded, by API or in the dashboard, and disputed.

Documentation (docs.stripe.com, read 2026-11): api/refunds, api/disputes/object, testing.
"""

from typing import Any

from flask import request

from .. import clock
from ..kit import Action, Refused, commit, refunds
from ..models import Payment
from . import KEY_TAKEN, api, charge_shown, expire, new_id, provider, tell

#: testing: the cards whose refunds change after a while, and how.
CHANGES = {"refund_pends": ("pending", "succeeded"), "refund_fails": ("succeeded", "failed")}
WAIT = 60.0  # seconds


@api.post("/refunds")
def create_refund() -> dict[str, Any]:
    """``amount`` minor units of a ``payment_intent``; without it, all that is left."""
    form, key = request.form.to_dict(), request.headers.get("Idempotency-Key") or new_id("key")
    payment = _of_intent(form.get("payment_intent", ""))
    if made := refunds.repeated(payment, key, form, KEY_TAKEN):
        return made
    amount = form.get("amount", str(_left(payment)))
    if not amount.isdecimal() or not 0 < int(amount) <= _left(payment):
        raise Refused(400, "Refund amount is greater than unrefunded amount", param="amount")
    marks = {name[9:-1]: form[name] for name in form if name.startswith("metadata[")}
    made = refund(payment, int(amount), marks)
    refunds.keep(payment, int(amount), made, key, form)
    commit()
    return made


@api.get("/refunds")
def list_refunds() -> dict[str, Any]:
    payment = _of_intent(request.args.get("payment_intent", ""))
    return {"object": "list", "data": payment.details["refunds"], "has_more": False}


def _of_intent(intent: str) -> Payment:
    payment = provider.find(intent.replace("pi_", "cs_test_"))
    if payment is None:
        raise Refused(404, f"No such payment_intent: '{intent}'", code="resource_missing")
    return payment


def refund(payment: Payment, amount: int, marks: dict[str, str] | None = None) -> dict[str, Any]:
    """Money goes back, and the shop is told. The caller commits."""
    status, after = CHANGES.get(payment.details["card"], ("succeeded", None))
    made = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "currency": payment.currency.lower(),
        "metadata": marks or {},
        "payment_intent": payment.details["intent"],
        "status": status,
    }
    payment.refunded += amount
    payment.details["refunds"] = [made, *payment.details["refunds"]]
    payment.timer = clock.now() + WAIT if after else None
    tell(payment, "charge.refunded", charge_shown(payment))
    return made


@provider.rings
def ring(payment: Payment) -> None:
    """The session expires, or its refunds change."""
    if payment.status == "open":
        expire(payment)
        return
    before, after = CHANGES[payment.details["card"]]
    failed = {"failure_reason": "expired_or_canceled_card"} if after == "failed" else {}
    due = [each for each in payment.details["refunds"] if each["status"] == before]
    changed = [{**each, "status": after, **failed} for each in due]
    rest = [each for each in payment.details["refunds"] if each["status"] != before]
    payment.details["refunds"] = [*changed, *rest]
    for each in changed:
        payment.refunded -= each["amount"] if failed else 0
        tell(payment, "refund.failed" if failed else "refund.updated", each)


def dispute(payment: Payment, word: str, status: str) -> None:
    """The payer's bank wants the money back, or has decided. ``word`` is the ledger's."""
    payment.details["dispute"] = word
    about = {"id": new_id("du"), "object": "dispute", "status": status, "amount": payment.amount}
    about |= {"payment_intent": payment.details["intent"]}
    tell(payment, f"charge.dispute.{'created' if word == 'opened' else 'closed'}", about)


def _left(payment: Payment) -> int:
    return payment.amount - payment.refunded if payment.status == "complete" else 0


def _action(word: str, before: str | None, status: str, title: str) -> Action:
    return Action(
        f"dispute_{word}",
        title,
        f"The dispute’s status is “{status}”.",
        lambda payment: _left(payment) * (payment.details.get("dispute") == before),
        lambda payment, _amount: dispute(payment, word, status),
    )


provider.actions = (
    Action("refund", "Refund in the dashboard", "Told as by API.", _left, refund, in_part=True),
    _action("opened", None, "needs_response", "Dispute"),
    _action("won", "opened", "won", "Dispute won"),
    _action("lost", "opened", "lost", "Dispute lost"),
)
