"""Amount alone against an oracle that tries every way to make up the money, thousands of books.

The oracle knows nothing of the engine: each open invoice of the payer (where nothing of it fits: of its family),
whatever bars it, is paid in full or not; each credit is used up or not; or one invoice is paid without its disputed
lines, or less a discount that is still offered. At the money itself, and at what it may have been before a fee.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import product
from random import Random

import pytest
from matching_books import Verdicts, World, world
from test_matching_properties import BY_AMOUNT, assert_nothing_is_used_twice

from connector.decisions.matching import ExceptionKind, Match, Waiting
from connector.receivables import InvoiceStatus

Way = frozenset[tuple[str, int]]

CHUNKS = pytest.mark.parametrize("chunk", range(10))


@cache
def plain_worlds(chunk: int, payments: int = 1) -> tuple[tuple[int, World, Verdicts], ...]:
    """Books whose payments say nothing, so that only the amounts speak, with the verdicts."""
    found = []
    for seed in range(chunk * 10_000, chunk * 10_000 + (150 if payments == 1 else 80)):
        drawn = world(Random(seed), payments_max=payments, plain=True)
        drawn = replace(drawn, book=replace(drawn.book, parked=False))
        found.append((seed, drawn, drawn.decide()))
    return tuple(found)


def ways(drawn: World, one: Waiting) -> set[Way]:
    """Every way to make up the money out of what the payer owes; if there is none, out of what its family does."""
    return _ways(drawn, one, frozenset({one.payment.customer_id})) or _ways(drawn, one, drawn.book.family_ids)


def _ways(drawn: World, one: Waiting, customers: frozenset[str]) -> set[Way]:
    """Every way to make up the money or what it may have been: ids with what each contributes."""
    currency, targets = one.left.currency, {one.left.minor, *(gross.minor for gross in one.grosses)}
    ours = [
        invoice
        for invoice in drawn.book.invoices
        if invoice.customer_id in customers
        and invoice.status is InvoiceStatus.OPEN
        and invoice.balance.currency == currency
    ]
    items = [(invoice.id, invoice.balance.minor) for invoice in ours]
    items += [
        (memo.id, -memo.open_amount.minor)
        for memo in drawn.book.credits
        if memo.open_amount.currency == currency and memo.customer_id in customers
    ]
    found = {
        frozenset(item for item, taken in zip(items, chosen, strict=True) if taken)
        for chosen in product((False, True), repeat=len(items))
        if any(chosen) and sum(item[1] for item, taken in zip(items, chosen, strict=True) if taken) in targets
    }
    for invoice in ours:
        less = [invoice.askable.minor]
        if invoice.discount and one.payment.received_on <= invoice.discount.until:
            less.append(invoice.balance.minor - invoice.discount.amount.minor)
        found |= {frozenset([(invoice.id, minor)]) for minor in less if minor in targets}
    return found


def way_of(match: Match) -> Way:
    """What a match does, as the oracle writes it."""
    paid = {(part.invoice_id, part.amount.minor) for part in match.applications}
    return frozenset(paid | {(one.credit_id, -one.amount.minor) for one in match.credits})


@CHUNKS
def test_what_is_posted_by_amount_is_the_only_way_to_make_up_the_money(chunk):
    for seed, drawn, verdicts in plain_worlds(chunk):
        for one in drawn.waiting:
            verdict = verdicts[one.payment.id]
            if isinstance(verdict, Match):
                assert verdict.rung in BY_AMOUNT or verdict.fee, seed
                assert {way_of(verdict)} == ways(drawn, one), seed
                assert not verdict.unapplied.minor, seed


@CHUNKS
def test_of_several_payments_each_posting_is_the_only_way_over_all_that_is_open(chunk):
    """What one payment takes is still a rival for the others."""
    for seed, drawn, verdicts in plain_worlds(chunk, payments=4):
        for one in drawn.waiting:
            verdict = verdicts[one.payment.id]
            if isinstance(verdict, Match):
                assert {way_of(verdict)} == ways(drawn, one), (seed, one.payment.id)
        assert_nothing_is_used_twice(drawn, verdicts)


@CHUNKS
def test_no_posting_could_be_another_payments(chunk):
    """Nothing that is posted by amount could be a part of what another waiting payment, read by amount, pays."""
    for seed, drawn, verdicts in plain_worlds(chunk, payments=4):
        for one in drawn.waiting:
            verdict = verdicts[one.payment.id]
            if isinstance(verdict, Match):
                paid = {part.invoice_id for part in verdict.applications}
                for other in (other for other in drawn.waiting if other is not one and other.left.minor):
                    assert not any(paid & {key for key, _ in way} for way in ways(drawn, other)), (
                        seed,
                        other.payment.id,
                    )


@CHUNKS
def test_what_amounts_left_to_a_person_is_not_posted_once_the_others_have_been(chunk):
    for seed, drawn, verdicts in plain_worlds(chunk, payments=4):
        second = drawn.after(verdicts).decide()
        for key, verdict in verdicts.items():
            if getattr(verdict, "kind", None) in {ExceptionKind.RIVAL_PAYMENT, ExceptionKind.AMBIGUOUS}:
                assert not isinstance(second[key], Match), (seed, key)


@CHUNKS
def test_what_can_not_be_made_up_is_said_so_and_what_can_in_several_ways_is_shown(chunk):
    for seed, drawn, verdicts in plain_worlds(chunk):
        for one in drawn.waiting:
            verdict, found = verdicts[one.payment.id], ways(drawn, one)
            if not isinstance(verdict, Match):
                shown = len(verdict.explanations)
                if verdict.kind is ExceptionKind.NO_EXPLANATION:
                    assert not found, seed
                if verdict.kind is ExceptionKind.AMBIGUOUS:
                    assert len(found) > 1 < shown, seed
                if verdict.kind in {ExceptionKind.ACCIDENTAL_FIT, ExceptionKind.INELIGIBLE_ONLY}:
                    assert len(found) == 1 == shown, seed


def test_most_of_what_has_one_way_only_and_is_not_barred_is_posted():
    """The oracle must not be pleased by an engine that posts nothing."""
    told: Counter[str] = Counter()
    for chunk in range(10):
        for _, drawn, verdicts in plain_worlds(chunk):
            for one in drawn.waiting:
                found = ways(drawn, one)
                if len(found) == 1 and not one.grosses and one.payment.state == "succeeded":
                    verdict = verdicts[one.payment.id]
                    told[str(getattr(verdict, "kind", "posted"))] += 1

    assert told["posted"] > 200, told
    assert not told[ExceptionKind.AMBIGUOUS] and not told[ExceptionKind.NO_EXPLANATION], told
    assert not told[ExceptionKind.WORK_SPENT] and not told[ExceptionKind.TOO_MANY_CANDIDATES], told
