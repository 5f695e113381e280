"""Settings: sensible without any, refused by name when they make no sense."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from sqlalchemy import make_url

import config
from providers import configured_providers
from providers.settings import Words

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
    """A4: outside the sandbox a missing key has no default."""
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
        ({"jobs_url": "sqlite:///"}, "JOBS_URL names no file"),
        ({"database_url": "sqlite://"}, "DATABASE_URL names no file"),
        ({"database_url": "sqlite:///:memory:"}, "DATABASE_URL names no file"),
        ({"database_url": "postgresql://u:p@h:port/x"}, "DATABASE_URL is no postgresql:// address"),
        ({"payment_minutes": "0"}, "PAYMENT_MINUTES must be from 1 to 43200 minutes"),
        ({"payment_minutes": "-5"}, "PAYMENT_MINUTES must be from 1 to"),
        ({"payment_minutes": "9" * 20}, "PAYMENT_MINUTES must be from 1 to"),
        ({"payment_minutes": "an hour"}, "PAYMENT_MINUTES must be a whole number"),
        ({"payment_minutes": "1.5"}, "PAYMENT_MINUTES must be a whole number"),
        ({"lease_seconds": "0"}, "LEASE_SECONDS must be from 1 to 86400 seconds"),
        ({"hitpay_qr_minutes": "0"}, "HITPAY_QR_MINUTES must be from 1 to"),
        ({"port": "0"}, "PORT must be 1 or more"),
        ({"port": "65536"}, "PORT must be 65535 or less"),
        ({"trusted_proxies": "many"}, "TRUSTED_PROXIES must be a whole number"),
        ({"hitpay_drop_in": "perhaps"}, "HITPAY_DROP_IN must be true or false"),
        ({"wipay_country_code": "US"}, "WIPAY_COUNTRY_CODE must be 'BB', 'GD', 'GY', 'JM' or 'TT'"),
        ({"checkout_limit": "0/minute"}, "CHECKOUT_LIMIT is a limit of nothing"),
        ({"status_limit": "5/fortnight"}, "STATUS_LIMIT is no limit like"),
        ({"rate_limit_url": "redis://"}, "RATE_LIMIT_URL is not an address like redis://"),
        ({"rate_limit_url": "redis://h:99999"}, "RATE_LIMIT_URL is not an address like redis://"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(
    changes: dict[str, str], sentence: str
) -> None:
    """N10, I8, T11."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(**{**LIVE, **changes})

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *("smtp.example.com", "smtp.example.com:587", "https://mail.example", "mailto:a@b.example"),
        *("smtp://", "smtp:///path", "smtp://host:port", "smtp://host:0", "smtp://host:70000"),
        *("smtp://u:p#w@host", "smtp://u:p/w@host", "smtp://host/inbox", "smtp://host?tls=1"),
        *("smtp://a host", "smtp://host\n:25", "lmtp://host", "", "x"),
    ],
)
def test_a_mail_server_that_is_none_is_refused(url: str) -> None:
    """T11: in every environment; otherwise the first sign would be a parked receipt."""
    with pytest.raises(config.SettingsError, match=r"^SMTP_URL (is not an address|must end)"):
        config.load(smtp_url=url)


@pytest.mark.parametrize(
    "url", ["smtp://host", "smtp://u:p%40ss@host:587", "smtps://host:465/", "smtp://[::1]:25"]
)
def test_a_mail_server_is_taken(url: str) -> None:
    found = config.load(smtp_url=url).smtp_url
    assert found is not None
    assert found.get_secret_value() == url


@pytest.mark.parametrize(
    "sender",
    [
        *("Kiln & Kettle", "shop", "@example.com", "shop@", "<>", "", "shop@exa mple.com"),
        *("shop@example.com\nBcc: all@example.com", "Shop\r\n <shop@example.com>"),
        *("a@example.com, b@example.com", "Kiln, Kettle <shop@example.com>", "shop@-.com"),
    ],
)
def test_a_sender_that_is_none_is_refused(sender: str) -> None:
    """T11."""
    with pytest.raises(config.SettingsError, match=r"^MAIL_FROM is no sender like"):
        config.load(mail_from=sender)


@pytest.mark.parametrize(
    "sender",
    ["shop@example.com", "Zoë's <zoe+shop@exämple.com>", '"Kiln, Kettle" <shop@localhost>'],
)
def test_a_sender_is_taken(sender: str) -> None:
    assert config.load(mail_from=sender).mail_from == sender


