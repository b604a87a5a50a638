"""The approval queue in the store, on SQLite and on PostgreSQL: what was found, what was asked, what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from connector.decisions.dividing import Split
from connector.money import Money
from connector.policy import Deed
from connector.receivables import (
    CreditKind,
    CreditMemo,
    CreditUse,
    Customer,
    ExceptionKind,
    Explanation,
    Match,
    MatchException,
    Payment,
    PaymentApplication,
    PaymentState,
    Rung,
)
from connector.store import Store, Tx, approving, book, closing, verdicts
from connector.store import tables as t
from connector.store.approving import Answer, Queued, Request, Wanted

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
MONEY = Money(100_00, "USD")
PAYMENT = Payment("p1", MONEY, PaymentState.SUCCEEDED, AT, date(2026, 11, 2), customer_id="C1")


class Clock:
    """A second later each time it is asked."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    made = Store(where, Clock())
    with made.tx() as tx:
        book.put_customers(tx, [Customer("C1", "Northfield Robotics")], AT)
        for payment in (PAYMENT, replace(PAYMENT, id="p2", received_at=AT - timedelta(days=1))):
            book.put_payment(tx, payment, AT, observed=False)
    yield made
    made.close()


def match(*parts: tuple[str, int], rung: Rung = Rung.EXACT_SUBSET, payment: str = "p1", unapplied: int = 0) -> Match:
    applications = tuple(PaymentApplication(id, Money(minor, "USD")) for id, minor in parts)
    return Match(payment, rung, applications, Money(unapplied, "USD"), (), "100.00 USD", "it adds up", ())


FOUND = match(("i1", 60_00), ("i2", 40_00))
SPLIT = Split(FOUND.applications)
EXCEPTION = MatchException(
    "p1",
    ExceptionKind.AMBIGUOUS,
    "two fit",
    (
        Explanation((PaymentApplication("i1", MONEY),), "i1"),
        Explanation((PaymentApplication("i2", Money(90_00, "USD")),), "i2, and a rest"),
        Explanation((PaymentApplication("i3", Money(130_00, "USD")),), "less", (CreditUse("m1", Money(30_00, "USD")),)),
        Explanation((PaymentApplication("i4", Money(90_00, "EUR")),), "in another currency"),
    ),
)


def suggest(tx: Tx, found: Match = FOUND) -> None:
    closing.put_suggestion(tx, found.payment_id, found.applications)
    closing.set_standing(tx, found.payment_id, "suggested")
    approving.put_proposal(tx, found)


def ask(tx: Tx, deed: Deed = Deed.APPROVE, who: str = "ana", wanted: Wanted | None = None) -> Request:
    given = wanted or Wanted("exact_subset", SPLIT if deed is not Deed.REJECT else None, SPLIT)
    request_id = approving.put_request(tx, "p1", deed, given, who, "analyst", "called them")
    return next(one for one in approving.open_requests(tx) if one.id == request_id)


def waiting(store: Store) -> tuple[Queued, ...]:
    with store.read() as tx:
        return approving.queued(tx)


def test_a_payment_waits_with_all_that_was_found_for_it(store: Store) -> None:
    with store.tx() as tx:
        suggest(tx)
        closing.set_standing(tx, "p2", "exception")
        approving.put_proposal(tx, replace(EXCEPTION, payment_id="p2"))

    older, newer = waiting(store)
    assert ("p2", "exception", "ambiguous", "two fit") == (
        older.payment.id,
        older.standing,
        older.kind,
        older.reason,
    )
    assert (FOUND, "exact_subset", "it adds up", MONEY) == (newer.proposal, newer.kind, newer.reason, newer.left)


def test_what_was_found_goes_with_the_standing_that_it_had(store: Store) -> None:
    """A hold of the posting takes its place: nobody can approve what was suggested before."""
    with store.tx() as tx:
        suggest(tx)
        closing.set_standing(tx, "p1", "exception")
        verdicts.open_exception(tx, "closed_period", "p1", "October is closed", amount=MONEY, payment_id="p1")

    (one,) = waiting(store)
    assert (None, "closed_period", "October is closed") == (one.proposal, one.kind, one.reason)
    with store.read() as tx:
        assert "October is closed" == approving.held_because(tx, "p1")
        assert "" == approving.held_because(tx, "p2")


