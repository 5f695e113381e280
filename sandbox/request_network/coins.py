"""Chains, coins, and where the money goes (api-features/payee-destinations)."""

import re
from typing import Any

from ..kit import Refused, settings_as
from ..models import Payment
from .settings import RequestNetworkSettings

#: Chain id -> network in requests and webhooks, chain in payment options.
CHAINS = {
    1: ("mainnet", "ETHEREUM"),
    10: ("optimism", "OPTIMISM"),
    56: ("bsc", "BNB"),
    137: ("matic", "POLYGON"),
    8453: ("base", "BASE"),
    42161: ("arbitrum-one", "ARBITRUM"),
    11155111: ("sepolia", "SEPOLIA"),
}
#: Chain -> network.
NETWORKS = {chain: network for network, chain in CHAINS.values()}
#: Network and token, in lower case -> the coin's symbol. Coins that count as one US dollar.
TOKENS = {
    ("mainnet", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"): "USDC",
    ("mainnet", "0xdac17f958d2ee523a2206206994597c13d831ec7"): "USDT",
    ("optimism", "0x0b2c639c533813f4aa9d7837caf62653d097ff85"): "USDC",
    ("bsc", "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d"): "USDC",
    ("bsc", "0x55d398326f99059ff775485246999027b3197955"): "USDT",
    ("matic", "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"): "USDC",
    ("base", "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"): "USDC",
    ("base", "0xfde4c96c8593536e31f229ea8f37b2ada2699bb2"): "USDT",
    ("arbitrum-one", "0xaf88d065e77c8cc2239327c5edb3a432268e5831"): "USDC",
    ("sepolia", "0x370de27fdb7d1ff1e1baa7d11c5820a324cf623c"): "FAU",
}
#: Chains whose coins here are not divided into millionths -> decimals.
DECIMALS = {"BNB": 18, "SEPOLIA": 18}
#: What the pretend wallet holds: chain -> coin -> minor units.
BALANCES = {
    "BASE": {"USDC": 250000, "USDT": 100000},
    "OPTIMISM": {"USDC": 50000},
    "ARBITRUM": {"USDC": 150000},
    "ETHEREUM": {"USDC": 1000000, "USDT": 250},
    "POLYGON": {"USDC": 75000},
    "BNB": {"USDC": 20000, "USDT": 20000},
    "SEPOLIA": {"FAU": 10000000},
}
#: Coins whose id differs from their symbol: “native” USDC, where the bridged one was first.
NATIVE = {("USDC", "optimism"): "USDCn", ("USDC", "matic"): "USDCn"}
#: Where the money goes when no call says: what the key is bound to. The documentation's sample.
BOUND = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:8453#ABCD1234"
    ":0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
)
DESTINATION = re.compile(
    r"(0x[0-9A-Fa-f]{40})@eip155:([1-9][0-9]{0,19})#[0-9A-Fa-f]{8}:(0x[0-9A-Fa-f]{40})"
)


def currency_id(coin: str, network: str) -> str:
    """``"USDC", "base"`` is "USDC-base"."""
    return f"{NATIVE.get((coin, network), coin)}-{network}"


#: Id of a coin -> its network and token.
CURRENCIES = {currency_id(TOKENS[place], place[0]): place for place in TOKENS}


def destination(wanted: dict[str, Any]) -> dict[str, Any]:
    """Where the money of one request goes: ``payee``, ``network``, ``coin`` and more.

    :raise Refused: nowhere, or not where the key is bound to.
    """
    ours = settings_as(RequestNetworkSettings)
    if ours.sandbox_request_network_payee_form == "accepted" and "payee" in wanted:
        configured, payee = None, wanted["payee"]
        network, token = CURRENCIES[wanted["paymentCurrency"]]
    else:
        configured = ours.request_network_destination_id or BOUND
        found = DESTINATION.fullmatch(configured)
        if found is None or int(found[2]) not in CHAINS:
            raise Refused(400, "No active payment destination")
        if wanted.get("destinationId", configured) != configured:
            raise Refused(403, "Destination does not match the configured payment destination.")
        payee, token, network = found[1], found[3], CHAINS[int(found[2])][0]
    coin = TOKENS.get((network, token.lower()))
    if coin is None:
        raise Refused(400, "Unsupported payment currency")
    return {
        "destination": configured,
        "payee": payee,
        "tokenAddress": token,
        "network": network,
        "chain": next(chain for chain in NETWORKS if NETWORKS[chain] == network),
        "coin": coin,
        "invoiceCurrency": coin if configured else wanted["invoiceCurrency"].partition("-")[0],
    }


def ways(payment: Payment) -> dict[str, dict[str, int]]:
    """What the wallet can pay with: any chain, but on Sepolia only what the destination takes."""
    chain, coin = payment.details["chain"], payment.details["coin"]
    if chain == "SEPOLIA":
        return {chain: {coin: BALANCES[chain][coin]}}
    return {each: BALANCES[each] for each in BALANCES if each != "SEPOLIA"}
