"""A provider is asked for a page; where it leads is checked before the shopper is sent there."""

from typing import Any

import pytest

import config
import payments
from database import db
from models import Payment
from payments import pages
from providers import mintcash as provider
from providers.contract import Checkout, Redirect, Rejected, Unreachable

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..shopper import Shopper


def test_the_webhook_before_our_create_call_has_returned_pays_the_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """D8, mollie/mollie-api-php#585."""
    answers = []

    def hurry(payment: dict[str, object]) -> None:
        rival = Shopper(shopper.app)
        answers.append(rival.deliver(*event(payment, "succeeded")).status_code)

    mintcash_api.before_reply = hurry
    shopper.add("candle")

    shopper.check_out()

    assert answers == [200]
    assert books.order.status == "paid"
    assert books.payment.provider_reference == mintcash_api.newest["id"]


def answer(patch: pytest.MonkeyPatch, checkout: Checkout) -> None:
    """MintCash answers each call for a page with this."""
    patch.setattr(provider, "start_checkout", lambda *_: checkout)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/pay",
        "http://127.0.0.1:5001@evil.example/pay",
        "//evil.example/pay",
        f"{mintcash.PAGE}/p 1",
        f"{mintcash.PAGE}/p1\r\nSet-Cookie: a=b",
        f"{mintcash.PAGE}/p\u202e1",
    ],
)
def test_a_shopper_is_not_sent_to_a_page_that_is_not_the_provider_s(
    books: Books, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """The order can be paid again, by another attempt."""
    answer(monkeypatch, Checkout("p1", Redirect(url)))
    books.place_order({"candle": 1}, attempts=0)

    with books.open(), pytest.raises(Rejected):
        payments.start(books.order.id, "mintcash")

    payment = books.payment
    assert (payment.status, payment.failure_code) == ("failed", "foreign_page")
    assert (payment.page_url, books.order.status) == (None, "open")


def store(books: Books, payment: dict[str, Any], reference: str) -> None:
    """MintCash's answer to a call for a page arrives."""
    checkout = Checkout(reference, Redirect(f"{mintcash.PAGE}/{reference}"))
    with books.open():
        pages.record_page(payment["externalId"], payments.providers()["mintcash"], checkout)


def test_an_answer_that_comes_after_another_is_never_shown(books: Books) -> None:
    """T13: two presses asked, and the shopper is on the first page already."""
    (payment,) = books.place_order({"candle": 1})

    store(books, payment, "another")

    assert books.payment.page_url == payment["redirectUrl"]
    assert books.payment.provider_reference == payment["id"]


def test_an_answer_with_the_reference_of_another_payment_is_refused(books: Books) -> None:
    (first,) = books.place_order({"candle": 1})
    (second,) = books.place_order({"candle": 1}, page_known=False)

    with pytest.raises(Rejected):
        store(books, second, first["id"])

    with books.open():
        found = db.session.get_one(Payment, second["externalId"])
        assert (found.status, found.page_url, found.provider_reference) == ("failed", None, None)


def test_a_refusal_is_kept_without_our_secrets(
    settings: config.Settings, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider may quote what it was sent."""
    secret = settings.secret_key.get_secret_value()

    def refuse(*_: Any) -> Checkout:
        raise Rejected(f"no account has the key {secret}")

    monkeypatch.setattr(provider, "start_checkout", refuse)
    books.place_order({"candle": 1}, attempts=0)
    with books.open(), pytest.raises(Rejected):
        payments.start(books.order.id, "mintcash")

    payment = books.payment
    assert (payment.status, payment.failure_code) == ("failed", "rejected")
    assert "no account has the key" in str(payment.failure_message)
    assert secret not in str(payment.failure_message)


def test_a_press_that_fails_lets_the_next_one_ask(
    books: Books, monkeypatch: pytest.MonkeyPatch, mintcash_api: mintcash.Api
) -> None:
    """T13."""
    ask, calls = provider.start_checkout, []

    def fail_once(*call: Any) -> Checkout:
        calls.append(call)
        if len(calls) == 1:
            raise Unreachable("no answer")
        return ask(*call)

    monkeypatch.setattr(provider, "start_checkout", fail_once)
    books.place_order({"candle": 1}, attempts=0)
    with books.open(), pytest.raises(Unreachable):
        payments.start(books.order.id, "mintcash")

    with books.open():
        url = payments.start(books.order.id, "mintcash")
    assert url == mintcash_api.newest["redirectUrl"]
