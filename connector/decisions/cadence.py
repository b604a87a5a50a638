"""Step 2: which reminder is due, from the invoice's own terms?

Every step counts from the invoice's own due date, so a net-60 invoice never starts with a net-30 one (M12).
Knows nothing about cash, holds or addresses: that is `suppression`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from connector.policy import COURTESY_STEP as COURTESY_STEP
from connector.policy import DISPUTE_STEP as DISPUTE_STEP
from connector.policy import RETURNED_STEP as RETURNED_STEP
from connector.policy import STATEMENT_STEP as STATEMENT_STEP
from connector.policy import Policy, Step, Tone
from connector.receivables import OpenInvoice, Reminder, ReminderState

BESIDE_THE_CADENCE = (COURTESY_STEP, STATEMENT_STEP, DISPUTE_STEP, RETURNED_STEP)
# These are no step of the cadence and take no step's place.
ALONE = (DISPUTE_STEP, RETURNED_STEP)

_BEFORE_ALL = -999  # days: gentler than every step of a cadence
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
    """`missed` holds the superseded steps already in state MISSED.

    `speaks_as` is the step that gives a due reminder its text, sender and channel: its own, or on first contact a
    gentler one.
    """

    outcome: CadenceOutcome
    reminder: Reminder | None
    speaks_as: Step | None
    missed: tuple[Reminder, ...]
    next_on: date | None
    reason: str

    @property
    def template(self) -> str:
        return self.speaks_as.template if self.speaks_as else ""


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
        if reminder.step not in BESIDE_THE_CADENCE and reminder.state in _PENDING
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


def decide(
    reminders: Sequence[Reminder],
    policy: Policy,
    on: date,
    last_sent_on: date | None = None,
    resumes_after: str = "",
) -> CadenceVerdict:
    """Which reminder, if any, is due for this invoice on this day?

    In this order: nothing pending is FINISHED; a reminder that is just leaving, or one that left today, means
    WAITING; of the pending steps whose day has come the latest is DUE and the earlier ones are missed, never
    replayed; else WAITING for the first step to come. What has a message of its own (`ALONE`) goes first, and the
    cadence goes on the day after. A step older than one that has left is missed as well, and so
    is a step that the policy no longer knows. First contact is never firmer than `first_contact_step_max`, and where a
    dispute was rejected the next message is no firmer than `resumes_after`, the last step that left before (RULES 5.3).
    """
    pending, missed = _sort_out(reminders, policy)
    due = [reminder for reminder in pending if reminder.due_on <= on]
    steps = [reminder for reminder in due if reminder.step not in ALONE]
    missed += [_missed(earlier, f"superseded by {steps[-1].step}") for earlier in steps[:-1]]
    later_on = next((reminder.due_on for reminder in pending if reminder.due_on > on), None)
    if not pending:
        return CadenceVerdict(CadenceOutcome.FINISHED, None, None, tuple(missed), None, "no step is left")
    if any(reminder.state is ReminderState.LEAVING for reminder in reminders):
        next_on = on if due else later_on
        return CadenceVerdict(CadenceOutcome.WAITING, None, None, tuple(missed), next_on, "a reminder is just leaving")
    if not due:
        reason = f"the next step is {pending[0].step} on {later_on}"
        return CadenceVerdict(CadenceOutcome.WAITING, None, None, tuple(missed), later_on, reason)
    if last_sent_on is not None and last_sent_on >= on:
        next_on = last_sent_on + timedelta(days=1)
        reason = f"one reminder left on {last_sent_on}; at most one leaves a day"
        return CadenceVerdict(CadenceOutcome.WAITING, None, None, tuple(missed), next_on, reason)
    chosen = next((reminder for reminder in due if reminder.step in ALONE), due[-1])
    # A question about a dispute asked for no money: who got nothing else has not been reminded yet.
    is_first = not any(reminder.state in _LEFT and reminder.step != DISPUTE_STEP for reminder in reminders)
    reason = f"step {chosen.step} was due on {chosen.due_on}"
    speaks_as = _speaks_as(chosen, policy, is_first, resumes_after)
    return CadenceVerdict(CadenceOutcome.DUE, chosen, speaks_as, tuple(missed), later_on, reason)


def _sort_out(reminders: Sequence[Reminder], policy: Policy) -> tuple[list[Reminder], list[Reminder]]:
    """The pending steps in the order of their days, and those that can no longer leave, as MISSED."""
    rank = {step.name: position for position, step in enumerate(policy.steps)}
    rank |= {step: len(policy.steps) for step in BESIDE_THE_CADENCE}
    left = [reminder for reminder in reminders if reminder.state in _LEFT and reminder.step not in ALONE]
    left_on = max((reminder.due_on for reminder in left), default=date.min)
    pending: list[Reminder] = []
    missed: list[Reminder] = []
    for reminder in sorted(reminders, key=lambda r: (r.due_on, rank.get(r.step, -1), r.step)):
        if reminder.state not in _PENDING:
            continue
        if reminder.step not in rank:
            missed.append(_missed(reminder, f"the policy {policy.version} has no step {reminder.step}"))
        elif reminder.due_on < left_on and reminder.step not in BESIDE_THE_CADENCE:
            missed.append(_missed(reminder, "a later step has left already"))
        else:
            pending.append(reminder)
    return pending, missed


def _missed(reminder: Reminder, reason: str) -> Reminder:
    return replace(reminder, state=ReminderState.MISSED, reason=reason)


def _speaks_as(reminder: Reminder, policy: Policy, is_first: bool, resumes_after: str) -> Step:
    """The step itself, or on first contact that of `first_contact_step_max` if it is gentler.

    After a dispute the same holds for the last step that left; one from before the due date would say what isn't so.
    The steps of a cadence stand in the order of their days, and later is firmer; what is beside it is the gentlest.
    """
    if reminder.step in BESIDE_THE_CADENCE:
        courtesy = policy.courtesy
        template = courtesy.template if reminder.step == COURTESY_STEP else reminder.step
        return Step(reminder.step, _BEFORE_ALL, template, courtesy.sender, tone=Tone.INFORMATIONAL)
    names = [step.name for step in policy.steps]
    own = names.index(reminder.step)
    firmest = names.index(policy.first_contact_step_max) if policy.first_contact_step_max in names else 0
    if not is_first:
        firmest = max(firmest, names.index(resumes_after)) if resumes_after in names else own
    return policy.steps[min(own, firmest)]
