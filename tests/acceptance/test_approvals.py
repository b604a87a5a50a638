"""The approval queue on a whole connector: what people answer is posted as theirs, checked again, and only once.

`Desk` ticks between the answers; what the commands do is `Service.ask`, as the commands call it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.receivables import Rung
from connector.reports import Asked, Asking, QueueRow
from connector.store import approving, history, learning
from sandbox.plan import Part
from tests.harness import Desk, desk

pytestmark = pytest.mark.usefixtures("each_erp")

PEOPLE = """
roles:
  analyst: {may: [approve, reject], amount_max: {USD: 1000.00}, only: [exact_balance, ambiguous, rejected]}
  controller: {}
people: {ana: analyst, carl: controller}
"""
POLICY = {
    "trust": "{auto: [stripe_link, metadata, printed_reference], precision_min: 0.99}",
    "approvals": PEOPLE,
}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, policy=POLICY) as made:
        _set_up(made)
        yield made


def _set_up(at: Desk) -> None:
    payer = at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30).id
    other = at.world.add_customer("Sandbar Analytics", "ap@sandbar.example", 30).id
    for customer, number, amount in (
        (payer, "A-1", "1000.00"),
        (payer, "A-2", "333.00"),
        (payer, "A-3", "2500.00"),
        (other, "B-1", "700.00"),
        (other, "B-2", "700.00"),
    ):
        _invoice(at, number, amount, customer)


def _invoice(at: Desk, number: str, amount: str, customer: str = "Northfield Robotics") -> None:
    today = at.world.clock().date()
    lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
    at.world.add_invoice(customer, number, today - timedelta(days=23), today + timedelta(days=7), lines)


def _suggested(at: Desk, amount: str = "1000.00", number: str = "A-1") -> QueueRow:
    """A payment of which only the amount says that it pays this invoice."""
    at.world.pay("Northfield Robotics", amount, pays=[Part(number, amount)])
    at.tick()
    return _row(at)


def _row(at: Desk) -> QueueRow:
    (row,) = at.service.queue().rows
    return row


def _ask(at: Desk, who: str, deed: str, payment: str, **more: Any) -> Asked:
    (answer,) = at.service.ask([Asking(deed, payment, **more)], who)
    return answer


def _came_of(at: Desk, payment: str) -> list[str]:
    """Of everything that was asked about this payment: what came of it."""
    with at.service.store.read() as tx:
        return [one.answer.partition(":")[0] for one in approving.requests_of(tx, payment)]


def _last_answer(at: Desk, payment: str) -> str:
    with at.service.store.read() as tx:
        return approving.requests_of(tx, payment)[-1].answer


def _ours(at: Desk) -> list[dict[str, Any]]:
    return [p for p in at.truth()["payments"] if p["external_id"].startswith("arc-")]


def _receipts(at: Desk) -> str:
    return "\n".join(row["text"] for row in at.kept("receipt"))


# ---- approve ----


def test_what_only_an_amount_says_waits_for_a_person_and_shields_its_invoice(at: Desk) -> None:
    row = _suggested(at)

    assert ("suggested", "exact_balance", "1,000.00 USD") == (row.standing, row.kind, str(row.amount))
    assert [("A-1", "1,000.00 USD")] == [(part.invoice, str(part.amount)) for part in row.choices[0].applied]
    assert ["ana", "carl"] == [one.who for one in row.may_answer]
    assert "exact balance doesn't post by itself" in row.waits
    at.days(date(2026, 9, 16))
    assert [] == _ours(at)
    assert [] == at.mails_about("A-1")


def test_an_approved_match_is_posted_and_its_approver_stands_in_the_erp(at: Desk) -> None:
    row = _suggested(at)

    assert _ask(at, "ana", "approve", row.payment, seen=row.choices[0].seen).accepted
    assert "ana (analyst) asked to approve it" in _row(at).asked
    assert [] == _ours(at)
    at.tick()

    assert "0.00" == at.balance("A-1")
    assert 1 == len(_ours(at))
    assert "Approved by ana (analyst)" in _receipts(at)
    assert ["done"] == _came_of(at, row.payment)
    assert () == at.service.queue().rows
    assert [] == at.mails_about("A-1")
    with at.service.store.read() as tx:
        assert 1 == learning.tallies(tx)[Rung.EXACT_BALANCE].right
        today = at.world.clock().date()
        received = history.payments_received(tx, today, today)
    assert (1, 0) == (received.count, received.posted)  # a person did it: the match rate doesn't count it


def test_the_erp_shows_what_waits_and_who_may_answer_it(at: Desk) -> None:
    row = _suggested(at)
    at.world.pay("Sandbar Analytics", "700.00", pays=[Part("B-2", "700.00")])
    at.tick()

    assert {
        "needs_approval": ("exact balance: 1,000.00 USD", "ana (analyst), carl (controller)", ""),
        "ambiguous": (_waiting(at, "ambiguous").reason, "ana (analyst), carl (controller)", ""),
    } == _shown(at)
    _ask(at, "ana", "approve", row.payment)
    at.tick()
    at.tick()
    assert ("it waits no more", "", str(at.world.clock().date())) == _shown(at)["needs_approval"]


def _waiting(at: Desk, kind: str) -> QueueRow:
    return next(row for row in at.service.queue().rows if row.kind == kind)


def _shown(at: Desk) -> dict[str, tuple[str, str, str]]:
    """Kind -> reason, owner and day of the closing, as the ERP's exception records have them."""
    return {row["kind"]: (row["reason"], row["owner"], row["closed_on"][:10]) for row in at.kept("exception")}


