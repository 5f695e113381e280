"""The provider's own word for a payment that it calls by two names"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("payments", sa.Column("provider_state", sa.Text()))


def downgrade() -> None:
    op.drop_column("payments", "provider_state")
