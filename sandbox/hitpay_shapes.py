"""How HitPay's API and webhooks show payment requests, charges and QR codes (openapi.json)."""

import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from .models import Payment
from .old import settings

MERCHANT = "kiln-and-kettle"  # the account's name in addresses of hosted pages
RATE = Decimal("4.20")  # at which a payer's bank converts; made up
SINGAPORE = timezone(timedelta(hours=8))


def request_shown(payment: Payment) -> dict[str, Any]:
    """A payment request as the API shows it: amounts are text in *major* units."""
    details = payment.details
    reply = {
        "id": payment.reference,
        "name": details["name"],
        "email": details["email"],
        "phone": details["phone"],
        "amount": number(payment.amount),
        "currency": payment.currency.lower(),
        "is_currency_editable": False,
        "status": payment.status,
        "purpose": details["purpose"],
        "reference_number": details["reference_number"],
        "payment_methods": details["payment_methods"],
        "url": f"{settings().sandbox_url}/hitpay/payment-request/@{MERCHANT}/"
        f"{payment.reference}/checkout",
        "redirect_url": details["redirect_url"],
        "webhook": details["webhook"],
        "send_sms": False,
        "send_email": False,
        "sms_status": "pending",
        "email_status": "pending",
        "allow_repeated_payments": details["allow_repeated_payments"],
        "expiry_date": details["expiry_date"],
        "line_items": None,
        "executor_id": None,
        "created_at": local_time(at=datetime.fromisoformat(payment.created_at)),
        "updated_at": details["updated_at"],
        "staff_id": None,
        "business_location_id": None,
        "metadata": None,
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
        "amount": number(amount),
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
        "business_id": str(uuid.uuid5(uuid.NAMESPACE_OID, MERCHANT)),
        "channel": "payment_gateway",
        "customer_id": None,
        "status": charge["status"],
        "customer": {
            "name": details["name"],
            "email": details["email"],
            "phone_number": details["phone"],
        },
        "currency": charge["currency"],
        "amount": json_number(minor_units(charge["amount"])),
        "refunded_amount": json_number(minor_units(charge["refunded_amount"])),
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
            "amount": number(payment.amount),
            "reference_number": details["reference_number"],
            "purpose": details["purpose"],
        },
    }


def qr_address(reference: str) -> str:
    """What a QR code holds in HitPay's test system: the signed address of a pretended payment."""
    signature = qr_signature(reference)
    return f"{settings().sandbox_url}/hitpay/mock-payment/{reference}?signature={signature}"


def qr_signature(reference: str) -> str:
    key = settings().hitpay_api_key.get_secret_value().encode()
    return hmac.new(key, f"mock-payment {reference}".encode(), hashlib.sha256).hexdigest()


def number(minor: int) -> str:
    """Minor units as the text of major units: 4900 is "49.00"."""
    return str(Decimal(minor).scaleb(-2))


def minor_units(text: str) -> int:
    """The way back: "49.00" is 4900."""
    return int(Decimal(text).scaleb(2))


def json_number(minor: int) -> float:
    """Minor units as the JSON number of major units: 4999 is 49.99. Made only to be printed."""
    return float(number(minor))


def local_time(later: int = 0, at: datetime | None = None) -> str:
    """Singapore time without an offset, as in ``2026-05-21T16:57:25``."""
    moment = (at or datetime.now(UTC)) + timedelta(seconds=later)
    return moment.astimezone(SINGAPORE).strftime("%Y-%m-%dT%H:%M:%S")
