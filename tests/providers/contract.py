"""What the tests of all providers have in common."""

from typing import Any

import responses

from providers.contract import Provider, Urls

from .case import Reply

URLS = Urls("https://shop.example/orders/1/return", "https://shop.example/webhooks")


def answer(mock: responses.RequestsMock, reply: Reply) -> None:
    """The API answers so from now on."""
    mock.add(reply.method, reply.url, json=reply.body, status=reply.status)


def explain(provider: Provider, account: Any, code: str | None) -> str:
    """The sentence that a shopper reads about a failure."""
    can = provider.capabilities(account)
    return can.failures.get(code or "", can.failed)
