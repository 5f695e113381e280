"""A shopper without a browser, over real HTTP: fills in the forms of the shop and of the sandbox.

For ``make demo`` and ``make soak``; the tests take from here what a shopper types.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

from tests.providers import case_of

ANN = {
    "name": "Ann Example",
    "email": "ann@example.com",
    "line1": "Potter Street 1",
    "city": "Ghent",
    "postal_code": "9000",
    "country": "BE",
}


def direct_session() -> requests.Session:
    """Takes no proxy, whatever HTTP_PROXY says: shop and sandbox are on this machine."""
    session = requests.Session()
    session.trust_env = False
    # A server ends idle connections, and what is sent at that very moment is lost.
    session.headers["Connection"] = "close"
    return session


class Shopper:
    """One person with one cart. Every answer is the last of its redirects."""

    def __init__(self, shop: str, sandbox: str) -> None:
        self.shop, self.sandbox, self.http = shop, sandbox, direct_session()

    def add(self, slug: str, quantity: int = 1) -> requests.Response:
        """Into the cart, from the product's page."""
        return self.fill_in(f"{self.shop}/products/{slug}", "/cart/items", quantity=str(quantity))

    def check_out(self, provider: str, **contact: str) -> requests.Response:
        """From the checkout to the provider's page; 502 when there is none.

        Pressed again with the same cart, it is the same order.
        """
        typed = {**ANN, **contact, "provider": provider}
        return self.fill_in(f"{self.shop}/checkout", "/checkout", **typed)

    def pay(self, page: str, provider: str, **typed: str) -> requests.Response:
        """Fill in the provider's page, and whatever it asks next; leads back to the shop.

        ``fault`` and ``delivery_fault`` are fields of the page, too.
        """
        hosted = case_of(provider).page
        home, _, token = page.partition("?")
        actions = [f"{urlsplit(home).path}{form}?{token}" for form in hosted.forms]
        for action in actions:
            answer = self.fill_in(page, action, **typed)
        if not actions:
            answer = self.post(page, **typed)
        challenge = re.search(r'action="([^"]*/challenge[^"]*)"', answer.text)
        if challenge:
            answer = self.post(urljoin(answer.url, challenge.group(1)), **hosted.challenge)
        if hosted.back_link and typed.get("fault") != "close_tab":
            for back in re.findall(rf'href="({self.shop}/orders/[^"]*)"', answer.text):
                answer = self.get(back)
        return answer

    def cancel(self, page: str, **typed: str) -> requests.Response:
        """Press Cancel on the provider's page; its faults come along."""
        return self.post(f"{page}/cancel", **typed)

    def get(self, url: str) -> requests.Response:
        return self.http.get(url, timeout=20)

    def post(self, url: str, **fields: str) -> requests.Response:
        return self.http.post(url, data=fields, timeout=40)

    def fill_in(self, page: str, action: str, **fields: str) -> requests.Response:
        """Fill in the form of a page that posts to ``action``; what stands in it comes along."""
        return self.post(urljoin(page, action), **{**filled(self.get(page).text, action), **fields})


def filled(page: str, action: str) -> dict[str, str]:
    """What stands in the fields, hidden ones included, of the form that posts to ``action``."""
    form = _Form(action)
    form.feed(page)
    return form.filled


class _Form(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self.action, self.inside = action, False
        self.filled: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("action") == self.action
        elif tag == "input" and self.inside and given.get("type") not in ("radio", "checkbox"):
            self.filled[given.get("name") or ""] = given.get("value") or ""
