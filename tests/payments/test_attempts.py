"""Ways to pay beside a plain page, and what becomes of the pages that nobody needs any more."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from pydantic import SecretStr
from sqlalchemy import select

import payments
from database import db, now
from models import PaymentPart, SavedCard
from providers.money import show, to_major

from ..conftest import OpenShop
from ..sandboxed import (
    HANDCASH,
    HITPAY,
    MINTCASH,
    SANDBOX_URL,
    WIPAY,
    WIPAY_DECLINED,
    Form,
    ShopAndSandbox,
)
from ..shopper import BASE_URL
from ..stories.test_races import at_once

#: One database will do: what needs two is in test_races.py and test_send_refunds.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

EBOOK = {"USD": 1200, "SGD": 1600}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


def policy(shop: ShopAndSandbox, path: str) -> dict[str, str]:
    """The Content-Security-Policy of a page, by directive."""
    header = shop.shopper.get(path).headers["Content-Security-Policy"]
    return dict(each.partition(" ")[::2] for each in header.split("; "))


# ------------------------------------------------------------------ a QR code: HitPay's PayNow


@pytest.fixture
def scanning(shop: ShopAndSandbox) -> ShopAndSandbox:
    """The shopper sees a QR code for the e-book."""
    shop.shopper.post("/currency", {"currency": "SGD"})
    shop.check_out("hitpay/qr")
    assert shop.state == "scan"
    return shop


def poll(shop: ShopAndSandbox) -> str:
    """What the page gets when it asks again."""
    return shop.shopper.get(f"/orders/{shop.books.order.id}/status?n=1&was=scan").text


def test_the_code_is_drawn_with_its_amount_and_its_end(scanning: ShopAndSandbox) -> None:
    page = scanning.order_page
    payment = scanning.books.payment

    assert scanning.url == f"{BASE_URL}/orders/{payment.order_id}"
    asked = show(EBOOK["SGD"], "SGD")
    assert f"Scan to pay {asked}" in page
    assert re.search(rf'role="img"\s+aria-label="QR code to pay {asked}"', page)
    assert re.search(r"<svg[^>]*>\s*<path", page)
    left = payment.page_expires_at - now()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)
    assert f'datetime="{payment.page_expires_at.isoformat()}"' in page
    assert f'href="{payment.page_url}"' in page
    assert "hx-get" in page
    assert 'hx-post="/orders/' not in page
    assert re.search(r"(?s)<details[^>]*hx-preserve.*<summary>Pay another way</summary>", page)


def test_the_code_is_scanned_and_the_page_follows(scanning: ShopAndSandbox) -> None:
    assert 'data-state="scan"' in poll(scanning)

    scanning.press(scanning.code)
    scanning.deliver()
    scanning.books.work()

    assert 'data-state="paid"' in poll(scanning)
    assert scanning.books.payment.received == EBOOK["SGD"]
    assert scanning.books.fulfilled() == {"download": 1, "mail": 1}


def test_a_code_whose_webhook_is_lost_is_found_without_a_return(scanning: ShopAndSandbox) -> None:
    """E2."""
    scanning.press(scanning.code, delivery_fault="drop")

    scanning.check_payments()

    assert scanning.state == "paid"


def test_whoever_paid_on_the_page_beside_the_code_is_told_to_wait(scanning: ShopAndSandbox) -> None:
    """The code is of no more use, and must not invite to pay again."""
    page = str(scanning.books.payment.page_url)

    scanning.press(page, **HITPAY | {"method": "paynow_online"}, delivery_fault="drop")

    assert scanning.state == "waiting"
    scanning.check_payments()
    assert scanning.state == "paid"


def test_an_expired_code_is_renewed_by_itself_three_times_and_then_by_a_button(
    scanning: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    for attempt in range(1, 5):
        clock.move_to(scanning.books.payments[-1].page_expires_at + timedelta(seconds=1))
        page = poll(scanning)
        assert 'data-state="code_expired"' in page
        assert "Show a new code" in page
        assert ('hx-post="/orders/' in page) is (attempt <= 3)
        scanning.choose("hitpay/qr")  # by htmx, by the button, or by hand: the same form
        assert scanning.state == "scan"

    assert (
        len({each.next_action["payload"] for each in scanning.books.payments if each.next_action})
        == 5
    )


def test_an_expired_code_still_asks_for_news(
    scanning: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """Somebody may have scanned it in the last second."""
    clock.shift(timedelta(minutes=6))

    assert "hx-get" in poll(scanning)


def test_money_for_a_code_that_was_replaced_is_money(
    scanning: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """B14: scanned in the last second, and the bank took its time."""
    first = scanning.code
    clock.shift(timedelta(minutes=5, seconds=1))
    scanning.choose("hitpay/qr")
    scanning.check_payments()
    old, new = scanning.books.payments
    assert (old.status, new.status) == ("canceled", "pending")

    scanning.press(first)
    scanning.work()

    old, new = scanning.books.payments
    assert (old.status, new.status) == ("succeeded", "canceled")
    assert scanning.books.order.paid_by == old.id
    assert scanning.state == "paid"


def test_pressing_again_shows_the_same_code(scanning: ShopAndSandbox) -> None:
    """C6."""
    before = scanning.code

    scanning.choose("hitpay/qr")

    assert (scanning.code, len(scanning.books.payments)) == (before, 1)


def test_a_code_is_shown_again_to_whoever_turned_back_on_the_page_beside_it(
    scanning: ShopAndSandbox,
) -> None:
    scanning.press(f"{scanning.books.payment.page_url}/cancel")
    assert scanning.state == "left"

    scanning.choose("hitpay/qr")

    assert scanning.state == "scan"
    assert len(scanning.books.payments) == 1


def test_a_code_is_offered_in_singapore_dollars_only(shop: ShopAndSandbox) -> None:
    shop.shopper.add("cookbook")
    assert 'value="hitpay/qr"' in shop.shopper.get("/checkout").text

    answer = shop.shopper.check_out(provider="hitpay/qr")

    assert answer.status_code == 422
    assert "PayNow takes SGD, not USD." in shop.shopper.get("/checkout").text


# ------------------------------------------------------------------ a form: WiPay by the browser


@pytest.fixture
def form_shop(open_shop: OpenShop) -> ShopAndSandbox:
    """WiPay hears of a payment from the shopper's browser."""
    shop = open_shop(wipay_mode="form")
    shop.check_out("wipay")
    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}/pay"
    return shop


