"""The ledger behind the documents: which accounts there are, what each may take, and what a document posts to them.

A debit is positive. Each line of a document has an amount in the document's currency and one in the base currency of
its subsidiary; the second sum to zero in every document, always. What rates leave over goes to realized gain or loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.netsuite.amounts import converted
from sandbox.netsuite.answers import APPLIED, Refusal

if TYPE_CHECKING:
    from sandbox.netsuite.books import Books, Row

FIRST_ACCOUNT = 211
# Number, type, role, name. Banks are kept in the first subsidiary and its currency, all others by every subsidiary.
_CHART = """
1000 Bank bank Checking
1010 Bank clearing Stripe Clearing
1090 OthCurrAsset undeposited Undeposited Funds
1100 AcctRec receivable Accounts Receivable
1180 OthCurrAsset disputes Disputed Payments
1185 OthCurrAsset reserves Stripe Reserves
2200 OthCurrLiab tax Sales Taxes Payable
4000 Income sales Sales
4900 Income refunds Refunds to Customers
6100 Expense fees Payment Processing Fees
6200 Expense bad_debt Bad Debt Expense
6900 Expense adjustments Payment Adjustments
7900 OthExpense gain Realized Gain/Loss
4800 Income discounts Sales Discounts
"""
BANKS = frozenset({"Bank"})
# Where the money of a payment or refund may lie.
CASH = frozenset({"Bank", "OthCurrAsset"})
RECEIVABLES = frozenset({"AcctRec"})
# Units of US dollars, from which every other rate follows until a person enters one.
RATES = {"EUR": "1.08", "GBP": "1.27", "CAD": "0.73", "JPY": "0.0067", "KWD": "3.25"}
_RATE_STEP = Decimal("0.00000001")
_LINE_COLUMNS = (
    "id", "transaction", "linesequencenumber", "mainline", "taxline", "entity", "quantity", "foreignamount",
    "netamount", "memo", "subsidiary", "createdfrom", "_account", "custcol_arc_dispute", "custcol_arc_line_kind",
    "foreignamountunpaid", "foreignpaymentamountunused",
)  # fmt: skip
_INSERT = "INSERT INTO transactionline ({}) VALUES ({})".format(
    ", ".join(f'"{name}"' for name in _LINE_COLUMNS), ", ".join("?" * len(_LINE_COLUMNS))
)


@dataclass(frozen=True, slots=True)
class Account:
    """`currency` is kept by banks alone; without `subsidiary` every subsidiary may use it. No new document may name an
    inactive one."""

    id: int
    type: str
    name: str
    currency: int | None = None
    subsidiary: int | None = None
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting. `amount` in the document's currency, debit positive; `base` only where the rate doesn't give it."""

    account: int
    amount: int
    memo: str = ""
    base: int | None = None
    entity: int | None = None
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """What of a document its postings depend on."""

    currency: int
    rate: Decimal
    subsidiary: int
    entity: int | None = None

    @classmethod
    def of(cls, document: Row) -> Head:
        rate = Decimal(str(document["exchangerate"]))
        return cls(document["currency"], rate, document["_subsidiary"], document["entity"])


