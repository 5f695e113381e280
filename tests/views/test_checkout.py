"""Checkout from outside: what is asked, what is refused, and where the shopper is sent."""

import re

import pytest
import requests
import responses

import providers.mintcash

from .. import mintcash
from ..books import Books
from ..shopper import ANN, Shopper

#: One database will do: what needs two is in tests/payments, tests/jobs and test_at_once.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_the_shopper_is_sent_to_the_page_that_the_provider_named(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.add("candle", 2)

    answer = shopper.check_out()

    assert answer.status_code == 303
    assert answer.location == mintcash_api.newest["redirectUrl"]
    assert books.payment.amount == 5600
    assert books.payment.currency == "USD"


def test_the_provider_is_asked_with_our_reference_and_the_shoppers_name(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.add("candle")

    shopper.check_out()

    (sent,) = mintcash_api.calls
    order, payment = books.order, books.payment
    assert sent["externalId"] == payment.id
    assert sent["amount"] == 2800
    assert sent["returnUrl"] == f"http://127.0.0.1:5000/orders/{order.id}/return/mintcash"
    assert sent["customer"]["email"] == "ann@example.com"
    assert sent["billing"] == {"country": "BE", "postalCode": "9000"}


def test_the_same_customer_is_named_for_the_same_address(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    shopper.add("candle")
    shopper.check_out()
    shopper.add("candle")
    shopper.check_out(email="Ann@Example.com")
    shopper.add("candle")
    shopper.check_out(email="bob@example.com")

    first, again, other = (call["customer"]["externalId"] for call in mintcash_api.calls)
    assert first == again != other


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Please tell us your name."),
        ("name", "  ", "Please tell us your name."),
        ("name", "Ann\r\nBcc: x@example.com", "Please leave out line breaks"),
        ("email", "ann@", "This does not look like an e-mail address"),
        ("email", "", "Please give an e-mail address"),
        ("line1", "", "Where should we send it?"),
        ("city", "", "Which city?"),
        ("postal_code", "", "Which postal code?"),
        ("country", "", "Which country?"),
        ("country", "XX", "Not a valid choice"),
        ("provider", "", "Please choose how to pay."),
        ("provider", "paypal", "Not a valid choice"),
    ],
)
def test_what_is_missing_is_said_beside_the_field_and_nothing_typed_is_lost(
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    field: str,
    value: str,
    sentence: str,
) -> None:
    shopper.add("candle")

    answer = shopper.check_out(**{field: value})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert mintcash_api.calls == []
    for name, kept in ANN.items():
        if name not in (field, "provider", "country") and kept:
            assert f'value="{kept}"' in answer.text


