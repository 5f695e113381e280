"""HitPay's webhooks: docs/webhooks (version 1, a form) and apis/guide/events (version 2, JSON)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .. import kit
from ..models import Delivery, Payment
from . import endpoints, shapes
from .settings import HitPaySettings

ANOTHER = kit.another_currency("USD", "SGD")


def joined(fields: Mapping[str, str]) -> bytes:
    """Name and value of every field, sorted by name, nothing between; empty ones stay."""
    return "".join(name + fields[name] for name in sorted(fields)).encode("utf-8", "replace")


def _signed_form(said: Mapping[str, Any]) -> bytes:
    """Version 1 carries its signature inside, made with the salt of the API key."""
    fields = {name: value or "" for name, value in said.items()}
    salt = endpoints.first_salt(kit.settings_as(HitPaySettings).hitpay_salt)
    return kit.form_bytes(fields | {"hmac": kit.hmac_sha256(salt, joined(fields))})


#: The second version, of a payment request.
REQUESTS = kit.Webhooks(
    retry_after=(60, 300, 1800, 7200),  # an assumption
    amounts=("amount", "refunded_amount"),
    lies={
        "wrong_amount": {"amount": kit.major(1), "payments.*.amount": kit.major(1)},
        "wrong_currency": {
            "currency": ANOTHER,
            "payments.*.currency": lambda *payments: ANOTHER(*payments).lower(),
        },
        "replay_other_order": {"reference_number": kit.of_other_order},
    },
    tamper=(rb'"amount":"?', b"1"),
)
CHARGES = replace(
    REQUESTS,
    lies={
        "wrong_amount": {"amount": 0.01},
        "wrong_currency": {"currency": lambda *payments: ANOTHER(*payments).lower()},
        "replay_other_order": {"payment_request.reference_number": kit.of_other_order},
    },
)
REFUNDS = replace(REQUESTS, lies={})
FORMS = replace(REQUESTS, tamper=(b"amount=", b"1"), encode=_signed_form)


def tell_request(payment: Payment, word: str) -> list[Delivery]:
    """Store the webhooks that say ``completed`` or ``failed``: of each version that is switched on.

    Version 1 goes to the request's own ``webhook``, version 2 to what is registered for it.
    """
    versions, sent = kit.settings_as(HitPaySettings).sandbox_hitpay_webhooks, []
    if versions != "v2" and payment.details["webhook"]:
        sent += FORMS.send(
            payment,
            f"v1 {word}",
            _form(payment, word),
            url=payment.details["webhook"],
            headers=lambda _body: {"Content-Type": "application/x-www-form-urlencoded"},
            final=payment.status != "pending",
        )
    # Its currency in capitals, other than GET shows it.
    event = shapes.request_shown(payment) | {"currency": payment.currency, "status": word}
    return sent + _send(REQUESTS, payment, "payment_request", word, event)


def tell_charge(payment: Payment, word: str) -> list[Delivery]:
    """Store ``charge.created`` or ``.failed``, about the newest one: only version 2 has them."""
    event = shapes.charge_shown(payment, payment.details["payments"][-1])
    return _send(CHARGES, payment, "charge", word, event)


def tell_refund(payment: Payment, charge: dict[str, Any]) -> None:
    """Store ``charge.updated``, which only version 2 has."""
    event = shapes.charge_shown(payment, charge)
    _send(REFUNDS, payment, "charge", "updated", event, goes_back=True)


def _form(payment: Payment, word: str) -> dict[str, Any]:
    """Version 1: fields in the order of the sample."""
    charge = payment.details["payments"][-1]
    fields = {
        "payment_id": charge["id"] if word == "completed" else "",
        "payment_request_id": payment.reference,
        "reference_number": payment.details["reference_number"],
        "phone": payment.details["phone"],
        "amount": charge["amount"],
        "currency": charge["currency"].upper(),
        "status": word,
    }
    return fields | ({"error_message": "Card declined"} if word == "failed" else {})


def _send(
    kind: kit.Webhooks,
    payment: Payment,
    entity: str,
    word: str,
    event: dict[str, Any],
    goes_back: bool = False,
) -> list[Delivery]:
    """Version 2: the entity, to each endpoint for it, signed with the salt of that endpoint."""
    if kit.settings_as(HitPaySettings).sandbox_hitpay_webhooks == "v1":
        return []
    sent = []
    for endpoint in endpoints.told(f"{entity}.{word}"):
        sent += kind.send(
            payment,
            f"{entity}.{word}",
            event,
            url=endpoint.url,
            headers=partial(_headers, entity, word, endpoint.secret),
            final=payment.status != "pending",
            goes_back=goes_back,
        )
    return sent


def _headers(entity: str, word: str, salt: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "HitPay v2.0",
        "Hitpay-Event-Type": word,
        "Hitpay-Event-Object": entity,
        "Hitpay-Signature": kit.hmac_sha256(salt, body),
    }
