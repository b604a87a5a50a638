"""Questions to the store: what would a tick do, why is this invoice as it is?

Reads only; the answers are the frozen values of reports.py. Text that came from outside is passed on without mail
addresses. How the book stands is answered in standing.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from connector import answers_card, words
from connector.decisions import segments
from connector.errors import ConfigError
from connector.log import redact
from connector.money import Money
from connector.parts import Parts
from connector.policy import Policy
from connector.receivables import CloseIntent, InvoiceStatus, OpenInvoice, Profile
from connector.remind import Decided
from connector.reports import (
    ActRow,
    AppliedRow,
    ErpRecordRow,
    ExceptionRow,
    Explanation,
    InvoiceRow,
    JournalRow,
    LineRow,
    MatchRow,
    PaymentRow,
    PlanReport,
    QueueRow,
    ReminderRow,
    ReminderStateRow,
    TickReport,
    VerdictRow,
)
from connector.reports_policy import Card, SegmentRow
from connector.store import Tx, book, gate, history, parse_instant, pauses, profiles, relations, verdicts
from connector.store.activity import Line
from connector.store.closing import ActState

MATCHED_BY = "match by "


def counts(report: TickReport) -> dict[str, int]:
    """The counts of a tick by name, for one log line."""
    values = {item.name: getattr(report, item.name) for item in fields(report)}
    return {name: value for name, value in values.items() if isinstance(value, int)}


def invoice_numbers(tx: Tx) -> tuple[str, ...]:
    return history.invoice_numbers(tx)


# ---- plan ----


def plan(tx: Tx, parts: Parts, now: datetime, first_seq: int, decided: Sequence[Decided]) -> PlanReport:
    """What was decided after this place in the journal of a copy of the store, and what waits in it."""
    today = parts.today(now)
    alarm = tx.get("alarm")
    return PlanReport(
        as_of=now,
        policy_version=parts.policy.version,
        post=_switch(parts.policy.switched("post"), history.stop_order(tx, "post") or alarm or parts.clamped(tx)),
        send=_switch(parts.policy.switched("send"), history.stop_order(tx, "send") or alarm or parts.clamped(tx)),
        matches=named(tx, (*_new_matches(tx, first_seq), *_suggested_matches(tx))),
        exceptions=named(
            tx, (*_alarm(alarm), *exception_rows(verdicts.open_exceptions(tx)), *_parked(history.parked_records(tx)))
        ),
        reminders=named(tx, _due(decided, gate.mailed_on(tx, today))),
    )


_Row = TypeVar("_Row", MatchRow, ExceptionRow, ReminderRow, InvoiceRow, QueueRow)


def named(tx: Tx, rows: Sequence[_Row]) -> tuple[_Row, ...]:
    """People know a customer by its name, the ERP by its id: both are shown."""
    known = book.customers_by_id(tx, {row.customer for row in rows})
    return tuple(
        replace(row, customer=redact(f"{known[row.customer].name} ({row.customer})")) if row.customer in known else row
        for row in rows
    )


def _switch(value: str, stop: str) -> str:
    return f"{value}, but {stop}" if stop else value


def _new_matches(tx: Tx, first_seq: int) -> tuple[MatchRow, ...]:
    found = []
    for row in history.acts_after(tx, first_seq):
        parts = book.from_json(CloseIntent, row["intent"]).payment.applications
        applied = _applied(tx, [(part.invoice_id, part.amount) for part in parts])
        found.append(_match_row(row, applied, row["rung"], f"{row['equation']}: {row['reason']}"))
    return tuple(found)


def _suggested_matches(tx: Tx) -> tuple[MatchRow, ...]:
    by_payment: dict[str, list[Any]] = {}
    for row in history.suggestions(tx):
        by_payment.setdefault(row["payment_id"], []).append(row)
    found = []
    for payment_id, rows in by_payment.items():
        applied = _applied(tx, [(row["invoice_id"], Money(row["applied"], row["currency"])) for row in rows])
        rung, reason, why = _suggestion(tx, payment_id)
        equation = history.suggested_because(tx, payment_id).get("equation", "")
        found.append(_match_row(rows[0], applied, rung, f"{equation}: {reason} (waits: {why})"))
    return tuple(found)


def _suggestion(tx: Tx, payment_id: str) -> tuple[str, str, str]:
    """Rung and reason of a match that waits, and what it waits for."""
    why = str(history.suggested_because(tx, payment_id).get("why", "")) or "for a person"
    for row in history.standing_verdicts(tx, [f"payment:{payment_id}"]):
        if row["outcome"].startswith(MATCHED_BY):
            return row["outcome"].removeprefix(MATCHED_BY), row["reason"], why
    return "", "", why


def _applied(tx: Tx, parts: Sequence[tuple[str, Money]]) -> tuple[AppliedRow, ...]:
    rows = book.invoices_by_id(tx, [invoice_id for invoice_id, _ in parts])
    return tuple(AppliedRow(rows[invoice_id]["number"], amount) for invoice_id, amount in parts)


def _match_row(row: Any, applied: tuple[AppliedRow, ...], rung: str, reason: str) -> MatchRow:
    amount = Money(row["amount"], row["currency"])
    return MatchRow(row["payment_id"], row["customer_id"], amount, applied, rung, redact(reason))


def _due(decided: Sequence[Decided], mailed: set[str]) -> tuple[ReminderRow, ...]:
    rows = []
    for one in decided:
        if one.suppression is None or one.cadence.reminder is None:
            continue
        verdict, reason = one.suppression.outcome.value, one.suppression.text
        if one.may_leave and one.invoice.customer_id in mailed:
            verdict, reason = "waits", "A mail to this customer left today; at most one leaves a day."
        rows.append(
            ReminderRow(
                invoice=one.invoice.number,
                customer=one.invoice.customer_id,
                step=one.cadence.reminder.step,
                to_domain=one.customer.email.rpartition("@")[2] if one.customer else "",
                amount=one.invoice.askable,
                verdict=verdict,
                reason=redact(reason),
            )
        )
    return tuple(rows)


def _alarm(reason: str) -> tuple[ExceptionRow, ...]:
    return (ExceptionRow("alarm", "erp", "", None, reason, (), words.remedy("alarm")),) if reason else ()


def exception_rows(found: Sequence[verdicts.OpenException]) -> tuple[ExceptionRow, ...]:
    return tuple(
        ExceptionRow(
            kind=one.kind,
            record=one.payment_id or one.id.partition(":")[2],
            customer=one.customer_id,
            amount=one.amount,
            reason=redact(one.reason),
            explanations=tuple(redact(text) for text in one.explanations),
            remedy=words.remedy(one.kind),
        )
        for one in found
    )


def _parked(rows: Sequence[Any]) -> tuple[ExceptionRow, ...]:
    return tuple(
        ExceptionRow(
            kind="parked",
            record=f"{row['source']} {row['record']}",
            customer=row["customer_id"],
            amount=None,
            reason=redact(f"{row['field']} was not understood: {row['reason']}"),
            remedy=words.remedy("parked"),
        )
        for row in rows
    )


# ---- explain ----


def explain(
    tx: Tx, invoice_number: str, now: datetime, zone: tzinfo, policy: Policy | None = None
) -> Explanation | None:
    """Why is this invoice as it is? None if no invoice has this number. Without a policy there is no card.

    An ERP id is taken for a number that nobody has. Raises ConfigError if several invoices share the number.
    """
    rows = history.find_invoices(tx, invoice_number)
    if not rows:
        return None
    if len(rows) > 1:
        ids = ", ".join(row["id"] for row in rows)
        raise ConfigError(
            f"{len(rows)} invoices have the number {invoice_number}: the ERP's ids {ids}. Ask again with one of these."
        )
    row = rows[0]
    acts = history.acts_paying(tx, row["id"])
    suggested = history.suggestions(tx, row["id"])
    payment_ids = {one["payment_id"] for one in (*acts, *suggested)}
    holding = _concerning(tx, row["id"], payment_ids)
    payments = sorted(payment_ids | {one.payment_id for one in holding if one.payment_id})
    act_ids = [one["id"] for one in acts]
    lines = history.story(tx, row["id"], payments, act_ids)
    parked = history.parked_records(tx, row["id"])
    subjects = [f"invoice:{row['id']}", *(f"payment:{i}" for i in payments), *(f"act:{i}" for i in act_ids)]
    return Explanation(
        as_of=now,
        invoice=named(tx, [_invoice_row(row, bool(parked), now.astimezone(zone).date())])[0],
        reminders=_steps(tx, row["id"], lines),
        verdicts=tuple(_verdict_row(one) for one in history.standing_verdicts(tx, subjects)),
        payments=(*(_act_payment(one) for one in acts), *(_suggested_payment(tx, one) for one in suggested)),
        timeline=tuple(JournalRow(line.at, line.event, redact(words.sentence(line))) for line in lines),
        exceptions=named(tx, (*exception_rows(holding), *_parked(parked))),
        card=_card(tx, policy, now.astimezone(zone).date(), row) if policy else None,
        segments=_segments(tx, policy, now.astimezone(zone).date(), row) if policy and policy.segments else (),
    )


def _segments(tx: Tx, policy: Policy, today: date, row: Any) -> tuple[SegmentRow, ...]:
    """Asked anew, with what is known of the customer now; the card tells what stands."""
    profile = profiles.profiles(tx, today, {row["family"]}).get(row["family"], Profile())
    verdict = segments.decide(profile, book.invoice_of(row), policy, today)
    passed = [SegmentRow(one.segment, fits=False, reason=redact(one.why_not)) for one in verdict.passed_over]
    return (*passed, SegmentRow(verdict.segment, fits=True, reason=redact(verdict.reason)))


def _card(tx: Tx, policy: Policy, today: date, row: Any) -> Card:
    """As the ERP's AR status record tells it."""
    ids = [row["id"]]
    return answers_card.cards(
        tx,
        policy,
        today,
        {row["id"]: row},
        gate.reminders(tx, ids),
        verdicts.invoices_in_exception(tx),
        relations.escalations(tx, ids),
    )[row["id"]]


