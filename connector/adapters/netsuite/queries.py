"""The SuiteQL that the connector asks. Oracle syntax throughout, as NetSuite's help advises (section_156257799794).

Every instant and day goes through TO_CHAR or TO_DATE, since plain dates follow the user's own format. Columns that are
custom fields come back under fixed names. Meanings of the amount columns: transaction.foreignamountunpaid is what an
invoice still owes and foreignpaymentamountunused what a payment or memo has left, both in its own currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.adapters.netsuite.settings import NetSuiteMapping, is_day

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
_TOUCHED = f"""{MODIFIED} OR t.id IN (
    SELECT l.previousdoc FROM nexttransactionlinelink l WHERE l.nextdoc IN (
        SELECT p.id FROM transaction p WHERE p.lastmodifieddate >= TO_DATE(?, '{INSTANT}')))"""
# Nor need using a credit memo touch the memo's: those are read that settle the same invoices as a changed document.
TOUCHED_CREDIT = f"""({MODIFIED} OR t.type = 'CustCred' AND t.id IN (
    SELECT k.nextdoc FROM nexttransactionlinelink k WHERE k.linktype = 'Payment' AND k.previousdoc IN (
        SELECT l.previousdoc FROM nexttransactionlinelink l WHERE l.linktype = 'Payment' AND l.nextdoc IN (
            SELECT p.id FROM transaction p WHERE p.lastmodifieddate >= TO_DATE(?, '{INSTANT}')))))"""
# Nor does sending an invoice by e-mail touch it.
_MAILED = f"t.id IN (SELECT g.transaction FROM message g WHERE g.messagedate >= TO_DATE(?, '{INSTANT}'))"
# An account with several accounting books has a row for each; 1 is the primary book.
PRIMARY_BOOK = "a.accountingbook = 1 AND a.posting = 'T'"
# Which sign transactionline gives an amount is an account's own fact; the ledger's own amount is debit less credit.
SIGNED = "CASE WHEN a.amount < 0 THEN -ABS(l.foreignamount) ELSE ABS(l.foreignamount) END"
RECEIVABLE_ACCOUNTS = "SELECT x.id FROM account x WHERE x.accttype = 'AcctRec'"
# A payment that came back and was taken back by a journal of ours, to which it is applied: it stands, and is no payment
# any more. That such an application is linked as one of an invoice is: nobody has told us otherwise.
NOT_TAKEN_BACK = """t.id NOT IN (
    SELECT b.nextdoc FROM nexttransactionlinelink b, transaction j
    WHERE b.linktype = 'Payment' AND j.id = b.previousdoc AND j.type = 'Journal' AND j.externalid LIKE 'arc-%-rev-%')"""
# Documents that can change what an invoice owes or a credit has left.
_MOVING_TYPES = "'CustInvc', 'CustCred', 'CustPymt', 'CustDep', 'DepAppl', 'CustRfnd', 'Journal'"


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


def _own(names: Mapping[str, str], table: str) -> str:
    """The account's own fields (our name -> script id), each with a comma after it; days as text."""
    columns = {name: f"{table}.{script_id}" for name, script_id in names.items()}
    columns |= {name: f"TO_CHAR({column}, '{DAY}')" for name, column in columns.items() if is_day(name)}
    return " ".join(f"{column} AS {name}," for name, column in columns.items())


def invoices(mapping: NetSuiteMapping, condition: str) -> str:
    """Invoices along their id; the last parameter is the id to start after."""
    subsidiary = "m.subsidiary" if mapping.facts.has_subsidiaries else "''"
    pause = mapping.native_dunning.pause_field
    paused = f"NVL(t.{pause}, 'F') AS dunning_paused," if pause else ""
    return f"""
        SELECT t.id, t.tranid, t.entity, t.currency, t.foreigntotal, t.foreignamountunpaid, t.status, t.voided,
            TO_CHAR(t.trandate, '{DAY}') AS issued_on, TO_CHAR(t.duedate, '{DAY}') AS due_on,
            BUILTIN.DF(t.terms) AS terms, t.otherrefnum, {subsidiary} AS subsidiary,
            {_own(mapping.columns("invoice"), "t")} {_mailed_on(mapping)} {paused} {_early_discount(mapping)}
            (SELECT MAX(a.account) FROM transactionaccountingline a
                WHERE a.transaction = t.id AND a.transactionline = m.id AND {PRIMARY_BOOK}) AS ar_account
        FROM transaction t, transactionline m
        WHERE m.transaction = t.id AND m.mainline = 'T' AND {condition} AND t.id > ? ORDER BY t.id"""


