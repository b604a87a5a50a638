"""THE LOOP: one tick, seven steps in order. Read this first.

    1 read_invoices    the ERP is the system of record
    2 plan_reminders   each invoice's own terms and due date
    3 read_payments    the newest cash
    4 match_payments   match, suppression and ERP intent: one local commit
    5 carry_out        the ERP write, its read-back, its records: one durable act
    6 send_reminders   what is due and may leave, after everything that could stop it
    7 write_flags      what the ERP's saved searches see; the loop is closed

Level-triggered: a tick derives what should be from today's facts, so a missed or doubled tick does no harm. A step that
fails is told and the next one goes on where that is safe: old facts stop mails by their age, never by luck.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from connector import cash, erp_flags, pull, remind
from connector.errors import ConnectorError, Terminal
from connector.parts import Parts
from connector.reports import TickReport
from connector.store import activity, closing, instant

# Acts that share one ERP request.
ACTS_MAX = 25


@dataclass(slots=True)
class Troubles:
    """What went wrong in this tick, by step; the outside's own words, once."""

    told: list[tuple[str, ConnectorError]] = field(default_factory=list)

    @property
    def are_terminal(self) -> bool:
        return any(isinstance(error, Terminal) for _, error in self.told)


def tick(parts: Parts) -> tuple[TickReport, Troubles]:
    """One pass. Returns what was done, and what could not be done just now."""
    started, troubles = time.monotonic(), Troubles()
    now = parts.clock.now()
    today = parts.today(now)
    first_seq = parts.store.last_seq()

    invoices = _try(troubles, "read invoices", lambda: pull.read_invoices(parts, now)) or pull.Pulled()
    remind.plan_reminders(parts, today)
    payments = _try(troubles, "read payments", lambda: pull.read_payments(parts, now)) or pull.Pulled()
    _retry_refused(parts, today, invoices.families | payments.families)
    if not any(step == "read invoices" for step, _ in troubles.told):
        _try(troubles, "match payments", lambda: cash.match_payments(parts, today))
    _try(troubles, "carry out acts", lambda: carry_out(parts))
    remind.plan_reminders(parts, today)
    _try(troubles, "send reminders", lambda: remind.send_reminders(parts, now, today))
    _try(troubles, "write flags", lambda: erp_flags.write_flags(parts))

    with parts.store.tx() as tx:
        tx.set("last_tick_on", today.isoformat())
        tx.set("last_tick_at", instant(now))
        report = activity.since(tx, first_seq)
    read = invoices.read + payments.read
    return replace(report, read=read, seconds=round(time.monotonic() - started, 3)), troubles


def _try(troubles: Troubles, step: str, act: Callable[[], pull.Pulled | object]) -> pull.Pulled | None:
    """The edge may fail; what it could not give or take is told, and the facts' age decides what may still be done."""
    try:
        done = act()
    except ConnectorError as error:
        troubles.told.append((step, error))
        return None
    return done if isinstance(done, pull.Pulled) else None


def _retry_refused(parts: Parts, today: date, families: set[str]) -> None:
    """What the ERP refused is matched again on a new day, or when something about that customer changed."""
    with parts.store.tx() as tx:
        if tx.get("last_tick_on") != today.isoformat():
            closing.retry_refused(tx)
        elif families:
            closing.retry_refused(tx, sorted(families))


def carry_out(parts: Parts) -> None:
    """Step 5: run every unfinished act, up to 25 to one ERP request, to its end or to where the ERP lets it."""
    with parts.store.tx() as tx:
        if parts.may_write(tx):
            return
        unfinished = [act.id for act in closing.acts(tx, closing.UNFINISHED)]
    for start in range(0, len(unfinished), ACTS_MAX):
        group = unfinished[start : start + ACTS_MAX]
        with parts.store.tx() as tx:
            request = f"r{tx.journal('acts_started', acts=group)}"
            closing.assign(tx, group, request)
        parts.run("close", request)
