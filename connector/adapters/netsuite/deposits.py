"""What a payout becomes in NetSuite: a deposit, or a journal where the processor debited our bank.

A deposit's total can't be negative (RULES 1.2). Lines that come out of an account into the bank stand in its list of
other deposits, lines that go to an account in its cash back list; payments come from Undeposited Funds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from connector.adapters.ledger_rows import cells
from connector.adapters.netsuite import acts, queries
from connector.adapters.netsuite.ledger import SOURCE_IDS_PER_QUERY, carries, chunks, likes, unreadable
from connector.adapters.netsuite.lists import there
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping, SettlementEntry
from connector.adapters.netsuite.soap import Soap
from connector.adapters.netsuite.values import MEMO_MAX, Values, fit
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.money import Money, MoneyError
from connector.ports import Answer, Outcome
from connector.settlement import AccountRole, DepositIntent, DepositKind, DepositLine, DepositSeen

_TYPES = {DepositKind.DEPOSIT: "deposit", DepositKind.JOURNAL: "journalEntry"}
_KINDS = {"Deposit": DepositKind.DEPOSIT, "Journal": DepositKind.JOURNAL}  # by SuiteQL's type


@dataclass(frozen=True, slots=True)
class _Held:
    """A deposit or journal as the record shows it: `lines` are ledger account -> what came out of it into the bank."""

    erp_id: str
    bank: str
    amount: Money
    payments: tuple[str, ...]
    lines: dict[str, Money]
    posted_on: str


class Deposits:
    """Deposits of one account. Safe for several threads."""

    def __init__(self, mapping: NetSuiteMapping, ql: SuiteQl, soap: Soap, names: Names) -> None:
        self._mapping = mapping
        self._ql = ql
        self._soap = soap
        self._names = names
        self._values = Values(soap, mapping.zone)

    # ---- writing ----

    def write(self, intent: DepositIntent) -> Answer:
        """Create it once. EXISTS only if what is there agrees in all that it shows."""
        currency = intent.amount.currency
        entry, ids = self._mapping.settlement_of(currency), self._names.currency_ids()
        if entry is None:
            return acts.refused(intent.external_id, f"mappings/netsuite.yaml has no settlement for {currency}")
        why = unsayable(intent, entry)
        if not why and currency not in ids:
            why = f"{currency} is not in NetSuite's currency list"
        if why:
            return acts.refused(intent.external_id, why)
        record = (
            self._deposit(intent, entry)
            if intent.kind is DepositKind.DEPOSIT
            else self._journal(intent, entry, ids[currency])
        )
        doing = f"Could not write the deposit of payout {intent.payout_id} to NetSuite"
        try:
            (answer,) = acts.answers([intent.external_id], self._soap.write("addList", doing, [record]))
        except OutcomeUnknown as error:
            return Answer(intent.external_id, Outcome.UNKNOWN, message=str(error))
        return self._compared(intent, entry) if answer.outcome is Outcome.EXISTS else answer

    def _deposit(self, intent: DepositIntent, entry: SettlementEntry) -> Any:
        """`replaceAll` is set on every list: left out, NetSuite takes true."""
        values, new = self._values, self._values.new
        payments = [new("bank:DepositPayment", deposit=True, id=int(erp_id)) for erp_id, _ in intent.payments]
        into = [line for line in intent.lines if line.amount.minor > 0]
        out = [line for line in intent.lines if line.amount.minor < 0]
        others = [new("bank:DepositOther", **self._line(line, entry)) for line in into]
        back = [new("bank:DepositCashBack", **self._line(line, entry)) for line in out]
        lists = {
            "paymentList": new("bank:DepositPaymentList", depositPayment=payments, replaceAll=False),
            "otherList": new("bank:DepositOtherList", depositOther=others, replaceAll=False),
            "cashBackList": new("bank:DepositCashBackList", depositCashBack=back, replaceAll=False),
        }
        filled = {"paymentList": payments, "otherList": others, "cashBackList": back}
        return new(
            "bank:Deposit",
            externalId=intent.external_id,
            account=values.reference(entry.account_of(AccountRole.BANK)),
            tranDate=values.noon(intent.posted_on),
            memo=_memo(intent),
            **{name: value for name, value in lists.items() if filled[name]},
        )

    def _line(self, line: DepositLine, entry: SettlementEntry) -> dict[str, Any]:
        amount = max(line.amount, -line.amount)
        account = self._values.reference(entry.account_of(line.role))
        return {"amount": amount.plain(), "account": account, "memo": fit(line.memo, MEMO_MAX)}

    def _journal(self, intent: DepositIntent, entry: SettlementEntry, currency_id: str) -> Any:
        """The bank on one side, what the money was for on the other; each amount debits where money arrives."""
        values = self._values
        bank = DepositLine(AccountRole.BANK, -intent.amount, intent.memo)
        lines = [self._journal_line(line, entry) for line in (bank, *intent.lines) if line.amount]
        booked: dict[str, Any] = {}
        subsidiary = intent.subsidiary or entry.subsidiary
        if subsidiary and self._mapping.facts.has_subsidiaries:
            booked["subsidiary"] = values.reference(subsidiary)
        return values.new(
            "general:JournalEntry",
            externalId=intent.external_id,
            tranDate=values.noon(intent.posted_on),
            currency=values.reference(currency_id),
            memo=_memo(intent),
            lineList=values.new("general:JournalEntryLineList", line=lines, replaceAll=False),
            **booked,
        )

    def _journal_line(self, line: DepositLine, entry: SettlementEntry) -> Any:
        side = "credit" if line.amount.minor > 0 else "debit"
        said = self._line(line, entry)
        amount = said.pop("amount")
        return self._values.new("general:JournalEntryLine", **said, **{side: amount})

    # ---- reading ----

    def read(self, intent: DepositIntent) -> DepositSeen | None:
        entry = self._mapping.settlement_of(intent.amount.currency)
        held = self._held(intent)
        return None if held is None else _seen(held, entry, intent)

    def find(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        """Payout id -> the record that carries it as a whole word; one in force before a voided one, then the first."""
        found: dict[str, DepositSeen] = {}
        for chunk in chunks(sorted({payout_id for payout_id in payout_ids if payout_id}), SOURCE_IDS_PER_QUERY):
            rows = self._ql.by_key("deposits by payout", queries.deposits_with(len(chunk)), likes(chunk), "id")
            rows = [row for row in rows if any(carries(row, payout_id) for payout_id in chunk)]
            for row, seen in zip(rows, self._all_seen(rows), strict=True):
                for payout_id in chunk:
                    is_better = payout_id not in found or found[payout_id].voided > seen.voided
                    if carries(row, payout_id) and is_better:
                        found[payout_id] = seen
        return found

    def _all_seen(self, rows: Sequence[Row]) -> list[DepositSeen]:
        """The records behind these rows, in their order."""
        kinds = [_KINDS[row["type"]] for row in rows]
        references = [self._reference(kind, internalId=row["id"]) for row, kind in zip(rows, kinds, strict=True)]
        answers = self._soap.read("Could not read deposits from NetSuite", references)
        currencies, seen = self._names.currencies(rows), []
        for row, kind, answer in zip(rows, kinds, answers, strict=True):
            record = there(f"{_TYPES[kind]} {row['id']}", answer)
            if record is None:
                raise _vanished(kind, row["id"])
            try:
                currency = cells.currency_of(row, currencies)
                entry = self._mapping.settlement_of(currency)
                held = self._parsed(record, kind, currency, entry)
            except cells.Unreadable as error:
                raise unreadable(_TYPES[kind], row["id"], error) from None
            seen.append(_seen(held, entry, voided=row.get("voided") == "T"))
        return seen

    def _held(self, intent: DepositIntent) -> _Held | None:
        kind, currency = intent.kind, intent.amount.currency
        reference = self._reference(kind, externalId=intent.external_id)
        doing = f"Could not read back the deposit of payout {intent.payout_id} from NetSuite"
        (answer,) = self._soap.read(doing, [reference])
        record = there(f"the deposit {intent.external_id}", answer)
        if record is None:
            return None
        try:
            return self._parsed(record, kind, currency, self._mapping.settlement_of(currency))
        except cells.Unreadable as error:
            raise unreadable(_TYPES[kind], intent.external_id, error) from None

    def _reference(self, kind: DepositKind, **id_: str) -> Any:
        return self._values.new("core:RecordRef", type=_TYPES[kind], **id_)

    def _parsed(self, record: etree._Element, kind: DepositKind, currency: str, entry: SettlementEntry | None) -> _Held:
        if kind is DepositKind.JOURNAL:
            return self._parsed_journal(record, currency, entry.account_of(AccountRole.BANK) if entry else "")
        values, lines = self._values, _Sums(currency)
        for line in values.lines(record, "bank", "otherList/depositOther"):
            lines.add(values.id(line, "bank:account"), values.text(line, "bank:amount"), 1)
        for line in values.lines(record, "bank", "cashBackList/depositCashBack"):
            lines.add(values.id(line, "bank:account"), values.text(line, "bank:amount"), -1)
        payments = [
            values.text(line, "bank:id")
            for line in values.lines(record, "bank", "paymentList/depositPayment")
            if values.flag(line, "bank:deposit") != "F"
        ]
        return _Held(
            erp_id=record.get("internalId", ""),
            bank=values.id(record, "bank:account"),
            amount=_money(values.text(record, "bank:total"), "total", currency),
            payments=tuple(payments),
            lines=lines.by_account,
            posted_on=values.day(record, "bank:tranDate"),
        )

    def _parsed_journal(self, record: etree._Element, currency: str, bank: str) -> _Held:
        values, lines = self._values, _Sums(currency)
        for line in values.lines(record, "general", "lineList/line"):
            for side, sign in (("credit", 1), ("debit", -1)):
                if amount := values.text(line, f"general:{side}"):
                    lines.add(values.id(line, "general:account"), amount, sign)
        on_bank = lines.by_account.pop(bank, Money.zero(currency))
        return _Held(
            erp_id=record.get("internalId", ""),
            bank=bank,
            amount=-on_bank,
            payments=(),
            lines=lines.by_account,
            posted_on=values.day(record, "general:tranDate"),
        )

    def _compared(self, intent: DepositIntent, entry: SettlementEntry) -> Answer:
        """A record that NetSuite says it has already: is it what we would have written?"""
        try:
            held = self._held(intent)
        except (Transient, Terminal) as error:
            return Answer(intent.external_id, Outcome.UNKNOWN, message=str(error))
        if held is None:
            why = "NetSuite refused the deposit as a double and then did not find it"
            return Answer(intent.external_id, Outcome.UNKNOWN, code=acts.ALREADY_THERE, message=why)
        differs = "; ".join(_differences(intent, entry, held))
        outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
        return Answer(intent.external_id, outcome, held.erp_id, acts.ALREADY_THERE, differs)


class _Sums:
    """Amounts added up by ledger account."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self.by_account: dict[str, Money] = {}

    def add(self, account: str, text: str, sign: int) -> None:
        amount = _money(text, f"amount on account {account}", self._currency)
        before = self.by_account.get(account, Money.zero(self._currency))
        self.by_account[account] = before + amount if sign > 0 else before - amount


