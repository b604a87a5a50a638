"""What is sold and billed: customers, invoices and how they were delivered, Order Entry, credit memos."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from sandbox.intacct import identities
from sandbox.intacct.administration import Administration
from sandbox.intacct.amounts import cents
from sandbox.intacct.books import Row, Who
from sandbox.intacct.receivables import (
    AR,
    ORDER_ENTRY,
    NewDocument,
    NewLine,
    add_document,
    refresh_discount,
    require_in_force,
    retotal,
)
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import Type
from sandbox.intacct.sent import stored_by_person

FIRST_CUSTOMER = 101
Delivered = date | Literal["issued"] | None
_APPROVAL = {"approved": "A", "pending": "I", "draft": "D"}
# What `edit_customer` may set beside custom fields, and the column behind it.
_CUSTOMER = {
    "email": "email",
    "name": "name",
    "companyname": "name",
    "terms": "termname",
    "parent": "parentid",
    "country": "country",
    "subsidiary": "entity",
    "currency": "currency",
}
_INACTIVE = ("inactive", "isinactive")
# How NetSuite's people call the same custom fields.
_OTHER_NAMES = re.compile(r"cust(?:body|entity|col)_(arc_\w+)")


class Billing(Administration):
    def person(self, entity: str = "") -> Who:
        """Somebody who works in the company, in this entity: may do everything."""
        return Who("person", entity, is_person=True)

    # ---- customers ----

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
        with self.saving():
            number = self.next_number("customer", FIRST_CUSTOMER)
            values = {
                "recordno": number,
                "customerid": f"C-{number:05d}",
                "name": name,
                "parentid": parent,
                "email": email or None,
                "termname": terms_id,
                "currency": currency,
                "status": "active",
                "onhold": 0,
                "entity": subsidiary or "",
                "externalid": external_id or None,
                **self.stamps(self.person()),
            }
            self.insert("customer", values)
            self.commit(f"customer_added {values['customerid']}")
            return str(values["customerid"])

    def edit_customer(self, customer_id: str, **fields: object) -> None:
        """Set an address, a name, `inactive`, or custom fields, with or without the `ARC_` before them."""
        values: dict[str, object] = {}
        for name, value in fields.items():
            if name in _CUSTOMER:
                values[_CUSTOMER[name]] = value or ("" if name == "subsidiary" else None)
            elif name in _INACTIVE:
                values["status"] = "inactive" if value in (True, "T") else "active"
            else:
                values |= self.entered("CUSTOMER", {name: value})
        row = self.customer(customer_id)
        with self.saving():
            self.change("customer", row["recordno"], values)
            self.stamp("customer", row["recordno"], self.person())
            self.commit(f"customer_saved {customer_id}")

    def email_of(self, customer_id: str) -> str:
        return str(self.customer(customer_id)["email"] or "")

    def entered(self, object_name: str, fields: Mapping[str, object]) -> dict[str, object]:
        """Custom fields as people name them, as the books keep them; KeyError for one that the object doesn't have."""
        known = self.catalogue.custom(object_name)
        values: dict[str, object] = {}
        for name, value in fields.items():
            other = _OTHER_NAMES.fullmatch(name)
            upper = (other[1] if other else name).upper()
            own = known.get(upper) or known.get(f"ARC_{upper}")
            if own is None:
                raise KeyError(f"{object_name} has no field {name!r} that can be edited here")
            values[own.name] = stored_by_person(own.kind, value)
        return values

    # ---- invoices ----

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
        entity: str = "",
        order_entry: bool = False,
    ) -> str:
        """A line is {description, amount, kind}; a tax line an amount or {description, amount}, kept as a child of the
        first line. `order_entry`: it was made in Order Entry, where it is also edited."""
        where = entity or self.customer(customer_id)["entity"]
        owner = where if self._is_private(where) else ""
        delivered = issued_on if delivered_on == "issued" else delivered_on
        custom = {
            "ARC_PAY_URL": pay_url or None,
            "ARC_DELIVERED_ON": delivered.isoformat() if delivered else None,
        }
        new = NewDocument(
            Type.INVOICE,
            customer_id,
            number,
            issued_on.isoformat(),
            currency,
            self._invoice_lines(lines, tax, where or None),
            owner,
            self.ledger.number(self.account_id(ar_account)) if ar_account else "",
            state=_APPROVAL[approval],
            module=ORDER_ENTRY if order_entry else AR,
            values={
                "whendue": due_on.isoformat() if due_on else None,
                "termname": terms_id,
                "docnumber": po or None,
                **{name: value for name, value in custom.items() if value},
            },
        )
        with self.saving():
            key = add_document(self, new, self.person(new.entity))
            refresh_discount(self, key)
            self.commit(f"invoice_added {key} {number}", "record", key)
            return identities.name_of(self.record(key))

    def _invoice_lines(
        self, lines: Sequence[Mapping[str, str]], tax: Sequence[str | Mapping[str, str]], location: str | None
    ) -> tuple[NewLine, ...]:
        made = [
            NewLine(
                self.ledger.roles["sales"],
                cents(line["amount"]),
                line.get("description", ""),
                location,
                custom={"ARC_LINE_KIND": line["kind"]} if line.get("kind") else {},
            )
            for line in lines
        ]
        for one in tax:
            given = {"description": "Tax", **(one if isinstance(one, Mapping) else {"amount": one})}
            amount, text = cents(given["amount"]), given["description"]
            made.append(NewLine(self.ledger.roles["tax"], amount, text, location, parent=0))
        return tuple(made)

    def _is_private(self, entity: str) -> bool:
        row = self.row("SELECT _private FROM entity WHERE locationid = ?", entity)
        if entity and row is None:
            raise KeyError(f"no entity {entity}")
        return row is not None and bool(row["_private"])

    def email_invoice(self, invoice_id: str, on: date) -> None:
        """Mail an invoice that wasn't, or once more: a person writes down the day."""
        self.save_invoice(invoice_id, {"ARC_DELIVERED_ON": on.isoformat()})

    def invoice(self, invoice_id: str) -> Row:
        return identities.find(self, invoice_id, Type.INVOICE)

    def save_invoice(self, invoice_id: str, values: Mapping[str, object]) -> None:
        """Set columns of an invoice that neither its lines nor the ledger depend on."""
        row = self.invoice(invoice_id)
        with self.saving():
            self.change("record", row["recordno"], values)
            self.stamp("record", row["recordno"], self.person())
            self.commit(f"invoice_saved {row['recordno']} {row['recordid']}")

    # ---- Order Entry ----

    def edit_order(self, invoice_id: str, line_no: int = 1, amount: str = "") -> str:
        """Somebody edits the order behind an invoice: the AR invoice is deleted and made anew, with new record numbers
        for itself and its lines; number, customer and custom fields stay. The new record number.

        One that is paid or selected can't be edited there (K).
        """
        row = self.invoice(invoice_id)
        if row["moduleid"] != ORDER_ENTRY:
            raise LookupError(f"{invoice_id} was not made in Order Entry")
        require_in_force(row)
        if row["paid"] or row["discounted"] or row["selected"]:
            raise refused("paid", key=row["recordno"])
        with self.saving():
            return str(self._recreate(row, line_no, amount))

    def _recreate(self, row: Row, line_no: int, amount: str) -> int:
        old, custom = row["recordno"], self.catalogue.custom("ARINVOICE")
        entries = self.entries(old)
        own = self.catalogue.custom("ARINVOICEITEM")
        places = {entry["recordno"]: place for place, entry in enumerate(entries)}
        lines = tuple(
            NewLine(
                entry["accountno"],
                cents(amount) if amount and entry["line_no"] == line_no else entry["amount"],
                entry["description"] or "",
                entry["locationid"],
                entry["departmentid"],
                places.get(entry["parententry"]),
                {name: entry[name] for name in own},
            )
            for entry in entries
        )
        kept = ("docnumber", "description", "termname", "whendue", "_made_by", *custom)
        head = (row["customerid"], row["recordid"], row["whencreated"], row["currency"])
        values = {name: row[name] for name in kept}
        ar = (row["entity"], row["_receivable"], Decimal(row["rate"]), row["state"])
        self.ledger.forget(old)
        self.db.execute("DELETE FROM entry WHERE recordkey = ?", (old,))
        self.db.execute("DELETE FROM record WHERE recordno = ?", (old,))
        new = NewDocument(Type.INVOICE, *head, lines, *ar, ORDER_ENTRY, values)
        key = add_document(self, new, self.person(row["entity"]))
        refresh_discount(self, key)
        self.commit(f"order_edited {old} is {key}", "record", key)
        return key

    def edit_line_amount(self, invoice_id: str, line_no: int, amount: str) -> None:
        """A person corrects what was billed on one line; in Order Entry, where the invoice was made there."""
        row = self.invoice(invoice_id)
        if row["moduleid"] == ORDER_ENTRY:
            self.edit_order(invoice_id, line_no, amount)
            return
        with self.saving():
            line = self.line_of(row, line_no)
            self.change("entry", line["recordno"], {"amount": cents(amount)})
            retotal(self, row["recordno"], self.person())
            self.commit(f"invoice_saved {row['recordno']} {row['recordid']}")

    def line_of(self, invoice: Row, line_no: int) -> Row:
        line = self.row("SELECT * FROM entry WHERE recordkey = ? AND line_no = ?", invoice["recordno"], line_no)
        if line is None:
            raise KeyError(f"invoice {invoice['recordid']} has no line {line_no}")
        return line

    # ---- credit memos ----

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
        entity: str = "",
    ) -> str:
        """A credit memo, unapplied: an adjustment below zero. `account` is what it takes back: sales, or bad debt.
        `created_from` is the invoice that it names."""
        customer = self.customer(customer_id)
        source = self.invoice(created_from) if created_from else None
        new = NewDocument(
            Type.ADJUSTMENT,
            customer_id,
            number,
            on.isoformat(),
            currency or customer["currency"],
            (NewLine(self.ledger.number(self.account_id(account)), -cents(amount), "Credit"),),
            entity or (source["entity"] if source is not None else customer["entity"]),
            self.ledger.number(self.account_id(ar_account)) if ar_account else "",
            Decimal(rate) if rate else None,
            values={"description": memo or None, "_of": created_from},
        )
        with self.saving():
            key = add_document(self, new, self.person(new.entity))
            self.commit(f"credit_memo_added {key} {number}", "record", key)
            return identities.name_of(self.record(key))

    def credit_id(self, name: str) -> str:
        """A credit memo by its number or by what the world calls it."""
        if "__" in name:
            return identities.name_of(identities.find(self, name, Type.ADJUSTMENT))
        sql = "SELECT * FROM record WHERE recordtype = 'ra' AND state <> 'R' AND ? IN (recordid, recordno)"
        row = self.row(sql, name)
        if row is None:
            raise KeyError(f"no credit memo {name!r}")
        return identities.name_of(row)
