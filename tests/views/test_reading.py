"""A bought book is read online by who has the order's address, while its money is here."""

from typing import Any

import pytest
from sqlalchemy import update

import payments
from catalogue.books import LIBRARY, chapters
from database import transaction
from models import Payment, random_id

from ..books import Books
from ..mintcash import event
from ..purchases import tell
from ..queries import statements_of
from ..shopper import Shopper

BOOK = chapters("cookbook")
FIRST, SECOND, *_ = BOOK
PRICE = 12_00


def sentence_of(chapter: Any) -> str:
    """Some words that stand in this chapter alone."""
    return str(chapter.body).split("<p>")[1][:40]


@pytest.fixture
def payment(shopper: Shopper, books: Books) -> dict[str, Any]:
    """What paid for a cookbook; no worker has come yet."""
    (known,) = books.place_order({"cookbook": 1})
    shopper.deliver(*event(known, "succeeded"))
    return known


@pytest.fixture
def path(payment: dict[str, Any], books: Books) -> str:
    """Where that cookbook is read."""
    return f"/orders/{books.order.id}/read/cookbook"


# ------------------------------------------------------------------ the book


def test_each_section_of_the_book_is_a_chapter() -> None:
    text = (LIBRARY / "cookbook.html").read_text("utf-8")

    assert len(BOOK) == text.count("<section") >= 5
    assert len({each.key for each in BOOK}) == len(BOOK)
    assert chapters("candle") == ()


def test_who_bought_it_reads_every_chapter_one_after_the_other(shopper: Shopper, path: str) -> None:
    page = shopper.get(path).text
    assert [page.count(f'href="{path}/{each.key}"') for each in BOOK] == [1] * len(BOOK)

    for number, each in enumerate(BOOK):
        page = shopper.get(f"{path}/{each.key}").text
        assert each.title in page
        assert sentence_of(each) in page
        assert f"chapter {number + 1} of {len(BOOK)}" in page
        if number:
            assert f'rel="prev" href="{path}/{BOOK[number - 1].key}"' in " ".join(page.split())
        if number + 1 < len(BOOK):
            assert f'rel="next" href="{path}/{BOOK[number + 1].key}"' in " ".join(page.split())


def test_it_is_read_before_a_worker_has_come_and_after_the_download_has_ended(
    shopper: Shopper, path: str, books: Books
) -> None:
    """Paid is enough: reading has no end and no count."""
    assert shopper.get(path).status_code == 200

    books.work()

    assert all(shopper.get(f"{path}/{FIRST.key}").status_code == 200 for _ in range(7))


def test_no_cache_and_no_search_engine_keeps_it_and_no_other_site_learns_its_address(
    shopper: Shopper, path: str
) -> None:
    """G15."""
    for each in (path, f"{path}/{FIRST.key}"):
        headers = shopper.get(each).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["Referrer-Policy"] == "same-origin"


def test_it_opens_by_the_order_s_address_and_by_nothing_else(
    shopper: Shopper, path: str, books: Books
) -> None:
    """G3, G4."""
    order = books.order
    for other in (random_id(), order.number, order.id[:-1], order.id.upper(), "1"):
        for page in (
            f"/orders/{other}/read/cookbook",
            f"/orders/{other}/read/cookbook/{FIRST.key}",
        ):
            assert shopper.get(page).status_code == 404, page


@pytest.mark.parametrize("name", ["candle", "gift-card", "none", "../cookbook", "cookbook.html"])
def test_what_is_no_book_of_this_order_is_not_found(shopper: Shopper, path: str, name: str) -> None:
    assert shopper.get(path.replace("cookbook", name)).status_code == 404


@pytest.mark.parametrize("key", ["", "none", "0", "Oats-on-low-heat", "../cookbook.pdf", "<b>"])
def test_what_is_no_chapter_is_not_found(shopper: Shopper, path: str, key: str) -> None:
    assert shopper.get(f"{path}/{key}").status_code == 404


