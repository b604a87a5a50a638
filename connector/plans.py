"""Step 2: every invoice's reminders, planned by its own terms and its segment's cadence; and the backlog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from connector import pull, segmentation, undo
from connector.business_days import business_days_between
from connector.cash import settle_reminders
from connector.decisions import backlog, cadence, suppression
from connector.decisions.suppression import SuppressionReason
from connector.faults import Apart
from connector.parts import Parts
from connector.policy import DEFAULT, BacklogChoice, Courtesy, Policy, Switch
from connector.receivables import InvoiceStatus, OpenInvoice, Reminder, ReminderState
from connector.store import Tx, book, closing, gate
from connector.surroundings import Surroundings

# Invoices whose plan is settled in one commit.
CHANGED_AT_ONCE = 500
# What falls over in this step keeps its mark, and nothing of it may leave before its plan is settled.
PLANNING = "plan reminders"


def plan_reminders(parts: Parts, today: date) -> None:
    """Settle the plan of every invoice whose facts changed: new ones get their cadence, paid ones lose theirs."""
    segmentation.sort_all(parts, today)
    apart = Apart("sort the backlog")
    with parts.store.tx() as tx:
        since, fresh = _sending_since(tx, parts, today)
        last_able_on = date.fromisoformat(tx.get("last_able_on")) if tx.get("last_able_on") else None
        was_out = _was_out(parts, last_able_on, today)
        left_over = set(apart.left_over(tx))
        if fresh or was_out or left_over:
            for row in book.open_rows(tx):
                if was_out or (row["segment"] or DEFAULT) in fresh or row["id"] in left_over:
                    with apart.one(row["id"]):
                        _into_backlog(tx, parts, row, row["segment"], Days(since, last_able_on, today))
                    if row["id"] in apart.failed and not row["in_backlog"]:
                        # Whether it belongs there can be told today only: nothing leaves it without a person.
                        book.into_backlog(tx, row["id"], "whether it is old debt could not be told")
    days = Days(since, last_able_on, today)
    _settle_changed(parts, days)
    with parts.store.tx() as tx:
        for policy in parts.policy.everywhere:
            _clear_backlog(tx, parts, policy, days, apart)
    apart.show(parts)


def _settle_changed(parts: Parts, days: Days) -> None:
    """Every invoice whose facts changed; those that meet a fault stay so, and are tried again in the next pass."""
    apart = Apart(PLANNING)

    def settle(tx: Tx, ids: Sequence[str]) -> None:
        _plan(tx, parts, list(book.invoices_by_id(tx, ids).values()), days)

    while True:
        with parts.store.read() as tx:
            changed = book.changed_ids(tx, CHANGED_AT_ONCE + len(apart.failed))
        ids = [id for id in changed if id not in apart.failed]
        apart.in_groups(parts, ids, CHANGED_AT_ONCE, settle)
        if len(ids) < CHANGED_AT_ONCE:
            break
    apart.show(parts)


@dataclass(frozen=True, slots=True)
class Days:
    """What the backlog is judged by: since when each segment sends by itself, when a reminder could last leave."""

    auto_since: Mapping[str, date | None]
    last_able_on: date | None
    today: date

    def since(self, segment: str) -> date | None:
        return self.auto_since.get(segment or DEFAULT)


def _sending_since(tx: Tx, parts: Parts, today: date) -> tuple[dict[str, date | None], set[str]]:
    """Segment -> the day since which it sends by itself; and the segments that begin just now."""
    since: dict[str, date | None] = {}
    fresh, blocked = set(), parts.blocked(tx)
    for policy in parts.policy.everywhere:
        before = pull.was_sending(tx, policy.segment)
        # What was never approved has not begun to send: its backlog begins with the approval.
        send = policy.send if before or not blocked else Switch.SUGGEST
        since[policy.segment] = pull.sending_since(tx, policy.segment, send, today)
        if since[policy.segment] and not before:
            fresh.add(policy.segment)
    return since, fresh


def _plan(tx: Tx, parts: Parts, rows: Sequence[Any], days: Days) -> None:
    """Settle the plan of these invoices, in one commit."""
    today, ids = days.today, [row["id"] for row in rows]
    plans, ours = gate.reminders(tx, ids), closing.with_acts(tx, ids)
    segments = segmentation.sort(tx, parts, rows, today)
    invoices = [book.invoice_of(row) for row in rows]
    is_open = [invoice for invoice in invoices if invoice.status is InvoiceStatus.OPEN]
    for one in is_open:
        policy = parts.policy.of(segments[one.id])
        wanted = cadence.plan(one, policy)
        _take_up_again(tx, wanted, plans[one.id], today)
        gate.put_plan(tx, _moved(_from_now_on(wanted, plans[one.id], today), plans[one.id]), plans)
        _drop_others(tx, policy, plans[one.id])
    for row, invoice in zip(rows, invoices, strict=True):
        policy = parts.policy.of(segments[invoice.id])
        if invoice.status is not InvoiceStatus.OPEN:
            if invoice.id in ours:
                undo.take_applied_again(tx, invoice)
        else:
            if invoice.id in ours:
                undo.take_reopened(tx, invoice, policy, today)
            if not plans[invoice.id] or _begins_to_send(parts, row["segment"], policy):
                _into_backlog(tx, parts, row, segments[invoice.id], days)
        cash_on = _cash_on(plans[invoice.id], policy.courtesy, today)
        settle_reminders(tx, invoice, policy, cash_on, _why_closed(invoice))
    book.set_next(tx, {id: _next_on(steps) for id, steps in gate.reminders(tx, ids).items()})


def _from_now_on(wanted: Sequence[Reminder], standing: Sequence[Reminder], today: date) -> list[Reminder]:
    """Where an invoice comes into another cadence, that begins with its next step: none of it is made up for."""
    known = {reminder.step for reminder in standing}
    if not known:
        return list(wanted)
    why = f"another cadence since {today}; it goes on with its next step"
    return [
        replace(one, state=ReminderState.MISSED, reason=why) if one.step not in known and one.due_on <= today else one
        for one in wanted
    ]


def _take_up_again(tx: Tx, wanted: Sequence[Reminder], standing: Sequence[Reminder], today: date) -> None:
    """Back in a cadence that it had left, an invoice has its coming steps again: those missed before their day."""
    own = {reminder.step: reminder.due_on for reminder in wanted}
    # Money came back: until the customer has heard of it, what was dropped for that stays dropped.
    untold = (r.due_on for r in standing if r.step == cadence.RETURNED_STEP and r.state in gate.WAITING)
    after = max([today, *untold])
    for reminder in standing:
        due_on = own.get(reminder.step, date.min)
        if reminder.state is ReminderState.MISSED and min(due_on, reminder.due_on) > after:
            gate.take_up_again(tx, reminder, due_on, "its cadence has this step again")


def _drop_others(tx: Tx, policy: Policy, standing: Sequence[Reminder]) -> None:
    """Steps of a cadence that the invoice is no longer in."""
    own = {step.name for step in policy.steps} | set(cadence.BESIDE_THE_CADENCE)
    for reminder in standing:
        if reminder.step not in own and reminder.state in gate.WAITING:
            gate.move(tx, reminder, ReminderState.MISSED, f"the cadence of segment {policy.segment} has no such step")


def _begins_to_send(parts: Parts, before: str, policy: Policy) -> bool:
    """Does this invoice come from a segment that did not send by itself into one that does (RULES 4.5)?"""
    return policy.send is Switch.AUTO and parts.policy.of(before).send is not Switch.AUTO


def _clear_backlog(tx: Tx, parts: Parts, policy: Policy, days: Days, apart: Apart) -> None:
    """What a person chose for the backlog of this segment, as far as its limits let it (RULES 4.5)."""
    choice, limits, today = policy.backlog, policy.backlog_limits, days.today
    is_off = choice is BacklogChoice.STATEMENT and days.since(policy.segment) is None
    if choice is BacklogChoice.WORKLIST or is_off:
        return
    rows = [row for row in book.backlog_rows(tx) if (row["segment"] or DEFAULT) == policy.segment]
    if not rows:
        return
    invoices = [book.invoice_of(row) for row in rows]
    if choice is BacklogChoice.NEXT_STEP:
        for invoice in invoices:
            with apart.one(invoice.id):
                if backlog.way_out(invoice, choice, limits, today).choice is choice:
                    _out_of_backlog(tx, invoice.id, today, "the backlog starts at the next step")
        return
    told, told_today = gate.with_step(tx, cadence.STATEMENT_STEP, today)
    may_be_told = _held_by_the_backlog_alone(tx, parts, invoices, today, apart)
    for one in backlog.statements(may_be_told, told, told_today, limits, today):
        for invoice_id in one.invoice_ids:
            _out_of_backlog(tx, invoice_id, today, "the backlog starts with one statement")
            gate.put_plan(tx, [Reminder(invoice_id, cadence.STATEMENT_STEP, today, ReminderState.PLANNED)])


def _held_by_the_backlog_alone(
    tx: Tx, parts: Parts, invoices: Sequence[OpenInvoice], today: date, apart: Apart
) -> list[OpenInvoice]:
    """Those that might be mailed otherwise: who can't be must not use up one of the day's statements."""
    now = parts.clock.now()
    surroundings = Surroundings(tx, parts, now, today, with_hours=False)
    rows = book.invoices_by_id(tx, [invoice.id for invoice in invoices])
    customers = book.customers_by_id(tx, {invoice.customer_id for invoice in invoices})
    parents = book.customers_by_id(tx, {one.parent_id for one in customers.values() if one.mails_parent})
    found = []
    for invoice in invoices:
        on = parts.today(now, invoice.subsidiary)
        customer = customers.get(invoice.customer_id)
        reached = parents.get(customer.parent_id) if customer and customer.mails_parent else None
        to = (reached.email if reached else "") if customer and customer.mails_parent else None
        with apart.one(invoice.id):
            facts = surroundings.facts(rows[invoice.id], invoice, customer, on, to=to, reached=reached)
            policy = parts.policy.of(rows[invoice.id]["segment"])
            if suppression.decide(facts, policy).reason is SuppressionReason.BACKLOG:
                found.append(invoice)
    return found


def _out_of_backlog(tx: Tx, invoice_id: str, today: date, why: str) -> None:
    for reminder in gate.reminders(tx, [invoice_id])[invoice_id]:
        if reminder.due_on <= today and reminder.state in gate.WAITING:
            gate.move(tx, reminder, ReminderState.MISSED, why)
    book.out_of_backlog(tx, invoice_id)


def _moved(wanted: Sequence[Reminder], standing: Sequence[Reminder]) -> list[Reminder]:
    """Steps that aren't there yet, and those that a new due date moves."""
    days = {reminder.step: reminder.due_on for reminder in standing}
    return [reminder for reminder in wanted if days.get(reminder.step) != reminder.due_on]


