"""Money that came back: when is it taken back in the ERP by us, as what, and when must a person do it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.decisions import reversal
from connector.decisions.reversal import Ledger, Posted, ReversalHold, ReversalHoldReason
from connector.money import Money
from connector.policy import ClosedPeriod
from connector.receivables import (
    CameBack,
    CloseIntent,
    CreditUse,
    Payment,
    PaymentApplication,
    PaymentSeen,
    PaymentState,
    PaymentToPost,
    Receipt,
)
from connector.settlement import AccountRole, Period, ReversalIntent, Settlement, SettleThrough

TODAY, RECEIVED_ON, BACK_ON = date(2026, 10, 7), date(2026, 9, 28), date(2026, 9, 30)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


PAYMENT = Payment(
    "py_1",
    usd("1000.00"),
    PaymentState.RETURNED,
    datetime(2026, 9, 28, 12, tzinfo=UTC),
    RECEIVED_ON,
    customer_id="C1",
    came_back=CameBack(BACK_ON, usd("1000.00")),
)
TO_POST = PaymentToPost(
    "arc-acme-pay-py_1-1",
    "C1",
    usd("1000.00"),
    RECEIVED_ON,
    (PaymentApplication("1", usd("700.00")), PaymentApplication("2", usd("300.00"))),
    "stripe py_1",
    subsidiary="3",
    ar_account="119",
)
APPLIED = (("1", usd("700.00")), ("2", usd("300.00")))
SEEN = PaymentSeen("501", "C1", usd("1000.00"), APPLIED, voided=False)
ROLES = frozenset({AccountRole.CLEARING, AccountRole.BANK, AccountRole.DISPUTES})
LEDGER = Ledger(Settlement("USD", SettleThrough.CLEARING, "3", ROLES), (), ClosedPeriod.HOLD, TODAY)
SEPTEMBER = Period("Sep 2026", date(2026, 9, 1), date(2026, 9, 30), is_locked=True)
OCTOBER = Period("Oct 2026", date(2026, 10, 1), date(2026, 10, 31), is_locked=False)


def posted(to_post: PaymentToPost = TO_POST) -> Posted:
    return Posted((CloseIntent("py_1-1", to_post, (), Receipt("r", to_post.external_id, "")),), "501", APPLIED)


def decide(**changes: Any) -> ReversalIntent | ReversalHold:
    given: dict[str, Any] = {
        "payment": PAYMENT,
        "posted": posted(),
        "seen": SEEN,
        "ledger": LEDGER,
        "returned_on": BACK_ON,
        "why_not": "",
        "installation": "acme",
        "generation": 1,
    }
    return reversal.decide(**(given | changes))


def test_a_whole_payment_of_ours_is_taken_back_on_the_day_on_which_it_came_back() -> None:
    assert decide() == ReversalIntent(
        act_id="py_1-rev-1",
        external_id="arc-acme-rev-py_1-1",
        payment_id="py_1",
        payment_external_id="arc-acme-pay-py_1-1",
        payment_erp_id="501",
        customer_id="C1",
        amount=usd("1000.00"),
        applied=APPLIED,
        role=AccountRole.CLEARING,
        returned_on=BACK_ON,
        posted_on=BACK_ON,
        memo="stripe py_1 came back on 2026-09-30",
        subsidiary="3",
        ar_account="119",
    )


@pytest.mark.parametrize(
    ("changes", "role"),
    [
        ({}, AccountRole.CLEARING),
        ({"payment": replace(PAYMENT, came_back=None)}, AccountRole.CLEARING),  # its day is ours, then
        ({"payment": replace(PAYMENT, came_back=CameBack(BACK_ON, usd("1000.00"), True))}, AccountRole.DISPUTES),
        ({"posted": posted(replace(TO_POST, deposit_account="221"))}, AccountRole.BANK),
    ],
)
def test_it_goes_against_the_account_that_the_return_hit(changes: dict[str, Any], role: AccountRole) -> None:
    found = decide(**changes)

    assert isinstance(found, ReversalIntent)
    assert found.role is role


def test_a_later_application_of_its_rest_comes_off_with_it() -> None:
    rest = replace(TO_POST, erp_id="501", applications=(PaymentApplication("2", usd("300.00")),))
    first = replace(TO_POST, applications=(PaymentApplication("1", usd("700.00")),))
    acts = (*posted(first).intents, *posted(rest).intents)

    found = decide(posted=Posted(acts, "501", APPLIED))

    assert isinstance(found, ReversalIntent)
    assert found.applied == APPLIED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"why_not": "posting is in suggest"}, ReversalHoldReason.SWITCHED_OFF),
        ({"posted": posted(replace(TO_POST, erp_id="400"))}, ReversalHoldReason.NOT_OURS),
        (
            {"payment": replace(PAYMENT, came_back=CameBack(BACK_ON, usd("999.99")))},
            ReversalHoldReason.A_PART,
        ),
        ({"payment": replace(PAYMENT, refunded=usd("0.01"))}, ReversalHoldReason.A_PART),
        ({"posted": posted(replace(TO_POST, amount=usd("999.99")))}, ReversalHoldReason.A_PART),
        (
            {"posted": posted(replace(TO_POST, credits=(CreditUse("9", usd("1.00")),)))},
            ReversalHoldReason.NOT_CASH_ALONE,
        ),
        (
            {
                "posted": posted(
                    replace(TO_POST, applications=(PaymentApplication("1", usd("1000.00"), discount=usd("1.00")),))
                )
            },
            ReversalHoldReason.NOT_CASH_ALONE,
        ),
        ({"seen": None}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, voided=True)}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, erp_id="502")}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, amount=usd("1000.01"))}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, applications=APPLIED[:1])}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, applications=(*APPLIED, ("3", usd("0.01"))))}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, credits=(("9", usd("1.00")),))}, ReversalHoldReason.CHANGED),
        ({"seen": replace(SEEN, discounts=(("1", usd("1.00")),))}, ReversalHoldReason.CHANGED),
        (
            {
                "payment": replace(PAYMENT, came_back=CameBack(BACK_ON, usd("1000.00"), True)),
                "ledger": replace(LEDGER, settlement=None),
            },
            ReversalHoldReason.NO_ACCOUNT,
        ),
        ({"ledger": replace(LEDGER, periods=(SEPTEMBER, OCTOBER))}, ReversalHoldReason.CLOSED_PERIOD),
        (
            {"ledger": replace(LEDGER, periods=(SEPTEMBER,), closed_period=ClosedPeriod.FIRST_OPEN)},
            ReversalHoldReason.CLOSED_PERIOD,
        ),
        ({"posted": posted(replace(TO_POST, exchange_rate="1.0837"))}, ReversalHoldReason.FOREIGN_RATE),
    ],
)
def test_whatever_is_not_sure_in_every_part_is_a_persons(changes: dict[str, Any], reason: ReversalHoldReason) -> None:
    found = decide(**changes)

    assert isinstance(found, ReversalHold)
    assert found.reason is reason
    assert found.text


def test_a_closed_period_moves_it_to_the_first_open_day_where_finance_allows_that() -> None:
    ledger = replace(LEDGER, periods=(SEPTEMBER, OCTOBER), closed_period=ClosedPeriod.FIRST_OPEN)

    found = decide(ledger=ledger)

    assert isinstance(found, ReversalIntent)
    assert (found.returned_on, found.posted_on) == (BACK_ON, date(2026, 10, 1))


def test_why_converted_money_is_a_persons_names_the_rate() -> None:
    found = decide(posted=posted(replace(TO_POST, exchange_rate="1.0837")))

    assert isinstance(found, ReversalHold)
    assert "it was converted at 1.0837" in found.text


def test_the_erp_has_the_last_word() -> None:
    intent = decide()

    assert isinstance(intent, ReversalIntent)
    assert reversal.asked(intent, "") is intent
    held = reversal.asked(intent, "receipt 501 lies in deposit 9")
    assert held == ReversalHold(ReversalHoldReason.THE_ERP, "receipt 501 lies in deposit 9")


def test_each_reversal_has_ids_of_its_own() -> None:
    first, second = decide(), decide(generation=2)

    assert isinstance(first, ReversalIntent) and isinstance(second, ReversalIntent)
    assert len({first.external_id, second.external_id}) == len({first.act_id, second.act_id}) == 2
