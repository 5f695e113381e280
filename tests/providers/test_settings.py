"""Settings of providers that this shop does not list are checked by what they are called."""

import pytest
from pydantic import Field, SecretStr

import config
from providers import configured_providers
from providers.settings import Words, check
from tests.live import SHOP


class NextYear(config.Settings):
    """With a provider that config.py does not know."""

    newpay_base_url: str = ""
    newpay_page_origins: Words = ()
    newpay_currencies: Words = ("USD",)
    newpay_default_link: str = ""
    newpay_client_id: str | None = None
    newpay_secret_key: SecretStr | None = None
    newpay_webhook_secret: SecretStr | None = None
    newpay_salt: SecretStr | None = None
    newpay_access_token: SecretStr | None = None
    newpay_settlement_currency: str | None = None
    newpay_hold_minutes: int = Field(5)


NEWPAY = {
    **SHOP,
    "newpay_base_url": "https://api.newpay.example/v2",
    "newpay_page_origins": "https://pay.newpay.example",
    "newpay_currencies": "USD,sgd",
    "newpay_default_link": "https://pay.newpay.example/r/42?x=1",
    "newpay_client_id": "client-42",
    "newpay_secret_key": "k9FhT2xQw7",
    "newpay_webhook_secret": "9f" * 16,
    "newpay_salt": "9f" * 16,
    "newpay_access_token": "9f" * 16,
    "newpay_settlement_currency": "USDC-base",
}


def test_a_provider_that_is_not_listed_is_taken_when_all_makes_sense() -> None:
    """T12: the control."""
    settings = config.load(NextYear, **NEWPAY)

    assert isinstance(settings, NextYear)
    assert settings.newpay_page_origins == ("https://pay.newpay.example",)
    assert settings.newpay_currencies == ("USD", "SGD")


@pytest.mark.parametrize("environment", ["sandbox", "test", "live"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("newpay_page_origins", "https://x.example; script-src *"),
        ("newpay_page_origins", "https://x.example/pay"),
        ("newpay_page_origins", "*"),
        ("newpay_base_url", "api.newpay.example"),
        ("newpay_base_url", "https://u:canary@api.newpay.example"),
        ("newpay_base_url", "https://api.newpay.example?key=canary"),
        ("newpay_default_link", "javascript:alert(1)"),
        ("newpay_currencies", "EURO"),
        ("newpay_hold_minutes", "0"),
        ("newpay_secret_key", "can\nary"),
        ("newpay_webhook_secret", "can\x00ary"),
    ],
)
def test_a_setting_that_is_not_listed_is_checked_by_its_kind(
    environment: str, name: str, value: str
) -> None:
    """T12: by the end of its name."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(NextYear, **{**NEWPAY, "payment_environment": environment, name: value})

    (line,) = str(refused.value).splitlines()
    assert line.startswith(name.upper())
    assert "canary" not in line


#: A salt as HitPay's own PHP client shows one (hit-pay/php-sdk, Examples/ClientExample.php).
WITH_COMMAS = "deG6ZBmiNg]9eMaSd]J;)DzKC,4{6^7a^suquQFgl>yfYQ_1r,[lQqr@/VjGs={2"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (WITH_COMMAS, [WITH_COMMAS, *WITH_COMMAS.split(",")]),
        (f"{WITH_COMMAS}, another-long-salt", [WITH_COMMAS, "another-long-salt"]),
        ("a-first-long-salt,another-long-salt", ["a-first-long-salt", "another-long-salt"]),
        ("a,long-salt-with-a-short-part", ["a,long-salt-with-a-short-part"]),
        ("one-long-salt", ["one-long-salt"]),
        ("one-long-salt,", ["one-long-salt"]),
        ("", []),
    ],
)
def test_a_salt_may_hold_commas(given: str, used: list[str]) -> None:
    """Each that is expected is used; what is short is never a key of its own."""
    found = config.load(NextYear, **{**NEWPAY, "newpay_salt": given}).values("newpay_salt")

    assert set(used) <= set(found)
    assert all(len(each) >= 12 for each in found)


def test_a_live_salt_may_hold_commas() -> None:
    settings = {**NEWPAY, "payment_environment": "live", "newpay_salt": WITH_COMMAS}

    assert config.load(NextYear, **settings).values("newpay_salt")[0] == WITH_COMMAS


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://Pay.newpay.example/r/@me/", "https://pay.newpay.example/r/@me/"),
        ("https://pay.newpay.example/r/@me", "https://pay.newpay.example/r/@me"),
        ("https://pay.newpay.example/", "https://pay.newpay.example/"),
        ("https://pay.newpay.example/r?to=/", "https://pay.newpay.example/r?to=/"),
        ("", ""),
    ],
)
def test_a_link_keeps_the_slash_that_the_dashboard_shows(given: str, used: str) -> None:
    assert check("newpay_default_link", given) == used


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("newpay_base_url", "http://api.newpay.example", "is no address of a live system"),
        ("newpay_base_url", "https://api.sandbox.newpay.example", "is no address of a live system"),
        ("newpay_base_url", "https://test-api.newpay.example", "is no address of a live system"),
        ("newpay_base_url", "https://127.0.0.1:5001/newpay", "is no address of a live system"),
        ("newpay_base_url", "https://newpay.internal", "is no address of a live system"),
        (
            "newpay_default_link",
            "https://sandbox.newpay.example/r",
            "is no address of a live system",
        ),
        ("newpay_page_origins", "https://pay.test.newpay.example", "holds https://pay.test"),
        ("newpay_client_id", "cli_test_abc", "is a test key"),
        ("newpay_secret_key", "sk_test_canary", "is a test key"),
        ("newpay_secret_key", "canary", "is too short: 8 characters or more"),
        ("newpay_webhook_secret", "canary-test-canary", "is a test key"),
        ("newpay_webhook_secret", "canar", "is too short: 12 characters or more"),
        ("newpay_salt", "c", "is too short: 12 characters or more"),
        ("newpay_access_token", "canary-canary", "is too short: 16 characters or more"),
        ("newpay_secret_key", "canary canary", "holds a space or a sign beyond ASCII"),
        ("newpay_secret_key", "canary\u200bcanary", "holds a line break or another control"),
        ("newpay_secret_key", "cаnary-canary", "holds a space or a sign beyond ASCII"),
        ("newpay_settlement_currency", "USDC-amoy", "is a coin of a test network"),
    ],
)
def test_what_is_no_live_setting_of_an_unlisted_provider_does_not_go_live(
    name: str, value: str, sentence: str
) -> None:
    """T12, T11."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(NextYear, **{**NEWPAY, name: value})

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{name.upper()} {sentence}")
    assert "canary" not in line


