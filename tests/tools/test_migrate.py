"""Every migration runs on a database that holds data, as a shop has when it is updated.

T03. A database is made by each version, filled with orders in every state, and brought up to the
newest: nothing is lost, and the tables are those of a new shop. Versions that are added later take
part by themselves: what they need beside the rows below is filled in by type.
"""

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from flask import Flask, current_app
from sqlalchemy import Connection, MetaData, Table, inspect, select
from sqlalchemy.exc import IntegrityError

import config
from app import create_app
from catalogue import fill_shelf
from database import db
from ops.health import REVISIONS

from .. import postgres
from ..conftest import close
from ..mintcash import event
from ..shopper import Shopper

THEN = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORDER = {
    "customer_id": "ann",
    "name": "Zoë O'Neill",
    "email": "zoë@example.com",
    "line1": "Potter Street 1",
    "line2": "",
    "city": "Ghent",
    "postal_code": "9000",
    "country": "BE",
    "currency": "USD",
    "total": 2800,
    "created_at": THEN,
}
PAYMENT = {
    "provider": "mintcash",
    "amount": 2800,
    "currency": "USD",
    "received": 0,
    "refunded": 0,
    "created_at": THEN,
    "expires_at": THEN + timedelta(hours=1),
    "page_expires_at": THEN + timedelta(hours=1),
}
#: Orders in every status, payments on many rungs, and all that hangs on them. A version takes the
#: tables and columns that it has.
ROWS: dict[str, list[dict[str, Any]]] = {
    "customers": [{"id": "ann", "email": "zoë@example.com"}, {"id": "bob", "email": "b@x.example"}],
    "products": [
        {"slug": "candle", "position": 1, "name": "Kiln candle", "stock": 7},
        {"slug": "cookbook", "position": 2, "name": "Cookbook", "stock": None},
    ],
    "prices": [
        {"product_id": 1, "currency": "USD", "amount": 2800},
        {"product_id": 2, "currency": "USD", "amount": 1900},
    ],
    "orders": [
        {"id": "open", "number": "KK-OPEN", "cart_key": "c1", "status": "open", **ORDER},
        {
            **{"id": "paid", "number": "KK-PAID", "cart_key": "c2", "status": "paid"},
            **{"paid_by": "paid-2", "paid_at": THEN, **ORDER},
        },
        {
            **{"id": "held", "number": "KK-HELD", "cart_key": "c3", "status": "held"},
            **{"held_code": "amount", "held_reason": "12.00 came of 28.00", **ORDER},
        },
        {
            **{"id": "big", "number": "KK-BIG", "cart_key": "c4", "status": "paid"},
            **{**ORDER, "paid_by": "big-1", "paid_at": THEN, "total": 9_007_199_254_740_993},
        },
    ],
    "order_lines": [
        {
            **{"order_id": order, "product_id": product, "name": "Kiln candle"},
            **{"fulfilment": "ship", "unit_price": 2800, "quantity": 1},
        }
        for order, product in [("open", 1), ("paid", 1), ("paid", 2), ("held", 1), ("big", 2)]
    ],
    "payments": [
        {
            **{"id": "open-1", "order_id": "open", "attempt": 1, "status": "failed", **PAYMENT},
            **{"provider_reference": "ref-open-1", "failure_code": "card_declined"},
        },
        {
            **{"id": "open-2", "order_id": "open", "attempt": 2, "status": "pending", **PAYMENT},
            **{"provider_reference": "ref-open-2", "page_url": "http://127.0.0.1:5001/page/2"},
            **{"next_look_at": THEN + timedelta(minutes=5), "hint": "canceled"},
        },
        {
            **{"id": "paid-1", "order_id": "paid", "attempt": 1, "status": "expired", **PAYMENT},
            **{"provider": "wipay", "abandoned": True, "returned_at": THEN},
        },
        {
            **{"id": "paid-2", "order_id": "paid", "attempt": 2, "status": "partially_refunded"},
            **{**PAYMENT, "received": 2800, "refunded": 500, "refund_asked": 500},
            **{"provider_reference": "ref-paid-2", "transaction_id": "charge-1"},
            **{"provider_state": "ch_1"},
        },
        {
            **{"id": "paid-3", "order_id": "paid", "attempt": 3, "status": "succeeded"},
            **{**PAYMENT, "received": 2800, "problem": "A second payment", "provider": "handcash"},
        },
        {
            **{"id": "held-1", "order_id": "held", "attempt": 1, "status": "partially_paid"},
            **{**PAYMENT, "provider": "request_network", "received": 1200, "method": "coin"},
            **{"way": {"kind": "form", "fields": {"total": "28.00"}}, "page_token": "t1"},
        },
        {
            **{"id": "big-1", "order_id": "big", "attempt": 1, "status": "refunded", **PAYMENT},
            **{"amount": 9_007_199_254_740_993, "received": 9_007_199_254_740_993},
            **{"refunded": 9_007_199_254_740_993, "refund_asked": 9_007_199_254_740_993},
        },
    ],
    "payment_parts": [
        {
            **{"payment_id": "held-1", "position": position, "provider": "request_network"},
            **{"provider_reference": f"part-{position}", "amount": 1400, "received": received},
        }
        for position, received in [(0, 1200), (1, 0)]
    ],
    "refunds": [
        {
            **{"id": f"refund-{status}", "payment_id": payment, "amount": 500, "before": 0},
            **{"reason": "Broken", "status": status, "created_at": THEN},
        }
        for status, payment in [("done", "paid-2"), ("open", "paid-3"), ("refused", "big-1")]
    ],
    "deliveries": [
        {
            **{
                "provider": "mintcash",
                "event_key": key,
                "event": "payment.succeeded",
            },
            **{"verdict": verdict, "payment_id": payment, "received_at": THEN, "seen": 2},
            **{"headers": {"X-Signature": "[masked]"}, "body": body, "news": news},
            "proof": {"where": "x-signature", "algorithm": "HMAC-SHA256", "over": "the raw body"},
        }
        for key, verdict, payment, body, news in [
            ("e1", "applied", "paid-2", '{"é": 1}', None),
            ("e2", "ignored", "open-1", "{}", None),
            ("e3", "parked", None, "{}", {"status": "succeeded", "amount": 2800}),
            (None, "refused", None, None, None),
            (None, "refused", None, None, None),
        ]
    ],
    "outbox": [
        {
            **{"order_id": order, "kind": kind, "due_at": THEN, "attempts": attempts},
            **{"last_error": error, "parked": bool(error), "done_at": done},
        }
        for order, kind, attempts, error, done in [
            ("paid", "ship", 1, None, THEN),
            ("paid", "receipt", 12, "SMTP: 550", None),
            ("big", "receipt", 0, None, None),
        ]
    ],
    "parcels": [{"order_id": "paid", "address": "Ghent", "contents": "candle", "created_at": THEN}],
    "downloads": [
        {
            **{"order_id": "paid", "product_id": 2, "slug": "cookbook", "token": "token"},
            **{"name": "Cookbook", "left": 3, "expires_at": THEN},
        }
    ],
    "credits": [
        {
            **{"order_id": "big", "product_id": 2, "customer_id": "bob", "amount": 2500},
            **{"currency": "USD", "created_at": THEN},
        }
    ],
    "mails": [
        {
            **{"order_id": "paid", "kind": "receipt", "to": "zoë@example.com"},
            **{"subject": "Paid", "text": "Thank you", "html": "<p>", "created_at": THEN},
        }
    ],
    "saved_cards": [
        {
            **{"id": "card", "device": "d" * 64, "provider": "wipay", "transaction_id": "t1"},
            **{"label": "Visa ending 1111", "verified": True, "created_at": THEN},
        }
    ],
    "early_pings": [{"provider": "wipay", "reference": "tr_1", "received_at": THEN}],
    "counters": [{"name": "webhooks", "provider": "mintcash", "label": "BadSignature", "value": 3}],
}

