"""Slack's incoming webhook on loopback: a channel that keeps what was posted into it, in the world's order of commits.

JSON in, the plain text `ok` out. Slack itself is lenient about what it doesn't know and strict about having something
to show; who knows the address may post. Sources: Slack's guides "Sending messages using incoming webhooks" and "Rate
limits".
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Cut, Dropped, Faults, Kind, Rule, Silence

TEAM, HOOK, TOKEN = "T0SANDBOX", "B0FINANCE", "sandboxWebhookToken"
TEXT_MAX = 40_000  # Slack cuts off what is longer
RETRY_AFTER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Post:
    """One message in the channel: what people see of it, and the whole of what was sent."""

    sequence: int
    at: datetime
    text: str
    payload: dict[str, Any]


class Chat:
    """One webhook into one channel. `app` is to be mounted under /chat."""

    KINDS: frozenset[Kind] = frozenset(
        {
            "too_many",
            "server_error",
            "maintenance",
            "unauthorized",
            "record_refused",
            "timeout_before",
            "timeout_after",
            "cut_after",
            "unreadable_after",
            "drop_before",
            "drop_after",
        }
    )

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], faults: Faults) -> None:
        self.is_archived = False
        self.is_revoked = False
        self._clock, self._sequence, self._faults = clock, sequence, faults
        self._posts: list[Post] = []
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.app: ASGIApp = Starlette(
            routes=[Route("/services/{team}/{hook}/{token}", self._answer, methods=["GET", "POST"])]
        )

    def profile(self, base_url: str) -> dict[str, str]:
        """`webhook` is the address itself; `url` the same as apprise takes it, with Slack's one field for the text."""
        webhook = f"{base_url}/services/{TEAM}/{HOOK}/{TOKEN}"
        fields = ":message=text&:title=&:type=&:version=&:attachments="
        return {"webhook": webhook, "url": f"json://{webhook.partition('://')[2]}?{fields}"}

    def posts(self, after: int = 0) -> list[Post]:
        """What was posted, oldest first; only what came after that sequence number."""
        with self._lock:
            return [post for post in self._posts if post.sequence > after]

    def counts(self) -> dict[str, int]:
        """Requests by operation; there is one, `post`."""
        with self._lock:
            return dict(self._counts)

    async def _answer(self, request: Request) -> Response:
        return await run_in_threadpool(self._answered, request, await request.body())

    def _answered(self, request: Request, body: bytes) -> Response:
        with self._lock:
            self._counts["post"] += 1
        rule = self._faults.take("chat", "post", self.KINDS)
        refused = _broken_before(rule) or self._refused(request)
        if refused is not None:
            return refused
        payload = _payload(request.headers.get("content-type", ""), body)
        if payload is None:
            return PlainTextResponse("invalid_payload", 400)
        text = "\n".join(_shown(payload))[:TEXT_MAX]
        if not text:
            return PlainTextResponse("no_text", 400)
        with self._lock:
            sequence = self._sequence("chat.post")
            self._posts.append(Post(sequence, self._clock(), text, payload))
        return _broken_after(rule) or HTMLResponse("ok")

    def _refused(self, request: Request) -> Response | None:
        """The address, in the order in which Slack looks at it."""
        path = request.path_params
        if path["team"] != TEAM:
            return PlainTextResponse("no_team", 404)
        if path["hook"] != HOOK or self.is_revoked:
            return PlainTextResponse("no_service", 404)
        if path["token"] != TOKEN:
            return PlainTextResponse("invalid_token", 403)
        if self.is_archived:
            return PlainTextResponse("channel_is_archived", 410)
        return None


def _payload(content_type: str, body: bytes) -> dict[str, Any] | None:
    """The message: JSON, whatever the type says, or a form with the JSON in `payload`."""
    try:
        text = body.decode("utf-8")
        if content_type.startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text)["payload"][0]
        payload = json.loads(text)
    except (ValueError, KeyError):
        return None
    return payload if isinstance(payload, dict) else None


def _shown(part: Any) -> Iterator[str]:
    """The words of a message, its blocks and its attachments, as people read them."""
    if not isinstance(part, dict):
        return
    for key in ("title", "text"):
        if isinstance(part.get(key), dict):
            yield from _shown(part[key])
        elif isinstance(part.get(key), str) and part[key]:
            yield part[key]
    for key in ("blocks", "attachments", "fields", "elements"):
        for one in part.get(key) or ():
            yield from _shown(one)


def _broken_before(rule: Rule | None) -> Response | None:
    """The answer of a fault that strikes before anything is posted."""
    if rule is None:
        return None
    broken: dict[Kind, Any] = {
        "too_many": PlainTextResponse("rate_limited", 429, {"Retry-After": str(RETRY_AFTER_SECONDS)}),
        "server_error": PlainTextResponse("rollup_error", 500),
        "maintenance": HTMLResponse("<html><body><h1>We are down for maintenance</h1></body></html>", 503),
        "unauthorized": PlainTextResponse("action_prohibited", 403),
        "record_refused": PlainTextResponse(rule.code or "invalid_blocks", 400),
        "timeout_before": Silence(rule.seconds),
        "drop_before": Dropped(),
    }
    return broken.get(rule.kind)


def _broken_after(rule: Rule | None) -> Response | None:
    if rule is None:
        return None
    broken: dict[Kind, Any] = {
        "timeout_after": Silence(rule.seconds),
        "drop_after": Dropped(),
        "cut_after": Cut(b"ok", "text/html"),
        "unreadable_after": HTMLResponse("o"),
    }
    return broken.get(rule.kind)
