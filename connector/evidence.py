"""`connector evidence`: what an auditor asks of a period (RULES 8), and people's word on the sample.

Completeness is the three-way proof of the whole period, asked of every book now; the rest is the store's own record,
and the general ledger by the report's own reading of the accounts.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo

from connector import daily_proof
from connector.decisions import teaching
from connector.errors import ConfigError, Terminal
from connector.parts import Parts
from connector.policy import Approvals, Policy
from connector.receivables import Rung
from connector.reports import BalanceRow, Report
from connector.reports_proof import (
    BooksRow,
    OverrideRow,
    PeriodEvidence,
    PolicyRow,
    ProofReport,
    ProvedDayRow,
    RoleRow,
    SampleRow,
)
from connector.store import Store, Tx, auditing, policies, proving, verdicts
from connector.store.auditing import Posted
from connector.store.proving import KeptProof

SAMPLE_OF = 25


def month_of(month: date) -> tuple[date, date]:
    """Its first and last day."""
    last = calendar.monthrange(month.year, month.month)[1]
    return month.replace(day=1), month.replace(day=last)


def proof_of(parts: Parts, day: date | None, now: datetime) -> ProofReport:
    """The proof of one day, without one of yesterday, as it is now. ConfigError for a day to come."""
    today = parts.today(now)
    day = day or today - timedelta(days=1)
    if day > today:
        raise ConfigError(f"{day} has not come yet: nothing can be proved of it.")
    verdict = daily_proof.prove(parts, day, day, now)
    with parts.store.read() as tx:
        kept = next(iter(proving.kept(tx, day, day)), None)
        shown_at = _shown_at(tx, kept) if kept else None
    return ProofReport(
        day=day,
        as_of=now,
        installation=parts.installation,
        erp=parts.erp.name,
        policy_version=parts.policy.version,
        verdict=verdict,
        made_at=kept.made_at if kept else None,
        shown_at=shown_at,
    )


def collect(parts: Parts, month: date, now: datetime, ledger: Report) -> PeriodEvidence:
    """The evidence of a month, or of what there is of it; `ledger` is the report of its last day."""
    first_on, last_on = month_of(month)
    last_on = min(last_on, parts.today(now))
    if first_on > last_on:
        raise ConfigError(f"{month:%Y-%m} has not begun: there is nothing to show of it.")
    books = daily_proof.prove(parts, first_on, last_on, now)
    start, end = (datetime.combine(on, time(), parts.zone) for on in (first_on, last_on + timedelta(days=1)))
    with parts.store.read() as tx:
        posted = auditing.posted_by_itself(tx, start, end)
        return PeriodEvidence(
            first_on=first_on,
            last_on=last_on,
            as_of=now,
            installation=parts.installation,
            erp=parts.erp.name,
            policy_version=parts.policy.version,
            books=books,
            days=_days(tx, first_on, min(last_on, parts.today(now) - timedelta(days=1))),
            receivables=_rows(ledger.control),
            clearing=_rows(ledger.clearing),
            overrides=tuple(
                OverrideRow(one.at, one.what, one.who, one.role, one.second, one.record, one.reason)
                for one in auditing.decided(tx, start, end)
            ),
            policies=_policies(tx, start, end),
            roles=_roles(policies.counting(tx, parts.policy)),
            sample=tuple(map(_sampled, _sample(parts.installation, first_on, posted))),
            drawn_from=len(posted),
            trouble=ledger.trouble,
        )


def _days(tx: Tx, first_on: date, last_on: date) -> tuple[ProvedDayRow, ...]:
    """Every day of the period that is over, proved or not."""
    kept = {one.verdict.day: one for one in proving.kept(tx, first_on, last_on)}
    found = []
    for number in range((last_on - first_on).days + 1):
        day = first_on + timedelta(days=number)
        if one := kept.get(day):
            what = one.verdict
            counts = (len(what.drifts), len(what.unfinished))
            found.append(ProvedDayRow(day, what.outcome.value, *counts, one.made_at, _shown_at(tx, one)))
        else:
            found.append(ProvedDayRow(day, "", 0, 0, None, None))
    return tuple(found)


def _shown_at(tx: Tx, one: KeptProof) -> datetime | None:
    """Since when the ERP shows it; None also where it refused the record, which isn't asked for again."""
    refused = f"flag_refused:proof {one.verdict.day}" in verdicts.open_of_kind(tx, "flag_refused")
    return None if refused else one.written_at


def _rows(rows: Iterable[BalanceRow]) -> tuple[BooksRow, ...]:
    return tuple(BooksRow(one.on, one.currency, one.subsidiary, one.line, one.label, one.amount) for one in rows)


def _policies(tx: Tx, start: datetime, end: datetime) -> tuple[PolicyRow, ...]:
    return tuple(
        PolicyRow(one.version, one.proposed_by, one.proposed_at, one.approved_by, one.approved_at, one.first_used_at)
        for one in policies.versions(tx)
        if any(at and start <= at < end for at in (one.proposed_at, one.approved_at, one.first_used_at))
    )


def _roles(approvals: Approvals) -> tuple[RoleRow, ...]:
    """Person by person; a role that nobody has is listed too."""
    roles = {one.name: one for one in approvals.roles}
    held = [*approvals.people, *(("", name) for name in roles if name not in {role for _, role in approvals.people})]
    found = []
    for who, name in held:
        role = roles.get(name)
        may = sorted(deed.value for deed in role.may) if role else []
        if role and role.confirms_bank_accounts:
            may.append("confirm bank accounts")
        if role and role.approves_policy:
            may.append("approve the policy")
        found.append(RoleRow(who, name, tuple(may), role.amount_max if role else ()))
    return tuple(found)


# ---- the sample ----


def _sample(installation: str, first_on: date, posted: tuple[Posted, ...]) -> tuple[Posted, ...]:
    return auditing.drawn(posted, f"{installation}|{first_on:%Y-%m}", SAMPLE_OF)


def _sampled(one: Posted) -> SampleRow:
    return SampleRow(
        act=one.act,
        payment=one.payment,
        erp_id=one.erp_id,
        customer=one.customer,
        amount=one.amount,
        posted_at=one.posted_at,
        evidence=one.rung,
        equation=one.equation,
        judgement=one.judgement,
        judged_by=one.judged_by,
        why=one.why,
    )


def sign_off(
    store: Store,
    installation: str,
    policy: Policy,
    zone: tzinfo,
    month: date,
    act: str,
    is_right: bool,
    who: str,
    reason: str,
) -> SampleRow:
    """A person judged one posting of the month's sample. Terminal if they may not, or if it isn't in the sample."""
    first_on, last_on = month_of(month)
    start, end = (datetime.combine(on, time(), zone) for on in (first_on, last_on + timedelta(days=1)))
    if store.clock.now() < end:
        raise Terminal(f"{month:%Y-%m} isn't over: its sample still changes. Nothing was signed off.")
    with store.tx() as tx:
        drawn = _sample(installation, first_on, auditing.posted_by_itself(tx, start, end))
        one = next((some for some in drawn if act in (some.act, some.payment)), None)
        if one is None:
            raise Terminal(f"{act} is not in the sample of {month:%Y-%m}. Nothing was signed off.")
        if why_not := teaching.why_not_judge(policies.counting(tx, policy), who, Rung(one.rung)):
            raise Terminal(f"Nothing was signed off: {why_not}.")
        auditing.sign(tx, one, is_right, who, reason)
        after = auditing.posted_by_itself(tx, start, end)
    return _sampled(next(some for some in after if some.act == one.act))
