"""Stripe's Checkout Sessions, refunds and webhooks (docs.stripe.com, read 2026-11)."""

import uuid
from typing import Any

from flask import request

from .. import clock, kit
from ..kit import Refused, refunds
from ..models import Delivery, Payment
from .settings import ASSUMPTIONS, StripeSettings

CURRENCY, AMOUNT = "line_items[0][price_data][currency]", "line_items[0][price_data][unit_amount]"
KEY_TAKEN = Refused(400, "This key was used with other parameters.", type="idempotency_error")
ENDINGS = {"paid": "Pay", "debited": "Pay by bank debit", "open": "Be declined"}

provider = kit.Provider(
    "stripe",
    "Stripe",
    settings=StripeSettings,
    assumptions=ASSUMPTIONS,
    open_in=("open",),
    paid_in=("paid",),  # shown as complete, like one that is debited
    envelope=lambda error: {"error": {"message": error.message, **error.more}},
    keeps_first_reply=True,
    cannot=("pay_late", "pay_twice", "three_d_secure"),
)
api = provider.blueprint("api", "/v1", kit.login_with(provider, "stripe_secret_key", "username"))


@api.post("/checkout/sessions")
def create_session() -> Any:
    form, key = request.form.to_dict(), request.headers.get("Idempotency-Key", "")
    return provider.create(
        lambda: provider.once(key, form, lambda: _new(form), KEY_TAKEN),
        page_of,
        lambda payment, page: shown(payment) | {"url": page},
    )


@api.get("/checkout/sessions/<reference>")
def get_session(reference: str) -> dict[str, Any]:
    """With ``expand[]=payment_intent.latest_charge``, the intent and its charge stand inside."""
    payment = provider.found(reference)
    if payment.status != "paid" or "expand[]" not in request.args:
        return shown(payment)
    inside = {"id": f"pi_{payment.reference}", "latest_charge": charge_shown(payment)}
    return shown(payment) | {"payment_intent": inside}


@api.post("/checkout/sessions/<reference>/expire")
def expire_session(reference: str) -> dict[str, Any]:
    payment = provider.found(reference)
    if payment.status != "open":
        raise Refused(400, "Only open sessions can be expired.")
    move(payment, "expired")
    kit.commit()
    return shown(payment)


@api.post("/refunds")
def create_refund() -> dict[str, Any]:
    """``amount`` minor units of a ``payment_intent``."""
    form, key = request.form.to_dict(), request.headers.get("Idempotency-Key", "")
    intent, amount = form.get("payment_intent", ""), form.get("amount", "")
    payment = provider.found(intent.removeprefix("pi_"))
    if first := refunds.repeated(payment, key, form, KEY_TAKEN):
        return first
    if not amount.isdecimal() or not 0 < int(amount) <= left(payment):
        raise Refused(400, "Refund amount is greater than unrefunded amount", param="amount")
    made = refund(payment, int(amount), key, form)
    kit.commit()
    return made


@api.get("/refunds")
def list_refunds() -> dict[str, Any]:
    payment = provider.found(request.args.get("payment_intent", "").removeprefix("pi_"))
    return {"object": "list", "data": [each.reply for each in refunds.of(payment)]}


def _new(form: dict[str, str]) -> Payment:
    amount, url = form.get(AMOUNT, ""), form.get("success_url", "")
    if not (amount.isdecimal() and int(amount) >= 50 and kit.is_web_address(url)):
        raise Refused(400, "Invalid integer or URL")
    return provider.new(
        reference=f"cs_test_{uuid.uuid4().hex}",
        external_id=form.get("metadata[reference]"),
        amount=int(amount),
        currency=form.get(CURRENCY, "").upper(),
        return_url=url,
        lifetime=24 * 3600,
        details={},
    )


def shown(payment: Payment) -> dict[str, Any]:
    """api/checkout/sessions/object. The intent is there once the shopper has paid."""
    is_unpaid = payment.status in ("open", "expired")
    return {
        "id": payment.reference,
        "object": "checkout.session",
        "amount_total": payment.amount,
        "currency": payment.currency.lower(),
        "metadata": {"reference": payment.external_id},
        "payment_intent": None if is_unpaid else f"pi_{payment.reference}",
        "payment_status": "paid" if payment.status == "paid" else "unpaid",
        "status": payment.status if is_unpaid else "complete",
    }


def charge_shown(payment: Payment) -> dict[str, Any]:
    """Of api/charges/object, what tells how much was refunded."""
    intent, refunded = f"pi_{payment.reference}", payment.refunded
    return {"object": "charge", "payment_intent": intent, "amount_refunded": refunded}


WEBHOOKS = kit.Webhooks(
    retry_after=(3600, 7200),  # webhooks: in test mode three times over a few hours
    amounts=("amount_total", "amount", "amount_refunded"),
    lies={
        "wrong_environment": {"livemode": True},
        "wrong_amount": {"data.object.amount_total": 1},
        "wrong_currency": {"data.object.currency": kit.another_currency("USD", "EUR")},
        "replay_other_order": {"data.object.metadata.reference": kit.of_other_order},
    },
    tamper=(rb'"amount(_total)?":', b"1"),
)


def tell(payment: Payment, event: str, about: dict[str, Any]) -> list[Delivery]:
    """api/events/object, about an object as it is now."""
    said = {"id": f"evt_{uuid.uuid4().hex}", "type": event, "livemode": False}
    said["data"] = {"object": about}
    url, back = provider.settings.stripe_webhook_url, event == "charge.refunded"
    return WEBHOOKS.send(payment, event, said, url=url, headers=sign, goes_back=back)


@provider.signs_each_attempt
def sign(body: bytes) -> dict[str, str]:
    secret = kit.first_of(provider.settings.stripe_webhook_secret)
    return {"Stripe-Signature": kit.timed_hmac(secret, body)}


@provider.moves(paid="paid", expired="expired")
def move(payment: Payment, status: str) -> list[Delivery]:
    """checkout/fulfillment: a bank debit is completed first, and paid days later."""
    if status == "open":  # declined: the page takes another card
        return []
    first = "expired" if status == "expired" else "completed"
    event = "async_payment_succeeded" if payment.status == "debited" else first
    payment.status = status
    payment.timer = clock.now() + 60 if status == "debited" else None
    return tell(payment, f"checkout.session.{event}", shown(payment))


provider.rings(lambda it: move(it, "paid" if it.status == "debited" else "expired"))
page_of = kit.page_of_endings(provider, "/c/pay", ENDINGS, move, declines="open")


def refund(payment: Payment, amount: int, key: str = "", form: Any = None) -> dict[str, Any]:
    """By API, or on the dashboard, without a ``form``."""
    made = {
        "id": f"re_{uuid.uuid4().hex}",
        "amount": amount,
        "metadata": {"reference": form["metadata[reference]"]} if form else {},
        "payment_intent": f"pi_{payment.reference}",
        "status": "succeeded",
    }
    refunds.keep(payment, amount, made, key, form)
    payment.refunded += amount
    tell(payment, "charge.refunded", charge_shown(payment))
    return made


def left(payment: Payment) -> int:
    return payment.amount - payment.refunded if payment.status == "paid" else 0


provider.actions = [kit.Action("refund", "Refund", "Made at once.", left, refund, in_part=True)]