def the_form(shop: ShopAndSandbox) -> tuple[str, dict[str, str]]:
    """Where it goes, and what is in it."""
    page = shop.shopper.get(f"/orders/{shop.books.order.id}/pay").text
    action = str(shop.books.payment.page_url)
    return action, Form(page, action).fields


def leave(shop: ShopAndSandbox, **changes: str) -> str:
    """Press the button; the address of WiPay's page."""
    action, fields = the_form(shop)
    shop.press(action, **fields | changes)
    return shop.url


def test_the_form_says_what_wipay_wants_and_nothing_else(form_shop: ShopAndSandbox) -> None:
    action, fields = the_form(form_shop)
    payment = form_shop.books.payment

    assert action == f"{SANDBOX_URL}/wipay/plugins/payments/request"
    assert fields == {
        "account_number": "1234567890",
        "country_code": "TT",
        "currency": "USD",
        "email": "ann@example.com",
        "environment": "sandbox",
        "fee_structure": "merchant_absorb",
        "method": "credit_card_co",
        "name": "Ann Example",
        "order_id": payment.id,
        "origin": "kiln-and-kettle",
        "response_url": f"{BASE_URL}/orders/{payment.order_id}/return/wipay",
        "total": "12.00",
        "version": "1.0.0",
    }
    assert form_shop.calls == []
    policies = policy(form_shop, f"/orders/{payment.order_id}/pay")
    assert SANDBOX_URL in policies["form-action"].split()
    assert policies["script-src"] == "'self'"