def _concerning(tx: Tx, invoice_id: str, payment_ids: set[str]) -> tuple[verdicts.OpenException, ...]:
    """The open exceptions that hold this invoice, those of its payments, and those about its pauses."""
    holding = history.exception_ids(tx, invoice_id)
    return tuple(
        one
        for one in verdicts.open_exceptions(tx)
        if one.id in holding or one.payment_id in payment_ids or pauses.about_invoice(one.id) == invoice_id
    )


def _invoice_row(row: Any, is_parked: bool, today: date) -> InvoiceRow:
    invoice = book.invoice_of(row)
    lines = (
        LineRow(line.id, redact(line.description), line.amount, line.disputed, redact(line.dispute_reason))
        for line in invoice.lines
    )
    return InvoiceRow(
        id=invoice.id,
        number=invoice.number,
        customer=invoice.customer_id,
        state=_state(invoice, row, is_parked),
        amount=invoice.amount,
        balance=invoice.balance,
        askable=invoice.askable,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        days_past_due=invoice.days_past_due(today),
        terms=invoice.terms,
        hold_reason=redact(invoice.hold_reason),
        lines=tuple(lines),
        read_at=parse_instant(row["requested_at"]),
    )


def _state(invoice: OpenInvoice, row: Any, is_parked: bool) -> str:
    """The first that holds: paid, voided, parked, matched (in full, the ERP has yet to confirm), backlog, open."""
    if invoice.status is not InvoiceStatus.OPEN:
        return invoice.status.value
    if is_parked:
        return "parked"
    if row["allocated"] and not invoice.balance:
        return "matched"
    return "backlog" if row["in_backlog"] else "open"


