"""MintCash's hosted page: what it is asked with, and what the answer holds.

The same for a payment (docs/api/payments, docs/guides/accept-one-time-payment) and for a
subscription (docs/api/subscriptions, docs/guides/set-up-subscription).
"""

from typing import Any

from ..contract import Checkout, PaymentRequest, Redirect, Unreachable, Urls
from ..text import usable_id


def page_payload(payment: PaymentRequest, urls: Urls) -> dict[str, Any]:
    """The fields of a create call. ``amount`` is minor units: 4999 is 49.99."""
    who, address = payment.customer, payment.address
    payload: dict[str, Any] = {
        "amount": payment.amount,
        "currency": payment.currency,
        "externalId": payment.reference,
        "description": payment.description,
        "returnUrl": urls.return_url,
        "customer": {"externalId": who.reference, "email": who.email, "name": who.name},
    }
    if address and address.postal_code:  # probably required within billing
        payload["billing"] = {"country": address.country, "postalCode": address.postal_code}
    return payload


def read_page(reply: dict[str, Any], name: str) -> Checkout:
    """The page of what was made: the guides wrap it as ``name``, the reference shows it flat.

    An answer may do both at once.

    :raise Unreachable: it holds not one such thing with a page.
    """
    wrapped = reply.get(name)
    resource = wrapped if isinstance(wrapped, dict) else reply
    url, named = reply.get("redirectUrl") or resource.get("redirectUrl"), resource.get("id")
    if not isinstance(url, str) or reply.get("id", named) != named:
        raise Unreachable(f"POST /{name}s: the answer holds not one {name} with a redirectUrl")
    return Checkout(usable_id(resource, "id", Unreachable), Redirect(url))