class Ledger:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._accounts: dict[int, Account] = {}
        self._bases: dict[int, int] = {}
        self.roles: dict[str, int] = {}

    def open(self, subsidiary: int) -> None:
        """The chart that the account begins with."""
        currency = self.base(subsidiary)
        for line in _CHART.strip().splitlines():
            number, kind, role, name = line.split(" ", 3)
            is_bank = kind in BANKS
            kept = (currency, subsidiary) if is_bank else (None, None)
            self.roles[role] = self.add_account(number, name, kind, *kept)

    def add_account(
        self, number: str, name: str, kind: str, currency: int | None = None, subsidiary: int | None = None
    ) -> int:
        new = Account(max(self._accounts, default=FIRST_ACCOUNT - 1) + 1, kind, name, currency, subsidiary)
        shown = f"{number} {name}".strip()
        values: dict[str, object] = {
            "id": new.id,
            "acctnumber": number or None,
            "acctname": name,
            "accttype": kind,
            "fullname": name,
        }
        names = dict.fromkeys(("accountsearchdisplayname", "displaynamewithhierarchy"), shown)
        more = {"accountsearchdisplaynamecopy": name, "currency": currency, "subsidiary": subsidiary}
        flags = {"isinactive": "F", "issummary": "F", "lastmodifieddate": self._books.now()}
        self._books.insert("account", values | names | more | flags)
        self._accounts[new.id] = new
        return new.id

    def switch(self, account_id: int, *, active: bool) -> None:
        """Make an account inactive, or active again; KeyError for one that is not there."""
        self._accounts[account_id] = replace(self._accounts[account_id], inactive=not active)
        values = {"isinactive": "F" if active else "T", "lastmodifieddate": self._books.now()}
        self._books.change("account", account_id, values)

    # ---- what an account may take ----

    def account(self, key: object, field: str, subsidiary: int, kinds: Collection[str] = ()) -> Account:
        """The account that a record names, or why it can't be used by this subsidiary for this."""
        found = self._accounts.get(int(str(key))) if str(key).isdecimal() else None
        if found is None or found.inactive or (kinds and found.type not in kinds):
            raise Refusal("bad_reference", field=field, key=key)
        if found.subsidiary not in (None, subsidiary):
            raise Refusal("bad_subsidiary_reference", field=field, key=key, subsidiary=subsidiary)
        return found

    def require_currency(self, account: Account, currency: int, subsidiary: int) -> None:
        """A bank takes its own currency; one that is kept in the base currency takes any, at a rate."""
        if account.currency not in (None, currency, self.base(subsidiary)):
            symbol = self._books.symbol
            own = symbol(account.currency or 0)
            raise Refusal("account_currency", account=account.id, own=own, currency=symbol(currency))

    def receivable(self, customer: Row) -> int:
        """The control account of a customer's documents where the document names none."""
        return int(customer["receivablesaccount"] or self.roles["receivable"])

    # ---- currencies ----

    def base(self, subsidiary: int) -> int:
        """The id of a subsidiary's own currency."""
        if subsidiary not in self._bases:
            row = self._books.rows("SELECT currency FROM subsidiary WHERE id = ?", subsidiary)[0]
            self._bases[subsidiary] = int(row["currency"])
        return self._bases[subsidiary]

    def rate(self, currency: int, subsidiary: int, day: str) -> Decimal:
        """Units of the subsidiary's currency for one of this currency on this stored day."""
        base = self.base(subsidiary)
        if currency == base:
            return Decimal(1)
        entered = self._books.row(
            """SELECT exchangerate FROM currencyrate WHERE basecurrency = ? AND transactioncurrency = ?
               AND effectivedate <= ? ORDER BY effectivedate DESC, id DESC LIMIT 1""",
            base,
            currency,
            day,
        )
        if entered is not None:
            return Decimal(str(entered["exchangerate"]))
        symbol = self._books.symbol
        rate = Decimal(RATES.get(symbol(currency), "1")) / Decimal(RATES.get(symbol(base), "1"))
        return rate.quantize(_RATE_STEP).normalize()

    # ---- postings ----

    def post(self, row_id: int, head: Head, legs: Iterable[Leg], *, main_absorbs: bool = False) -> None:
        """Write the lines of a new document, the main line first. What rates leave over goes to gain or loss, or with
        `main_absorbs` into the main line, as in an invoice, whose total is the sum of its lines."""
        legs = list(legs)
        based = [self._base_amount(leg, head) for leg in legs]
        rest = -sum(based)
        if rest and main_absorbs:
            based[0] += rest
        elif rest:
            legs.append(Leg(self.roles["gain"], 0, "Realized gain or loss"))
            based.append(rest)
        lines = [self._line(row_id, head, number, leg, based[number]) for number, leg in enumerate(legs)]
        self._books.db.executemany(_INSERT, lines)

    def _base_amount(self, leg: Leg, head: Head) -> int:
        if leg.base is not None:
            return leg.base
        return self.convert(leg.amount, head)

    def convert(self, amount: int, head: Head) -> int:
        base = self.base(head.subsidiary)
        return amount if head.currency == base else converted(amount, head.rate, self._books.symbol(base))

    @staticmethod
    def _line(row_id: int, head: Head, number: int, leg: Leg, base: int) -> tuple[object, ...]:
        values: dict[str, object] = {
            "id": number,
            "transaction": row_id,
            "linesequencenumber": number,
            "mainline": "F" if number else "T",
            "taxline": "F",
            "entity": leg.entity or head.entity,
            "foreignamount": leg.amount,
            "netamount": base,
            "memo": leg.memo or None,
            "subsidiary": head.subsidiary,
            "_account": leg.account,
            **leg.more,
        }
        return tuple(values.get(name) for name in _LINE_COLUMNS)

    def repost_lines(self, invoice: Row) -> None:
        """After an amount of an invoice's line was changed: the other lines at the rate, the main line their sum."""
        head = Head.of(invoice)
        sql = 'SELECT uniquekey, mainline, foreignamount FROM transactionline WHERE "transaction" = ?'
        rows = self._books.rows(sql, invoice["id"])
        others = [(self.convert(row["foreignamount"], head), row) for row in rows if row["mainline"] == "F"]
        for base, row in others:
            self._books.change("transactionline", row["uniquekey"], {"netamount": base}, key="uniquekey")
        main = {"foreignamount": invoice["_amount"], "netamount": -sum(base for base, _ in others)}
        key = next(row["uniquekey"] for row in rows if row["mainline"] == "T")
        self._books.change("transactionline", key, main, key="uniquekey")

    def repost_payment(self, payment: Row, account: int | None = None) -> None:
        """After a payment's amount, account or applications changed. What it pays leaves receivables at the invoices'
        own rates, and so does what is let off as a discount; the difference to its own rate is the realized gain or
        loss."""
        head, amount = Head.of(payment), payment["_amount"]
        discount = self._discount(payment["id"])
        main: dict[str, object] = {"foreignamount": amount, "netamount": self.convert(amount, head)}
        if account is not None:
            main["_account"] = account
        self._change_line(payment["id"], 0, main)
        receivable = -self._received_at_rates(payment["id"], amount + discount, head)
        self._change_line(payment["id"], 1, {"foreignamount": -amount - discount, "netamount": receivable})
        rest = [Leg(self.roles["discounts"], discount, "Early payment discount")] if discount else []
        based = [self.convert(discount, head)] if discount else []
        self._replace_lines(payment["id"], head, 2, rest, based)

    def repost_memo(self, memo: Row) -> None:
        """After a credit memo in another currency was applied or freed, as with a payment."""
        head = Head.of(memo)
        received = self._received_at_rates(memo["id"], memo["_amount"], head)
        self._change_line(memo["id"], 0, {"netamount": -received})
        sql = 'SELECT MAX(id) AS last FROM transactionline WHERE "transaction" = ? AND _account <> ?'
        last = self._books.rows(sql, memo["id"], self.roles["gain"])[0]["last"]
        self._replace_lines(memo["id"], head, last + 1, [], [])

    def _replace_lines(self, row_id: int, head: Head, first: int, legs: list[Leg], based: list[int]) -> None:
        """Put these in place of the lines from `first` on, and what the document then lacks as gain or loss."""
        sql = 'DELETE FROM transactionline WHERE "transaction" = ? AND id >= ?'
        self._books.db.execute(sql, (row_id, first))
        sql = 'SELECT SUM(netamount) AS posted FROM transactionline WHERE "transaction" = ?'
        rest = -self._books.rows(sql, row_id)[0]["posted"] - sum(based)
        if rest:
            legs, based = [*legs, Leg(self.roles["gain"], 0, "Realized gain or loss")], [*based, rest]
        numbered = enumerate(zip(legs, based, strict=True), start=first)
        lines = [self._line(row_id, head, number, leg, base) for number, (leg, base) in numbered]
        self._books.db.executemany(_INSERT, lines)

    def _received_at_rates(self, row_id: int, amount: int, head: Head) -> int:
        """A payment or memo in base currency: what is applied at its invoices' rates, the rest at its own."""
        applied = self._books.rows(
            """SELECT l.foreignamount, t.exchangerate FROM nexttransactionlinelink l
               JOIN "transaction" t ON t.id = l.previousdoc WHERE l.nextdoc = ? AND l.linktype = ?""",
            row_id,
            APPLIED,
        )
        parts = [(row["foreignamount"], Decimal(str(row["exchangerate"]))) for row in applied]
        left = amount - sum(part for part, _ in parts)
        at_invoices = [self.convert(part, Head(head.currency, rate, head.subsidiary)) for part, rate in parts]
        return sum(at_invoices) + self.convert(left, head)

    def _discount(self, payment_id: int) -> int:
        sql = "SELECT COALESCE(SUM(_discount), 0) AS taken FROM nexttransactionlinelink WHERE nextdoc = ?"
        return int(self._books.rows(sql, payment_id)[0]["taken"])

    def clear(self, row_id: int) -> None:
        """A voided document posts nothing any more."""
        sql = 'UPDATE transactionline SET foreignamount = 0, netamount = 0 WHERE "transaction" = ?'
        self._books.db.execute(sql, (row_id,))

    def _change_line(self, row_id: int, number: int, values: Mapping[str, object]) -> None:
        sets = ", ".join(f'"{name}" = ?' for name in values)
        sql = f'UPDATE transactionline SET {sets} WHERE "transaction" = ? AND id = ?'
        self._books.db.execute(sql, (*values.values(), row_id, number))

    # ---- balances ----

    def balances(self, on: str) -> dict[int, int]:
        """What stands on each account at the end of a stored day: a bank's in its own currency, else in the base."""
        rows = self._books.rows(
            """SELECT l._account AS account, SUM(l.netamount) AS based,
                      SUM(CASE WHEN t.currency = a.currency THEN l.foreignamount ELSE 0 END) AS own
               FROM transactionline l JOIN "transaction" t ON t.id = l."transaction"
               JOIN account a ON a.id = l._account
               WHERE t.posting = 'T' AND t.trandate <= ? GROUP BY l._account""",
            on,
        )
        sums = {row["account"]: row for row in rows}
        return {
            key: 0 if key not in sums else sums[key]["own" if self._is_foreign(account) else "based"]
            for key, account in self._accounts.items()
        }

    def _is_foreign(self, account: Account) -> bool:
        if account.currency is None or account.subsidiary is None:
            return False
        return account.currency != self.base(account.subsidiary)

    def symbol(self, account_id: int) -> str:
        """The currency in which `balances` gives this account."""
        account = self._accounts[account_id]
        subsidiary = account.subsidiary or next(iter(self._bases))
        return self._books.symbol(account.currency or self.base(subsidiary))
