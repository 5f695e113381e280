"""A shopper who does what is planned."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

import config
from tests.providers import case_of
from tools.shopper import ANN, Shopper, filled
from tools.soak.plan import Purchase


class PlannedShopper(Shopper):
    """Does what is planned, and tries again when the shop does not answer."""

    def __init__(
        self, settings: config.Settings, purchase: Purchase, pause: float, codes: list[str]
    ) -> None:
        super().__init__(settings.base_url, settings.sandbox_url)
        self.purchase, self.pause = purchase, pause
        self.codes = codes if purchase.uses_a_card else []
        self.answers_500: Counter[str] = Counter()
        self.chance = random.Random(f"{purchase}")  # noqa: S311
        again = Retry(
            total=8,
            status_forcelist=(503,),
            allowed_methods=None,  # a shopper who sees an error presses the button again
            backoff_factor=0.1,
            backoff_max=2,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        self.http.mount("http://", HTTPAdapter(max_retries=again))
        self.http.hooks["response"].append(self._count)

    def shop_around(self) -> str | None:
        """Buy, or not; returns why there was nothing to pay, if so."""
        purchase = self.purchase
        self.fill_in(f"{self.shop}/", "/currency", currency=purchase.currency)
        added = []
        for slug, quantity in purchase.cart.items():
            self.think()
            added.append(self.add(slug, quantity).status_code)
        if 200 not in added:
            return "sold out"
        if purchase.create_fault != "none":  # it applies to the next request for a page
            faults = f"{self.sandbox}/control/faults"
            self.post(faults, create_fault=purchase.create_fault, create_calls="1")
        self.think()
        page = self.leave_to_pay(purchase.provider)
        if page is None:
            return "no page"
        if not page.startswith(self.sandbox):
            return None  # a gift card paid all of it
        self.think()
        self.behave(page)
        return None

    def leave_to_pay(self, provider: str) -> str | None:
        """The provider's page; None when there is none, although asked for twice.

        The order's page, where a gift card pays all of it.
        """
        purchase = self.purchase
        email = f"shopper-{purchase.number}-{purchase.currency.lower()}@example.com"
        for _ in range(2):
            contact = {"email": email, **self.use_a_card(email)}
            answer = self.check_out(provider, **contact)
            if answer.status_code == 200:
                by_card = "credit_code" in contact and "/orders/" in answer.url
                return answer.url if by_card or answer.url.startswith(self.sandbox) else None
            self.think()
        return None

    def use_a_card(self, email: str) -> dict[str, str]:
        """The fields of the checkout after a code was typed there; none where it pays nothing.

        Codes are taken at random, so several shoppers may use one at the same time.
        """
        if not self.codes:
            return {}
        code = self.chance.choice(self.codes)
        typed = {**ANN, "email": email, "credit_code": code, "use_credit": "1"}
        answer = self.fill_in(f"{self.shop}/checkout", "/checkout", **typed)
        if answer.status_code != 200:
            return {}
        return {"credit_code": code, "shown": filled(answer.text, "/checkout")["shown"]}

    def behave(self, page: str) -> None:
        """On the page: what the habit says."""
        purchase = self.purchase
        provider, other = purchase.provider, purchase.other
        part = case_of(provider).page.pays_a_part
        match purchase.habit:
            case "abandons":
                self.get(page)
            case "cancels":
                self.cancel(page)
            case "card is declined":
                self.pay_there(page, provider, declined=True)
            case "closes the tab":
                self.pay_there(page, provider, fault="close_tab")
            case "presses twice":
                with ThreadPoolExecutor(2) as hands:
                    list(hands.map(lambda _: self.pay_there(page, provider), range(2)))
            case "comes back twice":
                answer = self.pay_there(page, provider)
                came_by = [each.url for each in answer.history if "/return/" in each.url]
                for url in came_by * 2:
                    self.get(url)
            case "pays elsewhere after leaving":
                self.leave_and_pay_elsewhere(other)
            case "pays on two pages":
                self.leave_and_pay_elsewhere(other)
                self.pay_there(page, provider)
            case "changes the cart":
                self.change_cart_and_pay(page)
            case "pays in two parts" if part:
                self.pay_there(page, provider, False, **part)
                self.think()
                self.pay_there(page, provider)
            case _:
                self.pay_there(page, provider)

    def leave_and_pay_elsewhere(self, provider: str) -> None:
        """Back to the checkout, and another card is chosen: the same order, another payment."""
        page = self.leave_to_pay(provider)
        if page and page.startswith(self.sandbox):
            self.pay_there(page, provider)

    def change_cart_and_pay(self, page: str) -> None:
        """The new cart's page is paid, and half the time the old one's as well, in any order."""
        self.add("cookbook")
        new = self.leave_to_pay(self.purchase.other)
        pages = [(new, self.purchase.other)]
        if self.chance.random() < 0.5:
            pages.insert(self.chance.randint(0, 1), (page, self.purchase.provider))
        for each, provider in pages:
            if each and each.startswith(self.sandbox):
                self.pay_there(each, provider)

    def pay_there(
        self, page: str, provider: str, declined: bool = False, **typed: str
    ) -> requests.Response:
        hosted = case_of(provider).page
        usual = (hosted.declines if declined else None) or hosted.pays
        faults = {"fault": self.purchase.fault, "delivery_fault": self.purchase.delivery_fault}
        return self.pay(page, provider, **{**faults, **usual, **typed})

    def think(self) -> None:
        time.sleep(self.chance.uniform(0, self.pause))

    def _count(self, response: requests.Response, *_: object, **__: object) -> None:
        if response.status_code == 500:
            self.answers_500[f"{response.request.method} {response.url}"] += 1
