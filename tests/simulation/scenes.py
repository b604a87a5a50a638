"""A short story for each safeguard: the faults and the people against whom it stands, and the promise that it keeps.

What varies from seed to seed (amounts, who pays how much, the point of the pass at which it happens, which fault) is
drawn from the stage's luck, so a seed is a scene that can be played again. A scene knows nothing of whether its
safeguard is on; it only looks at the promises after each pass.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from connector import acts, cash, loop, remind
from connector.ports import ActAnswer, Answer, Outcome
from connector.receivables import ArStatus, CloseIntent
from connector.store import book, closing, verdicts
from connector.store import tables as t
from connector.store.closing import ActState
from connector.store.gate import MessageState
from sandbox.faults import Kind, Rule
from tests.harness import change_mapping, erp_mapping
from tests.simulation import invariants
from tests.simulation.stage import Stage
from tests.simulation.switched_off import AFTER_THE_EFFECT

# A pass that waits longer than this for the other one hangs.
WAIT_SECONDS_MAX = 30.0
# As `mappings/policy.yaml` has it: longer ago than this, no reminder may leave.
STRIPE_MINUTES_MAX = 30
AWAY: tuple[Kind, ...] = ("server_error", "maintenance", "drop_before", "unauthorized")
ANSWER_LOST: tuple[Kind, ...] = ("drop_after", "cut_after", "unreadable_after")


# ---- send lease ----


def a_payment_at_the_final_dot(stage: Stage) -> None:
    """While a reminder is on its way to its final dot, its customer's payment is read and matched beside it.

    Two threads in one order only: the sender stands still at a point of its send until the matcher either is through
    or waits for it.
    """
    billed = stage.bill(7)
    point = stage.luck.choice(("reminder.leased", "reminder.body", "reminder.leaving"))
    units = stage.part_or_whole(billed)
    stage.watched.append(lambda: _decided_on_older_facts(stage))
    with ThreadPoolExecutor(1) as another:
        matching: list[Future[int]] = []

        def pay_and_match() -> None:
            stage.pay(billed, units)
            waits = threading.Event()
            matching.append(another.submit(_match, stage, waits))
            _wait(lambda: waits.is_set() or matching[0].done())

        with stage.at_point(acts, point, pay_and_match):
            stage.at.tick()
        for one in matching:
            one.result(WAIT_SECONDS_MAX)
    stage.look()
    stage.later(hours=1)
    stage.tick()


def _decided_on_older_facts(stage: Stage) -> list[str]:
    """Mails that left although a match had lowered what is owed since they were decided, by the store's own order."""
    of = t.journal.c
    with stage.at.service.store.read() as tx:
        sent = tx.execute(
            select(t.message.c.id, t.message.c.done_seq).where(t.message.c.state == MessageState.SENT)
        ).all()
        leased = dict(tx.execute(select(of.message_id, of.seq).where(of.event == "mail_leased")).all())
        matched = tx.execute(select(of.seq, of.detail).where(of.event == "invoice_matched")).all()
    return [
        f"never_chase_paid: mail {mail} left after a match had lowered what it asks for: {detail}"
        for mail, done in sent
        for seq, detail in matched
        if leased[mail] < seq < done
    ]


def _match(stage: Stage, waits: threading.Event) -> int:
    """Another worker's first half of a pass, on the same store; `waits` is set when it waits for a lease."""
    parts = stage.at.service.parts()
    now = parts.clock.now()

    def sleep(seconds: float) -> None:
        waits.set()
        time.sleep(seconds)

    with patch.object(cash, "time", _Time(sleep)):
        return loop.read_and_match(parts, now, parts.today(now), loop.Strict(), is_first_of_day=False)


