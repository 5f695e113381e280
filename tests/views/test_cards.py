"""Saved cards from outside: saved on WiPay's page, owned by a device, verified, deleted."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import select, update

import config
from app import create_app
from database import db, now, transaction
from models import SavedCard
from providers.optional import Card
from views import cards

from ..books import Books
from ..conftest import close
from ..shopper import BASE_URL, Shopper

API = "http://127.0.0.1:5001/wipay/wapi/trusted-cards"
PAGE = "http://127.0.0.1:5001/wipay/checkout/payment?_data=b3BhcXVl"
Answer = tuple[int, dict[str, str], str]


@dataclass
class Wipay:
    """WiPay's Trusted Cards, imitated inside this process."""

    mock: responses.RequestsMock
    amount: str = "0.80"
    page: str = PAGE
    forgets: bool = True  # a card after a wrong amount
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    return_urls: list[str] = field(default_factory=list)
    meanwhile: list[Callable[[], Any]] = field(default_factory=list)  # while a card is asked for

    def create(self, request: requests.PreparedRequest) -> Answer:
        self.visits.append(f"SB-{len(self.visits) + 1}-1-{uuid.uuid4().hex[:10]}-20261121034501")
        self.return_urls.append(dict(parse_qsl(str(request.body)))["response_url"])
        return _answer(200, {"url": self.page, "transaction_id": self.visits[-1]})

    def verify(self, request: requests.PreparedRequest) -> Answer:
        card = self.cards[str(request.url).split("/")[-2]]
        if card["verified"]:
            return _answer(403, {"message": "Your card has already been verified."})
        if request.body != f"amount={self.amount}":
            if self.forgets:
                del self.cards[card["uuid"]]
            return _answer(400, {"message": "The amount is incorrect."})
        card |= {"verified": True, "verify_expiry": None}
        return _answer(200, {"message": "OK"})

    def fetch(self, request: requests.PreparedRequest) -> Answer:
        if self.meanwhile:
            self.meanwhile.pop()()
        card = self.cards.get(str(request.url).split("/")[-1])
        return _answer(200, {"message": "OK", "data": card or []})

    def delete(self, request: requests.PreparedRequest) -> Answer:
        self.deleted.append(str(request.url).split("/")[-1])
        self.cards.pop(self.deleted[-1], None)
        return _answer(200, {"message": "OK"})

    def typed(self, **changes: Any) -> str:
        """Type a card on the page; its id."""
        card_id = str(uuid.uuid4())
        self.cards[card_id] = {
            "uuid": card_id,
            "card_type": "visa",
            "pan": "************1111",
            "verified": False,
            "verify_expiry": (now() + timedelta(days=3)).isoformat(),
        } | changes
        return card_id


def _answer(status: int, body: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body)


@pytest.fixture
def wipay() -> Iterator[Wipay]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        api = Wipay(mock)
        one = f"{re.escape(API)}/[^/]+"
        mock.add_callback(responses.POST, API, api.create)
        mock.add_callback(responses.POST, re.compile(f"{one}/verify$"), api.verify)
        mock.add_callback(responses.GET, re.compile(f"{one}$"), api.fetch)
        mock.add_callback(responses.DELETE, re.compile(f"{one}$"), api.delete)
        yield api


def rows(books: Books) -> list[SavedCard]:
    with books.open():
        found = list(db.session.scalars(select(SavedCard).order_by(SavedCard.created_at)))
        db.session.expunge_all()
        return found


def come_back(shopper: Shopper, visit: str, card_id: str, **changes: str) -> Any:
    query = {"status": "success", "transaction_id": visit, "uuid": card_id, **changes}
    return shopper.get("/cards/return/wipay", query_string=query)


def save(shopper: Shopper, wipay: Wipay) -> str:
    """Save a card as far as the verify page; its address."""
    assert shopper.post("/cards/wipay").status_code == 303
    answer = come_back(shopper, wipay.visits[-1], wipay.typed())
    assert answer.status_code == 303
    return str(answer.location)


def offered(app: Flask, shopper: Shopper) -> list[str]:
    """What checkout would offer to this device."""
    cookie = shopper.client.get_cookie("device", domain="127.0.0.1")
    headers = {"Cookie": f"device={cookie.value}"} if cookie else {}
    with app.test_request_context("/checkout", base_url=BASE_URL, headers=headers):
        return [card.label for card in cards.saved_cards()]


