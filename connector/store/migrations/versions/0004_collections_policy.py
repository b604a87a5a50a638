"""collections policy"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        comment="What our own people were told in the chat, each at most once: waiting, leaving, sent, not_sent, sent_unknown.",
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_state", ["state"], unique=False)

    op.create_table(
        "pause",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("invoice_id", sa.String(length=120), server_default="", nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("since", sa.String(length=10), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.String(length=40), nullable=False),
        sa.Column("asked_on", sa.String(length=10), nullable=True),
        sa.Column("told_on", sa.String(length=10), nullable=True),
        sa.Column("ended_on", sa.String(length=10), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")),
        comment="Why people keep reminders back: of an invoice, or of all of a customer's where `invoice_id` is empty. Each has reason, owner and end; `asked_on`: the customer was asked for detail; `told_on`: its owner was told.",
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("pause", schema=None) as batch_op:
        batch_op.create_index("ix_pause_customer", ["customer_id", "ended_on"], unique=False)
        batch_op.create_index("ix_pause_invoice", ["invoice_id", "ended_on"], unique=False)

    op.create_table(
        "payment_history",
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("as_of", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_payment_history")),
        comment="How each customer has paid, from the ERP's documents, made anew once a day.",
    )
    op.create_table(
        "policy_version",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("proposed_at", sa.String(length=40), nullable=False),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_at", sa.String(length=40), nullable=True),
        sa.Column("first_used_at", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policy_version")),
        comment="Every policy that was proposed or ran here, whole, so that any verdict can be read beside its own.",
    )
    op.create_table(
        "reply",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("received_at", sa.String(length=40), nullable=False),
        sa.Column("taken_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        comment="Answers to our messages and what was made of them, each taken once; the text stays in the mailbox.",
    )
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.create_index("ix_reply_customer", ["customer_id"], unique=False)

    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("facts", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("email_since", sa.String(length=10), nullable=True))

    with op.batch_alter_table("escalation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rung", sa.String(length=20), server_default="flag", nullable=False))
        batch_op.add_column(sa.Column("answer_by", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("touched_on", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("raised_at", sa.String(length=40), nullable=True))

    with op.batch_alter_table("exception", schema=None) as batch_op:
        batch_op.add_column(sa.Column("owner", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("deadline", sa.String(length=10), nullable=True))

    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("segment", sa.String(length=60), server_default="", nullable=False))
        batch_op.create_index("ix_invoice_segment", ["segment", "status"], unique=False)

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=20), server_default="email", nullable=False))
        batch_op.add_column(sa.Column("recipient", sa.String(length=200), server_default="", nullable=False))
        batch_op.create_index("ix_message_day", ["day"], unique=False)