def test_of_an_exception_the_explanation_that_a_person_chooses_is_posted(at: Desk) -> None:
    at.world.pay("Sandbar Analytics", "700.00", pays=[Part("B-2", "700.00")])
    at.tick()
    row = _row(at)
    assert ("exception", "ambiguous") == (row.standing, row.kind)
    number = next(choice.number for choice in row.choices if choice.applied[0].invoice == "B-2")

    assert "choose one of its explanations" in _ask(at, "ana", "approve", row.payment).text
    assert "choose one of its explanations" in _ask(at, "ana", "approve", row.payment, choice=9).text
    assert _ask(at, "ana", "approve", row.payment, choice=number).accepted
    at.tick()

    assert ("700.00", "0.00") == (at.balance("B-1"), at.balance("B-2"))
    assert "Approved by ana (analyst)" in _receipts(at)


def test_in_suggest_what_is_approved_is_posted_and_only_that(tmp_path: Path) -> None:
    with desk(tmp_path, policy={**POLICY, "post": "suggest"}) as at:
        _set_up(at)
        at.world.pay("Northfield Robotics", "1000.00", pays=[Part("A-1", "1000.00")], description="A-1")
        at.world.pay("Northfield Robotics", "333.00", pays=[Part("A-2", "333.00")], description="A-2")
        at.tick()
        first = next(row for row in at.service.queue().rows if str(row.amount) == "1,000.00 USD")

        assert _ask(at, "carl", "approve", first.payment, seen=first.choices[0].seen).accepted
        at.tick()

        assert ("0.00", "333.00") == (at.balance("A-1"), at.balance("A-2"))
        assert 1 == len(_ours(at))


def test_in_shadow_nothing_can_be_approved(tmp_path: Path) -> None:
    with desk(tmp_path, policy={**POLICY, "post": "shadow"}) as at:
        _set_up(at)
        row = _suggested(at)
        answer = _ask(at, "carl", "approve", row.payment)

        assert not answer.accepted
        assert "posting is in shadow" in answer.text


def test_where_somebody_else_posts_nothing_can_be_approved(tmp_path: Path) -> None:
    with desk(tmp_path, policy={**POLICY, "posting_owner": "{USD: other, EUR: us}"}) as at:
        _set_up(at)
        row = _suggested(at)

        assert "somebody else posts payments in USD" in _ask(at, "carl", "approve", row.payment).text


# ---- edit ----


def test_a_persons_own_split_is_posted_as_written(at: Desk) -> None:
    row = _suggested(at)
    parts = (("A-2", "333.00"), ("A-3", "600.00"))

    answer = _ask(at, "carl", "edit", row.payment, parts=parts, unapplied="67.00")
    at.tick()

    assert answer.accepted
    assert "333.00 A-2 + 600.00 A-3 + 67.00 unapplied = 1,000.00 USD" == answer.text
    assert ("1000.00", "0.00", "1900.00") == tuple(at.balance(number) for number in ("A-1", "A-2", "A-3"))
    (posted,) = _ours(at)
    assert "67.00" == posted["unapplied"]
    with at.service.store.read() as tx:
        assert 1 == learning.tallies(tx)[Rung.EXACT_BALANCE].wrong