# ------------------------------------------------------------------ saving


def test_a_device_without_cards_is_offered_to_save_one(shopper: Shopper, wipay: Wipay) -> None:
    page = shopper.get("/cards")

    assert page.status_code == 200
    assert "No card is saved on this device." in page.text
    assert "Save a card with WiPay" in page.text
    assert shopper.client.get_cookie("device", domain="127.0.0.1") is None


def test_the_shopper_is_sent_to_wipays_page_and_the_device_is_known(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    answer = shopper.post("/cards/wipay")

    assert (answer.status_code, answer.location) == (303, PAGE)
    assert wipay.return_urls == [f"{BASE_URL}/cards/return/wipay"]
    cookie = shopper.client.get_cookie("device", domain="127.0.0.1")
    assert cookie is not None
    assert len(cookie.value) == 64
    assert cookie.http_only
    assert (cookie.same_site, cookie.path, cookie.secure) == ("Lax", "/", False)
    assert cookie.max_age == 365 * 24 * 3600
    (row,) = rows(books)
    assert row.device == hashlib.sha256(cookie.value.encode()).hexdigest()
    assert (row.transaction_id, row.card_id) == (wipay.visits[0], None)


def test_a_second_card_belongs_to_the_same_device(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    save(shopper, wipay)
    save(shopper, wipay)

    first, second = rows(books)
    assert first.device == second.device
    assert shopper.get("/cards").text.count("Visa ending 1111") == 2


def test_on_https_the_cookie_is_bound_to_the_host(settings: config.Settings, wipay: Wipay) -> None:
    app = create_app(
        config.load(
            **settings.model_dump(include={"database_url", "jobs_url"}),
            base_url="https://shop.example",
        )
    )
    client = app.test_client()
    page = client.get("/cards", base_url="https://shop.example").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]

    answer = client.post(
        "/cards/wipay",
        base_url="https://shop.example",
        data={"csrf_token": token},
        headers={"Referer": "https://shop.example/cards"},
    )
    close(app)

    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "device" in each]
    assert cookie.startswith("__Host-device=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "page",
    ["https://pay.example.invalid/x", "javascript:alert(1)", "http://127.0.0.1:5001@evil.example/"],
)
def test_no_shopper_is_sent_to_a_foreign_page(
    shopper: Shopper, wipay: Wipay, books: Books, page: str
) -> None:
    """G6."""
    wipay.page = page

    answer = shopper.post("/cards/wipay")

    assert answer.status_code == 502
    assert "WiPay cannot save a card right now." in answer.text
    assert rows(books) == []


def test_without_an_answer_there_is_a_sentence(shopper: Shopper, books: Books) -> None:
    with responses.RequestsMock() as mock:
        mock.post(API, body=requests.ConnectionError())

        answer = shopper.post("/cards/wipay")

    assert answer.status_code == 502
    assert "WiPay cannot save a card right now." in answer.text


def test_every_change_needs_the_forms_token(shopper: Shopper, wipay: Wipay, books: Books) -> None:
    """G10."""
    verify = save(shopper, wipay)
    forget = verify.replace("/verify", "/delete")
    before = shopper.get("/cards").text

    for path in ("/cards/wipay", verify, forget):
        assert shopper.client.post(path, base_url=BASE_URL).status_code == 400

    assert len(wipay.visits) == 1
    assert len(rows(books)) == 1
    assert "Visa ending 1111" in before


@pytest.mark.parametrize("provider", ["mintcash", "acme"])
def test_a_provider_that_keeps_no_cards_has_no_page(shopper: Shopper, provider: str) -> None:
    assert shopper.post(f"/cards/{provider}").status_code == 404
    assert shopper.get(f"/cards/return/{provider}").status_code == 404


def test_an_account_without_a_wapi_key_keeps_no_cards(settings: config.Settings) -> None:
    app = create_app(settings.model_copy(update={"wipay_wapi_key": ""}))
    page = app.test_client().get("/cards", base_url=BASE_URL).text
    close(app)

    assert "Cards cannot be saved here at the moment." in page
    assert "Save a card with" not in page


