"""Canaries in every secret setting, and all that can go wrong: none is seen again. N8, I1."""

import hashlib
import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses
from flask import Flask

import config
import views.shop
from database import db
from jobs import outbox
from models import Order
from providers import EXAMPLES, PROVIDERS, mintcash

from ..books import Books
from ..mintcash import event, signed
from ..shopper import BASE_URL, Shopper

SECRETS = [
    name
    for name, field in config.Settings.model_fields.items()
    if "SecretStr" in str(field) and name != "database_url"  # a file here, without a password
]
CANARIES = {name: hashlib.sha256(name.encode()).hexdigest()[:40] for name in SECRETS}
#: All of them in one sentence, as a provider would write that quotes what it was sent.
QUOTED = " ".join(CANARIES.values())


@pytest.fixture
def settings(_migrated_sqlite: Path, tmp_path: Path) -> config.Settings:
    shutil.copy(_migrated_sqlite, tmp_path / "shop.db")
    addresses = {  # no server is there, and their clients say so
        "smtp_url": f"smtp://shop:{CANARIES['smtp_url']}@127.0.0.1:1",
        "jobs_url": f"redis://shop:{CANARIES['jobs_url']}@127.0.0.1:1/0",
        "rate_limit_url": f"memory://shop:{CANARIES['rate_limit_url']}@127.0.0.1",
    }
    return config.load(
        **CANARIES | addresses,
        database_url=f"sqlite:///{tmp_path}/shop.db",
        log_format="json",
        wipay_country_code="TT",
        providers_extra=",".join(EXAMPLES),
    )


@pytest.fixture(autouse=True)
def _everything_is_logged(app: Flask) -> Iterator[None]:
    """Also what no shop would: each library's own chatter, and each statement with its values."""
    loggers = [logging.getLogger(name) for name in (None, "sqlalchemy.engine", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def telltale() -> Iterator[list[int]]:
    """Every provider answers with that status, and quotes the call and all our secrets."""
    status = [200]

    def quote(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        words = f"{dict(request.headers)} {request.body!r} {QUOTED}"
        shapes = {"message": words, "code": words, "error": words, "status": words}
        shapes |= {"detail": words, "field": words}
        return status[0], {}, json.dumps({**shapes, "errors": {words: [words]}, "data": shapes})

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.GET, responses.POST):
            mock.add_callback(method, re.compile(".*"), quote)
        yield status


def seen(text: str) -> set[str]:
    """Settings of which more than the last four characters stand in the text."""
    return {
        name for name, canary in CANARIES.items() if canary[:10] in text or canary[-10:] in text
    }


def in_the_database(settings: config.Settings) -> str:
    with sqlite3.connect(
        settings.database_url.get_secret_value().removeprefix("sqlite:///")
    ) as database:
        found = "\n".join(database.iterdump())
    database.close()
    return found


def pages(shopper: Shopper, books: Books) -> str:
    """Every page that a shopper or the shop's people can open."""
    with books.open():
        orders = [order.id for order in db.session.query(Order)]
    paths = ["/", "/cart", "/checkout", "/console", "/console/mail", "/console/webhooks"]
    paths += [f"/orders/{order_id}" for order_id in orders]
    paths += [f"/console/orders/{order_id}" for order_id in orders]
    answers = [shopper.get(path) for path in (*paths, "/metrics", "/readyz")]
    assert all(answer.status_code in (200, 302) for answer in answers)
    return "\n".join(f"{answer.headers}\n{answer.text}" for answer in answers)


def test_the_search_for_secrets_finds_one_that_is_there() -> None:
    """A search that finds nothing proves something only if it can find a secret."""
    assert len(CANARIES) > 10
    assert seen(QUOTED) == set(CANARIES)
    assert seen(" ".join(canary[-4:] for canary in CANARIES.values())) == set()


def test_no_secret_is_seen_again_whatever_providers_answer(
    shopper: Shopper,
    books: Books,
    settings: config.Settings,
    telltale: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = ""
    for provider in PROVIDERS:
        for status in (200, 401, 409, 422, 500):
            telltale[0] = status
            shopper.add("cookbook")
            shown += shopper.check_out(provider=provider).text
            (_, order_id) = max(
                books.read(lambda: [(o.created_at, o.id) for o in db.session.query(Order)])
            )
            path = f"/orders/{order_id}/return/{provider}"
            shown += shopper.get(path, query_string={"message": QUOTED, "hash": QUOTED}).text
            books.make_checks_due()
            books.sweep()
    assert books.count(Order) >= len(PROVIDERS)

    written = capsys.readouterr()
    assert len(written.err.splitlines()) > 500
    assert seen(written.err + written.out) == set()
    assert seen(shown) == set()
    assert seen(pages(shopper, books)) == set()
    assert seen(in_the_database(settings)) == set()


def test_no_secret_is_seen_again_whatever_strangers_send(
    shopper: Shopper, books: Books, settings: config.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """HandCash sends its secret in the body of each delivery; a stranger may guess one."""
    (payment,) = books.place_order({"candle": 1}, provider="handcash")
    true = {
        "paymentRequestId": payment["id"],
        "transactionId": "f" * 64,
        "appSecret": CANARIES["handcash_app_secret"],
    }
    bodies = [json.dumps(true), QUOTED, json.dumps({"appSecret": QUOTED}), f"hmac={QUOTED}"]
    names = ("x-signature", "hitpay-signature", "authorization", "cookie", "x-api-key")
    verdicts = set()
    for provider in PROVIDERS:
        for body in (*bodies, ""):
            answer = shopper.client.post(
                f"/webhooks/{provider}",
                base_url=BASE_URL,
                data=body,
                headers=dict.fromkeys(names, QUOTED),
                content_type="application/json",
            )
            verdicts.add((provider, answer.status_code))

    assert ("handcash", 200) in verdicts
    assert books.order.status == "paid"
    written = capsys.readouterr()
    assert seen(written.err + written.out) == set()
    assert seen(pages(shopper, books)) == set()
    assert seen(in_the_database(settings)) == set()


def test_no_secret_is_seen_again_whatever_breaks(
    app: Flask,
    shopper: Shopper,
    books: Books,
    settings: config.Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Tracebacks through pages, webhooks and the worker, with all secrets in their words."""
    accounts = [each.account for each in app.extensions["providers"].values()]

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError(f"{QUOTED} {settings!r} {accounts!r}") from ValueError(QUOTED)

    (payment,) = books.place_order({"candle": 1, "cookbook": 1})
    body = json.dumps({"environment": QUOTED}).encode()
    with monkeypatch.context() as patch:
        patch.setattr(views.shop, "render_template", break_down)
        patch.setattr(mintcash, "read_webhook", break_down)
        answers = [shopper.get("/"), shopper.deliver(*signed(body))]
    shopper.deliver(*signed(event(payment, "succeeded").body, CANARIES["mintcash_signing_secret"]))
    with monkeypatch.context() as patch:
        patch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=break_down))
        patch.setattr(mintcash, "fetch_payment", break_down)
        books.work()  # and the mail server is not there
        books.make_checks_due()
        books.sweep()

    assert [answer.status_code for answer in answers] == [500, 500]
    assert [task.last_error for task in books.tasks if task.kind == "parcel"] != [None]
    assert seen("".join(answer.text for answer in answers)) == set()
    written = capsys.readouterr()
    assert written.err.count("Traceback") >= 4
    assert seen(written.err + written.out) == set()
    assert seen(pages(shopper, books)) == set()
    assert seen(in_the_database(settings)) == set()
