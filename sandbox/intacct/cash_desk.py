"""What people and other programs do with money: payments, drafts, advances, applications, write-offs, refunds.

Amounts come in as decimal strings. `applied` is {invoice id: amount} or {invoice id: {amount, discount}}, `credits`
{credit memo id: amount}; an amount of a line is cash and credits together, as everywhere in the sandbox. Money that is
applied to nothing is an advance, as people enter it in Intacct; what is over is an overpayment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sandbox.intacct import identities
from sandbox.intacct.amounts import cents, fixed
from sandbox.intacct.applying import (
    NewPayment,
    add_payment,
    overpayment_of,
    release,
    reverse_payment,
    submit,
)
from sandbox.intacct.billing import Billing
from sandbox.intacct.books import Row
from sandbox.intacct.cash import NewReceipt, add_advance
from sandbox.intacct.details import Credit, NewDetail
from sandbox.intacct.journals import JournalLine, NewJournal, add_journal
from sandbox.intacct.receivables import NewDocument, NewLine, add_document
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import Type

UNDEPOSITED = "undeposited"
Applied = Mapping[str, str | Mapping[str, str]]
Credits = Mapping[str, str]
_NOTHING: Mapping[str, str] = {}
# The hour of the day at which a past payment was entered.
_ENTERED_AT = "17:00:00"


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
        """A payment entered by a person, applied as told; the books' own rules hold for it as for any other. It leaves
        the receivables account of what it pays, whatever `ar_account` says."""
        applied: dict[str, str] = {}
        for invoice, part in applications:
            applied[invoice] = fixed(cents(applied.get(invoice, "0")) + cents(part))
        with self.saving():
            made = self.enter_payment(
                customer_id, amount, on, applied, memo=memo, external_id=external_id, currency=currency, account=account
            )
            self.change("record", identities.find(self, made)["recordno"], {"_made_by": made_by})
            return made

    def stripe_connector_posts(
        self, charge: str, amount: str, customer_id: str, on: date, invoice_id: str = "", currency: str = ""
    ) -> str:
        """A connector of somebody else enters a charge: its id as the reference, the money in undeposited funds."""
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
        due = _due(self.invoice(invoice_id))
        return [(invoice_id, fixed(min(due, cents(amount))))] if due else []

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
        draft: bool = False,
    ) -> str:
        """A payment as it is entered by a person: applied to nothing, to some invoices, or to the oldest ones."""
        customer = self.customer(customer_id)
        symbol = currency or customer["currency"]
        total = _above_zero(amount)
        if fifo:
            applied = {**applied, **self._oldest_first(customer_id, symbol, total, on, applied)}
        rows = {invoice: self.invoice(invoice) for invoice in applied}
        entity = next((row["entity"] for row in rows.values()), customer["entity"])
        bank, undeposited = self._target(account, entity)
        values: dict[str, object] = {
            "docnumber": (external_id or check or number or None),
            "description": memo or None,
            "_external": external_id or None,
        }
        with self.saving():
            if not applied:
                return self._advance(customer, total, on, symbol, (bank, undeposited), entity, values)
            details = self._details(applied, rows, credits)
            is_family = any(row["customerid"] != customer_id for row in rows.values())
            new = NewPayment(
                "" if is_family else customer_id,
                on.isoformat(),
                symbol,
                details,
                payer=customer_id if is_family else "",
                bank=bank,
                undeposited=undeposited,
                overpayment=_rest(total, details),
                is_draft=draft,
                entity=entity,
                values=values,
            )
            return str(add_payment(self, new, self.person(entity)))

    def _advance(
        self,
        customer: Row,
        total: int,
        on: date,
        currency: str,
        target: tuple[str | None, str | None],
        entity: str,
        values: Mapping[str, object],
    ) -> str:
        lines = (NewLine(self.ledger.roles["advances"], total, "Advance"),)
        new = NewReceipt(on.isoformat(), currency, lines, customer["customerid"], "EFT", *target, entity, values=values)
        return f"{identities.ADVANCE}{add_advance(self, new, self.person(entity))}"

    def _target(self, account: str, entity: str) -> tuple[str | None, str | None]:
        """The bank or the account of undeposited funds; without one checking, in an entity undeposited funds."""
        if not account:
            account = "undeposited" if entity else "bank"
        account_id = self.account_id(account)
        return (account_id, None) if self.ledger.bank(account_id) is not None else (None, account_id)

    def _details(self, applied: Applied, rows: Mapping[str, Row], credits: Credits) -> tuple[NewDetail, ...]:
        """Details of invoices as a whole, the credits used up first, the rest in cash."""
        left = {self._memo(credit)["recordno"]: cents(part) for credit, part in credits.items()}
        details: list[NewDetail] = []
        for invoice, part in applied.items():
            given = part if isinstance(part, Mapping) else {"amount": part}
            wanted, discount = cents(given["amount"]), cents(given.get("discount", "0"))
            key = rows[invoice]["recordno"]
            for memo in left:
                used = min(left[memo], wanted)
                if used:
                    details.append(NewDetail(key, credit=Credit(Type.ADJUSTMENT, memo, used)))
                    left[memo] -= used
                    wanted -= used
            if wanted or discount:
                details.append(NewDetail(key, cash=wanted, discount=discount))
        if any(left.values()):
            raise refused("over_used", amount=fixed(sum(left.values())), key="-", left="nothing to use it for")
        return tuple(details)

    def _memo(self, credit: str) -> Row:
        return identities.find(self, self.credit_id(credit), Type.ADJUSTMENT)

    def _oldest_first(self, customer_id: str, currency: str, total: int, on: date, applied: Applied) -> dict[str, str]:
        """What is left of some money, on the customer's oldest open invoices up to its day."""
        sql = """SELECT * FROM record WHERE recordtype = 'ri' AND customerid = ? AND currency = ?
                 AND state IN ('A', 'B', 'S') AND whencreated <= ? ORDER BY whencreated, recordno"""
        given = [part["amount"] if isinstance(part, Mapping) else part for part in applied.values()]
        left, found = total - sum(cents(part) for part in given), dict[str, str]()
        for row in self.rows(sql, customer_id, currency, on.isoformat()):
            name = identities.name_of(row)
            part = 0 if name in applied else min(left, _due(row))
            if part:
                found[name] = fixed(part)
            left -= part
        return found

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
            key = identities.find(self, made)["recordno"]
            stamps = {"auwhencreated": entered, "whenmodified": entered}
            self.change("record", key, stamps)
            self.change("record", key, stamps, key="parentpaymentkey")
            return made

    # ---- drafts ----

    def draft_payment(
        self, customer_id: str, amount: str, on: date, applications: Sequence[tuple[str, str]] = (), account: str = ""
    ) -> str:
        """A person drafts a payment: what it would pay is selected."""
        return self.enter_payment(customer_id, amount, on, dict(applications), account=account, draft=True)

    def submit_payment(self, payment_id: str) -> None:
        """A person posts a draft, whoever made it."""
        row = identities.find(self, payment_id, Type.PAYMENT)
        with self.saving():
            if row["state"] != "D":
                raise refused("not_draft", key=payment_id, state=row["state"])
            submit(self, row["recordno"], self.person(row["entity"]))

    # ---- applying what is there already ----

    def apply_payment(
        self, payment_id: str, applied: Applied = _NOTHING, credits: Credits = _NOTHING, fifo: bool = False
    ) -> None:
        """Use what is left of a payment or advance, by a payment without cash of its own."""
        money = identities.find(self, payment_id, Type.PAYMENT, Type.ADVANCE)
        rest = overpayment_of(self, money["recordno"]) if money["recordtype"] == Type.PAYMENT else money
        if money["state"] in ("V", "R") or rest is None:
            raise refused("reversed" if rest is not None else "rest_used", key=payment_id)
        owner = rest["customerid"]
        if fifo:
            on = date.fromisoformat(money["receiptdate"])
            applied = {**applied, **self._oldest_first(owner, money["currency"], _due(rest), on, applied)}
        self._apply(rest, Type(rest["recordtype"]), applied)

    def apply_credit(
        self, credit: str, applied: Applied = _NOTHING, fifo: bool = False, on: date | None = None
    ) -> None:
        """Apply a credit memo by itself, by a payment without cash of this day or today."""
        memo = self._memo(credit)
        if fifo:
            left, of = abs(_due(memo)), date.fromisoformat(memo["whencreated"])
            applied = {**applied, **self._oldest_first(memo["customerid"], memo["currency"], left, of, applied)}
        self._apply(memo, Type.ADJUSTMENT, applied, on)

    def _apply(self, source: Row, kind: Type, applied: Applied, on: date | None = None) -> None:
        """Nothing to apply it to is no deed."""
        details = []
        for invoice, part in applied.items():
            amount = cents(part["amount"] if isinstance(part, Mapping) else part)
            details.append(
                NewDetail(self.invoice(invoice)["recordno"], credit=Credit(kind, source["recordno"], amount))
            )
        if details:
            with self.saving():
                self._use(source, details, on or self.today())

    def _use(self, source: Row, details: Sequence[NewDetail], on: date) -> int:
        """A payment without cash: it may not be dated before what it uses."""
        day = max(on.isoformat(), source["receiptdate"] or source["whencreated"])
        bank, undeposited = self._target("", source["entity"])
        is_family = any(self.record(one.target)["customerid"] != source["customerid"] for one in details)
        new = NewPayment(
            "" if is_family else source["customerid"],
            day,
            source["currency"],
            tuple(details),
            payer=source["customerid"] if is_family else "",
            bank=bank,
            undeposited=undeposited,
            entity=source["entity"],
        )
        return add_payment(self, new, self.person(source["entity"]))

    def unapply(self, document: str, invoice_id: str) -> None:
        """Take a payment, what was used of it later, or a credit memo off an invoice again."""
        target = self.invoice(invoice_id)["recordno"]
        if "__" in document:
            sources = {self._memo(document)["recordno"]}
            own = None
        else:
            own = identities.find(self, document, Type.PAYMENT, Type.ADVANCE)["recordno"]
            rest = overpayment_of(self, own)
            sources = {own} if rest is None else {own, rest["recordno"]}
        sql = """SELECT d.paymentkey, d.creditkey, p.total FROM detail d JOIN record p ON p.recordno = d.paymentkey
                 WHERE d.targetkey = ? AND p.state = 'C'"""
        with self.saving():
            for key in sorted(
                {
                    detail["paymentkey"]
                    for detail in self.rows(sql, target)
                    if detail["paymentkey"] == own or detail["creditkey"] in sources
                }
            ):
                release(self, key, target, self.person())

    # ---- credits from invoices, write-offs, refunds ----

    def credit_invoice(
        self, invoice_id: str, on: date, amount: str = "", number: str = "", memo: str = "", apply: bool = False
    ) -> str:
        """A credit memo made from an invoice: of its customer, currency, receivables account and rate, of what it still
        owes unless `amount` says otherwise. With `apply` it is applied to that invoice at once."""
        invoice = self.invoice(invoice_id)
        with self.saving():
            made = self._memo_of(invoice, on, amount, number or f"CM-{invoice['recordid']}", "sales", memo)
            if apply:
                left = min(cents(amount) if amount else _due(invoice), _due(invoice))
                self.apply_credit(made, {invoice_id: fixed(left)}, on=on)
            return made

    def _memo_of(self, invoice: Row, on: date, amount: str, number: str, account: str, memo: str = "") -> str:
        return self.add_credit_memo(
            invoice["customerid"],
            number,
            on,
            amount or fixed(_due(invoice)),
            identities.name_of(invoice),
            invoice["currency"],
            invoice["_receivable"],
            account,
            rate=invoice["rate"],
            memo=memo,
        )

    def write_off(
        self, invoice_id: str, on: date, amount: str = "", account: str = "bad_debt", by: str = "memo"
    ) -> str:
        """Write off an invoice or part of it by a credit memo, applied to it. By journal is not possible: Intacct
        applies no journal entry to an invoice."""
        if by not in ("memo", "journal"):
            raise ValueError("a write-off is by memo or by journal")
        if by == "journal":
            raise LookupError("Intacct applies no journal entry to an invoice; write off by memo")
        invoice = self.invoice(invoice_id)
        left = cents(amount) if amount else _due(invoice)
        if not 0 < left <= _due(invoice):
            amounts = {"amount": fixed(left, invoice["currency"]), "due": fixed(_due(invoice), invoice["currency"])}
            raise refused("over_applied", what="invoice", key=invoice_id, **amounts)
        with self.saving():
            made = self._memo_of(invoice, on, fixed(left), f"WO-{invoice['recordid']}", account)
            details = [
                NewDetail(invoice["recordno"], credit=Credit(Type.ADJUSTMENT, self._memo(made)["recordno"], left))
            ]
            self._use(self._memo(made), details, on)
            self.commit(f"written_off {invoice_id} {fixed(left, invoice['currency'])}")
            return made

    def refund_by_hand(
        self, payment_id: str, amount: str, on: date, account: str = "clearing", memo: str = "", external_id: str = ""
    ) -> str:
        """Pay back what is unapplied of a payment, advance or credit memo, as people do it in Intacct: a debit memo on
        the refunds account takes the credit, and a journal entry takes the money out of the bank."""
        source = self._refundable(payment_id)
        left, wanted = abs(_due(source)), cents(amount)
        symbol = source["currency"]
        if not 0 < wanted <= left or source["state"] in ("V", "R"):
            raise refused("over_used", amount=fixed(wanted, symbol), key=payment_id, left=fixed(left, symbol))
        text, refunds = memo or f"Refund of {payment_id}", self.ledger.roles["refunds"]
        with self.saving():
            new = NewDocument(
                Type.ADJUSTMENT,
                source["customerid"],
                "",
                on.isoformat(),
                symbol,
                (NewLine(refunds, wanted, text),),
                source["entity"],
                values={"_of": payment_id, "_external": external_id or None, "description": text},
            )
            key = add_document(self, new, self.person(source["entity"]))
            self.change("record", key, {"recordid": f"RFND{key}"})
            used = Credit(Type(source["recordtype"]), source["recordno"], wanted)
            self._use(source, [NewDetail(key, is_debit_memo=True, credit=used)], on)
            self._take_out(source, key, wanted, on, account, text, external_id)
            self.commit(f"refund_added {key} {external_id}".rstrip(), "record", key)
            return str(key)

    def _refundable(self, name: str) -> Row:
        """The record that holds what is left of a payment, advance or credit memo."""
        if "__" in name:
            return self._memo(name)
        money = identities.find(self, name, Type.PAYMENT, Type.ADVANCE)
        rest = overpayment_of(self, money["recordno"]) if money["recordtype"] == Type.PAYMENT else money
        if rest is None:
            raise refused("over_used", amount="A refund", key=name, left=fixed(0, money["currency"]))
        return rest

    def _take_out(
        self, source: Row, key: int, amount: int, on: date, account: str, text: str, external_id: str
    ) -> None:
        where, location = self.ledger.number(self.account_id(account)), source["entity"] or None
        lines = (
            JournalLine(self.ledger.roles["refunds"], amount, text, location=location),
            JournalLine(where, -amount, text, location=location),
        )
        new = NewJournal(
            on.isoformat(), text, source["currency"], lines, reference=external_id, entity=source["entity"]
        )
        made = add_journal(self, new, self.person(source["entity"]))
        self.change("journal", made, {"_refund": key})

    # ---- undoing ----

    def void_payment(self, payment_id: str) -> None:
        """Reverse a payment or advance today: what it paid is open again, and the credits used with it are free. One
        that lies in a deposit must come out of that first."""
        row = identities.find(self, payment_id, Type.PAYMENT, Type.ADVANCE)
        with self.saving():
            day = max(self.today().isoformat(), row["receiptdate"])
            reverse_payment(self, row["recordno"], day, self.person(row["entity"]))


def _due(row: Row) -> int:
    """What is still open of a record and selected by nobody."""
    return int(row["total"] - row["paid"] - row["discounted"] - row["selected"])


def _above_zero(amount: str) -> int:
    if cents(amount) <= 0:
        raise refused("bad_amount", field="payment", amount=amount)
    return cents(amount)


def _rest(total: int, details: Sequence[NewDetail]) -> int:
    """What a payment brings beyond its details."""
    rest = total - sum(detail.cash for detail in details)
    if rest < 0:
        raise refused("over_applied", amount=fixed(total - rest), what="payment", key="-", due=fixed(total))
    return rest
