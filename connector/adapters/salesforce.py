"""Salesforce accounts -> what the CRM says of a customer; and tasks for the people who look after them.

An account is read again when it, one of its contracts or opportunities, or its team changed: Salesforce moves the time
stamp of the changed record only, so each of these objects is asked by its own. So are the mails, tasks and meetings by
which it shows that people are talking to the customer. Once a day everything is read: formula fields, a user's new
address and what moved from one account to another leave no time stamp behind. A quiet read is one request for each
object that the mapping uses, seven at most.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connector.adapters.salesforce_api import Misread, Refusal, SalesforceApi, SalesforceSettings, quoted
from connector.adapters.salesforce_check import SalesforceCheck
from connector.adapters.salesforce_facts import AccountReader
from connector.adapters.salesforce_mapping import SalesforceMapping, TaskPart
from connector.adapters.salesforce_talk import Talk
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.ports import Answer, CrmRead, Finding, Outcome
from connector.receivables import Parked
from connector.settlement import CrmAccount, CrmTask

WHOLE_EVERY = timedelta(hours=24)
CUSTOMERS_A_QUERY = 100  # their ids stand in the address of a request, which may have 16,000 characters
TOUCHED_MAX = 1000  # more than these changed: reading everything takes fewer requests
DROP_AT_LEAST = 3  # accounts: in a small book one that is gone is more than the share that alarms
SUBJECT_MAX, TEXT_MAX = 255, 32_000  # of Salesforce's fields


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where reading got to. `again`: customers with a record that was parked; `count`: accounts of the whole read."""

    at: datetime
    whole_at: datetime
    count: int
    mapping: str
    again: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> _Cursor | None:
        """A cursor is a hint: one that can't be read is dropped, and everything is read."""
        try:
            data = json.loads(text)
            at, whole_at = (datetime.fromisoformat(data[name]).astimezone(UTC) for name in ("at", "whole_at"))
            return cls(at, whole_at, int(data["count"]), str(data["mapping"]), tuple(map(str, data["again"])))
        except (ValueError, TypeError, KeyError):
            return None

    def text(self) -> str:
        data = {"at": self.at.isoformat(), "whole_at": self.whole_at.isoformat(), "count": self.count}
        return json.dumps(data | {"mapping": self.mapping, "again": list(self.again)})


