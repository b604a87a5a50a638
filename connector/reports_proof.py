"""What `connector proof` and `connector evidence` answer.

Frozen values, the same for people and for programs; `reports.as_json` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from connector.decisions.three_way import DayVerdict
from connector.money import Money


@dataclass(frozen=True, slots=True)
class ProofReport:
    """The proof of a day as it is just now; `shown_at`: since when the ERP shows one, as it was made at `made_at`."""

    day: date
    as_of: datetime
    installation: str
    erp: str
    policy_version: str
    verdict: DayVerdict
    made_at: datetime | None = None
    shown_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProvedDayRow:
    """One day of the period and what its own proof came to; '' if none was made."""

    day: date
    outcome: str
    drifts: int
    unfinished: int
    made_at: datetime | None
    shown_at: datetime | None


@dataclass(frozen=True, slots=True)
class BooksRow:
    """One line of what ties an account: AR to the general ledger, or clearing to the processor."""

    on: date
    currency: str
    entity: str
    line: str
    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """Something that a person decided over the machine, or let it do: `second` is who approved or confirmed it."""

    at: datetime
    what: str
    who: str
    role: str
    second: str
    record: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A version of the policy that was proposed, approved or first used in the period."""

    version: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None
    first_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class RoleRow:
    """Who may decide what, by the policy in use: `up_to` is the most that one decision may be about."""

    who: str
    role: str
    may: tuple[str, ...]
    up_to: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One posting that no person approved, drawn for a person to judge; `judgement` is '' until somebody has."""

    act: str
    payment: str
    erp_id: str
    customer: str
    amount: Money
    posted_at: datetime
    evidence: str
    equation: str
    judgement: str = ""
    judged_by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class PeriodEvidence:
    """What an auditor asks of a period (RULES 8). `books` is the proof of the whole period, asked of every book now.

    `drawn_from`: how many postings the sample was drawn from. `trouble`: why the general ledger couldn't be asked.
    """

    first_on: date
    last_on: date
    as_of: datetime
    installation: str
    erp: str
    policy_version: str
    books: DayVerdict
    days: tuple[ProvedDayRow, ...]
    receivables: tuple[BooksRow, ...]
    clearing: tuple[BooksRow, ...]
    overrides: tuple[OverrideRow, ...]
    policies: tuple[PolicyRow, ...]
    roles: tuple[RoleRow, ...]
    sample: tuple[SampleRow, ...]
    drawn_from: int
    trouble: str = ""
