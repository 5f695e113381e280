"""HandCash's payment requests and webhook, as its documentation and its SDK's types show them.

Documentation (docs.handcash.io, read 2024-09 to 2026-01): handcash-pay/create-payment-request,
handcash-pay/manage-payment-request, handcash-pay/webhooks; “the SDK” is the OpenAPI types in
github.com/HandCash/handcash-sdk (2025-11). The hosted page is in ``handcash_page.py``. What the
documentation leaves open is a setting ``SANDBOX_HANDCASH_…``, or one of :data:`ASSUMPTIONS`.
"""

import hmac
import json
import re
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, request
from sqlalchemy import select

from . import clock, deliveries, faults
from .background import commit
from .models import Delivery, Payment, control, db
from .old import settings

NAME, TITLE = "handcash", "HandCash"
#: Seconds; handcash-pay/webhooks says “exponential for 24 hours”, and no more: the first pause, the
#: factor and the number are assumptions. The last attempt comes 22.75 hours after the first.
RETRY_AFTER = tuple(10 * 2**number for number in range(13))
MAX_AMOUNT = 10**10  # minor units; an assumption

ASSUMPTIONS = (
    "A failed webhook is repeated after 10, 20, 40 … seconds, 13 times in 23 hours; the "
    "documentation says “exponential for 24 hours”. Any 2xx answer ends it.",
    "Errors are {message} in the words of Joi.",
    "Amounts have at most two decimals, and the total is that of all receivers. paymentAmount "
    "names the price's currency twice, as currencyCode and as denominatedIn.",
    "Unknown fields are refused. enabledAt, expiresAt, paymentMethods, shop, priceBeforeDiscount "
    "and notifications.email are accepted, shown again and otherwise not used.",
    "Two calls with equal bodies make two requests: there is no idempotency key.",
    "Times are ISO 8601; expiresAt is null where nothing was said about expiry.",
    "The handle decides nothing: any wallet has enough money, and its user's id, paymail, e-mail "
    "and phone number are made up from the handle.",
    "userData and customParameters are left out of the webhook where there are none.",
    "Of customParameters, the first that is a text is shown on this page as the merchant's id.",
    "paymentRequestQrCodeUrl is a PNG of what HandCash's own page shows: pay:?r=…/merchant/invoice/"
    "<id>?referenceId=<six letters or digits>. What a wallet is answered there is not documented: "
    "here it is led to the page. The six are the id's last, for every visit.",
    "Nobody can cancel on the page, and expiry is told to nobody, as documented. A deleted request "
    "cannot be paid, one that is paid can be deleted, and either is unknown from then on.",
    "An update takes effect at once, also on a request that has ended, which stays as it is.",
    "Two payers may meet on a request that is to be paid once (fault “pay twice”): both pay, with "
    "a transaction and a webhook each.",
    "Faults about cards, and webhook faults about environment, amount, currency and order of "
    "events, do nothing here: HandCash's webhook has none of these. “Tamper” spoils its appSecret.",
)

#: No error table is published; the HTTP statuses are those that HandCash's clients know.
ERRORS = {
    "401": (401, "Unauthorized"),
    "403": (403, "Forbidden"),
    "500": (500, "Internal server error"),
    "502": (502, "Bad gateway"),
    "503": (503, "Service unavailable"),
}

#: The public status, in each of the vocabularies of ``SANDBOX_HANDCASH_STATUS_WORDS``.
STATUS_WORDS = {
    "lower": {"pending": "pending", "completed": "completed", "expired": "expired"},
    "upper": {"pending": "PENDING", "completed": "PAID", "expired": "EXPIRED"},
}

bp = Blueprint("handcash", __name__, url_prefix="/handcash/v3/paymentRequests")


class Refused(Exception):
    """The API answers with an error: HTTP status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@bp.errorhandler(Refused)
def answer_error(error: Refused) -> tuple[dict[str, Any], int]:
    """``{"message"}``, as HandCash's own clients read it."""
    db.session.rollback()
    return {"message": error.message}, error.status


# --- The API: handcash-pay/create-payment-request, handcash-pay/manage-payment-request ---------


