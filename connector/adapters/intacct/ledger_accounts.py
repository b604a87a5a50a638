"""Do the accounts of the mapping exist, and are they what they are said to be?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.adapters.intacct import filters
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.banks import BANK_ROLES
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.settings import IntacctMapping, SettlementEntry
from connector.errors import ConnectorError
from connector.ports import Finding
from connector.settlement import SettleThrough

AREA = "Intacct settlement"
BANK_FIELDS = ("RECORDNO", "BANKACCOUNTID", "GLACCOUNTNO", "STATUS")
ACCOUNT_FIELDS = ("RECORDNO", "ACCOUNTNO", "TITLE", "STATUS")
JOURNAL_FIELDS = ("RECORDNO", "SYMBOL", "STATUS")
_REMEDY = "Correct it in Intacct, or its id in mappings/intacct.yaml."
_GRANT = "Let the integration's user list accounts and checking accounts, then run `connector check` again."


def findings(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    """Settlement by currency, then what the reports look at."""
    try:
        banks, accounts = _banks(mapping, gateway), _accounts(mapping, gateway)
        journals = _journals(mapping, gateway)
    except ConnectorError as error:
        yield Finding(AREA, False, str(error), _GRANT)
        return
    if not mapping.settlement:
        yield Finding(AREA, True, "no currency is settled: payments go to undeposited funds, payouts are only shown")
    for entry in mapping.settlement:
        problems = [*_of_entry(mapping, entry, banks, accounts, journals)]
        if problems:
            yield from (Finding(AREA, False, f"{entry.currency}: {what}", _REMEDY) for what in problems)
        else:
            named = ", ".join(f"{role} {account}" for role, account in entry.roles.items())
            yield Finding(AREA, True, f"{entry.currency} through {entry.through}: {named or 'no accounts'}")
    yield from _others(mapping, accounts)
    if any(_is_deposited(entry) for entry in mapping.settlement):
        yield from _deposits(mapping, gateway)
    yield from _receivables(mapping, accounts)


def _banks(mapping: IntacctMapping, gateway: Gateway) -> dict[str, Row]:
    wanted = sorted({entry.account_of(role) for entry in mapping.settlement for role in BANK_ROLES} - {""})
    if not wanted:
        return {}
    # Older field lists don't have its currency.
    known = gateway.lookup("CHECKINGACCOUNT") or {}
    fields = (*BANK_FIELDS, *(["CURRENCY"] if "CURRENCY" in known else []))
    rows = gateway.rows("CHECKINGACCOUNT", fields, filters.within("BANKACCOUNTID", wanted))
    return {row["BANKACCOUNTID"]: row for row in rows}


def _accounts(mapping: IntacctMapping, gateway: Gateway) -> dict[str, Row]:
    wanted = {*mapping.receivable_accounts, *mapping.bad_debt_accounts}
    wanted |= {account for account in (mapping.undeposited_account, mapping.advance_account) if account}
    for entry in mapping.settlement:
        wanted |= {account for role, account in entry.roles.items() if role not in BANK_ROLES}
    if not wanted:
        return {}
    rows = gateway.rows("GLACCOUNT", ACCOUNT_FIELDS, filters.within("ACCOUNTNO", sorted(wanted)))
    return {row["ACCOUNTNO"]: row for row in rows}


def _journals(mapping: IntacctMapping, gateway: Gateway) -> dict[str, Row]:
    """The journal of payouts, where one is used."""
    if not any(_is_booked_as_journal(entry) for entry in mapping.settlement):
        return {}
    rows = gateway.rows("GLJOURNAL", JOURNAL_FIELDS, filters.equal("SYMBOL", mapping.journal))
    return {row["SYMBOL"]: row for row in rows}


def _is_booked_as_journal(entry: SettlementEntry) -> bool:
    return bool(entry.accounts.bank) and (entry.through is SettleThrough.CLEARING or entry.journal_negative)


def _is_deposited(entry: SettlementEntry) -> bool:
    return bool(entry.accounts.bank) and entry.through is SettleThrough.UNDEPOSITED


def _deposits(mapping: IntacctMapping, gateway: Gateway) -> Iterator[Finding]:
    """Can a deposit be read back with what is in it?"""
    field = mapping.facts.deposit_receipt_field
    try:
        known = gateway.lookup("DEPOSITENTRY") or {}
    except ConnectorError as error:
        yield Finding(AREA, False, str(error), _GRANT)
        return
    if field not in known:
        what = f"DEPOSITENTRY has no field {field}, so a deposit can't be compared with its payout"
        remedy = "Name the right field under facts.deposit_receipt_field, or settle through clearing."
        yield Finding(AREA, False, what, remedy)
    else:
        yield Finding(AREA, True, f"a deposit names its receipts in {field}")


def _of_entry(
    mapping: IntacctMapping,
    entry: SettlementEntry,
    banks: Mapping[str, Row],
    accounts: Mapping[str, Row],
    journals: Mapping[str, Row],
) -> Iterator[str]:
    if mapping.entities and not entry.entity:
        yield "no entity is given, and `entities` says that this company has them"
    if _is_booked_as_journal(entry):
        yield from _problem(f"journal {mapping.journal}", journals.get(mapping.journal))
    for role, account in entry.roles.items():
        if role in BANK_ROLES:
            row = banks.get(account)
            yield from _problem(f"checking account {account} for {role}", row)
            if row is not None and not row.get("GLACCOUNTNO"):
                yield f"checking account {account} for {role} has no GL account"
            if row is not None and row.get("CURRENCY", entry.currency) != entry.currency:
                yield f"checking account {account} for {role} is kept in {row['CURRENCY']}"
        else:
            yield from _problem(f"GL account {account} for {role}", accounts.get(account))
    below = entry.through is SettleThrough.UNDEPOSITED and not mapping.facts.negative_receipts
    if entry.accounts.bank and below:
        yield (
            "facts.negative_receipts is false, so a payout with fees can't be deposited out of undeposited funds: "
            "settle this currency through clearing"
        )


def _others(mapping: IntacctMapping, accounts: Mapping[str, Row]) -> Iterator[Finding]:
    """Where money waits that belongs to no settlement, or to no invoice."""
    if not mapping.undeposited_account:
        what = "no undeposited_account is given: a payment in a currency without a settlement is refused"
        yield Finding(AREA, False, what, "Give the GL account of undeposited funds.", blocking=False)
    if not mapping.advance_account and not mapping.advance_label:
        what = "neither advance_account nor advance_label is given: money that pays no invoice yet is refused"
        yield Finding(AREA, False, what, "Give the account on which customers' advances stand.", blocking=False)
    for key, account in (
        ("undeposited_account", mapping.undeposited_account),
        ("advance_account", mapping.advance_account),
    ):
        for what in _problem(f"{key} {account}", accounts.get(account)) if account else ():
            yield Finding(AREA, False, what, _REMEDY)


def _receivables(mapping: IntacctMapping, accounts: Mapping[str, Row]) -> Iterator[Finding]:
    area = "Intacct receivables"
    if not mapping.receivable_accounts:
        what = "receivable_accounts is empty, so open invoices can't be proved against the general ledger"
        remedy = "List the AR accounts there, with those on which advances and overpayments stand."
        yield Finding(area, False, what, remedy, blocking=False)
    named = [*mapping.receivable_accounts, *mapping.bad_debt_accounts]
    problems = [what for account in named for what in _problem(f"GL account {account}", accounts.get(account))]
    yield from (Finding(area, False, what, _REMEDY, blocking=False) for what in problems)
    if mapping.receivable_accounts and not problems:
        titles = ", ".join(f"{account} {accounts[account].get('TITLE', '')}".strip() for account in named)
        yield Finding(area, True, f"accounts of the reports: {titles}")


def _problem(what: str, row: Row | None) -> Iterator[str]:
    if row is None:
        yield f"{what} doesn't exist, or the integration's user can't see it"
    elif row.get("STATUS", "active").lower() != "active":
        yield f"{what} is inactive"