@pytest.mark.parametrize("environment", ["sandbox", "test"])
@pytest.mark.parametrize("name", ["newpay_secret_key", "newpay_webhook_secret"])
@pytest.mark.parametrize("value", ["sk_live_canary", "live_canary", "sk_canary,rk_live_canary"])
def test_a_live_key_takes_no_real_money_for_test_orders(
    environment: str, name: str, value: str
) -> None:
    """T12: whatever its provider is called."""
    changes = {"payment_environment": environment, name: value}

    with pytest.raises(config.SettingsError) as refused:
        config.load(NextYear, **{**NEWPAY, **changes})

    (line,) = str(refused.value).splitlines()
    assert line == f"{name.upper()} is a live key: set PAYMENT_ENVIRONMENT=live"


@pytest.mark.parametrize(
    ("given", "base_url", "found"),
    [
        ("https://pay.newpay.example", "https://a.example", ("https://pay.newpay.example",)),
        ("", "https://a.example", ("https://pages.a.example",)),
        ("", "http://127.0.0.1:5001/newpay", ("http://127.0.0.1:5001",)),
    ],
    ids=["as set", "as documented", "at the API's address"],
)
def test_pages_are_where_they_are_set_or_documented_or_beside_the_api(
    given: str, base_url: str, found: tuple[str, ...]
) -> None:
    settings = config.load(NextYear, **{**NEWPAY, "newpay_page_origins": given})

    pages = {"https://a.example": ("https://pages.a.example",)}
    assert settings.origins("newpay", base_url, pages) == found


def test_what_does_not_go_together_is_said_of_all_providers_at_once() -> None:
    """T11."""
    halves = {
        **SHOP,
        "payment_environment": "test",
        "request_network_client_id": "cli_1",
        "request_network_webhook_secret": "0" * 64,
        "request_network_payee": "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7",
        "wipay_account_number": "1234567890",
        "wipay_api_key": "123",
        "wipay_mode": "form",
    }

    with pytest.raises(config.SettingsError) as refused:
        configured_providers(config.load(**halves))

    lines = str(refused.value).splitlines()
    assert sorted(line.split()[0] for line in lines) == ["REQUEST_NETWORK_PAYEE,", "WIPAY_MODE"]
