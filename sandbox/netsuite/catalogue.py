"""The tables and fields of the false account, as SuiteQL shows them and as SQLite keeps them.

Names are those of notes and public queries (O or C), except where a comment says K. A column that begins with `_` is
ours and is never shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
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
    type: str  # the word of the account's own field list: CHECKBOX, TEXT, SELECT
    table: str
    records: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return {"CHECKBOX": Kind.FLAG, "SELECT": Kind.KEY}.get(self.type, Kind.TEXT)

    @property
    def column(self) -> Column:
        return Column(self.script_id, self.kind, "transaction" if self.kind is Kind.KEY else "")


@dataclass(frozen=True, slots=True)
class RecordType:
    """A custom record type: its numeric id differs from account to account, so nothing may rely on it."""

    id: int
    script_id: str
    name: str


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
        " postingperiod:key>accountingperiod createddate:date lastmodifieddate:date"
        " _amount:money _subsidiary:key _made_by:text _undeposited:flag _account:text _checknum:text _sequence:number"
    ),
    "transactionline": _columns(
        "uniquekey:key id:number transaction:key>transaction linesequencenumber:number mainline:flag taxline:flag"
        " entity:key>customer item:key quantity:number rate:money foreignamount:money netamount:money memo:text"
        " subsidiary:key>subsidiary department:key class:key location:key createdfrom:key>transaction"
    ),
    "nexttransactionlinelink": _columns(
        "previousdoc:key>transaction previousline:number previoustype:text nextdoc:key>transaction nextline:number"
        " nexttype:text linktype:text foreignamount:money _sequence:number"
    ),
    "customer": _columns(
        "id:key entityid:text companyname:text altname:text email:text terms:key>term currency:key>currency"
        " subsidiary:key>subsidiary parent:key>customer isinactive:flag isperson:flag externalid:text"
        " creditlimit:money datecreated:date lastmodifieddate:date"
    ),
    # Columns of term beyond id and name: K.
    "term": _columns(
        "id:key name:text isinactive:flag daysuntilnetdue:number discountpercent:number daysuntilexpiry:number"
        " datedriven:flag"
    ),
    # `symbol` is the ISO code; `name`, which BUILTIN.DF shows, is what the account calls the currency.
    "currency": _columns("id:key name:text symbol:text isinactive:flag exchangerate:number currencyprecision:number"),
    "subsidiary": _columns("id:key name:text fullname:text currency:key>currency parent:key isinactive:flag"),
    "accountingperiod": _columns(
        "id:key periodname:text startdate:date enddate:date closed:flag alllocked:flag arlocked:flag isadjust:flag"
        " isquarter:flag isyear:flag"
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
}
INDICES = {
    "transaction": ("type, id", "entity, type", "lastmodifieddate", "externalid"),
    "transactionline": ('"transaction", id',),
    "nexttransactionlinelink": ("previousdoc", "nextdoc"),
    "customer": ("lastmodifieddate", "externalid", "parent"),
}

RECORD_TYPES = (
    RecordType(121, "customrecord_arc_cancellation", "AR cancellation"),
    RecordType(122, "customrecord_arc_receipt", "AR receipt"),
    RecordType(123, "customrecord_arc_status", "AR status"),
    RecordType(124, "customrecord_arc_installation", "AR installation"),
)
_FIELDS = """
custbody_arc_hold CHECKBOX transaction invoice Collections hold
custbody_arc_hold_reason TEXT transaction invoice Collections hold reason
custbody_arc_pay_url TEXT transaction invoice Pay link
custbody_arc_act TEXT transaction customerPayment Act
custcol_arc_dispute CHECKBOX transactionline invoice Disputed
custcol_arc_dispute_reason TEXT transactionline invoice Dispute reason
custcol_arc_line_kind TEXT transactionline invoice Line kind
custentity_arc_do_not_contact CHECKBOX customer customer Do not contact
custentity_arc_exclude TEXT customer customer Excluded from dunning
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
custrecord_arc_in_id TEXT customrecord_arc_installation - Installation
custrecord_arc_in_epoch TEXT customrecord_arc_installation - Epoch
custrecord_arc_in_seen_at TEXT customrecord_arc_installation - Last seen
"""


def _fields() -> Iterable[CustomField]:
    for number, line in enumerate(_FIELDS.strip().splitlines(), start=1001):
        script_id, kind, table, record, label = line.split(" ", 4)
        records = (table,) if record == "-" else (record,)
        yield CustomField(number, script_id, label, kind, table, records)


class Catalogue:
    """Which tables and columns exist now? A person may remove a custom field; `generation` rises when one did."""

    def __init__(self) -> None:
        self.generation = 0
        self.record_types = {kind.script_id: kind for kind in RECORD_TYPES}
        self.fields = {field.script_id: field for field in _fields()}
        self._shown: dict[str, dict[str, Column]] = {}
        self._everything = self._tables()
        self._show()

    def columns(self, table: str) -> Mapping[str, Column] | None:
        return self._shown.get(table)

    def shown(self) -> Mapping[str, Mapping[str, Column]]:
        return self._shown

    def remove_field(self, script_id: str) -> None:
        del self.fields[script_id]
        self._show()

    def add_field(self, field: CustomField) -> None:
        """Give the account a field again that was removed; its values were kept."""
        self.fields[field.script_id] = field
        self._show()

    def record_type(self, internal_id: str) -> RecordType | None:
        for kind in self.record_types.values():
            if str(kind.id) == internal_id:
                return kind
        return None

    def create(self, db: sqlite3.Connection) -> None:
        """Make the tables and fill those that describe the account itself."""
        for table, columns in self._everything.items():
            body = [column.declaration for column in columns]
            if columns[0].name in ("id", "uniquekey", "internalid"):
                body[0] += " PRIMARY KEY"
            db.execute(f'CREATE TABLE "{table}" ({", ".join(body)})')
            for number, index in enumerate(INDICES.get(table, ())):
                db.execute(f'CREATE INDEX "{table}_{number}" ON "{table}" ({index})')
        for kind in self.record_types.values():
            db.execute(f'CREATE INDEX "{kind.script_id}_0" ON "{kind.script_id}" (externalid)')
            db.execute("INSERT INTO customrecordtype VALUES (?, ?, ?, 'F')", (kind.id, kind.script_id, kind.name))
        for field in self.fields.values():
            row = (field.id, field.script_id, field.label, field.type)
            db.execute("INSERT INTO customfield VALUES (?, ?, ?, ?, 'F')", row)

    def _tables(self) -> dict[str, list[Column]]:
        tables = {name: list(columns) for name, columns in TABLES.items()}
        tables |= {script_id: list(CUSTOM_RECORD) for script_id in self.record_types}
        for field in self.fields.values():
            tables[field.table].append(field.column)
        return tables

    def _show(self) -> None:
        self.generation += 1
        self._shown = {
            table: {
                column.name: column
                for column in columns
                if not column.name.startswith("_")
                and (column.name in self.fields or not column.name.startswith("cust"))
            }
            for table, columns in self._everything.items()
        }
