"""Do the books agree? What the providers took, what the shop believes, and what it gave for it.

Reads only. Each rule is a function that names what breaks it; ``make soak`` asks them all.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import credit, goods, money, subscriptions
from .books import Books, Found, read_shop

__all__ = ["RULES", "Books", "Found", "Violation", "audit", "read_shop"]


@dataclass(frozen=True)
class Violation:
    """``rule`` is the function that found it; ``about`` an order's number or a payment's id."""

    rule: str
    about: str
    reason: str


def audit(books: Books) -> list[Violation]:
    """Every rule that is broken, and by what."""
    return [
        Violation(rule.__name__, about, reason) for rule in RULES for about, reason in rule(books)
    ]


RULES: tuple[Callable[[Books], Found], ...] = (
    *money.RULES,
    *credit.RULES,
    *goods.RULES,
    *subscriptions.RULES,
)
