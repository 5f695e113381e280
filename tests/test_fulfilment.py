"""What a paid order sets in motion: stock, and a receipt that is written and sent once."""

import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, OperationalError

import fulfilment
from database import db, now, transaction
from jobs import outbox
from models import Credit, CreditEntry, Download, Mail, Order, Parcel, Product
from payments import inbox
from providers.deadline import Deadline

from . import mintcash
from .books import Books
from .mail_servers import MailServer, at_a_free_port, mail_server, with_mail_server
from .mintcash import event
from .purchases import ALL_EFFECTS, EBOOK_PRICE, pay, pay_for_e_book, receive
from .races import (
    Barrier,
    assert_one_was_locked_out,
    at_once,
    before,
    check_then_act,
    errors_of,
    read_before_writing,
)
from .shopper import Shopper
from .slow_servers import say_nothing, server

# ------------------------------------------------------------------ stock


def test_money_for_a_product_that_is_sold_out_holds_the_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C9, fossasia/eventyay#1359: three vases, two shoppers who want two each."""
    rival = Shopper(shopper.app)
    payments = []
    for buyer in (shopper, rival):
        buyer.add("bud-vase", 2)
        buyer.add("candle")
        buyer.check_out()
        payments.append(mintcash_api.newest)

    for payment in payments:
        shopper.deliver(*event(payment, "succeeded"))

    assert books.stock("bud-vase") == 1
    assert books.stock("candle") == 79, "the held order took nothing else either"
    with books.open():
        states = db.session.execute(select(Order.status, Order.held_code)).all()
    assert sorted(map(tuple, states), key=str) == [("held", "stock"), ("paid", None)]


@pytest.fixture
def two_orders_for_the_last_vase(books: Books) -> list[dict[str, Any]]:
    with books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "bud-vase").values(stock=1))
    return [*books.place_order({"bud-vase": 1}), *books.place_order({"bud-vase": 1, "candle": 1})]


def test_the_last_vase_bought_twice_at_once_is_sold_once(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    two_orders_for_the_last_vase: list[dict[str, Any]],
) -> None:
    """C9; guard: the conditional UPDATE of the stock."""
    barrier = Barrier(expected=not on_sqlite)
    before(monkeypatch, fulfilment, "take_stock", barrier)

    verdicts = at_once(
        app, *[receive(event(each, "succeeded")) for each in two_orders_for_the_last_vase]
    )

    assert verdicts == ["applied", "applied"]
    assert barrier.passed is not on_sqlite
    query = select(Order.status, Order.held_code)
    states = books.read(lambda: db.session.execute(query).all())
    assert set(map(tuple, states)) == {("paid", None), ("held", "stock")}
    assert books.stock("bud-vase") == 0
    books.work()
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_stock_that_is_checked_and_then_taken_is_sold_twice(
    app: Flask,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    on_sqlite: bool,
    two_orders_for_the_last_vase: list[dict[str, Any]],
) -> None:
    """C9, the twin.

    PostgreSQL: both find a vase, and only the CHECK constraint keeps the stock from going below
    zero. SQLite: without BEGIN IMMEDIATE one of them is locked out.
    """
    barrier = Barrier()
    check_then_act(monkeypatch, fulfilment, Product, barrier)
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, barrier)

    answers = at_once(
        app, *[receive(event(each, "succeeded")) for each in two_orders_for_the_last_vase]
    )

    assert barrier.passed
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "ck_products_stock_not_negative" in str(error)


# ------------------------------------------------------------------ goods


def only(books: Books, table: Any) -> Any:
    """The only row of this table."""
    with books.open():
        row = db.session.scalars(select(table)).one()
        db.session.expunge(row)
        return row


def test_a_parcel_says_where_it_goes_and_what_is_in_it(app: Flask, books: Books) -> None:
    (payment,) = books.place_order({"bud-vase": 2, "cookbook": 1})
    pay(app, payment)

    books.work()

    parcel = only(books, Parcel)
    assert parcel.address.splitlines()[:2] == ["Ann Example", "Potter Street 1"]
    assert parcel.contents == "2 × Bud vase"


def test_a_download_is_open_for_a_week(
    app: Flask, books: Books, clock: time_machine.Traveller
) -> None:
    pay_for_e_book(app, books)

    books.work()

    download = only(books, Download)
    assert download.slug == "cookbook"
    assert download.expires_at == now() + timedelta(days=fulfilment.DOWNLOAD_DAYS)


