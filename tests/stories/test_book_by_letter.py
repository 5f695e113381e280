"""An e-book comes by letter: as a bounded link, and as a file where that is small enough."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import Message
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

import fulfilment
import payments
from catalogue import books as library
from database import db, now, transaction
from fulfilment import TRIES_WITH_FILES
from jobs import outbox
from models import Download, Mail, Order

from ..books import Books
from ..mail_servers import MailServer, at_a_free_port, mail_server, with_mail_server
from ..purchases import make_tasks_due, one_database, pay, tell
from ..races import Barrier, at_once, before_insert
from ..shopper import Shopper

BOOK = library.file_of("cookbook").read_bytes()
PARCEL_AND_BOOK = {"candle": 1, "cookbook": 1}


@pytest.fixture
def port(app: Flask) -> int:
    """Where the shop believes a mail server to be."""
    return at_a_free_port(app)


@pytest.fixture
def mail(port: int) -> Iterator[MailServer]:
    with mail_server(port) as server:
        yield server


@pytest.fixture
def known(app: Flask, books: Books) -> dict[str, Any]:
    """What paid for a parcel and a book; no worker has come yet."""
    (payment,) = books.place_order(PARCEL_AND_BOOK)
    pay(app, payment)
    return payment


def files(letter: Message) -> dict[str | None, Any]:
    """The attached files, by name."""
    return {
        part.get_filename(): part.get_payload(decode=True)
        for part in letter.walk()
        if part.get_content_disposition() == "attachment"
    }


def texts(letter: Message) -> list[str]:
    """As plain text and as HTML."""
    found = {part.get_content_type(): part.get_payload(decode=True) for part in letter.walk()}
    return [
        content.decode()
        for kind in ("text/plain", "text/html")
        if isinstance(content := found[kind], bytes)
    ]


def link_in(text: str) -> str:
    (path,) = set(re.findall(r"http://127\.0\.0\.1:5000(/downloads/\w+)", text))
    return str(path)


# ------------------------------------------------------------------ the link


@pytest.mark.usefixtures("known")
def test_both_parts_of_the_letter_hold_the_link_its_bounds_and_the_way_to_read_online(
    books: Books, mail: MailServer, shopper: Shopper
) -> None:
    """G4: the link is the order page's own, so both count as one."""
    books.work()

    (letter,) = mail.letters
    with books.open():
        right = db.session.scalars(select(Download)).one()
        ends = f"{right.expires_at.day} {right.expires_at:%b %Y, %H:%M} UTC"
        path = f"/downloads/{right.token}"
    for text in texts(letter):
        assert link_in(text) == path
        said = " ".join(text.split())
        assert f"from 5 places, until {ends}" in said
        assert f"http://127.0.0.1:5000/orders/{books.order.id}/read/cookbook" in said
    assert f'href="{path}"' in shopper.get(f"/orders/{books.order.id}").text
    assert shopper.get(path, buffered=True).data == BOOK


@pytest.mark.usefixtures("known")
def test_the_link_in_the_letter_ends_after_its_time_and_says_what_to_do(
    books: Books, mail: MailServer, shopper: Shopper
) -> None:
    books.work()
    path = link_in(texts(mail.letters[0])[0])

    with time_machine.travel(now() + timedelta(days=fulfilment.DOWNLOAD_DAYS, seconds=1)):
        answer = shopper.get(path)

    assert answer.status_code == 410
    assert "find your order" in answer.text
    assert 'href="/orders/find"' in answer.text


@pytest.mark.parametrize(
    "news",
    [
        pytest.param({"status": "refunded", "refunded": 40_00}, id="refunded"),
        pytest.param({"status": "partially_refunded", "refunded": 1}, id="a_part"),
        pytest.param({"dispute": "opened"}, id="disputed"),
    ],
)
def test_money_that_goes_back_ends_the_link_in_the_letter(
    books: Books, mail: MailServer, shopper: Shopper, known: dict[str, Any], news: dict[str, Any]
) -> None:
    """T02."""
    books.work()
    path = link_in(texts(mail.letters[0])[0])

    tell(books, known, **news)

    assert shopper.get(path).status_code == 410


def test_a_letter_without_a_book_names_no_link(app: Flask, books: Books, mail: MailServer) -> None:
    (payment,) = books.place_order({"candle": 1})
    pay(app, payment)

    books.work()

    (letter,) = mail.letters
    assert files(letter) == {}
    assert all("/downloads/" not in each and "/read/" not in each for each in texts(letter))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("first", ["receipt", "download"])
