"""Minor units in, minor units out; nothing in between is guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import money


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


@pytest.mark.parametrize("currency", ["", "C$", "U", "US D", "usd\n", "９９９", 840, True, ["USD"]])
def test_what_is_no_currency_is_refused(currency: object) -> None:
    with pytest.raises(money.NotMoney):
        money.read("1", currency)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("33.1", "CAD", 3310),
        (3648, "JPY", 3648),
        ("3648.00", "JPY", 3648),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        ("33.10", "AFN", 3310),  # CLDR says 0 digits, ISO 4217 says 2
        ("999999999999.999999999999999999", "ETH", 10**30 - 1),
        ("0.000000000000000001", "ETH", 1),
        ("24", "USDC", 24 * 10**18),
        (Decimal("1e-7"), "BTC", 10**11),
    ],
)
def test_each_currency_has_its_own_precision(amount: object, currency: str, minor: int) -> None:
    """P1, P4: what exists is more than what this shop sells in."""
    assert money.read(amount, currency) == (minor, currency)


def test_a_currency_is_read_in_any_case_and_a_token_as_it_is_spelled() -> None:
    """P15, btcpayserver/btcpayserver#2146."""
    assert money.read("24", "usd") == (2400, "USD")
    assert money.read("1", "USDCn")[1] == "USDCn"


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        (Decimal("24.000000000000004"), 2400),
        (Decimal("9.949999999999999"), 995),
        ("24.000000000", 2400),
        (Decimal("24.0"), 2400),
    ],
)
def test_float_noise_and_trailing_zeros_are_the_cent_they_mean(amount: object, minor: int) -> None:
    """P14, unzerdev/shopware6#9, taxjar/taxjar-woocommerce-plugin#209."""
    assert money.to_minor(amount, "USD") == minor


@pytest.mark.parametrize(
    "amount", ["49.9900001", Decimal("49.9900001"), Decimal("1e400"), Decimal("1e2")]
)
def test_what_is_more_than_noise_is_refused(amount: object) -> None:
    """P14."""
    with pytest.raises(money.NotMoney):
        money.to_minor(amount, "USD")


def test_null_is_not_zero_but_not_said() -> None:
    """P8, bchavez/Coinbase.Commerce#3."""
    assert money.read(None, "USD") == (None, "USD")
    assert money.read("24", None) == (None, None)
    assert money.read(0, "USD") == (0, "USD")


@pytest.mark.parametrize(
    ("amount", "currency", "read"),
    [
        (4999, "usd", (4999, "USD")),
        (500, "JPY", (500, "JPY")),
        (1230, "KWD", (1230, "KWD")),
        (0, "EUR", (0, "EUR")),
        (None, "EUR", (None, "EUR")),
        (4999, None, (None, None)),
    ],
)
def test_minor_units_are_read_as_they_are(
    amount: object, currency: object, read: tuple[int | None, str | None]
) -> None:
    assert money.read_minor(amount, currency) == read


@pytest.mark.parametrize("amount", [True, "4999", -1, 10**30, [], {}, Decimal("4999.0")])
def test_minor_units_that_are_no_whole_number_are_refused(amount: object) -> None:
    """B17."""
    with pytest.raises(money.NotMoney):
        money.read_minor(amount, "USD")


@given(st.integers(0, 10**11), st.sampled_from(sorted(money.ISO_4217)))
def test_there_and_back_is_the_same(amount: int, currency: str) -> None:
    assert money.to_minor(money.to_major(amount, currency), currency) == amount


def test_amounts_are_shown_as_people_write_them() -> None:
    assert money.show(2400, "USD") == "US$24.00"
    assert money.show(123456, "EUR") == "€1,234.56"
    assert money.show(3648, "JPY") == "JP¥3,648"
    assert money.show(331000, "AFN") == "AFN\N{NO-BREAK SPACE}3,310.00"
    assert money.show(10**15, "BTC") == "BTC\N{NO-BREAK SPACE}0.001"


# ------------------------------------------------------------------ typed by people


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12", "USD", 1200),
        (" 12.50 ", "USD", 1250),
        ("12,50", "USD", 1250),
        ("0,5", "USD", 50),
        ("1 234", "USD", 123400),
        ("1\N{NO-BREAK SPACE}234,50", "EUR", 123450),
        ("1,234.50", "USD", 123450),
        ("1.234,50", "EUR", 123450),
        ("1,234", "USD", 123400),
        ("1,234,567.89", "USD", 123456789),
        ("1.234.567", "EUR", 123456700),
        ("1,234", "JPY", 1234),
        ("1,234.567", "KWD", 1234567),
    ],
)
def test_an_amount_is_read_as_people_type_it(typed: str, currency: str, minor: int) -> None:
    assert money.read_typed(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("", "USD"),
        ("twelve", "USD"),
        ("US$12", "USD"),
        ("-5", "USD"),
        ("12 50", "USD"),
        ("12.345", "USD"),
        ("1.234", "EUR"),
        ("1234,567", "USD"),
        ("1,23,4", "USD"),
        ("0,123", "USD"),
        ("12,", "USD"),
        (".5", "USD"),
        ("12.5", "JPY"),
        ("12,5", "JPY"),
        ("1,234", "KWD"),
        ("１２", "USD"),
        ("9" * 13, "USD"),
    ],
)
def test_what_is_no_amount_or_two_is_refused(typed: str, currency: str) -> None:
    """Dinars have three decimals, so "1,234" of them is either; in "12 50" a point was left out."""
    with pytest.raises(money.NotMoney):
        money.read_typed(typed, currency)


@given(st.integers(0, 10**11), st.sampled_from(["USD", "EUR", "SGD", "TTD", "JPY", "KWD"]))
def test_what_is_shown_can_be_typed(amount: int, currency: str) -> None:
    """But for thousands without decimals, where there are three of those."""
    shown = "".join(each for each in money.show(amount, currency) if each in "0123456789.,")

    assert money.read_typed(shown, currency) == amount


@given(st.text(alphabet="0123456789., -", max_size=14))
def test_whatever_is_typed_is_an_amount_or_refused(typed: str) -> None:
    try:
        amount = money.read_typed(typed, "USD")
    except money.NotMoney:
        return
    assert amount >= 0
    assert str(amount).strip("0") in "".join(each for each in typed if each.isdigit())
