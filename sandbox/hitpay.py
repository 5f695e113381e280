"""HitPay's payment requests and webhooks, as its documentation and its own plugins show them.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07); pages are named where followed.
The hosted page is in ``hitpay_page.py``. What the documentation leaves open is a setting
``SANDBOX_HITPAY_…``, or one of :data:`ASSUMPTIONS`.
"""

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from sqlalchemy import select

from . import clock, deliveries, faults
from .background import commit
from .config import settings
from .models import Delivery, Payment, control, db

NAME, TITLE = "hitpay", "HitPay"
MERCHANT = "kiln-and-kettle"  # the account's name in addresses of hosted pages
RETRY_AFTER = (60, 300, 1800, 7200)  # seconds; an assumption
SMALLEST, LARGEST = Decimal("0.3"), Decimal("999999999.99")  # openapi.json
SINGAPORE = timezone(timedelta(hours=8))
PAYNOW = "paynow_online"

ASSUMPTIONS = (
    "A missing or wrong key is answered 401 with the message “Invalid Business API Key”.",
    "A 422 repeats its first field error as the message, as the newer of two examples does.",
    "reference_number may be used again: each call makes another payment request.",
    "PayNow is offered for SGD only. Amounts have at most two decimals.",
    "expires_after counts minutes, hours or days; without it a page never expires.",
    "http:// addresses are accepted for redirect_url and webhook.",
    "expiry_date, metadata, address and unknown fields are accepted and not used; a page takes one "
    "payment. QR codes, direct links, lists, changes and refunds are not offered.",
    "A request that was deleted is kept as “canceled”; only a pending one can be deleted, another "
    "is answered 422.",
    "Cancel on the page leads back with status “canceled”; the request stays pending and payable.",
    "A page that ended without success leads back with the request's status.",
    "A declined card is told with an empty payment_id and status “failed”, as in the sample for "
    "terminals.",
    "The endpoint is registered for payment_request.completed and .failed; expiry and cancel send "
    "nothing.",
    "Any 2xx answer ends a delivery; retries come after 1, 5, 30 and 120 minutes.",
    "A card number that is no test card is refused on the page.",
)

#: The older docs.html lists 401 and 500; the bodies are an assumption.
ERRORS = {
    "401": (401, "Invalid Business API Key"),
    "500": (500, "Server Error"),
    "502": (502, "Bad Gateway"),
    "503": (503, "Service Unavailable"),
}

UNITS = {"min": 60, "minute": 60, "hour": 3600, "day": 86400}  # of expires_after, in seconds

bp = Blueprint("hitpay", __name__, url_prefix="/hitpay/v1")


