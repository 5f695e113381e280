"""Settings: sensible without any, refused by name when they make no sense."""

import pytest

import config
from accounts import configured_providers

LIVE = {
    "payment_environment": "live",
    "secret_key": "thirty-two random characters here",
    "base_url": "https://shop.example",
    "mintcash_public_key": "pk_live_1",
    "mintcash_secret_key": "sk_live_1",
    "mintcash_signing_secret": "whsec_live_1",
    "mintcash_page_origins": "https://pay.example",
}


def test_without_any_setting_the_shop_runs_against_the_sandbox() -> None:
    settings = config.load()

    account = configured_providers(settings)["mintcash"].account
    assert settings.environment == "sandbox"
    assert account.base_url == "http://127.0.0.1:5001/mintcash"
    assert account.origins == ("http://127.0.0.1:5001",)
    assert account.environment == "test"


def test_the_real_test_system_needs_settings_alone() -> None:
    settings = config.load(**{**LIVE, "payment_environment": "test"})

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
    """A4: outside the sandbox nothing stands in for a missing key."""
    settings = config.load(**{**LIVE, "payment_environment": "test", name: value})

    assert configured_providers(settings) == {}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"payment_environment": "production"}, "PAYMENT_ENVIRONMENT"),
        ({"secret_key": config.SANDBOX_SECRET_KEY}, "SECRET_KEY is not set"),
        ({"secret_key": "short"}, "SECRET_KEY is not set or too short"),
        ({"base_url": "http://shop.example"}, "BASE_URL must start with https://"),
        ({"base_url": "shop.example"}, "BASE_URL is not an http:// or https:// address"),
        ({"mintcash_public_key": "pk_test_1"}, "MINTCASH_PUBLIC_KEY is a test key"),
        ({"mintcash_base_url": "https://sandbox.mintcash.me"}, "MINTCASH_BASE_URL must be"),
        ({"database_url": "mysql://x"}, "DATABASE_URL is neither sqlite"),
        ({"database_url": "x"}, "DATABASE_URL is neither sqlite"),
        ({"jobs_url": "amqp://x"}, "JOBS_URL is not sqlite"),
        ({"payment_minutes": "0"}, "PAYMENT_MINUTES"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(
    changes: dict[str, str], sentence: str
) -> None:
    """N10, I8."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(**{**LIVE, **changes})

    assert sentence in str(refused.value)


def test_no_secret_is_shown_by_settings_or_their_errors() -> None:
    """I1."""
    canaries = {
        name: f"canary-{name}-0123456789"
        for name in ("secret_key", "mintcash_secret_key", "mintcash_signing_secret", "smtp_url")
    }
    settings = config.load(**{**LIVE, **canaries})

    with pytest.raises(config.SettingsError) as refused:
        config.load(**{**LIVE, **canaries, "base_url": "x"})

    shown = repr(settings) + str(refused.value) + repr(configured_providers(settings))
    assert "canary" not in shown


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgresql_address_as_hosting_panels_print_it_is_taken(scheme: str) -> None:
    settings = config.load(database_url=f"{scheme}://u:p@host/name")

    assert settings.database_url == "postgresql+psycopg://u:p@host/name"
