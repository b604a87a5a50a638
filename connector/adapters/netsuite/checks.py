"""`connector check` for NetSuite: login, permissions, fields, record types, and the order of the other checks.

Nothing is written: that the role may create payments shows only at the first one. A missing permission has many faces
(a refused login, a table "not found", fewer rows), so each question is asked by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.adapters.netsuite import audit, ledger_accounts, queries
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.soap import Soap
from connector.errors import ConnectorError, Terminal
from connector.money import MoneyError, exponent
from connector.ports import Finding

# Table -> what the integration role needs to see it (Setup > Users/Roles > Manage Roles > Permissions).
GRANTS = {
    "transaction": "Transactions > Find Transaction and Transactions > Invoice, Customer Payment, Credit Memo (View)",
    "transactionline": "Transactions > Find Transaction and Transactions > Invoice (View)",
    "nexttransactionlinelink": "Transactions > Find Transaction and Transactions > Customer Payment (View)",
    "transactionaccountingline": "Transactions > Find Transaction (View)",
    "customer": "Lists > Customers (View)",
    "customeraddressbook": "Lists > Customers (View)",
    "customeraddressbookentityaddress": "Lists > Customers (View)",
    "account": "Lists > Accounts (View)",
    "accountingperiod": "Setup > Manage Accounting Periods (View)",
    "message": "Lists > Track Messages (View)",
}
# NetSuite's own columns that are known from public queries only, for credits and for the past.
OWN_COLUMNS = {
    "transaction": ["otherrefnum", "closedate", "postingperiod"],
    "transactionline": ["createdfrom"],
    "nexttransactionlinelink": ["previoustype", "linktype"],
    "customeraddressbook": ["defaultbilling", "addressbookaddress"],
    "customeraddressbookentityaddress": ["country"],
}
# What the connector never reads: a role that sees it may do more than it has to.
NEVER_READ = {"employee": "id", "vendor": "id", "rolepermissions": "role"}  # table -> key
# A record that can't be there: asking for it needs the permission and finds nothing.
NOBODY = "arc-check-nobody"


def findings(settings: NetSuiteSettings, mapping: NetSuiteMapping, ql: SuiteQl, soap: Soap) -> tuple[Finding, ...]:
    """All findings; where the login itself is refused, only that."""
    try:
        rows = ql.by_offset("currencies", queries.CURRENCIES)
    except ConnectorError as error:
        return (Finding("NetSuite login", False, str(error), _login_remedy(error)),)
    codes = {row["id"]: row.get("symbol", "") for row in rows if "id" in row}
    found = [Finding("NetSuite login", True, f"SuiteQL answers for account {settings.account_id}")]
    found.append(_currencies(list(codes.values())))
    found += _tables(mapping, ql)
    type_ids = _type_ids(mapping, ql)
    found += _record_types(mapping, type_ids)
    found += _soap(settings, mapping, soap, type_ids)
    found += _role(mapping, ql)
    found += ledger_accounts.findings(mapping, ql, codes)
    found += _ledger(mapping, ql)
    found += audit.findings(mapping, ql, codes)
    return tuple(found)


def _login_remedy(error: ConnectorError) -> str:
    if isinstance(error, Terminal):
        return "Correct the account id, the token values or the role as named above, then run `connector check` again."
    return "Wait until NetSuite answers, then run `connector check` again."


def _currencies(codes: list[str]) -> Finding:
    odd = [code or "(no symbol)" for code in codes if not _is_currency(code)]
    if odd:
        what = f"currency symbols that are no ISO codes: {', '.join(odd)}; invoices in them are parked"
        remedy = "In Lists > Accounting > Currencies set the symbol to the ISO code, such as USD."
        return Finding("NetSuite currencies", False, what, remedy, blocking=False)
    return Finding("NetSuite currencies", bool(codes), f"currencies: {', '.join(codes) or 'none visible'}")


def _is_currency(code: str) -> bool:
    try:
        return exponent(code) >= 0
    except MoneyError:
        return False


def _tables(mapping: NetSuiteMapping, ql: SuiteQl) -> Iterator[Finding]:
    field, records = mapping.fields, mapping.records
    body = [*mapping.columns("invoice").values(), field.payment_act, field.payment_received_on]
    if mapping.native_dunning.pause_field:
        body.append(mapping.native_dunning.pause_field)
    if mapping.early_discount.is_read:
        body += [mapping.early_discount.amount, mapping.early_discount.until]
    body += OWN_COLUMNS["transaction"]
    line = [*dict.fromkeys(mapping.columns("line").values()), *OWN_COLUMNS["transactionline"]]
    person = list(mapping.columns("customer").values())
    yield _table(ql, "transaction", "id", body)
    yield _table(ql, "transactionline", "uniquekey", line)
    yield _table(ql, "nexttransactionlinelink", "nextdoc", OWN_COLUMNS["nexttransactionlinelink"])
    yield _table(ql, "transactionaccountingline", "transaction", [])
    yield _table(ql, "customer", "id", person)
    if mapping.country == "billing_address":
        yield _table(ql, "customeraddressbook", "entity", OWN_COLUMNS["customeraddressbook"], _OTHER_COUNTRY)
        columns = OWN_COLUMNS["customeraddressbookentityaddress"]
        yield _table(ql, "customeraddressbookentityaddress", "nkey", columns, _OTHER_COUNTRY)
    yield _table(ql, "account", "id", [])
    yield _table(ql, "accountingperiod", "id", [])
    if mapping.delivery == "email_log":
        yield _table(ql, "message", "id", [])
    for record in records.all:
        names = [value for name, value in record.model_dump().items() if name != "type"]
        yield _table(ql, record.type, "id", names)
    if field.not_there:
        what = f"left empty in mappings/netsuite.yaml and never read: {', '.join(field.not_there)}"
        yield Finding("NetSuite fields for people", True, what)


_OTHER_COUNTRY = ", or choose another `country` in mappings/netsuite.yaml"


def _table(ql: SuiteQl, table: str, key: str, columns: list[str], otherwise: str = "") -> Finding:
    """Can the role see this table and each of these fields? `otherwise` is what can be done without it."""
    area = f"NetSuite {table}"
    try:
        if _is_visible(ql, table, key, [key, *columns]):
            return Finding(area, True, f"{table} and its {len(columns)} fields can be read")
        if not _is_visible(ql, table, key, [key]):
            grant = GRANTS.get(table, f"Custom Record > {table} (Edit), or install the connector's record types")
            return Finding(area, False, f"{table} can't be seen", f"Grant the integration role {grant}{otherwise}.")
        missing = [name for name in columns if not _is_visible(ql, table, key, [key, name])]
    except ConnectorError as error:
        return Finding(area, False, str(error), "Correct what the message names, then run `connector check` again.")
    what = f"{table} has no field {', '.join(missing)}"
    remedy = "Install the connector's fields, or name yours in mappings/netsuite.yaml"
    remedy += otherwise or "; one that may be left out is left empty there"
    return Finding(area, False, what, f"{remedy}.")


def _is_visible(ql: SuiteQl, table: str, key: str, columns: list[str]) -> bool:
    try:
        ql.by_offset(f"the fields of {table}", queries.probe(table, key, columns))
    except Terminal:
        return False
    return True


def _type_ids(mapping: NetSuiteMapping, ql: SuiteQl) -> dict[str, str]:
    ids = dict(mapping.record_type_ids)
    try:
        for row in ql.by_offset("custom record types", queries.RECORD_TYPES):
            ids.setdefault(row.get("scriptid", "").lower(), row.get("internalid", ""))
    except ConnectorError:
        pass  # every type that is not in the mapping is then named as missing
    return ids


def _record_types(mapping: NetSuiteMapping, type_ids: dict[str, str]) -> Iterator[Finding]:
    missing = [name for name in mapping.records.types if name not in type_ids]
    if missing:
        what = f"no numeric id is known for {', '.join(missing)}"
        remedy = (
            "Install the connector's record types; where they are there, give their ids under record_type_ids in "
            "mappings/netsuite.yaml (the number after rectype= in the address of the record type's page)."
        )
        yield Finding("NetSuite record types", False, what, remedy)
    else:
        yield Finding("NetSuite record types", True, "the numeric ids of all record types are known")


def _soap(
    settings: NetSuiteSettings, mapping: NetSuiteMapping, soap: Soap, type_ids: dict[str, str]
) -> Iterator[Finding]:
    """Does the SOAP port answer, and may the role read what an act is read back from?"""
    asked = {
        "Transactions > Customer Payment (Create)": soap.new(
            "core:RecordRef", externalId=NOBODY, type="customerPayment"
        ),
        "Transactions > Credit Memo (Edit)": soap.new("core:RecordRef", externalId=NOBODY, type="creditMemo"),
        "Transactions > Invoice (View)": soap.new("core:RecordRef", internalId="1", type="invoice"),
    }
    if any(entry.accounts.bank for entry in mapping.settlement):
        reference = soap.new("core:RecordRef", externalId=NOBODY, type="deposit")
        asked["Transactions > Make Deposit (Create)"] = reference
    if any(entry.journal_negative for entry in mapping.settlement):
        reference = soap.new("core:RecordRef", externalId=NOBODY, type="journalEntry")
        asked["Transactions > Make Journal Entry (Create)"] = reference
    for name in mapping.records.types:
        if name in type_ids:
            reference = soap.new("core:CustomRecordRef", externalId=NOBODY, typeId=type_ids[name])
            asked[f"Custom Record > {name} (Edit)"] = reference
    area = "NetSuite SOAP"
    try:
        answers = soap.read(f"Could not use SuiteTalk {settings.soap_version}", list(asked.values()))
    except ConnectorError as error:
        yield Finding(area, False, str(error), "Correct what the message names, then run `connector check` again.")
        return
    yield Finding(area, True, f"SuiteTalk {settings.soap_version} answers")
    for grant, answer in zip(asked, answers, strict=True):
        if "PERMISSION" in answer.code:
            yield Finding(area, False, f"{answer.code}: {answer.message}", f"Grant the integration role {grant}.")


def _role(mapping: NetSuiteMapping, ql: SuiteQl) -> Iterator[Finding]:
    """What can be seen of a role that may do too much, and what can't be seen of one that may do too little."""
    area = "NetSuite role"
    try:
        seen = [table for table, key in NEVER_READ.items() if _is_visible(ql, table, key, [key])]
    except ConnectorError as error:
        remedy = "Correct what the message names, then run `connector check` again."
        yield Finding(area, False, str(error), remedy, blocking=False)
        return
    if seen:
        what = f"the role sees {', '.join(seen)}, which the connector never reads"
        remedy = "Use a role with just the permissions of the README's table, not an administrator's."
        yield Finding(area, False, what, remedy, blocking=False)
    else:
        yield Finding(area, True, f"the role sees nothing of {', '.join(NEVER_READ)}")
    creates = ["Customer Payment", "the connector's record types", "Credit Memo (Edit)"]
    if any(entry.accounts.bank for entry in mapping.settlement):
        creates.append("Make Deposit")
    if any(entry.journal_negative for entry in mapping.settlement):
        creates.append("Make Journal Entry")
    if mapping.native_dunning.pause_field:
        creates.append("Invoice (Edit)")
    what = (
        f"not looked at, since only a write would tell: may the role create {', '.join(creates)}? To apply later what "
        "a payment had left it also needs Customer Payment (Edit), and to take back a payment that came back that and "
        "Make Journal Entry (Create). A refusal shows at the first one, with the permission's name, and nothing is "
        "lost by it"
    )
    yield Finding(area, True, what)


def _ledger(mapping: NetSuiteMapping, ql: SuiteQl) -> Iterator[Finding]:
    """Are open invoices visible, and do the signs of their lines agree with the mapping?"""
    area = "NetSuite open invoices"
    try:
        totals = ql.by_offset("the open sums by customer", queries.TOTALS)
        sums = ql.by_offset("the lines of one open invoice", queries.ONE_INVOICE_LINES)
    except ConnectorError as error:
        yield Finding(area, False, str(error), "Correct what the message names, then run `connector check` again.")
        return
    if not totals:
        what = "no open invoice is visible; a role without permission sees fewer rows and no error"
        yield Finding(area, False, what, f"Unless there is none, grant {GRANTS['transaction']}.", blocking=False)
        return
    yield Finding(area, True, f"{sum(int(row.get('invoices', '0')) for row in totals)} open invoices are visible")
    amount = sums[0].get("amount", "") if sums else ""
    sign = "minus" if amount.startswith("-") else "plus"
    if amount and sign != mapping.facts.line_amount_sign:
        what = f"SuiteQL gives the lines of an invoice with a {sign} sign here"
        yield Finding(area, False, what, f"Set facts.line_amount_sign: {sign} in mappings/netsuite.yaml.")
