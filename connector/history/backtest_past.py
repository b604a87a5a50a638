"""The past that a backtest plays: the ERP's own, joined with what this connector's store knows beside it.

What was billed and paid, and when, is the ERP's word. Who a customer is, and on which days people kept an invoice back,
is the store's; before this connector watched, nobody has written down the days of a dispute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

from connector import profiles
from connector.errors import ConfigError
from connector.history.backtest import KeptBack, Past, PastInvoice
from connector.history.backtest_report import backtest
from connector.log import redact
from connector.money import Money
from connector.policy import Policy
from connector.ports import Erp, History
from connector.receivables import InvoiceStatus, OpenInvoice, PauseKind
from connector.reports_policy import BacktestReport
from connector.settlement import DocumentKind
from connector.store import Store, Tx, book, pauses
from connector.store.pauses import Kept

# Invoices are played from their issue; terms are rarely longer, and what is older and open is read anyway.
WARM_UP = timedelta(days=120)
# A payment history looks back a year, at what was issued some time before that.
HISTORY = timedelta(days=400)


def look_back(
    erp: Erp,
    store: Store,
    present: Policy,
    proposed: Policy,
    first_on: date,
    last_on: date,
    now: datetime,
    zone: tzinfo,
) -> BacktestReport:
    """Read the past and play it under both policies. ConfigError for days that make no period of the past."""
    today = now.astimezone(zone).date()
    if first_on > last_on:
        raise ConfigError(f"A backtest needs a first day before its last: {first_on} is after {last_on}.")
    if last_on > today:
        raise ConfigError(f"{last_on} is not over yet; a backtest plays the past. What is to come: connector preview")
    return backtest(read(erp, store, first_on, last_on, today), present, proposed, first_on, last_on, now)


def read(erp: Erp, store: Store, first_on: date, last_on: date, today: date) -> Past:
    """Ask the ERP once for the whole period: what settles an invoice in one part of it may be a payment of another."""
    history = erp.read_history(first_on - WARM_UP, last_on)
    documents = erp.read_past_documents(first_on - WARM_UP - HISTORY, last_on)
    billed = {one.id: _as_billed(one) for one in history.invoices if one.status is not InvoiceStatus.VOIDED}
    settled, disputed = _settled(history), {one.id for one in documents if one.was_disputed}
    customers = {one.id: one for one in history.customers}
    with store.read() as tx:
        customers |= book.customers_by_id(tx, {one.customer_id for one in billed.values()} - customers.keys())
        kept_back = _kept_back(tx, billed)
        known = profiles.profiles(tx, today, {one.family for one in customers.values()})
    return Past(
        invoices=tuple(
            PastInvoice(invoice, settled.get(id, ()), kept_back[id], id in disputed)
            for id, invoice in sorted(billed.items())
        ),
        customers=customers,
        profiles=known,
        documents=tuple(one for one in documents if one.kind is DocumentKind.INVOICE and not one.is_intercompany),
    )


def _settled(history: History) -> dict[str, tuple[tuple[date, Money], ...]]:
    """Invoice -> what settled it. Money counts from the day it was received, however late people applied it."""
    found: dict[str, list[tuple[date, Money]]] = defaultdict(list)
    for payment in history.payments:
        for invoice_id, amount, applied_on in payment.applied:
            found[invoice_id].append((min(applied_on, payment.received_on), amount))
    for invoice_id, amount, on in history.settled_otherwise:
        found[invoice_id].append((on, amount))
    return {id: tuple(sorted(some, key=lambda part: (part[0], part[1].minor))) for id, some in found.items()}


def _as_billed(invoice: OpenInvoice) -> OpenInvoice:
    """Holds, disputes and whoever touched it are today's, and say nothing about then."""
    lines = tuple(
        replace(line, disputed=False, dispute_reason="", disputed_on=None, dispute_detail="", dispute_outcome="")
        for line in invoice.lines
    )
    return replace(
        invoice,
        balance=invoice.amount,
        status=InvoiceStatus.OPEN,
        hold_reason="",
        lines=lines,
        pauses=(),
        touched_on=None,
    )


def _kept_back(tx: Tx, billed: Mapping[str, OpenInvoice]) -> dict[str, tuple[KeptBack, ...]]:
    """Invoice -> the days on which people kept it back, itself or all of its customer's, as far as we watched."""
    of_customers: dict[str, list[Kept]] = defaultdict(list)
    for kept in pauses.standing(tx, of_customers_alone=True):
        of_customers[kept.customer_id].append(kept)
    own = pauses.of_invoices(tx, list(billed))
    return {
        id: tuple(_days(kept) for kept in (*own[id], *of_customers.get(invoice.customer_id, ())))
        for id, invoice in billed.items()
    }


def _days(kept: Kept) -> KeptBack:
    known = kept.known
    last_on = known.ended_on - timedelta(days=1) if known.ended_on else None
    amount = known.entry.amount if known.entry.kind is PauseKind.DISPUTE else None
    return KeptBack(known.entry.kind, known.since, last_on, redact(kept.verdict.reason), amount)
