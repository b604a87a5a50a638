"""A past in memory: what was billed, credited and paid, and an ERP that answers for any part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from connector.money import Money
from connector.ports import History, PastPayment
from connector.receivables import CreditMemo, Customer, OpenInvoice, Parked

FIRST = date(2026, 3, 2)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def usd(amount: str | int) -> Money:
    return Money.of(str(amount), "USD")


def billed(number: str, amount: str | int, on: int, customer_id: str = "C1", **more: Any) -> OpenInvoice:
    """INV-1 has the id 1 and falls due in 30 days."""
    total = usd(amount)
    issued = day(on)
    return OpenInvoice(
        number.rpartition("-")[2], number, customer_id, total, total, issued, issued + timedelta(days=30), **more
    )


def paid(
    erp_id: str,
    amount: str | int,
    on: int,
    *applied: tuple[str, str | int] | tuple[str, str | int, int],
    text: str = "",
    customer_id: str = "C1",
    **more: Any,
) -> PastPayment:
    """`applied`: invoice id, amount, and the day if it wasn't the payment's own."""
    parts = tuple((id_, usd(part), day(later[0] if later else on)) for id_, part, *later in applied)
    return PastPayment(erp_id, customer_id, usd(amount), day(on), text, more.pop("external_id", ""), parts, **more)


@dataclass
class PastErp:
    """Only the past of an ERP; `asked` are the days between which it was asked."""

    invoices: tuple[OpenInvoice, ...] = ()
    payments: tuple[PastPayment, ...] = ()
    credits: tuple[CreditMemo, ...] = ()
    settled: tuple[tuple[str, Money, date], ...] = ()
    customers: tuple[Customer, ...] = (Customer("C1", "Northfield Robotics"), Customer("C2", "Globex"))
    parked: tuple[Parked, ...] = ()
    asked: list[tuple[date, date]] = field(default_factory=list)

    def read_history(self, first_on: date, last_on: date) -> History:
        self.asked.append((first_on, last_on))
        payments = tuple(one for one in self.payments if first_on <= one.received_on <= last_on)
        theirs = {invoice_id for one in payments for invoice_id, _, _ in one.applied}
        # What earlier and later payments settled is of no payment of this window.
        others = [part for one in self.payments if one not in payments for part in one.applied if part[2] <= last_on]
        settled = (*others, *(part for part in self.settled if part[2] <= last_on))
        gone = {one.id for one in self.invoices if self._settled_before(one, first_on)}
        invoices = tuple(
            one for one in self.invoices if one.id in theirs or (one.issued_on <= last_on and one.id not in gone)
        )
        known = {one.id for one in invoices}
        credits = tuple(one for one in self.credits if one.received_on is None or one.received_on <= last_on)
        settled = tuple(part for part in settled if part[0] in known)
        return History(invoices, credits, payments, settled, self.customers, self.parked)

    def _settled_before(self, invoice: OpenInvoice, on: date) -> bool:
        parts = [*self.settled, *(part for one in self.payments for part in one.applied)]
        before = [amount for id_, amount, when in parts if id_ == invoice.id and when < on]
        return Money.total(before, invoice.amount.currency) >= invoice.amount
