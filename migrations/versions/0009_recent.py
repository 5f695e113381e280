"""What began or came within a day is found by an index, and news that is parked"""

from alembic import op

revision = "0009"
down_revision = "0008"

#: Name: table, columns, and the columns before; None where there was no such index.
INDEXES = {
    "ix_payments_begun": ("payments", ["created_at", "provider", "status"], None),
    "ix_payments_due": ("payments", ["next_look_at", "provider"], ["next_look_at"]),
    "ix_deliveries_received": ("deliveries", ["received_at", "provider", "verdict"], None),
    "ix_deliveries_verdict": ("deliveries", ["verdict", "provider"], ["provider", "verdict"]),
}


def upgrade() -> None:
    for name, (table, columns, before) in INDEXES.items():
        if before:
            op.drop_index(name, table)
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, (table, _, before) in INDEXES.items():
        op.drop_index(name, table)
        if before:
            op.create_index(name, table, before)
