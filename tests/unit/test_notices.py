"""What our own people are told in the chat: each notice at most once, few messages, and nothing lost in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answers_cases import POLICY, usd
from people_cases import MemoryChat, PeopleCase
from sqlalchemy import select

from connector import notices
from connector.notices import LINE_CHARACTERS_MAX, LINES_MAX, MESSAGES_A_DAY, SINGLES_MAX
from connector.policy import Segment, Switch
from connector.ports import Notice, SendOutcome
from connector.store import activity, orders, policies, tables, verdicts
from connector.store import notices as kept
from connector.store.notices import NoticeState, Waiting

NOW = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)


@pytest.fixture
def case(tmp_path: Path, where: str) -> Iterator[PeopleCase]:
    """On SQLite and on PostgreSQL."""
    found = PeopleCase(tmp_path, POLICY, where=where)
    found.crm = None
    yield found
    found.store.close()


def put(case: PeopleCase, *texts: str) -> None:
    with case.store.tx() as tx:
        for text in texts:
            notices.put(tx, f"test:{text}", text)


def tell(case: PeopleCase, **later: int) -> None:
    case.clock.at += timedelta(**later)
    notices.tell(case.parts())


def journal(case: PeopleCase) -> list[tuple[str, str]]:
    with case.store.read() as tx:
        return [(one.event, str(one.fields["detail"])) for one in activity.lines(tx) if one.event.startswith("notice")]


def dropped(case: PeopleCase) -> set[str]:
    """Why notices were never to be told. The journal has no line of them."""
    assert [] == journal(case)
    with case.store.read() as tx:
        rows = tx.execute(select(tables.notice.c.detail).where(tables.notice.c.state == NoticeState.NOT_SENT))
        return set(rows.scalars())


def failed(case: PeopleCase) -> list[str]:
    with case.store.read() as tx:
        return [one.reason for one in verdicts.open_exceptions(tx) if one.kind == "notice_failed"]


# ---- what is posted ----


def waiting(count: int, text: str = "one") -> list[Waiting]:
    return [Waiting(Notice(str(number), f"{text} {number}"), NOW) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "posted", "minutes", "messages"),
    [
        (0, 0, None, 0),
        (1, 0, None, 1),
        (SINGLES_MAX, 0, None, SINGLES_MAX),
        # More than a few are one message.
        (SINGLES_MAX + 1, 0, None, 1),
        (50, 0, None, 1),
        # What is left of the day's share is not overdrawn.
        (2, MESSAGES_A_DAY - 2, 1, 2),
        (2, MESSAGES_A_DAY - 1, 1, 1),
        # Past it their number is told, once an hour.
        (1, MESSAGES_A_DAY, 59, 0),
        (1, MESSAGES_A_DAY, 60, 1),
        (50, MESSAGES_A_DAY + 3, 61, 1),
    ],
)
def test_a_few_are_told_one_by_one_and_many_at_once(
    count: int, posted: int, minutes: int | None, messages: int
) -> None:
    last_at = None if minutes is None else NOW - timedelta(minutes=minutes)
    found = notices.messages(waiting(count), posted, last_at, NOW)

    assert messages == len(found)
    assert messages == 0 or [str(number) for number in range(count)] == [id for one in found for id in one.ids]


def test_one_message_of_many_shows_the_first_and_counts_the_rest() -> None:
    (digest,) = notices.messages(waiting(LINES_MAX + 5, "x" * 400), 0, None, NOW)
    lines = digest.notice.text.splitlines()

    assert f"{LINES_MAX + 5} notices:" == lines[0]
    assert LINES_MAX + 2 == len(lines)
    assert lines[-1].startswith("- and 5 notices more")
    assert LINE_CHARACTERS_MAX + 2 == max(len(line) for line in lines)


def test_past_the_days_share_only_the_number_is_told() -> None:
    (count,) = notices.messages(waiting(7), MESSAGES_A_DAY, NOW - timedelta(hours=2), NOW)

    assert count.notice.text.startswith("7 notices more")
    assert "one 0" not in count.notice.text


# ---- at most once ----


def test_a_notice_is_told_once_whoever_puts_it_again(case: PeopleCase) -> None:
    put(case, "INV-1 needs a person")
    tell(case)
    put(case, "INV-1 needs a person")
    tell(case, minutes=1)

    assert ["INV-1 needs a person"] == case.told
    assert [("notice_sent", "answered with 200")] == journal(case)


def test_the_first_text_of_an_id_counts(case: PeopleCase) -> None:
    with case.store.tx() as tx:
        assert notices.put(tx, "one", "the first")
        assert not notices.put(tx, "one", "the second")
    tell(case)

    assert ["the first"] == case.told


def test_a_notice_whose_fate_is_unknown_is_never_posted_again_and_the_next_ones_rest(case: PeopleCase) -> None:
    case.chat.outcome, case.chat.detail = SendOutcome.UNKNOWN, "no answer: ReadTimeout"
    put(case, "a", "b")
    tell(case)
    tell(case, minutes=1)
    case.chat.outcome = SendOutcome.SENT
    tell(case, minutes=4)
    tell(case, hours=30)

    assert ["a", "b"] == case.told
    assert ["notice_sent_unknown", "notice_sent"] == [event for event, _ in journal(case)]


def test_a_process_that_died_while_posting_leaves_it_unknown(case: PeopleCase) -> None:
    put(case, "a")
    with case.store.tx() as tx:
        kept.mark_leaving(tx, ["test:a"])
    tell(case)

    assert [] == case.told
    assert [("notice_sent_unknown", "the process ended while it was being posted")] == journal(case)


def test_a_chat_that_breaks_us_leaves_it_unknown_too(case: PeopleCase, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: MemoryChat, notice: Notice) -> None:
        raise RuntimeError("a fault of ours")

    put(case, "a")
    monkeypatch.setattr(MemoryChat, "post", breaks)
    with pytest.raises(RuntimeError):
        tell(case)
    monkeypatch.undo()
    tell(case, hours=1)

    assert [] == case.told
    assert ["notice_sent_unknown"] == [event for event, _ in journal(case)]


# ---- what is refused ----


def test_what_was_surely_not_posted_is_tried_again_ever_more_seldom(case: PeopleCase) -> None:
    case.chat.outcome, case.chat.detail = SendOutcome.NOT_SENT, "answered with 429, wait 30 seconds"
    put(case, "a")
    tries = []
    for _ in range(130):
        tell(case, minutes=1)
        tries.append(case.chat.tried)
    case.chat.outcome = SendOutcome.SENT
    tell(case, hours=1)

    # At once, after 5, 10, 20, 40 and 60 minutes.
    assert [1, 6, 16, 36, 76] == [tries.index(number) + 1 for number in range(1, 6)]
    assert ["a"] == case.told
    assert ["notice_sent"] == [event for event, _ in journal(case)]
    assert [] == failed(case)


def test_after_a_day_it_is_given_up_and_shown_once(case: PeopleCase) -> None:
    case.chat.outcome, case.chat.detail = SendOutcome.NOT_SENT, "answered with 404"
    put(case, "a", "b")
    tell(case)
    tell(case, hours=23)
    before = failed(case)
    tell(case, hours=1)
    put(case, "c")
    tell(case, hours=2)

    assert [] == before
    (reason,) = failed(case)
    assert reason.startswith("2 notices could not be told in the chat: answered with 404.")
    assert [("notice_not_sent", "answered with 404")] == journal(case)

    case.chat.outcome = SendOutcome.SENT
    tell(case, hours=2)

    assert ["c"] == case.told
    assert [] == failed(case)


# ---- when nobody is told ----


def test_in_shadow_and_in_suggest_nothing_is_told_nor_made_up_for_later(case: PeopleCase) -> None:
    for switch in (Switch.SHADOW, Switch.SUGGEST):
        case.policy = replace(POLICY, send=switch)
        put(case, switch)
        tell(case)
    case.policy = POLICY
    tell(case)

    assert [] == case.told
    assert {"nothing is sent by itself"} == dropped(case)


def test_where_one_segment_sends_people_are_told(case: PeopleCase) -> None:
    some = (Segment("pilot", send=Switch.AUTO),)
    case.policy = replace(POLICY, version="policy-2", send=Switch.SHADOW, segments=some)
    put(case, "a")
    tell(case)

    assert ["a"] == case.told


def test_under_a_policy_that_nobody_approved_nothing_is_told(case: PeopleCase) -> None:
    put(case, "a")
    parts = case.parts()
    with case.store.tx() as tx:
        policies.register(tx, "another", "")
    notices.tell(replace(parts, policy=replace(POLICY, version="another")))

    assert [] == case.told


def test_while_sending_is_stopped_notices_wait(case: PeopleCase) -> None:
    with case.store.tx() as tx:
        orders.stop(tx, "send", "controller", "close days")
    put(case, "a")
    tell(case)
    before = list(case.told)
    with case.store.tx() as tx:
        orders.lift(tx, "send", "controller", "")
    tell(case, days=3)

    assert [] == before
    assert ["a"] == case.told


def test_without_a_chat_nothing_piles_up(case: PeopleCase) -> None:
    case.chat = None
    put(case, "a")
    tell(case)
    case.chat = MemoryChat()
    tell(case)

    assert [] == case.told
    assert {"no chat is connected"} == dropped(case)


# ---- what is red ----


def test_each_morning_one_line_says_what_is_red(case: PeopleCase) -> None:
    with case.store.tx() as tx:
        for number in ("1", "2"):
            verdicts.open_exception(tx, "difference", number, "the ERP differs", amount=usd("1.00"))
        verdicts.open_exception(tx, "unidentified", "3", "an ordinary question", amount=usd("1.00"))
        orders.stop(tx, "post", "controller", "close days")
    tell(case)
    tell(case, hours=1)
    first = list(case.told)
    with case.store.tx() as tx:
        orders.lift(tx, "post", "controller", "")
        for number in ("1", "2"):
            verdicts.close_exceptions(tx, exception_id=f"difference:{number}", reason="settled")
    tell(case, days=1)

    (line,) = first
    assert line.startswith("Red this morning: 2 × difference; posting is stopped since ")
    assert "close days" in line
    assert "unidentified" not in line
    assert first == case.told
