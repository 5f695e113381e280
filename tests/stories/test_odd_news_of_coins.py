"""Odd but correctly signed news of HandCash and Request Network, from the wire to the order.

Each story says where it comes from; the tables of what an adapter reads are in ``tests/providers``.
"""

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses
from flask import Flask

from models import Delivery

from .. import sandboxed
from ..books import Books
from ..purchases import check_now, deliver_to
from ..sandboxed import HANDCASH, SANDBOX_URL
from ..shopper import Shopper

# ------------------------------------------------------------------ HandCash


COOKBOOK = {"cookbook": 1}  # US$12.00, a download


HANDCASH_API = f"{SANDBOX_URL}/handcash/v3/paymentRequests"


@pytest.mark.parametrize("amount", [None, 12.000000000000002, "12,00", {}, ["12"]])
def test_an_odd_price_does_not_spoil_a_clear_answer(
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

    check_now(books)

    assert (books.order.status, books.payment.received) == ("paid", 1200)


def test_a_second_payer_is_seen_though_the_first_was_found_by_asking(
    shopper: Shopper, books: Books, api: responses.RequestsMock
) -> None:
    """P3: the transaction that the answer names is the first."""
    (payment,) = books.place_order(COOKBOOK, provider="handcash")
    answer = {"id": payment["id"], "status": "completed", "transactionId": "a" * 64}
    api.get(f"{HANDCASH_API}/public/{payment['id']}", json=answer)
    check_now(books)
    assert books.payment.problem is None

    secret = shopper.app.extensions["settings"].values("handcash_app_secret")[0]
    for transaction in ("a" * 64, "b" * 64):
        body = {
            "appSecret": secret,
            "paymentRequestId": payment["id"],
            "transactionId": transaction,
        }
        deliver_to(shopper, "handcash", json.dumps(body).encode(), {})

    assert books.payment.problem == f"paid a second time, by {'b' * 64}: refund it"


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
    return deliver_to(shopper, "request_network", body, headers).status_code


@pytest.mark.parametrize("total", [12, 12.0, "12", "12.000000000000000000", 12.000000000000002])
def test_a_total_is_a_number_or_a_text(shopper: Shopper, books: Books, total: object) -> None:
    """P9, koala73/worldmonitor#7238, dodopayments/dodo-adapters#128."""
    books.place_order(COOKBOOK, provider="request_network")

    assert confirm(shopper, books, totalAmountPaid=total) == 200

    assert (books.order.status, books.payment.received) == ("paid", 1200)


RN_API = f"{SANDBOX_URL}/request_network/v2/request"


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


def go_live(shopper: Shopper) -> None:
    """As if the account were one of PAYMENT_ENVIRONMENT=live."""
    providers = shopper.app.extensions["providers"]
    configured = providers["request_network"]
    account = replace(configured.account, environment="live")
    providers["request_network"] = replace(configured, account=account)


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


def test_a_test_shop_is_paid_in_coins_of_a_test_network(shopper: Shopper, books: Books) -> None:
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


def test_a_payment_that_falls_out_of_the_chain_after_success_is_shown_to_a_person(
    shopper: Shopper, books: Books
) -> None:
    """btcpayserver/btcpayserver#1375, slickage/baron#6."""
    books.place_order(COOKBOOK, provider="request_network")
    confirm(shopper, books)

    confirm(shopper, books, event="payment.failed", totalAmountPaid=...)

    assert "failed" in str(books.payment.problem)


def test_a_refund_by_request_network_is_shown_to_a_person(shopper: Shopper, books: Books) -> None:
    """P7."""
    books.place_order(COOKBOOK, provider="request_network")
    confirm(shopper, books)

    confirm(shopper, books, event="payment.refunded", refundAmount="12.0")

    assert "refunded 12.0 USDC" in str(books.payment.problem)
