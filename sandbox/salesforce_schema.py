"""What kinds of records the false Salesforce organisation has: objects, fields, their relationships and their ids.

Standard fields are named and typed as in Salesforce's Object Reference; those that end in `__c` are the organisation's
own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

API_VERSION = "66.0"  # Spring '26

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_LENGTHS = {"id": 18, "reference": 18, "textarea": 32000, "email": 80}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind` is the type that describe tells; `parent` is a reference's relationship and where it leads."""

    name: str
    kind: str = "string"
    values: tuple[str, ...] = ()  # of a picklist; a restricted one takes no others
    parent: tuple[str, str] | None = None
    writable: bool = True
    external_id: bool = False

    def described(self) -> Json:
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.kind,
            "length": _LENGTHS.get(self.kind, 255),
            "custom": self.name.endswith("__c"),
            "createable": self.writable,
            "updateable": self.writable,
            "nillable": self.kind != "boolean",
            "externalId": self.external_id,
            "idLookup": self.external_id or self.name == "Id",
            "unique": False,
            "calculated": False,
            "restrictedPicklist": bool(self.values),
            "picklistValues": [
                {"value": value, "label": value, "active": True, "defaultValue": False} for value in self.values
            ],
            "referenceTo": [self.parent[1]] if self.parent else [],
            "relationshipName": self.parent[0] if self.parent else None,
        }


@dataclass(slots=True)
class Kind:
    """One object. `children`: relationship -> (the child's object, its field that points here)."""

    name: str
    prefix: str
    fields: dict[str, Field]
    children: dict[str, tuple[str, str]] = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)

    def find(self, name: str) -> Field | None:
        """Names of fields are not case-sensitive."""
        wanted = name.lower()
        return next((one for key, one in self.fields.items() if key.lower() == wanted), None)

    def parent(self, relationship: str) -> Field | None:
        """The reference field behind `Owner` or `CSM__r`."""
        wanted = relationship.lower()
        return next((one for one in self.fields.values() if one.parent and one.parent[0].lower() == wanted), None)


def _kind(name: str, prefix: str, *fields: Field, **more: Any) -> Kind:
    system = (
        Field("Id", "id", writable=False),
        Field("IsDeleted", "boolean", writable=False),
        Field("CreatedDate", "datetime", writable=False),
        Field("LastModifiedDate", "datetime", writable=False),
        Field("SystemModstamp", "datetime", writable=False),
    )
    return Kind(name, prefix, {one.name: one for one in (*system, *fields)}, **more)


_OWNER = Field("OwnerId", "reference", parent=("Owner", "User"))
_ACCOUNT = Field("AccountId", "reference", parent=("Account", "Account"))
# Of an activity Salesforce sets it: the account itself, or that of the opportunity or contract that it hangs on.
_ACTIVITYS_ACCOUNT = Field("AccountId", "reference", parent=("Account", "Account"), writable=False)
CLOSED = "Completed"  # the one status of a task that counts as closed


def _account() -> Kind:
    return _kind(
        "Account", "001", Field("Name"), _OWNER,
        Field("ParentId", "reference", parent=("Parent", "Account")),
        Field("MasterRecordId", "reference", parent=("MasterRecord", "Account"), writable=False),
        Field("AccountNumber"), Field("Description", "textarea"),
        Field("Type", "picklist", ("Prospect", "Customer - Direct", "Customer - Channel")),
        Field("ERP_Customer_Id__c", external_id=True),
        Field("Tier__c", "picklist", ("Standard", "SMB", "Growth", "Enterprise", "Strategic")),
        Field("ARR__c", "currency"), Field("CurrencyIsoCode", "picklist", ("USD", "EUR", "GBP", "JPY")),
        Field("Contract_Type__c", "picklist", ("monthly", "annual", "multi-year")),
        Field("Billing_Model__c", "picklist", ("subscription", "usage", "services")),
        Field("BillingCountryCode", "picklist"), Field("Time_Zone__c"),
        Field("Strategic_Account__c", "boolean"),
        Field("Do_Not_Contact__c", "boolean"),
        Field("Renewal_Date__c", "date"),
        Field("CSM__c", "reference", parent=("CSM__r", "User")),
        children={
            "Contracts": ("Contract", "AccountId"),
            "Opportunities": ("Opportunity", "AccountId"),
            "AccountTeamMembers": ("AccountTeamMember", "AccountId"),
            "Tasks": ("Task", "WhatId"),
            "Events": ("Event", "WhatId"),
            "Cases": ("Case", "AccountId"),
        },
        defaults={"CurrencyIsoCode": "USD"},
    )  # fmt: skip


