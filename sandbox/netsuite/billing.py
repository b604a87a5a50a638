"""What is sold and billed: customers, invoices and how they were delivered, credit memos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from sandbox.netsuite.administration import Administration
from sandbox.netsuite.amounts import units
from sandbox.netsuite.answers import APPROVAL, CREDITED, SIGNS
from sandbox.netsuite.books import Row, stored_day
from sandbox.netsuite.ledger import RECEIVABLES, Leg
from sandbox.netsuite.terms import refresh

FIRST_CUSTOMER = 101
SENDER = "billing@company.example"
Delivered = date | Literal["issued"] | None
# What every line of goods or tax has: a checkbox is never empty.
_ITEM: dict[str, object] = {"custcol_arc_dispute": "F"}
# Nor those of a customer.
_CHECKBOXES = ("custentity_arc_do_not_contact", "custentity_arc_autopay", "custentity_arc_mails_parent")
# Words of `edit_customer` that mean the same in every ERP, and the column behind each.
_OF_A_CUSTOMER = {
    "do_not_contact": "custentity_arc_do_not_contact",
    "exclude": "custentity_arc_exclude",
    "inactive": "isinactive",
}


class Billing(Administration):
    def add_customer(
        self,
        name: str,
        email: str,
        terms_id: str | None,
        currency: str = "USD",
        subsidiary: str | None = None,
        parent: str | None = None,
        external_id: str = "",
    ) -> str:
        values: dict[str, object] = {
            "entityid": name,
            "companyname": name,
            "altname": name,
            "email": email or None,
            "terms": terms_id,
            "currency": self.currency(currency),
            "subsidiary": subsidiary or self.first_subsidiary,
            "parent": parent,
            "isinactive": "F",
            "isperson": "F",
            "externalid": external_id or None,
            "datecreated": self.now(),
            "lastmodifieddate": self.now(),
            **dict.fromkeys(_CHECKBOXES, "F"),
        }
        with self.saving():
            row_id = self.insert("customer", values | {"id": self.next_id("customer", FIRST_CUSTOMER)})
            self.sequence(f"netsuite.customer_added {row_id}")
            return str(row_id)

    def edit_customer(self, customer_id: str, **fields: object) -> None:
        """Set columns of a customer by the words above or their SuiteQL names; a bool becomes 'T' or 'F'."""
        fields = {_OF_A_CUSTOMER.get(name, name): value for name, value in fields.items()}
        known = self.catalogue.columns("customer") or {}
        unknown = [name for name in fields if name not in known]
        if unknown:
            raise KeyError(f"customer has no field {', '.join(unknown)}")
        flags = {name: "T" if value else "F" for name, value in fields.items() if isinstance(value, bool)}
        with self.saving():
            self.change("customer", int(customer_id), {**fields, **flags, "lastmodifieddate": self.now()})
            self.sequence(f"netsuite.customer_saved {customer_id}")

    def email_of(self, customer_id: str) -> str:
        """The address of a customer, '' for none."""
        return self.customer_row(customer_id)["email"] or ""

    def add_invoice(
        self,
        customer_id: str,
        number: str,
        issued_on: date,
        due_on: date | None,
        lines: Sequence[Mapping[str, str]],
        currency: str = "USD",
        terms_id: str | None = None,
        po: str = "",
        pay_url: str = "",
        approval: str = "approved",
        tax: Sequence[str | Mapping[str, str]] = (),
        delivered_on: Delivered = "issued",
        ar_account: str = "",
    ) -> str:
        """A line is {description, amount, kind}; a tax line an amount or {description, amount}.

        It was mailed to the customer on the day of issue, unless `delivered_on` is another day, or None: not yet.
        """
        taxes = [{"description": "Tax", **(tax if isinstance(tax, Mapping) else {"amount": tax})} for tax in tax]
        legs = [self._line(line, "sales", "F") for line in lines] + [self._line(line, "tax", "T") for line in taxes]
        total = -sum(leg.amount for leg in legs)
        delivered = issued_on if delivered_on == "issued" else delivered_on
        values: dict[str, object] = {
            "duedate": stored_day(due_on),
            "terms": terms_id,
            "otherrefnum": po or None,
            "approvalstatus": APPROVAL[approval],
            "posting": "T" if approval == "approved" else "F",
            "custbody_arc_hold": "F",
            "custbody_arc_pay_url": pay_url or None,
            "custbody_arc_delivered_on": stored_day(delivered),
            "status": "A",
            "foreignamountpaid": 0,
            "foreignamountunpaid": total,
            "custbody_3805_dunning_paused": "F" if self.catalogue.has_dunning else None,
        }
        with self.saving():
            customer = self.customer_row(customer_id)
            account = self.account_id(ar_account) if ar_account else None
            invoice = self._document("CustInvc", customer, number, issued_on, total, currency, values, legs, account)
            if terms_id:
                refresh(self, self.transaction(invoice))
            if not total or approval != "approved":
                self.settle(invoice)
            if delivered is not None:
                self._log_mail(invoice, customer, f"Invoice {number}", stored_day(delivered))
            self.sequence(f"netsuite.invoice_added {invoice} {number}")
            return str(invoice)

    def email_invoice(self, invoice_id: str, on: date) -> None:
        """Mail an invoice that wasn't, or once more: the e-mail log and the field say so."""
        with self.saving():
            invoice = self.transaction(int(invoice_id))
            customer = self.customer_row(str(invoice["entity"]))
            self._log_mail(invoice["id"], customer, f"Invoice {invoice['tranid']}", stored_day(on))
            changed = {"custbody_arc_delivered_on": stored_day(on), "lastmodifieddate": self.now()}
            self.change("transaction", invoice["id"], changed)
            self.sequence(f"netsuite.invoice_mailed {invoice_id}")

    def add_credit_memo(
        self,
        customer_id: str,
        number: str,
        on: date,
        amount: str,
        created_from: str | None = None,
        currency: str = "",
        ar_account: str = "",
        account: str = "sales",
        rate: str = "",
        memo: str = "",
    ) -> str:
        """A credit memo, unapplied; `account` is what it takes back: sales, or bad debt. `created_from` is the invoice
        that it was made from."""
        with self.saving():
            customer = self.customer_row(customer_id)
            symbol = currency or self.symbol(customer["currency"])
            receivable = self.account_id(ar_account) if ar_account else None
            source = {"createdfrom": int(created_from) if created_from else None}
            legs = [Leg(self.account_id(account), units(amount), "Credit", more=_ITEM | {"quantity": 1})]
            total = units(amount)
            values: dict[str, object] = {"memo": memo or None, **({"exchangerate": rate} if rate else {})}
            made = self._document("CustCred", customer, number, on, total, symbol, values, legs, receivable, source)
            if created_from:
                self.link(self.transaction(int(created_from)), self.transaction(made), total, CREDITED)
            self.settle(made)
            self.sequence(f"netsuite.credit_memo_added {made} {number}")
            return str(made)

    def customer_row(self, customer_id: str) -> Row:
        row = self.row("SELECT * FROM customer WHERE id = ?", int(customer_id))
        if row is None:
            raise KeyError(f"no customer {customer_id}")
        return row

    def _line(self, line: Mapping[str, str], role: str, is_tax: str) -> Leg:
        more: dict[str, object] = _ITEM | {"taxline": is_tax, "custcol_arc_line_kind": line.get("kind") or None}
        if is_tax == "F":
            more["quantity"] = SIGNS["CustInvc"].other
        return Leg(self.ledger.roles[role], -units(line["amount"]), line.get("description", ""), more=more)

    def _document(
        self,
        kind: str,
        customer: Row,
        number: str,
        on: date,
        total: int,
        currency: str,
        values: Mapping[str, object],
        legs: Sequence[Leg],
        receivable: int | None,
        main: Mapping[str, object] | None = None,
    ) -> int:
        """A document of a customer against a receivables account, its main line first."""
        day, subsidiary, currency_id = str(stored_day(on)), customer["subsidiary"], self.currency(currency)
        control = self.ledger.account(receivable or self.ledger.receivable(customer), "arAcct", subsidiary, RECEIVABLES)
        known = {
            "tranid": number,
            "entity": customer["id"],
            "trandate": day,
            "currency": currency_id,
            "exchangerate": str(self.ledger.rate(currency_id, subsidiary, day)),
            "postingperiod": self.periods.id_of(day),
            "_subsidiary": subsidiary,
            "_receivable": control.id,
            "_made_by": "person",
        }
        first = Leg(control.id, SIGNS[kind].main * total, more=dict(main or {}))
        return self.insert_transaction(kind, known | dict(values), total, [first, *legs], main_absorbs=True)

    def _log_mail(self, row_id: int, customer: Row, subject: str, day: str | None) -> None:
        if not customer["email"]:
            return
        values = {"transaction": row_id, "entity": customer["id"], "messagedate": day, "subject": subject}
        people = {"authoremail": SENDER, "recipient": customer["id"], "recipientemail": customer["email"]}
        flags = {"emailed": "T", "incoming": "F", "hasattachment": "T", "lastmodifieddate": self.now()}
        self.insert("message", values | people | flags)
