"""What people do in the account: set it up, bill, pay by hand, hold, dispute, correct, void, close a month.

Amounts go in and come out as decimal strings, days as dates, ids as strings. Permissions bind the role of an
integration, not the people here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sandbox.netsuite.amounts import fixed, units
from sandbox.netsuite.answers import APPROVAL, SIGNS, Guesses
from sandbox.netsuite.applying import ApplyLine, NewPayment, add_payment
from sandbox.netsuite.books import Books, Row, stored_day
from sandbox.netsuite.catalogue import CustomField

FIRST_CUSTOMER = 101
# What `edit_invoice` may set, and the column behind it.
EDITABLE = {
    "due_on": "duedate",
    "issued_on": "trandate",
    "memo": "memo",
    "po": "otherrefnum",
    "number": "tranid",
    "terms_id": "terms",
    "pay_url": "custbody_arc_pay_url",
    "customer_id": "entity",
}


class People(Books):
    """The books with the hands that write in them."""

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], guesses: Guesses) -> None:
        super().__init__(clock, sequence, guesses)
        self._removed: dict[str, CustomField] = {}
        self.first_subsidiary = self.add_subsidiary("Parent Company", "USD")

    # ---- seeding ----

    def add_subsidiary(self, name: str, currency: str) -> str:
        currency_id = self.currency(currency)
        values = {"name": name, "fullname": name, "currency": currency_id, "isinactive": "F"}
        with self.saving():
            return str(self.insert("subsidiary", values))

    def add_term(self, name: str, days: int) -> str:
        with self.saving():
            values = {"name": name, "isinactive": "F", "daysuntilnetdue": days, "datedriven": "F"}
            return str(self.insert("term", values))

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
            "custentity_arc_do_not_contact": "F",
        }
        with self.saving():
            row_id = self.insert("customer", values | {"id": self.next_id("customer", FIRST_CUSTOMER)})
            self.sequence(f"netsuite.customer_added {row_id}")
            return str(row_id)

    def edit_customer(self, customer_id: str, **fields: object) -> None:
        """Set columns of a customer by their SuiteQL names; a bool becomes 'T' or 'F'."""
        known = self.catalogue.columns("customer") or {}
        unknown = [name for name in fields if name not in known]
        if unknown:
            raise KeyError(f"customer has no field {', '.join(unknown)}")
        flags = {name: "T" if value else "F" for name, value in fields.items() if isinstance(value, bool)}
        with self.saving():
            self.change("customer", int(customer_id), {**fields, **flags, "lastmodifieddate": self.now()})
            self.sequence(f"netsuite.customer_saved {customer_id}")

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
    ) -> str:
        """A line is {description, amount, kind}; a tax line an amount or {description, amount}."""
        taxes = [{"description": "Tax", **(tax if isinstance(tax, Mapping) else {"amount": tax})} for tax in tax]
        everything = [(line, "F") for line in lines] + [(line, "T") for line in taxes]
        total = sum(units(line["amount"]) for line, _ in everything)
        values: dict[str, object] = {
            "duedate": stored_day(due_on),
            "terms": terms_id,
            "otherrefnum": po or None,
            "approvalstatus": APPROVAL[approval],
            "posting": "T" if approval == "approved" else "F",
            "custbody_arc_hold": "F",
            "custbody_arc_pay_url": pay_url or None,
        }
        with self.saving():
            invoice = self._add_transaction("CustInvc", customer_id, number, issued_on, total, currency, values)
            for line, is_tax in everything:
                self._add_line(invoice, line.get("description", ""), units(line["amount"]), is_tax, line.get("kind"))
            self.settle(invoice)
            self.sequence(f"netsuite.invoice_added {invoice} {number}")
            return str(invoice)

    def add_credit_memo(
        self, customer_id: str, number: str, on: date, amount: str, created_from: str | None = None, currency: str = ""
    ) -> str:
        symbol = currency or self._customer_currency(customer_id)
        with self.saving():
            memo = self._add_transaction("CustCred", customer_id, number, on, units(amount), symbol, {"posting": "T"})
            self._add_line(memo, "Credit", units(amount), "F", None)
            if created_from:
                sql = "UPDATE transactionline SET createdfrom = ? WHERE \"transaction\" = ? AND mainline = 'T'"
                self.db.execute(sql, (int(created_from), memo))
            self.settle(memo)
            self.sequence(f"netsuite.credit_memo_added {memo} {number}")
            return str(memo)

    def _customer_currency(self, customer_id: str) -> str:
        row = self.row("SELECT currency FROM customer WHERE id = ?", int(customer_id))
        if row is None:
            raise KeyError(f"no customer {customer_id}")
        return self.symbol(row["currency"])

    def _add_transaction(
        self,
        kind: str,
        customer_id: str,
        number: str,
        on: date,
        total: int,
        currency: str,
        values: Mapping[str, object],
    ) -> int:
        customer = self.row("SELECT * FROM customer WHERE id = ?", int(customer_id))
        if customer is None:
            raise KeyError(f"no customer {customer_id}")
        return self.insert_transaction(
            kind,
            {
                "tranid": number,
                "entity": customer["id"],
                "trandate": stored_day(on),
                "currency": self.currency(currency),
                "postingperiod": self.period(str(stored_day(on)))["id"],
                "_subsidiary": customer["subsidiary"],
                "_made_by": "person",
                **values,
            },
            total,
        )

    def _add_line(self, row_id: int, memo: str, amount: int, is_tax: str, kind: str | None) -> None:
        document = self.transaction(row_id)
        sign = SIGNS[document["type"]].other
        last = self.row('SELECT MAX(id) AS last FROM transactionline WHERE "transaction" = ?', row_id)
        number = (last["last"] if last else 0) + 1
        self.insert(
            "transactionline",
            {
                "id": number,
                "transaction": row_id,
                "linesequencenumber": number,
                "mainline": "F",
                "taxline": is_tax,
                "entity": document["entity"],
                "quantity": None if is_tax == "T" else sign,
                "foreignamount": sign * amount,
                "netamount": sign * amount,
                "memo": memo or None,
                "subsidiary": document["_subsidiary"],
                "custcol_arc_dispute": "F",
                "custcol_arc_line_kind": kind or None,
            },
        )

    # ---- what a person does ----

    def pay_by_hand(
        self,
        customer_id: str,
        amount: str,
        on: date,
        applications: Sequence[tuple[str, str]] = (),
        memo: str = "",
        external_id: str = "",
        currency: str = "",
    ) -> str:
        """A payment entered by a person, applied as told; the books' own rules hold for it as for any other."""
        symbol = currency or self._customer_currency(customer_id)
        lines = tuple(ApplyLine(int(invoice), units(part)) for invoice, part in applications)
        new = NewPayment(int(customer_id), self.currency(symbol), units(amount), str(stored_day(on)), lines)
        with self.saving():
            values = {"memo": memo or None, "externalid": external_id or None, "_made_by": "person"}
            return str(add_payment(self, new, values))

    def set_hold(self, invoice_id: str, reason: str) -> None:
        self._edit(invoice_id, {"custbody_arc_hold": "T", "custbody_arc_hold_reason": reason})

    def clear_hold(self, invoice_id: str) -> None:
        self._edit(invoice_id, {"custbody_arc_hold": "F", "custbody_arc_hold_reason": None})

    def dispute_line(self, invoice_id: str, line_no: int, reason: str) -> None:
        """Mark one line of an invoice disputed; lines count from 1."""
        self._edit_line(invoice_id, line_no, {"custcol_arc_dispute": "T", "custcol_arc_dispute_reason": reason})

    def settle_dispute(self, invoice_id: str, line_no: int) -> None:
        self._edit_line(invoice_id, line_no, {"custcol_arc_dispute": "F", "custcol_arc_dispute_reason": None})

    def edit_invoice(self, invoice_id: str, **fields: object) -> None:
        """Set fields of EDITABLE, `approval`, or any custom body field; anything else is a KeyError."""
        values: dict[str, object] = {}
        for name, value in fields.items():
            if name == "approval":
                values |= {"approvalstatus": APPROVAL[str(value)], "posting": "T" if value == "approved" else "F"}
            elif name in EDITABLE or name in self.catalogue.fields:
                values[EDITABLE.get(name, name)] = stored_day(value) if isinstance(value, date) else value
            else:
                raise KeyError(f"an invoice has no field {name!r} that can be edited here")
        self._edit(invoice_id, values)

    def edit_line_amount(self, invoice_id: str, line_no: int, amount: str) -> None:
        """A person corrects what was billed on one line."""
        sign = SIGNS["CustInvc"].other
        with self.saving():
            new = {"foreignamount": sign * units(amount), "netamount": sign * units(amount)}
            self._edit_line(invoice_id, line_no, new)
            self.retotal(int(invoice_id))

    def void(self, invoice_id: str) -> None:
        """Void an invoice or credit memo; what was applied to it is free again."""
        self._void(int(invoice_id))

    def void_payment(self, payment_id: str) -> None:
        """Void a payment; what it paid is open again."""
        self._void(int(payment_id))

    def close_period(self, month: str) -> None:
        """Close '2026-09': nothing may be posted into it."""
        self._set_period(month, "T")

    def open_period(self, month: str) -> None:
        self._set_period(month, "F")

    def revoke(self, permission: str) -> None:
        """Take a permission from the role; answers.py says what then happens."""
        with self.lock:
            self.revoked.add(permission)
            self.catalogue.generation += 1

    def grant(self, permission: str) -> None:
        with self.lock:
            self.revoked.discard(permission)
            self.catalogue.generation += 1

    def remove_field(self, script_id: str) -> None:
        """The account no longer has this custom field; its values come back with `restore_field`."""
        with self.saving():
            self._removed[script_id] = self.catalogue.fields[script_id]
            self.catalogue.remove_field(script_id)
            self.db.execute("DELETE FROM customfield WHERE scriptid = ?", (script_id,))

    def restore_field(self, script_id: str) -> None:
        field = self._removed.pop(script_id)
        with self.saving():
            self.catalogue.add_field(field)
            row = (field.id, field.script_id, field.label, field.type)
            self.db.execute("INSERT INTO customfield VALUES (?, ?, ?, ?, 'F')", row)

    def _edit(self, invoice_id: str, values: Mapping[str, object]) -> None:
        self.transaction(int(invoice_id))  # raises for an id that is not there
        with self.saving():
            self.change("transaction", int(invoice_id), {**values, "lastmodifieddate": self.now()})
            self.settle(int(invoice_id))
            self.sequence(f"netsuite.invoice_saved {invoice_id}")

    def _edit_line(self, invoice_id: str, line_no: int, values: Mapping[str, object]) -> None:
        sql = "SELECT uniquekey FROM transactionline WHERE \"transaction\" = ? AND id = ? AND mainline = 'F'"
        line = self.row(sql, int(invoice_id), line_no)
        if line is None:
            raise KeyError(f"invoice {invoice_id} has no line {line_no}")
        with self.saving():
            self.change("transactionline", line["uniquekey"], values, key="uniquekey")
            self._edit(invoice_id, {})

    def _void(self, row_id: int) -> None:
        document = self.transaction(row_id)
        with self.saving():
            others = self.rows("SELECT * FROM nexttransactionlinelink WHERE ? IN (previousdoc, nextdoc)", row_id)
            self.db.execute("DELETE FROM nexttransactionlinelink WHERE ? IN (previousdoc, nextdoc)", (row_id,))
            self.change("transaction", row_id, {"voided": "T", "lastmodifieddate": self.now()})
            self.settle(row_id)
            for link in others:
                self.settle(link["previousdoc"] if link["nextdoc"] == row_id else link["nextdoc"])
            self.sequence(f"netsuite.{document['recordtype']}_voided {row_id}")

    def _set_period(self, month: str, closed: str) -> None:
        with self.saving():
            period = self.period(f"{month}-01 00:00:00")
            self.change("accountingperiod", period["id"], {"closed": closed, "alllocked": closed, "arlocked": closed})

    # ---- the truth ----

    def truth(self) -> dict[str, Any]:
        """What the books hold, for tests: amounts as decimal strings, ids as strings."""
        with self.lock:
            return {
                "invoices": [self._true_invoice(row) for row in self._all("CustInvc")],
                "payments": [self._true_payment(row) for row in self._all("CustPymt")],
                "records": {name: self._true_records(name) for name in self.catalogue.record_types},
            }

    def _all(self, kind: str) -> list[Row]:
        sql = """SELECT t.*, c.symbol FROM "transaction" t JOIN currency c ON c.id = t.currency
                 WHERE t.type = ? ORDER BY t.id"""
        return self.rows(sql, kind)

    def _true_invoice(self, row: Row) -> dict[str, Any]:
        return {
            "id": str(row["id"]),
            "number": row["tranid"],
            "customer": str(row["entity"]),
            "currency": row["symbol"],
            "amount": fixed(row["_amount"], row["symbol"]),
            "balance": fixed(row["foreignamountunpaid"], row["symbol"]),
            "closed": row["status"] in ("B", "V"),
            "voided": row["voided"] == "T",
        }

    def _true_payment(self, row: Row) -> dict[str, Any]:
        links = self.rows("SELECT * FROM nexttransactionlinelink WHERE nextdoc = ? ORDER BY previousdoc", row["id"])
        return {
            "id": str(row["id"]),
            "external_id": row["externalid"] or "",
            "customer": str(row["entity"]),
            "currency": row["symbol"],
            "amount": fixed(row["_amount"], row["symbol"]),
            "applications": [
                {
                    "invoice": str(link["previousdoc"]),
                    "amount": fixed(link["foreignamount"], row["symbol"]),
                    "sequence": link["_sequence"],
                }
                for link in links
            ],
            "unapplied": fixed(row["foreignpaymentamountunused"], row["symbol"]),
            "voided": row["voided"] == "T",
            "made_by": row["_made_by"],
            "on": row["trandate"][:10],
            "memo": row["memo"] or "",
            "sequence": row["_sequence"],
        }

    def _true_records(self, table: str) -> dict[str, dict[str, Any]]:
        rows = self.rows(f'SELECT * FROM "{table}" ORDER BY id')
        return {
            str(row["externalid"] or f"#{row['id']}"): {
                name: row[name]
                for name in row.keys()  # noqa: SIM118 - a sqlite3.Row iterates over its values
                if name.startswith("custrecord_") and row[name] is not None
            }
            | {"id": str(row["id"])}
            for row in rows
        }
