"""The configured providers, a payment as a provider is told about it, and our addresses."""

from collections.abc import Mapping
from email.utils import parseaddr

from flask import current_app

from config import Settings
from models import Order, Payment
from providers.contract import Address, Configured, Customer, Line, News, PaymentRequest, Urls
from providers.optional import Subscribes

#: Header names whose values never reach the database.
SECRET_HEADERS = ("signature", "authorization", "cookie", "key", "secret", "token", "hmac", "hash")
WALK_IN = "Walk-in customer"


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def providers() -> dict[str, Configured]:
    """The providers that this shop is configured for, by name."""
    found: dict[str, Configured] = current_app.extensions["providers"]
    return found


def refunds_of(payment: Payment) -> str:
    """ "full", "part", or blank where the provider cannot be asked to refund this payment.

    No provider says by which id a charge of a subscription is refunded.
    """
    configured = providers().get(payment.provider)
    return configured.capabilities.refunds if configured and not payment.is_periodic else ""


def request_for(payment: Payment) -> PaymentRequest:
    """A payment as a provider is told about it."""
    order = payment.order
    address = None
    if order.needs_shipping:
        address = Address(
            order.line1, order.line2, order.city, order.postal_code, order.country, order.region
        )
    return PaymentRequest(
        reference=payment.id,
        provider_reference=payment.provider_reference,
        amount=payment.amount,
        currency=payment.currency,
        description=f"Kiln & Kettle, order {order.number}",
        customer=_customer(order),
        address=address,
        method=payment.method,
        lines=_lines(order),
        parts=tuple(each.provider_reference for each in payment.parts),
        page_token=payment.page_token,
        provider_state=payment.provider_state,
        every_days=order.subscription.every_days
        if order.begins_subscription and order.subscription
        else None,
    )


def _customer(order: Order) -> Customer:
    """Who pays. Of a sale at the till that is not known; some providers demand an address."""
    if order.customer_id is None or order.at_till:
        return Customer(order.id, WALK_IN, parseaddr(settings().mail_from)[1])
    return Customer(order.customer_id, order.name, order.email)


def _lines(order: Order) -> tuple[Line, ...]:
    """What is paid for; their sum is what the provider is asked for."""
    if order.credit:
        return (Line(f"Order {order.number}, less a gift card", order.to_pay),)
    return tuple(Line(f"{each.quantity} × {each.name}", each.total) for each in order.lines)


def fetch(configured: Configured, request: PaymentRequest) -> list[News]:
    """Ask the provider how a payment stands, or the subscription that began with it.

    :raise ProviderError: no answer.
    """
    if request.every_days and isinstance(configured.module, Subscribes):
        return configured.module.fetch_subscription(configured.account, request)
    return configured.module.fetch_payment(configured.account, request)


def urls_for(order_id: str, provider: str) -> Urls:
    return Urls(
        return_url=f"{settings().base_url}/orders/{order_id}/return/{provider}",
        webhook_url=webhook_url(provider),
    )


def webhook_url(provider: str) -> str:
    """Where this provider's webhooks arrive."""
    return f"{settings().base_url}/webhooks/{provider}"


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may be kept: of a secret one at most the last four characters."""

    def kept(name: str, value: str) -> str:
        if any(word in name.lower() for word in SECRET_HEADERS):
            return f"…{value[-4:]}" if len(value) > 16 else "…"
        return value

    return {name: kept(name, value) for name, value in headers.items()}
