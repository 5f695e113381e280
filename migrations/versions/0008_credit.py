"""Gift cards have a code and a balance, every movement a row, and orders may be paid with them"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("orders", sa.Column("credit", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("credits", sa.Column("code", sa.String(length=24)))
    op.add_column(
        "credits", sa.Column("balance", sa.BigInteger, server_default="0", nullable=False)
    )
    op.add_column(
        "credits", sa.Column("withdrawn", sa.Boolean, server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("credit_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('issued', 'reserved', 'freed', 'spent', 'returned', 'withdrawn', 'restored')",
            name=op.f("ck_credit_entries_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["credit_id"], ["credits.id"], name=op.f("fk_credit_entries_credit_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_credit_entries_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_entries")),
    )
    _give_codes()
    with op.batch_alter_table("credits") as table:
        table.alter_column("code", existing_type=sa.String(length=24), nullable=False)
        table.create_unique_constraint(op.f("uq_credits_code"), ["code"])
        table.create_check_constraint(op.f("ck_credits_balance_not_negative"), "balance >= 0")
    op.create_index("ix_credit_entries_credit_id", "credit_entries", ["credit_id"])
    op.create_index("ix_credit_entries_order_id", "credit_entries", ["order_id"])
    op.create_table(
        "credit_uses",
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("credit_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_uses_amount_positive")),
        sa.CheckConstraint(
            "status IN ('reserved', 'freed', 'spent', 'returned')",
            name=op.f("ck_credit_uses_status"),
        ),
        sa.ForeignKeyConstraint(
            ["credit_id"], ["credits.id"], name=op.f("fk_credit_uses_credit_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_credit_uses_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_credit_uses")),
    )
    op.create_index("ix_credit_uses_credit_id", "credit_uses", ["credit_id"])
    op.create_index(
        "ix_credit_uses_reserved",
        "credit_uses",
        ["reserved_at"],
        sqlite_where=sa.text("status = 'reserved'"),
        postgresql_where=sa.text("status = 'reserved'"),
    )


def _give_codes() -> None:
    """What was bought before can be spent, too: all of it is left."""
    credits = sa.table("credits", *map(sa.column, ("id", "code", "amount", "balance")))
    connection = op.get_bind()
    for credit_id in list(connection.scalars(sa.select(credits.c.id))):
        letters = "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(20))
        code = "-".join(letters[start : start + 4] for start in range(0, 20, 4))
        connection.execute(
            sa.update(credits)
            .where(credits.c.id == credit_id)
            .values(code=code, balance=credits.c.amount)
        )
    op.execute(
        "INSERT INTO credit_entries (credit_id, order_id, kind, amount, currency, created_at) "
        "SELECT id, order_id, 'issued', amount, currency, created_at FROM credits"
    )


def downgrade() -> None:
    op.drop_table("credit_uses")
    op.drop_table("credit_entries")
    with op.batch_alter_table("credits") as table:
        table.drop_constraint(op.f("ck_credits_balance_not_negative"), type_="check")
        table.drop_constraint(op.f("uq_credits_code"), type_="unique")
        table.drop_column("withdrawn")
        table.drop_column("balance")
        table.drop_column("code")
    op.drop_column("orders", "credit")
