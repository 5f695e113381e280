"""News can lift a payment, never lower it, and its order is paid when the money is here."""

import importlib
import pkgutil
import threading
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

import payments
from database import db
from models import Order, Payment
from payments import inbox, ladder
from providers import PROVIDERS, money
from providers.contract import LADDER

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS, ONE_OF_EACH, TOTAL, left_to_refund, receive, tell
from ..races import (
    Barrier,
    assert_one_was_locked_out,
    at_once,
    before,
    check_then_act,
    errors_of,
    read_before_writing,
)
from ..shopper import Shopper

# ------------------------------------------------------------------ the rungs


def test_the_contract_and_the_ladder_have_the_same_rungs() -> None:
    assert ladder.LADDER == LADDER
    assert set(ladder.MONEY) <= set(ladder.LADDER)


#: What a table of a provider's words is called.
TABLES = ("STATUSES", "EVENTS", "NEWS", "PAID", "ABANDONED", "DESCRIPTIONS")


def words(name: str) -> set[str]:
    """Our statuses that the tables in a provider's folder map its own words to."""
    found: set[str] = set()
    package = importlib.import_module(f"providers.{name}")
    for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for module in (package, importlib.import_module(each.name)):
            tables = [getattr(module, table, ()) for table in TABLES]
            for table in tables:
                ours = table.values() if isinstance(table, dict) else table
                found |= {status for status in ours if isinstance(status, str)}
    return found


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_word_of_a_provider_is_a_rung(name: str) -> None:
    found = words(name)

    assert found
    assert found <= set(ladder.LADDER)


# ------------------------------------------------------------------ news lifts, and never lowers


@pytest.mark.parametrize("code", [None, "expired", "general_fatal_error"])
def test_a_late_failure_does_not_unpay_an_order(
    bought: TestResponse,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    code: str | None,
) -> None:
    """D2, woocommerce-gateway-stripe#902, Adyen/adyen-shopware6#311."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    answer = shopper.deliver(*event(mintcash_api.newest, "failed", failureCode=code))

    assert answer.status_code == 200
    assert books.order.status == "paid"
    assert books.payment.status == "succeeded"


def test_a_payment_that_failed_first_and_is_captured_later_is_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D3, open-formulieren/open-forms#5942."""
    shopper.deliver(*event(mintcash_api.newest, "failed", failureCode="declined"))
    assert books.order.status == "open"

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert books.order.status == "paid"
    assert books.payment.failure_code is None


