"""Request Network's coins: what a sum of them counts as.

Sources: api-reference/webhooks, api-features/query-requests. Which coins are worth nothing:
``providers/networks.py``.
"""

from typing import Any

from ..money import ISO_4217, TOKEN_DIGITS, NotMoney, digits, to_minor
from ..networks import is_test_coin, is_test_network
from ..text import printable

#: A coin's symbol, in small letters -> the currency that one of it counts as. Any other coin keeps
#: its symbol, which is no currency of the shop, so a person decides what it is worth.
COINS = {
    "usdc": "USD",
    "usdcn": "USD",  # “native” USDC, where the bridged one was first
    "usdt": "USD",
    "usdt0": "USD",
    "eurc": "EUR",
    "fau": "USD",  # the three coins of Sepolia, worth nothing: see ``counts_as``
    "fusdc": "USD",
    "fusdt": "USD",
}


def minor(total: object, currency: str) -> int | None:
    """A total of coins, in minor units of what they count as; None where it is not said.

    What is finer is cut off, never rounded up: a sum counts as complete only when every cent of it
    has come.

    :raise NotMoney: it is said, and cannot be read.
    """
    if total is None:
        return None
    exact = to_minor(total, "USDC")  # to 18 digits, like every token; prices in currencies, too
    finer: int = 10 ** (TOKEN_DIGITS - digits(currency))
    return exact // finer


def readable_minor(total: object, currency: str) -> int | None:
    """The same where an amount that cannot be read must not spoil an answer that is clear."""
    try:
        return minor(total, currency)
    except NotMoney:
        return None


def counts_as(coin: object, said: dict[str, Any], is_live: bool) -> str | None:
    """The currency of a total whose coin is named by its symbol or its id ("USDC-base").

    None where none is named: then it is the destination's own. In a live shop, money is
    worth nothing where ``said`` names any test network: it counts as the coin itself, which pays
    for nothing.
    """
    symbol = None if coin in (None, "") else _symbol(coin)
    if not is_live or not any(map(_is_free, _names(said))):
        return None if symbol is None else currency_of(symbol)
    coins = [symbol, *(_symbol(said.get(name)) for name in ("currency", "paymentCurrency"))]
    return next((each for each in coins if each and each.upper() not in ISO_4217), "TEST")


def currency_of(symbol: str) -> str:
    """What a coin counts as; a price can be in a currency itself."""
    if symbol.upper() in ISO_4217:
        return symbol.upper()
    return COINS.get(symbol.casefold(), symbol)


def _symbol(coin: object) -> str:
    return printable(coin or "", 60).partition("-")[0].strip()[:20]


def _names(said: dict[str, Any]) -> list[str]:
    """The coins and networks that news names, those of its single payments included."""
    payments = said.get("payments")
    places = [said, *(payments if isinstance(payments, list) else [])]
    return [
        printable(place[name], 60)
        for place in places
        if isinstance(place, dict)
        for name in place
        if name.lower().endswith(("currency", "network", "chain", "chainid")) and place[name]
    ]


def _is_free(name: str) -> bool:
    return is_test_coin(name) or is_test_network(name)
