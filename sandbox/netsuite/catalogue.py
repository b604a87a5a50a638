"""The tables and fields of the false account, as SuiteQL shows them and as SQLite keeps them.

Names are those of notes and public queries (O or C), except where a comment says K. A column that begins with `_` is
ours and is never shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    KEY = "key"  # an internal id
    NUMBER = "number"
    MONEY = "money"  # integer units of 1/10,000, see amounts.py
    TEXT = "text"
    DATE = "date"  # 'YYYY-MM-DD HH:MM:SS', a day at midnight
    FLAG = "flag"  # 'T' or 'F'


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    refers: str = ""  # the table whose name BUILTIN.DF shows

    @property
    def declaration(self) -> str:
        return f'"{self.name}" {"TEXT" if self.kind in (Kind.TEXT, Kind.DATE, Kind.FLAG) else "INTEGER"}'


@dataclass(frozen=True, slots=True)
class CustomField:
    """`table` is where it shows in SuiteQL; `records` are the SOAP record kinds that carry it."""

    id: int
    script_id: str
    label: str
    type: str  # the word of the account's own field list: CHECKBOX, CURRENCY, DATE, TEXT, SELECT
    table: str
    records: tuple[str, ...]
    refers: str = ""  # of a SELECT: the table that it points into

    @property
    def kind(self) -> Kind:
        return _KINDS.get(self.type, Kind.TEXT)

    @property
    def column(self) -> Column:
        return Column(self.script_id, self.kind, self.refers)


@dataclass(frozen=True, slots=True)
class RecordType:
    """A custom record type: its numeric id differs from account to account, so nothing may rely on it."""

    id: int
    script_id: str
    name: str


_KINDS = {"CHECKBOX": Kind.FLAG, "CURRENCY": Kind.MONEY, "DATE": Kind.DATE, "SELECT": Kind.KEY}


def _columns(text: str) -> tuple[Column, ...]:
    """`name:kind` or `name:kind>table`, separated by blanks."""
    columns = []
    for word in text.split():
        name, kind = word.split(":")
        kind, _, refers = kind.partition(">")
        columns.append(Column(name, Kind(kind), refers))
    return tuple(columns)


TABLES: dict[str, tuple[Column, ...]] = {
    "transaction": _columns(
        "id:key tranid:text externalid:text type:text recordtype:text entity:key>customer trandate:date duedate:date"
        " terms:key>term memo:text otherrefnum:text currency:key>currency exchangerate:number foreigntotal:money"
        " foreignamountpaid:money foreignamountunpaid:money foreignpaymentamountused:money"
        " foreignpaymentamountunused:money status:text posting:flag voided:flag approvalstatus:key>approvalstatus"
        " postingperiod:key>accountingperiod closedate:date createddate:date lastmodifieddate:date"
        " discountdate:date discountamount:money"  # K; those of term are C
        " _amount:money _subsidiary:key _made_by:text _undeposited:flag _account:key _receivable:key _sequence:number"
    ),
    "transactionline": _columns(
        "uniquekey:key id:number transaction:key>transaction linesequencenumber:number mainline:flag taxline:flag"
        " entity:key>customer item:key quantity:number rate:money foreignamount:money netamount:money memo:text"
        " subsidiary:key>subsidiary department:key class:key location:key createdfrom:key>transaction"
        " foreignamountunpaid:money foreignpaymentamountunused:money _account:key"
    ),
    # What each line does to the ledger, in the subsidiary's base currency: a view on transactionline.
    "transactionaccountingline": _columns(
        "transaction:key>transaction transactionline:number accountingbook:key account:key>account accounttype:text"
        " amount:money netamount:money debit:money credit:money posting:flag lastmodifieddate:date"
    ),
    # Columns are C, except `subsidiary` and `acctname`: K. `currency` is empty but for banks. `_subsidiary` empty: all.
    "account": _columns(
        "id:key acctnumber:text acctname:text accountsearchdisplayname:text accountsearchdisplaynamecopy:text"
        " displaynamewithhierarchy:text fullname:text accttype:text currency:key>currency subsidiary:key>subsidiary"
        " parent:key>account isinactive:flag issummary:flag externalid:text lastmodifieddate:date"
    ),
    "currencyrate": _columns(
        "id:key basecurrency:key>currency transactioncurrency:key>currency exchangerate:number effectivedate:date"
        " lastmodifieddate:date"
    ),
    # The e-mail log. Element names of the REST record are O (article_161038358813); that SuiteQL has them too is K.
    "message": _columns(
        "id:key transaction:key>transaction entity:key>customer messagedate:date subject:text authoremail:text"
        " recipient:key>customer recipientemail:text cc:text bcc:text emailed:flag incoming:flag hasattachment:flag"
        " lastmodifieddate:date"
    ),
    "nexttransactionlinelink": _columns(
        "previousdoc:key>transaction previousline:number previoustype:text nextdoc:key>transaction nextline:number"
        " nexttype:text linktype:text foreignamount:money _sequence:number"
        # What of the amount is an early discount; the payment that a credit memo was applied with.
        " _discount:money _payment:key"
    ),
    "customer": _columns(
        "id:key entityid:text companyname:text altname:text email:text terms:key>term currency:key>currency"
        " subsidiary:key>subsidiary parent:key>customer isinactive:flag isperson:flag externalid:text"
        " creditlimit:money receivablesaccount:key>account datecreated:date lastmodifieddate:date"
    ),
    # Tables and columns of addresses are C; their `country` is a code of two letters.
    "customeraddressbook": _columns(
        "internalid:key entity:key>customer label:text defaultbilling:flag defaultshipping:flag addressbookaddress:key"
    ),
    "customeraddressbookentityaddress": _columns(
        "nkey:key addressee:text addr1:text city:text state:text zip:text country:text"
    ),
    # Columns of term are C, but for `name` and `datedriven`: K.
    "term": _columns(
        "id:key name:text isinactive:flag daysuntilnetdue:number discountpercent:number daysuntilexpiry:number"
        " datedriven:flag"
    ),
    # `symbol` is the ISO code; `name`, which BUILTIN.DF shows, is what the account calls the currency.
    "currency": _columns("id:key name:text symbol:text isinactive:flag exchangerate:number currencyprecision:number"),
    "subsidiary": _columns("id:key name:text fullname:text currency:key>currency parent:key isinactive:flag"),
    "accountingperiod": _columns(
        "id:key periodname:text startdate:date enddate:date closed:flag alllocked:flag arlocked:flag"
        " allownonglchanges:flag isadjust:flag isposting:flag isquarter:flag isyear:flag parent:key>accountingperiod"
    ),
    "customrecordtype": _columns("internalid:key scriptid:text name:text isinactive:flag"),  # K
    "customfield": _columns("internalid:key scriptid:text name:text fieldtype:text isinactive:flag"),  # K
}
CUSTOM_RECORD = _columns(
    "id:key name:text externalid:text isinactive:flag created:date lastmodified:date owner:key _sequence:number"
)
# What BUILTIN.DF shows for a reference into this table.
SHOWN = {
    "customer": "entityid",
    "term": "name",
    "currency": "name",
    "subsidiary": "name",
    "accountingperiod": "periodname",
    "transaction": "tranid",
    "account": "accountsearchdisplayname",
}
_OPEN = "type = 'CustInvc' AND foreignamountunpaid > 0"
# What of a table is open or posted is asked far more often than the table grows: those indices hold just that part.
INDICES = {
    "transaction": (
        "type, id",
        "entity, type",
        "type, lastmodifieddate",
        "lastmodifieddate",
        "externalid",
        "type, trandate",
        f"posting, voided, id, type, foreignamountunpaid WHERE {_OPEN}",
        f"posting, voided, entity, currency, type, foreignamountunpaid WHERE {_OPEN}",
        "type, posting, voided, id, foreignpaymentamountunused WHERE foreignpaymentamountunused > 0",
    ),
    "transactionline": ('"transaction", id, mainline, _account', '_account, "transaction", netamount'),
    "nexttransactionlinelink": ("previousdoc", "nextdoc", "_payment WHERE _payment IS NOT NULL"),
    "customer": ("lastmodifieddate", "externalid", "parent"),
    "message": ('"transaction"',),
    "customeraddressbook": ("entity",),
}
VIEWS = {
    "transactionaccountingline": """
        SELECT l."transaction" AS "transaction", l.id AS transactionline, 1 AS accountingbook, l._account AS account,
            (SELECT a.accttype FROM account a WHERE a.id = l._account) AS accounttype,
            l.netamount AS amount, l.netamount AS netamount,
            CASE WHEN l.netamount > 0 THEN l.netamount END AS debit,
            CASE WHEN l.netamount < 0 THEN -l.netamount END AS credit,
            t.posting AS posting, t.lastmodifieddate AS lastmodifieddate
        FROM transactionline l JOIN "transaction" t ON t.id = l."transaction" WHERE l._account IS NOT NULL"""
}
# The columns of an invoice that Guesses.query_shows_discount is about.
DISCOUNT = frozenset({"discountdate", "discountamount"})
# Columns and tables that an account without OneWorld doesn't have.
ONE_WORLD = "subsidiary"

RECORD_TYPES = (
    RecordType(121, "customrecord_arc_cancellation", "AR cancellation"),
    RecordType(122, "customrecord_arc_receipt", "AR receipt"),
    RecordType(123, "customrecord_arc_status", "AR status"),
    RecordType(124, "customrecord_arc_installation", "AR installation"),
    RecordType(125, "customrecord_arc_exception", "AR exception"),
    RecordType(126, "customrecord_arc_proof", "AR daily proof"),
)
# The record types of NetSuite's Dunning Letters SuiteApp: script ids C, their fields are not played.
DUNNING_TYPES = (
    RecordType(141, "customrecord_3805_dunning_procedure", "Dunning Procedure"),
    RecordType(142, "customrecord_3805_dunning_level", "Dunning Level"),
)
SHOWN |= {kind.script_id: "name" for kind in DUNNING_TYPES}
# A line: script id, type, table, record (- is the table's own), label. A SELECT points to a transaction or as told.
_FIELDS = """
custbody_arc_hold CHECKBOX transaction invoice Collections hold
custbody_arc_hold_reason TEXT transaction invoice Collections hold reason
custbody_arc_hold_kind TEXT transaction invoice Hold kind
custbody_arc_hold_owner TEXT transaction invoice Hold owner
custbody_arc_hold_since DATE transaction invoice On hold since
custbody_arc_hold_until DATE transaction invoice On hold until
custbody_arc_pay_url TEXT transaction invoice Pay link
custbody_arc_delivered_on DATE transaction invoice Delivered on
custbody_arc_promise_on DATE transaction invoice Promised on
custbody_arc_promise_amount CURRENCY transaction invoice Promised amount
custbody_arc_promise_by TEXT transaction invoice Promised by
custbody_arc_promise_recorded_by TEXT transaction invoice Promise recorded by
custbody_arc_plan TEXT transaction invoice Payment plan
custbody_arc_plan_approved_by TEXT transaction invoice Plan approved by
custbody_arc_conversation_until DATE transaction invoice In conversation until
custbody_arc_dispute_owner TEXT transaction invoice Dispute owner
custbody_arc_dispute_until DATE transaction invoice Dispute deadline
custbody_arc_touched_on DATE transaction invoice Last touched on
custbody_arc_act TEXT transaction customerPayment Act
custbody_arc_received_on DATE transaction customerPayment Received on
custcol_arc_dispute CHECKBOX transactionline invoice Disputed
custcol_arc_dispute_reason TEXT transactionline invoice Dispute reason
custcol_arc_disputed_on DATE transactionline invoice Disputed on
custcol_arc_dispute_detail TEXT transactionline invoice Dispute detail
custcol_arc_dispute_outcome TEXT transactionline invoice Dispute outcome
custcol_arc_line_kind TEXT transactionline invoice Line kind
custentity_arc_do_not_contact CHECKBOX customer customer Do not contact
custentity_arc_exclude TEXT customer customer Excluded from dunning
custentity_arc_autopay CHECKBOX customer customer Autopay
custentity_arc_tier TEXT customer customer Tier
custentity_arc_contract_type TEXT customer customer Contract type
custentity_arc_billing_model TEXT customer customer Billing model
custentity_arc_relationship TEXT customer customer Relationship
custentity_arc_arr CURRENCY customer customer Annual recurring revenue
custentity_arc_arr_currency TEXT customer customer Currency of that revenue
custentity_arc_country TEXT customer customer Country
custentity_arc_time_zone TEXT customer customer Time zone
custentity_arc_cc TEXT customer customer Copies to
custentity_arc_mails_parent CHECKBOX customer customer Reminders go to the parent
custentity_arc_sms TEXT customer customer Mobile number
custentity_arc_sms_consent_on DATE customer customer Text messages allowed on
custentity_arc_chat TEXT customer customer Chat address
custentity_arc_chat_consent_on DATE customer customer Chat allowed on
custrecord_arc_can_act TEXT customrecord_arc_cancellation - Act
custrecord_arc_can_invoice SELECT customrecord_arc_cancellation - Invoice
custrecord_arc_can_steps TEXT customrecord_arc_cancellation - Steps
custrecord_arc_can_reason TEXT customrecord_arc_cancellation - Reason
custrecord_arc_can_at TEXT customrecord_arc_cancellation - Cancelled at
custrecord_arc_can_state TEXT customrecord_arc_cancellation - State
custrecord_arc_rec_act TEXT customrecord_arc_receipt - Act
custrecord_arc_rec_payment TEXT customrecord_arc_receipt - Payment
custrecord_arc_rec_text TEXT customrecord_arc_receipt - Text
custrecord_arc_rec_state TEXT customrecord_arc_receipt - State
custrecord_arc_st_invoice SELECT customrecord_arc_status - Invoice
custrecord_arc_st_state TEXT customrecord_arc_status - State
custrecord_arc_st_reason TEXT customrecord_arc_status - Reason
custrecord_arc_st_step TEXT customrecord_arc_status - Step
custrecord_arc_st_next_on TEXT customrecord_arc_status - Next on
custrecord_arc_st_owner TEXT customrecord_arc_status - Owner
custrecord_arc_st_segment TEXT customrecord_arc_status - Segment
custrecord_arc_st_card TEXT customrecord_arc_status - Card
custrecord_arc_exc_kind TEXT customrecord_arc_exception - Kind
custrecord_arc_exc_reason TEXT customrecord_arc_exception - Reason
custrecord_arc_exc_amount TEXT customrecord_arc_exception - Amount
custrecord_arc_exc_owner TEXT customrecord_arc_exception - Owner
custrecord_arc_exc_opened TEXT customrecord_arc_exception - Opened
custrecord_arc_exc_closed TEXT customrecord_arc_exception - Closed
custrecord_arc_exc_payment TEXT customrecord_arc_exception - Payment
custrecord_arc_exc_invoice SELECT customrecord_arc_exception - Invoice
custrecord_arc_exc_deadline TEXT customrecord_arc_exception - Deadline
custrecord_arc_exc_outcome TEXT customrecord_arc_exception - Outcome
custrecord_arc_prf_day TEXT customrecord_arc_proof - Day
custrecord_arc_prf_outcome TEXT customrecord_arc_proof - Outcome
custrecord_arc_prf_drifts TEXT customrecord_arc_proof - Drifts
custrecord_arc_prf_unfinished TEXT customrecord_arc_proof - Unfinished acts
custrecord_arc_prf_text TEXT customrecord_arc_proof - What was found
custrecord_arc_prf_made_at TEXT customrecord_arc_proof - Made at
custrecord_arc_in_id TEXT customrecord_arc_installation - Installation
custrecord_arc_in_epoch TEXT customrecord_arc_installation - Epoch
custrecord_arc_in_seen_at TEXT customrecord_arc_installation - Last seen
"""


# Field ids are C (seen in Oracle's own published scripts and in public integrations), types K.
_DUNNING_FIELDS = """
custbody_3805_dunning_paused CHECKBOX transaction invoice Pause Dunning
custbody_3805_dunning_procedure SELECT>customrecord_3805_dunning_procedure transaction invoice Dunning Procedure
custbody_3805_dunning_level SELECT>customrecord_3805_dunning_level transaction invoice Dunning Level
custentity_3805_dunning_paused CHECKBOX customer customer Pause Dunning
custentity_3805_dunning_procedure SELECT>customrecord_3805_dunning_procedure customer customer Dunning Procedure
custentity_3805_dunning_level SELECT>customrecord_3805_dunning_level customer customer Dunning Level
custentity_3805_dunning_letters_toemail CHECKBOX customer customer Allow Letters to be Emailed
custentity_3805_last_dunning_letter_sent DATE customer customer Last Letter Sent
"""


def _fields(text: str, first_id: int) -> tuple[CustomField, ...]:
    fields = []
    for number, line in enumerate(text.strip().splitlines(), start=first_id):
        script_id, kind, table, record, label = line.split(" ", 4)
        kind, _, refers = kind.partition(">")
        refers = refers or ("transaction" if kind == "SELECT" else "")
        records = (table,) if record == "-" else (record,)
        fields.append(CustomField(number, script_id, label, kind, table, records, refers))
    return tuple(fields)


FIELDS = _fields(_FIELDS, 1001)
DUNNING_FIELDS = _fields(_DUNNING_FIELDS, 3801)


class Catalogue:
    """Which tables and columns exist now? `generation` rises whenever that changes.

    A person may remove a custom field, install the dunning SuiteApp, or have an account without OneWorld. The columns
    of all of that are in SQLite from the start and are shown or not; `hidden` ones never are.
    """

    def __init__(self, hidden: frozenset[str] = frozenset()) -> None:
        self.generation = 0
        self._hidden = hidden
        self.one_world = True
        self.record_types = {kind.script_id: kind for kind in RECORD_TYPES}
        self.fields = {field.script_id: field for field in FIELDS}
        self._shown: dict[str, dict[str, Column]] = {}
        self._everything = self._tables()
        self._show()

    @property
    def has_dunning(self) -> bool:
        return DUNNING_FIELDS[0].script_id in self.fields

    def columns(self, table: str) -> Mapping[str, Column] | None:
        return self._shown.get(table)

    def shown(self) -> Mapping[str, Mapping[str, Column]]:
        return self._shown

    def switch_one_world(self, on: bool) -> None:
        self.one_world = on
        self._show()

    def install_dunning(self, db: sqlite3.Connection) -> None:
        for kind in DUNNING_TYPES:
            self.record_types[kind.script_id] = kind
            db.execute("INSERT INTO customrecordtype VALUES (?, ?, ?, 'F')", (kind.id, kind.script_id, kind.name))
        for field in DUNNING_FIELDS:
            self.fields[field.script_id] = field
            _list_field(db, field)
        self._show()

    def remove_field(self, db: sqlite3.Connection, script_id: str) -> CustomField:
        field = self.fields.pop(script_id)
        db.execute("DELETE FROM customfield WHERE scriptid = ?", (script_id,))
        self._show()
        return field

    def add_field(self, db: sqlite3.Connection, field: CustomField) -> None:
        """Give the account a field again that was removed; its values were kept."""
        self.fields[field.script_id] = field
        _list_field(db, field)
        self._show()

    def record_type(self, internal_id: str) -> RecordType | None:
        for kind in self.record_types.values():
            if str(kind.id) == internal_id:
                return kind
        return None

    def create(self, db: sqlite3.Connection) -> None:
        """Make the tables and fill those that describe the account itself."""
        for table, columns in self._everything.items():
            if table in VIEWS:
                continue
            body = [column.declaration for column in columns]
            if columns[0].name in ("id", "uniquekey", "internalid", "nkey"):
                body[0] += " PRIMARY KEY"
            db.execute(f'CREATE TABLE "{table}" ({", ".join(body)})')
            for number, index in enumerate(INDICES.get(table, ())):
                terms, where, condition = index.partition(" WHERE ")
                db.execute(f'CREATE INDEX "{table}_{number}" ON "{table}" ({terms}){where}{condition}')
        for view, query in VIEWS.items():
            db.execute(f'CREATE VIEW "{view}" AS {query}')
        for kind in self.record_types.values():
            db.execute(f'CREATE INDEX "{kind.script_id}_0" ON "{kind.script_id}" (externalid)')
            db.execute("INSERT INTO customrecordtype VALUES (?, ?, ?, 'F')", (kind.id, kind.script_id, kind.name))
        for field in self.fields.values():
            _list_field(db, field)

    def _tables(self) -> dict[str, list[Column]]:
        tables = {name: list(columns) for name, columns in TABLES.items()}
        tables |= {kind.script_id: list(CUSTOM_RECORD) for kind in (*RECORD_TYPES, *DUNNING_TYPES)}
        for field in (*FIELDS, *DUNNING_FIELDS):
            tables[field.table].append(field.column)
        return tables

    def _show(self) -> None:
        self.generation += 1
        self._shown = {
            table: {column.name: column for column in columns if self._is_shown(column.name)}
            for table, columns in self._everything.items()
            if self._is_table_shown(table)
        }

    def _is_table_shown(self, table: str) -> bool:
        if table.startswith("customrecord_"):
            return table in self.record_types
        return self.one_world or table != ONE_WORLD

    def _is_shown(self, column: str) -> bool:
        if column == ONE_WORLD:
            return self.one_world
        is_there = column in self.fields or not column.startswith("cust")
        return is_there and not column.startswith("_") and column not in self._hidden


def _list_field(db: sqlite3.Connection, field: CustomField) -> None:
    row = (field.id, field.script_id, field.label, field.type)
    db.execute("INSERT INTO customfield VALUES (?, ?, ?, ?, 'F')", row)
