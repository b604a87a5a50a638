"""Can we log in to Salesforce, is everything there that the mapping names, and is it of the right kind?

Field-level security makes a field look as if it weren't there, so that is what each finding says. Source: the describe
call of Salesforce's REST API.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.adapters.salesforce_api import SalesforceApi, SalesforceSettings
from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.adapters.salesforce_talk import sources
from connector.errors import ConnectorError
from connector.ports import Finding

USED_PERCENT_MAX = 80
_TEXT = frozenset({"string", "textarea", "picklist", "combobox", "email", "phone", "url", "id"})
_PICKED = "text or a picklist"
_BOOLEAN = frozenset({"boolean"})
_NUMBER = frozenset({"currency", "double", "int", "percent"})
_WORDS = {"string": "text", "boolean": "a checkbox", "date": "a date", "reference": "a lookup to User"}
# Objects that an organisation has only where something is switched on in its Setup.
_SWITCHED_ON = {"AccountTeamMember": ", and switch on account teams", "EmailMessage": ", and switch on Enhanced Email"}
_WORDS |= dict.fromkeys(_NUMBER, "a number") | {"datetime": "a date with a time"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field that the mapping relies on. `kinds`: types that it may have; `values`: what its list must hold."""

    object: str
    field: str
    key: str  # the mapping's
    kinds: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()
    is_external_id: bool = False
    is_written: bool = False

    @property
    def name(self) -> str:
        return f"{self.object}.{self.field}"


def wanted(mapping: SalesforceMapping) -> Iterator[Wanted]:
    """Everything that the mapping names, object by object."""
    yield Wanted("Account", mapping.customer_id_field, "customer_id_field", frozenset({"string"}))
    for name, values in mapping.strategic.items():
        words = tuple(one for one in values if isinstance(one, str))
        yield Wanted("Account", name, "strategic", _TEXT | {"multipicklist"} if words else _BOOLEAN, words)
    if mapping.do_not_contact_field:
        yield Wanted("Account", mapping.do_not_contact_field, "do_not_contact_field", _BOOLEAN)
    for name in mapping.notes.account_fields:
        yield Wanted("Account", name, "notes.account_fields")
    if mapping.owner.lookup_field:
        yield Wanted("Account", mapping.owner.lookup_field, "owner.lookup_field", frozenset({"reference"}))
    for source in mapping.renewal_dates:
        key = "renewal_dates"
        if source.account_field:
            yield Wanted("Account", source.account_field, key, frozenset({"date"}))
        if source.contract_statuses:
            yield Wanted("Contract", "EndDate", key, frozenset({"date"}))
            yield Wanted("Contract", "Status", key, values=source.contract_statuses)
        if source.opportunity_types:
            yield Wanted("Opportunity", "CloseDate", key, frozenset({"date"}))
            yield Wanted("Opportunity", "IsClosed", key, _BOOLEAN)
            yield Wanted("Opportunity", "Type", key, values=source.opportunity_types)
    if mapping.owner.team_role:
        yield Wanted("AccountTeamMember", "TeamMemberRole", "owner.team_role", values=(mapping.owner.team_role,))
    for name in ("Name", "Email", "IsActive"):
        yield Wanted("User", name, "owner")
    if mapping.owner.manager:
        yield Wanted("User", "ManagerId", "owner.manager", frozenset({"reference"}))
    yield from _traits(mapping)
    yield from _conversations(mapping)
    if mapping.task:
        yield Wanted("Task", mapping.task.external_id_field, "task.external_id_field", is_external_id=True)
        yield Wanted("Task", "IsClosed", "task", _BOOLEAN)
        yield Wanted("Task", "Status", "task.status", values=(mapping.task.status,), is_written=True)
        yield Wanted("Task", "Priority", "task.priority", values=(mapping.task.priority,), is_written=True)
        for name in ("Subject", "Description", "WhatId", "OwnerId", "ActivityDate"):
            yield Wanted("Task", name, "task", is_written=True)


def _traits(mapping: SalesforceMapping) -> Iterator[Wanted]:
    for name, field in mapping.traits.words.items():
        yield Wanted("Account", field, f"traits.{name}", _TEXT | {"multipicklist"})
    if arr := mapping.traits.arr:
        yield Wanted("Account", arr.field, "traits.arr.field", _NUMBER)
        if arr.currency_field:
            yield Wanted("Account", arr.currency_field, "traits.arr.currency", _TEXT)


def _conversations(mapping: SalesforceMapping) -> Iterator[Wanted]:
    keys = {"EmailMessage": "conversations.emails", "Task": "conversations.tasks", "Event": "conversations.events"}
    for source in sources(mapping):
        key = keys[source.object]
        yield Wanted(source.object, source.at, key, frozenset({"datetime"}))
        yield from (Wanted(source.object, name, key) for name in (*source.others, source.subject) if name)
        for way in source.accounts:
            relation, _, name = way.rpartition(".")
            yield Wanted(source.object, f"{relation}Id" if relation else name, key)
            if relation:
                yield Wanted("Case", name, key)


