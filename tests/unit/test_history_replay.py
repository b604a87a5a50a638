"""The past is decided again as it stood on each day, and compared with what people did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from past_cases import FIRST, PastErp, billed, day, paid, usd

from connector.history.replay import WAITS, Agreement, Replayed, replay
from connector.money import Money
from connector.policy import MatchingLimits
from connector.ports import History
from connector.receivables import (
    CreditMemo,
    Customer,
    InvoiceLine,
    InvoiceStatus,
    Match,
    MatchException,
    Parked,
)

LAST = day(120)


def replayed(erp: PastErp, last_on: date = LAST) -> dict[str, Replayed]:
    """By ERP payment id."""
    history = erp.read_history(FIRST - WAITS, LAST + WAITS)
    return {one.past.erp_id: one for one in replay(history, MatchingLimits(), FIRST, last_on)}


def said(erp: PastErp) -> dict[str, str]:
    """Payment -> agreement and the class of evidence or the kind of exception."""
    return {
        one: f"{found.agreement} {found.verdict.rung if isinstance(found.verdict, Match) else found.verdict.kind}"
        for one, found in replayed(erp).items()
    }


TWO = (billed("INV-1", 400, 0), billed("INV-2", 300, 1))


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        # What we would have done, and people did.
        ([paid("p", 400, 5, ("1", 400), text="INV-1")], {"p": "agreed printed_reference"}),
        ([paid("p", 700, 5, ("1", 400), ("2", 300), text="INV-1 INV-2")], {"p": "agreed printed_reference"}),
        # A clerk applied first in, first out, against the payer's own words.
        ([paid("p", 300, 5, ("1", 300), text="INV-2")], {"p": "differed printed_reference"}),
        ([paid("p", 700, 5, ("1", 400), ("2", 200), text="INV-1 INV-2")], {"p": "differed printed_reference"}),
        # We would have asked.
        ([paid("p", 300, 5, ("2", 300), text="INV-9")], {"p": "asked unexplained_reference"}),
        ([paid("p", 555, 5, ("1", 400), ("2", 155))], {"p": "asked no_explanation"}),
        # Nobody ever applied it, or only after weeks.
        ([paid("p", 400, 5, text="INV-1")], {"p": "left printed_reference"}),
        ([paid("p", 400, 5, ("1", 400, 5 + WAITS.days), text="INV-1")], {"p": "agreed printed_reference"}),
        ([paid("p", 400, 5, ("1", 400, 6 + WAITS.days), text="INV-1")], {"p": "left printed_reference"}),
        # What another connector, or we, made is nobody's judgement; it pays all the same.
        (
            [
                paid("ours", 400, 4, ("1", 400), text="INV-1", external_id="arc-main-pay-ch_1-1"),
                paid("p", 300, 5, ("2", 300)),
            ],
            {"p": "agreed exact_balance"},
        ),
    ],
)
def test_what_people_did_is_compared_to_the_cent(payments, expected):
    assert expected == said(PastErp(TWO, tuple(payments)))


def test_both_splits_are_told():
    found = replayed(PastErp(TWO, (paid("p", 300, 5, ("1", 200), ("1", 100), text="INV-2"),)))["p"]

    assert ({"2": usd(300)}, {"1": usd(300)}) == (found.ours, found.theirs)
    assert day(5) == found.decided_on


# ---- as it stood on the day ----


def test_what_was_settled_on_earlier_days_is_gone_and_what_is_settled_later_is_not():
    settled = (("1", usd(100), day(3)), ("2", usd(300), day(6)))
    erp = PastErp(TWO, (paid("p", 300, 5, ("1", 300), text="INV-1"),), settled=settled)

    assert {"p": "agreed printed_reference"} == said(erp)


def test_what_is_settled_on_the_very_day_is_not_seen_yet():
    """The daemon ticks in the morning; on which hour of a day somebody applied a memo nobody knows."""
    erp = PastErp(TWO, (paid("p", 300, 5, ("1", 300), text="INV-1"),), settled=(("1", usd(100), day(5)),))
    found = replayed(erp)["p"]

    assert isinstance(found.verdict, MatchException) or found.verdict.rung != "printed_reference"


def test_an_invoice_that_was_not_issued_yet_cannot_be_meant():
    erp = PastErp(
        (billed("INV-1", 400, 0), billed("INV-3", 400, 20)),
        (paid("p", 400, 5, ("3", 400, 40), text=""),),
    )

    assert {"p": "left exact_balance"} == said(erp)


def test_what_waits_is_decided_again_when_its_invoice_comes():
    erp = PastErp((billed("INV-1", 400, 9),), (paid("p", 400, 5, ("1", 400, 12), text="INV-1"),))
    found = replayed(erp)["p"]

    assert (Agreement.AGREED, day(9)) == (found.agreement, found.decided_on)


def test_what_people_did_at_last_is_not_looked_at_before():
    """The invoice comes after people had given the money to something else."""
    erp = PastErp(
        (billed("INV-1", 400, 12), billed("INV-2", 900, 0)),
        (paid("p", 400, 5, ("2", 400, 8), text="INV-1"),),
    )

    assert {"p": "asked unexplained_reference"} == said(erp)


def test_a_rest_that_found_its_invoice_later_is_not_held_against_us():
    erp = PastErp(
        (billed("INV-1", 400, 0), billed("INV-7", 100, 20)),
        (paid("p", 400, 5, ("1", 300), ("7", 100, 20), text="INV-1"),),
    )
    found = replayed(erp)["p"]

    assert ({"1": usd(400)}, {"1": usd(300)}) == (found.ours, found.theirs)
    whole = replace(erp, payments=(paid("p", 500, 5, ("1", 400), ("7", 100, 20), text="INV-1"),))
    assert {"1": usd(400)} == replayed(whole)["p"].theirs


def test_what_we_would_have_matched_is_taken_until_people_applied_it():
    """Two invoices of one amount: the first payment names one, so the second can only be the other."""
    erp = PastErp(
        (billed("INV-1", 400, 0), billed("INV-2", 400, 0)),
        (paid("a", 400, 5, ("1", 400, 20), text="INV-1"), paid("b", 400, 10, ("2", 400, 10))),
    )

    assert {"a": "agreed printed_reference", "b": "agreed exact_balance"} == said(erp)


def test_once_people_applied_it_otherwise_their_book_is_the_truth():
    erp = PastErp(
        (billed("INV-1", 400, 0), billed("INV-2", 400, 0)),
        (paid("a", 400, 5, ("2", 400, 7), text="INV-1"), paid("b", 400, 10, ("1", 400, 10))),
    )

    assert {"a": "differed printed_reference", "b": "agreed exact_balance"} == said(erp)


def test_payments_of_one_day_are_decided_together():
    """One invoice, two payments of its amount: neither may have it because it came first."""
    erp = PastErp((billed("INV-1", 400, 0),), (paid("a", 400, 5, ("1", 400)), paid("b", 400, 5)))
    found = replayed(erp)

    assert isinstance(found["a"].verdict, MatchException)
    assert isinstance(found["b"].verdict, MatchException)


def test_money_left_on_account_for_weeks_is_no_rival_any_more():
    invoices = (billed("INV-1", 400, 0), billed("INV-2", 777, WAITS.days + 1))
    old = paid("old", 777, 0)
    new = paid("new", 777, WAITS.days + 2, ("2", 777))

    assert "agreed exact_balance" == said(PastErp(invoices, (old, new)))["new"]
    recent = paid("old", 777, 3)
    assert "new" in (found := said(PastErp(invoices, (recent, new))))
    assert "agreed" not in found["new"]


def test_holds_disputes_and_closings_of_today_say_nothing_about_then():
    line = InvoiceLine("1", "Licences", usd(400), disputed=True)
    today = replace(
        billed("INV-1", 400, 0), hold_reason="on hold", status=InvoiceStatus.PAID, balance=usd(0), lines=(line,)
    )

    assert {"p": "agreed printed_reference"} == said(PastErp((today,), (paid("p", 400, 5, ("1", 400), text="INV-1"),)))


def test_another_familys_invoice_in_the_text_is_seen_as_the_daemon_would():
    erp = PastErp(
        (billed("INV-1", 400, 0), billed("INV-2", 400, 0, "C2")),
        (paid("p", 400, 5, ("1", 400), text="INV-2"),),
    )

    assert {"p": "asked payer_in_doubt"} == said(erp)


def test_a_family_with_a_record_that_is_not_understood_decides_nothing_by_amount():
    parked = (Parked("erp", "99", "currency", "unknown", "C1"),)

    assert {"p": "asked not_understood"} == said(PastErp(TWO, (paid("p", 300, 5, ("2", 300)),), parked=parked))


def test_relatives_are_one_family():
    customers = (Customer("C1", "Northfield"), Customer("C3", "Northfield East", parent_id="C1"))
    erp = PastErp((billed("INV-1", 400, 0, "C3"),), (paid("p", 400, 5, ("1", 400), text="INV-1"),), customers=customers)

    assert {"p": "agreed printed_reference"} == said(erp)


def test_only_payments_of_the_period_are_told_and_others_still_count():
    erp = PastErp(TWO, (paid("early", 400, 1, ("1", 400), text="INV-1"), paid("late", 300, 9, ("2", 300))))

    assert ["early"] == list(replayed(erp, last_on=day(5)))
    assert ["early", "late"] == sorted(replayed(erp))


def test_a_voided_invoice_is_left_out():
    erp = PastErp((replace(TWO[0], status=InvoiceStatus.VOIDED), TWO[1]), (paid("p", 300, 5, ("2", 300)),))

    assert {"p": "agreed exact_balance"} == said(erp)


def memo(id_: str, amount: int, on: int, created_from: str = "") -> CreditMemo:
    return CreditMemo(id_, f"CM-{id_}", "C1", usd(amount), received_on=day(on), created_from=created_from)


def test_a_memo_used_with_the_payment_is_compared_too():
    """Applications include the memo's part, on both sides."""
    erp = PastErp(
        (billed("INV-1", 500, 0),),
        (paid("p", 420, 5, ("1", 500), text="INV-1", credits=(("80", usd(80)),)),),
        credits=(memo("80", 80, 3, "1"),),
    )
    assert {"p": "agreed printed_credit"} == said(erp)
    by_hand = replace(erp, payments=(paid("p", 420, 5, ("1", 420), text="INV-1"),))
    assert {"p": "differed printed_credit"} == said(by_hand)


