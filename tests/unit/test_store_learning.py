"""What the store learns, on SQLite and on PostgreSQL: counts of evidence, demotions, aliases of payers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from connector.decisions import payer
from connector.decisions.confidence import Tally
from connector.decisions.payer import AliasKind
from connector.money import Money
from connector.receivables import Customer, Payment, PaymentState, Rung
from connector.store import Store, book, learning
from connector.store import tables as t
from connector.store.learning import HISTORY, PERSON, POSTING, AliasState, Evidence, Outcome

BANK, EMAIL, NAME = AliasKind
CUSTOMERS = (
    Customer("C1", "Northfield Robotics"),
    Customer("C2", "Globex"),
    Customer("C3", "Globex East", parent_id="C2"),
    Customer("C4", "Globex West", parent_id="C2"),
)
UNKNOWN = Payment(
    "p1", Money(100, "USD"), PaymentState.SUCCEEDED, datetime(2026, 11, 2, 12, tzinfo=UTC), date(2026, 11, 2)
)


class Clock:
    """A second later each time it is asked."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 2, 9, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    made = Store(where, Clock())
    with made.tx() as tx:
        book.put_customers(tx, CUSTOMERS, tx.at)
    yield made
    made.close()


def put(store: Store, subject: str, outcome: str, source: str = PERSON, rung: Rung = Rung.EXACT_SUBSET) -> None:
    with store.tx() as tx:
        learning.put_evidence(tx, subject, source, rung, outcome, "")


def tally(store: Store, rung: Rung = Rung.EXACT_SUBSET) -> Tally | None:
    with store.read() as tx:
        return learning.tallies(tx).get(rung)


def demoted(store: Store) -> dict[Rung, str]:
    with store.read() as tx:
        return learning.demotions(tx)


def journal(store: Store, event: str) -> list[dict[str, object]]:
    with store.read() as tx:
        rows = tx.execute(select(t.journal.c.detail).where(t.journal.c.event == event).order_by(t.journal.c.seq))
        return [json.loads(detail) for (detail,) in rows]


# ---- how often each class was right ----


def test_evidence_is_counted_class_by_class(store: Store) -> None:
    put(store, "p1", "right")
    put(store, "p2", "wrong")
    put(store, "p3", "unjudged")
    put(store, "p4", "right")
    put(store, "p1", "right", rung=Rung.METADATA, source=POSTING)

    assert Tally(2, 1, 1) == tally(store)
    assert Tally(1) == tally(store, Rung.METADATA)
    assert tally(store, Rung.NOISY_PART) is None


def test_a_later_word_of_the_same_source_replaces_the_earlier(store: Store) -> None:
    put(store, "p1", "wrong")
    put(store, "p1", "right")

    assert Tally(1) == tally(store)


def test_a_payment_of_which_two_sources_speak_counts_once_by_the_worse(store: Store) -> None:
    """Approved in the queue and taken back later: one wrong of one, not one of two."""
    put(store, "p1", "right", PERSON)
    put(store, "p1", "wrong", POSTING)
    put(store, "p2", "unjudged", HISTORY)
    put(store, "p2", "right", PERSON)

    assert Tally(0, 1, 1) == tally(store)


def test_nothing_is_counted_of_an_outcome_that_nobody_knows(store: Store) -> None:
    with pytest.raises(ValueError, match="perhaps"):
        put(store, "p1", "perhaps")

    assert tally(store) is None


@pytest.mark.parametrize("source", [POSTING, PERSON])
def test_one_wrong_demotes_its_class_at_once(store: Store, source: str) -> None:
    put(store, "p1", "right", source)
    assert demoted(store) == {}
    with store.tx() as tx:
        learning.put_evidence(tx, "p2", source, Rung.EXACT_SUBSET, "wrong", "taken back in the ERP")

    assert {Rung.EXACT_SUBSET: "payment p2: taken back in the ERP"} == demoted(store)
    assert [{"rung": "exact_subset", "reason": "payment p2: taken back in the ERP"}] == journal(store, "class_demoted")


def test_a_posting_that_turns_out_wrong_later_demotes_its_class(store: Store) -> None:
    put(store, "p1", "right", POSTING)
    put(store, "p1", "wrong", POSTING)

    assert [Rung.EXACT_SUBSET] == list(demoted(store))


