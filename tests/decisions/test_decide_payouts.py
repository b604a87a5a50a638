"""What is in this payout, does it add up, and which deposit does it become?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from decision_cases import usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import payouts
from connector.decisions.payouts import PayoutHold, PayoutOutcome, PayoutVerdict
from connector.money import Money
from connector.policy import ClosedPeriod
from connector.settlement import (
    AccountRole,
    BalanceTransaction,
    Category,
    DepositKind,
    Payout,
    PayoutState,
    Period,
    Settlement,
    SettleThrough,
)

CUTOVER_ON = date(2026, 10, 1)
ARRIVED_ON = date(2026, 10, 8)
OCTOBER = Period("Oct 2026", date(2026, 10, 1), date(2026, 10, 31), is_locked=False)
NOVEMBER = Period("Nov 2026", date(2026, 11, 1), date(2026, 11, 30), is_locked=False)
ALL_ROLES = frozenset(AccountRole) - {AccountRole.RECEIVABLE}
CLEARING = Settlement("USD", SettleThrough.CLEARING, "2", ALL_ROLES)
UNDEPOSITED = Settlement("USD", SettleThrough.UNDEPOSITED, "2", ALL_ROLES)


def member(id: str, category: str, amount: str, fee: str = "0.00", **more: Any) -> BalanceTransaction:
    on = more.pop("on", date(2026, 10, 6))
    values: dict[str, Any] = {
        "payment_id": id.replace("txn", "ch"),
        "net": usd(amount) - usd(fee),
        "created_at": datetime(on.year, on.month, on.day, 12, tzinfo=UTC),
        "created_on": on,
    }
    return BalanceTransaction(id, Category(category), usd(amount), usd(fee), **(values | more))


def payout(*members: BalanceTransaction, **more: Any) -> Payout:
    """Automatic, reconciled and arrived; its amount is what its members come to unless said."""
    values: dict[str, Any] = {
        "id": "po_1",
        "amount": Money.total((one.net for one in members if one.net.currency == "USD"), "USD"),
        "state": PayoutState.PAID,
        "is_automatic": True,
        "is_reconciled": True,
        "created_at": datetime(2026, 10, 7, 0, 0, tzinfo=UTC),
        "arrives_on": ARRIVED_ON,
        "members": members,
    }
    return Payout(**(values | more))


def decide(paid_out: Payout, settlement: Settlement | None = CLEARING, **more: Any) -> PayoutVerdict:
    values: dict[str, Any] = {
        "payments": {},
        "cutover_on": CUTOVER_ON,
        "periods": (OCTOBER, NOVEMBER),
        "closed_period": ClosedPeriod.HOLD,
        "installation": "k7",
        "generation": 1,
        "act_id": "po_1-1",
        "today": ARRIVED_ON,
    }
    return payouts.decide(paid_out, settlement, **(values | more))


def lines(verdict: PayoutVerdict) -> dict[str, str]:
    """Role -> amount of a deposit; anything else fails the test with its reason."""
    assert verdict.intent is not None, verdict
    return {line.role.value: line.amount.plain() for line in verdict.intent.lines}


CHARGE = member("txn_1", "charge", "500.00", "14.80")
MIXED = (
    CHARGE,
    member("txn_2", "charge", "300.00", "9.00"),
    member("txn_3", "refund", "-100.00", payment_id="ch_1"),
    member("txn_4", "dispute", "-300.00", "15.00", payment_id="ch_2"),
    member("txn_5", "fee", "-2.00", payment_id=""),
    member("txn_6", "adjustment", "1.00", payment_id=""),
    member("txn_7", "reserve", "-50.00", payment_id=""),
)
PAYMENTS = {"ch_1": ("7001", usd("500.00")), "ch_2": ("7002", usd("300.00"))}


# ---- what is posted ----


def test_through_clearing_a_payout_is_one_line_a_role_and_no_payment():
    verdict = decide(payout(*MIXED))

    assert PayoutOutcome.POST is verdict.outcome
    assert {
        "clearing": "700.00",
        "fees": "-40.80",
        "disputes": "-300.00",
        "adjustments": "1.00",
        "reserves": "-50.00",
    } == lines(verdict)
    assert verdict.intent is not None
    assert () == verdict.intent.payments
    assert ["2 charges, 1 refund", "1 dispute"] == [
        line.memo for line in verdict.intent.lines if line.role in ("clearing", "disputes")
    ]
    assert "= 310.20 USD" in verdict.reason


def test_through_undeposited_funds_the_payments_are_taken_out_and_refunds_have_a_line():
    verdict = decide(payout(*MIXED), UNDEPOSITED, payments=PAYMENTS)

    assert verdict.intent is not None
    assert (("7001", usd("500.00")), ("7002", usd("300.00"))) == verdict.intent.payments
    assert {
        "fees": "-40.80",
        "refunds": "-100.00",
        "disputes": "-300.00",
        "adjustments": "1.00",
        "reserves": "-50.00",
    } == lines(verdict)


def test_the_record_carries_ids_that_are_made_from_what_it_is():
    intent = decide(payout(CHARGE), generation=3, act_id="po_1-3").intent

    assert intent is not None
    assert ("po_1-3", "arc-k7-dep-po_1-3", "po_1") == (intent.act_id, intent.external_id, intent.payout_id)
    assert (DepositKind.DEPOSIT, usd("485.20"), ARRIVED_ON, None) == (
        intent.kind,
        intent.amount,
        intent.posted_on,
        intent.arrived_on,
    )
    assert "2" == intent.subsidiary
    assert "po_1" in intent.memo


def test_a_role_that_comes_to_nothing_has_no_line():
    back = payout(CHARGE, member("txn_2", "dispute", "-300.00"), member("txn_3", "dispute_reversal", "300.00"))

    assert {"clearing": "500.00", "fees": "-14.80"} == lines(decide(back))


@pytest.mark.parametrize(
    ("category", "amount", "clearing", "undeposited"),
    [
        ("charge_failure", "-200.00", {"clearing": "300.00"}, {"refunds": "-200.00"}),
        ("refund", "-200.00", {"clearing": "300.00"}, {"refunds": "-200.00"}),
        ("refund_failure", "200.00", {"clearing": "700.00"}, {"refunds": "200.00"}),
        ("dispute", "-200.00", {"clearing": "500.00", "disputes": "-200.00"}, {"disputes": "-200.00"}),
        ("dispute_reversal", "200.00", {"clearing": "500.00", "disputes": "200.00"}, {"disputes": "200.00"}),
        ("fee", "-200.00", {"clearing": "500.00", "fees": "-200.00"}, {"fees": "-200.00"}),
        ("adjustment", "-200.00", {"clearing": "500.00", "adjustments": "-200.00"}, {"adjustments": "-200.00"}),
        ("reserve", "-200.00", {"clearing": "500.00", "reserves": "-200.00"}, {"reserves": "-200.00"}),
    ],
)
def test_each_kind_of_member_has_its_line(category, amount, clearing, undeposited):
    held = payout(member("txn_1", "charge", "500.00"), member("txn_2", category, amount, payment_id="ch_9"))

    assert clearing == lines(decide(held))
    assert undeposited == lines(decide(held, UNDEPOSITED, payments={"ch_1": ("7001", usd("500.00"))}))


def test_a_manual_payout_is_a_bare_transfer_out_of_clearing():
    """RULES 1.2: its contents are not the processor's to tell."""
    by_hand = payout(amount=usd("250.00"), is_automatic=False, is_reconciled=False)

    assert {"clearing": "250.00"} == lines(decide(by_hand))


