"""What holds for every book and every payment, whatever the evidence: thousands of books of `matching_books`.

A failure names the seed of its book: `world(Random(seed))`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_books import FAMILY, STRANGER, Verdicts, World, world

from connector.decisions.matching import ExceptionKind, Match, MatchException, Rung, Waiting
from connector.money import Money
from connector.receivables import CreditUse, InvoiceStatus, OpenInvoice, PaymentApplication

BY_AMOUNT = {
    Rung.EXACT_BALANCE,
    Rung.WHOLE_BALANCE,
    Rung.DUE_BUCKET,
    Rung.EXACT_LINES,
    Rung.EXACT_CREDIT,
    Rung.EXACT_SUBSET,
}
CHUNKS = pytest.mark.parametrize("chunk", range(8))
worlds_drawn = st.randoms(use_true_random=False).map(world)


@cache
def worlds(chunk: int, count: int = 60) -> tuple[tuple[int, World, Verdicts], ...]:
    """Books by their seeds, with the verdicts."""
    drawn = ((seed, world(Random(seed))) for seed in range(chunk * 10_000, chunk * 10_000 + count))
    return tuple((seed, one, one.decide()) for seed, one in drawn)


def matches(of: World, verdicts: Verdicts) -> Iterator[tuple[Waiting, Match]]:
    for one in of.waiting:
        verdict = verdicts[one.payment.id]
        if isinstance(verdict, Match):
            yield one, verdict


def exceptions(verdicts: Verdicts) -> dict[str, MatchException]:
    return {key: verdict for key, verdict in verdicts.items() if isinstance(verdict, MatchException)}


def total(amounts: Iterator[Money], currency: str) -> Money:
    return Money.total(amounts, currency)


def test_the_books_lead_to_every_inferred_kind_of_verdict():
    """Else the other tests here would prove little."""
    reached: Counter[str] = Counter()
    for chunk in range(8):
        for _, _, verdicts in worlds(chunk):
            reached.update(str(getattr(v, "rung", None) or v.kind) for v in verdicts.values())

    assert {
        *(Rung.STRIPE_LINK, Rung.METADATA, Rung.PRINTED_REFERENCE, Rung.PRINTED_AMOUNTS, Rung.PRINTED_CREDIT),
        *(Rung.PRINTED_PART, Rung.PRINTED_OVER, Rung.NOISY_REFERENCE, Rung.EXACT_BALANCE, Rung.EXACT_SUBSET),
        *(ExceptionKind.AMBIGUOUS, ExceptionKind.PAYER_IN_DOUBT, ExceptionKind.HELD_INVOICE_NAMED),
        *(ExceptionKind.UNEXPLAINED_REFERENCE, ExceptionKind.NO_EXPLANATION, ExceptionKind.INELIGIBLE_ONLY),
        *(ExceptionKind.RIVAL_PAYMENT, ExceptionKind.ACCIDENTAL_FIT, ExceptionKind.NOT_UNDERSTOOD),
    } <= set(reached)
    assert 400 < sum(reached[rung] for rung in Rung)


# --- The money


def assert_cents_conserve(waiting: Waiting, match: Match) -> None:
    currency = waiting.left.currency
    applied = total((part.amount for part in match.applications), currency)
    used = total((one.amount for one in match.credits), currency)
    fee = match.fee or Money.zero(currency)

    assert applied + match.unapplied == waiting.left + used + fee
    assert match.cash + match.unapplied == waiting.left
    assert match.cash.minor > 0 <= match.unapplied.minor
    assert fee.minor >= 0
    assert not fee or waiting.left + fee in waiting.grosses
    assert all(part.amount.minor > 0 for part in match.applications)
    assert all(one.amount.minor > 0 for one in match.credits)
    assert len(match.applications) == len({part.invoice_id for part in match.applications}) > 0
    assert len(match.credits) == len({one.credit_id for one in match.credits})


@CHUNKS
def test_cents_conserve(chunk):
    for seed, drawn, before in worlds(chunk):
        for waiting, match in matches(drawn, before):
            try:
                assert_cents_conserve(waiting, match)
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}") from broken


def assert_nothing_is_used_twice(drawn: World, verdicts: Verdicts) -> None:
    """By all payments of the call together: what an invoice owes and what a memo still holds are bounds."""
    settled: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for _, match in matches(drawn, verdicts):
        settled.update({part.invoice_id: part.settles.minor for part in match.applications})
        used.update({one.credit_id: one.amount.minor for one in match.credits})
    balances = {one.id: one.balance.minor for one in drawn.book.invoices}
    open_amounts = {one.id: one.open_amount.minor for one in drawn.book.credits}

    assert all(minor <= balances[key] for key, minor in settled.items())
    assert all(minor <= open_amounts[key] for key, minor in used.items())


@CHUNKS
def test_no_invoice_falls_below_zero_and_no_credit_is_used_twice(chunk):
    for seed, drawn, before in worlds(chunk):
        try:
            assert_nothing_is_used_twice(drawn, before)
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}") from broken


@settings(max_examples=40)
@given(worlds_drawn)
def test_cents_conserve_in_books_that_were_looked_for(drawn):
    verdicts = drawn.decide()
    for waiting, match in matches(drawn, verdicts):
        assert_cents_conserve(waiting, match)
    assert_nothing_is_used_twice(drawn, verdicts)


@CHUNKS
def test_a_split_by_lines_adds_up_and_leaves_disputed_lines_alone(chunk):
    for seed, drawn, before in worlds(chunk):
        lines = {(one.id, line.id): line for one in drawn.book.invoices for line in one.lines}
        for _, match in matches(drawn, before):
            for part in match.applications:
                if part.lines:
                    parts = [lines[part.invoice_id, share.line_id] for share in part.lines]

                    assert part.amount == total((s.amount for s in part.lines), part.amount.currency), seed
                    assert all(s.amount <= line.amount for s, line in zip(part.lines, parts, strict=True)), seed
                    assert not any(line.disputed for line in parts), seed


@CHUNKS
def test_a_discount_is_the_one_that_was_offered_in_time_and_settles_the_invoice(chunk):
    for seed, drawn, before in worlds(chunk):
        invoices = {one.id: one for one in drawn.book.invoices}
        for waiting, match in matches(drawn, before):
            for part in match.applications:
                if part.discount:
                    offered = invoices[part.invoice_id].discount

                    assert offered and part.discount == offered.amount, seed
                    assert waiting.payment.received_on <= offered.until, seed
                    assert part.settles == invoices[part.invoice_id].balance, seed


# --- Whose money, for whom


@CHUNKS
def test_only_open_invoices_of_the_family_in_the_currency_are_paid_and_none_on_hold(chunk):
    for seed, drawn, before in worlds(chunk):
        invoices = {one.id: one for one in drawn.book.invoices}
        memos = {one.id: one for one in drawn.book.credits}
        for waiting, match in matches(drawn, before):
            paid = [invoices[part.invoice_id] for part in match.applications]

            assert not any(one.hold_reason for one in paid), seed
            assert {InvoiceStatus.OPEN} == {one.status for one in paid}, seed
            assert {waiting.left.currency} == {one.balance.currency for one in paid}, seed
            assert {waiting.left.currency} >= {memos[one.credit_id].open_amount.currency for one in match.credits}
            if drawn.book.family_ids:
                assert STRANGER not in {one.customer_id for one in paid}, seed
            else:
                assert 1 == len({one.customer_id == STRANGER for one in paid}), seed


@CHUNKS
def test_nothing_disputed_or_issued_later_or_only_of_relatives_is_paid_by_amount(chunk):
    """A parent's money may pay its children's; a child's pays a relative's only beside its own."""
    for seed, drawn, before in worlds(chunk):
        invoices = {one.id: one for one in drawn.book.invoices}
        for waiting, match in matches(drawn, before):
            payers = {invoices[part.invoice_id].customer_id for part in match.applications}
            for part in match.applications if match.rung in BY_AMOUNT else ():
                invoice, payer = invoices[part.invoice_id], waiting.payment.customer_id

                assert invoice.issued_on <= waiting.payment.received_on, seed
                assert payer in {drawn.book.parent_id, *payers}, seed
                assert not invoice.disputed or (match.rung is Rung.EXACT_LINES and part.amount == invoice.askable), seed


@CHUNKS
def test_money_that_is_not_there_or_of_which_nothing_is_left_pays_nothing(chunk):
    for seed, drawn, before in worlds(chunk):
        spent = tuple(replace(one, left=Money.zero(one.left.currency)) for one in drawn.waiting)
        verdicts = replace(drawn, waiting=spent).decide()

        assert len(verdicts) == len(exceptions(verdicts)) == len(spent), seed
        for one in drawn.waiting:
            if one.payment.state != "succeeded":
                assert ExceptionKind.NOT_RECEIVED == exceptions(before)[one.payment.id].kind


@CHUNKS
def test_a_verdict_rests_on_the_balances_of_all_that_it_pays(chunk):
    for seed, drawn, before in worlds(chunk):
        balances = {one.id: one.balance for one in drawn.book.invoices}
        memos = {one.id: one.open_amount for one in drawn.book.credits}
        for _, match in matches(drawn, before):
            rests_on, rests_on_memos = dict(match.decided_on), dict(match.credits_decided_on)

            assert {part.invoice_id for part in match.applications} | set(match.withheld) <= set(rests_on), seed
            assert {one.credit_id for one in match.credits} <= set(rests_on_memos), seed
            assert all(balances[key] == balance for key, balance in rests_on.items()), seed
            assert all(memos[key] == amount for key, amount in rests_on_memos.items()), seed


@CHUNKS
def test_what_a_person_is_shown_can_be_paid_as_shown(chunk):
    """An explanation settles nothing twice, nothing that is closed, and no more than is open."""
    for seed, drawn, before in worlds(chunk):
        open_now = {one.id: one.balance for one in drawn.book.invoices if one.balance.minor}
        memos = {one.id: one.open_amount for one in drawn.book.credits}
        for exception in exceptions(before).values():
            assert len(exception.explanations) <= 5, seed
            assert exception.reason.isprintable() and exception.reason.isascii(), seed
            for shown in exception.explanations:
                assert shown.applications, seed
                assert all(part.settles <= open_now[part.invoice_id] for part in shown.applications), seed
                assert all(one.amount <= memos[one.credit_id] for one in shown.credits), seed


# --- Order


@CHUNKS
def test_the_order_of_payments_invoices_lines_and_credits_changes_no_verdict(chunk):
    for seed, drawn, before in worlds(chunk):
        mixed = drawn.shuffled(Random(seed)).decide()

        assert before.keys() == mixed.keys(), seed
        for key in before:
            assert before[key] == mixed[key], (seed, key)


@settings(max_examples=40)
@given(worlds_drawn, st.randoms(use_true_random=False))
def test_the_order_changes_no_verdict_in_books_that_were_looked_for(drawn, random):
    assert drawn.decide() == drawn.shuffled(random).decide()


@CHUNKS
def test_deciding_twice_equals_deciding_once(chunk):
    for seed, drawn, first in worlds(chunk):
        assert first == drawn.decide() == world(Random(seed)).decide(), seed


@CHUNKS
def test_what_lost_to_another_payments_claim_is_not_posted_once_that_one_has_been(chunk):
    """As a part, or as more than is left, or as what a number one slip away might mean."""
    for seed, drawn, first in worlds(chunk, 150):
        second = drawn.after(first)
        lost = {key for key, verdict in exceptions(first).items() if verdict.kind is ExceptionKind.RIVAL_PAYMENT}
        for waiting, match in matches(second, second.decide()):
            if waiting.payment.id in lost:
                assert match.rung in BY_AMOUNT or match.fee, (seed, waiting.payment.id)


@CHUNKS
def test_what_was_contested_or_ambiguous_is_not_posted_because_a_guess_took_the_alternative(chunk):
    """An invoice that another payment took by its amount alone was no proof that it is not this one's."""
    for seed, drawn, first in worlds(chunk, 150):
        guessed = {part.invoice_id for _, m in matches(drawn, first) if m.rung in BY_AMOUNT for part in m.applications}
        second = drawn.after(first).decide()
        for key, verdict in exceptions(first).items():
            shown = {part.invoice_id for one in verdict.explanations for part in one.applications}
            if shown & guessed:
                assert key in exceptions(second), (seed, key)


