"""The statements of one of our accounts -> its payments, what is held, and up to which day it vouches. Pure.

Files overlap, come twice, in any order and in several formats; the account's own balances say how they belong together.
Statements whose balances follow from one another are disjoint and form a *run*: equal entries in one run are different
payments. Two runs that show the same day are two pictures of it: what is in both is one entry, and if neither holds
the other there is no telling, so both are held. A payment's id needs no memory: the same entry has the same id in every
file.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import takewhile

from connector.adapters.bank_statement_mapping import OwnAccount
from connector.adapters.bank_statement_values import Entry, Format, Statement, masked, normal
from connector.money import Money

READ_BEFORE_CUTOVER = timedelta(days=35)  # older money is the ledger's to know


@dataclass(frozen=True, slots=True)
class Held:
    """What counts for nothing until a person has looked, and why."""

    record: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One payment of an entry with its id; `returned_on`: the value day of a later entry that took it back."""

    id: str
    entry: Entry
    returned_on: date | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """`lines` are all entries that count, `pending` those that are announced, `vanished` those that were once.

    `closing_on` is the day up to which nothing is missing; `first_on` and `newest_on` are the first and last day shown.
    """

    lines: tuple[Line, ...] = ()
    pending: tuple[Line, ...] = ()
    vanished: tuple[Line, ...] = ()
    held: tuple[Held, ...] = ()
    closing_on: date | None = None
    newest_on: date | None = None
    first_on: date | None = None
    is_proved: bool = True


@dataclass(slots=True)
class _Run:
    """Statements of which each begins with the balance that the one before ends with."""

    statements: list[Statement] = field(default_factory=list)
    by_day: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    lines: dict[str, Line] = field(default_factory=dict)


def read(own: OwnAccount, statements: Iterable[Statement]) -> Book:
    """What one account's statements say together."""
    held: list[Held] = []
    whole = list(_paged(own, statements, held))
    final = list(_proved(own, (one for one in whole if one.is_final), held))
    runs = _agreeing(own, final, held)
    kept = [statement for run in runs for statement in run.statements]
    lines: dict[str, Line] = {}
    for run in runs:
        lines |= run.lines
    pending, vanished = _pending(own, [one for one in whole if not one.is_final], kept, lines)
    closing_on = _vouched(own, kept, [run.statements[0] for run in runs], held)
    returned = _returned(own, lines, held)
    return Book(
        lines=tuple(replace(line, returned_on=returned.get(line.id)) for line in lines.values()),
        pending=pending,
        vanished=vanished,
        held=tuple(held),
        closing_on=closing_on,
        newest_on=max((one.closing_on for one in kept), default=None),
        first_on=min((one.first_on for one in kept), default=None),
        is_proved=all(one.closing is not None or one.is_proved for one in kept),
    )


def name(own: OwnAccount, statement: Statement) -> str:
    number = f" {statement.number}" if statement.number else ""
    return f"statement{number} of {statement.closing_on} of account {masked(own.number)} in {statement.file}"


# ---- which statements count ----


def _paged(own: OwnAccount, statements: Iterable[Statement], held: list[Held]) -> Iterator[Statement]:
    """Statements whose pages came one by one, put together; one of which pages are missing is held.

    Pages that lead from a balance to a balance each are statements by themselves.
    """
    pages: dict[str, dict[int, Statement]] = defaultdict(dict)
    for one in statements:
        if one.pages == (1, True) or _adds_up(one):
            yield one
        else:
            pages[one.number or str(one.closing_on)].setdefault(one.pages[0], one)
    for found in pages.values():
        ordered = [found[number] for number in sorted(found)]
        if [one.pages for one in ordered] != [(n, n == len(ordered)) for n in range(1, len(ordered) + 1)]:
            there = ", ".join(str(number) for number in sorted(found))
            held.append(Held(name(own, ordered[0]), "pages", f"only its pages {there} are there; nothing of it counts"))
            continue
        entries = tuple(entry for one in ordered for entry in one.entries)
        last = ordered[-1]
        yield replace(ordered[0], entries=entries, closing=last.closing, closing_on=last.closing_on, pages=(1, True))


