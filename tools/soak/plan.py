"""What every shopper will do, every fault, and what is killed when: decided by a seed."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import config
from catalogue import PRODUCTS
from providers import configured_providers
from providers.optional import Subscribes
from views.shop import CURRENCIES

#: How people behave, and how many of a hundred.
HABITS = {
    "pays": 34,
    "closes the tab": 12,
    "presses twice": 10,
    "comes back twice": 8,
    "pays elsewhere after leaving": 8,
    "pays on two pages": 6,
    "changes the cart": 6,
    "pays in two parts": 4,
    "card is declined": 5,
    "cancels": 4,
    "abandons": 3,
}

#: Of those who pay with a provider that charges again by itself, how many let it do so.
SUBSCRIBE = 0.5

#: What is set on the provider's page, and how often. See sandbox/faults.py.
PAYMENT_FAULTS = {
    "none": 72,
    "three_d_secure": 6,
    "pay_late": 8,
    "pay_twice": 6,
    "expire": 4,
    "other_currency": 4,
}
DELIVERY_FAULTS = {
    "none": 30,
    "overtaken": 4,
    "no_amount": 3,
    "null_amount": 3,
    "drop": 14,
    "duplicate": 10,
    "delay": 10,
    "reorder": 8,
    "tamper": 8,
    "replay_other_order": 4,
    "wrong_environment": 2,
    "wrong_amount": 2,
    "wrong_currency": 2,
}
CREATE_FAULTS = {
    "none": 72,
    "early_webhook": 6,
    "timeout_after": 4,
    "timeout_before": 3,
    "500": 3,
    "502": 3,
    "503": 3,
    "html": 3,
    "401": 1,
    "foreign_redirect": 2,
}


#: How many type the code of a gift card that someone was sent; of the others, how many buy one.
USE_A_CARD, BUY_A_CARD = 0.35, 0.35


@dataclass(frozen=True)
class Purchase:
    """What one shopper will do; ``starts`` is a share of the whole time."""

    number: int
    starts: float
    currency: str
    cart: dict[str, int]
    provider: str
    other: str  # a second provider, for those who change their minds
    habit: str
    fault: str
    delivery_fault: str
    create_fault: str
    uses_a_card: bool


def make_plan(seed: int, purchases: int, settings: config.Settings) -> list[Purchase]:
    """The same for the same seed."""
    takes = {
        name: each.capabilities.currencies
        for name, each in sorted(configured_providers(settings).items())
    }
    shelf = json.loads(PRODUCTS.read_text("utf-8"))["products"]
    goods = [each["slug"] for each in shelf if not each.get("every_days")]
    monthly = [each for each in shelf if each.get("every_days")]
    configured = configured_providers(settings)
    subscribe = [name for name in takes if isinstance(configured[name].module, Subscribes)]
    chance = random.Random(seed)  # noqa: S311  # nothing here is a secret

    def one_of(weights: dict[str, int]) -> str:
        return chance.choices(list(weights), list(weights.values()))[0]

    starts = sorted(chance.random() for _ in range(purchases))
    plan = []
    for number, start in enumerate(starts, 1):
        provider = chance.choice(list(takes))
        currency = chance.choice([each for each in takes[provider] if each in CURRENCIES])
        fault = one_of(PAYMENT_FAULTS)
        cart = {slug: chance.randint(1, 2) for slug in chance.sample(goods, chance.randint(1, 3))}
        uses_a_card = chance.random() < USE_A_CARD
        if not uses_a_card and chance.random() < BUY_A_CARD:
            cart["gift-card"] = 1
        coffee, subscribes = chance.choice(monthly), chance.random() < SUBSCRIBE
        if subscribes and provider in subscribe and currency in coffee["prices"]:
            cart, uses_a_card = {coffee["slug"]: 1}, False
        plan.append(
            Purchase(
                number,
                start,
                currency,
                cart,
                provider,
                chance.choice([name for name in takes if currency in takes[name]]),
                one_of(HABITS),
                fault,
                one_of(DELIVERY_FAULTS),
                one_of(CREATE_FAULTS),
                uses_a_card,
            )
        )
    return plan


@dataclass(frozen=True)
class Kill:
    """What is killed ``pause`` seconds after the last; ``chance`` decides the rest."""

    pause: float
    target: str
    chance: random.Random


def plan_of_kills(seed: int, targets: list[str], between: float) -> Iterator[Kill]:
    """Without end; each target once in every round."""
    chance = random.Random(f"kills {seed}")  # noqa: S311
    while True:
        for target in chance.sample(targets, len(targets)):
            pause = chance.uniform(0.5, 1.5) * between
            yield Kill(pause, target, random.Random(chance.random()))  # noqa: S311
