"""Odd but correctly signed news, as other shops have met it, from the wire to the order.

Each story says where it comes from; the tables of what an adapter reads are in ``tests/providers``.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses
import time_machine
from flask import Flask
from pydantic import SecretStr
from werkzeug.test import TestResponse

from database import now
from models import Delivery
from payments import timing

from .. import mintcash, sandboxed
from ..books import Books
from ..conftest import OpenShop
from ..sandboxed import HANDCASH, SANDBOX_URL, Form, ShopAndSandbox
from ..shopper import BASE_URL, Shopper

MINTCASH_API = f"{SANDBOX_URL}/mintcash/payments"
HANDCASH_API = f"{SANDBOX_URL}/handcash/v3/paymentRequests"
RN_API = f"{SANDBOX_URL}/request_network/v2/request"
COOKBOOK = {"cookbook": 1}  # US$12.00, a download


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """Whatever the shop asks a provider, answered by the test."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


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


def look(books: Books) -> None:
    books.make_looks_due()
    books.sweep()


# ------------------------------------------------------------------ MintCash


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


def test_the_same_money_looked_up_is_held_too(
    shopper: Shopper, books: Books, api: responses.RequestsMock
) -> None:
    """P4."""
    (payment,) = books.place_order(COOKBOOK)
    answer = {"id": payment["id"], "status": "succeeded", "amount": 33.1, "currency": "CAD"}
    api.get(f"{MINTCASH_API}/{payment['id']}", json=answer)

    look(books)

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


def test_an_answer_without_a_sum_is_asked_for_again_and_told_to_a_person_in_the_end(
    books: Books, api: responses.RequestsMock
) -> None:
    """E4, P11."""
    (payment,) = books.place_order(COOKBOOK)
    answer = {"id": payment["id"], "status": "succeeded", "amount": None, "currency": "USD"}
    api.get(f"{MINTCASH_API}/{payment['id']}", json=answer)

    look(books)
    assert (books.order.status, books.payment.received) == ("open", 0)
    assert books.payment.next_check_at is not None

    with time_machine.travel(now() + 2 * timing.STOP_CHECKING):
        look(books)
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
def test_news_that_contradicts_itself_pays_nothing_and_is_told_to_a_person(
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


# ------------------------------------------------------------------ HandCash


@pytest.mark.parametrize("amount", [None, 12.000000000000002, "12,00", {}, ["12"]])
def test_an_odd_price_does_not_throw_a_clear_answer_away(
    books: Books, api: responses.RequestsMock, amount: object
) -> None:
    """P16, bchavez/Coinbase.Commerce#3."""
    (payment,) = books.place_order(COOKBOOK, provider="handcash")
    answer = {
        "id": payment["id"],
        "status": "completed",
        "transactionId": "a" * 64,
        "paymentAmount": {"currencyCode": "USD", "amount": amount},
    }
    api.get(f"{HANDCASH_API}/public/{payment['id']}", json=answer)

    look(books)

    assert (books.order.status, books.payment.received) == ("paid", 1200)


def test_a_second_payer_is_seen_though_the_first_was_looked_up(
    shopper: Shopper, books: Books, api: responses.RequestsMock
) -> None:
    """P3: the transaction that the answer names is the first."""
    (payment,) = books.place_order(COOKBOOK, provider="handcash")
    answer = {"id": payment["id"], "status": "completed", "transactionId": "a" * 64}
    api.get(f"{HANDCASH_API}/public/{payment['id']}", json=answer)
    look(books)
    assert books.payment.problem is None

    secret = shopper.app.extensions["settings"].values("handcash_app_secret")[0]
    for transaction in ("a" * 64, "b" * 64):
        body = {
            "appSecret": secret,
            "paymentRequestId": payment["id"],
            "transactionId": transaction,
        }
        post(shopper, "handcash", json.dumps(body).encode(), {})

    assert books.payment.problem == f"paid a second time, by {'b' * 64}: give it back"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("field", "calls"), [("denominationCurrencyCode", 1), ("currency", 2)])
