"""The sandbox's own proof that its ledger neither loses nor makes a cent, whatever was written into it."""

from __future__ import annotations

from sandbox.netsuite.books import Books

# Each finds what breaks it, with what is found and what was wanted. Amounts are in the document's currency but for the
# postings, which sum to nothing in the subsidiary's.
_LINKED = """SELECT {doc} AS id, SUM({part}) AS amount FROM nexttransactionlinelink
             WHERE linktype = 'Payment' GROUP BY {doc}"""
_CASH = "foreignamount - COALESCE(_discount, 0)"
_SETTLES = """
    SELECT t.id, t.{open} AS found,
        t._amount * (t.voided = 'F') - COALESCE(n.amount, 0) - COALESCE(p.amount, 0) AS wanted
    FROM "transaction" t LEFT JOIN ({next}) n ON n.id = t.id LEFT JOIN ({previous}) p ON p.id = t.id
    WHERE t.type IN ({kinds}) AND (found <> wanted OR found < 0)"""
_BY_NEXT = _LINKED.format(doc="nextdoc", part=_CASH)
_BY_PREVIOUS = _LINKED.format(doc="previousdoc", part="foreignamount")
_INVARIANTS = {
    "a document's postings sum to nothing": """
        SELECT "transaction" AS id, SUM(netamount) AS found, 0 AS wanted FROM transactionline
        GROUP BY "transaction" HAVING found <> 0""",
    "an invoice owes what was not applied to it": _SETTLES.format(
        open="foreignamountunpaid", next=_BY_NEXT, previous=_BY_PREVIOUS, kinds="'CustInvc'"
    ),
    "a payment or memo has left what it was not applied to": _SETTLES.format(
        open="foreignpaymentamountunused", next=_BY_NEXT, previous=_BY_PREVIOUS, kinds="'CustPymt', 'CustCred'"
    ),
    "a journal owes and has left what was not applied": """
        SELECT l."transaction" AS id,
            SUM(COALESCE(l.foreignamountunpaid, 0) - COALESCE(l.foreignpaymentamountunused, 0)) AS found,
            SUM(l.foreignamount)
                - COALESCE((SELECT SUM(p.foreignamount) FROM nexttransactionlinelink p WHERE p.previousdoc = t.id), 0)
                + COALESCE((SELECT SUM(n.foreignamount) FROM nexttransactionlinelink n WHERE n.nextdoc = t.id), 0)
                AS wanted
        FROM transactionline l JOIN "transaction" t ON t.id = l."transaction"
        WHERE t.type = 'Journal' AND (l.foreignamountunpaid IS NOT NULL OR l.foreignpaymentamountunused IS NOT NULL)
        GROUP BY t.id HAVING found <> wanted OR MIN(l.foreignamountunpaid) < 0
            OR MIN(l.foreignpaymentamountunused) < 0""",
    "credits are used with a payment that stands": """
        SELECT l.nextdoc AS id, l._payment AS found, NULL AS wanted FROM nexttransactionlinelink l
        WHERE l._payment IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM "transaction" p WHERE p.id = l._payment AND p.type = 'CustPymt' AND p.voided = 'F')""",
    "receivables are the open documents": """
        SELECT l._account AS id, SUM(l.foreignamount) AS found, SUM(CASE
            WHEN l.mainline = 'T' AND t.type = 'CustInvc' THEN t.foreignamountunpaid
            WHEN t.type IN ('CustPymt', 'CustCred') THEN -t.foreignpaymentamountunused
            WHEN t.type = 'CustRfnd' THEN l.foreignamount - COALESCE((
                SELECT SUM(r.foreignamount) FROM nexttransactionlinelink r WHERE r.nextdoc = t.id), 0)
            ELSE COALESCE(l.foreignamountunpaid, 0) - COALESCE(l.foreignpaymentamountunused, 0) END) AS wanted
        FROM transactionline l JOIN "transaction" t ON t.id = l."transaction" JOIN account a ON a.id = l._account
        WHERE a.accttype = 'AcctRec' AND t.posting = 'T' AND t.type <> 'Deposit'
        GROUP BY l._account, t.currency, l.subsidiary HAVING found <> wanted""",
}


def violations(books: Books) -> list[str]:
    """Where does an amount not add up? Always empty, or the sandbox itself is wrong."""
    return [
        f"{what}: {row['id']} has {row['found']}, not {row['wanted']} (in 1/10,000)"
        for what, sql in _INVARIANTS.items()
        for row in books.rows(sql)
    ]
