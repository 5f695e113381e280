"""The till: an amount is typed, its code is scanned, and the page says "Paid".

What it must do: HandCash's guide on fulfilment, "a till"; the kinds B1, B2, A1, J2 for its money.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

import fulfilment
import payments
from database import db
from jobs.outbox import OWN, work_off_lane
from models import Mail, Order, OrderLine
from tools.shopper import filled

from .. import mintcash
from ..abilities import typed
from ..books import Books
from ..mail_servers import with_mail_server
from ..mintcash import event
from ..purchases import check_now, one_database
from ..queries import statements_of
from ..races import Barrier, after, at_once
from ..request_network import pay_link
from ..sandboxed import SANDBOX_URL, ShopAndSandbox
from ..shopper import BASE_URL, Shopper

TILL = "/console/till"
#: The ways that a till in Singapore dollars offers in the sandbox, and in US dollars.
IN_SGD = ["mintcash", "hitpay", "hitpay/qr"]


def form_of(shopper: Shopper, currency: str = "USD") -> dict[str, str]:
    """What stands in the till's form."""
    return dict(filled(shopper.get(f"{TILL}?currency={currency}").text, TILL))


def sell(
    shopper: Shopper, amount: str = "12.50", way: str = "mintcash", **typed: str
) -> TestResponse:
    form = form_of(shopper, typed.pop("currency", "USD"))
    return shopper.post(TILL, {**form, "amount": amount, "way": way, **typed})


def sold(shopper: Shopper, **options: str) -> str:
    """The address of a sale that waits for its payment."""
    answer = sell(shopper, **options)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def state(shopper: Shopper, sale: str) -> str:
    found = re.search(r'data-state="(\w+)"', shopper.get(f"{sale}/status").text)
    assert found
    return found.group(1)


# ------------------------------------------------------------------ a sale


