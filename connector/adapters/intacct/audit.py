"""The audit of the data before anything is switched on (`connector check`): what in the ledger will go wrong later?

Nothing here blocks a start. Each finding says how many, up to five examples by number, and what to do. Whether due
dates agree with their terms is not looked at: terms say them in words of Intacct's own, and the due dates govern.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.adapters.intacct import customers, filters
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.xmltext import Node
from connector.errors import ConnectorError
from connector.ports import Finding
from connector.receivables import Customer

AREA = "Intacct data"
EXAMPLES_MAX = 5
OWING = filters.differs("TRX_TOTALDUE", "0")


def findings(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    yield _invoices(
        mapping,
        gateway,
        "open invoices without terms",
        filters.is_null("TERMNAME"),
        "Give them and their customers terms, so that early discounts are known.",
    )
    yield _invoices(
        mapping,
        gateway,
        "open invoices without a due date",
        filters.is_null("WHENDUE"),
        "Enter the due dates; until then these invoices are shown and left alone.",
    )
    if mapping.delivery == "field":
        yield _invoices(
            mapping,
            gateway,
            "open invoices without evidence that the customer got them",
            filters.is_null(mapping.fields.invoice_delivered_on),
            "Enter the day on which they were sent, or choose another `delivery` in mappings/intacct.yaml.",
        )
    if loose := _loose_holds(mapping):
        yield _invoices(
            mapping,
            gateway,
            "open invoices on hold without an owner or an end",
            loose,
            "Enter both, or take the tick away; until then the policy's owner and end count.",
        )
    if mapping.settlement:
        yield _unsettled(mapping, gateway)
    if mapping.entities:
        yield _of_other_entities(mapping, gateway)
    else:
        yield _entities(gateway)
    yield from _contacts(mapping, gateway)


def _loose_holds(mapping: IntacctMapping) -> Node | None:
    fields = mapping.fields
    lacking = [name for name in (fields.invoice_hold_owner, fields.invoice_hold_until) if name]
    if not lacking:
        return None
    return filters.both(
        filters.equal(fields.invoice_hold, "true"), filters.either(*(filters.is_null(name) for name in lacking))
    )


def _invoices(mapping: IntacctMapping, gateway: Gateway, which: str, where: Node, remedy: str) -> Finding:
    number = mapping.facts.invoice_number_field
    try:
        rows, count = gateway.some("ARINVOICE", ("RECORDNO", number), EXAMPLES_MAX, filters.both(OWING, where))
    except ConnectorError as error:
        return _not_seen(error)
    if not count:
        return Finding(AREA, True, f"{which}: none")
    examples = [row.get(number) or f"RECORDNO {row['RECORDNO']}" for row in rows]
    return Finding(AREA, False, f"{which}: {count} ({_listed(examples, count)})", remedy, blocking=False)


def _unsettled(mapping: IntacctMapping, gateway: Gateway) -> Finding:
    """Currencies in which something is owed and whose payouts nobody said how to book."""
    try:
        rows = gateway.sums("ARINVOICE", ("CURRENCY",), ("TRX_TOTALDUE",), OWING)
    except ConnectorError as error:
        return _not_seen(error)
    lacking = sorted({row.get("CURRENCY", "?") for row in rows if not mapping.settlement_of(row.get("CURRENCY", ""))})
    if not lacking:
        return Finding(AREA, True, "each currency with open invoices has a settlement")
    remedy = (
        "Add them to `settlement` in mappings/intacct.yaml if their payouts are to be posted; without it their "
        "payments go to undeposited funds."
    )
    return Finding(AREA, False, f"currencies without settlement: {', '.join(lacking)}", remedy, blocking=False)


def _of_other_entities(mapping: IntacctMapping, gateway: Gateway) -> Finding:
    """Entities with open invoices that the mapping doesn't name: theirs are left alone."""
    try:
        rows = gateway.sums("ARINVOICE", ("MEGAENTITYID",), ("TRX_TOTALDUE",), OWING)
    except ConnectorError as error:
        return _not_seen(error)
    others = sorted({row.get("MEGAENTITYID", "") for row in rows if not mapping.is_ours(row.get("MEGAENTITYID", ""))})
    if not others:
        return Finding(AREA, True, "every entity with open invoices is under `entities`")
    remedy = "Right if they are not ours to collect; else add them to `entities` in mappings/intacct.yaml."
    return Finding(AREA, False, f"entities with open invoices left alone: {', '.join(others)}", remedy, blocking=False)


def _entities(gateway: Gateway) -> Finding:
    """A company with entities whose mapping names none: invoices of theirs are not understood."""
    try:
        rows, count = gateway.some("LOCATIONENTITY", ("RECORDNO", "LOCATIONID"), EXAMPLES_MAX)
    except ConnectorError as error:
        return _not_seen(error)
    if count <= 1:
        return Finding(AREA, True, "the company is one entity")
    named = _listed([row.get("LOCATIONID", "?") for row in rows], count)
    remedy = "Name those whose invoices are ours under `entities`; invoices of one that isn't named are parked."
    return Finding(AREA, False, f"entities of the company: {count} ({named}); the mapping names none", remedy, False)


def _contacts(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    """Customers who owe something and can't be written to, or share an address with another."""
    try:
        owing = _owing_customers(mapping, gateway)
    except ConnectorError as error:
        yield _not_seen(error)
        return
    silent = [one.id for one in owing if not one.email and not one.is_excluded]
    if silent:
        what = f"customers with open invoices and no e-mail address: {len(silent)} ({_listed(silent, len(silent))})"
        remedy = "Enter the address on the bill-to or the primary contact; until then nobody is reminded."
        yield Finding(AREA, False, what, remedy, blocking=False)
    else:
        yield Finding(AREA, True, "every customer with open invoices has an e-mail address")
    by_address: dict[str, list[str]] = {}
    for one in owing:
        if one.email:
            by_address.setdefault(one.email.lower(), []).append(one.id)
    shared = [" and ".join(ids) for ids in by_address.values() if len(ids) > 1]
    if not shared:
        yield Finding(AREA, True, "no two customers with something open share an e-mail address")
        return
    what = f"e-mail addresses of several customers: {len(shared)} ({_listed(shared, len(shared))})"
    remedy = "Make sure that each of them may see the other's invoices, or give each customer an address of its own."
    yield Finding(AREA, False, what, remedy, blocking=False)


def _owing_customers(mapping: IntacctMapping, gateway: Gateway) -> list[Customer]:
    owing = gateway.sums("ARINVOICE", ("CUSTOMERID",), ("TRX_TOTALDUE",), OWING)
    ids = sorted({row["CUSTOMERID"] for row in owing if row.get("CUSTOMERID")})
    found: list[Customer] = []
    for some in chunks(ids, VALUES_MAX):
        rows: list[Row] = gateway.rows("CUSTOMER", customers.fields(mapping), filters.within("CUSTOMERID", some))
        found += customers.customers(rows, mapping)[0]
    return found


def _listed(examples: Sequence[str], count: int) -> str:
    named = ", ".join(examples[:EXAMPLES_MAX])
    return f"{named}, …" if count > min(len(examples), EXAMPLES_MAX) else named


def _not_seen(error: ConnectorError) -> Finding:
    remedy = "Correct what the message names, then run `connector check` again."
    return Finding(AREA, False, str(error), remedy, blocking=False)
