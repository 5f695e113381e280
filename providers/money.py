"""Money is an integer of minor units (cents) and a currency; floats never touch it.

Providers speak in decimals; these functions are the only way in and out of them. They know every
currency of ISO 4217, and take any other symbol for a token ("USDC", "BTC"); which of them the shop
sells in is a setting.
"""

import re
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from babel.numbers import format_currency, get_currency_precision, list_currencies

ISO_4217: Final = frozenset(list_currencies())

#: Digits after the decimal point where Babel's data (CLDR) follows what cash is used for, and
#: ISO 4217 has more.
ISO_DIGITS = {
    **dict.fromkeys(("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS"), 2),
    **dict.fromkeys(("SYP", "YER"), 2),
    "IQD": 3,
}
TOKEN_DIGITS = 18  # no coin divides finer

SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]{1,19}", re.ASCII)
#: Plain ASCII decimals only: ``Decimal`` itself would also take "1_000", " 5 " and "１２".
PLAIN_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,30})?", re.ASCII)
#: Typed with thousands apart: the pattern, what groups them, and the decimal point.
GROUPED = (
    (re.compile(r"[1-9][0-9]{0,2}( [0-9]{3})+([.,][0-9]+)?", re.ASCII), " ", ","),
    (re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII), ",", "."),
    (re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+,[0-9]+", re.ASCII), ".", ","),
    (re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3}){2,}", re.ASCII), ".", ","),
    (re.compile(r"[0-9]+,[0-9]+", re.ASCII), "", ","),
)
EITHER = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}", re.ASCII)  # thousands, or three decimals
#: Of a unit. PHP and JavaScript print 9.95 as 9.949999999999999; nothing real is that fine.
FLOAT_NOISE = Decimal("1e-9")
#: The digits of the longest amount above: Python's own 28 would round a token's.
EXACT = Context(prec=42)


class NotMoney(ValueError):
    """The text or number is not an exact amount in that currency, or that is no currency."""


def digits(currency: str) -> int:
    """After the decimal point: 2 for USD, 0 for JPY, 3 for KWD, 4 for CLF, 18 for a token."""
    if currency not in ISO_4217:
        return TOKEN_DIGITS
    return ISO_DIGITS.get(currency, get_currency_precision(currency))


def read(amount: object, currency: object) -> tuple[int | None, str | None]:
    """An amount as a provider says it, with the currency that stands beside it.

    Takes JSON numbers and decimal text, in major units; the currency in any case. Returns minor
    units and the currency; None for what is null, which means "not said". An amount without a
    currency is not said either.

    :raise NotMoney: anything else.
    """
    code = None if currency is None else read_currency(currency)
    if amount is None or code is None:
        return None, code
    return to_minor(amount, code), code


def read_minor(amount: object, currency: object) -> tuple[int | None, str | None]:
    """The same where the provider counts in minor units: the JSON integer 4999 is 49.99.

    :raise NotMoney: anything else.
    """
    code = None if currency is None else read_currency(currency)
    if amount is None or code is None:
        return None, code
    if type(amount) is not int:  # True is one, too, to isinstance
        raise NotMoney(f"not a whole number of minor units: {str(amount)[:40]!r}")
    return to_minor(to_major(amount, code), code), code


def read_currency(currency: object) -> str:
    """ "usd" is "USD"; a token keeps its spelling.

    :raise NotMoney: neither a currency nor a token's symbol.
    """
    if not isinstance(currency, str) or not SYMBOL.fullmatch(currency):
        raise NotMoney(f"not a currency: {str(currency)[:20]!r}")
    return currency.upper() if currency.upper() in ISO_4217 else currency


def to_minor(amount: object, currency: str) -> int:
    """Read a major-unit amount, number or text: ``Decimal("49.99"), "USD"`` is ``4999``.

    :raise NotMoney: negative, not plain decimal, or finer than a minor unit.
    """
    text = str(amount)
    if isinstance(amount, Decimal) and amount.is_finite() and -30 < amount.adjusted() < 0:
        text = f"{amount:f}"  # JavaScript writes 0.0000001 as 1e-7
    a_number = isinstance(amount, int | str | Decimal) and not isinstance(amount, bool)
    if not a_number or not PLAIN_DECIMAL.fullmatch(text):
        raise NotMoney(f"not a plain decimal amount: {text[:40]!r}")
    exact = Decimal(text)
    minor = int(exact.scaleb(digits(currency), EXACT).to_integral_value())
    if abs(EXACT.subtract(to_major(minor, currency), exact)) > FLOAT_NOISE:
        raise NotMoney(f"{text[:40]} is finer than {currency} allows")
    return minor


def read_typed(text: str, currency: str) -> int:
    """An amount as people type it: "12", "12.50", "12,50", "1 234", "1,234.50" and "1.234,50".

    One comma before three digits groups thousands, as :func:`show` does; in a currency with three
    decimals it could be either, and is refused.

    :raise NotMoney: negative, no amount, finer than a minor unit, or it can be read in two ways.
    """
    typed = " ".join(text.split())
    if digits(currency) == 3 and EITHER.fullmatch(typed):
        raise NotMoney(f"thousands or decimals: {typed[:40]!r}")
    for pattern, group, point in GROUPED:
        if pattern.fullmatch(typed):
            typed = typed.replace(group, "").replace(point, ".")
            break
    return to_minor(typed, currency)


def to_major(amount: int, currency: str) -> Decimal:
    """``4999, "USD"`` is ``Decimal("49.99")``."""
    return Decimal(amount).scaleb(-digits(currency), EXACT)


@lru_cache(maxsize=10_000)  # Babel takes a tenth of a millisecond
def show(amount: int, currency: str) -> str:
    """An amount for people: ``2400, "USD"`` is "US$24.00", ``2400, "SGD"`` is "SGD 24.00".

    World English (``en_001``): no reader takes one country's dollar for another's.
    """
    if currency not in ISO_4217:
        plain = f"{to_major(amount, currency):f}"
        return f"{currency}\N{NO-BREAK SPACE}{plain.rstrip('0').rstrip('.') or '0'}"
    if currency in ISO_DIGITS:
        return f"{currency}\N{NO-BREAK SPACE}{to_major(amount, currency):,f}"
    text = format_currency(to_major(amount, currency), currency, locale="en_001")
    return re.sub(r"(?<=[A-Z])(?=[0-9])", "\N{NO-BREAK SPACE}", text)  # CLDR's rule, not Babel's
