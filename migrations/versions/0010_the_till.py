"""A sale at the till is an order of a typed amount: without product, customer or address"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _checks() -> tuple[tuple[sa.CheckConstraint, ...], tuple[sa.CheckConstraint, ...]]:
    """Of orders and of their lines: SQLite builds both again, and Alembic does not read these."""
    status, positive = "status IN ('open', 'paid', 'held')", "total > 0"
    return (
        (
            sa.CheckConstraint(status, name=op.f("ck_orders_status")),
            sa.CheckConstraint(positive, name=op.f("ck_orders_total_positive")),
        ),
        (sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),),
    )


def upgrade() -> None:
    of_orders, of_lines = _checks()
    with op.batch_alter_table("orders", table_args=of_orders) as table:
        table.add_column(
            sa.Column("at_till", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        table.alter_column("customer_id", existing_type=sa.String(length=32), nullable=True)
    with op.batch_alter_table("order_lines", table_args=of_lines) as table:
        table.alter_column("product_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    of_orders, of_lines = _checks()
    with op.batch_alter_table("order_lines", table_args=of_lines) as table:
        table.alter_column("product_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("orders", table_args=of_orders) as table:
        table.alter_column("customer_id", existing_type=sa.String(length=32), nullable=False)
        table.drop_column("at_till")
