"""A bank's CSV export -> statements, by a profile that finance wrote; nothing is guessed.

An export has no frame: it may be of any days, in any order, and only a column with the balance after each entry proves
that no line is missing. Each line is then a step from one balance to the next, and the steps of a whole export lead
from its opening to its closing balance, in whatever order they stand.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from connector.adapters.bank_statement_mapping import CsvProfile, OwnAccount
from connector.adapters.bank_statement_values import (
    Broken,
    Contents,
    Entry,
    Format,
    Statement,
    Unreadable,
    amount,
    fingerprint,
    is_reference,
    lines,
)
from connector.money import Money

FIELD_CHARACTERS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Row:
    entry: Entry
    balance: Money | None


def read(raw: bytes, profile: CsvProfile, accounts: Sequence[OwnAccount]) -> Contents:
    """One statement for each account in the file; the accounts are those whose file names fit."""
    cells = _cells(raw, profile)
    heading, body = cells[0][1], cells[1:]
    missing = [word for word in profile.columns.headings if word not in heading]
    if missing:
        raise Unreadable(f"the columns {', '.join(missing)} of the profile {profile.name} are not in it")
    if twice := [word for word in profile.columns.headings if heading.count(word) > 1]:
        raise Unreadable(f"the column {twice[0]} is there twice")
    if len(accounts) > 1 and not profile.columns.account:
        raise Unreadable("several accounts are read from it, and the profile has no column account to tell them apart")
    rows: dict[tuple[str, str], list[_Row]] = {}
    broken: dict[tuple[str, str], Broken] = {}
    for line, texts in body:
        if len(texts) != len(heading):
            raise Unreadable(f"line {line} has {len(texts)} fields, the heading has {len(heading)}")
        told = dict(zip(heading, texts, strict=True))
        number = told[profile.columns.account] if profile.columns.account else accounts[0].number
        currency = told[profile.columns.currency] if profile.columns.currency else accounts[0].currency
        try:
            rows.setdefault((number, currency), []).append(_row(told, profile, currency))
        except Unreadable as error:
            broken.setdefault((number, currency), Broken(number, "", f"line {line}: {error}"))
    statements = []
    for key, found in rows.items():
        try:
            if key not in broken:
                statements.append(_statement(*key, found))
        except Unreadable as error:
            broken[key] = Broken(key[0], "", str(error))
    return Contents(tuple(statements), tuple(broken.values()))


def _cells(raw: bytes, profile: CsvProfile) -> list[tuple[int, list[str]]]:
    """The rows with their line numbers, heading first, without what stands above and below the table."""
    encoding = "utf-8-sig" if profile.encoding == "utf-8" else profile.encoding
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"it is not text in {profile.encoding}") from None
    if "\0" in text:
        raise Unreadable("it holds signs that no text has")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter, strict=True)
    try:
        found = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num} is no CSV ({error})") from None
    found = found[profile.skip_rows :]
    table = [(line, row) for line, row in found[: len(found) - profile.footer_rows] if any(row)]
    if not table:
        raise Unreadable("there is no heading in it")
    if any(len(cell) > FIELD_CHARACTERS_MAX for _, row in table for cell in row):
        raise Unreadable(f"a field has more than {FIELD_CHARACTERS_MAX} signs")
    return table


def _row(told: dict[str, str], profile: CsvProfile, currency: str) -> _Row:
    columns = profile.columns

    def of(heading: str | None) -> str:
        return told[heading] if heading else ""

    money = _signed(told, profile, currency)
    booked_on = _day(of(columns.booked_on), profile)
    value_on = _day(of(columns.value_on), profile) if of(columns.value_on) else booked_on
    ids = [told[one] for one in columns.id]
    end_to_end, code = of(columns.end_to_end), of(columns.code)
    entry = Entry(
        money,
        booked_on,
        value_on,
        of(columns.state).casefold() not in {word.casefold() for word in profile.pending_words},
        reference="/".join(ids) if all(is_reference(one) for one in ids) else "",
        references=tuple(dict.fromkeys(one for one in (*ids, end_to_end) if is_reference(one))),
        reverses=profile.is_return(code),
        code=code,
        method=profile.method(code),
        payer_name=" ".join(of(columns.payer_name).split()),
        payer_bank=fingerprint(of(columns.payer_account), of(columns.payer_bank)),
        text=lines(*(told[one] for one in columns.text), end_to_end if is_reference(end_to_end) else ""),
        raw="\n".join(told.values()),
    )
    balance = _number(of(columns.balance), profile, currency) if of(columns.balance) else None
    return _Row(entry, balance)


def _signed(told: dict[str, str], profile: CsvProfile, currency: str) -> Money:
    columns = profile.columns
    if columns.credit and columns.debit:
        credit, debit = told[columns.credit], told[columns.debit]
        if bool(credit) == bool(debit):
            raise Unreadable("it has an amount in both columns, or in neither")
        money = _number(credit or debit, profile, currency)
        # Some banks write the debits of a column of debits with a minus as well.
        return money if credit else -Money(abs(money.minor), currency)
    money = _number(told[columns.amount or ""], profile, currency)
    if not columns.direction:
        return money
    word = told[columns.direction].casefold()
    if word in {one.casefold() for one in profile.credit_words}:
        return money
    if word in {one.casefold() for one in profile.debit_words}:
        return -Money(abs(money.minor), currency)
    raise Unreadable(f"{told[columns.direction][:20]!r} is neither a word for credit nor for debit")


def _number(text: str, profile: CsvProfile, currency: str) -> Money:
    """1.234,56- or (1,234.56) or +1'234: by the signs of the profile, and exactly."""
    bare = text.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ").strip()
    is_debit = bare.startswith(("-", "(")) or bare.endswith("-")
    bare = bare.strip("+-() ")
    whole, _, decimals = bare.partition(profile.decimal)
    if profile.thousands and profile.thousands in whole:
        first, *groups = whole.split(profile.thousands)
        if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
            raise Unreadable(f"{text[:40]!r} is no amount by the profile {profile.name}")
        whole = "".join((first, *groups))
    money = amount(f"{whole}.{decimals}" if decimals else whole, currency)
    return -money if is_debit else money


def _day(text: str, profile: CsvProfile) -> date:
    try:
        return datetime.strptime(text, profile.date_format).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise Unreadable(f"{text[:40]!r} is no day of the form {profile.date_format}") from None


def _statement(account: str, currency: str, rows: list[_Row]) -> Statement:
    entries = tuple(row.entry for row in rows)
    booked = [row for row in rows if row.entry.is_booked]
    closing_on = max(row.entry.booked_on for row in booked or rows)
    opening, closing, is_proved = _proof(booked)
    return Statement(
        Format.CSV, account, currency, "", closing_on, entries, opening, closing, bool(booked), is_proved=is_proved
    )


def _proof(rows: list[_Row]) -> tuple[Money | None, Money | None, bool]:
    """Opening and closing balance if every line is a step of one way; Unreadable if a step is missing."""
    if not rows or any(row.balance is None for row in rows):
        return None, None, False
    after = Counter(row.balance.minor for row in rows if row.balance is not None)
    before = Counter(row.balance.minor - row.entry.amount.minor for row in rows if row.balance is not None)
    starts, ends = list((before - after).elements()), list((after - before).elements())
    if not starts:  # the way leads back to where it began: any balance on it may be the first
        return None, None, True
    if len(starts) > 1:
        raise Unreadable("its balances don't follow from one another: a line is missing, or one was changed")
    currency = rows[0].entry.amount.currency
    return Money(starts[0], currency), Money(ends[0], currency), True