class SalesforceCrm:
    """The CRM port over one organisation."""

    name = "salesforce"

    def __init__(
        self,
        settings: SalesforceSettings,
        mapping: SalesforceMapping,
        zone: ZoneInfo,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.is_test = settings.is_test_organisation
        self._settings, self._mapping, self._zone = settings, mapping, zone
        self._api = SalesforceApi(settings, sleep)
        self._talk = Talk(self._api, mapping, zone)
        # With another mapping the facts of before mean something else: everything is read once more.
        self._mapping_version = hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()[:12]

    def close(self) -> None:
        self._api.close()

    # ---- reading ----

    def read_changed(self, cursor: str, now: datetime) -> CrmRead:
        """Accounts with an ERP customer id that changed, or all of them once a day.

        Two accounts with one ERP id, and an account with a field that isn't understood, are parked and looked at again
        each time; the last facts known of them stay, so a read with such a record is never whole. Raises Transient or
        Terminal when the read is not complete: nothing of it counts then. Terminal too when a field or an object that
        the mapping names is missing or hidden, and when far fewer accounts came than the day before.
        """
        position = _Cursor.read(cursor)
        if position is not None and position.mapping != self._mapping_version:
            position = None
        if position is None or not timedelta() <= now - position.whole_at < WHOLE_EVERY:
            return self._whole(position, now)
        touched = self._touched(position, now)
        if touched is None:
            return self._whole(position, now)
        field = self._mapping.customer_id_field
        rows: list[dict[str, Any]] = []
        for start in range(0, len(touched), CUSTOMERS_A_QUERY):
            some = quoted(touched[start : start + CUSTOMERS_A_QUERY])
            rows += self._api.rows("accounts", "Account", self._reader(now).fields(), f"{field} IN {some}")
        talked_on = self._talk.last([str(row["Id"]) for row in rows], now) if rows else {}
        accounts, parked = self._understood(rows, talked_on, now)
        at_whole = (position.whole_at, position.count)
        return CrmRead(now, now, self._next(now, *at_whole, parked), accounts, parked)

    def _whole(self, position: _Cursor | None, now: datetime) -> CrmRead:
        field = self._mapping.customer_id_field
        rows = self._api.rows("accounts", "Account", self._reader(now).fields(), f"{field} != null")
        self._refuse_drop(position, len(rows))
        accounts, parked = self._understood(rows, self._talk.last(None, now), now)
        cursor = self._next(now, now, len(rows), parked)
        return CrmRead(now, now, cursor, accounts, parked, is_whole=not parked)

    def _reader(self, now: datetime) -> AccountReader:
        return AccountReader(self._mapping, now.astimezone(self._zone).date())

    def _refuse_drop(self, position: _Cursor | None, count: int) -> None:
        """A lost permission looks like fewer accounts: what is gone lies in the recycle bin, or a person says so."""
        if position is None or position.count - count < DROP_AT_LEAST:
            return
        since = position.whole_at - timedelta(minutes=self._mapping.modified_overlap_minutes)
        where = f"IsDeleted = true AND SystemModstamp >= {quoted(since)} AND {self._mapping.customer_id_field} != null"
        deleted = len(self._api.rows("deleted accounts", "Account", "Id", where, with_deleted=True))
        gone = position.count - count - deleted
        if gone * 100 > position.count * self._mapping.accounts_drop_percent_max and gone >= DROP_AT_LEAST:
            raise Terminal(
                f"Could not read accounts from Salesforce: {count} accounts with an ERP customer id came, "
                f"{position.count} the day before, and only {deleted} were deleted. More likely a permission was lost, "
                "so the last known facts stay. Let the connector's user see all accounts; if they were really taken "
                "out, raise accounts_drop_percent_max in mappings/salesforce.yaml until the next read."
            )

    def _touched(self, position: _Cursor, now: datetime) -> list[str] | None:
        """ERP ids of the customers of whom anything changed since the cursor; None: of more than TOUCHED_MAX."""
        since = position.at - timedelta(minutes=self._mapping.modified_overlap_minutes)
        found = dict.fromkeys(position.again)
        field, reader = self._mapping.customer_id_field, self._reader(position.at)
        for source, path in self._watched():
            condition = f"SystemModstamp >= {quoted(since)} AND {path}{field} != null"
            # With the deleted ones: a renewal that was deleted changes its account too.
            for row in self._api.rows(
                f"changes of {source}", source, f"Id, {path}{field}", condition, with_deleted=True
            ):
                found.setdefault(reader.customer_id(row.get("Account") if path else row))
        talking = sorted(self._talk.changed(since, now))
        if len(talking) > TOUCHED_MAX:
            return None
        for start in range(0, len(talking), CUSTOMERS_A_QUERY):
            # Most accounts of an organisation may be none of ours.
            condition = f"Id IN {quoted(talking[start : start + CUSTOMERS_A_QUERY])} AND {field} != null"
            for row in self._api.rows("accounts that talked", "Account", f"Id, {field}", condition):
                found.setdefault(reader.customer_id(row))
        found.pop("", None)
        return list(found) if len(found) <= TOUCHED_MAX else None

    def _watched(self) -> Iterator[tuple[str, str]]:
        """Objects whose changes make an account be read again, and the way from each to the account."""
        yield "Account", ""
        if any(one.contract_statuses for one in self._mapping.renewal_dates):
            yield "Contract", "Account."
        if any(one.opportunity_types for one in self._mapping.renewal_dates):
            yield "Opportunity", "Account."
        if self._mapping.owner.team_role:
            yield "AccountTeamMember", "Account."

    def _understood(
        self, rows: Sequence[dict[str, Any]], talked_on: Mapping[str, date], now: datetime
    ) -> tuple[tuple[CrmAccount, ...], tuple[Parked, ...]]:
        reader = self._reader(now)
        carriers = Counter(filter(None, (reader.customer_id(row) for row in rows)))
        accounts: list[CrmAccount] = []
        parked: list[Parked] = []
        for row in rows:
            try:
                account = reader.account(row, talked_on)
                if (others := carriers[account.customer_id] - 1) > 0:
                    reason = f"{account.customer_id!r} is the ERP customer id of {others} more account(s): keep one"
                    raise Misread(self._mapping.customer_id_field, reason, account.customer_id)
            except Misread as misread:
                parked.append(Parked(self.name, str(row["Id"]), misread.field, misread.reason, misread.customer_id))
            else:
                accounts.append(account)
        return tuple(accounts), tuple(parked)

    def _next(self, now: datetime, whole_at: datetime, count: int, parked: tuple[Parked, ...]) -> str:
        again = dict.fromkeys(one.customer_id for one in parked if one.customer_id)
        return _Cursor(now, whole_at, count, self._mapping_version, tuple(again)[:TOUCHED_MAX]).text()

    # ---- tasks ----

    def write_tasks(self, tasks: Sequence[CrmTask]) -> tuple[Answer, ...]:
        """Create each task once; one that is there is left as people made it, even if they deleted it.

        UNKNOWN: ask again, the task is looked up first. Raises only when nothing was written.
        """
        if self._mapping.task is None:
            return tuple(
                Answer(
                    task.external_id,
                    Outcome.REFUSED,
                    code="not_configured",
                    message="mappings/salesforce.yaml has no `task`",
                )
                for task in tasks
            )
        seen = self._tasks_seen([task.external_id for task in tasks], self._mapping.task)
        answers: list[Answer] = []
        for task in tasks:
            found = seen.get(task.external_id, [])
            try:
                answers.append(_known(task, found) if found else self._create(task, self._mapping.task))
            except (Transient, Terminal, OutcomeUnknown) as error:
                if not answers and not isinstance(error, OutcomeUnknown):
                    raise
                outcome = Outcome.REFUSED if isinstance(error, Terminal) else Outcome.UNKNOWN
                answers.append(Answer(task.external_id, outcome, message=str(error)))
        return tuple(answers)

    def _tasks_seen(self, external_ids: Sequence[str], part: TaskPart) -> dict[str, list[dict[str, Any]]]:
        """Our tasks by their ids, with deleted and archived ones: those are not to be made again."""
        field = part.external_id_field
        seen: dict[str, list[dict[str, Any]]] = {}
        for start in range(0, len(external_ids), CUSTOMERS_A_QUERY):
            some = quoted(list(external_ids[start : start + CUSTOMERS_A_QUERY]))
            fields = f"Id, WhatId, IsClosed, IsDeleted, {field}"
            for row in self._api.rows("tasks", "Task", fields, f"{field} IN {some}", with_deleted=True):
                key = {name.lower(): value for name, value in row.items()}.get(field.lower())
                seen.setdefault(str(key), []).append(row)
        return seen

    def _create(self, task: CrmTask, part: TaskPart) -> Answer:
        values: dict[str, object] = {
            "Subject": task.subject[:SUBJECT_MAX],
            "Description": task.text[:TEXT_MAX],
            "WhatId": task.account_id,
            "ActivityDate": task.due_on.isoformat(),
            "Status": part.status,
            "Priority": part.priority,
        }
        if task.owner_id:
            values["OwnerId"] = task.owner_id
        what = f"task {task.external_id}"
        try:
            id, created = self._api.upsert(what, "Task", part.external_id_field, task.external_id, values)
        except Refusal as refusal:
            outcome = Outcome.EXISTS_DIFFERENT if refusal.code == "HTTP 300" else Outcome.REFUSED
            return Answer(task.external_id, outcome, code=refusal.code, message=str(refusal))
        # Somebody made it between our look and our write, or an earlier attempt of ours did.
        return Answer(task.external_id, Outcome.CREATED if created else Outcome.EXISTS, id)

    def read_done(self, external_ids: Sequence[str]) -> frozenset[str]:
        """Which of these tasks a person has closed; archived ones too. One that isn't found, or was deleted, is not."""
        if self._mapping.task is None:
            return frozenset()
        seen = self._tasks_seen(list(dict.fromkeys(external_ids)), self._mapping.task)
        return frozenset(
            key
            for key, rows in seen.items()
            if any(row.get("IsClosed") is True and row.get("IsDeleted") is not True for row in rows)
        )

    def check(self) -> tuple[Finding, ...]:
        """Can we log in, is everything there that the mapping names, and is it of the right kind?"""
        return SalesforceCheck(self._api, self._settings, self._mapping).findings()


def _known(task: CrmTask, found: list[dict[str, Any]]) -> Answer:
    live = [row for row in found if row.get("IsDeleted") is not True]
    if len(live) > 1:
        message = f"{len(live)} tasks carry this id in Salesforce; delete all but one."
        return Answer(task.external_id, Outcome.EXISTS_DIFFERENT, message=message)
    id = str((live or found)[0]["Id"])
    if live and str(live[0].get("WhatId") or "")[:15] != task.account_id[:15]:
        return Answer(task.external_id, Outcome.EXISTS_DIFFERENT, id, message="The task hangs on another account.")
    return Answer(task.external_id, Outcome.EXISTS, id)
