"""HitPay's payment requests, as its documentation and its own plugins show them.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07); pages are named where followed.
Beside this: ``hitpay_page.py`` (the hosted page), ``hitpay_drop_in.py``, ``hitpay_qr.py``,
``hitpay_refunds.py``, ``hitpay_webhooks.py``. What the documentation leaves open is a setting
``SANDBOX_HITPAY_…``, or one of :data:`ASSUMPTIONS`.
"""

import hmac
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import func, or_, select

from . import clock, faults
from .background import commit
from .hitpay_shapes import entry, local_time, minor_units, qr_address, request_shown
from .hitpay_webhooks import tell_request
from .models import Delivery, Payment, control, db
from .old import settings

NAME, TITLE = "hitpay", "HitPay"
SMALLEST, LARGEST = Decimal("0.3"), Decimal("999999999.99")  # openapi.json
PAYNOW = "paynow_online"

ASSUMPTIONS = (
    "A missing or wrong key is answered 401 with the message “Invalid Business API Key”.",
    "A 422 repeats its first field error as the message, as the newer of two examples does.",
    "reference_number may be used again: each call makes another payment request.",
    "PayNow is offered for SGD only. Amounts have at most two decimals.",
    "expires_after counts minutes, hours or days, and goes before expiry_date, which is taken for "
    "every request; with neither a page never expires.",
    "http:// addresses are accepted for redirect_url and webhook.",
    "metadata, address and unknown fields are accepted and not used; a page takes one payment. "
    "Direct links are not offered.",
    "A QR code ends with its request, told as UTC with a Z, and is told once, in the answer that "
    "made it. It can still be paid when the request was deleted.",
    "PUT changes what it names and leaves the rest; only a pending request can be changed, another "
    "is answered 422. It answers with the request.",
    "A request that was deleted is kept as “canceled”; only a pending one can be deleted, another "
    "is answered 422.",
    "A list is answered newest first, as data, links and meta.",
    "Refunds succeed at once, several to a charge; what is more than remains, or a charge that is "
    "not paid, is answered 422. A request stays “completed”, its payment says “refunded”.",
    "The drop-in's messages carry only their type, and an error's text; the frame takes the shop "
    "at BASE_URL, and the default link only with a payment request.",
    "Cancel on the page leads back with status “canceled”; the request stays pending and payable.",
    "A page that ended without success leads back with the request's status.",
    "A declined card is told with an empty payment_id and status “failed”, as in the sample for "
    "terminals.",
    "The endpoint is registered for payment_request.completed, .failed and charge.updated, which "
    "is sent for refunds only; expiry and cancel send nothing.",
    "A charge may be in another currency than its request (a bank converts; the rate is made up). "
    "Webhooks of version 1 then name the charge's amount and currency, those of version 2 the "
    "request's, with the charge inside.",
    "A request that is paid can be paid once more by a QR code that was drawn: another charge, "
    "told as completed again. A refund made on the dashboard is told as one by API is.",
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

#: Undocumented; names of people hold nearly every other character. Half a surrogate pair is none.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

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
    fault = faults.strike_create("HitPay", ERRORS, Refused)
    payment = _create(sent_fields())
    reply = request_shown(payment) | _qr_code_data(payment)
    if fault == "foreign_redirect":
        reply["url"] = f"{faults.FOREIGN_PAGE}/{payment.reference}"
    method = payment.details["payment_methods"][0]
    faults.finish_create(fault, lambda: succeed(payment, method))
    return reply


@bp.get("/payment-requests")
def list_requests() -> dict[str, Any]:
    """The newest first: ``per_page`` (10, at most 100), ``current_page``, ``search``. Errors: 401.

    ``search`` is a part of the e-mail address, the id or the reference number.
    """
    per_page = min(max(request.args.get("per_page", 10, type=int), 1), 100)
    page = max(request.args.get("current_page", 1, type=int), 1)
    found = select(Payment).where(Payment.provider == NAME)
    if word := request.args.get("search"):
        email = func.json_extract(Payment.details, "$.email")
        columns = (email, Payment.reference, Payment.external_id)
        found = found.where(or_(*(each.contains(word, autoescape=True) for each in columns)))
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    newest = found.order_by(Payment.id.desc()).limit(per_page).offset((page - 1) * per_page)
    last_page = max(-(-total // per_page), 1)

    def link(number: int) -> str | None:
        if not 1 <= number <= last_page:
            return None
        path = url_for(".list_requests", current_page=number, per_page=per_page, search=word)
        return settings().sandbox_url + path

    return {
        "data": [request_shown(payment) for payment in db.session.scalars(newest)],
        "links": {
            "first": link(1),
            "last": link(last_page),
            "prev": link(page - 1),
            "next": link(page + 1),
        },
        "meta": {
            "current_page": page,
            "last_page": last_page,
            "per_page": per_page,
            "total": total,
        },
    }


@bp.get("/payment-requests/<reference>")
def get_request(reference: str) -> dict[str, Any]:
    """One payment request, with its ``payments`` once there are any. Errors: 401, 404."""
    return request_shown(_payment(reference))


@bp.put("/payment-requests/<reference>")
def change_request(reference: str) -> dict[str, Any]:
    """Change an open payment request; ``amount`` and ``currency`` are required.

    Errors: 401, 404, 422.
    """
    payment = _open_payment(reference, "changed")
    sent = sent_fields()
    values, lifetime = _read(sent)
    details = values.pop("details")
    for name, value in values.items():
        setattr(payment, name, value)
    payment.details.update({name: value for name, value in details.items() if name in sent})
    payment.external_id = payment.details["reference_number"]
    payment.return_url = payment.details["redirect_url"] or ""
    payment.details["updated_at"] = local_time()
    if lifetime:
        payment.details["expiry_date"] = local_time(lifetime)
        payment.timer = clock.now() + lifetime
    commit()
    return request_shown(payment)


@bp.delete("/payment-requests/<reference>")
def delete_request(reference: str) -> dict[str, Any]:
    """Close a payment request for good. Errors: 401, 404, 422."""
    end(_open_payment(reference, "deleted"), "canceled")
    commit()
    return {"success": True}


# --- What a request must be --------------------------------------------------------------------


@bp.before_request
def authenticate() -> None:
    """The key in a header of its own (apis/overview)."""
    given = request.headers.get("X-BUSINESS-API-KEY", "")
    expected = settings().hitpay_api_key.get_secret_value()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused(*ERRORS["401"])


def sent_fields() -> dict[str, Any]:
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
        if isinstance(value, str) and not CONTROL.search(value) and re.fullmatch(pattern, value):
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
        return minor_units(str(amount))

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
        """Seconds, from ``expires_after`` or ``expiry_date``."""
        value = self.text("expires_after", r"[0-9]{1,6} ?(min|minute|hour|day)s?")
        if value is not None:
            number, unit = re.findall(r"[0-9]+|[a-z]+", value)
            return int(number) * UNITS[unit.removesuffix("s")]
        value = self.text("expiry_date")
        if value is None:
            return None
        try:
            ends = datetime.strptime(f"{value} +0800", "%Y-%m-%d %H:%M:%S %z")
        except ValueError:
            self.wrong("expiry_date", "The expiry date does not match the format Y-m-d H:i:s.")
            return None
        seconds = round((ends - datetime.now(UTC)).total_seconds())
        if seconds <= 0:
            self.wrong("expiry_date", "The expiry date must be a date after now.")
        return seconds

    def generate_qr(self, methods: list[str]) -> bool:
        wanted = str(self.sent.get("generate_qr")).lower() in ("true", "1")
        if wanted and methods != [PAYNOW]:
            self.wrong("generate_qr", "A QR code needs exactly one payment method that has them.")
        return wanted


# --- A payment request: made, moved on ---------------------------------------------------------


def _read(sent: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """What create and change calls have in common: columns, and the lifetime in seconds.

    :raise Refused: 422, with a sentence for each field that is wrong.
    """
    fields = _Fields(sent)
    currency = fields.currency()
    lifetime = fields.lifetime()
    methods = fields.methods(currency) if currency else []
    details: dict[str, Any] = {
        "name": fields.text("name"),
        "email": fields.text("email", r"[^@\s]+@[^@\s]+", "must be a valid email address"),
        "phone": fields.text("phone"),
        "purpose": fields.text("purpose"),
        "reference_number": fields.text("reference_number"),
        "payment_methods": methods,
        "redirect_url": fields.address("redirect_url"),
        "webhook": fields.address("webhook"),
        "allow_repeated_payments": str(sent.get("allow_repeated_payments")).lower() == "true",
        "generate_qr": fields.generate_qr(methods),
    }
    amount = fields.amount()
    if fields.errors:
        first = next(iter(fields.errors.values()))[0]
        raise Refused(422, first, fields.errors)
    return {"amount": amount, "currency": currency, "details": details}, lifetime


def _create(sent: dict[str, Any]) -> Payment:
    """:raise Refused: 422, with a sentence for each field that is wrong."""
    values, lifetime = _read(sent)
    reference = str(uuid.uuid4())
    ends = clock.now() + lifetime if lifetime else None
    values["details"] |= {
        "expiry_date": local_time(lifetime) if lifetime else None,
        "updated_at": local_time(),
        "payments": [],
        "declines": 0,  # cards that the page was given in vain
        "qr_code": qr_address(reference) if values["details"]["generate_qr"] else None,
        "qr_ends": ends,  # clock.now(), whatever becomes of the request
    }
    payment = Payment(
        provider=NAME,
        reference=reference,
        external_id=values["details"]["reference_number"],
        refunded=0,
        status="pending",
        return_url=values["details"]["redirect_url"] or "",
        created_at=clock.timestamp(),
        timer=ends,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        **values,
    )
    db.session.add(payment)
    commit()
    return payment


def _qr_code_data(payment: Payment) -> dict[str, Any]:
    """What a QR code adds to the answer (apis/guide/embedded-qr-code-payments)."""
    code = payment.details["qr_code"]
    if not code:
        return {}
    expiry = None
    if payment.details["expiry_date"]:
        local = datetime.fromisoformat(f"{payment.details['expiry_date']}+08:00")
        expiry = local.astimezone(UTC).isoformat().replace("+00:00", "Z")
    data = {"qr_code": code, "qr_code_expiry": expiry, "qr_image_mime": None}
    return {"qr_code_data": data}


def _payment(reference: str) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    if payment is None:
        raise Refused(
            404, f"No query results for model [App\\Business\\PaymentRequest] {reference}"
        )
    return payment


def _open_payment(reference: str, verb: str) -> Payment:
    payment = _payment(reference)
    if payment.status != "pending":
        raise Refused(422, f"A {payment.status} payment request cannot be {verb}.")
    return payment


def end(payment: Payment, status: str) -> None:
    """The page is over. Nobody is told by that alone. The caller commits."""
    payment.status = status
    payment.timer = None
    payment.details["updated_at"] = local_time()


def succeed(payment: Payment, method: str) -> list[Delivery]:
    """The money is taken, and the shop told; with the fault "pay twice", two payments are told."""
    end(payment, "completed")
    sent = []
    for _ in range(2 if payment.fault == "pay_twice" else 1):
        sent += add_charge(payment, method)
    return sent


def add_charge(payment: Payment, method: str) -> list[Delivery]:
    """The request is paid, for the first time or once more. The caller commits."""
    _add_entry(payment, "succeeded", method)
    return tell_request(payment, "completed")


def decline(payment: Payment, method: str) -> list[Delivery]:
    """A card was refused: final once the page has taken as many as it accepts."""
    payment.details["declines"] += 1
    _add_entry(payment, "failed", method)
    if payment.details["declines"] >= settings().sandbox_hitpay_attempts:
        end(payment, "failed")
    elif not settings().sandbox_hitpay_send_declines:
        return []
    return tell_request(payment, "failed")


def timer_rang(payment: Payment) -> None:
    """The hosted page has reached its end, or the fault "pay late" its moment."""
    if payment.status == "expired":
        succeed(payment, payment.details["payment_methods"][0])
    else:
        end(payment, "expired")


def taken(payment: Payment) -> int:
    """Minor units that were taken, whatever was given back since."""
    return sum(
        minor_units(each["amount"])
        for each in payment.details["payments"]
        if each["status"] != "failed" and each["currency"] == payment.currency.lower()
    )


def _add_entry(payment: Payment, status: str, method: str) -> None:
    made = entry(payment, status, method)
    payment.details["payments"] = [*payment.details["payments"], made]
    if made["currency"] != payment.currency.lower():
        count_foreign(payment, made["currency"], minor_units(made["amount"]))


def count_foreign(payment: Payment, currency: str, amount: int) -> None:
    """Money in another currency than was asked for has come; less than 0: it was refunded."""
    counted = payment.details.get("foreign", {})
    currency = currency.upper()
    payment.details["foreign"] = counted | {currency: counted.get(currency, 0) + amount}
