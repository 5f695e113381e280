"""The order page from outside: the wait, its end, trying again, the download, who may see it."""

import re
from datetime import timedelta

import pytest
import time_machine
from pydantic import SecretStr
from sqlalchemy import update

from database import now, transaction
from models import Order, Payment

from .. import mintcash
from ..books import Books
from ..mintcash import event
from ..queries import statements_of
from ..shopper import Shopper

#: One database will do: what needs two is in tests/payments, tests/jobs and test_at_once.py.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def order_id(shopper: Shopper, mintcash_api: mintcash.Api, books: Books) -> str:
    """A candle and the e-book, checked out: the shopper is on the payment page."""
    shopper.add("candle")
    shopper.add("cookbook")
    shopper.check_out()
    return books.order.id


def state(page: str) -> str:
    found = re.search(r'data-state="(\w+)"', page)
    assert found
    return found.group(1)


def test_coming_back_leads_to_the_order_without_what_the_provider_appended(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    answer = shopper.get(f"/orders/{order_id}/return/mintcash?id=cpi_1&amount=1&canceled=1")

    assert (answer.status_code, answer.location) == (303, f"/orders/{order_id}")
    assert books.payment.returned_at is not None
    assert books.payment.status == "created", "G2: nothing is canceled by an address"


def test_no_search_engine_keeps_an_order(shopper: Shopper, order_id: str) -> None:
    assert shopper.get(f"/orders/{order_id}").headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in shopper.get("/").headers


def test_the_return_asks_for_a_look_within_fifteen_seconds(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    """N5."""
    shopper.get(f"/orders/{order_id}/return/mintcash")

    due = books.payment.next_check_at
    assert due is not None
    assert due < now() + timedelta(seconds=15)


def test_the_waiting_page_claims_nothing_and_works_without_javascript(
    shopper: Shopper, order_id: str
) -> None:
    """J5."""
    page = shopper.get(f"/orders/{order_id}").text

    assert state(page) == "waiting"
    assert "Thanks, we are confirming your payment" in page
    refresh = re.search(r"(?s)<noscript>.*?</noscript>", page[page.index('id="payment"') :])
    assert refresh
    assert f'href="/orders/{order_id}"' in refresh.group()
    assert "http-equiv" not in page, "WCAG 2.2.1: no page reloads by itself"


def test_a_shopper_who_left_the_payment_page_unpaid_can_go_on_there(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    page = mintcash_api.newest["redirectUrl"]
    assert f'href="{page}"' in shopper.get(f"/orders/{order_id}").text

    shopper.get(f"/orders/{order_id}/return/mintcash")

    assert page not in shopper.get(f"/orders/{order_id}").text


def test_after_thirty_seconds_a_kind_word_and_what_to_do(shopper: Shopper, order_id: str) -> None:
    """J1."""
    shopper.get(f"/orders/{order_id}/return/mintcash")
    assert "has not confirmed yet" not in shopper.get(f"/orders/{order_id}/status").text

    with time_machine.travel(now() + timedelta(seconds=31)):
        fragment = shopper.get(f"/orders/{order_id}/status").text

    assert "MintCash has not confirmed yet" in fragment
    assert "Please do not pay again" in fragment
    assert "failed" not in fragment


def test_the_end_replaces_the_wait_is_announced_and_stops_asking(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    fragment = shopper.get(f"/orders/{order_id}/status?was=waiting").text

    assert state(fragment) == "paid"
    assert "hx-get" not in fragment
    announced = re.search(r'(?s)<p[^>]*id="announcement"[^>]*>(.*?)</p>', fragment)
    assert announced
    assert "hx-swap-oob" in announced.group()
    assert "Your order is paid" in announced.group()


def test_a_paid_page_keeps_asking_until_the_goods_are_there(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """The download link is made by the worker, a moment after the payment is known."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    early = shopper.get(f"/orders/{order_id}/status?was=paid").text
    books.work()
    late = shopper.get(f"/orders/{order_id}/status?was=paid").text

    assert "hx-get" in early
    assert "/downloads/" not in early
    assert "announcement" not in early, "said once"
    assert "hx-get" not in late
    assert "/downloads/" in late


@pytest.mark.parametrize(
    ("code", "ending", "sentence"),
    [
        ("insufficient_funds", "failed", "not enough money on this card"),
        ("general_fatal_error", "failed", "The card was declined."),
        ("canceled", "canceled", "The payment was canceled"),
        ("expired", "expired", "open for too long"),
    ],
)
def test_a_failure_says_what_happened_and_offers_to_try_again(
    shopper: Shopper,
    order_id: str,
    mintcash_api: mintcash.Api,
    code: str,
    ending: str,
    sentence: str,
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "failed", failureCode=code))

    page = shopper.get(f"/orders/{order_id}").text

    assert state(page) == ending
    assert sentence in page
    assert f'action="/orders/{order_id}/payments"' in page


def test_a_held_order_is_told_so_and_offers_no_second_payment(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    """J2."""
    shopper.deliver(*event(mintcash_api.newest, "succeeded", amount=0.01))

    page = shopper.get(f"/orders/{order_id}").text

    assert state(page) == "held"
    assert "please do not pay again" in page
    assert "/payments" not in page


@pytest.mark.parametrize(
    ("provider", "said", "same_page"),
    [("hitpay", "status=canceled", True), ("wipay", "status=failed", False)],
)
def test_a_return_that_says_unpaid_offers_another_try_and_lowers_nothing(
    shopper: Shopper,
    books: Books,
    mintcash_api: mintcash.Api,
    provider: str,
    said: str,
    same_page: bool,
) -> None:
    """G2: the address is unsigned, so the payment stays open, and late money is taken."""
    (payment,) = books.place_order({"candle": 1}, provider=provider)
    order_id = books.order.id

    page = shopper.get(f"/orders/{order_id}/return/{provider}?{said}", follow_redirects=True).text

    assert state(page) == "left"
    assert "hx-get" in page
    assert f'action="/orders/{order_id}/payments"' in page
    assert (books.payment.status, books.order.status) == ("created", "open")
    again = shopper.post(f"/orders/{order_id}/payments", {"provider": provider})
    assert (again.location == payment["redirectUrl"]) is same_page
    assert len(books.payments) == (1 if same_page else 2)


@pytest.mark.parametrize("path", ["", "/status", "/return/mintcash"])
def test_an_unknown_order_is_not_found(shopper: Shopper, path: str) -> None:
    """G3."""
    assert shopper.get(f"/orders/{'0' * 32}{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "/status"])
def test_an_order_is_kept_in_no_cache(shopper: Shopper, order_id: str, path: str) -> None:
    """G15."""
    assert shopper.get(f"/orders/{order_id}{path}").headers["Cache-Control"] == "no-store"


def test_an_order_id_is_128_random_bits(order_id: str) -> None:
    """G3, ASVS 11.5.1."""
    assert re.fullmatch(r"[0-9a-f]{32}", order_id)


def test_the_status_costs_few_reads_whatever_the_number_of_orders(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    with statements_of(books.app) as asked:
        shopper.get(f"/orders/{order_id}/status")

    statements = [each for each in asked if each.startswith("SELECT")]
    assert len(statements) <= 2, statements  # the order with its payment; its lines
    assert all("WHERE" in each for each in statements)


def test_trying_again_with_a_provider_that_is_not_there_is_said(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "failed"))

    answer = shopper.post(f"/orders/{order_id}/payments", {"provider": "paypal"})

    assert answer.status_code == 422
    assert "Please choose how to pay." in answer.text


def test_a_late_success_after_our_own_expiry_is_taken(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B14."""
    with books.open(), transaction() as session:
        session.execute(update(Payment).values(expires_at=now() - timedelta(minutes=1)))
    books.make_checks_due()
    books.sweep()
    assert books.payment.status == "expired"

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert books.order.status == "paid"


def test_number_and_address_together_find_the_order(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    typed = {"number": f" {books.order.number.lower()} ", "email": books.order.email.upper()}

    answer = shopper.post("/orders/find", typed)

    assert (answer.status_code, answer.location) == (303, f"/orders/{order_id}")


def test_a_wrong_pair_finds_nothing_and_does_not_say_which_half_was_wrong(
    shopper: Shopper, order_id: str, books: Books
) -> None:
    """G3."""
    number, email = books.order.number, books.order.email

    pages = {
        shopper.post("/orders/find", {"number": one, "email": other}).text.replace(one, "")
        for one, other in ((number, "else@example.com"), ("KK-2222-2222", "else@example.com"))
    }

    assert len(pages) == 1
    assert "There is no order with this number and this e-mail address." in pages.pop()
    assert shopper.post("/orders/find", {"number": number, "email": ""}).status_code == 422
    assert shopper.post("/orders/find", {"number": "", "email": email}).status_code == 422


def test_only_a_paid_order_has_a_receipt_to_print(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    assert shopper.get(f"/orders/{order_id}/receipt").status_code == 404

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    page = shopper.get(f"/orders/{order_id}/receipt").text

    assert books.order.number in page
    assert "Kiln candle" in page
    assert "MintCash" in page


@pytest.mark.parametrize(
    ("smtp_url", "sentence"),
    [
        (None, "Your receipt is ready."),
        (SecretStr("smtp://mail.example:25"), "The receipt is on its way to your inbox."),
    ],
)
def test_a_letter_is_promised_only_where_letters_are_sent(
    shopper: Shopper,
    order_id: str,
    mintcash_api: mintcash.Api,
    smtp_url: SecretStr | None,
    sentence: str,
) -> None:
    found = shopper.app.extensions["settings"]
    shopper.app.extensions["settings"] = found.model_copy(update={"smtp_url": smtp_url})
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    page = shopper.get(f"/orders/{order_id}").text

    assert sentence in page
    assert ("The receipt goes to" in page) == (smtp_url is not None)


def test_the_receipt_names_country_and_region(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Seen by eye: "BE" stood where people write "Belgium"."""
    with books.open(), transaction() as session:
        session.execute(update(Order).values(region="East Flanders"))
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    page = shopper.get(f"/orders/{order_id}/receipt").text

    address = "Potter Street 1\n9000 Ghent\nEast Flanders\nBelgium"
    assert address in page.replace("&#10;", "\n")


def test_the_receipt_of_an_address_without_region_has_no_empty_line(
    shopper: Shopper, order_id: str, mintcash_api: mintcash.Api
) -> None:
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    page = shopper.get(f"/orders/{order_id}/receipt").text

    assert "9000 Ghent\nBelgium" in page


def test_who_looks_for_an_order_is_not_told_of_a_letter(shopper: Shopper) -> None:
    page = shopper.get("/orders/find").text

    assert "that we sent you" not in page
    assert 'href="mailto:' in page
