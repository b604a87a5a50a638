"""reversals and daily proofs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "day_proof",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("made_at", sa.String(length=40), nullable=False),
        sa.Column("written_at", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_day_proof")),
        comment="The three-way proof of each day as it was last made, and when the ERP took its result.",
    )
    op.create_table(
        "reversal",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("erp_id", sa.String(length=120), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.String(length=40), nullable=False),
        sa.Column("attempted_at", sa.String(length=40), nullable=True),
        sa.Column("closed_at", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_reversal_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reversal")),
        comment="One payment that came back, taken back in the ERP: the intent row is the only truth of what is written.",
    )
    with op.batch_alter_table("reversal", schema=None) as batch_op:
        batch_op.create_index("ix_reversal_payment", ["payment_id"], unique=False)
        batch_op.create_index("ix_reversal_state", ["state"], unique=False)