@bp.post("/")
def create_payment_request() -> Any:
    """Make a payment request; 200, and a new one each time.

    ``receivers[].sendAmount`` is major units: 49.99. Errors: 400, 401.
    """
    _authenticate()
    fault = faults.strike_create(TITLE, ERRORS, Refused)
    payment = _create(_checked_payload())
    reply = shown(payment)
    if fault == "foreign_redirect":
        reply["paymentRequestUrl"] = f"{faults.FOREIGN_PAGE}/{payment.reference}"
    faults.finish_create(fault, lambda: complete(payment, "early_bird"))
    return reply


@bp.get("/")
def list_payment_requests() -> dict[str, Any]:
    """All that are not deleted, oldest first; no paging and no filter. Errors: 401."""
    _authenticate()
    payments = db.session.scalars(
        select(Payment)
        .where(Payment.provider == NAME, Payment.status != "deleted")
        .order_by(Payment.id)
    )
    return {"items": [shown(payment) for payment in payments]}


@bp.get("/<reference>")
def retrieve_payment_request(reference: str) -> dict[str, Any]:
    """One request, for its app. Errors: 400, 401, 404."""
    _authenticate()
    return shown(_payment(reference))


@bp.put("/<reference>")
def update_payment_request(reference: str) -> dict[str, Any]:
    """Change what :data:`UPDATE` lists; the rest stays. Errors: 400, 401, 404."""
    _authenticate()
    changes = _payload()
    _check(changes, UPDATE)
    payment = _payment(reference)
    units = changes.pop("decreaseRemainingUnits", 0)
    if units and payment.details["request"]["expirationType"] != "limit":
        raise _invalid("decreaseRemainingUnits", "is not allowed")
    if units > (remaining_units(payment) or 0):
        raise _invalid("decreaseRemainingUnits", "must be less than or equal to remainingUnits")
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
    commit()
    return shown(payment)


@bp.delete("/<reference>")
def delete_payment_request(reference: str) -> Response:
    """200 with nothing in it, not even a content type. Errors: 400, 401, 404."""
    _authenticate()
    payment = _payment(reference)
    payment.status, payment.timer = "deleted", None
    commit()
    answer = Response()
    del answer.headers["Content-Type"]
    return answer


