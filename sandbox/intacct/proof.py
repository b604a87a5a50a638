"""The sandbox's own proof that its books neither lose nor make a cent, whatever was written into them."""

from __future__ import annotations

from sandbox.intacct.books import Books

# By line: what payments in this state pay of it or use up of it.
_USED = """
    SELECT entry, SUM(used) AS used FROM (
        SELECT d.targetentry AS entry, d.cash + d.credit + {discount} AS used FROM detail d
        JOIN record p ON p.recordno = d.paymentkey AND p.state = '{state}'
        UNION ALL SELECT d.creditentry, d.credit FROM detail d
        JOIN record p ON p.recordno = d.paymentkey AND p.state = '{state}' WHERE d.creditentry IS NOT NULL)
    GROUP BY entry"""
# Each finds what breaks it, with what is found and what was wanted, in cents.
_INVARIANTS = {
    "a batch of postings sums to nothing": """
        SELECT batchkey AS id, SUM(amount) AS found, 0 AS wanted FROM posting GROUP BY batchkey HAVING found <> 0""",
    "a journal entry balances in its own currency": """
        SELECT p.batchkey AS id, SUM(p.trx_amount) AS found, 0 AS wanted FROM posting p
        JOIN journal j ON j.recordno = p.batchkey GROUP BY p.batchkey HAVING found <> 0""",
    "a record's total is the sum of its lines": """
        SELECT r.recordno AS id, r.total AS found, COALESCE(SUM(e.amount), 0) AS wanted FROM record r
        LEFT JOIN entry e ON e.recordkey = r.recordno WHERE r.recordtype <> 'rp'
        GROUP BY r.recordno HAVING found <> wanted""",
    "what is paid of a line was applied to it": f"""
        SELECT e.recordno AS id, ABS(e.paid) AS found, COALESCE(u.used, 0) AS wanted
        FROM entry e JOIN record r ON r.recordno = e.recordkey LEFT JOIN ({_USED.format(state="C", discount="0")}) u
            ON u.entry = e.recordno
        WHERE r.recordtype IN ('ri', 'ra', 'ro', 'rr') AND r.state <> 'R' AND found <> wanted""",
    "what is selected of a line is in drafts": f"""
        SELECT e.recordno AS id, ABS(e.selected) AS found, COALESCE(u.used, 0) AS wanted
        FROM entry e LEFT JOIN ({_USED.format(state="D", discount="d.discount")}) u ON u.entry = e.recordno
        WHERE found <> wanted""",
    "no line is paid beyond its amount": """
        SELECT recordno AS id, ABS(paid + discount + selected) AS found, ABS(amount) AS wanted FROM entry
        WHERE found > wanted OR (amount > 0 AND paid + discount < 0) OR (amount < 0 AND paid > 0)""",
    "a record's paid, let off and selected are those of its lines": """
        SELECT r.recordno AS id, r.paid + 3 * r.discounted + 7 * r.selected AS found,
            COALESCE(SUM(e.paid + 3 * e.discount + 7 * e.selected), 0) AS wanted FROM record r
        LEFT JOIN entry e ON e.recordkey = r.recordno WHERE r.recordtype IN ('ri', 'ra', 'ro', 'rr') AND r.state <> 'R'
        GROUP BY r.recordno HAVING found <> wanted""",
    "a payment is what it applies in cash and what is over": """
        SELECT p.recordno AS id, p.total AS found, COALESCE((
            SELECT SUM(d.cash) FROM detail d WHERE d.paymentkey = p.recordno), 0) + COALESCE((
            SELECT SUM(o.total) FROM record o WHERE o.parentpaymentkey = p.recordno), 0) AS wanted
        FROM record p WHERE p.recordtype = 'rp' AND p.state IN ('C', 'D') AND found <> wanted""",
    "receivables are the open documents": """
        SELECT k.account || ' ' || k.currency AS id, (
            SELECT COALESCE(SUM(p.trx_amount), 0) FROM posting p
            WHERE p.accountno = k.account AND p.currency = k.currency AND p.module IN ('4.AR', '8.SO')) AS found,
            k.open AS wanted
        FROM (
            SELECT _receivable AS account, currency, SUM(CASE
                WHEN state IN ('D', 'I', 'V', 'R') THEN 0
                WHEN recordtype IN ('ri', 'ra') THEN total - paid - discounted
                WHEN recordtype = 'ro' THEN paid - total ELSE 0 END) AS open
            FROM record WHERE recordtype IN ('ri', 'ra', 'ro') GROUP BY 1, 2) k
        WHERE found <> wanted""",
    "a receipt lies in one deposit": """
        SELECT receiptkey AS id, COUNT(*) AS found, 1 AS wanted FROM entry WHERE receiptkey IS NOT NULL
        GROUP BY receiptkey HAVING found <> 1""",
}


def violations(books: Books) -> list[str]:
    """Where does an amount not add up? Always empty, or the sandbox itself is wrong."""
    return [
        f"{what}: {row['id']} has {row['found']}, not {row['wanted']} (in cents)"
        for what, sql in _INVARIANTS.items()
        for row in books.rows(sql)
    ]
