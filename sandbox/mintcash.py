"""MintCash's API and webhooks, as its documentation and real sandbox webhooks show them.

Documentation (www.mintcash.me, read 2026-05 to 2026-07); pages are named where they are followed.
The hosted page is in ``mintcash_page.py``. What the documentation leaves open is a setting
``SANDBOX_MINTCASH_…``, or one of :data:`ASSUMPTIONS`.
"""

import hashlib
import hmac
import json
import re
import uuid
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

from flask import Blueprint, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from . import clock, deliveries, faults, mintcash_cards
from .background import commit
from .config import settings
from .models import Delivery, Payment, Refund, control, db

NAME, TITLE = "mintcash", "MintCash"
API_VERSION = "2026-05-01"  # docs/concepts/webhooks/payload-reference
RETRY_AFTER = (30, 120, 600, 3600, 21600)  # seconds; docs/concepts/webhooks/overview
#: The statuses of a payment whose money was taken.
TAKEN = ("succeeded", "partially_refunded", "refunded", "voided")
#: Those in which money went back.
GONE_BACK = ("partially_refunded", "refunded", "voided")
#: The fields of a webhook that hold an amount.
AMOUNTS = ("amount", "amountRefunded", "amountRefundable")
MAX_AMOUNT = 10**10  # minor units; an assumption

ASSUMPTIONS = (
    "Ids are UUIDs, and “cpi_” with 16 characters at the provider behind, as observed.",
    "A repeated externalId is a repetition when the whole payload is equal; it is answered with "
    "the payment as it is now.",
    "customer.externalId, .email and .name are required; unknown fields, callbackUrl and metadata "
    "are accepted and not used.",
    "Which of several causes made an error 400 is told at the start of its message.",
    "A payment is shown with failureCode, failureMessage and card only once it has them.",
    "Saved cards are not offered: every cardToken is unknown.",
    "Canceling ends in failed with failureCode “canceled”; a failed 3-D Secure challenge with "
    "“client_auth_failed”. failureMessage is always null, as observed.",
    "A card number that is no test card is refused on the page.",
    "Retries count from the previous attempt, and end after the sixth.",
    "Refunds succeed at once; their webhook shows the payment with the refund inside. What cannot "
    "be refunded is answered 409 or 422 with code “failed_precondition”.",
    "A refund made on the dashboard is told as one by API is, with no externalId. A payment can be "
    "voided after it succeeded, as the table of statuses has it; its sums stay as they were.",
)

#: docs/concepts/errors and docs/api/payments. The code of a 502 is an assumption.
ERRORS = {
    "401": (401, "unauthenticated", "The credentials are missing or wrong."),
    "500": (500, "internal", "providerNotConfigured: there is no active provider."),
    "502": (502, "unavailable", "The provider's answer makes no sense."),
    "503": (503, "unavailable", "providerUnreachable: the provider does not answer."),
}

#: Undocumented; names of people hold nearly every other character. Half a surrogate pair is none.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

bp = Blueprint("mintcash", __name__, url_prefix="/mintcash")


class Refused(Exception):
    """The API answers with an error: HTTP status, stable code, message for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@bp.errorhandler(Refused)
def answer_error(error: Refused) -> tuple[dict[str, Any], int]:
    """The envelope of docs/concepts/errors."""
    db.session.rollback()
    details = {"requestId": f"req_{uuid.uuid4().hex}"}
    return {"code": error.code, "message": error.message, "details": details}, error.status


# --- The API: docs/api/payments, docs/api/refunds, docs/api/api-keys ---------------------------


@bp.post("/payments")
def create_payment() -> Any:
    """Make a payment with a hosted page; 200 with the payment, also when it is repeated.

    ``amount`` is minor units: 4999 is 49.99. Errors: 400, 401, 409 (docs/concepts/errors).
    """
    _authenticate()
    fault = faults.strike_create("MintCash", ERRORS, Refused)
    payment = _create_once(_checked_payload())
    reply = shown(payment)
    if fault == "foreign_redirect":
        reply["redirectUrl"] = f"{faults.FOREIGN_PAGE}/{payment.reference}"
    is_new = payment.status == "created"
    faults.finish_create(fault, lambda: succeed(payment) if is_new else [])
    if settings().sandbox_mintcash_reply_shape == "wrapped":
        return {"payment": reply, "redirectUrl": reply["redirectUrl"]}
    return reply


@bp.get("/payments/<reference>")
def retrieve_payment(reference: str) -> dict[str, Any]:
    """One payment, by MintCash's id only. Errors: 401, 404."""
    _authenticate()
    return shown(_payment(reference))


