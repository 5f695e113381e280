"""What a person must look at: a line beside the payment, an order that is held."""

from database import transaction
from payments import review

from ..books import Books
from ..mintcash import event
from ..purchases import ONE_OF_EACH, tell
from ..shopper import Shopper


def test_each_thing_that_a_person_should_know_is_a_line(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order(ONE_OF_EACH)
    shopper.deliver(*event(payment, "succeeded", amount=70))

    for _ in range(2):
        shopper.deliver(*event(payment, "partially_refunded", amount=70, amountRefunded=5.5))
        tell(books, payment, dispute="opened")

    assert str(books.payment.problem).splitlines() == [
        "US$1.00 more than the US$69.00 that was asked for",
        "mintcash refunded US$5.50 that this shop had not asked for",
        "the payer's bank disputes this payment: answer it at mintcash",
    ]


def test_a_line_that_is_part_of_another_is_not_repeated(books: Books) -> None:
    (payment,) = books.place_order({"candle": 1})

    for problem in ("100% of it came twice", "100% of it", "10_% of it", "100% of it"):
        with books.open(), transaction():
            review.flag_for_review(payment["externalId"], problem)

    assert str(books.payment.problem).splitlines() == ["100% of it came twice", "10_% of it"]


def test_only_an_open_order_is_held_and_the_first_reason_stays(books: Books) -> None:
    books.place_order({"candle": 1})

    for code in ("amount", "currency"):
        with books.open(), transaction():
            review.hold(books.order.id, code, f"because of its {code}")

    order = books.order
    assert (order.status, order.held_code) == ("held", "amount")
    assert order.held_reason == "because of its amount"


def test_an_order_that_is_paid_is_not_held(shopper: Shopper, books: Books) -> None:
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))

    with books.open(), transaction():
        review.hold(books.order.id, "unclear", "too late")

    assert (books.order.status, books.order.held_code) == ("paid", None)
