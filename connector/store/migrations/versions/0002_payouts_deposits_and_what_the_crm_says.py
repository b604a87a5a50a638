"""payouts, deposits and what the CRM says"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "autopay",
        sa.Column("invoice_number", sa.String(length=120), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("told_at", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("invoice_number", name=op.f("pk_autopay")),
        comment="Invoices that the processor collects by itself: nobody is reminded while an attempt is to come.",
    )
    op.create_table(
        "crm_account",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crm_account")),
        comment="What the CRM says of a customer, as last read: renewal, strategic, do not contact, who looks after it.",
    )
    with op.batch_alter_table("crm_account", schema=None) as batch_op:
        batch_op.create_index("ix_crm_account_customer", ["customer_id"], unique=False)

    op.create_table(
        "dunning_pause",
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_dunning_pause")),
        comment="Invoices on which we paused the ERP's own dunning, or could not; a pause is never taken back by us.",
    )
    op.create_table(
        "exception_written",
        sa.Column("exception_id", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_exception_written")),
        comment="The exception record that the ERP's saved searches see now, so that it is written on change only.",
    )
    op.create_table(
        "movement",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("payout_id", sa.String(length=120), server_default="", nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.String(length=40), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
        comment="The processor's balance transactions: what a payout is made of, and what the clearing proof adds up.",
    )
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.create_index("ix_movement_created", ["created_at"], unique=False)
        batch_op.create_index("ix_movement_payout", ["payout_id"], unique=False)

    op.create_table(
        "payout",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("arrives_on", sa.String(length=10), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("requested_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        comment="The processor's transfers to our bank. `standing`: waiting, held (an exception says why), depositing, deposited, refused (by the ERP), adopted (posted by others), observed (never posted by us), unsettled (came before a bank account was named), bounced (after its deposit), gone.",
    )
    with op.batch_alter_table("payout", schema=None) as batch_op:
        batch_op.create_index("ix_payout_standing", ["standing"], unique=False)

    op.create_table(
        "proof",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("unexplained", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "currency", name=op.f("pk_proof")),
        comment="The day's clearing proof, one a currency: the ledger's clearing account against the processor's balance.",
    )
    op.create_table(
        "deposit",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("payout_id", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("erp_id", sa.String(length=120), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.String(length=40), nullable=False),
        sa.Column("closed_at", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"], name=op.f("fk_deposit_payout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit")),
        comment="One deposit of one payout: the intent row is the only truth of what is written, and how far it came.",
    )
    with op.batch_alter_table("deposit", schema=None) as batch_op:
        batch_op.create_index("ix_deposit_payout", ["payout_id"], unique=False)
        batch_op.create_index("ix_deposit_state", ["state"], unique=False)

    op.create_table(
        "escalation",
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stops_mail", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.Column("task", sa.Text(), server_default="", nullable=False),
        sa.Column("told_at", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_escalation_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_escalation")),
        comment="Invoices that a person must look at, by which rule, and whether the account team was told.",
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("autopay", sa.Boolean(), server_default="0", nullable=False))

    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_allocated", ["allocated", "customer_id"], unique=False)
        batch_op.create_index(
            "ix_invoice_due", ["status", "due_on", "family", "currency", "askable", "allocated"], unique=False
        )
        batch_op.create_index("ix_invoice_sums", ["status", "customer_id", "currency", "balance"], unique=False)

    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erp_id", sa.String(length=120), server_default="", nullable=False))

    # What the acts of before put into the ERP is known by its act.
    op.execute(
        "UPDATE payment SET erp_id = COALESCE((SELECT MAX(act.erp_id) FROM act WHERE act.payment_id = payment.id "
        "AND act.state IN ('written', 'confirmed', 'closed')), '') WHERE standing = 'matched'"
    )