def _mailed_on(mapping: NetSuiteMapping) -> str:
    """The day on which the customer got the invoice, where NetSuite's own e-mail log is to tell."""
    if mapping.delivery != "email_log":
        return ""
    return f"""(SELECT TO_CHAR(MIN(g.messagedate), '{DAY}') FROM message g
            WHERE g.transaction = t.id AND {_SENT}) AS delivered_on,"""


def _early_discount(mapping: NetSuiteMapping) -> str:
    """What the terms let the customer keep back, and until when, where the mapping says that the account has that."""
    discount = mapping.early_discount
    if not discount.is_read:
        return ""
    return f"t.{discount.amount} AS discount_amount, TO_CHAR(t.{discount.until}, '{DAY}') AS discount_until,"


# A message that left by e-mail (Oracle help article_161038358813 names the columns; their values are not documented).
_SENT = "g.emailed = 'T' AND g.incoming = 'F'"


def touched(mapping: NetSuiteMapping) -> tuple[str, int]:
    """The condition for invoices that changed since an instant, and how often that instant is given."""
    if mapping.delivery == "email_log":
        return f"({_TOUCHED} OR {_MAILED})", 3
    return f"({_TOUCHED})", 2


def changes(mapping: NetSuiteMapping) -> tuple[str, int]:
    """How many documents and customers of each kind changed since an instant, and how often that instant is given.

    One answer of a few rows says on a quiet day that nothing else needs to be asked.
    """
    parts = [
        f"""SELECT t.type AS kind, COUNT(*) AS changed FROM transaction t
            WHERE t.type IN ({_MOVING_TYPES}) AND {MODIFIED} GROUP BY t.type""",
        f"SELECT 'Customer' AS kind, COUNT(*) AS changed FROM customer c WHERE {CUSTOMER_MODIFIED}",
    ]
    if mapping.delivery == "email_log":
        parts.append(
            f"""SELECT 'Message' AS kind, COUNT(*) AS changed FROM message g
                WHERE g.messagedate >= TO_DATE(?, '{INSTANT}')"""
        )
    return f"SELECT x.kind, x.changed FROM ({' UNION ALL '.join(parts)}) x ORDER BY x.kind", len(parts)


def lines(mapping: NetSuiteMapping, count: int) -> str:
    """The lines of this many invoices along their own key, with tax, discount and freight lines; the last parameter is
    the key to start after."""
    return f"""
        SELECT l.uniquekey, {_own(mapping.columns("line"), "l")}
            l.transaction AS invoice, l.id, l.memo, l.foreignamount, l.taxline
        FROM transactionline l
        WHERE l.mainline = 'F' AND l.transaction IN ({marks(count)})
        AND l.uniquekey > ? ORDER BY l.uniquekey"""


def credits(mapping: NetSuiteMapping, condition: str) -> str:
    """Credit memos, payments and deposits along their id; the last parameter is the id to start after.

    A memo may also be made from a return; only the invoice that it was made from is told. A payment's otherrefnum is
    its check number. Its receivables account is not on its main line, which is the bank.
    """
    subsidiary = "m.subsidiary" if mapping.facts.has_subsidiaries else "''"
    return f"""
        SELECT t.id, t.type, t.tranid, t.entity, t.currency, t.foreignpaymentamountunused, t.voided, t.externalid,
            t.memo, t.otherrefnum, TO_CHAR(t.trandate, '{DAY}') AS received_on,
            {subsidiary} AS subsidiary,
            (SELECT MAX(i.id) FROM transaction i WHERE i.id = m.createdfrom AND i.type = 'CustInvc') AS created_from,
            (SELECT MAX(a.account) FROM transactionaccountingline a
                WHERE a.transaction = t.id AND {PRIMARY_BOOK} AND a.account IN ({RECEIVABLE_ACCOUNTS})) AS ar_account
        FROM transaction t, transactionline m
        WHERE m.transaction = t.id AND m.mainline = 'T' AND {condition} AND t.id > ? ORDER BY t.id"""


