"""Customer payments as their SOAP records show them: what they apply, with discounts and the credits used beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from connector.adapters.ledger_rows import cells
from connector.adapters.netsuite import queries, reading
from connector.adapters.netsuite.ledger import IDS_PER_QUERY, chunks, unreadable
from connector.adapters.netsuite.lists import there
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.adapters.netsuite.soap import Found, Soap
from connector.money import Money
from connector.ports import PaymentSeen
from connector.receivables import Parked


@dataclass(frozen=True, slots=True)
class Held:
    """A payment as its record shows it; `row` keeps what PaymentSeen has no place for."""

    seen: PaymentSeen
    row: cells.Row
    unapplied: Money


class Payments:
    """One account's customer payments. Safe for several threads."""

    def __init__(self, soap: Soap, ql: SuiteQl, names: Names, mapping: NetSuiteMapping) -> None:
        self._soap = soap
        self._ql = ql
        self._names = names
        self._mapping = mapping

    def by_external_id(self, external_ids: Sequence[str]) -> dict[str, Held]:
        records = self._names.records()
        return self._read(external_ids, [records.payment_reference(external_id) for external_id in external_ids])

    def by_id(self, internal_ids: Sequence[str]) -> dict[str, Held]:
        records = self._names.records()
        return self._read(internal_ids, [records.payment_reference_by_id(internal_id) for internal_id in internal_ids])

    def _read(self, ids: Sequence[str], references: Sequence[Any]) -> dict[str, Held]:
        """The payments that are there, by the ids that they were asked for with; nothing asks nothing."""
        answers = self._soap.read("Could not read back payments from NetSuite", references)
        pairs = ((id_, self.of(answer)) for id_, answer in zip(ids, answers, strict=True))
        return {id_: held for id_, held in pairs if held is not None}

    def of(self, found: Found) -> Held | None:
        record = there("a payment", found)
        if record is None:
            return None
        try:
            return self._held(record)
        except cells.Unreadable as error:
            raise unreadable("customer payment", record.get("internalId", ""), error) from None

    def one_by_one(self, internal_ids: Sequence[str]) -> dict[str, Held | Parked]:
        """As by_id, where a payment that is not understood is parked and the others go on."""
        records = self._names.records()
        found: dict[str, Held | Parked] = {}
        references = [records.payment_reference_by_id(internal_id) for internal_id in internal_ids]
        answers = self._soap.read("Could not read payments from NetSuite", references)
        for internal_id, answer in zip(internal_ids, answers, strict=True):
            record = there(f"payment {internal_id}", answer)
            if record is not None:
                try:
                    found[internal_id] = self._held(record)
                except cells.Unreadable as error:
                    found[internal_id] = Parked(cells.SOURCE, internal_id, error.field, error.reason)
        return found

    def _held(self, record: etree._Element) -> Held:
        row, applied, used = self._names.records().payment_row(record)
        seen = reading.payment(row, applied, self._names.currencies(), self._mapping.zone, used)
        currency = seen.amount.currency
        credits, lines = _total(seen.credits, currency), _total(seen.applications, currency)
        left = seen.amount + credits - lines
        if row["unapplied"]:
            left = cells.money_of(row, "unapplied", currency)
        if credits and lines == seen.amount - left:
            seen = self._with_credits(seen)
        return Held(seen, row, left)

    def _with_credits(self, seen: PaymentSeen) -> PaymentSeen:
        """The same payment, where its record shows on each invoice only its own money: what the credits gave is added.

        Which of the two NetSuite shows is not in its help. Of a credit that was used elsewhere too nothing says what it
        gave here: that is left out, and whoever compares sees a difference.
        """
        together = dict(seen.applications)
        given = self._given([credit_id for credit_id, _ in seen.credits], seen.amount.currency)
        for credit_id, amount in seen.credits:
            parts = given.get(credit_id, [])
            for invoice_id, part in parts if _total(parts, amount.currency) == amount else ():
                together[invoice_id] = together[invoice_id] + part if invoice_id in together else part
        return replace(seen, applications=tuple(sorted(together.items(), key=lambda pair: pair[0])))

    def _given(self, credit_ids: Sequence[str], currency: str) -> dict[str, list[tuple[str, Money]]]:
        """Credit -> the invoices that it is applied to, with how much."""
        found: dict[str, list[tuple[str, Money]]] = {}
        for chunk in chunks([int(credit_id) for credit_id in credit_ids], IDS_PER_QUERY):
            for link in self._ql.by_offset("applications of credits", queries.applications(len(chunk)), chunk):
                amount = cells.unsigned(cells.money_of(link, "amount", currency))
                found.setdefault(link.get("payment", ""), []).append((cells.text_of(link, "invoice"), amount))
        return found


def _total(parts: Sequence[tuple[str, Money]], currency: str) -> Money:
    return Money.total((amount for _, amount in parts), currency)
