"""Minor units in, minor units out; nothing in between is guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import money


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("10", 1000), ("10.0", 1000), ("10.00", 1000), (25, 2500), (Decimal("49.99"), 4999), (0, 0)],
)
def test_major_units_become_minor_units_exactly(amount: str | int | Decimal, minor: int) -> None:
    """B17."""
    assert money.to_minor(amount, "USD") == minor


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "-1",
        "1_000",
        " 5 ",
        "１２",
        "1e3",
        "NaN",
        "Infinity",
        "0.001",
        "5.",
        ".5",
        "9" * 13,
        True,
    ],
)
def test_odd_spellings_are_refused(amount: str) -> None:
    """B17: ``Decimal`` itself would take most of these."""
    with pytest.raises(money.NotMoney):
        money.to_minor(amount, "USD")


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(money.NotMoney, match="BTC"):
        money.to_minor("1", "BTC")


@given(st.integers(0, 10**11), st.sampled_from(sorted(money.EXPONENTS)))
def test_there_and_back_is_the_same(amount: int, currency: str) -> None:
    assert money.to_minor(money.to_major(amount, currency), currency) == amount


def test_amounts_are_shown_as_people_write_them() -> None:
    assert money.show(2400, "USD") == "US$24.00"
    assert money.show(123456, "EUR") == "€1,234.56"
