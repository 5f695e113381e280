"""Where shop and sandbox run, and what can be read there without a browser."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class Site:
    """Where shop and sandbox run."""

    shop: str
    sandbox: str

    def ledger(self, order_url: str) -> list[dict[str, Any]]:
        """The sandbox's payments of one order, found by their references in the console."""
        page = self.console(order_url)
        found, after = [], 0
        while True:
            answer = requests.get(f"{self.sandbox}/ledger.json?after={after}", timeout=10).json()
            found += [
                each
                for each in answer["payments"]
                if any(name and name in page for name in (each["id"], each["externalId"]))
            ]
            if not answer["next"]:
                return found
            after = answer["next"]

    def console(self, order_url: str) -> str:
        """The console's page about one order."""
        order_id = order_url.rpartition("/")[2]
        return requests.get(f"{self.shop}/console/orders/{order_id}", timeout=10).text

    def refusals(self) -> int:
        """How many of the newest deliveries the shop has refused because nothing proved it."""
        page = requests.get(f"{self.shop}/console/webhooks", timeout=10).text
        return page.count("Unproven: ")

    def wait_for_refusals(self, count: int) -> None:
        eventually(lambda: self.refusals() >= count, f"{count} deliveries are refused")

    def mails_about(self, order_url: str) -> int:
        """How many letters name the order, once there is one: the receipt is the last thing."""
        number = re.search(r"KK-\w{4}-\w{4}", self.console(order_url))
        assert number

        def count() -> int:
            mail = requests.get(f"{self.shop}/console/mail", timeout=10).text
            return mail.count(number.group())

        eventually(lambda: count() > 0, "a letter")
        return count()

    def fault(self, **fields: str) -> None:
        """Set faults on the sandbox's front page."""
        requests.post(f"{self.sandbox}/control/faults", data=fields, timeout=10).raise_for_status()


def eventually(is_so: Callable[[], bool], what: str) -> None:
    """Poll for a condition, generously."""
    ends = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < ends, what
        time.sleep(0.1)
