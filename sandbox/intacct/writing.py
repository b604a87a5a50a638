"""What a client may write: generic create, update and delete, and the legacy functions, as the books' own words.

An element that a record doesn't have is refused. Legacy functions want their elements in the documented order
(developer.intacct.com). A record that belongs to an entity is changed in a session of that entity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lxml import etree

from sandbox.intacct import customobjects
from sandbox.intacct.applying import (
    NewPayment,
    add_payment,
    delete_draft,
    replace_details,
    require_draft,
    submit,
)
from sandbox.intacct.books import Books, Row, Who
from sandbox.intacct.cash import NewReceipt, add_advance, post_receipt
from sandbox.intacct.details import Credit, NewDetail
from sandbox.intacct.journals import NewJournal, add_journal, delete_journal
from sandbox.intacct.legacy import LegacyWriting
from sandbox.intacct.owned import OwnedLine, owned_lines
from sandbox.intacct.receivables import NewLine
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import Type
from sandbox.intacct.sent import Sent, stored
from sandbox.intacct.sent_lines import sent_detail, sent_journal_line

_HEADER = (
    "FINANCIALENTITY PAYMENTMETHOD CUSTOMERID PAYERNAME DOCNUMBER DESCRIPTION EXCH_RATE_TYPE_ID EXCHANGE_RATE"
    " EXCH_RATE_DATE RECEIPTDATE PAYMENTDATE WHENPAID CURRENCY BASECURR UNDEPOSITEDACCOUNTNO PRBATCH PRBATCHKEY ACTION"
    " BILLTOPAYTONAME SUPDOCID "
)
_PAYMENT = _HEADER + (
    "AMOUNTTOPAY AMOUNTOPAY TRX_AMOUNTTOPAY OVERPAYMENTAMOUNT OVERPAYMENTLOCATIONID OVERPAYMENTDEPARTMENTID"
    " ARPYMTDETAILS "
)
_LINE = "ACCOUNTNO ACCOUNTLABEL TRX_AMOUNT AMOUNT ENTRYDESCRIPTION LOCATIONID DEPARTMENTID PROJECTID CUSTOMERID ITEMID"
_GL_BATCH = (
    "JOURNAL BATCH_DATE REVERSEDATE BATCH_TITLE HISTORY_COMMENT REFERENCENO BASELOCATION_NO SUPDOCID STATE ENTRIES"
)


class Writing(LegacyWriting):
    """The books as a client writes in them. Refusal leaves it to the caller's `saving` to forget all of it."""

    def create(self, object_name: str, element: etree._Element, who: Who) -> int:
        """A new record; its key."""
        sent = Sent(element)
        makers: Mapping[str, Callable[[Sent, Who], int]] = {
            "ARPYMT": self._create_payment,
            "ARADVANCE": self._create_advance,
            "GLBATCH": self._create_journal,
        }
        kind = self.catalogue.object(object_name)
        if kind is None:
            raise refused("no_such_object", what=object_name)
        with self.saving():
            if kind.key == "id":
                return customobjects.create(self, kind, sent, who)
            if kind.name not in makers:
                raise refused("not_played", what=f"create {kind.name}")
            return makers[kind.name](sent, who)

    def update(self, object_name: str, element: etree._Element, who: Who) -> int:
        """Change a record; its key."""
        sent = Sent(element)
        changers: Mapping[str, Callable[[Sent, Who], int]] = {
            "ARPYMT": self._update_payment,
            "ARADVANCE": self._update_advance,
            "ARINVOICE": self._update_invoice,
            "ARINVOICEITEM": self._update_line,
            "CUSTOMER": self._update_customer,
        }
        kind = self.catalogue.object(object_name)
        if kind is None:
            raise refused("no_such_object", what=object_name)
        with self.saving():
            if kind.key == "id":
                return customobjects.update(self, kind, sent, who)
            if kind.name not in changers:
                raise refused("not_played", what=f"update {kind.name}")
            return changers[kind.name](sent, who)

    def delete(self, object_name: str, keys: Iterable[object], who: Who) -> None:
        kind = self.catalogue.object(object_name)
        if kind is None:
            raise refused("no_such_object", what=object_name)
        with self.saving():
            for key in keys:
                number = int(str(key)) if str(key).isdecimal() else 0
                if kind.key == "id":
                    customobjects.delete(self, kind, number, who)
                elif kind.name == "ARPYMT":
                    self.visible(number, who, Type.PAYMENT, what="payment")
                    delete_draft(self, number, who)
                elif kind.name == "GLBATCH":
                    delete_journal(self, number, who)
                else:
                    raise refused("not_played", what=f"delete {kind.name}")

    def read_lines(self, object_name: str, key: int) -> list[OwnedLine]:
        """The lines that a record owns, as `read` shows them: collection, tag, and texts by field name."""
        return owned_lines(self, object_name, key)

    # ---- payments and advances ----

    def _create_payment(self, sent: Sent, who: Who) -> int:
        custom = self._custom("ARPYMT", sent, _PAYMENT)
        action = sent.is_draft()
        header = self._header(sent, who)
        new = NewPayment(
            sent.text("CUSTOMERID") or "",
            sent.needed_day("RECEIPTDATE"),
            sent.needed("CURRENCY"),
            tuple(sent_detail(line) for line in sent.lines("ARPYMTDETAILS", "ARPYMTDETAIL")),
            sent.needed("PAYMENTMETHOD"),
            sent.text("PAYERNAME") or "",
            sent.text("FINANCIALENTITY"),
            sent.text("UNDEPOSITEDACCOUNTNO"),
            sent.money("OVERPAYMENTAMOUNT") or 0,
            action,
            who.entity,
            sent.rate(),
            sent.text("OVERPAYMENTLOCATIONID"),
            header | custom,
        )
        return add_payment(self, new, who)

    def _update_payment(self, sent: Sent, who: Who) -> int:
        """Header fields that are named, details as a whole; `Submit` posts it. What it selected is checked anew."""
        who.require("create_payments")
        key = sent.key("RECORDNO")
        payment = self.visible(key or 0, who, Type.PAYMENT, what="payment")
        require_draft(self, payment["recordno"])
        custom = self._custom("ARPYMT", sent, _PAYMENT + "RECORDNO")
        is_draft = sent.is_draft() or not sent.has("ACTION")
        values = self._changed_header(sent, payment, who) | custom
        kept = _details_of(self, payment["recordno"])
        self.change("record", payment["recordno"], values)
        has_new = sent.has("ARPYMTDETAILS")
        sent_details = tuple(sent_detail(line) for line in sent.lines("ARPYMTDETAILS", "ARPYMTDETAIL"))
        replace_details(
            self, payment["recordno"], sent_details if has_new else kept, sent.money("OVERPAYMENTAMOUNT"), who
        )
        self.stamp("record", payment["recordno"], who)
        self.commit(f"payment_saved {key}")
        if not is_draft:
            submit(self, payment["recordno"], who)
        return int(payment["recordno"])

    def _create_advance(self, sent: Sent, who: Who) -> int:
        custom = self._custom("ARADVANCE", sent, _HEADER + "ARADVANCEITEMS")
        new = NewReceipt(
            sent.needed_day("RECEIPTDATE"),
            sent.text("CURRENCY") or self.ledger_base(who),
            tuple(self._line(line, who) for line in sent.lines("ARADVANCEITEMS", "ARADVANCEITEM")),
            sent.needed("CUSTOMERID"),
            sent.needed("PAYMENTMETHOD"),
            sent.text("FINANCIALENTITY"),
            sent.text("UNDEPOSITEDACCOUNTNO"),
            who.entity,
            sent.rate(),
            sent.is_draft(),
            self._header(sent, who) | custom,
        )
        sent.needed_day("PAYMENTDATE")
        return add_advance(self, new, who)

    def _update_advance(self, sent: Sent, who: Who) -> int:
        """Texts and custom fields; `Submit` posts a draft. Lines are not played."""
        who.require("create_advances")
        row = self.visible(sent.key("RECORDNO") or 0, who, Type.ADVANCE, what="advance")
        custom = self._custom("ARADVANCE", sent, "RECORDNO DOCNUMBER DESCRIPTION ACTION")
        values = {name.lower(): sent.text(name) for name in ("DOCNUMBER", "DESCRIPTION") if sent.has(name)}
        self.change("record", row["recordno"], {**values, **custom})
        if sent.text("ACTION") == "Submit" and row["state"] == "D":
            self.periods.require_open(row["receiptdate"], row["entity"])
            self.change("record", row["recordno"], {"state": "C", "whenpaid": row["receiptdate"]})
            number = self.ledger.number(row["financialentity"] or "") or row["undepositedaccountno"]
            post_receipt(self, row["recordno"], number)
        self.stamp("record", row["recordno"], who)
        self.commit(f"advance_saved {row['recordno']}")
        return int(row["recordno"])

    def _header(self, sent: Sent, who: Who) -> dict[str, object]:
        if sent.has("PRBATCH") or sent.has("PRBATCHKEY"):
            raise refused("summaries", field="PRBATCH")
        values: dict[str, object] = {
            "docnumber": sent.text("DOCNUMBER"),
            "description": sent.text("DESCRIPTION"),
        }
        paid_on = sent.day("PAYMENTDATE")
        if paid_on:
            values["paymentdate"] = paid_on
        return values

    def _changed_header(self, sent: Sent, payment: Row, who: Who) -> dict[str, object]:
        values: dict[str, object] = {
            column: sent.text(name) for name, column in _HEADER_TEXTS.items() if sent.has(name)
        }
        values |= {column: sent.day(name) for name, column in _HEADER_DAYS.items() if sent.has(name)}
        if "receiptdate" in values:
            values["whencreated"] = values["receiptdate"]
        if sent.has("FINANCIALENTITY") != sent.has("UNDEPOSITEDACCOUNTNO"):
            other = "undepositedaccountno" if sent.has("FINANCIALENTITY") else "financialentity"
            values[other] = None
        after = {**{name: payment[name] for name in payment.keys()}, **values}  # noqa: SIM118
        self.ledger.cash(after["financialentity"], after["undepositedaccountno"], after["currency"], who.entity)
        return values

    def _line(self, line: Sent, who: Who) -> NewLine:
        line.require_known(_LINE)
        account = line.text("ACCOUNTNO") or (self.account_of_label(line.text("ACCOUNTLABEL")) or "")
        amount = line.money("TRX_AMOUNT")
        if amount is None:
            raise refused("wants_value", field="TRX_AMOUNT")
        location = line.text("LOCATIONID") or who.entity or None
        if location is None and self.entity_ids():
            raise refused("location", line=1, field="LOCATIONID")
        return NewLine(account, amount, line.text("ENTRYDESCRIPTION") or "", location, line.text("DEPARTMENTID"))

    # ---- custom fields of standard objects ----

    def _custom(self, object_name: str, sent: Sent, known: str) -> dict[str, object]:
        """The values of custom fields that were sent; an element that is neither known nor one of those is refused."""
        fields = self.catalogue.custom(object_name)
        sent.require_known(known, *fields)
        return {name: stored(own.kind, sent.text(name), name) for name, own in fields.items() if sent.has(name)}

    def _update_invoice(self, sent: Sent, who: Who) -> int:
        who.require("edit_invoices")
        row = self.visible(sent.key("RECORDNO") or 0, who, Type.INVOICE, what="invoice")
        values = self._custom("ARINVOICE", sent, "RECORDNO")
        closed = {"P": self.guesses.paid_invoices_take_fields, "V": self.guesses.reversed_invoices_take_fields}
        if row["state"] == "R" or not closed.get(row["state"], True):
            raise refused("not_open", key=row["recordno"], state=row["state"])
        self.change("record", row["recordno"], values)
        self.stamp("record", row["recordno"], who)
        self.commit(f"invoice_saved {row['recordno']} {row['recordid']}")
        return int(row["recordno"])

    def _update_line(self, sent: Sent, who: Who) -> int:
        who.require("edit_invoices")
        line = self.row("SELECT * FROM entry WHERE recordno = ?", sent.key("RECORDNO"))
        if line is None:
            raise refused("absent", what="invoice line", key=sent.text("RECORDNO"))
        self.visible(line["recordkey"], who, Type.INVOICE, what="invoice")
        self.change("entry", line["recordno"], self._custom("ARINVOICEITEM", sent, "RECORDNO"))
        self.stamp("entry", line["recordno"], who)
        self.stamp("record", line["recordkey"], who)
        self.commit(f"invoice_saved {line['recordkey']}")
        return int(line["recordno"])

    def _update_customer(self, sent: Sent, who: Who) -> int:
        row = self.row(
            "SELECT * FROM customer WHERE recordno = ? OR customerid = ?", sent.key("RECORDNO"), sent.text("CUSTOMERID")
        )
        if row is None:
            raise refused("absent", what="customer", key=sent.text("CUSTOMERID") or sent.text("RECORDNO"))
        self.change("customer", row["recordno"], self._custom("CUSTOMER", sent, "RECORDNO CUSTOMERID"))
        self.stamp("customer", row["recordno"], who)
        self.commit(f"customer_saved {row['customerid']}")
        return int(row["recordno"])

    # ---- journals ----

    def _create_journal(self, sent: Sent, who: Who) -> int:
        sent.require_known(_GL_BATCH)
        if sent.text("STATE") not in (None, "Posted"):
            raise refused("not_played", what="journal entries that are no postings yet")
        lines = sent.lines("ENTRIES", "GLENTRY")
        currencies = {line.text("CURRENCY") or self.ledger_base(who) for line in lines}
        if len(currencies) > 1:
            raise refused("not_played", what="journal entries of several currencies")
        new = NewJournal(
            sent.needed_day("BATCH_DATE"),
            sent.needed("BATCH_TITLE"),
            next(iter(currencies), self.ledger_base(who)),
            tuple(sent_journal_line(line, number) for number, line in enumerate(lines, start=1)),
            sent.needed("JOURNAL"),
            sent.text("REFERENCENO") or "",
            who.entity,
        )
        return add_journal(self, new, who)


