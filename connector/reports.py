"""What the commands show: frozen values, the same for people and for programs.

The service (wiring, daemon) makes them, `cli.py` prints them. Amounts are Money, instants aware UTC. A customer is
named by its ERP id, a mail address by its domain only, so that a report can be pasted into a ticket.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import PurePath
from typing import Any

from connector.money import Money
from connector.reports_policy import Card, SegmentRow


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one tick did, as counts. `unfinished` acts finish by themselves; `differences` need a person.

    `troubles` are sentences: what the outside could not give or take in this tick, each tried again by the next one.
    """

    read: int = 0
    matched: int = 0
    exceptions: int = 0
    posted: int = 0
    closed: int = 0
    cancelled: int = 0
    sent: int = 0
    held: int = 0
    parked: int = 0
    unfinished: int = 0
    differences: int = 0
    seconds: float = 0.0
    troubles: tuple[str, ...] = ()
    alarm: str = ""  # why nothing is sent or posted at all until a person looked
    clamped: str = ""  # why what is auto ran as suggest


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """Part of a payment on one invoice, by the invoice's number."""

    invoice: str
    amount: Money


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One payment and what it pays, with the rung of the matcher that proved it."""

    payment: str
    customer: str
    amount: Money
    applied: tuple[AppliedRow, ...]
    rung: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """Something that only a person can decide: what, why, the explanations that fit equally well, what to do."""

    kind: str
    record: str
    customer: str
    amount: Money | None
    reason: str
    explanations: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """One reminder that is due: may it leave, and if not, why?"""

    invoice: str
    customer: str
    step: str
    to_domain: str
    amount: Money
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a tick would do now; nothing was written."""

    as_of: datetime
    policy_version: str
    post: str
    send: str
    matches: tuple[MatchRow, ...] = ()
    exceptions: tuple[ExceptionRow, ...] = ()
    reminders: tuple[ReminderRow, ...] = ()


# ---- the approval queue ----


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """One way to divide a payment: what is suggested (number 0), or one explanation of an exception (from 1 on).

    `seen` stands for all of it: who answers with it answers this and nothing else.
    """

    number: int
    text: str
    applied: tuple[AppliedRow, ...]
    seen: str
    credits: tuple[AppliedRow, ...] = ()  # memos that are used beside it, by their number
    unapplied: Money | None = None