def test_a_memo_is_not_seen_before_its_day_nor_after_it_was_used_up():
    invoices = (billed("INV-1", 500, 0), billed("INV-2", 500, 0))
    later = PastErp(invoices, (paid("p", 420, 5, ("1", 420), text="INV-1"),), credits=(memo("80", 80, 6, "1"),))
    used = PastErp(
        invoices,
        (
            paid("first", 420, 5, ("1", 500), text="INV-1", credits=(("80", usd(80)),)),
            paid("second", 420, 7, ("2", 420), text="INV-2"),
        ),
        credits=(memo("80", 80, 3),),
    )

    assert {"p": "agreed printed_part"} == said(later)
    assert "agreed printed_part" == said(used)["second"]


# ---- for any past ----


@st.composite
def pasts(draw: st.DrawFn) -> History:
    """A few customers, some of one family, with invoices of few amounts, so that much of it is ambiguous."""
    customers = (Customer("C1", "A"), Customer("C2", "B"), Customer("C3", "C", parent_id="C1"))
    owner = st.sampled_from([customer.id for customer in customers])
    amounts = st.sampled_from([100, 150, 200, 250, 400])
    days = st.integers(0, 40)
    invoices = [
        billed(f"INV-{number}", draw(amounts), draw(days), draw(owner))
        for number in range(1, draw(st.integers(1, 7)) + 1)
    ]
    left = {invoice.id: invoice.amount.minor for invoice in invoices}
    payments, settled = [], []
    for number in range(draw(st.integers(1, 6))):
        named = draw(st.lists(st.sampled_from(invoices), max_size=2, unique=True))
        received, minor = draw(days), draw(amounts) * 100
        text = " ".join(invoice.number for invoice in draw(st.lists(st.sampled_from(invoices), max_size=2)))
        applied, rest = [], minor
        for invoice in named:
            part = min(rest, left[invoice.id])
            on = max(day(received), invoice.issued_on) + (day(draw(st.sampled_from([0, 0, 3, 40]))) - FIRST)
            if part:
                applied.append((invoice.id, Money(part, "USD"), on))
                left[invoice.id], rest = left[invoice.id] - part, rest - part
        made = paid(f"p{number}", minor // 100, received, text=text, customer_id=draw(owner))
        payments.append(replace(made, applied=tuple(applied)))
    for invoice in draw(st.lists(st.sampled_from(invoices), max_size=2, unique=True)):
        if left[invoice.id]:
            settled.append((invoice.id, Money(left[invoice.id], "USD"), max(invoice.issued_on, day(draw(days)))))
    credits = [
        CreditMemo(f"m{number}", f"CM-{number}", draw(owner), usd(draw(amounts)), received_on=day(draw(days)))
        for number in range(draw(st.integers(0, 2)))
    ]
    return History(tuple(invoices), tuple(credits), tuple(payments), tuple(settled), customers)


def until(history: History, on: date) -> History:
    """What was there by the end of this day."""
    payments = [
        replace(one, applied=tuple(part for part in one.applied if part[2] <= on))
        for one in history.payments
        if one.received_on <= on
    ]
    return replace(
        history,
        invoices=tuple(one for one in history.invoices if one.issued_on <= on),
        credits=tuple(one for one in history.credits if one.received_on is None or one.received_on <= on),
        payments=tuple(payments),
        settled_otherwise=tuple(part for part in history.settled_otherwise if part[2] <= on),
    )


def verdicts(history: History, on: date = LAST) -> dict[str, tuple[date, Match | MatchException]]:
    found = replay(history, MatchingLimits(), FIRST, LAST)
    return {one.past.erp_id: (one.decided_on, one.verdict) for one in found if one.decided_on <= on}


@given(pasts(), st.integers(0, 45))
@settings(max_examples=150)
def test_the_replay_never_looks_ahead(history, cut):
    """What is dated after a day changes no verdict of that day or an earlier one."""
    known = verdicts(until(history, day(cut)), day(cut))

    for payment_id, found in verdicts(history, day(cut)).items():
        assert found == known[payment_id]


@given(pasts(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_the_documents_changes_nothing(history, random):
    def shuffled(some):
        return tuple(random.sample(some, len(some)))

    mixed = History(
        shuffled(history.invoices),
        shuffled(history.credits),
        shuffled(history.payments),
        shuffled(history.settled_otherwise),
        shuffled(history.customers),
    )

    assert verdicts(history) == verdicts(mixed)


@given(pasts())
@settings(max_examples=60)
def test_every_payment_is_told_once_and_never_pays_more_than_there_was(history):
    found = list(replay(history, MatchingLimits(), FIRST, LAST))

    assert sorted(one.erp_id for one in history.payments) == sorted(one.past.erp_id for one in found)
    for one in found:
        assert sum(amount.minor for amount in one.ours.values()) <= one.past.amount.minor + sum(
            use.amount.minor for use in getattr(one.verdict, "credits", ())
        )
        assert all(amount.minor > 0 for amount in one.ours.values())


def test_a_long_past_is_replayed_in_time():
    """One customer that pays daily for a year: the work grows with what is open, not with what ever was."""
    numbers = range(1, 366)
    invoices = tuple(billed(f"INV-{n}", 100 + n, n) for n in numbers)
    payments = tuple(paid(f"p{n}", 100 + n, n + 20, (str(n), 100 + n), text=f"INV-{n}") for n in numbers)
    history = PastErp(invoices, payments).read_history(FIRST, day(500))
    found = list(replay(history, MatchingLimits(), FIRST, day(500)))

    assert {Agreement.AGREED} == {one.agreement for one in found}
    assert 365 == len(found)