def customers(mapping: NetSuiteMapping, condition: str) -> str:
    """Customers along their id; the last parameter is the id to start after."""
    return f"""
        SELECT c.id, {_own(mapping.columns("customer"), "c")} {_country(mapping)}
            c.entityid, c.companyname, c.email, c.parent, c.isinactive, c.currency
        FROM customer c WHERE {condition} AND c.id > ? ORDER BY c.id"""


def _country(mapping: NetSuiteMapping) -> str:
    """The country of the default billing address. A role that may not see addresses gets no row, and no country."""
    if mapping.country != "billing_address":
        return ""
    return """(SELECT MAX(e.country) FROM customeraddressbook b, customeraddressbookentityaddress e
            WHERE b.entity = c.id AND b.defaultbilling = 'T' AND e.nkey = b.addressbookaddress) AS country,"""


# Customers with anything open: what a read of the whole ledger needs, without naming each.
HAS_OPEN = f"c.id IN (SELECT t.entity FROM transaction t WHERE ({OPEN_INVOICE}) OR ({OPEN_CREDIT}))"


def payments_with(count: int) -> str:
    """Payments and deposits whose external id or memo holds one of this many texts, each given twice; those that were
    taken back are none."""
    either = " OR ".join(["t.externalid LIKE ? OR t.memo LIKE ?"] * count)
    return f"""
        SELECT t.id, t.entity, t.currency, t.foreigntotal, t.voided, t.externalid, t.memo,
            TO_CHAR(t.lastmodifieddate, '{INSTANT}') AS modified_at
        FROM transaction t
        WHERE t.type IN ('CustPymt', 'CustDep') AND {NOT_TAKEN_BACK} AND ({either}) AND t.id > ? ORDER BY t.id"""


def payments_between(customers: int) -> str:
    """Payments and deposits of this many customers, dated from the first given day to the second."""
    return f"""
        SELECT t.id, t.entity, t.currency, t.foreigntotal, t.voided, t.externalid, t.memo,
            TO_CHAR(t.lastmodifieddate, '{INSTANT}') AS modified_at
        FROM transaction t WHERE t.type IN ('CustPymt', 'CustDep') AND t.entity IN ({marks(customers)})
            AND {NOT_TAKEN_BACK} AND t.trandate >= TO_DATE(?, 'YYYY-MM-DD') AND t.trandate <= TO_DATE(?, 'YYYY-MM-DD')
            AND t.id > ? ORDER BY t.id"""


def deposits_with(count: int) -> str:
    """Deposits and journals whose external id or memo holds one of this many texts, each given twice."""
    either = " OR ".join(["t.externalid LIKE ? OR t.memo LIKE ?"] * count)
    return f"""
        SELECT t.id, t.type, t.currency, t.voided, t.externalid, t.memo
        FROM transaction t WHERE t.type IN ('Deposit', 'Journal') AND ({either}) AND t.id > ? ORDER BY t.id"""


def applications(count: int) -> str:
    """What this many payments are applied to; `previousdoc` is the invoice, `nextdoc` the payment."""
    return f"""
        SELECT l.nextdoc AS payment, l.previousdoc AS invoice, SUM(l.foreignamount) AS amount
        FROM nexttransactionlinelink l
        WHERE l.linktype = 'Payment' AND l.nextdoc IN ({marks(count)})
        GROUP BY l.nextdoc, l.previousdoc ORDER BY l.nextdoc, l.previousdoc"""