def test_a_negative_payout_is_a_journal_where_that_is_allowed():
    debit = payout(member("txn_1", "refund", "-80.00"), member("txn_2", "charge", "30.00"))
    intent = decide(debit, replace(CLEARING, journal_negative=True)).intent

    assert intent is not None
    assert (DepositKind.JOURNAL, usd("-50.00")) == (intent.kind, intent.amount)


@pytest.mark.parametrize(
    ("posted", "refund", "payments", "refunds"),
    [
        ("500.00", "-100.00", "500.00", "-100.00"),
        # 100 were given back before the payment was posted: it is in the ERP with what was left.
        ("400.00", "-100.00", "400.00", None),
        # All of it: there never was a payment.
        (None, "-500.00", None, None),
    ],
)
def test_what_was_given_back_before_it_was_posted_meets_its_refund(posted, refund, payments, refunds):
    held = payout(
        member("txn_1", "charge", "500.00"),
        member("txn_2", "refund", refund, payment_id="ch_1"),
        member("txn_3", "charge", "50.00"),
    )
    in_erp = {"ch_3": ("7003", usd("50.00"))} | ({"ch_1": ("7001", usd(posted))} if posted else {})
    verdict = decide(held, UNDEPOSITED, payments=in_erp)

    assert ({"refunds": refunds} if refunds else {}) == lines(verdict)
    assert verdict.intent is not None
    assert ([("7001", usd(payments))] if payments else []) + [("7003", usd("50.00"))] == list(verdict.intent.payments)


