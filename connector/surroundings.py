"""What stands around an invoice at one moment: all that decides, beside its own facts, whether a reminder may leave.

Gathered once for all invoices of a tick. `of` is the whole of it for one invoice, as a value that can
be compared: while it is the same, so is the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from connector import pauses, profiles
from connector.business_days import business_days_between
from connector.decisions.suppression import SuppressionFacts
from connector.money import Money
from connector.parts import Parts
from connector.policy import Switch
from connector.receivables import Customer, OpenInvoice, Profile
from connector.store import Tx, book, gate, relations, verdicts
from connector.store.profiles import Relation, relation

# They are asked once a day.
OTHER_SENDERS_MINUTES_MAX = 36 * 60
# A source that has no statement of one of its accounts vouches for a day long before any.
_FIRST_YEAR = 2000
# What a contact heard is counted over so many days, today with them.
WEEK = timedelta(days=6)
_NO_RELATION = Relation()


class Surroundings:
    """What is the same for all invoices of one moment, gathered once."""

    def __init__(self, tx: Tx, parts: Parts, now: datetime, today: date, with_hours: bool) -> None:
        self._days = (today, *(parts.today(now, subsidiary) for subsidiary in sorted(parts.zones)))
        self._policy, self._parts, self.now = parts.policy, parts, now
        self._profiles = profiles.profiles(tx, today) if with_hours else None
        self._not_approved = parts.blocked(tx)
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
            family: relation(accounts, today) for family, accounts in relations.accounts_by_family(tx).items()
        }
        self._escalations = {id: one.reason for id, one in relations.escalations(tx).items() if one.stops_mail}
        self._autopays = relations.autopay_by_number(tx)
        self._told_failed = relations.told_payment_failed(tx)
        self._autopay_customers = book.autopay_customers(tx)
        self._other_senders = tuple(json.loads(tx.get("other_senders", "[]")))
        self._pauses = pauses.holding(tx, today)
        self._paused = pauses.holding_customers(tx)
        self._heard = gate.heard_since(tx, today - WEEK)
        self._new_emails = book.email_changes(tx, today - timedelta(days=parts.policy.politeness.new_address_days))
        # Of a contact that heard less than the most it makes no difference how much.
        most = parts.policy.politeness.messages_a_week_max
        self._emails = book.emails_heard(tx, [who for who, count in self._heard.items() if count >= most])

    def of(self, row: Any) -> tuple[object, ...]:
        """Everything around this invoice that its verdict may rest on, and the version of its facts."""
        key, customer_id, invoice_id = (row["family"], row["currency"]), row["customer_id"], row["id"]
        return (
            row["version"],
            bool(row["in_backlog"]),
            bool(row["allocated"]),
            self._days,
            row["segment"],
            self._not_approved,
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
            self._pauses.get(invoice_id),
            self._heard.get(self._emails.get(customer_id, ""), 0),
            self._new_emails.get(customer_id),
        )

    def credits(self, row: Any) -> Money:
        return self._credits.get((row["family"], row["currency"]), Money.zero(row["currency"]))

    def facts(
        self, row: Any, invoice: OpenInvoice, customer: Customer | None, on: date,
        step: str = "", to: str | None = None, reached: Customer | None = None,
    ) -> SuppressionFacts:  # fmt: skip
        """`to`: whom the message of this step would reach, and of whom that is the contact; None: the customer itself.

        What was said by, or is known of, whoever is reached counts as well as what is known of the customer.
        """
        whose = reached or customer
        of_both = [one.id for one in (customer, reached) if one is not None]
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
            exception=self._exceptions.get(invoice.id, "") or self._first(self._customers_in_exception, of_both),
            awaiting_approval=invoice.id in self._suggested,
            parked=self._parked.get(invoice.id, "") or self._parked_money.get(row["family"], ""),
            in_backlog=bool(row["in_backlog"]),
            # While an act of ours is unfinished, the balance is not known: the read-back will tell.
            match_pending=invoice.id in self._pending or bool(row["allocated"]),
            stale_sources=self._stale,
            clock_behind=self._clock_behind,
            stopped=self._stopped,
            send=self._policy.of(row["segment"]).send,
            do_not_contact=of_family.do_not_contact,
            is_strategic=of_family.is_strategic,
            escalation=self._escalations.get(invoice.id, ""),
            has_autopay=autopay is not None or row["customer_id"] in self._autopay_customers,
            autopay=autopay,
            was_told_payment_failed=row["number"] in self._told_failed,
            other_senders=self._other_senders,
            quiet=self._quiet(row["family"]),
            step=step,
            pause=self._pauses.get(invoice.id) or (self._paused.get(reached.id) if reached else None),
            heard=self._heard.get((customer.email if to is None else to).casefold(), 0) if customer else 0,
            to=to,
            reached=reached,
            email_since=self._new_emails.get(whose.id) if whose else None,
            not_approved=self._not_approved if self._policy.of(row["segment"]).send is Switch.AUTO else "",
        )

    @staticmethod
    def _first(known: Mapping[str, str], ids: Sequence[str]) -> str:
        return next((known[one] for one in ids if one in known), "")

    def _quiet(self, family: str) -> str:
        if self._profiles is None:
            return ""
        return self._parts.quiet(self.now, self._profiles.get(family, Profile()).traits)


def _stale_sources(tx: Tx, parts: Parts, now: datetime) -> Iterable[str]:
    payments_max = parts.policy.freshness.payments_minutes_max
    limits = (
        ("erp", "the ERP", parts.policy.freshness.erp_minutes_max),
        (parts.payments.name, parts.payments.name.capitalize(), payments_max),
        ("autopay", "what is collected by itself", payments_max),
        ("other_senders", "who else sends", OTHER_SENDERS_MINUTES_MAX),
        *([(parts.mailbox.name, "the mailbox of answers", payments_max)] if parts.mailbox else []),
        *([(parts.crm.name, "the CRM", parts.policy.crm_hours_max * 60)] if parts.crm else []),
    )
    for name, shown, minutes in limits:
        _, fresh_as_of, _ = book.source_state(tx, name)
        if fresh_as_of is None:
            yield f"{shown} was never read completely"
        elif now - fresh_as_of > timedelta(minutes=minutes):
            yield f"{shown} was last read completely on {fresh_as_of:%Y-%m-%d at %H:%M} UTC, allowed: {minutes} minutes"
    if parts.policy.segments and not profiles.is_past_known(tx):
        yield "how customers have paid so far was never read"
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
    if business_days_between(closed_on, parts.today(now), parts.policy.calendar) < allowed:
        return ""
    return f"the last bank statement is of {closed_on}, allowed: {allowed} business day{'s' * (allowed > 1)}"
