"""A person's standing orders: stop sending, stop posting. They outlive the daemon."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select

from connector.store import Tx
from connector.store import tables as t

# Made once: it is asked for before every mail and every write.
_STOP = select(t.stop).where(t.stop.c.what == bindparam("wanted"))


def stop(tx: Tx, what: str, who: str, reason: str) -> None:
    """Effective with this commit; a second order replaces the first."""
    tx.execute(delete(t.stop).where(t.stop.c.what == what))
    tx.execute(insert(t.stop).values(what=what, since=tx.at_text, who=who, reason=reason))
    tx.journal("stop_requested", what=what, who=who, reason=reason)


def lift(tx: Tx, what: str, who: str, reason: str) -> None:
    tx.execute(delete(t.stop).where(t.stop.c.what == what))
    tx.set(f"looked_{what}", tx.at_text[:10])
    tx.journal("stop_lifted", what=what, who=who, reason=reason)


def looked_on(tx: Tx, what: str) -> str:
    """The day on which a person last lifted a stop of this, as ISO; '' if never."""
    return tx.get(f"looked_{what}")


def stopped(tx: Tx, what: str) -> str:
    """The order as a reason; '' if there is none. Who gave it stands in the journal."""
    row = tx.execute(_STOP, {"wanted": what}).mappings().first()
    if row is None:
        return ""
    return f"stopped since {row['since'][:16].replace('T', ' ')} UTC: {row['reason'] or 'no reason given'}"