def test_a_proof_is_demoted_only_by_a_person_who_judged_it(store: Store) -> None:
    """Somebody took a posting back: the payer's own words may still have been right."""
    put(store, "p1", "wrong", POSTING, Rung.PRINTED_REFERENCE)
    assert {} == demoted(store)
    assert Tally(0, 1) == tally(store, Rung.PRINTED_REFERENCE)
    with store.tx() as tx:
        learning.put_evidence(tx, "p2", PERSON, Rung.PRINTED_REFERENCE, "wrong", "misread", who="ana")

    assert [Rung.PRINTED_REFERENCE] == list(demoted(store))


def test_a_persons_own_split_is_never_demoted(store: Store) -> None:
    with store.tx() as tx:
        learning.put_evidence(tx, "p1", POSTING, Rung.BY_PERSON, "wrong", "undone", who="ana")

    assert {} == demoted(store)


def test_a_lifted_class_stays_lifted_until_it_is_wrong_again(store: Store) -> None:
    put(store, "p1", "wrong", POSTING)
    with store.tx() as tx:
        assert learning.lift(tx, Rung.EXACT_SUBSET, "ana", "the customer asked for it")
        assert not learning.lift(tx, Rung.EXACT_SUBSET, "ana", "twice")
    put(store, "p1", "wrong", POSTING)  # the next tick sees the same again

    assert {} == demoted(store)
    assert Tally(0, 1) == tally(store)
    put(store, "p2", "wrong", POSTING)
    assert [Rung.EXACT_SUBSET] == list(demoted(store))
    lifted = {"rung": "exact_subset", "who": "ana", "reason": "the customer asked for it"}
    assert [lifted] == journal(store, "class_lifted")


def test_the_first_reason_of_a_demotion_stays(store: Store) -> None:
    put(store, "p1", "wrong", POSTING)
    put(store, "p2", "wrong", POSTING)

    assert {Rung.EXACT_SUBSET: "payment p1: "} == demoted(store)


# ---- replayed history ----


def past(subject: str, outcome: str = "right", detail: str = "{}", rung: Rung = Rung.EXACT_SUBSET) -> Evidence:
    return Evidence(subject, HISTORY, rung, Outcome(outcome), detail)


def replay(store: Store, *found: Evidence) -> None:
    with store.tx() as tx:
        learning.put_history(tx, found)
        learning.forget_history(tx, {one.subject for one in found})


def judge(store: Store, subject: str, outcome: Outcome, who: str = "ana") -> None:
    with store.tx() as tx:
        one = learning.history(tx, [subject])[subject]
        learning.judge(tx, one, outcome, one.detail, who, "looked at the remittance")


def test_a_replay_replaces_what_an_earlier_one_knew(store: Store) -> None:
    replay(store, past("1"), past("2", "unjudged"), past("3"))
    replay(store, past("2", "right"), past("3", "unjudged"), past("4", rung=Rung.NOISY_PART))
    put(store, "p9", "right", PERSON)
    replay(store, past("2", "right"), past("3", "unjudged"), past("4", rung=Rung.NOISY_PART))

    assert Tally(2, 0, 1) == tally(store)
    assert Tally(1) == tally(store, Rung.NOISY_PART)


def test_a_judgement_outlives_a_replay_that_finds_the_same(store: Store) -> None:
    replay(store, past("1", "unjudged", "ours"), past("2", "unjudged", "ours"))
    judge(store, "1", Outcome.RIGHT)
    judge(store, "2", Outcome.WRONG)
    replay(store, past("1", "unjudged", "ours"))  # the months of the second weren't read this time

    assert Tally(1, 1) == tally(store)


def test_a_judgement_about_another_split_is_asked_for_again(store: Store) -> None:
    replay(store, past("1", "unjudged", "ours"), past("2", "unjudged", "ours"))
    judge(store, "1", Outcome.RIGHT)
    judge(store, "2", Outcome.WRONG)
    replay(store, past("1", "unjudged", "another"), past("2", "right", "as people"))

    assert Tally(1, 0, 1) == tally(store)


def test_a_judgement_goes_with_its_split_to_the_class_that_says_it_now(store: Store) -> None:
    replay(store, past("1", "unjudged", "ours"), past("2", "unjudged", "ours"))
    judge(store, "1", Outcome.RIGHT)
    judge(store, "2", Outcome.WRONG)
    replay(store, past("1", "unjudged", "ours", Rung.NOISY_PART), past("2", "unjudged", "ours", Rung.NOISY_OVER))

    assert tally(store) is None
    assert (Tally(1), Tally(0, 1)) == (tally(store, Rung.NOISY_PART), tally(store, Rung.NOISY_OVER))
    assert {Rung.EXACT_SUBSET, Rung.NOISY_OVER} == set(demoted(store))


