"""The work that waits: the outbox under its lease, receipts, and payments that nobody reports."""

import re
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import responses
import time_machine
from aiosmtpd.controller import Controller
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

import config
import fulfilment
import jobs
import payments
from database import db, now, transaction
from jobs import outbox, sweeping
from models import Delivery, Mail, Order, OutboxTask, Payment
from payments import timing

from .. import children, mintcash
from ..books import Books
from ..mintcash import event
from ..shopper import Shopper

ONE_OF_EACH = {"bud-vase": 1, "cookbook": 1, "gift-card": 1}
ALL_EFFECTS = {"parcel": 1, "download": 1, "credit": 1, "mail": 1}
KINDS = ["parcel", "download", "credit", "receipt"]


def pay(app: Flask, payment: dict[str, Any]) -> None:
    with app.app_context():
        delivery = event(payment, "succeeded")
        received = payments.receive("mintcash", delivery.headers, delivery.body)
        assert received.verdict == "applied"


@pytest.fixture
def paid(app: Flask, books: Books) -> dict[str, Any]:
    """The payment of an order that was just paid: four tasks wait in the outbox."""
    (payment,) = books.place_order(ONE_OF_EACH)
    pay(app, payment)
    assert [task.kind for task in books.tasks] == KINDS
    return payment


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is shifted."""
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


def make_due(books: Books) -> None:
    """As if every lease and pause of the outbox had passed."""
    with books.open(), transaction() as session:
        session.execute(update(OutboxTask).values(due_at=now() - timedelta(seconds=1)))


# ------------------------------------------------------------------ the outbox under its lease


def test_what_a_dead_worker_had_claimed_is_done_once_when_its_lease_is_over(
    books: Books, clock: time_machine.Traveller, paid: dict[str, Any]
) -> None:
    """F6."""
    with books.open():
        claimed = outbox.claim_task()
    assert claimed == (books.tasks[0].id, 1)

    clock.shift(59)
    books.work()
    assert books.fulfilled() == {"download": 1, "credit": 1, "mail": 1}
    clock.shift(1)
    books.work()
    books.work()

    assert books.fulfilled() == ALL_EFFECTS
    assert [task.attempts for task in books.tasks] == [2, 1, 1, 1]
    assert all(task.status == "done" for task in books.tasks)


def test_a_worker_that_lost_its_lease_takes_back_what_it_did(
    books: Books, clock: time_machine.Traveller, paid: dict[str, Any]
) -> None:
    """F6: it was only slow, and another one has the task now."""
    with books.open():
        slow = outbox.claim_task()
        clock.shift(60)
        quick = outbox.claim_task()
        while quick and slow and quick[0] != slow[0]:
            quick = outbox.claim_task()
        assert slow
        assert quick == (slow[0], 2)

        outbox.do_task(*slow)
        assert "parcel" not in books.fulfilled()
        outbox.do_task(*quick)

    assert books.fulfilled()["parcel"] == 1
    assert books.tasks[0].status == "done"
    assert books.tasks[0].last_error is None


def test_a_worker_that_wakes_after_another_has_finished_changes_nothing(
    books: Books, clock: time_machine.Traveller, paid: dict[str, Any]
) -> None:
    """F6."""
    with books.open():
        slow = outbox.claim_task()
        assert slow
        clock.shift(60)
        jobs.work_off_outbox()

        outbox.do_task(*slow)

    assert books.fulfilled() == ALL_EFFECTS
    assert (books.tasks[0].status, books.tasks[0].last_error) == ("done", None)


def test_a_task_that_always_fails_is_tried_ever_more_rarely_then_parked_while_others_pass(
    books: Books,
    clock: time_machine.Traveller,
    paid: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F9."""

    def fail(*_: object) -> None:
        raise RuntimeError("no cardboard left")

    monkeypatch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fail))
    pauses = []

    books.work()
    assert books.fulfilled() == {"download": 1, "credit": 1, "mail": 1}
    while (task := books.tasks[0]).status == "waiting":
        assert task.last_error == "RuntimeError: no cardboard left"
        pauses.append(task.due_at - now())
        clock.move_to(task.due_at)
        books.work()

    assert task.status == "parked"
    assert task.attempts == outbox.MAX_ATTEMPTS == len(pauses) + 1
    assert task.last_error == "RuntimeError: no cardboard left"
    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert all(sooner <= later for sooner, later in pairwise(pauses))
    assert pauses[-1] == outbox.LONGEST_PAUSE
    clock.shift(timedelta(days=30))
    books.work()
    assert books.tasks[0].attempts == outbox.MAX_ATTEMPTS
    assert books.order.status == "paid"


