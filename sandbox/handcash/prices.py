"""What a HandCash price may be in; amounts are minor units, of the currency's own decimals."""

from decimal import Decimal
from typing import Any

from babel.core import get_global

from .. import kit

#: The currencies in use, by CLDR; a settlement coin is none of them.
CURRENCIES = tuple(
    sorted(
        {
            code
            for used in get_global("territory_currencies").values()
            for code, _, end, _ in used
            if end is None
        }
    )
)


def minor(amount: Any, currency: str) -> Decimal:
    """49.99 USD is 4999; not whole where the amount is finer than the currency."""
    return Decimal(amount).scaleb(kit.digits(currency))


def number(amount: int, currency: str) -> int | float:
    """As a JSON number of major units."""
    return kit.plain(Decimal(amount).scaleb(-kit.digits(currency)))
