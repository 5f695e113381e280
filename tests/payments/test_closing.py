"""Pages that the shopper left for another way to pay are closed, so that no one pays on them."""

import pytest

from ..abilities import CLOSED_BY_A_CALL, CODES, another, each, typed
from ..purchases import EBOOK_PRICE, one_database
from ..sandboxed import HANDCASH, MINTCASH, ShopAndSandbox

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database


def deleted(shop: ShopAndSandbox) -> int:
    return shop.asked("DELETE")


@each(CLOSED_BY_A_CALL + CODES)
def test_the_page_is_closed_when_another_way_is_chosen(shop: ShopAndSandbox, provider: str) -> None:
    shop.shopper.post("/currency", {"currency": "SGD"})
    shop.check_out(provider)

    shop.choose(another(provider, CLOSED_BY_A_CALL))
    assert deleted(shop) == 0  # the shopper does not wait for that
    shop.check_payments()

    old, new = shop.books.payments
    assert (old.status, old.failure_code) == ("canceled", "abandoned")
    assert new.status in ("created", "pending")
    assert deleted(shop) == 1
    assert shop.state in ("waiting", "scan")
    shop.check_payments()
    assert deleted(shop) == 1


def test_the_page_is_closed_when_the_order_is_paid_by_another(shop: ShopAndSandbox) -> None:
    """News can be faster than the worker that closes pages: paid is a reason of its own."""
    shop.check_out("mintcash")
    mintcash = shop.url
    shop.choose("handcash")

    shop.press(mintcash, **MINTCASH)
    shop.work()

    paid, closed = shop.books.payments
    assert shop.books.order.paid_by == paid.id
    assert (closed.status, deleted(shop)) == ("canceled", 1)
    assert shop.state == "paid"


@each(CLOSED_BY_A_CALL)
def test_a_payment_that_was_never_named_needs_no_call(shop: ShopAndSandbox, provider: str) -> None:
    """No shopper has its page."""
    shop.instead = lambda call: (500, {}, "{}") if call.startswith("POST") else None
    shop.check_out(provider)
    shop.instead = lambda _call: None

    shop.choose("mintcash")
    shop.work()

    assert deleted(shop) == 0
    assert {each.status for each in shop.books.payments} == {"canceled", "created"}


def test_the_page_is_closed_when_the_cart_is_changed(shop: ShopAndSandbox) -> None:
    shop.check_out("handcash")
    first = shop.url

    shop.check_out("handcash", slug="gift-card")
    shop.check_payments()

    assert shop.url != first
    statuses = {each.page_url: each.status for each in shop.books.payments}
    assert statuses == {first: "canceled", shop.url: "created"}
    assert "pending" not in shop.visit(first).text


def test_the_page_is_closed_when_the_cart_is_changed_though_the_next_page_fails(
    shop: ShopAndSandbox,
) -> None:
    """S05: what is in it is no longer wanted, whatever the provider answers next."""
    shop.check_out("handcash")
    first = shop.url
    shop.instead = lambda call: (500, {}, "{}") if call.startswith("POST /mintcash") else None

    shop.check_out("mintcash", slug="gift-card")
    shop.check_payments()

    assert {each.page_url: each.status for each in shop.books.payments}[first] == "canceled"
    assert "pending" not in shop.visit(first).text


def test_the_page_stays_open_when_the_other_way_has_no_page(shop: ShopAndSandbox) -> None:
    """The shopper is always offered a way on."""
    shop.check_out("handcash")
    page = shop.url
    shop.instead = lambda call: (500, {}, "{}") if call.startswith("POST /mintcash") else None

    shop.choose("mintcash")
    shop.check_payments()
    assert deleted(shop) == 0

    shop.press(page, **HANDCASH)
    shop.work()
    assert shop.state == "paid"


@each(CLOSED_BY_A_CALL)
def test_a_page_that_was_paid_before_it_could_be_closed_pays(
    shop: ShopAndSandbox, provider: str
) -> None:
    shop.check_out(provider)
    page = shop.url
    shop.choose("mintcash")
    shop.press(page, **typed(provider), fault="close_tab", delivery_fault="drop")

    shop.check_payments()

    assert shop.books.order.paid_by == shop.books.payments[0].id
    assert (deleted(shop), shop.state) == (0, "paid")


@pytest.mark.parametrize(
    ("provider", "told"), [("handcash", "refund it"), ("hitpay/qr", "see its refund")]
)
def test_a_closed_page_that_is_paid_all_the_same_is_a_second_payment(
    shop: ShopAndSandbox, provider: str, told: str
) -> None:
    """B14, B20: HitPay's QR codes live on, and HandCash may be slow to hear of it."""
    shop.shopper.post("/currency", {"currency": "SGD"})
    shop.check_out(provider)
    page = shop.code if provider == "hitpay/qr" else shop.url
    if provider == "handcash":
        shop.instead = lambda call: (200, {}, "") if call.startswith("DELETE") else None
    other = another(provider, CLOSED_BY_A_CALL)
    shop.choose(other)
    shop.press(shop.url, **typed(other))
    shop.work()
    first, second = shop.books.payments
    assert (first.status, second.status) == ("canceled", "succeeded")

    shop.press(page, **HANDCASH)
    shop.work()

    first, second = shop.books.payments
    assert shop.books.order.paid_by == second.id
    assert first.received == EBOOK_PRICE["SGD"]
    assert told in str(first.problem)
    assert first.refunded == (first.received if provider == "hitpay/qr" else 0)
    assert shop.books.fulfilled() == {"download": 1, "mail": 1}