@dataclass(frozen=True, slots=True)
class AnswererRow:
    """Somebody who may answer, by the policy: `may` is approve, edit, reject."""

    who: str
    role: str
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One payment that waits for a person. `kind` is its class of evidence, or what kind of exception it is.

    `considered` says what else was looked at and why it lost; `waits` why a match is only suggested; `asked` what
    somebody has asked for already and the daemon hasn't acted on yet, `answered` what came of what was asked before.
    """

    payment: str
    customer: str
    amount: Money  # what is to be divided
    received_on: date
    age_days: int
    standing: str  # suggested or exception
    kind: str
    reason: str
    choices: tuple[ChoiceRow, ...] = ()
    considered: tuple[str, ...] = ()
    waits: str = ""
    payer: str = ""  # as the bank wrote it
    text: str = ""  # what the payer wrote
    may_answer: tuple[AnswererRow, ...] = ()
    asked: str = ""
    answered: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class QueueReport:
    """What waits for a person's answer now, the oldest money first."""

    as_of: datetime
    policy_version: str
    post: str
    rows: tuple[QueueRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """What a person asks for: a deed (approve, edit, reject) on one payment, amounts as they were typed."""

    deed: str
    payment: str
    seen: str = ""  # of the choice that the person looked at; '': as it stands
    choice: int = 0
    parts: tuple[tuple[str, str], ...] = ()  # invoice number -> amount
    credits: tuple[tuple[str, str], ...] = ()  # credit memo number -> amount
    unapplied: str = ""
    other_customer: bool = False
    held: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Was it taken down for the daemon? `text` is what will be recorded, or why nothing was asked."""

    payment: str
    amount: Money | None
    accepted: bool
    text: str


@dataclass(frozen=True, slots=True)
class LineRow:
    id: str
    description: str
    amount: Money
    disputed: bool = False
    dispute_reason: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice as the last read of the ERP showed it."""

    id: str
    number: str
    customer: str
    state: str
    amount: Money
    balance: Money
    askable: Money
    issued_on: date
    due_on: date
    days_past_due: int
    terms: str = ""
    hold_reason: str = ""
    lines: tuple[LineRow, ...] = ()
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReminderStateRow:
    """One step of the invoice's cadence and why it is in this state."""

    step: str
    due_on: date
    state: str
    reason: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One standing verdict; `since` is when its outcome or its inputs last changed."""

    question: str
    outcome: str
    reason: str
    since: datetime
    policy_version: str = ""


@dataclass(frozen=True, slots=True)
class ErpRecordRow:
    """One record of an act in the ERP. `is_seen`: a read-back found it there; its ERP id may still be unknown here."""

    kind: str
    external_id: str
    state: str
    erp_id: str = ""
    is_seen: bool = False


@dataclass(frozen=True, slots=True)
class ActRow:
    """One closing act with all its ERP records; `problem` says what keeps it from its end, or how it ended."""

    id: str
    state: str
    matched_at: datetime
    closed_at: datetime | None = None
    records: tuple[ErpRecordRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment that touches the invoice. `equation` shows the cents: '45.00 = 40.00 INV-1 + 5.00 INV-2'.

    `state` is of the part on this invoice: intended, posted, released (the ERP refused it), or suggested.
    """

    id: str
    received_on: date
    amount: Money
    applied: Money
    equation: str
    rung: str = ""
    reason: str = ""
    act: ActRow | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class JournalRow:
    at: datetime
    event: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known of one invoice and why it is as it is; `exceptions`: the open ones that concern it.

    `card` is the short answer; None where the policy file could not be read. `segments` are those
    that were asked, in the policy's order, up to the one that fits.
    """

    as_of: datetime
    invoice: InvoiceRow
    card: Card | None = None
    segments: tuple[SegmentRow, ...] = ()
    reminders: tuple[ReminderStateRow, ...] = ()
    verdicts: tuple[VerdictRow, ...] = ()
    payments: tuple[PaymentRow, ...] = ()
    timeline: tuple[JournalRow, ...] = ()
    exceptions: tuple[ExceptionRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentExplanation:
    """Everything that is known of one payment: what it pays, by which evidence, what else was looked at and lost.

    `verdict` is what matching says of it now: a class of evidence or the kind of exception. `waits` is why a match is
    not posted; `trust` how often its class of evidence was right. `parts` are what is applied, suggested or was taken
    back, each with its state.
    """

    as_of: datetime
    payment: str
    source: str
    customer: str
    payer_by: str
    amount: Money
    left: Money
    received_on: date
    state: str
    standing: str
    remittance: str
    verdict: str = ""
    reason: str = ""
    equation: str = ""
    since: datetime | None = None
    policy_version: str = ""
    waits: str = ""
    trust: str = ""
    considered: tuple[str, ...] = ()
    parts: tuple[PartRow, ...] = ()
    acts: tuple[ActRow, ...] = ()
    exceptions: tuple[ExceptionRow, ...] = ()
    timeline: tuple[JournalRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PartRow:
    """What of a payment is meant for one invoice, by the invoice's number."""

    invoice: str
    amount: Money
    state: str  # intended, posted, released, undone or suggested


@dataclass(frozen=True, slots=True)
class AgeingRow:
    """Open amounts of one currency (and subsidiary, where the ERP tells; `all` of them together) by days past due."""

    currency: str
    invoice_count: int
    not_due: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    days_over_90: Money
    total: Money
    subsidiary: str = ""


@dataclass(frozen=True, slots=True)
class PausedRow:
    """What people keep from being asked for, by kind of pause and currency, and by days since each began.

    `without_owner` and `without_end` count those that only the policy gives one.
    """

    kind: str
    currency: str
    count: int
    days_0_7: Money
    days_8_30: Money
    days_31_60: Money
    days_over_60: Money
    total: Money
    without_owner: int
    without_end: int
    past_end: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its formula. None is 'n/a': the denominator is zero or nothing has happened yet."""

    name: str
    value: Decimal | Money | None
    formula: str
    unit: str = ""
    currency: str = ""
    subsidiary: str = ""


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One line of a balance that must come out: `line` names it for programs, `label` for people.

    The lines above one called `expected` add up to it; `unexplained` is what is left when the account is held against
    it. `ids` are a few of the records behind the amount.
    """

    on: date
    currency: str
    subsidiary: str
    line: str
    label: str
    amount: Money
    count: int | None = None
    ids: tuple[str, ...] = ()


class Source(StrEnum):
    """Where ageing and measures of receivables come from."""

    ERP = "erp"  # its documents, asked for this report
    STORE = "store"  # what the store remembers of the last read


@dataclass(frozen=True, slots=True)
class Report:
    """How the book stands on a day, and what moved it since `first_on`; `read_at` is when a pass last read the ERP.

    `trouble` is why the ERP could not be asked: then everything is what the store knows. `control` holds the ageing
    against the AR control accounts, `clearing` is the latest clearing proof, `opening` how the book stood at its first
    (RULES 1.11). `paused` is what people keep back now. `notes` say what the words in the formulas mean.
    """

    on: date
    as_of: datetime
    ageing: tuple[AgeingRow, ...] = ()
    measures: tuple[Measure, ...] = ()
    read_at: datetime | None = None
    first_on: date | None = None
    months: int = 0
    source: Source = Source.STORE
    trouble: str = ""
    control: tuple[BalanceRow, ...] = ()
    clearing: tuple[BalanceRow, ...] = ()
    opening: tuple[BalanceRow, ...] = ()
    notes: tuple[str, ...] = ()
    paused: tuple[PausedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One class of evidence on the replayed past. `wrong` and `right` were judged by a person, `unjudged` are left."""

    evidence: str
    agreed: int
    differed: int
    right: int = 0
    wrong: int = 0
    unjudged: int = 0


@dataclass(frozen=True, slots=True)
class CountRow:
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class DisagreementRow:
    """One past payment that we would have applied otherwise than people did. `judgement`: ours, theirs, neither or ''.

    `text` is what the payment says of itself in the ERP.
    """

    payment: str
    customer: str
    received_on: date
    amount: Money
    evidence: str
    ours: tuple[AppliedRow, ...]
    theirs: tuple[AppliedRow, ...]
    equation: str
    reason: str
    text: str
    judgement: str = ""
    judged_by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What we would have said of the payments received in a period, held against what people did with them.

    `asked`: we would have asked a person, by the kind of exception. `left` were applied by nobody to anything that was
    open then. Payments that a connector made are left out. `is_precision`: every disagreement was judged.
    """

    as_of: datetime
    first_on: date
    last_on: date
    payments: int
    agreed: int
    differed: int
    left: int
    parked: int
    policy_version: str
    classes: tuple[AgreementRow, ...] = ()
    asked: tuple[CountRow, ...] = ()
    disagreements: tuple[DisagreementRow, ...] = ()
    is_precision: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One class of evidence: does it post by itself, and how often was it right? `needed` None: no count reaches it."""

    evidence: str
    is_proof: bool
    is_on: bool
    may_post: bool
    right: int
    wrong: int
    unjudged: int
    lower_bound: Decimal
    needed: int | None
    is_proposed: bool
    reason: str
    demoted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    as_of: datetime
    policy_version: str
    precision_min: Decimal
    rows: tuple[EvidenceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AliasRow:
    """What a person taught of a payer. `state`: active, unconfirmed, contradicted or customer_gone."""

    id: int
    kind: str
    key: str
    customer: str
    state: str
    taught_by: str
    taught_at: datetime
    learned_from: str = ""
    confirmed_by: str = ""


def plain(value: Any) -> Any:
    """The report as JSON can hold it: amounts as a decimal string and a currency, days and instants as ISO 8601."""
    if isinstance(value, Money):
        return {"amount": value.plain(), "currency": value.currency}
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def as_json(value: Any) -> str:
    """One JSON document; its keys are the field names of this page, in this order."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)
