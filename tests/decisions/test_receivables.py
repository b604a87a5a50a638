"""The nouns compute only what follows from themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from decision_cases import DUE_ON, invoice, line, payment, usd

from connector.receivables import Customer


@pytest.mark.parametrize(
    ("balance", "disputed_lines", "disputed", "askable"),
    [
        ("100.00", [], "0.00", "100.00"),
        ("100.00", ["30.00"], "30.00", "70.00"),
        ("100.00", ["30.00", "70.00"], "100.00", "0.00"),
        # A part payment went to the undisputed lines: the dispute is never more than what is open.
        ("20.00", ["30.00"], "20.00", "0.00"),
        ("0.00", ["30.00"], "0.00", "0.00"),
        ("-5.00", [], "-5.00", "0.00"),
    ],
)
def test_what_is_asked_for_is_the_balance_less_the_dispute(balance, disputed_lines, disputed, askable):
    lines = (line("1.00"), *(line(amount, disputed=True) for amount in disputed_lines))
    subject = invoice("INV-1", balance, amount="100.00", lines=lines)

    assert usd(askable) == subject.askable
    if subject.balance.minor >= 0:
        assert usd(disputed) == subject.disputed


@pytest.mark.parametrize(("offset", "days"), [(-7, -7), (0, 0), (1, 1), (400, 400)])
def test_days_past_due_count_from_the_due_date(offset, days):
    assert days == invoice("INV-1", "1.00").days_past_due(DUE_ON + timedelta(days=offset))


def test_a_child_is_decided_with_its_parent():
    assert ("P1", "P1") == (Customer("C1", "x", parent_id="P1").family, Customer("P1", "x").family)


def test_what_was_refunded_can_not_be_applied():
    assert usd("10.00") == payment("10.00").available
    assert usd("7.50") == payment("10.00", refunded=usd("2.50")).available
