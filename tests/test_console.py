"""The console: what it shows, and to whom."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import config
from app import create_app

from . import mintcash
from .books import Books
from .conftest import close
from .mintcash import event
from .shopper import BASE_URL, Shopper

PAGES = ["/console", "/console/mail", "/console/webhooks"]
PASSWORD = "correct horse battery"


@pytest.fixture
def order_id(shopper: Shopper, mintcash_api: mintcash.Api, books: Books) -> str:
    shopper.add("candle")
    shopper.check_out(name="<script>alert(1)</script>")
    return books.order.id


def test_orders_mail_and_deliveries_are_listed(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    number = books.order.number
    assert number in shopper.get("/console").text
    assert "ann@example.com" in shopper.get("/console/mail").text
    assert "payment.succeeded" in shopper.get("/console/webhooks").text
    order = shopper.get(f"/console/orders/{order_id}").text
    for fact in ("parcel", "receipt", "done", mintcash_api.newest["id"]):
        assert fact in order


def test_the_receipt_is_readable_at_console_mail(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    letter = shopper.get(_first_letter(shopper)).text

    assert books.order.number in letter
    assert "US$28.00" in letter
    assert f"{BASE_URL}/orders/{order_id}" in letter


def test_why_an_order_is_held_is_said(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    """J2."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded", amount=0.01))

    assert "mintcash took US$0.01 of US$28.00" in shopper.get("/console").text


def test_what_a_shopper_or_a_provider_wrote_is_shown_and_never_run(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """G13."""
    script = "<script>alert(2)</script>"
    shopper.deliver(
        *event(mintcash_api.newest, "failed", failureCode=script, failureMessage=script)
    )
    shopper.deliver(
        *event(mintcash_api.newest, "succeeded", event_id="e2", providerTransactionId=script)
    )
    books.work()

    letter = _first_letter(shopper)
    for page in [*PAGES, letter, f"/console/orders/{order_id}", f"/orders/{order_id}"]:
        answer = shopper.get(page)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


def _first_letter(shopper: Shopper) -> str:
    found = re.search(r"/console/mail/\d+", shopper.get("/console/mail").text)
    assert found
    return found.group()


@pytest.mark.parametrize("page", PAGES)
def test_in_the_sandbox_it_opens_for_this_machine_only(shopper: Shopper, page: str) -> None:
    here = shopper.get(page)
    elsewhere = shopper.get(page, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    forged = shopper.get(
        page,
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
        headers={"X-Forwarded-For": "127.0.0.1"},
    )

    assert (here.status_code, elsewhere.status_code, forged.status_code) == (200, 403, 403)
    assert here.headers["Cache-Control"] == "no-store"


def outside_the_sandbox(database_url: str, folder: Path, password: str | None) -> Flask:
    return create_app(
        config.load(
            payment_environment="test",
            secret_key="thirty-two random characters here",
            console_password=password,
            database_url=database_url,
            jobs_url=f"sqlite:///{folder}/jobs.db",
        )
    )


@pytest.fixture
def guarded(database_url: str, tmp_path: Path) -> Iterator[Shopper]:
    app = outside_the_sandbox(database_url, tmp_path, PASSWORD)
    yield Shopper(app)
    close(app)


@pytest.mark.parametrize("page", PAGES)
def test_elsewhere_it_opens_with_the_password_only(guarded: Shopper, page: str) -> None:
    def sign_in(name: str, password: str) -> TestResponse:
        text = base64.b64encode(f"{name}:{password}".encode()).decode()
        return guarded.get(page, headers={"Authorization": f"Basic {text}"})

    assert guarded.get(page).status_code == 401
    assert sign_in("console", "wrong").status_code == 401
    assert sign_in("console", "").status_code == 401
    assert sign_in("root", PASSWORD).status_code == 401
    assert sign_in("console", PASSWORD).status_code == 200


@pytest.mark.parametrize("password", [None, ""])
def test_elsewhere_it_is_closed_without_a_password(
    database_url: str, tmp_path: Path, password: str | None
) -> None:
    app = outside_the_sandbox(database_url, tmp_path, password)

    assert [Shopper(app).get(page).status_code for page in PAGES] == [404, 404, 404]

    close(app)
