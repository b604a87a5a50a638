"""One record written into the ERP and read back, so that a kill anywhere does no harm: the walk of a deposit and of a
reversal.

A kind of record says what is asked before, what is written, what must agree and what a person is told; when it is
looked up, tried and left alone is here, once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from connector.engine import reached
from connector.errors import ConnectorError, Terminal, Transient
from connector.ports import Answer, Erp, Outcome, on_its_way_until
from connector.store import Store, Tx
from connector.store.writing import WriteState

# A write is tried, looked up and tried again this often within one run; then the next tick goes on.
ROUNDS_MAX = 3


class Written(Protocol):
    """The row of one record."""

    @property
    def id(self) -> str: ...
    @property
    def attempted_at(self) -> datetime | None: ...


class Seen(Protocol):
    """The record as the ERP holds it."""

    @property
    def erp_id(self) -> str: ...


One = TypeVar("One", bound=Written)
There = TypeVar("There", bound=Seen)
Asked = TypeVar("Asked")


class OneWrite(ABC, Generic[One, There, Asked]):
    """Carries one record to its end. Each step looks first and may run twice.

    `kind` names its points, at which tests kill the process: attempted, answered, written, read_back, closed.
    """

    kind: str

    def __init__(self, store: Store, erp: Erp, verify_installation: Callable[[], None]) -> None:
        self._store = store
        self._erp = erp
        self._verify_installation = verify_installation
        # A run recovered after a kill and the tick's own run must not work on one record at the same time.
        self._turn = threading.Lock()

    def steps(self) -> tuple[tuple[str, Callable[[str], None]], ...]:
        return (("write", self.write), ("read_back", self.read_back))

    def write(self, request: str) -> None:
        """Bring the record to stand in the ERP, or to a refusal; what stays unknown waits for the next tick."""
        with self._turn:
            for _ in range(ROUNDS_MAX):
                for one in self._at(request, WriteState.ATTEMPTED):
                    self._look(one)
                intended = self._at(request, WriteState.INTENDED)
                if not intended or not self._attempt(intended[0]):
                    return

    def read_back(self, request: str) -> None:
        """Does the ERP hold what was meant, to the minor unit?"""
        with self._turn:
            for one in self._at(request, WriteState.WRITTEN):
                seen = self._read(one)
                reached(f"{self.kind}.read_back")
                with self._store.tx() as tx:
                    if seen is None:
                        problem = "answered as made, but not found on read-back"
                        self._move(tx, one, WriteState.ATTEMPTED, problem=problem)
                    elif found := self._differences(one, seen):
                        self._differ(tx, one, found)
                    else:
                        self._close(tx, one, seen)
                reached(f"{self.kind}.closed")

    def _look(self, one: One) -> None:
        """A write was begun and its answer is not known: read back before anything is tried again.

        What stands in part is written on, but not while a first write may still be carried out.
        """
        seen = self._read(one)
        with self._store.tx() as tx:
            if seen is not None and self._is_whole(seen):
                self._move(tx, one, WriteState.WRITTEN, erp_id=seen.erp_id)
                return
            said = "not there yet" if seen is None else f"{seen.erp_id} stands, and not all of it is done"
            if until := on_its_way_until(one.attempted_at, self._erp, tx.at):
                problem = f"{said}; its write may still be carried out until {until:%Y-%m-%d %H:%M} UTC"
                self._move(tx, one, WriteState.ATTEMPTED, problem=problem)
            else:
                self._move(tx, one, WriteState.INTENDED, problem=f"looked in the ERP: {said}")

    def _attempt(self, one: One) -> bool:
        """One write. False: none may be made, or the ERP took nothing just now, so this run is over."""
        try:
            self._verify_installation()
            asked = self._ask(one)
        except ConnectorError as error:
            return self._not_now(one, error)
        with self._store.tx() as tx:
            if not self._may_write(tx, one, asked):
                return False
            self._move(tx, one, WriteState.ATTEMPTED, attempt=True)
        reached(f"{self.kind}.attempted")
        try:
            answer = self._write(one)
        except (Transient, Terminal) as error:
            return self._not_now(one, error)
        reached(f"{self.kind}.answered")
        with self._store.tx() as tx:
            tx.journal("erp_answered", act=one.id, outcome=answer.outcome, code=answer.code)
            self._take(tx, one, answer)
        reached(f"{self.kind}.written")
        return True

    def _take(self, tx: Tx, one: One, answer: Answer) -> None:
        if answer.outcome in (Outcome.CREATED, Outcome.EXISTS):
            self._move(tx, one, WriteState.WRITTEN, erp_id=answer.erp_id)
        elif answer.outcome is Outcome.REFUSED:
            self._refuse(tx, one, answer.message or answer.code)
        elif answer.outcome is Outcome.EXISTS_DIFFERENT:
            self._differ(tx, one, [answer.message])
        elif answer.message:  # it stays unknown, and the next round looks first
            self._tell_unknown(tx, one, answer.message)

    def _not_now(self, one: One, error: ConnectorError) -> bool:
        with self._store.tx() as tx:
            self._move(tx, one, WriteState.INTENDED, problem=str(error))
        return False

    def _at(self, request: str, state: WriteState) -> tuple[One, ...]:
        with self._store.read() as tx:
            return self._rows(tx, state, request.partition("#")[0])

    # ---- what a kind of record says ----

    @abstractmethod
    def _rows(self, tx: Tx, state: WriteState, act_id: str) -> tuple[One, ...]: ...

    @abstractmethod
    def _move(
        self, tx: Tx, one: One, state: WriteState, *, problem: str = "", erp_id: str = "", attempt: bool = False
    ) -> None: ...

    @abstractmethod
    def _read(self, one: One) -> There | None:
        """The record as the ERP holds it now; None: no part of it."""

    def _is_whole(self, seen: There) -> bool:
        """Is there nothing left to write of it?"""
        return True

    @abstractmethod
    def _ask(self, one: One) -> Asked:
        """What has to be asked of the ERP before a write: it was decided perhaps days ago."""

    @abstractmethod
    def _may_write(self, tx: Tx, one: One, asked: Asked) -> bool:
        """Asked in the commit before the write; one that must not be written any more is withdrawn here."""

    @abstractmethod
    def _write(self, one: One) -> Answer: ...

    @abstractmethod
    def _refuse(self, tx: Tx, one: One, why: str) -> None: ...

    @abstractmethod
    def _differ(self, tx: Tx, one: One, found: Sequence[str]) -> None: ...

    def _tell_unknown(self, tx: Tx, one: One, said: str) -> None:
        """The ERP says why it can't tell, or why it isn't whole: there may be a person who can mend that."""

    @abstractmethod
    def _differences(self, one: One, seen: There) -> Sequence[str]:
        """In what does it differ from the one that was meant?"""

    @abstractmethod
    def _close(self, tx: Tx, one: One, seen: There) -> None: ...
