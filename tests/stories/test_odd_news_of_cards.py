"""Odd but correctly signed news of MintCash and WiPay, from the wire to the order.

Each story says where it comes from; the tables of what an adapter reads are in ``tests/providers``.
"""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
import responses
import time_machine
from pydantic import SecretStr

from database import now
from payments import timing
from tools.shopper import filled

from .. import mintcash
from ..books import Books
from ..conftest import OpenShop
from ..purchases import check_now, deliver_to
from ..sandboxed import SANDBOX_URL, ShopAndSandbox
from ..shopper import Shopper

# ------------------------------------------------------------------ MintCash


COOKBOOK = {"cookbook": 1}  # US$12.00, a download


def say(shopper: Shopper, books: Books, word: str, event_id: str = "e1", **data: Any) -> int:
    """MintCash's webhook about the only payment; the HTTP status that it is answered with.

    A change of its ``data`` to ``...`` leaves a field out.
    """
    reference = books.payment.provider_reference
    said = {"id": reference, "status": word, "amount": 12, "currency": "USD", **data}
    event = {
        "eventId": event_id,
        "event": f"payment.{word}",
        "environment": "test",
        "data": {name: said[name] for name in said if said[name] is not ...},
    }
    return shopper.deliver(*mintcash.signed(json.dumps(event).encode())).status_code


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (33.1, "CAD", "CA$33.10"),
        (3648, "jpy", "JP¥3,648"),
        (12, "XAF", "FCFA"),
        (12, "USDC", "12"),
    ],
)
def test_money_in_a_currency_that_the_shop_does_not_know_is_held(
    shopper: Shopper, books: Books, amount: float, currency: str, said: str
) -> None:
    """P4, awesomemotive/easy-digital-downloads#2727, VivaPayments/API#603."""
    books.place_order(COOKBOOK)

    assert say(shopper, books, "succeeded", amount=amount, currency=currency) == 200

    assert (books.order.status, books.order.held_code) == ("held", "currency")
    assert said in str(books.payment.problem)
    assert books.payment.received == 0


MINTCASH_API = f"{SANDBOX_URL}/mintcash/payments"


def test_the_same_money_found_by_asking_is_held_too(
    shopper: Shopper, books: Books, api: responses.RequestsMock
) -> None:
    """P4."""
    (payment,) = books.place_order(COOKBOOK)
    answer = {"id": payment["id"], "status": "succeeded", "amount": 33.1, "currency": "CAD"}
    api.get(f"{MINTCASH_API}/{payment['id']}", json=answer)

    check_now(books)

    assert (books.order.status, books.order.held_code) == ("held", "currency")


def test_a_currency_in_small_letters_and_a_sum_with_noise_are_paid(
    shopper: Shopper, books: Books
) -> None:
    """P14, unzerdev/shopware6#9; P15, btcpayserver/btcpayserver#2146."""
    books.place_order(COOKBOOK)

    assert say(shopper, books, "succeeded", amount=12.000000000000002, currency="usd") == 200

    assert (books.order.status, books.payment.received) == ("paid", 1200)


@pytest.mark.parametrize("name", ["amount", "currency"])
@pytest.mark.parametrize("missing", [None, ...])
def test_success_without_a_sum_is_asked_about_at_once(
    shopper: Shopper, books: Books, api: responses.RequestsMock, name: str, missing: Any
) -> None:
    """P4, P9: neither refused for a day, nor believed to be all of it."""
    (payment,) = books.place_order(COOKBOOK)
    answer = {"id": payment["id"], "status": "succeeded", "amount": 12, "currency": "USD"}
    api.get(f"{MINTCASH_API}/{payment['id']}", json=answer)

    assert say(shopper, books, "succeeded", **{name: missing}) == 200
    assert (books.order.status, books.payment.received) == ("open", 0)
    books.sweep()

    assert (books.order.status, books.payment.received) == ("paid", 1200)


def test_an_answer_without_a_sum_is_asked_for_again_and_shown_to_a_person_in_the_end(
    books: Books, api: responses.RequestsMock
) -> None:
    """E4, P11."""
    (payment,) = books.place_order(COOKBOOK)
    answer = {"id": payment["id"], "status": "succeeded", "amount": None, "currency": "USD"}
    api.get(f"{MINTCASH_API}/{payment['id']}", json=answer)

    check_now(books)
    assert (books.order.status, books.payment.received) == ("open", 0)
    assert books.payment.next_check_at is not None

    with time_machine.travel(now() + 2 * timing.STOP_CHECKING):
        check_now(books)
    assert books.payment.next_check_at is None
    assert "has not answered in time: look for it there" in str(books.payment.problem)


def test_refunded_without_a_sum_means_all_of_it(shopper: Shopper, books: Books) -> None:
    """P8, bchavez/Coinbase.Commerce#3, saleor/saleor#14108."""
    books.place_order(COOKBOOK)
    say(shopper, books, "succeeded", "e1")

    assert say(shopper, books, "refunded", "e2", amountRefunded=None) == 200

    assert (books.payment.status, books.payment.refunded) == ("refunded", 1200)


@pytest.mark.parametrize(
    ("event", "status"),
    [("succeeded", "failed"), ("failed", "succeeded"), ("refunded", "succeeded")],
)
def test_news_that_contradicts_itself_pays_nothing_and_is_shown_to_a_person(
    shopper: Shopper, books: Books, event: str, status: str
) -> None:
    """T18."""
    books.place_order(COOKBOOK)

    assert say(shopper, books, event, status=status) == 200

    assert (books.order.status, books.order.held_code) == ("held", "unclear")
    assert f"payment.{event}" in str(books.payment.problem)
    assert books.payment.received == 0


