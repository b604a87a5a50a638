"""MT940 (SWIFT) -> statements; MT942 as reports of an unfinished day.

Read by ourselves, strictly. `mt-940` 5.1.1, the library that is kept, was tried on 2026-11-23: a `:86:` after the
closing balance, which is about the statement, it appends to the text of the last payment; a `:61:` without a type code
is overwritten by the next one; and one bad statement costs the whole file. A bank's own words must not become what
a customer paid for, and no line may be lost.

The `:86:` has three common forms: subfields ?00 to ?63 (Germany), slash codes (/REMI/, the Netherlands and SWIFT), and
free text.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

from connector.adapters.bank_statement_values import (
    Broken,
    Contents,
    Entry,
    Format,
    Statement,
    Unfinished,
    Unreadable,
    amount,
    fingerprint,
    is_reference,
    lines,
    unwrapped,
)
from connector.money import Money

ONCE = frozenset({"25", "28C", "60F", "60M", "62F", "62M"})
TAG = re.compile(r"^:(\d{2}[A-Z]?|NS):", re.MULTILINE)
LINE_WIDTH = 65  # of :86:; a longer text goes on in the next line
SUBFIELD_WIDTH = 27  # of ?20 to ?29
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,15}(?:,\d{0,3})?)$")
# Value day, booking day, mark (R: reversal, E: expected), third letter of the currency, amount, type, references.
_LINE = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4})?(?P<mark>[RE]?[CD])[A-Z]?(?P<amount>\d{1,15}(?:,\d{0,3})?)"
    r"(?P<code>[A-Z][A-Z0-9]{3})(?P<own>(?:(?!//).)*)(?://(?P<bank>.*))?$"
)
_STRUCTURED = re.compile(r"(\d{3})([?>~@|])(?=\d{2})")
_SEPA = r"EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|PURP|MDAT|SQTP|ORCR|ORMR|DDAT|IBAN|BIC"
_SLASHED = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|KREF|PREF|CNTP|ORDP|BENM|MARF|CSID|RTRN|PURP|ISDT|ULTD|ULTC|TRCD|ADDR)/"
)
# SWIFT's type codes, and the German business codes (GVC) that say more.
METHODS = {"CHK": "check", "DDT": "ach", "TRF": "wire", "103": "wire", "FEX": "wire"}
BUSINESS_METHODS = {"166": "ach", "152": "ach", "153": "ach", "168": "ach", "169": "ach", "171": "ach", "070": "check"}
RETURNED_TYPES = frozenset({"RTI"})
RETURNED_BUSINESS = frozenset({"108", "109", "111", "159", "180", "181", "182", "183", "184"})


@dataclass(slots=True)
class _Line:
    """A :61: and the :86: that belongs to it."""

    text: str
    details: str = ""


@dataclass(slots=True)
class _Message:
    """The fields of one statement, in the order in which they came."""

    fields: dict[str, str] = field(default_factory=dict)
    lines: list[_Line] = field(default_factory=list)
    twice: str = ""  # a field of which there must be only one


def read(text: str) -> Contents:
    """Unreadable if a message can't be told from the next; what is wrong inside of one costs only that one."""
    statements, broken = [], []
    messages = list(_messages(text))
    for message in messages:
        fields = message.fields
        account, _, _ = fields.get("25", fields.get("25P", "")).partition("\n")
        account, number = account.strip(), fields.get("28C", fields.get("28", "")).strip()
        try:
            if message.twice:
                raise Unreadable(f"it has the field :{message.twice}: twice")
            if not account:
                raise Unreadable("it names no account (:25:)")
            made = _report if fields.keys() & {"34F", "13D", "90C", "90D"} else _statement
            statements.append(made(message, account, number))
        except Unreadable as error:
            if isinstance(error, Unfinished) and message is messages[-1]:
                raise
            broken.append(Broken(account, number, str(error)))
    if not statements and not broken:
        raise Unreadable("there is no statement in it")
    return Contents(tuple(statements), tuple(broken))


