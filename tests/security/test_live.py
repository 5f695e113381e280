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
from providers import PROVIDERS, configured_providers
from tests.conftest import close
from tests.live import EVERYTHING, IN_TEST, LIVE, problems
from tests.shopper import Shopper
from tools.run import free_port

ROOT = Path(__file__).parent.parent.parent


SANDBOX_KEYS = config.Settings.sandbox_keys()


def test_with_everything_right_all_are_on_offer() -> None:
    """The control: nothing below is refused for another reason."""
    assert configured_providers(config.load(**EVERYTHING)).keys() == PROVIDERS.keys()


@pytest.mark.parametrize("name", SANDBOX_KEYS)
@pytest.mark.parametrize("how", ["alone", "as_the_second_while_rotating"])
def test_no_key_of_the_sandbox_goes_live(name: str, how: str) -> None:
    """N10, B19: every reader of this repository knows them."""
    known = SANDBOX_KEYS[name].value
    other = EVERYTHING.get(name, "another-key")
    (line,) = problems(**{name: known if how == "alone" else f"{other}, {known}"})

    assert line.startswith(f"{name.upper()} is the ")
    assert known not in line.removeprefix(name.upper())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
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
        ({"checkout_limit": "lots"}, "CHECKOUT_LIMIT is no limit like"),
        ({"rate_limit_url": "memcached://x"}, "RATE_LIMIT_URL is neither"),
        ({"trusted_proxies": "-1"}, "TRUSTED_PROXIES"),
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
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)


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
        if len(declared.NEEDS) > 1
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
    test = {**IN_TEST, **blank, "providers_extra": ""}
    assert name not in configured_providers(config.load(**test))


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


def test_a_session_signed_with_the_sandboxs_key_is_empty_in_live(
    live: Flask, database_url: str, tmp_path: Path
) -> None:
    """G21: that key is published."""
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
