"""One story, lived through: the deeds of its plan, the connector's pass after each, and what must hold after that."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

import structlog

from connector.receivables import ReminderState
from connector.reports import Asking, ChoiceRow
from connector.store import history
from sandbox.world import ErpName
from tests.simulation import invariants
from tests.simulation.business import Business, day_of
from tests.simulation.desks import Office, office
from tests.simulation.plan import HOURS, Deed, make

FAULT_RATE = 0.04
# A pass that was to be killed and never came by the point is tried again, but not for ever.
KILL_TRIES = 3
# After the last deed nothing goes wrong any more, and what was begun comes to its end.
QUIET_DAYS = 4
# As a new installation has them, but switched on: what isn't proved waits for a person.
POLICY = {
    "trust": "{auto: [stripe_link, metadata, printed_reference], precision_min: 0}",
    "backlog": "next_step",
    "approvals": "{roles: {controller: {}}, people: {carl: controller}, policy: two_people}",
}
ANSWERS = "carl"


@dataclass
class Lived:
    """What a story came to. `broken` is empty if all promises held; `on` the day on which one didn't."""

    seed: int
    erp: str
    days: int
    broken: list[str] = field(default_factory=list)
    on: str = ""
    passes: int = 0
    mails: int = 0
    acts: int = 0
    faults: int = 0
    kills: int = 0
    sent_unknown: int = 0
    over: str = "http"
    deeds: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Task:
    """One story to live through: a seed on an ERP."""

    seed: int
    erp: str
    days: int
    rate: float
    over: str = "http"


def live(task: Task) -> Lived:
    """For a process of its own: the connector's log is not shown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return play(task.seed, make(task.seed, task.days), task.days, task.erp, task.rate, task.over)


def play(seed: int, deeds: Sequence[Deed], days: int, erp: str, rate: float = FAULT_RATE, over: str = "http") -> Lived:
    """Live through all of it; stops at the first promise that is broken."""
    lived = Lived(seed, erp, days, over=over)
    first = datetime.combine(day_of(0), time(8), UTC)
    with office(over, cast(ErpName, erp), first, POLICY) as at:
        business = Business(at.world)
        business.weather(seed, rate)
        living = _Living(at, business, deeds, lived)
        try:
            living.live()
        except Exception as error:  # nothing that the world does may bring the connector down
            told = traceback.format_exception(error)
            lived.broken = [f"stays_up: {type(error).__name__}: {error}\n{''.join(told[-6:])}"]
            lived.on = at.world.clock().date().isoformat()
            return lived
        lived.deeds = business.done
        _count(at, lived)
    return lived


class _Living:
    """A story in the midst of being lived through."""

    def __init__(self, at: Office, business: Business, deeds: Sequence[Deed], lived: Lived) -> None:
        self.at, self.business, self.deeds, self.lived = at, business, deeds, lived
        self.away_until = -1
        self.kill_at, self.tries = "", KILL_TRIES

    def live(self) -> None:
        days = self.lived.days
        for day in range(days + QUIET_DAYS):
            if day == days:
                self.come_to_rest()
            for hour in HOURS:
                self.at.world.advance_to(datetime.combine(day_of(day), time(hour), UTC))
                now = [deed for deed in self.deeds if (deed.day, deed.hour) == (day, hour)]
                for deed in now:
                    self.do(deed)
                is_away = day < self.away_until and day < days
                if not is_away and (now or hour == HOURS[0]) and not self.passes(day, now):
                    return
        self.lived.broken = invariants.unsettled(self.at.world, self.at.service.store)
        self.lived.on = "the end" if self.lived.broken else ""

    def passes(self, day: int, now: Sequence[Deed]) -> bool:
        """The connector's pass, once more where it was killed; did every promise hold?"""
        if self.kill_at and self.tries and _comes_by(self.kill_at, now):
            self.tries -= 1
            self.lived.passes += 1
            if self.at.killed(self.kill_at):
                self.lived.kills += 1
                self.kill_at = ""
        troubles = self.at.tick().troubles
        self.lived.passes += 1
        self.lived.broken = [f"stays_up: {one}" for one in troubles if "fault of the program" in one]
        self.lived.broken += invariants.broken(self.at.world, self.at.service.store)
        if self.lived.broken:
            self.lived.on = day_of(day).isoformat()
        return not self.lived.broken

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more, and nothing is forbidden."""
        self.business.clear_sky()
        self.at.clock.behind = timedelta()
        for what in ("send", "post"):
            self.at.service.stop(what, True, ANSWERS, "the story ends")

    def do(self, deed: Deed) -> None:
        """What concerns the connector itself; everything else is done to the world."""
        match deed.what:
            case "away":
                self.away_until = deed.day + int(deed.get("days"))
            case "kill":
                self.kill_at = str(deed.get("at"))
            case "policy":
                grace = {"exceptions": f"{{returned: {{grace_days: {deed.get('grace')}}}}}"}
                self.at.change_policy({**POLICY, **grace})
            case "clock":
                self.at.clock.behind = timedelta(hours=-int(deed.get("hours")))
            case "stop" | "lift":
                self.at.service.stop(deed.of, deed.what == "lift", ANSWERS, "to be on the safe side")
            case "answer":
                self.answer(int(deed.get("turn")))
            case _:
                self.business.do(deed)
                return
        if deed.what != "answer":
            self.business.done[deed.what] += 1

    def answer(self, turn: int) -> None:
        """A person who knows what each payer meant looks at what waits: what is right is approved or chosen, what is
        only wrong is rejected, and now and then, by turns, it is left until another day."""
        paid = self.at.world.truth()["stripe_payments"]
        meant = {one["charge"]: {part["number"]: Decimal(part["amount"]) for part in one["pays"]} for one in paid}
        for number, row in enumerate(self.at.service.queue().rows):
            if (number + turn) % 3 == 0 or row.payment not in meant or row.asked:
                continue
            right = next((one for one in row.choices if _is_meant(one, meant[row.payment])), None)
            if right is not None:
                asking = Asking("approve", row.payment, right.seen, right.number, reason="as the payer meant it")
            elif row.choices and row.choices[0].number == 0:
                asking = Asking("reject", row.payment, reason="not what the payer meant")
            else:
                continue
            (asked,) = self.at.service.ask([asking], ANSWERS)
            self.business.done[f"{asking.deed}d" if asked.accepted else f"not {asking.deed}d"] += 1


def _is_meant(choice: ChoiceRow, meant: dict[str, Decimal]) -> bool:
    return bool(choice.applied) and all(one.amount.decimal() <= meant.get(one.invoice, 0) for one in choice.applied)


def _comes_by(point: str, now: Sequence[Deed]) -> bool:
    """Is a pass likely to come by this point? A process of its own costs seconds."""
    return point.startswith("reminder.") or any(deed.what in ("pay", "bank_settles") for deed in now)


def _count(at: Office, lived: Lived) -> None:
    truth = at.world.truth()
    lived.mails = len(at.world.mailbox.messages())
    lived.acts = sum(1 for one in truth["payments"] if one["external_id"].startswith("arc-"))
    lived.faults = len(at.world.faults.fired())
    with at.service.store.read() as tx:
        lived.sent_unknown = history.reminder_counts(tx).get(ReminderState.UNKNOWN, 0)