def _steps(tx: Tx, invoice_id: str, lines: Sequence[Line]) -> tuple[ReminderStateRow, ...]:
    changed: dict[str, datetime] = {}
    for line in lines:
        if line.event.startswith("reminder_") and line.fields.get("invoice") == invoice_id:
            steps = line.fields.get("steps") or [line.fields.get("step")]
            changed.update({str(step): line.at for step in steps if step})  # type: ignore[attr-defined]
    return tuple(
        ReminderStateRow(one.step, one.due_on, one.state.value, redact(one.reason), changed.get(one.step))
        for one in gate.reminders(tx, [invoice_id])[invoice_id]
    )


def _verdict_row(row: Any) -> VerdictRow:
    kind, _, record = row["subject"].partition(":")
    question = row["decision"] if kind == "invoice" else f"{row['decision']} of {kind} {record}"
    return VerdictRow(
        question, row["outcome"], redact(row["reason"]), parse_instant(row["since"]), row["policy_version"]
    )


def _act_payment(row: Any) -> PaymentRow:
    return PaymentRow(
        id=row["payment_id"],
        received_on=date.fromisoformat(row["received_on"]),
        amount=Money(row["amount"], row["currency"]),
        applied=Money(row["applied"], row["currency"]),
        equation=row["equation"],
        rung=row["rung"],
        reason=redact(row["reason"]),
        act=act_row(row),
        state=row["applied_state"],
    )


