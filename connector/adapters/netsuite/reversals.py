"""Money that came back: a journal, and the payment applied to it in place of its invoices (RULES 3).

The journal debits receivables with the customer and credits the account that the return hit, on the day of the return;
the payment keeps standing, and one update of its apply list takes the invoices off and the journal on. Nothing that was
posted is deleted or edited. NetSuite has no transaction over both records: the journal comes first, by an external id
that NetSuite takes once, and whoever finds it standing goes on with the update. Until that is in force the journal and
what the payment pays are both told, so that a half is never taken for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from connector.adapters.ledger_rows import cells
from connector.adapters.netsuite import acts, queries
from connector.adapters.netsuite.applied import Applied
from connector.adapters.netsuite.books import Books
from connector.adapters.netsuite.ledger import carries, likes, unreadable
from connector.adapters.netsuite.lists import there, write_list
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.payments import Held, Payments
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.adapters.netsuite.soap import Soap
from connector.adapters.netsuite.values import MEMO_MAX, Values, fit
from connector.errors import Terminal, Transient
from connector.money import Money, MoneyError
from connector.ports import Answer, Outcome
from connector.settlement import AccountRole, ReversalIntent, ReversalSeen, first_open_on, why_closed

# What stands in place of an invoice's id where the payment pays neither invoices nor the journal.
UNAPPLIED = "unapplied"
# Reversals of ours, whichever installation and generation they are of.
_OWN = re.compile(r"arc-[A-Za-z0-9]+-rev-")
Sides = dict[tuple[str, str], Money]  # account and customer ('' for none) -> what it is debited


@dataclass(frozen=True, slots=True)
class _Journal:
    """The journal as its record shows it. `line` is the number of the one that debits receivables."""

    erp_id: str
    currency_id: str
    posted_on: str
    sides: Sides
    line: int
    waits_for_approval: bool


class Reversals:
    """One account's payments taken back. Safe for several threads."""

    def __init__(
        self, mapping: NetSuiteMapping, ql: SuiteQl, soap: Soap, names: Names, payments: Payments, books: Books
    ) -> None:
        self._mapping = mapping
        self._ql = ql
        self._soap = soap
        self._names = names
        self._payments = payments
        self._books = books
        self._values = Values(soap, mapping.zone)

    # ---- may it be done? ----

    def why_not(self, intent: ReversalIntent, today: date) -> str:
        """Why must a person take this back? '' where it can be written, or where a person did it already."""
        held = self._payment(intent)
        if held is None:
            return _not_there(intent)
        return "" if held.seen.voided else self._unwritable(intent, held, today)

    def _unwritable(self, intent: ReversalIntent, held: Held, today: date) -> str:
        return self._unsayable(intent, held) or self._closed(intent, held, today) or self._taken_back_by_hand(intent)

    def _unsayable(self, intent: ReversalIntent, held: Held) -> str:
        """Which account or id lacks, or is not the one of this payment?"""
        entry = self._mapping.settlement_of(intent.amount.currency)
        if intent.role is not AccountRole.BANK and (entry is None or not entry.account_of(intent.role)):
            return f"the settlement of {intent.amount.currency} in mappings/netsuite.yaml names no account for it"
        if odd := [id_ for id_, _ in intent.applied if not acts.is_internal_id(id_)]:
            return f"{odd[0]!r} is no internal id of NetSuite"
        if not self._receivable(intent, held):
            return f"NetSuite doesn't show on which receivables account payment {intent.payment_erp_id} is"
        return self._elsewhere(intent, held)

    def _elsewhere(self, intent: ReversalIntent, held: Held) -> str:
        """Is the payment's money on another account than the one that the return leaves?

        What waits in Undeposited Funds leaves it with the deposit of its payout, which books the return as well. A bank
        debit that came back as a dispute was paid out of clearing long ago, and came back out of a later payout.
        """
        account = held.row.get("account", "")
        if held.row.get("undeposited") == "T":
            return f"payment {intent.payment_erp_id} is in {acts.UNDEPOSITED}, and its payout's deposit takes it"
        where = f"payment {intent.payment_erp_id} is on account {account or 'none that NetSuite shows'}"
        entry = self._mapping.settlement_of(intent.amount.currency)
        clearing = entry.account_of(AccountRole.CLEARING) if entry else ""
        if intent.role is AccountRole.BANK:
            return "" if account and account != clearing else f"{where}, and the return left a bank account"
        return "" if account and account == clearing else f"{where}, and the return left the processor's money"

    def _closed(self, intent: ReversalIntent, held: Held, today: date) -> str:
        """May the journal be dated as meant, and the payment be taken off its invoices in its own period?

        Taking a payment off and putting it onto a journal moves nothing of its own period unless rates differ, and
        NetSuite lets a closed period allow just that ("Allow Non-G/L Changes").
        """
        received_on = held.row.get("received_on", "")
        if received_on and intent.posted_on < date.fromisoformat(received_on):
            return f"payment {intent.payment_erp_id} is dated {received_on}, after {intent.posted_on}"
        periods = self._books.periods(today)
        if first_open_on(periods, intent.posted_on, intent.posted_on) != intent.posted_on:
            return why_closed(periods, intent.posted_on)
        for row in self._ql.by_offset("the payment's period", queries.PAYMENT_PERIOD, [int(intent.payment_erp_id)]):
            if "T" not in (row.get("closed"), row.get("alllocked"), row.get("arlocked")):
                return ""
            where = f"payment {intent.payment_erp_id} lies in {row.get('periodname', '?')}, which is closed or locked"
            if row.get("allownonglchanges") != "T":
                return f"{where}, and allows no changes of what is applied"
            if row.get("exchangerate", "") not in ("1", "1.0"):
                return f"{where}, and it was converted: its gain or loss would move there"
            return ""
        return f"payment {intent.payment_erp_id}: its posting period can't be seen"

    def _taken_back_by_hand(self, intent: ReversalIntent) -> str:
        """Did a person book a journal for this return already? Ours, of whatever generation, don't count."""
        rows = self._ql.by_key("journals by source id", queries.deposits_with(1), likes([intent.payment_id]), "id")
        for row in rows:
            is_own = _OWN.match(row.get("externalid", "")) is not None
            if row["type"] == "Journal" and row.get("voided") != "T" and not is_own and carries(row, intent.payment_id):
                return f"journal {row['id']} names {intent.payment_id} already: a person began to take it back"
        return ""

    # ---- writing ----

    def write(self, intent: ReversalIntent, today: date) -> Answer:
        """The journal, once; then the payment's update, once. Goes on where an earlier write came to."""
        held, journal = self._payment(intent), self._journal(intent)
        is_new = journal is None
        if journal is None:
            if held is None:
                return acts.refused(intent.external_id, _not_there(intent))
            if changed := _changed(intent, held):
                return _answered(intent, Outcome.EXISTS_DIFFERENT, changed, code=acts.NOT_SENT)
            if why := self._unwritable(intent, held, today):
                return acts.refused(intent.external_id, why)
            answer = self._add_journal(intent, held)
            if answer.outcome not in (Outcome.CREATED, Outcome.EXISTS):
                return answer
            try:
                journal = self._journal(intent)
            except (Transient, Terminal) as error:
                return _answered(intent, Outcome.UNKNOWN, str(error), answer.erp_id)
            if journal is None:
                why = "NetSuite took the journal and then did not find it"
                return _answered(intent, Outcome.UNKNOWN, why, answer.erp_id)
        return self._go_on(intent, held, journal, is_new)

    def _go_on(self, intent: ReversalIntent, held: Held | None, journal: _Journal, is_new: bool) -> Answer:
        """The journal stands: is it the one that was meant, and is the payment applied to it?"""
        if held is None or held.seen.voided:
            gone = "is voided" if held else "is not there any more"
            why = f"payment {intent.payment_erp_id} {gone}; void journal {journal.erp_id}, which takes it back as well"
            return _answered(intent, Outcome.EXISTS_DIFFERENT, why, journal.erp_id)
        if differs := "; ".join(self._differences(intent, held, journal)):
            return _answered(intent, Outcome.EXISTS_DIFFERENT, differs, journal.erp_id)
        if dict(held.seen.applications) == {journal.erp_id: intent.amount}:
            return Answer(intent.external_id, Outcome.CREATED if is_new else Outcome.EXISTS, journal.erp_id)
        if held.seen.applications and (changed := _changed(intent, held)):
            why = f"{changed}; journal {journal.erp_id} stands and waits for it"
            return _answered(intent, Outcome.EXISTS_DIFFERENT, why, journal.erp_id)
        if journal.waits_for_approval:
            why = f"journal {journal.erp_id} waits for approval in NetSuite; until then nothing can be applied to it"
            return _answered(intent, Outcome.UNKNOWN, why, journal.erp_id)
        return self._apply(intent, journal, is_first=not is_new)

    def _add_journal(self, intent: ReversalIntent, held: Held) -> Answer:
        currency_id = self._names.currency_ids().get(intent.amount.currency)
        if currency_id is None:
            return acts.refused(intent.external_id, f"{intent.amount.currency} is not in NetSuite's currency list")
        doing = f"Could not write the journal that takes back payment {intent.payment_erp_id} to NetSuite"
        item = (intent.external_id, self._record(intent, held, currency_id))
        return write_list(self._soap, "addList", doing, [item])[0]

    def _record(self, intent: ReversalIntent, held: Held, currency_id: str) -> Any:
        values = self._values
        late = intent.returned_on != intent.posted_on
        memo = fit(f"{intent.memo} (returned on {intent.returned_on})" if late else intent.memo, MEMO_MAX)
        lines = [
            values.new(
                "general:JournalEntryLine",
                account=values.reference(account),
                memo=memo,
                **({"entity": values.reference(customer)} if customer else {}),
                **({"debit": amount.plain()} if amount.minor > 0 else {"credit": (-amount).plain()}),
            )
            for (account, customer), amount in self._sides(intent, held).items()
        ]
        entry = self._mapping.settlement_of(intent.amount.currency)
        subsidiary = intent.subsidiary or (entry.subsidiary if entry else "")
        booked: dict[str, Any] = {}
        if subsidiary and self._mapping.facts.has_subsidiaries:
            booked["subsidiary"] = values.reference(subsidiary)
        return values.new(
            "general:JournalEntry",
            externalId=intent.external_id,
            tranDate=values.noon(intent.posted_on),
            currency=values.reference(currency_id),
            memo=memo,
            lineList=values.new("general:JournalEntryLineList", line=lines, replaceAll=False),
            **booked,
        )

    def _sides(self, intent: ReversalIntent, held: Held) -> Sides:
        """Receivables of the customer rise again, the account that the return hit falls."""
        entry = self._mapping.settlement_of(intent.amount.currency)
        hit = (entry.account_of(intent.role) or "") if entry else ""
        if intent.role is AccountRole.BANK:
            hit = held.row.get("account", "")  # a wire leaves the bank account that it came to
        return {(self._receivable(intent, held), intent.customer_id): intent.amount, (hit, ""): -intent.amount}

    @staticmethod
    def _receivable(intent: ReversalIntent, held: Held) -> str:
        """A journal is offered to a payment of the same receivables account only."""
        return held.row.get("ar_account") or intent.ar_account

    def _apply(self, intent: ReversalIntent, journal: _Journal, is_first: bool) -> Answer:
        """One update: invoices off, the journal on. Raises only where nothing at all was carried out."""
        doing = f"Could not apply payment {intent.payment_erp_id} to journal {journal.erp_id} in NetSuite"
        record = self._names.records().application(
            intent.payment_erp_id,
            Applied({journal.erp_id: intent.amount}),
            off=[invoice_id for invoice_id, _ in intent.applied],
            places={journal.erp_id: journal.line},
        )
        (told,) = write_list(self._soap, "updateList", doing, [(intent.payment_erp_id, record)], is_first)
        if told.outcome is Outcome.CREATED:
            return Answer(intent.external_id, Outcome.CREATED, journal.erp_id)
        # The journal stands: refused or not read, it is half of a reversal, and the next write goes on here.
        why = f"journal {journal.erp_id} stands, and payment {intent.payment_erp_id} is not applied to it: "
        return _answered(intent, Outcome.UNKNOWN, why + (told.message or told.code), journal.erp_id, told.code)

    def _differences(self, intent: ReversalIntent, held: Held, journal: _Journal) -> list[str]:
        ours, theirs = self._sides(intent, held), {side: amount for side, amount in journal.sides.items() if amount}
        currency_id = self._names.currency_ids().get(intent.amount.currency, "")
        told = {
            f"journal {journal.erp_id} is dated {journal.posted_on} instead of {intent.posted_on}": (
                journal.posted_on != str(intent.posted_on)
            ),
            f"journal {journal.erp_id} is not in {intent.amount.currency}": journal.currency_id != currency_id,
            f"journal {journal.erp_id} has {_shown(theirs)} instead of {_shown(ours)}": ours != theirs,
        }
        return [text for text, is_so in told.items() if is_so]

    # ---- reading ----

    def read(self, intent: ReversalIntent) -> ReversalSeen | None:
        """The journal with all that the payment still pays beside it; None while there is no journal of ours."""
        journal = self._journal(intent)
        if journal is None:
            return None
        held = self._payment(intent)
        seen = held.seen if held else None
        applied = tuple(part for part in seen.applications if part[0] != journal.erp_id) if seen else ()
        is_on = seen is not None and journal.erp_id in dict(seen.applications)
        if held and seen and not (applied or is_on or seen.voided) and held.unapplied:
            applied = ((UNAPPLIED, held.unapplied),)
        owed = [amount for (_, customer), amount in journal.sides.items() if customer == intent.customer_id]
        amount = Money.total(owed, intent.amount.currency)
        is_void = not amount or seen is None or seen.voided
        return ReversalSeen(journal.erp_id, amount, date.fromisoformat(journal.posted_on), applied, is_void)

    def _payment(self, intent: ReversalIntent) -> Held | None:
        if not acts.is_internal_id(intent.payment_erp_id):
            return None
        return self._payments.by_id([intent.payment_erp_id]).get(intent.payment_erp_id)

    def _journal(self, intent: ReversalIntent) -> _Journal | None:
        reference = self._values.new("core:RecordRef", externalId=intent.external_id, type="journalEntry")
        doing = f"Could not read back the journal that takes back payment {intent.payment_erp_id} from NetSuite"
        (answer,) = self._soap.read(doing, [reference])
        record = there(f"the journal {intent.external_id}", answer)
        if record is None:
            return None
        try:
            return self._parsed(record, intent)
        except cells.Unreadable as error:
            raise unreadable("journalEntry", intent.external_id, error) from None

    def _parsed(self, record: etree._Element, intent: ReversalIntent) -> _Journal:
        values, nothing = self._values, Money.zero(intent.amount.currency)
        sides: Sides = {}
        number = 0
        for line in values.lines(record, "general", "lineList/line"):
            side = values.id(line, "general:account"), values.id(line, "general:entity")
            debit, credit = (
                _money(values.text(line, f"general:{name}"), name, nothing) for name in ("debit", "credit")
            )
            sides[side] = sides.get(side, nothing) + debit - credit
            if debit and side[1] == intent.customer_id:
                number = int(values.text(line, "general:line") or 0)
        return _Journal(
            erp_id=record.get("internalId", ""),
            currency_id=values.id(record, "general:currency"),
            posted_on=values.day(record, "general:tranDate"),
            sides=sides,
            line=number,
            waits_for_approval=values.flag(record, "general:approved") == "F",
        )