def test_a_book_that_was_not_bought_is_not_found(shopper: Shopper, books: Books) -> None:
    (known,) = books.place_order({"candle": 1})
    shopper.deliver(*event(known, "succeeded"))

    assert shopper.get(f"/orders/{books.order.id}/read/cookbook").status_code == 404


# ------------------------------------------------------------------ closed


def assert_closed(shopper: Shopper, path: str, because: str) -> None:
    """Every page of the book leads to the order's page, which says why."""
    for page in (path, f"{path}/{FIRST.key}"):
        answer = shopper.get(page)
        assert (answer.status_code, answer.location) == (303, path.partition("/read")[0])
        told = shopper.get(answer.location).text
        assert because in told
        assert "/downloads/" not in told
        assert "/read/" not in told


GONE = [
    pytest.param({"status": "refunded", "refunded": PRICE}, "You get your money back", id="refund"),
    pytest.param({"status": "voided"}, "You get your money back", id="void"),
    pytest.param({"dispute": "opened"}, "Your bank was asked to take this", id="dispute"),
    pytest.param({"dispute": "lost"}, "Your bank took this payment back", id="chargeback"),
    pytest.param({"status": "failed"}, "We are asking whether your payment", id="in_doubt"),
    pytest.param(
        {"status": "partially_refunded", "refunded": 1}, "Some of this payment went back", id="part"
    ),
]


@pytest.mark.parametrize("is_fulfilled", [True, False])
@pytest.mark.parametrize(("news", "because"), GONE)
def test_money_that_went_back_closes_the_book_and_the_order_s_page_says_what_happened(
    shopper: Shopper,
    path: str,
    books: Books,
    payment: dict[str, Any],
    news: dict[str, Any],
    because: str,
    is_fulfilled: bool,
) -> None:
    """T02, P7: the page offered a download that was then refused."""
    if is_fulfilled:
        books.work()
        assert "/downloads/" in shopper.get(path.partition("/read")[0]).text

    tell(books, payment, event_key="told", **news)

    assert_closed(shopper, path, because)
    assert (
        "the money for this order is not here any more"
        in shopper.get(path, follow_redirects=True).text
    )


def test_a_dispute_that_is_won_opens_the_book_again(
    shopper: Shopper, path: str, books: Books, payment: dict[str, Any]
) -> None:
    books.work()
    tell(books, payment, dispute="opened")
    assert_closed(shopper, path, "Your bank was asked to take this payment back")

    tell(books, payment, dispute="won")

    assert shopper.get(path).status_code == 200
    page = shopper.get(path.partition("/read")[0]).text
    assert "/downloads/" in page
    assert f'href="{path}"' in page


def test_money_that_a_chain_has_undone_closes_the_book_until_it_is_there_again(
    shopper: Shopper, path: str, books: Books
) -> None:
    """The mark that the provider's answer sets, and removes."""
    books.work()
    for mark, code in (("undone", 303), (None, 200)):
        with books.open(), transaction() as session:
            session.execute(update(Payment).values(dispute=mark))
        assert shopper.get(path).status_code == code
        told = shopper.get(path.partition("/read")[0]).text
        assert ("Your payment was undone after it had arrived" in told) == (code == 303)


def test_a_refund_that_a_person_makes_of_a_part_leaves_the_book_open(
    shopper: Shopper, path: str, books: Books
) -> None:
    """What the shop refunds on purpose holds no goods back."""
    books.work()
    with books.open():
        payments.refund(books.payment.id, "a" * 16, 100, "a kindness")

    assert shopper.get(path).status_code == 200
    assert "/downloads/" in shopper.get(path.partition("/read")[0]).text


def test_a_refund_of_everything_closes_it_when_it_is_asked_for(
    shopper: Shopper, path: str, books: Books
) -> None:
    """Before the provider has made it."""
    books.work()
    with books.open():
        payments.refund(books.payment.id, "a" * 16, PRICE, "not wanted")

    assert_closed(shopper, path, "We have asked for your money to be sent back to you.")


