"""Coins: which count as a currency, and how many cents they make."""

from dataclasses import replace
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from providers import request_network

from .case import (
    ACCOUNT,
    PAYMENT,
    STATUS,
    changed,
    fixture,
    signed,
)
from .reading import read


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("49.99", 4999),
        ("9.5", 950),
        ("10.000000", 1000),
        ("10.000000000000000000", 1000),
        ("50", 5000),
        ("49.989999", 4998),
        ("49.999999999999999999", 4999),
        ("0.009", 0),
        ("999999999999.999999999999999999", 99999999999999),
        (49.99, 4999),
        (50, 5000),
        (9.5, 950),
        (24.000000000000004, 2400),
        ("24.000000000000000000000000", 2400),
        ("23.999999", 2399),
    ],
)
def test_a_coin_counts_in_whole_cents_and_is_never_rounded_up(written: object, cents: int) -> None:
    """P9, P14: text or a JSON number."""
    assert read(changed(totalAmountPaid=written)).amount == cents


@given(cents=st.integers(0, 10**13), dust=st.integers(0, 10**16 - 1))
def test_no_dust_makes_a_cent(cents: int, dust: int) -> None:
    written = f"{cents // 100}.{cents % 100:02}{dust:016}"

    assert read(changed(totalAmountPaid=written)).amount == cents


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("USDC", "USD"),
        ("USDT", "USD"),
        ("USDT0", "USD"),
        ("usdc", "USD"),
        ("FAU", "USD"),
        ("USD", "USD"),
        ("usd", "USD"),
        ("EURC", "EUR"),
        ("USDC-base", "USD"),
        ("USDC-base-base", "USD"),
        ("USDCn-optimism", "USD"),
        ("FAU-sepolia", "USD"),
        ("fUSDC-sepolia", "USD"),
        ("", None),
        (None, None),
        (..., None),
    ],
)
def test_a_stablecoin_counts_as_its_currency_by_symbol_or_id(
    symbol: object, currency: str | None
) -> None:
    """P15; ids and symbols mix in Request Network's own samples."""
    news = read(changed(currency=symbol))

    assert (news.status, news.amount, news.currency) == ("succeeded", 4999, currency)


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [("WETH", "WETH"), ("WETH-base", "WETH"), (["USDC"], "['USDC']"), (7, "7"), ("$", "$")],
)
def test_any_other_coin_counts_as_itself(symbol: object, currency: str) -> None:
    """P4: held, and with all its digits."""
    news = read(changed(currency=symbol))

    assert (news.status, news.currency) == ("succeeded", currency)
    assert news.amount == 4999 * 10**16


@pytest.mark.parametrize(("symbol", "total", "amount"), [("CAD", 33.1, 3310), ("JPY", 3648, 3648)])
def test_an_amount_has_the_digits_of_the_currency_beside_it(
    symbol: str, total: object, amount: int
) -> None:
    """P1, P4."""
    news = read(changed(currency=symbol, totalAmountPaid=total))

    assert (news.amount, news.currency) == (amount, symbol)


LIVE = replace(ACCOUNT, environment="live")


@pytest.mark.parametrize(
    ("said", "currency"),
    [
        ({"currency": "FAU", "network": "sepolia"}, "FAU"),
        ({"currency": "FAU"}, "FAU"),
        ({"currency": "fau-sepolia"}, "fau"),
        ({"currency": "fUSDC"}, "fUSDC"),
        ({"currency": "fUSDT-sepolia"}, "fUSDT"),
        ({"currency": "USDC-sepolia"}, "USDC"),
        ({"currency": "USDC_sepolia"}, "USDC_sepolia"),
        ({"currency": "USDC", "network": "base-sepolia"}, "USDC"),
        ({"currency": "USDC", "network": "Sepolia"}, "USDC"),
        ({"currency": "USDC", "network": 84532}, "USDC"),
        ({"currency": "USDC", "network": None, "chainId": "eip155:11155111"}, "USDC"),
        ({"currency": "USD", "paymentCurrency": "FAU"}, "FAU"),
        ({"currency": "usd", "paymentCurrency": "USDC-sepolia"}, "USDC"),
        ({"currency": "USD", "paymentCurrency": "USD", "network": "sepolia"}, "TEST"),
        ({"currency": None, "paymentCurrency": "FAU-sepolia"}, "FAU"),
        ({"currency": None, "paymentCurrency": None, "network": "sepolia"}, "TEST"),
        ({"currency": "USDC", "payments": [{"destinationNetwork": "sepolia"}]}, "USDC"),
    ],
)
def test_in_a_live_shop_coins_of_a_test_network_are_no_dollars(
    api: responses.RequestsMock, said: dict[str, Any], currency: str
) -> None:
    """P5, dfinity/oisy-wallet#1326: correctly signed, and worth nothing; told or looked up."""
    body = changed(**{"paymentCurrency": "USDC", **said})
    resource = fixture("request_paid.json") | {"paymentCurrency": "USDC", **said}
    api.get(STATUS, json=resource | {"invoiceCurrency": said["currency"]})

    (told,) = request_network.read_webhook(LIVE, *signed(body))
    (found,) = request_network.fetch_payment(LIVE, PAYMENT)

    for news in (told, found):
        assert news is not None
        assert (news.status, news.currency) == ("succeeded", currency)
        assert news.currency not in LIVE.currencies


@pytest.mark.parametrize("network", ["base", "mainnet", "ethereum", "matic", "tron", 8453, None])
def test_in_a_live_shop_coins_of_a_real_network_are(network: object) -> None:
    """P5."""
    body = changed(network=network, currency="USDC", paymentCurrency="USDC-base")

    (news,) = request_network.read_webhook(LIVE, *signed(body))

    assert (news.amount, news.currency) == (4999, "USD")