def test_a_task_that_fails_and_then_succeeds_leaves_no_trace_of_the_failure(
    books: Books,
    clock: time_machine.Traveller,
    paid: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F9: what the failed attempt had written is gone, too."""
    pack_parcel = fulfilment.pack_parcel

    def fail_half_way(*args: Any) -> None:
        pack_parcel(*args)
        args[0].flush()
        raise RuntimeError("the tape ran out")

    with monkeypatch.context() as patch:
        patch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fail_half_way))
        books.work()
    assert "parcel" not in books.fulfilled()

    clock.shift(10)
    books.work()

    assert books.fulfilled() == ALL_EFFECTS
    assert (books.tasks[0].attempts, books.tasks[0].last_error) == (2, None)


@pytest.mark.parametrize(
    "kind",
    ["sms:1", "parcel:2", "refund", "send_receipt_again"],
)
def test_a_task_of_an_unknown_kind_is_never_done_and_in_the_end_parked_and_shown(
    shopper: Shopper,
    books: Books,
    clock: time_machine.Traveller,
    paid: dict[str, Any],
    kind: str,
) -> None:
    """T04: the next release wrote it, and a worker of this one found it first."""
    with books.open(), transaction() as session:
        session.add(OutboxTask(order_id=session.scalars(select(Order.id)).one(), kind=kind))

    books.work()
    assert books.fulfilled() == ALL_EFFECTS
    while (task := books.tasks[-1]).status == "waiting":
        assert "UnknownKind" in str(task.last_error)
        clock.move_to(task.due_at)
        books.work()

    assert (task.kind, task.status, task.attempts) == (kind, "parked", outbox.MAX_ATTEMPTS)
    with books.open():
        assert [each.kind for each in jobs.parked_tasks(10)] == [kind]
    page = shopper.get("/console/jobs").text
    assert "this worker&#39;s code knows no task of kind" in page


# ------------------------------------------------------------------ messages


def test_a_delivery_wakes_the_worker(app: Flask, shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    engine = app.extensions["queue"].engine
    assert books.fulfilled() == {}

    engine.execute(engine.dequeue())

    assert books.fulfilled() == ALL_EFFECTS


def test_work_whose_message_was_lost_is_found_by_the_sweep(
    app: Flask, shopper: Shopper, books: Books
) -> None:
    """F8, coleifer/huey#559."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    app.extensions["queue"].engine.flush()

    books.sweep()

    assert books.fulfilled() == ALL_EFFECTS


def test_a_queue_that_cannot_be_written_fails_no_request(
    app: Flask, shopper: Shopper, books: Books
) -> None:
    """F8, F10: what is owed is committed; the message was only to save a minute."""
    (payment,) = books.place_order(ONE_OF_EACH)
    engine = app.extensions["queue"].engine
    engine.storage.sql("DROP TABLE schedule", commit=True)
    engine.storage.sql("DROP TABLE task", commit=True)

    answer = shopper.deliver(*event(payment, "succeeded"))
    books.sweep()

    assert answer.status_code == 200
    assert books.fulfilled() == ALL_EFFECTS


# ------------------------------------------------------------------ kill -9


def kill(settings: config.Settings, folder: Path, work: Callable[..., None], *args: Any) -> None:
    """Let a child work on the same database, and die by its own hand."""
    log = folder / "killed"
    child = children.start(settings, log, work, *args)
    child.join(30)
    assert child.exitcode == -signal.SIGKILL, log.read_text()


@pytest.mark.parametrize(
    ("kind", "point", "done"),
    [
        ("parcel", "before the work", []),
        ("download", "before the commit", ["parcel"]),
        ("receipt", "after the commit", KINDS),
    ],
)
def test_a_worker_killed_at_any_point_leaves_every_effect_done_once(
    settings: config.Settings,
    tmp_path: Path,
    books: Books,
    paid: dict[str, Any],
    kind: str,
    point: str,
    done: list[str],
) -> None:
    """F4, F6, F7, N4."""
    kill(settings, tmp_path, children.die_in_a_task, point, kind, children.work_off_outbox)
    assert [task.kind for task in books.tasks if task.done_at] == done

    make_due(books)
    books.sweep()
    books.sweep()

    assert books.fulfilled() == ALL_EFFECTS
    assert all(task.status == "done" for task in books.tasks)
    assert books.stock("bud-vase") == 2


def test_killed_before_the_commit_a_delivery_has_left_nothing_and_its_repetition_pays(
    settings: config.Settings, tmp_path: Path, shopper: Shopper, books: Books
) -> None:
    """F3, F5: payment, order, stock, inbox and outbox are one transaction."""
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")
    before = books.snapshot()

    kill(settings, tmp_path, children.die_in_a_webhook, "before the commit", *delivery)

    assert books.snapshot() == before
    assert books.deliveries == []
    assert shopper.deliver(*delivery).status_code == 200
    books.work()
    assert books.order.status == "paid"
    assert books.fulfilled() == ALL_EFFECTS


def test_killed_before_the_acknowledgement_a_delivery_is_paid_and_its_repetition_is_known(
    settings: config.Settings, tmp_path: Path, shopper: Shopper, books: Books
) -> None:
    """F4, F5."""
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")

    kill(settings, tmp_path, children.die_in_a_webhook, "after the commit", *delivery)

    assert books.order.status == "paid"
    assert [task.kind for task in books.tasks] == KINDS
    assert shopper.deliver(*delivery).status_code == 200
    assert [(each.verdict, each.seen) for each in books.deliveries] == [("applied", 2)]
    books.sweep()
    assert books.fulfilled() == ALL_EFFECTS
    assert books.stock("bud-vase") == 2


# ------------------------------------------------------------------ receipts


@dataclass
class PostOffice:
    """A mail server on this machine; ``letters`` is what it took."""

    port: int
    letters: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.letters.append(message_from_bytes(envelope.content))
        return "250 taken"


@pytest.fixture
def smtp_port(app: Flask, settings: config.Settings) -> int:
    """A free port, where the shop believes a mail server to be."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    url = SecretStr(f"smtp://127.0.0.1:{port}")
    app.extensions["settings"] = settings.model_copy(update={"smtp_url": url})
    return port


@pytest.fixture
def post_office(smtp_port: int) -> Iterator[PostOffice]:
    office = PostOffice(smtp_port)
    controller = Controller(office, hostname="127.0.0.1", port=smtp_port)
    controller.start()
    yield office
    controller.stop()


def the_mail(books: Books) -> Mail:
    with books.open():
        mail = db.session.scalars(select(Mail)).one()
        db.session.expunge(mail)
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


def test_with_a_mail_server_the_receipt_is_sent_once(
    books: Books, post_office: PostOffice, paid: dict[str, Any]
) -> None:
    books.work()
    books.work()

    mail, order = the_mail(books), books.order
    (letter,) = post_office.letters
    assert letter["To"] == order.email
    assert letter["Subject"] == mail.subject
    assert letter["Message-ID"] == f"<receipt.{order.id}@127.0.0.1>"
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in letter.walk()}
    text, html = parts["text/plain"], parts["text/html"]
    assert isinstance(text, bytes)
    assert isinstance(html, bytes)
    assert text.decode().splitlines() == mail.text.splitlines()
    assert html.decode().splitlines() == mail.html.splitlines()
    assert f'href="http://127.0.0.1:5000/orders/{order.id}"' in mail.html
    assert mail.sent_at


def test_a_receipt_that_goes_twice_is_recognisably_the_same(
    app: Flask,
    books: Books,
    clock: time_machine.Traveller,
    post_office: PostOffice,
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

    first, second = post_office.letters
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

    office = PostOffice(smtp_port)
    controller = Controller(office, hostname="127.0.0.1", port=smtp_port)
    controller.start()
    try:
        clock.shift(10)
        books.work()
    finally:
        controller.stop()

    assert len(office.letters) == 1
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


# ------------------------------------------------------------------ the webhook never comes


@pytest.fixture
def away(
    clock: time_machine.Traveller, shopper: Shopper, mintcash_api: mintcash.Api
) -> dict[str, Any]:
    """A shopper has left to pay. The payment as MintCash has it: change it there."""
    shopper.add("bud-vase")
    assert shopper.check_out().status_code == 303
    return mintcash_api.newest


def asked(api: mintcash.Api) -> int:
    return sum(call.request.method == "GET" for call in api.mock.calls)


def test_a_paid_payment_without_a_webhook_is_found_soon_after_the_return(
    books: Books, clock: time_machine.Traveller, shopper: Shopper, away: dict[str, Any]
) -> None:
    """E1, N5."""
    away["status"] = "succeeded"
    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    assert books.order.status == "open"
    due_at = books.payment.next_check_at
    assert due_at
    assert due_at <= now() + timedelta(seconds=15)

    clock.move_to(due_at)
    books.sweep()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}
    assert books.payment.next_check_at is None


def test_the_return_sends_a_message_that_finds_the_payment_without_a_sweep(
    app: Flask,
    books: Books,
    clock: time_machine.Traveller,
    shopper: Shopper,
    away: dict[str, Any],
) -> None:
    """E1."""
    engine = app.extensions["queue"].engine
    engine.flush()
    away["status"] = "succeeded"
    shopper.get(f"/orders/{books.order.id}/return/mintcash")

    clock.shift(payments.CHECK_AFTER_RETURN)
    engine.execute(engine.dequeue())

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_a_paid_payment_without_webhook_or_return_is_found_within_two_minutes(
    books: Books, clock: time_machine.Traveller, away: dict[str, Any]
) -> None:
    """E2, N5."""
    away["status"] = "succeeded"

    for _ in range(2):
        clock.shift(60)
        books.sweep()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


UNUSABLE = [
    (500, '{"code": "internal", "message": "", "details": {}}'),
    (429, "slow down"),
    (401, '{"code": "unauthenticated", "message": "", "details": {}}'),
    (404, '{"code": "not_found", "message": "", "details": {}}'),
    (200, "<html>we are having a break</html>"),
    (200, '{"id": "ID", "status": "succ'),
    (200, "[]"),
    (200, "{}"),
    (200, '{"id": "another", "status": "succeeded", "amount": 28, "currency": "USD"}'),
    (200, '{"id": "ID", "status": "succeeded", "amount": "much", "currency": "USD"}'),
    (200, '{"id": "ID", "status": "succeeded", "amount": null, "currency": "USD"}'),
    (200, '{"id": "ID", "status": "failed", "amount": 28, "currency": 840}'),
    (200, '{"id": "ID", "status": "teleported", "amount": 28, "currency": "USD"}'),
    (200, '{"id": "ID", "status": ["succeeded"], "amount": 28, "currency": "USD"}'),
]


def test_an_unusable_answer_says_nothing_about_the_payment(
    books: Books, away: dict[str, Any]
) -> None:
    """E4: it is neither paid nor failed, and is asked for again."""
    url = f"{mintcash.API}/payments/{away['id']}"
    before = books.snapshot()

    for status, body in UNUSABLE:
        books.make_looks_due()
        with responses.RequestsMock() as broken:
            broken.get(url, status=status, body=body.replace("ID", away["id"]))
            books.sweep()
            assert len(broken.calls) == 1
        assert books.snapshot() == before, body

    away["status"] = "succeeded"
    books.make_looks_due()
    books.sweep()
    assert books.order.status == "paid"


@pytest.mark.parametrize(
    ("change", "code"), [({"amount": 1}, "amount"), ({"currency": "TTD"}, "currency")]
)
def test_an_answer_about_other_money_holds_the_order(
    books: Books,
    clock: time_machine.Traveller,
    away: dict[str, Any],
    change: dict[str, Any],
    code: str,
) -> None:
    """E6; as B1 and B2."""
    away.update(change, status="succeeded")

    clock.shift(timing.FIRST_CHECK)
    books.sweep()

    assert (books.order.status, books.order.held_code) == ("held", code)
    assert books.fulfilled() == {}
    assert books.stock("bud-vase") == 3


@pytest.fixture
def expired(
    books: Books, clock: time_machine.Traveller, mintcash_api: mintcash.Api, away: dict[str, Any]
) -> dict[str, Any]:
    """The same payment, still pending at MintCash an hour later."""
    away["status"] = "pending"
    clock.shift(timedelta(minutes=61))
    books.sweep()
    assert asked(mintcash_api) == 1, "asked one last time before it is given up"
    assert books.payment.status == "expired"
    assert books.order.status == "open"
    return away


def test_a_payment_that_was_paid_at_the_last_moment_does_not_expire(
    books: Books, clock: time_machine.Traveller, away: dict[str, Any]
) -> None:
    """E7."""
    away["status"] = "succeeded"

    clock.shift(timedelta(minutes=61))
    books.sweep()

    assert books.payment.status == "succeeded"
    assert books.order.status == "paid"


def test_money_that_comes_by_webhook_after_we_gave_up_is_taken(
    books: Books, shopper: Shopper, expired: dict[str, Any]
) -> None:
    """B14, E7."""
    shopper.deliver(*event(expired, "succeeded"))
    books.work()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_money_that_is_found_after_we_gave_up_is_taken(
    books: Books, clock: time_machine.Traveller, expired: dict[str, Any]
) -> None:
    """B14, E7: for a day the payment is still asked about."""
    expired["status"] = "succeeded"

    clock.shift(timedelta(hours=2))
    books.sweep()

    assert books.order.status == "paid"
    assert books.fulfilled() == {"parcel": 1, "mail": 1}


def test_after_we_gave_up_the_order_can_be_paid_anew(
    books: Books, shopper: Shopper, mintcash_api: mintcash.Api, expired: dict[str, Any]
) -> None:
    """E7."""
    again = shopper.post(f"/orders/{books.order.id}/payments", {"provider": "mintcash"})

    assert mintcash_api.newest["id"] != expired["id"]
    assert again.location == mintcash_api.newest["redirectUrl"]
    assert [payment.status for payment in books.payments] == ["expired", "created"]


def test_pauses_grow_from_five_seconds_to_an_hour_and_end_after_a_day(
    books: Books, clock: time_machine.Traveller, mintcash_api: mintcash.Api, away: dict[str, Any]
) -> None:
    """E11: a payment that stays silent costs a few dozen questions, not thousands."""
    away["status"] = "pending"
    left_at, pauses = now(), []

    while due_at := books.payment.next_check_at:
        pauses.append((due_at - now()).total_seconds())
        clock.move_to(due_at)
        books.sweep()

    assert pauses[0] == 60
    assert pauses[1:11] == [5 * 2**n for n in range(10)]
    assert set(pauses[11:]) == {3600}
    assert timedelta(hours=25) < now() - left_at <= timedelta(hours=26)
    assert asked(mintcash_api) == len(pauses)
    assert books.payment.status == "expired"


def test_payments_are_looked_at_in_bounded_batches_longest_waiting_first(
    books: Books,
    clock: time_machine.Traveller,
    mintcash_api: mintcash.Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """E11: whoever was looked at goes to the end of the queue, so nobody starves."""
    waiting = [books.place_order({"candle": 1})[0] for _ in range(5)]
    seconds = [3, 1, 5, 2, 4]  # since it fell due
    with books.open(), transaction() as session:
        for payment, late in zip(waiting, seconds, strict=True):
            mintcash_api.payments[payment["id"]] = {**payment, "status": "pending"}
            session.execute(
                update(Payment)
                .where(Payment.id == payment["externalId"])
                .values(next_check_at=now() - timedelta(seconds=late))
            )
    books.place_order({"candle": 1})  # not due yet
    oldest_first = [waiting[place]["externalId"] for place in (2, 4, 0, 3, 1)]
    assert books.read(lambda: payments.payments_to_check(3)) == oldest_first[:3]
    assert books.read(lambda: payments.payments_to_check(10)) == oldest_first

    monkeypatch.setattr(sweeping, "CHECKS_PER_SWEEP", 3)
    books.sweep()
    assert asked(mintcash_api) == 3
    books.sweep()

    assert asked(mintcash_api) == 5
    assert {p.checks for p in books.payments if p.id in oldest_first} == {1}


# ------------------------------------------------------------------ refusals


def test_only_the_newest_refusals_are_kept_and_every_true_delivery_is(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "KEPT_REFUSALS", 3)

    def refuse(number: int) -> None:
        with books.open(), transaction() as session:
            session.add(Delivery(provider="mintcash", verdict="ignored", event_key=str(number)))
            session.add(Delivery(provider="mintcash", verdict="refused", reason=str(number)))

    def kept_refusals() -> list[str]:
        books.sweep()
        return [each.reason for each in books.deliveries if each.verdict == "refused"]

    assert kept_refusals() == []
    for number in (1, 2, 3):
        refuse(number)
    assert kept_refusals() == ["1", "2", "3"]
    for number in (4, 5, 6, 7):
        refuse(number)
    assert kept_refusals() == ["5", "6", "7"]

    assert books.count(Delivery) == 3 + 7


def test_a_payment_that_the_provider_does_not_know_is_not_asked_about_for_ever(
    books: Books, mintcash_api: mintcash.Api
) -> None:
    """E7: 404 is an answer, unlike silence; after a day it is believed."""
    books.place_order({"candle": 1})

    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(26):
            clock.shift(timedelta(hours=1))
            books.sweep()

    assert books.payment.next_check_at is None
    assert books.payment.status == "expired"


def test_parked_money_is_not_forgotten_when_later_news_names_the_payment(
    shopper: Shopper, books: Books
) -> None:
    """D8: the answer to our call was lost, and the first news did not carry our reference."""
    (payment,) = books.place_order({"candle": 1}, page_known=False)

    shopper.deliver(*event(payment, "succeeded", externalId=None))
    shopper.deliver(*event(payment, "failed", failureCode="declined"))

    assert books.order.status == "paid"
    assert [each.verdict for each in books.deliveries] == ["applied", "ignored"]


def test_news_that_was_parked_while_its_payment_was_being_stored_is_applied_with_the_next(
    shopper: Shopper, books: Books
) -> None:
    """D8, on PostgreSQL: two transactions at once, and neither sees what the other writes."""
    (payment,) = books.place_order({"candle": 1}, page_known=False)
    shopper.deliver(*event(payment, "succeeded", externalId=None))
    with books.open(), transaction() as session:
        session.execute(update(Payment).values(provider_reference=payment["id"]))

    shopper.deliver(*event(payment, "pending"))

    assert books.order.status == "paid"
    assert [each.verdict for each in books.deliveries] == ["applied", "ignored"]
