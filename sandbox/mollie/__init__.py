"""Mollie's API (docs.mollie.com, read 2026-11); refunds and the test page stand beside it."""

import re
import secrets
from http import HTTPStatus
from typing import Any

from flask import request

from ..kit import (
    Provider,
    Refused,
    Webhooks,
    commit,
    form_bytes,
    is_secret,
    is_text,
    is_web_address,
    json_body,
    major,
    minor,
)
from ..models import Delivery, Payment
from .settings import ASSUMPTIONS, MollieSettings

TITLES = {401: "Unauthorized Request", 422: "Unprocessable Entity"}  # others are as in HTTP
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
#: Attempts 1, 2, 4, 8, 16 and 29 minutes, 1, 2 and 22 hours after the one before (webhooks).
WEBHOOKS = Webhooks(
    retry_after=(60, 120, 240, 480, 960, 1740, 3600, 7200, 79200),
    lies={
        "tamper": {"id": "tr_forged"},
        "replay_other_order": {"id": lambda _payment, other: other.reference},
    },
    encode=form_bytes,
)


def envelope(error: Refused) -> dict[str, Any]:
    """handling-errors; ``field`` is there when one input is to blame."""
    title = TITLES.get(error.status) or HTTPStatus(error.status).phrase
    said = {"status": error.status, "title": title, "detail": error.message, **error.more}
    return said | {"_links": {"documentation": {"href": "https://docs.mollie.com/errors"}}}


provider = Provider(
    "mollie",
    "Mollie",
    settings=MollieSettings,
    assumptions=ASSUMPTIONS,
    open_in=("open",),
    paid_in=("paid",),
    envelope=envelope,
    errors={
        401: {"message": "Missing authentication, or failed to authenticate"},
        404: {"message": "No payment exists with this token."},
        **{status: {"message": "Please try again later."} for status in (500, 502, 503)},
    },
    cannot=(
        *("three_d_secure", "pay_twice", "wrong_environment"),
        *("wrong_amount", "no_amount", "null_amount", "wrong_currency"),
    ),
)


def authenticate() -> None:
    key = provider.settings.mollie_api_key.get_secret_value()
    if not is_secret(request.headers.get("Authorization", ""), f"Bearer {key}"):
        raise provider.refused(401)


api = provider.blueprint("api", "/v2/payments", login=authenticate)


@api.post("")
def create_payment() -> Any:
    """create-payment, api-idempotency."""
    sent = body()
    key = request.headers.get("Idempotency-Key", secrets.token_hex())
    used = Refused(400, "This Idempotency-Key has already been used.")
    return provider.create(
        lambda: provider.once(key, sent, lambda: _new(sent), used),
        page_of,
        lambda payment, page: (shown(payment, page), 201),
    )


@api.get("/<reference>")
def get_payment(reference: str) -> dict[str, Any]:
    """get-payment, with what ``embed`` names."""
    payment, embed = find(reference), request.args.get("embed", "").split(",")
    embedded = {kind: found for kind, found in payment.details["embedded"].items() if kind in embed}
    return shown(payment) | {"_embedded": embedded}


@api.delete("/<reference>")
def cancel_payment(reference: str) -> dict[str, Any]:
    """cancel-payment."""
    payment = find(reference)
    if payment.status != "open" or not provider.settings.sandbox_mollie_cancelable:
        raise Refused(422, "The payment cannot be cancelled")
    move(payment, "canceled")
    commit()
    return shown(payment)


def body() -> dict[str, Any]:
    sent = json_body(Refused(400, "The body is not JSON."))
    return sent if isinstance(sent, dict) else {}


def _new(sent: dict[str, Any]) -> Payment:
    if not is_text(sent.get("description")):
        raise Refused(422, "The 'description' field is missing", field="description")
    for field in ("redirectUrl", "webhookUrl"):
        if not is_web_address(sent.get(field)):
            raise Refused(422, f"The '{field}' is invalid", field=field)
    return provider.new(
        reference=f"tr_{secrets.token_hex(11)}",
        external_id=str(sent.get("metadata")),
        amount=read_amount(sent),
        currency=sent["amount"]["currency"],
        return_url=sent["redirectUrl"],
        lifetime=15 * 60,
        details={"sent": sent, "reason": None, "embedded": {"refunds": [], "chargebacks": []}},
    )


def read_amount(sent: dict[str, Any]) -> int:
    """:raise Refused: not an amount object with a text of two decimals."""
    amount = sent.get("amount")
    if not isinstance(amount, dict) or not is_text(amount.get("currency"), 3):
        raise Refused(422, "The amount does not contain a currency", field="amount.currency")
    if not re.fullmatch(r"\d{1,8}\.\d\d", str(amount.get("value")), re.ASCII):
        raise Refused(422, "The amount contains an invalid value", field="amount.value")
    return minor(amount["value"])


def find(reference: str) -> Payment:
    payment = provider.find(reference)
    if payment is None:
        raise provider.refused(404)
    return payment


def page_of(payment: Payment) -> str:
    return f"{provider.settings.sandbox_url}/mollie/checkout/{payment.reference}"


def money(amount: int, payment: Payment) -> dict[str, str]:
    return {"value": major(amount), "currency": payment.currency}


def shown(payment: Payment, page: str = "") -> dict[str, Any]:
    """A payment as get-payment has it; what is not there yet is left out."""
    sent, reason = payment.details["sent"], payment.details["reason"]
    found = {
        "resource": "payment",
        "id": payment.reference,
        "mode": "test",
        "createdAt": payment.created_at,
        "amount": money(payment.amount, payment),
        "status": payment.status,
        **{name: sent.get(name) for name in ("description", "metadata", "redirectUrl")},
        "_links": {},
    }
    if reason:
        found["details"] = {"failureReason": reason}
    if payment.status == "open":
        found["isCancelable"] = provider.settings.sandbox_mollie_cancelable
        found["_links"] = {"checkout": {"href": page or page_of(payment), "type": "text/html"}}
    return found


def move(payment: Payment, status: str) -> list[Delivery]:
    """handling-payment-status: every status but ``open`` calls the webhook. The caller commits."""
    payment.status, payment.timer = status, None
    return call_webhook(payment)


def call_webhook(payment: Payment, *, goes_back: bool = False) -> list[Delivery]:
    """webhooks: only the id, and no signature."""
    url, said = payment.details["sent"]["webhookUrl"], {"id": payment.reference}
    return WEBHOOKS.send(
        payment,
        f"id, {payment.status}",
        said,
        url=url,
        headers=lambda _body: HEADERS,
        goes_back=goes_back,
    )


@provider.pays
def pay(payment: Payment) -> list[Delivery]:
    return move(payment, "paid")


@provider.expires
def expire(payment: Payment) -> None:
    move(payment, "expired")
