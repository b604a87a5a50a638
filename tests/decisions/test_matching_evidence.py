"""Each class of evidence that goes beyond plain numbers and plain sums, and what users of others complained of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from decision_cases import PAID_ON, applied, decide, invoice, line, payment, usd

from connector.decisions import matching
from connector.decisions.matching import ExceptionKind, FamilyBook, Match, MatchException, Rung, Waiting
from connector.policy import MatchingLimits
from connector.receivables import CreditMemo, EarlyDiscount, InvoiceStatus, ResidualReason

A, B, C = invoice("INV-41001", "1234.56"), invoice("INV-41072", "2500.01"), invoice("INV-41833", "407.93")
BOOK = (A, B, C)
MEMO = CreditMemo("77", "CM-5501", "C1", usd("34.56"), created_from=A.id)
FREE = CreditMemo("78", "CM-5502", "C1", usd("100.01"))
PARTLY = invoice("INV-41500", "500.00", lines=(line("300.00"), replace(line("200.00", disputed=True), id="2")))
SLIP = "INV-41O72"  # the letter O for a zero


CLASSES = [
    ("printed_lines", payment("300.00", "INV-41500"), (*BOOK, PARTLY), (), {"41500": "300.00"}),
    ("printed_amounts", payment("1607.93", "INV-41001 1200.00; INV-41833 407.93"), BOOK, (),
     {"41001": "1200.00", "41833": "407.93"}),
    ("printed_amounts", payment("500.00", "RMR*IV*INV-41001**400.00~RMR*IV*INV-41833**100.00~"), BOOK, (),
     {"41001": "400.00", "41833": "100.00"}),
    ("printed_credit", payment("1200.00", "INV-41001 less CM-5501"), BOOK, (MEMO,), {"41001": "1234.56"}),
    ("printed_credit", payment("1200.00", "INV-41001"), BOOK, (MEMO, FREE), {"41001": "1234.56"}),
    ("printed_part", payment("1200.00", "INV-41001"), BOOK, (), {"41001": "1200.00"}),
    ("printed_over", payment("1240.00", "INV-41001"), BOOK, (), {"41001": "1234.56"}),
    ("printed_completed", payment("4142.50", "INV-41001, INV-41072"), BOOK, (),
     {"41001": "1234.56", "41072": "2500.01", "41833": "407.93"}),
    ("payer_by_reference", payment("1642.49", "INV-41001 INV-41833", customer_id=""), BOOK, (),
     {"41001": "1234.56", "41833": "407.93"}),
    ("noisy_reference", payment("2500.01", SLIP), BOOK, (), {"41072": "2500.01"}),
    ("noisy_amounts", payment("2807.93", f"{SLIP} 2400.00; INV-41833 407.93"), BOOK, (),
     {"41072": "2400.00", "41833": "407.93"}),
    ("noisy_credit", payment("1200.00", "INV-41OO1"), BOOK, (MEMO,), {"41001": "1234.56"}),
    ("noisy_part", payment("2400.00", SLIP), BOOK, (), {"41072": "2400.00"}),
    ("noisy_over", payment("2510.00", SLIP), BOOK, (), {"41072": "2500.01"}),
    ("noisy_completed", payment("4142.50", f"INV-41OO1, {SLIP}"), BOOK, (),
     {"41001": "1234.56", "41072": "2500.01", "41833": "407.93"}),
    ("exact_lines", payment("300.00"), (*BOOK, PARTLY), (), {"41500": "300.00"}),
    ("exact_credit", payment("1200.00"), BOOK, (MEMO,), {"41001": "1234.56"}),
    ("due_bucket", payment("1642.49"), (A, replace(B, due_on=B.due_on + timedelta(days=9)), C), (),
     {"41001": "1234.56", "41833": "407.93"}),
]  # fmt: skip


@pytest.mark.parametrize(("rung", "paid", "book", "memos", "parts"), CLASSES)
def test_each_class_pays_what_its_arithmetic_proves(rung, paid, book, memos, parts):
    verdict = decide(paid, *book, credits=memos)

    assert parts == applied(verdict)
    assert rung == verdict.rung
    used = sum(one.amount.minor for one in verdict.credits)
    assert paid.amount.minor + used == sum(one.amount.minor for one in verdict.applications) + verdict.unapplied.minor


def test_a_deposit_net_of_a_fee_that_nobody_stated_is_matched_at_gross_and_never_at_net():
    net = invoice("INV-41900", "970.70")
    gross = (usd("1000.00"),)
    paid = payment("970.70")
    at_gross = decide(paid, *BOOK, invoice("INV-41901", "1000.00"), grosses=gross)
    at_net = decide(paid, *BOOK, net, grosses=gross)

    assert isinstance(at_gross, Match)
    assert (Rung.NET_OF_FEE, usd("29.30")) == (at_gross.rung, at_gross.fee)
    assert isinstance(at_net, MatchException)
    assert at_net.kind is ExceptionKind.FEE_NOT_STATED


@pytest.mark.parametrize(("late_by", "discounted"), [(-1, True), (0, True), (1, False)])
def test_a_discount_counts_until_its_day_and_settles_the_whole_invoice(late_by, discounted):
    offered = replace(A, discount=EarlyDiscount(usd("24.69"), PAID_ON - timedelta(days=late_by)))
    verdict = decide(payment("1209.87", "INV-41001"), offered, B, C)

    assert isinstance(verdict, Match)
    (part,) = verdict.applications
    assert (offered.balance if discounted else usd("1209.87")) == part.settles
    assert discounted or [ResidualReason.LATE_DISCOUNT] == [one.reason for one in verdict.residuals]


@pytest.mark.parametrize(
    ("method", "short", "reason"),
    [
        ("wire", "15.00", ResidualReason.BANK_FEE),
        ("wire", "15.01", ResidualReason.SHORT_PAY),
        ("ach", "15.00", ResidualReason.SHORT_PAY),
        ("ach", "1.00", ResidualReason.TOLERANCE),
        ("ach", "1.01", ResidualReason.SHORT_PAY),
    ],
)
def test_what_stays_open_has_a_reason_within_the_policys_bounds(method, short, reason):
    limits = MatchingLimits(tolerance=(usd("1.00"),), wire_fee_max=(usd("15.00"),))
    paid = payment((A.balance - usd(short)).plain(), "INV-41001", method=method)
    verdict = decide(paid, *BOOK, limits=limits)

    assert isinstance(verdict, Match)
    assert [(usd(short), reason)] == [(one.amount, one.reason) for one in verdict.residuals]


def test_the_rest_of_a_payment_pays_the_invoice_whose_hold_was_lifted():
    """The others that it names are paid by itself: that is no double payment."""
    paid = payment("1642.49", "INV-41001 INV-41833")
    done = replace(A, balance=usd("0.00"), status=InvoiceStatus.PAID)
    one = Waiting(paid, usd("407.93"), paid=frozenset({A.id}))
    verdict = matching.decide([one], FamilyBook((done, B, C), family_ids=frozenset({"C1"})), MatchingLimits())["ch_1"]

    assert {"41833": "407.93"} == applied(verdict)


# ---- what users of others complained of; in brackets where ----


def test_a_reference_number_is_never_ignored():
    """[erpnext#46725]"""
    verdict = decide(payment("407.93", "INV-99999"), *BOOK)

    assert isinstance(verdict, MatchException)
    assert verdict.kind is ExceptionKind.UNEXPLAINED_REFERENCE


def test_fifty_dollars_do_not_pay_a_hundred_dollar_invoice_in_full():
    """[banking#59, invoiceninja#9573]"""
    book = (invoice("INV-1", "100.00"),)
    named, unnamed = decide(payment("50.00", "INV-1"), *book), decide(payment("50.00"), *book)

    assert {"1": "50.00"} == applied(named)
    assert isinstance(unnamed, MatchException)


def test_money_in_never_matches_a_credit_of_the_same_amount():
    """[beancount-import#202]"""
    verdict = decide(payment("20.00"), *BOOK, credits=(CreditMemo("9", "CM-9", "C1", usd("20.00")),))

    assert isinstance(verdict, MatchException)


def test_two_rows_of_one_amount_do_not_both_pay_one_entry():
    """[beangulp#179]"""
    verdict = decide(payment("407.93"), *BOOK, rivals=[usd("407.93")])

    assert isinstance(verdict, MatchException)
    assert verdict.kind is ExceptionKind.RIVAL_PAYMENT


def test_an_open_credit_note_counts_beside_the_money():
    """[erpnext#49066, credit-control#211, killbill#695]"""
    named, unnamed = (decide(payment("1200.00", text), *BOOK, credits=(MEMO,)) for text in ("INV-41001", ""))

    assert [(("77", usd("34.56")),)] * 2 == [
        tuple((c.credit_id, c.amount) for c in v.credits) for v in (named, unnamed)
    ]
    assert [()] * 2 == [verdict.residuals for verdict in (named, unnamed)]


def test_one_of_several_named_invoices_that_is_covered_does_not_settle_them_all():
    """[erpnext#41752, #35440]"""
    verdict = decide(payment("407.93", "INV-41001, INV-41833"), *BOOK)

    assert isinstance(verdict, MatchException)
    assert verdict.kind in {ExceptionKind.AMBIGUOUS, ExceptionKind.SHORT_OVER_SEVERAL}


def test_a_tolerance_explains_what_is_left_and_never_makes_a_match():
    """[account-reconcile#711]"""
    limits = MatchingLimits(tolerance=(usd("5.00"),))
    verdict = decide(payment("405.00"), *BOOK, limits=limits)

    assert isinstance(verdict, MatchException)


def test_another_currency_is_a_persons_with_the_rate_that_is_known():
    """[erpnext#39021, #40472]"""
    euro = invoice("INV-41008", "92.00", currency="EUR")
    verdict = decide(payment("100.00", exchange_rate="0.92"), euro)

    assert isinstance(verdict, MatchException)
    assert (ExceptionKind.CURRENCY, True) == (verdict.kind, "0.92" in verdict.reason)


def test_a_work_budget_that_is_spent_is_an_exception_and_never_a_guess():
    book = [invoice(f"INV-{n}", f"{10007 * n % 7919 + 100}.{n % 100:02}") for n in range(1, 90)]
    verdict = decide(payment("98765.43"), *book, limits=MatchingLimits(work_max=10))

    assert isinstance(verdict, MatchException)
    assert verdict.kind in {ExceptionKind.WORK_SPENT, ExceptionKind.TOO_MANY_CANDIDATES}


def test_a_search_among_too_many_memos_is_given_up_and_not_taken_for_no_fit():
    """Else the invoice would be paid in part and the memos that explain the rest be overlooked."""
    numbers = Random(1)
    memos = tuple(
        CreditMemo(str(n), f"CM-{n}", "C1", usd(f"{numbers.randrange(10, 999)}.{numbers.randrange(10, 99)}"))
        for n in range(200)
    )
    one, limits = invoice("INV-41001", "9000.00"), MatchingLimits(work_max=10_000)
    verdict = decide(payment("5123.45", "INV-41001"), one, credits=memos, limits=limits)

    assert isinstance(verdict, MatchException)
    assert verdict.kind is ExceptionKind.WORK_SPENT


def test_what_was_looked_at_and_lost_is_told():
    verdict = decide(payment("1234.56", "INV-41001"), *BOOK)

    assert isinstance(verdict, Match)
    assert all(text.endswith(".") for text in verdict.considered)