def test_a_pending_payment_is_neither_paid_nor_failed_and_hides_nothing_later(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D6: HitPay's plugin for WooCommerce made failures of them."""
    shopper.deliver(*event(mintcash_api.newest, "pending"))

    assert (books.payment.status, books.order.status) == ("pending", "open")
    page = shopper.get(f"/orders/{books.order.id}").text
    assert "Thanks, we are confirming your payment" in page
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert books.order.status == "paid"


def test_what_an_event_says_of_its_own_age_decides_nothing(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D10: the ladder does."""

    def deliver(status: str, year: bytes) -> None:
        body = event(mintcash_api.newest, status).body
        assert b'"createdAt":"2026-' in body
        dated = body.replace(b'"createdAt":"2026-', b'"createdAt":"' + year + b"-")
        assert shopper.deliver(*mintcash.signed(dated)).status_code == 200

    deliver("pending", b"2026")
    deliver("succeeded", b"2020")
    assert books.order.status == "paid"
    deliver("failed", b"2030")

    assert (books.payment.status, books.order.status) == ("succeeded", "paid")


def test_an_old_attempt_that_expires_does_not_touch_the_order_that_a_new_one_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D2, woocommerce/woocommerce-gateway-stripe#905, NEARBuilders/nearmerch.com#209."""
    old = mintcash_api.newest
    shopper.deliver(*event(old, "failed", failureCode="canceled"))
    shopper.post(f"/orders/{books.order.id}/payments", {"provider": "mintcash"})
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    shopper.deliver(*event(old, "failed", failureCode="expired"))
    books.work()

    assert books.order.status == "paid"
    assert books.fulfilled() == ALL_EFFECTS


def test_refund_news_before_success_news_starts_no_fulfilment(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D4."""
    shopper.deliver(*event(mintcash_api.newest, "refunded", amountRefunded=69))
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    assert books.payment.status == "refunded"
    assert books.payment.refunded == 6900
    assert books.fulfilled() == {}


# ------------------------------------------------------------------ paid when the money is here


@pytest.mark.parametrize(
    "news",
    [
        pytest.param({"status": "refunded", "amountRefunded": 69}, id="refunded"),
        pytest.param({"status": "partially_refunded", "amountRefunded": 69}, id="in_parts"),
        pytest.param({"status": "succeeded", "amountRefunded": 69}, id="succeeded"),
        pytest.param({"status": "voided", "amountRefunded": 0}, id="voided"),
    ],
)
def test_money_that_is_all_refunded_never_pays(
    shopper: Shopper, books: Books, news: dict[str, Any]
) -> None:
    """P2, razorpay/razorpay-woocommerce#664, mollie/WooCommerce#1252, polarsource/polar#9630."""
    (payment,) = books.place_order(ONE_OF_EACH)

    shopper.deliver(*event(payment, **news))
    shopper.deliver(*event(payment, "succeeded"))
    books.work()

    assert books.order.status != "paid"
    assert books.fulfilled() == {}
    assert left_to_refund(books) == 0


MONEY_WORDS = ("succeeded", "partially_refunded", "refunded")


@st.composite
def tellings(draw: st.DrawFn) -> dict[str, Any]:
    """One piece of MintCash's news: any word, sum, currency and JSON type of the sums.

    Sums that contradict each other or the word are another case (T18).
    """
    word = draw(st.sampled_from((*MONEY_WORDS, "pending", "authorized", "failed", "voided")))
    currency = draw(st.sampled_from(("USD", "usd", "USD", "JPY", "KWD", "CAD")))
    code = currency.upper()
    near = st.sampled_from((0, 1, TOTAL - 1, TOTAL, TOTAL + 1, 2 * TOTAL))
    amount = draw(near)
    refunded = draw(near.filter(lambda sum_: sum_ <= amount))
    if word in ("partially_refunded", "refunded"):
        assume(refunded > 0)
    written = draw(st.sampled_from((float, str, Decimal)))
    as_written = {"amount": amount, "amountRefunded": refunded}
    for name, minor in as_written.items():
        major = money.to_major(minor, code)
        as_written[name] = float(major) if written is float else f"{major:f}"  # type: ignore[assignment]
    return {"status": word, "currency": currency, **as_written, "minor": (amount, refunded)}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(tellings(), min_size=1, max_size=5))
def test_an_order_is_paid_exactly_when_the_money_is_here(
    books: Books, history: list[dict[str, Any]]
) -> None:
    """P1, P2, P4, P14, P15: any sum, currency, type and order of news."""
    (payment,) = books.place_order(ONE_OF_EACH)
    received = refunded = 0
    voided = paid = False
    for telling in history:
        said_received, said_refunded = telling["minor"]
        word = telling["status"]
        if word in MONEY_WORDS and telling["currency"].upper() == "USD":
            received, refunded = max(received, said_received), max(refunded, said_refunded)
        voided = voided or word == "voided"
        paid = paid or (received - refunded >= TOTAL and not voided)
        delivery = event(payment, **{k: v for k, v in telling.items() if k != "minor"})
        with books.open():
            payments.receive("mintcash", delivery.headers, delivery.body)
    with books.open():
        found = db.session.get_one(Payment, payment["externalId"])
        assert (found.order.paid_by is not None) == paid
        assert found.received == received
        kept = 0 if voided else max(received - refunded, 0)
        assert found.kept == kept
        assert payments.left_to_refund(found) == min(kept, received - found.refund_asked)


def test_news_that_contradicts_itself_holds_the_order_until_it_is_clear(
    shopper: Shopper, books: Books
) -> None:
    """T18."""
    (payment,) = books.place_order(ONE_OF_EACH)

    tell(books, payment, problem="says succeeded and failed at once", check=True)

    assert (books.order.status, books.order.held_code) == ("held", "unclear")
    assert books.payment.problem == "says succeeded and failed at once"
    assert books.payment.next_check_at is not None
    shopper.deliver(*event(payment, "succeeded"))
    assert books.order.status == "paid"


# ------------------------------------------------------------------ paid once


def test_two_payments_of_one_order_that_succeed_at_once_fulfil_it_once(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """B20; guard: the conditional UPDATE of the order."""
    barrier = Barrier(expected=not on_sqlite)
    before(monkeypatch, ladder, "pay_or_hold", barrier)
    first, second = books.place_order(ONE_OF_EACH, attempts=2)

    verdicts = at_once(app, receive(event(first, "succeeded")), receive(event(second, "succeeded")))

    assert verdicts == ["applied", "applied"]
    assert barrier.passed is not on_sqlite
    order = books.order
    assert order.status == "paid"
    problems = {payment.id: payment.problem for payment in books.payments}
    assert problems.pop(str(order.paid_by)) is None
    (problem,) = problems.values()
    assert problem == f"second payment for one order (paid by {order.paid_by}): see its refund"
    assert books.stock("bud-vase") == 2
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_an_order_that_is_checked_and_then_paid_is_paid_twice(
    app: Flask, books: Books, monkeypatch: pytest.MonkeyPatch, on_sqlite: bool
) -> None:
    """B20, the twin.

    PostgreSQL: both payments find an open order and write down what is owed; only the unique
    outbox stops the second. SQLite: without BEGIN IMMEDIATE one of them is locked out.
    """
    barrier, owed = Barrier(), []
    check_then_act(monkeypatch, ladder, Order, barrier)
    if on_sqlite:
        read_before_writing(monkeypatch, inbox, barrier)
    before(monkeypatch, ladder, "owe_goods", lambda: owed.append(threading.get_ident()))
    first, second = books.place_order(ONE_OF_EACH, attempts=2)

    answers = at_once(app, receive(event(first, "succeeded")), receive(event(second, "succeeded")))

    assert barrier.passed
    if on_sqlite:
        assert_one_was_locked_out(answers)
    else:
        assert len(owed) == 2
        (error,) = errors_of(answers)
        assert isinstance(error, IntegrityError)
        assert "uq_outbox_order_id_kind" in str(error)
