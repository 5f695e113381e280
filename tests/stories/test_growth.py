"""What a request costs does not grow with the number of orders: no query reads a whole table."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sql_events

from database import db

from ..books import Books
from ..mintcash import event
from ..purchases import ONE_OF_EACH, one_database
from ..shopper import Shopper

pytestmark = one_database

#: Tables with a few rows for each order, or one.
GROWING = (
    *("orders", "order_lines", "payments", "payment_parts", "refunds", "deliveries", "outbox"),
    *("customers", "parcels", "downloads", "download_uses", "credits", "credit_uses"),
    *("credit_entries", "mails", "subscriptions"),
)
SCAN = re.compile(rf"SCAN ({'|'.join(GROWING)})\b")
#: Indexes that hold only what waits for a person or a provider.
SMALL = re.compile("USING (COVERING )?INDEX (uq_refunds_open|ix_payments_problem|ix_orders_held)")


@pytest.fixture
def scans(app: Flask, books: Books) -> Iterator[list[str]]:
    """Statements that read a whole table that grows; in order and with a limit is no such thing."""
    found: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            return
        plan = connection.connection.cursor()
        plan.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        for *_, step in plan.fetchall():
            in_order = "USING INDEX" in step and "LIMIT" in statement
            if SCAN.search(step) and not in_order and not SMALL.search(step):
                found.append(f"{step}: {statement}")

    with books.open():
        engine = db.engine
    sql_events.listen(engine, "before_cursor_execute", explain)
    yield found
    sql_events.remove(engine, "before_cursor_execute", explain)


def test_no_page_and_no_webhook_reads_a_whole_table(
    shopper: Shopper, books: Books, scans: list[str]
) -> None:
    (placed,) = books.place_order(ONE_OF_EACH)
    order_id = books.order.id
    scans.clear()  # the test reads all orders
    paths = [f"/orders/{order_id}", f"/orders/{order_id}/status", f"/console/orders/{order_id}"]
    paths += ["/", "/cart", "/products/bud-vase", "/metrics", "/readyz"]
    paths += ["/console", "/console/webhooks", "/console/jobs", "/console/mail"]
    paths += ["/console/subscriptions", "/console/subscriptions?status=active"]
    paths += ["/console/till", "/console/till/sales"]

    for path in paths:
        assert shopper.get(path).status_code == 200, path
    shopper.get(f"/orders/{order_id}/return/mintcash")
    shopper.deliver(*event(placed, "succeeded", event_id="one"))
    shopper.deliver(*event(placed, "succeeded", event_id="one"))
    shopper.deliver(*event(placed, "succeeded", event_id="another"))
    shopper.deliver(b"{}", {"x-signature": "0"})
    books.work()
    for path in [*paths, f"/orders/{order_id}/receipt", f"/orders/{order_id}/read/cookbook"]:
        assert shopper.get(path).status_code == 200, path

    assert not scans, "\n".join(scans)


def test_no_sweep_and_no_look_up_reads_a_whole_table(
    books: Books, scans: list[str], mintcash_api: object
) -> None:
    books.place_order({"candle": 1})
    books.make_checks_due()

    books.sweep()
    books.work()

    assert not scans, "\n".join(scans)
