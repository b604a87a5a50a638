"""The chat against Slack's webhook on loopback: what was surely not posted is told apart from what nobody knows."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector.adapters.chat import TEXT_MAX, AppriseChat, ChatSettings
from connector.errors import ConfigError
from connector.ports import Notice, SendOutcome, SendResult
from sandbox.chat import HOOK, TEAM, TOKEN, Chat
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.serving import Background

NOTICE = Notice("escalation:1:large-amount", "Invoice INV-1 of Northfield Robotics needs a person.")


class Site:
    """A served webhook, and the chat that posts to it by one of apprise's plugins."""

    def __init__(self, chat: Chat, faults: Faults, url: str, apprise_url: str) -> None:
        self.world, self.faults, self.url = chat, faults, url
        self.chat = AppriseChat(ChatSettings(SecretStr(apprise_url), 1))

    def post(self, text: str = NOTICE.text) -> SendResult:
        return self.chat.post(Notice("1", text))

    def texts(self) -> list[str]:
        return [post.text for post in self.world.posts()]


# Slack as a user writes it, and any other webhook that speaks Slack's JSON.
@pytest.fixture(params=["json", "slack"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    clock, faults = WorldClock(), Faults()
    clock.start_at(datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
    chat = Chat(clock, Sequence(clock), faults)
    with Background(Starlette(routes=[Mount("/chat", app=chat.app)])) as served:
        url = chat.profile(f"{served.url}/chat")["url"]
        if request.param == "slack":
            # The plugin is the real one; only Slack's host is ours, and it needn't wait a second between messages.
            monkeypatch.setattr(NotifySlack, "webhook_url", f"{served.url}/chat/services")
            monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 0)
            url = f"https://hooks.slack.com/services/{TEAM}/{HOOK}/{TOKEN}"
        yield Site(chat, faults, served.url, url)


def test_a_notice_is_posted_once_as_it_stands(site: Site) -> None:
    result = site.post()

    assert SendResult(SendOutcome.SENT, "answered with 200") == result
    (shown,) = site.texts()
    assert NOTICE.text in shown
    assert {"post": 1} == site.world.counts()


@pytest.mark.parametrize(
    ("kind", "outcome", "said", "posted"),
    [
        ("too_many", SendOutcome.NOT_SENT, "answered with 429, wait 30 seconds", 0),
        ("unauthorized", SendOutcome.NOT_SENT, "answered with 403", 0),
        ("record_refused", SendOutcome.NOT_SENT, "answered with 400", 0),
        # What a server does before it answers with 5xx nobody knows.
        ("server_error", SendOutcome.UNKNOWN, "answered with 500", 0),
        ("maintenance", SendOutcome.UNKNOWN, "answered with 503", 0),
        ("drop_before", SendOutcome.UNKNOWN, "no answer: ConnectionError", 0),
        ("drop_after", SendOutcome.UNKNOWN, "no answer: ConnectionError", 1),
        ("timeout_before", SendOutcome.UNKNOWN, "no answer: ReadTimeout", 0),
        ("timeout_after", SendOutcome.UNKNOWN, "no answer: ReadTimeout", 1),
        ("cut_after", SendOutcome.UNKNOWN, "no answer: ChunkedEncodingError", 1),
    ],
)
def test_what_was_surely_not_posted_is_told_apart_from_what_nobody_knows(
    site: Site, kind: Any, outcome: SendOutcome, said: str, posted: int
) -> None:
    site.faults.install(Rule("chat", kind, seconds=3))
    result = site.post()

    assert (outcome, said) == (result.outcome, result.detail)
    assert posted == len(site.texts())
    # Never more than one request: whether to try again is decided elsewhere.
    assert {"post": 1} == site.world.counts()


def test_a_revoked_webhook_and_an_archived_channel_refuse(site: Site) -> None:
    site.world.is_archived = True
    archived = site.post()
    site.world.is_archived, site.world.is_revoked = False, True
    revoked = site.post()

    assert SendResult(SendOutcome.NOT_SENT, "answered with 410") == archived
    assert SendResult(SendOutcome.NOT_SENT, "answered with 404") == revoked


def test_a_customers_name_rings_nobody_and_hides_no_link(site: Site) -> None:
    site.post("Invoice of <!channel> & Sons, <https://elsewhere.example|click> @here @Everyone me@seller.example")

    (shown,) = site.texts()
    assert not {"<!", "<https", "@here", "@Everyone"} & {part for part in ("<!", "<https", "@here") if part in shown}
    assert "me@seller.example" in shown


def test_a_long_notice_stays_one_message(site: Site) -> None:
    site.post("x" * (TEXT_MAX + 5000))

    (shown,) = site.texts()
    assert TEXT_MAX == shown.count("x")


def test_nobody_there_is_surely_not_posted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = AppriseChat(ChatSettings(SecretStr(f"json://127.0.0.1:{port}/secret"), 1)).post(NOTICE)

    assert SendResult(SendOutcome.NOT_SENT, "not reached: ConnectionError") == result


def test_a_name_that_leads_nowhere_is_surely_not_posted() -> None:
    result = AppriseChat(ChatSettings(SecretStr("json://nowhere.invalid/secret"), 1)).post(NOTICE)

    assert SendResult(SendOutcome.NOT_SENT, "not reached: ConnectionError") == result


def test_a_server_that_is_there_and_says_nothing_leaves_it_unknown() -> None:
    """The connection stood and the request was written: somebody may have read it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        result = AppriseChat(ChatSettings(SecretStr(f"json://127.0.0.1:{port}/secret"), 1)).post(NOTICE)

    assert SendResult(SendOutcome.UNKNOWN, "no answer: ReadTimeout") == result


def test_a_redirect_is_not_followed(site: Site) -> None:
    """A notice names customers: it goes nowhere but where the settings say."""
    with _answering(b"HTTP/1.1 302 Found\r\nLocation: " + site.url.encode() + b"\r\nContent-Length: 0\r\n\r\n") as port:
        result = AppriseChat(ChatSettings(SecretStr(f"json://127.0.0.1:{port}/secret"), 1)).post(NOTICE)

    assert SendResult(SendOutcome.UNKNOWN, "answered with 302") == result
    assert {} == site.world.counts()


@contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    """A server that gives one connection this answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=5)


def test_a_plugin_that_cannot_be_overheard_leaves_every_failure_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chat = AppriseChat(ChatSettings(SecretStr(f"mailto://me:x@127.0.0.1:{port}?from=a@b.example&to=c@d.example"), 1))

    assert SendOutcome.UNKNOWN is chat.post(NOTICE).outcome
    assert any("can't be told" in one.what and not one.blocking for one in chat.check())


@pytest.mark.parametrize("url", ["", "hello", "nosuch://host/path", "https://hooks.slack.com/services/T1"])
def test_an_address_that_is_none_is_refused_without_being_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_CHAT_URL is no address") as refused:
        AppriseChat(ChatSettings(SecretStr(url)))

    assert url == "" or url not in str(refused.value)
    assert [] == caplog.messages


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"https://hooks.slack.com/services/{TEAM}/{HOOK}/{TOKEN}", [True]),
        ("json://127.0.0.1/hook", [True]),
        ("jsons://chat.seller.example/hook", [True]),
        ("json://chat.seller.example/hook", [False]),
        ("jsons://chat.seller.example/hook?verify=no", [False]),
        ("json://chat.seller.example/hook?verify=no", [False, False]),
    ],
)
def test_the_check_refuses_to_tell_customers_names_to_the_street(url: str, found: list[bool]) -> None:
    findings = AppriseChat(ChatSettings(SecretStr(url))).check()

    assert found == [one.ok for one in findings]
    assert not any(TOKEN in one.what + one.remedy or "hook" in one.what for one in findings)
