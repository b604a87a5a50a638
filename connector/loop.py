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

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from connector import cash, erp_flags, pull, remind
from connector.errors import ConnectorError, InvariantBroken, Terminal
from connector.parts import Parts
from connector.reports import TickReport
from connector.store import activity, closing, gate, instant

# Acts that share one ERP request.
ACTS_MAX = 25
# Payments that others posted are looked up once a day for this long.
ADOPTED_LOOK_BACK = timedelta(days=60)


@dataclass(slots=True)
class Troubles:
    """What went wrong in this tick, by step; the outside's own words, once."""

    told: list[tuple[str, ConnectorError]] = field(default_factory=list)

    @property
    def kept_from_sending(self) -> bool:
        """Was there a step without which no reminder may leave?"""
        return any(step in ("read invoices", "read payments", "send reminders") for step, _ in self.told)


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
        if not troubles.kept_from_sending and not gate.sending_forbidden(tx):
            # An outage is counted from the last day on which a reminder could have left.
            tx.set("last_able_on", today.isoformat())
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
    except InvariantBroken:
        raise
    except Exception as error:  # one bad record must not keep the other steps from their work
        troubles.told.append((step, _unforeseen(step, error)))
        return None
    return done if isinstance(done, pull.Pulled) else None


def _unforeseen(step: str, error: Exception) -> ConnectorError:
    """A fault of ours: told by its kind only, since its text may hold a customer's data; the log has the whole."""
    logging.getLogger("connector").error("unforeseen fault: %s", step, exc_info=error)
    return Terminal(f"A fault of the program ({type(error).__name__}) stopped one step; the log has the details.")


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
        if parts.posting_forbidden(tx):
            return
        unfinished = [act.id for act in closing.acts(tx, closing.UNFINISHED)]
    trouble: ConnectorError | None = None
    for start in range(0, len(unfinished), ACTS_MAX):
        group = unfinished[start : start + ACTS_MAX]
        try:
            _run(parts, group)
        except ConnectorError as error:
            # One act that the ERP can't answer for must not hold up the others: each by itself.
            trouble = error
            for act_id in group if len(group) > 1 and isinstance(error, Terminal) else ():
                with contextlib.suppress(ConnectorError):
                    _run(parts, [act_id])
    if trouble:
        raise trouble


def _run(parts: Parts, act_ids: Sequence[str]) -> None:
    with parts.store.tx() as tx:
        # The owner makes it unique: a restored store counts from an old number again.
        request = f"{parts.owner}-{tx.journal('acts_started', acts=act_ids)}"
        closing.assign(tx, act_ids, request)
    parts.run("close", request)