def test_a_wrong_judgement_demotes_also_a_proof_and_a_later_one_wins(store: Store) -> None:
    replay(store, past("1", "unjudged", rung=Rung.METADATA))
    assert {} == demoted(store)
    judge(store, "1", Outcome.WRONG)
    assert {Rung.METADATA: "ana judged ERP payment 1: looked at the remittance"} == demoted(store)
    judge(store, "1", Outcome.RIGHT, "bo")

    assert Tally(1) == tally(store, Rung.METADATA)
    assert ["ana", "bo"] == [line["who"] for line in journal(store, "evidence_judged")]
    # Only a person lifts it.
    assert [Rung.METADATA] == list(demoted(store))


def test_what_differed_or_was_judged_can_be_listed(store: Store) -> None:
    replay(store, past("1"), past("2", "unjudged"), past("3", "unjudged"))
    judge(store, "3", Outcome.RIGHT)
    with store.read() as tx:
        listed = learning.history(tx)

    assert {"2": ("unjudged", ""), "3": ("right", "ana")} == {one: (e.outcome, e.who) for one, e in listed.items()}


def test_a_long_history_is_taken_in_parts_that_fit_a_statement(store: Store) -> None:
    many = [past(str(n)) for n in range(2 * book.IDS_AT_ONCE + 3)]
    replay(store, *many)
    replay(store, *many[: book.IDS_AT_ONCE + 1])

    assert Tally(book.IDS_AT_ONCE + 1) == tally(store)


# ---- what people taught ----


def teach(store: Store, kind: AliasKind, key: str, customer_id: str, who: str = "ana", learned_from: str = "p1") -> int:
    with store.tx() as tx:
        return learning.put_alias(tx, kind, key, customer_id, learned_from, who)


def states(store: Store) -> dict[int, tuple[str, AliasState]]:
    with store.read() as tx:
        return {one.id: (one.customer_id, one.state) for one in learning.aliases(tx)}


def confirm(store: Store, alias_id: int, who: str) -> str:
    with store.tx() as tx:
        return learning.confirm_alias(tx, alias_id, who)


def payer_of(store: Store, kind: AliasKind, key: str) -> str:
    """Whom the directory says, as the daemon asks it."""
    said = {BANK: "payer_bank", EMAIL: "payer_email", NAME: "payer_name"}[kind]
    with store.read() as tx:
        return payer.decide(replace(UNKNOWN, **{said: key}), learning.directory(tx)).customer_id


@pytest.mark.parametrize(
    ("kind", "key", "said"), [(EMAIL, "AP@x.example", "ap@X.example"), (NAME, "Nf, Inc.", "NF INC")]
)
def test_what_one_person_taught_of_a_name_or_an_address_counts_at_once(
    store: Store, kind: AliasKind, key: str, said: str
) -> None:
    assert "" == payer_of(store, kind, said)
    alias = teach(store, kind, key, "C1")

    assert {alias: ("C1", AliasState.ACTIVE)} == states(store)
    assert "C1" == payer_of(store, kind, said)
    assert alias == teach(store, kind, said, "C1", who="bo")  # known already


def test_a_bank_account_counts_only_when_a_second_person_confirmed_it(store: Store) -> None:
    alias = teach(store, BANK, "fp-1", "C1", who="ana")
    assert {alias: ("C1", AliasState.UNCONFIRMED)} == states(store)
    assert f"Alias {alias} was taught by ana; somebody else confirms it." == confirm(store, alias, "ana")
    assert f"Alias {alias} was taught by ana; somebody else confirms it." == confirm(store, alias, "Ana")
    assert alias == teach(store, BANK, "fp-1", "C1", who="bo")  # teaching it twice is no confirmation
    assert "" == payer_of(store, BANK, "fp-1")
    assert "" == confirm(store, alias, "bo")

    assert {alias: ("C1", AliasState.ACTIVE)} == states(store)
    assert "C1" == payer_of(store, BANK, "fp-1")
    assert "There is no alias 999." == confirm(store, 999, "bo")


