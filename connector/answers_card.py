"""The why / why-not card of one invoice: what happens next and on which day, and if nothing does, what would have to.

Made of what the store holds, for `connector explain` and for the ERP's AR status record. It tells days, never ages or
hours, so that it reads the same until something changes: a record is written on change only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from connector.business_days import why_quiet
from connector.decisions.suppression import SuppressionReason
from connector.log import redact
from connector.money import Money
from connector.policy import DEFAULT, Calendar, Policy, Step, Switch
from connector.receivables import InvoiceStatus, OpenInvoice, PauseKind, Reminder, ReminderState
from connector.reports_policy import Card, CardState, PauseRow
from connector.store import Tx, book, history, pauses, policies
from connector.store.relations import Escalated

# What fits beside the other fields of the ERP's record.
TEXT_MAX = 900
_LINE_MAX = 260
_PAUSES_MAX = 2
# A calendar without any day in so many is a mistake that `connector policy check` shows.
_DAYS_AHEAD_MAX = 31
# In the order in which they hold, as `suppression` has it.
_KINDS = [kind.value for kind in PauseKind]
_WAITING = (ReminderState.PLANNED, ReminderState.HELD)

TO_GO_ON: Mapping[SuppressionReason, str] = {
    SuppressionReason.PAID: "nothing; the reminders are over",
    SuppressionReason.VOIDED: "nothing; the reminders are over",
    SuppressionReason.NOTHING_TO_ASK: "nothing; the reminders are over",
    SuppressionReason.EXCLUDED: "take the exclusion off the customer in the ERP",
    SuppressionReason.DO_NOT_CONTACT: "take 'do not contact' off the customer in the CRM",
    SuppressionReason.HOLD: "take the hold off in the ERP",
    SuppressionReason.USAGE_OPEN: "sign off what was used, in the ERP",
    SuppressionReason.CREDIT_COMING: "post the credit memo, or end the pause in the ERP",
    SuppressionReason.FORMAT_CHANGE: "send the invoice in the form that is wanted, and end the pause in the ERP",
    SuppressionReason.PROMISED: "the promised money arrives, or its day passes without it",
    SuppressionReason.PAYMENT_PLAN: "an instalment stays unpaid after its day, or the plan is ended in the ERP",
    SuppressionReason.IN_CONVERSATION: "the conversation ends: its last day passes, or somebody ends it in the ERP",
    SuppressionReason.DISPUTED: "settle the dispute in the ERP",
    SuppressionReason.MATCH_PENDING: "the ERP is read back; it goes on by itself",
    SuppressionReason.AWAITING_APPROVAL: "answer the match in `connector queue`",
    SuppressionReason.IN_FLIGHT: "the money is matched, or turns out to be for something else",
    SuppressionReason.EXCEPTION: "settle the exception; `connector explain` says how",
    SuppressionReason.CUSTOMER_IN_CREDIT: "apply the customer's credits in the ERP, or refund them",
    SuppressionReason.PARKED: "correct the record that was not understood",
    SuppressionReason.AUTOPAY: "the collection succeeds, or its last attempt fails",
    SuppressionReason.STRATEGIC: "its owner speaks to the customer; or allow strategic_mail_past_due in the policy",
    SuppressionReason.ESCALATED: "the person at work on it ends it, or the invoice is paid",
    SuppressionReason.NO_CONTACT: "enter a billing contact with an address in the ERP",
    SuppressionReason.NEW_ADDRESS: "the days pass, or a person confirms the new address by calling the customer",
    SuppressionReason.POLITENESS: "the week passes; the next message then bundles what is due",
    SuppressionReason.NOT_DELIVERED: "send the invoice from the ERP, so that there is evidence that it was delivered",
    SuppressionReason.BACKLOG: "choose under `backlog` in the policy what happens to old invoices",
    SuppressionReason.STALE: "the source answers again; `connector check` says what is wrong",
    SuppressionReason.CLOCK: "set the clock of the connector's machine right",
    SuppressionReason.OTHER_SENDER: "switch the other sender off, or acknowledge it in the policy",
    SuppressionReason.STOPPED: "lift the stop: connector stop send --lift",
    SuppressionReason.NOT_APPROVED: "have the policy approved: connector policy approve",
    SuppressionReason.SHADOW: "switch `send` to auto in the policy, for all or for this segment",
    SuppressionReason.QUIET_HOURS: "the hours in which mail leaves",
    SuppressionReason.NONE: "",
}

_OF_PAUSE: Mapping[PauseKind, SuppressionReason] = {
    PauseKind.DISPUTE: SuppressionReason.DISPUTED,
    PauseKind.HOLD: SuppressionReason.HOLD,
    PauseKind.USAGE: SuppressionReason.USAGE_OPEN,
    PauseKind.CREDIT_MEMO: SuppressionReason.CREDIT_COMING,
    PauseKind.FORMAT_CHANGE: SuppressionReason.FORMAT_CHANGE,
    PauseKind.PROMISE: SuppressionReason.PROMISED,
    PauseKind.PLAN: SuppressionReason.PAYMENT_PLAN,
    PauseKind.CONVERSATION: SuppressionReason.IN_CONVERSATION,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of one invoice. `policy` is the one that its segment sees.

    `held_by` and `held_because` are the standing verdict on the step that is held; `exception` is what people must see
    to first; `in_flight` is money of the family that was seen and isn't matched yet.
    """

    invoice: OpenInvoice
    steps: Sequence[Reminder]
    policy: Policy
    segment_reason: str = ""
    held_by: SuppressionReason | None = None
    held_because: str = ""
    exception: str = ""
    in_backlog: bool = False
    pauses: Sequence[PauseRow] = ()
    escalated: Escalated | None = None
    in_flight: Money | None = None
    policy_since: date | None = None