def periods_of(count: int) -> str:
    """The posting periods of this many documents."""
    return f"""
        SELECT t.id, p.periodname, p.closed, p.alllocked, p.arlocked
        FROM transaction t, accountingperiod p
        WHERE p.id = t.postingperiod AND t.id IN ({marks(count)}) ORDER BY t.id"""


# One payment's posting period, and the rate at which it was converted. That this table has allownonglchanges is in the
# Records Catalog only.
PAYMENT_PERIOD = """
    SELECT t.id, t.exchangerate, p.periodname, p.closed, p.alllocked, p.arlocked, p.allownonglchanges
    FROM transaction t, accountingperiod p
    WHERE p.id = t.postingperiod AND t.id = ? ORDER BY t.id"""


def probe(table: str, key: str, columns: Sequence[str]) -> str:
    """A query that finds no row and fails where the role can't see the table or one of the columns."""
    shown = ", ".join(f"x.{column}" for column in columns)
    return f"SELECT {shown} FROM {table} x WHERE x.{key} = 0 ORDER BY x.{key}"


# ---- How people applied payments: the parameters are the last day, then the first ----

# An invoice or memo was open until its closing date, where it has one. An invoice over nothing was never open.
OPEN_BETWEEN = f"t.voided = 'F' AND t.trandate <= TO_DATE(?, '{DAY}')"
PAST_INVOICE = f"""{ANY_INVOICE} AND {OPEN_BETWEEN} AND t.foreigntotal > 0
    AND (t.foreignamountunpaid > 0 OR t.closedate >= TO_DATE(?, '{DAY}'))"""
PAST_MEMO = f"""t.type = 'CustCred' AND t.posting = 'T' AND {OPEN_BETWEEN}
    AND (t.foreignpaymentamountunused > 0 OR t.closedate >= TO_DATE(?, '{DAY}'))"""
PAST_PAYMENTS = f"""
    SELECT t.id, t.entity, t.currency, t.foreigntotal, t.voided, t.externalid, t.memo, t.otherrefnum,
        TO_CHAR(t.trandate, '{DAY}') AS received_on
    FROM transaction t
    WHERE t.type = 'CustPymt' AND t.posting = 'T' AND {OPEN_BETWEEN} AND t.trandate >= TO_DATE(?, '{DAY}')
        AND {NOT_TAKEN_BACK} AND t.id > ? ORDER BY t.id"""


def settlements(by: str, count: int) -> str:
    """What settled invoices: by this many invoices ('previousdoc') or by this many documents ('nextdoc').

    Of a payment the amount is its own money with the discount taken, if there was one. No application has a day of its
    own: the document's day is the nearest that is known.
    """
    return f"""
        SELECT l.previousdoc AS invoice, l.nextdoc AS document, t.type, TO_CHAR(t.trandate, '{DAY}') AS settled_on,
            SUM(l.foreignamount) AS amount
        FROM nexttransactionlinelink l, transaction t
        WHERE t.id = l.nextdoc AND l.linktype = 'Payment' AND l.previoustype = 'CustInvc' AND l.{by} IN ({marks(count)})
        GROUP BY l.previousdoc, l.nextdoc, t.type, t.trandate ORDER BY l.previousdoc, l.nextdoc"""


# ---- The ledger as a whole ----

PERIODS = f"""
    SELECT p.id, p.periodname, TO_CHAR(p.startdate, '{DAY}') AS first_on, TO_CHAR(p.enddate, '{DAY}') AS last_on,
        p.closed, p.alllocked, p.arlocked
    FROM accountingperiod p
    WHERE p.isquarter = 'F' AND p.isyear = 'F' AND p.isadjust = 'F' AND p.enddate >= TO_DATE(?, '{DAY}')
    ORDER BY p.id"""


