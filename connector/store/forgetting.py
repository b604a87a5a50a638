"""What of the store is personal, and how it is removed when what it was kept for ended long ago.

Removed: names, addresses, payers' words and bank fingerprints, messages' recipients, links to pay, what was learned of
payers, notices to our own people. In texts that stay, such names are replaced. Kept, because it proves what was done:
amounts, ids, days, the split and the equation of each match, verdicts, which step left when, who approved and why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, exists, or_, select, update

from connector.receivables import InvoiceStatus
from connector.store import Tx, writing
from connector.store import tables as t
from connector.store.closing import UNFINISHED, digest

REMOVED = "[removed]"
# Shorter ones are too likely to be part of another word.
_WORD_MIN = 4
_AT_ONCE = 500

# The personal fields of the values that the store keeps whole; tests/unit/test_retention.py looks through all of them.
CUSTOMER = frozenset({"name", "email", "cc", "contacts"})
PAYMENT = frozenset({"payer_name", "payer_bank", "payer_email", "text"})
INVOICE = frozenset({"pay_url", "dispute_detail", "dispute_reason"})
MESSAGE = frozenset({"customer_name", "to", "cc", "bcc", "pay_url", "note"})


@dataclass(slots=True)
class Forgetting:
    """One run: which records, and the words that were found in them. `removes` False: it is only counted."""

    tx: Tx
    before: date
    removes: bool
    rows: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, number: int = 1) -> None:
        if number:
            self.rows[kind] = self.rows.get(kind, 0) + number

    @property
    def limit(self) -> str:
        """As the store keeps instants and days: text order is time order."""
        return self.before.isoformat()


def forget(tx: Tx, before: date, removes: bool) -> dict[str, int]:
    """Remove, in the caller's commit, what is personal of records that ended before this day; rows by kind.

    A second run finds nothing. A customer ends with its last invoice and payment, and those of its children.
    """
    run = Forgetting(tx, before, removes)
    payments, invoices, customers = _payments(run), _invoices(run), _customers(run)
    words = _blank(run, "customers", t.customer, t.customer.c.facts, customers, CUSTOMER, _no_name)
    paid = _blank(run, "payments", t.payment, t.payment.c.facts, payments, PAYMENT)
    _blank(run, "invoices", t.invoice, t.invoice.c.facts, invoices, INVOICE)
    sent = tx.execute(select(t.message.c.id).where(t.message.c.day < run.limit)).scalars().all()
    _blank(run, "messages", t.message, t.message.c.mail, sent, MESSAGE, _no_recipient)
    _aliases(run, customers)
    _notices(run)
    for ids, found, of in (
        (payments, paid, "payment_id"),
        (_of_customers(run, t.payment, customers), words, "payment_id"),
        (_of_customers(run, t.invoice, customers), words, "invoice_id"),
    ):
        _scrub_all(run, of, {id: found[key] for id, key in ids.items() if found.get(key)})
    return run.rows


# ---- what has ended ----


def _payments(run: Forgetting) -> dict[str, str]:
    """Received long ago, decided, and every invoice that it paid closed long ago; id -> whose words are in it."""
    of = t.payment.c
    unfinished = exists().where(t.act.c.payment_id == of.id, t.act.c.state.in_(UNFINISHED))
    taken_back = exists().where(t.reversal.c.payment_id == of.id, t.reversal.c.state.in_(writing.UNFINISHED))
    waits = exists().where(t.exception.c.payment_id == of.id, t.exception.c.closed_at.is_(None))
    paid = t.allocation.join(t.invoice, t.invoice.c.id == t.allocation.c.invoice_id)
    alive = or_(t.invoice.c.closed_at.is_(None), t.invoice.c.closed_at >= run.limit)
    pays_alive = select(t.allocation.c.payment_id).select_from(paid).where(t.allocation.c.payment_id == of.id, alive)
    rows = select(of.id).where(
        of.received_on < run.limit,
        of.standing.in_(("matched", "adopted", "observed")),
        ~unfinished,
        ~taken_back,
        ~waits,
        ~pays_alive.exists(),
    )
    return {id: id for id in run.tx.execute(rows).scalars()}


def _invoices(run: Forgetting) -> Sequence[str]:
    of = t.invoice.c
    ended = (of.status != InvoiceStatus.OPEN, of.closed_at.is_not(None), of.closed_at < run.limit)
    return tuple(run.tx.execute(select(of.id).where(*ended)).scalars())


def _customers(run: Forgetting) -> Sequence[str]:
    """Those of whom something ended, and of whose family nothing is younger or still open."""
    inv, pay, credit = t.invoice.c, t.payment.c, t.credit.c
    alive = {
        *run.tx.execute(select(inv.family).where(or_(inv.closed_at.is_(None), inv.closed_at >= run.limit))).scalars(),
        *run.tx.execute(select(pay.family).where(pay.received_on >= run.limit)).scalars(),
        *run.tx.execute(select(t.customer.c.family).join(t.credit, credit.customer_id == t.customer.c.id)).scalars(),
        *run.tx.execute(
            select(t.customer.c.family)
            .join(t.exception, t.exception.c.customer_id == t.customer.c.id)
            .where(t.exception.c.closed_at.is_(None))
        ).scalars(),
    }
    known = {*run.tx.execute(select(inv.family)).scalars(), *run.tx.execute(select(pay.family)).scalars()}
    rows = run.tx.execute(select(t.customer.c.id, t.customer.c.family).order_by(t.customer.c.id)).all()
    return tuple(id for id, family in rows if family in known - alive)


def _of_customers(run: Forgetting, table: Table, customers: Sequence[str]) -> dict[str, str]:
    """Record -> customer, of these customers."""
    found: dict[str, str] = {}
    for some in _parts(customers):
        rows = run.tx.execute(select(table.c.id, table.c.customer_id).where(table.c.customer_id.in_(some)))
        found |= {id: customer_id for id, customer_id in rows}
    return found


# ---- values ----


def _blank(
    run: Forgetting,
    kind: str,
    table: Table,
    column: Column[Any],
    ids: Iterable[str],
    names: frozenset[str],
    beside: Callable[[], dict[str, str]] = dict,
) -> dict[str, frozenset[str]]:
    """Empty these fields wherever they stand in the value; id -> what stood there. `beside`: columns to empty too."""
    words: dict[str, frozenset[str]] = {}
    for some in _parts(list(ids)):
        rows = run.tx.execute(select(table.c.id, column).where(table.c.id.in_(some))).all()
        for id, kept in rows:
            found: set[str] = set()
            emptied = without(json.loads(kept), names, found) if kept else None
            if not found:
                continue
            words[id] = frozenset(found)
            run.count(kind)
            if run.removes:
                values = {column.name: json.dumps(emptied, separators=(",", ":"), ensure_ascii=False), **beside()}
                run.tx.execute(update(table).where(table.c.id == id).values(**values))
    return words


def without(value: Any, names: frozenset[str], found: set[str]) -> Any:
    """The same value with these fields empty; what stood there is added to `found`."""
    if isinstance(value, dict):
        return {key: _emptied(one, found) if key in names else without(one, names, found) for key, one in value.items()}
    return [without(one, names, found) for one in value] if isinstance(value, list) else value


def _emptied(value: Any, found: set[str]) -> Any:
    if isinstance(value, str):
        found |= {value} - {""}
        return ""
    found |= set(_strings(value))
    return [] if isinstance(value, list) else value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(one)


def _no_name() -> dict[str, str]:
    return {"name": "", "email": ""}


def _no_recipient() -> dict[str, str]:
    return {"recipient": "", "detail": ""}


def _aliases(run: Forgetting, customers: Sequence[str]) -> None:
    of = t.alias.c
    for some in _parts(customers):
        rows = run.tx.execute(select(of.id).where(of.customer_id.in_(some), of.key != REMOVED)).scalars().all()
        run.count("aliases of payers", len(rows))
        if rows and run.removes:
            values = {"key": REMOVED, "removed_by": "retention", "removed_at": run.tx.at_text}
            run.tx.execute(update(t.alias).where(of.id.in_(rows)).values(**values))


def _notices(run: Forgetting) -> None:
    of = t.notice.c
    ended = (of.at < run.limit, of.state.not_in(("waiting", "leaving")), of.text != REMOVED)
    rows = run.tx.execute(select(of.id).where(*ended)).scalars().all()
    run.count("notices", len(rows))
    if rows and run.removes:
        run.tx.execute(update(t.notice).where(*ended).values(text=REMOVED, detail=""))


# ---- texts ----

# Table, its key, the column that says of which record it is, the columns with texts. The journal is append-only for
# everybody else: its lines, their order and their figures stay.
_TEXTS: tuple[tuple[Table, str, str, tuple[str, ...]], ...] = (
    (t.journal, "seq", "payment_id", ("detail",)),
    (t.journal, "seq", "invoice_id", ("detail",)),
    (t.exception, "id", "payment_id", ("reason", "explanations", "close_reason")),
    (t.act, "id", "payment_id", ("reason", "intent", "problem")),
    (t.reversal, "id", "payment_id", ("problem",)),
    (t.proposal, "payment_id", "payment_id", ("facts",)),
    (t.evidence, "subject", "subject", ("detail",)),
    (t.request, "id", "payment_id", ("reason", "answer")),
    (t.verdict, "subject", "subject", ("reason", "inputs")),
    (t.reminder, "invoice_id", "invoice_id", ("reason",)),
)
_SUBJECTS = {"payment_id": "payment:", "invoice_id": "invoice:"}


def _scrub_all(run: Forgetting, of: str, words: dict[str, frozenset[str]]) -> None:
    """Replace each record's words in every text about it."""
    for table, key, column, texts in _TEXTS:
        prefix = _SUBJECTS[of] if table is t.verdict else ""
        if column != of and not (column == "subject" and (prefix or of == "payment_id")):
            continue
        for some in _parts(list(words)):
            where = table.c[column].in_([f"{prefix}{id}" for id in some])
            _scrub(run, table, key, where, column, texts, {f"{prefix}{id}": words[id] for id in some})


def _scrub(
    run: Forgetting,
    table: Table,
    key: str,
    where: ColumnElement[bool],
    column: str,
    texts: Sequence[str],
    words: dict[str, frozenset[str]],
) -> None:
    for row in run.tx.execute(select(table).where(where)).mappings().all():
        values = {name: scrub(row[name], words[row[column]]) for name in texts}
        changed = {name: text for name, text in values.items() if text != row[name]}
        if not changed:
            continue
        run.count(f"texts of the {table.name}")
        if not run.removes:
            continue
        if "intent" in changed:
            changed["digest"] = digest(changed["intent"])
        keys = [one == row[one.name] for one in table.primary_key] or [table.c[key] == row[key]]
        run.tx.execute(update(table).where(*keys).values(**changed))


def scrub(text: str, words: Iterable[str]) -> str:
    """The text without these words, as they are written and as JSON writes them; the longest first."""
    for word in sorted({one for one in words if len(one) >= _WORD_MIN}, key=lambda one: (-len(one), one)):
        for written in {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}:
            text = text.replace(written, REMOVED)
    return text


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