def card(known: Known) -> Card:
    """The card of one invoice: pure, and the same as long as nothing changes."""
    following = _following(known)
    speaks_as = next((one for one in known.policy.steps if following and one.name == following.step), None)
    by, why_not = _why_not(known)
    state = _state(known, why_not, following)
    if state is not CardState.WAITS:
        why_not = ""
    step_on = first_send_day(known.policy.calendar, following.due_on) if following else None
    found = Card(
        state=state,
        next=_next(known, state, following, speaks_as, step_on),
        segment=known.policy.segment,
        segment_reason=known.segment_reason,
        step=following.step if following else "",
        step_on=step_on,
        channel=speaks_as.channel if speaks_as else "",
        tone=speaks_as.tone.value if speaks_as else "",
        why_not=why_not,
        to_go_on=TO_GO_ON[by] if why_not else "",
        pauses=tuple(known.pauses),
        escalation=known.escalated.reason if known.escalated else "",
        escalated_to=known.escalated.owner if known.escalated else "",
        answer_by=known.escalated.answer_by if known.escalated else None,
        in_flight=known.in_flight,
        policy_version=known.policy.version,
        policy_since=known.policy_since,
    )
    return replace(found, text=_text(found))


def first_send_day(calendar: Calendar, day: date) -> date:
    """The first day from this one on that mail may leave on by the policy's calendar."""
    for ahead in range(_DAYS_AHEAD_MAX):
        on = day + timedelta(days=ahead)
        if not why_quiet(calendar, datetime.combine(on, calendar.send_from)):
            return on
    return day


def _following(known: Known) -> Reminder | None:
    """The step that is due, or the next one: a held one first, since it is what the verdict is about."""
    waiting = sorted((one for one in known.steps if one.state in _WAITING), key=lambda one: (one.due_on, one.step))
    held = [one for one in waiting if one.state is ReminderState.HELD]
    return next(iter((*held[-1:], *waiting)), None)


def _is_closed(invoice: OpenInvoice) -> bool:
    return invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0


