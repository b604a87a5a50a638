"""Statements of our own bank accounts in a watched folder -> payments; step 3 of the loop. Reads only, never writes.

A wire, a transfer or a cheque that reached our bank is a payment as soon as a statement has booked it, dated by its
value day (RULES 1.1). Reading has no memory: the same folder gives the same payments with the same ids, whatever was
read before, and the cursor only spares what didn't change. Four formats come down to the same statements; how they
belong together is decided in `bank_statement_book`.

What the source vouches for ends with the closing day of the newest statement without a gap before it, of the account
that is furthest behind: an empty folder is never fresh.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from connector.adapters import bank_statement_book as books
from connector.adapters.bank_statement_book import Book, Held, Line
from connector.adapters.bank_statement_check import Picture, findings
from connector.adapters.bank_statement_folder import Folder, Listing, shown
from connector.adapters.bank_statement_mapping import BankStatementMapping as BankStatementMapping
from connector.adapters.bank_statement_mapping import OwnAccount
from connector.adapters.bank_statement_values import Broken, Statement, fingerprint, masked
from connector.money import Money
from connector.ports import Clock, Finding, PaymentRead
from connector.receivables import CameBack, Parked, Payment, PaymentState, Remittance

NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # nothing vouches for anything
TEXT_CHARACTERS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class BankStatementSettings:
    """`is_test`: these are no statements of real accounts."""

    folder: Path
    is_test: bool = False
    settle_seconds: int = 10


@dataclass(frozen=True, slots=True)
class _Cursor:
    """A digest of all that was looked at, one of each account's day, and what was announced and not booked yet."""

    digest: str = ""
    days: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, tuple[int, str, str]] = field(default_factory=dict)  # id -> minor units, currency, day

    @classmethod
    def read(cls, text: str) -> _Cursor:
        """A cursor is a hint: one that can't be read is dropped, and everything is returned once more."""
        try:
            data = json.loads(text)
            pending = {
                str(id): (int(a), str(b), str(date.fromisoformat(c))) for id, (a, b, c) in data["pending"].items()
            }
            days = {str(day): str(digest) for day, digest in data["days"].items()}
            return cls(str(data["digest"]), days, pending)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def text(self) -> str:
        return json.dumps({"digest": self.digest, "days": dict(self.days), "pending": dict(self.pending)})


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the folder says on one day, kept while nothing changes."""

    digest: str
    closing_on: tuple[date | None, ...]  # of each account
    payments: Mapping[str, Payment]
    days: Mapping[str, Sequence[Payment]]  # the payments of each account's value days
    announced: frozenset[str]
    parked: tuple[Parked, ...]
    before_cutover: frozenset[str]

    def has_closed(self, day: date) -> bool:
        """Is this day over on every account?"""
        return all(one is not None and one >= day for one in self.closing_on)


class BankStatements:
    """The payment source over one folder of statements."""

    name = "bank"

    def __init__(
        self, settings: BankStatementSettings, mapping: BankStatementMapping, zone: ZoneInfo, clock: Clock
    ) -> None:
        self.is_test = settings.is_test
        self._mapping, self._zone, self._clock = mapping, zone, clock
        self._folder = Folder(settings.folder, mapping, settings.settle_seconds)
        self._mapping_digest = _digest(mapping.model_dump_json())
        self._kept: _Reading | None = None

    def read_changed(self, cursor: str, now: datetime) -> PaymentRead:
        """Every payment of the days on which something changed since the cursor; '' returns all.

        Raises Transient or Terminal when the folder can't be listed: nothing of the read counts then. A file that
        can't be read is parked and costs only its own statements.
        """
        position = _Cursor.read(cursor)
        reading = self._read(now)
        after, changed = self._since(position, reading)
        return PaymentRead(
            requested_at=now,
            fresh_as_of=self._fresh_as_of(reading, now),
            cursor=after.text(),
            payments=tuple(changed),
            parked=reading.parked,
            before_cutover=reading.before_cutover & {payment.id for payment in changed},
            is_whole=True,
        )

    def check(self) -> tuple[Finding, ...]:
        now = self._clock.now()
        return findings(self._folder.path, lambda: self._picture(self._folder.listing(now), now), now, self._zone)

    # -- the folder as statements of our accounts ----------------------------------------------------------------------

    def _read(self, now: datetime) -> _Reading:
        """What the folder says, worked out only if something changed since the last time."""
        listing, today = self._folder.listing(now), now.astimezone(self._zone).date()
        digest = _digest(f"{self._mapping_digest} {today} {listing.files} {listing.strange}")
        if self._kept is not None and self._kept.digest == digest:
            return self._kept
        picture = self._picture(listing, now)
        made = [(book, *self._payments(own, book, today)) for own, book in picture.books]
        held = (_parked(one) for book, _, more in made for one in (*book.held, *more))
        parked = {one.record: one for one in (*_parked_files(picture.broken), *held)}
        payments = {payment.id: payment for _, found, _ in made for payment in found}
        reading = _Reading(
            digest=digest,
            closing_on=tuple(book.closing_on for _, book in picture.books),
            payments=payments,
            days=self._days(picture, payments),
            announced=frozenset(one.id for _, book in picture.books for one in book.pending if one.id in payments),
            parked=tuple(parked.values()),
            before_cutover=frozenset(_before_cutover(picture)),
        )
        self._kept = reading if self._folder.is_known(listing) else None
        return reading

    def _picture(self, listing: Listing, now: datetime) -> Picture:
        of: dict[OwnAccount, list[Statement]] = {own: [] for own in self._mapping.accounts}
        broken, strangers, notices, other_formats = list(listing.strange), list[Statement](), [], []
        for found, contents in self._folder.contents(listing, now):
            broken += contents.broken
            notices += [shown(found.name)] if contents.notice else []
            for statement in contents.statements:
                own = self._mapping.own(statement.account, statement.currency)
                if own is None:
                    strangers.append(statement)
                elif own.format and own.format is not statement.format:
                    other_formats.append(shown(found.name))
                else:
                    of[own].append(statement)
        read = tuple((own, self._without_done(books.read(own, statements))) for own, statements in of.items())
        return Picture(
            books=read,
            broken=(*broken, *map(_stranger, strangers)),
            waiting=listing.waiting,
            notices=tuple(notices),
            other_formats=tuple(other_formats),
            left_aside=tuple(self._left_aside(read)),
        )

    def _without_done(self, book: Book) -> Book:
        """What a person has posted by hand is shown no longer."""
        return replace(book, held=tuple(one for one in book.held if one.record not in self._mapping.done_by_hand))

    def _left_aside(self, read: Sequence[tuple[OwnAccount, Book]]) -> Iterable[tuple[str, Money]]:
        for _, book in read:
            for line in book.lines:
                if line.entry.amount.minor > 0 and (kind := self._mapping.no_receipt(line.entry)):
                    yield kind.value, line.entry.amount

    def _fresh_as_of(self, reading: _Reading, now: datetime) -> datetime:
        """The end of the closing day that is oldest among the accounts, in the ledger's zone; never after now."""
        known = [day for day in reading.closing_on if day is not None]
        if not known or len(known) < len(reading.closing_on):
            return NEVER
        return min(now, self._midnight(min(known) + timedelta(days=1)))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    # -- lines as payments ---------------------------------------------------------------------------------------------

    def _payments(self, own: OwnAccount, book: Book, today: date) -> tuple[list[Payment], list[Held]]:
        """The receipts among an account's entries, and those that can't be split into receipts."""
        payments, held = [], []
        vanished = {line.id for line in book.vanished}
        for line in (*book.lines, *book.pending, *book.vanished):
            entry = line.entry
            if entry.amount.minor <= 0 or entry.value_on < own.cutover_on - books.READ_BEFORE_CUTOVER:
                continue
            if entry.problem:
                if entry.is_booked and line.id not in self._mapping.done_by_hand:
                    what = f"{entry.amount} came on {entry.value_on} to account {masked(own.number)}"
                    held.append(Held(line.id, "batch", f"{what}: {entry.problem}; post it by hand"))
            elif not entry.reverses and self._mapping.no_receipt(entry) is None:
                payments.append(self._payment(own, line, _state(line, line.id in vanished, today)))
        return payments, held

    def _payment(self, own: OwnAccount, line: Line, state: PaymentState) -> Payment:
        entry = line.entry
        return Payment(
            id=line.id,
            amount=entry.amount,
            state=state,
            received_at=self._midnight(entry.value_on),
            received_on=entry.value_on,
            remittance=Remittance(text=entry.text[:TEXT_CHARACTERS_MAX]),
            source=self.name,
            livemode=not self.is_test,
            method=entry.method,
            payer_name=entry.payer_name,
            payer_bank=entry.payer_bank,
            deposit_account=own.ledger_account,
            came_back=CameBack(line.returned_on, entry.amount) if line.returned_on else None,
        )

    # -- what changed --------------------------------------------------------------------------------------------------

    def _since(self, position: _Cursor, reading: _Reading) -> tuple[_Cursor, list[Payment]]:
        """The next cursor, and the payments of the days that look otherwise than they did at this one."""
        if position.digest == reading.digest:
            return position, []
        digests = {day: _digest(repr(made)) for day, made in reading.days.items()}
        changed = [one for day, made in reading.days.items() if position.days.get(day) != digests[day] for one in made]
        unseen = {id: facts for id, facts in position.pending.items() if id not in reading.payments}
        over = {id: facts for id, facts in unseen.items() if reading.has_closed(date.fromisoformat(facts[2]))}
        pending = {id: facts for id, facts in unseen.items() if id not in over}
        for id in reading.announced:
            one = reading.payments[id]
            pending[id] = one.amount.minor, one.amount.currency, one.received_on.isoformat()
        return _Cursor(reading.digest, digests, pending), [*changed, *(self._gone(id, *over[id]) for id in over)]

    def _days(self, picture: Picture, payments: Mapping[str, Payment]) -> dict[str, list[Payment]]:
        """The payments of each account's value day, in an order that doesn't depend on the files."""
        days: dict[str, list[Payment]] = defaultdict(list)
        for own, book in picture.books:
            account = f"{fingerprint(own.number)[:8]}{own.currency}"
            for line in (*book.lines, *book.pending, *book.vanished):
                if payment := payments.get(line.id):
                    days[f"{account}/{payment.received_on}"].append(payment)
        return {day: sorted(made, key=lambda one: one.id) for day, made in sorted(days.items())}

    def _gone(self, id: str, minor: int, currency: str, on: str) -> Payment:
        """What was announced by a file that is no longer there, and not booked by its day: it shields nobody."""
        day = date.fromisoformat(on)
        return Payment(
            id, Money(minor, currency), PaymentState.FAILED, self._midnight(day), day, source=self.name,
            livemode=not self.is_test,
        )  # fmt: skip