def test_an_order_that_is_not_paid_opens_no_book(shopper: Shopper, books: Books) -> None:
    books.place_order({"cookbook": 1})
    path = f"/orders/{books.order.id}/read/cookbook"

    assert_closed(shopper, path, "Slow Mornings (e-book) opens when this order is paid.")


def test_a_held_order_opens_no_book_until_a_person_releases_it(
    shopper: Shopper, books: Books
) -> None:
    (known,) = books.place_order({"cookbook": 1})
    shopper.deliver(*event(known, "succeeded", amount=0.01))
    path = f"/orders/{books.order.id}/read/cookbook"
    assert_closed(shopper, path, "is closed while a person looks at this order")

    with books.open():
        payments.release_order(books.order.id)

    assert shopper.get(path).status_code == 200


def test_a_held_order_whose_money_went_back_stays_closed(shopper: Shopper, books: Books) -> None:
    (known,) = books.place_order({"cookbook": 1})
    shopper.deliver(*event(known, "succeeded", amount=0.01))
    shopper.deliver(*event(known, "refunded", amount=0.01, amountRefunded=0.01))

    with books.open(), pytest.raises(payments.CannotRelease):
        payments.release_order(books.order.id)

    path = f"/orders/{books.order.id}/read/cookbook"
    assert shopper.get(path).status_code == 303


# ------------------------------------------------------------------ the ways to it


def test_the_first_chapter_is_a_taste_for_all(shopper: Shopper) -> None:
    taste = "/products/cookbook/taste"
    assert f'href="{taste}"' in shopper.get("/products/cookbook").text

    page = shopper.get(taste)

    assert sentence_of(FIRST) in page.text
    assert [sentence_of(each) in page.text for each in BOOK[1:]] == [False] * len(BOOK[1:])
    assert all(each.title in page.text for each in BOOK)
    assert 'href="/products/cookbook"' in page.text
    assert "X-Robots-Tag" not in page.headers, "a taste may be found"


@pytest.mark.parametrize("slug", ["candle", "gift-card", "none", "..%2Fcookbook"])
def test_what_is_no_book_has_no_taste(shopper: Shopper, slug: str) -> None:
    assert shopper.get(f"/products/{slug}/taste").status_code == 404
    assert "/taste" not in shopper.get(f"/products/{slug}").text


def test_the_paid_page_links_to_the_book(shopper: Shopper, path: str, books: Books) -> None:
    books.work()

    assert f'href="{path}"' in shopper.get(path.partition("/read")[0]).text


def test_the_page_of_an_order_without_a_book_asks_for_none(shopper: Shopper, books: Books) -> None:
    """Not even for its downloads; and nothing of the money while nothing happened to it."""
    (known,) = books.place_order({"candle": 1})
    shopper.deliver(*event(known, "succeeded"))
    books.work()

    with statements_of(books.app) as statements:
        shopper.get(f"/orders/{books.order.id}")

    assert [each for each in statements if "downloads" in each or "refunds" in each] == []


def test_the_page_of_a_paid_book_asks_for_its_download_once(
    shopper: Shopper, path: str, books: Books
) -> None:
    books.work()

    with statements_of(books.app) as statements:
        shopper.get(path.partition("/read")[0])

    assert len([each for each in statements if "downloads" in each]) == 1
    assert [each for each in statements if "refunds" in each] == []


def test_a_chapter_costs_the_order_the_money_and_no_more(
    shopper: Shopper, path: str, books: Books
) -> None:
    with statements_of(books.app) as statements:
        shopper.get(f"{path}/{SECOND.key}")

    reads = [each for each in statements if each.lstrip().startswith("SELECT")]
    assert len(reads) <= 4, reads  # the order with its book; the payment; its refunds, twice
