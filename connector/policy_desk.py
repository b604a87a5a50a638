"""What `connector policy` asks for: the policy file checked against the book, its segments, its versions and approvals.

Needs the store, the files and the mail settings only, never the outside: a policy is looked at on the book as it was
last read. Each change is one short commit beside the daemon, which goes by it from its next pass on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from connector import mapping
from connector.decisions import policy_approval
from connector.errors import Terminal
from connector.lint import LintFinding, Listed, Severity, Survey, in_short, look
from connector.money import Money
from connector.policy import DEFAULT, EMAIL, Policy, PolicyApproval, Segment, Step
from connector.policy_changes import KeyChange, changes
from connector.policy_file import read_policy
from connector.ports import Channel
from connector.store import Store, Tx, policies
from connector.store.policies import PolicyVersion


@dataclass(frozen=True, slots=True)
class FindingRow:
    """`where` is file, line and key."""

    severity: Severity
    check: str
    where: str
    what: str
    remedy: str
    listed: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    as_of: datetime
    file: str
    version: str
    red: int
    yellow: int
    findings: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment with what is in it now; `steps` as '+7 firm', with the channel where that isn't e-mail."""

    name: str
    reason: str
    invoices: int
    amounts: tuple[Money, ...]
    cadence: str
    steps: tuple[str, ...]
    post: str
    send: str
    backlog: str
    escalation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the policy file stands; `blocked`: why it may not run `auto`, '' if it may."""

    version: str
    in_use: str
    approved: str
    proposed_by: str
    approvers: tuple[str, ...]
    blocked: str
    changes: tuple[KeyChange, ...]  # since the version approved last; everything is new where none was


@dataclass(frozen=True, slots=True)
class PolicyReport:
    as_of: datetime
    standing: Standing
    segments: tuple[SegmentRow, ...]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version; `changes` since the one that was kept before it."""

    version: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None
    first_used_at: datetime | None
    is_in_use: bool
    is_approved: bool
    is_in_file: bool
    changes: tuple[KeyChange, ...]


@dataclass(frozen=True, slots=True)
class PolicyDesk:
    """`file` is the installation's policy.yaml, `channels` show messages by the texts of a folder of mappings. What a
    person may not do is Terminal.
    """

    store: Store
    file: Path
    channels: Callable[[Path], Mapping[str, Channel]]
    zone: tzinfo

    # ---- look ----

    def check(self, file: Path | None = None) -> CheckReport:
        """The linter's findings about this file, or the installation's own. Of the version in use they decide from now
        on whether it may run `auto`. A draft goes by the templates beside it, or else by the installation's.
        """
        path = file or self.file
        folder = path.parent if (path.parent / "templates").is_dir() else self.file.parent
        policy, document = read_policy(path, folder / "templates"), mapping.read(path)
        with self.store.read() as tx:
            found = look.look(tx, policy, self.channels(folder), tx.at.astimezone(self.zone).date())
        with self.store.tx() as tx:
            if folder == self.file.parent and policies.in_use(tx) in ("", policy.version):
                policies.put_red(tx, policy.version, in_short(found))
        reds = sum(one.severity is Severity.RED for one in found)
        rows = tuple(_row(one, document) for one in found)
        return CheckReport(tx.at.astimezone(self.zone), str(path), policy.version, reds, len(found) - reds, rows)

    def show(self) -> PolicyReport:
        """Where the file stands, and its segments on today's book."""
        policy, text = self._read()
        with self.store.read() as tx:
            survey = Survey(policy, look.book_now(tx, policy, tx.at.astimezone(self.zone).date()))
            segments = tuple(_segment(one, policy, survey) for one in (*policy.segments, Segment(DEFAULT)))
            return PolicyReport(tx.at.astimezone(self.zone), _standing(tx, policy, text), segments)

    def standing(self) -> Standing:
        policy, text = self._read()
        with self.store.read() as tx:
            return _standing(tx, policy, text)

    def versions(self) -> tuple[VersionRow, ...]:
        """All that were proposed or used here, the latest first."""
        policy, _ = self._read()
        with self.store.read() as tx:
            kept, in_use, approved = policies.versions(tx), policies.in_use(tx), policies.approved_version(tx)
        before = (*kept[1:], None)
        return tuple(
            _version(one, last, in_use, approved, policy.version) for one, last in zip(kept, before, strict=False)
        )

    # ---- change ----

    def propose(self, who: str, note: str = "") -> Standing:
        """Answer for what the file says now, and ask for its approval."""
        policy, text = self._read()
        with self.store.tx() as tx:
            kept = policies.propose(tx, policy.version, text, who, note)
            if kept.proposed_by != who:
                raise Terminal(
                    f"Nothing was proposed: policy {policy.version} was proposed by {kept.proposed_by} already."
                )
            return _standing(tx, policy, text)

    def approve(self, version: str, who: str, reason: str = "") -> Standing:
        """Let this version run `auto`; the file must still say what was looked at."""
        policy, text = self._read()
        if policy.version != version:
            raise Terminal(
                f"Nothing was approved: {self.file.name} changed while it was looked at; it is {policy.version} now."
            )
        with self.store.tx() as tx:
            kept = policies.find(tx, version)
            if policies.counting(tx, policy).policy is PolicyApproval.ONE_PERSON and not (kept and kept.proposed_by):
                policies.propose(tx, version, text, who)
            verdict = policies.approve(tx, version, who, policy, reason)
            if not verdict.allowed:
                raise Terminal(f"Nothing was approved: {verdict.text}.")
            return _standing(tx, policy, text)

    def _read(self) -> tuple[Policy, str]:
        return read_policy(self.file), self.file.read_text(encoding="utf-8")


def _row(one: LintFinding, document: mapping.Document) -> FindingRow:
    key = mapping.dotted(one.where).rstrip(": ")
    where = f"{document.path.name} line {document.line(one.where)}: {key}" if one.where else ""
    return FindingRow(one.severity, one.check.value, where, one.what, one.remedy, one.listed)


def _segment(one: Segment, policy: Policy, survey: Survey) -> SegmentRow:
    of, inside = policy.of(one.name), survey.segments[one.name].inside
    return SegmentRow(
        one.name,
        one.reason,
        inside.count,
        inside.amounts,
        one.cadence,
        tuple(_step(step) for step in of.steps),
        of.post.value,
        of.send.value,
        of.backlog.value,
        tuple(rule.name for rule in of.escalation),
    )


def _step(step: Step) -> str:
    return f"{step.name} {step.template}" + ("" if step.channel == EMAIL else f" by {step.channel}")


def _standing(tx: Tx, policy: Policy, text: str) -> Standing:
    kept, approved = policies.find(tx, policy.version), policies.approved_version(tx)
    last = policies.find(tx, approved)
    return Standing(
        policy.version,
        policies.in_use(tx),
        approved,
        kept.proposed_by if kept else "",
        policy_approval.approvers(policies.counting(tx, policy)),
        policies.blocked(tx, policy),
        changes(mapping.plain(last.text) if last else {}, mapping.plain(text)),
    )


def _version(one: PolicyVersion, before: PolicyVersion | None, in_use: str, approved: str, in_file: str) -> VersionRow:
    return VersionRow(
        one.version,
        one.proposed_by,
        one.proposed_at,
        one.approved_by,
        one.approved_at,
        one.first_used_at,
        one.version == in_use,
        one.version == approved,
        one.version == in_file,
        changes(mapping.plain(before.text), mapping.plain(one.text)) if before else (),
    )
