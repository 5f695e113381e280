"""MintCash's API and webhooks, as its documentation and real sandbox webhooks show them.

Documentation (www.mintcash.me, read 2026-05 to 2026-07); pages are named where they are followed.
The hosted page is in ``page.py``, refunds in ``refunds.py``, what is charged again each month in
``subscriptions.py``. What the documentation leaves open is in ``settings.py``.
"""

import uuid
from collections.abc import Callable
from typing import Any

from flask import request

from .. import kit
from ..clock import timestamp
from ..kit.fields import Words, must
from ..models import Delivery, Payment
from . import cards
from .settings import ASSUMPTIONS, MintCashSettings

API_VERSION = "2026-05-01"  # docs/concepts/webhooks/payload-reference
CURRENCIES = ("USD", "EUR", "GBP")  # two decimals each
LIFETIME = 3600  # seconds


def envelope(error: kit.Refused) -> dict[str, Any]:
    """docs/concepts/errors."""
    details = {"requestId": f"req_{uuid.uuid4().hex}"}
    return {"code": error.more["code"], "message": error.message, "details": details}


provider = kit.Provider(
    "mintcash",
    "MintCash",
    settings=MintCashSettings,
    assumptions=ASSUMPTIONS,
    open_in=("created", "pending"),
    paid_in=("succeeded", "partially_refunded", "refunded", "voided"),
    envelope=envelope,
    errors={  # docs/concepts/errors and docs/api/payments; the code of a 502 is an assumption
        401: {"code": "unauthenticated", "message": "The credentials are missing or wrong."},
        404: {"code": "not_found", "message": "There is no such payment."},
        500: {"code": "internal", "message": "providerNotConfigured: there is no active provider."},
        502: {"code": "unavailable", "message": "The provider's answer makes no sense."},
        503: {
            "code": "unavailable",
            "message": "providerUnreachable: the provider does not answer.",
        },
    },
)


def authenticate() -> None:
    """HTTP Basic: public key and secret key (docs/api/authentication)."""
    sent, ours = request.authorization, provider.settings
    expected = f"{ours.mintcash_public_key}:{ours.mintcash_secret_key.get_secret_value()}"
    given = f"{sent.username}:{sent.password}" if sent and sent.type == "basic" else ""
    if not kit.is_secret(given, expected):
        raise provider.refused(401)


api = provider.blueprint("api", login=authenticate)

# --- The API: docs/api/payments, docs/api/api-keys ---------------------------------------------


@api.post("/payments")
def create_payment() -> Any:
    """Make a payment with a hosted page; 200 with the payment, also when it is repeated.

    ``amount`` is minor units: 4999 is 49.99. Errors: 400, 401, 409 (docs/concepts/errors).
    """

    def make() -> Payment:
        payload = payload_sent(CREATE)
        return provider.once(payload["externalId"], payload, lambda: new(payload), CONFLICT)

    def reply(payment: Payment, page: str) -> dict[str, Any]:
        return answered("payment", shown(payment), page)

    return provider.create(make, page_of, reply)


def answered(name: str, made: dict[str, Any], page: str) -> dict[str, Any]:
    """What was made, in the shape that is set; ``name`` is what the guides wrap it as."""
    made |= {"redirectUrl": page}
    wrapped = {name: made, "redirectUrl": page}
    shapes = {"flat": made, "wrapped": wrapped, "both": made | wrapped}
    return shapes[provider.settings.sandbox_mintcash_reply_shape]


@api.get("/payments/<reference>")
def retrieve_payment(reference: str) -> dict[str, Any]:
    """One payment, by MintCash's id only. Errors: 401, 404."""
    return shown(payment_called(reference))


def payment_called(reference: str) -> Payment:
    """:raise Refused: 404, also where it is a subscription."""
    payment = provider.found(reference)
    if "subscription" in payment.details:
        raise provider.refused(404)
    return payment


@api.get("/merchant/api-keys")
def list_api_keys() -> dict[str, Any]:
    """The merchant's keys (docs/api/api-keys): here, the one pair of the settings."""
    key = provider.settings.mintcash_public_key
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


def is_minor(value: Any) -> bool:
    """4999.0 is 4999."""
    return kit.is_number(value) and 0 < value <= kit.MAX_AMOUNT and value == int(value)


AMOUNT = must(is_minor, "invalidAmount: {} is not a positive whole number of minor units.")
TEXT = must(kit.is_text, "{} is not a text of 1 to 255 characters.")


def _return_url(value: Any) -> str:
    if value is None:
        return "missingReturnUrl: a hosted page needs a {}."
    return "" if kit.is_web_address(value) else "{} is not a web address."


#: docs/api/payments.
CREATE = {
    "amount!": AMOUNT,
    "currency!": must(lambda it: it in CURRENCIES, "invalidCurrency: {} is not supported."),
    "externalId!": TEXT,
    "customer!": {"externalId!": TEXT, "email!": TEXT, "name!": TEXT},
    "cardToken": must(lambda it: it is None, "invalidCardToken: {} is unknown."),
    "billing": {},
    "returnUrl!": _return_url,
}
WORDS = Words(no_object="{} is not an object.")
CONFLICT = kit.Refused(409, "externalId was used with another payload.", code="already_exists")