def test_credit_is_worth_what_was_paid_for_it(app: Flask, books: Books) -> None:
    (payment,) = books.place_order({"gift-card": 2, "cookbook": 1})
    pay(app, payment)

    books.work()

    credit, order = only(books, Credit), books.order
    assert (credit.customer_id, credit.currency) == (order.customer_id, "USD")
    assert credit.amount == credit.balance == payment["amount"] - EBOOK_PRICE["USD"]
    entry = only(books, CreditEntry)
    assert (entry.kind, entry.amount, entry.order_id) == ("issued", credit.amount, order.id)


def test_the_code_is_in_the_letter_and_on_the_order_s_page_and_nowhere_else(
    app: Flask, books: Books, shopper: Shopper, caplog: pytest.LogCaptureFixture
) -> None:
    (payment,) = books.place_order({"gift-card": 1, "candle": 1})
    pay(app, payment)
    caplog.set_level(logging.DEBUG)

    books.work()

    code, order_id, mail = only(books, Credit).code, books.order.id, only(books, Mail)
    assert re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){4}[2-9A-HJKMNP-Z]{4}", code)
    assert code in mail.text
    assert code in mail.html
    assert code in shopper.get(f"/orders/{order_id}").text
    pages = ["/console", f"/console/orders/{order_id}", "/console/mail", "/console/jobs"]
    for path in (*pages, f"/console/mail/{mail.id}", f"/orders/{order_id}/receipt", "/checkout"):
        assert code not in shopper.get(path).text, path
    assert f"…{code[-4:]}" in shopper.get(f"/console/mail/{mail.id}").text
    assert code not in caplog.text


def test_a_receipt_that_is_written_before_the_credit_names_the_same_code(
    app: Flask, books: Books
) -> None:
    """Several workers take the tasks of one order in any order."""
    (payment,) = books.place_order({"gift-card": 1})
    pay(app, payment)
    with books.open(), transaction() as session:
        order = session.scalars(select(Order)).one()
        fulfilment.write_receipt(session, order)

    with books.open(), transaction() as session:
        fulfilment.add_credit(session, session.scalars(select(Order)).one())

    assert only(books, Credit).code in only(books, Mail).text


# ------------------------------------------------------------------ receipts


def the_mail(books: Books) -> Mail:
    mail: Mail = only(books, Mail)
    return mail


def test_the_receipt_is_written_once_and_names_the_order_and_the_total(
    books: Books, paid: dict[str, Any]
) -> None:
    books.work()
    books.work()

    mail, order = the_mail(books), books.order
    assert (mail.to, mail.order_id, mail.sent_at) == (order.email, order.id, None)
    assert order.number in mail.subject
    assert order.number in mail.text
    assert re.search(r"Total +US\$69\.00\n", mail.text)
    assert f"http://127.0.0.1:5000/orders/{order.id}" in mail.text
    assert "send_receipt" not in [task.kind for task in books.tasks]


@pytest.fixture
def smtp_port(app: Flask) -> int:
    """A free port, where the shop believes a mail server to be."""
    return at_a_free_port(app)


@pytest.fixture
def mail(smtp_port: int) -> Iterator[MailServer]:
    with mail_server(smtp_port) as server:
        yield server


def test_with_a_mail_server_the_receipt_is_sent_once(
    books: Books, mail: MailServer, paid: dict[str, Any]
) -> None:
    books.work()
    books.work()

    (letter,) = mail.letters
    written, order = the_mail(books), books.order
    assert letter["To"] == order.email
    assert letter["Subject"] == written.subject
    assert letter["Message-ID"] == f"<receipt.{order.id}@127.0.0.1>"
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in letter.walk()}
    text, html = parts["text/plain"], parts["text/html"]
    assert isinstance(text, bytes)
    assert isinstance(html, bytes)
    assert text.decode().splitlines() == written.text.splitlines()
    assert html.decode().splitlines() == written.html.splitlines()
    assert f'href="http://127.0.0.1:5000/orders/{order.id}"' in written.html
    assert written.sent_at


