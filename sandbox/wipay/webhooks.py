"""A transaction as WAPI shows it, and the webhooks that carry it (webhooks/payments-api)."""

import hashlib
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .. import kit
from ..models import Delivery, Payment
from .fees import FEE_STRUCTURES, fee_of, final_total
from .settings import WiPaySettings

#: What a dispute is called in its event, and in a transaction's status_desc (an assumption).
CHARGEBACKS = {"opened": "pending", "lost": "processed", "won": "released"}

WEBHOOKS = kit.Webhooks(
    retry_after=(10, 30, 60, 120),  # an assumption
    amounts=("total", "total_credited"),
    lies={
        "wrong_environment": {
            "data.transaction_id": lambda payment, _other: payment.reference.removeprefix("SB-")
        },
        "wrong_amount": {"data.total": "0.01"},
        "wrong_currency": {"data.currency": kit.another_currency("USD", "TTD")},
        "replay_other_order": {"data.order_id": kit.of_other_order},
    },
    tamper=(rb'"total":"', b"1"),
)
GOES_BACK = ("payment.refunded", "payment.chargeback_pending", "payment.chargeback_processed")


def facts(payment: Payment) -> dict[str, Any]:
    """What both WAPI and the return say of a transaction."""
    details, form = payment.details, payment.details["form"]
    return {
        "card": details["card"],
        "currency": payment.currency,
        "customer_address": details["address"],
        "customer_email": form["email"],
        "customer_name": form["name"],
        "customer_phone": form["phone"],
        "data": details["data"],
        "message": details["message"],
        "order_id": payment.external_id,
        "status": payment.status,
        "total": kit.major(final_total(payment)),
        "transaction_id": payment.reference,
    }


def shown(payment: Payment) -> dict[str, Any]:
    """A transaction, by name of field; an incomplete one has fewer (wapi/transactions)."""
    form = payment.details["form"]
    everything = facts(payment) | {
        "currency_credited": payment.currency,
        "date": payment.details["date"] or f"{payment.created_at[:19]}+00:00",
        "fee_structure": FEE_STRUCTURES[form["fee_structure"]],
        "hash": hashlib.sha256(payment.reference.encode()).hexdigest(),
        "origin": f"Payment made through the plugin: {form['origin']}",
        "receiver": kit.settings_as(WiPaySettings).sandbox_merchant_name,
        "status_desc": _status_desc(payment),
        "total_credited": kit.major(final_total(payment) - fee_of(payment)),
    }
    missing = ("card", "customer_email", "hash", "message", "origin", "receiver", "total_credited")
    if payment.status == "incomplete":
        everything = {name: everything[name] for name in everything if name not in missing}
    return dict(sorted(everything.items()))


def _status_desc(payment: Payment) -> str:
    if payment.status == "incomplete":
        return "Transaction Incomplete"
    if dispute := payment.details.get("dispute"):
        return f"Chargeback {CHARGEBACKS[dispute].capitalize()}"
    return "Refunded" if payment.refunded else "Normal"


def notify(payment: Payment, event: str, meta: Mapping[str, str] | None = None) -> list[Delivery]:
    """Store a webhook about a transaction as it is now; none where no endpoint is registered."""
    ours = kit.settings_as(WiPaySettings)
    secret, key, stamp = (
        kit.first_of(ours.wipay_webhook_secret),
        str(uuid.uuid4()),
        int(time.time()),
    )
    if not secret or payment.details["saves_card"]:
        return []
    said = {
        "id": key,
        "api_family": "payments_api",
        "event": event,
        "occurred_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": shown(payment),
        "meta": meta or {},
    }
    return WEBHOOKS.send(
        payment,
        event,
        said,
        url=ours.wipay_webhook_url,
        headers=lambda body: {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-WiPay-Webhook-Event": event,
            "X-WiPay-Webhook-Id": key,
            "X-WiPay-Webhook-Signature": sign(body, str(stamp), secret, ours.sandbox_wipay_signs),
            "X-WiPay-Webhook-Timestamp": str(stamp),
            "X-WiPay-Webhook-Version": "v1",
        },
        final=event != "payment.created",
        goes_back=event in GOES_BACK,
    )


def sign(body: bytes, timestamp: str, secret: str, signs: str) -> str:
    """``sha256=`` and the hex of HMAC-SHA256 over the raw body, or time stamp, dot and body."""
    signed = body if signs == "body" else timestamp.encode() + b"." + body
    return f"sha256={kit.hmac_sha256(secret, signed)}"