def _activities() -> tuple[Kind, Kind]:
    """Tasks and events; what hangs on them is an account here, an opportunity or a contract."""
    task = _kind(
        "Task", "00T", _OWNER, Field("WhatId", "reference"), _ACTIVITYS_ACCOUNT, Field("Subject"),
        Field("Description", "textarea"), Field("ActivityDate", "date"),
        Field("Status", "picklist", ("Not Started", "In Progress", CLOSED)),
        Field("IsClosed", "boolean", writable=False), Field("CompletedDateTime", "datetime", writable=False),
        Field("TaskSubtype", "picklist", ("Task", "Call", "Email", "ListEmail", "Cadence")),
        Field("Priority", "picklist", ("High", "Normal", "Low")), Field("ARC_Id__c", external_id=True),
        defaults={"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task"},
    )  # fmt: skip
    event = _kind(
        "Event", "00U", _OWNER, Field("WhatId", "reference"), _ACTIVITYS_ACCOUNT, Field("Subject"),
        Field("StartDateTime", "datetime"), Field("EndDateTime", "datetime"),
    )  # fmt: skip
    return task, event


def kinds() -> dict[str, Kind]:
    """The organisation as it is set up at first: a usual sales cloud with account teams and some fields of its own."""
    found = (
        _account(),
        _kind(
            "Contract", "800", _ACCOUNT, _OWNER, Field("ContractNumber"), Field("StartDate", "date"),
            Field("EndDate", "date"), Field("Status", "picklist", ("Draft", "In Approval Process", "Activated")),
            defaults={"Status": "Draft"},
        ),
        _kind(
            "Opportunity", "006", _ACCOUNT, _OWNER, Field("Name"), Field("CloseDate", "date"), Field("StageName"),
            Field("Type", "picklist", ("New Customer", "Existing Customer - Upgrade", "Renewal")),
            Field("IsClosed", "boolean"), Field("IsWon", "boolean"),
            defaults={"StageName": "Prospecting"},
        ),
        *_activities(),
        _kind("Case", "500", _ACCOUNT, _OWNER, Field("Subject"), Field("Status"), defaults={"Status": "New"}),
        _kind(
            "EmailMessage", "02s", Field("ParentId", "reference", parent=("Parent", "Case")),
            Field("RelatedToId", "reference"),  # to an account, an opportunity, a case: its parent has no one kind
            Field("Incoming", "boolean"), Field("MessageDate", "datetime"), Field("Subject"),
            Field("FromAddress", "email"), Field("TextBody", "textarea"),
        ),
        _kind(
            "User", "005", Field("Name"), Field("Email", "email"), Field("IsActive", "boolean"),
            Field("ManagerId", "reference", parent=("Manager", "User")),
            defaults={"IsActive": True},
        ),
        _kind(
            "AccountTeamMember", "01M", _ACCOUNT, Field("UserId", "reference", parent=("User", "User")),
            Field("TeamMemberRole", "picklist", ("Account Manager", "Customer Success Manager", "Sales Rep")),
        ),
        _kind("Organization", "00D", Field("Name"), Field("IsSandbox", "boolean"), Field("OrganizationType")),
    )  # fmt: skip
    return {kind.name: kind for kind in found}


def record_id(prefix: str, number: int) -> str:
    """The id of the organisation's nth record: ids of one object are in the order in which they were made."""
    digits = ""
    while number:
        number, rest = divmod(number, len(_LETTERS))
        digits = _LETTERS[rest] + digits
    return long_id(f"{prefix}8b000{digits:0>7}")


def long_id(short: str) -> str:
    """18 characters: the 15 that count case, and 3 that say which of them are capitals."""
    chunks = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(
        _SUFFIX[sum(1 << bit for bit, char in enumerate(chunk) if char.isupper())] for chunk in chunks
    )
