"""Errors at the edge, in three families. Business outcomes are verdicts, not errors.

A message says what was being done, to which record, what came back, what happens next, and what to do.
The class docstring is the default message.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Something went wrong at the edge."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class Transient(ConnectorError):
    """The other side could not answer just now; the next tick tries again."""


class Terminal(ConnectorError):
    """The other side refused and will refuse again until a person changes something."""


class OutcomeUnknown(ConnectorError):
    """The answer to a write was not read; it is looked up by its id before anything is retried."""


class ConfigError(ConnectorError):
    """The settings can't be used; nothing was started."""


class StoreBusy(ConnectorError):
    """Another connector daemon holds this store; this one did not start."""


class RoleLost(StoreBusy):
    """The daemon role on this store was lost; this connector writes nothing more and ends."""


class InvariantBroken(AssertionError):
    """A promise of this program would have been broken; the tick was stopped before that."""
