"""Stripe's settings: one address for test and live, so the key must fit the environment."""

from typing import Any

import pytest

import config
from providers.stripe.settings import Settings, account


@pytest.mark.parametrize(("environment", "is_live"), [("test", False), ("live", True)])
def test_live_and_test_have_one_address(environment: Any, is_live: bool) -> None:
    given: Any = {"stripe_secret_key": "sk_1", "stripe_webhook_secret": "whsec_1"}

    found = account(Settings(payment_environment=environment, **given))

    assert found
    assert (found.base_url, found.live) == ("https://api.stripe.com", is_live)
    assert found.origins == ("https://checkout.stripe.com",)


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_a_live_key_takes_no_real_money_in_a_test_shop(key: str) -> None:
    with pytest.raises(config.SettingsError, match="STRIPE_SECRET_KEY is a live key") as raised:
        config.load(payment_environment="test", stripe_secret_key=key)
    assert key not in str(raised.value)
