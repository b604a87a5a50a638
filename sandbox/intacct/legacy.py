"""The legacy functions: lower-case names, elements in the documented order, days as year, month and day.

Source: developer.intacct.com: they are frozen, and for invoices, adjustments, reversals, deposits and other
receipts the only way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lxml import etree

from sandbox.intacct.applying import reverse_payment
from sandbox.intacct.books import Books, Row, Who
from sandbox.intacct.cash import NewReceipt, add_other_receipt, delete_other_receipt
from sandbox.intacct.depositing import add_deposit
from sandbox.intacct.receivables import NewDocument, NewLine, add_document, reverse_document
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import Type
from sandbox.intacct.sent import Sent, stored

# Elements of legacy functions in the order that they must have.
_ORDERS = {
    "create_invoice": (
        "customerid datecreated dateposted datedue termname batchkey action invoiceno ponumber description externalid"
        " billto shipto basecurr currency exchratedate exchratetype exchrate nogl supdocid customfields taxsolutionid"
        " invoiceitems"
    ),
    "update_invoice": (
        "customerid datecreated dateposted datedue termname action invoiceno ponumber description payto returnto"
        " basecurr currency exchratedate exchratetype exchrate supdocid customfields updateinvoiceitems"
    ),
    "reverse_invoice": "datereversed description",
    "create_aradjustment": (
        "customerid datecreated dateposted batchkey adjustmentno action invoiceno description externalid basecurr"
        " currency exchratedate exchratetype exchrate nogl taxsolutionid aradjustmentitems"
    ),
    "reverse_arpayment": "datereversed description nsfclosedaccount",
    "delete_otherreceipt": "",
    "record_deposit": "bankaccountid depositdate depositid receiptkeys description supdocid customfields",
    "record_otherreceipt": (
        "paymentdate payee receiveddate paymentmethod undepglaccountno bankaccountid depositdate refid description"
        " supdocid currency exchratedate exchratetype exchrate customfields inclusivetax taxsolutionid receiptitems"
    ),
}
_LEGACY_LINE = (
    "glaccountno accountlabel offsetglaccountno amount allocationid memo locationid departmentid key totalpaid totaldue"
    " customfields revrectemplate defrevaccount revrecstartdate revrecenddate projectid taskid costtypeid customerid"
    " vendorid employeeid itemid classid contractid warehouseid totaltrxamount taxentries"
)


class LegacyWriting(Books):
    """The books as legacy functions write in them."""

    def legacy(self, function_name: str, element: etree._Element, who: Who) -> int:
        """Carry out a legacy function; the key of what it made or changed."""
        functions: Mapping[str, Callable[[Sent, Who], int]] = {
            "create_invoice": self._create_invoice,
            "update_invoice": self._legacy_update_invoice,
            "reverse_invoice": self._reverse_invoice,
            "create_aradjustment": self._create_adjustment,
            "reverse_arpayment": self._reverse_payment,
            "record_deposit": self._record_deposit,
            "record_otherreceipt": self._record_other_receipt,
            "delete_otherreceipt": self._delete_other_receipt,
        }
        if function_name not in functions:
            raise refused("not_played", what=function_name)
        sent = Sent(element)
        sent.require_order(_ORDERS[function_name])
        with self.saving():
            return functions[function_name](sent, who)

    # ---- what generic functions use too ----

    def visible(self, key: int, who: Who, *types: Type, what: str) -> Row:
        """A record that this session may change: it is there, and of this entity."""
        row = self.row("SELECT * FROM record WHERE recordno = ?", key)
        if row is None or row["recordtype"] not in types:
            raise refused("absent", what=what, key=key)
        if row["entity"] != who.entity:
            if row["entity"]:
                raise refused("private", what=what, key=key, entity=row["entity"])
            raise refused("other_entity", key=key, owner="-", entity=who.entity)
        return row

    def account_of_label(self, label: str | None) -> str | None:
        """Account labels are the titles of accounts here (K)."""
        row = self.row("SELECT accountno FROM account WHERE title = ?", label)
        return str(row["accountno"]) if row is not None else None

    def ledger_base(self, who: Who) -> str:
        return self.ledger.base(who.entity)

    # ---- legacy functions ----

    def _create_invoice(self, sent: Sent, who: Who) -> int:
        return self._create_document(sent, who, Type.INVOICE, "invoiceno", "invoiceitems")

    def _create_adjustment(self, sent: Sent, who: Who) -> int:
        return self._create_document(sent, who, Type.ADJUSTMENT, "adjustmentno", "aradjustmentitems")

    def _create_document(self, sent: Sent, who: Who, kind: Type, number: str, items: str) -> int:
        who.require("edit_invoices")
        day = sent.legacy_day("datecreated")
        if day is None:
            raise refused("wants_value", field="datecreated")
        lines = tuple(self._legacy_line(line) for line in sent.lines(items, "lineitem"))
        values: dict[str, object] = {
            "docnumber": sent.text("ponumber"),
            "description": sent.text("description"),
            "termname": sent.text("termname"),
            "whendue": sent.legacy_day("datedue"),
            "_of": sent.text("invoiceno") if kind is Type.ADJUSTMENT else None,
            **(self._custom_legacy("ARINVOICE", sent) if kind is Type.INVOICE else {}),
        }
        new = NewDocument(
            kind,
            sent.needed("customerid"),
            sent.text(number) or "",
            day,
            sent.text("currency") or self.ledger_base(who),
            lines,
            who.entity,
            state="D" if sent.is_draft("action") else "A",
            values=values,
        )
        key = add_document(self, new, who)
        if not sent.text(number):
            self.change("record", key, {"recordid": f"{'INV' if kind is Type.INVOICE else 'ADJ'}{key}"})
        self.commit(f"{'invoice' if kind is Type.INVOICE else 'adjustment'}_added {key}", "record", key)
        return key

    def _legacy_line(self, line: Sent) -> NewLine:
        line.require_order(_LEGACY_LINE)
        amount = line.money("amount")
        if amount is None:
            raise refused("wants_value", field="amount")
        account = line.text("glaccountno") or self.account_of_label(line.text("accountlabel")) or ""
        where = (line.text("locationid"), line.text("departmentid"))
        return NewLine(
            account, amount, line.text("memo") or "", *where, custom=self._custom_legacy("ARINVOICEITEM", line)
        )

    def _custom_legacy(self, object_name: str, sent: Sent) -> dict[str, object]:
        fields, values = self.catalogue.custom(object_name), dict[str, object]()
        for one in sent.lines("customfields", "customfield"):
            name = one.needed("customfieldname")
            if name not in fields:
                raise refused("no_such_field", field=name, what=object_name)
            values[name] = stored(fields[name].kind, one.text("customfieldvalue"), name)
        return values

    def _legacy_update_invoice(self, sent: Sent, who: Who) -> int:
        """Custom fields of the header and of lines, and texts; amounts and accounts are not played."""
        who.require("edit_invoices")
        row = self.visible(sent.key_attribute, who, Type.INVOICE, what="invoice")
        values: dict[str, object] = self._custom_legacy("ARINVOICE", sent)
        for name, column in (("ponumber", "docnumber"), ("description", "description")):
            if sent.has(name):
                values[column] = sent.text(name)
        played = {"ponumber", "description", "customfields", "updateinvoiceitems"}
        if any(child.name not in played for child in sent):
            raise refused("not_played", what="update_invoice of anything but texts and custom fields")
        self.change("record", row["recordno"], values)
        for line in sent.lines("updateinvoiceitems", "updatelineitem"):
            self._legacy_update_line(row, line)
        self.stamp("record", row["recordno"], who)
        self.commit(f"invoice_saved {row['recordno']} {row['recordid']}")
        return int(row["recordno"])

    def _legacy_update_line(self, invoice: Row, line: Sent) -> None:
        number = line.element.get("line_num") or ""
        sql = "SELECT recordno FROM entry WHERE recordkey = ? AND line_no = ?"
        found = self.row(sql, invoice["recordno"], number)
        if found is None:
            raise refused("no_such_line", key=invoice["recordno"], line=number)
        values = self._custom_legacy("ARINVOICEITEM", line)
        if line.has("memo"):
            values["description"] = line.text("memo")
        self.change("entry", found["recordno"], values)

    def _reverse_invoice(self, sent: Sent, who: Who) -> int:
        who.require("edit_invoices")
        key = sent.key_attribute
        self.visible(key, who, Type.INVOICE, what="invoice")
        made = reverse_document(self, key, sent.needed_legacy_day("datereversed"), who, sent.text("description") or "")
        self.commit(f"invoice_reversed {key}", "record", made)
        return made

    def _reverse_payment(self, sent: Sent, who: Who) -> int:
        key = sent.key_attribute
        self.visible(key, who, Type.PAYMENT, Type.ADVANCE, what="payment")
        return reverse_payment(self, key, sent.needed_legacy_day("datereversed"), who, sent.text("description") or "")

    def _record_deposit(self, sent: Sent, who: Who) -> int:
        keys = sent.child("receiptkeys")
        receipts = [int(key.element.text or 0) for key in keys or ()]
        day = sent.needed_legacy_day("depositdate")
        values = {"description": sent.text("description")}
        return add_deposit(self, sent.needed("bankaccountid"), day, sent.needed("depositid"), receipts, who, values)

    def _record_other_receipt(self, sent: Sent, who: Who) -> int:
        sent.needed_legacy_day("paymentdate")
        lines = tuple(self._legacy_line(line) for line in sent.lines("receiptitems", "lineitem"))
        if self.entity_ids() and not who.entity and any(line.location is None for line in lines):
            raise refused("location", line=1, field="locationid")
        new = NewReceipt(
            sent.needed_legacy_day("receiveddate"),
            sent.text("currency") or self.ledger_base(who),
            lines,
            method=sent.needed("paymentmethod"),
            bank=sent.text("bankaccountid"),
            undeposited=sent.text("undepglaccountno"),
            entity=who.entity,
            values={
                "docnumber": sent.text("refid"),
                "description": sent.text("description"),
                "description2": sent.needed("payee"),
            },
        )
        return add_other_receipt(self, new, who)

    def _delete_other_receipt(self, sent: Sent, who: Who) -> int:
        key = sent.key_attribute
        self.visible(key, who, Type.OTHER_RECEIPT, what="other receipt")
        delete_other_receipt(self, key, who)
        return key
