"""What people do to what is there already: hold, dispute, promise, describe, correct, void. And the truth for tests.

Amounts go in and come out as decimal strings, days as dates, ids as strings. Permissions bind the role of an
integration, not the people here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sandbox.netsuite.amounts import fixed, units
from sandbox.netsuite.answers import APPROVAL, CREDITED, SIGNS, Refusal
from sandbox.netsuite.application_desk import ApplicationDesk
from sandbox.netsuite.books import stored_day
from sandbox.netsuite.catalogue import Kind
from sandbox.netsuite.dunning import send_if_resumed
from sandbox.netsuite.kept import kept
from sandbox.netsuite.terms import refresh
from sandbox.netsuite.truth import truth

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
    "delivered_on": "custbody_arc_delivered_on",
    "promise_on": "custbody_arc_promise_on",
    "promise_amount": "custbody_arc_promise_amount",
    "conversation_until": "custbody_arc_conversation_until",
    "touched_on": "custbody_arc_touched_on",
}
# What `describe_customer` may say beside the country, which is that of the default billing address.
DESCRIBED = frozenset(
    {
        "arr",
        "arr_currency",
        "billing_model",
        "cc",
        "chat",
        "chat_consent_on",
        "contract_type",
        "mails_parent",
        "relationship",
        "sms",
        "sms_consent_on",
        "tier",
        "time_zone",
    }
)
_LINKS = "FROM nexttransactionlinelink WHERE (previousdoc = ? OR nextdoc = ? OR _payment = ?) AND linktype <> ?"


class People(ApplicationDesk):
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
        more = {"kind": kind, "owner": owner, "since": since, "until": until}
        self._fill(invoice_id, custbody_arc_hold=True, **_named("custbody_arc_hold", {"reason": reason, **more}))

    def clear_hold(self, invoice_id: str) -> None:
        rest = dict.fromkeys(("reason", "kind", "owner", "since", "until"))
        self._fill(invoice_id, custbody_arc_hold=False, **_named("custbody_arc_hold", rest))

    def promise(
        self, invoice_id: str, on: date, amount: str | None = None, by: str = "", recorded_by: str = ""
    ) -> None:
        """The customer promised to pay so much by this day; without an amount all of it."""
        said = {"on": on, "amount": amount, "by": by, "recorded_by": recorded_by}
        self._fill(invoice_id, **_named("custbody_arc_promise", said))

    def forget_promise(self, invoice_id: str) -> None:
        self._fill(invoice_id, **_named("custbody_arc_promise", dict.fromkeys(("on", "amount", "by", "recorded_by"))))

    def agree_plan(self, invoice_id: str, plan: str, approved_by: str = "") -> None:
        """Instalments as people write them: `2026-12-01 500.00; 2027-01-01 500.00`."""
        self._fill(invoice_id, custbody_arc_plan=plan, custbody_arc_plan_approved_by=approved_by)

    def converse(self, invoice_id: str, until: date | None) -> None:
        self._fill(invoice_id, custbody_arc_conversation_until=until)

    def touch(self, invoice_id: str, on: date) -> None:
        """A person worked on it."""
        self._fill(invoice_id, custbody_arc_touched_on=on)

    def own_dispute(self, invoice_id: str, owner: str, until: date | None = None) -> None:
        self._fill(invoice_id, **_named("custbody_arc_dispute", {"owner": owner, "until": until}))

    def dispute_line(
        self, invoice_id: str, line_no: int, reason: str, on: date | None = None, detail: str = ""
    ) -> None:
        """Mark one line of an invoice disputed since this day or today; lines count from 1."""
        since = stored_day(on) or f"{self.now()[:10]} 00:00:00"
        marked = {"custcol_arc_dispute": "T", "custcol_arc_dispute_reason": reason, "custcol_arc_disputed_on": since}
        texts = {"custcol_arc_dispute_detail": detail or None, "custcol_arc_dispute_outcome": None}
        self._edit_line(invoice_id, line_no, {**marked, **texts})

    def give_detail(self, invoice_id: str, line_no: int, detail: str) -> None:
        """What the customer said of a disputed line."""
        self._edit_line(invoice_id, line_no, {"custcol_arc_dispute_detail": detail})

    def settle_dispute(self, invoice_id: str, line_no: int, outcome: str = "") -> None:
        """Take the mark away, and say how it ended; its reason and detail stay."""
        self._edit_line(
            invoice_id, line_no, {"custcol_arc_dispute": "F", "custcol_arc_dispute_outcome": outcome or None}
        )

    def describe_customer(self, customer_id: str, **said: object) -> None:
        """Set what DESCRIBED names, and `country`; None empties."""
        unknown = sorted(said.keys() - DESCRIBED - {"country"})
        if unknown:
            raise KeyError(f"nobody says {', '.join(unknown)} of a customer")
        fields = {f"custentity_arc_{name}": value for name, value in said.items() if name != "country"}
        values = {name: self._entered(name, value) for name, value in fields.items()}
        with self.saving():
            self.change("customer", int(customer_id), {**values, "lastmodifieddate": self.now()})
            if "country" in said:
                self._bill_to(int(customer_id), said["country"])
            self.sequence(f"netsuite.customer_saved {customer_id}")

    def _bill_to(self, customer_id: int, country: object) -> None:
        """Another default billing address; without a country none."""
        self.db.execute("UPDATE customeraddressbook SET defaultbilling = 'F' WHERE entity = ?", (customer_id,))
        if country:
            address = self.insert("customeraddressbookentityaddress", {"country": country})
            flags = {"defaultbilling": "T", "defaultshipping": "F"}
            self.insert("customeraddressbook", {"entity": customer_id, "addressbookaddress": address, **flags})

    def _fill(self, invoice_id: str, **fields: object) -> None:
        """Custom body fields, as a person fills them in; an empty text empties."""
        self._edit(invoice_id, {name: self._entered(name, value) for name, value in fields.items()})

    # ---- corrections ----

    def edit_invoice(self, invoice_id: str, **fields: object) -> None:
        """Set fields of EDITABLE, `approval`, or any custom body field; anything else is a KeyError. None empties."""
        values: dict[str, object] = {}
        for name, value in fields.items():
            if name == "approval":
                values |= {"approvalstatus": APPROVAL[str(value)], "posting": "T" if value == "approved" else "F"}
            elif name in EDITABLE or name in self.catalogue.fields:
                column = EDITABLE.get(name, name)
                values[column] = self._entered(column, value)
            else:
                raise KeyError(f"an invoice has no field {name!r} that can be edited here")
        self._edit(invoice_id, values)

    def _entered(self, column: str, value: object) -> object:
        """A value as it is stored: a day, a flag, an amount or a text."""
        field = self.catalogue.fields.get(column)
        if isinstance(value, bool):
            return "T" if value else "F"
        if field is not None and field.kind is Kind.DATE and isinstance(value, str):
            value = date.fromisoformat(value)
        if field is not None and field.kind is Kind.MONEY and isinstance(value, str):
            return units(value)
        if value == "":
            return None
        return stored_day(value) if isinstance(value, date) else value

    def edit_line_amount(self, invoice_id: str, line_no: int, amount: str) -> None:
        """A person corrects what was billed on one line."""
        sign = SIGNS["CustInvc"].other
        with self.saving():
            self._edit_line(invoice_id, line_no, {"foreignamount": sign * units(amount)})
            self.retotal(int(invoice_id))

    def void(self, invoice_id: str) -> None:
        """Void an invoice or credit memo; what was applied to it is free again."""
        self._void(int(invoice_id))

    def void_payment(self, payment_id: str) -> None:
        """Void a payment: what it paid is open again, and the credits used with it are free. One that lies in a deposit
        must come out of that first."""
        self._require_undeposited(int(payment_id))
        self._void(int(payment_id))

    def void_document(self, document: str) -> None:
        """Void a deposit (its payments wait in Undeposited Funds again), journal, refund or credit memo."""
        self._void(int(document))

    def delete_document(self, document: str) -> None:
        """Delete a document without a trace: what it was applied to is open again. Nothing may be applied to it (K)."""
        row = self.transaction(int(document))
        self._require_undeposited(row["id"])
        if self.row(f"SELECT 1 {_LINKS} AND previousdoc = ?", *[row["id"]] * 3, CREDITED, row["id"]) is not None:
            raise Refusal("linked", doc=document)
        self.periods.require_open(row["trandate"])
        with self.saving():
            self._unlink(row["id"])
            self.db.execute("DELETE FROM nexttransactionlinelink WHERE ? IN (previousdoc, nextdoc)", (row["id"],))
            self.db.execute('DELETE FROM transactionline WHERE "transaction" = ?', (row["id"],))
            self.db.execute('DELETE FROM "transaction" WHERE id = ?', (row["id"],))
            self.last_deleted["transaction"] = max(row["id"], self.last_deleted.get("transaction", 0))
            self.sequence(f"netsuite.{row['recordtype']}_deleted {row['id']}")

    def _require_undeposited(self, payment_id: int) -> None:
        deposit = self.deposit_of(payment_id)
        if deposit is not None:
            raise Refusal("in_deposit", deposit=deposit)

    def _edit(self, invoice_id: str, values: Mapping[str, object]) -> None:
        before = self.transaction(int(invoice_id))  # raises for an id that is not there
        with self.saving():
            self.change("transaction", int(invoice_id), {**values, "lastmodifieddate": self.now()})
            if values.keys() & {"terms", "trandate"}:
                refresh(self, self.transaction(int(invoice_id)))
            self.settle(int(invoice_id))
            self.sequence(f"netsuite.invoice_saved {invoice_id}")
            send_if_resumed(self, before, values)

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
            self.change("transaction", row_id, {"voided": "T", "lastmodifieddate": self.now()})
            self.ledger.clear(row_id)
            self._unlink(row_id)
            self.settle(row_id)
            self.sequence(f"netsuite.{document['recordtype']}_voided {row_id}")

    def _unlink(self, row_id: int) -> None:
        """Take a document off all that it was applied to, that was applied to it, and that it lay in; with a payment go
        the credits that were used with it. From what it was made stays known."""
        key = (row_id, row_id, row_id, CREDITED)
        links = self.rows(f"SELECT previousdoc, nextdoc {_LINKS}", *key)
        self.db.execute(f"DELETE {_LINKS}", key)
        for other in sorted({doc for link in links for doc in link} - {row_id}):
            self._released(other)

    def _released(self, row_id: int) -> None:
        """A document that lost what it was applied to, or the deposit that it lay in."""
        document = self.transaction(row_id)
        is_foreign = document["currency"] != self.ledger.base(document["_subsidiary"])
        if document["type"] == "CustPymt" and document["voided"] == "F":
            self.ledger.repost_payment(document)
        if document["type"] == "CustCred" and document["voided"] == "F" and is_foreign:
            self.ledger.repost_memo(document)
        self.settle(row_id)

    # ---- the truth ----

    def truth(self) -> dict[str, Any]:
        """What the books hold, for tests: amounts as decimal strings, ids as strings."""
        with self.lock:
            return truth(self) | {"balances": self.balances()}

    def kept(self, kind: str) -> list[dict[str, Any]]:
        """What the connector keeps beside the books: cancellation, receipt, status, exception, proof, installation."""
        with self.lock:
            return kept(self, kind)

    def balances(self, on: date | None = None) -> dict[str, str]:
        """What stands on each account at the end of a day, debit positive: a bank in its own currency, else in base."""
        day = f"{on.isoformat() if on else self.now()[:10]} 23:59:59"
        with self.lock:
            found = self.ledger.balances(day)
            return {str(key): fixed(amount, self.ledger.symbol(key)) for key, amount in found.items()}


def _named(start: str, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{start}_{name}": value for name, value in values.items()}