def test_a_credit_memo_is_used_beside_a_payment_where_a_person_says_so(at: Desk) -> None:
    at.world.add_credit_memo("Northfield Robotics", "CM-1", at.world.clock().date(), "33.00")
    at.world.pay("Northfield Robotics", "300.00", pays=[Part("A-2", "300.00")])
    at.tick()
    row = _row(at)

    answer = _ask(at, "carl", "edit", row.payment, parts=(("A-2", "333.00"),), credits=(("CM-1", "33.00"),))
    at.tick()

    assert "333.00 A-2 - 33.00 CM-1 = 300.00 USD" == answer.text
    assert "0.00" == at.balance("A-2")


REFUSED: tuple[tuple[Any, dict[str, Any], str], ...] = (
    ((("A-9", "1000.00"),), {}, "there is no invoice A-9"),
    ((("A-1", "999.99"),), {}, "999.99 A-1 = 999.99 USD, and 1,000.00 USD of the payment is to be divided"),
    ((("A-1", "1000.001"),), {}, "more than 2 decimals"),
    ((("A-1", "much"),), {}, "no decimal amount"),
    ((("A-2", "1000.00"),), {}, "only 333.00 USD is owed on invoice A-2"),
    ((("B-1", "700.00"),), {"unapplied": "300.00"}, "another customer's than the payer"),
    ((("A-1", "1000.00"), ("B-1", "700.00")), {"other_customer": True}, "don't belong together"),
    ((("A-1", "1000.00"),), {"credits": (("CM-9", "1.00"),)}, "there is no open credit memo CM-9"),
    ((), {"unapplied": "1000.00"}, "it names no invoice"),
)


def test_a_split_that_cannot_be_is_refused_at_once(at: Desk) -> None:
    row = _suggested(at)
    answers = [_ask(at, "carl", "edit", row.payment, parts=parts, **more) for parts, more, _ in REFUSED]
    at.tick()

    assert not any(one.accepted for one in answers)
    assert [] == [(why, one.text) for (_, _, why), one in zip(REFUSED, answers, strict=True) if why not in one.text]
    assert [] == _came_of(at, row.payment) == _ours(at)


def test_another_customers_invoice_is_paid_where_a_person_confirms_it(at: Desk) -> None:
    row = _suggested(at)

    assert _ask(
        at, "carl", "edit", row.payment, parts=(("B-1", "700.00"),), unapplied="300.00", other_customer=True
    ).accepted
    at.tick()

    assert ("1000.00", "0.00") == (at.balance("A-1"), at.balance("B-1"))


# ---- reject ----


def test_a_rejected_suggestion_is_not_made_again_and_its_invoice_stays_shielded(at: Desk) -> None:
    row = _suggested(at)
    assert _ask(at, "ana", "reject", row.payment, reason="it is a deposit for 2027").accepted
    at.tick()

    again = _row(at)
    assert ("exception", "rejected") == (again.standing, again.kind)
    assert "ana (analyst) rejected what was suggested by exact balance: it is a deposit for 2027" == again.reason
    at.close()  # a new process remembers nothing by itself
    at.days(date(2026, 9, 16))
    assert ("rejected", []) == (_row(at).kind, _ours(at))
    assert [] == at.mails_about("A-1")
    with at.service.store.read() as tx:
        assert 1 == learning.tallies(tx)[Rung.EXACT_BALANCE].wrong
        assert Rung.EXACT_BALANCE in learning.demotions(tx)


def test_who_knows_better_may_still_choose_what_was_rejected(at: Desk) -> None:
    row = _suggested(at)
    _ask(at, "ana", "reject", row.payment, reason="unsure")
    at.tick()

    assert _ask(at, "carl", "approve", row.payment, choice=1).accepted
    at.tick()
    assert "0.00" == at.balance("A-1")


# ---- who may ----


