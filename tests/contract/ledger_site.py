"""The small ledger as a site of the contract suite: the fake is held to what the real adapters promise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.receivables import CloseIntent, Parked
from connector.settlement import Settlement, SettleThrough
from tests.contract.erp_site import NOW, ErpSite
from tests.fakes.ledger_books import ROLES
from tests.fakes.ledger_erp import At, LedgerErp, Trouble, Upset
from tests.fakes.ledger_people import LedgerPeople


@dataclass
class HandClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


class LedgerSite(ErpSite):
    def __init__(self, is_atomic: bool) -> None:
        self.clock = HandClock()
        self.erp = LedgerErp(self.clock, customers={}, is_atomic=is_atomic, pays_for_family=False)
        self._people = LedgerPeople(self.erp)
        self.terms = self._people.add_term("Net 30", 30)
        self.customer = self._people.add_customer("Northfield Robotics", "ap@northfield.example", self.terms)

    @property
    def people(self) -> LedgerPeople:
        return self._people

    def upset(self, at: At, trouble: Trouble, times: int = 1) -> None:
        self.erp.upset(at, trouble, times=times)

    def refuse(self, intent: CloseIntent, place: int) -> None:
        self.erp.upsets.append(Upset(At.ACT, Trouble.REFUSED, place))

    def settled(self, through: SettleThrough = SettleThrough.CLEARING, **changes: Any) -> LedgerErp:
        self.erp.settlements = (replace(Settlement("USD", through, roles=ROLES), **changes),)
        return self.erp

    def paged(self, rows: int) -> LedgerErp:
        """It reads everything at once."""
        return self.erp

    def unreadable_invoice(self) -> str:
        """It never becomes a value: only that it is there is known."""
        bad = self.invoice()
        del self.erp.invoices[bad]
        self.erp.parked += (Parked("erp_invoice", bad, "due_on", "it has none", self.customer),)
        return bad

    def later(self, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)


@contextmanager
def served(is_atomic: bool) -> Iterator[LedgerSite]:
    yield LedgerSite(is_atomic)
