"""What the tests of this folder share: how they read a message, and what they are told."""

import time
from typing import Any
from urllib.parse import parse_qsl

import responses

from providers import wipay
from providers.contract import (
    News,
    PaymentRequest,
)
from providers.optional import Hint

from ..contract import URLS
from .case import (
    ACCOUNT,
    FORMED,
    PAYMENT,
    REQUEST_URL,
    fixture,
    headers_of,
    md5,
)


def read(body: bytes, account: wipay.Account = ACCOUNT, **headers: str) -> Any:
    """A delivery that is signed now, but for the ``headers`` that say otherwise."""
    sent = headers_of(body, int(time.time()), account.signs)
    sent |= {f"x-wipay-webhook-{name}": value for name, value in headers.items()}
    return wipay.read_webhook(account, sent, body)


def came_back(payment: PaymentRequest = PAYMENT, **changes: str) -> News | Hint:
    """The documented return with some of its parameters changed."""
    return wipay.read_return(ACCOUNT, payment, fixture("return_documented.json") | changes)


def sent_form(api: responses.RequestsMock, payment: PaymentRequest) -> dict[str, str]:
    api.post(REQUEST_URL, json=fixture("created.json"))
    wipay.start_checkout(ACCOUNT, payment, URLS)
    return dict(parse_qsl(str(api.calls[-1].request.body)))


def returned_by_form(**changes: str) -> dict[str, str]:
    """A true return of the form's transaction."""
    proof = {"transaction_id": FORMED, "hash": md5(f"{FORMED}10.00123"), "total": "10.00"}
    return fixture("return_documented.json") | proof | changes
