"""Journal entries: GLBATCH with its GLENTRY lines.

Source: developer.intacct.com (journal entries): at least two lines, TR_TYPE 1 for debit and -1 for credit, amounts
without sign; they balance, in each entity where there are several.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sandbox.intacct.amounts import converted, fixed
from sandbox.intacct.books import Books, Row, Who
from sandbox.intacct.ledger import Batch, Leg
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import FIRST_JOURNAL

GENERAL_LEDGER = "2.GL"
JOURNALS = frozenset({"GJ", "ARJ", "CRJ"})


@dataclass(frozen=True, slots=True)
class JournalLine:
    """`amount`: debit positive."""

    account: str
    amount: int
    text: str = ""
    customer: str | None = None
    location: str | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True)
class NewJournal:
    day: str
    title: str
    currency: str
    lines: tuple[JournalLine, ...]
    journal: str = "GJ"
    reference: str = ""
    entity: str = ""
    rate: Decimal | None = None


def add_journal(books: Books, new: NewJournal, who: Who) -> int:
    who.require("create_journals")
    if new.journal not in JOURNALS:
        raise refused("bad_value", field="JOURNAL", value=new.journal)
    if len(new.lines) < 2:
        raise refused("journal_lines", field="ENTRIES")
    books.periods.require_open(new.day, new.entity)
    _require_balanced(books, new)
    rate = new.rate if new.rate is not None else books.ledger.rate(new.currency, new.entity, new.day)
    debits = sum(line.amount for line in new.lines if line.amount > 0)
    values = {
        "recordno": books.next_number("journal", FIRST_JOURNAL),
        "batch_title": new.title,
        "batch_date": new.day,
        "symbol": new.journal,
        "referenceno": new.reference or None,
        "state": "P",
        "currency": new.currency,
        "total": debits,
        "entity": new.entity,
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
    }
    key = books.insert("journal", values)
    legs = [_leg(books, line, rate, new.title) for line in new.lines]
    books.ledger.post(Batch(key, new.day, new.currency, rate, new.entity, GENERAL_LEDGER), legs)
    books.commit(f"journal_added {key} {new.reference}".rstrip(), "journal", key)
    return key


def _leg(books: Books, line: JournalLine, rate: Decimal, title: str) -> Leg:
    if not line.amount:
        raise refused("bad_amount", field="TRX_AMOUNT", amount=fixed(0))
    account = books.ledger.account(line.account, "GL account")
    base = converted(line.amount, rate)
    return Leg(account, line.amount, line.text or title, base, line.customer, line.location, line.department)


def _require_balanced(books: Books, new: NewJournal) -> None:
    sides: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    several = bool(books.entity_ids()) and not new.entity
    for number, line in enumerate(new.lines, start=1):
        if several and not line.location:
            raise refused("location", line=number, field="LOCATION")
        side = sides[(line.location or "") if several else ""]
        side[line.amount < 0] += abs(line.amount)
    for entity, (debits, credits) in sides.items():
        if debits != credits:
            where = f" in entity {entity}" if entity else ""
            raise refused("unbalanced", debits=fixed(debits), credits=fixed(credits), where=where)


def lines_of(books: Books, key: int) -> list[Row]:
    return books.rows("SELECT * FROM posting WHERE batchkey = ? ORDER BY line_no", key)


def reverse_journal(books: Books, key: int, day: str, who: Who) -> int:
    """Undo a journal by another of opposite amounts, as a person does with the button for it."""
    row = books.row("SELECT * FROM journal WHERE recordno = ?", key)
    if row is None:
        raise KeyError(f"no journal {key}")
    if row["state"] != "P" or row["reversedfrom"] is not None:
        raise refused("reversed", key=key)
    books.periods.require_open(day, row["entity"])
    values = {
        **{name: row[name] for name in ("symbol", "currency", "total", "entity", "referenceno")},
        "recordno": books.next_number("journal", FIRST_JOURNAL),
        "batch_title": f"Reversed - {row['batch_title']}",
        "batch_date": day,
        "state": "P",
        "reversedfrom": key,
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
    }
    made = books.insert("journal", values)
    books.change("journal", key, {"state": "Z", "reversedkey": made, "reversed_on": day})
    books.stamp("journal", key, who)
    books.ledger.reverse(key, made, day)
    books.commit(f"journal_reversed {key}")
    return made


def delete_journal(books: Books, key: int, who: Who) -> None:
    who.require("create_journals")
    row = books.row("SELECT * FROM journal WHERE recordno = ?", key)
    if row is None:
        raise refused("absent", what="journal entry", key=key)
    books.periods.require_open(row["batch_date"], row["entity"])
    books.ledger.forget(key)
    books.db.execute("DELETE FROM journal WHERE recordno = ?", (key,))
    books.commit(f"journal_deleted {key}")
