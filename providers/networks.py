"""Coins that are free: those of test networks, by name, by number and by symbol.

No real money comes from them, so no setting of a live shop may name one, and no news of them pays
for anything. Sources: the repositories that are named at the tables.
"""

import re
import unicodedata

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
