"""Intacct's customers: which of its fields say what, brought to where every ledger's customers are read.

A customer is known by its CUSTOMERID, which people see and never change. Intacct's own ONHOLD stops orders, not mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from connector.adapters.intacct.filters import within
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.rows import is_ticked, own
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.ledger_rows import customers as neutral
from connector.adapters.ledger_rows.cells import Row
from connector.ports import ErpRead
from connector.receivables import Customer, Parked

OBJECT = "CUSTOMER"
# The contact that bills go to, and the one that is taken where a customer has none (Sage's XML reference, customers).
_CONTACTS = ("BILLTO", "DISPLAYCONTACT")
_EMAIL, _COUNTRY = "EMAIL1", "MAILADDRESS.COUNTRYCODE"


def fields(mapping: IntacctMapping) -> list[str]:
    """What is asked of a customer."""
    asked = ["RECORDNO", "CUSTOMERID", "NAME", "PARENTID", "STATUS", "CURRENCY"]
    asked += [f"{contact}.{_EMAIL}" for contact in _CONTACTS]
    if mapping.country == "billing_address":
        asked += [f"{contact}.{_COUNTRY}" for contact in _CONTACTS]
    return list(dict.fromkeys([*asked, *mapping.columns("customer").values()]))


def customers(rows: Sequence[Row], mapping: IntacctMapping) -> tuple[tuple[Customer, ...], tuple[Parked, ...]]:
    """The customers, and beside them what of each is not understood; rows without an id are none."""
    known = [_row(row, mapping) for row in rows if row.get("CUSTOMERID")]
    codes = {row["currency"]: row["currency"] for row in known if row["currency"]}
    return neutral.customers(known, codes)


def _row(row: Row, mapping: IntacctMapping) -> dict[str, str]:
    found = {
        "id": row["CUSTOMERID"],
        "entityid": row["CUSTOMERID"],
        "companyname": row.get("NAME", ""),
        "email": _contact(row, _EMAIL),
        "parent": row.get("PARENTID", ""),
        "isinactive": "F" if row.get("STATUS", "active").strip().lower().startswith("active") else "T",
        "currency": row.get("CURRENCY", ""),
        **own(row, mapping.columns("customer")),
    }
    if mapping.country == "billing_address":
        found["country"] = _contact(row, _COUNTRY)
    return found


def _contact(row: Row, name: str) -> str:
    return next((row[f"{contact}.{name}"] for contact in _CONTACTS if row.get(f"{contact}.{name}")), "")


class Customers:
    """One company's customers. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping

    def part(self, requested_at: datetime, rows: Sequence[Row]) -> ErpRead:
        """These rows as a part of a read."""
        found, parked = customers(rows, self._mapping)
        return ErpRead(requested_at, customers=found, parked=parked)

    def new(self, requested_at: datetime, customer_ids: Iterable[str], known: set[str]) -> ErpRead:
        """Those that were not read yet, with the parents that get their mail; they are known from here on."""
        wanted = set(customer_ids) - known - {""}
        known |= wanted
        rows = self._rows(wanted)
        return self.part(requested_at, [*rows, *self._parents(rows, known)])

    def _parents(self, rows: Iterable[Row], known: set[str]) -> list[Row]:
        """Most of them have nothing open themselves."""
        name = self._mapping.fields.customer_mails_parent
        wanted = {row.get("PARENTID", "") for row in rows if name and is_ticked(row, name)} - known - {""}
        known |= wanted
        return self._rows(wanted)

    def _rows(self, customer_ids: Iterable[str]) -> list[Row]:
        asked = fields(self._mapping)
        return [
            row
            for chunk in chunks(sorted(customer_ids), VALUES_MAX)
            for row in self._gateway.rows(OBJECT, asked, within("CUSTOMERID", chunk))
        ]
