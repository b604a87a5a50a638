"""Do processor and bank, the ERP, and our own journal tell the same of a day's money, to the cent? (RULES 1.2, 8)

What is late by design is no drift: money that waits for a person, or from before the cutover, is told by its sum and
its reason. A drift is where two books contradict each other, and each has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.money import Money


class ProofOutcome(StrEnum):
    """What a day's proof came to; a drift that was found stands, whatever else couldn't be had."""

    DRIFTS = "drifts"  # two books contradict each other, or an act isn't over
    UNPROVED = "unproved"  # nothing contradicts, and a book wasn't had
    TIES = "ties"


class Side(StrEnum):
    """Which money a line is about, in the order in which it is shown."""

    PROCESSOR = "processor"  # what customers paid through the processor
    BANK = "bank"  # what customers paid straight to our bank
    PAYOUTS = "payouts"  # what the processor paid out to our bank


class Fate(StrEnum):
    """What became of a line by our own journal. One holds; the first that fits."""

    UNDERWAY = "underway"  # an act about it isn't over
    RETURNED = "returned"  # it came back, or was never received
    POSTED = "posted"  # it stands in the ERP, by us or by others
    LEFT = "left"  # never ours to post: from before the cutover, or somebody else posts this currency
    HELD = "held"  # it waits


class DriftKind(StrEnum):
    """By what the books contradict each other, in the order in which it is shown."""

    UNKNOWN_TO_US = "unknown_to_us"
    NOT_AT_SOURCE = "not_at_source"
    SOURCE_DIFFERS = "source_differs"
    NOT_IN_ERP = "not_in_erp"
    ERP_DIFFERS = "erp_differs"
    ONLY_IN_ERP = "only_in_erp"
    POSTED_OTHERWISE = "posted_otherwise"
    RETURN_STANDS = "return_stands"
    CLEARING = "clearing"


@dataclass(frozen=True, slots=True)
class Line:
    """One receipt or payout as the three books have it; None: a book doesn't have it.

    `source`: processor or bank, now. `received`: by our journal, before anything was given back; `posted` what it says
    stands in the ERP, `erp` what does stand there, voided ones left out. `refunded` was given back up to now. `why`: of
    what is held, left or returned, for what it waits. All amounts are in one currency.
    """

    id: str
    side: Side
    currency: str
    entity: str
    fate: Fate
    source: Money | None = None
    received: Money | None = None
    posted: Money | None = None
    erp: Money | None = None
    refunded: Money | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ClearingTie:
    """The latest clearing proof: made on `on`, of all that happened up to then. `arose`: by how much what nobody can
    explain changed with this day. A difference is the drift of the day on which it arose, as long as one stands."""

    on: date
    currency: str
    entity: str
    ledger: Money
    expected: Money
    arose: Money

    @property
    def unexplained(self) -> Money:
        return self.ledger - self.expected


@dataclass(frozen=True, slots=True)
class UnfinishedAct:
    """Something that we began to write by the end of the day and that isn't over."""

    id: str
    kind: str  # posting, deposit or reversal
    state: str
    about: str  # the payment or payout


@dataclass(frozen=True, slots=True)
class Tie:
    """One side, currency and entity: received = posted + held + given_back + returned + left + drifting, to the cent.

    `counts` are the lines behind it, each under the name of the sum that most of it is in; they come to `count`.
    `held` includes what is underway; `in_erp` is the ERP's own sum of the payments or deposits behind it.
    """

    side: Side
    currency: str
    entity: str
    count: int
    counts: tuple[tuple[str, int], ...]
    received: Money
    posted: Money
    held: Money
    given_back: Money
    returned: Money
    left: Money
    drifting: Money
    in_erp: Money


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is held or left for one reason: not posted, and nobody contradicts."""

    side: Side
    currency: str
    entity: str
    fate: Fate
    why: str
    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Drift:
    """Two books contradict each other by `amount`: of the ERP's, what it holds too much (minus: too little)."""

    kind: DriftKind
    side: Side
    currency: str
    entity: str
    id: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """The proof of one day. `missing`: books that couldn't be had, each with the reason."""

    day: date
    outcome: ProofOutcome
    ties: tuple[Tie, ...]
    clearing: tuple[ClearingTie, ...]
    waiting: tuple[Waiting, ...]
    drifts: tuple[Drift, ...]
    unfinished: tuple[UnfinishedAct, ...]
    missing: tuple[str, ...]


