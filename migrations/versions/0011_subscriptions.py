"""Products that are charged for again each month, and an order for each period"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("products", sa.Column("every_days", sa.Integer()))
    op.add_column("orders", sa.Column("subscription_id", sa.String(length=32)))
    op.add_column("orders", sa.Column("period_start", sa.DateTime(timezone=True)))
    op.create_index(
        "uq_orders_period",
        "orders",
        ["subscription_id", "period_start"],
        unique=True,
        sqlite_where=sa.text("subscription_id IS NOT NULL"),
        postgresql_where=sa.text("subscription_id IS NOT NULL"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True)),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("every_days > 0", name=op.f("ck_subscriptions_every_days_positive")),
        sa.CheckConstraint(
            "status IN ('created', 'active', 'past_due', 'cancelled')",
            name=op.f("ck_subscriptions_status"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_subscriptions_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_subscriptions")),
    )
    op.create_index("ix_subscriptions_created_at", "subscriptions", ["created_at"])


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.drop_index("uq_orders_period", table_name="orders")
    op.drop_column("orders", "period_start")
    op.drop_column("orders", "subscription_id")
    op.drop_column("products", "every_days")