@dataclass(frozen=True)
class _Time:
    """`time` for one module, whose waiting can be seen."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float] = time.monotonic


def _wait(until: Callable[[], bool]) -> None:
    give_up = time.monotonic() + WAIT_SECONDS_MAX
    while not until():
        if time.monotonic() > give_up:
            raise TimeoutError("the other pass neither ended nor waited")
        time.sleep(0.002)


# ---- read-back, external id ----


def entered_by_hand_too(stage: Stage) -> None:
    """While our payment is on its way to the ERP, somebody enters the same money there by hand."""
    billed = stage.bill(20)
    units = stage.part_or_whole(billed)
    charge = stage.pay(billed, units)
    point = stage.luck.choice(("match.committed", "act.attempted", "act.answered"))
    stage.watched.append(lambda: _untold_doubles(stage))

    def enter() -> None:
        owed = next(one for one in stage.at.truth()["invoices"] if one["number"] == billed.number)
        if Decimal(owed["balance"]) >= units / Decimal(100):
            stage.by_hand(billed, units, f"Stripe {charge}")

    with stage.at_point(cash if point.startswith("match") else acts, point, enter):
        stage.tick()
    stage.later(days=1)
    stage.tick()


def _untold_doubles(stage: Stage) -> list[str]:
    """Money that stands twice in the ERP, by us and by a person, with nobody told which record to void."""
    truth = stage.at.truth()
    with stage.at.service.store.read() as tx:
        told = {one.payment_id for one in verdicts.open_exceptions(tx)}
    found = []
    for meant in truth["stripe_payments"]:
        charge = meant["charge"]
        there = [p for p in truth["payments"] if not p["voided"] and charge in f"{p['external_id']} {p['memo']}"]
        ours = [payment for payment in there if payment["external_id"].startswith("arc-")]
        if ours and len(there) > len(ours) and charge not in told:
            found.append(f"apply_once: {charge} is paid twice, by us and by hand, and nobody is told")
    return found


def the_answer_is_lost(stage: Stage) -> None:
    """The ERP carries our payment out, and its answer never arrives."""
    billed = stage.bill(20)
    stage.pay(billed, stage.part_or_whole(billed))
    stage.at.break_erp(stage.luck.choice(ANSWER_LOST), "act", nth=1)
    for _ in range(2):
        stage.tick()
        stage.later(hours=5)


def the_request_is_late(stage: Stage) -> None:
    """Our request is lost on its way, and arrives after all when the act was written once more."""
    billed = stage.bill(20)
    stage.pay(billed, stage.part_or_whole(billed))
    with _late_request(stage, type(stage.at.service.parts().erp)):
        for _ in range(3):
            stage.tick()
            stage.later(hours=5)


@contextmanager
def _late_request(stage: Stage, erp: type) -> Iterator[None]:
    """The first request for acts is carried out only after the second one; to its sender it is unknown."""
    write = erp.write_acts  # type: ignore[attr-defined]
    late: list[tuple[Sequence[CloseIntent], Sequence[ArStatus]]] = []
    seen: list[bool] = []

    def write_acts(
        self: Any, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()
    ) -> tuple[ActAnswer, ...]:
        if not seen:
            seen.append(True)
            late.append((intents, statuses))
            lost = "the request was lost"
            return tuple(
                ActAnswer(one.act_id, Answer(one.payment.external_id, Outcome.UNKNOWN, message=lost), ())
                for one in intents
            )
        answers: tuple[ActAnswer, ...] = write(self, intents, statuses)
        while late:
            write(self, *late.pop())
            stage.happened.append("a late request arrived")
        return answers

    with patch.object(erp, "write_acts", write_acts):
        yield


# ---- freshness ----


def the_feed_is_away(stage: Stage) -> None:
    """Stripe answers nothing for a day; a customer pays there, and the next reminder falls due."""
    billed = stage.bill(stage.luck.choice((8, 9)))  # its first reminder falls due on the next day, or the one after
    stage.tick()
    stage.later(hours=stage.luck.randint(1, 8))
    stage.pay(billed)
    stage.world.install(Rule("stripe", stage.luck.choice(AWAY), times=1_000_000))
    stage.watched.append(lambda: _mailed_blindly(stage))
    for _ in range(4):
        stage.later(hours=stage.luck.choice((7, 11)))
        stage.tick()


def _mailed_blindly(stage: Stage) -> list[str]:
    """Mails that left while the last whole read of Stripe was too old."""
    parts = stage.at.service.parts()
    with stage.at.service.store.read() as tx:
        _, read_at, _ = book.source_state(tx, parts.payments.name)
    now = stage.world.clock()
    if read_at is None or now - read_at <= timedelta(minutes=STRIPE_MINUTES_MAX):
        return []
    late = [mail for mail in stage.at.mails() if mail.at > read_at + timedelta(minutes=STRIPE_MINUTES_MAX)]
    paid = {part["number"] for one in stage.at.truth()["stripe_payments"] for part in one["pays"]}
    return [
        f"never_chase_blind: a mail asks for {number} at {mail.at:%Y-%m-%d %H:%M}, Stripe was last read at "
        f"{read_at:%Y-%m-%d %H:%M}" + (", and it is paid there" if number in paid else "")
        for mail in late
        for number in invariants.numbers_of(mail.header("X-AR-Reminder"))
    ]


def entered_between_read_and_mail(stage: Stage) -> None:
    """After the pass has read the ERP, and before its mails leave, a controller applies the customer's cheque."""
    billed = stage.bill(7)
    units = billed.units // stage.luck.choice((1, 1, 2))
    send_batch = remind._send_batch

    def entered(*arguments: Any) -> None:
        stage.by_hand(billed, units, "a cheque")
        send_batch(*arguments)

    with patch.object(remind, "_send_batch", entered):
        stage.tick()


# ---- generation ----