def _suggested_payment(tx: Tx, row: Any) -> PaymentRow:
    rung, reason, why = _suggestion(tx, row["payment_id"])
    return PaymentRow(
        id=row["payment_id"],
        received_on=date.fromisoformat(row["received_on"]),
        amount=Money(row["amount"], row["currency"]),
        applied=Money(row["applied"], row["currency"]),
        equation=str(history.suggested_because(tx, row["payment_id"]).get("equation", "")),
        rung=rung,
        reason=redact(f"{reason} (waits: {why})"),
        state="suggested",
    )


# What an act's state says of its payment and of the records beside it. A record's own state is known once the read-back
# has seen it (confirmed) and once it was marked (closed, withdrawn).
_IN_THE_ERP: dict[ActState, tuple[str, str, bool]] = {
    ActState.INTENDED: ("intended", "intended", False),
    ActState.ATTEMPTED: ("attempted, the answer is not known", "intended", False),
    ActState.WRITTEN: ("written", "intended", False),
    ActState.CONFIRMED: ("written", "intended", True),
    ActState.REFUSED: ("refused", "to be withdrawn", False),
    ActState.CLOSED: ("written", "closed", True),
    ActState.WITHDRAWN: ("refused", "withdrawn", False),
    ActState.DIFFERENT: ("different", "intended", False),
}


def act_row(row: Any) -> ActRow:
    intent, erp_id = book.from_json(CloseIntent, row["intent"]), row["erp_id"]
    of_payment, of_records, is_seen = _IN_THE_ERP[ActState(row["state"])]
    beside = [("cancellation", one.external_id) for one in intent.cancellations]
    beside.append(("receipt", intent.receipt.external_id))
    return ActRow(
        id=row["id"],
        state=row["state"],
        matched_at=parse_instant(row["matched_at"]),
        closed_at=parse_instant(row["closed_at"]) if row["closed_at"] else None,
        records=(
            ErpRecordRow("payment", intent.payment.external_id, of_payment, erp_id, bool(erp_id)),
            *(ErpRecordRow(kind, external_id, of_records, "", is_seen) for kind, external_id in beside),
        ),
        problem=redact(row["problem"]),
    )
