"""A Salesforce account with its contracts, opportunities and team -> a CrmAccount: what is asked for, what is believed.

One query gives an account whole: its children come as subqueries, so that they are as old as the account itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from connector import money
from connector.adapters.salesforce_api import Misread, quoted
from connector.adapters.salesforce_mapping import RenewalSource, SalesforceMapping
from connector.money import Money, MoneyError
from connector.receivables import Traits
from connector.settlement import CrmAccount

NOTE_MAX = 500
# A renewal that passed this long ago says nothing about an invoice of today.
PASSED_KNOWN_FOR = timedelta(days=60)
RENEWALS_MAX = 20
TEAM_MEMBERS_MAX = 20
_COUNTRY = re.compile(r"[A-Z]{2}")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One record of an answer. Fields are found in any case, as SOQL does; one that did not come is a Misread, never
    an empty value: a flag that is silently absent would let a strategic customer be chased."""

    fields: dict[str, Any]
    where: str = ""

    @classmethod
    def read(cls, raw: object, where: str = "") -> Row:
        if not isinstance(raw, dict):
            raise Misread(where or "record", "is no record")
        return cls({str(name).lower(): value for name, value in raw.items()}, where)

    def value(self, name: str) -> Any:
        if name.lower() not in self.fields:
            raise Misread(self._path(name), "is not in Salesforce's answer")
        return self.fields[name.lower()]

    def text(self, name: str) -> str:
        """Empty for an empty field."""
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise Misread(self._path(name), "is no text")
        return (value or "").strip()

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            raise Misread(self._path(name), "is no checkbox")
        return value

    def number(self, name: str) -> Decimal | None:
        """None for an empty field. A number never comes as a float: the client reads it as it was written."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise Misread(self._path(name), "is no number")
        return Decimal(value)

    def day(self, name: str) -> date | None:
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise Misread(self._path(name), "is no date") from None

    def parent(self, name: str) -> Row | None:
        """The record that a lookup leads to; None where it is empty."""
        value = self.value(name)
        return None if value is None else Row.read(value, self._path(name))

    def children(self, name: str) -> tuple[Row, ...]:
        """The records of a subquery; Salesforce says null when there are none."""
        value = self.value(name)
        if value is None:
            return ()
        records = value.get("records") if isinstance(value, dict) else None
        if not isinstance(records, list) or value.get("done") is not True:
            raise Misread(self._path(name), "is not all there")
        return tuple(Row.read(one, self._path(name)) for one in records)

    def _path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


@dataclass(frozen=True, slots=True)
class AccountReader:
    """The query for accounts on a day, and its rows as values."""

    mapping: SalesforceMapping
    today: date  # in the ledger's zone; a contract that ends today is still to come

    def fields(self) -> str:
        """What to SELECT of an account."""
        mapping = self.mapping
        found = ["Id", "Name", mapping.customer_id_field, *mapping.strategic, *mapping.notes.account_fields]
        found += [one.account_field for one in mapping.renewal_dates if one.account_field]
        found += [mapping.do_not_contact_field] if mapping.do_not_contact_field else []
        found += mapping.traits.words.values()
        found += [name for arr in [mapping.traits.arr] if arr for name in (arr.field, arr.currency_field) if name]
        for user in ("Owner", *([_relationship(mapping.owner.lookup_field)] if mapping.owner.lookup_field else [])):
            found += self._of_user(user)
        # A field may be named twice in the mapping, but not in a query.
        once = {name.lower(): name for name in found}
        return ", ".join([*once.values(), *self._subqueries()])

    def _of_user(self, user: str) -> list[str]:
        """What is asked of somebody who looks after an account, and of the manager."""
        people = (user, f"{user}.Manager") if self.mapping.owner.manager else (user,)
        return [f"{one}.{name}" for one in people for name in ("Id", "Name", "Email", "IsActive")]

    def _subqueries(self) -> Iterator[str]:
        for source in self.mapping.renewal_dates:
            if source.contract_statuses:
                yield self._nearest("Contracts", "EndDate", "Status", source.contract_statuses, "")
            if source.opportunity_types:
                yield self._nearest("Opportunities", "CloseDate", "Type", source.opportunity_types, "IsClosed = false")
        if role := self.mapping.owner.team_role:
            user = ", ".join(self._of_user("User"))
            where = f"TeamMemberRole = {quoted(role)}"
            yield f"(SELECT {user} FROM AccountTeamMembers WHERE {where} ORDER BY Id LIMIT {TEAM_MEMBERS_MAX})"
        if latest := self.mapping.notes.latest_tasks:
            yield (
                "(SELECT Subject, Description, ActivityDate FROM Tasks ORDER BY CreatedDate DESC, Id DESC "
                f"LIMIT {latest})"
            )

    def _nearest(self, children: str, day: str, field: str, values: tuple[str, ...], also: str) -> str:
        where = f"{field} IN {quoted(values)} AND {day} >= {(self.today - PASSED_KNOWN_FOR).isoformat()}"
        where += f" AND {also}" if also else ""
        return f"(SELECT {day} FROM {children} WHERE {where} ORDER BY {day} LIMIT {RENEWALS_MAX})"

    # ---- rows ----

    def customer_id(self, raw: object) -> str:
        """Whose account it is, however little else of it is understood; '' if not even that is."""
        try:
            return Row.read(raw).text(self.mapping.customer_id_field)
        except Misread:
            return ""

    def account(self, raw: object, talked_on: Mapping[str, date]) -> CrmAccount:
        """The account, or a Misread that names the field. `talked_on`: account id -> the last conversation."""
        row = Row.read(raw)
        customer_id = row.text(self.mapping.customer_id_field)
        if not customer_id:
            raise Misread(self.mapping.customer_id_field, "is empty although it was asked for")
        silent = self.mapping.do_not_contact_field
        try:
            owner = self._owner(row)
            manager = self._manager(owner)
            return CrmAccount(
                id=row.text("Id"),
                customer_id=customer_id,
                name=row.text("Name"),
                renews_on=self._renews_on(row),
                is_strategic=any([self._is_one_of(row, name) for name in self.mapping.strategic]),
                do_not_contact=row.flag(silent) if silent else False,
                owner_id=owner.text("Id") if owner else "",
                owner=owner.text("Name") if owner else "",
                owner_email=_address(owner.text("Email")) if owner else "",
                notes=tuple(self._notes(row)),
                traits=self._traits(row),
                manager=manager.text("Name") if manager else "",
                manager_id=manager.text("Id") if manager else "",
                manager_email=_address(manager.text("Email")) if manager else "",
                talked_on=talked_on.get(row.text("Id")),
            )
        except Misread as misread:
            raise Misread(misread.field, misread.reason, customer_id) from None

    def _renews_on(self, row: Row) -> date | None:
        """The nearest day to come of the most trusted source that has one, else the latest that passed not long ago.

        A renewal that passed while an invoice was overdue is no reason for mail to start behind a person's back.
        """
        passed: list[date] = []
        for source in self.mapping.renewal_dates:
            days = [day for day in self._days(row, source) if day is not None]
            if coming := [day for day in days if day >= self.today]:
                return min(coming)
            passed += [day for day in days if day >= self.today - PASSED_KNOWN_FOR]
        return max(passed, default=None)

    def _days(self, row: Row, source: RenewalSource) -> list[date | None]:
        if source.account_field:
            return [row.day(source.account_field)]
        if source.contract_statuses:
            return [one.day("EndDate") for one in row.children("Contracts")]
        return [one.day("CloseDate") for one in row.children("Opportunities")]

    def _is_one_of(self, row: Row, name: str) -> bool:
        """Does this field hold one of the values that make a customer strategic? A checkbox has true and false."""
        value, values = row.value(name), self.mapping.strategic[name]
        words = {one.strip().casefold() for one in values if isinstance(one, str)}
        if value is None:
            return False
        if isinstance(value, bool) and not words:
            return value in values
        if isinstance(value, str) and words:
            # A picklist of several values has them between semicolons.
            return not words.isdisjoint(part.strip().casefold() for part in value.split(";"))
        kind = "a checkbox" if isinstance(value, bool) else "text" if isinstance(value, str) else "a number"
        raise Misread(name, f"is {kind}, and the values under `strategic` in mappings/salesforce.yaml are not")

    def _owner(self, row: Row) -> Row | None:
        """The first active one of the team's role, the lookup and the account's owner."""
        lookups: list[Callable[[], list[Row | None]]] = []
        owner = self.mapping.owner
        if owner.team_role:
            lookups.append(lambda: [member.parent("User") for member in row.children("AccountTeamMembers")])
        if owner.lookup_field:
            name = _relationship(owner.lookup_field)
            lookups.append(lambda: [row.parent(name)])
        lookups.append(lambda: [row.parent("Owner")])
        users = (user for lookup in lookups for user in lookup())
        return next((user for user in users if user is not None and user.flag("IsActive")), None)

    def _manager(self, owner: Row | None) -> Row | None:
        """Whom the owner reports to, if that one is still there."""
        above = owner.parent("Manager") if owner and self.mapping.owner.manager else None
        return above if above and above.flag("IsActive") else None

    def _traits(self, row: Row) -> Traits:
        words = {name: row.text(field) for name, field in self.mapping.traits.words.items()}
        # A country that isn't told by its code is told to nobody: its name may be in any language.
        country = words.get("country", "").upper()
        words["country"] = country if _COUNTRY.fullmatch(country) else ""
        return Traits(arr=self._arr(row), **words)

    def _arr(self, row: Row) -> Money | None:
        """What is beyond the currency's decimals is cut off: revenue is compared with bounds and never charged."""
        part = self.mapping.traits.arr
        number = row.number(part.field) if part else None
        if part is None or number is None:
            return None
        currency = row.text(part.currency_field) if part.currency_field else part.currency
        try:
            step = Decimal(1).scaleb(-money.exponent(currency))
            return Money.of(number.quantize(step, ROUND_FLOOR), currency)
        except (MoneyError, ArithmeticError) as error:
            raise Misread(part.currency_field or part.field, str(error)) from None

    def _notes(self, row: Row) -> Iterator[str]:
        for name in self.mapping.notes.account_fields:
            if (value := row.value(name)) not in (None, ""):
                yield str(value)[:NOTE_MAX]
        if not self.mapping.notes.latest_tasks:
            return
        for task in row.children("Tasks"):
            parts = (task.text("ActivityDate"), task.text("Subject"), task.text("Description"))
            if text := " · ".join(part for part in parts if part):
                yield text[:NOTE_MAX]


def _relationship(lookup_field: str) -> str:
    """CSM__c leads to CSM__r."""
    return f"{lookup_field[:-1]}r"


def _address(text: str) -> str:
    """A mail address, or nothing: it is shown and may be written to, and it decides nothing."""
    return text if _ADDRESS.fullmatch(text) else ""
