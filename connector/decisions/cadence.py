"""Step 2: which reminder is due, from the invoice's own terms?

Every step counts from the invoice's own due date, so a net-60 invoice never starts with a net-30 one (M12).
Knows nothing about cash, holds or addresses: that is `suppression`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from connector.policy import Policy
from connector.receivables import OpenInvoice, Reminder, ReminderState

COURTESY_STEP = "courtesy"
# The one neutral message about a customer's old invoices, where a person chose it for the backlog (RULES 4.5).
STATEMENT_STEP = "statement"
_BESIDE_THE_CADENCE = (COURTESY_STEP, STATEMENT_STEP)

_PENDING = (ReminderState.PLANNED, ReminderState.HELD)
# A reminder that may have left counts as left: it is never sent again, and the customer may have read it.
_LEFT = (ReminderState.SENT, ReminderState.UNKNOWN)


class CadenceOutcome(StrEnum):
    """What the cadence says of one invoice on one day."""

    DUE = "due"
    WAITING = "waiting"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class CadenceVerdict:
    """`missed` holds the superseded steps already in state MISSED; `template` is empty unless a reminder is due."""

    outcome: CadenceOutcome
    reminder: Reminder | None
    template: str
    missed: tuple[Reminder, ...]
    next_on: date | None
    reason: str


def plan(invoice: OpenInvoice, policy: Policy) -> tuple[Reminder, ...]:
    """All steps of this invoice's cadence, each on its own day, from before the due date on (M10, M11).

    A step beyond the last day that there is (somebody typed a due date in the year 9999) is left out.
    """
    return tuple(
        Reminder(invoice.id, step.name, invoice.due_on + timedelta(days=step.days), ReminderState.PLANNED)
        for step in policy.steps
        if (date.min - invoice.due_on).days <= step.days <= (date.max - invoice.due_on).days
    )


def replan(
    invoice: OpenInvoice, paid_percent: int, last_cash_on: date, existing: Sequence[Reminder], policy: Policy
) -> tuple[Reminder, ...]:
    """What changes in the plan after a part payment? Only the changed reminders are returned.

    At `courtesy.paid_percent_min` or more, every step that has not left is cancelled and one courtesy message for
    the residual is planned (RULES 2.4, M46, M47). Later cash moves a courtesy message that has not left; one that
    has left, was missed or was cancelled is not planned again. Below the bound nothing changes.
    `paid_percent` is rounded down by the caller, so that 89.9 % is not 90 %.
    """
    courtesy = policy.courtesy
    if paid_percent < courtesy.paid_percent_min:
        return ()
    reason = f"{paid_percent} % is paid: a courtesy message for the residual replaces the cadence"
    changed = [
        replace(reminder, state=ReminderState.CANCELLED, reason=reason)
        for reminder in existing
        if reminder.step not in _BESIDE_THE_CADENCE and reminder.state in _PENDING
    ]
    known = next((reminder for reminder in existing if reminder.step == COURTESY_STEP), None)
    due_on = last_cash_on + timedelta(days=courtesy.after_days)
    if not invoice.balance or invoice.balance.minor < 0:
        return tuple(changed)
    if known is None:
        changed.append(Reminder(invoice.id, COURTESY_STEP, due_on, ReminderState.PLANNED))
    elif known.state in _PENDING and known.due_on != due_on:
        changed.append(replace(known, due_on=due_on))
    return tuple(changed)


def decide(reminders: Sequence[Reminder], policy: Policy, on: date, last_sent_on: date | None = None) -> CadenceVerdict:
    """Which reminder, if any, is due for this invoice on this day?

    In this order: nothing pending is FINISHED; a reminder that is just leaving, or one that left today, means
    WAITING; of the pending steps whose day has come the latest is DUE and the earlier ones are missed, never
    replayed; else WAITING for the first step to come. A step older than one that has left is missed as well, and so
    is a step that the policy no longer knows. First contact is never firmer than `first_contact_step_max`.
    """
    pending, missed = _sort_out(reminders, policy)
    due = [reminder for reminder in pending if reminder.due_on <= on]
    missed += [_missed(earlier, f"superseded by {due[-1].step}") for earlier in due[:-1]]
    later_on = next((reminder.due_on for reminder in pending if reminder.due_on > on), None)
    if not pending:
        return CadenceVerdict(CadenceOutcome.FINISHED, None, "", tuple(missed), None, "no step is left")
    if any(reminder.state is ReminderState.LEAVING for reminder in reminders):
        next_on = on if due else later_on
        return CadenceVerdict(CadenceOutcome.WAITING, None, "", tuple(missed), next_on, "a reminder is just leaving")
    if not due:
        reason = f"the next step is {pending[0].step} on {later_on}"
        return CadenceVerdict(CadenceOutcome.WAITING, None, "", tuple(missed), later_on, reason)
    if last_sent_on is not None and last_sent_on >= on:
        next_on = last_sent_on + timedelta(days=1)
        reason = f"one reminder left on {last_sent_on}; at most one leaves a day"
        return CadenceVerdict(CadenceOutcome.WAITING, None, "", tuple(missed), next_on, reason)
    chosen = due[-1]
    is_first = not any(reminder.state in _LEFT for reminder in reminders)
    reason = f"step {chosen.step} was due on {chosen.due_on}"
    return CadenceVerdict(
        CadenceOutcome.DUE, chosen, _template(chosen, policy, is_first), tuple(missed), later_on, reason
    )


def _sort_out(reminders: Sequence[Reminder], policy: Policy) -> tuple[list[Reminder], list[Reminder]]:
    """The pending steps in the order of their days, and those that can no longer leave, as MISSED."""
    rank = {step.name: position for position, step in enumerate(policy.steps)}
    rank |= {step: len(policy.steps) for step in _BESIDE_THE_CADENCE}
    left_on = max((reminder.due_on for reminder in reminders if reminder.state in _LEFT), default=date.min)
    pending: list[Reminder] = []
    missed: list[Reminder] = []
    for reminder in sorted(reminders, key=lambda r: (r.due_on, rank.get(r.step, -1), r.step)):
        if reminder.state not in _PENDING:
            continue
        if reminder.step not in rank:
            missed.append(_missed(reminder, f"the policy {policy.version} has no step {reminder.step}"))
        elif reminder.due_on < left_on and reminder.step not in _BESIDE_THE_CADENCE:
            missed.append(_missed(reminder, "a later step has left already"))
        else:
            pending.append(reminder)
    return pending, missed


def _missed(reminder: Reminder, reason: str) -> Reminder:
    return replace(reminder, state=ReminderState.MISSED, reason=reason)


def _template(reminder: Reminder, policy: Policy, is_first: bool) -> str:
    """The step's own template, or on first contact the one of `first_contact_step_max` if that is gentler.

    The steps of a policy stand in the order of their days, and later is firmer; the courtesy message is the gentlest.
    """
    if reminder.step == COURTESY_STEP:
        return policy.courtesy.template
    if reminder.step == STATEMENT_STEP:
        return STATEMENT_STEP
    names = [step.name for step in policy.steps]
    own = names.index(reminder.step)
    firmest = names.index(policy.first_contact_step_max) if policy.first_contact_step_max in names else 0
    return policy.steps[min(own, firmest) if is_first else own].template