def test_a_handcash_that_calls_the_price_otherwise_is_understood(
    app: Flask, tmp_path: Path, field: str, calls: int
) -> None:
    """T17: HandCash's own sources disagree; what it refused has made nothing."""
    with sandboxed.shop_and_sandbox(app, tmp_path, sandbox_handcash_price_field=field) as shop:
        shop.check_out("handcash")
        shop.press(shop.url, **HANDCASH)
        shop.work()

        assert shop.asked("POST /handcash/v3/paymentRequests") == calls
        assert (shop.state, shop.books.payment.received) == ("paid", 1200)


# ------------------------------------------------------------------ Request Network


def post(shopper: Shopper, provider: str, body: bytes, headers: dict[str, str]) -> TestResponse:
    return shopper.client.post(
        f"/webhooks/{provider}",
        base_url=BASE_URL,
        data=body,
        headers=headers,
        content_type="application/json",
    )


def confirm(
    shopper: Shopper, books: Books, delivery: str = "01KJRA0M9QG8MA4X887908T8A4", **said: Any
) -> int:
    """Request Network's webhook about the only payment; the HTTP status of the answer."""
    event = {
        "event": "payment.confirmed",
        "requestId": books.payment.provider_reference,
        "totalAmountPaid": "12",
        "currency": "USDC",
        "network": "base",
        **said,
    }
    body = json.dumps({name: event[name] for name in event if event[name] is not ...}).encode()
    settings = shopper.app.extensions["settings"]
    secret = settings.values("request_network_webhook_secret")[0]
    headers = {
        "x-request-network-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "x-request-network-delivery": delivery,
    }
    return post(shopper, "request_network", body, headers).status_code


@pytest.mark.parametrize("total", [12, 12.0, "12", "12.000000000000000000", 12.000000000000002])
def test_a_total_is_a_number_or_a_text(shopper: Shopper, books: Books, total: object) -> None:
    """P9, koala73/worldmonitor#7238, dodopayments/dodo-adapters#128."""
    books.place_order(COOKBOOK, provider="request_network")

    assert confirm(shopper, books, totalAmountPaid=total) == 200

    assert (books.order.status, books.payment.received) == ("paid", 1200)


@pytest.mark.parametrize("total", [None, ...])
@pytest.mark.parametrize("looked_up", [12, "12.0"])
def test_confirmed_without_a_total_is_asked_about(
    shopper: Shopper, books: Books, api: responses.RequestsMock, total: object, looked_up: object
) -> None:
    """P9, profullstack/coinpayportal#205: refused, it would be gone after 21 seconds."""
    (payment,) = books.place_order(COOKBOOK, provider="request_network")
    answer = {"requestId": payment["id"], "hasBeenPaid": True, "requestAmount": looked_up}
    api.get(f"{RN_API}/{payment['id']}", json=answer | {"invoiceCurrency": "USDC"})

    assert confirm(shopper, books, totalAmountPaid=total) == 200
    assert (books.order.status, books.payment.received) == ("open", 0)
    books.sweep()

    assert (books.order.status, books.payment.received) == ("paid", 1200)


@pytest.mark.parametrize("coin", ["USDC-base", "usdc", "USDT0-arbitrum-one", "USDC-base-base"])
def test_a_coin_is_named_by_its_id_or_its_symbol(shopper: Shopper, books: Books, coin: str) -> None:
    """Request Network's own samples mix them."""
    books.place_order(COOKBOOK, provider="request_network")

    confirm(shopper, books, currency=coin)

    assert (books.order.status, books.payment.problem) == ("paid", None)


@pytest.mark.parametrize(
    "said",
    [
        {"currency": "FAU", "network": "sepolia"},
        {"currency": "USDC-sepolia", "network": None},
        {"currency": "USDC", "network": "base-sepolia"},
        {"currency": "USD", "network": "base", "paymentCurrency": "fUSDC-sepolia"},
    ],
)
def test_a_live_shop_is_not_paid_in_coins_of_a_test_network(
    shopper: Shopper, books: Books, said: dict[str, Any]
) -> None:
    """P5, dfinity/oisy-wallet#1326: the destination may be bound where the shop cannot see it."""
    books.place_order(COOKBOOK, provider="request_network")
    go_live(shopper)

    assert confirm(shopper, books, **said) == 200

    assert (books.order.status, books.order.held_code) == ("held", "currency")
    assert books.payment.received == 0