@pytest.mark.parametrize("kind", [EMAIL, NAME])
def test_aliases_that_contradict_each_other_are_both_inactive_and_shown(store: Store, kind: AliasKind) -> None:
    first, second = teach(store, kind, "a@b", "C1"), teach(store, kind, "a@b", "C2", learned_from="p2")

    assert {first: ("C1", AliasState.CONTRADICTED), second: ("C2", AliasState.CONTRADICTED)} == states(store)
    assert "" == payer_of(store, kind, "a@b")


def test_a_confirmed_bank_account_that_is_contradicted_counts_no_more(store: Store) -> None:
    first = teach(store, BANK, "fp-1", "C1", who="ana")
    confirm(store, first, "bo")
    second = teach(store, BANK, "fp-1", "C2", who="ana", learned_from="")

    assert {AliasState.CONTRADICTED} == {state for _, state in states(store).values()}
    assert "" == payer_of(store, BANK, "fp-1")
    assert "" == confirm(store, second, "bo")
    assert {second: ("C2", AliasState.ACTIVE)} == states(store)


def test_a_persons_later_correction_by_hand_wins(store: Store) -> None:
    teach(store, EMAIL, "a@b", "C1")
    teach(store, EMAIL, "a@b", "C2", learned_from="p2")
    third = teach(store, EMAIL, "a@b", "C2", who="bo", learned_from="")

    assert {third: ("C2", AliasState.ACTIVE)} == states(store)
    assert "C2" == payer_of(store, EMAIL, "a@b")
    assert ["bo"] == [line["who"] for line in journal(store, "alias_removed")]


def test_confirming_one_of_two_that_contradict_each_other_removes_the_other(store: Store) -> None:
    first, _ = teach(store, EMAIL, "a@b", "C1"), teach(store, EMAIL, "a@b", "C2", learned_from="p2")
    assert "" == confirm(store, first, "bo")

    assert {first: ("C1", AliasState.ACTIVE)} == states(store)


def test_relatives_do_not_contradict_each_other(store: Store) -> None:
    teach(store, EMAIL, "a@b", "C3")
    teach(store, EMAIL, "a@b", "C4", learned_from="p2")

    assert {AliasState.ACTIVE} == {state for _, state in states(store).values()}
    assert "C2" == payer_of(store, EMAIL, "a@b")


def test_a_removed_alias_counts_for_nothing_and_may_be_taught_again(store: Store) -> None:
    alias = teach(store, EMAIL, "a@b", "C1")
    with store.tx() as tx:
        assert learning.remove_alias(tx, alias, "bo")
        assert not learning.remove_alias(tx, alias, "bo")
    assert {} == states(store)
    assert "" == payer_of(store, EMAIL, "a@b")
    again = teach(store, EMAIL, "a@b", "C1")

    assert again != alias
    assert "C1" == payer_of(store, EMAIL, "a@b")


def test_an_alias_of_a_customer_that_is_gone_is_shown_and_counts_for_nothing(store: Store) -> None:
    alias = teach(store, EMAIL, "a@b", "C99")

    assert {alias: ("C99", AliasState.CUSTOMER_GONE)} == states(store)
    assert "" == payer_of(store, EMAIL, "a@b")


@pytest.mark.parametrize(("kind", "key"), [(EMAIL, "no address"), (NAME, " ., "), (BANK, " "), (NAME, "x" * 201)])
def test_what_can_be_no_key_is_not_learned(store: Store, kind: AliasKind, key: str) -> None:
    assert 0 == teach(store, kind, key, "C1")
    assert {} == states(store)


def test_the_directory_is_built_again_only_when_a_customer_or_an_alias_changed(store: Store) -> None:
    with store.read() as tx:
        first = learning.directory(tx)
    with store.read() as tx:
        assert learning.directory(tx) is first
    with store.tx() as tx:
        book.put_customers(tx, [replace(CUSTOMERS[0], name="Northfield Automation")], tx.at)
    with store.read() as tx:
        second = learning.directory(tx)
    teach(store, EMAIL, "a@b", "C1")
    with store.read() as tx:
        third = learning.directory(tx)

    assert "Northfield Automation" == second.by_id["C1"].name
    assert (0, 1) == (len(second.aliases), len(third.aliases))


def test_what_a_rolled_back_commit_taught_is_not_remembered(store: Store) -> None:
    with contextlib.suppress(KeyError), store.tx() as tx:
        learning.put_alias(tx, EMAIL, "a@b", "C1", "", "ana")
        assert learning.directory(tx).aliases
        raise KeyError
    teach(store, EMAIL, "a@b", "C2")

    assert "C2" == payer_of(store, EMAIL, "a@b")