@dataclass(frozen=True, slots=True)
class SalesforceCheck:
    """A few requests: one describe for each object, one count, one look at the organisation."""

    api: SalesforceApi
    settings: SalesforceSettings
    mapping: SalesforceMapping

    def findings(self) -> tuple[Finding, ...]:
        found: list[Finding] = []
        try:
            found += self._fields()
            found += self._organisation()
            if all(one.ok or not one.blocking for one in found):
                found += self._accounts()
        except ConnectorError as error:
            # The same for whatever else would be asked: said once.
            return (*found, _bad(str(error), "See the sentence before, then run this again."))
        return (*found, *self._strategic_is_known(), *self._usage())

    def _fields(self) -> Iterator[Finding]:
        needs: dict[str, list[Wanted]] = {}
        for need in wanted(self.mapping):
            needs.setdefault(need.object, []).append(need)
        too_much = []
        for name, fields in needs.items():
            described = self.api.describe(name)
            if described is None:
                yield _bad(
                    f"{name} is missing, or hidden from the connector's user ({fields[0].key} needs it)",
                    f"Give the user's permission set Read on {name}"
                    + _SWITCHED_ON.get(name, "")
                    + f", or take {fields[0].key} out of mappings/salesforce.yaml.",
                )
                continue
            is_written = any(need.is_written for need in fields)
            if described.get("deletable") is True or (described.get("updateable") is True and not is_written):
                too_much.append(name)
            problems: dict[str, Finding] = {}
            for need in fields:
                if problem := _problem(need, described):
                    # A field may be named under several keys: that it is missing is said once.
                    problems.setdefault(problem.what, problem)
            yield from problems.values()
            if not problems:
                yield Finding("salesforce", True, f"{name}: everything that the mapping names is there")
        if too_much:
            what = f"the connector's user may change or delete {', '.join(too_much)}, which it never does"
            remedy = "Give it a permission set with Read alone on these."
            yield Finding("salesforce", False, what, remedy, blocking=False)

    def _organisation(self) -> Iterator[Finding]:
        rows = self.api.rows("the organisation", "Organization", "Id, IsSandbox", "Id != null")
        if rows and rows[0].get("IsSandbox") is True and not self.settings.is_test_organisation:
            yield _bad(
                "this is a Salesforce sandbox, and the settings say a live organisation",
                "Set salesforce.is_test to true, or salesforce.domain to the live organisation's.",
            )

    def _accounts(self) -> Iterator[Finding]:
        field = self.mapping.customer_id_field
        count = self.api.count("accounts", f"SELECT COUNT() FROM Account WHERE {field} != null")
        if count:
            yield Finding("salesforce", True, f"{count} accounts carry an ERP customer id in {field}")
        else:
            yield _bad(
                f"no account that the connector's user may see has anything in {field}",
                "Fill it with the ERP's internal customer ids, or let the user see all accounts (View All on Account).",
            )

    def _strategic_is_known(self) -> Iterator[Finding]:
        if not self.mapping.strategic:
            what = "mappings/salesforce.yaml names no field for strategic customers: nobody counts as strategic"
            yield Finding("salesforce", False, what, "Name the field under `strategic`.", blocking=False)

    def _usage(self) -> Iterator[Finding]:
        if self.api.usage is None:
            return
        used, allowed = self.api.usage
        is_low = used * 100 <= allowed * USED_PERCENT_MAX
        remedy = "" if is_low else "See Setup, Company Information, API Requests for who uses them."
        what = f"{used} of {allowed} requests of the last 24 hours are used"
        yield Finding("salesforce", is_low, what, remedy, blocking=False)


def _problem(need: Wanted, described: dict[str, Any]) -> Finding | None:
    """What is wrong with this field; None if nothing is."""
    where = f"`{need.key}` in mappings/salesforce.yaml"
    field = next((one for one in described["fields"] if str(one["name"]).lower() == need.field.lower()), None)
    if field is None:
        return _bad(
            f"{need.name} is missing, or hidden from the connector's user",
            f"Create the field, give the user's permission set Read on it, or correct {where}.",
        )
    if need.kinds and field.get("type") not in need.kinds:
        kinds = {_WORDS.get(kind, _PICKED) for kind in need.kinds}
        kinds -= {_WORDS["string"]} if _PICKED in kinds else set()
        return _bad(f"{need.name} is {field.get('type')}, not {' or '.join(sorted(kinds))}", f"Correct {where}.")
    if "reference" in need.kinds and field.get("referenceTo") != ["User"]:
        return _bad(f"{need.name} doesn't lead to a user", f"Correct {where}.")
    if need.is_external_id and field.get("externalId") is not True:
        remedy = "Tick External ID on the field, so that each task is made once."
        return _bad(f"{need.name} is no external id", remedy)
    if need.is_written and not (field.get("createable") and field.get("updateable")):
        return _bad(f"{need.name} can't be written by the connector's user", "Give its permission set Edit on it.")
    listed = [str(one.get("value")) for one in field.get("picklistValues") or () if isinstance(one, dict)]
    if listed and (absent := [value for value in need.values if value.casefold() not in map(str.casefold, listed)]):
        return _bad(
            f"{need.name} has no value {', '.join(map(repr, absent))}; it has {', '.join(listed)}",
            f"Correct {where}, or add the value in Salesforce.",
        )
    return None


def _bad(what: str, remedy: str) -> Finding:
    return Finding("salesforce", False, what, remedy)