def test_a_form_is_posted_and_paid(form_shop: ShopAndSandbox) -> None:
    page = leave(form_shop)

    form_shop.press(page, **WIPAY)
    assert (form_shop.state, form_shop.books.payment.status) == ("waiting", "pending")
    form_shop.work()

    assert form_shop.state == "paid"
    assert form_shop.books.payment.received == EBOOK["USD"]


def test_a_form_whose_webhook_is_lost_is_looked_up_after_the_return(
    form_shop: ShopAndSandbox,
) -> None:
    form_shop.press(leave(form_shop), **WIPAY, delivery_fault="drop")

    form_shop.check_payments()

    assert form_shop.state == "paid"


def test_a_total_that_the_browser_changed_pays_nothing(form_shop: ShopAndSandbox) -> None:
    """CVE-2026-9189: everything is correctly signed, and about one dollar."""
    page = leave(form_shop, total="1.00")

    form_shop.press(page, **WIPAY)
    assert form_shop.books.order.status == "open"
    form_shop.work()

    assert form_shop.books.order.status == "held"
    assert "US$1.00 of US$12.00" in str(form_shop.books.order.held_reason)
    assert form_shop.books.fulfilled() == {}


def test_another_currency_from_the_browser_pays_nothing(form_shop: ShopAndSandbox) -> None:
    """The return's hash does not cover it: 12 TTD are worth less than two dollars."""
    form_shop.press(leave(form_shop, currency="TTD"), **WIPAY)
    assert form_shop.books.order.status == "open"

    form_shop.work()

    assert (form_shop.books.order.status, form_shop.books.payment.received) == ("held", 0)
    assert "TTD" in str(form_shop.books.payment.problem)


def test_a_form_that_is_posted_twice_is_paid_once(form_shop: ShopAndSandbox) -> None:
    first, second = leave(form_shop), leave(form_shop)
    assert first != second

    form_shop.press(second, **WIPAY)
    form_shop.work()

    assert form_shop.state == "paid"
    assert len(form_shop.books.payments) == 1
    assert form_shop.books.payment.problem is None


def test_declined_first_and_then_paid_by_the_same_form_is_paid(form_shop: ShopAndSandbox) -> None:
    """Back, and once more: the second transaction is another, of the same payment."""
    first, second = leave(form_shop), leave(form_shop)

    form_shop.press(first, **WIPAY_DECLINED)
    form_shop.work()
    assert form_shop.state == "left"
    form_shop.press(second, **WIPAY)
    form_shop.work()

    assert form_shop.state == "paid"
    assert form_shop.books.payment.received == EBOOK["USD"]
    assert form_shop.books.fulfilled() == {"download": 1, "mail": 1}


def test_a_form_that_is_paid_twice_is_told_to_a_person(form_shop: ShopAndSandbox) -> None:
    """B21."""
    first, second = leave(form_shop), leave(form_shop)

    form_shop.press(first, **WIPAY)
    form_shop.work()
    form_shop.press(second, **WIPAY)
    form_shop.work()

    assert form_shop.state == "paid"
    payment = form_shop.books.payment
    assert payment.received == EBOOK["USD"]
    assert re.fullmatch(r"paid a second time, as SB-.*: give it back", str(payment.problem))
    assert form_shop.books.fulfilled() == {"download": 1, "mail": 1}


def test_who_has_paid_finds_no_form_any_more(form_shop: ShopAndSandbox) -> None:
    form_shop.press(leave(form_shop), **WIPAY)
    form_shop.work()

    answer = form_shop.visit(f"{BASE_URL}/orders/{form_shop.books.order.id}/pay")

    assert form_shop.url == f"{BASE_URL}/orders/{form_shop.books.order.id}"
    assert 'data-state="paid"' in answer.text


