"""From Intacct's record numbers to our ids, asked when they are needed: the same number may name nothing tomorrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from connector.adapters.intacct import credit_rows, reading
from connector.adapters.intacct.answers import Record
from connector.adapters.intacct.filters import within
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.ledger_rows.cells import Row, Unreadable

T = TypeVar("T")


class Keys:
    """One company's record numbers. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping

    def invoices(self, record_nos: Iterable[str]) -> dict[str, str]:
        """RECORDNO -> our id of the invoice; one that is gone, or isn't ours, is left out."""
        found: dict[str, str] = {}
        asked = ["RECORDNO", "CUSTOMERID", "MEGAENTITYID", self._mapping.facts.invoice_number_field]
        for chunk in chunks(sorted(set(record_nos)), VALUES_MAX):
            for row in self._gateway.rows("ARINVOICE", asked, within("RECORDNO", chunk)):
                try:
                    found[row["RECORDNO"]] = reading.id_of(row, self._mapping)
                except Unreadable:
                    continue
        return found

    def memos(self, record_nos: Iterable[str]) -> dict[str, str]:
        """RECORDNO -> our id of the credit memo; one that is gone, or isn't ours, is left out."""
        found: dict[str, str] = {}
        asked = ["RECORDNO", "CUSTOMERID", "MEGAENTITYID", "RECORDID"]
        for chunk in chunks(sorted(set(record_nos)), VALUES_MAX):
            for row in self._gateway.rows("ARADJUSTMENT", asked, within("RECORDNO", chunk)):
                try:
                    found[row["RECORDNO"]] = credit_rows.memo_id_of(row, self._mapping)
                except Unreadable:
                    continue
        return found

    def receipts(self, overpayments: Iterable[str]) -> dict[str, str]:
        """RECORDNO of an overpayment -> RECORDNO of the payment that it is the rest of."""
        found: dict[str, str] = {}
        for chunk in chunks(sorted(set(overpayments)), VALUES_MAX):
            for row in self._gateway.rows("ARPYMT", ["RECORDNO", "PARENTPAYMENTKEY"], within("RECORDNO", chunk)):
                if row.get("PARENTPAYMENTKEY"):
                    found[row["RECORDNO"]] = row["PARENTPAYMENTKEY"]
        return found


def whole(gateway: Gateway, object_name: str, heads: Iterable[Row]) -> list[Record]:
    """The records of these rows with the lines that they own. Unlike a query, `read` at the top level leaves out what
    is private to an entity (Sage's XML reference, query options): each is read where it belongs."""
    by_entity: dict[str, set[str]] = {}
    for row in heads:
        by_entity.setdefault(row.get("MEGAENTITYID", ""), set()).add(row["RECORDNO"])
    return [
        record
        for entity in sorted(by_entity)
        for record in gateway.read(object_name, sorted(by_entity[entity]), entity=entity)
    ]


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
