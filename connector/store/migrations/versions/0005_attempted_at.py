"""attempted at"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempted_at", sa.String(length=40), nullable=True))

    with op.batch_alter_table("deposit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempted_at", sa.String(length=40), nullable=True))
