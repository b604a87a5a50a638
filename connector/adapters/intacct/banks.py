"""Which GL account stands behind a bank account: money is received into bank accounts, and booked on GL accounts."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.settings import IntacctMapping, SettlementEntry
from connector.errors import Terminal
from connector.settlement import AccountRole

# The roles whose accounts are named by the bank account's id; all others are by their GL number.
BANK_ROLES = (AccountRole.BANK, AccountRole.CLEARING)
FIELDS = ("RECORDNO", "BANKACCOUNTID", "GLACCOUNTNO", "STATUS")


class Banks:
    """The checking accounts of one company. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def gl_accounts(self, entry: SettlementEntry) -> dict[AccountRole, str]:
        """Role -> number of its GL account, of the roles that have an account. Terminal where a bank account has none.

        A bank account that was used once keeps its GL account, so each is asked for once.
        """
        banks = self._behind(entry.account_of(role) for role in BANK_ROLES)
        return {role: banks[account] if role in BANK_ROLES else account for role, account in entry.roles.items()}

    def clearing(self) -> dict[str, SettlementEntry]:
        """GL account of each clearing account -> the settlement that it belongs to."""
        entries = [entry for entry in self._mapping.settlement if entry.accounts.clearing]
        banks = self._behind(entry.account_of(AccountRole.CLEARING) for entry in entries)
        return {banks[entry.account_of(AccountRole.CLEARING)]: entry for entry in entries}

    def _behind(self, ids: Iterable[str]) -> dict[str, str]:
        """Id of a bank account -> number of its GL account."""
        wanted = {id_ for id_ in ids if id_}
        with self._lock:
            if wanted - self._known.keys():
                rows = self._gateway.rows("CHECKINGACCOUNT", FIELDS)
                self._known |= {row["BANKACCOUNTID"]: row.get("GLACCOUNTNO", "") for row in rows}
            lacking = sorted(id_ for id_ in wanted if not self._known.get(id_))
            if lacking:
                raise Terminal(
                    f"Could not find checking account {', '.join(lacking)} with its GL account in Intacct. Correct "
                    "`settlement` in mappings/intacct.yaml, or let the integration's user list checking accounts."
                )
            return {id_: self._known[id_] for id_ in wanted}
