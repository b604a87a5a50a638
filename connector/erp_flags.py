"""Step 7's other half: what the ERP's saved searches see, written on change only.

A refused flag is shown as a difference and never blocks a close (RULES 7).
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.decisions import flags
from connector.money import Money
from connector.parts import Parts
from connector.ports import Answer, Outcome
from connector.receivables import ArStatus
from connector.store import Tx, book, gate, verdicts
from connector.store.book import to_json
from connector.store.closing import digest

BATCH = 500


def statuses(tx: Tx, installation: str, invoice_ids: Sequence[str]) -> tuple[ArStatus, ...]:
    """The status records of these invoices as they should read now."""
    rows, plans = book.invoices_by_id(tx, invoice_ids), gate.reminders(tx, list(invoice_ids))
    exceptions = verdicts.invoices_in_exception(tx)
    found = []
    for invoice_id, row in sorted(rows.items()):
        invoice = book.invoice_of(row)
        verdict = flags.decide(invoice, plans[invoice_id], exceptions.get(invoice_id, ""), bool(row["in_backlog"]))
        found.append(
            ArStatus(
                external_id=f"arc-{installation}-st-{invoice_id}",
                invoice_id=invoice_id,
                state=verdict.flag,
                reason=verdict.reason[:300],
                next_step=verdict.next_step,
                next_on=verdict.next_on,
            )
        )
    return tuple(found)


def mark_written(tx: Tx, written: Sequence[ArStatus]) -> None:
    for status in written:
        book.put_flag(tx, status.invoice_id, digest(to_json(status)))


def write_flags(parts: Parts) -> int:
    """Bring the ERP's status records up to date; returns how many were written."""
    written = 0
    while True:
        with parts.store.tx() as tx:
            if parts.may_write(tx):
                return written
            ids = book.take_behind(tx, BATCH)
            wanted, known = statuses(tx, parts.installation, ids), book.flags_known(tx, ids)
        changed = [status for status in wanted if known.get(status.invoice_id) != digest(to_json(status))]
        if changed:
            written += _write(parts, changed)
        if len(ids) < BATCH:
            return written


def _write(parts: Parts, changed: Sequence[ArStatus]) -> int:
    done: set[str] = set()
    refused: dict[str, Answer] = {}
    try:
        parts.verify_installation()
        answers = parts.erp.write_marks((), changed)
        done = {a.external_id for a in answers if a.outcome in (Outcome.CREATED, Outcome.EXISTS)}
        refused = {a.external_id: a for a in answers if a.outcome is Outcome.REFUSED}
    finally:
        with parts.store.tx() as tx:
            mark_written(tx, [status for status in changed if status.external_id in done])
            # A refused one is shown and waits for the invoice's next change; anything else is tried again.
            settled = done | set(refused)
            behind = [status.invoice_id for status in changed if status.external_id not in settled]
            book.restate(tx, behind)
    with parts.store.tx() as tx:
        rows = book.invoices_by_id(tx, [status.invoice_id for status in changed if status.external_id in refused])
        for status in changed:
            if status.invoice_id in rows:
                answer, row = refused[status.external_id], rows[status.invoice_id]
                verdicts.open_exception(
                    tx,
                    "flag_refused",
                    status.invoice_id,
                    f"the ERP refused the AR status of invoice {status.invoice_id}: {answer.message or answer.code}",
                    amount=Money(row["balance"], row["currency"]),
                )
    return len(done)
