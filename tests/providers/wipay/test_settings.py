"""The settings of WiPay: what they make of an account, what is shown, what may go live."""

from dataclasses import replace

import pytest

import config
from providers import configured_providers
from tests.live import SHOP, problems

from .case import (
    ACCOUNT,
    SECRET,
)

FORM = {
    **SHOP,
    "payment_environment": "test",
    "wipay_account_number": "1234567890",
    "wipay_api_key": "123",
    "wipay_mode": "form",
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"wipay_wapi_key": "wapi_test_1", "wipay_fee_structure": "customer_pay"},
            "WIPAY_FEE_STRUCTURE must be merchant_absorb",
        ),
        (
            {"wipay_wapi_key": "wapi_test_1", "wipay_fee_structure": "split"},
            "WIPAY_FEE_STRUCTURE must be merchant_absorb",
        ),
        ({}, "needs WIPAY_WEBHOOK_SECRET or WIPAY_WAPI_KEY"),
    ],
)
def test_a_form_that_shoppers_could_change_unseen_is_refused(
    changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(config.SettingsError, match=sentence):
        configured_providers(config.load(**{**FORM, **changes}))


@pytest.mark.parametrize("name", ["wipay_wapi_key", "wipay_webhook_secret"])
def test_wipays_form_mode_needs_another_proof_of_what_was_paid(name: str) -> None:
    account = configured_providers(config.load(**{**FORM, name: "some_key"}))["wipay"].account

    assert account.mode == "form"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"wipay_base_url": "https://ttsb.wipayfinancial.com"}, "WIPAY_BASE_URL must be"),
        ({"wipay_wapi_key": "wapi_test_4f2a9c"}, "WIPAY_WAPI_KEY is a test key"),
        ({"wipay_webhook_secret": "my-Test-secret-1"}, "WIPAY_WEBHOOK_SECRET is a test key"),
        ({"wipay_webhook_secret": "a"}, "WIPAY_WEBHOOK_SECRET is too short"),
        ({"wipay_api_key": "1234"}, "WIPAY_API_KEY is too short"),
        ({"wipay_country_code": "US"}, "WIPAY_COUNTRY_CODE must be 'BB', 'GD', 'GY', 'JM' or 'TT'"),
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8, T11."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)


def test_the_account_does_not_show_its_secrets() -> None:
    """I1."""
    shown = repr(replace(ACCOUNT, api_key="api_key_example"))

    for secret in (SECRET, "api_key_example", "wapi_test_example"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("country", "currencies"),
    [
        ("BB", ("USD",)),
        ("GD", ("USD",)),
        ("GY", ("USD",)),
        ("JM", ("JMD", "USD")),
        ("TT", ("TTD", "USD")),
    ],
)
def test_each_country_has_its_host_and_its_currencies(
    country: str, currencies: tuple[str, ...]
) -> None:
    settings = {**FORM, "wipay_mode": "json", "wipay_country_code": country}

    account = configured_providers(config.load(**settings))["wipay"].account

    assert account.base_url == f"https://{country.lower()}sb.wipayfinancial.com"
    assert account.currencies == currencies
