"""Our own people are told in the chat what can't wait for them to look.

Any step puts a notice into its own commit; `tell` posts what waits at the end of a tick. A few are told one by one,
many as one message, and past the day's share only their number: a chat that rings all day is switched off by whoever
reads it. What is told here always stands in the ERP, the CRM or a report too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.money import Money
from connector.parts import Parts
from connector.ports import Chat, Notice, SendOutcome, SendResult
from connector.store import Tx, gate, instant, notices, orders, parse_instant, verdicts
from connector.store.notices import NoticeState, Waiting
from connector.store.notices import put as put

# Up to so many at once are told one by one; more become one message.
SINGLES_MAX = 3
# Messages in 24 hours; past them one an hour says how many more there are.
MESSAGES_A_DAY = 20
COUNT_EVERY = timedelta(hours=1)
# Of one message: lines, and characters of a line.
LINES_MAX = 20
LINE_CHARACTERS_MAX = 300
# What the chat refused is tried again so soon, then after twice that and so on, up to an hour; and for a day.
AGAIN_AFTER = timedelta(minutes=5)
AGAIN_AFTER_MAX = timedelta(hours=1)
TRIED_FOR = timedelta(hours=24)

# Exceptions that must not wait for somebody to open a list: each morning their number is told.
RED = frozenset(
    {
        "agency_proposed",
        "chargeback_hold",
        "clearing_unexplained",
        "day_drifts",
        "deposit_difference",
        "difference",
        "escalation_unanswered",
        "payment_came_back",
        "payout_failed",
        "posting_refused",
        "program_fault",
        "refund_after_application",
    }
)

_A_DAY = timedelta(hours=24)
_FAILED = "notice_failed"
_CHAT = "chat"
_MORE = "the ERP's saved searches show them"


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted at once, and the notices that are told by it."""

    notice: Notice
    ids: tuple[str, ...]


def messages(waiting: Sequence[Waiting], posted: int, last_at: datetime | None, now: datetime) -> tuple[Message, ...]:
    """What to post of what waits, after `posted` messages within a day, the last of them at `last_at`."""
    if not waiting:
        return ()
    if posted >= MESSAGES_A_DAY:
        if last_at is not None and now - last_at < COUNT_EVERY:
            return ()
        text = f"{_count(len(waiting))} more: {_MORE}."
        return (_digest(waiting, text, now),)
    if len(waiting) <= min(SINGLES_MAX, MESSAGES_A_DAY - posted):
        return tuple(Message(Notice(one.notice.id, _line(one)), (one.notice.id,)) for one in waiting)
    lines = [f"- {_line(one)}" for one in waiting[:LINES_MAX]]
    if len(waiting) > LINES_MAX:
        lines.append(f"- and {_count(len(waiting) - LINES_MAX)} more: {_MORE}")
    return (_digest(waiting, "\n".join([f"{_count(len(waiting))}:", *lines]), now),)


def _digest(waiting: Sequence[Waiting], text: str, now: datetime) -> Message:
    return Message(Notice(f"digest:{instant(now)}", text), tuple(one.notice.id for one in waiting))


def _line(one: Waiting) -> str:
    text = " ".join(one.notice.text.split())
    return text if len(text) <= LINE_CHARACTERS_MAX else f"{text[: LINE_CHARACTERS_MAX - 1]}…"


def _count(number: int) -> str:
    return "1 notice" if number == 1 else f"{number} notices"


def tell(parts: Parts) -> None:
    """Post what waits, each notice at most once. Where nothing is sent by itself, nothing is told later either."""
    now = parts.clock.now()
    with parts.store.tx() as tx:
        notices.bury(tx)
        _put_red(tx, parts, now)
        waiting = notices.waiting(tx)
        if not waiting:
            return
        if why := _never(parts, tx):
            notices.drop(tx, [one.notice.id for one in waiting], why)
            return
        if gate.sending_forbidden(tx) or _is_too_soon(tx, now):
            return
        posted, last_at = notices.posted_since(tx, now - _A_DAY)
    if parts.chat is None:
        return
    for message in messages(waiting, posted, last_at, now):
        if not _post(parts, parts.chat, message, now):
            return


def _put_red(tx: Tx, parts: Parts, now: datetime) -> None:
    """Once a day: what is red this morning, in one line."""
    today = parts.today(now).isoformat()
    if tx.get("red_told_on") == today or _never(parts, tx):
        return
    kinds = Counter(one.kind for one in verdicts.open_exceptions(tx) if one.kind in RED)
    red = [f"{count} × {kind.replace('_', ' ')}" for kind, count in sorted(kinds.items())]
    if stopped := orders.stopped(tx, "post"):
        red.append(f"posting is {stopped}")
    if red:
        put(tx, f"red:{today}", f"Red this morning: {'; '.join(red)}; {_MORE}.")
    tx.set("red_told_on", today)


def _never(parts: Parts, tx: Tx) -> str:
    """Why nobody is told at all; '' if they are."""
    if parts.chat is None:
        return "no chat is connected"
    if not parts.sends:
        return "nothing is sent by itself"
    return parts.blocked(tx)


def _is_too_soon(tx: Tx, now: datetime) -> bool:
    """Did the chat refuse us just now?"""
    again_at = tx.get("chat_again_at")
    return bool(again_at) and now < parse_instant(again_at)


def _post(parts: Parts, chat: Chat, message: Message, now: datetime) -> bool:
    """Post one message; was it taken?"""
    parts.verify_installation()
    with parts.store.tx() as tx:
        if gate.sending_forbidden(tx):
            return False
        notices.mark_leaving(tx, message.ids)
    result = chat.post(message.notice)
    with parts.store.tx() as tx:
        if result.outcome is SendOutcome.NOT_SENT:
            _not_taken(tx, message, result, now)
        else:
            state = NoticeState.SENT if result.outcome is SendOutcome.SENT else NoticeState.UNKNOWN
            notices.end(tx, message.ids, state, result.detail)
        if result.outcome is SendOutcome.SENT:
            tx.set("chat_failures", "0")
            tx.set("chat_again_at", "")
            verdicts.close_exceptions(tx, exception_id=f"{_FAILED}:{_CHAT}", reason="the chat takes messages again")
        else:
            _let_rest(tx, now)
    return result.outcome is SendOutcome.SENT


def _let_rest(tx: Tx, now: datetime) -> None:
    """A chat that doesn't answer would make one notice after the other unknown; one that refuses is asked in vain."""
    failures = int(tx.get("chat_failures", "0")) + 1
    tx.set("chat_failures", str(failures))
    # Doubled until the bound is reached; more doublings would only make a large number.
    tx.set("chat_again_at", instant(now + min(AGAIN_AFTER * 2 ** min(failures - 1, 8), AGAIN_AFTER_MAX)))


def _not_taken(tx: Tx, message: Message, result: SendResult, now: datetime) -> None:
    """Surely not posted: it waits for a later tick, and what has waited for a day is given up and shown."""
    notices.end(tx, message.ids, NoticeState.WAITING, result.detail)
    late = [one.notice.id for one in notices.waiting(tx) if now - one.at >= TRIED_FOR]
    if late:
        notices.end(tx, late, NoticeState.NOT_SENT, result.detail)
        verdicts.open_exception(
            tx,
            _FAILED,
            _CHAT,
            f"{_count(len(late))} could not be told in the chat: {result.detail}. Correct chat.url; what was not told "
            "stands in the ERP and the CRM",
            amount=Money.zero("USD"),
            explanations=late[:LINES_MAX],
        )
