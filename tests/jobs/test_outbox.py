"""The outbox: what paid orders are owed, claimed under a lease, retried, and in the end parked."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

import config
import fulfilment
import jobs
from database import database_now, db, now, transaction
from jobs import outbox
from models import Order, OutboxTask

from .. import children, mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, TASKS, make_tasks_due, receive
from ..races import Barrier, at_once
from ..shopper import Shopper

# ------------------------------------------------------------------ under a lease


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


def test_a_worker_that_lost_its_lease_rolls_back_what_it_did(
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


def claims_of_workers(
    app: Flask, books: Books, patch: pytest.MonkeyPatch, workers: int
) -> list[tuple[int, int]]:
    """Five paid orders and so many workers at once: (task, attempt) of all that was claimed.

    No worker starts before each of them has claimed a task.
    """
    for _ in range(5):
        (payment,) = books.place_order({"candle": 1, "cookbook": 1, "gift-card": 1})
        at_once(app, receive(event(payment, "succeeded")))
    barrier, claims, do_task = Barrier(workers), [], outbox.do_task

    def note_and_do(task_id: int, attempt: int) -> None:
        claims.append((task_id, attempt))
        barrier()
        do_task(task_id, attempt)

    patch.setattr(outbox, "do_task", note_and_do)
    assert at_once(app, *[jobs.work_off_outbox] * workers) == [None] * workers
    assert barrier.passed
    return claims


def test_four_workers_do_every_task_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6, E10; guard: a task is found and leased by one statement."""
    claims = claims_of_workers(app, books, monkeypatch, workers=4)

    assert sorted(claims) == [(task.id, 1) for task in books.tasks]
    assert len(claims) == 20
    assert all(task.status == "done" for task in books.tasks)
    assert books.fulfilled() == {name: 5 * count for name, count in ALL_EFFECTS.items()}


def test_a_task_that_is_found_and_then_leased_is_claimed_twice(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6, the twin. Each effect still happens once: the lease is checked again at the end."""
    barrier = Barrier()

    def find_then_lease(lane: str) -> tuple[int, int] | None:
        due = select(OutboxTask.id).where(OutboxTask.done_at.is_(None), OutboxTask.due_at <= now())
        found = db.session.scalar(due.order_by(OutboxTask.due_at, OutboxTask.id).limit(1))
        db.session.rollback()
        barrier()
        if found is None:
            return None
        with transaction() as session:
            task = session.get_one(OutboxTask, found, with_for_update=True)
            task.due_at, task.attempts = now() + timedelta(hours=1), task.attempts + 1
            return task.id, task.attempts

    monkeypatch.setattr(outbox, "claim_task", find_then_lease)

    claims = claims_of_workers(app, books, monkeypatch, workers=2)

    times = Counter(task_id for task_id, _ in claims)
    assert max(times.values()) == 2
    assert books.fulfilled() == {name: 5 * count for name, count in ALL_EFFECTS.items()}


# ------------------------------------------------------------------ what fails


def test_a_task_that_always_fails_is_retried_less_and_less_often_then_parked_while_others_pass(
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


def test_work_that_failed_half_way_is_done_on_the_next_try_not_skipped(
    bought: TestResponse,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F7: marked done before fulfilled, then skipped on retry; razorpay/razorpay-magento#175."""

    def pack_and_fail(*arguments: Any) -> None:
        fulfilment.pack_parcel(*arguments)
        raise RuntimeError("the tape ran out")

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    with monkeypatch.context() as patch:
        patch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=pack_and_fail))
        books.work()
        assert "parcel" not in books.fulfilled()

    with books.open(), transaction() as session:
        session.execute(update(OutboxTask).values(due_at=database_now()))
    books.work()

    assert books.fulfilled() == ALL_EFFECTS


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


# ------------------------------------------------------------------ kill -9


@pytest.mark.parametrize(
    ("kind", "point", "done"),
    [
        ("parcel", "before the work", []),
        ("download", "before the commit", ["parcel"]),
        ("receipt", "after the commit", TASKS),
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
    children.run_until_killed(
        settings, tmp_path, children.die_in_a_task, point, kind, children.work_off_outbox
    )
    assert [task.kind for task in books.tasks if task.done_at] == done

    make_tasks_due(books)
    books.sweep()
    books.sweep()

    assert books.fulfilled() == ALL_EFFECTS
    assert all(task.status == "done" for task in books.tasks)
    assert books.stock("bud-vase") == 2