def _changed(intent: ReversalIntent, held: Held) -> str:
    """In what is the payment another than the one that is to be taken back? Empty where it is that one."""
    seen = held.seen
    if seen.voided:
        return f"payment {seen.erp_id} was voided by somebody else already; nothing more is to be done"
    told = {
        f"it belongs to customer {seen.customer_id} instead of {intent.customer_id}": (
            seen.customer_id != intent.customer_id
        ),
        f"amount {seen.amount} instead of {intent.amount}": seen.amount != intent.amount,
        f"it pays {_listed(seen.applications)} instead of {_listed(intent.applied)}": (
            dict(seen.applications) != dict(intent.applied)
        ),
        f"credits were used with it: {_listed(seen.credits)}": bool(seen.credits),
        f"discounts were taken with it: {_listed(seen.discounts)}": bool(seen.discounts),
    }
    return "; ".join(text for text, is_so in told.items() if is_so)


def _money(text: str, field: str, nothing: Money) -> Money:
    try:
        return Money.of(text or "0", nothing.currency)
    except MoneyError as error:
        raise cells.Unreadable(field, str(error)) from None


def _listed(parts: Sequence[tuple[str, Money]]) -> str:
    return ", ".join(f"{amount} of {document}" for document, amount in sorted(parts)) or "nothing"


def _shown(sides: Sides) -> str:
    return ", ".join(
        f"{amount} on {account}" + (f" of customer {customer}" if customer else "")
        for (account, customer), amount in sorted(sides.items())
    )


def _not_there(intent: ReversalIntent) -> str:
    return f"NetSuite has no payment {intent.payment_erp_id} ({intent.payment_external_id})"


def _answered(intent: ReversalIntent, outcome: Outcome, why: str, erp_id: str = "", code: str = "") -> Answer:
    return Answer(intent.external_id, outcome, erp_id, code, why)
