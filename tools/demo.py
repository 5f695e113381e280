"""Every provider with its scenarios, over real HTTP and without a browser: ``make demo``.

Starts shop, sandbox and worker on free ports with fresh databases, buys the e-book in each
scenario as a shopper without JavaScript would, and says how each order ended. The exit code is 1
when one ended otherwise than expected.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import config
from tools.run import free_port
from tools.shopper import (
    HANDCASH,
    HITPAY,
    MINTCASH,
    MINTCASH_3DS,
    MINTCASH_FAILS,
    WALLET,
    WIPAY,
    WIPAY_FAILS,
    Shopper,
)

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0  # seconds for an order to end as expected


@dataclass(frozen=True)
class Scenario:
    """What is typed on the provider's page, what goes wrong, and how the order is to end.

    ``ends`` is the state that the order's page shows, or ``no page`` when checkout says that the
    provider cannot be reached.
    """

    provider: str
    title: str
    ends: str
    types: dict[str, str]
    fault: str = "none"
    webhook: str = "none"
    create: str = "none"
    cancel: bool = False
    play: str = ""  # a method of ``Customer`` that does all of it, where it is more than a page
    skip: int = 0  # sandbox seconds, after paying
    happens: str = ""  # at the provider, after paying: see sandbox/actions.py


SCENARIOS = (
    Scenario("mintcash", "success card", "paid", MINTCASH),
    Scenario("mintcash", "3-D Secure", "paid", MINTCASH_3DS),
    Scenario("mintcash", "failing card", "failed", MINTCASH_FAILS),
    Scenario("mintcash", "canceled by the shopper", "canceled", {}, cancel=True),
    Scenario("mintcash", "page expires", "expired", MINTCASH, fault="expire"),
    Scenario("mintcash", "expires, then pays late", "paid", MINTCASH, fault="pay_late"),
    Scenario("mintcash", "two success events", "paid", MINTCASH, fault="pay_twice"),
    Scenario("mintcash", "tab closed after paying", "paid", MINTCASH, fault="close_tab"),
    Scenario("mintcash", "webhook lost", "paid", MINTCASH, webhook="drop"),
    Scenario("mintcash", "webhook twice", "paid", MINTCASH, webhook="duplicate"),
    Scenario("mintcash", "webhooks out of order", "paid", MINTCASH, webhook="reorder"),
    Scenario("mintcash", "webhook forged", "waiting", MINTCASH, "close_tab", "tamper"),
    Scenario("mintcash", "webhook of live", "waiting", MINTCASH, "close_tab", "wrong_environment"),
    Scenario("mintcash", "one cent", "held", MINTCASH, "close_tab", "wrong_amount"),
    Scenario("mintcash", "another currency", "held", MINTCASH, "close_tab", "wrong_currency"),
    Scenario("mintcash", "cart changed, both paid", "paid", {}, play="pay_two_carts"),
    Scenario("mintcash", "money back, then released", "refunded", {}, play="release_without_money"),
    Scenario("mintcash", "webhook before the page", "paid", {}, create="early_webhook"),
    Scenario("mintcash", "503 on create", "no page", {}, create="503"),
    Scenario("mintcash", "HTML for JSON", "no page", {}, create="html"),
    Scenario("mintcash", "page on a foreign host", "no page", {}, create="foreign_redirect"),
    Scenario("hitpay", "success card", "paid", HITPAY),
    Scenario("hitpay", "canceled by the shopper", "left", {}, cancel=True),
    Scenario("hitpay", "tab closed after paying", "paid", HITPAY, fault="close_tab"),
    Scenario("hitpay", "webhooks lost", "paid", HITPAY, webhook="drop"),
    Scenario("hitpay", "webhooks twice", "paid", HITPAY, webhook="duplicate"),
    Scenario("hitpay", "webhooks forged", "waiting", HITPAY, "close_tab", "tamper"),
    Scenario("hitpay", "one cent", "held", HITPAY, "close_tab", "wrong_amount"),
    Scenario("hitpay", "QR code scanned", "paid", {}, play="scan_the_code"),
    Scenario("hitpay", "given back in two parts", "refunded", HITPAY, play="get_it_back"),
    Scenario("hitpay", "charged in another currency", "held", HITPAY, "other_currency"),
    Scenario(
        "hitpay",
        "refund overtakes the success",
        "refunded",
        HITPAY,
        "close_tab",
        "overtaken",
        happens="refund",
    ),
    Scenario("hitpay", "one page paid twice", "paid", HITPAY, play="pay_one_page_twice"),
    Scenario("wipay", "success card", "paid", WIPAY),
    Scenario("wipay", "declined card", "failed", WIPAY_FAILS),
    Scenario("wipay", "webhook lost, return signed", "paid", WIPAY, webhook="drop"),
    Scenario("wipay", "tab closed after paying", "paid", WIPAY, fault="close_tab"),
    Scenario("wipay", "webhook forged, no return", "waiting", WIPAY, "close_tab", "tamper"),
    Scenario("wipay", "expired, paid at MintCash", "paid", {}, play="pay_elsewhere_after_expiry"),
    Scenario("wipay", "half an hour late", "paid", WIPAY, "pay_late", skip=30 * 60),
    Scenario("wipay", "saved card", "paid", WIPAY, play="pay_with_a_saved_card"),
    Scenario("handcash", "paid from the wallet", "paid", HANDCASH),
    Scenario("handcash", "webhook lost", "paid", HANDCASH, webhook="drop"),
    Scenario("handcash", "webhook twice", "paid", HANDCASH, webhook="duplicate"),
    Scenario("handcash", "tab closed after paying", "paid", HANDCASH, fault="close_tab"),
    Scenario("handcash", "webhook forged", "waiting", HANDCASH, "close_tab", "tamper"),
    Scenario("handcash", "left for MintCash", "paid", {}, play="change_their_mind"),
    Scenario("request_network", "paid from the wallet", "paid", WALLET),
    Scenario("request_network", "from another chain", "paid", {**WALLET, "way": "POLYGON USDC"}),
    Scenario("request_network", "paid in part", "partial", {**WALLET, "amount": "5.00"}),
    Scenario("request_network", "webhook lost", "paid", WALLET, webhook="drop"),
    Scenario("request_network", "webhook twice", "paid", WALLET, webhook="duplicate"),
    Scenario("request_network", "webhook before the page", "paid", {}, create="early_webhook"),
    Scenario("request_network", "webhook forged", "waiting", WALLET, "close_tab", "tamper"),
    Scenario("request_network", "another coin", "held", WALLET, "close_tab", "wrong_currency"),
)


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("provider", nargs="?", help="only the scenarios of this provider")
    only = arguments.parse_args().provider
    chosen = [each for each in SCENARIOS if only in (None, each.provider)]
    if not chosen:
        names = ", ".join(dict.fromkeys(each.provider for each in SCENARIOS))
        print(f"No such provider: {only}. There are {names}.", file=sys.stderr)  # noqa: T201
        return 2
    wrong = 0
    with running() as (shop, sandbox):
        for each in chosen:
            started = time.monotonic()
            ended = Customer(shop, sandbox).run(each)
            took = time.monotonic() - started
            verdict = "as expected" if ended == each.ends else f"EXPECTED {each.ends}"
            wrong += ended != each.ends
            line = f"{each.provider:<17}{each.title:<30}{ended:<10}{took:5.1f} s  {verdict}"
            print(line, flush=True)  # noqa: T201
    print(f"{len(chosen) - wrong} of {len(chosen)} scenarios ended as expected.")  # noqa: T201
    return 1 if wrong else 0


class Customer(Shopper):
    """One person, one cart, one scenario."""

    def run(self, scenario: Scenario) -> str:
        """Buy the e-book; returns how the order ended."""
        calls = "3" if scenario.create in ("503", "html") else "1"  # 503 is repeated by the shop
        faults = f"{self.sandbox}/control/faults"
        self.post(faults, create_fault=scenario.create, create_calls=calls)
        refused = self._refusals()
        self.add("cookbook")
        if scenario.play:
            if otherwise := getattr(self, scenario.play)():
                return str(otherwise)
        else:
            answer = self.check_out(scenario.provider)
            self.post(faults, create_fault="none", create_calls="0")
            if answer.status_code == 502:
                return "no page"
            if scenario.create == "none":
                self._pay(answer.url, scenario)
            if scenario.happens:
                self._let_happen(scenario.happens)
            self.post(f"{self.sandbox}/control/clock", advance=str(scenario.skip))
        order = self._newest_order()
        if scenario.ends == "waiting":
            _until(lambda: self._refusals() > refused)
        _until(lambda: self._state(order) == scenario.ends)
        return self._state(order)

    def _pay(self, page: str, scenario: Scenario) -> None:
        typed = {**scenario.types, "fault": scenario.fault, "delivery_fault": scenario.webhook}
        if scenario.cancel:
            self.cancel(page, **typed)
        else:
            self.pay(page, scenario.provider, **typed)

    # Each play returns what went otherwise than expected, if anything did.

    def scan_the_code(self) -> None:
        """The sandbox's front page stands for the phone: the newest code is the first there."""
        self.fill_in(f"{self.shop}/products/cookbook", "/currency", currency="SGD")
        self.check_out("hitpay/qr")
        code = re.search(r'href="([^"]*/mock-payment/[^"]*)"', self.get(self.sandbox).text)
        self.post(unescape(code[1]) if code else self.sandbox)

    def get_it_back(self) -> None:
        """By the console's form, which offers all that is left."""
        self.pay(self.check_out("hitpay").url, "hitpay", **HITPAY)
        order = self._newest_order()
        _until(lambda: self._state(order) == "paid")
        console, form = order.replace("/orders", "/console/orders"), urlsplit(order).path
        self.fill_in(console, f"/console{form}/refunds", amount="5.00")
        _until(lambda: "US$5.00 was given back." in self.get(order).text)
        self.fill_in(console, f"/console{form}/refunds")

    def pay_with_a_saved_card(self) -> None:
        """Saved on WiPay's page, verified by what was debited, then charged with a nod."""
        page = self.fill_in(f"{self.shop}/cards", "/cards/wipay").url
        verify = self.pay(page, "wipay", **WIPAY).url
        debited = re.search(r"[0-9]+\.[0-9]{2}", self.get(f"{self.sandbox}/wipay/merchant").text)
        self.fill_in(verify, urlsplit(verify).path, amount=debited[0] if debited else "")
        card = re.search(r'value="(wipay/card:[^"]+)"', self.get(f"{self.shop}/checkout").text)
        self.pay(self.check_out(card[1] if card else "").url, "wipay")

    def pay_one_page_twice(self) -> str:
        """As who scans a drawn code twice does: the second charge goes back."""
        self.pay(self.check_out("hitpay").url, "hitpay", **HITPAY)
        order = self._newest_order()
        _until(lambda: self._state(order) == "paid")
        self._let_happen("pay_again")
        _until(lambda: self._payment()["refunded"] > 0)
        paid = self._payment()
        if paid["taken"] - paid["refunded"] != paid["amount"]:
            return "kept twice"
        is_shown = "Because" in self.get(order.replace("/orders", "/console/orders")).text
        return "" if is_shown else "unnoticed"  # that is a column of the refunds in the console

    def pay_two_carts(self) -> str:
        """The cart changes after "Pay"; the page of the first is paid after that of the second.

        One is fulfilled, and the money of the other goes back.
        """
        first_page, first = self.check_out("mintcash").url, self._newest_order()
        self.add("cookbook")
        second_page, second = self.check_out("mintcash").url, self._newest_order()
        self.pay(second_page, "mintcash", **MINTCASH)
        _until(lambda: self._state(second) == "paid")
        self.pay(first_page, "mintcash", **MINTCASH)
        _until(lambda: self._payment(1)["refunded"] > 0)
        if self._payment(1)["refunded"] != self._payment(1)["taken"]:
            return "kept twice"
        _until(lambda: self._state(first) != "waiting")
        return "" if self._state(first) in ("held", "refunded") else "both paid"

    def release_without_money(self) -> str:
        """A person sends the money of a held order back, and then wants it to be fulfilled."""
        page = self.check_out("mintcash").url
        typed = {**MINTCASH, "fault": "close_tab", "delivery_fault": "wrong_amount"}
        self.pay(page, "mintcash", **typed)
        order = self._newest_order()
        _until(lambda: self._state(order) == "held")
        console, path = order.replace("/orders", "/console/orders"), urlsplit(order).path
        self.fill_in(console, f"/console{path}/refunds")
        self.fill_in(console, f"/console{path}/release")
        _until(lambda: self._payment()["refunded"] > 0)
        if self._payment()["refunded"] == 0:
            return "no refund"
        return "released" if "Download" in self.get(order).text else ""

    def pay_elsewhere_after_expiry(self) -> str:
        """Back from a page that has expired, another way is on offer."""
        page = self.check_out("wipay").url
        expired = self.post(page, **WIPAY, fault="expire")
        back = re.search(rf'href="({self.shop}/orders/[^"]*)"', expired.text)
        order = self._newest_order()
        self.get(unescape(back[1]) if back else order)
        action = f"{urlsplit(order).path}/payments"
        _until(lambda: f'action="{action}"' in self.get(order).text)
        if f'action="{action}"' not in self.get(order).text:
            return "stuck"
        answer = self.fill_in(order, action, provider="mintcash")
        self.pay(answer.url, "mintcash", **MINTCASH)
        return ""

    def change_their_mind(self) -> None:
        """And see that nobody can pay on the first page any more."""
        left = self.check_out("handcash").url
        self.pay(self.check_out("mintcash").url, "mintcash", **MINTCASH)
        _until(lambda: 'name="handle"' not in self.get(left).text)
        if 'name="handle"' in self.get(left).text:
            raise SystemExit("HandCash's page stays open.")

    def _payment(self, before: int = 0) -> dict[str, Any]:
        """The newest payment in the sandbox's ledger, or the one made so many before it."""
        page: dict[str, Any] = {"next": 0, "payments": []}
        newest: list[dict[str, Any]] = []
        while page["next"] is not None:
            page = self.get(f"{self.sandbox}/ledger.json?after={page['next']}").json()
            newest = [*newest, *page["payments"]]
        return newest[-1 - before]

    def _let_happen(self, action: str) -> None:
        """At the provider, to the newest payment."""
        self.post(f"{self.sandbox}/control/payments/{self._payment()['number']}", action=action)

    def _newest_order(self) -> str:
        """The order's address, as the console has it: a shopper whose tab closed has none."""
        console = self.get(f"{self.shop}/console").text
        newest = re.search(r"/console(/orders/[0-9a-f]{32})", console)
        return self.shop + newest.group(1) if newest else self.shop

    def _state(self, order: str) -> str:
        found = re.search(r'data-state="(\w+)"', self.get(order).text)
        return found.group(1) if found else "unknown"

    def _refusals(self) -> int:
        page = self.get(f"{self.shop}/console/webhooks").text
        return page.count("Unproven") + page.count("WrongEnvironment")


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """Shop, sandbox and worker on free ports; yields the addresses of shop and sandbox."""
    shop, sandbox = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PAYMENT_ENVIRONMENT": "sandbox",
            "BASE_URL": shop,
            "SANDBOX_URL": sandbox,
            "DATABASE_URL": config.sqlite_url(Path(folder) / "shop.db"),
            "JOBS_URL": config.sqlite_url(Path(folder) / "jobs.db"),
            "SANDBOX_DATABASE_URL": config.sqlite_url(Path(folder) / "sandbox.db"),
            "SANDBOX_CLOCK_SPEED": "10",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            with process.stdout or sys.stdin as said:
                if not any("Ctrl-C" in line for line in said):
                    raise SystemExit("The shop does not start. `make run` says why.")
                yield shop, sandbox
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition, in vain if need be: whoever asked looks at what it has come to."""
    ends = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
