"""More ways to pay than one page, parts, refunds, saved cards, receipts as HTML"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("payments") as table:
        table.add_column(sa.Column("method", sa.String(length=60), server_default=""))
        table.add_column(sa.Column("refund_asked", sa.BigInteger(), server_default="0"))
        table.add_column(sa.Column("page_token", sa.String(length=100)))
        table.add_column(sa.Column("way", sa.JSON()))
        table.add_column(sa.Column("page_expires_at", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("abandoned", sa.Boolean(), server_default=sa.false()))
    op.execute("UPDATE payments SET page_expires_at = expires_at, refund_asked = refunded")
    with op.batch_alter_table("payments") as table:
        for name in ("method", "refund_asked", "page_expires_at", "abandoned"):
            table.alter_column(name, nullable=False)
    with op.batch_alter_table("outbox") as table:
        table.alter_column("kind", type_=sa.String(length=40))
    with op.batch_alter_table("mails") as table:
        table.add_column(sa.Column("html", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "payment_parts",
        sa.Column("payment_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("provider_reference", sa.String(length=100), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_parts_payment_id")
        ),
        sa.PrimaryKeyConstraint("payment_id", "position", name=op.f("pk_payment_parts")),
        sa.UniqueConstraint(
            "provider",
            "provider_reference",
            name=op.f("uq_payment_parts_provider_provider_reference"),
        ),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("payment_id", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("provider_reference", sa.String(length=100)),
        sa.Column("problem", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint("status IN ('open', 'done', 'refused')", name=op.f("ck_refunds_status")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"])
    op.create_index(
        "uq_refunds_open",
        "refunds",
        ["payment_id"],
        unique=True,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "saved_cards",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("transaction_id", sa.String(length=100), nullable=False),
        sa.Column("card_id", sa.String(length=40)),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("verify_by", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_cards")),
        sa.UniqueConstraint("provider", "card_id", name=op.f("uq_saved_cards_provider_card_id")),
        sa.UniqueConstraint(
            "provider", "transaction_id", name=op.f("uq_saved_cards_provider_transaction_id")
        ),
    )
    op.create_index(op.f("ix_saved_cards_device"), "saved_cards", ["device"])


def downgrade() -> None:
    op.drop_table("saved_cards")
    op.drop_table("refunds")
    op.drop_table("payment_parts")
    with op.batch_alter_table("outbox") as table:
        table.alter_column("kind", type_=sa.String(length=20))
    with op.batch_alter_table("mails") as table:
        table.drop_column("html")
    with op.batch_alter_table("payments") as table:
        for name in ("abandoned", "page_expires_at", "way", "page_token", "refund_asked", "method"):
            table.drop_column(name)