def unsayable(intent: DepositIntent, entry: SettlementEntry) -> str:
    """Why can't this deposit be said to NetSuite? Empty when it can."""
    lacking = sorted({line.role for line in intent.lines if not entry.account_of(line.role)})
    odd = [erp_id for erp_id, _ in intent.payments if not acts.is_internal_id(erp_id)]
    parts = [amount for _, amount in intent.payments] + [line.amount for line in intent.lines]
    if not entry.accounts.bank or lacking:
        named = ", ".join(lacking) or AccountRole.BANK
        return f"the settlement of {entry.currency} in mappings/netsuite.yaml names no account for {named}"
    if odd:
        return f"{odd[0]!r} is no internal id of NetSuite"
    if intent.subsidiary and entry.subsidiary and intent.subsidiary != entry.subsidiary:
        return f"the bank account belongs to subsidiary {entry.subsidiary}, the payout to {intent.subsidiary}"
    if Money.total(parts, intent.amount.currency) != intent.amount:
        return f"its parts come to {Money.total(parts, intent.amount.currency)}, the payout is {intent.amount}"
    if intent.kind is DepositKind.DEPOSIT and intent.amount.minor < 0:
        return "a deposit can't be negative"
    if intent.kind is DepositKind.JOURNAL and intent.payments:
        return "a journal can't take payments out of Undeposited Funds"
    return ""


