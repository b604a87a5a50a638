"""Records as SOAP shows them: the books' rows as elements, in the order that the vendor's schema has them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from lxml import etree

from sandbox.netsuite.amounts import fixed, shortest
from sandbox.netsuite.answers import APPLIED, DEPOSITED, SIGNS, STATUS_WORDS, TYPE_WORDS
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.catalogue import CustomField, Kind
from sandbox.netsuite.contract import XSI_TYPE, Contract
from sandbox.netsuite.settling import Part, Standing, standing
from sandbox.netsuite.writing import Place

# Record kind -> the prefix and name of its xsi:type.
TYPES = {
    "invoice": ("tranSales", "Invoice"),
    "customerPayment": ("tranCust", "CustomerPayment"),
    "creditMemo": ("tranCust", "CreditMemo"),
    "customer": ("listRel", "Customer"),
    "customRecord": ("setupCustom", "CustomRecord"),
    "customerRefund": ("tranCust", "CustomerRefund"),
    "deposit": ("tranBank", "Deposit"),
    "journalEntry": ("tranGeneral", "JournalEntry"),
}


_CUSTOM_TYPES = {Kind.FLAG: "Boolean", Kind.KEY: "Select", Kind.DATE: "Date", Kind.MONEY: "Double"}


class _Fields:
    """Appends child elements of one record; None leaves a field out."""

    def __init__(self, element: etree._Element, contract: Contract, prefix: str, zone: str) -> None:
        self.element = element
        self.contract = contract
        self.prefix = prefix
        self.zone = zone

    def add(self, name: str, value: object) -> None:
        if value is not None:
            text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
            etree.SubElement(self.element, self.contract.name(self.prefix, name)).text = text

    def moment(self, name: str, stored: str | None) -> None:
        if stored is not None:
            self.add(name, self.instant(stored))

    def instant(self, stored: str) -> str:
        aware = datetime.fromisoformat(stored).replace(tzinfo=ZoneInfo(self.zone))
        return aware.isoformat(timespec="milliseconds")

    def reference(self, name: str, key: object, shown: str | None = None) -> None:
        if key is not None:
            child = etree.SubElement(self.element, self.contract.name(self.prefix, name), internalId=str(key))
            if shown:
                etree.SubElement(child, self.contract.name("platformCore", "name")).text = shown

    def nested(self, name: str) -> _Fields:
        child = etree.SubElement(self.element, self.contract.name(self.prefix, name))
        return _Fields(child, self.contract, self.prefix, self.zone)

    def custom(self, row: Row, fields: list[CustomField]) -> None:
        """The customFieldList, with the fields that have a value; a checkbox always has one."""
        present = [field for field in fields if row[field.script_id] is not None or field.kind is Kind.FLAG]
        if not present:
            return
        container = self.nested("customFieldList").element
        core = self.contract.name
        for field in present:
            kind = _CUSTOM_TYPES.get(field.kind, "String")
            identity = {"internalId": str(field.id), "scriptId": field.script_id}
            child = etree.SubElement(container, core("platformCore", "customField"), identity)
            child.set(XSI_TYPE, f"platformCore:{kind}CustomFieldRef")
            value = etree.SubElement(child, core("platformCore", "value"))
            if field.kind is Kind.KEY:
                value.set("internalId", str(row[field.script_id]))
            elif field.kind is Kind.FLAG:
                value.text = "true" if row[field.script_id] == "T" else "false"
            elif field.kind is Kind.DATE:
                value.text = self.instant(row[field.script_id])
            elif field.kind is Kind.MONEY:
                value.text = shortest(row[field.script_id])
            else:
                value.text = str(row[field.script_id])


class Reader:
    def __init__(self, books: Books, contract: Contract) -> None:
        self.books = books
        self.contract = contract

    def fill(self, parent: etree._Element, tag: str, place: Place, *, body_only: bool = False) -> None:
        """Append the record; with `body_only` without its lists and balances, as a search by default gives it."""
        row = self.books.rows(f'SELECT * FROM "{place.table}" WHERE id = ?', place.row_id)[0]
        prefix, name = TYPES[place.kind]
        element = etree.SubElement(parent, tag, internalId=str(place.row_id))
        element.set(XSI_TYPE, f"{prefix}:{name}")
        if place.external_id:
            element.set("externalId", place.external_id)
        fields = _Fields(element, self.contract, prefix, self.books.guesses.zone)
        match place.kind:
            case "invoice":
                self._invoice(fields, row, body_only)
            case "customerPayment":
                self._payment(fields, row, body_only)
            case "creditMemo":
                self._credit_memo(fields, row, body_only)
            case "customerRefund":
                self._refund(fields, row)
            case "deposit":
                self._deposit(fields, row, body_only)
            case "journalEntry":
                self._journal(fields, row, body_only)
            case "customer":
                self._customer(fields, row)
            case _:
                self._custom_record(fields, row, place)

    def _custom_fields(self, table: str, record: str) -> list[CustomField]:
        known = self.books.catalogue.fields.values()
        return [field for field in known if field.table == table and record in field.records]

    def _name(self, table: str, key: object, column: str = "name") -> str | None:
        row = self.books.row(f'SELECT "{column}" AS shown FROM "{table}" WHERE id = ?', key)
        return row["shown"] if row else None

    def _head(self, fields: _Fields, row: Row) -> None:
        fields.moment("createdDate", row["createddate"])
        fields.moment("lastModifiedDate", row["lastmodifieddate"])

    def _subsidiary(self, fields: _Fields, key: object) -> None:
        if self.books.catalogue.one_world:
            fields.reference("subsidiary", key, self._name("subsidiary", key))

    def _account(self, fields: _Fields, name: str, key: object) -> None:
        fields.reference(name, key, self._name("account", key, "accountsearchdisplayname"))

    def _lines(self, row: Row) -> list[Row]:
        return self.books.rows('SELECT * FROM transactionline WHERE "transaction" = ? ORDER BY id', row["id"])

    def _status(self, row: Row) -> str:
        return STATUS_WORDS[row["type"], row["status"]]

    def _invoice(self, fields: _Fields, row: Row, body_only: bool) -> None:
        symbol = self.books.symbol(row["currency"])
        lines = self.books.rows(
            "SELECT * FROM transactionline WHERE \"transaction\" = ? AND mainline = 'F' ORDER BY id", row["id"]
        )
        sign = SIGNS["CustInvc"].other
        self._head(fields, row)
        fields.reference("entity", row["entity"], self._name("customer", row["entity"], "entityid"))
        fields.moment("tranDate", row["trandate"])
        fields.add("tranId", row["tranid"])
        fields.reference("postingPeriod", row["postingperiod"])
        fields.reference("terms", row["terms"], self._name("term", row["terms"]))
        self._subsidiary(fields, row["_subsidiary"])
        fields.reference("currency", row["currency"], self._name("currency", row["currency"]))
        fields.moment("dueDate", row["duedate"])
        fields.moment("discountDate", row["discountdate"])
        if row["discountamount"] is not None:
            fields.add("discountAmount", fixed(row["discountamount"], symbol))
        fields.add("otherRefNum", row["otherrefnum"])
        fields.add("memo", row["memo"])
        if not body_only:
            fields.add("amountPaid", fixed(row["foreignamountpaid"], symbol))
            fields.add("amountRemaining", fixed(row["foreignamountunpaid"], symbol))
        self._account(fields, "account", row["_receivable"])
        fields.add("exchangeRate", row["exchangerate"])
        fields.add("currencyName", self._name("currency", row["currency"]))
        tax = sum(sign * line["foreignamount"] for line in lines if line["taxline"] == "T")
        fields.add("taxTotal", fixed(tax, symbol))
        fields.add("total", fixed(row["foreigntotal"], symbol))
        fields.add("status", self._status(row))
        fields.add("email", self._name("customer", row["entity"], "email"))
        if not body_only:
            items = fields.nested("itemList")
            for line in (line for line in lines if line["taxline"] == "F"):
                item = items.nested("item")
                item.add("line", line["id"])
                item.add("description", line["memo"])
                item.add("amount", fixed(sign * line["foreignamount"], symbol))
                item.add("quantity", 1)
                item.custom(line, self._custom_fields("transactionline", "invoice"))
        fields.reference("approvalStatus", row["approvalstatus"])
        fields.custom(row, self._custom_fields("transaction", "invoice"))

    def _payment(self, fields: _Fields, row: Row, body_only: bool) -> None:
        symbol = self.books.symbol(row["currency"])
        self._head(fields, row)
        self._account(fields, "arAcct", row["_receivable"])
        fields.reference("customer", row["entity"], self._name("customer", row["entity"], "entityid"))
        fields.reference("currency", row["currency"], self._name("currency", row["currency"]))
        fields.add("payment", fixed(row["foreigntotal"], symbol))
        fields.add("autoApply", False)
        fields.moment("tranDate", row["trandate"])
        fields.add("tranId", row["tranid"])
        fields.reference("postingPeriod", row["postingperiod"])
        fields.add("memo", row["memo"])
        fields.add("checkNum", row["otherrefnum"])
        fields.add("currencyName", self._name("currency", row["currency"]))
        fields.add("exchangeRate", row["exchangerate"])
        fields.add("undepFunds", row["_undeposited"] == "T")
        if row["_undeposited"] != "T":
            self._account(fields, "account", row["_account"])
        now = standing(self.books, row["id"])
        used = sum(now.credits.values())
        fields.add("total", fixed(row["foreigntotal"] + used, symbol))
        self._subsidiary(fields, row["_subsidiary"])
        if not body_only:
            fields.add("applied", fixed(row["foreignpaymentamountused"] + used, symbol))
            fields.add("unapplied", fixed(row["foreignpaymentamountunused"], symbol))
        fields.add("status", self._status(row))
        if not body_only:
            self._pays(fields, row, now, symbol)
            self._credited(fields, row, now, symbol)
        fields.custom(row, self._custom_fields("transaction", "customerPayment"))

    def _pays(self, fields: _Fields, payment: Row, now: Standing, symbol: str) -> None:
        """The invoices that a payment is applied to, each with the credits in it (K)."""
        container, own = fields.nested("applyList"), now.own()
        for doc, part in sorted(now.parts.items()):
            settled = part.amount if self.books.guesses.apply_lines_show_credits else own.get(doc, (0, 0))[0]
            if settled or part.discount:
                self._pay_line(container, self.books.transaction(doc), symbol, Part(settled, part.discount), part)
        for document in (*self._open(payment, "CustInvc", set(now.parts)), *self._journals(payment, set(now.parts))):
            self._pay_line(container, document, symbol)

    def _pay_line(
        self, container: _Fields, invoice: Row, symbol: str, shown: Part | None = None, part: Part | None = None
    ) -> None:
        """`shown` is what the line tells of `part`; without both it could be applied and is not."""
        debit = self.books.receivable_debit(invoice["id"]) if invoice["type"] == "Journal" else None
        place = debit["id"] if debit else 0
        line = self._list_line(container.nested("apply"), invoice, "applyDate", place=place, applied=shown is not None)
        line.add("total", fixed(debit["foreignamount"] if debit else invoice["foreigntotal"], symbol))
        settled = part.amount + part.discount if part else 0
        line.add("due", fixed(self.books.owed(invoice) + settled, symbol))
        line.add("currency", self._name("currency", invoice["currency"]))
        line.moment("discDate", invoice["discountdate"])
        if invoice["discountamount"] is not None:
            line.add("discAmt", fixed(invoice["discountamount"], symbol))
        if shown and shown.discount:
            line.add("disc", fixed(shown.discount, symbol))
        if shown:
            line.add("amount", fixed(shown.amount, symbol))

    def _credited(self, fields: _Fields, payment: Row, now: Standing, symbol: str) -> None:
        """The credit memos used with a payment; `appliedTo` names the invoices (K)."""
        container = fields.nested("creditList")
        for doc, amount in sorted(now.credits.items()):
            settled = [self.books.transaction(other)["tranid"] for credit, other in sorted(now.shares) if credit == doc]
            self._credit_line(container, self.books.transaction(doc), symbol, amount, ", ".join(settled))
        for memo in self._open(payment, "CustCred", set(now.credits)):
            self._credit_line(container, memo, symbol)

    def _credit_line(self, container: _Fields, memo: Row, symbol: str, amount: int = 0, applied_to: str = "") -> None:
        line = self._list_line(container.nested("credit"), memo, "creditDate", applied=bool(amount))
        line.add("appliedTo", applied_to or None)
        line.add("total", fixed(abs(memo["foreigntotal"]), symbol))
        line.add("due", fixed(memo["foreignpaymentamountunused"] + amount, symbol))
        line.add("currency", self._name("currency", memo["currency"]))
        line.add("amount", fixed(amount, symbol) if amount else None)

    def _open(self, payment: Row, kind: str, listed: set[int]) -> list[Row]:
        """What of this kind could be applied too, where the account's lists show that."""
        if not self.books.guesses.lists_show_what_is_open or payment["voided"] == "T":
            return []
        left = "foreignamountunpaid" if kind == "CustInvc" else "foreignpaymentamountunused"
        sql = f"""SELECT * FROM "transaction" WHERE type = ? AND entity = ? AND currency = ? AND _subsidiary = ?
                  AND _receivable = ? AND posting = 'T' AND voided = 'F' AND {left} > 0 ORDER BY id"""
        kin = (payment[name] for name in ("entity", "currency", "_subsidiary", "_receivable"))
        return [row for row in self.books.rows(sql, kind, *kin) if row["id"] not in listed]

    def _journals(self, payment: Row, listed: set[int]) -> list[Row]:
        """As `_open`: journals that raised what the customer of a payment owes."""
        if not self.books.guesses.lists_show_what_is_open or payment["voided"] == "T":
            return []
        sql = """SELECT t.* FROM "transaction" t JOIN transactionline l ON l."transaction" = t.id
                 WHERE t.type = 'Journal' AND l.foreignamountunpaid > 0 AND l.entity = ? AND l._account = ?
                     AND t.currency = ? AND t._subsidiary = ? AND t.voided = 'F' ORDER BY t.id"""
        kin = (payment[name] for name in ("entity", "_receivable", "currency", "_subsidiary"))
        found = {row["id"]: row for row in self.books.rows(sql, *kin) if self.books.receivable_debit(row["id"])}
        return [row for doc, row in found.items() if doc not in listed]

    @staticmethod
    def _list_line(
        line: _Fields, document: Row, day: str, *, numbered: bool = True, applied: bool = True, place: int = 0
    ) -> _Fields:
        """What the lines of all such lists begin with."""
        line.add("apply", applied)
        line.add("doc", document["id"])
        if numbered:
            line.add("line", place)
        line.moment(day, document["trandate"])
        line.add("type", TYPE_WORDS[document["type"]])
        line.add("refNum", document["tranid"])
        return line

    def _applied(self, fields: _Fields, row: Row, symbol: str) -> None:
        """What a credit memo is applied to, or what a refund pays back."""
        sql = """SELECT SUM(l.foreignamount) AS applied, t.* FROM nexttransactionlinelink l
                 JOIN "transaction" t ON t.id = l.previousdoc WHERE l.nextdoc = ? AND l.linktype = ?
                 GROUP BY t.id ORDER BY t.id"""
        container = fields.nested("applyList")
        for other in self.books.rows(sql, row["id"], APPLIED):
            left = other["foreignamountunpaid" if other["type"] == "CustInvc" else "foreignpaymentamountunused"]
            line = self._list_line(container.nested("apply"), other, "applyDate", numbered=row["type"] != "CustCred")
            line.add("total", fixed(other["foreigntotal"], symbol))
            line.add("due", fixed(left + other["applied"], symbol))
            line.add("currency", self._name("currency", other["currency"]))
            line.add("amount", fixed(other["applied"], symbol))
            if row["type"] == "CustCred":
                line.add("line", 0)  # the vendor's schema has it last here

    def _credit_memo(self, fields: _Fields, row: Row, body_only: bool) -> None:
        symbol = self.books.symbol(row["currency"])
        main = self.books.rows(
            "SELECT createdfrom FROM transactionline WHERE \"transaction\" = ? AND mainline = 'T'", row["id"]
        )[0]
        self._head(fields, row)
        fields.reference("currency", row["currency"], self._name("currency", row["currency"]))
        fields.reference("entity", row["entity"], self._name("customer", row["entity"], "entityid"))
        fields.moment("tranDate", row["trandate"])
        fields.add("tranId", row["tranid"])
        fields.reference("createdFrom", main["createdfrom"])
        fields.reference("postingPeriod", row["postingperiod"])
        self._subsidiary(fields, row["_subsidiary"])
        fields.add("memo", row["memo"])
        self._account(fields, "account", row["_receivable"])
        fields.add("exchangeRate", row["exchangerate"])
        fields.add("currencyName", self._name("currency", row["currency"]))
        fields.add("unapplied", fixed(row["foreignpaymentamountunused"], symbol))
        fields.add("applied", fixed(row["foreignpaymentamountused"], symbol))
        fields.add("total", fixed(abs(row["foreigntotal"]), symbol))
        fields.add("status", self._status(row))
        if not body_only:
            self._applied(fields, row, symbol)

    def _refund(self, fields: _Fields, row: Row) -> None:
        symbol = self.books.symbol(row["currency"])
        self._head(fields, row)
        fields.add("status", self._status(row))
        fields.reference("customer", row["entity"], self._name("customer", row["entity"], "entityid"))
        self._account(fields, "arAcct", row["_receivable"])
        fields.add("currencyName", self._name("currency", row["currency"]))
        fields.add("exchangeRate", row["exchangerate"])
        fields.add("total", fixed(abs(row["foreigntotal"]), symbol))
        fields.reference("currency", row["currency"], self._name("currency", row["currency"]))
        fields.moment("tranDate", row["trandate"])
        fields.reference("postingPeriod", row["postingperiod"])
        fields.add("memo", row["memo"])
        self._account(fields, "account", row["_account"])
        fields.add("tranId", row["tranid"])
        self._subsidiary(fields, row["_subsidiary"])
        self._applied(fields, row, symbol)

    def _deposit(self, fields: _Fields, row: Row, body_only: bool) -> None:
        symbol = self.books.symbol(row["currency"])
        self._head(fields, row)
        fields.add("currencyName", self._name("currency", row["currency"]))
        fields.add("tranId", row["tranid"])
        self._account(fields, "account", row["_account"])
        fields.add("total", fixed(row["foreigntotal"], symbol))
        fields.add("exchangeRate", row["exchangerate"])
        fields.moment("tranDate", row["trandate"])
        fields.reference("postingPeriod", row["postingperiod"])
        fields.add("memo", row["memo"])
        self._subsidiary(fields, row["_subsidiary"])
        if body_only:
            return
        self._deposited(fields, row, symbol)
        others = [line for line in self._lines(row) if line["id"] and line["createdfrom"] is None]
        container = fields.nested("otherList")
        for line in others:
            other = container.nested("depositOther")
            other.reference("entity", line["entity"])
            other.add("amount", fixed(-line["foreignamount"], symbol))
            self._account(other, "account", line["_account"])
            other.add("memo", line["memo"])

    def _deposited(self, fields: _Fields, row: Row, symbol: str) -> None:
        """The payments in the deposit. A real account may also list those that could be added (K): not played."""
        sql = """SELECT t.* FROM nexttransactionlinelink l JOIN "transaction" t ON t.id = l.previousdoc
                 WHERE l.nextdoc = ? AND l.linktype = ? ORDER BY t.id"""
        container = fields.nested("paymentList")
        for payment in self.books.rows(sql, row["id"], DEPOSITED):
            line = container.nested("depositPayment")
            line.add("deposit", True)
            line.add("id", payment["id"])
            line.moment("docDate", payment["trandate"])
            line.add("type", TYPE_WORDS[payment["type"]])
            line.add("docNumber", payment["tranid"])
            line.add("memo", payment["memo"])
            line.reference("entity", payment["entity"], self._name("customer", payment["entity"], "entityid"))
            line.reference("currency", payment["currency"], self._name("currency", payment["currency"]))
            line.add("transactionAmount", fixed(payment["_amount"], symbol))
            line.add("paymentAmount", fixed(payment["_amount"], symbol))

    def _journal(self, fields: _Fields, row: Row, body_only: bool) -> None:
        symbol = self.books.symbol(row["currency"])
        fields.reference("postingPeriod", row["postingperiod"])
        fields.moment("tranDate", row["trandate"])
        fields.reference("currency", row["currency"], self._name("currency", row["currency"]))
        fields.add("exchangeRate", row["exchangerate"])
        fields.add("tranId", row["tranid"])
        self._subsidiary(fields, row["_subsidiary"])
        fields.add("memo", row["memo"])
        fields.add("approved", True)
        self._head(fields, row)
        if body_only:
            return
        container = fields.nested("lineList")
        for posted in self._lines(row):
            line = container.nested("line")
            self._account(line, "account", posted["_account"])
            line.add("line", posted["id"])
            amount = posted["foreignamount"]
            line.add("debit" if amount >= 0 else "credit", fixed(abs(amount), symbol))
            line.add("memo", posted["memo"])
            line.reference("entity", posted["entity"])

    def _customer(self, fields: _Fields, row: Row) -> None:
        fields.add("entityId", row["entityid"])
        fields.add("altName", row["altname"])
        fields.add("isPerson", row["isperson"] == "T")
        fields.add("companyName", row["companyname"])
        fields.reference("parent", row["parent"])
        fields.add("email", row["email"])
        fields.add("isInactive", row["isinactive"] == "T")
        fields.moment("dateCreated", row["datecreated"])
        self._subsidiary(fields, row["subsidiary"])
        fields.reference("terms", row["terms"], self._name("term", row["terms"]))
        fields.reference("currency", row["currency"], self._name("currency", row["currency"]))
        fields.moment("lastModifiedDate", row["lastmodifieddate"])
        fields.custom(row, self._custom_fields("customer", "customer"))

    def _custom_record(self, fields: _Fields, row: Row, place: Place) -> None:
        fields.add("isInactive", row["isinactive"] == "T")
        fields.moment("created", row["created"])
        fields.moment("lastModified", row["lastmodified"])
        fields.add("name", row["name"])
        fields.reference("recType", place.type_id)
        fields.custom(row, self._custom_fields(place.table, place.table))