def test_who_left_the_form_can_go_on_there_or_pay_another_way(form_shop: ShopAndSandbox) -> None:
    assert f'href="/orders/{form_shop.books.order.id}/pay"' in form_shop.order_page
    assert "<summary>Pay another way</summary>" in form_shop.order_page

    form_shop.choose("mintcash")

    form_shop.press(form_shop.url, **MINTCASH)
    form_shop.work()
    assert form_shop.state == "paid"


# ------------------------------------------------------------------ HitPay's drop-in


@pytest.fixture
def drop_in(open_shop: OpenShop) -> ShopAndSandbox:
    shop = open_shop(hitpay_drop_in=True)
    shop.check_out("hitpay")
    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}/pay"
    return shop


def test_the_foreign_script_is_let_in_on_that_page_only(drop_in: ShopAndSandbox) -> None:
    order = f"/orders/{drop_in.books.order.id}"
    page = drop_in.shopper.get(f"{order}/pay").text

    open_to = policy(drop_in, f"{order}/pay")
    assert open_to["script-src"] == f"'self' {SANDBOX_URL}"
    assert open_to["frame-src"] == SANDBOX_URL
    assert open_to["default-src"] == "'none'"
    assert f'src="{SANDBOX_URL}/hitpay/hitpay.js"' in page
    for path in ("/", "/checkout", order, f"{order}/status"):
        elsewhere = policy(drop_in, path)
        assert elsewhere["script-src"] == "'self'"
        assert "frame-src" not in elsewhere


def test_without_javascript_there_is_a_plain_link(drop_in: ShopAndSandbox) -> None:
    page = drop_in.shopper.get(f"/orders/{drop_in.books.order.id}/pay").text
    url = drop_in.books.payment.page_url
    assert re.search(rf'<a class="button[^"]*"\s+href="{url}">Pay with HitPay</a>', page)

    drop_in.press(str(url), **HITPAY)
    drop_in.work()

    assert drop_in.state == "paid"


def test_the_drop_in_opens_again_for_whoever_canceled(drop_in: ShopAndSandbox) -> None:
    """What the last visit came to must not keep the page closed."""
    drop_in.press(f"{drop_in.books.payment.page_url}/cancel")
    assert drop_in.state == "left"

    answer = drop_in.choose("hitpay")

    assert drop_in.url.endswith("/pay")
    assert 'id="drop-in"' in answer.text


# ------------------------------------------------------------------ pictures and pages gone back to


def test_handcashs_picture_stands_beside_its_link(shop: ShopAndSandbox) -> None:
    shop.check_out("handcash")
    page = shop.url
    order = f"/orders/{shop.books.order.id}"

    picture = re.search(r'<img class="scan-code"\s+src="([^"]+)"', shop.order_page)
    assert picture
    answer = shop.pages.get(picture[1], base_url=SANDBOX_URL)

    assert answer.mimetype == "image/png"
    assert f'href="{page}"' in shop.order_page
    assert policy(shop, order)["img-src"] == f"'self' data: {SANDBOX_URL}"
    for path in ("/", "/cart", "/checkout"):
        assert policy(shop, path)["img-src"] == "'self' data:"


@pytest.mark.parametrize("provider", ["handcash", "hitpay"])
def test_a_page_that_is_gone_back_to_is_brought_up_to_date(
    shop: ShopAndSandbox, provider: str
) -> None:
    shop.check_out(provider)
    page = shop.url

    shop.choose(provider)

    assert (shop.url, len(shop.books.payments)) == (page, 1)
    assert shop.asked("PUT") == 1


@pytest.mark.parametrize("provider", ["handcash", "hitpay"])
def test_a_page_that_was_paid_meanwhile_is_not_opened_again(
    shop: ShopAndSandbox, provider: str
) -> None:
    """The webhook is lost, the tab was closed; then "Pay" once more."""
    shop.check_out(provider)
    typed = {"handcash": HANDCASH, "hitpay": HITPAY}[provider]
    shop.press(shop.url, **typed, fault="close_tab", delivery_fault="drop")

    shop.choose(provider)

    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}"
    assert shop.state == "paid"
    assert shop.asked("PUT") == 0


