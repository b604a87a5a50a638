"""mappings/salesforce.yaml: where the organisation keeps what the connector wants to know of a customer."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from connector import money

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w{0,79}$")]
UserLookup = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w{0,76}__c$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_CURRENCY = re.compile(r"[A-Z]{3}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RenewalSource(_Part):
    """One place of renewal dates; exactly one key."""

    contract_statuses: tuple[Word, ...] = ()  # Contract.EndDate of contracts with one of these
    opportunity_types: tuple[Word, ...] = ()  # Opportunity.CloseDate of open ones of these types
    account_field: FieldName | None = None

    @model_validator(mode="after")
    def _is_one(self) -> RenewalSource:
        if sum(map(bool, (self.contract_statuses, self.opportunity_types, self.account_field))) != 1:
            raise ValueError("needs exactly one of contract_statuses, opportunity_types and account_field, filled in")
        return self


class OwnerPart(_Part):
    """Who looks after a customer: the first of these who is active; at last the account's owner."""

    team_role: Word | None = None
    lookup_field: UserLookup | None = None
    manager: bool = False  # is the owner's own manager told where the owner stays silent?


class RevenuePart(_Part):
    """A number, and its currency: one for all, or the field of the account that holds it."""

    field: FieldName
    currency: FieldName

    @field_validator("currency")
    @classmethod
    def _is_known(cls, currency: str) -> str:
        if _CURRENCY.fullmatch(currency):
            money.exponent(currency)
        return currency

    @property
    def currency_field(self) -> str:
        """'' where it is one currency for all."""
        return "" if _CURRENCY.fullmatch(self.currency) else self.currency


class TraitsPart(_Part):
    """What kind of customer it is, by fields of the account; the policy's segments go by it."""

    tier: FieldName | None = None
    arr: RevenuePart | None = None
    contract_type: FieldName | None = None
    billing_model: FieldName | None = None
    relationship: FieldName | None = None
    country: FieldName | None = None
    time_zone: FieldName | None = None

    @property
    def words(self) -> dict[str, str]:
        """Trait -> its field, of those that are words as they stand in the field."""
        names = ("tier", "contract_type", "billing_model", "relationship", "country", "time_zone")
        return {name: field for name in names if (field := getattr(self, name))}


class ConversationsPart(_Part):
    """Where it shows that a customer and our people are talking (RULES 5.6)."""

    emails: tuple[Literal["account", "case"], ...] = ()
    tasks: bool = False
    events: bool = False
    within_days: int = Field(default=14, ge=1, le=60)
    automatic_subjects: tuple[Word, ...] = ()


class NotesPart(_Part):
    """What people are shown beside a customer."""

    account_fields: tuple[FieldName, ...] = ()
    latest_tasks: int = Field(default=0, ge=0, le=20)


class TaskPart(_Part):
    """How the connector asks somebody in Salesforce to do something."""

    external_id_field: FieldName
    status: Word = "Not Started"
    priority: Word = "High"


class SalesforceMapping(_Part):
    """What is left out is not used; what is named must be there."""

    customer_id_field: FieldName
    renewal_dates: tuple[RenewalSource, ...] = ()
    strategic: dict[FieldName, Annotated[tuple[Word | bool, ...], Field(min_length=1)]] = {}
    do_not_contact_field: FieldName | None = None
    owner: OwnerPart = OwnerPart()
    traits: TraitsPart = TraitsPart()
    conversations: ConversationsPart = ConversationsPart()
    notes: NotesPart = NotesPart()
    task: TaskPart | None = None
    modified_overlap_minutes: int = Field(default=15, ge=5, le=240)
    accounts_drop_percent_max: int = Field(default=10, ge=0, le=100)

    @model_validator(mode="after")
    def _each_renewal_source_once(self) -> SalesforceMapping:
        for name in ("contract_statuses", "opportunity_types"):
            if sum(bool(getattr(one, name)) for one in self.renewal_dates) > 1:
                raise ValueError(f"renewal_dates: {name} is there twice; put all its values into one entry")
        return self
