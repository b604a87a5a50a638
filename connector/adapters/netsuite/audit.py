"""The audit of the data before anything is switched on (`connector check`): what in the ledger will go wrong later?

Nothing here blocks a start. Each finding says how many, up to five examples by number, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.adapters.netsuite import queries
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.errors import ConnectorError
from connector.ports import Finding

AREA = "NetSuite data"
EXAMPLES_MAX = 5


def findings(mapping: NetSuiteMapping, ql: SuiteQl, currencies: dict[str, str]) -> Iterator[Finding]:
    """`currencies`: internal id -> ISO code."""
    yield _invoices(
        ql,
        "open invoices without a billing contact, since the customer has no e-mail address",
        queries.WITHOUT_CONTACT,
        "Enter the billing address in the customer's E-mail field; until then nobody is reminded of them.",
    )
    yield _invoices(
        ql,
        "open invoices without terms",
        queries.WITHOUT_TERMS,
        "Give them and their customers terms, so that their due dates can be checked.",
    )
    yield _invoices(
        ql,
        "open invoices without a due date, or with one before their own day",
        queries.WITHOUT_DUE_DATE,
        "Correct the due dates; until then these invoices are shown and left alone.",
    )
    yield _invoices(
        ql,
        "open invoices with another due date than their terms give",
        queries.OTHER_DUE_DATE,
        "Reminders follow the due date. Where the terms are right, correct the date on the invoice.",
    )
    if mapping.delivery != "none":
        yield _invoices(
            ql,
            "open invoices without evidence that the customer got them",
            queries.without_evidence(mapping),
            "Send them from NetSuite or enter the day, or choose another `delivery` in mappings/netsuite.yaml.",
        )
    if loose := queries.loose_holds(mapping):
        yield _invoices(
            ql,
            "open invoices on hold without an owner or an end",
            loose,
            "Enter both, or take the tick away; until then the policy's owner and end count.",
        )
    if mapping.settlement:
        yield _unsettled(mapping, ql, currencies)
    yield _shared_addresses(ql)


def _invoices(ql: SuiteQl, which: str, sql: str, remedy: str) -> Finding:
    try:
        rows, count = ql.some(which, sql, EXAMPLES_MAX)
    except ConnectorError as error:
        return _not_seen(error)
    if not count:
        return Finding(AREA, True, f"{which}: none")
    return Finding(AREA, False, f"{which}: {count} ({_examples(rows, count)})", remedy, blocking=False)


def _unsettled(mapping: NetSuiteMapping, ql: SuiteQl, currencies: dict[str, str]) -> Finding:
    """Currencies in which something is owed and whose payouts nobody said how to book."""
    try:
        rows = ql.by_offset("open invoices by currency", queries.OPEN_BY_CURRENCY)
    except ConnectorError as error:
        return _not_seen(error)
    lacking = [row for row in rows if mapping.settlement_of(currencies.get(row.get("currency", ""), "")) is None]
    if not lacking:
        return Finding(AREA, True, "each currency with open invoices has a settlement")
    told = [
        f"{currencies.get(row.get('currency', ''), '?')} (open invoices: {row.get('invoices')}, "
        f"such as {row.get('number', '?')})"
        for row in lacking
    ]
    remedy = (
        "Add them to `settlement` in mappings/netsuite.yaml if their payouts are to be posted; without it their "
        "payments go to Undeposited Funds."
    )
    return Finding(AREA, False, f"currencies without settlement: {'; '.join(told)}", remedy, blocking=False)


def _shared_addresses(ql: SuiteQl) -> Finding:
    try:
        rows, count = ql.some("customers who share one address", queries.SHARED_ADDRESSES, EXAMPLES_MAX)
    except ConnectorError as error:
        return _not_seen(error)
    if not count:
        return Finding(AREA, True, "no two customers with something open share an e-mail address")
    pairs = [{"number": f"{row.get('number', '?')} and {row.get('other', '?')}"} for row in rows]
    what = f"e-mail addresses of several customers: {count} ({_examples(pairs, count)})"
    remedy = "Make sure that each of them may see the other's invoices, or give each customer an address of its own."
    return Finding(AREA, False, what, remedy, blocking=False)


def _examples(rows: Sequence[Row], count: int) -> str:
    named = ", ".join(row.get("number") or f"internal id {row.get('id', '?')}" for row in rows)
    return f"{named}, …" if count > len(rows) else named


def _not_seen(error: ConnectorError) -> Finding:
    remedy = "Correct what the message names, then run `connector check` again."
    return Finding(AREA, False, str(error), remedy, blocking=False)
