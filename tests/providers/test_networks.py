"""Coins that are free: a test network is known by its name, however written, and by its number.

P5. Sources: RequestNetwork/requestNetwork (packages/currency/src/chains), request-token-list,
ethereum-lists/chains.
"""

import pytest

from providers.networks import (
    TEST_CHAINS,
    TEST_NETWORKS,
    is_test_coin,
    is_test_network,
)

#: Every network that Request Network names without calling it a test network.
REAL_NETWORKS = (
    *("mainnet", "ethereum", "arbitrum-one", "aurora", "avalanche", "base", "bsc", "boba", "celo"),
    *("core", "fantom", "frax", "fuse", "mantle", "matic", "moonbeam", "near", "optimism"),
    *(
        "polygon",
        "ronin",
        "solana",
        "sonic",
        "sui",
        "tombchain",
        "ton",
        "tron",
        "xdai",
        "zksyncera",
    ),
)
REAL_CHAINS = (1, 10, 25, 30, 56, 100, 137, 250, 324, 8453, 42161, 42220, 43114, 59144, 728126428)


@pytest.mark.parametrize(
    "name",
    [
        *TEST_NETWORKS,
        *("sepolia", "Sepolia", "SEPOLIA", " sepolia ", "ethereum-sepolia", "eth_sepolia"),
        *("base-sepolia", "Base Sepolia", "base_sepolia", "BaseSepolia", "BASE SEPOLIA"),
        *("sepolia-base", "arbitrum-sepolia", "optimism.sepolia", "Görli", "goerli-optimism"),
        *("polygon-amoy", "avalanche-fuji", "fuji-43113", "bsc-chapel", "xdai-chiado"),
        *("bsctest", "zksynceratestnet", "mantle-testnet", "near-testnet", "BNB Testnet", "test"),
        *("tron-nile", "TRON_SHASTA", "solana-devnet", "private", "arbitrum-rinkeby"),
        *("eip155:11155111", "eip155:84532", "84532", "0x14a34", "EIP155:5", "97", "３"),
    ],
)
def test_a_test_network_is_known_however_it_is_written(name: str) -> None:
    assert is_test_network(name)


@pytest.mark.parametrize("chain", sorted(TEST_CHAINS))
def test_a_test_network_is_known_by_its_number(chain: int) -> None:
    assert is_test_network(str(chain))
    assert is_test_network(f"eip155:{chain}")
    assert is_test_network(hex(chain))


@pytest.mark.parametrize("name", [*REAL_NETWORKS, *map(str, REAL_CHAINS), "", "eip155:1"])
def test_a_real_network_is_none(name: str) -> None:
    assert not is_test_network(name)
    assert not is_test_network(name.upper())


@pytest.mark.parametrize(
    ("currency", "free"),
    [
        *(
            (coin, True)
            for coin in ("FAU", "fau", "FAU-sepolia", "fUSDC", "fUSDC-sepolia", "FUSDT")
        ),
        *((coin, True) for coin in ("USDC-sepolia", "ETH-sepolia-sepolia", "USDC-base-sepolia")),
        *((coin, True) for coin in ("USDT-amoy", "USDC-fuji", "USDT-bsctest", "USDT-nile")),
        *((coin, False) for coin in ("USD", "EUR", "USDC", "USDC-base", "USDC-base-base", "EURC")),
        *((coin, False) for coin in ("USDCn-matic", "USDT0-arbitrum-one", "USDT-tron", "ETH")),
    ],
)
def test_a_coin_is_worth_nothing_by_its_symbol_or_its_network(currency: str, free: bool) -> None:
    assert is_test_coin(currency) is free