Table_ = list[dict[str, Any]]


@contextmanager
def shop_at(url: str, folder: Path) -> Iterator[Flask]:
    app = create_app(config.load(database_url=url, jobs_url=f"sqlite:///{folder}/jobs.db"))
    with app.app_context():
        yield app
    close(app)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/shop.db"
        return
    server = request.getfixturevalue("postgres_server")
    with postgres.database(server, f"migrations_{uuid.uuid4().hex[:8]}") as url:
        yield url


def migrate(revision: str = "head", directory: Path | None = None) -> None:
    alembic = current_app.extensions["migrate"].migrate.get_config(directory)
    command.upgrade(alembic, revision)


def tables(connection: Connection) -> list[Table]:
    """As they are in the database, parents before children."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [each for each in metadata.sorted_tables if each.name != "alembic_version"]


def fill() -> None:
    with db.engine.begin() as connection:
        for table in tables(connection):
            for row in ROWS.get(table.name, []):
                connection.execute(table.insert().values(_fitted(table, row)))


def _fitted(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row, with what this version has and without what it has not."""
    fitted = {}
    for column in table.columns:
        if column.name in row:
            fitted[column.name] = row[column.name]
        elif not (column.nullable or column.server_default or column is table.autoincrement_column):
            blank: dict[type, Any] = {datetime: THEN, dict: {}}
            kind = column.type.python_type
            fitted[column.name] = blank[kind] if kind in blank else kind()
    return fitted


