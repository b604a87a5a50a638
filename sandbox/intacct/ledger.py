"""The general ledger behind the documents: accounts and banks, rates, what is posted, and what stands on an account.

A debit is positive. Each posting has an amount in the document's currency and one in the base currency of its entity;
the second sum to zero in every batch, always. What rates leave over goes to currency gain or loss.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.intacct.amounts import converted
from sandbox.intacct.refusal import refused

if TYPE_CHECKING:
    from sandbox.intacct.books import Books, Row

BASE = "USD"
# Number, kind, role, title. The kinds are those that persons name in every sandbox.
_CHART = """
1000 Bank bank Checking
1010 Bank clearing Stripe Clearing
1090 OthCurrAsset undeposited Undeposited Funds
1100 AcctRec receivable Accounts Receivable
1180 OthCurrAsset disputes Disputed Payments
1185 OthCurrAsset reserves Stripe Reserves
2100 OthCurrLiab advances Customer Advances
2200 OthCurrLiab tax Sales Taxes Payable
4000 Income sales Sales
4800 Income discounts Sales Discounts
4900 Income refunds Refunds to Customers
6100 Expense fees Payment Processing Fees
6200 Expense bad_debt Bad Debt Expense
6900 Expense adjustments Payment Adjustments
7900 OthExpense gain Realized Gain/Loss
"""
_BANK_IDS = {"bank": "CHK-1000", "clearing": "CHK-STRIPE"}
_CREDIT_KINDS = frozenset({"OthCurrLiab", "DeferRevenue", "Income", "OthIncome", "Equity"})
_RESULT_KINDS = frozenset({"Income", "Expense", "OthIncome", "OthExpense"})
FIRST_FREE_ACCOUNT = 8001
# Units of US dollars, from which every other rate follows until a person enters one.
RATES = {"EUR": "1.08", "GBP": "1.27", "CAD": "0.73", "JPY": "0.0067", "KWD": "3.25"}
_RATE_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting on a ledger account. `base` only where the batch's rate doesn't give it."""

    account: str
    amount: int
    text: str = ""
    base: int | None = None
    customer: str | None = None
    location: str | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What the postings of one document have in common."""

    key: int
    day: str
    currency: str
    rate: Decimal
    entity: str
    module: str
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Cash:
    """Where money lies: a bank, or an account of undeposited funds."""

    account: str  # of the ledger
    bank: str | None
    undeposited: str | None


class Ledger:
    def __init__(self, books: Books) -> None:
        self._books = books
        self.roles: dict[str, str] = {}

    def open(self) -> None:
        """The chart that the company begins with."""
        for line in _CHART.strip().splitlines():
            number, kind, role, title = line.split(" ", 3)
            self.add_account(number, title, kind, role)
            self.roles[role] = self.add_bank(_BANK_IDS[role], title, number, BASE) if kind == "Bank" else number

    def add_account(self, number: str, title: str, kind: str, role: str = "") -> str:
        number = number or str(self._books.next_number("account", FIRST_FREE_ACCOUNT))
        values = {
            "accountno": number,
            "title": title,
            "accounttype": "incomestatement" if kind in _RESULT_KINDS else "balancesheet",
            "normalbalance": "credit" if kind in _CREDIT_KINDS else "debit",
            "category": kind,
            "status": "active",
            "_role": role or None,
        }
        self._books.insert("account", values | self._stamps())
        return number

    def add_bank(self, bank_id: str, name: str, account: str, currency: str, entity: str = "") -> str:
        values = {
            "bankaccountid": bank_id,
            "bankname": name,
            "glaccountno": account,
            "currency": currency,
            "locationid": entity,
            "status": "active",
        }
        self._books.insert("bank", values | self._stamps())
        return bank_id

    def _stamps(self) -> dict[str, object]:
        now = self._books.now()
        return {"auwhencreated": now, "whenmodified": now}

    # ---- accounts ----

    def bank(self, bank_id: str) -> Row | None:
        return self._books.row("SELECT * FROM bank WHERE bankaccountid = ?", bank_id)

    def account(self, number: str, what: str = "account") -> str:
        """A ledger account that may be posted to; refused when there is none, or it is not active."""
        row = self._books.row("SELECT status FROM account WHERE accountno = ?", number)
        if row is None or row["status"] != "active":
            raise refused("no_account", account=number or "an empty number", what=what)
        return number

    def number(self, account_id: str) -> str:
        """The ledger account behind an id: a bank's own, else itself."""
        bank = self.bank(account_id)
        return str(bank["glaccountno"]) if bank is not None else account_id

    def shown(self, number: str) -> str:
        """The other way round: as `accounts` names it."""
        bank = self._books.row("SELECT bankaccountid FROM bank WHERE glaccountno = ?", number)
        return str(bank["bankaccountid"]) if bank is not None else number

    def cash(self, bank_id: str | None, undeposited: str | None, currency: str, entity: str) -> Cash:
        """Where a receipt goes; exactly one of both is named, and it must take this currency."""
        if bool(bank_id) == bool(undeposited):
            raise refused("one_target", field="FINANCIALENTITY")
        if not bank_id:
            return Cash(self.account(str(undeposited), "undeposited funds account"), None, undeposited)
        bank = self.bank(bank_id)
        if bank is None or bank["status"] != "active" or bank["locationid"] not in ("", entity):
            raise refused("no_account", account=bank_id, what="checking account", field="FINANCIALENTITY")
        if bank["currency"] not in (currency, self.base(entity)):
            raise refused("account_currency", account=bank_id, own=bank["currency"], currency=currency)
        return Cash(self.account(bank["glaccountno"]), bank_id, None)

    # ---- currencies ----

    def base(self, entity: str) -> str:
        row = self._books.row("SELECT currency FROM entity WHERE locationid = ?", entity) if entity else None
        return str(row["currency"]) if row is not None else BASE

    def rate(self, currency: str, entity: str, day: str) -> Decimal:
        """Units of the entity's currency for one of this currency on this day."""
        base = self.base(entity)
        if currency == base:
            return Decimal(1)
        sql = "SELECT rate FROM rate WHERE base = ? AND currency = ? AND day <= ? ORDER BY day DESC, recordno DESC"
        entered = self._books.row(f"{sql} LIMIT 1", base, currency, day)
        if entered is not None:
            return Decimal(str(entered["rate"]))
        rate = Decimal(RATES.get(currency, "1")) / Decimal(RATES.get(base, "1"))
        return rate.quantize(_RATE_STEP).normalize()

    # ---- postings ----

    def post(self, batch: Batch, legs: Iterable[Leg], *, first_absorbs: bool = False) -> None:
        """Write the postings of a document; legs of nothing are left out. What rates leave over goes to gain or loss,
        or with `first_absorbs` into the first leg, as in an invoice, whose total is the sum of its lines."""
        legs = [leg for leg in legs if leg.amount or leg.base]
        based = [leg.base if leg.base is not None else converted(leg.amount, batch.rate) for leg in legs]
        rest = -sum(based)
        if rest and first_absorbs:
            based[0] += rest
        elif rest:
            legs.append(Leg(self.roles["gain"], 0, "Currency gain or loss"))
            based.append(rest)
        now = self._books.now()
        for line, (leg, base) in enumerate(zip(legs, based, strict=True), start=1):
            values = {
                "batchkey": batch.key,
                "line_no": line,
                "entry_date": batch.day,
                "accountno": leg.account,
                "trx_amount": leg.amount,
                "amount": base,
                "currency": batch.currency,
                "customerid": leg.customer or batch.customer,
                "entity": batch.entity,
                "locationid": leg.location or batch.entity or None,
                "departmentid": leg.department,
                "description": leg.text or None,
                "module": batch.module,
                "whenmodified": now,
            }
            self._books.insert("posting", values)

    def forget(self, batch: int) -> None:
        """Take the postings of a document away, before it is posted anew or deleted."""
        self._books.db.execute("DELETE FROM posting WHERE batchkey = ?", (batch,))

    def reverse(self, batch: int, into: int, day: str) -> None:
        """Post the opposite of a batch on another day, under another document."""
        self._books.db.execute(
            """INSERT INTO posting (batchkey, line_no, entry_date, accountno, trx_amount, amount, currency, customerid,
                   entity, locationid, departmentid, description, module, whenmodified)
               SELECT ?, line_no, ?, accountno, -trx_amount, -amount, currency, customerid, entity, locationid,
                   departmentid, description, module, ? FROM posting WHERE batchkey = ? ORDER BY line_no""",
            (into, day, self._books.now(), batch),
        )

    def base_of(self, batch: int, account: str) -> int:
        """What a document put onto an account, in base currency."""
        sql = "SELECT COALESCE(SUM(amount), 0) AS posted FROM posting WHERE batchkey = ? AND accountno = ?"
        return int(self._books.rows(sql, batch, account)[0]["posted"])

    # ---- balances ----

    def balances(self, on: str) -> dict[str, int]:
        """What stands on each account at the end of a day: a bank's in its own currency, else in the base."""
        rows = self._books.rows(
            """SELECT a.accountno, b.bankaccountid, COALESCE(SUM(p.amount), 0) AS based,
                   COALESCE(SUM(CASE WHEN p.currency = b.currency THEN p.trx_amount END), 0) AS own, b.currency
               FROM account a LEFT JOIN bank b ON b.glaccountno = a.accountno
               LEFT JOIN posting p ON p.accountno = a.accountno AND p.entry_date <= ?
               GROUP BY a.accountno, b.bankaccountid ORDER BY a.accountno""",
            on,
        )
        return {
            row["bankaccountid"] or row["accountno"]: row["own"]
            if row["currency"] not in (None, BASE)
            else row["based"]
            for row in rows
        }

    def symbol(self, account_id: str) -> str:
        """The currency in which `balances` gives this account."""
        bank = self.bank(account_id)
        return str(bank["currency"]) if bank is not None else BASE