def test_money_that_is_matched_or_was_never_received_does_not_wait(store: Store) -> None:
    with store.tx() as tx:
        closing.set_standing(tx, "p1", "adopted")
        late = replace(PAYMENT, id="p3", state=PaymentState.PROCESSING)
        book.put_payment(tx, late, AT, observed=False)
        closing.set_standing(tx, "p3", "exception")

    assert () == waiting(store)


def test_the_choices_are_those_of_the_match_or_of_the_explanations_with_what_stays_unapplied() -> None:
    assert (Split(FOUND.applications),) == approving.splits(FOUND, MONEY)
    exact, rest, netted, foreign = approving.splits(EXCEPTION, MONEY)
    assert (None, Money(10_00, "USD"), None, None) == (
        exact.unapplied,
        rest.unapplied,
        netted.unapplied,
        foreign.unapplied,
    )
    assert () == approving.splits(None, MONEY)


def test_a_request_keeps_what_the_person_saw_and_is_answered_once(store: Store) -> None:
    with store.tx() as tx:
        suggest(tx)
        request = ask(tx)
    (one,) = waiting(store)
    assert (request, SPLIT, "ana (analyst)") == (one.request, request.wanted.split, request.by)
    assert "ana (analyst) asked to approve it at 2026-11-02 12:00 UTC" == approving.people_asked([request])

    with store.tx() as tx:
        assert frozenset({"p1"}) == approving.asked_about(tx)
        approving.answer_request(tx, request, Answer.CHANGED, "look again")
    (one,) = waiting(store)
    assert (None, "changed: look again") == (one.request, one.answered.answer if one.answered else "")
    with store.read() as tx:
        assert ((), frozenset()) == (approving.open_requests(tx), approving.asked_about(tx))
        assert ["changed: look again"] == [each.answer for each in approving.requests_of(tx, "p1")]
        events = tx.execute(select(t.journal.c.event).where(t.journal.c.payment_id == "p1")).scalars().all()
    assert ["request_made", "request_answered"] == [event for event in events if event.startswith("request")]


def test_requests_are_acted_on_in_the_order_in_which_they_were_made(store: Store) -> None:
    with store.tx() as tx:
        suggest(tx)
        for who in ("ana", "carl", "dora"):
            ask(tx, who=who)

    with store.read() as tx:
        assert ["ana", "carl", "dora"] == [one.who for one in approving.open_requests(tx)]
    (one,) = waiting(store)
    assert "ana" == (one.request.who if one.request else "")


@pytest.mark.parametrize(
    ("found", "is_rejected"),
    [
        (FOUND, True),
        (match(("i2", 40_00), ("i1", 60_00)), True),  # the same in another order
        (match(("i1", 60_00), ("i2", 40_00), rung=Rung.PRINTED_REFERENCE), True),  # by other evidence
        (match(("i1", 61_00), ("i2", 39_00)), False),
        (match(("i1", 60_00), unapplied=40_00), False),
        (match(("i1", 60_00), ("i2", 40_00), payment="p2"), False),
    ],
)
def test_what_was_rejected_is_known_by_its_split(store: Store, found: Match, is_rejected: bool) -> None:
    with store.tx() as tx:
        suggest(tx)
        approving.answer_request(tx, ask(tx, Deed.REJECT), Answer.DONE, "rejected")

    with store.read() as tx:
        verdict = approving.rejected(tx, found)
    assert is_rejected is (verdict is not None)
    if verdict:
        assert ExceptionKind.REJECTED is verdict.kind
        assert verdict.reason.startswith("ana (analyst) rejected what was suggested by ")
        assert found.applications == verdict.explanations[0].applications


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.CHANGED])
def test_a_rejection_that_was_not_acted_on_rejects_nothing(store: Store, answer: Answer) -> None:
    with store.tx() as tx:
        suggest(tx)
        approving.answer_request(tx, ask(tx, Deed.REJECT), answer, "no")
        assert approving.rejected(tx, FOUND) is None


def test_a_credit_memo_is_found_by_its_number_while_something_is_left_of_it(store: Store) -> None:
    memo = CreditMemo("m1", "CM-1", "C1", Money(5_00, "USD"))
    unapplied = CreditMemo("m2", "PAY-7", "C1", Money(5_00, "USD"), CreditKind.UNAPPLIED_PAYMENT)
    with store.tx() as tx:
        book.put_credits(tx, [memo, unapplied], AT)

        assert (memo,) == approving.find_memos(tx, " CM-1 ")
        assert (memo,) == approving.find_memos(tx, "m1")
        assert () == approving.find_memos(tx, "PAY-7") == approving.find_memos(tx, "CM-9")
