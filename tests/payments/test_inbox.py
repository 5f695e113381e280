"""A provider speaks: each fact is stored and applied once, and news that came too early waits."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

import config
from database import transaction
from models import Payment
from providers import mintcash as provider
from providers.contract import News

from .. import children, mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, ONE_OF_EACH, TASKS, receive
from ..races import at_once
from ..shopper import Shopper

# ------------------------------------------------------------------ the same news, many times


def test_a_second_success_changes_nothing_whether_the_event_is_the_same_or_another(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C1."""
    same = event(mintcash_api.newest, "succeeded")
    shopper.deliver(*same)
    books.work()
    after_once = books.snapshot()

    assert shopper.deliver(*same).status_code == 200
    assert shopper.deliver(*event(mintcash_api.newest, "succeeded")).status_code == 200
    books.work()

    assert books.snapshot() == after_once
    assert books.fulfilled() == ALL_EFFECTS
    assert [(d.verdict, d.seen) for d in books.deliveries] == [("applied", 2), ("ignored", 1)]


@pytest.mark.parametrize("round_", range(3))
def test_the_same_delivery_many_times_at_once_is_applied_once(
    app: Flask, books: Books, round_: int
) -> None:
    """C2, N1; guard: the inbox key is unique."""
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")

    verdicts = at_once(app, *[receive(delivery)] * 16)

    assert Counter(verdicts) == {"applied": 1, "repeat": 15}
    (row,) = books.deliveries
    assert (row.verdict, row.seen) == ("applied", 16)
    assert books.order.status == "paid"
    assert books.stock("bud-vase") == 2
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_without_a_key_the_same_delivery_is_taken_for_new_each_time(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C2, the twin. The order is still paid once: that is another guard, in ``test_ladder.py``."""
    read = provider.read_webhook

    def read_without_key(*args: Any) -> list[News]:
        return [replace(news, event_key=None) for news in read(*args)]

    monkeypatch.setattr(provider, "read_webhook", read_without_key)
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")

    verdicts = at_once(app, *[receive(delivery)] * 16)

    assert len(books.deliveries) == 16
    assert "repeat" not in verdicts


def test_a_statement_that_failed_does_not_poison_the_answers_after_it(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C11, fossasia/eventyay#1924: a poisoned session would answer 500 ever after."""
    signed = event(mintcash_api.newest, "succeeded", event_id="evt_1")

    answers = [shopper.deliver(*signed).status_code for _ in range(3)]

    assert answers == [200, 200, 200], "the second insert of one event key fails, and only that"
    assert shopper.get("/").status_code == 200
    assert books.fulfilled() == {}
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


# ------------------------------------------------------------------ how it was proven


def test_each_delivery_is_stored_with_what_proved_it(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Of news that came too early, too, which is applied later; a repeat changes nothing."""
    early = {**mintcash_api.newest, "id": "pmt_early", "externalId": "not-ours"}
    proven = {"where": "x-signature", "algorithm": "HMAC-SHA256", "over": "the raw body"}

    for signed in (event(early, "succeeded"), event(mintcash_api.newest, "succeeded")):
        for _ in range(2):
            assert shopper.deliver(*signed).status_code == 200

    assert [(each.verdict, each.seen, each.proof) for each in books.deliveries] == [
        ("parked", 2, proven),
        ("applied", 2, proven),
    ]
    assert all("proof" not in (each.news or {}) for each in books.deliveries), "stored once"


def test_what_was_refused_was_proven_by_nothing(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    body, headers = event(mintcash_api.newest, "succeeded")

    assert shopper.deliver(body + b" ", headers).status_code == 401

    assert [(each.verdict, each.proof) for each in books.deliveries] == [("refused", None)]


# ------------------------------------------------------------------ what is not proven


def test_a_forged_delivery_does_not_block_the_genuine_one_after_it(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A10, hit-pay/woocommerce 4.2.1: "already handled" was written before the signature check."""
    genuine = event(mintcash_api.newest, "succeeded", event_id="the-same-id")
    before = books.snapshot()

    forged = shopper.deliver(genuine.body, {"x-signature": "0" * 64})

    assert forged.status_code == 401
    assert books.snapshot() == before
    assert shopper.deliver(*genuine).status_code == 200
    assert books.order.status == "paid"


def test_a_forged_failure_does_not_move_a_pending_payment(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A10."""
    shopper.deliver(*event(mintcash_api.newest, "pending"))
    before = books.snapshot()

    answer = shopper.deliver(*mintcash.signed(event(mintcash_api.newest, "failed").body, "wrong"))

    assert answer.status_code == 401
    assert books.snapshot() == before


def test_a_body_that_was_parsed_and_serialised_again_is_not_what_was_signed(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A2, octokit/webhooks.js#71, stripe/stripe-php#884, razorpay/razorpay-node#96."""
    body, headers = event(mintcash_api.newest, "succeeded", customer={"name": "José"})
    rewritten = json.dumps(json.loads(body), indent=1).encode()

    assert shopper.deliver(rewritten, headers).status_code == 401
    assert books.order.status == "open"
    assert shopper.deliver(body, headers).status_code == 200
    assert books.order.status == "paid"


# ------------------------------------------------------------------ before its payment is known


def test_parked_money_is_not_forgotten_when_later_news_names_the_payment(
    shopper: Shopper, books: Books
) -> None:
    """D8: the answer to our call was lost, and the first news did not carry our reference."""
    (payment,) = books.place_order({"candle": 1}, page_known=False)

    shopper.deliver(*event(payment, "succeeded", externalId=None))
    shopper.deliver(*event(payment, "failed", failureCode="declined"))

    assert books.order.status == "paid"
    assert [each.verdict for each in books.deliveries] == ["applied", "applied"]
    assert "the provider is asked" in str(books.deliveries[1].reason)


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


# ------------------------------------------------------------------ kill -9


def test_a_delivery_killed_before_the_commit_leaves_nothing_and_its_retry_pays(
    settings: config.Settings, tmp_path: Path, shopper: Shopper, books: Books
) -> None:
    """F3, F5: payment, order, stock, inbox and outbox are one transaction."""
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")
    before = books.snapshot()

    children.run_until_killed(
        settings, tmp_path, children.die_in_a_webhook, "before the commit", *delivery
    )

    assert books.snapshot() == before
    assert books.deliveries == []
    assert shopper.deliver(*delivery).status_code == 200
    books.work()
    assert books.order.status == "paid"
    assert books.fulfilled() == ALL_EFFECTS


def test_a_delivery_killed_before_the_acknowledgement_is_paid_and_its_retry_is_known(
    settings: config.Settings, tmp_path: Path, shopper: Shopper, books: Books
) -> None:
    """F4, F5."""
    (payment,) = books.place_order(ONE_OF_EACH)
    delivery = event(payment, "succeeded")

    children.run_until_killed(
        settings, tmp_path, children.die_in_a_webhook, "after the commit", *delivery
    )

    assert books.order.status == "paid"
    assert [task.kind for task in books.tasks] == TASKS
    assert shopper.deliver(*delivery).status_code == 200
    assert [(each.verdict, each.seen) for each in books.deliveries] == [("applied", 2)]
    books.sweep()
    assert books.fulfilled() == ALL_EFFECTS
    assert books.stock("bud-vase") == 2
