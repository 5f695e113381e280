"""One line for each event, with what it is about and without what it must not say."""

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

import config
import views.downloads
from app import create_app
from jobs import outbox
from logs import Output
from models import credit_code

from . import mintcash
from .books import Books
from .conftest import close
from .mintcash import event
from .shopper import Shopper

SECRET = "correct horse / battery"


@dataclass
class Lines:
    """What was written on standard error since the last look, each line as an object."""

    capture: pytest.CaptureFixture[str]

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.capture.readouterr().err.split("\n") if line]

    def one(self, **fields: object) -> dict[str, Any]:
        """The only line with these fields."""
        found = [each for each in self.read() if fields.items() <= each.items()]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def database_url(_migrated_sqlite: Path, tmp_path: Path) -> str:
    """What is logged does not depend on the database."""
    shutil.copy(_migrated_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> config.Settings:
    return config.load(
        database_url=database_url,
        jobs_url=f"sqlite:///{tmp_path}/jobs.db",
        log_format="json",
        console_password=SECRET,
        hitpay_salt=f"{SECRET} 1, {SECRET} 2",
        smtp_url="smtp://shop:p%40ssw%2Ford@127.0.0.1:1",
    )


@pytest.fixture
def lines(app: Flask, capsys: pytest.CaptureFixture[str]) -> Lines:
    capsys.readouterr()
    return Lines(capsys)


@pytest.fixture
def text(settings: config.Settings, capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """As in the sandbox: for people."""
    app = create_app(settings.model_copy(update={"log_format": "text"}))
    capsys.readouterr()
    yield Lines(capsys)
    close(app)


# ------------------------------------------------------------------ what a line is about


def test_a_request_is_one_line(shopper: Shopper, lines: Lines) -> None:
    answer = shopper.get("/products/candle")

    line = lines.one(event="request")
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/products/<slug>", 200)
    assert line["duration_ms"] > 0
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/1/favicon.svg"])
def test_what_machines_ask_all_day_is_no_line(shopper: Shopper, lines: Lines, path: str) -> None:
    shopper.get(path).close()

    assert lines.read() == []


def test_a_request_id_that_came_along_is_kept(shopper: Shopper, lines: Lines) -> None:
    answer = shopper.get("/", headers={"X-Request-ID": "proxy-2026-4Ab"})

    assert answer.headers["X-Request-ID"] == "proxy-2026-4Ab"
    assert lines.one(event="request")["request_id"] == "proxy-2026-4Ab"


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a\tb", 'a","level":"error', "ä", "<b>"])
def test_any_other_request_id_is_replaced(shopper: Shopper, lines: Lines, given: str) -> None:
    answer = shopper.get("/", headers={"X-Request-ID": given.encode().decode("latin-1")})

    made = answer.headers["X-Request-ID"]
    assert len(made) == 32
    assert made.isalnum()
    assert lines.one(event="request")["request_id"] == made


def test_a_request_that_is_turned_away_has_an_id_too(shopper: Shopper, lines: Lines) -> None:
    no_token = shopper.client.post("/checkout", base_url="http://127.0.0.1:5000")
    foreign = shopper.client.get("/", base_url="http://evil.example")

    for answer in (no_token, foreign):
        assert answer.status_code == 400
    ids = [line["request_id"] for line in lines.read() if line["event"] == "request"]
    assert ids == [no_token.headers["X-Request-ID"], foreign.headers["X-Request-ID"]]


def test_the_way_of_an_order_can_be_followed_by_its_id(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api, lines: Lines
) -> None:
    shopper.add("bud-vase")
    shopper.check_out()
    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    about = [line for line in lines.read() if line.get("order_id") == books.order.id]
    told = [(line["event"], line.get("route") or line["task"]) for line in about]
    assert told == [
        ("request", "/checkout"),
        ("request", "/orders/<order_id>/return/<provider>"),
        (f"payment {books.payment.id}: succeeded", "/webhooks/<provider>"),
        ("request", "/webhooks/<provider>"),
        (f"order {books.order.id}: parcel done", "parcel"),
        (f"order {books.order.id}: receipt done", "receipt"),
        (f"order {books.order.id}: send_receipt failed", "send_receipt"),  # no mail server here
    ]
    assert [line.get("payment_id") for line in about if "provider" in line] == [
        *(books.payment.id, None, books.payment.id, books.payment.id)
    ]
    assert all("request_id" not in line for line in about if "task" in line)


def test_a_look_says_what_it_is_about(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api, lines: Lines
) -> None:
    shopper.add("candle")
    shopper.check_out()
    mintcash_api.newest["status"] = "succeeded"
    books.make_checks_due()
    lines.read()

    books.sweep()

    line = lines.one(task="check")
    assert (line["payment_id"], line["order_id"]) == (books.payment.id, books.order.id)
    assert line["provider"] == "mintcash"


def test_what_one_request_was_about_is_forgotten_in_the_next(
    shopper: Shopper, books: Books, lines: Lines
) -> None:
    books.place_order({"candle": 1})
    shopper.get(f"/orders/{books.order.id}")
    assert lines.one(event="request")["order_id"] == books.order.id

    shopper.get("/")

    assert "order_id" not in lines.one(event="request")


def test_a_failure_in_the_worker_is_one_line_with_its_traceback(
    shopper: Shopper, books: Books, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no cardboard left")

    monkeypatch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fail))
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))
    books.work()

    line = lines.one(level="error", task="parcel")
    assert line["order_id"] == books.order.id
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("RuntimeError: no cardboard left")


