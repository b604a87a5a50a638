"""credits, approvals and what was learned"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("learned_from", sa.String(length=120), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("confirmed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmed_at", sa.String(length=40), nullable=True),
        sa.Column("removed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("removed_at", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alias")),
        comment="What people taught us about payers: bank account, e-mail or name -> customer. A bank account counts only when a second person confirmed it.",
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.create_index("ix_alias_key", ["kind", "key"], unique=False)

    op.create_table(
        "demotion",
        sa.Column("rung", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("rung", name=op.f("pk_demotion")),
        comment="Classes of evidence that were once wrong in what they posted: they post nothing until a person lifts it.",
    )
    op.create_table(
        "evidence",
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("rung", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("subject", "source", name=op.f("pk_evidence")),
        comment="How often each class of evidence was right: by replayed history, by people's answers in the queue, by what became of our postings. `subject` is a payment; outcome: right, wrong, unjudged.",
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_rung", ["rung", "outcome"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_proposal_payment_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_proposal")),
        comment="What was found for a payment that waits for a person, whole: the match with its proof, or the exception with its explanations. What somebody approves is held against it.",
    )
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("deed", sa.String(length=20), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_request_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        comment="What people asked for in the approval queue: approve, edit, reject. The daemon acts on it and answers. `split` is what the person saw and wants, so that nothing else is ever posted in their name.",
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index("ix_request_answered", ["answered_at"], unique=False)
        batch_op.create_index("ix_request_payment", ["payment_id"], unique=False)

    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.add_column(sa.Column("approved_by", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("facts", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("allocated", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.create_check_constraint("use_once", "allocated >= 0 AND allocated <= open_amount")

    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("elsewhere", sa.BigInteger(), server_default="0", nullable=False))
