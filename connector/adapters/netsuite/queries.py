"""The SuiteQL that the connector asks. Oracle syntax throughout, as NetSuite's help advises (section_156257799794).

Every instant and day goes through TO_CHAR or TO_DATE, since plain dates follow the user's own format. Columns that are
custom fields come back under fixed names. Meanings of the amount columns: transaction.foreignamountunpaid is what an
invoice still owes and foreignpaymentamountunused what a payment or memo has left, both in its own currency.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.netsuite.settings import NetSuiteMapping

DAY = "YYYY-MM-DD"
INSTANT = "YYYY-MM-DD HH24:MI:SS"
OPEN_INVOICE = "t.type = 'CustInvc' AND t.posting = 'T' AND t.voided = 'F' AND t.foreignamountunpaid > 0"
ANY_INVOICE = "t.type = 'CustInvc' AND t.posting = 'T'"
# A customer deposit is money of the customer that is applied to nothing yet, as an unapplied payment is (RULES 4.3).
ANY_CREDIT = "t.type IN ('CustCred', 'CustPymt', 'CustDep') AND t.posting = 'T'"
OPEN_CREDIT = f"{ANY_CREDIT} AND t.voided = 'F' AND t.foreignpaymentamountunused > 0"
MODIFIED = f"t.lastmodifieddate >= TO_DATE(?, '{INSTANT}')"
CUSTOMER_MODIFIED = f"c.lastmodifieddate >= TO_DATE(?, '{INSTANT}')"
# Paying an invoice need not touch its own modified date, so the invoices of changed documents are read as well.
INVOICE_TOUCHED = f"""({MODIFIED} OR t.id IN (
    SELECT l.previousdoc FROM nexttransactionlinelink l WHERE l.nextdoc IN (
        SELECT p.id FROM transaction p WHERE p.lastmodifieddate >= TO_DATE(?, '{INSTANT}'))))"""


CURRENCIES = "SELECT c.id, c.symbol FROM currency c ORDER BY c.id"
# Which columns this table has is not in the help; mappings/netsuite.yaml may give the ids instead.
RECORD_TYPES = "SELECT r.internalid, r.scriptid FROM customrecordtype r ORDER BY r.internalid"

TOTALS = f"""
    SELECT t.entity, t.currency, COUNT(*) AS invoices, SUM(t.foreignamountunpaid) AS unpaid
    FROM transaction t WHERE {OPEN_INVOICE}
    GROUP BY t.entity, t.currency ORDER BY t.entity, t.currency"""


ONE_INVOICE_LINES = f"""
    SELECT l.transaction, SUM(l.foreignamount) AS amount FROM transactionline l
    WHERE l.mainline = 'F' AND l.transaction IN (SELECT MAX(t.id) FROM transaction t WHERE {OPEN_INVOICE})
    GROUP BY l.transaction ORDER BY l.transaction"""


def marks(count: int) -> str:
    return ", ".join("?" * count)


def invoices(mapping: NetSuiteMapping, condition: str) -> str:
    """Invoices along their id; the last parameter is the id to start after."""
    field = mapping.fields
    subsidiary = "m.subsidiary" if mapping.facts.has_subsidiaries else "''"
    return f"""
        SELECT t.id, t.tranid, t.entity, t.currency, t.foreigntotal, t.foreignamountunpaid, t.status, t.voided,
            TO_CHAR(t.trandate, '{DAY}') AS issued_on, TO_CHAR(t.duedate, '{DAY}') AS due_on,
            BUILTIN.DF(t.terms) AS terms, t.otherrefnum, {subsidiary} AS subsidiary,
            t.{field.invoice_hold} AS hold, t.{field.invoice_hold_reason} AS hold_reason,
            t.{field.invoice_pay_url} AS pay_url
        FROM transaction t, transactionline m
        WHERE m.transaction = t.id AND m.mainline = 'T' AND {condition} AND t.id > ? ORDER BY t.id"""


def lines(mapping: NetSuiteMapping, count: int) -> str:
    """The lines of this many invoices along their own key, with tax, discount and freight lines; the last parameter is
    the key to start after."""
    field = mapping.fields
    return f"""
        SELECT l.uniquekey, l.transaction AS invoice, l.id, l.memo, l.foreignamount, l.taxline,
            l.{field.line_kind} AS kind,
            l.{field.line_dispute} AS dispute, l.{field.line_dispute_reason} AS dispute_reason
        FROM transactionline l
        WHERE l.mainline = 'F' AND l.transaction IN ({marks(count)})
        AND l.uniquekey > ? ORDER BY l.uniquekey"""


def credits(condition: str) -> str:
    """Credit memos, payments and deposits along their id; the last parameter is the id to start after."""
    return f"""
        SELECT t.id, t.type, t.tranid, t.entity, t.currency, t.foreignpaymentamountunused, t.voided, t.externalid,
            t.memo, TO_CHAR(t.trandate, '{DAY}') AS received_on
        FROM transaction t WHERE {condition} AND t.id > ? ORDER BY t.id"""


def customers(mapping: NetSuiteMapping, condition: str) -> str:
    """Customers along their id; the last parameter is the id to start after."""
    field = mapping.fields
    return f"""
        SELECT c.id, c.entityid, c.companyname, c.email, c.parent, c.isinactive,
            c.{field.customer_do_not_contact} AS do_not_contact, c.{field.customer_exclude} AS exclude
        FROM customer c WHERE {condition} AND c.id > ? ORDER BY c.id"""


def payments_with(count: int) -> str:
    """Payments and deposits whose external id or memo holds one of this many texts, each given twice."""
    either = " OR ".join(["t.externalid LIKE ? OR t.memo LIKE ?"] * count)
    return f"""
        SELECT t.id, t.entity, t.currency, t.foreigntotal, t.voided, t.externalid, t.memo,
            TO_CHAR(t.lastmodifieddate, '{INSTANT}') AS modified_at
        FROM transaction t WHERE t.type IN ('CustPymt', 'CustDep') AND ({either}) AND t.id > ? ORDER BY t.id"""


def payments_between(customers: int) -> str:
    """Payments and deposits of this many customers, dated from the first given day to the second."""
    return f"""
        SELECT t.id, t.entity, t.currency, t.foreigntotal, t.voided, t.externalid, t.memo,
            TO_CHAR(t.lastmodifieddate, '{INSTANT}') AS modified_at
        FROM transaction t WHERE t.type IN ('CustPymt', 'CustDep') AND t.entity IN ({marks(customers)})
            AND t.trandate >= TO_DATE(?, 'YYYY-MM-DD') AND t.trandate <= TO_DATE(?, 'YYYY-MM-DD')
            AND t.id > ? ORDER BY t.id"""


def applications(count: int) -> str:
    """What this many payments are applied to; `previousdoc` is the invoice, `nextdoc` the payment."""
    return f"""
        SELECT l.nextdoc AS payment, l.previousdoc AS invoice, SUM(l.foreignamount) AS amount
        FROM nexttransactionlinelink l
        WHERE l.linktype = 'Payment' AND l.nextdoc IN ({marks(count)})
        GROUP BY l.nextdoc, l.previousdoc ORDER BY l.nextdoc, l.previousdoc"""


def probe(table: str, key: str, columns: Sequence[str]) -> str:
    """A query that finds no row and fails where the role can't see the table or one of the columns."""
    shown = ", ".join(f"x.{column}" for column in columns)
    return f"SELECT {shown} FROM {table} x WHERE x.{key} = 0 ORDER BY x.{key}"