def cleared_with(accounts: int, texts: int) -> str:
    """What entries of people put onto these accounts, where the external id or memo holds one of this many texts, each
    given twice."""
    either = " OR ".join(["t.externalid LIKE ? OR t.memo LIKE ?"] * texts)
    return f"""
        SELECT t.id, t.externalid, t.memo, t.currency, SUM({SIGNED}) AS amount
        FROM transaction t, transactionline l, transactionaccountingline a
        WHERE l.transaction = t.id AND a.transaction = l.transaction AND a.transactionline = l.id AND {PRIMARY_BOOK}
            AND a.account IN ({marks(accounts)}) AND t.type IN ('CustRfnd', 'Journal') AND t.voided = 'F'
            AND ({either})
        GROUP BY t.id, t.externalid, t.memo, t.currency ORDER BY t.id"""


def balances(mapping: NetSuiteMapping, accounts: str) -> str:
    """What stands on each of these accounts at the end of a day, by subsidiary and by the documents' own currency.

    The only parameter after those of `accounts` is the day.
    """
    subsidiary = "l.subsidiary" if mapping.facts.has_subsidiaries else "''"
    return f"""
        SELECT a.account, {subsidiary} AS subsidiary, t.currency, SUM({SIGNED}) AS amount
        FROM transaction t, transactionline l, transactionaccountingline a
        WHERE l.transaction = t.id AND a.transaction = l.transaction AND a.transactionline = l.id AND {PRIMARY_BOOK}
            AND a.account IN ({accounts}) AND t.trandate <= TO_DATE(?, '{DAY}')
        GROUP BY a.account, {subsidiary}, t.currency ORDER BY a.account, {subsidiary}, t.currency"""


def documents(mapping: NetSuiteMapping) -> str:
    """The lines that moved receivables between two days, and those of documents from before that have something left.
    What is left of a journal stands on its lines, of any other document on its head.

    Along their own key; the parameters are the last day, the first day, and the key to start after.
    """
    subsidiary = "l.subsidiary" if mapping.facts.has_subsidiaries else "''"
    return f"""
        SELECT l.uniquekey, t.id, t.tranid, t.type, NVL(l.entity, t.entity) AS entity, t.currency, t.voided,
            {subsidiary} AS subsidiary,
            TO_CHAR(t.trandate, '{DAY}') AS posted_on, TO_CHAR(t.duedate, '{DAY}') AS due_on,
            TO_CHAR(t.closedate, '{DAY}') AS closed_on, t.foreignamountunpaid, t.foreignpaymentamountunused,
            NVL(l.foreignamountunpaid, l.foreignpaymentamountunused) AS line_open, {SIGNED} AS amount
        FROM transaction t, transactionline l, transactionaccountingline a
        WHERE l.transaction = t.id AND a.transaction = l.transaction AND a.transactionline = l.id AND {PRIMARY_BOOK}
            AND a.account IN ({RECEIVABLE_ACCOUNTS}) AND t.trandate <= TO_DATE(?, '{DAY}')
            AND (t.trandate >= TO_DATE(?, '{DAY}') OR t.foreignamountunpaid > 0 OR t.foreignpaymentamountunused > 0
                OR t.type = 'Journal' AND (l.foreignamountunpaid > 0 OR l.foreignpaymentamountunused > 0))
            AND l.uniquekey > ? ORDER BY l.uniquekey"""


def against(accounts: int) -> str:
    """Credit memos and journals with a line on one of this many accounts, up to a day; the last parameter is the id to
    start after."""
    return f"""
        SELECT t.id FROM transaction t
        WHERE t.type IN ('CustCred', 'Journal') AND t.id IN (
            SELECT a.transaction FROM transactionaccountingline a
            WHERE {PRIMARY_BOOK} AND a.account IN ({marks(accounts)}))
        AND t.trandate <= TO_DATE(?, '{DAY}') AND t.id > ? ORDER BY t.id"""


def disputed(mapping: NetSuiteMapping) -> str:
    """Invoices up to a day with a line that is or was disputed; the last parameter is the id to start after."""
    field = mapping.fields
    left_behind = [field.line_dispute_reason, field.line_disputed_on, field.line_dispute_outcome]
    was = "".join(f" OR l.{name} IS NOT NULL" for name in left_behind if name)
    return f"""
        SELECT t.id FROM transaction t
        WHERE t.type = 'CustInvc' AND t.trandate <= TO_DATE(?, '{DAY}') AND t.id IN (
            SELECT l.transaction FROM transactionline l WHERE l.{field.line_dispute} = 'T'{was})
        AND t.id > ? ORDER BY t.id"""


