"""THE LOOP: one tick, seven steps in order. Read this first.

    1 read_invoices    the ERP is the system of record; the CRM knows the customer
    2 plan_reminders   each invoice's own terms and due date
    3 read_payments    the newest cash, and what was paid out to our bank
    4 match_payments   match, suppression and ERP intent: one local commit
    5 carry_out        the ERP write, its read-back, its records: one durable act; then what came back
                       is taken back, and each payout becomes its deposit
    6 send_reminders   who must look is told; what is due and may leave leaves, after everything that could stop it
    7 write_flags      what the ERP's saved searches see; the loop is closed

Level-triggered: a tick derives what should be from today's facts, so a missed or doubled tick does no harm. A step that
fails is told and the next one goes on where that is safe: old facts stop mails by their age, never by luck.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from connector import (
    approvals,
    cash,
    daily_proof,
    deposits,
    drafts,
    erp_flags,
    escalate,
    metered,
    notices,
    pauses,
    plans,
    profiles,
    proof,
    pull,
    remind,
    replies,
    restored,
    reversals,
)
from connector.errors import ConnectorError, InvariantBroken, RoleLost, Terminal
from connector.lint import look
from connector.parts import Parts, unforeseen
from connector.reports import TickReport
from connector.store import activity, closing, gate, instant

# Steps without which no reminder may leave.
_BEFORE_SENDING = {
    "read invoices", "read payments", "read statements", "read autopay", "read other senders", "plan reminders",
    "send reminders", "read answers", "keep pauses",
}  # fmt: skip
# Steps without which a restored store doesn't know yet what it missed.
_TO_CATCH_UP = _BEFORE_SENDING | {"take over", "read the CRM", "read payouts"}
# Acts that share one ERP request.
ACTS_MAX = 25
# Payments that others posted are looked up once a day for this long.
ADOPTED_LOOK_BACK = timedelta(days=60)


@dataclass(slots=True)
class Troubles:
    """What went wrong in this tick, by step; the outside's own words, once."""

    told: list[tuple[str, ConnectorError]] = field(default_factory=list)

    def take(self, step: str, error: ConnectorError) -> None:
        self.told.append((step, error))

    @property
    def steps(self) -> set[str]:
        return {step for step, _ in self.told}

    @property
    def kept_from_sending(self) -> bool:
        """Was there a step without which no reminder may leave?"""
        return bool(self.steps & _BEFORE_SENDING)


class Strict(Troubles):
    """Nothing may fail: for questions, whose answer would be wrong otherwise."""

    def take(self, step: str, error: ConnectorError) -> None:
        raise error


def tick(parts: Parts) -> tuple[TickReport, Troubles]:
    """One pass. Returns what was done, and what could not be done just now."""
    started, troubles = time.monotonic(), Troubles()
    now = parts.clock.now()
    today = parts.today(now)
    first_seq = parts.store.last_seq()
    with parts.store.read() as tx:
        first_of_day = tx.get("last_tick_on") != today.isoformat()

    _try(troubles, "end what broke off", lambda: remind.end_what_broke_off(parts))
    _try(troubles, "take over", lambda: restored.take_over(parts, now))
    read = read_and_match(parts, now, today, troubles, first_of_day)
    _try(troubles, "carry out acts", lambda: carry_out(parts))
    _try(troubles, "show credits to apply", lambda: cash.show_credits_to_apply(parts, today))
    _try(troubles, "take back payments", lambda: reversals.take_back(parts, today))
    _try(troubles, "settle payouts", lambda: deposits.settle_payouts(parts, today))
    _try(troubles, "keep pauses", lambda: pauses.keep_pauses(parts, today))
    _try(troubles, "plan reminders", lambda: plans.plan_reminders(parts, today))
    _try(troubles, "escalate", lambda: escalate.escalate_invoices(parts, today))
    caught_up = not troubles.steps & _TO_CATCH_UP
    _try(troubles, "count as sent", lambda: restored.count_as_sent(parts, caught_up))
    if not troubles.steps & {"plan reminders", "count as sent"}:
        _try(troubles, "send reminders", lambda: remind.send_reminders(parts, now, today))
    _try(troubles, "show what is stalled", lambda: pauses.show_stalled(parts, today))
    _try(troubles, "tell people", lambda: notices.tell(parts))
    _try(troubles, "pause native dunning", lambda: erp_flags.pause_native_dunning(parts, today))
    _try(troubles, "write flags", lambda: erp_flags.write_flags(parts))
    _try(troubles, "write exceptions", lambda: erp_flags.write_exceptions(parts))
    _try(troubles, "show drafts", lambda: drafts.show_drafts(parts, today))
    _try(troubles, "prove clearing", lambda: proof.prove_clearing(parts, now, today))
    _try(troubles, "prove the days", lambda: daily_proof.prove_days(parts, now, today))

    with parts.store.tx() as tx:
        tx.set("last_tick_on", today.isoformat())
        tx.set("last_tick_at", instant(now))
        metered.note(tx, parts.erp, today)
        if not troubles.kept_from_sending and not gate.sending_forbidden(tx) and not parts.blocked(tx):
            # An outage is counted from the last day on which a reminder could have left.
            tx.set("last_able_on", today.isoformat())
        report = replace(activity.since(tx, first_seq), clamped=parts.clamped(tx))
    return replace(report, read=read, seconds=round(time.monotonic() - started, 3)), troubles