@pytest.mark.parametrize("name", ["base_url", "sandbox_url"])
@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:5018/shop", "https://shop.example/?a=1", "https://shop.example/#top"),
        *("https://user@shop.example", "https://user:canary@shop.example", "https://@shop.example"),
        *("https://shop.example:port", "https://shop.example:0", "https://shop.example:65536"),
        *("https://shop example", "https://shop.example\n", "https://shop.\texample", "https://"),
        *("https://shop.example\\@evil.example", "ftp://shop.example", "//shop.example", "", " "),
        *("https://[::1", "https://[fe80::1%eth0]", "https://a..b", "https://-a.example"),
        *("https://127.1", "https://2130706433", "https://0x7f.1", "https://*.example"),
        *(
            "https://shop.example;x",
            "https://a\u3002b\u2100c.example",
            f"https://{'a' * 64}.example",
        ),
    ],
)
def test_our_own_address_ends_after_host_and_port(name: str, url: str) -> None:
    """S14, S20: a part that would be ignored is refused, and not quoted."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(**{name: url})

    assert str(refused.value).startswith(name.upper())
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "known_as"),
    [
        ("http://[::1]:5016", "http://[::1]:5016"),
        ("http://[0:0:0:0:0:0:0:1]:5016/", "http://[::1]:5016"),
        ("http://LocalHost:5020", "http://localhost:5020"),
        ("HTTPS://Shop.Example:443/", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:", "http://shop.example"),
        ("https://shop.example.", "https://shop.example"),
        ("http://магазин.localhost:5022", "http://xn--80aairftm.localhost:5022"),
        ("https://Straße.example", "https://xn--strae-oqa.example"),
        ("https://ШОП.example", "https://xn--n1acz.example"),
    ],
)
def test_our_own_address_is_known_as_browsers_send_it(given: str, known_as: str) -> None:
    """S20."""
    assert config.load(base_url=given).base_url == known_as
    assert config.load(sandbox_url=given).sandbox_url == known_as


@pytest.mark.parametrize(
    "name", [name for name in config.Settings.model_fields if name.endswith("_currencies")]
)
@pytest.mark.parametrize("given", ["EURO", "XXX", "XTS", "XAU", "US", "USD,EURO", "DEM", "$", ""])
def test_a_currency_that_does_not_exist_is_refused(name: str, given: str) -> None:
    """T11."""
    with pytest.raises(config.SettingsError, match=f"^{name.upper()} (holds|names no)"):
        config.load(**{name: given})


def test_currencies_are_known_in_capitals_once_each() -> None:
    settings = config.load(mintcash_currencies="usd, Eur,USD")

    account = configured_providers(settings)["mintcash"].account
    assert account.currencies == ("USD", "EUR")


@pytest.mark.parametrize(
    "folder",
    ["100%25 done", "a#b?c%20d", "ü & x", "50%", "a+b=c;d", "it's", 'q"uote', "%", "a@b:c"],
)
def test_a_folder_may_be_called_as_it_likes(folder: str, tmp_path: Path) -> None:
    """S19: a path becomes an address and is a path again."""
    url = config.sqlite_url(tmp_path / folder / "shop.db")

    settings = config.load(database_url=url, jobs_url=url)

    for secret in (settings.database_url, settings.jobs_url):
        assert make_url(secret.get_secret_value()).database == f"{tmp_path}/{folder}/shop.db"


def test_a_relative_file_is_the_same_for_every_process() -> None:
    """Otherwise shop, worker and health check would each start from another folder."""
    settings = config.load(database_url="sqlite:///var/x.db", jobs_url="sqlite:///var/y.db")

    assert make_url(settings.database_url.get_secret_value()).database == f"{config.ROOT}/var/x.db"
    assert make_url(settings.jobs_url.get_secret_value()).database == f"{config.ROOT}/var/y.db"


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
def test_wipays_form_mode_needs_another_proof_of_what_was_paid(name: str) -> None:
    account = configured_providers(config.load(**{**FORM, name: "some_key"}))["wipay"].account

    assert account.mode == "form"


def test_no_secret_is_shown_by_settings_or_their_errors() -> None:
    """I1."""
    canaries = {
        name: f"canary-{name}-0123456789"
        for name in ("secret_key", "mintcash_secret_key", "mintcash_signing_secret")
    }
    canaries["smtp_url"] = "smtp://shop:canary@mail.example:587"
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
        ("sqlite:////var/lib/jobs.db", "sqlite:////var/lib/jobs.db"),
        ("sqlite:///var/jobs.db", config.sqlite_url(config.ROOT / "var/jobs.db")),
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


# ------------------------------------------------------------------ by kind


class NextYear(config.Settings):
    """With a provider that config.py does not know."""

    acme_base_url: str = ""
    acme_page_origins: Words = ()
    acme_currencies: Words = ("USD",)
    acme_default_link: str = ""
    acme_client_id: str | None = None
    acme_secret_key: SecretStr | None = None
    acme_webhook_secret: SecretStr | None = None
    acme_salt: SecretStr | None = None
    acme_access_token: SecretStr | None = None
    acme_settlement_currency: str | None = None
    acme_hold_minutes: int = Field(5)


ACME = {
    **LIVE,
    "acme_base_url": "https://api.acme.example/v2",
    "acme_page_origins": "https://pay.acme.example",
    "acme_currencies": "USD,sgd",
    "acme_default_link": "https://pay.acme.example/r/42?x=1",
    "acme_client_id": "client-42",
    "acme_secret_key": "k9FhT2xQw7",
    "acme_webhook_secret": "9f" * 16,
    "acme_salt": "9f" * 16,
    "acme_access_token": "9f" * 16,
    "acme_settlement_currency": "USDC-base",
}


def test_a_provider_that_is_not_listed_is_taken_when_all_makes_sense() -> None:
    """T12: the control."""
    settings = config.load(NextYear, **ACME)

    assert isinstance(settings, NextYear)
    assert settings.acme_page_origins == ("https://pay.acme.example",)
    assert settings.acme_currencies == ("USD", "SGD")


@pytest.mark.parametrize("environment", ["sandbox", "test", "live"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("acme_page_origins", "https://x.example; script-src *"),
        ("acme_page_origins", "https://x.example/pay"),
        ("acme_page_origins", "*"),
        ("acme_base_url", "api.acme.example"),
        ("acme_base_url", "https://u:canary@api.acme.example"),
        ("acme_base_url", "https://api.acme.example?key=canary"),
        ("acme_default_link", "javascript:alert(1)"),
        ("acme_currencies", "EURO"),
        ("acme_hold_minutes", "0"),
        ("acme_secret_key", "can\nary"),
        ("acme_webhook_secret", "can\x00ary"),
    ],
)
def test_a_setting_that_is_not_listed_is_checked_by_its_kind(
    environment: str, name: str, value: str
) -> None:
    """T12: by the end of its name."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(NextYear, **{**ACME, "payment_environment": environment, name: value})

    (line,) = str(refused.value).splitlines()
    assert line.startswith(name.upper())
    assert "canary" not in line


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("acme_base_url", "http://api.acme.example", "is no address of a live system"),
        ("acme_base_url", "https://api.sandbox.acme.example", "is no address of a live system"),
        ("acme_base_url", "https://test-api.acme.example", "is no address of a live system"),
        ("acme_base_url", "https://127.0.0.1:5001/acme", "is no address of a live system"),
        ("acme_base_url", "https://acme.internal", "is no address of a live system"),
        ("acme_default_link", "https://sandbox.acme.example/r", "is no address of a live system"),
        ("acme_page_origins", "https://pay.test.acme.example", "holds https://pay.test"),
        ("acme_client_id", "cli_test_abc", "is a test key"),
        ("acme_secret_key", "sk_test_canary", "is a test key"),
        ("acme_secret_key", "canary", "is too short: 8 characters or more"),
        ("acme_webhook_secret", "canary-test-canary", "is a test key"),
        ("acme_webhook_secret", "canar", "is too short: 12 characters or more"),
        ("acme_salt", "c", "is too short: 12 characters or more"),
        ("acme_access_token", "canary-canary", "is too short: 16 characters or more"),
        ("acme_secret_key", "canary canary", "holds a space or a sign beyond ASCII"),
        ("acme_secret_key", "canary\u200bcanary", "holds a line break or another control"),
        ("acme_secret_key", "cаnary-canary", "holds a space or a sign beyond ASCII"),
        ("acme_settlement_currency", "USDC-amoy", "is a coin of a test network"),
    ],
)
def test_what_is_no_live_setting_of_an_unlisted_provider_does_not_go_live(
    name: str, value: str, sentence: str
) -> None:
    """T12, T11."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(NextYear, **{**ACME, name: value})

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{name.upper()} {sentence}")
    assert "canary" not in line


def test_what_does_not_go_together_is_said_of_all_providers_at_once() -> None:
    """T11."""
    halves = {**REQUEST_NETWORK, "request_network_payee": PAYEE, **FORM}

    with pytest.raises(config.SettingsError) as refused:
        configured_providers(config.load(**halves))

    lines = str(refused.value).splitlines()
    assert sorted(line.split()[0] for line in lines) == ["REQUEST_NETWORK_PAYEE,", "WIPAY_MODE"]
