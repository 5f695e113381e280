"""Settings: sensible without any, refused by name when they make no sense."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

import config
from providers import configured_providers
from tests.live import LIVE


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"payment_environment": "production"}, "PAYMENT_ENVIRONMENT"),
        ({"secret_key": config.SANDBOX_SECRET_KEY}, "SECRET_KEY is not set"),
        ({"secret_key": "short"}, "SECRET_KEY is not set or too short"),
        ({"base_url": "http://shop.example"}, "BASE_URL must start with https://"),
        ({"base_url": "shop.example"}, "BASE_URL is not an http:// or https:// address"),
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
        ({"port": "0"}, "PORT must be 1 or more"),
        ({"port": "65536"}, "PORT must be 65535 or less"),
        ({"trusted_proxies": "many"}, "TRUSTED_PROXIES must be a whole number"),
        ({"mail_attach_bytes": "-1"}, "MAIL_ATTACH_BYTES must be 0 or more"),
        ({"mail_attach_bytes": "25000000"}, "MAIL_ATTACH_BYTES must be 18000000 or less"),
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
