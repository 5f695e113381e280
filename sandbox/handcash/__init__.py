"""HandCash's payment requests and webhook, as its documentation and its SDK's types show them.

Documentation (docs.handcash.io, read 2024-09 to 2026-01): handcash-pay/create-payment-request,
handcash-pay/manage-payment-request, handcash-pay/webhooks; “the SDK” is the OpenAPI types in
github.com/HandCash/handcash-sdk (2025-11). Beside this: ``rules.py`` (what a
request must be), ``prices.py``, ``v2.py``, ``webhooks.py`` and ``page.py``. What the documentation
leaves open is in ``settings.py``.
"""

import json
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy import select

from .. import clock, kit
from ..models import Delivery, Payment, db
from . import rules
from .prices import minor, number
from .settings import ASSUMPTIONS, HandCashSettings
from .webhooks import custom_parameters, notify, secret

UNKNOWN = "Payment request not found"

#: The public status in the other of the vocabularies of ``SANDBOX_HANDCASH_STATUS_WORDS``.
UPPER_WORDS = {"pending": "PENDING", "completed": "PAID", "expired": "EXPIRED"}

provider = kit.Provider(
    "handcash",
    "HandCash",
    settings=HandCashSettings,
    assumptions=ASSUMPTIONS,
    open_in=("pending",),
    # No cards, and a webhook that names neither amount nor event.
    cannot=(
        *("decline", "three_d_secure", "reorder", "overtaken", "wrong_environment"),
        *("wrong_amount", "no_amount", "null_amount", "wrong_currency"),
    ),
)


def authenticate() -> None:
    """``app-id`` and ``app-secret`` in headers, whose names may be in any case."""
    expected = f"{provider.settings.handcash_app_id}:{secret()}"
    given = f"{request.headers.get('app-id', '')}:{request.headers.get('app-secret', '')}"
    if not kit.is_secret(given, expected):
        raise provider.refused(int(provider.settings.sandbox_handcash_auth_status))


api = provider.blueprint("api", "/v3/paymentRequests", login=authenticate)
public = provider.blueprint("public", "/v3/paymentRequests/public")

# --- The API: handcash-pay/create-payment-request, handcash-pay/manage-payment-request ---------


@api.post("/")
def create_payment_request() -> Any:
    """Make a payment request; 200, and a new one each time.

    ``receivers[].sendAmount`` is major units: 49.99. Errors: 400, 401.
    """
    return provider.create(
        lambda: new(payload_sent(), provider.settings.sandbox_handcash_price_field),
        page_of,
        lambda payment, page: shown(payment) | {"paymentRequestUrl": page},
    )


@api.get("/")
def list_payment_requests() -> dict[str, Any]:
    """All that are not deleted, oldest first; no paging and no filter. Errors: 401."""
    payments = db.session.scalars(
        select(Payment)
        .where(Payment.provider == provider.name, Payment.status != "deleted")
        .order_by(Payment.id)
    )
    return {"items": [shown(payment) for payment in payments]}


@api.get("/<reference>")
def retrieve_payment_request(reference: str) -> dict[str, Any]:
    """One request, for its app. Errors: 400, 401, 404."""
    return shown(_find(reference))


@api.put("/<reference>")
def update_payment_request(reference: str) -> dict[str, Any]:
    """Change what :data:`rules.UPDATE` lists; the rest stays. Errors: 400, 401, 404."""
    changes = payload_sent()
    rules.check(changes, rules.UPDATE)
    payment = _find(reference)
    units = changes.pop("decreaseRemainingUnits", 0)
    if units and payment.details["request"]["expirationType"] != "limit":
        raise rules.invalid("decreaseRemainingUnits", "is not allowed")
    if units > (remaining_units(payment) or 0):
        raise rules.invalid(
            "decreaseRemainingUnits", "must be less than or equal to remainingUnits"
        )
    if units:
        payment.details["units"] -= units
        _close_if_used_up(payment)
    if "expirationInSeconds" in changes and payment.status == "pending":
        payment.timer = payment.details["made"] + changes["expirationInSeconds"]
        payment.details["expiresAt"] = _expires_at(payment.created_at, changes)
    elif "expiresAt" in changes:
        payment.details["expiresAt"] = changes["expiresAt"]
    payment.details["request"] = _merged(payment.details["request"], changes)
    payment.return_url = payment.details["request"].get("redirectUrl", "")
    kit.commit()
    return shown(payment)


@api.delete("/<reference>")
def delete_payment_request(reference: str) -> Response:
    """200 with nothing in it, not even a content type. Errors: 400, 401, 404."""
    payment = _find(reference)
    payment.status, payment.timer = "deleted", None
    kit.commit()
    answer = Response()
    del answer.headers["Content-Type"]
    return answer


@public.get("/<reference>")
def show_without_keys(reference: str) -> dict[str, Any]:
    """One request, for anyone (the SDK); ``?referenceId=`` is accepted. Errors: 400, 404."""
    payment = _find(reference)
    private, transactions = shown(payment), payment.details["transactions"]
    is_upper = provider.settings.sandbox_handcash_status_words == "upper"
    reply = {
        "id": payment.reference,
        "paymentRequestUrl": private["paymentRequestUrl"],
        "paymentRequestQrCodeUrl": private["paymentRequestQrCodeUrl"],
        "status": UPPER_WORDS[payment.status] if is_upper else payment.status,
        "transactionId": transactions[0]["id"] if transactions else None,
        "redirectUrl": private.get("redirectUrl", ""),
        "expiresAt": private["expiresAt"],
        "enabledAt": private["enabledAt"],
        "product": {"imageUrl": ""} | private["product"],
        "paymentAmount": private["paymentAmount"],
        "paymentsCount": len(transactions),
        "totalUnits": private.get("totalUnits"),
        "remainingUnits": private.get("remainingUnits"),
    }
    optional = ("transactionId", "totalUnits", "remainingUnits")
    return {name: reply[name] for name in reply if reply[name] is not None or name not in optional}