def _cash_on(standing: Sequence[Reminder], courtesy: Courtesy, today: date) -> date:
    """A courtesy message that is planned keeps its day, whatever else changes on the invoice."""
    planned = [r.due_on for r in standing if r.step == cadence.COURTESY_STEP]
    return planned[0] - timedelta(days=courtesy.after_days) if planned else today


def _why_closed(invoice: OpenInvoice) -> str:
    if invoice.status is InvoiceStatus.VOIDED:
        return "the invoice was voided in the ERP"
    return "the invoice was paid in the ERP by somebody else" if not invoice.balance else "almost paid in the ERP"


def _was_out(parts: Parts, last_able_on: date | None, today: date) -> bool:
    if last_able_on is None:
        return False
    days = business_days_between(last_able_on, today, parts.policy.calendar)
    return days > parts.policy.outage_business_days_max


def _into_backlog(tx: Tx, parts: Parts, row: Any, segment: str, days: Days) -> None:
    invoice = book.invoice_of(row)
    seen_on, since = date.fromisoformat(row["first_seen_on"]), days.since(segment)
    if _begins_to_send(parts, row["segment"], parts.policy.of(segment)) and row["segment"] != segment:
        since = days.today
    verdict = backlog.decide(invoice, seen_on, since, days.last_able_on, days.today, parts.policy)
    if not verdict or row["in_backlog"]:
        return
    book.into_backlog(tx, invoice.id, verdict.reason)


def _next_on(steps: Sequence[Reminder]) -> date | None:
    return min((r.due_on for r in steps if r.state in gate.WAITING), default=None)