def test_receipt_and_download_name_the_same_link_whichever_is_done_first(
    books: Books, first: str
) -> None:
    """Several workers take the tasks of one order in any order."""
    effects = {"receipt": fulfilment.write_receipt, "download": fulfilment.open_downloads}
    for kind in (first, *({*effects} - {first})):
        with books.open(), transaction() as session:
            effects[kind](session, session.scalars(select(Order)).one())

    with books.open():
        right = db.session.scalars(select(Download)).one()
        assert f"/downloads/{right.token}" in db.session.scalars(select(Mail)).one().text


@pytest.fixture
def tasks_at_once(app: Flask, books: Books, known: dict[str, Any]) -> Callable[[], Barrier]:
    """Two workers have claimed the download and the receipt, and do them in the same instant."""

    def run() -> Barrier:
        with books.open():
            claimed = [outbox.claim_task() for _ in range(3)]
        _, download, receipt = [each for each in claimed if each]
        both_insert = Barrier(expected=False)
        with before_insert(Download, both_insert):
            at_once(app, lambda: outbox.do_task(*download), lambda: outbox.do_task(*receipt))
        return both_insert

    return run


def test_receipt_and_download_done_at_once_open_one_link(
    books: Books, tasks_at_once: Callable[[], Barrier]
) -> None:
    """Guard: the money's row is locked by the question whether it is here."""
    both_insert = tasks_at_once()

    assert not both_insert.passed
    assert [task.status for task in books.tasks] == ["waiting", "done", "done"]
    with books.open():
        right = db.session.scalars(select(Download)).one()
        assert f"/downloads/{right.token}" in db.session.scalars(select(Mail)).one().text


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_that_lock_one_of_them_fails_and_is_done_later(
    books: Books, tasks_at_once: Callable[[], Barrier], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: only the UNIQUE constraint keeps the second link out, or they wait in a circle."""
    monkeypatch.setattr(payments, "money_is_here", lambda _order: True)

    both_insert = tasks_at_once()

    assert both_insert.passed
    (failed,) = [task for task in books.tasks if task.last_error]
    assert re.search("IntegrityError|DeadlockDetected", str(failed.last_error))
    assert books.count(Download) == 1


# ------------------------------------------------------------------ the file


@pytest.mark.usefixtures("known")
def test_a_small_file_is_attached_and_is_kept_in_no_row(books: Books, mail: MailServer) -> None:
    books.work()
    books.work()

    (letter,) = mail.letters
    assert files(letter) == {"cookbook.pdf": BOOK}
    kinds = [part.get_content_type() for part in letter.walk()]
    assert kinds == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "text/html"),
        "application/pdf",
    ]
    with books.open():
        row = db.session.scalars(select(Mail)).one()
        assert len(row.text) + len(row.html) < 10_000
        assert "JVBERi" not in row.text + row.html, "how a PDF begins in base64"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("attach", [0, 10_000_000])
def test_every_server_can_take_the_letter(app: Flask, books: Books, port: int, attach: int) -> None:
    """Seven bits, and no line longer than 998 octets (RFC 5321, 4.5.3.1.6), files or none."""
    with_mail_server(app, f"smtp://127.0.0.1:{port}", mail_attach_bytes=attach)
    with books.open(), transaction() as session:
        session.execute(update(Order).values(name="Zoë " + "ø" * 110))

    with mail_server(port) as server:
        books.work()

    (raw,) = server.raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert len(files(server.letters[0])) == (1 if attach else 0)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("over", "count"), [(0, 1), (-1, 0)], ids=["just_fits", "one_byte_over"])
def test_a_file_is_attached_up_to_the_size_that_is_set(
    app: Flask, books: Books, port: int, over: int, count: int
) -> None:
    with_mail_server(app, f"smtp://127.0.0.1:{port}", mail_attach_bytes=len(BOOK) + over)

    with mail_server(port) as server:
        books.work()

    (letter,) = server.letters
    assert len(files(letter)) == count
    assert link_in(texts(letter)[0])


@one_database
@pytest.mark.usefixtures("known")
def test_a_file_that_is_missing_on_this_machine_stops_no_letter(
    books: Books, mail: MailServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(library, "LIBRARY", tmp_path)

    books.work()

    assert [files(each) for each in mail.letters] == [{}]


@pytest.mark.parametrize("news", [{"dispute": "opened"}, {"status": "refunded", "refunded": 40_00}])
def test_a_letter_that_leaves_after_its_money_has_no_file(
    books: Books, clock: time_machine.Traveller, port: int, known: dict[str, Any], news: Any
) -> None:
    """T02's kind: written while the money was here, and the mail server was away until it went."""
    books.work()
    tell(books, known, **news)

    with mail_server(port) as server:
        clock.shift(timedelta(minutes=1))
        books.work()

    (letter,) = server.letters
    assert files(letter) == {}


@pytest.mark.usefixtures("known")
def test_a_letter_that_leaves_after_the_link_has_ended_has_no_file(
    books: Books, clock: time_machine.Traveller, port: int
) -> None:
    books.work()

    with mail_server(port) as server:
        clock.shift(timedelta(days=fulfilment.DOWNLOAD_DAYS))
        books.work()

    assert [files(each) for each in server.letters] == [{}]


# ------------------------------------------------------------------ servers that do not take it


class Refusing(MailServer):
    """Refuses letters with a file, with this answer, at this command."""

    def __init__(self, at: str, answer: str) -> None:
        super().__init__()
        self.at, self.answer, self.refused = at, answer, 0

    async def handle_MAIL(
        self, server: object, session: object, envelope: Any, address: str, options: Any
    ) -> str:
        size = max((int(each[5:]) for each in options if each.startswith("SIZE=")), default=0)
        envelope.mail_from, envelope.is_large = address, size > len(BOOK)
        return self.say("MAIL", envelope.is_large) or "250 OK"

    async def handle_RCPT(
        self, server: object, session: object, envelope: Any, address: str, options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.say("RCPT", envelope.is_large) or "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        is_large = len(envelope.content) > len(BOOK)
        return self.say("DATA", is_large) or await super().handle_DATA(server, session, envelope)

    def say(self, at: str, is_large: bool) -> str:
        if at == self.at and is_large:
            self.refused += 1
            return self.answer
        return ""


FOR_GOOD = ["552 5.3.4 message too big", "523 too long", "550 5.7.1 no attachments here"]


@one_database
@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("answer", FOR_GOOD)
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_refuses_the_file_gets_the_letter_without_it(
    books: Books, port: int, at: str, answer: str
) -> None:
    """RFC 1870, 6: at one of three commands. The same letter, at once, once."""
    server = Refusing(at, answer)
    with mail_server(port, server):
        books.work()
        books.work()

    assert [files(each) for each in server.letters] == [{}]
    assert server.refused == 1
    assert (books.tasks[-1].kind, books.tasks[-1].status) == ("send_receipt", "done")


@one_database
@pytest.mark.usefixtures("known")
def test_a_server_that_says_its_limit_is_not_sent_more(books: Books, port: int) -> None:
    """Its SIZE, in the answer to EHLO."""
    with mail_server(port, data_size_limit=20_000) as server:
        books.work()

    assert [files(each) for each in server.letters] == [{}]
    assert books.tasks[-1].status == "done"


@one_database
@pytest.mark.usefixtures("known")
def test_a_server_that_is_busy_gets_the_file_later(
    books: Books, port: int, clock: time_machine.Traveller
) -> None:
    """4xx is no refusal for good."""
    with mail_server(port, Refusing("DATA", "451 come back later")) as server:
        books.work()
    assert server.letters == []

    with mail_server(port) as server:
        clock.shift(timedelta(minutes=1))
        books.work()

    assert [files(each) for each in server.letters] == [{"cookbook.pdf": BOOK}]


@one_database
@pytest.mark.usefixtures("known")
def test_a_server_that_hangs_up_at_the_file_gets_the_letter_in_the_end(
    books: Books, port: int
) -> None:
    """Without it rather than never: 421 and a closed line say nothing of the size."""
    server = Refusing("DATA", "421 closing")
    with mail_server(port, server):
        for _ in range(TRIES_WITH_FILES):
            books.work()
            assert server.letters == []
            make_tasks_due(books)
        books.work()

    assert [files(each) for each in server.letters] == [{}]
    assert server.refused == TRIES_WITH_FILES
    assert TRIES_WITH_FILES < outbox.MAX_ATTEMPTS


@one_database
@pytest.mark.usefixtures("known")
def test_an_address_that_is_refused_with_and_without_a_file_is_retried_and_shown(
    books: Books, port: int
) -> None:
    class Unknown(MailServer):
        async def handle_RCPT(self, *_: Any) -> str:
            return "550 5.1.1 no such mailbox"

    with mail_server(port, Unknown()) as server:
        books.work()

    assert server.letters == []
    assert books.tasks[-1].status == "waiting"
    assert "550" in str(books.tasks[-1].last_error)
