"""``live`` starts only when everything is; the sandbox does not start beside it.

What is wrong is said by name, all of it at once, and never with its value.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import config
from app import create_app
from providers import configured_providers, networks
from tests.conftest import close
from tests.shopper import Shopper
from tests.test_config import LIVE
from tools.run import free_port

ROOT = Path(__file__).parent.parent.parent
SEPOLIA = (
    "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7@eip155:11155111#ABCD1234"
    ":0x370DE27fdb7D1Ff1e1BaA7D11c5820a324Cf623C"
)
#: All five providers, as they would be for real money.
EVERYTHING = {
    **LIVE,
    "hitpay_api_key": "9f" * 32,
    "hitpay_salt": "salt_of_a_real_account",
    "hitpay_webhook_salt": "salt_of_a_real_endpoint",
    "wipay_account_number": "4830019275",
    "wipay_api_key": "k3yOfARealAccount",
    "wipay_webhook_secret": "secret_of_a_real_endpoint",
    "wipay_wapi_key": "wapi_of_a_real_account",
    "handcash_app_id": "66a2a051d2f2ae72b1f9dd89",
    "handcash_app_secret": "secret_of_a_real_app",
    "handcash_destination": "apottery",
    "request_network_api_key": "key_of_a_real_account",
    "request_network_webhook_secret": "ab" * 32,
}


SANDBOX_KEYS = config.Settings.sandbox_keys()


def problems(**settings: object) -> list[str]:
    with pytest.raises(config.SettingsError) as refused:
        config.load(**{**EVERYTHING, **settings})
    return str(refused.value).splitlines()


def test_with_everything_right_all_five_are_on_offer() -> None:
    """The control: nothing below is refused for another reason."""
    assert len(configured_providers(config.load(**EVERYTHING))) == 5


@pytest.mark.parametrize("name", SANDBOX_KEYS)
@pytest.mark.parametrize("how", ["alone", "as_the_second_while_rotating"])
def test_no_key_of_the_sandbox_goes_live(name: str, how: str) -> None:
    """N10, B19: whoever reads this repository knows them."""
    known = SANDBOX_KEYS[name].value
    other = EVERYTHING.get(name, "another-key")
    (line,) = problems(**{name: known if how == "alone" else f"{other}, {known}"})

    assert line.startswith(f"{name.upper()} is the ")
    assert known not in line.removeprefix(name.upper())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mintcash_public_key": "pk_test_abc"}, "MINTCASH_PUBLIC_KEY is a test key"),
        ({"mintcash_secret_key": "sk_test_abc"}, "MINTCASH_SECRET_KEY is a test key"),
        ({"request_network_destination_id": SEPOLIA}, "REQUEST_NETWORK_DESTINATION_ID is a test"),
        ({"secret_key": config.SANDBOX_SECRET_KEY}, "SECRET_KEY is not set or too short"),
        ({"secret_key": "0123456789abcdef"}, "SECRET_KEY is not set or too short"),
        ({"secret_key": "a" * 64}, "SECRET_KEY is not set or too short"),
        ({"secret_key_fallbacks": config.SANDBOX_SECRET_KEY}, "SECRET_KEY_FALLBACKS holds a key"),
        ({"secret_key_fallbacks": f"{LIVE['secret_key']},x"}, "SECRET_KEY_FALLBACKS holds a key"),
        ({"base_url": "http://shop.example"}, "BASE_URL must start with https://"),
        ({"base_url": "https://localhost"}, "BASE_URL is an address that only this machine"),
        ({"base_url": "https://127.0.0.1:5000"}, "BASE_URL is an address that only this machine"),
        ({"base_url": "https://[::1]"}, "BASE_URL is an address that only this machine"),
        ({"base_url": "https://192.168.1.5"}, "BASE_URL is an address that only this machine"),
        ({"base_url": "https://0.0.0.0"}, "BASE_URL is an address that only this machine"),
        ({"flask_debug": "1"}, "FLASK_DEBUG is on"),
        ({"mintcash_base_url": "https://sandbox.mintcash.me"}, "MINTCASH_BASE_URL must be"),
        ({"mintcash_base_url": "http://api.mintcash.me"}, "MINTCASH_BASE_URL must be"),
        ({"mintcash_base_url": "http://127.0.0.1:5001/mintcash"}, "MINTCASH_BASE_URL must be"),
        ({"hitpay_base_url": "https://api.sandbox.hit-pay.com"}, "HITPAY_BASE_URL must be"),
        ({"wipay_base_url": "https://ttsb.wipayfinancial.com"}, "WIPAY_BASE_URL must be"),
        ({"handcash_base_url": "https://iae.cloud.handcash.io"}, "HANDCASH_BASE_URL must be"),
        (
            {"request_network_base_url": "https://api.request.network.evil.example"},
            "REQUEST_NETWORK_BASE_URL must be",
        ),
        ({"mintcash_page_origins": "http://pay.example"}, "MINTCASH_PAGE_ORIGINS holds http://pay"),
        ({"mintcash_page_origins": "https://127.0.0.1:5001"}, "MINTCASH_PAGE_ORIGINS holds"),
        (
            {"hitpay_page_origins": "https://securecheckout.sandbox.hit-pay.com"},
            "HITPAY_PAGE_ORIGINS holds",
        ),
        ({"mintcash_page_origins": "https://*.example"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https://a.example; x"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https://a.example/pay"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"mintcash_page_origins": "https:"}, "MINTCASH_PAGE_ORIGINS holds"),
        ({"checkout_limit": "lots"}, "CHECKOUT_LIMIT is no limit like"),
        ({"rate_limit_url": "memcached://x"}, "RATE_LIMIT_URL is neither"),
        ({"trusted_proxies": "-1"}, "TRUSTED_PROXIES"),
        (
            {"hitpay_default_link": "https://securecheckout.sandbox.hit-pay.com/@me"},
            "HITPAY_DEFAULT_LINK is no address of a live system",
        ),
        ({"hitpay_default_link": "http://hit-pay.com/@me"}, "HITPAY_DEFAULT_LINK is no address"),
        ({"hitpay_default_link": "https://127.0.0.1/@me"}, "HITPAY_DEFAULT_LINK is no address"),
        ({"wipay_wapi_key": "wapi_test_4f2a9c"}, "WIPAY_WAPI_KEY is a test key"),
        ({"wipay_webhook_secret": "my-Test-secret-1"}, "WIPAY_WEBHOOK_SECRET is a test key"),
        ({"hitpay_salt": "salt.of.the.SANDBOX"}, "HITPAY_SALT is a test key"),
        ({"hitpay_api_key": "test_9f9f9f9f9f9f"}, "HITPAY_API_KEY is a test key"),
        ({"mintcash_signing_secret": "whsec_test_abcdef"}, "MINTCASH_SIGNING_SECRET is a test key"),
        ({"mintcash_signing_secret": "whsec_testabcdef"}, "MINTCASH_SIGNING_SECRET is a test key"),
        (
            {"mintcash_signing_secret": "whsec_live_12345,whsec_test_12345"},
            "MINTCASH_SIGNING_SECRET is a test key",
        ),
        ({"request_network_client_id": "cli_test_abc"}, "REQUEST_NETWORK_CLIENT_ID is a test key"),
        ({"mintcash_signing_secret": "x"}, "MINTCASH_SIGNING_SECRET is too short"),
        ({"hitpay_salt": "12345"}, "HITPAY_SALT is too short"),
        ({"hitpay_webhook_salt": "long enough to be one, x"}, "HITPAY_WEBHOOK_SALT holds a space"),
        ({"wipay_webhook_secret": "a"}, "WIPAY_WEBHOOK_SECRET is too short"),
        ({"wipay_api_key": "1234"}, "WIPAY_API_KEY is too short"),
        ({"handcash_app_secret": "abc"}, "HANDCASH_APP_SECRET is too short"),
        ({"request_network_webhook_secret": "ab"}, "REQUEST_NETWORK_WEBHOOK_SECRET is too short"),
        ({"mintcash_secret_key": "sk_live_a b c d"}, "MINTCASH_SECRET_KEY holds a space"),
        ({"mintcash_secret_key": "sk_live_\x07abc"}, "MINTCASH_SECRET_KEY holds a line break"),
        ({"console_password": "x"}, "CONSOLE_PASSWORD is blank or too short"),
        ({"console_password": ""}, "CONSOLE_PASSWORD is blank or too short"),
        ({"console_password": "            "}, "CONSOLE_PASSWORD is blank or too short"),
        ({"console_password": "eleven char"}, "CONSOLE_PASSWORD is blank or too short"),
        ({"console_password": "a test password"}, "CONSOLE_PASSWORD is a test key"),
        ({"metrics_token": "x"}, "METRICS_TOKEN is too short: 16 characters"),
        ({"smtp_url": "mail.example"}, "SMTP_URL is not an address like"),
        ({"mail_from": "Shop\nBcc: x@y.example"}, "MAIL_FROM is no sender"),
        ({"base_url": "https://shop.example/shop"}, "BASE_URL must end after host and port"),
        ({"base_url": "https://shop.example?x=1"}, "BASE_URL must end after host and port"),
        ({"base_url": "https://me@shop.example"}, "BASE_URL must not hold a user"),
        ({"base_url": "https://shop"}, "BASE_URL is an address that only this machine"),
        ({"base_url": "https://shop.internal"}, "BASE_URL is an address that only this machine"),
        ({"base_url": "https://[::ffff:10.0.0.1]"}, "BASE_URL is an address that only this"),
        ({"hitpay_currencies": "SGD,EURO"}, "HITPAY_CURRENCIES holds 'EURO'"),
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)


COIN = {
    "request_network_payee": "0x6923831ACf5c327260D7ac7C9DfF5b1c3cB3C7D7",
    "request_network_invoice_currency": "USD",
    "request_network_payment_currency": "USDC-base",
}


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
    config.load(**{**EVERYTHING, **COIN, name: coin, "payment_environment": "test"})


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
    ("name", "password"),
    [
        ("console_password", "correct horse, battery"),
        ("metrics_token", "9f" * 16),
        ("mintcash_signing_secret", " whsec_live_12345 , whsec_live_67890\n"),
        ("hitpay_default_link", "https://securecheckout.hit-pay.com/payment-request/@kiln/"),
        ("smtp_url", "smtps://shop:p%40ss@mail.example:465"),
    ],
)
def test_what_is_fit_for_the_public_goes_live(name: str, password: str) -> None:
    """The controls of what is refused above."""
    config.load(**{**EVERYTHING, name: password})


@pytest.mark.parametrize(
    ("name", "blank", "sentence"),
    [
        (provider, each, " or ".join(name.upper() for name in need))
        for provider, declared in config.DECLARED.items()
        for need in declared.NEEDS
        for each in [{name: value for name in need} for value in (None, "", "  ")]
    ],
)
def test_half_a_provider_is_refused_by_what_it_lacks(
    name: str, blank: dict[str, str | None], sentence: str
) -> None:
    """N10, A4: also the webhook's secret; nothing is quietly taken off the page."""
    (line,) = problems(**blank)

    assert line == f"{sentence} is not set, but the rest of {name} is"
    elsewhere = config.load(**{**EVERYTHING, **blank, "payment_environment": "test"})
    assert name not in configured_providers(elsewhere)


