"""How far one record that we mean to write into the ERP has come: what a deposit and a reversal have in common.

The row of either is the only truth of what is written. A closing act is more than one record, and has states of its own
(closing.py).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import Table, update

from connector.errors import InvariantBroken
from connector.store import Tx
from connector.store.closing import digest


class WriteState(StrEnum):
    """Every state up to WRITTEN is unfinished and is carried on by the next tick."""

    INTENDED = "intended"  # committed here, not yet tried
    ATTEMPTED = "attempted"  # a write was begun; what came of it must be read back first
    WRITTEN = "written"  # the ERP says that all of it stands; to be read back
    CLOSED = "closed"
    REFUSED = "refused"  # the ERP surely has nothing of it
    WITHDRAWN = "withdrawn"  # never written: somebody was there before, or what it rests on is gone
    DIFFERENT = "different"  # the ERP disagrees: shown to a person, never touched again by itself


UNFINISHED = (WriteState.INTENDED, WriteState.ATTEMPTED, WriteState.WRITTEN)


def move(
    tx: Tx, table: Table, act_id: str, state: WriteState, *, problem: str = "", erp_id: str = "", attempt: bool = False
) -> None:
    """`attempt`: a write of it begins just now. The caller keeps the journal."""
    values: dict[str, Any] = {"state": state, "problem": problem}
    if erp_id:
        values["erp_id"] = erp_id
    if attempt:
        values |= {"attempts": table.c.attempts + 1, "attempted_at": tx.at_text}
    if state not in UNFINISHED:
        values["closed_at"] = tx.at_text
    tx.execute(update(table).where(table.c.id == act_id).values(**values))


def require_unchanged(what: str, row: Any) -> None:
    if digest(row["intent"]) != row["digest"]:
        raise InvariantBroken(f"The intent of {what} {row['id']} was changed in the store after it was recorded.")
