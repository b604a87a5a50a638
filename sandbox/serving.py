"""Servers on loopback, in threads of their own or in front, whose connections a fault may really break."""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class Wire(H11Protocol):
    """h11 that lets a response reach its own connection, as `scope["state"]["transport"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def listening(port: int = 0) -> socket.socket:
    """A bound socket on loopback, so that the port is known before the server starts."""
    # Named as TCP, or asyncio leaves TCP_NODELAY off and each answer waits for a delayed acknowledgement.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class LoopServer(ABC):
    """A server of another protocol than HTTP, on a loop and a thread of its own, at a free port of loopback."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._socket = listening()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._started = threading.Event()

    @abstractmethod
    async def _listen(self) -> asyncio.AbstractServer:
        """Begin to take connections on the socket."""

    def start(self) -> tuple[str, int]:
        self._thread.start()
        if not self._started.wait(timeout=10):
            raise RuntimeError(f"the sandbox's {type(self).__name__} did not start")
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = self._loop.run_until_complete(self._listen())
        self._loop.call_soon(self._started.set)
        try:
            self._loop.run_forever()
        finally:
            serving.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()


class _Server(uvicorn.Server):
    """Says when it is ready: listening, and with its signal handlers in place."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=Wire,
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="critical",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=30,
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether it should stop; tests start and stop many worlds.
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(0.01)


def serve_in_front(app: ASGIApp, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, which is raised again once the server has stopped."""
    _Server(app, ready).run(sockets=[bound])


class Background:
    """The app served from a thread of its own: `with Background(app) as served: served.url`.

    `ear`, when set, is put around every app that is served so: the tests overhear all traffic.
    """

    ear: ClassVar[Callable[[ASGIApp], ASGIApp] | None] = None

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        ear = Background.ear
        app = ear(app) if ear else app
        self._socket = listening(port)
        self._ready = threading.Event()
        self._server = _Server(app, self._ready.set)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def start(self) -> Background:
        self._thread.start()
        if not self._ready.wait(timeout=10):
            raise RuntimeError("the sandbox's server did not start")
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> Background:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()
