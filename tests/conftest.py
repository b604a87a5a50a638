"""What holds for every test: no setting of the person who runs it, no network but this machine's own, no luck."""

from __future__ import annotations

import ipaddress
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

# Every test's traffic is held against the vendors' own schemas; a real PostgreSQL for those that ask for one.
pytest_plugins = ["tests.contracts", "tests.postgres"]

# Imported before any test: what a person has set for a real connector must not reach a test of it.
_OURS = ("ARC_PYTHON", "ARC_TEST_ERP", "ARC_TEST_STORE")
for _name in [name for name in os.environ if name.startswith(("CONNECTOR_", "ARC_", "PG")) and name not in _OURS]:
    del os.environ[_name]

# The same examples everywhere: a red build can be repeated. No deadline: the machine may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")


def _only_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        try:
            allowed = ipaddress.ip_address(host).is_loopback
        except ValueError:
            allowed = host in ("localhost", "")
        if not allowed:
            raise PermissionError(f"a test tried to reach {host}: only servers on this machine may be reached")


sys.addaudithook(_only_this_machine)


def _loggers() -> list[logging.Logger]:
    named = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in named if isinstance(logger, logging.Logger))]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command under test sends the log to its own standard error, which is closed when that test ends."""
    before = {logger: (logger.handlers[:], logger.level, logger.propagate) for logger in _loggers()}
    yield
    structlog.reset_defaults()
    for logger in _loggers():
        logger.handlers, level, logger.propagate = before.get(logger, ([], logging.NOTSET, True))
        logger.setLevel(level)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much of the kill matrix this run lived through: a point of a durable act, an ERP and a store each."""
    passed, failed = (
        len({one.nodeid for one in terminalreporter.getreports(outcome) if "test_kill_matrix.py" in one.nodeid})
        for outcome in ("passed", "failed")
    )
    if passed or failed:
        terminalreporter.write_line(f"kill matrix: {passed} of {passed + failed} cells hold")