def decide(
    day: date,
    lines: Iterable[Line],
    clearing: Sequence[ClearingTie] = (),
    unfinished: Sequence[UnfinishedAct] = (),
    missing: Sequence[str] = (),
) -> DayVerdict:
    """Do the three books agree about this day? `lines` are all receipts and payouts of the day that any of them has."""
    known = sorted(lines, key=lambda one: (list(Side).index(one.side), one.currency, one.entity, one.id))
    found = [drift for line in known for drift in (*_by_source(line), *_by_erp(line))]
    found += [_unexplained(one) for one in clearing if one.unexplained and one.arose]
    drifts = tuple(sorted(found, key=lambda one: list(DriftKind).index(one.kind)))
    outcome = ProofOutcome.TIES
    if drifts or unfinished:
        outcome = ProofOutcome.DRIFTS
    elif missing:
        outcome = ProofOutcome.UNPROVED
    ties = tuple(_tie(key, some) for key, some in _grouped(known).items())
    return DayVerdict(
        day, outcome, ties, tuple(clearing), tuple(_waiting(known)), drifts, tuple(unfinished), tuple(missing)
    )


# ---- one line ----


def _by_source(line: Line) -> Iterator[Drift]:
    """Processor or bank against our journal."""
    if line.received is None:
        if line.source:
            where = "; the ERP has it" if line.erp else ""
            yield _drift(line, DriftKind.UNKNOWN_TO_US, line.source, f"the source shows it, our journal doesn't{where}")
    elif line.source is None:
        if line.fate is not Fate.RETURNED:
            yield _drift(
                line, DriftKind.NOT_AT_SOURCE, -line.received, "our journal has it, the source doesn't show it"
            )
    elif line.source != line.received:
        told = f"the source shows {line.source}, our journal {line.received}"
        yield _drift(line, DriftKind.SOURCE_DIFFERS, line.source - line.received, told)


def _by_erp(line: Line) -> Iterator[Drift]:
    """Our journal against the ERP. What is underway is told as unfinished, and may be there or not."""
    if line.received is None or line.fate is Fate.UNDERWAY:
        return
    what = "deposit" if line.side is Side.PAYOUTS else "payment"
    if line.fate is Fate.RETURNED:
        if line.erp and not line.why:
            told = f"it came back, the ERP's {what} of {line.erp} stands, and nothing says that a person looks at it"
            yield _drift(line, DriftKind.RETURN_STANDS, line.erp, told)
    elif line.fate is Fate.POSTED:
        yield from _by_posting(line, what)
    elif line.fate is Fate.HELD and line.erp is not None:
        told = f"the ERP has a {what} of {line.erp} for it, and our journal says that it waits: {line.why}"
        yield _drift(line, DriftKind.ONLY_IN_ERP, line.erp, told)


def _by_posting(line: Line, what: str) -> Iterator[Drift]:
    assert line.received is not None  # asked by _by_erp
    posted = line.posted or Money.zero(line.currency)
    if line.erp is None:
        told = f"our journal says that {posted} stands in the ERP; it has no such {what}, or it is voided there"
        yield _drift(line, DriftKind.NOT_IN_ERP, -posted, told)
    elif line.erp != posted:
        told = f"our journal says that {posted} stands in the ERP; the {what} there is of {line.erp}"
        yield _drift(line, DriftKind.ERP_DIFFERS, line.erp - posted, told)
    if rest := _contradicting(line):
        given = f", and {line.refunded} was given back" if line.refunded else ""
        told = f"{line.received} was received and {posted} was posted of it{given}"
        yield _drift(line, DriftKind.POSTED_OTHERWISE, -rest, told)


