"""What a payout becomes in Intacct: a journal entry out of clearing, or a deposit out of undeposited funds.

Both are looked for by what they say of themselves before anything is written: a controlid that is refused a second time
tells neither what is there nor for how long Intacct remembers it.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.intacct import payout_journals
from connector.adapters.intacct.answers import Error, Results, Row, Why
from connector.adapters.intacct.banks import Banks
from connector.adapters.intacct.booked import Accounts, Booked, differences, is_journal, seen, unsayable
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.names import mentions
from connector.adapters.intacct.payments import SOURCE_IDS_PER_QUERY, unreadable
from connector.adapters.intacct.payout_deposits import PayoutDeposits
from connector.adapters.intacct.payout_journals import PayoutJournals
from connector.adapters.intacct.postings import CASH, GENERAL_LEDGER, Postings
from connector.adapters.intacct.rows import currency_of
from connector.adapters.intacct.settings import IntacctMapping, SettlementEntry
from connector.adapters.intacct.singly import NOT_SENT
from connector.adapters.ledger_rows.cells import Unreadable
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.ports import Answer, Outcome
from connector.settlement import AccountRole, DepositIntent, DepositSeen

# Where a function that failed uses up its controlid, the next of these makes another one: only ever after Intacct said
# that one is used up and showed nothing, never because time went by, since a write without an answer may still come.
_AGAIN = ("", *map(str, range(1, 10)))
# Where people put a payout onto a bank: a journal entry, a transfer or receipt in Cash Management.
_BY_HAND = (GENERAL_LEDGER, CASH)


class Deposits:
    """Payouts of one company. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, banks: Banks) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._banks = banks
        self._journals = PayoutJournals(gateway, mapping)
        self._deposits = PayoutDeposits(gateway, mapping)
        self._postings = Postings(gateway)

    # ---- writing ----

    def write(self, intent: DepositIntent) -> Answer:
        """Book it once. EXISTS only if what is there agrees in all that it shows."""
        entry = self._mapping.settlement_of(intent.amount.currency)
        if entry is None:
            why = f"mappings/intacct.yaml has no settlement for {intent.amount.currency}"
            return Answer(intent.external_id, Outcome.REFUSED, code=NOT_SENT, message=why)
        if why := unsayable(intent, entry, self._mapping.facts.negative_receipts):
            return Answer(intent.external_id, Outcome.REFUSED, code=NOT_SENT, message=why)
        accounts = self._banks.gl_accounts(entry)
        there = self._read(intent, entry, accounts)
        if there is not None:
            return _compared(intent, accounts, there)
        for again in ("",) if self._mapping.facts.failed_control_ids_are_free else _AGAIN:
            try:
                answer = self._booked(intent, entry, accounts, again)
            except OutcomeUnknown as error:
                return Answer(intent.external_id, Outcome.UNKNOWN, message=str(error))
            answer = answer or self._after_repeat(intent, entry, accounts)
            if answer is not None:
                return answer
        why = (
            "Intacct refused it as carried out before, and then did not show it. If that stays so, set "
            "facts.failed_control_ids_are_free: false in mappings/intacct.yaml"
        )
        return Answer(intent.external_id, Outcome.UNKNOWN, code=Why.DUPLICATE_CONTROL_ID, message=why)

    def _booked(self, intent: DepositIntent, entry: SettlementEntry, accounts: Accounts, again: str) -> Answer | None:
        """What became of it; None: it was refused as said before. Raises OutcomeUnknown, Transient and Terminal."""
        entity = entry.entity or intent.subsidiary
        if is_journal(intent, entry):
            function = self._journals.function(intent, accounts, entity, again)
            return _answer(intent, self._gateway.run([function], atomic=True, entity=entity))
        receipts = self._deposits.receipts(intent, accounts, entity)
        if receipts.refused is not None:
            return _answer(intent, receipts.refused)
        function = self._deposits.deposit(intent, entry, receipts.keys, again)
        try:
            results = self._gateway.run([function], atomic=True, entity=entity)
        except (Transient, Terminal):
            self._deposits.take_back(intent, receipts.keys, entity)
            raise
        answer = _answer(intent, results)
        if answer is not None and answer.outcome is Outcome.REFUSED:
            return self._without_receipts(intent, answer, receipts.keys, entity)
        return answer

    def _without_receipts(self, intent: DepositIntent, refused: Answer, receipts: Sequence[str], entity: str) -> Answer:
        """The refusal of a deposit whose receipts were made already: they don't stay."""
        if self._deposits.take_back(intent, receipts, entity):
            return refused
        stay = f"Its other receipts {', '.join(receipts)} are still in undeposited funds: delete them there"
        return Answer(refused.external_id, Outcome.REFUSED, code=refused.code, message=f"{refused.message}. {stay}")

    def _after_repeat(self, intent: DepositIntent, entry: SettlementEntry, accounts: Accounts) -> Answer | None:
        """Intacct says that it did this before: is it what we would have written? None: it isn't there."""
        try:
            there = self._read(intent, entry, accounts)
        except (Transient, Terminal) as error:
            return Answer(intent.external_id, Outcome.UNKNOWN, message=str(error))
        return _compared(intent, accounts, there) if there is not None else None

    # ---- reading ----

    def read(self, intent: DepositIntent) -> DepositSeen | None:
        entry = self._mapping.settlement_of(intent.amount.currency)
        if entry is None:
            raise Terminal(f"mappings/intacct.yaml has no settlement for {intent.amount.currency}; put it back there.")
        accounts = self._banks.gl_accounts(entry)
        there = self._read(intent, entry, accounts)
        return seen(there, accounts, intent) if there is not None else None

    def _read(self, intent: DepositIntent, entry: SettlementEntry, accounts: Accounts) -> Booked | None:
        try:
            if is_journal(intent, entry):
                return self._journals.read(intent, accounts)
            return self._deposits.read(intent, entry, accounts)
        except Unreadable as error:
            raise unreadable("the booking", intent.external_id, error) from None

    def find(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        """Payout id -> the record that names it as a whole word; one in force before a reversed one, then the first."""
        found: dict[str, DepositSeen] = {}
        for some in chunks(sorted({id_ for id_ in payout_ids if id_}), SOURCE_IDS_PER_QUERY):
            for named, one in self._named(some):
                for id_ in named:
                    if id_ not in found or found[id_].voided > one.voided:
                        found[id_] = one
        lacking = [id_ for id_ in payout_ids if id_ not in found]
        return found | (self._posted_otherwise(lacking) if lacking else {})

    def _posted_otherwise(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        """What else people put onto the bank for these: a transfer of funds, an entry that names it on a line only.

        Neither shows in DEPOSIT or in the head of an entry; both show in the ledger. What was reversed is nothing.
        """
        banks = {self._banks.gl_accounts(entry).get(AccountRole.BANK, "") for entry in self._mapping.settlement}
        found: dict[str, DepositSeen] = {}
        for id_, row, amount in self._postings.naming(payout_ids, banks - {""}, _BY_HAND, by=("BATCHKEY",)):
            before = found.get(id_)
            total = before.amount + amount if before else amount
            erp_id = before.erp_id if before else row.get("BATCHKEY", "")
            found[id_] = DepositSeen(erp_id, total, payments=(), by_role=(), voided=not total)
        return found

    def _named(self, payout_ids: Sequence[str]) -> list[tuple[list[str], DepositSeen]]:
        """Deposits and entries by whomever, each with the payouts that it names."""
        found = []
        for row in self._deposits.find(payout_ids):
            if named := _payouts_in(payout_ids, row, ("RECORDID", "DESCRIPTION")):
                found.append((named, self._deposit_seen(row)))
        for row, lines in self._journals.find(payout_ids):
            if named := _payouts_in(payout_ids, row, ("BATCH_TITLE", "REFERENCENO")):
                found.append((named, self._journal_seen(row, lines)))
        return found

    def _deposit_seen(self, row: Row) -> DepositSeen:
        try:
            entry, accounts = self._settled(currency_of(row))
            return seen(self._deposits.booked(row, entry, accounts), accounts)
        except Unreadable as error:
            raise unreadable("deposit", row["RECORDNO"], error) from None

    def _journal_seen(self, row: Row, lines: Sequence[Row]) -> DepositSeen:
        try:
            _, accounts = self._settled(payout_journals.currency_of(lines))
            return seen(payout_journals.booked(row, lines, accounts.get(AccountRole.BANK, "")), accounts)
        except Unreadable as error:
            raise unreadable("journal entry", row["RECORDNO"], error) from None

    def _settled(self, currency: str) -> tuple[SettlementEntry | None, Accounts]:
        entry = self._mapping.settlement_of(currency)
        return entry, self._banks.gl_accounts(entry) if entry else {}


def _answer(intent: DepositIntent, results: Results) -> Answer | None:
    """What one operation became; None: it was refused as carried out before."""
    if results.is_committed:
        return Answer(intent.external_id, Outcome.CREATED, results.results[0].key)
    if results.is_repeat:
        return None
    cause = results.cause
    if cause is None:
        why = "Intacct undid it without saying why"
        return Answer(intent.external_id, Outcome.UNKNOWN, message=why)
    return Answer(intent.external_id, Outcome.REFUSED, code=cause.code, message=_sentence(intent, cause))


def _sentence(intent: DepositIntent, cause: Error) -> str:
    """The vendor's reason, with what a person can do where it is one of the known ones."""
    if cause.why is Why.CLOSED_PERIOD:
        return f"{intent.posted_on} is in a closed period: {cause.text}"
    if cause.why is Why.PERMISSION:
        return f"the integration's user may not post it: {cause.text}"
    return cause.text


def _compared(intent: DepositIntent, accounts: Accounts, there: Booked) -> Answer:
    """A record that says it is ours: is it what we would have written?"""
    differs = differences(intent, accounts, there)
    outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
    return Answer(intent.external_id, outcome, there.record_no, Why.DUPLICATE, differs)


def _payouts_in(payout_ids: Sequence[str], row: Row, fields: Sequence[str]) -> list[str]:
    texts = [row.get(field, "") for field in fields]
    return [id_ for id_ in payout_ids if mentions(id_, texts)]