_HEADER_TEXTS = {
    "FINANCIALENTITY": "financialentity",
    "UNDEPOSITEDACCOUNTNO": "undepositedaccountno",
    "PAYMENTMETHOD": "paymentmethod",
    "CUSTOMERID": "customerid",
    "PAYERNAME": "payername",
    "DOCNUMBER": "docnumber",
    "DESCRIPTION": "description",
    "CURRENCY": "currency",
}
_HEADER_DAYS = {"RECEIPTDATE": "receiptdate", "PAYMENTDATE": "paymentdate"}


def _details_of(books: Books, key: int) -> tuple[NewDetail, ...]:
    """What a draft names now, to be checked anew."""
    details = []
    for row in books.rows("SELECT * FROM detail WHERE paymentkey = ? ORDER BY recordno", key):
        target = books.record(row["targetkey"])
        credit = None
        if row["creditkey"] is not None:
            kind = Type(books.record(row["creditkey"])["recordtype"])
            credit = Credit(kind, row["creditkey"], row["credit"], row["creditentry"])
        is_memo = target["recordtype"] == Type.ADJUSTMENT
        amounts = (row["cash"], credit, row["discount"])
        details.append(NewDetail(row["targetkey"], row["targetentry"], is_memo, *amounts))
    return tuple(details)