# ------------------------------------------------------------------ what it must not say


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "x-api-key", "app-secret", "appSecret", "hmac", "hash", "x-signature"),
        *("Cookie", "csrf_token", "console_password", "HITPAY_SALT"),
    ],
)
def test_a_field_is_masked_by_its_name(lines: Lines, name: str) -> None:
    """I2: at every depth, and in text that looks like a field."""
    log = logging.getLogger("a_library")

    log.warning("at the top", extra={name: "s3cr3t"})
    log.warning("inside", extra={"sent": [{"headers": {name: "s3cr3t"}}]})
    log.warning("printed: %s", {name: "s3cr3t", "status": "paid"})
    log.warning('as JSON: {"%s":"s3cr3t","status":"paid"}', name)
    log.warning("in an address: /return?%s=s3cr3t&status=paid", name)

    told = lines.read()
    assert [line["event"].partition(":")[0] for line in told] == [
        *("at the top", "inside", "printed", "as JSON", "in an address")
    ]
    for line in told:
        assert "s3cr3t" not in json.dumps(line)
        assert "[masked]" in json.dumps(line)
    assert all("paid" in line["event"] for line in told[2:])


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(SECRET, id="a-password"),
        pytest.param("correct%20horse%20%2F%20battery", id="quoted-for-an-address"),
        pytest.param(f"{SECRET} 2", id="the-second-while-one-is-replaced"),
        pytest.param("p@ssw/ord", id="the-password-inside-an-address"),
        pytest.param("p%40ssw%2Ford", id="as-it-stands-in-the-address"),
        pytest.param(config.SANDBOX_SECRET_KEY, id="the-session-key"),
    ],
)
def test_a_configured_secret_is_masked_wherever_it_stands(lines: Lines, secret: str) -> None:
    """I1, also in tracebacks."""
    log = logging.getLogger("a_library")

    log.warning("an opening: %s.", secret)
    log.warning("a field", extra={"field": [secret], secret: 1})
    try:
        raise ValueError(f"cannot use {secret!r}") from KeyError(secret.encode())
    except ValueError:
        log.exception("an error")

    written = lines.capture.readouterr().err
    assert secret not in written
    assert written.count("[masked]") >= 5
    assert "an opening: [masked]." in written


@pytest.mark.parametrize("join", ["-", " "])
def test_the_code_of_a_gift_card_is_masked_however_it_is_typed(lines: Lines, join: str) -> None:
    code = credit_code().replace("-", join)

    for typed in (code, code.lower()):
        logging.getLogger("shop").warning("typed %s.", typed)

    assert [line["event"] for line in lines.read()] == ["typed [masked]."] * 2


