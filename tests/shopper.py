"""A shopper without a browser: fills in forms and presses buttons over the WSGI interface."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

BASE_URL = "http://127.0.0.1:5000"

ANN = {
    "name": "Ann Example",
    "email": "ann@example.com",
    "line1": "Potter Street 1",
    "line2": "",
    "city": "Ghent",
    "region": "",
    "postal_code": "9000",
    "country": "BE",
    "provider": "mintcash",
}


class _Hidden(HTMLParser):
    """The hidden fields of a page's forms, by name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if attributes.get("type") == "hidden":
            self.fields[attributes["name"] or ""] = attributes.get("value") or ""


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
            self.token = _Hidden(self.get("/products/candle").text).fields["csrf_token"]
        form = {"csrf_token": self.token, **(data or {})}
        return self.client.post(path, base_url=BASE_URL, data=form, **options)

    def add(self, slug: str, quantity: int = 1) -> TestResponse:
        return self.post("/cart/items", {"slug": slug, "quantity": quantity})

    def shown(self) -> str:
        """What the checkout page says that it shows; blank when there is nothing to check out."""
        return _Hidden(self.get("/checkout").text).fields.get("shown", "")

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
