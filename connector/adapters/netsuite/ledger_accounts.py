"""Do the ledger accounts of `settlement` in the mapping exist, and are they what they are said to be?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from connector.adapters.netsuite import queries
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping, SettlementEntry
from connector.errors import ConnectorError
from connector.ports import Finding
from connector.settlement import AccountRole

AREA = "NetSuite settlement"
# What an account of a role may be (NetSuite's account types); other roles take any type but those below. That a
# clearing account is best of the type Bank is practice (RULES 1.2).
_TYPES = {
    AccountRole.BANK: ("Bank",),
    AccountRole.CLEARING: ("Bank",),
    AccountRole.FEES: ("Expense", "OthExpense", "COGS"),
}
# Lines on these would need a customer or a vendor.
_NEVER = ("AcctRec", "AcctPay", "NonPosting", "Stat")
_REMEDY = "Correct the account in NetSuite, or its id under `settlement` in mappings/netsuite.yaml."


def findings(mapping: NetSuiteMapping, ql: SuiteQl, currencies: Mapping[str, str]) -> Iterator[Finding]:
    """`currencies`: internal id -> ISO code."""
    if not mapping.settlement:
        yield Finding(AREA, True, "no currency is settled: payments go to Undeposited Funds, payouts are only shown")
        return
    ids = sorted({int(account) for entry in mapping.settlement for account in entry.roles.values()})
    rows: dict[str, Row] = {}
    if ids:
        try:
            found = ql.by_key("ledger accounts", queries.accounts(mapping, len(ids)), ids, "id")
        except ConnectorError as error:
            remedy = "Grant the integration role Lists > Accounts (View), then run `connector check` again."
            yield Finding(AREA, False, str(error), remedy)
            return
        rows = {row["id"]: row for row in found}
    for entry in mapping.settlement:
        problems = [*_entry_problems(entry, mapping.facts.has_subsidiaries, currencies)]
        for role, account in entry.roles.items():
            problems += _account_problems(entry, role, account, rows.get(account), currencies)
        if problems:
            yield from (Finding(AREA, False, f"{entry.currency}: {what}", _REMEDY) for what in problems)
        else:
            named = ", ".join(f"{role} {_name(rows[account])}" for role, account in entry.roles.items())
            yield Finding(AREA, True, f"{entry.currency} through {entry.through}: {named or 'no accounts'}")


def _entry_problems(entry: SettlementEntry, has_subsidiaries: bool, currencies: Mapping[str, str]) -> Iterator[str]:
    if entry.currency not in currencies.values():
        yield "the currency isn't in NetSuite's list of currencies"
    if has_subsidiaries and not entry.subsidiary:
        yield "no subsidiary is given, and facts.has_subsidiaries says that this account has them"
    if entry.subsidiary and not has_subsidiaries:
        yield "a subsidiary is given, and facts.has_subsidiaries says that there are none"


def _account_problems(
    entry: SettlementEntry, role: AccountRole, account: str, row: Row | None, currencies: Mapping[str, str]
) -> Iterator[str]:
    if row is None:
        yield f"account {account} for {role} doesn't exist, or the role can't see it"
        return
    name, kind = _name(row), row.get("accttype", "")
    wanted = _TYPES.get(role)
    if row.get("isinactive") == "T":
        yield f"account {name} for {role} is inactive"
    if wanted and kind not in wanted:
        yield f"account {name} for {role} is of type {kind}, not {wanted[0]}"
    if kind in _NEVER:
        yield f"account {name} for {role} is of type {kind}, which a deposit can't use"
    own = currencies.get(row.get("currency", ""), "")
    if own and own != entry.currency:
        yield f"account {name} for {role} is kept in {own}"
    subsidiaries = set(re.findall(r"\d+", row.get("subsidiary", "")))
    if entry.subsidiary and subsidiaries and entry.subsidiary not in subsidiaries:
        yield f"account {name} for {role} belongs to subsidiary {', '.join(sorted(subsidiaries))}"


def _name(row: Row) -> str:
    return " ".join(part for part in (row.get("acctnumber", ""), row.get("fullname", "")) if part) or row["id"]
