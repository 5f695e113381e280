"""Money is an integer of minor units (cents) and a currency code; floats never touch it.

Providers speak in decimals; these functions are the only way in and out of them.
"""

import re
from decimal import Decimal

from babel.numbers import format_currency

#: ISO 4217 code: digits after the decimal point. Only what the shop sells in.
EXPONENTS = {"USD": 2, "SGD": 2, "TTD": 2, "EUR": 2, "GBP": 2}

#: Plain ASCII decimals only: ``Decimal`` itself would also take "1_000", " 5 " and "１２".
PLAIN_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?", re.ASCII)


class NotMoney(ValueError):
    """The text or number is not an exact amount in that currency."""


def to_minor(amount: Decimal | int | str, currency: str) -> int:
    """Read a provider's major-unit amount: ``Decimal("49.99"), "USD"`` is ``4999``.

    :raise NotMoney: unknown currency, negative, not plain decimal, or finer than a minor unit.
    """
    if currency not in EXPONENTS:
        raise NotMoney(f"unknown currency {currency[:8]!r}")
    text = str(amount)
    if isinstance(amount, bool) or not PLAIN_DECIMAL.fullmatch(text):
        raise NotMoney(f"not a plain decimal amount: {text[:40]!r}")
    minor = Decimal(text).scaleb(EXPONENTS[currency])
    if minor != minor.to_integral_value():
        raise NotMoney(f"{text} is finer than {currency} allows")
    return int(minor)


def to_major(amount: int, currency: str) -> Decimal:
    """``4999, "USD"`` is ``Decimal("49.99")``."""
    return Decimal(amount).scaleb(-EXPONENTS[currency])


def show(amount: int, currency: str) -> str:
    """An amount for people: ``2400, "USD"`` is "US$24.00", ``2400, "SGD"`` is "SGD 24.00".

    World English (``en_001``): no reader takes one country's dollar for another's.
    """
    text = format_currency(to_major(amount, currency), currency, locale="en_001")
    return re.sub(r"(?<=[A-Z])(?=[0-9])", "\N{NO-BREAK SPACE}", text)  # CLDR's rule, not Babel's
