"""A payout out of undeposited funds: one deposit of the payments in it and of an other receipt for each of its lines.

`record_deposit` takes record numbers of undeposited payments and other receipts, and nothing else (Sage's XML
reference, deposits). So fees and refunds are made other receipts into undeposited funds first, below zero where money
leaves, and the deposit of them all comes to the net payout. The receipts need their own operation, since the deposit
names their numbers; each says the deposit's external id, so that one that is there is never made twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.adapters.intacct import filters, names
from connector.adapters.intacct.answers import Results, Row
from connector.adapters.intacct.booked import Accounts, Booked, summed
from connector.adapters.intacct.functions import Function, control_id, legacy
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.names import mentions
from connector.adapters.intacct.records import DESCRIPTION_MAX, fit
from connector.adapters.intacct.rows import amount_of, currency_of, maybe_day
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping, SettlementEntry
from connector.adapters.intacct.values import amount, legacy_day
from connector.adapters.intacct.xmltext import node, record
from connector.adapters.ledger_rows.cells import text_of
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.settlement import AccountRole, DepositIntent

DEPOSIT_FIELDS = (
    *("RECORDNO", "RECORDID", "DESCRIPTION", "WHENCREATED", "FINANCIALENTITY", "CURRENCY"),
    "TRX_TOTALENTERED",
)
RECEIPT_FIELDS = ("RECORDNO", "DOCNUMBER", "DESCRIPTION", "CURRENCY", "TRX_TOTALENTERED")
LINE_FIELDS = ("RECORDNO", "RECORDKEY", "ACCOUNTNO", "TRX_AMOUNT")
# Sage's reference names no width; 45 is that of the numbers of documents on its screens.
DEPOSIT_ID_MAX = 45
PAYER = "Payment processor"
# So often a receipt that was made once and deleted since is given another controlid.
REPEATS_MAX = 3


@dataclass(frozen=True, slots=True)
class Receipts:
    """The other receipts of one payout by line, or what the gateway said instead of making them."""

    keys: tuple[str, ...] = ()
    refused: Results | None = None


class PayoutDeposits:
    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping

    # ---- writing ----

    def receipts(self, intent: DepositIntent, accounts: Accounts, entity: str) -> Receipts:
        """Make those of this intent's receipts that are not there. Raises OutcomeUnknown, Transient and Terminal.

        A controlid that is refused as used up, with nothing of it to be found, is that of a receipt that was deleted.
        """
        for attempt in range(REPEATS_MAX):
            there = self._there(intent)
            lacking = [index for index in range(len(intent.lines)) if index not in there]
            if not lacking:
                return Receipts(tuple(there[index] for index in range(len(intent.lines))))
            made = [self._receipt(intent, index, accounts, entity, attempt) for index in lacking]
            results = self._gateway.run(made, atomic=True, entity=entity)
            if results.is_committed:
                keys = there | {index: result.key for index, result in zip(lacking, results.results, strict=True)}
                return Receipts(tuple(keys[index] for index in range(len(intent.lines))))
            if not results.is_repeat:
                return Receipts(refused=results)
        raise OutcomeUnknown(f"Could not make the other receipts of payout {intent.payout_id} in Intacct")

    def deposit(self, intent: DepositIntent, entry: SettlementEntry, receipts: Sequence[str], again: str) -> Function:
        """All of them into the bank. `again` tells a repeat apart where a function that failed uses up its id."""
        payments = [self._record_no(erp_id) for erp_id, _ in intent.payments]
        body = node(
            "record_deposit",
            node("bankaccountid", entry.account_of(AccountRole.BANK)),
            legacy_day("depositdate", intent.posted_on),
            node("depositid", _deposit_id(intent)),
            node("receiptkeys", *(node("receiptkey", key) for key in (*payments, *receipts))),
            node("description", fit(f"{intent.external_id} {intent.memo}", DESCRIPTION_MAX)),
        )
        return legacy(control_id(intent.external_id, again=again), body)

    def take_back(self, intent: DepositIntent, receipts: Sequence[str], entity: str) -> bool:
        """Delete the receipts of a deposit that was refused: alone they would be wrong. False: they may still stand."""
        bodies = [node("delete_otherreceipt", key=key) for key in receipts]
        functions = [legacy(control_id(intent.external_id, body=body), body) for body in bodies]
        if not functions:
            return True
        try:
            return self._gateway.run(functions, atomic=True, entity=entity, unique=False).is_committed
        except OutcomeUnknown:
            return not self._there(intent)
        except (Transient, Terminal):  # the deposit's own refusal is what matters
            return False

    def _receipt(self, intent: DepositIntent, index: int, accounts: Accounts, entity: str, attempt: int) -> Function:
        line, dimensions = intent.lines[index], self._mapping.dimensions_of(entity)
        item = record(
            "lineitem",
            {
                "glaccountno": accounts[line.role],
                "amount": amount(line.amount),
                "memo": fit(line.memo, DESCRIPTION_MAX),
                "locationid": dimensions.location,
                "departmentid": dimensions.department,
            },
        )
        body = node(
            "record_otherreceipt",
            legacy_day("paymentdate", intent.posted_on),
            node("payee", PAYER),
            legacy_day("receiveddate", intent.posted_on),
            node("paymentmethod", self._mapping.payment_method),
            node("undepglaccountno", self._mapping.undeposited_account or ""),
            node("refid", self._reference(intent)),
            node("description", fit(f"{_mark(intent, index)} {line.memo}", DESCRIPTION_MAX)),
            node("currency", line.amount.currency),
            node("receiptitems", item),
        )
        return legacy(control_id(_mark(intent, index), again=str(attempt) if attempt else ""), body)

    def _reference(self, intent: DepositIntent) -> str:
        return names.tail(intent.payout_id, self._mapping.facts.reference_max)

    def _there(self, intent: DepositIntent) -> dict[int, str]:
        """Line -> the other receipt that says it is that of this line."""
        rows = self._gateway.rows("OTHERRECEIPTS", RECEIPT_FIELDS, filters.equal("DOCNUMBER", self._reference(intent)))
        found: dict[int, str] = {}
        for row in rows:
            for index in range(len(intent.lines)):
                if row.get("DESCRIPTION", "").split(" ")[0] == _mark(intent, index):
                    found.setdefault(index, row["RECORDNO"])
        return found

    @staticmethod
    def _record_no(erp_id: str) -> str:
        return names.advance_record(erp_id) if names.is_advance(erp_id) else erp_id

    # ---- reading ----

    def read(self, intent: DepositIntent, entry: SettlementEntry, accounts: Accounts) -> Booked | None:
        """The deposit of this external id. Raises Unreadable."""
        rows = self._gateway.rows("DEPOSIT", DEPOSIT_FIELDS, filters.equal("RECORDID", _deposit_id(intent)))
        ours = [row for row in rows if mentions(intent.external_id, [row.get("DESCRIPTION", "")])]
        return self.booked(ours[0], entry, accounts) if ours else None

    def find(self, payout_ids: Sequence[str]) -> list[Row]:
        """Deposits, by whomever, whose slip or description may name one of these."""
        either = [
            condition
            for id_ in payout_ids
            for condition in (filters.like("RECORDID", f"%{id_}%"), filters.like("DESCRIPTION", f"%{id_}%"))
        ]
        return self._gateway.rows("DEPOSIT", DEPOSIT_FIELDS, filters.either(*either))

    def booked(self, row: Row, entry: SettlementEntry | None, accounts: Accounts) -> Booked:
        """What is in this deposit: payments, and lines by their accounts. Raises Unreadable."""
        currency, bank = currency_of(row), row.get("FINANCIALENTITY", "")
        key_field = self._mapping.facts.deposit_receipt_field
        fields = ("RECORDNO", "RECORDKEY", key_field)
        entries = self._gateway.rows("DEPOSITENTRY", fields, filters.equal("RECORDKEY", row["RECORDNO"]))
        keys = {text_of(entry, key_field) for entry in entries}
        others, advances = self._among("OTHERRECEIPTS", keys), self._among("ARADVANCE", keys)
        lines = [
            (text_of(line, "ACCOUNTNO"), amount_of(line, "TRX_AMOUNT", currency))
            for some in chunks(sorted(others, key=int), VALUES_MAX)
            for line in self._gateway.rows("OTHERRECEIPTSENTRY", LINE_FIELDS, filters.within("RECORDKEY", some))
        ]
        payments = [names.advance_id(key) if key in advances else key for key in sorted(keys - others, key=int)]
        return Booked(
            record_no=row["RECORDNO"],
            amount=amount_of(row, "TRX_TOTALENTERED", currency),
            bank=accounts[AccountRole.BANK] if entry and bank == entry.accounts.bank else bank,
            posted_on=maybe_day(row, "WHENCREATED"),
            payments=tuple(payments),
            lines=summed(lines),
        )

    def _among(self, object_name: str, keys: set[str]) -> set[str]:
        """Which of these record numbers are of this object?"""
        return {
            row["RECORDNO"]
            for some in chunks(sorted(keys, key=int), VALUES_MAX)
            for row in self._gateway.rows(object_name, ("RECORDNO",), filters.within("RECORDNO", some))
        }


def _mark(intent: DepositIntent, index: int) -> str:
    """What tells the receipt of one line from all others."""
    return f"{intent.external_id}-{index + 1}"


def _deposit_id(intent: DepositIntent) -> str:
    return names.tail(intent.external_id, DEPOSIT_ID_MAX)
