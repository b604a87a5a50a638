"""The record of a payout adds up before it leaves: payments and lines are what reaches the bank."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from lxml import etree
from netsuite_cases import CLEARING, NOW, StandingClock, mapping, settings

from connector.adapters.netsuite import NetSuiteErp
from connector.adapters.netsuite.deposits import Deposits, _seen, unsayable
from connector.money import Money
from connector.settlement import AccountRole, DepositIntent, DepositKind, DepositLine

ROLES = sorted(CLEARING.roles.keys() - {AccountRole.BANK})  # disputes and adjustments share one account
LINES = st.lists(st.tuples(st.sampled_from(ROLES), st.integers(-(10**9), 10**9).filter(bool)), min_size=1, max_size=8)
PAYMENTS = st.lists(st.integers(1, 10**9), max_size=5)
SHARED = limits(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def deposits() -> Iterator[Deposits]:
    erp = NetSuiteErp(settings(), mapping(settlement=(CLEARING,)), StandingClock())
    yield erp._deposits
    erp.close()


def payout(kind: DepositKind, lines: list[tuple[AccountRole, int]], payments: list[int]) -> DepositIntent:
    return DepositIntent(
        act_id="po_1-0",
        external_id="arc-demo-dep-po_1-0",
        payout_id="po_1",
        kind=kind,
        amount=Money(sum(minor for _, minor in lines) + sum(payments), "USD"),
        posted_on=NOW.date(),
        payments=tuple((str(number), Money(minor, "USD")) for number, minor in enumerate(payments, start=7)),
        lines=tuple(DepositLine(role, Money(minor, "USD"), "po_1") for role, minor in lines),
        memo="Stripe payout po_1",
    )


def sum_of(parts: list[Any], name: str = "amount") -> Decimal:
    return sum((Decimal(part[name]) for part in parts if part[name]), Decimal())


@SHARED
@given(LINES, PAYMENTS)
def test_what_a_deposit_says_adds_up_to_the_payout(
    deposits: Deposits, lines: list[tuple[AccountRole, int]], payments: list[int]
) -> None:
    intent = payout(DepositKind.DEPOSIT, lines, payments)

    record = deposits._deposit(intent, CLEARING)

    others = record.otherList.depositOther if record.otherList else []
    back = record.cashBackList.depositCashBack if record.cashBackList else []
    taken = record.paymentList.depositPayment if record.paymentList else []
    paid = Money(sum(payments), "USD").decimal()
    assert intent.amount.decimal() == paid + sum_of(others) - sum_of(back)
    assert all(Decimal(part["amount"]) > 0 for part in (*others, *back))
    assert [int(erp_id) for erp_id, _ in intent.payments] == [part["id"] for part in taken]
    assert "221" == record.account.internalId


@SHARED
@given(LINES)
def test_a_journal_balances_and_is_read_as_it_was_meant(
    deposits: Deposits, lines: list[tuple[AccountRole, int]]
) -> None:
    intent = payout(DepositKind.JOURNAL, lines, [])

    record = deposits._journal(intent, CLEARING, "1")
    message = deposits._soap._message("addList", "test", record=[record])
    (sent,) = message.iter(deposits._soap.tag("messages:record"))
    held = deposits._parsed(etree.fromstring(etree.tostring(sent)), DepositKind.JOURNAL, "USD", CLEARING)
    seen = _seen(held, CLEARING, intent)

    assert sum_of(record.lineList.line, "debit") == sum_of(record.lineList.line, "credit")
    assert intent.amount == seen.amount
    assert {role: sum(minor for one, minor in lines if one is role) for role in ROLES} == {
        role: dict(seen.by_role).get(role, Money.zero("USD")).minor for role in ROLES
    }


@pytest.mark.parametrize(
    ("kind", "lines", "payments", "why"),
    [
        (DepositKind.DEPOSIT, [(AccountRole.CLEARING, 1)], [], ""),
        (DepositKind.DEPOSIT, [(AccountRole.CLEARING, 5), (AccountRole.FEES, -5)], [], ""),
        (DepositKind.DEPOSIT, [(AccountRole.FEES, -1)], [], "a deposit can't be negative"),
        (DepositKind.JOURNAL, [(AccountRole.FEES, -1)], [], ""),
        (DepositKind.JOURNAL, [(AccountRole.FEES, -2)], [1], "a journal can't take payments"),
        (DepositKind.DEPOSIT, [(AccountRole.RESERVES, 1)], [], "names no account for reserves"),
    ],
)
def test_what_a_deposit_can_say(
    kind: DepositKind, lines: list[tuple[AccountRole, int]], payments: list[int], why: str
) -> None:
    told = unsayable(payout(kind, lines, payments), CLEARING)

    assert (bool(why), why in told) == (bool(told), True)


def test_a_settlement_without_a_bank_account_posts_nothing() -> None:
    shown_only = CLEARING.model_copy(update={"accounts": CLEARING.accounts.model_copy(update={"bank": None})})

    told = unsayable(payout(DepositKind.DEPOSIT, [(AccountRole.CLEARING, 1)], []), shown_only)

    assert "names no account for bank" in told