# ---- what is not posted, or not yet ----

MISSING = {"ch_1": PAYMENTS["ch_1"]}


@pytest.mark.parametrize(
    ("change", "more", "outcome", "told"),
    [
        ({"created_at": datetime(2026, 9, 30, 23, 59, tzinfo=UTC)}, {}, "observed", "before the cutover on 2026-10-01"),
        ({"created_at": datetime(2026, 10, 1, 0, 0, tzinfo=UTC)}, {}, "post", "adds up"),
        # The ledger's day, and not UTC's.
        (
            {"created_at": datetime(2026, 10, 1, 3, tzinfo=UTC)},
            {"created_on": date(2026, 9, 30)},
            "observed",
            "cutover",
        ),
        ({}, {"settlement": None}, "observed", "shown only"),
        ({}, {"settlement": replace(CLEARING, roles=ALL_ROLES - {AccountRole.BANK})}, "observed", "no bank account"),
        ({"state": PayoutState.FAILED}, {}, "reversed", "failed"),
        ({"state": PayoutState.CANCELED}, {}, "reversed", "cancelled"),
        ({"state": PayoutState.PENDING}, {}, "wait", "arrives on 2026-10-08"),
        ({"state": PayoutState.IN_TRANSIT}, {}, "wait", "arrives on 2026-10-08"),
        ({}, {"today": ARRIVED_ON - timedelta(days=1)}, "wait", "arrives on 2026-10-08"),
        ({"is_reconciled": False}, {}, "wait", "hasn't finished"),
        ({"is_reconciled": False, "is_automatic": False}, {}, "post", "clearing"),
        ({}, {"settlement": UNDEPOSITED, "payments": MISSING}, "wait", "aren't in the ERP yet: ch_2"),
        ({}, {"settlement": UNDEPOSITED, "payments": PAYMENTS}, "post", "2 payments 800.00"),
        # Two at once: the first in the order of the rows.
        ({"created_at": datetime(2026, 9, 1, tzinfo=UTC), "state": PayoutState.FAILED}, {}, "observed", "cutover"),
        ({"state": PayoutState.FAILED}, {"settlement": None}, "reversed", "failed"),
        ({"state": PayoutState.PENDING, "id": "po 1"}, {}, "wait", "arrives"),
    ],
)
def test_what_becomes_of_a_payout(change, more, outcome, told):
    verdict = decide(payout(*MIXED, **change), **({"settlement": CLEARING} | more))

    assert outcome == verdict.outcome
    assert told in verdict.reason or (outcome == "post" and told == "adds up")
    assert (outcome == "post") == (verdict.intent is not None)


def test_a_payout_of_many_missing_payments_names_five():
    charges = [member(f"txn_{n}", "charge", "1.00") for n in range(7)]
    verdict = decide(payout(*charges), UNDEPOSITED)

    assert PayoutOutcome.WAIT is verdict.outcome
    assert verdict.reason.endswith("ch_0, ch_1, ch_2, ch_3, ch_4 and 2 more")