def test_all_that_is_wrong_is_said_at_once_and_no_value_with_it() -> None:
    """I1, N10."""
    lines = problems(
        secret_key="canary-short",
        base_url="http://localhost:5000",
        flask_debug="1",
        mintcash_secret_key="sk_test_canary",
        mintcash_signing_secret="",
        wipay_api_key="123",
        hitpay_base_url="https://api.sandbox.hit-pay.com",
    )

    assert len(lines) == 8
    assert "canary" not in "".join(lines)


def test_what_makes_no_sense_hides_nothing_that_is_dangerous() -> None:
    """T11: one start tells all of it."""
    lines = problems(
        secret_key="canary-short",
        base_url="https://shop.example/canary",
        payment_minutes="canary",
        smtp_url="canary",
        mintcash_secret_key="sk_test_canary",
        hitpay_salt="can",
        console_password="canary",
        metrics_token="canary",
    )

    assert sorted(line.split()[0] for line in lines) == [
        *("BASE_URL", "CONSOLE_PASSWORD", "HITPAY_SALT", "METRICS_TOKEN", "MINTCASH_SECRET_KEY"),
        *("PAYMENT_MINUTES", "SECRET_KEY", "SMTP_URL"),
    ]
    assert "canary" not in "".join(lines)


# ------------------------------------------------------------------ as processes