def test_the_key_in_an_address_is_masked_even_when_its_page_breaks(
    shopper: Shopper, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask quotes the path of a page that broke; the path of a download is the key to it."""
    token = "0123456789abcdef0123456789abcdef"

    def break_down(*_: object) -> None:
        raise RuntimeError(f"no such file: {token}")

    monkeypatch.setattr(views.downloads, "abort", break_down)
    answer = shopper.get(f"/downloads/{token}")

    assert answer.status_code == 500
    told = lines.read()
    assert [line["event"] for line in told] == [
        "Exception on /downloads/[masked] [GET]",
        "request",
    ]
    assert token not in json.dumps(told)
    assert all(line["request_id"] == answer.headers["X-Request-ID"] for line in told)


def test_a_secret_setting_is_never_forgotten() -> None:
    secrets = [
        name for name, field in config.Settings.model_fields.items() if "SecretStr" in str(field)
    ]
    canaries = {name: f"canary-{number:02}" for number, name in enumerate(secrets)}
    engines = {"database_url": "postgresql+psycopg", "smtp_url": "smtp"}
    addresses = {
        name: f"{engines.get(name, 'redis')}://shop:{canary}@127.0.0.1/"
        for name, canary in canaries.items()
        if name.endswith("_url")
    }

    settings = config.load(**canaries | addresses)

    assert len(canaries) > 10
    assert {settings.mask(canary) for canary in canaries.values()} == {"[masked]"}
    assert settings.mask(addresses["jobs_url"]) == "redis://shop:[masked]@127.0.0.1/"
    assert "canary" not in repr(settings)


# ------------------------------------------------------------------ what strangers write


HOSTILE = 'x\n{"level":"critical","event":"forged"}\r\x1b[31mred\x00\u2028y'


def test_what_a_stranger_sends_stays_in_its_line(
    shopper: Shopper, lines: Lines, mintcash_api: mintcash.Api
) -> None:
    """I4: by path, field, query and the name of a provider."""
    shopper.add("candle")
    lines.read()

    shopper.get(f"/products/{HOSTILE}")
    shopper.get("/", query_string={HOSTILE: HOSTILE}, headers={"User-Agent": "\x1b[31m"})
    shopper.check_out(name=HOSTILE, provider=HOSTILE)
    shopper.client.post(f"/webhooks/{HOSTILE}", base_url="http://127.0.0.1:5000", data=HOSTILE)
    logging.getLogger("a_library").warning("a name: %s", HOSTILE, extra={"field": HOSTILE})

    written = lines.capture.readouterr().err
    told = [json.loads(line) for line in written.splitlines()]  # at every kind of line's end
    assert [line["event"] for line in told if line["event"] != "request"] == [f"a name: {HOSTILE}"]
    assert len(told) == 6  # the checkout page, too
    assert all(line["level"] != "critical" for line in told)


def test_what_a_stranger_writes_neither_begins_nor_colours_a_line_of_text(text: Lines) -> None:
    logging.getLogger("a_library").warning("a name: %s", HOSTILE, extra={"field": HOSTILE})

    written = text.capture.readouterr().err
    assert len(written.splitlines()) == 1
    assert written.endswith("\n")
    assert written.strip("\n").isprintable()


def test_a_line_is_not_endless(lines: Lines) -> None:
    logging.getLogger("a_library").warning("x" * 1_000_000)

    assert len(lines.capture.readouterr().err) < 11_000


# ------------------------------------------------------------------ the two formats


def test_text_is_short_and_says_only_what_is_wrong(
    text: Lines, settings: config.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings.model_copy(update={"log_format": "text"}))
    shopper = Shopper(app)

    assert shopper.get("/").status_code == 200
    assert shopper.deliver(b"{}", {"x-signature": "00"}).status_code == 401

    (line,) = capsys.readouterr().err.splitlines()
    assert "mintcash webhook refused from 127.0.0.1: Unproven: " in line
    assert "provider=mintcash" in line
    assert "request_id" not in line
    close(app)


@pytest.mark.parametrize(
    ("environment", "is_terminal", "log_format", "as_json"),
    [
        ("sandbox", False, None, False),
        ("sandbox", False, "json", True),
        ("test", False, None, True),
        ("test", True, None, False),
        ("test", True, "json", True),
        ("live", False, "text", False),
    ],
)
def test_machines_get_json_and_people_text(
    environment: str, is_terminal: bool, log_format: str | None, as_json: bool
) -> None:
    settings = config.load(
        payment_environment=environment,
        secret_key=SecretStr("0123456789abcdef" * 2),
        base_url="https://shop.example",
        log_format=log_format,
    )

    assert settings.logs_as_json(is_terminal) is as_json


def test_a_line_that_cannot_be_formatted_fails_nothing_and_shows_nothing(lines: Lines) -> None:
    record = logging.LogRecord("a_library", logging.WARNING, "", 1, "%d of %s", (SECRET,), None)

    for handler in logging.getLogger().handlers:
        if isinstance(handler, Output):
            handler.handle(record)

    (line,) = lines.read()
    assert line["event"] == "log line lost: TypeError"


def test_a_closed_standard_error_fails_no_request(
    shopper: Shopper, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Broken())
        answer = shopper.get("/")

    assert answer.status_code == 200


def test_the_last_words_of_a_process_hold_no_secret(lines: Lines) -> None:
    """16.5.4: an uncaught exception is redacted, too."""
    error = RuntimeError(f"cannot log in with {SECRET}")

    sys.excepthook(RuntimeError, error, None)

    line = lines.one(level="critical")
    assert line["exception"] == "RuntimeError: cannot log in with [masked]"