EURO = replace(CHARGE, amount=Money(100, "EUR"), fee=Money(0, "EUR"), net=Money(100, "EUR"))
EARLY = member("txn_0", "charge", "10.00", on=date(2026, 9, 30))
LOCKED = (replace(OCTOBER, is_locked=True), NOVEMBER)
NO_FEES = replace(CLEARING, roles=ALL_ROLES - {AccountRole.FEES})
# Each row breaks one rule; the rows stand in the order of precedence.
HELD = [
    ("odd_id", {"id": "po_1;x"}, {}, "characters"),
    ("unknown_member", {"members": (CHARGE, member("txn_9", "unknown", "0.00", words="moon dust"))}, {}, "moon dust"),
    ("came_back", {"members": (CHARGE, member("txn_9", "payout_reversal", "0.00"))}, {}, "brought back: txn_9"),
    ("sums_differ", {"amount": usd("485.21")}, {}, "485.20 USD together, 0.01 USD off"),
    ("straddles_cutover", {"members": (EARLY,), "amount": usd("10.00")}, {}, "1 of 1 members, 10.00 USD net"),
    ("manual", {"is_automatic": False}, {"settlement": UNDEPOSITED}, "by hand"),
    (
        "payment_differs",
        {},
        {"settlement": UNDEPOSITED, "payments": {"ch_1": ("7001", usd("499.99"))}},
        "charge ch_1 is 500.00 USD, its payment 7001 in the ERP is 499.99 USD",
    ),
    ("negative", {"members": (member("txn_1", "refund", "-1.00"),), "amount": usd("-1.00")}, {}, "can't be negative"),
    ("role_without_account", {}, {"settlement": NO_FEES}, "an account for fees"),
    ("closed_period", {}, {"periods": LOCKED}, "2026-10-08 lies in Oct 2026, which is closed"),
]


@pytest.mark.parametrize(("hold", "change", "more", "told"), HELD, ids=[row[0] for row in HELD])
def test_each_reason_alone_holds_a_payout_for_a_person(hold, change, more, told):
    verdict = decide(payout(CHARGE, **change), **({"settlement": CLEARING} | more))

    assert (PayoutOutcome.HELD, PayoutHold(hold), None) == (verdict.outcome, verdict.hold, verdict.intent)
    assert told in verdict.reason


def test_every_reason_has_a_row_in_its_order():
    assert list(PayoutHold) == [PayoutHold(row[0]) for row in HELD]


@pytest.mark.parametrize("position", range(len(HELD) - 1))
def test_of_two_reasons_the_earlier_one_is_told(position):
    hold, change, more, _ = HELD[position]
    for later, later_change, later_more, _ in HELD[position + 1 :]:
        if set(later_change) & set(change) or set(later_more) & set(more):
            continue  # one payout can't be both
        if (later == "manual" and hold != "odd_id") or (hold in ("manual", "payment_differs") and later == "negative"):
            continue  # a manual payout has no members, and others have other payments
        settled = {"settlement": CLEARING} | later_more | more
        verdict = decide(payout(CHARGE, **(later_change | change)), **settled)

        assert hold == verdict.hold


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ((CHARGE, EURO), "other currencies: txn_1"),
        ((replace(CHARGE, net=usd("485.21")),), "isn't the net of txn_1"),
        ((CHARGE, CHARGE), ""),
    ],
)
def test_sums_that_cannot_be_right_are_held_with_their_figures(members, told):
    verdict = decide(payout(*members))

    assert (PayoutOutcome.HELD if told else PayoutOutcome.POST) == verdict.outcome
    assert told in verdict.reason


def test_one_payment_is_not_deposited_twice():
    twice = payout(CHARGE, replace(CHARGE, id="txn_2", payment_id="ch_2"))
    same = {"ch_1": ("7001", usd("500.00")), "ch_2": ("7001", usd("500.00"))}
    verdict = decide(twice, UNDEPOSITED, payments=same)

    assert PayoutHold.PAYMENT_DIFFERS is verdict.hold
    assert "7001 in the ERP would be deposited twice" in verdict.reason


