"""Stripe's Checkout Sessions and webhooks, as its documentation shows them.

Documentation (docs.stripe.com, read 2026-11): api/checkout/sessions, api/errors, webhooks. The page
is in ``page.py``, refunds and disputes in ``refunds.py``, what is left open in ``settings.py``.
"""

import time
import uuid
from typing import Any

from flask import request

from .. import kit
from ..kit import Provider, Refused
from ..models import Delivery, Payment
from .settings import ASSUMPTIONS, StripeSettings

DAY = 24 * 3600.0  # seconds that a session is open
BROKEN = {"message": "Something went wrong on our end.", "type": "api_error"}

provider = Provider(
    "stripe",
    "Stripe",
    settings=StripeSettings,
    assumptions=ASSUMPTIONS,
    open_in=("open",),
    paid_in=("complete",),
    envelope=lambda error: {
        "error": {"type": "invalid_request_error", "message": error.message, **error.more}
    },
    errors={
        401: {"message": "Invalid API Key provided."},
        404: {"message": "There is no such object.", "code": "resource_missing"},
        **dict.fromkeys((500, 502, 503), BROKEN),
    },
    cannot=("pay_late",),
)
KEY_TAKEN = Refused(
    400,
    "Keys for idempotent requests can only be used with the parameters they were first used with.",
    type="idempotency_error",
)


def authenticate() -> None:
    """HTTP Basic, with the secret key as user (api/authentication)."""
    given = (request.authorization.username if request.authorization else None) or ""
    if not kit.is_secret(given, provider.settings.stripe_secret_key.get_secret_value()):
        raise provider.refused(401)


api = provider.blueprint("api", "/v1", login=authenticate)


@api.post("/checkout/sessions")
def create() -> Any:
    """A session, from a form; a repeated call is answered as the first, whatever happened since."""
    form, key = request.form.to_dict(), request.headers.get("Idempotency-Key") or new_id("key")
    as_new = {"status": "open", "payment_status": "unpaid", "payment_intent": None}
    return provider.create(
        lambda: provider.once(key, form, lambda: _new(form), KEY_TAKEN),
        page_of,
        lambda payment, page: shown(payment) | as_new | {"url": page},
    )


@api.get("/checkout/sessions/<reference>")
def retrieve(reference: str) -> dict[str, Any]:
    """With ``expand[]=payment_intent.latest_charge``, the intent and its charge stand inside."""
    return shown(_find(reference), expand="expand[]" in request.args)


@api.post("/checkout/sessions/<reference>/expire")
def expire_session(reference: str) -> dict[str, Any]:
    payment = _find(reference)
    if payment.status != "open":
        raise Refused(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
    expire(payment)
    kit.commit()
    return shown(payment)


def _find(reference: str) -> Payment:
    if payment := provider.find(reference):
        return payment
    raise Refused(404, f"No such checkout.session: '{reference}'", code="resource_missing")


def _new(form: dict[str, str]) -> Payment:
    price = "line_items[0][price_data]"
    currency, amount = form.get(f"{price}[currency]", ""), form.get(f"{price}[unit_amount]", "")
    for name in ("mode", "line_items[0][quantity]", f"{price}[product_data][name]"):
        if not kit.is_text(form.get(name)):
            raise Refused(400, f"Missing required param: {name}.", code="parameter_missing")
    if not (amount.isdecimal() and len(currency) == 3 and currency.islower()):
        raise Refused(400, "Invalid integer or currency.", param=price)
    if int(amount) < 50:
        raise Refused(400, "The total must be at least $0.50 usd.", code="amount_too_small")
    if not all(kit.is_web_address(form.get(name)) for name in ("success_url", "cancel_url")):
        raise Refused(400, "Not a valid URL", code="url_invalid")
    return provider.new(
        reference=new_id("cs_test"),
        external_id=form.get("client_reference_id"),
        amount=int(amount),
        currency=currency.upper(),
        return_url=form["success_url"],
        lifetime=DAY,
        details={"form": form, "intent": None, "card": None, "declined": "", "refunds": []},
    )


@provider.pays
def succeed(payment: Payment) -> list[Delivery]:
    payment.status, payment.timer = "complete", None
    payment.details["intent"] = payment.reference.replace("cs_test_", "pi_")
    times = 2 if payment.fault == "pay_twice" else 1
    return [each for _ in range(times) for each in tell(payment, "checkout.session.completed")]


@provider.expires
def expire(payment: Payment) -> None:
    payment.status, payment.timer = "expired", None
    tell(payment, "checkout.session.expired")


def new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex}"


def page_of(payment: Payment) -> str:
    return f"{provider.settings.sandbox_url}/stripe/c/pay/{payment.reference}"


def shown(payment: Payment, expand: bool = False) -> dict[str, Any]:
    """api/checkout/sessions/object. The intent is made when the shopper first tries to pay."""
    intent: Any = payment.details["intent"]
    if intent and expand:
        intent = {"id": intent, "object": "payment_intent", "latest_charge": None}
        if payment.status == "complete":
            intent["latest_charge"] = charge_shown(payment)
    return {
        "id": payment.reference,
        "object": "checkout.session",
        "amount_total": payment.amount,
        "client_reference_id": payment.external_id,
        "currency": payment.currency.lower(),
        "livemode": False,
        "payment_intent": intent,
        "payment_status": "paid" if payment.status == "complete" else "unpaid",
        "status": payment.status,
        "url": page_of(payment) if payment.status == "open" else None,
    }


def charge_shown(payment: Payment) -> dict[str, Any]:
    """api/charges/object."""
    return {
        "id": payment.details["intent"].replace("pi_", "ch_"),
        "object": "charge",
        "amount": payment.amount,
        "amount_refunded": payment.refunded,
        "currency": payment.currency.lower(),
        "disputed": "dispute" in payment.details,
        "payment_intent": payment.details["intent"],
        "refunded": payment.refunded == payment.amount,
    }


WEBHOOKS = kit.Webhooks(
    retry_after=(3600, 7200),  # webhooks: in test mode three times over a few hours
    amounts=("amount_total", "amount", "amount_refunded"),
    lies={
        "wrong_environment": {"livemode": True},
        "wrong_amount": {"data.object.amount_total": 1},
        "wrong_currency": {"data.object.currency": kit.another_currency("USD", "EUR")},
        "replay_other_order": {"data.object.client_reference_id": kit.of_other_order},
    },
    tamper=(rb'"amount(_total)?":', b"1"),
)


def tell(payment: Payment, event: str, about: dict[str, Any] | None = None) -> list[Delivery]:
    """Store a webhook about an object as it is now: the session, if no other."""
    said = {
        "id": new_id("evt"),
        "object": "event",
        "created": int(time.time()),
        "livemode": False,
        "type": event,
        "data": {"object": about or shown(payment)},
    }
    url, back = provider.settings.stripe_webhook_url, not event.startswith("checkout")
    return WEBHOOKS.send(payment, event, said, url=url, headers=sign, goes_back=back)


@provider.signs_each_attempt
def sign(body: bytes) -> dict[str, str]:
    """webhooks: HMAC over time stamp, dot and body."""
    stamp, secret = str(int(time.time())), kit.first_of(provider.settings.stripe_webhook_secret)
    digest = kit.hmac_sha256(secret, f"{stamp}.".encode() + body)
    return {"Content-Type": "application/json", "Stripe-Signature": f"t={stamp},v1={digest}"}
