"""A server that means ill, and remembers what it was told: what the tests of the doors have in common."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What every request gets. `drips`: the body comes byte by byte, a pause before each."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = "application/json"
    drips: float = 0.0


@dataclass
class Hostile:
    """Answers all alike, except what `first` answers; remembers every request with its headers and body."""

    url: str = ""
    answer: Answer = field(default_factory=Answer)
    first: Callable[[str], Answer | None] = lambda _: None
    heard: list[str] = field(default_factory=list)


def packed(body: bytes) -> Answer:
    """Small on the way, large once it is unpacked."""
    return Answer(gzip.compress(body, 9), headers=(("Content-Encoding", "gzip"),))


@contextmanager
def hostile() -> Iterator[Hostile]:
    given = Hostile()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given.heard.append(f"{self.command} {self.path}\n{self.headers}\n{body.decode('utf-8', 'replace')}")
            answer = given.first(self.path) or given.answer
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("Content-Type", answer.kind)):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                for start in range(0, len(answer.body), 1 if answer.drips else len(answer.body) or 1):
                    time.sleep(answer.drips)
                    self.wfile.write(answer.body[start : start + (1 if answer.drips else len(answer.body))])
                    self.wfile.flush()
            except OSError:
                self.close_connection = True  # whoever asked had enough

        do_GET = do_PATCH = do_POST

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a connection that was cut is what most of these tests are about

    server = Server(("127.0.0.1", 0), Handler)
    given.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield given
    finally:
        server.shutdown()
        server.server_close()
