"""A shopper who plays one scenario, and what a scenario can look at meanwhile."""

import re
import time
from collections.abc import Callable
from typing import Any

from tests.providers.case import Case, Scenario
from tools.shopper import Shopper

PATIENCE = 30.0  # seconds for an order to end as expected


class Buyer(Shopper):
    """One person, one cart, one scenario of one provider."""

    def __init__(self, shop: str, sandbox: str, case: Case) -> None:
        super().__init__(shop, sandbox)
        self.case = case

    def run(self, scenario: Scenario) -> str:
        """Buy the e-book; returns how the order ended."""
        # The shop may retry what fails; what is done once must not be done to another scenario.
        calls = "1" if scenario.ends == "paid" else "9"
        faults = f"{self.sandbox}/control/faults"
        self.post(faults, create_fault=scenario.create, create_calls=calls)
        refused = self._newest_refusal()
        self.add("cookbook")
        if scenario.play:
            if otherwise := scenario.play(self):
                return otherwise
        else:
            answer = self.check_out(self.case.name)
            self.post(faults, create_fault="none", create_calls="0")
            if answer.status_code == 502:
                return "no page"
            if scenario.create == "none":
                self._visit(answer.url, scenario)
            if scenario.happens:
                self.let_happen(scenario.happens)
            self.post(f"{self.sandbox}/control/clock", advance=str(scenario.skip))
        order = self.newest_order()
        if scenario.ends == "waiting" and scenario.webhook != "none":
            self.wait_until(lambda: self._newest_refusal() > refused)
        self.wait_until(lambda: self.state(order) == scenario.ends)
        return self.state(order)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so, or when it takes too long: the caller looks what it has come to."""
        ends = time.monotonic() + PATIENCE
        while not is_so() and time.monotonic() < ends:
            time.sleep(0.1)

    def pay_by_default(self, page: str, case: Case | None = None, **faults: str) -> None:
        """On a page of the scenario's provider, or of another."""
        case = case or self.case
        self.pay(page, case.name, **case.page.pays, **faults)

    def newest_order(self) -> str:
        """The order's address, as the console has it: a shopper whose tab closed has none."""
        console = self.get(f"{self.shop}/console").text
        newest = re.search(r"/console(/orders/[0-9a-f]{32})", console)
        return self.shop + newest.group(1) if newest else self.shop

    def console(self, order: str) -> str:
        """The address of the console's page about the order."""
        return order.replace("/orders", "/console/orders")

    def state(self, order: str) -> str:
        """What the order's page shows, in a word."""
        found = re.search(r'data-state="(\w+)"', self.get(order).text)
        return found.group(1) if found else "unknown"

    def payment(self, before: int = 0) -> dict[str, Any]:
        """The newest payment in the sandbox's ledger, or the one made so many before it."""
        page: dict[str, Any] = {"next": 0, "payments": []}
        newest: list[dict[str, Any]] = []
        while page["next"] is not None:
            page = self.get(f"{self.sandbox}/ledger.json?after={page['next']}").json()
            newest = [*newest, *page["payments"]]
        return newest[-1 - before]

    def let_happen(self, action: str) -> None:
        """At the provider, to the newest payment."""
        self.post(f"{self.sandbox}/control/payments/{self.payment()['number']}", action=action)

    def _visit(self, page: str, scenario: Scenario) -> None:
        typed = {"fault": scenario.fault, "delivery_fault": scenario.webhook, **scenario.types}
        if scenario.cancel:
            self.cancel(page, **typed)
        else:
            self.pay(page, self.case.name, **typed)

    def _newest_refusal(self) -> int:
        """The number of the newest webhook that the shop has refused."""
        rows = self.get(f"{self.shop}/console/webhooks").text.split('id="delivery-')[1:]
        refused = [row for row in rows if "Unproven" in row or "WrongEnvironment" in row]
        return max((int(row.partition('"')[0]) for row in refused), default=0)