def content() -> dict[str, Table_]:
    with db.engine.connect() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(
                    select(table).order_by(*table.primary_key.columns)
                ).mappings()
            ]
            for table in tables(connection)
        }


def structure() -> dict[str, dict[str, set[Any]]]:
    """Columns, keys, constraints and indexes of each table, to compare two databases by."""
    inspector = inspect(db.engine)
    return {
        name: {
            "columns": {(c["name"], c["nullable"]) for c in inspector.get_columns(name)},
            "primary": {tuple(inspector.get_pk_constraint(name)["constrained_columns"])},
            "unique": {
                (c["name"], tuple(c["column_names"]))
                for c in inspector.get_unique_constraints(name)
            },
            "checks": {
                (c["name"], str(c["sqltext"])) for c in inspector.get_check_constraints(name)
            },
            "foreign": {
                (c["name"], tuple(c["constrained_columns"]), c["referred_table"])
                for c in inspector.get_foreign_keys(name)
            },
            "indexes": {
                (c["name"], tuple(c["column_names"]), bool(c["unique"]), "where" in str(c))
                for c in inspector.get_indexes(name)
            },
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def lost(before: Table_, after: Table_) -> set[str]:
    """Columns whose values stand nowhere any more; a column may have got another name."""
    old, new = ({name for row in rows for name in row} for rows in (before, after))
    kept = [[repr(row[name]) for row in after] for name in new]
    return {name for name in old if [repr(row[name]) for row in before] not in kept}


@pytest.mark.parametrize("version", REVISIONS)
def test_a_filled_database_of_every_version_comes_up_to_date_and_loses_nothing(
    version: str, empty_database: str, tmp_path: Path
) -> None:
    with shop_at(empty_database, tmp_path):
        migrate(version)
        fill()
        before = content()
        assert before["deliveries"], "rows that point at payments, which once made it fail"

        migrate()

        after = content()
        for name, rows in before.items():
            assert len(after[name]) == len(rows), name
            assert lost(rows, after[name]) == set(), name
            same = {key for row in rows for key in row} & {
                key for row in after[name] for key in row
            }
            for old, new in zip(rows, after[name], strict=True):
                assert {key: new[key] for key in same} == {key: old[key] for key in same}
        if db.engine.dialect.name == "sqlite":
            with db.engine.connect() as connection:
                check = connection.exec_driver_sql
                assert check("PRAGMA foreign_key_check").fetchall() == []
                assert check("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert check("PRAGMA foreign_keys").scalar() == 1, "and switched on again"


@pytest.mark.parametrize("version", REVISIONS)
def test_afterwards_the_tables_are_those_that_the_models_say(
    version: str, empty_database: str, tmp_path: Path
) -> None:
    with shop_at(empty_database, tmp_path):
        migrate(version)
        fill()
        migrate()
        migrated = structure()

        command.check(current_app.extensions["migrate"].migrate.get_config())
        for table in reversed(db.metadata.sorted_tables):
            table.drop(db.engine)
        db.create_all()

        assert migrated == structure()


@pytest.mark.parametrize("version", REVISIONS)
def test_afterwards_the_shop_serves_the_orders_and_takes_news_of_them(
    version: str, empty_database: str, tmp_path: Path
) -> None:
    with shop_at(empty_database, tmp_path) as app:
        migrate(version)
        fill()
        migrate()
        fill_shelf()
        shopper = Shopper(app)

        for order in ROWS["orders"]:
            page = shopper.get(f"/console/orders/{order['id']}")
            assert page.status_code == 200
            assert order["number"] in page.text
        for path in ("/", "/console", "/console/webhooks", "/console/jobs", "/console/mail"):
            assert shopper.get(path).status_code == 200
        payment = {"id": "ref-open-2", "externalId": "open-2", "amount": 2800, "currency": "USD"}
        assert shopper.deliver(*event(payment, "succeeded")).status_code == 200
        assert ("open", "paid") in [(row["id"], row["status"]) for row in content()["orders"]]


@pytest.mark.parametrize("version", REVISIONS)
@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("deliveries", {**ROWS["deliveries"][0], "event_key": "x", "payment_id": "gone"}),
        ("deliveries", ROWS["deliveries"][0]),
        ("payments", {**ROWS["payments"][0], "id": "x", "attempt": 9, "order_id": "gone"}),
        ("orders", {**ROWS["orders"][0], "id": "x", "number": "x", "cart_key": "x", "status": "?"}),
        ("orders", {**ROWS["orders"][0], "id": "x", "number": "x", "cart_key": "x", "total": 0}),
    ],
    ids=["orphan", "same_event", "payment_of_no_order", "no_such_status", "no_total"],
)
def test_afterwards_the_database_refuses_what_it_refused_before(
    version: str, table: str, row: dict[str, Any], tmp_path: Path
) -> None:
    """SQLite builds a table again to change it; a constraint could be left behind."""
    with shop_at(f"sqlite:///{tmp_path}/shop.db", tmp_path):
        migrate(version)
        fill()
        migrate()

        with db.engine.connect() as connection:
            (found,) = (each for each in tables(connection) if each.name == table)
            with pytest.raises(IntegrityError):
                connection.execute(found.insert().values(_fitted(found, row)))


BAD = """
import sqlalchemy as sa
from alembic import op

revision = "bad"
down_revision = "{head}"


def upgrade():
    with op.batch_alter_table("payments") as table:
        table.alter_column("hint", type_=sa.String(length=11))
    op.execute("UPDATE orders SET name = 'changed'")
    op.execute("CREATE TABLE half_done (id INTEGER)")
    {end}
"""


def with_one_more(folder: Path, end: str) -> Path:
    """The migrations, and one after them that goes wrong."""
    copied = folder / "migrations"
    shutil.copytree(config.ROOT / "migrations", copied)
    (copied / "versions/bad.py").write_text(BAD.format(head=REVISIONS[0], end=end))
    return copied


def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(
    empty_database: str, tmp_path: Path
) -> None:
    migrations = with_one_more(tmp_path, "raise RuntimeError('half way')")
    with shop_at(empty_database, tmp_path):
        migrate("0001")
        fill()
        before, shape = content(), structure()

        with pytest.raises(RuntimeError, match="half way"):
            migrate(directory=migrations)

        assert (content(), structure()) == (before, shape)
        with db.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        assert found == "0001"
        migrate()  # and the one that is right is not in the way of anything


def test_a_migration_that_would_leave_rows_without_their_parents_is_refused(
    tmp_path: Path,
) -> None:
    """PostgreSQL watches by itself; SQLite was told to look away while tables are built again."""
    migrations = with_one_more(tmp_path, "op.execute(\"DELETE FROM payments WHERE id = 'paid-2'\")")
    with shop_at(f"sqlite:///{tmp_path}/shop.db", tmp_path):
        migrate()
        fill()
        before = content()

        with pytest.raises(CommandError) as refused:
            migrate(directory=migrations)

        assert str(refused.value) == (
            "rows would point at rows that are not there: 1 of deliveries point at payments, "
            "1 of refunds point at payments"
        )
        assert content() == before


def test_without_the_switch_the_same_migration_would_fail(tmp_path: Path) -> None:
    """The twin: a table that rows point at cannot be built again while foreign keys are watched."""
    with shop_at(f"sqlite:///{tmp_path}/shop.db", tmp_path):
        migrate()
        fill()
    database = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    database.execute("PRAGMA foreign_keys=ON")
    database.execute("BEGIN")
    database.execute("PRAGMA foreign_keys=OFF")  # too late: no-op within a transaction

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY constraint failed"):
        database.execute("DROP TABLE payments")

    database.close()
