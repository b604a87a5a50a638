"""A payout out of a clearing account: one journal entry, whose line on the bank account is the net payout.

An entry says its whole external id only in its lines' descriptions; its reference is the tail of the payout's id, a
field of Intacct's own to look for. Amounts below zero are the other side of the same entry, so nothing of a payout is
unsayable here (a deposit is said to take none).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.adapters.intacct import filters, names
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.booked import Accounts, Booked, summed
from connector.adapters.intacct.functions import Function, control_id, create
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.names import mentions
from connector.adapters.intacct.records import DESCRIPTION_MAX, fit
from connector.adapters.intacct.rows import amount_of, maybe_day
from connector.adapters.intacct.rows import currency_of as currency_in
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.values import amount, day
from connector.adapters.intacct.xmltext import Node, node, record
from connector.adapters.ledger_rows.cells import Unreadable, text_of
from connector.money import Money
from connector.settlement import AccountRole, DepositIntent, DepositLine

ENTRY_FIELDS = ("RECORDNO", "BATCH_TITLE", "BATCH_DATE", "REFERENCENO", "STATE", "REVERSED", "REVERSEDFROM")
LINE_FIELDS = ("RECORDNO", "BATCHNO", "ACCOUNTNO", "TR_TYPE", "TRX_AMOUNT", "CURRENCY", "DESCRIPTION")
# Sage's reference names no width; its screens take as much.
TITLE_MAX = 80
# Where the transaction's currency is the company's own the rate is 1, whatever its type.
RATE_TYPE = "Intacct Daily Rate"
_DEBIT, _CREDIT = "1", "-1"
_REVERSED = "Reversed"


class PayoutJournals:
    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping

    # ---- writing ----

    def function(self, intent: DepositIntent, accounts: Accounts, entity: str, again: str) -> Function:
        """The bank on one side, what the money was for on the other; each amount debits where money arrives."""
        bank = DepositLine(AccountRole.BANK, -intent.amount, intent.memo)
        lines = [line for line in (bank, *intent.lines) if line.amount]
        entry = record(
            "GLBATCH",
            {
                "JOURNAL": self._mapping.journal,
                "BATCH_DATE": day(intent.posted_on),
                "BATCH_TITLE": fit(intent.memo, TITLE_MAX),
                "REFERENCENO": self._reference(intent),
            },
            node("ENTRIES", *(self._line(intent, line, accounts, entity) for line in lines)),
        )
        return create(control_id(intent.external_id, again=again), entry)

    def _line(self, intent: DepositIntent, line: DepositLine, accounts: Accounts, entity: str) -> Node:
        dimensions = self._mapping.dimensions_of(entity)
        fields = {
            "ACCOUNTNO": accounts[line.role],
            "CURRENCY": line.amount.currency,
            "EXCH_RATE_TYPE_ID": RATE_TYPE,
            "TR_TYPE": _CREDIT if line.amount.minor > 0 else _DEBIT,
            "TRX_AMOUNT": amount(max(line.amount, -line.amount)),
            "DESCRIPTION": fit(f"{intent.external_id} {line.memo}", DESCRIPTION_MAX),
            "LOCATION": dimensions.location,
            "DEPARTMENT": dimensions.department,
        }
        return record("GLENTRY", fields)

    def _reference(self, intent: DepositIntent) -> str:
        return names.tail(intent.payout_id, self._mapping.facts.reference_max)

    # ---- reading ----

    def read(self, intent: DepositIntent, accounts: Accounts) -> Booked | None:
        """The entry of this external id; one in force before a reversed one. Raises Unreadable."""
        where = filters.both(
            filters.equal("JOURNAL", self._mapping.journal), filters.equal("REFERENCENO", self._reference(intent))
        )
        rows = self._entries(where)
        lines = self._lines(rows)
        ours = [row for row in rows if _says(intent.external_id, lines[row["RECORDNO"]])]
        found = [booked(row, lines[row["RECORDNO"]], accounts[AccountRole.BANK]) for row in ours]
        return min(found, key=lambda one: one.voided, default=None)

    def find(self, payout_ids: Sequence[str]) -> list[tuple[Row, list[Row]]]:
        """Entries, by whomever, whose title or reference may name one of these, with their lines."""
        either = [
            condition
            for id_ in payout_ids
            for condition in (filters.like("BATCH_TITLE", f"%{id_}%"), filters.like("REFERENCENO", f"%{id_}%"))
        ]
        rows = self._entries(filters.either(*either))
        lines = self._lines(rows)
        return [(row, lines[row["RECORDNO"]]) for row in rows]

    def _entries(self, where: Node) -> list[Row]:
        """Entries that stand for themselves: one that reverses another repeats its words, and is no payout."""
        return [row for row in self._gateway.rows("GLBATCH", ENTRY_FIELDS, where) if not row.get("REVERSEDFROM")]

    def _lines(self, rows: Iterable[Row]) -> dict[str, list[Row]]:
        """The lines of these entries, by entry."""
        found: dict[str, list[Row]] = {row["RECORDNO"]: [] for row in rows}
        for some in chunks(sorted(found, key=int), VALUES_MAX):
            for line in self._gateway.rows("GLENTRY", LINE_FIELDS, filters.within("BATCHNO", some)):
                found[line["BATCHNO"]].append(line)
        return found


def currency_of(lines: Sequence[Row]) -> str:
    """The currency of an entry. Unreadable where it has several, or none."""
    found = sorted({currency_in(line) for line in lines})
    if len(found) != 1:
        raise Unreadable("CURRENCY", f"the entry is in {', '.join(found) or 'no currency'}")
    return found[0]


def booked(row: Row, lines: Sequence[Row], bank: str) -> Booked:
    """An entry, by whomever; `bank` is the account that a payout of its currency goes to. Raises Unreadable."""
    currency = currency_of(lines)
    sums = summed((text_of(line, "ACCOUNTNO"), _out_of(line, currency)) for line in lines)
    on_bank = sums.pop(bank, Money.zero(currency))
    return Booked(
        record_no=row["RECORDNO"],
        amount=-on_bank,
        bank=bank if on_bank else "",
        posted_on=maybe_day(row, "BATCH_DATE"),
        lines=sums,
        voided=row.get("STATE") == _REVERSED or bool(row.get("REVERSED")),
    )


def _out_of(line: Row, currency: str) -> Money:
    """What this line takes out of its account: a credit is above zero."""
    theirs, side = amount_of(line, "TRX_AMOUNT", currency), line.get("TR_TYPE")
    if side not in (_DEBIT, _CREDIT):
        raise Unreadable("TR_TYPE", f"{side!r} is neither debit nor credit")
    return theirs if side == _CREDIT else -theirs


def _says(external_id: str, lines: Iterable[Row]) -> bool:
    return mentions(external_id, (line.get("DESCRIPTION", "") for line in lines))
