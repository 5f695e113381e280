"""What the contract suite needs to know of a provider: a ``CASE`` in each ``test_<name>.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import responses

from providers.contract import PaymentRequest, Provider, Urls

URLS = Urls("https://shop.example/orders/1/return", "https://shop.example/webhooks")


@dataclass(frozen=True)
class Case:
    """One provider with an account of its test system and one payment."""

    provider: Provider
    account: Any
    payment: PaymentRequest
    #: Makes the create call succeed.
    answer: Callable[[responses.RequestsMock], None]
    #: A true delivery that says the payment is paid in full: headers (lower case) and body.
    paid: tuple[dict[str, str], bytes]
    #: What must never be shown.
    secrets: tuple[str, ...]


def explain(provider: Provider, account: Any, code: str | None) -> str:
    """The sentence that a shopper reads about a failure."""
    can = provider.capabilities(account)
    return can.failures.get(code or "", can.failed)
