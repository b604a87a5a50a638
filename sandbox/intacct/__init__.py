"""A false Sage Intacct company: the XML gateway over HTTP, on books that keep the vendor's rules.

    Intacct(clock, sequence, faults, company="sandbox-co")  ->  .app to mount at /intacct, .profile(base_url)

The books' own methods (people.py) are what persons do in the company and what tests ask for as the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.faults import Faults, Kind
from sandbox.gate import Gate
from sandbox.intacct.books import Guesses
from sandbox.intacct.control_ids import DoorGuesses
from sandbox.intacct.door import CONCURRENCY, KINDS, Door, Late
from sandbox.intacct.gateway import GATEWAY, NODE, Gateway
from sandbox.intacct.people import People
from sandbox.intacct.sessions import Credentials, Sessions

__all__ = ["DoorGuesses", "Guesses", "Intacct"]


class Intacct(People):
    """One company with its gateway. `at_the_door` says how the gateway behaves where nobody has told us."""

    KINDS: ClassVar[frozenset[Kind]] = KINDS

    def __init__(
        self,
        clock: Callable[[], datetime],
        sequence: Callable[[str], int],
        faults: Faults,
        *,
        company: str = "sandbox-co",
        concurrency: int = CONCURRENCY,
        session_hours: float = 2,
        guesses: Guesses | None = None,
        at_the_door: DoorGuesses | None = None,
    ) -> None:
        super().__init__(clock, sequence, guesses or Guesses())
        self.company = company
        self.at_the_door = at_the_door or DoorGuesses()
        self._credentials = Credentials(company)
        self.sessions = Sessions(
            self._credentials,
            clock,
            duration=timedelta(hours=session_hours),
            has_entity=lambda location: location in self.entity_ids(),
            guesses=self.at_the_door,
        )
        self._gateway = Gateway(self, self.sessions, self.at_the_door)
        self._gate = Gate(faults, concurrency)
        self._late = Late(clock)
        door = Door(self._gate, self._gateway, self._late)
        self.app = Starlette(routes=[Route(path, endpoint=door, methods=["POST"]) for path in (GATEWAY, NODE)])

    @property
    def contract_violations(self) -> list[str]:
        """Requests that were not well formed or not as the gateway's schema has them, and secrets where none belong;
        tests hold this empty."""
        return self._gateway.violations

    def counts(self) -> dict[str, int]:
        """Requests so far, by operation: "act" for a transaction, else the name of the first function."""
        return dict(self._gate.counts)

    def counted(self) -> dict[str, int]:
        """The transactions that the vendor would bill, so far: `reads` and `writes`."""
        return {kind: self._gateway.counted[kind] for kind in ("reads", "writes")}

    def meanwhile(self, operation: str, act: Callable[[], object], nth: int = 1) -> None:
        """Somebody acts between what a client read and what it writes: just before the `nth` request of this operation
        ("act", or the name of any of its functions) from now on is carried out."""
        self._gate.meanwhile(operation, nth, act)

    def truth(self) -> dict[str, Any]:
        """What really is, with what a 524 left and the world's clock has reached by now."""
        self._late.catch_up()
        return super().truth()

    def finish_late(self) -> int:
        """Carry out at once what a 524 left to be committed later; how many requests that were."""
        return self._late.finish_all()

    def forget_control_ids(self) -> None:
        """The gateway's memory of what was carried out ends; nobody knows how long the real one is."""
        self._gateway.control_ids.forget()

    def profile(self, base_url: str) -> dict[str, Any]:
        """What a connector needs to know; `base_url` is where `.app` is mounted."""
        ours = self._credentials
        return {
            "sender_id": ours.sender_id,
            "sender_password": ours.sender_password,
            "company": ours.company,
            "user": ours.user,
            "user_password": ours.user_password,
            "url": f"{base_url}{GATEWAY}",
            "livemode": "false",
            "accounts": self.accounts,
        }