def _adds_up(statement: Statement) -> bool:
    if statement.opening is None or statement.closing is None:
        return False
    return statement.opening + statement.booked == statement.closing


def _proved(own: OwnAccount, statements: Iterable[Statement], held: list[Held]) -> Iterator[Statement]:
    """Each statement once, if its opening balance and its entries make its closing balance."""
    seen: set[tuple[object, ...]] = set()
    for one in statements:
        if one.opening is not None and one.closing is not None:
            if not _adds_up(one):
                reason = (
                    f"it opens with {one.opening}, its entries add up to {one.booked}, and it closes with {one.closing}"
                )
                held.append(Held(name(own, one), "sum", f"{reason}; nothing of it counts"))
                continue
        elif not one.is_proved and one.format is not Format.CSV:
            reason = "it has neither both balances nor the sums of its entries, so a missing line would not be seen"
            held.append(Held(name(own, one), "sum", f"{reason}; nothing of it counts"))
            continue
        same = (one.format, one.number, one.closing_on, one.opening, one.closing, _contents(one))
        if same not in seen:
            seen.add(same)
            yield _with_opening(one)


def _with_opening(statement: Statement) -> Statement:
    """Where the bank proves its entries by their sums, the opening balance follows from the closing one."""
    if statement.opening is None and statement.closing is not None:
        return replace(statement, opening=statement.closing - statement.booked)
    return statement


def _contents(statement: Statement) -> frozenset[tuple[Entry, int]]:
    return frozenset(Counter(statement.entries).items())


def _agreeing(own: OwnAccount, statements: Sequence[Statement], held: list[Held]) -> list[_Run]:
    """Runs of statements of which no two contradict each other; those that do are held, all of them."""
    kept = list(statements)
    while True:
        runs = _runs(own, kept)
        conflict = next(_conflicts(runs), None)
        if conflict is None:
            return runs
        day, one, other = conflict
        against = [s for run in (one, other) for s in run.statements if day in _days(s)]
        formats = {s.format for s in against}
        remedy = "keep one of them" if len(formats) == 1 else "keep one, or set `format` of this account in the mapping"
        for statement in against:
            others = ", ".join(sorted({s.file for s in against} - {statement.file})) or "the same file"
            reason = f"it and {others} both show {day}, and differ there: {remedy}; nothing of either counts"
            held.append(Held(name(own, statement), "overlap", reason))
            kept.remove(statement)


def _days(statement: Statement) -> set[date]:
    return {entry.booked_on for entry in statement.entries if entry.is_booked}


def _conflicts(runs: Sequence[_Run]) -> Iterator[tuple[date, _Run, _Run]]:
    """Days that two runs show, of which neither holds all that the other has."""
    shown: dict[date, list[_Run]] = defaultdict(list)
    for run in runs:
        for day, ids in run.by_day.items():
            for other in shown[day]:
                if not (ids <= other.by_day[day] or other.by_day[day] <= ids):
                    yield day, other, run
            shown[day].append(run)


def _runs(own: OwnAccount, statements: Sequence[Statement]) -> list[_Run]:
    """Each statement follows the latest one that ends with the balance it begins with, and not later than it."""
    runs: list[_Run] = []
    ends: dict[int, list[_Run]] = defaultdict(list)
    for one in _in_order(statements):
        run = None
        if one.opening is not None:
            run = next((r for r in reversed(ends[one.opening.minor]) if _follows(one, r)), None)
        if run is None:
            run = _Run()
            runs.append(run)
        elif (before := run.statements[-1].closing) is not None:
            ends[before.minor].remove(run)
        run.statements.append(one)
        if one.closing is not None:
            ends[one.closing.minor].append(run)
    for run in runs:
        _number(own, run)
    return runs