def test_a_page_that_has_closed_is_replaced(shop: ShopAndSandbox) -> None:
    shop.check_out("handcash")
    first = shop.url
    shop.press(first, **HANDCASH, fault="expire")

    shop.choose("handcash")

    old, new = shop.books.payments
    assert (old.status, old.failure_code) == ("expired", "page_closed")
    assert shop.url == new.page_url != first


def test_a_provider_that_does_not_say_how_its_page_stands_keeps_nobody_away(
    shop: ShopAndSandbox,
) -> None:
    shop.check_out("hitpay")
    page = shop.url
    shop.instead = lambda call: (500, {}, "{}")

    shop.choose("hitpay")

    assert shop.url == page


def test_pay_pressed_twice_at_once_leads_to_one_page(shop: ShopAndSandbox) -> None:
    """C6: HitPay knows no idempotency key, and makes two payment requests."""
    shop.books.place_order({"cookbook": 1}, attempts=0)
    order_id = shop.books.order.id

    def press() -> str | None:
        return payments.start(order_id, "hitpay")

    first, second = at_once(shop.app, press, press)

    assert first == second == shop.books.payment.page_url
    assert shop.books.payment.status == "created"


# ------------------------------------------------------------------ pages that nobody needs


def deleted(shop: ShopAndSandbox) -> int:
    return shop.asked("DELETE")


@pytest.mark.parametrize("provider", ["handcash", "hitpay", "hitpay/qr"])
def test_the_page_is_closed_when_another_way_is_chosen(shop: ShopAndSandbox, provider: str) -> None:
    shop.shopper.post("/currency", {"currency": "SGD"})
    shop.check_out(provider)
    other = "hitpay" if provider == "handcash" else "handcash"

    shop.choose(other)
    assert deleted(shop) == 0  # nobody waits for that
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


@pytest.mark.parametrize("provider", ["handcash", "hitpay"])
def test_a_page_that_was_paid_before_it_could_be_closed_pays(
    shop: ShopAndSandbox, provider: str
) -> None:
    shop.check_out(provider)
    typed = {"handcash": HANDCASH, "hitpay": HITPAY}[provider]
    page = shop.url
    shop.choose("mintcash")
    shop.press(page, **typed, fault="close_tab", delivery_fault="drop")

    shop.check_payments()

    assert shop.books.order.paid_by == shop.books.payments[0].id
    assert (deleted(shop), shop.state) == (0, "paid")


