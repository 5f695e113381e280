"""Bought files: what takes one of the times that a link may be used, and what does not."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from database import db, insert_into, now, transaction
from models import Download, DownloadUse, Order, Payment
from views import downloads

from ..books import Books
from ..purchases import one_database
from ..shopper import BASE_URL, Shopper

HOME, WORK = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def path(books: Books) -> str:
    """The link of an e-book that was paid and is there."""
    books.place_order({"cookbook": 1})
    with books.open(), transaction() as session:
        payment = session.scalars(select(Payment)).one()
        payment.status, payment.received = "succeeded", payment.amount
        order = payment.order
        order.status, order.paid_by, order.must_keep = "paid", payment.id, payment.amount
        (line,) = order.lines
        right = Download(
            order_id=order.id,
            product_id=line.product_id,
            slug="cookbook",
            name=line.name,
            expires_at=now() + timedelta(days=7),
        )
        session.add(right)
        session.flush()
        return f"/downloads/{right.token}"


def left(books: Books) -> int:
    return int(books.read(lambda: db.session.scalar(select(Download.downloads_left))))


def ask(app: Flask, path: str, place: str = HOME, **options: Any) -> TestResponse:
    """One request from this address; its answer read to the end."""
    client = app.test_client()
    at = {"REMOTE_ADDR": place}
    return client.open(path, base_url=BASE_URL, environ_base=at, buffered=True, **options)


@one_database
def test_a_link_that_is_passed_around_ends_soon(app: Flask, path: str) -> None:
    """G4, T09: five places may fetch the file, the sixth may not; the five still may."""
    answers = [ask(app, path, f"198.51.100.{place}") for place in range(6)]

    assert [each.status_code for each in answers] == [200] * 5 + [410]
    assert all(each.data.startswith(b"%PDF-") for each in answers[:5])
    assert {each.headers["Cache-Control"] for each in answers} == {"no-store"}
    assert ask(app, path, "198.51.100.0").status_code == 200


@one_database
def test_fetching_again_from_the_same_place_costs_nothing(
    app: Flask, path: str, books: Books
) -> None:
    """T09: a phone that retries, a download manager, a second click."""
    for _ in range(9):
        assert ask(app, path).status_code == 200

    assert left(books) == 4


@one_database
@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        pytest.param("2001:db8:1:2::7", "2001:db8:1:2:a:b:c:d", 1, id="one_household"),
        pytest.param("2001:db8:1:2::7", "2001:db8:1:3::7", 2, id="two_households"),
        pytest.param("198.51.100.7", "::ffff:198.51.100.7", 1, id="one_address_written_twice"),
    ],
)
def test_a_place_is_an_ipv4_address_or_the_64_bits_of_a_household(
    app: Flask, path: str, books: Books, one: str, other: str, count: int
) -> None:
    """T09: a phone changes the rest of its IPv6 address by itself (RFC 8981)."""
    ask(app, path, one)
    ask(app, path, other)

    assert left(books) == 5 - count


@one_database
def test_a_download_is_resumed_in_parts_for_one_use(app: Flask, path: str, books: Books) -> None:
    """T09: and the parts make the file."""
    whole = ask(app, path)
    etag = whole.headers["ETag"]
    parts = []
    for start in range(0, len(whole.data), 20_000):
        span = {"Range": f"bytes={start}-{start + 19_999}", "If-Range": etag}
        answer = ask(app, path, headers=span)
        assert answer.status_code == 206
        parts.append(answer.data)

    assert b"".join(parts) == whole.data
    assert left(books) == 4


@one_database
def test_parts_are_no_way_round_the_count(app: Flask, path: str) -> None:
    """T09: a part of the file, asked for from a new place, takes one."""
    span = {"Range": "bytes=0-99"}
    answers = [ask(app, path, f"198.51.100.{place}", headers=span) for place in range(6)]

    assert [each.status_code for each in answers] == [206] * 5 + [410]


PREVIEWS = [
    pytest.param({"Sec-Purpose": "prefetch"}, id="prefetch"),
    pytest.param({"Sec-Purpose": "prefetch;prerender"}, id="prerender"),
    pytest.param({"Purpose": "prefetch"}, id="older_chromium"),
    pytest.param({"X-Purpose": "preview"}, id="older_safari"),
    pytest.param({"X-Moz": "prefetch"}, id="older_firefox"),
    pytest.param({"User-Agent": "WhatsApp/2.23.20.0 A"}, id="whatsapp"),
    pytest.param({"User-Agent": "facebookexternalhit/1.1"}, id="facebook"),
    pytest.param({"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}),
    pytest.param({"User-Agent": "TelegramBot (like TwitterBot)"}, id="telegram"),
]


@one_database
@pytest.mark.parametrize("headers", PREVIEWS)
def test_a_preview_gets_nothing_and_costs_nothing(
    app: Flask, path: str, books: Books, headers: dict[str, str]
) -> None:
    """T09: it cannot be used to fetch the file for nothing, either."""
    for place in range(9):
        answer = ask(app, path, f"198.51.100.{place}", headers=headers)
        assert (answer.status_code, answer.data) == (204, b"")

    assert left(books) == 5
    assert ask(app, path).status_code == 200


@one_database
@pytest.mark.parametrize(
    "agent",
    ["Mozilla/5.0 (Linux; Android 10; CUBOT X30) Chrome/120.0 Mobile Safari/537.36", "curl/8.5.0"],
)
def test_a_person_is_not_taken_for_a_preview(app: Flask, path: str, agent: str) -> None:
    assert ask(app, path, headers={"User-Agent": agent}).data.startswith(b"%PDF-")


@one_database
def test_asking_for_the_head_costs_nothing(app: Flask, path: str, books: Books) -> None:
    """T09."""
    answer = ask(app, path, method="HEAD")

    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 10_000
    assert left(books) == 5


@one_database
def test_what_was_not_modified_or_is_no_part_of_the_file_costs_nothing(
    app: Flask, path: str, books: Books
) -> None:
    """T09: no byte of the file is sent."""
    etag = ask(app, path, method="HEAD").headers["ETag"]

    same = ask(app, path, headers={"If-None-Match": etag})
    beyond = ask(app, path, headers={"Range": "bytes=99999999-"})

    assert (same.status_code, beyond.status_code) == (304, 416)
    assert left(books) == 5


@one_database
def test_a_part_of_another_file_is_answered_with_the_whole(app: Flask, path: str) -> None:
    answer = ask(app, path, headers={"Range": "bytes=5-9", "If-Range": '"another"'})

    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF-")


@one_database
@pytest.mark.parametrize("later", [timedelta(minutes=20), timedelta(hours=23)])
def test_a_download_is_resumed_after_midnight(
    app: Flask, path: str, books: Books, later: timedelta
) -> None:
    """T09: who began at 23:50 is the same place at 0:10, under another day's digest."""
    tonight = now().replace(hour=23, minute=50)
    with time_machine.travel(tonight):
        ask(app, path)
    with time_machine.travel(tonight + later):
        assert ask(app, path).status_code == 200
        assert left(books) == 4
    with time_machine.travel(tonight + timedelta(hours=25)):
        ask(app, path)
        assert left(books) == 3