@bp.post("/payments/<reference>/refund")
def refund_payment(reference: str) -> dict[str, Any]:
    """Give money back (docs/api/refunds, docs/guides/issue-refund).

    ``amount`` is minor units; without it, all that remains. ``externalId`` is unique per payment:
    a repetition is answered as the first time. Errors: 400, 401, 404, 409, 422.
    """
    _authenticate()
    payload = _payload()
    payment = _payment(reference)
    external_id = _text(payload, "externalId")
    repeated = db.session.scalar(
        select(Refund).where(Refund.payment_id == payment.id, Refund.external_id == external_id)
    )
    if repeated:
        if repeated.request != _canonical(payload):
            raise Refused(409, "already_exists", "externalId was used for another refund.")
        return repeated.reply
    remainder = payment.amount - payment.refunded
    amount = remainder if payload.get("amount") is None else _minor_units(payload["amount"])
    if payment.status not in ("succeeded", "partially_refunded"):
        raise Refused(409, "failed_precondition", f"A {payment.status} payment has no refunds.")
    if amount > remainder:
        raise Refused(422, "failed_precondition", "amount is more than remains to be refunded.")
    made = refund(payment, amount, external_id, _canonical(payload))
    commit()
    return made


@bp.get("/merchant/api-keys")
def list_api_keys() -> dict[str, Any]:
    """The merchant's keys (docs/api/api-keys): here, the one pair of the settings."""
    _authenticate()
    key = settings().mintcash_public_key
    return {
        "apiKeys": [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, key)),
                "environment": "test",
                "publicKey": key,
                "isActive": True,
                "createdAt": "2026-01-01T00:00:00.000Z",
                "revokedAt": None,
            }
        ]
    }


# --- What a request must be --------------------------------------------------------------------


def _authenticate() -> None:
    """HTTP Basic: public key and secret key (docs/api/authentication)."""
    sent = request.authorization
    expected = (settings().mintcash_public_key, settings().mintcash_secret_key.get_secret_value())
    given = (sent.username or "", sent.password or "") if sent and sent.type == "basic" else ("",)
    if not hmac.compare_digest(":".join(given).encode(), ":".join(expected).encode()):
        raise Refused(*ERRORS["401"])