def _differences(intent: DepositIntent, entry: SettlementEntry, held: _Held) -> list[str]:
    """In what does the record differ from what we would have written?"""
    bank = entry.account_of(AccountRole.BANK)
    ours, theirs = _by_account(intent, entry), {account: amount for account, amount in held.lines.items() if amount}
    payments = sorted(erp_id for erp_id, _ in intent.payments)
    told = {
        f"total {held.amount} instead of {intent.amount}": held.amount != intent.amount,
        f"into account {held.bank} instead of {bank}": held.bank != bank,
        f"dated {held.posted_on} instead of {intent.posted_on}": held.posted_on not in ("", str(intent.posted_on)),
        f"payments {_listed(held.payments)} instead of {_listed(payments)}": sorted(held.payments) != payments,
        f"lines {_shown(theirs)} instead of {_shown(ours)}": ours != theirs,
    }
    return [text for text, is_so in told.items() if is_so]


def _by_account(intent: DepositIntent, entry: SettlementEntry) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for line in intent.lines:
        account = entry.account_of(line.role)
        found[account] = found.get(account, Money.zero(line.amount.currency)) + line.amount
    return {account: amount for account, amount in found.items() if amount}


def _seen(
    held: _Held, entry: SettlementEntry | None, intent: DepositIntent | None = None, voided: bool | None = None
) -> DepositSeen:
    """What is told of it. SOAP has no flag for a voided one: its total is then nothing."""
    return DepositSeen(
        erp_id=held.erp_id,
        amount=held.amount,
        payments=held.payments,
        by_role=_by_role(held.lines, entry, intent),
        voided=not held.amount if voided is None else voided,
        posted_on=date.fromisoformat(held.posted_on) if held.posted_on else None,
    )


