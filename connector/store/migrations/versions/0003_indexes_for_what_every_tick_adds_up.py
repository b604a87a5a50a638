"""indexes for what every tick adds up"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_allocated", ["allocated", "customer_id"], unique=False)
        batch_op.create_index(
            "ix_invoice_due", ["status", "due_on", "family", "currency", "askable", "allocated"], unique=False
        )
        batch_op.create_index("ix_invoice_sums", ["status", "customer_id", "currency", "balance"], unique=False)