def test_a_receipt_that_is_sent_twice_is_recognisably_the_same(
    app: Flask,
    books: Books,
    clock: time_machine.Traveller,
    mail: MailServer,
    paid: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F7: the mail server took it, and the worker died before it could write that down."""

    def die() -> None:
        raise OperationalError("UPDATE mails", None, Exception("the connection is gone"))

    with monkeypatch.context() as patch:
        patch.setattr(fulfilment, "transaction", die)
        books.work()
    assert the_mail(books).sent_at is None

    clock.shift(timedelta(hours=1))
    books.work()

    first, second = mail.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()
    assert the_mail(books).sent_at


def test_while_the_mail_server_is_down_the_receipt_waits_and_the_order_does_not(
    books: Books, clock: time_machine.Traveller, smtp_port: int, paid: dict[str, Any]
) -> None:
    """E12."""
    books.work()

    assert books.order.status == "paid"
    assert books.fulfilled() == ALL_EFFECTS
    *others, sending = books.tasks
    assert [task.status for task in others] == ["done"] * 4
    assert (sending.kind, sending.status, sending.attempts) == ("send_receipt", "waiting", 1)
    assert "ConnectionRefusedError" in str(sending.last_error)

    with mail_server(smtp_port) as server:
        clock.shift(10)
        books.work()

    assert len(server.letters) == 1
    assert books.tasks[-1].status == "done"


def test_a_mail_server_that_stays_down_is_given_up_and_shown(
    books: Books, clock: time_machine.Traveller, smtp_port: int, paid: dict[str, Any]
) -> None:
    """E12."""
    books.work()

    while (sending := books.tasks[-1]).status == "waiting":
        clock.move_to(sending.due_at)
        books.work()

    assert (sending.status, sending.attempts) == ("parked", outbox.MAX_ATTEMPTS)
    assert books.order.status == "paid"
    assert books.fulfilled() == ALL_EFFECTS


# ------------------------------------------------------------------ one deadline for a letter


def a_greeting_without_end(line: socket.socket) -> None:
    while True:
        line.sendall(b"220-wait\r\n")
        time.sleep(0.05)


def a_greeting_and_then_nothing(line: socket.socket) -> None:
    line.sendall(b"220 silent.example\r\n")
    say_nothing(line)


def slowly(pause: float) -> Callable[[socket.socket], None]:
    """A mail server that answers each command after ``pause`` seconds, and takes the letter."""

    def script(line: socket.socket) -> None:
        time.sleep(pause)
        line.sendall(b"220 slow.example\r\n")
        lines = line.makefile("rb")
        for command in lines:
            time.sleep(pause)
            if command.upper().startswith(b"DATA"):
                line.sendall(b"354 go on\r\n")
                for text in lines:
                    if text == b".\r\n":
                        break
                time.sleep(pause)
            line.sendall(b"250 yes\r\n")

    return script


HANGING = {
    "accepts and says nothing": say_nothing,
    "drips its greeting": a_greeting_without_end,
    "greets and says nothing": a_greeting_and_then_nothing,
    "answers each command slowly": slowly(0.6),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("how", HANGING)
def test_a_letter_to_a_server_that_hangs_is_put_off_within_half_its_lease(
    app: Flask, books: Books, how: str, scheme: str
) -> None:
    """S08: so no other worker takes it up while it is being sent, and it is sent once."""
    with server(HANGING[how]) as address:
        with_mail_server(app, address.replace("http:", f"{scheme}:"), lease_seconds=4)
        pay_for_e_book(app, books)

        books.work()

    letter = books.tasks[-1]
    assert (letter.kind, letter.status, letter.attempts) == ("send_receipt", "waiting", 1)
    assert letter.last_error


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_the_deadline_the_slow_server_takes_longer_than_the_lease(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: each answer comes within any time-out, and the letter goes after its lease."""

    class Patient(Deadline):
        def __init__(self, seconds: float) -> None:
            super().__init__(60)

    monkeypatch.setattr(fulfilment, "Deadline", Patient)
    with server(slowly(0.6)) as address:
        with_mail_server(app, address.replace("http:", "smtp:"), lease_seconds=2)
        pay_for_e_book(app, books)
        started = time.monotonic()
        books.work()
        assert time.monotonic() - started > 2

    assert books.count(Mail) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_is_slow_within_the_deadline_takes_the_letter_once(
    app: Flask, books: Books
) -> None:
    """S08."""
    with server(slowly(0.05)) as address:
        with_mail_server(app, address.replace("http:", "smtp:"))
        pay_for_e_book(app, books)
        books.work()
        books.work()

    assert [(task.status, task.attempts) for task in books.tasks] == [("done", 1)] * 3