class Refused(Exception):
    """The API answers with an error: HTTP status, message, and for 422 the fields."""

    def __init__(
        self, status: int, message: str, errors: Mapping[str, list[str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


@bp.errorhandler(Refused)
def answer_error(error: Refused) -> tuple[dict[str, Any], int]:
    """``message``, and for 422 ``errors`` (openapi.json)."""
    db.session.rollback()
    body: dict[str, Any] = {"message": error.message}
    return body | ({"errors": error.errors} if error.errors else {}), error.status


# --- The API: apis/payment-request, openapi.json -----------------------------------------------


@bp.post("/payment-requests")
def create_request() -> Any:
    """Make a payment request, from a form or JSON. Errors: 401, 422."""
    _authenticate()
    fault = faults.take_create_fault()
    if fault == "timeout_before":
        faults.hang()
        raise Refused(*ERRORS["503"])
    if fault in ERRORS:
        raise Refused(*ERRORS[fault])
    if fault == "html":
        return "<!doctype html><title>HitPay</title><p>We are back soon."

    payment = _create(_sent())
    reply = shown(payment)
    if fault == "timeout_after":
        faults.hang()
    elif fault == "foreign_redirect":
        reply["url"] = f"https://pay.example.invalid/{payment.reference}"
    elif fault == "early_webhook":
        for delivery in succeed(payment, "card"):
            deliveries.send_now(delivery)
    return reply


@bp.get("/payment-requests/<reference>")
def get_request(reference: str) -> dict[str, Any]:
    """One payment request, with its ``payments`` once there are any. Errors: 401, 404."""
    _authenticate()
    return shown(_payment(reference))


@bp.delete("/payment-requests/<reference>")
def delete_request(reference: str) -> dict[str, Any]:
    """Close a payment request for good. Errors: 401, 404, 422."""
    _authenticate()
    payment = _payment(reference)
    if payment.status != "pending":
        raise Refused(422, f"A {payment.status} payment request cannot be deleted.")
    end(payment, "canceled")
    commit()
    return {"success": True}


# --- What a request must be --------------------------------------------------------------------


def _authenticate() -> None:
    """The key in a header of its own (apis/overview)."""
    given = request.headers.get("X-BUSINESS-API-KEY", "")
    expected = settings().hitpay_api_key.get_secret_value()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused(*ERRORS["401"])


def _sent() -> dict[str, Any]:
    """The fields that were sent, by name; ``payment_methods`` as a list."""
    if request.is_json:
        try:
            fields = json.loads(request.get_data(), parse_float=Decimal)
        except (ValueError, RecursionError):
            fields = None
        return fields if isinstance(fields, dict) else {}
    form = request.form.items(multi=True)
    methods = [value for name, value in form if re.fullmatch(r"payment_methods\[\d*\]", name)]
    return request.form.to_dict() | ({"payment_methods": methods} if methods else {})


class _Fields:
    """Reads the fields of a create call, and gathers what is wrong with them."""

    def __init__(self, sent: dict[str, Any]) -> None:
        self.sent = sent
        self.errors: dict[str, list[str]] = {}

    def wrong(self, field: str, sentence: str) -> None:
        self.errors.setdefault(field, []).append(sentence)

    def text(self, field: str, pattern: str = r".{1,255}", fault: str = "is invalid") -> str | None:
        """A text that the pattern allows; None when it was not sent."""
        value = self.sent.get(field)
        if value is None:
            return None
        if isinstance(value, str) and value.isprintable() and re.fullmatch(pattern, value):
            return value
        self.wrong(field, f"The {field.replace('_', ' ')} {fault}.")
        return None

    def address(self, field: str) -> str | None:
        value = self.text(field, r"https?://[\w.-]+(:\d+)?(/[!-~]*)?", "must be a valid URL")
        if value and len(value) > 1028:
            self.wrong(field, f"The {field.replace('_', ' ')} is too long.")
        return value

    def amount(self) -> int:
        """Minor units."""
        value = self.sent.get("amount")
        if value in (None, ""):
            self.wrong("amount", "The amount field is required.")
            return 0
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", str(value)):
            self.wrong("amount", "The amount must be a number.")
            return 0
        amount = Decimal(str(value))
        if not SMALLEST <= amount <= LARGEST:
            self.wrong("amount", "The amount must be between 0.3 and 999999999.99.")
        return int(amount.scaleb(2))

    def currency(self) -> str:
        value = self.sent.get("currency")
        if value in (None, ""):
            self.wrong("currency", "The currency field is required.")
        elif (
            not isinstance(value, str) or value.upper() not in settings().sandbox_hitpay_currencies
        ):
            self.wrong("currency", "The selected currency is invalid.")
        else:
            return value.upper()
        return ""

    def methods(self, currency: str) -> list[str]:
        """Those that were named and are enabled; without a name, all that take the currency."""
        enabled = settings().sandbox_hitpay_payment_methods
        usable = [each for each in enabled if currency == "SGD" or each != PAYNOW]
        chosen = self.sent.get("payment_methods") or list(enabled)
        if not isinstance(chosen, list) or not set(map(str, chosen)) <= set(enabled):
            self.wrong("payment_methods", "The selected payment methods is invalid.")
            return []
        chosen = [each for each in usable if each in chosen]
        if not chosen:
            self.wrong("payment_methods", "The selected payment methods is invalid.")
        return chosen

    def lifetime(self) -> int | None:
        """Seconds, from ``expires_after``."""
        value = self.text("expires_after", r"[0-9]{1,6} ?(min|minute|hour|day)s?")
        if value is None:
            return None
        number, unit = re.findall(r"[0-9]+|[a-z]+", value)
        return int(number) * UNITS[unit.removesuffix("s")]


# --- A payment request: made, shown, moved on --------------------------------------------------


def _create(sent: dict[str, Any]) -> Payment:
    """:raise Refused: 422, with a sentence for each field that is wrong."""
    fields = _Fields(sent)
    currency = fields.currency()
    lifetime = fields.lifetime()
    details: dict[str, Any] = {
        "name": fields.text("name"),
        "email": fields.text("email", r"[^@\s]+@[^@\s]+", "must be a valid email address"),
        "phone": fields.text("phone"),
        "purpose": fields.text("purpose"),
        "reference_number": fields.text("reference_number"),
        "payment_methods": fields.methods(currency) if currency else [],
        "redirect_url": fields.address("redirect_url"),
        "webhook": fields.address("webhook"),
        "allow_repeated_payments": str(sent.get("allow_repeated_payments")).lower() == "true",
        "expiry_date": None,
        "updated_at": _local_time(),
        "payments": [],
        "declines": 0,  # cards that the page was given in vain
    }
    if lifetime:
        details["expiry_date"] = _local_time(lifetime)
    amount = fields.amount()
    if fields.errors:
        first = next(iter(fields.errors.values()))[0]
        raise Refused(422, first, fields.errors)
    payment = Payment(
        provider=NAME,
        reference=str(uuid.uuid4()),
        external_id=details["reference_number"],
        amount=amount,
        currency=currency,
        refunded=0,
        status="pending",
        return_url=details["redirect_url"] or "",
        created_at=clock.timestamp(),
        timer=clock.now() + lifetime if lifetime else None,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        details=details,
    )
    db.session.add(payment)
    commit()
    return payment


def _payment(reference: str) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    if payment is None:
        raise Refused(
            404, f"No query results for model [App\\Business\\PaymentRequest] {reference}"
        )
    return payment


def shown(payment: Payment) -> dict[str, Any]:
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
        "created_at": _local_time(at=datetime.fromisoformat(payment.created_at)),
        "updated_at": details["updated_at"],
        "staff_id": None,
        "business_location_id": None,
        "metadata": None,
    }
    return reply | ({"payments": details["payments"]} if details["payments"] else {})


def number(minor: int) -> str:
    """Minor units as the text of major units: 4900 is "49.00"."""
    return str(Decimal(minor).scaleb(-2))


def end(payment: Payment, status: str) -> None:
    """The page is over. Nobody is told by that alone. The caller commits."""
    payment.status = status
    payment.timer = None
    payment.details["updated_at"] = _local_time()


def succeed(payment: Payment, method: str) -> list[Delivery]:
    """The money is taken, and the shop told; with the fault "pay twice", two payments are told."""
    end(payment, "completed")
    sent = []
    for _ in range(2 if payment.fault == "pay_twice" else 1):
        _add_entry(payment, "succeeded", method)
        sent += notify(payment, "completed")
    return sent


def decline(payment: Payment) -> list[Delivery]:
    """A card was refused: final once the page has taken as many as it accepts."""
    payment.details["declines"] += 1
    _add_entry(payment, "failed", "card")
    if payment.details["declines"] >= settings().sandbox_hitpay_attempts:
        end(payment, "failed")
    elif not settings().sandbox_hitpay_send_declines:
        return []
    return notify(payment, "failed")


def timer_rang(payment: Payment) -> None:
    """The hosted page has reached its end, or the fault "pay late" its moment."""
    if payment.status == "expired":
        succeed(payment, "card")
    else:
        end(payment, "expired")


def _add_entry(payment: Payment, status: str, method: str) -> None:
    """One more of the request's ``payments`` (apis/payment-request/get-payment-status)."""
    entry: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "quantity": 1,
        "status": status,
        "buyer_name": payment.details["name"],
        "buyer_phone": payment.details["phone"],
        "buyer_email": payment.details["email"],
        "currency": payment.currency.lower(),
        "amount": number(payment.amount),
        "refunded_amount": "0.00",
        "payment_type": method,
        "fees": "0.00",
        "created_at": _local_time(),
        "updated_at": _local_time(),
    }
    if status == "failed":
        entry |= {"status_reason": "Card declined", "status_reason_code": "card_declined"}
    payment.details["payments"] = [*payment.details["payments"], entry]


def _local_time(later: int = 0, at: datetime | None = None) -> str:
    """Singapore time without an offset, as in ``2026-05-21T16:57:25``."""
    moment = (at or datetime.now(UTC)) + timedelta(seconds=later)
    return moment.astimezone(SINGAPORE).strftime("%Y-%m-%dT%H:%M:%S")


# --- Webhooks: docs/webhooks (version 1), apis/guide/events (version 2) ------------------------


def notify(payment: Payment, word: str) -> list[Delivery]:
    """Store the webhooks that say ``completed`` or ``failed``: of each version that is switched on.

    Version 1 goes to the request's own ``webhook``, version 2 to the registered endpoint.
    """
    versions, sent = settings().sandbox_hitpay_webhooks, []
    if versions != "v2" and payment.details["webhook"]:
        sent += _enqueue(
            payment,
            f"v1 {word}",
            url=payment.details["webhook"],
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=_form(payment, word),
        )
    if versions != "v1":
        body = _event(payment, word)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "HitPay v2.0",
            "Hitpay-Event-Type": word,
            "Hitpay-Event-Object": "payment_request",
            "Hitpay-Signature": sign(
                body, _first(settings().hitpay_webhook_salt.get_secret_value())
            ),
        }
        if payment.delivery_fault == "tamper":
            body = body.replace(b'"amount":"', b'"amount":"1', 1)
        sent += _enqueue(
            payment,
            f"payment_request.{word}",
            url=settings().hitpay_webhook_url,
            headers=headers,
            body=body,
        )
    return sent


