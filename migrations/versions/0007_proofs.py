"""How each delivery was proven; of older ones that is not known"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("proof", sa.JSON()))


def downgrade() -> None:
    op.drop_column("deliveries", "proof")
