"""The doorbell: webhooks make the next pass of the loop come sooner, and can do nothing else.

Whoever rings is believed only as far as that something may have changed: the body is held against its signature and
thrown away, the facts are fetched by the pass itself. So a ring that is lost, comes twice or is replayed does no harm,
and one that is forged or late is turned away. Many rings make one pass, and passes keep their distance: nobody outside
decides how much the ERP is asked.

It listens while its daemon works, in plain HTTP and on one address; TLS ends at the reverse proxy before it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.log import Event, Log

# Stripe's largest objects are some 100 KB.
BODY_BYTES_MAX = 512 * 1024
BODY_SECONDS_MAX = 10.0
# Who is connected at once, and for how long in all; whoever is shown out comes again, as a sender of webhooks does.
GUESTS_MAX = 32
GUEST_SECONDS_MAX = 20.0
# From the end of a pass that was rung for to the beginning of the next.
PAUSE_SECONDS = 5.0
# Of what was turned away a line a minute: a stranger must not fill the disk.
TELL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Bell:
    """Who may ring at a path. `is_genuine`: do the headers (names in lower case) prove it for this body, just now?"""

    path: str
    is_genuine: Callable[[bytes, Mapping[str, str]], bool]


class Doorbell:
    """`with doorbell.open(answer):` listens, and calls `answer` on a thread of its own after a ring."""

    def __init__(
        self, host: str, port: int, bells: Sequence[Bell], log: Log, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._host, self._port, self._bells, self._log = host, port, bells, log
        self._pause = pause_seconds
        self._rung, self._closed = threading.Event(), threading.Event()
        self._turned_away = 0
        self._told_at = float("-inf")
        self.port = port

    @contextmanager
    def open(self, answer: Callable[[], None]) -> Iterator[None]:
        """Listens until it is left. Where it can't, that is told, and passes come at their own time as without it."""
        try:
            bound = socket.create_server((self._host, self._port), family=_family(self._host))
        except OSError as error:
            self._log.warning(Event.DOORBELL_SILENT, port=self._port, reason=error.strerror or type(error).__name__)
            yield
            return
        self.port = bound.getsockname()[1]
        server = _Server(self._app())
        threads = (
            threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="doorbell", daemon=True),
            threading.Thread(target=self._answering, args=[answer], name="doorbell-answer", daemon=True),
        )
        for thread in threads:
            thread.start()
        self._log.info(Event.DOORBELL_LISTENS, port=self.port)
        try:
            yield
        finally:
            self._closed.set()
            self._rung.set()
            server.should_exit = True
            for thread in threads:
                thread.join()
            bound.close()

    def _answering(self, answer: Callable[[], None]) -> None:
        """A pass after each ring, however many rang meanwhile; what rings during a pass gets the next one."""
        while True:
            self._rung.wait()
            if self._closed.is_set():
                return
            self._rung.clear()
            answer()
            if self._closed.wait(self._pause):
                return

    # ---- who rings ----

    def _app(self) -> Starlette:
        return Starlette(routes=[Route(bell.path, self._at(bell), methods=["POST"]) for bell in self._bells])

    def _at(self, bell: Bell) -> Callable[[Request], object]:
        async def rung(request: Request) -> Response:
            try:
                async with asyncio.timeout(BODY_SECONDS_MAX):
                    body = await _body(request)
            except (ClientDisconnect, TimeoutError):
                return Response(status_code=408)
            if body is None:
                return self._turn_away(bell, 413)
            if not bell.is_genuine(body, {name.lower(): value for name, value in request.headers.items()}):
                return self._turn_away(bell, 400)
            self._rung.set()
            return Response(status_code=204)

        return rung

    def _turn_away(self, bell: Bell, code: int) -> Response:
        """Nothing of the request is told: who sends it is not who it says, and what it holds may be anybody's data."""
        self._turned_away += 1
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= TELL_SECONDS:
            self._log.warning(Event.WEBHOOK_TURNED_AWAY, path=bell.path, code=code, count=self._turned_away)
            self._told_at, self._turned_away = now, 0
        return Response(status_code=code)


async def _body(request: Request) -> bytes | None:
    """The body, never more of it than is taken; None if it is longer."""
    taken = bytearray()
    async for piece in request.stream():
        taken += piece
        if len(taken) > BODY_BYTES_MAX:
            return None
    return bytes(taken)


# uvicorn warns of each guest's nonsense, which a stranger may send without end; a fault of ours is told.
_GUESTS_LOG = logging.getLogger("connector.doorbell")
_GUESTS_LOG.setLevel(logging.ERROR)


class _Guest(H11Protocol):
    """A connection that may say nothing for ever, or nonsense, costs the daemon no descriptor and no line of the log.

    uvicorn counts its guests only when they ask for something, and waits without limit for a request to begin.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.logger = _GUESTS_LOG
        self._no_patience = self.loop.call_later(GUEST_SECONDS_MAX, transport.abort)
        if len(self.connections) > GUESTS_MAX:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_patience.cancel()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            http=_Guest,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            # So many are let in before the first of them is looked at.
            backlog=GUESTS_MAX,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