# --- What else is open


def unrelated(drawn: World, customer_id: str, minor: int, currency: str) -> OpenInvoice:
    """Its number is like no other, and no text names it."""
    like = drawn.book.invoices[0]
    money = Money(minor, currency)
    values = {"id": "900001", "number": "ZQX.11877", "customer_id": customer_id, "amount": money, "balance": money}
    made = replace(like, **values, status=InvoiceStatus.OPEN, hold_reason="", lines=(), discount=None, po_number="")
    return replace(made, issued_on=min(one.issued_on for one in drawn.book.invoices))


def all_there_is(drawn: World) -> int:
    money = [gross.minor for one in drawn.waiting for gross in (one.left, *one.grosses)]
    return sum(money) + sum(one.open_amount.minor for one in drawn.book.credits)


@CHUNKS
def test_an_invoice_of_another_family_changes_no_exception_into_a_posting(chunk):
    for seed, drawn, before in worlds(chunk):
        money = Random(seed).choice(drawn.waiting).left
        if drawn.book.family_ids and money.minor:
            other = unrelated(drawn, STRANGER, money.minor, money.currency)
            after = drawn.with_book(invoices=[*drawn.book.invoices, other]).decide()

            assert set(exceptions(before)) <= set(exceptions(after)), seed
            assert before == after, seed


