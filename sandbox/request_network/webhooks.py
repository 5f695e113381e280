"""Request Network's webhooks (api-reference/webhooks): flat, each about one request."""

from functools import partial
from typing import Any

from ..clock import timestamp
from ..kit import Webhooks, endpoints, first_of, hmac_sha256, newest_other, settings_as
from ..models import Delivery, Endpoint, Payment
from .settings import RequestNetworkSettings
from .transfers import decimal, left, ulid

RETRY_COUNT = "x-request-network-retry-count"
DASHBOARDS = "01KJC2WX8EH4MP3DHZB2YQ7N9G"  # the documentation's sample of an id
WEBHOOKS = Webhooks(
    retry_after=(1, 5, 15),  # use-cases/webhook-reconciliation
    amounts=("amount", "totalAmountPaid", "expectedAmount"),
    lies={
        "wrong_amount": {"amount": decimal(1), "totalAmountPaid": decimal(1)},
        "wrong_currency": {"currency": "WETH", "paymentCurrency": "WETH"},
    },
    tamper=(rb'"event":', b" "),
)


def registered() -> list[Endpoint]:
    """Where webhooks go: as registered in the dashboard, which the settings stand for, or by API.

    ``details["active"]``: whether anything is sent there now.
    """
    ours = settings_as(RequestNetworkSettings)
    secret = first_of(ours.request_network_webhook_secret)
    url = ours.request_network_webhook_url
    return endpoints.registered(
        endpoints.preset("request_network", DASHBOARDS, url, secret, active=True)
    )


def notify(payment: Payment, index: int, event: str, is_last: bool = False) -> list[Delivery]:
    """Store a webhook about one request as it is now, for each active endpoint.

    ``is_last``: nothing is left to be told about the payment.
    """
    return [
        delivery
        for endpoint in registered()
        if endpoint.details["active"]
        for delivery in WEBHOOKS.send(
            payment,
            event,
            _event(payment, index, event),
            url=endpoint.url,
            headers=partial(headers, endpoint.secret),
            final=is_last,
            goes_back=event == "payment.failed",
        )
    ]


def headers(secret: str, body: bytes) -> dict[str, str]:
    """The secret is 64 hexadecimal digits, and signs as the text that it is."""
    return {
        "Content-Type": "application/json",
        "x-request-network-signature": hmac_sha256(secret, body),
        "x-request-network-delivery": ulid(),
        RETRY_COUNT: "0",
    }


def _event(payment: Payment, index: int, event: str) -> dict[str, Any]:
    """Amounts are decimals of the coin."""
    details, wanted = payment.details, payment.details["requests"][index]
    about = {
        "event": event,
        "requestId": wanted["id"],
        "requestID": wanted["id"],
        "paymentReference": wanted["paymentReference"],
    }
    if event == "payment.failed":
        return about | {"subStatus": "", "paymentProcessor": "request-network"}
    paid = wanted["payments"][-1]
    about |= {
        "explorer": f"https://scan.request.network/request/{wanted['id']}",
        "amount": decimal(paid["cents"]),
        "totalAmountPaid": decimal(wanted["cents"] - left(wanted)),
        "expectedAmount": decimal(wanted["cents"]),
        "timestamp": timestamp("seconds"),
        "txHash": paid["txHash"],
        "payerAddress": paid["payer"],
        "payerEoaAddress": None,
        "network": details["network"],
        "currency": details["coin"],
        "paymentCurrency": details["coin"],
        "isCryptoToFiat": False,
        "subStatus": "",
        "paymentProcessor": "request-network",
        "fees": [],
    }
    if payment.delivery_fault == "replay_other_order":  # a field that is not there otherwise
        about["reference"] = newest_other(payment).external_id
    return about
