"""Was this invoice overdue before sending was switched on, or during a long outage?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from decision_cases import POLICY, invoice
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import backlog
from connector.decisions.backlog import BacklogOutcome, Statement
from connector.money import Money
from connector.policy import BacklogChoice, BacklogLimits

# Monday 2026-11-02 is the day of the decision unless said; the outage bound is 3 business days.
MON_2 = date(2026, 11, 2)
FRI_30, THU_29, WED_28, TUE_27, MON_26 = (MON_2 - timedelta(days=n) for n in (3, 4, 5, 6, 7))
SWITCHED_ON = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("due_on", "first_seen_on", "auto_since", "last_tick_on", "outcome"),
    [
        # due                first seen           auto since   last tick  outcome
        (date(2026, 11, 9), date(2026, 9, 1), SWITCHED_ON, MON_2, "current"),
        (MON_2, date(2026, 9, 1), SWITCHED_ON, MON_2, "current"),
        (date(2026, 9, 30), date(2026, 9, 1), SWITCHED_ON, MON_2, "overdue_at_switch"),
        (date(2026, 10, 1), date(2026, 9, 1), SWITCHED_ON, MON_2, "current"),
        # Not switched on yet: as if today, so that shadow shows what would happen.
        (FRI_30, date(2026, 9, 1), None, MON_2, "overdue_at_switch"),
        # An old book that came into sight late; due on receipt and read the next week is not one.
        (date(2026, 10, 5), FRI_30, SWITCHED_ON, MON_2, "overdue_at_first_sight"),
        (MON_26, FRI_30, SWITCHED_ON, MON_2, "current"),
        (date(2026, 10, 23), FRI_30, SWITCHED_ON, MON_2, "overdue_at_first_sight"),
        # Four whole business days without a tick, Tuesday to Friday.
        (FRI_30, date(2026, 9, 1), SWITCHED_ON, MON_26, "overdue_after_outage"),
        (FRI_30, date(2026, 9, 1), SWITCHED_ON, TUE_27, "current"),
        (MON_2, date(2026, 9, 1), SWITCHED_ON, MON_26, "current"),
        (FRI_30, date(2026, 9, 1), SWITCHED_ON, None, "current"),
        # Precedence: two or three at once.
        (date(2026, 9, 1), MON_26, SWITCHED_ON, MON_26, "overdue_at_switch"),
        (date(2026, 10, 5), FRI_30, SWITCHED_ON, MON_26, "overdue_at_first_sight"),
    ],
)
def test_what_enters_the_backlog(due_on, first_seen_on, auto_since, last_tick_on, outcome):
    verdict = backlog.decide(
        invoice("INV-1", "1.00", due_on=due_on), first_seen_on, auto_since, last_tick_on, MON_2, POLICY
    )

    assert outcome == verdict.outcome
    assert (outcome != "current") == bool(verdict)
    assert str(due_on) in verdict.reason or "outage" in verdict.reason


def test_every_outcome_is_named_in_the_table():
    assert {"current", "overdue_at_switch", "overdue_at_first_sight", "overdue_after_outage"} == set(BacklogOutcome)


# ---- the way out ----

LIMITS = BacklogLimits(customers_a_day_max=3, days_past_due_max=60, amount_max=(Money(2_500_000, "USD"),))


@pytest.mark.parametrize(
    ("balance", "currency", "days", "stays"),
    [
        ("100.00", "USD", 60, ""),
        ("100.00", "USD", 61, "61 days past due, more than 60"),
        ("25000.00", "USD", 60, ""),
        ("25000.01", "USD", 10, "25,000.01 USD is open, more than 25,000.00 USD"),
        # No limit is given for this currency.
        ("9000000", "JPY", 10, ""),
        ("25000.01", "USD", 61, "61 days past due"),
    ],
)
@pytest.mark.parametrize("choice", BacklogChoice)
def test_past_the_limits_an_invoice_stays_on_the_worklist_whatever_was_chosen(balance, currency, days, stays, choice):
    one = invoice("INV-1", balance, currency=currency, due_on=MON_2 - timedelta(days=days))
    way = backlog.way_out(one, choice, LIMITS, MON_2)

    assert (BacklogChoice.WORKLIST if stays else choice) == way.choice
    assert way.reason.startswith(stays)
    assert bool(stays) == bool(way.reason)


def owed(number: str, customer_id: str, days: int, balance: str = "100.00"):
    return invoice(number, balance, customer_id=customer_id, due_on=MON_2 - timedelta(days=days))


OLD_BOOK = (
    owed("INV-1", "A", 10),
    owed("INV-2", "B", 40),
    owed("INV-3", "A", 50),
    owed("INV-4", "C", 61),
    owed("INV-5", "D", 30),
    owed("INV-6", "D", 5, "25000.01"),
    owed("INV-7", "E", 30),
)


def test_the_oldest_debt_gets_its_statement_first_and_only_so_many_customers_a_day():
    chosen = backlog.statements(OLD_BOOK, frozenset(), 0, LIMITS, MON_2)

    assert (Statement("A", ("3", "1")), Statement("B", ("2",)), Statement("D", ("5",))) == chosen


@pytest.mark.parametrize(
    ("told", "told_today", "customers"),
    [
        (set(), 0, ["A", "B", "D"]),
        (set(), 2, ["A"]),
        (set(), 3, []),
        (set(), 4, []),
        ({"A", "B"}, 0, ["D", "E"]),
        ({"A", "B"}, 2, ["D"]),
        ({"A", "B", "D", "E"}, 0, []),
    ],
)
def test_nobody_gets_a_second_statement(told, told_today, customers):
    chosen = backlog.statements(OLD_BOOK, frozenset(told), told_today, LIMITS, MON_2)

    assert customers == [one.customer_id for one in chosen]


@given(
    st.lists(st.tuples(st.integers(1, 90), st.sampled_from("ABCDEF")), max_size=30),
    st.frozensets(st.sampled_from("ABCDEF")),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_statements_are_few_and_each_customer_has_one_at_most(debts, told, told_today, order):
    book = [owed(f"INV-{n}", customer, days) for n, (days, customer) in enumerate(debts)]
    chosen = backlog.statements(book, told, told_today, LIMITS, MON_2)
    order.shuffle(book)
    customers = [one.customer_id for one in chosen]

    assert chosen == backlog.statements(book, told, told_today, LIMITS, MON_2)
    assert len(customers) == len(set(customers)) <= max(3 - told_today, 0)
    assert not told & set(customers)
    assert all(one.days_past_due(MON_2) <= 60 for one in book if any(one.id in made.invoice_ids for made in chosen))
