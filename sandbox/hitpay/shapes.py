"""How HitPay's API and webhooks show payment requests, charges and QR codes (openapi.json)."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .. import clock
from ..kit import hmac_sha256, major, settings, settings_as
from ..models import Payment
from .settings import HitPaySettings

MERCHANT = "kiln-and-kettle"  # the account's name in addresses of hosted pages
BUSINESS = str(uuid.uuid5(uuid.NAMESPACE_OID, MERCHANT))
RATE = Decimal("4.20")  # at which a payer's bank converts; made up
SINGAPORE = timezone(timedelta(hours=8))


def request_shown(payment: Payment) -> dict[str, Any]:
    """A payment request as the API shows it: amounts are text in *major* units."""
    details = payment.details
    reply = {
        "id": payment.reference,
        **{name: details[name] for name in ("name", "email", "phone")},
        "amount": major(payment.amount),
        "currency": payment.currency.lower(),
        "is_currency_editable": False,
        "status": payment.status,
        **{name: details[name] for name in ("purpose", "reference_number", "payment_methods")},
        "url": page_of(payment),
        **{name: details[name] for name in ("redirect_url", "webhook")},
        **{name: bool(details.get(name)) for name in ("send_sms", "send_email")},
        "sms_status": "pending",
        "email_status": "pending",
        "allow_repeated_payments": details["allow_repeated_payments"],
        "expiry_date": details["expiry_date"],
        "line_items": None,
        "executor_id": None,
        "created_at": local_time(at=datetime.fromisoformat(payment.created_at)),
        "updated_at": details["updated_at"],
        **dict.fromkeys(("staff_id", "business_location_id")),
        "metadata": details.get("metadata"),
    }
    return reply | ({"payments": details["payments"]} if details["payments"] else {})


def entry(payment: Payment, status: str, method: str) -> dict[str, Any]:
    """One of the request's ``payments`` (apis/payment-request/get-payment-status)."""
    amount, currency = payment.amount, payment.currency
    if status == "succeeded" and payment.fault == "other_currency":
        amount, currency = converted(payment)
    made: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "quantity": 1,
        "status": status,
        "buyer_name": payment.details["name"],
        "buyer_phone": payment.details["phone"],
        "buyer_email": payment.details["email"],
        "currency": currency.lower(),
        "amount": major(amount),
        "refunded_amount": "0.00",
        "payment_type": method,
        "fees": "0.00",
        "created_at": local_time(),
        "updated_at": local_time(),
    }
    if status == "failed":
        made |= {"status_reason": "Card declined", "status_reason_code": "card_declined"}
    return made


def converted(payment: Payment) -> tuple[int, str]:
    """What the payer's bank makes of a request: minor units, and another currency."""
    return int(payment.amount * RATE), "MYR" if payment.currency != "MYR" else "SGD"


def charge_shown(payment: Payment, charge: dict[str, Any]) -> dict[str, Any]:
    """An entry of ``payments`` as a charge: amounts are numbers (apis/guide/events)."""
    details = payment.details
    return {
        "id": charge["id"],
        "business_id": BUSINESS,
        "channel": "payment_gateway",
        "customer_id": None,
        "status": charge["status"],
        "customer": {
            "name": details["name"],
            "email": details["email"],
            "phone_number": details["phone"],
        },
        "currency": charge["currency"],
        "amount": float(charge["amount"]),
        "refunded_amount": float(charge["refunded_amount"]),
        "refunded_at": charge.get("refunded_at"),
        "fixed_fee": 0,
        "discount_fee": 0,
        "discount_fee_rate": 0,
        "failed_reason": charge.get("status_reason"),
        "payment_method": {"code": charge["payment_type"]},
        "payment_request_id": payment.reference,
        "payment_request": {
            "id": payment.reference,
            "status": payment.status,
            "amount": major(payment.amount),
            "reference_number": details["reference_number"],
            "purpose": details["purpose"],
        },
    }


def created(payment: Payment) -> dict[str, Any]:
    """The same in the answer that made it: with its QR code (embedded-qr-code-payments)."""
    code, expiry = payment.details["qr_code"], payment.details["expiry_date"]
    if not code:
        return request_shown(payment)
    if expiry:
        expiry = clock.timestamp("seconds", datetime.fromisoformat(f"{expiry}+08:00"))
    data = {"qr_code": code, "qr_code_expiry": expiry, "qr_image_mime": None}
    return request_shown(payment) | {"qr_code_data": data}


def page_of(payment: Payment) -> str:
    path = f"/hitpay/payment-request/@{MERCHANT}/{payment.reference}/checkout"
    return settings().sandbox_url + path


def qr_address(reference: str) -> str:
    """What a QR code holds in HitPay's test system: the signed address of a pretended payment."""
    signature = qr_signature(reference)
    return f"{settings().sandbox_url}/hitpay/mock-payment/{reference}?signature={signature}"


def qr_signature(reference: str) -> str:
    key = settings_as(HitPaySettings).hitpay_api_key.get_secret_value()
    return hmac_sha256(key, f"mock-payment {reference}".encode())


def local_time(later: int = 0, at: datetime | None = None) -> str:
    """Singapore time without an offset, as in ``2026-05-21T16:57:25``."""
    moment = (at or datetime.now(UTC)) + timedelta(seconds=later)
    return singapore_time(moment).strftime("%Y-%m-%dT%H:%M:%S")


def singapore_time(moment: datetime) -> datetime:
    """The same moment, with Singapore's offset of eight hours."""
    return moment.astimezone(SINGAPORE)