def test_a_test_shop_is(shopper: Shopper, books: Books) -> None:
    """P5's twin."""
    books.place_order(COOKBOOK, provider="request_network")

    confirm(shopper, books, currency="FAU", network="sepolia")

    assert books.order.status == "paid"


def test_another_body_under_a_known_delivery_id_is_news(shopper: Shopper, books: Books) -> None:
    """P3, btcpayserver/btcpayserver#1828: the id is a header and not signed."""
    books.place_order(COOKBOOK, provider="request_network")

    confirm(shopper, books, event="payment.partial", totalAmountPaid="4")
    confirm(shopper, books, event="payment.partial", totalAmountPaid="4")
    confirm(shopper, books, event="payment.confirmed", totalAmountPaid="12")

    assert (books.order.status, books.payment.received) == ("paid", 1200)
    assert [(each.event, each.seen) for each in books.deliveries] == [
        ("payment.partial", 2),
        ("payment.confirmed", 1),
    ]


def test_the_same_body_under_another_delivery_id_is_counted_once(
    shopper: Shopper, books: Books
) -> None:
    """A replay: totals are running maxima."""
    books.place_order(COOKBOOK, provider="request_network")

    for delivery in ("A" * 26, "B" * 26):
        confirm(shopper, books, delivery)

    assert (books.payment.received, books.payment.problem) == (1200, None)
    assert books.count(Delivery) == 2


def test_what_falls_out_of_the_chain_after_success_is_told_to_a_person(
    shopper: Shopper, books: Books
) -> None:
    """btcpayserver/btcpayserver#1375, slickage/baron#6."""
    books.place_order(COOKBOOK, provider="request_network")
    confirm(shopper, books)

    confirm(shopper, books, event="payment.failed", totalAmountPaid=...)

    assert "failed" in str(books.payment.problem)


def test_what_request_network_refunds_is_told_to_a_person(shopper: Shopper, books: Books) -> None:
    """P7."""
    books.place_order(COOKBOOK, provider="request_network")
    confirm(shopper, books)

    confirm(shopper, books, event="payment.refunded", refundAmount="12.0")

    assert "refunded 12.0 USDC" in str(books.payment.problem)


def go_live(shopper: Shopper) -> None:
    """As if the account were one of PAYMENT_ENVIRONMENT=live."""
    providers = shopper.app.extensions["providers"]
    configured = providers["request_network"]
    account = replace(configured.account, environment="live")
    providers["request_network"] = replace(configured, account=account)


# ------------------------------------------------------------------ WiPay

WIPAY_SECRET = "wipay_webhook_of_this_test"


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
    return post(shop.shopper, "wipay", body, headers).status_code


@pytest.fixture
def wipay_shop(open_shop: OpenShop) -> ShopAndSandbox:
    """A shopper is on WiPay's page, and WiPay's own webhooks are lost."""
    shop = open_shop(wipay_webhook_secret=SecretStr(WIPAY_SECRET))
    shop.check_out("wipay")
    return shop


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
def test_what_the_bank_wants_back_is_told_to_a_person(
    wipay_shop: ShopAndSandbox, event: str, dispute: str
) -> None:
    """P7."""
    wipay_says(wipay_shop, "payment.success", "w1", int(time.time()))

    assert wipay_says(wipay_shop, event, "w2", int(time.time())) == 200

    payment = wipay_shop.books.payment
    assert payment.dispute == dispute
    assert payment.problem


def test_a_chargeback_that_is_only_ever_looked_up_is_told_too(wipay_shop: ShopAndSandbox) -> None:
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
    fields = Form(page, str(shop.books.payment.page_url)).fields

    order = shop.books.order
    assert (fields["avs"], fields["addr1"], fields["city"]) == ("1", order.line1, order.city)
    assert (fields["zipcode"], fields["country"]) == (order.postal_code, order.country)
