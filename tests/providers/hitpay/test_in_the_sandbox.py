"""The HitPay adapter against the sandbox over real HTTP: what each says, the other understands."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from providers import hitpay
from providers.contract import Customer, News, PaymentRequest, Qr, Redirect, Rejected, Urls
from providers.hitpay.settings import Settings
from providers.optional import RefundRequest
from sandbox import config
from sandbox.app import create_app
from sandbox.models import db
from tests.sandbox.driver import Receiver, receiver, served
from tools.run import free_port

PAYMENT = PaymentRequest(
    reference="0123456789abcdef",
    provider_reference=None,
    amount=4999,
    currency="SGD",
    description="Order 1",
    customer=Customer("customer-1", "Ann D'Souza", "ann@example.com"),
    address=None,
)


@dataclass
class World:
    """An account in the sandbox, and a shop that hears its webhooks."""

    account: hitpay.Account
    shop: Receiver
    app: Any

    @property
    def urls(self) -> Urls:
        return Urls("http://127.0.0.1:9/orders/1/return", self.shop.url)

    @property
    def settings(self) -> Settings:
        changes: dict[str, Any] = {"hitpay_base_url": self.account.base_url}
        return Settings(**changes)

    def start(self, method: str = "") -> tuple[PaymentRequest, Redirect | Qr]:
        payment = replace(PAYMENT, method=method)
        checkout = hitpay.start_checkout(self.account, payment, self.urls)
        assert isinstance(checkout.next_action, Redirect | Qr)
        return replace(
            payment, provider_reference=checkout.provider_reference
        ), checkout.next_action

    def pay(self, url: str, **fields: str) -> None:
        card = {"method": "card", "number": "4242424242424242", "expiry": "03/31", "cvc": "123"}
        requests.post(url, data=card | fields, timeout=10, allow_redirects=False)

    def heard(self) -> list[News]:
        """The news since it was asked last, each delivery verified and read."""
        while self.app.extensions["background"].work():
            pass
        received, self.shop.received = self.shop.received, []
        return [
            news
            for each in received
            for news in hitpay.read_webhook(self.account, each.headers, each.body)
        ]

    def fetch(self, payment: PaymentRequest) -> News:
        (news,) = hitpay.fetch_payment(self.account, payment)
        assert news
        return news


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    address = f"http://127.0.0.1:{free_port()}"
    with receiver() as shop:
        app = create_app(
            config.load(
                sandbox_url=address,
                sandbox_database_url=f"sqlite:///{tmp_path}/sandbox.db",
                sandbox_deliver=False,
                hitpay_webhook_url=shop.url,
            )
        )
        account = hitpay.Account(
            base_url=f"{address}/hitpay",
            origins=(address,),
            currencies=("SGD",),
            payment_methods=(),
            page_minutes=60,
            qr_minutes=5,
            drop_in="",
            default_link="",
            api_key="test_kiln_and_kettle",
            salts=("salt_test_kiln_and_kettle",),
            webhook_salts=("webhook_salt_test_kiln_and_kettle",),
        )
        with served(address, app):
            yield World(account, shop, app)
        with app.app_context():
            db.engine.dispose()


def test_a_qr_code_is_scanned_and_paid(world: World) -> None:
    payment, way = world.start("qr")

    assert isinstance(way, Qr)
    world.pay(way.payload)

    first, second = world.heard()
    assert (first.status, first.amount, first.reference) == ("succeeded", 4999, PAYMENT.reference)
    assert (second.status, second.amount) == ("succeeded", 4999)
    assert world.fetch(payment).status == "succeeded"


def test_a_page_is_open_then_brought_up_to_date_then_done(world: World) -> None:
    payment, way = world.start()
    corrected = replace(payment, customer=Customer("customer-2", "Ann", "ann@example.org"))

    assert hitpay.resume_checkout(world.account, corrected, world.urls) == "open"
    world.pay(way.url)

    assert hitpay.resume_checkout(world.account, corrected, world.urls) == "done"
    with pytest.raises(Rejected):
        hitpay.cancel(world.account, payment)


def test_a_page_that_is_closed_takes_no_money(world: World) -> None:
    payment, way = world.start()

    hitpay.cancel(world.account, payment)
    world.pay(way.url)

    assert hitpay.resume_checkout(world.account, payment, world.urls) == "closed"
    assert world.heard() == []


def test_a_code_that_is_paid_after_all_is_money(world: World) -> None:
    """B14."""
    payment, way = world.start("qr")
    assert isinstance(way, Qr)

    hitpay.cancel(world.account, payment)
    assert world.fetch(payment).status == "canceled"
    world.pay(way.payload)

    assert {news.status for news in world.heard()} == {"succeeded"}


def test_refunds_in_parts_are_made_once_and_heard_of(world: World) -> None:
    payment, way = world.start()
    world.pay(way.url)
    world.heard()
    first = RefundRequest("refund-1", 2000, refunded_before=0)

    made = hitpay.refund(world.account, payment, first)
    again = hitpay.refund(world.account, payment, first)

    assert made.done
    assert again.done
    (news,) = world.heard()
    assert (news.provider_reference, news.status) == (
        payment.provider_reference,
        "partially_refunded",
    )
    assert (news.refunded, world.fetch(payment).refunded) == (2000, 2000)

    hitpay.refund(world.account, payment, RefundRequest("refund-2", 2999, refunded_before=2000))
    (news,) = world.heard()
    assert (news.status, news.refunded) == ("partially_refunded", 4999)
    assert (world.fetch(payment).status, world.fetch(payment).refunded) == ("refunded", 4999)
    with pytest.raises(Rejected):
        hitpay.refund(world.account, payment, RefundRequest("refund-3", 1, refunded_before=4999))


def test_a_registered_endpoint_is_heard_with_the_salt_that_was_told_once(world: World) -> None:
    settings, url = world.settings, f"{world.shop.url}/hitpay"

    assert hitpay.find_webhooks(settings, url) == []
    made = hitpay.register_webhook(settings, url)
    (found,) = hitpay.find_webhooks(settings, url)
    payment, way = world.start()
    world.pay(way.url)

    assert made.secret
    assert (found.id, found.secret) == (made.id, None)
    both = (*world.account.webhook_salts, made.secret)
    world.account = replace(world.account, webhook_salts=both)
    assert [news.amount for news in world.heard()] == [4999, 4999, 4999]

    hitpay.delete_webhook(settings, made.id)
    hitpay.delete_webhook(settings, made.id)
    hitpay.refund(world.account, payment, RefundRequest("refund-1", 2000, refunded_before=0))
    assert len(world.heard()) == 1


def test_charges_alone_report_what_was_paid_and_refunded(world: World) -> None:
    """For an account that is not sent payment_request.* (openapi.json does not list it)."""
    settings, url = world.settings, f"{world.shop.url}/hitpay"
    path = f"{world.account.base_url}/v1/webhook-events"
    body = {"name": "x", "url": url, "event_types": ["charge.created", "charge.updated"]}
    made = requests.post(
        path, json=body, headers={"X-BUSINESS-API-KEY": world.account.api_key}, timeout=10
    ).json()
    for other in hitpay.find_webhooks(settings, world.shop.url):
        hitpay.delete_webhook(settings, other.id)
    world.account = replace(world.account, webhook_salts=(made["salt"],), salts=())

    payment = replace(PAYMENT, reference="fedcba9876543210")
    urls = replace(world.urls, webhook_url="")
    checkout = hitpay.start_checkout(world.account, payment, urls)
    assert isinstance(checkout.next_action, Redirect)
    world.pay(checkout.next_action.url)

    (paid,) = world.heard()
    assert (paid.status, paid.amount, paid.reference) == ("succeeded", 4999, payment.reference)
    assert paid.check


def test_what_was_paid_twice_is_seen_and_one_of_it_given_back(world: World) -> None:
    """B13, B20."""
    payment, way = world.start()
    world.pay(way.url, fault="pay_twice")

    news = world.heard()
    assert len({each.transaction_id for each in news if each.transaction_id}) == 2
    assert max(each.amount or 0 for each in news) == 2 * 4999
    hitpay.refund(world.account, payment, RefundRequest("refund-1", 4999, refunded_before=0))

    found = world.fetch(payment)
    assert (found.status, found.amount, found.refunded) == ("succeeded", 2 * 4999, 4999)
