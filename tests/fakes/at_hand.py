"""The services beside the ERP without a wire between: what a simulated business needs thousands of days a minute of.

Stripe is the sandbox's own, asked by the real adapter through the vendor's own library, of which only the transport is
replaced. Channel and CRM are fakes of the ports; tests/contract/test_fakes_at_hand.py holds them to the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import stripe
from starlette.requests import Request

from connector.engine import Step
from connector.ports import Answer, CrmRead, Finding, Letter, Outcome, ReminderMail, SendOutcome, SendResult
from connector.settlement import CrmAccount, CrmTask
from sandbox.faults import Cut, Dropped, Silence
from sandbox.mailbox import Mailbox
from sandbox.salesforce import Salesforce
from sandbox.stripe import Stripe


class StripeTransport(stripe.RequestsClient):
    """The transport of the stripe library, answered by a sandbox account in this process."""

    def __init__(self, account: Stripe) -> None:
        super().__init__()
        self._account = account

    def request(  # type: ignore[override]  # as RequestsClient's own does, it gives bytes
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method.upper(),
            "path_params": {"path": parts.path.removeprefix("/stripe").lstrip("/")},
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        answer = self._account.answer(Request(scope))
        if isinstance(answer, Dropped | Silence | Cut):
            raise stripe.APIConnectionError("the connection broke", should_retry=True)  # type: ignore[no-untyped-call]
        return bytes(answer.body), answer.status_code, dict(answer.headers)


class PostAtHand:
    """E-mail that stands in the sandbox's mailbox as soon as its final dot is written. The words are nobody's concern:
    a message names its invoices and steps, as the header of the real one does."""

    name = "email"
    redirect_all_to = "everything@test.example"

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def send(self, mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        rule = self._mailbox.meet("DATA")
        if rule is not None and not rule.kind.endswith("_after"):
            return SendResult(
                SendOutcome.NOT_SENT, "the message was refused", address_refused=rule.kind == "record_refused"
            )
        if not may_leave():
            return SendResult(SendOutcome.NOT_SENT, "called off before the final dot")
        self._mailbox.receive(mail.sender, (self.redirect_all_to,), _raw(mail))
        if rule is not None:
            return SendResult(SendOutcome.UNKNOWN, "after the final dot: the connection broke")
        return SendResult(SendOutcome.SENT, "accepted with 250")

    def preview(self, mail: ReminderMail) -> Letter:
        return Letter(_named(mail), _text(mail))

    def check(self) -> tuple[Finding, ...]:
        return ()


def _named(mail: ReminderMail) -> str:
    return ", ".join(f"{item.number} {item.step}" for item in mail.items)


def _text(mail: ReminderMail) -> str:
    """As much as a reminder must say: what is asked for, and where it can be paid."""
    return "\n".join(f"{item.number}: {item.askable}, {item.pay_url}" for item in mail.items)


def _raw(mail: ReminderMail) -> bytes:
    lines = (
        f"Message-ID: <{mail.message_id.strip('<>')}>",
        f"X-AR-Reminder: {_named(mail)}",
        f"X-AR-Would-Go-To: {mail.to}",
        "",
        _text(mail),
        "",
    )
    return "\r\n".join(lines).encode()


class CrmAtHand:
    """Salesforce's accounts as the connector understands them, read whole."""

    name = "salesforce"
    is_test = True

    def __init__(self, service: Salesforce, met: Callable[[str], None]) -> None:
        self._org, self._met = service.org, met
        self.tasks: dict[str, CrmTask] = {}

    def read_changed(self, cursor: str, now: datetime) -> CrmRead:
        self._met("query")
        rows = [row for row in self._org.records["Account"].values() if row["ERP_Customer_Id__c"]]
        return CrmRead(
            now, now, cursor, tuple(_account(row) for row in rows if not row.get("IsDeleted")), is_whole=True
        )

    def write_tasks(self, tasks: Sequence[CrmTask]) -> tuple[Answer, ...]:
        answers = []
        for task in tasks:
            known = task.external_id in self.tasks
            self.tasks[task.external_id] = task
            answers.append(Answer(task.external_id, Outcome.EXISTS if known else Outcome.CREATED, task.external_id))
        return tuple(answers)

    def read_done(self, external_ids: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def check(self) -> tuple[Finding, ...]:
        return ()


def _account(row: Mapping[str, Any]) -> CrmAccount:
    return CrmAccount(
        row["Id"],
        row["ERP_Customer_Id__c"],
        row["Name"],
        is_strategic=row["Tier__c"] == "Strategic",
        do_not_contact=bool(row["Do_Not_Contact__c"]),
    )


@dataclass
class EngineAtHand:
    """Runs an act's steps one after the other and keeps nothing, as if its tables were lost at every start: the sweep
    starts what is missing, which is all that the product relies on."""

    jobs: Mapping[str, Sequence[Step]]
    run_count: int = field(default=0)

    def prepare(self) -> None: ...
    def launch(self) -> None: ...

    def stop(self) -> None: ...

    def run(self, job: str, key: str) -> None:
        self.run_count += 1
        for _, step in self.jobs[job]:
            step(key)