@one_database
def test_where_a_file_was_fetched_cannot_be_read_from_the_database(
    app: Flask, path: str, books: Books
) -> None:
    """A digest, with a key that is not in the database, and another each day."""
    for day in range(2):
        with time_machine.travel(now() + timedelta(days=2 * day)):
            ask(app, path)

    found = books.read(lambda: list(db.session.scalars(select(DownloadUse.client))))

    assert len(set(found)) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in found)


@one_database
def test_a_link_closes_after_a_week_and_its_page_says_what_to_do(
    app: Flask, path: str, books: Books
) -> None:
    ask(app, path)
    with books.open(), transaction() as session:
        session.execute(update(Download).values(expires_at=now()))

    answer = ask(app, path)

    assert answer.status_code == 410
    assert "find your order, and write to us" in answer.text
    assert 'class="button" href="/orders/find"' in answer.text
    assert ask(app, f"/downloads/{'0' * 32}").status_code == 404


@one_database
@pytest.mark.parametrize(
    "gone",
    [
        pytest.param({"refunded": 1200, "status": "refunded"}, id="refunded"),
        pytest.param({"dispute": "opened"}, id="disputed"),
    ],
)
def test_a_file_whose_money_went_back_stays_here(
    app: Flask, path: str, books: Books, gone: dict[str, Any]
) -> None:
    """T02: also for a place that has fetched it before."""
    ask(app, path)
    with books.open(), transaction() as session:
        session.execute(update(Payment).values(**gone))

    assert [ask(app, path, place).status_code for place in (HOME, WORK)] == [410, 410]
    assert left(books) == 4