@bp.get("/public/<reference>")
def show_to_everybody(reference: str) -> dict[str, Any]:
    """One request, without keys (the SDK); ``?referenceId=`` is accepted. Errors: 400, 404."""
    payment = _payment(reference)
    private, details = shown(payment), payment.details
    transactions = details["transactions"]
    words = STATUS_WORDS[settings().sandbox_handcash_status_words]
    reply = {
        "id": payment.reference,
        "paymentRequestUrl": private["paymentRequestUrl"],
        "paymentRequestQrCodeUrl": private["paymentRequestQrCodeUrl"],
        "status": words[payment.status],
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


@bp.get("/public/stats/<reference>")
def show_stats(reference: str) -> dict[str, Any]:
    """How often a request was paid (the SDK). Errors: 400, 404."""
    payment = _payment(reference)
    transactions = payment.details["transactions"]
    return {
        "totalPayments": len(transactions),
        "totalVolume": _number(payment.amount * len(transactions)),
        "uniqueUsers": len({transaction["handle"] for transaction in transactions}),
    }


# --- What a request must be --------------------------------------------------------------------


def _authenticate() -> None:
    """``app-id`` and ``app-secret`` in headers, whose names may be in any case."""
    expected = f"{settings().handcash_app_id}:{_secret()}"
    given = f"{request.headers.get('app-id', '')}:{request.headers.get('app-secret', '')}"
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        raise Refused(*ERRORS[settings().sandbox_handcash_auth_status])


def _secret() -> str:
    """Of a comma-separated list, the first."""
    return settings().handcash_app_secret.get_secret_value().split(",")[0].strip()


def _payload() -> Any:
    """The JSON that was sent, whatever its content type; numbers with a point are ``Decimal``."""
    try:
        return json.loads(request.get_data(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "Request body is not valid JSON") from None


def _checked_payload() -> dict[str, Any]:
    """The body of a create call.

    The price's currency has the name that ``SANDBOX_HANDCASH_PRICE_FIELD`` says; the other is
    refused as unknown.
    """
    payload: dict[str, Any] = _payload()
    price_field = settings().sandbox_handcash_price_field
    currencies = settings().sandbox_handcash_currencies
    _check(payload, CREATE | {price_field: currencies})
    if payload["instrumentCurrencyCode"] == "MNEE" and "denominationCurrencyCode" in payload:
        raise _invalid("denominationCurrencyCode", "is not allowed")
    if not payload["receivers"]:
        raise _invalid("receivers", "must contain at least 1 items")
    if payload["expirationType"] == "limit" and "totalUnits" not in payload:
        raise _invalid("totalUnits", "is required")
    return payload


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return "must be a string"
    return "" if value else "is not allowed to be empty"


def _url(value: Any) -> str:
    fits = isinstance(value, str) and re.fullmatch(r"https?://[!-~]{1,2000}", value)
    try:
        return "" if fits and urlsplit(value).hostname else "must be a valid uri"
    except ValueError:
        return "must be a valid uri"


def _whole(value: Any) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_AMOUNT
    return "" if fits else "must be a positive integer"


def _amount(value: Any) -> str:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return "must be a number"
    if not 0 < value * 100 <= MAX_AMOUNT:
        return "must be a positive number"
    return "" if value * 100 == int(value * 100) else "must have no more than 2 decimal places"


def _free(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be of type object"


#: A field that must be there is marked "!"; a tuple holds the words to choose from, a list the rule
#: of its items, a function says what is wrong.
PRODUCT = {"name": _text, "description": _text, "longDescription": _text, "imageUrl": _url}
#: handcash-pay/create-payment-request and the SDK.
CREATE: dict[str, Any] = {
    "product!": {"name!": _text, **{name: PRODUCT[name] for name in PRODUCT if name != "name"}},
    "instrumentCurrencyCode!": ("MNEE", "BSV"),
    "receivers!": [{"sendAmount!": _amount, "destination!": _text, "tags": [_text]}],
    "requestedUserData": [("paymail", "email", "phoneNumber")],
    "paymentMethods": [("onChain", "externalPaymentProcessor")],
    "redirectUrl": _url,
    "notifications": {
        "webhook": {"webhookUrl!": _url, "customParameters": _free},
        "email": _text,
    },
    "expirationType!": ("never", "limit", "onPaymentCompleted"),
    "totalUnits": _whole,
    "expirationInSeconds": _whole,
    "expiresAt": _text,
    "enabledAt": _text,
    "priceBeforeDiscount": _amount,
    "shop": _free,
}
#: handcash-pay/manage-payment-request and the SDK.
UPDATE: dict[str, Any] = {
    "product": PRODUCT,
    "redirectUrl": _url,
    "notifications": {
        "webhook": {"webhookUrl": _url, "customParameters": _free},
        "email": _text,
    },
    "expirationInSeconds": _whole,
    "expiresAt": _text,
    "decreaseRemainingUnits": _whole,
    "priceBeforeDiscount": lambda value: "" if value is None else _amount(value),
    "shop": _free,
}


def _check(value: Any, rule: Any, path: str = "") -> None:
    """:raise Refused: the first thing that breaks the rule, as Joi would say it."""
    if isinstance(rule, dict):
        _check_object(value, rule, path)
    elif isinstance(rule, list):
        if not isinstance(value, list):
            raise _invalid(path, "must be an array")
        for number, each in enumerate(value):
            _check(each, rule[0], f"{path}[{number}]")
    elif isinstance(rule, tuple):
        if value not in rule:
            raise _invalid(path, f"must be one of [{', '.join(rule)}]")
    else:
        says: Callable[[Any], str] = rule
        if words := says(value):
            raise _invalid(path, words)


def _check_object(value: Any, rule: dict[str, Any], path: str) -> None:
    if not isinstance(value, dict):
        raise _invalid(path or "value", "must be of type object")
    at = f"{path}." if path else ""
    for marked, each in rule.items():
        name = marked.rstrip("!")
        if name in value:
            _check(value[name], each, at + name)
        elif marked != name:
            raise _invalid(at + name, "is required")
    for name in value:
        if name not in rule and f"{name}!" not in rule:
            raise _invalid(at + name, "is not allowed")


def _invalid(path: str, words: str) -> Refused:
    return Refused(400, f'"{path}" {words}')


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


# --- A payment request: made, shown, paid ------------------------------------------------------


def _create(payload: dict[str, Any]) -> Payment:
    made, lifetime = clock.now(), payload.get("expirationInSeconds")
    created_at, parameters = clock.timestamp(), _custom_parameters(payload)
    price_field = settings().sandbox_handcash_price_field
    payment = Payment(
        provider=NAME,
        reference=secrets.token_hex(12),
        external_id=next((each for each in parameters.values() if isinstance(each, str)), None),
        amount=sum(int(each["sendAmount"] * 100) for each in payload["receivers"]),
        currency=payload.get(price_field, payload["instrumentCurrencyCode"]),
        refunded=0,
        status="pending",
        return_url=payload.get("redirectUrl", ""),
        created_at=created_at,
        timer=made + lifetime if lifetime else None,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        details={
            "request": json.loads(json.dumps(payload, default=_plain)),
            "made": made,
            "expiresAt": _expires_at(created_at, payload),
            "units": {"never": None, "onPaymentCompleted": 1}.get(
                payload["expirationType"], payload.get("totalUnits")
            ),
            "transactions": [],
            "late": None,  # the handle that pays after expiry
        },
    )
    db.session.add(payment)
    commit()
    return payment


def _expires_at(created_at: str, payload: dict[str, Any]) -> str | None:
    lifetime = payload.get("expirationInSeconds")
    if lifetime is None:
        return payload.get("expiresAt")
    ends = datetime.fromisoformat(created_at) + timedelta(seconds=lifetime)
    return ends.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``old`` with what ``new`` says; what it does not mention stays, also deeper inside."""
    return old | {
        name: _merged(old.get(name, {}), each) if isinstance(each, dict) else each
        for name, each in json.loads(json.dumps(new, default=_plain)).items()
    }


def _payment(reference: str) -> Payment:
    if not re.fullmatch(r"[0-9a-f]{24}", reference):
        raise _invalid("id", "must be a valid MongoDB ObjectId")
    payment = db.session.scalar(
        select(Payment).where(
            Payment.provider == NAME, Payment.reference == reference, Payment.status != "deleted"
        )
    )
    if payment is None:
        raise Refused(int(settings().sandbox_handcash_unknown_status), "Payment request not found")
    return payment


def shown(payment: Payment) -> dict[str, Any]:
    """A request as its app sees it (the SDK, and expirationType): amounts in *major* units."""
    sent, details = payment.details["request"], payment.details
    pages = f"{settings().sandbox_url}/handcash"
    reply = {
        "id": payment.reference,
        "paymentRequestUrl": f"{pages}/pay/{payment.reference}",
        "paymentRequestQrCodeUrl": f"{pages}/pay/api/paymentPreview/qr/{payment.reference}",
        "isEnabled": payment.status == "pending",
        "product": sent["product"],
        "currencyCode": sent["instrumentCurrencyCode"],
        "receivers": [
            {name: each[name] for name in ("sendAmount", "destination")}
            for each in sent["receivers"]
        ],
        "paymentAmount": {
            "currencyCode": payment.currency,
            "amount": _number(payment.amount),
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


def qr_content(payment: Payment) -> str:
    """What a wallet reads from the QR code, as decoded from a picture in the documentation."""
    invoice = f"{settings().sandbox_url}/handcash/merchant/invoice/{payment.reference}"
    where = f"{invoice}?referenceId={payment.reference[-6:]}"
    return f"pay:?r={quote(where, safe='')}&p=1"


def remaining_units(payment: Payment) -> int | None:
    """How often the request can still be paid; None for as often as you like."""
    units = payment.details["units"]
    return None if units is None else max(units - len(payment.details["transactions"]), 0)


def _number(minor: int) -> int | float:
    """Minor units as the JSON number of major units: 4999 is 49.99, 2500 is 25."""
    return _plain(Decimal(minor).scaleb(-2))


def _plain(value: Decimal) -> int | float:
    """A float only to be printed: ``repr`` gives decimals of up to 15 digits back unchanged."""
    return int(value) if value == int(value) else float(value)


def complete(payment: Payment, handle: str) -> list[Delivery]:
    """A wallet has paid: tell the shop. With the fault "pay twice", two. The caller commits."""
    handles = [handle, f"{handle}_too"] if payment.fault == "pay_twice" else [handle]
    new = [{"id": secrets.token_hex(32), "handle": each} for each in handles]
    payment.details["transactions"] = payment.details["transactions"] + new
    payment.status = "pending"
    _close_if_used_up(payment)
    return [delivery for transaction in new for delivery in notify(payment, transaction)]


def _close_if_used_up(payment: Payment) -> None:
    if remaining_units(payment) == 0:
        payment.status, payment.timer = "completed", None


def expire(payment: Payment) -> None:
    """The request can no longer be paid, and nobody is told. The caller commits."""
    payment.status, payment.timer = "expired", None


def timer_rang(payment: Payment) -> None:
    """The request has reached its end, or the fault "pay late" its moment."""
    if payment.status == "expired":
        complete(payment, payment.details["late"])
    else:
        expire(payment)


def taken(payment: Payment) -> int:
    """Minor units that were taken, whatever was given back since."""
    return payment.amount * len(payment.details["transactions"])


# --- The webhook: handcash-pay/webhooks --------------------------------------------------------


def notify(payment: Payment, transaction: dict[str, str]) -> list[Delivery]:
    """Store the webhook of one payment, if the request names an address for it."""
    webhook = _webhook(payment.details["request"])
    if "webhookUrl" not in webhook:
        return []
    text = json.dumps(_event(payment, transaction), ensure_ascii=False, separators=(",", ":"))
    return deliveries.enqueue(
        payment,
        "payment completed",
        url=webhook["webhookUrl"],
        headers={"Content-Type": "application/json"},
        body=text.encode("utf-8", "replace"),  # JSON can name what UTF-8 cannot write
        retry_after=RETRY_AFTER,
        last_word=True,
    )


def _event(payment: Payment, transaction: dict[str, str]) -> dict[str, Any]:
    """The body: no signature, no amount, no time; our secret in clear is the whole proof."""
    newer = settings().sandbox_handcash_webhook_shape == "newer"
    sent = payment.details["request"]
    event: dict[str, Any] = {
        "appSecret": _secret(),
        "paymentRequestId": payment.reference,
    }
    if newer:
        event["paymentMethod"] = "onChain"
    event["transactionId"] = transaction["id"]
    if parameters := _custom_parameters(sent):
        event["customParameters"] = parameters
    user = _user(transaction["handle"])
    wanted = ["id"] * newer + sent.get("requestedUserData", [])
    if wanted:
        event["userData"] = {name: user[name] for name in wanted}
    match payment.delivery_fault:
        case "tamper":
            event["appSecret"] = f"{_secret()}_guessed"
        case "replay_other_order":
            event["customParameters"] = _custom_parameters(_other(payment).details["request"])
    return event


def _user(handle: str) -> dict[str, str]:
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, handle).hex[:24],
        "paymail": f"{handle}@handcash.io",
        "email": f"{handle}@example.org",
        "phoneNumber": "+15550100000",
    }


def _webhook(sent: dict[str, Any]) -> dict[str, Any]:
    """Where to and with what, as the create call said it; empty where it did not."""
    webhook: dict[str, Any] = sent.get("notifications", {}).get("webhook", {})
    return webhook


def _custom_parameters(sent: dict[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = _webhook(sent).get("customParameters", {})
    return parameters


def _other(payment: Payment) -> Payment:
    """The newest other request that is still open; failing that, any other, or this one."""
    open_first = (Payment.status == "pending").desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == NAME, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return other or payment