def _in_order(statements: Sequence[Statement]) -> list[Statement]:
    """By day; statements of one day so that each comes after the one whose balance it begins with."""
    ordered: list[Statement] = []
    by_day: dict[date, list[Statement]] = defaultdict(list)
    for one in statements:
        by_day[one.closing_on].append(one)
    for day in sorted(by_day):
        left = sorted(by_day[day], key=lambda one: (one.first_on, one.pages, one.number.zfill(12), one.file))
        while left:
            at_end = {one.closing for one in left if one.closing is not None and one.closing != one.opening}
            first = next((one for one in left if one.opening not in at_end), left[0])
            ordered.append(first)
            left.remove(first)
    return ordered


def _follows(one: Statement, run: _Run) -> bool:
    """Does it go on where the run ends? Not if it may as well show a day of the run once more.

    A run may end with the very balance that it had when one of its days began. A statement that shows this day and
    begins with this balance fits both ways; taken for the same day it can't count anything twice.
    """
    before = run.statements[-1]
    if one.first_on < before.first_on or one.closing_on < before.closing_on:
        return False
    days = _days(one)
    again = takewhile(lambda s: s.closing_on >= one.first_on, reversed(run.statements))
    return not any(days & _days(s) and _balance_before(s, one.first_on) == one.opening for s in again)


def _balance_before(statement: Statement, day: date) -> Money | None:
    """What was on the account when this day began, as far as this statement tells."""
    if statement.opening is None:
        return None
    earlier = (one.amount for one in statement.entries if one.is_booked and one.booked_on < day)
    return statement.opening + Money.total(earlier, statement.currency)


def _number(own: OwnAccount, run: _Run) -> None:
    """Give every entry of a run its id."""
    counts: Counter[tuple[str, ...]] = Counter()
    for statement in run.statements:
        for line in _lines(own, statement, counts):
            if line.entry.is_booked:
                run.lines[line.id] = line
                run.by_day[line.entry.booked_on].add(line.id)


def _lines(own: OwnAccount, statement: Statement, counts: Counter[tuple[str, ...]]) -> Iterator[Line]:
    """The entries with their ids: `counts` numbers those that are equal in everything."""
    references = Counter(one.reference for entry in statement.entries for one in entry.payments)
    for entry in statement.entries:
        for one in entry.payments:
            key = _key(own, one, is_telling=bool(one.reference) and references[one.reference] == 1)
            # Counted apart, so that what was announced has the id under which it will be booked.
            count = counts[str(one.is_booked), *key]
            counts[str(one.is_booked), *key] += 1
            digest = hashlib.sha256("\n".join((*key, str(count))).encode()).hexdigest()
            yield Line(f"bank-{digest[:20]}", one)


def _key(own: OwnAccount, entry: Entry, is_telling: bool) -> tuple[str, ...]:
    """What makes an entry this entry: the bank's own reference if no other entry bears it, else all that it says.

    It must stay the same for ever, or money would be seen a second time: so nothing goes in that was interpreted.
    """
    common = (normal(own.number), own.currency, entry.value_on.isoformat(), str(entry.amount.minor), entry.reference)
    if is_telling:
        return common
    day = entry.booked_on.isoformat() if entry.has_day else ""
    return (*common, day, normal(entry.raw))


# ---- up to which day nothing is missing ----


def _vouched(
    own: OwnAccount, statements: Sequence[Statement], beginnings: Sequence[Statement], held: list[Held]
) -> date | None:
    """The closing day before the first gap that nobody has accepted; the newest closing day if there is none."""
    vouched = max((one.closing_on for one in statements), default=None)
    for first in beginnings:
        before = [one for one in statements if one.closing_on < first.first_on and one.closing is not None]
        if first.opening is None or not before or first.first_on <= own.cutover_on:
            continue
        around = (one for one in statements if one is not first and _touches(one, first))
        if first.closing_on in own.gaps_accepted_on or any(first.opening in _balances(one) for one in around):
            continue
        last = max(before, key=lambda one: one.closing_on)
        reason = (
            f"between the statements of {last.closing_on} and {first.closing_on} of account {masked(own.number)} one "
            f"is missing or held: the one ends with {last.closing}, the other begins with {first.opening}. Until it is "
            f"there, nothing after {last.closing_on} is known to be complete. If the bank can't send it, put "
            f"{first.closing_on} into gaps_accepted_on"
        )
        held.append(Held(f"gap before {name(own, first)}", "gap", reason))
        vouched = min(vouched or last.closing_on, last.closing_on)
    return vouched


