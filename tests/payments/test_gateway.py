"""The configured providers, a payment as a provider is told about it, and our addresses."""

from typing import Any

import pytest
from flask import Flask

import payments
from database import db
from models import Order, Payment
from payments import gateway
from providers import FOLDERS
from providers.contract import PaymentRequest

from ..books import Books
from ..shopper import BASE_URL


def test_only_providers_with_settings_are_configured(app: Flask) -> None:
    with app.app_context():
        assert sorted(payments.providers()) == sorted(FOLDERS), "the examples are off"
        known = {"hitpay": "part", "wipay": "full", "handcash": "", "another": ""}
        for provider, refunds in known.items():
            assert gateway.refunds_of(Payment(provider=provider, order=Order())) == refunds
        charge = Payment(provider="mintcash", provider_reference="sub_1@1", order=Order())
        assert gateway.refunds_of(charge) == "", "a subscription's charge has no documented id"


def told(books: Books, payment: dict[str, Any]) -> PaymentRequest:
    """This payment, as its provider is told about it."""
    with books.open():
        return gateway.request_for(db.session.get_one(Payment, payment["externalId"]))


def test_a_provider_is_told_what_the_order_costs_and_what_is_in_it(books: Books) -> None:
    (payment,) = books.place_order({"candle": 2, "cookbook": 1})

    request = told(books, payment)

    assert (request.reference, request.provider_reference) == (payment["externalId"], payment["id"])
    assert (request.amount, request.currency) == (payment["amount"], "USD")
    assert sum(line.amount for line in request.lines) == request.amount
    assert any(line.description.startswith("2 × ") for line in request.lines)
    assert books.order.number in request.description
    assert request.customer.name == "Ann Example"


@pytest.mark.parametrize(("slug", "is_told"), [("candle", True), ("cookbook", False)])
def test_a_provider_is_told_the_address_of_a_parcel_only(
    books: Books, slug: str, is_told: bool
) -> None:
    (payment,) = books.place_order({slug: 1})

    assert (told(books, payment).address is not None) is is_told


def test_a_provider_comes_back_to_the_address_of_the_shop_whatever_host_was_asked(
    app: Flask,
) -> None:
    with app.test_request_context(base_url="https://evil.example"):
        urls = gateway.urls_for("0" * 32, "mintcash")

    assert urls.return_url == f"{BASE_URL}/orders/{'0' * 32}/return/mintcash"
    assert urls.webhook_url == f"{BASE_URL}/webhooks/mintcash"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("X-Signature", "0123456789abcdef0", "…def0"),
        ("Hitpay-Signature", "0123456789abcdef", "…"),
        ("Authorization", "Basic cGs6c2s=", "…"),
        ("X-Api-Key", "", "…"),
        ("X-Wipay-Webhook-Id", "w1", "w1"),
        ("Content-Type", "application/json", "application/json"),
    ],
)
def test_of_a_secret_header_at_most_the_last_four_characters_are_kept(
    name: str, value: str, kept: str
) -> None:
    """I2."""
    assert gateway.masked({name: value}) == {name: kept}
