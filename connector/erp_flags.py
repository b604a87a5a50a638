"""Step 7's other half: what the ERP's saved searches see, written on change only.

AR status per invoice, what waits for a person, and the pause of the ERP's own dunning. A refused one is shown as a
difference and never blocks a close (RULES 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from connector import answers_card
from connector.decisions import approval, flags
from connector.decisions.escalation import UNSEEN_RULE
from connector.faults import Apart
from connector.money import Money
from connector.parts import Parts
from connector.policy import DEFAULT, Policy, Switch
from connector.ports import Answer, Outcome
from connector.receivables import ArStatus, ExceptionRecord, Match
from connector.store import Tx, approving, book, gate, orders, parse_instant, relations, verdicts
from connector.store.approving import Queued
from connector.store.book import to_json
from connector.store.closing import digest
from connector.store.relations import Escalated

BATCH = 500
# The kind of the record of a match that waits for approval; it is no exception.
NEEDS_APPROVAL = "needs_approval"


def statuses(
    tx: Tx, installation: str, policy: Policy, today: date, invoice_ids: Sequence[str]
) -> tuple[ArStatus, ...]:
    """The status records of these invoices as they should read now."""
    rows, plans = book.invoices_by_id(tx, invoice_ids), gate.reminders(tx, list(invoice_ids))
    exceptions, escalations = verdicts.invoices_in_exception(tx), relations.escalations(tx, list(invoice_ids))
    cards = answers_card.cards(tx, policy, today, rows, plans, exceptions, escalations)
    found, apart = [], Apart("write flags")
    for invoice_id, row in sorted(rows.items()):
        escalated, verdict = escalations.get(invoice_id), None
        with apart.one(invoice_id):
            verdict = flags.decide(
                book.invoice_of(row),
                plans[invoice_id],
                exceptions.get(invoice_id, ""),
                # Leadership must see a large invoice that nobody has touched, also in the backlog (M38).
                bool(row["in_backlog"]) and not (escalated and escalated.rule == UNSEEN_RULE),
                escalated.reason if escalated else "",
            )
        if verdict is None:
            continue  # its flag stays as it is: to be seen in the log, and nobody is chased or spared by it
        found.append(
            ArStatus(
                external_id=f"arc-{installation}-st-{invoice_id}",
                invoice_id=invoice_id,
                state=verdict.flag,
                reason=verdict.reason[:300],
                next_step=verdict.next_step,
                next_on=verdict.next_on,
                owner=_owner(verdict.flag, escalated),
                segment=row["segment"] or DEFAULT,
                card=cards[invoice_id].text,
            )
        )
    return tuple(found)


def _owner(flag: flags.Flag, escalated: Escalated | None) -> str:
    """Whoever must look; a planned or closed one needs nobody."""
    if flag is flags.Flag.ESCALATED and escalated:
        return escalated.owner
    return "finance" if flag in (flags.Flag.EXCEPTION, flags.Flag.BACKLOG, flags.Flag.HELD) else ""


def changed_statuses(
    tx: Tx, installation: str, policy: Policy, today: date, invoice_ids: Sequence[str]
) -> tuple[ArStatus, ...]:
    """As `statuses`, those alone that the ERP doesn't show yet."""
    known = book.flags_known(tx, invoice_ids)
    return tuple(
        status
        for status in statuses(tx, installation, policy, today, invoice_ids)
        if known.get(status.invoice_id) != digest(to_json(status))
    )


def mark_written(tx: Tx, written: Sequence[ArStatus]) -> None:
    book.put_flags(tx, {status.invoice_id: digest(to_json(status)) for status in written})


def write_flags(parts: Parts) -> int:
    """Bring the ERP's status records up to date, in pages by invoice id; returns how many were written."""
    written, after = 0, ""
    while True:
        with parts.store.read() as tx:
            if parts.flags_forbidden(tx):
                return written
            ids = book.behind(tx, after, BATCH, _shown_segments(parts.policy))
            wanted, known = _statuses(tx, parts, ids), book.flags_known(tx, ids)
        if not ids:
            return written
        changed = [status for status in wanted if known.get(status.invoice_id) != digest(to_json(status))]
        if changed:
            parts.verify_installation()
        answers = parts.erp.write_marks((), changed) if changed else ()
        outcomes = {answer.external_id: answer for answer in answers}
        with parts.store.tx() as tx:
            written += _take(tx, parts, ids, changed, outcomes)
        after = ids[-1]


