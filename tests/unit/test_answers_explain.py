"""`connector explain` and `connector plan`: what the store knows, in the words of the reports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from answers_cases import POLICY, ZONE, Case, invoice, usd

from connector import answers, cash, plans, pull, remind, words
from connector.errors import ConfigError
from connector.policy import Switch
from connector.ports import SendOutcome
from connector.receivables import Customer, ExceptionKind, InvoiceLine, Parked
from connector.reports import Explanation, PlanReport, TickReport, as_json
from connector.store import history, tables
from connector.store.activity import Line

SEP = date(2026, 9, 1)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    with contextlib.closing(made.store):
        yield made


def explain(case: Case, number: str) -> Explanation:
    with case.store.read() as tx:
        found = answers.explain(tx, number, case.clock.now(), ZONE)

    assert found is not None
    return found


def plan(case: Case, tmp_path: Path) -> PlanReport:
    """As `connector plan` does it: decided on a copy."""
    copy = case.store.copy(tmp_path / "plan.db")
    with contextlib.closing(copy):
        parts, now = case.parts(copy), case.clock.now()
        today, first = parts.today(now), copy.last_seq()
        pull.read_invoices(parts, now)
        pull.read_autopay(parts, now)
        pull.read_other_senders(parts, now, today)
        pull.read_payments(parts, now)
        plans.plan_reminders(parts, today)
        cash.match_payments(parts, today)
        plans.plan_reminders(parts, today)
        with copy.tx() as tx:
            decided = remind.decide_reminders(tx, parts, now, today)
            return answers.plan(tx, parts, now, first, decided)


def test_a_closed_loop_is_explained_from_payment_to_cancelled_reminder(case: Case) -> None:
    case.bill(
        invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)), invoice("INV-1002", "50.00", SEP, date(2026, 10, 1))
    )
    case.tick()
    case.pay("ch_1", "450.00", "INV-1001 INV-1002")
    case.tick(hours=1)
    found = explain(case, "inv-1001")
    payment = found.payments[0]

    assert ("paid", usd("400.00"), usd("0.00")) == (found.invoice.state, found.invoice.amount, found.invoice.balance)
    assert {("cancelled", "paid: 400.00 USD of payment ch_1")} == {(r.state, r.reason) for r in found.reminders}
    assert {case.clock.at} == {r.changed_at for r in found.reminders}
    assert ("ch_1", usd("450.00"), usd("400.00"), "posted") == (
        payment.id,
        payment.amount,
        payment.applied,
        payment.state,
    )
    assert ("printed_reference", True) == (payment.rung, "400.00" in payment.equation)
    assert payment.act is not None
    assert [
        ("payment", "arc-demo-pay-ch_1-1", "written", "90", True),
        ("cancellation", "arc-demo-can-ch_1-1-1001", "closed", "", True),
        ("cancellation", "arc-demo-can-ch_1-1-1002", "closed", "", True),
        ("receipt", "arc-demo-rec-ch_1-1", "closed", "", True),
    ] == [(r.kind, r.external_id, r.state, r.erp_id, r.is_seen) for r in payment.act.records]
    assert ("closed", case.clock.at) == (payment.act.state, payment.act.closed_at)
    assert {"matching of payment ch_1", "closing of act ch_1-1"} <= {v.question for v in found.verdicts}
    assert "policy-1" == next(v for v in found.verdicts if v.question.startswith("matching")).policy_version


def test_the_timeline_is_in_the_order_of_the_commits_and_in_plain_words(case: Case) -> None:
    case.bill(
        invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)), invoice("INV-1002", "50.00", SEP, date(2026, 10, 1))
    )
    case.tick()
    case.pay("ch_1", "450.00", "INV-1001 INV-1002")
    case.tick(hours=1)
    timeline = explain(case, "INV-1001").timeline
    told = {row.event: row.detail for row in timeline}
    order = [row.event for row in timeline]

    assert "400.00 USD of payment ch_1 pays it" == told["invoice_matched"]
    assert "-7, 0, +1, +7 cancelled: paid: 400.00 USD of payment ch_1" == told["reminder_cancelled"]
    assert "payment ch_1 of 450.00 USD was seen, succeeded" == told["payment_seen"]
    assert 1 == order.count("invoice_matched")
    assert order.index("payment_seen") < order.index("reminder_cancelled") < order.index("loop_closed")


def test_a_refused_payment_shows_its_act_the_exception_and_the_held_steps(case: Case) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
    case.erp.refuses = True
    case.tick()
    case.pay("ch_1", "400.00", "INV-1001")
    case.tick(hours=1)
    found = explain(case, "INV-1001")
    payment, exception = found.payments[0], found.exceptions[0]

    assert ("open", usd("400.00")) == (found.invoice.state, found.invoice.balance)
    assert {"held"} == {r.state for r in found.reminders}
    assert ("released", "withdrawn") == (payment.state, payment.act.state if payment.act else "")
    assert "the period 2026-09 is closed" in (payment.act.problem if payment.act else "")
    assert ("posting_refused", "ch_1", usd("400.00")) == (exception.kind, exception.record, exception.amount)
    assert "tried again tomorrow" in exception.remedy


def test_a_matched_invoice_shows_no_balance_while_the_erp_has_yet_to_confirm(case: Case) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
    case.pay("ch_1", "400.00", "INV-1001")
    parts, today = case.parts(), date(2026, 9, 7)
    pull.read_invoices(parts, case.clock.now())
    pull.read_payments(parts, case.clock.now())
    cash.match_payments(parts, today)
    found = explain(case, "INV-1001")

    assert ("matched", usd("0.00")) == (found.invoice.state, found.invoice.balance)
    assert [("payment", "intended", False)] == [
        (r.kind, r.state, r.is_seen) for p in found.payments if p.act for r in p.act.records if r.kind == "payment"
    ]


def test_a_suggestion_is_shown_with_what_it_waits_for(tmp_path: Path) -> None:
    case = Case(tmp_path, replace(POLICY, post=Switch.SUGGEST))
    with contextlib.closing(case.store):
        case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
        case.tick()
        case.pay("ch_1", "400.00", "INV-1001")
        case.tick(hours=1)
        payment = explain(case, "INV-1001").payments[0]

    assert ("suggested", usd("400.00"), "printed_reference", None) == (
        payment.state,
        payment.applied,
        payment.rung,
        payment.act,
    )
    assert "posting is in suggest" in payment.reason


def test_an_exception_names_every_invoice_that_it_holds(case: Case) -> None:
    case.bill(
        invoice("INV-1001", "400.00", SEP, date(2026, 9, 14)), invoice("INV-1002", "400.00", SEP, date(2026, 9, 14))
    )
    case.pay("ch_1", "400.00")
    case.tick()
    found = explain(case, "INV-1002")

    assert [("ambiguous", "ch_1")] == [(one.kind, one.record) for one in found.exceptions]
    assert 2 == len(found.exceptions[0].explanations)
    assert "ch_1" in next(row.question for row in found.verdicts if row.question.startswith("matching"))
    assert "exception_opened" in {row.event for row in found.timeline}


def test_an_old_book_is_in_the_backlog(case: Case) -> None:
    case.bill(invoice("INV-1001", "400.00", date(2026, 6, 1), date(2026, 7, 1)))
    case.tick()

    assert ("backlog", 68) == (explain(case, "INV-1001").invoice.state, explain(case, "INV-1001").invoice.days_past_due)


def test_a_disputed_line_is_shown_and_not_asked_for(case: Case) -> None:
    lines = (
        InvoiceLine("1", "platform", usd("300.00")),
        InvoiceLine("2", "usage", usd("100.00"), disputed=True, dispute_reason="ask jo@northfield.example"),
    )
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1), lines=lines))
    case.tick()
    found = explain(case, "INV-1001").invoice

    assert (usd("400.00"), usd("300.00")) == (found.balance, found.askable)
    assert [False, True] == [line.disputed for line in found.lines]
    assert "ask ***@northfield.example" == found.lines[1].dispute_reason


def test_a_record_that_is_parked_since_then_is_said_with_its_field(case: Case) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
    case.tick()
    del case.erp.invoices["1001"]
    case.erp.parked = (Parked("erp", "1001", "duedate", "it is empty", "C1"),)
    case.tick(minutes=5)
    found = explain(case, "INV-1001")

    assert ("parked", "parked") == (found.invoice.state, found.exceptions[0].kind)
    assert "duedate was not understood: it is empty" == found.exceptions[0].reason


def test_no_address_gets_into_an_explanation(case: Case) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 9, 8)))
    case.tick()
    text = as_json(explain(case, "INV-1001"))

    assert 1 == len(case.channel.mails)
    assert "ap@northfield.example" not in text
    assert "***@northfield.example" in text


def test_what_may_have_left_is_told_as_unknown(case: Case) -> None:
    case.channel.outcome = SendOutcome.UNKNOWN
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 9, 8)))
    case.tick(days=1)
    found = explain(case, "INV-1001")

    assert "sent_unknown" in {r.state for r in found.reminders}
    assert "nobody knows whether 0 left" in next(r.detail for r in found.timeline if r.event == "reminder_sent_unknown")


def test_an_unknown_number_has_no_explanation(case: Case) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
    case.tick()
    with case.store.read() as tx:
        assert answers.explain(tx, "INV-9", case.clock.now(), ZONE) is None
        assert ("INV-1001",) == answers.invoice_numbers(tx)


def test_a_number_that_two_invoices_share_is_asked_for_by_id(case: Case) -> None:
    first = invoice("INV-1001", "400.00", SEP, date(2026, 10, 1))
    case.bill(first, replace(first, id="2002"))
    case.tick()
    with pytest.raises(ConfigError, match="the ERP's ids 1001, 2002"):
        explain(case, "INV-1001")

    assert "2002" == explain(case, "2002").invoice.id


def test_a_plan_shows_new_matches_by_number_with_their_proof(case: Case, tmp_path: Path) -> None:
    case.bill(
        invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)), invoice("INV-1002", "50.00", SEP, date(2026, 10, 1))
    )
    case.tick()
    case.pay("ch_1", "450.00", "INV-1001 INV-1002")
    found = plan(case, tmp_path)
    match = found.matches[0]

    assert ("ch_1", "Northfield Robotics (C1)", usd("450.00"), "printed_reference") == (
        match.payment,
        match.customer,
        match.amount,
        match.rung,
    )
    assert [("INV-1001", usd("400.00")), ("INV-1002", usd("50.00"))] == [(a.invoice, a.amount) for a in match.applied]
    assert ("auto", "auto", "policy-1") == (found.post, found.send, found.policy_version)
    with case.store.read() as tx:
        assert () == history.acts_after(tx, 0)


def test_a_plan_does_not_tell_old_matches_again(case: Case, tmp_path: Path) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
    case.pay("ch_1", "400.00", "INV-1001")
    case.tick()

    assert () == plan(case, tmp_path).matches


def test_a_plan_in_shadow_shows_the_match_and_what_it_waits_for(tmp_path: Path) -> None:
    case = Case(tmp_path, replace(POLICY, post=Switch.SHADOW, send=Switch.SHADOW))
    with contextlib.closing(case.store):
        case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 10, 1)))
        case.pay("ch_1", "400.00", "INV-1001")
        found = plan(case, tmp_path)

    assert [("ch_1", "INV-1001")] == [(m.payment, m.applied[0].invoice) for m in found.matches]
    assert "posting is in shadow" in found.matches[0].reason


def test_a_plan_says_of_each_due_reminder_whether_it_may_leave_and_to_which_domain(case: Case, tmp_path: Path) -> None:
    case.erp.customers["C2"] = Customer("C2", "Kestrel Optics")
    case.bill(
        invoice("INV-1001", "400.00", SEP, date(2026, 9, 14)),
        invoice("INV-1002", "50.00", SEP, date(2026, 9, 14), customer_id="C2"),
    )
    rows = {row.invoice: row for row in plan(case, tmp_path).reminders}

    assert ("-7", "northfield.example", "may_leave") == (
        rows["INV-1001"].step,
        rows["INV-1001"].to_domain,
        rows["INV-1001"].verdict,
    )
    assert ("", "held") == (rows["INV-1002"].to_domain, rows["INV-1002"].verdict)
    assert "no billing contact" in rows["INV-1002"].reason


def test_a_second_mail_on_one_day_waits(case: Case, tmp_path: Path) -> None:
    case.bill(invoice("INV-1001", "400.00", SEP, date(2026, 9, 14)))
    case.tick()
    case.bill(invoice("INV-1002", "50.00", SEP, date(2026, 9, 14)))
    rows = {row.invoice: row for row in plan(case, tmp_path).reminders}

    assert 1 == len(case.channel.mails)
    assert "waits" == rows["INV-1002"].verdict


def test_a_stop_stands_in_the_plan_without_the_person(case: Case, tmp_path: Path) -> None:
    with case.store.tx() as tx:
        stop = {"what": "send", "since": tx.at_text, "who": "a.person", "reason": "wrong template"}
        tx.execute(tables.stop.insert().values(**stop))
    found = plan(case, tmp_path)

    assert "auto, but stopped since 2026-09-07T14:00: wrong template" == found.send
    assert "auto" == found.post


@pytest.mark.parametrize("kind", list(ExceptionKind))
def test_every_kind_of_exception_has_a_remedy(kind: ExceptionKind) -> None:
    assert words.remedy(kind.value)


def test_an_event_without_a_sentence_is_told_by_its_name(case: Case) -> None:
    assert "something new" == words.sentence(Line(1, case.clock.at, "something_new", {}))


def test_the_counts_of_a_tick_are_its_whole_numbers() -> None:
    found = answers.counts(TickReport(read=4, seconds=1.5, troubles=("a",)))

    assert 4 == found["read"]
    assert not {"seconds", "troubles"} & set(found)