def _why_not(known: Known) -> tuple[SuppressionReason, str]:
    """The first reason against the step, in the order of `suppression`; what only an hour brings is left out."""
    invoice = known.invoice
    if _is_closed(invoice):
        return SuppressionReason.NONE, ""
    if known.held_because:
        return known.held_by or SuppressionReason.NONE, known.held_because
    if invoice.hold_reason:
        return SuppressionReason.HOLD, f"A person put the invoice on hold: {invoice.hold_reason}."
    if holding := next((pause for pause in known.pauses if pause.holds), None):
        return _OF_PAUSE[PauseKind(holding.kind)], holding.reason
    if invoice.disputed and not invoice.askable:
        return SuppressionReason.DISPUTED, f"All of the balance {invoice.balance} is disputed."
    if known.exception:
        return SuppressionReason.EXCEPTION, f"An exception is open: {known.exception}."
    if known.escalated and known.escalated.stops_mail:
        return SuppressionReason.ESCALATED, f"A person is at work on it: {known.escalated.reason}."
    if known.in_backlog:
        return SuppressionReason.BACKLOG, "It was overdue before sending was switched on."
    if known.policy.send is not Switch.AUTO:
        return SuppressionReason.SHADOW, f"Sending is in {known.policy.send}; only in auto do reminders leave."
    return SuppressionReason.NONE, ""


def _state(known: Known, why_not: str, following: Reminder | None) -> CardState:
    if _is_closed(known.invoice):
        return CardState.CLOSED
    if why_not and (following or known.escalated or known.exception or known.in_backlog):
        return CardState.WAITS
    return CardState.PLANNED if following else CardState.FINISHED


def _next(
    known: Known, state: CardState, following: Reminder | None, speaks_as: Step | None, step_on: date | None
) -> str:
    if state is CardState.CLOSED:
        return _closed(known.invoice)
    if state is CardState.FINISHED:
        return "No step is left; people see the invoice in the ageing."
    step = f"step {following.step}" if following else ""
    if speaks_as:
        step += f" ({speaks_as.tone.value}, by {_channel(speaks_as.channel)})"
    if state is CardState.PLANNED:
        return f"{step[:1].upper()}{step[1:]} leaves on {step_on}."
    escalated = known.escalated
    if escalated and escalated.stops_mail:
        by = f" by {escalated.answer_by}" if escalated.answer_by else ""
        return f"{escalated.owner or 'A person'} acts{by}; no machine mail leaves before that is over."
    ends = [pause.until for pause in known.pauses if pause.until]
    until = f" The last pause ends on {max(ends)}." if ends else ""
    if not following:
        return f"A person acts; no step is left.{until}"
    return f"{step[:1].upper()}{step[1:]}, due {following.due_on}, leaves when that is so.{until}"


def _closed(invoice: OpenInvoice) -> str:
    if invoice.status is InvoiceStatus.VOIDED:
        return "Nothing: the invoice was voided."
    if invoice.status is InvoiceStatus.PAID:
        return "Nothing: the invoice is paid."
    return "Nothing: a payment covers it, and the ERP has yet to confirm."


def _channel(name: str) -> str:
    return "e-mail" if name == "email" else name


# ---- the text ----


def _text(found: Card) -> str:
    """A few lines, the shortest that say all; what doesn't fit is cut within its own line, never at the end."""
    lines = [_line("Next", found.next)]
    if found.why_not:
        lines.append(_line("Not now", found.why_not))
        lines.append(_line("To go on", f"{found.to_go_on}."))
    lines += [_line("Paused", _paused(pause)) for pause in found.pauses[:_PAUSES_MAX]]
    if len(found.pauses) > _PAUSES_MAX:
        lines.append(f"Paused: and {len(found.pauses) - _PAUSES_MAX} more.")
    if found.escalation:
        answer = f", answer by {found.answer_by}" if found.answer_by else ""
        lines.append(_line("Escalated", f"{found.escalation} (to {found.escalated_to}{answer})"))
    if found.in_flight:
        lines.append(f"In flight: {found.in_flight} of the customer was seen and is not matched yet.")
    why = f": {found.segment_reason}" if found.segment_reason else ""
    lines.append(_line("Segment", f"{found.segment}{why}"))
    lines.append(f"Policy {found.policy_version}{f' since {found.policy_since}' if found.policy_since else ''}.")
    while sum(len(line) + 1 for line in lines) > TEXT_MAX + 1:
        longest = max(range(len(lines)), key=lambda number: len(lines[number]))
        lines[longest] = _cut(lines[longest], len(lines[longest]) - 20)
    return "\n".join(lines)


