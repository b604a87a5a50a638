"""What people and other programs do with money in the account: payments, deposits, refunds, journals, write-offs.

Amounts come in as decimal strings, ids as strings; an account is named by its role in the sandbox or by its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sandbox.netsuite.amounts import fixed, shortest, units
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import ApplyLine, NewPayment, add_payment
from sandbox.netsuite.billing import Billing
from sandbox.netsuite.books import Row, stored_day
from sandbox.netsuite.depositing import NewDeposit, OtherLine, add_deposit
from sandbox.netsuite.journals import JournalLine, NewJournal, NewRefund, add_journal, add_refund
from sandbox.netsuite.ledger import Head

UNDEPOSITED = "undeposited"


class CashDesk(Billing):
    # ---- payments ----

    def pay_by_hand(
        self,
        customer_id: str,
        amount: str,
        on: date,
        applications: Sequence[tuple[str, str]] = (),
        memo: str = "",
        external_id: str = "",
        currency: str = "",
        account: str = "",
        ar_account: str = "",
        made_by: str = "person",
    ) -> str:
        """A payment entered by a person, applied as told; the books' own rules hold for it as for any other.

        Without an account it goes to checking where the customer's subsidiary has that, else to Undeposited Funds.
        """
        customer = self.customer_row(customer_id)
        lines = tuple(ApplyLine(int(invoice), units(part)) for invoice, part in applications)
        symbol = currency or self.symbol(customer["currency"])
        new = NewPayment(
            customer["id"],
            self.currency(symbol),
            units(amount),
            str(stored_day(on)),
            lines,
            account=self._cash(account, customer),
            receivable=self.account_id(ar_account) if ar_account else None,
        )
        with self.saving():
            values = {"memo": memo or None, "externalid": external_id or None, "_made_by": made_by}
            return str(add_payment(self, new, values))

    def _cash(self, account: str, customer: Row) -> int | None:
        """The account meant; None is Undeposited Funds."""
        if account == UNDEPOSITED:
            return None
        if account:
            return self.account_id(account)
        return self.ledger.roles["bank"] if str(customer["subsidiary"]) == self.first_subsidiary else None

    def stripe_connector_posts(
        self, charge: str, amount: str, customer_id: str, on: date, invoice_id: str = "", currency: str = ""
    ) -> str:
        """Stripe's own connector enters a charge: its id in external id and memo, the money in Undeposited Funds.

        Source: its documentation, as in the notes: charge -> customer payment, payout -> deposit, refund -> refund.
        """
        parts = self._as_much_as_fits(invoice_id, amount)
        return self.pay_by_hand(
            customer_id, amount, on, parts, charge, charge, currency, UNDEPOSITED, made_by="stripe connector"
        )

    def billing_platform_posts(
        self, reference: str, amount: str, customer_id: str, on: date, invoice_id: str = "", charge: str = ""
    ) -> str:
        """A billing platform enters a payment under its own reference; `charge` as the memo names it, if it does."""
        parts = self._as_much_as_fits(invoice_id, amount)
        memo = " ".join(filter(None, (f"Billing platform payment {reference}", charge)))
        return self.pay_by_hand(
            customer_id, amount, on, parts, memo, reference, account=UNDEPOSITED, made_by="billing platform"
        )

    def _as_much_as_fits(self, invoice_id: str, amount: str) -> list[tuple[str, str]]:
        if not invoice_id:
            return []
        due = self.transaction(int(invoice_id))["foreignamountunpaid"]
        return [(invoice_id, shortest(min(due, units(amount))))] if due else []

    # ---- deposits, refunds, journals ----

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
        """Payments out of Undeposited Funds and other `lines` {account, amount, memo?} into a bank. A fee is a line
        with a negative amount. A person who deposits a payout names it in the memo."""
        others = [
            OtherLine(self.account_id(one["account"]), units(one["amount"]), one.get("memo", "")) for one in lines
        ]
        new = NewDeposit(
            self.account_id(account), str(stored_day(on)), tuple(int(one) for one in payments), tuple(others)
        )
        text = memo or (f"Stripe payout {payout}" if payout else "")
        with self.saving():
            values = {"memo": text or None, "externalid": external_id or None, "_made_by": "person"}
            return str(add_deposit(self, new, values))

    def move_line(self, document: str, account: str, other: str, amount: str = "") -> None:
        """Move the lines on one account of a deposit or journal to another; with an amount, as the truth has it, only
        those of just that."""
        moved = {"_account": self.account_id(other)}
        with self.saving():
            for line in self.rows('SELECT * FROM transactionline WHERE "transaction" = ?', int(document)):
                is_meant = not amount or units(amount) == -line["foreignamount"]
                if is_meant and line["_account"] == self.account_id(account):
                    self.change("transactionline", line["uniquekey"], moved, key="uniquekey")

    def refund_by_hand(
        self, payment_id: str, amount: str, on: date, account: str = "clearing", memo: str = "", external_id: str = ""
    ) -> str:
        """A customer refund out of what is unapplied of a payment or credit memo."""
        new = NewRefund(int(payment_id), units(amount), str(stored_day(on)), self._refund_account(account))
        with self.saving():
            values = {"memo": memo or None, "externalid": external_id or None, "_made_by": "person"}
            return str(add_refund(self, new, values))

    def _refund_account(self, account: str) -> int | None:
        return None if account == UNDEPOSITED else self.account_id(account)

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
                self.account_id(line["account"]),
                units(line.get("debit", "0")),
                units(line.get("credit", "0")),
                line.get("memo", ""),
                int(line["customer_id"]) if line.get("customer_id") else None,
            )
            for line in lines
        )
        owner = int(subsidiary or self.first_subsidiary)
        new = NewJournal(str(stored_day(on)), owner, self.currency(currency), entries)
        with self.saving():
            values = {"memo": memo or None, "externalid": external_id or None, "_made_by": "person"}
            return str(add_journal(self, new, values))

    def write_off(
        self, invoice_id: str, on: date, amount: str = "", account: str = "bad_debt", by: str = "memo"
    ) -> str:
        """Write off an invoice or part of it, by a credit memo (`memo`) or a journal (`journal`), applied to it.

        At the invoice's own rate, so that receivables of it come to nothing in base currency too.
        """
        invoice = self.transaction(int(invoice_id))
        symbol = self.symbol(invoice["currency"])
        left = units(amount) if amount else invoice["foreignamountunpaid"]
        if not 0 < left <= invoice["foreignamountunpaid"]:
            due = fixed(invoice["foreignamountunpaid"], symbol)
            raise Refusal("over_due", amount=fixed(left, symbol), doc=invoice_id, due=due)
        if by not in ("memo", "journal"):
            raise ValueError("a write-off is by memo or by journal")
        with self.saving():
            if by == "memo":
                written = int(self._write_off_memo(invoice, on, left, account))
            else:
                written = self._write_off_journal(invoice, on, left, account)
            sequence = self.sequence(f"netsuite.written_off {invoice_id} {fixed(left, symbol)}")
            self.link(invoice, self.transaction(written), left, sequence=sequence)
            self.settle(int(invoice_id))
            self.settle(written)
            return str(written)

    def _write_off_memo(self, invoice: Row, on: date, left: int, account: str) -> str:
        symbol = self.symbol(invoice["currency"])
        return self.add_credit_memo(
            str(invoice["entity"]),
            f"WO-{invoice['tranid']}",
            on,
            fixed(left, symbol),
            str(invoice["id"]),
            symbol,
            str(invoice["_receivable"]),
            account,
            rate=str(invoice["exchangerate"]),
        )

    def _write_off_journal(self, invoice: Row, on: date, left: int, account: str) -> int:
        debit = JournalLine(self.account_id(account), debit=left, memo="Write-off")
        credit = JournalLine(invoice["_receivable"], credit=left, memo="Write-off", entity=invoice["entity"])
        lines, day = (debit, credit), str(stored_day(on))
        new = NewJournal(day, invoice["_subsidiary"], invoice["currency"], lines, Head.of(invoice).rate)
        return add_journal(self, new, {"memo": f"Write-off {invoice['tranid']}", "_made_by": "person"})
