"""An unapproved policy can't run `auto` (RULES 7), on a whole connector: nothing leaves and nothing is posted until a
second person approved it, and any change takes that back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import Terminal
from connector.store import policies
from sandbox.plan import Part
from tests.acceptance.commands import bill, run
from tests.harness import Desk, desk, mappings

APPROVALS = """
roles:
  analyst: {}
  controller: {approves_policy: true}
people: {ana: analyst, bo: controller, cy: controller}
"""


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, policy={"approvals": APPROVALS}, approves=False) as made:
        made.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(made, "Northfield Robotics", "A-1", "1000.00")
        bill(made, "Northfield Robotics", "PAID", "70.00", due_in=3)
        yield made


def _posted(at: Desk) -> list[str]:
    return [one["external_id"] for one in at.truth()["payments"] if one["external_id"].startswith("arc-")]


def _pay(at: Desk) -> None:
    at.world.pay("Northfield Robotics", "70.00", description="PAID", pays=[Part("PAID", "70.00")])


def _approve(at: Desk, author: str = "ana", approver: str = "bo") -> None:
    at.service.policies().propose(author, "the first one")
    seen = at.service.policies().standing()
    at.service.policies().approve(seen.version, approver, "looked at it")


def _why_held(at: Desk, number: str) -> str:
    explanation = at.service.explain(number)
    assert explanation is not None
    return str(explanation)


def _a_day_later(at: Desk) -> None:
    at.world.advance_to(at.world.clock() + timedelta(days=1))
    at.tick()


def test_an_unapproved_policy_sends_and_posts_nothing_and_says_so(at: Desk) -> None:
    _pay(at)
    at.tick()

    assert ([], []) == (at.mails(), _posted(at))
    assert "is not approved" in _why_held(at, "A-1")
    assert "its author proposes it, then bo or cy may approve it" in at.service.policies().standing().blocked


def test_its_author_does_not_approve_it_and_nor_does_whoever_has_no_such_role(at: Desk) -> None:
    at.service.policies().propose("bo")
    version = at.service.policies().standing().version
    for who, why in (("bo", "bo proposed it"), ("ana", "does not approve policies"), ("mallory", "not among")):
        with pytest.raises(Terminal, match=why):
            at.service.policies().approve(version, who)
    at.tick()

    assert [] == at.mails()


def test_approved_by_a_second_person_it_sends_and_posts(at: Desk) -> None:
    _pay(at)
    at.tick()
    _approve(at)
    at.tick()

    assert 1 == len(at.mails_about("A-1"))
    assert 1 == len(_posted(at))
    assert "" == at.service.policies().standing().blocked


def test_a_change_takes_the_approval_back_until_it_is_approved_itself(at: Desk) -> None:
    _approve(at)
    at.tick()
    assert 1 == len(at.mails_about("A-1"))

    at.close()
    mappings(at.folder, {"approvals": APPROVALS, "first_contact_step_max": '"+7"'})
    bill(at, "Northfield Robotics", "A-2", "500.00", due_in=8)
    _a_day_later(at)
    assert [] == at.mails_about("A-2")
    assert ["first_contact_step_max: +1 -> +7"] == [str(one) for one in at.service.policies().standing().changes]

    _approve(at, "cy", "bo")
    at.tick()
    assert 1 == len(at.mails_about("A-2"))
    with at.service.store.read() as tx:
        assert policies.in_use(tx) == policies.approved_version(tx)


def test_who_adds_himself_as_an_approver_approves_nothing_with_that(at: Desk) -> None:
    _approve(at)
    at.close()
    mappings(at.folder, {"approvals": APPROVALS.replace("ana: analyst", "ana: controller, mallory: controller")})

    at.service.policies().propose("mallory")
    with pytest.raises(Terminal, match="the role analyst does not approve policies"):
        at.service.policies().approve(at.service.policies().standing().version, "ana")
    standing = at.service.policies().standing()
    assert ("bo", "cy") == standing.approvers
    # Who may approve stands first in what is shown to whoever decides.
    assert {"approvals.people.ana", "approvals.people.mallory"} == {one.key for one in standing.changes}


def test_the_file_that_was_looked_at_is_the_one_that_is_approved(at: Desk) -> None:
    at.service.policies().propose("ana")
    seen = at.service.policies().standing().version
    mappings(at.folder, {"approvals": APPROVALS, "apply_existing": "true"})

    with pytest.raises(Terminal, match="changed while it was looked at"):
        at.service.policies().approve(seen, "bo")


def test_a_red_finding_holds_auto_back_until_a_check_finds_it_gone(at: Desk) -> None:
    layout = at.folder / "mappings" / "templates" / "_layout.txt.j2"
    good = layout.read_text(encoding="utf-8")
    layout.write_text(good.replace("{{ item.amount }}", "{{ item.amonut }}"), encoding="utf-8")
    _approve(at)
    at.tick()

    assert [] == at.mails()
    assert "`connector policy check` is red" in _why_held(at, "A-1")
    layout.write_text(good, encoding="utf-8")
    assert 0 == at.service.policies().check().red
    at.tick()
    assert 1 == len(at.mails_about("A-1"))


def test_by_the_commands(tmp_path: Path) -> None:
    """As people do it, with the daemon down: check, propose, approve, and the trail of it."""
    with desk(tmp_path, policy={"approvals": APPROVALS}, approves=False, now=None) as at:
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(at, "Northfield Robotics", "A-1", "1000.00")
        assert 0 == run(at, "once").returncode
        assert [] == at.mails()

        checked = run(at, "policy", "check")
        assert 0 == checked.returncode, checked.stdout
        assert "0 red" in checked.stdout
        assert 0 == run(at, "policy", "propose", "--who", "bo", "--note", "go-live").returncode
        refused = run(at, "policy", "approve", "--who", "bo", "--yes")
        assert (1, True) == (refused.returncode, "bo proposed it" in refused.stderr)
        approved = run(at, "policy", "approve", "--who", "cy", "--yes", "--reason", "go-live")
        assert (0, True) == (approved.returncode, "It may run auto" in approved.stdout), approved.stderr
        shown = run(at, "policy", "show")
        assert "1,000.00 USD" in shown.stdout
        assert "nothing stands against it" in shown.stdout
        listed = run(at, "policy", "versions")
        assert ["bo", "cy"] == [name for name in ("bo", "cy") if name in listed.stdout]

        assert 0 == run(at, "once").returncode
        assert 1 == len(at.mails_about("A-1"))