@pytest.mark.parametrize(
    ("provider", "told"), [("handcash", "give it back"), ("hitpay/qr", "see its refund")]
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
    other = "hitpay" if provider == "handcash" else "handcash"
    shop.choose(other)
    shop.press(shop.url, **{"hitpay": HITPAY, "handcash": HANDCASH}[other])
    shop.work()
    first, second = shop.books.payments
    assert (first.status, second.status) == ("canceled", "succeeded")

    shop.press(page, **HANDCASH)
    shop.work()

    first, second = shop.books.payments
    assert shop.books.order.paid_by == second.id
    assert first.received == EBOOK["SGD"]
    assert told in str(first.problem)
    assert first.refunded == (first.received if provider == "hitpay/qr" else 0)
    assert shop.books.fulfilled() == {"download": 1, "mail": 1}


def test_the_page_in_use_is_the_one_that_is_told_of(shop: ShopAndSandbox) -> None:
    """Away to HandCash and back to MintCash: the order's page speaks of MintCash."""
    shop.check_out("mintcash")
    page = shop.url
    shop.choose("handcash")
    shop.choose("mintcash")
    assert shop.url == page
    shop.check_payments()

    shop.press(page, **MINTCASH, delivery_fault="drop")
    assert shop.state == "waiting"
    assert "MintCash" in shop.order_page
    assert "The payment was canceled" not in shop.order_page

    shop.check_payments()
    assert shop.state == "paid"


# ------------------------------------------------------------------ WiPay: unknown is not failed


def test_silence_from_wipay_is_unknown_for_four_hours(
    open_shop: OpenShop, clock: time_machine.Traveller
) -> None:
    """E9: without a WAPI key nobody can be asked, and the tab was closed."""
    shop = open_shop(wipay_wapi_key=SecretStr(""))
    shop.check_out("wipay")
    page = shop.url
    shop.press(page, **WIPAY, fault="close_tab", delivery_fault="drop")

    assert shop.state == "waiting"
    clock.shift(timedelta(minutes=3, seconds=1))
    assert shop.state == "closed"
    assert "If you did, just wait" in shop.order_page
    clock.move_to(shop.books.payment.created_at + timedelta(minutes=239))
    shop.check_payments()
    assert (shop.state, shop.books.payment.status) == ("closed", "created")

    clock.shift(timedelta(minutes=2))
    shop.check_payments()
    assert (shop.state, shop.books.payment.status) == ("expired", "expired")


def test_a_late_success_at_wipay_is_taken(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    """WiPay learns after half an hour that the bank took the money."""
    shop.check_out("wipay")
    shop.press(shop.url, **WIPAY, fault="pay_late")
    shop.work()
    assert shop.books.order.status == "open"

    clock.shift(timedelta(minutes=31))
    shop.wait(minutes=31)
    shop.deliver()

    assert shop.state == "paid"


def test_after_three_minutes_another_page_of_wipay_is_opened(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    shop.check_out("wipay")
    first = shop.url
    shop.choose("wipay")
    assert shop.url == first

    clock.shift(timedelta(minutes=3, seconds=1))
    shop.choose("wipay")

    assert shop.url != first
    assert len(shop.books.payments) == 2


def test_a_saved_card_is_charged(shop: ShopAndSandbox) -> None:
    card_id = save_card(shop)
    shop.shopper.add("cookbook")
    page = shop.shopper.get("/checkout").text
    assert f'value="wipay/card:{card_id}"' in page
    assert "Visa ending 1111" in page

    shop.follow(BASE_URL, shop.shopper.check_out(provider=f"wipay/card:{card_id}"))
    shop.press(shop.url)  # no card is typed: WiPay only asks for a nod
    shop.work()

    assert shop.state == "paid"
    assert shop.asked("POST /wipay/wapi/trusted-cards/") == 2  # verified, then charged
    assert shop.asked("POST /wipay/plugins") == 0


def save_card(shop: ShopAndSandbox) -> str:
    """Save and verify a card by the pages, as a shopper does."""
    shop.follow(BASE_URL, shop.shopper.post("/cards/wipay"))
    shop.press(shop.url, **WIPAY)
    verify = shop.url.removeprefix(BASE_URL)
    statement = shop.pages.get("/wipay/merchant", base_url=SANDBOX_URL).text
    amount = re.search(r"([0-9]+\.[0-9]{2})", statement)
    assert amount
    assert shop.shopper.post(verify, {"amount": amount[1]}).status_code == 303
    with shop.books.open():
        return str(db.session.scalars(select(SavedCard.card_id)).one())


# ------------------------------------------------------------------ Request Network's links


def say(
    shop: ShopAndSandbox,
    request_id: str,
    event: str,
    total: str = "",
    delivery: str = "1",
    **more: str,
) -> None:
    """A correctly signed event about one request."""
    news = {"event": event, "requestId": request_id, "currency": "USDC", **more}
    body = json.dumps(news | ({"totalAmountPaid": total} if total else {})).encode()
    secret = b"6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"
    answer = shop.shopper.client.post(
        "/webhooks/request_network",
        base_url=BASE_URL,
        data=body,
        headers={
            "x-request-network-signature": hmac.new(secret, body, hashlib.sha256).hexdigest(),
            "x-request-network-delivery": f"01J{request_id[-6:]}{event[-6:]}{delivery}".replace(
                ".", "0"
            ),
        },
    )
    assert answer.status_code == 200


def pay_link(shop: ShopAndSandbox, amount: str, **how: str) -> None:
    """Connect a wallet, approve, pay."""
    home, _, token = shop.url.partition("?")
    for step in ("connect", "approve", "pay"):
        shop.press(f"{home}{step}?{token}", way="BASE USDC", amount=amount, settles="now", **how)
    shop.url = f"{home}?{token}"


@pytest.mark.parametrize("status", [403, 404])
def test_a_link_that_takes_no_money_is_replaced(shop: ShopAndSandbox, status: int) -> None:
    shop.check_out("request_network")
    first = shop.url
    shop.instead = lambda call: (
        (status, {}, json.dumps({"message": "no"})) if "GET" in call else None
    )

    shop.choose("request_network")

    old, new = shop.books.payments
    assert (old.failure_code, old.order_id) == ("page_closed", new.order_id)
    assert shop.url == new.page_url != first


def test_a_link_that_is_paid_leads_to_the_paid_order(shop: ShopAndSandbox) -> None:
    """409: and the webhook was lost."""
    shop.check_out("request_network")
    pay_link(shop, "12", delivery_fault="drop", fault="close_tab")

    shop.choose("request_network")

    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}"
    assert shop.state == "paid"
    assert len(shop.books.payments) == 1


def test_a_payment_whose_four_webhooks_met_a_shop_that_was_down_is_found_by_asking(
    shop: ShopAndSandbox,
) -> None:
    """E3, H2: all within 21 seconds; after that it is silent for ever."""
    shop.check_out("request_network")
    shop.unanswered = 0
    pay_link(shop, "12", fault="close_tab")
    for _ in range(5):
        shop.deliver()
        shop.wait(seconds=60)
    assert shop.unanswered == 4

    shop.unanswered = None
    shop.wait(hours=1)
    shop.deliver()
    assert shop.state == "waiting"
    shop.check_payments()

    assert shop.state == "paid"


def test_a_link_whose_owners_are_signing_is_waited_for(shop: ShopAndSandbox) -> None:
    """423: a Safe wallet; nobody else may pay meanwhile."""
    shop.check_out("request_network")
    home, _, token = shop.url.partition("?")
    for step in ("connect", "approve", "pay"):
        shop.press(f"{home}{step}?{token}", way="BASE USDC", amount="12", settles="safe")

    shop.choose("request_network")
    assert (shop.state, len(shop.books.payments)) == ("waiting", 1)
    assert "How would you like to pay?" not in shop.order_page

    assert "Pay another way" not in shop.order_page

    shop.wait(seconds=30)
    shop.work()
    assert shop.state == "paid"


@pytest.fixture
def itemized(open_shop: OpenShop) -> ShopAndSandbox:
    """One link that collects a request for each line: the candle's, and the e-book's."""
    shop = open_shop(request_network_itemized=True)
    shop.shopper.add("candle")
    shop.check_out("request_network")
    return shop


def parts(shop: ShopAndSandbox) -> dict[str, str]:
    """Request id -> what it asks for."""
    with shop.books.open():
        found = db.session.execute(select(PaymentPart.provider_reference, PaymentPart.amount))
        return {reference: str(to_major(amount, "USD")) for reference, amount in found}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_link_is_paid_when_each_of_its_parts_is(
    itemized: ShopAndSandbox, backwards: bool
) -> None:
    (first, one), (second, other) = sorted(parts(itemized).items(), reverse=backwards)

    for _ in range(2):
        say(itemized, first, "payment.confirmed", one)
        say(itemized, first, "payment.confirmed", one, delivery="again")
        if itemized.books.payment.status != "succeeded":
            assert itemized.state == "partial"
            assert itemized.books.order.status == "open"
        say(itemized, second, "payment.confirmed", other)
        assert itemized.books.order.status == "paid"

    payment = itemized.books.payment
    assert (payment.status, payment.received, payment.problem) == ("succeeded", 4000, None)
    itemized.books.work()
    assert itemized.books.fulfilled() == {"parcel": 1, "download": 1, "mail": 1}


def test_totals_of_one_part_add_up_to_its_highest(itemized: ShopAndSandbox) -> None:
    """B11, in one of two parts."""
    totals = {amount: reference for reference, amount in parts(itemized).items()}
    candle, ebook = totals["28.00"], totals["12.00"]

    say(itemized, candle, "payment.partial", "20")
    say(itemized, candle, "payment.partial", "8", delivery="2")
    assert itemized.books.payment.received == 2000
    say(itemized, ebook, "payment.confirmed", "12")
    assert (itemized.books.payment.received, itemized.state) == (3200, "partial")
    say(itemized, candle, "payment.confirmed", "28", delivery="3")

    assert (itemized.books.payment.received, itemized.state) == (4000, "paid")


@pytest.mark.parametrize("failure_first", [False, True])
def test_one_part_that_fails_leaves_the_other_paid(
    itemized: ShopAndSandbox, failure_first: bool
) -> None:
    (first, one), (second, other) = parts(itemized).items()

    if failure_first:
        say(itemized, second, "payment.failed", subStatus="insufficient_funds")
        assert itemized.state == "failed"
    say(itemized, first, "payment.confirmed", one)
    if not failure_first:
        say(itemized, second, "payment.failed", subStatus="insufficient_funds")
    assert (itemized.books.payment.status, itemized.state) == ("partially_paid", "partial")

    say(itemized, second, "payment.confirmed", other, delivery="2")
    assert itemized.state == "paid"


def test_parts_that_nobody_told_of_are_asked_for(itemized: ShopAndSandbox) -> None:
    """E1."""
    pay_link(itemized, "28", delivery_fault="drop")
    itemized.check_payments()
    assert itemized.books.payment.received == 2800
    assert itemized.state == "partial"

    pay_link(itemized, "12", delivery_fault="drop")
    itemized.check_payments()
    assert itemized.state == "paid"


@pytest.mark.parametrize("failed_before", [False, True])
def test_what_is_short_when_the_link_expires_holds_the_order_until_the_rest_comes(
    shop: ShopAndSandbox, clock: time_machine.Traveller, failed_before: bool
) -> None:
    """B12."""
    shop.check_out("request_network")
    reference = str(shop.books.payment.provider_reference)
    if failed_before:
        say(shop, reference, "payment.failed")
        assert shop.state == "failed"
    pay_link(shop, "11.99")
    shop.deliver()
    assert shop.state == "partial"
    assert "US$11.99 of it is here, US$0.01 is still open." in shop.order_page

    clock.shift(timedelta(days=7, minutes=1))
    shop.check_payments()
    assert (shop.books.order.status, shop.state) == ("held", "short")
    assert "US$11.99 of it is here, US$0.01 did not come in time." in shop.order_page
    assert "request_network took US$11.99 of US$12.00" in shop.console
    assert shop.books.fulfilled() == {}

    say(shop, reference, "payment.confirmed", "12", delivery="late")
    assert (shop.books.order.status, shop.state) == ("paid", "paid")


def test_a_person_may_take_what_is_short_for_enough(
    shop: ShopAndSandbox, clock: time_machine.Traveller
) -> None:
    shop.check_out("request_network")
    pay_link(shop, "11.99")
    shop.deliver()
    clock.shift(timedelta(days=7, minutes=1))
    shop.check_payments()

    shop.shopper.post(f"/console/orders/{shop.books.order.id}/release")
    shop.books.work()

    assert shop.state == "paid"
    assert shop.books.fulfilled() == {"download": 1, "mail": 1}
