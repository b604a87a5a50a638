"""A payment, a credit, a dispute or a hold never makes dunning harsher; deciding twice is deciding once.

Harsher is: a message leaves that would not have left, or it speaks more firmly. Goal of each property: whatever else is
true of an invoice on a day, what the customer did or what people noted only ever softens what happens to it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from decision_cases import DUE_ON, POLICY, invoice, line, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import backlog, cadence, suppression
from connector.decisions.suppression import SuppressionFacts, SuppressionOutcome
from connector.money import Money
from connector.policy import BacklogChoice, BacklogLimits, Politeness, Switch
from connector.receivables import Customer, OpenInvoice, PauseKind, Reminder, ReminderState

CENTS = st.integers(0, 200_000)
DAYS = st.integers(-10, 90)
RULES = replace(POLICY, politeness=Politeness(messages_a_week_max=3, new_address_amount=(usd("900.00"),)))


def money(cents: int) -> Money:
    return Money(cents, "USD")


@st.composite
def cases(draw: st.DrawFn) -> SuppressionFacts:
    """An invoice of three lines on some day, with whatever may surround it."""
    parts = [draw(st.integers(1, 100_000)) for _ in range(3)]
    lines = tuple(line(str(money(cents).decimal()), disputed=draw(st.booleans())) for cents in parts)
    billed = money(sum(parts))
    owed = money(draw(st.integers(1, billed.minor)))
    one = replace(invoice("INV-1", "1.00", customer_id="C1"), amount=billed, balance=owed, lines=lines)
    others = money(draw(CENTS))
    on = DUE_ON + timedelta(days=draw(DAYS))
    return SuppressionFacts(
        invoice=one,
        customer=Customer("C1", "Northfield Robotics", "ap@northfield.example"),
        on=on,
        inflight=money(draw(st.sampled_from([0, 0, 100, 50_000]))),
        overdue_askable=others + one.askable if one.days_past_due(on) > 0 else others,
        credits=money(draw(st.sampled_from([0, 0, 100, 50_000]))),
        send=draw(st.sampled_from([Switch.AUTO, Switch.AUTO, Switch.SHADOW])),
        escalation=draw(st.sampled_from(["", "", "34 days past due"])),
        heard=draw(st.integers(0, 4)),
        email_since=draw(st.sampled_from([None, None, on - timedelta(days=2)])),
        in_backlog=draw(st.sampled_from([False, False, True])),
    )


def leaves(facts: SuppressionFacts) -> bool:
    return suppression.decide(facts, RULES).outcome is SuppressionOutcome.MAY_LEAVE


def owing(facts: SuppressionFacts, after: OpenInvoice) -> SuppressionFacts:
    """The same with another invoice: what is asked of the family moves with it."""
    before = facts.invoice
    is_overdue = before.days_past_due(facts.on) > 0
    asked = facts.overdue_askable - before.askable + after.askable if is_overdue else facts.overdue_askable
    return replace(facts, invoice=after, overdue_askable=asked)


@given(cases(), st.integers(1, 300_000))
def test_a_payment_lets_out_no_message(facts, cents):
    paid = min(cents, facts.invoice.balance.minor)
    after = owing(facts, replace(facts.invoice, balance=facts.invoice.balance - money(paid)))

    assert leaves(facts) or not leaves(after)


@given(cases(), st.integers(1, 300_000))
def test_a_credit_or_money_on_its_way_lets_out_no_message(facts, cents):
    assert leaves(facts) or not leaves(replace(facts, credits=facts.credits + money(cents)))
    assert leaves(facts) or not leaves(replace(facts, inflight=facts.inflight + money(cents)))


@given(cases(), st.integers(0, 2))
def test_a_dispute_lets_out_no_message_and_asks_for_no_more(facts, which):
    lines = tuple(replace(one, disputed=one.disputed or at == which) for at, one in enumerate(facts.invoice.lines))
    after = owing(facts, replace(facts.invoice, lines=lines))

    assert after.invoice.askable <= facts.invoice.askable
    assert leaves(facts) or not leaves(after)


@given(cases(), st.sampled_from(list(PauseKind)))
def test_whoever_keeps_an_invoice_back_stops_its_message(facts, kind):
    assert not leaves(replace(facts, pause=(kind, "People keep it back.")))
    assert not leaves(replace(facts, invoice=replace(facts.invoice, hold_reason="legal")))


STATES = st.sampled_from(list(ReminderState))


@given(st.lists(STATES, min_size=6, max_size=6), st.integers(-10, 60), st.integers(0, 100))
def test_cash_never_makes_the_next_message_firmer(states, days, percent):
    """Almost paid, the cadence ends in one courtesy message, the gentlest of all (M47)."""
    one = invoice("INV-1", "1000.00")
    steps = cadence.plan(one, POLICY)
    plan = [replace(step, state=state) for step, state in zip(steps, states, strict=False)]
    on = DUE_ON + timedelta(days=days)
    before = cadence.decide(plan, POLICY, on)
    paid = replace(one, balance=one.amount - Money(one.amount.minor * percent // 100, "USD"))
    changed = {step.step: step for step in cadence.replan(paid, percent, on, plan, POLICY)}
    after = cadence.decide([changed.pop(step.step, step) for step in plan] + list(changed.values()), POLICY, on)

    if before.speaks_as is not None and after.speaks_as is not None:
        assert after.speaks_as.days <= before.speaks_as.days


@given(st.lists(STATES, min_size=6, max_size=6), st.integers(-10, 60), st.randoms(use_true_random=False))
def test_the_order_of_the_steps_changes_nothing_and_deciding_twice_is_deciding_once(states, days, random):
    steps = cadence.plan(invoice("INV-1", "1000.00"), POLICY)
    plan = [replace(step, state=state) for step, state in zip(steps, states, strict=False)]
    shuffled = random.sample(plan, len(plan))
    on = DUE_ON + timedelta(days=days)
    first = cadence.decide(plan, POLICY, on)
    taken = {step.step: step for step in first.missed}
    again = cadence.decide([taken.get(step.step, step) for step in plan], POLICY, on)

    assert first == cadence.decide(shuffled, POLICY, on)
    assert (first.outcome, first.reminder, first.speaks_as) == (again.outcome, again.reminder, again.speaks_as)
    assert () == again.missed


@given(st.integers(0, 200), st.integers(0, 60))
def test_after_any_outage_at_most_one_step_leaves_and_the_missed_ones_never(last_seen, outage):
    """Lived day by day up to an outage of so many days, and on: never two messages on a day, never an old step after a
    later one."""
    plan = {step.step: step for step in cadence.plan(invoice("INV-1", "1000.00"), POLICY)}
    left: list[tuple[date, Reminder]] = []
    for days in [*range(-20, last_seen - 20), *range(last_seen - 20 + outage, last_seen + outage + 40)]:
        on = DUE_ON + timedelta(days=days)
        verdict = cadence.decide(list(plan.values()), POLICY, on, left[-1][0] if left else None)
        plan |= {step.step: step for step in verdict.missed}
        if verdict.reminder is not None:
            plan[verdict.reminder.step] = replace(verdict.reminder, state=ReminderState.SENT)
            left.append((on, verdict.reminder))
    days_of = [on for on, _ in left]

    assert len(set(days_of)) == len(days_of)
    assert [step.due_on for _, step in left] == sorted({step.due_on for _, step in left})


@given(st.lists(st.tuples(st.integers(1, 400), CENTS), min_size=1, max_size=300), st.sampled_from(list(BacklogChoice)))
def test_on_the_first_day_of_auto_nothing_overdue_leaves_without_a_choice(book, choice):
    """300 overdue invoices, and whoever switched sending on: all of them wait, and no choice lets out more than a
    statement for so many customers."""
    today = DUE_ON + timedelta(days=30)
    owed = [
        replace(
            invoice(f"INV-{at}", "1.00", customer_id=f"C{at % 40}", due_on=today - timedelta(days=late)),
            amount=money(cents + 1),
            balance=money(cents + 1),
        )
        for at, (late, cents) in enumerate(book)
    ]
    limits = BacklogLimits(customers_a_day_max=20, days_past_due_max=60, amount_max=(usd("1000.00"),))
    told = backlog.statements(owed, frozenset(), 0, limits, today)

    assert all(backlog.decide(one, today, today, None, today, POLICY) for one in owed)
    assert len(told) <= 20
    if choice is BacklogChoice.WORKLIST:
        assert {BacklogChoice.WORKLIST} == {backlog.way_out(one, choice, limits, today).choice for one in owed}