def _touches(one: Statement, first: Statement) -> bool:
    """Does it show the day on which the other begins, and was it not begun after the other had ended?"""
    if not all(entry.has_day for entry in first.entries):
        return one.closing_on <= first.closing_on  # nobody knows on which day it begins
    if one.closing_on < first.first_on:
        return False
    return one.first_on <= first.first_on or one.closing_on <= first.closing_on


def _balances(statement: Statement) -> set[Money]:
    """What was on the account at the beginning and at the end of each day of this statement."""
    if statement.opening is None:
        return set()
    found, balance = {statement.opening}, statement.opening
    for entry in sorted((one for one in statement.entries if one.is_booked), key=lambda one: one.booked_on):
        balance = balance + entry.amount
        found.add(balance)
    return found


# ---- what is announced, and what came back ----


def _pending(
    own: OwnAccount, reports: Sequence[Statement], final: Sequence[Statement], booked: dict[str, Line]
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """What is announced and no statement has booked; and what was announced in vain.

    The newest statement ends all that was announced up to its day, but for what it announces itself. Reports of one
    day may repeat each other or go on from one another, so what any of them says holds until the statement comes.
    """
    closed_on = max((one.closing_on for one in final), default=date.min)
    announced: dict[str, Line] = {}
    current: set[str] = set()
    for picture in (*reports, *(one for one in final if not all(entry.is_booked for entry in one.entries))):
        shown = {line.id: line for line in _lines(own, picture, Counter()) if not line.entry.is_booked}
        announced |= shown
        if picture.closing_on > closed_on or (picture.is_final and picture.closing_on == closed_on):
            current |= shown.keys()
    open_ones = {id: line for id, line in announced.items() if id not in booked}
    return (
        tuple(line for id, line in open_ones.items() if id in current),
        tuple(line for id, line in open_ones.items() if id not in current),
    )


def _returned(own: OwnAccount, lines: dict[str, Line], held: list[Held]) -> dict[str, date]:
    """The receipts that a later debit took back, with its value day. A debit that names none, or several, is held."""
    by_reference: dict[str, list[Line]] = defaultdict(list)
    for line in lines.values():
        if line.entry.amount.minor > 0 and not line.entry.reverses:
            for reference in line.entry.references:
                by_reference[normal(reference)].append(line)
    returned: dict[str, date] = {}
    debits = [line for line in lines.values() if line.entry.reverses and line.entry.amount.minor < 0]
    for debit in sorted(debits, key=lambda line: (line.entry.booked_on, line.id)):
        amounts = {abs(debit.entry.amount.minor)} | {one.minor for one in (debit.entry.instructed,) if one}
        fitting = {
            line.id
            for reference in debit.entry.references
            for line in by_reference[normal(reference)]
            if line.entry.amount.minor in amounts and line.entry.booked_on <= debit.entry.booked_on
        } - returned.keys()
        if len(fitting) == 1:
            returned[fitting.pop()] = debit.entry.value_on
        elif debit.entry.value_on >= own.cutover_on:
            found = "several receipts have" if fitting else "no receipt of that amount has"
            reason = (
                f"{-debit.entry.amount} went back on {debit.entry.booked_on} from account {masked(own.number)}, and "
                f"{found} one of its references: find the receipt and reverse it by hand"
            )
            held.append(Held(debit.id, "return", reason))
    return returned
