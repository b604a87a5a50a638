"""The people behind the machine: a CRM and a chat held in memory, beside the small book of `answers_cases`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from answers_cases import Case, LedgerErp

from connector import escalate, notices, pauses, plans, pull
from connector.errors import Transient
from connector.parts import Parts
from connector.policy import Policy
from connector.ports import Answer, CrmRead, Notice, Outcome, SendOutcome, SendResult
from connector.settlement import ArDocument, CrmAccount, CrmTask
from connector.store import Store

OWNED = CrmAccount(
    "A1",
    "C1",
    "Northfield Robotics",
    owner_id="U1",
    owner="Ana Gray",
    manager_id="U9",
    manager="Mona Hale",
)


@dataclass
class MemoryCrm:
    """A CRM that keeps each task once by its id; `done` are those that people closed."""

    name: str = "salesforce"
    is_test: bool = True
    accounts: list[CrmAccount] = field(default_factory=lambda: [OWNED])
    tasks: dict[str, CrmTask] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    is_down: bool = False
    refuses: bool = False

    def _reach(self) -> None:
        if self.is_down:
            raise Transient("The CRM does not answer.")

    def read_changed(self, cursor: str, now: datetime) -> CrmRead:
        self._reach()
        return CrmRead(now, now, "", tuple(self.accounts), is_whole=True)

    def write_tasks(self, tasks: Sequence[CrmTask]) -> tuple[Answer, ...]:
        self._reach()
        if self.refuses:
            return tuple(Answer(one.external_id, Outcome.REFUSED, message="no right to make tasks") for one in tasks)
        known = set(self.tasks)
        self.tasks = {**{one.external_id: one for one in tasks}, **self.tasks}
        return tuple(
            Answer(one.external_id, Outcome.EXISTS if one.external_id in known else Outcome.CREATED) for one in tasks
        )

    def read_done(self, external_ids: Sequence[str]) -> frozenset[str]:
        self._reach()
        self.asked.append(tuple(external_ids))
        return frozenset(self.done & set(external_ids))

    def check(self) -> tuple[Any, ...]:
        return ()


@dataclass
class MemoryChat:
    name: str = "chat"
    outcome: SendOutcome = SendOutcome.SENT
    detail: str = "answered with 200"
    posted: list[Notice] = field(default_factory=list)
    tried: int = 0

    def post(self, notice: Notice) -> SendResult:
        self.tried += 1
        if self.outcome is not SendOutcome.NOT_SENT:
            self.posted.append(notice)
        return SendResult(self.outcome, self.detail)

    def check(self) -> tuple[Any, ...]:
        return ()


class ErpWithoutPast(LedgerErp):
    """Nobody was billed before."""

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return ()


class PeopleCase(Case):
    """The small book, with a CRM and a chat. Either may be taken away."""

    def __init__(self, folder: Path, policy: Policy, where: str = "") -> None:
        super().__init__(folder, policy, where=where)
        self.erp = ErpWithoutPast(self.clock)
        self.crm: MemoryCrm | None = MemoryCrm()
        self.chat: MemoryChat | None = MemoryChat()

    def parts(self, store: Store | None = None) -> Parts:
        return replace(super().parts(store), crm=self.crm, chat=self.chat)

    def work(self, **later: int) -> None:
        """Let time pass, then all that people have a part in: a pass of the loop without cash and mail."""
        self.clock.at += timedelta(**later)
        parts, now = self.parts(), self.clock.at
        today = parts.today(now)
        pull.read_invoices(parts, now)
        pull.read_crm(parts, now)
        pauses.keep_pauses(parts, today)
        plans.plan_reminders(parts, today)
        escalate.escalate_invoices(parts, today)
        notices.tell(parts)

    @property
    def told(self) -> list[str]:
        return [one.text for one in self.chat.posted] if self.chat else []