def pause_native_dunning(parts: Parts, today: date) -> None:
    """Two systems that remind of one invoice are one too many: the ERP's own is paused where it has one.

    Only while we send, and never taken back by us: on clearing it an ERP may look at the invoice at once and mail, as
    NetSuite does (Oracle help, section_4035800285).
    """
    sending = [policy.segment for policy in parts.policy.everywhere if policy.send is Switch.AUTO]
    if not sending:
        return
    with parts.store.read() as tx:
        if orders.stopped(tx, "send") or tx.get("alarm") or parts.blocked(tx):
            return
        is_new_day = tx.get("dunning_on") != today.isoformat()
        # Where a segment doesn't send by itself, the ERP's own dunning may be all that the customer gets.
        segments = {"" if segment == DEFAULT else segment for segment in sending}
        segments |= {DEFAULT} if DEFAULT in sending else set()
        wanted = relations.not_paused(tx, segments, only_changed=not is_new_day)
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        parts.verify_installation()
        _take_pauses(parts, dict(zip(some, parts.erp.pause_dunning(some), strict=True)))
    if is_new_day:
        with parts.store.tx() as tx:
            tx.set("dunning_on", today.isoformat())


def _take_pauses(parts: Parts, answers: Mapping[str, Answer]) -> None:
    """A refused pause is shown and not tried again; of an unknown one the next read tells."""
    with parts.store.tx() as tx:
        known = {id: one.outcome for id, one in answers.items() if one.outcome is not Outcome.UNKNOWN}
        relations.put_pauses(tx, known)
        rows = book.invoices_by_id(tx, [id for id, outcome in known.items() if outcome is Outcome.REFUSED])
        for invoice_id, row in rows.items():
            why = answers[invoice_id].message or answers[invoice_id].code
            verdicts.open_exception(
                tx,
                "native_dunning",
                invoice_id,
                f"the ERP's own dunning of invoice {row['number']} could not be paused: {why}; pause it by hand, or "
                "the customer may hear from both",
                amount=Money(row["balance"], row["currency"]),
            )


def write_exceptions(parts: Parts) -> int:
    """Bring the ERP's records of what waits for a person up to date; returns how many were written."""
    with parts.store.read() as tx:
        if parts.flags_forbidden(tx):
            return 0
        queued = {one.payment.id: one for one in approving.queued(tx)}
        rows = verdicts.to_show(tx)
        invoices = verdicts.first_invoices(tx, [row["id"] for row in rows])
        now_so = {row["id"]: _exception_record(parts, row, invoices.get(row["id"], ""), queued) for row in rows}
        now_so |= _to_approve(tx, parts, queued)
        known = relations.exceptions_known(tx, list(now_so))
    changed = {one: record for one, record in now_so.items() if known.get(one) != _mark(record)}
    if not changed:
        return 0
    parts.verify_installation()
    answers = parts.erp.write_exceptions(list(changed.values()))
    done = (Outcome.CREATED, Outcome.EXISTS)
    with parts.store.tx() as tx:
        for (exception_id, record), answer in zip(changed.items(), answers, strict=True):
            # A refused one waits for its next change: what waits stands in every report as well.
            if answer.outcome in (*done, Outcome.REFUSED):
                relations.put_exception_written(tx, exception_id, _mark(record))
    return sum(answer.outcome in done for answer in answers)


def _mark(record: ExceptionRecord) -> str:
    return relations.SHOWN_CLOSED if record.closed_on else digest(to_json(record))


