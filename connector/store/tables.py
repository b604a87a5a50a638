"""The tables, each with the sentence that justifies it.

Amounts are integer minor units beside an ISO currency; instants are ISO 8601 text in UTC, days ISO dates: both sort as
text and read plainly in any SQL tool. `journal.seq` is the store's own order; "before" and "after" mean this order.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = String(120)
_Minor = BigInteger

journal = Table(
    "journal",
    metadata,
    # SQLite gives an increasing rowid only to a plain INTEGER key.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", String(40), nullable=False),
    Column("event", String(60), nullable=False),
    Column("invoice_id", _Id),
    Column("payment_id", _Id),
    Column("act_id", _Id),
    Column("message_id", String(200)),
    Column("detail", Text, nullable=False, server_default="{}"),
    Index("ix_journal_invoice", "invoice_id"),
    Index("ix_journal_payment", "payment_id"),
    Index("ix_journal_event", "event"),
    comment="Append only: every change of state in the order of its commit, so that anything can be explained.",
    sqlite_autoincrement=True,
)

setting = Table(
    "setting",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
    comment="What this installation must remember of itself: its epoch, the clock's high-water mark, switch dates.",
)

source = Table(
    "source",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("cursor", Text, nullable=False, server_default=""),
    Column("fresh_as_of", String(40)),
    Column("full_read_on", String(10)),
    comment="How fresh each source is by its own word, and where to read on; the cursor is a hint.",
)

customer = Table(
    "customer",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("family", _Id, nullable=False),
    Column("parent_id", _Id, nullable=False),
    Column("exclusion", Text, nullable=False),
    Column("autopay", Boolean, nullable=False, server_default="0"),
    Column("facts", Text, nullable=False, server_default=""),
    Column("email_since", String(10)),
    Column("requested_at", String(40), nullable=False),
    Index("ix_customer_family", "family"),
    comment="Whom an invoice belongs to and who may be mailed, as last read.",
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("number", String(120), nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("family", _Id, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", _Minor, nullable=False),
    Column("balance", _Minor, nullable=False),
    Column("allocated", _Minor, nullable=False, server_default="0"),
    Column("askable", _Minor, nullable=False),
    Column("status", String(10), nullable=False),
    Column("issued_on", String(10), nullable=False),
    Column("due_on", String(10), nullable=False),
    Column("hold_reason", Text, nullable=False, server_default=""),
    Column("facts", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("requested_at", String(40), nullable=False),
    Column("first_seen_on", String(10), nullable=False),
    Column("next_on", String(10)),
    Column("in_backlog", Boolean, nullable=False, server_default="0"),
    Column("restate", Boolean, nullable=False, server_default="1"),
    Column("closed_at", String(40)),
    Column("segment", String(60), nullable=False, server_default=""),
    CheckConstraint("allocated >= 0 AND allocated <= balance", name="apply_once"),
    Index("ix_invoice_family", "family", "currency", "status"),
    Index("ix_invoice_next", "next_on"),
    Index("ix_invoice_restate", "restate"),
    Index("ix_invoice_number", "number"),
    # These hold all columns that every tick adds up, so that it need not walk through the facts of the whole book.
    Index("ix_invoice_sums", "status", "customer_id", "currency", "balance"),
    Index("ix_invoice_due", "status", "due_on", "family", "currency", "askable", "allocated"),
    Index("ix_invoice_allocated", "allocated", "customer_id"),
    Index("ix_invoice_segment", "segment", "status"),
    comment="The open invoices and what became of them. `allocated` is ours and not yet confirmed by the ERP's "
    "balance; `version` rises with every commit that changes what is known of it; `restate`: AR status behind.",
)

credit = Table(
    "credit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("number", String(120), nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("open_amount", _Minor, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("facts", Text, nullable=False, server_default=""),
    Column("allocated", _Minor, nullable=False, server_default="0"),
    Column("requested_at", String(40), nullable=False),
    CheckConstraint("allocated >= 0 AND allocated <= open_amount", name="use_once"),
    Index("ix_credit_customer", "customer_id"),
    comment="Open credit memos and unapplied payments in the ERP: a customer in credit is not chased. `allocated` is "
    "what an unfinished act of ours uses of a memo.",
)

parked = Table(
    "parked",
    metadata,
    Column("source", String(60), primary_key=True),
    Column("record", _Id, primary_key=True),
    Column("field", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("since", String(40), nullable=False),
    comment="Records that were not understood: named until a later read understands them.",
)

payment = Table(
    "payment",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("source", String(60), nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("family", _Id, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", _Minor, nullable=False),
    Column("refunded", _Minor, nullable=False, server_default="0"),
    Column("allocated", _Minor, nullable=False, server_default="0"),
    Column("elsewhere", _Minor, nullable=False, server_default="0"),
    Column("state", String(20), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("received_on", String(10), nullable=False),
    Column("facts", Text, nullable=False),
    Column("standing", String(20), nullable=False),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("erp_id", _Id, nullable=False, server_default=""),
    Column("requested_at", String(40), nullable=False),
    Column("seen_at", String(40), nullable=False),
    CheckConstraint("allocated >= 0 AND allocated <= amount", name="cents_conserve"),
    Index("ix_payment_family", "family", "currency"),
    Index("ix_payment_standing", "standing"),
    comment="Money seen. `standing`: waiting (to be matched), matched, suggested, exception, refused (by the ERP), "
    "adopted (posted by others), observed (before the cutover: never posted). `elsewhere` was applied by others in "
    "the ERP.",
)

act = Table(
    "act",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("payment_id", _Id, ForeignKey("payment.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("intent", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("rung", String(40), nullable=False),
    Column("equation", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("request", _Id, nullable=False, server_default=""),
    Column("erp_id", _Id, nullable=False, server_default=""),
    Column("problem", Text, nullable=False, server_default=""),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("matched_at", String(40), nullable=False),
    Column("matched_seq", BigInteger, nullable=False),
    Column("attempted_at", String(40)),
    Column("closed_at", String(40)),
    Index("ix_act_state", "state"),
    Index("ix_act_payment", "payment_id"),
    Index("ix_act_request", "request"),
    comment="One closing act: the intent row is the only truth of what is to be written, and of how far it came.",
)

allocation = Table(
    "allocation",
    metadata,
    Column("act_id", _Id, ForeignKey("act.id"), primary_key=True),
    Column("invoice_id", _Id, ForeignKey("invoice.id"), primary_key=True),
    Column("payment_id", _Id, nullable=False),
    Column("amount", _Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(20), nullable=False),
    CheckConstraint("amount > 0", name="positive"),
    Index("ix_allocation_invoice", "invoice_id"),
    Index("ix_allocation_payment", "payment_id"),
    comment="Which cents of which payment pay which invoice. `state`: intended, posted, released, undone.",
)

payout = Table(
    "payout",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("amount", _Minor, nullable=False),
    Column("state", String(20), nullable=False),
    Column("arrives_on", String(10), nullable=False),
    Column("facts", Text, nullable=False),
    Column("standing", String(20), nullable=False),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("requested_at", String(40), nullable=False),
    Index("ix_payout_standing", "standing"),
    comment="The processor's transfers to our bank. `standing`: waiting, held (an exception says why), depositing, "
    "deposited, refused (by the ERP), adopted (posted by others), observed (never posted by us), unsettled (came "
    "before a bank account was named), bounced (after its deposit), gone.",
)

movement = Table(
    "movement",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("payout_id", _Id, nullable=False, server_default=""),
    Column("payment_id", _Id, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("category", String(20), nullable=False),
    Column("net", _Minor, nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("facts", Text, nullable=False),
    Index("ix_movement_payout", "payout_id"),
    Index("ix_movement_created", "created_at"),
    comment="The processor's balance transactions: what a payout is made of, and what the clearing proof adds up.",
)

deposit = Table(
    "deposit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("payout_id", _Id, ForeignKey("payout.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("intent", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("erp_id", _Id, nullable=False, server_default=""),
    Column("problem", Text, nullable=False, server_default=""),
    Column("decided_at", String(40), nullable=False),
    Column("attempted_at", String(40)),
    Column("closed_at", String(40)),
    Index("ix_deposit_state", "state"),
    Index("ix_deposit_payout", "payout_id"),
    comment="One deposit of one payout: the intent row is the only truth of what is written, and how far it came.",
)

reversal = Table(
    "reversal",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("payment_id", _Id, ForeignKey("payment.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("intent", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("erp_id", _Id, nullable=False, server_default=""),
    Column("problem", Text, nullable=False, server_default=""),
    Column("decided_at", String(40), nullable=False),
    Column("attempted_at", String(40)),
    Column("closed_at", String(40)),
    Index("ix_reversal_state", "state"),
    Index("ix_reversal_payment", "payment_id"),
    comment="One payment that came back, taken back in the ERP: the intent row is the only truth of what is written.",
)

proof = Table(
    "proof",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("unexplained", _Minor, nullable=False),
    Column("facts", Text, nullable=False),
    comment="The day's clearing proof, one a currency: the ledger's clearing account against the processor's balance.",
)

crm_account = Table(
    "crm_account",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("customer_id", _Id, nullable=False),
    Column("facts", Text, nullable=False),
    Index("ix_crm_account_customer", "customer_id"),
    comment="What the CRM says of a customer, as last read: renewal, strategic, do not contact, who looks after it.",
)

autopay = Table(
    "autopay",
    metadata,
    Column("invoice_number", String(120), primary_key=True),
    Column("facts", Text, nullable=False),
    Column("told_at", String(40)),
    comment="Invoices that the processor collects by itself: nobody is reminded while an attempt is to come.",
)

escalation = Table(
    "escalation",
    metadata,
    Column("invoice_id", _Id, ForeignKey("invoice.id"), primary_key=True),
    Column("rule", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("stops_mail", Boolean, nullable=False),
    Column("owner", Text, nullable=False),
    Column("since", String(40), nullable=False),
    Column("task", Text, nullable=False, server_default=""),
    Column("told_at", String(40)),
    Column("rung", String(20), nullable=False, server_default="flag"),
    Column("answer_by", String(10)),
    Column("touched_on", String(10)),
    Column("raised_at", String(40)),
    comment="Invoices that a person must look at, by which rule, and whether the account team was told.",
)

dunning_pause = Table(
    "dunning_pause",
    metadata,
    Column("invoice_id", _Id, primary_key=True),
    Column("outcome", String(20), nullable=False),
    Column("at", String(40), nullable=False),
    comment="Invoices on which we paused the ERP's own dunning, or could not; a pause is never taken back by us.",
)

exception_written = Table(
    "exception_written",
    metadata,
    Column("exception_id", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    comment="The exception record that the ERP's saved searches see now, so that it is written on change only.",
)

reminder = Table(
    "reminder",
    metadata,
    Column("invoice_id", _Id, ForeignKey("invoice.id"), primary_key=True),
    Column("step", String(30), primary_key=True),
    Column("due_on", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("sent_on", String(10)),
    Column("message_id", String(200)),
    comment="Every step of every invoice's cadence, and what became of it.",
)

message = Table(
    "message",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("customer_id", _Id, nullable=False),
    Column("day", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("mail", Text, nullable=False),
    Column("owner", String(80), nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("channel", String(20), nullable=False, server_default="email"),
    Column("recipient", String(200), nullable=False, server_default=""),
    Column("leaving_seq", BigInteger),
    Column("done_seq", BigInteger),
    Index("ix_message_state", "state"),
    Index("ix_message_day", "day"),
    comment="One mail to one customer on one day: leased, leaving (marked before the final dot), sent, sent_unknown.",
)

lease = Table(
    "lease",
    metadata,
    Column("invoice_id", _Id, primary_key=True),
    Column("message_id", String(200), ForeignKey("message.id"), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("deadline_at", String(40), nullable=False),
    comment="The right to send about an invoice; a match waits for it. Ends by its owner or by proof of its death.",
)

match_pending = Table(
    "match_pending",
    metadata,
    Column("invoice_id", _Id, primary_key=True),
    Column("payment_id", _Id, primary_key=True),
    Column("owner", String(80), nullable=False),
    comment="A match is about to be committed: no new lease on these invoices.",
)

suggestion = Table(
    "suggestion",
    metadata,
    Column("payment_id", _Id, primary_key=True),
    Column("invoice_id", _Id, primary_key=True),
    Column("amount", _Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Index("ix_suggestion_invoice", "invoice_id"),
    comment="A match that posting isn't switched on for: shown, and it shields its invoices from reminders.",
)

proposal = Table(
    "proposal",
    metadata,
    Column("payment_id", _Id, ForeignKey("payment.id"), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("facts", Text, nullable=False),
    comment="What was found for a payment that waits for a person, whole: the match with its proof, or the exception "
    "with its explanations. What somebody approves is held against it.",
)

request = Table(
    "request",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("payment_id", _Id, ForeignKey("payment.id"), nullable=False),
    Column("deed", String(20), nullable=False),
    Column("split", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("at", String(40), nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    Column("answered_at", String(40)),
    Index("ix_request_payment", "payment_id"),
    Index("ix_request_answered", "answered_at"),
    comment="What people asked for in the approval queue: approve, edit, reject. The daemon acts on it and answers. "
    "`split` is what the person saw and wants, so that nothing else is ever posted in their name.",
    sqlite_autoincrement=True,
)

evidence = Table(
    "evidence",
    metadata,
    Column("subject", _Id, primary_key=True),
    Column("source", String(20), primary_key=True),
    Column("rung", String(40), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("who", Text, nullable=False, server_default=""),
    Column("at", String(40), nullable=False),
    Index("ix_evidence_rung", "rung", "outcome"),
    comment="How often each class of evidence was right: by replayed history, by people's answers in the queue, by "
    "what became of our postings. `subject` is a payment; outcome: right, wrong, unjudged.",
)

demotion = Table(
    "demotion",
    metadata,
    Column("rung", String(40), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", String(40), nullable=False),
    comment="Classes of evidence that were once wrong in what they posted: they post nothing until a person lifts it.",
)

alias = Table(
    "alias",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("key", String(200), nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("learned_from", _Id, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", String(40), nullable=False),
    Column("confirmed_by", Text, nullable=False, server_default=""),
    Column("confirmed_at", String(40)),
    Column("removed_by", Text, nullable=False, server_default=""),
    Column("removed_at", String(40)),
    Index("ix_alias_key", "kind", "key"),
    comment="What people taught us about payers: bank account, e-mail or name -> customer. A bank account counts only "
    "when a second person confirmed it.",
    sqlite_autoincrement=True,
)

verdict = Table(
    "verdict",
    metadata,
    Column("subject", String(160), primary_key=True),
    Column("decision", String(30), primary_key=True),
    Column("outcome", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("policy_version", String(40), nullable=False),
    Column("since", String(40), nullable=False),
    comment="The standing verdict on each subject, kept until outcome or inputs change; the journal has the old ones.",
)

exception = Table(
    "exception",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("payment_id", _Id, nullable=False),
    Column("amount", _Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", Text, nullable=False),
    Column("explanations", Text, nullable=False),
    Column("opened_at", String(40), nullable=False),
    Column("closed_at", String(40)),
    Column("close_reason", Text, nullable=False, server_default=""),
    Column("owner", Text, nullable=False, server_default=""),
    Column("deadline", String(10)),
    Index("ix_exception_open", "closed_at"),
    comment="What a person must look at, with what was found and why nothing was guessed. `owner` empty: finance, or "
    "whoever the approvals name.",
)

exception_invoice = Table(
    "exception_invoice",
    metadata,
    Column("exception_id", String(200), ForeignKey("exception.id"), primary_key=True),
    Column("invoice_id", _Id, primary_key=True),
    Index("ix_exception_invoice_invoice", "invoice_id"),
    comment="Invoices whose reminders an exception holds.",
)

status_written = Table(
    "status_written",
    metadata,
    Column("invoice_id", _Id, primary_key=True),
    Column("digest", String(64), nullable=False),
    comment="The AR status that the ERP's saved searches see now, so that it is written on change only.",
)

stop = Table(
    "stop",
    metadata,
    Column("what", String(10), primary_key=True),
    Column("since", String(40), nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    comment="`connector stop`: a person's order that outlives the daemon.",
)

pause = Table(
    "pause",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("invoice_id", _Id, nullable=False, server_default=""),
    Column("customer_id", _Id, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("source", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("since", String(10), nullable=False),
    Column("until", String(10)),
    Column("facts", Text, nullable=False),
    Column("first_seen_at", String(40), nullable=False),
    Column("asked_on", String(10)),
    Column("told_on", String(10)),
    Column("ended_on", String(10)),
    Column("outcome", Text, nullable=False, server_default=""),
    Index("ix_pause_invoice", "invoice_id", "ended_on"),
    Index("ix_pause_customer", "customer_id", "ended_on"),
    comment="Why people keep reminders back: of an invoice, or of all of a customer's where `invoice_id` is empty. "
    "Each has reason, owner and end; `asked_on`: the customer was asked for detail; `told_on`: its owner was told.",
    sqlite_autoincrement=True,
)

reply = Table(
    "reply",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("message_id", String(200), nullable=False),
    Column("customer_id", _Id, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("taken_at", String(40), nullable=False),
    Index("ix_reply_customer", "customer_id"),
    comment="Answers to our messages and what was made of them, each taken once; the text stays in the mailbox.",
)

payment_history = Table(
    "payment_history",
    metadata,
    Column("customer_id", _Id, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("as_of", String(10), nullable=False),
    comment="How each customer has paid, from the ERP's documents, made anew once a day.",
)

policy_version = Table(
    "policy_version",
    metadata,
    Column("version", String(40), primary_key=True),
    Column("text", Text, nullable=False),
    Column("proposed_by", Text, nullable=False, server_default=""),
    Column("proposed_at", String(40), nullable=False),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("approved_at", String(40)),
    Column("first_used_at", String(40)),
    comment="Every policy that was proposed or ran here, whole, so that any verdict can be read beside its own.",
)

notice = Table(
    "notice",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("text", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("at", String(40), nullable=False),
    Index("ix_notice_state", "state"),
    comment="What our own people were told in the chat, each at most once: waiting, leaving, sent, not_sent, "
    "sent_unknown.",
)

day_proof = Table(
    "day_proof",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("outcome", String(20), nullable=False),
    Column("facts", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("written_at", String(40)),
    comment="The three-way proof of each day as it was last made, and when the ERP took its result.",
)
