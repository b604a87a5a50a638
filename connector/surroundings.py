"""What stands around an invoice at one moment: all that decides, beside its own facts, whether a reminder may leave.

Gathered once for all invoices of a tick. `of` is the whole of it for one invoice, as a value that can
be compared: while it is the same, so is the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from connector import escalate
from connector.decisions.backlog import business_days_between
from connector.decisions.suppression import SuppressionFacts
from connector.money import Money
from connector.parts import Parts
from connector.receivables import Customer, OpenInvoice
from connector.store import Tx, book, gate, relations, verdicts

# They are asked once a day.
OTHER_SENDERS_MINUTES_MAX = 36 * 60
# A source that has no statement of one of its accounts vouches for a day long before any.
_FIRST_YEAR = 2000
_NO_RELATION = escalate.Relation()


class Surroundings:
    """What is the same for all invoices of one moment, gathered once."""

    def __init__(self, tx: Tx, parts: Parts, now: datetime, today: date, with_hours: bool) -> None:
        self._days = (today, *(parts.today(now, subsidiary) for subsidiary in sorted(parts.zones)))
        self._send = parts.policy.send
        self._inflight = book.inflight(tx, today)
        self._overdue = book.overdue_askable(tx, today)
        self._credits = book.credits_by_family(tx)
        self._exceptions = verdicts.invoices_in_exception(tx)
        self._customers_in_exception = verdicts.customers_in_exception(tx)
        self._suggested = gate.suggested(tx)
        self._parked = book.parked_invoices(tx)
        self._parked_money = book.parked_money(tx, [source.name for source in parts.sources])
        self._pending = gate.pending(tx)
        self._stopped = gate.sending_forbidden(tx)
        self._clock_behind = bool(tx.get("clock_behind"))
        self._stale = tuple(_stale_sources(tx, parts, now))
        self._relations = {
            family: escalate.relation(accounts, today) for family, accounts in relations.accounts_by_family(tx).items()
        }
        self._escalations = {id: one.reason for id, one in relations.escalations(tx).items() if one.stops_mail}
        self._autopays = relations.autopay_by_number(tx)
        self._told_failed = relations.told_payment_failed(tx)
        self._autopay_customers = book.autopay_customers(tx)
        self._other_senders = tuple(json.loads(tx.get("other_senders", "[]")))
        self._quiet = parts.quiet(now) if with_hours else ""

    def of(self, row: Any) -> tuple[object, ...]:
        """Everything around this invoice that its verdict may rest on, and the version of its facts."""
        key, customer_id, invoice_id = (row["family"], row["currency"]), row["customer_id"], row["id"]
        return (
            row["version"],
            bool(row["in_backlog"]),
            bool(row["allocated"]),
            self._days,
            self._send,
            self._stopped,
            self._clock_behind,
            self._stale,
            self._inflight.get(key),
            self._overdue.get(key),
            self._credits.get(key),
            self._exceptions.get(invoice_id),
            self._customers_in_exception.get(customer_id),
            invoice_id in self._suggested,
            self._parked.get(invoice_id),
            self._parked_money.get(row["family"]),
            invoice_id in self._pending,
            self._relations.get(row["family"]),
            self._escalations.get(invoice_id),
            self._autopays.get(row["number"]),
            row["number"] in self._told_failed,
            customer_id in self._autopay_customers,
            self._other_senders,
            self._quiet,
        )

    def credits(self, row: Any) -> Money:
        return self._credits.get((row["family"], row["currency"]), Money.zero(row["currency"]))

    def facts(self, row: Any, invoice: OpenInvoice, customer: Customer | None, on: date) -> SuppressionFacts:
        key, zero = (row["family"], row["currency"]), Money.zero(row["currency"])
        of_family = self._relations.get(row["family"], _NO_RELATION)
        autopay = self._autopays.get(row["number"])
        return SuppressionFacts(
            invoice=invoice,
            customer=customer,
            on=on,
            inflight=self._inflight.get(key, zero),
            overdue_askable=self._overdue.get(key, zero),
            credits=self.credits(row),
            exception=self._exceptions.get(invoice.id, "") or self._customers_in_exception.get(invoice.customer_id, ""),
            awaiting_approval=invoice.id in self._suggested,
            parked=self._parked.get(invoice.id, "") or self._parked_money.get(row["family"], ""),
            in_backlog=bool(row["in_backlog"]),
            # While an act of ours is unfinished, the balance is not known: the read-back will tell.
            match_pending=invoice.id in self._pending or bool(row["allocated"]),
            stale_sources=self._stale,
            clock_behind=self._clock_behind,
            stopped=self._stopped,
            send=self._send,
            do_not_contact=of_family.do_not_contact,
            is_strategic=of_family.is_strategic,
            escalation=self._escalations.get(invoice.id, ""),
            has_autopay=autopay is not None or row["customer_id"] in self._autopay_customers,
            autopay=autopay,
            was_told_payment_failed=row["number"] in self._told_failed,
            other_senders=self._other_senders,
            quiet=self._quiet,
        )


def _stale_sources(tx: Tx, parts: Parts, now: datetime) -> Iterable[str]:
    limits = (
        ("erp", "the ERP", parts.policy.freshness.erp_minutes_max),
        (parts.payments.name, parts.payments.name.capitalize(), parts.policy.freshness.payments_minutes_max),
        ("autopay", "what is collected by itself", parts.policy.freshness.payments_minutes_max),
        ("other_senders", "who else sends", OTHER_SENDERS_MINUTES_MAX),
        *([(parts.crm.name, "the CRM", parts.policy.crm_hours_max * 60)] if parts.crm else []),
    )
    for name, shown, minutes in limits:
        _, fresh_as_of, _ = book.source_state(tx, name)
        if fresh_as_of is None:
            yield f"{shown} was never read completely"
        elif now - fresh_as_of > timedelta(minutes=minutes):
            yield f"{shown} was last read completely on {fresh_as_of:%Y-%m-%d at %H:%M} UTC, allowed: {minutes} minutes"
    if parts.statements and (why := _stale_statement(tx, parts, now)):
        yield why


def _stale_statement(tx: Tx, parts: Parts, now: datetime) -> str:
    """A bank vouches for whole days: how many business days old is the last one that was stated?"""
    if parts.statements is None:
        return ""
    _, fresh_as_of, _ = book.source_state(tx, parts.statements.name)
    if fresh_as_of is None or fresh_as_of.year < _FIRST_YEAR:
        return "no statement of each bank account was read yet"
    closed_on = parts.today(fresh_as_of - timedelta(seconds=1))  # a day ends when the next one begins
    allowed = parts.policy.freshness.statement_business_days_max
    if business_days_between(closed_on, parts.today(now)) < allowed:
        return ""
    return f"the last bank statement is of {closed_on}, allowed: {allowed} business day{'s' * (allowed > 1)}"