def excluded_customers(mapping: NetSuiteMapping) -> str:
    """Customers with a reason never to be reminded; the last parameter is the id to start after."""
    field = mapping.fields.customer_exclude
    return f"SELECT c.id, c.{field} AS exclude FROM customer c WHERE c.{field} IS NOT NULL AND c.id > ? ORDER BY c.id"


def unpaused(field: str) -> str:
    """How many open invoices does NetSuite's own dunning still work on?"""
    return f"SELECT COUNT(*) AS invoices FROM transaction t WHERE {OPEN_INVOICE} AND NVL(t.{field}, 'F') = 'F'"


def accounts(mapping: NetSuiteMapping, count: int) -> str:
    """This many ledger accounts; the last parameter is the id to start after."""
    subsidiary = "x.subsidiary" if mapping.facts.has_subsidiaries else "''"
    return f"""
        SELECT x.id, x.acctnumber, x.fullname, x.accttype, x.currency, {subsidiary} AS subsidiary, x.isinactive
        FROM account x WHERE x.id IN ({marks(count)}) AND x.id > ? ORDER BY x.id"""


# ---- The audit of the data: open invoices that can't be reminded well, by their numbers ----


def _open_where(condition: str, tables: str = "transaction t") -> str:
    return f"SELECT t.id, t.tranid AS number FROM {tables} WHERE {OPEN_INVOICE} AND {condition} ORDER BY t.id"


WITHOUT_CONTACT = _open_where("c.id = t.entity AND c.email IS NULL", "transaction t, customer c")
WITHOUT_TERMS = _open_where("t.terms IS NULL")
WITHOUT_DUE_DATE = _open_where("(t.duedate IS NULL OR t.duedate < t.trandate)")
# Terms by a day of the month or in instalments have no number of days to compare with.
OTHER_DUE_DATE = _open_where(
    "m.id = t.terms AND m.datedriven = 'F' AND m.daysuntilnetdue IS NOT NULL "
    "AND t.duedate <> t.trandate + m.daysuntilnetdue",
    "transaction t, term m",
)
OPEN_BY_CURRENCY = f"""
    SELECT t.currency, COUNT(*) AS invoices, MIN(t.tranid) AS number
    FROM transaction t WHERE {OPEN_INVOICE} GROUP BY t.currency ORDER BY t.currency"""
# A parent and its own sub-customers may well have one billing desk.
SHARED_ADDRESSES = f"""
    SELECT MIN(c.id) AS id, MIN(c.entityid) AS number, MAX(c.entityid) AS other, COUNT(*) AS customers
    FROM customer c WHERE c.email IS NOT NULL AND {HAS_OPEN}
    GROUP BY LOWER(c.email) HAVING COUNT(DISTINCT NVL(c.parent, c.id)) > 1 ORDER BY MIN(c.id)"""


def loose_holds(mapping: NetSuiteMapping) -> str:
    """Open invoices on hold of which NetSuite doesn't say whose the hold is, or when it ends; '' where it can't."""
    field = mapping.fields
    lacking = [name for name in (field.invoice_hold_owner, field.invoice_hold_until) if name]
    either = " OR ".join(f"t.{name} IS NULL" for name in lacking)
    return _open_where(f"t.{field.invoice_hold} = 'T' AND ({either})") if lacking else ""


def without_evidence(mapping: NetSuiteMapping) -> str:
    """Open invoices of which nothing proves that the customer got them."""
    if mapping.delivery == "field":
        return _open_where(f"t.{mapping.fields.invoice_delivered_on} IS NULL")
    return _open_where(f"NOT EXISTS (SELECT g.id FROM message g WHERE g.transaction = t.id AND {_SENT})")
