"""What becomes known late, only in part or not at all: nobody is chased for it, nothing is written twice, and one odd
record stops nothing else.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from connector.errors import Terminal
from connector.receivables import ReminderState
from connector.store import closing, gate, relations, verdicts
from connector.store.closing import ActState
from sandbox.faults import Rule
from tests.acceptance.settling import bill, pay, stripe
from tests.harness import Desk, desk, mappings

pytestmark = pytest.mark.usefixtures("each_erp")


def customer(at: Desk, name: str = "Northfield Robotics") -> str:
    return at.world.add_customer(name, "ap@northfield.example", 30).id


def due(at: Desk, of: str, on: date, amount: str = "500.00") -> str:
    """An invoice that is due on this day; its number."""
    number = at.world.free_number()
    lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
    at.world.add_invoice(of, number, min(on, at.world.clock().date()) - timedelta(days=30), on, lines)
    return number


def in_days(at: Desk, days: int) -> date:
    return at.world.clock().date() + timedelta(days=days)


def next_day(at: Desk) -> Any:
    at.world.advance_to(at.world.clock() + timedelta(days=1))
    return at.tick()


def held_because(at: Desk, number: str) -> set[str]:
    """Why the reminders of this invoice are held now."""
    with at.service.store.read() as tx:
        steps = gate.reminders(tx, [at.world.invoice_id(number)])[at.world.invoice_id(number)]
    return {one.reason for one in steps if one.state is ReminderState.HELD}


def exceptions(at: Desk) -> set[str]:
    with at.service.store.read() as tx:
        return {one.kind for one in verdicts.open_exceptions(tx)}


def escalated(at: Desk) -> dict[str, str]:
    """Invoice id -> the rule by which a person must look at it."""
    with at.service.store.read() as tx:
        return {invoice_id: one.rule for invoice_id, one in relations.escalations(tx).items()}


# ---- what is collected or sent by others ----


@pytest.mark.parametrize("collected", ["just before autopay is read", "just after"])
def test_what_is_collected_between_two_reads_is_never_chased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collected: str
) -> None:
    with desk(tmp_path) as at:
        number = due(at, customer(at), in_days(at, 2))
        made = stripe(
            at,
            "autopay_invoice",
            customer="Northfield Robotics",
            number=number,
            amount="500.00",
            next_attempt_at="2026-09-12T09:00:00+00:00",
        )
        at.tick()
        for _ in range(4):
            next_day(at)
        assert [] == at.mails()
        at.world.advance_to(at.world.clock() + timedelta(days=1))
        source = at.service.parts().payments
        read = source.read_autopay

        def read_while_it_is_collected() -> Any:
            seen = read() if collected == "just after" else None
            stripe(at, "attempt_autopay", invoice=made["stripe_invoice"], succeeds=True)
            return read() if seen is None else seen

        monkeypatch.setattr(source, "read_autopay", read_while_it_is_collected)
        at.tick()
        monkeypatch.undo()
        next_day(at)

        assert "0.00" == at.balance(number)
        assert [] == at.mails()


@pytest.mark.parametrize("was_read", [False, True])
@pytest.mark.parametrize(
    ("port", "question", "words"),
    [
        ("payments", "read_autopay", "what is collected by itself"),
        ("erp", "other_senders", "who else sends"),
    ],
)
def test_while_it_is_not_known_who_else_asks_for_the_money_no_reminder_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str, question: str, words: str, was_read: bool
) -> None:
    def refused() -> NoReturn:
        raise Terminal("The right to read this was taken away.")

    with desk(tmp_path) as at:
        number = due(at, customer(at), in_days(at, 9))  # its first reminder falls due on Wednesday
        if was_read:
            at.tick()
        monkeypatch.setattr(getattr(at.service.parts(), port), question, refused)
        at.tick()
        for _ in range(3):
            report = next_day(at)

        assert [] == at.mails()
        (reason,) = held_because(at, number)
        assert f"{words} was {'last read completely on 2026-09-07' if was_read else 'never read completely'}" in reason
        assert ("The right to read this was taken away.",) == report.troubles

        monkeypatch.undo()
        next_day(at)
        assert 1 == len(at.mails_about(number))


def test_a_key_without_the_right_to_invoices_still_brings_the_payments(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        of = customer(at)
        number, unpaid = due(at, of, in_days(at, 2)), due(at, of, in_days(at, 2), "70.00")
        stripe(at, "revoke", right="invoices")
        pay(at, of, number, "500.00")

        at.tick()
        next_day(at)

        assert ("0.00", "70.00", []) == (at.balance(number), at.balance(unpaid), at.mails())


# ---- an act that waited ----


def waiting_act(at: Desk) -> tuple[str, str, str]:
    """A payment is matched, and the ERP takes nothing just now: its customer, invoice number and charge."""
    of = customer(at)
    number = bill(at, of, "1000.00")
    at.tick()
    pay(at, of, number, "1000.00")
    at.break_erp("too_many", "act", times=30)
    at.tick()
    at.world.faults.clear()
    with at.service.store.read() as tx:
        (act,) = closing.acts(tx, [ActState.INTENDED])
    return of, number, act.payment_id


@pytest.mark.parametrize("is_applied", [True, False])
def test_a_payment_that_a_person_entered_while_our_act_waited_is_adopted(tmp_path: Path, is_applied: bool) -> None:
    with desk(tmp_path) as at:
        of, number, charge = waiting_act(at)
        at.service.stop("post", lift=False, who="finance", reason="month end")
        at.tick()
        pays = [(at.world.invoice_id(number), "1000.00")] if is_applied else []
        theirs = at.world.erp.pay_by_hand(of, "1000.00", in_days(at, 0), pays, memo=f"Stripe {charge}")
        at.world.advance_to(at.world.clock() + timedelta(minutes=3))
        at.service.stop("post", lift=True, who="finance", reason="done")

        for _ in range(3):
            at.tick()

        assert [theirs] == [one["id"] for one in at.truth()["payments"]]
        with at.service.store.read() as tx:
            assert "adopted" == closing.standing(tx, charge)
        assert set() == exceptions(at)
        next_day(at)
        assert [theirs] == [one["id"] for one in at.truth()["payments"]]


def test_an_act_that_waited_and_that_nobody_entered_is_written_once(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        _, number, _ = waiting_act(at)
        at.world.advance_to(at.world.clock() + timedelta(days=3))

        for _ in range(3):
            at.tick()

        assert "0.00" == at.balance(number)
        assert 1 == len(at.truth()["payments"])


def test_an_act_is_not_written_any_more_once_somebody_else_posts_the_currency(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        of, number, charge = waiting_act(at)
        at.close()
        mappings(tmp_path, {"posting_owner": '{"*": us, USD: other}'})

        for _ in range(2):
            at.tick()
        next_day(at)
        assert [] == at.truth()["payments"]

        pays = at.world.invoice_id(number)
        at.world.erp.stripe_connector_posts(charge, "1000.00", of, in_days(at, 0), pays)
        next_day(at)

        with at.service.store.read() as tx:
            assert "adopted" == closing.standing(tx, charge)
        assert (1, set()) == (len(at.truth()["payments"]), exceptions(at))


# ---- one odd record ----


def test_an_invoice_due_at_the_end_of_time_stops_nothing_else(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        of = customer(at)
        paid, unpaid = due(at, of, in_days(at, 2)), due(at, customer(at, "Westbrook Tooling"), in_days(at, 2))
        odd = due(at, customer(at, "Copperline Energy"), date(9999, 12, 25))
        pay(at, of, paid, "500.00")

        troubles = [*at.tick().troubles, *next_day(at).troubles, *next_day(at).troubles]

        assert [] == troubles
        assert "0.00" == at.balance(paid)
        assert at.mails_about(unpaid)
        assert [] == at.mails_about(odd)


# ---- escalations ----


def strategic_and_overdue(at: Desk) -> str:
    """An invoice of a strategic customer, tomorrow one day past due; its number."""
    of = customer(at)
    at.world.salesforce.org.add_account("Northfield Robotics", of, Tier__c="Strategic")
    return due(at, of, in_days(at, 0))


def test_a_refused_task_is_told_once_and_not_sent_again(tmp_path: Path) -> None:
    with desk(tmp_path, crm=True) as at:
        number = strategic_and_overdue(at)
        at.tick()
        at.world.install(Rule("salesforce", "record_refused", "upsert", times=50))

        for _ in range(3):
            next_day(at)
            at.tick()

        assert 1 == at.world.salesforce.counts()["upsert"]
        with at.service.store.read() as tx:
            (one,) = verdicts.open_exceptions(tx)
        assert "task_refused" == one.kind
        assert number in one.reason and "tell them yourself" in one.reason
        assert {at.world.invoice_id(number): "strategic customer"} == escalated(at)


def test_a_task_that_the_crm_could_not_take_just_now_is_sent_again(tmp_path: Path) -> None:
    with desk(tmp_path, crm=True) as at:
        strategic_and_overdue(at)
        at.tick()
        at.world.install(Rule("salesforce", "server_error", "upsert", times=9))
        next_day(at)
        at.world.faults.clear()

        at.tick()

        assert 1 == len(at.world.salesforce.org.tasks())
        assert set() == exceptions(at)


def test_escalations_end_when_the_policy_has_no_rule_any_more(tmp_path: Path) -> None:
    with desk(tmp_path, crm=True) as at:
        number = strategic_and_overdue(at)
        at.tick()
        next_day(at)
        assert {at.world.invoice_id(number): "strategic customer"} == escalated(at)
        before = len(at.mails_about(number))
        at.close()
        mappings(tmp_path, {"escalation": "[]", "strategic_mail_past_due": "true"})

        at.tick()

        assert {} == escalated(at)
        assert before + 1 == len(at.mails_about(number))  # the reminder that it held