def test_after_news_that_contradicts_itself_mintcash_has_the_last_word(
    shopper: Shopper, books: Books, api: responses.RequestsMock
) -> None:
    """T18."""
    (payment,) = books.place_order(COOKBOOK)
    answer = {"id": payment["id"], "status": "succeeded", "amount": 12, "currency": "USD"}
    api.get(f"{MINTCASH_API}/{payment['id']}", json=answer)

    say(shopper, books, "succeeded", status="failed")
    books.sweep()

    assert (books.order.status, books.payment.received) == ("paid", 1200)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"id": ...}, 400),
        ({"id": None}, 400),
        ({"id": ..., "status": ..., "amount": ..., "currency": ...}, 400),
        ({"amount": "24,00"}, 400),
        ({"amount": -1}, 400),
        ({"currency": "C$"}, 400),
        ({"amount": None}, 200),
        ({"currency": None}, 200),
        ({"currency": "CAD"}, 200),
        ({"status": "failed"}, 200),
        ({"amountRefunded": None}, 200),
        ({"failureMessage": ["x"], "externalId": 7}, 200),
    ],
)
def test_odd_news_has_an_answer_that_says_what_a_retry_is_good_for(
    shopper: Shopper, books: Books, data: dict[str, Any], status: int
) -> None:
    """casdoor/casdoor#4934: refused is only what names no payment or no money; it hides nothing."""
    books.place_order(COOKBOOK)

    assert say(shopper, books, "succeeded", "odd", **data) == status

    say(shopper, books, "succeeded", "right")
    assert books.payment.received == 1200


# ------------------------------------------------------------------ WiPay


WIPAY_SECRET = "wipay_webhook_of_this_test"


@pytest.fixture
def wipay_shop(open_shop: OpenShop) -> ShopAndSandbox:
    """A shopper is on WiPay's page, and WiPay's own webhooks are lost."""
    shop = open_shop(wipay_webhook_secret=SecretStr(WIPAY_SECRET))
    shop.check_out("wipay")
    return shop


def wipay_says(shop: ShopAndSandbox, event: str, key: str, stamp: int, **data: Any) -> int:
    """WiPay's webhook, signed over its body alone; the HTTP status of the answer."""
    said = {"transaction_id": shop.books.payment.provider_reference, "status": "success", **data}
    body = json.dumps({"id": key, "event": event, "data": said, "meta": {}}).encode()
    secret = shop.app.extensions["settings"].values("wipay_webhook_secret")[0]
    headers = {
        "x-wipay-webhook-id": key,
        "x-wipay-webhook-timestamp": str(stamp),
        "x-wipay-webhook-signature": (
            f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
        ),
    }
    return deliver_to(shop.shopper, "wipay", body, headers).status_code


def test_a_delivery_that_was_retried_after_an_outage_is_taken(wipay_shop: ShopAndSandbox) -> None:
    """T15: its stamp is not signed, so it is kept and not judged; a replay is known by its id."""
    hours_ago = int(time.time()) - 7200

    assert wipay_says(wipay_shop, "payment.success", "w1", hours_ago) == 200
    assert wipay_says(wipay_shop, "payment.success", "w1", int(time.time())) == 200

    assert wipay_shop.state == "paid"
    (kept,) = [each for each in wipay_shop.books.deliveries if each.event_key == "w1"]
    assert kept.seen == 2
    assert kept.headers["x-wipay-webhook-timestamp"] == str(hours_ago)


@pytest.mark.parametrize(
    ("event", "dispute"),
    [
        ("payment.chargeback_pending", "opened"),
        ("payment.chargeback_processed", "lost"),
        ("payment.fraud_confirmed", "opened"),
        ("payment.chargeback_released", "won"),
    ],
)
def test_a_dispute_is_shown_to_a_person(
    wipay_shop: ShopAndSandbox, event: str, dispute: str
) -> None:
    """P7."""
    wipay_says(wipay_shop, "payment.success", "w1", int(time.time()))

    assert wipay_says(wipay_shop, event, "w2", int(time.time())) == 200

    payment = wipay_shop.books.payment
    assert payment.dispute == dispute
    assert payment.problem


def test_a_chargeback_that_is_only_found_by_asking_is_shown_too(wipay_shop: ShopAndSandbox) -> None:
    """P7: without a webhook endpoint, the answer is all that is heard."""
    data = {
        "transaction_id": wipay_shop.books.payment.provider_reference,
        "status": "success",
        "status_desc": "Chargeback Processed",
    }
    wipay_shop.instead = lambda call: (
        (200, {}, json.dumps({"message": "OK", "data": data}))
        if call.startswith("GET /wipay/wapi/transactions/")
        else None
    )

    wipay_shop.check_payments()

    assert wipay_shop.books.payment.dispute == "lost"
    assert wipay_shop.books.fulfilled() == {}


def test_a_parcels_address_goes_along_to_wipays_page(open_shop: OpenShop) -> None:
    """T16: the shopper has typed it once."""
    shop = open_shop(wipay_avs=True, wipay_mode="form")
    shop.check_out("wipay", "candle")

    page = shop.shopper.get(f"/orders/{shop.books.order.id}/pay").text
    fields = filled(page, str(shop.books.payment.page_url))

    order = shop.books.order
    assert (fields["avs"], fields["addr1"], fields["city"]) == ("1", order.line1, order.city)
    assert (fields["zipcode"], fields["country"]) == (order.postal_code, order.country)
