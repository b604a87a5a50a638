"""initial"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "credit",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("open_amount", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit")),
        comment="Open credit memos and unapplied payments in the ERP: a customer in credit is not chased.",
    )
    with op.batch_alter_table("credit", schema=None) as batch_op:
        batch_op.create_index("ix_credit_customer", ["customer_id"], unique=False)

    op.create_table(
        "customer",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("parent_id", sa.String(length=120), nullable=False),
        sa.Column("exclusion", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        comment="Whom an invoice belongs to and who may be mailed, as last read.",
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index("ix_customer_family", ["family"], unique=False)

    op.create_table(
        "exception",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("explanations", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=40), nullable=False),
        sa.Column("closed_at", sa.String(length=40), nullable=True),
        sa.Column("close_reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception")),
        comment="What a person must look at, with what was found and why nothing was guessed.",
    )
    with op.batch_alter_table("exception", schema=None) as batch_op:
        batch_op.create_index("ix_exception_open", ["closed_at"], unique=False)

    op.create_table(
        "invoice",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("askable", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("issued_on", sa.String(length=10), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("hold_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.String(length=40), nullable=False),
        sa.Column("first_seen_on", sa.String(length=10), nullable=False),
        sa.Column("next_on", sa.String(length=10), nullable=True),
        sa.Column("in_backlog", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("restate", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("closed_at", sa.String(length=40), nullable=True),
        sa.CheckConstraint("allocated >= 0 AND allocated <= balance", name=op.f("ck_invoice_apply_once")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        comment="The open invoices and what became of them. `allocated` is ours and not yet confirmed by the ERP's balance; `version` rises with every commit that lowers what is owed or holds it; `restate`: the ERP's saved searches are behind.",
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index("ix_invoice_family", ["family", "currency", "status"], unique=False)
        batch_op.create_index("ix_invoice_next", ["next_on"], unique=False)
        batch_op.create_index("ix_invoice_number", ["number"], unique=False)
        batch_op.create_index("ix_invoice_restate", ["restate"], unique=False)

    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("invoice_id", sa.String(length=120), nullable=True),
        sa.Column("payment_id", sa.String(length=120), nullable=True),
        sa.Column("act_id", sa.String(length=120), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=True),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        comment="Append only: every change of state in the order of its commit, so that anything can be explained.",
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("ix_journal_event", ["event"], unique=False)
        batch_op.create_index("ix_journal_invoice", ["invoice_id"], unique=False)
        batch_op.create_index("ix_journal_payment", ["payment_id"], unique=False)

    op.create_table(
        "match_pending",
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", "payment_id", name=op.f("pk_match_pending")),
        comment="A match is about to be committed: no new lease on these invoices.",
    )
    op.create_table(
        "message",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("leaving_seq", sa.BigInteger(), nullable=True),
        sa.Column("done_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        comment="One mail to one customer on one day: leased, leaving (marked before the final dot), sent, not_sent, sent_unknown.",
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_state", ["state"], unique=False)

    op.create_table(
        "parked",
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("record", sa.String(length=120), nullable=False),
        sa.Column("field", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("source", "record", name=op.f("pk_parked")),
        comment="Records that were not understood: named until a later read understands them.",
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("customer_id", sa.String(length=120), nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("allocated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("received_at", sa.String(length=40), nullable=False),
        sa.Column("received_on", sa.String(length=10), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("requested_at", sa.String(length=40), nullable=False),
        sa.Column("seen_at", sa.String(length=40), nullable=False),
        sa.CheckConstraint("allocated >= 0 AND allocated <= amount", name=op.f("ck_payment_cents_conserve")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        comment="Money seen. `standing`: waiting (to be matched), matched, suggested, exception, refused (by the ERP), adopted (posted by others), observed (before the cutover: never posted).",
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index("ix_payment_family", ["family", "currency"], unique=False)
        batch_op.create_index("ix_payment_standing", ["standing"], unique=False)

    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
        comment="What this installation must remember of itself: its id and epoch, the clock's high-water mark, switch dates.",
    )
    op.create_table(
        "source",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False),
        sa.Column("fresh_as_of", sa.String(length=40), nullable=True),
        sa.Column("full_read_on", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
        comment="How fresh each source is by its own word, and where to read on; the cursor is a hint.",
    )
    op.create_table(
        "status_written",
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_status_written")),
        comment="The AR status that the ERP's saved searches see now, so that it is written on change only.",
    )
    op.create_table(
        "stop",
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_stop")),
        comment="`connector stop`: a person's order that outlives the daemon.",
    )
    op.create_table(
        "suggestion",
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "invoice_id", name=op.f("pk_suggestion")),
        comment="A match that posting isn't switched on for: shown to a person, and it shields its invoices from reminders.",
    )
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.create_index("ix_suggestion_invoice", ["invoice_id"], unique=False)

    op.create_table(
        "verdict",
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("decision", sa.String(length=30), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.String(length=40), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("subject", "decision", name=op.f("pk_verdict")),
        comment="The standing verdict on each subject, kept until its outcome or its inputs change; the journal has the old ones.",
    )
    op.create_table(
        "act",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rung", sa.String(length=40), nullable=False),
        sa.Column("equation", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("request", sa.String(length=120), server_default="", nullable=False),
        sa.Column("erp_id", sa.String(length=120), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("matched_at", sa.String(length=40), nullable=False),
        sa.Column("matched_seq", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_act_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_act")),
        comment="One closing act: the intent row is the only truth of what is to be written, and of how far it came.",
    )
    with op.batch_alter_table("act", schema=None) as batch_op:
        batch_op.create_index("ix_act_payment", ["payment_id"], unique=False)
        batch_op.create_index("ix_act_request", ["request"], unique=False)
        batch_op.create_index("ix_act_state", ["state"], unique=False)

    op.create_table(
        "exception_invoice",
        sa.Column("exception_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["exception_id"], ["exception.id"], name=op.f("fk_exception_invoice_exception_id")),
        sa.PrimaryKeyConstraint("exception_id", "invoice_id", name=op.f("pk_exception_invoice")),
        comment="Invoices whose reminders an exception holds.",
    )
    with op.batch_alter_table("exception_invoice", schema=None) as batch_op:
        batch_op.create_index("ix_exception_invoice_invoice", ["invoice_id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("deadline_at", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_lease_message_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_lease")),
        comment="The right to send about an invoice; a match waits for it. It ends by its owner or by proof of the owner's death.",
    )
    op.create_table(
        "reminder",
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("step", sa.String(length=30), nullable=False),
        sa.Column("due_on", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_on", sa.String(length=10), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_reminder_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "step", name=op.f("pk_reminder")),
        comment="Every step of every invoice's cadence, and what became of it.",
    )
    op.create_table(
        "allocation",
        sa.Column("act_id", sa.String(length=120), nullable=False),
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_allocation_positive")),
        sa.ForeignKeyConstraint(["act_id"], ["act.id"], name=op.f("fk_allocation_act_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_allocation_invoice_id")),
        sa.PrimaryKeyConstraint("act_id", "invoice_id", name=op.f("pk_allocation")),
        comment="Which cents of which payment pay which invoice. `state`: intended, posted, released.",
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index("ix_allocation_invoice", ["invoice_id"], unique=False)
        batch_op.create_index("ix_allocation_payment", ["payment_id"], unique=False)
