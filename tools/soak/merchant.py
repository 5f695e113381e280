"""What happens at the providers without the shop asking, over real HTTP: for ``make soak``.

Refunds on the dashboard, voids, chargebacks, a second charge, a reorganised chain.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import requests

#: What happens to one payment in six at its provider, one step after another, as far as it has
#: these: an action of sandbox/actions.py, and how much of all that is possible.
HAPPENINGS = (
    (("refund", 1),),
    (("refund", 0.3),),
    (("refund", 0.3), ("refund", 1)),
    (("void", 1),),
    (("pay_again", 1),),
    (("pay_again", 1), ("refund", 1)),
    (("chargeback_open", 1),),
    (("chargeback_open", 1), ("chargeback_lost", 1)),
    (("chargeback_open", 1), ("chargeback_won", 1)),
    (("reorganise", 1),),
)
#: What happens to each subscription: months pass, charges are declined, it is cancelled there.
MONTHS = (
    ("renew", "renew", "renew"),
    ("renew", "decline", "renew", "accept", "renew", "renew"),
    ("decline", *5 * ("renew",)),
    ("renew", "cancel_subscription"),
)


class Merchant:
    """Looks through the ledger, and lets something happen to some payments once they are paid."""

    def __init__(self, sandbox: str, seed: int) -> None:
        self.sandbox, self.seed = sandbox, seed
        self.to_come: dict[int, list[tuple[str, float]]] = {}
        self.happened: Counter[str] = Counter()

    def work(self, over: threading.Event) -> None:
        while not over.wait(0.5):
            with suppress(requests.RequestException, ValueError):  # the sandbox is killed, too
                self.look()

    def look(self) -> None:
        """At the newest payments; of each that something is to happen to, the next step or none."""
        newest = max(self.to_come, default=0)
        for line in self._lines(max(0, newest - 100)):
            number = line["number"]
            chance = random.Random(f"{self.seed} {number} {len(self.to_come.get(number, ()))}")  # noqa: S311
            if number not in self.to_come and line["actions"]:
                self.to_come[number] = self._plan(chance, line["actions"])
            steps = self.to_come.get(number)
            if steps and steps[0][0] in line["actions"]:
                action, share = steps.pop(0)
                amount = f"{Decimal(int(line['taken'] * share)).scaleb(-2)}" if share < 1 else ""
                url = f"{self.sandbox}/control/payments/{number}"
                sent = {"action": action, "amount": amount}
                if requests.post(url, json=sent, timeout=20).ok:
                    self.happened[action] += 1

    def _plan(self, chance: random.Random, actions: list[str]) -> list[tuple[str, float]]:
        if "renew" in actions:
            return [(step, 1) for step in chance.choice(MONTHS)]
        possible = [steps for steps in HAPPENINGS if steps[0][0] in actions]
        return list(chance.choice(possible)) if possible and chance.random() < 1 / 6 else []

    def _lines(self, after: int) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {"next": after}
        while page["next"] is not None:
            asked = requests.get(f"{self.sandbox}/ledger.json?after={page['next']}", timeout=20)
            page = asked.json()
            yield from page["payments"]
