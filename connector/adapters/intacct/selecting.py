"""What our own draft payments have selected of invoices: it is still open, since nobody but us may pay by them.

A draft selects what it would pay (release notes 2024 R2), and the invoice shows the sum of all drafts. Those of people
are left alone: somebody is paying that already.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from connector.adapters.intacct.filters import both, equal, is_not_null
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import whole
from connector.adapters.intacct.rows import amount_of, currency_of
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.ledger_rows.cells import Row, Unreadable, unsigned
from connector.money import Money

# What a detail of a draft takes from an invoice, whatever it is paid with.
PARTS = (
    "TRX_PAYMENTAMOUNT",
    "TRX_ADJUSTMENTAMOUNT",
    "TRX_POSTEDADVANCEAMOUNT",
    "TRX_POSTEDOVERPAYMENTAMOUNT",
    "TRX_INLINEAMOUNT",
    "TRX_NEGATIVEINVOICEAMOUNT",
)
# A discount beside it: what was applied, or on a draft what is to be.
DISCOUNTS = ("TRX_TOTALDISCOUNTAPPLIED", "TRX_TOTALDISCOUNTTOAPPLY", "TRX_DISCOUNTAMOUNT")
_Sums = dict[str, Money]


@dataclass(frozen=True, slots=True)
class Selected:
    """By RECORDNO of the invoice, and by that of its row where the draft names it."""

    invoices: _Sums = field(default_factory=dict)
    entries: _Sums = field(default_factory=dict)


class OwnDrafts:
    """One company's drafts that are ours. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._turn = threading.Lock()
        self._read: dict[tuple[str, str], tuple[Row, ...]] = {}  # RECORDNO and WHENMODIFIED -> details

    def selected(self) -> Selected:
        """Asked where something is selected, also in a company that writes no drafts: there may be some from before."""
        own = self._mapping.fields.payment_external_id
        where = both(equal("STATE", "Draft"), is_not_null(own))
        asked = ["RECORDNO", "WHENMODIFIED", "CURRENCY", "BASECURR", "MEGAENTITYID", own]
        drafts = self._gateway.rows("ARPYMT", asked, where)
        found = Selected()
        for draft, details in self._details(drafts):
            for detail in details:
                _add(found, detail, draft)
        return found

    def _details(self, drafts: Iterable[Row]) -> list[tuple[Row, tuple[Row, ...]]]:
        """Each draft with its details; one that reads as before is not read again."""
        marks = {(row["RECORDNO"], row.get("WHENMODIFIED", "")): row for row in drafts}
        with self._turn:
            new = [row for mark, row in marks.items() if mark not in self._read]
            records = {one.fields["RECORDNO"]: one for one in whole(self._gateway, "ARPYMT", new)}
            self._read = {
                mark: tuple(one.fields for one in records[mark[0]].owned("ARPYMTDETAILS"))
                if mark[0] in records
                else self._read.get(mark, ())
                for mark in marks
            }
            return [(row, self._read[mark]) for mark, row in marks.items()]


def settled_by(detail: Row, currency: str) -> Money:
    """By how much a detail lowers what is due: from whatever, with the discount beside it."""
    taken = Money.total((unsigned(amount_of(detail, part, currency)) for part in PARTS), currency)
    return taken + discount_of(detail, currency)


def discount_of(detail: Row, currency: str) -> Money:
    named = (unsigned(amount_of(detail, name, currency)) for name in DISCOUNTS if detail.get(name))
    return next((amount for amount in named if amount), Money.zero(currency))


def _add(found: Selected, detail: Row, draft: Row) -> None:
    """What can't be read selects nothing: then less is open, and less is asked for."""
    try:
        currency = currency_of(draft)
        amount = settled_by(detail, currency)
    except Unreadable:
        return
    for sums, name in ((found.invoices, "RECORDKEY"), (found.entries, "ENTRYKEY")):
        if key := detail.get(name):
            sums[key] = sums[key] + amount if key in sums else amount
