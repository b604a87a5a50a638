"""A payout as Intacct has it booked: what was meant, what is there, in what the two differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.adapters.intacct.rows import DECIMALS
from connector.adapters.intacct.settings import SettlementEntry
from connector.money import Money, exponent
from connector.settlement import AccountRole, DepositIntent, DepositKind, DepositSeen, SettleThrough

Accounts = Mapping[AccountRole, str]  # role -> number of its GL account


@dataclass(frozen=True, slots=True)
class Booked:
    """A deposit or journal entry. `lines`: GL account -> what came out of it into the bank; `bank` is one too."""

    record_no: str
    amount: Money
    bank: str
    posted_on: date | None
    payments: tuple[str, ...] = ()
    lines: Mapping[str, Money] = field(default_factory=dict)
    voided: bool = False


def is_journal(intent: DepositIntent, entry: SettlementEntry) -> bool:
    """What comes out of a clearing account, or debits the bank, is a journal entry: no receipt of it waits anywhere."""
    return entry.through is SettleThrough.CLEARING or intent.kind is DepositKind.JOURNAL


def unsayable(intent: DepositIntent, entry: SettlementEntry, negative_receipts: bool) -> str:
    """Why can't this payout be said to Intacct? Empty when it can."""
    lacking = sorted({line.role for line in intent.lines if not entry.account_of(line.role)})
    parts = [amount for _, amount in intent.payments] + [line.amount for line in intent.lines]
    total = Money.total(parts, intent.amount.currency)
    if exponent(intent.amount.currency) != DECIMALS:
        return f"Intacct keeps amounts with {DECIMALS} decimals, and {intent.amount.currency} has others"
    if not entry.accounts.bank or lacking:
        named = ", ".join(lacking) or AccountRole.BANK
        return f"the settlement of {entry.currency} in mappings/intacct.yaml names no account for {named}"
    if intent.subsidiary and entry.entity and intent.subsidiary != entry.entity:
        return f"the bank account belongs to entity {entry.entity}, the payout to {intent.subsidiary}"
    if total != intent.amount:
        return f"its parts come to {total}, the payout is {intent.amount}"
    if is_journal(intent, entry):
        return "a journal entry can't take payments out of undeposited funds" if intent.payments else ""
    if intent.amount.minor <= 0:
        return "a deposit has to be above zero"
    below = [line for line in intent.lines if line.amount.minor < 0]
    if below and not negative_receipts:
        named = ", ".join(f"{line.role} {line.amount}" for line in below)
        return (
            f"a deposit would have to hold amounts below zero ({named}), and facts.negative_receipts in "
            "mappings/intacct.yaml says that Intacct takes none; settle this currency through clearing"
        )
    return ""


def by_account(intent: DepositIntent, accounts: Accounts) -> dict[str, Money]:
    """What this intent's lines come to on each GL account; what comes to nothing is left out."""
    return summed((accounts[line.role], line.amount) for line in intent.lines)


def summed(amounts: Iterable[tuple[str, Money]]) -> dict[str, Money]:
    """Account -> the sum of its amounts; what comes to nothing is left out."""
    found: dict[str, Money] = {}
    for account, amount in amounts:
        found[account] = found[account] + amount if account in found else amount
    return {account: amount for account, amount in found.items() if amount}


def differences(intent: DepositIntent, accounts: Accounts, there: Booked) -> str:
    """In what does the record differ from what we would have written? Empty: in nothing that it shows."""
    ours, theirs = by_account(intent, accounts), dict(there.lines)
    payments, bank = sorted(erp_id for erp_id, _ in intent.payments), accounts[AccountRole.BANK]
    told = {
        "it is voided": there.voided,
        f"total {there.amount} instead of {intent.amount}": there.amount != intent.amount,
        f"into account {there.bank} instead of {bank}": bool(intent.amount) and there.bank != bank,
        f"dated {there.posted_on} instead of {intent.posted_on}": there.posted_on not in (None, intent.posted_on),
        f"payments {_listed(there.payments)} instead of {_listed(payments)}": sorted(there.payments) != payments,
        f"lines {_shown(theirs)} instead of {_shown(ours)}": ours != theirs,
    }
    return "; ".join(text for text, is_so in told.items() if is_so)


def seen(there: Booked, accounts: Accounts, intent: DepositIntent | None = None) -> DepositSeen:
    return DepositSeen(
        erp_id=there.record_no,
        amount=there.amount,
        payments=there.payments,
        by_role=_by_role(there.lines, accounts, intent),
        voided=there.voided,
        posted_on=there.posted_on,
    )


def _by_role(
    lines: Mapping[str, Money], accounts: Accounts, intent: DepositIntent | None
) -> tuple[tuple[str, Money], ...]:
    """Lines by what their account is for; '' for an account without a role.

    One account may serve several roles: its sum is then told as the intent splits it, where that is its sum.
    """
    meant = by_account(intent, accounts) if intent else {}
    roles = {account: role for role, account in reversed(list(accounts.items()))}
    found: dict[str, Money] = {}

    def add(role: str, amount: Money) -> None:
        found[role] = found.get(role, Money.zero(amount.currency)) + amount

    for account, amount in lines.items():
        if intent and meant.get(account) == amount:
            for line in intent.lines:
                if accounts[line.role] == account:
                    add(line.role, line.amount)
        else:
            add(roles.get(account, ""), amount)
    return tuple(sorted(found.items()))


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(sorted(ids)) or "none"


def _shown(lines: Mapping[str, Money]) -> str:
    return ", ".join(f"{lines[account]} on {account}" for account in sorted(lines)) or "none"
