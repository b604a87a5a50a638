"""What do the ERP's saved searches see of this invoice?

One state, first that holds: closed, exception, backlog, escalated, held, reminding. Knows nothing about how it is
written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.receivables import InvoiceStatus, OpenInvoice, Reminder, ReminderState


class Flag(StrEnum):
    """The state that a saved search shows, in order of precedence: the first that holds."""

    CLOSED = "closed"
    EXCEPTION = "exception"
    BACKLOG = "backlog"
    ESCALATED = "escalated"
    HELD = "held"
    REMINDING = "reminding"


@dataclass(frozen=True, slots=True)
class FlagVerdict:
    flag: Flag
    reason: str
    next_step: str = ""
    next_on: date | None = None


def decide(
    invoice: OpenInvoice, reminders: Sequence[Reminder], exception: str, in_backlog: bool, escalation: str = ""
) -> FlagVerdict:
    """The one line that a saved search shows of this invoice, with the step that comes next.

    An escalation that lets mail go on (`EscalationRule.stops_mail`) still shows the next planned step.
    """
    waiting = [r for r in reminders if r.state in (ReminderState.PLANNED, ReminderState.HELD)]
    following = min(waiting, key=_order, default=None)
    if invoice.status is not InvoiceStatus.OPEN or not invoice.balance:
        cancelled = [r.step for r in reminders if r.state is ReminderState.CANCELLED]
        what = "voided" if invoice.status is InvoiceStatus.VOIDED else "paid"
        return FlagVerdict(Flag.CLOSED, f"{what}; reminders cancelled: {', '.join(cancelled) or 'none were left'}")
    if exception:
        return FlagVerdict(Flag.EXCEPTION, exception)
    if in_backlog:
        return FlagVerdict(Flag.BACKLOG, "overdue before sending was switched on; a person chooses what happens")
    if escalation:
        planned = min((r for r in waiting if r.state is ReminderState.PLANNED), key=_order, default=None)
        if planned is None:
            return FlagVerdict(Flag.ESCALATED, escalation)
        return FlagVerdict(Flag.ESCALATED, escalation, planned.step, planned.due_on)
    held = next((r for r in waiting if r.state is ReminderState.HELD), None)
    if held or invoice.hold_reason:
        reason = held.reason if held else f"a person put the invoice on hold: {invoice.hold_reason}"
        return FlagVerdict(Flag.HELD, reason, held.step if held else "")
    if following is None:
        last = max(reminders, key=_order, default=None)
        why = f": {last.reason}" if last and last.state is ReminderState.CANCELLED and last.reason else ""
        return FlagVerdict(Flag.REMINDING, f"no step is left{why}")
    return FlagVerdict(Flag.REMINDING, "planned", following.step, following.due_on)


def _order(reminder: Reminder) -> tuple[date, str]:
    return reminder.due_on, reminder.step