def test_nobody_answers_what_the_policy_gives_to_another(at: Desk) -> None:
    large = _suggested(at, "2500.00", "A-3").payment
    at.world.pay("Northfield Robotics", "1000.00", pays=[Part("A-1", "1000.00")])
    at.tick()
    small = next(row.payment for row in at.service.queue().rows if row.payment != large)
    refused = {
        ("ana", "approve", large): "2,500.00 USD is above the 1,000.00 USD that the role analyst answers",
        ("ana", "edit", small): "the role analyst may not edit",
        ("mallory", "approve", small): "mallory is not among the people",
        ("connector", "approve", small): "connector is not among the people",
        ("", "approve", small): "nobody is not among the people",
    }
    parts = (("A-1", "1000.00"),)
    answers = {(who, deed, one): _ask(at, who, deed, one, parts=parts) for who, deed, one in refused}
    at.tick()

    assert {} == {key: one.text for key, one in answers.items() if one.accepted or refused[key] not in one.text}
    assert [] == _came_of(at, large) == _came_of(at, small) == _ours(at)


def test_the_kind_of_exception_of_another_role_is_not_answered(at: Desk) -> None:
    at.world.pay("Northfield Robotics", "200.00")
    at.tick()
    row = _row(at)

    assert "exception" == row.standing
    assert ["carl"] == [one.who for one in row.may_answer]
    assert (
        "the role analyst does not answer" in _ask(at, "ana", "approve", row.payment, choice=1).text or not row.choices
    )


def test_a_role_that_was_taken_back_before_the_daemon_acted_has_asked_for_nothing(tmp_path: Path) -> None:
    with desk(tmp_path, policy=POLICY) as at:
        _set_up(at)
        row = _suggested(at)
        assert _ask(at, "ana", "approve", row.payment).accepted
        at.close()
        file = tmp_path / "mappings" / "policy.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("ana: analyst, ", ""), encoding="utf-8")
        at.tick()

        assert "refused: ana is not among the people" in _last_answer(at, row.payment)
        assert [] == _ours(at)
        assert "ana (analyst) asked to approve it" in _row(at).answered


# ---- what moves between the answer and the act ----


def test_the_second_of_two_people_is_told_who_was_first(at: Desk) -> None:
    row = _suggested(at)
    assert _ask(at, "ana", "approve", row.payment).accepted
    second = _ask(at, "carl", "reject", row.payment, reason="no")

    assert not second.accepted
    assert "ana (analyst) asked to approve it" in second.text
    at.tick()
    late = _ask(at, "carl", "reject", row.payment, reason="no")
    assert "it does not wait for anybody: it is matched as ana (analyst) approved" == late.text


def test_two_requests_in_one_pass_post_once(at: Desk) -> None:
    """Two people may ask in the very same moment on a shared store: the first one counts."""
    row = _suggested(at)
    assert _ask(at, "ana", "approve", row.payment).accepted
    with at.service.store.tx() as tx:
        (first,) = approving.open_requests(tx)
        approving.put_request(tx, row.payment, first.deed, first.wanted, "carl", "controller")
    at.tick()

    assert ["done", "refused"] == _came_of(at, row.payment)
    assert 1 == len(_ours(at))
    assert "Approved by ana (analyst)" in _receipts(at)


def test_a_suggestion_that_changed_meanwhile_is_told_and_not_posted(at: Desk) -> None:
    """Another invoice of just this amount was read in the same pass: what was certain is ambiguous now."""
    row = _suggested(at)
    assert _ask(at, "ana", "approve", row.payment, seen=row.choices[0].seen).accepted
    _invoice(at, "A-4", "1000.00")
    at.tick()

    assert "changed: it has changed since you looked" in _last_answer(at, row.payment)
    assert [] == _ours(at)
    assert "ambiguous" == _row(at).kind
    stale = _ask(at, "ana", "approve", row.payment, seen=row.choices[0].seen, choice=1)
    assert (False, True) == (stale.accepted, "it has changed since you looked" in stale.text)


def test_what_a_person_divides_is_not_posted_otherwise_meanwhile(tmp_path: Path) -> None:
    """It waits because posting is stopped; once that is lifted the person's word counts, not the evidence."""
    with desk(tmp_path, policy={"approvals": PEOPLE}) as at:
        _set_up(at)
        at.service.stop("post", False, "carl", "month end")
        row = _suggested(at)
        assert _ask(at, "carl", "edit", row.payment, parts=(("A-3", "1000.00"),)).accepted
        at.tick()
        at.service.stop("post", True, "carl", "")
        at.tick()

        assert ("1000.00", "1500.00") == (at.balance("A-1"), at.balance("A-3"))


