"""The console: what it shows, and to whom."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import null, update
from werkzeug.test import TestResponse

import config
import fulfilment
import jobs
from app import create_app
from database import now, transaction
from jobs import outbox
from models import Delivery, OutboxTask

from .. import mintcash
from ..books import Books
from ..conftest import close
from ..mintcash import event
from ..shopper import BASE_URL, Shopper

PAGES = ["/console", "/console/jobs", "/console/mail", "/console/webhooks"]
PAGES += ["/console/till", "/console/till/sales"]
PASSWORD = "correct horse battery"

#: One database will do: what needs two is in tests/payments, tests/jobs and test_at_once.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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


def test_a_delivery_says_what_proved_it_where_that_is_known(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Those of the time before it was stored do not say it."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    said = "proven by x-signature, HMAC-SHA256 over the raw body"
    pages = ("/console/webhooks", f"/console/orders/{order_id}")

    for page in pages:
        assert said in " ".join(shopper.get(page).text.split())

    with books.open(), transaction() as session:
        session.execute(update(Delivery).values(proof=null()))
    for page in pages:
        answer = shopper.get(page)
        assert "payment.succeeded" in answer.text
        assert "proven by" not in answer.text


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


@pytest.fixture
def given_up(
    shopper: Shopper,
    order_id: str,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> OutboxTask:
    """A parcel that could not be packed, however often it was tried; it still cannot."""

    def fail(*_: object) -> None:
        raise RuntimeError("no cardboard left")

    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    monkeypatch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fail))
    books.work()
    assert books.tasks[0].status == "parked"
    return books.tasks[0]


def buttons(page: str) -> list[str]:
    return re.findall(r'action="(/console/tasks/\d+/retry)"', page)


def test_work_that_was_given_up_is_listed_with_its_reason(
    shopper: Shopper, order_id: str, given_up: OutboxTask, books: Books
) -> None:
    """F9."""
    page = shopper.get("/console/jobs").text
    order = shopper.get(f"/console/orders/{order_id}").text

    assert books.order.number in page
    assert "RuntimeError: no cardboard left" in page
    assert facts(page) == {"Waiting": "0", "Late": "0", "Parked": "1"}
    assert buttons(page) == buttons(order) == [f"/console/tasks/{given_up.id}/retry"]


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(\w+)</dt>\s*<dd>\s*(\d+)", page))


def test_work_that_waits_and_work_that_is_late_are_counted(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    """F9: late is what a sweep should have found."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    new = facts(shopper.get("/console/jobs").text)
    with time_machine.travel(now() + 2 * jobs.LATE):
        old = facts(shopper.get("/console/jobs").text)

    assert new == {"Waiting": "2", "Late": "0", "Parked": "0"}
    assert old == {"Waiting": "2", "Late": "2", "Parked": "0"}


def test_the_first_page_says_that_no_worker_runs(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """S28: /console/jobs and /metrics knew it, and the first page did not."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    sentence = "No worker has taken work for"
    assert sentence not in shopper.get("/console").text

    with time_machine.travel(now() + 3.5 * jobs.LATE):
        page = shopper.get("/console").text
        books.work()
        assert sentence not in shopper.get("/console").text

    assert f"{sentence} 7 minutes: is “flask worker” running?" in page


@pytest.mark.parametrize(
    ("back", "address"), [("jobs", "/console/jobs"), ("order", "/console/orders/{}#work")]
)
def test_work_that_was_given_up_can_be_tried_again(
    shopper: Shopper,
    order_id: str,
    given_up: OutboxTask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    back: str,
    address: str,
) -> None:
    """F9: pressed twice, done once."""
    retry = f"/console/tasks/{given_up.id}/retry"
    answers = [shopper.post(retry, {"back": back}) for _ in range(2)]
    monkeypatch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fulfilment.pack_parcel))
    books.work()
    late = shopper.post(retry, {"back": back})
    books.work()

    assert [each.status_code for each in (*answers, late)] == [303] * 3
    assert late.location == address.format(order_id)
    assert books.fulfilled() == {"parcel": 1, "mail": 1}
    assert (books.tasks[0].status, books.tasks[0].attempts) == ("done", 2)
    assert buttons(shopper.get(f"/console/orders/{order_id}").text) == []


def test_what_fails_again_is_parked_again(
    shopper: Shopper, given_up: OutboxTask, books: Books
) -> None:
    """F9."""
    shopper.post(f"/console/tasks/{given_up.id}/retry")
    assert books.tasks[0].status == "waiting"

    books.work()

    assert (books.tasks[0].status, books.tasks[0].attempts) == ("parked", 2)


def test_trying_again_needs_the_token_of_the_page(
    shopper: Shopper, given_up: OutboxTask, books: Books
) -> None:
    retry = f"/console/tasks/{given_up.id}/retry"

    assert shopper.post(retry, {"csrf_token": "forged"}).status_code == 400
    assert shopper.get(retry).status_code == 405
    assert shopper.post("/console/tasks/0/retry").status_code == 404
    assert books.tasks[0].status == "parked"


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

    assert [Shopper(app).get(page).status_code for page in PAGES] == [404] * len(PAGES)

    close(app)


def test_what_the_provider_said_of_a_failure_is_shown(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    words = {"failureCode": "client_auth_failed", "failureMessage": "3DS: <no answer>"}
    shopper.deliver(*event(mintcash_api.newest, "failed", **words))

    page = shopper.get(f"/console/orders/{order_id}").text

    assert "client_auth_failed" in page
    assert "3DS: &lt;no answer&gt;" in page