@public.get("/stats/<reference>")
def show_stats(reference: str) -> dict[str, Any]:
    """How often a request was paid (the SDK). Errors: 400, 404."""
    payment = _find(reference)
    transactions = payment.details["transactions"]
    return {
        "totalPayments": len(transactions),
        "totalVolume": number(payment.amount * len(transactions), payment.currency),
        "uniqueUsers": len({transaction["handle"] for transaction in transactions}),
    }


# --- A payment request: made, shown, paid ------------------------------------------------------


def payload_sent() -> Any:
    return kit.json_body(kit.Refused(400, "Request body is not valid JSON"))


def new(payload: dict[str, Any], price_field: str) -> Payment:
    """``price_field``: the name of the field with the price's currency."""
    currency = rules.check_new(payload, price_field)
    lifetime, parameters = payload.get("expirationInSeconds"), custom_parameters(payload)
    units = {"never": None, "onPaymentCompleted": 1}.get(
        payload["expirationType"], payload.get("totalUnits")
    )
    return provider.new(
        reference=secrets.token_hex(12),
        external_id=next((each for each in parameters.values() if isinstance(each, str)), None),
        amount=sum(int(minor(each["sendAmount"], currency)) for each in payload["receivers"]),
        currency=currency,
        return_url=payload.get("redirectUrl", ""),
        lifetime=lifetime,
        details={
            "request": json.loads(json.dumps(payload, default=kit.plain)),
            "made": clock.now(),
            "expiresAt": _expires_at(clock.timestamp(), payload),
            "units": units,
            "transactions": [],
            "handle": "early_bird",  # who pays
        },
    )


def _expires_at(created_at: str, payload: dict[str, Any]) -> str | None:
    lifetime = payload.get("expirationInSeconds")
    if lifetime is None:
        return payload.get("expiresAt")
    return clock.timestamp(at=datetime.fromisoformat(created_at) + timedelta(seconds=lifetime))


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``old`` with what ``new`` says; what it does not mention stays, also deeper inside."""
    return old | {
        name: _merged(old.get(name, {}), each) if isinstance(each, dict) else each
        for name, each in json.loads(json.dumps(new, default=kit.plain)).items()
    }


def _find(reference: str) -> Payment:
    if not re.fullmatch(r"[0-9a-f]{24}", reference):
        raise rules.invalid("id", "must be a valid MongoDB ObjectId")
    payment = provider.find(reference)
    if payment is None or payment.status == "deleted":
        raise kit.Refused(int(provider.settings.sandbox_handcash_unknown_status), UNKNOWN)
    return payment


def page_of(payment: Payment) -> str:
    return f"{provider.settings.sandbox_url}/handcash/pay/{payment.reference}"


def shown(payment: Payment) -> dict[str, Any]:
    """A request as its app sees it (the SDK, and expirationType): amounts in *major* units."""
    sent, details = payment.details["request"], payment.details
    qr = f"{provider.settings.sandbox_url}/handcash/pay/api/paymentPreview/qr/{payment.reference}"
    reply = {
        "id": payment.reference,
        "paymentRequestUrl": page_of(payment),
        "paymentRequestQrCodeUrl": qr,
        "isEnabled": payment.status == "pending",
        "product": sent["product"],
        "currencyCode": sent["instrumentCurrencyCode"],
        "receivers": [
            {name: each[name] for name in ("sendAmount", "destination")}
            for each in sent["receivers"]
        ],
        "paymentAmount": {
            "currencyCode": payment.currency,
            "amount": number(payment.amount, payment.currency),
            "denominatedIn": payment.currency,
        },
    }
    if details["units"] is not None:
        reply |= {"totalUnits": details["units"], "remainingUnits": remaining_units(payment)}
    for name in ("priceBeforeDiscount", "shop", "notifications", "requestedUserData"):
        if name in sent:
            reply[name] = sent[name]
    if payment.return_url:
        reply["redirectUrl"] = payment.return_url
    return reply | {
        "expirationType": sent["expirationType"],
        "expiresAt": details["expiresAt"],
        "createdAt": payment.created_at,
        "enabledAt": sent.get("enabledAt", payment.created_at),
    }


def remaining_units(payment: Payment) -> int | None:
    """How often the request can still be paid; None: without limit."""
    units = payment.details["units"]
    return None if units is None else max(units - len(payment.details["transactions"]), 0)


@provider.pays
def complete(payment: Payment) -> list[Delivery]:
    """A wallet has paid: tell the shop. With the fault "pay twice", two have."""
    handle = payment.details["handle"]
    handles = [handle, f"{handle}_too"] if payment.fault == "pay_twice" else [handle]
    new = [{"id": secrets.token_hex(32), "handle": each} for each in handles]
    payment.details["transactions"] = payment.details["transactions"] + new
    payment.status = "pending"
    _close_if_used_up(payment)
    return [delivery for transaction in new for delivery in notify(payment, transaction)]


def _close_if_used_up(payment: Payment) -> None:
    if remaining_units(payment) == 0:
        payment.status, payment.timer = "completed", None


@provider.expires
def expire(payment: Payment) -> None:
    """The request can no longer be paid. No webhook says so."""
    payment.status, payment.timer = "expired", None


@provider.counts_taken
def taken(payment: Payment) -> int:
    return payment.amount * len(payment.details["transactions"])
