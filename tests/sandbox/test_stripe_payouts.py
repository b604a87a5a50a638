"""Payouts of the sandbox's Stripe: their members, their lives, the balance that they leave; asked by the real SDK."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stripe

from sandbox.faults import Kind, Rule
from sandbox.stripe_ledger import NotPossible


def _move(site: Any, **step: int) -> None:
    site.clock.move_to(site.clock() + timedelta(**step))


def _paid(site: Any, amount: int = 10_000, currency: str = "USD", times: int = 1) -> list[str]:
    """Card payments whose money is available; returns their charges."""
    intents = [site.stripe.ledger.pay(None, amount, currency) for _ in range(times)]
    _move(site, days=2)
    return [site.stripe.ledger.get(intent)["latest_charge"] for intent in intents]


def _members(site: Any, payout: str, **more: object) -> list[Any]:
    params = {"payout": payout, "limit": 100, **more}
    return list(site.client.v1.balance_transactions.list(params).auto_paging_iter())


def _balance(site: Any, currency: str = "usd") -> tuple[int, int]:
    found = site.client.v1.balance.retrieve()
    available = {row.currency: row.amount for row in found.available}
    pending = {row.currency: row.amount for row in found.pending}
    return available.get(currency, 0), pending.get(currency, 0)


def _reconciled(site: Any, **more: Any) -> str:
    payout = str(site.stripe.ledger.payouts.create("usd", **more))
    site.stripe.ledger.payouts.reconcile(payout)
    return payout


def test_an_account_without_any_money_shows_zero_of_its_own_currency(site: Any) -> None:
    assert (0, 0) == _balance(site)
    assert ["usd"] == [row.currency for row in site.client.v1.balance.retrieve().available]


def test_money_is_pending_for_its_days_and_available_then(site: Any) -> None:
    site.stripe.ledger.pay(None, 10_000, "USD")
    before = _balance(site)
    _move(site, days=1, hours=23)
    still = _balance(site)
    _move(site, hours=1)

    assert [(0, 9_680), (0, 9_680), (9_680, 0)] == [before, still, _balance(site)]


def test_a_balance_is_kept_by_currency_in_its_own_minor_units(site: Any) -> None:
    for amount, currency in ((10_000, "USD"), (12_340, "JPY"), (5_500, "KWD")):
        _paid(site, amount, currency)

    shown = {row.currency: row.amount for row in site.client.v1.balance.retrieve().available}

    # 2.9 % rounded half up and thirty minor units off each
    assert {"usd": 9_680, "jpy": 12_340 - 388, "kwd": 5_500 - 190} == shown


def test_an_automatic_payout_takes_every_available_row_and_no_pending_one(site: Any) -> None:
    _paid(site, times=3)
    site.stripe.ledger.pay(None, 500, "USD")

    payout = _reconciled(site)

    own, *others = _members(site, payout)
    found = site.client.v1.payouts.retrieve(payout)
    assert (3 * 9_680, 3 * 9_680) == (found.amount, sum(row.net for row in others))
    assert ("payout", "payout", -3 * 9_680, payout) == (own.type, own.reporting_category, own.net, own.source)
    assert own.id == found.balance_transaction
    assert (0, 500 - 45) == _balance(site)


def test_members_of_a_payout_come_newest_first_in_pages_with_their_sources(site: Any) -> None:
    charges = _paid(site, 100, times=250)
    payout = _reconciled(site)

    rows = _members(site, payout, expand=["data.source"])

    assert [payout, *reversed(charges)] == [row.source.id for row in rows]
    assert 3 == site.stripe.counts()["balance_transactions.list"]


def test_members_are_not_told_whole_until_reconciliation_is_completed(site: Any) -> None:
    _paid(site, times=4)
    payout = site.stripe.ledger.payouts.create("usd")

    before = (site.client.v1.payouts.retrieve(payout).reconciliation_status, len(_members(site, payout)))
    site.stripe.ledger.payouts.reconcile(payout)
    after = (site.client.v1.payouts.retrieve(payout).reconciliation_status, len(_members(site, payout)))

    assert [("in_progress", 2), ("completed", 5)] == [before, after]


def test_a_row_is_in_one_payout_only(site: Any) -> None:
    _paid(site)
    first = _reconciled(site)
    (late,) = _paid(site)
    second = _reconciled(site)

    assert not {row.id for row in _members(site, first)} & {row.id for row in _members(site, second)}
    assert [second, late] == [row.source for row in _members(site, second)]


def test_nothing_available_is_no_payout(site: Any) -> None:
    with pytest.raises(NotPossible, match="can't be paid out"):
        site.stripe.ledger.payouts.create("usd")


def test_a_payout_lives_from_pending_to_paid_and_tells_each_step(site: Any) -> None:
    _paid(site)
    ledger = site.stripe.ledger
    payout = ledger.payouts.create("usd")
    states = [site.client.v1.payouts.retrieve(payout).status]
    for step in (ledger.payouts.send, ledger.payouts.reconcile, ledger.payouts.arrive):
        step(payout)
        states.append(site.client.v1.payouts.retrieve(payout).status)

    told = [event.type for event in site.client.v1.events.list({"type": "payout.*", "limit": 100}).data]
    assert ["pending", "in_transit", "in_transit", "paid"] == states
    assert [
        "payout.paid",
        "payout.reconciliation_completed",
        "payout.updated",
        "payout.updated",
        "payout.created",
    ] == told


def test_a_payout_is_expected_in_two_days_and_dated_when_it_arrives(site: Any) -> None:
    _paid(site)
    payout = site.stripe.ledger.payouts.create("usd")
    expected = site.client.v1.payouts.retrieve(payout).arrival_date
    _move(site, days=3)
    site.stripe.ledger.payouts.arrive(payout)

    days = [datetime.fromtimestamp(at, UTC) for at in (expected, site.client.v1.payouts.retrieve(payout).arrival_date)]
    assert [datetime(2026, 11, 6, tzinfo=UTC), datetime(2026, 11, 7, tzinfo=UTC)] == days


def test_a_paid_payout_may_fail_and_its_money_is_a_member_of_the_next(site: Any) -> None:
    _paid(site)
    ledger = site.stripe.ledger
    failed = _reconciled(site)
    ledger.payouts.arrive(failed)
    emptied = _balance(site)
    ledger.payouts.fail(failed, "account_closed")
    back = _balance(site)
    again = _reconciled(site)

    found = site.client.v1.payouts.retrieve(failed, {"expand": ["failure_balance_transaction"]})
    row = found.failure_balance_transaction
    assert [(0, 0), (9_680, 0)] == [emptied, back]
    assert ("failed", "account_closed") == (found.status, found.failure_code)
    assert ("payout_failure", "payout_reversal", 9_680, failed) == (
        row.type,
        row.reporting_category,
        row.net,
        row.source,
    )
    assert row.id in {member.id for member in _members(site, again)}
    assert 2 == len(_members(site, failed))


def test_a_negative_balance_is_debited_from_the_bank(site: Any) -> None:
    charge = _paid(site)[0]
    _reconciled(site)
    site.stripe.ledger.refunds.create(charge)

    payout = _reconciled(site)

    own, refund = _members(site, payout)
    assert (-10_000, 10_000, -10_000) == (site.client.v1.payouts.retrieve(payout).amount, own.net, refund.net)
    assert (0, 0) == _balance(site)


@pytest.mark.parametrize("instant", [False, True])
def test_nobody_can_say_what_is_in_a_manual_payout(site: Any, instant: bool) -> None:
    _paid(site)
    payout = site.stripe.ledger.payouts.create("usd", automatic=False, instant=instant)

    found = site.client.v1.payouts.retrieve(payout)
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic") as refused:
        _members(site, payout)

    assert 400 == refused.value.http_status
    assert (False, "not_applicable", "instant" if instant else "standard") == (
        found.automatic,
        found.reconciliation_status,
        found.method,
    )
    with pytest.raises(NotPossible):
        site.stripe.ledger.payouts.reconcile(payout)


def test_a_manual_payout_of_a_part_stands_as_a_row_in_the_next_automatic_one(site: Any) -> None:
    _paid(site)
    manual = site.stripe.ledger.payouts.create("usd", 4_000, automatic=False)

    payout = _reconciled(site)

    _, *others = _members(site, payout)
    assert (5_680, 5_680) == (site.client.v1.payouts.retrieve(payout).amount, sum(row.net for row in others))
    assert [("payout", -4_000, manual), ("charge", 9_680)] == [
        (row.type, row.net, row.source)[: 3 if row.type == "payout" else 2] for row in others
    ]


@pytest.mark.parametrize(("amount", "possible"), [(0, False), (1, True), (9_680, True), (9_681, False), (-1, False)])
def test_a_manual_payout_is_above_zero_and_at_most_what_is_available(site: Any, amount: int, possible: bool) -> None:
    _paid(site)

    if possible:
        site.stripe.ledger.payouts.create("usd", amount, automatic=False)
    else:
        with pytest.raises(NotPossible, match="can't be paid out"):
            site.stripe.ledger.payouts.create("usd", amount, automatic=False)

    assert 9_680 - (amount if possible else 0) == _balance(site)[0]


def test_only_a_manual_payout_that_is_not_sent_can_be_cancelled(site: Any) -> None:
    _paid(site)
    payouts = site.stripe.ledger.payouts
    manual = payouts.create("usd", 4_000, automatic=False)
    payouts.cancel(manual)
    sent = payouts.create("usd", 1_000, automatic=False)
    payouts.send(sent)

    for unwanted in (manual, sent, payouts.create("usd")):
        with pytest.raises(NotPossible):
            payouts.cancel(unwanted)
    found = site.client.v1.payouts.retrieve(manual, {"expand": ["failure_balance_transaction"]})
    assert ("canceled", "payout_cancel") == (found.status, found.failure_balance_transaction.type)


@pytest.mark.parametrize("step", ["send", "reconcile", "arrive", "fail"])
def test_a_step_that_was_done_can_not_be_done_again(site: Any, step: str) -> None:
    _paid(site)
    payout = site.stripe.ledger.payouts.create("usd")
    getattr(site.stripe.ledger.payouts, step)(payout)

    with pytest.raises(NotPossible):
        getattr(site.stripe.ledger.payouts, step)(payout)


def test_payouts_are_found_by_state_and_by_the_day_of_arrival(site: Any) -> None:
    made = []
    for _ in range(3):
        _paid(site)
        made.append(site.stripe.ledger.payouts.create("usd"))
    site.stripe.ledger.payouts.arrive(made[2])
    site.stripe.ledger.payouts.fail(made[0])
    first = site.client.v1.payouts.retrieve(made[1]).arrival_date

    def found(**params: object) -> list[str]:
        return [row.id for row in site.client.v1.payouts.list(params).data]

    assert [[made[1]], [made[2]], [made[0]], []] == [
        found(status=state) for state in ("pending", "paid", "failed", "canceled")
    ]
    assert [made[1]] == found(arrival_date={"gte": first, "lte": first + 1}, status="pending")
    assert [made[1]] == found(arrival_date=first, status="pending")
    assert [made[0]] == found(arrival_date={"lt": first})


def test_a_skewed_payout_shows_other_members_than_it_has_and_can_be_put_right(site: Any) -> None:
    _paid(site, times=2)
    payout = _reconciled(site)
    (stranger,) = [site.stripe.ledger.adjust(77, "usd", "other_adjustment")]
    own, last, first = (row.id for row in _members(site, payout))
    amount = site.client.v1.payouts.retrieve(payout).amount

    site.stripe.ledger.payouts.skew(payout, hide=last, add=stranger)
    skewed = [row.id for row in _members(site, payout)]
    off = sum(row.net for row in _members(site, payout) if row.id != own) - amount
    site.stripe.ledger.payouts.skew(payout)

    assert [stranger, own, first] == skewed
    assert 77 - 9_680 == off
    assert [own, last, first] == [row.id for row in _members(site, payout)]


def test_a_charge_of_another_currency_is_settled_at_the_rate_of_the_day(site: Any) -> None:
    balance = site.stripe.ledger.balance
    balance.convert("eur", "usd", Decimal("1.0837"))
    charge = _paid(site, 10_000, "EUR")[0]

    row = site.client.v1.balance_transactions.list({"source": charge, "expand": ["data.source"]}).data[0]

    # 100.00 EUR are 108.37 USD; less 2.9 % + 0.30 and one percent for the conversion
    assert ("usd", 10_837, 344 + 108, 1.0837) == (row.currency, row.amount, row.fee, row.exchange_rate)
    assert [344, 108] == [detail.amount for detail in row.fee_details]
    assert ("eur", 10_000) == (row.source.currency, row.source.amount)
    assert (10_385, 0) == _balance(site)


@pytest.mark.parametrize(
    ("currency", "into", "rate", "amount", "settled"),
    [
        # the rate is between whole units, whatever decimals they have
        ("jpy", "usd", "0.0067", 10_000, 6_700),
        ("kwd", "usd", "3.25", 1_234, 401),  # 1.234 KWD are 4.0105 USD
        ("usd", "jpy", "149.5", 100, 150),  # 149.5 JPY, half up
    ],
)
def test_a_conversion_knows_the_decimals_of_both_currencies(
    site: Any, currency: str, into: str, rate: str, amount: int, settled: int
) -> None:
    site.stripe.ledger.balance.convert(currency, into, Decimal(rate))

    assert (settled, into) == site.stripe.ledger.balance.settled(amount, currency)[:2]


def test_payouts_go_on_by_themselves_where_they_were_asked_to(site: Any) -> None:
    _paid(site)
    payouts = site.stripe.ledger.payouts
    payout = payouts.create("usd", by_itself=True)
    seen = []
    while (at := payouts.next_at()) is not None:
        site.clock.move_to(at)
        payouts.carry_out()
        found = site.client.v1.payouts.retrieve(payout)
        seen.append((at - datetime(2026, 11, 4, 9, tzinfo=UTC), found.status, found.reconciliation_status))

    assert [
        (timedelta(hours=6), "in_transit", "in_progress"),
        (timedelta(hours=12), "in_transit", "completed"),
        (timedelta(days=2), "paid", "completed"),
    ] == seen


def test_a_step_done_by_hand_is_not_done_by_itself_again(site: Any) -> None:
    _paid(site)
    payouts = site.stripe.ledger.payouts
    payout = payouts.create("usd", by_itself=True)
    payouts.arrive(payout)
    payouts.fail(payout)
    _move(site, days=5)
    payouts.carry_out()

    assert ("failed", None) == (site.client.v1.payouts.retrieve(payout).status, payouts.next_at())


def test_daily_payouts_pay_each_currency_once_a_day_until_they_are_stopped(site: Any) -> None:
    payouts = site.stripe.ledger.payouts
    payouts.schedule(True)
    for _ in range(6):
        site.stripe.ledger.pay(None, 10_000, "USD")
        site.stripe.ledger.pay(None, 10_000, "JPY")
        end = site.clock() + timedelta(days=1)
        while (at := payouts.next_at()) is not None and at <= end:
            site.clock.move_to(at)
            payouts.carry_out()
        site.clock.move_to(end)
    payouts.schedule(False)
    site.stripe.ledger.pay(None, 10_000, "USD")

    found = site.client.v1.payouts.list({"limit": 100}).data
    assert {("usd", 9_680), ("jpy", 9_680)} == {(row.currency, row.amount) for row in found}
    assert [4, 4] == [sum(row.currency == currency for row in found) for currency in ("usd", "jpy")]
    assert {2} == {datetime.fromtimestamp(row.created, UTC).hour for row in found}


@pytest.mark.parametrize(
    "kind", ["server_error", "drop_before", "cut_after", "unreadable_after", "maintenance", "too_many", "unauthorized"]
)
@pytest.mark.parametrize("operation", ["balance.retrieve", "payouts.list", "balance_transactions.list"])
def test_faults_strike_the_new_endpoints_once(site: Any, kind: Kind, operation: str) -> None:
    site.faults.install(Rule("stripe", kind, operation))
    v1 = site.client.v1
    call = {
        "balance.retrieve": v1.balance.retrieve,
        "payouts.list": v1.payouts.list,
        "balance_transactions.list": v1.balance_transactions.list,
    }[operation]

    with pytest.raises(stripe.StripeError):
        call()
    call()

    assert [operation] == [fired.operation for fired in site.faults.fired()]


def test_a_page_of_members_may_come_twice_or_late(site: Any) -> None:
    _paid(site, times=3)
    payout = _reconciled(site)
    params = {"payout": payout, "limit": 2}
    first = site.client.v1.balance_transactions.list(params).data
    site.faults.install(Rule("stripe", "duplicate_page", "balance_transactions.list"))
    again = site.client.v1.balance_transactions.list(params | {"starting_after": first[-1].id}).data
    site.faults.install(Rule("stripe", "late_page", "balance_transactions.list"))
    late = site.client.v1.balance_transactions.list(params).data

    assert [row.id for row in first] == [row.id for row in again]
    assert [first[1].id] == [row.id for row in late]


def test_an_unknown_payout_has_no_members_and_no_life(site: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        _members(site, "po_none")
    with pytest.raises(stripe.InvalidRequestError):
        site.client.v1.payouts.retrieve("po_none")
    with pytest.raises(LookupError):
        site.stripe.ledger.payouts.arrive("po_none")

    assert (400, "resource_missing", "payout") == (
        refused.value.http_status,
        refused.value.code,
        refused.value.param,
    )


@pytest.mark.parametrize("right", ["balance", "payouts", "balance_transactions"])
def test_the_right_to_read_money_can_be_taken(site: Any, right: str) -> None:
    site.stripe.revoke(right)
    v1 = site.client.v1
    calls = {"balance": v1.balance.retrieve, "payouts": v1.payouts.list}

    with pytest.raises(stripe.PermissionError, match=right):
        calls.get(right, v1.balance_transactions.list)()


def test_every_payout_and_balance_keeps_to_stripes_own_types(site: Any, stripe_problems: Any) -> None:
    sent: list[dict[str, Any]] = []
    site.stripe.on_response = sent.append
    ledger, v1 = site.stripe.ledger, site.client.v1
    for makes, fate in (({}, "fail"), ({}, "arrive"), ({"automatic": False, "instant": True}, "cancel")):
        _paid(site)
        payout = ledger.payouts.create("usd", **makes)
        getattr(ledger.payouts, fate)(payout)
        v1.payouts.retrieve(payout, {"expand": ["balance_transaction", "failure_balance_transaction"]})
    v1.payouts.list()
    v1.balance_transactions.list({"limit": 100, "expand": ["data.source"]})
    v1.events.list({"type": "payout.*", "limit": 100})
    v1.balance.retrieve()

    assert {"list", "payout", "balance"} <= {body["object"] for body in sent}
    assert [] == [problem for body in sent for problem in stripe_problems(body)]
