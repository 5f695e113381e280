"""The shopper's browser: follows redirects, keeps cookies, and reloads when the shop is gone."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests

from tests.providers import case_of
from tools.explore.wire import SANDBOX, SHOP
from tools.shopper import ANN, Shopper, filled

if TYPE_CHECKING:
    from tools.explore.world import World


class Gone(Exception):
    """The shopper does not come back after an error."""


class Browser(Shopper):
    """A shopper whose cookies live in the world's notes, so that they can be put back.

    ``who``: another word is another browser. ``gives_up``: leave at the first error, for ever.
    ``looks``: whether the order's page is opened after coming back.
    """

    def __init__(self, world: "World", who: str = "ann") -> None:
        super().__init__(SHOP, SANDBOX)
        self.world, self.who, self.gives_up, self.looks = world, who, False, True

    # ------------------------------------------------------------------ the shop

    def press_pay(self, provider: str, **typed: str) -> str:
        """The checkout's button, its page being open; the address where this leads."""
        return self.post(
            f"{SHOP}/checkout", **{**self.notes["form"], **typed, "provider": provider}
        ).url

    def open_checkout(self, **contact: str) -> None:
        """What stands in the form is remembered for :meth:`press_pay`."""
        page = self.get(f"{SHOP}/checkout")
        self.notes["form"] = {
            **filled(page.text, "/checkout"),
            **ANN,
            "email": f"{self.who}@example.com",
            **contact,
        }

    def choose_again(self, order_id: str, provider: str) -> str:
        """Another way to pay, on the order's page."""
        page, action = f"{SHOP}/orders/{order_id}", f"/orders/{order_id}/payments"
        return self.fill_in(page, action, provider=provider).url

    def open_console(self, order_id: str) -> None:
        """What stands in the forms of the order's page in the console, for :meth:`press`."""
        page = self.get(f"{SHOP}/console/orders/{order_id}").text
        actions = re.findall(r'action="(/console/(?:orders|tasks)/\w+/[a-z-]+)"', page)
        self.notes["console"] = {action: filled(page, action) for action in actions}

    def press(self, button: str, **typed: str) -> None:
        """A button of the console's page: "refunds", "release" and so on; of several, each."""
        for action, form in self.notes["console"].items():
            if action.endswith(button):
                self._ask("POST", SHOP + action, {**form, **typed})

    # ------------------------------------------------------------------ the provider's page

    def pay_there(self, page: str, provider: str, **typed: str) -> requests.Response:
        return self.pay(page, provider, **{**case_of(provider).page.pays, **typed})

    # ------------------------------------------------------------------ requests, one by one

    @property
    def notes(self) -> dict[str, Any]:
        notes: dict[str, Any] = self.world.notes.setdefault(self.who, {})
        return notes

    def get(self, url: str) -> requests.Response:
        return self._follow("GET", url)

    def post(self, url: str, **fields: str) -> requests.Response:
        return self._follow("POST", url, fields)

    def _follow(self, method: str, url: str, fields: Any = None) -> requests.Response:
        answer = self._ask(method, url, fields)
        while answer.status_code in (302, 303) and self._leads_on(answer):
            url = urljoin(answer.url, answer.headers["Location"])
            answer = self._ask("GET", url)
        return answer

    def _ask(self, method: str, url: str, fields: Any = None) -> requests.Response:
        try:
            return self._send(method, url, fields)
        except requests.ConnectionError:
            self.world.shopper_saw_it = True
            if self.gives_up:
                raise Gone from None
            return self._send(method, url, fields)  # the shopper reloads

    def _send(self, method: str, url: str, fields: Any) -> requests.Response:
        home = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        jar = self.notes.setdefault("cookies", {}).setdefault(home, {})
        answer = requests.request(
            method, url, data=fields, cookies=jar, allow_redirects=False, timeout=20
        )
        jar.update(answer.cookies.get_dict())
        return answer

    def _leads_on(self, answer: requests.Response) -> bool:
        target = urljoin(answer.url, answer.headers["Location"])
        is_seen = self.looks or not re.fullmatch(f"{SHOP}/orders/[0-9a-f]+", target)
        return is_seen and target.startswith((SHOP, SANDBOX))


def order_of(url: str) -> str:
    """The order's id in an address of the shop."""
    found = re.search("/orders/([0-9a-f]{32})", url)
    return found[1] if found else ""
