"""Where coins go: destinations, payees and their checksums."""

import json
from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import request_network
from providers.request_network.destination import warnings

from ..contract import URLS
from .case import (
    ACCOUNT,
    API_KEY,
    CREATE,
    DESTINATION,
    GUIDE,
    PAYMENT,
    TRON,
    fixture,
)


def test_a_client_id_and_a_destination_are_sent_where_the_account_has_them(
    api: responses.RequestsMock,
) -> None:
    api.post(CREATE, json=fixture("created_older_page.json"), status=201)
    account = replace(ACCOUNT, api_key="", client_id="cli_1", destination_id=DESTINATION)

    checkout = request_network.start_checkout(account, PAYMENT, URLS)

    assert checkout.next_action.url.startswith("https://secure.request.network/")
    sent = api.calls[0].request
    assert sent.headers["x-client-id"] == "cli_1"
    assert "x-api-key" not in sent.headers
    (wanted,) = json.loads(sent.body or "")["requests"]
    assert wanted == {"amount": "49.99", "destinationId": DESTINATION}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"api_key": ""}, id="no_key"),
        pytest.param({"client_id": "cli_1"}, id="two_keys"),
        pytest.param({"destination_id": DESTINATION.partition("@")[0]}, id="wallet_only"),
        pytest.param({"destination_id": DESTINATION.rpartition(":")[0]}, id="no_token"),
        pytest.param({"destination_id": DESTINATION.replace("#ABCD1234", "")}, id="no_checksum"),
        pytest.param({"destination_id": DESTINATION.replace("8453", "base")}, id="chain_name"),
        pytest.param({"destination_id": f"{DESTINATION}\n"}, id="newline"),
        pytest.param({"destination_id": DESTINATION[:-1]}, id="short_token"),
        pytest.param(GUIDE | {"payee": ""}, id="no_payee"),
        pytest.param(GUIDE | {"invoice_currency": ""}, id="no_invoice_currency"),
        pytest.param(GUIDE | {"payment_currency": ""}, id="no_payment_currency"),
        pytest.param(GUIDE | {"destination_id": DESTINATION}, id="two_destinations"),
        pytest.param(GUIDE | {"payee": TRON.partition("@")[0]}, id="payee_on_tron"),
        pytest.param(GUIDE | {"payee": "0x1"}, id="short_payee"),
        pytest.param(GUIDE | {"payment_currency": "USDC on Base"}, id="no_currency_id"),
        pytest.param(GUIDE | {"invoice_currency": "EUR"}, id="euros_for_dollars"),
        pytest.param(GUIDE | {"invoice_currency": "WETH-base"}, id="no_stablecoin"),
    ],
)
def test_an_account_that_cannot_work_is_refused_at_once(changes: Any) -> None:
    with pytest.raises(ValueError, match="REQUEST_NETWORK_") as raised:
        replace(ACCOUNT, **changes)

    assert API_KEY not in str(raised.value)


def test_a_destination_may_be_on_tron() -> None:
    assert replace(ACCOUNT, destination_id=TRON).destination_id == TRON


@pytest.mark.parametrize("currency", ["USD", "USDC-base", "USDCn-optimism", "fUSDC-sepolia"])
def test_a_payee_with_two_currencies_is_sent_as_the_guide_has_it(
    api: responses.RequestsMock, currency: str
) -> None:
    api.post(CREATE, json=fixture("created.json"), status=201)
    account = replace(ACCOUNT, **GUIDE | {"invoice_currency": currency})

    request_network.start_checkout(account, PAYMENT, URLS)

    (wanted,) = json.loads(api.calls[0].request.body or "")["requests"]
    assert wanted == {
        "amount": "49.99",
        "payee": GUIDE["payee"],
        "invoiceCurrency": currency,
        "paymentCurrency": "USDC-base",
    }


@pytest.mark.parametrize(
    ("wallet_and_chain", "checksum"),
    [
        ("0x742d35Cc6634C0532925a3b844Bc454e4438f44e@eip155:8453", "B4FD67BB"),
        ("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045@eip155:1", "4CA88C9C"),
        ("0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:11155111", "e636c26b"),
    ],
)
def test_a_destination_with_its_checksum_raises_no_eyebrow(
    wallet_and_chain: str, checksum: str
) -> None:
    """The first is Request Network's own sample, the second the one of ERC-7930."""
    token = DESTINATION.rpartition(":")[2]
    right = replace(ACCOUNT, destination_id=f"{wallet_and_chain}#{checksum}:{token}")
    wrong = replace(ACCOUNT, destination_id=f"{wallet_and_chain}#00000000:{token}")

    assert warnings(right) == []
    (sentence,) = warnings(wrong)
    assert f"is 00000000, and {checksum.upper()} would fit" in sentence


@pytest.mark.parametrize("destination", ["", TRON])
def test_where_no_rule_is_known_nothing_is_said(destination: str) -> None:
    assert warnings(replace(ACCOUNT, destination_id=destination)) == []
