"""Request Network's coins: what a sum of them counts as, and which are worth nothing.

Sources: api-reference/webhooks, api-features/query-requests, and the repositories that are named at
the tables. Payments: ``request_network.py``.
"""

import re
import unicodedata
from typing import Any

from money import ISO_4217, TOKEN_DIGITS, NotMoney, digits, to_minor

from .base import printable

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

#: Words in the names of networks whose coins are free, in small letters, without signs between
#: them: Request Network's own (its repository requestNetwork, packages/currency/src/chains, what
#: says ``testnet``), and the test networks of the same families in the public list of chains
#: (ethereum-lists/chains). Read 2026-11.
TEST_NETWORKS = frozenset(
    {
        *("test", "devnet", "localhost", "hardhat", "private"),
        *("sepolia", "goerli", "gorli", "holesky", "hoodi", "rinkeby", "ropsten", "kovan"),
        *("mumbai", "amoy", "cardona", "fuji", "chapel", "chiado", "sokol", "alfajores"),
        *("baklava", "wadsley", "apothem", "moonbase", "saigon", "nile", "shasta"),
    }
)

#: The same by chain id (the second part of ``eip155:…``), a line for each family.
TEST_CHAINS = frozenset(
    {
        *(3, 4, 5, 42, 17000, 560048, 11155111),  # Ethereum: Ropsten … Holesky, Hoodi, Sepolia
        *(84531, 84532),  # Base
        *(421611, 421613, 421614),  # Arbitrum
        *(69, 420, 11155420),  # Optimism
        *(80001, 80002, 1442, 2442),  # Polygon: Mumbai, Amoy, and its zkEVM
        *(97, 43113, 4002, 57054, 64165),  # BNB, Avalanche (Fuji), Fantom, Sonic
        *(44787, 62320, 11142220, 77, 10200),  # Celo, Gnosis
        *(280, 300, 59140, 59141, 534351, 5001, 5003),  # zkSync, Linea, Scroll, Mantle
        *(1287, 2021, 2522, 1115, 123, 51),  # Moonbeam, Ronin, Frax, Core, Fuse, XDC
        *(1301, 4801, 168587773, 1313161555),  # Unichain, World Chain, Blast, Aurora
        *(2494104990, 3448148188),  # Tron: Shasta, Nile
        *(1337, 31337),  # a developer's own machine
    }
)

#: Symbols of coins that exist on test networks only, in small letters (request-token-list).
TEST_COINS = frozenset({"fau", "fusdc", "fusdt", "ctbk", "fctbk"})

#: A chain named by its number.
CHAIN = re.compile(r"^\s*(?:eip155:)?(0x[0-9a-f]{1,16}|[0-9]{1,20})\s*$", re.ASCII)


def is_test_network(name: str) -> bool:
    """Whether coins on this network are free, however it is written.

    ``name``: "sepolia", "Base Sepolia", "base_sepolia", "bsctest", or a chain id: "84532",
    "eip155:84532", "0x14a34".
    """
    plain = unicodedata.normalize("NFKD", name).casefold()
    if chain := CHAIN.search(plain):
        return int(chain[1], 16 if chain[1].startswith("0x") else 10) in TEST_CHAINS
    letters = "".join(filter(str.isalpha, plain))
    return any(word in letters for word in TEST_NETWORKS)


def is_test_coin(currency: str) -> bool:
    """Whether a coin is worth nothing, by its id ("USDC-sepolia") or its symbol ("FAU")."""
    symbol, _, network = currency.strip().partition("-")
    return symbol.casefold() in TEST_COINS or is_test_network(network)


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

    None where none is named: then it is the destination's own. In a live shop, what ``said`` names
    a test network anywhere is worth nothing: it counts as the coin itself, which pays for nothing.
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