@CHUNKS
def test_an_invoice_too_large_for_the_money_changes_no_exception_into_a_posting(chunk):
    for seed, drawn, before in worlds(chunk):
        money = drawn.waiting[0].left
        for minor in (all_there_is(drawn) + 1, 3 * all_there_is(drawn)):
            other = unrelated(drawn, FAMILY[0], minor, money.currency)
            after = drawn.with_book(invoices=[*drawn.book.invoices, other]).decide()

            assert set(exceptions(before)) <= set(exceptions(after)), seed


NOT_FOR_WANT_OF_AN_EXPLANATION = {
    ExceptionKind.NOT_RECEIVED,
    ExceptionKind.NOTHING_TO_APPLY,
    ExceptionKind.PAYER_IN_DOUBT,
    ExceptionKind.REFERENCE_NOT_OPEN,
    ExceptionKind.CURRENCY,
    ExceptionKind.AMBIGUOUS,
    ExceptionKind.HELD_INVOICE_NAMED,
    ExceptionKind.UNIDENTIFIED,
    ExceptionKind.NOT_UNDERSTOOD,
    ExceptionKind.INELIGIBLE_ONLY,
    ExceptionKind.RIVAL_PAYMENT,
    ExceptionKind.ACCIDENTAL_FIT,
    ExceptionKind.TOO_MANY_CANDIDATES,
}


