"""Is the folder there, is every account's newest statement young enough, and what of it could not be read?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from connector.adapters.bank_statement_book import Book
from connector.adapters.bank_statement_mapping import OwnAccount
from connector.adapters.bank_statement_values import Broken, masked
from connector.errors import ConnectorError
from connector.money import Money
from connector.ports import Finding

AREA = "bank"
SHOWN_MAX = 10  # problems told one by one


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the folder says now."""

    books: tuple[tuple[OwnAccount, Book], ...]
    broken: tuple[Broken, ...] = ()
    waiting: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    other_formats: tuple[str, ...] = ()
    left_aside: tuple[tuple[str, Money], ...] = ()  # why it is no customer's money, and how much came


def findings(folder: Path, read: Callable[[], Picture], now: datetime, zone: ZoneInfo) -> tuple[Finding, ...]:
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        remedy = "Create it, or set `bank_statements.folder`; the connector only needs to read it."
        return (Finding(AREA, False, f"the folder {folder} is not there or can't be read", remedy),)
    try:
        picture = read()
    except ConnectorError as error:
        return (Finding(AREA, False, str(error), "See the sentence before, then run this again."),)
    return (
        Finding(AREA, True, f"the folder {folder} can be read"),
        *_listed(picture),
        *(finding for own, book in picture.books for finding in _account(own, book, now, zone)),
        *_problems(picture),
    )


def _listed(picture: Picture) -> Iterator[Finding]:
    if not picture.books:
        what = "mappings/bank_statement.yaml lists no account, so nothing vouches for what reached the bank"
        yield Finding(AREA, False, what, "List each account, or remove the section `bank_statements`.")


def _account(own: OwnAccount, book: Book, now: datetime, zone: ZoneInfo) -> Iterator[Finding]:
    of = f", subsidiary {own.subsidiary}" if own.subsidiary else ""
    account = f"account {masked(own.number)} ({own.currency}, ledger account {own.ledger_account}{of})"
    if book.newest_on is None or book.closing_on is None:
        yield Finding(
            AREA, False, f"{account}: there is no statement of it", "Let the bank deliver one into the folder."
        )
        return
    days = (now.astimezone(zone).date() - book.closing_on).days
    age = "today" if days <= 0 else "1 day ago" if days == 1 else f"{days} days ago"
    yield Finding(AREA, True, f"{account}: the statements are complete up to {book.closing_on}, {age}")
    if not book.is_proved:
        yield Finding(
            AREA,
            False,
            f"{account}: a CSV has no column with balances, so nobody would see that a line or a file is missing",
            "Name the column `balance` in the profile, or let the bank send camt.053, MT940 or BAI2.",
            blocking=False,
        )
    if book.first_on is not None and book.first_on > own.cutover_on:
        what = f"{account}: the statements begin on {book.first_on}, after the cutover day {own.cutover_on}"
        remedy = "Put the statements since the cutover day into the folder, unless they were read and moved elsewhere."
        yield Finding(AREA, False, what, remedy, blocking=False)
    for held in book.held[:SHOWN_MAX]:
        yield Finding(
            AREA, False, f"{held.record}: {held.reason}", "Nothing of it counts until it is put right.", False
        )
    if len(book.held) > SHOWN_MAX:
        more = f"{account}: {len(book.held) - SHOWN_MAX} more are held"
        yield Finding(AREA, False, more, "Put the first ones right, then run this again.", False)


def _problems(picture: Picture) -> Iterator[Finding]:
    for one in picture.broken[:SHOWN_MAX]:
        what = f"{one.file}: {one.reason}"
        yield Finding(AREA, False, what, "Get the file from the bank again, or take it out of the folder.", False)
    if len(picture.broken) > SHOWN_MAX:
        more = f"{len(picture.broken) - SHOWN_MAX} more files or statements can't be used"
        yield Finding(AREA, False, more, "Put the first ones right, then run this again.", False)
    for kind in sorted({kind for kind, _ in picture.left_aside}):
        amounts = [money for one, money in picture.left_aside if one == kind]
        totals = [
            str(Money.total((m for m in amounts if m.currency == c), c)) for c in sorted({m.currency for m in amounts})
        ]
        what = f"{len(amounts)} credits are no customer's money ({kind}): {', '.join(totals)}"
        yield Finding(AREA, True, what, "", False)
    for names, what, remedy in (
        (picture.waiting, "are still being written and are read a little later", ""),
        (picture.notices, "are camt.054: the statements show the same entries, so they aren't read", ""),
        (picture.other_formats, "are in another format than the mapping says for their account; they aren't read", ""),
    ):
        if names:
            yield Finding(AREA, True, f"{len(names)} files {what}: {', '.join(names[:SHOWN_MAX])}", remedy, False)
