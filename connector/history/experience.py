"""What `connector match` asks for: the replay, people's judgements, classes of evidence, aliases.

Each change is one short commit of its own, beside the daemon, which goes by it from its next pass on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from connector.decisions import teaching
from connector.decisions.payer import AliasKind
from connector.errors import Terminal
from connector.history import agreement, learned
from connector.history.agreement import Said, Tell
from connector.policy import Policy
from connector.ports import Erp
from connector.receivables import Rung
from connector.reports import AliasRow, DisagreementRow, EvidenceReport, HistoryReport
from connector.store import Store


@dataclass(frozen=True, slots=True)
class Experience:
    """`erp` is asked by `look_back` only. What a person may not do, or what isn't there, is Terminal."""

    store: Store
    policy: Callable[[], Policy]
    erp: Callable[[], Erp]
    zone: tzinfo

    def look_back(self, months: int, tell: Tell) -> HistoryReport:
        """Replay the payments of so many months up to today; `tell` hears of each part."""
        today = self.store.clock.now().astimezone(self.zone).date()
        return agreement.look_back(self.erp(), self.store, self.policy(), today, months, tell)

    def last(self) -> HistoryReport | None:
        """What the last replay found, with people's judgements since; None if there was none."""
        with self.store.read() as tx:
            return agreement.last(tx)

    def judge(self, payment: str, said: Said, who: str, reason: str) -> DisagreementRow:
        """A person says who was right about a past payment."""
        approvals = self.policy().approvals
        with self.store.tx() as tx:
            rung = agreement.disagreement(tx, payment).evidence
            if why_not := teaching.why_not_judge(approvals, who, Rung(rung)):
                raise Terminal(f"Nothing was judged: {why_not}.")
            return agreement.judge(tx, payment, said, who, reason)

    def classes(self) -> EvidenceReport:
        policy = self.policy()
        with self.store.read() as tx:
            return learned.classes(tx, policy, self.store.clock.now())

    def lift(self, rung: Rung, who: str, reason: str) -> None:
        policy = self.policy()
        with self.store.tx() as tx:
            learned.lift(tx, policy, rung, who, reason)

    def aliases(self) -> tuple[AliasRow, ...]:
        with self.store.read() as tx:
            return learned.aliases(tx)

    def teach(self, kind: AliasKind, customer_id: str, who: str, *, key: str = "", payment: str = "") -> AliasRow:
        policy = self.policy()
        with self.store.tx() as tx:
            return learned.teach(tx, policy, kind, customer_id, who, key=key, payment_id=payment)

    def confirm(self, alias_id: int, who: str) -> AliasRow:
        policy = self.policy()
        with self.store.tx() as tx:
            return learned.confirm(tx, policy, alias_id, who)

    def remove(self, alias_id: int, who: str) -> None:
        with self.store.tx() as tx:
            learned.remove(tx, alias_id, who)
