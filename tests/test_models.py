"""The tables: ids that cannot be guessed, what a row says of itself, what the database refuses."""

import re
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from database import now, transaction
from models import (
    Delivery,
    Order,
    OrderLine,
    OutboxTask,
    Payment,
    Product,
    Refund,
    order_number,
    payment_reference,
    random_id,
)

from .books import Books

# ------------------------------------------------------------------ ids


@pytest.mark.parametrize(("make", "digits"), [(random_id, 32), (payment_reference, 16)])
def test_ids_are_random_and_as_long_as_every_provider_takes(make: Any, digits: int) -> None:
    made = {make() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(rf"[0-9a-f]{{{digits}}}", each) for each in made)


def test_an_order_number_can_be_read_aloud() -> None:
    """No letter or digit that looks like another one."""
    for _ in range(1000):
        assert re.fullmatch(r"KK-[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}", order_number())


# ------------------------------------------------------------------ what a row says


def test_an_address_has_a_line_for_each_part_that_there_is() -> None:
    """S02."""
    full = Order(line1="1 Kiln Road", line2="Unit 2", city="Portland", postal_code="97201")
    full.region, full.country = "Oregon", "US"
    short = Order(line1="Kiln Road", line2="", city="Gaborone", postal_code="", region="")
    short.country = "BW"

    assert full.address_lines == [
        *("1 Kiln Road", "Unit 2", "97201 Portland", "Oregon", "United States")
    ]
    assert short.address_lines == ["Kiln Road", "Gaborone", "Botswana"]


def test_an_order_is_shipped_when_one_of_its_goods_is() -> None:
    goods = {
        kind: OrderLine(fulfilment=kind, unit_price=1, quantity=1) for kind in ("ship", "credit")
    }

    assert Order(lines=list(goods.values())).needs_shipping
    assert not Order(lines=[goods["credit"]]).needs_shipping


@pytest.mark.parametrize(
    ("received", "refunded", "dispute", "kept"),
    [
        (2800, 0, None, 2800),
        (2800, 800, None, 2000),
        (2800, 2800, None, 0),
        (0, 800, None, 0),  # the refund was reported first
        (2800, 0, "opened", 0),
        (2800, 0, "lost", 0),
        (2800, 800, "won", 2000),
    ],
)
def test_what_is_kept_of_a_payment_was_neither_refunded_nor_is_disputed(
    received: int, refunded: int, dispute: str | None, kept: int
) -> None:
    """P7."""
    assert Payment(received=received, refunded=refunded, dispute=dispute).kept == kept


def test_a_delivery_says_what_proved_it_or_nothing() -> None:
    proof = {"where": "hash", "algorithm": "MD5", "over": "id and key"}

    assert Delivery(proof=proof).proven_by == "hash, MD5 over id and key"
    assert Delivery().proven_by == ""


def test_a_task_is_done_parked_or_waiting() -> None:
    assert OutboxTask(parked=False).status == "waiting"
    assert OutboxTask(parked=True).status == "parked"
    assert OutboxTask(parked=True, done_at=now()).status == "done"


# ------------------------------------------------------------------ what the database refuses


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (Product, {"stock": -1}),
        (Order, {"total": 0}),
        (Order, {"status": "shipped"}),
        (OrderLine, {"quantity": 0}),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_the_database(
    books: Books, table: Any, values: dict[str, Any]
) -> None:
    books.place_order({"candle": 1})

    with books.open(), pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(table).values(**values))


def test_one_refund_of_a_payment_is_open_at_a_time(books: Books) -> None:
    """A provider that is asked what it refunded must not answer about another refund."""
    books.place_order({"candle": 1})
    payment_id = books.payment.id

    def ask(status: str) -> None:
        with transaction() as session:
            session.add(
                Refund(
                    id=random_id(),
                    payment_id=payment_id,
                    amount=100,
                    refunded_before=0,
                    reason="broken",
                    status=status,
                )
            )

    with books.open():
        ask("open")
        ask("done")
        with pytest.raises(IntegrityError):
            ask("open")

    assert books.count(Refund) == 2