def read_and_match(parts: Parts, now: datetime, today: date, troubles: Troubles, is_first_of_day: bool) -> int:
    """Steps 1 to 4: everything that is known, and what the cash pays. Returns how many records were read."""
    invoices = _try(troubles, "read invoices", lambda: pull.read_invoices(parts, now)) or pull.Pulled()
    _try(troubles, "read periods", lambda: pull.read_periods(parts, now))
    _try(troubles, "read the CRM", lambda: pull.read_crm(parts, now))
    _try(troubles, "read the past", lambda: profiles.read_past(parts, now))
    _try(troubles, "read answers", lambda: replies.read_replies(parts, now))
    _try(troubles, "keep pauses", lambda: pauses.keep_pauses(parts, today))
    _try(troubles, "plan reminders", lambda: plans.plan_reminders(parts, today))
    _try(troubles, "look the policy over", lambda: look.lint_book(parts, now))
    _try(troubles, "read payouts", lambda: pull.read_payouts(parts, now))
    # Before the payments: what is collected between the two is then seen as one or the other, and by luck as both.
    _try(troubles, "read autopay", lambda: pull.read_autopay(parts, now))
    _try(troubles, "read other senders", lambda: pull.read_other_senders(parts, now, today))
    payments = _try(troubles, "read payments", lambda: pull.read_payments(parts, now)) or pull.Pulled()
    statements = _try(troubles, "read statements", lambda: pull.read_statements(parts, now)) or pull.Pulled()
    _retry_refused(parts, today, invoices.families | payments.families | statements.families)
    if "read invoices" not in troubles.steps:
        erp_moved = bool(invoices.credits) or is_first_of_day
        _try(troubles, "match payments", lambda: cash.match_payments(parts, today, erp_moved))
        if "match payments" not in troubles.steps:
            # What people answered is held against what is found now.
            _try(troubles, "answer requests", lambda: approvals.answer_requests(parts, today))
    return invoices.read + payments.read + statements.read


def _try(troubles: Troubles, step: str, act: Callable[[], pull.Pulled | object]) -> pull.Pulled | None:
    """The edge may fail; what it could not give or take is told, and the facts' age decides what may still be done."""
    try:
        done = act()
    except RoleLost:
        raise  # another daemon works by now: no further step may write outside
    except ConnectorError as error:
        troubles.take(step, error)
        return None
    except InvariantBroken:
        raise
    except Exception as error:  # one bad record must not keep the other steps from their work
        troubles.take(step, unforeseen(step, error))
        return None
    return done if isinstance(done, pull.Pulled) else None


def _retry_refused(parts: Parts, today: date, families: set[str]) -> None:
    """What the ERP refused is matched again on a new day, or when something about that customer changed."""
    with parts.store.tx() as tx:
        if tx.get("last_tick_on") != today.isoformat():
            closing.retry_refused(tx)
            closing.look_again_at_adopted(tx, today - ADOPTED_LOOK_BACK)
        elif families:
            closing.retry_refused(tx, sorted(families))


def carry_out(parts: Parts) -> None:
    """Step 5: run every unfinished act, up to 25 to one ERP request, to its end or to where the ERP lets it."""
    with parts.store.tx() as tx:
        acts = closing.acts(tx, closing.UNFINISHED)
        forbidden = [act for act in acts if parts.posting_forbidden(tx, bool(act.approved_by), act.invoice_ids)]
        left_alone = {act.id for act in forbidden}.difference(restored.may_be_looked_up(tx, forbidden))
        unfinished = [act.id for act in acts if act.id not in left_alone]
        if unfinished and parts.paused(tx, "post", "payments to post"):
            return
    trouble: ConnectorError | None = None
    for start in range(0, len(unfinished), ACTS_MAX):
        group = unfinished[start : start + ACTS_MAX]
        failed = _run_apart(parts, group)
        trouble = failed or trouble
        # One act that the ERP can't answer for must not hold up the others: each by itself.
        for act_id in group if len(group) > 1 and isinstance(failed, Terminal) else ():
            _run_apart(parts, [act_id])
    if trouble:
        raise trouble


def _run_apart(parts: Parts, act_ids: Sequence[str]) -> ConnectorError | None:
    try:
        _run(parts, act_ids)
    except RoleLost:
        raise
    except ConnectorError as error:
        return error
    except InvariantBroken:
        raise
    except Exception as error:  # of these acts: the others have nothing to do with it
        return unforeseen("carry out acts", error)
    return None


def _run(parts: Parts, act_ids: Sequence[str]) -> None:
    with parts.store.tx() as tx:
        # The owner makes it unique: a restored store counts from an old number again.
        request = f"{parts.owner}-{tx.journal('acts_started', acts=act_ids)}"
        closing.assign(tx, act_ids, request)
    parts.run("close", request)
