"""The versions of the policy: who proposed each, who approved it, when it was first used.

Exactly one version may run `auto`: the one that was approved last. Going back to an older one is a change like any
other, since what it allowed was taken back meanwhile. The approvals that count for the next change are kept as a value
from the last approval, so that neither an edited file nor a later release's format changes who may approve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from connector.decisions import policy_approval
from connector.decisions.policy_approval import ApprovingVerdict
from connector.policy import Approvals, Policy
from connector.store import Tx, parse_instant, restoring
from connector.store import tables as t
from connector.store.book import from_json, to_json

# Settings: the version that runs, the one approved last, whose approvals count, and why `auto` is red ('' if it isn't).
IN_USE, APPROVED, COUNTING, RED = "policy_in_use", "policy_approved", "policy_approvals", "policy_red"
# Not to have looked is no clean bill: the first pass of a version looks.
NOT_LOOKED = "it was not held against this book yet"


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """`text` is the file as it stood; `first_used_at` None: it never ran here."""

    version: str
    text: str
    proposed_by: str  # '': it was used or looked at, and nobody proposed it
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None
    first_used_at: datetime | None


def register(tx: Tx, version: str, text: str) -> None:
    """This version runs from now on. A change of it is told once, with who proposed and who approved the new one."""
    known = _ensure(tx, version, text)
    if known.first_used_at is None:
        _change(tx, version, first_used_at=tx.at_text)
    before = tx.get(IN_USE)
    if before != version:
        tx.set(IN_USE, version)
        tx.set(RED, NOT_LOOKED)
        tx.journal(
            "policy_changed",
            **{"from": before, "to": version, "who": known.proposed_by, "approved_by": known.approved_by},
        )


def propose(tx: Tx, version: str, text: str, who: str, note: str = "") -> PolicyVersion:
    """Somebody answers for this version and asks for its approval. The first to propose it stays its author, until it
    was approved: proposed again after that, it is a change back.
    """
    known = _ensure(tx, version, text)
    is_back = known.approved_at is not None and version != tx.get(APPROVED)
    if not known.proposed_by or is_back:
        _change(tx, version, text=text, proposed_by=who, proposed_at=tx.at_text, approved_by="", approved_at=None)
        tx.journal("policy_proposed", version=version, who=who, note=note)
    return _ensure(tx, version, text)


def approve(tx: Tx, version: str, who: str, policy: Policy, reason: str = "") -> ApprovingVerdict:
    """Approve this version if this person may; the verdict says why not. From this commit on it may run `auto`."""
    if policy.version != version:
        raise ValueError(f"the policy at hand is {policy.version}, not {version}")
    known = find(tx, version)
    author = known.proposed_by if known and not _is_superseded(tx, known) else ""
    verdict = policy_approval.decide(counting(tx, policy), policy.approvals, author, who)
    if verdict.allowed and version != tx.get(APPROVED):
        put_approved(tx, policy, who, reason)
    return verdict


def put_approved(tx: Tx, policy: Policy, who: str, reason: str = "") -> None:
    """Note the approval; whether the person may is `approve`'s question. LookupError for a version nobody kept yet."""
    if find(tx, policy.version) is None:
        raise LookupError(f"policy {policy.version} was never proposed or used here")
    _change(tx, policy.version, approved_by=who, approved_at=tx.at_text)
    before = tx.get(APPROVED)
    tx.set(APPROVED, policy.version)
    tx.set(COUNTING, to_json(policy.approvals))
    tx.journal("policy_approved", version=policy.version, before=before, who=who, reason=reason)


def blocked(tx: Tx, policy: Policy) -> str:
    """Why nothing may run `auto` under this policy now; '' if it may."""
    if restored := restoring.why_blocked(tx):
        return restored
    approved, red = approved_version(tx), tx.get(RED)
    if policy.version == approved:
        return red  # asked for before every message and every posting: the rest is read only where it counts
    known = find(tx, policy.version)
    author = known.proposed_by if known and not _is_superseded(tx, known) else ""
    return policy_approval.why_not_auto(policy.version, approved, author, counting(tx, policy), red)


def put_red(tx: Tx, version: str, why: str) -> None:
    """What the linter says of the version in use: why it may not run `auto`, '' if it may. A change is journaled."""
    before = "" if tx.get(RED) == NOT_LOOKED else tx.get(RED)
    tx.set(RED, why)
    if bool(before) is not bool(why):
        tx.journal("policy_red" if why else "policy_green", version=version, reason=why)


def counting(tx: Tx, policy: Policy) -> Approvals:
    """The approvals by which this policy may be approved: of the one approved last, else its own."""
    kept = tx.get(COUNTING)
    return from_json(Approvals, kept) if kept else policy.approvals


def find(tx: Tx, version: str) -> PolicyVersion | None:
    row = tx.execute(select(t.policy_version).where(t.policy_version.c.version == version)).mappings().first()
    return _version(row) if row else None


def approved_version(tx: Tx) -> str:
    """The version approved last; '' if none ever was."""
    return tx.get(APPROVED)


def in_use(tx: Tx) -> str:
    """The version that the daemon works by, or last worked by; '' if none ever ran."""
    return tx.get(IN_USE)


def versions(tx: Tx) -> tuple[PolicyVersion, ...]:
    """All of them, the latest first."""
    of = t.policy_version.c
    rows = tx.execute(select(t.policy_version).order_by(of.proposed_at.desc(), of.version)).mappings()
    return tuple(_version(row) for row in rows)


def _is_superseded(tx: Tx, known: PolicyVersion) -> bool:
    """Was it approved once, and another one since? Then whoever goes back to it proposes it anew."""
    return known.approved_at is not None and known.version != tx.get(APPROVED)


def _ensure(tx: Tx, version: str, text: str) -> PolicyVersion:
    if (known := find(tx, version)) is None:
        tx.execute(insert(t.policy_version).values(version=version, text=text, proposed_at=tx.at_text))
        known = PolicyVersion(version, text, "", tx.at, "", None, None)
    return known


def _change(tx: Tx, version: str, **values: Any) -> None:
    tx.execute(update(t.policy_version).where(t.policy_version.c.version == version).values(**values))


def _version(row: Any) -> PolicyVersion:
    return PolicyVersion(
        row["version"],
        row["text"],
        row["proposed_by"],
        parse_instant(row["proposed_at"]),
        row["approved_by"],
        parse_instant(row["approved_at"]) if row["approved_at"] else None,
        parse_instant(row["first_used_at"]) if row["first_used_at"] else None,
    )