def test_no_journal_takes_payments_out_of_undeposited_funds():
    debit = payout(CHARGE, member("txn_2", "dispute", "-900.00"))
    verdict = decide(debit, replace(UNDEPOSITED, journal_negative=True), payments=PAYMENTS)

    assert PayoutHold.NEGATIVE is verdict.hold


# ---- the day ----


@pytest.mark.parametrize(
    ("policy", "periods", "today", "posted_on"),
    [
        ("hold", (OCTOBER, NOVEMBER), date(2026, 11, 3), ARRIVED_ON),
        ("hold", LOCKED, date(2026, 11, 3), None),
        ("first_open", LOCKED, date(2026, 11, 3), date(2026, 11, 1)),
        ("first_open", LOCKED, date(2026, 11, 1), date(2026, 11, 1)),
        # The first open period is still to come.
        ("first_open", LOCKED, date(2026, 10, 31), None),
        ("first_open", (OCTOBER,), date(2026, 11, 3), ARRIVED_ON),
        ("first_open", (NOVEMBER,), date(2026, 11, 3), date(2026, 11, 1)),
        ("hold", (NOVEMBER,), date(2026, 11, 3), None),
    ],
)
def test_a_closed_period_holds_or_moves_the_day_and_keeps_the_real_one(policy, periods, today, posted_on):
    verdict = decide(payout(CHARGE), periods=periods, closed_period=ClosedPeriod(policy), today=today)

    if posted_on is None:
        assert PayoutHold.CLOSED_PERIOD is verdict.hold
    else:
        assert verdict.intent is not None
        assert (posted_on, None if posted_on == ARRIVED_ON else ARRIVED_ON) == (
            verdict.intent.posted_on,
            verdict.intent.arrived_on,
        )


# ---- for any payout ----

NEGATIVE = {"charge_failure", "refund", "dispute", "fee"}
CATEGORIES = [c.value for c in Category if c not in (Category.PAYOUT, Category.PAYOUT_REVERSAL, Category.UNKNOWN)]


@st.composite
def movements(draw: st.DrawFn) -> tuple[BalanceTransaction, ...]:
    some = draw(
        st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(0, 10**7), st.integers(0, 5000)), max_size=40)
    )
    made = []
    for number, (category, minor, fee) in enumerate(some):
        amount = Money(-minor if category in NEGATIVE else minor, "USD")
        net = amount - Money(fee, "USD")
        values = {"amount": amount, "fee": Money(fee, "USD"), "net": net, "payment_id": f"ch_{number}"}
        made.append(replace(member(f"txn_{number}", category, "0.00"), **values))
    return tuple(made)


@given(
    members=movements(),
    off=st.sampled_from([0, 0, 0, 1, -1]),
    through=st.sampled_from(SettleThrough),
    journal=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_a_payout_adds_up_to_the_minor_unit_or_is_never_posted(members, off, through, journal, order):
    settlement = Settlement("USD", through, "2", ALL_ROLES, journal)
    total = Money.total((one.net for one in members), "USD")
    paid_out = payout(*members, amount=total + Money(off, "USD"))
    in_erp = {one.payment_id: (f"erp-{one.id}", one.amount) for one in members if one.category is Category.CHARGE}
    verdict = decide(paid_out, settlement, payments=in_erp)
    shuffled = list(members)
    order.shuffle(shuffled)
    again = decide(replace(paid_out, members=tuple(shuffled)), settlement, payments=in_erp)

    assert verdict.outcome == again.outcome
    if verdict.intent is None:
        assert off or total.minor <= 0
        return
    intent = verdict.intent
    deposited = Money.total((amount for _, amount in intent.payments), "USD")
    assert not off
    assert total == intent.amount == deposited + Money.total((line.amount for line in intent.lines), "USD")
    assert len({line.role for line in intent.lines}) == len(intent.lines)
    assert all(line.amount for line in intent.lines)
    assert intent.kind is (DepositKind.DEPOSIT if total.minor > 0 else DepositKind.JOURNAL)
    assert lines(verdict) == lines(again)
