"""What the gateway said of each function of one request, as values; nothing here knows how they got here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Row = dict[str, str]


class Status(StrEnum):
    """The gateway's own words for one function."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"  # another function of its transaction failed; not carried out


class Why(StrEnum):
    """What an error means for us. Anything that no rule names is OTHER: a person reads its text."""

    ROLLED_BACK = "rolled_back"  # only says that the whole transaction was undone; never a cause
    DUPLICATE_CONTROL_ID = "duplicate_control_id"  # a function of this controlid was carried out before
    DUPLICATE = "duplicate"  # a record with such a value exists
    CLOSED_PERIOD = "closed_period"
    PERMISSION = "permission"
    NOT_THERE = "not_there"
    BUSY = "busy"  # too many requests at once; not carried out
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Error:
    """One error of an answer. `text` is the vendor's sentence on one line, with its support id where it has one."""

    why: Why
    number: str  # such as BL01001973: coarse
    error_id: str  # such as GL-0493: fine, where the company tells it
    text: str
    target: str = ""  # the object and field at fault, where it is told

    @property
    def code(self) -> str:
        """The finest name of this error."""
        return self.error_id or self.number


def leading(errors: Sequence[Error]) -> Error | None:
    """The error that says why: the first that a rule knows, else the first at all.

    A refusal may come wrapped in a "could not create", before it or after it.
    """
    told = [error for error in errors if error.why is not Why.ROLLED_BACK]
    return next((error for error in told if error.why is not Why.OTHER), told[0] if told else None)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read: its own fields, and the records that it owns by the name of their collection.

    Names are in capitals; a field without a value is no key. `lines["ARPYMTDETAILS"]` are its ARPYMTDETAIL.
    """

    fields: Row
    lines: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)

    def owned(self, collection: str) -> tuple[Record, ...]:
        """The records of this collection, none where there is none."""
        return self.lines.get(collection.upper(), ())


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one function. `keys`: the RECORDNOs (custom objects: ids) that it made or changed."""

    control_id: str
    function: str
    status: Status
    keys: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    errors: tuple[Error, ...] = ()

    @property
    def is_success(self) -> bool:
        return self.status is Status.SUCCESS

    @property
    def key(self) -> str:
        """The one key, '' unless there is just one."""
        return self.keys[0] if len(self.keys) == 1 else ""

    @property
    def cause(self) -> Error | None:
        """The error that says why; None for a bystander, which at most says that all was rolled back."""
        return leading(self.errors)


@dataclass(frozen=True, slots=True)
class Results:
    """One answer for each function sent, in order.

    Both shapes of a failed transaction look alike here: the offender is the one with a cause, whether the gateway
    called the others aborted, or all of them (issue 66 of Sage's own intacct-sdk-js).
    """

    results: tuple[Result, ...]
    errors: tuple[Error, ...] = ()  # said of the operation as a whole; then no function was carried out

    @property
    def is_committed(self) -> bool:
        """Was every function carried out? Of a transaction: was it?"""
        return not self.errors and all(result.is_success for result in self.results)

    @property
    def offender(self) -> Result | None:
        """The function because of which the rest failed; None where all went well, or no answer names a cause."""
        return next((result for result in self.results if not result.is_success and result.cause is not None), None)

    @property
    def cause(self) -> Error | None:
        """Why it failed; None where all went well, or nothing says why."""
        if self.errors:
            return leading(self.errors)
        return self.offender.cause if self.offender is not None else None

    @property
    def is_repeat(self) -> bool:
        """Was it refused because one of its control ids was used before? Then read back: something may stand."""
        told = [*self.errors, *(error for result in self.results for error in result.errors)]
        return any(error.why is Why.DUPLICATE_CONTROL_ID for error in told)
