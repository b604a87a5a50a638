"""Versions of the policy in the store: exactly the one approved last may run `auto`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.decisions.policy_approval import ApprovingOutcome
from connector.policy import Approvals, Policy, PolicyApproval, Role
from connector.store import Store, policies
from connector.store.activity import lines

CONTROLLER = Role("controller", approves_policy=True)
TWO = Approvals((("ana", "analyst"), ("bo", "controller"), ("cy", "controller")), (Role("analyst"), CONTROLLER))


@dataclass
class Watch:
    at: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "connector.db", Watch())
    yield made
    made.close()


def policy(version: str, approvals: Approvals = TWO) -> Policy:
    return Policy(version=version, steps=(), senders=(), approvals=approvals)


def _approved(store: Store, one: Policy, author: str = "ana", approver: str = "bo") -> ApprovingOutcome:
    with store.tx() as tx:
        policies.propose(tx, one.version, f"text of {one.version}", author)
    with store.tx() as tx:
        return policies.approve(tx, one.version, approver, one).outcome


def _blocked(store: Store, one: Policy) -> str:
    with store.read() as tx:
        return policies.blocked(tx, one)


def _told(store: Store, event: str) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [row.fields for row in lines(tx, 0) if row.event == event]


def test_a_policy_that_nobody_approved_may_not_run_auto(store: Store) -> None:
    with store.tx() as tx:
        policies.register(tx, "v1", "text of v1")

    assert "policy v1 is not approved" in _blocked(store, policy("v1"))


def test_the_second_person_lets_it_run(store: Store) -> None:
    assert ApprovingOutcome.OWN_PROPOSAL is _approved(store, policy("v1"), "bo", "bo")
    assert "cy may" in _blocked(store, policy("v1"))
    assert ApprovingOutcome.ALLOWED is _approved(store, policy("v1"), "bo", "cy")
    assert "" == _blocked(store, policy("v1"))


def test_any_change_needs_its_own_approval_and_a_change_back_as_well(store: Store) -> None:
    """What v1 allowed was taken back by v2: an edited file must not bring it back unseen."""
    _approved(store, policy("v1"))
    assert "not approved" in _blocked(store, policy("v2"))
    assert "" == _blocked(store, policy("v1"))
    _approved(store, policy("v2"))

    assert "" == _blocked(store, policy("v2"))
    assert "not approved: its author proposes it" in _blocked(store, policy("v1"))
    with store.tx() as tx:
        assert ApprovingOutcome.NOT_PROPOSED is policies.approve(tx, "v1", "bo", policy("v1")).outcome
    assert ApprovingOutcome.ALLOWED is _approved(store, policy("v1"), "cy", "bo")
    assert "" == _blocked(store, policy("v1"))
    assert "not approved" in _blocked(store, policy("v2"))


def test_nobody_makes_himself_an_approver_in_the_change_that_he_approves(store: Store) -> None:
    _approved(store, policy("v1"))
    usurped = policy("v2", Approvals((("mallory", "controller"), ("ana", "controller")), (CONTROLLER,)))

    assert ApprovingOutcome.NOT_LISTED is _approved(store, usurped, "ana", "mallory")
    assert "bo or cy may" in _blocked(store, usurped)
    assert ApprovingOutcome.ALLOWED is _approved(store, usurped, "ana", "bo")
    # From now on it is they who count.
    assert ApprovingOutcome.NOT_LISTED is _approved(store, policy("v3"), "ana", "bo")
    assert ApprovingOutcome.ALLOWED is _approved(store, policy("v3"), "ana", "mallory")


def test_one_person_is_enough_only_once_two_agreed_to_that(store: Store) -> None:
    _approved(store, policy("v1"))
    relaxed = policy("v2", replace(TWO, policy=PolicyApproval.ONE_PERSON))

    assert ApprovingOutcome.OWN_PROPOSAL is _approved(store, relaxed, "bo", "bo")
    assert ApprovingOutcome.ALLOWED is _approved(store, relaxed, "bo", "cy")
    assert ApprovingOutcome.ALLOWED is _approved(store, policy("v3"), "bo", "bo")


def test_who_proposed_it_first_stays_its_author(store: Store) -> None:
    """Else an author would have somebody else propose it again, and approve it."""
    with store.tx() as tx:
        policies.propose(tx, "v1", "text", "bo")
        assert "bo" == policies.propose(tx, "v1", "text", "ana").proposed_by
        assert ApprovingOutcome.OWN_PROPOSAL is policies.approve(tx, "v1", "bo", policy("v1")).outcome
    assert 1 == len(_told(store, "policy_proposed"))


def test_what_ran_before_anybody_proposed_it_can_still_be_proposed(store: Store) -> None:
    with store.tx() as tx:
        policies.register(tx, "v1", "text")

    assert ApprovingOutcome.ALLOWED is _approved(store, policy("v1"))
    with store.read() as tx:
        (kept,) = policies.versions(tx)
    assert ("ana", "bo", True) == (kept.proposed_by, kept.approved_by, kept.first_used_at is not None)


def test_a_change_of_the_policy_in_use_is_told_once_with_who_made_it(store: Store) -> None:
    _approved(store, policy("v1"))
    for version in ("v1", "v1", "v2"):
        with store.tx() as tx:
            policies.register(tx, version, f"text of {version}")

    assert [
        {"from": "", "to": "v1", "who": "ana", "approved_by": "bo"},
        {"from": "v1", "to": "v2", "who": "", "approved_by": ""},
    ] == _told(store, "policy_changed")
    assert [("v1", "", "bo")] == [
        (row["version"], row["before"], row["who"]) for row in _told(store, "policy_approved")
    ]
    with store.read() as tx:
        assert "v2" == policies.in_use(tx)
        assert "v1" == policies.approved_version(tx)
        assert ["text of v2", "text of v1"] == [one.text for one in policies.versions(tx)]


def test_what_the_linter_found_red_blocks_an_approved_policy(store: Store) -> None:
    _approved(store, policy("v1"))
    with store.tx() as tx:
        tx.set(policies.RED, "red: template firm, line 3")

    assert "red: template firm, line 3" == _blocked(store, policy("v1"))


def test_approving_twice_is_approving_once(store: Store) -> None:
    _approved(store, policy("v1"))
    _approved(store, policy("v1"), "ana", "cy")

    assert ["bo"] == [row["who"] for row in _told(store, "policy_approved")]


def test_an_approval_of_another_policy_than_was_seen_is_a_mistake_of_the_program(store: Store) -> None:
    with store.tx() as tx, pytest.raises(ValueError, match="v2"):
        policies.approve(tx, "v1", "bo", policy("v2"))
    with store.tx() as tx, pytest.raises(LookupError, match="never proposed"):
        policies.put_approved(tx, policy("v1"), "bo")
