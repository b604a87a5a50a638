"""What a saved search shows of an invoice: one row a case, the first state that holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connector.decisions import flags
from connector.decisions.flags import Flag
from connector.money import Money
from connector.receivables import InvoiceStatus, OpenInvoice, Reminder, ReminderState

OPEN = OpenInvoice("1", "INV-1", "7", Money(100_00, "USD"), Money(100_00, "USD"), date(2026, 8, 12), date(2026, 9, 11))
PAID = replace(OPEN, balance=Money(0, "USD"), status=InvoiceStatus.PAID)
VOIDED = replace(OPEN, balance=Money(0, "USD"), status=InvoiceStatus.VOIDED)
ON_HOLD = replace(OPEN, hold_reason="usage is being reconciled")


def step(name: str, day: int, state: ReminderState, reason: str = "") -> Reminder:
    return Reminder("1", name, date(2026, 9, day), state, reason)


PLANNED = (
    step("0", 11, ReminderState.SENT),
    step("+1", 12, ReminderState.PLANNED),
    step("+7", 18, ReminderState.PLANNED),
)
HELD = (step("+1", 12, ReminderState.HELD, "no billing contact"),)
CANCELLED = (step("+1", 12, ReminderState.CANCELLED, "below the smallest amount"),)

# invoice, reminders, exception, in backlog -> state, reason, next step
CASES = [
    (PAID, CANCELLED, "", False, Flag.CLOSED, "paid; reminders cancelled: +1", ""),
    (PAID, (), "paid twice?", True, Flag.CLOSED, "paid; reminders cancelled: none were left", ""),
    (VOIDED, (), "", False, Flag.CLOSED, "voided; reminders cancelled: none were left", ""),
    (OPEN, HELD, "two explanations fit", True, Flag.EXCEPTION, "two explanations fit", ""),
    (
        OPEN,
        PLANNED,
        "",
        True,
        Flag.BACKLOG,
        "overdue before sending was switched on; a person chooses what happens",
        "",
    ),
    (OPEN, HELD, "", False, Flag.HELD, "no billing contact", "+1"),
    (ON_HOLD, PLANNED, "", False, Flag.HELD, "a person put the invoice on hold: usage is being reconciled", ""),
    (OPEN, PLANNED, "", False, Flag.REMINDING, "planned", "+1"),
    (OPEN, CANCELLED, "", False, Flag.REMINDING, "no step is left: below the smallest amount", ""),
    (OPEN, (), "", False, Flag.REMINDING, "no step is left", ""),
]


@pytest.mark.parametrize(("invoice", "reminders", "exception", "in_backlog", "flag", "reason", "next_step"), CASES)
def test_the_first_state_that_holds_is_shown(
    invoice: OpenInvoice,
    reminders: tuple[Reminder, ...],
    exception: str,
    in_backlog: bool,
    flag: Flag,
    reason: str,
    next_step: str,
) -> None:
    verdict = flags.decide(invoice, reminders, exception, in_backlog)

    assert (flag, reason, next_step) == (verdict.flag, verdict.reason, verdict.next_step)


WHY = "Renewal on 2026-10-01, in 20 days; 9 days past due"

# invoice, reminders, exception, in backlog -> state, next step, of an escalated invoice
ESCALATED = [
    (PAID, PLANNED, "", False, Flag.CLOSED, ""),
    (OPEN, PLANNED, "two explanations fit", False, Flag.EXCEPTION, ""),
    # An old book has many of them: the choice that a person has to make for the backlog comes first.
    (OPEN, PLANNED, "", True, Flag.BACKLOG, ""),
    (OPEN, PLANNED, "", False, Flag.ESCALATED, "+1"),
    (ON_HOLD, HELD, "", False, Flag.ESCALATED, ""),
]


@pytest.mark.parametrize(("invoice", "reminders", "exception", "in_backlog", "flag", "next_step"), ESCALATED)
def test_an_escalated_invoice_is_shown_as_such_with_the_step_that_still_leaves(
    invoice: OpenInvoice,
    reminders: tuple[Reminder, ...],
    exception: str,
    in_backlog: bool,
    flag: Flag,
    next_step: str,
) -> None:
    verdict = flags.decide(invoice, reminders, exception, in_backlog, WHY)

    assert flag == verdict.flag
    if flag is Flag.ESCALATED:
        assert (WHY, next_step) == (verdict.reason, verdict.next_step)
        assert (verdict.next_on is not None) == bool(next_step)


def test_every_state_is_reached() -> None:
    assert set(Flag) == {case[4] for case in CASES} | {case[4] for case in ESCALATED}
