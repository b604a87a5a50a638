"""The books behind the false Intacct: debits are credits, receivables are what is open, and what is refused was never
there."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_books import DAY, DUE, Desk, opened

from sandbox.intacct.amounts import cents, fixed
from sandbox.intacct.refusal import Refusal


@pytest.fixture
def desk() -> Desk:
    return opened()


def balance(desk: Desk, role: str) -> str:
    return desk.books.balances()[desk.books.accounts[role]]


def test_an_invoice_a_payment_and_its_rest_stand_on_their_accounts(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00", tax=["10.00"])

    payment = desk.books.pay_by_hand(customer, "200.00", DAY, [(invoice, "160.00")])

    assert ("200.00", "-40.00") == (balance(desk, "bank"), balance(desk, "receivable"))
    assert ("-150.00", "-10.00") == (balance(desk, "sales"), balance(desk, "tax"))
    assert "40.00" == desk.shown(payment)["unapplied"]
    assert desk.shown(invoice)["closed"]


def test_balances_are_those_at_the_end_of_a_day(desk: Desk) -> None:
    desk.invoice(desk.customer(), "INV-1", "100.00")

    assert "0.00" == desk.books.balances(date(2026, 10, 31))["1100"]
    assert "100.00" == desk.books.balances(date(2026, 11, 1))["1100"]


def test_what_rates_leave_over_is_gain_or_loss(desk: Desk) -> None:
    desk.books.set_rate("EUR", "1.10", date(2026, 11, 1))
    desk.books.set_rate("EUR", "1.20", DAY)
    customer = desk.customer(currency="EUR")
    invoice = desk.invoice(customer, "INV-1", "100.00")

    desk.books.pay_by_hand(customer, "100.00", DAY, [(invoice, "100.00")])

    assert ("120.00", "0.00", "-10.00") == tuple(balance(desk, role) for role in ("bank", "receivable", "gain"))
    assert [] == desk.books.truth()["violations"]


def test_a_bank_in_another_currency_is_shown_in_its_own(desk: Desk) -> None:
    euros = desk.books.add_account("", "Euro account", "Bank", "EUR")
    customer = desk.customer(currency="EUR")
    invoice = desk.invoice(customer, "INV-1", "100.00")

    desk.books.pay_by_hand(customer, "100.00", DAY, [(invoice, "100.00")], account=euros)

    assert "100.00" == desk.books.balances()[euros]
    dollars = desk.customer("Dollar")
    other = desk.invoice(dollars, "INV-2", "5.00")
    with pytest.raises(Refusal, match="can't take USD"):
        desk.books.pay_by_hand(dollars, "5.00", DAY, [(other, "5.00")], account=euros)


def test_a_refused_change_leaves_not_a_byte(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.invoice(customer, "INV-1", "100.00")
    desk.books.pay_by_hand(customer, "40.00", DAY, [(invoice, "40.00")])
    before, said = desk.books.dump(), list(desk.commits)

    def everything() -> None:
        with desk.books.saving():
            desk.books.set_hold(invoice, "a hold that is rolled back")
            desk.books.add_customer("Nobody", "", None)
            desk.books.pay_by_hand(customer, "100.00", DAY, [(invoice, "100.00")])

    with pytest.raises(Refusal):
        everything()

    assert before == desk.books.dump()
    assert said == desk.commits


def test_what_is_nested_rolls_back_alone(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.invoice(customer, "INV-1", "100.00")

    with desk.books.saving():
        desk.books.set_hold(invoice, "stays")
        with pytest.raises(Refusal):
            desk.books.pay_by_hand(customer, "100.00", DAY, [(invoice, "100.01")])

    assert "stays" == desk.books.invoice(invoice)["ARC_HOLD_REASON"]
    assert "100.00" == desk.shown(invoice)["balance"]


class Deeds:
    """Deeds on whatever is there; what the books refuse simply did not happen."""

    def __init__(self) -> None:
        self.desk = opened()
        self.books = self.desk.books
        self.books.set_rate("EUR", "1.0713", date(2026, 10, 1))
        self.books.set_rate("EUR", "1.1377", date(2026, 10, 15))
        self.customers = {symbol: self.desk.customer(f"Northfield {symbol}", symbol) for symbol in ("USD", "EUR")}
        self.terms = ["Net 30", self.books.add_term("2% 10 Net 30", 30, "2", 10)]
        self.made: defaultdict[str, list[str]] = defaultdict(list)

    def do(self, deed: str, size: int, symbol: str) -> None:
        self.size, self.symbol, self.amount = size, symbol, fixed(size)
        self.customer = self.customers[symbol]
        getattr(self, deed)()

    def any(self, kind: str) -> str:
        """One that was made in this currency."""
        there = self.made[f"{kind} {self.symbol}"]
        return there[self.size % len(there)] if there else "0"

    def keep(self, kind: str, made: str) -> None:
        self.made[f"{kind} {self.symbol}"].append(made)

    # ---- documents ----

    def invoice(self, *, is_order: bool = False) -> None:
        issued, term = date(2026, 10, self.size % 28 + 1), self.terms[self.size % 2]
        lines = [{"amount": self.amount}, {"amount": fixed(self.size // 3 + 1)}]
        number = f"INV-{len(self.made[f'invoice {self.symbol}'])}"
        how = {"order_entry": is_order}
        self.keep(
            "invoice", self.books.add_invoice(self.customer, number, issued, DUE, lines, self.symbol, term, **how)
        )

    def order(self) -> None:
        self.invoice(is_order=True)

    def memo(self) -> None:
        number, on = f"CM-{len(self.made[f'memo {self.symbol}'])}", date(2026, 10, self.size % 28 + 1)
        self.keep("memo", self.books.add_credit_memo(self.customer, number, on, self.amount))

    def credit_invoice(self) -> None:
        number = f"CM-{len(self.made[f'memo {self.symbol}'])}"
        applied = self.size % 2 == 0
        self.keep("memo", self.books.credit_invoice(self.any("invoice"), DAY, self.amount, number, apply=applied))

    def write_off(self) -> None:
        self.keep("memo", self.books.write_off(self.any("invoice"), DAY))

    def edit_line(self) -> None:
        self.books.edit_line_amount(self.any("invoice"), 1, self.amount)

    def edit_order(self) -> None:
        self.books.edit_order(self.any("invoice"), 1, self.amount)

    def void(self) -> None:
        self.books.void(self.any("invoice"))

    def void_memo(self) -> None:
        self.books.void_document(self.any(("memo", "refund", "money")[self.size % 3]))

    # ---- money ----

    def pay(self) -> None:
        parts = [(self.any("invoice"), fixed(max(1, self.size // 2)))]
        where = ("undeposited", "clearing")[self.size % 2]
        self.keep("payment", self.books.pay_by_hand(self.customer, self.amount, DAY, parts, account=where))

    def advance(self) -> None:
        where = ("undeposited", "clearing")[self.size % 2]
        self.keep("payment", self.books.pay_by_hand(self.customer, self.amount, DAY, account=where))

    def mixed(self) -> None:
        """It takes the discount and as much of a memo as helps."""
        invoice, memo = self.any("invoice"), self.any("memo")
        owed, left = self.books.invoice(invoice), cents(self.desk.shown(memo)["unapplied"])
        open_ = owed["total"] - owed["paid"] - owed["discounted"] - owed["selected"]
        discount = min(owed["_discount"], open_)
        settled = min(open_ - discount, self.size + left)
        line = {"amount": fixed(settled), "discount": fixed(discount)}
        credits = {memo: fixed(min(left, settled))}
        self.keep("payment", self.books.enter_payment(self.customer, self.amount, DAY, {invoice: line}, credits))

    def draft(self) -> None:
        parts = [(self.any("invoice"), fixed(max(1, self.size // 3)))]
        self.keep("draft", self.books.draft_payment(self.customer, self.amount, DAY, parts))

    def submit(self) -> None:
        draft = self.any("draft")
        self.books.submit_payment(draft)
        self.keep("payment", draft)

    def delete_draft(self) -> None:
        self.books.delete_document(self.any("draft"))

    def credit(self) -> None:
        self.books.apply_credit(self.any("memo"), fifo=True)

    def fifo(self) -> None:
        self.books.apply_payment(self.any("payment"), fifo=True)

    def rest(self) -> None:
        self.books.apply_payment(self.any("payment"), {self.any("invoice"): fixed(self.size // 5 + 1)})

    def unapply(self) -> None:
        self.books.unapply(self.any(("memo", "payment")[self.size % 2]), self.any("invoice"))

    def void_payment(self) -> None:
        self.books.void_payment(self.any("payment"))

    def refund(self) -> None:
        self.keep("refund", self.books.refund_by_hand(self.any("payment"), fixed(self.size // 4 + 1), DAY))

    def deposit(self) -> None:
        lines = [{"account": "fees", "amount": "-0.01"}]
        self.keep("money", self.books.deposit_by_hand(DAY, [self.any("payment")], lines))

    def payout(self) -> None:
        lines = [{"account": "fees", "amount": "-0.01"}, {"account": "clearing", "amount": self.amount}]
        self.keep("money", self.books.deposit_by_hand(DAY, (), lines))

    def journal(self) -> None:
        lines = [{"account": "fees", "debit": self.amount}, {"account": "clearing", "credit": self.amount}]
        self.keep("money", self.books.journal_by_hand(DAY, lines))

    def move(self) -> None:
        self.books.move_line(self.any("money"), "fees", "adjustments")


DEEDS = sorted(name for name in vars(Deeds) if not name.startswith("_") and name not in ("do", "any", "keep"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(1, 50_000), st.sampled_from(["USD", "EUR"])), max_size=30)
)
def test_debits_are_credits_in_every_document_and_receivables_are_what_is_open(
    deeds: list[tuple[str, int, str]],
) -> None:
    company = Deeds()
    books = company.books
    for deed, size, symbol in [("invoice", 30_000, "USD"), ("invoice", 20_000, "EUR"), *deeds]:
        before = books.dump()
        try:
            company.do(deed, size, symbol)
        except (Refusal, LookupError):
            assert before == books.dump(), f"{deed} left something behind"

    assert [] == books.truth()["violations"]
    assert Decimal(0) == sum((Decimal(amount) for amount in books.balances().values()), Decimal(0))
    for symbol in ("USD", "EUR"):
        assert open_by_documents(company.desk, symbol) == open_by_account(company.desk, symbol)


def open_by_account(desk: Desk, symbol: str) -> Decimal:
    """The control accounts' side, receivables and advances: postings in the documents' own currency."""
    accounts = tuple(desk.books.accounts[role] for role in ("receivable", "advances"))
    sql = "SELECT COALESCE(SUM(trx_amount), 0) AS s FROM posting WHERE accountno IN (?, ?) AND currency = ?"
    return Decimal(desk.books.rows(sql, *accounts, symbol)[0]["s"]).scaleb(-2)


def open_by_documents(desk: Desk, symbol: str) -> Decimal:
    """The customers' side: what invoices owe, less what payments and memos have left, by the truth."""
    told = desk.books.truth()
    owed = sum(Decimal(one["balance"]) for one in told["invoices"] if one["currency"] == symbol)
    left = sum(
        Decimal(one["unapplied"]) for kind in ("payments", "credits") for one in told[kind] if one["currency"] == symbol
    )
    debit_memos = """SELECT COALESCE(SUM(total - paid - discounted), 0) AS s FROM record
                     WHERE recordtype = 'ra' AND total > 0 AND state NOT IN ('V', 'R') AND currency = ?"""
    return owed - left + Decimal(desk.books.rows(debit_memos, symbol)[0]["s"]).scaleb(-2)
