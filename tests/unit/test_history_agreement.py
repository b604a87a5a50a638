"""The replay's agreement with people, kept in the store, and people's judgement of the rest; on both stores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from past_cases import FIRST, PastErp, billed, day, paid, usd

from connector.decisions.confidence import Tally
from connector.decisions.payer import AliasKind
from connector.errors import Terminal, Transient
from connector.history.agreement import Said
from connector.history.experience import Experience
from connector.history.replay import WAITS
from connector.policy import PROOFS, Approvals, Deed, Policy, Role, Trust
from connector.ports import History
from connector.receivables import Customer, Parked, Payment, PaymentState, Rung
from connector.reports import AppliedRow
from connector.store import Store, book, learning
from tests import postgres

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
ROLES = (
    Role("controller", confirms_bank_accounts=True),
    Role("analyst"),
    Role("clerk", may=frozenset({Deed.REJECT})),
    Role("subsets", only=frozenset({"exact_subset"})),
)
PEOPLE = (("ana", "analyst"), ("bo", "controller"), ("cy", "clerk"), ("di", "subsets"), ("eve", "controller"))
POLICY = Policy("policy-1", (), (), trust=Trust(auto=PROOFS), approvals=Approvals(PEOPLE, ROLES))

# One of each: agreed, differed, asked, left.
PAST = PastErp(
    tuple(billed(f"INV-{n}", 100 * n, 0) for n in range(1, 6)),
    (
        paid("p1", 100, 5, ("1", 100), text="INV-1"),
        paid("p2", 300, 6, ("2", 200), ("4", 100), text="INV-3"),
        paid("p3", 250, 7, ("3", 250), text="INV-77"),
        paid("p4", 500, 8, text="INV-5"),
    ),
    parked=(Parked("erp", "77", "currency", "is not known", "C9"),),
)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Desk:
    def __init__(self, where: str) -> None:
        self.store = Store(where, Clock())
        self.erp = PAST
        self.policy = POLICY
        self.told: list[str] = []
        self.experience = Experience(self.store, lambda: self.policy, lambda: self.erp, UTC)  # type: ignore[arg-type,return-value]
        with self.store.tx() as tx:
            book.put_customers(tx, [*PAST.customers, Customer("C9", "Initech")], tx.at)

    def look_back(self, months: int = 6):  # type: ignore[no-untyped-def]
        return self.experience.look_back(months, self.told.append)

    def tally(self, rung: Rung = Rung.PRINTED_REFERENCE) -> Tally | None:
        with self.store.read() as tx:
            return learning.tallies(tx).get(rung)

    def demoted(self) -> list[Rung]:
        with self.store.read() as tx:
            return list(learning.demotions(tx))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with postgres.on(os.environ.get("ARC_TEST_STORE", "sqlite"), tmp_path) as place:
        made = Desk(place)
        yield made
        made.store.close()


# ---- the replay ----


def test_the_past_is_told_class_by_class(desk: Desk) -> None:
    report = desk.look_back()

    assert (4, 1, 1, 1, 1) == (report.payments, report.agreed, report.differed, report.left, report.parked)
    assert [("printed_reference", 1, 1, 1)] == [(r.evidence, r.agreed, r.differed, r.unjudged) for r in report.classes]
    assert [("unexplained_reference", 1)] == [(one.kind, one.count) for one in report.asked]
    assert (date(2026, 1, 2), date(2026, 7, 1)) == (report.first_on, report.last_on)
    assert not report.is_precision


def test_a_disagreement_shows_both_splits_by_number(desk: Desk) -> None:
    (row,) = desk.look_back().disagreements

    assert ("p2", "Northfield Robotics (C1)", usd(300), "printed_reference", "INV-3") == (
        *(row.payment, row.customer, row.amount, row.evidence, row.text),
    )
    assert (AppliedRow("INV-3", usd(300)),) == row.ours
    assert (AppliedRow("INV-2", usd(200)), AppliedRow("INV-4", usd(100))) == row.theirs


def test_a_disagreement_counts_as_wrong_until_a_person_judged_it(desk: Desk) -> None:
    desk.look_back()

    assert Tally(1, 0, 1) == desk.tally()
    assert [] == desk.demoted()


def test_the_past_is_read_part_by_part_with_what_waited_before_and_what_came_after(desk: Desk) -> None:
    desk.erp = replace(PAST, asked=[])
    report = desk.look_back(12)
    first, *_, last = desk.erp.asked

    assert 4 == len(desk.erp.asked) == len(desk.told)
    assert date(2025, 7, 2) == report.first_on == first[0] + WAITS
    assert date(2026, 7, 1) == last[1]
    # The parts meet: each day is in just one of them.
    assert [one[1] - WAITS + timedelta(days=1) for one in desk.erp.asked[:-1]] == [
        one[0] + WAITS for one in desk.erp.asked[1:]
    ]
    assert all(end - begin <= timedelta(days=92) + 2 * WAITS for begin, end in desk.erp.asked)


@pytest.mark.parametrize("months", [1, 2, 3, 4, 5, 7, 13])
def test_a_payment_is_told_once_however_the_past_is_parted(desk: Desk, months: int) -> None:
    many = range(1, 200)
    desk.erp = PastErp(
        tuple(billed(f"INV-{n}", n, n) for n in many),
        tuple(paid(f"p{n}", n, n + 2, (str(n), n, n + 5), text=f"INV-{n}") for n in many),
    )
    report = desk.look_back(months)
    received = [n for n in many if report.first_on <= day(n + 2) <= report.last_on]

    assert (len(received), 0) == (report.agreed, report.differed)
    assert Tally(len(received)) == desk.tally()


def test_a_later_replay_replaces_what_an_earlier_one_found(desk: Desk) -> None:
    desk.look_back()
    desk.erp = replace(PAST, payments=(paid("p2", 300, 6, ("3", 300), text="INV-3"),))
    report = desk.look_back()

    assert Tally(1) == desk.tally()
    assert () == report.disagreements


def test_what_the_erp_cannot_give_leaves_what_was_known(desk: Desk) -> None:
    desk.look_back()

    class Away(PastErp):
        def read_history(self, first_on: date, last_on: date) -> History:
            raise Transient("NetSuite is away")

    desk.erp = Away()
    with pytest.raises(Transient):
        desk.look_back()

    assert Tally(1, 0, 1) == desk.tally()
    assert 4 == desk.experience.last().payments  # type: ignore[union-attr]


def test_without_a_replay_there_is_nothing_to_show(desk: Desk) -> None:
    assert desk.experience.last() is None


def test_a_past_without_payments_is_no_precision(desk: Desk) -> None:
    desk.erp = PastErp()
    report = desk.look_back(1)

    assert (0, False) == (report.payments, report.is_precision)


def test_a_large_past_is_kept_in_several_commits(where: str) -> None:
    """The daemon writes in between; on both stores."""
    desk, many = Desk(where), range(1, 1102)
    desk.erp = PastErp(
        tuple(billed(f"INV-{n}", n, 0, f"K{n % 50}") for n in many),
        tuple(paid(f"p{n}", n, 3, (str(n), n), text=f"INV-{n}", customer_id=f"K{n % 50}") for n in many),
    )
    agreed, again = desk.look_back(6).agreed, desk.look_back(6).agreed

    assert (1101, 1101, Tally(1101)) == (agreed, again, desk.tally())
    desk.store.close()


# ---- judging ----


@pytest.mark.parametrize(
    ("said", "tally", "demoted"),
    [
        (Said.OURS, Tally(2), []),
        (Said.THEIRS, Tally(1, 1), [Rung.PRINTED_REFERENCE]),
        (Said.NEITHER, Tally(1, 1), [Rung.PRINTED_REFERENCE]),
    ],
)
def test_a_person_says_who_was_right(desk: Desk, said: Said, tally: Tally, demoted: list[Rung]) -> None:
    desk.look_back()
    row = desk.experience.judge("p2", said, "ana", "the customer's remittance")

    assert (said.value, "ana", "the customer's remittance") == (row.judgement, row.judged_by, row.why)
    assert tally == desk.tally()
    assert demoted == desk.demoted()
    report = desk.experience.last()
    assert report is not None
    assert report.is_precision
    assert [row.judgement] == [one.judgement for one in report.disagreements]
    assert [(tally.right - 1, tally.wrong, 0)] == [(one.right, one.wrong, one.unjudged) for one in report.classes]


def test_a_judgement_stays_when_the_past_is_replayed_again(desk: Desk) -> None:
    desk.look_back()
    desk.experience.judge("p2", Said.OURS, "ana", "asked the customer")
    report = desk.look_back()

    assert Tally(2) == desk.tally()
    assert [("ours", "ana")] == [(row.judgement, row.judged_by) for row in report.disagreements]


def test_a_judgement_is_asked_for_again_when_people_changed_their_split(desk: Desk) -> None:
    desk.look_back()
    desk.experience.judge("p2", Said.OURS, "ana", "asked the customer")
    desk.erp = replace(PAST, payments=(PAST.payments[0], paid("p2", 300, 6, ("4", 300), text="INV-3")))
    report = desk.look_back()

    assert Tally(1, 0, 1) == desk.tally()
    assert [""] == [row.judgement for row in report.disagreements]


def test_a_judgement_may_be_said_anew(desk: Desk) -> None:
    desk.look_back()
    desk.experience.judge("p2", Said.THEIRS, "ana", "so I thought")
    desk.experience.judge("p2", Said.OURS, "bo", "the customer says otherwise")

    assert Tally(2) == desk.tally()


@pytest.mark.parametrize(
    ("payment", "who", "told"),
    [
        ("p1", "ana", "we would have done what people did"),
        ("p3", "ana", "no replay found it"),
        ("p2", "mallory", "mallory is not among the people"),
        ("p2", "cy", "the role clerk may not approve"),
        ("p2", "di", "the role subsets does not answer printed reference"),
    ],
)
def test_what_cannot_be_judged_or_not_by_this_person(desk: Desk, payment: str, who: str, told: str) -> None:
    desk.look_back()
    with pytest.raises(Terminal, match=told):
        desk.experience.judge(payment, Said.THEIRS, who, "because")

    assert Tally(1, 0, 1) == desk.tally()


# ---- classes ----


def evidence(desk: Desk, name: str):  # type: ignore[no-untyped-def]
    return next(row for row in desk.experience.classes().rows if row.evidence == name)


def test_classes_tell_what_posts_and_why(desk: Desk) -> None:
    desk.look_back()
    row = evidence(desk, "printed_reference")

    assert (True, True, 1, 0, 1) == (row.is_proof, row.may_post, row.right, row.wrong, row.unjudged)
    assert "It proves itself; 0 wrong of 1, and 1 not judged yet." == row.reason
    assert "by_person" not in [one.evidence for one in desk.experience.classes().rows]
    never = evidence(desk, "exact_subset")
    assert (False, False, 381) == (never.may_post, never.is_proposed, never.needed)


def test_a_class_that_history_measured_is_proposed_and_never_switched_on_by_itself(desk: Desk) -> None:
    many = range(1, 382)
    desk.erp = PastErp(
        tuple(billed(f"INV-{n}", n, 0, f"K{n}") for n in many),
        tuple(paid(f"p{n}", n, 3, (str(n), n), customer_id=f"K{n}") for n in many),
    )
    desk.look_back()
    row = evidence(desk, "exact_balance")

    assert (381, 0) == (row.right, row.wrong)
    assert (False, True, 0) == (row.may_post, row.is_proposed, row.needed)
    desk.policy = replace(POLICY, trust=Trust(auto=PROOFS | {Rung.EXACT_BALANCE}))
    assert (True, False) == (evidence(desk, "exact_balance").may_post, evidence(desk, "exact_balance").is_proposed)


def test_a_demoted_class_is_lifted_by_a_person_of_the_policy(desk: Desk) -> None:
    desk.look_back()
    desk.experience.judge("p2", Said.THEIRS, "ana", "the customer's remittance")
    row = evidence(desk, "printed_reference")
    assert not row.may_post
    assert row.demoted_at is not None
    told = "Demoted until a person lifts it: ana judged ERP payment p2: the customer's remittance"
    assert told == row.reason
    for who, why in (("mallory", "not among the people"), ("di", "does not answer printed reference")):
        with pytest.raises(Terminal, match=why):
            desk.experience.lift(Rung.PRINTED_REFERENCE, who, "all is well")
    desk.experience.lift(Rung.PRINTED_REFERENCE, "bo", "the remittance was misread by us all")

    assert evidence(desk, "printed_reference").may_post
    with pytest.raises(Terminal, match="printed reference is not demoted"):
        desk.experience.lift(Rung.PRINTED_REFERENCE, "bo", "again")


# ---- aliases ----


@pytest.fixture
def payment(desk: Desk) -> Payment:
    made = Payment(
        "bs_1",
        usd(100),
        PaymentState.SUCCEEDED,
        NOW,
        FIRST,
        payer_bank="fp-1",
        payer_name="Northfield Robotics Treasury",
    )
    with desk.store.tx() as tx:
        book.put_payment(tx, made, NOW, observed=False)
    return made


def test_a_bank_account_is_taught_from_a_payment_and_confirmed_by_a_second_person(desk: Desk, payment: Payment) -> None:
    taught = desk.experience.teach(AliasKind.BANK_ACCOUNT, "C1", "ana", payment="bs_1")
    assert ("fp-1", "Northfield Robotics (C1)", "unconfirmed", "ana") == (
        *(taught.key, taught.customer, taught.state, taught.taught_by),
    )
    for who, why in (
        ("ana", "the role analyst does not confirm bank accounts"),
        ("mallory", "not among the people"),
    ):
        with pytest.raises(Terminal, match=why):
            desk.experience.confirm(taught.id, who)
    assert ("active", "bo") == (
        (confirmed := desk.experience.confirm(taught.id, "bo")).state,
        confirmed.confirmed_by,
    )


def test_who_may_confirm_does_not_confirm_what_they_taught(desk: Desk, payment: Payment) -> None:
    taught = desk.experience.teach(AliasKind.BANK_ACCOUNT, "C1", "bo", payment="bs_1")
    with pytest.raises(Terminal, match="was taught by bo; somebody else confirms it"):
        desk.experience.confirm(taught.id, "bo")

    assert "active" == desk.experience.confirm(taught.id, "eve").state


def test_an_address_is_shown_without_its_person(desk: Desk) -> None:
    taught = desk.experience.teach(AliasKind.EMAIL, "C1", "ana", key="Pat.Doe@northfield.example")

    assert ("***@northfield.example", "active") == (taught.key, taught.state)
    assert (taught,) == desk.experience.aliases()


@pytest.mark.parametrize(
    ("kind", "customer", "who", "given", "told"),
    [
        ("name", "C1", "mallory", {"key": "Northfield"}, "not among the people"),
        ("name", "C1", "cy", {"key": "Northfield"}, "the role clerk may not edit"),
        ("name", "C77", "ana", {"key": "Northfield"}, "no customer has the ERP's internal id C77"),
        ("name", "C1", "ana", {"key": "..."}, "that is no name to know a payer by"),
        ("email", "C1", "ana", {"key": "nobody"}, "that is no email to know a payer by"),
        ("email", "C1", "ana", {"payment": "bs_1"}, "payment bs_1 says no email of its payer"),
        ("name", "C1", "ana", {"payment": "bs_9"}, "there is no payment bs_9"),
    ],
)
def test_what_is_not_learned(
    desk: Desk, payment: Payment, kind: str, customer: str, who: str, given: dict[str, str], told: str
) -> None:
    with pytest.raises(Terminal, match=told):
        desk.experience.teach(AliasKind(kind), customer, who, **given)

    assert () == desk.experience.aliases()


def test_anybody_may_take_back_what_was_learned(desk: Desk) -> None:
    taught = desk.experience.teach(AliasKind.NAME, "C1", "ana", key="Northfield Treasury")
    desk.experience.remove(taught.id, "mallory")

    assert () == desk.experience.aliases()
    with pytest.raises(Terminal, match=f"there is no alias {taught.id}"):
        desk.experience.remove(taught.id, "mallory")
    with pytest.raises(Terminal, match=f"there is no alias {taught.id}"):
        desk.experience.confirm(taught.id, "bo")