def run(folder: Path, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """A process that is to end by itself, in a world of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "JOBS_URL": f"sqlite:///{folder}/jobs.db",
        "SANDBOX_DATABASE_URL": f"sqlite:///{folder}/sandbox.db",
        **changes,
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_sandbox_does_not_start_in_live(tmp_path: Path) -> None:
    """I6: as a server, with every setting of a live shop."""
    settings = {name.upper(): value for name, value in EVERYTHING.items()}
    server = ("-m", "gunicorn", "--bind", f"127.0.0.1:{free_port()}", "sandbox.app:create_app()")

    ended = run(tmp_path, *server, **settings)

    assert ended.returncode == 3, "gunicorn gives up, and does not try again for ever"
    assert "must not run beside real money" in ended.stderr
    assert not (tmp_path / "sandbox.db").exists()


def test_the_shop_does_not_start_in_live_as_it_comes_out_of_the_box(tmp_path: Path) -> None:
    """N10: one line for each setting, no traceback, no database touched."""
    ended = run(tmp_path, "-m", "tools.run", PAYMENT_ENVIRONMENT="live", WIPAY_API_KEY="123")

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    for name in ("SECRET_KEY", "BASE_URL", "WIPAY_API_KEY", "WIPAY_ACCOUNT_NUMBER"):
        assert name in ended.stderr
    assert not (tmp_path / "shop.db").exists()


def test_nothing_of_the_sandbox_is_reachable_in_a_live_shop(live: Flask) -> None:
    """I6: no route, no word on a page, no default key."""
    client = live.test_client()

    for path in ("/sandbox", "/ledger.json", "/control/faults", "/mintcash/payments"):
        assert client.get(path, base_url="https://shop.example").status_code == 404
    page = client.get("/", base_url="https://shop.example").text
    assert "sandbox" not in page.lower()
    assert "/console" not in page
    for path in ("/console", "/console/mail", "/console/webhooks", "/console/orders/1"):
        assert client.get(path, base_url="https://shop.example").status_code == 404


# ------------------------------------------------------------------ the key that signs sessions


@pytest.fixture
def live(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(
        config.load(**LIVE, database_url=database_url, jobs_url=f"sqlite:///{tmp_path}/jobs.db")
    )
    yield app
    close(app)


def shop_signed_by(database_url: str, folder: Path, key: str, fallbacks: str = "") -> Flask:
    return create_app(
        config.load(
            secret_key=key,
            secret_key_fallbacks=fallbacks,
            database_url=database_url,
            jobs_url=f"sqlite:///{folder}/jobs.db",
        )
    )


def test_a_session_outlives_its_key_as_long_as_that_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    """G21: rotated, the old key is still read; removed, what it signed is ignored."""
    old, new = "old key of thirty-two characters.", "new key of thirty-two characters."
    before = shop_signed_by(database_url, tmp_path, old)
    during = shop_signed_by(database_url, tmp_path, new, old)
    after = shop_signed_by(database_url, tmp_path, new)
    shopper = Shopper(before)
    shopper.add("candle")
    cookie = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert cookie

    def cart_page(app: Flask) -> str:
        visitor = Shopper(app)
        visitor.client.set_cookie("shop", cookie.value, domain="127.0.0.1")
        return visitor.get("/cart").text

    assert "Kiln candle" in cart_page(during)
    assert "Kiln candle" not in cart_page(after)
    for app in (before, during, after):
        close(app)


def test_a_session_signed_with_the_sandboxs_key_is_nobodys_in_live(
    live: Flask, database_url: str, tmp_path: Path
) -> None:
    """G21: everybody has that key."""
    sandbox = shop_signed_by(database_url, tmp_path, config.SANDBOX_SECRET_KEY)
    shopper = Shopper(sandbox)
    shopper.add("candle")
    cookie = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert cookie
    client = live.test_client()
    client.set_cookie("__Host-shop", cookie.value, domain="shop.example", secure=True)

    page = client.get("/cart", base_url="https://shop.example").text

    assert "Kiln candle" not in page
    close(sandbox)
