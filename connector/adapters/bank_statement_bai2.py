"""BAI2 (the cash management format of banks in the USA) -> statements; interim reports as those of an unfinished day.

Read by ourselves, strictly. `bai2` 0.15.0 was tried on 2026-11-23: it glues a number that an 88 record continues to the
one before (its issue 50, open), calls itself not ready for production, and its authors say that they don't keep it up.

A record is 16,TYPE,AMOUNT,FUNDS...,BANK REFERENCE,CUSTOMER REFERENCE,TEXT/ and goes on in 88 records: between two
fields, or inside of the text. Amounts are whole minor units. Each level ends with a trailer of sums and counts, and all
of them are checked: a file that was cut or edited doesn't pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from connector.adapters.bank_statement_values import (
    Broken,
    Contents,
    Entry,
    Format,
    Statement,
    Unfinished,
    Unreadable,
    is_reference,
    lines,
)
from connector.money import Money, MoneyError, exponent

OPENING, CLOSING, CREDITS, DEBITS = "010", "015", "100", "400"
PREVIOUS_DAY_FINAL = frozenset({"", "2", "4"})  # of the as-of-date modifier; 1 and 3 are interim
GROUP_UPDATE = "1"
# Type codes that say how the money came.
METHODS = {
    **dict.fromkeys(("195", "196", "206", "208", "191"), "wire"),
    **dict.fromkeys(("121", "122", "142", "143", "145", "155", "156", "158", "164", "165", "166", "168"), "ach"),
    **dict.fromkeys(("115", "116", "171", "173", "174", "175", "176", "184", "301"), "check"),
}
# Debits that take a receipt back, and credits that give back what we had sent.
REVERSALS = frozenset(
    {"552", "555", "557", "558", "561", "566", "694", "252", "255", "257", "258", "261", "266", "395"}
)
# The payer, as banks write it into the text; the name ends where the line, the field or the next label does.
_PARTY = re.compile(
    r"\b(?:ORIG(?:INATOR)?(?: CO(?:MPANY)?)?(?: NAME)?|ORG|REMITTER)\s*[:=]\s*(?P<name>[^;/\n:=]{2,70}?)"
    r"(?=\s*(?:$|[;/\n]|\s{2}|\s(?:ORIG|DESC|CO ENTRY|SEC|TRACE|EED|IND|OGB|OBI|BNF|RFB|REF|TRN)\b))",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(slots=True)
class _Record:
    """A record with its continuations: what stands after its code, one piece a line."""

    code: str
    pieces: list[str]
    line: int

    @property
    def count(self) -> int:
        return len(self.pieces)


@dataclass(slots=True)
class _Account:
    head: _Record
    details: list[_Record] = field(default_factory=list)


class _Fields:
    """The fields of a record one by one, wherever its lines end; what is left at last is its text."""

    def __init__(self, record: _Record) -> None:
        self._pieces = list(record.pieces)
        self._record = record

    def take(self) -> str:
        """The next field; '' where the record has no more."""
        if not self._pieces:
            return ""
        value, comma, rest = self._pieces[0].partition(",")
        if comma:
            self._pieces[0] = rest
        else:
            self._pieces.pop(0)
        return value.strip()

    def number(self, what: str, otherwise: int | None = None) -> int:
        text = self.take()
        if text == "" and otherwise is not None:
            return otherwise
        if not re.fullmatch(r"[+-]?\d{1,18}", text):
            raise Unreadable(f"line {self._record.line}: {text[:20]!r} is no {what}")
        return int(text)

    def funds(self) -> str:
        """Skip what a funds type brings with it; the value day (YYMMDD) of type V."""
        kind, value_on = self.take(), ""
        if kind == "S":
            for _ in range(3):
                self.number("amount", 0)
        elif kind == "V":
            value_on = self.take()
            self.take()
        elif kind == "D":
            for _ in range(self.number("count of availabilities")):
                self.number("count of days")
                self.number("amount")
        elif kind not in ("", "0", "1", "2", "Z"):
            raise Unreadable(f"line {self._record.line}: the funds type {kind[:10]!r} is not known")
        return value_on

    def rest(self) -> list[str]:
        """What was not taken, one text a line."""
        return self._pieces

    def is_left(self) -> bool:
        return any(piece for piece in self._pieces)


def read(text: str) -> Contents:
    """Unreadable if the file as a whole doesn't hold; an account whose own sums are wrong costs only itself."""
    records = list(_records(text))
    if records[0].code != "01":
        raise Unreadable("it does not begin with a file header (01)")
    if records[-1].code != "99":
        raise Unfinished("it has no file trailer (99)")
    _check_trailers(records)
    statements, broken = [], []
    for group, account, trailer in _accounts(records):
        number = _Fields(account.head).take()
        try:
            _check_account(account, trailer)
            statements.append(_statement(group, account))
        except Unreadable as error:
            broken.append(Broken(number, "", str(error)))
    return Contents(tuple(statements), tuple(broken))