# ------------------------------------------------------------------ coming back


def test_the_card_is_asked_for_and_only_its_label_is_kept(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    verify = save(shopper, wipay)

    (row,) = rows(books)
    assert verify == f"/cards/{row.id}/verify"
    assert (row.card_id, row.label) == (next(iter(wipay.cards)), "Visa ending 1111")
    assert not row.verified
    assert "Verify Visa ending 1111" in shopper.get(verify).text
    assert "Not verified yet" in shopper.get("/cards").text


def test_a_card_that_wipay_does_not_know_is_not_believed(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    shopper.post("/cards/wipay")

    answer = come_back(shopper, wipay.visits[0], str(uuid.uuid4()))

    assert answer.location == "/cards"
    assert "WiPay did not save a card." in shopper.get("/cards").text
    assert [row.card_id for row in rows(books)] == [None]


def test_a_visit_of_another_device_is_not_ours(
    app: Flask, shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    thief = Shopper(app)
    thief.post("/cards/wipay")
    shopper.post("/cards/wipay")
    card_id = wipay.typed()

    come_back(thief, wipay.visits[1], card_id)

    assert "was not saved on this device" in thief.get("/cards").text
    assert {row.card_id for row in rows(books)} == {None}


def test_a_card_that_another_device_has_is_refused(
    app: Flask, shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    save(shopper, wipay)
    (card_id,) = wipay.cards
    thief = Shopper(app)
    thief.post("/cards/wipay")

    come_back(thief, wipay.visits[1], card_id)

    assert "WiPay did not save a card." in thief.get("/cards").text
    assert [row.card_id for row in rows(books)] == [card_id, None]


def test_a_card_that_was_verified_elsewhere_is_refused(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    """To know the id of a card does not prove that it is yours."""
    shopper.post("/cards/wipay")

    come_back(shopper, wipay.visits[0], wipay.typed(verified=True, verify_expiry=None))

    assert [row.card_id for row in rows(books)] == [None]


def test_the_same_return_opened_again_changes_nothing(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    verify = save(shopper, wipay)
    (card_id,) = wipay.cards

    again = come_back(shopper, wipay.visits[0], card_id)
    other = come_back(shopper, wipay.visits[0], wipay.typed())

    assert again.location == verify
    assert other.location == "/cards"
    assert [row.card_id for row in rows(books)] == [card_id]


def return_twice_at_once(app: Flask, shopper: Shopper, wipay: Wipay) -> tuple[str, str]:
    """One visit comes back with two cards, the second while the first is asked for: both ids."""
    shopper.post("/cards/wipay")
    cookie = shopper.client.get_cookie("device", domain="127.0.0.1")
    assert cookie is not None
    other_tab = Shopper(app)
    other_tab.client.set_cookie("device", cookie.value, domain="127.0.0.1")
    slow, fast = wipay.typed(), wipay.typed()
    wipay.meanwhile = [lambda: come_back(other_tab, wipay.visits[0], fast)]
    come_back(shopper, wipay.visits[0], slow)
    return slow, fast


def test_of_two_returns_at_once_the_first_to_be_recorded_stays(
    app: Flask, shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    _, fast = return_twice_at_once(app, shopper, wipay)

    assert [row.card_id for row in rows(books)] == [fast]


def test_without_the_condition_the_second_return_would_take_its_place(
    app: Flask, shopper: Shopper, wipay: Wipay, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above: it must see what the condition prevents."""

    def claim(visit: SavedCard, card: Card) -> bool:
        with transaction() as session:
            mine = update(SavedCard).where(SavedCard.id == visit.id)
            session.execute(mine.values(card_id=card.id))
        return True

    monkeypatch.setattr(cards, "_claim", claim)

    slow, _ = return_twice_at_once(app, shopper, wipay)

    assert [row.card_id for row in rows(books)] == [slow]


def test_a_declined_card_is_said_to_be_not_saved(shopper: Shopper, wipay: Wipay) -> None:
    shopper.post("/cards/wipay")

    come_back(shopper, wipay.visits[0], "", status="failed")

    assert "WiPay did not save a card." in shopper.get("/cards").text


def test_when_wipay_does_not_answer_the_return_can_be_loaded_again(
    shopper: Shopper, wipay: Wipay
) -> None:
    shopper.post("/cards/wipay")
    card_id = wipay.typed()
    with responses.RequestsMock() as mock:
        mock.get(f"{API}/{card_id}", json={}, status=500)
        first = come_back(shopper, wipay.visits[0], card_id)

    assert first.status_code == 502
    assert "Please load this page again." in first.text
    assert come_back(shopper, wipay.visits[0], card_id).location.endswith("/verify")


def test_visits_without_a_return_are_forgotten_after_a_day(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    shopper.post("/cards/wipay")
    save(shopper, wipay)
    with books.open(), transaction() as session:
        session.execute(update(SavedCard).values(created_at=now() - timedelta(days=2)))

    shopper.post("/cards/wipay")

    assert [bool(row.card_id) for row in rows(books)] == [True, False]


# ------------------------------------------------------------------ verifying


@pytest.mark.parametrize("typed", ["0.80", " 0.80 ", "0,80"])
def test_the_right_amount_makes_the_card_ready_to_pay_with(
    app: Flask, shopper: Shopper, wipay: Wipay, typed: str
) -> None:
    verify = save(shopper, wipay)
    assert offered(app, shopper) == []

    answer = shopper.post(verify, {"amount": typed})

    assert answer.location == "/cards"
    page = shopper.get("/cards").text
    assert "Visa ending 1111 is verified." in page
    assert "you can pay with it at checkout" in page
    assert offered(app, shopper) == ["Visa ending 1111"]
    assert shopper.get(verify).location == "/cards"


@pytest.mark.parametrize(
    "typed", ["", "eighty", "$0.80", "0", "0.00", "0.801", "-1", "1e1", "０.80"]
)
def test_what_is_no_amount_is_not_sent(
    shopper: Shopper, wipay: Wipay, books: Books, typed: str
) -> None:
    """A wrong amount may cost the card."""
    verify = save(shopper, wipay)

    answer = shopper.post(verify, {"amount": typed})

    assert answer.status_code == 422
    assert 'aria-describedby="amount-hint amount-error"' in answer.text
    assert len(wipay.cards) == 1


def test_a_wrong_amount_is_said_and_can_be_put_right(
    app: Flask, shopper: Shopper, wipay: Wipay
) -> None:
    wipay.forgets = False
    verify = save(shopper, wipay)

    answer = shopper.post(verify, {"amount": "0.70"})

    assert answer.status_code == 422
    assert "This is not the amount that was debited." in answer.text
    assert 'value="0.70"' in answer.text
    assert shopper.post(verify, {"amount": "0.80"}).status_code == 303
    assert offered(app, shopper) == ["Visa ending 1111"]


def test_the_amount_cannot_be_guessed_without_end(
    app: Flask, shopper: Shopper, wipay: Wipay
) -> None:
    """ASVS 2.4.1: what is debited is small; a thief of the card alone would try them all."""
    wipay.forgets = False
    verify = save(shopper, wipay)

    answers = [shopper.post(verify, {"amount": f"0.{cents}"}) for cents in range(73, 81)]

    assert [each.status_code for each in answers] == [422] * 6 + [429] * 2, "0.80 was the last"
    assert offered(app, shopper) == []


def test_a_card_that_wipay_forgot_over_a_wrong_amount_is_gone_here_too(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    verify = save(shopper, wipay)

    answer = shopper.post(verify, {"amount": "0.70"})

    assert answer.location == "/cards"
    assert "WiPay does not take this, and forgot the card." in shopper.get("/cards").text
    assert rows(books) == []


def test_too_late_is_said(shopper: Shopper, wipay: Wipay) -> None:
    verify = save(shopper, wipay)
    (card_id,) = wipay.cards
    with responses.RequestsMock() as mock:
        expired = {"message": "The verification window has expired."}
        mock.post(f"{API}/{card_id}/verify", json=expired, status=403)
        mock.get(f"{API}/{card_id}", json={"data": wipay.cards[card_id]})

        answer = shopper.post(verify, {"amount": "0.80"})

    assert answer.status_code == 422
    assert "The time to verify this card has passed." in answer.text


def test_a_card_whose_time_has_passed_is_shown_as_such(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    save(shopper, wipay)
    with books.open(), transaction() as session:
        session.execute(update(SavedCard).values(verify_by=now() - timedelta(minutes=1)))

    page = shopper.get("/cards").text

    assert "The time to verify it has passed." in page
    assert ">Verify<" not in page


def test_when_wipay_does_not_answer_the_amount_can_be_sent_again(
    app: Flask, shopper: Shopper, wipay: Wipay
) -> None:
    verify = save(shopper, wipay)
    (card_id,) = wipay.cards
    wipay.cards[card_id]["verified"] = True  # it was done, and the answer lost
    with responses.RequestsMock() as mock:
        mock.post(f"{API}/{card_id}/verify", body=requests.ReadTimeout())
        answer = shopper.post(verify, {"amount": "0.80"})

    assert answer.status_code == 502
    assert "WiPay does not answer. Please try again." in answer.text
    assert shopper.post(verify, {"amount": "0.80"}).status_code == 303
    assert offered(app, shopper) == ["Visa ending 1111"]


# ------------------------------------------------------------------ whose card it is


def test_the_cards_of_another_device_are_not_there(
    app: Flask, shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    verify = save(shopper, wipay)
    shopper.post(verify, {"amount": "0.80"})
    for stranger in (Shopper(app), Shopper(app)):
        stranger.client.set_cookie("device", rows(books)[0].device, domain="127.0.0.1")

        assert "No card is saved" in stranger.get("/cards").text
        assert stranger.get(verify).status_code == 404
        assert stranger.post(verify, {"amount": "0.80"}).status_code == 404
        assert stranger.post(verify.replace("/verify", "/delete")).status_code == 404
        assert offered(app, stranger) == []
    assert wipay.deleted == []


@pytest.mark.parametrize("cookie", ["", "x", "é", "A" * 64, "0" * 63, "0" * 65])
def test_a_cookie_that_is_none_of_ours_is_no_device(
    shopper: Shopper, wipay: Wipay, books: Books, cookie: str
) -> None:
    shopper.client.set_cookie("device", cookie, domain="127.0.0.1")

    shopper.post("/cards/wipay")

    given = shopper.client.get_cookie("device", domain="127.0.0.1")
    assert given is not None
    assert given.value != cookie
    assert len(given.value) == 64


# ------------------------------------------------------------------ deleting


def test_a_card_is_deleted_at_wipay_and_then_here(
    app: Flask, shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    verify = save(shopper, wipay)
    shopper.post(verify, {"amount": "0.80"})
    (card_id,) = wipay.cards

    answer = shopper.post(verify.replace("/verify", "/delete"))

    assert answer.location == "/cards"
    assert "Visa ending 1111 is deleted." in shopper.get("/cards").text
    assert (wipay.deleted, rows(books)) == ([card_id], [])
    assert offered(app, shopper) == []


def test_a_card_that_may_still_be_at_wipay_is_kept_here(
    shopper: Shopper, wipay: Wipay, books: Books
) -> None:
    """Otherwise it could no longer be deleted there."""
    verify = save(shopper, wipay)
    (card_id,) = wipay.cards
    with responses.RequestsMock() as mock:
        mock.delete(f"{API}/{card_id}", json={"message": "Internal Server Error"}, status=500)
        shopper.post(verify.replace("/verify", "/delete"))

    assert "could not be deleted right now" in shopper.get("/cards").text
    assert len(rows(books)) == 1


def test_no_secret_of_the_device_is_stored(
    shopper: Shopper, wipay: Wipay, settings: config.Settings, books: Books
) -> None:
    """I1."""
    save(shopper, wipay)
    cookie = shopper.client.get_cookie("device", domain="127.0.0.1")
    assert cookie is not None

    kept = [str(vars(row)) for row in rows(books)]

    assert not any(cookie.value in row for row in kept)
    if settings.database_url.get_secret_value().startswith("sqlite"):
        path = Path(settings.database_url.get_secret_value().removeprefix("sqlite:///"))
        stored = b"".join(each.read_bytes() for each in path.parent.glob("shop.db*"))
        assert cookie.value.encode() not in stored
