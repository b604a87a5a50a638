"""When a customer and our people last talked, by what Salesforce holds of mails, tasks and meetings (RULES 5.6).

A customer's mail counts, and a task that somebody closed; not our own mails, which somebody may have logged there, nor
our own tasks, nor what a sales programme sends. Sources: EmailMessage, Task and Event in Salesforce's Object Reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.adapters.salesforce_api import Misread, SalesforceApi, quoted
from connector.adapters.salesforce_facts import Row
from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.errors import Terminal

# A mail may hang on anything; the ids of accounts begin so in every organisation.
ACCOUNT_PREFIX = "001"
ACCOUNTS_A_QUERY = 100
# Tasks that Salesforce itself makes of a mail: of outgoing ones too, of which we don't count any.
_NOT_TALK = ("Email", "ListEmail", "Cadence")


@dataclass(frozen=True, slots=True)
class TalkSource:
    """One kind of record. `at` is the field with its instant, `accounts` are the ways to the id of its account."""

    object: str
    plural: str
    at: str
    accounts: tuple[str, ...]
    counts: str = ""  # what of it counts; '' is all
    others: tuple[str, ...] = ()  # fields that `counts` rests on
    subject: str = ""  # where a machine's answer can be told by it

    @property
    def fields(self) -> str:
        return ", ".join(name for name in ("Id", self.at, self.subject, *self.accounts) if name)

    def where(self, *conditions: str) -> str:
        return " AND ".join(one for one in (self.counts, *conditions) if one)


def sources(mapping: SalesforceMapping) -> Iterator[TalkSource]:
    """What the mapping names; one request each."""
    wanted = mapping.conversations
    if wanted.emails:
        ways = {"account": "RelatedToId", "case": "Parent.AccountId"}
        accounts = tuple(ways[one] for one in wanted.emails)
        yield TalkSource(
            "EmailMessage", "customers' mails", "MessageDate", accounts, "Incoming = true", ("Incoming",), "Subject"
        )
    if wanted.tasks:
        counts = f"IsClosed = true AND TaskSubtype NOT IN {quoted(_NOT_TALK)}"
        if mapping.task:
            counts += f" AND {mapping.task.external_id_field} = null"
        closed = ("IsClosed", "TaskSubtype")
        yield TalkSource("Task", "closed tasks", "CompletedDateTime", ("AccountId",), counts, closed)
    if wanted.events:
        yield TalkSource("Event", "meetings", "EndDateTime", ("AccountId",))


@dataclass(frozen=True, slots=True)
class Talk:
    """The conversations of one organisation; an account is known by its id of 18 characters."""

    api: SalesforceApi
    mapping: SalesforceMapping
    zone: ZoneInfo  # the ledger's: in it the day of an instant is told

    def changed(self, since: datetime, now: datetime) -> set[str]:
        """Accounts of which such a record was made, changed or deleted since, or whose meeting is over since then."""
        found: set[str] = set()
        for source in sources(self.mapping):
            # A meeting that was entered long ago counts from when it is over.
            moved = f"(SystemModstamp >= {quoted(since)} OR {source.at} >= {quoted(since)})"
            where = source.where(moved, f"{source.at} <= {quoted(now)}", _any(source, "!= null"))
            for account_ids, _ in self._read(source, where, with_deleted=True):
                found.update(account_ids)
        return found

    def last(self, account_ids: Sequence[str] | None, now: datetime) -> dict[str, date]:
        """The last day of a conversation within `within_days`, of these accounts or of all, where there was any."""
        found: dict[str, date] = {}
        since = now - timedelta(days=self.mapping.conversations.within_days)
        for source in sources(self.mapping):
            within = f"{source.at} >= {quoted(since)} AND {source.at} <= {quoted(now)}"
            for some in _parts(account_ids):
                for talking, on in self._read(source, source.where(within, _any(source, some))):
                    found |= {one: max(on, found.get(one, on)) for one in talking}
        return found

    def _read(
        self, source: TalkSource, where: str, *, with_deleted: bool = False
    ) -> Iterator[tuple[frozenset[str], date]]:
        """The accounts of each record and its day, without the answers of machines."""
        machines = tuple(one.casefold() for one in self.mapping.conversations.automatic_subjects)
        for raw in self.api.rows(source.plural, source.object, source.fields, where, with_deleted=with_deleted):
            try:
                row = Row.read(raw, source.object)
                if source.subject and row.text(source.subject).casefold().startswith(machines):
                    continue
                at = datetime.fromisoformat(row.text(source.at)).astimezone(self.zone)
                yield frozenset(_accounts(source, row)), at.date()
            except (Misread, ValueError):
                raise Terminal(
                    f"Could not read {source.plural} from Salesforce: {source.object} {raw.get('Id')} is not "
                    "understood. Nothing of this read was used, the last known facts stay; take that kind out of "
                    "`conversations` in mappings/salesforce.yaml."
                ) from None


def _any(source: TalkSource, condition: str) -> str:
    return f"({' OR '.join(f'{way} {condition}' for way in source.accounts)})"


def _parts(account_ids: Sequence[str] | None) -> Iterator[str]:
    """What the ids have to be, so many at once."""
    if account_ids is None:
        yield "!= null"
        return
    for start in range(0, len(account_ids), ACCOUNTS_A_QUERY):
        yield f"IN {quoted(account_ids[start : start + ACCOUNTS_A_QUERY])}"


def _accounts(source: TalkSource, row: Row) -> Iterator[str]:
    for way in source.accounts:
        *parents, name = way.split(".")
        at: Row | None = row
        for parent in parents:
            at = at.parent(parent) if at else None
        id = at.text(name) if at else ""
        if id.startswith(ACCOUNT_PREFIX):
            yield id
