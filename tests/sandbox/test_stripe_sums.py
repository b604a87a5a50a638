"""Whatever happens in the account: the balance is the sum of its rows, and a payout the sum of its members."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.clock import WorldClock
from sandbox.stripe_cash import Drawn
from sandbox.stripe_ledger import Ledger, NotPossible

CURRENCIES = ("usd", "jpy", "kwd", "eur")
STATES = ("pending", "in_transit")


class Account:
    """An account, and what may happen to it: each deed takes a number that chooses what it is about."""

    def __init__(self) -> None:
        self.clock = WorldClock()
        self.clock.start_at(datetime(2026, 11, 2, 9, tzinfo=UTC))
        numbers = count(1)
        self.ledger = Ledger(self.clock, lambda what: next(numbers))
        self.customer = self.ledger.add_customer("Northfield Robotics", "")
        self.arrived: Counter[str] = Counter()  # what the bank has, by currency

    def do(self, deed: str, number: int) -> None:
        with suppress(NotPossible):
            DEEDS[deed](self, number)

    def one(self, kind: str, number: int) -> str:
        rows = list(self.ledger.store.select(kind))
        if not rows:
            raise NotPossible(f"there is no {kind} yet")
        return str(rows[number % len(rows)]["id"])

    def arrive(self, number: int) -> None:
        payout = self.one("payout", number)
        self.ledger.payouts.arrive(payout)
        found = self.ledger.get(payout)
        self.arrived[found["currency"]] += found["amount"]

    def fail_payout(self, number: int) -> None:
        before = self.ledger.get(self.one("payout", number))
        self.ledger.payouts.fail(before["id"])
        if before["status"] == "paid":
            self.arrived[before["currency"]] -= before["amount"]

    def apply_cash(self, number: int) -> None:
        held = self.ledger.cash.held().get(self.customer, {}).get("usd", 0)
        self.ledger.cash.apply(self.customer, "usd", [Drawn(held // 3), Drawn(held // 3 + number % 3)])

    def wait(self, number: int) -> None:
        self.clock.move_to(self.clock() + timedelta(hours=number % 100))
        before = {row["id"]: row["status"] for row in self.ledger.store.select("payout")}
        self.ledger.payouts.carry_out()
        for row in self.ledger.store.select("payout"):
            if row["status"] == "paid" and before.get(row["id"]) != "paid":
                self.arrived[row["currency"]] += row["amount"]


def _currency(number: int) -> str:
    return CURRENCIES[number % len(CURRENCIES)]


DEEDS: dict[str, Callable[[Account, int], object]] = {
    "pay": lambda at, n: at.ledger.pay(None, n + 1, _currency(n)),
    "debit": lambda at, n: at.ledger.pay(None, n + 1, "USD", method="ach", processing=n % 2 == 0),
    "settle": lambda at, n: at.ledger.settle(at.one("payment_intent", n)),
    "fail": lambda at, n: at.ledger.fail(at.one("payment_intent", n)),
    "refund": lambda at, n: at.ledger.refunds.create(at.one("payment_intent", n), n % 500 + 1, pending=n % 2 == 0),
    "fail_refund": lambda at, n: at.ledger.refunds.fail(at.one("refund", n)),
    "dispute": lambda at, n: at.ledger.disputes.open(at.one("payment_intent", n), inquiry=n % 5 == 0),
    "close": lambda at, n: at.ledger.disputes.close(at.one("dispute", n), ("won", "lost", "warning_closed")[n % 3]),
    "adjust": lambda at, n: at.ledger.adjust(n - 500, _currency(n), "other_adjustment"),
    "convert": lambda at, n: at.ledger.balance.convert("eur", "usd", Decimal(n) / 500 if n % 3 else None),
    "fund": lambda at, n: at.ledger.cash.fund(at.customer, n + 1, "usd"),
    "apply_cash": Account.apply_cash,
    "return_cash": lambda at, n: at.ledger.cash.send_back(at.customer, "usd"),
    "payout": lambda at, n: at.ledger.payouts.create(_currency(n), by_itself=n % 2 == 0),
    "manual": lambda at, n: at.ledger.payouts.create(_currency(n), n % 300 + 1, automatic=False, instant=n % 2 == 0),
    "drain": lambda at, n: at.ledger.payouts.create(_currency(n), automatic=False),
    "reconcile": lambda at, n: at.ledger.payouts.reconcile(at.one("payout", n)),
    "arrive": Account.arrive,
    "fail_payout": Account.fail_payout,
    "cancel": lambda at, n: at.ledger.payouts.cancel(at.one("payout", n)),
    "daily": lambda at, n: at.ledger.payouts.schedule(n % 2 == 0),
    "wait": Account.wait,
}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 5_000)), max_size=60))
def test_balance_payouts_and_bank_always_add_up_to_the_rows(deeds: list[tuple[str, int]]) -> None:
    account = Account()
    for name, number in [("pay", 4_000), ("pay", 4_003), ("wait", 49), *deeds]:
        account.do(name, number)
        _adds_up(account)


def _adds_up(account: Account) -> None:
    ledger = account.ledger
    rows = list(ledger.store.select("balance_transaction"))
    payouts = list(ledger.store.select("payout"))
    assert all(row["net"] == row["amount"] - row["fee"] for row in rows)
    assert all(row["fee"] == sum(detail["amount"] for detail in row["fee_details"]) for row in rows)
    for currency, (available, pending) in ledger.balance.sums().items():
        mine = [row for row in rows if row["currency"] == currency]
        unpaid = ledger.balance.unpaid(currency)
        travelling = sum(row["amount"] for row in payouts if row["currency"] == currency and row["status"] in STATES)
        earned = sum(row["net"] for row in mine if row["reporting_category"] not in ("payout", "payout_reversal"))
        assert available == sum(row["net"] for row in mine if row["status"] == "available")
        assert pending == sum(row["net"] for row in mine if row["status"] == "pending")
        assert available == sum(row["net"] for row in unpaid)
        assert earned == available + pending + travelling + account.arrived[currency]
    for payout in payouts:
        members = ledger.payouts.members(payout["id"])
        others = [row for row in members if row["id"] != payout["balance_transaction"]]
        assert (not members) == (not payout["automatic"])
        assert not members or sum(row["net"] for row in others) == payout["amount"] != 0
    held = sum(row["net_amount"] for row in ledger.store.select("customer_cash_balance_transaction"))
    assert held == ledger.cash.held().get(account.customer, {}).get("usd", 0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 900), st.integers(0, 3)), min_size=1, max_size=40), st.integers(1, 7))
def test_lists_by_index_find_what_a_walk_through_everything_finds(payments: list[tuple[int, int]], step: int) -> None:
    account = Account()
    store = account.ledger.store
    for amount, kind in payments:
        account.ledger.pay(account.customer if kind % 2 else None, amount, _currency(kind))
        account.do("refund", amount)
        account.clock.move_to(account.clock() + timedelta(hours=step))
    everything = list(store.select("balance_transaction"))
    middle = everything[len(everything) // 2]

    assert everything == sorted(everything, key=lambda row: -row["created"])
    for fields in ({"type": "refund"}, {"currency": "jpy"}, {"currency": "usd", "type": "charge"}):
        fitting = [row for row in everything if fields.items() <= row.items()]
        newer = everything[: everything.index(middle)]
        assert fitting == list(store.select("balance_transaction", fields))
        assert [row for row in fitting if row in everything[everything.index(middle) + 1 :]] == list(
            store.select("balance_transaction", fields, after=middle["id"])
        )
        assert [row for row in fitting if row in newer][::-1] == list(
            store.select("balance_transaction", fields, before=middle["id"])
        )
        assert [row for row in fitting if row["created"] < middle["created"]] == list(
            store.select("balance_transaction", fields, below=middle["created"])
        )
        assert [row for row in fitting if row["created"] >= middle["created"]] == list(
            store.select("balance_transaction", fields, since=middle["created"])
        )
