"""Pings: when a payment was pinged and checked, and unknown ids that were pinged"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("payments", sa.Column("pinged_at", sa.DateTime(timezone=True)))
    op.add_column("payments", sa.Column("checked_at", sa.DateTime(timezone=True)))
    op.create_table(
        "early_pings",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "reference", name=op.f("pk_early_pings")),
    )
    op.create_index("ix_early_pings_received_at", "early_pings", ["received_at"])


def downgrade() -> None:
    op.drop_table("early_pings")
    op.drop_column("payments", "checked_at")
    op.drop_column("payments", "pinged_at")
