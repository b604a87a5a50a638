"""May this reminder leave; if not, why?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from decision_cases import DUE_ON, invoice, line, usd
from decision_cases import POLICY as COMMON
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import suppression
from connector.decisions.suppression import SuppressionFacts, SuppressionOutcome, SuppressionReason
from connector.money import Money
from connector.policy import DISPUTE_STEP, Politeness, Switch
from connector.receivables import Customer, InvoiceStatus, PauseKind
from connector.settlement import Autopay

POLICY = replace(COMMON, politeness=Politeness(new_address_amount=(usd("999.99"),)))
OPEN = invoice("INV-1", "1000.00", customer_id="C1")
CUSTOMER = Customer("C1", "Northfield Robotics", "ap@northfield.example")
CLEAR = SuppressionFacts(
    invoice=OPEN,
    customer=CUSTOMER,
    on=DUE_ON + timedelta(days=7),
    inflight=usd("0"),
    overdue_askable=usd("1000.00"),
    credits=usd("0"),
    send=Switch.AUTO,
)
# Each row breaks one rule; the rows stand in the order of precedence.
ROWS = [
    ("paid", {"invoice": {"status": InvoiceStatus.PAID, "balance": usd("0")}}),
    ("voided", {"invoice": {"status": InvoiceStatus.VOIDED, "balance": usd("0")}}),
    ("nothing_to_ask", {"invoice": {"balance": usd("0")}}),
    ("excluded", {"customer": {"is_excluded": True, "exclusion": "intercompany"}}),
    ("do_not_contact", {"do_not_contact": True}),
    ("hold", {"invoice": {"hold_reason": "usage is being counted"}}),
    ("usage_open", {"pause": (PauseKind.USAGE, "What was used in September isn't signed off.")}),
    ("credit_coming", {"pause": (PauseKind.CREDIT_MEMO, "A credit memo of 200.00 USD is to come.")}),
    ("format_change", {"pause": (PauseKind.FORMAT_CHANGE, "The customer wants it as PEPPOL.")}),
    ("promised", {"pause": (PauseKind.PROMISE, "1,000.00 USD are promised for 2026-10-20.")}),
    ("payment_plan", {"pause": (PauseKind.PLAN, "The next instalment is due on 2026-11-01.")}),
    ("in_conversation", {"pause": (PauseKind.CONVERSATION, "The customer answered on 2026-10-06.")}),
    ("disputed", {"invoice": {"lines": (line("1000.00", disputed=True),)}}),
    ("match_pending", {"match_pending": True}),
    ("awaiting_approval", {"awaiting_approval": True}),
    ("in_flight", {"inflight": usd("500.00")}),
    ("exception", {"exception": "two explanations"}),
    ("customer_in_credit", {"credits": usd("1000.00")}),
    ("parked", {"parked": "invoice 7: due date"}),
    ("autopay", {"autopay": Autopay("INV-1", "cus_1", DUE_ON + timedelta(days=8), has_failed=True)}),
    ("strategic", {"is_strategic": True}),
    ("escalated", {"escalation": "Renewal on 2026-10-28, in 20 days; 7 days past due"}),
    ("no_contact", {"customer": {"email": ""}}),
    ("new_address", {"email_since": DUE_ON + timedelta(days=1)}),
    ("politeness", {"heard": 7}),
    ("not_delivered", {"invoice": {"delivered_on": DUE_ON + timedelta(days=6)}}),
    ("backlog", {"in_backlog": True}),
    ("stale", {"stale_sources": ("stripe",)}),
    ("clock", {"clock_behind": True}),
    ("other_sender", {"other_senders": ("netsuite_dunning",)}),
    ("stopped", {"stopped": "by a person"}),
    ("not_approved", {"not_approved": "nobody has approved it"}),
    ("shadow", {"send": Switch.SHADOW}),
    ("quiet_hours", {"quiet": "no mail leaves on a Saturday"}),
]


def facts(*changes: dict[str, object]) -> SuppressionFacts:
    result = CLEAR
    for change in changes:
        for name, value in change.items():
            if isinstance(value, dict):
                value = replace(getattr(result, name), **value)
            result = replace(result, **{name: value})
    return result


@pytest.mark.parametrize(("reason", "change"), ROWS)
def test_each_reason_alone_stops_the_reminder(reason, change):
    verdict = suppression.decide(facts(change), POLICY)
    cancels = {"paid", "voided", "nothing_to_ask"}

    assert reason == verdict.reason
    assert ("cancelled" if reason in cancels else "held") == verdict.outcome
    assert verdict.text.endswith(".")


@pytest.mark.parametrize("position", range(len(ROWS) - 1))
def test_of_two_reasons_the_earlier_one_is_told(position):
    earlier, change = ROWS[position]
    for later, other in ROWS[position + 1 :]:
        if set(change) & set(other):
            continue  # one invoice, and one pause, can't be both; the rest of its precedence is tested below
        verdict = suppression.decide(facts(other, change), POLICY)

        assert earlier == verdict.reason, f"{earlier} comes before {later}"


def test_nothing_against_it_lets_it_leave_and_every_reason_has_a_row():
    verdict = suppression.decide(CLEAR, POLICY)

    assert (SuppressionOutcome.MAY_LEAVE, SuppressionReason.NONE) == (verdict.outcome, verdict.reason)
    assert list(SuppressionReason) == [*(SuppressionReason(reason) for reason, _ in ROWS), SuppressionReason.NONE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # A voided invoice has no balance and may be on hold; what the ERP says of it wins.
        ({"status": InvoiceStatus.VOIDED, "balance": usd("0"), "hold_reason": "x"}, "voided"),
        ({"balance": usd("-5.00"), "hold_reason": "x"}, "nothing_to_ask"),
        ({"balance": usd("4.99")}, "nothing_to_ask"),
        ({"balance": usd("5.00")}, "none"),
        ({"hold_reason": "x", "lines": (line("1000.00", disputed=True),)}, "hold"),
        # One line of three disputed: the others keep moving (M41).
        ({"lines": (line("400.00", disputed=True), line("300.00"), line("300.00"))}, "none"),
        # What is left beside the dispute is below the smallest that is asked for.
        ({"lines": (line("998.00", disputed=True), line("2.00"))}, "disputed"),
    ],
)
def test_the_invoice_itself(change, reason):
    assert reason == suppression.decide(facts({"invoice": change}), POLICY).reason


@pytest.mark.parametrize(
    ("billed", "days", "reason"),
    [
        ("999.98", 6, "none"),
        ("999.99", 6, "none"),
        ("1000.00", 6, "new_address"),
        ("1000.00", 7, "none"),  # the address is a week old
    ],
)
def test_a_large_amount_is_not_asked_for_at_a_new_address(billed, days, reason):
    """RULES 5.2. Weighed as billed, whatever is paid of it."""
    changed = {
        "email_since": CLEAR.on - timedelta(days=days),
        "invoice": {"amount": usd(billed), "balance": usd("500.00")},
    }

    assert reason == suppression.decide(facts(changed), POLICY).reason


@pytest.mark.parametrize(("heard", "reason"), [(6, "none"), (7, "politeness"), (8, "politeness")])
def test_a_contact_hears_no_more_than_is_polite(heard, reason):
    assert reason == suppression.decide(facts({"heard": heard}), POLICY).reason


def test_the_question_about_disputed_lines_may_leave_although_all_is_disputed():
    disputed = {"invoice": {"lines": (line("1000.00", disputed=True),)}}

    assert "disputed" == suppression.decide(facts(disputed), POLICY).reason
    asks = {"step": DISPUTE_STEP, "credits": usd("0.01"), "inflight": usd("0.01")}
    assert "none" == suppression.decide(facts(disputed, asks), POLICY).reason
    assert "hold" == suppression.decide(facts({"invoice": {"hold_reason": "legal"}}, asks), POLICY).reason


@pytest.mark.parametrize(
    ("asked", "credits", "reason"),
    [
        ("200.00", "0.00", "none"),
        ("200.00", "199.99", "none"),
        # Less than all that is overdue, and yet all that this day's mail would ask for.
        ("200.00", "200.00", "customer_in_credit"),
        ("200.00", "300.00", "customer_in_credit"),
    ],
)
def test_a_mail_whose_net_is_nothing_is_held(asked, credits, reason):
    """RULES 4.3: zero or negative is never mailed."""
    leaving = suppression.decide(CLEAR, POLICY)

    assert reason == suppression.decide_net(leaving, usd(asked), usd(credits)).reason


def test_credits_do_not_change_why_another_reminder_stays():
    paid = suppression.decide(facts({"invoice": {"status": InvoiceStatus.PAID, "balance": usd("0")}}), POLICY)

    assert paid == suppression.decide_net(paid, usd("200.00"), usd("300.00"))


def test_a_full_payment_matched_and_applied_cancels():
    """M54."""
    verdict = suppression.decide(facts({"invoice": {"status": InvoiceStatus.PAID, "balance": usd("0")}}), POLICY)

    assert (SuppressionOutcome.CANCELLED, SuppressionReason.PAID) == (verdict.outcome, verdict.reason)


def test_a_credit_memo_that_took_the_balance_cancels():
    """M57: an applied memo lowers the balance like cash does; an open memo as large as the debt holds."""
    applied = suppression.decide(facts({"invoice": {"balance": usd("0")}}), POLICY)
    still_open = suppression.decide(facts({"credits": usd("1000.00")}), POLICY)

    assert (SuppressionOutcome.CANCELLED, SuppressionReason.NOTHING_TO_ASK) == (applied.outcome, applied.reason)
    assert (SuppressionOutcome.HELD, SuppressionReason.CUSTOMER_IN_CREDIT) == (still_open.outcome, still_open.reason)


@pytest.mark.parametrize(
    ("days", "overdue", "credits", "reason"),
    [
        (7, "1000.00", "999.99", "none"),
        (7, "1000.00", "1000.00", "customer_in_credit"),
        # Not due yet: a small old credit does not stop the notice of a large new invoice.
        (-7, "0.00", "10.00", "none"),
        (-7, "0.00", "1000.00", "customer_in_credit"),
        (0, "200.00", "1199.99", "none"),
        (0, "200.00", "1200.00", "customer_in_credit"),
    ],
)
def test_credits_count_against_all_that_would_be_asked_for(days, overdue, credits, reason):
    change = {"on": DUE_ON + timedelta(days=days), "overdue_askable": usd(overdue), "credits": usd(credits)}

    assert reason == suppression.decide(facts(change), POLICY).reason


@pytest.mark.parametrize(
    ("inflight", "reason"), [("0.00", "none"), ("499.99", "none"), ("500.00", "in_flight"), ("9000.00", "in_flight")]
)
def test_money_in_flight_shields_what_it_covers_to_half(inflight, reason):
    assert reason == suppression.decide(facts({"inflight": usd(inflight)}), POLICY).reason


def test_the_shield_counts_what_is_asked_for_and_not_what_is_disputed():
    change = {"invoice": {"lines": (line("800.00", disputed=True),)}, "inflight": usd("100.00")}

    assert "in_flight" == suppression.decide(facts(change), POLICY).reason


def test_in_suggest_nothing_leaves_either():
    assert "shadow" == suppression.decide(facts({"send": Switch.SUGGEST}), POLICY).reason


def test_a_customer_who_was_not_read_is_not_written_to():
    assert "no_contact" == suppression.decide(replace(CLEAR, customer=None), POLICY).reason


# ---- who is never chased, or not by a machine (RULES 4) ----


@pytest.mark.parametrize(
    ("days", "allowed", "reason"),
    [(0, False, "none"), (1, False, "strategic"), (1, True, "none")],
)
def test_a_strategic_customer_gets_no_machine_mail_past_due(days, allowed, reason):
    policy = replace(POLICY, strategic_mail_past_due=allowed)
    change = {"is_strategic": True, "on": DUE_ON + timedelta(days=days), "overdue_askable": usd("0")}

    assert reason == suppression.decide(facts(change), policy).reason


def autopay(attempt: int | None, has_failed: bool) -> Autopay:
    return Autopay("INV-1", "cus_1", None if attempt is None else DUE_ON + timedelta(days=attempt), has_failed)


@pytest.mark.parametrize(
    ("days", "has_flag", "told", "inflight", "reason"),
    [
        # Nothing collects it by itself.
        (-7, False, None, "0.00", "none"),
        # Only the ERP's flag: not before the charge date, which is the due date.
        (-7, True, None, "0.00", "autopay"),
        (0, True, None, "0.00", "autopay"),
        (1, True, None, "0.00", "none"),
        # An attempt is set, for the first time or again.
        (-7, False, autopay(0, False), "0.00", "autopay"),
        (1, False, autopay(3, True), "0.00", "autopay"),
        (3, False, autopay(3, True), "0.00", "autopay"),
        # The debit is processing; less than half of the invoice would not shield another one.
        (1, False, autopay(None, False), "1000.00", "in_flight"),
        (1, False, autopay(None, False), "499.99", "autopay"),
        (1, True, None, "0.01", "autopay"),
        (1, False, None, "499.99", "none"),
        # No attempt is set, and none has failed.
        (0, False, autopay(None, False), "0.00", "autopay"),
        (1, False, autopay(None, False), "0.00", "none"),
        # The last attempt failed.
        (-7, True, autopay(None, True), "0.00", "none"),
        (1, False, autopay(None, True), "0.00", "none"),
        (1, False, autopay(None, True), "0.01", "autopay"),
    ],
)
def test_what_is_collected_by_itself_is_not_reminded_of_until_the_last_attempt_failed(
    days, has_flag, told, inflight, reason
):
    change = {"on": DUE_ON + timedelta(days=days), "has_autopay": has_flag, "autopay": told, "inflight": usd(inflight)}

    assert reason == suppression.decide(facts(change), POLICY).reason


@pytest.mark.parametrize(
    ("one", "was_told", "template"),
    [
        (None, False, ""),
        (autopay(None, False), False, ""),
        (autopay(None, True), False, "payment_method"),
        (autopay(None, True), True, ""),
    ],
)
def test_the_first_mail_after_the_last_attempt_failed_asks_for_another_way_to_pay(one, was_told, template):
    verdict = suppression.decide(facts({"autopay": one, "was_told_payment_failed": was_told}), POLICY)

    assert ("none", template) == (verdict.reason, verdict.template)


FRIDAY_9, THURSDAY_15, FRIDAY_16 = date(2026, 10, 9), date(2026, 10, 15), date(2026, 10, 16)


@pytest.mark.parametrize(
    ("delivered_on", "needed", "on", "reason"),
    [
        (None, False, FRIDAY_9, "none"),
        (None, True, FRIDAY_9, "not_delivered"),
        (date(2026, 9, 1), True, FRIDAY_9, "none"),
        # Delivered late, on a Friday: five business days later is the next Friday.
        (FRIDAY_9, True, THURSDAY_15, "not_delivered"),
        (FRIDAY_9, True, FRIDAY_16, "none"),
        (FRIDAY_9, False, THURSDAY_15, "not_delivered"),
        # On a Saturday: the same five days.
        (date(2026, 10, 10), True, THURSDAY_15, "not_delivered"),
        (date(2026, 10, 10), True, FRIDAY_16, "none"),
        # Not overdue yet: a notice before the due date is no harm.
        (date(2026, 9, 30), True, DUE_ON, "none"),
        (date(2026, 9, 30), True, DUE_ON + timedelta(days=1), "not_delivered"),
        # Due on receipt, delivered on the day of issue: not late.
        (date(2026, 9, 1), True, date(2026, 9, 2), "none"),
    ],
)
def test_an_overdue_step_needs_evidence_of_a_delivery_five_business_days_before(delivered_on, needed, on, reason):
    policy = replace(POLICY, needs_delivery_evidence=needed)
    change = {"invoice": {"delivered_on": delivered_on}, "on": on, "overdue_askable": usd("0")}

    assert reason == suppression.decide(facts(change), policy).reason


@pytest.mark.parametrize(
    ("others", "acknowledged", "told"),
    [
        ((), (), ""),
        (("netsuite_dunning",), ("netsuite_dunning",), ""),
        (("netsuite_dunning", "stripe_invoices"), ("netsuite_dunning",), "stripe_invoices"),
    ],
)
def test_another_sender_is_switched_off_or_acknowledged_before_we_send(others, acknowledged, told):
    verdict = suppression.decide(facts({"other_senders": others}), replace(POLICY, acknowledged_senders=acknowledged))

    assert ("other_sender" if told else "none") == verdict.reason
    assert told in verdict.text
    assert "netsuite_dunning" not in verdict.text


cents = st.integers(0, 200_000)
SEVERITY = {"may_leave": 0, "held": 1, "cancelled": 2}


@given(balance=cents, cash=cents, inflight=cents, credits=cents, days=st.integers(-10, 40))
def test_adding_a_payment_never_lets_a_reminder_leave_that_was_stopped(balance, cash, inflight, credits, days):
    """Whether the new money is still in flight or was applied to this invoice already."""
    on = DUE_ON + timedelta(days=days)
    before = facts(
        {
            "invoice": {"balance": Money(balance, "USD")},
            "on": on,
            "inflight": Money(inflight, "USD"),
            "credits": Money(credits, "USD"),
            "overdue_askable": Money(balance, "USD") if days > 0 else usd("0"),
        }
    )
    paid = Money(min(cash, balance), "USD")
    in_flight = replace(before, inflight=before.inflight + Money(cash, "USD"))
    posted = replace(
        before,
        invoice=replace(before.invoice, balance=before.invoice.balance - paid),
        overdue_askable=before.overdue_askable - paid if days > 0 else before.overdue_askable,
    )
    severity = SEVERITY[suppression.decide(before, POLICY).outcome]

    assert SEVERITY[suppression.decide(in_flight, POLICY).outcome] >= severity
    assert SEVERITY[suppression.decide(posted, POLICY).outcome] >= severity