def payload_sent(rules: dict[str, Any]) -> dict[str, Any]:
    """The JSON object that was sent, with ``amount`` as an integer.

    :raise Refused: 400, with the first rule that it breaks.
    """
    payload: dict[str, Any] = kit.json_body(invalid("The body is not JSON."))
    for path, said in WORDS.problems(payload, rules):
        raise invalid(said.format(path[-1] if path else "The body"))
    if payload.get("amount") is not None:
        payload["amount"] = int(payload["amount"])
    return payload


def invalid(message: str) -> kit.Refused:
    return kit.Refused(400, message, code="invalid_argument")


# --- A payment: made, shown, moved on ----------------------------------------------------------


def new(payload: dict[str, Any], **more: Any) -> Payment:
    payment = provider.new(
        reference=str(uuid.uuid4()),
        external_id=payload["externalId"],
        amount=payload["amount"],
        currency=payload["currency"],
        return_url=payload["returnUrl"],
        lifetime=LIFETIME,
        details={
            "customer": payload.get("customer", {}),
            "billing": payload.get("billing", {}),
            "providerTransactionId": f"cpi_{uuid.uuid4().hex[:16]}",
            "failureCode": None,
            "card": None,
            "step": "form",  # of the hosted page: form, challenge, done
            "declined": None,  # the reason, when the page takes another card
            "attempts": 0,
            **more,
        },
    )
    if provider.settings.sandbox_mintcash_send_created:
        notify(payment)
    return payment


def page_of(payment: Payment) -> str:
    return f"{provider.settings.sandbox_url}/mintcash/pay/{payment.reference}"


def shown(payment: Payment) -> dict[str, Any]:
    """A payment as the API shows it (docs/api/payments): amounts in *major* units."""
    details = payment.details
    reply = {
        "id": payment.reference,
        "externalId": payment.external_id,
        "status": payment.status,
        "amount": kit.number(payment.amount),
        "currency": payment.currency,
        "amountRefunded": kit.number(payment.refunded),
        "amountRefundable": kit.number(payment.amount - payment.refunded),
        "providerTransactionId": details["providerTransactionId"],
        "redirectUrl": page_of(payment),
        "createdAt": payment.created_at,
    }
    if details["failureCode"]:
        reply |= {"failureCode": details["failureCode"], "failureMessage": None}
    if details["card"]:
        reply["card"] = cards.shown(details["card"])
    return reply


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


@provider.pays
def succeed(payment: Payment) -> list[Delivery]:
    """The money is taken; with the fault "pay twice", that is reported twice."""
    sent = move(payment, "succeeded")
    return sent + notify(payment) if payment.fault == "pay_twice" else sent


@provider.expires
def expire(payment: Payment) -> None:
    move(payment, "failed", failure_code="expired")


# --- Webhooks: docs/concepts/webhooks ----------------------------------------------------------

WEBHOOKS = kit.Webhooks(
    retry_after=(30, 120, 600, 3600, 21600),  # docs/concepts/webhooks/overview
    amounts=("amount", "amountRefunded", "amountRefundable"),
    lies={
        "wrong_environment": {"environment": "live"},
        "wrong_amount": {"data.amount": kit.number(1)},
        "wrong_currency": {"data.currency": kit.another_currency("USD", "EUR")},
        "replay_other_order": {"data.externalId": kit.of_other_order},
    },
    tamper=(rb'"amount":', b"1"),
)


#: What else than a payment a row may be, by its ``details`` -> tells the shop of its status.
TELLS: dict[str, Callable[[Payment], list[Delivery]]] = {}


def notify(payment: Payment, refund: dict[str, Any] | None = None) -> list[Delivery]:
    """Store the webhook ``payment.<status>`` of a payment as it is now."""
    for name, tell in TELLS.items():
        if name in payment.details:
            return tell(payment)
    extra = {"refund": refund} if refund else {}
    return send(payment, "payment", payment.status, _data(payment) | extra)


def send(payment: Payment, entity: str, word: str, data: dict[str, Any]) -> list[Delivery]:
    """Sign the envelope (docs/concepts/webhooks/payload-reference) and store it to be sent."""
    secret = kit.first_of(provider.settings.mintcash_signing_secret)
    name = f"{entity}.{word}"
    event = {
        "eventId": str(uuid.uuid4()),
        "event": name,
        "type": entity,
        "apiVersion": API_VERSION,
        "environment": "test",
        "createdAt": timestamp(),
        "data": data,
    }
    return WEBHOOKS.send(
        payment,
        name,
        event,
        url=provider.settings.mintcash_webhook_url,
        headers=lambda body: {
            "Content-Type": "application/json",
            "x-signature": kit.hmac_sha256(secret, body),  # .../webhooks/signature-verification
        },
        final=payment.status not in provider.open_in,
        goes_back=payment.status in ("partially_refunded", "refunded", "voided"),
    )


def _data(payment: Payment) -> dict[str, Any]:
    """A payment in a webhook, keys in the observed order."""
    details = payment.details
    customer, billing = details["customer"], details["billing"]
    return {
        "id": payment.reference,
        "externalId": payment.external_id,
        "status": payment.status,
        "amount": kit.number(payment.amount),
        "currency": payment.currency,
        "providerTransactionId": details["providerTransactionId"],
        "failureCode": details["failureCode"],
        "failureMessage": None,
        "amountRefunded": kit.number(payment.refunded),
        "amountRefundable": kit.number(payment.amount - payment.refunded),
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
        "card": cards.shown(details["card"]),
    }
