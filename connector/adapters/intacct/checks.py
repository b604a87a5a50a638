"""`connector check` for Sage Intacct: login, objects and fields, accounts, dunning, and the order of the other checks.

Nothing is written: that the integration's user may create and post payments shows only at the first one. Each question
is asked by itself, since an object that isn't subscribed to and one that may not be seen look alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from connector.adapters.intacct import audit, dunning, filters, ledger_accounts
from connector.adapters.intacct.definitions import Definitions
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.rows import DECIMALS
from connector.adapters.intacct.settings import IntacctMapping, IntacctSettings
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import Row
from connector.errors import ConnectorError, Terminal
from connector.money import MoneyError, exponent
from connector.ports import Finding
from connector.settlement import SettleThrough

AGAIN = "Correct what the message names, then run `connector check` again."
# What the user's role needs to see each object that the loop reads; the custom objects are granted by themselves.
READ: Mapping[str, str] = MappingProxyType(
    {
        "ARINVOICE": "Accounts Receivable > Invoices (list, view)",
        "ARINVOICEITEM": "Accounts Receivable > Invoices (list, view)",
        "ARADJUSTMENT": "Accounts Receivable > Adjustments (list, view)",
        "ARADVANCE": "Accounts Receivable > Advances (list, view)",
        "ARPYMT": "Accounts Receivable > Receive payments (list, view)",
    }
)
# Of other people's work: a user of the connector's own has no right to any of these.
NEVER_READ = ("APBILL", "VENDOR", "EMPLOYEE")
# What the reports, the clearing proof and the periods are made of, beyond what the loop stands on: object -> fields,
# and what the role needs.
LOOKED_AT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "REPORTINGPERIOD": ("RECORDNO NAME START_DATE END_DATE BUDGETING", "General Ledger > Reporting periods (list)"),
        "ARINVOICEBATCH": ("RECORDNO CREATED OPEN STATUS", "Accounts Receivable > Invoice summaries (list)"),
        "GLDETAIL": (
            "BOOKID MODULEKEY ACCOUNTNO CURRENCY BATCHKEY BATCH_NO BATCH_DATE BATCH_TITLE REFERENCENO DOCUMENT "
            "DESCRIPTION DOCNUMBER PRDESCRIPTION CUSTOMERID TRX_DEBITAMOUNT TRX_CREDITAMOUNT",
            "General Ledger > General ledger details (list)",
        ),
        "GLACCOUNT": ("RECORDNO ACCOUNTNO TITLE STATUS", "General Ledger > Accounts (list)"),
        "ARTERM": ("RECORDNO NAME DISCAMOUNT DISCPERCAMN DISCCALCON", "Accounts Receivable > Terms (list)"),
        "LOCATIONENTITY": ("RECORDNO LOCATIONID", "Company > Entities (list)"),
    }
)
# GLDETAIL is a view over the whole ledger, which Sage asks to filter always: nothing was posted on this day yet.
_NEVER = "12/31/2099"


def findings(
    settings: IntacctSettings, mapping: IntacctMapping, gateway: Gateway, definitions: Definitions
) -> tuple[Finding, ...]:
    """All findings; where the login itself is refused, only that."""
    try:
        gateway.some("CUSTOMER", ("RECORDNO",), 1)
    except ConnectorError as error:
        return (Finding("Intacct login", False, str(error), _login_remedy(error)),)
    found = [Finding("Intacct login", True, f"the gateway answers for company {settings.account}")]
    found += _definitions(mapping, definitions)
    found += _read(mapping, gateway)
    found += _looked_at(mapping, gateway)
    found += _entities(mapping, gateway)
    found += _rights(mapping)
    found += _too_much(gateway)
    found += ledger_accounts.findings(mapping, gateway)
    found += _currencies(gateway)
    found += _selected(mapping, gateway)
    found += _dunning(gateway)
    found += audit.findings(mapping, gateway)
    return tuple(found)


def _login_remedy(error: ConnectorError) -> str:
    if isinstance(error, Terminal):
        return (
            "Correct the company, the user or the sender named above, and authorise the sender under Company > "
            "Setup > Company Information > Security; then run `connector check` again."
        )
    return "Wait until Intacct answers, then run `connector check` again."


def _definitions(mapping: IntacctMapping, definitions: Definitions) -> Iterator[Finding]:
    """What the loop can't begin without."""
    area = "Intacct objects and fields"
    try:
        lacking = definitions.lacks()
    except ConnectorError as error:
        yield Finding(area, False, str(error), AGAIN)
        return
    remedy = "Create it as mappings/intacct/README.md says, let the user see it, or name yours in mappings/intacct.yaml"
    for lack in lacking:
        otherwise = "; one that may be left out is left empty there" if lack.key.startswith("fields.") else ""
        yield Finding(area, False, str(lack), f"{remedy}{otherwise}.")
    if not lacking:
        yield Finding(area, True, "everything that the loop reads and writes is there")
    if mapping.fields.not_there:
        what = f"left empty in mappings/intacct.yaml and never read: {', '.join(mapping.fields.not_there)}"
        yield Finding("Intacct fields for people", True, what)


