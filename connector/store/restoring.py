"""What a restored store must not do: mail again what the lost one may have mailed, or write what it may have written.

From the restore on everything that is `auto` runs as `suggest`, until a person lifts that. The first pass takes the
ERP's installation record over, so that the lost store's daemon, should it come back, stops. What was due by then counts
as sent: nobody can know. The first pass also finds out by itself what would have been sent before (a new invoice's
first steps, a courtesy message after a payment), and that counts as sent too.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, or_, select, update

from connector.decisions.cadence import BESIDE_THE_CADENCE
from connector.errors import ConfigError, Terminal
from connector.receivables import ReminderState
from connector.store import Tx, closing, gate, instant, reversing, settling
from connector.store import tables as t
from connector.store.backup import MARK
from connector.store.book import from_json, to_json
from connector.store.closing import ActState
from connector.store.database import open_database
from connector.store.writing import WriteState

_NAME = "restored"
# What is asked once a day or once an hour, and must be asked anew: its answer is as old as the copy.
_ASKED = ("other_senders_on", "periods_at", "last_tick_on", "past_tried_at", "pauses_kept_under", "deposits_on")


@dataclass(frozen=True, slots=True)
class Restored:
    """`taken_at` None: the copy was put in place by other means, and nobody knows of when it is.

    `until_on`: the last day on which what was due counts as sent; None: no pass has taken the store over yet. `beside`
    are the messages beside the cadence that the copy had planned: what the first pass adds to them counts as sent.
    """

    restored_at: datetime
    taken_at: datetime | None
    installation: str  # whose copy it is
    named: str  # the installation that goes on with it: the same, unless a person said otherwise
    until_on: date | None = None
    has_caught_up: bool = False
    beside: tuple[tuple[str, str], ...] = ()


def find(tx: Tx) -> Restored | None:
    """How this store was restored, while a person has not lifted what follows from it."""
    kept = tx.get(_NAME)
    return from_json(Restored, kept) if kept else None


def why_blocked(tx: Tx) -> str:
    """Why nothing of this store runs `auto`; '' if a restore doesn't keep it from that."""
    kept = tx.get(_NAME)
    if not kept:
        return ""
    restored = from_json(Restored, kept)
    of = f"the backup of {restored.taken_at:%Y-%m-%d %H:%M} UTC" if restored.taken_at else "another copy"
    return (
        f"the store was restored from {of} on {restored.restored_at:%Y-%m-%d %H:%M} UTC; look it over, then "
        "`connector restore --go-on`"
    )


def takes_over(tx: Tx) -> frozenset[str]:
    """Installations whose place this store takes in the ERP, whatever epoch they have come to."""
    restored = find(tx)
    return frozenset({restored.installation, restored.named}) if restored and restored.until_on is None else frozenset()


def mark(tx: Tx, taken_at: datetime | None, installation: str, named: str, today: date) -> int:
    """This store is a copy of an earlier moment; what must follow from that begins with this commit.

    Returns how many steps count as sent.
    """
    tx.execute(delete(t.setting).where(t.setting.c.name == MARK))
    tx.set(_NAME, to_json(Restored(tx.at, taken_at, installation, named)))
    hold_until_read(tx.connection)
    tx.journal("store_restored", taken_at=instant(taken_at) if taken_at else "", installation=installation)
    return _count_as_sent(tx, today, None)


def hold_until_read(connection: Connection) -> None:
    """Nothing known is fresh any more: no reminder leaves before every source was read whole once."""
    connection.execute(update(t.source).values(fresh_as_of=None, full_read_on=None))
    connection.execute(delete(t.setting).where(t.setting.c.name.in_(_ASKED)))


def hold(where: Path | str) -> None:
    """As hold_until_read, on a store that an earlier release made and that nobody has opened yet."""
    with contextlib.closing(open_database(where)) as database, database.engine.begin() as connection:
        hold_until_read(connection)