def _records(text: str) -> Iterator[_Record]:
    record: _Record | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            continue
        code, comma, rest = line.partition(",")
        if not comma or not re.fullmatch(r"01|02|03|16|49|88|98|99", code):
            raise Unreadable(f"line {number} is no record of BAI2")
        rest = rest.removesuffix("/")
        if code != "88":
            if record is not None:
                yield record
            record = _Record(code, [rest], number)
        elif record is None:
            raise Unreadable(f"line {number} continues nothing")
        else:
            record.pieces.append(rest)
    if record is None:
        raise Unreadable("there is no record of BAI2 in it")
    yield record


def _check_trailers(records: list[_Record]) -> None:
    """Groups and file: control totals add up, and the counts of accounts, groups and records are right."""
    in_group = groups = accounts = group_records = group_total = file_total = 0
    for record in records:
        group_records += record.count
        if record.code == "02":
            if in_group:
                raise Unreadable(f"line {record.line}: a group begins before the one before has ended")
            in_group, groups, accounts, group_records, group_total = 1, groups + 1, 0, record.count, 0
        elif record.code == "49":
            accounts, group_total = accounts + 1, group_total + _Fields(record).number("control total")
        elif record.code == "98":
            _agree(record, group_total, accounts, group_records)
            in_group, file_total = 0, file_total + group_total
    _agree(records[-1], file_total, groups, sum(record.count for record in records))


def _agree(trailer: _Record, total: int, members: int, records: int) -> None:
    fields = _Fields(trailer)
    said = fields.number("control total"), fields.number("count"), fields.number("count of records")
    if said != (total, members, records):
        what = "group" if trailer.code == "98" else "file"
        raise Unreadable(
            f"the trailer of the {what} (line {trailer.line}) says total {said[0]}, {said[1]} members and {said[2]} "
            f"records, and there are {total}, {members} and {records}"
        )


def _accounts(records: list[_Record]) -> Iterator[tuple[_Record, _Account, _Record]]:
    """Each account with the group that it lies in and its trailer."""
    group: _Record | None = None
    account: _Account | None = None
    for record in records:
        if record.code == "02":
            group = record
        elif record.code == "03" and group is not None and account is None:
            account = _Account(record)
        elif record.code == "16" and account is not None:
            account.details.append(record)
        elif record.code == "49" and account is not None and group is not None:
            yield group, account, record
            account = None
        elif record.code not in ("01", "98", "99") or account is not None:
            raise Unreadable(f"line {record.line}: a record {record.code} is out of its place")


def _check_account(account: _Account, trailer: _Record) -> None:
    """The control total is the sum of every amount of the account, sums included; the count that of its records."""
    total = sum(amount for amount, _ in _summary(account.head).values())
    total += sum(_amount_of(record) for record in account.details)
    count = account.head.count + sum(record.count for record in account.details) + trailer.count
    fields = _Fields(trailer)
    said = fields.number("control total"), fields.number("count of records")
    if said != (total, count):
        raise Unreadable(
            f"its trailer (line {trailer.line}) says total {said[0]} and {said[1]} records, and there are {total} "
            f"and {count}"
        )


def _amount_of(record: _Record) -> int:
    fields = _Fields(record)
    fields.take()
    return fields.number("amount", 0)