def given_back_after_all(stage: Stage) -> None:
    """A dispute is lost and a person takes the payment off its invoice; then the money is given back after all."""
    billed = stage.bill(20)
    charge = stage.pay(billed, stage.part_or_whole(billed))
    stage.tick()
    dispute = stage.stripe("dispute", payment=charge)["dispute"]
    stage.stripe("close_dispute", dispute=dispute, outcome="lost")
    stage.later(hours=1)
    stage.tick()
    stage.world.erp.void_payment(
        next(one["id"] for one in stage.at.truth()["payments"] if charge in one["external_id"])
    )
    stage.later(hours=1)
    stage.tick()
    _reopen(stage, dispute)
    stage.happened.append("taken up again")
    stage.stripe("close_dispute", dispute=dispute, outcome="won")
    for _ in range(2):
        stage.later(days=1)
        stage.tick()
    stage.watched.append(lambda: _not_applied(stage, charge))
    stage.look()


def _reopen(stage: Stage, dispute: str) -> None:
    """The card network takes the case up again, which the sandbox's own deeds don't know."""
    store = stage.world.stripe.ledger.store
    with stage.world.lock:
        store.keep(store.get(dispute, "dispute") | {"status": "under_review"})


def _not_applied(stage: Stage, charge: str) -> list[str]:
    paid = [p for p in stage.at.truth()["payments"] if charge in p["external_id"] and not p["voided"]]
    return [] if paid else [f"undo_restores: charge {charge} is ours again, and is applied to nothing"]


def refused_once(stage: Stage) -> None:
    """The ERP refuses a payment or a deposit once, and keeps the id of what it refused; later nothing stands against
    it any more."""
    if stage.world.erp_name == "intacct":
        stage.world.intacct.at_the_door.failed_ids_are_free = False
        change_mapping(erp_mapping(stage.at.served, stage.at.folder), {"facts": {"failed_control_ids_are_free": False}})
    charge, of = stage.pay(stage.bill(20)), stage.luck.choice(("act", "deposit"))
    if of == "deposit":
        stage.tick()
    payout = stage.pay_out()
    stage.at.break_erp("record_refused", of, record=0 if stage.world.erp_name == "netsuite" else -1)  # the payment
    for _ in range(3):
        stage.tick()
        stage.later(days=1)
    stage.watched.append(lambda: _not_posted(stage, charge, payout))
    stage.look()


def _not_posted(stage: Stage, charge: str, payout: str) -> list[str]:
    truth = stage.at.truth()
    paid = [p for p in truth["payments"] if charge in p["external_id"] and not p["voided"]]
    found = [] if paid else [f"one_act: charge {charge} was refused once and is never posted again"]
    return found + (
        [] if stage.deposits(payout) else [f"one_act: payout {payout} was refused once and is never deposited again"]
    )


# ---- intent-first ----


def killed_after_the_effect(stage: Stage) -> None:
    """The process gets SIGKILL just after the ERP took the payment; another one goes on."""
    billed = stage.bill(7)
    stage.pay(billed, stage.part_or_whole(billed))
    point = AFTER_THE_EFFECT if "intent-first" in stage.off else "act.answered"
    stage.kill(point)
    stage.watched.append(lambda: _without_an_act(stage))
    for _ in range(2):
        stage.later(hours=1)
        stage.tick()


def _without_an_act(stage: Stage) -> list[str]:
    """Payments of ours in the ERP that we know nothing of: no receipt's end, no reason for what was cancelled."""
    with stage.at.service.store.read() as tx:
        known = {act.intent.payment.external_id for act in closing.acts(tx, tuple(ActState))}
    ours = [one["external_id"] for one in stage.at.truth()["payments"] if one["external_id"].startswith("arc-")]
    return [
        f"one_act: the ERP has payment {one} of ours, and there is no act of it" for one in ours if one not in known
    ]


# ---- sums ----


def a_member_is_missing(stage: Stage) -> None:
    """Stripe lists a payout whose newest members aren't there yet, though it calls the list complete."""
    for _ in range(stage.luck.randint(2, 4)):
        stage.pay(stage.bill(20))
    stage.tick()
    payout = stage.pay_out()
    missing = stage.luck.randint(1, 3)
    stage.world.install(Rule("stripe", "late_page", "balance_transactions.list", record=missing))
    stage.watched.append(lambda: _deposits_off(stage, payout))
    stage.later(hours=5)
    stage.tick()
    if not stage.stopped:
        stage.later(days=1)
        stage.tick()


def _deposits_off(stage: Stage, payout: str) -> list[str]:
    amount = next(Decimal(one["amount"]) for one in stage.at.truth()["payouts"] if one["payout"] == payout)
    return [
        f"cents_conserve: payout {payout} of {amount} is a deposit of {one['amount']} in the ERP"
        for one in stage.deposits(payout)
        if Decimal(one["amount"]) != amount
    ]