def _exception_record(parts: Parts, row: Any, invoice_id: str, queued: Mapping[str, Queued]) -> ExceptionRecord:
    closed_at = parse_instant(row["closed_at"]) if row["closed_at"] else None
    return ExceptionRecord(
        external_id=f"arc-{parts.installation}-exc-{digest(row['id'])[:24]}",
        kind=row["kind"],
        reason=row["reason"][:300],
        amount=Money(row["amount"], row["currency"]),
        owner=row["owner"] or _answerers(parts, queued.get(row["payment_id"]), row["kind"]),
        opened_on=parts.today(parse_instant(row["opened_at"])),
        closed_on=parts.today(closed_at) if closed_at else None,
        payment=row["payment_id"],
        invoice_id=invoice_id,
        deadline=date.fromisoformat(row["deadline"]) if row["deadline"] else None,
        outcome=row["close_reason"][:300] if closed_at else "",
    )


def _to_approve(tx: Tx, parts: Parts, queued: Mapping[str, Queued]) -> dict[str, ExceptionRecord]:
    """What is suggested and waits for approval, with the split and who may give it; and what doesn't wait any more."""
    found = {}
    for payment_id, one in queued.items():
        if isinstance(one.proposal, Match):
            reason = f"{one.kind.replace('_', ' ')}: {one.proposal.equation}"
            first = min((part.invoice_id for part in one.proposal.applications), default="")
            record = _approval_record(parts, payment_id, reason, one.left, one.payment.received_on)
            owner = _answerers(parts, one, one.kind)
            found[f"{NEEDS_APPROVAL}:{payment_id}"] = replace(record, owner=owner, invoice_id=first)
    today = parts.today(tx.at)
    for gone in set(relations.shown_open(tx, NEEDS_APPROVAL)) - found.keys():
        payment = approving.payment_of(tx, gone.partition(":")[2])
        record = _approval_record(parts, payment.id, "it waits no more", payment.amount, payment.received_on)
        found[gone] = replace(record, closed_on=today)
    return found


def _approval_record(parts: Parts, payment_id: str, reason: str, amount: Money, opened_on: date) -> ExceptionRecord:
    return ExceptionRecord(
        external_id=f"arc-{parts.installation}-exc-{digest(f'{NEEDS_APPROVAL}:{payment_id}')[:24]}",
        kind=NEEDS_APPROVAL,
        reason=reason[:300],
        amount=amount,
        owner="",
        opened_on=opened_on,
        payment=payment_id,
    )


def _answerers(parts: Parts, one: Queued | None, kind: str) -> str:
    """Who may answer it in the approval queue, where that is possible; else it is finance's."""
    if one is None or one.kind != kind:
        return "finance"
    may = ", ".join(str(each) for each in approval.who_may(parts.policy.approvals, one.left, kind))
    return may[:300] or "finance"


def _shown_segments(policy: Policy) -> set[str]:
    """Segments of which the ERP is told anything: in shadow nothing outside changes. '' is the default one."""
    shown = {each.segment for each in policy.everywhere if each.post is not Switch.SHADOW}
    return shown | {""} if DEFAULT in shown else shown


def _statuses(tx: Tx, parts: Parts, ids: Sequence[str]) -> tuple[ArStatus, ...]:
    return statuses(tx, parts.installation, parts.policy, parts.today(tx.at), ids)


def _take(tx: Tx, parts: Parts, ids: Sequence[str], changed: Sequence[ArStatus], outcomes: Mapping[str, Answer]) -> int:
    """Record what was written. An invoice is up to date only if it would still be written the same."""
    done = [s for s in changed if outcomes[s.external_id].outcome in (Outcome.CREATED, Outcome.EXISTS)]
    refused = [s for s in changed if outcomes[s.external_id].outcome is Outcome.REFUSED]
    mark_written(tx, done)
    known = book.flags_known(tx, ids)
    # A refused one is shown, and waits for the invoice's next change.
    settled = {s.invoice_id for s in refused}
    settled |= {s.invoice_id for s in _statuses(tx, parts, ids) if known.get(s.invoice_id) == digest(to_json(s))}
    book.restate(tx, [one for one in ids if one in settled], False)
    rows = book.invoices_by_id(tx, [s.invoice_id for s in refused])
    for status in refused:
        answer, row = outcomes[status.external_id], rows[status.invoice_id]
        verdicts.open_exception(
            tx,
            "flag_refused",
            status.invoice_id,
            f"the ERP refused the AR status of invoice {row['number']}: {answer.message or answer.code}",
            amount=Money(row["balance"], row["currency"]),
        )
    return len(done)