def _messages(text: str) -> Iterator[_Message]:
    """One for each :20:. A :86: after a closing balance is about the statement, and no payer's."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    marks = list(TAG.finditer(text))
    if not marks:
        raise Unreadable("there is no field of an MT940 in it")
    message: _Message | None = None
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(text)
        tag, content = mark[1], _content(text[mark.end() : end])
        if tag == "20":
            if message is not None:
                yield message
            message = _Message()
        if message is None:
            raise Unreadable(f"it begins with :{tag}: and not with :20:")
        if tag == "61":
            message.lines.append(_Line(content))
        elif tag == "86" and message.lines and not message.fields.keys() & {"62F", "62M", "90C", "90D"}:
            message.lines[-1].details += ("\n" if message.lines[-1].details else "") + content
        elif tag not in ("86", "NS"):
            if tag in message.fields and tag in ONCE:
                message.twice = tag
            message.fields.setdefault(tag, content)
    if message is not None:
        yield message


def _content(text: str) -> str:
    """A field's text without the frame of its message: the line '-' or '-}' at the end and the blocks {1:..{4:."""
    kept = []
    for line in text.split("\n"):
        if line.strip() in ("-", "-}") or re.match(r"-?\{\d:|-\}", line):
            break
        kept.append(line)
    return "\n".join(kept).rstrip()


def _statement(message: _Message, account: str, number: str) -> Statement:
    fields = message.fields
    opened, closed = fields.get("60F", fields.get("60M")), fields.get("62F", fields.get("62M"))
    if opened is None:
        raise Unreadable("it has no opening balance (:60F:)")
    if closed is None:
        raise Unfinished("it has no closing balance (:62F:)")
    opening, _ = _balance(opened)
    closing, closing_on = _balance(closed)
    if opening.currency != closing.currency:
        raise Unreadable(f"it opens in {opening.currency} and closes in {closing.currency}")
    entries = tuple(_entry(line, opening.currency, closing_on, True) for line in message.lines)
    return Statement(Format.MT940, account, opening.currency, number, closing_on, entries, opening, closing)


def _report(message: _Message, account: str, number: str) -> Statement:
    """MT942: entries of a day that isn't over, with the floor limit instead of balances."""
    fields = message.fields
    currency = fields.get("34F", "")[:3]
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise Unreadable("it has neither an opening balance (:60F:) nor a floor limit (:34F:)")
    made_at = _made_at(fields.get("13D", ""))
    days = [_six(line.text[:6]) for line in message.lines]
    closing_on = made_at.date() if made_at else max(days, default=None)
    if closing_on is None:
        raise Unreadable("it does not say of which day it is (:13D:)")
    entries = tuple(_entry(line, currency, closing_on, False) for line in message.lines)
    return Statement(
        Format.MT940, account, currency, number, closing_on, entries, is_final=False, made_at=made_at and _utc(made_at)
    )


def _balance(text: str) -> tuple[Money, date]:
    found = _BALANCE.match(text.strip())
    if found is None:
        raise Unreadable(f"{text[:40]!r} is no balance")
    side, day, currency, units = found.groups()
    money = amount(units.replace(",", "."), currency)
    return (-money if side == "D" else money), _six(day)


