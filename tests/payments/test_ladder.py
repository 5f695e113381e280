"""The ladder itself: its rungs, and that every provider's words stand on it."""

import importlib
from typing import Any

import pytest

from payments import ladder
from providers import PROVIDERS
from providers.base import LADDER


def words(module: Any) -> set[str]:
    """Our statuses that a provider module's tables map its own words to."""
    names = ("STATUSES", "EVENTS", "NEWS", "PAID", "FAILURES", "DESCRIPTIONS")
    tables = [getattr(module, name, {}) for name in names]
    return {each for table in tables for each in table.values() if each is not None}


def test_the_contract_and_the_ladder_have_the_same_rungs() -> None:
    assert ladder.LADDER == LADDER
    assert set(ladder.MONEY) <= set(ladder.LADDER)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_word_of_a_provider_is_a_rung(name: str) -> None:
    found = words(importlib.import_module(f"providers.{name}"))

    assert found <= set(ladder.LADDER), found
    assert found or name == "hitpay"
