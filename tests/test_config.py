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
        ({"jobs_url": "amqp://x"}, "JOBS_URL is none of sqlite:///file, postgresql://"),
        ({"jobs_url": "sqlite://"}, "JOBS_URL is none of sqlite:///file, postgresql://"),
        ({"jobs_url": ""}, "JOBS_URL is none of sqlite:///file, postgresql://"),
        ({"jobs_url": "redis://x:y"}, "JOBS_URL is no redis:// address"),
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


FORM = {
    **LIVE,
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
def test_wipays_form_mode_needs_somebody_to_say_what_was_paid(name: str) -> None:
    account = configured_providers(config.load(**{**FORM, name: "some_key"}))["wipay"].account

    assert account.mode == "form"


def test_no_secret_is_shown_by_settings_or_their_errors() -> None:
    """I1."""
    canaries = {
        name: f"canary-{name}-0123456789"
        for name in ("secret_key", "mintcash_secret_key", "mintcash_signing_secret", "smtp_url")
    }
    canaries["jobs_url"] = "redis://:canary@127.0.0.1/0"
    canaries["database_url"] = "postgresql://u:canary@127.0.0.1/shop"
    settings = config.load(**{**LIVE, **canaries})

    with pytest.raises(config.SettingsError) as refused:
        config.load(**{**LIVE, **canaries, "base_url": "x"})

    shown = repr(settings) + str(refused.value) + repr(configured_providers(settings))
    assert "canary" not in shown


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgresql_address_as_hosting_panels_print_it_is_taken(scheme: str) -> None:
    settings = config.load(database_url=f"{scheme}://u:p@host/name")

    assert settings.database_url.get_secret_value() == "postgresql+psycopg://u:p@host/name"


REQUEST_NETWORK = {
    **LIVE,
    "request_network_client_id": "cli_1",
    "request_network_webhook_secret": "0" * 64,
}
PAYEE = "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7"
DESTINATION = f"{PAYEE}@eip155:8453#89CDCBED:0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"


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


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("sqlite:///var/jobs.db", "sqlite:///var/jobs.db"),
        ("postgres://u:p@host/name", "postgresql://u:p@host/name"),
        ("postgresql+psycopg://u@host:5433/name", "postgresql://u@host:5433/name"),
        ("redis://host", "redis://host"),
        ("rediss://:p@host:6380/2", "rediss://:p@host:6380/2"),
        ("redis://:a/b%40c@host/0", "redis://:a%2Fb%40c@host/0"),
    ],
)
def test_the_queue_is_taken_from_three_engines(given: str, taken: str) -> None:
    assert config.load(jobs_url=given).jobs_url.get_secret_value() == taken


@pytest.mark.parametrize("scheme", ["postgresql", "redis", "amqp"])
def test_a_queue_that_cannot_be_read_does_not_show_its_password(scheme: str) -> None:
    """I1."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(jobs_url=f"{scheme}://u:canary@host:canary/0")

    assert "JOBS_URL is no" in str(refused.value)
    assert "canary" not in str(refused.value)