@one_database
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "5 times left, until"),
        ({"downloads_left": 1}, "1 time left, until"),
        ({"downloads_left": 0}, "0 times left, until"),
        ({"expires_at": datetime(2026, 1, 2, 3, 4).astimezone()}, "the link ended on"),
    ],
)
def test_the_order_page_says_how_often_and_until_when(
    app: Flask, path: str, books: Books, changes: dict[str, Any], said: str
) -> None:
    """T09: and offers no link that leads nowhere."""
    if changes:
        with books.open(), transaction() as session:
            session.execute(update(Download).values(**changes))
    with books.open():
        order_id = db.session.scalar(select(Order.id))

    page = Shopper(app).get(f"/orders/{order_id}").text

    assert said in page
    assert (f'href="{path}"' in page) == ("ended" not in said)


# ------------------------------------------------------------------ at once


def at_once(app: Flask, path: str, places: list[str]) -> list[int]:
    """All of them ask in the same instant; their status codes, in order."""
    gate = Barrier(len(places))

    def run(place: str) -> int:
        gate.wait(20)
        return ask(app, path, place).status_code

    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(run, places))


def test_sixteen_requests_at_once_from_one_place_take_one(
    app: Flask, path: str, books: Books
) -> None:
    """T09: a download manager opens many connections."""
    assert at_once(app, path, [HOME] * 16) == [200] * 16
    assert left(books) == 4


def test_of_sixteen_places_at_once_five_get_the_file(app: Flask, path: str, books: Books) -> None:
    """T09: and those that do not are not written down as users."""
    answers = at_once(app, path, [f"198.51.100.{place}" for place in range(16)])

    assert sorted(answers) == [200] * 5 + [410] * 11
    assert left(books) == 0
    assert books.count(DownloadUse) == 5


def test_a_count_that_is_read_and_then_written_lets_more_than_five_fetch(
    app: Flask, path: str, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: with the guard off, the race is seen."""
    places = [f"198.51.100.{place}" for place in range(8)]
    all_have_read = Barrier(len(places))

    def read_then_write(download_id: int, place: str) -> None:
        there = db.session.get_one(Download, download_id).downloads_left
        db.session.rollback()
        all_have_read.wait(20)
        with transaction() as session:
            values = {"download_id": download_id, "client": place, "used_at": now()}
            session.execute(insert_into(DownloadUse).values(**values))
            mine = update(Download).where(Download.id == download_id)
            session.execute(mine.values(downloads_left=there - 1))

    monkeypatch.setattr(downloads, "_count", read_then_write)

    assert at_once(app, path, places) == [200] * 8
    assert left(books) == 4


def test_a_place_that_is_looked_up_and_then_written_down_pays_for_each_connection(
    app: Flask, path: str, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: without the insert that comes first, one place takes several."""
    both_were_new = Barrier(2)

    def take_first(download_id: int, place: str) -> None:
        db.session.rollback()
        both_were_new.wait(20)
        with transaction() as session:
            mine = update(Download).where(Download.id == download_id)
            session.execute(mine.values(downloads_left=Download.downloads_left - 1))

    monkeypatch.setattr(downloads, "_count", take_first)

    at_once(app, path, [HOME] * 2)
    assert left(books) == 3
