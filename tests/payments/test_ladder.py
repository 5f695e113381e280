"""The ladder itself: its rungs, and that every provider's words stand on it."""

import importlib
import pkgutil

import pytest

from payments import ladder
from providers import PROVIDERS
from providers.contract import LADDER

#: What a table of a provider's words is called.
TABLES = ("STATUSES", "EVENTS", "NEWS", "PAID", "ABANDONED", "DESCRIPTIONS")


def words(name: str) -> set[str]:
    """Our statuses that the tables in a provider's folder map its own words to."""
    found: set[str] = set()
    package = importlib.import_module(f"providers.{name}")
    for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for module in (package, importlib.import_module(each.name)):
            tables = [getattr(module, table, ()) for table in TABLES]
            for table in tables:
                ours = table.values() if isinstance(table, dict) else table
                found |= {status for status in ours if isinstance(status, str)}
    return found


def test_the_contract_and_the_ladder_have_the_same_rungs() -> None:
    assert ladder.LADDER == LADDER
    assert set(ladder.MONEY) <= set(ladder.LADDER)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_word_of_a_provider_is_a_rung(name: str) -> None:
    found = words(name)

    assert found
    assert found <= set(ladder.LADDER)