@CHUNKS
def test_no_further_invoice_changes_an_exception_that_had_an_explanation_into_a_posting(chunk):
    """Of whatever amount, also one that makes up exactly the money. Only what a payer itself owes comes before what its
    relatives do, so one of its own may pay what only theirs explained, and draw a rival away from another's.
    """
    for seed, drawn, before in worlds(chunk):
        random = Random(seed)
        money = random.choice(drawn.waiting).left
        some = random.sample(drawn.book.invoices, min(2, len(drawn.book.invoices)))
        for minor in (money.minor, money.minor - sum(one.balance.minor for one in some), random.randrange(1, 10**6)):
            if minor > 0:
                other = unrelated(drawn, FAMILY[0], minor, money.currency)
                after = drawn.with_book(invoices=[*drawn.book.invoices, other]).decide()
                explained = {key for key, v in exceptions(before).items() if v.kind in NOT_FOR_WANT_OF_AN_EXPLANATION}
                theirs = {key for key in explained if of_relatives(drawn, before[key])}
                own = {key for key in theirs if posts_by_amount(after[key], other.id)}
                if explains_a_rival(drawn, after, other):
                    own |= {key for key in explained if exceptions(before)[key].kind is ExceptionKind.RIVAL_PAYMENT}

                assert explained <= set(exceptions(after)) | own, (seed, minor)


