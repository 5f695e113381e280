"""Counters, and the indexes by which /metrics counts"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "provider", "label", name=op.f("pk_counters")),
    )
    op.create_index("ix_payments_outcome", "payments", ["status", "provider"])
    op.create_index(
        "ix_payments_problem",
        "payments",
        ["provider"],
        sqlite_where=sa.text("problem IS NOT NULL"),
        postgresql_where=sa.text("problem IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_held",
        "orders",
        ["held_code"],
        sqlite_where=sa.text("held_code IS NOT NULL"),
        postgresql_where=sa.text("held_code IS NOT NULL"),
    )
    op.create_index("ix_deliveries_verdict", "deliveries", ["provider", "verdict"])


def downgrade() -> None:
    op.drop_index("ix_deliveries_verdict", "deliveries")
    op.drop_index("ix_orders_held", "orders")
    op.drop_index("ix_payments_problem", "payments")
    op.drop_index("ix_payments_outcome", "payments")
    op.drop_table("counters")
