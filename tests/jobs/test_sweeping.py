"""Each minute, and after a message: everything that is due, whether or not a message said so."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

import payments
from database import now, transaction
from jobs import sweeping
from models import Delivery, Payment

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, ONE_OF_EACH
from ..shopper import Shopper


def test_work_whose_message_was_lost_is_found_by_the_sweep(
    app: Flask, shopper: Shopper, books: Books
) -> None:
    """F8, coleifer/huey#559."""
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded"))
    app.extensions["queue"].engine.flush()

    books.sweep()

    assert books.fulfilled() == ALL_EFFECTS


def test_payments_are_checked_in_bounded_batches_longest_waiting_first(
    books: Books,
    clock: time_machine.Traveller,
    mintcash_api: mintcash.Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """E11: a payment that was checked goes to the end of the line, so each has its turn."""
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
    assert mintcash_api.fetches == 3
    books.sweep()

    assert mintcash_api.fetches == 5
    assert {p.checks for p in books.payments if p.id in oldest_first} == {1}


def test_the_newest_refusals_are_kept_and_every_signed_delivery_is(
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
