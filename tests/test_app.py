"""The parts put together: under which names the shop answers, its error pages, its commands."""

import psycopg
import pytest
from flask import Flask, template_rendered
from flask.cli import FlaskGroup
from sqlalchemy import delete, text

from app import ERRORS, when
from database import db, now, transaction
from models import Price, Product

from .books import Books
from .shopper import Shopper

# ------------------------------------------------------------------ names


def test_localhost_leads_to_the_address_that_has_the_cart(shopper: Shopper) -> None:
    answer = shopper.client.get("/cart?x=1", base_url="http://localhost:5000")

    assert (answer.status_code, answer.location) == (307, "http://127.0.0.1:5000/cart?x=1")


def test_another_host_name_is_refused(shopper: Shopper) -> None:
    assert shopper.client.get("/", base_url="http://evil.example").status_code == 400


# ------------------------------------------------------------------ errors


def test_an_error_page_says_what_to_do_and_leads_back(shopper: Shopper) -> None:
    answer = shopper.get("/no-such-page")

    assert answer.status_code == 404
    for each in ERRORS[404]:
        assert each in answer.text
    assert 'href="/"' in answer.text


def test_an_error_that_has_no_sentence_of_its_own_gets_a_page_too(shopper: Shopper) -> None:
    answer = shopper.client.put("/cart", base_url="http://127.0.0.1:5000")

    assert answer.status_code == 405
    assert "That did not work" in answer.text
    assert "GET" in answer.headers["Allow"]


def test_a_bug_is_a_page_and_its_reason_stands_in_the_log_only(
    app: Flask, shopper: Shopper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """I1."""

    def fail() -> None:
        raise RuntimeError("canary")

    monkeypatch.setitem(app.view_functions, "shop.about", fail)

    answer = shopper.get("/about")

    assert answer.status_code == 500
    assert ERRORS[500][0] in answer.text
    assert "canary" not in answer.text
    assert "canary" in caplog.text


@pytest.mark.parametrize("path", ["/products/a%00b", "/orders/a%00b"])
def test_a_value_that_no_column_can_hold_is_nothing_that_is_there(
    shopper: Shopper, path: str
) -> None:
    """A NUL: SQLite looks for it and finds nothing, PostgreSQL refuses the statement."""
    assert shopper.get(path).status_code in (400, 404)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_goes_away_after_the_page_is_drawn_spoils_nothing(
    app: Flask, shopper: Shopper, database_url: str
) -> None:
    """F10: the answer is complete; what is left is the end of a transaction that only read."""

    def end_the_connection(*_: object, **__: object) -> None:
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    with template_rendered.connected_to(end_the_connection, app):
        answer = shopper.get("/")

    assert answer.status_code == 200
    assert shopper.get("/").status_code == 200


# ------------------------------------------------------------------ commands and words


def flask_command(app: Flask, name: str) -> str:
    """What ``flask --app app`` prints."""
    command_line = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return app.test_cli_runner().invoke(command_line, [name], catch_exceptions=False).output


def test_to_fill_the_shelf_again_changes_nothing_that_was_sold(app: Flask, books: Books) -> None:
    before = books.snapshot()

    assert flask_command(app, "fill-shelf") == "14 products on the shelf\n"
    assert books.snapshot() == before


def test_an_empty_shelf_is_filled_by_a_command(app: Flask, books: Books) -> None:
    with books.open(), transaction() as session:
        session.execute(delete(Price))
        session.execute(delete(Product))

    flask_command(app, "fill-shelf")

    assert books.count(Product) == 14


def test_a_time_is_written_for_people() -> None:
    assert when(now().replace(2026, 11, 1, 4, 5)) == "1 Nov 2026, 04:05 UTC"