def _read(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    """A definition may be shown of an object whose records may not: each is asked for one."""
    own = {one.type: f"Platform Services > {one.type} (list, view, add, edit)" for one in mapping.objects.all}
    grants = {**READ, **own}
    for name, grant in grants.items():
        if trouble := _trouble(gateway, name, key="RECORDNO" if name in READ else "id"):
            yield Finding(f"Intacct {name}", False, trouble, f"Grant the integration's role {grant}.")
        else:
            yield Finding(f"Intacct {name}", True, f"{name} can be read")


def _looked_at(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    for name, (fields, grant) in LOOKED_AT.items():
        if name == "ARINVOICEBATCH" and mapping.facts.periods_closed_by == "none":
            continue
        area = f"Intacct {name}"
        where = filters.at_least("BATCH_DATE", _NEVER) if name == "GLDETAIL" else None
        trouble = _trouble(gateway, name, where)
        if trouble:
            yield Finding(area, False, trouble, f"Grant the integration's role {grant}.")
            continue
        try:
            seen = gateway.lookup(name) or {}
        except ConnectorError as error:
            yield Finding(area, False, str(error), AGAIN)
            continue
        missing = [field for field in fields.split() if field not in seen]
        if missing:
            what = f"{name} has no field {', '.join(missing)}"
            yield Finding(area, False, what, f"Tell us; {_without(name)} can't be read without it.", blocking=False)
        else:
            yield Finding(area, True, f"{name} can be read")


def _trouble(gateway: Gateway, name: str, where: Node | None = None, key: str = "RECORDNO") -> str:
    """Why no record of this object can be read, '' where one can."""
    try:
        gateway.some(name, (key,), 1, where, key=key)
    except ConnectorError as error:
        return str(error)
    return ""


def _without(name: str) -> str:
    """What is lost where this object can't be read."""
    return {"ARINVOICEBATCH": "which periods are closed", "ARTERM": "early discounts"}.get(name, "the reports")


def _entities(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    """Are the entities of the mapping there, and may this user work inside each of them?"""
    area = "Intacct entities"
    for entity in sorted(mapping.entities):
        try:
            gateway.rows("CUSTOMER", ("RECORDNO",), filters.equal("RECORDNO", "0"), entity=entity)
        except ConnectorError as error:
            remedy = f"Let the integration's user work in entity {entity}, or take it out of `entities`."
            yield Finding(area, False, str(error), remedy)
        else:
            yield Finding(area, True, f"the user may work in entity {entity}")


def _rights(mapping: IntacctMapping) -> Iterator[Finding]:
    """What can't be seen of a role that may do too little."""
    does = ["add and post received payments", "add advances", "add and edit the connector's custom objects"]
    does.append("reverse posted payments (not where the policy leaves money that came back to a person)")
    does.append("edit invoices (the flags that views show)")
    booked = [entry for entry in mapping.settlement if entry.accounts.bank]
    if any(entry.through is SettleThrough.CLEARING or entry.journal_negative for entry in booked):
        does.append("add journal entries")
    if any(entry.through is SettleThrough.UNDEPOSITED for entry in booked):
        does.append("add deposits, add and delete other receipts")
    if mapping.suggest_as_draft:
        does.append("delete draft payments")
    what = (
        f"not looked at, since only a write would tell: may the user {'; '.join(does)}? Posting payments is a right of "
        "its own beside adding them. A refusal shows at the first one, and nothing is lost by it"
    )
    yield Finding("Intacct rights", True, what)


def _too_much(gateway: Gateway) -> Iterator[Finding]:
    """A role that sees what the connector never reads was made for somebody else."""
    area = "Intacct rights"
    seen = [name for name in NEVER_READ if not _trouble(gateway, name)]
    if seen:
        what = f"the user sees {', '.join(seen)}, which the connector never reads"
        remedy = "Give it a role of its own with just the permissions of mappings/intacct/README.md."
        yield Finding(area, False, what, remedy, blocking=False)
    else:
        yield Finding(area, True, f"the user sees nothing of {', '.join(NEVER_READ)}")


def _currencies(gateway: Gateway) -> Iterator[Finding]:
    """Amounts are kept with two decimals here, whatever the currency."""
    area = "Intacct currencies"
    try:
        rows = gateway.sums("ARINVOICE", ("CURRENCY",), ("TRX_TOTALDUE",), filters.differs("TRX_TOTALDUE", "0"))
    except ConnectorError as error:
        yield Finding(area, False, str(error), AGAIN)
        return
    codes = sorted({row["CURRENCY"] for row in rows if row.get("CURRENCY")})
    odd = [code for code in codes if not _fits(code)]
    if odd:
        what = f"currencies whose amounts don't have two decimals: {', '.join(odd)}; invoices in them are parked"
        yield Finding(area, False, what, "People look after these; nothing else is needed.", blocking=False)
    else:
        yield Finding(area, True, f"currencies with open invoices: {', '.join(codes) or 'none'}")


def _fits(code: str) -> bool:
    try:
        return exponent(code) == DECIMALS
    except MoneyError:
        return False


def _selected(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    """Does what is due still hold what a draft payment selected? Only an invoice with a draft can tell."""
    area = "Intacct drafts"
    fields = ("RECORDNO", mapping.facts.invoice_number_field, "TRX_TOTALENTERED", "TRX_TOTALPAID", "TRX_TOTALDUE")
    where = filters.both(filters.differs("TRX_TOTALSELECTED", "0"), filters.equal("TRX_TOTALPAID", "0"))
    try:
        rows, count = gateway.some("ARINVOICE", fields, 1, where)
    except ConnectorError as error:
        yield Finding(area, False, str(error), AGAIN, blocking=False)
        return
    if not count:
        yield Finding(area, True, "no invoice is selected by a draft alone; what its due amount shows isn't known yet")
        return
    counts = _is_whole(rows[0])
    if counts == mapping.facts.total_due_counts_selected:
        yield Finding(area, True, "the due amount of an invoice with a draft payment is as the mapping says")
        return
    what = f"invoice {rows[0].get(mapping.facts.invoice_number_field, '?')} shows its due amount otherwise"
    remedy = f"Set facts.total_due_counts_selected: {str(counts).lower()} in mappings/intacct.yaml."
    yield Finding(area, False, what, remedy)


def _is_whole(row: Row) -> bool:
    """Is all of an invoice still due, although a draft has selected something of it?"""
    return row.get("TRX_TOTALDUE", "0") == row.get("TRX_TOTALENTERED", "0")


def _dunning(gateway: Gateway) -> Iterator[Finding]:
    area = "Intacct dunning"
    try:
        gateway.some(dunning.OBJECT, dunning.LEVEL_FIELDS, 1)
    except ConnectorError as error:
        what = f"its own dunning levels can't be seen, so nobody is warned of double notices: {error}"
        remedy = "Grant the integration's role Accounts Receivable > Dunning levels (list)."
        yield Finding(area, False, what, remedy, blocking=False)
    else:
        yield Finding(area, True, "its own dunning levels can be seen")
