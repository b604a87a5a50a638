"""Facts of the chat's webhook, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.chat import Chat
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.serving import Background
from sandbox.world import serve

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Channel:
    """A served webhook, and how one posts to it."""

    def __init__(self, chat: Chat, faults: Faults, url: str) -> None:
        self.chat, self.faults = chat, faults
        self.webhook = chat.profile(f"{url}/chat")["webhook"]

    def post(self, payload: Any = None, *, webhook: str = "", timeout: float = 2, **more: Any) -> requests.Response:
        sent = more or {"json": {"text": "hello"} if payload is None else payload}
        return requests.post(webhook or self.webhook, timeout=timeout, **sent)

    def texts(self) -> list[str]:
        return [post.text for post in self.chat.posts()]


@pytest.fixture
def channel() -> Iterator[Channel]:
    clock, faults = WorldClock(), Faults()
    clock.start_at(START)
    chat = Chat(clock, Sequence(clock), faults)
    with Background(Starlette(routes=[Mount("/chat", app=chat.app)])) as served:
        yield Channel(chat, faults, served.url)


def test_a_message_is_kept_and_answered_with_ok(channel: Channel) -> None:
    answer = channel.post({"text": "Invoice INV-1 needs a person."})

    (post,) = channel.chat.posts()
    assert (200, "ok", "text/html; charset=utf-8") == (answer.status_code, answer.text, answer.headers["content-type"])
    assert ("Invoice INV-1 needs a person.", START, 1) == (post.text, post.at, post.sequence)
    assert {"post": 1} == channel.chat.counts()
    assert [] == channel.chat.posts(after=post.sequence)


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "in a block"}}]}, "in a block"),
        ({"attachments": [{"title": "a title", "text": "attached"}]}, "a title\nattached"),
        (
            {
                "text": "above",
                "attachments": [
                    {"blocks": [{"type": "context", "elements": [{"type": "plain_text", "text": "inside"}]}]}
                ],
            },
            "above\ninside",
        ),
        ({"text": "one", "username": "robot", "unheard_of": 1}, "one"),
    ],
)
def test_what_people_see_is_gathered_from_text_blocks_and_attachments(
    channel: Channel, payload: dict[str, Any], shown: str
) -> None:
    assert 200 == channel.post(payload).status_code
    assert [shown] == channel.texts()


def test_a_form_may_carry_the_message(channel: Channel) -> None:
    assert 200 == channel.post(data={"payload": json.dumps({"text": "by form"})}).status_code
    assert ["by form"] == channel.texts()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"data": b"{"}, "invalid_payload"),
        ({"data": b"\xff"}, "invalid_payload"),
        ({"json": ["a list"]}, "invalid_payload"),
        ({"data": {"other": "x"}}, "invalid_payload"),
        ({"json": {}}, "no_text"),
        ({"json": {"text": "", "blocks": []}}, "no_text"),
    ],
)
def test_nothing_to_show_is_refused(channel: Channel, sent: dict[str, Any], said: str) -> None:
    answer = channel.post(**sent)

    assert (400, said) == (answer.status_code, answer.text)
    assert [] == channel.texts()


def test_only_who_knows_the_address_may_post(channel: Channel) -> None:
    said = []
    for known, other in (("T0SANDBOX", "T9"), ("B0FINANCE", "B9"), ("sandboxWebhookToken", "guessed")):
        answer = channel.post(webhook=channel.webhook.replace(known, other))
        said.append((answer.status_code, answer.text))
    channel.chat.is_archived = True
    said.append((channel.post().status_code, channel.post().text))
    channel.chat.is_revoked = True
    said.append((channel.post().status_code, channel.post().text))

    assert [
        (404, "no_team"),
        (404, "no_service"),
        (403, "invalid_token"),
        (410, "channel_is_archived"),
        (404, "no_service"),
    ] == said
    assert [] == channel.texts()


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        (Rule("chat", "too_many"), 429, "rate_limited"),
        (Rule("chat", "server_error"), 500, "rollup_error"),
        (Rule("chat", "unauthorized"), 403, "action_prohibited"),
        (Rule("chat", "record_refused", code="invalid_blocks"), 400, "invalid_blocks"),
    ],
)
def test_a_fault_before_the_commit_posts_nothing(channel: Channel, rule: Rule, code: int, said: str) -> None:
    channel.faults.install(rule)
    answer = channel.post()

    assert (code, said) == (answer.status_code, answer.text)
    assert ("30" if code == 429 else None) == answer.headers.get("Retry-After")
    assert [] == channel.texts()
    assert 200 == channel.post().status_code


def test_in_maintenance_a_page_comes_and_nothing_is_posted(channel: Channel) -> None:
    channel.faults.install(Rule("chat", "maintenance"))
    answer = channel.post()

    assert (503, True) == (answer.status_code, answer.text.startswith("<html>"))
    assert [] == channel.texts()


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("drop_before", []),
        ("drop_after", ["hello"]),
        ("timeout_before", []),
        ("timeout_after", ["hello"]),
        ("cut_after", ["hello"]),
    ],
)
def test_a_connection_breaks_before_or_after_the_message_was_kept(channel: Channel, kind: Any, kept: list[str]) -> None:
    channel.faults.install(Rule("chat", kind))
    with pytest.raises(requests.RequestException):
        channel.post(timeout=0.3)

    assert kept == channel.texts()


def test_half_an_answer_may_look_whole(channel: Channel) -> None:
    channel.faults.install(Rule("chat", "unreadable_after"))

    assert "o" == channel.post().text
    assert ["hello"] == channel.texts()


def test_the_world_shows_the_chat_and_what_befalls_it() -> None:
    with serve(customers=0, now=START) as served:
        profile = requests.get(f"{served.url}/world/profile", timeout=5).json()["chat"]
        requests.post(profile["webhook"], json={"text": "one"}, timeout=5)
        shown = requests.get(f"{served.url}/world/chat", timeout=5).json()
        requests.post(f"{served.url}/world/chat/archive", timeout=5)
        archived = requests.post(profile["webhook"], json={"text": "two"}, timeout=5)
        requests.post(f"{served.url}/world/chat/unarchive", timeout=5)
        requests.post(f"{served.url}/world/chat/revoke", timeout=5)
        revoked = requests.post(profile["webhook"], json={"text": "three"}, timeout=5)
        unheard = requests.post(f"{served.url}/world/chat/explode", timeout=5)
        fault = {"service": "chat", "kind": "duplicate_page"}
        unknown = requests.post(f"{served.url}/world/faults", json=fault, timeout=5)

    assert f"json://{profile['webhook'].removeprefix('http://')}?" == profile["url"][: profile["url"].index("?") + 1]
    assert [("one", {"text": "one"})] == [(post["text"], post["payload"]) for post in shown]
    assert [410, 404, 404, 400] == [answer.status_code for answer in (archived, revoked, unheard, unknown)]
    assert "no fault 'duplicate_page'" in unknown.json()["error"]
