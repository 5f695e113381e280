"""Request Network as a test needs it: correctly signed events, and the pages of its sandbox."""

import hashlib
import hmac
import json

from .sandboxed import ShopAndSandbox
from .shopper import BASE_URL

SECRET = b"6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"


def send_event(
    shop: ShopAndSandbox,
    request_id: str,
    event: str,
    total: str = "",
    delivery: str = "1",
    **more: str,
) -> None:
    """A correctly signed event about one request."""
    news = {"event": event, "requestId": request_id, "currency": "USDC", **more}
    body = json.dumps(news | ({"totalAmountPaid": total} if total else {})).encode()
    answer = shop.shopper.client.post(
        "/webhooks/request_network",
        base_url=BASE_URL,
        data=body,
        headers={
            "x-request-network-signature": hmac.new(SECRET, body, hashlib.sha256).hexdigest(),
            "x-request-network-delivery": f"01J{request_id[-6:]}{event[-6:]}{delivery}".replace(
                ".", "0"
            ),
        },
    )
    assert answer.status_code == 200


def pay_link(shop: ShopAndSandbox, amount: str, settles: str = "now", **how: str) -> None:
    """Connect a wallet, approve, pay."""
    home, _, token = shop.url.partition("?")
    for step in ("connect", "approve", "pay"):
        shop.press(f"{home}{step}?{token}", way="BASE USDC", amount=amount, settles=settles, **how)
    shop.url = f"{home}?{token}"
