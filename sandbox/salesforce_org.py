"""What the false Salesforce organisation holds: its records, and what people and the connector's user do to them.

Every change moves SystemModstamp of its own record only: a new contract leaves its account as it was. A field or an
object that is hidden from the connector's user answers as if it weren't there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sandbox.salesforce_schema import CLOSED, Field, Json, Kind, record_id
from sandbox.salesforce_schema import kinds as first_kinds

_TEXT_MAX = 255


class Refused(Exception):
    """An error in Salesforce's own words."""

    def __init__(self, code: str, message: str, http: int = 400, fields: Iterable[str] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.http, self.fields = code, message, http, list(fields)


class Org:
    """The records, by object and id, oldest first; and everything that a person or the connector does to them."""

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int]) -> None:
        self.lock = threading.RLock()
        self._clock, self._sequence = clock, sequence
        self._numbers = count(1)
        self.kinds = first_kinds()
        self._hidden: set[tuple[str, str]] = set()
        self.deletable: set[str] = set()  # objects whose records the connector's user may delete: none, as it should be
        self.records: dict[str, dict[str, Json]] = {name: {} for name in self.kinds}
        self._written: dict[str, int] = {}  # task -> its place in the order of commits
        self._insert("Organization", {"Name": "Sandbox", "IsSandbox": True, "OrganizationType": "Enterprise Edition"})
        self.integration_user = self._insert("User", {"Name": "Integration User", "Email": "integration@org.example"})

    # -- what people do ------------------------------------------------------------------------------------------------

    def add_user(self, name: str, email: str = "", is_active: bool = True, manager: str | None = None) -> str:
        above = self.find("User", manager) if manager else None
        return self._insert("User", {"Name": name, "Email": email or None, "IsActive": is_active, "ManagerId": above})

    def add_account(
        self, name: str, erp_customer_id: str | None = None, owner: str | None = None, **fields: Any
    ) -> str:
        """An account; `fields` by their API names. Without an owner it is the integration user's."""
        values = {"Name": name, "ERP_Customer_Id__c": erp_customer_id, **fields}
        if owner is not None:
            values["OwnerId"] = self.find("User", owner)
        return self._insert("Account", values)

    def add_contract(self, account: str, ends_on: str | None, status: str = "Activated", **fields: Any) -> str:
        values = {"AccountId": self.find("Account", account), "EndDate": ends_on, "Status": status, **fields}
        return self._insert("Contract", values)

    def add_opportunity(
        self, account: str, closes_on: str, type: str = "Renewal", is_closed: bool = False, **fields: Any
    ) -> str:
        values = {"AccountId": self.find("Account", account), "CloseDate": closes_on, "Type": type}
        return self._insert("Opportunity", values | {"Name": "Opportunity", "IsClosed": is_closed, **fields})

    def add_team_member(self, account: str, user: str, role: str = "Customer Success Manager") -> str:
        values = {"AccountId": self.find("Account", account), "UserId": self.find("User", user), "TeamMemberRole": role}
        return self._insert("AccountTeamMember", values)

    def add_task(self, account: str, subject: str, **fields: Any) -> str:
        """A note that a person leaves on an account."""
        return self._insert("Task", {"WhatId": self.find("Account", account), "Subject": subject, **fields})

    def add_case(self, account: str, subject: str = "") -> str:
        return self._insert("Case", {"AccountId": self.find("Account", account), "Subject": subject})

    def add_email(
        self,
        account: str,
        subject: str = "",
        at: str = "",
        case: str | None = None,
        incoming: bool = True,
        **fields: Any,
    ) -> str:
        """A mail on the account, or on one of its cases; `at` is an instant such as 2026-11-02T09:30:00Z, else now."""
        on = {"ParentId": case, "RelatedToId": case} if case else {"RelatedToId": self.find("Account", account)}
        sent_at = stamp(datetime.fromisoformat(at).astimezone(UTC) if at else self._clock())
        values = {"Subject": subject, "Incoming": incoming, "MessageDate": sent_at}
        return self._insert("EmailMessage", values | on | fields)

    def add_event(self, account: str, ends_at: str, subject: str = "", **fields: Any) -> str:
        """A meeting; `ends_at` as `at` of a mail."""
        ends = stamp(datetime.fromisoformat(ends_at).astimezone(UTC))
        values = {"WhatId": self.find("Account", account), "EndDateTime": ends, "Subject": subject}
        return self._insert("Event", values | fields)

    def finish_tasks(self, about: str) -> list[str]:
        """Somebody ticks off the open tasks whose subject holds these words."""
        rows = list(self.records["Task"].values())
        found = [row["Id"] for row in rows if about in (row["Subject"] or "") and not row["IsClosed"]]
        if not found:
            raise LookupError(f"the organisation has no open task about {about!r}")
        for id in found:
            self._update("Task", id, {"Status": CLOSED})
        return found

    def set_field(self, record: str, field: str, value: Any, object: str = "Account") -> str:
        """Any field of a record; the record by its id, an account or user also by name or ERP customer id."""
        id = self.find(object, record)
        self._update(object, id, {field: value})
        return id

    def delete_account(self, account: str) -> str:
        """Into the recycle bin, with all that hangs on it."""
        id = self.find("Account", account)
        self._delete("Account", id)
        for child, pointer in self.kinds["Account"].children.values():
            for row in list(self.records[child].values()):
                if row[pointer] == id:
                    self._delete(child, row["Id"])
        return id

    def delete_record(self, object: str, record: str) -> str:
        id = self.find(object, record)
        self._delete(object, id)
        return id

    def merge(self, master: str, account: str) -> str:
        """The second account goes into the first; its children move over, its id stays as a deleted record."""
        keep, gone = self.find("Account", master), self.find("Account", account)
        for child, pointer in self.kinds["Account"].children.values():
            for row in list(self.records[child].values()):
                if row[pointer] == gone:
                    self._update(child, row["Id"], {pointer: keep})
        self.records["Account"][gone]["MasterRecordId"] = keep
        self._delete("Account", gone)
        self._touch("Account", keep)
        return keep

    def hide_field(self, field: str, object: str = "Account") -> None:
        """Field-level security: the connector's user doesn't see this field any more."""
        self._hidden.add((object, self._field(object, field).name))

    def show_field(self, field: str, object: str = "Account") -> None:
        self._hidden.discard((object, self._field(object, field).name))

    def hide_object(self, object: str) -> None:
        """No right on this object; or, for AccountTeamMember, account teams are not switched on."""
        self._hidden.add((self._kind(object).name, ""))

    def show_object(self, object: str) -> None:
        self._hidden.discard((self._kind(object).name, ""))

    def tasks(self) -> list[Json]:
        """Every task as it is now, for the truth."""
        with self.lock:
            return [
                {
                    "id": row["Id"],
                    "external_id": row["ARC_Id__c"],
                    "account": row["WhatId"],
                    "owner": row["OwnerId"],
                    "subject": row["Subject"],
                    "description": row["Description"],
                    "due_on": row["ActivityDate"],
                    "priority": row["Priority"],
                    "status": row["Status"],
                    "deleted": row["IsDeleted"],
                    "sequence": self._written[row["Id"]],
                }
                for row in self.records["Task"].values()
            ]

    def find(self, object: str, name: str) -> str:
        """The id of a record by its id, its name or its ERP customer id; deleted ones are not found."""
        kind = self._kind(object)
        for row in self.records[kind.name].values():
            if not row["IsDeleted"] and name in (
                row["Id"],
                row["Id"][:15],
                row.get("ERP_Customer_Id__c"),
                row.get("Name"),
            ):
                return str(row["Id"])
        raise LookupError(f"the organisation has no {kind.name} {name!r}")

    # -- what the connector's user does --------------------------------------------------------------------------------

    def describe(self, object: str) -> Json:
        kind = self.visible(object)
        if kind is None:
            raise Refused("NOT_FOUND", "The requested resource does not exist", 404)
        fields = [one.described() for one in kind.fields.values() if not self.is_hidden(kind, one)]
        children = [
            {"relationshipName": name, "childSObject": child, "field": pointer}
            for name, (child, pointer) in kind.children.items()
        ]
        may_delete = kind.name in self.deletable
        writes = may_delete or kind.name == "Task"
        rights = {"queryable": True, "createable": writes, "updateable": writes, "deletable": may_delete}
        return {"name": kind.name, "keyPrefix": kind.prefix, "fields": fields, "childRelationships": children} | rights

    def upsert(self, object: str, field: str, key: str, values: Json) -> tuple[str, bool]:
        """The record with this external id: its id, and was it created? Two of them are a Refused with 300."""
        kind = self.visible(object)
        found = kind.find(field) if kind else None
        if kind is None or found is None or self.is_hidden(kind, found):
            raise Refused("NOT_FOUND", "The requested resource does not exist", 404)
        if not found.external_id:
            raise Refused("NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}", 404)
        if any(name.lower() == found.name.lower() for name in values):
            raise Refused("INVALID_FIELD", f"The {found.name} field should not be specified in the sobject data.")
        same = [row for row in self.records[kind.name].values() if row[found.name] == key and not row["IsDeleted"]]
        if len(same) > 1:
            raise MoreThanOne([f"sobjects/{kind.name}/{row['Id']}" for row in same])
        if same:
            self._update(kind.name, same[0]["Id"], values, checked=True)
            return str(same[0]["Id"]), False
        return self._insert(kind.name, values | {found.name: key}, checked=True), True

    # -- records -------------------------------------------------------------------------------------------------------

    def _kind(self, object: str) -> Kind:
        found = next((kind for name, kind in self.kinds.items() if name.lower() == object.lower()), None)
        if found is None:
            raise LookupError(f"the organisation has no object {object!r}; it has {', '.join(self.kinds)}")
        return found

    def visible(self, object: str) -> Kind | None:
        found = next((kind for name, kind in self.kinds.items() if name.lower() == object.lower()), None)
        return None if found is None or (found.name, "") in self._hidden else found

    def is_hidden(self, kind: Kind, field: Field) -> bool:
        return (kind.name, field.name) in self._hidden

    def _field(self, object: str, name: str) -> Field:
        found = self._kind(object).find(name)
        if found is None:
            raise LookupError(f"{object} has no field {name!r}")
        return found

    def _insert(self, object: str, values: Json, checked: bool = False) -> str:
        with self.lock:
            kind = self.kinds[object]
            id = record_id(kind.prefix, next(self._numbers))
            given = self._checked(kind, values, checked)
            at = stamp(self._clock())
            row: Json = {one.name: False if one.kind == "boolean" else None for one in kind.fields.values()}
            row |= kind.defaults | given
            row |= {"Id": id, "CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
            if "OwnerId" in row and row["OwnerId"] is None:
                row["OwnerId"] = self.integration_user
            self._derive(row)
            self.records[object][id] = row
            if object == "Task":
                self._written[id] = self._sequence(f"salesforce task {id}")
            return id

    def _update(self, object: str, id: str, values: Json, checked: bool = False) -> None:
        with self.lock:
            self.records[object][id] |= self._checked(self.kinds[object], values, checked)
            self._derive(self.records[object][id])
            self._touch(object, id)

    def _derive(self, row: Json) -> None:
        """What Salesforce sets by itself on an activity: its account, and when a task was closed."""
        if "WhatId" in row:
            on = row["WhatId"] or ""
            holders = (self.records[name].get(on, {}).get("AccountId") for name in ("Opportunity", "Contract"))
            row["AccountId"] = on if on in self.records["Account"] else next(filter(None, holders), None)
        if "CompletedDateTime" in row:
            row["IsClosed"] = row["Status"] == CLOSED
            row["CompletedDateTime"] = (row["CompletedDateTime"] or stamp(self._clock())) if row["IsClosed"] else None

    def _delete(self, object: str, id: str) -> None:
        with self.lock:
            self.records[object][id]["IsDeleted"] = True
            self._touch(object, id)

    def _touch(self, object: str, id: str) -> None:
        at = stamp(self._clock())
        self.records[object][id] |= {"LastModifiedDate": at, "SystemModstamp": at}

    def _checked(self, kind: Kind, values: Json, by_connector: bool) -> Json:
        """The values under their fields' own names; refused as Salesforce refuses what can't be saved."""
        found: Json = {}
        for name, value in values.items():
            field = kind.find(name)
            if field is None or (by_connector and self.is_hidden(kind, field)):
                raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
            if by_connector and not field.writable:
                raise Refused(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {field.name}. Please check the security settings of this field.",
                    fields=[field.name],
                )
            self._check_value(field, value, by_connector)
            found[field.name] = value
        return found

    def _check_value(self, field: Field, value: Any, by_connector: bool) -> None:
        if value is None:
            return
        if field.kind == "boolean" and not isinstance(value, bool):
            raise Refused("JSON_PARSER_ERROR", f"Cannot deserialize instance of boolean from {value!r}")
        if field.kind == "date" and not _is_day(value):
            raise Refused("JSON_PARSER_ERROR", f"Cannot deserialize instance of date from VALUE_STRING value {value}")
        if field.kind == "datetime" and not _is_instant(value):
            raise Refused(
                "JSON_PARSER_ERROR", f"Cannot deserialize instance of datetime from VALUE_STRING value {value}"
            )
        if field.kind == "currency" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Refused("JSON_PARSER_ERROR", f"Cannot deserialize instance of currency from {value!r}")
        if field.kind in ("string", "textarea", "email") and not isinstance(value, str):
            raise Refused("JSON_PARSER_ERROR", f"Cannot deserialize instance of string from {value!r}")
        if field.kind == "string" and len(value) > _TEXT_MAX:
            raise Refused(
                "STRING_TOO_LONG", f"{field.name}: data value too large (max length=255)", fields=[field.name]
            )
        if field.values and value not in field.values:
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            raise Refused(code, f"{field.name}: bad value for restricted picklist field: {value}", fields=[field.name])
        if field.kind == "reference":
            self._check_reference(
                field, (field.parent[1],) if field.parent else tuple(self.records), value, by_connector
            )

    def _check_reference(self, field: Field, to: tuple[str, ...], value: Any, by_connector: bool) -> None:
        above = next((self.records[name][value] for name in to if value in self.records[name]), None)
        if above is None:
            code = "INVALID_CROSS_REFERENCE_KEY"
            raise Refused(code, f"{field.name}: id value of incorrect type: {value}", fields=[field.name])
        if above["IsDeleted"]:
            raise Refused("ENTITY_IS_DELETED", "entity is deleted", fields=[field.name])
        if by_connector and field.name == "OwnerId" and not above["IsActive"]:
            raise Refused("INACTIVE_OWNER_OR_USER", "operation performed with inactive user", fields=[field.name])


class MoreThanOne(Exception):
    """An external id that several records have; where they are."""

    def __init__(self, places: list[str]) -> None:
        super().__init__(f"{len(places)} records")
        self.places = places


def stamp(instant: datetime) -> str:
    """2026-11-23T01:02:03.000+0000: whole seconds, and no colon in the offset."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _is_instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
