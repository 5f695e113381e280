"""What is measured: one request a row, its goal, and what its answer must be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from database import db
from models import Download, random_id
from tests.providers import cases
from tests.providers.case import Case, Message
from tests.usual import PROVIDER
from tools.shopper import ANN

from .books import Placed, place

FORM = "application/x-www-form-urlencoded"


class WrongAnswer(Exception):
    """The text says which row was answered otherwise than it must be, and how."""


@dataclass(frozen=True)
class Sent:
    """One request; ``path`` with its query string."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


#: Makes so many requests that differ, or one where all are the same.
Make = Callable[[Flask, int], list[Sent]]


@dataclass(frozen=True)
class Row:
    """``goal``: requests a second, as a ratio to the bare route; None where there is none.

    ``status`` and ``holds`` are what each answer must be; another one is a failure.
    """

    name: str
    title: str
    goal: float | None
    make: Make
    status: int = 200
    holds: str = ""
    #: Every request changes something, so no two may be the same.
    writes: bool = False
    clients: int = 8
    #: It calls a provider, so it is measured with servers only.
    calls_out: bool = False


def rows() -> list[Row]:
    """All, in the order in which a shopper meets them; webhooks last."""
    pages = [
        Row("shelf", "shelf", 0.45, one("/"), holds="/products/bud-vase"),
        Row("product", "product page", 0.45, one("/products/bud-vase"), holds="Add to cart"),
        Row("cart", "cart", 0.40, with_cart("/cart"), holds="Bud vase"),
        Row(
            "checkout", "checkout page", 0.25, with_cart("/checkout"), holds=f"provider-{PROVIDER}"
        ),
        Row("add", "add to cart", 0.35, add_to_cart, status=303),
        Row(
            "pay",
            "checkout post, provider answers at once",
            None,
            pay,
            status=303,
            writes=True,
            calls_out=True,
        ),
        Row("return", "return page", None, come_back, status=303, writes=True),
        Row("waiting", "status poll, waiting", 0.70, poll_waiting, status=204),
        Row("poll-paid", "status poll, paid", 0.40, poll_paid, holds='data-state="paid"'),
        Row("order", "order page, paid", 0.30, order_page, holds='data-state="paid"'),
        Row("download", "download", None, download, holds="%PDF"),
        Row("healthz", "healthz", 0.85, one("/healthz"), holds="ok"),
    ]
    repeated = Row("repeat", "webhook, one event repeated", 0.50, repeat, holds="ok")
    news = [
        Row(
            f"webhook-{message.name}",
            f"webhook, new event each: {case.capabilities.label}"
            + (f" ({message.name})" if message.name != case.name else ""),
            0.33,
            webhooks(case, message),
            holds="ok",
            writes=True,
        )
        for case in cases().values()
        for message in case.messages
    ]
    crowds = [
        Row(
            f"one-order-{clients}",
            f"webhooks of one order, {clients} clients",
            0.25,
            webhooks_of_one_order,
            holds="ok",
            writes=True,
            clients=clients,
        )
        for clients in (32, 64)
    ]
    return [*pages, *news, repeated, *crowds]


# ------------------------------------------------------------------ pages


def one(path: str) -> Make:
    return lambda shop, count: [Sent("GET", path, {})]


def with_cart(path: str) -> Make:
    def make(shop: Flask, count: int) -> list[Sent]:
        return [Sent("GET", path, {"Cookie": _cookie_of_a_cart(shop)[0]})]

    return make


def add_to_cart(shop: Flask, count: int) -> list[Sent]:
    cookie, token = _cookie_of_a_cart(shop)
    body = urlencode({"csrf_token": token, "slug": "bud-vase", "quantity": "1"}).encode()
    return [Sent("POST", "/cart/items", {"Cookie": cookie, "Content-Type": FORM}, body)]