def _summary(head: _Record) -> dict[str, tuple[int, int]]:
    """Type code -> amount and item count of the account's own record."""
    fields = _Fields(head)
    fields.take()
    fields.take()
    found: dict[str, tuple[int, int]] = {}
    while fields.is_left():
        code = fields.take()
        amount, count = fields.number("amount", 0), fields.number("item count", 0)
        fields.funds()
        if code:
            if code in found:
                raise Unreadable(f"line {head.line}: the type {code} is there twice")
            found[code] = amount, count
    return found


def _statement(group: _Record, account: _Account) -> Statement:
    fields = _Fields(group)
    fields.take()
    fields.take()
    status, day, time, group_currency, modifier = (fields.take() for _ in range(5))
    if status != GROUP_UPDATE:
        words = {"2": "a deletion", "3": "a correction", "4": "a test"}
        raise Unreadable(f"the bank calls it {words.get(status, f'status {status!r}')}; a person must look at it")
    as_of = _six(day)
    head = _Fields(account.head)
    number, currency = head.take(), head.take() or group_currency or "USD"
    try:
        exponent(currency)
    except MoneyError as error:
        raise Unreadable(str(error)) from None
    is_final = modifier in PREVIOUS_DAY_FINAL
    summary = {code: Money(amount, currency) for code, (amount, _) in _summary(account.head).items()}
    entries = tuple(_entry(record, currency, as_of, is_final) for record in account.details)
    came = sum(entry.amount.minor for entry in entries if entry.amount.minor > 0)
    went = -sum(entry.amount.minor for entry in entries if entry.amount.minor < 0)
    for code, there in ((CREDITS, came), (DEBITS, went)):
        if is_final and code in summary and abs(summary[code].minor) != there:
            side = "credits" if code == CREDITS else "debits"
            raise Unreadable(f"it says {summary[code]} of {side}, and shows {Money(there, currency)}")
    return Statement(
        Format.BAI2,
        number,
        currency,
        "",
        as_of,
        entries,
        summary.get(OPENING),
        summary.get(CLOSING),
        is_final,
        made_at=_made_at(as_of, time),
        is_proved=CREDITS in summary and DEBITS in summary,
    )


def _entry(record: _Record, currency: str, as_of: date, is_final: bool) -> Entry:
    fields = _Fields(record)
    code = fields.take()
    amount = Money(fields.number("amount", 0), currency)
    if not re.fullmatch(r"\d{3}", code) or amount.minor < 0:
        raise Unreadable(f"line {record.line}: no type code, or an amount below zero")
    value = fields.funds()
    bank, customer, said = fields.take(), fields.take(), "\n".join(fields.rest())
    side = _side(code, record)
    payer = _PARTY.search(said)
    return Entry(
        amount if side > 0 else -amount,
        as_of,
        _six(value) if value else as_of,
        is_final,
        reference=bank if is_reference(bank) else "",
        references=tuple(dict.fromkeys(one for one in (bank, customer) if is_reference(one))),
        reverses=code in REVERSALS,
        code=code,
        raw="\n".join(record.pieces),
        method=METHODS.get(code, ""),
        payer_name=" ".join(payer["name"].split()) if payer else "",
        text=lines(
            *(said.replace(payer[0], " ", 1) if payer else said).split("\n"), customer if is_reference(customer) else ""
        ),
    )


def _side(code: str, record: _Record) -> int:
    """100 to 399 and 920 to 959 are credits, 400 to 699 and 960 to 999 debits; 890 is about no money."""
    number = int(code)
    if 100 <= number < 400 or 920 <= number < 960 or number in (706, 708, *range(721, 729)):
        return 1
    if 400 <= number < 700 or 960 <= number <= 999:
        return -1
    if number == 890 and _amount_of(record) == 0:
        return 1
    raise Unreadable(f"line {record.line}: the type {code} is neither a credit nor a debit")


def _six(text: str) -> date:
    try:
        return (
            date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6])) if len(text) == 6 else date.fromisoformat(text)
        )
    except ValueError:
        raise Unreadable(f"{text[:20]!r} is no day") from None


def _made_at(as_of: date, time: str) -> datetime | None:
    """When the report was made, as far as it is told: only to know which of two reports of a day is the later one."""
    if not re.fullmatch(r"\d{4}", time) or time > "2400":
        return None
    hour, minute = divmod(min(int(time), 2359), 100)
    return datetime(as_of.year, as_of.month, as_of.day, hour, min(minute, 59), tzinfo=UTC)
