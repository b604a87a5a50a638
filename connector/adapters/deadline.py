"""One deadline over a whole conversation, however slowly the other side drips its bytes."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable


class Deadline:
    """How long is left, on a clock that is never set back."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._end = monotonic, monotonic() + seconds

    def left(self) -> float:
        """Seconds; TimeoutError when there are none."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of this conversation has passed")
        return left


class TimedReader(io.RawIOBase):
    """Reads a socket within a deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)
