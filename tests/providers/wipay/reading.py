"""How the tests of this folder read a message."""

import time
from typing import Any

from providers import wipay
from providers.contract import News, PaymentRequest
from providers.optional import Hint

from .case import ACCOUNT, PAYMENT, fixture, headers_of


def read(body: bytes, account: wipay.Account = ACCOUNT, **headers: str) -> Any:
    """A delivery that is signed now, but for the ``headers`` that say otherwise."""
    sent = headers_of(body, int(time.time()), account.signs)
    sent |= {f"x-wipay-webhook-{name}": value for name, value in headers.items()}
    return wipay.read_webhook(account, sent, body)


def came_back(payment: PaymentRequest = PAYMENT, **changes: str) -> News | Hint:
    """The documented return with some of its parameters changed."""
    return wipay.read_return(ACCOUNT, payment, fixture("return_documented.json") | changes)