def test_a_sale_is_typed_scanned_and_paid(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sale = sold(shopper, note="Two bowls, a chip in one")

    page = shopper.get(sale).text
    assert "US$12.50" in page
    assert "Two bowls, a chip in one" in page
    assert "<svg" in page
    assert mintcash_api.newest["redirectUrl"] in page
    assert state(shopper, sale) == "code"
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert state(shopper, sale) == "paid"
    assert "hx-get" not in shopper.get(f"{sale}/status").text, "it polls no more"

    order = books.order
    assert (order.status, order.total, order.at_till) == ("paid", 1250, True)
    books.work()
    assert books.fulfilled() == {}, "nothing to pack, and no address for a letter"
    assert {task.status for task in books.tasks} == {"done"}


def test_a_sale_is_a_line_without_a_product(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sold(shopper)

    with books.open():
        line = db.session.scalars(select(OrderLine)).one()
        assert (line.name, line.product_id, line.total) == ("Sale at the till", None, 1250)
    assert mintcash_api.calls[0]["amount"] == 1250


def test_who_pays_at_the_till_is_not_known_and_the_provider_is_told_the_shop_s_address(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """MintCash and WiPay demand an address; one shopper must not be taken for another."""
    sold(shopper, email="ann@example.com")

    (call,) = mintcash_api.calls
    assert call["customer"] == {
        "externalId": books.order.id,
        "email": "shop@example.com",
        "name": "Walk-in customer",
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("way", "currency"),
    [
        ("mintcash", "USD"),
        ("hitpay", "SGD"),
        ("hitpay/qr", "SGD"),
        ("wipay", "TTD"),
        ("handcash", "USD"),
        ("request_network", "USD"),
    ],
)
def test_every_way_to_pay_makes_a_code(shop: ShopAndSandbox, way: str, currency: str) -> None:
    """Each imitation demands what its provider demands; none has a name or an address."""
    sale = sold(shop.shopper, way=way, currency=currency)

    page = shop.shopper.get(sale).text

    assert state(shop.shopper, sale) == "code"
    assert "QR code to pay" in page
    provider, _, method = way.partition("/")
    if method:
        shop.press(shop.code)
    else:
        address = re.search(r'id="page"\s+href="([^"]+)"', page)
        assert address
        shop.visit(address.group(1).replace("&amp;", "&"))
        if "/pay" in shop.url and shop.url.startswith(BASE_URL):
            form = shop.shopper.get(shop.url).text
            (action,) = re.findall(f'action="({SANDBOX_URL}/[^"]+)"', form)
            shop.press(action, **filled(form, action))
        if provider == "request_network":
            pay_link(shop, "12.50")
        else:
            shop.press(shop.url, **typed(provider))
    shop.work()
    assert state(shop.shopper, sale) == "paid"


def test_only_ways_that_take_the_currency_are_offered(app: Flask) -> None:
    shopper = Shopper(app)

    in_sgd = shopper.get(f"{TILL}?currency=SGD").text
    in_ttd = shopper.get(f"{TILL}?currency=TTD").text

    assert 'value="hitpay/qr"' in in_sgd
    assert 'value="hitpay/qr"' not in in_ttd
    assert 'value="wipay"' in in_ttd
    assert sell(shopper, way="hitpay/qr", currency="TTD").status_code == 422


@pytest.mark.parametrize("way", ["", "acme", "mintcash/card:1", "hitpay/qr"])
def test_a_way_that_is_not_offered_sells_nothing(app: Flask, books: Books, way: str) -> None:
    """A card that is saved on this device is the staff's own, and never charged here."""
    answer = sell(Shopper(app), way=way)

    assert answer.status_code == 422
    assert "Please choose how it is paid." in answer.text
    assert 'value="12.50"' in answer.text
    assert books.count(Order) == 0


# ------------------------------------------------------------------ what is typed


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("", "Please type an amount in USD like 12.50."),
        ("twelve", "Please type an amount in USD like 12.50."),
        ("-5", "Please type an amount in USD like 12.50."),
        ("12.345", "Please type an amount in USD like 12.50."),
        ("12 50", "Please type an amount in USD like 12.50."),
        ("1e3", "Please type an amount in USD like 12.50."),
        ("１２", "Please type an amount in USD like 12.50."),
        ("0", "Please type an amount above zero."),
        ("0,00", "Please type an amount above zero."),
        ("1,000,000.01", "The till takes up to US$1,000,000.00 at once."),
        ("999999999999", "The till takes up to US$1,000,000.00 at once."),
    ],
)
@one_database
def test_a_wrong_amount_is_explained_and_what_was_typed_stays(
    shopper: Shopper, books: Books, amount: str, sentence: str
) -> None:
    answer = sell(shopper, amount=amount, note="A bowl")

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="A bowl"' in answer.text
    assert books.count(Order) == 0


@pytest.mark.parametrize(
    ("typed_amount", "minor"),
    [("12", 1200), ("12,50", 1250), (" 1 234.50 ", 123450), ("1,234.50", 123450)],
)
@one_database
def test_an_amount_is_read_as_people_type_it(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, typed_amount: str, minor: int
) -> None:
    sold(shopper, amount=typed_amount)

    assert books.order.total == minor


@pytest.mark.parametrize(
    ("field", "text"),
    [("note", "a\tb"), ("note", "x" * 101), ("email", "ann"), ("email", "änn@example.com")],
)
@one_database
def test_a_wrong_note_or_address_is_explained(
    shopper: Shopper, books: Books, field: str, text: str
) -> None:
    answer = sell(shopper, **{field: text})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert books.count(Order) == 0


@pytest.mark.parametrize("changes", [{"currency": "XXX"}, {"key": ""}, {"key": "' OR 1=1"}])
@one_database
def test_a_form_that_we_did_not_make_sells_nothing(
    shopper: Shopper, books: Books, changes: dict[str, str]
) -> None:
    form = {**form_of(shopper), "amount": "1", "way": "mintcash", **changes}

    assert shopper.post(TILL, form).status_code == 400
    assert books.count(Order) == 0


# ------------------------------------------------------------------ pressed twice


def test_pressing_twice_makes_one_sale(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    form = {**form_of(shopper), "amount": "12.50", "way": "mintcash"}

    first, second = (shopper.post(TILL, form).location for _ in range(2))

    assert first == second
    assert len(mintcash_api.payments) == 1
    assert books.count(Order) == 1


def test_two_presses_at_once_make_one_sale(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    form = {**form_of(shopper), "amount": "12.50", "way": "mintcash"}
    shopper.get(TILL)
    second = Shopper(app)
    form_of_second = {**form, **{"csrf_token": form_of(second)["csrf_token"]}}

    answers = at_once(
        app, lambda: shopper.post(TILL, form), lambda: second.post(TILL, form_of_second)
    )

    assert {each.status_code for each in answers} == {303}
    assert len({each.location for each in answers}) == 1
    assert books.count(Order) == 1


@one_database
def test_another_amount_in_the_same_form_is_another_sale(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Back in the browser, the amount corrected: the first sum must not be asked for again."""
    form = {**form_of(shopper), "way": "mintcash"}

    first = shopper.post(TILL, {**form, "amount": "12.50"}).location
    second = shopper.post(TILL, {**form, "amount": "21.50"}).location

    assert first != second
    assert [each["amount"] for each in mintcash_api.payments.values()] == [1250, 2150]


# ------------------------------------------------------------------ money that does not fit


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 12.49}, "US$12.49 of US$12.50"),
        ({"currency": "TTD"}, "TTD\N{NO-BREAK SPACE}12.50"),
    ],
)
def test_money_that_does_not_fit_holds_the_sale(
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    changes: dict[str, Any],
    reason: str,
) -> None:
    """B1, B2: one cent less, another currency. The till says why, and not "Paid"."""
    sale = sold(shopper)

    shopper.deliver(*event(mintcash_api.newest, "succeeded", **changes))

    assert books.order.status == "held"
    assert state(shopper, sale) == "held"
    assert reason in shopper.get(sale).text


@one_database
def test_a_forged_webhook_pays_no_sale(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """A1."""
    sale = sold(shopper)
    body, _ = event(mintcash_api.newest, "succeeded")

    answer = shopper.deliver(body, {"x-signature": mintcash.sign(body, "guessed")})

    assert answer.status_code == 401
    assert state(shopper, sale) == "code"


@one_database
def test_the_same_webhook_twice_pays_once(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sale = sold(shopper, email="ann@example.com")
    delivery = event(mintcash_api.newest, "succeeded")

    for _ in range(2):
        assert shopper.deliver(*delivery).status_code == 200
    books.work()

    assert state(shopper, sale) == "paid"
    assert books.fulfilled() == {"mail": 1}


@one_database
def test_money_after_the_code_has_expired_is_taken(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, clock: time_machine.Traveller
) -> None:
    sale = sold(shopper)
    clock.shift(timedelta(days=2))
    assert state(shopper, sale) == "closed"
    check_now(books)

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert state(shopper, sale) == "paid"


@one_database
def test_a_second_payment_is_refunded(shop: ShopAndSandbox) -> None:
    """C1's kind: the shopper pays the first code after the second."""
    sale = sold(shop.shopper, way="mintcash")
    first = str(shop.books.payment.page_url)
    shop.shopper.post(f"{sale}/payments", {"way": "handcash"})
    second = str(shop.books.payments[-1].page_url)
    shop.press(second, **typed("handcash"))
    shop.deliver()
    assert state(shop.shopper, sale) == "paid"

    shop.press(first, **typed("mintcash"))
    shop.work()
    shop.work()

    late, paying = shop.books.payments
    assert (late.received, late.refunded) == (1250, 1250)
    assert (paying.received, paying.refunded) == (1250, 0)
    assert state(shop.shopper, sale) == "paid"


@one_database
def test_a_lost_webhook_is_found_by_asking(shop: ShopAndSandbox) -> None:
    sale = sold(shop.shopper)
    page = str(shop.books.payment.page_url)

    shop.press(page, **typed("mintcash"), delivery_fault="drop")
    shop.check_payments()

    assert state(shop.shopper, sale) == "paid"


@one_database
def test_a_declined_card_is_said_and_paid_another_way(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sale = sold(shopper)
    shopper.deliver(*event(mintcash_api.newest, "failed", failureCode="card_declined"))
    page = shopper.get(sale).text
    assert state(shopper, sale) == "failed"
    assert "Nothing was charged." in page

    answer = shopper.post(f"{sale}/payments", {"way": "mintcash"})

    assert answer.status_code == 303
    assert state(shopper, sale) == "code"
    assert [each.attempt for each in books.payments] == [1, 2]
    assert shopper.post(f"{sale}/payments", {"way": "acme"}).status_code == 422


@one_database
def test_a_provider_that_does_not_answer_is_said_and_the_sale_can_go_on(
    shop: ShopAndSandbox,
) -> None:
    shop.instead = lambda call: (503, {}, "")
    answer = sell(shop.shopper)
    assert answer.status_code == 502
    assert "does not answer right now. Nothing was charged." in answer.text
    assert 'data-state="unpaid"' in answer.text

    shop.instead = lambda call: None
    again = shop.shopper.post(f"{TILL}/sales/{shop.books.order.id}/payments", {"way": "mintcash"})

    assert state(shop.shopper, str(again.location)) == "code"


@one_database
def test_the_shopper_who_is_back_is_waited_for(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """On the phone that has scanned the code; the return proves nothing."""
    sale = sold(shopper)

    shopper.get(f"/orders/{books.order.id}/return/mintcash?status=success")

    assert state(shopper, sale) == "confirming"
    assert "wait for “Paid” before you hand anything over" in shopper.get(sale).text


@one_database
def test_the_shopper_s_phone_shows_the_order_and_names_no_address(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sold(shopper, note="Two bowls")
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    page = shopper.get(f"/orders/{books.order.id}").text

    assert "1 × Two bowls" in page
    assert "Your receipt is ready." in page
    assert "goes to" not in page


# ------------------------------------------------------------------ canceled


@one_database
def test_a_canceled_sale_closes_the_page_where_that_can_be_done(shop: ShopAndSandbox) -> None:
    sale = sold(shop.shopper, way="hitpay", currency="SGD")

    shop.shopper.post(f"{sale}/cancel")
    assert state(shop.shopper, sale) == "closing"
    shop.work()

    assert state(shop.shopper, sale) == "canceled"
    assert any(call.startswith("DELETE ") for call in shop.calls)


@one_database
def test_what_is_paid_after_canceling_is_shown(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """MintCash has no call that closes a page."""
    sale = sold(shopper)
    shopper.post(f"{sale}/cancel")
    assert "What is paid there all the same is shown here" in shopper.get(sale).text

    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    assert state(shopper, sale) == "paid"


@one_database
def test_a_paid_sale_is_not_canceled(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sale = sold(shopper)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    shopper.post(f"{sale}/cancel")

    assert state(shopper, sale) == "paid"
    assert books.payment.abandoned is False


# ------------------------------------------------------------------ the receipt


def receipts(books: Books) -> list[tuple[str, str]]:
    with books.open():
        query = select(Mail.kind, Mail.to).order_by(Mail.id)
        return [(kind, to) for kind, to in db.session.execute(query)]


@pytest.mark.parametrize("when", ["with the amount", "before it is paid", "before the worker came"])
@one_database
def test_a_receipt_goes_to_the_address_that_is_typed_before_it_is_written(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, when: str
) -> None:
    address = {"email": "ann@example.com"}
    sale = sold(shopper, **(address if when == "with the amount" else {}))
    if when == "before it is paid":
        shopper.post(f"{sale}/letter", address)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    if when == "before the worker came":
        shopper.post(f"{sale}/letter", address)

    books.work()

    assert receipts(books) == [("receipt", "ann@example.com")]
    page = shopper.get(sale).text
    assert "ann@example.com" in page
    with books.open():
        text = db.session.scalars(select(Mail.text)).one()
    assert text.startswith("Thank you.")
    assert "US$12.50" in text


@one_database
def test_a_receipt_is_sent_later_and_again_to_another_address(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Each letter once, under its own Message-ID: mail programs hide the same one twice."""
    with_mail_server(app)
    sale = sold(shopper)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()
    assert receipts(books) == []

    for address in ("ann@example.com", "anne@example.com"):
        assert shopper.post(f"{sale}/letter", {"email": address}).status_code == 303

    assert receipts(books) == [("receipt", "ann@example.com"), ("receipt:2", "anne@example.com")]
    kinds = [task.kind for task in books.tasks]
    assert kinds == ["receipt", "send_receipt", "send_receipt:2"]
    assert books.order.email == "anne@example.com"


@one_database
def test_no_receipt_is_sent_once_money_went_back(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Its letter says what was paid; the one to print says what was refunded, too."""
    sale = sold(shopper)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()
    shopper.deliver(*event(mintcash_api.newest, "partially_refunded", amountRefunded=3))

    answer = shopper.post(f"{sale}/letter", {"email": "ann@example.com"})

    assert answer.status_code == 409
    assert "no receipt is sent" in answer.text
    assert receipts(books) == []
    assert "US$3.00 of US$12.50 was refunded" in shopper.get(sale).text
    assert "US$3.00" in shopper.get(f"{sale}/receipt").text


@pytest.mark.parametrize("address", ["", "ann", "ann@example.com\nBcc: bob@example.com"])
@one_database
def test_a_wrong_address_is_explained_beside_its_field(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, address: str
) -> None:
    sale = sold(shopper)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    answer = shopper.post(f"{sale}/letter", {"email": address})

    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert receipts(books) == []


@one_database
def test_a_receipt_is_printed_when_it_is_paid(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    sale = sold(shopper, note="Two bowls")
    assert shopper.get(f"{sale}/receipt").status_code == 404
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))

    paper = shopper.get(f"{sale}/receipt").text

    assert "1 × Two bowls" in paper
    assert "delivery included" not in paper
    assert f'href="{sale}"' in paper


@one_database
def test_who_gave_an_address_finds_the_order_by_it(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Without one, no address finds it: not the shop's own, nor an empty one."""
    sale = sold(shopper)
    number = books.order.number

    def find(email: str) -> int:
        return shopper.post("/orders/find", {"number": number, "email": email}).status_code

    assert find("shop@example.com") == 404
    shopper.post(f"{sale}/letter", {"email": "ann@example.com"})
    assert find("Ann@Example.com") == 303


# ------------------------------------------------------------------ the day's list


@one_database
def test_the_day_lists_its_sales_with_their_states_and_sums(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    for amount in ("12.50", "7.50"):
        sold(shopper, amount=amount, note=f"for {amount}")
        shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    sold(shopper, amount="1,000", note="waits")
    sold(shopper, amount="3", currency="EUR")
    shopper.deliver(*event(mintcash_api.newest, "partially_refunded", amountRefunded=3))

    page = " ".join(shopper.get(f"{TILL}/sales").text.split())

    assert "2 paid in USD" in page
    assert "US$20.00" in page
    assert page.count("Waiting") == 1
    assert "for 12.50" in page
    assert "US$1,000.00" in page


@one_database
def test_another_day_is_reached_by_links_and_no_other_order_is_listed(
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    clock: time_machine.Traveller,
) -> None:
    clock.move_to("2026-11-21 23:30:00+00:00")
    sold(shopper, note="late in the evening")
    clock.shift(timedelta(hours=1))
    books.place_order({"candle": 1})

    today = shopper.get(f"{TILL}/sales").text
    earlier = shopper.get(f"{TILL}/sales?day=2026-11-21").text

    assert "No sale yet." in today
    assert f"{TILL}/sales?day=2026-11-21" in today
    assert "late in the evening" in earlier
    assert "23:30" in earlier
    assert f"{TILL}/sales?day=2026-11-22" in earlier


@pytest.mark.parametrize("day", ["", "yesterday", "2026-02-30", "0001-01-01", "9999-12-31"])
@one_database
def test_a_day_that_is_none_is_not_found(shopper: Shopper, day: str) -> None:
    assert shopper.get(f"{TILL}/sales?day={day}").status_code == 404


@one_database
def test_a_long_day_has_pages(
    shopper: Shopper, mintcash_api: mintcash.Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("views.till.PAGE", 2)
    for amount in ("1", "2", "3"):
        sold(shopper, amount=amount)

    first = shopper.get(f"{TILL}/sales").text
    older = re.search(r'href="([^"]+)" rel="next">Older', first)
    assert older
    second = shopper.get(older.group(1).replace("&amp;", "&")).text

    assert first.count("data-sale") == 2
    assert second.count("data-sale") == 1
    assert shopper.get(f"{TILL}/sales?before=unknown").status_code == 404


@one_database
def test_a_list_and_a_poll_cost_the_same_however_many_sales_there_are(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    sale = sold(shopper)
    few = (statements(app, shopper, f"{TILL}/sales"), statements(app, shopper, f"{sale}/status"))
    for _ in range(5):
        sold(shopper)

    many = (statements(app, shopper, f"{TILL}/sales"), statements(app, shopper, f"{sale}/status"))

    assert many == few
    assert few == (3, 2)


@one_database
def test_a_poll_without_news_is_one_read_and_no_answer(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    sale = sold(shopper)
    found = re.search(r'hx-get="([^"]+)"', shopper.get(sale).text)
    assert found
    poll = found.group(1).replace("&amp;", "&")

    assert shopper.get(poll).status_code == 204
    assert statements(app, shopper, poll, status=204) == 1
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert 'data-state="paid"' in shopper.get(poll).text


def statements(app: Flask, shopper: Shopper, path: str, status: int = 200) -> int:
    """How many the page costs."""
    with statements_of(app) as asked:
        assert shopper.get(path).status_code == status
    return len(asked)


# ------------------------------------------------------------------ to whom


@one_database
def test_an_order_of_the_web_is_no_sale_of_the_till(shopper: Shopper, books: Books) -> None:
    books.place_order({"candle": 1})
    sale = f"{TILL}/sales/{books.order.id}"

    for path in (sale, f"{sale}/status", f"{sale}/receipt", f"{TILL}/sales/unknown"):
        assert shopper.get(path).status_code == 404
    for path in ("payments", "cancel", "letter"):
        assert shopper.post(f"{sale}/{path}", {"email": "eve@example.com"}).status_code == 404


@pytest.mark.parametrize("path", ["", "/sales/x/payments", "/sales/x/cancel", "/sales/x/letter"])
@one_database
def test_a_form_of_another_site_changes_nothing(shopper: Shopper, books: Books, path: str) -> None:
    answer = shopper.client.post(TILL + path, base_url=BASE_URL, data={"amount": "1"})

    assert answer.status_code == 400
    assert books.count(Order) == 0


# ------------------------------------------------------------------ an address while it is written


def type_while_the_worker_writes(
    app: Flask, shopper: Shopper, mintcash_api: mintcash.Api, patch: pytest.MonkeyPatch, guard: bool
) -> None:
    """The worker reads that there is no address; one is typed; then the worker ends its task.

    The page has read the order before it was paid, so it does not wait for its payment.
    """
    patch.setattr(payments, "money_is_here", lambda order: True)
    sale = sold(shopper)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    has_read, is_typed = Barrier(), Barrier(expected=not guard)

    def read_and_wait() -> None:
        has_read()
        is_typed()

    def type_it() -> None:
        has_read()
        assert shopper.post(f"{sale}/letter", {"email": "ann@example.com"}).status_code == 303
        is_typed()

    after(patch, fulfilment, "lock_address", read_and_wait)
    at_once(app, lambda: work_off_lane(OWN), type_it)


def test_an_address_typed_while_the_worker_ends_the_task_is_written_to(
    app: Flask,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Guard: both lock the order's row. On SQLite one transaction writes at a time."""
    type_while_the_worker_writes(app, shopper, mintcash_api, monkeypatch, guard=True)

    assert receipts(books) == [("receipt", "ann@example.com")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_address_that_is_read_without_the_lock_is_overlooked(
    app: Flask,
    shopper: Shopper,
    mintcash_api: mintcash.Api,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The twin."""
    unlocked = select(Order.email)
    monkeypatch.setattr(
        fulfilment, "lock_address", lambda session, _: session.scalars(unlocked).one()
    )

    type_while_the_worker_writes(app, shopper, mintcash_api, monkeypatch, guard=False)

    assert receipts(books) == []
