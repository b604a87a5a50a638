"""The memory of function control ids: what was carried out once is refused the next time.

Source: developer.intacct.com, "XML Requests" (uniqueid): the controlid of a function is checked to see if it "was
previously executed and completed". The refusal itself is documented nowhere: its number, its words and where it stands
are guesses, and so is that what failed may be tried again under the same id.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

from sandbox.intacct.envelope import At, Control, Function, NothingRan, Request
from sandbox.intacct.refusal import Refusal


@dataclass(slots=True)
class DoorGuesses:
    """How the gateway behaves where nobody has told us (all K). Tests turn each of them round, at any time."""

    # Where a control id that was used before is refused: the function alone, or the request before anything ran.
    duplicate_at: Literal["result", "control"] = "result"
    duplicate_errorno: str = "XL03000010"
    # A function that failed or was rolled back leaves its id free.
    failed_ids_are_free: bool = True
    # What a rolled back operation says of its functions: a user of the live gateway saw `all` of them aborted
    # (intacct-sdk-js 66); in the SDK's tests the offender is a failure and the `others` are aborted.
    aborted: Literal["all", "others"] = "all"
    # A wrong user or password: beside the operation, or as the 401 that the SDK's tests have.
    bad_login: Literal["authentication", "gateway"] = "authentication"
    # A read by key at the top level shows what belongs to an entity; query has an option for that, read has none.
    read_shows_private: bool = False


class ControlIds:
    """What each sender's functions have used up."""

    def __init__(self, guesses: DoorGuesses) -> None:
        self._guesses = guesses
        self._used: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def check_request(self, request: Request) -> None:
        """NothingRan for the whole request where the guess says that the refusal stands there."""
        if not request.control.unique or self._guesses.duplicate_at != "control":
            return
        used = next((one.control_id for one in request.functions if self._is_used(request.control, one)), "")
        if used:
            problem = self._words(used)
            raise NothingRan(At.CONTROL, problem.errorno, problem.description2, control=request.control)

    def check(self, control: Control, function: Function, seen: set[str] | None = None) -> None:
        """A Refusal for a function whose id was used before; `seen` are those of its own transaction."""
        if not control.unique:
            return
        if self._is_used(control, function) or (seen is not None and function.control_id in seen):
            raise self._words(function.control_id)
        if seen is not None:
            seen.add(function.control_id)

    def remember(self, control: Control, functions: tuple[Function, ...], *, done: bool) -> None:
        """These functions were carried out, or failed: the first uses an id up, the second by a guess only."""
        if control.unique and (done or not self._guesses.failed_ids_are_free):
            with self._lock:
                self._used.update((control.sender, one.control_id) for one in functions)

    def forget(self) -> None:
        """As when the vendor's memory ends, which nobody knows to be long."""
        with self._lock:
            self._used.clear()

    def _is_used(self, control: Control, function: Function) -> bool:
        with self._lock:
            return (control.sender, function.control_id) in self._used

    def _words(self, control_id: str) -> Refusal:
        text = f"The function with control ID {control_id} was previously executed and completed."
        return Refusal(self._guesses.duplicate_errorno, text)
