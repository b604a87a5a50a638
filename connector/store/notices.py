"""What our own people are told in the chat: each notice at most once, and shown where it could not be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, insert, select, update

from connector.ports import Notice
from connector.store import Tx, instant, parse_instant
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE

ID_MAX = 200  # characters, of the column


class NoticeState(StrEnum):
    WAITING = "waiting"
    LEAVING = "leaving"  # marked before it is posted: if the process dies now, nobody can know whether it was
    SENT = "sent"
    NOT_SENT = "not_sent"  # given up: surely never posted
    UNKNOWN = "sent_unknown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that was not posted yet, and when it came up."""

    notice: Notice
    at: datetime


def put(tx: Tx, id: str, text: str) -> bool:
    """Tell our people this once the transaction has committed; of one id only the first text ever counts."""
    if tx.execute(select(t.notice.c.id).where(t.notice.c.id == id[:ID_MAX])).first() is not None:
        return False
    tx.execute(insert(t.notice).values(id=id[:ID_MAX], text=text, state=NoticeState.WAITING, at=tx.at_text))
    return True


def waiting(tx: Tx) -> tuple[Waiting, ...]:
    """What is still to be told, oldest first."""
    rows = tx.execute(
        select(t.notice).where(t.notice.c.state == NoticeState.WAITING).order_by(t.notice.c.at, t.notice.c.id)
    ).mappings()
    return tuple(Waiting(Notice(row["id"], row["text"]), parse_instant(row["at"])) for row in rows)


def mark_leaving(tx: Tx, ids: Sequence[str]) -> None:
    _move(tx, ids, NoticeState.LEAVING, "")


def end(tx: Tx, ids: Sequence[str], state: NoticeState, detail: str) -> None:
    """What became of notices that were told in one message; back to waiting says that nothing was posted."""
    _move(tx, ids, state, detail)
    if state is not NoticeState.WAITING:
        tx.journal(f"notice_{state.value}", notices=list(ids), detail=detail)


def drop(tx: Tx, ids: Sequence[str], why: str) -> None:
    """Nobody is told of these, now or later; nothing happened that anybody would look for in the journal."""
    _move(tx, ids, NoticeState.NOT_SENT, why)


def _move(tx: Tx, ids: Sequence[str], state: NoticeState, detail: str) -> None:
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = t.notice.c.id.in_(ids[start : start + IDS_AT_ONCE])
        tx.execute(update(t.notice).where(some).values(state=state, detail=detail))


def bury(tx: Tx) -> None:
    """Whatever was leaving when the process that posted it died: nobody knows, and it is never posted again."""
    left = select(t.notice.c.id).where(t.notice.c.state == NoticeState.LEAVING).order_by(t.notice.c.id)
    ids = list(tx.execute(left).scalars())
    if ids:
        end(tx, ids, NoticeState.UNKNOWN, "the process ended while it was being posted")


def posted_since(tx: Tx, since: datetime) -> tuple[int, datetime | None]:
    """How many messages were posted, or perhaps were, since this instant; and when the last one was."""
    events = (f"notice_{NoticeState.SENT.value}", f"notice_{NoticeState.UNKNOWN.value}")
    query = select(func.count(), func.max(t.journal.c.at)).where(
        t.journal.c.event.in_(events), t.journal.c.at >= instant(since)
    )
    count, last = tx.execute(query).one()
    return int(count), parse_instant(last) if last else None