def _by_role(
    lines: dict[str, Money], entry: SettlementEntry | None, intent: DepositIntent | None
) -> tuple[tuple[str, Money], ...]:
    """Lines by what their account is for; '' for an account without a role.

    One account may serve several roles: its sum is then told as the intent splits it, where that is its sum.
    """
    meant = _by_account(intent, entry) if intent and entry else {}
    roles = {account: role for role, account in reversed(list(entry.roles.items()))} if entry else {}
    found: dict[str, Money] = {}

    def add(role: str, amount: Money) -> None:
        found[role] = found.get(role, Money.zero(amount.currency)) + amount

    for account, amount in lines.items():
        if intent and entry and meant.get(account) == amount:
            for line in intent.lines:
                if entry.account_of(line.role) == account:
                    add(line.role, line.amount)
        else:
            add(roles.get(account, ""), amount)
    return tuple(sorted(found.items()))


def _memo(intent: DepositIntent) -> str:
    late = intent.arrived_on and intent.arrived_on != intent.posted_on
    return fit(f"{intent.memo} (arrived on {intent.arrived_on})" if late else intent.memo, MEMO_MAX)


def _money(text: str, field: str, currency: str) -> Money:
    try:
        return Money.of(text or "0", currency)
    except MoneyError as error:
        raise cells.Unreadable(field, str(error)) from None


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(sorted(ids)) or "none"


def _shown(lines: dict[str, Money]) -> str:
    return ", ".join(f"{lines[account]} on {account}" for account in sorted(lines)) or "none"


def _vanished(kind: DepositKind, internal_id: str) -> Transient:
    return Transient(
        f"Could not read {_TYPES[kind]} {internal_id} from NetSuite: it was listed and then not found. The next tick "
        "tries again."
    )