def test_what_a_person_posted_by_hand_meanwhile_is_not_posted_again(at: Desk) -> None:
    row = _suggested(at)
    assert _ask(at, "ana", "approve", row.payment).accepted
    payer, invoice = at.world.customer("Northfield Robotics").id, at.world.invoice_id("A-1")
    on = at.world.clock().date()
    at.world.erp.pay_by_hand(payer, "1000.00", on, [(invoice, "1000.00")], memo=f"stripe {row.payment}")
    at.tick()
    at.tick()

    assert [] == _ours(at)
    assert "0.00" == at.balance("A-1")
    assert "refused" == _came_of(at, row.payment)[0]


def test_a_request_waits_while_posting_is_stopped(at: Desk) -> None:
    row = _suggested(at)
    at.service.stop("post", False, "carl", "month end")
    assert _ask(at, "ana", "approve", row.payment).accepted
    at.tick()
    assert ([""], []) == (_came_of(at, row.payment), _ours(at))

    at.service.stop("post", True, "carl", "")
    at.tick()
    assert ["done"] == _came_of(at, row.payment)
    assert "0.00" == at.balance("A-1")


def test_a_rejection_does_not_wait_for_posting(at: Desk) -> None:
    row = _suggested(at)
    at.service.stop("post", False, "carl", "month end")
    _ask(at, "ana", "reject", row.payment, reason="no")
    at.tick()

    assert ["done"] == _came_of(at, row.payment)


def test_what_cannot_be_posted_at_all_is_told_with_its_reason(tmp_path: Path) -> None:
    """A closed period holds it, whoever approves it (RULES 1.4)."""
    with desk(tmp_path, policy={**POLICY, "post": "suggest"}) as at:
        _set_up(at)
        row = _suggested(at)
        at.world.erp.close_period(at.world.clock().strftime("%Y-%m"))
        at.world.advance_to(at.world.clock() + timedelta(days=1))
        _ask(at, "carl", "approve", row.payment)
        at.tick()

        assert [] == _ours(at)
        assert "closed" in _last_answer(at, row.payment)
        assert _row(at).answered.endswith(_last_answer(at, row.payment))


def test_many_are_answered_each_by_itself(at: Desk) -> None:
    at.world.pay("Northfield Robotics", "1000.00", pays=[Part("A-1", "1000.00")])
    at.world.pay("Northfield Robotics", "2500.00", pays=[Part("A-3", "2500.00")])
    at.tick()
    rows = at.service.queue().rows
    answers = at.service.ask([Asking("approve", row.payment) for row in rows], "ana")
    at.tick()

    assert [True, False] == sorted((one.accepted for one in answers), reverse=True)
    assert ("0.00", "2500.00") == (at.balance("A-1"), at.balance("A-3"))


@pytest.mark.parametrize("point", ["match.pending", "match.committed"])
def test_killed_between_the_request_and_its_answer_it_is_posted_once(tmp_path: Path, point: str) -> None:
    with desk(tmp_path, now=None, policy=POLICY) as at:
        _set_up(at)
        row = _suggested(at)
        assert _ask(at, "ana", "approve", row.payment).accepted

        assert -signal.SIGKILL == at.process("once", kill_at=point).returncode
        ended = at.process("once", "--json")

        assert 0 == ended.returncode, ended.stderr
        assert 1 == len(_ours(at))
        assert "0.00" == at.balance("A-1")
        assert "Approved by ana (analyst)" in _receipts(at)
        assert ["done"] == _came_of(at, row.payment)
        with at.service.store.read() as tx:
            assert 1 == learning.tallies(tx)[Rung.EXACT_BALANCE].right


def test_money_of_an_unknown_payer_teaches_whose_it_is(at: Desk) -> None:
    at.world.pay(None, "333.00", pays=[Part("A-2", "333.00")])
    at.tick()
    row = _row(at)
    assert "unidentified" == row.kind

    assert _ask(at, "carl", "edit", row.payment, parts=(("A-2", "333.00"),)).accepted
    at.tick()

    assert "0.00" == at.balance("A-2")
    (posted,) = _ours(at)
    assert at.world.customer("Northfield Robotics").id == str(posted["customer"])