def of_relatives(drawn: World, verdict: Match | MatchException) -> bool:
    """Does every way to explain it need what somebody else than the first of the family owes or has in credit?"""
    others = {one.id for one in (*drawn.book.invoices, *drawn.book.credits) if one.customer_id != FAMILY[0]}
    ways = verdict.explanations if isinstance(verdict, MatchException) else ()
    used = [{*(part.invoice_id for part in way.applications), *(one.credit_id for one in way.credits)} for way in ways]
    return all(others & one for one in used)


def explains_a_rival(drawn: World, verdicts: Verdicts, invoice: OpenInvoice) -> bool:
    """Is this all of some payment, or a part of what some payment now pays?"""
    if any(invoice.balance in (one.left, *one.grosses) for one in drawn.waiting):
        return True
    return any(invoice.id in {part.invoice_id for part in m.applications} for _, m in matches(drawn, verdicts))


def posts_by_amount(verdict: Match | MatchException, invoice_id: str) -> bool:
    is_of_it = isinstance(verdict, Match) and invoice_id in {part.invoice_id for part in verdict.applications}
    return is_of_it and isinstance(verdict, Match) and (verdict.rung in BY_AMOUNT or bool(verdict.fee))


Posted = tuple[tuple[PaymentApplication, ...], tuple[CreditUse, ...], Money, Money | None]


def posted(verdict: Match | MatchException) -> Posted | None:
    if isinstance(verdict, MatchException):
        return None
    return (verdict.applications, verdict.credits, verdict.unapplied, verdict.fee)


@CHUNKS
def test_a_posting_stays_when_an_invoice_or_credit_that_nobody_meant_is_gone(chunk):
    """Whatever was a rival of a posting, and was beaten."""
    for seed, drawn, before in worlds(chunk):
        used = drawn.meant | {part.invoice_id for _, m in matches(drawn, before) for part in m.applications}
        used |= {key for _, m in matches(drawn, before) for key in m.withheld}
        used |= {one.credit_id for _, m in matches(drawn, before) for one in m.credits}
        for gone in (one for one in drawn.book.invoices if one.id not in used):
            invoices = [one for one in drawn.book.invoices if one is not gone]
            after = drawn.with_book(invoices=invoices).decide()
            for waiting, match in matches(drawn, before):
                assert posted(match) == posted(after[waiting.payment.id]), (seed, gone.id)
        for memo in (one for one in drawn.book.credits if one.id not in used):
            credits = [one for one in drawn.book.credits if one is not memo]
            after = drawn.with_book(invoices=drawn.book.invoices, credits=credits).decide()
            for waiting, match in matches(drawn, before):
                assert posted(match) == posted(after[waiting.payment.id]), (seed, memo.id)


@CHUNKS
def test_a_posting_stays_when_another_payment_is_gone(chunk):
    for seed, drawn, before in worlds(chunk):
        for gone in drawn.waiting:
            rest = tuple(one for one in drawn.waiting if one is not gone)
            after = replace(drawn, waiting=rest).decide()
            for key, verdict in after.items():
                if posted(before[key]):
                    assert posted(before[key]) == posted(verdict), (seed, gone.payment.id)