def test_only_goods_that_ship_ask_for_an_address(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    shopper.add("cookbook")
    assert "Street" not in shopper.get("/checkout").text

    answer = shopper.check_out(line1="", city="", postal_code="", country="")

    assert answer.status_code == 303
    assert "billing" not in mintcash_api.calls[0]


@pytest.mark.parametrize("field", ["total", "amount", "price", "unit_price", "currency"])
def test_nothing_that_the_browser_sends_is_a_price(
    shopper: Shopper, mintcash_api: mintcash.Api, field: str
) -> None:
    """B15."""
    shopper.add("candle")

    shopper.check_out(**{field: "1"})

    assert (mintcash_api.newest["amount"], mintcash_api.newest["currency"]) == (2800, "USD")


def test_a_form_without_its_token_changes_nothing(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """G10."""
    shopper.add("candle")

    answer = shopper.client.post("/checkout", base_url="http://127.0.0.1:5000", data=ANN)

    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert mintcash_api.calls == []


def test_an_empty_cart_has_no_checkout(shopper: Shopper) -> None:
    answer = shopper.get("/checkout")

    assert (answer.status_code, answer.location) == (302, "/cart")


def test_a_currency_that_no_provider_takes_is_said_and_not_sold(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    shopper.add("candle")
    shopper.post("/currency", {"currency": "TTD"})

    assert "MintCash takes USD, EUR and GBP, not TTD." in shopper.get("/checkout").text
    assert shopper.check_out().status_code == 422
    assert mintcash_api.calls == []


def test_a_cart_changed_after_checkout_is_a_new_order(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """B16: the first order stays the snapshot that its payment asks for."""
    shopper.add("candle")
    shopper.check_out()
    shopper.add("candle")
    shopper.check_out()

    first, second = mintcash_api.payments.values()
    assert (first["amount"], second["amount"]) == (2800, 5600)


def test_a_provider_that_is_out_of_reach_is_said_and_the_form_is_kept(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    mintcash_api.mock.replace(responses.POST, f"{mintcash.API}/payments", json={}, status=503)
    shopper.add("candle")

    answer = shopper.check_out()

    assert answer.status_code == 502
    assert "does not answer right now. Nothing was charged" in answer.text
    assert 'value="ann@example.com"' in answer.text
    references = {call.request.body for call in mintcash_api.mock.calls}
    assert len(references) == 1, "repeated with the same externalId"
    assert books.payment.status == "created", "it may exist there: not failed"


def test_an_order_whose_provider_was_never_called_is_paid_by_the_next_press(
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F1: the process died between the order and the call."""

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    shopper.add("candle")
    with monkeypatch.context() as patch:
        patch.setattr(providers.mintcash, "start_checkout", die)
        with pytest.raises(Killed):
            shopper.check_out()
    left = books.payment
    assert (left.status, left.page_url, books.order.status) == ("created", None, "open")

    answer = shopper.check_out()

    assert answer.location == mintcash_api.newest["redirectUrl"]
    assert mintcash_api.newest["externalId"] == left.id == books.payment.id


def test_pressing_again_after_a_lost_answer_repeats_the_same_reference(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C7, F2, Adyen/adyen-commercetools#1305."""
    lost = mintcash_api.mock.replace(
        responses.POST, f"{mintcash.API}/payments", json={}, status=502
    )
    shopper.add("candle")
    shopper.check_out()
    before = books.payment.id
    mintcash_api.mock.remove(lost)
    mintcash_api.mock.add_callback(responses.POST, f"{mintcash.API}/payments", mintcash_api.create)

    answer = shopper.check_out()

    assert answer.location == mintcash_api.newest["redirectUrl"]
    assert mintcash_api.newest["externalId"] == before == books.payment.id


def test_a_reference_that_is_taken_gets_one_new_attempt(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C8: the answer was lost, the e-mail was corrected, so the payload differs: 409."""
    mintcash_api.before_reply = _lose_the_answer
    shopper.add("candle")
    assert shopper.check_out().status_code == 502
    mintcash_api.before_reply = None

    answer = shopper.check_out(email="anna@example.com")

    assert answer.location == mintcash_api.newest["redirectUrl"]
    old, new = books.payments
    assert (old.status, old.failure_code) == ("failed", "reference_taken")
    assert new.provider_reference == mintcash_api.newest["id"]


def _lose_the_answer(payment: object) -> None:
    raise requests.ConnectionError("the line drops after the payment is made")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/pay",
        "http://127.0.0.1:5001.evil.example/pay",
        "http://127.0.0.1:5001@evil.example/pay",
        "https://127.0.0.1:5001/pay",
        "javascript:alert(1)",
        "//evil.example",
        "",
    ],
)
def test_the_shopper_is_sent_only_to_a_host_that_the_provider_is_known_by(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, url: str
) -> None:
    """G6."""
    mintcash_api.mock.replace(
        responses.POST,
        f"{mintcash.API}/payments",
        json={"id": "pmt_1", "redirectUrl": url, "status": "created"},
    )
    shopper.add("candle")

    answer = shopper.check_out()

    assert answer.status_code == 502
    assert "This payment page cannot be opened right now." in answer.text
    assert "evil" not in str(answer.headers)
    assert books.payment.page_url is None


def test_a_second_payment_under_our_reference_is_not_paid(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C7: the webhook has named the payment; an answer about another one is not believed."""

    def name_another(payment: dict[str, object]) -> None:
        first = {**payment, "id": "pmt_first"}
        Shopper(shopper.app).deliver(*mintcash.event(first, "pending"))

    mintcash_api.before_reply = name_another
    shopper.add("candle")

    answer = shopper.check_out()

    assert answer.status_code == 502
    assert (books.payment.provider_reference, books.payment.page_url) == ("pmt_first", None)


def test_an_order_that_is_paid_cannot_be_paid_again(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.add("candle")
    shopper.check_out()
    shopper.deliver(*mintcash.event(mintcash_api.newest, "succeeded"))

    answer = shopper.check_out()

    assert answer.location == f"/orders/{books.order.id}"
    assert len(mintcash_api.payments) == 1


def test_the_page_leads_to_the_provider_by_a_plain_form(shopper: Shopper) -> None:
    """A fetch by htmx cannot follow a 303 to another site."""
    shopper.add("candle")

    page = shopper.get("/checkout").text

    form = re.search(r'<form[^>]*action="/checkout"[^>]*>', page)
    assert form
    assert "hx-" not in form.group()
