"""A shopper without a browser: fills in forms and presses buttons over the WSGI interface."""

from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tools import shopper
from tools.shopper import filled

BASE_URL = "http://127.0.0.1:5000"

ANN = {**shopper.ANN, "line2": "", "region": "", "provider": "mintcash"}


@dataclass
class Shopper:
    """One session: cookies are kept, and every form carries the token of the page it was on."""

    app: Flask
    client: FlaskClient = field(init=False)
    token: str = ""

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, base_url=BASE_URL, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        if not self.token:
            page = self.get("/products/candle").text
            self.token = filled(page, "/cart/items")["csrf_token"]
        form = {"csrf_token": self.token, **(data or {})}
        return self.client.post(path, base_url=BASE_URL, data=form, **options)

    def add(self, slug: str, quantity: int = 1) -> TestResponse:
        return self.post("/cart/items", {"slug": slug, "quantity": quantity})

    def shown(self) -> str:
        """What the checkout page says that it shows; blank when there is nothing to check out."""
        return filled(self.get("/checkout").text, "/checkout").get("shown", "")

    def check_out(self, **changes: str) -> TestResponse:
        """Open the checkout page and send its form as Ann, with these changes."""
        return self.post("/checkout", {"shown": self.shown(), **ANN, **changes})

    def deliver(self, body: bytes, headers: dict[str, str]) -> TestResponse:
        """Not the shopper but MintCash: one webhook delivery."""
        return self.client.post(
            "/webhooks/mintcash",
            base_url=BASE_URL,
            data=body,
            headers=headers,
            content_type="application/json",
        )