def _entry(line: _Line, currency: str, closing_on: date, is_booked: bool) -> Entry:
    first, _, rest = line.text.partition("\n")
    found = _LINE.match(first.strip())
    if found is None:
        raise Unreadable(f"the line :61:{first[:24]} can't be read")
    value_on = _six(found["value"])
    money = amount(found["amount"].replace(",", "."), currency)
    is_debit = found["mark"] in ("D", "ED", "RC")
    told = _details(line.details or rest)
    own, bank = (found["own"] or "").strip(), (found["bank"] or "").strip()
    kind = found["code"][1:]
    return Entry(
        -money if is_debit else money,
        _booked(found["booked"], closing_on),
        value_on,
        is_booked and not found["mark"].startswith("E"),
        has_day=bool(found["booked"]),
        reference=bank if is_reference(bank) else "",
        references=tuple(dict.fromkeys(one for one in (bank, own, *told.references) if is_reference(one))),
        reverses=found["mark"].startswith("R")
        or kind in RETURNED_TYPES
        or told.business in RETURNED_BUSINESS
        or told.is_return,
        code=" ".join(part for part in (found["code"], told.business) if part),
        method=BUSINESS_METHODS.get(told.business, METHODS.get(kind, "")),
        payer_name=told.name,
        payer_bank=fingerprint(told.number, told.bank),
        text=told.text,
        raw=f"{own}\n{rest}\n{line.details}",
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a :86: says."""

    text: str
    name: str = ""
    number: str = ""
    bank: str = ""
    business: str = ""
    references: tuple[str, ...] = ()
    is_return: bool = False


def _details(text: str) -> _Told:
    if found := _STRUCTURED.match(text):
        return _subfields(text, found[1], found[2])
    joined = text.replace("\n", "")
    if _SLASHED.match(joined):
        return _slashed(joined)
    return _Told(lines(*unwrapped(text.split("\n"), LINE_WIDTH).split("\n")))


def _subfields(text: str, business: str, sign: str) -> _Told:
    """166?00GUTSCHRIFT?20EREF+...?30BIC?31IBAN?32NAME: the field's own line breaks mean nothing."""
    pieces = [
        (piece[:2], piece[2:])
        for piece in re.split(rf"{re.escape(sign)}(?=\d{{2}})", text.replace("\n", ""))[1:]
    ]  # fmt: skip

    def of(*keys: str) -> list[str]:
        return [value for key, value in pieces if key in keys]

    purpose = ""
    for piece in of(*(str(key) for key in (*range(20, 30), *range(60, 64)))):
        # A keyword always begins a subfield; the one before it may have been full.
        starts = re.match(rf"(?:{_SEPA})[+:]", piece)
        purpose = (purpose.rstrip("\n") + "\n" if starts and purpose else purpose) + piece
        purpose += "" if len(piece) >= SUBFIELD_WIDTH else "\n"
    said = _keywords(purpose.rstrip("\n"))
    end_to_end = said.get("EREF", "")
    return _Told(
        text=lines(*said["SVWZ"].split("\n"), end_to_end if is_reference(end_to_end) else ""),
        name=" ".join("".join(of("32", "33")).split()),
        number="".join(of("31")) or said.get("IBAN", ""),
        bank="".join(of("30")) or said.get("BIC", ""),
        business=business,
        references=tuple(said[key] for key in ("EREF", "KREF") if key in said),
    )


def _keywords(purpose: str) -> dict[str, str]:
    """EREF+..., SVWZ+... of a SEPA payment; without any keyword the whole purpose is SVWZ."""
    parts = re.split(rf"(?:^|(?<=\s))({_SEPA})[+]", purpose, flags=re.MULTILINE)
    said = {"SVWZ": parts[0].strip()}
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        # Only the purpose may have lines; an id that was cut over two subfields is one word.
        said[key] = lines(said.get("SVWZ", ""), value) if key == "SVWZ" else "".join(value.split())
    return said


def _slashed(text: str) -> _Told:
    """/EREF/...//CNTP/IBAN/BIC/NAME///REMI/USTD//...: a code, and all up to the next code is its value."""
    parts = _SLASHED.split(text)
    said: dict[str, str] = {}
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        said.setdefault(key, value.strip().strip("/").strip())
    number, bank, name = (*said.get("CNTP", "").split("/"), "", "", "")[:3]
    for party in ("ORDP", "BENM"):
        name = name or said.get(party, "").removeprefix("NAME/").strip("/")
    remittance = re.sub(r"^(?:USTD//|STRD/(?:CUR/|ISO/|/)*)", "", said.get("REMI", ""))
    end_to_end = said.get("EREF", "")
    return _Told(
        text=lines(remittance, end_to_end if is_reference(end_to_end) else ""),
        name=" ".join((name or said.get("NAME", "")).split()),
        number=number or said.get("IBAN", ""),
        bank=bank or said.get("BIC", ""),
        references=tuple(said[key] for key in ("EREF", "KREF", "PREF") if said.get(key)),
        is_return="RTRN" in said,
    )


def _six(text: str) -> date:
    """YYMMDD. A day that its month doesn't have (30 February, where interest months have 30 days) is its last."""
    if not re.fullmatch(r"\d{6}", text):
        raise Unreadable(f"{text[:20]!r} is no day")
    year, month, day = 2000 + int(text[:2]), int(text[2:4]), int(text[4:])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise Unreadable(f"{text!r} is no day")
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _booked(text: str | None, closing_on: date) -> date:
    """MMDD in the year in which it lies nearest to the statement's day; that day itself where it isn't told."""
    if not text:
        return closing_on
    near = [_six(f"{(closing_on.year + more) % 100:02}{text}") for more in (-1, 0, 1)]
    return min(near, key=lambda day: abs(day - closing_on))


def _made_at(text: str) -> datetime | None:
    """YYMMDDHHMM with an offset, in the bank's own zone."""
    found = re.match(r"(\d{10})(?:([+-])(\d{2})(\d{2}))?", text)
    if found is None:
        return None
    try:
        local = datetime.strptime(found[1], "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        raise Unreadable(f"{text[:20]!r} is no instant (:13D:)") from None
    if found[2]:
        offset = timedelta(hours=int(found[3]), minutes=int(found[4]))
        local = local.replace(tzinfo=timezone(-offset if found[2] == "-" else offset))
    return local


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
