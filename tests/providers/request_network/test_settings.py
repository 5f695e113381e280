"""The settings of Request Network: what they make of an account, and what may go live."""

import pytest

import config
from providers import configured_providers, networks
from tests.live import EVERYTHING, IN_TEST, LIVE, problems

REQUEST_NETWORK = {
    **LIVE,
    "request_network_client_id": "cli_1",
    "request_network_webhook_secret": "0" * 64,
}
PAYEE = "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7"
DESTINATION = f"{PAYEE}@eip155:8453#89CDCBED:0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
SEPOLIA = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:11155111#ABCD1234"
    ":0x370DE27fdb7D1Ff1e1BaA7D11c5820a324Cf623C"
)
COIN = {
    "request_network_payee": "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7",
    "request_network_invoice_currency": "USD",
    "request_network_payment_currency": "USDC-base",
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"request_network_payee": PAYEE}, "go together: set all three, or none"),
        ({"request_network_invoice_currency": "USD"}, "go together: set all three, or none"),
        ({"request_network_destination_id": PAYEE}, "REQUEST_NETWORK_DESTINATION_ID is not"),
    ],
)
def test_a_destination_that_is_said_by_halves_is_refused(
    changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(config.SettingsError, match=sentence):
        configured_providers(config.load(**{**REQUEST_NETWORK, **changes}))


@pytest.mark.parametrize(("checksum", "warned"), [("89CDCBED", False), ("ABCD1234", True)])
def test_a_destination_whose_checksum_does_not_fit_is_only_warned_about(
    checksum: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    destination = DESTINATION.replace("89CDCBED", checksum)
    settings = config.load(**REQUEST_NETWORK, request_network_destination_id=destination)

    account = configured_providers(settings)["request_network"].account

    assert account.destination_id == destination
    assert ("89CDCBED would fit" in caplog.text) is warned


@pytest.mark.parametrize("role", ["invoice", "payment"])
@pytest.mark.parametrize(
    "coin",
    [
        *("FAU-sepolia", "fUSDC-sepolia", "fUSDT-sepolia", "USDC-sepolia", "ETH-sepolia-sepolia"),
        *("FAU", "fau", "FUSDC", "USDC-SEPOLIA", "USDC-Base-Sepolia", "USDC-arbitrum-sepolia"),
        *("USDC-goerli", "USDC-holesky", "USDC-amoy", "USDT-mumbai", "USDC-fuji", "USDT-chapel"),
        *("USDT-bsctest", "USDT-nile", "USDT-tron-shasta", "USDC-zksynceratestnet"),
    ],
)
def test_a_coin_of_a_test_network_does_not_go_live(role: str, coin: str) -> None:
    """P5 (N10, B19): it is free, and would be counted as dollars."""
    name = f"request_network_{role}_currency"

    (line,) = problems(**{**COIN, name: coin})

    assert line.startswith(f"{name.upper()} is a coin of a test network")
    config.load(**{**IN_TEST, **COIN, name: coin})


@pytest.mark.parametrize("chain", sorted(networks.TEST_CHAINS))
def test_a_destination_on_a_test_network_does_not_go_live(chain: int) -> None:
    """P5."""
    destination = SEPOLIA.replace("11155111", str(chain))

    (line,) = problems(request_network_destination_id=destination)

    assert line.startswith("REQUEST_NETWORK_DESTINATION_ID is a test network's")


@pytest.mark.parametrize("coin", ["USDC-base", "USDCn-matic", "USDT-tron", "USDC-arbitrum-one"])
def test_a_coin_of_a_live_network_goes_live(coin: str) -> None:
    config.load(**{**EVERYTHING, **COIN, "request_network_payment_currency": coin})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"request_network_destination_id": SEPOLIA}, "REQUEST_NETWORK_DESTINATION_ID is a test"),
        (
            {"request_network_base_url": "https://api.request.network.evil.example"},
            "REQUEST_NETWORK_BASE_URL must be",
        ),
        ({"request_network_client_id": "cli_test_abc"}, "REQUEST_NETWORK_CLIENT_ID is a test key"),
        ({"request_network_webhook_secret": "ab"}, "REQUEST_NETWORK_WEBHOOK_SECRET is too short"),
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8, T11."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)