def pay(shop: Flask, count: int) -> list[Sent]:
    """A shopper each, with a cart of their own, who presses "Pay"."""
    cookie, token = _cookie_of_a_cart(shop)
    base = shop.extensions["settings"].base_url
    page = shop.test_client(use_cookies=False).get(
        "/checkout", base_url=base, headers={"Cookie": cookie}
    )
    (shown,) = re.findall(r'name="shown" value="([^"]+)"', page.text)
    typed = {**ANN, "csrf_token": token, "provider": PROVIDER, "shown": shown}
    session = SecureCookieSessionInterface().get_signing_serializer(shop)
    assert session is not None  # noqa: S101 - the shop has a secret key
    name, _, value = cookie.partition("=")
    held = session.loads(value)
    sent = []
    for number in range(count):
        mine = session.dumps({**held, "cart_key": random_id()})
        body = urlencode({**typed, "email": f"ann-{number}@example.com"}).encode()
        headers = {"Cookie": f"{name}={mine}", "Content-Type": FORM}
        sent.append(Sent("POST", "/checkout", headers, body))
    return sent


def come_back(shop: Flask, count: int) -> list[Sent]:
    return [
        Sent("GET", f"/orders/{each.order_id}/return/{PROVIDER}", {})
        for each in _placed(shop, count)
    ]


def poll_waiting(shop: Flask, count: int) -> list[Sent]:
    """As the waiting page asks, again and again."""
    (order,) = _placed(shop, 1)
    base = shop.extensions["settings"].base_url
    page = shop.test_client().get(f"/orders/{order.order_id}", base_url=base).text
    (path,) = re.findall(r'hx-get="([^"]+)"', page)
    return [Sent("GET", path.replace("&amp;", "&"), {"HX-Request": "true"})]


def poll_paid(shop: Flask, count: int) -> list[Sent]:
    (order,) = _placed(shop, 1, paid=True)
    path = f"/orders/{order.order_id}/status?was=waiting"
    return [Sent("GET", path, {"HX-Request": "true"})]


def order_page(shop: Flask, count: int) -> list[Sent]:
    (order,) = _placed(shop, 1, paid=True)
    return [Sent("GET", f"/orders/{order.order_id}", {})]


def download(shop: Flask, count: int) -> list[Sent]:
    (order,) = _placed(shop, 1, paid=True)
    with shop.app_context():
        token = db.session.scalar(select(Download.token).where(Download.order_id == order.order_id))
    return [Sent("GET", f"/downloads/{token}", {})]


# ------------------------------------------------------------------ webhooks


def webhooks(case: Case, message: Message) -> Make:
    def make(shop: Flask, count: int) -> list[Sent]:
        return [_news(case, message, each.reference) for each in _placed(shop, count, case)]

    return make


def repeat(shop: Flask, count: int) -> list[Sent]:
    case = cases()[PROVIDER]
    (order,) = _placed(shop, 1)
    return [news_of(case, order.reference)]


def webhooks_of_one_order(shop: Flask, count: int) -> list[Sent]:
    """Each is another event about the same payment."""
    case = cases()[PROVIDER]
    (order,) = _placed(shop, 1)
    message = case.messages[0]
    sent = []
    news = news_of(case, order.reference)
    for number in range(count):
        body = news.body.replace(b"event-of-", f"event-{number}-of-".encode())
        headers, body = message.sealed(body)
        sent.append(Sent("POST", f"/webhooks/{PROVIDER}", headers, body))
    return sent


def news_of(case: Case, reference: str) -> Sent:
    """The provider's usual message: this payment is paid."""
    return _news(case, case.messages[0], reference)


def _news(case: Case, message: Message, reference: str) -> Sent:
    ours = case.payment.provider_reference or ""
    headers, body = message.about(ours, reference)
    return Sent("POST", f"/webhooks/{case.name}", headers, body)


# ------------------------------------------------------------------ what they need


def _placed(shop: Flask, count: int, case: Case | None = None, paid: bool = False) -> list[Placed]:
    with shop.app_context():
        return place(case or cases()[PROVIDER], count, paid)


def _cookie_of_a_cart(shop: Flask) -> tuple[str, str]:
    """The cookie of a shopper with two things in the cart, and the token of their forms."""
    base = shop.extensions["settings"].base_url
    with shop.test_client() as browser:
        for slug in ("bud-vase", "cookbook"):
            page = browser.get(f"/products/{slug}", base_url=base).text
            (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
            typed = {"csrf_token": token, "slug": slug, "quantity": "1"}
            browser.post("/cart/items", data=typed, base_url=base)
        host = urlsplit(base).hostname or ""
        name = shop.config["SESSION_COOKIE_NAME"]
        cookie = browser.get_cookie(name, domain=host)
        assert cookie is not None  # noqa: S101 - the cart is in it
        return f"{name}={cookie.value}", token
