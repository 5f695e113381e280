"""Disputes, orders that replace one another, what must stay, who fetched a download"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Columns that need no rewriting of the table: other rows point to orders and payments.
    op.add_column("orders", sa.Column("region", sa.String(80), server_default="", nullable=False))
    op.add_column(
        "orders", sa.Column("must_keep", sa.BigInteger, server_default="0", nullable=False)
    )
    op.add_column("orders", sa.Column("chain_id", sa.String(32)))
    op.create_index(
        "ix_orders_chain",
        "orders",
        ["chain_id"],
        sqlite_where=sa.text("chain_id IS NOT NULL"),
        postgresql_where=sa.text("chain_id IS NOT NULL"),
    )
    op.add_column("payments", sa.Column("dispute", sa.String(10)))
    op.add_column("payments", sa.Column("page_asked_at", sa.DateTime(timezone=True)))
    op.create_index("ix_payments_transaction", "payments", ["provider", "transaction_id"])
    op.create_table(
        "download_uses",
        sa.Column("download_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["download_id"], ["downloads.id"], name=op.f("fk_download_uses_download_id")
        ),
        sa.PrimaryKeyConstraint("download_id", "client", name=op.f("pk_download_uses")),
    )


def downgrade() -> None:
    op.drop_table("download_uses")
    op.drop_index("ix_payments_transaction", "payments")
    op.drop_column("payments", "page_asked_at")
    op.drop_column("payments", "dispute")
    op.drop_index("ix_orders_chain", "orders")
    op.drop_column("orders", "chain_id")
    op.drop_column("orders", "must_keep")
    op.drop_column("orders", "region")
