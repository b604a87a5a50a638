"""What holds for every book and every payment, whatever the rung."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

from decision_cases import decide, invoice, line, payment
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions.matching import ExceptionKind, Match, MatchException, Rung
from connector.money import Money
from connector.receivables import InvoiceStatus, OpenInvoice, Payment, PaymentApplication

BY_AMOUNT = {Rung.EXACT_BALANCE, Rung.WHOLE_BALANCE, Rung.EXACT_SUBSET}
WORDS = ["INV-", "1", "2", "3", "10", " ", ",", "/", "-", "\n", "\x00", "\u202e", "invoice ", "PO 77", "5.00", "#"]


@st.composite
def books(draw: st.DrawFn, plain: bool = False) -> tuple[OpenInvoice, ...]:
    """Small books with few different amounts, so that sums collide often."""
    found = []
    for number in range(1, draw(st.integers(0, 7)) + 1):
        balance = Money(draw(st.integers(1, 12)) * draw(st.sampled_from([1, 50, 101])), "USD")
        more: dict[str, Any] = {}
        if not plain:
            more = draw(
                st.sampled_from(
                    [
                        {},
                        {},
                        {"hold_reason": "held"},
                        {"customer_id": "C2"},
                        {"customer_id": "C9"},
                        {"status": InvoiceStatus.PAID},
                    ]
                )
            )
            if draw(st.booleans()):
                more |= {
                    "lines": (replace(line("0.01", disputed=True), amount=Money(draw(st.integers(1, 300)), "USD")),)
                }
        found.append(invoice(f"INV-{number}", balance.plain(), **more))
    return tuple(found)


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    names = st.lists(st.integers(1, 8).map(lambda n: f"INV-{n}"), max_size=4)
    amount = Money(draw(st.integers(0, 2500)), "USD").plain()
    text = draw(st.one_of(st.just(""), st.lists(st.sampled_from(WORDS), max_size=12).map("".join), names.map(" ".join)))
    channel = draw(st.sampled_from(["", "numbers", "links", "ids"]))
    named = draw(names) if channel else []
    more: dict[str, Any] = (
        {channel: [n.rpartition("-")[2] for n in named] if channel == "ids" else named} if channel else {}
    )
    return payment(amount, text, customer_id=draw(st.sampled_from(["C1", "C1", ""])), **more)


def fits(book: tuple[OpenInvoice, ...], money: Money) -> list[tuple[OpenInvoice, ...]]:
    """All subsets with this sum, by trying all of them."""
    return [
        chosen
        for size in range(1, len(book) + 1)
        for chosen in combinations(book, size)
        if sum(i.balance.minor for i in chosen) == money.minor
    ]


@given(payments(), books())
def test_cents_conserve_and_no_invoice_falls_below_zero(paid, book):
    verdict = decide(paid, *book)
    if isinstance(verdict, Match):
        balances = {i.id: i.balance for i in book}
        total = Money.total((part.amount for part in verdict.applications), "USD")

        assert paid.available == total + verdict.unapplied
        assert verdict.unapplied.minor >= 0
        assert all(0 < part.amount.minor <= balances[part.invoice_id].minor for part in verdict.applications)
        assert len(verdict.applications) == len({part.invoice_id for part in verdict.applications}) > 0


@given(payments(), books(), st.randoms())
def test_the_order_of_the_invoices_never_matters_and_deciding_twice_gives_the_same(paid, book, random):
    assert decide(paid, *book) == decide(paid, *random.sample(book, len(book))) == decide(paid, *book)


@given(payments(), books())
def test_nothing_held_nothing_closed_and_nothing_of_others_is_paid(paid, book):
    verdict = decide(paid, *book)
    parts = {part.invoice_id for part in verdict.applications} if isinstance(verdict, Match) else set()
    for each in (i for i in book if i.id in parts):
        assert not each.hold_reason
        assert each.status is InvoiceStatus.OPEN
        assert not paid.customer_id or each.customer_id in {"C1", "C2"}


@given(payments(), books())
def test_a_printed_match_pays_only_what_stands_in_the_text(paid, book):
    verdict = decide(paid, *book)
    if isinstance(verdict, Match) and verdict.rung is Rung.PRINTED_REFERENCE:
        numbers = {i.id: i.number for i in book}

        assert all(numbers[part.invoice_id] in paid.remittance.text for part in verdict.applications)


@given(books(plain=True), st.integers(1, 2500))
def test_by_amount_alone_the_verdict_agrees_with_trying_all_subsets(book, minor):
    money = Money(minor, "USD")
    verdict = decide(payment(money.plain()), *book)
    found = fits(book, money)
    if isinstance(verdict, Match):
        assert verdict.rung in BY_AMOUNT
        assert [tuple(PaymentApplication(i.id, i.balance) for i in chosen) for chosen in found] == [
            verdict.applications
        ]
    elif verdict.kind is ExceptionKind.ACCIDENTAL_FIT:
        assert 1 == len(found) < len(book)
    else:
        assert verdict.kind is (ExceptionKind.AMBIGUOUS if found else ExceptionKind.NO_EXPLANATION)
        shown = [explanation.applications for explanation in verdict.explanations]
        assert len(shown) == min(len(found), 5)
        assert set(shown) <= {tuple(PaymentApplication(i.id, i.balance) for i in chosen) for chosen in found}


@given(books(), st.integers(1, 2500), st.integers(1, 3000), st.lists(st.integers(1, 800), max_size=2))
def test_an_unrelated_invoice_never_turns_an_exception_into_a_posting(book, minor, other, rivals):
    """Unrelated: larger than the money, or the exception had an explanation already."""
    money = Money(minor, "USD")
    more = {"rivals": [Money(rival, "USD") for rival in rivals]}
    before = decide(payment(money.plain()), *book, **more)
    if isinstance(before, MatchException) and (before.kind is not ExceptionKind.NO_EXPLANATION or other > minor):
        after = decide(payment(money.plain()), *book, invoice("INV-99", Money(other, "USD").plain()), **more)

        assert isinstance(after, MatchException)


@given(books(), st.integers(1, 2500))
def test_a_match_stays_the_same_when_an_invoice_that_it_does_not_pay_is_removed(book, minor):
    money = Money(minor, "USD")
    before = decide(payment(money.plain()), *book)
    if isinstance(before, Match):
        paid = {part.invoice_id for part in before.applications}
        for gone in (i for i in book if i.id not in paid):
            after = decide(payment(money.plain()), *(i for i in book if i is not gone))

            assert isinstance(after, Match)
            assert (before.applications, before.unapplied) == (after.applications, after.unapplied)


@given(books(), st.text(max_size=200), st.integers(1, 2500))
def test_no_remittance_text_crashes_the_decision(book, text, minor):
    verdict = decide(payment(Money(minor, "USD").plain(), text), *book)

    assert verdict.reason.isprintable()
