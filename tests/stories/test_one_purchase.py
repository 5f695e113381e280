"""One purchase, from the cart to the receipt, that public shops got wrong."""

import re

from werkzeug.test import TestResponse

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..purchases import ALL_EFFECTS
from ..shopper import Shopper


def test_a_paid_order_is_fulfilled_once(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    assert bought.location == mintcash_api.newest["redirectUrl"]

    answer = shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert (answer.status_code, answer.text) == (200, "ok")
    assert books.order.status == "paid"
    assert books.stock("bud-vase") == 2
    books.work()
    books.work()
    assert books.fulfilled() == ALL_EFFECTS


def test_the_cart_is_intact_after_cancel_and_the_order_can_be_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "failed", failureCode="canceled"))
    order_id = books.order.id

    page = shopper.get(f"/orders/{order_id}").text
    assert "The payment was canceled" in page
    assert "Bud vase" in shopper.get("/cart").text

    again = shopper.post(f"/orders/{order_id}/payments", {"provider": "mintcash"})
    assert again.location == mintcash_api.newest["redirectUrl"]
    references = {p["externalId"] for p in mintcash_api.payments.values()}
    assert len(references) == 2, "a new attempt needs a new externalId"
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert books.order.status == "paid"


def test_the_cart_is_empty_once_its_order_is_paid(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    shopper.get(f"/orders/{books.order.id}")

    assert "Bud vase" not in shopper.get("/cart").text


def test_an_address_in_the_news_is_neither_fetched_nor_made_a_link(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """G8: a logo, a receipt, an explorer of some chain."""
    called = len(mintcash_api.mock.calls)
    foreign = {"logo": "https://evil.example/logo.png", "receiptUrl": "https://evil.example/r"}

    assert shopper.deliver(*event(mintcash_api.newest, "succeeded", **foreign)).status_code == 200
    books.work()

    assert books.order.status == "paid"
    assert len(mintcash_api.mock.calls) == called
    assert "evil.example" not in shopper.get(f"/orders/{books.order.id}").text
    console = shopper.get(f"/console/orders/{books.order.id}").text
    assert "evil.example" in console
    assert not re.search(r'(href|src)="[^"]*evil', console)


def test_return_and_webhook_together_send_one_receipt(
    bought: TestResponse, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """C4, saleor/saleor#12647, Automattic/woocommerce-payments#3520, Adyen/adyen-magento2#24.

    One after the other, each twice; at once: ``test_at_once.py``.
    """
    order_id, delivery = books.order.id, event(mintcash_api.newest, "succeeded")
    for _ in range(2):
        shopper.get(f"/orders/{order_id}/return/mintcash")
        shopper.deliver(*delivery)
        books.make_checks_due()
        books.sweep()

    assert books.fulfilled() == ALL_EFFECTS
