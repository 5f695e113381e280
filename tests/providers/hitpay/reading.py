"""What the tests of this folder share: how they read a message, and what they are told."""

from dataclasses import replace
from typing import Any

import responses

from providers import hitpay
from providers.contract import (
    News,
)

from .case import (
    ACCOUNT,
    API,
    FORM,
    PAYMENT,
    REQUEST_ID,
    WEBHOOK_SALT,
    fixture,
    sign,
)


def read_form(body: bytes, account: hitpay.Account = ACCOUNT) -> News:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    (news,) = hitpay.read_webhook(account, headers, body)
    return news


def read_event(body: bytes, signature: str | None = None, entity: str = "payment_request") -> News:
    headers = {
        "content-type": "application/json",
        "hitpay-event-object": entity,
        "hitpay-signature": sign(body, WEBHOOK_SALT) if signature is None else signature,
    }
    (news,) = hitpay.read_webhook(ACCOUNT, headers, body)
    return news


BY_QR = replace(PAYMENT, method="qr")


PAYLOAD = "00020101021226370009SG.PAYNOW0101202101234567890"


def paid(api: responses.RequestsMock, *entries: dict[str, Any]) -> None:
    payments = [fixture("payment.json") | each for each in entries or ({},)]
    answer = fixture("created.json", status="completed", payments=payments)
    api.get(f"{API}/{REQUEST_ID}", json=answer)


C1, C2 = FORM["payment_id"], "92965a2d-0000-4000-8000-000000000002"


OTHER_REQUEST = "92965a20-0000-4000-8000-000000000003"


def charge(**changes: Any) -> dict[str, Any]:
    """SGD 24.00, as an entry of ``payments``."""
    taken = {"id": C1, "status": "succeeded", "currency": "sgd", "amount": "24.00"}
    return taken | {"refunded_amount": "0.00"} | changes


def request(*charges: dict[str, Any], **changes: Any) -> dict[str, Any]:
    asked = {"id": REQUEST_ID, "status": "completed", "currency": "sgd", "amount": "24.00"}
    return asked | ({"payments": list(charges)} if charges else {}) | changes
