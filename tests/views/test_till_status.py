"""The states of a sale, in words for the person behind the till."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from database import now
from models import Order, Payment
from views.till_status import FINAL, WITH_CODE, WORDS, describe

LATER = timedelta(hours=1)


def payment(**values: Any) -> Payment:
    usual = {
        **{"provider": "mintcash", "method": "", "status": "created", "page_url": "http://x/pay"},
        **{"amount": 1250, "currency": "USD", "received": 0, "refunded": 0, "checks": 0},
        **{"abandoned": False, "page_expires_at": now() + LATER, "created_at": now()},
    }
    return Payment(**{**usual, **values})


def order(**values: Any) -> Order:
    usual = {"id": "a" * 32, "status": "open", "total": 1250, "currency": "USD", "credit": 0}
    return Order(**{**usual, **values})


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "code"),
        ({"next_action": {"kind": "qr", "payload": "x"}}, "code"),
        ({"next_action": {"kind": "qr", "payload": "x"}, "page_expires_at": now()}, "code_expired"),
        ({"returned_at": now()}, "confirming"),
        ({"hint": "canceled"}, "left"),
        ({"page_expires_at": now()}, "closed"),
        ({"status": "partially_paid", "received": 500}, "partial"),
        ({"status": "failed", "failure_code": "card_declined"}, "failed"),
        ({"status": "failed", "failure_code": "rejected"}, "unpaid"),
        ({"status": "expired"}, "expired"),
        ({"status": "canceled"}, "canceled"),
        ({"abandoned": True}, "closing"),
        ({"abandoned": True, "status": "canceled"}, "canceled"),
        ({"page_url": None}, "unpaid"),
    ],
)
def test_an_open_sale_is_told_by_its_payment(
    app: Flask, values: dict[str, Any], state: str
) -> None:
    with app.test_request_context():
        view = describe(order(), payment(**values))

    assert view.state == state
    assert (view.page_url is not None) == (state in WITH_CODE)
    assert "{" not in view.headline + view.sentence


@pytest.mark.parametrize("status", ["paid", "held"])
def test_a_paid_or_held_sale_is_final_whatever_is_abandoned(app: Flask, status: str) -> None:
    with app.test_request_context():
        view = describe(order(status=status, held_reason="too little"), payment(abandoned=True))

    assert (view.state, view.is_final, view.can_cancel) == (status, True, False)


@pytest.mark.parametrize(
    "values", [{"refunded": 300}, {"refund_asked": 300}, {"dispute": "opened"}]
)
def test_a_sale_whose_money_went_away_again_says_so(app: Flask, values: dict[str, Any]) -> None:
    paying = payment(id="p", status="succeeded", **{"received": 1250, "refund_asked": 0, **values})

    with app.test_request_context():
        view = describe(order(status="paid", paid_by="p", must_keep=1250), paying)

    assert (view.state, view.is_final, view.can_cancel) == ("stopped", True, False)
    assert "of US$12.50 was refunded" in view.sentence


def test_a_sale_that_no_provider_was_asked_about_is_unpaid(app: Flask) -> None:
    with app.test_request_context():
        assert describe(order(), None).state == "unpaid"


@pytest.mark.parametrize("kind", ["form", "embed"])
def test_a_page_that_is_posted_or_embedded_is_reached_through_ours(app: Flask, kind: str) -> None:
    found = payment(order_id="a" * 32, next_action={"kind": kind})

    with app.test_request_context():
        view = describe(order(), found)

    assert view.payload == view.page_url == f"http://127.0.0.1:5000/orders/{'a' * 32}/pay"


def test_a_provider_s_own_code_is_shown_in_place_of_ours(app: Flask) -> None:
    """HandCash's is an address of its own kind, which opens its app."""
    found = payment(next_action={"kind": "redirect", "qr_image": "http://x/qr"})

    with app.test_request_context():
        assert describe(order(), found).qr_image == "http://x/qr"


def test_every_state_has_words() -> None:
    assert {*FINAL, *WITH_CODE} < WORDS.keys()