def _payload() -> dict[str, Any]:
    """The JSON object that was sent; numbers with a point are ``Decimal``, never ``float``."""
    try:
        payload = json.loads(
            request.get_data(), parse_float=Decimal, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise _invalid("The body is not JSON.") from None
    if not isinstance(payload, dict):
        raise _invalid("The body is not a JSON object.")
    return payload


def _checked_payload() -> dict[str, Any]:
    """The body of a create call, with ``amount`` as an integer (docs/api/payments)."""
    payload = _payload()
    payload["amount"] = _minor_units(payload.get("amount"))
    if payload.get("currency") not in settings().sandbox_mintcash_currencies:
        raise _invalid("invalidCurrency: currency is not supported.")
    _text(payload, "externalId")
    customer = payload.get("customer")
    if not isinstance(customer, dict):
        raise _invalid("customer is missing.")
    for field in ("externalId", "email", "name"):
        _text(customer, field)
    if payload.get("cardToken") is not None:
        raise _invalid("invalidCardToken: cardToken is unknown.")
    if not isinstance(payload.get("billing", {}), dict):
        raise _invalid("billing is not an object.")
    return_url = payload.get("returnUrl")
    if return_url is None:
        raise _invalid("missingReturnUrl: a hosted page needs a returnUrl.")
    if not _is_web_address(return_url):
        raise _invalid("returnUrl is not a web address.")
    return payload


def _minor_units(value: Any) -> int:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number and 0 < value <= MAX_AMOUNT and value == int(value):  # 4999.0 is 4999
        return int(value)
    raise _invalid("invalidAmount: amount is not a positive whole number of minor units.")


def _text(data: dict[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= 255 or CONTROL.search(value):
        raise _invalid(f"{field} is not a text of 1 to 255 characters.")
    return value


def _is_web_address(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,2000}", value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _invalid(message: str) -> Refused:
    return Refused(400, "invalid_argument", message)


def _canonical(payload: dict[str, Any]) -> str:
    """A text that is equal for equal payloads."""
    return json.dumps(payload, sort_keys=True, default=str)


# --- A payment: made once, shown, moved on -----------------------------------------------------


def _create_once(payload: dict[str, Any]) -> Payment:
    """Insert the payment, or find the one that has its ``externalId`` (docs/concepts/idempotency).

    The unique constraint decides, so two calls at the same time make one payment.

    :raise Refused: 409, the ``externalId`` was used with another payload.
    """
    payment = Payment(
        provider=NAME,
        reference=str(uuid.uuid4()),
        external_id=payload["externalId"],
        amount=payload["amount"],
        currency=payload["currency"],
        refunded=0,
        status="created",
        return_url=payload["returnUrl"],
        created_at=clock.timestamp(),
        timer=clock.now() + settings().sandbox_mintcash_lifetime_minutes * 60,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        details={
            "request": _canonical(payload),
            "customer": payload["customer"],
            "billing": payload.get("billing", {}),
            "providerTransactionId": f"cpi_{uuid.uuid4().hex[:16]}",
            "failureCode": None,
            "card": None,
            "step": "form",  # of the hosted page: form, challenge, done
            "declined": None,  # the reason, when the page takes another card
            "attempts": 0,
        },
    )
    db.session.add(payment)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        first = db.session.scalars(
            select(Payment).filter_by(provider=NAME, external_id=payload["externalId"])
        ).one()
        if first.details["request"] != _canonical(payload):
            raise Refused(
                409, "already_exists", "externalId was used with another payload."
            ) from None
        return first
    if settings().sandbox_mintcash_send_created:
        notify(payment)
    commit()
    return payment


def _payment(reference: str) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == reference)
    )
    if payment is None:
        raise Refused(404, "not_found", "There is no such payment.")
    return payment


def shown(payment: Payment) -> dict[str, Any]:
    """A payment as the API shows it (docs/api/payments): amounts in *major* units."""
    details = payment.details
    reply = {
        "id": payment.reference,
        "externalId": payment.external_id,
        "status": payment.status,
        "amount": number(payment.amount),
        "currency": payment.currency,
        "amountRefunded": number(payment.refunded),
        "amountRefundable": number(payment.amount - payment.refunded),
        "providerTransactionId": details["providerTransactionId"],
        "redirectUrl": f"{settings().sandbox_url}/mintcash/pay/{payment.reference}",
        "createdAt": payment.created_at,
    }
    if details["failureCode"]:
        reply |= {"failureCode": details["failureCode"], "failureMessage": None}
    if details["card"]:
        shape = settings().sandbox_mintcash_card_shape
        reply["card"] = mintcash_cards.shown(details["card"], shape)
    return reply


def number(minor: int) -> int | float:
    """Minor units as the JSON number of major units: 4999 is 49.99, 2500 is 25.

    A float that is made only to be printed: ``repr`` gives back every decimal of up
    to 15 digits unchanged, and ``MAX_AMOUNT`` has 11.
    """
    whole, cents = divmod(minor, 100)
    return float(Decimal(minor).scaleb(-2)) if cents else whole


def move(
    payment: Payment,
    status: str,
    *,
    failure_code: str | None = None,
    refund: dict[str, Any] | None = None,
) -> list[Delivery]:
    """Change the status (docs/concepts/payments) and tell the shop. The caller commits."""
    payment.status = status
    payment.details["failureCode"] = failure_code
    if status != "pending":
        payment.details["step"] = "done"
        payment.timer = None
    return notify(payment, refund)


def succeed(payment: Payment) -> list[Delivery]:
    """The money is taken; with the fault "pay twice", that is reported twice."""
    sent = move(payment, "succeeded")
    return sent + notify(payment) if payment.fault == "pay_twice" else sent


def refund(
    payment: Payment, amount: int, external_id: str | None = None, request_text: str = ""
) -> dict[str, Any]:
    """Money goes back, and the shop is told. The caller commits.

    ``external_id`` and ``request_text`` are the call's; None and blank on the dashboard.
    """
    payment.refunded += amount
    made = {
        "id": str(uuid.uuid4()),
        "paymentId": payment.reference,
        "externalId": external_id,
        "status": "succeeded",
        "amount": number(amount),
        "currency": payment.currency,
        "providerRefundId": f"cpr_{uuid.uuid4().hex[:16]}",
        "failureCode": None,
        "failureMessage": None,
        "paymentAmountRefunded": number(payment.refunded),
        "paymentAmountRefundable": number(payment.amount - payment.refunded),
        "createdAt": clock.timestamp(),
    }
    db.session.add(
        Refund(
            payment_id=payment.id,
            external_id=external_id or made["id"],
            amount=amount,
            request=request_text,
            reply=made,
        )
    )
    move(
        payment,
        "refunded" if payment.refunded == payment.amount else "partially_refunded",
        refund=made,
    )
    return made


def timer_rang(payment: Payment) -> None:
    """The hosted page has reached its end, or the fault "pay late" its moment."""
    if payment.status == "failed":
        succeed(payment)
    else:
        move(payment, "failed", failure_code="expired")


def taken(payment: Payment) -> int:
    """Minor units that were taken, whatever was given back since."""
    return payment.amount if payment.status in TAKEN else 0


# --- Webhooks: docs/concepts/webhooks ----------------------------------------------------------


def notify(payment: Payment, refund: dict[str, Any] | None = None) -> list[Delivery]:
    """Store the webhook ``payment.<status>`` of a payment as it is now."""
    event = faults.spoil_amounts(payment.delivery_fault, _event(payment, refund), AMOUNTS)
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    body = text.encode("utf-8", "replace")  # JSON can name characters that UTF-8 cannot write
    secret = settings().mintcash_signing_secret.get_secret_value().split(",")[0].strip()
    signature = sign(body, secret)
    if payment.delivery_fault == "tamper":
        body = body.replace(b'"amount":', b'"amount":1', 1)
    return deliveries.enqueue(
        payment,
        f"payment.{payment.status}",
        url=settings().mintcash_webhook_url,
        headers={"Content-Type": "application/json", "x-signature": signature},
        body=body,
        retry_after=RETRY_AFTER,
        last_word=payment.status not in ("created", "pending"),
        goes_back=payment.status in GONE_BACK,
    )


def sign(body: bytes, secret: str) -> str:
    """Lower-case hex of HMAC-SHA256 over the raw body, and nothing else.

    Documentation: docs/concepts/webhooks/signature-verification.
    """
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _event(payment: Payment, refund: dict[str, Any] | None) -> dict[str, Any]:
    """The envelope (docs/concepts/webhooks/payload-reference), keys in the observed order."""
    details = payment.details
    customer, billing = details["customer"], details["billing"]
    data = {
        "id": payment.reference,
        "externalId": payment.external_id,
        "status": payment.status,
        "amount": number(payment.amount),
        "currency": payment.currency,
        "providerTransactionId": details["providerTransactionId"],
        "failureCode": details["failureCode"],
        "failureMessage": None,
        "amountRefunded": number(payment.refunded),
        "amountRefundable": number(payment.amount - payment.refunded),
        "customer": {
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, customer["externalId"])),
            "externalId": customer["externalId"],
            "email": customer["email"],
            "name": customer["name"],
            "phone": customer.get("phone"),
        },
        "billingAddress": {
            field: billing.get(field)
            for field in ("country", "postalCode", "name", "line1", "line2", "city", "state")
        },
        "card": mintcash_cards.shown(details["card"], settings().sandbox_mintcash_card_shape),
    }
    if refund:
        data["refund"] = refund
    event = {
        "eventId": str(uuid.uuid4()),
        "event": f"payment.{payment.status}",
        "type": "payment",
        "apiVersion": API_VERSION,
        "environment": "test",
        "createdAt": clock.timestamp(),
        "data": data,
    }
    match payment.delivery_fault:
        case "wrong_environment":
            event["environment"] = "live"
        case "wrong_amount":
            data["amount"] = number(1)
        case "wrong_currency":
            data["currency"] = "USD" if payment.currency != "USD" else "EUR"
        case "replay_other_order":
            data["externalId"] = _other_external_id(payment)
    return event


def _other_external_id(payment: Payment) -> str | None:
    """Of the newest other payment that is still open; failing that, of any other."""
    open_first = Payment.status.in_(("created", "pending")).desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == NAME, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return other.external_id if other else payment.external_id
