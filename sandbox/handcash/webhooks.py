"""HandCash's webhook (handcash-pay/webhooks): not signed, it names the app's secret."""

import uuid
from typing import Any

from ..kit import Webhooks, first_of, settings_as
from ..models import Delivery, Payment
from .settings import HandCashSettings


def secret() -> str:
    return first_of(settings_as(HandCashSettings).handcash_app_secret)


WEBHOOKS = Webhooks(
    # “Exponential for 24 hours”: the first pause, the factor and the number are assumptions. The
    # last attempt comes 22.75 hours after the first.
    retry_after=tuple(10 * 2**number for number in range(13)),
    lies={
        "tamper": {"appSecret": lambda _payment, _other: f"{secret()}_guessed"},
        "replay_other_order": {
            "customParameters": lambda _payment, other: custom_parameters(other.details["request"])
        },
    },
)


def notify(payment: Payment, transaction: dict[str, str]) -> list[Delivery]:
    """Store the webhook of one payment, if the request names an address for it."""
    webhook = _webhook(payment.details["request"])
    if "webhookUrl" not in webhook:
        return []
    return WEBHOOKS.send(
        payment,
        "payment completed",
        _event(payment, transaction),
        url=webhook["webhookUrl"],
        headers=lambda _body: {"Content-Type": "application/json"},
    )


def _event(payment: Payment, transaction: dict[str, str]) -> dict[str, Any]:
    """The body: no signature, no amount, no time; our secret in clear is the whole proof."""
    is_newer = settings_as(HandCashSettings).sandbox_handcash_webhook_shape == "newer"
    sent, handle = payment.details["request"], transaction["handle"]
    user = {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, handle).hex[:24],
        "paymail": f"{handle}@handcash.io",
        "email": f"{handle}@example.org",
        "phoneNumber": "+15550100000",
    }
    wanted = ["id"] * is_newer + sent.get("requestedUserData", [])
    event = {
        "appSecret": secret(),
        "paymentRequestId": payment.reference,
        "paymentMethod": "onChain" if is_newer else None,
        "transactionId": transaction["id"],
        "customParameters": custom_parameters(sent),
        "userData": {name: user[name] for name in wanted},
    }
    return {name: value for name, value in event.items() if value}


def _webhook(sent: dict[str, Any]) -> dict[str, Any]:
    """Where to and with what, as the create call said it; empty where it did not."""
    webhook: dict[str, Any] = sent.get("notifications", {}).get("webhook", {})
    return webhook


def custom_parameters(sent: dict[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = _webhook(sent).get("customParameters", {})
    return parameters
