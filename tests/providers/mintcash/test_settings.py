"""The settings of MintCash: what they make of an account, what is shown, what may go live."""

import pytest

import config
from providers import configured_providers
from tests.live import IN_TEST, SHOP, problems

from .case import (
    ACCOUNT,
    CASE,
    VECTOR_SECRET,
)

LIVE = {**SHOP, **CASE.live}


def test_without_any_setting_the_shop_runs_against_the_sandbox() -> None:
    settings = config.load()

    account = configured_providers(settings)["mintcash"].account
    assert settings.environment == "sandbox"
    assert account.base_url == "http://127.0.0.1:5001/mintcash"
    assert account.origins == ("http://127.0.0.1:5001",)
    assert account.environment == "test"


def test_the_real_test_system_needs_settings_alone() -> None:
    settings = config.load(**IN_TEST)

    account = configured_providers(settings)["mintcash"].account
    assert account.base_url == "https://sandbox.mintcash.me"
    assert account.environment == "test"


def test_live_is_live() -> None:
    account = configured_providers(config.load(**LIVE))["mintcash"].account

    assert account.base_url == "https://api.mintcash.me"
    assert account.environment == "live"
    assert account.origins == ("https://pay.example",)


@pytest.mark.parametrize(
    "name", ["mintcash_public_key", "mintcash_secret_key", "mintcash_signing_secret"]
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_provider_without_its_settings_is_not_offered(name: str, value: str | None) -> None:
    """A4: outside the sandbox a missing key has no default."""
    settings = config.load(**{**IN_TEST, name: value})

    assert "mintcash" not in configured_providers(settings)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mintcash_public_key": "pk_test_abc"}, "MINTCASH_PUBLIC_KEY is a test key"),
        ({"mintcash_secret_key": "sk_test_abc"}, "MINTCASH_SECRET_KEY is a test key"),
        ({"mintcash_base_url": "https://sandbox.mintcash.me"}, "MINTCASH_BASE_URL must be"),
        ({"mintcash_base_url": "http://api.mintcash.me"}, "MINTCASH_BASE_URL must be"),
        ({"mintcash_base_url": "http://127.0.0.1:5001/mintcash"}, "MINTCASH_BASE_URL must be"),
        ({"mintcash_page_origins": "http://pay.example"}, "MINTCASH_PAGE_ORIGINS holds http://pay"),
        ({"mintcash_page_origins": "https://127.0.0.1:5001"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https://*.example"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https://a.example; x"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https://a.example/pay"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https:"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_signing_secret": "whsec_test_abcdef"}, "MINTCASH_SIGNING_SECRET is a test key"),
        ({"mintcash_signing_secret": "whsec_testabcdef"}, "MINTCASH_SIGNING_SECRET is a test key"),
        (
            {"mintcash_signing_secret": "whsec_live_12345,whsec_test_12345"},
            "MINTCASH_SIGNING_SECRET is a test key",
        ),
        ({"mintcash_signing_secret": "x"}, "MINTCASH_SIGNING_SECRET is too short"),
        ({"mintcash_secret_key": "sk_live_a b c d"}, "MINTCASH_SECRET_KEY holds a space"),
        ({"mintcash_secret_key": "sk_live_\x07abc"}, "MINTCASH_SECRET_KEY holds a line break"),
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8, T11."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)


def test_the_account_does_not_show_its_secrets() -> None:
    """I1."""
    assert "sk_test_1" not in repr(ACCOUNT)
    assert VECTOR_SECRET not in repr(ACCOUNT)
