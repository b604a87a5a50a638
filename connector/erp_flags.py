"""Step 7's other half: what the ERP's saved searches see, written on change only.

A refused flag is shown as a difference and never blocks a close (RULES 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    """Bring the ERP's status records up to date, in pages by invoice id; returns how many were written."""
    written, after = 0, ""
    while True:
        with parts.store.read() as tx:
            if parts.flags_forbidden(tx):
                return written
            ids = book.behind(tx, after, BATCH)
            wanted, known = statuses(tx, parts.installation, ids), book.flags_known(tx, ids)
        if not ids:
            return written
        changed = [status for status in wanted if known.get(status.invoice_id) != digest(to_json(status))]
        if changed:
            parts.verify_installation()
        answers = parts.erp.write_marks((), changed) if changed else ()
        outcomes = {answer.external_id: answer for answer in answers}
        with parts.store.tx() as tx:
            written += _take(tx, parts.installation, ids, changed, outcomes)
        after = ids[-1]


def _take(
    tx: Tx, installation: str, ids: Sequence[str], changed: Sequence[ArStatus], outcomes: Mapping[str, Answer]
) -> int:
    """Record what was written. An invoice is up to date only if it would still be written the same."""
    done = [s for s in changed if outcomes[s.external_id].outcome in (Outcome.CREATED, Outcome.EXISTS)]
    refused = [s for s in changed if outcomes[s.external_id].outcome is Outcome.REFUSED]
    mark_written(tx, done)
    known = book.flags_known(tx, ids)
    # A refused one is shown, and waits for the invoice's next change.
    settled = {s.invoice_id for s in refused}
    settled |= {s.invoice_id for s in statuses(tx, installation, ids) if known.get(s.invoice_id) == digest(to_json(s))}
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