def _contradicting(line: Line) -> Money:
    """What of a posted line is neither posted nor given back; minus: what was posted too much."""
    zero = Money.zero(line.currency)
    rest = (line.received or zero) - (line.posted or zero)
    return rest - min(max(rest, zero), line.refunded or zero)


def _drift(line: Line, kind: DriftKind, amount: Money, reason: str) -> Drift:
    return Drift(kind, line.side, line.currency, line.entity, line.id, amount, reason)


def _unexplained(one: ClearingTie) -> Drift:
    told = (
        f"with this day the clearing account moved by {one.arose} that nobody can explain; on {one.on} it holds "
        f"{one.ledger}, and by the processor and all named items it should hold {one.expected}"
    )
    record = f"clearing {one.currency}"
    return Drift(DriftKind.CLEARING, Side.PROCESSOR, one.currency, one.entity, record, one.arose, told)


# ---- sums ----

_Key = tuple[Side, str, str]
# Into what a received sum is divided.
_SUMS = ("posted", "held", "given_back", "returned", "left", "drifting")


def _grouped(lines: Sequence[Line]) -> dict[_Key, list[Line]]:
    found: dict[_Key, list[Line]] = {}
    for line in lines:
        found.setdefault((line.side, line.currency, line.entity), []).append(line)
    return found


def _tie(key: _Key, lines: Sequence[Line]) -> Tie:
    side, currency, entity = key
    zero = Money.zero(currency)
    sums, counts = dict.fromkeys(("received", *_SUMS), zero), dict.fromkeys(_SUMS, 0)
    for line in lines:
        parts = dict(_parts(line))
        sums["received"] += parts.pop("received")
        for name, amount in parts.items():
            sums[name] += amount
        counts[max(parts, key=lambda name: abs(parts[name].minor))] += 1
    in_erp = Money.total((line.erp for line in lines if line.erp is not None), currency)
    counted = tuple((name, count) for name, count in counts.items() if count)
    return Tie(side, currency, entity, len(lines), counted, **sums, in_erp=in_erp)


def _parts(line: Line) -> Iterator[tuple[str, Money]]:
    """What the line adds to which sum. What our journal doesn't know is received, and drifts."""
    zero = Money.zero(line.currency)
    if line.received is None:
        yield "received", line.source or zero
        yield "drifting", line.source or zero
        return
    yield "received", line.received
    if line.fate is Fate.POSTED:
        posted, drifting = line.posted or zero, _contradicting(line)
        yield "posted", posted
        yield "drifting", drifting
        yield "given_back", line.received - posted - drifting
    elif line.fate is Fate.RETURNED:
        yield "returned", line.received
    else:
        waits, given = _open(line)
        yield "left" if line.fate is Fate.LEFT else "held", waits
        yield "given_back", given


def _open(line: Line) -> tuple[Money, Money]:
    """Of what isn't posted: what waits, and what was given back."""
    received = line.received or Money.zero(line.currency)
    given = (
        min(received, line.refunded or Money.zero(line.currency)) if received.minor > 0 else Money.zero(line.currency)
    )
    return received - given, given


def _waiting(lines: Sequence[Line]) -> Iterator[Waiting]:
    found: dict[tuple[Side, str, str, Fate, str], list[Money]] = {}
    for line in lines:
        if line.received is not None and line.fate in (Fate.HELD, Fate.LEFT, Fate.RETURNED):
            amount = line.received if line.fate is Fate.RETURNED else _open(line)[0]
            if amount:
                found.setdefault((line.side, line.currency, line.entity, line.fate, line.why), []).append(amount)
    for (side, currency, entity, fate, why), some in found.items():
        yield Waiting(side, currency, entity, fate, why, len(some), Money.total(some, currency))
