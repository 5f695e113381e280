"""Mollie's settings: one host for test and live, so the key says which."""

from typing import Any

import pytest

import config
from providers import configured_providers

LIVE_SHOP = {"secret_key": "0123456789abcdef" * 2 + "f00d", "base_url": "https://shop.example"}
KEY = "dHar4XY7LxsDOtmnkVtjNVWXLSlXsM"


def account(environment: str, **settings: str) -> Any:
    found = config.load(
        payment_environment=environment,
        providers_extra="mollie",
        sandbox_url="http://s",
        **{**LIVE_SHOP, **settings},
    )
    return configured_providers(found)["mollie"].account


def test_in_the_sandbox_nothing_needs_to_be_set() -> None:
    found = account("sandbox")

    assert (found.base_url, found.origins) == ("http://s/mollie", ("http://s",))


def test_the_test_system_is_at_the_same_host_as_the_live_one() -> None:
    found = account("test", mollie_api_key=f"test_{KEY}")

    assert found.base_url == "https://api.mollie.com"
    assert found.origins == ("https://www.mollie.com",)
    assert KEY not in repr(found)


def test_a_live_key_is_refused_outside_live() -> None:
    """It would take real money for test orders."""
    with pytest.raises(config.SettingsError, match="MOLLIE_API_KEY is a live key") as refused:
        account("test", mollie_api_key=f"live_{KEY}")

    assert KEY not in str(refused.value)


LIVE = {"mollie_api_key": f"live_{KEY}"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mollie_api_key": f"test_{KEY}"}, "MOLLIE_API_KEY is a test key"),
        ({"mollie_api_key": "test_kiln_and_kettle"}, "MOLLIE_API_KEY is the sandbox's"),
        ({"mollie_api_key": "live"}, "MOLLIE_API_KEY is too short"),
        ({"mollie_base_url": "https://api.mollie.com.evil.example"}, "MOLLIE_BASE_URL must be"),
        ({"mollie_base_url": "http://127.0.0.1:5001/mollie"}, "MOLLIE_BASE_URL must be"),
        ({"mollie_page_origins": "http://www.mollie.com"}, "MOLLIE_PAGE_ORIGINS holds"),
        ({"mollie_page_origins": "https://www.mollie.com/pay"}, "MOLLIE_PAGE_ORIGINS holds"),
        ({"mollie_currencies": "EURO"}, "MOLLIE_CURRENCIES holds"),
    ],
)
def test_what_takes_no_real_money_does_not_go_live(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(config.SettingsError, match=sentence):
        account("live", **{**LIVE, **changes})