def sign(signed: bytes, salt: str) -> str:
    """Lower-case hex of HMAC-SHA256: over the raw body, or over what :func:`joined` makes."""
    return hmac.new(salt.encode(), signed, hashlib.sha256).hexdigest()


def joined(fields: Mapping[str, str]) -> bytes:
    """Name and value of every field, sorted by name, nothing between; empty ones stay."""
    return "".join(name + fields[name] for name in sorted(fields)).encode("utf-8", "replace")


def _enqueue(payment: Payment, event: str, **parts: Any) -> list[Delivery]:
    settled = payment.status != "pending"
    return deliveries.enqueue(payment, event, **parts, retry_after=RETRY_AFTER, last_word=settled)


def _form(payment: Payment, word: str) -> bytes:
    """Version 1: fields in the order of the sample, signed with the salt of the API key."""
    said = _said(payment)
    fields = {
        "payment_id": payment.details["payments"][-1]["id"] if word == "completed" else "",
        "payment_request_id": payment.reference,
        "reference_number": said["reference_number"] or "",
        "phone": payment.details["phone"] or "",
        "amount": said["amount"],
        "currency": said["currency"],
        "status": word,
    }
    if word == "failed":
        fields["error_message"] = "Card declined"
    signature = sign(joined(fields), _first(settings().hitpay_salt.get_secret_value()))
    if payment.delivery_fault == "tamper":
        fields["amount"] = f"1{fields['amount']}"
    return urlencode(fields | {"hmac": signature}, errors="replace").encode()


def _event(payment: Payment, word: str) -> bytes:
    """Version 2: the payment request as ``GET`` shows it, but with the currency in capitals."""
    event = shown(payment) | _said(payment) | {"status": word}
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")  # JSON can name characters that UTF-8 cannot write


def _said(payment: Payment) -> dict[str, Any]:
    """What both versions say of the money and the order, true or as the fault has it."""
    said = {
        "amount": number(payment.amount),
        "currency": payment.currency,
        "reference_number": payment.details["reference_number"],
    }
    match payment.delivery_fault:
        case "wrong_amount":
            said["amount"] = number(1)
        case "wrong_currency":
            said["currency"] = "USD" if payment.currency != "USD" else "SGD"
        case "replay_other_order":
            said["reference_number"] = _other_reference(payment)
    return said


def _other_reference(payment: Payment) -> str | None:
    """Of the newest other payment request that is still open; failing that, of any other."""
    open_first = (Payment.status == "pending").desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == NAME, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return (other or payment).external_id


def _first(salts: str) -> str:
    return salts.split(",")[0].strip()
