"""What a request costs in a shop with a few orders, and in one with a million.

The history is copied by the database itself: a few thousand orders that were paid and fulfilled,
again and again under other keys. Wall time is measured in one process, since a database server's
work does not show in this one's CPU time; the fastest round counts.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, String, text

import jobs
from database import Base, db
from tests.providers import cases
from tests.usual import PROVIDER

from .books import place
from .cpu import call, environ_of
from .rows import Row, one, rows
from .served import Served

SOURCES = 1_000  # orders that are copied
SIZES = (1_000, 100_000, 1_000_000)
ROUNDS, PART = 5, 20  # requests a round
SLOW = 1.15  # of the time in the smallest shop, and more is too much

#: Tables in which a paid order leaves rows, in the order in which they may be filled.
COPIED = (
    *("customers", "orders", "payments", "order_lines"),
    *("deliveries", "outbox", "downloads", "mails"),
)
#: Keys that are copied with another end; all are hexadecimal, 16 digits or more.
KEYS = {
    *("id", "customer_id", "order_id", "payment_id", "paid_by", "cart_key"),
    *("provider_reference", "event_key", "token"),
}
#: How each database counts, and writes a number: as eight hexadecimal digits, as ten digits.
SERIES = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :copies)"
    " SELECT n FROM s) s",
    "postgresql": "generate_series(1, :copies) s(n)",
}
END = {"sqlite": "printf('%08x', s.n)", "postgresql": "lpad(to_hex(s.n), 8, '0')"}
NUMBER = {
    "sqlite": "printf('KK%010d', row_number() OVER ())",
    "postgresql": "'KK' || lpad((row_number() OVER ())::text, 10, '0')",
}

EVERY = [
    *(each for each in rows() if not each.calls_out),
    Row("console", "console, orders", None, one("/console")),
    Row("console-webhooks", "console, webhooks", None, one("/console/webhooks")),
    Row("metrics", "/metrics", None, one("/metrics"), holds="shop_payments"),
]


def measure(
    here: Served, size: int, chosen: Sequence[Row] = EVERY, part: int = PART
) -> dict[str, float]:
    """Milliseconds of each row, and of a sweep, in a shop with so many orders.

    ``part``: requests in each round.
    """
    shop = here.shop
    with shop.app_context():
        place(cases()[PROVIDER], SOURCES, paid=True)
        _copy(size // SOURCES - 1)
    here.settle()
    found = {}
    for row in chosen:
        sent = row.make(shop, ROUNDS * part if row.writes else 1)
        requests = [environ_of(each, here.url) for each in sent]
        requests *= 1 if row.writes else ROUNDS * part
        found[row.name] = _fastest(lambda r: call(shop.wsgi_app, r), requests)
    with shop.app_context():
        found["sweep"] = _fastest(lambda _: jobs.sweep(), [None] * ROUNDS)
    return found


def _copy(copies: int) -> None:
    """So many more of each row that a paid order has left, in an app context."""
    dialect = db.engine.dialect.name
    if copies < 1:
        return
    with db.engine.begin() as connection:
        for name in COPIED:
            table = Base.metadata.tables[name]
            columns = {each.name: _copied(each, dialect) for each in table.columns}
            columns = {column: how for column, how in columns.items() if how}
            connection.execute(
                text(
                    f"INSERT INTO {name} ({', '.join(map(_quoted, columns))}) "  # noqa: S608
                    f"SELECT {', '.join(columns.values())} FROM {name} t, {SERIES[dialect]}"
                ),
                {"copies": copies},
            )


def _copied(column: Column[Any], dialect: str) -> str:
    """The SQL of a column's value in a copy; blank where the database makes it."""
    if column.primary_key and not isinstance(column.type, String):
        return ""
    if column.name == "number":
        return NUMBER[dialect]
    if column.name == "email" and column.unique:
        return "s.n || '-' || t.email"
    if column.name in KEYS and isinstance(column.type, String):
        return f"substr(t.{column.name}, 1, length(t.{column.name}) - 8) || {END[dialect]}"
    return f"t.{_quoted(column.name)}"


def _quoted(name: str) -> str:
    return f'"{name}"'  # "to" is a word of SQL


def _fastest(act: Callable[[Any], object], what: Sequence[Any]) -> float:
    """Milliseconds of one, in the fastest round."""
    size, times = max(1, len(what) // ROUNDS), []
    for start in range(0, size * ROUNDS, size):
        began = time.perf_counter()
        for each in what[start : start + size]:
            act(each)
        times.append((time.perf_counter() - began) / size)
    return 1000 * min(times)
