"""How the books are kept in SQLite. Days are 'YYYY-MM-DD', instants 'YYYY-MM-DD HH:MM:SS' in UTC, amounts whole cents.

As in Intacct, everything that customers owe, pay or get credited is a `record` with `entry` lines under one sequence of
record numbers, told apart by its type. A `detail` says that a payment pays a line, and with what. A `posting` is a line
of the general ledger: debit positive, `trx_amount` in the document's currency and `amount` in the entity's.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum


class Type(StrEnum):
    """RECORDTYPE. Source of rp, ro, rr: developer.intacct.com (ar-payments), though its two texts name rp differently;
    ri, ra, rd and cr are K."""

    INVOICE = "ri"
    ADJUSTMENT = "ra"
    PAYMENT = "rp"
    OVERPAYMENT = "ro"
    ADVANCE = "rr"
    DEPOSIT = "rd"
    OTHER_RECEIPT = "cr"


# The letters in the database, and what `query` shows for them (K but for A and D; REST's enumerations name the rest).
INVOICE_STATES = {
    "A": "Posted",
    "P": "Paid",
    "B": "Partially Paid",
    "S": "Selected",
    "D": "Draft",
    "I": "Submitted",
    "V": "Reversed",
    "R": "Reversal",
}
PAYMENT_STATES = {"C": "Complete", "D": "Draft", "V": "Reversed", "R": "Reversal"}
JOURNAL_STATES = {"P": "Posted", "I": "Draft", "Z": "Reversed"}
FIRST_RECORD = 5001
FIRST_ENTRY = 20001
FIRST_JOURNAL = 700001
# Custom fields: object, name, kind, label. A boolean that nobody ever set is NULL in a query (developer.intacct.com).
_CUSTOM = """
ARINVOICE ARC_HOLD boolean Collections hold
ARINVOICE ARC_HOLD_REASON text Collections hold reason
ARINVOICE ARC_HOLD_KIND text Hold kind
ARINVOICE ARC_HOLD_OWNER text Hold owner
ARINVOICE ARC_HOLD_SINCE date On hold since
ARINVOICE ARC_HOLD_UNTIL date On hold until
ARINVOICE ARC_PROMISE_ON date Promised on
ARINVOICE ARC_PROMISE_AMOUNT money Promised amount
ARINVOICE ARC_PROMISE_BY text Promised by
ARINVOICE ARC_PROMISE_RECORDED_BY text Promise recorded by
ARINVOICE ARC_PLAN text Payment plan
ARINVOICE ARC_PLAN_APPROVED_BY text Plan approved by
ARINVOICE ARC_CONVERSATION_UNTIL date In conversation until
ARINVOICE ARC_DISPUTE_OWNER text Dispute owner
ARINVOICE ARC_DISPUTE_UNTIL date Dispute deadline
ARINVOICE ARC_TOUCHED_ON date Last touched on
ARINVOICE ARC_PAY_URL text Pay link
ARINVOICE ARC_DELIVERED_ON date Delivered on
ARINVOICE ARC_STATE text AR state
ARINVOICE ARC_REASON text AR reason
ARINVOICE ARC_NEXT_STEP text AR next step
ARINVOICE ARC_NEXT_ON date AR next on
ARINVOICE ARC_OWNER text AR owner
ARINVOICE ARC_SEGMENT text AR segment
ARINVOICE ARC_CARD text AR reminder policy
ARINVOICEITEM ARC_DISPUTE boolean Disputed
ARINVOICEITEM ARC_DISPUTE_REASON text Dispute reason
ARINVOICEITEM ARC_DISPUTED_ON date Disputed on
ARINVOICEITEM ARC_DISPUTE_DETAIL text Dispute detail
ARINVOICEITEM ARC_DISPUTE_OUTCOME text Dispute outcome
ARINVOICEITEM ARC_LINE_KIND text Line kind
CUSTOMER ARC_DO_NOT_CONTACT boolean Do not contact
CUSTOMER ARC_EXCLUDE text Excluded from dunning
CUSTOMER ARC_AUTOPAY boolean Autopay
CUSTOMER ARC_TIER text Tier
CUSTOMER ARC_CONTRACT_TYPE text Contract type
CUSTOMER ARC_BILLING_MODEL text Billing model
CUSTOMER ARC_RELATIONSHIP text Relationship
CUSTOMER ARC_ARR money Annual recurring revenue
CUSTOMER ARC_ARR_CURRENCY text Currency of that revenue
CUSTOMER ARC_COUNTRY text Country
CUSTOMER ARC_TIME_ZONE text Time zone
CUSTOMER ARC_CC text Copies to
CUSTOMER ARC_MAILS_PARENT boolean Reminders go to the parent
CUSTOMER ARC_SMS text Mobile number
CUSTOMER ARC_SMS_CONSENT_ON date Text messages allowed on
CUSTOMER ARC_CHAT text Chat address
CUSTOMER ARC_CHAT_CONSENT_ON date Chat allowed on
ARPYMT ARC_EXTERNAL_ID text External id
ARPYMT ARC_ACT text Act
ARPYMT ARC_RECEIVED_ON date Received on
ARADVANCE ARC_EXTERNAL_ID text External id
ARADVANCE ARC_ACT text Act
ARADVANCE ARC_RECEIVED_ON date Received on
"""
# Custom objects: the integration name, and its own fields beside id, name and the four of every object.
_OBJECTS = """
arc_cancellation arc_act arc_invoice arc_invoice_number arc_customer arc_steps arc_reason arc_cancelled_at arc_state
arc_receipt arc_act arc_payment arc_text arc_state
arc_exception arc_kind arc_reason arc_amount arc_owner arc_opened_on arc_closed_on arc_payment arc_invoice arc_invoice_number arc_deadline arc_outcome
arc_proof arc_day arc_outcome arc_drifts arc_unfinished arc_text arc_made_at
arc_installation arc_installation_id arc_epoch arc_seen_at
"""  # noqa: E501
CUSTOM_FIELDS = tuple(tuple(line.split(" ", 3)) for line in _CUSTOM.strip().splitlines())
CUSTOM_OBJECTS = {words[0]: tuple(words[1:]) for words in (line.split() for line in _OBJECTS.strip().splitlines())}
# Where the custom fields of an object are kept.
TABLES = {
    "ARINVOICE": "record",
    "ARPYMT": "record",
    "ARADVANCE": "record",
    "ARINVOICEITEM": "entry",
    "CUSTOMER": "customer",
}
_SQL_TYPES = {"boolean": "INTEGER", "money": "INTEGER"}
_AUDIT = "auwhencreated TEXT, whenmodified TEXT, createdby TEXT, modifiedby TEXT"
_TABLES = f"""
CREATE TABLE record (
    recordno INTEGER PRIMARY KEY, recordtype TEXT, recordid TEXT, state TEXT, customerid TEXT, payername TEXT,
    parentpaymentkey INTEGER, docnumber TEXT, description TEXT, description2 TEXT, termname TEXT, whencreated TEXT,
    whenposted TEXT, whendue TEXT, whendiscount TEXT, whenpaid TEXT, receiptdate TEXT, paymentdate TEXT,
    paymentmethod TEXT, financialentity TEXT, undepositedaccountno TEXT, currency TEXT, basecurr TEXT, rate TEXT,
    total INTEGER, base_total INTEGER, paid INTEGER DEFAULT 0, discounted INTEGER DEFAULT 0, selected INTEGER DEFAULT 0,
    moduleid TEXT, entity TEXT NOT NULL DEFAULT '', reversalkey INTEGER, depositkey INTEGER, {_AUDIT},
    _receivable TEXT, _discount INTEGER DEFAULT 0, _made_by TEXT, _sequence INTEGER, _of TEXT, _external TEXT
);
CREATE INDEX record_number ON record (recordtype, recordid, customerid);
CREATE INDEX record_customer ON record (customerid, recordtype);
CREATE INDEX record_modified ON record (recordtype, whenmodified);
CREATE INDEX record_document ON record (docnumber);
CREATE INDEX record_parent ON record (parentpaymentkey) WHERE parentpaymentkey IS NOT NULL;
CREATE INDEX record_deposit ON record (depositkey) WHERE depositkey IS NOT NULL;
CREATE TABLE entry (
    recordno INTEGER PRIMARY KEY, recordkey INTEGER, line_no INTEGER, accountno TEXT, description TEXT, amount INTEGER,
    base_amount INTEGER, paid INTEGER DEFAULT 0, selected INTEGER DEFAULT 0, discount INTEGER DEFAULT 0,
    locationid TEXT, departmentid TEXT, itemid TEXT, parententry INTEGER, subtotal TEXT, receiptkey INTEGER, {_AUDIT}
);
CREATE INDEX entry_record ON entry (recordkey, line_no);
CREATE INDEX entry_receipt ON entry (receiptkey) WHERE receiptkey IS NOT NULL;
CREATE TABLE detail (
    recordno INTEGER PRIMARY KEY, paymentkey INTEGER, targetkey INTEGER, targetentry INTEGER, cash INTEGER DEFAULT 0,
    creditkey INTEGER, creditentry INTEGER, credit INTEGER DEFAULT 0, discount INTEGER DEFAULT 0, _sequence INTEGER
);
CREATE INDEX detail_payment ON detail (paymentkey);
CREATE INDEX detail_target ON detail (targetkey);
CREATE INDEX detail_credit ON detail (creditkey) WHERE creditkey IS NOT NULL;
CREATE TABLE posting (
    recordno INTEGER PRIMARY KEY, batchkey INTEGER, line_no INTEGER, entry_date TEXT, accountno TEXT,
    trx_amount INTEGER, amount INTEGER, currency TEXT, customerid TEXT, entity TEXT NOT NULL DEFAULT '',
    locationid TEXT, departmentid TEXT, description TEXT, module TEXT, whenmodified TEXT
);
CREATE INDEX posting_batch ON posting (batchkey);
CREATE INDEX posting_account ON posting (accountno, entry_date);
CREATE TABLE journal (
    recordno INTEGER PRIMARY KEY, batch_title TEXT, batch_date TEXT, symbol TEXT, referenceno TEXT, state TEXT,
    reversedkey INTEGER, reversedfrom INTEGER, reversed_on TEXT, currency TEXT, total INTEGER,
    entity TEXT NOT NULL DEFAULT '', {_AUDIT}, _made_by TEXT, _sequence INTEGER, _refund INTEGER
);
CREATE TABLE customer (
    recordno INTEGER PRIMARY KEY, customerid TEXT UNIQUE, name TEXT, parentid TEXT, email TEXT, country TEXT,
    termname TEXT, currency TEXT, status TEXT, onhold INTEGER, entity TEXT NOT NULL DEFAULT '', externalid TEXT,
    araccount TEXT, {_AUDIT}
);
CREATE INDEX customer_parent ON customer (parentid) WHERE parentid IS NOT NULL;
CREATE TABLE term (
    recordno INTEGER PRIMARY KEY, name TEXT UNIQUE, duedate INTEGER, discdate INTEGER, discamount TEXT, status TEXT,
    {_AUDIT}
);
CREATE TABLE account (
    recordno INTEGER PRIMARY KEY, accountno TEXT UNIQUE, title TEXT, accounttype TEXT, normalbalance TEXT,
    category TEXT, status TEXT, _role TEXT, {_AUDIT}
);
CREATE TABLE bank (
    recordno INTEGER PRIMARY KEY, bankaccountid TEXT UNIQUE, bankname TEXT, glaccountno TEXT, currency TEXT,
    locationid TEXT NOT NULL DEFAULT '', status TEXT, {_AUDIT}
);
CREATE TABLE entity (
    recordno INTEGER PRIMARY KEY, locationid TEXT UNIQUE, name TEXT, currency TEXT, status TEXT, {_AUDIT},
    _private INTEGER
);
CREATE TABLE period (
    recordno INTEGER PRIMARY KEY, name TEXT UNIQUE, header1 TEXT, start_date TEXT, end_date TEXT, budgeting INTEGER
);
CREATE TABLE closed (period INTEGER, entity TEXT, PRIMARY KEY (period, entity));
CREATE TABLE rate (recordno INTEGER PRIMARY KEY, base TEXT, currency TEXT, day TEXT, rate TEXT);
CREATE TABLE dunning (
    recordno INTEGER PRIMARY KEY, dunningdefinitionid TEXT, currency TEXT, printtemplatename TEXT, noticesequence TEXT,
    mindays INTEGER, maxdays INTEGER, minamount INTEGER, maxamount INTEGER, {_AUDIT}
);
CREATE TABLE number (name TEXT PRIMARY KEY, last INTEGER);
-- AR summaries: one a month and entity, closed with the books of the month.
CREATE VIEW summary AS
    SELECT p.recordno * 1000 + COALESCE(e.recordno, 0) AS recordno, p.start_date AS created,
        'AR Invoices: ' || p.start_date AS title, COALESCE(e.locationid, '') AS entity,
        CASE WHEN EXISTS (
            SELECT 1 FROM closed x WHERE x.period = p.recordno AND x.entity IN ('', COALESCE(e.locationid, ''))
        ) THEN 'F' ELSE 'T' END AS open
    FROM period p LEFT JOIN entity e ON TRUE
    WHERE p.budgeting = 1 AND p.start_date <= world_day() AND p.start_date > DATE(world_day(), '-25 months');
"""


def create(db: sqlite3.Connection) -> None:
    """Make the empty tables."""
    db.executescript(_TABLES)
    made: set[tuple[str, str]] = set()
    for name, field, kind, _ in CUSTOM_FIELDS:
        if (TABLES[name], field) not in made:
            db.execute(f'ALTER TABLE {TABLES[name]} ADD COLUMN "{field}" {_SQL_TYPES.get(kind, "TEXT")}')
            made.add((TABLES[name], field))
    db.execute('CREATE INDEX record_external ON record ("ARC_EXTERNAL_ID") WHERE "ARC_EXTERNAL_ID" IS NOT NULL')
    for name, fields in CUSTOM_OBJECTS.items():
        columns = ", ".join(f"{field} TEXT" for field in fields)
        db.execute(
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT, {columns}, createdAt TEXT, updatedAt TEXT,"
            " createdBy TEXT, updatedBy TEXT)"
        )
        db.execute(f"CREATE INDEX {name}_name ON {name} (name)")
