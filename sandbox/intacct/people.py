"""What people do to what is there already: hold, dispute, promise, describe, correct, deposit, void. And the truth.

The same hands as in the sandbox's NetSuite, with the same names and meaning. Permissions bind the integration's user,
not the people here. Where Intacct knows no such thing it is a LookupError that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sandbox.intacct import identities
from sandbox.intacct.amounts import cents, fixed
from sandbox.intacct.applying import release
from sandbox.intacct.books import Row
from sandbox.intacct.cash import NewReceipt, add_other_receipt
from sandbox.intacct.cash_desk import CashDesk
from sandbox.intacct.depositing import add_deposit, undo_deposit
from sandbox.intacct.journals import JournalLine, NewJournal, add_journal, delete_journal, reverse_journal
from sandbox.intacct.receivables import (
    ORDER_ENTRY,
    NewLine,
    post_document,
    refresh_discount,
    require_in_force,
    reverse_document,
    settle,
)
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import FIRST_JOURNAL, Type
from sandbox.intacct.truth import kept, truth

# What `edit_invoice` may set beside custom fields, and the column behind it.
EDITABLE = {
    "due_on": "whendue",
    "issued_on": "whencreated",
    "memo": "description",
    "po": "docnumber",
    "number": "recordid",
    "terms_id": "termname",
    "customer_id": "customerid",
}
_LEDGER = frozenset({"issued_on", "customer_id"})
_APPROVAL = {"approved": "A", "pending": "I", "rejected": "I"}


class People(CashDesk):
    """The books with all the hands that write in them."""

    # ---- what keeps an invoice back; texts go in as they are, also those that nobody can understand ----

    def set_hold(
        self,
        invoice_id: str,
        reason: str,
        kind: str = "",
        owner: str = "",
        since: date | None = None,
        until: date | None = None,
    ) -> None:
        said = {"reason": reason, "kind": kind, "owner": owner, "since": since, "until": until}
        self._fill(invoice_id, {"ARC_HOLD": True, **_named("ARC_HOLD", said)})

    def clear_hold(self, invoice_id: str) -> None:
        rest = dict.fromkeys(("reason", "kind", "owner", "since", "until"))
        self._fill(invoice_id, {"ARC_HOLD": False, **_named("ARC_HOLD", rest)})

    def promise(
        self, invoice_id: str, on: date, amount: str | None = None, by: str = "", recorded_by: str = ""
    ) -> None:
        """The customer promised to pay so much by this day; without an amount all of it."""
        said = {"on": on, "amount": amount, "by": by, "recorded_by": recorded_by}
        self._fill(invoice_id, _named("ARC_PROMISE", said))

    def forget_promise(self, invoice_id: str) -> None:
        self._fill(invoice_id, _named("ARC_PROMISE", dict.fromkeys(("on", "amount", "by", "recorded_by"))))

    def agree_plan(self, invoice_id: str, plan: str, approved_by: str = "") -> None:
        """Instalments as people write them: `2026-12-01 500.00; 2027-01-01 500.00`."""
        self._fill(invoice_id, {"ARC_PLAN": plan, "ARC_PLAN_APPROVED_BY": approved_by})

    def converse(self, invoice_id: str, until: date | None) -> None:
        self._fill(invoice_id, {"ARC_CONVERSATION_UNTIL": until})

    def touch(self, invoice_id: str, on: date) -> None:
        """A person worked on it."""
        self._fill(invoice_id, {"ARC_TOUCHED_ON": on})

    def own_dispute(self, invoice_id: str, owner: str, until: date | None = None) -> None:
        self._fill(invoice_id, _named("ARC_DISPUTE", {"owner": owner, "until": until}))

    def dispute_line(
        self, invoice_id: str, line_no: int, reason: str, on: date | None = None, detail: str = ""
    ) -> None:
        """Mark one line of an invoice disputed since this day or today; lines count from 1."""
        said = {
            "ARC_DISPUTE": True,
            "ARC_DISPUTE_REASON": reason,
            "ARC_DISPUTED_ON": on or self.today(),
            "ARC_DISPUTE_DETAIL": detail,
            "ARC_DISPUTE_OUTCOME": None,
        }
        self._fill_line(invoice_id, line_no, said)

    def give_detail(self, invoice_id: str, line_no: int, detail: str) -> None:
        """What the customer said of a disputed line."""
        self._fill_line(invoice_id, line_no, {"ARC_DISPUTE_DETAIL": detail})

    def settle_dispute(self, invoice_id: str, line_no: int, outcome: str = "") -> None:
        """Take the mark away, and say how it ended; its reason and detail stay."""
        self._fill_line(invoice_id, line_no, {"ARC_DISPUTE": False, "ARC_DISPUTE_OUTCOME": outcome})

    def describe_customer(self, customer_id: str, **said: object) -> None:
        """Set what the custom fields of a customer say, and `country`, that of the contact; None empties."""
        fields = {name: value for name, value in said.items() if name != "country"}
        country = {"country": said["country"]} if "country" in said else {}
        try:
            self.edit_customer(customer_id, **fields, **country)
        except KeyError as error:
            raise KeyError(f"nobody says that of a customer: {error.args[0]}") from None

    def _fill(self, invoice_id: str, fields: Mapping[str, object]) -> None:
        """Custom fields of the header, as a person fills them in; an empty text empties."""
        self.save_invoice(invoice_id, self.entered("ARINVOICE", fields))

    def _fill_line(self, invoice_id: str, line_no: int, fields: Mapping[str, object]) -> None:
        line = self.line_of(self.invoice(invoice_id), line_no)
        with self.saving():
            self.change("entry", line["recordno"], self.entered("ARINVOICEITEM", fields))
            self.stamp("entry", line["recordno"], self.person())
            self.save_invoice(invoice_id, {})

    # ---- corrections ----

    def edit_invoice(self, invoice_id: str, **fields: object) -> None:
        """Set fields of EDITABLE, `approval`, or any custom field; anything else is a KeyError. None empties.

        Of an Order Entry invoice only custom fields stand in AR; anything else is an edit of the order.
        """
        row = self.invoice(invoice_id)
        if fields.keys() & (EDITABLE.keys() | {"approval"}):
            require_in_force(row)
        custom = {name: value for name, value in fields.items() if name not in EDITABLE and name != "approval"}
        values: dict[str, object] = self.entered("ARINVOICE", custom)
        for name, column in EDITABLE.items():
            if name in fields:
                value = fields[name]
                values[column] = value.isoformat() if isinstance(value, date) else value or None
        if "approval" in fields:
            values["state"] = _APPROVAL[str(fields["approval"])]
        if "issued_on" in fields:
            values["whenposted"] = values["whencreated"]
        with self.saving():
            self.save_invoice(invoice_id, values)
            self._after_edit(row, fields)

    def _after_edit(self, before: Row, fields: Mapping[str, object]) -> None:
        """What else changes with an invoice: its discount, its postings, and in Order Entry the record itself."""
        key = before["recordno"]
        if fields.keys() & {"terms_id", "issued_on"}:
            refresh_discount(self, key)
        if fields.keys() & _LEDGER or "approval" in fields:
            self.periods.require_open(before["whenposted"], before["entity"])
            self.ledger.forget(key)
            after = self.record(key)
            self.periods.require_open(after["whenposted"], after["entity"])
            if after["state"] not in ("I", "D"):
                post_document(self, after)
        settle(self, key)
        is_edited = before["moduleid"] == ORDER_ENTRY and fields.keys() & (EDITABLE.keys() | {"approval"})
        if is_edited and not before["paid"]:
            self._recreate(self.record(key), 0, "")

    def void(self, invoice_id: str) -> None:
        """Reverse an invoice or credit memo today; what was applied to it is free again."""
        is_memo = invoice_id.startswith(identities.MEMO)
        row = identities.find(self, invoice_id, Type.ADJUSTMENT if is_memo else Type.INVOICE)
        self._void(row)

    def _void(self, row: Row) -> None:
        key, column = row["recordno"], "targetkey" if row["total"] >= 0 else "creditkey"
        sql = f"""SELECT d.paymentkey, d.targetkey FROM detail d JOIN record p ON p.recordno = d.paymentkey
                  WHERE d.{column} = ? AND p.state = 'C' GROUP BY 1, 2"""
        with self.saving():
            for applied in self.rows(sql, key):
                release(self, applied["paymentkey"], applied["targetkey"], self.person())
            day = max(self.today().isoformat(), row["whencreated"])
            reverse_document(self, key, day, self.person(row["entity"]))
            self.commit(f"{'invoice' if row['recordtype'] == Type.INVOICE else 'credit_memo'}_voided {key}")

    def void_document(self, document: str) -> None:
        """Undo a deposit (it is deleted, its receipts wait again), a journal (reversed today), a refund or a memo."""
        if document.isdecimal() and int(document) >= FIRST_JOURNAL:
            with self.saving():
                row = self._journal(document)
                day = max(self.today().isoformat(), row["batch_date"])
                reverse_journal(self, row["recordno"], day, self.person(row["entity"]))
            return
        row = identities.find(self, document)
        if row["recordtype"] == Type.DEPOSIT:
            with self.saving():
                undo_deposit(self, row["recordno"], self.person(row["entity"]))
            return
        if row["recordtype"] in (Type.PAYMENT, Type.ADVANCE):
            self.void_payment(document)
            return
        with self.saving():
            self._void(row)
            for journal in self.rows("SELECT * FROM journal WHERE _refund = ? AND state = 'P'", row["recordno"]):
                reverse_journal(self, journal["recordno"], self.today().isoformat(), self.person(row["entity"]))

    def delete_document(self, document: str) -> None:
        """Delete a deposit, a journal or a draft without a trace; Intacct deletes nothing else that was posted."""
        if document.isdecimal() and int(document) >= FIRST_JOURNAL:
            with self.saving():
                delete_journal(self, int(self._journal(document)["recordno"]), self.person())
            return
        row = identities.find(self, document)
        if row["recordtype"] == Type.DEPOSIT:
            self.void_document(document)
        elif row["recordtype"] == Type.PAYMENT and row["state"] == "D":
            self.delete("ARPYMT", [row["recordno"]], self.person(row["entity"]))
        else:
            raise LookupError("Intacct deletes no posted document of receivables; reverse it")

    def _journal(self, document: str) -> Row:
        row = self.row("SELECT * FROM journal WHERE recordno = ?", int(document))
        if row is None:
            raise KeyError(f"no journal {document}")
        return row

    # ---- deposits and journals ----

    def deposit_by_hand(
        self,
        on: date,
        payments: Sequence[str] = (),
        lines: Sequence[Mapping[str, str]] = (),
        account: str = "bank",
        payout: str = "",
        memo: str = "",
        external_id: str = "",
    ) -> str:
        """Money into a bank: `lines` {account, amount, memo?} come out of their accounts, a fee is one below zero.

        With payments it is a deposit of undeposited funds, to which the lines become other receipts; without it is a
        journal entry. A person who deposits a payout names it in the memo.
        """
        text = memo or (f"Stripe payout {payout}" if payout else "")
        with self.saving():
            if payments:
                return self._deposit(on, payments, lines, account, text, external_id)
            return self._deposit_by_journal(on, lines, account, text, external_id)

    def _deposit(
        self,
        on: date,
        payments: Sequence[str],
        lines: Sequence[Mapping[str, str]],
        account: str,
        text: str,
        external_id: str,
    ) -> str:
        rows = [identities.find(self, payment, Type.PAYMENT, Type.ADVANCE) for payment in payments]
        for row in rows:
            if row["undepositedaccountno"] is None:
                raise refused("not_undeposited", key=row["recordno"])
        entity, currency = rows[0]["entity"], rows[0]["currency"]
        receipts = [row["recordno"] for row in rows]
        for line in lines:
            number = self.ledger.number(self.account_id(line["account"]))
            new = NewReceipt(
                on.isoformat(),
                currency,
                (NewLine(number, cents(line["amount"]), line.get("memo", "")),),
                undeposited=rows[0]["undepositedaccountno"],
                entity=entity,
                values={"description": text or None, "description2": "Stripe"},
            )
            receipts.append(add_other_receipt(self, new, self.person(entity)))
        number = external_id or text or f"DEP-{on.isoformat()}"
        values = {"description": text or None, "_external": external_id or None}
        bank = self.account_id(account)
        made = add_deposit(self, bank, on.isoformat(), number, receipts, self.person(entity), values)
        return str(made)

    def _deposit_by_journal(
        self, on: date, lines: Sequence[Mapping[str, str]], account: str, text: str, external_id: str
    ) -> str:
        bank = self.account_id(account)
        others = [
            JournalLine(
                self.ledger.number(self.account_id(line["account"])), -cents(line["amount"]), line.get("memo", "")
            )
            for line in lines
        ]
        total = -sum(line.amount for line in others)
        if total <= 0:
            raise refused("deposit_total", total=fixed(total))
        legs = (JournalLine(self.ledger.number(bank), total, text), *others)
        row = self.ledger.bank(bank)
        currency, entity = (row["currency"], row["locationid"]) if row is not None else ("USD", "")
        new = NewJournal(on.isoformat(), text or "Deposit", currency, legs, reference=external_id, entity=entity)
        return str(add_journal(self, new, self.person(entity)))

    def journal_by_hand(
        self,
        on: date,
        lines: Sequence[Mapping[str, str]],
        memo: str = "",
        currency: str = "USD",
        subsidiary: str = "",
        external_id: str = "",
    ) -> str:
        """A journal entry; a line is {account, debit or credit, memo?, customer_id?}."""
        entries = tuple(
            JournalLine(
                self.ledger.number(self.account_id(line["account"])),
                cents(line.get("debit", "0")) - cents(line.get("credit", "0")),
                line.get("memo", ""),
                line.get("customer_id"),
                subsidiary or None,
            )
            for line in lines
        )
        title = memo or "Journal entry"
        new = NewJournal(on.isoformat(), title, currency, entries, reference=external_id, entity=subsidiary)
        with self.saving():
            return str(add_journal(self, new, self.person(subsidiary)))

    def move_line(self, document: str, account: str, other: str, amount: str = "") -> None:
        """Correct where a deposit or journal books: its lines on an account, or only those of this amount (above zero
        comes out of the account into the bank), go to another account."""
        old, new = (self.ledger.number(self.account_id(name)) for name in (account, other))
        sql = "SELECT recordno FROM posting WHERE batchkey = ? AND accountno = ?"
        keys = self._batches(document)
        with self.saving():
            moved = 0
            for key in keys:
                for posting in self.rows(
                    f"{sql} AND (? = '' OR trx_amount = ?)", key, old, amount, -cents(amount or "0")
                ):
                    self.change("posting", posting["recordno"], {"accountno": new, "whenmodified": self.now()})
                    moved += 1
                self.db.execute("UPDATE entry SET accountno = ? WHERE recordkey = ? AND accountno = ?", (new, key, old))
            if not moved:
                raise KeyError(f"{document} has no such line on {account}")
            self.commit(f"lines_moved {document}")

    def _batches(self, document: str) -> list[int]:
        """A journal itself, or the other receipts in a deposit."""
        if int(document) >= FIRST_JOURNAL:
            return [int(self._journal(document)["recordno"])]
        key = identities.find(self, document, Type.DEPOSIT)["recordno"]
        sql = "SELECT recordno FROM record WHERE depositkey = ? AND recordtype = 'cr'"
        return [int(row["recordno"]) for row in self.rows(sql, key)]

    # ---- the truth ----

    def truth(self) -> dict[str, Any]:
        """What the books hold, for tests: amounts as decimal strings, ids as strings."""
        with self.lock:
            return truth(self) | {"balances": self.balances()}

    def balances(self, on: date | None = None) -> dict[str, str]:
        """What stands on each account at the end of a day, debit positive: a bank in its own currency, else in base."""
        day = (on or self.today()).isoformat()
        with self.lock:
            found = self.ledger.balances(day)
            return {key: fixed(amount, self.ledger.symbol(key)) for key, amount in found.items()}

    def kept(self, kind: str) -> list[dict[str, Any]]:
        """What a connector keeps in the company: cancellation, receipt, status, exception, proof, installation."""
        with self.lock:
            return kept(self, kind)


def _named(start: str, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{start}_{name.upper()}": value for name, value in values.items()}