def look_up_first(tx: Tx, why: str, by_another: bool = False) -> None:
    """What is still to be written may stand in the ERP already: it is read back there before it is tried.

    `by_another`: somebody else may have tried it until just now, and its write may still be on its way.
    """
    problem = f"{why}: it is looked up in the ERP before anything is written"
    for act in closing.acts(tx, [ActState.INTENDED, *([ActState.ATTEMPTED] if by_another else ())]):
        closing.move(tx, act.id, ActState.ATTEMPTED, problem=problem, attempt=by_another)
    for deposit in settling.deposits(tx, [WriteState.INTENDED, *([WriteState.ATTEMPTED] if by_another else ())]):
        settling.move(tx, deposit.id, WriteState.ATTEMPTED, problem=problem, attempt=by_another)
    begun = [WriteState.INTENDED, *([WriteState.ATTEMPTED] if by_another else ())]
    for reversal in reversing.reversals(tx, begun):
        reversing.move(tx, reversal.id, WriteState.ATTEMPTED, problem=problem, attempt=by_another)


def take_over(tx: Tx, today: date) -> None:
    """The ERP knows this store as the one that works. What was begun is looked up in the ERP before it is tried."""
    restored = find(tx)
    if restored is None or restored.until_on is not None:
        return
    look_up_first(tx, "the store was restored", by_another=True)
    beside = select(t.reminder.c.invoice_id, t.reminder.c.step).where(
        t.reminder.c.step.in_(BESIDE_THE_CADENCE), t.reminder.c.state.in_(gate.WAITING)
    )
    found = tuple(sorted((invoice_id, step) for invoice_id, step in tx.execute(beside)))
    tx.set(_NAME, to_json(replace(restored, until_on=today, beside=found)))
    tx.journal("store_taken_over", until_on=today)


def count_as_sent(tx: Tx) -> int:
    """Whatever waits and was due before the store was taken over, or turned up since: missed. Returns how many."""
    restored = find(tx)
    if restored is None or restored.until_on is None:
        return 0
    known = None if restored.has_caught_up else frozenset(restored.beside)
    return _count_as_sent(tx, restored.until_on, known)


def _count_as_sent(tx: Tx, until: date, beside: frozenset[tuple[str, str]] | None) -> int:
    """`beside`: of what stands beside the cadence only these may wait for a later day; None: all of it may."""
    of, why = t.reminder.c, f"of {until} or before, from a restored store: whether it left isn't known; counts as sent"
    due = of.due_on <= until.isoformat()
    chosen = or_(due, of.step.in_(BESIDE_THE_CADENCE)) if beside is not None else due
    rows = tx.execute(select(of.invoice_id, of.step, of.due_on).where(of.state.in_(gate.WAITING), chosen)).all()
    counted = [
        (invoice_id, step)
        for invoice_id, step, due_on in rows
        if due_on <= until.isoformat() or (invoice_id, step) not in (beside or ())
    ]
    for invoice_id, step in counted:
        values = {"state": ReminderState.MISSED, "reason": why, "sent_on": until.isoformat()}
        tx.execute(update(t.reminder).where(of.invoice_id == invoice_id, of.step == step).values(values))
        tx.journal("reminder_missed", invoice=invoice_id, step=step, reason=values["reason"])
        tx.execute(update(t.invoice).where(t.invoice.c.id == invoice_id).values(restate=True))
    return len(counted)


def caught_up(tx: Tx) -> None:
    """A pass has read every source: what turns up from now on is new."""
    restored = find(tx)
    if restored is not None and restored.until_on is not None and not restored.has_caught_up:
        tx.set(_NAME, to_json(replace(restored, has_caught_up=True)))


def go_on(tx: Tx, who: str, reason: str) -> None:
    """A person has looked the restored store over: what the policy says holds again. Terminal if it is too early."""
    restored = find(tx)
    if restored is None:
        raise Terminal("This store wasn't restored, or somebody has lifted that already. Nothing was changed.")
    if not restored.has_caught_up:
        raise Terminal(
            "Could not go on: since the restore no pass has read every source, so nobody can see what is missing. "
            "Nothing was changed. Start the daemon (or run `connector once`) until a pass ends without troubles, look "
            "at `connector queue` and `connector preview`, then say it again."
        )
    lift(tx)
    tx.journal("restore_lifted", who=who, reason=reason)


def lift(tx: Tx) -> None:
    tx.execute(delete(t.setting).where(t.setting.c.name == _NAME))


def refuse_backup(tx: Tx) -> None:
    """ConfigError if this store is a backup that somebody put in place by hand: it doesn't know that time went by."""
    if tx.get(MARK):
        raise ConfigError(
            "Could not start: this store is a backup that was copied into its place. It would mail and post again what "
            "was mailed and posted since it was made. Nothing was started. Move the file away and restore it: "
            "connector restore FILE"
        )
