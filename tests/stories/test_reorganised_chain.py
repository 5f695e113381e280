"""A chain is reorganised after "confirmed": the transaction that paid an order never was.

Told as ``payment.failed``, which may also be old news of a first try, so Request Network is asked.
btcpayserver/btcpayserver#1375, slickage/baron#6; FIELD-CASES: money that goes away again.
"""

import re

import pytest

from fulfilment import GOODS
from payments.reversals import UNDONE

from ..request_network import pay_link, send_event
from ..sandboxed import ShopAndSandbox
from ..shopper import BASE_URL


def buy(shop: ShopAndSandbox, slug: str = "cookbook", price: str = "12.00") -> None:
    """Paid and told; the worker has not done anything yet."""
    shop.check_out("request_network", slug)
    pay_link(shop, price)
    shop.deliver()
    assert shop.state == "paid"


def reorganise(shop: ShopAndSandbox) -> None:
    shop.control("payments/1", action="reorganise")


def goods(shop: ShopAndSandbox) -> list[str]:
    return [task.status for task in shop.books.tasks if task.kind in GOODS]


def test_goods_that_have_not_left_are_held_back_and_a_person_reads_why(
    shop: ShopAndSandbox,
) -> None:
    buy(shop)

    reorganise(shop)
    shop.work()

    assert (shop.books.order.status, shop.books.fulfilled()) == ("paid", {})
    assert set(goods(shop)) == {"parked"}
    assert UNDONE in shop.console
    assert "request_network says failed, after it had said that money came" in shop.console
    assert "a person looks at your order" in shop.order_page


def test_it_is_found_by_asking_when_its_webhook_is_lost_and_another_news_asks(
    shop: ShopAndSandbox,
) -> None:
    """The failure of a first try, told late, is doubted alike: the answer rules."""
    buy(shop)
    shop.control("faults", delivery_fault="drop")
    reorganise(shop)
    request_id = str(shop.books.payment.provider_reference)

    send_event(shop, request_id, "payment.failed")
    shop.work()

    assert shop.books.fulfilled() == {}
    assert UNDONE in shop.console


def test_old_news_of_a_failure_holds_nothing_back(shop: ShopAndSandbox) -> None:
    """A first transfer failed, the second paid, and they are told the other way round."""
    buy(shop)

    send_event(shop, str(shop.books.payment.provider_reference), "payment.failed")
    shop.work()

    assert shop.books.fulfilled() != {}
    assert UNDONE not in shop.console


@pytest.mark.parametrize("webhook", ["none", "drop"])
def test_goods_leave_when_the_link_is_paid_again(shop: ShopAndSandbox, webhook: str) -> None:
    """By the webhook, or by the check that goes on while the money is missing."""
    link = buy_and_undo(shop)
    shop.url = link

    pay_link(shop, "12.00", delivery_fault=webhook)
    shop.work()
    shop.work()

    assert shop.state == "paid"
    assert set(goods(shop)) == {"done"}
    assert "its money is there again" in shop.console


def test_a_second_reorganisation_holds_goods_back_again(shop: ShopAndSandbox) -> None:
    link = buy_and_undo(shop)
    shop.url = link
    pay_link(shop, "12.00")
    shop.deliver()
    shop.check_payments()

    reorganise(shop)
    shop.deliver()
    shop.check_payments()

    assert shop.books.payment.dispute == "undone"


def test_a_download_that_was_ready_is_closed(shop: ShopAndSandbox) -> None:
    buy(shop)
    shop.work()
    (path,) = set(re.findall(r'href="(/downloads/[^"]+)"', shop.order_page))

    reorganise(shop)
    shop.work()

    closed = shop.shopper.client.get(path, base_url=BASE_URL)
    assert closed.mimetype != "application/pdf"


def test_what_is_there_no_more_is_not_offered_for_refund(shop: ShopAndSandbox) -> None:
    buy_and_undo(shop)

    assert "up to US$" not in shop.console


def buy_and_undo(shop: ShopAndSandbox) -> str:
    """Returns the address of the link."""
    buy(shop)
    link = shop.url
    reorganise(shop)
    shop.work()
    assert shop.books.payment.dispute == "undone"
    return link