def _before_cutover(picture: Picture) -> Iterable[str]:
    """What was received before the cutover day of its account (RULES 1.11)."""
    for own, book in picture.books:
        yield from (one.id for one in (*book.lines, *book.pending) if one.entry.value_on < own.cutover_on)


def _state(line: Line, is_vanished: bool, today: date) -> PaymentState:
    """Vanished, returned, on its way (announced, or booked with a value day to come), received."""
    if is_vanished:
        return PaymentState.FAILED
    if line.returned_on:
        return PaymentState.RETURNED
    if not line.entry.is_booked or line.entry.value_on > today:
        return PaymentState.PROCESSING
    return PaymentState.SUCCEEDED


def _stranger(statement: Statement) -> Broken:
    credits = [one for one in statement.entries if one.amount.minor > 0]
    total = Money.total((one.amount for one in credits), statement.currency)
    reason = (
        f"the account is not in mappings/bank_statement.yaml in {statement.currency}: its {len(credits)} credits of "
        f"{statement.closing_on}, {total} together, are left alone. Add the account, or keep its files elsewhere"
    )
    return Broken(statement.account, statement.number, reason, statement.file)


def _parked_files(broken: Sequence[Broken]) -> Iterable[Parked]:
    for one in broken:
        account = f" of account {masked(one.account)}" if one.account else ""
        number = f" statement {one.number}" if one.number else ""
        yield Parked(BankStatements.name, f"{one.file}{number}{account}", "file", one.reason)


def _parked(held: Held) -> Parked:
    return Parked(BankStatements.name, held.record, held.field, held.reason)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
