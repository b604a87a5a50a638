"""How people apply what came in: payments that they enter, now or long ago, with credits and discounts, and memos.

`applied` is {invoice id: amount} or {invoice id: {amount, discount}}, `credits` {credit memo id: amount}; amounts are
those that the line then has, as in the record's own lists. `fifo` applies to the oldest invoices first, as people do
who look at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sandbox.netsuite.amounts import fixed, units
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import ApplyLine, CreditLine, Lists, NewPayment, add_payment, apply_lists, apply_memo
from sandbox.netsuite.books import Row, stored_day
from sandbox.netsuite.cash_desk import CashDesk

Applied = Mapping[str, str | Mapping[str, str]]
Credits = Mapping[str, str]
_NOTHING: Mapping[str, str] = {}
# The hour of the day at which a past payment was entered.
_ENTERED_AT = "17:00:00"


class ApplicationDesk(CashDesk):
    def enter_payment(
        self,
        customer_id: str,
        amount: str,
        on: date,
        applied: Applied = _NOTHING,
        credits: Credits = _NOTHING,
        fifo: bool = False,
        memo: str = "",
        check: str = "",
        number: str = "",
        account: str = "",
        ar_account: str = "",
        currency: str = "",
        external_id: str = "",
    ) -> str:
        """A payment as it is entered by a person: applied to nothing, to some invoices, or to the oldest ones."""
        customer = self.customer_row(customer_id)
        new = NewPayment(
            customer["id"],
            self.currency(currency or self.symbol(customer["currency"])),
            units(amount),
            str(stored_day(on)),
            _lines(applied),
            account=self._cash(account, customer),
            receivable=self.account_id(ar_account) if ar_account else None,
            credits=_credit_lines(credits),
        )
        texts = {"memo": memo, "otherrefnum": check, "tranid": number, "externalid": external_id}
        with self.saving():
            values = {column: text or None for column, text in texts.items()} | {"_made_by": "person"}
            made = add_payment(self, new, values)
            if fifo:
                apply_lists(self, made, Lists(self._oldest_first(made)))
            return str(made)

    def past_payment(
        self,
        customer_id: str,
        amount: str,
        on: date,
        applied: Applied = _NOTHING,
        credits: Credits = _NOTHING,
        fifo: bool = False,
        memo: str = "",
        check: str = "",
        account: str = "",
    ) -> str:
        """The same long ago: the record says that it was made and last changed on that day, as nobody touched it since.

        A month that is closed takes it no more than it takes any other: make the history first, then close.
        """
        entered = f"{on.isoformat()} {_ENTERED_AT}"
        if entered > self.now():
            raise ValueError(f"{on} is not past")
        with self.saving():
            made = self.enter_payment(customer_id, amount, on, applied, credits, fifo, memo, check, account=account)
            self.change("transaction", int(made), {"createddate": entered, "lastmodifieddate": entered})
            return made

    def apply_payment(
        self, payment_id: str, applied: Applied = _NOTHING, credits: Credits = _NOTHING, fifo: bool = False
    ) -> None:
        """Apply a payment that is there already; lines that are not named stay as they are."""
        payment = self._of_kind(payment_id, "CustPymt")
        with self.saving():
            self._change_lists(payment, Lists(_lines(applied), _credit_lines(credits)))
            if fifo:
                self._change_lists(payment, Lists(self._oldest_first(payment["id"])))

    def unapply(self, document: str, invoice_id: str) -> None:
        """Take a payment or credit memo off an invoice again."""
        row = self.transaction(int(document))
        line = ApplyLine(int(invoice_id), None, apply=False, line="0")
        if row["type"] == "CustCred":
            with self.saving():
                apply_memo(self, row["id"], [line])
        else:
            self._change_lists(self._of_kind(document, "CustPymt"), Lists((line,)))

    def _change_lists(self, payment: Row, lists: Lists) -> None:
        if payment["voided"] == "T":
            raise Refusal("voided")
        with self.saving():
            self.periods.require_applicable(payment["trandate"], by_role=False)
            apply_lists(self, payment["id"], lists)
            self.change("transaction", payment["id"], {"lastmodifieddate": self.now()})
            self.sequence(f"netsuite.payment_saved {payment['id']}")

    # ---- credit memos ----

    def credit_invoice(
        self, invoice_id: str, on: date, amount: str = "", number: str = "", memo: str = "", apply: bool = False
    ) -> str:
        """A credit memo made from an invoice: of its customer, currency, receivables account and rate, of what it still
        owes unless `amount` says otherwise. With `apply` it is applied to that invoice at once."""
        invoice = self._of_kind(invoice_id, "CustInvc")
        symbol = self.symbol(invoice["currency"])
        with self.saving():
            made = self.add_credit_memo(
                str(invoice["entity"]),
                number or f"CM-{invoice['tranid']}",
                on,
                amount or fixed(invoice["foreignamountunpaid"], symbol),
                invoice_id,
                symbol,
                str(invoice["_receivable"]),
                rate=str(invoice["exchangerate"]),
                memo=memo,
            )
            if apply:
                apply_memo(self, int(made), [ApplyLine(invoice["id"], None)])
            return made

    def apply_credit(self, credit: str, applied: Applied = _NOTHING, fifo: bool = False) -> None:
        """Apply a credit memo by itself, without a payment."""
        memo = self._of_kind(credit, "CustCred")
        with self.saving():
            apply_memo(self, memo["id"], _lines(applied))
            if fifo:
                apply_memo(self, memo["id"], self._oldest_first(memo["id"]))

    def credit_id(self, name: str) -> str:
        """A credit memo by its number or internal id."""
        row = self.row("SELECT id FROM \"transaction\" WHERE type = 'CustCred' AND ? IN (tranid, id)", name)
        if row is None:
            raise KeyError(f"no credit memo {name!r}")
        return str(row["id"])

    # ---- what they go by ----

    def _of_kind(self, row_id: str, kind: str) -> Row:
        row = self.transaction(int(row_id))
        if row["type"] != kind:
            raise KeyError(f"no {kind} {row_id}")
        return row

    def _oldest_first(self, row_id: int) -> tuple[ApplyLine, ...]:
        """What is unapplied of a payment or memo, on the customer's oldest open invoices up to its day. Of a memo that
        payments used as well only its own part counts."""
        sql = """SELECT t.id, t.foreignamountunpaid, COALESCE((
                     SELECT SUM(l.foreignamount - COALESCE(l._discount, 0)) FROM nexttransactionlinelink l
                     WHERE l.previousdoc = t.id AND l.linktype = 'Payment'
                         AND (l.nextdoc = ? AND l._payment IS NULL OR l._payment = ?)
                 ), 0) AS applied
                 FROM "transaction" t
                 WHERE t.type = 'CustInvc' AND t.entity = ? AND t.currency = ? AND t._subsidiary = ?
                     AND t._receivable = ? AND t.posting = 'T' AND t.voided = 'F' AND t.foreignamountunpaid > 0
                     AND t.trandate <= ? ORDER BY t.trandate, t.id"""
        money = self.transaction(row_id)
        kin = (money[name] for name in ("entity", "currency", "_subsidiary", "_receivable", "trandate"))
        left, lines = money["foreignpaymentamountunused"], []
        for invoice in self.rows(sql, row_id, row_id, *kin):
            part = min(left, invoice["foreignamountunpaid"])
            if part:
                lines.append(ApplyLine(invoice["id"], invoice["applied"] + part))
            left -= part
        return tuple(lines)


def _lines(applied: Applied) -> tuple[ApplyLine, ...]:
    lines = []
    for invoice, part in applied.items():
        given = part if isinstance(part, Mapping) else {"amount": part}
        discount = units(given["discount"]) if "discount" in given else None
        lines.append(ApplyLine(int(invoice), units(given["amount"]), line="0", discount=discount))
    return tuple(lines)


def _credit_lines(credits: Credits) -> tuple[CreditLine, ...]:
    return tuple(CreditLine(int(credit), units(amount), line="0") for credit, amount in credits.items())
