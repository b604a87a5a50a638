"""What a field and an object of the false company are: how a read names them and how SQL finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.intacct.schema import INVOICE_STATES, JOURNAL_STATES, PAYMENT_STATES

NO_LABELS: Mapping[str, str] = {}
ACTIVE = {"active": "active", "inactive": "inactive"}
OPEN = {"T": "Open", "F": "Closed"}
LABELS: Mapping[str, Mapping[str, str]] = {
    "invoice": INVOICE_STATES,
    "payment": PAYMENT_STATES,
    "journal": JOURNAL_STATES,
    "active": ACTIVE,
    "open": OPEN,
}


@dataclass(frozen=True, slots=True)
class Field:
    """`kind`: text, integer, decimal, money (whole cents), date, datetime, boolean (1, 0 or NULL) or enum, where SQL
    gives the letter of the database and `labels` what `query` shows for it. Without `query` only `read` shows it."""

    sql: str
    kind: str = "text"
    label: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    query: bool = True
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ObjectType:
    """`source_sql` is what stands after FROM; `private_sql` the entity that a row belongs to, '' for the top level;
    `key` the field by which `read` finds it, `name_key` that of `readByName`."""

    name: str
    source_sql: str
    fields: Mapping[str, Field]
    key: str = "RECORDNO"
    private_sql: str = "''"
    name_key: str = ""
    label: str = ""

    def field(self, name: str) -> Field | None:
        """By its name, whatever the case."""
        return self.fields.get(name) or self._by_case().get(name.upper())

    def _by_case(self) -> dict[str, Field]:
        return {known.upper(): found for known, found in self.fields.items()}


def listed(*texts: str, empty: str = "") -> dict[str, Field]:
    """One field a line: NAME kind SQL, where an enum's kind is `enum:` and the name of its labels."""
    fields = {}
    for line in "\n".join(texts).strip().splitlines():
        if not line.strip():
            continue
        name, kind, sql = line.split(None, 2)
        kind, _, labels = kind.partition(":")
        fields[name] = Field(sql, kind, labelled(name), LABELS[labels] if labels else NO_LABELS)
    return fields | {name: Field("NULL", "text", labelled(name)) for name in empty.split() if name not in fields}


def labelled(name: str) -> str:
    return name.replace("_", " ").replace(".", " ").capitalize()


# What several objects share. `t` is the record, `e` its line, `c` the customer.
AUDIT = """
AUWHENCREATED datetime t.auwhencreated
WHENMODIFIED datetime t.whenmodified
CREATEDBY text t.createdby
MODIFIEDBY text t.modifiedby
"""
ENTITY = """
MEGAENTITYID text NULLIF(t.entity, '')
MEGAENTITYKEY integer (SELECT e.recordno FROM entity e WHERE e.locationid = t.entity)
MEGAENTITYNAME text (SELECT e.name FROM entity e WHERE e.locationid = t.entity)
"""
CURRENCY = """
CURRENCY text t.currency
BASECURR text t.basecurr
EXCHANGE_RATE decimal t.rate
"""


def of_type(*types: str) -> str:
    wanted = ", ".join(f"'{kind}'" for kind in types)
    return f"(SELECT * FROM record WHERE recordtype IN ({wanted})) t"


OF_RECORD = "entry e JOIN {} ON t.recordno = e.recordkey"
