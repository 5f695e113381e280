"""A merchant's program at Mollie, for the tests of this folder."""

from typing import Any

from ..driver import Receiver, Reply, Sandbox

KEY = {"Authorization": "Bearer test_kiln_and_kettle"}


class Merchant:
    """A merchant's program, and a shopper on the test page."""

    def __init__(self, sandbox: Sandbox, shop: Receiver) -> None:
        self.sandbox, self.http, self.shop = sandbox, sandbox.http, shop

    def call(self, method: str, path: str = "", sent: Any = None, key: str = "") -> Reply:
        headers = {**KEY, "Idempotency-Key": key} if key else KEY
        return self.http.open(
            f"/mollie/v2/payments{path}", method=method, json=sent, headers=headers
        )

    def create(self, key: str = "", **changes: Any) -> Reply:
        return self.call("POST", "", {**self.payload(), **changes}, key)

    def payload(self) -> dict[str, Any]:
        return {
            "amount": {"value": "12.00", "currency": "EUR"},
            "description": "Order 1",
            "redirectUrl": "http://shop.example/orders/1/return",
            "webhookUrl": self.shop.url,
            "metadata": "order-1",
        }

    def pay(self, ending: str = "paid") -> str:
        """A new payment that ends so; its id."""
        reference = str(self.create().json["id"])
        self.http.post(f"/mollie/checkout/{reference}", data={"ending": ending})
        return reference

    def get(self, reference: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/{reference}?embed=refunds").json)

    def refund(self, reference: str, value: str, key: str = "") -> Reply:
        amount = {"value": value, "currency": "EUR"}
        return self.call("POST", f"/{reference}/refunds", {"amount": amount}, key)