def _paused(pause: PauseRow) -> str:
    until = f" until {pause.until}" if pause.until else ""
    return f"{pause.kind.replace('_', ' ')} since {pause.since}{until}, {pause.owner}: {pause.reason}"


def _line(name: str, text: str) -> str:
    return _cut(f"{name}: {' '.join(text.split())}", _LINE_MAX)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 2].rstrip(' .')} …"


# ---- from the store ----


def cards(
    tx: Tx,
    policy: Policy,
    today: date,
    rows: Mapping[str, Any],
    steps: Mapping[str, Sequence[Reminder]],
    exceptions: Mapping[str, str],
    escalations: Mapping[str, Escalated],
) -> dict[str, Card]:
    """The cards of these invoices, by id: a few queries for all of them, whatever their number."""
    in_flight = book.inflight(tx, today)
    standing = _standing(tx, list(rows))
    paused = _pauses(tx, rows)
    used = policies.find(tx, policy.version)
    since = used.first_used_at.date() if used and used.first_used_at else None
    found = {}
    for invoice_id, row in rows.items():
        segment, held = standing.get((invoice_id, "segment")), standing.get((invoice_id, "suppression"))
        because = next((one.reason for one in steps[invoice_id][::-1] if one.state is ReminderState.HELD), "")
        known = Known(
            invoice=book.invoice_of(row),
            steps=steps[invoice_id],
            policy=policy.of(row["segment"]),
            segment_reason=redact(_segment_reason(policy, row["segment"], segment["reason"] if segment else "")),
            held_by=_reason(held["inputs"]) if held else None,
            held_because=redact(because),
            exception=redact(exceptions.get(invoice_id, "")),
            in_backlog=bool(row["in_backlog"]),
            pauses=paused[invoice_id],
            escalated=escalations.get(invoice_id),
            in_flight=in_flight.get((row["family"], row["currency"])),
            policy_since=since,
        )
        found[invoice_id] = card(known)
    return found


def _standing(tx: Tx, invoice_ids: Sequence[str]) -> dict[tuple[str, str], Any]:
    """(invoice id, question) -> its standing verdict."""
    found = {}
    for start in range(0, len(invoice_ids), book.IDS_AT_ONCE):
        some = invoice_ids[start : start + book.IDS_AT_ONCE]
        for row in history.standing_verdicts(tx, [f"invoice:{one}" for one in some]):
            found[row["subject"].partition(":")[2], row["decision"]] = row
    return found


def _pauses(tx: Tx, rows: Mapping[str, Any]) -> dict[str, tuple[PauseRow, ...]]:
    """Invoice id -> the pauses that stand on it or on all of its customer's, those that hold first, by kind."""
    of_customers: dict[str, list[pauses.Kept]] = {}
    for kept in pauses.standing(tx, of_customers_alone=True):
        of_customers.setdefault(kept.customer_id, []).append(kept)
    found = {}
    for invoice_id, own in pauses.of_invoices(tx, list(rows)).items():
        some = (*own, *of_customers.get(rows[invoice_id]["customer_id"], ()))
        standing = [_pause_row(kept) for kept in some if kept.known.ended_on is None]
        found[invoice_id] = tuple(sorted(standing, key=lambda one: (not one.holds, _KINDS.index(one.kind), one.since)))
    return found


def _pause_row(kept: pauses.Kept) -> PauseRow:
    verdict, known = kept.verdict, kept.known
    kind = known.entry.kind.value
    return PauseRow(kind, redact(verdict.reason), redact(kept.owner), known.since, verdict.until, verdict.holds)


def _reason(inputs: str) -> SuppressionReason | None:
    """The code beside a standing verdict; None for one that this release doesn't know."""
    code = json.loads(inputs).get("reason", "")
    return next((one for one in SuppressionReason if one.value == code), None)


def _segment_reason(policy: Policy, name: str, because: str) -> str:
    """Why it is in this segment, and why finance made the segment."""
    made = next((one.reason for one in policy.segments if one.name == (name or DEFAULT)), "")
    return "; ".join(text for text in (because, made) if text)
