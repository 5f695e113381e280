"""HitPay's webhooks: docs/webhooks (version 1, a form) and apis/guide/events (version 2, JSON)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import kit
from ..models import Delivery, Payment
from . import shapes
from .settings import HitPaySettings

ANOTHER = kit.another_currency("USD", "SGD")


def joined(fields: Mapping[str, str]) -> bytes:
    """Name and value of every field, sorted by name, nothing between; empty ones stay."""
    return "".join(name + fields[name] for name in sorted(fields)).encode("utf-8", "replace")


def _signed_form(said: Mapping[str, Any]) -> bytes:
    """Version 1 carries its signature inside, made with the salt of the API key."""
    fields = {name: value or "" for name, value in said.items()}
    salt = kit.first_of(kit.settings_as(HitPaySettings).hitpay_salt)
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
CHARGES = replace(REQUESTS, lies={})
FORMS = replace(REQUESTS, tamper=(b"amount=", b"1"), encode=_signed_form)


def tell_request(payment: Payment, word: str) -> list[Delivery]:
    """Store the webhooks that say ``completed`` or ``failed``: of each version that is switched on.

    Version 1 goes to the request's own ``webhook``, version 2 to the registered endpoint.
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
    if versions != "v1":  # its currency in capitals, other than GET shows it
        event = shapes.request_shown(payment) | {"currency": payment.currency, "status": word}
        sent += _send(REQUESTS, payment, "payment_request", word, event)
    return sent


def tell_refund(payment: Payment, charge: dict[str, Any]) -> None:
    """Store ``charge.updated``, which only version 2 has."""
    if kit.settings_as(HitPaySettings).sandbox_hitpay_webhooks != "v1":
        event = shapes.charge_shown(payment, charge)
        _send(CHARGES, payment, "charge", "updated", event, goes_back=True)


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
    """Version 2: the entity, signed with the salt of the registered endpoint."""
    ours = kit.settings_as(HitPaySettings)
    return kind.send(
        payment,
        f"{entity}.{word}",
        event,
        url=ours.hitpay_webhook_url,
        headers=lambda body: {
            "Content-Type": "application/json",
            "User-Agent": "HitPay v2.0",
            "Hitpay-Event-Type": word,
            "Hitpay-Event-Object": entity,
            "Hitpay-Signature": kit.hmac_sha256(kit.first_of(ours.hitpay_webhook_salt), body),
        },
        final=payment.status != "pending",
        goes_back=goes_back,
    )
