"""Does the company have every object and field that the connector reads and writes? Asked before anything else.

A field that is missing makes a query fail, and one that can't be written makes each act fail; so nothing begins until
all are there (`lookup` in Sage's XML reference, objects).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connector.adapters.intacct.gateway import FieldSeen, Gateway
from connector.adapters.intacct.rows import FLAGS
from connector.adapters.intacct.settings import IntacctMapping, is_day
from connector.errors import Terminal
from connector.settlement import SettleThrough

# Fields of Intacct's own on which the loop stands. Those of a related object (BILLTO.EMAIL1) are not in a lookup.
_OWN: Mapping[str, str] = MappingProxyType(
    {
        "ARINVOICE": (
            "RECORDNO STATE CUSTOMERID WHENCREATED WHENDUE CURRENCY TRX_TOTALENTERED TRX_TOTALDUE TRX_TOTALSELECTED "
            "WHENMODIFIED DOCNUMBER TERMNAME WHENDISCOUNT"
        ),
        "ARINVOICEITEM": (
            "RECORDNO RECORDKEY LINE_NO TRX_AMOUNT TRX_TOTALPAID TRX_TOTALSELECTED TRX_DISCOUNTAPPLIED "
            "ENTRYDESCRIPTION PARENTENTRY SUBTOTAL"
        ),
        "ARADJUSTMENT": "RECORDNO RECORDID STATE CUSTOMERID CURRENCY TRX_TOTALENTERED TRX_TOTALDUE",
        "ARADVANCE": "RECORDNO STATE CUSTOMERID CURRENCY RECEIPTDATE DOCNUMBER DESCRIPTION",
        "ARPYMT": (
            "RECORDNO STATE CUSTOMERID RECEIPTDATE CURRENCY DOCNUMBER DESCRIPTION TRX_TOTALENTERED RECORDTYPE "
            "PAYERNAME PARENTPAYMENTKEY TRX_TOTALDUE FINANCIALENTITY UNDEPOSITEDACCOUNTNO"
        ),
        "CUSTOMER": "RECORDNO CUSTOMERID NAME STATUS PARENTID",
    }
)
# Kinds that are surely neither a checkbox nor a day; lookup's other words are left to the rows that are read.
_TEXTS = frozenset({"TEXT", "LONGTEXT", "ENUM", "INTEGER", "DECIMAL", "CURRENCY", "PERCENT", "NUMBER"})


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is not as the mapping says; `key` is where in mappings/intacct.yaml it can be named otherwise."""

    object_name: str
    what: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.object_name} {self.what}" + (f" ({self.key})" if self.key else "")


@dataclass(frozen=True, slots=True)
class _Need:
    """A field: what it must be ('' for anything), and whether we write it."""

    name: str
    key: str = ""
    kind: str = ""
    is_written: bool = False


class Definitions:
    """Safe for several threads. That all is there is remembered; that something lacks is asked again each time."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._turn = threading.Lock()
        self._is_whole = False

    def require(self) -> None:
        """Terminal, with everything that lacks by its name, unless all is there."""
        with self._turn:
            if self._is_whole:
                return
            lacking = self.lacks()
            if lacking:
                raise Terminal(
                    "Sage Intacct lacks what the connector works with: "
                    + "; ".join(str(lack) for lack in lacking)
                    + ". Nothing was read or written. Create what is missing as mappings/intacct/README.md says, let "
                    "the web services user see it, or correct its name in mappings/intacct.yaml."
                )
            self._is_whole = True

    def lacks(self) -> tuple[Lack, ...]:
        """Everything that is missing or can't be used, object by object."""
        return tuple(lack for name, needs in self._needs().items() for lack in self._of(name, needs))

    def _of(self, object_name: str, needs: tuple[_Need, ...]) -> Iterator[Lack]:
        seen = self._gateway.lookup(object_name)
        if seen is None:
            yield Lack(object_name, "is not there, or the web services user may not see it")
            return
        for need in needs:
            wrong = _wrong(seen.get(need.name.upper()), need)
            if wrong:
                yield Lack(object_name, wrong, need.key)

    def _needs(self) -> dict[str, tuple[_Need, ...]]:
        mapping = self._mapping
        needs = {name: [_Need(field) for field in fields.split()] for name, fields in _OWN.items()}
        needs["ARINVOICE"].append(_Need(mapping.facts.invoice_number_field, "facts.invoice_number_field"))
        needs["ARINVOICE"] += _written("status", mapping.status.model_dump())
        if mapping.native_dunning.pause_field:
            needs["ARINVOICE"].append(
                _Need(mapping.native_dunning.pause_field, "native_dunning.pause_field", "a checkbox", is_written=True)
            )
        needs["ARINVOICE"] += _read("invoice", mapping.columns("invoice"))
        needs["ARINVOICEITEM"] += _read("line", mapping.columns("line"))
        needs["CUSTOMER"] += _read("customer", mapping.columns("customer"))
        paid = {f"payment_{name}": field for name, field in mapping.columns("payment").items()}
        for name in ("ARPYMT", "ARADVANCE"):
            needs[name] += _written("fields", paid)
        for key, names in mapping.objects.model_dump().items():
            fields = {name: field for name, field in names.items() if name != "type"}
            needs[names["type"]] = [_Need("name"), *_written(f"objects.{key}", fields)]
        needs |= {name: [] for name in self._for_payouts()}
        return {name: tuple(found) for name, found in needs.items()}

    def _for_payouts(self) -> Iterator[str]:
        """What the payouts of the settled currencies become."""
        through = {entry.through for entry in self._mapping.settlement}
        if through:
            yield "CHECKINGACCOUNT"
        if SettleThrough.CLEARING in through:
            yield from ("GLBATCH", "GLENTRY")
        if SettleThrough.UNDEPOSITED in through:
            yield from ("DEPOSIT", "OTHERRECEIPTS")


def _read(record: str, columns: Mapping[str, str]) -> list[_Need]:
    """Fields that people fill in."""
    return [
        _Need(field, f"fields.{record}_{name}", "a checkbox" if name in FLAGS else "a day" if is_day(name) else "")
        for name, field in columns.items()
    ]


def _written(section: str, fields: Mapping[str, str]) -> list[_Need]:
    """Fields that the connector fills in."""
    return [_Need(field, f"{section}.{key}", is_written=True) for key, field in fields.items()]


def _wrong(seen: FieldSeen | None, need: _Need) -> str:
    """What is wrong with this field, '' for nothing."""
    if seen is None:
        return f"has no field {need.name}"
    if need.is_written and seen.is_read_only:
        return f"has {need.name}, which can't be written"
    known = {"a checkbox": "BOOLEAN", "a day": "DATE"}
    is_other = seen.kind in (_TEXTS | set(known.values())) - {known.get(need.kind, seen.kind)}
    return f"has {need.name}, which is {seen.kind} and must be {need.kind}" if need.kind and is_other else ""
